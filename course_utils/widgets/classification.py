"""A confusion matrix to click: choose a cell, read its rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import figures
from ..errors import CourseError
from ..figures.text import paragraph
from . import WHOLE_NAME, wanted
from .live import live_figure

if TYPE_CHECKING:
    import pandas as pd

ROWS_SHOWN = 8  # of a cell at once; "more" shows as many again


def counts(frame: pd.DataFrame, label_names: Sequence[str]) -> np.ndarray:
    """(classes, classes): rows of `frame` by the label in `true` and the label in `predicted`, both names."""
    for column in ("true", "predicted"):
        if column not in frame.columns:
            raise CourseError(f"The rows have no column {column!r} but {', '.join(map(repr, frame.columns))}")
        unknown = set(frame[column]) - set(label_names)
        if unknown:
            raise CourseError(
                f"{column!r} holds {min(unknown, key=str)!r}, and the labels are {', '.join(label_names)}: give names, "
                "not numbers"
            )
    number = {name: i for i, name in enumerate(label_names)}
    matrix = np.zeros((len(number), len(number)), dtype=int)
    np.add.at(matrix, tuple(frame[column].map(number).to_numpy(dtype=int) for column in ("true", "predicted")), 1)
    return matrix


def click_confusion(
    frame: pd.DataFrame, label_names: Sequence[str], show: Callable[[Any], str], *,
    title: str = "Click a cell to read its rows", widget: bool | None = None,
) -> Any:  # fmt: skip
    """A confusion matrix: a click on a cell, or the two lists below it, shows its rows.

    `frame` has one row a text, with the names of its labels in `true` and `predicted`; `show(row)` gives HTML for one,
    whose columns are its attributes. It starts at the largest cell off the diagonal. With `widget=False`, the matrix
    as a plain figure.
    """
    matrix = counts(frame, label_names)
    figure = figures.confusion(matrix, label_names, title=title)
    if not wanted(widget):
        return figure

    import ipywidgets

    off = np.where(np.eye(len(matrix), dtype=bool), -1, matrix)
    start = divmod(int(off.argmax()), len(off))
    live = live_figure(figure)
    true, predicted = (
        ipywidgets.Dropdown(options=list(label_names), value=label_names[i], description=what, style=WHOLE_NAME)
        for what, i in zip(("true", "predicted"), start, strict=True)
    )
    more, view, fill = _rows_to_read(show)

    def draw(_: Any = None) -> None:
        rows = frame[(frame["true"] == true.value) & (frame["predicted"] == predicted.value)]
        fill(f"{len(rows)} rows are {true.value} and predicted as {predicted.value}", rows)
        live.update_layout(shapes=[_frame_of(label_names, true.value, predicted.value)])
        if live.has_trait("_widget_layout"):  # what a page starts from that draws the figure later; see replace_figure
            live._widget_layout = deepcopy(live._layout_obj._props)

    def clicked(_: Any, points: Any, __: Any) -> None:
        if points.point_inds:  # of a heatmap: (row, column)
            y, x = points.point_inds[0]
            predicted.value, true.value = label_names[x], label_names[y]

    live.data[0].on_click(clicked)
    for part in (true, predicted):
        part.observe(draw, names="value")
    draw()
    knobs = ipywidgets.HBox([true, predicted, more], layout={"flex_flow": "row wrap"})
    return ipywidgets.VBox([live, knobs, view])


def _rows_to_read(show: Callable[[Any], str]) -> tuple[Any, Any, Callable[[str, pd.DataFrame], None]]:
    """A button for more rows, the place where they are shown, and `fill(heading, frame)`, which shows the first ones."""
    import ipywidgets

    more = ipywidgets.Button(description="More", icon="plus", layout={"width": "100px"})
    view = ipywidgets.HTML()
    heading, shown = "", 0
    rows: list[Any] = []

    def grow(_: Any = None) -> None:
        nonlocal shown
        shown += ROWS_SHOWN
        said = f"{heading}; the first {shown}:" if len(rows) > shown else f"{heading}:" if len(rows) else f"{heading}."
        view.value = paragraph(f"<b>{escape(said)}</b>") + "".join(map(show, rows[:shown]))
        more.disabled = len(rows) <= shown

    def fill(said: str, frame: pd.DataFrame) -> None:
        nonlocal heading, rows, shown
        heading, rows, shown = said, list(frame.itertuples()), 0
        grow()

    more.on_click(grow)
    return more, view, fill


def _frame_of(label_names: Sequence[str], true: str, predicted: str) -> dict[str, Any]:
    """A frame around one cell. Categories stand at 0, 1, 2 …"""
    x, y = list(label_names).index(predicted), list(label_names).index(true)
    return {
        "type": "rect", "x0": x - 0.5, "x1": x + 0.5, "y0": y - 0.5, "y1": y + 0.5,
        "line": {"color": figures.ORANGE, "width": 4},
    }  # fmt: skip
