"""Widgets are shells: the same figure as the plain call, and a run that starts, stops and fails in plain sight."""

import threading
import time
from itertools import product

import ipywidgets
import plotly.graph_objects as go
import pytest

from course_utils import figures, widgets
from course_utils.runs import Record

CONTROLS = {"power": (1, 3, 1), "colour": ["red", "blue"], "name": ["a", "b", "c", "d"], "grid": True}


def power_figure(power: int = 1, colour: str = "red", name: str = "a", grid: bool = True) -> go.Figure:
    figure = figures.blank(f"{name} to the {power}", "x", "y" if grid else "y, no grid")
    return figure.add_scatter(x=[0, 1, 2], y=[x**power for x in range(3)], line={"color": colour})


def shown(figure) -> str:
    """What a figure holds, without the identities that a live one gives its traces."""
    plain = go.Figure(figure)
    plain.for_each_trace(lambda trace: trace.update(uid=None))
    return plain.to_json()


# ---------------------------------------------------------------- explore


def test_explore_without_widgets_is_the_figure_for_the_first_values():
    figure = widgets.explore(power_figure, widget=False, **CONTROLS)
    assert type(figure) is go.Figure and figure.to_json() == power_figure(1, "red", "a", True).to_json()


def test_explore_shows_its_default_before_anyone_clicks():
    panel = widgets.explore(power_figure, **CONTROLS)
    *parts, live = panel.children
    assert isinstance(live, go.FigureWidget) and shown(live) == shown(power_figure())
    assert [part.description for part in parts] == list(CONTROLS)
    kinds = [ipywidgets.IntSlider, ipywidgets.ToggleButtons, ipywidgets.SelectionSlider, ipywidgets.Checkbox]
    assert [type(part) for part in parts] == kinds


def test_explore_equals_the_plain_call_at_every_value():
    panel = widgets.explore(power_figure, **CONTROLS)
    *parts, live = panel.children
    power, colour, name, grid = parts
    for values in product((1, 2, 3), ("red", "blue"), "abcd", (True, False)):
        power.value, colour.value, name.value, grid.value = values
        assert shown(live) == shown(power_figure(*values)), values
        assert len(live.data) == 1


def test_a_figure_with_fewer_traces_leaves_none_behind():
    live = go.FigureWidget(figures.loss_curves({}))
    three = figures.blank("three", "x", "y")
    for y in range(3):
        three.add_scatter(x=[0, 1], y=[y, y])
    for figure in (three, figures.loss_curves({}), power_figure(), three):
        widgets.replace_figure(live, figure)
        assert shown(live) == shown(figure)


def test_a_live_figure_is_asked_to_measure_its_place_once_it_is_drawn():
    """The first message is what the page sends when it has drawn a figure; without a page, Python sends it here."""
    live, sent = widgets.live_figure(power_figure()), []
    assert live._config["responsive"]
    live.observe(lambda change: sent.append(change["new"]), names="_py2js_relayout")
    live._js2py_traceDeltas = {"trace_deltas": [], "trace_edit_id": 0}
    [asked] = [message["relayout_data"] for message in sent if message]
    assert asked == {"autosize": True}
    assert shown(live) == shown(power_figure()), "what it shows is the same as before"


needs_anywidget = pytest.mark.skipif(not hasattr(go.FigureWidget, "_esm"), reason="Plotly 5 has no anywidget")


@needs_anywidget
def test_the_page_gets_a_small_module_that_fetches_plotly_when_a_figure_is_drawn():
    """A module that takes the page more than two seconds would cost the figure all its messages."""
    state = widgets.live_figure(power_figure()).get_state()
    assert len(state["_esm"]) < 1000 < 1_000_000 < len(state["_plotly"])
    assert state["_plotly"] == go.FigureWidget(power_figure()).get_state()["_esm"]


@needs_anywidget
def test_a_page_that_draws_later_starts_from_what_is_shown_now():
    live = widgets.live_figure(figures.loss_curves({}))
    widgets.replace_figure(live, power_figure(2))
    assert shown(go.Figure(live._widget_data, live._widget_layout)) == shown(power_figure(2))


def test_a_long_name_leaves_a_slider_its_room():
    for choices in ((1, 3, 1), list("abcd")):
        slider = widgets.control("a_rather_long_name", choices)
        assert slider.style.description_width == "initial" and slider.layout.width == "auto"


def test_controls_start_where_they_are_told_to():
    panel = widgets.explore(power_figure, values={"power": 3, "name": "c"}, **CONTROLS)
    *parts, live = panel.children
    assert [part.value for part in parts] == [3, "red", "c", True]
    plain = widgets.explore(power_figure, widget=False, values={"power": 3, "name": "c"}, **CONTROLS)
    assert shown(live) == shown(power_figure(3, "red", "c")) == shown(plain)


# ---------------------------------------------------------------- a live run


class FakeRun:
    """Steps that wait for the test: no clock decides what is seen."""

    def __init__(self, steps: int = 1000, fail_at: int | None = None):
        self.steps, self.fail_at = steps, fail_at
        self.may_step = threading.Semaphore(0)
        self.done = threading.Semaphore(0)
        self.made, self.closed, self.values = 0, False, {}

    def __call__(self, **values):
        self.values = values
        return self.records()

    def records(self):
        try:
            for step in range(1, self.steps + 1):
                assert self.may_step.acquire(timeout=10)
                if step == self.fail_at:
                    raise RuntimeError("the kettle exploded")
                self.made = step
                self.done.release()
                validation = {"loss": 2.0} if step % 2 == 0 else {}
                yield Record(step, step / 10, 1 / step, 1e-3, 1.0, 8, 64, 0.01, validation)
        finally:
            self.closed = True  # as the loop does: model back to eval, gradients gone

    def let(self, steps: int) -> None:
        for _ in range(steps):
            self.may_step.release()
            assert self.done.acquire(timeout=10)


def finish(panel: widgets.LiveTraining) -> None:
    panel.wait(10)
    assert not panel.running and not panel.start_button.disabled and panel.stop_button.disabled


@pytest.fixture(autouse=True)
def no_thread_left():
    before = threading.active_count()
    yield
    assert threading.active_count() == before


def test_a_run_goes_to_its_end_with_the_values_of_the_controls():
    run = FakeRun(steps=4)
    panel = widgets.LiveTraining(run, {"rate": [1e-3, 1e-2], "layers": (1, 4, 1)})
    assert not panel.running and panel.stop_button.disabled and "Press Start" in panel.status.value
    panel.controls["rate"].value = 1e-2
    panel.start_button.click()
    assert panel.running and panel.start_button.disabled and not panel.stop_button.disabled
    run.let(4)
    finish(panel)
    assert run.values == {"rate": 1e-2, "layers": 1}
    assert [record.step for record in panel.records] == [1, 2, 3, 4]
    assert panel.status.value == "Finished at step 4: loss 0.250"
    training, validation = panel.figure.data
    assert list(training.x) == [1, 2, 3, 4] and list(validation.x) == [2, 4]


def test_stop_takes_effect_within_a_step():
    run = FakeRun()
    panel = widgets.LiveTraining(run)
    panel.start()
    run.let(3)
    panel.stop_button.click()
    run.may_step.release()  # the step that it may be in
    finish(panel)
    assert run.made in (3, 4) and len(panel.records) == run.made < run.steps
    assert run.closed, "the loop must have tidied up"
    assert panel.status.value.startswith(f"Stopped at step {run.made}")
    assert list(panel.figure.data[0].x) == list(range(1, run.made + 1))


def test_a_second_start_is_refused_kindly():
    run = FakeRun()
    panel = widgets.LiveTraining(run)
    panel.start()
    thread = panel._run._thread
    run.let(1)
    panel.start()
    assert panel._run._thread is thread and "under way" in panel.status.value and run.made == 1
    panel.stop()
    run.may_step.release()
    finish(panel)


def test_it_can_be_started_again_from_nothing():
    panel = widgets.LiveTraining(lambda: FakeRun.records(runs.pop(0)))
    runs = [FakeRun(), FakeRun(steps=2)]
    first, second = runs
    panel.start()
    first.let(3)
    panel.stop()
    first.may_step.release()
    finish(panel)
    panel.start()
    second.let(2)
    finish(panel)
    assert [record.step for record in panel.records] == [1, 2] and panel.status.value.startswith("Finished")
    assert list(panel.figure.data[0].x) == [1, 2]


def test_an_error_is_shown_where_the_learner_looks():
    run = FakeRun(fail_at=3)
    panel = widgets.LiveTraining(run)
    panel.start()
    run.let(2)
    run.may_step.release()
    finish(panel)
    assert panel.status.value == "RuntimeError: the kettle exploded"
    assert len(panel.records) == 2


def test_an_error_before_the_first_step_is_shown_too():
    def refuse():
        raise ValueError("no rows")

    panel = widgets.LiveTraining(refuse)
    panel.start()
    finish(panel)
    assert panel.status.value == "ValueError: no rows" and panel.records == []


def test_a_run_without_steps_says_so():
    panel = widgets.LiveTraining(lambda: iter(()))
    panel.start()
    finish(panel)
    assert panel.status.value == "Finished before the first step."


def test_drawing_does_not_hold_up_the_run():
    """Frames are drawn a few times a second, not at every step."""
    run = FakeRun(steps=400)
    panel = widgets.LiveTraining(run)
    drawn = []
    draw = panel._draw
    panel._draw = lambda state: (drawn.append(state), draw(state))
    began = time.perf_counter()
    panel.start()
    run.may_step.release(400)
    finish(panel)
    allowed = 3 + (time.perf_counter() - began) / widgets.SECONDS_BETWEEN_DRAWINGS
    assert len(panel.records) == 400 and len(drawn) <= allowed and drawn[-1] == "Finished"


def test_a_pre_training_run_is_drawn_above_its_floor_from_the_start():
    from course_utils.widgets.pretraining import LivePretraining

    panel = LivePretraining(FakeRun(), {"layers": (1, 4, 1)}, floor=1.25, baselines={"words alone": 3.0})
    assert "the floor is 1.25" in panel.figure.layout.meta["description"]
    assert [line.y0 for line in panel.figure.layout.shapes] == [3.0, 1.25]


def test_it_shows_itself_in_a_notebook(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    panel = widgets.LiveTraining(FakeRun(), {"layers": (1, 4, 1)})
    panel._ipython_display_()
    assert shown == [panel.panel] and panel.controls["layers"] in panel.panel.children


def test_a_notebook_that_has_no_front_end_gets_figures(monkeypatch):
    monkeypatch.setenv("COURSE_WIDGETS", "0")
    assert type(widgets.explore(power_figure, **CONTROLS)) is go.Figure
    assert isinstance(widgets.explore(power_figure, widget=True, **CONTROLS), ipywidgets.VBox), "who asks gets one"
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    widgets.LiveTraining(FakeRun())._ipython_display_()
    assert type(shown[0]) is go.Figure


def test_controls_for_ranges_of_other_numbers():
    share = widgets.control("share", (0.0, 0.5, 0.05))
    assert isinstance(share, ipywidgets.FloatSlider) and (share.min, share.max, share.value) == (0.0, 0.5, 0.0)
