# %% [markdown]
# # 05 · Feature extraction: exercises
#
# Features fail in silence: a padded mean, a leaked statistic, a layer chosen on the test. Here you write the parts where that happens. Six exercises, about three quarters of an hour; every cell takes a second or two.
#
# Replace each `raise NotStarted` by your answer, run its cell, then run the `check` under it. The check says what it saw, what usually leads there, and what to try next. Stuck? Write `hint("05.1")` in a cell of its own: each call tells a little more. What you have solved is remembered on this machine; `course progress` in a terminal lists it.
#
# Each exercise stands alone, so begin where you like. Difficulty and importance go up to three dots.

# %%
import math
from collections.abc import Callable

import numpy as np
import torch

from course_utils import figures
from course_utils.checks import NotStarted, check, hint
from course_utils.checks.lesson_05 import TinyEncoder, padded_states, unequal_batches

# %% [markdown]
# ## Exercise 1 · The mean over real tokens · difficulty ●○○ · importance ●●● · 8 minutes
#
# Below are the hidden states of three sentences with 5, 3 and 1 tokens, padded to 6. Padding has states as well, and they are not zero.

# %%
states, mask = padded_states()
print(tuple(states.shape), "(batch, time, hidden)")
mask  # (batch, time): 1 for a token, 0 for padding

# %% [markdown]
# Return one vector per sentence: the mean over its real tokens, and nothing else. Use no loop, and leave `states` as they are.

# %%
def mean_pool(states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """(batch, time, hidden) and (batch, time) → (batch, hidden)."""
    ### BEGIN SOLUTION
    weights = mask.unsqueeze(-1)  # (batch, time, 1)
    return (states * weights).sum(dim=1) / weights.sum(dim=1)
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("05.1", mean_pool)

# %% [markdown]
# ## Exercise 2 · Standardise without a leak · difficulty ●●○ · importance ●●● · 8 minutes
#
# The columns of a hidden state have different means and widths, and logistic regression with a penalty minds. So each column is *standardised*: its mean taken away, then divided by its standard deviation.
#
# Whose mean? Standardise both tables so that nothing in the training table knows of the test, and so that a single new sentence could be treated in the same way. Where a training column never changes, centre it and divide by 1.

# %%
def standardise(train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both tables, (rows, columns) each, in the units of the training table."""
    ### BEGIN SOLUTION
    mean, width = train.mean(axis=0), train.std(axis=0)  # (columns,)
    width = np.where(width == 0, 1.0, width)
    return (train - mean) / width, (test - mean) / width
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("05.2", standardise)

# %% [markdown]
# What does it matter? Below, two features are a thousand times wider than the others and mean nothing.
#
# **Predict.** Which of the two bars is near chance?

# %%
from sklearn.neighbors import KNeighborsClassifier

random = np.random.default_rng(0)
answers = random.integers(0, 2, 600)
columns = random.normal(size=(600, 8)) + answers[:, None]
columns[:, :2] = random.normal(scale=1000, size=(600, 2))
tables = {"as they are": (columns[:400], columns[400:]), "standardised": standardise(columns[:400], columns[400:])}
scores = [
    KNeighborsClassifier(5).fit(train, answers[:400]).score(test, answers[400:]) for train, test in tables.values()
]
figures.bars(list(tables), scores, title="Wide columns drown the others", x_label="features", y_label="accuracy", chance=0.5)

# %% [markdown]
# ## Exercise 3 · Choose a layer · difficulty ●●○ · importance ●●● · 10 minutes
#
# `features[split]` holds the sentence vectors of every layer, (layers + 1, rows, hidden), and `labels[split]` their labels; the splits are "train", "validation" and "test". `fit(x, y)` trains a probe on the vectors of one layer and returns it; a probe has `.score(x, y)`.
#
# Return the best layer, counted from 0, and the accuracy that you may quote for it.

# %%
def choose_layer(features: dict[str, np.ndarray], labels: dict[str, np.ndarray], fit: Callable) -> tuple[int, float]:
    """The layer to use, and the score to report."""
    ### BEGIN SOLUTION
    probes = [fit(x, labels["train"]) for x in features["train"]]
    scores = [
        probe.score(x, labels["validation"]) for probe, x in zip(probes, features["validation"], strict=True)
    ]
    best = int(np.argmax(scores))
    return best, probes[best].score(features["test"][best], labels["test"])
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("05.3", choose_layer)

# %% [markdown]
# ## Exercise 4 · Run the encoder once · difficulty ●●○ · importance ●●● · 8 minutes
#
# The encoder here turns a batch into one vector per sentence, and it has dropout. Run it **once** over all batches and return everything a head needs: the features, (rows, 3), and the labels, (rows,), in the order of the batches. Nothing random may get into the cache, and nothing may be recorded for `backward()`.

# %%
encoder = TinyEncoder()
inputs, labels = unequal_batches()[0]
encoder(**inputs).shape  # (batch, 3)

# %%
def run_once(
    encoder: torch.nn.Module, batches: list[tuple[dict[str, torch.Tensor], torch.Tensor]]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Features and labels of all rows. Each batch: the encoder's inputs, and labels (batch,)."""
    ### BEGIN SOLUTION
    encoder.eval()
    features, labels = [], []
    with torch.no_grad():
        for inputs, targets in batches:
            features.append(encoder(**inputs))
            labels.append(targets)
    return torch.cat(features), torch.cat(labels)
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("05.4", run_once)

# %% [markdown]
# ## Exercise 5 · How often does it run? · difficulty ●○○ · importance ●●○ · 6 minutes
#
# A head is trained on a frozen encoder; after every epoch the validation rows are measured. Training and validation rows go in batches of `batch_size`, the last of which may be smaller. How many batches does the encoder work through in all? With a cache, it runs over both splits once, before the first epoch.

# %%
def encoder_passes(train_rows: int, validation_rows: int, batch_size: int, epochs: int, cached: bool) -> int:
    """The number of batches that the encoder runs on."""
    ### BEGIN SOLUTION
    batches = math.ceil(train_rows / batch_size) + math.ceil(validation_rows / batch_size)
    return batches if cached else batches * epochs
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("05.5", encoder_passes)

# %% [markdown]
# The encoder is nearly all of the cost. So what a cache saves is the ratio of the two counts. For a single epoch it saves nothing.

# %%
saved = [encoder_passes(1000, 200, 32, n, False) / encoder_passes(1000, 200, 32, n, True) for n in (1, 2, 5, 10, 20)]
figures.bars(
    ["1", "2", "5", "10", "20"], saved, title="What a cache saves grows with the epochs",
    x_label="epochs", y_label="passes without a cache ÷ with",
)

# %% [markdown]
# ## Exercise 6 · Neighbours by cosine · difficulty ●●○ · importance ●●○ · 8 minutes
#
# `library` holds one vector per sentence, (rows, hidden). Return the numbers of the `k` rows whose vectors point most nearly where that of `row` points, the nearest first. A sentence is not its own neighbour; its twin is, if the library has one.

# %%
def nearest(row: int, library: np.ndarray, k: int) -> list[int]:
    """The k rows nearest to `row` by cosine."""
    ### BEGIN SOLUTION
    unit = library / np.linalg.norm(library, axis=1, keepdims=True)
    cosine = unit @ unit[row]  # (rows,)
    return [int(i) for i in np.argsort(-cosine) if i != row][:k]
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("05.6", nearest)

# %% [markdown]
# ## What you have now
#
# - a vector per sentence that does not depend on its company;
# - features in units that come from the training rows alone;
# - a layer, and one number that you may quote for it;
# - a cache with nothing random in it, and a search engine in three lines.
#
# With these parts, an encoder is useful on the first day: no training, no GPU, and a baseline that fine-tuning has to beat.
