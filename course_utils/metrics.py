"""Scores, computed here and with no network; the loop uses these while it trains.

`evaluate_metrics` has the same scores as `evaluate.Metric` classes over scikit-learn, seqeval
and sacrebleu; those libraries take seconds to import, and tests hold the two equal.
All scores are shares from 0 to 1, except BLEU and chrF, which are by custom from 0 to 100.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .decoding import answer_spans, entity_spans, source_rows, trimmed, word_tags
from .errors import CourseError

if TYPE_CHECKING:
    from .batching import EncodedRows
    from .data import Task

Scores = dict[str, float]

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


def _check_pairs(predictions: Sequence | np.ndarray, references: Sequence | np.ndarray) -> None:
    if len(predictions) != len(references):
        raise CourseError(
            f"{len(predictions)} predictions and {len(references)} references: give one for each"
        )
    if len(predictions) == 0:
        raise CourseError("There are no rows to score: check the split and its filters")


def classification_scores(
    predictions: Sequence[int] | np.ndarray, references: Sequence[int] | np.ndarray
) -> Scores:
    """Accuracy, and macro F1: the plain mean of the F1 of each class that is met, rare classes counting alike."""
    _check_pairs(predictions, references)
    predicted, wanted = np.asarray(predictions), np.asarray(references)
    classes = np.union1d(predicted, wanted)[:, None]  # (classes, 1)
    right = ((predicted == wanted) & (wanted == classes)).sum(1)
    given, there = (predicted == classes).sum(1), (wanted == classes).sum(1)
    return {
        "accuracy": float((predicted == wanted).mean()),
        "macro_f1": float((2 * right / (given + there)).mean()),
    }


def entity_scores(predictions: Sequence[Sequence[str]], references: Sequence[Sequence[str]]) -> Scores:
    """F1, precision and recall of whole entities, and `f1_KIND` for each kind; tags are strict IOB2.

    An entity is right when its kind and both its ends are. A score without any entity is 0.
    """
    _check_pairs(predictions, references)
    right: Counter[str] = Counter()  # by kind
    given, there = right.copy(), right.copy()
    for row, (predicted, wanted) in enumerate(zip(predictions, references, strict=True)):
        if len(predicted) != len(wanted):
            raise CourseError(
                f"Row {row}: {len(predicted)} predicted tags and {len(wanted)} wanted: give one per word"
            )
        predicted_spans, wanted_spans = set(entity_spans(predicted)), set(entity_spans(wanted))
        given.update(kind for kind, _, _ in predicted_spans)
        there.update(kind for kind, _, _ in wanted_spans)
        right.update(kind for kind, _, _ in predicted_spans & wanted_spans)
    return {
        "f1": 2 * right.total() / max(1, given.total() + there.total()),
        "precision": right.total() / max(1, given.total()),
        "recall": right.total() / max(1, there.total()),
        **{f"f1_{kind}": 2 * right[kind] / (given[kind] + there[kind]) for kind in sorted(given | there)},
    }


def normalise_answer(text: str) -> str:
    """As SQuAD compares answers: lower case, no ASCII punctuation, no articles, single spaces."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_NO_PUNCTUATION)).split())


def answer_scores(predictions: Sequence[str], references: Sequence[Sequence[str]]) -> Scores:
    """Exact match and word F1, each against the nearest of a row's accepted answers; none accepted means "".

    Rules of SQuAD 1.1 and 2.0 (Rajpurkar et al. 2016, 2018: https://arxiv.org/abs/1806.03822).
    """
    _check_pairs(predictions, references)
    exact, f1 = 0.0, 0.0
    for predicted, accepted in zip(predictions, references, strict=True):
        answers = [answer for answer in accepted if normalise_answer(answer)] or [""]
        exact += max(normalise_answer(predicted) == normalise_answer(answer) for answer in answers)
        f1 += max(_word_f1(predicted, answer) for answer in answers)
    return {"exact_match": exact / len(predictions), "f1": f1 / len(predictions)}


def _word_f1(predicted: str, answer: str) -> float:
    given, wanted = normalise_answer(predicted).split(), normalise_answer(answer).split()
    if not given or not wanted:
        return float(given == wanted)
    return 2 * (Counter(given) & Counter(wanted)).total() / (len(given) + len(wanted))


def translation_scores(predictions: Sequence[str], references: Sequence[str]) -> Scores:
    """Corpus BLEU and chrF by sacrebleu. `evaluate_metrics.TranslationScores` gives their signatures, too."""
    _check_pairs(predictions, references)
    from sacrebleu import corpus_bleu, corpus_chrf

    given, wanted = list(predictions), [list(references)]
    return {"bleu": corpus_bleu(given, wanted).score, "chrf": corpus_chrf(given, wanted).score}


# ---------------------------------------------------------------- for the loop


@dataclass(frozen=True)
class TaskMetric:
    """Scores a model's logits on encoded rows of a task: `evaluate(model, data, metric=metric_for(task))`.

    What `max_length` cut off counts as missed: entities and answers are compared with the rows, not with what
    of them was encoded.
    """

    kind: str
    text: str
    label: str
    label_names: tuple[str, ...]
    no_answer: bool = False  # answers: may a row have none?

    def __call__(self, logits: np.ndarray, data: EncodedRows) -> Scores:
        return _FROM_LOGITS[self.kind](self, logits, data)


def metric_for(task: Task) -> TaskMetric:
    """The metric of a task: accuracy and macro_f1 · f1 of entities, and of each kind · exact_match and f1."""
    if task.kind not in _FROM_LOGITS:
        raise CourseError(
            f"Task {task.name!r} is of kind {task.kind!r}, whose outputs are texts: "
            "write them with predict_translations and score them with translation_scores"
        )
    no_answer = task.kind == "answers" and any(
        not answers["text"] for answers in task.rows["train"][task.label]
    )
    return TaskMetric(task.kind, task.text, task.label, task.label_names, no_answer)


def _classification(metric: TaskMetric, logits: np.ndarray, data: EncodedRows) -> Scores:
    assert data.labels is not None  # rows of a task have labels
    return classification_scores(logits.argmax(-1), data.labels)


def _entities(metric: TaskMetric, logits: np.ndarray, data: EncodedRows) -> Scores:
    ids = data.rows.select(source_rows(data))[metric.label][:]
    wanted = [[metric.label_names[i] for i in row] for row in ids]
    predicted, _ = word_tags(logits, data, metric.label_names, map(len, wanted))
    return entity_scores(predicted, wanted)


def _answers(metric: TaskMetric, logits: np.ndarray, data: EncodedRows) -> Scores:
    spans = answer_spans(logits, data, no_answer=metric.no_answer)
    rows = data.rows.select(list(spans))
    texts = []
    for context, span in zip(rows[metric.text], spans.values(), strict=True):
        span = trimmed(context, span)
        texts.append(context[span.start : span.end])
    return answer_scores(texts, [answers["text"] for answers in rows[metric.label]])


_FROM_LOGITS: Mapping[str, Callable[[TaskMetric, np.ndarray, EncodedRows], Scores]] = {
    "classification": _classification,
    "entities": _entities,
    "answers": _answers,
}
