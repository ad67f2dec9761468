"""One comparison: a model of METHODS, fine-tuned on so many labels, and its scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ..adaptation import add_lora, cache_features, train_last_layers
from ..batching import EncodedRows, encode
from ..data import Task, load_task
from ..errors import CourseError
from ..metrics import metric_for
from ..models import load_model, load_tokenizer
from ..training import TrainConfig, evaluate, train

if TYPE_CHECKING:
    from torch import nn

METHODS = ("scratch", "features", "last layer", "LoRA", "full")
ENCODER = "mini-encoder"

# The score that a task is judged by, among those of its metric.
SCORE = {"classification": "accuracy", "entities": "f1", "answers": "exact_match"}

# The peak rate that suits each method, found on validation rows.
RATES = {"scratch": 1e-3, "features": 1e-2, "last layer": 2e-3, "LoRA": 5e-3, "full": 1e-3}
ANSWERS_RATE = 5e-4  # full fine-tuning for answers: at 1e-3 it forgets paraphrases that no label shows


@lru_cache(maxsize=32)
def encoded_task(name: str, train_rows: int, seed: int) -> tuple[Task, dict[str, EncodedRows]]:
    """A task with a seeded subset of its labels, and its encoded splits."""
    task = load_task(name, scale="mini", train_rows=train_rows, seed=seed)  # it is the mini encoder that is compared
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
    change: Callable[[EncodedRows], EncodedRows] | None = None,
) -> tuple[nn.Module, Task, dict[str, EncodedRows]]:
    """One run by one of METHODS. The seed decides the labelled rows, the head, and the order of the batches.

    `change` makes other training rows of them: for a run that is to go wrong.
    """
    if method not in METHODS:
        raise CourseError(f"There is no method {method!r}: use one of {', '.join(METHODS)}.")
    task, data = encoded_task(name, labels, seed)
    config = TrainConfig(
        epochs=epochs, batch_size=batch_size, learning_rate=rate or RATES[method], warmup_share=0.1, seed=seed
    )
    model: Any = load_model(ENCODER, task, from_scratch=method == "scratch", seed=seed)
    rows = change(data["train"]) if change else data["train"]
    if method == "features":
        head, cached = cache_features(model, rows)
        train(head, cached, config, progress=False)
        return model, task, data
    if method == "last layer":
        train_last_layers(model, 1)
    elif method == "LoRA":
        model = add_lora(model, seed=seed)
    train(model, rows, config, progress=False)
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
    name: str, labels: int, split: str, *, epochs: int, method: str = "full", over: str = "scratch",
    rate: float | None = None,
) -> Callable[[int], float]:  # fmt: skip
    """The score of one method, at `rate` or that of RATES, minus that of another, for a seed."""

    def measure(seed: int) -> float:
        of = scores(name, method, labels, seed, epochs=epochs, rate=rate)[split]
        return of - scores(name, over, labels, seed, epochs=epochs)[split]

    return measure
