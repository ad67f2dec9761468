"""Figures of lesson 12: the tree of a beam search."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from ..errors import CourseError
from . import BLUE, GREEN, GREY, blank

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from ..generation import BeamNode


def beam_tree(nodes: Sequence[BeamNode], names: Sequence[str], *, steps: int | None = None) -> go.Figure:
    """What a beam search looked at in its first `steps` steps: a column per step, the likeliest text on top.

    `nodes` are what `generation.beam_search` watched, `names` the text of each node's token. Full circles are followed,
    squares have ended, empty circles were dropped. Hovering shows the whole text, its log-probability and its score.
    """
    if len(nodes) != len(names):
        raise CourseError(f"{len(nodes)} nodes and {len(names)} names: give one for each.")
    last = max((node.step for node in nodes), default=0) if steps is None else steps
    shown = [node for node in nodes if node.step <= last]
    if not shown:
        raise CourseError("There is no node to draw: watch a search of at least one step.")
    place: dict[int, tuple[int, int]] = {}
    for step in range(1, last + 1):
        column = sorted((n for n in shown if n.step == step), key=lambda n: -n.log_probability)
        place |= {node.number: (step, -rank) for rank, node in enumerate(column)}
    texts: dict[int, str] = {}
    for node in shown:
        texts[node.number] = f"{texts.get(node.parent, '')} {names[node.number]}".strip()
    ended = [node for node in shown if node.kept and node.finished]
    open_now = [node for node in shown if node.step == last and node.kept and not node.finished]
    best = max(ended or open_now or shown, key=lambda node: node.score)
    what = "best that has ended" if ended else "best so far"
    figure = blank(
        f"Step {last}: {len(open_now)} texts are open, {len(ended)} have ended", "step", "",
        f"After step {last} the {what} is {texts[best.number]!r} with a score of {best.score:.2f}.",
        height=160 + 44 * max(1 - y for _, y in place.values()),
    )  # fmt: skip
    lines_x: list[float | None] = []
    lines_y: list[float | None] = []
    for node in shown:
        if node.parent in place and node.kept:
            (x0, y0), (x1, y1) = place[node.parent], place[node.number]
            lines_x += [x0, x1, None]
            lines_y += [y0, y1, None]
    figure.add_scatter(
        x=lines_x, y=lines_y, mode="lines", line={"color": GREY, "width": 1}, showlegend=False, hoverinfo="skip"
    )
    kinds = (
        ("followed", [n for n in shown if n.kept and not n.finished], {"symbol": "circle", "color": BLUE, "size": 11}),
        ("ended", ended, {"symbol": "square", "color": GREEN, "size": 12}),
        ("dropped", [n for n in shown if not n.kept], {"symbol": "circle-open", "color": GREY, "size": 9}),
    )
    for name, group, marker in kinds:
        figure.add_scatter(
            x=[place[n.number][0] for n in group], y=[place[n.number][1] for n in group],
            name=name, mode="markers+text", marker=marker, textposition="top center", hoverinfo="text",
            text=[escape(names[n.number], quote=False) for n in group], hovertext=[_said(n, texts[n.number]) for n in group],
        )  # fmt: skip
    figure.update_xaxes(dtick=1, range=[0.4, last + 0.6], showgrid=False)
    lowest = min(y for _, y in place.values())
    return figure.update_yaxes(showticklabels=False, showgrid=False, zeroline=False, range=[lowest - 0.5, 0.9])


def _said(node: BeamNode, text: str) -> str:
    return f"{escape(text, quote=False)}<br>log-probability {node.log_probability:.2f}<br>score {node.score:.2f}"
