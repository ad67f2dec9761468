"""What lesson 09 draws, makes and computes, apart from its claims: rows, scores, losses, figures, the matrix to click."""

import numpy as np
import pandas as pd
import pytest
import torch

from course_utils import encode, evaluate, load_model, load_task, load_tokenizer, predict_logits
from course_utils.errors import CourseError
from course_utils.experiments import lesson_09 as lab
from course_utils.figures import classification as figures
from course_utils.widgets.classification import ROWS_SHOWN, click_confusion, counts
from course_utils.world import notices, reviews
from course_utils.world.draw import Draw

RANDOM = np.random.default_rng(0)
SCORES = RANDOM.normal(size=200).round(1)  # with many equal ones
IS_RARE = RANDOM.random(200) < 0.2


# ---------------------------------------------------------------- rows


def test_rows_come_with_classes_as_rare_as_they_are():
    task = lab.as_they_come("spam", 400, seed=1)
    share = np.mean(task.rows["train"]["label"])
    assert 0.08 < share < 0.19 and len(task.rows["train"]) == 400
    assert task.rows["train"]["sms"] == lab.as_they_come("spam", 400, seed=1).rows["train"]["sms"]
    assert task.rows["train"]["sms"] != lab.as_they_come("spam", 400, seed=2).rows["train"]["sms"]
    with pytest.raises(CourseError, match="ask for 1 to"):
        lab.as_they_come("spam", 10**6)


def test_complaints_are_rare_in_every_split_and_splits_share_no_row():
    task = lab.complaints(200, seed=3)
    for split, rows in task.rows.items():
        assert np.mean(np.array(rows["label"]) == 0) == pytest.approx(lab.COMPLAINTS, abs=0.01), split
    texts = {split: set(rows["sentence"]) for split, rows in task.rows.items()}
    assert not texts["train"] & texts["test"] and not texts["train"] & texts["validation"]
    other = lab.complaints(200, seed=4)
    assert set(other.rows["test"]["sentence"]) == texts["test"]
    assert set(other.rows["train"]["sentence"]) != texts["train"]
    with pytest.raises(CourseError, match="too few"):
        lab.complaints(10**5)


def test_a_review_has_a_star_for_each_opinion_that_praises_and_one_more():
    """Words of polarity say what the number of stars is, where no sentence denies or contrasts."""
    seen = set()
    for i in range(300):
        row = lab.starred(Draw("test", i), "shown")
        seen.add(row["stars"])
        words = [word.strip(".,!?;:'\"").lower() for word in row["review"].split()]
        if row["stars"] == 0 and not {"not", "never", "neither", "hardly"} & set(words):
            told = [reviews.POLARITY[word] for word in words if word in reviews.POLARITY]
            assert np.mean(told) < 0.5 or len(told) < 4
    assert seen == set(range(len(lab.STARS)))


def test_unseen_reviews_use_unseen_words_alone():
    texts = " ".join(lab.starred(Draw("test", i), "unseen")["review"] for i in range(100)).lower()
    words = {word.strip(".,!?;:'\"") for word in texts.split()}
    assert words & reviews.UNSEEN_WORDS and not words & (reviews.SHOWN_WORDS - reviews.UNSEEN_WORDS)


def test_a_notice_has_words_of_each_of_its_topics():
    sizes = set()
    for i in range(200):
        row = lab.several_topics(Draw("test", i), "shown")
        sizes.add(len(row["topics"]))
        for topic in row["topics"]:
            lists = notices.TOPIC_WORDS[notices.TOPICS[topic]]
            forms = [form for words in lists.values() for word in words.shown for form in word.split("/")]
            assert any(form.lower() in row["text"].lower() for form in forms), row
    assert sizes == {0, 1, 2, 3}


def test_made_sets_repeat_and_their_seed_changes_training_rows_only():
    a, b = lab.topics_rows(50, seed=0), lab.topics_rows(50, seed=1)
    assert a["train"]["text"] != b["train"]["text"] and a["test"]["text"] == b["test"]["text"]
    assert not set(a["train"]["text"]) & set(a["test"]["text"])
    task = lab.stars_task(20)
    assert task.label_names[0] == "1 star" and len(task.rows["train"]) == 20


def test_targets_of_several_labels_go_through_encoding_batches_and_selection():
    rows = lab.topics_rows(20)
    data = lab.with_targets(rows, load_tokenizer("mini-encoder"))["train"]
    assert data.labels.shape == (20, 4)
    for number, topics in enumerate(rows["train"]["topics"]):
        assert np.flatnonzero(data.labels[number]).tolist() == topics
    few = data.select([3, 1])
    assert few.batch(np.array([0]))["labels"].tolist() == [data.labels[3].tolist()]


# ---------------------------------------------------------------- scores


def test_precision_and_recall_agree_with_scikit_learn():
    from sklearn.metrics import average_precision_score, precision_recall_curve, precision_score, recall_score

    ours = lab.precision_recall(SCORES, IS_RARE)
    precision, recall, thresholds = precision_recall_curve(IS_RARE, SCORES)
    shared = np.isin(thresholds, ours["threshold"])  # it leaves out what comes after a recall of 1, or not, by version
    assert precision[:-1][shared][::-1] == pytest.approx(ours["precision"].to_numpy()[: shared.sum()])
    assert recall[:-1][shared][::-1] == pytest.approx(ours["recall"].to_numpy()[: shared.sum()])
    assert lab.average_precision(SCORES, IS_RARE) == pytest.approx(average_precision_score(IS_RARE, SCORES))
    at = lab.at_threshold(SCORES, IS_RARE, 0.3)
    assert at["precision"] == pytest.approx(precision_score(IS_RARE, SCORES >= 0.3))
    assert at["recall"] == pytest.approx(recall_score(IS_RARE, SCORES >= 0.3))


def test_a_silent_model_scores_nothing_and_no_rare_row_is_refused():
    silent = lab.at_threshold(SCORES, IS_RARE, 99)
    assert silent["precision"] == silent["recall"] == silent["f1"] == 0
    assert silent["accuracy"] == pytest.approx(1 - IS_RARE.mean())
    with pytest.raises(CourseError, match="at least one rare row"):
        lab.precision_recall(SCORES, np.zeros(200, dtype=bool))
    with pytest.raises(CourseError, match="200 scores and 3 answers"):
        lab.precision_recall(SCORES, IS_RARE[:3])


def test_the_lowest_threshold_keeps_its_precision_and_the_next_one_below_does_not():
    chosen = lab.lowest_threshold(SCORES, IS_RARE, 0.2)
    curve = lab.precision_recall(SCORES, IS_RARE)
    assert lab.at_threshold(SCORES, IS_RARE, chosen)["precision"] >= 0.2
    assert (curve[curve["threshold"] < chosen]["precision"] < 0.2).all()
    assert lab.lowest_threshold(SCORES, IS_RARE, 1.01) == float("inf")


def test_a_word_against_its_label_is_found_under_a_denial_and_in_a_side_clause():
    good = next(word for word in sorted(reviews.POLARITY) if reviews.POLARITY[word] == 1)
    bad = next(word for word in sorted(reviews.POLARITY) if reviews.POLARITY[word] == 0)
    texts = [f"The tea was {good}.", f"The tea was not {good}.", f"It was {good}, although the buns were {bad}."]
    assert lab.against_its_words(texts, [1, 0, 1]).tolist() == [False, True, True]


def test_label_scores_agree_with_scikit_learn():
    from types import SimpleNamespace

    from sklearn.metrics import f1_score

    logits, true = RANDOM.normal(size=(60, 4)), (RANDOM.random((60, 4)) < 0.4).astype(int)
    ours = lab.label_scores(logits, SimpleNamespace(labels=true))
    assert ours["micro_f1"] == pytest.approx(f1_score(true, logits > 0, average="micro"))
    assert ours["macro_f1"] == pytest.approx(f1_score(true, logits > 0, average="macro"))
    assert ours["exact"] == pytest.approx(((logits > 0) == true).all(1).mean())


def test_the_median_has_the_smallest_expected_distance():
    rows = RANDOM.dirichlet(np.ones(5) / 2, size=100)
    expected = rows @ np.abs(np.subtract.outer(np.arange(5), np.arange(5)))
    said = lab.median_class(rows)
    assert expected[np.arange(100), said] == pytest.approx(expected.min(1))
    assert lab.star_scores(np.array([0, 2, 4]), np.array([0, 1, 0])) == pytest.approx(
        {"accuracy": 1 / 3, "mean_absolute_error": 5 / 3, "far_off": 1 / 3}
    )


# ---------------------------------------------------------------- losses, padding


def test_weights_add_up_to_the_rows_and_multiply_each_row():
    labels = np.array([0] * 9 + [2] * 3)
    weights = lab.class_weights(labels, 3)
    assert weights[labels].sum() == pytest.approx(12) and weights[1] == 0
    logits, batch = torch.randn(12, 3), {"labels": torch.from_numpy(labels)}
    output = type("Output", (), {"logits": logits})
    each = torch.nn.functional.cross_entropy(logits, batch["labels"], reduction="none")
    right = (each * torch.from_numpy(weights)[batch["labels"]]).sum()
    assert lab.weighted_loss(weights).of_output(output, batch).item() == pytest.approx(right.item(), rel=1e-5)


def test_a_binary_loss_is_a_sum_that_the_loop_can_divide():
    rows, tokenizer = lab.topics_rows(20), load_tokenizer("mini-encoder")
    data = lab.with_targets(rows, tokenizer)["train"]
    model = load_model("mini-encoder", "classification", label_names=notices.TOPICS, dropout=0.0)
    found = evaluate(model, data, loss=lab.binary_loss(), metric=lab.label_scores)
    p = lab.sigmoid(predict_logits(model, data))
    by_hand = -(data.labels * np.log(p) + (1 - data.labels) * np.log(1 - p)).mean()  # per decision
    assert found["loss"] == pytest.approx(by_hand, rel=1e-4) and {"micro_f1", "exact"} <= set(found)


@pytest.fixture(scope="module")
def decoder():
    task = load_task("topics", train_rows=8)
    return load_model(lab.DECODER, task), encode(task, load_tokenizer(lab.DECODER))["test"]


def test_turned_rows_end_where_the_batch_ends_and_keep_their_tokens(decoder):
    _, data = decoder
    batch = data.batch(np.arange(6))
    left = lab.turned(batch)
    assert left["attention_mask"][:, -1].all()
    for row in range(6):
        kept = left["input_ids"][row][left["attention_mask"][row] == 1]
        assert kept.tolist() == batch["input_ids"][row][batch["attention_mask"][row] == 1].tolist()
    assert (left["labels"] == batch["labels"]).all()


def test_padding_on_the_right_never_changes_an_answer(decoder):
    model, data = decoder
    few = data.select(np.arange(64))
    alone = evaluate(model, few)["accuracy"]
    assert lab.accuracy_in_mixed_batches(model, few, left=False) == pytest.approx(alone)


def test_a_decoders_first_token_has_read_nothing(decoder):
    model, data = decoder
    batch = data.batch(np.array([0, 1]))
    with torch.no_grad():
        states = model.base_model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"])[0]
    assert torch.allclose(states[0, 0], states[1, 0], atol=1e-5)


def test_logits_of_typed_texts_are_those_of_rows(decoder):
    model, data = decoder
    texts = data.rows["text"][:2]
    ours = lab.logits_of(model, load_tokenizer(lab.DECODER), texts)
    assert ours == pytest.approx(predict_logits(model, data.select([0, 1])), abs=1e-4)


# ---------------------------------------------------------------- figures and widgets


def test_the_threshold_figure_counts_what_it_does():
    scores, rare = np.array([0.1, 0.2, 0.6, 0.9]), np.array([False, True, False, True])
    figure = figures.two_classes(scores, rare, 0.5, names=("ham", "spam"))
    assert figure.layout.title.text == "From 0.50 on: 1 of 2 spam found, 1 of 2 ham flagged"
    assert sum(figure.data[0].y) == sum(figure.data[1].y) == 2
    assert figure.layout.meta["description"] and figure.layout.xaxis.title.text


def test_curves_are_drawn_with_a_chosen_threshold():
    curve = lab.precision_recall(SCORES, IS_RARE)
    low = curve.assign(threshold=curve["threshold"] - 9)  # never reaches it
    figure = figures.precision_recall({"a": curve, "b": curve, "low": low}, share=0.2, chosen=0.3)
    assert len(figure.data) == 4 and figure.layout.meta["description"].count("from 0.30 on") == 2
    at = lab.at_threshold(SCORES, IS_RARE, 0.3)
    assert figure.data[-1].x == pytest.approx([at["recall"]] * 2)
    assert figure.data[-1].y == pytest.approx([at["precision"]] * 2)


ROWS = pd.DataFrame({
    "text": [f"text <{i}>" for i in range(14)],
    "true": ["a"] * 3 + ["b"] * 11,
    "predicted": ["a", "a", "b"] + ["b"] + ["a"] * 10,
})  # fmt: skip


def show(row):
    return f"<p>{row.text}</p>"


def test_the_matrix_counts_rows_by_true_and_predicted_label():
    assert counts(ROWS, ("a", "b")).tolist() == [[2, 1], [10, 1]]
    figure = click_confusion(ROWS, ("a", "b"), show, widget=False)
    assert np.asarray(figure.data[0].z).tolist() == [[2, 1], [10, 1]]
    with pytest.raises(CourseError, match="no column 'true'"):
        counts(ROWS[["text"]], ("a", "b"))
    with pytest.raises(CourseError, match="names, not numbers"):
        counts(ROWS.assign(true=0), ("a", "b"))


def test_a_cell_is_chosen_by_lists_or_by_a_click_and_shows_its_rows():
    from plotly.callbacks import InputDeviceState, Points

    panel = click_confusion(ROWS, ("a", "b"), show)
    live, knobs, view = panel.children
    true, predicted, more = knobs.children
    assert (true.value, predicted.value) == ("b", "a") and "10 rows" in view.value  # the largest kind of error
    assert view.value.count("text <") == ROWS_SHOWN and not more.disabled
    more.click()
    assert view.value.count("text <") == 10 and more.disabled
    true.value = "a"
    assert "2 rows" in view.value and live.layout.shapes[0].y0 == -0.5
    if live.has_trait("_widget_layout"):  # a page that draws later frames the same cell
        assert live._widget_layout["shapes"][0]["y0"] == -0.5
    points = Points(point_inds=[[0, 1]], xs=["b"], ys=["a"], trace_name=None, trace_index=0)
    live.data[0]._dispatch_on_click(points, InputDeviceState())
    assert (true.value, predicted.value) == ("a", "b") and "text <2>" in view.value
    assert live.layout.shapes[0].x0 == 0.5


def test_a_matrix_without_errors_still_opens():
    right = ROWS.assign(predicted=ROWS["true"])
    view = click_confusion(right, ("a", "b"), show).children[-1]
    assert "0 rows" in view.value
