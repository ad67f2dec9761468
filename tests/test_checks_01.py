"""The exercises of lesson 01 answer back: on their own solutions, their stubs, and the usual mistakes.

Solutions and stubs are taken from the exercise source, so they cannot differ from what learners see.
"""

import ast
import re

import pytest
import torch

from course_utils.authoring import cells_of, find_root, find_targets
from course_utils.checks import find_check, lesson_checks
from course_utils.checks.lesson_01 import _CUTS, _FAULTS, FAULTS, MERGES, mystery_inputs
from course_utils.checks.testing import assert_recognises
from course_utils.tokens import Merge, apply_merges, count_pairs, merge_pair


def answers(variant):
    """Exercise id → the answer that the notebook of this variant gives to its check."""
    [target] = [t for t in find_targets(find_root(), ["01"]) if t.variant == variant]
    code = [cell for cell in cells_of(target) if cell.kind == "code" and "setup" not in cell.tags]
    names: dict = {}
    for cell in code:
        if "answer" in cell.tags or all(
            isinstance(node, ast.Import | ast.ImportFrom) for node in ast.parse(cell.source).body
        ):
            exec(cell.source, names)
    source = "\n".join(cell.source for cell in code)
    return {id: names[name] for id, name in re.findall(r'^check\("([\d.]+)", (\w+)\)', source, re.MULTILINE)}


SOLUTIONS, STUBS = answers("solution"), answers("exercise")


CUTS = {
    "out of order": _CUTS | {"there": "the re"},
    "stopped early": _CUTS | {"then": "t he n"},
    "not a token": _CUTS | {"then": "th e n"},
    "letters lost": _CUTS | {"three": "t h r e"},
    "not a text": _CUTS | {"then": ["the", "n"]},
    "other words": {"then": "the n"},
}


def stepped(
    pairs=count_pairs, key=lambda pairs: lambda pair: (-pairs[pair], pair), join=merge_pair,
    result=lambda pair, words: (pair, words), keep=lambda pieces, pair: True, count=lambda n: n,
):  # fmt: skip
    """One step from its parts."""

    def merge_step(words):
        counts = pairs(words)
        pair = min(counts, key=key(counts))
        return result(pair, {join(w, pair): count(n) for w, n in words.items() if keep(w, pair)})

    return merge_step


def join_first(pieces, pair):
    for i in range(len(pieces) - 1):
        if pieces[i : i + 2] == pair:
            return (*pieces[:i], "".join(pair), *pieces[i + 2 :])
    return pieces


def join_but_last(pieces, pair):
    found, i = [], 0
    while i + 1 < len(pieces):
        found.append("".join(pieces[i : i + 2]) if pieces[i : i + 2] == pair else pieces[i])
        i += 2 if pieces[i : i + 2] == pair else 1
    return tuple(found)


def join_letters(pieces, pair):
    return tuple("".join(pieces).replace("".join(pair), f" {''.join(pair)} ").split())


def join_text(pieces, pair):
    return tuple(" ".join(pieces).replace(" ".join(pair), "".join(pair)).split())


def join_twice(pieces, pair):
    hits = [i for i in range(len(pieces) - 1) if pieces[i : i + 2] == pair]
    if hits and len(set(pieces)) == 1:
        return tuple("".join(pair) for _ in hits)
    return merge_pair(pieces, pair)


def changes_its_input(words):
    pair, after = stepped()(words)
    words.clear()
    words.update(after)
    return pair, words


STEPS = {
    "words counted once": stepped(pairs=lambda words: count_pairs(dict.fromkeys(words, 1))),
    "pair as text": stepped(result=lambda pair, words: ("".join(pair), words)),
    "the rarest": stepped(key=lambda pairs: lambda pair: (pairs[pair], pair)),
    "ties by order": stepped(key=lambda pairs: lambda pair: -pairs[pair]),
    "only the first": stepped(join=join_first),
    "joined as text": stepped(join=join_text),
    "last piece lost": stepped(join=join_but_last),
    "pieces thrown together": stepped(join=join_letters),
    "joined twice": stepped(join=join_twice),
    "words dropped": stepped(keep=lambda pieces, pair: merge_pair(pieces, pair) != pieces),
    "nothing joined": stepped(join=lambda pieces, pair: pieces),
    "words as text": stepped(join=lambda pieces, pair: " ".join(merge_pair(pieces, pair))),
    "counts lost": stepped(count=lambda n: 1),
    "input changed": changes_its_input,
    "not a pair": stepped(result=lambda pair, words: words),
    "another value": stepped(result=lambda pair, words: (("x", "y"), words)),
}


def padded(
    width=max,
    filler=None,
    left=False,
    mask=lambda row, n, pad_id: [1] * len(row) + [0] * n,
    make=torch.tensor,
):
    """Padding from its parts."""

    def pad(rows, pad_id):
        widest = width(map(len, rows))
        ids, masks = [], []
        for row in rows:
            row = row[:widest]
            n = widest - len(row)
            fill = [pad_id if filler is None else filler] * n
            ids.append(fill + row if left else row + fill)
            masks.append(mask(row, n, pad_id))
        return {"input_ids": make(ids), "attention_mask": make(masks)}

    return pad


def grows_its_rows(rows, pad_id):
    widest, lengths = max(map(len, rows)), list(map(len, rows))
    for row in rows:
        row += [pad_id] * (widest - len(row))
    mask = [[1] * n + [0] * (widest - n) for n in lengths]
    return {"input_ids": torch.tensor(rows), "attention_mask": torch.tensor(mask)}


PADS = {
    "padded with zero": padded(filler=0),
    "padded with minus 100": padded(filler=-100),
    "padded on the left": padded(left=True),
    "cut": padded(width=min),
    "too wide": padded(width=lambda lengths: 8),
    "not a rectangle": lambda rows, pad_id: {
        "input_ids": rows,
        "attention_mask": [[1] * len(r) for r in rows],
    },
    "mask inverted": padded(mask=lambda row, n, pad_id: [0] * len(row) + [1] * n),
    "mask by number": padded(mask=lambda row, n, pad_id: [int(i != pad_id) for i in row] + [0] * n),
    "mask of ones": padded(mask=lambda row, n, pad_id: [1] * (len(row) + n)),
    "mask on the left": padded(mask=lambda row, n, pad_id: [0] * n + [1] * len(row)),
    "input changed": grows_its_rows,
    "other names": lambda rows, pad_id: padded()(rows, pad_id)["input_ids"],
    "not tensors": padded(make=list),
    "not whole numbers": padded(make=lambda table: torch.tensor(table).float()),
    "another value": padded(filler=7),
}


def aligned(shares, number=lambda i, span: i, take=lambda found: found, spans=lambda spans: spans):
    def align(words, offsets):
        return [
            take([number(i, s) for i, s in enumerate(spans(offsets)) if shares(s, word)]) for word in words
        ]

    return align


def overlap(span, word):
    return span[0] < word[1] and span[1] > word[0]


ALIGNMENTS = {
    "specials counted": aligned(lambda s, w: w[0] <= s[0] and s[1] <= w[1]),
    "specials skipped": aligned(overlap, spans=lambda spans: [s for s in spans if s != (0, 0)]),
    "only the first piece": aligned(overlap, take=lambda found: found[:1]),
    "only whole words": aligned(lambda s, w: s == w),
    "only where a word starts": aligned(lambda s, w: s[0] == w[0]),
    "neighbour counted": aligned(lambda s, w: s != (0, 0) and s[0] <= w[1] and s[1] >= w[0]),
    "tokens, not indices": aligned(overlap, number=lambda i, s: s),
    "token with its space lost": aligned(lambda s, w: s != (0, 0) and w[0] <= s[0] and s[1] <= w[1]),
    "truncated word": lambda words, offsets: [row for row in aligned(overlap)(words, offsets) if row],
    "another value": lambda words, offsets: [[0] for _ in words],
}


def windowed(step, until=lambda start, size, n: start + size >= n, least=1, size_of=lambda size: size):
    def windows(ids, size, stride):
        found, start = [], 0
        while start < len(ids):
            found.append(ids[start : start + size_of(size)])
            if until(start, size, len(ids)):
                break
            start += step(size, stride)
        return [window for window in found if len(window) >= (size if least == "full" else least)]

    return windows


def right_step(size, stride):
    return size - stride


WINDOWS = {
    "stride taken for the step": windowed(lambda size, stride: stride),
    "no overlap": windowed(lambda size, stride: size),
    "end lost": windowed(right_step, least="full"),
    "a window for nothing": windowed(right_step, until=lambda start, size, n: False),
    "one token off": windowed(lambda size, stride: size - stride + 1),
    "only the first": lambda ids, size, stride: [ids[:size]],
    "window too long": windowed(right_step, size_of=lambda size: size + 1),
    "not windows": lambda ids, size, stride: ids[:size],
    "short text lost": lambda ids, size, stride: (
        windowed(right_step)(ids, size, stride) if len(ids) > size else []
    ),
    "another value": lambda ids, size, stride: [ids[::-1][:size]],
}


def tokens_in(tokenizer, text, special=False):
    return len(tokenizer(text, add_special_tokens=special)["input_ids"])


FERTILITIES = {
    "upside down": lambda t, texts: 1 / SOLUTIONS["01.6"](t, texts),
    "specials counted": lambda t, texts: (
        sum(tokens_in(t, x, True) for x in texts) / sum(len(x.split()) for x in texts)
    ),
    "mean of ratios": lambda t, texts: sum(tokens_in(t, x) / len(x.split()) for x in texts) / len(texts),
    "spaces counted": lambda t, texts: (
        sum(tokens_in(t, x) for x in texts) / sum(len(x.split(" ")) for x in texts)
    ),
    "characters counted": lambda t, texts: sum(map(len, texts)) / sum(len(x.split()) for x in texts),
    "not divided by words": lambda t, texts: sum(tokens_in(t, x) for x in texts) / len(texts),
    "keys counted": lambda t, texts: sum(len(t(x)) for x in texts) / sum(len(x.split()) for x in texts),
    "a total": lambda t, texts: sum(tokens_in(t, x) for x in texts),
    "another value": lambda t, texts: 0.5,
}


def swapped(*letters):
    """The right diagnosis with the faults of these letters moved on by one."""
    moved = dict(zip(letters, [_FAULTS[letter] for letter in (*letters[1:], letters[0])], strict=True))
    return _FAULTS | moved


LETTER = {fault: letter for letter, fault in _FAULTS.items()}
DIAGNOSES = {
    "case overlooked": swapped(LETTER["sound"], LETTER["lower-cased"]),
    "special tokens overlooked": swapped(LETTER["sound"], LETTER["no special tokens"]),
    "foreign numbers overlooked": swapped(LETTER["another tokenizer"], LETTER["lower-cased"]),
    "mixed up": swapped(LETTER["no special tokens"], LETTER["lower-cased"]),
    "a diagnosis twice": dict.fromkeys("ABCD", "sound"),
    "other words": _FAULTS | {"A": "fine"},
    "other letters": {"A": "sound"},
}
MISTAKES = {
    "01.1": CUTS,
    "01.2": STEPS,
    "01.3": PADS,
    "01.4": ALIGNMENTS,
    "01.5": WINDOWS,
    "01.6": FERTILITIES,
    "01.7": DIAGNOSES,
}


def test_every_exercise_is_asked_and_proven():
    assert list(lesson_checks("01")) == list(SOLUTIONS) == list(STUBS) == list(MISTAKES)


@pytest.mark.parametrize("id", MISTAKES)
def test_right_stub_and_usual_mistakes_are_told_apart(id):
    assert_recognises(find_check(id), SOLUTIONS[id], STUBS[id], MISTAKES[id])
    assert len(find_check(id).hints) == 3


def test_the_cuts_are_what_the_merges_give():
    merges = [Merge(pair, 1) for pair in MERGES]
    assert {word: " ".join(apply_merges(word, merges)) for word in _CUTS} == _CUTS


@pytest.mark.parametrize(
    ("id", "answer"),
    [
        ("01.1", {word: f" {cut} " for word, cut in _CUTS.items()}),
        ("01.2", stepped(result=lambda pair, words: (list(pair), words))),
        ("01.3", padded(make=lambda table: torch.tensor(table, dtype=torch.int32))),
        ("01.3", padded(mask=lambda row, n, pad_id: [True] * len(row) + [False] * n)),
        ("01.4", lambda words, offsets: tuple(tuple(row) for row in aligned(overlap)(words, offsets))),
        ("01.5", lambda ids, size, stride: [tuple(w) for w in windowed(right_step)(ids, size, stride)]),
    ],
)
def test_other_right_answers_are_right(id, answer):
    assert find_check(id).examine(answer), find_check(id).examine(answer)


def test_the_windows_agree_with_the_library():
    """`stride` means what it means in the lesson's own call."""
    from course_utils import load_tokenizer

    tokenizer = load_tokenizer("mini-encoder")
    text = "The soup was hot and the waiter was polite and the bread was crisp and the tea was cold."
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    library = tokenizer(
        text,
        add_special_tokens=False,
        truncation=True,
        max_length=7,
        stride=3,
        return_overflowing_tokens=True,
    )["input_ids"]
    assert SOLUTIONS["01.5"](ids, 7, 3) == library


def test_mystery_inputs_show_their_faults_to_who_decodes_them():
    from course_utils import load_tokenizer

    mini = load_tokenizer("mini-encoder")
    text = "The waiter at the Three Lanterns was rude, but Aunt Ottoline liked the soup."
    inputs = mystery_inputs(text)
    assert {_FAULTS[letter] for letter in inputs} == set(FAULTS)
    read = {_FAULTS[letter]: mini.decode(ids, skip_special_tokens=True) for letter, ids in inputs.items()}
    assert read["sound"] == read["no special tokens"] == text
    assert read["lower-cased"] == text.lower()
    assert len(set(read["another tokenizer"].split()) & set(text.split())) < 5
    assert inputs[LETTER["sound"]][1:-1] == inputs[LETTER["no special tokens"]]
    assert max(inputs[LETTER["another tokenizer"]]) < len(mini)


def test_a_diagnosis_takes_small_letters_and_gives_none_away():
    check = find_check("01.7")
    assert check.examine({letter.lower(): fault.capitalize() for letter, fault in _FAULTS.items()})
    for wrong in DIAGNOSES.values():
        mistake = check.examine(wrong).mistake
        assert not re.search(r"\b[A-D] is\b", f"{mistake.seen} {mistake.cause} {mistake.move}")
