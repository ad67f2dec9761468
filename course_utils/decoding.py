"""From logits back to tags and spans. NumPy only; metrics and prediction both decode here.

Logits come as `evaluation.predict_logits` gives them: laid end to end like `data.input_ids`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .batching import EncodedRows

OUTSIDE = "O"
LONGEST_ANSWER = 30  # tokens


def softmax(logits: np.ndarray, axis: int = -1) -> np.ndarray:
    """Probabilities along an axis, in double precision, safe for large logits."""
    shifted = np.asarray(logits, dtype=np.float64)
    exponentials = np.exp(shifted - shifted.max(axis=axis, keepdims=True))
    return exponentials / exponentials.sum(axis=axis, keepdims=True)


def source_rows(data: EncodedRows) -> np.ndarray:
    """For each encoded row, the row of `data.rows` that it came from."""
    return np.arange(len(data)) if data.row_of is None else data.row_of


# ---------------------------------------------------------------- entities


def entity_spans(tags: Sequence[str]) -> list[tuple[str, int, int]]:
    """The entities in IOB2 tags as `(kind, first word, last word + 1)`.

    Strict: an entity begins with B-, and goes on while I- of the same kind follows. An I-
    that continues nothing is no entity.
    """
    spans: list[tuple[str, int, int]] = []
    for i, tag in enumerate(tags):
        mark, _, kind = tag.partition("-")
        if mark == "B":
            spans.append((kind, i, i + 1))
        elif mark == "I" and spans and spans[-1][2] == i and spans[-1][0] == kind:
            spans[-1] = (kind, spans[-1][1], i + 1)
    return spans


def word_tags(
    logits: np.ndarray, data: EncodedRows, names: Sequence[str], word_counts: Iterable[int]
) -> tuple[list[list[str]], list[np.ndarray]]:
    """The best tag of every word and its probability, a list and an array for each encoded row.

    `word_counts` gives the words of each row. Words beyond `max_length` were never seen: they
    get O, with probability 0.
    """
    assert data.words is not None, "rows encoded for entities"
    probabilities = softmax(logits)  # (tokens, tags)
    best = probabilities.argmax(-1)
    tags, certainty = [], []
    for begin, end, count in zip(data.offsets, data.offsets[1:], word_counts, strict=False):
        words = data.words[begin:end]  # the word that starts at each token, else −1
        token = begin + np.flatnonzero(words >= 0)
        row_tags, row_certainty = [OUTSIDE] * count, np.zeros(count)
        for t, word in zip(token, words[words >= 0], strict=True):
            row_tags[word] = names[best[t]]
        row_certainty[words[words >= 0]] = probabilities[token, best[token]]
        tags.append(row_tags)
        certainty.append(row_certainty)
    return tags, certainty


# ---------------------------------------------------------------- answers


@dataclass(frozen=True)
class Span:
    """An answer as characters of its context; `start == end == 0` says that there is none."""

    start: int
    end: int
    score: float  # probability of first times that of last token, in the window that has it


def not_here(logits: np.ndarray, data: EncodedRows) -> dict[int, float]:
    """For each row, the probability that it has no answer: the smallest that one of its windows gives its first token."""
    found: dict[int, float] = {}
    for window, row in enumerate(source_rows(data).tolist()):
        first, last = softmax(logits[data.offsets[window] : data.offsets[window + 1]], axis=0)[0]
        found[row] = min(found.get(row, 1.0), float(first * last))
    return found


def margin(span: Span, nowhere: float) -> float:
    """The log-probability of a span, less that of "not here"."""
    tiny = np.finfo(float).tiny
    return float(np.log(max(span.score, tiny)) - np.log(max(nowhere, tiny)))


def answer_spans(
    logits: np.ndarray, data: EncodedRows, *, longest: int = LONGEST_ANSWER, no_answer: bool = False,
    threshold: float = 0.0,
) -> dict[int, Span]:  # fmt: skip
    """The best answer for each row of `data.rows` that was encoded, over all its windows.

    A span begins no later than it ends, lies in the context and has at most `longest` tokens.
    Windows are compared by probability, not by logit: a window without the answer puts its
    probability on the first token, which says "not here". With `no_answer`, a row has none where the `margin`
    of its best span is below `threshold`: at 0, where "not here" is likelier in every window.
    """
    assert data.spans is not None, "rows encoded for answers"
    found: dict[int, Span] = {}
    for window, row in enumerate(source_rows(data).tolist()):
        tokens = slice(data.offsets[window], data.offsets[window + 1])
        first, last = softmax(logits[tokens], axis=0).T  # (time,) each
        spans = data.spans[tokens]  # (time, 2), −1 outside the context
        in_context = spans[:, 0] >= 0
        ends = np.pad(np.where(in_context, last, 0.0), (0, longest - 1))
        ends = np.lib.stride_tricks.sliding_window_view(ends, longest)  # (time, longest)
        scores = np.where(in_context, first, 0.0)[:, None] * ends  # [i, d]: from token i to token i + d
        i, d = np.unravel_index(scores.argmax(), scores.shape)
        score = float(scores[i, d])
        if in_context[i] and (row not in found or score > found[row].score):
            found[row] = Span(int(spans[i, 0]), int(spans[i + d, 1]), score)
        found.setdefault(row, Span(0, 0, 0.0))  # a window without context
    if no_answer:
        nowhere = not_here(logits, data)
        found = {
            row: span if margin(span, nowhere[row]) >= threshold else Span(0, 0, nowhere[row])
            for row, span in found.items()
        }
    return found


def trimmed(context: str, span: Span) -> Span:
    """The span without the space that some tokenizers count to the word after it."""
    text = context[span.start : span.end]
    start = span.start + len(text) - len(text.lstrip())
    return Span(start, max(start, span.start + len(text.rstrip())), span.score)
