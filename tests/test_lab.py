"""The training lab without widgets: runs, races, clones, comparisons, and what is kept of them."""

import json
import math
import os
import random
from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers_tiny import tiny_model, tiny_tokenizer
from safetensors.torch import load_file, save

from course_utils.errors import CourseError
from course_utils.lab import PRESETS, SYMPTOMS, Expected, Lab, Run, Settings, symptom
from course_utils.lab import laboratory as module
from course_utils.runs import Record

FEW = Settings(labels=24, epochs=3, batch_size=4, learning_rate=1e-2)


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """A small checkpoint and a file of rows, which are all the lab needs."""
    folder = tmp_path_factory.mktemp("lab")
    tiny_model("classification").save_pretrained(folder / "tiny")
    tiny_tokenizer().save_pretrained(folder / "tiny")
    draw = random.Random(0)
    rows = []
    for i in range(120):
        label = ("bad", "good")[i % 2]
        rows.append({"text": f"the {draw.choice(['room', 'house', 'street'])} {i} was {label}", "label": label})
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return folder


@pytest.fixture
def lab(places, tmp_path):
    return Lab(places / "rows.jsonl", str(places / "tiny"), folder=tmp_path / "runs")


def again(lab, places):
    return Lab(places / "rows.jsonl", str(places / "tiny"), folder=lab.shelf.folder)


# ---------------------------------------------------------------- runs, and the shelf


def test_a_run_goes_to_its_end_and_is_found_again(lab, places):
    run = lab.run(FEW, name="first", expected=Expected("learns", 0.8), progress=False)
    assert run.state == "finished" and run.step == run.planned == 18
    assert run.metric == "accuracy" and 0 <= run.score <= run.best <= 1 and run.examples_per_second > 0
    assert run.guessing == pytest.approx(math.log(2), abs=0.05)
    [found] = again(lab, places).runs.values()
    assert found.to_json() == run.to_json() and found.frame.equals(run.frame)
    assert found.settings == FEW and found.expected == Expected("learns", 0.8)


def test_a_run_that_was_under_way_when_the_kernel_died_is_called_interrupted(lab, places):
    run, records = lab.prepare(FEW)
    steps = lab.by_turns([(run, records)])
    next(steps)
    lab.save(run)
    found = again(lab, places).runs[run.id]
    assert found.state == "interrupted" and found.step == 1
    steps.close()
    assert run.state == "stopped" and again(lab, places).runs[run.id].state == "stopped"


@pytest.mark.parametrize("text", [" ", "{", "[]", '{"version": 99}', '{"version": 1}', "\x00\xff"])
def test_a_file_that_is_no_run_is_named_and_left_alone(lab, places, text):
    kept = lab.run(FEW, progress=False)
    broken = lab.shelf.folder / "0007.json"
    broken.write_text(text, encoding="latin-1")
    with pytest.warns(UserWarning, match=r"0007\.json cannot be read"):
        assert list(again(lab, places).runs) == [kept.id]
    assert broken.read_text(encoding="latin-1") == text


def test_a_copy_that_a_synchroniser_made_is_no_run(lab, places):
    kept = lab.run(FEW.but(epochs=1), progress=False)
    (lab.shelf.folder / "0001 (conflict).json").write_text(kept.to_json())
    assert list(again(lab, places).runs) == [kept.id] and lab.prepare(FEW)[0].name == "run 2"


def test_what_is_kept_is_strict_json(lab):
    def refuse(name):
        raise AssertionError(f"{name} is no JSON")

    run, _ = lab.prepare(FEW.but(batch_size=np.int64(4)))
    run.records.append(Record(1, 0.1, math.nan, 1e-3, math.inf, 4, 20, 0.1, {"loss": math.nan, "accuracy": np.float32(0.5)}))
    text = run.to_json()
    json.loads(text, parse_constant=refuse)
    [record] = Run.from_json(text).records
    assert math.isnan(record.loss) and math.isnan(record.validation["loss"]) and record.validation["accuracy"] == 0.5


def test_a_record_that_comes_while_the_run_is_written_waits_for_the_next_time(lab):
    record = Record(1, 0.1, 1.0, 1e-3, 1.0, 4, 20, 0.1)

    class Growing(list):
        def __iter__(self):
            yield from list(super().__iter__())
            self.append(record)

    run, _ = lab.prepare(FEW)
    run.records = Growing([record])
    assert len(Run.from_json(run.to_json()).records) == 1


def test_two_programs_in_one_folder_take_no_number_twice(lab, places):
    other = again(lab, places)
    ids = [each.prepare(FEW)[0].id for each in (lab, other, other, lab)]
    assert ids == ["0001", "0002", "0003", "0004"] and list(again(lab, places).runs) == ids
    (lab.shelf.folder / "0005.json").touch()  # taken by a third, which has written nothing yet
    assert lab.prepare(FEW)[0].id == "0006" and "0005" not in again(lab, places).runs


def test_a_number_that_another_takes_at_the_same_time_is_passed_over(lab, monkeypatch):
    lab.shelf.folder.mkdir()
    (lab.shelf.folder / "0001.json").touch()
    monkeypatch.setattr(type(lab.shelf), "_ids", lambda _: [])  # as if it had come after the look
    assert lab.prepare(FEW)[0].id == "0002"


def test_a_run_that_never_began_can_be_deleted(lab, places):
    run, _ = lab.prepare(FEW)
    assert again(lab, places).runs[run.id].state == "interrupted"
    lab.delete(run)
    assert not lab.runs and not list(lab.shelf.folder.iterdir())


def test_numbers_are_not_used_twice(lab, places):
    for _ in range(2):
        lab.run(FEW.but(epochs=1), progress=False)
    lab.delete("run 1")
    assert lab.run(FEW.but(epochs=1), progress=False).name == "run 3"
    assert again(lab, places).prepare(FEW)[0].name == "run 4"


def test_a_full_disk_is_said_and_training_goes_on(lab, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.warns(UserWarning, match="No space left on device"):
        run = lab.run(FEW, progress=False)
    assert run.state == "finished"
    assert [(file.name, file.stat().st_size) for file in lab.shelf.folder.iterdir()] == [("0001.json", 0)]


def test_nothing_half_written_stays(lab, places, monkeypatch):
    run, _ = lab.prepare(FEW)

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("os.replace", interrupted)
        lab.rename(run, "mine")
    old, new = (lab.shelf.folder / f".0001-{age}.safetensors" for age in ("old", "new"))
    for draft in (old, new):
        draft.touch()
    os.utime(old, (0, 0))  # of a program that was killed
    again(lab, places)
    assert {file.name for file in lab.shelf.folder.iterdir()} == {"0001.json", new.name}


def test_only_the_newest_weights_and_those_of_starred_runs_stay(lab, monkeypatch):
    monkeypatch.setattr(module, "KEPT_WEIGHTS", 2)
    first, *_ = [lab.run(FEW.but(epochs=1), progress=False) for _ in range(2)]
    lab.star(first)
    rest = [lab.run(FEW.but(epochs=1), progress=False) for _ in range(2)]
    assert {file.stem for file in lab.shelf.folder.glob("*.safetensors")} == {first.id, *(run.id for run in rest)}
    with pytest.raises(CourseError, match="weights of 'run 2' are not kept"):
        lab.model_of("run 2")


def test_weights_fill_no_disk_and_what_another_program_starred_stays(lab, places, monkeypatch):
    monkeypatch.setattr(module, "KEPT_BYTES", 1)
    first = lab.run(FEW.but(epochs=1), progress=False)
    again(lab, places).star(first.id)
    rest = [lab.run(FEW.but(epochs=1), progress=False) for _ in range(2)]
    assert {file.stem for file in lab.shelf.folder.glob("*.safetensors")} == {first.id, rest[-1].id}


def test_weights_that_do_not_fit_are_named(lab):
    run = lab.run(FEW.but(epochs=1), progress=False)
    file = lab.shelf.weights_file(run.id)
    weights = {name: torch.zeros(3) for name in load_file(file)}
    for content in (save(weights), b"nonsense"):
        file.write_bytes(content)
        with pytest.raises(CourseError, match=r"0001\.safetensors cannot be read, or are of another model"):
            lab.model_of(run)


def test_rename_and_delete(lab):
    run = lab.run(FEW.but(epochs=1), progress=False)
    other, records = lab.prepare(FEW)
    steps = lab.by_turns([(other, records)])
    next(steps)
    with pytest.raises(CourseError, match="under way"):
        lab.delete(other)
    steps.close()
    lab.rename(run, "  a good one ")
    assert lab.find("a good one") is run
    assert lab.prepare(FEW, name="a good one")[0].name == "a good one (3)", "names stay apart"
    for name in ("", "run 2"):
        with pytest.raises(CourseError, match="cannot be called"):
            lab.rename(run, name)
    lab.delete(run)
    with pytest.raises(CourseError, match="no run 'a good one'"):
        lab.find("a good one")
    assert not list(lab.shelf.folder.glob(f"{run.id}*"))


# ---------------------------------------------------------------- races and clones


def losses(run):
    return [record.loss for record in run.records]


def test_racing_changes_nothing_but_the_order(lab):
    settings = [FEW, FEW.but(learning_rate=1e-3, dropout=0.3), FEW.but(seed=1, batch_size=8, accumulate=2)]
    raced = lab.race(settings, progress=False)
    alone = [lab.run(each, progress=False) for each in settings]
    for a, b in zip(raced, alone):
        assert losses(a) == losses(b) and a.scores() == b.scores()
    assert losses(raced[0]) != losses(raced[1])


def test_by_turns_makes_a_step_of_each(lab):
    jobs = [lab.prepare(FEW.but(epochs=1)), lab.prepare(FEW.but(epochs=2))]
    names = [run.name for run in lab.by_turns(jobs)]
    assert names == ["run 1", "run 2"] * 6 + ["run 2"] * 6


def test_a_run_that_begins_takes_nothing_from_one_under_way(lab, monkeypatch):
    """A cell may train while a panel's thread does: accelerate's state, which both read, must stay."""
    from accelerate.state import AcceleratorState

    steps = lab.by_turns([lab.prepare(FEW)])
    next(steps)
    monkeypatch.setattr(AcceleratorState, "_reset_state", lambda *_: pytest.fail("the other run stands without a device"))
    lab.run(FEW.but(epochs=1), progress=False)
    steps.close()


def test_a_run_that_fails_says_why_and_leaves_the_others_alone(lab):
    def broken():
        yield Record(1, 0.1, 1.0, 1e-3, 1.0, 4, 20, 0.1)
        raise RuntimeError("the kettle exploded")

    good, records = lab.prepare(FEW.but(epochs=1))
    bad, _ = lab.prepare(FEW)
    for _ in lab.by_turns([(bad, broken), (good, records)]):
        pass
    assert (good.state, bad.state) == ("finished", "failed")
    assert bad.error == "RuntimeError: the kettle exploded" and bad.symptom == "breaks" and bad.step == 1


@pytest.mark.parametrize("trains", ["all", "LoRA"])
def test_a_warm_clone_begins_with_the_weights_of_its_parent(lab, trains):
    parent = lab.run(FEW.but(trains=trains), progress=False)
    still = dict(learning_rate=1e-12, weight_decay=0.0, epochs=1, trains="all")
    warm = lab.clone(parent, warm=True, progress=False, **still)
    fresh = lab.clone(parent, progress=False, **still)
    assert warm.parent == parent.id and warm.parent_step == parent.step and fresh.parent == ""
    of = {name: torch.cat([p.flatten() for p in lab.model_of(run).parameters()]) for name, run in
          {"parent": parent, "warm": warm, "fresh": fresh}.items()}  # fmt: skip
    assert torch.allclose(of["warm"], of["parent"], atol=1e-6)
    assert (of["fresh"] - of["parent"]).abs().max() > 1e-3


def test_the_weights_of_a_stopped_run_are_those_of_its_last_step(lab):
    run, records = lab.prepare(FEW)
    steps = lab.by_turns([(run, records)])
    for _ in range(3):
        next(steps)
    lab.checkpoint(run)
    assert lab.shelf.weights_file(run.id).exists()
    steps.close()
    assert run.step == 3 and lab.model_of(run) is not None and not lab._under_way


# ---------------------------------------------------------------- settings


def test_rows_to_go_wrong_with(lab):
    labels = lab.rows_for(FEW.but(rows="sorted by label")).labels.tolist()
    assert labels == sorted(labels) and len(labels) == 24
    assert len(set(lab.rows_for(FEW.but(rows="one class")).labels.tolist())) == 1
    leaking = lab.rows_for(FEW.but(rows="with the validation rows"))
    assert len(leaking) == 24 + len(lab.validation)
    assert leaking.batch([len(leaking) - 1])["input_ids"].tolist() == lab.validation.batch([len(lab.validation) - 1])["input_ids"].tolist()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"learning_rte": 1}, "did you mean 'learning_rate'"),
        ({"learning_rate": 0}, "trains nothing"),
        ({"dropout": 1.0}, "dropout=1.0 must be"),
        ({"rows": "as drawm"}, "did you mean 'as drawn'"),
        ({"trains": "last 0"}, 'trains=\'last 0\' is unknown: use "all"'),
        ({"trains": 2}, 'trains=2 is unknown: use "all"'),
        ({"dropout": "much"}, "dropout='much' must be"),
        ({"labels": 0}, "labels=0 must be a whole number"),
        ({"schedule": "cosin"}, "did you mean 'cosine'"),
    ],
)
def test_settings_that_cannot_be_are_refused(wrong, says):
    for make in (lambda: Settings(**wrong), lambda: FEW.but(**wrong)):
        with pytest.raises(CourseError, match=says):
            make()


def test_what_this_lab_cannot_do_is_refused_before_anything_is_kept(lab):
    with pytest.raises(CourseError, match="there are .* labelled rows here"):
        lab.run(FEW.but(labels=1000), progress=False)
    with pytest.raises(CourseError, match="trains='last 7' is not possible"):
        lab.run(FEW.but(trains="last 7"), progress=False)
    with pytest.raises(CourseError, match="trains='last 7' is not possible"):
        lab.race([FEW, FEW.but(trains="last 7")], progress=False)
    assert not lab.runs and not lab.shelf.folder.exists()


# ---------------------------------------------------------------- comparing


def test_compare_shows_the_settings_that_differ(lab, tmp_path):
    lab.race([FEW, FEW.but(learning_rate=1e-3)], progress=False)
    table = lab.compare()
    assert list(table["run"]) == ["run 1", "run 2"] and list(table["learning_rate"]) == [1e-2, 1e-3]
    assert "dropout" not in table and list(lab.compare(["run 2"])["run"]) == ["run 2"]
    lines = lab.export(tmp_path / "runs.csv").read_text().splitlines()
    assert len(lines) == 3 and "dropout" in lines[0]
    assert [len(run["records"]["loss"]) for run in json.loads(lab.export(tmp_path / "runs.json").read_text())] == [18, 18]
    with pytest.raises(CourseError, match=r"should end in \.csv"):
        lab.export(tmp_path / "runs.xls")
    assert len(Lab.compare(lab, [])) == 0
    with pytest.raises(CourseError, match="no run to export"):
        lab.export(tmp_path / "runs.csv", [])
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(CourseError, match="folder.csv' cannot be written here"):
        lab.export(tmp_path / "folder.csv")


# ---------------------------------------------------------------- symptoms


def curve(training, validation, epochs=4):
    """Records with these losses; validation evenly spread."""
    every, n = len(training) // len(validation), len(training)
    return [
        Record(i + 1, (i + 1) * epochs / n, loss, 1e-3, 1.0, 8, 80, 0.01,
               {"loss": validation[(i + 1) // every - 1]} if (i + 1) % every == 0 else {})
        for i, loss in enumerate(training)
    ]  # fmt: skip


def with_accuracy(accuracy):
    """Rows known by heart: training loss near 0, validation loss above that of guessing, whatever the accuracy."""
    records = curve([max(0.01, 0.7 - i / 30) for i in range(40)], [0.8, 0.75, 0.8, 0.9, 1.0])
    return [replace(r, validation={**r.validation, "accuracy": accuracy} if r.validation else {}) for r in records]


DOWN = [0.7 - 0.4 * i / 39 for i in range(40)]
NOISY = [0.7 + 0.05 * (-1) ** (i * i // 3) for i in range(40)]
CURVES = {
    "learns": (DOWN, [0.65, 0.5, 0.42, 0.4, 0.41]),
    "learns by heart": ([max(0.01, 0.7 - i / 30) for i in range(40)], [0.6, 0.45, 0.5, 0.6, 0.8]),
    "learns nothing": (NOISY, [0.7, 0.69, 0.72, 0.7, 0.7]),
    "breaks": ([0.7 + i / 10 for i in range(40)], [0.7, 1, 2, 3, 4]),
    "repeats itself": ([1.0 - 0.01 * (i // 10) - 0.15 * (i % 5) for i in range(40)], [0.65, 0.5, 0.45, 0.4, 0.4]),
    "too good": ([max(0.1, 0.7 - i / 40) for i in range(40)], [0.5, 0.3, 0.2, 0.1, 0.05]),
}


@pytest.mark.parametrize("name", SYMPTOMS)
def test_each_symptom_is_recognised(name):
    training, validation = CURVES[name]
    assert symptom(curve(training, validation), guessing=math.log(2)) == name


def test_too_little_says_nothing_and_a_number_lost_breaks():
    assert symptom([]) == "" and symptom(curve(DOWN[:10], [0.6, 0.5])) == ""
    assert symptom([], failed=True) == "breaks"
    assert symptom(with_accuracy(0.6), guessing=math.log(2), most_frequent=0.5) == "learns nothing"
    assert symptom(with_accuracy(0.8), guessing=math.log(2), most_frequent=0.5) == "learns by heart"
    assert symptom(curve([*DOWN[:-1], math.nan], [0.6, 0.5, 0.5, 0.5])) == "breaks"
    assert symptom(curve(NOISY, [0.7, 0.69, 0.72, 0.7, 0.7])) != "learns nothing", "what guessing gives is not known"


def test_presets_are_settings():
    assert Settings(**PRESETS["sensible"]) == Settings() and len({Settings(**preset) for preset in PRESETS.values()}) == 6
