"""The exercises of lesson 00 answer back; so does the widget of its third section."""

import ipywidgets
import plotly.graph_objects as go
import pytest

from course_utils import figures, widgets
from course_utils.authoring import cells_of, find_root, find_targets
from course_utils.checks import find_check, lesson_checks
from course_utils.checks.testing import assert_recognises
from course_utils.errors import CourseError


def answer_of(variant, name, number):
    """What an answer cell (the `number`-th) of the exercise notebook leaves in `name`."""
    [target] = [t for t in find_targets(find_root(), ["00"]) if t.variant == variant]
    cells = [cell for cell in cells_of(target) if cell.kind == "code" and "setup" not in cell.tags]
    names: dict = {}
    exec(cells[0].source, names)  # the imports
    exec([cell for cell in cells if "answer" in cell.tags][number].source, names)
    return names[name]


# ---------------------------------------------------------------- 00.1


def pairs_right(guesses, answers):
    return sum(guess == answer for guess, answer in zip(guesses, answers, strict=True))


def positives_right(guesses, answers):
    return sum(guess == answer == "positive" for guess, answer in zip(guesses, answers, strict=True))


ACCURACIES = {
    "a count": pairs_right,
    "a percentage": lambda g, a: 100 * pairs_right(g, a) / len(a),
    "whole-number division": lambda g, a: pairs_right(g, a) // len(a),
    "wrong ones counted": lambda g, a: 1 - pairs_right(g, a) / len(a),
    "one class only": lambda g, a: positives_right(g, a) / len(a),
    "right over wrong": lambda g, a: pairs_right(g, a) / (len(a) - pairs_right(g, a)),
    "a fixed divisor": lambda g, a: pairs_right(g, a) / 10,
    "another value": lambda g, a: 0.123,
}


def test_accuracy_answers_back():
    solution, stub = (answer_of(variant, "accuracy", 0) for variant in ("solution", "exercise"))
    assert_recognises(find_check("00.1"), solution, stub, ACCURACIES)


@pytest.mark.parametrize(
    "again",
    [
        lambda g, a: len(a) - pairs_right(g, a),  # the wrong ones, not divided
        lambda g, a: positives_right(g, a) / a.count("positive"),  # recall
    ],
)
def test_a_mistake_is_recognised_in_its_other_form(again):
    assert find_check("00.1").examine(again).mistake.name in ("wrong ones counted", "one class only")


def test_the_lesson_shows_the_mistake_that_it_announces():
    [lesson] = [t for t in find_targets(find_root(), ["00"]) if t.variant == "lesson"]
    [cell] = [
        cell.source for cell in cells_of(lesson) if cell.kind == "code" and "def accuracy" in cell.source
    ]
    names: dict = {}
    exec(cell, names)
    assert find_check("00.1").examine(names["accuracy"]).mistake.name == "a count"


# ---------------------------------------------------------------- 00.2


def ask(sentence):
    """A model that listens to three words."""
    if "delicious" in sentence:
        return "positive", 0.97
    return ("negative", 0.9) if "bland" in sentence else ("negative", 0.6)


def pair(praise, blame="The soup was bland."):
    return {"praise": praise, "blame": blame, "ask": ask}


PAIRS = {
    "not text": pair(["The soup was delicious."]),
    "not a sentence": pair("Delicious!"),
    "the same sentence": pair("The soup was bland!"),
    "a word more": pair("The soup was not bland."),
    "several words": pair("The pie was delicious."),
    "the other way round": pair("The soup was bland.", "The soup was delicious."),
    "the same label": pair("The soup was tasty."),
    "unsure": pair("The soup was delicious.", "The soup was odd."),
}


def test_a_pair_is_judged_by_the_model_that_comes_with_it():
    praise, blame = (answer_of("solution", name, 1) for name in ("praise", "blame"))
    solution = pair(praise, blame) | {
        "ask": lambda sentence: ("positive" if sentence == praise else "negative", 0.9)
    }
    stub = pair(answer_of("exercise", "praise", 1), answer_of("exercise", "blame", 1))
    assert_recognises(find_check("00.2"), solution, stub, PAIRS)


def test_every_exercise_is_proven():
    assert list(lesson_checks("00")) == ["00.1", "00.2"]


# ---------------------------------------------------------------- the widget


def lengths(text):
    if "refuse" in text:
        raise CourseError("No such word.")
    return figures.bars(["letters"], [len(text)], title=text, x_label="what", y_label="how many")


def parts():
    box, row, live = widgets.ask_text(lengths, "soup").children
    return box, *row.children, live


def test_ask_text_without_widgets_is_the_figure():
    assert type(widgets.ask_text(lengths, "soup", widget=False)) is go.Figure


def test_ask_text_draws_for_what_stands_in_the_box():
    box, button, status, live = parts()
    assert isinstance(box, ipywidgets.Text) and live.data[0].y == (4,)
    box.value = "gravy"
    assert live.data[0].y == (5,) and live.layout.title.text == "gravy"
    button.click()
    assert live.data[0].y == (5,) and status.value == ""


@pytest.mark.parametrize(("typed", "said"), [("  ", "type something"), ("refuse", "No such word.")])
def test_ask_text_says_what_it_cannot_draw_and_keeps_the_last_figure(typed, said):
    box, _, status, live = parts()
    box.value = typed
    assert said in status.value and live.data[0].y == (4,)
    box.value = "gravy"
    assert status.value == "" and live.data[0].y == (5,)
