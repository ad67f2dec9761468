"""The Hub: whether it is there, what may come from it, and a folder that stands in for it.

A model or a set arrives as a folder of plain files, wherever it comes from: the libraries' own cache, the Hub, or the
folder that `COURSE_OFFLINE` names, which `course prefetch` fills (a USB stick, say). From there on nothing knows of the
Hub. Only files that cannot run are asked for: safetensors, Parquet, JSON and text (`hub_table.py`).
"""

from __future__ import annotations

import contextlib
import json
import os
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from .errors import CourseError
from .hub_table import MODEL_FILES, WEIGHT_FILES

SECONDS = 3.0  # the patience with a hub that may not be there
MANIFEST = "manifest.json"  # of a prefetched folder
CARDS = ("README.md", "dataset_infos.json")  # where a set names its configurations and its classes
REMEDY = (
    "set COURSE_SCALE=mini to work without it, or run `course prefetch` on a machine that reaches it "
    "and set COURSE_OFFLINE to the folder"
)


def address() -> str:
    """The Hub's address: `HF_ENDPOINT`, or the public one."""
    return os.environ.get("HF_ENDPOINT", "").rstrip("/") or "https://huggingface.co"


def offline_folder(name: str | None = None) -> Path | None:
    """The folder that stands in for the Hub, by default that of `COURSE_OFFLINE`; None where it is not set.

    Raises CourseError where it is none that `course prefetch` filled.
    """
    if not (name := name or os.environ.get("COURSE_OFFLINE", "").strip()):
        return None
    folder = Path(name).expanduser()
    if not (folder / MANIFEST).is_file():
        raise CourseError(
            f"The offline folder {name!r} holds no {MANIFEST}: is the stick plugged in? "
            "`course prefetch --to FOLDER` fills a folder."
        )
    return folder


def place(folder: Path, hub_id: str, kind: str) -> Path:
    """Where a prefetched folder keeps a repository: models/OWNER/NAME or datasets/OWNER/NAME."""
    return folder / f"{kind}s" / hub_id


def read_manifest(folder: Path) -> dict[str, Any]:
    """What a prefetched folder holds: "models/OWNER/NAME" → revision, and the size and sha256 of each file."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return {name: entry for name, entry in manifest.items() if set(entry) == {"revision", "files"}}
    except FileNotFoundError:
        return {}
    except (AttributeError, TypeError, ValueError) as error:  # no JSON, or another program's
        raise CourseError(
            f"{str(folder / MANIFEST)!r} is none of `course prefetch` ({error}): delete it and run that again; "
            "what is whole is not fetched twice."
        ) from error


def misfits(folder: Path, files: Mapping[str, Any]) -> list[str]:
    """The files of a manifest's entry that are missing or of another size."""
    return [
        name
        for name, file in files.items()
        if not (folder / name).is_file() or (folder / name).stat().st_size != file["size"]
    ]


def answers(url: str, seconds: float = SECONDS) -> bool:
    """Whether a web address answers in time. On a thread, since looking up a name heeds no timeout."""
    asked, reached = threading.Event(), threading.Event()

    def ask() -> None:
        try:
            urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=seconds).close()
        except urllib.error.HTTPError:
            pass  # an error page is an answer, too
        except (OSError, ValueError) as error:
            # So is a certificate that this Python can't check: the hub library brings certificates of its own.
            if not isinstance(getattr(error, "reason", None), ssl.SSLError):
                asked.set()
                return
        reached.set()
        asked.set()

    threading.Thread(target=ask, daemon=True).start()
    asked.wait(seconds)
    return reached.is_set()


@lru_cache(maxsize=8)
def reachable(url: str) -> bool:
    """Whether the Hub answers; asked once in a process, so that nobody waits twice for one that doesn't."""
    off = {"1", "ON", "YES", "TRUE"}
    if any(os.environ.get(name, "").upper() in off for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")):
        return False
    return answers(url)


@lru_cache(maxsize=64)
def model_folder(hub_id: str, revision: str | None = None, *, weights: bool = True) -> Path:
    """The folder of a model of the Hub, fetched if need be; without `weights`, settings and tokenizer only."""
    return _folder(hub_id, "model", revision, MODEL_FILES + (WEIGHT_FILES if weights else ()), ignore=["*/*"])


def dataset_folder(hub_id: str, revision: str | None, files: Sequence[str]) -> Path:
    """The folder of a set of the Hub, fetched if need be: its card, and the files of these patterns."""
    return _folder(hub_id, "dataset", revision, (*CARDS, *files))


def _folder(
    hub_id: str, kind: str, revision: str | None, files: Sequence[str], ignore: list[str] | None = None
) -> Path:
    if stick := offline_folder():
        folder, entry = place(stick, hub_id, kind), read_manifest(stick).get(f"{kind}s/{hub_id}")
        if entry is None or misfits(folder, entry["files"]):
            state = "is not" if entry is None else "is not whole"
            raise CourseError(
                f"{hub_id!r} {state} in {str(stick)!r}, which COURSE_OFFLINE names: run `course prefetch --to` that "
                "folder where the Hub can be reached, or set COURSE_SCALE=mini."
            )
        return folder
    from huggingface_hub import snapshot_download

    there = reachable(address())
    with clear_errors(hub_id):
        return Path(
            snapshot_download(
                hub_id, repo_type=kind, revision=revision, allow_patterns=list(files), ignore_patterns=ignore,
                local_files_only=not there, endpoint=address(),
            )
        )  # fmt: skip


@contextlib.contextmanager
def clear_errors(hub_id: str) -> Iterator[None]:
    """What the libraries say about a repository that cannot be had, in one sentence."""
    from huggingface_hub import errors

    try:
        yield
    except (errors.RepositoryNotFoundError, errors.GatedRepoError) as error:
        raise CourseError(
            f"The Hub has no {hub_id!r} that you may read without a login: check owner and name."
        ) from error
    except errors.RevisionNotFoundError as error:
        raise CourseError(
            f"The Hub no longer has the revision of {hub_id!r} that the course pins: please report it, "
            "and take another model or set meanwhile."
        ) from error
    except errors.LocalEntryNotFoundError as error:  # and that a snapshot here is not whole
        raise unreachable(hub_id) from error
    except Exception as error:
        # What breaks underway is an OSError, or one of the HTTP library, which is another with each hub library.
        if not isinstance(error, OSError) and not type(error).__module__.startswith("httpx"):
            raise
        said = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise CourseError(
            f"Fetching {hub_id!r} from {address()} broke off ({said}): run this again, which goes on from there; or "
            f"{REMEDY}."
        ) from error


def unreachable(hub_id: str) -> CourseError:
    """One sentence for a hub that is not there."""
    return CourseError(
        f"The Hub ({address()}) can't be reached from here, and {hub_id!r} has not been fetched before; {REMEDY}."
    )
