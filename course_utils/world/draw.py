"""The kernel of the mini world: seeded choices that add up their surprisal, and text that remembers its spans.

Everything random in the world goes through `Draw`, so that a document's
surprisal (in nats) is exactly minus the log-probability of the choices that
made it. It is an upper bound on the document's true information, reached when
no two sequences of choices give the same text.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from string import Formatter
from typing import Generic, Literal, TypeVar

T = TypeVar("T")
Part = Literal["all", "shown", "unseen"]


class Draw:
    """A seeded stream of choices.

    The key may be any mix of strings and integers: `Draw("reviews", 7)` is the
    same stream on every platform and Python version, because only
    `random.Random.random()` is used, whose values Python guarantees.
    """

    def __init__(self, *key: str | int):
        self._random = random.Random("/".join(map(str, key))).random
        self.surprisal = 0.0  # nats, of all choices so far

    def index(self, n: int) -> int:
        """A uniform index below `n`."""
        if n > 1:
            self.surprisal += math.log(n)
        return int(self._random() * n)

    def choice(self, options: Sequence[T]) -> T:
        """One of `options`, all equally likely."""
        return options[self.index(len(options))]

    def chance(self, p: float) -> bool:
        """True with probability `p`."""
        if p <= 0 or p >= 1:
            return p >= 1
        hit = self._random() < p
        self.surprisal -= math.log(p if hit else 1 - p)
        return hit

    def weighted(self, options: Sequence[tuple[T, float]]) -> T:
        """One of `(option, weight)` pairs, in proportion to its weight."""
        total = sum(weight for _, weight in options)
        point = self._random() * total
        for option, weight in options:  # noqa: B007 - the last one also catches rounding
            point -= weight
            if point < 0:
                break
        self.surprisal -= math.log(weight / total)
        return option

    def integer(self, low: int, high: int) -> int:
        """A uniform whole number from `low` to `high`, both included."""
        return low + self.index(high - low + 1)

    def sample(self, options: Sequence[T], k: int) -> list[T]:
        """`k` different options in random order."""
        if k > len(options):
            raise ValueError(f"cannot draw {k} different items from {len(options)}")
        taken: list[int] = []
        for remaining in range(len(options), len(options) - k, -1):
            position = self.index(remaining)
            for earlier in sorted(taken):  # skip what is taken already
                position += position >= earlier
            taken.append(position)
        return [options[position] for position in taken]

    def shuffled(self, options: Iterable[T]) -> list[T]:
        """All options in random order."""
        items = list(options)
        return self.sample(items, len(items))


@dataclass(frozen=True)
class Split(Generic[T]):
    """A lexicon of which labelled training rows show only one part."""

    shown: tuple[T, ...]
    unseen: tuple[T, ...]
    all: tuple[T, ...]

    def part(self, part: Part) -> tuple[T, ...]:
        """The items of one part: "all", "shown" or "unseen"."""
        return self.all if part == "all" else self.shown if part == "shown" else self.unseen


def split(items: Iterable[T], *, key: str, unseen: float = 0.4) -> Split[T]:
    """Put a fixed, seeded share of `items` aside as never shown in labelled rows."""
    everything = tuple(items)
    order = Draw("split", key).sample(range(len(everything)), len(everything))
    held_out = set(order[: round(unseen * len(everything))])
    return Split(
        shown=tuple(item for i, item in enumerate(everything) if i not in held_out),
        unseen=tuple(item for i, item in enumerate(everything) if i in held_out),
        all=everything,
    )


@dataclass(frozen=True, slots=True)
class Span:
    """Characters `start` to `end` (excluded) of a text, and what they are."""

    start: int
    end: int
    kind: str  # "PER", "ORG", "LOC", "MISC", or whatever the grammar marks


@dataclass(frozen=True, slots=True)
class Phrase:
    """A text and the spans marked in it."""

    text: str
    spans: tuple[Span, ...] = ()


def marked(text: str, kind: str) -> Phrase:
    """A phrase that is one span, such as a name: `marked("Orla Finch", "PER")`."""
    return Phrase(text, (Span(0, len(text), kind),))


@cache
def _parse(frame: str) -> tuple[tuple[str, str | None, str], ...]:
    return tuple((before, slot, spec or "") for before, slot, spec, _ in Formatter().parse(frame))


def fill(frame: str, **values: str | Phrase) -> Phrase:
    """Fill the slots of a frame; spans of the values move to their new place.

    `{slot}` takes the value as it is; `{slot:a}` puts "a" or "an" before it;
    `{slot:cap}` capitalises its first letter.
    """
    text, spans = "", []
    for before, slot, spec in _parse(frame):
        text += before
        if slot is None:
            continue
        value = values[slot]
        content = value if isinstance(value, str) else value.text
        if spec == "a":
            text += "an " if content[0] in "aeiouAEIOU" else "a "
        elif spec == "cap":
            content = content[0].upper() + content[1:]
        if isinstance(value, Phrase):
            spans += [Span(s.start + len(text), s.end + len(text), s.kind) for s in value.spans]
        text += content
    return Phrase(text, tuple(spans))


def sentence(frame: str, **values: str | Phrase) -> Phrase:
    """`fill`, with the first letter capitalised."""
    phrase = fill(frame, **values)
    return Phrase(phrase.text[:1].upper() + phrase.text[1:], phrase.spans)


def join(phrases: Iterable[Phrase], separator: str = " ") -> Phrase:
    """Phrases one after the other, their spans moved along."""
    text, spans = "", []
    for i, phrase in enumerate(phrases):
        text += separator if i else ""
        spans += [Span(s.start + len(text), s.end + len(text), s.kind) for s in phrase.spans]
        text += phrase.text
    return Phrase(text, tuple(spans))


_WORD = re.compile(r"\w+(?:['’.-]\w+)*|[^\w\s]")


def words(text: str) -> list[tuple[str, int, int]]:
    """The words and punctuation marks of a text as `(word, start, end)`."""
    return [(match.group(), match.start(), match.end()) for match in _WORD.finditer(text)]
