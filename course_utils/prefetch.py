"""`course prefetch`: what a choice of lessons takes from the Hub, in one folder of plain files, whole and verified.

Plain files and no links, so that a USB stick of any file system will do. Each file is fetched beside its place, goes on
where it broke off, is compared with the checksum that the Hub names, and only then takes its place. `manifest.json`
says what the folder holds: with it, a folder can be verified where there is no Hub.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from .errors import CourseError
from .hub import CARDS, MANIFEST, address, clear_errors, misfits, place, reachable, read_manifest, unreachable
from .hub_table import CHECKPOINTS, DATASETS, LESSONS, MODEL_FILES, WEIGHT_FILES
from .scale import current_scale, did_you_mean

if TYPE_CHECKING:
    from huggingface_hub.hf_api import RepoFile

Report = Callable[[str], None]
BLOCK = 2**20  # bytes read at a time
# A T4 has 65e12 a second in 16 bits, by its data sheet; of which we reckon with a fifth, short texts being what they are.
T4_FLOPS = 0.2 * 65e12


@dataclass(frozen=True)
class Needed:
    """A repository that lessons take files from."""

    hub_id: str
    kind: str  # "model" | "dataset"
    revision: str | None
    files: tuple[str, ...]  # patterns; of a model, for its top folder
    megabytes: float
    licence: str

    def wants(self, path: str) -> bool:
        """Whether a file is one of those that the course reads."""
        nested = self.kind == "model" and "/" in path
        return not nested and any(fnmatch(path, pattern) for pattern in self.files)


def needed(lessons: Iterable[str]) -> list[Needed]:
    """What lessons take from the Hub, each once; for no lesson at all, what any of them takes.

    Raises CourseError for a number that no lesson has.
    """
    numbers = list(lessons) or list(LESSONS)
    for number in numbers:
        if number not in LESSONS:
            raise CourseError(f"There is no lesson {number!r} to fetch for: {did_you_mean(number, list(LESSONS))}")
    models = dict.fromkeys(name for number in numbers for name in LESSONS[number].models)
    data = dict.fromkeys(name for number in numbers for name in LESSONS[number].data)
    return [
        *(
            Needed(c.hub_id, "model", c.revision, MODEL_FILES + WEIGHT_FILES, c.megabytes, c.licence)
            for c in map(CHECKPOINTS.__getitem__, models)
        ),
        *(
            Needed(d.hub_id, "dataset", d.revision, CARDS + d.files, d.megabytes, d.licence)
            for d in map(DATASETS.__getitem__, data)
        ),
    ]


def t4_minutes(number: str) -> float:
    """An ESTIMATE of a lesson's minutes on a T4 at hub scale, nan where its work was not counted: none was timed on one.

    What the model computes, in FLOPs (`budget`), at `T4_FLOPS`; and all the rest, as it took on one CPU core.
    """
    from .budget import forward_flops, step_flops

    lesson = LESSONS[number]
    if not lesson.models or not lesson.seconds:
        return lesson.seconds / 60 or float("nan")
    name = {"bert": "BERT base", "t5": "T5 small"}[lesson.models[0]]
    flops = 1e6 * (lesson.read * forward_flops(name) + lesson.trained * step_flops(name))
    return (lesson.seconds + flops / T4_FLOPS) / 60


def time_on_t4(number: str) -> str:
    """A sentence for a lesson to print at hub scale, where a cell may take minutes; "" at any other."""
    if current_scale().name != "hub":
        return ""
    minutes = t4_minutes(number)
    if minutes != minutes:
        return "How long it takes on a T4 was not estimated."
    return f"On a T4 the whole notebook takes about {max(1, round(minutes))} min, by an estimate from its FLOPs."


def prefetch(folder: Path, lessons: Iterable[str], report: Report = print) -> None:
    """Bring what the lessons need into `folder`. What is there and whole stays; run again, it goes on where it was.

    Raises CourseError where the Hub can't be reached, breaks off, or sends something else than it lists.
    """
    repositories = needed(lessons)
    if not repositories:
        report("These lessons take nothing from the Hub: they stay in the mini world.")
        return
    report(f"{len(repositories)} repositories, about {sum(r.megabytes for r in repositories):,.0f} MB, into {folder}")
    if not reachable(address()):
        raise unreachable(repositories[0].hub_id)
    for repository in repositories:
        report(f"{repository.hub_id} ({repository.licence})")
        with clear_errors(repository.hub_id):
            files = {file.path: _bring(repository, file, folder, report) for file in _listed(repository)}
        manifest = read_manifest(folder)
        manifest[f"{repository.kind}s/{repository.hub_id}"] = {"revision": repository.revision, "files": files}
        _write(folder / MANIFEST, json.dumps(manifest, indent=1, sort_keys=True))
    report(f"All there and verified. Elsewhere: course lab --offline {folder}")


def verify(folder: Path) -> list[str]:
    """What is wrong with a prefetched folder, by the checksums of its manifest; nothing is asked of the Hub."""
    manifest = read_manifest(folder)
    if not manifest:
        raise CourseError(f"{str(folder)!r} has no {MANIFEST}: give the folder that `course prefetch --to` filled.")
    wrong = []
    for repository, entry in manifest.items():
        broken = misfits(folder / repository, entry["files"])
        wrong += [f"{repository}/{name} is missing or was not copied whole" for name in broken]
        wrong += [
            f"{repository}/{name} is damaged: its bytes are not those that were fetched"
            for name, file in entry["files"].items()
            if name not in broken and _digest(folder / repository / name) != file["sha256"]
        ]
    return wrong


def _listed(repository: Needed) -> Iterator[RepoFile]:
    """The files of a repository that the course reads, as the Hub lists them."""
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoFile

    wanted = [
        file
        for file in HfApi(endpoint=address(), token=False).list_repo_tree(
            repository.hub_id, recursive=True, revision=repository.revision, repo_type=repository.kind
        )
        if isinstance(file, RepoFile) and repository.wants(file.path)
    ]
    essential = ".safetensors" if repository.kind == "model" else ".parquet"
    if not any(file.path.endswith(essential) for file in wanted):
        raise CourseError(f"{repository.hub_id!r} has no {essential} file, and the course reads no pickle and no script.")
    for file in wanted:
        if ".." in PurePosixPath(file.path).parts or PurePosixPath(file.path).is_absolute() or "\\" in file.path:
            raise CourseError(f"{repository.hub_id!r} lists the file {file.path!r}, which would leave its folder.")
    yield from wanted


def _bring(repository: Needed, file: RepoFile, folder: Path, report: Report) -> dict[str, int | str]:
    """One file in its place, whole: its entry in the manifest."""
    from huggingface_hub import hf_hub_url
    from huggingface_hub.file_download import http_get

    target = place(folder, repository.hub_id, repository.kind) / file.path
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    url = hf_hub_url(
        repository.hub_id, file.path, repo_type=repository.kind, revision=repository.revision, endpoint=address()
    )
    for attempt in ("fetched", "fetched again"):
        if target.is_file() and _is(file, target):
            part.unlink(missing_ok=True)
            return {"size": file.size, "sha256": _digest(target)}
        if part.is_file() and part.stat().st_size > file.size:
            part.unlink()
        with part.open("ab") as stream:
            begun = stream.tell()
            report(f"  {file.path}, {file.size / 1e6:,.1f} MB" + (f", from {begun / 1e6:,.1f} MB on" if begun else ""))
            http_get(url, stream, resume_size=begun, expected_size=file.size)
        if _is(file, part):
            os.replace(part, target)
        else:
            part.unlink()
            report(f"  {file.path} was {attempt} and is not what the Hub lists")
    if target.is_file() and _is(file, target):
        return {"size": file.size, "sha256": _digest(target)}
    raise CourseError(f"{file.path!r} of {repository.hub_id!r} arrives damaged, twice: try another network.")


def _is(file: RepoFile, path: Path) -> bool:
    """Whether these are the bytes that the Hub lists: by sha256 for large files, by git's checksum for others."""
    if path.stat().st_size != file.size:
        return False
    if file.lfs is not None:
        return _digest(path) == file.lfs.sha256
    return _digest(path, "sha1", b"blob %d\0" % file.size) == file.blob_id


def _digest(path: Path, kind: str = "sha256", before: bytes = b"") -> str:
    digest = hashlib.new(kind, before)
    with path.open("rb") as stream:
        while block := stream.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _write(path: Path, text: str) -> None:
    """The whole file or none of it."""
    part = path.with_name(f"{path.name}.part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)
