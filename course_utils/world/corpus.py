"""The world's unlabelled text: one endless, seeded stream of documents of every kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from . import almanac, bilingual, bulletins, news, notices, reviews
from .draw import Draw, Phrase

Grammar = Callable[[Draw], tuple[Phrase, ...]]

GRAMMARS: dict[str, Grammar] = {
    "review": reviews.document,
    "entry": reviews.entry,
    "news": news.document,
    "almanac": almanac.document,
    "card": almanac.card,
    "dossier": almanac.dossier,
    "drawer": almanac.drawer,
    "register": almanac.register,
    "notice": notices.document,
    "bilingual": bilingual.document,
    "bulletin": bulletins.document,  # the one kind whose entropy is exact
}

# Shares of documents in what the encoder reads; the decoder's stand in `pretraining`. Reviews are many because
# polarity is the hardest thing to learn from them.
MIX: dict[str, float] = {
    "review": 0.34, "entry": 0.08, "news": 0.14, "almanac": 0.18, "card": 0.16, "notice": 0.06, "bilingual": 0.04,
}  # fmt: skip
# What a model reads first: one-line entries of a visitors' book, from which it learns polarity, and
# index cards, from which it learns to copy a name. From longer documents alone, a small model had found
# neither after six million tokens.
OPENING_MIX: dict[str, float] = {"card": 0.6, "entry": 0.4}


@dataclass(frozen=True, slots=True)
class Document:
    """One unlabelled document."""

    kind: str
    segments: tuple[Phrase, ...]  # most have one; a question and its passage are two
    surprisal: float  # nats, of all choices that made the document, its kind included

    @property
    def text(self) -> str:
        """The segments on lines of their own."""
        return "\n".join(segment.text for segment in self.segments)


def document(seed: int, number: int, mix: Mapping[str, float] = MIX) -> Document:
    """Document `number` of the corpus `seed`: a pure function of its arguments."""
    draw = Draw("corpus", seed, number)
    kind = draw.weighted(tuple(mix.items()))
    return Document(kind, GRAMMARS[kind](draw), draw.surprisal)


def documents(seed: int = 0, mix: Mapping[str, float] = MIX) -> Iterator[Document]:
    """The corpus `seed`, without end."""
    number = 0
    while True:
        yield document(seed, number, mix)
        number += 1
