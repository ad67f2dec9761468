"""Schemes read back what they wrote, every name has one outcome, the decoder finds what trying all tags finds."""

import itertools
import time

import numpy as np
import pytest
from helpers_tiny import TAGS, entity_task, tiny_model, tiny_tokenizer
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils.batching import encode
from course_utils.decoding import entity_spans, word_tags
from course_utils.entities import (
    OUTCOMES,
    SCHEMES,
    allowed_transitions,
    best_path,
    convert_tags,
    outcome_table,
    outcomes,
    read_spans,
    repaired,
    rule_breaks,
    structured_tags,
    word_accuracy,
    write_tags,
)
from course_utils.errors import CourseError
from course_utils.metrics import entity_scores
from course_utils.prediction import predict_entities

KINDS = ("PER", "LOC", "MISC")
IOB2 = ("O", *(f"{mark}-{kind}" for kind in KINDS for mark in "BI"))
any_tags = st.lists(st.sampled_from(IOB2), max_size=12)


@st.composite
def names_in_words(draw):
    """A number of words, and names in them that do not overlap."""
    spans, place = [], 0
    for _ in range(draw(st.integers(0, 5))):
        begin = place + draw(st.integers(0, 2))
        place = begin + draw(st.integers(1, 4))
        spans.append((draw(st.sampled_from(KINDS)), begin, place))
    return spans, place + draw(st.integers(0, 2))


# ---------------------------------------------------------------- schemes


@given(names_in_words(), st.sampled_from(list(SCHEMES)), st.sampled_from(list(SCHEMES)))
def test_every_scheme_reads_back_what_it_wrote_and_converts_into_every_other(names, source, target):
    spans, length = names
    tags = write_tags(spans, length, source)
    assert len(tags) == length and read_spans(tags, source) == spans
    assert read_spans(convert_tags(tags, source, target), target) == spans


@given(names_in_words(), st.sampled_from(list(SCHEMES)))
def test_seqeval_reads_the_same_names(names, scheme):
    from seqeval.scheme import IOB1, IOB2, IOBES, Entities

    spans, length = names
    if not length:
        return
    known = {"IOB1": IOB1, "IOB2": IOB2, "IOBES": IOBES}[scheme]
    [found] = Entities([write_tags(spans, length, scheme)], known).entities
    assert [(one.tag, one.start, one.end) for one in found] == spans


@given(any_tags)
def test_strict_reading_fails_exactly_where_a_rule_is_broken(tags):
    breaks = rule_breaks(tags)
    if breaks:
        with pytest.raises(CourseError, match=f"^Tag {breaks[0]} is '{tags[breaks[0]]}'"):
            read_spans(tags)
    else:
        assert read_spans(tags) == entity_spans(tags)
    assert rule_breaks(repaired(tags)) == []


@pytest.mark.parametrize(
    ("tags", "scheme", "says"),
    [
        (["O", "I-PER"], "IOB2", "Tag 1 is 'I-PER' after 'O': I- goes on with a name, and no PER is under way"),
        (["I-PER"], "IOB2", "Tag 0 is 'I-PER' at the beginning"),
        (["B-PER", "I-LOC"], "IOB2", "no LOC is under way"),
        (["B-PER", "O"], "IOB1", "Tag 0 is 'B-PER' at the beginning: in IOB1 a name begins with I-"),
        (["B-PER", "O"], "IOBES", "Tag 1 is 'O' after 'B-PER': the name before it has not ended"),
        (["O", "B-PER"], "IOBES", "the row ends inside a name"),
        (["S-PER", "E-PER"], "IOBES", "no PER is under way"),
        (["O", "S-PER"], "IOB2", "Tag 1 is 'S-PER', and IOB2 has O, B-…, I-…: correct it, or name its scheme"),
        (["B-"], "IOB2", "Tag 0 is 'B-'"),
        (["B"], "IOB2", "Tag 0 is 'B'"),
        ([3], "IOB2", "Tag 0 is 3"),
        (["O"], "BIO", "no scheme 'BIO': use one of IOB1, IOB2, IOBES"),
    ],
)
def test_tags_that_break_a_rule_are_told_by_place(tags, scheme, says):
    with pytest.raises(CourseError) as error:
        read_spans(tags, scheme)
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("spans", "says"),
    [
        ([("PER", 0, 2), ("LOC", 1, 3)], "A LOC begins at word 1, inside the name before it"),
        ([("PER", 2, 4)], "A PER from word 2 to 4 does not fit 3 words"),
        ([("PER", 1, 1)], "A PER from word 1 to 1 does not fit"),
    ],
)
def test_names_that_no_tags_can_hold(spans, says):
    with pytest.raises(CourseError, match=says):
        write_tags(spans, 3)


# ---------------------------------------------------------------- outcomes


@given(st.data())
def test_every_name_has_one_outcome(data):
    predicted = data.draw(any_tags)
    wanted = data.draw(st.lists(st.sampled_from(IOB2), min_size=len(predicted), max_size=len(predicted)))
    found = outcomes(predicted, wanted)
    assert sorted(one.wanted for one in found if one.wanted) == sorted(entity_spans(wanted))
    assert sorted(one.predicted for one in found if one.predicted) == sorted(entity_spans(predicted))
    for one in found:
        assert one.outcome in OUTCOMES
        if one.wanted and one.predicted:
            (kind, *ends), (other, *others) = one.wanted, one.predicted
            assert max(ends[0], others[0]) < min(ends[1], others[1]), "they share a word"
            expected = {(True, True): "right", (True, False): "boundary", (False, True): "type"}
            assert one.outcome == expected.get((kind == other, ends == others), "boundary and type")
    if wanted:
        right = sum(one.outcome == "right" for one in found)
        assert entity_scores([predicted], [wanted])["f1"] * (
            len(entity_spans(predicted)) + len(entity_spans(wanted)) or 1
        ) == pytest.approx(2 * right)


@pytest.mark.parametrize(
    ("predicted", "wanted", "expected"),
    [
        ("B-PER I-PER O", "B-PER I-PER O", ["right"]),
        ("B-PER O O", "B-PER I-PER O", ["boundary"]),
        ("B-ORG I-ORG O", "B-PER I-PER O", ["type"]),
        ("O B-ORG I-ORG", "B-PER I-PER O", ["boundary and type"]),
        ("O O O", "B-PER I-PER O", ["missed"]),
        ("O O B-LOC", "B-PER I-PER O", ["missed", "spurious"]),
        # A name cut in two: its larger part is the boundary error, the other part is spurious.
        ("B-PER B-PER I-PER", "B-PER I-PER I-PER", ["spurious", "boundary"]),
        # Two names run together: one of them is found with a wrong end, the other is missed.
        ("B-PER I-PER I-PER", "B-PER B-PER I-PER", ["missed", "boundary"]),
        ("B-PER I-ORG O", "B-PER I-PER O", ["boundary"]),
    ],
)
def test_kinds_of_errors(predicted, wanted, expected):
    assert [one.outcome for one in outcomes(predicted.split(), wanted.split())] == expected


def test_a_table_of_outcomes_shows_names_and_sentences():
    words = ["Anna Berg lives in Oslo".split(), "in Oslo".split()]
    wanted = ["B-PER I-PER O O B-LOC".split(), "O B-LOC".split()]
    predicted = ["B-PER O O O B-PER".split(), "B-PER B-LOC".split()]
    table = outcome_table(words, predicted, wanted)
    assert list(table["outcome"]) == ["boundary", "type", "spurious", "right"]
    assert list(table["row"]) == [0, 0, 1, 1]
    assert list(table["name"]) == ["Anna Berg", "Oslo", "", "Oslo"]
    assert list(table["found_name"]) == ["Anna", "Oslo", "in", "Oslo"]
    assert list(table["found_kind"]) == ["PER", "PER", "PER", "LOC"]
    assert table["words"][0] == words[0] and table["predicted"][2] == predicted[1]
    assert len(outcome_table(words, wanted, wanted).query("outcome != 'right'")) == 0


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: outcomes(["O"], ["O", "O"]), "1 predicted tags and 2 wanted: give one per word"),
        (lambda: outcome_table([["a"]], [["O"]], []), "1 sentences, 1 predicted and 0 wanted"),
        (lambda: outcome_table([["a"]], [["O", "O"]], [["O", "O"]]), "Row 0: 1 words and 2 tags"),
        (lambda: word_accuracy([], []), "no words to score"),
        (lambda: allowed_transitions(["O", "S-PER"]), "Tag 1 is 'S-PER', and IOB2 has"),
    ],
)
def test_what_does_not_fit_is_said_in_a_sentence(call, says):
    with pytest.raises(CourseError, match=says):
        call()


# ---------------------------------------------------------------- the decoder


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 5), st.integers(0, 10_000))
def test_best_path_equals_trying_every_sequence(length, seed):
    scores = np.random.default_rng(seed).normal(0, 2, (length, len(TAGS)))
    first, after = allowed_transitions(TAGS)
    path = best_path(scores, first, after)

    def total(tags):
        return scores[np.arange(length), list(tags)].sum()

    legal = [
        tags for tags in itertools.product(range(len(TAGS)), repeat=length)
        if not rule_breaks([TAGS[tag] for tag in tags])
    ]  # fmt: skip
    assert rule_breaks([TAGS[tag] for tag in path]) == []
    assert total(path) == pytest.approx(max(map(total, legal)))


def test_rules_are_those_of_strict_reading():
    first, after = allowed_transitions(IOB2)
    for j, tag in enumerate(IOB2):
        assert first[j] == (rule_breaks([tag]) == [])
        for i, before in enumerate(IOB2):
            assert after[i, j] == (1 not in rule_breaks([before, tag])), (before, tag)


def test_where_no_rule_is_broken_nothing_changes():
    scores = np.log(np.random.default_rng(0).dirichlet(np.ones(5) * 0.2, size=(200, 6)))
    first, after = allowed_transitions(TAGS)
    kept = 0
    for row in scores:
        alone = row.argmax(-1)
        if not rule_breaks([TAGS[tag] for tag in alone]):
            assert list(best_path(row, first, after)) == list(alone)
            kept += 1
    assert 20 < kept < 180


@pytest.mark.parametrize("scale", [1, 1000])  # at the latter, probabilities of exactly 0 and 1
def test_structured_tags_keep_every_rule_and_leave_cut_words_outside(scale):
    words = [["Anna", "Berg", "lives", "in", "Oslo"] * 3, ["Oslo"], ["\u200b", "Anna"]]
    task = entity_task(words, [["O"] * len(row) for row in words])
    with pytest.warns(UserWarning, match="longer than max_length"):
        data = encode(task, tiny_tokenizer(), max_length=8)["train"]
    for seed in range(20):
        logits = scale * np.random.default_rng(seed).normal(0, 1, (len(data.input_ids), len(TAGS)))
        tags, certainty = structured_tags(logits, data, TAGS, map(len, words))
        alone, _ = word_tags(logits, data, TAGS, map(len, words))
        assert [len(row) for row in tags] == [len(row) for row in certainty] == [15, 1, 2]
        assert all((row >= 0).all() and (row <= 1).all() for row in certainty)
        assert set(tags[0][6:]) == {"O"}, "words that the model never saw"
        for row, lone in zip(tags, alone, strict=True):
            assert rule_breaks(row) == []
            assert row == lone or rule_breaks(lone)


def test_no_words_no_tags():
    first, after = allowed_transitions(TAGS)
    assert best_path(np.zeros((0, 5)), first, after).tolist() == []


def test_a_document_of_a_hundred_thousand_words():
    """Everything here takes time in proportion to the words."""
    words = 100_000
    wanted = ["B-PER", "I-PER", "O", "B-LOC"] * (words // 4)
    predicted = ["B-PER", "O", "I-PER", "B-LOC"] * (words // 4)
    first, after = allowed_transitions(TAGS)
    began = time.perf_counter()
    assert entity_scores([predicted], [wanted])["f1"] == pytest.approx(0.5)
    assert len(outcomes(predicted, wanted)) == words // 2
    assert word_accuracy([predicted], [wanted]) == pytest.approx(0.5)
    assert convert_tags(convert_tags(wanted, "IOB2", "IOBES"), "IOBES", "IOB2") == wanted
    assert len(best_path(np.zeros((words, 5)), first, after)) == words
    assert time.perf_counter() - began < 20


# ---------------------------------------------------------------- characters


@pytest.mark.parametrize(
    "sentence",
    [
        "אנה ברג גרה באוסלו, ואנה Anna מחכה",
        "تعيش آنا في أوسلو Anna ؟",
        "👩\u200d🚀 Anna 🏳️\u200d🌈 Oslo🙂",
        "e\u0301a Anna\u00a0Berg \u200bOslo",
        "Anna" + " Berg" * 400,
    ],
)
@pytest.mark.filterwarnings("ignore:.*longer than the")
@pytest.mark.filterwarnings("ignore:.*of the tokens are")
def test_names_stand_where_they_say_in_any_script(sentence):
    tokenizer, model = tiny_tokenizer(), tiny_model("entities", TAGS)
    model.classifier.bias.data[1] += 2  # B-PER nearly everywhere
    [entities] = predict_entities(model, tokenizer, sentence)
    assert entities and all(sentence[e.start : e.end] == e.text and e.text.strip() for e in entities)
    assert all(a.end <= b.start for a, b in itertools.pairwise(entities))
