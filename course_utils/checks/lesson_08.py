"""Exercises of lesson 08, hyperparameters: what decides about settings, and runs without complaint when it is wrong.

An answer is compared with a slow specification on small cases, and with what usual mistakes, written out as programs,
do on the same cases (`judging.judge`). Exercise 08.1 stands in `random_settings`, 08.2 and 08.7 in `run_curves`.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from course_utils.checks import Check
from course_utils.checks.judging import Case, Program, Wrong, judge
from course_utils.checks.random_settings import draw
from course_utils.checks.run_curves import next_moves, range_curve, suggest_rate, tuning_runs
from course_utils.checks.witnesses import same

__all__ = [
    "compare", "draw", "hopeless", "next_moves", "range_curve", "smoothed_loss", "stop_early", "suggest_rate",
    "tuning_runs",
]  # fmt: skip

# A mistake reads best as its four parts, on as few lines as they need:
# fmt: off


def _near(spec: Program) -> Program:
    """A view: numbers that differ from those of `spec` by rounding alone are taken for them."""
    def view(result: Any, *args: Any) -> Any:
        right = spec(*args)
        if isinstance(right, tuple):
            return tuple(b if same(a, b) else a for a, b in zip(result, right, strict=True))
        return right if same(result, right) else result

    return view


def _shown(value: Any) -> str:
    """What a learner reads of a result: without tensors, and with four digits."""
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, tuple | list):
        return f"({', '.join(map(_shown, value))})"
    return f"{value:.4g}" if isinstance(value, float) else repr(value)


def _ask(check: Check, spec: Program, wrongs: Sequence[Wrong], otherwise: str,
         properties: Mapping[str, Sequence[Case]]) -> None:
    """A probe for each property: an answer gives what `spec` gives, but for rounding."""
    judge(check, spec, properties, wrongs, otherwise, view=_near(spec), seen=lambda result, got, right, case: (
        f"for {case.words} your answer is {_shown(result)}, where {_shown(spec(*case.args))} is right"))


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
          "Begin to count with the one after it."),
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
          "Look no further than the evaluation at which you stop."),
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
          "Begin with the first score, or with an infinity."),
    Wrong("nan is not counted", _stopping_without_nan,
          "evaluations that gave nan are left out, so a broken run goes on for longer",
          "An evaluation that gives nan is one without a better score: count it."),
)


def _stop(scores: list[float], patience: int, more: bool) -> Case:
    return Case((scores, patience, more), f"scores {scores} with patience {patience} and more_is_better={more}")


_ask(
    stop_early, _stopping(), _STOPS, "Write best, place and count below each score, and find the first that differs.",
    {
        "accuracy": [_stop([0.6, 0.7, 0.69, 0.72, 0.71, 0.68, 0.9], 2, True),
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


# ---------------------------------------------------------------- 08.4

smoothed_loss = Check("08.4", "Soften the labels", hints=(
    "A label is a distribution: all weight on one class. Smoothing takes `smoothing` of it and deals it out to all K "
    "classes alike. Which weight has the right class now?",
    "The loss of a row is minus the sum over classes of target times log-probability. So it mixes two things: the "
    "log-probability of the label, and the *mean* log-probability over classes.",
    "Keep the rows with `labels != -100` first. `logits.log_softmax(-1)` has no trouble with large logits; "
    "`logits.softmax(-1).log()` has.",
))


def _log_softmax(row: Sequence[float]) -> list[float]:
    top = max(row)
    total = math.log(sum(math.exp(value - top) for value in row))
    return [value - top - total for value in row]


def _naive(row: Sequence[float]) -> list[float]:
    """As float32 computes it without care: exp overflows, and what is too small becomes log 0."""
    exps = np.exp(np.array(row, dtype=np.float32))
    return [float(p) for p in np.log(exps / exps.sum())]


def _of_rows(
    weights: Callable[[int, int, float], Sequence[float]],
    logs: Callable[[Sequence[float]], Sequence[float]] = _log_softmax,
    over: Program = lambda sums, rows, classes: sum(sums) / len(sums), unlabelled: Callable | None = None,
) -> Program:
    """A loss from the weights that a row's target gives to its classes."""
    def program(logits: Any, labels: Any, smoothing: float) -> float:
        table, sums = logits.tolist(), []
        with np.errstate(all="ignore"):
            for row, label in zip(table, labels.tolist()):
                if label == -100 and not unlabelled:
                    continue
                target = (weights if label != -100 else unlabelled)(label, len(row), smoothing)  # type: ignore[misc]
                sums.append(-sum(w * p for w, p in zip(target, logs(row), strict=True)))
        return over(sums, len(table), len(table[0]))

    return program


def _weights(right: Program, other: Program) -> Callable[[int, int, float], list[float]]:
    return lambda label, k, s: [right(s, k) if c == label else other(s, k) for c in range(k)]


_soft = _weights(lambda s, k: 1 - s + s / k, lambda s, k: s / k)
_smoothed = _of_rows(_soft)


def _unlabelled_pay(logits: Any, labels: Any, smoothing: float) -> float:
    """The label's part over targets, the even part over all rows."""
    plain = _of_rows(_weights(lambda s, k: 1 - s, lambda s, k: 0.0))(logits, labels, smoothing)
    return plain + _of_rows(_even, unlabelled=_even)(logits, labels, smoothing)


def _even(label: int, k: int, s: float) -> list[float]:
    return [s / k] * k


def _less_entropy(logits: Any, labels: Any, smoothing: float) -> float:
    target = _soft(0, logits.shape[1], smoothing)
    return _smoothed(logits, labels, smoothing) + sum(w * math.log(w) for w in target if w)


def _along_rows(logits: Any, labels: Any, smoothing: float) -> float:
    return _of_rows(_soft, logs=lambda row: row)(logits.log_softmax(0), labels, smoothing)


_LOSSES = (
    Wrong("not smoothed", _of_rows(_weights(lambda s, k: 1.0, lambda s, k: 0.0)),
          "this is the plain cross-entropy: `smoothing` changes nothing",
          "Take a share of each label and deal it out."),
    Wrong("the others only", _of_rows(_weights(lambda s, k: 1 - s, lambda s, k: s / (k - 1))),
          "the share is dealt out among the *other* classes; here, as in PyTorch, the right class gets its part back",
          "Deal it out to all classes alike."),
    Wrong("less than a whole", _of_rows(_weights(lambda s, k: 1 - s, lambda s, k: s / k)),
          "the right class did not get its part of what is dealt out, so the weights of a row do not add up to 1",
          "Add up the weights of one row by hand."),
    Wrong("more than a whole", _of_rows(_weights(lambda s, k: 1.0, lambda s, k: s / k)),
          "the share is dealt out but was not taken from the right class, so the weights add up to more than 1",
          "What is dealt out has to be taken away first.",
          others=(_of_rows(_weights(lambda s, k: 1 + s / k, lambda s, k: s / k)),)),
    Wrong("shares exchanged", _of_rows(_weights(lambda s, k: s + (1 - s) / k, lambda s, k: (1 - s) / k)),
          "`smoothing` and `1 - smoothing` changed places", "A smoothing of 0 leaves the label as it is."),
    Wrong("not divided by the classes", _of_rows(_weights(lambda s, k: 1.0, lambda s, k: s)),
          "each class gets the whole share, where a K-th of it is due: a sum over classes in the place of a mean",
          "Divide the share by the number of classes."),
    Wrong("a sum over rows", _of_rows(_soft, over=lambda sums, rows, k: sum(sums)),
          "the rows are added up", "Divide by the number of targets."),
    Wrong("a mean over classes too", _of_rows(_soft, over=lambda sums, rows, k: sum(sums) / len(sums) / k),
          "a mean was taken over rows and classes, where the classes are to be summed",
          "Sum over classes, then take the mean over rows."),
    Wrong("rows without a label divide", _of_rows(_soft, over=lambda sums, rows, k: sum(sums) / rows),
          "the sum is divided by all rows, those without a label too", "Divide by the number of targets."),
    Wrong("rows without a label pay", _unlabelled_pay,
          "a row labelled -100 has no target, but the part that is dealt out evenly was taken of it as well",
          "Leave such rows out before anything else.",
          others=(_of_rows(_soft, unlabelled=_even),
                  _of_rows(_soft, unlabelled=_even, over=lambda sums, rows, k: sum(sums) / (rows - 2)))),
    Wrong("along the rows", _along_rows,
          "the softmax runs over the rows of the batch", "It belongs along the last axis: classes."),
    Wrong("no softmax", _of_rows(_soft, logs=lambda row: row),
          "the logits themselves are taken for log-probabilities", "Take their `log_softmax` first."),
    Wrong("no logarithm", _of_rows(_soft, logs=lambda row: np.exp(_log_softmax(row))),
          "probabilities are weighted, not their logarithms", "The loss is a sum of log-probabilities."),
    Wrong("entropy taken off", _less_entropy,
          "this is the divergence from the target (`kl_div`): the cross-entropy less the entropy of the target; same "
          "gradient, another number", "Use the cross-entropy, whose least value is above 0."),
    Wrong("the sign", lambda *given: -_smoothed(*given),
          "the minus is missing", "A loss is minus the log-probability."),
    Wrong("overflow", _of_rows(_soft, logs=_naive),
          "`exp` of a large logit overflows, or the log of a vanishing probability is infinite",
          "Use `log_softmax`, which takes off the largest logit first.",
          symptom=lambda got, right: isinstance(got, float) and not math.isfinite(got)),
)


def _soften(rows: int, classes: int, smoothing: float, *, without: Sequence[int] = (), scale: float = 1.5) -> Case:
    import torch

    random = np.random.default_rng(rows + classes)
    logits = torch.tensor(np.round(scale * random.normal(size=(rows, classes)), 1), dtype=torch.float32)
    labels = torch.tensor(random.integers(0, classes, rows))
    labels[list(without)] = -100
    kind = f", {len(without)} of them labelled -100" if without else ", with logits of up to 1,000" if scale > 100 else ""
    return Case((logits, labels, smoothing), f"{rows} rows of {classes} classes{kind}, and smoothing {smoothing}")


_ask(
    smoothed_loss, _smoothed, _LOSSES,
    "Take one row of two classes, write its two weights down, and compute the loss on paper.",
    {
        "labels of four and of two classes": [_soften(3, 4, 0.1), _soften(5, 2, 0.3)],
        "no smoothing": [_soften(4, 3, 0.0)],
        "rows without a label": [_soften(6, 3, 0.2, without=(1, 4))],
        "large logits": [_soften(4, 3, 0.1, scale=500), _soften(2, 3, 0.0, scale=500)],
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
)
_RISING = [[0.50, 0.60, 0.70, 0.80], [0.52, 0.64, 0.74, 0.84], [0.48, 0.56, 0.66, 0.76]]
_BROKEN = [[0.50, 0.60, 0.70], [0.55, 0.65, 0.72], [0.50, 0.05, 0.04]]
_BUMPY = [[0.50, 0.70, 0.55, 0.60], [0.60, 0.50, 0.52, 0.80], [0.40, 0.66, 0.50, 0.70]]
_SHORT = [[0.50, 0.60, 0.70], [0.55, 0.90], [0.40, 0.95], [0.45, 0.58, 0.68], [0.50, 0.62, 0.72]]


def _judged(others: Curves, *curves: list[float], warmup: int = 0, least: int = 1) -> list[Case]:
    said = f"beside {others}, warmup={warmup} and least={least}"
    return [Case((curve, others, warmup, least), f"scores {curve} {said}") for curve in curves]


_ask(
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


# ---------------------------------------------------------------- 08.6

compare = Check("08.6", "Better, worse, or cannot tell?", hints=(
    "a[i] and b[i] come from one seed: the same batches, the same head at the start. What is left of this common luck in "
    "their difference?",
    "Make one list of differences, b less a. Its mean is the difference; its standard deviation (with n - 1) over the "
    "square root of n is the standard error.",
    "One seed has no standard deviation: return early. Then compare `difference` with `width * error`, on both sides "
    "of 0.",
))


def _compared(
    spread: Program = lambda a, b: statistics.stdev(y - x for x, y in zip(a, b)),
    of: Program = lambda sd, n: sd / math.sqrt(n), bar: Program = lambda width, sd, error: width * error,
    difference: Program = lambda a, b: statistics.fmean(b) - statistics.fmean(a), alone: float = math.inf,
    sides: Program = lambda d, bar: "better" if d > bar else "worse" if d < -bar else "cannot tell",
) -> Program:
    """A comparison over seeds, whose steps can be taken wrongly."""
    def program(a: Sequence[float], b: Sequence[float], width: float) -> tuple[float, float, str]:
        d, n = difference(a, b), len(a)
        if n == 1:
            return d, alone, "cannot tell" if alone else sides(d, 0.0)
        sd = spread(a, b)
        error = of(sd, n)
        return d, error, sides(d, bar(width, sd, error))

    return program


def _both(a: Sequence[float], b: Sequence[float]) -> float:
    return math.sqrt(statistics.variance(a) + statistics.variance(b))


def _apart(a: Sequence[float], b: Sequence[float], width: float) -> tuple[float, float, str]:
    d, error, _ = _compared()(a, b, width)
    return d, error, "better" if min(b) > max(a) else "worse" if max(b) < min(a) else "cannot tell"


_COMPARED = (
    Wrong("pairs torn apart", _compared(spread=_both),
          "the spreads of both settings were added, as if the runs had nothing in common; but run i of each has the "
          "same seed, and what the seed does to both falls out of the difference",
          "Take the difference seed by seed first, then its spread.",
          others=(_compared(spread=lambda a, b: math.sqrt(statistics.pvariance(a) + statistics.pvariance(b))),
                  _compared(spread=lambda a, b: statistics.stdev(a) + statistics.stdev(b)),
                  _compared(spread=lambda a, b: statistics.stdev([*a, *b])))),
    Wrong("divided by n", _compared(spread=lambda a, b: statistics.pstdev(y - x for x, y in zip(a, b))),
          "the standard deviation is that of a whole population (`np.std` without `ddof=1`): too small for a few "
          "seeds", "Divide the squares by n - 1."),
    Wrong("n - 1 under both roots", _compared(of=lambda sd, n: sd / math.sqrt(n - 1)),
          "the standard deviation has its n - 1 already, and the root got another",
          "The standard error is the standard deviation over the root of n."),
    Wrong("not divided by the root", _compared(of=lambda sd, n: sd),
          "this is the spread of a single run, not the error of the mean of n",
          "Divide by the square root of the number of seeds."),
    Wrong("the root is missing", _compared(of=lambda sd, n: sd / n),
          "the standard deviation was divided by n: the error would shrink far too fast",
          "Divide by the *square root* of the number of seeds."),
    Wrong("a variance", _compared(of=lambda sd, n: sd**2 / n),
          "this is the variance of the mean, the error squared", "Take the square root."),
    Wrong("a less b", _compared(difference=lambda a, b: statistics.fmean(a) - statistics.fmean(b)),
          "the difference is turned round", "How much is b better? b less a."),
    Wrong("medians", _compared(difference=lambda a, b: statistics.median(y - x for x, y in zip(a, b))),
          "the median of the differences was taken", "The standard error belongs to the mean.",
          others=(_compared(difference=lambda a, b: statistics.median(b) - statistics.median(a)),)),
    Wrong("the best of each", _compared(difference=lambda a, b: max(b) - max(a)),
          "the best seed of each setting was compared: the luckier one wins", "Compare the means over seeds."),
    Wrong("the sign decides", _compared(bar=lambda width, sd, error: 0.0),
          "whichever mean is higher wins, however large the error is",
          "A difference counts only beyond `width` standard errors."),
    Wrong("width left out", _compared(bar=lambda width, sd, error: error),
          "one standard error is enough here, and chance alone exceeds it in about one case of three",
          "Multiply the error by `width`.",
          others=(_compared(bar=lambda width, sd, error: 2 * error),
                  _compared(bar=lambda width, sd, error: 1.96 * error))),
    Wrong("spread for error", _compared(bar=lambda width, sd, error: width * sd),
          "the difference is compared with the spread of single runs",
          "Compare it with `width` times the standard error."),
    Wrong("never worse", _compared(sides=lambda d, bar: "better" if d > bar else "cannot tell"),
          "only one side is asked, so a setting that does harm is called undecided",
          "Below -width · error, b is worse."),
    Wrong("worse or better, never open", _compared(sides=lambda d, bar: "better" if d > bar else "worse"),
          "whatever is not better is called worse", "Between the two bounds you cannot tell."),
    Wrong("the size alone", _compared(sides=lambda d, bar: "better" if abs(d) > bar else "cannot tell"),
          "`abs` makes a harmful setting a better one", "Look at the sign once you know that the difference is large."),
    Wrong("better and worse exchanged",
          _compared(sides=lambda d, bar: "worse" if d > bar else "better" if d < -bar else "cannot tell"),
          "the words were exchanged", "More is better, and the verdict speaks of b."),
    Wrong("ranges must not overlap", _apart,
          "b is called better only if its worst seed beats the best of a; what the seed does to both hides the "
          "difference", "Compare the difference with its own error."),
    Wrong("certain of one seed", _compared(alone=0.0),
          "one seed has no spread, and an error of 0 says that it is certain",
          "Return `math.inf` and \"cannot tell\"."),
    Wrong("one seed is nan", _compared(alone=math.nan),
          "with `ddof=1` the deviation of one number is 0/0", "With one seed return `math.inf` as the error.",
          symptom=lambda got, right: any(isinstance(part, float) and math.isnan(part) for part in got)),
)
_A = [0.71, 0.80, 0.76, 0.85, 0.68]
_B = [0.74, 0.82, 0.80, 0.86, 0.72]


def _seeds(a: list[float], b: list[float], width: float) -> Case:
    return Case((a, b, width), f"a = {a}, b = {b} and width {width}")


_ask(
    compare, _compared(), _COMPARED, "Print the list of differences, then its mean, its deviation, and the error.",
    {
        "a small gain, the same for each seed": [_seeds(_A, _B, 2.78)],
        "a loss": [_seeds(_B, _A, 2.78), _seeds([0.9, 0.8, 0.85], [0.6, 0.55, 0.5], 4.3)],
        "a gain that may be luck": [_seeds(_A, [0.80, 0.78, 0.83, 0.84, 0.75], 2.78),
                                    _seeds([0.7, 0.8, 0.75], [0.72, 0.83, 0.76], 4.3),
                                    _seeds([0.7, 0.8, 0.75], [0.79, 0.73, 0.77], 4.3)],
        "a wide bound": [_seeds(_A, _B, 20.0), _seeds(_A, [x - y + 0.76 for x, y in zip(_A, _B)], 1.0)],
        "one seed": [_seeds([0.7], [0.9], 2.0), _seeds([0.9], [0.7], 2.0)],
    },
)
