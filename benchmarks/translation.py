"""How well does the mini world's translator get in three minutes? BLEU on structures that no pair has shown.

    python -m benchmarks.translation [--quick]

The shipped denoiser, fine-tuned on 16,384 pairs; and the same network from random weights, on the same pairs, for as
many steps. What is scored: known words in held-out structures (another tense, a negation, a plural).
"""

from __future__ import annotations

from time import perf_counter

from course_utils import TrainConfig, load_model, train
from course_utils.experiments import lesson_12 as lab

from .common import machine, options, quiet, report, table, target

PAIRS, STEPS, TOKENS, RATE = 16_384, 600, 1_024, 2e-3
LEAST, SECONDS = 90, 180


def measure(quick: bool) -> None:
    where = machine()
    task, data = lab.translation_task(1_024 if quick else PAIRS)
    rows, figures = [], {}
    for name, from_scratch in (("pre-trained denoiser", False), ("from scratch", True)):
        model = load_model(lab.DENOISER, task, from_scratch=from_scratch)
        config = TrainConfig(
            max_steps=40 if quick else STEPS, token_budget=TOKENS, learning_rate=RATE, warmup_steps=20 if quick else 100,
            weight_decay=0.01, betas=(0.9, 0.98),
        )  # fmt: skip
        began = perf_counter()
        train(model, data["train"], config, progress=False)
        seconds = perf_counter() - began
        scores = {split: lab.bleu(model, task, data[split]) for split in lab.SPLITS}
        reached = target(scores["compositions"], LEAST) + f" in {seconds:.0f} s of at most {SECONDS}"
        shown = [f"{scores[split]:.1f}" for split in lab.SPLITS]
        rows.append([name, f"{seconds:.0f}", *shown, "" if from_scratch else reached])
        figures[name] = {"seconds": seconds, "bleu": scores}
    columns = ["", "seconds", *(f"BLEU, {split}" for split in lab.SPLITS), "target (compositions)"]
    facts = f"{len(data['train']):,} pairs, {config.max_steps:,} steps of {TOKENS:,} source tokens, greedy search."
    text = f"{table(columns, rows)}\n\n{facts}"
    report("translation", "Translation in three minutes", text, figures, where=where, quick=quick)


def main() -> None:
    chosen = options(__doc__, encoders=False).parse_args()
    quiet()
    measure(chosen.quick)


if __name__ == "__main__":
    main()
