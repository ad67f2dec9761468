"""The course's scores as `evaluate.Metric` classes, over scikit-learn, seqeval and sacrebleu.

`evaluate.load` fetches its code from the network; these are classes, so they work without one and
combine with others through `evaluate.combine`. Importing this module takes seconds: `metrics` has
plain functions with the same names of scores.
"""

from __future__ import annotations

from typing import Any

import datasets
import evaluate

from .errors import CourseError
from .metrics import answer_scores

Scores = dict[str, Any]


class CourseMetric(evaluate.Metric):
    """A metric that says in one sentence that it was given nothing."""

    def compute(self, *, predictions: Any = None, references: Any = None, **options: Any) -> Scores:
        """The scores, from these rows or, without them, from those that were added."""
        if predictions is not None and len(predictions) == 0:
            raise CourseError("There are no rows to score: check the split and its filters")
        if predictions is None and self.writer is None:
            raise CourseError("No rows were added: call add_batch first, or give predictions and references")
        return super().compute(predictions=predictions, references=references, **options)


def _info(description: str, citation: str, predictions: Any, references: Any) -> evaluate.MetricInfo:
    features = datasets.Features(predictions=predictions, references=references)
    return evaluate.MetricInfo(description=description, citation=citation, features=features)


class Accuracy(CourseMetric):
    """Accuracy and macro F1 of class numbers, by scikit-learn."""

    def _info(self) -> evaluate.MetricInfo:
        number = datasets.Value("int64")
        return _info("accuracy and macro F1", "https://scikit-learn.org", number, number)

    def _compute(self, predictions: list[int], references: list[int]) -> Scores:
        from sklearn.metrics import accuracy_score, f1_score

        return {
            "accuracy": float(accuracy_score(references, predictions)),
            "macro_f1": float(f1_score(references, predictions, average="macro")),
        }


class EntityF1(CourseMetric):
    """F1 of whole entities in strict IOB2, overall and by kind, by seqeval."""

    def _info(self) -> evaluate.MetricInfo:
        tags = datasets.Sequence(datasets.Value("string"))
        return _info("entity F1, strict IOB2", "https://github.com/chakki-works/seqeval", tags, tags)

    def _compute(self, predictions: list[list[str]], references: list[list[str]]) -> Scores:
        if not any(tag != "O" for rows in (predictions, references) for row in rows for tag in row):
            return {"f1": 0.0, "precision": 0.0, "recall": 0.0}  # where seqeval fails
        from seqeval.metrics import classification_report
        from seqeval.scheme import IOB2

        report = classification_report(
            references, predictions, mode="strict", scheme=IOB2, output_dict=True, zero_division=0
        )
        overall = report.pop("micro avg")
        by_kind = {
            f"f1_{kind}": float(row["f1-score"]) for kind, row in report.items() if not kind.endswith(" avg")
        }
        scores = {"f1": overall["f1-score"], "precision": overall["precision"], "recall": overall["recall"]}
        return {name: float(score) for name, score in scores.items()} | by_kind


class AnswerScores(CourseMetric):
    """Exact match and word F1 by the rules of SQuAD. References are lists of accepted answers."""

    def _info(self) -> evaluate.MetricInfo:
        text = datasets.Value("string")
        return _info(
            "exact match and word F1", "https://arxiv.org/abs/1806.03822", text, datasets.Sequence(text)
        )

    def _compute(self, predictions: list[str], references: list[list[str]]) -> Scores:
        return dict(answer_scores(predictions, references))


class TranslationScores(CourseMetric):
    """Corpus BLEU and chrF by sacrebleu, with the signatures that say how they were computed."""

    def _info(self) -> evaluate.MetricInfo:
        text = datasets.Value("string")
        return _info("BLEU and chrF", "https://github.com/mjpost/sacrebleu", text, text)

    def _compute(self, predictions: list[str], references: list[str]) -> Scores:
        from sacrebleu.metrics import BLEU, CHRF

        scores: Scores = {}
        for name, metric in (("bleu", BLEU()), ("chrf", CHRF())):
            scores[name] = metric.corpus_score(list(predictions), [list(references)]).score
            scores[f"{name}_signature"] = str(metric.get_signature())
        return scores


METRICS = {
    "classification": Accuracy,
    "entities": EntityF1,
    "answers": AnswerScores,
    "translation": TranslationScores,
}


def evaluate_metric(kind: str) -> evaluate.Metric:
    """The `evaluate.Metric` of a kind of task, with `.compute(predictions=…, references=…)`."""
    if kind not in METRICS:
        raise CourseError(f"There is no metric for {kind!r}: use one of {', '.join(METRICS)}")
    return METRICS[kind]()
