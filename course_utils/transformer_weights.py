"""Settings and weights of `transformers` models, in the names of `transformer.py`: ModernBERT, GPT-2 and T5 types.

A weight keeps its numbers; it may change its name, be split (one matrix for queries, keys and values) or be turned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

# A configuration → fields of an `Anatomy`, and what else our model is made with. A state dict → our names and tensors.
Settings = tuple[dict[str, Any], dict[str, Any]]
Weights = Iterator[tuple[str, "Tensor"]]


def modernbert_settings(c: Any) -> Settings:
    """What an `Encoder` is made with, from a `ModernBertConfig`."""
    return {
        "width": c.hidden_size, "layers": c.num_hidden_layers, "heads": c.num_attention_heads,
        "head_width": c.hidden_size // c.num_attention_heads, "inner": c.intermediate_size, "gated": True,
        "activation": c.hidden_activation, "bias": c.mlp_bias, "norm_bias": c.norm_bias, "norm_eps": c.norm_eps,
        "skip_first_norm": True,
        # local_attention counts both sides, so each has half of it.
        "reach": tuple(c.local_attention // 2 if kind == "sliding_attention" else None for kind in c.layer_types),
        "thetas": tuple(float(c.rope_parameters[kind]["rope_theta"]) for kind in c.layer_types),
    }, {}  # fmt: skip


def modernbert_weights(state: Mapping[str, Tensor]) -> Weights:
    """The weights of an `Encoder`, from those of a `ModernBertForMaskedLM`."""
    names = {
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
        block, part, last = _address(name, "model.layers.")
        ours = split.get(part, (names.get(part, part),))
        for our_name, piece in zip(ours, tensor.chunk(len(ours)), strict=True):
            yield f"{block}{our_name}.{last}", piece


def gpt2_settings(c: Any) -> Settings:
    """What a `Decoder` is made with, from a `GPT2Config`."""
    return {
        "width": c.n_embd, "layers": c.n_layer, "heads": c.n_head, "head_width": c.n_embd // c.n_head,
        "inner": c.n_inner or 4 * c.n_embd, "causal": True, "positions": "learned", "max_length": c.n_positions,
        "scaled": c.scale_attn_weights, "activation": c.activation_function, "bias": True, "norm_bias": True,
        "norm_eps": c.layer_norm_epsilon,
    }, {}  # fmt: skip


def gpt2_weights(state: Mapping[str, Tensor]) -> Weights:
    """The weights of a `Decoder`, from those of a `GPT2LMHeadModel`."""
    names = {
        "transformer.wte": "embedding", "transformer.wpe": "stack.place", "transformer.ln_f": "stack.last_norm",
        "ln_1": "norm", "ln_2": "feed_forward_norm", "attn.c_proj": "attention.output",
        "mlp.c_fc": "feed_forward.up", "mlp.c_proj": "feed_forward.down",
    }  # fmt: skip
    split = {"attn.c_attn": ("attention.query", "attention.key", "attention.value")}
    for name, tensor in state.items():
        if name == "lm_head.weight":
            continue  # the embeddings once more
        block, part, last = _address(name, "transformer.h.")
        if block and tensor.ndim == 2:
            tensor = tensor.T  # GPT-2 stores its matrices as (in, out), nn.Linear as (out, in)
        ours = split.get(part, (names.get(part, part),))
        for our_name, piece in zip(ours, tensor.chunk(len(ours)), strict=True):
            yield f"{block}{our_name}.{last}", piece


def t5_settings(c: Any) -> Settings:
    """What an `EncoderDecoder` is made with, from a `T5Config`."""
    return {
        "width": c.d_model, "layers": c.num_layers, "heads": c.num_heads, "head_width": c.d_kv, "inner": c.d_ff,
        "positions": "relative", "buckets": c.relative_attention_num_buckets,
        "farthest": c.relative_attention_max_distance, "scaled": False, "gated": c.is_gated_act,
        "activation": c.dense_act_fn, "rms_norm": True, "norm_eps": c.layer_norm_epsilon,
    }, {"decoder_layers": c.num_decoder_layers, "small": c.scale_decoder_outputs}  # fmt: skip


def t5_weights(state: Mapping[str, Tensor]) -> Weights:
    """The weights of an `EncoderDecoder`, from those of a `T5ForConditionalGeneration`."""
    # In a block of T5 parts are numbered: attention, in the decoder cross-attention, and last the feed-forward part.
    attentions, norms = ("attention", "cross_attention"), ("norm", "cross_norm")
    letters = {"q": "query", "k": "key", "v": "value", "o": "output"}
    matrices = {"wi": "up", "wi_0": "gate", "wi_1": "up", "wo": "down"}
    yield "embedding.weight", state["shared.weight"]
    for name, tensor in state.items():
        side, _, rest = name.partition(".")  # encoder | decoder | shared | lm_head
        if side in ("shared", "lm_head") or rest == "embed_tokens.weight":
            continue  # the embeddings once more
        if rest == "final_layer_norm.weight":
            yield f"{side}.last_norm.weight", tensor
            continue
        _, number, _, place, kind, *last = rest.split(".")  # block.0.layer.1.EncDecAttention.q.weight
        block, part = f"{side}.blocks.{number}", int(place)
        if kind == "layer_norm":
            is_last = part == (2 if side == "decoder" else 1)
            yield f"{block}.{'feed_forward_norm' if is_last else norms[part]}.weight", tensor
        elif last[0] == "relative_attention_bias":
            yield f"{side}.relative.weight", tensor  # the first block's, which all others use
        elif kind == "DenseReluDense":
            yield f"{block}.feed_forward.{matrices[last[0]]}.weight", tensor
        else:
            yield f"{block}.{attentions[part]}.{letters[last[0]]}.weight", tensor


def _address(name: str, layers: str) -> tuple[str, str, str]:
    """ "model.layers.3.attn.Wo.weight" → ("stack.blocks.3.", "attn.Wo", "weight"); outside the layers the first is ""."""
    part, _, last = name.rpartition(".")
    if not name.startswith(layers):
        return "", part, last
    number, _, part = part.removeprefix(layers).partition(".")
    return f"stack.blocks.{number}.", part, last


# By `config.model_type`.
TRANSLATIONS: dict[str, tuple[Callable[[Any], Settings], Callable[[Mapping[str, Tensor]], Weights]]] = {
    "modernbert": (modernbert_settings, modernbert_weights),
    "gpt2": (gpt2_settings, gpt2_weights),
    "t5": (t5_settings, t5_weights),
}
