"""The exercises of lesson 11 answer back: on their own solutions, their stubs, and the usual mistakes."""

import string
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils.batching import _answer_tokens
from course_utils.checks import find_check, lesson_checks
from course_utils.checks import lesson_11 as lesson
from course_utils.checks.testing import answers, assert_recognises
from course_utils.experiments.lesson_11 import best_threshold, threshold_scores
from course_utils.metrics import answer_scores, normalise_answer

SOLUTIONS, STUBS = answers("11", "solution"), answers("11", "exercise")
WRONGS = {
    "11.1": lesson._TOKENS,
    "11.2": lesson._SPANS,
    "11.3": lesson._WINDOWS,
    "11.4": lesson._NORMALS,
    "11.5": lesson._F1S,
    "11.6": lesson._THRESHOLDS,
    "11.7": lesson._MERGED,
}
few = settings(max_examples=50, deadline=None)


def test_every_exercise_is_asked_and_proven():
    assert list(lesson_checks("11")) == list(SOLUTIONS) == list(STUBS) == list(WRONGS)


@pytest.mark.parametrize("id", WRONGS)
def test_right_stub_and_usual_mistakes_are_told_apart(id):
    mistakes = {wrong.name: wrong.program for wrong in WRONGS[id]}
    assert_recognises(find_check(id), SOLUTIONS[id], STUBS[id], mistakes)
    assert len(find_check(id).hints) == 3 and len(mistakes) == len(WRONGS[id])


# Mistakes as learners write them, not as the check does.


def touching(spans, begin, end):
    tokens = [i for i, (a, b) in enumerate(spans) if a < end and b > begin]
    return tokens[0], tokens[-1]


def first_and_last_by_search(spans, begin, end):
    first = next((i for i, (a, _) in enumerate(spans) if a == begin), 0)
    return first, next((i for i, (_, b) in enumerate(spans) if b == end), 0)


def greedy(first, last, in_context, longest):
    i = int(np.where(in_context, first, -1e9).argmax())
    return i, i + int(np.where(in_context, last, -1e9)[i : i + longest].argmax())


def unmasked(first, last, in_context, longest):
    return max(
        ((i, j) for i in range(len(first)) for j in range(i, min(i + longest, len(first)))),
        key=lambda pair: first[pair[0]] + last[pair[1]],
    )


def sliding(n, width, overlap):
    return [(begin, min(begin + width, n)) for begin in range(0, n, width - overlap)]


def with_spaces(text):
    for mark in string.punctuation:
        text = text.replace(mark, " ")
    return " ".join(word for word in text.lower().split() if word not in ("a", "an", "the"))


def by_word(text):
    kept = (word for word in text.lower().split() if word not in ("a", "an", "the"))
    return " ".join(kept).translate(str.maketrans("", "", string.punctuation))


def sets(predicted, accepted):
    return max(
        2 * len(set(normalise_answer(predicted).split()) & set(normalise_answer(a).split()))
        / max(1, len(normalise_answer(predicted).split()) + len(normalise_answer(a).split()))
        for a in accepted
    )  # fmt: skip


def agreement(margins, exact, has_answer):
    return max([*margins, np.inf], key=lambda t: ((margins >= t) == has_answer).sum())


def loudest(windows):
    best = None
    for number, logits in enumerate(windows):
        scores = logits[:, None, 0] + logits[None, :, 1]
        scores[np.tril_indices(len(logits), -1)] = -np.inf
        scores[0] = -np.inf
        i, j = np.unravel_index(scores.argmax(), scores.shape)
        if best is None or scores[i, j] > best[0]:
            best = (scores[i, j], number, i, j)
    return best[1:]


@pytest.mark.parametrize(
    ("id", "program", "name"),
    [
        ("11.1", touching, "half an answer"),
        ("11.1", lambda *args: tuple(n + 1 for n in SOLUTIONS["11.1"](*args)), "another value"),
        ("11.1", lambda s, b, e: None if SOLUTIONS["11.1"](s, b, e) == (0, 0) else SOLUTIONS["11.1"](s, b, e),
         "returned None"),
        ("11.2", greedy, "start first"),
        ("11.2", unmasked, "an answer in the question"),
        ("11.2", lambda first, last, inside, longest: (int(first.argmax()), int(last.argmax())), "ends chosen apart"),
        ("11.3", sliding, "one window too many"),
        ("11.3", lambda n, width, overlap: [(0, n)], "another value"),
        ("11.4", with_spaces, "punctuation becomes a space"),
        ("11.4", str.lower, "another value"),
        ("11.5", sets, "words counted once"),
        ("11.5", lambda predicted, accepted: answer_scores([predicted], [accepted])["exact_match"], "another value"),
        ("11.6", agreement, "right words not asked for"),
        ("11.7", loudest, "raw logits"),
        ("11.7", lambda windows: (0, 1, 1), "another value"),
    ],
)  # fmt: skip
def test_mistakes_are_recognised_as_learners_write_them(id, program, name):
    verdict = find_check(id).examine(program)
    assert verdict.mistake is not None and verdict.mistake.name == name, verdict


@pytest.mark.parametrize(
    ("id", "answer"),
    [
        ("11.1", lambda spans, begin, end: np.array(SOLUTIONS["11.1"](spans, begin, end))),
        ("11.2", lambda *args: list(SOLUTIONS["11.2"](*args))),
        ("11.3", lambda n, width, overlap: [list(pair) for pair in SOLUTIONS["11.3"](n, width, overlap)]),
        ("11.4", normalise_answer),
        ("11.5", lambda predicted, accepted: answer_scores([predicted], [accepted])["f1"]),
        ("11.6", best_threshold),  # of equal ones it takes another
        ("11.6", lambda *args: np.float64(SOLUTIONS["11.6"](*args) - 1e-9)),
    ],
)
def test_other_right_answers_are_right(id, answer):
    assert find_check(id).examine(answer), find_check(id).examine(answer)


def test_an_endless_loop_is_ended():
    def never(n, width, overlap):
        while True:
            pass

    verdict = find_check("11.3")
    verdict.seconds, before = 0.2, verdict.seconds
    try:
        assert verdict.examine(never).mistake.name == "too slow"
    finally:
        verdict.seconds = before


# ---------------------------------------------------------------- the solutions do what the package does


@few
@given(st.data())
def test_tokens_are_those_of_the_package(data):
    """Tokens that lie side by side or have gaps, and any answer: whole, cut, or outside."""
    cuts = sorted(data.draw(st.sets(st.integers(0, 30), min_size=2, max_size=8)))
    spans = [(-1, -1), *zip(cuts, cuts[1:], strict=False), (-1, -1)]
    begin = data.draw(st.integers(0, 29))
    end = data.draw(st.integers(begin + 1, 31))
    answer = {"text": ["x" * (end - begin)], "answer_start": [begin]}
    assert SOLUTIONS["11.1"](spans, begin, end) == _answer_tokens(answer, np.array(spans))


@few
@given(st.integers(1, 60), st.integers(1, 12), st.data())
def test_windows_cover_every_short_span_and_waste_nothing(n, width, data):
    overlap = data.draw(st.integers(0, width - 1))
    found = SOLUTIONS["11.3"](n, width, overlap)
    assert found[0][0] == 0 and found[-1][1] == n and all(0 < e - b <= width for b, e in found)
    assert all(c < e < d for (_, e), (c, d) in zip(found, found[1:], strict=False)) or overlap == 0
    for size in range(1, overlap + 2):
        assert all(any(b <= s and s + size <= e for b, e in found) for s in range(n - size + 1))


@few
@given(st.text(max_size=30), st.lists(st.text(max_size=30), min_size=1, max_size=3))
def test_scores_are_those_of_the_package(predicted, accepted):
    assert SOLUTIONS["11.4"](predicted) == normalise_answer(predicted)
    if all(map(normalise_answer, accepted)):  # the package leaves out what is nothing but articles
        assert SOLUTIONS["11.5"](predicted, accepted) == pytest.approx(answer_scores([predicted], [accepted])["f1"])


@few
@given(st.integers(0, 10_000), st.integers(1, 20))
def test_no_threshold_is_better(seed, n):
    rng = np.random.default_rng(seed)
    rows = rng.integers(-3, 4, n) / 2, rng.random(n) < 0.6, rng.random(n) < 0.6
    best = threshold_scores(*rows, SOLUTIONS["11.6"](*rows))
    assert best == threshold_scores(*rows, best_threshold(*rows))
    assert all(threshold_scores(*rows, t) <= best for t in np.arange(-4, 4, 0.25))


def test_seen_names_the_learners_own_value():
    seen = find_check("11.4").examine(with_spaces).mistake.seen
    assert "'8 m'" in seen and "'8 am'" in seen
    assert Counter(seen)["'"] == 6
