# %% [markdown]
# # 08 · Hyperparameters: exercises
#
# A search for settings always ends with a winner, whether it was done well or not. Drawn on the wrong scale, judged by the wrong evaluation, or called better after one lucky seed: nothing complains. Here you write the parts of a search in which that happens. Seven exercises, about an hour; no cell takes more than a second or two on two CPU cores.
#
# Replace each `raise NotStarted` by your answer, run its cell, then run the `check` under it. The check says what it saw, what usually leads there, and what to try next. Stuck? Write `hint("08.1")` in a cell of its own: each call tells a little more. What you have solved is remembered on this machine; `course progress` in a terminal lists it.
#
# Each exercise stands alone, so begin where you like. Difficulty and importance go up to three dots.

# %%
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from scipy import stats

from course_utils import figures
from course_utils.checks import NotStarted, check, hint
from course_utils.checks.lesson_08 import range_curve, tuning_runs

# %% [markdown]
# ## Exercise 1 · Draw a setting · difficulty ●●○ · importance ●●● · 10 minutes
#
# Random search begins with a space, and draws settings from it. A space has three kinds of entries:
#
# - `("log", low, high)`: each decade is as likely as any other: as many rates between 1e-5 and 1e-4 as between 1e-3 and 1e-2;
# - `("linear", low, high)`: evenly from `low` to `high`;
# - `("choice", options)`: each option is as likely as any other.
#
# Draw one setting: a value for each name, each by itself. Take every draw from `rng`, a NumPy generator that the caller uses again for the next setting.

# %%
space = {
    "learning_rate": ("log", 1e-5, 1e-2),
    "dropout": ("linear", 0.0, 0.5),
    "batch_size": ("choice", [8, 16, 32]),
}


# %%
def draw(space: dict[str, tuple], rng: np.random.Generator) -> dict[str, Any]:
    """One value for each name of the space."""
    ### BEGIN SOLUTION
    setting = {}
    for name, (kind, *rest) in space.items():
        if kind == "choice":
            [options] = rest
            setting[name] = options[rng.integers(len(options))]
        elif kind == "linear":
            setting[name] = rng.uniform(*rest)
        else:
            low, high = rest
            setting[name] = math.exp(rng.uniform(math.log(low), math.log(high)))
    return setting
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("08.1", draw)

# %% [markdown]
# **Predict.** Of twelve rates drawn evenly from 1e-5 to 1e-2, *not* by their logarithm, how many are below 1e-3? Now look at twelve of yours.

# %%
rng = np.random.default_rng(0)
rates = sorted(draw(space, rng)["learning_rate"] for _ in range(12))
print("drawn by the logarithm:", *(f"{rate:.0e}" for rate in rates))
print("drawn evenly:          ", *(f"{rate:.0e}" for rate in sorted(rng.uniform(1e-5, 1e-2, 12))))

# %% [markdown]
# ## Exercise 2 · Read a range test · difficulty ●●● · importance ●●○ · 12 minutes
#
# In a range test the rate rises by the same factor at each step, and you watch the loss. It stands still, falls, reaches its lowest point, and explodes. The lesson takes a tenth of the rate at the lowest point. Here you write the other usual rule: the rate at which the loss falls *fastest*.
#
# Return that rate. Four things stand in the way:
#
# - at the lowest point, the rate is already too high;
# - each loss comes from another batch, so neighbours jump. Smooth first, evenly to both sides: an average that looks back only lags behind;
# - after the explosion the loss may swing up and down, and fall further than ever before;
# - the last losses may be `nan`.
#
# Any smoothing is right that brings you within a factor of 1.7.

# %%
def suggest_rate(rates: Sequence[float], losses: Sequence[float]) -> float:
    """The rate at which the loss falls most per factor of the rate. Both: one value per step."""
    ### BEGIN SOLUTION
    lowest = int(np.nanargmin(losses))
    before = losses[: lowest + 1]
    smooth = [np.mean(before[max(0, i - 4) : i + 5]) for i in range(len(before))]
    return rates[int(np.diff(smooth).argmin())]
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("08.2", suggest_rate)

# %% [markdown]
# Look at one of them. The dotted line is your answer.

# %%
rates, losses = range_curve(noise=0.04)
figure = figures.blank("The loss falls fastest well before its lowest point", "learning rate", "loss")
figure.add_scatter(x=rates, y=losses, mode="lines")
figure.add_vline(x=suggest_rate(rates, losses), line_dash="dot")
figure.update_xaxes(type="log").update_yaxes(range=[0, 3])

# %% [markdown]
# ## Exercise 3 · Stop in time · difficulty ●●○ · importance ●●● · 8 minutes
#
# After each evaluation you decide whether to go on. With a `patience` of 2 you stop as soon as two evaluations have passed, one after the other, without a better score than the best so far. Of an accuracy more is better, of a loss less.
#
# An equal score is no better. Neither is `nan`, which a run that broke down gives; but any number is better than `nan`. The first evaluation is the best so far, whatever it gave.
#
# Return two places in the list, counted from 0: that of the best evaluation, and that of the last one you ran. All scores are given here, but when you stop you have not seen those that follow.
#
# | score | .6 | .7 | .69 | .72 | .71 | .68 | .9 |
# |---|---|---|---|---|---|---|---|
# | place | 0 | 1 | 2 | **3** | 4 | **5** | |
#
# gives `(3, 5)` with a patience of 2.

# %%
def stop_early(scores: Sequence[float], patience: int, more_is_better: bool) -> tuple[int, int]:
    """The places of the best evaluation and of the last."""
    ### BEGIN SOLUTION
    best = waited = last = 0
    for last, score in enumerate(scores):
        if last == 0:
            continue
        better = score > scores[best] if more_is_better else score < scores[best]
        if better or (math.isnan(scores[best]) and not math.isnan(score)):
            best, waited = last, 0
        else:
            waited += 1
        if waited == patience:
            break
    return best, last
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("08.3", stop_early)

# %% [markdown]
# Patience has a price. Below, a run improves slowly, and its scores are measured on few rows. **Predict.** At which patience does it reach the best of its sixty evaluations?

# %%
noise = np.random.default_rng(3).normal(0, 0.02, 60)
scores = 0.9 - 0.3 * np.exp(-np.arange(60) / 15) + noise
for patience in (1, 2, 4, 8, 16):
    best, last = stop_early(scores.tolist(), patience, more_is_better=True)
    print(f"patience {patience:2}: {last + 1:2} evaluations run, the best {scores[best]:.3f}")

# %% [markdown]
# ## Exercise 4 · Soften the labels · difficulty ●●○ · importance ●●○ · 8 minutes
#
# With 64 labels, a model soon puts a probability of nearly 1 on each. Label smoothing takes away the reward for that: a share $s$ of each label is dealt out evenly to *all* $K$ classes, the right one among them. With $s = .1$ and four classes, the right class keeps .925 and each other class gets .025.
#
# Return the mean cross-entropy with these softened labels, over the rows that have one: a label of −100 is none. Logits may be large. (PyTorch has this as `label_smoothing`; write it without.)

# %%
def smoothed_loss(logits: torch.Tensor, labels: torch.Tensor, smoothing: float) -> torch.Tensor:
    """Mean loss over targets. logits (batch, classes), labels (batch,)."""
    ### BEGIN SOLUTION
    targets = labels != -100
    log_p = logits[targets].log_softmax(-1)  # (targets, classes)
    right = log_p.gather(1, labels[targets][:, None])[:, 0]  # (targets,)
    return -((1 - smoothing) * right + smoothing * log_p.mean(-1)).mean()
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("08.4", smoothed_loss)

# %% [markdown]
# **Predict.** A model that is right, and ever surer of it: does its smoothed loss go to zero?

# %%
sure = [0, 1, 2, 3, 4, 6, 8, 12, 16]
for smoothing in (0.0, 0.1):
    of = [float(smoothed_loss(torch.tensor([[x, 0.0, 0.0, 0.0]]), torch.tensor([0]), smoothing)) for x in sure]
    print(f"smoothing {smoothing}:", *(f"{loss:.2f}" for loss in of))

# %% [markdown]
# Beyond a certain sureness the smoothed loss rises again. So never compare training losses of runs with another smoothing, and validate with the plain loss.
#
# ## Exercise 5 · Give up on a run · difficulty ●●○ · importance ●●○ · 10 minutes
#
# Most settings can be seen to be poor long before the end. *Median pruning* gives up on a run when its best score so far is **below the median of the scores that finished runs had at the same evaluation**. More is better.
#
# (Optuna's `MedianPruner` keeps this rule.) Two safeguards: no run is given up in its first `warmup` evaluations, and none unless at least `least` of the finished runs got as far as this evaluation. (Some finished sooner: they stopped early.)
#
# `curve` holds the scores of your run so far, one per evaluation; `others` those of the finished runs. With `others` of `[.5, .6, .7]`, `[.5, .7, .8]`, `[.4, .5, .6]`, the curve `[.5, .55]` is given up: its best is .55, and at the second evaluation the others had .5, .6 and .7.

# %%
def hopeless(curve: Sequence[float], others: Sequence[Sequence[float]], warmup: int, least: int) -> bool:
    """Whether to give up on a run after the last score of its curve."""
    ### BEGIN SOLUTION
    step = len(curve)
    there = [other[step - 1] for other in others if len(other) >= step]
    if step <= warmup or len(there) < least:
        return False
    return bool(max(curve) < np.median(there))
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("08.5", hopeless)

# %% [markdown]
# What does pruning save, and what does it lose? Sixty toy settings of ten evaluations each; the higher one ends, the more slowly it begins, as runs with a small rate do. **Predict.** Which warm-up keeps the best run?

# %%
luck = np.random.default_rng(2)
end = luck.uniform(0.6, 0.9, (60, 1))  # (settings, 1)
rise = 1 - np.exp(-3 * (1 - end) * np.arange(1, 11))  # (settings, evaluations)
curves = (end * rise + luck.normal(0, 0.01, (60, 10))).tolist()
for warmup in (0, 2, 4, 6, 10):
    finished, spent = [], 0
    for curve in curves:
        given_up = (k for k in range(1, 11) if hopeless(curve[:k], finished, warmup, least=4))
        k = next(given_up, None)
        spent += k or 10
        finished += [curve] if k is None else []
    best = max(curve[-1] for curve in finished)
    print(f"warm-up {warmup:2}: {spent} evaluations, the best run kept ends at {best:.3f}")

# %% [markdown]
# ## Exercise 6 · Better, worse, or cannot tell? · difficulty ●●○ · importance ●●● · 10 minutes
#
# Two settings, each run with the same few seeds: `a[i]` and `b[i]` saw the same batches and began with the same head. Is setting b better? (More is better.) Return three things:
#
# - by how much b is better than a, on average;
# - the **standard error** of that: the standard deviation of the differences *seed by seed* (dividing by $n - 1$), over $\sqrt n$;
# - the verdict: `"better"` if the difference exceeds `width` standard errors, `"worse"` if it is below `-width` of them, else `"cannot tell"`.
#
# One seed has no spread: the error is then `math.inf`, and you cannot tell.

# %%
def compare(a: Sequence[float], b: Sequence[float], width: float) -> tuple[float, float, str]:
    """How much better b is, the standard error of that, and the verdict on b."""
    ### BEGIN SOLUTION
    differences = np.subtract(b, a)
    mean, n = float(differences.mean()), len(differences)
    if n == 1:
        return mean, math.inf, "cannot tell"
    error = float(differences.std(ddof=1)) / math.sqrt(n)
    verdict = "better" if mean > width * error else "worse" if mean < -width * error else "cannot tell"
    return mean, error, verdict
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("08.6", compare)

# %% [markdown]
# How wide? With few seeds the spread itself is uncertain, so the bound is wider than the 1.96 of the textbooks. Student's $t$ says how wide, if you want to be wrong in one case of twenty where there is no difference.
#
# **Predict.** Setting b is better by .01. The seed moves each score by .03 (a standard deviation), and half of that variance is common to both settings. From how many seeds on will you see the difference?

# %%
seeds = np.random.default_rng(7)
for n in (2, 3, 5, 10, 30, 100):
    common, own_a, own_b = seeds.normal(0, 0.03 / math.sqrt(2), (3, n))
    width = float(stats.t.ppf(0.975, n - 1))
    difference, error, verdict = compare(0.80 + common + own_a, 0.81 + common + own_b, width)
    print(f"{n:3} seeds, width {width:5.2f}: {difference:+.3f} ± {width * error:.3f}, {verdict}")

# %% [markdown]
# The bound shrinks with the *root* of the number of seeds. To see half the difference takes four times the seeds.
#
# ## Exercise 7 · What next? · difficulty ●●○ · importance ●●● · 8 minutes
#
# Six runs of one small classifier on 256 rows: eight epochs of 16 steps. Lines are training losses, averaged over four steps; markers are validation losses. Upright gridlines are an epoch apart.
#
# In training and in validation, one label in ten is wrong, and nobody can know which. The dotted line at 0.33 is the loss of a model that knows everything else.
#
# Each of the six asks for another next move. Which?

# %%
floor = -(0.1 * np.log(0.1) + 0.9 * np.log(0.9))
for letter, frame in tuning_runs().items():
    figure = figures.loss_curves({letter: frame}, title=f"Run {letter}", smooth=4)
    figure.update_xaxes(tick0=0, dtick=16).update_layout(height=300)
    figure.add_hline(y=floor, line_dash="dot", line_color=figures.GREY, annotation_text="knows all, 0.33")
    figure.show()

# %%
# "keep it", "lower the rate", "raise the rate", "regularise", "shuffle" or "check the splits"
moves = {
    ### BEGIN SOLUTION
    ### STUB "A": ...,
    ### STUB "B": ...,
    ### STUB "C": ...,
    ### STUB "D": ...,
    ### STUB "E": ...,
    ### STUB "F": ...,
    "A": "regularise",
    "B": "raise the rate",
    "C": "check the splits",
    "D": "lower the rate",
    "E": "keep it",
    "F": "shuffle",
    ### END SOLUTION
}

# %%
# NBVAL_CHECK_OUTPUT
check("08.7", moves)

# %% [markdown]
# ## What you have now
#
# - settings drawn on the right scale, which you can draw again;
# - a peak rate read from a curve, and a run that ends in time;
# - a loss that does not reward being too sure;
# - a rule that gives up on poor runs, and not on young ones;
# - a verdict that admits when you cannot tell, and an eye for the next move.
#
# In your own runs, `TrainConfig` has `patience` and `label_smoothing`. The choice itself was exercise 6 of lesson 06: choose on validation, quote test once. A search makes that matter more: the more settings you try, the luckier the winner.
