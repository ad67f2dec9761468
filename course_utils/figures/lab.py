"""The training lab's figures: the curves of several runs side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from . import DASHES, GREY, MARKERS, PALETTE, blank

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

MOST_POINTS = 200  # of a line; more cannot be told apart at this size
# What is drawn → where: across, upwards, as shares of the figure; and its title.
PANELS = {
    "loss": ([0, 0.46], [0.57, 1], "loss (nats per target)"),
    "score": ([0.56, 1], [0.57, 1], "validation {score}"),
    "grad_norm": ([0, 0.46], [0, 0.38], "gradient norm"),
    "learning_rate": ([0.56, 1], [0, 0.38], "learning rate"),
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
    grid = {"gridcolor": "rgba(127,127,127,0.25)", "zerolinecolor": "rgba(127,127,127,0.5)"}
    figure.update_layout(
        title=None, margin={"l": 48, "r": 16, "t": 28, "b": 40}, legend={"orientation": "h", "y": -0.12}
    )
    for n, (across, upwards, title) in enumerate(PANELS.values(), start=1):
        step = {"text": "step" if n > 2 else "", "font": {"size": 12}, "standoff": 4}
        figure.layout[f"xaxis{n}"] = {**grid, "domain": across, "anchor": f"y{n}", "rangemode": "tozero", "title": step}
        figure.layout[f"yaxis{n}"] = {**grid, "domain": upwards, "anchor": f"x{n}", "exponentformat": "power"}
        figure.add_annotation(
            text=title.format(score=score), x=across[0], y=upwards[1], xref="paper", yref="paper",
            xanchor="left", yanchor="bottom", showarrow=False,
        )  # fmt: skip
    figure.update_layout(yaxis_rangemode="tozero", yaxis4_rangemode="tozero", yaxis3_type="log")
    for i, (name, frame) in zip(numbers or range(len(runs)), runs.items()):
        if not len(frame):
            continue
        line, thin = run_line(i), frame.iloc[:: max(1, len(frame) // MOST_POINTS)]
        common = {"legendgroup": name, "name": name, "line": line}
        loss = frame["loss"].rolling(smooth, min_periods=1).mean().loc[thin.index]
        figure.add_scatter(x=thin["step"], y=loss, mode="lines", **common)
        seen = frame[frame["validation_loss"].notna()] if "validation_loss" in frame else frame.iloc[:0]
        marker = {"size": 7, "color": line["color"], "symbol": MARKERS[i % len(MARKERS)]}
        dots = common | {"mode": "lines+markers", "showlegend": False, "marker": marker, "line": {**line, "width": 1}}
        figure.add_scatter(x=seen["step"], y=seen.get("validation_loss", []), **dots)
        figure.add_scatter(x=seen["step"], y=seen.get(f"validation_{score}", []), xaxis="x2", yaxis="y2", **dots)
        for column, place in (("grad_norm", 3), ("learning_rate", 4)):
            axes = {"xaxis": f"x{place}", "yaxis": f"y{place}"}
            figure.add_scatter(x=thin["step"], y=thin[column], mode="lines", showlegend=False, **axes, **common)
    for level, panel, what in ((guessing, "", "guessing"), (expected, "2", "you expect")):
        if level is not None:
            axes = {"xref": f"x{panel} domain", "yref": f"y{panel}"}
            figure.add_shape(type="line", x0=0, x1=1, y0=level, y1=level, line={"color": GREY, "dash": "dot"}, **axes)
            figure.add_annotation(text=what, x=1, y=level, xanchor="right", yanchor="bottom", showarrow=False, **axes)
    return figure


def _said(name: str, frame: pd.DataFrame, score: str) -> str:
    if not len(frame):
        return f"{name} has no step yet"
    scores = frame.get(f"validation_{score}", frame["loss"].iloc[:0]).dropna()
    reached = f", validation {score} {scores.iloc[-1]:.2f}" if len(scores) else ""
    return f"{name} is at step {frame['step'].iloc[-1]}, loss {frame['loss'].iloc[-5:].mean():.2f}{reached}"
