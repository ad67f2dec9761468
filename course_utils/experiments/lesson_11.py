"""Claims of lesson 11: answers found, and what goes wrong with them.

Also the rows that the lesson needs and no set has: questions that their passage does not answer, and passages far
longer than a window. Everything but `two_subjects` works for any task of answers.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ..baselines import SENTENCE, overlapping_answer
from ..batching import EncodedRows, encode
from ..data import Task
from ..decoding import Span, answer_spans, margin, not_here, softmax, source_rows, trimmed
from ..errors import CourseError
from ..evaluation import predict_logits
from ..metrics import answer_scores, metric_for, normalise_answer
from ..models import load_tokenizer
from ..training import TrainConfig, evaluate, train
from .runs import ANSWERS_RATE, ENCODER, Claim, fine_tune
from .studies import results

if TYPE_CHECKING:
    import pandas as pd
    from torch import nn

REMOVED, ANOTHER = "sentence removed", "another passage"  # how a question lost its answer
NAME = re.compile(r"(?<=\s)[^\W\d_a-z]\w*|\d+")  # capitals within a sentence, and numbers: what a question is about
QUESTIONS, EPOCHS = 512, 6  # of the runs below, and of the lesson
MORE_EPOCHS = 1  # on joined passages, after that
WINDOW = 128  # tokens; neighbours share a quarter
JOINED, FILLERS = 3, 6  # how many other passages stand around the one with the answer: to train on, and to read
LONG_QUESTIONS = 150  # how many questions are asked of long passages


# ---------------------------------------------------------------- rows that no set has


def with_no_answer(task: Task, *, share: float = 1 / 3, seed: int = 0) -> Task:
    """The task with a `share` of every split's questions made unanswerable; the column `no_answer` says how.

    By turns the sentence with the answer is cut out of the passage (REMOVED), or the question gets a passage that
    has none of its names (ANOTHER). Sentences end at a full stop, so an abbreviation may leave a stub. A row for which
    neither is possible keeps its answer. Its answers are empty lists, as in SQuAD 2.0
    (Rajpurkar et al. 2018, https://arxiv.org/abs/1806.03822).
    """
    from datasets import DatasetDict

    if task.kind != "answers":
        raise CourseError(f"Task {task.name!r} is of kind {task.kind!r}: only questions can lose their answers")
    if not 0 <= share <= 1:
        raise CourseError(f"share={share} is no share: use a number from 0 to 1")
    rng = np.random.default_rng(seed)
    made = {split: _partly_unanswerable(task, rows, share, rng) for split, rows in task.rows.items()}
    return replace(task, rows=DatasetDict(made))


def _partly_unanswerable(task: Task, rows: Any, share: float, rng: np.random.Generator) -> Any:
    from datasets import Value

    table = [{**row, "no_answer": ""} for row in rows]
    contexts = [row[task.text] for row in table]
    for turn, i in enumerate(rng.permutation(len(table))[: round(share * len(table))].tolist()):
        question, accepted = table[i]["question"], table[i][task.label]
        for how in (REMOVED, ANOTHER) if turn % 2 else (ANOTHER, REMOVED):
            if not accepted["text"]:  # it has none as it is
                break
            if how == REMOVED:
                passage = _without_answer(contexts[i], accepted)
            else:
                passage = "".join(_strangers(question, accepted, contexts, 1, rng))
            if passage:
                empty: dict[str, list] = {"text": [], "answer_start": []}
                table[i] |= {task.text: passage, task.label: empty, "no_answer": how}
                break
    columns = {name: [row[name] for row in table] for name in table[0]}
    return type(rows).from_dict(columns, features=_plus(rows.features, no_answer=Value("string")))


def _plus(features: Any, **more: Any) -> Any:
    from datasets import Features

    return Features({**features, **more})


def _without_answer(context: str, answers: Mapping[str, Any]) -> str:
    """The context without the sentences that hold an answer; "" if an answer is left, or nothing else."""
    spans = [(start, start + len(text)) for text, start in zip(answers["text"], answers["answer_start"], strict=True)]
    kept = "".join(
        found[0]
        for found in SENTENCE.finditer(context)
        if not any(found.start() < end and start < found.end() for start, end in spans)
    ).strip()
    return "" if any(text in kept for text in answers["text"]) else kept


def _strangers(
    question: str, answers: Mapping[str, Any], contexts: Sequence[str], n: int, rng: np.random.Generator
) -> list[str]:
    """Up to `n` contexts that have no name of the question and none of its answers."""
    telling = {*NAME.findall(question), *answers["text"]}
    found: list[str] = []
    for i in rng.integers(len(contexts), size=20 * n).tolist():
        if len(found) < n and contexts[i] not in found and not any(word in contexts[i] for word in telling):
            found.append(contexts[i])
    return found


def long_passages(
    task: Task, split: str, *, questions: int = LONG_QUESTIONS, others: int = FILLERS, seed: int = 0
) -> Task:
    """A task with one split, "long": each passage stands somewhere among `others` that have no name of its question."""
    from datasets import DatasetDict

    rng = np.random.default_rng(seed)
    rows = task.rows[split].select(range(min(questions, len(task.rows[split]))))
    contexts, table = task.rows[split][task.text][:], []
    for row in rows:
        around = _strangers(row["question"], row[task.label], contexts, others, rng)
        place = int(rng.integers(len(around) + 1))
        before = "".join(f"{passage} " for passage in around[:place])
        context = " ".join([before + row[task.text], *around[place:]])
        starts = [len(before) + start for start in row[task.label]["answer_start"]]
        table.append({**row, task.text: context, task.label: {**row[task.label], "answer_start": starts}})
    columns = {name: [row[name] for row in table] for name in rows.column_names}
    return replace(task, rows=DatasetDict(long=type(rows).from_dict(columns, features=rows.features)))


@lru_cache(maxsize=4)
def two_subjects(split: str) -> frozenset[str]:
    """The mini world's passages of a split that cross two subjects: drawn again, as `world.tasks` drew them."""
    from ..world import almanac
    from ..world.draw import Draw
    from ..world.tasks import SIZES

    part: Any = "unseen" if split == "unseen" else "shown"
    keys = [("task", "answers", 0, split, number) for number in range(2 * SIZES[split])]
    # The first choice that `labelled` makes is between one subject and two.
    crossing = [key for key in keys if not Draw(*key).chance(almanac.ONE_SUBJECT)]
    return frozenset(almanac.labelled(Draw(*key), part)["context"] for key in crossing)


# ---------------------------------------------------------------- answers, and what is wrong with them


def kind_of_error(context: str, given: tuple[int, int], accepted: Iterable[tuple[int, int]]) -> str:
    """What is wrong with a given span, both as characters: first, last + 1; an empty one says "no answer".

    Whether a wrong answer is of the right type is told by its look alone: a name, a number, or other words.
    """
    accepted = list(accepted)
    start, end = given
    if start == end:
        return "no answer given" if accepted else "right"
    if not accepted:
        return "answered what has no answer"
    texts = [context[a:b] for a, b in accepted]
    if normalise_answer(context[start:end]) in map(normalise_answer, texts):
        return "right"
    if any(start < b and a < end for a, b in accepted):
        return "boundary"
    sentences = [(found.start(), found.end()) for found in SENTENCE.finditer(context)]
    if any(low <= start < high and low <= a < high for low, high in sentences for a, _ in accepted):
        return "right sentence, other words"
    alike = _look(context[start:end]) in map(_look, texts)
    return f"wrong sentence, {'right' if alike else 'other'} type"


def _look(text: str) -> str:
    if any(character.isdigit() for character in text):
        return "number"
    return "name" if text.strip()[:1].isupper() else "words"


def answer_table(task: Task, data: EncodedRows, spans: Mapping[int, Span]) -> pd.DataFrame:
    """One row per question that `spans` answers: question, context, given, right, error, and where both stand.

    `given_span` and `right_span` are characters of the context, first and last + 1; `right` is the first accepted answer.
    """
    import pandas as pd

    table = []
    for row, span in spans.items():
        columns = data.rows[row]
        context, answers = columns[task.text], columns[task.label]
        span = trimmed(context, span)
        starts = zip(answers["answer_start"], answers["text"], strict=True)
        accepted = [(start, start + len(text)) for start, text in starts]
        table.append({
            "question": columns["question"], "context": context,
            "given": context[span.start : span.end], "given_span": (span.start, span.end),
            "right": (answers["text"] or [""])[0], "right_span": (accepted or [(0, 0)])[0],
            "score": span.score, "error": kind_of_error(context, (span.start, span.end), accepted),
        })  # fmt: skip
    return pd.DataFrame(table)


def threshold_scores(margins: np.ndarray, exact: np.ndarray, has_answer: np.ndarray, threshold: float) -> float:
    """Exact match if a question is answered where its margin (rows,) is at least `threshold`, and refused elsewhere."""
    return float(np.where(margins >= threshold, exact & has_answer, ~has_answer).mean())


def best_threshold(margins: np.ndarray, exact: np.ndarray, has_answer: np.ndarray) -> float:
    """The threshold with the highest exact match; of several the lowest."""
    candidates = [-np.inf, *np.unique(margins), np.inf]
    return float(max(candidates, key=lambda t: threshold_scores(margins, exact, has_answer, t)))


def judged(task: Task, data: EncodedRows, logits: np.ndarray) -> dict[str, np.ndarray]:
    """For each row: `margins`, log-probability of the best span less that of "not here"; `exact`, whether the span is
    right; `has_answer`."""
    spans, nowhere = answer_spans(logits, data), not_here(logits, data)
    table = answer_table(task, data, spans)
    return {
        "margins": np.array([margin(span, nowhere[row]) for row, span in spans.items()]),
        "exact": (table["error"] == "right").to_numpy(),
        "has_answer": (table["right"] != "").to_numpy(),
    }


def ask(
    model: nn.Module, tokenizer: Any, task: Task, question: str, context: str, *, max_length: int = WINDOW
) -> tuple[Span, float]:
    """The best span for a question of your own, and its margin: log-probability less that of "not here".

    Raises CourseError if the question or the context is empty.
    """
    from datasets import Dataset, DatasetDict

    for name, text in (("question", question), ("passage", context)):
        if not text.strip():
            raise CourseError(f"The {name} is empty: write one")
    nothing: dict[str, list] = {"text": [], "answer_start": []}
    columns = {"question": [question], task.text: [context], task.label: [nothing]}
    rows = task.rows[next(iter(task.rows))]
    made = Dataset.from_dict(columns, features=rows.select_columns(list(columns)).features)
    data = encode(replace(task, rows=DatasetDict(asked=made)), tokenizer, max_length=max_length)["asked"]
    logits = predict_logits(model, data)
    [span] = answer_spans(logits, data).values()
    return trimmed(context, span), margin(span, not_here(logits, data)[0])


def groups(table: pd.DataFrame, split: str) -> list[str]:
    """What to split a score by: in the mini world whether the passage is about one subject or two, elsewhere the first
    word of the question."""
    crossing = two_subjects(split)
    if not crossing & set(table["context"]):
        return [question.split()[0].lower() for question in table["question"]]
    return ["two subjects" if context in crossing else "one subject" for context in table["context"]]


# ---------------------------------------------------------------- the lesson's runs, once for each seed


@lru_cache(maxsize=4)
def reader(seed: int) -> tuple[nn.Module, Task, dict[str, EncodedRows]]:
    """The lesson's model: full fine-tuning on QUESTIONS questions, all of which have an answer."""
    return fine_tune("answers", "full", QUESTIONS, seed, epochs=EPOCHS, rate=ANSWERS_RATE)


@lru_cache(maxsize=4)
def far_reader(seed: int) -> nn.Module:
    """`reader`, trained for MORE_EPOCHS on the same questions, each passage joined to JOINED others and read in windows.

    A window that does not hold the answer is labelled "not here", so the model learns to refuse as well.
    """
    model, task, _ = reader(seed)
    joined = long_passages(task, "train", questions=QUESTIONS, others=JOINED, seed=seed)
    windows = encode(joined, load_tokenizer(ENCODER), max_length=WINDOW)["long"]
    model = copy.deepcopy(model)
    config = TrainConfig(
        epochs=MORE_EPOCHS, batch_size=16, learning_rate=ANSWERS_RATE, warmup_share=0.1, seed=seed
    )
    train(model, windows, config, progress=False)
    return model


def end_too_far(data: EncodedRows) -> EncodedRows:
    """The rows with each last token labelled one too late, as if it were "last + 1"."""
    assert data.labels is not None
    labels = data.labels.copy()
    labels[:, 1] += labels[:, 1] > 0  # [SEP] stands after the context, so there is always a next token
    return replace(data, labels=labels)


@lru_cache(maxsize=4)
def _table(seed: int) -> pd.DataFrame:
    """The answers of `reader` to the validation and test questions, with their groups."""
    import pandas as pd

    model, task, data = reader(seed)
    tables = []
    for split in ("validation", "test"):
        table = answer_table(task, data[split], answer_spans(predict_logits(model, data[split]), data[split]))
        tables.append(table.assign(group=groups(table, split)))
    return pd.concat(tables)


def _right(table: pd.DataFrame, group: str) -> float:
    return float((table[table["group"] == group]["error"] == "right").mean())


def _distracted(seed: int) -> float:
    """Of the errors on passages about two subjects, the share that are of the right type, in a wrong sentence."""
    errors = _table(seed).query("group == 'two subjects' and error != 'right'")["error"]
    return float((errors == "wrong sentence, right type").mean())


def _gap(model: nn.Module, task: Task, rows: EncodedRows) -> float:
    """F1 less exact match."""
    scores = evaluate(model, rows, metric=metric_for(task))
    return scores["f1"] - scores["exact_match"]


def _gap_of_end_too_far(seed: int) -> float:
    """By how much the gap between F1 and exact match is wider after training on labels of `end_too_far`."""
    model, task, data = reader(seed)
    wrong, _, _ = fine_tune(
        "answers", "full", QUESTIONS, seed, epochs=EPOCHS, rate=ANSWERS_RATE, change=end_too_far
    )
    return _gap(wrong, task, data["test"]) - _gap(model, task, data["test"])


@lru_cache(maxsize=4)
def _long(seed: int) -> tuple[Task, EncodedRows]:
    _, task, _ = reader(seed)
    long = long_passages(task, "test", seed=seed)
    return long, encode(long, load_tokenizer(ENCODER), max_length=WINDOW)["long"]


def first_windows(data: EncodedRows) -> EncodedRows:
    """Of each row the first window alone: what is left if long passages are cut."""
    return data.select(np.unique(source_rows(data), return_index=True)[1])


def right_windows(data: EncodedRows) -> EncodedRows:
    """The windows that hold their answer: what is read if somebody points at the right place."""
    assert data.labels is not None
    return data.select(np.flatnonzero(data.labels[:, 0]))


@lru_cache(maxsize=16)
def _exact_on_long(trained: bool, seed: int, which: Callable[[EncodedRows], EncodedRows] | None = None) -> float:
    """Exact match on long passages of `far_reader`, or of `reader` if not `trained`; on some windows only."""
    _, data = _long(seed)
    first, task, _ = reader(seed)
    model = far_reader(seed) if trained else first
    return evaluate(model, which(data) if which else data, metric=metric_for(task))["exact_match"]


def _exact_alone(seed: int) -> float:
    """Exact match on the questions of `_long` with their passages alone."""
    model, task, data = reader(seed)
    few = data["test"].select(np.flatnonzero(source_rows(data["test"]) < LONG_QUESTIONS))
    return evaluate(model, few, metric=metric_for(task))["exact_match"]


@lru_cache(maxsize=4)
def _refusing(trained: bool, seed: int) -> dict[str, float]:
    """Exact match on test rows of which a third have no answer: by `far_reader`, or by `reader` if not `trained`.

    Three thresholds: "always" answers, "zero" is where a span is as likely as none, "chosen" is the best on validation
    rows.
    """
    first, task, _ = reader(seed)
    model = far_reader(seed) if trained else first
    mixed = with_no_answer(task, seed=seed)
    data = encode(mixed, load_tokenizer(ENCODER))
    rows = {split: judged(mixed, data[split], predict_logits(model, data[split])) for split in ("validation", "test")}
    thresholds = {"always": -np.inf, "zero": 0.0, "chosen": best_threshold(**rows["validation"])}
    return {name: threshold_scores(**rows["test"], threshold=t) for name, t in thresholds.items()}


def _gain_of_choosing(trained: bool, over: str) -> Callable[[int], float]:
    return lambda seed: _refusing(trained, seed)["chosen"] - _refusing(trained, seed)[over]


def _rivals(seed: int) -> float:
    """Of the test questions on which `reader` gives a second start more than one chance in twenty: the share where it
    stands in another sentence and looks like the first (a name, a number, other words)."""
    model, task, data = reader(seed)
    rows, told = data["test"], []
    assert rows.spans is not None
    logits = predict_logits(model, rows)
    for window, row in enumerate(source_rows(rows).tolist()):
        tokens = slice(rows.offsets[window], rows.offsets[window + 1])
        spans, context = rows.spans[tokens], rows.rows[row][task.text]
        chances = np.where(spans[:, 0] >= 0, softmax(logits[tokens], axis=0)[:, 0], 0.0)
        first, second = np.argsort(-chances)[:2]
        if chances[second] > 0.05:
            ends = [found.end() for found in SENTENCE.finditer(context)]
            sentences = np.searchsorted(ends, spans[[first, second], 1])  # which holds the last character
            looks = {_look(context[a:b].strip()) for a, b in spans[[first, second]]}
            told.append(sentences[0] != sentences[1] and len(looks) == 1)
    return float(np.mean(told))


def _by_words(seed: int) -> float:
    """Exact match of the baseline on test rows."""
    rows = reader(seed)[1].rows["test"]
    given = [overlapping_answer(row["question"], row["context"]) for row in rows]
    return answer_scores(given, [row["answers"]["text"] for row in rows])["exact_match"]


def _sentences_by_words(seed: int) -> float:
    """Share of the test rows where the baseline reads the sentence that holds the answer."""
    found = []
    for row in reader(seed)[1].rows["test"]:
        start = row["context"].find(overlapping_answer(row["question"], row["context"]))
        [sentence] = [one for one in SENTENCE.finditer(row["context"]) if one.start() <= start < one.end()]
        found.append(sentence.start() <= row["answers"]["answer_start"][0] < sentence.end())
    return float(np.mean(found))


def _shipped_gain(seed: int) -> float:
    """From the results of the study: full fine-tuning less scratch on unseen names, 2,048 questions."""
    runs = results("answers").query("labels == 2048 and split == 'unseen' and seed == @seed")
    score = runs.set_index("method")["score"]
    return float(score["full"] - score["scratch"])


CLAIMS: dict[str, Claim] = {
    "11-baseline": Claim(
        says="The sentence with most words of the question gives an exact answer to fewer than one test question in twenty.",
        measure=_by_words,
        at_most=0.05,
        seeds=(0,),
    ),
    "11-right-sentence": Claim(
        says="That sentence holds the answer to fewer than half of the test questions.",
        measure=_sentences_by_words,
        at_most=0.50,
        seeds=(0,),
    ),
    "11-rivals": Claim(
        says="Most second starts worth one chance in twenty stand in another sentence, before a word of the same look.",
        measure=_rivals,
        at_least=0.60,
        seeds=(0, 1),
    ),
    "11-pretraining-pays": Claim(
        says="With 2,048 questions, full fine-tuning is more than 70 points above scratch on unseen names.",
        measure=_shipped_gain,
        at_least=0.70,
        seeds=range(5),
    ),
    "11-two-subjects": Claim(
        says="Exact match is more than 20 points lower on passages that cross two subjects.",
        measure=lambda seed: _right(_table(seed), "one subject") - _right(_table(seed), "two subjects"),
        at_least=0.20,
        seeds=(0, 1),
    ),
    "11-right-type": Claim(
        says="Of the errors there, more than six in ten are a name or number of the right type from a wrong sentence.",
        measure=_distracted,
        at_least=0.60,
        seeds=(0, 1),
    ),
    "11-end-too-far": Claim(
        says="Labels that end one token too late widen the gap between F1 and exact match by more than ten points.",
        measure=_gap_of_end_too_far,
        at_least=0.10,
        seeds=(0, 1),
    ),
    "11-far-away": Claim(
        says="With six other passages around it, exact match on the same questions drops by more than 30 points.",
        measure=lambda seed: _exact_alone(seed) - _exact_on_long(False, seed),
        at_least=0.30,
        seeds=(0, 1),
    ),
    "11-joined": Claim(
        says="Training on joined passages gains more than three points of exact match on long ones.",
        measure=lambda seed: _exact_on_long(True, seed) - _exact_on_long(False, seed),
        at_least=0.03,
        seeds=(0, 1),
    ),
    "11-windows": Claim(
        says="After it, all windows give more than two points over the first window alone.",
        measure=lambda seed: _exact_on_long(True, seed) - _exact_on_long(True, seed, first_windows),
        at_least=0.02,
        seeds=(0, 1),
    ),
    "11-right-window": Claim(
        says="Only the windows that hold the answer give more than ten points over all windows.",
        measure=lambda seed: _exact_on_long(True, seed, right_windows) - _exact_on_long(True, seed),
        at_least=0.10,
        seeds=(0, 1),
    ),
    "11-refusing": Claim(
        says="With a third of the questions unanswerable, refusing below the chosen threshold gains more than eight points.",
        measure=_gain_of_choosing(True, over="always"),
        at_least=0.08,
        seeds=(0, 1),
    ),
    "11-threshold-zero": Claim(
        says="The chosen threshold is more than five points better than zero.",
        measure=_gain_of_choosing(True, over="zero"),
        at_least=0.05,
        seeds=(0, 1),
    ),
    "11-refusing-untrained": Claim(
        says="A model that never saw a row without its answer gains more than five points by a threshold of its own.",
        measure=_gain_of_choosing(False, over="always"),
        at_least=0.05,
        seeds=(0, 1),
    ),
}
