# %% [markdown]
# # 04 · Choosing a model: exercises
#
# A model is chosen before it is trained, and most of what decides can be counted beforehand. Here you write the calculator yourself, read a card with traps in it, and write the loss of a student. Seven exercises, about an hour; nothing here takes longer than a few seconds.
#
# Replace each `raise NotStarted` by your answer, run its cell, then run the `check` under it. The check says what it saw, what usually leads there, and what to try next. Stuck? Write `hint("04.1")` in a cell of its own: each call tells a little more. What you have solved is remembered on this machine; `course progress` in a terminal lists it.
#
# Each exercise stands alone, so begin where you like. Difficulty and importance go up to three dots.

# %%
import torch
from torch.nn.functional import softmax

from course_utils import budget
from course_utils.checks import NotStarted, check, hint
from course_utils.checks.lesson_04 import CARD, TinyLM
from course_utils.figures.budget import memory_bars

# %% [markdown]
# ## Exercise 1 · Count every weight once · difficulty ●○○ · importance ●●● · 6 minutes
#
# A language model turns words into vectors with a table, and at the end turns vectors into scores for words. Many models use *the same* table for both: the two are **tied**. Its state lists the table under two names.

# %%
for name, tensor in TinyLM().state_dict().items():
    print(f"{name:>20} {tuple(tensor.shape)}")

# %% [markdown]
# Return how many numbers a model stores: every weight counted once, whether or not it trains.

# %%
def count_weights(model: torch.nn.Module) -> int:
    """The number of single weights of a model."""
    ### BEGIN SOLUTION
    return sum(parameter.numel() for parameter in model.parameters())
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("04.1", count_weights)

# %% [markdown]
# ## Exercise 2 · What AdamW holds · difficulty ●●○ · importance ●●● · 8 minutes
#
# Between two steps a training program holds, for each weight that trains, the weight, its gradient, and the two running averages that AdamW keeps (of the gradient, and of its square). All of them are numbers in fp32. A frozen weight is held, and nothing else.
#
# **Mixed precision** (`torch.autocast`) keeps all this: the fp32 weights are the *master copy*, to which small updates can be added. It makes another copy of all weights with 16 bits each, for the products.
#
# Return the memory of these states in GiB ($2^{30}$ bytes). `parameters` counts all weights, `trained` those of them that train. Activations come in the next exercise.

# %%
def state_gib(parameters: int, trained: int, mixed: bool) -> float:
    """Weights, gradients and AdamW's averages, in GiB."""
    ### BEGIN SOLUTION
    per_parameter = 4 + (2 if mixed else 0)  # bytes
    per_trained = 4 + 4 + 4  # gradient and two averages
    return (per_parameter * parameters + per_trained * trained) / 2**30
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("04.2", state_gib)

# %% [markdown]
# **Predict.** Which of these three has states that fit into the 15 GiB of a T4, if everything trains?

# %%
for name in ("BERT base", "BERT large", "Llama 3.2 1B"):
    parameters = budget.shape_of(name).parameters
    print(f"{name:>13} {state_gib(parameters, parameters, False):6.2f} GiB")

# %% [markdown]
# ## Exercise 3 · Activations · difficulty ●●○ · importance ●●● · 10 minutes
#
# Backward needs what forward computed, so every layer keeps it. In a BERT with dropout a layer keeps, **for each token**, this many numbers:
#
# $$10 \cdot \text{hidden} + 2 \cdot \text{inner} + 3 \cdot \text{heads} \cdot \text{length}$$
#
# The last term is attention: each head has a weight for every token that this token may look at, and dropout keeps three versions of it.
#
# Return what all layers keep for a batch of `batch` rows of `length` tokens, in GiB and in fp32.

# %%
def activation_gib(batch: int, length: int, layers: int, hidden: int, inner: int, heads: int) -> float:
    """What the layers keep for the backward pass, in GiB."""
    ### BEGIN SOLUTION
    per_token = 10 * hidden + 2 * inner + 3 * heads * length
    return batch * length * layers * per_token * 4 / 2**30
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("04.3", activation_gib)

# %% [markdown]
# Now the same number of tokens, cut into rows of different length. **Predict** which is cheapest.

# %%
for batch, length in ((64, 32), (16, 128), (4, 512)):
    print(f"{batch:>3} rows of {length:>3} tokens: {activation_gib(batch, length, 12, 768, 3072, 12):.2f} GiB")

# %% [markdown]
# ## Exercise 4 · How long will it take? · difficulty ●●○ · importance ●●○ · 8 minutes
#
# To read a token, each weight of a matrix takes part in one multiplication and one addition: two FLOPs. To train, backward passes the gradient on to the layer's *inputs*, and computes the gradient of its *weights*; each is a product of the same size again.
#
# LoRA freezes the matrices. Its own are so small that you may leave them out. Return seconds, for `trains` one of "read", "full" and "LoRA", on a machine that does `speed` FLOPs a second.

# %%
def seconds(weights: float, tokens: float, speed: float, trains: str) -> float:
    """How long so many tokens take."""
    ### BEGIN SOLUTION
    flops = {"read": 2, "full": 2 + 2 + 2, "LoRA": 2 + 2}[trains]
    return flops * weights * tokens / speed
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("04.4", seconds)

# %% [markdown]
# A T4 has a peak of 65 TFLOP/s in fp16 (its data sheet); a third of a peak is a sensible hope. Say you train BERT base for three epochs on 67,000 short reviews of 25 tokens:

# %%
weights = budget.shape_of("BERT base").matrices
for trains in ("full", "LoRA"):
    print(f"{trains:>5}: {seconds(weights, 3 * 67_000 * 25, 65e12 / 3, trains) / 60:.1f} minutes")

# %% [markdown]
# Padding, waiting and everything that is no product come on top: take it for a lower bound.
#
# ## Exercise 5 · Which model, which head · difficulty ●○○ · importance ●●● · 6 minutes
#
# Give each task an architecture ("encoder", "decoder" or "encoder-decoder") and a head: "classification", "entities" (a label for each token), "answers" (a start and an end score for each token), "masked_lm", "causal_lm" or "seq2seq_lm". Choose what was made for it: many things can be forced.

# %%
chosen = {
    ### BEGIN SOLUTION
    ### STUB "find the answer in a passage": ...,  # ("encoder", "causal_lm"), say
    ### STUB "find the names in a sentence": ...,
    ### STUB "sort reviews": ...,
    ### STUB "continue a story": ...,
    ### STUB "translate a notice": ...,
    "find the answer in a passage": ("encoder", "answers"),
    "find the names in a sentence": ("encoder", "entities"),
    "sort reviews": ("encoder", "classification"),
    "continue a story": ("decoder", "causal_lm"),
    "translate a notice": ("encoder-decoder", "seq2seq_lm"),
    ### END SOLUTION
}

# %%
# NBVAL_CHECK_OUTPUT
check("04.5", chosen)

# %% [markdown]
# ## Exercise 6 · Read a card · difficulty ●●○ · importance ●●● · 8 minutes
#
# You look for a model that sorts customers' letters for a shop. Here is an invented card. Five things in it should make you stop.

# %%
print(CARD)

# %%
findings = {
    ### BEGIN SOLUTION
    ### STUB "may a shop use it": ...,  # True or False
    ### STUB "accuracy of always positive": ...,  # in percent, on data like its own
    ### STUB "is the score honest": ...,  # True or False
    ### STUB "languages": ...,  # a list of codes, such as ["de", "fi"]
    ### STUB "safe weights": ...,  # True or False
    "may a shop use it": False,
    "accuracy of always positive": 94.0,
    "is the score honest": False,
    "languages": ["en"],
    "safe weights": False,
    ### END SOLUTION
}

# %%
# NBVAL_CHECK_OUTPUT
check("04.6", findings)

# %% [markdown]
# Licences pass on: a model that was fine-tuned from another, or on somebody's data, may carry their terms, too. This card names both; you would read theirs next.
#
# ## Exercise 7 · The loss of a student · difficulty ●●● · importance ●●○ · 12 minutes
#
# In *distillation* a large model, the teacher, answers, and a small one, the student, learns to answer the same. A teacher says more than a label: that a review is rather negative, or surely so. Both distributions are softened by a **temperature** $T$, a divisor of the logits; then the loss is the cross-entropy of the student's distribution under the teacher's. Softening shrinks the gradients to about $1/T^2$ of their size, so the loss is multiplied by $T^2$ ([Hinton et al., 2015](https://arxiv.org/abs/1503.02531)).
#
# Return the mean over rows. The teacher must get no gradient.

# %%
def distil_loss(student: torch.Tensor, teacher: torch.Tensor, T: float) -> torch.Tensor:
    """Soft cross-entropy of logits (rows, classes), times T²; a scalar."""
    ### BEGIN SOLUTION
    target = softmax(teacher.detach() / T, dim=-1)
    log_student = torch.log_softmax(student / T, dim=-1)
    return -(target * log_student).sum(-1).mean() * T**2
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("04.7", distil_loss)

# %% [markdown]
# What does temperature do to a teacher that is nearly sure?

# %%
for T in (1, 2, 4, 8):
    print(f"T = {T}: " + ", ".join(f"{share:.3f}" for share in softmax(torch.tensor([6.0, 1.0, -2.0]) / T, dim=-1)))

# %% [markdown]
# ## What you have now
#
# - a count of weights, bytes and FLOPs that you can do on paper;
# - a head for every task, and the reason;
# - an eye for what a card doesn't say;
# - the loss that makes small models of large ones.
#
# Put them together: choose a model of the catalogue, and see what it needs.

# %%
memory_bars({t: budget.memory("RoBERTa base", trains=t) for t in budget.TRAINS}, limit=budget.T4_GIB)
