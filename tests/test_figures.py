"""Every figure: right numbers, named axes, words for those who cannot see it, and inputs left as they were."""

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from course_utils import figures

NAN = float("nan")


def run_frame(steps: int = 6) -> pd.DataFrame:
    step = np.arange(1, steps + 1)
    return pd.DataFrame(
        {"step": step, "loss": 3.0 / step, "validation_loss": np.where(step % 3 == 0, 2.0 / step, NAN)}
    )


def curve_results() -> pd.DataFrame:
    rows = [
        {"labels": n, "accuracy": 0.5 + 0.04 * i + 0.01 * seed, "way": way}
        for way in ("scratch", "full")
        for i, n in enumerate((32, 128, 512))
        for seed in range(3)
    ]
    return pd.DataFrame(rows[::-1])  # in no good order


def parameter_rows() -> pd.DataFrame:
    return pd.DataFrame(
        {"part": ["embeddings", "layer 0", "head"], "parameters": [900, 90, 10], "trainable": [0, 0, 10]}
    )


@dataclass
class Case:
    make: Callable[..., go.Figure]
    arguments: list[Any]
    options: dict[str, Any] = field(default_factory=dict)
    says: str = ""  # part of the description


LABELS = {"title": "T", "x_label": "labelled rows", "y_label": "accuracy"}
CURVES = {"x": "labels", "y": "accuracy", "by": "way", **LABELS}
CASES = {
    "loss, one run": Case(figures.loss_curves, [{"mini": run_frame()}], {}, "mini ends at 0.50"),
    "loss, two runs": Case(figures.loss_curves, [{"a": run_frame(), "b": run_frame(9)}], {"smooth": 3}, "b ends at 0.33"),
    "loss, one step": Case(figures.loss_curves, [{"a": run_frame(1)}], {"smooth": 5}, "a ends at 3.00"),
    "loss, by tokens": Case(figures.loss_curves, [{"a": run_frame().assign(tokens=9)}], {"x": "tokens"}),
    "loss, no validation": Case(figures.loss_curves, [{"a": run_frame()[["step", "loss"]]}]),
    "loss, not started": Case(figures.loss_curves, [{}]),
    "schedule": Case(figures.schedule, [[0.0, 1e-3, 5e-4]], {}, "0.001, is at step 2"),
    "schedule, array": Case(figures.schedule, [np.linspace(1e-3, 0, 5)], {}, "is at step 1"),
    "curves": Case(figures.learning_curves, [curve_results()], CURVES, "full goes from 0.51 to 0.59"),
    "curves, chance": Case(figures.learning_curves, [curve_results()], CURVES | {"chance": 0.5, "log_x": False}),
    "map": Case(figures.embedding_map, [np.eye(3, 2), ["up", "down", "up"], list("abc")], {}, "3 points in 2 groups"),
    "bars": Case(figures.bars, [["a", "b"], [0.25, 0.5]], LABELS, "a 0.25, b 0.50"),
    "bars, errors": Case(
        figures.bars, [["a", "b"], np.array([0.25, 0.5])], LABELS | {"errors": [0.1, 0.2], "chance": 0.5, "colours": ["red", "blue"]}
    ),
    "parameters": Case(figures.trainable_parameters, [parameter_rows()], {}, "10 of 1,000"),
    "parameters, none train": Case(figures.trainable_parameters, [parameter_rows().assign(trainable=0)], {}, "0 of 1,000"),
    "confusion": Case(figures.confusion, [np.array([[8, 2], [1, 9]]), ["no", "yes"]], {}, "85% on the diagonal"),
    "confusion, nothing": Case(figures.confusion, [np.zeros((2, 2), dtype=int), ["no", "yes"]], {}, "0%"),
}  # fmt: skip


@pytest.fixture(params=CASES)
def case(request) -> Case:
    return CASES[request.param]


def test_figure_is_whole_and_its_input_untouched(case):
    arguments, options = copy.deepcopy((case.arguments, case.options))
    figure = case.make(*arguments, **options)
    for before, after in zip([case.arguments, case.options], [arguments, options], strict=True):
        assert repr(before) == repr(after)
    again = case.make(*arguments, **options)
    assert figure.to_json() == again.to_json() and figure is not again

    description = figure.layout.meta["description"]
    assert description and case.says in description and "nan" not in description.lower(), description
    assert figure.layout.title.text and figure.layout.xaxis.title.text and figure.layout.yaxis.title.text
    assert figure.layout.template.layout.colorway is None  # nothing of the learner's own defaults
    assert json.loads(figure.to_json())["layout"]


def test_loss_curves_show_training_and_only_real_validation_points():
    frame = run_frame()
    training, validation = figures.loss_curves({"mini": frame}).data
    assert list(training.x) == list(frame["step"]) and list(training.y) == pytest.approx(list(frame["loss"]))
    assert list(validation.x) == [3, 6] and not np.isnan(np.asarray(validation.y, dtype=float)).any()
    smooth = figures.loss_curves({"mini": frame}, smooth=3).data[0].y
    assert smooth[0] == frame["loss"][0] and smooth[-1] == pytest.approx(frame["loss"][-3:].mean())
    never = frame.assign(validation_loss=NAN)
    assert len(figures.loss_curves({"mini": never}).data) == 1


def test_what_colour_says_is_said_again_by_dashes_and_markers():
    runs = {name: run_frame() for name in "abcdef"}
    lines = [trace.line for trace in figures.loss_curves(runs).data if "training" in trace.name]
    assert len({line.dash for line in lines}) == len({line.color for line in lines}) == 6
    points = figures.embedding_map(np.zeros((6, 2)), list("abcdef"), list("abcdef")).data
    assert len({trace.marker.symbol for trace in points}) == 6


def test_more_series_than_colours_do_not_fail():
    many = {f"run {i}": run_frame() for i in range(20)}
    assert len(figures.loss_curves(many).data) == 40
    groups = [f"g{i}" for i in range(20)]
    assert len(figures.embedding_map(np.zeros((20, 2)), groups, groups).data) == 20


def test_learning_curves_draw_the_mean_in_a_band_from_worst_to_best():
    figure = figures.learning_curves(curve_results(), **CURVES)
    full = next(trace for trace in figure.data if trace.name == "full")
    band = next(trace for trace in figure.data if trace.fill and trace.legendgroup == "full")
    assert list(full.x) == [32, 128, 512] and list(full.y) == pytest.approx([0.51, 0.55, 0.59])
    assert list(band.x) == [32, 128, 512, 512, 128, 32]
    assert list(band.y) == pytest.approx([0.52, 0.56, 0.60, 0.58, 0.54, 0.50])
    assert figure.layout.xaxis.type == "log" and list(figure.layout.xaxis.ticktext) == ["32", "128", "512"]


def test_embedding_map_keeps_texts_with_their_points():
    points = np.array([[0, 1], [2, 3], [4, 5]])
    up, down = figures.embedding_map(points, ["up", "down", "up"], ["a", "b", "c"]).data
    assert (up.name, list(up.x), list(up.y), list(up.text)) == ("up", [0, 4], [1, 5], ["a", "c"])
    assert (down.name, list(down.x), list(down.text)) == ("down", [2], ["b"])


def test_bars_want_one_value_a_name():
    with pytest.raises(ValueError, match=r"shorter|longer"):
        figures.bars(["a", "b"], [1.0], **LABELS)


def test_trainable_parameters_add_up_and_read_from_top_to_bottom():
    trains, frozen = figures.trainable_parameters(parameter_rows()).data
    assert list(trains.y) == ["head", "layer 0", "embeddings"]  # Plotly counts from the bottom
    assert [a + b for a, b in zip(trains.x, frozen.x, strict=True)] == [10, 90, 900]
    assert list(trains.x) == [10, 0, 0]


def test_confusion_has_true_labels_down_and_predictions_across():
    figure = figures.confusion(np.array([[8, 2], [1, 9]]), ["no", "yes"])
    assert figure.layout.xaxis.title.text == "predicted" and figure.layout.yaxis.title.text == "true"
    assert figure.data[0].z[0][1] == 2 and figure.layout.yaxis.autorange == "reversed"
