"""Text from a model: pairs as rows, and decoding that equals `transformers`' on the same weights."""

import numpy as np
import pytest
import torch
from datasets import Dataset, DatasetDict
from helpers_tiny import tiny_model
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils import generation
from course_utils.batching import IGNORED, encode
from course_utils.data import Task, load_task
from course_utils.errors import CourseError
from course_utils.evaluation import evaluate, predict_logits
from course_utils.models import load_model, load_tokenizer
from course_utils.prediction import predict_translations

WIDE = {"max_new_tokens": 24, "do_sample": False, "early_stopping": False}


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer("mini-encoder-decoder")


@pytest.fixture(scope="module")
def model():
    return load_model("mini-encoder-decoder", "translation").eval()


@pytest.fixture(scope="module")
def rows(tokenizer):
    return encode(load_task("translation", train_rows=40), tokenizer)["train"]


def theirs(model, rows, **how):
    batch = rows.batch(np.arange(len(rows)))
    never = [[model.config.pad_token_id]]
    out = model.generate(
        input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], bad_words_ids=never, **WIDE | how
    )
    return [[t for t in row if t not in (model.config.pad_token_id, model.config.eos_token_id)] for row in out.tolist()]


def test_pairs_are_source_and_target(rows, tokenizer):
    pair = rows.rows[3]["translation"]
    batch = rows.batch([3, 5])
    source, target = batch["input_ids"][0], batch["labels"][0]
    assert tokenizer.decode(source, skip_special_tokens=True) == pair["en"]
    assert tokenizer.decode(target[target != IGNORED], skip_special_tokens=True) == pair["fr"]
    assert batch["decoder_input_ids"][0, 0] == tokenizer.pad_token_id
    assert torch.equal(batch["decoder_input_ids"][0, 1:3], target[:2])
    assert torch.equal(rows.select([3, 5]).batch([0, 1])["labels"], batch["labels"])


def test_the_other_direction(tokenizer):
    task = load_task("translation", train_rows=4).translating("fr", "en")
    batch = encode(task, tokenizer)["train"].batch([0])
    pair = task.rows["train"][0]["translation"]
    assert tokenizer.decode(batch["input_ids"][0], skip_special_tokens=True) == pair["fr"]
    with pytest.raises(CourseError, match="no language 'de': its rows have 'en', 'fr'"):
        task.translating("de", "en")
    with pytest.raises(CourseError, match="both 'fr'"):
        task.translating("fr", "fr")
    with pytest.raises(CourseError, match="no translation task"):
        load_task("sentiment").translating("en", "fr")


def test_the_loss_is_the_model_s_own(model, rows):
    batch = rows.batch(np.arange(8))
    with torch.no_grad():
        wanted = model(
            input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], labels=batch["labels"]
        ).loss
    assert evaluate(model, rows.select(range(8)))["loss"] == pytest.approx(wanted.item(), rel=1e-5)


def test_greedy_equals_transformers(model, rows):
    assert generation.generate(model, rows, most_tokens=24) == theirs(model, rows, num_beams=1)


@pytest.mark.parametrize("width, penalty", [(2, 1.0), (4, 1.0), (4, 0.0), (3, 2.0), (2, -1.0)])
def test_beam_search_equals_transformers(model, rows, width, penalty):
    ours = generation.generate(model, rows, width=width, length_penalty=penalty, most_tokens=24)
    # A tie in float32 may fall either way: all but one of forty must be equal.
    same = sum(a == b for a, b in zip(ours, theirs(model, rows, num_beams=width, length_penalty=penalty), strict=True))
    assert same >= len(rows) - 1


def test_rows_are_written_alike_alone_and_together(model, rows):
    few = rows.select([7, 0, 21])
    alone = [generation.generate(model, few.select([i]), width=3, most_tokens=12)[0] for i in range(3)]
    assert generation.generate(model, few, width=3, most_tokens=12) == alone


def test_scores_are_the_model_s_log_probabilities(model, rows):
    batch = rows.batch([2])
    best = generation.beam_search(model, batch, width=3, length_penalty=1.0, most_tokens=10)[0]
    assert [h.score for h in best] == sorted((h.score for h in best), reverse=True)
    for hypothesis in best:
        read = torch.tensor([[model.config.decoder_start_token_id, *hypothesis.tokens[:-1]]])
        with torch.no_grad():
            logits = model(
                input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], decoder_input_ids=read
            ).logits[0]
        logits[:, model.config.pad_token_id] = -torch.inf
        wanted = logits.log_softmax(-1)[range(len(hypothesis.tokens)), list(hypothesis.tokens)].sum()
        assert hypothesis.log_probability == pytest.approx(wanted.item(), abs=1e-3)
        assert hypothesis.score == pytest.approx(hypothesis.log_probability / len(hypothesis.tokens))


def test_the_tree_holds_every_hypothesis(model, rows):
    tree: list[generation.BeamNode] = []
    best = generation.beam_search(model, rows.batch([4]), width=3, most_tokens=6, watch=tree)[0]
    by_number = {node.number: node for node in tree}

    def text(node):
        return (*(text(by_number[node.parent]) if node.parent >= 0 else ()), node.token)

    assert {h.tokens for h in best} <= {text(node) for node in tree}
    assert all(by_number[node.parent].kept and not by_number[node.parent].finished for node in tree if node.parent >= 0)
    for step in range(1, max(node.step for node in tree) + 1):
        assert sum(node.kept and not node.finished for node in tree if node.step == step) <= 3


def test_a_wider_beam_never_ends_with_less_where_length_costs_nothing(model, rows):
    """With no penalty the narrow beam's text is a candidate that the wide one may only better, on average."""
    batch = rows.batch(np.arange(20))
    narrow, wide = (
        np.mean([beam[0].log_probability for beam in generation.beam_search(model, batch, width=w, length_penalty=0.0, most_tokens=20)])
        for w in (1, 6)
    )  # fmt: skip
    assert wide > narrow


def test_drawn_text_repeats_with_its_seed(model, rows):
    few = rows.select(range(4))

    def drawn(seed, **how):
        return generation.generate(model, few, most_tokens=8, choose=generation.drawing(seed, **how))

    assert drawn(1) == drawn(1) != drawn(2)
    assert drawn(1, top_k=1) == generation.generate(model, few, most_tokens=8)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.text(min_size=1, max_size=30).filter(str.strip), min_size=1, max_size=3))
def test_any_unicode_can_be_asked(model, tokenizer, texts):
    written = predict_translations(model, tokenizer, texts, most_tokens=4, width=2)
    assert len(written) == len(texts) and all(isinstance(text, str) for text in written)


def test_a_model_without_a_decoder_is_refused(rows):
    with pytest.raises(CourseError, match="no decoder that begins from an input"):
        generation.beam_search(tiny_model("classification"), rows.batch([0]), width=2)


def test_settings_that_mean_nothing_are_refused(model, rows):
    with pytest.raises(CourseError, match="width=0"):
        generation.beam_search(model, rows.batch([0]), width=0)
    with pytest.raises(CourseError, match="token by token"):
        predict_logits(model, rows)


def test_rows_that_begin_with_another_token_are_refused(model, tokenizer):
    task = load_task("translation", train_rows=4)
    wrong = encode(task, tokenizer, decoder_start=5)["train"]
    with pytest.raises(CourseError, match="reads token 0 first and the rows begin with 5; encode them with decoder_start=0"):
        generation.generate(model, wrong)


def test_a_pair_that_is_too_long_is_cut_and_counted(tokenizer):
    pair = {"en": "The dog is good. " * 20, "fr": "Le chien est bon."}
    rows = Dataset.from_dict({"translation": [pair]})
    task = Task("long", "translation", DatasetDict(train=rows), "translation", "translation", languages=("en", "fr"))
    with pytest.warns(UserWarning, match="1 of 1 texts are longer than max_length=16"):
        assert encode(task, tokenizer, max_length=16)["train"].lengths.tolist() == [16]


def test_predictions_want_text(model, tokenizer):
    assert predict_translations(model, tokenizer, []) == []
    with pytest.raises(CourseError, match="Text 1 is empty"):
        predict_translations(model, tokenizer, ["Yes.", " "])


def test_cross_attention_is_of_every_layer_and_head_and_leaves_the_model_as_it_was(model, rows):
    before = model.config._attn_implementation
    batch = rows.batch([3])
    weights = generation.cross_attention(model, batch)
    layers, heads = model.config.num_decoder_layers, model.config.num_heads
    assert weights.shape == (layers, heads, batch["labels"].shape[1], batch["input_ids"].shape[1])
    assert torch.allclose(weights.sum(-1), torch.ones(()), atol=1e-4)
    assert model.config._attn_implementation == before
    with pytest.raises(CourseError, match="this batch has 2"):
        generation.cross_attention(model, rows.batch([0, 1]))
