"""Names in tags: schemes and their rules, what went wrong with each name, and a decoder that keeps the rules.

Plain Python and NumPy. `decoding.entity_spans` is lenient where this is strict: it drops what breaks a rule,
`read_spans` says where it stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .decoding import OUTSIDE, entity_spans, softmax
from .errors import CourseError

if TYPE_CHECKING:
    import pandas as pd

    from .batching import EncodedRows

Span = tuple[str, int, int]  # kind, first word, last word + 1

# How a name of one word, and the words of a longer one, are marked: alone, first, inside, last. A "?" stands for
# IOB1's choice: B only where the word before ends a name of the same kind, I everywhere else.
# IOB1: Ramshaw and Marcus 1995, https://aclanthology.org/W95-0107/ · IOB2: Tjong Kim Sang and Veenstra 1999,
# https://aclanthology.org/E99-1023/ · IOBES, elsewhere BIOES or BILOU: Ratinov and Roth 2009,
# https://aclanthology.org/W09-1119/
SCHEMES = {"IOB1": "??II", "IOB2": "BBII", "IOBES": "SBIE"}

LEAST = 1e-300  # the smallest probability that the decoder tells from none
RIGHT, BOUNDARY, TYPE, BOTH, MISSED, SPURIOUS = OUTCOMES = (
    "right", "boundary", "type", "boundary and type", "missed", "spurious",
)  # fmt: skip


# ---------------------------------------------------------------- schemes


def read_spans(tags: Sequence[str], scheme: str = "IOB2") -> list[Span]:
    """The names in tags of a scheme ("IOB1", "IOB2", "IOBES") as `(kind, first word, last word + 1)`.

    Raises CourseError at the first tag that the scheme does not allow where it stands.
    """
    _known(scheme)
    marks = set(SCHEMES[scheme].replace("?", "IB"))
    spans: list[Span] = []
    opened = False  # whether the last span may go on
    for i, tag in enumerate(tags):
        mark, kind = _parts(tag, i, marks, scheme)
        before = spans[-1][0] if spans and spans[-1][2] == i else ""  # the kind of the name that ends here so far
        if scheme == "IOBES" and opened and mark not in "IE":
            raise _broken(tags, i, "the name before it has not ended: its last word is E-")
        if mark == "O":
            opened = False
        elif mark in "BS":
            if scheme == "IOB1" and before != kind:
                raise _broken(tags, i, f"in IOB1 a name begins with I-, except right after another {kind}")
            spans.append((kind, i, i + 1))
            opened = mark == "B" or scheme == "IOB1"
        elif opened and before == kind:
            spans[-1] = (kind, spans[-1][1], i + 1)
            opened = mark == "I"
        elif scheme == "IOB1":  # an I- of another kind, or after O, begins a name
            spans.append((kind, i, i + 1))
            opened = True
        else:
            raise _broken(tags, i, f"{mark}- goes on with a name, and no {kind} is under way")
    if scheme == "IOBES" and opened:
        raise _broken(tags, len(tags) - 1, "the row ends inside a name: its last word is E-")
    return spans


def write_tags(spans: Iterable[Span], length: int, scheme: str = "IOB2") -> list[str]:
    """The tags of `length` words in which these names stand: what `read_spans` reads back.

    Raises CourseError for names that overlap, or stand outside the words.
    """
    _known(scheme)
    alone, first, inside, last = tuple(SCHEMES[scheme])
    tags = [OUTSIDE] * length
    end_of: dict[str, int] = {}  # kind → where its last name ended
    done = 0
    for kind, begin, end in sorted(spans, key=lambda span: span[1:]):
        if not 0 <= begin < end <= length:
            raise CourseError(f"A {kind} from word {begin} to {end} does not fit {length} words: check its ends")
        if begin < done:
            raise CourseError(f"A {kind} begins at word {begin}, inside the name before it: tags hold no name in a name")
        marks = alone if end == begin + 1 else first + inside * (end - begin - 2) + last
        if marks[0] == "?":
            marks = ("B" if end_of.get(kind) == begin else "I") + marks[1:]
        tags[begin:end] = [f"{mark}-{kind}" for mark in marks]
        done = end_of[kind] = end
    return tags


def convert_tags(tags: Sequence[str], source: str, target: str) -> list[str]:
    """The same names in another scheme. Raises CourseError where `tags` break a rule of `source`."""
    return write_tags(read_spans(tags, source), len(tags), target)


def rule_breaks(tags: Sequence[str]) -> list[int]:
    """Where IOB2 is broken: the words whose I- continues no name of its kind."""
    breaks, kind = [], ""  # the kind that an I- may continue
    for i, tag in enumerate(tags):
        mark, _, named = tag.partition("-")
        if mark == "I" and named != kind:
            breaks.append(i)
        kind = named
    return breaks


def repaired(tags: Sequence[str]) -> list[str]:
    """The same tags with every I- that continues nothing turned into B-, as lenient scorers read them."""
    breaks = set(rule_breaks(tags))
    return ["B" + tag[1:] if i in breaks else tag for i, tag in enumerate(tags)]


def _known(scheme: str) -> None:
    if scheme not in SCHEMES:
        raise CourseError(f"There is no scheme {scheme!r}: use one of {', '.join(SCHEMES)}")


def _parts(tag: str, i: int, marks: set[str], scheme: str) -> tuple[str, str]:
    mark, dash, kind = str(tag).partition("-")
    if tag == OUTSIDE or (dash and kind and mark in marks):
        return mark, kind
    wanted = ", ".join(f"{mark}-…" for mark in sorted(marks))
    raise CourseError(f"Tag {i} is {tag!r}, and {scheme} has {OUTSIDE}, {wanted}: correct it, or name its scheme")


def _broken(tags: Sequence[str], i: int, why: str) -> CourseError:
    before = f"after {tags[i - 1]!r}" if i else "at the beginning"
    return CourseError(f"Tag {i} is {tags[i]!r} {before}: {why}")


# ---------------------------------------------------------------- what went wrong


@dataclass(frozen=True)
class Outcome:
    """What became of one name: `wanted` is None for a spurious one, `predicted` for a missed one."""

    outcome: str  # one of OUTCOMES
    wanted: Span | None
    predicted: Span | None


def outcomes(predicted: Sequence[str], wanted: Sequence[str]) -> list[Outcome]:
    """What became of every name in the IOB2 tags of one sentence, in the order of the words.

    A predicted and a wanted name that share a word are paired, each at most once: first where both ends and the kind
    agree, then both ends, then the kind, then neither; of several the one that shares most words. What finds no partner
    is missed or spurious. So wanted names are right + boundary + type + both + missed, predicted ones right + boundary +
    type + both + spurious. (The scorers of MUC sort errors alike: Chinchor and Sundheim 1993,
    https://aclanthology.org/M93-1007/.)

    Raises CourseError if there is not one tag for each word on both sides.
    """
    if len(predicted) != len(wanted):
        raise CourseError(f"{len(predicted)} predicted tags and {len(wanted)} wanted: give one per word")
    given, there = entity_spans(predicted), entity_spans(wanted)
    pairs = []  # (rank, −words shared, outcome, numbers of both)
    first = 0
    for w, (kind, begin, end) in enumerate(there):
        while first < len(given) and given[first][2] <= begin:  # names of one side never overlap: a sweep finds all pairs
            first += 1
        for p in range(first, len(given)):
            found, start, stop = given[p]
            if start >= end:
                break
            ends, same = (start, stop) == (begin, end), found == kind
            outcome = RIGHT if ends and same else TYPE if ends else BOUNDARY if same else BOTH
            rank = (RIGHT, TYPE, BOUNDARY, BOTH).index(outcome)
            pairs.append((rank, max(start, begin) - min(stop, end), outcome, w, p))
    taken_w: dict[int, tuple[str, int]] = {}
    taken_p: set[int] = set()
    for _, _, outcome, w, p in sorted(pairs):
        if w not in taken_w and p not in taken_p:
            taken_w[w] = (outcome, p)
            taken_p.add(p)
    result = [
        Outcome(taken_w[w][0], span, given[taken_w[w][1]]) if w in taken_w else Outcome(MISSED, span, None)
        for w, span in enumerate(there)
    ]
    result += [Outcome(SPURIOUS, None, span) for p, span in enumerate(given) if p not in taken_p]
    return sorted(result, key=lambda one: (one.wanted or one.predicted or ("", 0, 0))[1:])


def outcome_table(
    words: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]], wanted: Sequence[Sequence[str]]
) -> pd.DataFrame:
    """One row for each name of every sentence: what became of it, and all that is needed to show it.

    Columns: outcome (one of OUTCOMES), row (number of the sentence), kind and name as wanted, found_kind and found_name
    as predicted ("" where there is none), words, wanted and predicted (the sentence and both its tags).
    """
    import pandas as pd

    if not len(words) == len(predicted) == len(wanted):
        raise CourseError(
            f"{len(words)} sentences, {len(predicted)} predicted and {len(wanted)} wanted: give one of each"
        )
    rows = []
    for number, (row, given, there) in enumerate(zip(words, predicted, wanted, strict=True)):
        if len(row) != len(there):
            raise CourseError(f"Row {number}: {len(row)} words and {len(there)} tags: give each word one tag")
        for one in outcomes(given, there):
            kind, name = _named(one.wanted, row)
            found_kind, found_name = _named(one.predicted, row)
            rows.append((one.outcome, number, kind, name, found_kind, found_name, row, there, given))
    columns = ["outcome", "row", "kind", "name", "found_kind", "found_name", "words", "wanted", "predicted"]
    return pd.DataFrame(rows, columns=columns)


def _named(span: Span | None, words: Sequence[str]) -> tuple[str, str]:
    return (span[0], " ".join(words[span[1] : span[2]])) if span else ("", "")


def word_accuracy(predicted: Sequence[Sequence[str]], wanted: Sequence[Sequence[str]]) -> float:
    """The share of words that have the right tag: what flatters, because most words are O."""
    pairs = [pair for rows in zip(predicted, wanted, strict=True) for pair in zip(*rows, strict=True)]
    if not pairs:
        raise CourseError("There are no words to score: check the split and its filters")
    return sum(given == there for given, there in pairs) / len(pairs)


# ---------------------------------------------------------------- a decoder that keeps the rules


def allowed_transitions(names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """What IOB2 allows: `first` (tags,), which tags a row may begin with, and `after` (tags, tags).

    `after[i, j]` says whether tag j may follow tag i. Forbidden is an I- after anything but B- and I- of its kind.
    """
    marks, kinds = zip(*(_parts(name, i, {"B", "I"}, "IOB2") for i, name in enumerate(names)), strict=True)
    goes_on = np.array([mark == "I" for mark in marks])
    same_kind = np.array(kinds)[:, None] == np.array(kinds)
    return ~goes_on, ~goes_on | same_kind  # O has no kind, so it is of the kind of none


def best_path(scores: np.ndarray, first: np.ndarray, after: np.ndarray) -> np.ndarray:
    """The tags with the highest sum of scores among those that the rules allow (Viterbi 1967).

    `scores` (words, tags) are finite log-probabilities; `first` and `after` as `allowed_transitions` gives them. The time
    is words · tags², though there are tags ** words sequences.
    """
    if not len(scores):
        return np.zeros(0, dtype=np.int64)
    forbidden = np.where(after, 0.0, -np.inf)  # (tags, tags): added to a score
    best = np.where(first, scores[0], -np.inf)  # (tags,): of the best sequence that ends in each tag
    came_from = np.zeros(scores.shape, dtype=np.int64)
    for i in range(1, len(scores)):
        paths = best[:, None] + forbidden  # (tag before, tag here)
        came_from[i] = paths.argmax(0)
        best = paths.max(0) + scores[i]
    path = np.empty(len(scores), dtype=np.int64)
    path[-1] = best.argmax()
    for i in range(len(scores) - 1, 0, -1):
        path[i - 1] = came_from[i, path[i]]
    return path


def word_probabilities(
    logits: np.ndarray, data: EncodedRows, names: Sequence[str], word_counts: Iterable[int]
) -> list[np.ndarray]:
    """For each encoded row, the probabilities (words, tags) at the first piece of every word.

    A word that the model never saw, beyond `max_length`, is O with probability 1.
    """
    assert data.words is not None, "rows encoded for entities"
    if OUTSIDE not in names:
        raise CourseError(f"The tags {', '.join(names)} have no {OUTSIDE!r}: name the tag of words outside names so")
    probabilities, outside = softmax(logits), list(names).index(OUTSIDE)
    rows = []
    for begin, end, count in zip(data.offsets, data.offsets[1:], word_counts, strict=False):
        words = data.words[begin:end]
        row = np.zeros((count, len(names)))
        row[:, outside] = 1.0
        row[words[words >= 0]] = probabilities[begin + np.flatnonzero(words >= 0)]
        rows.append(row)
    return rows


def structured_tags(
    logits: np.ndarray, data: EncodedRows, names: Sequence[str], word_counts: Iterable[int]
) -> tuple[list[list[str]], list[np.ndarray]]:
    """The likeliest tags of every row that keep the rules of IOB2, and the probability of each.

    Given and returned as by `decoding.word_tags`, which asks each word alone. Raises CourseError for tags that are not
    those of IOB2.
    """
    first, after = allowed_transitions(names)
    tags, certainty = [], []
    for row in word_probabilities(logits, data, names, word_counts):  # (words, tags)
        # A very sure model gives probabilities of exactly 0; their logarithm would leave no legal path to compare.
        path = best_path(np.log(np.maximum(row, LEAST)), first, after)
        tags.append([names[tag] for tag in path])
        certainty.append(row[np.arange(len(path)), path])
    return tags, certainty
