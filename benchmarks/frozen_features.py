"""Training a head for 20 epochs: features computed once, against a frozen encoder that runs anew each epoch.

    python -m benchmarks.frozen_features [--encoder mini|minilm] [--rounds 3] [--quick]

The time of the cached run includes computing the features. Both others train the same head on the same rows.
"""

from __future__ import annotations

import copy
import statistics
from collections.abc import Callable
from time import perf_counter

from course_utils import (
    TrainConfig,
    cache_features,
    encode,
    load_model,
    load_tokenizer,
    train,
    train_only_head,
)

from .common import (
    Encoder,
    Ratio,
    describe_sentences,
    interleave,
    machine,
    report,
    run_rounds,
    sentence_task,
    table,
    target,
)
from .peers import Job, trainer_default

EPOCHS, AIM = 20, 15.0
ROWS = {"mini": 1024, "minilm": 320}
QUICK_ROWS = {"mini": 128, "minilm": 32}
CACHED, AGAIN, TRAINER = "features cached", "frozen encoder, this loop", "frozen encoder, Trainer default"


def measure(encoder: Encoder, rounds: int, quick: bool) -> None:
    where = machine()
    n_rows = (QUICK_ROWS if quick else ROWS)[encoder.name]
    task = sentence_task().with_train_rows(n_rows)
    tokenizer, original = load_tokenizer(encoder.folder), load_model(encoder.folder, task)
    data = encode(task, tokenizer)["train"]
    texts, labels = list(task.rows["train"][task.text]), list(task.rows["train"][task.label])
    config = TrainConfig(epochs=EPOCHS, batch_size=32, learning_rate=1e-3)

    def cached() -> float:
        model, started = copy.deepcopy(original), perf_counter()
        head, features = cache_features(model, data)
        train(head, features, config, progress=False)
        return perf_counter() - started

    def again() -> float:
        model, started = copy.deepcopy(original), perf_counter()
        train_only_head(model)
        train(model, data, config, progress=False)
        return perf_counter() - started

    def trainer() -> float:
        model = copy.deepcopy(original)
        train_only_head(model)
        job = Job(texts, labels, tokenizer, model, epochs=EPOCHS, learning_rate=1e-3)
        return trainer_default(job).training

    trainer_default(Job(texts[:32], labels[:32], tokenizer, copy.deepcopy(original)))  # imports
    contenders: dict[str, Callable[[], float]] = {CACHED: cached, AGAIN: again, TRAINER: trainer}
    seconds = interleave(contenders, rounds)
    ratios = {name: Ratio.of(times, seconds[CACHED]) for name, times in seconds.items()}
    rows = [
        [name, f"{statistics.median(times):.2f}", "1" if name == CACHED else ratios[name],
         "" if name == CACHED else target(ratios[name].median, AIM)]
        for name, times in seconds.items()
    ]  # fmt: skip
    facts = (
        f"{n_rows:,} {describe_sentences()}, {EPOCHS} epochs, batches of 32. Medians of {rounds} "
        f"interleaved rounds. Without a cache the encoder runs {EPOCHS} times, with it once: "
        f"on equal batches the ratio stays below {EPOCHS}."
    )
    figures = {"seconds": seconds, "ratio": {name: ratio.median for name, ratio in ratios.items()}}
    report(
        f"frozen_features-{encoder.name}", f"Frozen encoder, {EPOCHS} epochs, {encoder.name}",
        f"{table(['', 'seconds', 'cached is faster ×', 'target'], rows)}\n\n{facts}", figures,
        where=where, quick=quick,
    )  # fmt: skip


if __name__ == "__main__":
    run_rounds(__doc__, measure, rounds=3, quick_rounds=1)
