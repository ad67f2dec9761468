"""Labels, entities, answers and translations from a trained model; of what stands in a text, the characters.

Texts are encoded as they were for training and go through the model sorted by length.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .batching import EncodedRows, encode
from .data import Task
from .decoding import LONGEST_ANSWER, answer_spans, entity_spans, softmax, trimmed, word_tags
from .entities import structured_tags
from .errors import CourseError
from .evaluation import predict_logits
from .generation import MOST_TOKENS as MOST_WRITTEN
from .generation import generate
from .models import learned_positions
from .world.draw import words

if TYPE_CHECKING:
    import pandas as pd
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

MOST_TOKENS = 512  # longer texts are cut, longer contexts read in windows


@dataclass(frozen=True)
class Entity:
    """A name in a sentence: `sentence[start:end] == text`."""

    kind: str
    text: str
    start: int
    end: int
    probability: float  # of the least certain of its words


@dataclass(frozen=True)
class Answer:
    """An answer in its context: `context[start:end] == text`. An empty text says that there is none."""

    question: str
    text: str
    start: int
    end: int
    score: float  # probability of the first times that of the last token


def predict_labels(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, texts: str | Sequence[str]
) -> pd.DataFrame:
    """The likeliest label of each text. Columns: text, label, probability."""
    import pandas as pd

    texts = _texts(texts, "text")
    names = _label_names(model)
    if not texts:
        return pd.DataFrame({"text": [], "label": [], "probability": []})
    data = _encoded(tokenizer, "classification", {"text": texts}, _most_tokens(model, tokenizer))
    probabilities = softmax(predict_logits(model, data))  # (texts, classes)
    best = probabilities.argmax(-1)
    return pd.DataFrame(
        {"text": texts, "label": [names[i] for i in best], "probability": probabilities.max(-1)}
    )


def predict_entities(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    sentences: str | Sequence[str],
    *,
    keep_rules: bool = True,
) -> list[list[Entity]]:
    """The entities of each sentence, in the order in which they stand. Words are split as in the world's news.

    With `keep_rules`, tags are the likeliest that IOB2 allows together: with few labels that finds more names, with many
    it changes little (lesson 10). Without, each word takes its likeliest tag, and an I- that continues nothing is lost.
    Raises CourseError for texts without a word, and, with `keep_rules`, for models whose labels are not tags of IOB2.
    """
    sentences = _texts(sentences, "sentence")
    names = _label_names(model)
    if not sentences:
        return []
    places = [words(sentence) for sentence in sentences]  # (word, start, end)
    for number, (sentence, found) in enumerate(zip(sentences, places, strict=True)):
        if not found:
            raise CourseError(f"Sentence {number} ({sentence!r}) has no word in it: leave it out")
    columns = {"text": [[word for word, _, _ in row] for row in places]}
    data = _encoded(tokenizer, "entities", columns, _most_tokens(model, tokenizer))
    decode = structured_tags if keep_rules else word_tags
    tags, certainty = decode(predict_logits(model, data), data, names, map(len, places))
    entities_of: list[list[Entity]] = []
    for sentence, row, row_tags, row_certainty in zip(sentences, places, tags, certainty, strict=True):
        entities = []
        for kind, first, end in entity_spans(row_tags):
            begin, stop = row[first][1], row[end - 1][2]
            entities.append(
                Entity(kind, sentence[begin:stop], begin, stop, float(row_certainty[first:end].min()))
            )
        entities_of.append(entities)
    return entities_of


def predict_answers(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    questions: str | Sequence[str],
    contexts: str | Sequence[str],
    *,
    longest: int = LONGEST_ANSWER,
    no_answer: bool = False,
    threshold: float = 0.0,
    max_length: int | None = None,
) -> list[Answer]:
    """The best span of each context as the answer to its question; one context may serve all questions.

    A context that does not fit beside its question is read in windows that overlap. `longest` is
    the longest answer in tokens; with `no_answer` the model says that there is none where the `decoding.margin`
    of its best span is below `threshold`, which validation rows should choose.
    """
    questions = _texts(questions, "question")
    contexts = [contexts] * len(questions) if isinstance(contexts, str) else contexts
    contexts = _texts(contexts, "context")
    if len(questions) != len(contexts):
        raise CourseError(
            f"{len(questions)} questions and {len(contexts)} contexts: give each question its context"
        )
    if longest < 1:
        raise CourseError(f"longest={longest} leaves no answer: allow at least 1 token")
    if not questions:
        return []
    columns = {"question": questions, "text": contexts}
    data = _encoded(tokenizer, "answers", columns, max_length or _most_tokens(model, tokenizer))
    spans = answer_spans(predict_logits(model, data), data, longest=longest, no_answer=no_answer, threshold=threshold)
    answers = []
    for row, (question, context) in enumerate(zip(questions, contexts, strict=True)):
        span = trimmed(context, spans[row])
        answers.append(Answer(question, context[span.start : span.end], span.start, span.end, span.score))
    return answers


def predict_translations(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    texts: str | Sequence[str],
    *,
    width: int = 1,
    length_penalty: float = 1.0,
    most_tokens: int = MOST_WRITTEN,
) -> list[str]:
    """What an encoder-decoder writes for each text: token by token, or with a beam of `width`."""
    texts = _texts(texts, "text")
    if not texts:
        return []
    columns = {"pair": [{"source": text} for text in texts]}
    data = _encoded(
        tokenizer, "translation", columns, _most_tokens(model, tokenizer),
        text="pair", languages=("source", "target"), decoder_start=getattr(model.config, "decoder_start_token_id", None),
    )  # fmt: skip
    written = generate(model, data, width=width, length_penalty=length_penalty, most_tokens=most_tokens)
    return list(tokenizer.batch_decode(written, skip_special_tokens=True))


def _texts(texts: str | Sequence[str], what: str) -> list[str]:
    """A list of texts, none of them empty; one text counts as a list of one."""
    texts = [texts] if isinstance(texts, str) else list(texts)
    for number, text in enumerate(texts):
        if not isinstance(text, str):
            raise CourseError(f"{what.capitalize()} {number} is {text!r}, not text: give strings")
        if not text.strip():
            raise CourseError(f"{what.capitalize()} {number} is empty: leave it out, there is nothing to read in it")
    return texts


def _label_names(model: PreTrainedModel) -> list[str]:
    id2label: Any = model.config.id2label
    return [id2label[i] for i in range(len(id2label))]


def _most_tokens(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> int:
    """How many tokens a row may have, special ones counted."""
    positions = learned_positions(model) or getattr(model.config, "max_position_embeddings", MOST_TOKENS)
    return min(MOST_TOKENS, tokenizer.model_max_length, positions)


def _encoded(
    tokenizer: PreTrainedTokenizerBase, kind: str, columns: dict[str, list], max_length: int, *,
    text: str = "text", languages: tuple[str, ...] = (), decoder_start: int | None = None,
) -> EncodedRows:  # fmt: skip
    from datasets import Dataset, DatasetDict

    rows = DatasetDict(texts=Dataset.from_dict(columns))
    task = Task("prediction", kind, rows, text, "label", languages=languages)
    with warnings.catch_warnings():
        # Its advice is to raise max_length, which callers here don't set.
        warnings.filterwarnings("ignore", message=".*longer than max_length")
        data = encode(task, tokenizer, max_length=max_length, decoder_start=decoder_start)["texts"]
    if data.cut:
        warnings.warn(
            f"{data.cut:,} of {len(data):,} texts are longer than the {max_length} tokens that the model reads; what "
            "comes after them is ignored. Divide such texts into shorter ones.",
            stacklevel=3,
        )
    return data
