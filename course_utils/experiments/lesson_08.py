"""Lesson 08: one run and its settings, measured on every split; the study that the lesson plots; its claims."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ..adaptation import train_only_head
from ..batching import EncodedRows
from ..decoding import softmax
from ..evaluation import predict_logits
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
    "head only": {"trains": "head", "learning_rate": 1e-2},  # its best rate, as in `runs.RATES`
}
WITH_WRONG_LABELS = (
    "nothing", "best by accuracy", "best by loss", "label smoothing .3", "dropout .1", "weight decay 10", "3 epochs",
    "head only",
)  # fmt: skip


def mislabelled(rows: EncodedRows, seed: int, share: float = WRONG) -> EncodedRows:
    """Rows of two classes, with the labels of `share` of them turned round."""
    assert rows.labels is not None
    labels = np.array(rows.labels)
    turned = np.random.default_rng(seed).permutation(len(labels))[: int(share * len(labels))]
    labels[turned] = 1 - labels[turned]
    return replace(rows, labels=labels)


@lru_cache(maxsize=256)
def run(
    labels: int = 64,
    seed: int = 0,
    *,
    learning_rate: float = 1e-3,
    epochs: int = 10,
    batch_size: int = 16,
    dropout: float = 0.0,
    trains: str = "all",
    wrong: bool = False,
    rows_seed: int | None = None,
    keep_best: bool = False,
    splits: tuple[str, ...] = SPLITS,
    **settings: Any,
) -> tuple[dict[str, float], np.ndarray]:
    """One run on sentiment: accuracy and loss on each of the splits ("test", "test_loss", …), and which validation
    rows it gets right (rows,).

    The seed decides the labelled rows (unless `rows_seed` does), the head and the order of the batches. `wrong` turns
    round a quarter of the labels, on which "train" is then measured too. Only with `keep_best` does the run look at
    validation rows, at as many as it has labels: nobody with 64 labels has 512 more.
    """
    task, data = encoded_task("sentiment", labels, seed if rows_seed is None else rows_seed)
    rows = mislabelled(data["train"], seed) if wrong else data["train"]
    config = TrainConfig(
        epochs=epochs, batch_size=batch_size, learning_rate=learning_rate, keep_best=keep_best, seed=seed, **settings
    )
    model: Any = load_model(ENCODER, task, seed=seed, dropout=dropout)
    if trains == "head":
        train_only_head(model)
    few = data["validation"].select(range(labels)) if keep_best else None
    train(model, rows, config, validation=few, progress=False)
    found: dict[str, float] = {}
    right: dict[str, np.ndarray] = {}
    for split in splits:
        of_split = rows if split == "train" else data[split]
        logits = predict_logits(model, of_split)
        right[split] = logits.argmax(-1) == of_split.labels
        chances = softmax(logits)[range(len(of_split)), of_split.labels]
        found |= {split: float(right[split].mean()), f"{split}_loss": float(-np.log(chances + 1e-12).mean())}
    return found, right["validation"]


def outcome(labels: int = 64, seed: int = 0, **settings: Any) -> dict[str, float]:
    """The scores of a run, see `run`."""
    return run(labels, seed, **settings)[0]


# ---------------------------------------------------------------- what the lesson plots


def settings_of_study() -> Iterator[tuple[str, dict[str, Any]]]:
    """The runs of the study: the part of the lesson that plots them, and the arguments of `run`."""
    for seed in range(5):
        for rate in RATES:
            yield "rates", {"labels": 64, "seed": seed, "learning_rate": rate}
        for rate in (1e-3, 3e-3, 1e-2, 3e-2):
            for share in (0.0, 0.1, 0.3, 0.5):
                yield "warm-up", {"labels": 64, "seed": seed, "learning_rate": rate, "warmup_share": share}
        for name in CHANGES:
            yield "changes", {"labels": 64, "seed": seed, "change": name}
        for name in WITH_WRONG_LABELS:
            yield "wrong labels", {"labels": 128, "seed": seed, "change": name, "wrong": True}
    for seed in range(3):
        for rate in (1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2):
            yield "rates", {"labels": 512, "seed": seed, "learning_rate": rate, "epochs": 6, "batch_size": 32}
        for batch_size in (8, 32, 128):
            for rate in (1e-4, 3e-4, 1e-3, 3e-3, 1e-2):
                yield "batch", {"labels": 128, "seed": seed, "learning_rate": rate, "batch_size": batch_size}
    for rows_seed in range(6):
        for seed in range(4):
            yield "luck", {"labels": 64, "seed": seed, "rows_seed": rows_seed}


def study(report: Callable[[str], None] = print) -> pd.DataFrame:
    """One line a run: its part, its settings (empty: as `run` has them), accuracy and loss on every split."""
    import pandas as pd

    lines: list[dict[str, Any]] = []
    for part, settings in settings_of_study():
        change = CHANGES[settings["change"]] if "change" in settings else {}
        found = outcome(**{name: value for name, value in settings.items() if name != "change"}, **change)
        lines.append({"part": part, **settings, **{name: round(value, 4) for name, value in found.items()}})
        report(f"{part} · {settings}: test {found['test']:.3f}")
    return pd.DataFrame(lines)


TRIAL_EPOCHS, TRIAL_STEPS = 5, 20  # of a search: four batches an epoch


def contender(seed: int) -> Callable[[optuna.Trial], Any]:
    """What a search runs: five epochs on the 64 labels of a seed, judged on 64 validation rows."""
    task, data = encoded_task("sentiment", 64, seed)

    def records(trial: optuna.Trial) -> Any:
        config = TrainConfig(
            epochs=TRIAL_EPOCHS,
            batch_size=16,
            learning_rate=trial.suggest_float("learning_rate", 1e-5, 1e-1, log=True),
            warmup_share=trial.suggest_float("warmup_share", 0.0, 0.5),
            weight_decay=trial.suggest_float("weight_decay", 1e-3, 1.0, log=True),
            keep_best=False,
            seed=seed,
        )
        model: Any = load_model(ENCODER, task, seed=seed, dropout=trial.suggest_float("dropout", 0.0, 0.3))
        return training_steps(model, data["train"], config, validation=data["validation"].select(range(64)))

    return records


def searches(report: Callable[[str], None] = print, seeds: Sequence[int] = range(4)) -> pd.DataFrame:
    """The trials of searches by three strategies at the same budget of steps, for each seed: one line a trial, with the
    columns of `search.trials_table`."""
    import optuna
    import pandas as pd

    tables = []
    for seed in seeds:
        for strategy, how in (
            ("random", {"sampler": "random"}),
            ("TPE", {"sampler": "TPE"}),
            ("random, pruned", {"sampler": "random", "pruner": optuna.pruners.MedianPruner(n_startup_trials=4)}),
        ):
            trials = trials_table(search(contender(seed), steps=16 * TRIAL_STEPS, seed=seed, **how))
            tables.append(trials.assign(strategy=strategy, seed=seed).round(5))
            report(f"search · seed {seed} · {strategy}: {len(trials)} trials, best {trials['value'].max():.3f}")
    return pd.concat(tables, ignore_index=True)


# ---------------------------------------------------------------- claims


def judged(labels: int = 64, seed: int = 0, **settings: Any) -> tuple[dict[str, float], np.ndarray]:
    """`run`, on the two splits that the claims ask for."""
    if settings.get("rows_seed") == seed:
        del settings["rows_seed"]  # the same run, and cached
    return run(labels, seed, splits=("validation", "test"), **settings)


def more(a: dict[str, Any], b: dict[str, Any], of: str = "test", labels: int = 64) -> Callable[[int], float]:
    """The accuracy or loss `of` a split with the settings `a` minus that with `b`, for a seed."""
    return lambda seed: judged(labels, seed, **a)[0][of] - judged(labels, seed, **b)[0][of]


def five_seeds(rate: float) -> np.ndarray:
    """Test accuracy of five seeds at 64 labels."""
    return np.array([judged(64, seed, learning_rate=rate)[0]["test"] for seed in range(5)])


NEAR_EQUALS: tuple[dict[str, Any], ...] = (
    {}, {"learning_rate": 2e-3}, {"weight_decay": 1.0}, {"warmup_share": 0.0}, {"warmup_share": 0.3},
    {"label_smoothing": 0.1}, {"dropout": 0.1}, {"keep_best": True, "watch": "loss"},
)  # fmt: skip


def flattery(seed: int, rows: int = 64) -> float:
    """By how much the best of several near-equal settings by so many validation rows scores higher on these rows than
    on the others, beyond what the settings do on average: the mean over all blocks of validation rows."""
    right = np.stack([judged(64, seed, **settings)[1] for settings in NEAR_EQUALS])  # (settings, validation rows)
    gains = []
    for start in range(0, right.shape[1] - rows + 1, rows):
        inside = right[:, start : start + rows].mean(axis=1)
        outside = np.delete(right, range(start, start + rows), axis=1).mean(axis=1)
        gains.append((inside - outside)[inside.argmax()] - (inside - outside).mean())
    return float(np.mean(gains))


def suggestion(seed: int, labels: int = 512) -> float:
    """log10 of the rate that a range test on so many labels suggests."""
    task, data = encoded_task("sentiment", labels, seed)
    return math.log10(suggested_rate(rate_range_test(load_model(ENCODER, task, seed=seed), data["train"], seed=seed)))


CLAIMS: dict[str, Claim] = {
    "08-rate-too-high": Claim(
        says="At 64 labels, ten times a sensible rate costs more than ten points.",
        measure=more({"learning_rate": 1e-2}, {}),
        at_most=-0.10,
    ),
    "08-rate-far-too-high": Claim(
        says="At thirty times that rate, the score is within five points of chance.",
        measure=lambda seed: judged(64, seed, learning_rate=3e-2)[0]["test"],
        at_least=0.45,
        at_most=0.55,
        seeds=(0, 1),
    ),
    "08-rate-too-low": Claim(
        says="A tenth of that rate costs more than ten points, too.",
        measure=more({"learning_rate": 1e-4}, {}),
        at_most=-0.10,
        seeds=(0, 1),
    ),
    "08-spread": Claim(
        says="At 64 labels, the standard deviation over seeds is more than three points.",
        measure=lambda _: float(five_seeds(1e-3).std(ddof=1)),
        at_least=0.03,
        seeds=(0,),
    ),
    "08-spread-over-neighbours": Claim(
        says="It is larger than the distance between two neighbouring rates.",
        measure=lambda _: float(five_seeds(1e-3).std(ddof=1) - abs(five_seeds(1e-3).mean() - five_seeds(2e-3).mean())),
        at_least=0.01,
        seeds=(0,),
    ),
    "08-a-lucky-seed": Claim(
        says="On any rows, seed 2 (head and order of batches) is more than five points above seed 1 on average.",
        measure=lambda rows: (
            judged(64, 2, rows_seed=rows)[0]["test"] - judged(64, 1, rows_seed=rows)[0]["test"]
        ),
        at_least=0.05,
        seeds=(1, 2),  # sets of rows
    ),
    "08-range-test": Claim(
        says="With 512 labels, the suggested rate lies between a tenth of the sweep's best, 1e-3, and that best.",
        measure=suggestion,
        at_least=-4,
        at_most=-3,
        seeds=(0, 1),
    ),
    "08-warm-up-saves-a-high-rate": Claim(
        says="At ten times a sensible rate, a warm-up of 30 % is more than twenty points above none.",
        measure=more({"learning_rate": 1e-2, "warmup_share": 0.3}, {"learning_rate": 1e-2, "warmup_share": 0.0}),
        at_least=0.20,
        seeds=(0, 1),
    ),
    "08-warm-up-not-at-a-sensible-rate": Claim(
        says="At a sensible rate, a warm-up of 30 % scores no more than none.",
        measure=more({"warmup_share": 0.3}, {"warmup_share": 0.0}),
        at_most=0.01,
        seeds=(0, 1),
    ),
    "08-large-batch-at-a-low-rate": Claim(
        says="At a low rate and equal epochs, a batch of 128 is more than five points behind one of 32.",
        measure=more({"batch_size": 128, "learning_rate": 3e-4}, {"batch_size": 32, "learning_rate": 3e-4}, labels=128),
        at_most=-0.05,
        seeds=(0, 1),
    ),
    "08-large-batch-wants-a-higher-rate": Claim(
        says="Ten times that rate gives the batch of 128 more than five points.",
        measure=more({"batch_size": 128, "learning_rate": 3e-3}, {"batch_size": 128, "learning_rate": 3e-4}, labels=128),
        at_least=0.05,
        seeds=(0, 1),
    ),
    "08-smoothing-lowers-the-loss": Claim(
        says="Label smoothing lowers the validation loss by more than a quarter of a nat.",
        measure=more({"label_smoothing": 0.1}, {}, "validation_loss"),
        at_most=-0.25,
        seeds=(0, 1),
    ),
    "08-smoothing-not-the-score": Claim(
        says="It does not raise the score.",
        measure=more({"label_smoothing": 0.1}, {}),
        at_most=0.01,
        seeds=(0, 1),
    ),
    "08-weight-decay-does-nothing": Claim(
        says="A weight decay of 1 changes the score by less than two points, and that is a hundred times the default.",
        measure=more({"weight_decay": 1.0}, {}),
        at_least=-0.02,
        at_most=0.02,
        seeds=(0, 1),
    ),
    "08-dropout-costs": Claim(
        says="Dropout of .3 costs more than ten points.",
        measure=more({"dropout": 0.3}, {}),
        at_most=-0.10,
        seeds=(0, 1),
    ),
    "08-little-dropout": Claim(
        says="Dropout of .1 does not raise the score.",
        measure=more({"dropout": 0.1}, {}),
        at_most=0.01,
        seeds=(0, 1),
    ),
    "08-early-stopping": Claim(
        says="Keeping the weights of the lowest validation loss does not raise the score.",
        measure=more({"keep_best": True, "watch": "loss"}, {}),
        at_most=0.01,
        seeds=(0, 1),
    ),
    "08-fewer-weights": Claim(
        says="With a quarter of 128 labels wrong, the head alone has a validation loss .25 below that of all weights.",
        measure=more(
            {"trains": "head", "learning_rate": 1e-2, "wrong": True}, {"wrong": True}, of="validation_loss", labels=128
        ),
        at_most=-0.25,
    ),
    "08-underfitting": Claim(
        says="Three epochs instead of ten cost more than five points.",
        measure=more({"epochs": 3}, {}),
        at_most=-0.05,
        seeds=(0, 1),
    ),
    "08-flattery": Claim(
        says="The best of eight near-equal settings by 64 validation rows is flattered there by more than a point.",
        measure=flattery,
        at_least=0.01,
        seeds=(0, 1),
    ),
}
