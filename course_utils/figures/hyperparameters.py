"""Figures of lesson 08: a range test, scores of every seed, a search by what it has spent, settings side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from . import BLUE, GREY, ORANGE, blank, line_of, mark_chance, marker_of

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go


def range_test(frame: pd.DataFrame, *, suggested: float | None = None, title: str = "A range test") -> go.Figure:
    """Loss against the rate of a `search.rate_range_test`: each batch as a dot, the smoothed loss as a line.

    `suggested` marks a rate.
    """
    lowest = frame.loc[frame["smoothed"].idxmin()]
    said = f"{title}: the smoothed loss is lowest, {lowest['smoothed']:.2f}, at a rate of {lowest['learning_rate']:.1e}."
    figure = blank(title, "learning rate of the step", "loss (nats per target)", said)
    figure.add_scatter(
        x=frame["learning_rate"], y=frame["loss"], mode="markers", name="one batch", marker=marker_of(0, 5, 0.5)
    )
    figure.add_scatter(
        x=frame["learning_rate"], y=frame["smoothed"], mode="lines", name="smoothed", line={"color": ORANGE, "width": 3}
    )
    if suggested is not None:
        figure.add_scatter(
            x=[suggested, suggested], y=[0, frame["loss"].max()], mode="lines", name=f"suggested: {suggested:.1e}",
            line={"color": GREY, "dash": "dash"},
        )  # fmt: skip
        figure.layout.meta["description"] += f" Suggested: {suggested:.1e}."
    figure.update_xaxes(type="log", exponentformat="power", dtick=1)
    return figure.update_yaxes(rangemode="tozero")


def every_seed(
    results: pd.DataFrame, *, x: str, y: str, by: str | None = None, title: str, x_label: str, y_label: str,
    chance: float | None = None,
) -> go.Figure:  # fmt: skip
    """A dot for each run and a line through the means over seeds, one colour for each value of `by`.

    `results` has one row a run. Numbers on `x` share a logarithmic axis; names stand side by side, in the order in
    which they come.
    """
    from pandas.api.types import is_numeric_dtype

    figure = blank(title, x_label, y_label, height=400)
    numeric = is_numeric_dtype(results[x])
    said = []
    for i, (name, rows) in enumerate(results.groupby(by, sort=False) if by else [("mean", results)]):
        means = rows.groupby(x, sort=numeric)[y].mean()
        figure.add_scatter(
            x=rows[x], y=rows[y], mode="markers", marker=marker_of(i, 6, 0.45), showlegend=False,
            legendgroup=str(name), hovertemplate="%{x}: %{y:.3f}",
        )  # fmt: skip
        figure.add_scatter(
            x=list(means.index), y=list(means), name=str(name), legendgroup=str(name), showlegend=by is not None,
            mode="lines+markers" if numeric else "markers", line=line_of(i),
            marker={**marker_of(i, 11), "line": {"color": "black", "width": 1}},
        )  # fmt: skip
        ends = ", ".join(f"{value:.2f} at {at:g}" if numeric else f"{value:.2f} for {at}" for at, value in means.items())
        said.append(f"{name}: {ends}")
    if numeric:
        ticks = sorted(results[x].unique())
        if len(ticks) > 6:  # too many to stand side by side: powers of ten instead
            ticks = [10.0**power for power in range(round(np.log10(ticks[0])), round(np.log10(ticks[-1])) + 1)]
        figure.update_xaxes(type="log", tickvals=ticks, ticktext=[f"{tick:g}" for tick in ticks])
    else:
        figure.update_xaxes(automargin=True)  # long names stand aslant
    if chance is not None:
        mark_chance(figure, chance)
    return figure.update_layout(meta={"description": f"{title}. Means over seeds: {'; '.join(said)}."})


def search_progress(
    tables: Mapping[str, pd.DataFrame], *, title: str, y_label: str = "validation accuracy", lower_is_better: bool = False
) -> go.Figure:
    """Each search's best value so far against the optimizer steps spent: what the same budget buys.

    Each table is a `search.trials_table`. Dots are trials, hollow where pruned.
    """
    figure = blank(title, "optimizer steps spent", y_label, height=400)
    said = []
    for i, (name, table) in enumerate(tables.items()):
        complete = table["value"].where(table["state"] == "complete")
        best = (complete.cummin() if lower_is_better else complete.cummax()).ffill()
        symbols = [marker_of(i)["symbol"] + ("" if state == "complete" else "-open") for state in table["state"]]
        figure.add_scatter(
            x=table["spent"], y=table["value"], mode="markers", showlegend=False, legendgroup=name,
            marker={**marker_of(i, 8, 0.6), "symbol": symbols}, text=table["state"], hovertemplate="%{y:.3f}, %{text}",
        )  # fmt: skip
        figure.add_scatter(
            x=table["spent"], y=best, name=name, legendgroup=name, mode="lines", line={**line_of(i), "shape": "hv"}
        )
        pruned = int((table["state"] == "pruned").sum())
        said.append(f"{name} reaches {best.iloc[-1]:.2f} in {len(table)} trials, {pruned} of them pruned")
    figure.update_xaxes(rangemode="tozero")
    return figure.update_layout(meta={"description": f"{title}: {'; '.join(said)}."})


def parallel_coordinates(
    table: pd.DataFrame, settings: Sequence[str], *, value: str = "value", log: Sequence[str] = (), title: str
) -> go.Figure:
    """One line a trial across an upright axis for each setting, and the value last; the colour is the value.

    `table` has one row a trial and the columns `settings` and `value`. Settings in `log` have a logarithmic axis; names
    stand at even distances.
    """
    import plotly.graph_objects as go

    rows = table[table[value].notna()].sort_values(value)
    if len(rows) == 0:
        best = "no trial has a value"
    else:
        best = "the best trial has " + ", ".join(f"{name} {_short(rows[name].iloc[-1])}" for name in settings)
        best += f" and reaches {rows[value].iloc[-1]:.2f}"
    figure = blank(title, "", "", f"{title}: {len(rows)} trials; {best}.", height=420)
    axes = [_axis(rows[name], name, name in log) for name in settings] + [_axis(rows[value], value, False)]
    figure.add_trace(
        go.Parcoords(
            dimensions=axes, labelfont={"color": GREY}, tickfont={"color": GREY}, rangefont={"color": "rgba(0,0,0,0)"},
            line={"color": rows[value], "colorscale": "Viridis", "showscale": False},
        )
    )  # fmt: skip
    return figure.update_layout(margin={"l": 80, "r": 80, "t": 96})


def importances(shares: Mapping[str, float], *, title: str = "Which setting decides?") -> go.Figure:
    """One horizontal bar per setting, the largest on top: shares of the variance of the trials' values."""
    ordered = sorted(shares.items(), key=lambda pair: pair[1])
    said = ", ".join(f"{name} {share:.2f}" for name, share in reversed(ordered))
    figure = blank(title, "share of the variance between trials", "", f"{title} {said}.", height=120 + 40 * len(ordered))
    figure.add_bar(
        x=[float(share) for _, share in ordered], y=[name.replace("_", " ") for name, _ in ordered], orientation="h",
        marker_color=BLUE, text=[f"{share:.2f}" for _, share in ordered], textposition="outside", cliponaxis=False,
    )  # fmt: skip
    figure.update_xaxes(range=[0, 1.1])
    return figure.update_yaxes(automargin=True, showgrid=False)


def _axis(column: pd.Series, name: str, log: bool) -> dict[str, object]:
    """One dimension of `go.Parcoords`: numbers as they are or by their logarithm, names by their place."""
    from pandas.api.types import is_numeric_dtype

    label = name.replace("_", " ")
    if not is_numeric_dtype(column):
        names = list(dict.fromkeys(sorted(column.astype(str))))
        places = [names.index(text) for text in column.astype(str)]
        return {"label": label, "values": places, "tickvals": list(range(len(names))), "ticktext": names}
    if not log:
        return {"label": label, "values": column}
    powers = np.log10(column.to_numpy(dtype=float))
    ticks = np.unique(np.round(np.linspace(powers.min(), powers.max(), 5), 3)) if len(powers) else powers
    return {"label": label, "values": powers, "tickvals": ticks, "ticktext": [f"{10**tick:.1e}" for tick in ticks]}


def _short(value: object) -> str:
    return f"{value:.2g}" if isinstance(value, float | np.floating) else str(value)
