"""The exercises of lesson 10 answer back: on their own solutions, their stubs, and the usual mistakes."""

import itertools
from collections import Counter

import numpy as np
import pytest

from course_utils.checks import find_check, lesson_checks
from course_utils.checks.testing import answers, assert_recognises
from course_utils.entities import OUTCOMES

SOLUTIONS, STUBS = answers("10", "solution"), answers("10", "exercise")


# ---------------------------------------------------------------- 10.1, as learners write it


def every_piece(word_ids, predicted, n_words):
    return [tag for word, tag in zip(word_ids, predicted, strict=True) if word is not None]


def with_special_tokens(word_ids, predicted, n_words):
    tags, before = [], "none yet"
    for word, tag in zip(word_ids, predicted, strict=True):
        if word is None or word != before:
            tags.append(tag)
        before = word
    return tags


def overwritten(word_ids, predicted, n_words):
    tags = ["O"] * n_words
    for word, tag in zip(word_ids, predicted, strict=True):
        if word is not None:
            tags[word] = tag
    return tags


def voted(word_ids, predicted, n_words):
    votes = [Counter() for _ in range(n_words)]
    for word, tag in zip(word_ids, predicted, strict=True):
        if word is not None:
            votes[word][tag] += 1
    return [of.most_common(1)[0][0] if of else "O" for of in votes]


def written_once(known=lambda word: word is not None, is_open=lambda word, tags: word not in tags):
    def tags_of_words(word_ids, predicted, n_words):
        tags = {}
        for word, tag in zip(word_ids, predicted, strict=True):
            if known(word) and is_open(word, tags):
                tags[word] = tag
        return [tags.get(word, "O") for word in range(n_words)]

    return tags_of_words


def first_pieces_only(word_ids, predicted, n_words):
    pairs = zip(word_ids, [None, *word_ids], predicted, strict=False)
    return [tag for word, before, tag in pairs if word is not None and word != before]


def counted(word_ids, predicted, n_words):
    tags, before, count = ["O"] * n_words, None, 0
    for word, tag in zip(word_ids, predicted, strict=True):
        if word is not None and word != before:
            tags[count] = tag
            count += 1
        before = word
    return tags


def counted_off(word_ids, predicted, n_words):
    tags = predicted[1 : n_words + 1]
    return tags + ["O"] * (n_words - len(tags))


BACKWARDS = {
    "one tag per piece": lambda word_ids, predicted, n_words: predicted,
    "every piece speaks": every_piece,
    "special tokens speak": with_special_tokens,
    "the last piece speaks": overwritten,
    "the majority speaks": voted,
    "any piece makes a name": written_once(is_open=lambda word, tags: tags.get(word, "O") == "O"),
    "the first word is lost": written_once(known=bool),
    "words without pieces dropped": first_pieces_only,
    "counted, not looked up": counted,
    "laid along the pieces": counted_off,
    "another length": lambda word_ids, predicted, n_words: ["O"] * 9,
    "another value": lambda word_ids, predicted, n_words: ["B-LOC"] * n_words,
    "returned None": lambda word_ids, predicted, n_words: print(end=""),
    "raised": lambda word_ids, predicted, n_words: [predicted[99]],
}


# ---------------------------------------------------------------- 10.2


def last_is_lost(tags):
    spans, begin, kind = [], None, ""
    for i, tag in enumerate(tags):
        if begin is not None and tag != f"I-{kind}":
            spans.append((kind, begin, i))
            begin = None
        if tag[0] == "B":
            begin, kind = i, tag[2:]
    return spans


def lenient(tags):
    spans = []
    for i, tag in enumerate(tags):
        goes_on = tag[0] == "I" and spans and spans[-1][0] == tag[2:] and spans[-1][2] == i
        if goes_on:
            spans[-1] = (tag[2:], spans[-1][1], i + 1)
        elif tag != "O":
            spans.append((tag[2:], i, i + 1))
    return spans


def joins_neighbours(tags):
    spans = []
    for i, tag in enumerate(tags):
        if tag != "O" and spans and spans[-1][2] == i and spans[-1][0] == tag[2:]:
            spans[-1] = (tag[2:], spans[-1][1], i + 1)
        elif tag[0] == "B":
            spans.append((tag[2:], i, i + 1))
    return spans


def reads(adjacent=True, kinds=True):
    def spans_of(tags):
        spans = []
        for i, tag in enumerate(tags):
            if tag[0] == "B":
                spans.append((tag[2:], i, i + 1))
            elif (
                tag[0] == "I" and spans and (not adjacent or spans[-1][2] == i) and (not kinds or spans[-1][0] == tag[2:])
            ):
                spans[-1] = (spans[-1][0], spans[-1][1], i + 1)
        return spans

    return spans_of


READINGS = {
    "last word included": lambda tags: [(k, a, b - 1) for k, a, b in SOLUTIONS["10.2"](tags)],
    "parts in another order": lambda tags: [(a, b, k) for k, a, b in SOLUTIONS["10.2"](tags)],
    "the last name is lost": last_is_lost,
    "neighbours joined": joins_neighbours,
    "kinds not compared": reads(kinds=False),
    "a gap is bridged": reads(adjacent=False),
    "stray I- begins a name": lenient,
    "the kind is cut at its dash": lambda tags: [(k.split("-")[-1], a, b) for k, a, b in SOLUTIONS["10.2"](tags)],
    "another value": lambda tags: [],
}


# ---------------------------------------------------------------- 10.3


def marks(alone="S", last="E", ends=lambda after: after[0] != "I", at_end="O"):
    def to_iobes(tags):
        result = []
        for i, tag in enumerate(tags):
            after = tags[i + 1] if i + 1 < len(tags) else at_end
            if tag == "O" or not ends(after):
                result.append(tag)
            else:
                result.append((alone if tag[0] == "B" else last) + tag[1:])
        return result

    return to_iobes


def from_the_end(tags):
    for i in range(len(tags) - 1, -1, -1):
        if tags[i] != "O" and (i + 1 == len(tags) or tags[i + 1][0] != "I"):
            tags[i] = ("S" if tags[i][0] == "B" else "E") + tags[i][1:]
    return tags


CONVERSIONS = {
    "single words are E": marks(alone="E"),
    "changed while read": from_the_end,
    "single words stay B": marks(alone="B"),
    "last word stays I": marks(last="I"),
    "every B is S": lambda tags: ["S" + t[1:] if t[0] == "B" else m for t, m in zip(tags, marks()(tags), strict=True)],
    "every I is E": lambda tags: ["E" + t[1:] if t[0] == "I" else m for t, m in zip(tags, marks()(tags), strict=True)],
    "the sentence's end forgotten": marks(at_end="I-"),
    "a neighbour is not an end": marks(ends=lambda after: after == "O"),
    "another value": lambda tags: ["O" for _ in tags],
}


# ---------------------------------------------------------------- 10.4


def f1(right, given, there):
    return 2 * right / (given + there) if given + there else 0.0


def numbers(predicted, wanted):
    right = sum(len(set(p) & set(w)) for p, w in zip(predicted, wanted, strict=True))
    return right, sum(map(len, predicted)), sum(map(len, wanted))


def pooled(predicted, wanted):
    p, w = ([span for row in rows for span in row] for rows in (predicted, wanted))
    return f1(len(set(p) & set(w)), len(p), len(w))


def by_kind(predicted, wanted):
    kinds = {span[0] for row in predicted + wanted for span in row}
    of = [numbers(*([[s for s in row if s[0] == kind] for row in rows] for rows in (predicted, wanted))) for kind in kinds]
    return sum(f1(*n) for n in of) / max(1, len(kinds))


def no_kinds(predicted, wanted):
    return f1(*numbers(*([[span[1:] for span in row] for row in rows] for rows in (predicted, wanted))))


def by_word(predicted, wanted):
    p, w = (
        {(n, kind, i) for n, row in enumerate(rows) for kind, a, b in row for i in range(a, b)}
        for rows in (predicted, wanted)
    )
    return f1(len(p & w), len(p), len(w))


def unguarded(predicted, wanted):
    right, given, there = numbers(predicted, wanted)
    precision, recall = right / given, right / there
    return 2 * precision * recall / (precision + recall)


def from_counts(formula):
    return lambda predicted, wanted: formula(*numbers(predicted, wanted))


def overlapping(predicted, wanted):
    right = 0
    for p, w in zip(predicted, wanted, strict=True):
        right += sum(any(a[0] == b[0] and a[1] < b[2] and b[1] < a[2] for b in w) for a in p)
    return f1(right, *numbers(predicted, wanted)[1:])


SCORES = {
    "overlap suffices": overlapping,
    "in per cent": from_counts(lambda *n: 100 * f1(*n)),
    "sentences pooled": pooled,
    "mean over sentences": lambda predicted, wanted: (
        sum(f1(*numbers([p], [w])) for p, w in zip(predicted, wanted, strict=True)) / len(predicted)
    ),
    "mean over kinds": by_kind,
    "kinds ignored": no_kinds,
    "words counted": by_word,
    "precision only": from_counts(lambda right, given, there: right / given if given else 0.0),
    "recall only": from_counts(lambda right, given, there: right / there if there else 0.0),
    "plain mean": from_counts(lambda right, given, there: (right / max(1, given) + right / max(1, there)) / 2),
    "1 for nothing": from_counts(lambda right, given, there: f1(right, given, there) if given + there else 1.0),
    "divided by zero": unguarded,
    "another value": lambda predicted, wanted: 0.5,
}


# ---------------------------------------------------------------- 10.5


def sorts(share=lambda p, w: p[1] < w[2] and w[1] < p[2], drop=(), ends=True, kinds=True):
    """Counts errors with another test of sharing, without some of the counts, or with one question left out."""

    def count_errors(predicted, wanted):
        counts, met = dict.fromkeys(OUTCOMES, 0), set()
        for w in wanted:
            partner = [p for p in predicted if share(p, w)]
            met.update(partner[:1])
            if not partner:
                counts["missed"] += 1
            else:
                same_kind, same_ends = partner[0][0] == w[0], partner[0][1:] == w[1:]
                if same_ends:
                    counts["right" if same_kind else "type"] += 1
                elif same_kind or not kinds:
                    counts["boundary"] += 1
                else:
                    counts["boundary and type" if ends else "type"] += 1
        counts["spurious"] += sum(p not in met for p in predicted)
        return counts | dict.fromkeys(drop, 0)

    return count_errors


def only_those_counted(predicted, wanted):
    return {name: n for name, n in SOLUTIONS["10.5"](predicted, wanted).items() if n}


def everything_else_twice(predicted, wanted):
    right = set(predicted) & set(wanted)
    return SOLUTIONS["10.5"](predicted, wanted) | {
        "missed": len(wanted) - len(right),
        "spurious": len(predicted) - len(right),
    }


def exchanged(predicted, wanted):
    return SOLUTIONS["10.5"](wanted, predicted)


def in_order(predicted, wanted):
    counts = Counter(dict.fromkeys(OUTCOMES, 0))
    for p, w in itertools.zip_longest(predicted, wanted):
        counts.update(SOLUTIONS["10.5"]([p] if p else [], [w] if w else []))
    return counts


ERRORS = {
    "counted twice": everything_else_twice,
    "missed and spurious exchanged": exchanged,
    "paired in order": in_order,
    "only equal ends compared": sorts(lambda p, w: p[1:] == w[1:]),
    "another kind is no partner": sorts(lambda p, w: p[0] == w[0] and p[1] < w[2] and w[1] < p[2]),
    "only exact matches": sorts(lambda p, w: p == w),
    "both wrong is boundary": sorts(kinds=False),
    "both wrong is type": sorts(ends=False),
    "spurious never counted": sorts(drop=["spurious"]),
    "missed never counted": sorts(drop=["missed"]),
    "neighbours share a word": sorts(lambda p, w: p[1] <= w[2] and w[1] <= p[2]),
    "looks in one direction": sorts(lambda p, w: w[1] <= p[1] < w[2]),
    "looks in one direction only": sorts(lambda p, w: p[1] <= w[1] < p[2]),
    "keys missing": only_those_counted,
    "another value": lambda predicted, wanted: dict.fromkeys(OUTCOMES, 9),
}


# ---------------------------------------------------------------- 10.6


def minus_infinity(allowed, totals):
    return np.where(allowed, totals, -np.inf)


def viterbi(first_counts=True, turned=False, reverse=True, forbid=minus_infinity, sums=True):
    def best_legal_path(scores, first, after):
        after = after.T if turned else after
        best = forbid(first, scores[0]) if first_counts else scores[0]
        back = []
        for row in scores[1:]:
            paths = forbid(after, best[:, None])
            back.append(paths.argmax(0))
            best = paths.max(0) + row if sums else row
        path = [best.argmax()]
        for came_from in back[::-1]:
            path.append(came_from[path[-1]])
        return path[::-1] if reverse else path

    return best_legal_path


def without_a_walk_back(scores, first, after):
    best = minus_infinity(first, scores[0])
    path = [best.argmax()]
    for row in scores[1:]:
        best = minus_infinity(after, best[:, None]).max(0) + row
        path.append(best.argmax())
    return path


def greedy(scores, first, after):
    path = [int(np.where(first, scores[0], -np.inf).argmax())]
    for row in scores[1:]:
        path.append(int(np.where(after[path[-1]], row, -np.inf).argmax()))
    return path


def mended(mend):
    def best_legal_path(scores, first, after):
        path = []
        for tag in scores.argmax(-1).tolist():
            legal = after[path[-1]][tag] if path else first[tag]
            path.append(tag if legal else mend(tag))
        return path

    return best_legal_path


def all_sequences(scores, first, after):
    best, found = -np.inf, None
    for path in itertools.product(range(scores.shape[1]), repeat=len(scores)):
        legal = first[path[0]] and all(after[i, j] for i, j in itertools.pairwise(path))
        total = sum(scores[i, tag] for i, tag in enumerate(path))
        if legal and total > best:
            best, found = total, list(path)
    return found


PATHS = {
    "each word alone": lambda scores, first, after: scores.argmax(-1).tolist(),
    "the first word is free": viterbi(first_counts=False),
    "rules turned round": viterbi(turned=True),
    "from left to right, no way back": greedy,
    "mended afterwards": mended(lambda tag: tag - 1),  # in the order of the tags, B- stands before its I-
    "strays put outside": mended(lambda tag: 0),
    "no walk back": without_a_walk_back,
    "only the word before": viterbi(sums=False),
    "forbidden is nought": viterbi(forbid=lambda allowed, totals: totals * allowed),
    "forbidden has a price": viterbi(forbid=lambda allowed, totals: np.where(allowed, totals, totals - 1000)),
    "back to front": viterbi(reverse=False),
    "too slow": all_sequences,
    "another value": lambda scores, first, after: [4] * len(scores),
}


# ---------------------------------------------------------------- 10.7


def searched(sentence, places, spans):
    result = []
    for kind, a, b in spans:
        name = " ".join(sentence[x:y] for x, y in places[a:b])
        start = sentence.find(name)
        result.append((kind, start, start + len(name)))
    return result


def added_up(sentence, places, spans):
    result = []
    for kind, a, b in spans:
        start = sum(y - x + 1 for x, y in places[:a])
        result.append((kind, start, start + sum(y - x + 1 for x, y in places[a:b]) - 1))
    return result


def in_bytes(sentence, places, spans):
    return [
        (kind, len(sentence[: places[a][0]].encode()), len(sentence[: places[b - 1][1]].encode()))
        for kind, a, b in spans
    ]


def up_to_the_next(sentence, places, spans):
    return [(k, places[a][0], places[b][0] - 1 if b < len(places) else len(sentence)) for k, a, b in spans]


PLACES = {
    "only the first word": lambda s, places, spans: [(k, *places[a]) for k, a, b in spans],
    "the names themselves": lambda s, places, spans: [s[places[a][0] : places[b - 1][1]] for k, a, b in spans],
    "counted in bytes": in_bytes,
    "up to the next word": up_to_the_next,
    "one word too many": lambda s, places, spans: [(k, places[a][0], places[b][1]) for k, a, b in spans],
    "the last word is lost": lambda s, places, spans: [(k, places[a][0], places[b - 1][0]) for k, a, b in spans],
    "last character included": lambda s, places, spans: [(k, places[a][0], places[b - 1][1] - 1) for k, a, b in spans],
    "still words": lambda s, places, spans: spans,
    "searched in the text": searched,
    "lengths added up": added_up,
    "another value": lambda s, places, spans: [(k, 0, len(s)) for k, _, _ in spans],
}

MISTAKES = {
    "10.1": BACKWARDS,
    "10.2": READINGS,
    "10.3": CONVERSIONS,
    "10.4": SCORES,
    "10.5": ERRORS,
    "10.6": PATHS,
    "10.7": PLACES,
}


def test_every_exercise_is_asked_and_proven():
    assert list(lesson_checks("10")) == list(SOLUTIONS) == list(STUBS) == list(MISTAKES)


@pytest.mark.parametrize("id", MISTAKES)
def test_right_stub_and_usual_mistakes_are_told_apart(id):
    assert_recognises(find_check(id), SOLUTIONS[id], STUBS[id], MISTAKES[id])


# ---------------------------------------------------------------- right, in another form


def right_to_left(scores, first, after):
    allowed = np.where(after, 0.0, -np.inf)
    rest = np.zeros(scores.shape)  # of the best sequence behind each word, by its tag
    for i in range(len(scores) - 2, -1, -1):
        rest[i] = (allowed + scores[i + 1] + rest[i + 1]).max(1)
    path = [(minus_infinity(first, scores[0]) + rest[0]).argmax()]
    for i in range(1, len(scores)):
        path.append((allowed[path[-1]] + scores[i] + rest[i]).argmax())
    return np.array(path)


def by_numbered_sets(predicted, wanted):
    p, w = ({(n, *span) for n, row in enumerate(rows) for span in row} for rows in (predicted, wanted))
    return np.float32(len(p & w) / (len(p & w) + 0.5 * len(p ^ w)) if p & w else 0)


def whole_rows_of_words(predicted, wanted):
    of_word = {i: span for span in wanted for i in range(*span[1:])}
    counts, met = Counter(dict.fromkeys(OUTCOMES, 0)), set()
    for span in predicted:
        partner = next((of_word[i] for i in range(*span[1:]) if i in of_word), None)
        met.add(partner)
        wrong = [] if not partner else [n for n, bad in (("boundary", span[1:] != partner[1:]), ("type", span[0] != partner[0])) if bad]
        counts["spurious" if not partner else " and ".join(wrong) or "right"] += 1
    counts["missed"] = len(set(wanted) - met)
    return counts


UNUSUAL = {
    "10.1": written_once(),
    "10.2": lambda tags: (list(span) for span in SOLUTIONS["10.2"](tags)),  # a generator
    "10.3": lambda tags: tuple(SOLUTIONS["10.3"](tags)),
    "10.4": by_numbered_sets,
    "10.5": whole_rows_of_words,
    "10.6": right_to_left,
    "10.7": lambda s, places, spans: [[k, min(places[a:b])[0], np.int64(max(places[a:b])[1])] for k, a, b in spans],
}


@pytest.mark.parametrize("id", UNUSUAL)
def test_right_answers_of_another_make_are_right(id):
    assert find_check(id).examine(UNUSUAL[id]).state == "right"
