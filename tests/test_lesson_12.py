"""What lesson 12 draws and computes, apart from its claims."""

import numpy as np
import plotly.graph_objects as go
import pytest

from course_utils.errors import CourseError
from course_utils.experiments import lesson_12 as lab
from course_utils.experiments import results
from course_utils.experiments.studies import TABLES
from course_utils.figures.translation import beam_tree
from course_utils.generation import BeamNode
from course_utils.models import load_model, load_tokenizer
from course_utils.widgets import translation as widgets
from course_utils.world.bilingual import SPLIT

NODES = [
    BeamNode(0, -1, 1, 5, -0.5, -0.5, True, False),
    BeamNode(1, -1, 1, 6, -1.0, -1.0, True, False),
    BeamNode(2, -1, 1, 1, -3.0, -3.0, False, True),
    BeamNode(3, 0, 2, 1, -0.9, -0.45, True, True),
    BeamNode(4, 1, 2, 7, -1.1, -0.55, True, False),
]
NAMES = ["Le", "La", "</s>", "</s>", "rue"]


@pytest.fixture(scope="module")
def denoiser():
    return load_model(lab.DENOISER, "translation"), load_tokenizer(lab.DENOISER)


def test_the_tree_says_what_is_open_and_what_has_ended():
    figure = beam_tree(NODES, NAMES)
    assert figure.layout.title.text == "Step 2: 1 texts are open, 1 have ended"
    assert "'Le </s>' with a score of -0.45" in figure.layout.meta["description"]
    followed, ended, dropped = figure.data[1:]
    assert list(followed.text) == ["Le", "La", "rue"] and list(ended.text) == list(dropped.text) == ["&lt;/s&gt;"]
    assert "La rue<br>log-probability -1.10" in followed.hovertext[2]
    assert beam_tree(NODES, NAMES, steps=1).layout.title.text == "Step 1: 2 texts are open, 0 have ended"
    with pytest.raises(CourseError, match="5 nodes and 1 names"):
        beam_tree(NODES, ["Le"])
    with pytest.raises(CourseError, match="no node"):
        beam_tree([], [])


def test_the_beam_is_drawn_at_every_setting(denoiser):
    for step, width, penalty in ((1, 1, 0.0), (3, 3, 1.0), (24, 6, 3.0)):
        figure = widgets.beam_explorer(
            *denoiser, "Where is the dog?", step=step, width=width, penalty=penalty, widget=False
        )
        assert type(figure) is go.Figure and figure.layout.title.text.startswith("Step ")
    with pytest.raises(CourseError, match="too many to draw"):
        widgets.beam_explorer(*denoiser, "The dog is good. " * 20, widget=False)


def test_a_column_of_the_alignment_is_a_word_of_the_sentence(denoiser):
    model, tokenizer = denoiser
    figure = widgets.alignment_explorer(model, tokenizer, "Where is the dog?", widget=False)
    assert len(figure.layout.xaxis.ticktext) == len(tokenizer("Where is the dog?")["input_ids"])
    assert np.allclose(np.asarray(figure.data[0].z).sum(1), 1, atol=1e-4)


def test_compositions_are_new_structures_of_known_words():
    task, data = lab.translation_task(600, 0)
    new = task.rows["compositions"]["translation"][:]
    assert not {pair["en"] for pair in new} & {pair["en"] for pair in task.rows["train"]["translation"]}
    assert not set(SPLIT.shown) & set(SPLIT.unseen)
    known = {word for pair in lab.translation_task(4000, 0)[0].rows["train"]["translation"] for word in pair["fr"].split()}

    def share_known(split):
        words = [word for pair in task.rows[split]["translation"] for word in pair["fr"].split()]
        return np.mean([word in known for word in words])

    assert share_known("compositions") > 0.9 > share_known("unseen")
    assert len(data["compositions"]) == 300


def test_references_follow_the_rows_that_were_chosen():
    task, data = lab.translation_task(600, 0)
    pairs = task.rows["test"]["translation"]
    assert lab.references(task, data["test"].select([5, 2])) == [pairs[5]["fr"], pairs[2]["fr"]]


def test_what_the_unshifted_decoder_reads_is_what_it_writes():
    rows = lab.translation_task(600, 0)[1]["train"]
    batch = lab.Unshifted(rows).batch(np.array([0, 1]))
    there = batch["labels"] >= 0
    assert (batch["decoder_input_ids"][there] == batch["labels"][there]).all()


def test_back_translated_pairs_are_french_text_and_what_was_made_of_it(monkeypatch):
    monkeypatch.setattr(lab, "learn", lambda data, **how: load_model(lab.DENOISER, "translation"))
    monkeypatch.setattr(lab, "predict_translations", lambda model, tokenizer, texts, **how: ["Yes."] * len(texts))
    task = lab.back_translated.__wrapped__(600, 0, sentences=7)
    made = task.rows["train"]["translation"][600:]
    assert [pair["fr"] for pair in made] == lab.french_sentences(7) and {pair["en"] for pair in made} == {"Yes."}


def test_a_method_that_is_not_there():
    with pytest.raises(CourseError, match="no method 'half': use one of scratch, decoder, full"):
        lab.learn(lab.translation_task(600, 0)[1]["train"], method="half")


@pytest.mark.parametrize("name", ["translation", "back_translation"])
def test_the_results_ship_and_a_command_makes_them(name):
    frame = results(name)
    assert name in TABLES and {"method", "seed", "split", "score"} <= set(frame.columns)
    assert frame.groupby(["method", "split"])["seed"].nunique().min() >= 3


def test_back_translation_does_not_pay_here():
    """What the lesson says of its table: no split gains as much as two BLEU."""
    means = results("back_translation").pivot_table("score", "method", "split", sort=False)
    plain, more = means.index
    assert plain == "600 pairs" and (means.loc[more] - means.loc[plain]).max() < 2
