"""Exercises of lesson 11, question answering: the places where a span goes wrong without an error.

Each exercise has a slow specification and a list of usual mistakes, written out as programs. An answer is compared with
the specification on small cases; where it differs, the mistake that gives the same is named (`judging.judge`). The two
exercises about words, 11.4 and 11.5, stand in `answer_words`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from course_utils.checks import Check
from course_utils.checks.answer_words import normalise, word_f1
from course_utils.checks.judging import Case, Program, Wrong, judge

__all__ = ["best_span", "best_threshold", "merge", "normalise", "tokens_of", "windows", "word_f1"]

# A mistake reads best as its parts, on as few lines as they need:
# fmt: off

# ---------------------------------------------------------------- 11.1

tokens_of = Check(
    "11.1",
    "From characters to tokens",
    hints=(
        "A token belongs to the answer if it has at least one character in common with it. When do two stretches meet?",
        "They meet if each begins before the other ends: `a < end and begin < b`. Collect the numbers of these tokens.",
        "The answer is whole if the first of them begins no later than the answer, and the last ends no sooner.",
    ),
)

Spans = Sequence[tuple[int, int]]
_OUT = (-1, -1)
_PIECES = [_OUT, _OUT, _OUT, (0, 4), (5, 7), (7, 9), (10, 15), (16, 18), (19, 21), (21, 23), _OUT]
_PIECES_IN = "[CLS] who [SEP] Anna Be ##rg lives in Os ##lo [SEP]"


def _characters(spans: Spans, begin: int, end: int) -> tuple[int, int]:
    """The specification: who has the answer's first character, and who its last?"""
    first, last = ([i for i, (a, b) in enumerate(spans) if a <= c < b] for c in (begin, end - 1))
    return (first[0], last[0]) if first and last else (0, 0)


def _meeting(low: int, high: int) -> Program:
    """First and last token that meet the answer, if it began `low` characters earlier and ended `high` later."""

    def program(spans: Spans, begin: int, end: int) -> tuple[int, int]:
        tokens = [i for i, (a, b) in enumerate(spans) if a >= 0 and a < end + high and b > begin - low]
        whole = tokens and spans[tokens[0]][0] <= begin and end <= spans[tokens[-1]][1]
        return (tokens[0], tokens[-1]) if tokens and (whole or not (low or high)) else (0, 0)

    return program


def _within_edges(spans: Spans, begin: int, end: int) -> tuple[int, int]:
    tokens = [i for i, (a, b) in enumerate(spans) if a >= begin and b <= end]
    return (tokens[0], tokens[-1]) if tokens else (0, 0)


def _edges_fit(spans: Spans, begin: int, end: int) -> tuple[int, int]:
    starts, ends = [a for a, _ in spans], [b for _, b in spans]
    return (starts.index(begin), ends.index(end)) if begin in starts and end in ends else (0, 0)


def _nearest_edges(spans: Spans, begin: int, end: int) -> tuple[int, int]:
    """The last token that begins no later, the first that ends no sooner, wherever they stand."""
    starts = [i for i, (a, _) in enumerate(spans) if a <= begin]
    ends = [i for i, (_, b) in enumerate(spans) if b >= end]
    return (starts[-1], ends[0]) if starts and ends else (0, 0)


def _found(change: Callable[[int, int], tuple[int, int]], absent: tuple[int, int] = (0, 0)) -> Program:
    def program(spans: Spans, begin: int, end: int) -> tuple[int, int]:
        found = _characters(spans, begin, end)
        return absent if found == (0, 0) else change(*found)

    return program


_TOKENS = (
    Wrong("last plus one", _found(lambda first, last: (first, last + 1)), "the second number is the token after the "
          "answer, as in a Python slice", "The model is asked for the last token itself: return the number of that "
          "one."),
    Wrong("counted in the context", lambda s, b, e: _characters([span for span in s if span != _OUT], b, e), "tokens "
          "are counted from the beginning of the passage, but the row begins with [CLS] and the question", "Number "
          "the tokens of the whole row; leave out none before you count."),
    Wrong("only the first piece", _found(lambda first, last: (first, first)), "a word of several pieces is taken for "
          "one token, or the search stops at the first that fits", "Go on to the last token that has a character of "
          "the answer."),
    Wrong("characters", lambda s, b, e: (b, e), "these are the characters you were given, not tokens", "Return "
          "positions in the list `spans`."),
    Wrong("neighbours on both sides", _meeting(1, 1), "tokens that only touch the answer are counted in: `<=` or "
          "`>=` stands where `<` or `>` belongs", "The second number of a span is one past its last character. "
          "Compare with `<` and `>`."),
    Wrong("the neighbour before", _meeting(1, 0), "a token that ends where the answer begins has no character of it: "
          "`>=` stands where `>` belongs", "Compare the end of a token with `begin` by `>`."),
    Wrong("the neighbour after", _meeting(0, 1), "a token that begins where the answer ends has no character of it: "
          "`<=` stands where `<` belongs", "Compare the beginning of a token with `end` by `<`."),
    Wrong("equal ends wanted", _edges_fit, "a token that begins a little before the answer is passed over; some "
          "tokenizers count the space before a word to the word", "Ask which tokens meet the answer, not whose edges "
          "fit it.", others=(_within_edges,)),
    Wrong("half an answer", _meeting(0, 0), "part of the answer lies outside this window, and what is left of it is "
          "labelled all the same", "Check that the first token begins no later than the answer and the last ends no "
          "sooner; else return (0, 0)."),
    Wrong("outside taken in", _nearest_edges, "the numbers (-1, -1) pass a comparison such as `start <= begin`, so a "
          "token outside the passage is taken", "Pass over (-1, -1), or ask which tokens meet the answer."),
    Wrong("absent is minus one", _found(lambda *found: found, (-1, -1)), "an answer that this row does not hold gets "
          "another mark than (0, 0)", "Token 0, [CLS], stands for 'not here': return (0, 0)."),
)

judge(
    tokens_of, _characters,
    {
        "pieces": (
            Case((_PIECES, 5, 9), f"'Berg' (5, 9) in {_PIECES_IN}"),
            Case((_PIECES, 0, 15), f"'Anna Berg lives' (0, 15) in {_PIECES_IN}"),
        ),
        "no spaces between tokens": (
            Case(([_OUT, (0, 2), (2, 4), (4, 6), (6, 8), _OUT], 2, 6),
                 "characters (2, 6) of tokens (0, 2) (2, 4) (4, 6) (6, 8)"),
        ),
        "a space in front": (
            Case(([_OUT, (0, 4), (4, 9), (9, 15), _OUT], 5, 9), "(5, 9) where the token (4, 9) begins with a space"),
        ),
        "not whole in this window": (
            Case(([_OUT, (0, 4), (5, 7), _OUT], 5, 9), "an answer (5, 9) in a window that ends at character 7"),
            Case(([_OUT, (7, 9), (10, 15), _OUT], 5, 9), "an answer (5, 9) in a window that begins at character 7"),
            Case(([_OUT, (10, 15), _OUT], 0, 4), "an answer (0, 4) in a window that begins at character 10"),
        ),
    },
    _TOKENS, "Print every token that you count in, with its characters.",
)


# ---------------------------------------------------------------- 11.2

best_span = Check(
    "11.2",
    "The best span",
    hints=(
        "The best start and the best end need not belong together. Of what should you take the best?",
        "Score every pair: the logit of its first token plus that of its last. Two loops are enough for a passage.",
        "Let j run from i to i + longest − 1, and skip every i or j outside the context. Keep the best pair so far.",
    ),
)


def _best(
    first: Any, last: Any, inside: Any, longest: int, *, score: Callable[[float, float], float] = lambda a, b: a + b,
    allowed: Callable[[int, int, int], bool] = lambda i, j, longest: i <= j < i + longest,
    masked: Callable[[Any, int, int], bool] = lambda inside, i, j: inside[i] and inside[j],
) -> tuple[int, int]:
    """The specification, and with other parts its mistakes: try every pair."""
    n = len(first)
    pairs = [(i, j) for i in range(n) for j in range(n) if allowed(i, j, longest) and masked(inside, i, j)]
    return max(pairs, key=lambda pair: score(first[pair[0]], last[pair[1]]), default=(0, 0))


def _but(**other: Any) -> Program:
    return lambda first, last, inside, longest: _best(first, last, inside, longest, **other)


def _apart(first: Any, last: Any, inside: Any, longest: int) -> tuple[int, int]:
    hidden = [np.where(inside, logits, -np.inf) for logits in (first, last)]
    return int(hidden[0].argmax()), int(hidden[1].argmax())


def _start_first(first: Any, last: Any, inside: Any, longest: int) -> tuple[int, int]:
    i, _ = _apart(first, last, inside, longest)
    return i, i + int(np.where(inside, last, -np.inf)[i : i + longest].argmax())


def _end_first(first: Any, last: Any, inside: Any, longest: int) -> tuple[int, int]:
    _, j = _apart(first, last, inside, longest)
    low = max(0, j - longest + 1)
    return low + int(np.where(inside, first, -np.inf)[low : j + 1].argmax()), j


def _zeroed(first: Any, last: Any, inside: Any, longest: int) -> tuple[int, int]:
    return _best(np.multiply(first, inside), np.multiply(last, inside), np.ones(len(first)), longest)


def _in_context_alone(first: Any, last: Any, inside: Any, longest: int) -> tuple[int, int]:
    return _best(first[inside], last[inside], inside[inside], longest)


_SPANS = (
    Wrong("ends chosen apart", _apart, "the best start and the best end are looked for separately, so the end may "
          "stand before the start", "Score pairs: the best pair need not hold the best start."),
    Wrong("ends swapped", lambda *args: tuple(sorted(_apart(*args))), "the two ends were found separately and then "
          "put in order; the model never said that this span is likely", "Score only pairs whose start stands before "
          "or at their end."),
    Wrong("one token at least", lambda *args: (_apart(*args)[0], max(_apart(*args))), "an end that stands too early "
          "is moved up to the start", "Let i be the start of a pair, and j never less."),
    Wrong("start first", _start_first, "the best start is fixed, and then the best end for it is looked for", "A "
          "slightly worse start may have a far better end: compare pairs."),
    Wrong("end first", _end_first, "the best end is fixed, and then the best start for it is looked for", "A "
          "slightly worse end may have a far better start: compare pairs."),
    Wrong("too long", _but(allowed=lambda i, j, longest: i <= j), "`longest` has no effect", "Skip pairs of more "
          "than `longest` tokens."),
    Wrong("one token too many", _but(allowed=lambda i, j, longest: i <= j <= i + longest), "a span from i to j has j "
          "− i + 1 tokens, and one of longest + 1 is let through", "The last j for a start i is i + longest − 1."),
    Wrong("one token too few", _but(allowed=lambda i, j, longest: i <= j < i + longest - 1), "a span from i to j has "
          "j − i + 1 tokens, and those of exactly `longest` are left out", "The last j for a start i is i + longest "
          "− 1."),
    Wrong("never one token", _but(allowed=lambda i, j, longest: i < j < i + longest), "spans of one token are left "
          "out", "An answer may start and end at the same token: j may be i."),
    Wrong("last plus one", lambda *args: (_best(*args)[0], _best(*args)[1] + 1), "the second number is one past the "
          "span, as in a Python slice", "Return the last token itself."),
    Wrong("counted in the context", _in_context_alone, "positions are counted from the first token of the context",
          "Return positions in `first` and `last` as you got them."),
    Wrong("an answer in the question", _but(masked=lambda inside, i, j: True), "tokens of the question, or special "
          "ones, may be answers here", "Skip every pair with an end where `in_context` is false."),
    Wrong("only one end in the context", _but(masked=lambda inside, i, j: inside[i]), "only the first token is held "
          "against `in_context`", "Both ends must lie in the context."),
    Wrong("masked with zero", _zeroed, "a zero beats negative logits: what is not allowed is set to 0, or the best "
          "score so far begins there", "Use minus infinity for both: logits may be of any size."),
    Wrong("logits multiplied", _but(score=lambda a, b: a * b), "logits are multiplied: two very negative ones give a "
          "large number", "Probabilities are multiplied; their logarithms, and so logits, are added."),
)


def _span_case(first: list[float], last: list[float], inside: str, longest: int) -> Case:
    mask = np.array([letter == "c" for letter in inside])
    return Case(
        (np.array(first, float), np.array(last, float), mask, longest),
        f"start logits {first}, end logits {last}, in_context {mask.astype(int).tolist()}, longest {longest}",
    )


judge(
    best_span, _best,
    {
        "an end before the start": (
            _span_case([0, 1, 0, 5, 0], [0, 6, 0, 1, 4], "ccccc", 5),
            _span_case([0, 5, 0, 4.5, 0], [0, 1, 0, 0, 6], "ccccc", 2),
            _span_case([0, 6, 0, 5], [2, 3, 0, 7], "cccc", 1),
        ),
        "the longest answer": (
            _span_case([0, 3, 0, 0], [0, 0, 1, 2], "cccc", 2), _span_case([4, 0, 0, 3], [0, 1, 1.5, 1], "cccc", 3),
        ),
        "only the context": (
            _span_case([7, 6, 0, 2, 1, 0], [7, 5, 0, 1, 2, 4], "...cc.", 3),
            _span_case([-9, -9, -3, -2, -4], [-9, -9, -3, -2, -4], ".cccc", 2),
        ),
    },
    _SPANS, "Print i, j and their score for every pair that you allow.",
)


# ---------------------------------------------------------------- 11.3

windows = Check(
    "11.3",
    "Windows that overlap",
    hints=(
        "If two windows of 4 share 1 token, by how many tokens does the second begin after the first?",
        "By `width - overlap`. And when is a window the last one? As soon as its end reaches n.",
        "`while True:` append (begin, min(begin + width, n)); stop if the end is n; move on by the step.",
    ),
    seconds=5.0,
)


def _windows(n: int, width: int, overlap: int, step: Callable[[int, int], int] = lambda w, o: w - o) -> list:
    found, begin = [(0, min(width, n))], 0
    while found[-1][1] < n:
        begin += max(1, step(width, overlap))
        found.append((begin, min(begin + width, n)))
    return found


_WINDOWS = (
    Wrong("no overlap", lambda n, w, o: _windows(n, w, o, lambda w, o: w), "each window begins where the one before "
          "ends, so an answer across the edge is whole in neither", "Begin the next window `overlap` tokens before "
          "the end of the last."),
    Wrong("overlap taken as the step", lambda n, w, o: _windows(n, w, o, lambda w, o: o), "each window begins "
          "`overlap` tokens after the one before; then they share width − overlap", "If they are to share `overlap` "
          "tokens, the step is width − overlap.",
          others=(lambda n, w, o: [(b, min(b + w, n)) for b in range(0, n, max(1, o))],)),
    Wrong("one token less shared", lambda n, w, o: _windows(n, w, o, lambda w, o: w - o + 1), "the windows share one "
          "token less than asked: ends are counted as the last token, not as one past it", "A window is (begin, end) "
          "as in a slice: its last token is end − 1."),
    Wrong("one token more shared", lambda n, w, o: _windows(n, w, o, lambda w, o: w - o - 1), "the windows share one "
          "token more than asked", "Two neighbours share end − begin tokens: the end of the one less the begin of "
          "the next."),
    Wrong("the end is lost", lambda n, w, o: [(b, b + w) for b in range(0, n - w + 1, w - o)], "only full windows "
          "are made, so what is left at the end of the passage is never read", "The last window may be shorter; go "
          "on until one ends at n."),
    Wrong("one window too many", lambda n, w, o: [(b, min(b + w, n)) for b in range(0, n, w - o)], "a last window "
          "lies wholly within the one before: it costs time and can only repeat an answer", "Stop as soon as a "
          "window has reached n.", lambda got, right: got[: len(right)] == right and got[-1][1] == right[-1][1]),
    Wrong("past the end", lambda n, w, o: [(b, b + w) for b, _ in _windows(n, w, o)], "the last window ends after "
          "the last token", "Take the smaller of begin + width and n."),
    Wrong("moved back", lambda n, w, o: [*_windows(n, w, o)[:-1], (max(0, n - w), n)], "the last window is moved "
          "back until it is full; then it shares more than `overlap` tokens", "Let it begin where the step says, and "
          "be shorter."),
    Wrong("last included", lambda n, w, o: [(b, e - 1) for b, e in _windows(n, w, o)], "the second number is the "
          "last token of the window", "Return begin and end as in a slice, the end one past."),
    Wrong("begin and width", lambda n, w, o: [(b, e - b) for b, e in _windows(n, w, o)], "the second number is the "
          "length of the window", "Return begin and end, as for a slice."),
)


def _window_cases(*cases: tuple[int, int, int]) -> tuple[Case, ...]:
    return tuple(Case((n, w, o), f"{n} tokens, width {w}, overlap {o}") for n, w, o in cases)


judge(
    windows, _windows,
    {
        "that fit": _window_cases((10, 4, 1), (12, 4, 2)),
        "the last one": _window_cases((11, 4, 1), (9, 4, 1), (12, 5, 2)),
        "short passages": _window_cases((3, 4, 1), (4, 4, 1), (1, 4, 3)),
        "any other numbers": _window_cases(*((n, w, o) for n in range(1, 14) for w in range(1, 6) for o in range(w))),
    },
    _WINDOWS, "Write the windows of 10 tokens, width 4, overlap 1, on paper.",
)


# ---------------------------------------------------------------- 11.6

best_threshold = Check(
    "11.6",
    "When to say nothing",
    hints=(
        "For a given threshold, which questions are answered? Which of those are right, and which refusals are right?",
        "A threshold matters only by which margins it lets through: try each margin, and one above all of them.",
        "Score: share of rows where `exact and has_answer` if margin >= threshold, else `not has_answer`. Take the best.",
    ),
)


def _rows_right(threshold: Any, margins: Any, exact: Any, has_answer: Any) -> int:
    """How many rows a threshold gets right, row by row."""
    rows = zip(margins, exact, has_answer, strict=True)
    return sum(bool(e and h) if m >= float(threshold) else not h for m, e, h in rows)


def _threshold(
    margins: Any, exact: Any, has_answer: Any, score: Callable[..., float] = _rows_right, more: tuple = (np.inf,)
) -> float:
    return float(max([*sorted(margins), *more], key=lambda t: score(t, margins, exact, has_answer)))


def _decision(threshold: Any, margins: Any, exact: Any, has_answer: Any) -> Any:
    """What a threshold does: as many rows right as can be, or else which are answered."""
    most = _rows_right(_threshold(margins, exact, has_answer), margins, exact, has_answer)
    right = _rows_right(threshold, margins, exact, has_answer)
    return most if right == most else (right, margins >= float(threshold))


def _counted(name: str, row: Callable[..., bool], cause: str, move: str) -> Wrong:
    """A score that is wrong by row: row(answered, exact, has_answer). Of equal ones the lowest or the highest wins."""

    def score(threshold: float, margins: Any, exact: Any, has_answer: Any) -> float:
        return sum(row(m >= threshold, e, h) for m, e, h in zip(margins, exact, has_answer, strict=True))

    def highest(margins: Any, exact: Any, has_answer: Any) -> float:
        return float(max([np.inf, *sorted(margins)[::-1]], key=lambda t: score(t, margins, exact, has_answer)))

    def lowest(margins: Any, exact: Any, has_answer: Any) -> float:
        return _threshold(margins, exact, has_answer, score)

    return Wrong(name, lowest, cause, move, others=(highest,))


def _strict(threshold: float, margins: Any, exact: Any, has_answer: Any) -> float:
    return _rows_right(np.nextafter(threshold, np.inf), margins, exact, has_answer)


def _of_answered(threshold: float, margins: Any, exact: Any, has_answer: Any) -> float:
    return exact[margins >= threshold].mean()


def _row_by_row(margins: Any, exact: Any, has_answer: Any) -> float:
    """From the surest row down, as if each could be answered without those of the same margin."""
    order = np.argsort(-margins, kind="stable")
    gain = np.cumsum(exact[order].astype(int) - ~has_answer[order])
    return float(margins[order][gain.argmax()]) if gain.max() > 0 else np.inf


_THRESHOLDS = (
    _counted("refusals not counted", lambda answered, e, h: bool(answered and e and h), "only right answers count, "
          "so it never pays to refuse and a low threshold wins", "A question without an answer that is refused is "
          "right, too."),
    Wrong("only the answered", lambda m, e, h: _threshold(m, e, h, _of_answered, ()), "the mean is taken over the "
          "answered rows alone, so a few sure ones beat many right ones", "Divide by all rows; a refused one is "
          "right if it has no answer."),
    _counted("right words not asked for", lambda answered, e, h: bool(answered == h), "an answer counts as right if "
          "there is one at all, even if the span given is another", "An answered question is right only if `exact` "
          "says so."),
    _counted("refusals turned round", lambda answered, e, h: bool(e if answered else h), "a refused row counts as "
          "right where it has an answer", "To refuse is right where `has_answer` is false."),
    _counted("turned round", lambda answered, e, h: bool(e and h) if not answered else not h, "questions with a "
          "small margin are answered and those with a large one refused", "A large margin says that the span is much "
          "likelier than no answer: answer from the threshold up."),
    Wrong("left at zero", lambda m, e, h: 0.0, "the threshold does not depend on the rows", "Try several thresholds "
          "on these rows, and keep the best."),
    Wrong("the mean margin", lambda m, e, h: float(np.mean(m)), "the middle of the margins need not be the best "
          "place to cut", "Compute the score at each threshold and keep the best."),
    Wrong("the score itself", lambda m, e, h: _rows_right(_threshold(m, e, h), m, e, h) / len(m), "this is the best "
          "share of right rows, not the threshold that gives it", "Let `max` compare by the share and return the "
          "threshold: `max(thresholds, key=…)`."),
    Wrong("its place in the list", lambda m, e, h: sorted([*m, np.inf]).index(_threshold(m, e, h)), "this is where "
          "the best threshold stands among those you tried, not the threshold", "Look up in your list what stands at "
          "this place."),
    Wrong("one row off", lambda m, e, h: _threshold(m, e, h, _strict, (-np.inf,)), "the score was counted for "
          "margins above the threshold, but a margin equal to it is answered, too", "Answer where margin >= "
          "threshold, in your count as well."),
    Wrong("never silent", lambda m, e, h: _threshold(m, e, h, more=()), "the highest threshold that is tried still "
          "lets the surest row through", "Try one above all margins, too: refusing everything may be best."),
    Wrong("equal margins parted", _row_by_row, "rows are counted one after the other, but those of equal margins are "
          "answered together or not at all", "Compare only thresholds: after the last row of each margin."),
)


def _threshold_case(rows: str) -> Case:
    """Rows from text: a margin, then + (right span), - (wrong span) or 0 (there is no answer)."""
    pairs = [(float(row[:-1]), row[-1]) for row in rows.split()]
    margins = np.array([margin for margin, _ in pairs])
    exact, has_answer = (np.array([sign in signs for _, sign in pairs]) for signs in ("+", "+-"))
    kinds = {"+": "right span", "-": "wrong span", "0": "no answer"}
    return Case((margins, exact, has_answer), "; ".join(f"{margin:g} {kinds[sign]}" for margin, sign in pairs))


judge(
    best_threshold, _threshold,
    {
        "the best cut": tuple(map(_threshold_case, (
            "4+ 30 2- 1- 0.5- -10",
            "50 4.5- 40 3- 20 00 -10 -1.5+ -2.50 -6+",
            "4+ 3+ 2.5+ 2- 1.5- 1- 0.5+ -10 -20 -30",
            "5+ 4.5+ 40 3- 2+ 1.5+ 1- 0.50 0.20 -1- -20 -2.50",
            "3+ 2+ 1.50 10 0.9+ 0.80 -1- -2-",
        ))),
        "all or nothing": tuple(map(_threshold_case, ("30 20 1- 00 -10", "-1+ -2+ -3+ -4+", "2- 1- 00 -10"))),
        "equal margins": tuple(map(_threshold_case, ("2+ 20 20 10", "4+ 3+ 3- 30 30 20 1-"))),
    },
    _THRESHOLDS, "Make a table: for each threshold the rows answered, those of them right, and the right refusals.",
    view=_decision, seen=lambda result, got, right, case:
        f"threshold {float(result):g} gets {got[0]} of these rows right, where {right} can be had: {case.words}",
)


# ---------------------------------------------------------------- 11.7

merge = Check(
    "11.7",
    "One answer from several windows",
    hints=(
        "A logit of 9 in one window and of 7 in another: which is surer, if the first also gives 'not here' a 12?",
        "Turn the logits of each window into probabilities first: one softmax for starts, one for ends.",
        "For each window: outer product of both, keep start ≤ end, leave out token 0; then the largest of all.",
    ),
)


def _probabilities(logits: Any) -> np.ndarray:
    powers = np.exp(np.asarray(logits, float) - np.max(logits, axis=0))
    return powers / powers.sum(axis=0)


def _merged(
    found: Sequence[Any], see: Callable[[Any], np.ndarray] = _probabilities, lowest: int = 1,
    score: Callable[[float, float], float] = lambda a, b: a * b,
    allowed: Callable[[int, int], bool] = lambda i, j: i <= j,
) -> tuple[int, int, int]:
    """The specification, and with other parts its mistakes: every span of every window."""
    tried = {
        (number, i, j): score(seen[i, 0], seen[j, 1])
        for number, seen in enumerate(map(see, found))
        for i in range(lowest, len(seen)) for j in range(lowest, len(seen)) if allowed(i, j)
    }
    return max(tried, key=lambda key: tried[key])


def _within(found: Sequence[Any], number: int) -> tuple[int, int, int]:
    return (number, *_merged([found[number]])[1:])


def _window_first(found: Sequence[Any]) -> tuple[int, int, int]:
    nowhere = [_probabilities(logits)[0].prod() for logits in found]
    return _within(found, int(np.argmin(nowhere)))


def _best_start_first(found: Sequence[Any]) -> tuple[int, int, int]:
    seen = [_probabilities(logits) for logits in found]
    number, i, _ = max(((n, i, p) for n, one in enumerate(seen) for i, p in enumerate(one[1:, 0], 1)), key=lambda t: t[2])
    return number, i, i + int(seen[number][i:, 1].argmax())


def _shifted(found: Sequence[Any]) -> tuple[int, int, int]:
    number, i, j = _merged(found)
    return number, i - 1, j - 1


_MERGED = (
    Wrong("raw logits", lambda w: _merged(w, see=np.asarray, score=lambda a, b: a + b), "logits of different windows "
          "are compared; each window has a scale of its own, and one that is sure of 'not here' may still have the "
          "largest logits", "Make probabilities within each window (softmax over its tokens), then compare."),
    Wrong("against token 0 alone", lambda w: _merged(w, see=lambda x: x - x[0], score=lambda a, b: a + b), "a span "
          "is compared with token 0 of its window, but not with the other spans there", "A softmax divides by all "
          "tokens: a window full of rivals is less sure of each."),
    Wrong("one softmax for both ends", lambda w: _merged(w, see=lambda x: np.exp(x) / np.exp(x).sum()), "starts and "
          "ends share one softmax, so a window with one sharp end suppresses the other", "Two softmaxes a window: "
          "over the starts (column 0) and over the ends (column 1)."),
    Wrong("softmax over the two columns",
          lambda w: _merged(w, see=lambda x: np.exp(x) / np.exp(x).sum(1, keepdims=True)), "the softmax runs over "
          "start and end of one token, not over the tokens", "Normalise down the columns: `axis=0`."),
    Wrong("not here taken for an answer", lambda w: _merged(w, lowest=0), "token 0 is a candidate; it says 'the "
          "answer is not in this window'", "Leave token 0 out of the spans, but keep it in the softmax."),
    Wrong("not here left out of the softmax",
          lambda w: _merged(w, see=lambda x: np.vstack([np.zeros((1, 2)), _probabilities(x[1:])])), "token 0 is "
          "dropped before the softmax; then every window is equally sure that it has the answer", "Softmax over all "
          "tokens of the window; leave token 0 out afterwards."),
    Wrong("counted without token 0", _shifted, "the span is right, but its tokens are counted from the one after "
          "token 0", "If you cut token 0 off, add 1 to both positions."),
    Wrong("end before start", lambda w: _merged(w, allowed=lambda i, j: True), "the last token may stand before the "
          "first", "Only spans whose start stands before or at their end."),
    Wrong("never one token", lambda w: _merged(w, allowed=lambda i, j: i < j), "spans of one token are left out",
          "An answer may start and end at the same token."),
    Wrong("always the first window", lambda w: _within(w, 0), "only the first window is read, or `return` stands in "
          "the loop", "Go through all windows, then return."),
    Wrong("always the last window", lambda w: _within(w, len(w) - 1), "each window replaces the result of the one "
          "before", "Replace the best so far only if the new span is likelier."),
    Wrong("window first", _window_first, "the window is chosen by its token 0, and then a span in it; the likeliest "
          "span may stand in another", "Compare the best spans of all windows."),
    Wrong("start first", _best_start_first, "the likeliest start of all is fixed, and then an end for it is looked for",
          "Compare pairs: the product of both, over all spans of all windows."),
    Wrong("one end decides", lambda w: _merged(w, score=lambda a, b: a + b), "the two probabilities are added, so "
          "one sure end makes up for an impossible other", "Both ends must be right: multiply."),
)


def _window_case(*logits: list[list[float]]) -> Case:
    return Case(([np.array(window, dtype=float) for window in logits],), f"windows with (start, end) logits {list(logits)}")


judge(
    merge, _merged,
    {
        "windows of different scale": (
            _window_case([[12, 12], [9, 0], [0, 9]], [[0, 0], [6, 1], [1, 6]]),
            _window_case([[0, 0], [5, 1], [1, 5]], [[11, 11], [8, 0], [0, 8]]),
            _window_case([[3, 3], [4, 1], [1, 2]], [[1, 1], [2, 5], [6, 1]], [[2, 2], [3, 3.5], [0, 0]]),
            _window_case([[0, 0], [4.1, 0], [4, 6]], [[2, 3], [4, 3]]),
        ),
        "all tokens, both ends": (
            _window_case([[0, 0], [10, 3], [0, 0]], [[0, 0], [2, 2], [0, 0]]),
            _window_case([[1, 0], [9, 0], [0, 0.5], [0, 1]], [[0, 0], [2, 1], [0, 2], [0, 0]]),
            _window_case([[4, 4], [5, 1], [1, 5]], [[0, 0], [2, 0], [0, 2]]),
            _window_case([[0, 0], [1, 6], [6, 1], [0, 2]], [[3, 3], [1, 1], [1, 1]]),
        ),
    },
    _MERGED, "Print for each window the probability of token 0 and that of its best span.",
)
