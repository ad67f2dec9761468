"""Baselines learn what they are meant to learn, and no more."""

import pytest
from datasets import Dataset, DatasetDict

from course_utils import baselines
from course_utils.data import Task, load_task
from course_utils.errors import CourseError
from course_utils.metrics import answer_scores, entity_scores, translation_scores


def pairs(*texts):
    rows = Dataset.from_dict({"translation": [dict(zip(("en", "fr"), pair, strict=True)) for pair in texts]})
    return Task("pairs", "translation", DatasetDict(train=rows), "translation", "translation", languages=("en", "fr"))


def test_the_majority_class_is_the_commonest():
    task = load_task("spam", train_rows=100)
    assert set(baselines.majority_class(load_task("spam")).predict(task.rows["train"]["sms"][:])) == {0}


def test_a_bag_of_words_beats_the_majority_and_knows_no_unseen_words():
    task = load_task("topics", train_rows=512)
    model = baselines.bag_of_words(task)
    right = {split: model.score(rows["text"][:], rows["label"][:]) for split, rows in task.rows.items()}
    assert right["test"] > 0.8 > right["unseen"]


def test_weights_make_a_rare_class_likelier():
    task = load_task("spam", train_rows=None)
    texts = task.rows["test"]["sms"][:]
    plain, balanced = (baselines.bag_of_words(task, balanced=b).predict_proba(texts)[:, 1] for b in (False, True))
    assert (balanced > plain).mean() > 0.9


def test_a_gazetteer_finds_the_longest_name_that_it_has_seen():
    gazetteer = baselines.Gazetteer({("Ada",): "PER", ("Ada", "Berg"): "PER", ("Berg",): "LOC"})
    assert gazetteer.tag(["Ada", "Berg", "met", "Berg", "and", "Cid"]) == ["B-PER", "I-PER", "O", "B-LOC", "O", "O"]
    assert gazetteer.tag([]) == []


def test_a_gazetteer_knows_no_unseen_names():
    task = load_task("entities")
    gazetteer = baselines.Gazetteer.of(task)
    f1 = {}
    for split in ("train", "unseen"):
        rows = task.rows[split].select(range(200))
        wanted = [[task.label_names[i] for i in tags] for tags in rows["ner_tags"][:]]
        f1[split] = entity_scores([gazetteer.tag(words) for words in rows["tokens"][:]], wanted)["f1"]
    assert f1["train"] > 0.8 and f1["unseen"] < 0.1


def test_an_answer_stands_in_the_sentence_that_shares_most_words():
    context = "Ada Berg runs the mill. The mill was built by Cid Dale in May."
    assert baselines.overlapping_answer("Who runs the mill?", context) == "Ada Berg"
    assert baselines.overlapping_answer("By whom was the mill built?", context) == "Cid Dale in May"
    assert baselines.overlapping_answer("Who?", "Who?") == ""


def test_overlap_answers_some_questions():
    rows = load_task("answers").rows["test"].select(range(200))
    given = [baselines.overlapping_answer(row["question"], row["context"]) for row in rows]
    assert 0.02 < answer_scores(given, [row["answers"]["text"] for row in rows])["f1"] < 0.6


def test_model_1_finds_the_translation_of_a_word():
    table = baselines.model_1([(["the", "dog"], ["le", "chien"]), (["the", "cat"], ["le", "chat"])], rounds=10)
    assert max(table["dog"], key=table["dog"].get) == "chien" and max(table["the"], key=table["the"].get) == "le"
    assert sum(table["dog"].values()) == pytest.approx(1)


def test_a_phrase_table_puts_known_phrases_side_by_side():
    task = pairs(("the red dog", "le chien rouge"), ("the dog", "le chien"), ("the cat", "le chat"), ("a red cat", "un chat rouge"))
    table = baselines.PhraseTable.of(task)
    assert table.translate("the dog") == "le chien"
    assert table.translate("the red dog") == "le chien rouge"
    assert table.translate("the fox") == "le fox"


def test_phrases_carry_over_to_new_sentences():
    task = load_task("translation", train_rows=1000)
    table = baselines.PhraseTable.of(task)
    pairs = task.rows["test"]["translation"][:200]
    bleu = translation_scores([table.translate(p["en"]) for p in pairs], [p["fr"] for p in pairs])["bleu"]
    copied = translation_scores([p["en"] for p in pairs], [p["fr"] for p in pairs])["bleu"]
    assert bleu > copied + 10


def test_a_task_of_another_kind_is_refused():
    with pytest.raises(CourseError, match="kind 'classification', and this baseline is for 'entities'"):
        baselines.Gazetteer.of(load_task("spam"))
