"""Exercises of lesson 11, question answering: the places where a span goes wrong without an error.

Each exercise has a slow specification and a list of usual mistakes, written out as programs. An answer is compared with
the specification on small cases; where it differs, the mistake that gives the same is named (`judge`).
"""

from __future__ import annotations

import math
import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from course_utils.checks import Check, Mistake


@dataclass(frozen=True)
class Wrong:
    """A usual mistake as a program, and what to say to whoever made it."""

    name: str
    program: Callable[..., Any]
    cause: str
    move: str


@dataclass(frozen=True)
class Case:
    """What an answer is called with, and how to say so."""

    args: tuple[Any, ...]
    words: str


_CASES: dict[str, list[Case]] = {}  # all cases of an exercise


def judge(
    check: Check, name: str, spec: Callable[..., Any], cases: Iterable[Case], wrongs: Sequence[Wrong], otherwise: str,
    view: Callable[..., Any] = lambda result, *args: result,
) -> None:  # fmt: skip
    """Add a probe: on each case the answer gives what `spec` gives, else the first mistake that agrees with it.

    Where results may differ and be right, `view(result, *args)` is what is compared.
    """
    cases = tuple(cases)
    of_exercise = _CASES.setdefault(check.id, [])
    of_exercise += cases

    def seen_as(program: Callable[..., Any], case: Case) -> Any:
        return _plain(view(program(*case.args), *case.args))

    def probe(answer: Callable[..., Any]) -> Mistake | None:
        for case in cases:
            result = answer(*case.args)
            if result is None:
                return Mistake(
                    "returned None", f"your function gives None for {case.words}",
                    "a branch of it ends without `return`", "Return a result in every case.",
                )  # fmt: skip
            got, right = _plain(view(result, *case.args)), seen_as(spec, case)
            if got == right:
                continue
            seen = f"{got!r} for {case.words}, where {right!r} is right"
            alike = [wrong for wrong in wrongs if _agrees(seen_as, wrong.program, case, got)]
            # Several mistakes may give the same here: the one that most often does so in the whole exercise.
            whole = [_outcome(seen_as, answer, other) for other in of_exercise]
            alike.sort(key=lambda wrong: -sum(
                _outcome(seen_as, wrong.program, other) == one for other, one in zip(of_exercise, whole, strict=True)
            ))  # fmt: skip
            if alike:
                return Mistake(alike[0].name, seen, alike[0].cause, alike[0].move)
            return Mistake("another value", seen, "none of the usual mistakes gives this", otherwise)
        return None

    probe.__name__ = probe.__doc__ = name
    check.probe(probe)


def _outcome(seen_as: Callable[..., Any], program: Callable[..., Any], case: Case) -> Any:
    """What a program gives; of one that fails, the kind of error."""
    try:
        return seen_as(program, case)
    except Exception as error:  # a wrong program may raise anything
        return type(error).__name__


def _agrees(seen_as: Callable[..., Any], program: Callable[..., Any], case: Case, got: Any) -> bool:
    return bool(_outcome(seen_as, program, case) == got)


def _plain(value: Any) -> Any:
    """Numbers, texts, tuples: without NumPy's or PyTorch's types, and rounded, so that they compare with ==."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return tuple(map(_plain, value))
    if isinstance(value, float):
        return round(value, 4) if math.isfinite(value) else value
    return value


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


def _meeting(spans: Spans, begin: int, end: int, low: int = 0, high: int = 0) -> list[int]:
    return [i for i, (a, b) in enumerate(spans) if a >= 0 and a < end + high and b > begin - low]


def _cut_to(tokens: list[int]) -> tuple[int, int]:
    return (tokens[0], tokens[-1]) if tokens else (0, 0)


def _where_exact(spans: Spans, begin: int, end: int) -> tuple[int, int]:
    starts, ends = [a for a, _ in spans], [b for _, b in spans]
    return (starts.index(begin), ends.index(end)) if begin in starts and end in ends else (0, 0)


def _shifted(by_first: int, by_last: int) -> Callable[..., tuple[int, int]]:
    def program(spans: Spans, begin: int, end: int) -> tuple[int, int]:
        first, last = _characters(spans, begin, end)
        return (first + by_first, last + by_last) if (first, last) != (0, 0) else (0, 0)

    return program


def _in_context_only(spans: Spans, begin: int, end: int) -> tuple[int, int]:
    return _characters([span for span in spans if span != _OUT], begin, end)


_TOKENS = (
    Wrong("last plus one", _shifted(0, 1), "the second number is the token after the answer, as in a Python slice",
          "The model is asked for the last token itself: return the number of that one."),
    Wrong("counted in the context", _in_context_only, "tokens are counted from the beginning of the passage, but the "
          "row begins with [CLS] and the question", "Number the tokens of the whole row; leave out none before you "
          "count."),
    Wrong("only the first piece", lambda s, b, e: (_characters(s, b, e)[0],) * 2,
          "a word of several pieces is taken for one token, or the search stops at the first that fits",
          "Go on to the last token that has a character of the answer."),
    Wrong("characters", lambda s, b, e: (b, e), "these are the characters you were given, not tokens",
          "Return positions in the list `spans`."),
    Wrong("neighbours on both sides", lambda s, b, e: _cut_to(_meeting(s, b, e, 1, 1)),
          "a token that ends where the answer begins is counted in: `<=` or `>=` stands where `<` or `>` belongs",
          "The second number of a span is one past its last character. Compare with `<` and `>`."),
    Wrong("the neighbour before", lambda s, b, e: _cut_to(_meeting(s, b, e, 1, 0)),
          "a token that ends where the answer begins has no character of it: `>=` stands where `>` belongs",
          "Compare the end of a token with `begin` by `>`."),
    Wrong("the neighbour after", lambda s, b, e: _cut_to(_meeting(s, b, e, 0, 1)),
          "a token that begins where the answer ends has no character of it: `<=` stands where `<` belongs",
          "Compare the beginning of a token with `end` by `<`."),
    Wrong("equal ends wanted", _where_exact, "a token is taken only if it begins exactly where the answer does; some "
          "tokenizers count the space before a word to the word", "Ask which tokens meet the answer, not which "
          "begin and end with it."),
    Wrong("half an answer", lambda s, b, e: _cut_to(_meeting(s, b, e)), "part of the answer lies outside this "
          "window, and what is left of it is labelled all the same", "Check that the first token begins no later "
          "than the answer and the last ends no sooner; else return (0, 0)."),
)  # fmt: skip
_LOOK = "Print every token that you count in, with its characters."

judge(
    tokens_of, "pieces", _characters,
    (
        Case((_PIECES, 5, 9), f"'Berg' (5, 9) in {_PIECES_IN}"),
        Case((_PIECES, 0, 15), f"'Anna Berg lives' (0, 15) in {_PIECES_IN}"),
    ),
    _TOKENS, _LOOK,
)  # fmt: skip
judge(
    tokens_of, "no spaces between tokens", _characters,
    (Case(([_OUT, (0, 2), (2, 4), (4, 6), (6, 8), _OUT], 2, 6), "characters (2, 6) of tokens (0, 2) (2, 4) (4, 6) (6, 8)"),),
    _TOKENS, _LOOK,
)  # fmt: skip
judge(
    tokens_of, "a space in front", _characters,
    (Case(([_OUT, (0, 4), (4, 9), (9, 15), _OUT], 5, 9), "(5, 9) where the token (4, 9) begins with a space"),),
    _TOKENS, _LOOK,
)  # fmt: skip
judge(
    tokens_of, "not whole in this window", _characters,
    (
        Case(([_OUT, (0, 4), (5, 7), _OUT], 5, 9), "an answer (5, 9) in a window that ends at character 7"),
        Case(([_OUT, (7, 9), (10, 15), _OUT], 5, 9), "an answer (5, 9) in a window that begins at character 7"),
        Case(([_OUT, (10, 15), _OUT], 0, 4), "an answer (0, 4) in a window that begins at character 10"),
    ),
    _TOKENS, _LOOK,
)  # fmt: skip


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
) -> tuple[int, int]:  # fmt: skip
    """The specification, and with other parts its mistakes: try every pair."""
    n = len(first)
    pairs = [(i, j) for i in range(n) for j in range(n) if allowed(i, j, longest) and masked(inside, i, j)]
    return max(pairs, key=lambda pair: score(first[pair[0]], last[pair[1]]), default=(0, 0))


def _but(**other: Any) -> Callable[..., tuple[int, int]]:
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


_SPANS = (
    Wrong("ends chosen apart", _apart, "the best start and the best end are looked for separately, so the end may "
          "stand before the start", "Score pairs: the best pair need not hold the best start."),
    Wrong("ends swapped", lambda *args: tuple(sorted(_apart(*args))), "the two ends were found separately and then "
          "put in order; the model never said that this span is likely", "Score only pairs whose start stands "
          "before or at their end."),
    Wrong("one token at least", lambda *args: (_apart(*args)[0], max(_apart(*args))),
          "an end that stands too early is moved up to the start", "Score only pairs whose start stands before or "
          "at their end."),
    Wrong("start first", _start_first, "the best start is fixed, and then the best end for it is looked for",
          "A slightly worse start may have a far better end: compare pairs."),
    Wrong("end first", _end_first, "the best end is fixed, and then the best start for it is looked for",
          "A slightly worse end may have a far better start: compare pairs."),
    Wrong("too long", _but(allowed=lambda i, j, longest: i <= j), "`longest` has no effect",
          "Skip pairs of more than `longest` tokens."),
    Wrong("one token too many", _but(allowed=lambda i, j, longest: i <= j <= i + longest),
          "a span from i to j has j − i + 1 tokens, and one of longest + 1 is let through",
          "The last j for a start i is i + longest − 1."),
    Wrong("one token too few", _but(allowed=lambda i, j, longest: i <= j < i + longest - 1),
          "a span from i to j has j − i + 1 tokens, and those of exactly `longest` are left out",
          "The last j for a start i is i + longest − 1."),
    Wrong("an answer in the question", _but(masked=lambda inside, i, j: True),
          "tokens of the question, or special ones, may be answers here", "Skip every pair with an end where "
          "`in_context` is false."),
    Wrong("only one end in the context", _but(masked=lambda inside, i, j: inside[i]),
          "only the first token is held against `in_context`", "Both ends must lie in the context."),
    Wrong("masked with zero", _zeroed, "outside the context the logits are set to 0, and that is more than a "
          "negative logit inside", "Set them to minus infinity, or skip these tokens."),
    Wrong("logits multiplied", _but(score=lambda a, b: a * b), "logits are multiplied: two very negative ones give a "
          "large number", "Probabilities are multiplied; their logarithms, and so logits, are added."),
)  # fmt: skip


def _span_case(first: list[float], last: list[float], inside: str, longest: int) -> Case:
    mask = np.array([letter == "c" for letter in inside])
    return Case(
        (np.array(first), np.array(last), mask, longest),
        f"start logits {first}, end logits {last}, in_context {mask.astype(int).tolist()}, longest {longest}",
    )


_LOOP = "Print i, j and their score for every pair that you allow."
judge(
    best_span, "an end before the start", _best,
    (
        _span_case([0, 1, 0, 5, 0], [0, 6, 0, 1, 4], "ccccc", 5),
        _span_case([0, 5, 0, 4.5, 0], [0, 1, 0, 0, 6], "ccccc", 2),
        _span_case([0, 6, 0, 5], [2, 3, 0, 7], "cccc", 1),
    ),
    _SPANS, _LOOP,
)  # fmt: skip
judge(
    best_span, "the longest answer", _best,
    (_span_case([0, 3, 0, 0], [0, 0, 1, 2], "cccc", 2), _span_case([4, 0, 0, 3], [0, 1, 1.5, 1], "cccc", 3)),
    _SPANS, _LOOP,
)  # fmt: skip
judge(
    best_span, "only the context", _best,
    (
        _span_case([7, 6, 0, 2, 1, 0], [7, 5, 0, 1, 2, 4], "...cc.", 3),
        _span_case([-9, -9, -3, -2, -4], [-9, -9, -3, -2, -4], ".cccc", 2),
    ),
    _SPANS, _LOOP,
)  # fmt: skip


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
    Wrong("overlap taken as the step", lambda n, w, o: _windows(n, w, o, lambda w, o: o),
          "each window begins `overlap` tokens after the one before; then they share width − overlap",
          "If they are to share `overlap` tokens, the step is width − overlap."),
    Wrong("one token less shared", lambda n, w, o: _windows(n, w, o, lambda w, o: w - o + 1),
          "the windows share one token less than asked: ends are counted as the last token, not as one past it",
          "A window is (begin, end) as in a slice: its last token is end − 1."),
    Wrong("the end is lost", lambda n, w, o: [(b, b + w) for b in range(0, n - w + 1, w - o)],
          "only full windows are made, so what is left at the end of the passage is never read",
          "The last window may be shorter; go on until one ends at n."),
    Wrong("one window too many", lambda n, w, o: [(b, min(b + w, n)) for b in range(0, n, w - o)],
          "a last window lies wholly within the one before: it costs time and can only repeat an answer",
          "Stop as soon as a window has reached n."),
    Wrong("past the end", lambda n, w, o: [(b, b + w) for b, _ in _windows(n, w, o)],
          "the last window ends after the last token", "Take the smaller of begin + width and n."),
    Wrong("begin and width", lambda n, w, o: [(b, e - b) for b, e in _windows(n, w, o)],
          "the second number is the length of the window", "Return begin and end, as for a slice."),
)  # fmt: skip
_TILE = "Write the windows of 10 tokens, width 4, overlap 1, on paper."


def _window_cases(*cases: tuple[int, int, int]) -> tuple[Case, ...]:
    return tuple(Case((n, w, o), f"{n} tokens, width {w}, overlap {o}") for n, w, o in cases)


judge(windows, "that fit", _windows, _window_cases((10, 4, 1), (12, 4, 2)), _WINDOWS, _TILE)
judge(windows, "the last one", _windows, _window_cases((11, 4, 1), (9, 4, 1), (12, 5, 2)), _WINDOWS, _TILE)
judge(windows, "short passages", _windows, _window_cases((3, 4, 1), (4, 4, 1), (1, 4, 3)), _WINDOWS, _TILE)
judge(
    windows, "any other numbers", _windows,
    _window_cases(*((n, w, o) for n in range(1, 14) for w in range(1, 6) for o in range(w))), _WINDOWS, _TILE,
)  # fmt: skip


# ---------------------------------------------------------------- 11.4

normalise = Check(
    "11.4",
    "When are two answers the same?",
    hints=(
        "Four steps, in this order: lower case, punctuation, articles, spaces. What would another order do to 'a.m.'?",
        r"`string.punctuation` lists the 32 characters. For articles as whole words: `re.sub(r'\b(a|an|the)\b', ' ', …)`.",
        "`' '.join(text.split())` leaves single spaces and none at the ends.",
    ),
)
_ARTICLE = re.compile(r"\b(a|an|the)\b")


def _bare(text: str, filler: str = "") -> str:
    return "".join(filler if character in string.punctuation else character for character in text)


def _words(text: str) -> str:
    return " ".join(text.split())


def _normal(text: str) -> str:
    """The specification: word by word."""
    return " ".join(word for word in _no_articles(_bare(text.lower())).split() if word)


def _no_articles(text: str) -> str:
    return _ARTICLE.sub(" ", text)


def _letters_only(text: str) -> str:
    return "".join(c for c in text if not unicodedata.category(c).startswith("P"))


def _articles_anywhere(text: str) -> str:
    for article in ("the", "an", "a"):
        text = text.replace(article, "")
    return text


_NORMALS = (
    Wrong("case kept", lambda t: _words(re.sub(r"(?i)\b(a|an|the)\b", " ", _bare(t))), "capitals stay",
          "Put the text into lower case first."),
    Wrong("capital articles stay", lambda t: _words(_no_articles(_bare(t)).lower()),
          "articles are looked for in lower case while the text still has capitals",
          "Put the text into lower case before you look for articles."),
    Wrong("articles kept", lambda t: _words(_bare(t.lower())), "'the', 'a' and 'an' stay",
          "Take these three words out, wherever they stand."),
    Wrong("punctuation kept", lambda t: _words(_no_articles(t.lower())), "punctuation stays",
          "Take out every character of `string.punctuation`."),
    Wrong("articles inside words", lambda t: _words(_articles_anywhere(_bare(t.lower()))),
          "the letters of articles are taken out of other words, too", r"Match whole words: `\b` in a regular "
          r"expression is the edge of a word."),
    Wrong("only the first article", lambda t: _words(re.sub(r"^(a|an|the)\b", " ", _bare(t.lower()))),
          "an article is taken out at the beginning only", "Take articles out wherever they stand."),
    Wrong("articles before punctuation", lambda t: _words(_bare(_no_articles(t.lower()))),
          "articles go first, and the 'a' of 'a.m.' looks like one while its full stop is there",
          "Take out punctuation first, articles after it."),
    Wrong("punctuation becomes a space", lambda t: _words(_no_articles(_bare(t.lower(), " "))),
          "a space is left where punctuation was, so one word becomes two", "Replace punctuation by nothing at all."),
    Wrong("spaces left", lambda t: _no_articles(_bare(t.lower())), "where something was taken out, spaces are left "
          "over, and two equal answers differ in them", "End with single spaces, and none at either end."),
    Wrong("spaces left inside", lambda t: _no_articles(_bare(t.lower())).strip(),
          "spaces at the ends are gone, but where a word was taken out from the middle two are left",
          "Split the text into words and join them by one space."),
    Wrong("articles glued", lambda t: _words(_ARTICLE.sub("", _bare(t.lower())).replace("  ", "")),
          "the words on either side of an article grow together", "Replace an article by a space, then tidy up."),
    Wrong("punctuation of every script", lambda t: _words(_no_articles(_letters_only(t.lower()))),
          "more is taken out than the rules say: curly quotes and long dashes stay in them",
          "Take out the 32 characters of `string.punctuation` and no others: a score is comparable only if everyone "
          "keeps the same rules."),
)  # fmt: skip


def _text_cases(*texts: str) -> tuple[Case, ...]:
    return tuple(Case((text,), repr(text)) for text in texts)


_STEP = "Print the text after each of your steps."
judge(normalise, "case, articles, punctuation", _normal, _text_cases("The Old Bridge.", "an Apple, a Day"), _NORMALS, _STEP)
judge(normalise, "whole words", _normal, _text_cases("theatre and banana", "in the lane"), _NORMALS, _STEP)
judge(normalise, "the order of the steps", _normal, _text_cases("8 a.m.", "ice-cream", "the-end"), _NORMALS, _STEP)
judge(normalise, "what stays", _normal, _text_cases("“Oslo”", "the", "", "  2,000  ships "), _NORMALS, _STEP)


# ---------------------------------------------------------------- 11.5

word_f1 = Check(
    "11.5",
    "Partly right",
    hints=(
        "How many words do the two have in common, if a word that stands twice in both counts twice?",
        "`Counter(a) & Counter(b)` keeps the smaller count of each word. F1 is twice that over the words of both.",
        "Do it for each accepted answer and return the largest. If one side has no words, F1 is 1 only if neither has.",
    ),
)


def _f1(given: str, accepted: Sequence[str], common: Callable[[list, list], int] | None = None,
        value: Callable[[int, int, int], float] = lambda c, g, w: 2 * c / (g + w),
        over: Callable[[list[float]], float] = max, empty: Callable[[list, list], float] = lambda g, w: float(g == w),
        prepare: Callable[[str], list] = lambda text: _normal(text).split()) -> float:  # fmt: skip
    def one(text: str) -> float:
        words, wanted = prepare(given), prepare(text)
        if not words or not wanted:
            return empty(words, wanted)
        shared = common(words, wanted) if common else (Counter(words) & Counter(wanted)).total()
        return value(shared, len(words), len(wanted))

    return over([one(text) for text in accepted])


def _f1_but(**other: Any) -> Callable[..., float]:
    return lambda given, accepted: _f1(given, accepted, **other)


_F1S = (
    Wrong("words counted once", _f1_but(common=lambda a, b: len(set(a) & set(b))),
          "sets forget that a word may stand twice", "Count words with `Counter`, and keep the smaller count."),
    Wrong("counted as often as given", _f1_but(common=lambda a, b: sum(word in b for word in a)),
          "a word that is given twice counts twice, though it is wanted once",
          "Each word may match as often as it stands in both: `Counter(a) & Counter(b)`."),
    Wrong("precision alone", _f1_but(value=lambda c, g, w: c / g), "common words are divided by those given, so one "
          "right word would be perfect", "Take into account how many words were wanted, too."),
    Wrong("recall alone", _f1_but(value=lambda c, g, w: c / w), "common words are divided by those wanted, so the "
          "whole passage would be a perfect answer", "Take into account how many words were given, too."),
    Wrong("a plain mean", _f1_but(value=lambda c, g, w: (c / g + c / w) / 2),
          "F1 is the harmonic mean of precision and recall, and this is the plain one",
          "2 · precision · recall / (precision + recall)."),
    Wrong("not doubled", _f1_but(value=lambda c, g, w: c / (g + w)), "the factor 2 is missing",
          "F1 of equal answers is 1: try it."),
    Wrong("not normalised", _f1_but(prepare=str.split), "words are compared with their capitals and punctuation",
          "Normalise both answers first."),
    Wrong("letters", _f1_but(prepare=lambda text: list(_normal(text))), "letters are compared, not words",
          "Split the normalised text into words."),
    Wrong("the mean over answers", _f1_but(over=lambda values: sum(values) / len(values)),
          "the scores against all accepted answers are averaged, so a question with many answers cannot be won",
          "It is enough to match one of them: take the best."),
    Wrong("only the first answer", _f1_but(over=lambda values: values[0]), "only the first accepted answer is looked "
          "at, or `return` stands inside the loop", "Score all accepted answers, then return the best."),
    Wrong("only the last answer", _f1_but(over=lambda values: values[-1]), "each accepted answer replaces the score "
          "of the one before", "Keep the best score."),
    Wrong("nothing for nothing", _f1_but(empty=lambda g, w: 0.0), "an empty answer gets 0 though none was wanted: "
          "refusing rightly must count as right", "If one side has no words, F1 is 1 if the other has none either, "
          "and else 0."),
    Wrong("nothing is always right", _f1_but(empty=lambda g, w: 1.0), "an empty answer gets 1 though one was wanted",
          "If one side has no words, F1 is 1 only if neither has."),
    Wrong("a percentage", lambda given, accepted: 100 * _f1(given, accepted), "the score is multiplied by 100",
          "Return a share between 0 and 1, as the course does everywhere."),
)  # fmt: skip


def _f1_cases(*cases: tuple[str, list[str]]) -> tuple[Case, ...]:
    return tuple(Case(case, f"{case[0]!r} where {case[1]!r} is accepted") for case in cases)


_COUNT = "Count by hand: words given, words wanted, words in common."
judge(word_f1, "one answer", _f1,
      _f1_cases(("in old Oslo", ["Oslo"]), ("Anna", ["Anna Berg of Oslo"]), ("The Bridge.", ["bridge"])), _F1S, _COUNT)
judge(word_f1, "repeated words", _f1, _f1_cases(("red red car", ["red car red red"]), ("so so", ["so far"])), _F1S, _COUNT)
judge(word_f1, "several answers", _f1,
      _f1_cases(("Oslo", ["Bergen", "Oslo", "in Oslo"]), ("Anna Berg", ["Anna Berg", "Anna", "no"])), _F1S, _COUNT)
judge(word_f1, "no answer", _f1, _f1_cases(("", [""]), ("", ["Oslo"]), ("Oslo", [""]), ("the", ["Oslo"])), _F1S, _COUNT)


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


def _right_share(threshold: Any, margins: Any, exact: Any, has_answer: Any) -> float:
    """Exact match at a threshold, row by row."""
    rows = zip(margins, exact, has_answer, strict=True)
    return sum(bool(e and h) if m >= float(threshold) else not h for m, e, h in rows) / len(margins)


def _threshold(
    margins: Any, exact: Any, has_answer: Any, score: Callable[..., float] = _right_share, more: tuple = (np.inf,)
) -> float:
    return float(max([*sorted(margins), *more], key=lambda t: score(t, margins, exact, has_answer)))


def _counted(row: Callable[..., bool]) -> Callable[..., float]:
    """A score that is wrong by row: row(answered, exact, has_answer)."""

    def score(threshold: float, margins: Any, exact: Any, has_answer: Any) -> float:
        return sum(row(m >= threshold, e, h) for m, e, h in zip(margins, exact, has_answer, strict=True))

    return lambda margins, exact, has_answer: _threshold(margins, exact, has_answer, score)


def _strict(threshold: float, margins: Any, exact: Any, has_answer: Any) -> float:
    return _right_share(np.nextafter(threshold, np.inf), margins, exact, has_answer)


_THRESHOLDS = (
    Wrong("refusals not counted", _counted(lambda answered, e, h: bool(answered and e and h)),
          "only right answers count, so it never pays to refuse and the lowest threshold wins",
          "A question without an answer that is refused is right, too."),
    Wrong("right words not asked for", _counted(lambda answered, e, h: bool(answered == h)),
          "an answer counts as right if there is one at all, even if the span given is another",
          "An answered question is right only if `exact` says so."),
    Wrong("turned round", _counted(lambda answered, e, h: bool(e and h) if not answered else not h),
          "questions with a small margin are answered and those with a large one refused",
          "A large margin says that the span is much likelier than no answer: answer from the threshold up."),
    Wrong("left at zero", lambda m, e, h: 0.0, "the threshold does not depend on the rows",
          "Try several thresholds on these rows, and keep the best."),
    Wrong("the mean margin", lambda m, e, h: float(np.mean(m)), "the middle of the margins need not be the best "
          "place to cut", "Compute the score at each threshold and keep the best."),
    Wrong("one row off", lambda m, e, h: _threshold(m, e, h, _strict, (-np.inf,)),
          "the score was counted for margins above the threshold, but a margin equal to it is answered, too",
          "Answer where margin >= threshold, in your count as well."),
    Wrong("never silent", lambda m, e, h: _threshold(m, e, h, more=()), "the highest threshold that is tried still "
          "lets the surest row through", "Try one above all margins, too: refusing everything may be best."),
)  # fmt: skip


def _threshold_case(rows: str) -> Case:
    """Rows from text: a margin, then + (right span), - (wrong span) or 0 (there is no answer)."""
    pairs = [(float(row[:-1]), row[-1]) for row in rows.split()]
    margins = np.array([margin for margin, _ in pairs])
    exact, has_answer = (np.array([sign in signs for _, sign in pairs]) for signs in ("+", "+-"))
    return Case((margins, exact, has_answer), f"the share right, with your threshold, of the rows {rows}")


_TABLE = "Make a table: for each threshold the rows answered, those of them right, and the refusals that are right."
judge(
    best_threshold, "the best cut", _threshold,
    (
        _threshold_case("4+ 30 2- 1- 0.5- -10"),
        _threshold_case("50 4.5- 40 3- 20 00 -10 -1.5+ -2.50 -6+"),
        _threshold_case("4+ 3+ 2.5+ 2- 1.5- 1- 0.5+ -10 -20 -30"),
        _threshold_case("5+ 4.5+ 40 3- 2+ 1.5+ 1- 0.50 0.20 -1- -20 -2.50"),
        _threshold_case("3+ 2+ 1.50 10 0.9+ 0.80 -1- -2-"),
    ),
    _THRESHOLDS, _TABLE, _right_share,
)  # fmt: skip
judge(
    best_threshold, "all or nothing", _threshold,
    (_threshold_case("30 20 1- 00 -10"), _threshold_case("-1+ -2+ -3+ -4+"), _threshold_case("2- 1- 00 -10")),
    _THRESHOLDS, _TABLE, _right_share,
)  # fmt: skip


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
    score: Callable[[float, float], float] = lambda a, b: a * b, order: bool = True,
) -> tuple[int, int, int]:  # fmt: skip
    """The specification, and with other parts its mistakes: every span of every window."""
    tried: dict[tuple[int, int, int], float] = {}
    for number, logits in enumerate(found):
        seen, n = see(logits), len(logits)
        for i in range(lowest, n):
            for j in range(i if order else lowest, n):
                tried[number, i, j] = score(seen[i, 0], seen[j, 1])
    return max(tried, key=lambda key: tried[key])


def _within(found: Sequence[Any], number: int) -> tuple[int, int, int]:
    return (number, *_merged([found[number]])[1:])


_MERGED = (
    Wrong("raw logits", lambda w: _merged(w, see=np.asarray, score=lambda a, b: a + b),
          "logits of different windows are compared; each window has a scale of its own, and one that is sure of "
          "'not here' may still have the largest logits", "Make probabilities within each window (softmax over its "
          "tokens), then compare."),
    Wrong("one softmax for both ends", lambda w: _merged(w, see=lambda x: np.exp(x) / np.exp(x).sum()),
          "starts and ends share one softmax, so a window with one sharp end suppresses the other",
          "Two softmaxes a window: over the starts (column 0) and over the ends (column 1)."),
    Wrong("softmax over the two columns",
          lambda w: _merged(w, see=lambda x: np.exp(x) / np.exp(x).sum(1, keepdims=True)),
          "the softmax runs over start and end of one token, not over the tokens",
          "Normalise down the columns: `axis=0`."),
    Wrong("not here taken for an answer", lambda w: _merged(w, lowest=0), "token 0 is a candidate; it says 'the "
          "answer is not in this window'", "Leave token 0 out of the spans, but keep it in the softmax."),
    Wrong("not here left out of the softmax",
          lambda w: _merged(w, see=lambda x: np.vstack([np.zeros((1, 2)), _probabilities(x[1:])])),
          "token 0 is dropped before the softmax; then every window is equally sure that it has the answer",
          "Softmax over all tokens of the window; leave token 0 out afterwards."),
    Wrong("end before start", lambda w: _merged(w, order=False), "the last token may stand before the first",
          "Only spans whose start stands before or at their end."),
    Wrong("always the first window", lambda w: _within(w, 0), "only the first window is read, or `return` stands in "
          "the loop", "Go through all windows, then return."),
    Wrong("always the last window", lambda w: _within(w, len(w) - 1), "each window replaces the result of the one "
          "before", "Replace the best so far only if the new span is likelier."),
    Wrong("one end decides", lambda w: _merged(w, score=lambda a, b: a + b),
          "the two probabilities are added, so one sure end makes up for an impossible other",
          "Both ends must be right: multiply."),
)  # fmt: skip


def _window_case(*logits: list[list[float]]) -> Case:
    return Case(([np.array(window, dtype=float) for window in logits],), f"windows with (start, end) logits {list(logits)}")


_EACH = "Print for each window the probability of token 0 and that of its best span."
judge(
    merge, "windows of different scale", _merged,
    (
        _window_case([[12, 12], [9, 0], [0, 9]], [[0, 0], [6, 1], [1, 6]]),
        _window_case([[0, 0], [5, 1], [1, 5]], [[11, 11], [8, 0], [0, 8]]),
        _window_case([[3, 3], [4, 1], [1, 2]], [[1, 1], [2, 5], [6, 1]], [[2, 2], [3, 3.5], [0, 0]]),
    ),
    _MERGED, _EACH,
)  # fmt: skip
judge(
    merge, "all tokens, both ends", _merged,
    (
        _window_case([[0, 0], [10, 3], [0, 0]], [[0, 0], [2, 2], [0, 0]]),
        _window_case([[1, 0], [9, 0], [0, 0.5], [0, 1]], [[0, 0], [2, 1], [0, 2], [0, 0]]),
        _window_case([[4, 4], [5, 1], [1, 5]], [[0, 0], [2, 0], [0, 2]]),
        _window_case([[0, 0], [1, 6], [6, 1], [0, 2]], [[3, 3], [1, 1], [1, 1]]),
    ),
    _MERGED, _EACH,
)  # fmt: skip
