"""Labels for many texts: `predict_labels`, which sorts by length, against transformers' `pipeline`.

    python -m benchmarks.prediction [--encoder mini|minilm] [--rounds 5] [--quick]

`pipeline` runs one by one, its default, and for comparison in batches of 32. All must name the same labels.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from time import perf_counter

from course_utils import CourseError, load_model, load_tokenizer, predict_labels

from .common import (
    Encoder,
    Ratio,
    describe_sentences,
    interleave,
    machine,
    report,
    run_rounds,
    sentence_task,
    sentences,
    table,
    target,
)

AIMS = {"mini": 4.0, "minilm": 2.0}
ROWS = {"mini": 2000, "minilm": 800}
QUICK_ROWS = {"mini": 400, "minilm": 160}
OURS, ONE_BY_ONE, BATCHED = "predict_labels", "pipeline, one by one", "pipeline, batches of 32"


def measure(encoder: Encoder, rounds: int, quick: bool) -> None:
    from transformers import pipeline

    where = machine()
    texts, _ = sentences((QUICK_ROWS if quick else ROWS)[encoder.name])
    tokenizer, model = load_tokenizer(encoder.folder), load_model(encoder.folder, sentence_task())
    model.eval()
    pipe = pipeline("text-classification", model=model, tokenizer=tokenizer, device="cpu")

    def timed(labels_of: Callable[[list[str]], list[str]]) -> Callable[[], tuple[float, list[str]]]:
        def run() -> tuple[float, list[str]]:
            started = perf_counter()
            labels = labels_of(texts)
            return perf_counter() - started, labels

        return run

    contenders = {
        OURS: timed(lambda texts: list(predict_labels(model, tokenizer, texts)["label"])),
        ONE_BY_ONE: timed(lambda texts: [found["label"] for found in pipe(texts)]),
        BATCHED: timed(lambda texts: [found["label"] for found in pipe(texts, batch_size=32)]),
    }
    interleave(contenders, 1)  # warm-up
    runs = interleave(contenders, rounds)
    agreement = _agreement({name: found[0][1] for name, found in runs.items()})

    seconds = {name: [each for each, _ in found] for name, found in runs.items()}
    ratios = {name: Ratio.of(times, seconds[OURS]) for name, times in seconds.items()}
    aim = AIMS[encoder.name]
    rows = [
        [name, f"{len(texts) / statistics.median(times):,.0f}", "1" if name == OURS else ratios[name],
         target(ratios[name].median, aim) if name == ONE_BY_ONE else ""]
        for name, times in seconds.items()
    ]  # fmt: skip
    facts = (
        f"{len(texts):,} {describe_sentences()}, tokenisation included. The labels agree for "
        f"{agreement:.2%}. Medians of {rounds} interleaved rounds; in brackets the lowest and highest ratio."
    )
    figures = {
        "seconds": seconds,
        "ratio": {name: ratio.median for name, ratio in ratios.items()},
        "target": aim,
        "agreement": agreement,
    }
    report(
        f"prediction-{encoder.name}", f"Prediction, {encoder.name}",
        f"{table(['', 'texts/s', 'course is faster ×', 'target'], rows)}\n\n{facts}", figures,
        where=where, quick=quick,
    )  # fmt: skip


def _agreement(labels: dict[str, list[str]]) -> float:
    """Share of texts on which all agree. An untrained head can waver at .5 by rounding; more is a bug."""
    columns = list(zip(*labels.values(), strict=True))
    share = sum(len(set(column)) == 1 for column in columns) / len(columns)
    if share < 0.99:
        raise CourseError(f"The contenders agree on only {share:.1%} of the labels: the comparison is void.")
    return share


if __name__ == "__main__":
    run_rounds(__doc__, measure, rounds=5, quick_rounds=2)
