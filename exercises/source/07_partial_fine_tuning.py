# %% [markdown]
# # 07 · Partial fine-tuning: exercises
#
# Freezing goes wrong in silence: the program runs, the loss falls a little, and the wrong weights have moved. Here you write the parts in which that happens. Six exercises, about fifty minutes; each check takes a second or two on two CPU cores.
#
# Replace each `raise NotStarted` by your answer, run its cell, then run the `check` under it. The check says what it saw, what usually leads there, and what to try next. Stuck? Write `hint("07.1")` in a cell of its own: each call tells a little more. What you have solved is remembered on this machine; `course progress` in a terminal lists it.
#
# Each exercise stands alone, so begin where you like. Difficulty and importance go up to three dots.

# %%
from collections.abc import Callable, Sequence

import torch
from torch.nn.functional import cross_entropy

from course_utils import figures
from course_utils.checks import NotStarted, check, hint
from course_utils.checks.lesson_07 import HiddenWords, TinyEncoder, TinyGuesser

# %% [markdown]
# The model of the first exercise has the three parts of every encoder: embeddings, a list of layers, a head.

# %%
model = TinyEncoder(layers=3)
print(model)
model(torch.tensor([[5, 17, 7, 3], [9, 13, 2, 2]])).shape  # (batch, classes)

# %% [markdown]
# ## Exercise 1 · Freeze the right weights · difficulty ●●○ · importance ●●● · 10 minutes
#
# Let the head and the last `k` layers train, and nothing else. Return an AdamW optimizer at the rate given that holds the weights that train, and only those.
#
# The model may come to you from an earlier run, with any flags set. And `k` may be 0.

# %%
def train_last(model: TinyEncoder, k: int, rate: float) -> torch.optim.Optimizer:
    """Freeze all but the head and the last `k` of `model.layers`; an optimizer of what trains."""
    ### BEGIN SOLUTION
    model.requires_grad_(False)
    for part in (model.head, *model.layers[len(model.layers) - k :]):
        part.requires_grad_(True)
    return torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=rate)
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("07.1", train_last)

# %% [markdown]
# ## Exercise 2 · Count what LoRA trains · difficulty ●○○ · importance ●●○ · 5 minutes
#
# LoRA puts a matrix $A$ of rank × in and a matrix $B$ of out × rank beside each matrix $W$ of out × in, and freezes $W$.
#
# Given the shapes (out, in) of all the matrices, how many weights does LoRA train?

# %%
def lora_weights(shapes: Sequence[tuple[int, int]], rank: int) -> int:
    """The number of weights in all pairs A, B."""
    ### BEGIN SOLUTION
    return sum(rank * (out_features + in_features) for out_features, in_features in shapes)
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("07.2", lora_weights)

# %% [markdown]
# For one large matrix, the share that trains grows in a straight line with the rank. Where does LoRA stop saving anything?

# %%
ranks = [1, 8, 64, 512, 1024]
figures.bars(
    [f"rank {rank}" for rank in ranks], [lora_weights([(1024, 1024)], rank) / 1024**2 for rank in ranks],
    title="LoRA beside one matrix of 1,024 × 1,024", x_label="rank", y_label="weights, as a share of W",
)

# %% [markdown]
# ## Exercise 3 · LoRA by hand · difficulty ●●● · importance ●●● · 12 minutes
#
# Write the module that stands in the place of a linear layer:
#
# $$y = \text{linear}(x) + \frac{\alpha}{r}\, x A^\top B^\top$$
#
# - `self.A` and `self.B` are parameters of shapes (rank, in) and (out, rank);
# - before training, the module gives exactly what the linear layer gives, and yet it can learn;
# - the linear layer itself is frozen.

# %%
class LoRALinear(torch.nn.Module):
    """A frozen linear layer and a low-rank change beside it."""

    def __init__(self, linear: torch.nn.Linear, rank: int, alpha: float) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        self.linear = linear.requires_grad_(False)
        self.A = torch.nn.Parameter(torch.randn(rank, linear.in_features) / linear.in_features**0.5)
        self.B = torch.nn.Parameter(torch.zeros(linear.out_features, rank))
        self.scale = alpha / rank
        ### END SOLUTION

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(…, in) → (…, out)."""
        ### BEGIN SOLUTION
        return self.linear(x) + self.scale * (x @ self.A.T @ self.B.T)
        ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("07.3", LoRALinear)

# %% [markdown]
# ## Exercise 4 · A rate for each layer · difficulty ●○○ · importance ●●○ · 6 minutes
#
# Discriminative rates: the part nearest the output learns at the peak rate, and each part below it at `decay` times the rate of the part above.
#
# The parts are given from the input to the output, so the head comes last. With a peak of 1 and a decay of .5:
#
# | part | embeddings | layer 1 | layer 2 | head |
# |---|---|---|---|---|
# | rate | .125 | .25 | .5 | 1 |

# %%
def layer_rates(parts: Sequence[str], peak: float, decay: float) -> dict[str, float]:
    """The rate of each part, by name."""
    ### BEGIN SOLUTION
    return {part: peak * decay**distance for distance, part in enumerate(reversed(parts))}
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("07.4", layer_rates)

# %% [markdown]
# ## Exercise 5 · Which parts train at this step? · difficulty ●●○ · importance ●●○ · 8 minutes
#
# Gradual unfreezing: in the first stage the head alone trains. Each later stage adds the next part below: the last layer, the one before … and the embeddings at the very end. What has been unfrozen stays so. Steps count from 1, and a stage lasts `steps_per_stage` of them; the last stage lasts for ever.
#
# With 2 layers and 10 steps a stage:
#
# | steps | parts that train |
# |---|---|
# | 1–10 | head |
# | 11–20 | layer 2, head |
# | 21–30 | layer 1, layer 2, head |
# | from 31 | embeddings, layer 1, layer 2, head |

# %%
def unfrozen(step: int, steps_per_stage: int, layers: int) -> set[str]:
    """The names of the parts that train at this step: "embeddings", "layer 1" …, "head"."""
    ### BEGIN SOLUTION
    downwards = ["head", *(f"layer {number}" for number in range(layers, 0, -1)), "embeddings"]
    stage = (step - 1) // steps_per_stage
    return set(downwards[: stage + 1])
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("07.5", unfrozen)

# %% [markdown]
# ## Exercise 6 · How much was forgotten? · difficulty ●●○ · importance ●●● · 10 minutes
#
# `words.hide()` hides some of the words of a few documents, **other words at each call**, and gives a list of batches. A batch is a pair: `input_ids` of shape (batch, time), and `labels` of the same shape, −100 where no word is hidden. The batches differ in their number of hidden words.
#
# Return by how much the mean loss over all hidden words has *risen* from the model before fine-tuning to the model after. Compare them fairly.

# %%
def forgotten(before: TinyGuesser, after: TinyGuesser, words: HiddenWords) -> float:
    """Masked-word loss after minus before, in nats per hidden word. A model: input_ids → (batch, time, words)."""
    ### BEGIN SOLUTION
    batches = words.hide()  # once: both models guess the same words
    targets = sum(int((labels != -100).sum()) for _, labels in batches)

    def mean_loss(model: TinyGuesser) -> float:
        losses = [cross_entropy(model(ids).flatten(0, 1), labels.flatten(), reduction="sum") for ids, labels in batches]
        return float(sum(losses)) / targets

    return mean_loss(after) - mean_loss(before)
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("07.6", forgotten)

# %% [markdown]
# Compare a model with *itself*: whatever is measured now is an error of the measurement.

# %%
guesser = TinyGuesser(seed=1)
print(f"forgotten without any training: {forgotten(guesser, guesser, HiddenWords(seed=2)):.3f}")

# %% [markdown]
# ## What you have now
#
# - flags and an optimizer that agree on what trains;
# - LoRA in ten lines, and its price in weights;
# - a rate for each layer and a step for each thaw;
# - a fair measure of what fine-tuning forgets.
#
# The package has the same in `course_utils/adaptation.py`. Compare it with yours.
