"""A run as it is kept: settings, records, what was expected of it. One JSON file each, read whole or not at all."""

from __future__ import annotations

import json
import math
import time
import warnings
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING

from ..home import write_whole
from ..runs import History, Record
from .settings import Settings
from .symptoms import symptom

if TYPE_CHECKING:
    import pandas as pd

VERSION = 1
UNDER_WAY = ("running", "paused")
RECORDED = [part.name for part in fields(Record) if part.name != "validation"]
NO_RUN = (OSError, ValueError, KeyError, TypeError, AttributeError)  # what reading a file that is none can raise


@dataclass(frozen=True)
class Expected:
    """What the learner foretold: the curve (a name of SYMPTOMS) and the last validation score, or nothing of either."""

    symptom: str | None = None
    score: float | None = None


@dataclass(eq=False)
class Run:
    """One run, under way or over."""

    id: str
    name: str
    settings: Settings
    metric: str  # the validation score that is shown
    planned: int  # steps, if nothing ends it sooner
    n_rows: int
    guessing: float | None = None  # validation loss of one who knows only how frequent each label is
    most_frequent: float | None = None  # validation accuracy of one who always says the most frequent label
    records: list[Record] = field(default_factory=list)
    state: str = "new"  # "running", "paused", "stopped", "finished", "failed", "interrupted"
    error: str = ""
    expected: Expected = field(default_factory=Expected)
    starred: bool = False
    parent: str = ""  # the run whose weights it began with, and how far that was
    parent_step: int = 0
    created: str = field(default_factory=lambda: time.strftime("%Y-%m-%d %H:%M:%S"))

    @property
    def history(self) -> History:
        return History(self.settings.config(), self.records)

    @property
    def frame(self) -> pd.DataFrame:
        """One line a step, as `History.frame`."""
        return self.history.frame

    @property
    def step(self) -> int:
        return self.records[-1].step if self.records else 0

    @property
    def over(self) -> bool:
        return self.state not in ("new", *UNDER_WAY)

    def scores(self) -> list[float]:
        """The validation score at each evaluation, between 0 and 1."""
        return [record.validation[self.metric] for record in self.records if record.validation]

    @property
    def score(self) -> float:
        """The last validation score; NaN before the first."""
        return (self.scores() or [math.nan])[-1]

    @property
    def best(self) -> float:
        """The best validation score of the run, which flatters: it is the luckiest of several. NaN before the first."""
        return max(self.scores(), default=math.nan)

    @property
    def symptom(self) -> str:
        """What its curves look like, by name; "" while there is too little of them."""
        loss, accuracy = (math.nan if value is None else value for value in (self.guessing, self.most_frequent))
        return symptom(self.records, guessing=loss, most_frequent=accuracy, failed=self.state == "failed")

    @property
    def examples_per_second(self) -> float:
        """Training rows per second of its steps, evaluation left out."""
        seconds = sum(record.seconds for record in self.records)
        return self.records[-1].epoch * self.n_rows / seconds if seconds else math.nan

    def to_json(self) -> str:
        """The run as a JSON object; what is no number (NaN) or infinite is null, which strict readers take, too."""
        kept = {part.name: getattr(self, part.name) for part in fields(self)}
        kept |= {"settings": asdict(self.settings), "expected": asdict(self.expected), "version": VERSION}
        records = list(self.records)  # as they are now: the thread of the run may add one at any time
        kept["records"] = {
            **{name: [_or_null(getattr(record, name)) for record in records] for name in RECORDED},
            "validation": {
                record.step: {name: _or_null(value) for name, value in record.validation.items()}
                for record in records if record.validation
            },
        }  # fmt: skip
        return json.dumps(kept, indent=1, allow_nan=False, default=lambda number: number.item())  # one of NumPy's

    @classmethod
    def from_json(cls, text: str) -> Run:
        """Raises ValueError, KeyError or TypeError where the text is no run of this version."""
        kept = json.loads(text)
        if kept.pop("version") != VERSION:
            raise ValueError("another version")
        columns = kept.pop("records")
        validation = columns.pop("validation")
        lines = zip(*(map(_or_nan, columns[name]) for name in RECORDED), strict=True)
        scores = {step: {name: _or_nan(value) for name, value in of.items()} for step, of in validation.items()}
        steps = [dict(zip(RECORDED, line)) for line in lines]
        records = [Record(**step, validation=scores.get(str(step["step"]), {})) for step in steps]
        kept |= {"settings": Settings(**kept["settings"]), "expected": Expected(**kept["expected"])}
        return cls(**kept, records=records)


def _or_null(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value


class Shelf:
    """The folder in which the runs of one task and model are kept: `ID.json`, and `ID.safetensors` for their weights.

    Several programs may use it at once: each number is given to one of them. What the others have added since is seen
    by who opens the folder anew; of one run that two change, what was written last counts.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load(self) -> dict[str, Run]:
        """The runs by id, oldest first. A file that cannot be read is named in a warning and left where it is.

        A run that was not over when its program ended is "interrupted". What a program was writing when it was killed,
        an hour ago or more, is deleted: weights are large.
        """
        for draft in self.folder.glob(".*-*"):
            with suppress(OSError):  # another program was quicker
                if time.time() - draft.stat().st_mtime > 3600:
                    draft.unlink()
        runs = {}
        for run_id in self._ids():
            if not self._file(run_id).stat().st_size:  # a number taken, and nothing written yet
                continue
            try:
                run = self.read(run_id)
            except NO_RUN:
                warnings.warn(
                    f"The run in {self._file(run_id)} cannot be read and is left out; delete the file to be rid of this.",
                    stacklevel=3,
                )
            else:
                run.state = run.state if run.over else "interrupted"
                runs[run_id] = run
        return runs

    def read(self, run_id: str) -> Run:
        """The run as it is kept. Raises one of NO_RUN where its file is none."""
        return Run.from_json(self._file(run_id).read_text(encoding="utf-8"))

    def new_id(self, known: Iterable[str]) -> str:
        """The next number, with zeros, so that ids sort by age, and its file, still empty, so that nobody else takes it."""
        number = max(map(int, [*self._ids(), *known]), default=0)
        while True:
            number += 1
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                self._file(f"{number:04d}").touch(exist_ok=False)
            except FileExistsError:  # by another program, just now
                continue
            except OSError:  # a full disk, or no right to write: `save` will say so
                pass
            return f"{number:04d}"

    def save(self, run: Run) -> None:
        """Write the run. Raises OSError where that cannot be."""
        write_whole(self._file(run.id), run.to_json())

    def weights_file(self, run_id: str) -> Path:
        return self.folder / f"{run_id}.safetensors"

    def delete(self, run_id: str) -> None:
        for file in (self._file(run_id), self.weights_file(run_id)):
            file.unlink(missing_ok=True)

    def _file(self, run_id: str) -> Path:
        return self.folder / f"{run_id}.json"

    def _ids(self) -> list[str]:
        """The oldest first. Another name than a number is a copy's, as file synchronisers make them."""
        return sorted(file.stem for file in self.folder.glob("*.json") if file.stem.isdecimal())
