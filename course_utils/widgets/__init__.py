"""Thin shells over figures and runs: what a widget shows is a pure function of its controls.

Everything here also works without a widget front end: `widget=False` gives the
same figure once, for the controls' first values.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from .. import figures
from ..errors import CourseError

if TYPE_CHECKING:
    import ipywidgets
    import plotly.graph_objects as go

    from ..training import Record

SECONDS_BETWEEN_DRAWINGS = 0.2


def control(name: str, choices: Any, value: Any = None) -> ipywidgets.Widget:
    """The widget for one control: a checkbox for a bool, a choice for a list, a slider for (low, high, step).

    It starts with `value`, or else with the first of the choices.
    """
    import ipywidgets

    value = first_value(choices) if value is None else value
    common = {
        "description": name.replace("_", " "),
        "style": {"description_width": "initial"},
        "value": value,
    }
    if isinstance(choices, bool):
        return ipywidgets.Checkbox(indent=False, **common)
    if isinstance(choices, list) and len(choices) > 3:
        return ipywidgets.SelectionSlider(options=choices, continuous_update=False, **common)
    if isinstance(choices, list):
        return ipywidgets.ToggleButtons(options=choices, **common)
    low, high, step = choices
    return ipywidgets.IntSlider(min=low, max=high, step=step, continuous_update=False, **common)


def first_value(choices: Any) -> Any:
    """The value a control starts with."""
    return choices if isinstance(choices, bool) else choices[0]


def live_figure(figure: go.Figure) -> go.FigureWidget:
    """A figure that can be changed while it is on the page, as wide as its cell.

    Since Plotly 6 a FigureWidget is drawn before its element is on the page, so at Plotly's default width, and
    does not heed the size of the window (https://github.com/plotly/plotly.py/issues/5208). Each page that has
    drawn one reports what it drew; it is then asked to measure its place again.
    """
    import plotly.graph_objects as go

    live = go.FigureWidget(figure)
    live._config = {**live._config, "responsive": True}  # heed the window's size

    def measure(change: Any) -> None:
        if change["new"] is not None:
            live._send_relayout_msg({"autosize": True})

    live.observe(measure, names="_js2py_traceDeltas")
    return live


def replace_figure(live: go.FigureWidget, new: go.Figure) -> None:
    """Show `new` in a live figure that is already on the page."""
    with live.batch_update():
        live.data = []
        live.add_traces(new.data)
        live.layout = new.layout


def explore(make: Callable[..., go.Figure], *, widget: bool = True, **controls: Any) -> Any:
    """Redraw `make(**values)` whenever a control moves.

    Each control is a list of values, a `(low, high, step)` of whole numbers, or a
    bool. With `widget=False` the figure for the first values is returned instead.
    """
    values = {name: first_value(choices) for name, choices in controls.items()}
    if not widget:
        return make(**values)

    import ipywidgets

    live = live_figure(make(**values))
    parts = {name: control(name, choices) for name, choices in controls.items()}

    def redraw(_: Any) -> None:
        replace_figure(live, make(**{name: part.value for name, part in parts.items()}))

    for part in parts.values():
        part.observe(redraw, names="value")
    return ipywidgets.VBox([*parts.values(), live])


def ask_text(
    make: Callable[[str], go.Figure],
    text: str,
    *,
    label: str = "Sentence",
    button: str = "Ask",
    widget: bool = True,
) -> Any:
    """A box to type in and a button: `make(text)` is drawn for what stands in the box.

    Enter does the same as the button. With `widget=False` the figure for `text` is returned instead.
    """
    if not widget:
        return make(text)

    import ipywidgets

    live = live_figure(make(text))
    box = ipywidgets.Text(
        value=text, description=label, continuous_update=False, layout={"width": "auto"},
        style={"description_width": "initial"},
    )  # fmt: skip
    go_button = ipywidgets.Button(description=button, icon="play", button_style="primary")
    status = ipywidgets.Label()

    def redraw(_: Any) -> None:
        if not box.value.strip():
            status.value = "Nothing is written in the box: type something first."
            return
        try:
            replace_figure(live, make(box.value))
            status.value = ""
        except CourseError as error:  # what the learner typed does not fit; the last figure stays
            status.value = str(error)

    box.observe(redraw, names="value")
    go_button.on_click(redraw)
    return ipywidgets.VBox([box, ipywidgets.HBox([go_button, status]), live])


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
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.records: list[Record] = []
        self.controls = {
            name: control(name, choices, (values or {}).get(name))
            for name, choices in (controls or {}).items()
        }
        self.start_button = ipywidgets.Button(description="Start", icon="play", button_style="primary")
        self.stop_button = ipywidgets.Button(description="Stop", icon="stop", disabled=True)
        self.status = ipywidgets.Label(value="Press Start. You can stop at any step.")
        self.figure = live_figure(figures.loss_curves({}, title=title))
        self.start_button.on_click(self.start)
        self.stop_button.on_click(self.stop)
        buttons = ipywidgets.HBox([self.start_button, self.stop_button])
        self.panel = ipywidgets.VBox([*self.controls.values(), buttons, self.status, self.figure])

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self.panel)

    @property
    def running(self) -> bool:
        """Whether a run is under way."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, _: Any = None) -> None:
        """Start a run with the controls as they stand; while one runs, say so and change nothing."""
        if self.running:
            self.status.value = "A run is under way: stop it first."
            return
        self._stop.clear()
        self.records = []
        self.start_button.disabled, self.stop_button.disabled = True, False
        values = {name: part.value for name, part in self.controls.items()}
        self._thread = threading.Thread(target=self._run, args=(values,), daemon=True)
        self._thread.start()

    def stop(self, _: Any = None) -> None:
        """Ask the run to end after the step it is in."""
        self._stop.set()

    def wait(self, timeout: float | None = None) -> None:
        """Block until the run has ended."""
        if self._thread is not None:
            self._thread.join(timeout)

    def _run(self, values: dict[str, Any]) -> None:
        drawn, ended = 0.0, "Finished"
        try:
            for record in self._start_run(**values):
                self.records.append(record)
                if time.perf_counter() - drawn > SECONDS_BETWEEN_DRAWINGS:
                    self._draw("Training")
                    drawn = time.perf_counter()
                if self._stop.is_set():
                    ended = "Stopped"
                    break
            self._draw(ended)
        except Exception as error:  # whatever it is: a thread has no other place to say it
            self.status.value = f"{type(error).__name__}: {error}"
        finally:
            self.start_button.disabled, self.stop_button.disabled = False, True

    def _draw(self, state: str) -> None:
        import pandas as pd

        if not self.records:
            self.status.value = f"{state} before the first step."
            return
        frame = pd.DataFrame(
            {"step": r.step, "loss": r.loss, "validation_loss": r.validation.get("loss")}
            for r in self.records
        )
        self.status.value = f"{state} at step {self.records[-1].step}: loss {self.records[-1].loss:.3f}"
        replace_figure(self.figure, figures.loss_curves({"this run": frame}, title=self._title, smooth=5))
