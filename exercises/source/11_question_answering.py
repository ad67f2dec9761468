# %% [markdown]
# # 11 · Question answering: exercises
#
# An answer is two positions in a text, and nearly every mistake with positions runs without complaint: the loss falls, the score is a little low, and nobody knows why. Here you write the parts where that happens. Seven exercises, a good hour; every cell takes a second or less.
#
# Replace each `raise NotStarted` by your answer, run its cell, then run the `check` under it. The check says what it saw, what usually leads there, and what to try next. Stuck? Write `hint("11.1")` in a cell of its own: each call tells a little more. What you have solved is remembered on this machine.
#
# Each exercise stands alone, so begin where you like. Difficulty and importance go up to three dots.

# %%
import re
import string
from collections import Counter
from collections.abc import Sequence

import numpy as np

from course_utils import load_tokenizer
from course_utils.checks import NotStarted, check, hint
from course_utils.decoding import softmax
from course_utils.metrics import normalise_answer

# %% [markdown]
# A tokenizer can say which characters each token stands for. Below is a row as the model reads it: question, then passage. The pairs are characters of the *passage*, first and last + 1; tokens that are not in it have (-1, -1).

# %%
row = load_tokenizer("mini-encoder")("Who leads Oslo?", "Anna Berg rules Oslo.", return_offsets_mapping=True)
in_passage = [part == 1 for part in row.sequence_ids()]
for token, pair, inside in zip(row.tokens(), row["offset_mapping"], in_passage):
    print(f"{token:>10}  {pair if inside else (-1, -1)}")

# %% [markdown]
# ## Exercise 1 · From characters to tokens · difficulty ●●○ · importance ●●● · 10 minutes
#
# Labels come as characters: the answer begins at `begin` and ends before `end`. A model is trained on tokens: the number of the first and of the last token that have a part of the answer. Count from the start of the row, [CLS] being 0; the last is a token of the answer, not the one after it.
#
# A token may begin with the space before its word, so it need not begin exactly where the answer does. If this row does not hold the whole answer, because a long passage was cut into windows, return (0, 0), which says "not here".

# %%
def tokens_of(spans: Sequence[tuple[int, int]], begin: int, end: int) -> tuple[int, int]:
    """First and last token of the answer; `spans` has the characters of each token, (-1, -1) outside the passage."""
    ### BEGIN SOLUTION
    tokens = [i for i, (a, b) in enumerate(spans) if a >= 0 and a < end and b > begin]
    if not tokens or spans[tokens[0]][0] > begin or spans[tokens[-1]][1] < end:
        return 0, 0
    return tokens[0], tokens[-1]
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("11.1", tokens_of)

# %% [markdown]
# ## Exercise 2 · The best span · difficulty ●●○ · importance ●●● · 12 minutes
#
# For every token the model gives two logits: how well the answer starts here, and how well it ends here. Return the pair (first token, last token) whose two logits have the largest **sum**, among pairs that make sense:
#
# - the start is not after the end;
# - the span has at most `longest` tokens;
# - both ends lie where `in_context` is true.
#
# A passage has a few hundred tokens, so two loops are fast enough.

# %%
def best_span(first: np.ndarray, last: np.ndarray, in_context: np.ndarray, longest: int) -> tuple[int, int]:
    """The best allowed span from logits (time,) of starts and of ends."""
    ### BEGIN SOLUTION
    best, found = -np.inf, (0, 0)
    for i in np.flatnonzero(in_context):
        for j in range(i, min(i + longest, len(last))):
            if in_context[j] and first[i] + last[j] > best:
                best, found = first[i] + last[j], (int(i), j)
    return found
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("11.2", best_span)

# %% [markdown]
# ## Exercise 3 · Windows that overlap · difficulty ●●○ · importance ●●○ · 8 minutes
#
# A passage of `n` tokens is read in windows of at most `width` tokens. Two neighbours share `overlap` tokens, so that an answer of up to `overlap + 1` tokens stands whole in at least one window. Only the last window may be shorter, and as soon as a window reaches the end, it is the last.
#
# With 11 tokens, width 4 and overlap 1: (0, 4), (3, 7), (6, 10), (9, 11). Each pair is begin and end, as in a Python slice.

# %%
def windows(n: int, width: int, overlap: int) -> list[tuple[int, int]]:
    """The windows over `n` tokens, from left to right; `overlap` is less than `width`."""
    ### BEGIN SOLUTION
    begins = range(0, max(1, n - overlap), width - overlap)
    return [(begin, min(begin + width, n)) for begin in begins]
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("11.3", windows)

# %% [markdown]
# Tokenizers call the overlap *stride*. In other libraries a stride is the step from one window to the next: read what yours means.
#
# ## Exercise 4 · When are two answers the same? · difficulty ●○○ · importance ●●● · 8 minutes
#
# "The Old Bridge." and "old bridge" should count as the same answer. The official rules of SQuAD settle how: lower case; then every ASCII punctuation character is deleted; then the words *a*, *an* and *the*; then runs of spaces become one, with none at the ends. Everything else stays, curly quotes included.
#
# The rules are crude. Scores compare only if everyone applies the same ones, in the same order.

# %%
def normalise(text: str) -> str:
    """An answer as the official scorer compares it."""
    ### BEGIN SOLUTION
    text = text.lower().translate(str.maketrans("", "", string.punctuation))
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("11.4", normalise)

# %% [markdown]
# ## Exercise 5 · Partly right · difficulty ●●○ · importance ●●○ · 10 minutes
#
# Exact match gives nothing for "in Oslo" where "Oslo" is wanted. Word F1 gives a part. *Precision* is the share of given words that were wanted, *recall* the share of wanted words that were given; F1 is their harmonic mean, $2PR/(P+R)$. A word that stands twice may match twice.
#
# Normalise both sides first (`normalise_answer` is there for you). Where several answers are accepted, the best counts. If one side has no words left, F1 is 1 if the other has none either, and 0 otherwise.

# %%
def word_f1(given: str, accepted: Sequence[str]) -> float:
    """F1 against the nearest of the accepted answers, between 0 and 1."""
    ### BEGIN SOLUTION
    def against(text: str) -> float:
        words, wanted = normalise_answer(given).split(), normalise_answer(text).split()
        if not words or not wanted:
            return float(words == wanted)
        common = (Counter(words) & Counter(wanted)).total()
        return 2 * common / (len(words) + len(wanted))

    return max(against(text) for text in accepted)
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("11.5", word_f1)

# %% [markdown]
# ## Exercise 6 · When to say nothing · difficulty ●●● · importance ●●● · 12 minutes
#
# Some questions have no answer in their passage. For each validation row you know three things: its `margin`, the log-probability of the best span less that of "no answer"; whether that span is `exact`; and whether the row `has_answer` at all.
#
# A model with threshold $t$ answers where `margin >= t` and says nothing elsewhere. Return the threshold with the highest share of right rows: an answered row is right if its span is exact, a refused one if there was no answer. Refusing everything is allowed (`np.inf`).

# %%
def best_threshold(margins: np.ndarray, exact: np.ndarray, has_answer: np.ndarray) -> float:
    """The threshold that gets most rows right; each argument has one value a row."""
    ### BEGIN SOLUTION
    def right(threshold: float) -> float:
        answered = margins >= threshold
        return np.where(answered, exact & has_answer, ~has_answer).mean()

    return max([*np.unique(margins), np.inf], key=right)
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("11.6", best_threshold)

# %% [markdown]
# The threshold is one more thing chosen on validation rows. Apply it to the test rows once, and quote that score.
#
# ## Exercise 7 · One answer from several windows · difficulty ●●● · importance ●●○ · 12 minutes
#
# A long passage was read in windows. Each gives logits of shape (time, 2): column 0 for starts, column 1 for ends. Token 0 says "the answer is not in this window"; the tokens after it are the passage.
#
# Return (window, first token, last token) of the most **probable** span of all. A window's probabilities come from its own logits: one softmax over its starts and one over its ends, token 0 included. A span's probability is that of its start times that of its end; the start is not after the end, and token 0 is no answer.

# %%
def merge(windows: list[np.ndarray]) -> tuple[int, int, int]:
    """The window and the two tokens of the likeliest span."""
    ### BEGIN SOLUTION
    best, found = -1.0, (0, 0, 0)
    for number, logits in enumerate(windows):
        first, last = softmax(logits, axis=0).T  # (time,) each
        scores = np.triu(np.outer(first, last))  # (time, time): from token i to token j, i ≤ j
        scores[0] = 0
        i, j = np.unravel_index(scores.argmax(), scores.shape)
        if scores[i, j] > best:
            best, found = scores[i, j], (number, int(i), int(j))
    return found
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("11.7", merge)

# %% [markdown]
# ## What you have now
#
# - labels that point at the right tokens, in every window;
# - spans that begin before they end;
# - a score that others can compare with theirs;
# - a model that may say nothing, and a passage of any length.
#
# The package has the same parts: `_answer_tokens` in `batching.py`, `answer_spans` and `not_here` in `decoding.py`, `answer_scores` in `metrics.py`. Compare them with yours.
