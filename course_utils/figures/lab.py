"""The training lab's figures: the curves of several runs side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from . import DASHES, GREY, MARKERS, PALETTE, blank

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

MOST_POINTS = 200  # of a line; more cannot be told apart at this size
# Column of a frame → the axis it is drawn on, and its title.
PANELS = {
    "loss": "loss (nats per target)",
    "score": "validation",
    "grad_norm": "gradient norm",
    "learning_rate": "learning rate",
}


def run_line(i: int) -> dict[str, Any]:
    """Colour and dashes of run number `i`: a run beyond the eight colours differs by its dashes."""
    return {"color": PALETTE[i % len(PALETTE)], "dash": DASHES[i // len(PALETTE) % len(DASHES)], "width": 2}


def board(
    runs: Mapping[str, pd.DataFrame], *, score: str = "accuracy", expected: float | None = None,
    guessing: float | None = None, numbers: Sequence[int] | None = None, smooth: int = 5, height: int = 600,
) -> go.Figure:  # fmt: skip
    """Loss, validation score, gradient norm and learning rate of each run against its steps.

    Each frame is a `History.frame`. Lines of the loss are the training loss, averaged over `smooth` steps; dots are
    validation. `expected` and `guessing` are drawn as levels of score and loss. `numbers` say which colour a run has.
    """
    said = "; ".join(_said(name, frame, score) for name, frame in runs.items()) or "no run yet"
    figure = blank("", "", "", f"Training lab: {said}.", height=height)
    axis = {"gridcolor": "rgba(127,127,127,0.25)", "zerolinecolor": "rgba(127,127,127,0.5)"}
    places = {
        "loss": ([0, 0.46], [0.57, 1]),
        "score": ([0.56, 1], [0.57, 1]),
        "grad_norm": ([0, 0.46], [0, 0.38]),
        "learning_rate": ([0.56, 1], [0, 0.38]),
    }
    titles = PANELS | {"score": f"validation {score}"}
    layout: dict[str, Any] = {
        "title": None,
        "margin": {"l": 48, "r": 16, "t": 28, "b": 40},
        "legend": {"orientation": "h", "y": -0.12},
    }
    notes = []
    for n, (panel, (x, y)) in enumerate(places.items(), start=1):
        number = "" if n == 1 else str(n)
        layout[f"xaxis{number}"] = {
            **axis,
            "domain": x,
            "anchor": f"y{number}",
            "rangemode": "tozero",
            "title": {"text": "step" if n > 2 else "", "font": {"size": 12}, "standoff": 4},
        }
        layout[f"yaxis{number}"] = {
            **axis,
            "domain": y,
            "anchor": f"x{number}",
            "title": {"text": ""},
            "exponentformat": "power",
        }
        notes.append(
            {
                "text": titles[panel],
                "x": x[0],
                "y": y[1],
                "xref": "paper",
                "yref": "paper",
                "xanchor": "left",
                "yanchor": "bottom",
                "showarrow": False,
            }
        )
    layout["yaxis"]["rangemode"] = layout["yaxis4"]["rangemode"] = "tozero"
    layout["yaxis3"]["type"] = "log"
    figure.update_layout(**layout, annotations=notes)
    for i, (name, frame) in zip(numbers or range(len(runs)), runs.items()):
        if not len(frame):
            continue
        line, thin = run_line(i), frame.iloc[:: max(1, len(frame) // MOST_POINTS)]
        loss = frame["loss"].rolling(smooth, min_periods=1).mean().loc[thin.index]
        common = {"legendgroup": name, "name": name, "line": line}
        figure.add_scatter(x=thin["step"], y=loss, mode="lines", **common)
        seen = frame[frame["validation_loss"].notna()] if "validation_loss" in frame else frame.iloc[:0]
        marker = {"size": 7, "color": line["color"], "symbol": MARKERS[i % len(MARKERS)]}
        dots = {"mode": "lines+markers", "showlegend": False, "marker": marker}
        thinner = {**common, "line": {**line, "width": 1}}
        figure.add_scatter(x=seen["step"], y=seen["validation_loss"] if len(seen) else [], **thinner, **dots)
        scores = seen.get(f"validation_{score}", [])
        figure.add_scatter(x=seen["step"], y=scores, xaxis="x2", yaxis="y2", **thinner, **dots)
        for column, place in (("grad_norm", 3), ("learning_rate", 4)):
            figure.add_scatter(
                x=thin["step"], y=thin[column], xaxis=f"x{place}", yaxis=f"y{place}", mode="lines", showlegend=False, **common
            )
    for level, axes, what in ((guessing, "", "guessing"), (expected, "2", "you expect")):
        if level is not None:
            figure.add_shape(
                type="line",
                xref=f"x{axes} domain",
                yref=f"y{axes}",
                x0=0,
                x1=1,
                y0=level,
                y1=level,
                line={"color": GREY, "dash": "dot"},
            )
            figure.add_annotation(
                text=what,
                xref=f"x{axes} domain",
                yref=f"y{axes}",
                x=1,
                y=level,
                xanchor="right",
                yanchor="bottom",
                showarrow=False,
            )
    return figure


def _said(name: str, frame: pd.DataFrame, score: str) -> str:
    if not len(frame):
        return f"{name} has no step yet"
    column = f"validation_{score}"
    reached = (
        f", validation {score} {frame[column].dropna().iloc[-1]:.2f}"
        if column in frame and frame[column].notna().any()
        else ""
    )
    return f"{name} is at step {frame['step'].iloc[-1]}, loss {frame['loss'].iloc[-5:].mean():.2f}{reached}"
