"""What is minimised. A loss is a sum over targets, the labels that are not -100: the loop divides.

A mean per batch would give a batch with few targets as much weight as one with many, and accumulating two
batches would not equal one batch of both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from .batching import IGNORED, Batch, Rows
from .errors import CourseError

Loss = Callable[[nn.Module, Batch], torch.Tensor]  # (model, batch) -> sum over the batch's targets


def count_targets(batch: Batch) -> int:
    """How many labels the loss sums over."""
    if "labels" not in batch:
        raise CourseError("The rows carry no labels, so there is no loss; encode a labelled split.")
    return int((batch["labels"] != IGNORED).sum())


def without_labels(batch: Batch) -> Batch:
    """What the model is given. The loss is computed here, not in the model, which would take a mean."""
    return {name: tensor for name, tensor in batch.items() if name != "labels"}


@dataclass(frozen=True)
class OutputLoss:
    """A loss that needs only the model's output: evaluation takes it from the logits that it has anyway."""

    of_output: Callable[[Any, Batch], torch.Tensor]

    def __call__(self, model: nn.Module, batch: Batch) -> torch.Tensor:
        return self.of_output(model(**without_labels(batch)), batch)


def loss_for(kind: str, label_smoothing: float = 0.0) -> Loss:
    """The loss of a kind of task: "classification", "entities", "answers", "translation", or of a pre-training
    objective: "masked_lm", "next_sentence", "causal_lm", "seq2seq_lm". Labels of a causal LM are shifted already, and
    a batch for an encoder-decoder says what its decoder reads (`batching.shift_right`).
    """

    def of_labels(output: Any, batch: Batch) -> torch.Tensor:
        logits, labels = output.logits, batch["labels"]  # (…, classes), (…)
        return _cross_entropy_sum(logits.flatten(0, -2), labels.flatten(), label_smoothing)

    def of_spans(output: Any, batch: Batch) -> torch.Tensor:
        first, last = span_logits(output, batch).unbind(-1)  # (batch, time) each
        return _cross_entropy_sum(first, batch["labels"][:, 0]) + _cross_entropy_sum(
            last, batch["labels"][:, 1]
        )

    def of_masked(model: Any, batch: Batch) -> torch.Tensor:
        """Only the masked positions go through the large vocabulary layer: nearly half the work saved."""
        masked = batch["labels"] != IGNORED  # (batch, time)
        head = _vocabulary_head(model)
        if head is None:
            logits = model(**without_labels(batch)).logits[masked]
        else:
            hidden = model.base_model(**without_labels(batch)).last_hidden_state  # (batch, time, hidden)
            logits = head(hidden[masked])  # (targets, vocab)
        return _cross_entropy_sum(logits, batch["labels"][masked], label_smoothing)

    if kind == "answers" and label_smoothing:
        raise CourseError(
            f"label_smoothing={label_smoothing} would spread answers over padding; set it to 0 for answers."
        )
    losses: dict[str, Loss] = {
        "classification": OutputLoss(of_labels),
        "entities": OutputLoss(of_labels),
        "answers": OutputLoss(of_spans),
        "masked_lm": of_masked,
        "next_sentence": OutputLoss(of_labels),
        "causal_lm": OutputLoss(of_labels),
        "seq2seq_lm": OutputLoss(of_labels),
        "translation": OutputLoss(of_labels),
    }
    if kind not in losses:
        raise CourseError(
            f"There is no loss for {kind!r}; use one of {', '.join(losses)}, or pass a function."
        )
    return losses[kind]


def span_logits(output: Any, batch: Batch) -> torch.Tensor:
    """(batch, time, 2): how well the answer starts, and ends, at each token; never in the padding."""
    logits = torch.stack([output.start_logits, output.end_logits], dim=-1).float()
    if "attention_mask" not in batch:
        return logits
    return logits.masked_fill(batch["attention_mask"][..., None] == 0, torch.finfo(logits.dtype).min)


def _cross_entropy_sum(logits: torch.Tensor, labels: torch.Tensor, smoothing: float = 0.0) -> torch.Tensor:
    # In single precision always: a sum of exponentials has no room in 16 bits.
    return cross_entropy(
        logits.float(), labels, ignore_index=IGNORED, reduction="sum", label_smoothing=smoothing
    )


def _vocabulary_head(model: Any) -> Callable[[torch.Tensor], torch.Tensor] | None:
    """What turns hidden states into vocabulary logits; None where this library knows no such part."""
    from transformers import PreTrainedModel

    has_parts = isinstance(model, PreTrainedModel) and model.base_model is not model
    if not has_parts:
        return None
    if hasattr(model, "head") and hasattr(model, "decoder"):  # ModernBERT
        return lambda hidden: model.decoder(model.head(hidden))
    for name in ("cls", "lm_head"):  # BERT; RoBERTa and most others
        if hasattr(model, name):
            return getattr(model, name)
    return None


def resolve_loss(loss: str | Loss | None, data: Rows, label_smoothing: float = 0.0) -> Loss:
    """A loss from its name, from a function, or from the kind of the data."""
    if loss is None:
        loss = getattr(data, "kind", "classification")
    if isinstance(loss, str):
        return loss_for(loss, label_smoothing)
    if label_smoothing:
        raise CourseError(
            f"label_smoothing={label_smoothing} is for the built-in losses; put it into your own function."
        )
    return loss
