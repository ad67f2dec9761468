"""The exercises of lesson 11 answer back: on their own solutions, their stubs, and the usual mistakes."""

import string
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils.batching import _answer_tokens
from course_utils.checks import answer_words, find_check, lesson_checks
from course_utils.checks import lesson_11 as lesson
from course_utils.checks.testing import answers, assert_recognises
from course_utils.experiments.lesson_11 import best_threshold, threshold_scores
from course_utils.metrics import answer_scores, normalise_answer

SOLUTIONS, STUBS = answers("11", "solution"), answers("11", "exercise")
WRONGS = {
    "11.1": lesson._TOKENS,
    "11.2": lesson._SPANS,
    "11.3": lesson._WINDOWS,
    "11.4": answer_words._NORMALS,
    "11.5": answer_words._F1S,
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


def better_of_each(predicted, accepted):
    """Precision from one accepted answer, recall from another."""
    words = normalise_answer(predicted).split()
    p = r = 0.0
    for text in accepted:
        wanted = normalise_answer(text).split()
        if not words or not wanted:
            return float(words == wanted)
        common = (Counter(words) & Counter(wanted)).total()
        p, r = max(p, common / len(words)), max(r, common / len(wanted))
    return 2 * p * r / (p + r) if p + r else 0.0


def share_for_threshold(margins, exact, has_answer):
    return max(threshold_scores(margins, exact, has_answer, t) for t in [*margins, np.inf])


def from_the_surest_down(margins, exact, has_answer):
    order = np.argsort(-margins, kind="stable")
    gain = np.cumsum(np.where(exact[order], 1, 0) - np.where(has_answer[order], 0, 1))
    return margins[order][gain.argmax()] if gain.max() > 0 else np.inf


def writes_into_its_argument(windows):
    """Would spoil the cases for the specification, too, if it got them."""
    for logits in windows:
        logits[0] = -np.inf
    return SOLUTIONS["11.7"](windows)


@pytest.mark.parametrize(
    ("id", "program", "name"),
    [
        ("11.1", touching, "half an answer"),
        ("11.1", lambda *args: tuple(n + 1 for n in SOLUTIONS["11.1"](*args)), "another value"),
        ("11.1", lambda s, b, e: None if SOLUTIONS["11.1"](s, b, e) == (0, 0) else SOLUTIONS["11.1"](s, b, e),
         "returned None"),
        ("11.1", lambda s, b, e: touching(s, b, e + 1) if SOLUTIONS["11.1"](s, b, e) != (0, 0) else (0, 0),
         "the neighbour after"),
        ("11.2", greedy, "start first"),
        ("11.2", unmasked, "an answer in the question"),
        ("11.2", lambda first, last, inside, longest: (int(first.argmax()), int(last.argmax())), "ends chosen apart"),
        ("11.3", sliding, "one window too many"),
        ("11.3", lambda n, width, overlap: [(0, n)], "another value"),
        ("11.4", with_spaces, "punctuation becomes a space"),
        ("11.4", str.lower, "only lower case"),
        ("11.5", sets, "words counted once"),
        ("11.5", lambda predicted, accepted: answer_scores([predicted], [accepted])["exact_match"], "another value"),
        ("11.3", lambda n, width, overlap: [(i, min(i + width, n)) for i in range(0, n, overlap or 1)],
         "overlap taken as the step"),
        ("11.4", lambda text: SOLUTIONS["11.4"](text).split(), "a list of words"),
        ("11.4", lambda text: SOLUTIONS["11.4"](text).replace(" ", "  "), "spaces left"),
        ("11.5", better_of_each, "sides from two answers"),
        ("11.6", share_for_threshold, "the score itself"),
        ("11.6", from_the_surest_down, "equal margins parted"),
        ("11.7", writes_into_its_argument, "not here left out of the softmax"),
        ("11.6", agreement, "right words not asked for"),
        ("11.7", loudest, "raw logits"),
        ("11.7", lambda windows: (0, 1, 1), "another value"),
    ],
)  # fmt: skip
def test_mistakes_are_recognised_as_learners_write_them(id, program, name):
    verdict = find_check(id).examine(program)
    assert verdict.mistake is not None and verdict.mistake.name == name, verdict


def _hide(logits, inside):
    logits[~inside] = -np.inf  # in place, as one does
    return logits


@pytest.mark.parametrize(
    ("id", "answer"),
    [
        ("11.1", lambda spans, begin, end: np.array(SOLUTIONS["11.1"](spans, begin, end))),
        ("11.2", lambda *args: list(SOLUTIONS["11.2"](*args))),
        ("11.3", lambda n, width, overlap: [list(pair) for pair in SOLUTIONS["11.3"](n, width, overlap)]),
        ("11.2", lambda first, last, inside, longest: SOLUTIONS["11.2"](_hide(first, inside), _hide(last, inside),
         np.ones(len(first), bool), longest)),
        ("11.3", lambda n, width, overlap: iter(SOLUTIONS["11.3"](n, width, overlap))),
        ("11.4", normalise_answer),
        ("11.5", lambda predicted, accepted: answer_scores([predicted], [accepted])["f1"]),
        ("11.6", best_threshold),  # of equal ones it takes another
        ("11.6", lambda *args: np.float64(SOLUTIONS["11.6"](*args) - 1e-9)),
    ],
)  # fmt: skip
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


def test_an_error_says_for_what():
    seen = find_check("11.5").examine(lambda given, accepted: 1 / (given == "Oslo") - 0.6).mistake.seen
    assert seen.startswith("ZeroDivisionError: division by zero, for 'in old Oslo' where ['Oslo city'] is accepted"), seen


def test_a_threshold_is_told_with_its_rows():
    seen = find_check("11.6").examine(lambda *args: 0).mistake.seen
    assert seen.startswith("threshold 0 gets 2 of these rows right, where 3 can be had: 4 right span; 3 no answer"), seen


def test_seen_names_the_learners_own_value():
    seen = find_check("11.4").examine(with_spaces).mistake.seen
    assert "'8 m'" in seen and "'8 am'" in seen
    assert Counter(seen)["'"] == 6
