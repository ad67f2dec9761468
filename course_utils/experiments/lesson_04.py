"""Claims of lesson 04: what a distilled student keeps, and how good the estimates of memory are."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from .. import budget
from ..batching import Batch, EncodedRows, encode
from ..data import Task
from ..losses import without_labels
from ..models import initialise, load_config, load_tokenizer
from ..training import TrainConfig, evaluate, predict_logits, train
from .runs import ENCODER, Claim, encoded_task, fine_tune

if TYPE_CHECKING:
    from torch import nn

TEMPERATURE = 2.0
SENTENCES = 3000  # without labels, for the teacher to judge


def unlabelled_sentences(count: int = SENTENCES, seed: int = 0) -> list[str]:
    """Single sentences of 5 to 16 words from the world's unlabelled reviews."""
    from ..world import reviews
    from ..world.draw import Draw

    found: list[str] = []
    number = 0
    while len(found) < count:
        for phrase in reviews.document(Draw("transfer", seed, number)):
            sentences = re.findall(r"[^.]+\.", phrase.text)
            found += [s.strip() for s in sentences if 5 <= len(s.split()) <= 16]
        number += 1
    return found[:count]


def encoded_sentences(sentences: list[str]) -> EncodedRows:
    """Sentences as rows for the mini encoder's tokenizer. They have no labels."""
    from datasets import Dataset, DatasetDict

    rows = DatasetDict(train=Dataset.from_dict({"text": sentences}))
    task = Task("unlabelled", "classification", rows, "text", "label", ())
    return encode(task, load_tokenizer(ENCODER))["train"]


def new_student(task: Task, seed: int = 0) -> nn.Module:
    """The mini encoder's architecture at half the width and half the depth, with random weights."""
    from transformers import AutoModelForSequenceClassification

    config: Any = load_config(ENCODER, "classification", label_names=task.label_names)
    layers = config.num_hidden_layers // 2
    config.hidden_size //= 2
    config.intermediate_size //= 2
    config.num_hidden_layers, config.layer_types = layers, config.layer_types[-layers:]
    student = AutoModelForSequenceClassification.from_config(config)
    initialise(student, seed)
    return student


class SoftRows:
    """Rows with the teacher's logits in place of labels: any text will do. It is `Rows` for the loop."""

    def __init__(self, rows: EncodedRows, teacher_logits: np.ndarray) -> None:
        self.rows = rows
        self.teacher_logits = torch.as_tensor(
            np.asarray(teacher_logits), dtype=torch.float32
        )  # (rows, classes)

    @property
    def lengths(self) -> np.ndarray:
        return self.rows.lengths

    def __len__(self) -> int:
        return len(self.rows)

    def batch(self, indices: np.ndarray) -> Batch:
        indices = np.asarray(indices)
        # The loop counts labels that are not -100 as targets: here every row is one.
        labels = torch.zeros(len(indices), dtype=torch.long)
        return {**self.rows.batch(indices), "labels": labels, "teacher_logits": self.teacher_logits[indices]}


def soft_loss(model: nn.Module, batch: Batch) -> torch.Tensor:
    """Cross-entropy with the teacher's softened answers, times T² (Hinton et al., 2015, arXiv 1503.02531); a sum."""
    inputs = without_labels(batch)
    target = (inputs.pop("teacher_logits") / TEMPERATURE).softmax(-1)
    student = (model(**inputs).logits / TEMPERATURE).log_softmax(-1)
    return -(target * student).sum() * TEMPERATURE**2


STUDENT = {"batch_size": 32, "learning_rate": 4e-3, "warmup_share": 0.1}


@lru_cache(maxsize=4)
def _teacher(seed: int) -> Any:
    return fine_tune("sentiment", "full", 512, seed, epochs=6)[0]


@lru_cache(maxsize=4)
def _judged(seed: int) -> SoftRows:
    rows = encoded_sentences(unlabelled_sentences(seed=seed))
    return SoftRows(rows, predict_logits(_teacher(seed), rows))


@lru_cache(maxsize=32)
def distilled(how: str, seed: int) -> dict[str, float]:
    """Test and unseen accuracy of the "teacher", or of a student that learns from …

    "labels" alone, "soft, same rows" (the teacher's logits for these rows), "soft, more text" (its logits for
    sentences that nobody labelled), or "hard, more text" (its labels for them).
    """
    task, data = encoded_task("sentiment", 512, seed)
    model: Any = _teacher(seed) if how == "teacher" else new_student(task, seed)
    if how == "labels":
        train(model, data["train"], TrainConfig(epochs=16, seed=seed, **STUDENT), progress=False)  # type: ignore[arg-type]
    elif how != "teacher":
        rows = _judged(seed)
        if how == "soft, same rows":
            rows = SoftRows(data["train"], predict_logits(_teacher(seed), data["train"]))
        elif how == "hard, more text":
            # Logits this far apart leave no doubt after a softmax: labels, in the same code.
            rows = SoftRows(
                rows.rows, 1000 * torch.nn.functional.one_hot(rows.teacher_logits.argmax(-1), 2).numpy()
            )
        epochs = 16 if how == "soft, same rows" else 4
        config = TrainConfig(epochs=epochs, seed=seed, **STUDENT)  # type: ignore[arg-type]
        train(model, rows, config, loss=soft_loss, progress=False)
    return {split: evaluate(model, data[split])["accuracy"] for split in ("test", "unseen")}


def _gap(of: str, over: str, split: str) -> Any:
    return lambda seed: distilled(of, seed)[split] - distilled(over, seed)[split]


def _off(name: str, batch: int, length: int) -> float:
    """By what share the estimate is off the measured peak; below 0 where it promises too much."""
    measured = budget.measure_peak(name, batch=batch, length=length)
    return budget.memory(name, batch=batch, length=length).peak / measured - 1


CLAIMS: dict[str, Claim] = {
    "04-distil-more-text": Claim(
        says="From the teacher's opinion of unlabelled text, a student learns unseen words: 20 points over labels alone.",
        measure=_gap("soft, more text", "labels", "unseen"),
        at_least=0.20,
    ),
    "04-distil-same-rows": Claim(
        says="From the teacher's opinion of the labelled rows alone, it stays at chance on unseen words.",
        measure=lambda seed: distilled("soft, same rows", seed)["unseen"],
        at_least=0.44,
        at_most=0.56,
    ),
    "04-distil-keeps": Claim(
        says="That student is less than twelve points behind its teacher on unseen words.",
        measure=_gap("teacher", "soft, more text", "unseen"),
        at_most=0.12,
    ),
    "04-distil-hard": Claim(
        says="From the teacher's bare labels for that text, a student comes within eight points of that.",
        measure=_gap("soft, more text", "hard, more text", "unseen"),
        at_least=-0.02,
        at_most=0.08,
    ),
    "04-estimate-mini": Claim(
        says="For the mini encoder, the estimate is at most a quarter below the measured peak and a tenth above.",
        measure=lambda seed: _off("mini-encoder", 32, 128),
        at_least=-0.25,
        at_most=0.10,
        seeds=(0,),
    ),
    "04-estimate-distilbert": Claim(
        says="The same for a network of DistilBERT's size.",
        measure=lambda seed: _off("DistilBERT", 4, 64),
        at_least=-0.25,
        at_most=0.10,
        seeds=(0,),
    ),
}
