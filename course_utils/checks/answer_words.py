"""Exercises 11.4 and 11.5, the scores of lesson 11: when two answers are the same, and when they are partly so."""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from course_utils.checks import Check
from course_utils.checks.judging import Case, Program, Wrong, judge

# A mistake reads best as its parts, on as few lines as they need:
# fmt: off

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


def _no_articles(text: str) -> str:
    return _ARTICLE.sub(" ", text)


def _normal(text: str) -> str:
    """The specification: step by step."""
    return _words(_no_articles(_bare(text.lower())))


def _letters_only(text: str) -> str:
    return "".join(c for c in text if not unicodedata.category(c).startswith("P"))


def _articles_anywhere(text: str) -> str:
    for article in ("the", "an", "a"):
        text = text.replace(article, "")
    return text


def _keeps_article(got: Any, right: str) -> bool:
    return isinstance(got, str) and bool(_ARTICLE.search(got)) and _words(_no_articles(got)) == right


_NORMALS = (
    Wrong("case kept", lambda t: _words(re.sub(r"(?i)\b(a|an|the)\b", " ", _bare(t))), "capitals stay", "Put the "
          "text into lower case first.", lambda got, right: str(got).lower() == right),
    Wrong("case never changed", lambda t: _words(_no_articles(_bare(t))), "capitals stay, and so do articles with "
          "one", "Begin with lower case: every later step counts on it."),
    Wrong("capital articles stay", lambda t: _words(_no_articles(_bare(t)).lower()), "articles are looked for in "
          "lower case while the text still has capitals", "Put the text into lower case before you look for "
          "articles."),
    Wrong("only lower case", str.lower, "lower case is done; three steps are still to do", "Next: delete every "
          "character of `string.punctuation`."),
    Wrong("punctuation kept", lambda t: _words(_no_articles(t.lower())), "punctuation stays", "Take out every "
          "character of `string.punctuation`."),
    Wrong("punctuation kept inside", lambda t: _words(_no_articles(t.lower().strip(string.punctuation))),
          "punctuation is taken off the ends, and stays within", "Delete it wherever it stands."),
    Wrong("articles inside words", lambda t: _words(_articles_anywhere(_bare(t.lower()))), "the letters of articles "
          "are taken out of other words, too", r"Match whole words: `\b` in a regular expression is the edge of a "
          r"word."),
    Wrong("only the first article", lambda t: _words(re.sub(r"^(a|an|the)\b", " ", _bare(t.lower()))), "an article "
          "is taken out at the beginning only", "Take articles out wherever they stand."),
    Wrong("articles kept", lambda t: _words(_bare(t.lower())), "an article stays", "Take out all three words, 'the', "
          "'a' and 'an'.", _keeps_article),
    Wrong("a list of words", lambda t: _normal(t).split(), "the words are right, but they are a list", "Join them by "
          "one space.", lambda got, right: got == tuple(right.split())),
    Wrong("articles before punctuation", lambda t: _words(_bare(_no_articles(t.lower()))), "articles go first, and "
          "the 'a' of 'a.m.' looks like one while its full stop is there", "Take out punctuation first, articles "
          "after it."),
    Wrong("punctuation becomes a space", lambda t: _words(_no_articles(_bare(t.lower(), " "))), "a space is left "
          "where punctuation was, so one word becomes two", "Replace punctuation by nothing at all."),
    Wrong("spaces left", lambda t: _no_articles(_bare(t.lower())), "the words are right; where something was taken "
          "out, spaces are left over", "End with single spaces, and none at either end: split, then join.",
          lambda got, right: str(got).split() == right.split()),
    Wrong("articles glued", lambda t: _words(_ARTICLE.sub("", _bare(t.lower())).replace("  ", "")), "the words on "
          "either side of an article grow together", "Replace an article by a space, then tidy up."),
    Wrong("punctuation of every script", lambda t: _words(_no_articles(_letters_only(t.lower()))), "more is taken "
          "out than the rules say: curly quotes and long dashes stay in them", "Take out the 32 characters of "
          "`string.punctuation` and no others: a score is comparable only if everyone keeps the same rules."),
)


def _text_cases(*texts: str) -> tuple[Case, ...]:
    return tuple(Case((text,), repr(text)) for text in texts)


judge(
    normalise, _normal,
    {
        "case, articles, punctuation": _text_cases("The Old Bridge.", "an Apple, a Day"),
        "whole words": _text_cases("theatre and banana", "in the lane"),
        "the order of the steps": _text_cases("8 a.m.", "ice-cream", "the-end"),
        "what stays": _text_cases("“Oslo”", "the", "", "  2,000  ships "),
    },
    _NORMALS, "Print the text after each of your steps; at the end it is one text, not a list of words.",
)


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


def _f1(given: str, accepted: Sequence[str], common: Callable[[list, list], float] | None = None,
        value: Callable[[float, int, int], float] = lambda c, g, w: 2 * c / (g + w),
        over: Callable[[list[float]], float] = max, empty: Callable[[list, list], float] = lambda g, w: float(g == w),
        prepare: Callable[[str], list] = lambda text: _normal(text).split()) -> float:
    def one(text: str) -> float:
        words, wanted = prepare(given), prepare(text)
        if not words or not wanted:
            return empty(words, wanted)
        shared = common(words, wanted) if common else (Counter(words) & Counter(wanted)).total()
        return value(shared, len(words), len(wanted))

    return over([one(text) for text in accepted])


def _f1_but(**other: Any) -> Program:
    return lambda given, accepted: _f1(given, accepted, **other)


def _mixed_sides(given: str, accepted: Sequence[str]) -> float:
    """The best precision and the best recall, each from whatever answer has it."""
    best = [_f1(given, accepted, value=part) for part in (lambda c, g, w: c / g, lambda c, g, w: c / w)]
    return 2 * best[0] * best[1] / sum(best) if sum(best) else 0.0


def _each_side(given: str, accepted: Sequence[str]) -> float:
    def one(words: list, wanted: list) -> float:
        if not words or not wanted:
            return float(words == wanted)
        p, r = (sum(word in b for word in a) / len(a) for a, b in ((words, wanted), (wanted, words)))
        return 2 * p * r / (p + r) if p + r else 0.0

    return max(one(_normal(given).split(), _normal(text).split()) for text in accepted)


_F1S = (
    Wrong("words counted once", _f1_but(common=lambda a, b: len(set(a) & set(b))), "a set holds a word once, however "
          "often it stands in the answer", "Count words with `Counter`, and keep the smaller count."),
    Wrong("sets on both sides", _f1_but(prepare=lambda text: list(dict.fromkeys(_normal(text).split()))), "both "
          "answers are made into sets, so repeated words vanish from the counts as well", "Keep lists: their lengths "
          "count in precision and recall."),
    Wrong("counted as often as given", _f1_but(common=lambda a, b: sum(word in b for word in a)), "a word that is "
          "given twice counts twice, though it is wanted once", "Each word may match as often as it stands in both: "
          "`Counter(a) & Counter(b)`."),
    Wrong("counted on each side", _each_side, "each side asks which of its words occur in the other, so one word may "
          "match several", "One count for both: a word matches as often as it stands in both."),
    Wrong("precision alone", _f1_but(value=lambda c, g, w: c / g), "common words are divided by those given, so one "
          "right word would be perfect", "Take into account how many words were wanted, too."),
    Wrong("recall alone", _f1_but(value=lambda c, g, w: c / w), "common words are divided by those wanted, so the "
          "whole passage would be a perfect answer", "Take into account how many words were given, too."),
    Wrong("a plain mean", _f1_but(value=lambda c, g, w: (c / g + c / w) / 2), "F1 is the harmonic mean of precision "
          "and recall, and this is the plain one", "2 · precision · recall / (precision + recall)."),
    Wrong("not doubled", _f1_but(value=lambda c, g, w: c / (g + w)), "the factor 2 is missing", "F1 of equal answers "
          "is 1: try it."),
    Wrong("common over all", _f1_but(value=lambda c, g, w: c / (g + w - c)), "common words are divided by all words "
          "of both (the Jaccard index), which is less than F1", "Twice the common words, over the two lengths "
          "added."),
    Wrong("not normalised", _f1_but(prepare=str.split), "words are compared with their capitals and punctuation",
          "Normalise both answers first."),
    Wrong("letters", _f1_but(prepare=lambda text: list(_normal(text))), "letters are compared, not words", "Split "
          "the normalised text into words."),
    Wrong("the mean over answers", _f1_but(over=lambda values: sum(values) / len(values)), "the scores against all "
          "accepted answers are averaged, so a question with many answers cannot be won", "It is enough to match one "
          "of them: take the best."),
    Wrong("only the first answer", _f1_but(over=lambda values: values[0]), "only the first accepted answer is looked "
          "at, or `return` stands inside the loop", "Score all accepted answers, then return the best."),
    Wrong("only the last answer", _f1_but(over=lambda values: values[-1]), "each accepted answer replaces the score "
          "of the one before", "Keep the best score."),
    Wrong("sides from two answers", _mixed_sides, "precision comes from one accepted answer and recall from another",
          "Finish F1 for each accepted answer; take the largest of these."),
    Wrong("nothing for nothing", _f1_but(empty=lambda g, w: 0.0), "an empty answer gets 0 though none was wanted: "
          "refusing rightly must count as right", "If one side has no words, F1 is 1 if the other has none either, "
          "and else 0."),
    Wrong("nothing is always right", _f1_but(empty=lambda g, w: 1.0), "an empty answer gets 1 though one was wanted",
          "If one side has no words, F1 is 1 only if neither has."),
    Wrong("a percentage", lambda given, accepted: 100 * _f1(given, accepted), "the score is multiplied by 100",
          "Return a share between 0 and 1, as the course does everywhere."),
)


def _f1_cases(*cases: tuple[str, list[str]]) -> tuple[Case, ...]:
    return tuple(Case(case, f"{case[0]!r} where {case[1]!r} is accepted") for case in cases)


judge(
    word_f1, _f1,
    {
        "one answer": _f1_cases(
            ("in old Oslo", ["Oslo city"]), ("Anna", ["Anna Berg of Oslo"]), ("The Bridge.", ["bridge"])),
        "repeated words": _f1_cases(("red red car", ["red car red red"]), ("so so hot", ["so far"])),
        "several answers": _f1_cases(
            ("Oslo", ["in Oslo", "Bergen", "Oslo"]), ("Anna Berg", ["Anna Berg", "Anna", "no"]),
            ("Anna Berg", ["Anna", "Anna Berg of Oslo"]),
        ),
        "no answer": _f1_cases(("", [""]), ("", ["Oslo"]), ("Oslo", [""]), ("the", ["Oslo"])),
    },
    _F1S, "Count by hand: words given, words wanted, words in common.",
)
