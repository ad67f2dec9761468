"""The comparisons behind every finding that a lesson states.

A lesson that says "with 128 labels the pre-trained model wins by more than fifteen
points" names a *claim*. A claim is an experiment that gives one number per seed, and
a bound that the mean must keep; the test suite runs all of them. `course measure`
runs the larger comparisons and writes the results that lessons plot.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .adaptation import (
    add_lora,
    cache_features,
    discriminative_groups,
    gradual_unfreezing,
    hidden_states,
    merge_lora,
    train_last_layers,
)
from .batching import EncodedRows, encode
from .data import Task, load_task
from .errors import CourseError
from .metrics import metric_for
from .models import embeddings_of, encoder_of, load_model, load_tokenizer
from .training import TrainConfig, evaluate, train

if TYPE_CHECKING:
    import pandas as pd
    from torch import nn

RESULTS = Path(__file__).parent / "results"
METHODS = ("scratch", "features", "last layer", "LoRA", "full")
ENCODER = "mini-encoder"

# The score that a task is judged by, among those of its metric.
SCORE = {"classification": "accuracy", "entities": "f1", "answers": "exact_match"}

# The peak rate that suits each method, found on validation rows.
RATES = {"scratch": 1e-3, "features": 1e-2, "last layer": 2e-3, "LoRA": 5e-3, "full": 1e-3}


@lru_cache(maxsize=32)
def encoded_task(name: str, train_rows: int, seed: int) -> tuple[Task, dict[str, EncodedRows]]:
    """A task with a seeded subset of its labels, and its encoded splits."""
    task = load_task(name, train_rows=train_rows, seed=seed)
    return task, encode(task, load_tokenizer(ENCODER))


def fine_tune(
    name: str,
    method: str,
    labels: int,
    seed: int,
    *,
    epochs: int,
    batch_size: int = 16,
    rate: float | None = None,
) -> tuple[nn.Module, Task, dict[str, EncodedRows]]:
    """One run by one of METHODS. The seed decides the labelled rows, the head, and the order of the batches."""
    if method not in METHODS:
        raise CourseError(f"There is no method {method!r}: use one of {', '.join(METHODS)}.")
    task, data = encoded_task(name, labels, seed)
    config = TrainConfig(
        epochs=epochs, batch_size=batch_size, learning_rate=rate or RATES[method], warmup_share=0.1, seed=seed
    )
    model: Any = load_model(ENCODER, task, from_scratch=method == "scratch", seed=seed)
    if method == "features":
        head, cached = cache_features(model, data["train"])
        train(head, cached, config, progress=False)
        return model, task, data
    if method == "last layer":
        train_last_layers(model, 1)
    elif method == "LoRA":
        model = add_lora(model, seed=seed)
    train(model, data["train"], config, progress=False)
    return model, task, data


@lru_cache(maxsize=256)
def scores(
    name: str,
    method: str,
    labels: int,
    seed: int,
    *,
    epochs: int,
    batch_size: int = 16,
    rate: float | None = None,
) -> dict[str, float]:
    """The task's score, between 0 and 1, on the test rows and on the rows of unseen words and names."""
    model, task, data = fine_tune(name, method, labels, seed, epochs=epochs, batch_size=batch_size, rate=rate)
    metric, score = metric_for(task), SCORE[task.kind]
    return {split: evaluate(model, data[split], metric=metric)[score] for split in ("test", "unseen")}


# ---------------------------------------------------------------- claims


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A sentence of a lesson, and the experiment that bears it out: the mean over seeds is within the bounds."""

    says: str
    measure: Callable[[int], float]  # seed → number
    at_least: float | None = None
    at_most: float | None = None
    seeds: Sequence[int] = (0, 1, 2)

    def holds(self, values: Sequence[float]) -> bool:
        """Whether the mean of one value per seed keeps the bounds."""
        mean = sum(values) / len(values)
        return (self.at_least is None or mean >= self.at_least) and (
            self.at_most is None or mean <= self.at_most
        )


def gain(
    name: str, labels: int, split: str, *, epochs: int, method: str = "full", over: str = "scratch"
) -> Callable[[int], float]:
    """The score of one method minus that of another, for a seed."""

    def measure(seed: int) -> float:
        of = scores(name, method, labels, seed, epochs=epochs)[split]
        return of - scores(name, over, labels, seed, epochs=epochs)[split]

    return measure


def _probe() -> Any:
    """What lesson 05 asks a layer with: logistic regression on standardised columns."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))


@lru_cache(maxsize=16)
def probed(
    seed: int, pooling: str = "mean", *, layer: int = -1, from_scratch: bool = False, split: str = "unseen"
) -> float:
    """Accuracy of a probe on one layer of the frozen encoder (0: embeddings), from 512 labelled sentences."""
    task, data = encoded_task("sentiment", 512, seed)
    encoder = load_model(ENCODER, "encoder", from_scratch=from_scratch, seed=seed)
    seen, asked = (hidden_states(encoder, data[name], pooling)[layer] for name in ("train", split))
    return _probe().fit(seen, task.rows["train"]["label"][:]).score(asked, task.rows[split]["label"][:])


def counted(seed: int) -> float:
    """Accuracy of TF-IDF and logistic regression on unseen words, from the same 512 sentences."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    rows = encoded_task("sentiment", 512, seed)[0].rows
    model = make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression(C=10, max_iter=1000))
    model.fit(rows["train"]["sentence"][:], rows["train"]["label"][:])
    return model.score(rows["unseen"]["sentence"][:], rows["unseen"]["label"][:])


def changed_answers(seed: int, use_mask: bool) -> float:
    """The share of test sentences whose answer changes when they are padded to 64 instead of to their batch of 32.

    The probe was trained on means over the padded batches, with or without the mask.
    """
    import torch
    from torch.nn.functional import pad

    task, data = encoded_task("sentiment", 512, seed)
    encoder = load_model(ENCODER, "encoder").eval()

    def vectors(rows: EncodedRows, length: int = 0) -> np.ndarray:
        found = []
        for part in np.array_split(np.arange(len(rows)), len(rows) // 32):
            batch = {name: tensor for name, tensor in rows.batch(part).items() if name != "labels"}
            missing = max(0, length - batch["input_ids"].shape[1])
            batch = {"input_ids": pad(batch["input_ids"], (0, missing), value=rows.pad_token_id),
                     "attention_mask": pad(batch["attention_mask"], (0, missing))}  # fmt: skip
            with torch.no_grad():
                states = encoder(**batch).last_hidden_state  # (batch, time, hidden)
            weight = batch["attention_mask"][..., None] if use_mask else torch.ones_like(states[..., :1])
            found.append((states * weight).sum(1) / weight.sum(1))
        return torch.cat(found).numpy()

    fitted = _probe().fit(vectors(data["train"]), task.rows["train"]["label"][:])
    return float((fitted.predict(vectors(data["test"])) != fitted.predict(vectors(data["test"], 64))).mean())


def _opinion_words() -> tuple[list[str], np.ndarray]:
    """The adjectives of the reviews, and whether each praises."""
    from .world.lexicons.polarity import ADJECTIVES

    sides = {
        word: side
        for pair in ADJECTIVES.values()
        for side, words in zip((1, 0), pair)
        for word in words.split()
    }
    return list(sides), np.array(list(sides.values()), dtype=bool)


def polarity_axis(seed: int) -> float:
    """How well the side of the first principal component of "It was …" tells praise from blame (no label is used)."""
    from datasets import Dataset, DatasetDict
    from sklearn.decomposition import PCA

    words, praises = _opinion_words()
    rows = DatasetDict(validation=Dataset.from_dict({"text": [f"It was {word}." for word in words]}))
    task = Task("words", "classification", rows, "text", "label", ())
    states = hidden_states(
        load_model(ENCODER, "encoder"), encode(task, load_tokenizer(ENCODER))["validation"]
    )[-1]
    agrees = ((PCA(2, random_state=seed).fit_transform(states)[:, 0] > 0) == praises).mean()
    return float(max(agrees, 1 - agrees))


def same_company(seed: int, from_scratch: bool) -> float:
    """The share of opinion words whose nearest other by embedding has the same polarity."""
    words, praises = _opinion_words()
    table = (
        embeddings_of(load_model(ENCODER, "encoder", from_scratch=from_scratch, seed=seed))[0]
        .weight.detach()
        .numpy()
    )
    vectors = table[load_tokenizer(ENCODER).convert_tokens_to_ids(words)]
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosine = vectors @ vectors.T - 2 * np.eye(len(words))
    return float((praises[cosine.argmax(1)] == praises).mean())


def mapped(seed: int) -> float:
    """Accuracy of a classifier that sees only the two widest directions of sentence vectors."""
    from sklearn.decomposition import PCA

    task, data = encoded_task("sentiment", 512, seed)
    vectors = hidden_states(load_model(ENCODER, "encoder"), data["validation"])[-1]
    points, labels = (
        PCA(2, random_state=0).fit_transform(vectors),
        np.asarray(task.rows["validation"]["label"][:]),
    )
    half = len(labels) // 2
    return _probe().fit(points[:half], labels[:half]).score(points[half:], labels[half:])


@lru_cache(maxsize=64)
def forgotten(strategy: str, rate: float, seed: int) -> float:
    """By how many nats per hidden word the masked-word loss has risen after fine-tuning on 256 labels, six epochs.

    `strategy` is "full", "last layer", "LoRA", "gradual" or "discriminative". The same words are hidden before and after.
    """
    from .pretraining import MaskedRows, encode_documents
    from .world.corpus import documents

    task, data = encoded_task("sentiment", 256, seed)
    tokenizer: Any = load_tokenizer(ENCODER)
    unlabelled, _ = encode_documents(documents(seed=777), tokenizer, tokens=8_000)
    masked = MaskedRows(unlabelled, tokenizer, seed=0)

    model: Any = load_model(ENCODER, task, seed=seed)
    how: dict[str, Any] = {}
    if strategy == "last layer":
        train_last_layers(model, 1)
    elif strategy == "LoRA":
        model = add_lora(model, seed=seed)
    elif strategy == "gradual":
        how["before_step"] = gradual_unfreezing(model, steps_per_stage=16)
    elif strategy == "discriminative":
        how["parameter_groups"] = discriminative_groups(model, decay=0.5)
    config = TrainConfig(epochs=6, batch_size=16, learning_rate=rate, warmup_share=0.1, seed=seed)
    train(model, data["train"], config, progress=False, **how)
    model = merge_lora(model) if strategy == "LoRA" else model

    guesser = load_model(ENCODER, "masked_lm")
    before = evaluate(guesser, masked, loss="masked_lm")["loss"]
    guesser.base_model.load_state_dict(encoder_of(model).state_dict())
    return evaluate(guesser, masked, loss="masked_lm")["loss"] - before


CLAIMS: dict[str, Claim] = {
    "06-sentiment-128": Claim(
        says="With 128 labels, full fine-tuning is more than 15 points above scratch on unseen words.",
        measure=gain("sentiment", 128, "unseen", epochs=10),
        at_least=0.15,
    ),
    "06-sentiment-512": Claim(
        says="With 512 labels, full fine-tuning is more than 25 points above scratch on unseen words.",
        measure=gain("sentiment", 512, "unseen", epochs=8),
        at_least=0.25,
    ),
    "encoder-entities-64": Claim(
        says="With 64 labelled sentences, its entity F1 on unseen names is more than 40 points above scratch.",
        measure=gain("entities", 64, "unseen", epochs=30),
        at_least=0.40,
    ),
    "06-rate-too-high": Claim(
        says="At fifty times a sensible rate, accuracy on unseen words drops by more than ten points (512 labels).",
        measure=lambda seed: (
            scores("sentiment", "full", 512, seed, epochs=6, batch_size=32, rate=5e-4)["unseen"]
            - scores("sentiment", "full", 512, seed, epochs=6, batch_size=32, rate=50 * 5e-4)["unseen"]
        ),
        at_least=0.10,
    ),
    "06-scratch-stays-at-chance": Claim(
        says="However many labels it gets, scratch stays within five points of chance on unseen words.",
        measure=lambda seed: scores("sentiment", "scratch", 512, seed, epochs=8)["unseen"],
        at_least=0.45,
        at_most=0.55,
    ),
    "05-probe-unseen-words": Claim(
        says="With 512 labels, a probe on the encoder is more than twenty points above TF-IDF on unseen words.",
        measure=lambda seed: probed(seed) - counted(seed),
        at_least=0.20,
    ),
    "05-tfidf-unseen-words": Claim(
        says="TF-IDF stays close to chance on unseen words.", measure=counted, at_least=0.42, at_most=0.58
    ),
    "05-random-unseen-words": Claim(
        says="So do the vectors of a random encoder.",
        measure=lambda seed: probed(seed, from_scratch=True),
        at_least=0.42,
        at_most=0.58,
    ),
    "05-layers-add": Claim(
        says="On unseen words the last layer is more than five points above the embeddings.",
        measure=lambda seed: probed(seed) - probed(seed, layer=0),
        at_least=0.05,
    ),
    "05-mean-over-first": Claim(
        says="After the first layer, the first token is more than twenty points behind the mean.",
        measure=lambda seed: (
            probed(seed, layer=1, split="validation") - probed(seed, "cls", layer=1, split="validation")
        ),
        at_least=0.20,
    ),
    "05-padding-changes-answers": Claim(
        says="Without the mask, the same sentences get other answers when they are padded more; with it, none does.",
        measure=lambda seed: (
            changed_answers(seed, use_mask=False) - 100 * changed_answers(seed, use_mask=True)
        ),
        at_least=0.03,
    ),
    "05-polarity-axis": Claim(
        says="In the last layer, the widest direction of the opinion words is close to opinion itself.",
        measure=polarity_axis,
        at_least=0.85,
        seeds=(0,),
    ),
    "05-words-keep-company": Claim(
        says="An opinion word's nearest other has the same polarity far more often than in a random encoder.",
        measure=lambda seed: same_company(seed, from_scratch=False) - same_company(seed, from_scratch=True),
        at_least=0.20,
    ),
    "05-opinion-not-on-the-map": Claim(
        says="The two widest directions of sentence vectors tell less of opinion than a probe finds, by 15 points.",
        measure=lambda seed: probed(seed, split="validation") - mapped(seed),
        at_least=0.15,
    ),
    "07-full-near-last-layer": Claim(
        says="With 512 labels, full fine-tuning and the last layer alone are within two points of each other.",
        measure=gain("sentiment", 512, "test", epochs=8, over="last layer"),
        at_least=-0.02,
        at_most=0.02,
    ),
    "07-last-layer-over-head": Claim(
        says="Both are more than two points above a head on a frozen encoder.",
        measure=lambda seed: min(
            gain("sentiment", 512, "test", epochs=8, method=method, over="features")(seed)
            for method in ("full", "last layer")
        ),
        at_least=0.02,
    ),
    "07-lora-keeps-up": Claim(
        says="LoRA is no more than a point behind the better of the two.",
        measure=lambda seed: min(
            gain("sentiment", 512, "test", epochs=8, method="LoRA", over=other)(seed)
            for other in ("full", "last layer")
        ),
        at_least=-0.01,
    ),
    "07-sensible-rate": Claim(
        says="At a sensible rate, full fine-tuning forgets little: less than a third of a nat for each hidden word.",
        measure=lambda seed: forgotten("full", 1e-3, seed),
        at_most=0.33,
        seeds=(0, 1),
    ),
    "07-rate-forgets": Claim(
        says="At ten times that rate it loses more than seven nats for each hidden word.",
        measure=lambda seed: forgotten("full", 1e-2, seed),
        at_least=7.5,  # with the 1.4 nats before, more than the 8.8 of a uniform guess, as the lesson says
        seeds=(0, 1),
    ),
    "07-forgetting-buys-nothing": Claim(
        says="Full fine-tuning at ten times its rate scores less, too.",
        measure=lambda seed: (
            scores("sentiment", "full", 256, seed, epochs=6, rate=1e-3)["test"]
            - scores("sentiment", "full", 256, seed, epochs=6, rate=1e-2)["test"]
        ),
        at_least=0.02,
    ),
    "07-lora-forgets-less": Claim(
        says="At the same, bold rate, LoRA forgets less than training all weights.",
        measure=lambda seed: forgotten("full", 3e-3, seed) - forgotten("LoRA", 3e-3, seed),
        at_least=0.05,
        seeds=(0, 1),
    ),
    "07-last-layer-forgets-less": Claim(
        says="At the same, bold rate, one layer forgets less than all of them.",
        measure=lambda seed: forgotten("full", 3e-3, seed) - forgotten("last layer", 3e-3, seed),
        at_least=0.05,
        seeds=(0, 1),
    ),
    "07-gradual-forgets-less": Claim(
        says="At a bold rate, gradual unfreezing forgets less than training all from the start.",
        measure=lambda seed: forgotten("full", 3e-3, seed) - forgotten("gradual", 3e-3, seed),
        at_least=0.05,
        seeds=(0, 1),
    ),
    "07-discriminative-forgets-less": Claim(
        says="So do discriminative rates.",
        measure=lambda seed: forgotten("full", 3e-3, seed) - forgotten("discriminative", 3e-3, seed),
        at_least=0.05,
        seeds=(0, 1),
    ),
}


# ---------------------------------------------------------------- results that lessons plot


@dataclass(frozen=True, kw_only=True)
class Study:
    """A larger comparison, whose results ship with the course."""

    task: str
    methods: Sequence[str]
    labels: Sequence[int]
    seeds: Sequence[int]
    epochs: Callable[[int], int]  # labels → passes over them


STUDIES = {
    "sentiment": Study(
        task="sentiment",
        methods=METHODS,
        labels=(32, 128, 512, 1024),
        seeds=range(5),
        epochs=lambda labels: 10 if labels <= 128 else 8 if labels <= 512 else 5,
    ),
    "entities": Study(
        task="entities", methods=("scratch", "full"), labels=(64,), seeds=range(5), epochs=lambda labels: 30
    ),
    "answers": Study(
        task="answers",
        methods=("scratch", "full"),
        labels=(1024,),
        seeds=range(3),
        epochs=lambda labels: 8,
    ),
}


def run_study(name: str, report: Callable[[str], None] = print) -> Path:
    """Run a study and save its results: one row per run and split (method, labels, seed, split, score)."""
    import pandas as pd

    if name not in STUDIES:
        raise CourseError(f"There is no study {name!r}: there are {', '.join(STUDIES)}.")
    study, rows = STUDIES[name], []
    for labels in study.labels:
        for method in study.methods:
            for seed in study.seeds:
                found = scores(study.task, method, labels, seed, epochs=study.epochs(labels))
                rows += [
                    {
                        "method": method,
                        "labels": labels,
                        "seed": seed,
                        "split": split,
                        "score": round(value, 4),
                    }
                    for split, value in found.items()
                ]
            runs = pd.DataFrame(rows).query("method == @method and labels == @labels")
            said = [
                f"{split} {of.mean():.3f} ± {of.std():.3f}" for split, of in runs.groupby("split")["score"]
            ]
            report(f"{name} · {labels} labels · {method}: {', '.join(said)}")
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


def results(name: str) -> pd.DataFrame:
    """The shipped results of a study: columns method, labels, seed, split, score."""
    import pandas as pd

    path = RESULTS / f"{name}.csv"
    if not path.is_file():
        raise CourseError(f"The results of {name!r} are not there: run `course measure {name}`.")
    return pd.read_csv(path)
