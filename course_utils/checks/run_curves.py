"""Exercises of lesson 08 that read curves: a range test, when to stop, which run to give up, what to do next.

`ask` compares an answer with a slow specification on small cases, and with what usual mistakes, written out as programs,
do on the same cases (`judging.judge`).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from course_utils.checks import Check, Mistake
from course_utils.checks.judging import Case, Program, Wrong, judge
from course_utils.checks.witnesses import same

__all__ = ["ask", "hopeless", "next_moves", "range_curve", "stop_early", "suggest_rate", "tuning_runs"]

# A mistake reads best as its four parts, on as few lines as they need:
# fmt: off


def _alike(a: Any, b: Any) -> bool:
    """What `same` says, sooner for plain numbers and words."""
    if type(a) is not type(b):
        return same(a, b)
    return math.isclose(a, b, rel_tol=1e-3, abs_tol=1e-6) if isinstance(a, float) else bool(a == b)


def _near(spec: Program) -> Program:
    """A view: numbers that differ from those of `spec` by rounding alone are taken for them."""
    def view(result: Any, *args: Any) -> Any:
        right = spec(*args)
        if isinstance(right, tuple):
            return tuple(b if _alike(a, b) else a for a, b in zip(result, right, strict=True))
        return right if _alike(result, right) else result

    return view


def _shown(value: Any) -> str:
    """What a learner reads of a result: without tensors, and with four digits."""
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, tuple | list):
        return f"({', '.join(map(_shown, value))})"
    return f"{value:.4g}" if isinstance(value, float) else repr(value)


def ask(
    check: Check, spec: Program, wrongs: Sequence[Wrong], otherwise: str, properties: Mapping[str, Sequence[Case]]
) -> None:
    """A probe for each property: an answer gives what `spec` gives, but for rounding."""
    judge(check, spec, properties, wrongs, otherwise, view=_near(spec), seen=lambda result, got, right, case: (
        f"for {case.words} your answer is {_shown(result)}, where {_shown(spec(*case.args))} is right"))


# ---------------------------------------------------------------- 08.2

suggest_rate = Check("08.2", "Read a range test", hints=(
    "Where the loss is lowest, the rate is already too high to train with: one moment later it rises. Where does it fall "
    "fastest?",
    "In this order: keep what comes before the lowest loss; average each loss with some on *both* sides; take differences "
    "of neighbours. Rates grow by a factor, so neighbours are equally far apart on the scale of the logarithm.",
    "`np.diff(smooth).argmin()` is the place of the steepest fall. `np.nanargmin` passes over losses that are not numbers.",
))


def range_curve(
    steepest: float = 3e-4, *, noise: float = 0.0, swings: float = 0.0, broken: int = 0, early: bool = False,
    steps: int = 120,
) -> tuple[list[float], list[float]]:
    """A learning-rate range test: rates from 1e-7 to 10 in equal factors, and the loss at each.

    The loss falls fastest at `steepest` and explodes 1.7 decades later: smoothly, or with `swings`. The last `broken`
    losses are nan. With `early`, most of the fall comes before, and gently.
    """
    x, fall, width = np.linspace(-7, 1, steps), *((0.5, 0.15) if early else (1.4, 0.35))
    over = np.maximum(x - math.log10(steepest) - 1.7, 0)  # decades into the explosion
    loss = 2.2 - fall / (1 + np.exp((math.log10(steepest) - x) / width)) - 0.2 * early * (x + 7)
    loss += 6 * over**2 * (1 + swings * np.cos(9 * over)) + noise * np.random.default_rng(1034).normal(size=steps)
    loss[steps - broken :] = math.nan
    return (10**x).tolist(), loss.tolist()


Smoothing = Callable[[np.ndarray], np.ndarray]


def _averaged(before: int, after: int) -> Smoothing:
    return lambda losses: np.array([losses[max(0, i - before) : i + after + 1].mean() for i in range(len(losses))])


def _running(beta: float) -> Smoothing:
    return lambda losses: pd.Series(losses).ewm(alpha=1 - beta).mean().to_numpy()


_EVENLY = _averaged(4, 4)


def _steepest(smooth: Smoothing = _EVENLY, cut: bool = True, slope: Program = lambda s, r: np.diff(s)) -> Program:
    """The rate at which the steepest step begins."""
    def program(rates: Sequence[float], losses: Sequence[float]) -> float:
        values, of = np.array(losses), np.array(rates)
        values = values[: int(np.nanargmin(values)) + 1] if cut else values[np.isfinite(values)]
        return float(of[slope(smooth(values), of[: len(values)]).argmin()])

    return program


def _convolved(window: int, mode: Any) -> Smoothing:
    return lambda losses: np.convolve(losses, np.ones(window) / window, mode)


def _as_it_is(losses: np.ndarray) -> np.ndarray:
    return losses


def _at_lowest(share: float) -> Program:
    return lambda rates, losses: rates[int(np.nanargmin(losses))] * share


def _half_way(rates: Sequence[float], losses: Sequence[float]) -> float:
    half = (losses[0] + min(loss for loss in losses if math.isfinite(loss))) / 2
    return next(rate for rate, loss in zip(rates, losses) if loss < half)


_steep = _steepest()
_RATES = (
    Wrong("the lowest loss", _at_lowest(1),
          "this is where the loss is lowest: the last rate before it explodes, too high for a whole run",
          "Look for the steepest fall, not for the lowest point."),
    Wrong("the lowest loss, divided", _at_lowest(0.1),
          "a tenth of the rate with the lowest loss is a rule of thumb; how far the fall lies before the lowest point "
          "differs from curve to curve", "Look for the steepest fall itself.",
          others=(_at_lowest(0.25), _at_lowest(1 / 3))),
    Wrong("half of the fall", _half_way,
          "this is where half of the fall is done; most of a curve may come down gently, long before the steep part",
          "Take differences of neighbours, and look for the largest fall among them."),
    Wrong("not smoothed", _steepest(_as_it_is),
          "from one batch to the next the loss jumps further than it falls, so the largest fall between neighbours is "
          "noise", "Smooth the losses before you take differences.",
          others=(_steepest(_as_it_is, slope=lambda s, r: np.gradient(s)), _steepest(_as_it_is, cut=False),
                  _steepest(_as_it_is, cut=False, slope=lambda s, r: np.gradient(s)))),
    Wrong("the average lags", _steepest(_running(0.9)),
          "a running average looks back only: it comes down some steps after the loss does, and each step raises the "
          "rate", "Average over as many steps after as before.",
          others=(*(_steepest(_running(beta)) for beta in (0.7, 0.8, 0.95, 0.98)), _steepest(_averaged(15, 0)),
                  _steepest(_averaged(19, 0)))),
    Wrong("slope per rate", _steepest(slope=lambda s, r: np.diff(s) / np.diff(r)),
          "the fall is divided by the difference of the rates, which is tiny where rates are small; that end then "
          "always seems the steepest", "Measure the fall per step, that is per factor of the rate.",
          others=(_steepest(slope=np.gradient), _steepest(_as_it_is, slope=np.gradient),
                  _steepest(_as_it_is, slope=lambda s, r: np.diff(s) / np.diff(r)))),
    Wrong("steepest rise", _steepest(cut=False, slope=lambda s, r: -np.diff(s)),
          "the loss *rises* fastest here: a fall is a negative difference",
          "Take the smallest difference, not the largest.",
          symptom=lambda got, right: got == "beyond, a rise"),
    Wrong("after the explosion", _steepest(cut=False),
          "after the loss has exploded it swings, and falls further than it ever did before",
          "Leave out all that comes after the lowest loss, first of all.",
          symptom=lambda got, right: got == "beyond, a fall"),
    Wrong("zeros at the ends", _steepest(_convolved(9, "same")),
          "`np.convolve(…, \"same\")` puts zeros around the losses, so the average plunges at both ends",
          "Average over fewer losses at the ends, or leave the ends out and count on from there.",
          others=tuple(_steepest(_convolved(n, "same")) for n in (3, 5, 7, 10, 11, 13, 15, 20, 21))),
    Wrong("shifted by the smoothing", _steepest(_convolved(9, "valid")),
          "the smoothed list begins some steps later than the rates, and the two were read side by side",
          "Add half of the window to the place, or keep the ends.",
          others=tuple(_steepest(_convolved(n, "valid")) for n in (5, 7, 8, 10, 11, 13, 15, 20, 21, 31))),
    Wrong("not a number won", lambda rates, losses: rates[int(np.argmin(losses))],
          "`np.argmin` takes nan for the smallest of all",
          "Leave out losses that are not numbers before you look for the smallest.",
          symptom=lambda got, right: got == "beyond, with nan"),
    Wrong("a place, not a rate", lambda rates, losses: int(np.nanargmin(losses)),
          "the number of the step came back", "Return the rate of that step.",
          symptom=lambda got, right: got == "a step"),
    Wrong("a logarithm, not a rate", lambda rates, losses: math.log10(_steep(rates, losses)),
          "the answer is not above 0: the logarithm of a rate, or a slope", "Return the rate itself.",
          symptom=lambda got, right: got == "a logarithm"),
    Wrong("a loss, not a rate", lambda rates, losses: float(np.nanmin(losses)),
          "this is one of the losses", "Return the rate of that step.", symptom=lambda got, right: got == "a loss"),
)


def _where(rate: Any, rates: Sequence[float], losses: Sequence[float]) -> Any:
    """A rate as it is compared: within a factor of 1.7 it is the right one."""
    value, right = float(rate), _steep(rates, losses)
    if value > rates[-1] * 1.05:
        return "a step"
    if value <= 0 or value in losses:
        return "a logarithm" if value <= 0 else "a loss"
    if value > 2 * rates[int(np.nanargmin(losses))]:
        at = max(i for i, one in enumerate(rates) if one <= value * 1.01)
        smooth = _EVENLY(np.array(losses))  # as the answer saw it, near enough
        rises = np.diff(smooth, append=smooth[-1])[at] > 0
        return "beyond, with nan" if math.isnan(losses[-1]) else "beyond, a rise" if rises else "beyond, a fall"
    return right if abs(math.log10(value / right)) < math.log10(1.7) else round(math.log10(value), 1)


judge(
    suggest_rate, _steep,
    {
        "a smooth curve": [Case(range_curve(), "a smooth curve")],
        "few steps": [Case(range_curve(1e-3, steps=50), "a test of 50 steps")],
        "a gentle fall first": [Case(range_curve(2e-2, early=True), "a curve that falls gently at first")],
        "a noisy curve": [Case(range_curve(noise=0.04), "a noisy curve")],
        "swings after the explosion": [Case(range_curve(1e-4, swings=0.9), "a loss that swings after it has exploded")],
        "losses that are nan": [Case(range_curve(1e-3, swings=0.9, broken=12), "a curve whose last losses are nan")],
    },
    _RATES, "Plot the smoothed curve over the rate on a logarithmic axis, and mark your answer.", view=_where,
    seen=lambda result, got, right, case: (
        f"for {case.words} your answer is {float(result):.3g}; the loss falls fastest near {_steep(*case.args):.1g}"),
)


# ---------------------------------------------------------------- 08.3

stop_early = Check("08.3", "Stop in time", hints=(
    "Three things to remember from one evaluation to the next: the best score, where it was, how many have passed since.",
    "A better score sets the count back to 0; anything else, an equal score or nan too, adds 1. Stop when the count "
    "reaches `patience`.",
    "No comparison with nan is ever true. So a number is better if the best so far is nan, or if it exceeds it: turn "
    "losses round (`-score`) and one comparison serves both directions.",
))


def _stopping(
    better: Program = lambda score, best: score > best or (math.isnan(best) and not math.isnan(score)),
    allowed: Program = lambda patience: patience, forgive: bool = True, previous: bool = False,
    result: Program = lambda best, last, signed: (best, last), start: float | None = None,
    more: Program = lambda more_is_better: more_is_better,
) -> Program:
    """Early stopping, whose questions can be asked wrongly; scores are turned round where less is better."""
    def program(scores: Sequence[float], patience: int, more_is_better: bool) -> Any:
        signed = [score if more(more_is_better) else -score for score in scores]
        best, top, waited, last = 0, math.nan if start is None else start, 0, 0
        for last, score in enumerate(signed):
            if (last == 0 and start is None) or better(score, top):
                best, top, waited = last, score, 0 if forgive else waited
            else:
                waited += 1
                top = score if previous else top
            if waited >= allowed(patience):
                break
        return result(best, last, signed)

    return program


def _best_of_all(scores: Sequence[float], patience: int, more: bool) -> Any:
    best = int(np.nanargmax(scores) if more else np.nanargmin(scores))
    return best, min(best + patience, len(scores) - 1)


def _first_counted(scores: Sequence[float], patience: int, more: bool) -> Any:
    best = waited = last = 0
    for last, score in enumerate(scores):  # the first is no better than itself
        better = score > scores[best] if more else score < scores[best]
        best, waited = (last, 0) if better else (best, waited + 1)
        if waited >= patience:
            break
    return best, last


def _stopping_without_nan(scores: Sequence[float], patience: int, more: bool) -> Any:
    kept = [i for i, score in enumerate(scores) if not math.isnan(score)]
    return tuple(kept[at] for at in _stopping()([scores[i] for i in kept], patience, more))


_STOPS = (
    Wrong("direction ignored", _stopping(more=lambda more: True),
          "more is taken for better whatever `more_is_better` says; a loss then stops where it is worst",
          "Ask `more_is_better` which of two scores is the better one.",
          others=(_stopping(more=lambda more: False), _stopping(more=lambda more: not more))),
    Wrong("one evaluation too many", _stopping(allowed=lambda patience: patience + 1),
          "the count is compared by `>`, or before it is raised",
          "Stop as soon as `patience` evaluations have passed without a better one."),
    Wrong("one evaluation too few", _stopping(allowed=lambda patience: patience - 1),
          "the best evaluation itself was counted as one without a better one",
          "Begin to count with the one after it.", others=(_first_counted,)),
    Wrong("never set back", _stopping(forgive=False),
          "evaluations without improvement are added up over the whole run",
          "A better score sets the count back to 0."),
    Wrong("compared with the one before", _stopping(previous=True),
          "each score is compared with the evaluation before it; a slow rise after a fall then counts as progress",
          "Compare with the best so far.",
          others=(_stopping(previous=True, result=lambda best, last, s: (int(np.nanargmax(s[: last + 1])), last)),)),
    Wrong("an equal score is better", _stopping(better=lambda score, best: score >= best or math.isnan(best)),
          "`>=` takes a score that only equals the best for progress, and a curve that stands still never stops",
          "Use `>`, or `<` for a loss."),
    Wrong("looked into the future", _stopping(result=lambda best, last, s: (int(np.nanargmax(s)), last)),
          "the best of *all* scores is returned, one that comes after the stop: nobody would have seen it",
          "Look no further than the evaluation at which you stop.", others=(_best_of_all,)),
    Wrong("the last, not the best", _stopping(result=lambda best, last, s: (last, last)),
          "the first number is where the run stopped; by then the weights are `patience` evaluations past their best",
          "Remember where the best score was."),
    Wrong("the wrong way round", _stopping(result=lambda best, last, s: (last, best)),
          "the last evaluation stands first", "Return the best, then the last."),
    Wrong("counted from 1", _stopping(result=lambda best, last, s: (best + 1, last + 1)),
          "evaluations are counted from 1", "Count from 0, so that `scores[best]` is the best score."),
    Wrong("the last is a length", _stopping(result=lambda best, last, s: (best, last + 1)),
          "the second number is how many evaluations were run, not the last of them",
          "Return the place of the last evaluation in the list."),
    Wrong("a score, not a place", _stopping(result=lambda best, last, s: (abs(s[best]), last)),
          "the best score came back", "Return its place in the list."),
    Wrong("nan stays the best", _stopping(better=lambda score, best: score > best),
          "the first score became the best though it was nan, and no number is ever better than nan",
          "A number is better than nan."),
    Wrong("nan is better", _stopping(better=lambda score, best: not score <= best),
          "`not score <= best` is true for nan, so a broken evaluation becomes the best",
          "Ask whether the score is better, not whether it is no worse."),
    Wrong("begins at 0", _stopping(better=lambda score, best: score > best, start=0.0),
          "the best so far begins at 0, which no loss falls below and no negative score exceeds",
          "Begin with the first score, or with an infinity.",
          others=(_stopping(better=lambda score, best: score > max(best, 0.0)),)),
    Wrong("nan is not counted", _stopping_without_nan,
          "evaluations that gave nan are left out, so a broken run goes on for longer",
          "An evaluation that gives nan is one without a better score: count it."),
)


def _stop(scores: list[float], patience: int, more: bool) -> Case:
    return Case((scores, patience, more), f"scores {scores} with patience {patience} and more_is_better={more}")


ask(
    stop_early, _stopping(), _STOPS, "Write best, place and count below each score, and find the first that differs.",
    {
        "accuracy": [_stop([0.6, 0.7, 0.69, 0.72, 0.71, 0.68, 0.65, 0.9], 2, True),
                     _stop([0.5, 0.4, 0.6, 0.5, 0.7, 0.6, 0.65, 0.8], 3, True)],
        "a loss": [_stop([0.9, 0.7, 0.6, 0.8, 0.9, 0.3], 2, False), _stop([0.5, 0.6, 0.7], 1, False)],
        "a slow rise after a fall": [_stop([0.9, 0.5, 0.6, 0.7, 0.8], 3, True)],
        "scores that stand still": [_stop([0.7, 0.8, 0.8, 0.8, 0.8, 0.9], 3, True), _stop([0.4, 0.4, 0.4, 0.3], 2, False)],
        "no reason to stop": [_stop([0.5, 0.6, 0.7, 0.65], 2, True), _stop([0.7], 1, False)],
        "negative scores": [_stop([-0.5, -0.2, -0.3, -0.1, -0.4, -0.4], 2, True)],
        "nan in the middle": [_stop([0.6, math.nan, 0.5, 0.7], 2, True),
                              _stop([0.6, 0.5, math.nan, math.nan, 0.4], 2, False),
                              _stop([0.6, math.nan, 0.7, math.nan, 0.65, 0.9], 2, True),
                              _stop([0.6, math.nan, 0.5, 0.4, 0.3, 0.2], 4, True)],
        "nan at the beginning": [_stop([math.nan, 0.5, 0.6, 0.4, 0.4], 2, True),
                                 _stop([math.nan, 0.5, 0.3, 0.4, 0.4], 2, False)],
    },
)


# ---------------------------------------------------------------- 08.5

hopeless = Check("08.5", "Give up on a run", hints=(
    "With which numbers do you compare? Only with what the others had *at the same evaluation*: what they reached later is "
    "no fair measure for a young run.",
    "Collect `other[len(curve) - 1]` from those that are long enough. Are there `least` of them? Is the warm-up over?",
    "`len(curve) > warmup and len(there) >= least and max(curve) < statistics.median(there)`",
))

Curves = Sequence[Sequence[float]]


def _pruned(
    own: Program = max, at: Program = lambda other, k: [other[k - 1]] if len(other) >= k else [],
    middle: Program = statistics.median,
    worse: Program = lambda mine, theirs: mine < theirs, warm: Program = lambda k, warmup: k > warmup,
    enough: Program = lambda there, others, least: len(there) >= least,
) -> Program:
    """Median pruning, whose questions can be asked wrongly."""
    def program(curve: Sequence[float], others: Curves, warmup: int, least: int) -> bool:
        there = [score for other in others for score in at(other, len(curve))]
        if not (there and warm(len(curve), warmup) and enough(there, others, least)):
            return False
        return bool(worse(own(curve), middle(there)))

    return program


def _for_good(curve: Sequence[float], others: Curves, warmup: int, least: int) -> bool:
    return any(_pruned()(curve[: k + 1], others, warmup, least) for k in range(len(curve)))


def _if_there(other: Sequence[float], at: int) -> list[float]:
    return [other[at]] if 0 <= at < len(other) else []


_PRUNES = (
    Wrong("their last scores", _pruned(at=lambda other, k: [other[-1]]),
          "the others are taken at their end, where they had trained for longer: every young run looks hopeless "
          "beside them", "Compare at the same evaluation.",
          others=(_pruned(at=lambda other, k: [max(other)]),
                  _pruned(at=lambda other, k: [other[-1]] if len(other) >= k else []),
                  _pruned(at=lambda other, k: [max(other)] if len(other) >= k else []))),
    Wrong("all their scores",
          _pruned(at=lambda other, k: other, enough=lambda there, others, least: len(others) >= least),
          "the median is taken over all evaluations of all runs", "One score of each run: that at the same evaluation.",
          others=(_pruned(at=lambda other, k: other), _pruned(at=lambda other, k: other[:k]))),
    Wrong("their best so far", _pruned(at=lambda other, k: [max(other[:k])] if len(other) >= k else []),
          "each of the others counts with its best up to then; the rule takes what it had at that very evaluation",
          "Only your own run counts with its best."),
    Wrong("short runs are stretched", _pruned(at=lambda other, k: [other[min(k, len(other)) - 1]]),
          "a run that ended before this evaluation counts with its last score",
          "Leave out runs that never got so far."),
    Wrong("the latest, not the best", _pruned(own=lambda curve: curve[-1]),
          "the run is judged by its latest score, and one bad evaluation ends it", "Take its best score so far."),
    Wrong("given up for good", _for_good,
          "the run is judged at each of its evaluations, and one that is ahead by now is given up for a slow beginning",
          "Judge it once: at the last evaluation of its curve."),
    Wrong("the mean", _pruned(middle=statistics.fmean),
          "one run that broke down pulls the mean far down, and nothing is given up any more",
          "The median is the middle of the sorted scores."),
    Wrong("one of the middle two", _pruned(middle=statistics.median_high),
          "with an even number of scores, one of the middle two is taken; or the run itself stands among those with "
          "which it is compared",
          "Of an even number, the median is the mean of the middle two. Take it of the others alone.",
          others=(_pruned(middle=statistics.median_low),)),
    Wrong("the best of them", _pruned(middle=max),
          "a run that is not the best at its evaluation is given up",
          "Half of the others may be better: compare with the median."),
    Wrong("equals are given up", _pruned(worse=lambda mine, theirs: mine <= theirs),
          "a run that is level with the median is given up", "Below the median means `<`."),
    Wrong("the wrong way round", _pruned(worse=lambda mine, theirs: mine > theirs),
          "the good runs are given up: here, more is better", "Turn the comparison round."),
    Wrong("warm-up too short", _pruned(warm=lambda k, warmup: k >= warmup),
          "the last evaluation of the warm-up is already judged",
          "The first `warmup` evaluations, the last of them too, are spared."),
    Wrong("warm-up too long", _pruned(warm=lambda k, warmup: k > warmup + 1),
          "the first evaluation after the warm-up is still spared", "Only the first `warmup` evaluations are spared."),
    Wrong("no warm-up", _pruned(warm=lambda k, warmup: True),
          "runs are given up during the warm-up, when scores say little",
          "Answer False for the first `warmup` evaluations."),
    Wrong("runs counted that never got there", _pruned(enough=lambda there, others, least: len(others) >= least),
          "all others are counted against `least`, but fewer got as far as this evaluation",
          "Count those with whom you compare."),
    Wrong("one run more than asked", _pruned(enough=lambda there, others, least: len(there) > least),
          "`least` runs would be enough, and were not", "Use `>=`."),
    Wrong("too few to compare with", _pruned(enough=lambda there, others, least: True),
          "one run, or two, are no measure; `least` was not asked",
          "Answer False where fewer than `least` runs got so far."),
    Wrong("an evaluation later", _pruned(at=lambda other, k: _if_there(other, k)),
          "the others are read one evaluation later: lists begin at 0",
          "The score at evaluation k has the place k - 1."),
    Wrong("an evaluation earlier", _pruned(at=lambda other, k: _if_there(other, k - 2)),
          "the others are read one evaluation earlier", "The score at evaluation k has the place k - 1."),
    Wrong("runs that end here left out", _pruned(at=lambda other, k: [other[k - 1]] if len(other) > k else []),
          "a run whose last evaluation was this one is left out, though it got as far", "Use `len(other) >= len(curve)`."),
)
_RISING = [[0.50, 0.60, 0.70, 0.80], [0.52, 0.64, 0.74, 0.84], [0.48, 0.56, 0.66, 0.76]]
_BROKEN = [[0.50, 0.60, 0.70], [0.55, 0.65, 0.72], [0.50, 0.05, 0.04]]
_BUMPY = [[0.50, 0.70, 0.55, 0.60], [0.60, 0.50, 0.52, 0.80], [0.40, 0.66, 0.50, 0.70]]
_SHORT = [[0.50, 0.60, 0.70], [0.55, 0.90], [0.40, 0.95], [0.45, 0.58, 0.68], [0.50, 0.62, 0.72]]


def _judged(others: Curves, *curves: list[float], warmup: int = 0, least: int = 1) -> list[Case]:
    said = f"beside {others}, warmup={warmup} and least={least}"
    return [Case((curve, others, warmup, least), f"scores {curve} {said}") for curve in curves]


ask(
    hopeless, _pruned(), _PRUNES, "Sort the scores that the others had at this evaluation, and look at the middle.",
    {
        "runs that rise": _judged(
            _RISING, [0.49, 0.58], [0.49, 0.62], [0.53, 0.61, 0.71], [0.40, 0.50, 0.69], [0.40, 0.54], [0.66]),
        "scores that go up and down": _judged(
            _BUMPY, [0.30, 0.40, 0.53], [0.60, 0.55, 0.51], [0.45], [0.50, 0.60, 0.40], [0.45, 0.64]),
        "one run broke down": _judged(_BROKEN, [0.40, 0.50], [0.40, 0.62], [0.40, 0.30, 0.55]),
        "level with the median": _judged(_RISING, [0.40, 0.60], [0.50]),
        "an even number": [*_judged([[0.50], [0.54]], [0.51], [0.53]), *_judged([*_RISING, [0.5, 0.7]], [0.45, 0.61])],
        "runs that ended earlier": _judged(_SHORT, [0.40, 0.50, 0.69], [0.40, 0.50, 0.71], [0.3, 0.5, 0.75]),
        "the warm-up": _judged(_RISING, [0.1, 0.2], [0.1, 0.2, 0.3], [0.1], warmup=2),
        "few to compare with": [
            *_judged(_SHORT, [0.1, 0.2, 0.3], least=4), *_judged(_SHORT, [0.1, 0.2, 0.3], least=3),
            *_judged(_RISING, [0.1, 0.2], least=4), *_judged(_SHORT, [0.1, 0.2, 0.3, 0.4], least=2)],
    },
)


# ---------------------------------------------------------------- 08.7

next_moves = Check("08.7", "What next?", hints=(
    "Look at two things in each figure: how low does the training loss come, and where does the validation loss go "
    "meanwhile?",
    "One label in ten is wrong in every split, and nobody can know which. So what does a validation loss far *below* the "
    "dotted line tell? And a training loss below it?",
    "High, and jumping about: steps too long. Together, and still falling at the end: steps too short. Training far "
    "down, validation up: learnt by heart. Both far down: the same rows. A leap at the same place of each epoch: rows in "
    "order.",
))

_MOVES = {
    "A": "regularise", "B": "raise the rate", "C": "check the splits",
    "D": "lower the rate", "E": "keep it", "F": "shuffle",
}


def tuning_runs() -> dict[str, pd.DataFrame]:
    """Six real runs of logistic regression on 256 rows, eight epochs of 16 steps: letter → frame.

    The columns are those of `History.frame`: step, loss and, every eighth step, validation_loss.
    """
    changes: dict[str, dict[str, Any]] = {
        "keep it": {},
        "raise the rate": {"rate": 5e-4},
        "lower the rate": {"rate": 5.0},
        "regularise": {"width": 200, "rate": 0.3},
        "check the splits": {"width": 200, "rate": 0.3, "copied": 240},
        "shuffle": {"rate": 0.2, "shuffle": False},
    }
    return {letter: _logistic_run(**changes[move]) for letter, move in _MOVES.items()}


def _logistic_run(width: int = 12, rate: float = 0.05, copied: int = 0, shuffle: bool = True) -> pd.DataFrame:
    random = np.random.default_rng(1)

    def rows(count: int) -> tuple[np.ndarray, np.ndarray]:
        truth = 2 * random.integers(0, 2, count) - 1  # -1 or 1
        x = random.normal(size=(count, width))
        x[:, :8] += 0.9 * truth[:, None]  # eight features tell the class; the others are noise
        x[:, -1] = 3.0  # a large bias, so that the order of the labels shows
        return x, np.where(random.random(count) < 0.1, -truth, truth)  # one label in ten is wrong

    (x, y), (validation_x, validation_y) = rows(256), rows(256)
    validation_x[:copied], validation_y[:copied] = x[:copied], y[:copied]
    if not shuffle:
        order = np.argsort(y, kind="stable")
        x, y = x[order], y[order]
    weights, records = np.zeros(width), []
    for step in range(1, 129):
        if step % 16 == 1:
            order = random.permutation(256) if shuffle else np.arange(256)
        batch = order[(step - 1) % 16 * 16 :][:16]
        margins = y[batch] * (x[batch] @ weights)
        gradient = -(x[batch].T @ (y[batch] / (1 + np.exp(np.clip(margins, -500, 500))))) / 16
        weights = weights - rate * gradient
        record = {"step": step, "loss": float(np.logaddexp(0, -margins).mean()), "validation_loss": math.nan}
        if step % 8 == 0:
            record["validation_loss"] = float(np.logaddexp(0, -validation_y * (validation_x @ weights)).mean())
        records.append(record)
    return pd.DataFrame(records)


def _spoken(answer: dict[str, str]) -> dict[str, str]:
    """The answer with runs in capitals and moves in small letters, as the list has them."""
    return {str(key).strip().upper(): " ".join(str(move).lower().split()) for key, move in answer.items()}


@next_moves.probe
def in_the_words_given(answer):
    """One of the six moves for each of the six runs; capitals do not matter."""
    answer = _spoken(answer)
    if set(answer) != set(_MOVES):
        return Mistake("other runs", f"moves for {', '.join(answer) or 'no run'}", "a run has no move yet, or there is one "
                       "that was not asked for", "Give one move to each of A to F.")
    if unknown := [move for move in answer.values() if move not in _MOVES.values()]:
        return Mistake("other words", f"the move {', '.join(map(repr, unknown))}, which is not one of the six",
                       "a move is spelt otherwise than in the list", f"Choose from: {', '.join(sorted(_MOVES.values()))}.")
    if len(set(answer.values())) < len(_MOVES):
        return Mistake("a move twice", f"the moves {', '.join(answer.values())}", "one move is given to more than one run",
                       "Each move belongs to one run. Begin with the one that you are surest of.")
    return None


_CONFUSED = (  # what the run asks for, what was said, and what to say to that
    ("check the splits", "keep it", "too good to be true",
     "you keep a run whose validation loss is lower than anyone's can be who does not know which labels are wrong",
     "Compare each validation loss with the dotted line. How could a model come far below it?"),
    ("raise the rate", "keep it", "smooth is not done",
     "the calmest curves are taken for the best, but a run can be calm because it hardly moves",
     "Look at how far a run has come, and whether it is still falling when it ends."),
    ("regularise", "lower the rate", "high for another reason",
     "two runs end with a high validation loss, and for different reasons",
     "Look at their training loss: one of the two has learnt its rows by heart, the other has learnt nothing."),
    ("shuffle", "lower the rate", "leaps with a rhythm",
     "two runs leap, one of them at the same places of each epoch",
     "Look for the run that repeats itself. What comes back once in an epoch?"),
    ("regularise", "check the splits", "the same training, another validation",
     "two runs learn their rows by heart; only one of them does so with the validation rows too",
     "Compare the validation losses of the two runs whose training loss goes far down."),
    ("regularise", "keep it", "training loss alone",
     "a training loss that goes far down is taken for success",
     "Read the validation loss: where does it go after the first epoch?"),
    ("raise the rate", "lower the rate", "the wrong way",
     "a run with too small a rate and one with too large a rate both learn little",
     "Steps that are too short are seen as a slow and even fall; steps that are too long overshoot."),
)


@next_moves.probe
def each_run(answer):
    """Told by the height of both losses, by slope and by rhythm; no letter is named, which would solve it."""
    answer = _spoken(answer)
    wrong = {move: answer[letter] for letter, move in _MOVES.items() if answer[letter] != move}
    seen = f"{len(_MOVES) - len(wrong)} of {len(_MOVES)} right"
    for asked, said, name, cause, move in _CONFUSED:
        if wrong.get(asked) == said or (said != "keep it" and wrong.get(said) == asked):
            return Mistake(name, seen, cause, move)
    if wrong:
        return Mistake("mixed up", seen, "the moves went to other runs, and in none of the usual ways",
                       "Take one run at a time: does it learn its own rows, and does that help with the others?")
    return None
