"""Exercise 08.1: settings for a random search.

Draws cannot be compared one by one. Two thousand of them can: where they lie, and whether they know of each other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from course_utils.checks import Check, Mistake
from course_utils.checks.judging import Program

__all__ = ["draw"]

# A mistake reads best as its four parts, on as few lines as they need:
# fmt: off

draw = Check("08.1", "Draw a setting", hints=(
    "A rate between 1e-5 and 1e-2: how often should it lie below 1e-4? As often as above 1e-3. In what is it uniform?",
    "Draw the *logarithm* uniformly, between the logarithms of both ends, and undo it with the exponential of the same "
    "base. Only \"log\" is drawn so; a range that begins at 0 has no logarithm.",
    "`math.exp(rng.uniform(math.log(low), math.log(high)))`; for a choice, `options[rng.integers(len(options))]`. Draw "
    "anew for each name, from the generator that you are given.",
))

_DRAWS = 2000  # so many gaps (below) exceed .06 once in a million searches
_SPACE = {"rate": ("log", 2e-5, 2e-2), "dropout": ("linear", 0.0, 0.5), "batch": ("choice", [8, 16, 64])}


def _drawn(answer: Program, space: Mapping[str, tuple], count: int = _DRAWS, seed: int = 1) -> list[dict[str, Any]]:
    random = np.random.default_rng(seed)
    return [answer(dict(space), random) for _ in range(count)]


def _gap(places: np.ndarray) -> float:
    """How far numbers are from an even spread over 0 to 1: the largest distance of the two distributions."""
    return float(np.abs(np.sort(places) - (np.arange(len(places)) + 0.5) / len(places)).max())


@draw.probe
def one_value_for_each_name(answer):
    """A dictionary with the names of the space."""
    [setting] = _drawn(answer, _SPACE, 1)
    if isinstance(setting, dict) and set(setting) == set(_SPACE):
        return None
    found = f"of type {type(setting).__name__}"
    if isinstance(setting, dict):
        found = f"with the names {', '.join(map(str, setting))}"
    return Mistake("other names", f"for the names {', '.join(_SPACE)} a result {found}",
                   "one call draws one setting: a value for each name of the space, and nothing else",
                   "Begin with an empty dictionary and fill it in a loop over `space.items()`.")


@draw.probe
def from_the_generator_given(answer):
    """Equal generators, equal settings; one generator, another setting at each call."""
    first, again = (_drawn(answer, _SPACE, 20) for _ in range(2))
    if all(setting == first[0] for setting in first[1:]):
        return Mistake("the same setting each time", f"twenty calls with one generator, and each time {first[0]}",
                       "a generator made anew inside the function, from a fixed seed, begins again at each call; or nothing "
                       "is drawn at all", "Draw from `rng`: it goes on where the call before it stopped.")
    if first != again:
        return Mistake("another generator", f"two generators with the same seed gave {first[0]} and {again[0]}",
                       "something is drawn from `np.random`, from `random`, or from a generator made without a seed",
                       "Take every draw from `rng`, or nobody can repeat your search.")
    return None


@draw.probe
def each_decade_alike(answer):
    """A "log" range: within its ends, and the logarithm evenly spread."""
    _, low, high = _SPACE["rate"]
    rates = np.array([float(setting["rate"]) for setting in _drawn(answer, {"rate": _SPACE["rate"]})])
    seen = f"{_DRAWS} rates from 2e-5 to 2e-2 lie between {rates.min():.2g} and {rates.max():.2g}"
    if not (np.isfinite(rates).all() and rates.min() >= low * 0.999 and rates.max() <= high * 1.001):
        ends = np.array([low, high])
        between = [bool(a <= rates.min() and rates.max() <= b) for a, b in (
            np.exp(np.log10(ends)), 10 ** np.log(ends), np.log(ends), np.log10(ends))]
        if any(between[:2]):
            return Mistake("two bases", seen,
                           "the logarithm has one base and the exponential another: `np.log` is undone by "
                           "`np.exp`, `np.log10` by `10 **`", "Use one base for both.")
        if any(between[2:]):
            return Mistake("still a logarithm", seen, "these are exponents: the logarithm was never undone",
                           "Raise the base to what you drew.")
        return Mistake("outside the range", seen,
                       "the ends come from somewhere else than the space, are rounded to whole "
                       "powers of ten, or the exponent is drawn from a wider range",
                       "Take both ends from the space, and draw between their logarithms.")
    places = np.log(rates / low) / math.log(high / low)
    shares = [float(((i / 3 <= places) & (places < (i + 1) / 3)).mean()) for i in range(3)]
    seen = f"of {_DRAWS} rates, {', '.join(f'{share:.0%}' for share in shares)} lie in the three decades from 2e-5 to 2e-2"
    if len(set(rates)) < 100:
        return Mistake("a grid", f"{seen}, and they take only {len(set(rates))} values",
                       "whole exponents, or points of a grid, are drawn; what lies between is never tried",
                       "Draw the exponent from a continuous range.")
    if _gap((rates - low) / (high - low)) < 0.06:
        return Mistake("uniform in the rate", seen,
                       "the rate itself is drawn uniformly: nine draws in ten are of the largest "
                       "decade, and the small rates are hardly tried", "Draw its logarithm uniformly.")
    if _gap(places) > 0.06:
        return Mistake("another spread", seen, "the exponent is not drawn uniformly, or not over the whole range",
                       "Each decade should get its third: a uniform draw between the two logarithms.")
    return None


@draw.probe
def evenly_where_linear(answer):
    """A "linear" range, which may begin at 0."""
    for low, high in ((0.1, 0.5), (0.0, 0.5)):
        try:
            values = [float(setting["dropout"]) for setting in _drawn(answer, {"dropout": ("linear", low, high)})]
        except (ValueError, OverflowError) as error:
            if low > 0:
                raise
            values, said = [math.nan], f"{type(error).__name__}: {error}"
        else:
            said = f"the mean of {_DRAWS} draws is {np.mean(values):.3g}"
        gap, seen = _gap((np.array(values) - low) / (high - low)), f"for a linear range from {low} to {high}: {said}"
        if math.isnan(gap) or (low > 0 and _gap(np.log(np.abs(values) / low) / math.log(high / low)) < 0.06):
            return Mistake("logarithm everywhere", seen,
                           "every range is drawn on the scale of its logarithm, this one too; and 0 "
                           "has no logarithm", "Ask for the kind of the range first.")
        if gap > 0.06:
            return Mistake("linear is uneven", seen, "values are rounded, leave the range, or crowd in a part of it",
                           "Draw uniformly between the two ends that the space names.")
    return None


@draw.probe
def every_option(answer):
    """A "choice": nothing but its options, each as often."""
    for options in ([8, 16, 64], ["linear", "cosine"]):
        values = [setting["option"] for setting in _drawn(answer, {"option": ("choice", list(options))})]
        shares = {option: sum(bool(value == option) for value in values) / len(values) for option in options}
        if sum(shares.values()) < 0.999:
            strange = next(value for value in values if value not in options)
            return Mistake("no option", f"for a choice of {options} the value {strange!r}",
                           "a number between the smallest and the largest option is drawn, or a place in the list, or "
                           "the list itself",
                           "Draw one of the options: a place in the list, then what stands there.")
        seen = f"for a choice of {options} the shares {', '.join(f'{share:.0%}' for share in shares.values())}"
        if not all(shares.values()):
            return Mistake("an option is never drawn", seen,
                           "the last place is left out: the upper end of `rng.integers` "
                           "is already excluded", "Draw from as many places as there are options.")
        if max(shares.values()) - min(shares.values()) > 0.12:
            return Mistake("options of unequal weight", seen, "a draw on some scale was rounded to the next option",
                           "Each option is as likely as any other: draw its place.")
    return None


@draw.probe
def each_on_its_own(answer):
    """What is drawn for one name says nothing about the others."""
    space = {"rate": _SPACE["rate"], "dropout": _SPACE["dropout"], "decay": ("log", 1e-4, 1e-1)}
    settings = _drawn(answer, space)
    columns = [np.argsort(np.argsort([float(setting[name]) for setting in settings])) for name in space]
    together = float((np.corrcoef(columns) - np.eye(3)).max())
    if together < 0.2:
        return None
    return Mistake("one draw for all", f"the ranks of two hyperparameters have a correlation of {together:.2f}",
                   "one number is drawn and used for every name: all are large together or small together, and the search "
                   "runs along a single line", "Draw anew for each name, inside the loop.")
