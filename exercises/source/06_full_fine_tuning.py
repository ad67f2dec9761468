# %% [markdown]
# # 06 · Full fine-tuning: exercises
#
# The lesson wrote the loop and moved on. Here you write its delicate parts yourself: those that run without complaint when they are wrong. Seven exercises, about an hour. Cells take a second or two on two CPU cores; the first optimizer and the four runs of the last exercise take a few.
#
# Replace each `raise NotStarted` by your answer, run its cell, then run the `check` under it. The check says what it saw, what usually leads there, and what to try next. Stuck? Write `hint("06.1")` in a cell of its own: each call tells a little more. What you have solved is remembered on this machine; `course progress` in a terminal lists it.
#
# Each exercise stands alone, so begin where you like. Difficulty and importance go up to three dots.

# %%
import numpy as np
import torch
from torch.nn.functional import cross_entropy

from course_utils import figures
from course_utils.checks import NotStarted, check, hint
from course_utils.checks.lesson_06 import TinyClassifier, mystery_curves

# %% [markdown]
# The model here has 86 weights and the interface of every classifier in the course: token ids and a mask go in, `.logits` come out, one row per sentence and one column per class.

# %%
model = TinyClassifier(vocabulary=40, width=2)
batch = {
    "input_ids": torch.tensor([[5, 21, 7, 3], [9, 33, 0, 0]]),  # (batch, time), padded with 0
    "attention_mask": torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]]),
}
labels = torch.tensor([1, 0])  # (batch,)
model(**batch).logits  # (batch, classes)

# %% [markdown]
# ## Exercise 1 · The learning rate of a step · difficulty ●○○ · importance ●●○ · 8 minutes
#
# The rate rises in a straight line over the first `warmup` steps and is at its `peak` in the last of them. Then it falls in a straight line, so that zero would come one step *after* the last: no step is spent at a rate of zero. Steps count from 1.
#
# With 8 steps, 4 of them warm-up, and a peak of 1:
#
# | step | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 |
# |---|---|---|---|---|---|---|---|---|
# | rate | .25 | .5 | .75 | 1 | .8 | .6 | .4 | .2 |
#
# With `warmup=0` it falls from the first step on. The lesson showed this function; write it without looking back.

# %%
def learning_rate(step: int, steps: int, warmup: int, peak: float) -> float:
    """The rate of one step out of `steps`."""
    ### BEGIN SOLUTION
    if step <= warmup:
        return peak * step / warmup
    return peak * (steps + 1 - step) / (steps + 1 - warmup)
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("06.1", learning_rate)

# %% [markdown]
# Now look at it. An off-by-one is easier to see than to read.

# %%
figures.schedule([learning_rate(step, 24, 6, 5e-4) for step in range(1, 25)], title="Up, then down")

# %% [markdown]
# ## Exercise 2 · One step · difficulty ●●○ · importance ●●● · 10 minutes
#
# Rate, batch, forward, loss, backward, clip, step, zero. Each of these lines is short, and most wrong orders run without an error: the loss may even fall.
#
# Write one step: set the rate, compute the mean loss of this batch, clip its gradient to a length of at most 1.0, update the weights. Return the loss as a plain number. The lesson showed these lines; write them without looking back.

# %%
def one_step(
    model: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    batch: dict[str, torch.Tensor],
    labels: torch.Tensor,
    rate: float,
) -> float:
    """Update the weights on one batch; its mean loss before the update."""
    ### BEGIN SOLUTION
    for group in optimizer.param_groups:
        group["lr"] = rate
    logits = model(**batch).logits  # (batch, classes)
    loss = cross_entropy(logits, labels)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()
    return loss.item()
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("06.2", one_step)

# %% [markdown]
# A loop that works can learn one batch by heart. Try this first whenever a run of yours does not learn: if even two rows do not go to zero, the bug is in the loop and not in the data.

# %%
model = TinyClassifier(seed=1)
optimizer = torch.optim.AdamW(model.parameters())
losses = [one_step(model, optimizer, batch, labels, rate=0.1) for _ in range(30)]
print(f"loss {losses[0]:.2f} → {losses[-1]:.2f}")

# %% [markdown]
# ## Exercise 3 · The mean over unequal batches · difficulty ●●○ · importance ●●● · 8 minutes
#
# The loss of a split is the mean over its targets. But rows come in batches, and batches are not equal: the last one is smaller, and a row labelled -100 is no target at all (nobody said whether that review was positive).
#
# Each batch is given as its logits and its labels. Return the mean loss over all targets of all batches.

# %%
def mean_loss(batches: list[tuple[torch.Tensor, torch.Tensor]]) -> float:
    """Mean cross-entropy over targets. Each batch: logits (batch, classes), labels (batch,)."""
    ### BEGIN SOLUTION
    total, targets = 0.0, 0
    for logits, labels in batches:
        total += cross_entropy(logits, labels, reduction="sum").item()  # leaves out labels of -100
        targets += int((labels != -100).sum())
    return total / targets
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("06.3", mean_loss)

# %% [markdown]
# ## Exercise 4 · Four batches of 8, one gradient of 32 · difficulty ●●○ · importance ●●○ · 10 minutes
#
# A batch of 32 long reviews may not fit into memory; a batch of 8 does. Four of them can give *exactly* the gradient of the 32, if each batch gives its due share before the optimizer moves.
#
# Leave in the model the gradient of the mean loss over all targets of all batches. Never hold the activations of more than one batch. The model's gradients are empty when your function is called; the caller takes the step.

# %%
def accumulate(model: torch.nn.Module, batches: list[tuple[dict[str, torch.Tensor], torch.Tensor]]) -> None:
    """Fill the gradients. Each batch: the model's inputs, and labels (batch,), some of which are -100."""
    ### BEGIN SOLUTION
    targets = sum(int((labels != -100).sum()) for _, labels in batches)
    for batch, labels in batches:
        loss = cross_entropy(model(**batch).logits, labels, reduction="sum") / targets
        loss.backward()  # adds to the gradients, and frees what this batch held
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("06.4", accumulate)

# %% [markdown]
# The package does the same: look for `n_targets` in `training_steps`. A loss there is a sum over targets, and the loop divides.
#
# ## Exercise 5 · Evaluation done right · difficulty ●●○ · importance ●●● · 10 minutes
#
# Accuracy is the share of rows that are right. Between that sentence and a number you can trust lie dropout, the axis of the classes, a smaller last batch, and the mode that the model is left in.
#
# Return the accuracy over all batches, between 0 and 1. Predict with dropout off, record nothing for `backward()`, and leave the model in the mode (training or evaluation) in which you found it.

# %%
def accuracy(model: torch.nn.Module, batches: list[tuple[dict[str, torch.Tensor], torch.Tensor]]) -> float:
    """The share of rows that the model gets right."""
    ### BEGIN SOLUTION
    was_training = model.training
    model.eval()
    right, rows = 0, 0
    with torch.no_grad():
        for batch, labels in batches:
            guesses = model(**batch).logits.argmax(-1)  # (batch,)
            right += int((guesses == labels).sum())
            rows += len(labels)
    model.train(was_training)
    return right / rows
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("06.5", accuracy)

# %% [markdown]
# ## Exercise 6 · Choose on validation, report test once · difficulty ●○○ · importance ●●● · 6 minutes
#
# You have fine-tuned with several settings. `score(setting, split)` gives the accuracy of the model that came out, on "train", "validation" or "test".
#
# Choose the best setting honestly, and return it with the one number that you may quote. Among settings that are equally good, take the first.

# %%
from collections.abc import Callable, Sequence


def choose(settings: Sequence, score: Callable[[object, str], float]) -> tuple[object, float]:
    """The best setting, and the score to report for it."""
    ### BEGIN SOLUTION
    best = max(settings, key=lambda setting: score(setting, "validation"))
    return best, score(best, "test")
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("06.6", choose)

# %% [markdown]
# How much does the honest way matter? Below, forty settings are *all equally good*: each gets a row right with probability .86, and validation and test have 200 rows each. Whatever the winner has more than .86 on validation, it has by luck.
#
# **Predict.** How far above .86 is the best of forty validation scores?

# %%
luck = np.random.default_rng(0)
scores = {split: luck.binomial(200, 0.86, size=40) / 200 for split in ("validation", "test")}
best, quoted = choose(range(40), lambda setting, split: float(scores[split][setting]))
figures.bars(
    ["true", "best on validation", "the same model on test"], [0.86, scores["validation"][best], quoted],
    title="The best of forty flatters", x_label="score", y_label="accuracy",
)

# %% [markdown]
# ## Exercise 7 · Four loss curves · difficulty ●●○ · importance ●●● · 8 minutes
#
# No bug in these runs raised an error. Four runs of the tiny model on toy reviews, the same but for one thing each; an epoch is 16 steps. One run is sound. In one the learning rate is too high, in one the labels were shuffled against their sentences, and in one the rows came in the order of the file: all negatives, then all positives.
#
# Which is which? Mind the axis: each run has its own scale of losses. Upright gridlines are one epoch apart; the dotted line is the loss of guessing between two classes, 0.69.

# %%
curves = mystery_curves()
for letter, frame in curves.items():
    figure = figures.loss_curves({letter: frame}, title=f"Run {letter}")
    figure.update_xaxes(tick0=0, dtick=16)  # an epoch
    figure.add_hline(y=np.log(2), line_dash="dot", line_color=figures.GREY, annotation_text="guessing, 0.69")
    figure.show()

# %%
diagnosis = {
    ### BEGIN SOLUTION
    ### STUB "A": ...,  # "sound", "rate too high", "labels broken" or "not shuffled"
    ### STUB "B": ...,
    ### STUB "C": ...,
    ### STUB "D": ...,
    "A": "not shuffled",
    "B": "rate too high",
    "C": "sound",
    "D": "labels broken",
    ### END SOLUTION
}

# %%
# NBVAL_CHECK_OUTPUT
check("06.7", diagnosis)

# %% [markdown]
# ## What you have now
#
# - a schedule with no wasted step, and a step in the right order;
# - a mean, and a gradient, that do not depend on how rows were cut into batches;
# - an accuracy you can trust, and a number you may quote;
# - an eye for four curves.
#
# The package's loop is made of these parts. Read `course_utils/training.py` once more: you could have written it.
