"""Widgets of lesson 03: a run above its floor, gaps to fill, a text to go on with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import CourseError
from ..figures import pretraining as figures
from ..generation import continuation
from . import LiveTraining, ask_text

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from ..training import Record

TEMPERATURES = [0.1, 0.3, 0.5, 0.7, 1.0, 1.3, 1.6, 2.0]
TOP_K = [0, 1, 2, 3, 5, 10, 20, 50]  # 0: all
TOP_P = [0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 1.0]


def _wrapped(text: str, width: int = 90) -> str:
    import textwrap

    return "<br>".join(line for part in text.splitlines() for line in textwrap.wrap(part, width))


def go_on(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, prompt: str = "Bulletin: tides.", *,
    temperature: float = 1.0, top_k: int = 0, top_p: float = 1.0, seed: int = 0, widget: bool | None = None,
) -> Any:  # fmt: skip
    """Write a beginning; the model goes on, and shows from which tokens it drew the first."""

    def make(text: str, temperature: float, top_k: int, top_p: float, seed: int) -> go.Figure:
        whole, first = continuation(
            model, tokenizer, text, temperature=temperature, top_k=top_k, top_p=top_p, seed=seed
        )
        likely = np.argsort(-first, kind="stable")[:12]
        tokens = {str(tokenizer.decode([int(i)])): float(first[i]) for i in likely if first[i] > 0}
        figure = figures.what_comes_next(tokens, title="What the first token was drawn from")
        figure.add_annotation(
            text=_wrapped(whole), xref="paper", yref="paper", x=0, y=1.02, showarrow=False, align="left",
            xanchor="left", yanchor="bottom", font={"size": 14},
        )  # fmt: skip
        figure.update_layout(margin_t=140, height=460, title_y=0.97)
        return figure

    controls = {"temperature": TEMPERATURES, "top_k": TOP_K, "top_p": TOP_P, "seed": (0, 20, 1)}
    values = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "seed": seed}
    return ask_text(make, prompt, controls, values=values, label="Text", widget=widget)


def fill_in(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, text: str, *,
    truth: Callable[[str], Mapping[str, float]] | None = None, widget: bool | None = None,
) -> Any:  # fmt: skip
    """Write a text with a blank, `____`; the model says what may stand there, and `truth(text)` what does."""
    from ..experiments.lesson_03 import fill_blank

    def make(text: str) -> go.Figure:
        guesses = dict(list(fill_blank(model, tokenizer, text).items())[:12])
        known = None
        if truth is not None:
            try:
                known = truth(text)
            except CourseError:  # the text is none of the language whose truth is known
                known = None
        return figures.what_comes_next(guesses, known, title=f"Into the blank: {text[:70]}")

    return ask_text(make, text, label="Text", widget=widget)


class LivePretraining(LiveTraining):
    """A run to start, watch and stop, drawn above the entropy of its text."""

    def __init__(
        self,
        start: Callable[..., Iterator[Record]],
        controls: Mapping[str, Any],
        *,
        floor: float,
        baselines: Mapping[str, float] | None = None,
        values: Mapping[str, Any] | None = None,
        title: str = "Loss above the entropy, live",
    ):
        self._floor, self._baselines = floor, baselines
        super().__init__(start, controls, values=values, title=title)

    def _picture(self) -> go.Figure:
        return figures.above_floor(self._runs(), self._floor, baselines=self._baselines, title=self._title)
