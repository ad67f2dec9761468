"""The contenders of a training run, from texts to a model: the course, and four ways people usually train.

All get the same texts, the same number of epochs, batch size, peak learning rate and linear decay without
warm-up. Beyond that each does what it does by default, written as its own documentation writes it. What only
costs time (bars, logs, checkpoints on disk) is switched off for the peers.
"""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
import torch

from course_utils import EncodedRows, Task, TrainConfig, encode, train


@dataclass(frozen=True)
class Job:
    """One run. `model` is trained in place."""

    texts: list[str]
    labels: list[int]
    tokenizer: Any
    model: Any
    epochs: int = 1
    batch_size: int = 32
    learning_rate: float = 5e-5
    max_length: int = 128
    seed: int = 0

    def with_copy(self) -> Job:
        return Job(**{**vars(self), "model": copy.deepcopy(self.model)})


@dataclass(frozen=True)
class Seconds:
    """`encoding`: from texts to token ids. `training`: from there to the trained model, set-up included."""

    encoding: float
    training: float

    @property
    def total(self) -> float:
        return self.encoding + self.training


class Clock:
    """Started when made; `encoded()` after tokenisation, `trained()` at the end."""

    def __init__(self) -> None:
        self.began = self.encoded_at = perf_counter()

    def encoded(self) -> None:
        self.encoded_at = perf_counter()

    def trained(self) -> Seconds:
        return Seconds(self.encoded_at - self.began, perf_counter() - self.encoded_at)


def ours(job: Job) -> Seconds:
    from datasets import Dataset, DatasetDict

    clock = Clock()
    rows = DatasetDict(train=Dataset.from_dict({"sentence": job.texts, "label": job.labels}))
    task = Task("benchmark", "classification", rows, "sentence", "label", ("negative", "positive"))
    data = encode(task, job.tokenizer, max_length=job.max_length)["train"]
    clock.encoded()
    config = TrainConfig(
        epochs=job.epochs, batch_size=job.batch_size, learning_rate=job.learning_rate,
        warmup_steps=0, weight_decay=0.0, seed=job.seed,
    )  # fmt: skip
    train(job.model, data, config, progress=False)
    return clock.trained()


def trainer_default(job: Job) -> Seconds:
    return _trainer(job)


def trainer_by_length(job: Job) -> Seconds:
    return _trainer(job, train_sampling_strategy="group_by_length")


def _trainer(job: Job, **settings: Any) -> Seconds:
    from transformers import DataCollatorWithPadding

    clock = Clock()
    rows = _mapped(job)
    clock.encoded()
    _run_trainer(
        job.model, rows, DataCollatorWithPadding(job.tokenizer), processing_class=job.tokenizer, epochs=job.epochs,
        batch_size=job.batch_size, learning_rate=job.learning_rate, seed=job.seed, **settings,
    )  # fmt: skip
    return clock.trained()


def trainer_on_rows(
    model: Any, data: EncodedRows, *, epochs: int, batch_size: int, learning_rate: float, seed: int
) -> None:
    """`Trainer` on rows that are encoded already: labels of texts, of tokens, or an answer's first and last token."""
    from transformers import DataCollatorForTokenClassification, DataCollatorWithPadding

    rows = [_as_row(data, i) for i in range(len(data))]
    collator = DataCollatorForTokenClassification if data.labels_per_token else DataCollatorWithPadding
    _run_trainer(
        model, rows, collator(data.tokenizer), epochs=epochs, batch_size=batch_size,
        learning_rate=learning_rate, seed=seed,
    )  # fmt: skip


def _as_row(data: EncodedRows, i: int) -> dict[str, Any]:
    """One row without padding, named as models of `transformers` name their inputs."""
    row = {name: values[0].tolist() for name, values in data.batch(np.array([i])).items()}
    if data.kind == "answers":
        row["start_positions"], row["end_positions"] = row.pop("labels")
    return row


def _run_trainer(
    model: Any, rows: Any, collator: Any, *, epochs: int, batch_size: int, learning_rate: float, seed: int,
    processing_class: Any = None, **settings: Any,
) -> None:  # fmt: skip
    from transformers import PrinterCallback, Trainer, TrainingArguments

    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder, num_train_epochs=epochs, per_device_train_batch_size=batch_size,
            learning_rate=learning_rate, seed=seed, use_cpu=True,
            save_strategy="no", logging_strategy="no", disable_tqdm=True, **settings,
        )  # fmt: skip
        trainer = Trainer(
            model=model, args=arguments, train_dataset=rows, processing_class=processing_class, data_collator=collator
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()


def lightning(job: Job) -> Seconds:
    from lightning import pytorch as pl
    from transformers import get_linear_schedule_with_warmup

    class Classifier(pl.LightningModule):
        def __init__(self, model: Any) -> None:
            super().__init__()
            self.model = model

        def training_step(self, batch: Any, batch_idx: int) -> torch.Tensor:
            return self.model(**batch).loss

        def configure_optimizers(self) -> Any:
            optimizer = torch.optim.AdamW(self.parameters(), lr=job.learning_rate)
            schedule = get_linear_schedule_with_warmup(optimizer, 0, self.trainer.estimated_stepping_batches)
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    clock = Clock()
    rows = _mapped(job)
    clock.encoded()
    torch.manual_seed(job.seed)
    trainer = pl.Trainer(
        max_epochs=job.epochs, accelerator="cpu", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    job.model.train()
    trainer.fit(Classifier(job.model), _random_batches(job, rows))
    return clock.trained()


def tutorial_loop(job: Job) -> Seconds:
    """What the Hugging Face course teaches as "a full training loop", with accelerate."""
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState
    from transformers import get_scheduler

    clock = Clock()
    rows = _mapped(job)
    clock.encoded()
    torch.manual_seed(job.seed)
    AcceleratorState._reset_state()  # another contender may have opened one in this process
    accelerator = Accelerator(cpu=True)
    optimizer = torch.optim.AdamW(job.model.parameters(), lr=job.learning_rate)
    batches, model, optimizer = accelerator.prepare(_random_batches(job, rows), job.model, optimizer)
    steps = job.epochs * len(batches)
    schedule = get_scheduler("linear", optimizer=optimizer, num_warmup_steps=0, num_training_steps=steps)
    model.train()
    for _ in range(job.epochs):
        for batch in batches:
            loss = model(**batch).loss
            accelerator.backward(loss)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
    return clock.trained()


def _mapped(job: Job) -> Any:
    """Texts → token ids the usual way: `Dataset.map`, a thousand rows a call."""
    from datasets import Dataset

    def tokenize(rows: dict[str, list]) -> Any:
        return job.tokenizer(rows["sentence"], truncation=True, max_length=job.max_length)

    rows = Dataset.from_dict({"sentence": job.texts, "labels": job.labels})
    return rows.map(tokenize, batched=True, remove_columns=["sentence"])


def _random_batches(job: Job, rows: Any) -> Any:
    from torch.utils.data import DataLoader
    from transformers import DataCollatorWithPadding

    collator = DataCollatorWithPadding(job.tokenizer)
    return DataLoader(rows.with_format("torch"), shuffle=True, batch_size=job.batch_size, collate_fn=collator)


Contender = Callable[[Job], Seconds]

OURS = "this course"
PEERS: dict[str, tuple[Contender, float]] = {  # and by what factor the course is to be faster
    "Trainer, default": (trainer_default, 2.1),
    "Trainer, grouped by length": (trainer_by_length, 1.15),
    "Lightning": (lightning, 2.3),
    "accelerate tutorial loop": (tutorial_loop, 2.3),
}
