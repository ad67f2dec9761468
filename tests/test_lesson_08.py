"""What lesson 08 measures, apart from its claims: the study that ships is the study that the code describes."""

import numpy as np
import pandas as pd
import pytest

from course_utils.experiments import lesson_08 as lab
from course_utils.experiments import results
from course_utils.experiments.runs import encoded_task


def test_the_shipped_study_holds_every_run_and_no_other():
    frame = results("hyperparameters")
    columns = ["part", "labels", "seed", "learning_rate", "warmup_share", "batch_size", "epochs", "change", "rows_seed"]
    wanted = pd.DataFrame({"part": part, **settings} for part, settings in lab.settings_of_study())
    pd.testing.assert_frame_equal(frame[columns], wanted[columns], check_dtype=False)
    assert frame[list(lab.SPLITS)].stack().between(0, 1).all() and (frame["test_loss"] >= 0).all()


def test_every_search_had_the_same_budget():
    trials = results("searches")
    spent = trials.groupby(["strategy", "seed"])["steps"].sum()
    budget = 16 * lab.TRIAL_STEPS
    assert len(spent) == 3 * 4 and spent.between(budget, budget + lab.TRIAL_STEPS - 1).all()
    by_strategy = trials.groupby("strategy")["state"].apply(lambda states: (states == "pruned").any())
    assert by_strategy.to_dict() == {"TPE": False, "random": False, "random, pruned": True}
    pruned = trials["state"] == "pruned"
    assert (trials.loc[pruned, "steps"] < lab.TRIAL_STEPS).any() and (trials.loc[~pruned, "steps"] == lab.TRIAL_STEPS).all()


def test_a_quarter_of_the_labels_is_turned_round_and_nothing_else():
    rows = encoded_task("sentiment", 64, 0)[1]["train"]
    wrong = lab.mislabelled(rows, seed=1)
    assert (wrong.labels != rows.labels).sum() == 16 and set(wrong.labels) == {0, 1}
    assert np.array_equal(wrong.input_ids, rows.input_ids)
    assert not np.array_equal(wrong.labels, lab.mislabelled(rows, seed=2).labels)


def test_a_run_says_which_validation_rows_it_gets_right():
    found, right = lab.run(16, 0, epochs=1, splits=("train", "validation"))
    assert found["validation"] == pytest.approx(right.mean()) and len(right) == 512
    assert set(found) == {"train", "train_loss", "validation", "validation_loss"}


def test_the_best_of_equals_is_flattered_by_luck_alone(monkeypatch):
    draws = iter(np.random.default_rng(0).random((len(lab.NEAR_EQUALS), 512)) < 0.8)
    monkeypatch.setattr(lab, "judged", lambda *_, **__: ({}, next(draws)))
    assert 0.03 < lab.flattery(0) < 0.15  # eight draws from a binomial of standard deviation .05
    same = np.random.default_rng(0).random(512) < 0.8
    monkeypatch.setattr(lab, "judged", lambda *_, **__: ({}, same))
    assert lab.flattery(0) == pytest.approx(0), "the same model eight times is no choice"
