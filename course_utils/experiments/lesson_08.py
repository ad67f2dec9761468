"""Lesson 08: one run and its settings, measured on every split; the study that the lesson plots; its claims."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ..adaptation import train_only_head
from ..batching import EncodedRows
from ..evaluation import evaluate, predict_logits
from ..models import load_model
from ..search import rate_range_test, search, suggested_rate, trials_table
from ..training import TrainConfig, train, training_steps
from .runs import ENCODER, Claim, encoded_task

if TYPE_CHECKING:
    import optuna
    import pandas as pd

RATES = (1e-5, 1e-4, 3e-4, 6e-4, 1e-3, 2e-3, 3e-3, 1e-2, 3e-2, 1e-1)
WRONG = 0.25  # share of the labels that are wrong, where some are
SPLITS = ("train", "validation", "test", "unseen")

# What is done against overfitting, and against its opposite: name → settings that differ from those of `outcome`.
CHANGES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "dropout .1": {"dropout": 0.1},
    "dropout .3": {"dropout": 0.3},
    "weight decay .1": {"weight_decay": 0.1},
    "weight decay 1": {"weight_decay": 1.0},
    "weight decay 10": {"weight_decay": 10.0},
    "label smoothing .1": {"label_smoothing": 0.1},
    "label smoothing .3": {"label_smoothing": 0.3},
    "best by loss": {"keep_best": True, "watch": "loss"},
    "best by accuracy": {"keep_best": True},
    "3 epochs": {"epochs": 3},
    "30 epochs": {"epochs": 30},
    "head only": {"trains": "head"},
}


def mislabelled(rows: EncodedRows, seed: int, share: float = WRONG) -> EncodedRows:
    """Rows of two classes, with the labels of `share` of them turned round."""
    assert rows.labels is not None
    labels = np.array(rows.labels)
    turned = np.random.default_rng(seed).permutation(len(labels))[: int(share * len(labels))]
    labels[turned] = 1 - labels[turned]
    return replace(rows, labels=labels)


@lru_cache(maxsize=256)
def outcome(
    labels: int = 64,
    seed: int = 0,
    *,
    learning_rate: float = 1e-3,
    epochs: int = 10,
    batch_size: int = 16,
    dropout: float = 0.0,
    trains: str = "all",
    wrong: bool = False,
    keep_best: bool = False,
    **settings: Any,
) -> dict[str, float]:
    """Accuracy and loss on each of SPLITS ("test", "test_loss", …) after one run on sentiment.

    The seed decides the labelled rows, the head and the order of the batches. `wrong` turns round a quarter of the
    labels, on which "train" is then measured too. Only with `keep_best` does the run look at validation rows: at as many
    as it has labels, since nobody with 64 labels has 512 more.
    """
    task, data = encoded_task("sentiment", labels, seed)
    rows = mislabelled(data["train"], seed) if wrong else data["train"]
    config = TrainConfig(
        epochs=epochs, batch_size=batch_size, learning_rate=learning_rate, keep_best=keep_best, seed=seed, **settings
    )
    model: Any = load_model(ENCODER, task, seed=seed, dropout=dropout)
    if trains == "head":
        train_only_head(model)
    few = data["validation"].select(range(min(labels, len(data["validation"])))) if keep_best else None
    train(model, rows, config, validation=few, progress=False)
    found = {}
    for split in SPLITS:
        scores = evaluate(model, rows if split == "train" else data[split])
        found |= {split: scores["accuracy"], f"{split}_loss": scores["loss"]}
    return found
