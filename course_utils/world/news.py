"""The local newspaper: items that name the same people and places again, and sentences with their entities.

A document tells one event, sometimes a second from the same town. A person is
named in full first and by surname afterwards, so that the company a name keeps
teaches what it is. A labelled row is one sentence, alone.
"""

from __future__ import annotations

import re
from string import Formatter
from typing import Any

from . import names
from .draw import Draw, Part, Phrase, Split, join, sentence, split, words
from .lexicons.news_frames import CHORUS, EVENTS, NAMELESS, WORDS

TAGS = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC", "B-MISC", "I-MISC")
_TAG_ID = {tag: number for number, tag in enumerate(TAGS)}
# These are drawn anew for every sentence; the rest is kept through a document.
_FRESH = frozenset(("n", "day", "month"))

_EVENTS = tuple(EVENTS)
OPENINGS: dict[str, Split[str]] = {
    event: split(frames, key=f"news/{event}/openings") for event, (frames, _) in EVENTS.items()
}
FOLLOW_UPS: dict[str, Split[str]] = {
    event: split(frames, key=f"news/{event}/follow-ups") for event, (_, frames) in EVENTS.items()
}
_CHORUS, _NAMELESS = split(CHORUS, key="news/chorus"), split(NAMELESS, key="news/nameless")


def _union(*splits: Split[str]) -> Split[str]:
    return Split(*(tuple(f for s in splits for f in getattr(s, part)) for part in ("shown", "unseen", "all")))


FRAMES: Split[str] = _union(*OPENINGS.values(), *FOLLOW_UPS.values(), _CHORUS, _NAMELESS)
_POSSESSIVES = {frame: tuple(re.findall(r"{(\w+)}'s", frame)) for frame in FRAMES.all}
_SLOTS = {
    frame: tuple(dict.fromkeys(slot for _, slot, _, _ in Formatter().parse(frame) if slot))
    for frame in FRAMES.all
}


def reports(part: Part) -> tuple[str, ...]:
    """The frames of labelled rows that tell of an event.

    None has a possessive, which would make one word of a name and its "'s".
    """
    frames = _union(*OPENINGS.values(), *FOLLOW_UPS.values()).part(part)
    return tuple(frame for frame in frames if not _POSSESSIVES[frame])


_REPORTS = {part: reports(part) for part in ("all", "shown", "unseen")}


class Story:
    """What the sentences of one document have in common: its names and things."""

    def __init__(self, draw: Draw, part: Part, *, invented: bool = False, alone: bool = False):
        self.draw, self.part = draw, part
        self.invented = invented  # every name is new
        self.alone = alone  # one sentence out of its context: {surname} is bare at once
        self.values: dict[str, Phrase] = {}  # by slot; words that are no names have no span

    def tell(self, frame: str) -> Phrase:
        """The frame filled; people who were named before go by their surnames."""
        values: dict[str, Phrase] = {}
        worded = frame
        for slot in _SLOTS[frame]:
            key = slot.replace("surname", "person")
            bare = key in self.values or (self.alone and key != slot)
            value = self.value(key)
            if bare and _kind(value) == "PER":
                value = names.last_word(value)
            if slot in _POSSESSIVES[frame] and _last(value).endswith("s"):  # the Otters' captain
                worded = worded.replace(f"{{{slot}}}'s", f"{{{slot}}}'")
            values[slot] = value
        return sentence(worded, **values)

    def value(self, key: str) -> Phrase:
        """What fills a slot: what filled it before, or something new that fills no other slot of its sort."""
        sort = key.rstrip("23")
        if key in self.values and sort not in _FRESH:
            return self.values[key]
        taken = {_last(value) for other, value in self.values.items() if other.startswith(sort)}
        value = self._new(sort)
        while _last(value) in taken:
            value = self._new(sort)
        self.values[key] = value
        return value

    def _new(self, sort: str) -> Phrase:
        if sort in WORDS:
            return Phrase(self.draw.choice(WORDS[sort]))
        if sort == "any":
            return self._any()
        if sort == "actor":
            sort = self.draw.choice(("person", "company", "club"))
        if sort == "person":
            if self.invented:
                return names.invented(self.draw, "PER")
            return names.person(self.draw, self.part, titled=0.2)
        kind = names.KIND_OF_SORT[sort]
        if self.invented:
            return names.invented(self.draw, kind, sort)
        return names.NAMED[kind](self.draw, self.part, sort)

    def _any(self) -> Phrase:
        """A name of any type, with its article; in a document, most often one that was named before."""
        draw = self.draw
        known = [slot for slot, value in self.values.items() if value.spans and "any" not in slot]
        if known and draw.chance(0.9):
            slot = draw.choice(known)
            name, sort = self.values[slot], slot.rstrip("23")
        else:
            kind = draw.choice(tuple(names.SORTS_OF_KIND))
            sort = "person" if kind == "PER" else draw.choice(names.SORTS_OF_KIND[kind])
            name = self._new(sort)
        if _kind(name) == "PER":
            return names.last_word(name) if draw.chance(0.7) else name
        return names.with_article(name, sort)


def _kind(value: Phrase) -> str | None:
    return value.spans[0].kind if value.spans else None


def _last(value: Phrase) -> str:
    """By which two people of one document are told apart, and two towns."""
    return value.text.rsplit(" ", 1)[-1]


def document(draw: Draw) -> tuple[Phrase, ...]:
    """One news item of two to four sentences; in a fifth of them every name is invented for the occasion."""
    story = Story(draw, "all", invented=draw.chance(0.2))
    event = draw.choice(_EVENTS)
    n_follow_ups = draw.weighted(((1, 0.45), (2, 0.4), (3, 0.15)))
    frames = [draw.choice(OPENINGS[event].all), *draw.sample(FOLLOW_UPS[event].all, n_follow_ups)]
    told = [story.tell(frame) for frame in frames]
    if n_follow_ups < 3 and draw.chance(0.35):
        told.append(story.tell(draw.choice(CHORUS)))
    elif n_follow_ups == 1 and draw.chance(0.4):
        second = Story(draw, "all", invented=story.invented)
        if "town" in story.values:
            second.values["town"] = story.values["town"]
        told.append(second.tell(draw.choice(OPENINGS[draw.choice(_EVENTS)].all)))
    return (join(told),)


def labelled(draw: Draw, part: Part) -> dict[str, Any]:
    """One sentence as `tokens` and `ner_tags`, indices into `TAGS`; names and frames of one part."""
    group = draw.weighted(((_REPORTS[part], 0.72), (_CHORUS.part(part), 0.20), (_NAMELESS.part(part), 0.08)))
    phrase = Story(draw, part, alone=True).tell(draw.choice(group))
    return tagged(phrase)


def tagged(phrase: Phrase) -> dict[str, Any]:
    """The words of a phrase and their tags: the first word of a span is B-, the others I-."""
    tokens, tags = [], []
    spans = list(phrase.spans)  # in the order of the text
    for word, start, _ in words(phrase.text):
        while spans and start >= spans[0].end:
            del spans[0]
        tag = "O"
        if spans and start >= spans[0].start:
            tag = ("B-" if start == spans[0].start else "I-") + spans[0].kind
        tokens.append(word)
        tags.append(_TAG_ID[tag])
    return {"tokens": tokens, "ner_tags": tags}
