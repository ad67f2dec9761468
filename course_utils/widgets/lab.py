"""The training lab: knobs over `lab.Lab`. Set them, foretell, start; pause, stop, clone, race, compare."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from html import escape
from typing import TYPE_CHECKING, Any

from .. import figures
from ..errors import CourseError
from ..figures.lab import board, run_line
from ..lab import PRESETS, ROWS, SYMPTOMS, Expected, Lab, Run, Settings, differences, summary
from ..runs import SCHEDULES, learning_rate_at
from . import SLIDER_LAYOUT, WHOLE_NAME, control, wanted
from .background import Background
from .live import live_figure, update_curves
from .table import fill, run_table, shown

if TYPE_CHECKING:
    import ipywidgets
    import plotly.graph_objects as go

SECONDS_BETWEEN_DRAWINGS = 0.4
SECONDS_BETWEEN_SAVES = 3.0
MOST_DRAWN = 8  # runs at once: one for each colour
RATES = [float(f"{digit}e{power}") for power in range(-6, -1) for digit in (1, 2, 3, 5)] + [1e-1]  # a logarithmic scale
UNASKED, LET_ME_SEE = "choose …", "let me see"
NONE_IS_0 = ("patience", "clip_norm")  # on their sliders


def controls_for(lab: Lab) -> dict[str, Any]:
    """For each setting what `control` makes a widget of: the choices that this lab's task and model have."""
    most = len(lab.data["train"])
    labels = [n for n in (8, 16, 32, 64, 128, 256, 512, 1024) if n < most]
    return {
        "learning_rate": RATES, "warmup_share": (0.0, 0.5, 0.05), "schedule": list(SCHEDULES),
        "epochs": (1, 30, 1), "batch_size": [1, 2, 4, 8, 16, 32, 64, 128], "accumulate": [1, 2, 4, 8],
        "trains": list(lab.trainable), "lora_rank": [1, 2, 4, 8, 16, 32],
        "labels": [*labels, most], "rows": list(ROWS if lab.task.kind == "classification" else ROWS[::2]), "shuffle": True,
        "dropout": (0.0, 0.6, 0.05), "weight_decay": [0.0, 0.01, 0.03, 0.1, 0.3, 1.0], "label_smoothing": (0.0, 0.4, 0.05),
        "clip_norm": [0, 0.1, 0.3, 1.0, 3.0, 10.0], "patience": (0, 10, 1), "seed": (0, 20, 1),
    }  # fmt: skip


GROUPS = {
    "Rate": ("learning_rate", "warmup_share", "schedule", "epochs", "batch_size", "accumulate"),
    "What learns, from what": ("trains", "lora_rank", "labels", "rows", "shuffle"),
    "Against overfitting, and luck": ("dropout", "weight_decay", "label_smoothing", "clip_norm", "patience", "seed"),
}


class TrainingLab:
    """The panel. Runs live in a thread of their own and in the lab's folder; the kernel stays free.

    `panel.settings` are the knobs as they stand. `close()` stops what runs and takes the panel from the page.
    Several panels may show one lab; a panel sees what another has changed when it draws next.
    """

    def __init__(self, lab: Lab | None = None):
        import ipywidgets

        self.lab = lab or Lab()
        self._background = Background()
        self._current: list[Run] = []
        self._race: list[Settings] = []
        self._drawing = threading.RLock()  # the run's thread draws, and so does whoever ticks a run or presses a name

        start = _as_knobs(Settings(labels=min(Settings().labels, len(self.lab.data["train"])), trains="all"))
        self.controls = {
            name: control(name, choices, _nearest(choices, start[name]))
            for name, choices in controls_for(self.lab).items()
        }
        for name in ("learning_rate", "warmup_share", "epochs"):
            self.controls[name].continuous_update = True  # the schedule is drawn as they move
        self.preset = ipywidgets.Dropdown(options=list(PRESETS), description="preset", style=WHOLE_NAME)
        self.begin_with = ipywidgets.Dropdown(description="begin with", style=WHOLE_NAME, layout=SLIDER_LAYOUT)
        self.schedule = live_figure(self._schedule())

        self.ask_first = ipywidgets.Checkbox(
            value=True, description="ask me first", indent=False, layout={"width": "130px"}
        )
        self.foretold = ipywidgets.Dropdown(
            options=[UNASKED, LET_ME_SEE, *SYMPTOMS], description="What do you expect? It", style=WHOLE_NAME,
            layout={"width": "340px"},
        )  # fmt: skip
        self.foretold_score = ipywidgets.FloatSlider(
            value=0.5, min=0, max=1, step=0.01, description="and ends at a validation score of", style=WHOLE_NAME,
            layout={"width": "420px"},
        )  # fmt: skip
        self.start_button = ipywidgets.Button(description="Start", icon="play", button_style="primary")
        self.pause_button = ipywidgets.Button(description="Pause", icon="pause", disabled=True)
        self.stop_button = ipywidgets.Button(description="Stop", icon="stop", disabled=True)
        self.race_button = ipywidgets.Button(
            description="Add to a race", icon="flag", tooltip="Collect settings, then Start runs them side by side"
        )
        self.progress = ipywidgets.FloatProgress(min=0, max=1, layout={"width": "160px"})
        self.status = ipywidgets.HTML()
        self.figure = live_figure(board({}, score=self.lab.score))

        self.table = run_table()
        self.name = ipywidgets.Text(
            description="name", style=WHOLE_NAME, continuous_update=False, layout={"width": "220px"}
        )
        self.take_button = ipywidgets.Button(
            description="Clone", icon="copy", tooltip="Set the knobs as in this run; change what you like, then Start"
        )
        self.delete_button = ipywidgets.Button(description="Delete", icon="trash")
        self.export_buttons = {
            kind: ipywidgets.Button(description=f"Export {kind.upper()}", icon="download") for kind in ("csv", "json")
        }
        self._wire()
        self._refresh()
        self.say("Set the knobs, say what you expect, press Start. You can pause or stop at any step.")
        self.panel = self._layout()

    # ------------------------------------------------------------ what stands where

    def _layout(self) -> ipywidgets.Widget:
        import ipywidgets

        groups = [ipywidgets.VBox([self.controls[name] for name in names]) for names in GROUPS.values()]
        tabs = ipywidgets.Accordion(groups)
        for i, title in enumerate(GROUPS):
            tabs.set_title(i, title)
        tabs.selected_index = 0
        wrap = {"flex_flow": "row wrap", "align_items": "center"}
        row = lambda *parts: ipywidgets.HBox(parts, layout=wrap)  # noqa: E731
        left = ipywidgets.VBox(
            [self.preset, tabs, self.begin_with, self.schedule],
            layout={"flex": "1 1 330px", "min_width": "290px", "max_width": "420px"},
        )
        right = ipywidgets.VBox([self.figure], layout={"flex": "3 1 480px", "min_width": "290px"})
        return ipywidgets.VBox([
            ipywidgets.HBox([left, right], layout={"flex_flow": "row wrap"}),
            row(self.foretold, self.foretold_score, self.ask_first),
            row(self.start_button, self.pause_button, self.stop_button, self.race_button, self.progress),
            self.status,
            self.table,
            row(self.name, self.take_button, self.delete_button, *self.export_buttons.values()),
        ])  # fmt: skip

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self.panel if wanted(None) else self._picture())

    def _wire(self) -> None:
        self.preset.observe(lambda change: self.take(Settings(**PRESETS[change["new"]])), names="value")
        for name in ("learning_rate", "warmup_share", "schedule", "epochs", "batch_size", "accumulate", "labels"):
            self.controls[name].observe(lambda _: update_curves(self.schedule, self._schedule()), names="value")
        buttons: dict[Any, Callable[[], None]] = {
            self.start_button: self.start, self.pause_button: self.pause, self.stop_button: self.stop,
            self.race_button: self.add_to_race, self.take_button: self.clone, self.delete_button: self.delete,
            self.export_buttons["csv"]: lambda: self.export("csv"), self.export_buttons["json"]: lambda: self.export("json"),
        }  # fmt: skip
        for button, act in buttons.items():
            button.on_click(lambda _, act=act: self._try(act))
        self.name.observe(lambda _: self._try(self.rename), names="value")
        self.table.observe(lambda _: self._fill(), names="sort")
        self.table.observe(lambda _: self._draw(), names="chosen")
        self.table.observe(lambda _: self._open(), names="opened")
        self.table.on_msg(self._message)

    # ------------------------------------------------------------ the knobs

    @property
    def settings(self) -> Settings:
        """The knobs as they stand."""
        values = {name: part.value for name, part in self.controls.items()}
        return Settings(**values | {name: values[name] or None for name in NONE_IS_0})

    def take(self, settings: Settings) -> None:
        """Set the knobs; a value between two notches goes to the nearest."""
        choices = controls_for(self.lab)
        for name, value in _as_knobs(settings).items():
            self.controls[name].value = _nearest(choices[name], value)

    def _schedule(self) -> go.Figure:
        settings = self.settings if hasattr(self, "controls") else Settings()
        per_epoch = math.ceil(math.ceil(settings.labels / settings.batch_size) / settings.accumulate)
        total = max(1, settings.epochs * per_epoch)
        thin = max(1, total // 200)
        rates = [learning_rate_at(settings.config(), step, total) for step in range(1, total + 1)]
        figure = figures.schedule(rates, title=f"Learning rate over {total} steps")
        figure.data[0].update(x=list(range(1, total + 1, thin)), y=rates[::thin])
        return figure.update_layout(
            height=190, margin={"l": 56, "r": 8, "t": 30, "b": 36}, yaxis_title=None, yaxis_exponentformat="power"
        )

    # ------------------------------------------------------------ running

    @property
    def running(self) -> bool:
        return self._background.running

    def start(self) -> None:
        """Run the knobs as they stand, or the race that was collected. While a run is under way, say so."""
        if self.running:
            raise CourseError("A run is under way: stop it first, or wait for its end.")
        asked = self.foretold.value
        if self.ask_first.value and asked == UNASKED:
            raise CourseError(
                f"First say what you expect (“{LET_ME_SEE}” counts, too): a guess that was wrong teaches most."
            )
        expected = Expected() if asked in (UNASKED, LET_ME_SEE) else Expected(asked, self.foretold_score.value)
        parent = self.lab.find(self.begin_with.value) if self.begin_with.value else None
        jobs = [self.lab.prepare(each, expected=expected, parent=parent) for each in self._race or [self.settings]]
        self._current, self._race = [run for run, _ in jobs], []
        self._drawn, self._saved, self._began = 0.0, time.perf_counter(), time.perf_counter()
        self.table.chosen = [*self.table.chosen, *(run.id for run in self._current)][-MOST_DRAWN:]
        self._buttons(running=True)
        self._refresh()
        self.say("Starting …")
        self._background.start(lambda: self.lab.by_turns(jobs), self._stepped, self._ended, self._paused)

    def pause(self) -> None:
        """Pause after the present step; pressed again, go on."""
        if self._background.paused:
            self._background.resume()
        else:
            self._background.pause()

    def stop(self) -> None:
        """End after the present step; what was learned stays. While nothing runs, forget the race that was collected."""
        self._background.stop()
        if not self.running and self._race:
            self._race = []
            self._buttons(running=False)
            self.say("The race is forgotten.")

    def wait(self, timeout: float | None = None) -> None:
        """Block until what runs has ended."""
        self._background.wait(timeout)

    def add_to_race(self) -> None:
        """Put the knobs as they stand beside those collected before; Start then runs them side by side."""
        self.lab.check(self.settings)
        self._race.append(self.settings)
        self._buttons(running=self.running)
        self.say(f"In the race: {'; '.join(map(str, self._race))}. Change a knob and add again, or Start; Stop forgets it.")

    def close(self) -> None:
        """Stop what runs and take the panel from the page."""
        self.stop()
        self.wait()
        self.panel.close()

    def _stepped(self, run: Run) -> None:
        now = time.perf_counter()
        if now - self._saved > SECONDS_BETWEEN_SAVES:  # a kernel that dies loses no more than this
            for each in self._current:
                self.lab.save(each)
            self._saved = time.perf_counter()
        if now - self._drawn > SECONDS_BETWEEN_DRAWINGS:
            self._draw()
            self.say(self._standing())
            self._drawn = time.perf_counter()

    @contextmanager
    def _paused(self) -> Iterator[None]:
        began, under_way = time.perf_counter(), [run for run in self._current if not run.over]
        for run in under_way:
            run.state = "paused"
            self.lab.checkpoint(run)
            self.lab.save(run)
        self._name_pause("Resume", "play")
        self._refresh()
        self.say(f"Paused at step {self._current[0].step}. Resume, stop, or look around.")
        yield
        self._began += time.perf_counter() - began
        for run in under_way:
            run.state = "running"
        self._name_pause("Pause", "pause")
        self.say("Training goes on.")

    def _ended(self, how: str, error: Exception | None) -> None:
        self._buttons(running=False)
        self.foretold.value = UNASKED
        self._refresh()
        self.say(
            f"<b>{escape(f'{type(error).__name__}: {error}')}</b>" if error else " ".join(map(_told, self._current)),
            html=True,
        )

    def _standing(self) -> str:
        done, planned = sum(run.step for run in self._current), sum(run.planned for run in self._current)
        seconds = sum(record.seconds for run in self._current for record in run.records)
        speed = sum(run.records[-1].epoch * run.n_rows for run in self._current if run.records) / max(seconds, 1e-9)
        self.progress.value = done / planned
        left = (time.perf_counter() - self._began) / max(done, 1) * (planned - done)
        loss = ", ".join(f"{run.name}: loss {run.records[-1].loss:.3f}" for run in self._current if run.records)
        return f"Training: step {done} of {planned} · {speed:,.0f} examples a second · about {left:.0f} s left · {loss}"

    def _buttons(self, *, running: bool) -> None:
        self.start_button.disabled = running
        self.start_button.description = f"Start {len(self._race)}" if self._race else "Start"
        self.pause_button.disabled = not running
        self.stop_button.disabled = not (running or self._race)
        self._name_pause("Pause", "pause")
        if not running:
            self.progress.value = 0

    def _name_pause(self, description: str, icon: str) -> None:
        self.pause_button.description, self.pause_button.icon = description, icon

    # ------------------------------------------------------------ runs kept

    @property
    def opened(self) -> Run:
        """The run whose name was pressed in the table."""
        if not self.table.opened:
            raise CourseError("Press the name of a run in the table first.")
        return self.lab.find(self.table.opened)

    def clone(self) -> None:
        """Set the knobs as in the opened run, and offer its weights to begin with."""
        run = self.opened
        self.take(run.settings)
        self.say(f"The knobs stand as in {run.name!r}. Change what you like; “begin with” chooses whose weights to take.")

    def rename(self) -> None:
        if self.table.opened and self.name.value != self.opened.name:
            try:
                self.lab.rename(self.opened, self.name.value)
            finally:  # a name that is refused does not stay in the field
                self.name.value = self.opened.name
            self._refresh()

    def delete(self) -> None:
        run = self.opened
        self.lab.delete(run)
        self.table.opened = self.name.value = ""
        self._refresh()
        self.say(f"{run.name!r} is deleted.")

    def export(self, kind: str) -> None:
        """Write the runs beside the notebook: `lab-runs.csv`, a line a run, or `lab-runs.json`, every step."""
        self.say(f"Written: {self.lab.export(f'lab-runs.{kind}')}, with {len(self.lab.runs)} runs.")

    def _message(self, _: Any, content: dict[str, Any], __: Any) -> None:
        if "star" in content:
            self._try(lambda: self.lab.star(content["star"], bool(content["to"])))
            self._fill()

    def _open(self) -> None:
        if self.table.opened in self.lab.runs:
            self.name.value = self.opened.name

    # ------------------------------------------------------------ showing

    def say(self, text: str, *, html: bool = False) -> None:
        """Show a sentence under the buttons, where a screen reader reads it out."""
        self.status.value = (
            f'<div role="status" aria-live="polite">{text if html else escape(text, quote=False)}</div>'
        )

    def _try(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception as error:  # whatever it is: what a button raises is shown nowhere else
            self.say(str(error) if isinstance(error, CourseError) else f"{type(error).__name__}: {error}")

    def _refresh(self) -> None:
        with_weights = [run for run in list(self.lab.runs.values()) if self.lab.shelf.weights_file(run.id).exists()]
        before = self.begin_with.value
        weights = {f"{run.name}, its weights at step {run.step}": run.id for run in with_weights}
        with self._drawing:
            self.begin_with.options = [("the pre-trained weights", ""), *weights.items()]
            self.begin_with.value = before if before in weights.values() else ""
            kept = self.lab.runs
            self.table.chosen = [each for each in self.table.chosen if each in kept] or list(kept)[-4:]
            self._draw()

    def _drawn_runs(self) -> list[Run]:
        chosen = map(self.lab.runs.get, self.table.chosen)  # another panel may delete one at any time
        return [run for run in chosen if run][-MOST_DRAWN:]

    def _draw(self) -> None:
        with self._drawing:
            update_curves(self.figure, self._picture())
            self._fill()

    def _picture(self) -> go.Figure:
        runs = self._drawn_runs()
        return board(
            {run.name: run.frame for run in runs}, score=self.lab.score, numbers=[int(run.id) - 1 for run in runs],
            expected=next((run.expected.score for run in self._current if run.expected.symptom), None),
            guessing=next((run.guessing for run in runs), None),
        )  # fmt: skip

    def _fill(self) -> None:
        runs = list(self.lab.runs.values())
        lines = [summary(run) for run in runs]
        settings = {run.id: asdict(run.settings) for run in runs}
        compared = differences(settings)
        names = [name for name in (lines[0] if lines else ["run"]) if name not in ("starred", "planned")]
        columns = {name: [line[name] for line in lines] for name in names}
        columns |= {name.replace("_", " "): [settings[run.id][name] for run in runs] for name in compared}
        colours = {run.id: run_line(int(run.id) - 1)["color"] for run in self._drawn_runs()}
        with self._drawing:
            fill(
                self.table, [run.id for run in runs], [run.name for run in runs], columns, colours=colours,
                compared=[name.replace("_", " ") for name in compared], starred=[run.starred for run in runs],
            )  # fmt: skip


def _told(run: Run) -> str:
    """How a run ended, beside what was expected of it."""
    if run.state == "failed":
        return f"<b>{escape(run.name)} failed at step {run.step + 1}: {escape(run.error, quote=False)}</b>"
    found = f"it <i>{escape(f'{run.symptom}: {SYMPTOMS[run.symptom]}')}</i>" if run.symptom else "nothing can be said yet."
    said = (
        f"<b>{escape(run.name)}</b> {run.state} at step {run.step}, {run.metric} {shown(run.score)}. "
        f"By its curves {found}"
    )
    if run.expected.symptom:
        said += f" You expected: {escape(run.expected.symptom)}, {run.metric} {run.expected.score:.2f}."
    return said


def _as_knobs(settings: Settings) -> dict[str, Any]:
    """Settings as the knobs show them: 0 for None."""
    values = asdict(settings)
    return values | {name: values[name] or 0 for name in NONE_IS_0}


def _nearest(choices: Any, value: Any) -> Any:
    """The value itself where the knob can have it, else the nearest that it can."""
    if not isinstance(choices, list) or value in choices:
        return value
    return choices[-1] if isinstance(value, str) else min(choices, key=lambda choice: abs(choice - value))
