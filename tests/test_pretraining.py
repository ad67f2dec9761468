"""The recipe of the shipped checkpoint at a size that takes seconds: tokenizer, masks, text, run, and its files."""

import dataclasses
import json
from itertools import islice

import numpy as np
import pytest
import torch

from course_utils import pretraining
from course_utils.batching import IGNORED, EncodedRows, batch_order
from course_utils.pretraining import (
    CLS,
    SPECIAL_TOKENS,
    EncoderRecipe,
    MaskedRows,
    encode_documents,
    new_encoder,
    pretrain,
    train_tokenizer,
)
from course_utils.world.corpus import documents

TINY = EncoderRecipe(
    layers=1, hidden=32, heads=2, feed_forward=32, tokenizer_documents=400, word_count=4, pieces=80, frequent=60,
    opening_steps=5, max_steps=30, warmup_steps=3, token_budget=1024, learning_rate=1e-2,
)  # fmt: skip


def texts(n: int) -> list[str]:
    return [segment.text for document in islice(documents(0), n) for segment in document.segments]


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(iter(texts(400)), word_count=4, pieces=80)


@pytest.fixture(scope="module")
def encoded(tokenizer):
    return encode_documents(islice(documents(0), 300), tokenizer, tokens=1)


@pytest.fixture(scope="module")
def rows(tokenizer, encoded) -> MaskedRows:
    return MaskedRows(encoded[0], tokenizer, frequent=60)


# ---------------------------------------------------------------- tokenizer


def test_words_seen_often_are_one_token_and_others_are_pieces(tokenizer):
    split = tokenizer.backend_tokenizer.pre_tokenizer.pre_tokenize_str
    counts: dict[str, int] = {}
    for text in texts(400):
        for word, _ in split(text):
            counts[word] = counts.get(word, 0) + 1
    often = [word for word, count in counts.items() if count >= 4]
    assert len(often) > 500
    assert not [word for word in often if tokenizer.tokenize(word) != [word]]
    assert len(tokenizer.tokenize("Wexmanwickstead")) > 1
    assert len(tokenizer) < len(often) + 1500


def test_latin_text_has_no_unknown_token_and_comes_back(tokenizer):
    latin = [
        "Zażółć gęślą jaźń, příliš žluťoučký kůň!",  # words and letters that the world never wrote
        "L'œuvre déjà vue: ça coûte 3,50 £ (ou 4 $) «s'il vous plaît».",
        "A-B_c/d e@f.gh #5 %&*+=~^`{|}\\",
        *texts(40),
    ]
    for text in latin:
        ids = tokenizer(text)["input_ids"]
        assert tokenizer.unk_token_id not in ids, text
        shown = tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        assert shown.replace(" ", "") == text.replace(" ", "")
    assert tokenizer.unk_token_id in tokenizer("日本")["input_ids"]  # what is not Latin is admitted


def test_special_tokens_stand_first_and_around(tokenizer):
    assert tokenizer.convert_ids_to_tokens(range(5)) == list(SPECIAL_TOKENS)
    assert set(tokenizer.all_special_ids) == set(range(5))
    ids = tokenizer("Is it wet?", "It is.")["input_ids"]
    assert tokenizer.convert_ids_to_tokens(ids)[0] == CLS and ids.count(tokenizer.sep_token_id) == 2
    assert "token_type_ids" not in tokenizer("Is it wet?", "It is.")


def test_the_same_text_makes_the_same_tokenizer(tokenizer):
    for _ in range(4):  # what breaks ties in the trainer is another hash map each time
        assert train_tokenizer(iter(texts(400)), word_count=4, pieces=80).get_vocab() == tokenizer.get_vocab()


# ---------------------------------------------------------------- text as rows


def test_a_document_is_a_row_with_its_segments_joined_by_the_separator(tokenizer, encoded):
    encoded, surprisal = encoded
    stream = list(islice(documents(0), 300))
    assert len(encoded) == 300 and surprisal == pytest.approx(sum(document.surprisal for document in stream))
    assert sum(len(document.segments) == 2 for document in stream) > 30
    for i, document in enumerate(stream):
        ids = encoded.input_ids[encoded.offsets[i] : encoded.offsets[i + 1]]
        if len(document.segments) == 2:  # as a question and its passage are encoded in the task
            expected = tokenizer(*(segment.text for segment in document.segments))["input_ids"]
        else:
            expected = tokenizer(document.text)["input_ids"]
        assert list(ids) == expected, document.text


def test_the_stream_is_read_until_there_are_tokens_enough(tokenizer):
    stream = documents(0)
    some, _ = encode_documents(stream, tokenizer, tokens=1000)
    assert len(some.input_ids) >= 1000
    following = next(stream)  # and no further: what comes next was not read
    assert following == next(islice(documents(0), len(some), None))


# ---------------------------------------------------------------- masks


def test_eighty_ten_ten(rows, tokenizer):
    """Of the hidden tokens, 80 % are replaced by the mask, 10 % by another token, 10 % stay."""
    masked = kept = other = 0
    for start in range(0, 300, 10):
        indices = np.arange(start, start + 10)
        batch, plain = rows.batch(indices), rows.rows.batch(indices)
        inputs, labels, ids = (t.numpy() for t in (batch["input_ids"], batch["labels"], plain["input_ids"]))
        hidden = labels != IGNORED
        assert (inputs[~hidden] == ids[~hidden]).all() and (labels[hidden] == ids[hidden]).all()
        assert not rows.special[ids[hidden]].any(), "a special token was hidden"
        assert (batch["attention_mask"] == plain["attention_mask"]).all()
        masked += (inputs[hidden] == tokenizer.mask_token_id).sum()
        kept += (inputs[hidden] == ids[hidden]).sum()
        other += ((inputs[hidden] != ids[hidden]) & (inputs[hidden] >= len(SPECIAL_TOKENS))).sum()
    total = masked + kept + other
    assert total > 2000
    for count, share in ((masked, 0.8), (kept, 0.1), (other, 0.1)):
        assert abs(count - total * share) < 4 * np.sqrt(total * share * (1 - share)) + 2, (
            count,
            total,
            share,
        )


def test_frequent_words_are_hidden_less_often(rows):
    counts = np.bincount(rows.rows.input_ids, minlength=rows.vocabulary)
    frequent = np.zeros(rows.vocabulary, dtype=bool)
    frequent[np.argsort(-counts, kind="stable")[:60]] = True
    seen, hidden = np.zeros(2), np.zeros(2)
    for start in range(0, 300, 10):
        plain = rows.rows.batch(np.arange(start, start + 10))
        ids, real = plain["input_ids"].numpy(), plain["attention_mask"].numpy() == 1
        starts = real & rows.starts_word[ids] & ~rows.special[ids]
        labels = rows.batch(np.arange(start, start + 10))["labels"].numpy()
        for which in (0, 1):
            of = starts & (frequent[ids] == bool(which))
            seen[which] += of.sum()
            hidden[which] += (labels[of] != IGNORED).sum()
    other, often = hidden / seen
    assert other == pytest.approx(0.35, abs=0.03) and often == pytest.approx(0.08, abs=0.02)


def test_a_word_is_hidden_whole_or_not_at_all(rows, tokenizer):
    several = 0
    for start in range(0, 300, 10):
        indices = np.arange(start, start + 10)
        ids, labels = rows.rows.batch(indices)["input_ids"].numpy(), rows.batch(indices)["labels"].numpy()
        for row, row_labels in zip(ids, labels, strict=True):
            begin = 0
            for end in range(1, len(row) + 1):
                if end == len(row) or rows.starts_word[row[end]]:
                    hidden = row_labels[begin:end] != IGNORED
                    assert hidden.all() or not hidden.any(), tokenizer.convert_ids_to_tokens(row[begin:end])
                    several += hidden.all() and end - begin > 1
                    begin = end
    assert several > 50


def same(one, two) -> bool:
    return all(torch.equal(one[name], two[name]) for name in one)


def test_masks_depend_on_seed_and_batch_alone(rows, tokenizer):
    one, two = np.array([3, 1, 4]), np.array([1, 5, 9])
    first = rows.batch(one)
    rows.batch(two)
    assert same(first, rows.batch(one)) and same(
        first, MaskedRows(rows.rows, tokenizer, frequent=60).batch(one)
    )
    other = MaskedRows(rows.rows, tokenizer, frequent=60, seed=1).batch(one)
    assert not torch.equal(first["labels"], other["labels"])
    # In the next epoch a row lies in another batch and hides other words.
    in_first, in_second = first["labels"][1], rows.batch(two)["labels"][0]
    shared = min(len(in_first), len(in_second))
    assert not torch.equal(in_first[:shared], in_second[:shared])


def test_epochs_hide_different_words(rows):
    masks = []
    for epoch in (0, 1):
        hidden = [set() for _ in range(len(rows))]
        for indices in batch_order(rows.lengths, token_budget=1024, seed=0, epoch=epoch):
            for row, labels in zip(indices, rows.batch(indices)["labels"], strict=True):
                hidden[row] = set(torch.nonzero(labels != IGNORED).ravel().tolist())
        masks.append(hidden)
    # Not none: in so small a corpus a few batches hold the same rows again, and a few rows hide no word.
    assert sum(one == two for one, two in zip(*masks, strict=True)) < 60  # of 300


def test_rows_of_one_token_and_no_hidden_word_are_fine(tokenizer):
    ids = np.array([tokenizer.cls_token_id, tokenizer.cls_token_id, 40], dtype=np.int32)
    tiny = MaskedRows(
        EncodedRows(ids, np.array([0, 1, 3]), kind="masked_lm", pad_token_id=tokenizer.pad_token_id),
        tokenizer,
    )
    batch = tiny.batch(np.array([0]))
    assert batch["labels"].tolist() == [[IGNORED]] and batch["input_ids"].tolist() == [
        [tokenizer.cls_token_id]
    ]
    assert len(tiny) == 2 and list(tiny.lengths) == [1, 2]


# ---------------------------------------------------------------- the run


def test_a_short_run_lowers_the_loss_and_can_be_repeated(rows, tokenizer):
    opening, _ = encode_documents(islice(documents(1, TINY.opening_mix), 300), tokenizer, tokens=1)
    opening = MaskedRows(opening, tokenizer, frequent=60)
    records = list(pretrain(new_encoder(TINY, tokenizer), opening, rows, TINY))
    assert [record.step for record in records] == [*range(1, 6), *range(1, 31)]
    losses = [record.loss for record in records]
    assert losses[0] == pytest.approx(np.log(len(tokenizer)), rel=0.15)  # no better than chance
    assert np.mean(losses[-5:]) < losses[0] - 0.5
    rates = [record.learning_rate for record in records]
    assert rates[2:5] == [TINY.learning_rate] * 3 and max(rates[5:]) == TINY.learning_rate > 50 * rates[-1]
    again = pretrain(new_encoder(TINY, tokenizer), opening, rows, TINY)
    assert [record.loss for record in islice(again, 8)] == losses[:8]


def test_the_encoder_is_the_one_of_its_recipe(tokenizer):
    recipe = dataclasses.replace(TINY, layers=2, max_length=96)
    config = new_encoder(recipe, tokenizer).config
    assert (config.num_hidden_layers, config.hidden_size, config.vocab_size) == (2, 32, len(tokenizer))
    assert config.max_position_embeddings == 96 and set(config.layer_types) == {"full_attention"}
    assert config.pad_token_id == tokenizer.pad_token_id and config.cls_token_id == tokenizer.cls_token_id


@pytest.fixture
def few_documents(monkeypatch):
    """60 documents where a real build encodes thousands."""

    def few(stream, tokenizer, *, tokens):
        return encode_documents(islice(stream, 60), tokenizer, tokens=1)

    monkeypatch.setattr(pretraining, "encode_documents", few)


def test_build_writes_a_checkpoint_that_opens(tmp_path, few_documents):
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    recipe = dataclasses.replace(TINY, tokenizer_documents=60, max_steps=4)
    pretraining.build_encoder(tmp_path / "new", recipe)
    written = json.loads((tmp_path / "new" / "recipe.json").read_text())
    assert EncoderRecipe(**written["recipe"]) == recipe
    assert 0 < written["facts"]["masked_loss"] < 10 and written["facts"]["tokens_read"] > 60 * 20
    card = (tmp_path / "new" / "README.md").read_text()
    assert f"{written['facts']['parameters']:,} parameters" in card and "then 4 on the mix" in card
    model = AutoModelForMaskedLM.from_pretrained(tmp_path / "new")
    assert model.num_parameters() == written["facts"]["parameters"]
    assert len(AutoTokenizer.from_pretrained(tmp_path / "new")) == written["facts"]["vocabulary"]
    assert (tmp_path / "new" / "model.safetensors").exists()


def test_an_interrupted_build_leaves_the_old_checkpoint_alone(tmp_path, monkeypatch, few_documents):
    old = tmp_path / "model.safetensors"
    old.write_bytes(b"the old one")
    recipe = dataclasses.replace(TINY, tokenizer_documents=60)
    real = pretraining.pretrain

    def interrupted(*arguments):
        yield from islice(real(*arguments), 2)
        raise KeyboardInterrupt

    monkeypatch.setattr(pretraining, "pretrain", interrupted)
    with pytest.raises(KeyboardInterrupt):
        pretraining.build_encoder(tmp_path, recipe)
    assert list(tmp_path.iterdir()) == [old] and old.read_bytes() == b"the old one"
