"""Training on a GPU: useful tokens a second, peak memory, and the share of the chip's arithmetic, against `Trainer`.

    python -m benchmarks.gpu [--rounds 3] [--quick]

Two encoders with random weights, which learn as fast as trained ones: BERT's base size (12 layers of 768) and
MiniLM's (6 of 384). Two kinds of rows of random tokens: short ones, whose lengths scatter as those of SST-2's
sentences do, and long ones of 256 tokens each. fp32, and bf16 where the GPU computes in it. Both sides get the same
rows, weights, batch size of 32, peak rate and linear decay; `Trainer` pads each batch to its longest row, as the
course does. Without a GPU it says so and measures nothing.

Share of the peak = floating-point operations done, padding included and counted as at the top of `peak.py`, / seconds
of the whole run / the best rate of torch.mm on large squares in the same 16 bits (fp32: in fp32). The last columns say
whether `TrainConfig(compile=True)` pays: milliseconds of a median step without and with it, and what it costs once.
"""

from __future__ import annotations

import copy
import statistics
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from time import perf_counter
from typing import Any

import numpy as np
import torch

from course_utils import EncodedRows, TrainConfig, train, training_steps
from course_utils.training import plan_steps

from .common import Ratio, interleave, machine, options, quiet, report, table
from .peak import step_operations

BATCH_SIZE, RATE, VOCABULARY = 32, 5e-5, 30_522
SIZES = {
    "BERT-base": {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072},
    "MiniLM": {"hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536},
}  # fmt: skip
STEPS = {"short": 300, "long": 60}
QUICK_STEPS = 6
SQUARES = (4096, 8192)
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


@dataclass(frozen=True)
class Run:
    seconds: float
    gigabytes: float  # the most that tensors held


def new_model(size: str) -> Any:
    from transformers import BertConfig, BertForSequenceClassification

    torch.manual_seed(0)
    return BertForSequenceClassification(BertConfig(vocab_size=VOCABULARY, num_labels=2, **SIZES[size]))


def new_rows(kind: str, steps: int) -> EncodedRows:
    """Random tokens. The lengths of "short" rows: log-normal around 10, 3 to 66, as SST-2's with its special tokens."""
    random, n = np.random.default_rng(0), steps * BATCH_SIZE
    lengths = np.full(n, 256) if kind == "long" else random.lognormal(np.log(10), 0.65, n).round().clip(3, 66)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    ids = random.integers(1000, VOCABULARY, size=offsets[-1])
    return EncodedRows(ids, offsets, random.integers(0, 2, size=n))


def ours(model: Any, rows: EncodedRows, precision: str) -> None:
    config = TrainConfig(
        epochs=1,
        batch_size=BATCH_SIZE,
        learning_rate=RATE,
        warmup_steps=0,
        weight_decay=0.0,
        precision=precision,
    )
    train(model, rows, config, progress=False)


def trainer(model: Any, rows: EncodedRows, precision: str) -> None:
    from transformers import PrinterCallback, Trainer, TrainingArguments

    singles = [{name: each[0] for name, each in rows.batch(np.array([i])).items()} for i in range(len(rows))]

    def padded(batch: list[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
        columns = {name: [row[name] for row in batch] for name in batch[0]}
        labels = torch.stack(columns.pop("labels"))
        pad = partial(torch.nn.utils.rnn.pad_sequence, batch_first=True)
        return {name: pad(each) for name, each in columns.items()} | {"labels": labels}

    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder, num_train_epochs=1, per_device_train_batch_size=BATCH_SIZE, learning_rate=RATE,
            bf16=precision == "bf16", save_strategy="no", logging_strategy="no", report_to=[], disable_tqdm=True,
        )  # fmt: skip
        run = Trainer(model=model, args=arguments, train_dataset=singles, data_collator=padded)
        run.remove_callback(PrinterCallback)
        run.train()


CONTENDERS: dict[str, Callable[[Any, EncodedRows, str], None]] = {"this course": ours, "Trainer": trainer}


def timed(
    contender: Callable[[Any, EncodedRows, str], None], model: Any, rows: EncodedRows, precision: str
) -> Run:
    model = copy.deepcopy(model).cuda()  # the way to the GPU is no part of training
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    torch.cuda.synchronize()
    began = perf_counter()
    contender(model, rows, precision)
    torch.cuda.synchronize()
    return Run(perf_counter() - began, torch.cuda.max_memory_allocated() / 2**30)


def step_seconds(model: Any, rows: EncodedRows, precision: str, compiled: bool) -> list[float]:
    """Of each step. The first one of a compiled run holds the compiling."""
    config = TrainConfig(
        epochs=1, batch_size=BATCH_SIZE, learning_rate=RATE, precision=precision, compile=compiled
    )
    return [record.seconds for record in training_steps(copy.deepcopy(model).cuda(), rows, config)]


@lru_cache
def peak_rate(dtype: torch.dtype) -> float:
    """Best operations per second of torch.mm on large squares: ten products between two looks at the clock."""
    best = 0.0
    for n in SQUARES:
        a, b = (torch.randn(n, n, device="cuda", dtype=dtype) for _ in range(2))
        for _ in range(5):
            torch.cuda.synchronize()
            began = perf_counter()
            for _ in range(10):
                torch.mm(a, b)
            torch.cuda.synchronize()
            best = max(best, 10 * 2 * n**3 / (perf_counter() - began))
    return best


def operations(model: Any, rows: EncodedRows) -> float:
    """Done by the course in one epoch, padding included."""
    config = TrainConfig(epochs=1, batch_size=BATCH_SIZE)
    plan = ((rows.lengths[i] for i in batches) for _, batches, _ in plan_steps(rows.lengths, config))
    return sum(step_operations(model, lengths, int(lengths.max()))[1] for step in plan for lengths in step)


def measure(rounds: int, quick: bool) -> None:
    where = machine()
    precisions = [
        name for name in DTYPES if name != "bf16" or torch.cuda.is_bf16_supported(including_emulation=False)
    ]
    taken = dict.fromkeys(STEPS, QUICK_STEPS) if quick else STEPS
    lines, figures = [], {}
    for size in SIZES:
        model = new_model(size)
        for kind in STEPS:
            rows = new_rows(kind, taken[kind])
            for precision in precisions:
                for contender in CONTENDERS.values():  # imports, kernels chosen, memory set aside
                    timed(contender, model, new_rows(kind, 3), precision)
                contenders = {
                    name: partial(timed, contender, model, rows, precision)
                    for name, contender in CONTENDERS.items()
                }
                runs = interleave(contenders, rounds)
                ratio = Ratio.of(
                    (r.seconds for r in runs["Trainer"]), (r.seconds for r in runs["this course"])
                )
                tokens, done = int(rows.lengths.sum()), operations(model, rows)
                seconds, theirs = (statistics.median(r.seconds for r in each) for each in runs.values())
                share = done / seconds / peak_rate(DTYPES[precision])
                memory = [max(r.gigabytes for r in each) for each in runs.values()]
                steps = {
                    compiled: step_seconds(model, rows, precision, compiled) for compiled in (False, True)
                }
                plain, compiled = (1000 * statistics.median(each[3:]) for each in steps.values())
                lines.append(
                    [f"{size}, {kind}, {precision}", f"{tokens / seconds:,.0f}", f"{tokens / theirs:,.0f}", ratio,
                     f"{memory[0]:.2f}", f"{memory[1]:.2f}", f"{share:.2f}", f"{plain:.1f}", f"{compiled:.1f}",
                     f"{steps[True][0]:.0f}"]
                )  # fmt: skip
                figures[f"{size}, {kind}, {precision}"] = {
                    "useful_tokens": tokens, "operations": done, "share_of_peak": share, "gigabytes": memory,
                    "seconds": {name: [r.seconds for r in each] for name, each in runs.items()},
                    "step_seconds": steps[False], "step_seconds_compiled": steps[True],
                }  # fmt: skip
    peaks = {name: peak_rate(DTYPES[name]) for name in precisions}
    facts = (
        f"{torch.cuda.get_device_name()}. One epoch in batches of {BATCH_SIZE}, {taken['short']} steps of short rows, "
        f"{taken['long']} of long ones, set-up included; medians of {rounds} interleaved rounds, in brackets the lowest "
        "and highest ratio. torch.mm: "
        + ", ".join(f"{rate / 1e12:.0f} TFLOP/s in {name}" for name, rate in peaks.items())
        + "."
    )
    columns = [
        "",
        "useful tokens/s",
        "Trainer's",
        "course is faster ×",
        "peak GB",
        "Trainer's",
        "share of the peak",
        "ms a step",
        "compiled",
        "compiling, s",
    ]
    report(
        "gpu", "Training on a GPU", f"{table(columns, lines)}\n\n{facts}", figures | {"peaks": peaks}, where=where,
        quick=quick,
    )  # fmt: skip


def main() -> None:
    parser = options(__doc__, encoders=False)
    parser.add_argument("--rounds", type=int, default=None, help="3, or 1 when quick")
    chosen = parser.parse_args()
    if not torch.cuda.is_available():
        print("There is no CUDA GPU here, so nothing was measured.")
        return
    quiet()
    measure(chosen.rounds or (1 if chosen.quick else 3), chosen.quick)


if __name__ == "__main__":
    main()
