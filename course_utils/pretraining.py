"""The recipe behind the shipped checkpoints: from the world's unlabelled text to a model.

Read it top to bottom: a recipe, a tokenizer, the text as one flat array, masks
drawn afresh for every batch, and the same loop that every lesson uses.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .batching import IGNORED, Batch, EncodedRows
from .errors import CourseError
from .world.corpus import MIX, OPENING_MIX, Document, documents

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

    from .training import Record

CLS, SEP, PAD, UNK, MASK = SPECIAL_TOKENS = ("[CLS]", "[SEP]", "[PAD]", "[UNK]", "[MASK]")


@dataclass(frozen=True, kw_only=True)
class EncoderRecipe:
    """Everything that decides the mini encoder."""

    layers: int = 4
    hidden: int = 128
    heads: int = 4
    feed_forward: int = 192  # GLU: two matrices of this width in, one out
    max_length: int = 512
    corpus_seed: int = 0  # no document is read twice
    tokenizer_documents: int = 60_000
    word_count: int = 8  # a word this frequent in the sample is one token
    pieces: int = 600  # learned from the rarer words, mostly invented names
    mask_frequent: float = 0.08  # of the words that are frequent, which carry little
    mask_other: float = 0.35
    frequent: int = 150  # how many words count as frequent
    opening_steps: int = 4_500  # on the shortest documents alone, at the peak rate
    max_steps: int = 18_500  # on the whole mix, down to a rate of zero
    token_budget: int = 1024  # tokens in a batch, padding included
    learning_rate: float = 2e-3
    warmup_steps: int = 300  # of each of the two runs
    seed: int = 0
    mix: dict[str, float] = field(default_factory=lambda: dict(MIX))
    opening_mix: dict[str, float] = field(default_factory=lambda: dict(OPENING_MIX))


def train_tokenizer(
    texts: Iterator[str], *, word_count: int, pieces: int, max_length: int = 512
) -> PreTrainedTokenizerFast:
    """A cased WordPiece tokenizer whose frequent words are whole.

    Ordinary WordPiece training stops at a vocabulary size and leaves many words
    of a small corpus in fragments; a model then learns to complete words instead
    of what they mean. Here every word seen `word_count` times is one token. Pieces
    for the others are learned from the rarer words alone, by merging the most
    frequent pair, and single characters make sure that Latin text has no unknowns.
    """
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    split_words = pre_tokenizers.BertPreTokenizer()
    counts = Counter(word for text in texts for word, _ in split_words.pre_tokenize_str(text))
    whole = [word for word, count in sorted(counts.items()) if count >= word_count]
    rare = sorted(word for word, count in counts.items() if count < word_count)

    learner = Tokenizer(models.WordPiece(unk_token=UNK))
    learner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    letters = [chr(code) for code in (*range(0x21, 0x7F), *range(0xA1, 0x180))]
    continued = ["##" + letter for letter in letters]
    learner.train_from_iterator(
        rare,
        trainers.WordPieceTrainer(
            vocab_size=2 * len(letters) + pieces,
            # Among pairs of equal frequency the trainer takes that of the lowest ids, and numbers continued
            # letters in the random order of a hash map, unless they are known before it starts.
            special_tokens=continued,
            initial_alphabet=letters,
            show_progress=False,
        ),
    )
    learned = sorted(learner.get_vocab())
    tokens = dict.fromkeys([*SPECIAL_TOKENS, *letters, *continued, *learned, *whole])

    tokenizer = Tokenizer(models.WordPiece(vocab={t: i for i, t in enumerate(tokens)}, unk_token=UNK))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = split_words
    tokenizer.decoder = decoders.WordPiece(prefix="##")
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{CLS} $A {SEP}",
        pair=f"{CLS} $A {SEP} $B {SEP}",
        special_tokens=[(token, list(tokens).index(token)) for token in (CLS, SEP)],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        cls_token=CLS,
        sep_token=SEP,
        pad_token=PAD,
        unk_token=UNK,
        mask_token=MASK,
        model_max_length=max_length,
        model_input_names=["input_ids", "attention_mask"],
    )


class MaskedRows:
    """Unlabelled rows whose batches hide some words, afresh in every batch.

    Labels (batch, time) are −100 except where a word is hidden. Of the hidden words
    80 % become the mask token, 10 % another word and 10 % stay (Devlin et al. 2018,
    https://arxiv.org/abs/1810.04805). Words are hidden whole, and frequent words less
    often than others, since they teach less. What is hidden is a pure function of the
    seed and the batch.
    """

    def __init__(
        self,
        rows: EncodedRows,
        tokenizer: PreTrainedTokenizerFast,
        *,
        mask_frequent: float = 0.08,
        mask_other: float = 0.35,
        frequent: int = 150,
        seed: int = 0,
    ):
        self.rows, self.seed = rows, seed
        self.mask_token_id, self.vocabulary = tokenizer.mask_token_id, len(tokenizer)
        self.special = np.zeros(self.vocabulary, dtype=bool)
        self.special[tokenizer.all_special_ids] = True
        tokens = tokenizer.convert_ids_to_tokens(list(range(self.vocabulary)))
        self.starts_word = np.array([not token.startswith("##") for token in tokens])
        self.rate = np.full(
            self.vocabulary, mask_other
        )  # how often a word that starts with this token is hidden
        counts = np.bincount(rows.input_ids, minlength=self.vocabulary)
        self.rate[np.argsort(-counts, kind="stable")[:frequent]] = mask_frequent

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def lengths(self) -> np.ndarray:
        """(rows,) tokens of each row."""
        return self.rows.lengths

    def batch(self, indices: np.ndarray) -> Batch:
        """The rows `indices`, padded to the longest, with some of their words hidden."""
        import torch

        batch = self.rows.batch(indices)
        ids = batch["input_ids"].numpy()  # (batch, time)
        rng = np.random.default_rng([self.seed, *map(int, indices)])

        # Words are counted through the whole batch: every row begins one, with [CLS].
        starts = self.starts_word[ids].ravel()
        word = np.cumsum(starts) - 1  # (batch · time,): the word that each token belongs to
        hidden = rng.random(word[-1] + 1) < self.rate[ids.ravel()[starts]]  # as its first token says
        chosen = hidden[word].reshape(ids.shape) & ~self.special[ids]

        how = rng.random(ids.shape)
        swapped = chosen & (how >= 0.8) & (how < 0.9)
        inputs = np.where(chosen & (how < 0.8), self.mask_token_id, ids)
        inputs[swapped] = rng.integers(len(SPECIAL_TOKENS), self.vocabulary, swapped.sum())
        return {
            "input_ids": torch.from_numpy(inputs),
            "attention_mask": batch["attention_mask"],
            "labels": torch.from_numpy(np.where(chosen, ids, IGNORED)),
        }


def encode_documents(
    stream: Iterator[Document], tokenizer: PreTrainedTokenizerFast, *, tokens: int
) -> tuple[EncodedRows, float]:
    """Documents of at least `tokens` tokens in all, as rows, and their surprisal in nats.

    Segments of a document are joined with the separator, as a question and its
    passage are in the task.
    """
    ids: list[np.ndarray] = []
    lengths: list[int] = []
    surprisal, found = 0.0, 0
    while found < tokens:
        chunk = list(islice(stream, 2000))
        if not chunk:
            raise CourseError(
                f"The stream of documents ended after {found:,} of {tokens:,} tokens: ask for fewer."
            )
        surprisal += sum(document.surprisal for document in chunk)
        texts = [f" {SEP} ".join(segment.text for segment in document.segments) for document in chunk]
        encoded = tokenizer(texts, return_attention_mask=False)["input_ids"]
        lengths += map(len, encoded)
        ids.append(np.fromiter((i for row in encoded for i in row), dtype=np.int32))
        found += len(ids[-1])
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    rows = EncodedRows(np.concatenate(ids), offsets, kind="masked_lm", pad_token_id=tokenizer.pad_token_id)
    return rows, surprisal


def new_encoder(recipe: EncoderRecipe, tokenizer: PreTrainedTokenizerFast) -> PreTrainedModel:
    """The untrained encoder: pre-norm, rotary positions, full attention in every layer."""
    from transformers import ModernBertConfig, ModernBertForMaskedLM

    from .models import initialise

    config = ModernBertConfig(
        vocab_size=len(tokenizer),
        hidden_size=recipe.hidden,
        intermediate_size=recipe.feed_forward,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        layer_types=["full_attention"] * recipe.layers,
        rope_parameters={
            kind: {"rope_type": "default", "rope_theta": 10_000.0}
            for kind in ("full_attention", "sliding_attention")
        },
        max_position_embeddings=recipe.max_length,
        classifier_pooling="mean",
        pad_token_id=tokenizer.pad_token_id,
        cls_token_id=tokenizer.cls_token_id,
        sep_token_id=tokenizer.sep_token_id,
        bos_token_id=tokenizer.cls_token_id,
        eos_token_id=tokenizer.sep_token_id,
    )
    model = ModernBertForMaskedLM(config)
    initialise(model, recipe.seed)
    return model


def pretrain(
    model: PreTrainedModel, opening: MaskedRows, rows: MaskedRows, recipe: EncoderRecipe
) -> Iterator[Record]:
    """The two runs of a recipe, step by step: the opening at a constant rate, then the mix on a cosine."""
    from .training import TrainConfig, training_steps

    shared = TrainConfig(
        max_steps=recipe.max_steps,
        token_budget=recipe.token_budget,
        learning_rate=recipe.learning_rate,
        warmup_steps=recipe.warmup_steps,
        schedule="cosine",
        betas=(0.9, 0.98),
        weight_decay=0.01,
        clip_norm=1.0,
        seed=recipe.seed,
    )
    first = replace(shared, max_steps=recipe.opening_steps, schedule="constant")
    yield from training_steps(model, opening, first, loss="masked_lm")
    yield from training_steps(model, rows, shared, loss="masked_lm")


def build_encoder(
    folder: str | Path,
    recipe: EncoderRecipe | None = None,
    *,
    report_every: int = 200,
    snapshot_every: int | None = None,
) -> None:
    """Run the whole recipe and write checkpoint, tokenizer, recipe and model card into `folder`.

    Nothing is written there before the run has ended, so a broken run leaves an older
    checkpoint alone. `snapshot_every` steps, the model as it is goes into `folder` + ".partial".
    """
    from .training import evaluate

    recipe, folder = recipe or EncoderRecipe(), Path(folder)
    began = time.perf_counter()
    print("Training the tokenizer …", flush=True)
    sample = islice(documents(recipe.corpus_seed, recipe.mix), recipe.tokenizer_documents)
    tokenizer = train_tokenizer(
        (segment.text for document in sample for segment in document.segments),
        word_count=recipe.word_count,
        pieces=recipe.pieces,
        max_length=recipe.max_length,
    )
    print(f"{len(tokenizer):,} tokens. Writing the corpus …", flush=True)

    def rows_of(mix: dict[str, float], seed: int, tokens: int) -> tuple[MaskedRows, float]:
        encoded, surprisal = encode_documents(documents(seed, mix), tokenizer, tokens=tokens)
        masked = MaskedRows(
            encoded,
            tokenizer,
            mask_frequent=recipe.mask_frequent,
            mask_other=recipe.mask_other,
            frequent=recipe.frequent,
            seed=recipe.seed,
        )
        return masked, surprisal / len(encoded.input_ids)

    opening, _ = rows_of(
        recipe.opening_mix, recipe.corpus_seed + 1, recipe.opening_steps * recipe.token_budget
    )
    rows, entropy = rows_of(recipe.mix, recipe.corpus_seed, recipe.max_steps * recipe.token_budget)
    held_out, _ = rows_of(recipe.mix, recipe.corpus_seed + 2, 100_000)

    model = new_encoder(recipe, tokenizer)
    print(f"{model.num_parameters():,} parameters, {len(rows):,} documents.", flush=True)
    for done, record in enumerate(pretrain(model, opening, rows, recipe), start=1):
        if done % report_every == 0:
            minutes = (time.perf_counter() - began) / 60
            total = recipe.opening_steps + recipe.max_steps
            print(f"step {done:,} of {total:,} · loss {record.loss:.3f} · {minutes:.1f} min", flush=True)
        if snapshot_every and done % snapshot_every == 0:
            _save(Path(f"{folder}.partial"), model, tokenizer)

    facts = {
        "masked_loss": evaluate(model, held_out, loss="masked_lm")["loss"],
        "entropy_per_token": entropy,
        "parameters": model.num_parameters(),
        "vocabulary": len(tokenizer),
        "tokens_read": int(rows.lengths.sum() + opening.lengths.sum()),
        "minutes": (time.perf_counter() - began) / 60,
    }
    _save(folder, model, tokenizer)
    (folder / "recipe.json").write_text(
        json.dumps({"recipe": asdict(recipe), "facts": facts}, indent=2) + "\n"
    )
    (folder / "README.md").write_text(model_card(recipe, facts))
    print(f"Saved to {folder}: masked loss {facts['masked_loss']:.3f} on documents never read.", flush=True)


def _save(folder: Path, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def model_card(recipe: EncoderRecipe, facts: dict[str, float]) -> str:
    """The README of a checkpoint: what it is, how it was made, what it is good for."""
    return f"""---
license: cc0-1.0
language: [en, fr]
library_name: transformers
pipeline_tag: fill-mask
---

# mini-encoder

A masked language model of {facts["parameters"]:,} parameters that has read nothing but the mini world of
Fine-Tuning Lab: the invented reviews, news, almanac, notices and messages of one small town. It exists to be
fine-tuned in a lesson, in seconds, on a laptop. It knows no fact about the real world.

| | |
|---|---|
| architecture | ModernBERT type: {recipe.layers} layers, hidden size {recipe.hidden}, {recipe.heads} heads, pre-norm, rotary positions |
| tokenizer | cased WordPiece, {facts["vocabulary"]:,} tokens; frequent words are whole |
| text | {facts["tokens_read"]:,} tokens, no document drawn twice; shares of documents: {", ".join(f"{k} {v:.0%}" for k, v in recipe.mix.items())} |
| objective | masked words, hidden whole: {recipe.mask_other:.0%} of words, but {recipe.mask_frequent:.0%} of the {recipe.frequent} most frequent tokens |
| training | {recipe.opening_steps:,} steps on the shortest documents, then {recipe.max_steps:,} on the mix; {recipe.token_budget:,} tokens a step; AdamW, peak rate {recipe.learning_rate:g}, cosine |
| cost | {facts["minutes"]:.0f} minutes on one CPU core |
| loss | {facts["masked_loss"]:.3f} nats per hidden token, on documents never read |
| entropy of the text | at most {facts["entropy_per_token"]:.3f} nats per token (mean surprisal of the generator's choices) |

The two last figures are not of one kind: the entropy is that of reading from left to right, every token; the
loss is that of the hidden tokens, mostly content words, given both sides.

Rebuild it with `make checkpoints`. The data and the weights are in the public domain (CC0).
"""
