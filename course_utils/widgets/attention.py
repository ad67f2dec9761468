"""The attention explorer: a sentence, a layer, a head, and where its tokens look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import CourseError
from ..figures.attention import attention_map
from . import replace_figure

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from torch import nn
    from transformers import PreTrainedTokenizerBase

LONGEST = 48  # tokens that a heat map still shows with their names


def attention_explorer(
    model: nn.Module, tokenizer: PreTrainedTokenizerBase, text: str, *, layer: int = 1, head: int = 1,
    widget: bool = True,
) -> Any:  # fmt: skip
    """Type a sentence, choose a layer and a head (both count from 1), and see its weights.

    `model` is one of `transformers` or of `course_utils.transformer`. With `widget=False` the figure for the
    given text, layer and head is returned instead. Raises CourseError for an empty or too long text, and for a
    layer or head that is not there.
    """
    tokens, maps = _look(model, tokenizer, text)
    if not widget:
        return _draw(tokens, maps, layer, head)

    import ipywidgets
    import plotly.graph_objects as go

    state: dict[str, Any] = {"tokens": tokens, "maps": maps}
    live = go.FigureWidget(_draw(tokens, maps, layer, head))
    layers, heads = maps.shape[:2]
    box = ipywidgets.Text(
        value=text,
        description="sentence",
        continuous_update=False,
        layout={"width": "auto"},
        style={"description_width": "initial"},
    )
    layer_slider = ipywidgets.IntSlider(
        layer, min=1, max=layers, description="layer", continuous_update=False
    )
    head_slider = ipywidgets.IntSlider(head, min=1, max=heads, description="head", continuous_update=False)
    status = ipywidgets.Label()

    def read(_: Any) -> None:
        try:
            state["tokens"], state["maps"] = _look(model, tokenizer, box.value)
        except CourseError as error:  # what was typed does not fit; the last figure stays
            status.value = str(error)
            return
        status.value = ""
        draw(_)

    def draw(_: Any) -> None:
        replace_figure(live, _draw(state["tokens"], state["maps"], layer_slider.value, head_slider.value))

    box.observe(read, names="value")
    layer_slider.observe(draw, names="value")
    head_slider.observe(draw, names="value")
    return ipywidgets.VBox([box, ipywidgets.HBox([layer_slider, head_slider]), status, live])


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


def _draw(tokens: list[str], maps: Any, layer: int, head: int) -> go.Figure:
    layers, heads = maps.shape[:2]
    if not (1 <= layer <= layers and 1 <= head <= heads):
        raise CourseError(
            f"There is no head {head} in layer {layer}: the model has {layers} layers of {heads} heads, from 1 on."
        )
    return attention_map(
        maps[layer - 1, head - 1], tokens, title=f"Layer {layer}, head {head}: who looks where"
    )
