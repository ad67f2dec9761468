"""The lab's panel without a page: what its buttons do, in which order, and that nothing stays behind."""

import threading

import pytest
from test_lab import FEW, places  # noqa: F401  (a fixture)

from course_utils import widgets
from course_utils.figures.lab import MOST_POINTS, board
from course_utils.lab import PRESETS, Lab, Settings
from course_utils.runs import History, Record
from course_utils.widgets.lab import GROUPS, UNASKED
from course_utils.widgets.table import fill, run_table, shown, sorted_rows

SECONDS = 30  # the longest that any wait may take; nothing is expected to


@pytest.fixture
def gate(monkeypatch):
    """Each step of a run waits until the test lets it go."""
    gate = threading.Semaphore(0)
    by_turns = Lab.by_turns

    def slowly(self, jobs):
        steps = by_turns(self, jobs)
        try:
            while gate.acquire(timeout=SECONDS):
                try:
                    yield next(steps)
                except StopIteration:
                    return
        finally:
            steps.close()

    monkeypatch.setattr(Lab, "by_turns", slowly)
    return gate


@pytest.fixture
def panel(places, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.chdir(tmp_path)
    made = widgets.TrainingLab(Lab(places / "rows.jsonl", str(places / "tiny"), folder=tmp_path / "runs"))
    made.take(FEW.but(labels=16))
    made.ask_first.value = False
    before = threading.active_count()
    yield made
    made.close()
    assert threading.active_count() == before or not made.running


def said(panel):
    return panel.status.value.removeprefix('<div role="status" aria-live="polite">').removesuffix("</div>")


def until(panel, holds):
    """Wait for what the thread of the run does next."""
    tick = threading.Event()
    for _ in range(SECONDS * 100):
        if holds():
            return
        tick.wait(0.01)
    raise AssertionError(f"it never came: {said(panel)}")


# ---------------------------------------------------------------- the run


def test_the_default_state_is_visible_and_every_setting_has_a_knob(panel):
    assert list(panel.controls) and set(panel.controls) == {name for names in GROUPS.values() for name in names}
    assert set(panel.controls) == set(Settings.__dataclass_fields__)
    assert "Set the knobs" in said(panel) and not panel.start_button.disabled and panel.stop_button.disabled
    assert panel.figure.data == () and len(panel.schedule.data[0].x) > 1
    assert panel.table.columns == ["run"] and panel.table.rows == []


def test_it_asks_first_and_shows_both_afterwards(panel):
    panel.ask_first.value = True
    panel.start_button.click()
    assert "First say what you expect" in said(panel) and not panel.running and not panel.lab.runs
    panel.foretold.value, panel.foretold_score.value = "breaks", 0.9
    panel.start_button.click()
    panel.wait(SECONDS)
    assert "<b>run 1</b> finished at step" in said(panel) and "You expected: breaks, accuracy 0.90" in said(panel)
    assert panel.foretold.value == UNASKED, "the next run asks anew"
    assert any(note.text == "you expect" for note in panel.figure.layout.annotations)


def test_pause_resume_stop(panel, gate):
    panel.start_button.click()
    gate.release(2)
    panel.pause_button.click()
    gate.release()
    until(panel, lambda: "Paused" in said(panel))
    [run] = panel.lab.runs.values()
    paused_at = run.step
    assert run.state == "paused" and panel.pause_button.description == "Resume" and paused_at <= 3
    assert panel.lab.shelf.weights_file(run.id).exists(), "a clone may begin here"
    assert f"run 1, its weights at step {paused_at}" in [label for label, _ in panel.begin_with.options]
    panel.pause_button.click()
    until(panel, lambda: run.state == "running" and panel.pause_button.description == "Pause")
    gate.release(2)
    until(panel, lambda: run.step >= paused_at + 1)
    panel.stop_button.click()
    gate.release()
    panel.wait(SECONDS)
    assert run.state == "stopped" and paused_at < run.step < run.planned and "stopped at step" in said(panel)
    assert panel.stop_button.disabled and not panel.start_button.disabled


def test_stop_ends_a_paused_run_and_takes_no_further_step(panel, gate):
    panel.start_button.click()
    panel.pause_button.click()
    gate.release()
    until(panel, lambda: "Paused" in said(panel))
    [run] = panel.lab.runs.values()
    step = run.step
    panel.stop_button.click()
    panel.wait(SECONDS)
    assert run.state == "stopped" and run.step == step


def test_pause_pressed_twice_before_the_step_ends_is_no_pause(panel, gate):
    panel.start_button.click()
    for _ in range(2):
        panel.pause_button.click()
    gate.release(100)
    panel.wait(SECONDS)
    [run] = panel.lab.runs.values()
    assert run.state == "finished" and "finished at step" in said(panel)


def test_resume_pressed_while_the_pause_is_being_written_leaves_nothing_paused(panel, gate, monkeypatch):
    checkpoint = panel.lab.checkpoint

    def slowly(run):
        checkpoint(run)
        panel.pause_button.click()

    monkeypatch.setattr(panel.lab, "checkpoint", slowly)
    panel.start_button.click()
    panel.pause_button.click()
    gate.release()
    until(panel, lambda: "goes on" in said(panel))
    [run] = panel.lab.runs.values()
    assert run.state == "running" and panel.pause_button.description == "Pause"
    panel.stop_button.click()
    gate.release()
    panel.wait(SECONDS)


def test_a_second_start_is_refused_kindly(panel, gate):
    panel.start_button.click()
    assert panel.start_button.disabled
    panel.start_button.click()
    assert "under way: stop it first" in said(panel) and len(panel.lab.runs) == 1
    panel.stop_button.click()
    gate.release()
    panel.wait(SECONDS)


def test_an_error_appears_in_the_lab_with_its_remedy(panel, monkeypatch):
    import course_utils.training as training

    def broken(*args, **kwargs):
        yield Record(1, 0.1, 1.0, 1e-3, 1.0, 4, 20, 0.1)
        raise training.CourseError("The loss became nan at step 2. Lower learning_rate=5.")

    monkeypatch.setattr(training, "training_steps", broken)
    panel.start_button.click()
    panel.wait(SECONDS)
    assert "run 1 failed at step 2: The loss became nan at step 2. Lower learning_rate=5." in said(panel)
    assert not panel.start_button.disabled and panel.lab.find("run 1").state == "failed"


def test_an_error_before_the_first_step_is_shown_too(panel):
    panel.controls["labels"].value = panel.controls["labels"].options[0]
    panel.controls["trains"].value = "LoRA"
    panel.lab.trainable = ("all",)
    panel.start_button.click()
    assert "trains='LoRA' is not possible" in said(panel) and not panel.running


def test_closing_stops_what_runs(panel, gate):
    panel.start_button.click()
    gate.release(2)
    threading.Timer(0.05, gate.release, [5]).start()
    panel.close()
    assert not panel.running and panel.lab.find("run 1").state == "stopped"


# ---------------------------------------------------------------- races, clones, the table


def test_a_race_runs_side_by_side(panel):
    panel.race_button.click()
    panel.controls["learning_rate"].value = 1e-3
    panel.race_button.click()
    assert panel.start_button.description == "Start 2" and "In the race" in said(panel)
    panel.start_button.click()
    panel.wait(SECONDS)
    assert [run.state for run in panel.lab.runs.values()] == ["finished"] * 2 and panel.start_button.description == "Start"
    assert {trace.name for trace in panel.figure.data} == {"run 1", "run 2"}
    column = panel.table.columns.index("learning rate")
    assert sum(column in row["differs"] for row in panel.table.rows) == 1


def test_a_race_collected_during_a_run_waits_on_the_button(panel, gate):
    panel.start_button.click()
    panel.race_button.click()
    panel.stop_button.click()
    gate.release(2)
    panel.wait(SECONDS)
    assert panel.start_button.description == "Start 1" and not panel.start_button.disabled
    assert "By its curves nothing can be said yet." in said(panel)


def test_a_race_that_was_collected_can_be_forgotten(panel):
    panel.race_button.click()
    assert not panel.stop_button.disabled
    panel.stop_button.click()
    assert panel.stop_button.disabled and panel.start_button.description == "Start" and "forgotten" in said(panel)


def test_a_clone_takes_settings_and_may_begin_with_weights(panel):
    panel.start_button.click()
    panel.wait(SECONDS)
    panel.take_button.click()
    assert "Press the name of a run" in said(panel)
    panel.take(Settings(labels=8, dropout=0.5))
    panel.table.opened = "0001"
    panel.take_button.click()
    assert panel.settings == panel.lab.find("run 1").settings
    panel.begin_with.value = "0001"
    panel.start_button.click()
    panel.wait(SECONDS)
    assert panel.lab.find("run 2").parent == "0001"


def test_what_another_panel_deleted_is_neither_drawn_nor_begun_with(panel):
    for _ in range(2):
        panel.start_button.click()
        panel.wait(SECONDS)
    panel.begin_with.value = panel.table.opened = "0001"
    panel.lab.delete("run 1")
    panel.start_button.click()
    assert "There is no run '0001'" in said(panel) and not panel.running
    panel.take_button.click()
    assert "There is no run '0001'" in said(panel)
    panel._draw()
    assert {trace.name for trace in panel.figure.data} == {"run 2"} and [row["id"] for row in panel.table.rows] == ["0002"]


def test_star_rename_delete_export(panel, tmp_path):
    for _ in range(2):
        panel.start_button.click()
        panel.wait(SECONDS)
    panel.table.opened = "0002"
    assert panel.name.value == "run 2"
    panel.name.value = "mine"
    assert panel.lab.find("mine").id == "0002" and "mine" in [row["name"] for row in panel.table.rows]
    panel.name.value = "run 1"
    assert "cannot be called 'run 1'" in said(panel) and panel.name.value == "mine"
    panel._message(panel.table, {"star": "0001", "to": True}, None)
    assert panel.lab.find("run 1").starred and panel.table.rows[0]["starred"]
    for kind in ("csv", "json"):
        panel.export_buttons[kind].click()
        assert (tmp_path / f"lab-runs.{kind}").exists() and "2 runs" in said(panel)
    panel.delete_button.click()
    assert panel.name.value == "" and list(panel.lab.runs) == ["0001"] and [row["id"] for row in panel.table.rows] == ["0001"]


def test_it_finds_its_runs_again(panel):
    panel.start_button.click()
    panel.wait(SECONDS)
    later = widgets.TrainingLab(Lab(panel.lab.task, panel.lab.model, folder=panel.lab.shelf.folder))
    assert [row["name"] for row in later.table.rows] == ["run 1"] and later.figure.data
    later.close()


@pytest.mark.parametrize("preset", PRESETS)
def test_the_knobs_can_stand_as_in_each_preset(panel, preset):
    panel.preset.value = list(PRESETS)[-1]
    panel.preset.value = preset
    wanted = Settings(**PRESETS[preset])
    assert panel.settings == wanted.but(labels=panel.settings.labels)


# ---------------------------------------------------------------- pure parts


def test_sorting_keeps_equal_rows_and_puts_empty_ones_last():
    columns, names = [[3.0, float("nan"), 1.0, 1.0], ["b", "a", "d", "c"], [None, 1, 2, None]], ["x", "y", "z"]
    assert sorted_rows(columns, names, ["x", False]) == [2, 3, 0, 1]
    assert sorted_rows(columns, names, ["x", True])[-1] == 1
    assert sorted_rows(columns, names, ["y", True]) == [2, 3, 0, 1]
    assert sorted_rows(columns, names, ["z", False]) == [1, 2, 0, 3] and sorted_rows(columns, names, ["", False]) == [0, 1, 2, 3]
    assert [shown(value) for value in (None, float("nan"), True, 0.123456, 5e-4, 3, "a")] == ["–", "–", "yes", "0.123", "0.0005", "3", "a"]


def test_the_table_marks_what_differs_and_sorts_when_asked():
    table = run_table()
    fill(table, ["1", "2", "3"], ["a", "b", "c"], {"run": ["a", "b", "c"], "rate": [1, 1, 2]}, compared=["rate"], starred=[True, False, False], colours={"2": "red"})
    assert [row["differs"] for row in table.rows] == [[], [], [1]] and table.rows[1]["colour"] == "red"
    table.sort = ["rate", True]
    fill(table, ["1", "2", "3"], ["a", "b", "c"], {"run": ["a", "b", "c"], "rate": [1, 1, 2]}, compared=["rate"], starred=[True, False, False])
    assert [row["id"] for row in table.rows] == ["3", "1", "2"]


def frame(n):
    records = [Record(i + 1, i / 10, 1 / (i + 1), 1e-3, 2.0, 8, 80, 0.01, {"loss": 0.5, "accuracy": 0.7} if i % 5 == 4 else {}) for i in range(n)]
    return History(FEW.config(), records).frame


def test_the_board_is_pure_thin_and_described():
    runs = {"a": frame(10), "none yet": frame(0), "long": frame(1000), "not evaluated": frame(3)}
    figure = board(runs, expected=0.6, guessing=0.69)
    assert figure == board(runs, expected=0.6, guessing=0.69)
    assert max(len(trace.x) for trace in figure.data) <= 2 * MOST_POINTS
    assert "long is at step 1000" in figure.layout.meta["description"] and "none yet has no step" in figure.layout.meta["description"]
    assert [note.text for note in figure.layout.annotations][-2:] == ["guessing", "you expect"]
    assert board({}).data == ()
