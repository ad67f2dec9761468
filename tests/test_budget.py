"""Costs estimated from configurations: against published sizes, autograd, PyTorch's FLOP counter, and real memory."""

import subprocess

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from course_utils import budget
from course_utils.errors import CourseError
from course_utils.experiments import lesson_04
from course_utils.figures.budget import memory_bars, size_bars
from course_utils.widgets.budget import calculator

# Weights of the published checkpoints without heads (BERT and RoBERTa with their pooler).
PUBLISHED = {
    "BERT base": 109_482_240,
    "BERT large": 335_141_888,
    "RoBERTa base": 124_645_632,
    "DistilBERT": 66_362_880,
    "GPT-2": 124_439_808,
    "T5 small": 60_506_624,
    "T5 base": 222_903_552,
    "ModernBERT base": 149_014_272,
    "SmolLM2 135M": 134_515_008,
    "Llama 3.2 1B": 1_235_814_400,
}
DEPTH = {"GPT-2": ("n_layer",), "DistilBERT": ("n_layers",), "T5 small": ("num_layers", "num_decoder_layers")}


def shallow(name, layers):
    """A real model of the catalogue's width, with so few layers."""
    changes = dict.fromkeys(DEPTH.get(name, ("num_hidden_layers",)), layers)
    if budget.facts_of(name).config_class == "ModernBertConfig":
        changes["layer_types"] = ["full_attention"] * (layers - 1) + ["sliding_attention"]
    return budget.instantiate(name, real=True, **changes)


@pytest.mark.parametrize("name", PUBLISHED)
def test_true_sizes(name):
    assert budget.shape_of(name).parameters == PUBLISHED[name]


def test_the_catalogue_has_the_shape_of_the_shipped_encoder():
    config, facts = budget.config_of("mini-encoder"), budget.facts_of("mini-encoder")
    assert {key: getattr(config, key) for key in facts.settings} == facts.settings


def test_every_entry_names_its_source_and_licence():
    for facts in budget.CATALOGUE.values():
        assert facts.source and facts.licence and facts.objective and facts.tokenizer
        assert facts.architecture in ("encoder", "decoder", "encoder-decoder")


def test_meta_tensors_take_no_memory():
    assert all(p.is_meta for p in budget.instantiate("Llama 3.2 1B").parameters())


@pytest.mark.parametrize("name", ["DistilBERT", "GPT-2", "T5 small", "SmolLM2 135M", "mini-encoder"])
def test_activations_are_what_autograd_keeps(name):
    """By layer: the difference between three layers and two."""
    two, three = (budget.kept_for_backward(shallow(name, layers), 2, 96) for layers in (2, 3))
    per_layer = budget.activation_bytes(name, 2, 96) / budget.shape_of(name).layers
    layers = len(DEPTH.get(name, "1"))  # T5 grows on both sides
    assert layers * per_layer == pytest.approx(three - two, rel=0.03)


@pytest.mark.parametrize("name", ["DistilBERT", "ModernBERT base"])
def test_flops_are_what_pytorch_counts(name):
    model = budget.instantiate(name)
    ids = torch.zeros(2, 64, dtype=torch.long, device="meta")
    with FlopCounterMode(display=False) as counter:
        model(input_ids=ids)
    assert 128 * budget.forward_flops(name, 64) == pytest.approx(counter.get_total_flops(), rel=0.02)


def test_training_flops():
    forward = budget.forward_flops("BERT base", 64)
    by = {trains: budget.step_flops("BERT base", 64, trains=trains) / forward for trains in budget.TRAINS}
    assert by["full"] == 3 and by["LoRA"] == 2 and by["head"] == by["nothing"] == 1
    assert by["last 2 layers"] == pytest.approx(1 + 2 * 2 / 12)


def test_states_are_sixteen_bytes_a_weight():
    n = PUBLISHED["BERT base"]
    full, frozen = budget.memory("BERT base"), budget.memory("BERT base", trains="head")
    assert full.weights + full.gradients + full.moments == 16 * n
    assert frozen.weights == 4 * n and frozen.gradients == frozen.moments == frozen.activations == 0
    mixed = budget.memory("BERT base", precision="mixed")
    assert mixed.weights > full.weights and mixed.activations < full.activations
    assert full.peak < full.total and full.gib == full.peak / 2**30


def test_lora_counts_what_peft_adds():
    from course_utils.adaptation import add_lora

    model = add_lora(
        budget.instantiate("mini-encoder", "AutoModelForSequenceClassification", real=True), rank=4
    )
    added = sum(p.numel() for name, p in model.named_parameters() if "lora_" in name)
    assert budget.trained_parameters("mini-encoder", "LoRA", rank=4)[1] == added


def test_activations_grow_faster_than_the_length():
    kept = [budget.activation_bytes("BERT base", 1, length) for length in (128, 256)]
    assert kept[1] > 2 * kept[0]
    fused = [budget.activation_bytes("ModernBERT base", 1, length) for length in (128, 256)]
    assert fused[1] == 2 * fused[0]


def test_measured_peak_is_near_the_estimate():
    """The lesson says: at most a quarter below, and not more than a tenth above (DistilBERT: a claim)."""
    measured = budget.measure_peak("mini-encoder", batch=32, length=64)
    assert -0.25 <= budget.memory("mini-encoder", batch=32, length=64).peak / measured - 1 <= 0.10


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: budget.facts_of("BERT bse"), "did you mean 'BERT base'"),
        (lambda: budget.memory("GPT-2", trains="lora"), "LoRA"),
        (lambda: budget.memory("GPT-2", precision="fp8"), "precision 'fp8'"),
        (lambda: budget.memory("GPT-2", batch=0), "batch=0"),
        (lambda: budget.step_flops("GPT-2", trains="some"), "way of training 'some'"),
        (lambda: calculator("GPT-3", widget=False), "GPT-3"),
    ],
)
def test_bad_input_ends_in_one_sentence(call, says):
    with pytest.raises(CourseError, match=says):
        call()


def test_a_step_that_fails_in_its_process_is_reported(monkeypatch):
    failed = subprocess.CompletedProcess([], 1, stdout="", stderr="Traceback\nMemoryError: too much")
    monkeypatch.setattr(subprocess, "run", lambda *args, **options: failed)
    with pytest.raises(CourseError, match="failed in its own process .MemoryError: too much"):
        budget.measure_peak("mini-encoder")


def test_speed_is_positive():
    network = budget.instantiate("mini-encoder", real=True)
    assert budget.measure_speed(network, batch=1, length=8, repeat=1) > 0


# ---------------------------------------------------------------- figures and widget


def test_bars_add_up_and_say_so():
    estimate = budget.memory("BERT base")
    figure = memory_bars({"full": estimate}, limit=15)
    assert sum(trace.x[0] for trace in figure.data if trace.type == "bar") == pytest.approx(
        estimate.total / 2**30
    )
    assert (
        f"{estimate.gib:.2f} GiB" in figure.layout.meta["description"]
        and figure.layout.title.text == "1 of 1 fit"
    )


def test_sizes_are_split_into_what_is_multiplied_and_what_is_looked_up():
    figure = size_bars(["a", "b"], [3, 4], [1, 2], title="T")
    assert [(trace.name, list(trace.x)) for trace in figure.data] == [
        ("multiplied", [4, 3]),
        ("looked up", [2, 1]),
    ]
    assert "b 4 + 2" in figure.layout.meta["description"]


@pytest.mark.parametrize(("batch", "verdict"), [(1, "fits into"), (64, "does not fit into")])
def test_calculator_says_whether_it_fits(batch, verdict):
    assert verdict in calculator("BERT large", batch=batch, length=512, widget=False).layout.title.text


def test_calculator_moves():
    panel = calculator("BERT base")
    *parts, live = panel.children
    before = live.layout.title.text
    next(part for part in parts if part.description == "model").value = "Llama 3.2 1B"
    assert live.layout.title.text != before and "does not fit" in live.layout.title.text


# ---------------------------------------------------------------- distillation


def test_soft_loss_is_least_where_the_student_agrees():
    class Student(torch.nn.Module):
        def __init__(self, logits):
            super().__init__()
            self.values = logits

        def forward(self, input_ids):
            from types import SimpleNamespace

            return SimpleNamespace(logits=self.values)

    teacher = torch.tensor([[2.0, -1.0], [0.0, 1.0]])
    batch = {"input_ids": torch.zeros(2, 3), "labels": torch.zeros(2), "teacher_logits": teacher}
    agrees, differs = (lesson_04.soft_loss(Student(logits), dict(batch)) for logits in (teacher, -teacher))
    assert agrees < differs
    entropy = -(teacher / 2).softmax(-1).mul((teacher / 2).log_softmax(-1)).sum() * 4
    assert torch.allclose(agrees, entropy)


def test_unlabelled_sentences_repeat_and_are_short():
    sentences = lesson_04.unlabelled_sentences(50, seed=1)
    assert sentences == lesson_04.unlabelled_sentences(50, seed=1) and len(sentences) == 50
    assert all(5 <= len(sentence.split()) <= 16 for sentence in sentences)


def test_soft_rows_follow_their_indices():
    rows = lesson_04.encoded_sentences(lesson_04.unlabelled_sentences(6))
    soft = lesson_04.SoftRows(rows, np.arange(12).reshape(6, 2))
    batch = soft.batch(np.array([4, 1]))
    assert batch["teacher_logits"].tolist() == [[8, 9], [2, 3]] and len(batch["input_ids"]) == 2 == len(
        batch["labels"]
    )
