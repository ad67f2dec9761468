"""What a model costs: parameters, memory and arithmetic, estimated from its configuration alone.

No weight is loaded and nothing is asked of the network: `CATALOGUE` holds the configurations that the
published checkpoints have. Parameters are counted exactly, on PyTorch's meta device, which gives tensors
shapes and no storage. Memory and arithmetic are formulas, each in one function with its units and its source;
`kept_for_backward` and `measure_peak` are what they are held against.

Units: bytes unless a name says otherwise, 1 GiB = 2**30 bytes; one FLOP is one addition or multiplication.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from .errors import CourseError
from .scale import did_you_mean

if TYPE_CHECKING:
    import pandas as pd
    from torch import nn
    from transformers import PreTrainedConfig

GIB = 2**30
# A T4 is sold with 16 GB and reports about 15 GiB; the driver and its libraries take a part of that.
T4_GIB = 15.0
BYTES = {"fp32": 4, "fp16": 2, "bf16": 2, "int8": 1, "int4": 0.5}

TRAINS = ("full", "last 2 layers", "LoRA", "head", "nothing")
PRECISIONS = ("fp32", "mixed")


# ---------------------------------------------------------------- the catalogue


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """A published checkpoint: how it was pre-trained, its shape, its licence, and where that is written."""

    name: str
    year: int
    objective: str
    architecture: str  # "encoder" | "decoder" | "encoder-decoder"
    tokenizer: str
    licence: str
    source: str  # paper and checkpoint
    config_class: str  # in transformers
    settings: dict[str, Any]  # what differs from that class's defaults
    kept_hidden: float  # activations kept for backward, per token and layer, in units of the hidden size
    kept_inner: float  # the same, in units of the feed-forward block's inner size
    kept_scores: float = 0  # … of heads × length: 3 where dropout acts on attention weights, else 0


_LLAMA = {"attention_bias": False, "tie_word_embeddings": True}
# Shapes as in the config.json of the checkpoint that `source` names. The `kept_…` figures come from the
# operations of the layer's code, one by one; tests hold them against what autograd keeps.
CATALOGUE: dict[str, ModelFacts] = {
    facts.name: facts
    for facts in (
        ModelFacts(
            name="BERT base", year=2018, objective="masked LM + next sentence", architecture="encoder",
            tokenizer="WordPiece, uncased", licence="Apache-2.0", config_class="BertConfig",
            source="arXiv 1810.04805; google-bert/bert-base-uncased",
            settings={"vocab_size": 30522, "hidden_size": 768, "num_hidden_layers": 12,
                      "num_attention_heads": 12, "intermediate_size": 3072},
            kept_hidden=10, kept_inner=2, kept_scores=3,
        ),
        ModelFacts(
            name="BERT large", year=2018, objective="masked LM + next sentence", architecture="encoder",
            tokenizer="WordPiece, uncased", licence="Apache-2.0", config_class="BertConfig",
            source="arXiv 1810.04805; google-bert/bert-large-uncased",
            settings={"vocab_size": 30522, "hidden_size": 1024, "num_hidden_layers": 24,
                      "num_attention_heads": 16, "intermediate_size": 4096},
            kept_hidden=10, kept_inner=2, kept_scores=3,
        ),
        ModelFacts(
            name="RoBERTa base", year=2019, objective="masked LM", architecture="encoder",
            tokenizer="byte-level BPE", licence="MIT", config_class="RobertaConfig",
            source="arXiv 1907.11692; FacebookAI/roberta-base",
            settings={"vocab_size": 50265, "max_position_embeddings": 514, "type_vocab_size": 1,
                      "layer_norm_eps": 1e-5},
            kept_hidden=10, kept_inner=2, kept_scores=3,
        ),
        ModelFacts(
            name="DistilBERT", year=2019, objective="masked LM + distillation", architecture="encoder",
            tokenizer="WordPiece, uncased", licence="Apache-2.0", config_class="DistilBertConfig",
            source="arXiv 1910.01108; distilbert/distilbert-base-uncased",
            settings={"vocab_size": 30522, "dim": 768, "n_layers": 6, "n_heads": 12, "hidden_dim": 3072},
            kept_hidden=9, kept_inner=2, kept_scores=3,
        ),
        ModelFacts(
            name="GPT-2", year=2019, objective="causal LM", architecture="decoder",
            tokenizer="byte-level BPE", licence="MIT", config_class="GPT2Config",
            source="Radford et al. 2019; openai-community/gpt2",
            settings={"vocab_size": 50257, "n_embd": 768, "n_layer": 12, "n_head": 12, "n_positions": 1024},
            kept_hidden=10, kept_inner=5, kept_scores=3,  # its GELU is written out, and keeps its parts
        ),
        ModelFacts(
            name="T5 small", year=2019, objective="span corruption + tasks as text",
            architecture="encoder-decoder", tokenizer="unigram (SentencePiece)", licence="Apache-2.0",
            config_class="T5Config", source="arXiv 1910.10683; google-t5/t5-small",
            settings={"vocab_size": 32128, "d_model": 512, "num_layers": 6, "num_heads": 8, "d_ff": 2048},
            kept_hidden=16, kept_inner=3, kept_scores=4.5,
        ),
        ModelFacts(
            name="T5 base", year=2019, objective="span corruption + tasks as text",
            architecture="encoder-decoder", tokenizer="unigram (SentencePiece)", licence="Apache-2.0",
            config_class="T5Config", source="arXiv 1910.10683; google-t5/t5-base",
            settings={"vocab_size": 32128, "d_model": 768, "num_layers": 12, "num_heads": 12, "d_ff": 3072},
            kept_hidden=16, kept_inner=3, kept_scores=4.5,
        ),
        ModelFacts(
            name="ModernBERT base", year=2024, objective="masked LM", architecture="encoder",
            tokenizer="byte-level BPE", licence="Apache-2.0", config_class="ModernBertConfig",
            source="arXiv 2412.13663; answerdotai/ModernBERT-base",
            settings={"vocab_size": 50368, "hidden_size": 768, "num_hidden_layers": 22,
                      "num_attention_heads": 12, "intermediate_size": 1152},
            kept_hidden=10, kept_inner=4,
        ),
        ModelFacts(
            name="SmolLM2 135M", year=2024, objective="causal LM", architecture="decoder",
            tokenizer="byte-level BPE", licence="Apache-2.0", config_class="LlamaConfig",
            source="arXiv 2502.02737; HuggingFaceTB/SmolLM2-135M",
            settings={"vocab_size": 49152, "hidden_size": 576, "num_hidden_layers": 30,
                      "num_attention_heads": 9, "num_key_value_heads": 3, "intermediate_size": 1536,
                      "max_position_embeddings": 8192, **_LLAMA},
            kept_hidden=8.7, kept_inner=4,
        ),
        ModelFacts(
            name="Llama 3.2 1B", year=2024, objective="causal LM", architecture="decoder",
            tokenizer="byte-level BPE", licence="Llama 3.2 Community", config_class="LlamaConfig",
            source="arXiv 2407.21783; meta-llama/Llama-3.2-1B",
            settings={"vocab_size": 128256, "hidden_size": 2048, "num_hidden_layers": 16,
                      "num_attention_heads": 32, "num_key_value_heads": 8, "intermediate_size": 8192,
                      "max_position_embeddings": 131072, **_LLAMA},
            kept_hidden=8.5, kept_inner=4,
        ),
        ModelFacts(
            name="mini-encoder", year=2026, objective="masked LM", architecture="encoder",
            tokenizer="WordPiece, cased", licence="CC0-1.0", config_class="ModernBertConfig",
            source="course_utils/checkpoints/mini-encoder",
            settings={"hidden_size": 128, "num_hidden_layers": 4,
                      "num_attention_heads": 4, "intermediate_size": 192, "max_position_embeddings": 512},
            kept_hidden=10, kept_inner=4,
        ),
    )
}  # fmt: skip


def facts_of(name: str) -> ModelFacts:
    """The catalogue's entry. Raises CourseError naming near ones."""
    if name not in CATALOGUE:
        raise CourseError(f"The catalogue has no model {name!r}: {did_you_mean(name, list(CATALOGUE))}")
    return CATALOGUE[name]


def config_of(name: str, **changes: Any) -> PreTrainedConfig:
    """The configuration of a model of the catalogue, with `changes`; a new one at each call."""
    import transformers

    facts = facts_of(name)
    if name == "mini-encoder":
        shipped = Path(__file__).parent / "checkpoints" / name / "config.json"
        # The file itself: its vocabulary changes when the checkpoint is trained anew.
        values = json.loads(shipped.read_text(encoding="utf-8"))
        return transformers.ModernBertConfig(**(values | changes))
    return getattr(transformers, facts.config_class)(**(facts.settings | changes))


def instantiate(name: str, auto: str = "AutoModel", *, real: bool = False, **changes: Any) -> nn.Module:
    """The model at its true size with random weights; on the meta device (no memory at all) unless `real`.

    `auto` is the auto class, such as "AutoModelForMaskedLM"; `changes` are settings of the configuration.
    """
    import torch
    import transformers

    config = config_of(name, **changes)
    if real:
        return getattr(transformers, auto).from_config(config)
    with torch.device("meta"):
        return getattr(transformers, auto).from_config(config)


# ---------------------------------------------------------------- parameters


@dataclass(frozen=True)
class Shape:
    """What the formulas need to know of a model without its head. All counts are of single numbers."""

    hidden: int
    layers: int  # the decoder's counted too
    heads: int
    inner: int  # of the feed-forward block
    vocabulary: int
    parameters: int  # a shared table counts once
    lookup: int  # of them in embedding tables, which are read and not multiplied

    @property
    def matrices(self) -> int:
        """Parameters that every token is multiplied by."""
        return self.parameters - self.lookup

    @property
    def per_layer(self) -> float:
        return self.matrices / self.layers


@lru_cache(maxsize=64)
def shape_of(name: str) -> Shape:
    """The shape of a model of the catalogue, counted on the meta device.

    BERT's and RoBERTa's pooler counts as part of the model, as it does in their published sizes.
    """
    from torch import nn

    config: Any = config_of(name)
    model = instantiate(name)

    def setting(*keys: str) -> int:
        return next(int(value) for key in keys if (value := getattr(config, key, None)))

    hidden = setting("hidden_size", "d_model")
    tables = {id(m.weight): m.weight.numel() for m in model.modules() if isinstance(m, nn.Embedding)}
    decoder = setting("num_decoder_layers") if facts_of(name).architecture == "encoder-decoder" else 0
    # GPT-2 leaves the inner size open and means four times the hidden size.
    inner = setting("intermediate_size", "d_ff", "hidden_dim") if config.model_type != "gpt2" else 4 * hidden
    return Shape(
        hidden=hidden,
        layers=setting("num_hidden_layers", "num_layers") + decoder,
        heads=setting("num_attention_heads"),
        inner=inner,
        vocabulary=setting("vocab_size"),
        parameters=sum(p.numel() for p in model.parameters()),  # `parameters()` names a shared one once
        lookup=sum(tables.values()),
    )


def trained_parameters(name: str, trains: str = "full", *, rank: int = 8) -> tuple[float, float]:
    """How many parameters there are, LoRA's additions included, and how many of them move.

    "LoRA" adds rank · (inputs + outputs) to every matrix inside the layers (Hu et al., 2021, arXiv
    2106.09685, section 4.1). The head is left out: on a classifier it is a few thousand weights.
    """
    if trains not in TRAINS:
        raise CourseError(f"There is no way of training {trains!r}: {did_you_mean(trains, TRAINS)}")
    shape = shape_of(name)
    if trains == "LoRA":
        added = rank * _matrix_edges(name)
        return shape.parameters + added, added
    share = {"full": shape.parameters, "last 2 layers": min(2, shape.layers) * shape.per_layer}
    return shape.parameters, share.get(trains, 0)


@lru_cache(maxsize=64)
def _matrix_edges(name: str) -> int:
    """Inputs plus outputs, summed over the matrices inside the layers."""
    from torch import nn
    from transformers.pytorch_utils import Conv1D

    model = instantiate(name)
    inside = [
        module
        for path, module in model.named_modules()
        if isinstance(module, nn.Linear | Conv1D) and "pooler" not in path
    ]
    return sum(sum(module.weight.shape) for module in inside)


# ---------------------------------------------------------------- memory


@dataclass(frozen=True)
class Memory:
    """An estimate in bytes. Activations and gradients are not at their largest together: see `peak`."""

    weights: float
    moments: float
    gradients: float
    activations: float

    @property
    def total(self) -> float:
        """The sum of the four: what accumulation needs, whose gradients stay while the next batch runs."""
        return self.weights + self.moments + self.gradients + self.activations

    @property
    def peak(self) -> float:
        """Backward frees activations layer by layer while it makes gradients: the larger of the two counts."""
        return self.weights + self.moments + max(self.gradients, self.activations)

    @property
    def gib(self) -> float:
        return self.peak / GIB


def activation_bytes(
    name: str, batch: int, length: int, *, trains: str = "full", precision: str = "fp32"
) -> float:
    """What the layers keep for the backward pass, in bytes.

    Per token and layer: a·hidden + b·inner + c·heads·length numbers. For BERT with dropout Korthikanti et al.
    (2022, arXiv 2205.05198, section 4.1) count 34·hidden + 5·heads·length bytes in 16 bits, which is the
    same: 17 (or 18) times hidden at inner = 4·hidden, and dropout masks that are stored in one byte. Where attention
    is fused and has no dropout the last term vanishes. Frozen layers below the lowest trained one keep nothing.
    """
    facts, shape = facts_of(name), shape_of(name)
    depth = {"full": shape.layers, "LoRA": shape.layers, "last 2 layers": min(2, shape.layers)}.get(trains, 0)
    numbers = facts.kept_hidden * shape.hidden + facts.kept_inner * shape.inner
    numbers += facts.kept_scores * shape.heads * length
    return batch * length * depth * numbers * (4 if precision == "fp32" else MIXED_BYTES)


# In mixed precision products are kept in 16 bits; norms, masks and residual sums in part in 32. `kept_for_backward`
# under CPU autocast gave 3.0 for BERT and 2.3 for ModernBERT: the larger, so as not to promise too much.
MIXED_BYTES = 3.0


def memory(
    name: str,
    *,
    batch: int = 16,
    length: int = 128,
    trains: str = "full",
    precision: str = "fp32",
    rank: int = 8,
) -> Memory:
    """What one step of AdamW takes, in bytes; with `trains="nothing"`, what reading takes.

    For each trained parameter 4 bytes of weight, 4 of gradient and 8 for AdamW's two running averages: 16 in all
    (Rajbhandari et al., 2020, arXiv 1910.02054, section 3.1, count the same for mixed precision with 16-bit
    gradients). A frozen one has its weight only. "mixed" is what `torch.autocast` does: weights stay
    in 32 bits (the master copy), and a copy in 16 bits is made for the products, so it saves on activations and
    not on states. "nothing" reads in 16 bits if `precision` is "mixed".
    """
    if precision not in PRECISIONS:
        raise CourseError(f"There is no precision {precision!r}: {did_you_mean(precision, PRECISIONS)}")
    if min(batch, length, rank) < 1:
        raise CourseError(f"batch={batch}, length={length} and rank={rank} must each be at least 1.")
    held, moving = trained_parameters(name, trains, rank=rank)
    if trains == "nothing":
        shape = shape_of(name)
        width = 4 if precision == "fp32" else 2
        # One layer at a time: its input and output, and the inner layer of the feed-forward block.
        passing = batch * length * (2 * shape.hidden + 2 * shape.inner) * width
        return Memory(held * width, 0, 0, passing)
    copies = 2 * shape_of(name).matrices if precision == "mixed" else 0
    kept = activation_bytes(name, batch, length, trains=trains, precision=precision)
    return Memory(weights=4 * held + copies, moments=8 * moving, gradients=4 * moving, activations=kept)


def fits(estimate: Memory, gib: float = T4_GIB) -> bool:
    """Whether the estimate is below `gib` GiB."""
    return estimate.gib <= gib


# ---------------------------------------------------------------- arithmetic and time


def forward_flops(name: str, length: int = 128, *, lm_head: bool = False) -> float:
    """FLOPs per token of reading: 2 for each weight of a matrix, and 4·length·hidden a layer for attention.

    Kaplan et al., 2020 (arXiv 2001.08361, section 2.1). Embedding tables are looked up, not multiplied; a head over
    the vocabulary is. For an encoder-decoder: a token that passes both halves, as if both texts had `length`.
    """
    shape = shape_of(name)
    head = shape.hidden * shape.vocabulary if lm_head else 0
    return 2 * (shape.matrices + head) + 4 * length * shape.hidden * shape.layers


def step_flops(name: str, length: int = 128, *, trains: str = "full") -> float:
    """FLOPs per token of training: backward costs a forward for inputs' gradients, and one for weights'.

    Full: 2 + 2 + 2 = 6 for each weight. LoRA: 2 + 2, since frozen weights need no gradient of their own and pass
    one on. Last layers: 2 for all, 4 more for those that train. Head only, and reading: 2.
    """
    if trains not in TRAINS:
        raise CourseError(f"There is no way of training {trains!r}: {did_you_mean(trains, TRAINS)}")
    forward, shape = forward_flops(name, length), shape_of(name)
    backward = {"full": 2.0, "LoRA": 1.0, "last 2 layers": 2.0 * min(2, shape.layers) / shape.layers}
    return forward * (1 + backward.get(trains, 0.0))


# ---------------------------------------------------------------- measured


def make_batch(model: nn.Module, batch: int, length: int, seed: int = 0) -> dict[str, Any]:
    """Random token ids (batch, length) for the model; twice for an encoder-decoder."""
    import torch

    config: Any = model.config
    random = torch.Generator().manual_seed(seed)
    ids = torch.randint(5, config.vocab_size, (batch, length), generator=random)
    arguments: dict[str, Any] = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    if config.is_encoder_decoder:
        arguments["decoder_input_ids"] = ids
    if hasattr(config, "use_cache"):
        arguments["use_cache"] = False
    return arguments


def kept_for_backward(model: nn.Module, batch: int, length: int) -> int:
    """Bytes that autograd keeps after one forward pass of this model in training mode; weights left out.

    Every tensor that it saves passes through a hook; storage that two of them share counts once.
    """
    import torch

    ours = {tensor.untyped_storage()._cdata for tensor in (*model.parameters(), *model.buffers())}
    kept: dict[int, Any] = {}

    def note(tensor: Any) -> Any:
        storage = tensor.untyped_storage()
        if storage._cdata not in ours:
            kept[storage._cdata] = storage  # held on to, so that no address is used twice
        return tensor

    model.train()
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        output = model(**make_batch(model, batch, length))
    total = sum(storage.nbytes() for storage in kept.values())
    del output
    return total


def measure_peak(
    name: str, *, batch: int = 8, length: int = 64, trains: str = "full", seconds: float = 300
) -> int:
    """Bytes by which real steps of AdamW raise the highest memory of a process of their own (fp32, CPU).

    The process imports everything, notes its memory, builds the model, takes a tiny step that makes the
    optimizer's averages, and then the step that is asked for. Raises CourseError where it fails.
    """
    facts_of(name)
    request = json.dumps({"name": name, "batch": batch, "length": length, "trains": trains})
    # Large blocks go back to the system as soon as they are free: what is measured is need, not habit.
    environment = os.environ | {"MALLOC_MMAP_THRESHOLD_": "65536", "TRANSFORMERS_VERBOSITY": "error"}
    command = [sys.executable, "-c", f"from course_utils import budget; budget._child({request!r})"]
    folder = str(Path(__file__).parent.parent)
    try:
        done = subprocess.run(
            command, env=environment, cwd=folder, capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise CourseError(f"{name} took longer than {seconds:g} seconds: take a smaller batch.") from error
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise CourseError(f"The step of {name} failed in its own process ({last}): take a smaller batch.")
    return int(done.stdout.strip().splitlines()[-1])


def _child(request: str) -> None:
    """What `measure_peak` runs: prints one number, bytes."""
    import torch

    from . import adaptation

    wanted = json.loads(request)
    torch.manual_seed(0)
    torch.set_num_threads(1)
    warm = torch.nn.Linear(8, 8)  # libraries load on first use, and their memory is not the model's
    torch.optim.AdamW(warm.parameters(), fused=True)
    torch.nn.functional.cross_entropy(warm(torch.ones(2, 8)), torch.tensor([0, 1])).backward()
    is_encoder = facts_of(wanted["name"]).architecture == "encoder"
    auto = "AutoModelForSequenceClassification" if is_encoder else "AutoModel"
    instantiate("mini-encoder", real=True)

    before = _peak_of_process(reset=True)
    model = instantiate(wanted["name"], auto, real=True)
    if wanted["trains"] == "LoRA":
        model = adaptation.add_lora(model)
    elif wanted["trains"] in ("last 2 layers", "head"):
        adaptation.train_last_layers(model, 0 if wanted["trains"] == "head" else 2)
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=1e-5, fused=True)
    model.train()
    for rows, length in ((1, 8), (wanted["batch"], wanted["length"])):
        output = model(**make_batch(model, rows, length))
        loss = (output.logits if "logits" in output else output.last_hidden_state).square().mean()
        del output
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    print(_peak_of_process() - before)


def _peak_of_process(*, reset: bool = False) -> int:
    """The highest resident memory of this process so far, in bytes; `reset` starts anew where the system can."""
    if sys.platform == "win32":
        import psutil

        return psutil.Process().memory_info().peak_wset
    status = Path("/proc/self/status")
    if status.exists():
        if reset:  # the mark falls to what is held now
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # macOS counts in bytes


def measure_speed(model: nn.Module, *, batch: int = 4, length: int = 64, repeat: int = 3) -> float:
    """Tokens per second of reading, the best of `repeat` passes after one that warms up."""
    import torch

    inputs = make_batch(model, batch, length)
    model.eval()
    best = float("inf")
    with torch.inference_mode():
        model(**inputs)
        for _ in range(repeat):
            started = perf_counter()
            model(**inputs)
            best = min(best, perf_counter() - started)
    return batch * length / best


def comparison(names: list[str] | None = None, *, batch: int = 16, length: int = 128) -> pd.DataFrame:
    """One row a model: facts, millions of parameters, GiB of memory by what trains, MFLOPs per token."""
    import pandas as pd

    rows = []
    for name in names or list(CATALOGUE):
        facts, shape = facts_of(name), shape_of(name)
        row = {
            "model": name,
            "architecture": facts.architecture,
            "objective": facts.objective,
            "tokenizer": facts.tokenizer,
            "parameters (M)": round(shape.parameters / 1e6, 1),
            "share looked up": round(shape.lookup / shape.parameters, 2),
            "MFLOPs per token": round(forward_flops(name, length) / 1e6),
        }
        for trains in ("nothing", "LoRA", "last 2 layers", "full"):
            label = "read" if trains == "nothing" else trains
            row[f"{label} (GiB)"] = round(memory(name, batch=batch, length=length, trains=trains).gib, 2)
        rows.append(row)
    return pd.DataFrame(rows).set_index("model")
