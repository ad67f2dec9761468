"""A whole Transformer, small enough to read at one sitting: encoder, causal decoder, encoder–decoder.

Lesson 02 builds it up. It loads the shipped checkpoints (and other ModernBERT, GPT-2 and T5 types) and gives
the logits that `transformers` gives; tests hold the two together. It is written to be read: dropout, caches
and fast kernels are left out, so compare in evaluation mode and train anything large with the library.

Sources: attention, Vaswani et al. 2017 (https://arxiv.org/abs/1706.03762); rotary positions, Su et al. 2021
(https://arxiv.org/abs/2104.09864); gated feed-forward, Shazeer 2020 (https://arxiv.org/abs/2002.05202);
relative bias, Raffel et al. 2019 (https://arxiv.org/abs/1910.10683).

Letters in shapes: B rows of a batch, T positions, S positions of the source, H heads, W width of a head,
D width of a token's vector, V vocabulary.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .errors import CourseError
from .transformer_weights import TRANSLATIONS

if TYPE_CHECKING:
    from transformers import PreTrainedModel

POSITIONS = ("rotary", "learned", "relative", "none")
ACTIVATIONS = {
    "gelu": F.gelu,
    "gelu_new": lambda x: F.gelu(x, approximate="tanh"),
    "gelu_pytorch_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "relu": F.relu,
}


@dataclass(frozen=True, kw_only=True)
class Anatomy:
    """What decides a stack of blocks. `positions`, `scaled` and `residuals` are there to be switched off."""

    width: int  # D
    layers: int
    heads: int  # H
    head_width: int  # W; heads · head_width is usually, not always, the width
    inner: int  # width inside the feed-forward block
    causal: bool = False  # a position sees itself and what is to its left
    positions: str = "rotary"
    scaled: bool = True  # scores divided by the square root of the head's width
    residuals: bool = True  # each block adds to what it got
    reach: tuple[int | None, ...] = ()  # by layer: tokens seen to each side; None sees all
    thetas: tuple[float, ...] = ()  # by layer: base of the rotary wavelengths
    max_length: int = 512  # of learned positions
    buckets: int = 32  # of relative positions
    farthest: int = 128  # distances from here on share a bucket
    gated: bool = False
    activation: str = "gelu"
    bias: bool = False  # of matrices
    rms_norm: bool = False  # no mean is subtracted
    norm_bias: bool = False
    norm_eps: float = 1e-5
    skip_first_norm: bool = False  # ModernBERT: the embeddings are normed already

    def __post_init__(self) -> None:
        if self.positions not in POSITIONS:
            raise CourseError(
                f"There are no positions {self.positions!r}: choose from {', '.join(POSITIONS)}."
            )
        if self.activation not in ACTIVATIONS:
            raise CourseError(
                f"The activation {self.activation!r} is not written here: use one of {', '.join(ACTIVATIONS)}."
            )
        if self.positions == "rotary" and self.head_width % 2:
            raise CourseError(
                f"Rotary positions turn pairs of numbers, so head_width={self.head_width} must be even."
            )


# --- the parts -------------------------------------------------------------------------------------------


def attention(
    query: Tensor, key: Tensor, value: Tensor, allowed: Tensor | None = None, *, scale: float, bias: Any = 0.0
) -> tuple[Tensor, Tensor]:
    """Each query's mixture of the values, and the weights of the mixture.

    query (B, H, T, W); key and value (B, H, S, W); allowed, true where a query may look, broadcasts to
    (B, H, T, S), and so does bias. Returns (B, H, T, W) and (B, H, T, S); each row of the latter sums to 1.
    """
    scores = query @ key.transpose(-2, -1) * scale + bias  # (B, H, T, S)
    if allowed is not None:
        # The lowest number and not −inf: a row with nothing to look at (padding) stays a number.
        scores = scores.masked_fill(~allowed, torch.finfo(scores.dtype).min)
    weights = scores.softmax(-1)
    return weights @ value, weights


def rotate(x: Tensor, theta: float) -> Tensor:
    """Turn each pair of numbers by an angle that grows with the position. x (B, H, T, W) → the same shape.

    Number i is paired with number i + W/2. Two vectors turned by t and s have a product that depends on
    t − s alone: that is how a score comes to know a distance.
    """
    time, width = x.shape[-2:]
    # (W/2,), from 1 down to about 1/theta
    speed = theta ** (-torch.arange(0, width, 2, device=x.device) / width)
    angle = torch.arange(time, device=x.device)[:, None] * speed  # (T, W/2)
    cos, sin = angle.cos(), angle.sin()
    first, second = x.chunk(2, dim=-1)  # (B, H, T, W/2) each
    return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)


class Attention(nn.Module):
    """Several heads side by side: each has its own queries, keys and values, and `output` mixes what they found."""

    def __init__(self, a: Anatomy) -> None:
        super().__init__()
        self.heads, self.scale = a.heads, a.head_width**-0.5 if a.scaled else 1.0
        self.attend = attention  # a function of its own, so that you can put another in its place
        inside = a.heads * a.head_width
        self.query = nn.Linear(a.width, inside, bias=a.bias)
        self.key = nn.Linear(a.width, inside, bias=a.bias)
        self.value = nn.Linear(a.width, inside, bias=a.bias)
        self.output = nn.Linear(inside, a.width, bias=a.bias)

    def forward(
        self, x: Tensor, source: Tensor, allowed: Tensor | None, theta: float | None = None, bias: Any = 0.0
    ) -> tuple[Tensor, Tensor]:
        """x (B, T, D) asks, source (B, S, D) answers; source is x itself in self-attention."""

        def split(y: Tensor) -> Tensor:  # (B, T, H·W) → (B, H, T, W)
            return y.unflatten(-1, (self.heads, -1)).transpose(1, 2)

        query, key, value = split(self.query(x)), split(self.key(source)), split(self.value(source))
        if theta is not None:
            query, key = rotate(query, theta), rotate(key, theta)  # never the values: they are what is fetched
        found, weights = self.attend(query, key, value, allowed, scale=self.scale, bias=bias)
        return self.output(found.transpose(1, 2).flatten(2)), weights  # (B, T, D), (B, H, T, S)


class FeedForward(nn.Module):
    """Each position by itself: up to `inner`, a bend, and down again; gated, the bend decides what passes."""

    def __init__(self, a: Anatomy) -> None:
        super().__init__()
        self.bend = ACTIVATIONS[a.activation]
        self.up = nn.Linear(a.width, a.inner, bias=a.bias)
        self.gate = nn.Linear(a.width, a.inner, bias=a.bias) if a.gated else None
        self.down = nn.Linear(a.inner, a.width, bias=a.bias)

    def forward(self, x: Tensor) -> Tensor:  # (B, T, D) → (B, T, D)
        up = self.up(x)  # (B, T, inner)
        return self.down(self.bend(up) if self.gate is None else self.bend(self.gate(x)) * up)


def make_norm(a: Anatomy) -> nn.Module:
    """Bring each position's vector to a common length; LayerNorm also takes its mean away."""
    if a.rms_norm:
        return nn.RMSNorm(a.width, eps=a.norm_eps)
    return nn.LayerNorm(a.width, eps=a.norm_eps, bias=a.norm_bias)


class Block(nn.Module):
    """Norm, look around, add. (Norm, look at the source, add.) Norm, think, add."""

    def __init__(self, a: Anatomy, *, cross: bool = False, first: bool = False) -> None:
        super().__init__()
        self.residuals = a.residuals
        self.norm = nn.Identity() if first and a.skip_first_norm else make_norm(a)
        self.attention = Attention(a)
        self.cross_norm = make_norm(a) if cross else None
        self.cross_attention = Attention(a) if cross else None
        self.feed_forward_norm = make_norm(a)
        self.feed_forward = FeedForward(a)

    def forward(
        self, x: Tensor, allowed: Tensor, theta: float | None, bias: Any,
        source: Tensor | None = None, source_allowed: Tensor | None = None,
    ) -> Tensor:  # fmt: skip
        normed = self.norm(x)
        x = self.add(x, self.attention(normed, normed, allowed, theta, bias)[0])
        if self.cross_attention is not None and self.cross_norm is not None and source is not None:
            x = self.add(x, self.cross_attention(self.cross_norm(x), source, source_allowed)[0])
        return self.add(x, self.feed_forward(self.feed_forward_norm(x)))

    def add(self, x: Tensor, change: Tensor) -> Tensor:
        return x + change if self.residuals else change


class Stack(nn.Module):
    """Blocks one after the other, with their positions and masks, and a last norm."""

    def __init__(self, a: Anatomy, *, cross: bool = False) -> None:
        super().__init__()
        self.anatomy = a
        self.place = nn.Embedding(a.max_length, a.width) if a.positions == "learned" else None
        self.relative = nn.Embedding(a.buckets, a.heads) if a.positions == "relative" else None
        self.blocks = nn.ModuleList(Block(a, cross=cross, first=i == 0) for i in range(a.layers))
        self.last_norm = make_norm(a)

    def forward(
        self, x: Tensor, keep: Tensor, source: Tensor | None = None, source_keep: Tensor | None = None
    ) -> Tensor:
        """x (B, T, D), keep (B, T) true where no padding; source (B, S, D) and its keep → (B, T, D)."""
        a, time = self.anatomy, x.shape[1]
        if self.place is not None:
            if time > a.max_length:
                raise CourseError(
                    f"{time} tokens, and positions were learned for {a.max_length}: cut the text."
                )
            x = x + self.place.weight[:time]
        bias: Any = 0.0
        if self.relative is not None:
            bias = self.relative(relative_buckets(time, a).to(x.device)).permute(2, 0, 1)  # (H, T, T)
        source_allowed = None if source_keep is None else source_keep[:, None, None, :]  # (B, 1, 1, S)
        for i, block in enumerate(self.blocks):
            theta = (a.thetas[i] if a.thetas else 10_000.0) if a.positions == "rotary" else None
            x = block(x, self.allowed(keep, i), theta, bias, source, source_allowed)
        return self.last_norm(x)

    def allowed(self, keep: Tensor, layer: int) -> Tensor:
        """(B, 1, T, T): may position t look at position s? No padding, no future, nothing out of reach."""
        a, place = self.anatomy, torch.arange(keep.shape[1], device=keep.device)
        distance = place[None, :] - place[:, None]  # (T, T): s − t
        allowed = keep[:, None, None, :].expand(-1, 1, len(place), -1)
        if a.causal:
            allowed = allowed & (distance <= 0)
        reach = a.reach[layer] if a.reach else None
        if reach is not None:
            allowed = allowed & (distance.abs() <= reach)
        return allowed


def relative_buckets(time: int, a: Anatomy) -> Tensor:
    """(T, T): the number of the distance s − t. Near distances have a bucket each, far ones share wider and wider."""
    place = torch.arange(time)
    distance, count = place[None, :] - place[:, None], a.buckets
    if a.causal:
        side, steps = torch.zeros_like(distance), (-distance).clamp(min=0)
    else:  # half of the buckets for each side
        count //= 2
        side, steps = (distance > 0) * count, distance.abs()
    exact = count // 2
    growth = torch.log(steps.clamp(min=1).float() / exact) / math.log(a.farthest / exact)
    shared = (exact + (growth * (count - exact)).long()).clamp(max=count - 1)
    return side + torch.where(steps < exact, steps, shared)


# --- the three models ------------------------------------------------------------------------------------


class Encoder(nn.Module):
    """Every position sees every other; a head names the hidden words. (BERT type)"""

    def __init__(self, vocabulary: int, a: Anatomy) -> None:
        super().__init__()
        self.vocabulary, self.anatomy = vocabulary, a
        self.embedding = nn.Embedding(vocabulary, a.width)
        self.embedding_norm = make_norm(a)
        self.stack = Stack(a)
        self.head = nn.Linear(a.width, a.width, bias=a.bias)
        self.head_norm = make_norm(a)
        self.word_bias = nn.Parameter(torch.zeros(vocabulary))

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """(B, T) token ids and mask → logits (B, T, V)."""
        x = self.embedding_norm(self.embedding(input_ids))  # (B, T, D)
        x = self.stack(x, _keep(input_ids, attention_mask))
        x = self.head_norm(ACTIVATIONS[self.anatomy.activation](self.head(x)))
        return x @ self.embedding.weight.T + self.word_bias  # tied: the table that reads also writes


class Decoder(nn.Module):
    """Every position sees what is to its left, and names the next word. (GPT type)"""

    def __init__(self, vocabulary: int, a: Anatomy) -> None:
        super().__init__()
        self.vocabulary, self.anatomy = vocabulary, a
        self.embedding = nn.Embedding(vocabulary, a.width)
        self.stack = Stack(a)

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """(B, T) token ids and mask → logits (B, T, V); those at t are for the word at t + 1."""
        x = self.stack(self.embedding(input_ids), _keep(input_ids, attention_mask))
        return x @ self.embedding.weight.T


class EncoderDecoder(nn.Module):
    """An encoder reads the source; a causal decoder writes, and looks at the source in every block. (T5 type)"""

    def __init__(
        self, vocabulary: int, a: Anatomy, decoder_layers: int | None = None, *, small: bool = True
    ) -> None:
        super().__init__()
        self.vocabulary, self.anatomy = vocabulary, a
        self.out_scale = a.width**-0.5 if small else 1.0  # keeps tied logits small (T5)
        self.embedding = nn.Embedding(vocabulary, a.width)
        self.encoder = Stack(replace(a, causal=False))
        self.decoder = Stack(replace(a, causal=True, layers=decoder_layers or a.layers), cross=True)

    def forward(
        self, input_ids: Tensor, decoder_input_ids: Tensor,
        attention_mask: Tensor | None = None, decoder_attention_mask: Tensor | None = None,
    ) -> Tensor:  # fmt: skip
        """(B, S) source ids, (B, T) ids written so far, and their masks → logits (B, T, V)."""
        source_keep = _keep(input_ids, attention_mask)
        source = self.encoder(self.embedding(input_ids), source_keep)  # (B, S, D)
        keep = _keep(decoder_input_ids, decoder_attention_mask)
        x = self.decoder(self.embedding(decoder_input_ids), keep, source, source_keep)  # (B, T, D)
        return x * self.out_scale @ self.embedding.weight.T


Transformer = Encoder | Decoder | EncoderDecoder


def _keep(ids: Tensor, mask: Tensor | None) -> Tensor:
    return torch.ones_like(ids, dtype=torch.bool) if mask is None else mask.bool()


def rebuilt(model: Transformer, **changes: Any) -> Transformer:
    """The same weights in another anatomy: `rebuilt(model, positions="none")`. The given model stays as it is."""
    anatomy = replace(model.anatomy, **changes)
    if isinstance(model, EncoderDecoder):
        new: Transformer = EncoderDecoder(
            model.vocabulary, anatomy, model.decoder.anatomy.layers, small=model.out_scale != 1
        )
    else:
        new = type(model)(model.vocabulary, anatomy)
    wanted = new.state_dict()
    new.load_state_dict({name: tensor for name, tensor in model.state_dict().items() if name in wanted})
    return new.train(model.training)


# --- weights of `transformers` models --------------------------------------------------------------------

# By `config.model_type`: our class, and the head that a checkpoint is loaded with.
TYPES: dict[str, tuple[type[Transformer], str]] = {
    "modernbert": (Encoder, "masked_lm"),
    "gpt2": (Decoder, "causal_lm"),
    "t5": (EncoderDecoder, "seq2seq_lm"),
}


def load_transformer(name: str | os.PathLike[str]) -> Transformer:
    """A checkpoint of a ModernBERT, GPT-2 or T5 type as the model above: `load_transformer("mini-encoder")`."""
    from .models import load_config, load_model

    _, head = _type_of(load_config(name, "encoder"))
    return from_transformers(load_model(name, head))


def from_transformers(model: PreTrainedModel) -> Transformer:
    """The same model, weights copied, in evaluation mode. Raises CourseError for another type or a variant."""
    kind, (make, _) = model.config.model_type, _type_of(model.config)
    settings, weights = TRANSLATIONS[kind]
    anatomy, options = settings(model.config)
    ours = make(model.config.vocab_size, Anatomy(**anatomy), **options)
    try:
        # Strict: every weight finds its place, and every place a weight.
        ours.load_state_dict(dict(weights(model.state_dict())))
    except RuntimeError as error:
        raise CourseError(
            f"This {kind} model is a variant that is not written here ({str(error).splitlines()[-1].strip()}): "
            "use one with the usual parts."
        ) from error
    return ours.eval()


def _type_of(config: Any) -> tuple[type[Transformer], str]:
    if config.model_type not in TYPES:
        raise CourseError(
            f"A model of type {config.model_type} is not written here: use one of type {', '.join(TYPES)}."
        )
    return TYPES[config.model_type]


# --- looking inside --------------------------------------------------------------------------------------


@torch.no_grad()
def attention_maps(model: Any, input_ids: Tensor, **inputs: Tensor) -> Tensor:
    """The weights of every layer and head for one row of ids: (layers, H, T, T), on the CPU.

    Takes the models of this page and those of `transformers`. The latter keep their weights only when
    attention is computed step by step ("eager"), so that is switched on for this one call.
    """
    if input_ids.ndim != 2 or len(input_ids) != 1:
        raise CourseError(
            f"Attention maps are of one row of ids, (1, time), and got {tuple(input_ids.shape)}."
        )
    if isinstance(model, EncoderDecoder) or getattr(getattr(model, "config", None), "is_encoder_decoder", False):
        raise CourseError(
            f"{type(model).__name__} has maps of three kinds, and these are of one: give an encoder or a decoder."
        )
    was_training = model.training
    model.eval()
    try:
        maps_of = _maps_of_library if hasattr(model, "config") else _maps_of_ours
        seen = maps_of(model, input_ids, **inputs)
    finally:
        model.train(was_training)
    return torch.stack([weights[0] for weights in seen]).cpu()


def _maps_of_library(model: Any, input_ids: Tensor, **inputs: Tensor) -> list[Tensor]:
    before = model.config._attn_implementation
    model.set_attn_implementation("eager")
    try:
        return list(model(input_ids=input_ids, output_attentions=True, **inputs).attentions)
    finally:
        model.set_attn_implementation(before)


def _maps_of_ours(model: Encoder | Decoder, input_ids: Tensor, **inputs: Tensor) -> list[Tensor]:
    seen: list[Tensor] = []
    hooks = [
        block.attention.register_forward_hook(lambda _, __, output: seen.append(output[1]))  # type: ignore[union-attr]
        for block in model.stack.blocks
    ]
    try:
        model(input_ids, **inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return seen


def count_flops(model: nn.Module, *inputs: Tensor, **named: Tensor) -> int:
    """Floating-point operations of the matrix products of one forward pass, as torch counts them.

    A product of (m, k) and (k, n) counts 2·m·k·n: one multiplication and one addition for each of its parts.
    """
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        model(*inputs, **named)
    return counter.get_total_flops()
