"""How a check is proven: on the solution, on the stub, and on the usual mistakes.

Solutions and stubs are taken from the exercise source (`answers`), so they cannot differ from what learners see.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import Any

from course_utils.checks import Check


def answers(lesson: str, variant: str) -> dict[str, Any]:
    """Exercise id → the answer that the notebook of this variant ("solution", "exercise") gives to its check.

    Runs the imports and the answers of `lesson` ("06"), and nothing else of the notebook. Raises ValueError if the
    lesson has no exercises.
    """
    from course_utils.authoring import cells_of, find_root, find_targets

    [target] = [one for one in find_targets(find_root(), [lesson]) if one.variant == variant]
    code = [cell for cell in cells_of(target) if cell.kind == "code" and "setup" not in cell.tags]
    names: dict[str, Any] = {}
    for cell in code:
        imports = all(isinstance(node, ast.Import | ast.ImportFrom) for node in ast.parse(cell.source).body)
        if "answer" in cell.tags or imports:
            exec(cell.source, names)
    source = "\n".join(cell.source for cell in code)
    given = re.findall(r'^check\("([\d.]+)", (\w+)\)', source, re.MULTILINE)
    return {id: names[name] for id, name in given}


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
