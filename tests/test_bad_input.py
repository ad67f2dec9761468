"""Everything a learner's file can be wrong about ends in one sentence with the finding, the place and the remedy."""

import json
import math
import os
import zipfile
from pathlib import Path

import pytest

from course_utils.data import load_task
from course_utils.errors import CourseError

GOOD, BAD = ["fine", "lovely", "tasty", "bright", "kind"], ["dull", "cold", "stale", "grim", "rude"]
ROWS = [(f"The {thing} was {word}.", label) for thing in ("room", "soup", "film", "tram")
        for words, label in ((GOOD, "good"), (BAD, "bad")) for word in words]  # fmt: skip


def write_csv(path, rows=ROWS, header=("text", "label"), encoding="utf-8", newline="\n"):
    lines = [",".join(header), *(",".join(map(str, row)) for row in rows)]
    path.write_bytes((newline.join(lines) + newline).encode(encoding))
    return path


def error_of(path, **arguments) -> str:
    with pytest.raises(CourseError) as caught:
        load_task(path, **arguments)
    message = str(caught.value)
    assert "\n" not in message.strip() and len(message) < 500, "one sentence"
    return message


def test_path_that_is_not_there(tmp_path):
    write_csv(tmp_path / "reviews.csv")
    message = error_of(tmp_path / "review.csv")
    assert "no file or folder 'review.csv'" in message and "did you mean 'reviews.csv'" in message
    assert "nor the folder" in error_of(tmp_path / "nowhere" / "reviews.csv")
    assert "reviews.csv" in error_of(tmp_path / "xyz123.csv"), "what can be read there is listed"


def test_name_that_is_no_task():
    assert "did you mean 'sentiment'" in error_of("sentimnt")
    assert "did you mean 'answers'" in error_of("sentiment", kind="answer")


def test_folder_without_rows(tmp_path):
    assert "has no .csv" in error_of(tmp_path)
    write_csv(tmp_path / "test.csv")
    assert "no split 'train'" in error_of(tmp_path)


def test_unknown_kind_of_file(tmp_path):
    (tmp_path / "reviews.xlsx").write_bytes(b"PK\x03\x04")
    message = error_of(tmp_path / "reviews.xlsx")
    assert ".xlsx" in message and "save the table as CSV" in message


def test_no_such_column(tmp_path):
    path = write_csv(tmp_path / "reviews.csv", header=("review", "stars"))
    message = error_of(path, text="reviw", label="stars")
    assert (
        "no column 'reviw'" in message
        and "'review', 'stars'" in message
        and "did you mean 'review'" in message
    )
    assert "name two columns" in error_of(path, text="review", label="review")
    path = write_csv(tmp_path / "other.csv", header=("words", "mood"))
    assert "say which with text=" in error_of(path)


@pytest.mark.parametrize("name", ["e.csv", "e.tsv", "e.json", "e.jsonl", "e.parquet"])
def test_empty_file(tmp_path, name):
    (tmp_path / name).touch()
    assert "is empty (0 bytes)" in error_of(tmp_path / name)


def test_header_only(tmp_path):
    assert "a header (text, label) and no rows" in error_of(write_csv(tmp_path / "r.csv", rows=[]))
    (tmp_path / "r.json").write_text("[]")
    assert "no rows" in error_of(tmp_path / "r.json")
    (tmp_path / "blank.csv").write_text("\n\n")
    assert "no header" in error_of(tmp_path / "blank.csv")


def test_latin_1_is_read_with_a_warning(tmp_path):
    path = write_csv(tmp_path / "r.csv", rows=[*ROWS, ("Le café était très bon", "good")], encoding="latin-1")
    with pytest.warns(
        UserWarning, match=r"not UTF-8: line 42 has the byte 0xE9.*Le café était très bon.*save the file"
    ):
        task = load_task(path)
    assert any("café était très" in text for rows in task.rows.values() for text in rows["text"])


def test_neither_utf_8_nor_latin_1(tmp_path):
    (tmp_path / "r.csv").write_bytes(b"text,label\na caf\xe9,x\nodd \x81\x8d,y\n")
    assert "line 2 has the byte 0xE9; save the file as UTF-8" in error_of(tmp_path / "r.csv")
    (tmp_path / "b.csv").write_bytes(b"PK\x03\x04\x00\x00")
    assert "binary data" in error_of(tmp_path / "b.csv")


@pytest.mark.parametrize("content", [b"\xef\xbb\xbftext,label\na caf\xe9,x\n", b"\xff\xfet\x00e\x00x"])
def test_a_byte_order_mark_that_promises_too_much(tmp_path, content):
    (tmp_path / "r.csv").write_bytes(content)
    assert "begins as UTF-" in (message := error_of(tmp_path / "r.csv")) and "save it anew" in message


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-8"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_byte_order_marks_and_line_ends_work(tmp_path, encoding, newline, recwarn):
    header = ("\ufefftext", "label") if encoding == "utf-16-le" else ("text", "label")
    task = load_task(write_csv(tmp_path / "r.csv", header=header, encoding=encoding, newline=newline))
    assert task.text == "text" and sum(map(len, task.rows.values())) == len(ROWS)
    assert not [w for w in recwarn if issubclass(w.category, UserWarning)]


def test_a_row_with_too_many_fields(tmp_path):
    path = write_csv(tmp_path / "r.csv", rows=[*ROWS[:3], ("Good, and cheap", "good")])
    assert "line 5: 3 fields where the header has 2" in error_of(path)
    assert "line 2: 3 fields" in error_of(write_csv(path, rows=[("Good, and cheap", "good"), *ROWS]))


def test_a_quote_that_never_closes(tmp_path):
    path = write_csv(tmp_path / "r.csv", rows=[*ROWS[:3], ('"Good', "good"), *ROWS[3:]])
    assert "begins on line 5 is not valid CSV" in error_of(path)


def test_repeated_column(tmp_path):
    assert "several columns named 'text'" in error_of(write_csv(tmp_path / "r.csv", header=("text", "text")))


@pytest.mark.parametrize("missing", ["", "NaN", "  ", "null"])
def test_missing_labels(tmp_path, missing):
    rows = [(text, missing if i in (2, 7, 9, 20) else label) for i, (text, label) in enumerate(ROWS)]
    message = error_of(write_csv(tmp_path / "r.csv", rows=rows))
    assert "4 of 40 labels in column 'label'" in message and "rows 3, 8, 10 …" in message


@pytest.mark.parametrize("missing", [None, math.nan])
def test_missing_labels_in_json(tmp_path, missing):
    rows = [{"text": text, "label": float(i % 2) if i != 4 else missing} for i, (text, _) in enumerate(ROWS)]
    (tmp_path / "r.json").write_text(json.dumps(rows))
    assert "1 of 40 labels" in (message := error_of(tmp_path / "r.json")) and "row 5" in message


def test_unknown_label_in_validation(tmp_path):
    write_csv(tmp_path / "train.csv")
    write_csv(tmp_path / "validation.csv", rows=[("A fine day.", "good"), ("A dull day.", "baad")])
    message = error_of(tmp_path)
    assert "The validation rows" in message and "'baad'" in message and "did you mean 'bad'" in message


def test_splits_that_lack_a_column(tmp_path):
    write_csv(tmp_path / "train.csv")
    write_csv(tmp_path / "test.csv", rows=[(text,) for text, _ in ROWS], header=("text",))
    with pytest.warns(UserWarning, match="the test rows of .* have no labels, so this split is left out"):
        task = load_task(tmp_path)
    assert sum(map(len, task.rows.values())) == len(ROWS)
    write_csv(tmp_path / "validation.csv", header=("txt", "label"))
    message = error_of(tmp_path)
    assert "the validation rows" in message and "no column 'text' but 'txt', 'label'" in message


def test_files_that_number_the_same_classes_differently(tmp_path):
    from datasets import ClassLabel, Dataset, Features, Value

    texts, labels = zip(*ROWS, strict=True)
    for split, names in (("train", ["bad", "good"]), ("validation", ["good", "bad"])):
        features = Features(text=Value("string"), label=ClassLabel(names=names))
        rows = Dataset.from_dict({"text": texts, "label": list(map(names.index, labels))}, features=features)
        rows.to_parquet(tmp_path / f"{split}.parquet")
    write_csv(tmp_path / "test.csv")  # by name, where the others have numbers
    task = load_task(tmp_path)
    for split, rows in task.rows.items():
        assert [task.label_names[label] for label in rows["label"]] == list(labels), split


def test_one_class_only(tmp_path):
    assert "one class only ('good', 40 rows)" in error_of(
        write_csv(tmp_path / "r.csv", rows=[(text, "good") for text, _ in ROWS])
    )


def test_classes_that_are_no_classes(tmp_path):
    rows = [(text, i * 1.37) for i, (text, _) in enumerate(ROWS)]
    assert "40 different values in 40 rows" in error_of(write_csv(tmp_path / "r.csv", rows=rows))


def test_empty_texts(tmp_path):
    rows = [("  " if i == 5 else text, label) for i, (text, label) in enumerate(ROWS)]
    message = error_of(write_csv(tmp_path / "r.csv", rows=rows))
    assert "1 of 40 texts in column 'text'" in message and "row 6" in message


def test_a_text_that_is_nan(tmp_path):
    rows = [{"text": math.nan if i == 3 else text, "label": label} for i, (text, label) in enumerate(ROWS)]
    (tmp_path / "r.json").write_text(json.dumps(rows))
    assert "1 of 40 texts" in (message := error_of(tmp_path / "r.json")) and "row 4" in message


def test_texts_that_are_numbers(tmp_path):
    (tmp_path / "r.json").write_text(json.dumps([{"text": i, "label": i % 2} for i in range(20)]))
    assert "holds int values" in error_of(tmp_path / "r.json")


def test_class_too_small_to_split(tmp_path):
    message = error_of(write_csv(tmp_path / "r.csv", rows=[*ROWS, ("odd", "mixed"), ("so so", "mixed")]))
    assert "class 'mixed' has 2 different texts" in message and "at least 3" in message


def test_classes_that_differ_in_case_are_told(tmp_path):
    rows = [(text, label.upper() if i % 2 else label) for i, (text, label) in enumerate(ROWS)]
    with pytest.warns(UserWarning, match="differ in case only"):
        load_task(write_csv(tmp_path / "r.csv", rows=rows))


def test_too_many_training_rows_asked_for(tmp_path):
    path = write_csv(tmp_path / "r.csv")
    for n in (0, -1, 41):
        assert "training rows: ask for 1 to" in error_of(path, train_rows=n)


def test_a_saved_set_that_is_empty_or_not_whole(tmp_path):
    from datasets import Dataset, DatasetDict

    DatasetDict(train=Dataset.from_dict({"text": [], "label": []})).save_to_disk(tmp_path / "empty")
    message = error_of(tmp_path / "empty")  # older releases of datasets read it
    assert "a split is empty" in message or "has no rows" in message
    (tmp_path / "partial").mkdir()
    (tmp_path / "partial" / "dataset_dict.json").write_text('{"splits": ["train"]}')
    assert "was not copied whole" in error_of(tmp_path / "partial")


def test_a_number_too_large_for_a_column_is_kept_as_text(tmp_path):
    rows = [{"id": 2**70, "text": text, "label": label} for text, label in ROWS]
    (tmp_path / "r.json").write_text(json.dumps(rows))
    assert load_task(tmp_path / "r.json").rows["train"]["id"][0] == str(2**70)


@pytest.mark.parametrize(
    ("name", "content", "finding"),
    [
        ("r.json", '[{"text": "a", "label": 1},]', "line 1: not valid JSON"),
        ("r.json", '{"text": ["a", "b"], "label": [1]}', "different lengths"),
        ("r.json", "17", "no list of rows"),
        ("r.json", '["a"]', "element 1: found str"),
        ("r.jsonl", '{"text": "a", "label": 1}\n{"text": ', "line 2: not valid JSON"),
        ("r.parquet", "PAR1 and then nothing", "not a whole Parquet file"),
    ],
)
def test_broken_files(tmp_path, name, content, finding):
    (tmp_path / name).write_text(content)
    assert finding in error_of(tmp_path / name)


def test_entities_that_do_not_fit(tmp_path):
    def message(*rows):
        (tmp_path / "r.jsonl").write_text("\n".join(json.dumps({"tokens": w, "tags": t}) for w, t in rows))
        return error_of(tmp_path / "r.jsonl")

    assert "row 2: 2 words and 1 tags" in message((["a"], ["O"]), (["a", "b"], ["O"]))
    assert "the tag 'PER' is not O, B-… or I-…" in message((["Anna"], ["PER"]))
    assert "the tag 3 is not" in message((["Anna"], [3]))
    assert "must be lists" in message(("Anna", "B-PER"))
    assert "is empty" in message((["Anna", " "], ["B-PER", "O"]))
    known = (["Anna"], ["B-PER"])
    (tmp_path / "both").mkdir()
    for split, tags in (("train", ["B-PER"]), ("validation", ["B-LOC"])):
        rows = [json.dumps({"tokens": ["Anna"], "tags": tags})] * 4
        (tmp_path / "both" / f"{split}.jsonl").write_text("\n".join(rows))
    assert "the validation rows" in (found := error_of(tmp_path / "both")) and "tag 'B-LOC'" in found
    assert "row 2: the tag 'X-PER'" in message(known, (["Anna"], ["X-PER"]))
    assert "all tags are O" in message((["a"], ["O"]), (["b"], ["O"]))


def test_answers_that_do_not_stand_where_they_say(tmp_path):
    def message(answers):
        row = {"question": "Where?", "context": "Anna lives in Oslo.", "answers": answers}
        (tmp_path / "r.jsonl").write_text(json.dumps(row))
        return error_of(tmp_path / "r.jsonl")

    assert "'Oslo' does not stand at character 13" in message({"text": ["Oslo"], "answer_start": [13]})
    assert "does not stand at character -5" in message({"text": ["Oslo"], "answer_start": [-5]})
    assert "must be {" in message("Oslo")
    assert "one text and one answer_start" in message({"text": ["Oslo"], "answer_start": []})


def test_translation_without_its_other_half(tmp_path):
    (tmp_path / "r.jsonl").write_text(json.dumps({"translation": {"en": "Yes.", "fr": ""}}))
    assert "a text in both languages" in error_of(tmp_path / "r.jsonl")


def test_over_long_texts_are_counted_once(tmp_path):
    from helpers_tiny import tiny_tokenizer

    from course_utils.batching import encode

    rows = [*ROWS, *((f"{'the room was good ' * 20}{i}", "good") for i in range(4))]
    task = load_task(write_csv(tmp_path / "reviews.csv", rows))
    with pytest.warns(UserWarning, match=r"4 of 44 texts are longer than max_length=48 tokens") as caught:
        encoded = encode(task, tiny_tokenizer(), max_length=48)
    assert len(caught) == 1 and sum(rows.cut for rows in encoded.values()) == 4


def test_a_tokenizer_of_another_model_is_refused_wherever_its_rows_meet_the_model(tmp_path):
    """Without it the run would go on, on embeddings that mean other words."""
    from helpers_tiny import tiny_model, tiny_tokenizer

    from course_utils.adaptation import cache_features
    from course_utils.batching import encode
    from course_utils.prediction import predict_labels
    from course_utils.training import TrainConfig, evaluate, predict_logits, train

    task, model, tokenizer = (
        load_task(write_csv(tmp_path / "r.csv")),
        tiny_model("classification"),
        tiny_tokenizer(),
    )
    config, rows = TrainConfig(max_steps=1), encode(task, tokenizer)["train"]
    train(model, rows, config)
    tokenizer.pad_token = "[MASK]"  # as in a checkpoint whose special tokens have other numbers
    other = encode(task, tokenizer)["train"]
    for use in (
        lambda: train(model, other, config),
        lambda: train(model, rows, config, validation=other),
        lambda: evaluate(model, other),
        lambda: predict_logits(model, other.select([0, 1])),
        lambda: cache_features(model, other),
        lambda: predict_labels(model, tokenizer, ["the room was good"]),
    ):
        with pytest.raises(
            CourseError, match="expects pad_token_id=0 and the tokenizer says 4: load both from"
        ):
            use()


def test_rows_longer_than_the_positions_of_the_model(tmp_path):
    from helpers_tiny import tiny_model, tiny_tokenizer

    from course_utils.batching import encode
    from course_utils.prediction import predict_labels
    from course_utils.training import TrainConfig, train

    task = load_task(
        write_csv(tmp_path / "r.csv", [(f"{text} {'was good ' * 50}", label) for text, label in ROWS])
    )
    model, tokenizer = tiny_model("classification"), tiny_tokenizer(max_length=10**30)
    with pytest.raises(
        CourseError, match="and the model has positions for 64; encode with max_length=64 or less"
    ):
        train(model, encode(task, tokenizer, max_length=512)["train"], TrainConfig(max_steps=1))
    with pytest.warns(UserWarning, match="64 tokens that the model reads"):
        assert len(predict_labels(model, tokenizer, ["was good " * 50])) == 1


@pytest.mark.parametrize(
    ("family", "usable"), [("Roberta", 62), ("Bert", 64), ("ModernBert", None), ("GPT2", 64)]
)
def test_positions_of_a_model(family, usable):
    import transformers

    from course_utils.models import learned_positions

    config = getattr(transformers, f"{family}Config")(
        vocab_size=32, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=64, pad_token_id=1, bos_token_id=2, eos_token_id=3,
    )  # fmt: skip
    assert learned_positions(transformers.AutoModel.from_config(config)) == usable


def test_text_in_an_alphabet_that_the_tokenizer_does_not_have(tmp_path):
    from helpers_tiny import tiny_tokenizer

    from course_utils.batching import encode

    rows = [(f"これは とても 良い 部屋 {'です ' * i}", label) for i, (_, label) in enumerate(ROWS)]
    with pytest.warns(UserWarning, match=r"100% of the tokens are '\[UNK\]': the tokenizer cannot read"):
        encode(load_task(write_csv(tmp_path / "r.csv", rows)), tiny_tokenizer())


def test_nothing_leaves_an_archive(tmp_path, monkeypatch):
    """Given as data it is refused in one sentence, and no path in it is followed."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "deep" / "data"
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / "more.zip", "w") as archive:
        for name in ("../../escaped.csv", "/escaped.csv"):
            archive.writestr(name, "text,label\nout,bad\n")
    assert "ends in '.zip', and the course reads .csv" in error_of(folder / "more.zip")
    assert "more.zip is an archive, and the course opens none" in error_of(folder)
    write_csv(folder / "reviews.csv")  # read by `datasets`, which looks into archives
    assert "more.zip is an archive, and the course opens none" in error_of(folder)
    (folder / "more.zip").rename(folder / "renamed.csv")
    assert "holds binary data" in error_of(folder / "renamed.csv")
    places = [tmp_path, Path(os.environ["HF_HOME"]).parent]
    assert not [found for place in places for found in place.rglob("escaped*")]
