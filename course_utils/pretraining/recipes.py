"""The recipes of the shipped checkpoints: everything that decides them, and how they are made of it.

Read it top to bottom: three recipes, the text as rows, three untrained models, and one function that runs a recipe
through the same loop that every lesson uses. `make checkpoints` builds all three, `course checkpoints NAME` one.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..batching import EncodedRows, Rows
from ..errors import CourseError
from ..world.corpus import MIX, OPENING_MIX, Document, documents
from .cards import model_card
from .objectives import CausalRows, DenoisingRows, MaskedRows
from .tokenizers import END_OF_TEXT, SEP, train_bpe, train_tokenizer, train_unigram

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase, PreTrainedTokenizerFast

    from ..training import Record

# With the dense pages of the almanac, from which a small model learns to find what was asked for. Reviews and entries
# keep their share, or polarity is forgotten again.
CLOSING_MIX: dict[str, float] = {
    "review": 0.32, "entry": 0.08, "news": 0.13, "almanac": 0.1, "card": 0.08, "dossier": 0.15, "drawer": 0.07,
    "notice": 0.04, "bilingual": 0.03,
}  # fmt: skip
_WORLD_MIX = {
    "review": 0.28, "entry": 0.08, "news": 0.12, "almanac": 0.22, "drawer": 0.14, "register": 0.06, "notice": 0.06,
    "bilingual": 0.04,
}  # fmt: skip


def _and_bulletins(share: float) -> dict[str, float]:
    """The world's text with so many bulletins, the part of the language whose entropy is known exactly."""
    return {"bulletin": share} | {kind: round((1 - share) * of, 4) for kind, of in _WORLD_MIX.items()}


# Notices in two languages are many, since they hold all the French; each language is a row of its own.
DENOISER_MIX: dict[str, float] = {
    "review": 0.08, "entry": 0.03, "news": 0.06, "almanac": 0.07, "notice": 0.06, "bilingual": 0.7,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One run of the loop within a recipe."""

    steps: int
    mix: dict[str, float]  # shares of documents
    learning_rate: float  # the peak, after `warmup_steps` of the recipe
    schedule: str = "cosine"
    corpus_seed: int = 0  # another one in each stage, so that no document is read twice
    told_twice: float = 0.0  # of an encoder's `MaskedRows`


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What the recipes have in common."""

    layers: int = 4
    hidden: int = 128
    heads: int = 4
    max_length: int = 512
    tokenizer_documents: int  # of the main stage's text
    token_budget: int = 1024  # tokens in a batch, padding included
    warmup_steps: int = 300  # of each stage
    seed: int = 0
    stages: tuple[Stage, ...]

    @property
    def main(self) -> Stage:
        """The stage that reads corpus 0: its text makes the tokenizer, and what is held out is of its kinds."""
        return next(stage for stage in self.stages if stage.corpus_seed == 0)


@dataclass(frozen=True, kw_only=True)
class EncoderRecipe(Recipe):
    """Everything that decides the mini encoder."""

    feed_forward: int = 192  # GLU: two matrices of this width in, one out
    tokenizer_documents: int = 60_000
    word_count: int = 8  # a word this frequent in the sample is one token
    pieces: int = 600  # learned from the rarer words, mostly invented names
    mask_frequent: float = 0.08  # of the words that are frequent, which carry little
    mask_other: float = 0.35
    frequent: int = 150  # how many words count as frequent
    stages: tuple[Stage, ...] = (
        Stage(steps=4_500, mix=OPENING_MIX, learning_rate=2e-3, schedule="constant", corpus_seed=1),
        Stage(steps=18_500, mix=MIX, learning_rate=2e-3),
        Stage(steps=12_000, mix=CLOSING_MIX, learning_rate=1e-3, corpus_seed=3, told_twice=0.6),
    )


@dataclass(frozen=True, kw_only=True)
class DecoderRecipe(Recipe):
    """Everything that decides the mini decoder."""

    feed_forward: int = 512
    max_length: int = 512  # learned positions: no row may be longer
    tokenizer_documents: int = 40_000
    tokens: int = 4096  # the tokenizer's
    # A bulletin is short, so that in the first stage no more than a third of all tokens are of bulletins.
    stages: tuple[Stage, ...] = (
        Stage(steps=7_000, mix=_and_bulletins(0.5), learning_rate=2e-3),
        Stage(steps=15_000, mix=_and_bulletins(0.9), learning_rate=1.5e-3, corpus_seed=1),
    )


@dataclass(frozen=True, kw_only=True)
class EncoderDecoderRecipe(Recipe):
    """Everything that decides the mini encoder–decoder."""

    layers: int = 3  # in the encoder, and as many in the decoder
    feed_forward: int = 256  # gated GELU: two matrices of this width in, one out
    tokenizer_documents: int = 20_000
    tokens: int = 6000  # the tokenizer's, sentinels among them
    sentinels: int = 100
    density: float = 0.15  # share of the tokens that are cut out
    mean_span: float = 3.0
    whole: float = 0.75  # share of the batches in which the decoder writes the whole text
    whole_density: float = 0.35  # of what is cut out there
    stages: tuple[Stage, ...] = (Stage(steps=7_000, mix=DENOISER_MIX, learning_rate=1.5e-3),)


RECIPES: dict[str, Callable[[], Recipe]] = {
    "mini-encoder": EncoderRecipe,
    "mini-decoder": DecoderRecipe,
    "mini-encoder-decoder": EncoderDecoderRecipe,
}
_HELD_OUT = 2  # the seed of the corpus that no stage reads


# ---------------------------------------------------------------- the text


def encode_documents(
    stream: Iterator[Document],
    tokenizer: PreTrainedTokenizerBase,
    *,
    tokens: int,
    join: str | None = f" {SEP} ",
    end: str = "",
) -> tuple[EncodedRows, float]:
    """Documents of at least `tokens` tokens in all, as rows, and their surprisal in nats.

    Segments of a document are joined with the separator, as a question and its passage are in the task; a decoder
    joins them with a line break (`join="\\n"`) and is told where a document ends (`end="<|endoftext|>"`). With
    `join=None` every segment is a row.
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
        parts = [[segment.text for segment in document.segments] for document in chunk]
        texts = (
            [text for part in parts for text in part] if join is None else [join.join(part) for part in parts]
        )
        encoded = tokenizer([text + end for text in texts], return_attention_mask=False)["input_ids"]
        lengths += map(len, encoded)
        ids.append(np.fromiter((i for row in encoded for i in row), dtype=np.int32))
        found += len(ids[-1])
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    rows = EncodedRows(np.concatenate(ids), offsets, kind="masked_lm", pad_token_id=tokenizer.pad_token_id)
    return rows, surprisal


def make_tokenizer(recipe: Recipe) -> PreTrainedTokenizerFast:
    """The tokenizer of a recipe, learned from the first documents of its corpus."""
    sample = islice(documents(recipe.main.corpus_seed, recipe.main.mix), recipe.tokenizer_documents)
    texts = (segment.text for document in sample for segment in document.segments)
    if isinstance(recipe, EncoderRecipe):
        return train_tokenizer(
            texts, word_count=recipe.word_count, pieces=recipe.pieces, max_length=recipe.max_length
        )
    if isinstance(recipe, DecoderRecipe):
        return train_bpe(texts, size=recipe.tokens, max_length=recipe.max_length)
    assert isinstance(recipe, EncoderDecoderRecipe)
    return train_unigram(texts, size=recipe.tokens, sentinels=recipe.sentinels, max_length=recipe.max_length)


def make_rows(
    recipe: Recipe, stage: Stage, tokenizer: PreTrainedTokenizerBase, *, tokens: int
) -> tuple[Rows, float]:
    """Rows that ask the recipe's question of `tokens` tokens of a stage's text, and its surprisal in nats per token.

    (Where languages are parted, surprisals are not.)
    """
    stream = documents(stage.corpus_seed, stage.mix)
    if isinstance(recipe, EncoderRecipe):
        encoded, surprisal = encode_documents(stream, tokenizer, tokens=tokens)
        rows: Rows = MaskedRows(
            encoded,
            tokenizer,
            mask_frequent=recipe.mask_frequent,
            mask_other=recipe.mask_other,
            frequent=recipe.frequent,
            told_twice=stage.told_twice,
            seed=recipe.seed,
        )
    elif isinstance(recipe, EncoderDecoderRecipe):
        encoded, surprisal = encode_documents(stream, tokenizer, tokens=tokens, join=None)
        rows = DenoisingRows(
            encoded,
            tokenizer,
            density=recipe.density,
            mean_span=recipe.mean_span,
            whole=recipe.whole,
            whole_density=recipe.whole_density,
            seed=recipe.seed,
        )
    else:
        encoded, surprisal = encode_documents(stream, tokenizer, tokens=tokens, join="\n", end=END_OF_TEXT)
        rows = CausalRows(encoded)
    return rows, surprisal / len(encoded.input_ids)


# ---------------------------------------------------------------- the models


def new_encoder(recipe: EncoderRecipe, tokenizer: PreTrainedTokenizerFast) -> PreTrainedModel:
    """The untrained encoder: pre-norm, rotary positions, full attention in every layer."""
    from transformers import ModernBertConfig, ModernBertForMaskedLM

    from ..models import initialise

    config = ModernBertConfig(
        vocab_size=len(tokenizer),
        hidden_size=recipe.hidden,
        intermediate_size=recipe.feed_forward,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        # The last layer's window is as wide as the text, which is full attention by another name: transformers
        # before 5.16 or so refuse this type of model when no layer is of the second kind.
        layer_types=["full_attention"] * (recipe.layers - 1) + ["sliding_attention"],
        local_attention=2 * recipe.max_length,
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


def new_decoder(recipe: DecoderRecipe, tokenizer: PreTrainedTokenizerFast) -> PreTrainedModel:
    """The untrained decoder: GPT-2, pre-norm with learned positions, without dropout, since no text comes twice."""
    from transformers import GPT2Config, GPT2LMHeadModel

    from ..models import initialise

    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_positions=recipe.max_length,
        n_embd=recipe.hidden,
        n_layer=recipe.layers,
        n_head=recipe.heads,
        n_inner=recipe.feed_forward,
        activation_function="gelu_pytorch_tanh",  # GPT-2's own "gelu_new" in one call instead of eight
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )  # as in GPT-2 no token is for padding alone: what begins and ends a text also pads
    model = GPT2LMHeadModel(config)
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    initialise(model, recipe.seed)
    return model


def new_encoder_decoder(recipe: EncoderDecoderRecipe, tokenizer: PreTrainedTokenizerFast) -> PreTrainedModel:
    """The untrained encoder–decoder: T5 with gated GELU (its version 1.1), tied embeddings, no dropout.

    The weights are drawn as T5 draws them, by width: its attention has no 1/sqrt(d), so its queries begin smaller.
    Only its embeddings begin smaller (`models.shrink_embeddings`).
    """
    import torch
    from transformers import T5Config, T5ForConditionalGeneration

    from ..models import shrink_embeddings

    settings: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "d_model": recipe.hidden,
        "d_kv": recipe.hidden // recipe.heads,
        "d_ff": recipe.feed_forward,
        "num_layers": recipe.layers,
        "num_heads": recipe.heads,
        "feed_forward_proj": "gated-gelu_pytorch_tanh",  # "gated-gelu", in one call instead of eight
        "tie_word_embeddings": True,
        "scale_decoder_outputs": False,  # it undoes the length of full-sized embeddings in a tied output layer
        "dropout_rate": 0.0,
        "pad_token_id": tokenizer.pad_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "decoder_start_token_id": tokenizer.pad_token_id,
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        model = T5ForConditionalGeneration(T5Config(**settings))
    shrink_embeddings(model)
    return model


def new_model(recipe: Recipe, tokenizer: PreTrainedTokenizerFast) -> PreTrainedModel:
    """The untrained model of a recipe."""
    if isinstance(recipe, EncoderRecipe):
        return new_encoder(recipe, tokenizer)
    if isinstance(recipe, DecoderRecipe):
        return new_decoder(recipe, tokenizer)
    assert isinstance(recipe, EncoderDecoderRecipe)
    return new_encoder_decoder(recipe, tokenizer)


# ---------------------------------------------------------------- the run


def pretrain(model: PreTrainedModel, rows: Rows, stage: Stage, recipe: Recipe) -> Iterator[Record]:
    """One stage of a recipe, step by step."""
    from ..training import TrainConfig, training_steps

    config = TrainConfig(
        max_steps=stage.steps,
        token_budget=recipe.token_budget,
        learning_rate=stage.learning_rate,
        warmup_steps=recipe.warmup_steps,
        schedule=stage.schedule,  # type: ignore[arg-type]
        betas=(0.9, 0.98),
        weight_decay=0.01,
        clip_norm=1.0,
        seed=recipe.seed,
    )
    yield from training_steps(model, rows, config)


def build_checkpoint(
    folder: str | Path,
    recipe: Recipe,
    *,
    report_every: int = 200,
) -> None:
    """Run the whole recipe and write checkpoint, tokenizer, recipe and model card into `folder`.

    Nothing is written there before the run has ended, so a broken run leaves an older checkpoint alone.
    """
    from ..training import evaluate

    folder = Path(folder)
    began = time.perf_counter()
    print("Training the tokenizer …", flush=True)
    tokenizer = make_tokenizer(recipe)
    model = new_model(recipe, tokenizer)
    print(f"{len(tokenizer):,} tokens, {model.num_parameters():,} parameters.", flush=True)

    tokens_read, entropy = 0, 0.0
    for number, stage in enumerate(recipe.stages, start=1):
        print(f"Stage {number} of {len(recipe.stages)}: writing its text …", flush=True)
        rows, nats = make_rows(recipe, stage, tokenizer, tokens=stage.steps * recipe.token_budget)
        tokens_read += int(rows.lengths.sum())
        if stage is recipe.main:
            entropy = nats
        for record in pretrain(model, rows, stage, recipe):
            if record.step % report_every == 0:
                minutes = (time.perf_counter() - began) / 60
                print(f"step {record.step:,} of {stage.steps:,} · loss {record.loss:.3f} · {minutes:.1f} min", flush=True)

    minutes = (time.perf_counter() - began) / 60
    unread = replace(recipe.main, corpus_seed=_HELD_OUT)
    held_out, _ = make_rows(recipe, unread, tokenizer, tokens=100_000)
    loss = evaluate(model, held_out)["loss"]
    facts: dict[str, Any] = {
        "masked_loss" if isinstance(recipe, EncoderRecipe) else "loss": loss,
        "entropy_per_token": entropy,
        "parameters": model.num_parameters(),
        "vocabulary": len(tokenizer),
        "tokens_read": tokens_read,
        "minutes": minutes,
    }
    if isinstance(recipe, EncoderDecoderRecipe):
        del facts["entropy_per_token"]  # of both languages together; the rows hold one each
    if "bulletin" in recipe.main.mix:
        facts |= bulletin_scores(model, tokenizer, seed=_HELD_OUT)
    save_checkpoint(folder, model, tokenizer, recipe, facts)
    print(f"Saved to {folder}: loss {loss:.3f} on documents never read.", flush=True)


def save_checkpoint(
    folder: Path,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    recipe: Recipe,
    facts: dict[str, Any],
) -> None:
    """Write weights, tokenizer, recipe with facts, and model card into `folder`."""
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "recipe.json").write_text(
        json.dumps({"recipe": asdict(recipe), "facts": facts}, indent=2) + "\n"
    )
    (folder / "README.md").write_text(model_card(recipe, facts))


def bulletin_scores(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, *, documents_read: int = 500, samples: int = 200,
    seed: int = 2,
) -> dict[str, float]:  # fmt: skip
    """How near a decoder is to the floor, on the part of the language where the floor is exact.

    Returns:
        "bulletin_loss": nats per token on fresh bulletins, from what follows the word that opens them to the end
        of the document, which is a token too. "bulletin_surprisal": the same for the generator itself, which knows
        the true probabilities; its mean over many is the entropy. "accepted": the share of `samples` drawn from the
        model at temperature 1 that the parser of the language accepts.
    """
    import torch

    from ..evaluation import evaluating
    from ..losses import loss_for
    from ..world.bulletins import OPENING, accepts, surprisal

    texts = [document.text for document in islice(documents(seed, {"bulletin": 1.0}), documents_read)]
    encoded = tokenizer([text + END_OF_TEXT for text in texts])["input_ids"]
    offsets = np.concatenate([[0], np.cumsum([len(ids) for ids in encoded])])
    rows = CausalRows(
        EncodedRows(np.concatenate(encoded), offsets, pad_token_id=tokenizer.pad_token_id)  # type: ignore[arg-type]
    )
    prompt = tokenizer(OPENING, return_tensors="pt")["input_ids"]  # (1, prompt)
    total, n_targets = 0.0, 0
    sampled: list[str] = []
    with evaluating(model) as device, torch.inference_mode():
        for start in range(0, len(rows), 50):
            batch = rows.batch(np.arange(start, min(start + 50, len(rows))))
            batch["labels"][:, : prompt.shape[1] - 1] = -100  # given, not guessed
            batch = {name: tensor.to(device) for name, tensor in batch.items()}
            total += float(loss_for("causal_lm")(model, batch))
            n_targets += int((batch["labels"] != -100).sum())
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            longest = int(rows.lengths.max()) * 2
            for start in range(0, samples, 50):
                generated = model.generate(  # type: ignore[operator]
                    prompt.to(device).repeat(min(50, samples - start), 1), do_sample=True, temperature=1.0,
                    top_k=0, top_p=1.0, max_length=longest,
                    attention_mask=torch.ones(min(50, samples - start), prompt.shape[1], device=device),
                    pad_token_id=tokenizer.pad_token_id,
                )  # fmt: skip
                sampled += tokenizer.batch_decode(generated, skip_special_tokens=True)
    return {
        "bulletin_loss": total / n_targets,
        "bulletin_surprisal": sum(map(surprisal, texts)) / n_targets,
        "bulletin_nats": total / len(texts),
        "accepted": sum(map(accepts, sampled)) / len(sampled),
    }
