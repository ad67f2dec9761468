"""A tokenizer, models and tasks so small that a test can make its own."""

import string

from datasets import ClassLabel, Dataset, DatasetDict, Sequence

from course_utils.data import Task

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = ["the", "a", "room", "was", "good", "bad", "Anna", "Berg", "lives", "in", "Oslo", "who", "where"]
TAGS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]


def tiny_tokenizer(max_length: int = 64):
    """WordPiece over a few words and all ASCII letters; anything else is unknown."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    letters = [*string.ascii_letters, *string.digits, *string.punctuation]
    vocab = {
        t: i for i, t in enumerate(dict.fromkeys([*SPECIAL, *WORDS, *letters, *("##" + c for c in letters)]))
    }
    tokenizer = Tokenizer(models.WordPiece(vocab=vocab, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B [SEP]",
        special_tokens=[("[CLS]", vocab["[CLS]"]), ("[SEP]", vocab["[SEP]"])],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, cls_token="[CLS]", sep_token="[SEP]", pad_token="[PAD]", unk_token="[UNK]",
        mask_token="[MASK]", model_max_length=max_length, model_input_names=["input_ids", "attention_mask"],
    )  # fmt: skip


def tiny_model(kind: str, labels: list[str] | None = None):
    """A random BERT with one layer of width 16 and the head of a kind of task."""
    import torch
    from transformers import (
        BertConfig,
        BertForQuestionAnswering,
        BertForSequenceClassification,
        BertForTokenClassification,
    )

    torch.manual_seed(0)
    labels = labels or ["negative", "positive"]
    config = BertConfig(
        vocab_size=256, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=64, id2label=dict(enumerate(labels)), label2id={n: i for i, n in enumerate(labels)},
    )  # fmt: skip
    heads = {
        "classification": BertForSequenceClassification,
        "entities": BertForTokenClassification,
        "answers": BertForQuestionAnswering,
    }
    return heads[kind](config).eval()


def entity_task(words: list[list[str]], tags: list[list[str]]) -> Task:
    rows = Dataset.from_dict({"tokens": words, "ner_tags": [[TAGS.index(t) for t in row] for row in tags]})
    rows = rows.cast_column("ner_tags", Sequence(ClassLabel(names=TAGS)))
    return Task("tiny", "entities", DatasetDict(train=rows), "tokens", "ner_tags", tuple(TAGS))


def answer_task(questions: list[str], contexts: list[str], answers: list[tuple[str, int] | None]) -> Task:
    """A task of questions; an answer is its text and first character, or None."""
    accepted = [{"text": [a[0]] if a else [], "answer_start": [a[1]] if a else []} for a in answers]
    rows = Dataset.from_dict({"question": questions, "context": contexts, "answers": accepted})
    return Task("tiny", "answers", DatasetDict(train=rows), "context", "answers")
