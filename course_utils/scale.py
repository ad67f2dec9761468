"""The one switch: does the course run on the mini world or on real models and data, and by which names.

Cheap to import and silent: nothing here touches the network, the disk beyond one folder test, or a model.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from .errors import CourseError
from .hub_table import CHECKPOINTS, COUNTERPARTS, SHIPPED
from .hub_table import DATASETS as DATASETS  # the names of sets and checkpoints, in one place

SCALES = ("mini", "hub")
CHECKPOINT_FOLDER = Path(__file__).parent / "checkpoints"


@dataclass(frozen=True)
class Scale:
    """Where this run takes its data and models from. `print(scale)` says so in one line."""

    name: str
    reason: str

    def __str__(self) -> str:
        what = {
            "mini": "the mini world and the shipped encoder, offline",
            "hub": "real models and data from the Hugging Face Hub",
        }
        return f"Scale: {self.name} ({what[self.name]}), because {self.reason}."


def did_you_mean(name: str, known: list[str] | tuple[str, ...]) -> str:
    """A half-sentence for an error message: the nearest known names, or all of them."""
    near = get_close_matches(name, list(known), n=3, cutoff=0.5)
    listed = ", ".join(map(repr, known[:10])) + (" …" if len(known) > 10 else "")
    return f"did you mean {' or '.join(map(repr, near))}?" if near else f"known are {listed}"


def current_scale(scale: str | None = None) -> Scale:
    """The scale of this run: the argument, `COURSE_SCALE`, hub with `COURSE_OFFLINE` or in Colab with a GPU, or mini.

    Raises CourseError for a name that is no scale.
    """
    chosen, reason = scale, "the code asks for it"
    if chosen is None:
        chosen, reason = os.environ.get("COURSE_SCALE", "").strip() or None, "COURSE_SCALE says so"
    if chosen is not None:
        if chosen not in SCALES:
            where = "COURSE_SCALE" if scale is None else "the argument scale"
            raise CourseError(f"{where} is {chosen!r}, which is no scale: {did_you_mean(chosen, SCALES)}")
        return Scale(chosen, reason)
    if os.environ.get("COURSE_OFFLINE", "").strip():
        return Scale("hub", "COURSE_OFFLINE names a folder with what it takes")
    if "COLAB_RELEASE_TAG" in os.environ and shutil.which("nvidia-smi"):
        return Scale("hub", "this is Colab with a GPU")
    return Scale("mini", "nothing asks for more (COURSE_SCALE=hub would)")


def chosen(what: str, default: str) -> str:
    """A notebook's setting "model", "data" or "rows": `COURSE_MODEL`, … where it is set, else the default.

    So the same notebook runs on another checkpoint and other rows, by name or by path, with nothing edited.
    At hub scale a shipped model's place is taken by its counterpart: BERT, GPT-2 or T5.
    """
    if what not in ("model", "data", "rows"):
        raise CourseError(
            f"There is no setting {what!r} to choose: {did_you_mean(what, ('model', 'data', 'rows'))}"
        )
    value = os.environ.get(f"COURSE_{what.upper()}", "").strip()
    stands_in = what == "model" and default in COUNTERPARTS and current_scale().name == "hub"
    return value or (COUNTERPARTS[default] if stands_in else default)


def checkpoint_for(scale: Scale | str | None = None) -> str:
    """Name of the default encoder at a scale: the shipped one, or cased BERT, which serves every task."""
    name = scale.name if isinstance(scale, Scale) else current_scale(scale).name
    return {"mini": "mini-encoder", "hub": COUNTERPARTS["mini-encoder"]}[name]


def checkpoint_path(name: str | os.PathLike[str]) -> str:
    """What `from_pretrained` takes for a name: a shipped folder, the caller's own folder, or a hub id.

    Raises CourseError for a folder that isn't there and for a word that is no known name.
    """
    name = os.fspath(name)
    if name in SHIPPED:
        return str(CHECKPOINT_FOLDER / name)
    folder = Path(name).expanduser()
    if folder.is_dir():
        return str(folder)
    if folder.is_file():
        raise CourseError(f"{name!r} is a file; a checkpoint is a folder: give the folder that holds it.")
    if name in CHECKPOINTS:
        return CHECKPOINTS[name].hub_id
    if _is_hub_id(name):
        return name
    if name.count("/") == 0 and os.sep not in name:
        beside = [entry.name for entry in Path.cwd().iterdir() if entry.is_dir()]
        near = did_you_mean(name, [*SHIPPED, *CHECKPOINTS, *get_close_matches(name, beside, n=3)])
        raise CourseError(f"No checkpoint is called {name!r}, and no folder here is: {near}")
    parent = next(folder for folder in folder.parents if folder.is_dir())
    beside = sorted(entry.name for entry in parent.iterdir() if entry.is_dir())
    near = did_you_mean(folder.relative_to(parent).parts[0], beside) if beside else "it holds no folders"
    raise CourseError(f"There is no folder {name!r}; in {str(parent)!r}, {near}")


def revision_of(name: str | os.PathLike[str]) -> str | None:
    """The pinned commit of a known checkpoint, None for anything else."""
    pinned = {**CHECKPOINTS, **{checkpoint.hub_id: checkpoint for checkpoint in CHECKPOINTS.values()}}
    return pinned[os.fspath(name)].revision if os.fspath(name) in pinned else None


def _is_hub_id(name: str) -> bool:
    """ "owner/model", and not a path whose first part is a folder that exists here."""
    owner, slash, model = name.partition("/")
    return (
        bool(slash and owner and model)
        and "/" not in model
        and owner[0] not in ".~"
        and not Path(owner).is_dir()
    )
