# %% [markdown]
# # 10 · Named entities: exercises
#
# Finding names is mostly bookkeeping: from pieces to words, from tags to spans, from spans to characters. Each step can be wrong by one place without any error, and the model gets the blame. Seven exercises, a little over an hour. No model is trained here; every cell takes a moment.
#
# Replace each `raise NotStarted` by your answer, run its cell, then run the `check` under it. The check says what it saw, what usually leads there, and what to try next. Stuck? Write `hint("10.1")` in a cell of its own: each call tells a little more. What you have solved is remembered on this machine; `course progress` in a terminal lists it.
#
# Each exercise stands alone, so begin where you like. Difficulty and importance go up to three dots.

# %%
import numpy as np

from course_utils.checks import NotStarted, check, hint
from course_utils.entities import allowed_transitions

# %% [markdown]
# ## Exercise 1 · From pieces back to words · difficulty ●●○ · importance ●●● · 8 minutes
#
# In the lesson, tags went from words to pieces. Predictions go the other way: the model says something at *every* piece, and you want one tag per word. `word_ids` is what a fast tokenizer gives: the word of each piece, `None` for a special token.
#
# | piece | `[CLS]` | `Mrs` | `Pett` | `##if` | `##er` | `smiles` | `[SEP]` |
# |---|---|---|---|---|---|---|---|
# | word | `None` | 0 | 1 | 1 | 1 | 2 | `None` |
# | predicted | `I-ORG` | `O` | `B-PER` | `B-PER` | `O` | `O` | `O` |
#
# gives `["O", "B-PER", "O"]`. Only first pieces were labelled in training, so only a first piece speaks for its word: what the model says elsewhere, nobody taught it. A word without any piece gets `O`. There are such words: those beyond the length at which a sentence was cut, and those that are only an invisible character.

# %%
def tags_of_words(word_ids: list[int | None], predicted: list[str], n_words: int) -> list[str]:
    """One tag for each of `n_words` words; `predicted` holds one for each piece."""
    ### BEGIN SOLUTION
    tags, before = ["O"] * n_words, None
    for word, tag in zip(word_ids, predicted, strict=True):
        if word is not None and word != before:  # the first piece of its word
            tags[word] = tag
        before = word
    return tags
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("10.1", tags_of_words)

# %% [markdown]
# ## Exercise 2 · From tags to spans · difficulty ●●○ · importance ●●● · 10 minutes
#
# In IOB2, a name begins with `B-`, goes on with `I-` of the same kind, and ends where that stops. Return the names as `(kind, first word, last word + 1)`, so that `words[first:end]` is the name.
#
# Read **strictly**: an `I-` that continues nothing is no name, and no part of one. A kind may have a dash of its own, as in `B-geo-loc`.
#
# | word | Ada | Finch | left | Marlow | Tallis | & | Sons |
# |---|---|---|---|---|---|---|---|
# | tag | `B-PER` | `I-PER` | `O` | `B-LOC` | `B-ORG` | `I-ORG` | `I-ORG` |
#
# gives `[("PER", 0, 2), ("LOC", 3, 4), ("ORG", 4, 7)]`. And `O I-PER B-LOC I-PER` gives `[("LOC", 2, 3)]`.

# %%
def spans_of(tags: list[str]) -> list[tuple[str, int, int]]:
    """The names in IOB2 tags, in the order in which they stand."""
    ### BEGIN SOLUTION
    spans = []
    for i, tag in enumerate(tags):
        mark, _, kind = tag.partition("-")
        if mark == "B":
            spans.append((kind, i, i + 1))
        elif mark == "I" and spans and spans[-1][0] == kind and spans[-1][2] == i:
            spans[-1] = (kind, spans[-1][1], i + 1)
    return spans
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("10.2", spans_of)

# %% [markdown]
# ## Exercise 3 · Another scheme · difficulty ●●○ · importance ●○○ · 8 minutes
#
# IOBES (also written BIOES; BILOU is the same with other letters) says more: `S-` is a name of one word, `E-` the last word of a longer one. `B-` and `I-` are then always followed by more of the same name. Some sets come in this scheme, and some taggers learn better from it.
#
# | IOB2 | `B-PER` | `I-PER` | `I-PER` | `O` | `B-LOC` |
# |---|---|---|---|---|---|
# | IOBES | `B-PER` | `I-PER` | `E-PER` | `O` | `S-LOC` |
#
# The tags that come in keep the rules of IOB2. (In your own work, `entities.convert_tags` does this for IOB1, IOB2 and IOBES.)

# %%
def to_iobes(tags: list[str]) -> list[str]:
    """IOB2 tags as IOBES tags of the same names."""
    ### BEGIN SOLUTION
    converted = []
    for tag, after in zip(tags, [*tags[1:], "O"], strict=True):
        mark, _, kind = tag.partition("-")
        if mark != "O" and after != f"I-{kind}":  # the name ends here
            mark = "S" if mark == "B" else "E"
        converted.append(f"{mark}-{kind}" if kind else tag)
    return converted
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("10.3", to_iobes)

# %% [markdown]
# ## Exercise 4 · F1 of whole names · difficulty ●●○ · importance ●●● · 10 minutes
#
# A predicted name is right if the same sentence has a name of the same kind with the same ends. **Precision** is the share of predicted names that are right, **recall** the share of wanted names that were found. F1 is their harmonic mean, $2PR/(P+R)$.
#
# Count over *all* sentences, then divide once. Where there is no name to be right about, the score is 0.

# %%
Span = tuple[str, int, int]  # kind, first word, last word + 1


def entity_f1(predicted: list[list[Span]], wanted: list[list[Span]]) -> float:
    """F1 over all sentences; each sentence is a list of spans."""
    ### BEGIN SOLUTION
    right = sum(len(set(p) & set(w)) for p, w in zip(predicted, wanted, strict=True))
    given, there = sum(map(len, predicted)), sum(map(len, wanted))
    return 2 * right / (given + there) if given + there else 0.0
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("10.4", entity_f1)

# %% [markdown]
# ## Exercise 5 · What kind of error? · difficulty ●●● · importance ●●○ · 12 minutes
#
# F1 says how many names are wrong; a count of error kinds says what to do about it. For one sentence, count:
#
# - `"right"`: kind and both ends agree;
# - `"type"`: both ends agree, the kind does not;
# - `"boundary"`: they share a word and the kind agrees, but not both ends;
# - `"boundary and type"`: they share a word, the kind does not agree, and not both ends do;
# - `"missed"`: a wanted name that shares no word with any predicted one;
# - `"spurious"`: a predicted name that shares no word with any wanted one.
#
# In these sentences a name shares words with at most one name of the other side. Return a dictionary with all six keys.

# %%
def count_errors(predicted: list[Span], wanted: list[Span]) -> dict[str, int]:
    """How often each of the six happened in one sentence."""
    ### BEGIN SOLUTION
    counts = dict.fromkeys(["right", "type", "boundary", "boundary and type", "missed", "spurious"], 0)
    met = set()
    for kind, first, end in wanted:
        partners = [span for span in predicted if span[1] < end and first < span[2]]
        if not partners:
            counts["missed"] += 1
            continue
        other, start, stop = partners[0]
        met.add(partners[0])
        same_kind, same_ends = other == kind, (start, stop) == (first, end)
        if same_ends:
            counts["right" if same_kind else "type"] += 1
        else:
            counts["boundary" if same_kind else "boundary and type"] += 1
    counts["spurious"] = sum(span not in met for span in predicted)
    return counts
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("10.5", count_errors)

# %% [markdown]
# ## Exercise 6 · The best path that keeps the rules · difficulty ●●● · importance ●●○ · 15 minutes
#
# The model scores every tag of every word by itself. Choosing the best tag of each word may give `O I-PER`, which no sentence can have. Find instead the best *sequence* among those that the rules allow: the highest sum of scores.
#
# Trying all sequences is hopeless: five tags and twenty words give $5^{20}$. Viterbi's idea: go from left to right, and for each tag keep only the best legal sequence that ends in it. To extend these by one word, look at every pair of tags. At the end, walk back.
#
# `first[j]` says whether tag `j` may begin a sentence, `after[i, j]` whether `j` may follow `i`.

# %%
TAGS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
first, after = allowed_transitions(TAGS)
print("may begin:", [tag for tag, ok in zip(TAGS, first, strict=True) if ok])
print("may follow B-PER:", [tag for tag, ok in zip(TAGS, after[1], strict=True) if ok])

# %%
def best_legal_path(scores: np.ndarray, first: np.ndarray, after: np.ndarray) -> list[int]:
    """The tags (numbers) with the highest sum of scores. scores (words, tags); first (tags,); after (tags, tags)."""
    ### BEGIN SOLUTION
    best = np.where(first, scores[0], -np.inf)  # (tags,): of the best sequence that ends in each tag
    came_from = []
    for row in scores[1:]:
        paths = np.where(after, best[:, None], -np.inf)  # (tag before, tag here)
        came_from.append(paths.argmax(0))
        best = paths.max(0) + row
    path = [int(best.argmax())]
    for back in reversed(came_from):
        path.append(int(back[path[-1]]))
    return path[::-1]
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("10.6", best_legal_path)

# %% [markdown]
# ## Exercise 7 · Back to the characters · difficulty ●○○ · importance ●●○ · 8 minutes
#
# Whoever uses your tagger has a text, not a list of words, and wants to underline something in it. `places` says where each word stands in the sentence: its first character, and its last character + 1.
#
# Return each name as `(kind, start, end)` such that `sentence[start:end]` is the name as it stands there, with whatever spaces it has inside.

# %%
def to_characters(sentence: str, places: list[tuple[int, int]], spans: list[Span]) -> list[Span]:
    """Spans of words as spans of characters."""
    ### BEGIN SOLUTION
    return [(kind, places[first][0], places[end - 1][1]) for kind, first, end in spans]
    ### END SOLUTION


# %%
# NBVAL_CHECK_OUTPUT
check("10.7", to_characters)

# %% [markdown]
# ## What you have now
#
# - one tag for each word, whatever the tokenizer does to it;
# - names read from tags as strictly as the scorer reads them, in two schemes;
# - a score for whole names, and a count of what went wrong with the others;
# - a decoder that keeps the rules, and names that can be underlined in a text.
#
# The package has the same parts: read `course_utils/decoding.py` and `course_utils/entities.py`.
