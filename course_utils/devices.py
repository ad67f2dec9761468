"""Where a run takes place: device, precision and processes, through `accelerate`; and what memory it has there.

One process shares nothing and waits for nobody, so the loop reads the same on a laptop and on several GPUs.
"""

from __future__ import annotations

import gc
import os
import sys
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from .batching import IGNORED, Batch
from .errors import CourseError
from .losses import Loss

if TYPE_CHECKING:
    from accelerate import Accelerator


def open_accelerator(precision: str, model: nn.Module) -> Accelerator:
    """Device, processes and precision."""
    from accelerate import Accelerator, DistributedDataParallelKwargs, PartialState
    from accelerate.state import AcceleratorState

    no_gpu = not (torch.cuda.is_available() or torch.backends.mps.is_available())
    device = PartialState(cpu=no_gpu).device.type
    if precision == "auto":
        precision = automatic_precision(device, model)
    if precision == "fp16" and _overflows_fp16(model):
        raise CourseError(
            'precision="fp16" would end in a loss of nan: activations of T5 overflow it; use "auto", "fp32" or "bf16".'
        )
    if precision == "fp16" and device != "cuda":
        raise CourseError(
            'precision="fp16" needs a CUDA GPU, and there is none here; use "auto", "fp32" or "bf16".'
        )
    if precision == "fp16" and any(p.dtype == torch.float16 for p in model.parameters()):
        raise CourseError(
            "The weights are float16 and cannot be updated safely; load the model with dtype=torch.float32."
        )
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()  # for `memory_report`
    mixed_precision = "no" if precision == "fp32" else precision
    # The state is kept per process and refuses another precision. Only then, since a run in another thread reads it.
    if AcceleratorState._shared_state.get("_mixed_precision", mixed_precision) != mixed_precision:
        AcceleratorState._reset_state()
    accelerator = Accelerator(
        cpu=no_gpu,
        mixed_precision=mixed_precision,
        # Some models have parts that a task does not use, as a pooler: do not wait for their gradients.
        kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=True)],
    )
    started = int(os.environ.get("WORLD_SIZE", "1"))
    if accelerator.num_processes < started:
        raise CourseError(
            f"{started} processes were started and this one would train alone: make no Accelerator() or PartialState() "
            "before training, or say there, too, that there is no GPU (cpu=True)."
        )
    return accelerator


def automatic_precision(device: str, model: nn.Module | None = None) -> str:
    """What `precision="auto"` means on a device ("cuda", "cpu", "mps"), by what it can do.

    bf16 where a GPU computes in it (from Ampere on), else fp16, but never for T5; fp32 elsewhere.
    """
    if device != "cuda":
        return "fp32"
    if torch.cuda.is_bf16_supported(including_emulation=False):
        return "bf16"
    return "fp32" if model is not None and _overflows_fp16(model) else "fp16"


def _overflows_fp16(model: nn.Module) -> bool:
    """T5 and its kin were trained in bf16; their feed-forward parts give numbers above 65,504."""
    return "t5" in getattr(getattr(model, "config", None), "model_type", "")


class Objective(nn.Module):
    """Model and loss as one module: `accelerate` wraps this one, and the learner's model stays as it is."""

    def __init__(self, model: nn.Module, loss: Loss) -> None:
        super().__init__()
        self.model, self.loss = model, loss

    def forward(self, batch: Batch) -> torch.Tensor:
        return self.loss(self.model, batch)


def recompute_activations(model: nn.Module, wanted: bool) -> None:
    """Keep what enters each layer, and compute the rest again in the backward pass (Chen et al. 2016, 1604.06174)."""
    end = "enable" if wanted else "disable"  # of a name that changes with the version of transformers
    old = getattr(model, f"gradient_checkpointing_{end}", None)
    switch = getattr(model, f"activation_checkpointing_{end}", old)
    if switch is None:
        raise CourseError(
            f"gradient_checkpointing=True needs a model of `transformers`, and this is a {type(model).__name__}: "
            "set it to False, and make the batches smaller and accumulate more of them."
        )
    # Not reentrant: that kind finds no gradient where the lower layers are frozen.
    switch(*[{"use_reentrant": False}] * wanted)


def prepared(
    objective: nn.Module, accelerator: Accelerator, may_unfreeze: bool, compiled: bool = False
) -> nn.Module:
    """On its device and, with several processes, exchanging gradients, also of what is unfrozen later."""
    trainable = [parameter.requires_grad for parameter in objective.parameters()]
    if may_unfreeze and accelerator.num_processes > 1:
        objective.requires_grad_(True)  # the exchange takes note, once and here, of what can have a gradient
    ready = accelerator.prepare_model(objective)
    for parameter, was_trainable in zip(objective.parameters(), trainable, strict=True):
        parameter.requires_grad_(was_trainable)
    if compiled:
        ready.compile(dynamic=True)  # once for batches of all shapes
    return ready


def share_of(batch: Batch, accelerator: Accelerator) -> Batch:
    """This process's rows of the batch. All processes share each batch: their number changes no result."""
    rank, processes = accelerator.process_index, accelerator.num_processes
    if processes > 1 and rank < len(batch["labels"]):
        batch = {name: tensor[rank::processes] for name, tensor in batch.items()}
    elif processes > 1:  # fewer rows than processes: this one computes along, and counts nothing
        batch = {name: tensor[:1].clone() for name, tensor in batch.items()}
        batch["labels"].fill_(IGNORED)
    return to_device(batch, accelerator.device)


def total_of(value: torch.Tensor, accelerator: Accelerator) -> torch.Tensor:
    """The sum over all processes."""
    return value if accelerator.num_processes == 1 else accelerator.reduce(value, reduction="sum")


def to_device(batch: Batch, device: torch.device) -> Batch:
    if device.type == "cpu":
        return batch
    if device.type == "cuda":  # only from pinned memory does the program go on while the GPU copies
        batch = {name: tensor if tensor.is_cuda else tensor.pin_memory() for name, tensor in batch.items()}
    return {name: tensor.to(device, non_blocking=True) for name, tensor in batch.items()}


def seed_step(accelerator: Accelerator, seed: int, step: int) -> None:
    """`torch.manual_seed`, but for the CPU and this device only: seeding all that might exist costs 0.15 ms.

    Each step has its own seed, so a run can continue from any step; processes drop different units.
    """
    key = np.random.SeedSequence((seed, step, accelerator.process_index))
    step_seed = int(key.generate_state(1, np.uint64)[0]) >> 1
    torch.default_generator.manual_seed(step_seed)
    if accelerator.device.type != "cpu":
        torch.get_device_module(accelerator.device).manual_seed(step_seed)


# ---------------------------------------------------------------- memory

# Beside torch.OutOfMemoryError: MPS, the CPU's allocator and cuBLAS each say it in a RuntimeError of their own.
_OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "CUBLAS_STATUS_ALLOC_FAILED")


class RowsAtOnce:
    """How many rows go through the model at a time: a whole batch, and fewer from when memory has run out.

    The update stays the same to rounding, since the gradient of a sum over targets is the sum of the pieces'.
    """

    def __init__(self, accelerator: Accelerator) -> None:
        self.accelerator = accelerator
        self.limit: int | None = None

    def run(self, compute: Callable[[list[Batch]], torch.Tensor], batches: list[Batch]) -> torch.Tensor | None:
        """`compute` on the batches, or on pieces of them. None if memory ran out: the next call takes smaller ones."""
        pieces = [piece for batch in batches for piece in _pieces(batch, self.limit)]
        try:
            return compute(pieces)
        except RuntimeError as error:
            known = isinstance(error, torch.OutOfMemoryError)
            if not known and not any(sign in str(error) for sign in _OUT_OF_MEMORY):
                raise
        # Here, not above: while the error is handled, its traceback keeps all activations alive.
        rows, shape = max((len(piece["labels"]), tuple(next(iter(piece.values())).shape)) for piece in pieces)
        self._halve(rows, shape)
        gc.collect()
        if self.accelerator.device.type != "cpu":
            torch.get_device_module(self.accelerator.device).empty_cache()
        return None

    def _halve(self, rows: int, shape: tuple[int, ...]) -> None:
        remedies = "set gradient_checkpointing=True, encode with a smaller max_length, or train LoRA or fewer layers"
        if rows == 1:
            raise CourseError(f"Memory ran out with a single row of shape {shape[1:]}: {remedies}.")
        if self.accelerator.num_processes > 1:  # the others wait for this one's gradients, and know nothing
            raise CourseError(
                f"Memory ran out in process {self.accelerator.process_index} of {self.accelerator.num_processes}: "
                f"halve batch_size and double accumulate, which gives the same updates; else {remedies}."
            )
        self.limit = (rows + 1) // 2
        warnings.warn(
            f"Memory ran out with {rows} rows at a time, so from now on {self.limit} go through the model and their "
            "gradients are added up: slower, and the same update to rounding, since the loss is a sum over targets "
            "divided by the targets of the whole step (dropout, if there is any, drops other units).",
            stacklevel=4,
        )


def _pieces(batch: Batch, rows: int | None) -> list[Batch]:
    """The batch's rows, so many at a time. Its padding stays: what a batch hides or draws must not change."""
    n = len(batch["labels"])
    if rows is None or rows >= n:
        return [batch]
    return [{name: tensor[i : i + rows] for name, tensor in batch.items()} for i in range(0, n, rows)]


def memory_report() -> str:
    """The most memory that tensors held since the last run began (CUDA), or this process since it started."""
    if torch.cuda.is_available():
        held, reserved = torch.cuda.max_memory_allocated(), torch.cuda.max_memory_reserved()
        total = torch.cuda.get_device_properties(torch.cuda.current_device()).total_memory
        return (
            f"GPU memory: tensors held at most {held / 2**30:.2f} of {total / 2**30:.2f} GB, "
            f"{reserved / 2**30:.2f} GB were set aside for them"
        )
    import psutil

    process = psutil.Process().memory_info()
    held = getattr(process, "peak_wset", process.rss)  # Windows knows the peak
    if sys.platform != "win32":
        import resource

        held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return f"Memory: this process held at most {held / 2**30:.2f} of {psutil.virtual_memory().total / 2**30:.2f} GB"


def is_first_process() -> bool:
    """Is this the process of its machine that shows a bar?"""
    return int(os.environ.get("LOCAL_RANK", "0")) == 0


def has_reader() -> bool:
    """Is there a notebook or a terminal to show a bar in?"""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return getattr(shell, "kernel", None) is not None or sys.stderr.isatty()
