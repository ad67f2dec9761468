# %% [markdown]
# # 09 · Text classification: exercises
#
# Scores, weights, thresholds, last tokens: none of these raises an error when it is wrong, and each of them decides what you report or what a user sees. Eight exercises, about an hour. Every cell takes a second or two on two CPU cores, the first one a few.
#
# Replace each `raise NotStarted` by your answer, run its cell, then run the `check` under it. The check says what it saw, what usually leads there, and what to try next. Stuck? Write `hint("09.1")` in a cell of its own: each call tells a little more. What you have solved is remembered on this machine; `course progress` in a terminal lists it.
#
# Each exercise stands alone, so begin where you like. Difficulty and importance go up to three dots.

# %%
from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from course_utils.checks import NotStarted, check, hint
from course_utils.checks.lesson_09 import precision_and_recall, spam_scores
from course_utils.figures import classification as pictures

# %% [markdown]
# ## Exercise 1 · Macro and micro F1 · difficulty ●●○ · importance ●●● · 10 minutes
#
# The F1 of one class is $2 \cdot \text{right} / (\text{said} + \text{there})$: `right` rows are of the class and are predicted so, `said` rows are predicted so, `there` rows are of the class.
#
# *Macro* F1 is the plain mean of the classes' F1, so a rare class counts as much as a frequent one. *Micro* F1 adds up `right`, `said` and `there` over the classes first, and takes one F1 of the sums. Classes are numbered from 0, and every class has rows; one that is never predicted has an F1 of 0.
#
# Return both, macro first.

# %%
def f1_scores(true: np.ndarray, predicted: np.ndarray, classes: int) -> tuple[float, float]:
    """Macro F1 and micro F1. `true`, `predicted`: (rows,) class numbers."""
    ### BEGIN SOLUTION
    right, said, there = np.zeros(classes), np.zeros(classes), np.zeros(classes)
    for number in range(classes):
        right[number] = ((true == number) & (predicted == number)).sum()
        said[number] = (predicted == number).sum()
        there[number] = (true == number).sum()
    macro = (2 * right / (said + there)).mean()
    micro = 2 * right.sum() / (said.sum() + there.sum())
    return float(macro), float(micro)
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("09.1", f1_scores)

# %% [markdown]
# Where each row has one label and gets one prediction, one of the two is an old acquaintance. Which?

# %%
true, predicted = np.array([0] * 90 + [1] * 10), np.zeros(100, dtype=int)  # never says 1
macro, micro = f1_scores(true, predicted, classes=2)
print(f"macro {macro:.2f}, micro {micro:.2f}, accuracy {(true == predicted).mean():.2f}")

# %% [markdown]
# ## Exercise 2 · Class weights that add up · difficulty ●●○ · importance ●●○ · 8 minutes
#
# A weighted loss counts each row as much as its class weighs. Give each class a weight inverse to its number of rows: then a rare class counts as much as a frequent one. Scale the weights so that **over all rows they add up to the number of rows**: then the learning rate keeps its meaning.
#
# With 6 rows of class 0 and 2 rows of class 1, the weights are ⅔ and 2: 6 · ⅔ + 2 · 2 = 8. A class without any row gets the weight 0, and the others are as if it did not exist.

# %%
def class_weights(labels: np.ndarray, classes: int) -> np.ndarray:
    """(classes,) one weight a class. `labels`: (rows,) class numbers."""
    ### BEGIN SOLUTION
    counts = np.bincount(labels, minlength=classes)
    there = counts > 0
    weights = np.zeros(classes)
    weights[there] = len(labels) / (there.sum() * counts[there])
    return weights
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("09.2", class_weights)

# %% [markdown]
# ## Exercise 3 · Precision against recall · difficulty ●●○ · importance ●●● · 12 minutes
#
# A model gives each message a score for *spam*. Whoever flags all messages **from** a threshold on gets a precision (how many of the flagged are spam) and a recall (how many of the spam are flagged).
#
# Return one triple (threshold, precision, recall) for every *different* score, the highest threshold first. Messages with equal scores are flagged together.

# %%
def precision_recall(scores: np.ndarray, is_spam: np.ndarray) -> list[tuple[float, float, float]]:
    """(threshold, precision, recall) from the highest threshold down. `is_spam`: (rows,) True or False."""
    ### BEGIN SOLUTION
    points = []
    for threshold in sorted(set(scores.tolist()), reverse=True):
        flagged = scores >= threshold
        right = (flagged & is_spam).sum()
        points.append((threshold, float(right / flagged.sum()), float(right / is_spam.sum())))
    return points
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("09.3", precision_recall)

# %% [markdown]
# Two splits of made-up scores, validation and test, as a fair model of rare spam might give them. Here is the curve of validation. Look at the left end of the curve: a few rows decide there.

# %%
validation, test = spam_scores()
points = precision_recall(*validation)
frame = pd.DataFrame(points, columns=["threshold", "precision", "recall"])
pictures.precision_recall({"made-up model": frame}, share=float(validation[1].mean()))

# %% [markdown]
# ## Exercise 4 · A threshold, chosen honestly · difficulty ●●○ · importance ●●● · 10 minutes
#
# "At least nine in ten of the messages that you hide must be spam": choose the **lowest** threshold, among the scores of one split, that keeps a precision of at least `floor` there, and report its precision and recall on another. Which split is for what?
#
# `precision_and_recall(scores, is_spam, threshold)` gives both for one threshold. Each split is a pair (scores, is_spam).

# %%
def choose_threshold(validation: tuple, test: tuple, floor: float) -> tuple[float, float, float]:
    """The threshold, and the precision and the recall to report for it."""
    ### BEGIN SOLUTION
    scores, is_spam = validation
    kept = [t for t in scores.tolist() if precision_and_recall(scores, is_spam, t)[0] >= floor]
    threshold = min(kept)
    return threshold, *precision_and_recall(*test, threshold)
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("09.4", choose_threshold)

# %%
validation, test = spam_scores()
threshold, precision, recall = choose_threshold(validation, test, floor=0.9)
promised, _ = precision_and_recall(*validation, threshold)
print(f"from {threshold:.2f} on: precision {promised:.2f} on validation, {precision:.2f} on test, recall {recall:.2f}")

# %% [markdown]
# Does the promise of nine in ten hold on new messages? A threshold chosen at the edge has luck in it, as every choice has. Who needs a guarantee chooses a stricter floor, on more validation rows.
#
# ## Exercise 5 · The last real token · difficulty ●●○ · importance ●●● · 10 minutes
#
# A decoder's token knows only what stands before it, so a classifier reads the *last real* one. Where is it? Rows of a batch may be padded on the right or on the left, and GPT-2 types use the same token to begin a text, to end it and to pad.
#
# Return its index for each row. You get the token ids, the attention mask (1 for real, 0 for padding) and the id of the padding token; you need not use them all.

# %%
def last_token(input_ids: torch.Tensor, attention_mask: torch.Tensor, pad_token_id: int) -> torch.Tensor:
    """(batch,) index of the last real token of each row. Inputs: (batch, time)."""
    ### BEGIN SOLUTION
    places = torch.arange(attention_mask.shape[1])  # (time,)
    return (places * attention_mask).argmax(1)
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("09.5", last_token)

# %% [markdown]
# ## Exercise 6 · Targets for several labels · difficulty ●○○ · importance ●●○ · 5 minutes
#
# A notice may touch several topics, or none. Turn lists of label names into a table of numbers, a row for each notice and a column for each name in the order of `label_names`: 1 where the label applies, 0 elsewhere. The loss wants floating-point numbers.

# %%
def multi_label_targets(labels: Sequence[Sequence[str]], label_names: Sequence[str]) -> torch.Tensor:
    """(rows, classes) of 1.0 and 0.0."""
    ### BEGIN SOLUTION
    targets = torch.zeros(len(labels), len(label_names))
    for row, names in enumerate(labels):
        for name in names:
            targets[row, list(label_names).index(name)] = 1.0
    return targets
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("09.6", multi_label_targets)

# %% [markdown]
# ## Exercise 7 · A yes or no for every class · difficulty ●●○ · importance ●●● · 10 minutes
#
# With several labels, each class is a question of its own: its probability is the *sigmoid* of its logit, $\sigma(z) = 1 / (1 + e^{-z})$, and its loss is the binary cross-entropy, $-\log \sigma(z)$ for a target of 1 and $-\log (1 - \sigma(z))$ for a target of 0.
#
# Return the **sum** over all decisions, as every loss of this course. A target of −100 means that nobody knows: leave it out. Logits may be as large as 200; the result must stay a number.

# %%
def multi_label_loss(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """The sum of binary cross-entropies. Both: (rows, classes); targets 1.0, 0.0, or -100.0 for unknown."""
    ### BEGIN SOLUTION
    known = targets != -100
    return binary_cross_entropy_with_logits(logits[known], targets[known], reduction="sum")
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("09.7", multi_label_loss)

# %% [markdown]
# ## Exercise 8 · How many stars shall we say? · difficulty ●●○ · importance ●●○ · 8 minutes
#
# A model gives each of five classes, one to five stars, a probability. The likeliest class is right most often. But being four stars off is worse than being one off: if the cost is the *distance* in stars, another class can be cheaper on average.
#
# For each row, return the class (0 for one star) whose expected distance from the true class is smallest, if the probabilities can be trusted.

# %%
def say_stars(probabilities: np.ndarray) -> np.ndarray:
    """(rows,) class numbers. `probabilities`: (rows, classes), each row adds up to 1."""
    ### BEGIN SOLUTION
    classes = np.arange(probabilities.shape[1])
    distance = np.abs(classes[:, None] - classes)  # (said, true)
    expected = probabilities @ distance.T  # (rows, said)
    return expected.argmin(1)
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("09.8", say_stars)

# %% [markdown]
# The likeliest class is the *mode* of the distribution; a known statistic minimises the expected distance, and another one the expected squared distance. Which are they? Compare with `median_class` in `course_utils/experiments/lesson_09.py`.
#
# ## What you have now
#
# - two averages of F1, and an eye for which one hides a rare class;
# - weights that do not change the learning rate behind your back;
# - a curve, a threshold, and the split on which to choose it;
# - the last token, on whichever side the padding is;
# - a loss for several labels, and a decision for ordered ones.
