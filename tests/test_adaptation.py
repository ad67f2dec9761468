"""Adaptation: the right weights move, and what is cached trains exactly as what is run anew."""

import copy

import numpy as np
import pytest
import torch
import transformers

from course_utils import adaptation as ad
from course_utils.batching import IGNORED, EncodedRows
from course_utils.errors import CourseError
from course_utils.losses import count_targets, loss_for
from course_utils.models import HEADS, layers_of, parameter_table, parts_of
from course_utils.training import TrainConfig, evaluate, train

BERT_SIZES = {
    "vocab_size": 60,
    "hidden_size": 16,
    "num_hidden_layers": 4,
    "num_attention_heads": 2,
    "intermediate_size": 24,
}
CONFIGS = {
    # A window of 6 tokens: rows are up to 24 long, so that a wrong or missing sliding mask shows.
    "modernbert": lambda: transformers.ModernBertConfig(
        **BERT_SIZES,
        pad_token_id=0,
        cls_token_id=1,
        bos_token_id=1,
        sep_token_id=2,
        eos_token_id=2,
        local_attention=6,
        classifier_pooling="mean",
        initializer_range=0.2,
    ),
    "modernbert-cls": lambda: transformers.ModernBertConfig(
        **BERT_SIZES,
        pad_token_id=0,
        cls_token_id=1,
        bos_token_id=1,
        sep_token_id=2,
        eos_token_id=2,
        local_attention=6,
        classifier_pooling="cls",
        initializer_range=0.2,
    ),
    "bert": lambda: transformers.BertConfig(**BERT_SIZES, initializer_range=0.2, **NO_DROPOUT),
    "roberta": lambda: transformers.RobertaConfig(
        **BERT_SIZES, initializer_range=0.2, pad_token_id=0, eos_token_id=2, bos_token_id=1, **NO_DROPOUT
    ),
    "distilbert": lambda: transformers.DistilBertConfig(
        vocab_size=60,
        dim=16,
        n_layers=4,
        n_heads=2,
        hidden_dim=24,
        initializer_range=0.2,
        dropout=0.0,
        attention_dropout=0.0,
        qa_dropout=0.0,
        seq_classif_dropout=0.0,
    ),
    "gpt2": lambda: transformers.GPT2Config(
        vocab_size=60,
        n_embd=16,
        n_layer=4,
        n_head=2,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        initializer_range=0.2,
    ),
}
NO_DROPOUT = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
ENCODERS = [name for name in CONFIGS if name != "gpt2"]


def make_model(name, kind="classification", attention="sdpa"):
    config = CONFIGS[name]()
    if kind in ("classification", "entities"):
        config.num_labels = 3
    torch.manual_seed(0)
    return getattr(transformers, HEADS[kind]).from_config(config, attn_implementation=attention)


def make_rows(kind="classification", rows=12, token_types=False):
    """Random rows of 4 to 24 tokens: every batch of two or more holds padding."""
    random = np.random.default_rng(1)
    lengths = random.permutation(np.linspace(4, 24, rows).astype(int))
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    total = offsets[-1]
    labels = {
        "classification": lambda: random.integers(0, 3, rows),
        "entities": lambda: random.choice([0, 1, 2, IGNORED], total),
        "masked_lm": lambda: np.where(random.random(total) < 0.3, random.integers(3, 60, total), IGNORED),
        "answers": lambda: np.stack([random.integers(0, 2, rows), random.integers(2, 4, rows)], axis=1),
    }[kind]()
    return EncodedRows(
        input_ids=random.integers(3, 60, total),
        offsets=offsets,
        labels=labels,
        kind=kind,
        token_type_ids=random.integers(0, 2, total) if token_types else None,
    )


def losses_of(model, data, kind, steps=6):
    """A few AdamW steps over fixed batches, the plain way."""
    loss = loss_for(kind)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=0.02)
    model.train()
    losses = []
    for step in range(steps):
        batch = data.batch(np.roll(np.arange(len(data)), step)[:5])
        mean = loss(model, batch) / count_targets(batch)
        mean.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(mean.item())
    return losses


def assert_same_weights(one, other):
    for (name, left), right in zip(one.named_parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(
            left, right, atol=1e-5, rtol=1e-4, msg=lambda text, name=name: f"{name}: {text}"
        )


def trainable(model):
    return {part for part, parameters in parts_of(model).items() if all(p.requires_grad for p in parameters)}


# --- which weights move ---


@pytest.mark.parametrize("name", CONFIGS)
def test_each_strategy_trains_whole_parts_and_no_other(name):
    model = make_model(name)
    parts = ["embeddings", "layer 1", "layer 2", "layer 3", "layer 4", "head"]
    assert list(parts_of(model)) == parts
    assert sum(map(len, parts_of(model).values())) == len(list(model.parameters()))
    for strategy, expected in (
        (ad.train_only_head, parts[-1:]),
        (lambda m: ad.train_last_layers(m, 2), parts[-3:]),
        (lambda m: ad.train_last_layers(m, 4), parts[1:]),
        (ad.train_everything, parts),
    ):
        strategy(model)
        assert trainable(model) == set(expected)
        assert parameter_table(model).query("trainable > 0").part.tolist() == expected


@pytest.mark.parametrize(
    "name, expected",
    [
        ("modernbert", {"head.dense", "head.norm", "classifier"}),
        (
            "bert",
            {"bert.pooler.dense", "classifier"},
        ),  # the pooler trains with the head
        ("roberta", {"classifier.dense", "classifier.out_proj"}),
        ("distilbert", {"pre_classifier", "classifier"}),
        ("gpt2", {"score"}),
    ],
)
def test_the_head_is_what_lies_above_the_last_layer(name, expected):
    model = make_model(name)
    ad.train_only_head(model)
    assert {n.rpartition(".")[0] for n, p in model.named_parameters() if p.requires_grad} == expected


def test_unfreezing_moves_only_what_its_stage_allows_with_an_optimizer_made_at_the_start():
    model, data, loss = make_model("modernbert"), make_rows(), loss_for("classification")
    before_step = ad.gradual_unfreezing(model, steps_per_stage=2)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=0.01, weight_decay=0.5
    )  # decay moves all it may touch
    order = ["head", "layer 4", "layer 3", "layer 2", "layer 1", "embeddings"]
    for step in range(1, 14):
        before_step(step, model)
        before = {part: [p.detach().clone() for p in ps] for part, ps in parts_of(model).items()}
        loss(model, data.batch(np.arange(5))).backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=False)  # the unkind kind: gradients stay, as zeros
        after = parts_of(model)
        moved = {
            part
            for part in before
            if any((a != b).any() for a, b in zip(before[part], after[part], strict=True))
        }
        assert moved == set(order[: min((step - 1) // 2 + 1, 6)]), step


def test_unfreezing_resumes_in_the_right_stage_and_freezes_again_when_a_new_run_starts():
    model = make_model("bert")
    before_step = ad.gradual_unfreezing(model, steps_per_stage=10)
    before_step(25, model)
    assert trainable(model) == {"head", "layer 4", "layer 3"}
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    before_step(1, model)
    assert trainable(model) == {"head"}
    assert all(p.grad is None for p in model.parameters() if not p.requires_grad)


@pytest.mark.parametrize("name", CONFIGS)
def test_discriminative_groups_hold_every_weight_once_and_slow_down_towards_the_input(name):
    model = make_model(name)
    groups = ad.discriminative_groups(model, decay=0.5)
    assert {g["name"]: g["lr_scale"] for g in groups} == {
        "embeddings": 0.5**5,
        "layer 1": 0.5**4,
        "layer 2": 0.5**3,
        "layer 3": 0.25,
        "layer 4": 0.5,
        "head": 1.0,
    }
    assert sorted(id(p) for g in groups for p in g["params"]) == sorted(map(id, model.parameters()))
    ad.train_last_layers(model, 1)
    assert [g["name"] for g in ad.discriminative_groups(model)] == ["layer 4", "head"]


def test_settings_that_make_no_sense_are_refused():
    model = make_model("bert")
    with pytest.raises(CourseError, match="this model has 4"):
        ad.train_last_layers(model, 5)
    with pytest.raises(CourseError, match="decay=1.5"):
        ad.discriminative_groups(model, decay=1.5)
    with pytest.raises(CourseError, match="steps_per_stage=0"):
        ad.gradual_unfreezing(model, 0)
    with pytest.raises(CourseError, match="Nothing would be trained"):
        ad.train_only_head(make_model("modernbert", "encoder"))
    with pytest.raises(CourseError, match="k=0"):
        ad.cache_lower_layers(model, make_rows(), k=0)
    with pytest.raises(CourseError, match="did you mean 'mean'"):
        ad.hidden_states(model, make_rows(), "meen")
    with pytest.raises(CourseError, match="outside"):
        ad.cache_lower_layers(make_model("gpt2"), make_rows(), k=1)


# --- what is cached ---

CASES = [(name, "classification") for name in CONFIGS]
CASES += [(name, kind) for name in ("modernbert", "bert") for kind in ("entities", "answers", "masked_lm")]


@pytest.mark.parametrize("name, kind", CASES)
def test_a_head_on_cached_features_trains_as_on_a_frozen_encoder(name, kind):
    naive = make_model(name, kind)
    model = copy.deepcopy(naive)
    data = make_rows(kind, token_types=name == "bert")
    ad.train_only_head(naive)
    head, cached = ad.cache_features(model, data)
    assert cached.states.dtype == torch.float32
    assert cached.states.shape == (len(data) if kind == "classification" else len(data.input_ids), 16)
    assert losses_of(head, cached, kind) == pytest.approx(losses_of(naive, data, kind), abs=1e-5)
    assert_same_weights(naive, model)  # the model itself was trained: nothing to copy back


LOWER_CASES = [(name, kind, k) for name, kind in CASES if name != "gpt2" for k in (1, 2)] + [
    ("modernbert", "entities", 4)
]


@pytest.mark.parametrize("name, kind, k", LOWER_CASES)
def test_upper_layers_on_cached_lower_ones_train_as_with_frozen_layers_below(name, kind, k):
    naive = make_model(name, kind)
    model = copy.deepcopy(naive)
    data = make_rows(kind, token_types=name == "bert")
    ad.train_last_layers(naive, k)
    upper, cached = ad.cache_lower_layers(model, data, k=k)
    assert cached.states.shape == (len(data.input_ids), 16)
    assert len(layers_of(upper)) == k and len(layers_of(model)) == 4
    assert losses_of(upper, cached, kind) == pytest.approx(losses_of(naive, data, kind), abs=1e-5)
    assert_same_weights(naive, model)


@pytest.mark.parametrize("kind", ["classification", "entities"])
def test_the_packages_loop_gives_the_same_curve_with_and_without_the_cache(kind):
    config = TrainConfig(epochs=2, batch_size=4, learning_rate=0.01)
    data = make_rows(kind)
    naive, model = make_model("modernbert", kind), make_model("modernbert", kind)
    ad.train_last_layers(naive, 2)
    expected = train(naive, data, config, validation=data, progress=False).frame
    upper, cached = ad.cache_lower_layers(model, data, k=2)
    found = train(upper, cached, config, validation=cached, progress=False).frame
    np.testing.assert_allclose(found["loss"], expected["loss"], atol=1e-5)
    assert evaluate(model, data) == pytest.approx(evaluate(naive, data), abs=1e-5)
    assert evaluate(upper, cached) == pytest.approx(evaluate(model, data), abs=1e-5)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("name", ["modernbert", "bert"])
def test_cached_logits_are_the_models_own_under_both_kinds_of_attention(name, attention):
    model, data = make_model(name, attention=attention).eval(), make_rows()
    upper, cached = ad.cache_lower_layers(model, data, k=3, batch_size=5)
    head, pooled = ad.cache_features(model, data, batch_size=5)
    rows = np.array([7, 0, 3])
    with torch.no_grad():
        expected = model(**{key: value for key, value in data.batch(rows).items() if key != "labels"}).logits
        for part, states in ((upper, cached), (head, pooled)):
            batch = states.batch(rows)
            torch.testing.assert_close(batch.pop("labels"), data.batch(rows)["labels"])
            torch.testing.assert_close(part(**batch).logits, expected, atol=1e-6, rtol=1e-5)


def test_caching_turns_dropout_off_and_leaves_mode_and_structure_as_they_were():
    config = CONFIGS["bert"]()
    config.hidden_dropout_prob = 0.5
    model = transformers.BertForSequenceClassification(config).train()
    names, data = [name for name, _ in model.named_modules()], make_rows()
    _, first = ad.cache_features(model, data)
    _, second = ad.cache_features(model, data, batch_size=3)
    torch.testing.assert_close(first.states, second.states, atol=1e-5, rtol=1e-5)
    assert all(module.training for module in model.modules())
    assert names == [name for name, _ in model.named_modules()]
    assert not first.states.requires_grad


def test_several_splits_share_one_head_and_rows_keep_what_they_were():
    model, data = make_model("modernbert"), make_rows()
    head, train, validation = ad.cache_features(model, data, data.select([1, 2]))
    assert (len(train), len(validation)) == (12, 2)
    assert validation.kind == "classification" and (validation.labels == data.labels[[1, 2]]).all()
    torch.testing.assert_close(validation.states, train.states[[1, 2]])
    assert set(map(id, head.parameters())) == set(map(id, parts_of(model)["head"]))
    with pytest.raises(CourseError, match="empty"):
        ad.cache_features(model, data.select([]))


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("pooling", ad.POOLINGS)
def test_hidden_states_are_those_of_each_row_alone(name, pooling):
    model, data = make_model(name).eval(), make_rows(rows=5)
    found = ad.hidden_states(model, data, pooling, batch_size=2)
    assert found.shape == (5, 5, 16) and found.dtype == np.float32
    for row in range(len(data)):
        ids = torch.from_numpy(data.input_ids[data.offsets[row] : data.offsets[row + 1]])[None]
        with torch.no_grad():
            states = torch.stack(model.base_model(ids, output_hidden_states=True).hidden_states)[:, 0]
        expected = {"mean": states.mean(1), "cls": states[:, 0], "last": states[:, -1]}[pooling]
        np.testing.assert_allclose(found[:, row], expected.numpy(), atol=1e-5)


# --- LoRA ---


@pytest.mark.parametrize("name", ["modernbert", "bert", "roberta", "distilbert", "gpt2"])
def test_lora_starts_as_the_model_trains_little_and_merges_back(name):
    base, data = make_model(name).eval(), make_rows()
    plain = copy.deepcopy(base)
    inputs = {key: value for key, value in data.batch(np.arange(6)).items() if key != "labels"}
    lora = ad.add_lora(base, rank=2, alpha=4)
    with torch.no_grad():
        torch.testing.assert_close(lora(**inputs).logits, plain(**inputs).logits)
    moving = {n for n, p in lora.named_parameters() if p.requires_grad}
    head = {n for n in moving if "lora_" not in n}
    assert head and all("modules_to_save" in n for n in head)
    assert any("lora_" in n for n in moving)
    losses = losses_of(lora, data, "classification", steps=25)
    assert losses[-1] < losses[0]  # the same batch: they come round after twelve steps
    with torch.no_grad():
        expected = lora.eval()(**inputs).logits
    merged = ad.merge_lora(lora).eval()
    assert type(merged) is type(plain)
    assert [n for n, _ in merged.named_parameters()] == [n for n, _ in plain.named_parameters()]
    with torch.no_grad():
        torch.testing.assert_close(merged(**inputs).logits, expected, atol=1e-5, rtol=1e-4)
    for left, right in zip(parts_of(merged)["embeddings"], parts_of(plain)["embeddings"], strict=True):
        assert torch.equal(left, right)


def test_lora_counts_its_parameters_once_repeats_with_a_seed_and_names_unknown_targets():
    model = make_model("modernbert")
    table = parameter_table(ad.add_lora(copy.deepcopy(model), rank=2))
    plain = parameter_table(model)
    assert table.part.tolist() == plain.part.tolist()
    layers = table.part.str.startswith("layer")
    # rank · (inputs + outputs) of Wqkv 16→48, Wo 16→16, Wi 16→48, Wo 24→16
    assert (table.trainable[layers] == 2 * (64 + 32 + 64 + 40)).all()
    assert table.parameters.iloc[-1] == table.trainable.iloc[-1] == plain.parameters.iloc[-1]
    draws = [
        next(
            p
            for n, p in ad.add_lora(copy.deepcopy(model), targets=["Wqkv"], seed=seed).named_parameters()
            if "lora_A" in n
        )
        for seed in (1, 1, 2)
    ]
    assert torch.equal(draws[0], draws[1]) and not torch.equal(draws[0], draws[2])
    words = ad.add_lora(make_model("modernbert", "masked_lm"))
    assert not any("decoder" in n for n, p in words.named_parameters() if p.requires_grad)  # it is tied
    with pytest.raises(CourseError, match="did you mean 'Wqkv'"):
        ad.add_lora(copy.deepcopy(model), targets=["Wqv"])
    with pytest.raises(CourseError, match="merge_lora first"):
        ad.cache_features(ad.add_lora(model), make_rows())
