"""The core of the exercises that answer back, on a small check of its own."""

import json
import os
import threading
import time

import pytest

from course_utils import checks
from course_utils.checks import Check, Mistake, NotStarted, Verdict, progress
from course_utils.checks.testing import assert_recognises
from course_utils.errors import CourseError

MEAN = Check(
    "91.1", "A mean over targets", hints=("Which labels count?", "Not those that are -100."), seconds=0.3
)


@MEAN.probe
def one_row(mean):
    if not isinstance(got := mean([2.0, 4.0], [1, 0]) + 0.0, float):
        return Mistake("not a number", f"{got!r}", "a list", "Return one number.")
    if got == 6.0:
        return Mistake(
            "a sum",
            f"{got} for losses 2 and 4",
            "nothing divides the sum",
            "Divide by the number of targets.",
        )
    return None


@MEAN.probe
def padding(mean):
    got = mean([2.0, 4.0, 9.0], [1, 0, -100])
    if got == 5.0:
        return Mistake(
            "padding counted", f"{got} where targets give 3.0", "-100 is counted", "Leave -100 out."
        )
    if got != 3.0:
        return Mistake("another value", f"{got} where targets give 3.0", "unclear", "Try it by hand.")
    return None


def right(losses, labels):
    kept = [loss for loss, label in zip(losses, labels, strict=True) if label != -100]
    return sum(kept) / len(kept)


def stub(losses, labels):
    raise NotStarted


def divides_by_zero(losses, labels):
    return sum(losses) / 0


def endless(losses, labels):
    while True:
        try:
            time.sleep(0.01)
        except Exception:
            continue


def returns_nothing(losses, labels):
    sum(losses)


def test_right_stub_and_usual_mistakes_are_told_apart():
    assert_recognises(
        MEAN,
        right,
        stub,
        {
            "a sum": lambda losses, labels: sum(losses),
            "padding counted": lambda losses, labels: sum(losses) / len(losses),
            "another value": lambda losses, labels: sum(losses) / 2,
            "raised": divides_by_zero,
            "too slow": endless,
            "returned None": returns_nothing,
            "other form": 3.0,
        },
    )


def test_the_test_helper_itself_fails_when_it_should():
    with pytest.raises(AssertionError, match="not accepted"):
        assert_recognises(MEAN, returns_nothing, stub, {})
    with pytest.raises(AssertionError, match="stub is not"):
        assert_recognises(MEAN, right, right, {})
    with pytest.raises(AssertionError, match="taken for 'a sum'"):
        assert_recognises(MEAN, right, stub, {"padding counted": lambda losses, labels: sum(losses)})
    with pytest.raises(AssertionError, match="three are the least"):
        assert_recognises(MEAN, right, stub, {"raised": divides_by_zero})


@pytest.mark.parametrize(
    "answer", [..., NotStarted, NotStarted(), {"a": 1, "b": ...}, (1, ...), lambda losses, labels: ...]
)
def test_every_form_of_stub_is_not_started(answer):
    assert MEAN.examine(answer).state == "not started"


def test_an_error_is_shown_with_the_line_of_the_learner():
    mistake = MEAN.examine(divides_by_zero).mistake
    assert "ZeroDivisionError" in mistake.seen and "return sum(losses) / 0" in mistake.seen


def test_an_endless_answer_ends():
    began = time.monotonic()
    assert MEAN.examine(endless).mistake.name == "too slow"
    assert time.monotonic() - began < 2


def test_an_endless_answer_ends_where_there_is_no_alarm():
    """Off the main thread, as on Windows."""
    verdicts, began = [], time.monotonic()
    thread = threading.Thread(target=lambda: verdicts.append(MEAN.examine(endless)), daemon=True)
    thread.start()
    thread.join(timeout=10)
    assert verdicts and verdicts[0].mistake.name == "too slow"
    assert time.monotonic() - began < 5


def test_a_limit_that_was_kept_raises_nothing_later():
    for limit in (checks._time_limit, checks._time_limit_without_alarm):
        with limit(0.05):
            pass
        ended = time.monotonic() + 0.1
        while time.monotonic() < ended:
            pass


def test_a_verdict_reads_as_text_and_as_html():
    good, bad = MEAN.examine(right), MEAN.examine(lambda losses, labels: sum(losses) / len(losses))
    assert str(good) == "✓ 91.1 A mean over targets · right: all 2 properties hold" and good and not bad
    for part in ("seen:", "likely cause:", "next:", "1 of 2 properties hold"):
        assert part in str(bad)
    loud = Verdict("91.1", "A title", "not yet", 0, 2, Mistake("odd", "<script>", "a < b", "c"))
    assert "<script>" in str(loud)
    assert "<script>" not in loud._repr_html_()
    assert "&lt;script&gt;" in loud._repr_html_()


def test_an_answer_of_another_form_is_not_blamed_on_a_line_of_it():
    assert MEAN.examine(lambda losses, labels: "text").mistake.name == "other form"


def test_progress_remembers_and_right_stays_right(course_home):
    MEAN(stub)
    assert progress.load()["91.1"] == {"state": "not started"}
    MEAN(divides_by_zero)
    MEAN(right)
    MEAN(divides_by_zero)
    entry = progress.load()["91.1"]
    assert entry["state"] == "right" and entry["attempts"] == 3
    assert [path.name for path in course_home.iterdir()] == ["progress.json"], "no draft stays behind"


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"version": 99, "exercises": {}}', '{"version": 1, "exercises": [1]}', "\x00\xff"]
)
def test_a_corrupt_progress_file_is_kept_aside_and_said(course_home, text):
    course_home.mkdir()
    progress.path().write_text(text, encoding="latin-1")
    with pytest.warns(UserWarning, match="kept as progress.unreadable"):
        assert progress.load() == {}
    MEAN(right)
    kept = [path for path in course_home.iterdir() if "unreadable" in path.name]
    assert kept[0].read_text(encoding="latin-1") == text
    assert json.loads(progress.path().read_text())["exercises"]["91.1"]["state"] == "right"


def test_a_failed_write_leaves_the_old_file_and_is_said(course_home, monkeypatch):
    MEAN(stub)
    before = progress.path().read_text()

    def full(*paths):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    verdict = MEAN(right)
    assert verdict and "No space left" in verdict.note and "No space left" in str(verdict)
    assert progress.path().read_text() == before
    assert [path.name for path in course_home.iterdir()] == ["progress.json"]


@pytest.fixture
def lesson_91(monkeypatch):
    monkeypatch.setattr(checks, "_lessons", lambda: ["91"])
    monkeypatch.setattr(checks, "lesson_checks", lambda lesson: {"91.1": MEAN} if lesson == "91" else {})


def test_hints_come_one_at_a_time_and_are_remembered(course_home, lesson_91):
    assert str(checks.hint("91.1")) == "hint 1 of 2: Which labels count?"
    second = checks.hint("91.1")
    assert second.shown == MEAN.hints and "solutions/91" in str(second)
    assert checks.hint("91.1") == second, "after the last hint comes the last hint"
    assert "<div>" in second._repr_html_()
    assert "2 hints" in progress.table()


def test_an_unknown_exercise_names_those_there_are(lesson_91):
    with pytest.raises(CourseError, match="lesson 91 has 91.1"):
        checks.check("91.7", 1)
    with pytest.raises(CourseError, match="lessons with exercises: 91"):
        checks.check("92.1", 1)


def test_the_table_counts_what_is_right(course_home, lesson_91):
    assert "0 of 1 right" in progress.table()
    checks.check("91.1", right)
    assert "1 of 1 right" in progress.table() and "✓ 91.1" in progress.table()
    assert "1 attempt\n" in progress.table()
    checks.check("91.1", right)
    assert "2 attempts\n" in progress.table()


def test_every_check_of_the_course_has_hints_and_probes():
    for id, found in checks.all_checks().items():
        assert found.probes and len(found.hints) >= 2, id
        assert found.examine(...).state == "not started", id
