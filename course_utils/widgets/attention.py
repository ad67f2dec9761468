"""The attention explorer: a sentence, a layer, a head, and where its tokens look."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from ..errors import CourseError
from ..figures.attention import attention_map
from . import ask_text

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from torch import nn
    from transformers import PreTrainedTokenizerBase

LONGEST = 48  # tokens that a heat map still shows with their names


def attention_explorer(
    model: nn.Module, tokenizer: PreTrainedTokenizerBase, text: str, *, layer: int = 1, head: int = 1,
    widget: bool | None = None,
) -> Any:  # fmt: skip
    """Type a sentence, choose a layer and a head (both count from 1), and see its weights.

    `model` is one of `transformers` or of `course_utils.transformer`. With `widget=False` the figure for the
    given text, layer and head is returned instead. Raises CourseError for an empty or too long text, and for a
    layer or head that is not there.
    """
    look = lru_cache(maxsize=1)(partial(_look, model, tokenizer))  # a slider moves, the sentence stays

    def make(text: str, layer: int, head: int) -> go.Figure:
        tokens, maps = look(text)
        layers, heads = maps.shape[:2]
        if not (1 <= layer <= layers and 1 <= head <= heads):
            raise CourseError(
                f"There is no head {head} in layer {layer}: the model has {layers} layers of {heads} heads, from 1 on."
            )
        title = f"Layer {layer}, head {head}: who looks where"
        return attention_map(maps[layer - 1, head - 1], tokens, title=title)

    layers, heads = look(text)[1].shape[:2]
    controls = {"layer": (1, layers, 1), "head": (1, heads, 1)}
    return ask_text(make, text, controls, values={"layer": layer, "head": head}, button="Look", widget=widget)


def _look(model: nn.Module, tokenizer: PreTrainedTokenizerBase, text: str) -> tuple[list[str], Any]:
    """The text's tokens, and the weights of every layer and head (layers, heads, time, time)."""
    from ..transformer import attention_maps

    if not text.strip():
        raise CourseError("Nothing is written in the box: type something first.")
    ids = tokenizer(text, return_tensors="pt")["input_ids"]
    if ids.shape[1] > LONGEST:
        raise CourseError(f"{ids.shape[1]} tokens are too many to name on a map: keep to {LONGEST}.")
    tokens = [
        token.replace("Ġ", "·").replace("▁", "·")
        for token in tokenizer.convert_ids_to_tokens(ids[0].tolist())
    ]
    return tokens, attention_maps(model, ids).numpy()
