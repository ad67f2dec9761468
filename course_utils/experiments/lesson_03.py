"""Claims of lesson 03: what a model learns from text alone, and how near it comes to the entropy of the text.

Small models that learn the town's bulletins in seconds. The lesson runs the same functions as the claims.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from ..batching import EncodedRows, encode
from ..data import load_task
from ..errors import CourseError
from ..evaluation import evaluating
from ..losses import loss_for, without_labels
from ..models import load_model, load_tokenizer
from ..pretraining import (
    END_OF_TEXT,
    CausalRows,
    DecoderRecipe,
    DenoisingRows,
    EncoderDecoderRecipe,
    EncoderRecipe,
    MaskedRows,
    NextSentenceRows,
    bulletin_scores,
    encode_documents,
    new_decoder,
    new_encoder,
    new_encoder_decoder,
    train_bpe,
    train_tokenizer,
    train_unigram,
)
from ..training import History, TrainConfig, evaluate, train, training_steps
from ..world import bulletins
from ..world.corpus import documents
from .runs import ENCODER, Claim

if TYPE_CHECKING:
    import pandas as pd
    from transformers import PreTrainedModel, PreTrainedTokenizerBase, PreTrainedTokenizerFast

    from ..runs import Record

BULLETINS = {"bulletin": 1.0}
DECODER = "mini-decoder"


# --- the text --------------------------------------------------------------------------------------------


def bulletin_texts(n: int, seed: int = 0) -> list[str]:
    """The first `n` bulletins of a seed."""
    return [document.text for document in islice(documents(seed, BULLETINS), n)]


@lru_cache(maxsize=1)
def bulletin_tokenizer() -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer of 1,600 tokens, learned from bulletins: most of their words are one token."""
    return train_bpe(bulletin_texts(4000), size=1600, max_length=128)


@lru_cache(maxsize=1)
def word_tokenizer() -> PreTrainedTokenizerFast:
    """A WordPiece tokenizer with a mask token, learned from the same bulletins: every word of them is one token."""
    return train_tokenizer(iter(bulletin_texts(4000)), word_count=1, pieces=0, max_length=128)


@lru_cache(maxsize=8)
def bulletin_rows(tokens: int, seed: int = 0) -> tuple[CausalRows, float]:
    """Bulletins as rows for a decoder, and their mean surprisal in nats per target: the floor of any loss on them."""
    encoded, nats = encode_documents(
        documents(seed, BULLETINS), bulletin_tokenizer(), tokens=tokens, join="\n", end=END_OF_TEXT
    )
    return CausalRows(encoded), nats / int((encoded.lengths - 1).sum())


VALIDATION_SEED = 1


@lru_cache(maxsize=1)
def validation_rows() -> tuple[CausalRows, float]:
    """Five hundred bulletins that no run here reads, and their floor."""
    stream = islice(documents(VALIDATION_SEED, BULLETINS), 500)
    encoded, nats = encode_documents(stream, bulletin_tokenizer(), tokens=1, join="\n", end=END_OF_TEXT)
    return CausalRows(encoded), nats / int((encoded.lengths - 1).sum())


def count_losses(seed: int = 0, tokens: int = 200_000) -> dict[str, float]:
    """Two models that only count: the loss of unigrams and of bigrams, in nats per target, on validation rows.

    The bigram model falls back on the unigrams where it saw little: it adds one imagined observation, drawn from
    them, to what followed each token.
    """
    train_pairs, test_pairs = (
        _pairs(rows) for rows in (bulletin_rows(tokens, seed)[0], validation_rows()[0])
    )
    size = len(bulletin_tokenizer())
    unigram = np.bincount(train_pairs[1], minlength=size) + 0.1
    unigram /= unigram.sum()
    counts = np.zeros((size, size))
    np.add.at(counts, train_pairs, 1)
    bigram = (counts + unigram) / (counts.sum(1, keepdims=True) + 1)
    return {
        "unigrams": float(-np.log(unigram[test_pairs[1]]).mean()),
        "bigrams": float(-np.log(bigram[test_pairs]).mean()),
    }


def _pairs(rows: CausalRows) -> tuple[np.ndarray, np.ndarray]:
    """Every token of the rows that has a successor, and the successor."""
    ids, is_last = rows.rows.input_ids, np.zeros(len(rows.rows.input_ids), dtype=bool)
    is_last[rows.rows.offsets[1:] - 1] = True
    here = np.flatnonzero(~is_last)
    return ids[here], ids[here + 1]


# --- a decoder that learns in seconds --------------------------------------------------------------------


def tiny_decoder(hidden: int = 64, layers: int = 2, seed: int = 0) -> PreTrainedModel:
    """An untrained GPT-2 of about 0.2 M parameters over the bulletins' tokens."""
    recipe = DecoderRecipe(
        layers=layers, hidden=hidden, heads=4, feed_forward=4 * hidden, max_length=128, seed=seed
    )
    return new_decoder(recipe, bulletin_tokenizer())


def learn(steps: int, seed: int = 0, learning_rate: float = 6e-3, **settings: Any) -> TrainConfig:
    """Settings for a run of a few hundred steps of a thousand tokens."""
    return TrainConfig(
        max_steps=steps, token_budget=1024, learning_rate=learning_rate, warmup_steps=min(20, steps // 4),
        schedule="cosine", betas=(0.9, 0.98), seed=seed, keep_best=False, **settings,
    )  # fmt: skip


@lru_cache(maxsize=16)
def trained_decoder(seed: int, hidden: int = 64, steps: int = 300) -> PreTrainedModel:
    """A tiny decoder after a run of so many steps; the seed decides its first weights and its text."""
    model = tiny_decoder(hidden, seed=seed)
    train(model, bulletin_rows(270_000, seed=10 + seed)[0], learn(steps, seed), progress=False)
    return model


def decoder_gap(seed: int, *, hidden: int = 64, steps: int = 300) -> float:
    """How many nats per token a tiny decoder stays above the floor, on bulletins it did not read."""
    validation, floor = validation_rows()
    return evaluate(trained_decoder(seed, hidden, steps), validation)["loss"] - floor


def frame_of(records: Sequence[Record]) -> pd.DataFrame:
    """Records of a run as the frame that figures draw."""
    return History(TrainConfig(max_steps=max(1, len(records))), list(records)).frame


class UnshiftedRows(CausalRows):
    """The classic bug: every token is its own label."""

    def batch(self, indices: np.ndarray) -> dict[str, torch.Tensor]:
        batch = super().batch(indices)
        return batch | {
            "labels": batch["input_ids"].masked_fill(batch["attention_mask"] == 0, -100),
        }


def unshifted_gap(seed: int, steps: int = 100) -> float:
    """What the loss of a decoder with unshifted labels says about the floor: nats per token above it."""
    model, validation = tiny_decoder(seed=seed), validation_rows()
    train(model, UnshiftedRows(bulletin_rows(100_000)[0].rows), learn(steps, seed), progress=False)
    return evaluate(model, UnshiftedRows(validation[0].rows))["loss"] - validation[1]


def sample(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, prompt: str, n: int = 4, seed: int = 0,
           **how: Any) -> list[str]:  # fmt: skip
    """`n` continuations of the prompt, drawn from the model at temperature 1 unless `how` says otherwise."""
    how = {"do_sample": True, "top_k": 0, "max_length": 96, "pad_token_id": tokenizer.pad_token_id} | how
    ids = tokenizer(prompt, return_tensors="pt")["input_ids"].repeat(n, 1)
    with evaluating(model) as device, torch.inference_mode(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        ids = ids.to(device)
        out = model.generate(ids, attention_mask=torch.ones_like(ids), **how)  # type: ignore[operator]
    return list(tokenizer.batch_decode(out, skip_special_tokens=True))


def words_before_slip(text: str) -> int:
    """How many words of a text, parted by spaces, go by the rules of the bulletins before the first that does not."""
    words = text.split(" ")
    for i, word in enumerate(words):
        if word not in {piece.strip() for piece in bulletins.next_words(" ".join(words[:i]))}:
            return i
    return len(words)


def marked(text: str, after: int = 4) -> str:
    """The text up to its first slip, a ✗, and a few words more; a text without a slip stays as it is."""
    words, right = text.split(" "), words_before_slip(text)
    return text if right == len(words) else " ".join([*words[:right], "✗", *words[right : right + after], "…"])


def samples_gain(seed: int) -> float:
    """How many words longer samples keep to the rules after a short run than before it."""
    tokenizer = bulletin_tokenizer()
    after, before = (
        np.mean([words_before_slip(text) for text in sample(model, tokenizer, bulletins.OPENING, 32, seed)])
        for model in (trained_decoder(seed), tiny_decoder(seed=seed))
    )
    return float(after - before)


def accepted(temperature: float, seed: int, n: int = 40) -> float:
    """The share of the shipped decoder's samples, drawn at this temperature, that are bulletins."""
    texts = sample(
        load_model(DECODER, "causal_lm"), load_tokenizer(DECODER), bulletins.OPENING, n, seed,
        temperature=temperature,
    )  # fmt: skip
    return sum(map(bulletins.accepts, texts)) / n


def first_shelf(seed: int) -> float:
    """The mean loss of steps 15 to 24, when a tiny decoder knows little but frequencies, minus that of unigrams."""
    steps = training_steps(tiny_decoder(seed=seed), bulletin_rows(270_000, seed=10 + seed)[0], learn(300, seed))
    losses = [record.loss for record in islice(steps, 24)]
    return float(np.mean(losses[14:])) - count_losses()["unigrams"]


def by_heart(seed: int, texts: int = 100, steps: int = 300) -> float:
    """The loss on a hundred bulletins, read again and again, minus their floor: nats per token."""
    stream = islice(documents(30 + seed, BULLETINS), texts)
    encoded, nats = encode_documents(stream, bulletin_tokenizer(), tokens=1, join="\n", end=END_OF_TEXT)
    model, rows = tiny_decoder(seed=seed), CausalRows(encoded)
    train(model, rows, learn(steps, seed), progress=False)
    return evaluate(model, rows)["loss"] - nats / int((encoded.lengths - 1).sum())


# --- why the loss falls in stages ------------------------------------------------------------------------

# Places whose true uncertainty is known: prefix, what follows, and the least possible loss there.
_ONE = ("Butter", "Wool", "Honey", "Cheese", "Cider")
_MANY = ("Eggs", "Herrings", "Eels", "Onions", "Plums")
_WEEK = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
PROBES: dict[str, tuple[list[tuple[str, str]], float]] = {
    "a set phrase": ([(f"Bulletin: tides. High water at {h}, low water", " at") for h in range(4, 12)], 0.0),
    "is or are": (
        [(f"Bulletin: market. {word}", " is") for word in _ONE]
        + [(f"Bulletin: market. {word}", " are") for word in _MANY],
        0.0,
    ),
    "six hours later": (
        [(f"Bulletin: tides. High water at {h}, low water at", f" {(h + 5) % 12 + 1}") for h in range(4, 12)],
        0.0,
    ),
    "which day": (
        [
            (f"Bulletin: council. The {who} has moved from", f" {day}")
            for day in _WEEK
            for who in ("council",)
        ],
        math.log(7),
    ),
}


def probe_losses(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> dict[str, float]:
    """The mean loss, in nats, at each of the PROBES."""
    found = {}
    with evaluating(model) as device, torch.inference_mode():
        for name, (pairs, _) in PROBES.items():
            before = [len(ids) for ids in tokenizer([prefix for prefix, _ in pairs])["input_ids"]]
            whole = tokenizer(
                [a + b for a, b in pairs], return_tensors="pt", padding=True, padding_side="right"
            )
            ids, mask = whole["input_ids"].to(device), whole["attention_mask"].to(device)
            logits = model(ids, attention_mask=mask).logits[:, :-1]  # (texts, time − 1, vocabulary)
            loss = cross_entropy(logits.transpose(1, 2), ids[:, 1:], reduction="none")
            lengths = mask.sum(1).tolist()
            # The end token also pads: the lengths, not the ids, say where a text is over.
            sums = [loss[i, n - 1 : m - 1].sum().item() for i, (n, m) in enumerate(zip(before, lengths))]
            found[name] = sum(sums) / len(sums)
    return found


# --- words of like kind ----------------------------------------------------------------------------------


def like_words(tokenizer: PreTrainedTokenizerBase) -> dict[str, dict[str, int]]:
    """Words that play one part in bulletins and are one token each: kind → word → token id."""
    lists = {
        "town": _words_of("town"), "surname": _words_of("surname"), "day": list(_WEEK),
        "number": [str(n) for n in range(2, 21)], "street": _words_of("street"),
    }  # fmt: skip
    found: dict[str, dict[str, int]] = {}
    for kind, words in lists.items():
        for word in words:
            ids = tokenizer(" " + word, add_special_tokens=False)["input_ids"]
            if len(ids) == 1:
                found.setdefault(kind, {})[word] = ids[0]
    return found


def _words_of(rule: str) -> list[str]:
    return [items[0] for _, items, _ in bulletins.RULES[rule] if isinstance(items[0], str)]


def likeness(vectors: np.ndarray, kinds: Sequence[str]) -> float:
    """The mean cosine of two words of one kind minus that of two words of different kinds; chance gives 0.

    `vectors` is (words, hidden); the mean of all is taken off first.
    """
    vectors = vectors - vectors.mean(0)
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines, labels = vectors @ vectors.T, np.asarray(kinds)
    same = labels[:, None] == labels
    others = ~np.eye(len(labels), dtype=bool)
    return float(cosines[same & others].mean() - cosines[~same].mean())


def word_vectors(
    model: PreTrainedModel, words: dict[str, dict[str, int]]
) -> tuple[np.ndarray, list[str], list[str]]:
    """The embedding of every word (words, hidden), its kind, and the word itself."""
    pairs = [(kind, word, i) for kind, ids in words.items() for word, i in ids.items()]
    embedding: Any = model.get_input_embeddings()
    table = embedding.weight.detach().cpu().numpy()
    return table[[i for *_, i in pairs]].copy(), [kind for kind, *_ in pairs], [word for _, word, _ in pairs]


def likeness_gained(seed: int) -> float:
    """Likeness after a short run minus that of the random vectors it began with."""
    words = like_words(bulletin_tokenizer())
    after, before = (
        likeness(*word_vectors(model, words)[:2])
        for model in (trained_decoder(seed), tiny_decoder(seed=seed))
    )
    return after - before


# --- masked words ----------------------------------------------------------------------------------------


def tiny_encoder(seed: int = 0, hidden: int = 64) -> PreTrainedModel:
    """An untrained encoder of two layers over the bulletins' words."""
    recipe = EncoderRecipe(
        layers=2, hidden=hidden, heads=4, feed_forward=2 * hidden, max_length=128, seed=seed
    )
    return new_encoder(recipe, word_tokenizer())


@lru_cache(maxsize=4)
def masked_rows(tokens: int, seed: int = 0) -> MaskedRows:
    """Bulletins with a quarter of their words hidden, whatever the word: more targets for a short run."""
    encoded, _ = encode_documents(documents(seed, BULLETINS), word_tokenizer(), tokens=tokens)
    return MaskedRows(encoded, word_tokenizer(), mask_frequent=0.25, mask_other=0.25)


BLANK = "____"


@lru_cache(maxsize=1)
def _vocabulary() -> tuple[str, ...]:
    """Every word of the bulletins, without its punctuation."""
    literals = [item for rule in bulletins.RULES.values() for _, items, _ in rule for item in items]
    words = {word.strip(",.:") for item in literals if isinstance(item, str) for word in item.split()}
    return tuple(sorted(words - {""}))


@lru_cache(maxsize=64)
def true_fillings(text: str) -> dict[str, float]:
    """The true probability of every word that can stand in the blank of a bulletin, given both its sides.

    By Bayes' rule it is the probability of the whole text with that word, divided by the sum over all words; the
    parser gives them exactly. Raises CourseError where the text has not one blank, or none of its words fits.
    """
    if text.count(BLANK) != 1:
        raise CourseError(f"The text has {text.count(BLANK)} blanks {BLANK!r}: write one.")
    before = text.split(BLANK)[0]
    words: Sequence[str] = _vocabulary()
    if before.endswith(" "):  # then the parser names the few words that can come next
        words = sorted({piece.strip().strip(",.:") for piece in bulletins.next_words(before.rstrip())} - {""})
    weights = {}
    for word in words:
        whole = text.replace(BLANK, word)
        if bulletins.accepts(whole):
            weights[word] = math.exp(-bulletins.surprisal(whole))
    if not weights:
        raise CourseError(
            f"No word makes {text[:60]!r} a bulletin: begin with 'Bulletin: tides.' or its like, and end with a full stop."
        )
    total = sum(weights.values())
    return {word: p / total for word, p in sorted(weights.items(), key=lambda pair: -pair[1])}


def fill_blank(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, text: str) -> dict[str, float]:
    """What a masked language model puts into the blank: every token with its probability, the likeliest first."""
    if text.count(BLANK) != 1:
        raise CourseError(f"The text has {text.count(BLANK)} blanks {BLANK!r}: write one.")
    encoded = tokenizer(text.replace(BLANK, str(tokenizer.mask_token)), return_tensors="pt")
    with evaluating(model) as device, torch.inference_mode():
        logits = model(**{name: tensor.to(device) for name, tensor in encoded.items()}).logits[0]
    where = (encoded["input_ids"][0] == tokenizer.mask_token_id).nonzero()[0, 0]
    probabilities = logits[where].float().softmax(-1).cpu()
    order = probabilities.argsort(descending=True)
    return dict(zip(tokenizer.convert_ids_to_tokens(order.tolist()), probabilities[order].tolist()))


def one_word_hidden(model: PreTrainedModel, texts: int = 24) -> dict[str, float]:
    """Bulletins that no run reads, each with one word hidden: the mean loss at that word, in nats.

    Of the "encoder", of a "unigrams" model that knows only how frequent each word is, and of the "truth": nobody
    who sees the rest of the bulletin can guess better.
    """
    tokenizer, rng = word_tokenizer(), np.random.default_rng(0)
    counts = np.bincount(masked_rows(200_000).rows.input_ids, minlength=len(tokenizer)) + 0.1
    # Special tokens and punctuation are never hidden here, so a fair counting model leaves them out, too.
    wordlike = np.array(
        [any(c.isalnum() for c in token) for token in tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))]
    )
    wordlike[tokenizer.all_special_ids] = False
    total = counts[wordlike].sum()
    losses: dict[str, list[float]] = {"unigrams": [], "encoder": [], "truth": []}
    for text in bulletin_texts(texts, VALIDATION_SEED):
        words = text.split(" ")
        places = [i for i, word in enumerate(words) if i and word.strip(",.:").isalnum()]
        i = places[rng.integers(len(places))]
        word = words[i].strip(",.:")
        blank = " ".join([*words[:i], words[i].replace(word, BLANK), *words[i + 1 :]])
        (token_id,) = tokenizer(word, add_special_tokens=False)["input_ids"]
        token = str(tokenizer.convert_ids_to_tokens(token_id))
        losses["truth"].append(-math.log(true_fillings(blank)[word]))
        losses["encoder"].append(-math.log(fill_blank(model, tokenizer, blank)[token]))
        losses["unigrams"].append(-math.log(counts[token_id] / total))
    return {name: float(np.mean(values)) for name, values in losses.items()}


@lru_cache(maxsize=4)
def trained_encoder(seed: int) -> PreTrainedModel:
    """A tiny encoder after 300 steps of hidden words; the seed decides its first weights and its text."""
    model = tiny_encoder(seed)
    train(model, masked_rows(200_000, seed), learn(300, seed, learning_rate=8e-3), progress=False)
    return model


def masked_is_slower(seed: int) -> float:
    """Which share of the way from unigrams to the least possible loss 300 steps go: a decoder's minus an encoder's."""
    counts, floor = count_losses()["unigrams"], validation_rows()[1]
    causal = 1 - decoder_gap(seed) / (counts - floor)
    masked = one_word_hidden(trained_encoder(seed), texts=60)
    return causal - (masked["unigrams"] - masked["encoder"]) / (masked["unigrams"] - masked["truth"])


def masked_positions_share(seed: int, *, vocabulary: int = 30_000, repeats: int = 5) -> tuple[float, float]:
    """(time, difference of losses): masked-LM loss from the masked positions alone against logits everywhere.

    Time is the share of the seconds of a forward and backward pass that it takes; fastest of `repeats` each.
    """
    model = tiny_encoder(seed, hidden=128)
    model.resize_token_embeddings(vocabulary, mean_resizing=False)
    model.train()
    batch = masked_rows(30_000).batch(np.arange(16))
    masked_only = loss_for("masked_lm")

    def everywhere(model: Any, batch: Any) -> torch.Tensor:
        logits = model(**without_labels(batch)).logits
        return cross_entropy(logits.flatten(0, 1), batch["labels"].flatten(), reduction="sum")

    seconds: dict[str, list[float]] = {"masked": [], "everywhere": []}
    values = {}
    for _ in range(repeats):  # by turns, so that a busy machine slows both
        for name, loss in (("masked", masked_only), ("everywhere", everywhere)):
            began = time.process_time()
            values[name] = loss(model, batch)
            values[name].backward()
            seconds[name].append(time.process_time() - began)
            model.zero_grad()
    difference = abs(values["masked"].item() / values["everywhere"].item() - 1)
    return min(seconds["masked"]) / min(seconds["everywhere"]), difference


# --- gaps ------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def gap_tokenizer() -> PreTrainedTokenizerFast:
    """A unigram tokenizer with sentinels, learned from a few hundred bulletins."""
    return train_unigram(bulletin_texts(600), size=1200, sentinels=20, max_length=128)


def tiny_encoder_decoder(seed: int = 0) -> PreTrainedModel:
    """An untrained T5 of two and two layers over the bulletins' tokens."""
    recipe = EncoderDecoderRecipe(layers=2, hidden=64, heads=4, feed_forward=128, max_length=128, seed=seed)
    return new_encoder_decoder(recipe, gap_tokenizer())


@lru_cache(maxsize=2)
def gap_rows(tokens: int, seed: int = 0) -> DenoisingRows:
    """Bulletins of which a fifth is cut out."""
    encoded, _ = encode_documents(documents(seed, BULLETINS), gap_tokenizer(), tokens=tokens, join=None)
    return DenoisingRows(encoded, gap_tokenizer(), density=0.2, mean_span=3.0)


def fill_gaps(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, text: str, seed: int = 0) -> str:
    """What the decoder writes for a text with gaps `<extra_id_0>`, `<extra_id_1>` …, drawn at temperature 1."""
    encoded = tokenizer(text, return_tensors="pt")
    with evaluating(model) as device, torch.inference_mode(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoded = {name: tensor.to(device) for name, tensor in encoded.items()}
        out = model.generate(**encoded, do_sample=True, top_k=0, max_length=40)  # type: ignore[operator]
    # Not `skip_special_tokens`: the sentinels say which gap is which.
    outside = (tokenizer.pad_token_id, tokenizer.eos_token_id)
    return str(tokenizer.decode([i for i in out[0].tolist() if i not in outside]))


# --- does the next sentence follow? ----------------------------------------------------------------------


@lru_cache(maxsize=4)
def next_sentence_rows(n: int, seed: int) -> NextSentenceRows:
    """The next-sentence question of `n` documents of the world."""
    return NextSentenceRows(islice(documents(seed), n), load_tokenizer(ENCODER), seed=seed)


@lru_cache(maxsize=8)
def with_next_sentence(seed: int, steps: int = 150) -> tuple[PreTrainedModel, float]:
    """The shipped encoder after some steps of next-sentence prediction, and its accuracy on fresh pairs."""
    model = load_model(ENCODER, "classification", label_names=("follows", "elsewhere"), seed=seed)
    train(model, next_sentence_rows(6000, 100 + seed), learn(steps, seed, 1e-3), progress=False)
    return model, evaluate(model, next_sentence_rows(600, 200))["accuracy"]


def sentiment_after(body: PreTrainedModel, seed: int, labels: int = 128) -> float:
    """Accuracy on unseen words when the body is fine-tuned on so many labelled sentences."""
    task = load_task("sentiment", train_rows=labels, seed=seed)
    data = encode(task, load_tokenizer(ENCODER))
    model = load_model(ENCODER, task, seed=seed)
    model.base_model.load_state_dict(body.base_model.state_dict())
    config = TrainConfig(epochs=10, batch_size=16, learning_rate=1e-3, warmup_share=0.1, seed=seed)
    train(model, data["train"], config, progress=False)
    return evaluate(model, data["unseen"])["accuracy"]


def next_sentence_gain(seed: int) -> float:
    """What next-sentence steps buy for sentiment: accuracy on unseen words with them, minus that without."""
    without = load_model(ENCODER, "masked_lm")
    return sentiment_after(with_next_sentence(seed)[0], seed) - sentiment_after(without, seed)


# --- text it never saw -----------------------------------------------------------------------------------


def bits_per_character(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]
) -> float:
    """The model's surprise per character of the texts, in bits. Characters are the same for every tokenizer."""
    ids = tokenizer([text + END_OF_TEXT for text in texts], truncation=True)["input_ids"]
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in ids])])
    pad = tokenizer.pad_token_id
    rows = CausalRows(EncodedRows(np.concatenate(ids), offsets, kind="causal_lm", pad_token_id=pad))
    nats = evaluate(model, rows)["loss"] * int((rows.lengths - 1).sum())
    characters = sum(len(tokenizer.decode(row, skip_special_tokens=True)) + 1 for row in ids)  # and the end
    return nats / math.log(2) / characters


def domains(n: int = 100) -> dict[str, list[str]]:
    """Texts of four kinds: bulletins, town notices, French, and characters in random order."""
    french = [d.segments[-1].text for d in islice(documents(3, {"bilingual": 1.0}), n)]
    fresh = bulletin_texts(n, 3)
    rng = np.random.default_rng(0)
    return {
        "bulletins": fresh,
        "notices": [d.text for d in islice(documents(3, {"notice": 1.0}), n)],
        "French": french,
        "shuffled letters": ["".join(rng.permutation(list(text))) for text in fresh],
    }


def domain_ratio(seed: int) -> float:
    """How many times as surprising a character of a notice is as one of a bulletin, to a reader of bulletins."""
    model, tokenizer, texts = trained_decoder(seed), bulletin_tokenizer(), domains(100)
    notices, fresh = (bits_per_character(model, tokenizer, texts[kind]) for kind in ("notices", "bulletins"))
    return notices / fresh


# --- scaling in miniature --------------------------------------------------------------------------------

SCALING_HIDDEN, SCALING_STEPS = (16, 32, 64), (100, 200, 400)


def scaling(report: Callable[[str], None] = print) -> pd.DataFrame:
    """Three sizes of decoder, each trained on three amounts of text: how far above the floor does each end?

    Columns: hidden, parameters (embeddings not counted), tokens, compute (6 × all parameters × tokens, in
    floating-point operations; Kaplan et al. 2020, https://arxiv.org/abs/2001.08361, section 2.1), loss and floor
    (nats per token), seconds of processor time.
    """
    import pandas as pd

    validation, floor = validation_rows()
    rows = []
    for hidden in SCALING_HIDDEN:
        for steps in SCALING_STEPS:
            model: Any = tiny_decoder(hidden)
            data = bulletin_rows(1024 * max(SCALING_STEPS), seed=20)[0]
            began = time.process_time()
            history = train(model, data, learn(steps), progress=False)
            seconds = time.process_time() - began
            tokens = int(history.frame["tokens"].sum())
            everything = model.num_parameters()
            loss = evaluate(model, validation)["loss"]
            inner = everything - sum(e.weight.numel() for e in (model.transformer.wte, model.transformer.wpe))
            rows.append(
                {
                    "hidden": hidden, "parameters": inner, "tokens": tokens, "compute": 6 * everything * tokens,
                    "loss": round(loss, 4), "floor": round(floor, 4), "seconds": round(seconds, 1),
                }
            )  # fmt: skip
            report(f"scaling · hidden {hidden} · {steps} steps: {loss - floor:.3f} nats above the floor")
    return pd.DataFrame(rows)


def decoder_at_floor(seed: int) -> float:
    """How far above the floor the shipped decoder is on fresh bulletins, nats per token."""
    found = bulletin_scores(
        load_model(DECODER, "causal_lm"),
        load_tokenizer(DECODER),
        seed=50 + seed,
        documents_read=1000,
        samples=1,
    )
    return found["bulletin_loss"] - found["bulletin_surprisal"]


def snapshots(
    model: PreTrainedModel, records: Iterator[Record], every: int, look: Callable[[PreTrainedModel], Any]
) -> tuple[list[Record], dict[int, Any]]:
    """Run to the end, and look at the model before the first step and after each `every` steps."""
    seen, looks = [], {0: look(model)}
    for record in records:
        seen.append(record)
        if record.step % every == 0:
            looks[record.step] = look(model)
            model.train()
    return seen, looks


def sum_after_phrase(seed: int) -> float:
    """The loss of a tiny decoder at "six hours later" minus that at a set phrase, nats."""
    probes = probe_losses(trained_decoder(seed), bulletin_tokenizer())
    return probes["six hours later"] - probes["a set phrase"]


CLAIMS: dict[str, Claim] = {
    "03-approaches-floor": Claim(
        says="After 300 steps, a decoder of 0.2 M parameters is less than 0.8 nats per token above the floor.",
        measure=decoder_gap,
        at_least=0.0,
        at_most=0.8,
    ),
    "03-unigrams-first": Claim(
        says="Around step 20 the loss of a decoder is near that of unigrams: from 0.8 nats below to 0.3 above.",
        measure=first_shelf,
        at_least=-0.8,
        at_most=0.3,
    ),
    "03-samples-keep-rules": Claim(
        says="After 300 steps, samples keep to the rules for at least three words more than at the start.",
        measure=samples_gain,
        at_least=3.0,
    ),
    "03-sum-is-a-guess": Claim(
        says="After 300 steps, a sum costs about ln 8, as a guess among eight hours does: 0.3 less to 0.8 nats more.",
        measure=lambda seed: probe_losses(trained_decoder(seed), bulletin_tokenizer())["six hours later"]
        - math.log(8),
        at_least=-0.3,
        at_most=0.8,
    ),
    "03-by-heart": Claim(
        says="On a hundred bulletins that it reads again and again, a decoder ends at least 0.2 nats below their floor.",
        measure=by_heart,
        at_most=-0.2,
    ),
    "03-masked-is-slower": Claim(
        says="In 300 steps a decoder goes at least 0.3 more of the way from unigrams to the floor than an encoder.",
        measure=masked_is_slower,
        at_least=0.3,
    ),
    "03-temperature": Claim(
        says="At temperature 1, at least 0.7 more of the shipped decoder's texts are bulletins than at temperature 2.",
        measure=lambda seed: accepted(1.0, seed) - accepted(2.0, seed),
        at_least=0.7,
    ),
    "03-decoder-at-floor": Claim(
        says="The shipped decoder is within 0.05 nats per token of the floor, and not below it beyond noise.",
        measure=decoder_at_floor,
        at_least=-0.01,
        at_most=0.05,
    ),
    "03-bigger-is-closer": Claim(
        says="With as many steps, a hidden size of 64 ends at least 0.4 nats nearer the floor than one of 32.",
        measure=lambda seed: decoder_gap(seed, hidden=32) - decoder_gap(seed),
        at_least=0.4,
    ),
    "03-longer-is-closer": Claim(
        says="Three times the steps end at least 0.8 nats nearer the floor.",
        measure=lambda seed: decoder_gap(seed, steps=100) - decoder_gap(seed),
        at_least=0.8,
    ),
    "03-local-first": Claim(
        says="After 300 steps, a sum costs at least a nat more than a set phrase, though both can be known.",
        measure=sum_after_phrase,
        at_least=1.0,
    ),
    "03-below-the-floor": Claim(
        says="With labels that are not shifted, the loss falls at least 0.3 nats below the floor.",
        measure=unshifted_gap,
        at_most=-0.3,
    ),
    "03-like-words": Claim(
        says="Three hundred steps raise the likeness of words of one kind by at least 0.1.",
        measure=likeness_gained,
        at_least=0.1,
    ),
    "03-other-domain": Claim(
        says="To a decoder that has read bulletins only, a character of a notice is at least 4 times as surprising.",
        measure=domain_ratio,
        at_least=4.0,
    ),
    "03-masked-positions": Claim(
        says="At 30,000 tokens, logits at masked positions only take less than half of the time.",
        measure=lambda seed: masked_positions_share(seed)[0],
        at_most=0.5,
    ),
    "03-same-masked-loss": Claim(
        says="Logits at masked positions only give the same loss.",
        measure=lambda seed: masked_positions_share(seed, repeats=1)[1],
        at_most=1e-4,
    ),
    "03-next-sentence": Claim(
        says="After 150 steps of it, the encoder tells what follows in fewer than two pairs of three.",
        measure=lambda seed: with_next_sentence(seed)[1],
        at_least=0.5,
        at_most=0.66,
    ),
    "03-next-sentence-buys": Claim(
        says="Fine-tuned for sentiment afterwards, the encoder gains less than two points by these steps.",
        measure=next_sentence_gain,
        at_most=0.02,
    ),
}
