"""Figures of lesson 03: loss above its floor, words drawing together, what a model would say next, scaling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..errors import CourseError
from . import BLUE, GREY, ORANGE, blank, line_of, marker_of

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go


def above_floor(
    runs: Mapping[str, pd.DataFrame],
    floor: float,
    *,
    baselines: Mapping[str, float] | None = None,
    title: str = "Loss falls past the counting models, towards the entropy",
    smooth: int = 5,
) -> go.Figure:
    """Loss by step over the entropy of the text, which no model beats, and beside models that only count.

    Each frame is a `History.frame`: `step`, `loss` and, where it was evaluated, `validation_loss`.
    """
    ends = [f"{name} ends at {frame['loss'].iloc[-1]:.2f}" for name, frame in runs.items() if len(frame)]
    said = [
        f"the floor is {floor:.2f}",
        *(f"{name} {value:.2f}" for name, value in (baselines or {}).items()),
    ]
    figure = blank(
        title, "optimizer step", "loss (nats per token)", f"{title}: {'; '.join(ends + said)}.", height=400
    )
    longest = 1
    for i, (name, frame) in enumerate(runs.items()):
        if not len(frame):
            continue
        longest = max(longest, int(frame["step"].max()))
        figure.add_scatter(
            x=frame["step"], y=frame["loss"].rolling(smooth, min_periods=1).mean(), name=name, mode="lines",
            line=line_of(i),
        )  # fmt: skip
        if "validation_loss" in frame and frame["validation_loss"].notna().any():
            seen = frame[frame["validation_loss"].notna()]
            figure.add_scatter(
                x=seen["step"], y=seen["validation_loss"], name=f"{name}, validation", mode="markers",
                marker=marker_of(i),
            )  # fmt: skip
    for name, value in (baselines or {}).items():
        figure.add_hline(
            y=value, line_dash="dot", line_color=GREY, annotation_text=name, annotation_position="right"
        )
    figure.add_hline(
        y=floor, line_width=2, line_color=ORANGE, annotation_text="entropy", annotation_position="right"
    )
    figure.update_layout(margin_r=84)
    figure.update_xaxes(range=[0, longest])
    return figure.update_yaxes(rangemode="tozero")


def stages(
    looks: Mapping[int, Mapping[str, float]], floors: Mapping[str, float], *,
    title: str = "Each thing is learned in its own time",
) -> go.Figure:  # fmt: skip
    """Loss at several kinds of place, by step; a thin line of the same colour is the least possible there."""
    steps = list(looks)
    said = "; ".join(
        f"{name} ends at {looks[steps[-1]][name]:.2f}, floor {floors[name]:.2f}" for name in floors
    )
    figure = blank(title, "optimizer step", "loss at this place (nats)", f"{title}: {said}.", height=400)
    for i, name in enumerate(floors):
        figure.add_scatter(
            x=steps, y=[looks[step][name] for step in steps], name=name, mode="lines+markers", legendgroup=name,
            line=line_of(i), marker=marker_of(i, size=6),
        )  # fmt: skip
        figure.add_scatter(
            x=[steps[0], steps[-1]], y=[floors[name]] * 2, mode="lines", line={**line_of(i), "dash": "solid", "width": 1},
            legendgroup=name, showlegend=False, hoverinfo="skip",
        )  # fmt: skip
    return figure.update_yaxes(rangemode="tozero")


def words_drawing_together(
    vectors: Mapping[int, np.ndarray], kinds: Sequence[str], words: Sequence[str], *,
    title: str = "Words of one kind draw together", likeness: Mapping[int, float] | None = None,
) -> go.Figure:  # fmt: skip
    """An animation: the embeddings (words, hidden) at each step, seen along the two directions of the last.

    The axes are the principal components of the last snapshot and stay the same, so what moves are the words.
    `likeness` adds a number to the title of each frame.
    """
    import plotly.graph_objects as go

    steps = list(vectors)
    if len(steps) < 2:
        raise CourseError(f"An animation needs two snapshots or more, got {len(steps)}.")
    centred = {step: v - v.mean(0) for step, v in vectors.items()}
    _, _, directions = np.linalg.svd(centred[steps[-1]], full_matrices=False)
    points = {step: v @ directions[:2].T for step, v in centred.items()}
    reach = 1.1 * float(np.abs(np.concatenate(list(points.values()))).max())
    names, labels = list(dict.fromkeys(kinds)), np.asarray(kinds)

    def traces(step: int) -> list[go.Scatter]:
        return [
            go.Scatter(
                x=points[step][labels == name, 0], y=points[step][labels == name, 1], mode="markers", name=name,
                text=[word for word, kind in zip(words, kinds) if kind == name], hoverinfo="text",
                marker=marker_of(i, size=8),
            )
            for i, name in enumerate(names)
        ]  # fmt: skip

    def heading(step: int) -> str:
        return f"{title}: step {step}" + (f", likeness {likeness[step]:.2f}" if likeness else "")

    figure = blank(
        heading(steps[-1]), "first principal component", "second principal component",
        f"{len(words)} words of {len(names)} kinds at {len(steps)} moments. {heading(steps[0])}; {heading(steps[-1])}.",
        height=520,
    )  # fmt: skip
    figure.add_traces(traces(steps[-1]))
    figure.frames = [
        go.Frame(data=traces(step), name=str(step), layout={"title": {"text": heading(step)}})
        for step in steps
    ]
    play = {"frame": {"duration": 500}, "transition": {"duration": 300}, "fromcurrent": False}
    jump = {"frame": {"duration": 0}, "mode": "immediate", "transition": {"duration": 0}}
    figure.update_layout(
        updatemenus=[
            {
                "type": "buttons", "x": 0, "y": -0.22, "xanchor": "left", "direction": "left",
                "buttons": [{"label": "▶ Play", "method": "animate", "args": [None, play]}],
            }
        ],
        sliders=[
            {
                "active": len(steps) - 1, "x": 0.14, "y": -0.18, "len": 0.86, "currentvalue": {"prefix": "step "},
                "steps": [{"label": str(s), "method": "animate", "args": [[str(s)], jump]} for s in steps],
            }
        ],
        legend={"orientation": "v", "x": 1.02, "y": 1.0}, margin={"b": 130, "r": 110},
    )  # fmt: skip
    figure.update_xaxes(range=[-reach, reach])
    return figure.update_yaxes(range=[-reach, reach])


def what_comes_next(
    model: Mapping[str, float], truth: Mapping[str, float] | None = None, *, title: str, most: int = 12
) -> go.Figure:
    """Bars of the model's probability of each next word, beside the true one where it is known.

    Shown are the `most` likeliest of either; a space is written as a dot.
    """
    truth_of = truth or {}
    ranked = sorted({*model, *truth_of}, key=lambda word: -max(model.get(word, 0), truth_of.get(word, 0)))
    words = [word for word in ranked[:most] if max(model.get(word, 0), truth_of.get(word, 0)) > 0]
    said = ", ".join(
        f"{word!r} {model.get(word, 0):.2f}" + (f" (truly {truth_of.get(word, 0):.2f})" if truth else "")
        for word in words
    )
    figure = blank(title, "word", "probability", f"{title}. The model: {said}.")
    shown = [word.replace(" ", "·") or "(end)" for word in words]
    figure.add_bar(x=shown, y=[model.get(word, 0) for word in words], name="model", marker_color=BLUE)
    if truth:
        figure.add_bar(
            x=shown, y=[truth_of.get(word, 0) for word in words], name="truth",
            marker={"color": ORANGE, "pattern": {"shape": "/", "fgcolor": "white"}},
        )  # fmt: skip
    figure.update_layout(barmode="group")
    figure.update_xaxes(type="category", showgrid=False)
    return figure.update_yaxes(range=[0, 1])


SCALES = {
    "tokens": "tokens read",
    "parameters": "parameters, embeddings not counted",
    "compute": "training compute (floating-point operations)",
}


def scaling(results: pd.DataFrame, x: str = "compute") -> go.Figure:
    """Nats above the floor against tokens, parameters or compute, both axes in powers of ten.

    `results` has the columns of `results/scaling.csv`: hidden, parameters, tokens, compute, loss, floor.
    """
    if x not in SCALES:
        raise CourseError(f"There is no axis {x!r}: use one of {', '.join(SCALES)}.")
    frame = results.assign(gap=results["loss"] - results["floor"])
    steps = frame.groupby("hidden").cumcount()  # the amounts of text come in the same order for every size
    lines = (
        frame.assign(amount=steps.map(lambda i: f"amount of text {i + 1}")) if x == "parameters" else frame
    )
    by = "amount" if x == "parameters" else "hidden"
    best = frame.loc[frame["gap"].idxmin()]
    title = "More parameters, text and compute come nearer the floor"
    figure = blank(
        title, SCALES[x], "nats per token above the floor",
        f"{title}. The nearest, {best['gap']:.2f} nats, has hidden size {best['hidden']:.0f} "
        f"and read {best['tokens']:,.0f} tokens.",
    )  # fmt: skip
    for i, (name, rows) in enumerate(lines.groupby(by, sort=True)):
        rows = rows.sort_values(x)
        figure.add_scatter(
            x=rows[x], y=rows["gap"], mode="lines+markers", name=f"hidden {name}" if by == "hidden" else str(name),
            line=line_of(i),
            marker=marker_of(i),
        )  # fmt: skip
    figure.update_xaxes(type="log", exponentformat="power")
    return figure.update_yaxes(type="log", tickvals=[0.1, 0.2, 0.3, 0.5, 1, 2, 3, 5])
