"""Exercises of lesson 01, tokens: what is easy to get almost right before a model sees anything.

A *suspect* is a wrong program written out: where the answer gives what the suspect gives, it is recognised.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

from course_utils.checks import Check, Mistake
from course_utils.tokens import count_pairs, merge_pair


# A mistake reads best as its four parts, on as few lines as they need:
# fmt: off
@dataclass(frozen=True)
class Suspect:
    """What a usual mistake would give, and what to say if the answer gives the same."""

    name: str
    value: Any
    cause: str
    move: str


def told_apart(
    got: Any, right: Any, seen: str, suspects: Sequence[Suspect], otherwise: str
) -> Mistake | None:
    """None if the answer is right, else the first suspect that gives what it gives."""
    if got == right:
        return None
    for suspect in suspects:
        if got == suspect.value:
            return Mistake(suspect.name, seen, suspect.cause, suspect.move)
    return Mistake("another value", seen, "none of the usual mistakes gives this", otherwise)


def _plain(value: Any) -> Any:
    """Tensors, arrays, tuples and lists of them as nested lists of plain numbers."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value


# ---------------------------------------------------------------- 01.1

MERGES = (("e", "r"), ("h", "e"), ("t", "he"), ("r", "e"))
_CUTS = {"then": "the n", "there": "t h er e", "where": "w h er e", "three": "t h re e"}
_LONGEST_FIRST = {"then": "the n", "there": "the re", "where": "w he re", "three": "t h re e"}

by_hand = Check(
    "01.1",
    "Merges by hand",
    hints=(
        "Take one word and write its letters with spaces between them. Then take the merges one at a time, from the "
        "first to the last, and join that pair wherever it stands.",
        "The order of the list decides, not the order of the letters. Look for `e r` in every word before you look "
        "for `h e`.",
        "In `there`, the first merge takes the `e` in the middle: `t h er e`. Is there still an `h` followed by an `e` "
        "of its own?",
    ),
)


@by_hand.probe
def four_words(answer):
    """The right words, each with all its letters."""
    if not isinstance(answer, Mapping) or set(answer) != set(_CUTS):
        named = ", ".join(map(str, answer)) if isinstance(answer, Mapping) else type(answer).__name__
        return Mistake(
            "other words", f"an answer about {named}", "the exercise asks about four words, as keys of a dictionary",
            f"Give the pieces of {', '.join(_CUTS)}, each as one text with spaces between the pieces.",
        )
    for word, cut in answer.items():
        if not isinstance(cut, str):
            return Mistake(
                "not a text", f"{cut!r} for {word!r}",
                f"the pieces are given as a {type(cut).__name__}; the exercise asks for one text",
                'Write the pieces in one pair of quotes, with spaces between them: "w e t".',
            )
        if "".join(cut.split()) != word:
            return Mistake(
                "letters lost", f'"{cut}" for "{word}"',
                "the pieces of a word, put together, always give the word; here letters are missing or too many",
                "Join your pieces again and compare them with the word.",
            )
    return None


@by_hand.probe
def cut_by_the_merges(answer):
    """The merges in their order, all of them."""
    answer = {word: " ".join(cut.split()) for word, cut in answer.items()}
    if answer == _CUTS:
        return None
    for word, cut in answer.items():
        strange = [piece for piece in cut.split() if len(piece) > 1 and piece not in map("".join, MERGES)]
        if strange:
            return Mistake(
                "not a token", f'"{strange[0]}" among the pieces of "{word}"',
                "no merge makes this piece: a pair is joined only if it stands in the list",
                "Take that piece apart again, and join only what a line of the list names.",
            )
    if any(answer[word] != _CUTS[word] and answer[word] == _LONGEST_FIRST[word] for word in answer):
        return Mistake(
            "out of order", "a word cut into its longest pieces, as WordPiece would, or joined from left to right",
            "the merges are not taken in the order of the list: an early merge can take a letter that a later one "
            "would need",
            "Apply the first line of the list to the whole word before you look at the second.",
        )
    for word, cut in answer.items():
        left = next((pair for pair in pairwise(cut.split()) if pair in MERGES), None)
        if left:
            return Mistake(
                "stopped early", f'"{cut}" for "{word}", in which {left[0]} and {left[1]} still stand side by side',
                "a pair that a merge joins was left apart; perhaps one of its parts was itself made by an earlier merge",
                "After each merge, go on with the *next line* of the list, to its end.",
            )
    return Mistake(
        "another cut", f"{', '.join(f'{word}: {cut}' for word, cut in answer.items())}",
        "the pieces are all tokens, but the merges do not lead to them",
        "Take one word, and write it down anew after each line of the list.",
    )


# ---------------------------------------------------------------- 01.2

Words = dict[tuple[str, ...], int]

merge_step = Check(
    "01.2",
    "One step of byte-pair encoding",
    hints=(
        "Two halves: find the best pair, then join it in every word. Test the halves on their own.",
        "Count with a `Counter`: for each word, for each of `pairwise(pieces)`, add the word's count. The best pair is "
        "`min(pairs, key=lambda pair: (-pairs[pair], pair))`.",
        "To join, walk through the pieces with an index. If this piece and the next are the pair, append both as one "
        "and go on two places; else append this one and go on one place.",
    ),
)


def _best(words: Words, key: Callable[[Counter], Callable[[tuple[str, str]], Any]]) -> tuple[str, str]:
    pairs = count_pairs(words)
    return min(pairs, key=key(pairs))


def _first_in_alphabet(pairs: Counter) -> Callable[[tuple[str, str]], Any]:
    return lambda pair: (-pairs[pair], pair)


def _stepped(words: Words, pair: tuple[str, str]) -> Words:
    return {merge_pair(pieces, pair): count for pieces, count in words.items()}


def _read_step(answer: Callable[..., Any], words: Words) -> tuple[Any, Any] | Mistake:
    """What the answer gives as (pair, words), or what is wrong with its form."""
    given = copy.deepcopy(words)
    got = answer(given)
    if given != words:
        return Mistake(
            "input changed", "the dictionary that your function was given is another one afterwards",
            "it is changed in place, so whoever called you has lost the words as they were",
            "Build a new dictionary and return that.",
        )
    if not (isinstance(got, tuple) and len(got) == 2 and isinstance(got[1], Mapping)):
        return Mistake(
            "not a pair", f"a {type(got).__name__} where (pair, words) is asked for",
            "only one of the two results is returned, or they stand in another order",
            "Return two things: the pair of pieces, and the dictionary of words.",
        )
    pair, after = got
    return (tuple(pair) if isinstance(pair, list | tuple) else pair), dict(after)


@merge_step.probe
def the_pair(answer):
    """The pair that occurs most often, each word weighing as often as it occurs."""
    words: Words = {tuple("low"): 1, tuple("lot"): 1, tuple("lop"): 1, tuple("new"): 5, tuple("net"): 2}
    got = _read_step(answer, words)
    if isinstance(got, Mistake):
        return got
    once = dict.fromkeys(words, 1)
    return told_apart(
        got[0], ("n", "e"), f"of the words {_listed(words)} you join {got[0]}",
        [
            Suspect("words counted once", _best(once, _first_in_alphabet),
                "every word counts once, however often it occurs; that counts a word list, not a text",
                "Add the word's count, not 1."),
            Suspect("pair as text", "ne", "the pair is given as the joined piece", "Return the two pieces as a tuple."),
            Suspect("the rarest", _best(words, lambda pairs: lambda pair: (pairs[pair], pair)),
                "the pair with the lowest count is taken", "Look at the sign of what you sort by, or use `max`."),
        ],
        "Print your counts of pairs for these words and check two of them by hand.",
    )


@merge_step.probe
def ties(answer):
    """Equally frequent pairs: the first in alphabetical order, whatever the order of the words."""
    words: Words = {tuple("zu"): 3, tuple("ab"): 3, tuple("no"): 3}
    got = _read_step(answer, words)
    if isinstance(got, Mistake):
        return got
    return told_apart(
        got[0], ("a", "b"), f"three pairs occur three times each, and of {_listed(words)} you join {got[0]}",
        [
            Suspect("ties by order", ("z", "u"),
                "the pair that was met first wins, so the result depends on the order of the words: two runs on the "
                "same text can give two tokenizers",
                "Among equals, take the first in alphabetical order: tuples can be compared."),
            Suspect("ties from the end", ("z", "u")[::-1], "the last of the alphabet wins", "Take the smallest pair."),
        ],
        "Take the smallest pair among those with the highest count.",
    )


def _without_last(pieces: tuple[str, ...]) -> list[str]:
    """A walk that stops one piece too early: (a, n) joined, the piece that is left at the end forgotten."""
    found, i = [], 0
    while i < len(pieces) - 1:
        width = 2 if pieces[i : i + 2] == ("a", "n") else 1
        found.append("".join(pieces[i : i + width]))
        i += width
    return found


def _listed(words: Words) -> str:
    return ", ".join(f"{' '.join(pieces)} ({count})" for pieces, count in words.items())


@merge_step.probe
def every_occurrence(answer):
    """All places in all words, and nowhere else."""
    words: Words = {("b", "a", "n", "a", "n", "a", "n"): 2, ("a", "n"): 3, ("t", "i", "p"): 1, ("ba", "n"): 1, ("a",): 4}
    got = _read_step(answer, words)
    if isinstance(got, Mistake):
        return got
    pair, after = got
    right = _stepped(words, ("a", "n"))

    def only_first(pieces):
        at = next((i for i, two in enumerate(pairwise(pieces)) if two == pair), None)
        return pieces if at is None else (*pieces[:at], "an", *pieces[at + 2:])

    def as_text(pieces):
        return tuple(" ".join(pieces).replace("a n", "an").split())

    seen = f"after joining a and n, your words are {_listed({tuple(w): c for w, c in after.items()})}"
    if any(isinstance(word, str) for word in after):
        return Mistake(
            "words as text", seen, "the words come back as texts, so the next step cannot know their pieces",
            "Make each word a tuple of its pieces again.",
        )
    if set(after) == set(right) and after != right:
        return Mistake(
            "counts lost", f"the right pieces, with the counts {list(after.values())} instead of {list(right.values())}",
            "the words are built anew without their counts, and the next step will count every word once",
            "Carry each word's count over to its new pieces.",
        )
    return told_apart(
        after, right, seen,
        [
            Suspect("only the first", {only_first(w): c for w, c in words.items()},
                "the search ends at the first occurrence in a word",
                "After joining a pair, go on behind it to the end of the word."),
            Suspect("joined as text", {as_text(w): c for w, c in words.items()},
                "pieces are joined by replacing text; then the end of `ba` and the `n` behind it look like the pair",
                "Compare whole pieces, not letters: walk through the tuple."),
            Suspect("last piece lost", {tuple(_without_last(w)): c for w, c in words.items()},
                "a piece with no neighbour to its right is never written down, so words lose their last piece",
                "Go on to the last piece, and append it as it is if nothing follows."),
            Suspect("pieces thrown together",
                {tuple("".join(w).replace("an", " an ").split()): c for w, c in words.items()},
                "the words were made texts again, and then everything between two new pieces became one piece",
                "Keep the pieces: walk through the tuple and join only where the pair stands."),
            Suspect("words dropped", {w: c for w, c in right.items() if "an" in w},
                "only words that contain the pair are returned",
                "Keep the others as they are: their pairs will be counted in the next step."),
            Suspect("nothing joined", words, "the pair is found and the words stay as they were",
                "Build the new pieces of each word, and return them."),
        ],
        "Follow your function by hand through b a n a n a n.",
    )


@merge_step.probe
def overlaps(answer):
    """In a row of equal pieces, pairs are joined from left to right and none twice."""
    words: Words = {("a", "a", "a", "a", "a"): 1}
    got = _read_step(answer, words)
    if isinstance(got, Mistake):
        return got
    return told_apart(
        got[1], {("aa", "aa", "a"): 1}, f"a a a a a becomes {_listed({tuple(w): c for w, c in got[1].items()})}",
        [Suspect("joined twice", {("aa", "aa", "aa", "aa"): 1},
            "a piece that has just been joined to the left is joined to the right as well, so letters are doubled",
            "After a join, go on *two* places.")],
        "Joined from left to right, five equal pieces give two pairs and one left over.",
    )


# ---------------------------------------------------------------- 01.3

pad = Check(
    "01.3",
    "Pad a batch",
    hints=(
        "How long is the longest row? Every row gets so many padding tokens that it is as long as that.",
        "The mask knows nothing about token numbers: it has as many ones as the row has tokens, then zeros.",
        'For each row: `row + [pad_id] * missing` and `[1] * len(row) + [0] * missing`. Return both in a dictionary, '
        'under "input_ids" and "attention_mask".',
    ),
)


def _padded(rows: list[list[int]], pad_id: int, *, left: bool = False) -> list[list[int]]:
    widest = max(map(len, rows))
    return [
        [pad_id] * (widest - len(row)) + row if left else row + [pad_id] * (widest - len(row)) for row in rows
    ]


def _read_batch(answer: Callable[..., Any], rows: list[list[int]], pad_id: int) -> dict[str, Any] | Mistake:
    given = copy.deepcopy(rows)
    got = answer(given, pad_id)
    if given != rows:
        return Mistake(
            "input changed", f"the rows that your function was given are {given} afterwards",
            "`row += …` or `row.append(…)` changes the caller's rows; in the next epoch they are longer already",
            "Build new lists: `row + […]`.",
        )
    if not isinstance(got, Mapping) or set(got) != {"input_ids", "attention_mask"}:
        named = f"the names {', '.join(map(str, got))}" if isinstance(got, Mapping) else f"a {type(got).__name__}"
        return Mistake(
            "other names", f"your function returns {named}",
            "a model takes its inputs by name: input_ids and attention_mask",
            'Return {"input_ids": …, "attention_mask": …}.',
        )
    return {name: _plain(value) for name, value in got.items()}


@pad.probe
def the_ids(answer):
    """Each row first, then padding, to the longest row and no further."""
    rows, pad_id = [[5, 8, 9, 6], [5, 7, 6], [5, 6]], 1
    got = _read_batch(answer, rows, pad_id)
    if isinstance(got, Mistake):
        return got
    ids = got["input_ids"]
    seen = f"with pad_id=1, the rows {rows} become {ids}"
    if any(len(row) != len(ids[0]) for row in ids):
        return Mistake(
            "not a rectangle", seen, "the rows still have different lengths, and no tensor can hold that",
            "How many tokens are missing in each row?",
        )
    if len(ids[0]) != 4:
        shorter = len(ids[0]) < 4
        return Mistake(
            "cut" if shorter else "too wide", f"{seen}: {len(ids[0])} columns",
            "rows are cut to the shortest: tokens are lost" if shorter else
            "the rows are padded to a fixed width, or one too far; every column more is computed for nothing",
            "Pad to the longest row of *this* batch.",
        )
    return told_apart(
        ids, _padded(rows, 1), seen,
        [
            Suspect("padded with zero", _padded(rows, 0),
                "0 is typed in as padding; here 0 is the number of an ordinary token, as in many tokenizers",
                "Use `pad_id`."),
            Suspect("padded on the left", _padded(rows, 1, left=True),
                "the padding stands in front; decoders that generate text want it there, but an encoder's `[CLS]` "
                "is then no longer at position 0",
                "Put the padding behind the row."),
            Suspect("padded with minus 100", _padded(rows, -100),
                "-100 is for *labels*, where it means \"no target\"; as an input it is no row of the embedding table",
                "Use `pad_id` for the inputs."),
        ],
        "Compare row by row: first the tokens as they are, then `pad_id`.",
    )


@pad.probe
def the_mask(answer):
    """1 for a token, 0 for padding, also where a real token has the number of the padding."""
    rows, pad_id = [[5, 1, 9, 6], [5, 6]], 1  # as with GPT-2, whose padding is its end-of-text token
    got = _read_batch(answer, rows, pad_id)
    if isinstance(got, Mistake):
        return got
    mask = [[int(value) for value in row] for row in got["attention_mask"]]
    right = [[1, 1, 1, 1], [1, 1, 0, 0]]
    return told_apart(
        mask, right, f"for the rows {rows} with pad_id=1 your mask is {mask}",
        [
            Suspect("mask inverted", [[0, 0, 0, 0], [0, 0, 1, 1]],
                "1 stands for padding and 0 for tokens: the model then reads the padding and nothing else",
                "1 means: look here."),
            Suspect("mask by number", [[1, 0, 1, 1], [1, 1, 0, 0]],
                "every token with the number of the padding is masked, also a real one in the middle of a row",
                "Build the mask from the *lengths* of the rows."),
            Suspect("mask of ones", [[1] * 4] * 2, "the mask is 1 everywhere, so the padding is read as text",
                "Where does each row end?"),
            Suspect("mask on the left", [[1, 1, 1, 1], [0, 0, 1, 1]],
                "the zeros stand in front and the padding behind: two tokens are hidden, two of padding read",
                "The mask has its zeros where the padding is."),
        ],
        "A row of the mask is as long as its row of tokens, and its sum is the number of real tokens.",
    )


@pad.probe
def as_tensors(answer):
    """Whole numbers in tensors, as a model takes them."""
    import torch

    got = answer([[5, 6]], 1)
    for name, value in got.items():
        if not isinstance(value, torch.Tensor):
            return Mistake(
                "not tensors", f"{name} is a {type(value).__name__}", "a model takes tensors, not lists",
                "Wrap each table in `torch.tensor(…)`.",
            )
        if value.dtype.is_floating_point:
            return Mistake(
                "not whole numbers", f"{name} is of {value.dtype}",
                "an embedding table is looked up by whole numbers", "Build the tensor from whole numbers.",
            )
    return None


# ---------------------------------------------------------------- 01.4

align = Check(
    "01.4",
    "Which tokens belong to a word?",
    hints=(
        "A token belongs to a word if they share at least one character. Write down when two spans share none.",
        "Spans are `[start, end)`: the end is the first character that does *not* belong. So `start < word_end` and "
        "`end > word_start`, both strict.",
        "A special token has the span (0, 0). It has no characters, so it shares none, also not with a word that "
        "starts at 0. Number the tokens as they come, special ones included.",
    ),
)


def _aligned(words, offsets, shares):
    return [[i for i, span in enumerate(offsets) if shares(span, word)] for word in words]


def _shares(span, word):
    return span[0] < word[1] and span[1] > word[0]


@align.probe
def pieces_and_specials(answer):
    """All pieces of a word, numbered in the row as the model gets it, and no special token."""
    #  Tim's anchovies   [CLS] Tim ' s an ##cho ##vies [SEP]
    words = [(0, 5), (6, 15)]
    offsets = [(0, 0), (0, 3), (3, 4), (4, 5), (6, 8), (8, 11), (11, 15), (0, 0)]
    got = _plain(answer(list(words), list(offsets)))
    right = [[1, 2, 3], [4, 5, 6]]
    inside = [span for span in offsets if span != (0, 0)]
    return told_apart(
        got, right, f'for "Tim\'s anchovies", whose words are {words} and whose tokens are {offsets}, you give {got}',
        [
            Suspect("specials counted", _aligned(words, offsets, lambda s, w: w[0] <= s[0] and s[1] <= w[1]),
                "the special tokens have the span (0, 0), which lies within a word that starts at 0",
                "Ask for a shared *character*: the span (0, 0) holds none."),
            Suspect("only where a word starts", _aligned(words, offsets, lambda s, w: s[0] == w[0]),
                "only starts are compared: pieces that go on are missing, and a special token starts at 0 as well",
                "Compare starts *and* ends: two spans overlap if each starts before the other ends."),
            Suspect("specials skipped", _aligned(words, inside, _shares),
                "the special tokens are removed first and the rest numbered anew, so every index is one too low",
                "Keep the numbers that the tokens have in the whole row."),
            Suspect("only the first piece", [row[:1] for row in right], "only the piece that starts the word is kept",
                "Collect all pieces that share a character with the word."),
            Suspect("only whole words", _aligned(words, offsets, lambda s, w: tuple(s) == tuple(w)),
                "a token counts only if it is the whole word", "A word may be cut: compare the spans for overlap."),
            Suspect("tokens, not indices", [[list(offsets[i]) for i in row] for row in right],
                "the spans of the tokens are returned", "Return the number of each token in the row."),
        ],
        "Take the second word and go through the tokens one by one: which share a character with it?",
    )


@align.probe
def words_that_touch(answer):
    """Without a space between them, words still share no token."""
    words, offsets = [(0, 4), (4, 6), (6, 7)], [(0, 0), (0, 4), (4, 6), (6, 7), (0, 0)]  # soup | du | .
    got = _plain(answer(list(words), list(offsets)))
    return told_apart(
        got, [[1], [2], [3]], f"for three words without spaces, {words}, and the tokens {offsets}, you give {got}",
        [Suspect("neighbour counted", [[1, 2], [1, 2, 3], [2, 3]],
            "`<=` and `>=` let spans that only touch count as overlapping",
            "The end of a span does not belong to it: compare strictly.")],
        "The first word ends where the second begins. Which token has characters of which?",
    )


@align.probe
def spaces_in_tokens(answer):
    """Byte-level tokens may begin with the space before the word."""
    words, offsets = [(0, 3), (4, 10)], [(0, 3), (3, 8), (8, 10)]  # The | ·wait | er
    got = _plain(answer(list(words), list(offsets)))
    return told_apart(
        got, [[0], [1, 2]], f"for the words {words} and tokens that begin with a space, {offsets}, you give {got}",
        [Suspect("token with its space lost", [[0], [2]],
            "a token counts only if it lies *within* the word, but some tokenizers put the space before a word into "
            "its first token",
            "Ask whether the two overlap, not whether one holds the other.")],
        "The token (3, 8) begins before its word. Does it share a character with it?",
    )


@align.probe
def words_without_tokens(answer):
    """A word behind the cut has no token."""
    got = _plain(answer([(0, 3), (4, 8)], [(0, 0), (0, 3), (0, 0)]))
    if got == [[1], []]:
        return None
    return Mistake(
        "truncated word", f"for a word that was cut off you give {got} where [[1], []] is right",
        "a word behind the place where the text was cut has no token at all",
        "Give such a word an empty list, so that words and lists still pair up.",
    )


# ---------------------------------------------------------------- 01.5

windows = Check(
    "01.5",
    "Windows that overlap",
    hints=(
        "Write the starts of the windows down for 10 tokens, size 4 and stride 2. What is the step from one to the next?",
        "Neighbours share `stride` tokens, so each starts `size - stride` behind the one before.",
        "Stop after the first window that reaches the end: `start + size >= len(ids)`. It may be shorter than the others.",
    ),
)


def _windows(ids, size, step, *, stop="reached", least=1):
    """Windows from `step` to `step`; `stop` says when: the end is "reached", or "all" starts are used."""
    found = []
    for start in range(0, len(ids), max(1, step)):
        found.append(ids[start : start + size])
        if stop == "reached" and start + size >= len(ids):
            break
    return [window for window in found if len(window) >= least]


@windows.probe
def overlap_and_end(answer):
    """Neighbours share `stride` tokens, every token stands in a window, and none is made for nothing."""
    ids, size, stride = list(range(10, 23)), 6, 2
    got = _plain(answer(list(ids), size, stride))
    right = _windows(ids, size, size - stride)
    if not isinstance(got, list) or not all(isinstance(window, list) for window in got):
        return Mistake(
            "not windows", f"{got!r}", "the answer is a list of windows, and each window a list of tokens",
            "Append each slice to a list, and return the list.",
        )
    seen = f"13 tokens, 10 to 22, in windows of 6 that share 2: you give {got}"
    if any(len(window) > size for window in got):
        return Mistake(
            "window too long", seen, "a window has more than `size` tokens, more than the model can take",
            "A window is `ids[start : start + size]`.",
        )
    return told_apart(
        got, right, seen,
        [
            Suspect("stride taken for the step", _windows(ids, size, stride),
                "each window starts `stride` tokens behind the one before; here the stride is what they *share*, and "
                "with a small one you make many windows too many",
                "Which step leaves `stride` tokens in common?"),
            Suspect("stride taken for the step", _windows(ids, size, stride, stop="all"),
                "each window starts `stride` tokens behind the one before; here the stride is what they *share*",
                "Which step leaves `stride` tokens in common?"),
            Suspect("no overlap", _windows(ids, size, size),
                "each window starts where the one before ends, so what stands across a border is whole in none",
                "Start each window `stride` tokens earlier than that."),
            Suspect("end lost", _windows(ids, size, size - stride, least=size),
                "only full windows are kept: the last tokens stand in none, and an answer among them is never found",
                "Let the last window be shorter."),
            Suspect("a window for nothing", _windows(ids, size, size - stride, stop="all"),
                "after a window has reached the end, another one begins, with tokens that all stand in the one before",
                "Stop after the first window that reaches the end."),
            Suspect("one token off", _windows(ids, size, size - stride + 1), "neighbours share one token too few",
                "Count what two neighbours share."),
            Suspect("one token off", _windows(ids, size, size - stride - 1), "neighbours share one token too many",
                "Count what two neighbours share."),
            Suspect("only the first", [ids[:size]], "the text is cut and the rest forgotten: that is truncation",
                "Go on with a second window."),
        ],
        "Write the first and last token of each of your windows down, and compare neighbours.",
    )


@windows.probe
def exact_fits(answer):
    """A text that fits, or that ends with a window, makes no window more."""
    for ids, size, stride in ((list(range(5)), 5, 2), (list(range(8)), 5, 2), ([7, 8], 5, 2)):
        got, right = _plain(answer(list(ids), size, stride)), _windows(ids, size, size - stride)
        if got == right:
            continue
        if len(got) > len(right):
            return Mistake(
                "a window for nothing", f"{len(ids)} tokens in windows of {size} that share {stride}: {got}",
                "the last window holds tokens that all stand in the one before: its predictions count twice",
                "Stop after the first window that reaches the end.",
            )
        return Mistake(
            "short text lost", f"{len(ids)} tokens in windows of {size} that share {stride}: {got}",
            "a text that is no longer than a window still needs one",
            "Try your function on two tokens.",
        )
    return None


# ---------------------------------------------------------------- 01.6

fertility = Check(
    "01.6",
    "Tokens per word",
    seconds=60,  # the tokenizer's library may load for many seconds on a busy machine
    hints=(
        "Two sums over all texts: tokens, and words. One division at the end. Which of them is below?",
        "`tokenizer(text, add_special_tokens=False)` leaves `[CLS]` and `[SEP]` out.",
        "`text.split()` without an argument takes any run of spaces and line breaks for one border.",
    ),
)

_SAMPLE = ("no", "The  unfriendly  waiters\nwere scrumptious", "A soup")


@lru_cache(maxsize=1)
def small_tokenizer() -> Any:
    """A WordPiece tokenizer with a handful of tokens: what it does can be followed by hand."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    words = "[PAD] [UNK] [CLS] [SEP] no the a soup un ##friend ##ly wait ##er ##s were sc ##rump ##tious The A".split()
    tokenizer = Tokenizer(models.WordPiece({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]",
        model_input_names=["input_ids", "attention_mask"],
    )


@fertility.probe
def a_ratio_of_sums(answer):
    """All tokens of text, over all words."""
    tokenizer, texts = small_tokenizer(), list(_SAMPLE)
    lengths = [len(tokenizer(text, add_special_tokens=False)["input_ids"]) for text in texts]
    words = [len(text.split()) for text in texts]
    got = round(float(answer(tokenizer, texts)), 6)

    def ratio(a, b):
        return round(a / b, 6)

    specials = [length + 2 for length in lengths]
    by_space = [len(text.split(" ")) for text in texts]
    return told_apart(
        got, ratio(sum(lengths), sum(words)),
        f"{got:.3f} for three texts with {sum(lengths)} tokens and {sum(words)} words",
        [
            Suspect("upside down", ratio(sum(words), sum(lengths)), "words are divided by tokens",
                "Tokens *per* word: what stands below the line?"),
            Suspect("specials counted", ratio(sum(specials), sum(words)),
                "`[CLS]` and `[SEP]` are counted as well; short texts then look dearer than long ones",
                "Tell the tokenizer not to add them."),
            Suspect("mean of ratios", ratio(sum(n / w for n, w in zip(lengths, words)), len(texts)),
                "each text gets its own ratio and these are averaged: a text of one word weighs as much as one of five",
                "Add up first, divide once."),
            Suspect("spaces counted", ratio(sum(lengths), sum(by_space)),
                "`split(\" \")` makes an empty word of each double space, and none of a line break",
                "Use `split()` without an argument."),
            Suspect("characters counted", ratio(sum(map(len, texts)), sum(words)), "characters are counted, not tokens",
                "Count the `input_ids`."),
            Suspect("not divided by words", ratio(sum(lengths), len(texts)), "the tokens are divided by the texts",
                "Count the words of every text."),
            Suspect("keys counted", ratio(2 * len(texts), sum(words)),
                "`len` of what a tokenizer returns is the number of its *entries*, input_ids and attention_mask",
                "Take `[\"input_ids\"]` first."),
            Suspect("a total", float(sum(lengths)), "the tokens are added up and not divided", "Divide by the words."),
        ],
        "Print tokens and words of the first text, and count both by hand.",
    )


# ---------------------------------------------------------------- 01.7

FAULTS = ("sound", "another tokenizer", "no special tokens", "lower-cased")
_FAULTS = {"A": "lower-cased", "B": "another tokenizer", "C": "sound", "D": "no special tokens"}


@lru_cache(maxsize=1)
def _foreign_tokenizer() -> Any:
    from course_utils import load_tokenizer, tokens

    return tokens.train("WordPiece", tokens.world_texts(800, seed=100), min(2500, len(load_tokenizer("mini-encoder"))))


def mystery_inputs(text: str) -> dict[str, list[int]]:
    """What four programs give the mini encoder for the same text: letter → input_ids."""
    from course_utils import load_tokenizer

    own = load_tokenizer("mini-encoder")
    made = {
        "sound": lambda: own(text),
        "another tokenizer": lambda: _foreign_tokenizer()(text),
        "no special tokens": lambda: own(text, add_special_tokens=False),
        "lower-cased": lambda: own(text.lower()),
    }
    return {letter: made[fault]()["input_ids"] for letter, fault in _FAULTS.items()}


diagnosis = Check(
    "01.7",
    "Four inputs, three faults",
    hints=(
        "A model reads numbers. What do these numbers mean *to it*? Decode them with its own tokenizer.",
        "Compare each decoded text with the original, from its first token to its last, letter by letter.",
        "Nonsense means another vocabulary. A missing beginning and end means missing special tokens. What else can "
        "differ between two texts that read alike?",
    ),
)


@diagnosis.probe
def who_is_who(answer):
    """Each letter its fault."""
    if not isinstance(answer, Mapping) or {str(letter).upper() for letter in answer} != set(_FAULTS):
        return Mistake(
            "other letters", f"an answer of {len(answer) if hasattr(answer, '__len__') else 1} parts",
            "the exercise asks about A, B, C and D", "Give each of the four letters one diagnosis.",
        )
    answer = {str(letter).upper(): str(fault).strip().lower() for letter, fault in answer.items()}
    if strange := [fault for fault in answer.values() if fault not in FAULTS]:
        return Mistake(
            "other words", f"the diagnosis {strange[0]!r}", "only four words are known here",
            f"Choose among {', '.join(FAULTS)}.",
        )
    if len(set(answer.values())) < len(FAULTS):
        return Mistake(
            "a diagnosis twice", "one diagnosis given to several letters", "each of the four occurs once",
            "Use each of the four words once.",
        )
    wrong = {_FAULTS[letter] for letter in answer if answer[letter] != _FAULTS[letter]}
    seen = f"{len(wrong)} of the four are not what you say"
    if not wrong:
        return None
    if wrong == {"sound", "lower-cased"}:
        return Mistake(
            "case overlooked", seen, "two of the texts read alike; a cased model has other tokens for `The` and `the`",
            "Compare the first letters of names and sentences.",
        )
    if wrong == {"sound", "no special tokens"}:
        return Mistake(
            "special tokens overlooked", seen, "two of the texts have the same words",
            "Compare the first and the last token.",
        )
    if "another tokenizer" in wrong:
        return Mistake(
            "foreign numbers overlooked", seen,
            "one of the four decodes to words that the text does not have, and you take it for something milder",
            "Decode all four with the *model's* tokenizer, and read them aloud.",
        )
    return Mistake(
        "mixed up", seen, "the faults are seen but given to the wrong letters",
        "Print each letter beside its decoded text.",
    )
