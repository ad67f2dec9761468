"""Claims of lesson 01: what a tokenizer costs, and what the wrong one does."""

from __future__ import annotations

from functools import lru_cache
from itertools import islice
from typing import Any

import numpy as np

from .. import tokens
from ..batching import batch_order, encode
from ..models import load_model, load_tokenizer
from ..training import TrainConfig, evaluate, train
from .runs import ENCODER, Claim, encoded_task, scores

VOCABULARY = 2000
FEWER, MORE = (500, 1000), (4000, 8000)  # two doublings of a vocabulary


@lru_cache(maxsize=4)
def texts_of(seed: int) -> list[str]:
    """What tokenizers are trained on."""
    return tokens.world_texts(2000, seed=seed)


@lru_cache(maxsize=32)
def trained(kind: str, seed: int, vocabulary: int = VOCABULARY) -> Any:
    """A tokenizer of one kind, trained on the text of a seed."""
    return tokens.train(kind, texts_of(seed), vocabulary)


def french_over_english(seed: int) -> float:
    """How many times as many tokens a French word has; the least among the kinds."""
    texts = tokens.parallel_texts(300, seed=seed)
    return min(
        tokens.fertility(trained(kind, seed), texts["French"])
        / tokens.fertility(trained(kind, seed), texts["English"])
        for kind in tokens.KINDS
    )


def out_of_domain(seed: int) -> float:
    """How many times as many tokens a word of another domain has; the least among kinds and domains."""
    own = tokens.world_texts(300, seed=1000 + seed)
    return min(
        tokens.fertility(trained(kind, seed), texts) / tokens.fertility(trained(kind, seed), own)
        for kind in tokens.KINDS
        for texts in tokens.OUT_OF_DOMAIN.values()
    )


def cut_differently(seed: int) -> float:
    """The share of long words of other domains that the three kinds do not all cut at the same places."""
    texts = (text for texts in tokens.OUT_OF_DOMAIN.values() for text in texts)
    words = sorted({word for text in texts for word in text.split() if word.isalpha() and len(word) > 7})

    def cuts(kind: str, word: str) -> list[int]:
        # In front of the word stands a space, as in a sentence; it is no cut of the word's own.
        return [
            piece.start for piece in tokens.pieces_of(trained(kind, seed), f"the {word}") if piece.start > 4
        ]

    return float(np.mean([len({str(cuts(kind, word)) for kind in tokens.KINDS}) > 1 for word in words]))


def saved_by_doubling(seed: int, sizes: tuple[int, int], *, french: bool = False) -> float:
    """By how many tokens per word the larger WordPiece vocabulary is below the smaller one."""
    texts = (
        tokens.parallel_texts(300, seed=seed)["French"]
        if french
        else tokens.world_texts(300, seed=1000 + seed)
    )
    small, large = (tokens.fertility(trained("WordPiece", seed, size), texts) for size in sizes)
    return small - large


@lru_cache(maxsize=4)
def foreign(seed: int) -> Any:
    """A WordPiece tokenizer of the same town, size and special tokens as the encoder's own, and not its own."""
    return tokens.train("WordPiece", tokens.world_texts(6000, seed=100 + seed), len(load_tokenizer(ENCODER)))


def masked_loss(tokenizer: Any, seed: int) -> float:
    """Nats per hidden word of the mini encoder, on documents that it never read, cut by this tokenizer."""
    from ..pretraining import MaskedRows, encode_documents
    from ..world.corpus import documents

    rows, _ = encode_documents(islice(documents(seed=777 + seed), 400), tokenizer, tokens=5_000)
    return evaluate(load_model(ENCODER, "masked_lm"), MaskedRows(rows, tokenizer, seed=0), loss="masked_lm")[
        "loss"
    ]


def beyond_guessing(seed: int) -> float:
    """By how many nats the masked loss with the foreign tokenizer is above that of a uniform guess."""
    return masked_loss(foreign(seed), seed) - float(np.log(len(load_tokenizer(ENCODER))))


def foreign_fine_tuning(seed: int) -> float:
    """Accuracy on unseen words after fine-tuning on 512 labels: the encoder's own tokenizer minus the foreign one."""
    task, _ = encoded_task("sentiment", 512, seed)
    data = encode(task, foreign(seed))
    model = load_model(ENCODER, task, seed=seed)
    config = TrainConfig(epochs=8, batch_size=16, learning_rate=1e-3, warmup_share=0.1, seed=seed)
    train(model, data["train"], config, progress=False)
    own = scores("sentiment", "full", 512, seed, epochs=8)["unseen"]
    return own - evaluate(model, data["unseen"])["accuracy"]


def padding(seed: int, grouped: bool) -> float:
    """The share of padding in batches of 32 documents, drawn at random or among documents of like length."""
    tokenizer = load_tokenizer(ENCODER)
    lengths = np.array([len(ids) for ids in tokenizer(texts_of(seed))["input_ids"]])
    if grouped:
        return tokens.padding_share(lengths, batch_order(lengths, batch_size=32, seed=seed, epoch=0))
    return tokens.padding_share(lengths, tokens.random_batches(len(lengths), 32, seed))


CLAIMS: dict[str, Claim] = {
    "01-kinds-differ": Claim(
        says="Most long words that the tokenizers never saw are cut differently by at least two of the three kinds.",
        measure=cut_differently,
        at_least=0.6,
    ),
    "01-vocabulary-pays-less": Claim(
        says="In the town's text, doubling 500 tokens saves more than one and a half times what doubling 4,000 saves.",
        measure=lambda seed: saved_by_doubling(seed, FEWER) / saved_by_doubling(seed, MORE),
        at_least=1.5,
    ),
    "01-french-waits": Claim(
        says="In French it is the other way round: doubling 4,000 tokens saves more than doubling 500.",
        measure=lambda seed: (
            saved_by_doubling(seed, MORE, french=True) - saved_by_doubling(seed, FEWER, french=True)
        ),
        at_least=0.1,
    ),
    "01-french-costs-more": Claim(
        says="A French word has at least a quarter more tokens than an English one, whichever the kind.",
        measure=french_over_english,
        at_least=1.25,
    ),
    "01-other-domains-cost-more": Claim(
        says="A word of another domain has at least a third more tokens than a word of the town, whichever the kind.",
        measure=out_of_domain,
        at_least=1.33,
    ),
    "01-foreign-worse-than-guessing": Claim(
        says="With a foreign tokenizer the encoder's masked loss is above that of a uniform guess, by two nats or more.",
        measure=beyond_guessing,
        at_least=2.0,
        seeds=(0, 1),
    ),
    "01-foreign-fine-tuning": Claim(
        says="Fine-tuned with a foreign tokenizer, it loses more than 25 points of accuracy on unseen words.",
        measure=foreign_fine_tuning,
        at_least=0.25,
        seeds=(0, 1),
    ),
    "01-padding-random": Claim(
        says="In random batches of 32 documents, more than 40 % of all positions are padding.",
        measure=lambda seed: padding(seed, grouped=False),
        at_least=0.4,
    ),
    "01-padding-grouped": Claim(
        says="Among documents of like length it is less than 10 %.",
        measure=lambda seed: padding(seed, grouped=True),
        at_most=0.1,
    ),
}
