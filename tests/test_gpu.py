"""What only a CUDA GPU can show: precisions, real lack of memory, resuming there. Skipped without one."""

import json
import warnings
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch
from test_training import losses, rows, tiny, weights

from course_utils.checkpointing import Checkpoints
from course_utils.devices import automatic_precision, memory_report, to_device
from course_utils.errors import CourseError
from course_utils.training import TrainConfig, evaluate, train, training_steps

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU"),
]

PRECISIONS = ["fp32", "bf16", "fp16"]
CONFIG = TrainConfig(epochs=4, batch_size=8, learning_rate=3e-3)


def needs(precision):
    if precision == "bf16" and not torch.cuda.is_bf16_supported(including_emulation=False):
        pytest.skip("this GPU does not compute in bf16")


@pytest.mark.parametrize("family", ["ModernBert", "Bert"])
@pytest.mark.parametrize("precision", [*PRECISIONS, "auto"])
def test_one_batch_overfits_in_every_precision(precision, family):
    needs(precision)
    data, model = rows(8, longest=10), tiny(family=family)
    config = TrainConfig(
        max_steps=120, batch_size=8, learning_rate=1e-2, weight_decay=0.0, precision=precision
    )
    history = train(model, data, config)
    assert history.records[-1].loss < 0.1 * history.records[0].loss
    assert evaluate(model, data)["accuracy"] == 1
    assert all(p.dtype == torch.float32 and p.is_cuda for p in model.parameters())


@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_first_loss_is_that_of_the_cpu(precision):
    needs(precision)
    data = rows(8)
    with torch.no_grad():
        on_cpu = tiny()(**data.batch(np.arange(8))).loss.item()
    first = next(training_steps(tiny(), data, replace(CONFIG, precision=precision)))
    assert first.loss == pytest.approx(on_cpu, rel=1e-5 if precision == "fp32" else 0.02)


def test_t5_is_never_trained_in_fp16():
    from transformers import T5Config, T5ForConditionalGeneration

    model = T5ForConditionalGeneration(
        T5Config(vocab_size=50, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2)
    )
    assert automatic_precision("cuda", model) in ("bf16", "fp32")
    with pytest.raises(CourseError, match="T5 overflow"):
        train(model, rows(8), replace(CONFIG, precision="fp16"))


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_run_resumed_on_the_gpu_goes_on(precision, tmp_path):
    """Not bit for bit: some CUDA kernels add in another order each time."""
    needs(precision)
    data, config = rows(32), replace(CONFIG, precision=precision)
    expected = train(tiny(dropout=0.1), data, config)
    first = training_steps(tiny(dropout=0.1), data, config, checkpoints=Checkpoints(tmp_path, every=2))
    assert len(list(islice(first, 7))) == 7
    saved = json.loads((tmp_path / "step-00000006" / "state.json").read_text())
    assert (saved["state"]["scaler"] is not None) == (precision == "fp16")
    again = tiny(dropout=0.1)
    history = train(again, data, config, checkpoints=tmp_path, resume=True)
    assert losses(history.records) == pytest.approx(losses(expected.records), rel=0.1)
    assert next(again.parameters()).is_cuda


def test_dropout_is_repeated_after_a_break(tmp_path):
    """The step after the break has the loss of the unbroken run, so the GPU's masks are the same."""
    data, config = rows(32), replace(CONFIG, precision="fp32")
    unbroken = losses(islice(training_steps(tiny(dropout=0.3), data, config), 5))
    list(
        islice(training_steps(tiny(dropout=0.3), data, config, checkpoints=Checkpoints(tmp_path, every=4)), 4)
    )
    resumed = losses(
        islice(training_steps(tiny(dropout=0.3), data, config, checkpoints=tmp_path, resume=True), 5)
    )
    assert resumed == pytest.approx(unbroken, rel=1e-4)


class Hungry(torch.nn.Module):
    """A classifier that keeps 64 MB a row for the backward pass."""

    def __init__(self):
        super().__init__()
        self.inside, self.scale = tiny(), torch.nn.Parameter(torch.ones(()))

    def forward(self, **batch):
        output = self.inside(**batch)
        if self.training:
            ballast = torch.zeros(len(batch["input_ids"]), 2**24, device=output.logits.device)
            output.logits = output.logits + (ballast * self.scale).mul(self.scale).mean(dim=1, keepdim=True)
        return output


@pytest.fixture
def little_memory():
    """One and a half GB for this process, however large the GPU is."""
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(1.5 * 2**30 / total)
    yield
    torch.cuda.set_per_process_memory_fraction(1.0)
    torch.cuda.empty_cache()


def test_real_lack_of_memory_is_survived(little_memory):
    data, config = rows(64), TrainConfig(epochs=2, batch_size=32, learning_rate=1e-3, precision="fp32")
    model = Hungry()
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        history = train(model, data, config)
    told = [str(each.message) for each in said if "Memory ran out" in str(each.message)]
    assert told and "Memory ran out with 32 rows at a time, so from now on 16" in told[0]
    assert torch.cuda.max_memory_allocated() < 1.5 * 2**30
    expected = train(tiny(), data, config)  # the ballast adds nothing
    assert losses(history.records) == pytest.approx(losses(expected.records), rel=1e-4)
    assert np.isfinite(evaluate(model, data)["loss"]) and torch.isfinite(weights(model)).all()


def test_gradient_checkpointing_needs_less_memory():
    from transformers import BertConfig, BertForSequenceClassification

    shape = BertConfig(vocab_size=200, hidden_size=64, intermediate_size=256, num_hidden_layers=8,
                       num_attention_heads=2, max_position_embeddings=64, num_labels=3)  # fmt: skip
    peaks, found = [], []
    for twice in (False, True):
        config = TrainConfig(
            max_steps=2, batch_size=512, learning_rate=1e-3, precision="fp32", gradient_checkpointing=twice
        )
        torch.manual_seed(0)
        found.append(
            losses(
                train(
                    BertForSequenceClassification(shape), rows(512, shortest=60, longest=60), config
                ).records
            )
        )
        peaks.append(torch.cuda.max_memory_allocated())
    assert peaks[1] < 0.8 * peaks[0] and found[1] == pytest.approx(found[0], rel=1e-4)
    assert "GPU memory: tensors held at most" in memory_report()


def test_a_compiled_run_has_the_same_losses():
    pytest.importorskip("triton")
    plain, compiled = (
        losses(train(tiny(family="Bert"), rows(40), replace(CONFIG, precision="fp32", compile=each)).records)
        for each in (False, True)
    )
    assert compiled == pytest.approx(plain, rel=1e-2) and compiled[0] == pytest.approx(plain[0], rel=1e-4)


def test_batches_arrive_whole():
    data = rows(64)
    for start in range(0, 64, 8):
        batch = data.batch(np.arange(start, start + 8))
        there = to_device(batch, torch.device("cuda"))
        assert all(torch.equal(there[name].cpu(), batch[name]) and there[name].is_cuda for name in batch)
