"""Claims of lesson 02: what each part of a Transformer is for, by taking it away.

Two tiny worlds in which a model learns in seconds, and the shipped encoder robbed of one part at a time.
The lesson draws its figures from the same functions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ..models import load_tokenizer
from ..transformer import Anatomy, Decoder, Encoder, load_transformer, rebuilt
from .runs import ENCODER, Claim

LETTERS = 20


# --- a world of letters: who stands to my left? ----------------------------------------------------------


@lru_cache(maxsize=64)
def learn_left_neighbour(
    seed: int = 0, *, steps: int = 80, layers: int = 2, head_width: int = 16, **changes: Any
) -> tuple[float, ...]:
    """The loss (nats) of each step of an encoder that learns to name the letter to the left of each letter.

    Rows are ten random letters, so nothing but the place tells the answer: guessing costs log 20 ≈ 3.0.
    `changes` are those of the anatomy: `positions="none"`, `residuals=False`, `scaled=False`.
    """
    torch.manual_seed(seed)
    width = 32
    anatomy = Anatomy(
        width=width, layers=layers, heads=2, head_width=head_width, inner=2 * width, bias=True, norm_bias=True, **changes
    )  # fmt: skip
    model = Encoder(LETTERS, anatomy)
    with torch.no_grad():
        model.embedding.weight.mul_(0.3)  # so that the first loss is near that of guessing
        block: Any
        for block in model.stack.blocks:
            for part in (block.attention.query, block.attention.key):
                part.weight.normal_(std=width**-0.5)  # queries and keys of spread one
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.0)
    losses = []
    for _ in range(steps):
        ids = torch.randint(LETTERS, (32, 10))
        logits = model(ids)[:, 1:]  # the first letter has nobody to its left
        loss = cross_entropy(logits.flatten(0, 1), ids[:, :-1].flatten())
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return tuple(losses)


def end_of(losses: tuple[float, ...]) -> float:
    """The mean of the last five losses."""
    return float(np.mean(losses[-5:]))


def late(seed: int) -> float:
    """How much higher the loss is without the square root, over the whole of a short run with wide heads."""
    with_root, without = (
        learn_left_neighbour(seed, head_width=128, scaled=scaled) for scaled in (True, False)
    )
    return float(np.mean(without) - np.mean(with_root))


# --- a world of one-line entries, whose entropy is known -------------------------------------------------


@dataclass(frozen=True)
class Entries:
    """Entries of the visitors' book in a vocabulary of their own; the last 200 rows are held out."""

    rows: list[list[int]]
    tokens: list[str]
    surprisal: float  # nats per token: what a perfect reader pays
    pad: int

    def batch(self, rows: list[list[int]]) -> tuple[Tensor, Tensor]:
        """Ids (batch, time), and the next token of each (batch, time), −100 where there is none."""
        longest = max(map(len, rows))
        table = torch.tensor([row + [self.pad] * (longest - len(row)) for row in rows])
        inputs, labels = table[:, :-1], table[:, 1:]
        return inputs, labels.masked_fill(labels == self.pad, -100)

    def text(self, ids: list[int]) -> str:
        return " ".join(self.tokens[i] for i in ids if not self.tokens[i].startswith("["))


@lru_cache(maxsize=2)
def entries(count: int = 3000) -> Entries:
    """The first entries of the corpus."""
    from ..world.corpus import documents

    tokenizer = load_tokenizer(ENCODER)
    found = list(islice(documents(0, {"entry": 1.0}), count))
    encoded = tokenizer([document.text for document in found])["input_ids"]
    used = sorted({tokenizer.cls_token_id, *(i for row in encoded for i in row)})
    new = {old: i for i, old in enumerate(used)}
    rows = [[new[i] for i in row] for row in encoded]
    surprisal = sum(document.surprisal for document in found) / sum(len(row) - 1 for row in rows)
    return Entries(rows, [*tokenizer.convert_ids_to_tokens(used), "[PAD]"], surprisal, len(used))


def mask_after_softmax(
    query: Tensor, key: Tensor, value: Tensor, allowed: Tensor | None = None, *, scale: float, bias: Any = 0.0
) -> tuple[Tensor, Tensor]:
    """The mistake of the lesson: the future's weights are set to zero when they have done their harm."""
    weights = (query @ key.transpose(-2, -1) * scale + bias).softmax(-1)  # the future is in the denominator
    weights = weights if allowed is None else weights * allowed
    return weights @ value, weights


@lru_cache(maxsize=8)
def learn_entries(
    seed: int = 0, *, leaky: bool = False, steps: int = 350
) -> tuple[Decoder, tuple[float, ...]]:
    """A tiny decoder that learns to write entries, and its loss at each step; `leaky` masks after the softmax."""
    torch.manual_seed(seed)
    data = entries()
    anatomy = Anatomy(width=64, layers=2, heads=4, head_width=16, inner=128, causal=True, norm_bias=True)
    model = Decoder(len(data.tokens), anatomy)
    nn.init.normal_(model.embedding.weight, std=0.1)
    if leaky:
        block: Any
        for block in model.stack.blocks:
            block.attention.attend = mask_after_softmax
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.0, weight_decay=0.0)
    training, losses = data.rows[:-200], []
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = 5e-3 * min(1.0, (step + 1) / 20) * (1 - step / steps)
        chosen = torch.randint(len(training), (24,)).tolist()
        loss = next_token_loss(model, [training[i] for i in chosen])
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return model.eval(), tuple(losses)


def next_token_loss(model: nn.Module, rows: list[list[int]]) -> Tensor:
    """Mean loss (nats per token) of whole rows at once, as in training."""
    inputs, labels = entries().batch(rows)
    return cross_entropy(model(inputs).flatten(0, 1), labels.flatten())


@torch.no_grad()
def loss_from_prefixes(model: nn.Module, rows: list[list[int]]) -> float:
    """The same loss when each token is guessed from what stands before it and nothing else is in the row."""
    losses = []
    for length in range(1, max(map(len, rows))):
        there = [row for row in rows if len(row) > length]
        logits = model(torch.tensor([row[:length] for row in there]))[:, -1]  # (rows, vocabulary)
        losses.append(cross_entropy(logits, torch.tensor([row[length] for row in there]), reduction="none"))
    return float(torch.cat(losses).mean())


@torch.no_grad()
def write_entries(model: nn.Module, count: int, seed: int = 0) -> list[str]:
    """Entries drawn from the model, a token at a time."""
    data, generator, written = entries(), torch.Generator().manual_seed(seed), []
    begin, end = data.tokens.index("[CLS]"), data.tokens.index("[SEP]")
    for _ in range(count):
        ids = [begin]
        while len(ids) < 20 and ids[-1] != end:
            chances = model(torch.tensor([ids]))[0, -1].softmax(-1)
            ids.append(int(torch.multinomial(chances, 1, generator=generator)))
        written.append(data.text(ids))
    return written


def held_out(seed: int, leaky: bool) -> tuple[float, float]:
    """Loss of whole held-out rows, and the same from prefixes alone."""
    model, rows = learn_entries(seed, leaky=leaky)[0], entries().rows[-200:]
    with torch.no_grad():
        return float(next_token_loss(model, rows)), loss_from_prefixes(model, rows[:60])


# --- the shipped encoder, robbed -------------------------------------------------------------------------


@lru_cache(maxsize=8)
def hidden_words(seed: int = 0, texts: int = 100) -> tuple[Tensor, Tensor, Tensor]:
    """Reviews and news that the encoder did not read, one word in seven hidden.

    Ids, mask and labels, each (batch, time); labels are −100 where nothing is hidden.
    """
    from ..world.corpus import documents

    tokenizer = load_tokenizer(ENCODER)
    drawn = islice(documents(9_000 + seed, {"review": 0.6, "news": 0.4}), texts)
    encoded = tokenizer(
        [document.text for document in drawn],
        padding=True,
        truncation=True,
        max_length=96,
        return_tensors="pt",
    )
    ids, mask = encoded["input_ids"], encoded["attention_mask"]
    special = torch.isin(ids, torch.tensor(tokenizer.all_special_ids))
    hidden = (torch.rand(ids.shape, generator=torch.Generator().manual_seed(seed)) < 1 / 7) & ~special
    return ids.masked_fill(hidden, tokenizer.mask_token_id), mask, ids.masked_fill(~hidden, -100)


def shuffled(seed: int = 0, texts: int = 100) -> tuple[Tensor, Tensor, Tensor]:
    """The same with the words of each text in a random order; the special tokens stay at its ends."""
    ids, mask, labels = (tensor.clone() for tensor in hidden_words(seed, texts))
    generator = torch.Generator().manual_seed(seed)
    for row in range(len(ids)):
        last = int(mask[row].sum()) - 1
        order = torch.randperm(last - 1, generator=generator) + 1
        ids[row, 1:last], labels[row, 1:last] = ids[row, order], labels[row, order]
    return ids, mask, labels


@torch.no_grad()
def hidden_word_loss(model: Callable[..., Tensor], rows: tuple[Tensor, Tensor, Tensor]) -> float:
    """Nats per hidden word."""
    ids, mask, labels = rows
    losses = [
        cross_entropy(model(ids[part], mask[part]).flatten(0, 1), labels[part].flatten(), reduction="sum")
        for part in torch.arange(len(ids)).split(25)
    ]
    return float(sum(losses) / (labels != -100).sum())


def robbed(seed: int, **changes: Any) -> float:
    """How much the shipped encoder's loss rises without one of its parts, in nats per hidden word."""
    whole, rows = load_transformer(ENCODER), hidden_words(seed)
    return hidden_word_loss(rebuilt(whole, **changes), rows) - hidden_word_loss(whole, rows)


class BagOfWords(nn.Module):
    """Guesses each hidden word from the mean of the text's visible words; where they stand is not asked."""

    def __init__(self, vocabulary: int, mask_token_id: int, width: int = 64) -> None:
        super().__init__()
        self.read = nn.Embedding(vocabulary, width)
        self.write = nn.Linear(width, vocabulary)
        self.mask_token_id = mask_token_id
        nn.init.normal_(self.read.weight, std=0.1)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """(batch, time) ids and mask → logits (batch, time, vocabulary), the same at every place of a row."""
        return self.write(self.mean(input_ids, attention_mask))[:, None].expand(-1, input_ids.shape[1], -1)

    def mean(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        seen = (attention_mask.bool() & (input_ids != self.mask_token_id))[..., None]
        return (self.read(input_ids) * seen).sum(1) / seen.sum(1)  # (batch, width)


@lru_cache(maxsize=4)
def learn_bag_of_words(seed: int = 0, steps: int = 150) -> BagOfWords:
    """A bag of words, trained on other texts of the same kinds."""
    torch.manual_seed(seed)
    tokenizer = load_tokenizer(ENCODER)
    model = BagOfWords(len(tokenizer), tokenizer.mask_token_id)
    ids, mask, labels = hidden_words(1_000 + seed, 3000)
    with torch.no_grad():  # it begins with how frequent each word is, and learns what else the text tells
        counts = torch.bincount(labels[labels != -100], minlength=len(tokenizer))
        model.write.bias.copy_((counts + 0.5).log())
        model.write.weight.zero_()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.0, weight_decay=0.0)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = 1e-2 * (1 - step / steps)
        rows = torch.randint(len(ids), (64,))
        row, place = (labels[rows] != -100).nonzero(as_tuple=True)  # only hidden words need logits
        logits = model.write(model.mean(ids[rows], mask[rows]))[row]
        loss = cross_entropy(logits, labels[rows][row, place])
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return model.eval()


def shuffling(seed: int, model: Callable[..., Tensor]) -> float:
    """How much the loss rises when the words are shuffled."""
    return hidden_word_loss(model, shuffled(seed)) - hidden_word_loss(model, hidden_words(seed))


def _later(seed: int, **changes: Any) -> float:
    return end_of(learn_left_neighbour(seed, **changes))


CLAIMS: dict[str, Claim] = {
    "02-shuffling-hurts": Claim(
        says="Shuffling the words costs the shipped encoder more than two nats per hidden word.",
        measure=lambda seed: shuffling(seed, load_transformer(ENCODER)),
        at_least=2.0,
    ),
    "02-bag-does-not-mind": Claim(
        says="Shuffling the words costs a bag of words nothing.",
        measure=lambda seed: abs(shuffling(seed, learn_bag_of_words(seed))),
        at_most=1e-4,
    ),
    "02-positions-needed": Claim(
        says="Without positions the letter to the left stays unknown: at least two nats above the model with them.",
        measure=lambda seed: _later(seed, positions="none") - _later(seed),
        at_least=2.0,
    ),
    "02-residuals-needed": Claim(
        says="Eight layers without residuals learn nothing while eight with them solve the task.",
        measure=lambda seed: _later(seed, layers=8, residuals=False) - _later(seed, layers=8),
        at_least=2.0,
    ),
    "02-root-saves-steps": Claim(
        says="With wide heads, training is later without the square root: the mean loss of the run is clearly higher.",
        measure=late,
        at_least=0.3,
    ),
    "02-robbed-encoder": Claim(
        says="Without positions, scale or residuals, each alone, the shipped encoder's loss rises by more than .3 nats.",
        measure=lambda seed: min(
            robbed(seed, **change)
            for change in ({"positions": "none"}, {"scaled": False}, {"residuals": False})
        ),
        at_least=0.3,
    ),
    "02-leak-looks-better": Claim(
        says="Masked after the softmax, the loss of held-out rows is lower than that of the right model.",
        measure=lambda seed: held_out(seed, leaky=False)[0] - held_out(seed, leaky=True)[0],
        at_least=0.3,
    ),
    "02-leak-below-the-floor": Claim(
        says="It is even lower than the entropy of the entries, which no honest model can be.",
        measure=lambda seed: entries().surprisal - held_out(seed, leaky=True)[0],
        at_least=0.1,
    ),
    "02-leak-cannot-write": Claim(
        says="From prefixes alone the leaky model is more than a nat worse than the right one.",
        measure=lambda seed: held_out(seed, leaky=True)[1] - held_out(seed, leaky=False)[1],
        at_least=1.0,
    ),
    "02-right-keeps-its-loss": Claim(
        says="The right model's loss is the same from prefixes as from whole rows.",
        measure=lambda seed: abs(
            loss_from_prefixes(learn_entries(seed)[0], entries().rows[-40:])
            - float(next_token_loss(learn_entries(seed)[0], entries().rows[-40:]).detach())
        ),
        at_most=1e-3,
    ),
}
