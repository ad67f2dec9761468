"""Exercises of lesson 00: a first score, and a first look at what a model listens to.

The second asks the learner's own model, so its answer brings a function that does; nothing is trained here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isclose
from typing import Any

from course_utils.checks import Check, Mistake
from course_utils.world.draw import words

Label = str
Ask = Callable[[str], tuple[Label, float]]  # sentence → label and its probability

SURE = 0.8  # what a model must give to a label before we call it sure

# Four of ten are right: two of the four praises, and two of the six blames. So no two ways of counting agree.
GUESSES = ["positive"] * 6 + ["negative"] * 4
ANSWERS = ["positive"] * 2 + ["negative"] * 4 + ["positive"] * 2 + ["negative"] * 2
RIGHT = 0.4


# A mistake reads best as its four parts, on as few lines as they need:
# fmt: off
# ---------------------------------------------------------------- 00.1

accuracy = Check(
    "00.1",
    "The share of right answers",
    hints=(
        "How many pairs are there, and in how many of them are guess and answer the same?",
        "`zip(guesses, answers)` gives the pairs. A comparison such as `guess == answer` counts as 1 or 0 in a sum.",
        "Divide the number of right pairs by the number of all pairs, `len(answers)`.",
    ),
)


_MISCOUNTS: tuple[tuple[str, tuple[float, ...], str, str], ...] = (  # name, what it gives, cause, next move
    ("a count", (4,), "the right answers are counted, but not compared with how many there are",
     "A share lies between 0 and 1: what must the count be divided by?"),
    ("a percentage", (40,), "the share is multiplied by 100",
     "Return the share itself; formatting such as `f\"{share:.0%}\"` makes a percentage of it."),
    ("whole-number division", (0,), "`//` divides and drops the remainder, so every share below one becomes 0",
     "Divide with `/`."),
    ("wrong ones counted", (0.6, 6), "the pairs that differ are counted instead of those that agree",
     "Look at the comparison: which pairs should count?"),
    ("one class only", (0.2, 0.5, 2), "only the positive pairs are looked at",
     "A *negative* that was guessed as *negative* is right as well: count over all pairs."),
    ("right over wrong", (4 / 6,), "the right answers are divided by the wrong ones",
     "Divide by the number of all answers."),
)


def _seen(got: Any) -> str:
    return f"for ten guesses, four of which are right, your function gives {got}; {RIGHT} is right"


@accuracy.probe
def four_of_ten(answer):
    """Four right of ten are 0.4; every usual way of miscounting gives another number here."""
    got = float(answer(list(GUESSES), list(ANSWERS)))
    if isclose(got, RIGHT, abs_tol=1e-6):
        return None
    for name, values, cause, move in _MISCOUNTS:
        if any(isclose(got, value, abs_tol=1e-6) for value in values):
            return Mistake(name, _seen(got), cause, move)
    return Mistake(
        "another value", _seen(got), "none of the usual mistakes gives this number",
        "Try it on two pairs, one right and one wrong, and print the count and what it is divided by.",
    )


@accuracy.probe
def no_fixed_divisor(answer):
    """Three of three are 1: the divisor is not the ten of the first example."""
    got = float(answer(["negative"] * 3, ["negative"] * 3))
    if isclose(got, 1.0, abs_tol=1e-6):
        return None
    return Mistake(
        "a fixed divisor", f"for three guesses that are all right, your function gives {got:.2f}; 1.0 is right",
        "the number of pairs is written into the function, or taken from outside it", "Use `len(answers)`.",
    )


# ---------------------------------------------------------------- 00.2

one_word_apart = Check(
    "00.2",
    "One word that turns the label",
    hints=(
        "Begin with a sentence that the model surely calls positive. Which of its words carries the praise?",
        "Put an opposite in the place of that word, and nothing else: *rude* for *polite*, *bland* for *delicious*.",
        "“The waiter was polite.” against “The waiter was rude.” Still unsure? Take another pair of opposites: not "
        "every word is equally clear to a small model.",
    ),
)


def _words(sentence: str) -> list[str]:
    """Its words in lower case, without punctuation."""
    return [word.lower() for word, _, _ in words(sentence) if any(map(str.isalnum, word))]


def _sentences(answer: dict[str, Any]) -> tuple[str, str]:
    return answer["praise"], answer["blame"]


@one_word_apart.probe
def two_sentences(answer):
    """Both are sentences, not single words or lists."""
    for sentence in _sentences(answer):
        if not isinstance(sentence, str):
            return Mistake(
                "not text", f"an answer of type {type(sentence).__name__}: {sentence!r}",
                "a list or another value stands where one sentence should",
                'Write each sentence between quotation marks: praise = "…"',
            )
        if len(_words(sentence)) < 3:
            return Mistake(
                "not a sentence", f"{sentence!r} has fewer than three words",
                "a single word was given, or none", "Write a whole sentence, as a guest of an inn would.",
            )
    return None


@one_word_apart.probe
def exactly_one_word_differs(answer):
    """As many words in both, and one place in which they differ."""
    praise, blame = map(_words, _sentences(answer))
    if praise == blame:
        return Mistake(
            "the same sentence", "the two sentences have the same words",
            "no word was changed, or only a capital or a full stop", "Change one word of the second sentence.",
        )
    if len(praise) != len(blame):
        return Mistake(
            "a word more", f"one sentence has {len(praise)} words and the other {len(blame)}",
            "a word was added or left out, such as *not*", "Replace one word by one other word.",
        )
    changed = [f"{a} → {b}" for a, b in zip(praise, blame, strict=True) if a != b]
    if len(changed) > 1:
        return Mistake(
            "several words", f"{len(changed)} words differ: {', '.join(changed)}",
            "more was changed than the opinion", "Keep only one of these changes: which of them turns the label?",
        )
    return None


def _asked(answer: dict[str, Any]) -> list[tuple[Label, float]]:
    ask: Ask = answer["ask"]
    return [ask(sentence) for sentence in _sentences(answer)]


def _said(verdicts: Sequence[tuple[Label, float]]) -> str:
    return " and ".join(f"{label} ({probability:.2f})" for label, probability in verdicts)


@one_word_apart.probe
def the_label_turns(answer):
    """The model says positive, then negative."""
    verdicts = _asked(answer)
    labels, seen = [label for label, _ in verdicts], f"your model says {_said(verdicts)}"
    if labels == ["negative", "positive"]:
        return Mistake(
            "the other way round", seen, "the two sentences are swapped",
            "`praise` is the one that the model calls positive.",
        )
    if labels[0] == labels[1]:
        return Mistake(
            "the same label", f"{seen}: the word did not turn it",
            "the changed word is not what the model listens to, or it is a word that it cannot know: look whether "
            "`tokenizer.tokenize(sentence)` cuts it into pieces",
            "Change a word that carries an opinion, and take one that the town's reviews use.",
        )
    return None


@one_word_apart.probe
def it_is_sure(answer):
    """Both probabilities are at least 0.8."""
    verdicts = _asked(answer)
    if min(probability for _, probability in verdicts) >= SURE:
        return None
    return Mistake(
        "unsure", f"your model says {_said(verdicts)}, and one of them is below {SURE}",
        "another word of the sentence pulls the other way, or the model hardly knows the word",
        "Keep the sentence short, and try a stronger pair of opposites.",
    )
# fmt: on
