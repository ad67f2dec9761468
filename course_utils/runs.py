"""What a run is told, and what it tells: settings, learning rate, records, history. No loop, no model."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import CourseError

if TYPE_CHECKING:
    import pandas as pd

SCHEDULES = ("linear", "cosine", "constant")
PRECISIONS = ("auto", "fp32", "bf16", "fp16")


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """What changes a run. A step is one update of the weights, however many batches feed it.

    Change a setting with `dataclasses.replace(config, learning_rate=1e-4)`. A name that does not exist, a
    value out of range and two settings that contradict each other raise `CourseError`.
    """

    epochs: int | None = None
    """Passes over the rows. Give this or `max_steps`."""
    max_steps: int | None = None
    """Steps, over as many epochs as they take."""
    batch_size: int | None = None
    """Rows per batch; 32 when `token_budget` is not given either."""
    token_budget: int | None = None
    """Tokens per batch, padding counted, instead of `batch_size`: many short rows or few long ones."""
    accumulate: int = 1
    """Batches per step. Four batches of 8 give the same update as one of 32, in less memory."""
    shuffle: bool = True
    """A new order of the rows each epoch, those of like length together. Off: the order that they have."""

    learning_rate: float = 5e-5
    """The peak, reached after warm-up."""
    schedule: str = "linear"
    """After warm-up: "linear" or "cosine" down to zero, or "constant"."""
    warmup_steps: int | None = None
    """Steps over which the rate rises."""
    warmup_share: float | None = None
    """The same as a share of all steps; 0.1 when neither is given."""

    weight_decay: float = 0.01
    """Pull of weights towards zero, but not of biases and norms."""
    betas: tuple[float, float] = (0.9, 0.999)
    """AdamW's memory of the gradient and of its square."""
    clip_norm: float | None = 1.0
    """Gradients longer than this are shortened to it; None: never."""
    label_smoothing: float = 0.0
    """Share of each target spread over all classes."""

    evaluate_every: int | None = None
    """Steps between evaluations; None: after each epoch. The last step is always evaluated."""
    watch: str | None = None
    """The validation metric that says which weights are best; None: the first besides the loss, else loss."""
    patience: int | None = None
    """Stop after so many evaluations without a better one; None: never."""
    keep_best: bool = True
    """At the end, put the best weights back."""

    gradient_checkpointing: bool = False
    """Compute activations twice instead of keeping them: less memory, about a third more time, same result."""
    compile: bool = False
    """Compile the model with `torch.compile`: a minute or more at the start, quicker steps on a GPU. For long runs."""
    precision: str = "auto"
    """"fp32", "bf16", "fp16", or "auto": 16 bits where the GPU is made for them, else 32."""
    seed: int = 0
    """Decides the order of rows and dropout. Same seed, same machine: same bits."""

    def __new__(cls, *args: Any, **settings: Any) -> TrainConfig:
        # Before the generated __init__ can answer an unknown name with a bare TypeError.
        names = [setting.name for setting in fields(cls)]
        for name in settings:
            if name not in names:
                near = get_close_matches(name, names, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(names)}."
                raise CourseError(f"TrainConfig has no setting {name!r}; {hint}")
        return super().__new__(cls)

    def __post_init__(self) -> None:
        def require(holds: bool, name: str, rule: str) -> None:
            if not holds:
                raise CourseError(f"{name}={getattr(self, name)!r} {rule}.")

        def one_of(first: str, second: str, advice: str) -> None:
            values = getattr(self, first), getattr(self, second)
            if None not in values:
                raise CourseError(
                    f"{first}={values[0]!r} and {second}={values[1]!r} contradict each other; {advice}."
                )

        for name, least in {
            "epochs": 1, "max_steps": 1, "batch_size": 1, "token_budget": 1, "accumulate": 1,
            "warmup_steps": 0, "evaluate_every": 1, "patience": 1, "seed": 0,
        }.items():  # fmt: skip
            value = getattr(self, name)
            if value is None and name not in ("accumulate", "seed"):
                continue
            whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
            require(whole and value >= least, name, f"must be a whole number, {least} or more")
        for name, low, high in [
            ("learning_rate", 0, math.inf), ("warmup_share", 0, 1), ("weight_decay", 0, math.inf),
            ("clip_norm", 0, math.inf), ("label_smoothing", 0, 1),
        ]:  # fmt: skip
            value = getattr(self, name)
            if value is None and name in ("warmup_share", "clip_norm"):
                continue
            number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
            require(number and low <= value < high, name, f"must be a number from {low} to below {high}")
        require(self.learning_rate > 0, "learning_rate", "trains nothing; 5e-5 suits most pre-trained models")
        require(self.clip_norm != 0, "clip_norm", "would erase every gradient; None switches clipping off")
        for name, choices in {"schedule": SCHEDULES, "precision": PRECISIONS}.items():
            near = get_close_matches(str(getattr(self, name)), choices, n=1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            require(getattr(self, name) in choices, name, f"must be one of {', '.join(choices)}{hint}")
        for name in ("shuffle", "keep_best", "gradient_checkpointing", "compile"):
            require(isinstance(getattr(self, name), bool), name, "must be True or False")
        pair = isinstance(self.betas, tuple | list) and len(self.betas) == 2
        in_range = pair and all(0 <= beta < 1 for beta in self.betas)
        require(in_range, "betas", "must be two numbers from 0 to below 1")

        one_of("epochs", "max_steps", "give one of them")
        if self.epochs is None and self.max_steps is None:
            raise CourseError("Say how long to train: epochs=3, or max_steps=500.")
        one_of("batch_size", "token_budget", "a batch is measured in rows or in tokens, give one of them")
        one_of("warmup_steps", "warmup_share", "give one of them")
        if self.max_steps is not None and self.max_steps <= (self.warmup_steps or 0):
            raise CourseError(f"warmup_steps={self.warmup_steps} must be below max_steps={self.max_steps}.")

    @property
    def rows_per_batch(self) -> int | None:
        """`batch_size` with its default; None when a token budget measures the batches."""
        return None if self.token_budget is not None else self.batch_size or 32


def learning_rate_at(config: TrainConfig, step: int, total_steps: int) -> float:
    """The learning rate of a step, counted from 1. No step is spent at a rate of zero: the peak is reached
    at the last step of warm-up, and zero would come one step after the last."""
    warmup = config.warmup_steps
    if warmup is None:
        warmup = round((0.1 if config.warmup_share is None else config.warmup_share) * total_steps)
    if warmup >= total_steps and config.warmup_steps is not None:
        raise CourseError(
            f"warmup_steps={warmup} must be below the {total_steps} steps of the run: lower it."
        )
    peak_at = max(1, warmup)
    if step < peak_at:
        return config.learning_rate * step / peak_at
    done = (step - peak_at) / (total_steps + 1 - peak_at)  # 0 at the peak, 1 just after the last step
    shape = {"linear": 1 - done, "cosine": (1 + math.cos(math.pi * done)) / 2, "constant": 1.0}
    return config.learning_rate * shape[config.schedule]


def watched_metric(metrics: dict[str, float], watch: str | None) -> tuple[str, int]:
    """The metric that decides, and +1 if more of it is better, -1 if less is."""
    if watch is not None and watch not in metrics:
        raise CourseError(f"watch={watch!r} is not among the validation metrics: {', '.join(metrics)}.")
    name = watch or next((name for name in metrics if name != "loss"), "loss")
    return name, -1 if name in ("loss", "perplexity") else 1


@dataclass(frozen=True, slots=True)
class Record:
    """One step."""

    step: int  # from 1
    epoch: float  # passes over the rows, after this step
    loss: float  # mean over the step's targets, before its update
    learning_rate: float
    grad_norm: float  # before clipping
    targets: int
    tokens: int  # real ones, no padding
    seconds: float  # this step, without evaluation and without what the consumer does
    validation: dict[str, float] = field(default_factory=dict)  # empty between evaluations

    @property
    def summary(self) -> str:
        values = {"loss": self.loss} | {
            f"validation {name}": value for name, value in self.validation.items()
        }
        return ", ".join(f"{name} {value:.3f}" for name, value in values.items())


@dataclass
class History:
    """What happened, record by record."""

    config: TrainConfig
    records: list[Record] = field(default_factory=list)

    @property
    def frame(self) -> pd.DataFrame:
        """One line a step; validation metrics as `validation_…`, NaN where nothing was evaluated."""
        import pandas as pd

        columns = [setting.name for setting in fields(Record) if setting.name != "validation"]
        return pd.DataFrame(
            {name: getattr(record, name) for name in columns}
            | {f"validation_{name}": value for name, value in record.validation.items()}
            for record in self.records
        )

    @property
    def best(self) -> Record | None:
        """The record of the best evaluation, the first of equals; None if nothing was evaluated to a number."""
        evaluated = [record for record in self.records if record.validation]
        if not evaluated:
            return None
        name, sign = watched_metric(evaluated[0].validation, self.config.watch)
        sound = [record for record in evaluated if not math.isnan(record.validation[name])]
        return max(sound, key=lambda record: sign * record.validation[name], default=None)

    def __repr__(self) -> str:
        if not self.records:
            return "History(no steps)"
        first, last = self.records[0], self.records[-1]
        parts = [f"{last.step} steps", f"loss {first.loss:.3f} → {last.loss:.3f}"]
        if self.best is not None:
            name, _ = watched_metric(self.best.validation, self.config.watch)
            parts.append(f"best {name} {self.best.validation[name]:.3f} at step {self.best.step}")
        return f"History({', '.join(parts)}, {sum(record.seconds for record in self.records):.1f} s)"
