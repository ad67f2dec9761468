"""Exercises of lesson 08, hyperparameters: what decides about settings, and runs without complaint when it is wrong.

Draws cannot be compared one by one, but two thousand of them can: where they lie, and whether they know of each other.
Other answers are compared with a specification, and with mistakes as programs. Those about curves stand in `run_curves`.
"""

from __future__ import annotations

import copy
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from course_utils.checks import Check, Mistake
from course_utils.checks.judging import Case, Program, Wrong
from course_utils.checks.run_curves import (
    ask,
    hopeless,
    next_moves,
    range_curve,
    stop_early,
    suggest_rate,
    tuning_runs,
)

__all__ = [
    "compare", "draw", "hopeless", "next_moves", "range_curve", "smoothed_loss", "stop_early", "suggest_rate",
    "tuning_runs",
]  # fmt: skip

# A mistake reads best as its four parts, on as few lines as they need:
# fmt: off


# ---------------------------------------------------------------- 08.1

draw = Check("08.1", "Draw a setting", hints=(
    "A rate between 1e-5 and 1e-2: how often should it lie below 1e-4? As often as above 1e-3. In what is it uniform?",
    "Draw the *logarithm* uniformly, between the logarithms of both ends, and undo it with the exponential of the same "
    "base. Only \"log\" is drawn so; a range that begins at 0 has no logarithm.",
    "`math.exp(rng.uniform(math.log(low), math.log(high)))`; for a choice, `options[rng.integers(len(options))]`. Draw "
    "anew for each name, from the generator that you are given.",
))

_DRAWS = 2000  # so many gaps (below) exceed .06 once in a million searches
_SPACE = {"rate": ("log", 2e-5, 2e-2), "dropout": ("linear", 0.1, 0.5), "batch": ("choice", [8, 16, 64])}


def _drawn(answer: Program, space: Mapping[str, tuple], count: int = _DRAWS, seed: int = 1) -> list[dict[str, Any]]:
    random, space = np.random.default_rng(seed), copy.deepcopy(space)  # an answer may shuffle the options
    return [answer(space, random) for _ in range(count)]


def _gap(places: np.ndarray) -> float:
    """How far numbers are from an even spread over 0 to 1: the largest distance of the two distributions."""
    return float(np.abs(np.sort(places) - (np.arange(len(places)) + 0.5) / len(places)).max())


@draw.probe
def one_value_for_each_name(answer):
    """A dictionary with the names of the space."""
    [setting] = _drawn(answer, _SPACE, 1)
    if set(setting) == set(_SPACE) and isinstance(setting, dict):
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
    for one, other in zip(first, again):
        if one == other:
            continue
        name = next(name for name in one if one[name] != other[name])
        return Mistake("another generator", f"from two generators of one seed, {name} is {one[name]} and {other[name]}",
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
    if len(set(rates)) < _DRAWS / 2:
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


def _half_signed(logits: Any, labels: Any, smoothing: float) -> float:
    even = _of_rows(_even)(logits, labels, smoothing)
    return _smoothed(logits, labels, smoothing) - 2 * even


def _mixed(logits: Any, labels: Any, smoothing: float) -> float:
    pairs = [(row, label) for row, label in zip(logits.tolist(), labels.tolist()) if label != -100]
    return -statistics.fmean(
        math.log((1 - smoothing) * math.exp(_log_softmax(row)[label]) + smoothing / len(row)) for row, label in pairs)


def _mean_first(logits: Any, labels: Any, smoothing: float) -> float:
    """The log of the mean probability, where the mean of the logs is due."""
    plain = _of_rows(_weights(lambda s, k: 1 - s, lambda s, k: 0.0))(logits, labels, smoothing)
    return plain + smoothing * math.log(logits.shape[1])


_LOSSES = (
    Wrong("a loss for each row", lambda *given: (_smoothed(*given),),
          "the losses of the rows came back, one by one", "Take their mean.",
          symptom=lambda got, right: isinstance(got, tuple)),
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
    Wrong("no logarithm", _of_rows(_soft, logs=lambda row: list(map(math.exp, _log_softmax(row)))),
          "probabilities are weighted, not their logarithms", "The loss is a sum of log-probabilities."),
    Wrong("probabilities smoothed", _mixed,
          "the share was mixed into the *predicted* probabilities, before the logarithm",
          "Soften the labels: weights of log-probabilities.", others=(_mean_first,)),
    Wrong("entropy taken off", _less_entropy,
          "this is the divergence from the target (`kl_div`): the cross-entropy less the entropy of the target; same "
          "gradient, another number", "Use the cross-entropy, whose least value is above 0."),
    Wrong("the sign", lambda *given: -_smoothed(*given),
          "a minus is missing: log-probabilities are negative, and a loss is not",
          "Both parts of the loss, that of the label and the even one, have a minus.", others=(_half_signed,)),
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


ask(
    smoothed_loss, _smoothed, _LOSSES,
    "Take one row of two classes, write its two weights down, and compute the loss on paper.",
    {
        "labels of four and of two classes": [_soften(3, 4, 0.1), _soften(5, 2, 0.3)],
        "no smoothing": [_soften(4, 3, 0.0)],
        "rows without a label": [_soften(6, 3, 0.2, without=(1, 4))],
        "large logits": [_soften(4, 3, 0.1, scale=500), _soften(2, 3, 0.0, scale=500)],
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


def _by_seed(a: Sequence[float], b: Sequence[float]) -> list[float]:
    return [y - x for x, y in zip(a, b, strict=True)]


def _compared(
    spread: Program = lambda a, b: statistics.stdev(_by_seed(a, b)),
    of: Program = lambda sd, n: sd / math.sqrt(n), bar: Program = lambda width, sd, error: width * error,
    difference: Program = lambda a, b: statistics.fmean(b) - statistics.fmean(a),
    alone: Program = lambda d: (math.inf, "cannot tell"), shown: Program = lambda width, error: error,
    sides: Program = lambda d, bar: "better" if d > bar else "worse" if d < -bar else "cannot tell",
) -> Program:
    """A comparison over seeds, whose steps can be taken wrongly."""
    def program(a: Sequence[float], b: Sequence[float], width: float) -> tuple[float, float, str]:
        d, n = difference(a, b), len(a)
        if n == 1:
            return d, *alone(d)
        sd = spread(a, b)
        error = of(sd, n)
        return d, shown(width, error), sides(d, bar(width, sd, error))

    return program


def _both(a: Sequence[float], b: Sequence[float]) -> float:
    return math.sqrt(statistics.variance(a) + statistics.variance(b))


def _apart(a: Sequence[float], b: Sequence[float], width: float) -> tuple[float, float, str]:
    d, error, _ = _compared()(a, b, width)
    return d, error, "better" if min(b) > max(a) else "worse" if max(b) < min(a) else "cannot tell"


_VERDICTS = ("better", "worse", "cannot tell")
_COMPARED = (
    Wrong("pairs torn apart", _compared(spread=_both),
          "the spreads of both settings were added, as if the runs had nothing in common; but run i of each has the "
          "same seed, and what the seed does to both falls out of the difference",
          "Take the difference seed by seed first, then its spread.",
          others=(_compared(spread=lambda a, b: math.sqrt(statistics.pvariance(a) + statistics.pvariance(b))),
                  _compared(spread=lambda a, b: statistics.stdev(a) + statistics.stdev(b)),
                  _compared(spread=lambda a, b: statistics.stdev([*a, *b])))),
    Wrong("divided by n", _compared(spread=lambda a, b: statistics.pstdev(_by_seed(a, b))),
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
    Wrong("the bound, not the error", _compared(shown=lambda width, error: width * error),
          "what came back is `width` times the standard error", "Return the standard error itself."),
    Wrong("parts in another order", lambda *given: _compared()(*given)[::-1],
          "the difference does not stand first", "The order is difference, error, verdict.",
          symptom=lambda got, right: isinstance(got, tuple) and sorted(map(str, got)) == sorted(map(str, right))),
    Wrong("a less b", _compared(difference=lambda a, b: statistics.fmean(a) - statistics.fmean(b)),
          "the difference is turned round", "How much is b better? b less a."),
    Wrong("medians", _compared(difference=lambda a, b: statistics.median(_by_seed(a, b))),
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
          "`abs` makes a harmful setting a better one", "Look at the sign once you know that the difference is large.",
          others=(_compared(difference=lambda a, b: abs(statistics.fmean(b) - statistics.fmean(a))),)),
    Wrong("other words", lambda *given: (*_compared()(*given)[:2], ""),
          "the verdict is none of the three that the exercise names",
          "Say \"better\", \"worse\" or \"cannot tell\", and nothing else.",
          symptom=lambda got, right: isinstance(got, tuple) and isinstance(got[-1], str) and got[-1] not in _VERDICTS),
    Wrong("better and worse exchanged",
          _compared(sides=lambda d, bar: "worse" if d > bar else "better" if d < -bar else "cannot tell"),
          "the words were exchanged", "More is better, and the verdict speaks of b."),
    Wrong("ranges must not overlap", _apart,
          "b is called better only if its worst seed beats the best of a; what the seed does to both hides the "
          "difference", "Compare the difference with its own error."),
    Wrong("certain of one seed", _compared(alone=lambda d: (0.0, "better" if d > 0 else "worse")),
          "one seed has no spread, and an error of 0 says that it is certain",
          "Return `math.inf` and \"cannot tell\".", others=(_compared(alone=lambda d: (0.0, "cannot tell")),)),
    Wrong("one seed is nan", _compared(alone=lambda d: (math.nan, "cannot tell")),
          "with `ddof=1` the deviation of one number is 0/0", "With one seed return `math.inf` as the error.",
          symptom=lambda got, right: any(isinstance(part, float) and math.isnan(part) for part in got)),
)
_A = [0.71, 0.80, 0.76, 0.85, 0.68]
_B = [0.74, 0.82, 0.80, 0.86, 0.72]


def _seeds(a: list[float], b: list[float], width: float) -> Case:
    return Case((a, b, width), f"a = {a}, b = {b} and width {width}")


ask(
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
