"""Where the course keeps what is the learner's own, and how it writes there: all of a file or nothing of it."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path


def home() -> Path:
    """COURSE_HOME or, without it, the platform's folder for user data."""
    if given := os.environ.get("COURSE_HOME"):
        return Path(given).expanduser()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "finetuning-lab"


def write_whole(file: Path, contents: str | bytes) -> None:
    """Write all or nothing: whoever reads meanwhile, or a crash, meets the old file or the new one. Raises OSError."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=file.parent, prefix=f".{file.stem}-", suffix=file.suffix)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(contents.encode("utf-8") if isinstance(contents, str) else contents)
        os.replace(draft, file)
    finally:  # also when the kernel is interrupted
        Path(draft).unlink(missing_ok=True)
