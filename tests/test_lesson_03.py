"""What lesson 03 draws and computes, apart from its claims: figures, sampling, the truth in a blank, scaling."""

import math

import numpy as np
import pandas as pd
import pytest

from course_utils import generation
from course_utils.errors import CourseError
from course_utils.experiments import lesson_03 as lab
from course_utils.experiments import results
from course_utils.experiments.studies import TABLES
from course_utils.figures import pretraining as figures
from course_utils.widgets import pretraining as widgets
from course_utils.world import bulletins


def described(figure) -> str:
    layout = figure.layout
    assert layout.title.text and layout.xaxis.title.text and layout.yaxis.title.text
    return layout.meta["description"]


# ---------------------------------------------------------------- figures


def test_a_run_is_drawn_above_its_floor():
    frame = pd.DataFrame(
        {"step": [1, 2, 3], "loss": [5.0, 3.0, 2.0], "validation_loss": [np.nan, np.nan, 2.1]}
    )
    said = described(figures.above_floor({"decoder": frame}, 0.55, baselines={"bigrams": 2.01}))
    assert "decoder ends at 2.00" in said and "floor is 0.55" in said and "bigrams 2.01" in said
    assert described(figures.above_floor({}, 0.5))  # before the first step


def test_stages_have_a_line_and_a_floor_each():
    looks = {0: {"day": 5.0, "sum": 6.0}, 30: {"day": 2.0, "sum": 0.5}}
    figure = figures.stages(looks, {"day": math.log(7), "sum": 0.0})
    assert len(figure.data) == 4 and "day ends at 2.00, floor 1.95" in described(figure)


def test_the_animation_keeps_its_axes_and_ends_as_it_is_drawn():
    rng = np.random.default_rng(0)
    vectors = {step: rng.normal(size=(6, 4)) for step in (0, 10, 20)}
    figure = figures.words_drawing_together(
        vectors, list("aabbcc"), list("uvwxyz"), likeness={0: 0.0, 10: 0.1, 20: 0.25}
    )
    assert [frame.name for frame in figure.frames] == ["0", "10", "20"]
    assert figure.frames[-1].data[1].x == pytest.approx(figure.data[1].x)
    assert "likeness 0.25" in described(figure)
    everything = np.concatenate([np.concatenate([t.x, t.y]) for frame in figure.frames for t in frame.data])
    assert np.abs(everything).max() <= figure.layout.xaxis.range[1]
    with pytest.raises(CourseError, match="two snapshots"):
        figures.words_drawing_together({0: vectors[0]}, list("aabbcc"), list("uvwxyz"))


def test_bars_stand_beside_the_truth():
    figure = figures.what_comes_next({" at": 0.9, " by": 0.1, " x": 0.0}, {" at": 1.0}, title="What comes")
    assert list(figure.data[0].x) == ["·at", "·by"] and list(figure.data[1].y) == [1.0, 0]
    assert "' at' 0.90 (truly 1.00)" in described(figure)


@pytest.mark.parametrize("axis", ["compute", "tokens", "parameters"])
def test_scaling_is_drawn_from_the_shipped_results(axis):
    figure = figures.scaling(results("scaling"), axis)
    assert len(figure.data) == 3 and all(len(line.x) == 3 for line in figure.data) and described(figure)
    with pytest.raises(CourseError, match="no axis 'time'"):
        figures.scaling(results("scaling"), "time")


def test_the_shipped_scaling_results_are_complete():
    frame = results("scaling")
    assert set(frame["hidden"]) == set(lab.SCALING_HIDDEN) and "scaling" in TABLES
    assert len(frame) == len(lab.SCALING_HIDDEN) * len(lab.SCALING_STEPS)
    assert (frame["loss"] > frame["floor"]).all()
    assert frame["parameters"].is_monotonic_increasing
    best = frame.groupby("hidden")["loss"].min()
    assert best.is_monotonic_decreasing  # the larger, the nearer
    assert all(losses.is_monotonic_decreasing for _, losses in frame.groupby("hidden")["loss"])


# ---------------------------------------------------------------- drawing


def test_filtered_is_the_softmax_unless_told_otherwise():
    logits = np.array([1.0, 3.0, 2.0, -1.0])
    softmax = np.exp(logits) / np.exp(logits).sum()
    assert generation.filtered(logits) == pytest.approx(softmax)
    assert generation.filtered(logits, top_k=1) == pytest.approx([0, 1, 0, 0])
    assert generation.filtered(logits, temperature=0.01) == pytest.approx([0, 1, 0, 0])
    cold, hot = (generation.filtered(logits, temperature=t) for t in (0.5, 2.0))
    assert cold.max() > softmax.max() > hot.max()
    two = generation.filtered(logits, top_k=2)
    assert np.count_nonzero(two) == 2 and two[1] / two[2] == pytest.approx(math.e)


@pytest.mark.parametrize("top_p, kept", [(0.05, 1), (0.39, 1), (0.41, 2), (0.7, 2), (0.71, 3), (1.0, 4)])
def test_top_p_keeps_the_fewest_that_reach_it(top_p, kept):
    p = np.array([0.1, 0.4, 0.2, 0.3])
    left = generation.filtered(np.log(p), top_p=top_p - 1e-9 if top_p < 1 else top_p)
    assert np.count_nonzero(left) == kept and left.sum() == pytest.approx(1)
    assert set(np.flatnonzero(left)) == set(np.argsort(-p)[:kept])


@pytest.mark.parametrize("bad", [{"temperature": 0}, {"top_p": 0}, {"top_p": 1.5}, {"top_k": -1}])
def test_settings_out_of_range_are_refused(bad):
    with pytest.raises(CourseError, match=next(iter(bad))):
        generation.filtered(np.zeros(3), **bad)


def test_a_continuation_repeats_with_its_seed_and_draws_what_it_shows():
    model, tokenizer = lab.tiny_decoder(hidden=16), lab.bulletin_tokenizer()
    text, first = generation.continuation(model, tokenizer, "Bulletin:", seed=1, most_tokens=5)
    assert text.startswith("Bulletin:") and first.shape == (len(tokenizer),)
    assert generation.continuation(model, tokenizer, "Bulletin:", seed=1, most_tokens=5)[0] == text
    greedy, first = generation.continuation(model, tokenizer, "Bulletin:", top_k=1, most_tokens=1)
    assert np.count_nonzero(first) == 1
    with pytest.raises(CourseError, match="beginning of a text"):
        generation.continuation(model, tokenizer, " ")


def test_the_playgrounds_give_a_figure_without_widgets_and_the_same_in_one():
    model, tokenizer = lab.tiny_decoder(hidden=16), lab.bulletin_tokenizer()
    plain = widgets.go_on(model, tokenizer, "Bulletin: tides.", top_k=3, widget=False)
    live = widgets.go_on(model, tokenizer, "Bulletin: tides.", top_k=3)
    assert live.children[-1].data[0].y == plain.data[0].y and len(plain.data[0].x) == 3
    sliders = {part.description: part for part in live.children if hasattr(part, "description")}
    sliders["top k"].value = 1
    assert len(live.children[-1].data[0].x) == 1
    encoder, words = lab.tiny_encoder(hidden=16), lab.word_tokenizer()
    text = f"Bulletin: market. Eggs are up, at {lab.BLANK} pence a dozen."
    figure = widgets.fill_in(encoder, words, text, truth=lab.true_fillings, widget=False)
    assert {bar.name for bar in figure.data} == {"model", "truth"}
    outside = widgets.fill_in(encoder, words, "A soup of ____.", truth=lab.true_fillings, widget=False)
    assert {bar.name for bar in outside.data} == {"model"}


def test_a_live_run_draws_its_floor():
    from course_utils.training import training_steps

    rows, floor = lab.validation_rows()
    live = widgets.LivePretraining(
        lambda hidden: training_steps(lab.tiny_decoder(hidden), rows, lab.learn(4)),
        {"hidden": [16, 32]},
        floor=floor,
    )
    live.start()
    live.wait(60)
    assert len(live.records) == 4 and "Finished" in live.status.value
    assert f"floor is {floor:.2f}" in live.figure.layout.meta["description"]


# ---------------------------------------------------------------- what is true


def test_the_truth_in_a_blank_is_bayes_rule():
    truth = lab.true_fillings("Bulletin: market. Eggs are up, at ____ pence a dozen.")
    assert set(truth) == {str(n) for n in range(12, 21)}
    assert all(p == pytest.approx(1 / 9) for p in truth.values())
    assert lab.true_fillings("Bulletin: tides. High water at ____, low water at 1.") == {"7": 1.0}
    for wrong in ("No blank.", "____ and ____", "Nothing like a ____."):
        with pytest.raises(CourseError):
            lab.true_fillings(wrong)


def test_every_probe_is_at_its_floor_in_the_language():
    """The least loss at a probe is the true one: the mean surprisal of what follows."""
    for name, (pairs, least) in lab.PROBES.items():
        nats = [-math.log(bulletins.next_words(prefix)[_piece(prefix, answer)]) for prefix, answer in pairs]
        assert np.mean(nats) == pytest.approx(least), name


def _piece(prefix: str, answer: str) -> str:
    """The piece of `next_words` that begins with the answer: a number carries its full stop."""
    return next(piece for piece in bulletins.next_words(prefix) if piece.rstrip(".,") == answer)


def test_likeness_is_one_for_two_opposite_heaps_and_none_for_chance():
    heaps = np.array([[1.0, 0.0], [1.0, 0.1], [-1.0, 0.0], [-1.0, -0.1]])
    assert lab.likeness(heaps, list("aabb")) > 1.5
    chance = np.random.default_rng(0).normal(size=(200, 30))
    assert abs(lab.likeness(chance, ["a", "b"] * 100)) < 0.02


def test_bits_per_character_of_a_uniform_model_follow_from_its_tokens():
    model, tokenizer = lab.tiny_decoder(hidden=16), lab.bulletin_tokenizer()
    for parameter in model.parameters():
        parameter.data.zero_()
    text = "Bulletin: tides."
    tokens = len(tokenizer(text)["input_ids"])  # the opening token is given, the end is a target
    expected = tokens * math.log2(len(tokenizer)) / (len(text) + 1)
    assert lab.bits_per_character(model, tokenizer, [text]) == pytest.approx(expected, rel=1e-4)


def test_counting_models_and_the_floor_stand_in_order():
    counted, (_, floor) = lab.count_losses(tokens=20_000), lab.validation_rows()
    assert floor < counted["bigrams"] < counted["unigrams"] < math.log(len(lab.bulletin_tokenizer()))


def test_masked_positions_give_the_same_loss():
    _, difference = lab.masked_positions_share(0, vocabulary=2000, repeats=1)
    assert difference < 1e-4
