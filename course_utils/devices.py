"""Where a run takes place: device, precision and processes, through `accelerate`.

One process shares nothing and waits for nobody, so the loop reads the same on a laptop and on several GPUs.
"""

from __future__ import annotations

import os
import sys
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
    """Device, processes and precision: bf16 where the GPU has it, else fp16 (never for T5), fp32 on a CPU."""
    from accelerate import Accelerator, DistributedDataParallelKwargs, PartialState
    from accelerate.state import AcceleratorState

    no_gpu = not (torch.cuda.is_available() or torch.backends.mps.is_available())
    on_cuda = PartialState(cpu=no_gpu).device.type == "cuda"
    if precision == "auto":
        half = half_precision() if on_cuda else "fp32"
        # The activations of T5 overflow fp16.
        is_t5 = "t5" in getattr(getattr(model, "config", None), "model_type", "")
        precision = half if on_cuda and not (is_t5 and half == "fp16") else "fp32"
    if precision == "fp16" and not on_cuda:
        raise CourseError(
            'precision="fp16" needs a CUDA GPU, and there is none here; use "auto", "fp32" or "bf16".'
        )
    if precision == "fp16" and any(p.dtype == torch.float16 for p in model.parameters()):
        raise CourseError(
            "The weights are float16 and cannot be updated safely; load the model with dtype=torch.float32."
        )
    AcceleratorState._reset_state()  # kept per process, it would refuse a second run with another precision
    return Accelerator(
        cpu=no_gpu,
        mixed_precision="no" if precision == "fp32" else precision,
        # Some models have parts that a task does not use, as a pooler: do not wait for their gradients.
        kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=True)],
    )


def half_precision() -> str:
    """What this CUDA GPU computes in at half the width: bf16 where it can (from Ampere on), else fp16."""
    return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"


class Objective(nn.Module):
    """Model and loss as one module: `accelerate` wraps this one, and the learner's model stays as it is."""

    def __init__(self, model: nn.Module, loss: Loss) -> None:
        super().__init__()
        self.model, self.loss = model, loss

    def forward(self, batch: Batch) -> torch.Tensor:
        return self.loss(self.model, batch)


def prepared(objective: nn.Module, accelerator: Accelerator, may_unfreeze: bool) -> nn.Module:
    """On its device and, with several processes, exchanging gradients, also of what is unfrozen later."""
    trainable = [parameter.requires_grad for parameter in objective.parameters()]
    if may_unfreeze and accelerator.num_processes > 1:
        objective.requires_grad_(True)  # the exchange takes note, once and here, of what can have a gradient
    ready = accelerator.prepare_model(objective)
    for parameter, was_trainable in zip(objective.parameters(), trainable, strict=True):
        parameter.requires_grad_(was_trainable)
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
    return {name: tensor.to(device, non_blocking=True) for name, tensor in batch.items()}


def seed_step(accelerator: Accelerator, seed: int, step: int) -> None:
    """`torch.manual_seed`, but for the CPU and this device only: seeding all that might exist costs 0.15 ms.

    Each step has its own seed, so a run can continue from any step; processes drop different units.
    """
    key = np.random.SeedSequence((seed, step, accelerator.process_index))
    step_seed = int(key.generate_state(1, np.uint64)[0] >> 1)
    torch.default_generator.manual_seed(step_seed)
    if accelerator.device.type != "cpu":
        torch.get_device_module(accelerator.device).manual_seed(step_seed)


def has_reader() -> bool:
    """Is there a notebook or a terminal to show a bar in, and is this the process that shows it?"""
    if int(os.environ.get("LOCAL_RANK", "0")) > 0:
        return False
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return getattr(shell, "kernel", None) is not None or sys.stderr.isatty()
