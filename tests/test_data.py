"""Every source ends in the same task: right columns, honest splits, nested subsets."""

import csv
import json
from collections import Counter
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from datasets import ClassLabel, Dataset, DatasetDict
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils.data import SPLITS, Task, balanced_order, load_task
from course_utils.data_checks import check_rows

REAL = Path(__file__).parents[2] / "shared" / "realdata"
needs_real_rows = pytest.mark.skipif(
    not REAL.is_dir(), reason="the optional folder ../shared/realdata is absent"
)
MINI = {
    "sentiment": ("classification", "sentence", "label"),
    "topics": ("classification", "text", "label"),
    "spam": ("classification", "sms", "label"),
    "entities": ("entities", "tokens", "ner_tags"),
    "answers": ("answers", "context", "answers"),
    "translation": ("translation", "translation", "translation"),
}


def texts(task: Task, split: str) -> list[str]:
    return [str(text) for text in task.rows[split][task.text]]


def reviews(path: Path, n: int = 200, stars=(1, 2, 3, 4, 5)) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["review", "stars"])
        writer.writerows([f'Room {i}, "clean" and\nquiet', float(stars[i % len(stars)])] for i in range(n))
    return path


# ---------------------------------------------------------------- sources


@pytest.fixture
def small_world(monkeypatch):
    """The mini world with few rows, drawn afresh."""
    from course_utils import data

    monkeypatch.setattr(
        "course_utils.world.tasks.SIZES", {"train": 64, "validation": 16, "test": 16, "unseen": 16}
    )
    data._mini_set.cache_clear()
    yield
    data._mini_set.cache_clear()


@pytest.mark.parametrize("name", MINI)
def test_mini_world(name, small_world):
    task = load_task(name, scale="mini")
    assert (task.kind, task.text, task.label) == MINI[name]
    assert {split: len(rows) for split, rows in task.rows.items()} == dict(
        zip(SPLITS, (64, 16, 16, 16), strict=True)
    )
    assert bool(task.label_names) == (task.kind in ("classification", "entities"))
    assert load_task(name, scale="mini").rows["test"] is task.rows["test"], "made once"
    assert len(load_task(name, scale="mini", train_rows=24).rows["train"]) == 24
    longer = load_task(name, scale="mini", train_rows=80)
    assert len(longer.rows["train"]) == 80, "as many as are asked for"
    assert texts(longer, "test") == texts(task, "test")


@pytest.mark.parametrize("name", MINI)
def test_what_the_mini_world_makes_passes_every_check(name, small_world):
    task = load_task(name, scale="mini")
    rows, names = check_rows(task.kind, task.rows, task.text, task.label, name)
    assert names == task.label_names and list(rows) == list(task.rows)


@needs_real_rows
@pytest.mark.parametrize(
    ("folder", "kind", "text", "label", "first_names"),
    [
        ("sst2", "classification", "sentence", "label", ("negative", "positive")),
        ("ag_news", "classification", "text", "label", ("World", "Sports", "Business", "Sci/Tech")),
        ("sms_spam", "classification", "sms", "label", ("ham", "spam")),
        ("wikigold", "entities", "tokens", "ner_tags", ("O", "B-PER", "I-PER")),
        ("squad", "answers", "context", "answers", ()),
        ("tatoeba_en_fr", "translation", "translation", "translation", ()),
    ],
)
def test_real_folders(folder, kind, text, label, first_names):
    task = load_task(REAL / folder)
    assert (task.name, task.kind, task.text, task.label) == (folder, kind, text, label)
    assert task.label_names[: len(first_names)] == first_names
    assert list(task.rows) == ["train", "validation", "test"]


def test_csv_with_stars_quotes_and_line_ends(tmp_path):
    task = load_task(reviews(tmp_path / "hotel reviews.csv"), text="review", label="stars")
    assert task.name == "hotel reviews" and task.label_names == ("1", "2", "3", "4", "5")
    assert {split: len(rows) for split, rows in task.rows.items()} == {
        "train": 160,
        "validation": 20,
        "test": 20,
    }
    assert isinstance(task.rows["train"].features["stars"], ClassLabel)
    first = task.rows["train"][0]
    number = int(first["review"].split(",")[0].removeprefix("Room "))
    assert first["review"].endswith('"clean" and\nquiet')
    assert task.label_names[first["stars"]] == str(1 + number % 5)


@pytest.mark.parametrize(
    "form", ["csv", "semicolon", "tsv", "json", "columns.json", "data.json", "jsonl", "parquet"]
)
def test_forms_of_one_table_give_one_task(tmp_path, form):
    rows = [{"text": f"text number {i}", "label": "yes" if i % 3 else "no"} for i in range(60)]
    path = tmp_path / f"rows.{ {'semicolon': 'csv'}.get(form, form) }"
    line = {"csv": ",", "semicolon": ";", "tsv": "\t"}
    if form in line:
        path.write_text(
            "".join(f"{line[form].join(row)}\n" for row in [("text", "label"), *(r.values() for r in rows)])
        )
    elif form == "jsonl":
        path.write_text("\n".join(map(json.dumps, rows)))
    elif form == "parquet":
        Dataset.from_list(rows).to_parquet(path)
    else:
        columns = {name: [row[name] for row in rows] for name in rows[0]}
        data = {"json": rows, "columns.json": columns, "data.json": {"data": rows}}
        path.write_text(json.dumps(data[form]))
    task = load_task(path)
    assert task.label_names == ("no", "yes") and sum(map(len, task.rows.values())) == 60
    for row in task.rows["test"]:
        assert task.label_names[row["label"]] == ("yes" if int(row["text"].split()[-1]) % 3 else "no")


def test_parquet_keeps_the_names_of_its_classes(tmp_path):
    rows = Dataset.from_dict({"text": [f"t{i}" for i in range(30)], "label": [i % 2 for i in range(30)]})
    rows.cast_column("label", ClassLabel(names=["worse", "better"])).to_parquet(tmp_path / "r.parquet")
    assert load_task(tmp_path / "r.parquet").label_names == ("worse", "better")


def test_mixed_kinds_of_labels_become_names(tmp_path):
    rows = [{"text": f"t{i}", "label": (1, "two", True)[i % 3]} for i in range(60)]
    (tmp_path / "r.json").write_text(json.dumps(rows))
    assert set(load_task(tmp_path / "r.json").label_names) == {"1", "two", "true"}


def test_folder_of_plain_files_and_of_a_saved_set(tmp_path):
    for split, n in (("train", 100), ("dev", 20)):
        reviews(tmp_path / f"{split}.csv", n)
    task = load_task(tmp_path, text="review", label="stars")
    assert {s: len(rows) for s, rows in task.rows.items()} == {"train": 100, "validation": 10, "test": 10}
    task.rows.save_to_disk(tmp_path / "saved")
    again = load_task(tmp_path / "saved", text="review", label="stars")
    assert again.label_names == task.label_names and texts(again, "test") == texts(task, "test")


def test_hidden_test_labels_are_left_out(tmp_path):
    def rows(n, label):
        return Dataset.from_dict(
            {"text": [f"{label} {i}" for i in range(n)], "label": [label(i) for i in range(n)]}
        ).cast_column("label", ClassLabel(names=["no", "yes"]))

    hidden = DatasetDict(
        train=rows(40, lambda i: i % 2), validation=rows(20, lambda i: i % 2), test=rows(9, lambda i: -1)
    )
    hidden.save_to_disk(tmp_path / "glue")
    with pytest.warns(UserWarning, match="test rows of .* have no labels"):
        task = load_task(tmp_path / "glue")
    assert {s: len(r) for s, r in task.rows.items()} == {"train": 40, "validation": 10, "test": 10}


def test_entities_from_jsonl(tmp_path):
    rows = [{"tokens": ["Anna", "Berg", f"n{i}"], "tags": ["B-PER", "I-PER", "O"]} for i in range(30)]
    (tmp_path / "r.jsonl").write_text("\n".join(map(json.dumps, rows)))
    task = load_task(tmp_path / "r.jsonl")
    assert (task.kind, task.label, task.label_names) == ("entities", "tags", ("O", "B-PER", "I-PER"))
    assert task.rows["test"]["tags"][0] == [1, 2, 0]


# ---------------------------------------------------------------- splits and subsets


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 2)), min_size=30, max_size=120), st.integers(0, 5)
)
def test_splits_are_a_partition_in_which_no_text_stands_twice(tmp_path_factory, pairs, seed):
    extra = [(100 + i, i % 3) for i in range(9)]  # enough of each class
    path = tmp_path_factory.mktemp("splits") / "r.csv"
    path.write_text("text,label\n" + "".join(f"text {t},class {label}\n" for t, label in [*pairs, *extra]))
    task = load_task(path, seed=seed)
    by_split = {split: texts(task, split) for split in task.rows}
    assert sorted(chain(*by_split.values())) == sorted(f"text {t}" for t, _ in [*pairs, *extra])
    for a, b in (("train", "validation"), ("train", "test"), ("validation", "test")):
        assert not set(by_split[a]) & set(by_split[b])
    assert all(by_split.values())
    assert texts(load_task(path, seed=seed), "test") == by_split["test"], "the same seed, the same rows"


def test_splits_are_stratified_and_seeded(tmp_path):
    path = reviews(tmp_path / "r.csv", 500, stars=(1, 1, 1, 1, 5))
    first, second = (load_task(path, text="review", label="stars", seed=seed) for seed in (0, 1))
    assert Counter(first.rows["validation"]["stars"]) == {0: 40, 1: 10}
    assert texts(first, "test") != texts(second, "test")


def test_questions_on_one_passage_stay_together(tmp_path):
    rows = [
        {
            "question": f"q{i}",
            "context": f"Passage {i // 5} is here.",
            "answers": {"text": ["here"], "answer_start": [13 + len(str(i // 5)) - 1]},
        }
        for i in range(100)
    ]
    (tmp_path / "r.jsonl").write_text("\n".join(map(json.dumps, rows)))
    task = load_task(tmp_path / "r.jsonl")
    assert task.kind == "answers" and not set(texts(task, "train")) & set(texts(task, "test"))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=80), st.integers(0, 3))
def test_every_beginning_of_the_balanced_order_is_balanced(classes, seed):
    order = balanced_order(classes, seed)
    assert sorted(order) == list(range(len(classes)))
    have = Counter(classes)
    for n in range(1, len(classes) + 1):
        counts = Counter(np.asarray(classes)[order[:n]].tolist())
        most = max(counts.values())
        # A class is behind only when it has no rows left.
        assert all(counts[c] >= min(have[c], most - 1) for c in have)


def test_train_rows_are_balanced_nested_and_seeded(tmp_path):
    path = reviews(tmp_path / "r.csv", 500)

    def load(n, seed):
        return load_task(path, text="review", label="stars", train_rows=n, seed=seed)

    small, large = load(64, 0), load(128, 0)
    assert texts(large, "train")[:64] == texts(small, "train")
    assert set(Counter(small.rows["train"]["stars"]).values()) == {12, 13}
    assert texts(small, "test") == texts(load_task(path, text="review", label="stars"), "test")
    whole = load_task(path, text="review", label="stars")
    assert texts(whole.with_train_rows(64, seed=0), "train") != texts(
        whole.with_train_rows(64, seed=1), "train"
    )


def test_a_task_says_what_it_is(tmp_path):
    shown = str(load_task(reviews(tmp_path / "r.csv"), text="review", label="stars"))
    assert (
        "160 train, 20 validation, 20 test rows" in shown and "reads 'review'; labels 1, 2, 3, 4, 5" in shown
    )
