"""A range test leaves no trace; a search spends its budget, prunes by the loop's records, and survives being killed."""

import math

import numpy as np
import optuna
import pandas as pd
import pytest
import torch
from helpers_tiny import tiny_model

from course_utils import TrainConfig, training_steps
from course_utils.batching import EncodedRows
from course_utils.errors import CourseError
from course_utils.figures import hyperparameters as figures
from course_utils.runs import Record
from course_utils.search import rate_range_test, search, steps_spent, suggested_rate, trials_table

ROWS = EncodedRows(  # the label is whether the second token is 20
    input_ids=np.tile([2, 20, 3, 2, 21, 3], 16), offsets=np.arange(0, 97, 3), labels=np.tile([1, 0], 16)
)


# ---------------------------------------------------------------- range test


def test_the_rate_rises_by_the_same_factor_and_the_model_is_left_as_it_was():
    model = tiny_model("classification")
    model.bert.train()  # a mix of modes
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    modes = {name: module.training for name, module in model.named_modules()}
    state = torch.get_rng_state()
    frame = rate_range_test(model, ROWS, lowest=1e-4, highest=1e-1, steps=61, batch_size=4)
    assert frame["learning_rate"].iloc[[0, -1]].to_list() == pytest.approx([1e-4, 1e-1])
    assert np.diff(np.log10(frame["learning_rate"])) == pytest.approx(3 / 60)
    assert frame["smoothed"].min() < 0.8 * frame["loss"].iloc[0], "it has learned on the way"
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert modes == {name: module.training for name, module in model.named_modules()}
    assert all(parameter.grad is None for parameter in model.parameters())
    assert torch.equal(state, torch.get_rng_state())


def test_the_smoothed_loss_is_a_running_average_without_its_start_at_zero():
    frame = rate_range_test(tiny_model("classification"), ROWS, lowest=1e-9, highest=1e-8, steps=5, batch_size=4)
    weights = 0.9 ** np.arange(5)[::-1]
    assert frame["smoothed"].iloc[-1] == pytest.approx(np.average(frame["loss"], weights=weights))


def test_it_ends_where_the_loss_blows_up_and_suggests_a_tenth_of_the_lowest_point():
    frame = rate_range_test(tiny_model("classification"), ROWS, lowest=1e-4, highest=1e4, steps=200, batch_size=4)
    assert len(frame) < 200 and np.isfinite(frame["smoothed"]).all()
    lowest = frame["learning_rate"][frame["smoothed"].argmin()]
    assert suggested_rate(frame) == pytest.approx(lowest / 10)


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"lowest": 1.0, "highest": 0.1}, "must be above 0 and below"), ({"steps": 1}, "too short for a rate that rises")],
)
def test_a_range_that_is_none_is_refused(settings, said):
    with pytest.raises(CourseError, match=said):
        rate_range_test(tiny_model("classification"), ROWS, **settings)


def test_a_range_test_without_rows_or_without_a_finite_step_says_so():
    with pytest.raises(CourseError, match="no rows to train on"):
        rate_range_test(tiny_model("classification"), ROWS.select([]))
    with pytest.raises(CourseError, match="smaller lowest"):
        suggested_rate(pd.DataFrame(columns=["learning_rate", "smoothed"]))


# ---------------------------------------------------------------- search, on runs that are made up


def made_up(trial, evaluations=4, every=5):
    """Records of a run whose accuracy rises to what its rate is worth: best at 1e-3."""
    rate = trial.suggest_float("learning_rate", 1e-5, 1e-1, log=True)
    worth = 1 - abs(math.log10(rate) + 3) / 4
    for step in range(1, evaluations * every + 1):
        validation = {"loss": 1 - worth, "accuracy": worth * step / (evaluations * every)} if step % every == 0 else {}
        yield Record(step, 1.0, 0.0, rate, 0.0, 1, 1, 0.0, validation)


@pytest.mark.parametrize("sampler", ["TPE", "random"])
def test_the_budget_is_spent_and_the_last_trial_is_finished(sampler):
    study = search(made_up, steps=150, sampler=sampler)
    table = trials_table(study)
    assert table["steps"].to_list() == [20] * 8 and table["spent"].iloc[-1] == steps_spent(study) == 160
    assert study.best_value == table["value"].max() and set(table["state"]) == {"complete"}
    assert table["learning_rate"].is_unique
    assert len(search(made_up, steps=150, sampler=sampler, seed=1).trials) == 8
    assert table.equals(trials_table(search(made_up, steps=150, sampler=sampler))), "the seed decides"
    assert not table.equals(trials_table(search(made_up, steps=150, sampler=sampler, seed=1)))


def test_the_value_is_the_best_evaluation_in_the_direction_of_the_metric():
    table = trials_table(search(made_up, steps=100, watch="loss", sampler="random"))
    worth = 1 - abs(np.log10(table["learning_rate"]) + 3) / 4
    assert table["value"].to_numpy() == pytest.approx(1 - worth)
    study = search(made_up, steps=100, watch="loss")
    assert study.best_value == trials_table(study)["value"].min()


def test_a_pruned_trial_spends_only_what_it_took():
    pruner = optuna.pruners.MedianPruner(n_startup_trials=3, n_warmup_steps=0)
    study = search(made_up, steps=200, sampler="random", pruner=pruner)
    table = trials_table(study)
    pruned = table[table["state"] == "pruned"]
    assert len(table) > 10 and len(pruned) and (pruned["steps"] < 20).all()
    assert (pruned["value"] < table["value"].max()).all() and table["spent"].iloc[-1] >= 200
    assert (table["spent"].iloc[:-1] < 200).all()


def test_tpe_draws_nearer_to_what_did_well():
    def distance(sampler):
        rates = [trials_table(search(made_up, steps=500, sampler=sampler, seed=seed))["learning_rate"] for seed in range(3)]
        return np.mean([abs(np.log10(rate[10:]) + 3).mean() for rate in rates])

    assert distance("TPE") < 0.75 * distance("random")


class Killed(BaseException):
    """What Ctrl-C is, without the key."""


def test_a_search_that_was_killed_ends_as_if_it_had_not_been(tmp_path):
    def cut_off(trial):
        for record in made_up(trial):
            if trial.number == 6 and record.step == 12:
                raise Killed
            yield record

    whole = trials_table(search(made_up, steps=240))
    file = tmp_path / "studies.db"
    with pytest.raises(Killed):
        search(cut_off, steps=240, file=file)
    study = search(made_up, steps=240, file=file)
    again = trials_table(study)
    assert again.drop(columns="trial").equals(whole.drop(columns="trial"))
    assert again["trial"].to_list() == [n for n in range(13) if n != 6], "the trial that was cut off has failed"
    assert len(search(made_up, steps=240, file=file).trials) == 13, "a budget that is spent buys nothing more"
    assert steps_spent(search(made_up, steps=20, file=file, name="another")) == 20


def test_a_loss_that_is_no_number_is_a_pruned_trial_and_a_wrong_setting_an_error():
    def diverges(trial):
        for record in made_up(trial):
            yield record
            if record.step == 7:
                raise CourseError("The loss became nan at step 8")

    table = trials_table(search(diverges, steps=20))
    assert table["steps"].to_list() == [7, 7, 7] and set(table["state"]) == {"pruned"}

    def misspelt(trial):
        yield from training_steps(tiny_model("classification"), ROWS, TrainConfig(max_steps=2, epochs=2))

    with pytest.raises(CourseError, match="contradict each other"):
        search(misspelt, steps=20)


def test_it_says_what_is_missing(tmp_path):
    (tmp_path / "notes.txt").write_text("no study at all, but more than a hundred bytes of text" * 4)
    wrong = {
        "no sampler 'grid'": {"sampler": "grid"},
        "pays for no trial": {"steps": 0},
        "There is no folder": {"file": tmp_path / "nowhere" / "a.db"},
        "no file of studies": {"file": tmp_path / "notes.txt"},
        "not among the validation metrics": {"watch": "f1"},
    }
    for said, settings in wrong.items():
        with pytest.raises(CourseError, match=said):
            search(made_up, **{"steps": 20, **settings})
    with pytest.raises(CourseError, match="without an evaluation"):
        search(lambda trial: made_up(trial, evaluations=1, every=1) if trial.number else iter_without(trial), steps=20)
    search(made_up, steps=20, file=tmp_path / "a.db")
    with pytest.raises(CourseError, match="watches 'accuracy', not 'loss'"):
        search(made_up, steps=20, file=tmp_path / "a.db", watch="loss")


def iter_without(trial):
    for record in made_up(trial, evaluations=1, every=3):
        if not record.validation:
            yield record


def test_the_loop_s_own_records_make_a_trial():
    def run(trial):
        config = TrainConfig(epochs=2, batch_size=8, learning_rate=trial.suggest_float("rate", 1e-3, 1e-2, log=True))
        return training_steps(tiny_model("classification"), ROWS, config, validation=ROWS)

    table = trials_table(search(run, steps=16, sampler="random"))
    assert table["steps"].to_list() == [8, 8] and table["value"].between(0, 1).all()


# ---------------------------------------------------------------- figures

TRIALS = pd.DataFrame(
    {
        "trial": [0, 1, 2], "state": ["complete", "pruned", "complete"], "value": [0.6, 0.5, 0.8], "steps": [20, 5, 20],
        "spent": [20, 25, 45], "learning_rate": [1e-4, 1e-2, 1e-3], "schedule": ["linear", "cosine", "linear"],
    }
)  # fmt: skip


def described(figure):
    assert figure.layout.title.text and figure.layout.meta["description"]
    return figure.layout.meta["description"]


def test_the_range_test_figure_marks_the_lowest_point_and_the_suggestion():
    frame = pd.DataFrame({"learning_rate": [1e-4, 1e-3, 1e-2], "loss": [1.0, 0.5, 2.0], "smoothed": [1.0, 0.8, 1.4]})
    figure = figures.range_test(frame, suggested=1e-4)
    assert "0.80, at a rate of 1.0e-03" in described(figure) and "Suggested: 1.0e-04" in described(figure)
    assert figure.layout.xaxis.type == "log" and list(figure.data[2].x) == [1e-4, 1e-4]
    assert len(figures.range_test(frame).data) == 2


def test_every_seed_is_a_dot_and_the_line_their_mean():
    runs = pd.DataFrame({"rate": [1e-3, 1e-4, 1e-3, 1e-4], "test": [0.8, 0.5, 0.9, 0.7], "who": list("aaaa")})
    figure = figures.every_seed(runs, x="rate", y="test", title="t", x_label="rate", y_label="accuracy", chance=0.5)
    dots, line = figure.data
    assert len(dots.x) == 4 and list(line.x) == [1e-4, 1e-3] and list(line.y) == pytest.approx([0.6, 0.85])
    assert "0.60 at 0.0001, 0.85 at 0.001" in described(figure) and figure.layout.xaxis.type == "log"
    many = pd.DataFrame({"rate": np.logspace(-5, -2, 10), "test": 0.5})
    axis = figures.every_seed(many, x="rate", y="test", title="t", x_label="", y_label="").layout.xaxis
    assert list(axis.ticktext) == ["1e-05", "0.0001", "0.001", "0.01"]
    named = figures.every_seed(
        runs.assign(change=["b", "a", "b", "a"]), x="change", y="test", by="who", title="t", x_label="", y_label=""
    )
    assert list(named.data[1].x) == ["b", "a"] and named.data[1].mode == "markers" and named.layout.xaxis.type is None


def test_search_progress_counts_complete_trials_only():
    figure = figures.search_progress({"TPE": TRIALS.assign(value=[0.6, 0.9, 0.8])}, title="t")
    assert list(figure.data[1].y) == [0.6, 0.6, 0.8] and list(figure.data[1].x) == [20, 25, 45]
    assert figure.data[0].marker.symbol[1].endswith("-open") and "reaches 0.80 in 3 trials, 1" in described(figure)
    falling = figures.search_progress({"TPE": TRIALS}, title="t", lower_is_better=True)
    assert list(falling.data[1].y) == [0.6, 0.6, 0.6]


def test_parallel_coordinates_have_an_axis_for_numbers_logarithms_and_names():
    trials = pd.concat([TRIALS, TRIALS.iloc[:1].assign(value=float("nan"))])
    figure = figures.parallel_coordinates(trials, ["learning_rate", "schedule"], log=["learning_rate"], title="t")
    rate, schedule, value = figure.data[0].dimensions
    assert list(rate["values"]) == pytest.approx([-2, -4, -3]) and rate.label == "learning rate"
    assert list(schedule["values"]) == [0, 1, 1] and list(schedule.ticktext) == ["cosine", "linear"]
    assert list(value["values"]) == [0.5, 0.6, 0.8]
    assert "the best trial has learning_rate 0.001, schedule linear and reaches 0.80" in described(figure)
    nothing = figures.parallel_coordinates(TRIALS.iloc[:0], ["learning_rate"], log=["learning_rate"], title="t")
    assert "no trial has a value" in described(nothing)


def test_importances_stand_in_order():
    figure = figures.importances({"epochs": 0.2, "learning_rate": 0.8})
    assert list(figure.data[0].y) == ["epochs", "learning rate"] and "learning_rate 0.80, epochs 0.20" in described(figure)
