"""The Hub: whether it is there, what may come from it, and a folder that stands in for it.

A model or a set arrives as a folder of plain files, wherever it comes from: the libraries' own cache, the Hub, or the
folder that `COURSE_OFFLINE` names, which `course prefetch` fills (a USB stick, say). From there on nothing knows of the
Hub. Only files that cannot run are asked for: safetensors, Parquet, JSON and text (`hub_table.py`).
"""

from __future__ import annotations

import contextlib
import os
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from .errors import CourseError
from .hub_table import MODEL_FILES, WEIGHT_FILES

SECONDS = 3.0  # the patience with a hub that may not be there
CARDS = ("README.md", "dataset_infos.json")  # where a set names its configurations and its classes
REMEDY = (
    "set COURSE_SCALE=mini to work without it, or run `course prefetch` on a machine that reaches it "
    "and set COURSE_OFFLINE to the folder"
)


def address() -> str:
    """The Hub's address: `HF_ENDPOINT`, or the public one."""
    return os.environ.get("HF_ENDPOINT", "").rstrip("/") or "https://huggingface.co"


def offline_folder() -> Path | None:
    """The folder of `COURSE_OFFLINE`, which stands in for the Hub; None where it is not set.

    Raises CourseError where it holds nothing that `course prefetch` wrote.
    """
    if not (name := os.environ.get("COURSE_OFFLINE", "").strip()):
        return None
    folder = Path(name).expanduser()
    if not any((folder / kind).is_dir() for kind in ("models", "datasets")):
        raise CourseError(
            f"COURSE_OFFLINE names {name!r}, in which there are neither models nor datasets: "
            "is the stick plugged in? Fill a folder with `course prefetch --to FOLDER`."
        )
    return folder


def place(folder: Path, hub_id: str, kind: str) -> Path:
    """Where a prefetched folder keeps a repository: models/OWNER/NAME or datasets/OWNER/NAME."""
    return folder / f"{kind}s" / hub_id


def answers(url: str, seconds: float = SECONDS) -> bool:
    """Whether a web address answers in time. On a thread, since looking up a name heeds no timeout."""
    reached = threading.Event()

    def ask() -> None:
        try:
            urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=seconds).close()
        except urllib.error.HTTPError:
            pass  # an error page is an answer, too
        except (OSError, ValueError):
            return
        finally:
            asked.set()
        reached.set()

    asked = threading.Event()
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
        folder = place(stick, hub_id, kind)
        if not folder.is_dir():
            raise CourseError(
                f"{hub_id!r} is not in {str(stick)!r}, which COURSE_OFFLINE names: bring it along with "
                f"`course prefetch --to {stick}` on a machine that reaches the Hub."
            )
        return folder
    from huggingface_hub import snapshot_download

    here = not reachable(address())
    with clear_errors(hub_id):
        return Path(
            snapshot_download(
                hub_id, repo_type=kind, revision=revision, allow_patterns=list(files), ignore_patterns=ignore,
                local_files_only=here,
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
    except (OSError, RuntimeError, ValueError) as error:  # a connection that breaks is one of the first
        said = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise CourseError(f"{hub_id!r} could not be fetched from {address()} ({said}); {REMEDY}.") from error


def unreachable(hub_id: str) -> CourseError:
    """One sentence for a hub that is not there."""
    return CourseError(
        f"The Hub ({address()}) can't be reached from here, and {hub_id!r} has not been fetched before; {REMEDY}."
    )
