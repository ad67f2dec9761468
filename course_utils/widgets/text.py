"""Widgets whose answer is text: go through errors by kind, type a sentence and see it marked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from ..errors import CourseError
from . import WHOLE_NAME, control, first_values, wanted

if TYPE_CHECKING:
    import pandas as pd

SHOWN_AT_ONCE = 3  # examples of each kind where no widget front end is


def browse_errors(
    errors: pd.DataFrame, show: Callable[[Any], str], *, by: str = "error", widget: bool | None = None
) -> Any:
    """Choose a kind of error and go through its examples.

    `errors` has one row per example and its kind in the column `by`; `show(row)` gives HTML for a row, whose columns
    are its attributes where their names are identifiers. With `widget=False` the first examples of each kind are shown
    below each other.
    """
    if by not in errors.columns:
        raise CourseError(f"The errors have no column {by!r} but {', '.join(map(repr, errors.columns))}")
    rows = {str(kind): list(of.itertuples()) for kind, of in errors.groupby(by, sort=False)}
    kinds = sorted(rows, key=lambda kind: -len(rows[kind]))
    if not wanted(widget):
        from IPython.display import HTML

        parts = [
            f"<h4>{escape(_named(kind, rows[kind]))}</h4>" + "".join(map(show, rows[kind][:SHOWN_AT_ONCE])) for kind in kinds
        ]
        return HTML("".join(parts) or "<p>There is no error to show.</p>")

    import ipywidgets

    if not kinds:
        return ipywidgets.HTML("<p>There is no error to show.</p>")
    kind = ipywidgets.Dropdown(
        options=[(_named(name, rows[name]), name) for name in kinds], description="kind", style=WHOLE_NAME
    )
    number = ipywidgets.BoundedIntText(
        value=1, min=1, max=len(rows[kinds[0]]), description="example", style=WHOLE_NAME, layout={"width": "150px"}
    )
    back = ipywidgets.Button(description="Back", icon="arrow-left", layout={"width": "100px"})
    on = ipywidgets.Button(description="Next", icon="arrow-right", layout={"width": "100px"})
    view = ipywidgets.HTML()

    def draw(_: Any = None) -> None:
        view.value = show(rows[kind.value][number.value - 1])

    def choose(_: Any) -> None:
        number.max = len(rows[kind.value])
        number.value = 1
        draw()

    def turn(by: int) -> None:
        number.value = (number.value - 1 + by) % len(rows[kind.value]) + 1

    kind.observe(choose, names="value")
    number.observe(draw, names="value")
    back.on_click(lambda _: turn(-1))
    on.on_click(lambda _: turn(1))
    draw()
    return ipywidgets.VBox([ipywidgets.HBox([kind, number, back, on], layout={"flex_flow": "row wrap"}), view])


def _named(kind: str, rows: list[Any]) -> str:
    return f"{kind} ({len(rows)})"


def ask_marked(
    make: Callable[..., str], text: str | Mapping[str, str], controls: Mapping[str, Any] | None = None, *,
    values: Mapping[str, Any] | None = None, button: str = "Ask", widget: bool | None = None,
) -> Any:  # fmt: skip
    """Boxes to type in, and what `make(*texts, **values)` says about them, as HTML.

    `text` is what the box holds at first, or such texts by the names of their boxes. A CourseError that `make` raises
    is shown in place of the answer.
    """
    boxes = {"Sentence": text} if isinstance(text, str) else dict(text)
    start = first_values(controls or {}, values)
    if not wanted(widget):
        from IPython.display import HTML

        return HTML(make(*boxes.values(), **start))

    import ipywidgets

    wide = {"width": "auto"}
    parts = {
        name: (ipywidgets.Textarea if len(value) > 120 else ipywidgets.Text)(
            value=value, description=name, style=WHOLE_NAME, layout=wide, continuous_update=False
        )
        for name, value in boxes.items()
    }
    knobs = {name: control(name, choices, start[name]) for name, choices in (controls or {}).items()}
    ask = ipywidgets.Button(description=button, icon="play", button_style="primary")
    view = ipywidgets.HTML()

    def draw(_: Any = None) -> None:
        empty = [name for name, part in parts.items() if not part.value.strip()]
        try:
            view.value = (
                f"<p>Nothing is written in the box {escape(repr(empty[0]), quote=False)}: type something first.</p>" if empty
                else make(*(part.value for part in parts.values()), **{n: knob.value for n, knob in knobs.items()})
            )  # fmt: skip
        except CourseError as error:  # what the learner typed does not fit
            view.value = f"<p>{escape(str(error))}</p>"

    for part in (*parts.values(), *knobs.values()):
        part.observe(draw, names="value")
    ask.on_click(draw)
    draw()
    return ipywidgets.VBox([*parts.values(), *knobs.values(), ask, view])
