"""How much of this machine's arithmetic a training step uses.

    python -m benchmarks.peak [--encoder mini|minilm] [--rounds 3] [--quick]

fraction = floating-point operations of a step / its seconds / the best rate of torch.mm here, float32, same
threads. Definitions, so that nobody reads more into it:

- A step is the loop's own `Record.seconds`: making the batch, forward, loss, backward, clipping, AdamW.
- Operations: 6 per matrix weight and token in the layers (2 forward, 4 backward), 6 per weight and *row* in
  the head, which sees one vector a row, and 12 · time² · hidden per row and layer for attention. Look-ups of
  embeddings, norms, activations, softmax and the optimizer count as nothing, though they take time.
- "useful" counts real tokens, "done" also the padding that a batch carries.
- The peak is the best of several square products, measured between the rounds. Beside it stands what torch.mm
  reaches on the model's own, smaller shapes: no loop can use more than that.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from functools import lru_cache
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch import nn

from course_utils import EncodedRows, TrainConfig, encode, load_model, load_tokenizer, training_steps
from course_utils.models import layers_of
from course_utils.training import plan_steps

from .common import (
    Encoder,
    describe_sentences,
    machine,
    report,
    run_rounds,
    sentence_task,
    table,
    target,
)

AIMS = {"mini": 0.55, "minilm": 0.65}
STEPS = {"mini": 60, "minilm": 20}
BATCHES = {"batches of 32 rows": {"batch_size": 32}, "batches of 4,096 tokens": {"token_budget": 4096}}
SQUARES = (256, 512, 1024, 2048)


def matrices(model: nn.Module) -> tuple[list[nn.Linear], list[nn.Linear]]:
    """Those applied to every token, and those applied once a row."""
    per_token = [module for module in layers_of(model).modules() if isinstance(module, nn.Linear)]
    known = set(map(id, per_token))
    return per_token, [m for m in model.modules() if isinstance(m, nn.Linear) and id(m) not in known]


def step_operations(model: Any, lengths: np.ndarray, width: int) -> tuple[float, float]:
    """(useful, done) for one batch of rows with these lengths, padded to `width`."""
    per_token, per_row = (sum(m.weight.numel() for m in found) for found in matrices(model))
    attention = 12 * model.config.hidden_size * len(layers_of(model))
    head = 6 * per_row * len(lengths)
    useful = 6 * per_token * lengths.sum() + attention * (lengths.astype(float) ** 2).sum() + head
    done = 6 * per_token * len(lengths) * width + attention * len(lengths) * float(width) ** 2 + head
    return float(useful), float(done)


@lru_cache  # a shape occurs once a layer
def rate_of_product(rows: int, inner: int, columns: int, seconds: float = 0.05, again: int = 0) -> float:
    """Best operations per second of float32 torch.mm, (rows, inner) @ (inner, columns). `again`: anew."""
    a, b, out = torch.randn(rows, inner), torch.randn(inner, columns), torch.empty(rows, columns)
    best, until = float("inf"), perf_counter() + seconds
    while perf_counter() < until:
        started = perf_counter()
        torch.mm(a, b, out=out)
        best = min(best, perf_counter() - started)
    return 2 * rows * inner * columns / best


def rate_of_shapes(model: nn.Module, tokens: int) -> float:
    """The same over all products of a step, forward and backward, at this number of tokens."""
    operations = seconds = 0.0
    for matrix in matrices(model)[0]:
        out, inner = matrix.weight.shape
        for shape in ((tokens, inner, out), (tokens, out, inner), (out, tokens, inner)):
            operations += 2 * tokens * inner * out
            seconds += 2 * tokens * inner * out / rate_of_product(*shape)
    return operations / seconds


def step_rates(model: Any, data: EncodedRows, config: TrainConfig) -> Iterator[tuple[float, float, float]]:
    """(useful, done) operations per second, and milliseconds, of each step after the first five."""
    plan = plan_steps(data.lengths, config)
    records = training_steps(model, data, config)
    for record, (_, (indices,), _) in zip(records, plan, strict=True):
        lengths = data.lengths[indices]
        useful, done = step_operations(model, lengths, int(lengths.max()))
        if record.step > 5:
            yield useful / record.seconds, done / record.seconds, 1000 * record.seconds


def measure(encoder: Encoder, rounds: int, quick: bool) -> None:
    where = machine()
    task, tokenizer = sentence_task(), load_tokenizer(encoder.folder)
    data = encode(task, tokenizer)["train"]
    model = load_model(encoder.folder, task)
    steps = 10 if quick else STEPS[encoder.name]

    peaks: list[float] = []
    rates: dict[str, list[tuple[float, float, float]]] = {name: [] for name in BATCHES}
    for seed in range(rounds):
        peaks.append(max(rate_of_product(n, n, n, seconds=0.3, again=seed) for n in SQUARES))
        for name, size in BATCHES.items():
            config = TrainConfig(max_steps=steps, learning_rate=1e-5, warmup_steps=0, seed=seed, **size)
            rates[name] += step_rates(model, data, config)
    peak = max(peaks)
    mean_length = float(data.lengths.mean())
    tokens = {"batches of 32 rows": round(32 * mean_length), "batches of 4,096 tokens": 4096}

    aim, rows = AIMS[encoder.name], []
    figures: dict[str, Any] = {"peak": peak, "peak_by_round": peaks, "target": aim}
    for name, found in rates.items():
        useful, done, milliseconds = (statistics.median(values) for values in zip(*found, strict=True))
        ceiling = rate_of_shapes(model, tokens[name]) / peak
        rows.append(
            [name, f"{milliseconds:.1f}", f"{useful / peak:.2f}", f"{done / peak:.2f}", f"{ceiling:.2f}",
             target(done / peak, aim)]
        )  # fmt: skip
        figures[name] = {
            "useful_fraction": useful / peak, "done_fraction": done / peak, "own_shapes_fraction": ceiling,
            "milliseconds": milliseconds,
        }  # fmt: skip
    facts = (
        f"Peak: {peak / 1e9:.0f} GFLOP/s with {torch.get_num_threads()} threads. {describe_sentences()}, "
        f"{mean_length:.1f} tokens a row; medians over {rounds} × {steps - 5} steps. The target "
        "is held against the operations done; how all is counted stands at the top of `benchmarks/peak.py`."
    )
    columns = ["", "ms a step", "useful / peak", "done / peak", "torch.mm on these shapes / peak", "target"]
    report(
        f"peak-{encoder.name}", f"Share of the measured matrix-product peak, {encoder.name}",
        f"{table(columns, rows)}\n\n{facts}", figures, where=where, quick=quick,
    )  # fmt: skip


if __name__ == "__main__":
    run_rounds(__doc__, measure, rounds=3, quick_rounds=1)
