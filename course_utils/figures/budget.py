"""Figures of lesson 04: what a model costs, beside what there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..budget import GIB
from . import BLUE, GREEN, GREY, INK, ORANGE, RED, SKY, blank

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from ..budget import Memory

# Patterns repeat what colour says.
PARTS = (
    ("weights", BLUE, ""),
    ("moments", SKY, "/"),
    ("gradients", GREEN, "x"),
    ("activations", ORANGE, "."),
)


def _pattern(shape: str) -> dict[str, object]:
    return {"shape": shape, "fillmode": "overlay", "fgcolor": INK, "size": 7, "solidity": 0.15}


def memory_bars(estimates: Mapping[str, Memory], *, limit: float | None = None, title: str = "") -> go.Figure:
    """One stacked bar per name, in GiB; a line at `limit`. Marks show the peak, where the bar is the sum."""
    said = "; ".join(
        f"{name}: sum {memory.total / GIB:.2f} GiB, peak {memory.gib:.2f} GiB"
        for name, memory in estimates.items()
    )
    if not title:
        fitting = [name for name, memory in estimates.items() if limit is None or memory.gib <= limit]
        title = f"{len(fitting)} of {len(estimates)} fit" if limit is not None else "Memory by what it is for"
    figure = blank(title, "memory (GiB)", "", f"{title}: {said}.", height=260 + 44 * len(estimates))
    names = list(estimates)[::-1]
    for part, colour, shape in PARTS:
        figure.add_bar(
            y=names, x=[getattr(estimates[name], part) / GIB for name in names], name=part, orientation="h",
            marker={"color": colour, "pattern": _pattern(shape)},
        )  # fmt: skip
    figure.add_scatter(
        y=names, x=[estimates[name].gib for name in names], mode="markers", name="peak",
        marker={"symbol": "line-ns-open", "size": 26, "color": RED, "line": {"width": 4}},
    )  # fmt: skip
    if limit is not None:
        figure.add_vline(
            x=limit, line_dash="dash", line_color=GREY,
            annotation_text=f"{limit:g} GiB", annotation_position="top",
        )  # fmt: skip
    figure.update_layout(barmode="stack", legend_y=-0.45 if len(estimates) < 3 else -0.25)
    return figure.update_yaxes(automargin=True)


def size_bars(
    names: Sequence[str], multiplied: Sequence[float], looked_up: Sequence[float], *, title: str
) -> go.Figure:
    """One bar per model: millions of parameters that are multiplied, and those in tables that are looked up."""
    said = ", ".join(f"{n} {a:.0f} + {b:.0f}" for n, a, b in zip(names, multiplied, looked_up, strict=True))
    description = f"{title}. Millions multiplied + looked up: {said}."
    figure = blank(title, "parameters (millions)", "", description, height=150 + 30 * len(names))
    for name, values, colour, shape in (
        ("multiplied", multiplied, BLUE, ""),
        ("looked up", looked_up, ORANGE, "/"),
    ):
        figure.add_bar(
            y=list(names)[::-1], x=list(values)[::-1], name=name, orientation="h",
            marker={"color": colour, "pattern": _pattern(shape)},
        )  # fmt: skip
    figure.update_layout(barmode="stack")
    return figure.update_yaxes(automargin=True)
