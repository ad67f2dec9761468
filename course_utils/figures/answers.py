"""Answers in their passages: where a model sees start and end, which span wins, and what was right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from . import BLUE, GREEN, GREY, ORANGE, blank, line_of
from .text import highlighted, rows_of

if TYPE_CHECKING:
    import plotly.graph_objects as go

GIVEN, RIGHT, BOTH = "given", "right", "given and right"
COLOURS = {GIVEN: ORANGE, RIGHT: BLUE, BOTH: GREEN}


def _numbered(pieces: Sequence[str]) -> list[str]:
    """Names for an axis: the same word may stand twice in a passage, and an axis shows each name once."""
    return [f"{i} {piece}" for i, piece in enumerate(pieces)]


def span_probabilities(
    pieces: Sequence[str], first: np.ndarray, last: np.ndarray, *, title: str = "Where the answer starts and ends"
) -> go.Figure:
    """A heat map over the passage: the probability (time,) that the answer starts, and that it ends, at each token."""
    a, b = int(np.argmax(first)), int(np.argmax(last))
    said = (
        f"{title}: it starts most likely at {pieces[a]!r} ({first[a]:.2f}) and ends at {pieces[b]!r} ({last[b]:.2f})."
    )
    figure = blank(title, "token", "", said, height=280)
    names = _numbered(pieces)
    figure.add_heatmap(
        z=[np.asarray(last, dtype=float), np.asarray(first, dtype=float)], x=names, y=["end", "start"],
        colorscale="Blues", zmin=0, zmax=1, colorbar={"title": {"text": "probability"}}, xgap=1, ygap=4,
        hovertemplate="%{y} at %{x}: %{z:.3f}<extra></extra>",
    )  # fmt: skip
    figure.update_xaxes(tickvals=names, ticktext=list(pieces), tickangle=-60, showgrid=False)
    return figure.update_yaxes(showgrid=False).update_layout(margin_b=110)


def span_scores(
    pieces: Sequence[str], first: np.ndarray, last: np.ndarray, *, longest: int, title: str = "Every allowed span"
) -> go.Figure:
    """First times last probability for every span of at most `longest` tokens; what is not allowed stays empty."""
    scores = np.outer(first, last)  # (time, time): from token i to token j
    i, j = np.indices(scores.shape)
    allowed = (i <= j) & (j - i < longest)
    best = divmod(int(np.where(allowed, scores, -1.0).argmax()), len(pieces))
    said = f"{title}: the best goes from {pieces[best[0]]!r} to {pieces[best[1]]!r} ({scores[best]:.2f})."
    figure = blank(title, "last token", "first token", said, height=560)
    names = _numbered(pieces)
    # Powers of ten: on a plain scale one cell would be dark and all others white.
    shown = np.log10(np.maximum(scores, 1e-6)).astype(object)
    shown[~allowed] = None  # JSON knows no NaN
    figure.add_heatmap(
        z=shown, x=names, y=names, colorscale="Blues", zmin=-6, zmax=0,
        colorbar={"title": {"text": "probability"}, "tickvals": [-6, -4, -2, 0], "ticktext": ["10⁻⁶", "10⁻⁴", "1 %", "1"]},
        customdata=scores, hovertemplate="from %{y} to %{x}: %{customdata:.4f}<extra></extra>",
    )  # fmt: skip
    figure.add_scatter(
        x=[names[best[1]]], y=[names[best[0]]], mode="markers", hoverinfo="skip", showlegend=False,
        marker={"symbol": "square-open", "size": 14, "color": ORANGE, "line": {"width": 3}},
    )  # fmt: skip
    for update in (figure.update_xaxes, figure.update_yaxes):
        update(tickvals=names, ticktext=list(pieces), showgrid=False, tickfont={"size": 10})
    figure.update_xaxes(tickangle=-60)
    return figure.update_yaxes(autorange="reversed").update_layout(margin={"b": 110, "l": 110})


def by_threshold(
    thresholds: Sequence[float], scores: Mapping[str, Sequence[float]], chosen: float, *,
    title: str = "Exact match by threshold",
) -> go.Figure:  # fmt: skip
    """Lines of scores over thresholds, and the one that was chosen."""
    ends = "; ".join(f"{name} is at most {max(values):.2f}" for name, values in scores.items())
    figure = blank(
        title, "threshold: log-probability of the best span less that of no answer", "exact match",
        f"{title}: {ends}; chosen is {chosen:.1f}.",
    )  # fmt: skip
    for i, (name, values) in enumerate(scores.items()):
        figure.add_scatter(x=list(thresholds), y=list(values), name=name, mode="lines", line=line_of(i))
    if np.isfinite(chosen):  # it may be to answer always, or never
        figure.add_vline(x=chosen, line_dash="dot", line_color=GREY, annotation_text="chosen")
    return figure.update_yaxes(rangemode="tozero")


def answer_marked(context: str, given: tuple[int, int], right: tuple[int, int]) -> str:
    """The passage as HTML with the given and the right answer marked; each is (first character, last + 1).

    What both have in common is marked as such, so that an answer with a word too many shows which word it is.
    """
    cuts = sorted({*given, *right})
    spans = []
    for start, end in zip(cuts, cuts[1:], strict=False):
        in_given, in_right = (low <= start and end <= high for low, high in (given, right))
        if in_given or in_right:
            spans.append((start, end, BOTH if in_given and in_right else GIVEN if in_given else RIGHT))
    return highlighted(context, spans, COLOURS)


def answer_row(question: str, context: str, given: tuple[int, int], right: tuple[int, int], score: float) -> str:
    """An example of an error browser as HTML: question, passage with both answers, and how sure the model was."""
    from html import escape

    said = context[given[0] : given[1]] or "(no answer)"
    return rows_of({
        "question": escape(question), "passage": answer_marked(context, given, right),
        "given": f"{escape(said)} ({score:.2f})", "right": escape(context[right[0] : right[1]] or "(no answer)"),
    })  # fmt: skip
