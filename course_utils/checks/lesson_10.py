"""Exercises of lesson 10, named entities: the bookkeeping from pieces to words, tags, spans and characters.

A usual mistake is a program. Where an answer differs from a slow specification, it is compared with what each of these
programs gives, and the one that explains most of it is named (`judging.judge`). Exercise 10.6 stands in `tag_paths`.
"""

from __future__ import annotations

from collections import Counter
from copy import deepcopy

from course_utils.checks import Check, Mistake
from course_utils.checks.judging import Case, Wrong, judge
from course_utils.checks.tag_paths import best_legal_path
from course_utils.decoding import entity_spans
from course_utils.entities import OUTCOMES, convert_tags, outcomes, repaired, write_tags
from course_utils.world.draw import words

__all__ = [
    "best_legal_path", "count_errors", "entity_f1", "spans_of", "tags_of_words", "to_characters", "to_iobes",
]  # fmt: skip

# A mistake reads best as its four parts, on as few lines as they need:
# fmt: off


def _shown(value):
    """What a learner reads of a result."""
    value = value.tolist() if hasattr(value, "tolist") else value
    return round(value, 4) if isinstance(value, float) else value


def _ask(check, right, wrongs, asked, otherwise, properties):
    """A probe for each property: an answer gives what `right` gives; `asked(*case)` says for what."""
    judge(
        check, right, {name: [Case(case, asked(*case)) for case in cases] for name, cases in properties.items()}, wrongs,
        otherwise, seen=lambda result, got, wanted, case: (
            f"for {case.words} your answer is {_shown(result)}, where {_shown(right(*case.args))} is right"),
    )


# ---------------------------------------------------------------- 10.1

tags_of_words = Check("10.1", "From pieces back to words", hints=(
    "Begin with as many \"O\" as there are words. Then go through pieces and their words side by side.",
    "A piece is the first of its word when its word is not `None` and is not the word of the piece before.",
    "Only then write: `tags[word] = tag`. The word's own number says where, not a counter.",
))


def _first_pieces(ids, predicted, n):
    """The tags at first pieces, by the number of the word."""
    return {word: predicted[ids.index(word)] for word in ids if word is not None}


def _filled(tags, n):
    return [tags.get(word, "O") for word in range(n)]


def _spoken_by(choose):
    """One tag per word, chosen from those of all its pieces."""
    def program(ids, predicted, n):
        pieces = {word: [tag for w, tag in zip(ids, predicted) if w == word] for word in ids if word is not None}
        return _filled({word: choose(tags) for word, tags in pieces.items()}, n)

    return program


def _in_order(tags, n):
    return [*tags, *["O"] * n][:n]


BACKWARDS = (
    Wrong("one tag per piece", lambda ids, predicted, n: predicted,
          "the predictions come back as they are: one for each piece, special tokens among them",
          "A word has one tag, and `[CLS]` has none: choose."),
    Wrong("every piece speaks", lambda ids, predicted, n: [t for w, t in zip(ids, predicted) if w is not None],
          "later pieces of a word add tags of their own, so that all later words move to the right",
          "Compare a piece's word with that of the piece before."),
    Wrong("special tokens speak", lambda ids, predicted, n: [
              t for i, (w, t) in enumerate(zip(ids, predicted)) if w is None or ids.index(w) == i],
          "`[CLS]` and `[SEP]` are counted as words", "Leave out the pieces whose word is `None`."),
    Wrong("the last piece speaks", _spoken_by(lambda tags: tags[-1]),
          "each piece overwrites what the one before said of the word, so the last is left",
          "Write a word's tag once: at its first piece, which is the one that was trained."),
    Wrong("the majority speaks", _spoken_by(lambda tags: Counter(tags).most_common(1)[0][0]),
          "the pieces of a word vote, but only the first was ever taught to", "Take the first piece alone."),
    Wrong("any piece makes a name", _spoken_by(lambda tags: next((tag for tag in tags if tag != "O"), "O")),
          "an O at the first piece is overruled by a later one, which nobody trained",
          "O is an answer like the others: the first piece has said it."),
    Wrong("the first word is lost", lambda *given: _filled({w: t for w, t in _first_pieces(*given).items() if w}, given[2]),
          "`if word` is false for word 0 as well as for `None`", "Write `word is not None`."),
    Wrong("words without pieces dropped", lambda *given: list(_first_pieces(*given).values()),
          "there are tags only for words that have a piece, so the list is shorter than the sentence",
          "Begin with `n_words` times \"O\", and fill in."),
    Wrong("counted, not looked up", lambda *given: _in_order(_first_pieces(*given).values(), given[2]),
          "tags are put down one after the other; a word without a piece shifts all that follow",
          "Use the word's number to find its place: `tags[word]`."),
    Wrong("laid along the pieces", lambda ids, predicted, n: _in_order(predicted[1:], n),
          "one piece per word is counted off after `[CLS]`; from the first word that was cut on, all tags sit wrong",
          "Ask each piece for its word: `word_ids` knows."),
    Wrong("another length", _filled, "there are not as many tags as words: some words are left out or counted twice",
          "Begin with `n_words` times \"O\", and fill in the words that have a piece.",
          symptom=lambda got, right: isinstance(got, tuple) and len(got) != len(right)),
)


_ask(
    tags_of_words, lambda *given: _filled(_first_pieces(*given), given[2]), BACKWARDS,
    lambda ids, predicted, n: f"the words {ids} of the pieces, predictions {predicted} and {n} words",
    "Write pieces, their words and their tags below each other, and find the first word whose tag is wrong.",
    {
        "a word in one piece, one in three, one in one": [
            ([None, 0, 1, 1, 1, 2, None], ["I-ORG", "O", "B-PER", "B-PER", "O", "O", "O"], 3)],
        "a name at the very beginning": [([None, 0, 0, 0, 1, None], ["O", "B-LOC", "I-LOC", "I-LOC", "O", "B-PER"], 2)],
        "later pieces that see a name": [([None, 0, 0, 1, 2, 2, None], ["O", "O", "B-PER", "B-ORG", "I-ORG", "O", "O"], 3)],
        "a sentence that was cut": [([None, 0, 1, 1, None], ["O", "B-PER", "I-PER", "O", "O"], 4)],
        "a word without a piece": [([None, 0, 2, 2, 3, None], ["O", "O", "B-ORG", "I-ORG", "B-LOC", "O"], 4)],
    },
)


# ---------------------------------------------------------------- 10.2

spans_of = Check("10.2", "From tags to spans", hints=(
    "Only B- begins a name. Only an I- that stands right behind a name of the same kind makes it longer.",
    "Keep a list of spans. For an I-, look at the last of them: does it end at this word, and is its kind the same?",
    "`tag.partition(\"-\")` gives mark, dash and kind. To lengthen: `spans[-1] = (kind, spans[-1][1], i + 1)`.",
))


def _rows(*rows):
    """Cases of one argument each, a list of tags."""
    return [(row.split(),) for row in rows]


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
    Wrong("parts in another order", lambda tags: [(a, b, k) for k, a, b in entity_spans(tags)], "the kind stands last",
          "The order is (kind, first word, last word + 1)."),
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
    Wrong("the kind is cut at its dash", lambda tags: [(k.split("-")[-1], a, b) for k, a, b in entity_spans(tags)],
          "only what follows the last dash was kept, and the kind has one of its own",
          "Everything behind the mark is the kind: `tag[2:]`."),
    Wrong("stray I- begins a name", lambda tags: entity_spans(repaired(tags)),
          "an I- that continues nothing was read as a beginning, as lenient scorers do",
          "Here the reading is strict: only a B- begins a name."),
)

_ask(
    spans_of, entity_spans, READINGS, lambda tags: " ".join(tags),
    "Go through the tags word by word, and say aloud for each: begins, goes on, or neither.",
    {
        "three names, two side by side, one at the end": _rows("B-PER O B-LOC I-LOC O", "B-PER I-PER O B-LOC B-ORG I-ORG"),
        "a B- right after a name of its kind": _rows("B-LOC B-LOC I-LOC O O", "O B-PER I-PER B-PER O"),
        "an I- of another kind ends the name": _rows("B-PER I-LOC O", "B-PER I-LOC I-PER O"),
        "an I- after O, at the beginning, after a gap": _rows("B-PER O I-PER O", "O I-PER I-PER O", "I-LOC O", "O O"),
        "a kind with a dash": _rows("O B-geo-loc I-geo-loc"),
    },
)


# ---------------------------------------------------------------- 10.3

to_iobes = Check("10.3", "Another scheme", hints=(
    "A name's last word is known only from what comes after it. What comes after the last word of the sentence?",
    "A name goes on if the next tag is I-. Otherwise it ends here: B- becomes S-, and I- becomes E-.",
    "Go through `zip(tags, [*tags[1:], \"O\"])`, so that the last word has a successor too.",
))


def _marked(tags, alone="S", last="E", ends=lambda after: not after.startswith("I"), at_end="O"):
    result = []
    for tag, after in zip(tags, [*tags[1:], at_end], strict=True):
        here = tag != "O" and ends(after)
        result.append((alone if tag[0] == "B" else last) + tag[1:] if here else tag)
    return result


def _changed_while_read(tags):
    for i in reversed(range(len(tags))):  # what follows is E- by now, and no longer I-
        if tags[i] != "O" and not (i + 1 < len(tags) and tags[i + 1][0] == "I"):
            tags[i] = ("S" if tags[i][0] == "B" else "E") + tags[i][1:]
    return tags


CONVERSIONS = (
    Wrong("single words stay B", lambda tags: _marked(tags, alone="B"),
          "a name of one word is still marked B-, which promises that more follows", "Such a name is S-."),
    Wrong("last word stays I", lambda tags: _marked(tags, last="I"), "the last word of a longer name is still marked I-",
          "It is E-."),
    Wrong("single words are E", lambda tags: _marked(tags, alone="E"),
          "a name of one word ends where it begins, and was marked as an end", "Such a name is S-."),
    Wrong("changed while read", _changed_while_read,
          "the tags are changed in place from the end, so that an I- has become E- when the word before asks for it",
          "Read the old tags, write a new list."),
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

_ask(
    to_iobes, lambda tags: convert_tags(tags, "IOB2", "IOBES"), CONVERSIONS, lambda tags: " ".join(tags),
    "Write the next tag under each tag, and decide word by word.",
    {
        "names of one, two, three and four words": _rows(
            "B-PER I-PER I-PER O B-LOC O B-ORG I-ORG O O", "O B-PER I-PER I-PER I-PER O"),
        "a name right after a name": _rows("B-PER B-LOC I-LOC B-LOC O", "O B-PER I-PER B-PER O"),
        "a name at the end; no name": _rows("O B-PER", "O B-PER I-PER", "O O"),
    },
)


# ---------------------------------------------------------------- 10.4

entity_f1 = Check("10.4", "F1 of whole names", hints=(
    "Three counts over all sentences: names predicted, names wanted, names in both lists of the same sentence.",
    "With R right, P predicted and W wanted: precision R/P, recall R/W. What is 2PR/(P+R) in terms of the counts?",
    "F1 is `2 * right / (predicted + wanted)`, and 0 when there is neither.",
))


def _counts(predicted, wanted):
    right = sum(len(set(p) & set(w)) for p, w in zip(predicted, wanted, strict=True))
    return right, sum(map(len, predicted)), sum(map(len, wanted))


def _of_counts(formula):
    """A score made of the numbers of names right, predicted and wanted."""
    return lambda predicted, wanted: formula(*_counts(predicted, wanted))


_f1 = _of_counts(lambda right, given, there: 2 * right / max(1, given + there))


def _of_changed(change):
    """F1 of what `change` makes of the rows of spans on either side."""
    return lambda predicted, wanted: _f1(change(predicted), change(wanted))


def _over_sentences(predicted, wanted):
    return sum(_f1([a], [b]) for a, b in zip(predicted, wanted)) / max(1, len(predicted))


def _over_kinds(predicted, wanted):
    kinds = sorted({span[0] for row in [*predicted, *wanted] for span in row})
    of = [_of_changed(lambda rows, kind=kind: [[s for s in row if s[0] == kind] for row in rows]) for kind in kinds]
    return sum(f1(predicted, wanted) for f1 in of) / max(1, len(kinds))


def _touching(predicted, wanted):
    right = sum(any(k == kind and a < d and c < b for kind, c, d in there)
                for given, there in zip(predicted, wanted) for k, a, b in given)
    return 2 * right / max(1, sum(_counts(predicted, wanted)[1:]))


SCORES = (
    Wrong("sentences pooled", _of_changed(lambda rows: [[span for row in rows for span in row]]),
          "spans of all sentences lie in one set, so a name is right because *another* sentence has one at the same "
          "place", "Compare sentence by sentence, and add up the counts."),
    Wrong("mean over sentences", _over_sentences,
          "each sentence gets an F1 and these are averaged: a sentence with one name weighs as much as one with five, "
          "and those without a name drag it down", "Add up the counts over all sentences, and divide once."),
    Wrong("mean over kinds", _over_kinds, "each kind gets an F1 and these are averaged (macro F1)",
          "Count all kinds together."),
    Wrong("kinds ignored", _of_changed(lambda rows: [[span[1:] for span in row] for row in rows]),
          "only the ends are compared", "A town found as a person is wrong."),
    Wrong("words counted", _of_changed(lambda rows: [[(k, i) for k, a, b in row for i in range(a, b)] for row in rows]),
          "words in names are counted, so half a name earns half a point", "A name is right as a whole or not at all."),
    Wrong("precision only", _of_counts(lambda right, given, there: right / max(1, given)),
          "this is precision: names that were missed do not lower it", "Combine it with recall."),
    Wrong("recall only", _of_counts(lambda right, given, there: right / max(1, there)),
          "this is recall: names that were made up do not lower it", "Combine it with precision."),
    Wrong("plain mean", _of_counts(lambda right, given, there: (right / max(1, given) + right / max(1, there)) / 2),
          "precision and recall are averaged plainly", "F1 is the harmonic mean: 2PR/(P+R)."),
    Wrong("overlap suffices", _touching, "a predicted name counts as right when it shares a word with a wanted one",
          "Both ends must agree: compare whole spans."),
    Wrong("in per cent", lambda p, w: 100 * _f1(p, w), "the score is given in per cent", "Leave it between 0 and 1."),
    Wrong("1 for nothing", _of_counts(lambda right, given, there: 2 * right / (given + there) if given + there else 1.0),
          "with no name on either side the score is 1", "The exercise, like most scorers, says 0."),
)


def _in_numbers(predicted, wanted):
    right, given, there = _counts(predicted, wanted)
    said = f"{given} predicted names, {there} wanted and {right} right in {len(predicted)} sentences"
    return said if given + there > 4 else f"{said} (predicted {predicted}, wanted {wanted})"


NONE: list[list] = [[], []]
ONE = [[("PER", 0, 2)], []]
EMPTY = [(ONE, [[("LOC", 4, 5)], []]), (NONE, ONE), (ONE, NONE), (NONE, NONE)]
SEVERAL = (
    [[("PER", 0, 2), ("LOC", 3, 4)], [("PER", 0, 2), ("ORG", 3, 5), ("MISC", 9, 10)], [("ORG", 3, 4)],
     [("ORG", 1, 5), ("LOC", 5, 6), ("PER", 7, 8), ("PER", 13, 14)]],
    [[("PER", 0, 2), ("ORG", 3, 4)], [("PER", 0, 1), ("ORG", 3, 4)], [],
     [("ORG", 1, 5), ("LOC", 5, 6), ("MISC", 9, 10), ("PER", 12, 14)]],
)


@entity_f1.probe
def nothing_to_divide_by(answer):
    """Names on one side, on neither, on both and none right."""
    try:
        for predicted, wanted in EMPTY:
            answer(deepcopy(predicted), deepcopy(wanted))
    except ZeroDivisionError:
        return Mistake(
            "divided by zero", "a ZeroDivisionError, for sentences in which nothing is predicted, wanted or right",
            "precision, recall or their sum has nothing to divide by", "Return 0.0 before you divide by 0.",
        )
    return None


_ask(
    entity_f1, _f1, SCORES, _in_numbers, "Print how many names are predicted, wanted and right, and compute F1 on paper.",
    {
        "names that are right, of another kind, with another end; a sentence without": [SEVERAL],
        "names on one side, on both and none right, on neither": EMPTY,
    },
)


# ---------------------------------------------------------------- 10.5

count_errors = Check("10.5", "What kind of error?", hints=(
    "For each wanted name, look for a predicted one that shares a word with it. None? Then it is missed.",
    "Two spans share a word if each begins before the other ends. Then two questions remain: same kind? same ends?",
    "Remember which predicted names met a wanted one. The others are spurious.",
))


def _counted(predicted, wanted):
    length = max((span[2] for span in [*predicted, *wanted]), default=0)
    found = [one.outcome for one in outcomes(write_tags(predicted, length), write_tags(wanted, length))]
    return {name: found.count(name) for name in OUTCOMES}


def _moved(*names, into=("missed", "spurious"), also=False):
    """The right counts, with some kinds counted under others, or `also` there."""
    def program(predicted, wanted):
        counts = _counted(predicted, wanted)
        for name in names:
            for other in into:
                counts[other] += counts[name]
            counts[name] *= also
        return counts

    return program


def _sorted_by(share):
    """Counts by another test of sharing a word."""
    def program(predicted, wanted):
        counts, met = dict.fromkeys(OUTCOMES, 0), []
        for w in wanted:
            p = next((span for span in predicted if share(span, w)), None)
            met.append(p)
            ends, kind = p and p[1:] == w[1:], p and p[0] == w[0]
            wrong = "type" if ends else "boundary" if kind else "boundary and type"
            counts["missed" if not p else "right" if ends and kind else wrong] += 1
        counts["spurious"] = sum(span not in met for span in predicted)
        return counts

    return program


def _exchanged(predicted, wanted):
    counts = _counted(predicted, wanted)
    return counts | {"missed": counts["spurious"], "spurious": counts["missed"]}


def _paired_in_order(predicted, wanted):
    pairs = [_counted(predicted[i : i + 1], wanted[i : i + 1]) for i in range(max(len(predicted), len(wanted)))]
    return {name: sum(pair[name] for pair in pairs) for name in OUTCOMES}


ERRORS = (
    Wrong("only equal ends compared", _moved("boundary", "boundary and type"),
          "a name with a wrong end is counted twice, as missed and as spurious",
          "Look for a predicted name that *shares a word* with the wanted one."),
    Wrong("another kind is no partner", _moved("type", "boundary and type"),
          "a name of the wrong kind is counted twice, as missed and as spurious",
          "Look for a partner by its words first, and compare kinds afterwards."),
    Wrong("only exact matches", _moved("type", "boundary", "boundary and type"),
          "whatever is not right is counted as missed and as spurious", "Look for names that share a word."),
    Wrong("counted twice", _moved("type", "boundary", "boundary and type", also=True),
          "a name that is wrong in kind or ends is counted as that, and as missed and spurious as well",
          "Missed and spurious are only names that share no word with any."),
    Wrong("missed and spurious exchanged", _exchanged, "the two sides are mixed up",
          "A wanted name that nothing meets is missed; a predicted one is spurious."),
    Wrong("paired in order", _paired_in_order,
          "the first predicted name is compared with the first wanted one, and so on; one spurious name spoils the rest",
          "Look for the partner by its words, not by its number in the list."),
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
    Wrong("keys missing", _counted, "a key is made only when something is counted under it", "Begin with all six keys at 0.",
          symptom=lambda got, right: isinstance(got, dict) and set(got) < set(right)),
)


_ask(
    count_errors, _counted, ERRORS, lambda p, w: f"predicted {p} and wanted {w}",
    "Draw the spans as bars over the words, the wanted above the predicted.",
    {
        "all six": [(
            [("PER", 0, 2), ("ORG", 3, 4), ("ORG", 6, 8), ("LOC", 10, 11), ("PER", 17, 18)],
            [("PER", 0, 2), ("LOC", 3, 4), ("ORG", 5, 8), ("MISC", 10, 12), ("PER", 14, 15), ("LOC", 20, 21)],
        )],
        "a spurious name before a right one; a missed one before a right one": [
            ([("PER", 0, 1), ("LOC", 3, 4)], [("LOC", 3, 4)]), ([("LOC", 3, 4)], [("PER", 0, 1), ("LOC", 3, 4)])],
        "a name that ends where another begins": [
            ([("PER", 0, 2)], [("PER", 2, 4)]), ([("LOC", 2, 3)], [("PER", 1, 2)])],
        "names that begin before, end after, enclose the wanted one; nothing at all": [
            ([("PER", 1, 4)], [("PER", 2, 4)]), ([("PER", 3, 4)], [("PER", 2, 5)]), ([("PER", 0, 6)], [("LOC", 2, 4)]),
            ([], [])],
    },
)


# ---------------------------------------------------------------- 10.7

to_characters = Check("10.7", "Back to the characters", hints=(
    "A name begins where its first word begins, and ends where its last word ends. Which word is its last?",
    "The span's end is one behind the last word: the last word is `end - 1`.",
    "`places[first][0]` and `places[end - 1][1]`.",
))


def _in_characters(sentence, places, spans):
    return [(kind, places[a][0], places[b - 1][1]) for kind, a, b in spans]


def _searched(sentence, places, spans):
    names = [(kind, " ".join(sentence[x:y] for x, y in places[a:b])) for kind, a, b in spans]
    return [(kind, sentence.find(name), sentence.find(name) + len(name)) for kind, name in names]


def _summed(sentence, places, spans):
    sizes = [y - x for x, y in places]
    start = [sum(sizes[:i]) + i for i in range(len(sizes) + 1)]
    return [(kind, start[a], start[b] - 1) for kind, a, b in spans]


def _in_bytes(sentence, places, spans):
    return [(k, *(len(sentence[:i].encode()) for i in ends)) for k, *ends in _in_characters(sentence, places, spans)]


def _to_the_next(sentence, places, spans):
    begins = [*(x for x, _ in places), len(sentence) + 1]
    return [(kind, places[a][0], begins[b] - 1) for kind, a, b in spans]


PLACES = (
    Wrong("one word too many", lambda s, places, spans: [(k, places[a][0], places[b][1]) for k, a, b in spans],
          "`places[end]` is the word *behind* the name", "The last word of the name has the number end - 1."),
    Wrong("the last word is lost", lambda s, places, spans: [(k, places[a][0], places[b - 1][0]) for k, a, b in spans],
          "the name ends where its last word *begins*", "Take the second number of that place."),
    Wrong("last character included", lambda *given: [(k, x, y - 1) for k, x, y in _in_characters(*given)],
          "the end is the last character itself; the slice then loses it",
          "Places already end one further: take no 1 off."),
    Wrong("still words", lambda s, places, spans: spans, "the spans come back as they went in, counted in words",
          "Look up the characters of each word in `places`."),
    Wrong("only the first word", lambda s, places, spans: [(k, *places[a]) for k, a, b in spans],
          "both ends come from the first word of the name", "Where does its last word end?"),
    Wrong("up to the next word", _to_the_next,
          "the name ends one character before the next word, but before a comma no space stands, and sometimes two do",
          "The name's own last word says where it ends."),
    Wrong("the names themselves", lambda s, p, spans: [s[x:y] for _, x, y in _in_characters(s, p, spans)],
          "the texts of the names come back, and nobody can tell where they stood", "Return kind, start and end."),
    Wrong("counted in bytes", _in_bytes, "letters beyond ASCII are counted by their bytes",
          "Python's strings are counted in characters, and so is `places`."),
    Wrong("searched in the text", _searched,
          "the name was joined and searched for: that finds its *first* occurrence, which may be another one, and "
          "nothing (-1) where it has two spaces inside", "You know where the words stand: `places` says so."),
    Wrong("lengths added up", _summed,
          "lengths are added up with one space between words, but there is none before a comma, and sometimes two",
          "Do not count: look up where the words stand."),
)


def _in_text(sentence, spans):
    return sentence, [place[1:] for place in words(sentence)], spans


_ask(
    to_characters, _in_characters, PLACES, lambda text, places, spans: f"{text!r} with words at {places}, spans {spans}",
    "Print `sentence[start:end]` for each of your spans.",
    {
        "names of two words, and of one": [
            _in_text("Yesterday Ada Finch left Marlow for good", [("PER", 1, 3), ("LOC", 4, 5)])],
        "no space before a comma, two in a name, a name at the very end": [
            _in_text("Well, Ada  Finch, of Marlow", [("PER", 2, 4), ("LOC", 6, 7)])],
        "the second of two mentions, after letters beyond ASCII; no name": [
            _in_text("Marlow 🙂 naïve Marlow & Sons", [("ORG", 3, 6)]), _in_text("Nobody came", [])],
    },
)
