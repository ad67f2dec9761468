"""The hand-written Transformer gives what `transformers` gives, counts what it should, and refuses what it can't read."""

from pathlib import Path

import pytest
import torch

from course_utils.errors import CourseError
from course_utils.models import load_model, load_tokenizer
from course_utils.scale import SHIPPED, checkpoint_path
from course_utils.transformer import (
    Anatomy,
    Attention,
    Decoder,
    Encoder,
    EncoderDecoder,
    attention,
    attention_maps,
    count_flops,
    from_transformers,
    load_transformer,
    rebuilt,
    relative_buckets,
    rotate,
)

VOCABULARY, PAD = 50, 0
HEADS = {"mini-encoder": "masked_lm", "mini-decoder": "causal_lm", "mini-encoder-decoder": "seq2seq_lm"}


def modernbert(**changes):
    from transformers import ModernBertConfig, ModernBertForMaskedLM

    settings = dict(
        vocab_size=VOCABULARY, hidden_size=16, intermediate_size=24, num_hidden_layers=4, num_attention_heads=2,
        layer_types=["sliding_attention", "full_attention"] * 2, local_attention=6, pad_token_id=PAD, bos_token_id=1,
        eos_token_id=2, cls_token_id=1, sep_token_id=2,
        rope_parameters={
            "full_attention": {"rope_type": "default", "rope_theta": 160_000.0},
            "sliding_attention": {"rope_type": "default", "rope_theta": 10_000.0},
        },
    )  # fmt: skip
    return ModernBertForMaskedLM(ModernBertConfig(**settings | changes))


def modernbert_of_full_layers():
    """Every layer sees everything. (The last by a window of all: older releases want a layer of that kind.)"""
    return modernbert(layer_types=["full_attention"] * 3 + ["sliding_attention"], local_attention=2 * 8192)


def gpt2(**changes):
    from transformers import GPT2Config, GPT2LMHeadModel

    settings = dict(
        vocab_size=VOCABULARY, n_embd=16, n_layer=3, n_head=2, n_positions=40, bos_token_id=1, eos_token_id=2
    )
    return GPT2LMHeadModel(GPT2Config(**settings | changes))


def t5(**changes):
    from transformers import T5Config, T5ForConditionalGeneration

    settings = dict(
        vocab_size=VOCABULARY, d_model=16, d_kv=6, d_ff=24, num_layers=2, num_decoder_layers=3, num_heads=2,
        feed_forward_proj="gated-gelu", relative_attention_num_buckets=12, relative_attention_max_distance=20,
        pad_token_id=PAD, eos_token_id=1, decoder_start_token_id=PAD,
    )  # fmt: skip
    return T5ForConditionalGeneration(T5Config(**settings | changes))


VARIANTS = {
    "ModernBERT, local and full layers": modernbert,
    "ModernBERT, full layers": modernbert_of_full_layers,
    "ModernBERT, biases": lambda: modernbert(
        attention_bias=True, mlp_bias=True, classifier_bias=True, norm_bias=True
    ),
    "GPT-2": gpt2,
    "GPT-2, an inner width of its own": lambda: gpt2(n_inner=20, activation_function="gelu"),
    "T5, gated": t5,
    "T5, the first version": lambda: t5(feed_forward_proj="relu"),
    "T5, logits not scaled": lambda: t5(tie_word_embeddings=False),
}


def random_weights(model, seed=0):
    """Weights far from zero, norms and biases too, so that no part can be left out unnoticed."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.2)
    return model.eval()


def padded(seed=0, rows=4, time=30, side="right"):
    """Ids and a mask whose rows keep 30, 22, 9 and 1 tokens."""
    ids = torch.randint(3, VOCABULARY, (rows, time), generator=torch.Generator().manual_seed(seed))
    lengths = torch.tensor([time, time - 8, 9, 1])[:rows, None]
    place = torch.arange(time)[None]
    keep = place < lengths if side == "right" else place >= time - lengths
    return ids.where(keep, PAD), keep.long()


def inputs_for(model, seed=0):
    ids, mask = padded(seed)
    batch = {"input_ids": ids, "attention_mask": mask}
    if model.config.is_encoder_decoder:
        batch["decoder_input_ids"], batch["decoder_attention_mask"] = padded(seed + 1, time=17)
    return batch


def assert_equal(theirs, ours, batch):
    """Logits differ by at most 1e-5 of the largest one, where there is no padding.

    In double precision: in single, the order of a sum, and so the number of threads, decides the fifth decimal.
    """
    theirs, ours = theirs.double(), ours.double()
    with torch.no_grad():
        wanted, got = theirs(**batch).logits, ours(**batch)
    mask = batch.get("decoder_attention_mask" if theirs.config.is_encoder_decoder else "attention_mask")
    keep = torch.ones(got.shape[:2], dtype=torch.bool) if mask is None else mask.bool()
    assert got.isfinite().all()
    largest = max(1.0, wanted[keep].abs().max().item())
    torch.testing.assert_close(got[keep], wanted[keep], atol=1e-5 * largest, rtol=0)


@pytest.mark.parametrize("name", VARIANTS)
def test_equals_transformers_on_random_weights(name):
    theirs = random_weights(VARIANTS[name]())
    ours = from_transformers(theirs)
    assert_equal(theirs, ours, inputs_for(theirs))
    assert_equal(theirs, ours, {key: ids for key, ids in inputs_for(theirs, 3).items() if "mask" not in key})


def shipped():
    """The checkpoints of the course that are there, all three in a whole copy."""
    return [
        name
        for name in HEADS
        if name in SHIPPED and Path(checkpoint_path(name), "model.safetensors").is_file()
    ]


@pytest.mark.parametrize("name", shipped())
def test_equals_transformers_on_the_shipped_checkpoints(name):
    theirs, ours = load_model(name, HEADS[name]).eval(), load_transformer(name)
    tokenizer = load_tokenizer(name)
    texts = [
        "The soup was good.",
        "Nobody came back, because the room was cold and the music much too loud.",
        "Why?",
    ]
    batch = dict(tokenizer(texts, padding=True, return_tensors="pt"))
    batch = {"input_ids": batch["input_ids"], "attention_mask": batch["attention_mask"]}
    if theirs.config.is_encoder_decoder:
        batch |= {f"decoder_{key}": tensor.flip(0) for key, tensor in batch.items()}
    assert_equal(theirs, ours, batch)
    # A long text, and a real one: on tokens in an order that nobody writes, rounding alone may come to 1e-4.
    long = torch.cat([tokenizer(text, return_tensors="pt")["input_ids"] for text in texts * 12], 1)
    assert long.shape[1] > 250
    batch = {"input_ids": long, "attention_mask": torch.ones_like(long)}
    if theirs.config.is_encoder_decoder:
        batch |= {f"decoder_{key}": tensor for key, tensor in batch.items()}
    assert_equal(theirs, ours, batch)
    assert sum(p.numel() for p in ours.parameters()) == theirs.num_parameters()


def test_left_padding_gives_numbers():
    theirs = random_weights(gpt2())
    ids, mask = padded(side="left")
    assert_equal(theirs, from_transformers(theirs), {"input_ids": ids, "attention_mask": mask})


def test_the_future_does_not_matter_to_a_decoder_and_does_to_an_encoder():
    ids = padded()[0][:1]
    changed = ids.clone()
    changed[0, 20] = 7 if ids[0, 20] != 7 else 8
    for model, early_moves in ((gpt2(), False), (modernbert_of_full_layers(), True)):
        ours = from_transformers(random_weights(model))
        with torch.no_grad():
            moved = (ours(ids) - ours(changed)).abs().amax(-1)[0]
        assert bool((moved[:20] > 0).any()) is early_moves and moved[20] > 0


def test_a_local_layer_reaches_no_farther_than_it_says():
    ours = from_transformers(random_weights(modernbert()))
    del ours.stack.blocks[1:]  # the first is local
    ids = padded()[0][:1]
    changed = ids.clone()
    changed[0, 15] = 7 if ids[0, 15] != 7 else 8
    with torch.no_grad():
        moved = (ours(ids) - ours(changed)).abs().amax(-1)[0].nonzero().flatten()
    assert moved.tolist() == list(range(12, 19))  # local_attention=6: three to each side


def test_without_positions_an_encoder_is_a_bag_of_words():
    ours = from_transformers(random_weights(modernbert_of_full_layers()))
    bag = rebuilt(ours, positions="none")
    ids = padded()[0][:1]
    order = torch.randperm(ids.shape[1], generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(bag(ids)[:, order], bag(ids[:, order]), atol=1e-4, rtol=1e-4)
        assert (ours(ids)[:, order] - ours(ids[:, order])).abs().max() > 0.1


@pytest.mark.parametrize("make", [modernbert, gpt2, t5])
def test_rebuilding_with_no_change_changes_nothing(make):
    ours = from_transformers(random_weights(make()))
    batch = inputs_for(make())
    with torch.no_grad():
        torch.testing.assert_close(rebuilt(ours)(**batch), ours(**batch))
        assert not torch.allclose(rebuilt(ours, residuals=False)(**batch), ours(**batch))


def test_attention_weights_sum_to_one_and_respect_the_mask():
    query, key, value = torch.randn(3, 2, 4, 5, 8, generator=torch.Generator().manual_seed(0))
    allowed = torch.ones(5, 5, dtype=torch.bool).tril()
    found, weights = attention(query, key, value, allowed, scale=8**-0.5)
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 4, 5))
    assert (weights[..., ~allowed] == 0).all()
    expected = torch.nn.functional.scaled_dot_product_attention(query, key, value, allowed)
    torch.testing.assert_close(found, expected)


def test_rotary_scores_depend_on_the_distance_alone():
    one, other = torch.randn(2, 8, generator=torch.Generator().manual_seed(0))
    query, key = (rotate(x.expand(1, 1, 12, 8), 10_000.0)[0, 0] for x in (one, other))
    scores = query @ key.T  # (12, 12): the same two vectors at every pair of places
    for distance in range(-11, 12):
        diagonal = scores.diagonal(distance)
        torch.testing.assert_close(diagonal, diagonal[:1].expand_as(diagonal), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(query.norm(dim=-1), one.norm().expand(12))


@pytest.mark.parametrize("causal", [False, True])
def test_relative_buckets_are_those_of_t5(causal):
    from transformers.models.t5.modeling_t5 import T5Attention

    a = Anatomy(width=4, layers=1, heads=1, head_width=4, inner=4, causal=causal, buckets=32, farthest=128)
    place = torch.arange(300)
    wanted = T5Attention._relative_position_bucket(
        place[None] - place[:, None], bidirectional=not causal, num_buckets=32, max_distance=128
    )
    assert torch.equal(relative_buckets(300, a), wanted)


@pytest.mark.parametrize("make", [modernbert, gpt2])
@pytest.mark.parametrize("ours", [True, False])
def test_attention_maps_are_those_of_transformers(make, ours):
    theirs = random_weights(make())
    ids = padded()[0][:1]
    before = theirs.config._attn_implementation
    maps = attention_maps(from_transformers(theirs) if ours else theirs, ids)
    assert theirs.config._attn_implementation == before and not theirs.training
    assert maps.shape == (theirs.config.num_hidden_layers, 2, 30, 30)
    torch.testing.assert_close(maps.sum(-1), torch.ones(maps.shape[:-1]))
    torch.testing.assert_close(maps, attention_maps(theirs, ids), atol=1e-5, rtol=1e-4)


def test_flops_are_those_of_the_matrix_products():
    a = Anatomy(width=16, layers=2, heads=2, head_width=8, inner=24, gated=True)
    rows, time = 3, 10
    per_layer = 2 * time * (4 * 16 * 16 + 3 * 16 * 24) + 2 * 2 * time * time * 16
    head = 2 * time * 16 * 16 + 2 * time * 16 * VOCABULARY
    ids = torch.zeros(rows, time, dtype=torch.long)
    assert count_flops(Encoder(VOCABULARY, a), ids) == rows * (2 * per_layer + head)


def test_gradients_reach_every_weight():
    a = Anatomy(width=16, layers=2, heads=2, head_width=8, inner=24, positions="relative", rms_norm=True)
    ids = padded()[0]
    for model, inputs in (
        (Encoder(VOCABULARY, a), (ids,)),
        (Decoder(VOCABULARY, a), (ids,)),
        (EncoderDecoder(VOCABULARY, a), (ids, ids)),
    ):
        model(*inputs).logsumexp(-1).sum().backward()
        without = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
        assert without == [], without


@pytest.mark.parametrize(
    "make, sentence",
    [
        (
            lambda: Anatomy(width=8, layers=1, heads=1, head_width=8, inner=8, positions="rotery"),
            "positions 'rotery'",
        ),
        (lambda: Anatomy(width=8, layers=1, heads=1, head_width=7, inner=8), "head_width=7 must be even"),
        (lambda: Anatomy(width=8, layers=1, heads=1, head_width=8, inner=8, activation="swish"), "'swish'"),
        (lambda: from_transformers(gpt2(n_positions=8))(torch.zeros(1, 9, dtype=torch.long)), "9 tokens"),
        (lambda: from_transformers(modernbert(attention_bias=True)), "variant that is not written here"),
        (lambda: attention_maps(gpt2(), torch.zeros(2, 5, dtype=torch.long)), r"\(2, 5\)"),
        (lambda: attention_maps(t5(), torch.zeros(1, 5, dtype=torch.long)), "three kinds"),
        (lambda: attention_maps(from_transformers(t5()), torch.zeros(1, 5, dtype=torch.long)), "three kinds"),
    ],
)
def test_bad_input_gets_one_sentence(make, sentence):
    with pytest.raises(CourseError, match=sentence) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_another_type_is_refused_by_name():
    from helpers_tiny import tiny_model

    with pytest.raises(CourseError, match="of type bert"):
        from_transformers(tiny_model("classification"))


def test_heads_may_be_narrower_than_the_width():
    a = Anatomy(width=10, layers=1, heads=3, head_width=4, inner=8)
    x = torch.randn(2, 5, 10)
    found, weights = Attention(a)(x, x, None)
    assert found.shape == (2, 5, 10) and weights.shape == (2, 3, 5, 5)


# --- what the lesson draws -------------------------------------------------------------------------------


def test_the_attention_map_keeps_repeated_words_apart():
    import numpy as np

    from course_utils.figures.attention import attention_map, head_overview

    figure = attention_map(np.eye(3), ["the", "soup", "the"])
    assert (
        list(figure.layout.xaxis.ticktext) == ["the", "soup", "the"]
        and len(figure.layout.xaxis.tickvals) == 3
    )
    assert figure.layout.meta["description"] and figure.data[0].text[1][1] == "soup → soup: 1.00"
    with pytest.raises(CourseError, match=r"\(2, 2\)"):
        attention_map(np.eye(3), ["the", "soup"])
    far = np.zeros((1, 2, 3, 3))
    far[0, 0], far[0, 1, :, 0] = np.eye(3), 1
    overview = head_overview(far)
    assert overview.data[0].z.tolist() == [[0.0, 1.0]]
    assert "nearest is layer 1, head 1" in overview.layout.meta["description"]


def test_the_explorer_follows_its_controls_and_says_what_it_cannot_read():
    from course_utils.widgets.attention import attention_explorer

    model, tokenizer = load_model("mini-encoder", "encoder").eval(), load_tokenizer("mini-encoder")
    plain = attention_explorer(model, tokenizer, "The soup was good.", layer=2, head=3, widget=False)
    assert plain.layout.title.text == "Layer 2, head 3: who looks where"
    box, layer, head, row, live = attention_explorer(model, tokenizer, "The soup was good.").children
    status = row.children[1]
    layer.value, head.value = 2, 3
    assert (live.data[0].z == plain.data[0].z).all()
    box.value = "The room was cold."
    assert "room" in live.layout.xaxis.ticktext and status.value == ""
    box.value = "soup " * 60
    assert "too many" in status.value and "room" in live.layout.xaxis.ticktext
    for text, layer in (("", 1), ("The soup.", 9)):
        with pytest.raises(CourseError):
            attention_explorer(model, tokenizer, text, layer=layer, widget=False)
