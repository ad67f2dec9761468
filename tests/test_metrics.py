"""Our scores equal those of scikit-learn, seqeval and the rules of SQuAD, on any input."""

import subprocess
import sys
import warnings

import numpy as np
import pytest
from helpers_tiny import TAGS, answer_task, entity_task, tiny_tokenizer
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils.batching import encode
from course_utils.decoding import entity_spans
from course_utils.errors import CourseError
from course_utils.metrics import (
    answer_scores,
    classification_scores,
    entity_scores,
    metric_for,
    normalise_answer,
    translation_scores,
)

few = settings(max_examples=60, deadline=None)
tag_rows = st.lists(
    st.lists(st.tuples(st.sampled_from(TAGS), st.sampled_from(TAGS)), min_size=1, max_size=8),
    min_size=1,
    max_size=5,
)


@few
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=30))
def test_classification_equals_scikit_learn(pairs):
    from sklearn.metrics import accuracy_score, f1_score

    predictions, references = zip(*pairs, strict=True)
    ours = classification_scores(predictions, references)
    assert ours["accuracy"] == pytest.approx(accuracy_score(references, predictions))
    assert ours["macro_f1"] == pytest.approx(f1_score(references, predictions, average="macro"))


@few
@given(tag_rows)
def test_entities_equal_seqeval_in_strict_iob2(rows):
    from seqeval.metrics import classification_report
    from seqeval.scheme import IOB2

    predictions = [[p for p, _ in row] for row in rows]
    references = [[r for _, r in row] for row in rows]
    ours = entity_scores(predictions, references)
    if not any(entity_spans(row) for row in [*predictions, *references]):
        assert ours == {"f1": 0, "precision": 0, "recall": 0}  # where seqeval fails
        return
    with warnings.catch_warnings(action="ignore"):
        report = classification_report(
            references, predictions, mode="strict", scheme=IOB2, output_dict=True, zero_division=0
        )
    total = report["micro avg"]
    assert (ours["f1"], ours["precision"], ours["recall"]) == pytest.approx(
        (total["f1-score"], total["precision"], total["recall"])
    )
    assert {k: v for k, v in ours.items() if k.startswith("f1_")} == pytest.approx(
        {f"f1_{kind}": row["f1-score"] for kind, row in report.items() if not kind.endswith(" avg")}
    )


def test_an_entity_with_one_wrong_end_is_wrong():
    gold = [["B-PER", "I-PER", "O", "B-LOC"]]
    scores = entity_scores([["B-PER", "O", "O", "B-LOC"]], gold)
    assert scores == {"f1": 0.5, "precision": 0.5, "recall": 0.5, "f1_LOC": 1.0, "f1_PER": 0.0}
    assert entity_scores(gold, gold)["f1"] == 1.0


@pytest.mark.parametrize(
    ("predicted", "accepted", "exact", "f1"),
    [
        ("The Old Bridge.", ["old bridge"], 1, 1),
        ("in Oslo", ["Oslo", "Bergen"], 0, 2 / 3),
        ("Oslo", ["Bergen", "OSLO!"], 1, 1),
        ("", ["Oslo"], 0, 0),
        ("", [], 1, 1),
        ("Oslo", [], 0, 0),
        ("the", ["Oslo"], 0, 0),
        ("red red car", ["red car red red"], 0, 6 / 7),
        ("don't", ["dont"], 1, 1),
    ],
)
def test_answers_by_the_rules_of_squad(predicted, accepted, exact, f1):
    assert answer_scores([predicted], [accepted]) == pytest.approx({"exact_match": exact, "f1": f1})


@few
@given(st.text(max_size=30), st.lists(st.text(max_size=30), max_size=3))
def test_answer_scores_hold_their_laws(predicted, accepted):
    scores = answer_scores([predicted], [accepted])
    assert 0 <= scores["exact_match"] <= scores["f1"] <= 1
    if normalise_answer(predicted):
        assert answer_scores([predicted], [[*accepted, predicted]])["exact_match"] == 1


def test_translation_scores():
    perfect = translation_scores(["Voici la carte du port ."], ["Voici la carte du port ."])
    assert perfect == pytest.approx({"bleu": 100, "chrf": 100})
    assert translation_scores(["Bonjour"], ["Voici la carte du port ."])["bleu"] < 10


@pytest.mark.parametrize("scores", [classification_scores, entity_scores, answer_scores, translation_scores])
def test_nothing_to_score_is_said(scores):
    with pytest.raises(CourseError, match="no rows to score"):
        scores([], [])
    with pytest.raises(CourseError, match="1 predictions and 2 references"):
        scores([0], [0, 1])


# ---------------------------------------------------------------- from logits


def logits_for(labels: np.ndarray, classes: int) -> np.ndarray:
    """Logits that say exactly these labels; any class where there is none."""
    return np.eye(classes, dtype=np.float32)[np.maximum(labels, 0)] * 9


def test_entity_metric_counts_words_that_were_cut_off_as_missed():
    words = [["Anna", "Berg", "lives", "in", "Oslo"], ["the", "room", "in", "Oslo", "was", "good", "Anna"]]
    tags = [["B-PER", "I-PER", "O", "O", "B-LOC"], ["O", "O", "O", "B-LOC", "O", "O", "B-PER"]]
    task = entity_task(words, tags)
    whole = encode(task, tiny_tokenizer(), max_length=32)["train"]
    assert metric_for(task)(logits_for(whole.labels, 5), whole)["f1"] == 1.0
    part = whole.select([1])
    assert metric_for(task)(logits_for(part.labels, 5), part) == {
        "f1": 1.0, "precision": 1.0, "recall": 1.0, "f1_LOC": 1.0, "f1_PER": 1.0
    }  # fmt: skip
    cut = encode(task, tiny_tokenizer(), max_length=6)["train"]  # four words
    scores = metric_for(task)(logits_for(cut.labels, 5), cut)
    assert (scores["precision"], scores["recall"], scores["f1_PER"]) == (1.0, 0.5, pytest.approx(2 / 3))


def test_answer_metric_reads_windows():
    context = "Anna Berg lives in Oslo . " + "the room was good . " * 8 + "Berg was bad ."
    task = answer_task(
        ["where", "who", "who"], [context] * 3, [("Oslo", 19), ("Berg", context.rindex("Berg")), None]
    )
    data = encode(task, tiny_tokenizer(), max_length=24)["train"]
    assert len(data) > 6, "several windows for each question"
    logits = np.zeros((len(data.input_ids), 2), dtype=np.float32)
    for window, (first, last) in enumerate(data.labels):
        logits[data.offsets[window] + first, 0] = logits[data.offsets[window] + last, 1] = 20
    assert metric_for(task)(logits, data) == {"exact_match": 1.0, "f1": 1.0}
    only_last = data.select(np.flatnonzero(data.row_of == 1))
    tokens = np.concatenate(
        [np.arange(data.offsets[w], data.offsets[w + 1]) for w in np.flatnonzero(data.row_of == 1)]
    )
    assert metric_for(task)(logits[tokens], only_last)["exact_match"] == 1.0


def test_classification_metric_and_translation(tmp_path):
    from course_utils.data import load_task

    (tmp_path / "r.csv").write_text(
        "text,label\n" + "".join(f"room {i},{'bad' if i % 2 else 'good'}\n" for i in range(40))
    )
    task = load_task(tmp_path / "r.csv")
    data = encode(task, tiny_tokenizer(), max_length=16)["test"]
    assert metric_for(task)(logits_for(data.labels, 2), data) == {"accuracy": 1.0, "macro_f1": 1.0}
    assert metric_for(task)(logits_for(1 - data.labels, 2), data) == {"accuracy": 0.0, "macro_f1": 0.0}
    with pytest.raises(CourseError, match="translation_scores"):
        metric_for(type(task)("notices", "translation", task.rows, "translation", "translation"))


# ---------------------------------------------------------------- evaluate.Metric


@pytest.mark.parametrize(
    ("kind", "predictions", "references", "ours"),
    [
        ("classification", [0, 1, 1], [0, 1, 2], classification_scores),
        ("entities", [["B-PER", "I-PER", "O"]], [["B-PER", "O", "B-LOC"]], entity_scores),
        ("entities", [["O"]], [["O"]], entity_scores),
        ("answers", ["in Oslo"], [["Oslo", "Bergen"]], answer_scores),
        ("translation", ["Voici la carte ."], ["Voici une carte ."], translation_scores),
    ],
)
def test_evaluate_metrics_work_offline_and_agree(kind, predictions, references, ours):
    from course_utils.evaluate_metrics import evaluate_metric

    metric = evaluate_metric(kind)
    scores = metric.compute(predictions=predictions, references=references)
    signatures = {name: value for name, value in scores.items() if name.endswith("_signature")}
    assert {name: scores[name] for name in scores if name not in signatures} == pytest.approx(
        ours(predictions, references)
    )
    assert bool(signatures) == (kind == "translation")
    for prediction, reference in zip(predictions, references, strict=True):
        metric.add(prediction=prediction, reference=reference)
    assert metric.compute() == scores
    with pytest.raises(CourseError, match="no rows"):
        metric.compute(predictions=[], references=[])
    with pytest.raises(CourseError, match="No rows were added"):
        metric.compute()


def test_evaluate_metrics_combine():
    import evaluate

    from course_utils.evaluate_metrics import Accuracy, evaluate_metric

    both = evaluate.combine([Accuracy()])
    assert both.compute(predictions=[0, 1], references=[0, 0])["accuracy"] == 0.5
    with pytest.raises(CourseError, match="no metric for 'summary'"):
        evaluate_metric("summary")


def test_metrics_are_cheap_to_import():
    heavy = "{'torch', 'transformers', 'datasets', 'evaluate', 'sklearn', 'seqeval', 'sacrebleu', 'pandas'}"
    code = f"import sys, course_utils.metrics, course_utils.data; print(sorted({heavy} & set(sys.modules)))"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "[]\n"
    )
