"""The knobs of the lab, and presets: one that works, and some that fail on purpose."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from ..errors import CourseError
from ..runs import TrainConfig
from ..scale import did_you_mean

ROWS = ("as drawn", "sorted by label", "with the validation rows", "one class")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One run: what is trained, on which rows, how.

    Raises CourseError for a setting that does not exist, or a value that it cannot have.
    """

    learning_rate: float = 5e-4
    """The peak, reached after warm-up."""
    warmup_share: float = 0.1
    """Share of all steps over which the rate rises."""
    schedule: str = "linear"
    """After warm-up: "linear", "cosine" or "constant"."""
    batch_size: int = 16
    """Rows per batch."""
    accumulate: int = 1
    """Batches per step."""
    epochs: int = 4
    """Passes over the rows."""
    patience: int | None = None
    """Stop after so many evaluations without a better one; None: never."""
    dropout: float = 0.0
    """Share of activations set to zero while training; the shipped encoder was pre-trained with none."""
    weight_decay: float = 0.01
    """Pull of weights towards zero."""
    clip_norm: float | None = 1.0
    """Longest gradient; None: any."""
    label_smoothing: float = 0.0
    """Share of each target spread over all classes."""
    trains: str = "all"
    """What learns: "all", "head", "last 1", "last 2", …, or "LoRA"."""
    lora_rank: int = 8
    """Width of LoRA's matrices."""
    labels: int = 256
    """Labelled rows; a smaller number is part of a larger one."""
    seed: int = 0
    """Decides the head, the order of rows and dropout."""
    shuffle: bool = True
    """A new order each epoch."""
    rows: str = "as drawn"
    """One of ROWS. All but the first are ways to go wrong."""

    def __new__(cls, *args: Any, **settings: Any) -> Settings:
        names = [setting.name for setting in fields(cls)]
        for name in settings:
            if name not in names:
                raise CourseError(f"A run has no setting {name!r}: {did_you_mean(name, names)}")
        return super().__new__(cls)

    def __post_init__(self) -> None:
        self.config()  # what the loop takes, it checks
        if self.rows not in ROWS:
            raise CourseError(f"rows={self.rows!r} is no way to choose rows: {did_you_mean(str(self.rows), ROWS)}")
        if not isinstance(self.dropout, int | float) or not 0 <= self.dropout < 1:
            raise CourseError(f"dropout={self.dropout!r} must be a number from 0 to below 1.")
        for name in ("labels", "lora_rank"):
            if not isinstance(getattr(self, name), int) or getattr(self, name) < 1:
                raise CourseError(f"{name}={getattr(self, name)!r} must be a whole number, 1 or more.")
        if not re.fullmatch(r"all|head|LoRA|last [1-9]\d*", str(self.trains)):
            raise CourseError(f'trains={self.trains!r} is unknown: use "all", "head", "last 1" (or 2, …) or "LoRA".')

    def config(self, evaluate_every: int | None = None) -> TrainConfig:
        """These settings as the loop takes them. Weights stay as the last step leaves them, so that one sees it."""
        return TrainConfig(
            epochs=self.epochs, batch_size=self.batch_size, accumulate=self.accumulate, shuffle=self.shuffle,
            learning_rate=self.learning_rate, schedule=self.schedule, warmup_share=self.warmup_share,
            weight_decay=self.weight_decay, clip_norm=self.clip_norm, label_smoothing=self.label_smoothing,
            evaluate_every=evaluate_every, patience=self.patience, keep_best=False, seed=self.seed,
        )  # fmt: skip

    def but(self, **changes: Any) -> Settings:
        """The same with some of them changed. Raises CourseError as `Settings` does."""
        return replace(self, **changes)

    def __str__(self) -> str:
        changed = differences({"": asdict(Settings()), "this": asdict(self)})
        return ", ".join(f"{name} {getattr(self, name)}" for name in changed) or "as preset"


def differences(settings: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The names of the settings that are not the same in all runs, in their order."""
    names = [setting.name for setting in fields(Settings)]
    return [name for name in names if len({repr(of.get(name)) for of in settings.values()}) > 1]


# What to look at stands in `symptoms`: a learner is to find out which of these a curve comes from.
PRESETS: dict[str, dict[str, Any]] = {
    "sensible": {},
    "rate × 100": {"learning_rate": 100 * Settings.learning_rate},
    "no warm-up": {"warmup_share": 0.0, "learning_rate": 20 * Settings.learning_rate},
    "not shuffled": {"shuffle": False, "rows": "sorted by label"},
    "leaking validation": {"rows": "with the validation rows"},
    "one class": {"rows": "one class"},
}
