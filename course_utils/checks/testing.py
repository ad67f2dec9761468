"""How a check is proven: on the solution, on the stub, and on the usual mistakes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from course_utils.checks import Check


def assert_recognises(check: Check, solution: Any, stub: Any, mistakes: Mapping[str, Any]) -> None:
    """Right on the solution, "not started" on the stub, and each wrong answer gets the Mistake of its name.

    At least three mistakes, each with words of its own; and at least two hints.
    """
    verdict = check.examine(solution)
    assert verdict.state == "right", f"the solution is not accepted:\n{verdict}"
    verdict = check.examine(stub)
    assert verdict.state == "not started", f"the stub is not recognised:\n{verdict}"

    messages = {}
    for name, wrong in mistakes.items():
        verdict = check.examine(wrong)
        assert verdict.mistake is not None, f"{name!r} passes as {verdict.state}"
        assert verdict.mistake.name == name, f"{name!r} is taken for {verdict.mistake.name!r}:\n{verdict}"
        assert all((verdict.mistake.seen, verdict.mistake.cause, verdict.mistake.move)), (
            f"{name!r} leaves a part unsaid"
        )
        messages[name] = (verdict.mistake.cause, verdict.mistake.move)
    assert len(mistakes) >= 3, f"{check.id} recognises {len(mistakes)} mistakes; three are the least"
    assert len(set(messages.values())) == len(messages), f"two mistakes of {check.id} get the same words"
    assert len(check.hints) >= 2, f"{check.id} needs hints in stages"
