"""Encoded rows in flat arrays, and the order in which a run sees them.

Rows are tokenised once and laid end to end: row i is `input_ids[offsets[i]:offsets[i + 1]]`. A batch is then
cut out with NumPy and padded to its own longest row. Padding is wasted work (half of it, in random batches of
film reviews), so `batch_order` puts rows of like length together, and still shuffles: a pool of rows is drawn
at random, sorted by length and cut into batches, and all batches are shuffled. The order depends on its
arguments alone, so a run can be repeated, and resumed, without storing where it was.

Anything with a length, `.lengths` and `.batch(indices)` can be trained: see `Rows`.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch

from .errors import CourseError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from .data import Task

IGNORED = -100  # a label that is no target: padding, special tokens, later pieces of a word
POOL_BATCHES = 50  # batches per pool: larger saves more padding, smaller shuffles better

Batch = dict[str, torch.Tensor]  # the model's arguments by name, and `labels`; rows first in every tensor


class Rows(Protocol):
    """What the loop needs of its data. `EncodedRows` is one; cached features are another."""

    @property
    def lengths(self) -> np.ndarray:
        """(rows,) what a row costs: its tokens."""

    def __len__(self) -> int: ...

    def batch(self, indices: np.ndarray) -> Batch:
        """The tensors of these rows: the model's arguments, and `labels`."""


@dataclass(frozen=True, eq=False)
class EncodedRows:
    """Tokenised rows in flat arrays. T is the number of all their tokens, N the number of rows."""

    input_ids: np.ndarray  # (T,)
    offsets: np.ndarray  # (N + 1,) row i is offsets[i]:offsets[i + 1]
    # (N,) classification · (T,) entities and masked_lm · (N, 2) answers: first and last token ·
    # translation: the tokens to write, end to end like `input_ids`; those of row i begin at label_offsets[i]
    labels: np.ndarray | None = None
    label_offsets: np.ndarray | None = None  # (N + 1,) translation
    decoder_start: int = 0  # translation: the token that a decoder reads first
    kind: str = "classification"
    pad_token_id: int = 0
    token_type_ids: np.ndarray | None = None  # (T,) for models that tell question from context
    words: np.ndarray | None = None  # (T,) entities: the word that starts at this token, else -1
    spans: np.ndarray | None = None  # (T, 2) answers: characters of the context, -1 outside it
    row_of: np.ndarray | None = None  # (N,) answers: a long context becomes several rows; which row was it?
    cut: int = 0  # how many of the texts were longer than `max_length`
    rows: Any = field(default=None, repr=False)  # the rows these came from, to go back to text
    tokenizer: Any = field(default=None, repr=False)  # what encoded them, to be held against the model

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __repr__(self) -> str:
        return f"EncodedRows({len(self):,} rows for {self.kind}, {len(self.input_ids):,} tokens)"

    @property
    def lengths(self) -> np.ndarray:
        return np.diff(self.offsets)

    @property
    def labels_per_token(self) -> bool:
        return self.labels is not None and self.kind in ("entities", "masked_lm")

    def batch(self, indices: np.ndarray) -> Batch:
        return collate(self, indices, self.pad_token_id)

    def select(self, indices: Sequence[int] | np.ndarray) -> EncodedRows:
        """These rows only, in this order. `rows` stay whole, and `row_of` points into them."""
        indices = np.asarray(indices, dtype=np.int64)
        tokens = _tokens_of(self.offsets, indices)
        row_of = np.arange(len(self)) if self.row_of is None else self.row_of

        def taken(flat: np.ndarray | None, where: np.ndarray = tokens) -> Any:
            return None if flat is None else flat[where]

        return replace(
            self,
            input_ids=self.input_ids[tokens],
            offsets=_offsets(self.lengths[indices]),
            labels=taken(self.labels, self._labels_of(indices, tokens)),
            label_offsets=None if self.label_offsets is None else _offsets(np.diff(self.label_offsets)[indices]),
            token_type_ids=taken(self.token_type_ids),
            words=taken(self.words),
            spans=taken(self.spans),
            row_of=row_of[indices],
        )

    def _labels_of(self, indices: np.ndarray, tokens: np.ndarray) -> np.ndarray:
        """Where in `labels` those of these rows are."""
        if self.label_offsets is not None:
            return _tokens_of(self.label_offsets, indices)
        return tokens if self.labels_per_token else indices


# ---------------------------------------------------------------- from text to flat arrays


def encode(
    task: Task, tokenizer: PreTrainedTokenizerBase, *, max_length: int = 128, stride: int | None = None,
    decoder_start: int | None = None,
) -> dict[str, EncodedRows]:  # fmt: skip
    """Every split of the task, tokenised once. Longer texts are cut at `max_length` tokens, and a warning counts them.

    A context that does not fit beside its question becomes several rows that overlap by `stride` tokens
    (by default a quarter of `max_length`), so that every answer stands whole in some row. For translation,
    `decoder_start` is the token that the decoder reads first: the padding token (T5, Marian) unless told otherwise.
    """
    encoders = {
        "classification": _encode_texts,
        "entities": _encode_words,
        "answers": _encode_questions,
        "translation": _encode_pairs,
    }
    if task.kind not in encoders:
        raise CourseError(
            f"Task {task.name!r} is of kind {task.kind!r}; rows can be encoded for {', '.join(encoders)}."
        )
    if max_length < 4:
        raise CourseError(
            f"max_length={max_length} leaves no room for text between the special tokens; use 16 or more."
        )
    settings: dict[str, Any] = {"truncation": True, "max_length": max_length}
    if task.kind == "answers":
        settings["stride"] = max_length // 4 if stride is None else stride
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else 0
    encoded = {
        name: replace(
            encoders[task.kind](task, split, tokenizer, settings),
            kind=task.kind,
            pad_token_id=pad,
            decoder_start=pad if decoder_start is None else decoder_start,
            rows=split,
            tokenizer=tokenizer,
        )
        for name, split in task.rows.items()
    }
    cut = sum(rows.cut for rows in encoded.values())
    if cut:
        warnings.warn(
            f"{cut:,} of {sum(map(len, encoded.values())):,} texts are longer than max_length={max_length} tokens "
            "and were cut; raise max_length to keep them whole.",
            stacklevel=2,
        )
    unknown = _unknown_share(np.concatenate([rows.input_ids for rows in encoded.values()]), tokenizer)
    if unknown > 0.5:
        warnings.warn(
            f"{unknown:.0%} of the tokens are {tokenizer.unk_token!r}: the tokenizer cannot read these texts; load "
            "one that knows their language, with the model that belongs to it.",
            stacklevel=2,
        )
    return encoded


def _unknown_share(ids: np.ndarray, tokenizer: PreTrainedTokenizerBase) -> float:
    """The share of unknown tokens among those that stand for text."""
    if tokenizer.unk_token_id is None:
        return 0.0
    text = ids[~np.isin(ids, [i for i in tokenizer.all_special_ids if i != tokenizer.unk_token_id])]
    return float((text == tokenizer.unk_token_id).mean()) if len(text) else 0.0


def _encode_texts(task: Task, split: Any, tokenizer: Any, settings: dict[str, Any]) -> EncodedRows:
    encoded = tokenizer(list(split[task.text]), **settings)
    labels = np.asarray(split[task.label], dtype=np.int64) if task.label in split.column_names else None
    return EncodedRows(**_flat(encoded), labels=labels, cut=_count_cut(encoded))


def _encode_words(task: Task, split: Any, tokenizer: Any, settings: dict[str, Any]) -> EncodedRows:
    """The first piece of a word carries its label; later pieces and special tokens carry none."""
    encoded = tokenizer(list(split[task.text]), is_split_into_words=True, **settings)
    words = []
    for i in range(len(encoded["input_ids"])):
        word_of = np.array([-1 if word is None else word for word in encoded.word_ids(i)], dtype=np.int64)
        word_of[1:][word_of[1:] == word_of[:-1]] = -1  # a later piece of the same word
        words.append(word_of)
    labels = None
    if task.label in split.column_names:
        labels = np.concatenate(
            [
                np.where(w >= 0, np.append(tags, IGNORED)[w], IGNORED)
                for w, tags in zip(words, split[task.label], strict=True)
            ]
        )
    return EncodedRows(**_flat(encoded), labels=labels, words=np.concatenate(words), cut=_count_cut(encoded))


def _encode_questions(task: Task, split: Any, tokenizer: Any, settings: dict[str, Any]) -> EncodedRows:
    """Question and context in one row; the labels are the answer's first and last token.

    A row without the whole answer is labelled with the first token: "the answer is not here".
    """
    questions, max_length, stride = list(split["question"]), settings["max_length"], settings["stride"]
    for number, ids in enumerate(tokenizer(questions, add_special_tokens=False)["input_ids"]):
        room = max_length - len(ids) - tokenizer.num_special_tokens_to_add(pair=True)
        if room <= stride:  # the tokenizer would crash
            raise CourseError(
                f"Question {number} has {len(ids)} tokens, which leaves {max(0, room)} of max_length={max_length} "
                f"for its context, no more than stride={stride}; shorten the question, or raise max_length."
            )
    encoded = tokenizer(
        questions, list(split[task.text]), truncation="only_second", max_length=max_length, stride=stride,
        return_overflowing_tokens=True, return_offsets_mapping=True,
    )  # fmt: skip
    row_of = np.asarray(encoded["overflow_to_sample_mapping"], dtype=np.int64)
    flat = _flat(encoded)
    # (T, 2): where each token stands in its text
    spans = np.concatenate([np.asarray(pairs, dtype=np.int64) for pairs in encoded["offset_mapping"]])
    in_context = np.array([s == 1 for i in range(len(row_of)) for s in encoded.sequence_ids(i)])
    spans[~in_context] = -1
    labels = None
    if task.label in split.column_names:
        answers, windows = list(split[task.label]), np.split(spans, flat["offsets"][1:-1])
        labels = np.array(
            [_answer_tokens(answers[row], window) for row, window in zip(row_of, windows, strict=True)],
            dtype=np.int64,
        ).reshape(-1, 2)
    return EncodedRows(**flat, labels=labels, spans=spans, row_of=row_of)


def _answer_tokens(answers: dict[str, Any], spans: np.ndarray) -> tuple[int, int]:
    """First and last token of the first accepted answer; (0, 0) where there is none or a part of it is missing.

    `spans` (time, 2) says where each token stands in the context.
    """
    if not answers["text"]:
        return 0, 0
    begin = answers["answer_start"][0]
    end = begin + len(answers["text"][0])
    # A token may begin with the space before its word, so its start need not be the answer's.
    touching = np.flatnonzero((spans[:, 1] > begin) & (spans[:, 0] < end) & (spans[:, 0] >= 0))
    if len(touching) and spans[touching[0], 0] <= begin and spans[touching[-1], 1] >= end:
        return int(touching[0]), int(touching[-1])
    return 0, 0


def _encode_pairs(task: Task, split: Any, tokenizer: Any, settings: dict[str, Any]) -> EncodedRows:
    """The source as input; as labels the target, with the token that ends it."""
    source, target = task.languages
    pairs = list(split[task.text])
    encoded = tokenizer([pair[source] for pair in pairs], **settings)
    cut = _count_cut(encoded)
    if all(pair.get(target) is None for pair in pairs):  # texts to translate
        return EncodedRows(**_flat(encoded), cut=cut)
    targets = tokenizer(text_target=[pair[target] for pair in pairs], **settings)
    flat = _flat(targets)
    return EncodedRows(
        **_flat(encoded), labels=flat["input_ids"], label_offsets=flat["offsets"], cut=cut + _count_cut(targets)
    )


def _count_cut(encoded: Any) -> int:
    """How many texts lost their end; slow tokenizers don't say."""
    return sum(bool(text.overflowing) for text in encoded.encodings or ())


def _flat(encoded: Any) -> dict[str, Any]:
    lengths = np.fromiter(map(len, encoded["input_ids"]), dtype=np.int64, count=len(encoded["input_ids"]))
    flat: dict[str, Any] = {"offsets": _offsets(lengths)}
    for name in ("input_ids", "token_type_ids"):
        if name in encoded:
            flat[name] = np.concatenate([np.asarray(ids, dtype=np.int64) for ids in encoded[name]])
    return flat


# ---------------------------------------------------------------- from flat arrays to batches


def collate(encoded: EncodedRows, indices: np.ndarray, pad_token_id: int) -> Batch:
    """Rows as tensors of (batch, time), padded to the longest of them and no further."""
    indices = np.asarray(indices)
    real = _real(encoded.offsets, indices)
    tokens = _tokens_of(encoded.offsets, indices)

    def padded(flat: np.ndarray, filler: int) -> torch.Tensor:
        return _padded(flat[tokens], real, filler)

    batch = {
        "input_ids": padded(encoded.input_ids, pad_token_id),
        "attention_mask": torch.from_numpy(real.astype(np.int64)),
    }
    if encoded.token_type_ids is not None:
        batch["token_type_ids"] = padded(encoded.token_type_ids, 0)
    labels, label_offsets = encoded.labels, encoded.label_offsets
    if labels is None:
        return batch
    if label_offsets is not None:  # as long as they are, and read by the decoder as well
        batch["labels"] = _padded(
            labels[_tokens_of(label_offsets, indices)], _real(label_offsets, indices), IGNORED
        )
        batch["decoder_input_ids"] = shift_right(
            batch["labels"], start=encoded.decoder_start, pad=pad_token_id
        )
    elif encoded.labels_per_token:
        batch["labels"] = padded(labels, IGNORED)
    else:
        batch["labels"] = torch.from_numpy(labels[indices])
    return batch


def _real(offsets: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """(batch, time): True where a row has a token."""
    lengths = offsets[indices + 1] - offsets[indices]
    return np.arange(lengths.max()) < lengths[:, None]


def _padded(flat: np.ndarray, real: np.ndarray, filler: int) -> torch.Tensor:
    array = np.full(real.shape, filler, dtype=np.int64)
    array[real] = flat
    return torch.from_numpy(array)


def shift_right(labels: torch.Tensor, *, start: int, pad: int) -> torch.Tensor:
    """What a decoder reads while it writes `labels` (batch, time): `start`, then every label but the last.

    Padding, −100 in the labels, becomes the token `pad`; no target stands after it.
    """
    shifted = labels.roll(1, dims=1)
    shifted[:, 0] = start
    return shifted.masked_fill(shifted == IGNORED, pad)


def batch_order(
    lengths: np.ndarray,
    *,
    batch_size: int | None = None,
    token_budget: int | None = None,
    seed: int,
    epoch: int,
    shuffle: bool = True,
) -> list[np.ndarray]:
    """The batches of one epoch as arrays of row numbers: every row once, the same for the same arguments.

    A batch holds `batch_size` rows (the last one may hold fewer) or as many rows as fit into `token_budget`
    tokens, padding counted. Without `shuffle` the rows keep the order they have.
    """
    lengths = np.asarray(lengths)
    if len(lengths) == 0:
        raise CourseError("There are no rows to make batches of; check the split and its filters.")
    if (batch_size is None) == (token_budget is None):
        raise CourseError(
            f"Give batch_size={batch_size} or token_budget={token_budget}: one of them, not both."
        )
    if token_budget is not None and lengths.max() > token_budget:
        raise CourseError(
            f"Row {lengths.argmax()} has {lengths.max()} tokens, more than token_budget={token_budget} "
            "holds; raise token_budget, or lower max_length when encoding."
        )
    if not shuffle:
        return list(_cut(np.arange(len(lengths)), lengths, batch_size, token_budget))
    pool = POOL_BATCHES * (batch_size or max(1, int(token_budget / lengths.mean())))
    batches: list[np.ndarray] = []
    shuffled = _permutation(len(lengths), seed, epoch, 0)
    for start in range(0, len(shuffled), pool):
        rows = shuffled[start : start + pool]
        batches += _cut(rows[np.argsort(lengths[rows], kind="stable")], lengths, batch_size, token_budget)
    return [batches[i] for i in _permutation(len(batches), seed, epoch, 1)]


def batches_by_length(
    lengths: np.ndarray, *, batch_size: int | None = None, token_budget: int | None = None
) -> list[np.ndarray]:
    """Batches for prediction: longest rows first, so that too large a batch fails at once, not at the end."""
    lengths = np.asarray(lengths)
    rows = np.argsort(-lengths, kind="stable")
    return list(_cut(rows, lengths, batch_size, token_budget))


def _cut(
    rows: np.ndarray, lengths: np.ndarray, batch_size: int | None, token_budget: int | None
) -> Iterator[np.ndarray]:
    budget = token_budget or 0
    start = 0
    while start < len(rows):
        if batch_size is not None:
            stop = start + batch_size
        else:
            # No batch can hold more rows than the budget has tokens: look no further.
            widest = np.maximum.accumulate(lengths[rows[start : start + budget]])
            cost = np.maximum(widest, 1) * np.arange(1, len(widest) + 1)  # with 1, 2, … rows, padding counted
            stop = start + max(1, int(np.searchsorted(cost, budget, side="right")))
        yield rows[start:stop]
        start = stop


def _permutation(n: int, *key: int) -> np.ndarray:
    """A shuffle of 0 … n-1 that depends on the key alone.

    NumPy promises that PCG64's raw numbers never change, but not what `Generator.permutation` makes of them.
    """
    return np.argsort(np.random.PCG64(np.random.SeedSequence(key)).random_raw(n), kind="stable")


def _offsets(lengths: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(lengths)])


def _tokens_of(offsets: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """Where the tokens of these rows lie in the flat arrays, row after row."""
    lengths = offsets[indices + 1] - offsets[indices]
    ends = np.cumsum(lengths)
    return np.arange(lengths.sum()) + np.repeat(offsets[indices] - (ends - lengths), lengths)
