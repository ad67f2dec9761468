"""The exercises of lesson 10 answer back: on their own solutions, their stubs, and the usual mistakes."""

import itertools

import numpy as np
import pytest

from course_utils.checks import find_check, lesson_checks
from course_utils.checks import lesson_10 as lesson
from course_utils.checks.testing import answers, assert_recognises

SOLUTIONS, STUBS = answers("10", "solution"), answers("10", "exercise")


# ---------------------------------------------------------------- 10.1, as learners write it


def every_piece(word_ids, tags):
    return [-100 if word is None else tags[word] for word in word_ids]


def pieces(other=-100, special=-100, known=lambda word: word is not None, keep=lambda tag: True):
    def align(word_ids, tags):
        labels, before = [], None
        for word in word_ids:
            if not known(word):
                labels.append(special)
            elif word == before or not keep(tags[word]):
                labels.append(other)
            else:
                labels.append(tags[word])
            before = word
        return labels

    return align


def along(word_ids, tags):
    left = iter(tags)
    return [-100 if word is None else next(left, 0) for word in word_ids]


def last_piece(word_ids, tags):
    after = [*word_ids[1:], None]
    return [tags[w] if w is not None and w != a else -100 for w, a in zip(word_ids, after, strict=True)]


def counted(word_ids, tags):
    labels, before, count = [], None, -1
    for word in word_ids:
        count += word is not None and word != before
        labels.append(tags[count] if word is not None and word != before else -100)
        before = word
    return labels


ALIGNMENTS = {
    "every piece labelled": every_piece,
    "special tokens are O": pieces(special=0),
    "later pieces are O": pieces(other=0, special=0),
    "the first word is lost": pieces(known=bool),
    "laid along the pieces": along,
    "last piece instead of first": last_piece,
    "O left out": pieces(keep=bool),
    "counted, not looked up": counted,
    "another length": lambda word_ids, tags: tags,
    "another answer": lambda word_ids, tags: [7 for _ in word_ids],
    "returned None": lambda word_ids, tags: print(end=""),
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
    "another answer": lambda tags: [],
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


CONVERSIONS = {
    "single words stay B": marks(alone="B"),
    "last word stays I": marks(last="I"),
    "every B is S": lambda tags: ["S" + t[1:] if t[0] == "B" else m for t, m in zip(tags, marks()(tags), strict=True)],
    "every I is E": lambda tags: ["E" + t[1:] if t[0] == "I" else m for t, m in zip(tags, marks()(tags), strict=True)],
    "the sentence's end forgotten": marks(at_end="I-"),
    "a neighbour is not an end": marks(ends=lambda after: after == "O"),
    "another answer": lambda tags: ["O" for _ in tags],
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


SCORES = {
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
    "another answer": lambda predicted, wanted: 0.5,
}


# ---------------------------------------------------------------- 10.5


def sorts(share=lambda p, w: p[1] < w[2] and w[1] < p[2], drop=(), ends=True, kinds=True):
    """Counts errors with another test of sharing, without some of the counts, or with one question left out."""

    def count_errors(predicted, wanted):
        counts, met = dict.fromkeys(lesson.SIX, 0), set()
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


ERRORS = {
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
    "another answer": lambda predicted, wanted: dict.fromkeys(lesson.SIX, 9),
}


# ---------------------------------------------------------------- 10.6


def viterbi(first_counts=True, turned=False, reverse=True):
    def best_legal_path(scores, first, after):
        after = after.T if turned else after
        best = np.where(first, scores[0], -np.inf) if first_counts else scores[0]
        back = []
        for row in scores[1:]:
            paths = np.where(after, best[:, None], -np.inf)
            back.append(paths.argmax(0))
            best = paths.max(0) + row
        path = [best.argmax()]
        for came_from in back[::-1]:
            path.append(came_from[path[-1]])
        return path[::-1] if reverse else path

    return best_legal_path


def greedy(scores, first, after):
    path = [int(np.where(first, scores[0], -np.inf).argmax())]
    for row in scores[1:]:
        path.append(int(np.where(after[path[-1]], row, -np.inf).argmax()))
    return path


def mended(scores, first, after):
    path = []
    for tag in scores.argmax(-1).tolist():
        legal = after[path[-1]][tag] if path else first[tag]
        path.append(tag if legal else tag - 1)  # in the order of the tags, B- stands before its I-
    return path


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
    "mended afterwards": mended,
    "back to front": viterbi(reverse=False),
    "too slow": all_sequences,
    "another answer": lambda scores, first, after: [4] * len(scores),
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


PLACES = {
    "one word too many": lambda s, places, spans: [(k, places[a][0], places[b][1]) for k, a, b in spans],
    "the last word is lost": lambda s, places, spans: [(k, places[a][0], places[b - 1][0]) for k, a, b in spans],
    "last character included": lambda s, places, spans: [(k, places[a][0], places[b - 1][1] - 1) for k, a, b in spans],
    "still words": lambda s, places, spans: spans,
    "searched in the text": searched,
    "lengths added up": added_up,
    "another answer": lambda s, places, spans: [(k, 0, len(s)) for k, _, _ in spans],
}

MISTAKES = {
    "10.1": ALIGNMENTS,
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


def test_spans_may_come_as_lists_and_numbers_of_numpy():
    as_lists = find_check("10.2").examine(lambda tags: [list(span) for span in SOLUTIONS["10.2"](tags)])
    of_numpy = find_check("10.6").examine(lambda *given: np.array(SOLUTIONS["10.6"](*given)))
    assert as_lists.state == of_numpy.state == "right"
