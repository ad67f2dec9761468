"""What a model is asked while it is pre-trained: four functions from token ids to (inputs, labels).

    causal_lm         what comes next?                                 GPT, decoder
    masked_lm         what was hidden here?                            BERT, encoder
    next_sentence     does this text follow that one?                  BERT's second question
    span_corruption   what was cut out, said in order?                 T5, encoder and decoder

All of them take their labels from the text itself, which is why unlabelled text is enough. A label of −100 is no
target. Each function is followed by its rows: the same question asked of a whole corpus, afresh in each batch, in
the form that the loop of `training` takes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ..batching import IGNORED, Batch, EncodedRows, shift_right
from ..errors import CourseError
from ..world.corpus import Document
from .tokenizers import word_starts

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerBase

Seed = int | Sequence[int]


class _Wrapped:
    """Rows that ask a question of other rows, as long as those."""

    rows: EncodedRows

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def lengths(self) -> np.ndarray:
        """(rows,) tokens of each row, before any was shifted, hidden or cut out."""
        return self.rows.lengths


# ---------------------------------------------------------------- what comes next?


def causal_lm(input_ids: Any, attention_mask: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Every token is the label of the one before it (GPT: Radford et al. 2018).

    Args:
        input_ids: (batch, time) token ids, padded on the right.
        attention_mask: (batch, time) 1 where there is a token. GPT-2 pads with its end-of-text token, so the ids
            alone do not tell an end, which is to be learned, from padding, which is not.

    Returns:
        inputs (batch, time − 1) and labels (batch, time − 1): `labels[:, t]` is what stands after `inputs[:, t]`,
        −100 where that is padding. The shift is done here, once. A model of transformers shifts again if it is
        given `labels=`; the losses of the course don't.
    """
    import torch

    ids, mask = torch.as_tensor(input_ids), torch.as_tensor(attention_mask)
    if ids.ndim != 2 or ids.shape != mask.shape:
        raise CourseError(
            f"causal_lm takes ids and a mask of one shape (batch, time), got {tuple(ids.shape)} and {tuple(mask.shape)}."
        )
    return ids[:, :-1], ids[:, 1:].masked_fill(mask[:, 1:] == 0, IGNORED)


class CausalRows(_Wrapped):
    """Unlabelled rows for a decoder: each batch is `causal_lm` of its rows."""

    kind = "causal_lm"

    def __init__(self, rows: EncodedRows):
        self.rows = rows

    def batch(self, indices: np.ndarray) -> Batch:
        """The rows `indices`, padded on the right, and what comes after each of their tokens."""
        batch = self.rows.batch(indices)
        mask = batch["attention_mask"]
        inputs, labels = causal_lm(batch["input_ids"], mask)
        return {"input_ids": inputs, "attention_mask": mask[:, :-1], "labels": labels}


# ---------------------------------------------------------------- what was hidden here?


def masked_lm(
    input_ids: Any,
    tokenizer: PreTrainedTokenizerBase,
    *,
    rate: float | np.ndarray = 0.15,
    seed: Seed = 0,
    joined: np.ndarray | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Some words are hidden and are to be guessed from both sides (Devlin et al. 2018,
    https://arxiv.org/abs/1810.04805).

    Of the hidden tokens 80 % become the mask token, 10 % another token and 10 % stay, so that the model may trust
    no token, and meets unmasked text, as it will later. Words are hidden whole: from its other pieces a word could
    be spelt without being understood.

    Args:
        input_ids: (batch, time) token ids, special tokens and padding included; those are never hidden.
        rate: the share of words to hide: one for all, (vocabulary,) by the first token of the word, or (batch, time)
            by where that stands.
        joined: (vocabulary,) True for first tokens whose words, side by side, are hidden together or not at all.

    Returns:
        inputs (batch, time), and labels (batch, time): the token that is hidden, −100 where none is.
    """
    import torch

    if tokenizer.mask_token_id is None:
        raise CourseError(
            "masked_lm needs a tokenizer with a mask token, as BERT's; GPT-2's and T5's have none."
        )
    if np.min(rate) < 0 or np.max(rate) > 1:
        raise CourseError(f"rate={rate} must be a share of the words, from 0 to 1.")
    ids = np.asarray(input_ids)  # (batch, time)
    rng = np.random.default_rng(seed)
    special = _special(tokenizer)
    rates = np.asarray(rate, dtype=float)
    if rates.shape != ids.shape:
        rates = np.broadcast_to(rates, special.shape)[ids]  # (batch, time)

    # Units are counted through the whole batch. A token begins one unless it goes on with a word, or its word is
    # joined to the one before: every row begins one, with a special token.
    starts = (word_starts(tokenizer) | special)[ids]  # (batch, time)
    starts[:, 0] = True
    begins = starts if joined is None else starts & ~_goes_on(ids, starts, joined)
    unit = np.cumsum(begins) - 1  # (batch · time,): the unit of each token
    hidden = rng.random(unit[-1] + 1) < rates[begins]
    chosen = hidden[unit].reshape(ids.shape) & ~special[ids]

    how = rng.random(ids.shape)
    swapped = chosen & (how >= 0.8) & (how < 0.9)
    inputs = np.where(chosen & (how < 0.8), tokenizer.mask_token_id, ids)
    ordinary = np.flatnonzero(~special)
    inputs[swapped] = ordinary[rng.integers(0, len(ordinary), swapped.sum())]
    return torch.from_numpy(inputs), torch.from_numpy(np.where(chosen, ids, IGNORED))


def _goes_on(ids: np.ndarray, starts: np.ndarray, joined: np.ndarray) -> np.ndarray:
    """(batch, time): True at the first token of a word that is joined to the word before it in its row."""
    goes_on = np.zeros(ids.shape, dtype=bool)
    rows, places = np.nonzero(starts)  # of each word in turn
    alike = joined[ids[rows, places]]
    goes_on[rows[1:], places[1:]] = alike[1:] & alike[:-1] & (rows[1:] == rows[:-1])
    return goes_on


class MaskedRows(_Wrapped):
    """Unlabelled rows for an encoder: each batch is `masked_lm` of its rows, hidden afresh in every batch.

    Frequent words are hidden less often than others, since they teach less. With `told_twice`, a name (a run of
    capitalised words) is hidden whole or not at all, and of a name that stands twice in a row one mention is hidden
    with that probability, among words of which fewer are: then it can be told from the other mention, by whoever
    has understood both sentences (salient spans: Guu et al. 2020, https://arxiv.org/abs/2002.08909). What is hidden
    is a pure function of the seed and the batch.
    """

    kind = "masked_lm"

    def __init__(
        self,
        rows: EncodedRows,
        tokenizer: PreTrainedTokenizerBase,
        *,
        mask_frequent: float = 0.08,
        mask_other: float = 0.35,
        frequent: int = 150,
        told_twice: float = 0.0,
        seed: int = 0,
    ):
        self.rows, self.tokenizer, self.seed, self.told_twice = rows, tokenizer, seed, told_twice
        vocabulary = len(tokenizer)
        counts = np.bincount(rows.input_ids, minlength=vocabulary)
        is_frequent = np.zeros(vocabulary, dtype=bool)
        is_frequent[np.argsort(-counts, kind="stable")[:frequent]] = True
        # How often a word that starts with this token is hidden; which tokens look like the start of a name.
        self.rate = np.where(is_frequent, mask_frequent, mask_other)
        tokens = tokenizer.convert_ids_to_tokens(list(range(vocabulary)))
        self.capital = np.array([token[0].isupper() for token in tokens]) & ~is_frequent

    def batch(self, indices: np.ndarray) -> Batch:
        """The rows `indices`, padded to the longest, with some of their words hidden."""
        batch = self.rows.batch(indices)
        seed = [self.seed, *map(int, indices)]
        rate, joined = self.rate, None
        if self.told_twice:
            ids, joined = np.asarray(batch["input_ids"]), self.capital
            rng = np.random.default_rng([1, *seed])
            rate = np.stack([self._one_of_two(row, rng) for row in ids])  # (batch, time)
        inputs, labels = masked_lm(batch["input_ids"], self.tokenizer, rate=rate, seed=seed, joined=joined)
        return {"input_ids": inputs, "attention_mask": batch["attention_mask"], "labels": labels}

    def _one_of_two(self, row: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """(time,): the rates of a row (time,): 1 at one mention of a name that stands twice, 0 at the other."""
        rate = self.rate[row]
        starts = (word_starts(self.tokenizer) | _special(self.tokenizer))[row]
        begins = starts & ~_goes_on(row[None], starts[None], self.capital)[0]
        places = np.flatnonzero(begins)
        mentions: dict[tuple[int, ...], list[int]] = {}
        for place, end in zip(places.tolist(), [*places[1:].tolist(), len(row)], strict=True):
            if self.capital[row[place]]:
                mentions.setdefault(tuple(row[place:end].tolist()), []).append(place)
        chosen = [two for two in mentions.values() if len(two) == 2 and rng.random() < self.told_twice]
        if chosen:
            rate *= _BESIDE_A_NAME
        for two in chosen:
            hidden = int(rng.integers(2))
            rate[two[hidden]], rate[two[1 - hidden]] = 1, 0
        return rate


# Beside a hidden name, as many of the other words: enough of both sentences has to stay to tell it.
_BESIDE_A_NAME = 0.4


@lru_cache(maxsize=8)
def _special(tokenizer: PreTrainedTokenizerBase) -> np.ndarray:
    """(vocabulary,) True where a token is none of the text."""
    special = np.zeros(len(tokenizer), dtype=bool)
    special[tokenizer.all_special_ids] = True
    return special


# ---------------------------------------------------------------- does this text follow that one?


def next_sentence(
    first: Sequence[Sequence[int]],
    second: Sequence[Sequence[int]],
    other: Sequence[Sequence[int]],
    tokenizer: PreTrainedTokenizerBase,
    *,
    seed: Seed = 0,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Half of the pairs get a second text from elsewhere: which? (Devlin et al. 2018.)

    Args:
        first, second: the token ids, without special tokens, of two texts that follow each other; (batch) each.
        other: for each pair, what may stand in place of `second`. Draw it from text of the same kind and about as
            long, or the label can be told without reading: by subject, or by length.

    Returns:
        inputs (batch, time), [CLS] first [SEP] second [SEP] and padding; labels (batch,): 0 if the second text
        follows, 1 if it comes from elsewhere, as in BERT. Exactly half of an even batch are 1.
    """
    import torch

    rng = np.random.default_rng(seed)
    if not len(first) == len(second) == len(other):
        raise CourseError(
            f"next_sentence takes as many first, second and other texts, got {len(first)}, {len(second)} and {len(other)}."
        )
    if tokenizer.cls_token_id is None or tokenizer.sep_token_id is None:
        raise CourseError("next_sentence needs a tokenizer with [CLS] and [SEP], as BERT's.")
    labels = (rng.permutation(len(first)) + rng.integers(2)) % 2
    begin, between = [tokenizer.cls_token_id], [tokenizer.sep_token_id]
    pairs = [
        [*begin, *a, *between, *(elsewhere if label else b), *between]
        for a, b, elsewhere, label in zip(first, second, other, labels, strict=True)
    ]
    return _padded(pairs, tokenizer.pad_token_id), torch.from_numpy(labels)


class NextSentenceRows:
    """Documents of two sentences or more, cut in two: each batch is `next_sentence` of its rows.

    The other second half comes from a document of the same kind and is about as long, so neither tells. Documents
    of one sentence, and kinds with fewer than `nearby` documents, are left out.
    """

    kind = "next_sentence"

    def __init__(
        self,
        documents: Iterable[Document],
        tokenizer: PreTrainedTokenizerBase,
        *,
        nearby: int = 10,
        seed: int = 0,
    ):
        self.tokenizer, self.seed = tokenizer, seed
        rng = np.random.default_rng(seed)
        halves: dict[str, list[tuple[str, str]]] = {}
        for document in documents:
            parts = [part for segment in document.segments for part in sentences(segment.text)]
            if len(parts) > 1:
                cut = int(rng.integers(1, len(parts)))
                halves.setdefault(document.kind, []).append((" ".join(parts[:cut]), " ".join(parts[cut:])))
        kinds = {kind: pairs for kind, pairs in halves.items() if len(pairs) >= max(2, nearby)}
        if not kinds:
            raise CourseError(
                f"No kind has {max(2, nearby)} documents of two sentences or more: "
                "read more documents, or ask for fewer nearby."
            )
        texts = [pair for pairs in kinds.values() for pair in pairs]
        self.kinds = [kind for kind, pairs in kinds.items() for _ in pairs]
        self.first: list[list[int]] = tokenizer([a for a, _ in texts], add_special_tokens=False)["input_ids"]
        self.second: list[list[int]] = tokenizer([b for _, b in texts], add_special_tokens=False)["input_ids"]
        # (rows, nearby): rows of the same kind whose second half is about as long.
        self.candidates = np.empty(
            (len(texts), min(nearby, min(map(len, kinds.values())) - 1)), dtype=np.int64
        )
        size, start = self.candidates.shape[1], 0
        for pairs in kinds.values():
            rows = np.arange(start, start + len(pairs))
            order = rows[np.argsort([len(self.second[row]) for row in rows], kind="stable")]
            for place, row in enumerate(order):
                # A window that slides, but not over the ends, with the row itself taken out.
                low = min(max(0, place - size // 2), len(order) - size - 1)
                window = order[low : low + size + 1]
                self.candidates[row] = window[window != row]
            start += len(pairs)

    def __len__(self) -> int:
        return len(self.first)

    @property
    def lengths(self) -> np.ndarray:
        """(rows,) tokens of each pair as it stands in its document; with another half it may be a few more."""
        return np.array([len(a) + len(b) + 3 for a, b in zip(self.first, self.second, strict=True)])

    def batch(self, indices: np.ndarray) -> Batch:
        """The pairs `indices`, half of them with a second half from elsewhere; a pure function of seed and batch."""
        import torch

        seed = [self.seed, *map(int, indices)]
        picks = np.random.default_rng([1, *seed]).integers(self.candidates.shape[1], size=len(indices))
        other = self.candidates[np.asarray(indices), picks]
        inputs, labels = next_sentence(
            [self.first[row] for row in indices],
            [self.second[row] for row in indices],
            [self.second[row] for row in other],
            self.tokenizer,
            seed=seed,
        )
        mask = (inputs != self.tokenizer.pad_token_id).to(torch.int64)
        return {"input_ids": inputs, "attention_mask": mask, "labels": labels}


_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”»)]*\s+(?=[\"'“«(]?\s?[A-ZÀ-ÖØ-Þ0-9])")


def sentences(text: str) -> list[str]:
    """The sentences of a text: it is cut after . ! or ? where a capital or a figure follows."""
    return [part for part in _SENTENCE_END.split(text) if part]


# ---------------------------------------------------------------- what was cut out?


def span_corruption(
    input_ids: Any,
    tokenizer: PreTrainedTokenizerBase,
    *,
    density: float = 0.15,
    mean_span: float = 3.0,
    whole: bool = False,
    seed: Seed = 0,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Spans are cut out, and are to be written down in order: denoising (T5: Raffel et al. 2019,
    https://arxiv.org/abs/1910.10683, section 3.1.4).

    "The baker of Oakwell sells warm bread" becomes "The `<extra_id_0>` Oakwell sells `<extra_id_1>`", with the
    labels "`<extra_id_0>` baker of `<extra_id_1>` warm bread". Both end with the tokenizer's end token.

    Args:
        input_ids: (batch, time) token ids; padding, and the end token of each row, are left out of the game.
        density: the share of tokens to cut out, in spans of `mean_span` tokens on average, one span at least.
        whole: the decoder writes the whole text, gaps and all, as BART's does (Lewis et al. 2019,
            https://arxiv.org/abs/1910.13461). Then each gap is marked by the last sentinel, so that a model that
            does both knows which is wanted.

    Returns:
        inputs (batch, shorter time), padded, for the encoder; labels (batch, target time), padded with −100. The
        decoder reads `shift_right(labels, …)`: before each label, the one that came before it.
    """
    if not 0 < density < 1 or mean_span < 1:
        raise CourseError(
            f"density={density} must be between 0 and 1, and mean_span={mean_span} must be 1 or more."
        )
    sentinels = _sentinels(tokenizer)
    pad, end = tokenizer.pad_token_id, tokenizer.eos_token_id
    rng = np.random.default_rng(seed)
    inputs, labels = [], []
    for row in np.asarray(input_ids):
        tokens = row[(row != pad) & (row != end)]
        cut = _cut_spans(len(tokens), density, mean_span, rng)  # (tokens,): the span of each token, or −1
        if cut.max(initial=-1) >= len(sentinels) and not whole:
            raise CourseError(
                f"A row of {len(tokens)} tokens needs {cut.max() + 1} sentinels and the tokenizer has {len(sentinels)}: "
                "shorten the rows, or ask for longer spans."
            )
        shown: list[int] = []
        hidden: list[int] = []
        for i, (token, span) in enumerate(zip(tokens.tolist(), cut.tolist(), strict=True)):
            if span < 0:
                shown.append(token)
                continue
            if i == 0 or cut[i - 1] != span:
                shown.append(sentinels[-1 if whole else span])
                if not whole:
                    hidden.append(sentinels[span])
            hidden.append(token)
        inputs.append([*shown, end])
        labels.append([*(tokens.tolist() if whole else hidden), end])
    return _padded(inputs, pad), _padded(labels, IGNORED)


class DenoisingRows(_Wrapped):
    """Unlabelled rows for an encoder and decoder: each batch is `span_corruption` of its rows, cut afresh.

    As in T5 the padding token also starts the decoder. What is cut is a pure function of the seed and the batch.
    In a share `whole` of the batches the decoder writes the whole text, of which `whole_density` was cut out.
    """

    kind = "seq2seq_lm"

    def __init__(
        self,
        rows: EncodedRows,
        tokenizer: PreTrainedTokenizerBase,
        *,
        density: float = 0.15,
        mean_span: float = 3.0,
        whole: float = 0.0,
        whole_density: float = 0.35,
        seed: int = 0,
    ):
        self.rows, self.tokenizer, self.seed = rows, tokenizer, seed
        self.density, self.mean_span = density, mean_span
        self.whole, self.whole_density = whole, whole_density

    def batch(self, indices: np.ndarray) -> Batch:
        """The rows `indices`: what is left of them, what the decoder reads, and what it is to write."""
        import torch

        seed = [self.seed, *map(int, indices)]
        whole = bool(np.random.default_rng([*seed, 1]).random() < self.whole)
        inputs, labels = span_corruption(
            self.rows.batch(indices)["input_ids"], self.tokenizer, seed=seed, whole=whole,
            density=self.whole_density if whole else self.density, mean_span=self.mean_span,
        )  # fmt: skip
        pad: int = self.tokenizer.pad_token_id
        return {
            "input_ids": inputs,
            "attention_mask": (inputs != pad).to(torch.int64),
            "decoder_input_ids": shift_right(labels, start=pad, pad=pad),
            "labels": labels,
        }


def _cut_spans(length: int, density: float, mean_span: float, rng: np.random.Generator) -> np.ndarray:
    """(length,): the number of the span that a token is cut out with, −1 where it stays.

    So many tokens go, in so many spans; both they and what stays are parted at random, and two spans never touch.
    T5 begins every row with text and ends it with a span. Its rows are of 512 tokens; in one sentence, with one
    span, that would always cut the end, so here a row may begin and end either way.
    """
    if length < 2:
        return np.full(length, -1)
    gone = min(max(round(length * density), 1), length - 1)
    spans = min(max(round(gone / mean_span), 1), length - gone)

    def parted(total: int, parts: int) -> np.ndarray:
        """`total` as a sum of `parts` numbers, each at least 1, all such sums equally likely."""
        borders = np.sort(rng.choice(np.arange(1, total), parts - 1, replace=False))
        return np.diff(np.concatenate([[0], borders, [total]]))

    goes = parted(gone, spans)
    stays = parted(length - gone + 2, spans + 1)  # before, between and after the spans
    stays[[0, -1]] -= 1  # the first and the last may be empty
    numbers = np.append(
        np.stack([np.full(spans, -1), np.arange(spans)], axis=1).ravel(), -1
    )  # −1, 0, −1, 1 … −1
    return np.repeat(numbers, np.append(np.stack([stays[:-1], goes], axis=1).ravel(), stays[-1]))


@lru_cache(maxsize=8)
def _sentinels(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """The ids of <extra_id_0>, <extra_id_1> …"""
    vocabulary = tokenizer.get_vocab()
    ids: list[int] = []
    while f"<extra_id_{len(ids)}>" in vocabulary:
        ids.append(vocabulary[f"<extra_id_{len(ids)}>"])
    if not ids:
        raise CourseError("span_corruption needs a tokenizer with sentinels <extra_id_0> …, as T5's.")
    return ids


def _padded(rows: Sequence[Sequence[int]], filler: int) -> torch.Tensor:
    """(rows, longest row): the rows on the left, `filler` on the right."""
    import torch

    padded = np.full((len(rows), max(map(len, rows))), filler, dtype=np.int64)
    for line, row in zip(padded, rows, strict=True):
        line[: len(row)] = row
    return torch.from_numpy(padded)
