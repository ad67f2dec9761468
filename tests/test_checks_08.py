"""The exercises of lesson 08 answer back: on their own solutions, their stubs, and the usual mistakes."""

import math
import statistics

import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn.functional import cross_entropy, nll_loss, one_hot

from course_utils.checks import find_check, lesson_checks
from course_utils.checks.lesson_08 import range_curve, tuning_runs
from course_utils.checks.testing import answers, assert_recognises

SOLUTIONS, STUBS = answers("08", "solution"), answers("08", "exercise")


def returns_nothing(*args):
    """An answer whose last line has no return."""


# ---------------------------------------------------------------- 08.1


def by_kind(
    log=lambda low, high, rng: math.exp(rng.uniform(math.log(low), math.log(high))),
    linear=lambda low, high, rng: rng.uniform(low, high),
    choice=lambda options, rng: options[rng.integers(len(options))],
    generator=lambda rng: rng,
    each=lambda rng: rng,
):
    """`draw` from its parts; `generator` is asked once a call, `each` once a name."""

    def draw(space, rng):
        rng, setting = generator(rng), {}
        for name, (kind, *rest) in space.items():
            setting[name] = {"log": log, "linear": linear, "choice": choice}[kind](*rest, each(rng))
        return setting

    return draw


class OneDraw:
    """One number for all names."""

    def __init__(self, rng):
        self.u = rng.random()

    def uniform(self, low, high):
        return low + self.u * (high - low)

    def integers(self, n):
        return int(self.u * n)


DRAWS = {
    "other names": lambda space, rng: list(by_kind()(space, rng).values()),
    "the same setting each time": by_kind(generator=lambda rng: np.random.default_rng(0)),
    "another generator": by_kind(linear=lambda low, high, rng: np.random.uniform(low, high)),
    "two bases": by_kind(lambda low, high, rng: 10 ** rng.uniform(math.log(low), math.log(high))),
    "still a logarithm": by_kind(lambda low, high, rng: rng.uniform(math.log10(low), math.log10(high))),
    "outside the range": by_kind(lambda low, high, rng: 10 ** rng.uniform(-5, -2)),
    "a grid": by_kind(lambda low, high, rng: rng.choice(np.geomspace(low, high, 7))),
    "uniform in the rate": by_kind(lambda low, high, rng: rng.uniform(low, high)),
    "another spread": by_kind(lambda low, high, rng: math.sqrt(rng.uniform(low**0.5, high**0.5) ** 4)),
    "logarithm everywhere": by_kind(
        linear=lambda low, high, rng: np.exp(rng.uniform(np.log(max(low, 1e-9)), np.log(high)))
    ),
    "linear is uneven": by_kind(linear=lambda low, high, rng: round(rng.uniform(low, high), 1)),
    "no option": by_kind(choice=lambda options, rng: rng.integers(8, 65)),
    "an option is never drawn": by_kind(choice=lambda options, rng: options[rng.integers(len(options) - 1)]),
    "options of unequal weight": by_kind(choice=lambda options, rng: options[rng.integers(4) % len(options)]),
    "one draw for all": by_kind(generator=OneDraw),
    "returned None": returns_nothing,
}
OTHER_DRAWS = [
    by_kind(lambda low, high, rng: low * (high / low) ** rng.random()),
    by_kind(lambda low, high, rng: np.float32(2 ** rng.uniform(np.log2(low), np.log2(high)))),
    by_kind(choice=lambda options, rng: rng.choice(options), linear=lambda low, high, rng: high - (high - low) * rng.random()),
    by_kind(choice=lambda options, rng: rng.permutation(options)[0], each=lambda rng: rng.spawn(1)[0]),
]  # fmt: skip


# ---------------------------------------------------------------- 08.2


def centred(losses, half=3):
    return pd.Series(losses).rolling(2 * half + 1, center=True, min_periods=1).mean().to_numpy()


def looking_back(losses, beta=0.95):
    smooth, average = [], 0.0
    for step, loss in enumerate(losses, start=1):
        average = beta * average + (1 - beta) * loss
        smooth.append(average / (1 - beta**step))
    return np.array(smooth)


def at_steepest(smooth=centred, until=np.nanargmin, fall=lambda smooth, rates: np.diff(smooth), best=np.argmin):
    def suggest_rate(rates, losses):
        losses = losses[: until(losses) + 1]
        return rates[best(fall(smooth(losses), rates[: len(losses)]))]

    return suggest_rate


RANGES = {
    "the lowest loss": lambda rates, losses: rates[int(np.nanargmin(losses))],
    "the lowest loss, divided": lambda rates, losses: rates[int(np.nanargmin(losses))] / 10,
    "half of the fall": lambda rates, losses: rates[
        int(np.argmax(np.array(losses) < (np.nanmax(losses[:30]) + np.nanmin(losses)) / 2))
    ],
    "not smoothed": at_steepest(smooth=np.array),
    "the average lags": at_steepest(smooth=looking_back),
    "slope per rate": at_steepest(fall=np.gradient),
    "steepest rise": at_steepest(until=lambda losses: 999, best=np.nanargmax),
    "after the explosion": at_steepest(until=lambda losses: 999, best=np.nanargmin),
    "zeros at the ends": at_steepest(smooth=lambda losses: np.convolve(losses, np.ones(9) / 9, "same")),
    "shifted by the smoothing": at_steepest(smooth=lambda losses: np.convolve(losses, np.ones(15) / 15, "valid")),
    "not a number won": at_steepest(until=np.argmin),
    "a place, not a rate": lambda rates, losses: int(np.nanargmin(np.diff(centred(losses)))),
    "a logarithm, not a rate": lambda rates, losses: math.log10(at_steepest()(rates, losses)),
    "a loss, not a rate": lambda rates, losses: losses[rates.index(at_steepest()(rates, losses))],
    "another value": lambda rates, losses: rates[3],
    "other form": lambda rates, losses: (rates[0], losses[0]),
    "returned None": returns_nothing,
}


def by_fitting(rates, losses):
    """A polynomial through what comes before the lowest loss, and where its slope is least."""
    lowest = int(np.nanargmin(losses))
    x = np.log(rates[: lowest + 1])
    slope = np.polynomial.Polynomial.fit(x, losses[: lowest + 1], 7).deriv()
    inner = x[len(x) // 8 : -len(x) // 8]  # a polynomial runs wild at its ends
    return torch.tensor(float(np.exp(inner[slope(inner).argmin()])))


def by_halves(rates, losses):
    """The place whose eight losses before and eight losses after differ most; loops alone."""
    best, place = -math.inf, 0
    lowest = min((loss, i) for i, loss in enumerate(losses) if loss == loss)[1]
    for i in range(8, lowest - 7):
        fall = sum(losses[i - 8 : i]) - sum(losses[i : i + 8])
        if fall > best:
            best, place = fall, i
    return rates[place]


# ---------------------------------------------------------------- 08.3


def watched(
    better=lambda score, best: score > best or (best != best and score == score),
    enough=lambda waited, patience: waited >= patience,
    after_better=lambda waited: 0,
    begin=lambda scores: (scores[0], 0),
    result=lambda best, last, scores: (best, last),
):
    def stop_early(scores, patience, more_is_better):
        scores = [score if more_is_better else -score for score in scores]
        (top, waited), best = begin(scores), 0
        for last in range(1, len(scores)):
            if better(scores[last], top):
                top, best, waited = scores[last], last, after_better(waited)
            else:
                waited += 1
            if enough(waited, patience):
                return result(best, last, scores)
        return result(best, len(scores) - 1, scores)

    return stop_early


def against_the_one_before(scores, patience, more_is_better):
    waited, best = 0, 0
    for i in range(1, len(scores)):
        better = scores[i] > scores[i - 1] if more_is_better else scores[i] < scores[i - 1]
        best, waited = (i, 0) if better else (best, waited + 1)
        if waited == patience:
            return best, i
    return best, len(scores) - 1


def leaves_nan_out(scores, patience, more_is_better):
    best, waited = None, 0
    for last, score in enumerate(scores):
        if math.isnan(score):
            continue
        if best is None or (score > scores[best] if more_is_better else score < scores[best]):
            best, waited = last, 0
        else:
            waited += 1
        if waited == patience:
            break
    return best, last


STOPS = {
    "direction ignored": lambda scores, patience, more_is_better: watched()(scores, patience, True),
    "one evaluation too many": watched(enough=lambda waited, patience: waited > patience),
    "one evaluation too few": watched(begin=lambda scores: (scores[0], 1), after_better=lambda waited: 1),
    "never set back": watched(after_better=lambda waited: waited),
    "compared with the one before": against_the_one_before,
    "an equal score is better": watched(better=lambda score, best: score >= best or best != best),
    "looked into the future": watched(result=lambda best, last, scores: (int(np.nanargmax(scores)), last)),
    "the last, not the best": watched(result=lambda best, last, scores: (last, last)),
    "the wrong way round": watched(result=lambda best, last, scores: (last, best)),
    "counted from 1": watched(result=lambda best, last, scores: (best + 1, last + 1)),
    "the last is a length": watched(result=lambda best, last, scores: (best, last + 1)),
    "a score, not a place": watched(result=lambda best, last, scores: (abs(scores[best]), last)),
    "nan stays the best": watched(better=lambda score, best: score > best),
    "nan is better": watched(better=lambda score, best: not score <= best),
    "begins at 0": watched(better=lambda score, best: score > best, begin=lambda scores: (0.0, 0)),
    "nan is not counted": leaves_nan_out,
    "another value": lambda scores, patience, more_is_better: (0, 0),
    "other form": lambda scores, patience, more_is_better: 3,
    "returned None": returns_nothing,
}


def by_prefixes(scores, patience, more_is_better):
    """For each length of the run: where is the best, and how long ago?"""
    signed = np.array(scores) if more_is_better else -np.array(scores)
    signed[np.isnan(signed)] = -np.inf
    for last in range(len(signed)):
        best = signed[: last + 1].argmax()  # the first of equals
        if last - best >= patience:
            break
    return [best, last]


def with_tensors(scores, patience, more_is_better):
    left = torch.tensor(scores, dtype=torch.float64) * (1 if more_is_better else -1)
    left = left.nan_to_num(nan=-1e9)
    best = torch.tensor(0)
    for last in torch.arange(len(left)):
        if left[last] > left[best]:
            best = last
        if last - best == patience:
            break
    return best, last


# ---------------------------------------------------------------- 08.4


def kept(logits, labels):
    return logits[labels != -100], labels[labels != -100]


def with_weights(weights, log=lambda logits: logits.log_softmax(-1), mean=lambda losses, labels: losses.sum(-1).mean()):
    """A loss from the weights of each row's target, given a one-hot row, the smoothing and the number of classes."""

    def smoothed_loss(logits, labels, smoothing):
        rows, targets = kept(logits, labels)
        hot = one_hot(targets, rows.shape[1]).to(rows.dtype)
        return mean(-weights(hot, smoothing, rows.shape[1]) * log(rows), labels)

    return smoothed_loss


def soft(hot, s, k):
    return hot * (1 - s) + s / k


def everybody_pays(logits, labels, smoothing):
    log_p = logits.log_softmax(-1)
    return (1 - smoothing) * nll_loss(log_p, labels) - smoothing * log_p.mean(-1).mean()


def divergence(logits, labels, smoothing):
    rows, targets = kept(logits, labels)
    wanted = soft(one_hot(targets, rows.shape[1]).float(), smoothing, rows.shape[1])
    return torch.nn.functional.kl_div(rows.log_softmax(-1), wanted, reduction="batchmean")


LOSSES = {
    "not smoothed": lambda logits, labels, smoothing: cross_entropy(logits, labels),
    "the others only": with_weights(lambda hot, s, k: hot * (1 - s) + (1 - hot) * s / (k - 1)),
    "less than a whole": with_weights(lambda hot, s, k: hot * (1 - s) + (1 - hot) * s / k),
    "more than a whole": with_weights(lambda hot, s, k: hot + (1 - hot) * s / k),
    "shares exchanged": with_weights(lambda hot, s, k: hot * s + (1 - s) / k),
    "not divided by the classes": with_weights(lambda hot, s, k: hot * (1 - s) + s),
    "a sum over rows": with_weights(soft, mean=lambda losses, labels: losses.sum()),
    "a mean over classes too": with_weights(soft, mean=lambda losses, labels: losses.mean()),
    "rows without a label divide": with_weights(soft, mean=lambda losses, labels: losses.sum() / len(labels)),
    "rows without a label pay": everybody_pays,
    "along the rows": with_weights(soft, log=lambda logits: logits.log_softmax(0)),
    "no softmax": with_weights(soft, log=lambda logits: logits),
    "no logarithm": with_weights(soft, log=lambda logits: logits.softmax(-1)),
    "entropy taken off": divergence,
    "the sign": lambda logits, labels, smoothing: -SOLUTIONS["08.4"](logits, labels, smoothing),
    "probabilities smoothed": with_weights(
        lambda hot, s, k: hot, log=lambda logits: ((1 - 0.1) * logits.softmax(-1) + 0.1 / logits.shape[1]).log()
    ),
    "a loss for each row": with_weights(soft, mean=lambda losses, labels: losses.sum(-1)),
    "overflow": with_weights(soft, log=lambda logits: (logits.exp() / logits.exp().sum(-1, keepdim=True)).log()),
    "another value": lambda logits, labels, smoothing: 3.0,
    "raised": lambda logits, labels, smoothing: (
        -(soft(one_hot(labels, logits.shape[1]), smoothing, logits.shape[1]) * logits.log_softmax(-1)).sum(-1).mean()
    ),
    "returned None": returns_nothing,
}


def row_by_row(logits, labels, smoothing):
    """Loops and floats: the label's own loss, and the mean of the losses of all labels."""
    losses = []
    for row, label in zip(logits.double().numpy(), labels.tolist(), strict=True):
        if label >= 0:
            every = [float(np.logaddexp.reduce(row) - value) for value in row]
            losses.append((1 - smoothing) * every[label] + smoothing * statistics.fmean(every))
    return statistics.fmean(losses)


# ---------------------------------------------------------------- 08.5


def beside(
    own=max, there=lambda others, k: [other[k - 1] for other in others if len(other) >= k], middle=np.median,
    warm=lambda k, warmup: k <= warmup, few=lambda there, others, least: len(there) < least,
    below=lambda mine, theirs: mine < theirs,
):  # fmt: skip
    def hopeless(curve, others, warmup, least):
        scores = there(others, len(curve))
        if warm(len(curve), warmup) or few(scores, others, least) or not scores:
            return False
        return below(own(curve), middle(scores))

    return hopeless


PRUNES = {
    "their last scores": beside(there=lambda others, k: [other[-1] for other in others]),
    "all their scores": beside(there=lambda others, k: [score for other in others for score in other[:k]]),
    "their best so far": beside(there=lambda others, k: [max(other[:k]) for other in others if len(other) >= k]),
    "short runs are stretched": beside(there=lambda others, k: [other[:k][-1] for other in others]),
    "the latest, not the best": beside(own=lambda curve: curve[-1]),
    "given up for good": lambda curve, *rest: any(beside()(curve[: k + 1], *rest) for k in range(len(curve))),
    "the mean": beside(middle=np.mean),
    "one of the middle two": beside(middle=lambda scores: sorted(scores)[len(scores) // 2]),
    "the best of them": beside(middle=max),
    "equals are given up": beside(below=lambda mine, theirs: mine <= theirs),
    "the wrong way round": beside(below=lambda mine, theirs: mine > theirs),
    "warm-up too short": beside(warm=lambda k, warmup: k < warmup),
    "warm-up too long": beside(warm=lambda k, warmup: k - 1 <= warmup),
    "no warm-up": beside(warm=lambda k, warmup: False),
    "runs counted that never got there": beside(few=lambda there, others, least: len(others) < least),
    "one run more than asked": beside(few=lambda there, others, least: len(there) <= least),
    "too few to compare with": beside(few=lambda there, others, least: False),
    "an evaluation later": beside(there=lambda others, k: [other[k] for other in others if len(other) > k]),
    "an evaluation earlier": beside(there=lambda others, k: [o[k - 2] for o in others if 0 < k - 1 <= len(o)]),
    "runs that end here left out": beside(there=lambda others, k: [o[k - 1] for o in others if len(o) > k]),
    "another value": lambda curve, others, warmup, least: "no",
    "raised": beside(there=lambda others, k: [other[k - 1] for other in others]),
    "returned None": returns_nothing,
}


def by_counting(curve, others, warmup, least):
    """With NumPy, and NaN where a run has ended."""
    table = np.full((len(others), 99), np.nan)
    for row, other in zip(table, others, strict=True):
        row[: len(other)] = other
    column = table[:, len(curve) - 1]
    spared = len(curve) <= warmup or np.isfinite(column).sum() < least
    return np.bool_(not spared) and np.max(curve) < np.nanquantile(column, 0.5)


# ---------------------------------------------------------------- 08.6


def over_seeds(
    mean=lambda d: d.mean(), error=lambda d, a, b: d.std(ddof=1) / len(d) ** 0.5, alone=math.inf,
    verdict=lambda d, e, w, n: "better" if d > w * e else "worse" if d < -w * e else "cannot tell", turn=1,
):  # fmt: skip
    def compare(a, b, width):
        a, b = np.array(a), np.array(b)
        d = turn * (b - a)
        if len(d) == 1 and alone is not None:
            return d.mean(), alone, "cannot tell"
        e, gain = error(d, a, b), mean(d) if mean else b.max() - a.max()
        return gain, e, verdict(gain, e, width, len(d))

    return compare


def scaled(result, width):
    difference, error, verdict = result
    return difference, width * error, verdict


def ranges(a, b, width):
    difference, error, _ = over_seeds()(a, b, width)
    return difference, error, "better" if min(b) > max(a) else "worse" if max(b) < min(a) else "cannot tell"


COMPARISONS = {
    "pairs torn apart": over_seeds(error=lambda d, a, b: np.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b))),
    "divided by n": over_seeds(error=lambda d, a, b: np.std(d) / np.sqrt(len(d))),
    "n - 1 under both roots": over_seeds(error=lambda d, a, b: d.std(ddof=1) / np.sqrt(len(d) - 1)),
    "not divided by the root": over_seeds(error=lambda d, a, b: d.std(ddof=1)),
    "the root is missing": over_seeds(error=lambda d, a, b: d.std(ddof=1) / len(d)),
    "a variance": over_seeds(error=lambda d, a, b: d.var(ddof=1) / len(d)),
    "the bound, not the error": lambda a, b, width: scaled(over_seeds()(a, b, width), width),
    "parts in another order": lambda a, b, width: over_seeds()(a, b, width)[::-1],
    "a less b": over_seeds(turn=-1),
    "medians": over_seeds(mean=np.median),
    "the best of each": over_seeds(mean=None),
    "the sign decides": over_seeds(verdict=lambda d, e, w, n: "better" if d > 0 else "worse"),
    "width left out": over_seeds(verdict=lambda d, e, w, n: SOLUTION_VERDICT(d, e)),
    "spread for error": over_seeds(verdict=lambda d, e, w, n: SOLUTION_VERDICT(d, e * w * math.sqrt(n))),
    "never worse": over_seeds(verdict=lambda d, e, w, n: "better" if d > w * e else "cannot tell"),
    "worse or better, never open": over_seeds(verdict=lambda d, e, w, n: "better" if d > w * e else "worse"),
    "the size alone": over_seeds(verdict=lambda d, e, w, n: "better" if abs(d) > w * e else "cannot tell"),
    "better and worse exchanged": over_seeds(verdict=lambda d, e, w, n: SOLUTION_VERDICT(-d, w * e)),
    "other words": over_seeds(verdict=lambda d, e, w, n: f"b is {SOLUTION_VERDICT(d, w * e)}"),
    "ranges must not overlap": ranges,
    "certain of one seed": over_seeds(alone=0.0),
    "one seed is nan": over_seeds(alone=math.nan),
    "another value": lambda a, b, width: (9.0, 9.0, "better"),
    "raised": over_seeds(error=lambda d, a, b: statistics.stdev(d.tolist()) / len(d) ** 0.5, alone=None),
    "other form": lambda a, b, width: "better",
}


def SOLUTION_VERDICT(difference, bar):
    return "better" if difference > bar else "worse" if difference < -bar else "cannot tell"


def with_lists(a, b, width):
    differences = [y - x for x, y in zip(a, b, strict=True)]
    mean = sum(differences) / len(differences)
    if len(a) < 2:
        return [mean, float("inf"), "cannot tell"]
    error = math.sqrt(sum((d - mean) ** 2 for d in differences) / (len(a) - 1) / len(a))
    away = 0 if error * width >= abs(mean) else 1
    return [mean, error, ["cannot tell", "better" if mean > 0 else "worse"][away]]


def by_variances(a, b, width):
    """var(b - a) = var a + var b - 2 cov; tensors."""
    a, b = torch.tensor(a, dtype=torch.float64), torch.tensor(b, dtype=torch.float64)
    difference = b.mean() - a.mean()
    if len(a) == 1:
        return difference, torch.tensor(math.inf), "cannot tell"
    cov = torch.cov(torch.stack([a, b]))
    error = ((cov[0, 0] + cov[1, 1] - 2 * cov[0, 1]) / len(a)).sqrt()
    return difference, error, SOLUTION_VERDICT(difference, width * error)


# ---------------------------------------------------------------- 08.7


def exchanged(*letters):
    """The right moves, each of these runs with the move of the next."""
    right = SOLUTIONS["08.7"]
    moved = dict(zip(letters, (right[letter] for letter in (*letters[1:], letters[0])), strict=True))
    return right | moved


MOVES = {
    "other runs": {letter: move for letter, move in SOLUTIONS["08.7"].items() if letter != "F"},
    "other words": SOLUTIONS["08.7"] | {"A": "overfits"},
    "a move twice": SOLUTIONS["08.7"] | {"A": "keep it"},
    "too good to be true": exchanged("C", "E"),
    "smooth is not done": exchanged("B", "E"),
    "high for another reason": exchanged("A", "D"),
    "leaps with a rhythm": exchanged("F", "D"),
    "the same training, another validation": exchanged("A", "C"),
    "training loss alone": exchanged("A", "E"),
    "the wrong way": exchanged("B", "D"),
    "mixed up": exchanged("F", "B"),
}
MISTAKES = {
    "08.1": DRAWS, "08.2": RANGES, "08.3": STOPS, "08.4": LOSSES, "08.5": PRUNES, "08.6": COMPARISONS, "08.7": MOVES,
}  # fmt: skip
OTHER_ANSWERS = {
    "08.1": OTHER_DRAWS,
    "08.2": [by_fitting, by_halves, at_steepest(smooth=lambda losses: centred(losses, 6))],
    "08.3": [by_prefixes, with_tensors],
    "08.4": [row_by_row, with_weights(soft), lambda x, y, s: cross_entropy(x, y, label_smoothing=s)],
    "08.5": [by_counting, beside(own=lambda curve: torch.tensor(curve).max(), below=lambda a, b: a < torch.tensor(b))],
    "08.6": [with_lists, by_variances],
    "08.7": [{letter.lower(): f" {move.upper()}" for letter, move in SOLUTIONS["08.7"].items()}],
}


def test_every_exercise_is_asked_and_proven():
    assert list(lesson_checks("08")) == list(SOLUTIONS) == list(STUBS) == list(MISTAKES) == list(OTHER_ANSWERS)


@pytest.mark.parametrize("id", MISTAKES)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # mistakes may divide by zero
def test_right_stub_and_usual_mistakes_are_told_apart(id):
    assert_recognises(find_check(id), SOLUTIONS[id], STUBS[id], MISTAKES[id])


@pytest.mark.parametrize(("id", "answer"), [(id, answer) for id, given in OTHER_ANSWERS.items() for answer in given])
def test_other_right_answers_are_right(id, answer):
    assert find_check(id).examine(answer), find_check(id).examine(answer)


def counts_the_first(scores, patience, more_is_better):
    best = waited = 0
    for last, score in enumerate(scores):
        if score > scores[best] if more_is_better else score < scores[best]:
            best, waited = last, 0
        else:
            waited += 1
        if waited == patience:
            return best, last
    return best, len(scores) - 1


def log_of_the_mean(logits, labels, smoothing):
    rows, targets = kept(logits, labels)
    return (1 - smoothing) * cross_entropy(rows, targets) - smoothing * rows.softmax(-1).mean(-1).log().mean()


@pytest.mark.parametrize(("id", "name", "answer"), [
    ("08.2", "after the explosion", at_steepest(lambda losses: centred(losses, 4), lambda losses: 999, best=np.nanargmin)),
    ("08.3", "one evaluation too few", counts_the_first),
    ("08.4", "probabilities smoothed", log_of_the_mean),
    ("08.6", "the size alone", over_seeds(mean=lambda d: abs(d.mean()))),
])  # fmt: skip
def test_the_same_mistake_written_otherwise(id, name, answer):
    assert find_check(id).examine(answer).mistake.name == name


@pytest.mark.parametrize("seed", range(3))
def test_random_right_draws_are_never_refused(seed):
    """Whatever numbers a right answer happens to draw."""
    answer = by_kind(generator=lambda rng: np.random.default_rng(rng.integers(2**32) + seed))
    assert find_check("08.1").examine(answer)


def test_pruning_agrees_with_optuna():
    optuna = pytest.importorskip("optuna")
    random = np.random.default_rng(0)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    completed, pruned = optuna.trial.TrialState.COMPLETE, []
    for _ in range(40):
        others = [random.integers(0, 9, random.integers(1, 6)).tolist() for _ in range(5)]
        curve, warmup, least = random.integers(0, 7, random.integers(1, 5)).tolist(), *random.integers(0, 3, 2).tolist()
        pruner = optuna.pruners.MedianPruner(n_startup_trials=0, n_warmup_steps=warmup, n_min_trials=least + 1)
        study = optuna.create_study(direction="maximize", pruner=pruner)
        for other in others:
            values = dict(enumerate(map(float, other)))
            study.add_trial(optuna.trial.create_trial(state=completed, value=1.0, intermediate_values=values))
        trial = study.ask()
        for step, score in enumerate(curve):
            trial.report(score, step)
        pruned.append(trial.should_prune())
        assert pruned[-1] == SOLUTIONS["08.5"](curve, others, warmup, least + 1)
    assert 5 <= sum(pruned) <= 35  # both answers are given


def test_what_the_figures_show():
    """The steepest fall is where it is said to be; each run asks for the move that is right for it."""
    rates, losses = range_curve(3e-4)
    lowest = int(np.argmin(losses))
    steepest = rates[int(np.diff(losses[: lowest + 1]).argmin())]
    assert abs(math.log10(steepest / 3e-4)) < 0.1 and rates[lowest] > 10 * steepest

    floor = -(0.1 * math.log(0.1) + 0.9 * math.log(0.9))
    runs = {SOLUTIONS["08.7"][letter]: frame for letter, frame in tuning_runs().items()}
    train = {move: float(frame["loss"].tail(32).mean()) for move, frame in runs.items()}
    ends = {move: frame["validation_loss"].dropna().to_numpy() for move, frame in runs.items()}
    assert ends["check the splits"][-1] < 0.75 * floor < floor < ends["keep it"].min()
    assert ends["keep it"][-1] < ends["keep it"].min() + 0.02 < 1.3 * floor
    assert train["regularise"] < 0.6 * floor and ends["regularise"][-1] > 1.5 * ends["regularise"][0]
    assert np.all(np.diff(ends["raise the rate"]) < 0.005) and ends["raise the rate"][-1] > 0.6
    assert train["lower the rate"] > 2 * floor and ends["lower the rate"].min() > 0.6
    leaps = runs["shuffle"]["loss"].to_numpy()[32:].reshape(-1, 16)  # (epochs, steps)
    assert np.ptp(leaps, axis=0).max() < 0.1 and np.ptp(leaps, axis=1).min() > 0.5  # each epoch alike
