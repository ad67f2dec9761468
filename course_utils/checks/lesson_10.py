"""Exercises of lesson 10, named entities: the bookkeeping from words to pieces, tags, spans and characters.

Every answer is called on cases in order. At the first that differs, its result is compared with what each usual
mistake, written out as a program, gives for the same case.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np

from course_utils.checks import Check, Mistake
from course_utils.decoding import entity_spans
from course_utils.entities import allowed_transitions, convert_tags, outcomes, repaired, write_tags
from course_utils.world.draw import words

# A mistake reads best as its four parts, on as few lines as they need:
# fmt: off


@dataclass(frozen=True)
class Wrong:
    """A usual mistake as a program, and what to say to whoever wrote it."""

    name: str
    program: Callable[..., Any]
    cause: str
    move: str


def _plain(value: Any, *, tuples: bool = False) -> Any:
    """Lists for arrays and, unless `tuples` stay, for these; Python's numbers for NumPy's: what an answer says."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list | tuple):
        parts = [_plain(part, tuples=tuples) for part in value]
        return tuple(parts) if tuples and isinstance(value, tuple) else parts
    if isinstance(value, dict):
        return {key: _plain(part, tuples=tuples) for key, part in value.items()}
    return round(value, 4) if isinstance(value, float) and math.isfinite(value) else value


def _told_apart(
    answer: Callable[..., Any], right: Callable[..., Any], cases: Sequence[tuple[Any, ...]], wrongs: Sequence[Wrong],
    asked: Callable[..., str], otherwise: str,
) -> Mistake | None:
    """None if the answer is right on all cases, else the mistake that gives what it gives on the first that differs.

    Of several such mistakes, the one that agrees with the answer on most of the cases.
    """
    results: list[Any] = []
    failed, shown = None, ""  # the first case that differs, and the answer to it
    for number, case in enumerate(cases):
        try:
            got = answer(*deepcopy(case))
            if got is None:
                raise TypeError("no result")  # the check says what that means
        except Exception:
            if failed is None:
                raise
            got = ...  # agrees with nothing
        results.append(_plain(got))
        if failed is None and results[-1] != _plain(right(*case)):
            failed, shown = number, _plain(got, tuples=True)
    if failed is None:
        return None
    expected = _plain(right(*cases[failed]), tuples=True)
    seen = f"for {asked(*cases[failed])} your answer is {shown}, where {expected} is right"
    suspects = [wrong for wrong in wrongs if _plain(wrong.program(*cases[failed])) == results[failed]]
    if not suspects:
        return Mistake("another answer", seen, "none of the usual mistakes gives this", otherwise)

    def agreement(wrong: Wrong) -> int:
        return sum(_plain(wrong.program(*case)) == result for case, result in zip(cases, results, strict=True))

    likely = max(suspects, key=agreement)
    return Mistake(likely.name, seen, likely.cause, likely.move)


# ---------------------------------------------------------------- 10.1

align = Check(
    "10.1",
    "From words to pieces",
    hints=(
        "Go through the pieces from left to right, and remember the word of the piece before.",
        "A piece is the first of its word when its word is not `None` and is not the word of the piece before.",
        "The tag is `tags[word]`: the word's own number finds it, not a counter. Everything else is -100.",
    ),
)


def _first_pieces(ids, tags):
    firsts = {word: ids.index(word) for word in ids if word is not None}
    return [tags[word] if firsts.get(word) == i else -100 for i, word in enumerate(ids)]


def _beside(ids, tags):
    return zip(ids, _first_pieces(ids, tags), strict=True)


def _by_counter(ids, tags):
    numbers = {word: n for n, word in enumerate(dict.fromkeys(word for word in ids if word is not None))}
    return _first_pieces([None if word is None else numbers[word] for word in ids], tags)


def _along(ids, tags):
    """One tag after the other on whatever piece comes."""
    left = iter(tags)
    return [-100 if word is None else next(left, 0) for word in ids]


ALIGNMENTS = (
    Wrong("every piece labelled", lambda ids, tags: [-100 if w is None else tags[w] for w in ids],
          "later pieces of a word get its tag again: a name of one word in three pieces counts as three targets, and a "
          "B- on each of them says that three names begin",
          "Compare a piece's word with that of the piece before."),
    Wrong("special tokens are O", lambda ids, tags: [0 if w is None else y for w, y in _beside(ids, tags)],
          "pieces that belong to no word get the label 0, which is O, so the loss counts them",
          "Nobody tagged `[CLS]` and `[SEP]`: give them -100."),
    Wrong("later pieces are O", lambda ids, tags: [0 if y == -100 else y for y in _first_pieces(ids, tags)],
          "0 is used for \"no label\", but 0 is the tag O: the model is told that the rest of a name is no name",
          "The label that the loss leaves out is -100."),
    Wrong("the first word is lost", lambda ids, tags: [y if w else -100 for w, y in _beside(ids, tags)],
          "`if word` is false for word 0 as well as for `None`", "Write `word is not None`."),
    Wrong("laid along the pieces", _along,
          "tags are given out one per piece, in order; after the first word of two pieces all of them sit on the wrong "
          "words, and nothing complains",
          "Find each tag by the number of its word."),
    Wrong("last piece instead of first", lambda ids, tags: _first_pieces(ids[::-1], tags)[::-1],
          "a piece is labelled when the *next* one belongs to another word",
          "Look at the piece before. (Either can work, but prediction reads the first.)"),
    Wrong("O left out", lambda ids, tags: [y or -100 for y in _first_pieces(ids, tags)],
          "the tag 0 was taken for \"no tag\": words outside names carry no label, so nothing ever teaches the model "
          "to say O",
          "O is a tag like the others. Test the word, not its tag."),
    Wrong("counted, not looked up", _by_counter,
          "tags are counted off as new words appear; a word without a piece shifts all that follow",
          "Use the word's number to find its tag: `tags[word]`."),
)


def _aligned(answer, *cases):
    return _told_apart(
        answer, _first_pieces, cases, ALIGNMENTS, lambda ids, tags: f"words {ids} and tags {tags}",
        "Write words, tags and your labels below each other, and find the first place where they part.",
    )


@align.probe
def one_label_a_word(answer):
    """A word in one piece, one in three, one in one."""
    got = answer([None, 0, 1, 1, 1, 2, None], [3, 1, 2])
    if got is not None and len(got) != 7:
        return Mistake(
            "another length", f"{len(got)} labels for 7 pieces", "labels are made per word, or special tokens left out",
            "Labels stand beside `input_ids`: exactly one for each piece.",
        )
    return _aligned(answer, ([None, 0, 1, 1, 1, 2, None], [3, 1, 2]))


@align.probe
def words_outside_names(answer):
    """The tag 0 is a label."""
    return _aligned(answer, ([None, 0, 1, 2, 2, None], [0, 2, 0]))


@align.probe
def a_cut_sentence(answer):
    """More tags than words that arrive."""
    return _aligned(answer, ([None, 0, 1, 1, None], [3, 1, 2, 4]))


@align.probe
def a_word_without_a_piece(answer):
    """Word 1 has none."""
    return _aligned(answer, ([None, 0, 2, 2, 3, None], [3, 1, 2, 4]))


# ---------------------------------------------------------------- 10.2

spans_of = Check(
    "10.2",
    "From tags to spans",
    hints=(
        "Only B- begins a name. Only an I- that stands right behind a name of the same kind makes it longer.",
        "Keep a list of spans. For an I-, look at the last of them: does it end at this word, and is its kind the same?",
        "`tag.partition(\"-\")` gives mark, dash and kind. To lengthen: `spans[-1] = (kind, spans[-1][1], i + 1)`.",
    ),
)


def _read(tags, begins=lambda mark, goes_on: mark == "B", follows=lambda last, i, kind: last[2] == i and last[0] == kind):
    """A reader of tags, whose two questions can be asked wrongly."""
    spans: list[tuple[str, int, int]] = []
    for i, tag in enumerate(tags):
        mark, _, kind = tag.partition("-")
        goes_on = bool(spans) and follows(spans[-1], i, kind)
        if mark != "O" and begins(mark, goes_on):
            spans.append((kind, i, i + 1))
        elif mark != "O" and goes_on:
            spans[-1] = (spans[-1][0], spans[-1][1], i + 1)
    return spans


READINGS = (
    Wrong("last word included", lambda tags: [(k, a, b - 1) for k, a, b in entity_spans(tags)],
          "the third number is the last word of the name", "As in Python's slices, the end is one further."),
    Wrong("parts in another order", lambda tags: [(a, b, k) for k, a, b in entity_spans(tags)],
          "the kind stands last", "The order is (kind, first word, last word + 1)."),
    Wrong("the last name is lost", lambda tags: [s for s in entity_spans(tags) if s[2] < len(tags)],
          "a name is stored when the word after it is read, and after the last word none is",
          "Store the name that is still open when the loop ends."),
    Wrong("neighbours joined", lambda tags: _read(tags, begins=lambda mark, goes_on: mark == "B" and not goes_on),
          "two names of one kind with nothing between them became one: a B- was read like an I-",
          "Every B- begins a name, whatever stands before it."),
    Wrong("kinds not compared", lambda tags: _read(tags, follows=lambda last, i, kind: last[2] == i),
          "an I- lengthens the name before it though it is of another kind",
          "Compare the kind of the I- with that of the name."),
    Wrong("a gap is bridged", lambda tags: _read(tags, follows=lambda last, i, kind: last[0] == kind),
          "an I- was added to a name that had ended some words before",
          "Ask whether the last name ends exactly at this word."),
    Wrong("stray I- begins a name", lambda tags: entity_spans(repaired(tags)),
          "an I- that continues nothing was read as a beginning, as lenient scorers do",
          "Here the reading is strict: only a B- begins a name."),
)


def _spans_read(answer, *tag_rows):
    return _told_apart(
        answer, entity_spans, [(row.split(),) for row in tag_rows], READINGS, lambda tags: " ".join(tags),
        "Go through the tags word by word, and say aloud for each: begins, goes on, or neither.",
    )


@spans_of.probe
def the_example(answer):
    """Three names, two of them side by side, the last at the end."""
    return _spans_read(answer, "B-PER O B-LOC I-LOC O", "B-PER I-PER O B-LOC B-ORG I-ORG I-ORG")


@spans_of.probe
def two_of_a_kind(answer):
    """A B- right after a name of its kind."""
    return _spans_read(answer, "B-LOC B-LOC I-LOC O O", "O B-PER I-PER B-PER O")


@spans_of.probe
def an_i_of_another_kind(answer):
    """It ends the name and begins none."""
    return _spans_read(answer, "B-PER I-LOC O", "B-PER I-LOC I-PER O")


@spans_of.probe
def an_i_after_nothing(answer):
    """After O, at the beginning, after a gap."""
    return _spans_read(answer, "B-PER O I-PER O", "O I-PER I-PER O", "I-LOC O", "O O")


# ---------------------------------------------------------------- 10.3

to_iobes = Check(
    "10.3",
    "Another scheme",
    hints=(
        "A name's last word is known only from what comes after it. What comes after the last word of the sentence?",
        "A name goes on if the next tag is I-. Otherwise it ends here: B- becomes S-, and I- becomes E-.",
        "Go through `zip(tags, [*tags[1:], \"O\"])`, so that the last word has a successor too.",
    ),
)


def _marked(tags, alone="S", last="E", ends=lambda after: not after.startswith("I"), at_end="O"):
    result = []
    for tag, after in zip(tags, [*tags[1:], at_end], strict=True):
        here = tag != "O" and ends(after)
        result.append((alone if tag[0] == "B" else last) + tag[1:] if here else tag)
    return result


CONVERSIONS = (
    Wrong("single words stay B", lambda tags: _marked(tags, alone="B"),
          "a name of one word is still marked B-, which promises that more follows", "Such a name is S-."),
    Wrong("last word stays I", lambda tags: _marked(tags, last="I"),
          "the last word of a longer name is still marked I-", "It is E-."),
    Wrong("every B is S", lambda tags: ["S" + t[1:] if t[0] == "B" else m for t, m in zip(tags, _marked(tags), strict=True)],
          "the first word of a longer name became S-, too", "S- is for names of one word: look at the next tag."),
    Wrong("every I is E", lambda tags: ["E" + t[1:] if t[0] == "I" else t for t in _marked(tags)],
          "inner words became E- as well", "Only the last word is E-: look at the next tag."),
    Wrong("the sentence's end forgotten", lambda tags: _marked(tags, at_end="I-"),
          "the last word of the sentence has no successor, so nothing ended its name",
          "After the last word, every name has ended."),
    Wrong("a neighbour is not an end", lambda tags: _marked(tags, ends=lambda after: after == "O"),
          "only an O ends a name here, but the beginning of the next name ends it too",
          "A name goes on only if the next tag is I-."),
)


def _converted(answer, *tag_rows):
    return _told_apart(
        answer, lambda tags: convert_tags(tags, "IOB2", "IOBES"), [(row.split(),) for row in tag_rows], CONVERSIONS,
        lambda tags: " ".join(tags), "Write the next tag under each tag, and decide word by word.",
    )


@to_iobes.probe
def names_among_other_words(answer):
    """Of one, two, three and four words."""
    return _converted(answer, "B-PER I-PER I-PER O B-LOC O B-ORG I-ORG O O", "O B-PER I-PER I-PER I-PER O")


@to_iobes.probe
def a_name_after_a_name(answer):
    """With no O between them."""
    return _converted(answer, "B-PER B-LOC I-LOC B-LOC O", "O B-PER I-PER B-PER O")


@to_iobes.probe
def a_name_at_the_end(answer):
    """Of one word, of two, and no name at all."""
    return _converted(answer, "O B-PER", "O B-PER I-PER", "O O")


# ---------------------------------------------------------------- 10.4

entity_f1 = Check(
    "10.4",
    "F1 of whole names",
    hints=(
        "Three counts over all sentences: names predicted, names wanted, names in both lists of the same sentence.",
        "With R right, P predicted and W wanted: precision R/P, recall R/W. What is 2PR/(P+R) in terms of the counts?",
        "F1 is `2 * right / (predicted + wanted)`, and 0 when there is neither.",
    ),
)


def _counts(predicted, wanted):
    right = sum(len(set(p) & set(w)) for p, w in zip(predicted, wanted, strict=True))
    return right, sum(map(len, predicted)), sum(map(len, wanted))


def _share(right, given, there):
    return 2 * right / (given + there) if given + there else 0.0


def _f1(predicted, wanted):
    return _share(*_counts(predicted, wanted))


def _words_of(rows, kinds=True):
    """Every word in a name, as the sentence, the kind, and the word."""
    return {(n, k if kinds else "", i) for n, row in enumerate(rows) for k, a, b in row for i in range(a, b)}


def _pooled(rows):
    return [[span for row in rows for span in row]]


def _word_f1(predicted, wanted):
    given, there = _words_of(predicted), _words_of(wanted)
    return _share(len(given & there), len(given), len(there))


def _over_kinds(predicted, wanted):
    kinds = sorted({span[0] for row in [*predicted, *wanted] for span in row})
    of = [[[[s for s in row if s[0] == kind] for row in rows] for rows in (predicted, wanted)] for kind in kinds]
    return sum(_f1(*pair) for pair in of) / max(1, len(kinds))


def _ends(rows):
    return [[span[1:] for span in row] for row in rows]


SCORES = (
    Wrong("sentences pooled", lambda p, w: _f1(_pooled(p), _pooled(w)),
          "spans of all sentences lie in one set, so a name is right because *another* sentence has one at the same place",
          "Compare sentence by sentence, and add up the counts."),
    Wrong("mean over sentences", lambda p, w: sum(_f1([a], [b]) for a, b in zip(p, w, strict=True)) / max(1, len(p)),
          "each sentence gets an F1 and these are averaged: a sentence with one name weighs as much as one with five, "
          "and those without a name drag it down",
          "Add up the counts over all sentences, and divide once."),
    Wrong("mean over kinds", _over_kinds, "each kind gets an F1 and these are averaged (macro F1)",
          "Count all kinds together."),
    Wrong("kinds ignored", lambda p, w: _f1(_ends(p), _ends(w)), "only the ends are compared",
          "A town found as a person is wrong."),
    Wrong("words counted", _word_f1, "words in names are counted, so half a name earns half a point",
          "A name is right as a whole or not at all."),
    Wrong("precision only", lambda p, w: _counts(p, w)[0] / max(1, _counts(p, w)[1]),
          "this is precision: names that were missed do not lower it", "Combine it with recall."),
    Wrong("recall only", lambda p, w: _counts(p, w)[0] / max(1, _counts(p, w)[2]),
          "this is recall: names that were made up do not lower it", "Combine it with precision."),
    Wrong("plain mean", lambda p, w: _counts(p, w)[0] * (1 / max(1, _counts(p, w)[1]) + 1 / max(1, _counts(p, w)[2])) / 2,
          "precision and recall are averaged plainly", "F1 is the harmonic mean: 2PR/(P+R)."),
    Wrong("1 for nothing", lambda p, w: _f1(p, w) if any(p) or any(w) else 1.0,
          "with no name on either side the score is 1", "The exercise, like most scorers, says 0."),
)


def _in_numbers(predicted, wanted):
    right, given, there = _counts(predicted, wanted)
    said = f"{given} predicted names, {there} wanted and {right} right in {len(predicted)} sentences"
    return said if given + there > 4 else f"{said} (predicted {predicted}, wanted {wanted})"


def _scored(answer, *cases):
    try:
        return _told_apart(
            answer, _f1, cases, SCORES, _in_numbers,
            "Print how many names are predicted, wanted and right, and compute F1 on paper.",
        )
    except ZeroDivisionError:
        return Mistake(
            "divided by zero", "a ZeroDivisionError, for sentences in which nothing is predicted, wanted or right",
            "precision, recall or their sum has nothing to divide by", "Return 0.0 before you divide by 0.",
        )


@entity_f1.probe
def several_sentences(answer):
    """Right, another kind, another end; one sentence without a name."""
    predicted = [
        [("PER", 0, 2), ("LOC", 3, 4)], [("PER", 0, 2), ("MISC", 9, 10)], [("ORG", 3, 4)],
        [("ORG", 1, 4), ("LOC", 5, 6), ("PER", 7, 8), ("PER", 13, 14)],
    ]
    wanted = [
        [("PER", 0, 2), ("ORG", 3, 4)], [("PER", 0, 1), ("ORG", 3, 4)], [],
        [("ORG", 1, 4), ("LOC", 5, 6), ("MISC", 9, 10), ("LOC", 11, 12)],
    ]
    return _scored(answer, (predicted, wanted))


@entity_f1.probe
def nothing_right(answer):
    """Names on one side, on both sides, on neither."""
    one = [[("PER", 0, 2)]]
    return _scored(answer, (one, [[("LOC", 4, 5)]]), ([[]], one), (one, [[]]), ([[], []], [[], []]))


# ---------------------------------------------------------------- 10.5

count_errors = Check(
    "10.5",
    "What kind of error?",
    hints=(
        "For each wanted name, look for a predicted one that shares a word with it. None? Then it is missed.",
        "Two spans share a word if each begins before the other ends. Then two questions remain: same kind? same ends?",
        "Remember which predicted names met a wanted one. The others are spurious.",
    ),
)
SIX = ("right", "type", "boundary", "boundary and type", "missed", "spurious")


def _counted(predicted, wanted):
    length = max((span[2] for span in [*predicted, *wanted]), default=0)
    found = [one.outcome for one in outcomes(write_tags(predicted, length), write_tags(wanted, length))]
    return {name: found.count(name) for name in SIX}


def _moved(*names, into=("missed", "spurious")):
    """The right counts, with some kinds counted under others."""

    def program(predicted, wanted):
        counts = _counted(predicted, wanted)
        for name in names:
            for other in into:
                counts[other] += counts[name]
            counts[name] = 0
        return counts

    return program


def _sorted_by(share):
    """Counts by another test of sharing a word."""

    def program(predicted, wanted):
        counts, met = dict.fromkeys(SIX, 0), []
        for w in wanted:
            p = next((span for span in predicted if share(span, w)), None)
            met.append(p)
            ends, kind = p and p[1:] == w[1:], p and p[0] == w[0]
            wrong = "type" if ends else "boundary" if kind else "boundary and type"
            counts["missed" if not p else "right" if ends and kind else wrong] += 1
        counts["spurious"] = sum(span not in met for span in predicted)
        return counts

    return program


ERRORS = (
    Wrong("only equal ends compared", _moved("boundary", "boundary and type"),
          "a name with a wrong end is counted twice, as missed and as spurious",
          "Look for a predicted name that *shares a word* with the wanted one."),
    Wrong("another kind is no partner", _moved("type", "boundary and type"),
          "a name of the wrong kind is counted twice, as missed and as spurious",
          "Look for a partner by its words first, and compare kinds afterwards."),
    Wrong("only exact matches", _moved("type", "boundary", "boundary and type"),
          "whatever is not right is counted as missed and as spurious", "Look for names that share a word."),
    Wrong("both wrong is boundary", _moved("boundary and type", into=("boundary",)),
          "the kind is not compared where the ends differ", "Two questions, four answers: kind and ends."),
    Wrong("both wrong is type", _moved("boundary and type", into=("type",)),
          "the ends are not compared where the kinds differ", "Ask both questions: same ends? same kind?"),
    Wrong("spurious never counted", _moved("spurious", into=()),
          "the loop goes over wanted names only, so predictions that meet none are never seen",
          "Go over the predicted names, too."),
    Wrong("missed never counted", _moved("missed", into=()),
          "the loop goes over predicted names only, so wanted names that nothing meets are never seen",
          "Go over the wanted names, too."),
    Wrong("neighbours share a word", _sorted_by(lambda p, w: p[1] <= w[2] and w[1] <= p[2]),
          "a name that begins where another ends was taken for its partner; the end of a span is the first word "
          "*behind* it", "Use < instead of <=."),
    Wrong("looks in one direction", _sorted_by(lambda p, w: w[1] <= p[1] < w[2]),
          "a predicted name that begins before the wanted one is not seen as its partner",
          "Each must begin before the other ends: two comparisons."),
    Wrong("looks in one direction only", _sorted_by(lambda p, w: p[1] <= w[1] < p[2]),
          "a predicted name that begins after the wanted one is not seen as its partner",
          "Each must begin before the other ends, so two comparisons are needed."),
)


def _sorted_out(answer, *cases):
    for case in cases:
        got = answer(*deepcopy(case))
        if isinstance(got, dict) and (lacking := [name for name in SIX if name not in got]):
            return Mistake(
                "keys missing", f"a dictionary without {', '.join(map(repr, lacking))}",
                "a key is made only when something is counted under it", "Begin with all six keys at 0.",
            )
    return _told_apart(
        answer, _counted, cases, ERRORS, lambda p, w: f"predicted {p} and wanted {w}",
        "Draw the spans as bars over the words, the wanted above the predicted.",
    )


@count_errors.probe
def one_of_each(answer):
    """Six names, six fates."""
    wanted = [("PER", 0, 2), ("LOC", 3, 4), ("ORG", 5, 8), ("MISC", 10, 12), ("PER", 14, 15)]
    predicted = [("PER", 0, 2), ("ORG", 3, 4), ("ORG", 6, 8), ("LOC", 10, 11), ("PER", 17, 18)]
    return _sorted_out(answer, (predicted, wanted))


@count_errors.probe
def neighbours(answer):
    """A predicted name that ends where a wanted one begins, and one that begins where it ends."""
    return _sorted_out(answer, ([("PER", 0, 2)], [("PER", 2, 4)]), ([("LOC", 2, 3)], [("PER", 1, 2)]))


@count_errors.probe
def wrong_at_the_left_and_at_the_right(answer):
    """Predicted names that begin before, end after, and enclose the wanted one; nothing at all."""
    cases = [([("PER", 1, 4)], [("PER", 2, 4)]), ([("PER", 3, 4)], [("PER", 2, 5)]), ([("PER", 0, 6)], [("LOC", 2, 4)])]
    return _sorted_out(answer, *cases, ([], []))


# ---------------------------------------------------------------- 10.6

best_legal_path = Check(
    "10.6",
    "The best path that keeps the rules",
    seconds=8,
    hints=(
        "Keep one number per tag: the sum of the best legal sequence so far that ends in this tag. Begin with "
        "`scores[0]`, and -inf for tags that may not begin.",
        "For the next word, `paths = np.where(after, best[:, None], -np.inf)` holds every pair (tag before, tag here). Its "
        "maximum over the first axis is what to add the word's scores to; its argmax is where it came from.",
        "Store each argmax. At the end take the best last tag, follow the stored argmaxes back, and reverse the list.",
    ),
)
FIVE = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")


def _total(scores, path):
    return float(scores[np.arange(len(path)), list(path)].sum())


def _legal(path, first, after):
    return bool(first[path[0]]) and all(after[i, j] for i, j in itertools.pairwise(path))


def _by_trying_all(scores, first, after):
    every = itertools.product(range(scores.shape[1]), repeat=len(scores))
    return list(max((path for path in every if _legal(path, first, after)), key=lambda path: _total(scores, path)))


def _viterbi(scores, first, after, backwards=False):
    best, back = np.where(first, scores[0], -np.inf), []
    for row in scores[1:]:
        paths = np.where(after, best[:, None], -np.inf)
        back.append(paths.argmax(0))
        best = paths.max(0) + row
    path = [int(best.argmax())]
    for came_from in reversed(back):
        path.append(int(came_from[path[-1]]))
    return path if backwards else path[::-1]


def _word_by_word(scores, first, after):
    path, allowed = [], first
    for row in scores:
        path.append(int(np.where(allowed, row, -np.inf).argmax()))
        allowed = after[path[-1]]
    return path


def _repaired_path(scores, first, after):
    return [FIVE.index(tag) for tag in repaired([FIVE[i] for i in scores.argmax(-1)])]


PATHS = (
    Wrong("each word alone", lambda s, first, after: s.argmax(-1),
          "the best tag of each word is taken without looking at its neighbours",
          "A sequence is needed: which tag may stand before this one?"),
    Wrong("the first word is free", lambda s, first, after: _viterbi(s, np.ones(len(first), bool), after),
          "`first` is not used, so a sentence may begin with I-", "Give tags that may not begin a score of -inf."),
    Wrong("rules turned round", lambda s, first, after: _viterbi(s, first, after.T),
          "rows and columns of `after` are exchanged: `after[i, j]` says whether j may follow i",
          "Put the tag before on the first axis, and the tag here on the second."),
    Wrong("from left to right, no way back", _word_by_word,
          "each word takes its best legal tag and never changes it, so an early choice may spoil what follows",
          "Keep the best sequence for *every* tag, and decide at the last word."),
    Wrong("mended afterwards", _repaired_path,
          "the best tags were chosen first and stray I- turned into B-; that is legal, but not the best sum",
          "Let the rules take part in the choice."),
    Wrong("back to front", lambda s, first, after: _viterbi(s, first, after, backwards=True),
          "the walk back gives the last word first", "Reverse it."),
)


def _scores(seed, length=5):
    return np.random.default_rng(seed).normal(0, 1, (length, len(FIVE))).round(2)


def _walked(answer, right, *cases):
    rules = allowed_transitions(FIVE)
    return _told_apart(
        answer, right, [(scores, *rules) for scores in cases], PATHS,
        lambda scores, first, after: f"{len(scores)} words, whose first scores are {scores[:3].tolist()},",
        "Take two words, write down all legal pairs of tags with their sums, and print `best` after each word.",
    )


@best_legal_path.probe
def a_name_without_a_beginning(answer):
    """O or B-PER, and then certainly I-PER."""
    return _walked(
        answer, _by_trying_all, np.array([[2.0, 1.5, 0, 0, 0], [0, 0.5, 4.0, 0, 1.0], [3.0, 0.2, 0.1, 0, 0.5]]),
        np.array([[2.0, 1.5, 0, 0, 0], [0.3, 0.1, 4.0, 1.0, 0]]),
    )


@best_legal_path.probe
def the_first_word(answer):
    """Its best tag is one that may not begin."""
    start = [0.2, 0.5, 3.0, 0.1, 0]
    return _walked(
        answer, _by_trying_all, np.array([start, [1.0, 0.0, 0.2, 0.5, 0.1]]),
        np.array([start, [1.0, 0, 0.2, 0.8, 0.1], [0.5, 0, 0, 0, 2.0]]),
    )


@best_legal_path.probe
def random_scores(answer):
    """The same as trying every sequence of four words, and of one."""
    return _walked(answer, _by_trying_all, *(_scores(seed, 4) for seed in range(12)), _scores(20, 1))


@best_legal_path.probe
def a_long_sentence(answer):
    """Sixty words: too many to try every sequence."""
    return _walked(answer, _viterbi, _scores(21, 60))


# ---------------------------------------------------------------- 10.7

to_characters = Check(
    "10.7",
    "Back to the characters",
    hints=(
        "A name begins where its first word begins, and ends where its last word ends. Which word is its last?",
        "The span's end is one behind the last word: the last word is `end - 1`.",
        "`places[first][0]` and `places[end - 1][1]`.",
    ),
)


def _in_characters(sentence, places, spans):
    return [(kind, places[a][0], places[b - 1][1]) for kind, a, b in spans]


def _searched(sentence, places, spans):
    names = [(kind, " ".join(sentence[x:y] for x, y in places[a:b])) for kind, a, b in spans]
    return [(kind, sentence.find(name), sentence.find(name) + len(name)) for kind, name in names]


def _summed(sentence, places, spans):
    sizes = [y - x for x, y in places]
    start = [sum(sizes[:i]) + i for i in range(len(sizes) + 1)]
    return [(kind, start[a], start[b] - 1) for kind, a, b in spans]


PLACES = (
    Wrong("one word too many", lambda s, p, spans: _in_characters(s, [*p, p[-1]], [(k, a, b + 1) for k, a, b in spans]),
          "`places[end]` is the word *behind* the name", "The last word of the name has the number end - 1."),
    Wrong("the last word is lost", lambda s, places, spans: [(k, places[a][0], places[b - 1][0]) for k, a, b in spans],
          "the name ends where its last word *begins*", "Take the second number of that place."),
    Wrong("last character included", lambda *given: [(k, x, y - 1) for k, x, y in _in_characters(*given)],
          "the end is the last character itself; the slice then loses it", "Places already end one further: take no 1 off."),
    Wrong("still words", lambda s, places, spans: spans, "the spans come back as they went in, counted in words",
          "Look up the characters of each word in `places`."),
    Wrong("searched in the text", _searched,
          "the name was joined and searched for: that finds its *first* occurrence, which may be another one, and "
          "nothing (-1) where it has two spaces inside",
          "You know where the words stand: `places` says so."),
    Wrong("lengths added up", _summed,
          "lengths are added up with one space between words, but there is none before a comma, and sometimes two",
          "Do not count: look up where the words stand."),
)


def _placed(answer, *cases):
    full = [(text, [place[1:] for place in words(text)], spans) for text, spans in cases]
    return _told_apart(
        answer, _in_characters, full, PLACES, lambda text, places, spans: f"{text!r} with words at {places}, spans {spans}",
        "Print `sentence[start:end]` for each of your spans.",
    )


@to_characters.probe
def names_in_a_plain_sentence(answer):
    """Of two words, and of one."""
    return _placed(answer, ("Yesterday Ada Finch left Marlow for good", [("PER", 1, 3), ("LOC", 4, 5)]))


@to_characters.probe
def commas_and_spaces(answer):
    """No space before a comma, two in a name, a name at the very end."""
    return _placed(answer, ("Well, Ada  Finch, of Marlow", [("PER", 2, 4), ("LOC", 6, 7)]))


@to_characters.probe
def a_name_that_stands_twice(answer):
    """The second mention is meant; letters beyond ASCII before it."""
    return _placed(answer, ("Marlow 🙂 naïve Marlow & Sons", [("ORG", 3, 6)]), ("Nobody came", []))
