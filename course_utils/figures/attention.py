"""Figures of attention: who looks where. Weights in, Plotly figure out; no model is known here."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from ..errors import CourseError
from . import GREY, blank, line_of

if TYPE_CHECKING:
    import plotly.graph_objects as go


def _checked(weights: np.ndarray, queries: Sequence[str], keys: Sequence[str]) -> np.ndarray:
    table = np.asarray(weights, dtype=float)
    if table.shape != (len(queries), len(keys)):
        raise CourseError(
            f"{len(queries)} queries and {len(keys)} keys need weights of shape {(len(queries), len(keys))}, "
            f"and these are {table.shape}."
        )
    return table


def _shown(token: str) -> str:
    """Plotly takes "</s>" for the end of a struck-out text, and would draw nothing."""
    return escape(token, quote=False)


def attention_map(
    weights: np.ndarray,
    queries: Sequence[str],
    keys: Sequence[str] | None = None,
    *,
    title: str = "Who looks where",
) -> go.Figure:
    """A heat map of one head: a row per query token, a column per token that it looks at.

    `weights` (queries, keys), of which each row sums to 1. Tokens may repeat: places, not words, make the axes.
    """
    keys = queries if keys is None else keys
    table = _checked(weights, queries, keys)
    strongest = keys[int(table.sum(0).argmax())]
    figure = blank(
        title, "looked at", "looking", f"{title}: in all, {strongest!r} is looked at most.",
        height=200 + 24 * max(6, len(queries)),
    )  # fmt: skip
    said = [
        [f"{_shown(query)} → {_shown(key)}: {weight:.2f}" for key, weight in zip(keys, row, strict=True)]
        for query, row in zip(queries, table, strict=True)
    ]
    figure.add_heatmap(
        z=table, zmin=0, zmax=1, colorscale="Blues", colorbar={"title": {"text": "weight"}, "thickness": 12},
        text=said, hoverinfo="text",
    )  # fmt: skip
    figure.update_xaxes(
        tickvals=list(range(len(keys))), ticktext=list(map(_shown, keys)), tickangle=-60,
        showgrid=False, automargin=True, title_standoff=12,
    )  # fmt: skip
    return figure.update_yaxes(
        tickvals=list(range(len(queries))), ticktext=list(map(_shown, queries)), autorange="reversed",
        showgrid=False, automargin=True,
    )  # fmt: skip


def head_overview(maps: np.ndarray, *, title: str = "How far each head looks") -> go.Figure:
    """Mean distance, in tokens, between a token and what it looks at. `maps` (layers, heads, time, time)."""
    maps = np.asarray(maps, dtype=float)
    if maps.ndim != 4:
        raise CourseError(f"Maps have four axes (layers, heads, time, time), and these have {maps.ndim}.")
    layers, heads, time, _ = maps.shape
    place = np.arange(time)
    distance = np.abs(place[:, None] - place[None, :])  # (time, time)
    mean = (maps * distance).sum(-1).mean(-1)  # (layers, heads)
    near, far = (divmod(int(pick(mean)), heads) for pick in (np.argmin, np.argmax))
    figure = blank(
        title, "head", "layer",
        f"{title}: nearest is layer {near[0] + 1}, head {near[1] + 1} ({mean[near]:.1f} tokens); "
        f"farthest is layer {far[0] + 1}, head {far[1] + 1} ({mean[far]:.1f} tokens).",
        height=140 + 40 * layers,
    )  # fmt: skip
    figure.add_heatmap(
        z=mean, x=[str(h + 1) for h in range(heads)], y=[str(n + 1) for n in range(layers)], colorscale="Blues",
        zmin=0, text=mean.round(1), texttemplate="%{text}", colorbar={"title": {"text": "tokens"}, "thickness": 12},
    )  # fmt: skip
    figure.update_xaxes(type="category", showgrid=False)
    return figure.update_yaxes(type="category", showgrid=False)


def losses_by_step(
    runs: dict[str, Sequence[float]], *, title: str, floor: float | None = None, floor_name: str = "guessing",
    smooth: int = 3,
) -> go.Figure:  # fmt: skip
    """One line of training losses per run, averaged over `smooth` steps, and a dotted line at a known loss."""
    import pandas as pd

    ends = ", ".join(f"{name} ends at {np.mean(losses[-5:]):.2f}" for name, losses in runs.items())
    figure = blank(title, "optimizer step", "loss (nats per target)", f"{title}: {ends}.")
    for i, (name, losses) in enumerate(runs.items()):
        smoothed = pd.Series(losses).rolling(smooth, min_periods=1).mean()
        figure.add_scatter(
            x=list(range(1, len(losses) + 1)), y=smoothed, name=name, mode="lines",
            line=line_of(i),
        )  # fmt: skip
    if floor is not None:
        figure.add_hline(y=floor, line_dash="dot", line_color=GREY, annotation_text=floor_name)
    return figure.update_yaxes(rangemode="tozero")
