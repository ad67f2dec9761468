# %% [markdown]
# # 03 · Pre-training: exercises
#
# Text becomes questions and answers in a few lines, and most ways to get them wrong run without complaint. Here you write them: masks, shifts, gaps, pairs, and the two numbers that judge a run and its samples. Six exercises, about an hour; every cell takes a moment.
#
# Replace each `raise NotStarted` by your answer, run its cell, then run the `check` under it. The check says what it saw, what usually leads there, and what to try next. Stuck? Write `hint("03.1")` in a cell of its own: each call tells a little more. What you have solved is remembered on this machine; `course progress` in a terminal lists it.
#
# Each exercise stands alone. Difficulty and importance go up to three dots.

# %%
import math

import numpy as np
import torch

from course_utils import figures
from course_utils.checks import NotStarted, check, hint

# %% [markdown]
# ## Exercise 1 · Hide words for masked language modelling · difficulty ●●○ · importance ●●● · 12 minutes
#
# A masked language model reads a text in which some tokens are hidden, and says what they were. BERT's rule: 15 % of the tokens are hidden, never special tokens or padding. Of the hidden ones 80 % become the mask token, 10 % another token, 10 % stay as they are. **All** hidden tokens are targets; every other label is -100.
#
# So that your answer can be checked, the random numbers are given. A token is hidden where `pick` is below .15. Where `how` is below .8 it becomes `mask_id`, from .8 to below .9 the token of `other`, from .9 on it stays.
#
# Return the inputs and the labels. Leave `ids` as they are.

# %%
def hide_words(
    ids: torch.Tensor,  # (batch, time) token ids
    special: torch.Tensor,  # (batch, time) True for special tokens and padding
    pick: torch.Tensor,  # (batch, time) uniform in 0 … 1
    how: torch.Tensor,  # (batch, time) uniform in 0 … 1
    other: torch.Tensor,  # (batch, time) tokens to swap in
    mask_id: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs and labels, (batch, time) each."""
    ### BEGIN SOLUTION
    hidden = (pick < 0.15) & ~special
    inputs = ids.clone()
    inputs[hidden & (how < 0.8)] = mask_id
    swapped = hidden & (how >= 0.8) & (how < 0.9)
    inputs[swapped] = other[swapped]
    return inputs, ids.masked_fill(~hidden, -100)
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("03.1", hide_words)

# %% [markdown]
# Why do some hidden tokens stay? In fine-tuning the model never meets a mask token. If it were trained at mask tokens only, it could treat every visible word as settled, and learn nothing at its place.
#
# ## Exercise 2 · The next token is the label · difficulty ●○○ · importance ●●● · 8 minutes
#
# A causal language model says at each place what comes next. So its labels are its own text, one place ahead. The last token has no successor: it is a label and no input.
#
# Here token 0 begins a text, ends it, **and** pads: GPT-2 has one special token, `<|endoftext|>`, for all three. The attention mask is 1 on the text, its real end included, and 0 on padding. Padding is no target; the real end is one, or the model never learns to stop.
#
# Return inputs and labels, both one place shorter than the text.

# %%
def shift_labels(ids: torch.Tensor, attention_mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(batch, time) ids and mask → inputs and labels, (batch, time − 1) each."""
    ### BEGIN SOLUTION
    return ids[:, :-1], ids[:, 1:].masked_fill(attention_mask[:, 1:] == 0, -100)
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("03.2", shift_labels)

# %% [markdown]
# ## Exercise 3 · Targets of span corruption · difficulty ●●○ · importance ●●○ · 12 minutes
#
# T5 cuts spans out of a text. The encoder reads what is left, with one numbered *sentinel* in each gap; the decoder writes each sentinel and the words that were cut there. Both end with `</s>`:
#
# | | |
# |---|---|
# | text | the **baker of** Oakwell sells **warm** bread at dawn |
# | inputs | the `<0>` Oakwell sells `<1>` bread at dawn `</s>` |
# | targets | `<0>` baker of `<1>` warm `</s>` |
#
# Spans are given in order as (start, end), the end not included; they never overlap. Write both lists.

# %%
def cut_spans(tokens: list[str], spans: list[tuple[int, int]]) -> tuple[list[str], list[str]]:
    """What the encoder reads, and what the decoder is to write."""
    ### BEGIN SOLUTION
    inputs, targets, done = [], [], 0
    for number, (start, end) in enumerate(spans):
        inputs += [*tokens[done:start], f"<{number}>"]
        targets += [f"<{number}>", *tokens[start:end]]
        done = end
    return [*inputs, *tokens[done:], "</s>"], [*targets, "</s>"]
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("03.3", cut_spans)

# %% [markdown]
# ## Exercise 4 · Next-sentence pairs that do not leak · difficulty ●●● · importance ●●○ · 15 minutes
#
# From every document make one pair of sentences. In half of the pairs, at random, the second sentence follows the first (label 0); in the others it comes from elsewhere (label 1).
#
# A pair leaks if its label can be told without reading. If the other sentence may come from the same document, it may be the true successor. And think of headings and greetings: a true successor is never the opening of its document, so the other sentence must not be one either.
#
# `documents` are lists of at least two sentences; `rng` is a NumPy generator (`rng.random()`, `rng.integers(n)`). Return one `(first, second, label)` per document.

# %%
def make_pairs(documents: list[list[str]], rng: np.random.Generator) -> list[tuple[str, str, int]]:
    """One pair per document; label 0 where the second sentence follows the first, else 1."""
    ### BEGIN SOLUTION
    pairs = []
    for number, document in enumerate(documents):
        i = rng.integers(len(document) - 1)
        if rng.random() < 0.5:
            pairs.append((document[i], document[i + 1], 0))
            continue
        elsewhere = (number + 1 + rng.integers(len(documents) - 1)) % len(documents)
        other = documents[elsewhere]
        pairs.append((document[i], other[1 + rng.integers(len(other) - 1)], 1))
    return pairs
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("03.4", make_pairs)

# %% [markdown]
# More leaks are left: if the two documents are about different things, the subject tells; if their sentences differ in length, the length does. BERT's own pairs leaked the subject, which is one reason why [RoBERTa](https://arxiv.org/abs/1907.11692) did without them and [ALBERT](https://arxiv.org/abs/1909.11942) asked for the order of two neighbours instead.
#
# ## Exercise 5 · Perplexity from losses of unequal lengths · difficulty ●○○ · importance ●●● · 6 minutes
#
# Perplexity is the exponential of the mean loss per **token**. You have the mean loss of each batch, in nats, and how many targets it had (tokens whose label is not -100). A batch without targets has no mean: its loss is `nan`.

# %%
def perplexity(losses: list[float], targets: list[int]) -> float:
    """Over all targets of all batches."""
    ### BEGIN SOLUTION
    pairs = [(loss, n) for loss, n in zip(losses, targets) if n > 0]
    return math.exp(sum(loss * n for loss, n in pairs) / sum(n for _, n in pairs))
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("03.5", perplexity)

# %% [markdown]
# ## Exercise 6 · Top-p: draw from the nucleus · difficulty ●●○ · importance ●●○ · 10 minutes
#
# Thousands of unlikely tokens have, together, a good chance of being drawn, and one of them can derail a text. [Top-p sampling](https://arxiv.org/abs/1904.09751) keeps the smallest set of likeliest tokens that together reach at least `top_p`, and scales it to add up to 1.
#
# Return the new probabilities in the old order, 0 for what is not kept.

# %%
def nucleus(p: np.ndarray, top_p: float) -> np.ndarray:
    """(vocabulary,) probabilities → (vocabulary,) probabilities."""
    ### BEGIN SOLUTION
    order = np.argsort(-p)
    before = np.cumsum(p[order]) - p[order]  # what the likelier ones have together
    kept = np.zeros(len(p))
    chosen = order[before < top_p]
    kept[chosen] = p[chosen]
    return kept / kept.sum()
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("03.6", nucleus)

# %% [markdown]
# **Predict.** Here are twelve tokens, from the likeliest to the unlikeliest. How many of them does top-p = 0.8 keep?

# %%
tail = np.sort(np.random.default_rng(0).dirichlet(np.full(12, 0.4)))[::-1]
figures.bars(
    [str(i) for i in range(12)], nucleus(tail, 0.8), title="What top-p .8 leaves of twelve tokens",
    x_label="token", y_label="probability",
)

# %% [markdown]
# ## What you have built
#
# The four questions that unlabelled text answers by itself, and the two ways to look at what a model learned from them: a number over tokens, and a draw from its probabilities. In lesson 12 the decoder's side returns as translation.
