"""Lesson 10: its figures say what they show, its failure is the one it speaks of, names are marked where they stand."""

import re
from dataclasses import dataclass

import numpy as np
import pytest
from helpers_tiny import TAGS, entity_task, tiny_tokenizer

from course_utils.baselines import Gazetteer
from course_utils.batching import encode
from course_utils.entities import outcome_table
from course_utils.experiments.lesson_10 import Tagged, one_to_the_left
from course_utils.figures import entities as drawn
from course_utils.widgets.text import ask_marked, browse_errors


def text_of(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", html).replace("&nbsp;", " ")).strip()


# ---------------------------------------------------------------- marked text


def test_names_are_marked_with_their_kinds():
    html = drawn.tagged(["Anna", "Berg", "left", "Oslo"], ["B-PER", "I-PER", "O", "B-LOC"])
    assert text_of(html) == "Anna Berg PER left Oslo LOC"
    assert html.count("<mark") == 2 and drawn.COLOURS["PER"] in html and drawn.COLOURS["LOC"] in html


def test_a_tag_that_continues_nothing_is_marked_by_itself():
    assert text_of(drawn.tagged(["a", "Berg", "x"], ["O", "I-PER", "O"])) == "a Berg I-PER? x"
    assert text_of(drawn.tagged(["Anna", "Berg"], ["B-PER", "I-LOC"])) == "Anna PER Berg I-LOC?"


def test_words_are_no_html():
    html = drawn.tagged(["<b>", "&"], ["B-PER", "O"])
    assert "<b>" not in html and "&lt;b&gt;" in html and "&amp;" in html
    assert drawn.tagged([], []) and "<script>" not in drawn.underlined("<script>", [])


@dataclass
class Name:
    kind: str
    text: str
    start: int
    end: int
    probability: float


def test_text_is_underlined_in_any_script():
    text = "🙂 אנה & Berg"
    html = drawn.underlined(text, [Name("PER", "אנה", 2, 5, 0.5), Name("ORG", "Berg", 8, 12, 0.123)])
    assert text_of(html).startswith("🙂 אנה PER &amp; Berg ORG") and "dir='auto'" in html
    assert "אנה: PER, probability 0.50" in html and "Berg: ORG, probability 0.12" in html
    assert "No name was found" in drawn.underlined(text, [])


def test_errors_can_be_browsed_by_kind():
    words = [["Anna", "Berg", "left", "Oslo"], ["Oslo", "slept"]]
    wanted = [["B-PER", "I-PER", "O", "B-LOC"], ["B-LOC", "O"]]
    predicted = [["B-PER", "O", "O", "B-PER"], ["O", "B-LOC"]]
    errors = outcome_table(words, predicted, wanted).query("outcome != 'right'")
    html = browse_errors(errors, drawn.both_readings, by="outcome", widget=False).data
    for kind in ("boundary (1)", "type (1)", "missed (1)", "spurious (1)"):
        assert kind in html
    assert "Anna Berg (PER) → Anna (PER)" in html and "Oslo (LOC) → nothing" in html and "nothing → slept (LOC)" in html
    front = browse_errors(errors, drawn.both_readings, by="outcome")
    assert "tagged" in front.children[1].value


def test_the_playground_answers_at_once():
    shown = ask_marked(lambda text: drawn.underlined(text, [Name("PER", "Anna", 0, 4, 1.0)]), "Anna", widget=False)
    assert "Anna: PER" in shown.data


# ---------------------------------------------------------------- figures


def test_bars_count_errors_of_every_model():
    counts = {"scratch": {"missed": 9, "type": 1}, "full": {"missed": 2, "type": 3, "boundary": 4}}
    figure = drawn.outcome_bars(counts, title="Errors")
    assert [bar.name for bar in figure.data] == ["scratch", "full"]
    assert list(figure.data[0].x) == ["missed", "type", "boundary"]
    assert list(figure.data[0].y) == [9, 1, 0] and list(figure.data[1].y) == [2, 3, 4]
    assert figure.data[0].marker.pattern.shape != figure.data[1].marker.pattern.shape, "not by colour alone"
    assert "full: 2 missed, 3 type, 4 boundary" in figure.layout.meta["description"]
    assert figure.layout.xaxis.title.text and figure.layout.yaxis.title.text


def test_a_trellis_has_a_row_per_tag_and_a_column_per_word():
    words, names = ["Oslo", "Oslo", "!"], ["O", "B-LOC", "I-LOC"]
    probabilities = np.array([[0.1, 0.6, 0.3], [0.2, 0.1, 0.7], [1.0, 0.0, 0.0]])
    paths = {"alone": ["B-LOC", "I-LOC", "O"], "rules": ["B-LOC", "B-LOC", "O"]}
    figure = drawn.trellis(probabilities, words, names, paths)
    heat, alone, rules = figure.data
    assert np.array_equal(heat.z, probabilities.T) and list(heat.y) == names
    assert list(alone.x) == [0, 1, 2] and list(alone.y) == paths["alone"] and list(rules.y) == paths["rules"]
    assert (alone.line.dash, alone.marker.symbol) != (rules.line.dash, rules.marker.symbol)
    assert list(figure.layout.xaxis.ticktext) == words, "a word that stands twice has two columns"
    assert "alone: B-LOC I-LOC O" in figure.layout.meta["description"]


# ---------------------------------------------------------------- the failure, and the groups


def test_labels_one_to_the_left_sit_on_the_piece_before():
    task = entity_task([["Anna", "xyz", "Berg"], ["Oslo"]], [["B-PER", "O", "I-PER"], ["B-LOC"]])
    rows = encode(task, tiny_tokenizer())["train"]
    shifted = one_to_the_left(rows)
    assert np.array_equal(shifted.labels[:-1], rows.labels[1:])
    assert shifted.labels[0] == TAGS.index("B-PER"), "on [CLS]"
    assert (shifted.labels >= 0).sum() == (rows.labels >= 0).sum(), "none is lost between rows"
    assert rows.labels[0] == -100, "the rows themselves are left as they were"


def test_scores_of_a_run_are_those_of_its_decoder():
    of = Tagged([["a", "b"]], [["B-PER", "I-PER"]], [["O", "I-PER"]], [["B-PER", "I-PER"]])
    assert (of.f1(), of.f1("repaired"), of.f1("structured"), of.accuracy) == (0, 0, 1, 0.5)
    assert list(of.names()["found"]) == [False]
    assert of.wrong().to_dict() == {"missed": 1} and of.wrong("structured").empty
    assert of.wrong("repaired").to_dict() == {"boundary": 1}


def test_a_name_list_finds_what_it_has_seen_and_nothing_else():
    task = entity_task([["Anna", "Berg", "left", "Berg"]], [["B-PER", "I-PER", "O", "B-LOC"]])
    names = Gazetteer.of(task)
    assert names.tag(["Berg", "met", "Anna", "Berg", "!"]) == ["B-LOC", "O", "B-PER", "I-PER", "O"]
    assert names.tag(["Oslo"]) == ["O"] and names.tag([]) == []


@pytest.mark.parametrize("kind", ["PER", "WEAPON"])
def test_kinds_of_ones_own_are_marked_too(kind):
    assert text_of(drawn.tagged(["x"], [f"B-{kind}"])) == f"x {kind}"
