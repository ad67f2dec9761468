"""What the learner has done, in one small JSON file on this machine; no account, nothing sent.

The file is `progress.json` in COURSE_HOME or, without it, in the platform's folder for user data.
"""

from __future__ import annotations

import json
import time
import warnings
from pathlib import Path
from typing import Any

from ..home import home, write_whole

VERSION = 1


def path() -> Path:
    return home() / "progress.json"


def load() -> dict[str, dict[str, Any]]:
    """Exercise id → {"state", "attempts", "hints", "right_on"}; an unreadable file is kept aside."""
    file = path()
    try:
        contents = json.loads(file.read_text(encoding="utf-8"))
        if contents["version"] == VERSION and all(
            isinstance(entry, dict) for entry in contents["exercises"].values()
        ):
            return dict(contents["exercises"])
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError, AttributeError):
        pass  # not our JSON: handled with the same words as another version
    aside = file.with_name(f"progress.unreadable-{time.strftime('%Y%m%d-%H%M%S')}.json")
    file.rename(aside)
    warnings.warn(
        f"Your progress in {file} could not be read; it is kept as {aside.name} and a new one begins.",
        stacklevel=2,
    )
    return {}


def save(exercises: dict[str, dict[str, Any]]) -> None:
    """Write all or nothing: whoever reads meanwhile, or a crash, meets the old file or the new one."""
    write_whole(path(), json.dumps({"version": VERSION, "exercises": exercises}, indent=1, sort_keys=True))


def record(id: str, state: str) -> str:
    """Remember the outcome of an attempt; "" or, where it could not be saved, a note that says so."""
    try:
        exercises = load()
        entry = exercises.setdefault(id, {})
        if state != "not started":
            entry["attempts"] = entry.get("attempts", 0) + 1
        if state == "right":
            entry.setdefault("right_on", time.strftime("%Y-%m-%d"))
        if entry.get("state") != "right":  # once right stays right: trying something out costs nothing
            entry["state"] = state
        save(exercises)
    except OSError as error:  # a full or read-only disk must not stop anyone from learning
        return f"this could not be saved in {path()} ({error.strerror})"
    return ""


def hints_shown(id: str) -> int:
    try:
        return int(load().get(id, {}).get("hints", 0))
    except OSError:
        return 0


def record_hint(id: str, shown: int) -> None:
    try:
        exercises = load()
        exercises.setdefault(id, {})["hints"] = shown
        save(exercises)
    except OSError as error:
        warnings.warn(f"The hint could not be remembered in {path()} ({error.strerror}).", stacklevel=2)


def table() -> str:
    """Every exercise of the course with its state, attempts and hints, as text."""
    from course_utils.checks import SYMBOLS, all_checks

    done, checks = load(), all_checks()
    if not checks:
        return "No exercises yet."
    lines = []
    for lesson in sorted({id[:2] for id in checks}):
        ids = [id for id in checks if id[:2] == lesson]
        right = sum(done.get(id, {}).get("state") == "right" for id in ids)
        lines.append(f"lesson {lesson}   {right} of {len(ids)} right")
        for id in ids:
            entry = done.get(id, {})
            extras = [
                _counted(entry[name + "s"], name) for name in ("attempt", "hint") if entry.get(name + "s")
            ]
            symbol = SYMBOLS[entry.get("state", "not started")]
            lines.append(f"  {symbol} {id:<6} {checks[id].title:<44} {' · '.join(extras)}".rstrip())
    lines.append(f"kept in {path()}")
    return "\n".join(lines)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" + "s" * (number != 1)
