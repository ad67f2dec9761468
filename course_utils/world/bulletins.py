"""The town's bulletins: a small language whose entropy is known exactly.

The other grammars can write one text in two ways, so the surprisal of their
choices is only an upper bound on the entropy of the text. Here no two chains of
choices give the same text (`two_readings` decides it, and finds none), so the
mean surprisal *is* the entropy: no model can do better than it in the long run.

A text is written from left to right. What is left to write is a `State`: items,
each a literal or a slot, and the words remembered for later. Generator, parser,
entropy and the true distribution of the next word all walk the same states.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from functools import cache
from os.path import commonprefix

from course_utils.errors import CourseError

from . import names
from .draw import Draw, Phrase
from .lexicons import bulletins as lexicon

OPENING = "Bulletin:"  # how every bulletin, and nothing else, begins

Slot = tuple[str, str]  # the rule, perhaps with "@name" in it, and the name its choice is remembered by
Item = str | Slot
State = tuple[tuple[Item, ...], tuple[tuple[str, str], ...]]  # what is left to write, what is remembered
Alternative = tuple[float, tuple[Item, ...], str]  # its probability, its items, what is remembered of it

_NUMBERS = range(1, 25)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _without(name: str, words: tuple[str, ...]) -> dict[str, str]:
    """The rule `name`, and for each of its words the rule `name.not.word` that has all the others."""
    others = {f"{name}.not.{word}": "\n".join(w for w in words if w != word) for word in words}
    return {name: "\n".join(words), **others}


def _numbers(low: int, high: int) -> str:
    return "\n".join(map(str, range(low, high + 1)))


def _computed_rules() -> dict[str, str]:
    """Names, and whatever is arithmetic: six hours later, the next day, fewer, twice."""
    rules = {
        **_without("town", names.SORTS["town"].all[-16:]),
        **_without("surname", names.BY_LIST["surname"].all[-24:]),
        "river": "\n".join(names.BY_LIST["river"].all[:12]),
        "hill": "\n".join(names.BY_LIST["hill"].all[:8]),
        "street": "\n".join(names.BY_LIST["street"].all[:12]),
        "ship": "\n".join(names.BY_LIST["ship"].all[:8]),
        "book": "\n".join(book for book in names.BY_LIST["book"].all if "'" not in book),
        "day": "\n".join(_DAYS),
        "early": _numbers(4, 11),
        "few": _numbers(2, 9),
        "some": _numbers(10, 20),
        "pence.up": _numbers(12, 20),
        "pence.down": _numbers(2, 7),
        "low.spring": _numbers(5, 8),
        "low.summer": _numbers(13, 17),
        "low.autumn": _numbers(6, 9),
        "low.winter": _numbers(1, 3),
    }
    rules |= {f"day_after.{day}": _DAYS[(i + 1) % 7] for i, day in enumerate(_DAYS)}
    for n in _NUMBERS:
        rules[f"six_later.{n}"] = str((n + 5) % 12 + 1)
        rules[f"later.{n}"] = _numbers(n + 1, n + 3)
        rules[f"above.{n}"] = _numbers(n + 2, n + 6)
        rules[f"fewer.{n}"] = "1" if n < 3 else _numbers(1, n - 1)
        rules[f"fewer_votes.{n}"] = _numbers(max(1, n - 5), max(1, n - 1))
        rules[f"more_votes.{n}"] = _numbers(n + 1, n + 5)
        rules[f"twice.{n}"] = str(2 * n)
    return rules


_LINE = re.compile(r"(?:(\d+)\* )?(.*?)(?: #(.*))?")
_SLOT = re.compile(r"\{(?:(\w+)=)?([^{}]+)\}")


def _alternatives(text: str) -> tuple[Alternative, ...]:
    lines = [_LINE.fullmatch(line).groups() for line in text.strip().splitlines()]  # type: ignore[union-attr]
    total = sum(int(weight or 1) for weight, _, _ in lines)
    return tuple((int(w or 1) / total, _items(body), body if tag is None else tag) for w, body, tag in lines)


def _items(body: str) -> tuple[Item, ...]:
    items: list[Item] = []
    position = 0
    for slot in _SLOT.finditer(body):
        items += [body[position : slot.start()], (slot[2], slot[1] or "")]
        position = slot.end()
    return tuple(item for item in (*items, body[position:]) if item)


RULES = {name: _alternatives(text) for name, text in (lexicon.RULES | _computed_rules()).items()}
START: State = ((("bulletin", ""),), ())


# What is remembered but never asked for again is forgotten, so that two states that go on alike are one.
@cache
def _asked_for(item: Item) -> frozenset[str]:
    if isinstance(item, str):
        return frozenset()
    rule, _ = item
    if rule.startswith("@"):
        return frozenset((rule[1:],))
    asked = set(re.findall(r"@(\w+)", rule))
    like = re.compile(".+".join(map(re.escape, re.split(r"@\w+", rule))))
    for name, alternatives in RULES.items():
        if like.fullmatch(name):
            asked |= {a for _, items, _ in alternatives for one in items for a in _asked_for(one)}
    return frozenset(asked)


def _state(items: tuple[Item, ...], known: dict[str, str]) -> State:
    asked = frozenset[str]().union(*map(_asked_for, items))
    return items, tuple(sorted((name, value) for name, value in known.items() if name in asked))


@cache
def _expand(state: State) -> tuple[tuple[float, State], ...]:
    """Every way to go on from a state whose first item is a slot, with its probability."""
    slot, *rest = state[0]
    assert not isinstance(slot, str)
    (rule, remembered_as), known = slot, dict(state[1])
    if rule.startswith("@"):  # say again what is remembered
        return ((1.0, _state((known[rule[1:]], *rest), known)),)
    name = re.sub(r"@(\w+)", lambda match: known[match[1]], rule)
    return tuple(
        (p, _state((*items, *rest), known | ({remembered_as: value} if remembered_as else {})))
        for p, items, value in RULES[name]
    )


def document(draw: Draw) -> tuple[Phrase, ...]:
    """One bulletin: a heading and one to three sentences."""
    text, state = "", START
    while state[0]:
        if isinstance(state[0][0], str):
            text, state = text + state[0][0], (state[0][1:], state[1])
        else:
            state = draw.weighted([(following, p) for p, following in _expand(state)])
    return (Phrase(text),)


def _readings(text: str, *, whole: bool) -> tuple[list[tuple[float, State]], int]:
    """All ways to read `text`, or a text that begins with it: log-probability and the state reached; and how far."""
    done: list[tuple[float, State]] = []
    open_: list[tuple[float, State, int]] = [(0.0, START, 0)]
    furthest = 0
    while open_:
        log_p, (items, known), position = open_.pop()
        if not whole and position == len(text):
            done.append((log_p, (items, known)))
        elif not items:
            done += [(log_p, (items, known))] if position == len(text) else []
        elif isinstance(items[0], str):
            literal, ahead = items[0], text[position : position + len(items[0])]
            furthest = max(furthest, position + len(commonprefix((literal, ahead))))
            if ahead == literal:
                open_.append((log_p, (items[1:], known), position + len(literal)))
            elif not whole and literal.startswith(ahead) and position + len(ahead) == len(text):
                done.append((log_p, ((literal[len(ahead) :], *items[1:]), known)))
        else:
            open_ += [(log_p + math.log(p), following, position) for p, following in _expand((items, known))]
    return done, furthest


def _log_sum(values: list[float]) -> float:
    top = max(values)
    return top + math.log(sum(math.exp(value - top) for value in values))


def surprisal(text: str) -> float:
    """The exact surprisal of a bulletin: minus the natural logarithm of its probability, in nats.

    Every way to read the text is tried, and their probabilities add up.

    Raises:
        CourseError: the text is not in the language; the sentence says where it leaves it.
    """
    readings, furthest = _readings(text, whole=True)
    if not readings:
        begin = furthest if furthest == len(text) else text.rfind(" ", 0, furthest) + 1  # of the word
        good, found = text[:begin], text[begin:]
        expected = sorted(next_words(good))[:3]
        after = f"after {good[-30:]!r}" if good else "at the very beginning"
        raise CourseError(
            f"This is no bulletin: {after} (character {begin}) stands {found[:30]!r}, "
            f"where the language has {' or '.join(map(repr, expected)) or 'nothing more'}"
        )
    return -_log_sum([log_p for log_p, _ in readings])


def accepts(text: str) -> bool:
    """Whether the text is a bulletin."""
    return bool(_readings(text, whole=True)[0])


def next_words(prefix: str) -> dict[str, float]:
    """The true distribution of what follows `prefix`: each piece up to the next space, with its probability.

    A piece keeps its punctuation and the spaces before it; `""` is the end of
    the bulletin. Empty if no bulletin begins with `prefix`.
    """
    weights: defaultdict[str, float] = defaultdict(float)
    open_ = [(log_p, state, "") for log_p, state in _readings(prefix, whole=False)[0]]
    while open_:
        log_p, (items, known), piece = open_.pop()
        if not items:
            weights[piece] += math.exp(log_p)
        elif isinstance(items[0], str):
            head, space, _ = (lead := items[0].lstrip(" ")).partition(" ")
            spaces = items[0][: len(items[0]) - len(lead)]
            if piece.strip() and spaces:  # the next word begins here
                weights[piece] += math.exp(log_p)
            elif space:
                weights[piece + spaces + head] += math.exp(log_p)
            else:
                open_.append((log_p, (items[1:], known), piece + spaces + head))
        else:
            open_ += [(log_p + math.log(p), following, piece) for p, following in _expand((items, known))]
    total = sum(weights.values())
    return {piece: weight / total for piece, weight in sorted(weights.items())}


@cache
def _moments(state: State) -> tuple[float, float]:
    """The expected surprisal in nats, and the expected number of words, of what is left to write."""
    items, known = state
    if not items:
        return 0.0, 0.0
    if isinstance(items[0], str):
        nats, n_words = _moments((items[1:], known))
        return nats, n_words + items[0].count(" ")
    nats = n_words = 0.0
    for p, following in _expand(state):
        more, words = _moments(following)
        nats, n_words = nats + p * (more - math.log(p)), n_words + p * words
    return nats, n_words


def entropy() -> float:
    """The entropy of a bulletin in nats: exact, a sum over all states of the grammar."""
    return _moments(START)[0]


def mean_words() -> float:
    """The expected number of words of a bulletin, told apart by spaces: exact."""
    return _moments(START)[1] + 1


def two_readings() -> str | None:
    """A text that two chains of choices can give, or None if there is none: a proof over all states.

    From every choice that can come up, two different alternatives are followed
    side by side for as long as what they have written agrees. If both come to
    an end with the same text, the grammar is ambiguous.
    """
    seen = {START}
    open_ = [START]
    while open_:
        state = open_.pop()
        items, known = state
        if not items:
            continue
        if isinstance(items[0], str):
            following = [(items[1:], known)]
        else:
            following = [after for _, after in _expand(state)]
            if (text := _same_text(following)) is not None:
                return text
        for after in following:
            if after not in seen:
                seen.add(after)
                open_.append(after)
    return None


@cache
def _first(state: State) -> tuple[tuple[str, State], ...]:
    """What can be written next, each with the state after it; `""` is the end."""
    items, known = state
    if not items:
        return (("", state),)
    if isinstance(items[0], str):
        return ((items[0], (items[1:], known)),)
    return tuple(first for _, following in _expand(state) for first in _first(following))


def _same_text(alternatives: list[State]) -> str | None:
    """A text that two of the alternatives can both go on with to the end, or None."""
    firsts = sorted(
        (literal, i, after) for i, one in enumerate(alternatives) for literal, after in _first(one)
    )
    open_ = []
    for a, (short, i, after_short) in enumerate(firsts):
        for long, j, after_long in firsts[a + 1 :]:
            if not long.startswith(short):
                break
            if i != j:
                open_.append((long, long[len(short) :], after_short, after_long))
    seen = set()
    while open_:
        # `behind` still has to write `lag` before it has written what `ahead` has.
        written, lag, behind, ahead = open_.pop()
        if not lag and not behind[0] and not ahead[0]:
            return written
        if (lag, behind, ahead) in seen or not behind[0]:
            continue
        seen.add((lag, behind, ahead))
        for literal, after in _first(behind):
            if lag.startswith(literal):
                open_.append((written, lag[len(literal) :], after, ahead))
            elif literal.startswith(lag):
                open_.append((written + literal[len(lag) :], literal[len(lag) :], ahead, after))
    return None
