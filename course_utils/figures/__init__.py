"""Data → Plotly figure. Every function is pure and knows no model, so it can be tested at every value.

Colours are those of Okabe and Ito (https://jfly.uni-koeln.de/color/), which most
colour-blind readers can tell apart; line styles and markers repeat what colour
says. Each figure carries a sentence for those who cannot see it in
`figure.layout.meta["description"]`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

BLUE, ORANGE, GREEN, RED, PURPLE, SKY, YELLOW, GREY = PALETTE = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#F0E442", "#7F7F7F",
)  # fmt: skip
INK = "#111111"  # of text and patterns on bars, whatever the theme
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
MARKERS = ("circle", "square", "diamond", "triangle-up", "x", "cross")


def blank(title: str, x: str, y: str, description: str = "", *, height: int = 360) -> go.Figure:
    """An empty figure in the course's style: axes named, the title says the finding.

    The background is transparent and the text mid-grey, readable on light and dark themes.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    figure.update_layout(
        template="none",
        title={"text": title, "x": 0, "xref": "paper", "font": {"size": 15}},
        xaxis_title=x,
        yaxis_title=y,
        height=height,
        margin={"l": 64, "r": 16, "t": 48, "b": 48},
        font={"color": GREY, "size": 13},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        legend={"orientation": "h", "y": -0.25},
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": GREY, "activecolor": BLUE},
        meta={"description": description or title},
    )
    axis = {"gridcolor": "rgba(127,127,127,0.25)", "zerolinecolor": "rgba(127,127,127,0.5)"}
    figure.update_xaxes(**axis)
    figure.update_yaxes(**axis)
    return figure


def line_of(i: int) -> dict[str, str]:
    """Colour and dashes of line number `i`."""
    return {"color": PALETTE[i % len(PALETTE)], "dash": DASHES[i % len(DASHES)]}


def marker_of(i: int, size: int = 9, opacity: float = 1) -> dict[str, Any]:
    """Colour and shape of the markers of line or group number `i`."""
    return {
        "color": PALETTE[i % len(PALETTE)], "symbol": MARKERS[i % len(MARKERS)], "size": size, "opacity": opacity,
    }  # fmt: skip


def mark_chance(figure: go.Figure, chance: float) -> None:
    """A dotted line at the score of guessing, named in the margin, where no bar or line hides the word."""
    figure.add_hline(
        y=chance, line_dash="dot", line_color=GREY, annotation_text="chance", annotation_position="right"
    )
    figure.update_layout(margin_r=64)


def loss_curves(
    runs: Mapping[str, pd.DataFrame], *, title: str = "Loss by step", x: str = "step", smooth: int = 1
) -> go.Figure:
    """Training loss (lines) and validation loss (markers) of one or more runs.

    Each frame is a `History.frame`: columns `step`, `loss` and, where it was evaluated,
    `validation_loss`. `smooth` averages the training loss over that many steps.
    """
    ends = ", ".join(
        f"{name} ends at {frame['loss'].iloc[-1]:.2f}" for name, frame in runs.items() if len(frame)
    )
    figure = blank(
        title, "optimizer step" if x == "step" else x, "loss (nats per target)", f"{title}: {ends}."
    )
    for i, (name, frame) in enumerate(runs.items()):
        loss = frame["loss"].rolling(smooth, min_periods=1).mean()
        figure.add_scatter(x=frame[x], y=loss, name=f"{name}, training", mode="lines", line=line_of(i))
        if "validation_loss" in frame and frame["validation_loss"].notna().any():
            seen = frame[frame["validation_loss"].notna()]
            figure.add_scatter(
                x=seen[x], y=seen["validation_loss"], name=f"{name}, validation", mode="lines+markers",
                line={**line_of(i), "dash": "solid", "width": 1}, marker=marker_of(i),
            )  # fmt: skip
    figure.update_xaxes(rangemode="tozero")
    return figure.update_yaxes(rangemode="tozero")  # zero is the floor, also while there is no run yet


def schedule(rates: Sequence[float], *, title: str = "Learning rate by step") -> go.Figure:
    """The learning rate at every step, starting with step 1."""
    peak = int(np.argmax(rates)) + 1
    figure = blank(
        title, "optimizer step", "learning rate", f"{title}: the peak, {max(rates):.3g}, is at step {peak}."
    )
    figure.add_scatter(x=list(range(1, len(rates) + 1)), y=list(rates), mode="lines", line={"color": BLUE})
    return figure


def learning_curves(
    results: pd.DataFrame, *, x: str, y: str, by: str, title: str, x_label: str, y_label: str,
    chance: float | None = None, log_x: bool = True,
) -> go.Figure:  # fmt: skip
    """The mean of `y` over seeds against `x`, one line per value of `by`; the band reaches from worst to best seed.

    `results` has one row per run: the columns `x`, `y`, `by`, and any number of seeds.
    """
    figure = blank(title, x_label, y_label)
    said = []
    for i, (name, rows) in enumerate(results.groupby(by, sort=False)):
        stats = rows.groupby(x)[y].agg(["mean", "min", "max"]).sort_index()
        red, green, blue = (int(PALETTE[i % len(PALETTE)][j : j + 2], 16) for j in (1, 3, 5))
        figure.add_scatter(
            x=[*stats.index, *stats.index[::-1]], y=[*stats["max"], *stats["min"][::-1]],
            mode="lines", fill="toself", fillcolor=f"rgba({red},{green},{blue},0.18)", line={"width": 0},
            hoverinfo="skip", showlegend=False, legendgroup=str(name),
        )  # fmt: skip
        figure.add_scatter(
            x=stats.index, y=stats["mean"], name=str(name), legendgroup=str(name), mode="lines+markers",
            line=line_of(i), marker=marker_of(i, size=8),
        )  # fmt: skip
        said.append(f"{name} goes from {stats['mean'].iloc[0]:.2f} to {stats['mean'].iloc[-1]:.2f}")
    if chance is not None:
        mark_chance(figure, chance)
    if log_x:
        ticks = sorted(results[x].unique())
        figure.update_xaxes(type="log", tickvals=ticks, ticktext=[f"{t:,}" for t in ticks])
    figure.update_layout(meta={"description": f"{title}. {'; '.join(said)}."})
    return figure


def embedding_map(
    points: np.ndarray, groups: Sequence[str], texts: Sequence[str], *, title: str = "Embedding map"
) -> go.Figure:
    """A scatter of `points` (rows, 2), one colour and marker per group; hovering shows the text."""
    figure = blank(title, "first principal component", "second principal component", height=460)
    names = list(dict.fromkeys(groups))
    labels = np.asarray(groups)
    for i, name in enumerate(names):
        rows = np.flatnonzero(labels == name)
        figure.add_scatter(
            x=points[rows, 0], y=points[rows, 1], mode="markers", name=str(name),
            text=[texts[int(r)] for r in rows], hoverinfo="text",
            marker=marker_of(i, size=7, opacity=0.75),
        )  # fmt: skip
    said = f"{title}: {len(labels)} points in {len(names)} groups ({', '.join(map(str, names))})."
    figure.update_layout(meta={"description": said})
    return figure


def bars(
    names: Sequence[str], values: Sequence[float], *, title: str, x_label: str, y_label: str,
    errors: Sequence[float] | None = None, colours: Sequence[str] | None = None, chance: float | None = None,
) -> go.Figure:  # fmt: skip
    """One bar per name, with error bars where given: probe accuracy by layer, scores by group."""
    said = ", ".join(f"{name} {value:.2f}" for name, value in zip(names, values, strict=True))
    figure = blank(title, x_label, y_label, f"{title}: {said}.")
    figure.add_bar(
        x=list(names), y=list(values), marker_color=list(colours) if colours else BLUE,
        error_y={"type": "data", "array": list(errors)} if errors is not None else None,
        text=[f"{value:.2f}" for value in values], textposition="outside", cliponaxis=False,
    )  # fmt: skip
    figure.update_xaxes(showgrid=False)  # a grid between names says nothing and crosses the numbers
    if chance is not None:
        mark_chance(figure, chance)
    return figure


def trainable_parameters(table: pd.DataFrame, *, title: str = "Which parameters train") -> go.Figure:
    """One horizontal bar per part of a model, filled where it trains.

    `table` is a `models.parameter_table`: columns `part`, `parameters`, `trainable`.
    """
    total, training = int(table["parameters"].sum()), int(table["trainable"].sum())
    figure = blank(
        f"{title}: {training:,} of {total:,} ({training / total:.1%})", "parameters", "part of the model",
        f"{training:,} of {total:,} parameters train.", height=120 + 30 * len(table),
    )  # fmt: skip
    parts = list(table["part"])[::-1]
    for name, values, colour in (
        ("trains", table["trainable"], ORANGE),
        ("frozen", table["parameters"] - table["trainable"], SKY),
    ):
        figure.add_bar(y=parts, x=list(values)[::-1], name=name, orientation="h", marker_color=colour)
    figure.update_layout(barmode="stack", margin={"l": 140})
    figure.update_yaxes(automargin=True)
    return figure


def confusion(matrix: np.ndarray, labels: Sequence[str], *, title: str = "Confusion matrix") -> go.Figure:
    """Counts by true label (rows) and predicted label (columns)."""
    right = np.trace(matrix) / max(matrix.sum(), 1)
    figure = blank(title, "predicted", "true", f"{title}: {right:.0%} on the diagonal.")
    figure.add_heatmap(
        z=matrix, x=list(labels), y=list(labels), colorscale="Blues", showscale=False,
        text=matrix, texttemplate="%{text}",
    )  # fmt: skip
    figure.update_xaxes(type="category")  # also where the labels are numbers
    figure.update_yaxes(type="category", autorange="reversed")
    return figure
