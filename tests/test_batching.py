"""Batches: every row once, in an order that depends on its arguments alone, padded no wider than needed."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from course_utils.batching import IGNORED, EncodedRows, batch_order, batches_by_length, collate, encode
from course_utils.errors import CourseError

LENGTHS = np.random.default_rng(0).integers(1, 60, size=1003)
BY_ROWS, BY_TOKENS = {"batch_size": 16}, {"token_budget": 256}


def order(lengths=LENGTHS, seed=0, epoch=0, **options):
    return batch_order(lengths, seed=seed, epoch=epoch, **(options or BY_ROWS))


def same(left, right):
    return len(left) == len(right) and all(np.array_equal(a, b) for a, b in zip(left, right, strict=True))


@pytest.mark.parametrize(
    "size", [BY_ROWS, BY_TOKENS, BY_ROWS | {"shuffle": False}, BY_TOKENS | {"shuffle": False}]
)
@pytest.mark.parametrize("n_rows", [1, 15, 16, 17, 1003])
def test_every_row_once(n_rows, size):
    rows = np.concatenate(order(LENGTHS[:n_rows], **size))
    assert sorted(rows) == list(range(n_rows))


def test_order_depends_on_its_arguments_alone():
    first = order()
    np.random.seed(1)
    torch.manual_seed(1)
    assert same(order(), first)
    assert not same(order(epoch=1), first)
    assert not same(order(seed=1), first)


def test_rows_meet_other_rows_in_every_epoch():
    first, second = ({frozenset(batch.tolist()) for batch in order(epoch=epoch)} for epoch in (0, 1))
    assert len(first & second) < 0.1 * len(first)


def test_order_stays_the_same_on_every_machine():
    batches = batch_order(np.array([3, 1, 4, 1, 5, 9, 2, 6]), batch_size=3, seed=7, epoch=2)
    assert [batch.tolist() for batch in batches] == [[7, 5], [0, 2, 4], [1, 3, 6]]


@pytest.mark.parametrize("n_rows", [1, 31, 32, 33, 799, 800, 801, 1003])
def test_number_of_batches_is_exact(n_rows):
    sizes = [len(batch) for batch in order(LENGTHS[:n_rows], batch_size=16)]
    assert len(sizes) == -(-n_rows // 16)
    assert sum(size < 16 for size in sizes) == (n_rows % 16 > 0)


@pytest.mark.parametrize("budget", [60, 100, 1000])
@pytest.mark.parametrize("shuffle", [True, False])
def test_token_budget_counts_padding_and_is_used(budget, shuffle):
    batches = order(token_budget=budget, shuffle=shuffle)
    assert all(len(batch) * LENGTHS[batch].max() <= budget for batch in batches)
    if shuffle and budget == 1000:  # sorted pools waste little: most of the budget is real tokens
        assert LENGTHS.sum() / (len(batches) * budget) > 0.75


def test_a_token_budget_may_be_used_up():
    assert [len(batch) for batch in order(np.full(8, 10), token_budget=40)] == [4, 4]


def test_pools_spare_most_of_the_padding_and_still_shuffle():
    def padding(batches):
        return 1 - LENGTHS.sum() / sum(len(batch) * LENGTHS[batch].max() for batch in batches)

    assert padding(order(shuffle=False, **BY_ROWS)) > 0.4
    assert padding(order()) < 0.06
    widths = [LENGTHS[batch].max() for batch in order()]
    assert abs(np.corrcoef(widths, np.arange(len(widths)))[0, 1]) < 0.5  # short batches do not all come first


def test_without_shuffle_rows_keep_their_order():
    assert np.array_equal(np.concatenate(order(shuffle=False, **BY_ROWS)), np.arange(len(LENGTHS)))


def test_prediction_batches_start_with_the_longest():
    batches = batches_by_length(LENGTHS, token_budget=30)  # rows longer than the budget go alone
    assert sorted(np.concatenate(batches)) == list(range(len(LENGTHS)))
    assert np.all(np.diff(LENGTHS[np.concatenate(batches)]) <= 0)


@pytest.mark.parametrize(
    "lengths, options, message",
    [
        ([], BY_ROWS, "no rows"),
        ([3, 300], BY_TOKENS, r"Row 1 has 300 tokens, more than token_budget=256"),
        ([3], BY_ROWS | BY_TOKENS, "one of them, not both"),
    ],
)
def test_bad_batches_are_refused(lengths, options, message):
    with pytest.raises(CourseError, match=message):
        order(np.array(lengths, dtype=int), **options)


# ---------------------------------------------------------------- flat arrays


def rows_of(*texts: list[int], **extra) -> EncodedRows:
    return EncodedRows(np.concatenate(texts), np.cumsum([0, *map(len, texts)]), **extra)


def test_collate_pads_to_the_longest_row_of_the_batch():
    rows = rows_of([5, 6, 7], [8], [9, 10, 11, 12], labels=np.array([0, 1, 2]))
    batch = collate(rows, np.array([1, 0]), pad_token_id=99)
    assert batch["input_ids"].tolist() == [[8, 99, 99], [5, 6, 7]]
    assert batch["attention_mask"].tolist() == [[1, 0, 0], [1, 1, 1]]
    assert batch["labels"].tolist() == [1, 0]


def test_collate_pads_labels_of_tokens_with_what_is_ignored():
    rows = rows_of([5, 6, 7], [8], labels=np.array([1, IGNORED, 2, 3]), kind="entities")
    assert rows.batch(np.array([0, 1]))["labels"].tolist() == [[1, IGNORED, 2], [3, IGNORED, IGNORED]]


def test_select_gives_the_same_batches():
    rows = rows_of([5, 6, 7], [8], [9, 10], labels=np.array([1, IGNORED, 2, 3, 4, 5]), kind="entities")
    some = rows.select([2, 0])
    assert len(some) == 2 and some.lengths.tolist() == [2, 3] and some.row_of.tolist() == [2, 0]
    for name, tensor in some.batch(np.array([0, 1])).items():
        assert torch.equal(tensor, rows.batch(np.array([2, 0]))[name])


# ---------------------------------------------------------------- from text

WORDS = "the cat of Ada Lovelace sat on mat where did sit ? yes".split()


@pytest.fixture(scope="module")
def tokenizer():
    """WordPiece over a few words, with "Lovelace" in two pieces."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    vocab = {word: i for i, word in enumerate(["[PAD]", "[CLS]", "[SEP]", "[UNK]", "Love", "##lace", *WORDS])}
    vocab.pop("Lovelace")
    raw = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
    raw.pre_tokenizer = pre_tokenizers.Whitespace()
    raw.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 1), ("[SEP]", 2)],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=raw, pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]", unk_token="[UNK]"
    )


def task(kind, text, label, /, **columns):
    from datasets import Dataset

    return SimpleNamespace(
        name="t", kind=kind, text=text, label=label, rows={"train": Dataset.from_dict(columns)}
    )


def test_texts_become_rows(tokenizer):
    rows = encode(
        task("classification", "sentence", "label", sentence=["the cat", "yes"], label=[1, 0]), tokenizer
    )["train"]
    assert tokenizer.convert_ids_to_tokens(rows.input_ids) == "[CLS] the cat [SEP] [CLS] yes [SEP]".split()
    assert rows.labels.tolist() == [1, 0] and rows.lengths.tolist() == [4, 3]


def test_long_texts_are_cut(tokenizer):
    long = task("classification", "sentence", "label", sentence=["cat " * 100], label=[0])
    assert encode(long, tokenizer, max_length=16)["train"].lengths.tolist() == [16]


def test_only_the_first_piece_of_a_word_is_labelled(tokenizer):
    words = [["the", "Ada", "Lovelace", "sat"], ["yes"]]
    rows = encode(
        task("entities", "tokens", "ner_tags", tokens=words, ner_tags=[[0, 1, 2, 0], [0]]), tokenizer
    )["train"]
    labelled = list(zip(tokenizer.convert_ids_to_tokens(rows.input_ids), rows.labels, strict=True))
    assert labelled[:7] == [
        ("[CLS]", IGNORED), ("the", 0), ("Ada", 1), ("Love", 2), ("##lace", IGNORED), ("sat", 0),
        ("[SEP]", IGNORED),
    ]  # fmt: skip
    assert rows.words.tolist() == [-1, 0, 1, 2, -1, 3, -1, -1, 0, -1]


def test_answers_are_labelled_with_their_tokens(tokenizer):
    context = "the cat of Ada Lovelace sat on the mat"
    rows = encode(
        task(
            "answers", "context", "answers", question=["where did the cat sit ?"] * 2, context=[context] * 2,
            answers=[{"text": ["Ada Lovelace"], "answer_start": [11]}, {"text": [], "answer_start": []}],
        ),
        tokenizer,
    )["train"]  # fmt: skip
    first, last = rows.labels[0]
    assert tokenizer.convert_ids_to_tokens(rows.input_ids[first : last + 1]) == ["Ada", "Love", "##lace"]
    assert context[rows.spans[first, 0] : rows.spans[last, 1]] == "Ada Lovelace"
    assert rows.labels[1].tolist() == [0, 0]  # no answer: the first token


def test_a_long_context_becomes_rows_that_overlap(tokenizer):
    context = "the cat sat on the mat " * 10 + "of Ada"
    answers = [{"text": ["Ada"], "answer_start": [context.index("Ada")]}]
    rows = encode(
        task("answers", "context", "answers", question=["where ?"], context=[context], answers=answers),
        tokenizer, max_length=24, stride=6,
    )["train"]  # fmt: skip
    assert len(rows) > 2 and set(rows.row_of) == {0} and rows.lengths.max() <= 24
    found = [
        rows.spans[rows.offsets[i] + first].tolist() for i, (first, _) in enumerate(rows.labels) if first
    ]
    assert found == [[context.index("Ada"), context.index("Ada") + 3]]


@pytest.mark.parametrize("question, stride", [("where " * 40, 6), ("where " * 12, 12), ("where ?", 30)])
def test_a_question_that_leaves_no_room_is_refused(tokenizer, question, stride):
    context, answers = ["the cat sat on the mat " * 10], [{"text": ["cat"], "answer_start": [4]}]
    rows = task("answers", "context", "answers", question=[question], context=context, answers=answers)
    with pytest.raises(CourseError, match="of max_length=24 for its context, no more than stride="):
        encode(rows, tokenizer, max_length=24, stride=stride)


def test_a_kind_that_cannot_be_encoded_is_refused(tokenizer):
    with pytest.raises(CourseError, match="kind 'tables'"):
        encode(task("tables", "translation", "translation", translation=[1]), tokenizer)
