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
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .errors import CourseError

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
    speed = theta ** (
        -torch.arange(0, width, 2, device=x.device) / width
    )  # (W/2,), from 1 down to about 1/theta
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
            query, key = (
                rotate(query, theta),
                rotate(key, theta),
            )  # never the values: they are what is fetched
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


def load_transformer(name: str | os.PathLike[str]) -> Transformer:
    """A checkpoint of a ModernBERT, GPT-2 or T5 type as the model above: `load_transformer("mini-encoder")`."""
    from .models import load_config, load_model

    heads = {"modernbert": "masked_lm", "gpt2": "causal_lm", "t5": "seq2seq_lm"}
    kind = load_config(name, "encoder").model_type
    if kind not in heads:
        raise CourseError(f"{os.fspath(name)!r} is of type {kind}; this page reads {', '.join(heads)}.")
    return from_transformers(load_model(name, heads[kind]))


def from_transformers(model: PreTrainedModel) -> Transformer:
    """The same model, weights copied, in evaluation mode. Raises CourseError for another type or a variant."""
    config = model.config
    makers = {"modernbert": _from_modernbert, "gpt2": _from_gpt2, "t5": _from_t5}
    if config.model_type not in makers:
        raise CourseError(
            f"This page reads {', '.join(makers)} types, and the model is of type {config.model_type}."
        )
    ours: Any
    ours, weights = makers[config.model_type](model)
    try:
        ours.load_state_dict(dict(weights))  # strict: every weight finds its place, and every place a weight
    except RuntimeError as error:
        raise CourseError(
            f"This {config.model_type} is a variant that the page does not cover: {str(error).splitlines()[-1].strip()}"
        ) from error
    return ours.eval()


def _from_modernbert(model: PreTrainedModel) -> tuple[Encoder, Iterator[tuple[str, Tensor]]]:
    c, state = model.config, model.state_dict()
    ours = Encoder(
        c.vocab_size,
        Anatomy(
            width=c.hidden_size, layers=c.num_hidden_layers, heads=c.num_attention_heads,
            head_width=c.hidden_size // c.num_attention_heads, inner=c.intermediate_size, gated=True,
            activation=c.hidden_activation, bias=c.mlp_bias, norm_bias=c.norm_bias, norm_eps=c.norm_eps,
            skip_first_norm=True,
            # local_attention counts both sides, so each has half of it.
            reach=tuple(c.local_attention // 2 if kind == "sliding_attention" else None for kind in c.layer_types),
            thetas=tuple(float(c.rope_parameters[kind]["rope_theta"]) for kind in c.layer_types),
        ),
    )  # fmt: skip

    def weights() -> Iterator[tuple[str, Tensor]]:
        plain = {
            "model.embeddings.tok_embeddings": "embedding", "model.embeddings.norm": "embedding_norm",
            "model.final_norm": "stack.last_norm", "head.dense": "head", "head.norm": "head_norm",
            "attn_norm": "norm", "mlp_norm": "feed_forward_norm", "attn.Wo": "attention.output",
            "mlp.Wo": "feed_forward.down",
        }  # fmt: skip
        split = {
            "attn.Wqkv": ("attention.query", "attention.key", "attention.value"),
            "mlp.Wi": ("feed_forward.gate", "feed_forward.up"),  # in this order: the first half is bent
        }
        for name, tensor in state.items():
            if name == "decoder.weight":
                continue  # the embeddings once more
            if name == "decoder.bias":
                yield "word_bias", tensor
                continue
            at, part, last = _address(name, "model.layers.")
            if part in split:
                for ours_name, piece in zip(split[part], tensor.chunk(len(split[part])), strict=True):
                    yield f"{at}{ours_name}.{last}", piece
            else:
                yield f"{at}{plain.get(part, part)}.{last}", tensor

    return ours, weights()


def _from_gpt2(model: PreTrainedModel) -> tuple[Decoder, Iterator[tuple[str, Tensor]]]:
    c, state = model.config, model.state_dict()
    ours = Decoder(
        c.vocab_size,
        Anatomy(
            width=c.n_embd, layers=c.n_layer, heads=c.n_head, head_width=c.n_embd // c.n_head,
            inner=c.n_inner or 4 * c.n_embd, causal=True, positions="learned", max_length=c.n_positions,
            scaled=c.scale_attn_weights, activation=c.activation_function, bias=True, norm_bias=True,
            norm_eps=c.layer_norm_epsilon,
        ),
    )  # fmt: skip
    names = {
        "transformer.wte": "embedding", "transformer.wpe": "stack.place", "transformer.ln_f": "stack.last_norm",
        "ln_1": "norm", "ln_2": "feed_forward_norm", "attn.c_proj": "attention.output",
        "mlp.c_fc": "feed_forward.up", "mlp.c_proj": "feed_forward.down",
    }  # fmt: skip

    def weights() -> Iterator[tuple[str, Tensor]]:
        for name, tensor in state.items():
            if name == "lm_head.weight":
                continue  # the embeddings once more
            at, part, last = _address(name, "transformer.h.")
            if at and tensor.ndim == 2:
                tensor = tensor.T  # GPT-2 stores its matrices as (in, out), nn.Linear as (out, in)
            if part == "attn.c_attn":
                for ours_name, piece in zip(("query", "key", "value"), tensor.chunk(3), strict=True):
                    yield f"{at}attention.{ours_name}.{last}", piece
            else:
                yield f"{at}{names.get(part, part)}.{last}", tensor

    return ours, weights()


def _from_t5(model: PreTrainedModel) -> tuple[EncoderDecoder, Iterator[tuple[str, Tensor]]]:
    c, state = model.config, model.state_dict()
    ours = EncoderDecoder(
        c.vocab_size,
        Anatomy(
            width=c.d_model, layers=c.num_layers, heads=c.num_heads, head_width=c.d_kv, inner=c.d_ff,
            positions="relative", buckets=c.relative_attention_num_buckets,
            farthest=c.relative_attention_max_distance, scaled=False, gated=c.is_gated_act,
            activation=c.dense_act_fn, rms_norm=True, norm_eps=c.layer_norm_epsilon,
        ),
        c.num_decoder_layers,
        small=c.scale_decoder_outputs,
    )  # fmt: skip
    letters = {"q": "query", "k": "key", "v": "value", "o": "output"}
    inner = {"wi": "up", "wi_0": "gate", "wi_1": "up", "wo": "down"}

    def weights() -> Iterator[tuple[str, Tensor]]:
        yield "embedding.weight", state["shared.weight"]
        for name, tensor in state.items():
            side, _, rest = name.partition(".")  # encoder | decoder | shared | lm_head
            if side in ("shared", "lm_head") or rest == "embed_tokens.weight":
                continue  # the embeddings once more
            if rest == "final_layer_norm.weight":
                yield f"{side}.last_norm.weight", tensor
                continue
            _, block, _, part, kind, *last = rest.split(".")  # block.0.layer.1.EncDecAttention.q.weight
            at, is_last = f"{side}.blocks.{block}.", int(part) == (2 if side == "decoder" else 1)
            norm = "feed_forward_norm" if is_last else ("norm", "cross_norm")[int(part)]
            if kind == "layer_norm":
                yield f"{at}{norm}.weight", tensor
            elif last[0] == "relative_attention_bias":
                yield f"{side}.relative.weight", tensor
            elif kind == "DenseReluDense":
                yield f"{at}feed_forward.{inner[last[0]]}.weight", tensor
            else:
                yield f"{at}{('attention', 'cross_attention')[int(part)]}.{letters[last[0]]}.weight", tensor

    return ours, weights()


def _address(name: str, layers: str) -> tuple[str, str, str]:
    """ "model.layers.3.attn.Wo.weight" → ("stack.blocks.3.", "attn.Wo", "weight")."""
    if not name.startswith(layers):
        part, _, last = name.rpartition(".")
        return "", part, last
    number, _, rest = name.removeprefix(layers).partition(".")
    part, _, last = rest.rpartition(".")
    return f"stack.blocks.{number}.", part, last


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
    was_training = model.training
    model.eval()
    try:
        if hasattr(model, "set_attn_implementation"):
            before = model.config._attn_implementation
            model.set_attn_implementation("eager")
            try:
                seen = list(model(input_ids=input_ids, output_attentions=True, **inputs).attentions)
            finally:
                model.set_attn_implementation(before)
        else:
            seen = []
            stack = model.stack
            hooks = [
                block.attention.register_forward_hook(lambda _, __, output: seen.append(output[1]))
                for block in stack.blocks
            ]
            try:
                model(input_ids, **inputs)
            finally:
                for hook in hooks:
                    hook.remove()
    finally:
        model.train(was_training)
    return torch.stack([weights[0] for weights in seen]).cpu()


def count_flops(model: nn.Module, *inputs: Tensor, **named: Tensor) -> int:
    """Floating-point operations of the matrix products of one forward pass, as torch counts them.

    A product of (m, k) and (k, n) counts 2·m·k·n: one multiplication and one addition for each of its parts.
    """
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        model(*inputs, **named)
    return counter.get_total_flops()
