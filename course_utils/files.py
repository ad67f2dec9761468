"""The learner's own file as a `datasets.Dataset`; every way it can be wrong is one sentence.

CSV values stay strings, because only the reader of a column knows whether "01" is a number.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import warnings
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import CourseError

if TYPE_CHECKING:
    from datasets import Dataset

Columns = dict[str, list[Any]]

SUFFIXES = (".csv", ".tsv", ".json", ".jsonl", ".parquet")

# Longest first: the mark of UTF-32 begins with that of UTF-16.
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def read_rows(path: str | Path) -> Dataset:
    """The rows (≥ 1) of a CSV, TSV, JSON, JSONL or Parquet file.

    Raises CourseError when the file isn't there, is empty, has a header only, or isn't
    what its suffix says.
    """
    from datasets import Dataset

    path = Path(path)
    if not path.is_file():
        raise missing_path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise CourseError(
            f"{path} ends in {suffix or 'no suffix'!r}, and the course reads {', '.join(SUFFIXES)}: "
            "save the table as CSV (UTF-8)"
        )
    if path.stat().st_size == 0:
        raise CourseError(f"{path} is empty (0 bytes): save a header line and some rows in it")
    if suffix == ".parquet":
        rows = _read_parquet(path)
    else:
        read = {".csv": _read_csv, ".tsv": _read_csv, ".json": _read_json, ".jsonl": _read_jsonl}[suffix]
        rows = Dataset.from_dict(
            {name: _one_type(values) for name, values in read(path, read_text(path)).items()}
        )
    if len(rows) == 0:
        header = ", ".join(rows.column_names)
        found = f"a header ({header}) and no rows" if header else "no rows"
        raise CourseError(f"{path} has {found}: add at least a few rows of each class")
    return rows


def missing_path(path: str | Path) -> CourseError:
    """The error for a path where nothing is, naming what lies near it."""
    path = Path(path)
    folder = path.parent
    if not folder.is_dir():
        return CourseError(f"There is no file or folder {path}, nor the folder {folder}: check the path")
    names = sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("."))
    near = get_close_matches(path.name, names, n=1)
    readable = [name for name in names if name.lower().endswith(SUFFIXES)][:5]
    hint = (
        f"did you mean {near[0]!r}?"
        if near
        else "check the path" + (f"; that folder has {', '.join(readable)}" if readable else "")
    )
    return CourseError(f"There is no file or folder {path.name!r} in {folder.resolve()}: {hint}")


def read_text(path: Path) -> str:
    """The file decoded: by its byte-order mark, else as UTF-8, else as Windows-1252 with a warning."""
    content = path.read_bytes()
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if content.startswith(mark):
            try:
                return content.decode(encoding)
            except UnicodeDecodeError as error:
                raise CourseError(
                    f"{path} begins as {encoding.upper()} and at byte {error.start:,} is something else: it was "
                    "cut off or mixes encodings; save it anew as UTF-8"
                ) from error
    if b"\0" in content:
        raise CourseError(f"{path} holds binary data, not text: export the table as CSV (UTF-8)")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        where = f"{path} is not UTF-8: line {line} has the byte 0x{content[error.start]:02X}"
        try:
            text = content.decode("cp1252")  # Latin-1 as it is met: the printable part of both is equal
        except UnicodeDecodeError:
            raise CourseError(f"{where}; save the file as UTF-8 (in a spreadsheet: 'CSV UTF-8')") from error
        shown = text.splitlines()[line - 1].strip()[:60]
        warnings.warn(
            f"{where}, so it was read as Latin-1 (Windows-1252) and that line says {shown!r}; "
            "if this looks wrong, save the file as UTF-8",
            stacklevel=2,
        )
        return text


def _read_csv(path: Path, text: str) -> Columns:
    header_line = text.split("\n", 1)[0]
    # Spreadsheets write ';' where ',' is the decimal sign.
    delimiter = "\t" if path.suffix.lower() == ".tsv" else max(",;\t", key=header_line.count)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    start = 1  # the line on which the row being read begins
    rows: list[list[str]] = []
    try:
        header = next(lines, [])
        if not any(name.strip() for name in header):
            raise CourseError(f"{path} has no header: write the names of the columns in its first line")
        start = lines.line_num + 1
        for row in lines:
            if row and len(row) != len(header):
                raise CourseError(
                    f"{path}, line {start}: {len(row)} fields where the header has {len(header)}; "
                    f"put texts that contain {delimiter!r} in double quotes"
                )
            if row:  # a blank line is no row
                rows.append(row)
            start = lines.line_num + 1
    except csv.Error as error:
        raise CourseError(
            f"{path}: the row that begins on line {start} is not valid CSV ({error}); "
            'close its quotes, and write a quote inside a text twice ("")'
        ) from error
    header = [name.strip() for name in header]
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated:
        raise CourseError(f"{path} has several columns named {repeated[0]!r}: rename all but one")
    return {name: [row[i] for row in rows] for i, name in enumerate(header)}


def _read_json(path: Path, text: str) -> Columns:
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise CourseError(
            f"{path}, line {error.lineno}: not valid JSON ({error.msg}); "
            "if each line is an object of its own, name the file .jsonl"
        ) from error
    if isinstance(data, dict) and isinstance(data.get("data"), list):
        data = data["data"]
    if isinstance(data, dict) and data and all(isinstance(values, list) for values in data.values()):
        lengths = {name: len(values) for name, values in data.items()}
        if len(set(lengths.values())) > 1:
            raise CourseError(f"{path} has columns of different lengths {lengths}: make them equal")
        return data
    if not isinstance(data, list):
        raise CourseError(f'{path} holds no list of rows: write [{{"text": …, "label": …}}, …]')
    return _from_rows(path, data, "element")


def _read_jsonl(path: Path, text: str) -> Columns:
    rows = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError as error:
            raise CourseError(
                f"{path}, line {number}: not valid JSON ({error.msg}); write one object on each line"
            ) from error
    return _from_rows(path, rows, "row")


def _from_rows(path: Path, rows: list[Any], what: str) -> Columns:
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            raise CourseError(
                f"{path}, {what} {number}: found {type(row).__name__}, not an object with named columns; "
                'write {"text": …, "label": …}'
            )
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def _one_type(values: list[Any]) -> list[Any]:
    """The values as they are where Arrow can hold them in one column, else (1 beside "good") as strings."""
    import pyarrow as pa

    try:
        pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        missing = (value is None or value != value for value in values)  # NaN alone differs from itself
        return [
            None if none else value if isinstance(value, str) else json.dumps(value)
            for none, value in zip(missing, values, strict=True)
        ]
    return values


def _read_parquet(path: Path) -> Dataset:
    import pyarrow as pa
    import pyarrow.parquet as pq
    from datasets import Dataset
    from datasets.table import InMemoryTable

    try:
        return Dataset(InMemoryTable(pq.read_table(path)))  # keeps the class names that the Hub writes in it
    except (pa.ArrowInvalid, OSError) as error:
        raise CourseError(f"{path} is not a whole Parquet file: write it again ({error})") from error
