"""Figures of lesson 09: scores of two classes with a threshold between them, precision against recall."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from . import BLUE, GREY, ORANGE, blank, line_of

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

BINS = 40  # between 0 and 1


def two_classes(
    scores: np.ndarray, is_rare: np.ndarray, threshold: float, *, names: Sequence[str] = ("common", "rare")
) -> go.Figure:
    """Histograms of the scores (0 to 1) of the rows of two classes, and the threshold from which on a row is flagged.

    The title counts what the threshold does: rare rows found, and common ones flagged with them. The upright axis is
    logarithmic, for the common class would hide the rare one.
    """
    scores, is_rare = np.asarray(scores, dtype=float), np.asarray(is_rare, dtype=bool)
    found, flagged = int((is_rare & (scores >= threshold)).sum()), int((scores >= threshold).sum())
    said = (
        f"From {threshold:.2f} on: {found} of {int(is_rare.sum())} {names[1]} found, "
        f"{flagged - found} of {int((~is_rare).sum())} {names[0]} flagged"
    )
    figure = blank(said, f"score of {names[1]}", "rows", f"{said}.")
    edges = np.linspace(0, 1, BINS + 1)
    for name, rows, colour, pattern in ((names[0], ~is_rare, BLUE, ""), (names[1], is_rare, ORANGE, "/")):
        counts, _ = np.histogram(scores[rows], edges)
        figure.add_bar(
            x=(edges[:-1] + edges[1:]) / 2, y=counts, name=name, marker={"color": colour, "pattern": {"shape": pattern}},
            opacity=0.75,
        )  # fmt: skip
    figure.add_vline(x=threshold, line_dash="dash", line_color=GREY, annotation_text="threshold")
    figure.update_layout(barmode="overlay", bargap=0.02)
    figure.update_xaxes(range=[0, 1.001])
    return figure.update_yaxes(type="log", range=[-0.3, np.log10(max(len(scores), 10))])


def precision_recall(
    curves: Mapping[str, pd.DataFrame], *, share: float, chosen: float | None = None,
    title: str = "Precision against recall",
) -> go.Figure:  # fmt: skip
    """One line a model. Each frame has the columns `threshold`, `precision` and `recall`, highest threshold first.

    `share` of the rows are of the rare class: the precision of flagging at random. `chosen` is a threshold to mark on
    each curve whose scores reach it.
    """
    said: list[str] = []
    marked: list[tuple[float, float]] = []  # (recall, precision) at the chosen threshold
    figure = blank(title, "recall: share of the rare rows found", "precision: share of the flagged that are rare")
    for i, (name, frame) in enumerate(curves.items()):
        figure.add_scatter(
            x=frame["recall"], y=frame["precision"], name=name, mode="lines", line=line_of(i),
            customdata=frame["threshold"],
            hovertemplate="recall %{x:.2f}, precision %{y:.2f} from %{customdata:.3f} on",
        )  # fmt: skip
        at_90 = frame[frame["recall"] >= 0.9]["precision"].iloc[0]
        said.append(f"{name} has precision {at_90:.2f} where recall reaches .90")
        if chosen is not None and (frame["threshold"] >= chosen).any():
            point = frame[frame["threshold"] >= chosen].iloc[-1]
            marked.append((point["recall"], point["precision"]))
            said.append(f"from {chosen:.2f} on, precision {point['precision']:.2f} and recall {point['recall']:.2f}")
    if marked:
        recall, precision = zip(*marked, strict=True)
        figure.add_scatter(
            x=recall, y=precision, mode="markers", name=f"from {chosen:.2f} on",
            marker={"color": GREY, "size": 12, "symbol": "diamond", "line": {"color": "black", "width": 1}},
        )  # fmt: skip
    figure.add_hline(y=share, line_dash="dot", line_color=GREY, annotation_text="at random")
    figure.update_xaxes(range=[0, 1.02])
    figure.update_yaxes(range=[0, 1.05])
    return figure.update_layout(meta={"description": f"{title}: {'; '.join(said)}."})
