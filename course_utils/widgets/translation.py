"""Widgets of lesson 12: a beam search step by step, and where the decoder looks."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ..errors import CourseError
from ..figures.attention import attention_map
from ..figures.translation import beam_tree
from ..generation import BeamNode, beam_search, cross_attention
from . import ask_text

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

LONGEST = 32  # tokens of a sentence that a tree still shows
PENALTIES = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0]


def _read(tokenizer: PreTrainedTokenizerBase, text: str) -> dict[str, Any]:
    batch = tokenizer(text, return_tensors="pt")
    if batch["input_ids"].shape[1] > LONGEST:
        raise CourseError(f"{batch['input_ids'].shape[1]} tokens are too many to draw: keep to {LONGEST}.")
    return {name: batch[name] for name in ("input_ids", "attention_mask")}


def _named(tokenizer: PreTrainedTokenizerBase, ids: list[int]) -> list[str]:
    return [token.replace("▁", "·") for token in tokenizer.convert_ids_to_tokens(ids)]


def beam_explorer(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, text: str, *, step: int = 3, width: int = 3,
    penalty: float = 1.0, widget: bool | None = None,
) -> Any:  # fmt: skip
    """Type a sentence and watch the beam that translates it, step by step."""

    @lru_cache(maxsize=32)
    def search(text: str, width: int, penalty: float) -> tuple[list[BeamNode], list[str]]:
        nodes: list[BeamNode] = []
        beam_search(
            model, _read(tokenizer, text), width=width, length_penalty=penalty, most_tokens=LONGEST, watch=nodes
        )
        return nodes, _named(tokenizer, [node.token for node in nodes])

    def make(text: str, step: int, width: int, penalty: float) -> go.Figure:
        nodes, names = search(text, width, penalty)
        return beam_tree(nodes, names, steps=min(step, nodes[-1].step))

    controls = {"step": (1, 24, 1), "width": (1, 6, 1), "penalty": PENALTIES}
    values = {"step": step, "width": width, "penalty": penalty}
    return ask_text(make, text, controls, values=values, button="Translate", widget=widget)


def alignment_explorer(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, text: str, *, layer: int | None = None,
    widget: bool | None = None,
) -> Any:  # fmt: skip
    """Type a sentence; a map shows where the decoder looked while it wrote each token, averaged over heads.

    Layers count from 1; by default the last.
    """
    layers = getattr(model.config, "num_decoder_layers", None) or model.config.decoder_layers

    def make(text: str, layer: int) -> go.Figure:
        import torch

        batch = _read(tokenizer, text)
        tokens = list(beam_search(model, batch, width=1, most_tokens=LONGEST)[0][0].tokens)
        read = torch.tensor([[model.config.decoder_start_token_id, *tokens[:-1]]])
        weights = cross_attention(model, batch | {"decoder_input_ids": read})[layer - 1].mean(0).numpy()
        source, target = _named(tokenizer, batch["input_ids"][0].tolist()), _named(tokenizer, tokens)
        return attention_map(weights, target, source, title=f"Decoder layer {layer}: where each token looked")

    controls = {"layer": (1, layers, 1)}
    return ask_text(make, text, controls, values={"layer": layer or layers}, button="Translate", widget=widget)
