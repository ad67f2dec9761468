"""Lesson 09: rows as they come, notices of several topics, star ratings, and the claims about them.

The two sets that the world lacks are made from its own grammars: `several_topics` joins sentences of any number of
topics, `starred` joins four sentences on one thing, and its stars count those that praise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ..adaptation import cache_features
from ..baselines import bag_of_words
from ..batching import Batch, EncodedRows, encode
from ..data import Task, load_task
from ..decoding import softmax
from ..devices import to_device
from ..errors import CourseError
from ..evaluation import evaluate, evaluating, predict_logits
from ..losses import OutputLoss
from ..models import load_model, load_tokenizer
from ..training import TrainConfig, train
from ..world import notices, reviews
from ..world.draw import Draw, Part, sentence
from ..world.lexicons.review_things import KINDS
from .runs import ENCODER, Claim, gain, scores

if TYPE_CHECKING:
    import pandas as pd
    import torch

DECODER = "mini-decoder"
SIZES = {"train": 512, "validation": 256, "test": 512, "unseen": 512}
TOPIC_COUNTS = ((0, 0.15), (1, 0.35), (2, 0.35), (3, 0.15))  # how many topics a mixed notice has, and how often
COMPLAINTS = 0.12  # share of negatives among the complaints' rows
OPINIONS = 4  # sentences of a starred review
STARS = tuple(f"{n} star{'s' if n > 1 else ''}" for n in range(1, OPINIONS + 2))


# ---------------------------------------------------------------- rows


def as_they_come(name: str, n: int, *, seed: int = 0) -> Task:
    """A task with `n` of its training rows drawn at random, so with classes as rare as they are.

    `load_task(name, train_rows=n)` evens the classes out instead.
    """
    from datasets import DatasetDict

    task = load_task(name)
    rows = task.rows["train"]
    if not 1 <= n <= len(rows):
        raise CourseError(f"n={n}, and {name!r} has {len(rows):,} training rows: ask for 1 to {len(rows)}")
    order = np.random.default_rng(seed).permutation(len(rows))[:n]
    return replace(task, rows=DatasetDict({**task.rows, "train": rows.select(order)}))


def complaints(train_rows: int, *, share: float = COMPLAINTS, seed: int = 0) -> Task:
    """The sentiment task with rare negatives: `share` of each split, as where most customers are content.

    Validation and test are cut from its training rows, and stay the same for every seed.
    """
    from datasets import DatasetDict

    task = load_task("sentiment")
    pool, unseen = task.rows["train"], task.rows.get("unseen")
    order = np.random.default_rng(0).permutation(len(pool))
    labels = np.asarray(pool[task.label][:])[order]
    piles = [order[labels == label] for label in (0, 1)]
    rows: dict[str, Any] = {}
    for split, n in (("validation", 480), ("test", 800), ("train", train_rows)):
        wanted = [round(share * n), n - round(share * n)]
        if any(len(pile) < k for pile, k in zip(piles, wanted, strict=True)):
            raise CourseError(f"{task.name!r} has too few rows for {n} of {split} with {share:.0%} negatives: ask for fewer")
        if split == "train":
            random = np.random.default_rng([seed, 1])
            piles = [random.permutation(pile) for pile in piles]
        taken = np.concatenate([pile[:k] for pile, k in zip(piles, wanted, strict=True)])
        piles = [pile[k:] for pile, k in zip(piles, wanted, strict=True)]
        rows[split] = pool.select(np.random.default_rng(1).permutation(taken))
    if unseen is not None:
        labels = np.asarray(unseen[task.label][:])
        content = np.flatnonzero(labels == 1)
        few = np.flatnonzero(labels == 0)[: round(len(content) * share / (1 - share))]
        rows["unseen"] = unseen.select(np.sort(np.concatenate([few, content])))
    return replace(task, name="complaints", rows=DatasetDict(rows))


def several_topics(draw: Draw, part: Part) -> dict[str, Any]:
    """A notice of none to three topics, a sentence each: `text`, and `topics`, a list of class numbers.

    One without a topic is a text message of the town.
    """
    count = draw.weighted(TOPIC_COUNTS)
    if count == 0:
        return {"text": " ".join(notices.thread(draw, part, 0, 1)), "topics": []}
    chosen = draw.sample(range(len(notices.TOPICS)), count)
    casts = [notices.Cast(draw, part, notices.TOPIC_WORDS[notices.TOPICS[topic]]) for topic in chosen]
    remarks = draw.sample(notices.INTRUSIONS.part(part), count - 1)
    frames = [draw.choice(notices.SENTENCES.part(part)), *remarks]
    text = " ".join(cast.fill(frame).text for cast, frame in zip(casts, frames, strict=True))
    return {"text": text, "topics": sorted(chosen)}


def starred(draw: Draw, part: Part) -> dict[str, Any]:
    """Four sentences on one thing: `review`, and `stars`, how many of them praise; the class 0 is one star."""
    kind = draw.choice(tuple(KINDS.values()))
    praise = draw.index(OPINIONS + 1)
    name, used = draw.choice(kind.names), set[object]()
    sentences = []
    for mood in draw.shuffled([1] * praise + [0] * (OPINIONS - praise)):
        shape = draw.weighted(reviews.SHAPES_LABELLED)
        frame = draw.choice([f for f in reviews.FRAME_SPLITS[shape].part(part) if f not in used])
        values = reviews.fillings(draw, frame, shape, mood, part, kind, name, used)
        sentences.append(sentence(frame, **values).text)
        used.add(frame)
        name = ""  # the first sentence may say which thing it is; the others need not
    return {"review": " ".join(sentences), "stars": praise}


@lru_cache(maxsize=16)
def made_rows(grammar: Callable[[Draw, Part], dict[str, Any]], train_rows: int, seed: int) -> Any:
    """The splits of one of the two sets above as a DatasetDict; the seed changes the training rows only."""
    from datasets import Dataset, DatasetDict

    def rows(split: str, n: int) -> Any:
        part: Part = "unseen" if split == "unseen" else "shown"
        key = seed if split == "train" else 0
        return Dataset.from_list([grammar(Draw("09", grammar.__name__, key, split, i), part) for i in range(n)])

    return DatasetDict({split: rows(split, n) for split, n in {**SIZES, "train": train_rows}.items()})


def stars_task(train_rows: int = SIZES["train"], *, seed: int = 0) -> Task:
    """Reviews of one to five stars."""
    return Task("stars", "classification", made_rows(starred, train_rows, seed), "review", "stars", STARS)


def topics_rows(train_rows: int = SIZES["train"], *, seed: int = 0) -> Any:
    """Notices of any number of topics: splits with the columns `text` and `topics`."""
    return made_rows(several_topics, train_rows, seed)


def indicators(label_lists: Sequence[Sequence[int]], classes: int) -> np.ndarray:
    """(rows, classes): 1 where a row has the class, else 0."""
    targets = np.zeros((len(label_lists), classes), dtype=np.int64)
    for row, labels in enumerate(label_lists):
        targets[row, list(labels)] = 1
    return targets


def with_targets(rows: Any, tokenizer: Any, label: str = "topics", classes: int = 4) -> dict[str, EncodedRows]:
    """Encoded rows of several labels each: `labels` is (rows, classes), 1 where a class applies, else 0."""
    task = Task("several", "classification", rows, "text", label="")  # one label a row is what they have not
    return {
        split: replace(data, labels=indicators(rows[split][label][:], classes))
        for split, data in encode(task, tokenizer).items()
    }


def turned(batch: Batch) -> Batch:
    """A batch padded on the right → the same rows padded on the left."""
    import torch

    mask = batch["attention_mask"]  # (batch, time)
    time = mask.shape[1]
    places = (torch.arange(time, device=mask.device) - (time - mask.sum(1, keepdim=True))) % time
    return {**batch, **{name: batch[name].gather(1, places) for name in ("input_ids", "attention_mask")}}


def logits_of(model: Any, tokenizer: Any, texts: Sequence[str]) -> np.ndarray:
    """(texts, classes) logits of a classifier for new texts."""
    from datasets import Dataset, DatasetDict

    rows = DatasetDict(texts=Dataset.from_dict({"text": list(texts)}))
    return predict_logits(model, encode(Task("texts", "classification", rows, "text", label=""), tokenizer)["texts"])


# ---------------------------------------------------------------- scores


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Each logit's own probability, whatever the others are."""
    return 1 / (1 + np.exp(-np.asarray(logits, dtype=float)))


def precision_recall(scores: np.ndarray, is_rare: np.ndarray) -> pd.DataFrame:
    """Precision, recall and F1 of the rare class at every threshold, the highest first.

    A row counts as rare when its score is at least the threshold. Equal scores are one threshold.
    """
    import pandas as pd

    scores, is_rare = np.asarray(scores, dtype=float), np.asarray(is_rare, dtype=bool)
    if scores.shape != is_rare.shape or not is_rare.any():
        raise CourseError(
            f"{len(scores)} scores and {len(is_rare)} answers, {int(is_rare.sum())} of them of the rare class: give one "
            "answer a score, and at least one rare row"
        )
    order = np.argsort(-scores, kind="stable")
    right, said = np.cumsum(is_rare[order]), np.arange(1, len(order) + 1)
    last = np.append(np.diff(scores[order]) != 0, True)  # the last of equal scores
    precision, recall = right[last] / said[last], right[last] / is_rare.sum()
    f1 = 2 * right[last] / (said[last] + is_rare.sum())
    return pd.DataFrame({"threshold": scores[order][last], "precision": precision, "recall": recall, "f1": f1})


def average_precision(scores: np.ndarray, is_rare: np.ndarray) -> float:
    """Area under the precision–recall curve: the precision at each threshold, weighted by the recall it adds."""
    curve = precision_recall(scores, is_rare)
    return float((curve["precision"] * np.diff(curve["recall"], prepend=0.0)).sum())


def at_threshold(scores: np.ndarray, is_rare: np.ndarray, threshold: float) -> dict[str, float]:
    """Accuracy, precision, recall and F1 when scores from `threshold` on count as rare.

    Precision is 0 where nothing counts as rare: there is no share of none, and 0 flatters nobody.
    """
    said, is_rare = np.asarray(scores) >= threshold, np.asarray(is_rare, dtype=bool)
    right = int((said & is_rare).sum())
    return {
        "accuracy": float((said == is_rare).mean()),
        "precision": right / max(1, int(said.sum())),
        "recall": right / max(1, int(is_rare.sum())),
        "f1": 2 * right / max(1, int(said.sum() + is_rare.sum())),
    }


def label_scores(logits: np.ndarray, data: Any) -> dict[str, float]:
    """Scores of rows with several labels each; a class is said where its logit is above 0, its probability above .5.

    micro_f1 over all decisions; macro_f1, the mean of the classes' F1; exact, the share of rows that are right whole.
    """
    said, true = np.asarray(logits) > 0, np.asarray(data.labels) == 1  # (rows, classes)
    right, given, there = (said & true).sum(0), said.sum(0), true.sum(0)
    return {
        "micro_f1": float(2 * right.sum() / max(1, given.sum() + there.sum())),
        "macro_f1": float((2 * right / np.maximum(1, given + there)).mean()),
        "exact": float((said == true).all(1).mean()),
    }


def median_class(probabilities: np.ndarray) -> np.ndarray:
    """(rows, classes) → (rows,): the first class at which half of the probability is reached.

    No other class has a smaller expected distance from the true one, if the probabilities are right.
    """
    return (np.asarray(probabilities).cumsum(1) >= 0.5 - 1e-9).argmax(1)


def star_scores(said: np.ndarray, true: np.ndarray) -> dict[str, float]:
    """Accuracy, mean absolute error in stars, and the share of rows that are two or more stars off."""
    distance = np.abs(np.asarray(said) - np.asarray(true))
    return {
        "accuracy": float((distance == 0).mean()),
        "mean_absolute_error": float(distance.mean()),
        "far_off": float((distance >= 2).mean()),
    }


# ---------------------------------------------------------------- losses


def class_weights(labels: Sequence[int] | np.ndarray, classes: int) -> np.ndarray:
    """(classes,) inverse to their number of rows; over the rows they add up to the number of rows."""
    counts = np.bincount(np.asarray(labels), minlength=classes)
    there = counts > 0
    return np.where(there, counts.sum() / (there.sum() * np.maximum(counts, 1)), 0.0)


def weighted_loss(weights: Sequence[float] | np.ndarray) -> OutputLoss:
    """Cross-entropy in which a row counts as much as its class weighs: a sum over targets, the loop divides."""
    import torch

    weight = torch.as_tensor(np.asarray(weights), dtype=torch.float32)

    def of_output(output: Any, batch: Batch) -> torch.Tensor:
        logits = output.logits.float()
        return torch.nn.functional.cross_entropy(
            logits, batch["labels"], weight=weight.to(logits.device), reduction="sum"
        )

    return OutputLoss(of_output)


def binary_loss() -> OutputLoss:
    """A yes or no for every class: the sum of binary cross-entropies over (rows, classes)."""
    import torch

    def of_output(output: Any, batch: Batch) -> torch.Tensor:
        return torch.nn.functional.binary_cross_entropy_with_logits(
            output.logits.float(), batch["labels"].float(), reduction="sum"
        )

    return OutputLoss(of_output)


# ---------------------------------------------------------------- runs


def learn(rate: float, epochs: int, seed: int) -> TrainConfig:
    """The settings of the runs below."""
    return TrainConfig(epochs=epochs, batch_size=16, learning_rate=rate, seed=seed)


def rare_scores(model: Any, data: EncodedRows, rare: int) -> tuple[np.ndarray, np.ndarray]:
    """(rows,) the probability of the class `rare`, and whether a row is of it."""
    return softmax(predict_logits(model, data))[:, rare], labels_of(data) == rare


def lowest_threshold(scores: np.ndarray, is_rare: np.ndarray, precision: float) -> float:
    """The lowest score from which on at least this share of the rows that are flagged are rare.

    Where no score keeps it, infinity: nothing is flagged.
    """
    curve = precision_recall(scores, is_rare)
    kept = curve[curve["precision"] >= precision]["threshold"]
    return float(kept.min()) if len(kept) else float("inf")


def against_its_words(texts: Sequence[str], labels: Sequence[int]) -> np.ndarray:
    """(rows,) whether a review holds a word of the other side than its label: praise denied, blame in a side clause."""
    return np.array([
        any(reviews.POLARITY.get(word.strip(".,!?;:'\"“”").lower(), label) != label for word in text.split())
        for text, label in zip(texts, labels, strict=True)
    ])


def labels_of(data: EncodedRows) -> np.ndarray:
    """The labels of rows that have some."""
    assert data.labels is not None
    return data.labels


@lru_cache(maxsize=8)
def silent_words(seed: int) -> dict[str, float]:
    """A bag of words that learned from 64 messages as they come; its scores on messages of unseen words."""
    task = as_they_come("spam", 64, seed=seed)
    rows = task.rows["unseen"]
    values = bag_of_words(task).predict_proba(rows[task.text][:])[:, 1]
    is_spam = np.asarray(rows[task.label][:]) == 1
    return at_threshold(values, is_spam, 0.5) | {"average_precision": average_precision(values, is_spam)}


@lru_cache(maxsize=8)
def heaped_errors(seed: int) -> float:
    """64 notices, all weights trained: of the errors on unseen words, the share of the class said most by mistake."""
    task = load_task("topics", train_rows=64, seed=seed)
    data = encode(task, load_tokenizer(ENCODER))
    model = load_model(ENCODER, task, seed=seed)
    train(model, data["train"], learn(1e-3, 12, seed), progress=False)
    said = predict_logits(model, data["unseen"]).argmax(1)
    wrong = said[said != labels_of(data["unseen"])]
    return float(np.bincount(wrong).max() / len(wrong))


@lru_cache(maxsize=8)
def spam_run(seed: int) -> dict[str, float]:
    """An encoder that learned from the messages of `silent_words`; its scores on messages of unseen words."""
    task = as_they_come("spam", 64, seed=seed)
    data = encode(task, load_tokenizer(ENCODER))
    model = load_model(ENCODER, task, seed=seed)
    train(model, data["train"], learn(1e-3, 5, seed), progress=False)
    values, is_spam = rare_scores(model, data["unseen"], rare=1)
    return at_threshold(values, is_spam, 0.5) | {"average_precision": average_precision(values, is_spam)}


@lru_cache(maxsize=16)
def complaint_run(method: str, weighted: bool, seed: int) -> dict[str, float]:
    """256 reviews, few of them complaints, learned by a head alone ("features") or by all weights ("full").

    Scores at a threshold of .5, and average precision; `sure`, the share of probabilities below .01 or above .99;
    `against`, how many more of the errors than of all rows hold a word against their label, as shares, at the lowest
    threshold that keeps a precision of .75 on validation.
    """
    task = complaints(256, seed=seed)
    data = encode(task, load_tokenizer(ENCODER))
    loss = weighted_loss(class_weights(labels_of(data["train"]), 2)) if weighted else None
    model: Any = load_model(ENCODER, task, seed=seed)
    if method == "features":
        head, cached = cache_features(model, data["train"])
        train(head, cached, learn(1e-3, 10, seed), loss=loss, progress=False)
    else:
        train(model, data["train"], learn(1e-3, 6, seed), loss=loss, progress=False)
    values, is_rare = rare_scores(model, data["test"], rare=0)
    flagged = values >= lowest_threshold(*rare_scores(model, data["validation"], rare=0), 0.75)
    against = against_its_words(task.rows["test"][task.text][:], task.rows["test"][task.label][:])
    return at_threshold(values, is_rare, 0.5) | {
        "average_precision": average_precision(values, is_rare),
        "sure": float((np.abs(values - 0.5) > 0.49).mean()),
        "against": float(against[flagged != is_rare].mean() - against.mean()),
    }


def complaint_gain(score: str, method: str, weighted: bool, over: tuple[str, bool]) -> Callable[[int], float]:
    """A score of one complaint run minus that of another, for a seed."""
    return lambda seed: complaint_run(method, weighted, seed)[score] - complaint_run(*over, seed)[score]


@lru_cache(maxsize=8)
def several_run(seed: int) -> dict[str, float]:
    """Micro F1 on notices of several topics: an encoder, and one bag of words for each topic; 256 rows."""
    rows = topics_rows(256, seed=seed)
    data = with_targets(rows, load_tokenizer(ENCODER))
    model = load_model(ENCODER, "classification", label_names=notices.TOPICS, seed=seed)
    train(model, data["train"], learn(1e-3, 6, seed), loss=binary_loss(), progress=False)
    words = bags_of_words(rows["train"]["text"][:], data["train"].labels)
    values: dict[str, float] = {}
    for split in ("test", "unseen"):
        found = evaluate(model, data[split], metric=label_scores, loss=binary_loss())
        baseline = label_scores(words.predict(rows[split]["text"][:]) - 0.5, data[split])
        values |= {split: found["micro_f1"], f"{split} bag of words": baseline["micro_f1"]}
    return values


def bags_of_words(texts: Sequence[str], targets: Any) -> Any:
    """For each class a logistic regression on TF-IDF weights: `.predict(texts)` gives (rows, classes) of 0 and 1."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.pipeline import make_pipeline

    words = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2))
    return make_pipeline(words, OneVsRestClassifier(LogisticRegression(C=10, max_iter=1000))).fit(texts, targets)


@lru_cache(maxsize=8)
def stars_run(seed: int) -> dict[str, float]:
    """An encoder fine-tuned on 256 reviews of one to five stars; its scores on test, and those of the median."""
    task = stars_task(256, seed=seed)
    data = encode(task, load_tokenizer(ENCODER))
    model = load_model(ENCODER, task, seed=seed)
    train(model, data["train"], learn(1e-3, 6, seed), progress=False)
    probabilities = softmax(predict_logits(model, data["test"]))
    truth = labels_of(data["test"])
    median = star_scores(median_class(probabilities), truth)
    likeliest = star_scores(probabilities.argmax(1), truth)
    return likeliest | {f"median_{name}": value for name, value in median.items()}


@lru_cache(maxsize=8)
def decoder_run(seed: int) -> dict[str, float]:
    """A decoder fine-tuned on 128 notices: accuracy by split, and on test rows that are padded on the left."""
    task = load_task("topics", train_rows=128, seed=seed)
    data = encode(task, load_tokenizer(DECODER))
    model = load_model(DECODER, task, seed=seed)
    train(model, data["train"], learn(1e-3, 10, seed), progress=False)
    values = {split: evaluate(model, data[split])["accuracy"] for split in ("test", "unseen")}
    return values | {"left": accuracy_in_mixed_batches(model, data["test"], left=True)}


def accuracy_in_mixed_batches(model: Any, data: EncodedRows, *, left: bool, batch_size: int = 32) -> float:
    """Accuracy when rows of every length share a batch, as they arrive; padded on the right or on the left."""
    import torch

    right, order = 0, np.random.default_rng(0).permutation(len(data))
    with evaluating(model) as device, torch.inference_mode():
        for start in range(0, len(data), batch_size):
            batch = to_device(data.batch(order[start : start + batch_size]), device)
            batch = turned(batch) if left else batch
            labels = batch.pop("labels")
            right += int((model(**batch).logits.argmax(-1) == labels).sum())
    return right / len(data)


def words_score(labels: int, split: str, seed: int) -> float:
    """Accuracy of a bag of words on topics."""
    task = load_task("topics", train_rows=labels, seed=seed)
    rows = task.rows[split]
    return float((bag_of_words(task).predict(rows[task.text][:]) == np.asarray(rows[task.label][:])).mean())


CLAIMS: dict[str, Claim] = {
    "09-words-nobody-labelled": Claim(
        says="With 128 notices, full fine-tuning is more than 50 points above a bag of words on unseen words.",
        measure=lambda seed: scores("topics", "full", 128, seed, epochs=10)["unseen"] - words_score(128, "unseen", seed),
        at_least=0.50,
        seeds=(0, 1),
    ),
    "09-few-labels-train-less": Claim(
        says="With 32 notices, a head on the frozen encoder is more than five points above full fine-tuning.",
        measure=gain("topics", 32, "test", epochs=20, method="features", over="full"),
        at_least=0.05,
    ),
    "09-words-catch-up": Claim(
        says="With 512 notices, a bag of words is above .95 on the test rows, whose words the labels show.",
        measure=lambda seed: words_score(512, "test", seed),
        at_least=0.95,
    ),
    "09-errors-heap-up": Claim(
        says="With 64 notices, more than half of the errors on unseen words say one and the same class.",
        measure=heaped_errors,
        at_least=0.50,
        seeds=(0, 1),
    ),
    "09-never-says-spam": Claim(
        says="Of spam in unseen words, a bag of words that learned from 64 messages flags less than a tenth.",
        measure=lambda seed: silent_words(seed)["recall"],
        at_most=0.10,
    ),
    "09-but-ranks-it": Claim(
        says="And yet it ranks them: its average precision is above .90.",
        measure=lambda seed: silent_words(seed)["average_precision"],
        at_least=0.90,
    ),
    "09-encoder-finds-spam": Claim(
        says="From .5 on, an encoder that learned from the same messages finds more than 50 points more of the spam.",
        measure=lambda seed: spam_run(seed)["recall"] - silent_words(seed)["recall"],
        at_least=0.50,
        seeds=(0, 1),
    ),
    "09-little-left-to-rank": Claim(
        says="Its average precision is less than five points higher.",
        measure=lambda seed: spam_run(seed)["average_precision"] - silent_words(seed)["average_precision"],
        at_least=0.0,
        at_most=0.05,
        seeds=(0, 1),
    ),
    "09-weights-find-more": Claim(
        says="Class weights lift a head's recall of complaints by more than three points.",
        measure=complaint_gain("recall", "features", True, over=("features", False)),
        at_least=0.03,
    ),
    "09-weights-cost-precision": Claim(
        says="They lower its precision by more than five points.",
        measure=complaint_gain("precision", "features", True, over=("features", False)),
        at_most=-0.05,
    ),
    "09-weights-same-curve": Claim(
        says="They change its average precision by less than three points.",
        measure=complaint_gain("average_precision", "features", True, over=("features", False)),
        at_least=-0.03,
        at_most=0.03,
    ),
    "09-better-curve": Claim(
        says="Full fine-tuning has a higher average precision than the head alone, by more than two points.",
        measure=complaint_gain("average_precision", "full", False, over=("features", False)),
        at_least=0.02,
        seeds=(0, 1),
    ),
    "09-nearly-always-sure": Claim(
        says="More than eight in ten of its probabilities are below .01 or above .99.",
        measure=lambda seed: complaint_run("full", False, seed)["sure"],
        at_least=0.80,
        seeds=(0, 1),
    ),
    "09-errors-against-words": Claim(
        says="Reviews with a word against their label are commoner among its errors than among all, by over 40 points.",
        measure=lambda seed: complaint_run("full", False, seed)["against"],
        at_least=0.40,
        seeds=(0, 1),
    ),
    "09-several-topics": Claim(
        says="With 256 rows of several topics, micro F1 on unseen words is more than 50 points above bags of words.",
        measure=lambda seed: several_run(seed)["unseen"] - several_run(seed)["unseen bag of words"],
        at_least=0.50,
        seeds=(0, 1),
    ),
    "09-stars-miss": Claim(
        says="With 256 starred reviews, more than half of the predictions are wrong.",
        measure=lambda seed: stars_run(seed)["accuracy"],
        at_most=0.50,
        seeds=(0, 1),
    ),
    "09-stars-near": Claim(
        says="But no more than a fifth are two or more stars off.",
        measure=lambda seed: stars_run(seed)["far_off"],
        at_most=0.20,
        seeds=(0, 1),
    ),
    "09-decoder-read-little": Claim(
        says="With 128 notices the decoder stays below .60 on unseen words.",
        measure=lambda seed: decoder_run(seed)["unseen"],
        at_most=0.60,
        seeds=(0, 1),
    ),
    "09-padded-left": Claim(
        says="Padded on the left, in batches of rows as they come, it loses more than five points on the test rows.",
        measure=lambda seed: decoder_run(seed)["test"] - decoder_run(seed)["left"],
        at_least=0.05,
        seeds=(0, 1),
    ),
}
