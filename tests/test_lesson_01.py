"""Lesson 01: its tokenizers repeat from run to run, its merges are the library's, its figures say what they show."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import plotly.graph_objects as go
import pytest

from course_utils import load_tokenizer, tokens
from course_utils.batching import batch_order
from course_utils.errors import CourseError
from course_utils.figures import tokens as figures
from course_utils.models import check_vocabulary
from course_utils.scale import checkpoint_path
from course_utils.widgets import tokens as widgets

SIZE = 700


@pytest.fixture(scope="module")
def texts():
    return tokens.world_texts(300)


@pytest.fixture(scope="module")
def trained(texts):
    return {kind: tokens.train(kind, texts, SIZE) for kind in tokens.KINDS}


# ---------------------------------------------------------------- training


ANOTHER_PROCESS = f"""
import json
from course_utils import tokens
texts = tokens.world_texts(300)
print(json.dumps({{k: tokens.train(k, texts, {SIZE}).backend_tokenizer.to_str() for k in tokens.KINDS}}))
"""


def test_training_repeats_in_another_process(trained):
    """Hash maps have another order in every process, and the library's trainers go through some."""
    run = subprocess.run(
        [sys.executable, "-c", ANOTHER_PROCESS],
        env={**os.environ, "PYTHONHASHSEED": "7"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(run.stdout) == {k: t.backend_tokenizer.to_str() for k, t in trained.items()}


def test_every_kind_has_the_size_asked_for_and_the_encoders_special_tokens(trained):
    ours = load_tokenizer("mini-encoder")
    for tokenizer in trained.values():
        assert len(tokenizer) == SIZE
        assert [tokenizer.convert_tokens_to_ids(t) for t in ours.all_special_tokens] == ours.all_special_ids
        ids = tokenizer("The soup was cold.")["input_ids"]
        assert (ids[0], ids[-1]) == (tokenizer.cls_token_id, tokenizer.sep_token_id)
        assert tokenizer("A", "B")["input_ids"].count(tokenizer.sep_token_id) == 2


def test_text_comes_back_and_only_bytes_know_everything(trained):
    for kind, tokenizer in trained.items():
        ids = tokenizer("The soup was cold.", add_special_tokens=False)["input_ids"]
        assert tokenizer.decode(ids) == "The soup was cold."
        assert (tokenizer.unk_token_id in tokenizer("Ω")["input_ids"]) == (kind != "BPE")


def test_a_letter_with_hashes_is_no_special_token(trained):
    """Letters are given to the trainer beforehand; that must not make "##a" a token of its own in texts."""
    assert "##a" not in trained["WordPiece"].tokenize("x ##a")[1:2]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("Wordpiece", ["text"], 500), "no kind of tokenizer called 'Wordpiece'"),
        (("BPE", ["text"], 100), "no room for the single characters"),
        (("WordPiece", ["text"], 8), "no room for the single characters"),
        (("Unigram", ["a text of some letters"], 8), "vocabulary=8"),
        (("BPE", [" ", ""], 500), "no text to train"),
    ],
)
def test_what_cannot_be_trained_is_said_in_a_sentence(arguments, says):
    with pytest.raises(CourseError, match=says):
        tokens.train(*arguments)


# ---------------------------------------------------------------- merges


def test_merges_are_those_of_the_library(texts):
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    words = tokens.count_words(texts)
    library = Tokenizer(models.BPE())
    library.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    alphabet = len({letter for word in words for letter in word})
    library.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=alphabet + 200, show_progress=False))
    theirs = [tuple(pair) for pair in json.loads(library.to_str())["model"]["merges"]]
    ours = tokens.learn_merges(words, 200)
    counts = [merge.count for merge in ours]
    assert counts == sorted(counts, reverse=True)
    # Up to the first tie, which each breaks in its own way.
    first_tie = next(i for i in range(1, 200) if counts[i] == counts[i - 1]) - 1
    assert first_tie > 10 and [merge.pair for merge in ours][:first_tie] == theirs[:first_tie]
    for word in list(words)[:300]:
        merges = [tokens.Merge(pair, 0) for pair in theirs]
        assert list(tokens.apply_merges(word, merges)) == library.encode(word).tokens


def test_counts_are_kept_up_to_date():
    """The quick way, which recounts changed words only, against counting everything anew."""
    counts = {"banana": 3, "bandana": 2, "ananas": 5, "nab": 1, "aaaaa": 2}
    words = {tuple(word): count for word, count in counts.items()}
    for merge in tokens.learn_merges(counts, 100):
        pairs = tokens.count_pairs(words)
        assert merge.count == pairs[merge.pair] == max(pairs.values())
        words = {tokens.merge_pair(pieces, merge.pair): count for pieces, count in words.items()}
    assert all(len(pieces) == 1 for pieces in words), "no pair is left"
    assert tokens.learn_merges({}, 5) == [] and tokens.learn_merges(counts, 0) == []
    with pytest.raises(CourseError, match="merges=-1"):
        tokens.learn_merges(counts, -1)


# ---------------------------------------------------------------- measures


def test_fertility_and_unknowns(trained):
    tokenizer = trained["WordPiece"]
    text = "The soup was cold."
    expected = len(tokenizer.tokenize(text)) / 4
    assert tokens.fertility(tokenizer, [text]) == tokens.fertility(tokenizer, [text, text]) == expected
    with pytest.raises(CourseError, match="no words"):
        tokens.fertility(tokenizer, ["", "  "])


def test_padding_is_what_a_batch_really_holds():
    lengths = np.array([3, 5, 1, 7, 7, 2, 9])
    batches = tokens.random_batches(7, 3, seed=1)
    assert sorted(np.concatenate(batches)) == list(range(7)) and [len(b) for b in batches] == [3, 3, 1]
    positions = sum(max(lengths[b]) * len(b) for b in batches)
    assert tokens.padding_share(lengths, batches) == pytest.approx(1 - lengths.sum() / positions)
    assert tokens.padding_share(lengths, [np.array([3, 4])]) == 0
    with pytest.raises(CourseError, match="no batches"):
        tokens.padding_share(lengths, [])
    many = np.random.default_rng(0).integers(5, 100, 2000)
    grouped = tokens.padding_share(many, batch_order(many, batch_size=32, seed=0, epoch=0))
    assert grouped < 0.1 < tokens.padding_share(many, tokens.random_batches(2000, 32))


def test_pieces_cover_the_text(trained):
    text = "The café was closed."
    for tokenizer in trained.values():
        pieces = tokens.pieces_of(tokenizer, text)
        covered = {i for piece in pieces for i in range(piece.start, piece.end)}
        assert {i for i, letter in enumerate(text) if letter != " "} <= covered
        assert [p.number for p in pieces] == tokenizer(text, add_special_tokens=False)["input_ids"]


def test_parallel_texts_are_the_same_sentences():
    both = tokens.parallel_texts(20)
    assert len(both["English"]) == len(both["French"]) == 20 and both["English"] != both["French"]


def test_real_tokenizers_are_never_needed(trained, monkeypatch):
    monkeypatch.setattr(tokens, "minilm_folder", lambda: None)
    assert list(tokens.tokenizers_at_hand(trained)) == [*tokens.KINDS, "mini-encoder"]
    monkeypatch.setenv("COURSE_SCALE", "hub")  # with no network: nothing more, and no error
    monkeypatch.setenv("COURSE_MODEL", "no-such/model")
    assert list(tokens.tokenizers_at_hand(trained)) == [*tokens.KINDS, "mini-encoder"]


def test_a_local_folder_joins_the_others(trained, tmp_path, monkeypatch):
    trained["BPE"].save_pretrained(tmp_path / "mine")
    shutil.copy(f"{checkpoint_path('mini-encoder')}/config.json", tmp_path / "mine")
    monkeypatch.setenv("COURSE_MODEL", str(tmp_path / "mine"))
    assert "your model" in tokens.tokenizers_at_hand()


def test_the_foreign_pair_of_the_lesson_passes_the_check():
    """The honest failure is one only as long as the course's own check cannot see it."""
    from course_utils import load_model

    ours = load_tokenizer("mini-encoder")
    foreign = tokens.train("WordPiece", tokens.world_texts(6000, seed=100), len(ours))
    check_vocabulary(load_model("mini-encoder", "masked_lm"), foreign)
    shared = set(ours.get_vocab()) & set(foreign.get_vocab()) - set(ours.all_special_tokens)
    agree = [t for t in shared if ours.get_vocab()[t] == foreign.get_vocab()[t]]
    assert len(shared) > 1000 and len(agree) < 0.02 * len(shared)


# ---------------------------------------------------------------- figures and widgets


def whole(figure, *says):
    description = figure.layout.meta["description"]
    assert isinstance(figure, go.Figure) and figure.layout.title.text
    assert figure.layout.xaxis.title.text and figure.layout.yaxis.title.text
    assert all(part in description for part in says), description
    assert "nan" not in description.lower() and json.loads(figure.to_json())


def test_token_rows_fill_the_text_and_mark_unknown_tokens(trained):
    text = "The Ω café"
    rows = {name: tokens.pieces_of(tokenizer, text) for name, tokenizer in trained.items()}
    figure = figures.token_rows(rows, text)
    whole(figure, "WordPiece", "[UNK]")
    for trace, pieces in zip(figure.data, rows.values(), strict=True):
        ends = np.asarray(trace.base) + np.asarray(trace.x)
        assert len(trace.x) == len(pieces) and (np.diff(trace.base) >= 0).all()
        assert (ends[:-1] <= np.asarray(trace.base)[1:] + 1e-9).all(), "no box covers the next"
        assert list(trace.marker.pattern.shape) == ["x" if p.unknown else "" for p in pieces]
    with pytest.raises(CourseError, match="shorten it"):
        figures.token_rows(rows, "x" * 100)


def test_replayed_merges_at_every_value_of_the_slider():
    merges = tokens.learn_merges({"weather": 5, "whether": 3, "the": 9}, 12)
    words = ["weather", "the"]
    for done in range(len(merges) + 1):
        figure = widgets.replay_merges(words, merges, merge=done, widget=False)
        whole(figure)
        for trace, word in zip(figure.data, words, strict=True):
            assert "".join(trace.text) == word and sum(trace.x) == len(word)
        if done:
            made = merges[done - 1].token
            assert f'"{made}"' in figure.layout.title.text
            for trace in figure.data:
                thick = {text for text, width in zip(trace.text, trace.marker.line.width) if width > 3}
                assert thick <= {made}
    with pytest.raises(CourseError, match="99 merges"):
        figures.merge_state({"the": ["the"]}, merges, 99)
    panel = widgets.replay_merges(words, merges)
    slider, live = panel.children
    slider.value = 3
    assert (
        live.layout.title.text
        == widgets.replay_merges(words, merges, merge=3, widget=False).layout.title.text
    )


def test_typing_a_sentence_redraws_it(trained):
    panel = widgets.see_tokens(trained, "The soup.")
    box, row, live = panel.children
    box.value = "The unfriendly waiter."
    assert "unfriendly" in live.layout.meta["description"]
    box.value = "x" * 200  # the last figure stays, and the status says why
    assert "shorten" in row.children[1].value and "unfriendly" in live.layout.meta["description"]
    whole(widgets.see_tokens(trained, " The soup. ", widget=False), "'The soup.'")


def test_padding_explorer():
    lengths = np.random.default_rng(0).integers(5, 100, 300)
    figure = widgets.see_padding(lengths, widget=False)
    whole(figure, "padding")
    real, padding = figure.data
    assert len(set(np.asarray(real.x) + np.asarray(padding.x))) == 1
    *parts, live = widgets.see_padding(lengths).children
    parts[0].value = "of like length"
    parts[1].value = 8
    assert len(live.data[0].x) == 8


def test_bars_and_curve():
    bars = figures.grouped_bars(
        {"BPE": {"a": 1.5, "b": 2.0}, "Unigram": {"a": 1.0, "b": 2.5}}, title="T", x_label="x", y_label="y"
    )
    whole(bars, "BPE: a 1.50, b 2.00")
    assert len({trace.marker.pattern.shape for trace in bars.data}) == 2
    whole(figures.vocabulary_curve({"town": {500: 2.5, 1000: 2.0}}), "town goes from 2.50 to 2.00")
