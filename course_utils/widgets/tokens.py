"""Widgets of lesson 01: merges one at a time, a sentence under several tokenizers, a batch and its padding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..batching import batch_order
from ..figures import tokens as figures
from ..tokens import Merge, apply_merges, pieces_of, random_batches
from . import ask_text, explore, wanted

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from transformers import PreTrainedTokenizerBase


def replay_merges(
    words: Sequence[str], merges: Sequence[Merge], *, merge: int = 0, widget: bool | None = None
) -> Any:
    """A slider over the merges, none of them first; with `widget=False`, the figure after `merge` of them."""

    def make(merge: int) -> go.Figure:
        return figures.merge_state(
            {word: apply_merges(word, merges[:merge]) for word in words}, merges, merge
        )

    if not wanted(widget):
        return make(merge)
    return explore(make, merge=(0, len(merges), 1))


def see_tokens(tokenizers: Mapping[str, PreTrainedTokenizerBase], text: str, *, widget: bool | None = None) -> Any:
    """A box for a sentence and its tokens under each tokenizer; with `widget=False`, the figure for `text`."""

    def make(text: str) -> go.Figure:
        text = text.strip()
        rows = {name: pieces_of(tokenizer, text) for name, tokenizer in tokenizers.items()}
        return figures.token_rows(rows, text)

    return ask_text(make, text, button="Cut", widget=widget)


def see_padding(lengths: np.ndarray, *, widget: bool | None = None) -> Any:
    """One batch of rows of these lengths, drawn at random or among rows of like length."""
    lengths = np.asarray(lengths)

    def make(batches: str, rows: int) -> go.Figure:
        if batches == "random":
            order = random_batches(len(lengths), rows)
        else:
            order = batch_order(lengths, batch_size=rows, seed=0, epoch=0)
        return figures.padded_batch(lengths[order[0]])

    return explore(make, batches=["random", "of like length"], rows=[16, 8, 32], widget=widget)
