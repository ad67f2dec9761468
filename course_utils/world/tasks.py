"""The world's labelled sets, each with the columns and features of its real counterpart.

Every set has four splits. `train`, `validation` and `test` use only the words,
names and frames that are *shown* to a learner of the task; `unseen` uses only
those that no labelled row ever shows, though the unlabelled text has them all.
What a model gets right on `unseen` it knows from pre-training.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from ..errors import CourseError
from . import almanac, bilingual, news, notices, reviews
from .draw import Draw, Part

if TYPE_CHECKING:
    from datasets import DatasetDict

Row = dict[str, Any]
SIZES: dict[str, int] = {"train": 4096, "validation": 512, "test": 512, "unseen": 512}


@dataclass(frozen=True)
class TaskGrammar:
    """How the rows of a set are drawn, and which real set they look like."""

    row: Callable[[Draw, Part], Row]
    counterpart: str  # repo id on the Hub
    input: str  # the column in which no two rows may be equal
    number: str | None = None  # a column that numbers the rows, where the real set has one


TASKS: dict[str, TaskGrammar] = {
    "sentiment": TaskGrammar(reviews.labelled, "stanfordnlp/sst2", "sentence", "idx"),
    "topics": TaskGrammar(notices.topic, "fancyzhx/ag_news", "text"),
    "spam": TaskGrammar(notices.message, "ucirvine/sms_spam", "sms"),
    "entities": TaskGrammar(news.labelled, "lhoestq/conll2003", "tokens", "id"),
    "answers": TaskGrammar(almanac.labelled, "rajpurkar/squad", "context", "id"),
    "translation": TaskGrammar(bilingual.labelled, "Helsinki-NLP/opus_books", "translation", "id"),
}


def rows(name: str, split: str, n: int, *, seed: int = 0, avoid: set[str] | None = None) -> list[Row]:
    """`n` rows of one split, no two with the same input, none whose input is in `avoid`.

    `avoid` is added to, so that the splits of a set share no input either.
    """
    task = TASKS[name]
    part: Part = "unseen" if split == "unseen" else "shown"
    seen = set() if avoid is None else avoid
    found: list[Row] = []
    draws = 0
    while len(found) < n:
        if draws > 50 * n + 1000:
            raise CourseError(f"The set {name!r} has fewer than {n} different rows for {split!r}: ask for fewer")
        row = task.row(Draw("task", name, seed, split, draws), part)
        draws += 1
        key = str(row[task.input])
        if key in seen:
            continue
        seen.add(key)
        if task.number:
            row[task.number] = len(found) if task.number == "idx" else f"{split}-{len(found)}"
        found.append(row)
    return found


def features(name: str) -> Any:
    """The `datasets.Features` of the set's real counterpart."""
    from datasets import ClassLabel, Features, Sequence, Translation, Value

    text, number = Value("string"), Value("int32")
    return {
        "sentiment": lambda: Features(
            idx=number, sentence=text, label=ClassLabel(names=["negative", "positive"])
        ),
        "topics": lambda: Features(text=text, label=ClassLabel(names=list(notices.TOPICS))),
        "spam": lambda: Features(sms=text, label=ClassLabel(names=list(notices.SPAM_LABELS))),
        "entities": lambda: Features(
            id=text, tokens=Sequence(text), ner_tags=Sequence(ClassLabel(names=list(news.TAGS)))
        ),
        "answers": lambda: Features(
            id=text,
            title=text,
            context=text,
            question=text,
            answers=Sequence({"text": text, "answer_start": number}),
        ),
        "translation": lambda: Features(id=text, translation=Translation(languages=["en", "fr"])),
    }[name]()


def task_set(name: str, *, seed: int = 0, sizes: Mapping[str, int] | None = None) -> DatasetDict:
    """The labelled set `name` as a `datasets.DatasetDict`.

    `sizes` gives the rows of each split; the default is `SIZES`. A smaller
    `train` is the beginning of a larger one.
    """
    from datasets import Dataset, DatasetDict

    if name not in TASKS:
        near = get_close_matches(name, TASKS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise CourseError(f"The mini world has no set {name!r}, only {', '.join(TASKS)}{hint}")
    if unknown := set(sizes or {}) - set(SIZES):
        raise CourseError(f"sizes names {', '.join(map(repr, sorted(unknown)))}; the splits are {', '.join(SIZES)}")
    avoid: set[str] = set()
    # Training rows come last, so that their number does not change the others.
    wanted = {**SIZES, **(sizes or {})}
    order = [split for split in wanted if split != "train"] + ["train"]
    made = {split: rows(name, split, wanted[split], seed=seed, avoid=avoid) for split in order}
    return DatasetDict({split: Dataset.from_list(made[split], features=features(name)) for split in wanted})
