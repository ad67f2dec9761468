"""Widgets and figures made of text: what they show is what they were given, escaped and marked."""

import ipywidgets
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_utils.errors import CourseError
from course_utils.figures import text as figures
from course_utils.widgets import text as widgets

ERRORS = pd.DataFrame({"error": ["missed", "boundary", "missed"], "sentence": ["one", "two", "three"]})


def show(row) -> str:
    return figures.paragraph(row.sentence)


def test_errors_are_gone_through_by_kind():
    panel = widgets.browse_errors(ERRORS, show)
    (kind, number, back, on), view = panel.children[0].children, panel.children[1]
    assert [label for label, _ in kind.options] == ["missed (2)", "boundary (1)"]
    assert view.value == show(ERRORS.iloc[0])
    on.click()
    assert number.value == 2 and view.value == show(ERRORS.iloc[2])
    on.click()
    assert number.value == 1
    back.click()
    assert number.value == 2
    kind.value = "boundary"
    assert number.value == number.max == 1 and view.value == show(ERRORS.iloc[1])


def test_errors_without_a_front_end():
    page = widgets.browse_errors(ERRORS, show, widget=False).data
    assert all(word in page for word in ("missed (2)", "one", "two", "three"))
    empty = ERRORS.iloc[:0]
    assert "no error" in widgets.browse_errors(empty, show, widget=False).data
    assert "no error" in widgets.browse_errors(empty, show).value
    with pytest.raises(CourseError, match="no column 'kind' but 'error', 'sentence'"):
        widgets.browse_errors(ERRORS, show, by="kind")


def test_what_is_typed_is_answered():
    def make(question: str, passage: str, loud: bool) -> str:
        if question == "?":
            raise CourseError("that is <no> question")
        return f"{question}|{passage}|{loud}"

    boxes = {"Question": "Who?", "Passage": "Ada."}
    assert widgets.ask_marked(make, boxes, {"loud": False}, widget=False).data == "Who?|Ada.|False"
    panel = widgets.ask_marked(make, boxes, {"loud": False})
    question, _, loud, ask, view = panel.children
    assert view.value == "Who?|Ada.|False"
    loud.value = True
    assert view.value == "Who?|Ada.|True"
    question.value = "Where?"
    ask.click()
    assert view.value == "Where?|Ada.|True"
    question.value = "?"
    assert "that is &lt;no&gt; question" in view.value
    question.value = " "
    assert "Nothing is written in the box 'Question'" in view.value


def test_a_long_text_gets_a_larger_box():
    panel = widgets.ask_marked(lambda text: text, "word " * 40)
    assert isinstance(panel.children[0], ipywidgets.Textarea)


@given(st.text(max_size=40), st.integers(0, 40), st.integers(0, 40))
def test_marks_change_no_letter(text, start, end):
    import re
    from html import unescape

    html = figures.highlighted(text, [(min(start, len(text)), min(end, len(text)), "")])
    assert unescape(re.sub(r"<[^<>]*>", "", html)) == text


def test_overlapping_marks_keep_the_longest_of_those_that_begin_first():
    html = figures.highlighted("Ada Berg", [(0, 3, "short"), (0, 8, "long"), (4, 8, "late")])
    assert "long" in html and "short" not in html and "late" not in html


def test_heavier_pieces_are_deeper():
    html = figures.shaded([("a", 0.0), ("b", 2.0)])
    assert "00' title='0.000'>a" in html and "e6' title='2.000'>b" in html
    assert "<th" in figures.rows_of({"right": html})
