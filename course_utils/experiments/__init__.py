"""The comparisons behind every finding that a lesson states.

A lesson that says "with 128 labels the pre-trained model wins by more than fifteen
points" names a *claim*. A claim is an experiment that gives one number per seed, and
a bound that the mean must keep; the test suite runs all of them. `course measure`
runs the larger comparisons and writes the results that lessons plot.
"""

from . import (
    lesson_01,
    lesson_02,
    lesson_03,
    lesson_04,
    lesson_05,
    lesson_06,
    lesson_07,
    lesson_08,
    lesson_09,
    lesson_10,
    lesson_11,
    lesson_12,
)
from .runs import METHODS, Claim, encoded_task, fine_tune, scores
from .studies import RESULTS, STUDIES, TABLES, results, run_study

# One module a lesson; the names of claims begin with the lesson's number.
CLAIMS: dict[str, Claim] = {
    **lesson_01.CLAIMS,
    **lesson_02.CLAIMS,
    **lesson_03.CLAIMS,
    **lesson_04.CLAIMS,
    **lesson_05.CLAIMS,
    **lesson_06.CLAIMS,
    **lesson_07.CLAIMS,
    **lesson_08.CLAIMS,
    **lesson_09.CLAIMS,
    **lesson_10.CLAIMS,
    **lesson_11.CLAIMS,
    **lesson_12.CLAIMS,
}

__all__ = [
    "CLAIMS",
    "METHODS",
    "RESULTS",
    "STUDIES",
    "TABLES",
    "Claim",
    "encoded_task",
    "fine_tune",
    "results",
    "run_study",
    "scores",
]
