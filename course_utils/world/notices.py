"""Short notices by topic, and the text messages of the town.

The frames of a topic notice fit every topic: only the words say which it is,
and a fifth of the rows bring in words of another one. Text messages are honest
gossip or a swindle; honest ones mention prizes, parcels and money too.
Labelled rows use the shown (or unseen) part of every list, frames included.
"""

from __future__ import annotations

from course_utils.world.draw import Draw, Part, Phrase, Split, join, sentence, split
from course_utils.world.lexicons import spam, topics

TOPICS = ("World", "Sports", "Business", "Sci/Tech")
SPAM_LABELS = ("ham", "spam")
MIXED, SPAM = 0.2, 0.13  # shares of notices with another topic's words, and of swindles

TOPIC_WORDS: dict[str, dict[str, Split[str]]] = {
    topic: {kind: split(words, key=f"{topic} {kind}") for kind, words in topics.TOPIC_WORDS[topic].items()}
    for topic in TOPICS
}
HEADLINES = split(topics.HEADLINES, key="headlines")
SENTENCES = split(topics.SENTENCES, key="notice sentences")
INTRUSIONS = split(topics.INTRUSIONS, key="intrusions")
MESSAGE_WORDS: dict[int, dict[str, Split[str]]] = {
    label: {kind: split(words, key=f"{SPAM_LABELS[label]} {kind}") for kind, words in lists.items()}
    for label, lists in enumerate((spam.HAM_WORDS, spam.SPAM_WORDS))
}
MESSAGES = {
    label: split(frames, key=f"{SPAM_LABELS[label]} frames")
    for label, frames in enumerate((spam.HAM_FRAMES, spam.SPAM_FRAMES))
}
FRAMES: dict[str, tuple[str, ...]] = {
    "topic": topics.HEADLINES + topics.SENTENCES + topics.INTRUSIONS,
    "follow-up": topics.FOLLOW_UPS,
    "ham": spam.HAM_FRAMES,
    "spam": spam.SPAM_FRAMES,
}

_TOWN = {
    "place": topics.PLACES,
    "time": topics.TIMES,
    "time2": topics.LATER,
    "townsman": topics.TOWNSMEN,
    "crowd": topics.CROWDS,
}


_VERBS = {"does": "verb present", "did": "verb past", "did2": "verb2 past"}


class Cast:
    """The words of one notice: a slot keeps its word; "object" and "object2" differ."""

    def __init__(self, draw: Draw, part: Part, lists: dict[str, Split[str]]):
        self.draw, self.part, self.lists = draw, part, lists
        self.words: dict[str, str] = {}

    def word(self, slot: str) -> str:
        slot, _, tense = _VERBS.get(slot, slot).partition(" ")
        if slot not in self.words:
            kind = slot.rstrip("2")
            options = self.lists[kind].part(self.part) if kind in self.lists else _TOWN[slot]
            other = self.words.get(kind if slot != kind else kind + "2")
            self.words[slot] = self.draw.choice(tuple(o for o in options if o != other) if other else options)
        return self.words[slot].split("/")[tense == "past"] if tense else self.words[slot]

    def fill(self, frame: str) -> Phrase:
        return sentence(frame, **{slot: self.word(slot) for slot in _SLOTS[frame]})


def _slots(frame: str) -> tuple[str, ...]:
    """The slots of a frame, each once, in order."""
    names = [piece.split("}")[0].split(":")[0] for piece in frame.split("{")[1:]]
    return tuple(dict.fromkeys(names))


_SLOTS = {frame: _slots(frame) for frames in FRAMES.values() for frame in frames}


def _headline(cast: Cast, frame: str) -> Phrase:
    text = cast.fill(frame).text
    return Phrase(text if text[-1] == "?" else text + ".")


def topic(draw: Draw, part: Part) -> dict[str, object]:
    """A headline and a sentence; one in five has a remark from another topic. Columns of fancyzhx/ag_news."""
    label = draw.index(len(TOPICS))
    cast = Cast(draw, part, TOPIC_WORDS[TOPICS[label]])
    headline = _headline(cast, draw.choice(HEADLINES.part(part)))
    text = f"{headline.text} {cast.fill(draw.choice(SENTENCES.part(part))).text}"
    if draw.chance(MIXED):
        other = draw.choice([name for name in TOPICS if name != TOPICS[label]])
        text += " " + Cast(draw, part, TOPIC_WORDS[other]).fill(draw.choice(INTRUSIONS.part(part))).text
    return {"text": text, "label": label}


_STAYS = ("name", "thing", "place", "firm", "prize", "cure", "link")  # what a thread of messages keeps to


def thread(draw: Draw, part: Part, label: int, count: int) -> list[str]:
    """Messages from one sender about one thing."""
    cast = Cast(draw, part, MESSAGE_WORDS[label])
    texts = []
    for frame in draw.sample(MESSAGES[label].part(part), count):
        texts.append(cast.fill(frame).text)
        cast.words = {slot: word for slot, word in cast.words.items() if slot in _STAYS}
    return [text if text[-1] in ".!?" else text + "." for text in texts[:-1]] + texts[-1:]


def message(draw: Draw, part: Part) -> dict[str, object]:
    """A text message with the columns of ucirvine/sms_spam; 13 % are swindles."""
    label = int(draw.chance(SPAM))
    return {"sms": " ".join(thread(draw, part, label, draw.integer(1, 2))), "label": label}


def document(draw: Draw) -> tuple[Phrase, ...]:
    """An unlabelled notice of one topic in two or three sentences, or a thread of text messages."""
    if draw.chance(0.35):
        label = int(draw.chance(SPAM))
        return (Phrase(" ".join(thread(draw, "all", label, draw.integer(2, 4)))),)
    cast = Cast(draw, "all", TOPIC_WORDS[draw.choice(TOPICS)])
    head = [_headline(cast, draw.choice(HEADLINES.all))] if draw.chance(0.5) else []
    frames = [draw.choice(SENTENCES.all), *draw.sample(topics.FOLLOW_UPS, draw.integer(1, 2))]
    return (join([*head, *(cast.fill(frame) for frame in frames)]),)
