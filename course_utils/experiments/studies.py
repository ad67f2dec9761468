"""The larger comparisons, whose results ship with the course and are plotted by lessons."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import CourseError
from .runs import ANSWERS_RATE, METHODS, scores

if TYPE_CHECKING:
    import pandas as pd

RESULTS = Path(__file__).parent.parent / "results"


@dataclass(frozen=True, kw_only=True)
class Study:
    """A larger comparison, whose results ship with the course."""

    task: str
    methods: Sequence[str]
    labels: Sequence[int]
    seeds: Sequence[int]
    epochs: Callable[[int], int]  # labels → passes over them
    rates: Mapping[str, float] = field(default_factory=dict)  # method → peak rate, where not that of `RATES`


STUDIES = {
    "sentiment": Study(
        task="sentiment",
        methods=METHODS,
        labels=(32, 128, 512, 1024),
        seeds=range(5),
        epochs=lambda labels: 10 if labels <= 128 else 8 if labels <= 512 else 5,
    ),
    "topics": Study(
        task="topics",
        methods=("scratch", "features", "last layer", "full"),
        labels=(32, 128, 512, 2048),
        seeds=range(3),
        epochs=lambda labels: 20 if labels <= 32 else 10 if labels <= 128 else 6 if labels <= 512 else 3,
    ),
    "entities": Study(
        task="entities",
        methods=("scratch", "features", "last layer", "full"),
        labels=(64, 256, 1024),
        seeds=range(5),
        epochs=lambda labels: 30 if labels <= 64 else 12 if labels <= 256 else 5,
    ),
    "answers": Study(
        task="answers",
        methods=("scratch", "features", "last layer", "full"),
        labels=(1024, 2048),
        seeds=range(5),
        epochs=lambda labels: 8,
        rates={"full": ANSWERS_RATE},
    ),
}


def _scaling(report: Callable[[str], None]) -> pd.DataFrame:
    from .lesson_03 import scaling

    return scaling(report)


def _hyperparameters(report: Callable[[str], None]) -> pd.DataFrame:
    from .lesson_08 import study

    return study(report)


def _searches(report: Callable[[str], None]) -> pd.DataFrame:
    from .lesson_08 import searches

    return searches(report)


def _translation(report: Callable[[str], None]) -> pd.DataFrame:
    from .lesson_12 import label_curve

    return label_curve(report)


def _back_translation(report: Callable[[str], None]) -> pd.DataFrame:
    from .lesson_12 import back_translation

    return back_translation(report)


# Comparisons of another shape: functions that report as they go and return the table to save.
TABLES: dict[str, Callable[[Callable[[str], None]], pd.DataFrame]] = {
    "scaling": _scaling,
    "hyperparameters": _hyperparameters,
    "searches": _searches,
    "translation": _translation,
    "back_translation": _back_translation,
}


def run_study(name: str, report: Callable[[str], None] = print) -> Path:
    """Run a study and save its results: one row per run and split (method, labels, seed, split, score).

    One of TABLES saves the columns of its own.
    """
    import pandas as pd

    if name in TABLES:
        RESULTS.mkdir(exist_ok=True)
        TABLES[name](report).to_csv(RESULTS / f"{name}.csv", index=False)
        return RESULTS / f"{name}.csv"
    if name not in STUDIES:
        raise CourseError(f"There is no study {name!r}: there are {', '.join([*STUDIES, *TABLES])}.")
    study, rows = STUDIES[name], []
    for labels in study.labels:
        for method in study.methods:
            for seed in study.seeds:
                rate, epochs = study.rates.get(method), study.epochs(labels)
                found = scores(study.task, method, labels, seed, epochs=epochs, rate=rate)
                rows += [
                    {
                        "method": method,
                        "labels": labels,
                        "seed": seed,
                        "split": split,
                        "score": round(value, 4),
                    }
                    for split, value in found.items()
                ]
            runs = pd.DataFrame(rows).query("method == @method and labels == @labels")
            said = [
                f"{split} {of.mean():.3f} ± {of.std():.3f}" for split, of in runs.groupby("split")["score"]
            ]
            report(f"{name} · {labels} labels · {method}: {', '.join(said)}")
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


def results(name: str) -> pd.DataFrame:
    """The shipped results of a study: columns method, labels, seed, split, score."""
    import pandas as pd

    path = RESULTS / f"{name}.csv"
    if not path.is_file():
        raise CourseError(f"The results of {name!r} are not there: run `course measure {name}`.")
    return pd.read_csv(path)
