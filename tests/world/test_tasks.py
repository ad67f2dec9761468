"""The six labelled sets: the columns of their counterparts, nothing shared by two splits, nothing leaked."""

import hashlib
import json
import os
import re
import subprocess
import sys
from collections import Counter
from string import Formatter

import pytest
from datasets import ClassLabel, DatasetDict, Features, Sequence, Translation, Value

from course_utils.errors import CourseError
from course_utils.world import almanac, bilingual_phrases, names, news, notices, reviews, tasks
from course_utils.world.draw import Split, words

SETS = ("sentiment", "topics", "spam", "entities", "answers", "translation")
SIZES = {"train": 600, "validation": 150, "test": 150, "unseen": 300}

# Written from the cards of the real sets, not from the code.
TEXT, INTEGER = Value("string"), Value("int32")
ENTITY_TAGS = ["O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC", "B-MISC", "I-MISC"]
FEATURES = {
    "sentiment": {"sentence": TEXT, "label": ClassLabel(names=["negative", "positive"]), "idx": INTEGER},
    "topics": {"text": TEXT, "label": ClassLabel(names=["World", "Sports", "Business", "Sci/Tech"])},
    "spam": {"sms": TEXT, "label": ClassLabel(names=["ham", "spam"])},
    # The real set also has pos_tags and chunk_tags, which no lesson reads.
    "entities": {"id": TEXT, "tokens": Sequence(TEXT), "ner_tags": Sequence(ClassLabel(names=ENTITY_TAGS))},
    "answers": {
        "id": TEXT, "title": TEXT, "context": TEXT, "question": TEXT,
        "answers": Sequence({"text": TEXT, "answer_start": INTEGER}),
    },
    "translation": {"id": TEXT, "translation": Translation(languages=["en", "fr"])},
}  # fmt: skip


def made(name: str, **sizes: int) -> DatasetDict:
    return tasks.task_set(name, sizes={**SIZES, **sizes})


@pytest.fixture(scope="module")
def sets() -> dict[str, DatasetDict]:
    return {name: made(name) for name in SETS}


def plain(name: str, row: dict) -> str:
    """What a reader of the row sees."""
    if name == "translation":
        return row["translation"]["en"] + "\n" + row["translation"]["fr"]
    if name == "answers":
        return row["context"] + "\n" + row["question"]
    value = row[tasks.TASKS[name].input]
    return " ".join(value) if isinstance(value, list) else value


@pytest.mark.parametrize("name", SETS)
def test_columns_and_features_are_those_of_the_counterpart(sets, name):
    assert set(tasks.TASKS) == set(SETS)
    assert isinstance(sets[name], DatasetDict) and list(sets[name]) == [
        "train",
        "validation",
        "test",
        "unseen",
    ]
    for split, rows in sets[name].items():
        assert rows.features == Features(FEATURES[name]), split
        assert len(rows) == SIZES[split]


@pytest.mark.parametrize("name", SETS)
def test_no_input_comes_twice_in_a_set(sets, name):
    # The context alone, not with its question: a passage that was trained on is in no other split.
    of_row = (lambda row: row["context"]) if name == "answers" else (lambda row: plain(name, row))
    inputs = [of_row(row) for split in sets[name].values() for row in split]
    assert len(inputs) == len(set(inputs)) == sum(SIZES.values())
    if name == "translation":  # an English sentence has one French one, so no source comes twice either
        sources = [text.split("\n")[0] for text in inputs]
        assert len(sources) == len(set(sources))


@pytest.mark.parametrize("name", SETS)
def test_a_smaller_train_is_the_beginning_of_a_larger_one(sets, name):
    small = made(name, train=120)
    assert list(small["train"]) == list(sets[name]["train"].select(range(120)))
    for split in ("validation", "test", "unseen"):
        assert list(small[split]) == list(sets[name][split])


@pytest.mark.parametrize("name", ["sentiment", "entities", "answers", "translation"])
def test_rows_are_numbered_where_the_counterpart_numbers_them(sets, name):
    number = tasks.TASKS[name].number
    for split, rows in sets[name].items():
        expected = list(range(len(rows))) if number == "idx" else [f"{split}-{i}" for i in range(len(rows))]
        assert list(rows[number]) == expected


def fingerprint() -> str:
    digest = hashlib.sha256()
    for name in SETS:
        for split in tasks.SIZES:
            rows = tasks.rows(name, split, 60, seed=5)
            digest.update(json.dumps(rows, ensure_ascii=False, sort_keys=True).encode())
    return digest.hexdigest()


def test_the_same_seed_gives_the_same_bytes_in_another_process():
    environment = os.environ | {"PYTHONHASHSEED": "17"}
    ran = subprocess.run(
        [sys.executable, __file__], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert ran.stdout.strip() == fingerprint()


@pytest.mark.parametrize("name", SETS)
def test_another_seed_gives_other_rows(name):
    one, two = ({plain(name, row) for row in tasks.rows(name, "train", 100, seed=seed)} for seed in (0, 1))
    assert len(one & two) < 20  # a short message may well come again


def test_classes_are_balanced_but_for_spam(sets):
    for name, shares in {"sentiment": [0.5] * 2, "topics": [0.25] * 4, "spam": [0.87, 0.13]}.items():
        labels = Counter(sets[name]["train"]["label"])
        for label, share in enumerate(shares):
            assert labels[label] / SIZES["train"] == pytest.approx(share, abs=0.07), (name, label)


def test_answers_stand_where_they_say(sets):
    for split in sets["answers"].values():
        for row in split:
            (text,), (start,) = row["answers"]["text"], row["answers"]["answer_start"]
            assert text and row["context"][start : start + len(text)] == text
            before, after = row["context"][start - 1 : start], row["context"][start + len(text)][:1]
            assert not before.isalnum() and not after.isalnum(), row  # whole words
            assert row["title"] in row["context"] and row["question"].endswith("?")


def test_tags_are_one_a_token_and_valid(sets):
    kinds = Counter()
    for split in sets["entities"].values():
        for row in split:
            assert len(row["tokens"]) == len(row["ner_tags"]) > 0 and all(row["tokens"])
            tags = [ENTITY_TAGS[tag] for tag in row["ner_tags"]]
            for before, tag in zip(["O", *tags], tags, strict=False):
                assert not tag.startswith("I-") or before[2:] == tag[2:], row
            kinds.update(tag[2:] for tag in tags if tag.startswith("B-"))
    assert min(kinds[kind] for kind in ("PER", "ORG", "LOC", "MISC")) > 100


# ---------------------------------------------------------------- nothing leaks
# A split holds nothing of the other side: below, `side` is what a split may use and `other` what it may not.

SIDES = [("train", "shown", "unseen"), ("test", "shown", "unseen"), ("unseen", "unseen", "shown")]


def longest_literal(frame: str) -> str:
    """The longest piece of a frame between its slots."""
    return max((before for before, *_ in Formatter().parse(frame)), key=len)


def telltales(splits: list[Split[str]], side: str, other: str) -> list[str]:
    """Pieces of at least ten characters that only frames of the other side have."""
    allowed = "\n".join(frame for some in splits for frame in some.part(side))
    pieces = {longest_literal(frame) for some in splits for frame in some.part(other)}
    return sorted(piece for piece in pieces if len(piece) >= 10 and piece not in allowed)


FRAMES = {
    "sentiment": list(reviews.FRAME_SPLITS.values()),
    "topics": [notices.HEADLINES, notices.SENTENCES, notices.INTRUSIONS],
    "spam": list(notices.MESSAGES.values()),
    "entities": [Split(news.reports("shown"), news.reports("unseen"), news.reports("all"))],
    "answers": list(almanac.FRAMES.values()),
}


@pytest.mark.parametrize("split, side, other", SIDES)
@pytest.mark.parametrize("name", FRAMES)
def test_no_frame_of_the_other_side(sets, name, split, side, other):
    pieces = telltales(FRAMES[name], side, other)
    assert len(pieces) >= 8, "too few to prove anything"
    text = "\n".join(plain(name, row).replace(" ,", ",").replace(" .", ".") for row in sets[name][split])
    assert not [piece for piece in pieces if piece in text]
    mine = telltales(FRAMES[name], other, side)
    assert any(piece in text for piece in mine), "the test must be able to find a frame"


@pytest.mark.parametrize("split, side, other", SIDES)
def test_no_polarity_word_of_the_other_side(sets, split, side, other):
    parts = {"shown": reviews.SHOWN_WORDS, "unseen": reviews.UNSEEN_WORDS}
    for row in sets["sentiment"][split]:
        used = {word.lower() for word, *_ in words(row["sentence"])}
        assert used & parts[side] and not used & parts[other], row


def name_words(part: str) -> set[str]:
    """The words of all names of a part, cut as the tokens of a row are: "Beekeepers", "'", "Union"."""
    listed = " ".join(name for lists in names.NAMES.values() for name in lists.part(part))
    return {word for word, *_ in words(listed)} - names.FUNCTION_WORDS - {"'"}


@pytest.mark.parametrize("split, side, other", SIDES)
def test_no_name_of_the_other_side(sets, split, side, other):
    mine, theirs = name_words(side), name_words(other)
    for row in sets["entities"][split]:
        entity = {token for token, tag in zip(row["tokens"], row["ner_tags"], strict=True) if tag}
        assert entity - names.FUNCTION_WORDS - {"'"} <= mine and not entity & theirs, row
    allowed, values = (
        {value for pool in almanac.POOLS.values() for value in pool.part(part)} for part in (side, other)
    )
    for row in sets["answers"][split]:
        assert not {word for word, *_ in words(row["title"])} & theirs, row["title"]
        assert row["answers"]["text"][0] not in values - allowed, row


@pytest.mark.parametrize("split, side, other", SIDES)
def test_no_topic_word_of_the_other_side(sets, split, side, other):
    lists = [lists for topic in notices.TOPIC_WORDS.values() for lists in topic.values()]

    def forms(part: str) -> set[str]:
        return {form.lower() for some in lists for word in some.part(part) for form in word.split("/")}

    # "final" inside "semi-final" is no leak, so the longest form that fits is the one that counts.
    by_length = sorted(map(re.escape, forms("all")), key=len, reverse=True)
    pattern = re.compile(rf"(?<![\w-])({'|'.join(by_length)})(?![\w-])")
    found = {form for row in sets["topics"][split] for form in pattern.findall(row["text"].lower())}
    assert len(found) > 50 and found <= forms(side)


@pytest.mark.parametrize("split, side, other", SIDES)
def test_no_noun_of_the_other_side_is_translated(sets, split, side, other):
    def nouns(part: str) -> set[str]:
        lists = [some.part(part) for some in bilingual_phrases.NOUNS.values()]
        return {
            form for some in lists for noun in some for form in noun.french
        }  # English has "saw", the verb

    def holds(noun: str, text: str) -> bool:
        return re.search(rf"(?<![\w-]){re.escape(noun)}(?![\w-])", text) is not None

    own = " ".join(nouns(side))
    theirs = [noun for noun in nouns(other) if not holds(noun, own)]  # "pomme" is in "pomme de terre"
    text = "\n".join(row["fr"] for row in sets["translation"][split]["translation"]).lower()
    assert len(theirs) > 80 and any(holds(noun, text) for noun in nouns(side))
    assert not [noun for noun in theirs if holds(noun, text)]


# ---------------------------------------------------------------- bad input


def test_an_unknown_set_is_named_with_its_neighbours():
    with pytest.raises(CourseError, match=r"no set 'sentimant'.*did you mean 'sentiment'"):
        tasks.task_set("sentimant")


def test_more_rows_than_there_are_is_said_and_not_looped_over(monkeypatch):
    monkeypatch.setitem(
        tasks.TASKS, "dull", tasks.TaskGrammar(lambda draw, part: {"text": "Always this."}, "none", "text")
    )
    with pytest.raises(CourseError, match="'dull' has fewer than 3 different rows for 'test'"):
        tasks.rows("dull", "test", 3)


if __name__ == "__main__":
    print(fingerprint())
