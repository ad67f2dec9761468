"""What can be done without a Transformer: the scores that a fine-tuned model has to beat.

Each learns from the training rows of a task in a second or two, and then predicts for new input.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .data import Task
from .decoding import OUTSIDE, entity_spans
from .errors import CourseError

if TYPE_CHECKING:
    from sklearn.base import ClassifierMixin
    from sklearn.pipeline import Pipeline

WORD = re.compile(r"\w+(?:-\w+)*|[^\w\s]")
SENTENCE = re.compile(r"[^.!?]+[.!?]*")
LONGEST_PHRASE = 4  # words on either side of a phrase table


def _of_kind(task: Task, kind: str) -> None:
    if task.kind != kind:
        raise CourseError(f"Task {task.name!r} is of kind {task.kind!r}, and this baseline is for {kind!r}")


# ---------------------------------------------------------------- one label a text


def majority_class(task: Task) -> ClassifierMixin:
    """Always the most frequent class of the training rows; `.predict(texts)` gives class numbers."""
    from sklearn.dummy import DummyClassifier

    _of_kind(task, "classification")
    rows = task.rows["train"]
    return DummyClassifier(strategy="most_frequent").fit(rows[task.text][:], rows[task.label][:])


def bag_of_words(task: Task, *, balanced: bool = False) -> Pipeline:
    """Logistic regression on TF-IDF weights of words and pairs of words; `.predict(texts)`, `.predict_proba(texts)`.

    `balanced` weights each class by the inverse of its frequency.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    _of_kind(task, "classification")
    rows = task.rows["train"]
    model = make_pipeline(
        TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2)),
        LogisticRegression(C=10, max_iter=1000, class_weight="balanced" if balanced else None),
    )
    return model.fit(rows[task.text][:], rows[task.label][:])


# ---------------------------------------------------------------- entities


@dataclass(frozen=True)
class Gazetteer:
    """A list of names, each with the kind that it had most often: it finds what it has seen, and nothing else."""

    kinds: Mapping[tuple[str, ...], str]  # the words of a name → its kind

    @classmethod
    def of(cls, task: Task) -> Gazetteer:
        """Every name that the training rows tag."""
        _of_kind(task, "entities")
        seen: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
        for row in task.rows["train"]:
            tags = [task.label_names[i] for i in row[task.label]]
            for kind, first, end in entity_spans(tags):
                seen[tuple(row[task.text][first:end])][kind] += 1
        return cls({name: counts.most_common(1)[0][0] for name, counts in seen.items()})

    def tag(self, words: Sequence[str]) -> list[str]:
        """One IOB2 tag a word: at each place the longest name of the list that begins there."""
        longest = max(map(len, self.kinds), default=0)
        tags = [OUTSIDE] * len(words)
        i = 0
        while i < len(words):
            sizes = range(min(longest, len(words) - i), 0, -1)
            size = next((n for n in sizes if tuple(words[i : i + n]) in self.kinds), 0)
            if size:
                kind = self.kinds[tuple(words[i : i + size])]
                tags[i : i + size] = [f"B-{kind}"] + [f"I-{kind}"] * (size - 1)
            i += max(size, 1)
        return tags


# ---------------------------------------------------------------- answers


def overlapping_answer(question: str, context: str) -> str:
    """The longest run of words without a word of the question, in the sentence that shares most words with it."""
    asked = set(WORD.findall(question.lower()))
    sentences = SENTENCE.findall(context) or [context]
    best = max(sentences, key=lambda sentence: len(asked & set(WORD.findall(sentence.lower()))))
    runs: list[tuple[int, int, int]] = []  # words, first character, last character + 1
    for word in WORD.finditer(best):
        fresh = word[0].lower() not in asked and word[0][0].isalnum()
        goes_on = fresh and runs and runs[-1][0] and not best[runs[-1][2] : word.start()].strip()
        if goes_on:
            runs[-1] = (runs[-1][0] + 1, runs[-1][1], word.end())
        else:
            runs.append((int(fresh), word.start(), word.end()))
    length, start, end = max(runs, default=(0, 0, 0))
    return best[start:end] if length else ""


# ---------------------------------------------------------------- translation


@dataclass(frozen=True)
class PhraseTable:
    """Phrases of up to four words and their commonest translation, put one after the other.

    Words are aligned by IBM's Model 1 (Brown et al. 1993, https://aclanthology.org/J93-2003/) in both directions;
    a phrase pair is one whose words are aligned with each other only (Och and Ney 2004,
    https://aclanthology.org/J04-4002/).
    """

    phrases: Mapping[tuple[str, ...], tuple[str, ...]]

    @classmethod
    def of(cls, task: Task, *, rounds: int = 5) -> PhraseTable:
        """The phrases of the training pairs."""
        _of_kind(task, "translation")
        source, target = task.languages
        pairs = [
            (WORD.findall(pair[source]), WORD.findall(pair[target])) for pair in task.rows["train"][task.text]
        ]
        pairs = [(a, b) for a, b in pairs if a and b]
        forward = model_1(pairs, rounds)
        backward = model_1([(b, a) for a, b in pairs], rounds)
        seen: dict[tuple[str, ...], Counter[tuple[str, ...]]] = defaultdict(Counter)
        for a, b in pairs:
            links = aligned(a, b, forward) & {(i, j) for j, i in aligned(b, a, backward)}
            for phrase, translation in _phrases(a, b, links):
                seen[phrase][translation] += 1
        return cls({phrase: counts.most_common(1)[0][0] for phrase, counts in seen.items()})

    def translate(self, text: str) -> str:
        """From left to right, the longest phrase that is known; unknown words stay as they are."""
        words, i = WORD.findall(text), 0
        written: list[str] = []
        while i < len(words):
            sizes = range(min(LONGEST_PHRASE, len(words) - i), 0, -1)
            size = next((n for n in sizes if tuple(words[i : i + n]) in self.phrases), 1)
            written += self.phrases.get(tuple(words[i : i + size]), tuple(words[i : i + size]))
            i += size
        return re.sub(r"(?<=')\s|\s(?=[.,!'])", "", " ".join(written))


def model_1(pairs: Sequence[tuple[list[str], list[str]]], rounds: int = 5) -> dict[str, dict[str, float]]:
    """t[a][b]: how likely the source word `a` is translated by `b`, learned by expectation and maximisation."""
    table: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(lambda: 1.0))
    for _ in range(rounds):
        counts: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        for source, target in pairs:
            for b in target:
                total = sum(table[a][b] for a in source)
                for a in source:
                    counts[a][b] += table[a][b] / total
        table = {a: {b: n / sum(row.values()) for b, n in row.items()} for a, row in counts.items()}
    return table


def aligned(
    source: Sequence[str], target: Sequence[str], table: Mapping[str, Mapping[str, float]]
) -> set[tuple[int, int]]:
    """For each target word j the source word i that most likely gave it: pairs (i, j)."""

    def likely(i: int, b: str) -> float:
        return table.get(source[i], {}).get(b, 0.0)

    return {(max(range(len(source)), key=lambda i: likely(i, b)), j) for j, b in enumerate(target)}


def _phrases(
    a: list[str], b: list[str], links: set[tuple[int, int]]
) -> Iterable[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Runs of `a` and of `b`, at most LONGEST_PHRASE words each, whose links all stay between them."""
    for first in range(len(a)):
        for last in range(first, min(first + LONGEST_PHRASE, len(a))):
            inside = [j for i, j in links if first <= i <= last]
            if not inside:
                continue
            low, high = min(inside), max(inside)
            closed = all(first <= i <= last for i, j in links if low <= j <= high)
            if closed and high - low < LONGEST_PHRASE:
                # Words without a link go with their neighbour on the left, or nothing would ever give them.
                linked = {j for _, j in links}
                while high + 1 < len(b) and high + 1 not in linked and high + 1 - low < LONGEST_PHRASE:
                    high += 1
                yield tuple(a[first : last + 1]), tuple(b[low : high + 1])
