"""The town's reviews: unlabelled text that teaches polarity, and the sentiment task.

Which words praise and which blame is written nowhere in the unlabelled text;
it follows from the company they keep, because one review has one mood. A few
frequent *anchors* ("Luckily,", "Never again.", "Five stars.") help a model to
find the two moods. Labelled rows never have them.

A labelled row is made from one part of the lexicon and one part of the frames.
In the part "unseen" no decisive word has ever stood beside a label, so only
what was learned from unlabelled text can help.
"""

from __future__ import annotations

from string import Formatter
from typing import TypeVar

from course_utils.world.draw import Draw, Part, Phrase, Split, join, sentence, split
from course_utils.world.lexicons.polarity import ADJECTIVES, NOUNS, VERBS
from course_utils.world.lexicons.review_frames import CLOSINGS, FRAMES_BY_SHAPE, OPENINGS, SCENES, STARS
from course_utils.world.lexicons.review_things import COMPANIONS, INTENSIFIERS, KINDS, TIMES, Kind

T = TypeVar("T")

UNSEEN_SHARE = 0.45  # of the words of each class and polarity, and of the frames of each shape
ANCHOR_SHARE = 0.5  # of unlabelled reviews
SCENE_SHARE = 0.35  # of the shorter unlabelled reviews
NAME_SHARE = 0.6  # of labelled rows may say which thing is reviewed
GENERAL_SHARE = 0.15  # of adjectives are such as can be said of anything
ENTRIES = ("{x}: {listed}.", "{x} {was} {listed}.")  # a visitors' book wastes no words
COUPLE_SHARE = 0.5  # of adjectives in unlabelled reviews come in twos, "cosy and spotless"

# Unlabelled text denies and contrasts rarely: polarity is learned from words that keep the company
# of their like. The labelled task does it often, as real reviews do.
SHAPES_UNLABELLED = (
    ("adjective", 0.48), ("verb", 0.10), ("noun", 0.10), ("pair", 0.26), ("negated", 0.02),
    ("denied", 0.01), ("contrast", 0.03),
)  # fmt: skip
SHAPES_LABELLED = (
    ("adjective", 0.38), ("verb", 0.10), ("noun", 0.10), ("pair", 0.22), ("negated", 0.06),
    ("denied", 0.04), ("contrast", 0.10),
)  # fmt: skip


def _split_words() -> tuple[dict[tuple[str, int], Split[str]], dict[str, int]]:
    """The words of each class and polarity, and the polarity of each word.

    A word of several classes is shown or unseen in all of them, as its first class decides.
    """
    listed = {**ADJECTIVES, "verb": VERBS, "noun": NOUNS}
    shown: set[str] = set()
    unseen: set[str] = set()
    words, polarity = {}, {}
    for domain, by_polarity in listed.items():
        for label, text in zip((1, 0), by_polarity, strict=True):
            everything = tuple(text.split())
            new = [word for word in everything if word not in polarity]
            parts = split(new, key=f"reviews/{domain}/{label}", unseen=UNSEEN_SHARE)
            shown.update(parts.shown)
            unseen.update(parts.unseen)
            polarity.update(dict.fromkeys(new, label))
            words[domain, label] = Split(
                shown=tuple(word for word in everything if word in shown),
                unseen=tuple(word for word in everything if word in unseen),
                all=everything,
            )
    return words, polarity


WORDS, POLARITY = _split_words()  # (class, label) → Split of words; word → 0 or 1
SHOWN_WORDS = frozenset(word for parts in WORDS.values() for word in parts.shown)
UNSEEN_WORDS = frozenset(word for parts in WORDS.values() for word in parts.unseen)
FRAME_SPLITS = {
    shape: split(frames, key=f"reviews/frames/{shape}", unseen=UNSEEN_SHARE)
    for shape, frames in FRAMES_BY_SHAPE.items()
}
FRAMES = tuple(frame for frames in FRAMES_BY_SHAPE.values() for frame in frames)
ANCHORS = tuple(anchor for cues in (OPENINGS, CLOSINGS, STARS) for mood in cues for anchor in mood)

# Worked out once, because a corpus asks for them a million times.
_KINDS = tuple(KINDS.values())
_SLOTS = {
    frame: frozenset(slot for _, slot, _, _ in Formatter().parse(frame) if slot) for frame in FRAMES + SCENES
}
_ROLES = {  # the prefixes of the aspects that a frame speaks of: first "", second "y_"
    frame: tuple(
        prefix
        for prefix, own in (("", {"x", "bare", "adj"}), ("y_", {"y", "y_bare", "y_adj"}))
        if _SLOTS[frame] & own
    )
    for frame in FRAMES
}
_NAMING = {  # the frames that can say which thing is reviewed, and so can open a review
    shape: tuple(frame for frame in frames if _SLOTS[frame] & {"at", "thing"})
    for shape, frames in FRAMES_BY_SHAPE.items()
}
_FIXED = (("verb", "", "verb"), ("noun", "", "noun"), ("y_verb", "y_", "verb"), ("y_noun", "y_", "noun"))
_AFTER_ADVERB = ("{x}", "{y}", "{who}", "{thing}", "the ", "we ", "everyone ")  # "Luckily, the stew …"


def _fresh(draw: Draw, options: tuple[T, ...], used: set[object]) -> T:
    """An option that this review has not had yet."""
    option = draw.choice([option for option in options if option not in used])
    used.add(option)
    return option


def _word(draw: Draw, domain: str, label: int, part: Part, used: set[object]) -> str:
    """A polarity word of a class; an adjective may also be one that is said of anything."""
    if domain not in ("verb", "noun") and draw.chance(GENERAL_SHARE):
        domain = "general"
    return _fresh(draw, WORDS[domain, label].part(part), used)


def _adjectives(draw: Draw, domain: str, label: int, part: Part, used: set[object]) -> str:
    """One adjective or, in unlabelled text, often two of one mind.

    Adjectives joined by "and" agree in polarity (Hatzivassiloglou and McKeown 1997,
    https://aclanthology.org/P97-1023/), and stand side by side, where a small model looks first.
    """
    first = _word(draw, domain, label, part, used)
    if part == "all" and draw.chance(COUPLE_SHARE):
        return f"{first} and {_word(draw, domain, label, part, used)}"
    return first


def _label(shape: str, prefix: str, mood: int) -> int:
    """The polarity of a word in a sentence of this mood."""
    turned = shape == "contrast" if prefix else shape in ("negated", "denied")
    return 1 - mood if turned else mood


def fillings(
    draw: Draw, frame: str, shape: str, mood: int, part: Part, kind: Kind, name: str, used: set[object]
) -> dict[str, str]:
    """What fills the slots of a frame; `name` is "" once the reader knows which thing is meant.

    Only what the frame asks for is drawn, so that the surprisal counts nothing that cannot be read.
    """
    slots = _SLOTS[frame]
    values = {"at": f" {kind.at} {name}" if name else "", "thing": name or kind.noun}
    for prefix in _ROLES[frame]:
        aspect = _fresh(draw, kind.aspects, used)
        values["y" if prefix else "x"] = aspect.the
        values[prefix + "bare"], values[prefix + "a"] = aspect.bare, aspect.a
        values[prefix + "was"], values[prefix + "is"] = aspect.was, aspect.is_
        if prefix + "adj" in slots:
            label = _label(shape, prefix, mood)
            values[prefix + "adj"] = _adjectives(draw, aspect.domain, label, part, used)
    for slot, prefix, domain in _FIXED:
        if slot in slots:
            values[slot] = _word(draw, domain, _label(shape, prefix, mood), part, used)
    for slot, options in (("who", COMPANIONS), ("when", TIMES), ("very", INTENSIFIERS)):
        if slot in slots:
            values[slot] = draw.choice(options)
    return values


def _scene(draw: Draw, kind: Kind, name: str) -> Phrase:
    """How the reviewer came to be there; no opinion yet."""
    frame = draw.choice(SCENES)
    values = {"visited": kind.visited, "name": name}
    for slot, options in (("who", COMPANIONS), ("when", TIMES)):
        if slot in _SLOTS[frame]:
            values[slot] = draw.choice(options)
    return sentence(frame, **values)


def entry(draw: Draw) -> tuple[Phrase, ...]:
    """One line of a visitors' book: "The tea: mellow, soothing and reviving. Five stars."

    Nearly every word of it has a polarity, and they all agree: what a small model needs to notice
    that there are two moods. The longer reviews alone did not show it that in six million tokens.
    """
    mood, kind = draw.index(2), draw.choice(_KINDS)
    used: set[object] = set()
    aspect = draw.choice(kind.aspects)
    adjectives = [_word(draw, aspect.domain, mood, "all", used) for _ in range(draw.integer(2, 3))]
    listed = " and ".join([", ".join(adjectives[:-1]), adjectives[-1]])
    lines = [sentence(draw.choice(ENTRIES), x=aspect.the, was=aspect.was, listed=listed)]
    if draw.chance(ANCHOR_SHARE):
        lines.append(Phrase(draw.choice(draw.choice((STARS, CLOSINGS))[mood])))
    return (join(lines),)


def document(draw: Draw) -> tuple[Phrase, ...]:
    """One unlabelled review: two to four sentences of one mood, as a single segment."""
    mood, kind = draw.index(2), draw.choice(_KINDS)
    name = draw.choice(kind.names)
    opinions = draw.integer(2, 3)
    anchor = draw.choice(("opening", "closing", "stars")) if draw.chance(ANCHOR_SHARE) else ""
    sentences: list[Phrase] = []
    used: set[object] = set()  # frames, aspects and words
    if opinions == 2 and draw.chance(SCENE_SHARE):
        sentences.append(_scene(draw, kind, name))
        name = ""
    for _ in range(opinions):
        shape = draw.weighted(SHAPES_UNLABELLED)
        frame = _fresh(draw, _NAMING[shape] if name else FRAMES_BY_SHAPE[shape], used)
        values = fillings(draw, frame, shape, mood, "all", kind, name, used)
        if anchor == "opening" and frame.startswith(_AFTER_ADVERB):
            frame, anchor = "{opening} " + frame, ""
            values["opening"] = draw.choice(OPENINGS[mood])
        sentences.append(sentence(frame, **values))
        name = ""
    if anchor:  # an adverb that no sentence could take becomes a closing remark
        sentences.append(Phrase(draw.choice((STARS if anchor == "stars" else CLOSINGS)[mood])))
    return (join(sentences),)


def labelled(draw: Draw, part: Part) -> dict[str, str | int]:
    """One row of the sentiment task: `sentence`, and `label` 0 (negative) or 1 (positive).

    Every polarity word, decisive or not, and the frame are from `part`.
    Nothing else depends on the label.
    """
    label, kind = draw.index(2), draw.choice(_KINDS)
    name = draw.choice(kind.names) if draw.chance(NAME_SHARE) else ""
    shape = draw.weighted(SHAPES_LABELLED)
    frame = draw.choice(FRAME_SPLITS[shape].part(part))
    text = sentence(frame, **fillings(draw, frame, shape, label, part, kind, name, set())).text
    return {"sentence": text, "label": label}
