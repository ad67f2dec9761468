"""The comparisons behind every finding that a lesson states.

A lesson that says "with 128 labels the pre-trained model wins by more than fifteen
points" names a *claim*. A claim is an experiment that gives one number per seed, and
a bound that the mean must keep; the test suite runs all of them. `course measure`
runs the larger comparisons and writes the results that lessons plot.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .adaptation import add_lora, cache_features, train_last_layers
from .batching import EncodedRows, encode
from .data import Task, load_task
from .errors import CourseError
from .metrics import metric_for
from .models import load_model, load_tokenizer
from .training import TrainConfig, evaluate, train

if TYPE_CHECKING:
    import pandas as pd
    from torch import nn

RESULTS = Path(__file__).parent / "results"
METHODS = ("scratch", "features", "last layer", "LoRA", "full")
ENCODER = "mini-encoder"

# The score that a task is judged by, among those of its metric.
SCORE = {"classification": "accuracy", "entities": "f1", "answers": "exact_match"}

# The peak rate that suits each method, found on validation rows.
RATES = {"scratch": 1e-3, "features": 1e-2, "last layer": 2e-3, "LoRA": 5e-3, "full": 1e-3}


@lru_cache(maxsize=32)
def encoded_task(name: str, train_rows: int, seed: int) -> tuple[Task, dict[str, EncodedRows]]:
    """A task with a seeded subset of its labels, and its encoded splits."""
    task = load_task(name, train_rows=train_rows, seed=seed)
    return task, encode(task, load_tokenizer(ENCODER))


def fine_tune(
    name: str,
    method: str,
    labels: int,
    seed: int,
    *,
    epochs: int,
    batch_size: int = 16,
    rate: float | None = None,
) -> tuple[nn.Module, Task, dict[str, EncodedRows]]:
    """One run by one of METHODS. The seed decides the labelled rows, the head, and the order of the batches."""
    if method not in METHODS:
        raise CourseError(f"There is no method {method!r}: use one of {', '.join(METHODS)}.")
    task, data = encoded_task(name, labels, seed)
    config = TrainConfig(
        epochs=epochs, batch_size=batch_size, learning_rate=rate or RATES[method], warmup_share=0.1, seed=seed
    )
    model: Any = load_model(ENCODER, task, from_scratch=method == "scratch", seed=seed)
    if method == "features":
        head, cached = cache_features(model, data["train"])
        train(head, cached, config, progress=False)
        return model, task, data
    if method == "last layer":
        train_last_layers(model, 1)
    elif method == "LoRA":
        model = add_lora(model, seed=seed)
    train(model, data["train"], config, progress=False)
    return model, task, data


@lru_cache(maxsize=256)
def scores(
    name: str,
    method: str,
    labels: int,
    seed: int,
    *,
    epochs: int,
    batch_size: int = 16,
    rate: float | None = None,
) -> dict[str, float]:
    """The task's score, between 0 and 1, on the test rows and on the rows of unseen words and names."""
    model, task, data = fine_tune(name, method, labels, seed, epochs=epochs, batch_size=batch_size, rate=rate)
    metric, score = metric_for(task), SCORE[task.kind]
    return {split: evaluate(model, data[split], metric=metric)[score] for split in ("test", "unseen")}


# ---------------------------------------------------------------- claims


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A sentence of a lesson, and the experiment that bears it out: the mean over seeds is within the bounds."""

    says: str
    measure: Callable[[int], float]  # seed → number
    at_least: float | None = None
    at_most: float | None = None
    seeds: Sequence[int] = (0, 1, 2)

    def holds(self, values: Sequence[float]) -> bool:
        """Whether the mean of one value per seed keeps the bounds."""
        mean = sum(values) / len(values)
        return (self.at_least is None or mean >= self.at_least) and (
            self.at_most is None or mean <= self.at_most
        )


def gain(
    name: str, labels: int, split: str, *, epochs: int, method: str = "full", over: str = "scratch"
) -> Callable[[int], float]:
    """The score of one method minus that of another, for a seed."""

    def measure(seed: int) -> float:
        of = scores(name, method, labels, seed, epochs=epochs)[split]
        return of - scores(name, over, labels, seed, epochs=epochs)[split]

    return measure


CLAIMS: dict[str, Claim] = {
    "06-sentiment-128": Claim(
        says="With 128 labels, full fine-tuning is more than 15 points above scratch on unseen words.",
        measure=gain("sentiment", 128, "unseen", epochs=10),
        at_least=0.15,
    ),
    "06-sentiment-512": Claim(
        says="With 512 labels, full fine-tuning is more than 25 points above scratch on unseen words.",
        measure=gain("sentiment", 512, "unseen", epochs=8),
        at_least=0.25,
    ),
    "encoder-entities-64": Claim(
        says="With 64 labelled sentences, its entity F1 on unseen names is more than 40 points above scratch.",
        measure=gain("entities", 64, "unseen", epochs=30),
        at_least=0.40,
    ),
    "encoder-answers-1024": Claim(
        says="With 1,024 questions, its exact match on unseen names is more than 25 points above scratch.",
        measure=gain("answers", 1024, "unseen", epochs=8),
        at_least=0.25,
        seeds=(0, 1),
    ),
    "06-rate-too-high": Claim(
        says="At fifty times a sensible rate, accuracy on unseen words drops by more than ten points (512 labels).",
        measure=lambda seed: (
            scores("sentiment", "full", 512, seed, epochs=6, batch_size=32, rate=5e-4)["unseen"]
            - scores("sentiment", "full", 512, seed, epochs=6, batch_size=32, rate=50 * 5e-4)["unseen"]
        ),
        at_least=0.10,
    ),
    "06-scratch-stays-at-chance": Claim(
        says="However many labels it gets, scratch stays within five points of chance on unseen words.",
        measure=lambda seed: scores("sentiment", "scratch", 512, seed, epochs=8)["unseen"],
        at_least=0.45,
        at_most=0.55,
    ),
}


# ---------------------------------------------------------------- results that lessons plot


@dataclass(frozen=True, kw_only=True)
class Study:
    """A larger comparison, whose results ship with the course."""

    task: str
    methods: Sequence[str]
    labels: Sequence[int]
    seeds: Sequence[int]
    epochs: Callable[[int], int]  # labels → passes over them


STUDIES = {
    "sentiment": Study(
        task="sentiment",
        methods=METHODS,
        labels=(32, 128, 512, 1024),
        seeds=range(5),
        epochs=lambda labels: 10 if labels <= 128 else 8 if labels <= 512 else 5,
    ),
    "entities": Study(
        task="entities", methods=("scratch", "full"), labels=(64,), seeds=range(5), epochs=lambda labels: 30
    ),
    "answers": Study(
        task="answers",
        methods=("scratch", "full"),
        labels=(1024, 2048),
        seeds=range(5),
        epochs=lambda labels: 8,
    ),
}


def run_study(name: str, report: Callable[[str], None] = print) -> Path:
    """Run a study and save its results: one row per run and split (method, labels, seed, split, score)."""
    import pandas as pd

    if name not in STUDIES:
        raise CourseError(f"There is no study {name!r}: there are {', '.join(STUDIES)}.")
    study, rows = STUDIES[name], []
    for labels in study.labels:
        for method in study.methods:
            for seed in study.seeds:
                found = scores(study.task, method, labels, seed, epochs=study.epochs(labels))
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
