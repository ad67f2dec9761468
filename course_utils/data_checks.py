"""What rows must be like to be learned from, for each kind of task; what is wrong is said with row and remedy.

Each check takes the splits of a set and gives them back ready, with labels as class numbers, and the
names of the labels. Rows are counted from 1, without the header.
"""

from __future__ import annotations

import math
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .errors import CourseError
from .scale import did_you_mean

if TYPE_CHECKING:
    from datasets import Dataset

Splits = Mapping[str, "Dataset"]
Checked = tuple[dict[str, "Dataset"], tuple[str, ...]]

MISSING = ("", "nan", "null")  # what programs write for a value that isn't there
NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
TAG = re.compile(r"O|[BI]-.+")
COUNTED = "(counted from 1, without the header)"


def check_rows(kind: str, splits: Splits, text: str, label: str, where: str) -> Checked:
    """The splits, checked as the rows of a `kind` of task, and the names of their labels."""
    checks: dict[str, Callable[[Splits, str, str, str], Checked]] = {
        "classification": _check_classification,
        "entities": _check_entities,
        "answers": _check_answers,
        "translation": _check_translation,
    }
    columns = ("question", text, label) if kind == "answers" else (text, label)
    return checks[kind](_labelled(splits, columns, where), text, label, where)


def _labelled(splits: Splits, columns: Sequence[str], where: str) -> Splits:
    """The splits that have the columns, the label's last; one without labels, as test files are, is left out."""
    kept = {}
    for split, rows, place in _places(splits, where):
        lacking = [column for column in columns if column not in rows.column_names]
        if lacking == [columns[-1]] and split != "train":
            warnings.warn(f"{place} have no labels, so this split is left out", stacklevel=4)
        elif lacking:
            raise CourseError(
                f"{place} have no column {lacking[0]!r} but {', '.join(map(repr, rows.column_names))}: "
                "give every split the same columns"
            )
        else:
            kept[split] = rows
    return kept


def feature_names(rows: Dataset, column: str) -> tuple[str, ...]:
    """The names in a column of class labels, or of lists of them; () where it has none."""
    feature = rows.features[column]
    feature = getattr(feature, "feature", feature)  # of a list, what it lists
    return tuple(getattr(feature, "names", None) or ())


def _places(splits: Splits, where: str) -> Iterable[tuple[str, Dataset, str]]:
    """Each split with the words that say where a row of it stands."""
    for split, rows in splits.items():
        yield split, rows, f"the {split} rows of {where}" if len(splits) > 1 else where


def _numbers(indices: Sequence[int]) -> str:
    """0-based indices as a reader counts rows: "row 3" or "rows 3, 7, 9 …"."""
    shown = ", ".join(str(index + 1) for index in indices[:3])
    return f"row {shown}" if len(indices) == 1 else f"rows {shown}" + (" …" if len(indices) > 3 else "")


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _check_texts(rows: Dataset, column: str, place: str) -> None:
    values = rows[column][:]
    wrong = [i for i, value in enumerate(values) if not isinstance(value, str) and not _is_missing(value)]
    if wrong:
        raise CourseError(
            f"Column {column!r} of {place} holds {type(values[wrong[0]]).__name__} values "
            f"({_numbers(wrong)}), not text: name the column with the text"
        )
    empty = [i for i, value in enumerate(values) if _is_missing(value) or not value.strip()]
    if empty:
        raise CourseError(
            f"{len(empty)} of {len(values)} texts in column {column!r} of {place} are empty: "
            f"{_numbers(empty)} {COUNTED}; fill them in or delete these rows"
        )


# ---------------------------------------------------------------- classification


def _check_classification(splits: Splits, text: str, label: str, where: str) -> Checked:
    from datasets import ClassLabel

    known = feature_names(splits["train"], label)
    names: dict[str, list[str]] = {}
    for split, rows, place in _places(splits, where):
        _check_texts(rows, text, place)
        own = feature_names(rows, label) or known  # two files may number the same classes differently
        found = [_class_name(value, own) for value in rows[label][:]]
        missing = [i for i, name in enumerate(found) if name is None]
        if len(missing) == len(found) and split != "train":
            warnings.warn(f"{place} have no labels, so this split is left out", stacklevel=4)
        elif missing:
            raise CourseError(
                f"{len(missing)} of {len(found)} labels in column {label!r} of {place} are missing: "
                f"{_numbers(missing)} {COUNTED}; fill them in or delete these rows"
            )
        else:
            names[split] = [name for name in found if name is not None]
    if not known:
        numeric = all(map(NUMBER.fullmatch, names["train"]))
        if numeric:  # "1.0" … "5.0" is how a spreadsheet or pandas writes stars
            names = {split: [re.sub(r"\.0+$", "", name) for name in found] for split, found in names.items()}
        known = tuple(sorted(set(names["train"]), key=float if numeric else str))
    _check_classes(names, known, label, where)
    feature, ids = ClassLabel(names=list(known)), {name: i for i, name in enumerate(known)}
    return {
        split: splits[split]
        .remove_columns(label)
        .add_column(label, [ids[name] for name in found], feature=feature)
        for split, found in names.items()
    }, known


def _class_name(value: Any, known: Sequence[str]) -> str | None:
    """A label as text: "good" for " good ", "4" for 4.0, known[4] for a class number; None where missing."""
    if _is_missing(value):
        return None
    if known and isinstance(value, int):  # −1 is how public sets hide the labels of a test split
        return known[value] if 0 <= value < len(known) else None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    name = str(value).strip()
    return None if name.casefold() in MISSING else name


def _check_classes(names: Mapping[str, list[str]], known: Sequence[str], label: str, where: str) -> None:
    counts = Counter(names["train"])
    if len(counts) == 1:
        raise CourseError(
            f"Column {label!r} of {where} has one class only ({next(iter(counts))!r}, {counts.total()} rows): "
            "a classifier needs rows of at least two"
        )
    if len(counts) > max(20, counts.total() / 2):
        raise CourseError(
            f"Column {label!r} of {where} has {len(counts)} different values in {counts.total()} rows, "
            "which are no classes: name the column that holds the class"
        )
    spellings = Counter(name.casefold() for name in counts)
    alike = [name for name in counts if spellings[name.casefold()] > 1]
    if alike:
        warnings.warn(
            f"column {label!r} of {where} has classes that differ in case only: {alike}", stacklevel=5
        )
    for split, found in names.items():
        unknown = sorted(set(found) - set(known))
        if unknown:
            raise CourseError(
                f"The {split} rows of {where} have the label {unknown[0]!r} ({found.count(unknown[0])} rows), "
                f"which no training row has; {did_you_mean(unknown[0], list(known))}"
            )


# ---------------------------------------------------------------- the other kinds


def _check_entities(splits: Splits, text: str, label: str, where: str) -> Checked:
    from datasets import ClassLabel, Sequence

    for _, rows, place in _places(splits, where):
        for number, row in enumerate(rows.select_columns([text, label]), start=1):
            _check_words(row[text], row[label], f"{place}, row {number}", (text, label))
    if known := feature_names(splits["train"], label):
        return dict(splits), known

    tags = {split: rows[label][:] for split, rows in splits.items()}
    for split, _, place in _places(splits, where):
        for number, row_tags in enumerate(tags[split], start=1):
            for tag in row_tags:
                if not TAG.fullmatch(str(tag)):
                    raise CourseError(
                        f"{place}, row {number}: the tag {tag!r} is not O, B-… or I-…; write tags as IOB2 names, "
                        "such as B-PER for the first word of a person"
                    )
    types = sorted({tag[2:] for row in tags["train"] for tag in row} - {""})
    if not types:
        raise CourseError(f"No word of {where} is part of an entity (all tags are O): tag some as B-…")
    known = ("O", *(f"{mark}-{entity}" for entity in types for mark in "BI"))
    for split, _, place in _places(splits, where):
        if unknown := sorted({tag for row in tags[split] for tag in row} - set(known)):
            near = did_you_mean(unknown[0], list(known))
            raise CourseError(f"{place} have the tag {unknown[0]!r}, whose kind no training row has; {near}")
    feature, ids = Sequence(ClassLabel(names=list(known))), {name: i for i, name in enumerate(known)}
    return {
        split: rows.remove_columns(label).add_column(
            label, [[ids[t] for t in row] for row in tags[split]], feature=feature
        )
        for split, rows in splits.items()
    }, known


def _check_words(words: Any, tags: Any, place: str, columns: tuple[str, str]) -> None:
    if not isinstance(words, list) or not isinstance(tags, list):
        raise CourseError(
            f"{place}: {columns[0]!r} and {columns[1]!r} must be lists, one tag for each word; write the file as JSONL"
        )
    if not words or len(words) != len(tags):
        raise CourseError(f"{place}: {len(words)} words and {len(tags)} tags; give each word one tag")
    if any(tag is None for tag in tags) or not all(isinstance(word, str) and word.strip() for word in words):
        raise CourseError(f"{place}: a word or a tag is empty; fill it in or delete it")


def _check_answers(splits: Splits, text: str, label: str, where: str) -> Checked:
    for _, rows, place in _places(splits, where):
        for column in ("question", text):
            _check_texts(rows, column, place)
        for number, row in enumerate(rows.select_columns([text, label]), start=1):
            context, answers = row[text], row[label]
            if not isinstance(answers, dict) or not {"text", "answer_start"} <= set(answers):
                raise CourseError(
                    f'{place}, row {number}: {label!r} must be {{"text": […], "answer_start": […]}}; '
                    "write the file as JSONL"
                )
            if len(answers["text"]) != len(answers["answer_start"]):
                raise CourseError(f"{place}, row {number}: give each answer one text and one answer_start")
            for answer, start in zip(answers["text"], answers["answer_start"], strict=True):
                if start < 0 or context[start : start + len(answer)] != answer:
                    raise CourseError(
                        f"{place}, row {number}: the answer {answer!r} does not stand at character {start} of its "
                        "context; count characters (not bytes) from 0"
                    )
    return dict(splits), ()


def _check_translation(splits: Splits, text: str, label: str, where: str) -> Checked:
    for _, rows, place in _places(splits, where):
        for number, pair in enumerate(rows[text][:], start=1):
            texts = list(pair.values()) if isinstance(pair, dict) else []
            if len(texts) < 2 or not all(isinstance(value, str) and value.strip() for value in texts):
                raise CourseError(
                    f'{place}, row {number}: {text!r} must be {{"en": …, "fr": …}} with a text in both languages'
                )
    return dict(splits), ()
