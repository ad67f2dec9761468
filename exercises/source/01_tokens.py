# %% [markdown]
# # 01 · Tokens: exercises
#
# What happens before the model is plain code, and you can write all of it. Seven exercises, about an hour. Cells take a second or two on two CPU cores; the libraries take a few to load the first time.
#
# Replace each `raise NotStarted` by your answer, run its cell, then run the `check` under it. The check says what it saw, what usually leads there, and what to try next. Stuck? Write `hint("01.1")` in a cell of its own: each call tells a little more. What you have solved is remembered on this machine; `course progress` in a terminal lists it.
#
# Each exercise stands alone, so begin where you like. Difficulty and importance go up to three dots.

# %%
from collections import Counter
from itertools import pairwise

import torch

from course_utils import load_tokenizer, tokens
from course_utils.checks import NotStarted, check, hint
from course_utils.checks.lesson_01 import mystery_inputs

# %% [markdown]
# ## Exercise 1 · Merges by hand · difficulty ●○○ · importance ●●○ · 6 minutes
#
# A BPE tokenizer has learned four merges, in this order:
#
# 1. `e` + `r` → `er`
# 2. `h` + `e` → `he`
# 3. `t` + `he` → `the`
# 4. `r` + `e` → `re`
#
# It cuts a new word by replaying them: the first merge wherever its pair stands, then the second, and so on. Cut these four words with pencil and paper. Write spaces between pieces: `"w e t"` would be three.

# %%
cuts = {
    ### BEGIN SOLUTION
    ### STUB "then": ...,
    ### STUB "there": ...,
    ### STUB "where": ...,
    ### STUB "three": ...,
    "then": "the n",
    "there": "t h er e",
    "where": "w h er e",
    "three": "t h re e",
    ### END SOLUTION
}

# %%
# NBVAL_CHECK_OUTPUT
check("01.1", cuts)

# %% [markdown]
# `the` is in the vocabulary, `there` begins with it, and still the tokenizer does not use it there. This is why `there` and `the` may look unrelated to a model.
#
# ## Exercise 2 · One step of byte-pair encoding · difficulty ●●● · importance ●●○ · 12 minutes
#
# `words` maps each word, as a tuple of its pieces, to how often it occurs in the text. Find the pair of neighbours that occurs most often in the text; among equals take the first in alphabetical order. Return the pair, and the words with the pair joined wherever it stands, from left to right.
#
# From `{("l", "o", "w"): 2, ("o", "w", "l"): 1}` you make the pair `("o", "w")` and the words `{("l", "ow"): 2, ("ow", "l"): 1}`.
#
# Do not change `words` itself.

# %%
def merge_step(words: dict[tuple[str, ...], int]) -> tuple[tuple[str, str], dict[tuple[str, ...], int]]:
    """The most frequent pair, and the words after joining it."""
    ### BEGIN SOLUTION
    pairs = Counter()
    for pieces, count in words.items():
        for pair in pairwise(pieces):
            pairs[pair] += count
    best = min(pairs, key=lambda pair: (-pairs[pair], pair))
    joined = {}
    for pieces, count in words.items():
        new, i = [], 0
        while i < len(pieces):
            width = 2 if pieces[i : i + 2] == best else 1
            new.append("".join(pieces[i : i + width]))
            i += width
        joined[tuple(new)] = count
    return best, joined
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("01.2", merge_step)

# %% [markdown]
# With this function you have a tokenizer trainer. Run it on the town's words and watch pieces grow.

# %%
words = {tuple(word): count for word, count in tokens.count_words(tokens.world_texts(300)).items()}
for step in range(12):
    pair, words = merge_step(words)
    print(f"{step + 1:>2}  {pair[0]} + {pair[1]}")

# %% [markdown]
# ## Exercise 3 · Pad a batch · difficulty ●●○ · importance ●●● · 8 minutes
#
# Rows of token numbers come in different lengths. Put them into one rectangle for an encoder: padding behind each row, up to the longest row of this batch, and a mask that is 1 for tokens and 0 for padding.
#
# Return a dictionary with two tensors of whole numbers, `input_ids` and `attention_mask`, both of (batch, time).

# %%
def pad(rows: list[list[int]], pad_id: int) -> dict[str, torch.Tensor]:
    """The rows as a model takes them."""
    ### BEGIN SOLUTION
    longest = max(len(row) for row in rows)
    missing = [longest - len(row) for row in rows]
    return {
        "input_ids": torch.tensor([row + [pad_id] * n for row, n in zip(rows, missing)]),
        "attention_mask": torch.tensor([[1] * len(row) + [0] * n for row, n in zip(rows, missing)]),
    }
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("01.3", pad)

# %% [markdown]
# ## Exercise 4 · Which tokens belong to a word? · difficulty ●●○ · importance ●●● · 10 minutes
#
# Labels are often given by word, and a model answers by token. Offsets connect the two. Words and tokens are spans `(start, end)` in characters of the same text; the end is the first character that no longer belongs.
#
# For each word, return the list of the numbers of its tokens: those that share at least one character with it. Tokens are numbered as they stand in the row, special tokens included. Special tokens have the span `(0, 0)` and belong to no word.
#
# One word `(0, 4)` and the tokens `(0, 0)`, `(0, 2)`, `(2, 4)`, `(0, 0)` give `[[1, 2]]`.

# %%
def align(words: list[tuple[int, int]], offsets: list[tuple[int, int]]) -> list[list[int]]:
    """For each word, the numbers of its tokens."""
    ### BEGIN SOLUTION
    return [
        [i for i, (start, end) in enumerate(offsets) if start < word_end and end > word_start]
        for word_start, word_end in words
    ]
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("01.4", align)

# %% [markdown]
# Fast tokenizers offer the same as `encoded.word_ids()`, for words that they found themselves. For *your* words, say names that an annotator marked, you need this function. Lesson 10 is built on it.
#
# ## Exercise 5 · Windows that overlap · difficulty ●●○ · importance ●●○ · 10 minutes
#
# A text of many tokens must go through a model that takes `size` at a time. Cut it into windows. Neighbours share `stride` tokens. Every token stands in at least one window; the last window may be shorter, and no window begins after one has reached the end. `stride` is smaller than `size`, and special tokens are left aside.

# %%
def windows(ids: list[int], size: int, stride: int) -> list[list[int]]:
    """The text in windows, from left to right."""
    ### BEGIN SOLUTION
    found = []
    start = 0
    while True:
        found.append(ids[start : start + size])
        if start + size >= len(ids):
            return found
        start += size - stride
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("01.5", windows)

# %% [markdown]
# ## Exercise 6 · Tokens per word · difficulty ●○○ · importance ●●○ · 6 minutes
#
# Fertility is the number of tokens per word, over all texts together. Words are what any amount of white space separates. Special tokens are no part of a text and do not count.

# %%
def fertility(tokenizer, texts: list[str]) -> float:
    """Tokens per word."""
    ### BEGIN SOLUTION
    found = sum(len(tokenizer(text, add_special_tokens=False)["input_ids"]) for text in texts)
    return found / sum(len(text.split()) for text in texts)
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("01.6", fertility)

# %% [markdown]
# Use it: which of these does the mini encoder's tokenizer find dearest? Add a text of yours.

# %%
mini = load_tokenizer("mini-encoder")
for name, texts in {"the town": tokens.world_texts(50, seed=1), **tokens.OUT_OF_DOMAIN}.items():
    print(f"{name:>9}: {fertility(mini, list(texts)):.2f} tokens per word")

# %% [markdown]
# ## Exercise 7 · Four inputs, three faults · difficulty ●○○ · importance ●●● · 6 minutes
#
# Four programs prepare the same text for the mini encoder. None raises an error. One is sound, one uses another model's tokenizer, one leaves out the special tokens, one lower-cases the text for a model that was trained on cased text.
#
# Which is which? You have the model's own tokenizer, `mini`.

# %%
mini = load_tokenizer("mini-encoder")
text = "The waiter at the Three Lanterns was rude, but Aunt Ottoline liked the soup."
inputs = mystery_inputs(text)
for letter, ids in inputs.items():
    print(letter, ids)

# %%
diagnosis = {
    ### BEGIN SOLUTION
    ### STUB "A": ...,  # "sound", "another tokenizer", "no special tokens" or "lower-cased"
    ### STUB "B": ...,
    ### STUB "C": ...,
    ### STUB "D": ...,
    "A": "lower-cased",
    "B": "another tokenizer",
    "C": "sound",
    "D": "no special tokens",
    ### END SOLUTION
}

# %%
# NBVAL_CHECK_OUTPUT
check("01.7", diagnosis)

# %% [markdown]
# Lower-cased text is the hardest to find: it reads almost alike, and the model takes it for other words.
#
# ## What you have now
#
# - the one step that BPE is made of, and why the order of merges matters;
# - a batch and its mask, built from lengths and not from token numbers;
# - a way from tokens back to words, and windows that lose nothing;
# - a price per word, and an eye for inputs that were prepared for another model.
#
# Decode a batch with the model's own tokenizer before you train. It takes one line and finds most of the faults in this notebook.
