# ruff: noqa: E501 - the tables of the model cards
"""The README of a shipped checkpoint: what it is, how it was made, what it is good for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .recipes import DecoderRecipe, EncoderDecoderRecipe, EncoderRecipe, Recipe


def model_card(recipe: Recipe, facts: Mapping[str, Any]) -> str:
    """The README of a checkpoint: what it is, how it was made, what it is good for."""
    from .recipes import DecoderRecipe, EncoderDecoderRecipe, EncoderRecipe

    if isinstance(recipe, EncoderRecipe):
        return _encoder_card(recipe, facts)
    if isinstance(recipe, DecoderRecipe):
        return _decoder_card(recipe, facts)
    assert isinstance(recipe, EncoderDecoderRecipe)
    return _encoder_decoder_card(recipe, facts)


def _shares(mix: Mapping[str, float]) -> str:
    return ", ".join(f"{kind} {share:.0%}" for kind, share in mix.items() if share)


def _reading(recipe: Recipe, facts: Mapping[str, Any]) -> str:
    """The rows of a card about what was read, how and at what cost."""
    stages = "\n".join(
        f"| stage {number} | {stage.steps:,} steps, peak rate {stage.learning_rate:g}, "
        f"{'constant' if stage.schedule == 'constant' else f'{stage.schedule} to zero'}; {_shares(stage.mix)} |"
        for number, stage in enumerate(recipe.stages, start=1)
    )
    return f"""| text | {facts["tokens_read"]:,} tokens, each document drawn once (short ones may be alike) |
| training | AdamW, {recipe.token_budget:,} tokens a step; shares of documents: |
{stages}
| cost | {facts["minutes"]:.0f} minutes on one CPU core |"""

def _encoder_card(recipe: EncoderRecipe, facts: Mapping[str, Any]) -> str:
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
| objective | masked words, hidden whole: {recipe.mask_other:.0%} of words, but {recipe.mask_frequent:.0%} of the {recipe.frequent} most frequent tokens; in the last stage, {recipe.stages[-1].told_twice:.0%} of the names that a document tells twice, one mention of two |
{_reading(recipe, facts)}
| loss | {facts["masked_loss"]:.3f} nats per hidden token, on documents never read |
| entropy of the text | at most {facts["entropy_per_token"]:.3f} nats per token (mean surprisal of the generator's choices) |

The two last figures are not of one kind: the entropy is that of reading from left to right, every token; the
loss is that of the hidden tokens, mostly content words, given both sides.

Rebuild it with `make checkpoints`. The data and the weights are in the public domain (CC0).
"""


def _decoder_card(recipe: DecoderRecipe, facts: Mapping[str, Any]) -> str:
    exact = ""
    if "accepted" in facts:
        exact = f"""| bulletins: loss | {facts["bulletin_loss"]:.3f} nats per token, after the word that opens them |
| bulletins: entropy | {facts["bulletin_surprisal"]:.3f} nats per token: the exact surprisal of the same documents |
| bulletins: samples | {facts["accepted"]:.1%} of those drawn at temperature 1 are accepted by the language's parser |
"""
    return f"""---
license: cc0-1.0
language: [en, fr]
library_name: transformers
pipeline_tag: text-generation
---

# mini-decoder

A causal language model of {facts["parameters"]:,} parameters that has read nothing but the mini world of
Fine-Tuning Lab, and much of that its bulletins of weather, tide and market: a small language whose entropy is known
exactly. It exists to be looked into, sampled from and fine-tuned in a lesson. It knows no fact about the real world.

| | |
|---|---|
| architecture | GPT-2 type: {recipe.layers} layers, hidden size {recipe.hidden}, {recipe.heads} heads, pre-norm, {recipe.max_length} learned positions |
| tokenizer | byte-level BPE, {facts["vocabulary"]:,} tokens; `<|endoftext|>` begins a text, ends it and pads |
| objective | the next token, in one document a row |
{_reading(recipe, facts)}
| loss | {facts["loss"]:.3f} nats per token, on documents of the mix never read |
| entropy of the text | at most {facts["entropy_per_token"]:.3f} nats per token (mean surprisal of the generator's choices) |
{exact}
A prompt gets `<|endoftext|>` before it from the tokenizer, and nothing after it, so `generate` goes on from there.
"Bulletin:" makes it write a bulletin.

Rebuild it with `course checkpoints mini-decoder`. The data and the weights are in the public domain (CC0).
"""


def _encoder_decoder_card(recipe: EncoderDecoderRecipe, facts: Mapping[str, Any]) -> str:
    return f"""---
license: cc0-1.0
language: [en, fr]
library_name: transformers
---

# mini-encoder-decoder

A denoiser of {facts["parameters"]:,} parameters that has read English and French of the mini world of Fine-Tuning
Lab, and nothing else. It fills gaps, `<extra_id_0>`, `<extra_id_1>` …, and mends texts with gaps. It exists to be fine-tuned in a lesson, to
translate above all. It never saw a sentence beside its translation: each language was a text of its own. It knows no
fact about the real world.

| | |
|---|---|
| architecture | T5 type (1.1): {recipe.layers} layers of encoder, {recipe.layers} of decoder, hidden size {recipe.hidden}, {recipe.heads} heads, relative positions, gated GELU, tied embeddings |
| tokenizer | unigram, {facts["vocabulary"]:,} tokens, {recipe.sentinels} sentinels among them |
| objective | denoising. In {recipe.whole:.0%} of the batches {recipe.whole_density:.0%} of the tokens are cut out, each gap is marked `<extra_id_{recipe.sentinels - 1}>` and the decoder writes the whole text; in the others {recipe.density:.0%}, and it writes the gaps |
{_reading(recipe, facts)}
| loss | {facts["loss"]:.3f} nats per target token, on documents never read |

Rebuild it with `course checkpoints mini-encoder-decoder`. The data and the weights are in the public domain (CC0).
"""
