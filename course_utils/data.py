"""A task at any scale: the mini world, the Hub, a folder, or the learner's own file, checked.

Every source ends in the same `Task`, so no code after this one knows where rows came from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from . import hub
from .data_checks import check_rows, feature_names
from .errors import CourseError
from .files import SUFFIXES, missing_path, read_rows
from .scale import DATASETS, current_scale, did_you_mean

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict

    from .hub_table import HubDataset

SPLITS = ("train", "validation", "test", "unseen")
SPLIT_STEMS = {"valid": "validation", "val": "validation", "dev": "validation"} | dict(
    zip(SPLITS, SPLITS, strict=True)
)
KINDS = ("classification", "entities", "answers", "translation")
# Columns that public sets use, best known first.
TEXT_COLUMNS = ("sentence", "text", "sms", "review", "content", "comment", "message", "document")
LABEL_COLUMNS = ("label", "labels", "class", "category", "target", "sentiment", "topic", "stars", "rating")
ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".7z")  # not opened
TAG_COLUMNS = ("ner_tags", "tags", "labels", "entities")
HELD_OUT_SHARE, MOST_HELD_OUT = 0.1, 2000  # of the training rows, where a source has no split to evaluate on


@dataclass(frozen=True)
class Task:
    """Rows and what their columns mean."""

    name: str  # "sentiment", …, or the stem of a file or folder
    kind: str  # "classification" | "entities" | "answers" | "translation"
    rows: DatasetDict  # splits train, validation, test and, in the mini world, unseen
    text: str  # input column: "sentence", "text", "sms", "tokens", "context", "translation"
    label: str  # label column: "label", "ner_tags", "answers", "translation"
    label_names: tuple[str, ...] = ()  # class or tag names by id; () for answers and translation
    languages: tuple[str, ...] = ()  # translation: from which of a row's languages into which

    def translating(self, source: str, target: str) -> Task:
        """This task from `source` into `target`: `task.translating("fr", "en")`."""
        known = tuple(self.rows["train"][0][self.text]) if self.kind == "translation" else ()
        for language in (source, target):
            if language not in known:
                there = f"its rows have {', '.join(map(repr, known))}" if known else "it is no translation task"
                raise CourseError(f"{self.name!r} has no language {language!r}: {there}")
        if source == target:
            raise CourseError(f"source and target are both {source!r}: name two languages")
        return replace(self, languages=(source, target))

    def with_train_rows(self, n: int, *, seed: int = 0) -> Task:
        """This task with `n` of its training rows, classes balanced; a smaller `n` is part of a larger one."""
        from datasets import DatasetDict

        rows = self.rows["train"]
        if not 1 <= n <= len(rows):
            raise CourseError(
                f"train_rows={n}, and {self.name!r} has {len(rows):,} training rows: ask for 1 to {len(rows)}"
            )
        chosen = rows.select(balanced_order(_classes(self, rows), seed)[:n])
        return replace(self, rows=DatasetDict({**self.rows, "train": chosen}))

    def __str__(self) -> str:
        sizes = ", ".join(f"{len(rows):,} {split}" for split, rows in self.rows.items())
        names = f"; labels {', '.join(self.label_names)}" if self.label_names else ""
        return f"Task {self.name!r} ({self.kind}): {sizes} rows; reads {self.text!r}{names}"


def load_task(
    name_or_path: str | Path,
    *,
    scale: str | None = None,
    text: str | None = None,
    label: str | None = None,
    kind: str | None = None,
    train_rows: int | None = None,
    seed: int = 0,
) -> Task:
    """A task by its short name, Hub id, folder or file.

    `text` and `label` name the columns where they are not the usual ones; `kind` settles what
    they cannot. Splits that a source lacks are cut from the others, seeded and stratified, and a
    text never stands on both sides. `train_rows` keeps a class-balanced subset of the training
    rows; with one `seed`, a smaller subset is part of a larger one.

    Raises CourseError for anything that isn't there or can't be learned from.
    """
    from datasets import DatasetDict

    if kind is not None and kind not in KINDS:
        raise CourseError(f"kind is {kind!r}, which is no kind of task: {did_you_mean(kind, KINDS)}")
    name, rows, trusted = _source(str(name_or_path), scale, train_rows)
    where = str(name_or_path)
    kind, text, label = _columns(rows["train"], where, kind, text, label)
    if trusted:  # made and tested by us: no need to check it again
        task = Task(name, kind, rows, text, label, feature_names(rows["train"], label))
    else:
        checked, label_names = check_rows(kind, rows, text, label, where)
        task = _complete_splits(Task(name, kind, DatasetDict(checked), text, label, label_names), where, seed)
    if kind == "translation":
        source, target, *_ = task.rows["train"][0][text]
        task = task.translating(source, target)
    return task if train_rows is None else task.with_train_rows(train_rows, seed=seed)


def balanced_order(classes: Iterable[int], seed: int) -> np.ndarray:
    """Row numbers ordered so that every beginning is a seeded sample with classes as even as can be."""
    classes = np.asarray(list(classes))
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(len(classes))
    rank = np.zeros(len(classes), dtype=int)  # how many rows of its class stand before each shuffled row
    for value in np.unique(classes):
        of_class = np.flatnonzero(classes[shuffled] == value)
        rank[of_class] = np.arange(len(of_class))
    return shuffled[np.argsort(rank, kind="stable")]


# ---------------------------------------------------------------- sources


def _source(name: str, scale: str | None, train_rows: int | None) -> tuple[str, DatasetDict, bool]:
    """The task's name, its rows, and whether they need no checking."""
    from datasets import DatasetDict

    path = Path(name).expanduser()
    if name in DATASETS:
        if current_scale(scale).name == "hub":
            return name, _for_lessons(_from_hub(DATASETS[name].hub_id, DATASETS[name]), DATASETS[name].held_out), False
        from .world.tasks import TASKS

        if name in TASKS:
            return name, _mini_set(name, train_rows or 0), True
        raise CourseError(
            f"{name!r} is a set on the Hub, and this runs at mini scale: use scale='hub' or one of {', '.join(TASKS)}"
        )
    if path.is_dir():
        return path.resolve().name, _from_folder(path), False
    if path.is_file():
        return path.stem, DatasetDict(train=read_rows(path)), False
    owner, _, rest = name.partition("/")
    looks_local = "\\" in name or name.startswith((".", "~", "/")) or name.lower().endswith(SUFFIXES)
    if rest and "/" not in rest and not looks_local and not Path(owner).is_dir():
        pinned = next((known for known in DATASETS.values() if known.hub_id == name), None)
        return rest, _from_hub(name, pinned), False
    if rest or looks_local:
        raise missing_path(path)
    raise CourseError(f"No task, file or folder is called {name!r}: {did_you_mean(name, tuple(DATASETS))}")


@lru_cache(maxsize=16)
def _mini_set(name: str, train_rows: int) -> DatasetDict:
    from .world.tasks import SIZES, task_set

    # The world is drawn, so there are as many training rows as anyone asks for.
    return task_set(name, sizes={**SIZES, "train": max(SIZES["train"], train_rows)})


def _from_hub(hub_id: str, known: HubDataset | None = None) -> DatasetDict:
    """A set of the Hub, whose files are fetched and then read as those of any folder: no script comes along."""
    files = known.files if known else tuple(f"*{suffix}" for suffix in SUFFIXES)
    folder, where = hub.dataset_folder(hub_id, known.revision if known else None, files), f"The set {hub_id!r}"
    if not _tables(folder):
        raise CourseError(
            f"{where} has no {', '.join(SUFFIXES)} file: it may be made by a loading script, and the course "
            "runs none; take a set that is stored as Parquet"
        )
    if known and known.config:
        return _named_splits(_read_whole(folder, where, known.config), where)
    return _from_folder(folder, where)


def _for_lessons(rows: DatasetDict, held_out: int) -> DatasetDict:
    """All training rows, and of every other split so many, drawn once for all: its id or a folder gives the whole set."""
    from datasets import DatasetDict

    order = {split: np.random.default_rng(0).permutation(len(part))[:held_out] for split, part in rows.items()}
    return DatasetDict(
        {s: part if s == "train" or len(part) <= held_out else part.select(np.sort(order[s])) for s, part in rows.items()}
    )


def _from_folder(path: Path, where: str = "") -> DatasetDict:
    """The rows of a folder; `where` is what errors call it, at the beginning of a sentence."""
    from datasets import load_from_disk

    where = where or f"The folder {path}"
    if (path / "dataset_dict.json").is_file():
        try:
            return _named_splits(load_from_disk(str(path)), where)
        except (OSError, IndexError) as error:  # the latter: a split without rows
            raise CourseError(
                f"{where} could not be read ({_first_line(error)}): a split is empty or was not "
                "copied whole; write it again with DatasetDict.save_to_disk"
            ) from error
    tables = _tables(path)
    if not tables:
        raise CourseError(
            f"{where} has no {', '.join(SUFFIXES)} file: put train.csv in it, or check the path"
        )
    splits = [SPLIT_STEMS.get(file.stem.lower(), "") for file in tables]
    if all(splits) and all(file.parent == path for file in tables) and len(set(splits)) == len(splits):
        # One plain file for each split: read by us, so that a mistake is told by file and line.
        return _named_splits(dict(zip(splits, map(read_rows, tables), strict=True)), where)
    return _named_splits(_read_whole(path, where), where)


def _tables(folder: Path) -> list[Path]:
    """The files with rows. Raises CourseError if there are archives, whose members may go anywhere."""
    files = [file for file in sorted(folder.rglob("*")) if file.name not in hub.CARDS]
    if packed := next((file for file in files if file.suffix.lower() in ARCHIVES), None):
        raise CourseError(f"{packed} is an archive, and the course opens none: unpack it, look at it, and delete it")
    return [file for file in files if file.suffix.lower() in SUFFIXES]


def _read_whole(folder: Path, where: str, config: str | None = None) -> Mapping[str, Dataset]:
    """A folder as `datasets` reads it: splits by the names of files, or as its card says."""
    from datasets import load_dataset
    from datasets.exceptions import DatasetGenerationError

    try:
        return load_dataset(str(folder), config)
    except (DatasetGenerationError, OSError, RuntimeError, ValueError) as error:  # RuntimeError: a loading script
        raise CourseError(
            f"{where} could not be read as one set ({_first_line(error)}): "
            "name its files train, validation and test, with equal columns"
        ) from error


def _named_splits(rows: Mapping[str, Dataset], where: str) -> DatasetDict:
    """The splits the course uses, in its order. Others ("unsupervised") are left out."""
    from datasets import DatasetDict

    if "train" not in rows:
        raise CourseError(
            f"{where} has no split 'train', only {', '.join(rows)}: name the training file train"
        )
    if not len(rows["train"]):
        raise CourseError(f"{where} has no rows in its split 'train': add at least a few of each class")
    return DatasetDict({split: rows[split] for split in SPLITS if split in rows and len(rows[split])})


def _first_line(error: BaseException) -> str:
    cause = error.__cause__ or error
    return (str(cause).strip().splitlines() or [type(cause).__name__])[0][:200]


# ---------------------------------------------------------------- columns


def _columns(
    rows: Dataset, where: str, kind: str | None, text: str | None, label: str | None
) -> tuple[str, str, str]:
    """The kind of a set and its input and label columns, as given or by the names that public sets use."""
    columns = rows.column_names
    for argument, column in (("text", text), ("label", label)):
        if column is not None and column not in columns:
            raise CourseError(f"{where} has no column {column!r} for {argument}=; {_listed(column, columns)}")
    if kind is None:
        kind = (
            "translation" if "translation" in (columns if text is None else (text,))
            else "answers" if {"question", "context", "answers"} <= set(columns) and label in (None, "answers")
            else "entities" if text == "tokens" or (text is None and "tokens" in columns)
            else "classification"
        )  # fmt: skip
    if kind == "answers" and "question" not in columns:
        raise CourseError(f"{where} has no column 'question'; {_listed('question', columns)}")
    usual_text = {"entities": ("tokens", "words"), "answers": ("context",), "translation": ("translation",)}
    usual_label = {"entities": TAG_COLUMNS, "answers": ("answers",), "translation": ("translation",)}
    text = text or _find(columns, usual_text.get(kind, TEXT_COLUMNS), "text", where)
    label = label or _find(columns, usual_label.get(kind, LABEL_COLUMNS), "label", where)
    if text == label and kind != "translation":
        raise CourseError(f"text and label both name the column {text!r} of {where}: name two columns")
    return kind, text, label


def _find(columns: list[str], usual: Iterable[str], argument: str, where: str) -> str:
    by_lower = {column.lower(): column for column in columns}
    found = next((by_lower[name] for name in usual if name in by_lower), None)
    if found is None:
        raise CourseError(
            f"{where} has none of the usual {argument} columns ({', '.join(usual)}), "
            f"but {', '.join(map(repr, columns))}: say which with {argument}=…"
        )
    return found


def _listed(wanted: str, columns: list[str]) -> str:
    near = did_you_mean(wanted, columns)
    return f"it has {', '.join(map(repr, columns))}" + (
        f": {near}" if near.startswith("did") else ": name one of these"
    )


# ---------------------------------------------------------------- splits


def _classes(task: Task, rows: Dataset) -> list[int]:
    """The class of each row; 0 where a task has no classes."""
    return rows[task.label][:] if task.kind == "classification" else [0] * len(rows)


def _complete_splits(task: Task, where: str, seed: int) -> Task:
    """The task with validation and test rows, cut from what its source has.

    A missing test split is half of the validation rows, which are unlike the training
    rows in sets that hide their test labels; where there are none, both are training rows.
    """
    from datasets import DatasetDict

    rows = dict(task.rows)
    lacking = [split for split in ("validation", "test") if split not in rows]
    from_validation = lacking == ["test"]
    share = 0.5 if from_validation else min(HELD_OUT_SHARE, MOST_HELD_OUT / len(rows["train"]))
    donor = "validation" if from_validation else "train"
    if lacking:
        parts = _cut(task, rows[donor], len(lacking), share, where, seed)
        rows |= dict(zip([donor, *lacking], parts, strict=True))
    return replace(task, rows=DatasetDict({split: rows[split] for split in SPLITS if split in rows}))


def _cut(task: Task, rows: Dataset, parts: int, share: float, where: str, seed: int) -> list[Dataset]:
    """What is left of the rows, then `parts` parts, each with `share` of the texts of each class, at least one.

    Rows with equal texts (repeated reviews, the questions on one passage) stay together,
    else what is held out would have been seen in training.
    """
    texts = [str(value) for value in rows[task.text][:]]
    _, first, group = np.unique(texts, return_index=True, return_inverse=True)
    classes = np.asarray(_classes(task, rows))[first]  # of a group: the class of its first row
    part_of = np.zeros(len(first), dtype=int)
    for value in np.unique(classes):
        groups = np.random.default_rng([seed, int(value)]).permutation(np.flatnonzero(classes == value))
        if len(groups) <= parts:
            which = f"class {task.label_names[value]!r} has" if task.kind == "classification" else "there are"
            raise CourseError(
                f"{which} {len(groups)} different texts in {where}, and splitting it takes at least {parts + 1}, "
                "one on each side: add rows"
                + (" or delete this class" if task.kind == "classification" else "")
            )
        size = min(max(1, round(share * len(groups))), (len(groups) - 1) // parts)
        part_of[groups[: size * parts]] = 1 + np.arange(size * parts) // size
    return [rows.select(np.flatnonzero(part_of[group] == part)) for part in range(parts + 1)]
