"""Exercises that answer back: `check("06.2", answer)` says what it saw, why, and what to do next.

How to write one, in `course_utils/checks/lesson_06.py` (found by its name, no registration):

    from course_utils.checks import Check, Mistake

    check_06_2 = Check("06.2", "A mean over targets", hints=("Which labels count?", "Not the -100."))

    @check_06_2.probe
    def padding_counted(mean_loss):
        '''The mean leaves out what is not a target.'''
        got = mean_loss([2.0, 4.0, 9.0], [1, 0, -100])
        if got == 5.0:
            return Mistake("padding counted", seen=f"a mean of {got} where the targets alone give 3.0",
                           cause="the label -100 is counted as a target", move="Leave out labels of -100.")

Probes run in the order they are written; each gets the answer (a value or a function), tests one property or
compares with a slow specification, and returns None where it holds or the Mistake it recognises. End with a
probe that catches whatever is left. A check never imports the solution.
`testing.assert_recognises` proves a check.
"""

from __future__ import annotations

import ctypes
import functools
import html
import importlib
import inspect
import pkgutil
import signal
import sys
import threading
import traceback
import types
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from course_utils.checks import progress
from course_utils.errors import CourseError

__all__ = ["Check", "Hint", "Mistake", "NotStarted", "Verdict", "all_checks", "check", "find_check", "hint"]

HERE = str(Path(__file__).parent)
SYMBOLS = {"right": "✓", "not yet": "✗", "not started": "○"}


class NotStarted(NotImplementedError):
    """What a stub raises until the learner replaces it."""

    def __init__(self, message: str = "Not started yet: replace this line with your answer.") -> None:
        super().__init__(message)


class _TimeUp(BaseException):
    """Not an Exception, so that an endless `try: … except Exception: …` in an answer cannot swallow it."""


@dataclass(frozen=True)
class Mistake:
    """A wrong answer, recognised: its name in tests, then the three things the learner reads."""

    name: str
    seen: str  # what the check saw, with the learner's own numbers
    cause: str  # what usually leads there
    move: str  # what to do next, without giving the answer away


Probe = Callable[[Any], Mistake | None]


@dataclass(frozen=True)
class Verdict:
    """What a check answers: HTML in a notebook, text elsewhere, and true when the answer is right."""

    id: str
    title: str
    state: str  # "right" | "not yet" | "not started"
    held: int  # probes that held before the first that did not
    probes: int
    mistake: Mistake | None = None
    note: str = ""  # e.g. that progress could not be saved

    def __bool__(self) -> bool:
        return self.state == "right"

    def _lines(self) -> Iterator[tuple[str, str]]:
        """Label and text of each line under the headline."""
        if self.state == "not started":
            yield "next", f'Write your answer, run its cell, then run this one. hint("{self.id}") helps.'
        if self.mistake:
            yield "seen", self.mistake.seen
            yield "likely cause", self.mistake.cause
            yield "next", self.mistake.move
            if self.held:
                yield "so far", f"{self.held} of {self.probes} properties hold"
        if self.note:
            yield "note", self.note

    @property
    def headline(self) -> str:
        tail = f": {'the one property holds' if self.probes == 1 else f'all {self.probes} properties hold'}" if self else ""
        return f"{SYMBOLS[self.state]} {self.id} {self.title} · {self.state}{tail}"

    def __str__(self) -> str:
        return "\n".join([self.headline, *(f"  {label + ':':<13} {text}" for label, text in self._lines())])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        # Colours come from the page, so that it reads on light and dark; the symbol says what a colour would.
        width = "4px solid" if self else "4px dashed" if self.mistake else "4px dotted"
        rows = "".join(f"<div><b>{label}</b> · {html.escape(text)}</div>" for label, text in self._lines())
        return (
            f'<div role="status" style="border-left:{width};padding:.3em .8em">'
            f"<div><b>{html.escape(self.headline)}</b></div>{rows}</div>"
        )


@dataclass(frozen=True)
class Hint:
    """The hints shown so far, the newest last."""

    id: str
    shown: tuple[str, ...]
    total: int

    def __str__(self) -> str:
        lines = [f"hint {n} of {self.total}: {text}" for n, text in enumerate(self.shown, start=1)]
        if len(self.shown) == self.total:
            lines.append(f"That was the last one. The solution is in solutions/{self.id[:2]}_….ipynb.")
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return "".join(f"<div>{html.escape(line)}</div>" for line in str(self).splitlines())


@dataclass
class Check:
    """An exercise's check: probes in order, hints in stages, and how many seconds an answer may take."""

    id: str  # "06.2": lesson, then exercise
    title: str
    hints: Sequence[str] = ()
    seconds: float = 20.0
    probes: list[Probe] = field(default_factory=list)

    def probe(self, function: Probe) -> Probe:
        """Decorator: one more thing that an answer must satisfy."""
        self.probes.append(function)
        return function

    def __call__(self, answer: Any) -> Verdict:
        """Examine an answer and remember the outcome in the local progress."""
        verdict = self.examine(answer)
        note = progress.record(self.id, verdict.state)
        return Verdict(**{**vars(verdict), "note": note})

    def examine(self, answer: Any) -> Verdict:
        """The verdict alone: nothing is remembered."""
        verdict = functools.partial(Verdict, self.id, self.title, probes=len(self.probes))
        if _is_open(answer):
            return verdict("not started", 0)
        watched, returned = _watch(answer)
        for held, probe in enumerate(self.probes):
            returned.clear()
            try:
                with _time_limit(self.seconds):
                    mistake = probe(watched)
            except NotStarted:
                return verdict("not started", held)
            except _TimeUp:
                mistake = Mistake(
                    "too slow",
                    seen=f"no result after {self.seconds:g} seconds, so the check stopped waiting",
                    cause="a loop that never ends, or work on far more data than asked",
                    move="Look at what should end the loop, then try your answer on one small input.",
                )
            except Exception as error:  # whatever an answer raises is a finding, not a crash of the check
                mistake = _raised(error, answer, returned)
            if mistake and ... in _identities(returned):  # a stub, however the probe took it
                return verdict("not started", held)
            if mistake:
                return verdict("not yet", held, mistake=mistake)
        return verdict("right", len(self.probes))


def check(id: str, answer: Any = ...) -> Verdict:
    """Does this answer exercise `id` ("06.2")? `answer` is a value or a function; end the cell with it."""
    return find_check(id)(answer)


def hint(id: str) -> Hint:
    """One hint more than last time."""
    found = find_check(id)
    if not found.hints:
        raise CourseError(f"Exercise {id} has no hints.")
    shown = min(progress.hints_shown(id) + 1, len(found.hints))
    progress.record_hint(id, shown)
    return Hint(id, tuple(found.hints[:shown]), len(found.hints))


def find_check(id: str) -> Check:
    """The check of an exercise. Raises CourseError naming those there are."""
    lesson = str(id)[:2]
    checks = lesson_checks(lesson)
    if id in checks:
        return checks[id]
    there = f"lessons with exercises: {', '.join(_lessons())}"
    if checks:
        there = f"lesson {lesson} has {', '.join(checks)}"
    raise CourseError(f'There is no exercise {id!r}; {there}. Write it as text: check("06.2", answer).')


def lesson_checks(lesson: str) -> dict[str, Check]:
    """Exercise id → check, in order, of one lesson; nothing if it has none."""
    if lesson not in _lessons():
        return {}
    module = importlib.import_module(f"{__name__}.lesson_{lesson}")
    found = [value for value in vars(module).values() if isinstance(value, Check)]
    return {one.id: one for one in sorted(found, key=lambda one: int(one.id.partition(".")[2]))}


def all_checks() -> dict[str, Check]:
    return {id: check for lesson in _lessons() for id, check in lesson_checks(lesson).items()}


def _lessons() -> list[str]:
    names = (module.name for module in pkgutil.iter_modules(__path__))
    return sorted(name.removeprefix("lesson_") for name in names if name.startswith("lesson_"))


def _is_open(answer: Any) -> bool:
    """Whether an answer, or a part of one, is still its stub."""
    parts = answer.values() if isinstance(answer, dict) else answer
    parts = parts if isinstance(answer, dict | tuple | list) else (answer,)
    return any(part is ... or part is NotStarted or isinstance(part, NotStarted) for part in parts)


def _identities(values: Sequence[Any]) -> set[Any]:
    """Those that are `...` or None. (By identity: tensors refuse to be compared by `in`.)"""
    return {value for value in values if value is ... or value is None}


def _watch(answer: Any) -> tuple[Any, list[Any]]:
    """The same answer, and a list that will hold its last return value if it is a plain function."""
    returned: list[Any] = []
    if not isinstance(answer, types.FunctionType):
        return answer, returned

    @functools.wraps(answer)
    def watched(*args: Any, **kwargs: Any) -> Any:
        result = answer(*args, **kwargs)
        returned[:] = [result]
        return result

    return watched, returned


def _raised(error: Exception, answer: Any, returned: Sequence[Any]) -> Mistake:
    """What to say about an error: where the learner's code raised it, or that the answer has another form."""
    what = f"{type(error).__name__}: {error}".splitlines()[0]
    own = _own_frames(error, answer)
    if own:
        where = f"line {own[-1].lineno}, `{own[-1].line}`" if own[-1].line else f"line {own[-1].lineno}"
        return Mistake(
            "raised",
            seen=f"{what} — at {where}",
            cause="this line got a value that it was not written for",
            move="Call your function yourself on a small input and print what comes into that line.",
        )
    if None in _identities(returned):
        return Mistake(
            "returned None",
            seen=f"your function gives None ({what})",
            cause="its last line has no `return`",
            move="Return the result.",
        )
    return Mistake(
        "other form",
        seen=f"an answer of type {type(answer).__name__} that the check could not read ({what})",
        cause="it has another form than the exercise asks for: another type, shape or signature",
        move="Compare the form that the exercise names with `type(…)` and `.shape` of your answer.",
    )


def _own_frames(error: Exception, answer: Any) -> list[traceback.FrameSummary]:
    """The learner's frames of an error: below the probe's call of the answer, in the answer's own file."""
    frames = list(traceback.extract_tb(error.__traceback__))
    if isinstance(answer, types.FunctionType):
        own = inspect.unwrap(answer).__code__.co_filename  # not that of a decorator, such as torch.no_grad()
        inside = any(frame.name == "watched" and frame.filename == __file__ for frame in frames)
        return [frame for frame in frames if frame.filename == own] if inside else []
    # A class, say: whatever is neither the check's nor installed.
    installed = (HERE, sys.prefix, sys.base_prefix)
    return [frame for frame in frames[2:] if not frame.filename.startswith(installed)]  # [examine, probe, …]


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Raise _TimeUp in the block after `seconds`, as soon as it runs Python: one call into C that never ends
    (`sum(itertools.count())`) only ends with its kernel."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        with _time_limit_without_alarm(seconds):
            yield
        return

    def ring(signum: int, frame: types.FrameType | None) -> None:
        raise _TimeUp

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)  # then each second, if something held it back
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _time_limit_without_alarm(seconds: float) -> Iterator[None]:
    """The same on Windows and off the main thread, where there are no alarms: another thread raises it here."""
    raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc
    here, over = ctypes.c_ulong(threading.get_ident()), threading.Lock()

    def ring() -> None:
        if over.acquire(blocking=False):
            raise_in(here, ctypes.py_object(_TimeUp))

    timer = threading.Timer(seconds, ring)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        if not over.acquire(blocking=False):  # it rang: if that has not arrived yet, it must not come later
            raise_in(here, None)
