"""Mistakes as programs: an answer is compared with a slow specification on small cases, and with what usual mistakes do.

`judge` adds the probes to a check. Where an answer differs from the specification, a mistake is named only if it would
have been right wherever the answer was, and does what the answer does: two mistakes often agree on a single case.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from course_utils.checks import Check, Mistake

__all__ = ["Case", "Program", "Wrong", "judge"]

Program = Callable[..., Any]


@dataclass(frozen=True)
class Wrong:
    """A usual mistake as a program, and what to say to whoever made it.

    Where it is written in several ways that give different results: `others`, or a `symptom(given, right)` of them all.
    """

    name: str
    program: Program
    cause: str
    move: str
    symptom: Callable[[Any, Any], bool] | None = None
    others: tuple[Program, ...] = ()


@dataclass(frozen=True)
class Case:
    """What an answer is called with, and how to say so."""

    args: tuple[Any, ...]
    words: str


def judge(
    check: Check, spec: Program, probes: Mapping[str, Sequence[Case]], wrongs: Sequence[Wrong], otherwise: str, *,
    view: Program = lambda result, *args: result,
    seen: Callable[..., str] = lambda result, got, right, case: f"{got!r} for {case.words}, where {right!r} is right",
) -> None:  # fmt: skip
    """Add a probe for each group of cases: on each case the answer gives what `spec` gives.

    Where results may differ and be right, `view(result, *args)` is what is compared. `otherwise` is the next move where
    no mistake gives the same.
    """
    cases = [case for group in probes.values() for case in group]

    def called(program: Program, case: Case) -> Any:
        result = program(*copy.deepcopy(case.args))  # an answer may write into what it gets
        return list(result) if isinstance(result, Iterator) else result

    def outcome(program: Program, case: Case) -> Any:
        try:
            return _plain(view(called(program, case), *case.args))
        except Exception as error:  # a wrong program may raise anything
            return type(error).__name__

    def named(answer: Program, at: int, group: slice, got: Any, right: Any, seen: str) -> Mistake:
        gave, rights = ([outcome(program, case) for case in cases] for program in (answer, spec))

        def agreement(program: Program) -> tuple[float, float]:
            """How often it does what the answer does: on the cases of this group, and on all."""
            gives = [outcome(program, case) for case in cases]
            if gives[: at + 1] != gave[: at + 1]:
                return 0.0, 0.0
            # Cases that both get right tell nothing.
            alike = [a == b if a != c or b != c else None for a, b, c in zip(gave, gives, rights, strict=True)]
            return _share(alike[group]), _share(alike)

        def likeness(wrong: Wrong) -> tuple[float, float]:
            if wrong.symptom:
                return float(wrong.symptom(got, right)), 1.0
            return max(map(agreement, (wrong.program, *wrong.others)))

        best = max(wrongs, key=likeness)
        if likeness(best)[0] >= 0.5:
            return Mistake(best.name, seen, best.cause, best.move)
        return Mistake("another value", seen, "none of the usual mistakes gives this", otherwise)

    def holds(answer: Program, group: slice) -> Mistake | None:
        for at, case in list(enumerate(cases))[group]:
            try:
                result = called(answer, case)
            except Exception as error:  # the check will say on which line: say for what, too
                error.args = (f"{error}, for {case.words}".removeprefix(", "),)
                raise
            if result is None:
                return Mistake(
                    "returned None", f"your function gives None for {case.words}",
                    "a branch of it ends without `return`", "Return a result in every case.",
                )  # fmt: skip
            got, right = _plain(view(result, *case.args)), outcome(spec, case)
            if got != right:
                return named(answer, at, group, got, right, seen(result, got, right, case))
        return None

    begin = 0
    for name, members in probes.items():
        check.probe(_probe(name, holds, slice(begin, begin + len(members))))
        begin += len(members)


def _probe(name: str, holds: Callable[[Program, slice], Mistake | None], group: slice) -> Program:
    def probe(answer: Program) -> Mistake | None:
        return holds(answer, group)

    probe.__name__ = probe.__doc__ = name
    return probe


def _share(alike: Sequence[bool | None]) -> float:
    told = [one for one in alike if one is not None]
    return sum(told) / len(told) if told else 0.0


def _plain(value: Any) -> Any:
    """Numbers, texts, tuples: without NumPy's or PyTorch's types, and rounded, so that they compare with ==."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return tuple(map(_plain, value))
    if isinstance(value, float):
        return round(value, 4) if math.isfinite(value) else value
    return value
