"""A run that was broken off goes on bit for bit; nothing that is damaged or hostile is ever gone on from."""

import errno
import json
import math
import os
import pickle
import random
import shutil
import subprocess
import sys
import warnings
from dataclasses import astuple, replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from test_training import Scripted, rows, tiny, weights

from course_utils import checkpointing
from course_utils.adaptation import add_lora, discriminative_groups, gradual_unfreezing, train_last_layers
from course_utils.checkpointing import (
    MANIFEST,
    Checkpoints,
    DamagedCheckpoint,
    KeptWeights,
    RunState,
    read_checkpoint,
    write_checkpoint,
)
from course_utils.devices import RowsAtOnce, seed_step
from course_utils.errors import CourseError
from course_utils.losses import loss_for
from course_utils.training import TrainConfig, make_optimizer, train, training_steps

CONFIG = TrainConfig(epochs=3, batch_size=8, learning_rate=3e-3)  # 12 steps on 32 rows
DATA, VALIDATION = rows(32), rows(12, seed=1)


def what_happened(records):
    """All but the seconds."""
    return [astuple(replace(record, seconds=0.0)) for record in records]


def steps_in(folder):
    return sorted(int(path.name[5:]) for path in folder.iterdir() if path.name.startswith("step-"))


def broken_off(model, config, after, folder, every=1, **how):
    """A run that ends without a word after so many steps, as a killed one does for the next."""
    records = training_steps(
        model, DATA, config, checkpoints=Checkpoints(folder, every=every), resume=True, **how
    )
    return list(islice(records, after))


# ---------------------------------------------------------------- bit for bit


def lora():
    return add_lora(tiny(family="Bert", dropout=0.1), rank=2, dropout=0.2), {}


def unfreezing():
    model = tiny(family="Bert", dropout=0.1)
    return model, {"before_step": gradual_unfreezing(model, steps_per_stage=3)}


def unfreezing_once():
    model = tiny(dropout=0.1)
    model.model.requires_grad_(False)
    return model, {"before_step": lambda step, model: model.requires_grad_(True) if step == 4 else None}


def upper_layer():
    model = tiny(family="Bert", dropout=0.1)
    train_last_layers(model, 1)
    return model, {"parameter_groups": discriminative_groups(model, 0.5)}


def plain():
    return tiny(dropout=0.2), {}


class Statistics(torch.nn.Module):
    """A classifier with a buffer that training changes, and noise from all global generators."""

    def __init__(self):
        super().__init__()
        self.inside, self.norm = tiny(), torch.nn.BatchNorm1d(3)

    def forward(self, **batch):
        output = self.inside(**batch)
        noise = (np.random.rand() + random.random()) if self.training else 0.0
        output.logits = self.norm(output.logits) + 0.1 * noise
        return output


def with_buffers():
    np.random.seed(0), random.seed(0), torch.manual_seed(0)
    return Statistics(), {}


VARIANTS = {
    "dropout and warm-up": (plain, CONFIG, {}),
    "accumulation": (plain, replace(CONFIG, accumulate=3, token_budget=60, batch_size=None), {}),
    "best weights": (plain, replace(CONFIG, evaluate_every=2), {"validation": VALIDATION}),
    "patience": (plain, replace(CONFIG, evaluate_every=2, patience=4),
                 {"validation": VALIDATION, "metric": lambda *_: {"score": 0.5}}),
    "last weights": (plain, replace(CONFIG, keep_best=False, schedule="cosine"), {"validation": VALIDATION}),
    "gradual unfreezing": (unfreezing, CONFIG, {"validation": VALIDATION}),
    "unfreezing once": (unfreezing_once, CONFIG, {}),
    "LoRA": (lora, CONFIG, {"validation": VALIDATION}),
    "frozen layers, groups": (upper_layer, CONFIG, {}),
    "buffers and generators": (with_buffers, CONFIG, {}),
    "bf16": (plain, replace(CONFIG, precision="bf16"), {}),
}  # fmt: skip


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_broken_run_ends_like_an_unbroken_one(variant, tmp_path):
    make, config, how = VARIANTS[variant]
    model, own = make()
    expected = train(model, DATA, config, **how, **own)
    for after, every in [
        (1, 1),
        (5, 2),
        (8, 1),
    ]:  # each break is worked through by a new model, as in a new process
        again, own = make()
        seen = broken_off(again, config, after, tmp_path, every, **how, **own)
        assert what_happened(seen) == what_happened(expected.records[:after])
        assert every > 1 or steps_in(tmp_path)[-1] == after  # saved before anyone saw the record
    last, own = make()
    random.seed(5), np.random.seed(5)
    history = train(last, DATA, config, checkpoints=tmp_path, resume=True, **how, **own)
    assert what_happened(history.records) == what_happened(expected.records)
    assert torch.equal(weights(last), weights(model)) and not last.training
    assert all(map(torch.equal, last.buffers(), model.buffers()))
    assert [p.requires_grad for p in last.parameters()] == [p.requires_grad for p in model.parameters()]


def test_saving_changes_nothing(tmp_path):
    model, other = tiny(dropout=0.2), tiny(dropout=0.2)
    plain = train(model, DATA, CONFIG)
    saved = train(other, DATA, CONFIG, checkpoints=Checkpoints(tmp_path, every=1))
    assert what_happened(saved.records) == what_happened(plain.records)
    assert torch.equal(weights(other), weights(model))


def test_a_finished_run_is_there_at_once(tmp_path):
    config = replace(CONFIG, evaluate_every=2, patience=2, learning_rate=0.05)
    metric = Scripted(tiny(), 0.1, 0.9, 0.3, 0.2)
    first = train(metric.model, DATA, config, validation=VALIDATION, metric=metric, checkpoints=tmp_path)
    assert len(first.records) == 8  # patience ran out
    again, seen = tiny(seed=3), []
    history = train(again, DATA, config, validation=VALIDATION, checkpoints=tmp_path, resume=True,
                    on_record=seen.append)  # fmt: skip
    assert history.records == first.records == seen  # the seconds as well: nothing was computed again
    assert torch.equal(weights(again), weights(metric.model)) and torch.equal(weights(again), metric.seen[1])


def test_a_failure_after_a_break_brings_the_same_sound_weights_back(tmp_path):
    """Also when the first step after the break is the one that fails."""
    config, steps, results = replace(CONFIG, evaluate_every=3), [], []

    def loss(model, batch):
        steps.extend([len(steps) + 1] if model.training else [])
        return loss_for("classification")(model, batch) * (
            math.nan if steps[-1] == 8 and model.training else 1
        )

    for after in (0, 6, 7):
        how, model = {"validation": VALIDATION, "loss": loss}, tiny()
        if after:
            broken_off(tiny(), config, after, tmp_path / str(after), **how)
            how |= {"checkpoints": tmp_path / str(after), "resume": True}
        with pytest.raises(CourseError, match="loss became nan at step 8; the weights after step 6"):
            train(model, DATA, config, **how)
        results.append(weights(model))
        steps.clear()
    assert torch.equal(results[0], results[1]) and torch.equal(results[0], results[2])


# ---------------------------------------------------------------- killed


KILLED = """
import json, os, random, signal, sys, time
sys.path.insert(0, {tests!r})
import torch
torch.set_num_threads(1)
from test_training import rows, tiny, weights
from course_utils.checkpointing import Checkpoints
from course_utils.training import TrainConfig, train

data, validation = rows(32), rows(8, seed=1)
config = TrainConfig(epochs=6, batch_size=8, learning_rate=3e-3, evaluate_every=5)

def run(model, folder=None):
    history = train(model, data, config, validation=validation, resume=folder is not None,
                    checkpoints=folder and Checkpoints(folder, every=2), progress=False)
    return [[[r.step, r.loss, r.grad_norm, r.validation] for r in history.records], weights(model).tolist()]

expected = json.dumps(run(tiny(dropout=0.2)))
fresh = tiny(dropout=0.2)  # each child gets a copy of it
moments, kills, folder, unequal = random.Random(0), 0, 0, 0
while kills < 50:
    child = os.fork()
    if child == 0:
        result = json.dumps(run(fresh, f"{{sys.argv[1]}}/{{folder}}"))
        os._exit(0 if result == expected else 1)
    time.sleep(moments.uniform(0.005, 0.2))
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        kills += 1
    else:  # it had ended: the next kills are for a new run
        unequal += status != 0
        folder += 1
unequal += json.dumps(run(fresh, f"{{sys.argv[1]}}/{{folder}}")) != expected
print(json.dumps({{"kills": kills, "runs": folder + 1, "unequal": unequal}}))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_fifty_kills_change_nothing(tmp_path):
    """SIGKILL at 50 moments, in steps, while saving, while reading: each run ends with the bits of the unbroken one."""
    script = tmp_path / "killed.py"
    script.write_text(KILLED.format(tests=str(Path(__file__).parent)))
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path)], capture_output=True, text=True, timeout=300,
        env=os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["kills"] == 50 and report["unequal"] == 0, (report, done.stderr[-2000:])
    assert "damaged" not in done.stderr.lower()  # half a checkpoint never stands under its name


# ---------------------------------------------------------------- damaged or hostile


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """A folder with the checkpoints of steps 5 and 6 of a run of twelve, and how that run ends unbroken."""
    folder, model = tmp_path_factory.mktemp("two"), tiny(dropout=0.2)
    broken_off(tiny(dropout=0.2), CONFIG, 6, folder)
    assert steps_in(folder) == [5, 6]
    history = train(model, DATA, CONFIG)
    return folder, what_happened(history.records), weights(model)


@pytest.fixture
def copy(two, tmp_path):
    return Path(shutil.copytree(two[0], tmp_path / "run"))


def resumed_after(folder, **how):
    """Which step a new process would go on after, and what it says."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        next(training_steps(tiny(dropout=0.2), DATA, CONFIG, checkpoints=folder, resume=True, **how))
    told = (folder / "log.txt").read_text().splitlines()[-1]
    assert not said or str(said[0].message) in told  # in the record of what happened as well
    step = int(told.rpartition("step ")[2].rstrip(".")) if "goes on after" in told else 0
    return step, " ".join(str(each.message) for each in said)


def write_manifest(folder):
    """As somebody would who wants a changed file to pass."""
    files = {
        path.name: checkpointing._facts(path.read_bytes())
        for path in folder.iterdir()
        if path.name != MANIFEST
    }
    (folder / MANIFEST).write_text(json.dumps({"format": 1, "files": files}))


FILES = sorted([*checkpointing._FILES, MANIFEST])


def test_an_undamaged_run_goes_on_without_a_word(copy):
    assert resumed_after(copy) == (6, "")


@pytest.mark.parametrize("name", FILES)
def test_a_truncated_file_is_noticed(name, copy):
    content = (copy / "step-00000006" / name).read_bytes()
    for length in (0, len(content) // 2, len(content) - 1):
        (copy / "step-00000006" / name).write_bytes(content[:length])
        with pytest.raises(DamagedCheckpoint):
            read_checkpoint(copy / "step-00000006")
    step, said = resumed_after(copy)
    assert step == 5 and ("that of step 6 (" if name == MANIFEST else f"that of step 6 ({name}") in said
    (copy / "step-00000006" / name).unlink()
    assert resumed_after(copy)[0] == 5


def test_a_flipped_bit_is_noticed(two):
    folder, random = two[0] / "step-00000006", np.random.default_rng(0)
    whole = read_checkpoint(folder)
    for name in FILES:
        path = folder / name
        content = path.read_bytes()
        for place in random.integers(0, 8 * len(content), size=200 if name == MANIFEST else 6):
            flipped = bytearray(content)
            flipped[place // 8] ^= 1 << (place % 8)
            path.write_bytes(flipped)
            with pytest.raises(DamagedCheckpoint):
                read_checkpoint(folder)
        path.write_bytes(content)
    groups, values = read_checkpoint(folder)
    assert values == whole[1] and {name: set(group) for name, group in groups.items()} == {
        name: set(group) for name, group in whole[0].items()
    }


def test_a_run_with_a_damaged_newest_checkpoint_ends_like_an_unbroken_one(copy, two):
    path = copy / "step-00000006" / "optimizer.safetensors"
    path.write_bytes(path.read_bytes()[:-7] + b"changed")
    model = tiny(dropout=0.2)
    with pytest.warns(UserWarning, match=r"step 6 \(optimizer.safetensors is not as .* goes on after step 5"):
        history = train(model, DATA, CONFIG, checkpoints=Checkpoints(copy, every=6), resume=True)
    assert what_happened(history.records) == two[1] and torch.equal(weights(model), two[2])
    assert steps_in(copy) == [6, 12] and read_checkpoint(copy / "step-00000006")  # a good one took its place


def test_with_no_good_checkpoint_the_run_begins_anew_and_says_so(copy, two):
    for step in (5, 6):
        values = json.loads((copy / f"step-0000000{step}" / "state.json").read_text())
        values["state"]["random"]["numpy"] = ["no generator", 3]  # found late, with the right SHA-256
        (copy / f"step-0000000{step}" / "state.json").write_text(json.dumps(values))
        write_manifest(copy / f"step-0000000{step}")
    model = tiny(dropout=0.2)
    with pytest.warns(UserWarning, match="that of step 6.*that of step 5.* begins anew"):
        history = train(model, DATA, CONFIG, checkpoints=copy, resume=True)
    assert what_happened(history.records) == two[1] and torch.equal(weights(model), two[2])
    assert steps_in(copy) == [12]


class Evil:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


@pytest.mark.parametrize(
    "name", ["pytorch_model.bin", "model.pkl", "optimizer.pt", *sorted(checkpointing._FILES)]
)
@pytest.mark.parametrize("listed", [False, True])
def test_a_planted_pickle_is_never_opened(name, listed, copy, tmp_path):
    for bomb in (pickle.dumps(Evil(tmp_path / "ran")), zipped(Evil(tmp_path / "ran"), tmp_path)):
        (copy / "step-00000006" / name).write_bytes(bomb)
        if listed:
            write_manifest(copy / "step-00000006")
        step, said = resumed_after(copy)
        assert step == 5 and "Damaged checkpoints" in said and not (tmp_path / "ran").exists()
        assert name in checkpointing._FILES or f"{name} is no file of a checkpoint and was not opened" in said


def zipped(bomb, folder):
    torch.save(bomb, folder / "bomb.pt")
    return (folder / "bomb.pt").read_bytes()


@pytest.mark.parametrize("planted", ["link", "folder", "path outside", "format", "no list", "nested"])
def test_other_hostile_checkpoints_are_left_out(planted, copy, tmp_path):
    newest = copy / "step-00000006"
    manifest = json.loads((newest / MANIFEST).read_text())
    if planted == "link":
        (newest / "state.json").rename(tmp_path / "outside.json")
        (newest / "state.json").symlink_to(tmp_path / "outside.json")
    elif planted == "folder":
        (newest / "model.safetensors").unlink()
        (newest / "model.safetensors").mkdir()
    elif planted == "path outside":
        manifest["files"]["../../secret"] = manifest["files"].pop("state.json")
    elif planted == "format":
        manifest["format"] = 2
    elif planted == "no list":
        manifest["files"] = "all of them"
    (newest / MANIFEST).write_text("[" * 100_000 if planted == "nested" else json.dumps(manifest))
    assert resumed_after(copy)[0] == 5


@pytest.mark.parametrize(
    "change",
    [
        lambda values: values.update(records=values["records"][:-1]),
        lambda values: values.update(records=[{"step": 1}] * 6),
        lambda values: values.pop("identity"),
        lambda values: values["state"].pop("frozen"),
        lambda values: values.update(state=None),
    ],
)
def test_a_state_that_makes_no_sense_is_left_out(change, copy):
    path = copy / "step-00000006" / "state.json"
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))
    write_manifest(copy / "step-00000006")
    assert resumed_after(copy)[0] == 5


@pytest.mark.parametrize("group, key", [("model", "classifier.weight"), ("optimizer", "classifier.weight/exp_avg"),
                                        ("sound", "classifier.weight")])  # fmt: skip
def test_tensors_that_do_not_fit_are_left_out(group, key, copy):
    newest = copy / "step-00000006"
    groups, values = read_checkpoint(newest)
    for tensor in (torch.zeros(1), groups[group][key].double(), None):
        changed = {**groups, group: {**groups[group], key: tensor}}
        if tensor is None:
            del changed[group][key]
        shutil.rmtree(newest)
        write_checkpoint(newest, changed, values)
        assert resumed_after(copy)[0] == 5


def test_a_drive_that_does_not_answer_is_no_damage(copy, monkeypatch):
    def read(path):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Path, "read_bytes", read)
    with pytest.raises(
        CourseError, match="step 6 in .* cannot be read .Input/output error., and nothing was changed"
    ):
        train(tiny(dropout=0.2), DATA, CONFIG, checkpoints=copy, resume=True)
    assert steps_in(copy) == [5, 6]


# ---------------------------------------------------------------- whose run


def frozen_encoder(seed=0):
    model = tiny(seed=seed)
    model.model.requires_grad_(False)
    return model


@pytest.mark.parametrize(
    "other, message",
    [
        ({"config": replace(CONFIG, learning_rate=1e-3)}, "learning_rate=0.003 where this one has 0.001"),
        ({"config": replace(CONFIG, epochs=4)}, "epochs=3 where this one has 4"),
        ({"data": rows(31)}, "training rows='32 rows"),
        ({"data": replace(DATA, labels=DATA.labels[::-1].copy())}, "training rows="),
        ({"validation": VALIDATION}, "validation rows=None"),
        ({"model": tiny(family="Bert")}, "weights to train="),
        ({"model": frozen_encoder(seed=1)}, "frozen weights="),
        ({"loss": "entities"}, "loss=None where this one has 'entities'"),
    ],
)
def test_another_run_is_refused_in_one_sentence(other, message, tmp_path):
    this = {"model": frozen_encoder(), "data": DATA, "config": CONFIG}
    list(islice(training_steps(**this, checkpoints=Checkpoints(tmp_path, every=1)), 2))
    before = weights(frozen_encoder())
    with pytest.raises(CourseError, match="holds another run, with .*" + message) as error:
        train(**(this | other), checkpoints=tmp_path, resume=True)
    assert "\n" not in str(error.value) and str(error.value)[-1] == "."
    assert torch.equal(weights(frozen_encoder()), before) and steps_in(tmp_path) == [1, 2]


def test_arguments_that_cannot_be(copy, tmp_path):
    with pytest.raises(CourseError, match="got to step 6: continue it with resume=True"):
        train(tiny(), DATA, CONFIG, checkpoints=copy)
    with pytest.raises(CourseError, match="resume=True needs the folder"):
        train(tiny(), DATA, CONFIG, resume=True)
    (tmp_path / "file").write_text("")
    with pytest.raises(CourseError, match="cannot be kept in .*file"):
        train(tiny(), DATA, CONFIG, checkpoints=tmp_path / "file")
    for wrong in ({"every": 0}, {"keep": 0}, {"every": 2.5}, {"keep": True}):
        with pytest.raises(CourseError, match="must be a whole number, 1 or more"):
            Checkpoints("run", **wrong)


# ---------------------------------------------------------------- what is kept, what is written


def test_the_last_and_the_best_stay(tmp_path):
    metric = Scripted(tiny(), 0.1, 0.9, 0.3, 0.2, 0.1, 0.0)
    config = replace(CONFIG, evaluate_every=2)
    folder = Checkpoints(tmp_path, every=1, keep=3)
    records = training_steps(metric.model, DATA, config, validation=DATA, metric=metric, checkpoints=folder)
    there = [steps_in(tmp_path) for _ in records]
    assert (
        there[4] == [3, 4, 5]
        and there[5] == [4, 5, 6]
        and there[6] == [4, 5, 6, 7]
        and there[11] == [4, 10, 11, 12]
    )
    best = read_checkpoint(tmp_path / "step-00000004")[0]["model"]
    other = tiny(seed=1)
    other.load_state_dict(
        {name: each for name, each in best.items() if not name.startswith("buffer ")}, strict=False
    )
    assert torch.equal(weights(other), metric.seen[1])  # by the model's own names: anyone can load it


def test_a_full_disk_costs_a_warning_and_no_checkpoint(tmp_path, monkeypatch):
    real, full = checkpointing._write, []

    def write(path, content):
        if full and path.name != "model.safetensors":
            path.write_bytes(content[: len(content) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(path, content)

    monkeypatch.setattr(checkpointing, "_write", write)
    model, expected = tiny(dropout=0.2), tiny(dropout=0.2)
    records = training_steps(model, DATA, CONFIG, checkpoints=Checkpoints(tmp_path, every=2))
    seen = list(islice(records, 5))
    full.append(True)
    with pytest.warns(UserWarning) as said:
        seen += islice(records, 3)
    for each, step in zip(said, (6, 8), strict=True):
        assert f"No checkpoint of step {step} could be written" in str(each.message)
        assert "No space left on device); the last one is of step 4, and training goes on" in str(
            each.message
        )
    assert steps_in(tmp_path) == [2, 4] and read_checkpoint(tmp_path / "step-00000004")
    assert "No checkpoint of step 8" in (tmp_path / "log.txt").read_text()
    assert not list(tmp_path.glob(".*"))  # nothing half-written
    full.clear()
    seen += records
    assert what_happened(seen) == what_happened(train(expected, DATA, CONFIG).records)
    assert torch.equal(weights(model), weights(expected)) and steps_in(tmp_path) == [10, 12]


def test_a_file_that_the_system_refuses_to_write(tmp_path):
    """A real failure in the middle of a file: the system's limit on the size of files."""
    resource, signal = pytest.importorskip("resource"), pytest.importorskip("signal")
    ignored, limits = signal.signal(signal.SIGXFSZ, signal.SIG_IGN), resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
        with pytest.warns(UserWarning, match=r"No checkpoint of step 3 could be written .*there is none yet"):
            train(tiny(), DATA, replace(CONFIG, epochs=None, max_steps=3), checkpoints=tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert steps_in(tmp_path) == [] and not list(tmp_path.glob(".*"))


def test_numbers_of_numpy_in_a_metric_are_saved(tmp_path):
    values = {"score": np.float32(0.3), "hits": np.int64(7)}
    config = replace(CONFIG, epochs=1)
    how = dict(validation=VALIDATION, metric=lambda *_: dict(values), checkpoints=tmp_path)
    first = train(tiny(), DATA, config, **how)
    assert train(tiny(), DATA, config, **how, resume=True).records == first.records


def test_the_scaler_comes_back():
    config, scalers = (
        TrainConfig(max_steps=1),
        [torch.amp.GradScaler("cpu", init_scale=start) for start in (4.0, 64.0)],
    )
    states = []
    for scaler in scalers:
        model = tiny()
        optimizer = make_optimizer(model, config)
        scaler.scale(torch.zeros(()))  # the scale is made with the first loss
        states.append(
            RunState(
                model, optimizer, KeptWeights(list(model.parameters()), config), scaler, RowsAtOnce(None)
            )
        )
    states[1].unpack(*states[0].pack())
    assert scalers[1].state_dict() == scalers[0].state_dict() and scalers[1].get_scale() == 4


# ---------------------------------------------------------------- a notebook that is run again


def test_with_a_folder_for_all_runs_a_notebook_goes_on_by_itself(tmp_path, monkeypatch):
    """What a notebook does: two runs, one from other settings; then all of it again after a break in the second."""

    def notebook(break_after=None):
        made = []
        for config in (CONFIG, replace(CONFIG, learning_rate=1e-3)):
            model, steps = tiny(dropout=0.1), []

            def watch(record, steps=steps, config=config):
                steps.append(record)
                if config is not CONFIG and len(steps) == break_after:
                    raise KeyboardInterrupt

            train(model, DATA, config, validation=VALIDATION, on_record=watch, progress=False)
            made.append((what_happened(steps), weights(model)))
        return made

    unbroken = notebook()
    monkeypatch.setenv("COURSE_CHECKPOINTS", str(tmp_path))
    with pytest.raises(KeyboardInterrupt):
        notebook(break_after=6)
    taken = []
    monkeypatch.setattr("course_utils.training.seed_step", lambda accelerator, seed, step, real=seed_step: (taken.append(step), real(accelerator, seed, step)))
    again = notebook()
    assert taken == list(range(5, 13)), "the first run is not trained again; the second goes on after its last evaluation"
    for (records, model), (wanted, wanted_model) in zip(again, unbroken):
        assert records == wanted and torch.equal(model, wanted_model)
    assert len(list(tmp_path.iterdir())) == 2


def dropping(share):
    model = tiny()
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = share
    return model


def test_runs_that_differ_in_rows_weights_or_dropout_have_folders_of_their_own(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_CHECKPOINTS", str(tmp_path))
    short = replace(CONFIG, epochs=1)
    for model, data in ((tiny(), DATA), (tiny(), rows(32, seed=3)), (tiny(seed=1), DATA)):
        train(model, data, short, progress=False)
    assert len(list(tmp_path.iterdir())) == 3
    for model in (dropping(0.1), dropping(0.2)):  # the same weights
        train(model, DATA, short, progress=False)
    assert len(list(tmp_path.iterdir())) == 5
    train(tiny(), DATA, short, loss=loss_for("classification"), progress=False)  # known by nothing but its name
    train(tiny(), DATA, short, before_step=lambda step, model: None, progress=False)
    assert len(list(tmp_path.iterdir())) == 5
