"""Pre-training speed: useful tokens a second of masked language modelling, against `Trainer` with its own collator.

python -m benchmarks.pretraining [--rounds 5] [--quick]

The same untrained encoder, documents of the mini world, batch size, masked share (15 %) and number of steps; once
with the tokens of the world, once with BERT's 30,522, most of which the text never uses: what they cost is the
output layer. The course computes logits only where a token was hidden, and batches documents of like length.
"""

from __future__ import annotations

import copy
import statistics
import tempfile
from itertools import islice
from time import perf_counter
from typing import Any

from course_utils import TrainConfig, load_tokenizer, train
from course_utils.pretraining import EncoderRecipe, MaskedRows, encode_documents, new_encoder
from course_utils.world.corpus import documents

from .common import Ratio, interleave, machine, options, quiet, report, table, target

DOCUMENTS, QUICK_DOCUMENTS = 1024, 160
BATCH_SIZE, RATE, MASKED = 32, 5e-4, 0.15
AIMS = {"the world's vocabulary": 1.2, "30k vocabulary": 1.8}


def _course(model: Any, rows: Any, tokenizer: Any) -> float:
    model, began = copy.deepcopy(model), perf_counter()
    data = MaskedRows(rows, tokenizer, mask_frequent=MASKED, mask_other=MASKED)
    config = TrainConfig(epochs=1, batch_size=BATCH_SIZE, learning_rate=RATE, warmup_steps=0, weight_decay=0.0)
    train(model, data, config, loss="masked_lm", progress=False)
    return perf_counter() - began


def _trainer(model: Any, rows: Any, tokenizer: Any) -> float:
    from datasets import Dataset
    from transformers import DataCollatorForLanguageModeling, PrinterCallback, Trainer, TrainingArguments

    model = copy.deepcopy(model)
    texts = [rows.input_ids[a:b].tolist() for a, b in zip(rows.offsets, rows.offsets[1:], strict=False)]
    data = Dataset.from_dict({"input_ids": texts})
    began = perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder, num_train_epochs=1, per_device_train_batch_size=BATCH_SIZE, learning_rate=RATE,
            use_cpu=True, save_strategy="no", logging_strategy="no", disable_tqdm=True,
        )  # fmt: skip
        collator = DataCollatorForLanguageModeling(tokenizer, mlm_probability=MASKED)
        trainer = Trainer(model=model, args=arguments, train_dataset=data, data_collator=collator)
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    return perf_counter() - began


def measure(rounds: int, quick: bool) -> None:
    where = machine()
    tokenizer = load_tokenizer("mini-encoder")
    n_documents = QUICK_DOCUMENTS if quick else DOCUMENTS
    rows, _ = encode_documents(islice(documents(11), n_documents), tokenizer, tokens=1)
    useful = int(rows.lengths.sum())
    lines, figures = [], {}
    for name, aim in AIMS.items():
        model: Any = new_encoder(EncoderRecipe(), tokenizer)
        if name == "30k vocabulary":
            model.resize_token_embeddings(30_522, mean_resizing=False)
        few = rows.select(range(2 * BATCH_SIZE))
        for contender in (_course, _trainer):  # imports, and the first touch of everything
            contender(model, few, tokenizer)
        contenders = {"course": _course, "Trainer": _trainer}
        runs = interleave(
            {
                who: (lambda run=run, model=model: run(model, rows, tokenizer))
                for who, run in contenders.items()
            },
            rounds,
        )
        ratio = Ratio.of(runs["Trainer"], runs["course"])
        speeds = {who: statistics.median(useful / seconds for seconds in of) for who, of in runs.items()}
        lines.append(
            [name, f"{speeds['course']:,.0f}", f"{speeds['Trainer']:,.0f}", ratio, target(ratio.median, aim)]
        )
        figures[name] = {"seconds": runs, "ratio": ratio.median, "target": aim}
    columns = ["", "course, useful tokens/s", "Trainer", "course is faster ×", "target"]
    facts = (
        f"{n_documents:,} documents, {useful:,} tokens, one epoch, batches of {BATCH_SIZE}. Medians of {rounds} "
        "interleaved rounds; in brackets the lowest and highest ratio."
    )
    report(
        "pretraining", "Pre-training speed, masked language modelling", f"{table(columns, lines)}\n\n{facts}",
        figures, where=where, quick=quick,
    )  # fmt: skip


def main() -> None:
    parser = options(__doc__, encoders=False)
    parser.add_argument("--rounds", type=int, default=None, help="5, or 2 when quick")
    chosen = parser.parse_args()
    quiet()
    measure(chosen.rounds or (2 if chosen.quick else 5), chosen.quick)


if __name__ == "__main__":
    main()
