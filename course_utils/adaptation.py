"""What is trained: the head, the last layers, all of it, small additions; and what need not be run again.

A strategy only says which weights may move (`requires_grad`) or how fast (`lr_scale`); the loop is the same
for all. Where the lower part of a model is frozen, its output for a row never changes, so the `cache_…`
functions compute it once. They return a model that starts from there and *shares its weights* with the
original: training it trains the original, and nothing needs to be copied back.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from .batching import Rows
from .caching import (
    POOLINGS,
    GivenEmbeddings,
    GivenStates,
    cache_states,
    pool,
    run_encoder,
    sharing_copy,
)
from .errors import CourseError
from .models import embeddings_of, encoder_of, layers_of, layers_path, parts_of, prefix_of, unwrap
from .scale import did_you_mean

if TYPE_CHECKING:
    from peft import PeftModel

# --- which weights may move ------------------------------------------------------------------------------


def train_everything(model: nn.Module) -> None:
    """Full fine-tuning: every weight may move."""
    train_parts(model, set(parts_of(model)))


def train_only_head(model: nn.Module) -> None:
    """Feature extraction: the encoder stays as it was pre-trained."""
    train_last_layers(model, 0)


def train_last_layers(model: nn.Module, k: int) -> None:
    """Partial fine-tuning: the head and the `k` layers next to it."""
    count = len(layers_of(model))
    if not 0 <= k <= count:
        raise CourseError(f"k={k} layers cannot be trained: this model has {count}.")
    train_parts(model, {"head", *(f"layer {number}" for number in range(count - k + 1, count + 1))})


def train_parts(model: nn.Module, chosen: set[str]) -> None:
    """Freeze all parts of `parts_of(model)` but the chosen ones."""
    parts = parts_of(model)
    if not chosen & parts.keys():
        raise CourseError(
            f"Nothing would be trained: this {type(model).__name__} has {', '.join(parts)}. "
            "Load the model with the head of a task."
        )
    for part, parameters in parts.items():
        for parameter in parameters:
            parameter.requires_grad_(part in chosen)
            if part not in chosen:
                parameter.grad = None  # an optimizer moves whatever still has a gradient, frozen or not


def gradual_unfreezing(model: nn.Module, steps_per_stage: int) -> Callable[..., None]:
    """A `before_step` for the loop: the head first, then one more layer per stage, the embeddings last.

    Howard and Ruder, 2018 (arXiv 1801.06146). Everything is trainable when this returns, so that an optimizer
    made at the start knows every weight; it skips those that have no gradient, their decay included. What
    trains depends on the step alone, so a resumed run is in the right stage.
    """
    if steps_per_stage < 1:
        raise CourseError(f"steps_per_stage={steps_per_stage} must be at least 1.")
    train_everything(model)
    last_stage = len(layers_of(model)) + 1
    current = -1

    def before_step(step: int, _model: nn.Module | None = None) -> None:
        """Steps count from 1."""
        nonlocal current
        stage = min((step - 1) // steps_per_stage, last_stage)
        if stage != current:
            train_everything(model) if stage == last_stage else train_last_layers(model, stage)
            current = stage

    return before_step


def discriminative_groups(model: nn.Module, decay: float = 0.8) -> list[dict[str, Any]]:
    """Parameter groups whose rate shrinks by `decay` with each part further from the output.

    The head learns at the full rate, the last layer at `decay` times it, the embeddings slowest (the same
    paper). Each group: "params", "lr_scale", "name". Frozen parameters are left out.
    """
    if not 0 < decay <= 1:
        raise CourseError(
            f"decay={decay} must be above 0 and at most 1: it multiplies the rate at each layer."
        )
    layer_count = len(layers_of(model))
    depth = {"head": 0, "embeddings": layer_count + 1}
    depth |= {f"layer {number}": layer_count + 1 - number for number in range(1, layer_count + 1)}
    groups = [
        {"name": part, "params": [p for p in parameters if p.requires_grad], "lr_scale": decay ** depth[part]}
        for part, parameters in parts_of(model).items()
    ]
    return [group for group in groups if group["params"]]


# --- small additions -------------------------------------------------------------------------------------


def add_lora(
    model: nn.Module,
    rank: int = 8,
    alpha: int = 16,
    *,
    dropout: float = 0.0,
    targets: Sequence[str] | None = None,
    seed: int = 0,
) -> PeftModel:
    """Freeze the encoder; train the head and a low-rank change, alpha/rank · B·A, of the encoder's matrices.

    Hu et al., 2021 (arXiv 2106.09685). `targets` are module names such as "query"; by default every matrix
    inside the layers. The model itself is changed: go on with the one that is returned.
    """
    from peft import LoraConfig, get_peft_model
    from transformers.pytorch_utils import Conv1D

    if rank < 1:
        raise CourseError(f"rank={rank} must be at least 1.")
    inside = prefix_of(model, layers_of(model))
    matrices = {
        n: m for n, m in model.named_modules() if n.startswith(inside) and isinstance(m, nn.Linear | Conv1D)
    }
    known = sorted({name.split(".")[-1] for name in matrices})
    for target in targets or ():
        if not any(name.endswith(f".{target}") for name in matrices):
            raise CourseError(f"No matrix of the layers is called {target!r}: {did_you_mean(target, known)}")
    chosen = [
        name for name in matrices if not targets or any(name.endswith(f".{target}") for target in targets)
    ]
    own = set(map(id, parts_of(model).get("head", ())))  # a decoder tied to the embeddings is not among them
    pooler = getattr(encoder_of(model), "pooler", None)
    outside = (*model.named_children(), *([("pooler", pooler)] if pooler is not None else []))
    weights = {name: set(map(id, module.parameters())) for name, module in outside}
    head = [name for name, found in weights.items() if found and found <= own]
    config = LoraConfig(
        r=rank,
        lora_alpha=alpha,
        lora_dropout=dropout,
        target_modules=chosen,
        modules_to_save=head,
        fan_in_fan_out=isinstance(matrices[chosen[0]], Conv1D),  # GPT-2 stores its matrices transposed
    )
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # between peft and transformers: no concern of ours
        torch.manual_seed(seed)
        return get_peft_model(model, config)  # type: ignore[arg-type]


def merge_lora(model: PeftModel) -> nn.Module:
    """The plain model with the low-rank changes added into its matrices: same predictions, no extra cost."""
    return model.merge_and_unload()


# --- what need not be run again --------------------------------------------------------------------------


def cache_features(model: nn.Module, *data: Rows, batch_size: int = 32) -> tuple[Any, ...]:
    """`head, train, validation = cache_features(model, train, validation)`: run the frozen encoder once.

    Freezes all but the head. `head` is the model without its encoder; it takes the cached rows' batches, and
    its weights *are* the model's, which therefore predicts what the head predicts. For classification one
    pooled vector per row is kept; for entities, answers and masked words, every token's state. They are
    made without dropout, so training differs from a frozen encoder that runs anew with its dropout on.
    """
    _refuse_lora(model)
    train_only_head(model)
    encoder = encoder_of(model)
    head = sharing_copy(model, {str(model.base_model_prefix): GivenStates(getattr(encoder, "pooler", None))})
    pooling = _classifier_pooling(model)
    return head, *(cache_states(encoder, rows, batch_size, pooling) for rows in data)


def cache_lower_layers(model: nn.Module, *data: Rows, k: int, batch_size: int = 32) -> tuple[Any, ...]:
    """`upper, train, validation = cache_lower_layers(model, train, validation, k=2)`: run frozen layers once.

    Freezes all but the last `k` layers and the head. `upper` is those layers and the head, sharing the
    model's weights; the cached rows are what enters them. Positions need no care: ModernBERT turns queries
    and keys inside each layer, BERT's positions were added below. Not for GPT-2, which adds them outside.
    """
    _refuse_lora(model)
    encoder, layers, path = encoder_of(model), layers_of(model), layers_path(model)
    if not hasattr(encoder, "embeddings"):
        raise CourseError(
            f"The lower layers of {type(model).__name__} cannot be cached: it adds positions outside "
            "its embeddings. Use cache_features, or an encoder."
        )
    if not 1 <= k <= len(layers):
        raise CourseError(
            f"k={k} layers cannot be trained on cached ones: this model has {len(layers)}, and k=0 is "
            "cache_features."
        )
    train_last_layers(model, k)
    below: dict[str, nn.Module] = {path: layers[: len(layers) - k]}
    if hasattr(encoder, "final_norm"):  # it follows the last layer, not the cut
        below["final_norm"] = nn.Identity()
    lower = sharing_copy(encoder, below)
    above = {"embeddings": GivenEmbeddings(), path: layers[len(layers) - k :]}
    upper = sharing_copy(model, {f"{model.base_model_prefix}.{name}": part for name, part in above.items()})
    return upper, *(cache_states(lower, rows, batch_size, pooling=None) for rows in data)


def hidden_states(model: nn.Module, data: Rows, pooling: str = "mean", *, batch_size: int = 32) -> np.ndarray:
    """One vector per row after the embeddings and after each layer: (layers + 1, rows, hidden), float32."""
    if pooling not in POOLINGS:
        raise CourseError(f"There is no pooling {pooling!r}: {did_you_mean(pooling, POOLINGS)}")
    layers, hidden = len(layers_of(model)), embeddings_of(model)[0].weight.shape[1]
    result = np.empty((layers + 1, len(data), hidden), dtype=np.float32)
    for indices, batch, output in run_encoder(encoder_of(model), data, batch_size, output_hidden_states=True):
        vectors = torch.stack(
            [pool(states, batch["attention_mask"], pooling) for states in output.hidden_states]
        )
        result[:, indices] = vectors.float().cpu().numpy()
    return result


def _classifier_pooling(model: nn.Module) -> str | None:
    """How the model's own classification head pools; None for heads that look at every token."""
    if not type(model).__name__.endswith("ForSequenceClassification"):
        return None
    if hasattr(model, "score"):  # what transformers calls the head of a decoder, which reads the last token
        return "last"
    return getattr(model.config, "classifier_pooling", "cls")


def _refuse_lora(model: nn.Module) -> None:
    if unwrap(model) is not model:
        raise CourseError(
            "A LoRA model changes in every layer, so nothing of it can be cached: call merge_lora first."
        )
