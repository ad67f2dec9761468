"""What a model has learned: loss and metrics on rows, and its logits in their order."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn

from .batching import Batch, EncodedRows, Rows, batches_by_length
from .devices import to_device
from .errors import CourseError
from .losses import Loss, OutputLoss, count_targets, resolve_loss, span_logits, without_labels
from .models import check_vocabulary, learned_positions, unwrap

# Tokens in a batch of prediction, padding counted. On a CPU small batches pad less and still fill two
# cores; a GPU wants large ones.
CPU_TOKENS, GPU_TOKENS = 1_024, 16_384
# (logits as `predict_logits` gives them, data) -> values by name
Metric = Callable[[Any, Any], dict[str, float]]


def evaluate(
    model: nn.Module,
    data: Rows,
    *,
    metric: Metric | Any = None,
    loss: str | Loss | None = None,
    batch_size: int | None = None,
    token_budget: int | None = None,
) -> dict[str, float]:
    """The mean loss over all targets, and metrics.

    Without a metric: accuracy, the share of targets (of answers: of whole spans) that are right. A metric is
    `metric(logits, data) -> dict`, with logits as `predict_logits` gives them, or, for classification, an
    object with `.compute(predictions=…, references=…)`, like the metrics of the library `evaluate`.
    """
    loss = resolve_loss(loss, data)
    check_encoding(model, data)
    logits: list[np.ndarray] = []
    n_targets = n_answers = 0
    total: Any = 0.0  # and `right`: tensors soon, read once at the end, so that no batch waits for a device
    right: Any = 0
    order, lengths = _prediction_order(data, batch_size, token_budget), data.lengths
    with evaluating(model) as device, torch.inference_mode():
        for indices in order:
            batch = to_device(data.batch(indices), device)
            n_targets += count_targets(batch)
            if not isinstance(loss, OutputLoss):  # a loss that asks the model in its own way
                total += loss(model, batch)
                continue
            output = model(**without_labels(batch))
            total += loss.of_output(output, batch)
            if metric is not None:
                logits += _logits_of_rows(output, batch, lengths[indices])
            else:
                hits, answers = _count_right(output, batch)
                right, n_answers = right + hits, n_answers + answers
    if not n_targets:
        raise CourseError(
            "The rows carry no targets, so there is nothing to measure; encode a labelled split."
        )
    values = {"loss": float(total) / n_targets}
    if metric is None:
        return values | ({"accuracy": float(right) / n_answers} if n_answers else {})
    if logits:
        in_order = _original_order(logits, order)
    else:
        in_order = predict_logits(model, data, batch_size=batch_size, token_budget=token_budget)
    compute = getattr(metric, "compute", None)
    if compute is None:
        return values | metric(in_order, data)
    labels = getattr(data, "labels", None)
    if labels is None or not len(in_order) == len(labels) == len(data):
        raise CourseError(
            "This metric has .compute for one label a row; for other tasks pass metric(logits, data) -> dict."
        )
    return values | compute(predictions=in_order.argmax(-1), references=labels)


def predict_logits(
    model: nn.Module, data: Rows, *, batch_size: int | None = None, token_budget: int | None = None
) -> np.ndarray:
    """The model's logits in the order of the rows, as one array of float32.

    One label a row: (rows, classes). One label a token: (all tokens, classes), laid end to end like
    `data.input_ids`, so that row i is `[offsets[i]:offsets[i + 1]]`. Answers: (all tokens, 2), start and end.
    Rows of like length share a batch, which spares most of the padding.
    """
    check_encoding(model, data)
    if getattr(data, "kind", None) == "translation":
        raise CourseError("A translation is written token by token: use generation.generate.")
    order, lengths = _prediction_order(data, batch_size, token_budget), data.lengths
    logits: list[np.ndarray] = []
    with evaluating(model) as device, torch.inference_mode():
        for indices in order:
            batch = to_device(data.batch(indices), device)
            logits += _logits_of_rows(model(**without_labels(batch)), batch, lengths[indices])
    return _original_order(logits, order)


def check_encoding(model: nn.Module, data: Rows) -> None:
    """Raise CourseError if rows of token ids are not for this model: ids of other words, or too many of them.

    Rows that ask their questions of encoded rows (`pretraining.objectives`) are looked into. Cached rows hold no ids.
    """
    from transformers import PreTrainedModel

    parts = getattr(data, "__dict__", {})  # not getattr: cached rows answer for their source
    encoded = data if isinstance(data, EncodedRows) else parts.get("rows")
    if not isinstance(encoded, EncodedRows) or len(encoded.input_ids) == 0:
        encoded = None
    vocabulary = getattr(getattr(model, "config", None), "vocab_size", math.inf)
    if encoded is not None and encoded.input_ids.max() >= vocabulary:
        raise CourseError(
            f"The rows hold token id {encoded.input_ids.max()} but the model knows {vocabulary} tokens; "
            "encode them with the tokenizer that belongs to the model."
        )
    plain = unwrap(model)
    if not isinstance(plain, PreTrainedModel):
        return
    tokenizer = parts.get("tokenizer") or getattr(encoded, "tokenizer", None)
    if tokenizer is not None:
        check_vocabulary(plain, tokenizer)
    start = getattr(plain.config, "decoder_start_token_id", None)
    if encoded is not None and encoded.label_offsets is not None and start not in (None, encoded.decoder_start):
        raise CourseError(
            f"The decoder of {type(plain).__name__} reads token {start} first and the rows begin with "
            f"{encoded.decoder_start}; encode them with decoder_start={start}."
        )
    positions = learned_positions(plain)
    if encoded is None or positions is None:
        return
    # A causal LM does not read the last token of a row: it is a label only.
    longest = encoded.lengths.max() - (data is not encoded and getattr(data, "kind", "") == "causal_lm")
    if longest > positions:
        raise CourseError(
            f"A row has {longest} tokens and the model has positions for {positions}; "
            f"encode with max_length={positions} or less."
        )


@torch.inference_mode()
def _logits_of_rows(output: Any, batch: Batch, lengths: np.ndarray) -> list[np.ndarray]:
    """One array a row: (classes,), or (tokens of the row, classes) without its padding."""
    logits = span_logits(output, batch) if hasattr(output, "start_logits") else output.logits
    rows = list(logits.float().cpu().numpy())
    return rows if logits.ndim == 2 else [row[:length] for row, length in zip(rows, lengths, strict=True)]


def _original_order(logits: list[np.ndarray], order: list[np.ndarray]) -> np.ndarray:
    in_order = [logits[i] for i in np.argsort(np.concatenate(order))]
    return np.stack(in_order) if in_order[0].ndim == 1 else np.concatenate(in_order)


def _count_right(output: Any, batch: Batch) -> tuple[torch.Tensor, int]:
    """How many answers are right, and how many there are. A span is right when both its ends are."""
    labels = batch["labels"]
    if hasattr(output, "start_logits"):
        return (span_logits(output, batch).argmax(dim=1) == labels).all(dim=-1).sum(), len(labels)
    return (output.logits.argmax(dim=-1) == labels).sum(), count_targets(batch)


def _prediction_order(data: Rows, batch_size: int | None, token_budget: int | None) -> list[np.ndarray]:
    if len(data) == 0:
        raise CourseError("There are no rows to predict; check the split and its filters.")
    if batch_size is not None and token_budget is not None:
        raise CourseError(f"Give batch_size={batch_size} or token_budget={token_budget}, not both.")
    if batch_size is None and token_budget is None:
        token_budget = GPU_TOKENS if torch.cuda.is_available() else CPU_TOKENS
    return batches_by_length(data.lengths, batch_size=batch_size, token_budget=token_budget)


@contextmanager
def evaluating(model: nn.Module) -> Iterator[torch.device]:
    """No dropout; afterwards every part of the model is in the mode it was in."""
    # One by one, since .train() would also switch on what was frozen.
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield next(model.parameters()).device
    finally:
        for module, mode in modes:
            module.training = mode
