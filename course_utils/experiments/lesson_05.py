"""Claims of lesson 05: what a frozen encoder knows."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from ..adaptation import hidden_states
from ..batching import EncodedRows, encode
from ..data import Task
from ..models import embeddings_of, load_model, load_tokenizer
from .runs import ENCODER, Claim, encoded_task


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
    from ..world.lexicons.polarity import ADJECTIVES

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


CLAIMS: dict[str, Claim] = {
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
}
