"""What is predicted stands in the text where it says, whatever the text."""

from itertools import pairwise

import numpy as np
import pytest
from helpers_tiny import TAGS, answer_task, tiny_model, tiny_tokenizer
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils.batching import encode
from course_utils.decoding import Span, answer_spans, margin, not_here, softmax, trimmed
from course_utils.errors import CourseError
from course_utils.prediction import predict_answers, predict_entities, predict_labels

few = settings(max_examples=15, deadline=None)
any_text = st.text(min_size=1, max_size=40).filter(lambda text: text.strip())
texts = st.lists(any_text, min_size=1, max_size=4)
TOKENIZER = tiny_tokenizer()


@pytest.fixture(scope="module")
def models():
    return {
        "classification": tiny_model("classification"),
        "entities": tiny_model("entities", TAGS),
        "answers": tiny_model("answers"),
    }


@few
@given(texts)
def test_labels_over_any_unicode(models, sentences):
    frame = predict_labels(models["classification"], TOKENIZER, sentences)
    assert list(frame["text"]) == sentences
    assert frame["label"].isin(["negative", "positive"]).all() and frame["probability"].between(0.5, 1).all()


def test_labels_equal_those_of_the_model_one_by_one(models):
    import torch

    sentences = ["the room was good", "bad", "Anna Berg lives in Oslo , where the room was bad"]
    frame = predict_labels(models["classification"], TOKENIZER, sentences)
    for sentence, label, probability in frame.itertuples(index=False):
        with torch.no_grad():
            expected = (
                models["classification"](**TOKENIZER(sentence, return_tensors="pt")).logits[0].softmax(-1)
            )
        assert probability == pytest.approx(float(expected.max()), abs=1e-5)
        assert label == ["negative", "positive"][int(expected.argmax())]


@pytest.mark.parametrize("keep_rules", [True, False])
@few
@given(sentences=texts)
def test_entities_stand_where_they_say_over_any_unicode(models, keep_rules, sentences):
    sentences = [f"Anna {sentence}" for sentence in sentences]
    found = predict_entities(models["entities"], TOKENIZER, sentences, keep_rules=keep_rules)
    assert len(found) == len(sentences)
    for sentence, entities in zip(sentences, found, strict=True):
        assert all(sentence[e.start : e.end] == e.text and e.text.strip() for e in entities)
        assert all(a.end <= b.start for a, b in pairwise(entities)), "in order, apart"
        assert all(e.kind in ("PER", "LOC") and 0 < e.probability <= 1 for e in entities)


def knows_words(config, **rows):
    """A model that gives each of these words its row of logits, and is sure that every other is outside."""
    import torch
    from torch import nn
    from transformers.modeling_outputs import TokenClassifierOutput

    class KnowsWords(nn.Module):
        def __init__(self):
            super().__init__()
            self.config = config
            table = torch.zeros(len(TOKENIZER), len(TAGS))
            table[:, 0] = 20
            for word, row in rows.items():
                table[TOKENIZER.convert_tokens_to_ids(word)] = torch.tensor(row, dtype=torch.float)
            self.tags = nn.Embedding.from_pretrained(table)

        def forward(self, input_ids, attention_mask):
            return TokenClassifierOutput(logits=self.tags(input_ids))

    return KnowsWords()


@pytest.mark.parametrize("keep_rules", [True, False])
def test_entities_are_read_from_tags(models, keep_rules):
    """With a head that knows the words, names come out whole, with their characters."""
    model = knows_words(
        models["entities"].config, Anna=[0, 20, 0, 0, 0], Berg=[0, 0, 20, 0, 0], Oslo=[0, 0, 0, 20, 0]
    )
    [entities] = predict_entities(model, TOKENIZER, "where lives Anna  Berg ? in Oslo.", keep_rules=keep_rules)
    assert [(e.kind, e.text, e.start, e.end) for e in entities] == [
        ("PER", "Anna  Berg", 12, 22),
        ("LOC", "Oslo", 28, 32),
    ]
    assert all(e.probability > 0.99 for e in entities)


def test_rules_make_the_words_of_a_name_agree(models):
    """B-LOC and I-PER: alone, the second is lost; under the rules both are of the kind that is likelier for the two."""
    assert TAGS == ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
    model = knows_words(models["entities"].config, Anna=[0, 3, 0, 4, 0], Berg=[0, 0, 9, 0, 1])
    [together] = predict_entities(model, TOKENIZER, "Anna Berg")
    [alone] = predict_entities(model, TOKENIZER, "Anna Berg", keep_rules=False)
    assert [(e.kind, e.text) for e in together] == [("PER", "Anna Berg")]
    assert [(e.kind, e.text) for e in alone] == [("LOC", "Anna")]
    # The probability is that of the tag that was taken, at the least certain word.
    assert together[0].probability == pytest.approx(softmax(np.array([0, 3, 0, 4, 0]))[1])
    assert alone[0].probability == pytest.approx(softmax(np.array([0, 3, 0, 4, 0]))[3])


def test_rules_need_tags_of_iob2():
    model = tiny_model("entities", ["O", "PER", "LOC", "ORG", "MISC"])
    with pytest.raises(CourseError, match="Tag 1 is 'PER', and IOB2 has"):
        predict_entities(model, TOKENIZER, "Anna lives in Oslo")
    assert predict_entities(model, TOKENIZER, "Anna lives in Oslo", keep_rules=False) == [[]]


@few
@given(texts)
def test_answers_stand_where_they_say_over_any_unicode(models, contexts):
    contexts = [f"{context} Oslo" for context in contexts]
    answers = predict_answers(models["answers"], TOKENIZER, ["who"] * len(contexts), contexts)
    for context, answer in zip(contexts, answers, strict=True):
        assert context[answer.start : answer.end] == answer.text == answer.text.strip() != ""
        assert 0 < answer.score <= 1


def test_one_context_serves_all_questions_and_windows_are_merged(models):
    context = "Anna lives in Oslo . " * 30  # far more than the model's 64 tokens
    answers = predict_answers(models["answers"], TOKENIZER, ["who", "where"], context)
    assert [answer.question for answer in answers] == ["who", "where"]
    assert all(context[a.start : a.end] == a.text for a in answers)


def every_span(logits, data, longest):
    """The slow specification of `answer_spans` for one row: try every span of every window."""
    best = (-1.0, None)
    for window in range(len(data)):
        tokens = slice(data.offsets[window], data.offsets[window + 1])
        first, last = softmax(logits[tokens], axis=0).T
        spans = data.spans[tokens]
        for i in range(len(first)):
            for j in range(i, min(i + longest, len(first))):
                if spans[i, 0] >= 0 and spans[j, 0] >= 0:
                    best = max(best, (float(first[i] * last[j]), (int(spans[i, 0]), int(spans[j, 1]))))
    return best


@few
@given(st.integers(0, 10_000), st.integers(1, 40))
def test_best_span_equals_trying_all(seed, longest):
    task = answer_task(["who lives in Oslo"], ["Anna Berg was good . " * 8], [("Anna", 0)])
    data = encode(task, TOKENIZER, max_length=24)["train"]
    logits = np.random.default_rng(seed).normal(0, 3, (len(data.input_ids), 2)).astype(np.float32)
    span = answer_spans(logits, data, longest=longest)[0]
    score, characters = every_span(logits, data, longest)
    assert span.score == pytest.approx(score) and (span.start, span.end) == characters


def test_no_answer_where_every_window_says_so():
    task = answer_task(["who"], ["Anna Berg was good . " * 8], [None])
    data = encode(task, TOKENIZER, max_length=24)["train"]
    logits = np.zeros((len(data.input_ids), 2), dtype=np.float32)
    logits[data.offsets[:-1]] = 9  # the first token of every window
    assert answer_spans(logits, data, no_answer=True)[0] == Span(0, 0, pytest.approx(1.0, abs=0.02))
    assert answer_spans(logits, data)[0].end > 0, "an answer there must be"
    logits[data.offsets[1] + 5] = 30  # one window has it
    [found] = answer_spans(logits, data, no_answer=True).values()
    assert found.end > 0
    above = margin(found, not_here(logits, data)[0])
    assert answer_spans(logits, data, no_answer=True, threshold=above - 0.1)[0] == found
    assert answer_spans(logits, data, no_answer=True, threshold=above + 0.1)[0].end == 0, "refused below the threshold"


def test_spans_are_trimmed():
    assert trimmed("in  Oslo .", Span(2, 9, 0.5)) == Span(4, 8, 0.5)
    assert trimmed("a   b", Span(1, 4, 0.5)).start == trimmed("a   b", Span(1, 4, 0.5)).end


# ---------------------------------------------------------------- bad input


def test_nothing_to_predict(models):
    assert predict_labels(models["classification"], TOKENIZER, []).empty
    assert predict_entities(models["entities"], TOKENIZER, []) == []
    assert predict_answers(models["answers"], TOKENIZER, [], []) == []


def test_bad_texts_are_named(models):
    with pytest.raises(CourseError, match="Text 1 is empty"):
        predict_labels(models["classification"], TOKENIZER, ["good", " "])
    with pytest.raises(CourseError, match="Text 0 is nan, not text"):
        predict_labels(models["classification"], TOKENIZER, [float("nan")])
    with pytest.raises(CourseError, match="Sentence 0 is empty"):
        predict_entities(models["entities"], TOKENIZER, "")
    with pytest.raises(CourseError, match="Question 0 is empty"):
        predict_answers(models["answers"], TOKENIZER, "", "Anna lives in Oslo")
    with pytest.raises(CourseError, match="Context 0 is empty"):
        predict_answers(models["answers"], TOKENIZER, "who", "\n")
    with pytest.raises(CourseError, match="2 questions and 1 contexts"):
        predict_answers(models["answers"], TOKENIZER, ["who", "where"], ["Anna"])
    for n in (45, 200):
        with pytest.raises(CourseError, match=f"Question 0 has {n} tokens.* of max_length=64 for its context"):
            predict_answers(models["answers"], TOKENIZER, "where " * n, "Anna lives in Oslo . " * 20)
    assert predict_answers(models["answers"], TOKENIZER, "where " * 44, "Anna lives in Oslo . " * 20)[0].text
    with pytest.raises(CourseError, match="longest=0"):
        predict_answers(models["answers"], TOKENIZER, "who", "Anna", longest=0)


def test_an_over_long_text_is_said_in_words_that_fit_the_call(models):
    with pytest.warns(
        UserWarning, match="1 of 2 texts are longer than the 64 tokens that the model reads"
    ) as caught:
        frame = predict_labels(models["classification"], TOKENIZER, ["the room was good " * 30, "bad"])
    assert len(frame) == 2 and len(caught) == 1
    assert "max_length" not in str(caught[0].message) and caught[0].filename == __file__
