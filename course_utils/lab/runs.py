"""A run as it is kept: settings, records, what was expected of it. One JSON file each, written whole or not at all."""

from __future__ import annotations

import json
import math
import time
import warnings
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING

from ..home import write_whole
from ..runs import History, Record, watched_metric
from .settings import Settings
from .symptoms import symptom

if TYPE_CHECKING:
    import pandas as pd

VERSION = 1
UNDER_WAY = ("running", "paused")
RECORDED = [part.name for part in fields(Record) if part.name != "validation"]


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
        """The validation score at each evaluation."""
        return [record.validation[self.metric] for record in self.records if record.validation]

    @property
    def score(self) -> float:
        """The last validation score; NaN before the first."""
        return self.scores()[-1] if self.scores() else math.nan

    @property
    def best(self) -> float:
        """The best validation score of the run, which flatters: it is the luckiest of several."""
        sign = watched_metric({self.metric: 0.0}, None)[1]
        return sign * max((sign * score for score in self.scores()), default=math.nan)

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
        kept = {part.name: getattr(self, part.name) for part in fields(self)}
        kept |= {"settings": asdict(self.settings), "expected": asdict(self.expected), "version": VERSION}
        kept["records"] = {
            **{name: [getattr(record, name) for record in self.records] for name in RECORDED},
            "validation": {record.step: record.validation for record in self.records if record.validation},
        }
        return json.dumps(kept, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Run:
        """Raises ValueError, KeyError or TypeError where the text is no run of this version."""
        kept = json.loads(text)
        if kept.pop("version") != VERSION:
            raise ValueError("another version")
        columns = kept.pop("records")
        validation = columns.pop("validation")
        steps = [dict(zip(RECORDED, values)) for values in zip(*(columns[name] for name in RECORDED), strict=True)]
        records = [Record(**step, validation=validation.get(str(step["step"]), {})) for step in steps]
        kept |= {"settings": Settings(**kept["settings"]), "expected": Expected(**kept["expected"])}
        return cls(**kept, records=records)


class Shelf:
    """The folder in which the runs of one task and model are kept: `ID.json`, and `ID.safetensors` for their weights."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load(self) -> dict[str, Run]:
        """The runs by id, oldest first. A file that cannot be read is named in a warning and left where it is.

        A run that was under way when its program ended is "interrupted".
        """
        runs = {}
        for file in sorted(self.folder.glob("*.json")):
            try:
                run = Run.from_json(file.read_text(encoding="utf-8"))
            except (OSError, ValueError, KeyError, TypeError, AttributeError):  # CourseError is a ValueError
                warnings.warn(
                    f"The run in {file} cannot be read and is left out; delete the file to be rid of this.",
                    stacklevel=3,
                )
                continue
            run.state = "interrupted" if run.state in UNDER_WAY else run.state
            runs[run.id] = run
        return runs

    def last_number(self) -> int:
        """The number of the newest file, 0 without any."""
        return max((int(file.stem) for file in self.folder.glob("*.json") if file.stem.isdigit()), default=0)

    def save(self, run: Run) -> None:
        write_whole(self.folder / f"{run.id}.json", run.to_json())

    def weights_file(self, run_id: str) -> Path:
        return self.folder / f"{run_id}.safetensors"

    def delete(self, run_id: str) -> None:
        for file in (self.folder / f"{run_id}.json", self.weights_file(run_id)):
            file.unlink(missing_ok=True)
