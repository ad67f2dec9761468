"""The loop does what it says: exact steps, exact accumulation, the losses of a loop by hand and Trainer."""

import dataclasses
import math
import os
import signal
import subprocess
import sys
from itertools import islice

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from course_utils.batching import IGNORED, EncodedRows, batch_order
from course_utils.errors import CourseError
from course_utils.losses import count_targets, loss_for
from course_utils.runs import learning_rate_at
from course_utils.training import (
    TrainConfig,
    count_steps,
    evaluate,
    make_optimizer,
    plan_steps,
    predict_logits,
    train,
    training_steps,
)  # fmt: skip

VOCABULARY, CLASSES, MASK = 200, 3, 4
HEADS = {
    "classification": "ForSequenceClassification", "entities": "ForTokenClassification",
    "answers": "ForQuestionAnswering", "masked_lm": "ForMaskedLM",
}  # fmt: skip


def tiny(kind="classification", family="ModernBert", dropout=0.0, seed=0):
    """A random encoder of two layers of 32: milliseconds a step."""
    import transformers

    shape = dict(vocab_size=VOCABULARY, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
                 num_attention_heads=2, max_position_embeddings=64, pad_token_id=0,
                 num_labels=2 if kind == "answers" else CLASSES)  # fmt: skip
    if family == "ModernBert":
        shape |= dict(bos_token_id=1, eos_token_id=2, cls_token_id=1, sep_token_id=2,
                      embedding_dropout=dropout, classifier_pooling="mean")  # fmt: skip
    else:
        shape |= dict(hidden_dropout_prob=dropout, attention_probs_dropout_prob=dropout)
    torch.manual_seed(seed)
    config = getattr(transformers, f"{family}Config")(**shape)
    return getattr(transformers, f"{family}{HEADS[kind]}")(config).eval()


def rows(n=48, kind="classification", seed=0, shortest=3, longest=24):
    """Random rows whose label can be read off their tokens."""
    random = np.random.default_rng(seed)
    lengths = random.integers(shortest, longest + 1, size=n)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    ids = random.integers(5, VOCABULARY, size=offsets[-1])
    if kind == "classification":
        labels = ids[offsets[:-1]] % CLASSES
    elif kind == "answers":
        labels = np.sort(random.integers(0, lengths[:, None], size=(n, 2)), axis=1)
    else:
        hidden = random.random(offsets[-1]) < 0.4
        hidden[offsets[:-1]] = True
        labels = np.where(hidden, ids % CLASSES if kind == "entities" else ids, IGNORED)
        ids = np.where(hidden, MASK, ids) if kind == "masked_lm" else ids
    return EncodedRows(ids, offsets, labels, kind=kind)


def weights(model):
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def losses(records):
    return [record.loss for record in records]


# ---------------------------------------------------------------- steps and schedules


@pytest.mark.parametrize("n", [1, 7, 8, 9, 16, 37])
@pytest.mark.parametrize("size", [{"batch_size": 4}, {"batch_size": 8}, {"token_budget": 60}])
@pytest.mark.parametrize("accumulate", [1, 2, 3])
@pytest.mark.parametrize("length", [{"epochs": 1}, {"epochs": 3}, {"max_steps": 5}])
def test_number_of_steps_is_exact(n, size, accumulate, length):
    data, config = rows(n), TrainConfig(accumulate=accumulate, **size, **length)
    steps = list(plan_steps(data.lengths, config))
    assert len(steps) == count_steps(data.lengths, config)
    if "max_steps" in length:
        assert len(steps) == 5
        return
    per_epoch = [len(batch_order(data.lengths, seed=0, epoch=e, **size)) for e in range(config.epochs)]
    assert len(steps) == sum(math.ceil(batches / accumulate) for batches in per_epoch)
    seen = np.concatenate([indices for _, batches, _ in steps for indices in batches])
    assert np.array_equal(np.bincount(seen), np.full(n, config.epochs))  # every row once an epoch
    assert [epoch for epoch, _, ends in steps if ends] == list(range(1, config.epochs + 1))


def test_records_say_what_was_done():
    data = rows(20)
    config = TrainConfig(epochs=2, batch_size=8, learning_rate=1e-3)
    history = train(tiny(), data, config, validation=rows(10, seed=1))
    assert [record.step for record in history.records] == [1, 2, 3, 4, 5, 6]
    assert [round(record.epoch, 3) for record in history.records] == [0.333, 0.667, 1, 1.333, 1.667, 2]
    assert sum(record.tokens for record in history.records) == 2 * len(data.input_ids)
    assert sum(record.targets for record in history.records) == 40
    assert [bool(record.validation) for record in history.records] == [False, False, True] * 2
    assert {"step", "epoch", "loss", "learning_rate", "grad_norm", "tokens", "seconds",
            "validation_loss", "validation_accuracy"} <= set(history.frame)  # fmt: skip
    assert len(history.frame) == 6 and history.frame["validation_accuracy"].notna().sum() == 2
    assert "\n" not in repr(history) and "6 steps" in repr(history)


@pytest.mark.parametrize(
    "schedule, expected",
    [
        ("linear", [0.5, 1, 0.8, 0.6, 0.4, 0.2]),
        ("constant", [0.5, 1, 1, 1, 1, 1]),
        ("cosine", [0.5, 1, *((1 + math.cos(math.pi * k / 5)) / 2 for k in (1, 2, 3, 4))]),
    ],
)
def test_learning_rate_at_every_step(schedule, expected):
    config = TrainConfig(max_steps=6, warmup_steps=2, learning_rate=1.0, schedule=schedule, batch_size=4)
    assert [learning_rate_at(config, step, 6) for step in range(1, 7)] == pytest.approx(expected)
    records = training_steps(tiny(), rows(8), config)
    assert [record.learning_rate for record in islice(records, 2)] == pytest.approx(expected[:2])


def test_warm_up_as_a_share_or_not_at_all():
    rates = [
        learning_rate_at(TrainConfig(epochs=1, warmup_share=0.25, learning_rate=1.0), s, 20)
        for s in (1, 4, 5, 6)
    ]
    assert rates == pytest.approx([0.2, 0.8, 1, 1 - 1 / 16])
    assert learning_rate_at(TrainConfig(epochs=1, warmup_steps=0, learning_rate=1.0), 1, 20) == 1
    with pytest.raises(CourseError, match="warmup_steps=9 must be below the 3 steps"):
        next(training_steps(tiny(), rows(12), TrainConfig(epochs=1, batch_size=4, warmup_steps=9)))


# ---------------------------------------------------------------- what a step computes


def watch_gradients(model):
    """What the gradients are when the last backward pass of a step has ended, by parameter."""
    gradients = {}
    for name, parameter in model.named_parameters():
        parameter.register_post_accumulate_grad_hook(
            lambda p, name=name: gradients.update({name: p.grad.clone()})
        )
    return gradients


@pytest.mark.parametrize("kind", list(HEADS))
@pytest.mark.parametrize(
    "size, accumulate", [({"batch_size": 6}, 4), ({"batch_size": 5}, 5), ({"token_budget": 70}, 99)]
)
def test_accumulation_equals_one_big_batch(kind, size, accumulate):
    """Also with rows of unlike length and batches with unlike numbers of targets."""
    data, model, reference = rows(24, kind), tiny(kind), tiny(kind).train()
    gradients = watch_gradients(model)
    (record,) = training_steps(
        model, data, TrainConfig(max_steps=1, **size, accumulate=accumulate, warmup_steps=0)
    )

    batch = data.batch(np.arange(24))
    loss = loss_for(kind)(reference, batch) / count_targets(batch)
    loss.backward()
    assert record.loss == pytest.approx(loss.item(), rel=1e-5)
    assert record.targets == (48 if kind == "answers" else (data.labels != IGNORED).sum())
    for name, parameter in reference.named_parameters():
        assert torch.allclose(gradients[name], parameter.grad, atol=1e-6), name


@pytest.mark.parametrize("kind", list(HEADS))
@pytest.mark.parametrize("family", ["ModernBert", "Bert"])
def test_padding_changes_nothing(kind, family):
    """Rows alone and the same rows padded beside a long one have the same loss and logits."""
    data, model = rows(8, kind), tiny(kind, family)
    alone = sum(loss_for(kind)(model, data.batch(np.array([i]))) for i in range(8))
    together = loss_for(kind)(model, data.batch(np.arange(8)))
    assert torch.allclose(alone, together, rtol=1e-5)
    if kind != "masked_lm":
        assert np.allclose(
            predict_logits(model, data, batch_size=1), predict_logits(model, data, batch_size=8), atol=1e-5
        )


@pytest.mark.parametrize("family", ["ModernBert", "Bert"])
def test_masked_lm_loss_is_that_of_all_logits(family):
    data, model = rows(8, "masked_lm"), tiny("masked_lm", family)
    batch = data.batch(np.arange(8))
    expected = model(**batch).loss * count_targets(batch)
    assert torch.allclose(loss_for("masked_lm")(model, batch), expected, rtol=1e-5)


def test_label_smoothing_is_that_of_torch():
    data, model = rows(8), tiny()
    batch = data.batch(np.arange(8))
    logits = model(batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    expected = cross_entropy(logits, batch["labels"], label_smoothing=0.2, reduction="sum")
    assert torch.allclose(loss_for("classification", 0.2)(model, batch), expected)
    (record,) = training_steps(tiny(), data, TrainConfig(max_steps=1, batch_size=8, label_smoothing=0.2))
    assert record.loss == pytest.approx(expected.item() / 8, rel=1e-5)


@pytest.mark.parametrize("kind", list(HEADS))
def test_one_batch_overfits(kind):
    data = rows(8, kind, longest=10)
    config = TrainConfig(max_steps=120, batch_size=8, learning_rate=1e-2, weight_decay=0.0)
    history = train(tiny(kind), data, config)
    assert history.records[-1].loss < 0.05 * history.records[0].loss


def test_same_seed_same_bits():
    def run(seed, draws):
        model, records = tiny(dropout=0.2), []
        config = TrainConfig(epochs=2, batch_size=8, learning_rate=1e-3, seed=seed)
        for record in training_steps(model, rows(), config):
            records.append(record)
            torch.rand(draws)  # what a consumer draws must not matter
        return losses(records), weights(model)

    first, again, other = run(0, 1), run(0, 7), run(1, 1)
    assert first[0] == again[0] and torch.equal(first[1], again[1])
    assert first[0] != other[0]


def test_same_losses_as_a_loop_by_hand():
    data, model, epochs = rows(40), tiny(), 3
    optimizer = torch.optim.AdamW(
        [{"params": [p for p in model.parameters() if p.ndim > 1], "weight_decay": 0.1},
         {"params": [p for p in model.parameters() if p.ndim == 1], "weight_decay": 0.0}],
        lr=1e-3,
    )  # fmt: skip
    model.train()
    by_hand, step, total = [], 0, epochs * 5
    for epoch in range(epochs):
        for indices in batch_order(data.lengths, batch_size=8, seed=3, epoch=epoch):
            for group in optimizer.param_groups:
                group["lr"] = 1e-3 * (1 - step / total)
            batch = data.batch(indices)
            logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
            loss = cross_entropy(logits, batch["labels"])
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
            optimizer.step()
            optimizer.zero_grad()
            by_hand.append(loss.item())
            step += 1

    config = TrainConfig(
        epochs=epochs,
        batch_size=8,
        learning_rate=1e-3,
        weight_decay=0.1,
        warmup_steps=0,
        clip_norm=0.5,
        seed=3,
    )
    assert losses(training_steps(tiny(), data, config)) == pytest.approx(by_hand, rel=1e-5)


@pytest.mark.parametrize(
    "kind, schedule, accumulate",
    [
        ("classification", "linear", 1),
        ("entities", "cosine", 1),
        # With accumulation only where the model's own loss knows the targets of the whole step. For
        # ModernBERT's classifiers transformers 5.23 takes means, and Trainer adds these up undivided.
        ("masked_lm", "linear", 2),
    ],
)
def test_same_losses_as_trainer_on_the_same_batches(tmp_path, kind, schedule, accumulate):
    from transformers import Trainer, TrainerCallback, TrainingArguments

    data, model, epochs, seen = rows(32, kind), tiny(kind), 2, []

    class Log(TrainerCallback):
        def on_log(self, args, state, control, logs=None, **_):
            seen.append((logs["loss"], logs["learning_rate"], logs["grad_norm"])) if "loss" in logs else None

    # Its loader gets the batches ready-made, in our order; all else is Trainer's own.
    batches = [
        data.batch(i) for e in range(epochs) for i in batch_order(data.lengths, batch_size=8, seed=1, epoch=e)
    ]
    arguments = TrainingArguments(
        output_dir=str(tmp_path), max_steps=len(batches) // accumulate, per_device_train_batch_size=1,
        gradient_accumulation_steps=accumulate, learning_rate=1e-3, weight_decay=0.1,
        lr_scheduler_type=schedule, warmup_steps=0, logging_steps=1, save_strategy="no", report_to=[],
        disable_tqdm=True, use_cpu=True,
        train_sampling_strategy="sequential", dataloader_pin_memory=False,
    )  # fmt: skip
    Trainer(
        model, arguments, train_dataset=batches, data_collator=lambda ready: ready[0], callbacks=[Log()]
    ).train()

    ours = tiny(kind)
    config = TrainConfig(epochs=epochs, batch_size=8, accumulate=accumulate, learning_rate=1e-3,
                         schedule=schedule, warmup_steps=0, weight_decay=0.1, seed=1)  # fmt: skip
    records = list(training_steps(ours, data, config))
    assert losses(records) == pytest.approx([loss for loss, _, _ in seen], rel=1e-5)
    assert [r.learning_rate for r in records] == pytest.approx([rate for _, rate, _ in seen])
    assert [r.grad_norm for r in records] == pytest.approx([norm for _, _, norm in seen], rel=1e-4)
    assert torch.allclose(weights(ours), weights(model), atol=1e-5)


# ---------------------------------------------------------------- best weights, early stopping, broken runs


class Scripted:
    """A validation metric that says what the test wants, and remembers the weights it was shown."""

    def __init__(self, model, *values):
        self.model, self.values, self.seen = model, list(values), []

    def __call__(self, logits, data):
        self.seen.append(weights(self.model))
        return {"score": self.values[len(self.seen) - 1]}


def test_best_weights_come_back():
    model, data = tiny(), rows(16)
    metric = Scripted(model, 0.1, 0.9, 0.9, 0.2)
    history = train(
        model, data, TrainConfig(epochs=4, batch_size=8, learning_rate=1e-2), validation=data, metric=metric
    )
    assert history.best.step == 4 and len(history.records) == 8
    assert torch.equal(weights(model), metric.seen[1]) and not torch.equal(weights(model), metric.seen[3])
    assert "best score 0.900 at step 4" in repr(history)


def test_an_evaluation_that_is_no_number_is_never_the_best():
    model, data = tiny(), rows(16)
    metric = Scripted(model, math.nan, 0.2, 0.1)
    history = train(
        model, data, TrainConfig(epochs=3, batch_size=8, learning_rate=1e-2), validation=data, metric=metric
    )
    assert history.best.step == 4 and torch.equal(weights(model), metric.seen[1])


def test_last_weights_stay_when_asked():
    model, data = tiny(), rows(16)
    metric = Scripted(model, 0.9, 0.1)
    config = TrainConfig(epochs=2, batch_size=8, learning_rate=1e-2, keep_best=False)
    train(model, data, config, validation=data, metric=metric)
    assert torch.equal(weights(model), metric.seen[1])


def test_early_stopping_counts_evaluations_without_a_better_one():
    model, data = tiny(), rows(16)
    config = TrainConfig(max_steps=50, batch_size=8, evaluate_every=3, patience=2)
    metric = Scripted(model, 0.5, 0.4, 0.6, 0.6, 0.6, 0.9)
    history = train(model, data, config, validation=data, metric=metric)
    assert len(history.records) == 15 and history.best.step == 9  # better at 9, as good at 12 and 15
    assert torch.equal(weights(model), metric.seen[2])


def test_less_loss_is_better():
    model, data = tiny(), rows(16)
    config = TrainConfig(epochs=6, batch_size=8, learning_rate=3e-3, watch="loss")
    history = train(model, data, config, validation=data)
    assert history.best.validation["loss"] == min(
        r.validation["loss"] for r in history.records if r.validation
    )
    assert evaluate(model, data)["loss"] == pytest.approx(history.best.validation["loss"], rel=1e-5)


def test_an_unknown_metric_to_watch_is_named():
    with pytest.raises(CourseError, match="watch='f1' is not among the validation metrics: loss, accuracy"):
        train(tiny(), rows(8), TrainConfig(epochs=1, watch="f1"), validation=rows(8))


def test_a_loss_that_is_no_number_stops_the_run_and_brings_sound_weights_back():
    model, data, kept = tiny(), rows(32), []

    def loss(model, batch):
        return loss_for("classification")(model, batch) * (math.nan if len(kept) == 10 else 1)

    config = TrainConfig(max_steps=20, batch_size=8, learning_rate=1e-3)  # four steps an epoch
    with pytest.raises(
        CourseError, match=r"loss became nan at step 11; the weights after step 8.*learning_rate=0.001"
    ):
        for _ in training_steps(model, data, config, loss=loss):
            kept.append(weights(model))
    assert torch.equal(weights(model), kept[7])
    assert not model.training and np.isfinite(predict_logits(model, data)).all()


def test_a_rate_far_too_high_ends_in_a_sentence_not_in_broken_weights():
    model = tiny()
    with pytest.raises(CourseError, match="became (nan|inf) at step"):
        train(
            model,
            rows(32),
            TrainConfig(max_steps=200, batch_size=8, learning_rate=1e30, warmup_steps=0, clip_norm=None),
        )
    assert torch.isfinite(weights(model)).all() and np.isfinite(predict_logits(model, rows(8))).all()


def test_a_model_broken_from_the_start_is_said_to_be():
    model = tiny()
    with torch.no_grad():
        next(model.parameters()).fill_(math.nan)
    with pytest.raises(CourseError, match="at step 1, before any update"):
        train(model, rows(8), TrainConfig(epochs=1))


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_a_consumer_that_breaks_off_leaves_a_usable_model(error):
    model, seen = tiny(dropout=0.3), []

    def stop(record):
        seen.append(weights(model))
        if record.step == 3:
            raise error

    with pytest.raises(error):
        train(model, rows(32), TrainConfig(epochs=9, batch_size=8), on_record=stop)
    assert torch.equal(weights(model), seen[2])  # the weights of that moment
    assert not model.training and all(parameter.grad is None for parameter in model.parameters())
    assert len(train(model, rows(32), TrainConfig(epochs=1, batch_size=8)).records) == 4


# ---------------------------------------------------------------- what is trained


def test_frozen_parts_stay_and_have_no_dropout():
    model = tiny(dropout=0.5)
    model.model.requires_grad_(False)
    before, modes = weights(model.model), []
    config = TrainConfig(epochs=1, batch_size=8, learning_rate=1e-2)
    for _ in training_steps(model, rows(32), config):
        modes.append((model.model.embeddings.drop.training, model.head.training))
    assert torch.equal(weights(model.model), before) and set(modes) == {(False, True)}
    model.requires_grad_(False)
    with pytest.raises(CourseError, match="nothing to train"):
        train(model, rows(8), config)


def test_groups_have_their_own_rates():
    """AdamW's first step moves each weight by its learning rate, whatever the size of its gradient."""
    model = tiny()
    before = model.head.dense.weight.clone(), model.classifier.weight.clone()
    groups = [{"params": model.head.parameters(), "lr_scale": 0.1}, {"params": model.classifier.parameters()}]
    config = TrainConfig(max_steps=1, batch_size=8, learning_rate=1e-3, warmup_steps=0, weight_decay=0.0)
    train(model, rows(8), config, parameter_groups=groups)
    moved = [(now - then).abs().max().item() for now, then in
             zip((model.head.dense.weight, model.classifier.weight), before, strict=True)]  # fmt: skip
    assert moved == pytest.approx([1e-4, 1e-3], rel=0.01)


def test_biases_and_norms_do_not_decay():
    decays = {
        p.ndim: g["weight_decay"]
        for g in make_optimizer(tiny(), TrainConfig(epochs=1)).param_groups
        for p in g["params"]
    }
    assert decays == {1: 0.0, 2: 0.01}


def test_layers_can_be_unfrozen_on_the_way():
    model = tiny()
    model.model.requires_grad_(False)
    first, changed = weights(model.model.layers[1]), []

    def unfreeze(step, model):
        if step == 3:
            model.model.layers[1].requires_grad_(True)

    config = TrainConfig(max_steps=4, batch_size=8, learning_rate=1e-2)
    for _ in training_steps(model, rows(16), config, before_step=unfreeze):
        changed.append(not torch.equal(weights(model.model.layers[1]), first))
    assert changed == [False, False, True, True]
    assert torch.equal(weights(model.model.layers[0]), weights(tiny().model.layers[0]))


class Features:
    """Not tokens but vectors: all that the loop asks of its data."""

    def __init__(self, n):
        self.vectors = torch.randn(n, 16, generator=torch.Generator().manual_seed(0))
        self.lengths = np.ones(n, dtype=np.int64)

    def __len__(self):
        return len(self.lengths)

    def batch(self, indices):
        vectors = self.vectors[indices]
        return {"vectors": vectors, "labels": (vectors[:, 0] > 0).long()}


class Head(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(16, 2)

    def forward(self, vectors):
        return type("Output", (), {"logits": self.linear(vectors)})


def test_anything_with_lengths_and_batches_can_be_trained():
    data, head = Features(256), Head()
    train(head, data, TrainConfig(epochs=20, batch_size=32, learning_rate=1e-2), validation=data)
    assert evaluate(head, data)["accuracy"] > 0.9
    assert predict_logits(head, data).shape == (256, 2)


# ---------------------------------------------------------------- evaluation and prediction


@pytest.mark.parametrize("kind", ["classification", "entities", "answers"])
@pytest.mark.parametrize("size", [{}, {"batch_size": 5}, {"token_budget": 40}])
def test_logits_come_in_the_order_of_the_rows(kind, size):
    data, model = rows(23, kind), tiny(kind)
    logits = predict_logits(model, data, **size)
    for i in range(len(data)):
        with torch.no_grad():
            output = model(torch.from_numpy(data.input_ids[data.offsets[i] : data.offsets[i + 1]])[None])
        if kind == "classification":
            expected, found = output.logits[0], logits[i]
        else:
            found = logits[data.offsets[i] : data.offsets[i + 1]]
            expected = (
                output.logits[0]
                if kind == "entities"
                else torch.stack([output.start_logits[0], output.end_logits[0]], -1)
            )
        assert np.allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("kind", list(HEADS))
def test_evaluation_is_a_mean_over_targets(kind):
    data, model = rows(17, kind), tiny(kind)
    values = evaluate(model, data, batch_size=4)
    batch = data.batch(np.arange(17))
    assert values["loss"] == pytest.approx(
        float(loss_for(kind)(model, batch).detach()) / count_targets(batch), rel=1e-5
    )
    if kind in ("classification", "entities"):
        scored = data.labels != IGNORED
        assert values["accuracy"] == pytest.approx(
            (predict_logits(model, data).argmax(-1) == data.labels)[scored].mean()
        )
    elif kind == "answers":
        logits = np.split(predict_logits(model, data), data.offsets[1:-1])
        assert values["accuracy"] == pytest.approx(
            np.mean([(row.argmax(0) == y).all() for row, y in zip(logits, data.labels, strict=True)])
        )
    else:
        assert list(values) == ["loss"]


def test_metrics_of_either_form():
    class Computes:
        def compute(self, predictions, references):
            return {"agreement": float(np.mean(np.asarray(predictions) == np.asarray(references)))}

    data, model = rows(17), tiny()
    accuracy = evaluate(model, data)["accuracy"]
    assert evaluate(model, data, metric=Computes())["agreement"] == pytest.approx(accuracy)
    assert evaluate(model, data, metric=lambda logits, rows: {"n": len(logits) + len(rows)})["n"] == 34
    with pytest.raises(CourseError, match="one label a row"):
        evaluate(tiny("entities"), rows(5, "entities"), metric=Computes())


def test_prediction_has_no_dropout_and_puts_modes_back():
    model = tiny(dropout=0.5).train()
    model.head.eval()
    data = rows(9)
    assert np.array_equal(predict_logits(model, data), predict_logits(model, data))
    assert model.training and model.model.training and not model.head.training


def test_no_rows_no_prediction():
    with pytest.raises(CourseError, match="no rows"):
        predict_logits(tiny(), rows(3).select([]))


# ---------------------------------------------------------------- settings


@pytest.mark.parametrize(
    "settings, message",
    [
        ({}, "how long to train: epochs=3, or max_steps=500"),
        ({"epochs": 1, "max_steps": 5}, "epochs=1 and max_steps=5 contradict"),
        ({"epochs": 1, "learning_rte": 1e-3}, "no setting 'learning_rte'; did you mean 'learning_rate'"),
        ({"epochs": 1, "qqq": 1}, "no setting 'qqq'; there are: epochs"),
        ({"epochs": 0}, "epochs=0 must be a whole number, 1 or more"),
        ({"epochs": 2.5}, "epochs=2.5 must be a whole number"),
        ({"epochs": True}, "epochs=True must be a whole number"),
        ({"epochs": 1, "batch_size": 8, "token_budget": 99}, "batch_size=8 and token_budget=99 contradict"),
        ({"epochs": 1, "accumulate": 0}, "accumulate=0"),
        ({"epochs": 1, "accumulate": None}, "accumulate=None"),
        ({"epochs": 1, "learning_rate": "5e-5"}, "learning_rate='5e-5' must be a number"),
        ({"epochs": 1, "learning_rate": 0}, "learning_rate=0 trains nothing"),
        ({"epochs": 1, "learning_rate": math.nan}, "learning_rate=nan must be a number"),
        ({"epochs": 1, "schedule": "cosin"}, r"schedule='cosin' must be one of .* \(did you mean 'cosine'"),
        ({"epochs": 1, "precision": "fp8"}, "precision='fp8' must be one of"),
        (
            {"epochs": 1, "warmup_steps": 1, "warmup_share": 0.1},
            "warmup_steps=1 and warmup_share=0.1 contradict",
        ),
        ({"max_steps": 5, "warmup_steps": 5}, "warmup_steps=5 must be below max_steps=5"),
        ({"epochs": 1, "warmup_share": 1.0}, "warmup_share=1.0 must be a number from 0 to below 1"),
        ({"epochs": 1, "clip_norm": 0}, "clip_norm=0 would erase every gradient"),
        ({"epochs": 1, "clip_norm": -1}, "clip_norm=-1"),
        ({"epochs": 1, "label_smoothing": 1}, "label_smoothing=1"),
        ({"epochs": 1, "betas": (0.9,)}, "betas="),
        ({"epochs": 1, "patience": 0}, "patience=0"),
        ({"epochs": 1, "seed": None}, "seed=None"),
        ({"epochs": 1, "shuffle": "no"}, "shuffle='no' must be True or False"),
    ],
)
def test_settings_that_cannot_be(settings, message):
    with pytest.raises(CourseError, match=message):
        TrainConfig(**settings)


def test_settings_are_fixed_and_can_be_copied():
    config = TrainConfig(epochs=1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.epochs = 2
    assert dataclasses.replace(config, epochs=2).epochs == 2
    with pytest.raises(CourseError, match="did you mean 'epochs'"):
        dataclasses.replace(config, epoch=2)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"data": rows(3).select([])}, "no rows to train on"),
        (
            {"data": dataclasses.replace(rows(8), input_ids=rows(8).input_ids + 500)},
            r"token id \d+ but the model knows 200",
        ),
        ({"data": dataclasses.replace(rows(8), labels=np.full(8, 7))}, "label 7 but the model has 3 classes"),
        ({"data": dataclasses.replace(rows(8), labels=None)}, "no labels"),
        ({"config": TrainConfig(epochs=1, patience=2)}, "need validation rows"),
        ({"config": TrainConfig(epochs=1, precision="fp16")}, "needs a CUDA GPU"),
        ({"loss": "entity"}, "no loss for 'entity'"),
        (
            {"loss": loss_for("entities"), "config": TrainConfig(epochs=1, label_smoothing=0.1)},
            "label_smoothing=0.1",
        ),
    ],
)
def test_arguments_that_do_not_fit(arguments, message):
    if "fp16" in str(arguments) and torch.cuda.is_available():
        pytest.skip("there is a GPU, so fp16 is fine here")
    with pytest.raises(CourseError, match=message):
        train(tiny(), **({"data": rows(8), "config": TrainConfig(epochs=1)} | arguments))


# ---------------------------------------------------------------- precision and processes


def test_precision_can_change_from_run_to_run():
    results = {}
    for precision in ("fp32", "bf16", "auto"):
        model = tiny()
        results[precision] = losses(
            training_steps(model, rows(16), TrainConfig(epochs=2, batch_size=8, precision=precision))
        )
        assert all(parameter.dtype == torch.float32 for parameter in model.parameters())
    if not torch.cuda.is_available():
        assert results["auto"] == results["fp32"]
    assert results["bf16"] != results["fp32"] and results["bf16"] == pytest.approx(results["fp32"], rel=0.02)


SEVERAL = """
import os, sys
sys.path.insert(0, os.path.dirname({here!r}))  # this test module, for its tiny model and rows
import torch, test_training as t
data, model = t.rows(21), t.tiny()
model.model.layers[0].requires_grad_(False)
thaw = lambda step, model: model.model.layers[0].requires_grad_(step > 2)
config = t.TrainConfig(epochs=2, batch_size=4, accumulate=2, learning_rate=1e-3)
records = list(t.training_steps(model, data, config, validation=data, before_step=thaw))
if int(os.environ.get("RANK", 0)) == 0:
    total = float(t.weights(model).abs().sum())
    print(int(os.environ.get("WORLD_SIZE", 1)), *[f"{{r.loss:.7f}}" for r in records], f"{{total:.4f}}")
torch.distributed.is_initialized() and torch.distributed.destroy_process_group()
"""


def test_a_process_that_would_train_alone_is_refused(monkeypatch):
    """As when a program makes a PartialState() first, without saying that there is no GPU."""
    list(training_steps(tiny(), rows(8), TrainConfig(max_steps=1)))  # accelerate has looked: there is one process
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(CourseError, match="2 processes were started and this one would train alone"):
        next(training_steps(tiny(), rows(8), TrainConfig(max_steps=1)))


@pytest.mark.parametrize(("rank", "bars"), [("0", True), ("1", False)])
def test_only_the_first_process_of_a_machine_shows_a_bar(monkeypatch, capsys, rank, bars):
    monkeypatch.setenv("LOCAL_RANK", rank)
    train(tiny(), rows(8), TrainConfig(max_steps=1), progress=True)
    assert ("step" in capsys.readouterr().err) == bars


def test_the_number_of_processes_changes_nothing(tmp_path):
    """Two processes share every batch, one of them at times without a row, and still take the same steps."""
    script = tmp_path / "several.py"
    script.write_text(SEVERAL.format(here=os.path.abspath(__file__)))
    lines = []
    for launcher in ([], ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]):
        environment = os.environ | {
            "OMP_NUM_THREADS": "1",
            "CUDA_VISIBLE_DEVICES": "",
            "ACCELERATE_USE_CPU": "true",
        }
        process = subprocess.Popen(
            [sys.executable, *launcher, str(script)], env=environment, text=True, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        try:
            output, errors = process.communicate(timeout=300)
        finally:
            if process.poll() is None:  # the launcher's own processes, too
                os.killpg(process.pid, signal.SIGKILL)
        assert process.returncode == 0, errors[-2000:]
        lines.append([float(word) for word in output.split()])
    (one, *alone), (two, *together) = lines
    assert (one, two) == (1, 2) and len(alone) == 7
    assert together == pytest.approx(alone, rel=1e-5)
