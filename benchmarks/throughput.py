"""Training speed: useful tokens (padding not counted) per second, and the whole way from texts to a model.

python -m benchmarks.throughput [--encoder mini|minilm] [--rounds 5] [--quick]
"""

from __future__ import annotations

import statistics
from functools import partial

from course_utils import load_model, load_tokenizer

from .common import (
    Encoder,
    Ratio,
    describe_sentences,
    interleave,
    machine,
    padded_share,
    report,
    run_rounds,
    sentence_task,
    sentences,
    table,
    target,
    token_lengths,
)
from .peers import OURS, PEERS, Contender, Job, Seconds, ours

ROWS = {"mini": 4000, "minilm": 1600}  # one epoch each; MiniLM has 13 times the matrices
QUICK_ROWS = {"mini": 320, "minilm": 96}


def _run(contender: Contender, job: Job) -> Seconds:
    return contender(job.with_copy())


def measure(encoder: Encoder, rounds: int, quick: bool) -> None:
    where = machine()
    texts, labels = sentences((QUICK_ROWS if quick else ROWS)[encoder.name])
    job = Job(
        texts, labels, load_tokenizer(encoder.folder), load_model(encoder.folder, sentence_task()),
        max_length=128,
    )  # fmt: skip
    contenders = {OURS: ours} | {name: peer for name, (peer, _) in PEERS.items()}
    warm_up = Job(**{**vars(job), "texts": texts[:64], "labels": labels[:64]})
    for contender in contenders.values():  # imports, and the first touch of everything
        contender(warm_up.with_copy())
    runs = interleave(
        {name: partial(_run, contender, job) for name, contender in contenders.items()},
        rounds,
    )

    lengths = token_lengths(encoder.folder, texts)
    rows, figures = [], {}
    for name, seconds in runs.items():
        rates = [sum(lengths) / each.training for each in seconds]
        end_to_end = statistics.median(each.total for each in seconds)
        training = Ratio.of((s.training for s in seconds), (s.training for s in runs[OURS]))
        whole = Ratio.of((s.total for s in seconds), (s.total for s in runs[OURS]))
        aim = PEERS[name][1] if name in PEERS else None
        rows.append(
            [name, f"{statistics.median(rates):,.0f}", "1" if aim is None else training, f"{end_to_end:.2f}",
             "1" if aim is None else whole, "" if aim is None else target(training.median, aim)]
        )  # fmt: skip
        figures[name] = {
            "useful_tokens_per_second": rates,
            "encoding_seconds": [each.encoding for each in seconds],
            "training_seconds": [each.training for each in seconds],
            "training_ratio": training.median,
            "end_to_end_ratio": whole.median,
            "target": aim,
        }
    columns = [
        "",
        "useful tokens/s",
        "course is faster ×",
        "texts → model, s",
        "course is faster ×",
        "target",
    ]
    facts = (
        f"{describe_sentences()}, {len(texts):,} of them, one epoch, batches of {job.batch_size}; "
        f"{sum(lengths) / len(lengths):.1f} tokens a row; padding in random batches "
        f"{padded_share(lengths, job.batch_size):.0%}. Medians of {rounds} interleaved rounds; "
        "in brackets the lowest and highest ratio."
    )
    report(
        f"throughput-{encoder.name}", f"Training speed, {encoder.name}",
        f"{table(columns, rows)}\n\n{facts}", figures, where=where, quick=quick,
    )  # fmt: skip


if __name__ == "__main__":
    run_rounds(__doc__, measure, rounds=5, quick_rounds=2)
