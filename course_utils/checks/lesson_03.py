"""Exercises of lesson 03, pre-training: what makes text into questions and answers, and how to count the score."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from course_utils.checks import Check, Mistake
from course_utils.checks.witnesses import Suspect, same, told_apart

# A mistake reads best as its four parts, on as few lines as they need:
# fmt: off


def _two_tensors(got: Any, shape: tuple[int, ...], what: str) -> Mistake | None:
    """Is the answer a pair of tensors of this shape?"""
    if not isinstance(got, tuple | list) or len(got) != 2 or not all(isinstance(t, torch.Tensor) for t in got):
        return Mistake(
            "not a pair", f"your function returned {type(got).__name__}",
            "two tensors are asked for: what the model reads, and what it is to say",
            "End with `return inputs, labels`.",
        )
    for name, tensor in zip(("inputs", "labels"), got):
        if tuple(tensor.shape) != shape:
            return Mistake(
                "another shape", f"your {name} have the shape {tuple(tensor.shape)}, not {shape}", what,
                "Print the shape after each of your lines.",
            )
    return None


def _pair(inputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return torch.stack([inputs, labels])


def _rows(tensor: torch.Tensor) -> str:
    return "; ".join(" ".join(str(int(i)) for i in row) for row in tensor)


# ---------------------------------------------------------------- 03.1

hide_words = Check(
    "03.1",
    "Hide words for masked language modelling",
    hints=(
        "First: which tokens are hidden (`pick`, `special`)? Then: what stands in their place (`how`)?",
        (
            "`hidden = (pick < 0.15) & ~special`. Every hidden token is a target, the ones that stay as they "
            "are, too; every other label is -100."
        ),
        (
            "Start from `inputs = ids.clone()`. Where hidden and `how < 0.8`: `mask_id`. Where hidden and "
            "`how` from 0.8 to below 0.9: the token of `other`. Labels: `ids` where hidden, else -100."
        ),
    ),
)
MASK_ID = 4


def _masking_data() -> dict[str, Any]:
    """Three rows of ten tokens; 2 and 3 begin and end a row, 0 pads. All three fates occur, special tokens are picked."""
    random = torch.Generator().manual_seed(3)
    ids = torch.randint(10, 90, (3, 10), generator=random)
    ids[:, 0] = 2
    ids[0, 9], ids[1, 7], ids[2, 9] = 3, 3, 3
    ids[1, 8:] = 0
    pick = torch.full((3, 10), 0.6)
    how = torch.full((3, 10), 0.5)
    for row, place, fate in [(0, 2, 0.1), (0, 5, 0.85), (0, 7, 0.95), (1, 1, 0.3), (1, 4, 0.88), (2, 3, 0.79),
                             (2, 6, 0.97), (0, 0, 0.2), (1, 7, 0.4), (1, 9, 0.2)]:
        pick[row, place], how[row, place] = 0.05, fate
    return {
        "ids": ids, "special": (ids < 5), "pick": pick, "how": how,
        "other": torch.randint(10, 90, (3, 10), generator=random), "mask_id": MASK_ID,
    }


def _masked(
    data: dict[str, Any], *, special: bool = True, swap: bool = True, keep: bool = True, ignore: bool = True,
    of_inputs: bool = False, kept_are_targets: bool = True, swapped_are_targets: bool = True, ignored: int = -100,
) -> torch.Tensor:
    """The specification, place by place; each argument turned off (or on) is a usual mistake."""
    inputs, labels = data["ids"].clone(), torch.full_like(data["ids"], ignored)
    for row in range(len(inputs)):
        for place in range(inputs.shape[1]):
            token, how = int(data["ids"][row, place]), float(data["how"][row, place])
            if data["pick"][row, place] >= 0.15 or (special and data["special"][row, place]):
                if not ignore:
                    labels[row, place] = token
                continue
            stays, swapped = keep and how >= 0.9, swap and 0.8 <= how < 0.9
            if swapped:
                inputs[row, place] = data["other"][row, place]
            elif not stays:
                inputs[row, place] = data["mask_id"]
            if (kept_are_targets or not stays) and (swapped_are_targets or not swapped):
                labels[row, place] = inputs[row, place] if of_inputs else token
    return _pair(inputs, labels)


@hide_words.probe
def hidden_words_become_targets(answer: Callable[..., Any]) -> Mistake | None:
    """Inputs and labels, place by place."""
    data = _masking_data()
    before = data["ids"].clone()
    got = answer(**data)
    if wrong := _two_tensors(got, (3, 10), "inputs and labels have one entry for every token"):
        return wrong
    if not same(data["ids"], before):
        return Mistake(
            "changed in place", f"the ids you were given have changed: row 0 is now {_rows(data['ids'][:1])}",
            "`inputs = ids` is another name for the same tensor, so writing to it overwrites the answers as well",
            "Begin with a copy: `ids.clone()`.",
        )
    pair, right = _pair(*got), _masked(data)
    if same(pair, right.flip(0)):
        return Mistake(
            "swapped", "your first tensor holds the labels and your second the inputs",
            "the two are returned the wrong way round", "Return the inputs first.",
        )
    return told_apart(
        pair, right, f"inputs of row 0: {_rows(got[0][:1])}; labels of row 0: {_rows(got[1][:1])}",
        [
            Suspect(
                "no -100", _masked(data, ignore=False), "every token is a target, also those that the model can see",
                "A visible token needs no guess: its label is -100, and the loss leaves it out.",
            ),
            Suspect(
                "special tokens hidden", _masked(data, special=False),
                "[CLS], [SEP] and padding are hidden like words", "A token is hidden only where `special` is False.",
            ),
            Suspect(
                "always the mask", _masked(data, swap=False, keep=False),
                "every hidden token becomes the mask token; later, in fine-tuning, the model never meets one",
                "Use `how`: 80 % become the mask, 10 % another token, 10 % stay.",
            ),
            Suspect(
                "none stay", _masked(data, keep=False),
                "the last tenth becomes the mask token instead of staying as it is",
                "From `how` = 0.9 on, the input keeps its token; it is a target all the same.",
            ),
            Suspect(
                "labels of the inputs", _masked(data, of_inputs=True),
                "the labels are copied from the inputs after they were changed, so the model is asked for [MASK]",
                "Take the labels from `ids`, which still hold the truth.",
            ),
            Suspect(
                "kept are no targets", _masked(data, kept_are_targets=False),
                "a hidden token that stays as it is got the label -100",
                "It is a target like the others: the model cannot know that it was left alone.",
            ),
            Suspect(
                "only masks are targets", _masked(data, kept_are_targets=False, swapped_are_targets=False),
                "only tokens that became the mask are targets, so the model may trust every other token",
                "All hidden tokens are targets: take the label by `pick` and `special`, whatever `how` says.",
            ),
            Suspect(
                "another filler", _masked(data, ignored=0),
                "tokens that are no target have the label 0, which is a token: the loss would count them",
                "Fill with -100, the label that the loss leaves out.",
            ),
        ],
        "Go through row 0 by hand: which tokens have `pick` below 0.15, and what does `how` say of each?",
    )


# ---------------------------------------------------------------- 03.2

shift_labels = Check(
    "03.2",
    "The next token is the label",
    hints=(
        "Write a row of four tokens under itself, moved by one. Which token has no successor, which no predecessor?",
        "Inputs are all tokens but the last; labels are all tokens but the first.",
        (
            "A label is -100 where the *labels'* own part of the attention mask is 0. The id cannot tell: a "
            "real end has the same id as padding."
        ),
    ),
)
END = 0


def _causal_data() -> tuple[torch.Tensor, torch.Tensor]:
    """Three rows of seven; id 0 begins a text, ends it and pads, as in GPT-2."""
    ids = torch.tensor([[0, 11, 12, 13, 14, 15, 0], [0, 21, 22, 0, 0, 0, 0], [0, 31, 32, 33, 34, 0, 0]])
    lengths = torch.tensor([7, 4, 6])
    return ids, (torch.arange(7) < lengths[:, None]).long()


@shift_labels.probe
def one_place_ahead(answer: Callable[..., Any]) -> Mistake | None:
    """labels[:, t] is what follows inputs[:, t]; padding is no target, a real end is."""
    ids, mask = _causal_data()
    got = answer(ids.clone(), mask.clone())
    if isinstance(got, tuple) and len(got) == 2 and all(isinstance(t, torch.Tensor) for t in got):
        if tuple(got[0].shape) == tuple(got[1].shape) == (3, 7):
            return Mistake(
                "nothing left out", f"your inputs have {got[0].shape[1]} places, as many as the text",
                "the last token of a row has no successor, yet it is still among the inputs (or its label wrapped round)",
                "Leave the last token out of the inputs and the first out of the labels.",
            )
        if tuple(got[0].shape) == tuple(got[1].shape) == (3, 5):
            return Mistake(
                "shifted twice", "your rows have five places; seven tokens give six pairs",
                "an off-by-one: the labels are two places ahead of the inputs",
                "One place: the first label is the second token.",
            )
    if wrong := _two_tensors(got, (3, 6), "seven tokens make six pairs of a token and its successor"):
        return wrong
    inputs, labels, target = ids[:, :-1], ids[:, 1:], mask[:, 1:] == 1
    right = _pair(inputs, labels.masked_fill(~target, -100))
    return told_apart(
        _pair(*got), right, f"inputs of row 1: {_rows(got[0][1:2])}; labels of row 1: {_rows(got[1][1:2])}",
        [
            Suspect(
                "not shifted", _pair(inputs, inputs.masked_fill(mask[:, :-1] == 0, -100)),
                "each token is its own label: the model may copy, and its loss will fall below any floor",
                "labels[:, t] must be the token *after* inputs[:, t].",
            ),
            Suspect(
                "backwards", _pair(labels, inputs.masked_fill(mask[:, :-1] == 0, -100)),
                "the label is the token before, not the token after", "Swap the two slices.",
            ),
            Suspect(
                "padding is a target", _pair(inputs, labels),
                "no label is -100, so the model is trained to write padding after the end",
                "Fill -100 where the attention mask of the labels is 0.",
            ),
            Suspect(
                "no end", _pair(inputs, labels.masked_fill(labels == END, -100)),
                "-100 stands wherever the id is that of padding; the real end has the same id, and must be learned",
                "Ask the attention mask, not the id.",
            ),
            Suspect(
                "mask of the inputs", _pair(inputs, labels.masked_fill(mask[:, :-1] == 0, -100)),
                "-100 is placed by the inputs' part of the mask, one place too late",
                "Slice the mask as you slice the labels.",
            ),
        ],
        "Write row 1 on paper: 0 21 22 0, then padding. What follows each of its tokens?",
    )


# ---------------------------------------------------------------- 03.3

cut_spans = Check(
    "03.3",
    "Targets of span corruption",
    hints=(
        "Walk over the tokens once. Inside a span you write to the targets, outside to the inputs.",
        "When a span begins, its sentinel goes to both: to the inputs as a placeholder, to the targets as a heading.",
        (
            "`for number, (start, end) in enumerate(spans)`: inputs get `tokens[done:start]` and `<number>`; "
            "targets get `<number>` and `tokens[start:end]`; then `done = end`. Afterwards the rest, and `</s>` to both."
        ),
    ),
)


def _cut(
    tokens: Sequence[str], spans: Sequence[tuple[int, int]], *, number: Callable[[int], str] = "<{}>".format,
    stays: bool = False, per_token: bool = False, headed: bool = True, end: str = "</s>", rest: bool = True,
    target_end: str | None = None,
) -> tuple[list[str], list[str]]:
    inputs: list[str] = []
    targets: list[str] = []
    done = 0
    for i, (start, stop) in enumerate(spans):
        inputs += [*tokens[done:start], *([number(i)] * (stop - start if per_token else 1))]
        inputs += tokens[start:stop] if stays else []
        targets += [*([number(i)] if headed else []), *tokens[start:stop]]
        done = stop
    tail = list(tokens[done:]) if rest else []
    last = end if target_end is None else target_end
    return [*inputs, *tail, *([end] if end else [])], [*targets, *([last] if last else [])]


@cut_spans.probe
def inputs_and_targets(answer: Callable[..., Any]) -> Mistake | None:
    """Two spans, one of two words and one of one, with text behind."""
    tokens, spans = "the baker of Oakwell sells warm bread at dawn".split(), [(1, 3), (5, 6)]
    got = answer(list(tokens), list(spans))
    if not isinstance(got, tuple | list) or len(got) != 2:
        return Mistake(
            "not a pair", f"your function returned {type(got).__name__}",
            "two lists are asked for: what the encoder reads, and what the decoder writes",
            "End with `return inputs, targets`.",
        )
    found = tuple(list(part) for part in got)
    if found == _cut(tokens, spans):
        return None
    seen = f"inputs: {' '.join(map(str, found[0]))}; targets: {' '.join(map(str, found[1]))}"
    suspects = [
        ("swapped", _cut(tokens, spans)[::-1], "targets are returned first", "Inputs first, then targets."),
        (
            "words stay", _cut(tokens, spans, stays=True),
            "the sentinel is put in, and the words behind it stay: the model can copy them",
            "Leave the words of a span out of the inputs.",
        ),
        (
            "one sentinel for all", _cut(tokens, spans, number=lambda i: "<0>"),
            "every span has the same sentinel, so the decoder cannot say which gap it is filling",
            "Number them: <0>, <1>, …",
        ),
        (
            "counted from one", _cut(tokens, spans, number=lambda i: f"<{i + 1}>"),
            "the sentinels are counted from 1", "The first gap is <0>: `enumerate(spans)` begins there.",
        ),
        (
            "a sentinel per token", _cut(tokens, spans, per_token=True),
            "each cut token got a sentinel, which gives away how long the span is",
            "One sentinel per span, whatever its length.",
        ),
        (
            "targets without sentinels", _cut(tokens, spans, headed=False),
            "the targets hold the words alone, so nobody knows where one gap ends and the next begins",
            "Put each span's sentinel before its words.",
        ),
        (
            "no end", _cut(tokens, spans, end=""),
            "neither list ends with </s>, so the decoder never learns to stop", "Add </s> to both.",
        ),
        (
            "targets have no end", _cut(tokens, spans, target_end=""),
            "the inputs end with </s>, the targets don't, so the decoder never learns to stop",
            "Add </s> to the targets, too.",
        ),
        (
            "rest forgotten", _cut(tokens, spans, rest=False),
            "what stands behind the last span is missing from the inputs",
            "After the loop, add the tokens from the end of the last span on.",
        ),
        (
            "end included", _cut(tokens, [(a, b + 1) for a, b in spans]),
            "an off-by-one: a span takes one token too many", "A span (1, 3) holds tokens 1 and 2, as a slice does.",
        ),
    ]
    for name, value, cause, move in suspects:
        if found == tuple(value):
            return Mistake(name, seen, cause, move)
    return Mistake(
        "another value", seen, "none of the usual mistakes gives these lists",
        "Cut the first span alone by hand and compare.",
    )


@cut_spans.probe
def spans_anywhere(answer: Callable[..., Any]) -> Mistake | None:
    """At the very beginning, at the very end, and none at all."""
    tokens = "a b c d e".split()
    for spans in ([(0, 2)], [(3, 5)], [], [(0, 1), (2, 3), (4, 5)]):
        got = tuple(list(part) for part in answer(list(tokens), list(spans)))
        if got != _cut(tokens, spans):
            return Mistake(
                "not everywhere", f"with the spans {spans} of 'a b c d e' your lists are {got[0]} and {got[1]}",
                "something holds for the example alone: the number of spans, or text before and behind them",
                "Start with `done = 0` and no words written, and let the loop do the rest.",
            )
    return None


# ---------------------------------------------------------------- 03.4

make_pairs = Check(
    "03.4",
    "Next-sentence pairs that do not leak",
    hints=(
        "What could tell the label without reading? Where the second sentence stood in its document, for one.",
        "The other sentence comes from another document, and never from its opening: a true successor is no opening either.",
        (
            "For each document: `i = rng.integers(len(document) - 1)`; first is sentence i. With "
            "`rng.random() < 0.5` the second is sentence i + 1 and the label 0; else draw another document and "
            "one of its sentences from 1 on, and the label is 1."
        ),
    ),
)


def _documents(n: int) -> list[list[str]]:
    """Sentences that say where they stand: "7.2" is sentence 2 of document 7."""
    return [[f"{d}.{s}" for s in range(2 + d % 4)] for d in range(n)]


@make_pairs.probe
def pairs_that_do_not_leak(answer: Callable[..., Any]) -> Mistake | None:
    """400 documents: what follows follows; what doesn't comes from elsewhere, and looks the same."""
    documents = _documents(400)
    pairs = list(answer([list(d) for d in documents], np.random.default_rng(0)))
    if len(pairs) != len(documents) or any(len(pair) != 3 for pair in pairs):
        return Mistake(
            "not one pair each", f"400 documents gave {len(pairs)} entries",
            "one (first, second, label) is asked for from each document", "Append once per document.",
        )
    place = {text: (d, s) for d, document in enumerate(documents) for s, text in enumerate(document)}
    follows = [place[b][0] == place[a][0] and place[b][1] == place[a][1] + 1 for a, b, _ in pairs]
    labels = [int(label) for *_, label in pairs]
    seen = f"of 400 labels {sum(labels)} are 1; the first pairs are {pairs[:3]}"
    if [int(not f) for f in follows] == [1 - label for label in labels]:
        return Mistake(
            "labels reversed", seen, "1 stands for a true successor here; in BERT 0 does",
            "0 where the second sentence follows, 1 where it comes from elsewhere.",
        )
    if sum(labels) in (0, 400):
        return Mistake(
            "one label only", seen, "every pair has the same label, so nothing is to be told apart",
            "Decide for each pair by `rng`, half and half.",
        )
    if abs(sum(labels) - 200) > 60:
        return Mistake(
            "not half and half", seen, "one label is much more frequent: always saying it would already score well",
            "Take each with probability one half.",
        )
    other = [(a, b) for a, b, label in pairs if label == 1]
    if any(place[a][0] == place[b][0] for a, b in other):
        wrong = next((a, b) for a, b in other if place[a][0] == place[b][0])
        return Mistake(
            "from the same document", f"the pair {wrong} is labelled 1 and comes from one document",
            "the other sentence is drawn from all documents, this one included: it may even be the true successor",
            "Draw again while the other document is the same.",
        )
    true = [(a, b) for (a, b, label) in pairs if label == 0]
    if any(place[b] != (place[a][0], place[a][1] + 1) for a, b in true):
        wrong = next((a, b) for a, b in true if place[b] != (place[a][0], place[a][1] + 1))
        return Mistake(
            "not the next", f"the pair {wrong} is labelled 0", "the second sentence is not the one after the first",
            "Take sentences i and i + 1.",
        )
    openings = sum(place[b][1] == 0 for _, b in other)
    if openings:
        return Mistake(
            "an opening gives it away",
            f"{openings} of {len(other)} sentences from elsewhere open their document; no true successor does",
            "the other sentence is drawn from a whole document, so a heading or a greeting tells the label",
            "Draw it from the second sentence of the other document on.",
        )
    if all(place[a][1] == 0 for a, _ in true) and len(true) > 20:
        return Mistake(
            "only openings first", "the first sentence of every pair is the first of its document",
            "i is always 0, so most of the text is never read", "Draw i among all sentences that have a successor.",
        )
    return None


@make_pairs.probe
def few_documents(answer: Callable[..., Any]) -> Mistake | None:
    """Three documents, many times: a draw from all documents soon meets the one that it must leave out."""
    documents = _documents(3)
    for seed in range(40):
        for first, second, label in answer([list(d) for d in documents], np.random.default_rng(seed)):
            if int(label) == 1 and first.split(".")[0] == second.split(".")[0]:
                return Mistake(
                    "from the same document",
                    f"with three documents, the pair {(first, second)} is labelled 1 and comes from one of them",
                    "the other sentence is drawn from all documents, this one included: it may be the true successor",
                    "Draw again while the other document is the same.",
                )
    return None


@make_pairs.probe
def labels_are_drawn(answer: Callable[..., Any]) -> Mistake | None:
    """The label depends on the random numbers, not on the document's place in the list."""
    documents = _documents(60)
    labels = [[int(label) for *_, label in answer(documents, np.random.default_rng(seed))] for seed in (0, 1)]
    if labels[0] == labels[1]:
        return Mistake(
            "by turns", f"two seeds give the same labels: {labels[0][:10]} …",
            "the label follows the document's number, so after one epoch a model knows it by heart",
            "Draw the label from `rng`.",
        )
    return None


# ---------------------------------------------------------------- 03.5

perplexity = Check(
    "03.5",
    "Perplexity from losses of unequal lengths",
    hints=(
        "Perplexity is the exponential of a mean. A mean over what?",
        "Over tokens. A batch with three times the tokens counts three times.",
        "`exp(sum(loss * n) / sum(n))`: the exponential comes last, once.",
    ),
)


@perplexity.probe
def over_tokens(answer: Callable[..., float]) -> Mistake | None:
    """Three batches of unequal length."""
    losses, counts = [0.7, 2.0, 3.1], [50, 10, 4]
    weighted = float(np.dot(losses, counts) / sum(counts))
    got = float(answer(list(losses), list(counts)))
    return told_apart(
        got, math.exp(weighted), f"losses 0.7, 2.0, 3.1 over 50, 10, 4 tokens gave {got:.4g}",
        [
            Suspect(
                "mean of batch means", math.exp(float(np.mean(losses))),
                "every batch counts the same, the one of 4 tokens as much as the one of 50",
                "Weight each loss by its number of tokens.",
            ),
            Suspect(
                "mean of perplexities", float(np.dot(np.exp(losses), counts) / sum(counts)),
                "the exponential is taken first and then averaged, which lets bad batches count too much",
                "Average the losses, then take the exponential once.",
            ),
            Suspect(
                "mean of batch perplexities", float(np.mean(np.exp(losses))),
                "perplexities of batches are averaged, without their lengths",
                "Weight the losses by tokens; the exponential comes last.",
            ),
            Suspect(
                "no exponential", weighted, "this is the mean loss in nats", "Take `math.exp` of it.",
            ),
            Suspect(
                "a power of two", 2**weighted,
                "2 to the power of nats: two units are mixed", "Losses in nats go with `exp`, losses in bits with 2.",
            ),
            Suspect(
                "not divided", math.exp(float(np.dot(losses, counts))) if np.dot(losses, counts) < 700 else math.inf,
                "the sum of all losses goes into the exponential", "Divide by the number of tokens first.",
            ),
            Suspect(
                "divided by the batches", math.exp(float(np.dot(losses, counts)) / 3),
                "the sum over tokens is divided by the number of batches", "Divide by the number of tokens.",
            ),
        ],
        "With equal losses in every batch, perplexity must be the exponential of that loss, whatever the lengths.",
    )


@perplexity.probe
def empty_batches(answer: Callable[..., float]) -> Mistake | None:
    """A batch without targets counts for nothing, even if its mean is not a number."""
    got = float(answer([math.log(8.0), float("nan")], [16, 0]))
    if same(got, 8.0):
        return None
    return Mistake(
        "not a number", f"with a batch of no targets, whose mean is nan, your perplexity is {got:.4g} instead of 8",
        "nan times 0 is nan, so one empty batch spoils the sum", "Skip batches without targets.",
    )


# ---------------------------------------------------------------- 03.6

nucleus = Check(
    "03.6",
    "Top-p: draw from the nucleus",
    hints=(
        "Sort from likely to unlikely and add up. Where do you stop?",
        "Keep a token while what the likelier ones have *together* is below top_p: the one that crosses is kept.",
        (
            "`order = np.argsort(-p)`; `before = np.cumsum(p[order]) - p[order]`; keep `order[before < top_p]`; "
            "everything else becomes 0; divide by the sum."
        ),
    ),
)


def _nucleus(p: np.ndarray, top_p: float, *, cross: bool = True, scale: bool = True) -> np.ndarray:
    kept, total = np.zeros(len(p)), 0.0
    for i in np.argsort(-p, kind="stable"):
        if total >= top_p or (not cross and total + p[i] > top_p):
            break
        kept[i] = p[i]
        total += p[i]
    return kept / kept.sum() if scale and kept.sum() else kept


@nucleus.probe
def the_smallest_set_that_reaches(answer: Callable[..., Any]) -> Mistake | None:
    """Five tokens in no order, and a line that falls inside one of them."""
    p, top_p = np.array([0.14, 0.3, 0.16, 0.22, 0.18]), 0.8
    got = np.ascontiguousarray(answer(p.copy(), top_p), dtype=float)
    if got.shape != p.shape:
        return Mistake(
            "another shape", f"your array has the shape {got.shape}, not {p.shape}",
            "the tokens that are not kept were taken out, so their numbers are lost",
            "Give every token a probability, 0 where it is not kept.",
        )
    right, ordered = _nucleus(p, top_p), np.sort(p)[::-1]
    return told_apart(
        got, right, f"of 0.14, 0.3, 0.16, 0.22, 0.18 with top_p = 0.8 you keep {np.round(got, 3).tolist()}",
        [
            Suspect(
                "not scaled", _nucleus(p, top_p, scale=False), "what is left does not add up to 1",
                "Divide by its sum.",
            ),
            Suspect(
                "one too few", _nucleus(p, top_p, cross=False),
                "the token that crosses the line is left out, so what is kept does not reach top_p",
                "Compare with what the likelier tokens have together, this one not counted.",
            ),
            Suspect(
                "nothing removed", p, "every token is kept", "Set those beyond the nucleus to 0.",
            ),
            Suspect(
                "sorted", _nucleus(ordered, top_p),
                "the probabilities come back in order of size, so they belong to other tokens",
                "Use the order to choose, then write into an array of the old order.",
            ),
            Suspect(
                "not sorted first", _unsorted(p, top_p),
                "the tokens are added up in the order of their numbers, not from the likeliest on",
                "Sort by probability first.",
            ),
            Suspect(
                "a threshold", np.where(p >= 1 - top_p, p, 0) / p[p >= 1 - top_p].sum(),
                "each token is compared with a fixed probability; top-p is about their sum",
                "Add up from the likeliest on until the sum reaches top_p.",
            ),
        ],
        "By hand: 0.3, then 0.52, 0.7, 0.86. Which tokens does it take to reach 0.8?",
    )


def _unsorted(p: np.ndarray, top_p: float) -> np.ndarray:
    kept = np.where(np.cumsum(p) - p < top_p, p, 0)
    return kept / kept.sum()


@nucleus.probe
def one_always_stays(answer: Callable[..., Any]) -> Mistake | None:
    """However small top_p is, the likeliest token stays; with 1, all do."""
    p = np.array([0.2, 0.5, 0.3])
    for top_p, right in ((0.1, [0, 1, 0]), (1.0, p)):
        got = np.ascontiguousarray(answer(p.copy(), top_p), dtype=float)
        if not same(np.nan_to_num(got), right):
            return Mistake(
                "not at the ends", f"with top_p = {top_p:g}, 0.2, 0.5, 0.3 becomes {np.round(got, 3).tolist()}",
                "the comparison goes wrong at the edge: nobody is left, or somebody is lost",
                "With a small top_p the likeliest token alone stays; with 1 nothing changes.",
            )
    return None
