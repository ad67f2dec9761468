# %% [markdown]
# # 12 · Translation: exercises
#
# A translation is written one token at a time by a model that reads what it has written. Here you build the pieces that decide whether this works: what the decoder reads while it learns, how it writes, and how a score is made of what it wrote. Seven exercises, about an hour.
#
# Replace each `raise NotStarted` by your answer, run its cell, then run the `check` under it. The check says what it saw, what usually leads there, and what to try next. Stuck? Write `hint("12.1")` in a cell of its own: each call tells a little more. What you have solved is remembered on this machine; `course progress` in a terminal lists it.
#
# Each exercise stands alone, so begin where you like. Difficulty and importance go up to three dots.

# %%
import math
from collections import Counter

import numpy as np
import torch

from course_utils import encode, load_model, load_task, load_tokenizer
from course_utils.checks import NotStarted, check, hint
from course_utils.checks.lesson_12 import toy_decoder
from course_utils.generation import cross_attention

# %% [markdown]
# ## Exercise 1 · What the decoder reads · difficulty ●○○ · importance ●●● · 8 minutes
#
# While it learns, the decoder reads the *right* words, and at each place writes the next one. So its input is its labels, moved by one place: first the start token, then each label but the last.
#
# Labels are a tensor (batch, time) in which -100 says "no target here". Return what the decoder reads, of the same shape, with `pad` in place of every -100. Leave the labels as they are.
#
# With start 0 and pad 0, the labels `[[7, 8, 9, 1], [5, 1, -100, -100]]` become `[[0, 7, 8, 9], [0, 5, 1, 0]]`.

# %%
def decoder_inputs(labels: torch.Tensor, start: int, pad: int) -> torch.Tensor:
    """What the decoder reads while it writes `labels`: (batch, time) → (batch, time)."""
    ### BEGIN SOLUTION
    shifted = labels.roll(1, dims=1)
    shifted[:, 0] = start
    return shifted.masked_fill(shifted == -100, pad)
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("12.1", decoder_inputs)

# %% [markdown]
# ## Exercise 2 · Labels of unequal length · difficulty ●○○ · importance ●●● · 8 minutes
#
# Translations have different lengths, and a tensor has one. Given the tokens of each translation, return the labels: the tokens, then the token `end`, then -100 up to the longest row.

# %%
def make_labels(rows: list[list[int]], end: int) -> torch.Tensor:
    """Labels (rows, longest row + 1), int64."""
    ### BEGIN SOLUTION
    labels = torch.full((len(rows), max(map(len, rows)) + 1), -100)
    for line, row in zip(labels, rows, strict=True):
        line[: len(row) + 1] = torch.tensor([*row, end])
    return labels
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("12.2", make_labels)

# %% [markdown]
# ## Exercise 3 · Greedy decoding · difficulty ●●○ · importance ●●● · 10 minutes
#
# Now the decoder is alone: no right words to read, only its own. `next_log_probs(text)` takes the list of all tokens so far, the start token included, and returns the log-probabilities (vocabulary,) of the next one.
#
# Take the likeliest token each time. Stop when it is `end`, or after `most` tokens. Return the text without start and end.

# %%
def greedy(next_log_probs, start: int, end: int, most: int) -> list[int]:
    """The tokens of the text, one after the other."""
    ### BEGIN SOLUTION
    text = [start]
    for _ in range(most):
        token = int(next_log_probs(text).argmax())
        if token == end:
            break
        text.append(token)
    return text[1:]
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("12.3", greedy)

# %% [markdown]
# ## Exercise 4 · One step of a beam · difficulty ●●● · importance ●●○ · 12 minutes
#
# A beam follows several texts at once. `texts` are tuples of tokens, `sums` their log-probabilities, and `log_probs` (texts, vocabulary) says how likely each token is after each text.
#
# Extend every text by every token, and return the `width` likeliest of all of these: the texts and their sums, the best first.

# %%
def beam_step(
    texts: list[tuple[int, ...]], sums: list[float], log_probs: torch.Tensor, width: int
) -> tuple[list[tuple[int, ...]], list[float]]:
    """The `width` best continuations and their log-probabilities."""
    ### BEGIN SOLUTION
    total = log_probs + torch.tensor(sums)[:, None]  # (texts, vocabulary)
    values, places = total.flatten().topk(width)
    origins, tokens = places // log_probs.shape[1], places % log_probs.shape[1]
    longer = [(*texts[o], t) for o, t in zip(origins.tolist(), tokens.tolist(), strict=True)]
    return longer, values.tolist()
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("12.4", beam_step)

# %% [markdown]
# Follow a beam of two through the toy decoder of exercise 3. The two texts need not stay on the path of the greedy one.

# %%
texts, sums = [(0,)], [0.0]
for _ in range(3):
    texts, sums = beam_step(texts, sums, torch.stack([toy_decoder(text) for text in texts]), 2)
    print([(text, round(math.exp(value), 2)) for text, value in zip(texts, sums, strict=True)])

# %% [markdown]
# ## Exercise 5 · Short or long? · difficulty ●○○ · importance ●●○ · 6 minutes
#
# Each further token makes a text less likely, so a search by plain sums prefers what is short. The usual remedy divides each sum by the text's length to the power of a *length penalty*.
#
# Given hypotheses (text, sum of log-probabilities), return the text with the best score.

# %%
def best_hypothesis(hypotheses: list[tuple[list[int], float]], penalty: float) -> list[int]:
    """The text whose sum / length ** penalty is largest."""
    ### BEGIN SOLUTION
    return max(hypotheses, key=lambda pair: pair[1] / len(pair[0]) ** penalty)[0]
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("12.5", best_hypothesis)

# %% [markdown]
# ## Exercise 6 · BLEU of words and pairs · difficulty ●●● · importance ●●○ · 15 minutes
#
# [BLEU](https://aclanthology.org/P02-1040/) asks how many of the words, pairs, triples and quadruples that were written stand in the reference. Here words and pairs are enough.
#
# - **Clipped**: an n-gram is a hit at most as often as the reference of its sentence has it.
# - **Over the corpus**: hits of all sentences, divided by the n-grams of all sentences.
# - The score is 100 × the geometric mean of the two precisions × a brevity penalty: $e^{1 - r/g}$ where the references' total length $r$ is larger than $g$, that of what was given; else 1. Without any hit it is 0.

# %%
def bleu_2(given: list[list[str]], references: list[list[str]]) -> float:
    """Corpus BLEU with words and pairs, from 0 to 100."""
    ### BEGIN SOLUTION
    precisions = []
    for n in (1, 2):
        hits = total = 0
        for a, b in zip(given, references, strict=True):
            ours, theirs = (Counter(tuple(t[i : i + n]) for i in range(len(t) - n + 1)) for t in (a, b))
            hits += sum((ours & theirs).values())
            total += sum(ours.values())
        precisions.append(hits / total if total else 0.0)
    length, wanted = sum(map(len, given)), sum(map(len, references))
    brevity = math.exp(1 - wanted / length) if 0 < length < wanted else 1.0
    return 100 * brevity * math.sqrt(math.prod(precisions))
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("12.6", bleu_2)

# %% [markdown]
# ## Exercise 7 · Who looked where · difficulty ●●○ · importance ●○○ · 8 minutes
#
# Cross-attention says at which source tokens the decoder looked while it wrote. `weights` is (heads, target, source); the last source token is the end of the sentence, which is no word.
#
# For each target token, return the source place with the largest weight: averaged over heads, the end left out.

# %%
def align(weights: torch.Tensor) -> list[int]:
    """One source place for each target token."""
    ### BEGIN SOLUTION
    return weights.mean(0)[:, :-1].argmax(-1).tolist()
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("12.7", align)

# %% [markdown]
# Now on the shipped denoiser, before it has seen a single translation. Its cross-attention was trained to fill gaps; how much of a dictionary do you expect?

# %%
task = load_task("translation", train_rows=4)
tokenizer = load_tokenizer("mini-encoder-decoder")
batch = encode(task, tokenizer)["train"].batch(np.array([0]))
links = align(cross_attention(load_model("mini-encoder-decoder", task), batch)[-1])
source, target = (tokenizer.convert_ids_to_tokens(batch[name][0]) for name in ("input_ids", "labels"))
print(", ".join(f"{word} → {source[place]}" for word, place in zip(target, links, strict=True)))

# %% [markdown]
# A few small words find each other, since they stand at like places in every sentence. For the rest, what stands beside it in the sentence wins over what it means. Lesson 12 shows the same map after 600 pairs.
#
# Where you are: `course progress` in a terminal. The lesson's own code for all of this is in `course_utils/generation.py` and `course_utils/batching.py`; you can read it now.
