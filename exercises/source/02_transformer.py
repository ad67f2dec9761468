# %% [markdown]
# # 02 · The Transformer: exercises
#
# You build the parts of a Transformer from tensors. A wrong line here rarely crashes: shapes fit, the loss falls, and the model is worse than it should be, or seems better than any honest model can be. The checks know the usual wrong lines by name.
#
# Eight exercises, about an hour and a half; every cell takes a second. Replace each `raise NotStarted` by your answer, run its cell, then run the `check` under it. Stuck? Write `hint("02.1")` in a cell of its own: each call tells a little more. `course progress` in a terminal lists what you have solved.

# %%
import torch

from course_utils.checks import NotStarted, check, hint
from course_utils.figures.attention import attention_map

torch.manual_seed(0)

# %% [markdown]
# ## Exercise 1 · Attention · difficulty ●●○ · importance ●●● · 10 minutes
#
# Each **query** asks: which of the **keys** fit me? It shares out 1 among them, and gets that mixture of the **values**.
#
# The score of a pair is the product of query and key, divided by the square root of their width. The softmax turns a query's scores into **weights** that sum to 1. No loops are needed: one product for all scores, one for all mixtures. The values may have another width than queries and keys.

# %%
def attention(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """query (queries, width), key (keys, width), value (keys, value width) → (queries, value width)."""
    ### BEGIN SOLUTION
    scores = query @ key.T / query.shape[-1] ** 0.5  # (queries, keys)
    return scores.softmax(-1) @ value
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("02.1", attention)

# %% [markdown]
# ## Exercise 2 · A mask against the future · difficulty ●●○ · importance ●●● · 10 minutes
#
# A decoder guesses the next word, so position $t$ may look at position $s$ only if $s \le t$. Write attention over a row of tokens with that restriction. The weights of each position still sum to 1.
#
# This is the line that the lesson's honest failure gets wrong.

# %%
def causal_attention(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """Each (time, width) → (time, width); row t depends on the first t + 1 rows alone."""
    ### BEGIN SOLUTION
    time, width = query.shape
    scores = query @ key.T / width**0.5  # (time, time): t down, s across
    allowed = torch.ones(time, time, dtype=torch.bool).tril()
    return scores.masked_fill(~allowed, -torch.inf).softmax(-1) @ value
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("02.2", causal_attention)

# %% [markdown]
# If the values are one-hot vectors (a single 1, the rest 0), the result *is* the table of weights. Look at yours: the upper right has to be empty.

# %%
words = "the soup was good but the".split()
attention_map(causal_attention(*torch.randn(2, 6, 4), torch.eye(6)).numpy(), words, title="Nobody looks to the right")

# %% [markdown]
# ## Exercise 3 · Heads · difficulty ●●● · importance ●●○ · 12 minutes
#
# One mixture per token is little: a verb may need its subject *and* its object. So the vectors are cut into `heads` runs of neighbouring numbers, each run attends by itself, and the results are put side by side again.
#
# Do it for a whole batch without a loop over heads. The scale belongs to a head: the square root of *its* width. There may be more keys than queries.

# %%
def multi_head_attention(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, heads: int
) -> torch.Tensor:
    """query (batch, time, width), key and value (batch, source, width) → (batch, time, width)."""
    ### BEGIN SOLUTION
    batch, _, width = query.shape

    def split(x: torch.Tensor) -> torch.Tensor:  # (batch, time, width) → (batch, heads, time, head width)
        return x.view(batch, x.shape[1], heads, width // heads).transpose(1, 2)

    scores = split(query) @ split(key).transpose(-2, -1) / (width // heads) ** 0.5
    found = scores.softmax(-1) @ split(value)  # (batch, heads, time, head width)
    return found.transpose(1, 2).reshape(query.shape)
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("02.3", multi_head_attention)

# %% [markdown]
# ## Exercise 4 · Rotary positions · difficulty ●●● · importance ●●○ · 15 minutes
#
# So far the order of the words makes no difference. Rotary positions change that inside the scores: cut each vector into two halves, take number $i$ of the first with number $i$ of the second as a point in the plane, and turn it by the angle $t \cdot \theta^{-2i/W}$ at position $t$ (positions from 0, $W$ the width, $i$ from 0 to $W/2 - 1$):
#
# $$(a, b) \to (a\cos\alpha - b\sin\alpha,\ b\cos\alpha + a\sin\alpha)$$
#
# Turn what has to know its place, leave the rest as it is, and return all three.

# %%
def give_places(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, theta: float
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Each (batch, heads, time, width) → the same three, placed."""
    ### BEGIN SOLUTION
    time, width = query.shape[-2:]
    speed = theta ** (-torch.arange(0, width, 2) / width)  # (width / 2,)
    angle = torch.arange(time)[:, None] * speed  # (time, width / 2)

    def turn(x: torch.Tensor) -> torch.Tensor:
        first, second = x.chunk(2, dim=-1)
        return torch.cat(
            [first * angle.cos() - second * angle.sin(), second * angle.cos() + first * angle.sin()], dim=-1
        )

    return turn(query), turn(key), value
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("02.4", give_places)

# %% [markdown]
# ## Exercise 5 · A block · difficulty ●○○ · importance ●●● · 6 minutes
#
# A block of a pre-norm Transformer has two parts. Each reads a normed copy of the stream `x` and **adds** its result to the stream. First `attend`, then `feed_forward`; each has a norm of its own. Leave the caller's tensor as it is.

# %%
def block(x, norm_1, attend, norm_2, feed_forward):
    """x (batch, time, width) and four functions of such tensors → (batch, time, width)."""
    ### BEGIN SOLUTION
    x = x + attend(norm_1(x))
    return x + feed_forward(norm_2(x))
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("02.5", block)

# %% [markdown]
# ## Exercise 6 · Cross-attention · difficulty ●●○ · importance ●●○ · 8 minutes
#
# A translator has the source before it, and writes. Each written position looks at all words of the source, and at none of its padding: `keep` is true where the source has a word. `to_query`, `to_key` and `to_value` are linear maps; decide which of the two texts each of them reads. One head is enough.

# %%
def cross_attention(written, source, keep, to_query, to_key, to_value):
    """written (time, width), source (source, width), keep (source,) of bool → (time, width)."""
    ### BEGIN SOLUTION
    query, key, value = to_query(written), to_key(source), to_value(source)
    scores = query @ key.T / query.shape[-1] ** 0.5  # (time, source)
    return scores.masked_fill(~keep, -torch.inf).softmax(-1) @ value
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("02.6", cross_attention)

# %% [markdown]
# ## Exercise 7 · Count the weights · difficulty ●●○ · importance ●●○ · 10 minutes
#
# How many numbers does a GPT-2 type have? A table of tokens, a table of learned positions; in each block four matrices for attention, two for the feed-forward part (up to `inner`, down again), a bias for each matrix, and two norms; a norm at the end. A norm has a scale and a shift. The output uses the table of tokens once more.

# %%
def count_weights(vocabulary: int, positions: int, width: int, layers: int, inner: int) -> int:
    """The number of weights of a GPT-2 type."""
    ### BEGIN SOLUTION
    attention_part = 4 * (width * width + width)
    feed_forward_part = width * inner + inner + inner * width + width
    norms = 2 * (2 * width)
    return (vocabulary + positions) * width + layers * (attention_part + feed_forward_part + norms) + 2 * width
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("02.7", count_weights)

# %%
print(f"GPT-2, the smallest: {count_weights(50257, 1024, 768, 12, 3072):,} weights")

# %% [markdown]
# ## Exercise 8 · Count the work · difficulty ●●○ · importance ●●○ · 10 minutes
#
# Floating-point operations (FLOPs) of one forward pass over one row of `time` tokens, for the same type of model, with logits at every position. Count the matrix products alone: a product of $(m, k)$ with $(k, n)$ takes $m \cdot k \cdot n$ multiplications and as many additions. Scores and mixtures are computed as whole squares, the masked half too. Biases, norms, softmax and lookups are small; leave them out.

# %%
def count_flops(vocabulary: int, width: int, layers: int, inner: int, time: int) -> int:
    """Operations of the matrix products of one forward pass."""
    ### BEGIN SOLUTION
    matrices = 2 * time * (4 * width * width + 2 * width * inner)
    pairs = 2 * (2 * time * time * width)  # queries with keys, weights with values; all heads together
    return layers * (matrices + pairs) + 2 * time * width * vocabulary
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("02.8", count_flops)

# %% [markdown]
# **Predict.** At which length of a row do the pairs of tokens cost as much as the matrices of a block, for width 128 and inner width 512? Set the two terms equal before you run this.

# %%
for time in (64, 512, 768, 2048):
    pairs = count_flops(0, 128, 1, 512, time) - 2 * time * (4 * 128**2 + 2 * 128 * 512)
    print(f"{time:>5} tokens: {pairs / count_flops(0, 128, 1, 512, time):.0%} of a block's work is pairs")

# %% [markdown]
# Half of it at $T = 2D + \text{inner}$: set $4T^2D$, the pairs, equal to $2T(4D^2 + 2D \cdot \text{inner})$, the matrices, and divide both by $4TD$.
#
# ## What you have now
#
# - attention, with heads, with a mask and across two texts;
# - positions that live in the scores;
# - the two lines of a block, and an eye for where the norm stands;
# - parameters and FLOPs from a configuration, before anything is built.
#
# `course_utils/transformer.py` is made of these parts. Read it once more: you could have written it.
