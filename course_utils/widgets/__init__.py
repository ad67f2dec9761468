"""Thin shells over figures and runs: what a widget shows is a pure function of its controls.

Everything here also works without a widget front end: `widget=False` gives the
same figure once, for the controls' first values. COURSE_WIDGETS=0 in the environment
does so for a whole notebook, as the book of the course does.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from .. import figures
from ..errors import CourseError
from .background import Background
from .live import live_figure, replace_figure

if TYPE_CHECKING:
    import ipywidgets
    import pandas as pd
    import plotly.graph_objects as go

    from ..training import Record

__all__ = [
    "LiveTraining", "TrainingLab", "ask_text", "control", "explore", "first_value", "first_values", "live_figure",
    "replace_figure", "wanted",
]  # fmt: skip

SECONDS_BETWEEN_DRAWINGS = 0.2
WHOLE_NAME = {"description_width": "initial"}  # the style with which no description is cut off
# Sliders are 300 pixels wide unless told otherwise, and what a long description takes of that, the readout lacks.
SLIDER_LAYOUT = {"width": "auto", "max_width": "560px"}


def wanted(widget: bool | None) -> bool:
    """Whether to make a widget: as the caller says, or else unless COURSE_WIDGETS is 0."""
    return os.environ.get("COURSE_WIDGETS", "1") != "0" if widget is None else widget


def control(name: str, choices: Any, value: Any = None) -> ipywidgets.Widget:
    """The widget for one control: a checkbox for a bool, a choice for a list, a slider for (low, high, step).

    A slider is of whole numbers or, where the step is no whole number, of others. It starts with `value`, or else with
    the first of the choices.
    """
    import ipywidgets

    common = {
        "description": name.replace("_", " "),
        "style": WHOLE_NAME,
        "value": first_value(choices) if value is None else value,
    }
    if isinstance(choices, bool):
        return ipywidgets.Checkbox(indent=False, **common)
    if isinstance(choices, list) and len(choices) <= 3:
        return ipywidgets.ToggleButtons(options=choices, **common)
    common |= {"layout": SLIDER_LAYOUT, "continuous_update": False}
    if isinstance(choices, list):
        return ipywidgets.SelectionSlider(options=choices, **common)
    low, high, step = choices
    slider = ipywidgets.IntSlider if isinstance(step, int) else ipywidgets.FloatSlider
    return slider(min=low, max=high, step=step, **common)


def first_value(choices: Any) -> Any:
    """The value a control starts with."""
    return choices if isinstance(choices, bool) else choices[0]


def first_values(controls: Mapping[str, Any], values: Mapping[str, Any] | None) -> dict[str, Any]:
    """What each control starts with: its entry in `values`, else the first of its choices."""
    return {name: first_value(choices) for name, choices in controls.items()} | dict(values or {})


def explore(
    make: Callable[..., go.Figure], *, widget: bool | None = None, values: Mapping[str, Any] | None = None, **controls: Any
) -> Any:
    """Redraw `make(**values)` whenever a control moves.

    Each control is a list of values, a `(low, high, step)` of whole numbers, or a bool. It starts with its entry in
    `values`, or else with the first of its choices. With `widget=False` the figure for these is returned instead.
    """
    start = first_values(controls, values)
    figure = make(**start)
    if not wanted(widget):
        return figure

    import ipywidgets

    live = live_figure(figure)
    parts = {name: control(name, choices, start[name]) for name, choices in controls.items()}

    def redraw(_: Any) -> None:
        replace_figure(live, make(**{name: part.value for name, part in parts.items()}))

    for part in parts.values():
        part.observe(redraw, names="value")
    return ipywidgets.VBox([*parts.values(), live])


def ask_text(
    make: Callable[..., go.Figure],
    text: str,
    controls: Mapping[str, Any] | None = None,
    *,
    values: Mapping[str, Any] | None = None,
    label: str = "Sentence",
    button: str = "Ask",
    widget: bool | None = None,
) -> Any:
    """A box to type in, a button and, as in `explore`, controls: `make(text, **values)` is drawn for how they stand.

    Enter does the same as the button. A CourseError that `make` raises is shown beside the button, and the last
    figure stays. With `widget=False` the figure for `text` and the first values is returned instead.
    """
    start = first_values(controls or {}, values)
    figure = make(text, **start)
    if not wanted(widget):
        return figure

    import ipywidgets

    live = live_figure(figure)
    box = ipywidgets.Text(
        value=text, description=label, continuous_update=False, layout={"width": "auto"}, style=WHOLE_NAME
    )
    parts = {name: control(name, choices, start[name]) for name, choices in (controls or {}).items()}
    go_button = ipywidgets.Button(description=button, icon="play", button_style="primary")
    status = ipywidgets.Label()

    def redraw(_: Any) -> None:
        if not box.value.strip():
            status.value = "Nothing is written in the box: type something first."
            return
        try:
            replace_figure(live, make(box.value, **{name: part.value for name, part in parts.items()}))
            status.value = ""
        except CourseError as error:  # what the learner typed does not fit
            status.value = str(error)

    for part in (box, *parts.values()):
        part.observe(redraw, names="value")
    go_button.on_click(redraw)
    return ipywidgets.VBox([box, *parts.values(), ipywidgets.HBox([go_button, status]), live])


class LiveTraining:
    """Start, watch and stop a training run.

    `start(**values)` is called with the values of the controls and returns the
    records of a run, such as `training_steps(...)`. The run lives in a thread of its
    own; Stop sets a flag that is read after every step, so the kernel stays free
    and the model is left as the last step made it.
    """

    def __init__(
        self,
        start: Callable[..., Iterator[Record]],
        controls: Mapping[str, Any] | None = None,
        *,
        values: Mapping[str, Any] | None = None,
        title: str = "Loss while it trains",
    ):
        import ipywidgets

        self._start_run, self._title = start, title
        self._run = Background()
        self.records: list[Record] = []
        start_values = first_values(controls or {}, values)
        self.controls = {name: control(name, how, start_values[name]) for name, how in (controls or {}).items()}
        self.start_button = ipywidgets.Button(description="Start", icon="play", button_style="primary")
        self.stop_button = ipywidgets.Button(description="Stop", icon="stop", disabled=True)
        self.status = ipywidgets.Label(value="Press Start. You can stop at any step.")
        self.figure = live_figure(self._picture())
        self.start_button.on_click(self.start)
        self.stop_button.on_click(self.stop)
        buttons = ipywidgets.HBox([self.start_button, self.stop_button])
        self.panel = ipywidgets.VBox([*self.controls.values(), buttons, self.status, self.figure])

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self.panel if wanted(None) else self._picture())

    @property
    def running(self) -> bool:
        """Whether a run is under way."""
        return self._run.running

    def start(self, _: Any = None) -> None:
        """Start a run with the controls as they stand; while one runs, say so and change nothing."""
        if self.running:
            self.status.value = "A run is under way: stop it first."
            return
        self.records, self._drawn = [], 0.0
        self.start_button.disabled, self.stop_button.disabled = True, False
        values = {name: part.value for name, part in self.controls.items()}
        self._run.start(lambda: self._start_run(**values), self._record, self._end)

    def stop(self, _: Any = None) -> None:
        """Ask the run to end after the step it is in."""
        self._run.stop()

    def wait(self, timeout: float | None = None) -> None:
        """Block until the run has ended."""
        self._run.wait(timeout)

    def _record(self, record: Record) -> None:
        self.records.append(record)
        if time.perf_counter() - self._drawn > SECONDS_BETWEEN_DRAWINGS:
            self._draw("Training")
            self._drawn = time.perf_counter()

    def _end(self, how: str, error: Exception | None) -> None:
        if error is None:
            self._draw(how.capitalize())
        else:
            self.status.value = f"{type(error).__name__}: {error}"
        self.start_button.disabled, self.stop_button.disabled = False, True

    def _draw(self, state: str) -> None:
        if not self.records:
            self.status.value = f"{state} before the first step."
            return
        self.status.value = f"{state} at step {self.records[-1].step}: loss {self.records[-1].loss:.3f}"
        replace_figure(self.figure, self._picture())

    def _picture(self) -> go.Figure:
        return figures.loss_curves(self._runs(), title=self._title, smooth=5)

    def _runs(self) -> dict[str, pd.DataFrame]:
        """The run so far as figures take it, by its name; nothing before the first step."""
        import pandas as pd

        rows = [
            {"step": r.step, "loss": r.loss, "validation_loss": r.validation.get("loss")} for r in self.records
        ]
        return {"this run": pd.DataFrame(rows)} if rows else {}


def __getattr__(name: str) -> Any:
    if name == "TrainingLab":  # it needs what stands above, and more than the other widgets do
        from .lab import TrainingLab

        return TrainingLab
    raise AttributeError(f"course_utils.widgets has no {name!r}")
