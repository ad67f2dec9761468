"""Does speed cost quality? The course and Trainer from the same weights, on the same number of examples.

    python -m benchmarks.quality [--encoder mini|minilm] [--seeds N] [--quick]

Both take the same batch size, rate, linear decay, epochs and no weight decay; only the order of the rows,
the way a batch is made and the drawing of dropout differ. A seed decides the new head, the order and, for the
mini encoder, which rows are trained on. Scored on validation rows by the course's `evaluate`, final weights.
MiniLM takes several minutes a run.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter

from course_utils import Task, encode, evaluate, load_model, load_task, load_tokenizer

from .common import (
    REAL_SENTENCES,
    Encoder,
    chosen_encoders,
    machine,
    options,
    quiet,
    report,
    table,
    target,
)
from .peers import OURS, Contender, Job, ours, trainer_default

TRAINER = "Trainer, default"
CONTENDERS: dict[str, Contender] = {OURS: ours, TRAINER: trainer_default}


@dataclass(frozen=True)
class Setting:
    """What one run of an encoder is."""

    task: Callable[[int], Task]  # by seed
    epochs: int
    learning_rate: float
    seeds: int
    batch_size: int = 32
    least: float | None = None  # accuracy that the course must reach


SETTINGS = {
    "mini": Setting(
        lambda seed: load_task("sentiment", scale="mini", train_rows=512, seed=seed),
        epochs=8, learning_rate=5e-4, seeds=10,
    ),
    "minilm": Setting(
        lambda seed: load_task(REAL_SENTENCES),
        epochs=3, learning_rate=5e-5, seeds=3, batch_size=16, least=0.84,  # as lesson 06 has it
    ),
}  # fmt: skip
QUICK_SETTINGS = {
    "mini": Setting(
        lambda seed: load_task("sentiment", scale="mini", train_rows=128, seed=seed),
        epochs=2, learning_rate=5e-4, seeds=2,
    ),
    "minilm": Setting(
        lambda seed: load_task(REAL_SENTENCES, train_rows=128, seed=seed),
        epochs=1, learning_rate=5e-5, seeds=2, batch_size=16, least=0.84,
    ),
}  # fmt: skip


def accuracy(contender: Contender, encoder: Encoder, setting: Setting, seed: int) -> float:
    task, tokenizer = setting.task(seed), load_tokenizer(encoder.folder)
    train_rows = task.rows["train"]
    job = Job(
        list(train_rows[task.text]), list(train_rows[task.label]),
        tokenizer, load_model(encoder.folder, task, seed=seed),
        epochs=setting.epochs, batch_size=setting.batch_size, learning_rate=setting.learning_rate, seed=seed,
    )  # fmt: skip
    contender(job)
    return evaluate(job.model, encode(task, tokenizer)["validation"])["accuracy"]


def measure(encoder: Encoder, setting: Setting, quick: bool) -> None:
    where, started = machine(), perf_counter()
    scores: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    for seed in range(setting.seeds):
        for name, contender in CONTENDERS.items():
            scores[name].append(accuracy(contender, encoder, setting, seed))
            print(f"{encoder.name}, seed {seed}, {name}: {scores[name][-1]:.4f}", flush=True)

    mean = {name: statistics.mean(values) for name, values in scores.items()}
    deviation = {name: statistics.stdev(values) for name, values in scores.items()}
    # Paired by seed: both start from the same head and see the same rows.
    pairs = [a - b for a, b in zip(scores[OURS], scores[TRAINER], strict=True)]
    difference, error = statistics.mean(pairs), statistics.stdev(pairs) / math.sqrt(len(pairs))
    columns = ["", "validation accuracy", "sd over seeds", "target"]
    rows = [
        [name, f"{mean[name]:.4f}", f"{deviation[name]:.4f}",
         target(mean[name], setting.least) if setting.least and name == OURS else ""]
        for name in CONTENDERS
    ]  # fmt: skip
    verdict = "no worse, within two standard errors" if difference >= -2 * error else "worse"
    rows.append(["difference, paired by seed", f"{difference:+.4f} ± {error:.4f}", "", verdict])
    task = setting.task(0)
    facts = (
        f"{task.name}: {len(task.rows['train']):,} rows, {len(task.rows['validation']):,} for validation, "
        f"{setting.epochs} epochs at {setting.learning_rate:g}, batches of {setting.batch_size}, {setting.seeds} seeds, "
        f"{(perf_counter() - started) / 60:.0f} minutes in all. ± is one standard error."
    )
    figures = {"accuracy": scores, "difference": difference, "standard_error": error}
    report(
        f"quality-{encoder.name}", f"Quality at equal examples, {encoder.name}",
        f"{table(columns, rows)}\n\n{facts}", figures, where=where, quick=quick,
    )  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    from dataclasses import replace

    parser = options(__doc__)
    parser.add_argument(
        "--seeds", type=int, default=None, help="10 for mini and 3 for MiniLM, or 2 when quick"
    )
    chosen = parser.parse_args(arguments)
    quiet()
    for encoder in chosen_encoders(chosen.encoder):
        if encoder.name == "minilm" and not REAL_SENTENCES.is_dir():
            print("quality of minilm left out: it needs the folder of SST-2 rows that README.md names.")
            continue
        setting = (QUICK_SETTINGS if chosen.quick else SETTINGS)[encoder.name]
        measure(encoder, replace(setting, seeds=max(2, chosen.seeds or setting.seeds)), chosen.quick)


if __name__ == "__main__":
    main()
