"""Lesson 11: its scorer is the official one, its rows are what it says, its answers survive whatever people paste."""

import json
import re
import string
import sys
import time
from collections import Counter

import numpy as np
import pytest
from helpers_tiny import answer_task, tiny_model, tiny_tokenizer
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils import encode, load_task
from course_utils.decoding import Span, answer_spans, not_here, softmax
from course_utils.errors import CourseError
from course_utils.experiments import lesson_11 as lab
from course_utils.figures import answers as figures
from course_utils.metrics import answer_scores, metric_for
from course_utils.prediction import predict_answers
from course_utils.world import almanac

few = settings(max_examples=25, deadline=None)
TOKENIZER = tiny_tokenizer()


@pytest.fixture(scope="module")
def model():
    return tiny_model("answers")


@pytest.fixture(scope="module")
def task():
    return load_task("answers", train_rows=64, seed=0)


# ---------------------------------------------------------------- the official scorer

# Given, accepted, exact match, F1: worked out by hand from the rules; `official` below must agree.
HARD_CASES = [
    ("The Old Bridge", ["old bridge"], 1, 1),  # articles and capitals
    ("an apple a day", ["apple day"], 1, 1),
    ("theatre", ["tre"], 0, 0),  # no article inside a word
    ("Anna", ["Ann A"], 0, 0),  # "A" is an article, even as an initial: "ann" is left
    ("Vitamin A", ["vitamin"], 1, 1),  # crude, but the rule
    ("A", ["B"], 0, 0),  # nothing left of the given one
    ("8 a.m.", ["8 am"], 1, 1),  # punctuation goes first, so "a.m." is no article
    ("8 a. m.", ["8 m"], 1, 1),  # with a space it is one
    ("ice-cream", ["icecream"], 1, 1),  # hyphens vanish
    ("ice-cream", ["ice cream"], 0, 0),
    ("1,000", ["1000"], 1, 1),
    ("$5.50", ["550"], 1, 1),
    ("rock 'n' roll", ["rock n roll"], 1, 1),
    ("“Oslo”", ["Oslo"], 0, 0),  # curly quotes stay
    ("Saint–Denis", ["SaintDenis"], 0, 0),  # and so does a dash that is no ASCII hyphen
    ("co‑op", ["coop"], 0, 0),
    ("CAFÉ", ["café"], 1, 1),
    ("cafe\u0301", ["caf\u00e9"], 0, 0),  # two ways to write é
    ("İstanbul", ["istanbul"], 0, 0),  # its lower case has a dot of its own
    ("red red car", ["red car red red"], 0, 6 / 7),  # repeated words match as often as in both
    ("so so", ["so"], 0, 2 / 3),
    ("in Oslo", ["Oslo", "Bergen"], 0, 2 / 3),
    ("Bergen", ["Oslo", "Bergen", "Bergen city"], 1, 1),  # the best of several
    ("city of Bergen", ["Oslo city", "Bergen"], 0, 1 / 2),
    ("", ["Oslo"], 0, 0),
    ("", [], 1, 1),  # refused, and rightly
    ("Oslo", [], 0, 0),
    ("the", [], 1, 1),  # nothing is left of it
    ("the", ["Oslo"], 0, 0),
    ("...", [], 1, 1),
    ("Oslo", ["the", "Oslo"], 1, 1),
    ("  Oslo \n Norway ", ["oslo norway"], 1, 1),
    ("Oslo\u00a0Norway", ["oslo norway"], 1, 1),  # Python counts it as a space
    ("１２", ["12"], 0, 0),  # wide digits are others
    ("東京", ["東京都"], 0, 0),  # one word each
    ("(Oslo)", ["[oslo]"], 1, 1),
    ("#1 & #2", ["1  2"], 1, 1),
    ("the the the", ["a"], 1, 1),  # both are nothing, so they are equal
]


def official(predicted, accepted):
    """Exact match and F1 as the SQuAD evaluation scripts define them, written from their rules."""

    def words(text):
        letters = [letter for letter in text.lower() if letter not in set(string.punctuation)]
        return re.sub(r"\b(a|an|the)\b", " ", "".join(letters)).split()

    def f1(given, wanted):
        if not given or not wanted:
            return float(given == wanted)
        common = sum(min(given.count(word), wanted.count(word)) for word in set(given))
        if not common:
            return 0.0
        precision, recall = common / len(given), common / len(wanted)
        return 2 * precision * recall / (precision + recall)

    wanted = [words(text) for text in accepted if words(text)] or [[]]
    given = words(predicted)
    return max(float(given == one) for one in wanted), max(f1(given, one) for one in wanted)


@pytest.mark.parametrize(("predicted", "accepted", "exact", "f1"), HARD_CASES)
def test_hard_cases_are_scored_as_the_official_scorer_does(predicted, accepted, exact, f1):
    assert official(predicted, accepted) == pytest.approx((exact, f1))
    assert answer_scores([predicted], [accepted]) == pytest.approx({"exact_match": exact, "f1": f1})


def test_a_file_of_hard_cases_gets_the_mean_also_by_the_evaluate_metric(tmp_path):
    file = tmp_path / "hard.jsonl"
    file.write_text("\n".join(json.dumps(case[:2]) for case in HARD_CASES), encoding="utf-8")
    predicted, accepted = zip(*map(json.loads, file.read_text(encoding="utf-8").splitlines()), strict=True)
    expected = dict(zip(("exact_match", "f1"), np.mean([case[2:] for case in HARD_CASES], axis=0), strict=True))
    assert answer_scores(predicted, accepted) == pytest.approx(expected)
    from course_utils.evaluate_metrics import AnswerScores

    wrapped = AnswerScores().compute(predictions=list(predicted), references=list(accepted))
    assert wrapped == pytest.approx(expected)


@few
@given(st.text(alphabet="aten. ,-'A“é1", max_size=20), st.lists(st.text(alphabet="aten. ,-'A“é1", max_size=20), max_size=3))
def test_any_answers_are_scored_as_the_official_scorer_does(predicted, accepted):
    assert answer_scores([predicted], [accepted]) == pytest.approx(
        dict(zip(("exact_match", "f1"), official(predicted, accepted), strict=True))
    )


def test_another_implementation_agrees():
    """torchmetrics has the rules of SQuAD 1.1, where every question has an answer, in per cent."""
    squad = pytest.importorskip("torchmetrics.functional.text", reason="torchmetrics is not installed").squad
    for predicted, accepted, _, _ in HARD_CASES:
        if not accepted or not predicted.strip(" .") or official(predicted, [])[0]:
            continue  # SQuAD 1.1 knows no empty answer
        accepted = [text for text in accepted if not official(text, [])[0]]
        theirs = squad(
            [{"prediction_text": predicted, "id": "0"}],
            [{"answers": {"answer_start": [0] * len(accepted), "text": accepted}, "id": "0"}],
        )
        ours = answer_scores([predicted], [accepted])
        assert {name: 100 * ours[name] for name in ("exact_match", "f1")} == pytest.approx(
            {"exact_match": float(theirs["exact_match"]), "f1": float(theirs["f1"])}, abs=1e-3
        ), predicted


# ---------------------------------------------------------------- rows that no set has


def test_a_share_of_the_questions_loses_its_answer_in_one_of_two_ways(task):
    mixed = lab.with_no_answer(task, share=0.5, seed=1)
    assert metric_for(mixed).no_answer and not metric_for(task).no_answer
    for split, rows in mixed.rows.items():
        before = task.rows[split]
        ways = Counter(rows["no_answer"])
        assert len(rows) == len(before) and set(ways) == {"", lab.REMOVED, lab.ANOTHER}
        assert ways[""] == len(rows) - round(len(rows) / 2)
        for old, new in zip(before, rows, strict=True):
            assert old["question"] == new["question"]
            if not new["no_answer"]:
                assert (old["context"], old["answers"]) == (new["context"], new["answers"])
                continue
            assert new["answers"] == {"text": [], "answer_start": []}
            assert old["answers"]["text"][0] not in new["context"]
            if new["no_answer"] == lab.ANOTHER:
                assert new["context"] != old["context"]
                assert not any(name in new["context"] for name in lab.NAME.findall(new["question"]))
            else:  # what is left is the passage without one sentence
                assert all(sentence.strip() in old["context"] for sentence in re.findall(r"[^.!?]+[.!?]*", new["context"]))


def test_the_same_seed_takes_the_same_questions(task):
    one, two, other = (lab.with_no_answer(task, seed=seed).rows["test"]["context"][:] for seed in (1, 1, 2))
    assert one == two != other


def test_only_answers_can_be_lost():
    with pytest.raises(CourseError, match="only questions can lose"):
        lab.with_no_answer(load_task("sentiment", train_rows=8))
    with pytest.raises(CourseError, match=r"share=2 is no share"):
        lab.with_no_answer(load_task("answers", train_rows=8), share=2)


def test_a_row_that_cannot_lose_its_answer_keeps_it():
    alone = answer_task(["who"], ["Anna lives in Oslo."], [("Anna", 0)])
    rows = lab.with_no_answer(alone, share=1.0).rows["train"]
    assert rows["no_answer"][:] == [""] and rows["answers"][0]["text"] == ["Anna"]


def test_long_passages_hold_the_passage_and_its_answer_and_no_other(task):
    long = lab.long_passages(task, "test", questions=30, others=5, seed=3).rows["long"]
    places = set()
    for old, new in zip(task.rows["test"], long, strict=False):
        assert old["context"] in new["context"] and len(new["context"]) > 2 * len(old["context"])
        start, text = new["answers"]["answer_start"][0], new["answers"]["text"][0]
        assert new["context"][start : start + len(text)] == text == old["answers"]["text"][0]
        others = new["context"].replace(old["context"], "")
        assert text not in others and not any(name in others for name in lab.NAME.findall(new["question"]))
        places.add(new["context"].index(old["context"]) > 0)
    assert places == {True, False}, "the passage should stand first in some, later in others"


def test_passages_about_two_subjects_are_told_as_the_world_drew_them(task):
    for split in ("validation", "test", "unseen"):
        contexts = task.rows[split]["context"][:]
        crossing = lab.two_subjects(split)
        share = np.mean([context in crossing for context in contexts])
        assert abs(share - (1 - almanac.ONE_SUBJECT)) < 0.06
    assert not lab.two_subjects("test") & lab.two_subjects("validation")


# ---------------------------------------------------------------- errors, thresholds, figures

TEXT = "Anna Berg leads Oslo. Ole Dahl owns 12 boats. The rest is gossip."


@pytest.mark.parametrize(
    ("given", "accepted", "kind"),
    [
        ("Anna Berg", ["Anna Berg"], "right"),
        ("Anna Berg", ["Ole Dahl", "Anna Berg"], "right"),
        ("Oslo.", ["Oslo"], "right"),  # the scorer takes no notice of the full stop
        ("Berg", ["Anna Berg"], "boundary"),
        ("Berg leads", ["Anna Berg"], "boundary"),
        ("leads", ["Anna Berg"], "right sentence, other words"),
        ("Ole Dahl", ["Anna Berg"], "wrong sentence, right type"),
        ("12 boats", ["Anna Berg"], "wrong sentence, other type"),
        ("boats", ["gossip"], "wrong sentence, right type"),
        ("", ["Anna Berg"], "no answer given"),
        ("Anna Berg", [], "answered what has no answer"),
        ("", [], "right"),
    ],
)
def test_kinds_of_error(given, accepted, kind):
    def place(text):
        start = TEXT.index(text)
        return start, start + len(text)

    assert lab.kind_of_error(TEXT, place(given) if given else (0, 0), map(place, accepted)) == kind


def test_the_table_of_answers_says_right_where_the_metric_does():
    data = encode(answer_task(["who", "where", "who"], ["Anna Berg lives in Oslo ."] * 3,
                              [("Anna Berg", 0), ("Oslo", 19), None]), TOKENIZER)["train"]  # fmt: skip
    tiny = answer_task(["who"], ["Anna"], [None])
    for spans in (
        {0: Span(0, 9, 0.5), 1: Span(19, 23, 0.5), 2: Span(0, 0, 0.9)},
        {0: Span(0, 4, 0.5), 1: Span(18, 25, 0.5), 2: Span(5, 9, 0.9)},
    ):
        table = lab.answer_table(tiny, data, spans)
        score = answer_scores(list(table["given"]), [[text] if text else [] for text in table["right"]])
        assert (table["error"] == "right").mean() == score["exact_match"]
    assert list(table["error"]) == ["boundary", "right", "answered what has no answer"]


@few
@given(st.integers(0, 10_000))
def test_at_the_chosen_threshold_the_margin_decides_as_the_package_does(seed):
    """Threshold 0 is what `no_answer=True` does: answer where the span is at least as likely as none."""
    made = answer_task(["who lives in Oslo"] * 2, ["Anna Berg was good . " * 8, "Anna"], [("Anna", 0), None])
    data = encode(made, TOKENIZER, max_length=24)["train"]
    logits = np.random.default_rng(seed).normal(0, 3, (len(data.input_ids), 2)).astype(np.float32)
    judged = lab.judged(made, data, logits)
    answered = [span.end > 0 for span in answer_spans(logits, data, no_answer=True).values()]
    assert answered == list(judged["margins"] >= 0)
    assert list(judged["has_answer"]) == [True, False]


def test_no_answer_is_as_likely_as_the_window_says_that_doubts_it_most():
    made = answer_task(["who lives in Oslo"] * 2, ["Anna Berg was good . " * 8, "Anna"], [("Anna", 0), None])
    data = encode(made, TOKENIZER, max_length=24)["train"]
    logits = np.random.default_rng(0).normal(0, 3, (len(data.input_ids), 2))
    of_windows = [softmax(one, axis=0)[0].prod() for one in np.split(logits, data.offsets[1:-1])]
    assert len(of_windows) > 2, "the first passage should take several windows"
    assert not_here(logits, data) == pytest.approx({0: min(of_windows[:-1]), 1: of_windows[-1]})


@pytest.mark.parametrize("context", ["Anna Berg lives in Oslo . The room was good .", "Oslo", "  Anna was in Oslo . " * 20])
def test_a_question_of_your_own_gets_the_span_and_the_margin_of_the_package(model, context):
    made = answer_task(["who"], ["Anna"], [None])
    span, margin = lab.ask(model, TOKENIZER, made, "who", context, max_length=24)
    for may_refuse in (False, True):
        [answer] = predict_answers(model, TOKENIZER, "who", context, no_answer=may_refuse, max_length=24)
        refused = may_refuse and margin < 0
        assert answer.text == ("" if refused else context[span.start : span.end])
    with pytest.raises(CourseError, match="The passage is empty"):
        lab.ask(model, TOKENIZER, made, "who", "  ")
    with pytest.raises(CourseError, match="The question is empty"):
        lab.ask(model, TOKENIZER, made, "", context)


@pytest.mark.parametrize("longest", [1, 3, 30])
def test_heat_maps_show_what_they_are_given(longest):
    pieces = ["the", "room", "was", "the", "good"]
    first, last = np.array([0.1, 0.2, 0.0, 0.6, 0.1]), np.array([0.5, 0.1, 0.1, 0.1, 0.2])
    maps = figures.span_probabilities(pieces, first, last)
    assert len(set(maps.data[0].x)) == 5, "a word that stands twice has two columns"
    np.testing.assert_allclose(maps.data[0].z[1], first)
    np.testing.assert_allclose(maps.data[0].z[0], last)
    assert "starts most likely at 'the' (0.60)" in maps.layout.meta["description"]

    scores = figures.span_scores(pieces, first, last, longest=longest)
    allowed = ~np.isnan(np.array(scores.data[0].z, dtype=float))
    assert allowed.sum() == sum(min(longest, 5 - i) for i in range(5)) and not np.tril(allowed, -1).any()
    best = max((first[i] * last[j], i, j) for i in range(5) for j in range(i, min(i + longest, 5)))
    assert (scores.data[1].y[0], scores.data[1].x[0]) == (f"{best[1]} {pieces[best[1]]}", f"{best[2]} {pieces[best[2]]}")


def test_thresholds_are_drawn_with_the_chosen_one():
    figure = figures.by_threshold([-1, 0, 1], {"validation": [0.1, 0.5, 0.4], "test": [0.2, 0.4, 0.3]}, 0.0)
    assert [trace.name for trace in figure.data] == ["validation", "test"]
    assert "validation is at most 0.50" in figure.layout.meta["description"]


@pytest.mark.parametrize(
    ("given", "right", "marks"),
    [
        ((0, 9), (0, 9), [("Anna Berg", "given and right")]),
        ((0, 15), (0, 9), [("Anna Berg", "given and right"), (" leads", "given")]),
        ((5, 15), (0, 9), [("Anna ", "right"), ("Berg", "given and right"), (" leads", "given")]),
        ((22, 30), (0, 9), [("Anna Berg", "right"), ("Ole Dahl", "given")]),
        ((0, 0), (0, 9), [("Anna Berg", "right")]),
        ((0, 9), (0, 0), [("Anna Berg", "given")]),
        ((0, 0), (0, 0), []),
    ],
)
def test_both_answers_are_marked_in_the_passage(given, right, marks):
    html = figures.answer_marked(TEXT, given, right)
    assert re.findall(r"<mark [^>]*>(.*?)<small[^>]*>&nbsp;(.*?)</small>", html) == marks
    row = figures.answer_row("Who <b>?", TEXT, given, right, 0.5)
    assert "Who &lt;b&gt;?" in row and ("(no answer)" in row) == (given == (0, 0) or right == (0, 0))


def test_a_label_one_too_far_is_still_a_token_of_the_row(task):
    data = encode(task, TOKENIZER, max_length=400)["train"]
    wrong = lab.end_too_far(data)
    held = data.labels[:, 1] > 0
    assert (wrong.labels[held] == data.labels[held] + [0, 1]).all() and (wrong.labels[~held] == 0).all()
    assert (wrong.labels[:, 1] < data.lengths).all()


# ---------------------------------------------------------------- bad input


def test_a_question_longer_than_the_window_is_said(model):
    with pytest.raises(CourseError, match=r"Question 0 has 80 tokens.*shorten the question"):
        predict_answers(model, TOKENIZER, "where " * 80, "Anna lives in Oslo .")


def test_an_answer_that_is_not_at_its_offset_is_said(tmp_path):
    """Offsets counted in bytes: right until the first letter that takes two."""
    context = "At the Café Anna lives in Oslo."
    start = len(context.split("Oslo")[0].encode())
    rows = [{"question": f"Where {i}?", "context": context, "answers": {"text": ["Oslo"], "answer_start": [start]}}
            for i in range(9)]  # fmt: skip
    file = tmp_path / "bytes.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    with pytest.raises(CourseError, match=r"row 1: the answer 'Oslo' does not stand.*characters \(not bytes\)"):
        load_task(file)


def test_an_empty_passage_is_said(model, tmp_path):
    with pytest.raises(CourseError, match="Context 1 is empty"):
        predict_answers(model, TOKENIZER, ["who", "who"], ["Anna", "  "])
    row = {"question": "Who?", "context": "", "answers": {"text": [], "answer_start": []}}
    file = tmp_path / "empty.jsonl"
    file.write_text("\n".join([json.dumps(row)] * 9), encoding="utf-8")
    with pytest.raises(CourseError, match=r"9 of 9 texts in column 'context'"):
        load_task(file)


UNUSUAL = ["שלום, אנה גרה באוסלו.", "هي تسكن في أوسلو", "👩‍👩‍👧 in 🏠 Oslo 🇳🇴", "e\u0301tude", "\u202eabc\u202c", "Anna\u0000Berg"]


@few
@given(st.lists(st.one_of(st.sampled_from(UNUSUAL), st.text(min_size=1, max_size=40).filter(str.strip)), min_size=1, max_size=4))
def test_answers_stand_where_they_say_in_any_script(model, contexts):
    for answer, context in zip(predict_answers(model, TOKENIZER, ["who"] * len(contexts), contexts), contexts, strict=True):
        assert context[answer.start : answer.end] == answer.text
        html = figures.answer_marked(context, (answer.start, answer.end), (0, 0))
        assert ("<mark" in html) == bool(answer.text)


@few
@given(st.text(min_size=1, max_size=30), st.text(max_size=30))
def test_any_text_keeps_its_answer_when_passages_are_joined(answer, rest):
    """The offsets of a long passage are counted, not searched for."""
    contexts = [f"{rest}{answer}.", "nothing here.", "nor there."]
    made = answer_task(["where"] * 3, contexts, [(answer, len(rest)), None, None])
    long = lab.long_passages(made, "train", questions=1, others=2, seed=len(rest)).rows["long"][0]
    start = long["answers"]["answer_start"][0]
    assert long["context"][start : start + len(answer)] == answer


def peak_memory():
    """The most bytes that this process has held so far."""
    resource = pytest.importorskip("resource", reason="Windows keeps no such count")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def test_a_passage_of_a_hundred_thousand_words_is_read_in_bounded_time_and_memory(model):
    words = ["the", "room", "was", "good"] * 25_000
    words[77_777] = "Oslo"
    context = " ".join(words)
    began, peak = time.process_time(), peak_memory()
    [answer] = predict_answers(model, TOKENIZER, "where", context)
    took, more = time.process_time() - began, peak_memory() - peak
    assert context[answer.start : answer.end] == answer.text != ""
    assert more < 500e6 and took < 60, f"{more / 1e6:.0f} MB, {took:.0f} s"

    data = encode(answer_task(["where"], [context], [("Oslo", context.index("Oslo"))]), TOKENIZER, max_length=64)["train"]
    begins = [span[:, 0][span[:, 0] >= 0][0] for span in np.split(data.spans, data.offsets[1:-1])]
    assert begins[0] == 0 and data.spans.max() == len(context), "from the first character to the last"
    assert (data.labels[:, 0] > 0).any(), "some window holds the answer whole"


def test_windows_keep_every_answer_and_cutting_loses_some(task):
    """With an overlap of at least its length, each answer is whole in some window; without one, some are cut."""
    long = lab.long_passages(task, "test", questions=60, others=4)
    kept = {}
    for stride in (0, 32):
        data = encode(long, TOKENIZER, max_length=400, stride=stride)["long"]
        kept[stride] = len(set(data.row_of[data.labels[:, 0] > 0].tolist()))
    assert kept[0] < kept[32] == 60


def test_rows_without_answers_are_encoded_and_scored(model):
    from course_utils import evaluate

    made = answer_task(["who"] * 8, ["Anna Berg lives in Oslo . The room was good ."] * 8, [("Anna Berg", 0)] * 8)
    mixed = lab.with_no_answer(made, share=0.5)
    assert Counter(mixed.rows["train"]["no_answer"][:]) == {"": 4, lab.REMOVED: 4}
    data = encode(mixed, TOKENIZER)["train"]
    assert ((data.labels[:, 0] == 0) == [bool(how) for how in mixed.rows["train"]["no_answer"][:]]).all()
    assert set(evaluate(model, data, metric=metric_for(mixed))) == {"loss", "exact_match", "f1"}
