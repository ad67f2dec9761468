"""Where memory runs out the step is taken again in smaller pieces, with the same result; precision by capability."""

import warnings
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from test_training import losses, rows, tiny, weights

from course_utils import devices, doctor
from course_utils.checkpointing import Checkpoints
from course_utils.devices import automatic_precision, memory_report, open_accelerator
from course_utils.errors import CourseError
from course_utils.models import layers_of
from course_utils.training import TrainConfig, train, training_steps

CONFIG = TrainConfig(epochs=2, batch_size=16, accumulate=2, learning_rate=1e-3)


class Small(torch.nn.Module):
    """A device with room for so many rows: more raise the error that a GPU raises, forwards or backwards."""

    def __init__(self, model, room, backwards=False, error=None):
        super().__init__()
        self.model, self.room, self.backwards, self.seen = model, room, backwards, []
        self.error = error or torch.OutOfMemoryError("CUDA out of memory.")

    def forward(self, **batch):
        rows = len(batch["input_ids"])
        self.seen.append(rows)
        output = self.model(**batch)
        if (
            rows > self.room and self.training and len(self.seen) > 1
        ):  # after a first batch, whose gradients are there
            if not self.backwards:
                raise self.error
            for logits in output.values():
                logits.register_hook(self._fail)
        return output

    def _fail(self, gradient):
        raise self.error


@pytest.mark.parametrize(
    "kind, backwards, room, found",
    [(kind, False, 8, [8]) for kind in ("classification", "entities", "answers", "masked_lm")]
    + [
        ("classification", True, 8, [8]),
        ("entities", True, 5, [8, 4]),
        ("classification", False, 1, [8, 4, 2, 1]),
    ],
)
def test_the_losses_are_those_of_a_run_with_room(kind, backwards, room, found):
    data = rows(48, kind, longest=12)
    expected = train(tiny(kind), data, CONFIG, loss=kind)
    small = Small(tiny(kind), room, backwards)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        history = train(small, data, CONFIG, loss=kind)
    assert losses(history.records) == pytest.approx(losses(expected.records), rel=1e-6)
    assert [r.grad_norm for r in history.records] == pytest.approx(
        [r.grad_norm for r in expected.records], rel=1e-4
    )
    assert [r.targets for r in history.records] == [r.targets for r in expected.records]
    for each, before, after in zip(
        said, [16, *found[:-1]], found, strict=True
    ):  # once for each size, not for each step
        assert f"Memory ran out with {before} rows at a time, so from now on {after} go" in str(each.message)
        assert "the same update to rounding" in str(each.message)
    first_fit = small.seen.index(found[-1])
    assert max(small.seen[first_fit:]) == found[-1]  # and remembered


def test_dropout_is_still_repeatable():
    results = []
    for _ in range(2):
        small = Small(tiny(dropout=0.2), 4)
        with pytest.warns(UserWarning, match="dropout, if there is any, drops other units"):
            results.append(losses(train(small, rows(40), CONFIG).records))
    assert results[0] == results[1]


def test_a_resumed_run_knows_how_many_rows_fit(tmp_path):
    whole = Small(tiny(dropout=0.2), 4)
    with pytest.warns(UserWarning, match="Memory ran out"):
        expected = train(whole, rows(40), CONFIG)
    with pytest.warns(UserWarning, match="Memory ran out"):
        records = training_steps(
            Small(tiny(dropout=0.2), 4), rows(40), CONFIG, checkpoints=Checkpoints(tmp_path, every=1)
        )
        next(records), records.close()
    again = Small(tiny(dropout=0.2), 4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        history = train(again, rows(40), CONFIG, checkpoints=tmp_path, resume=True)
    assert losses(history.records) == losses(expected.records) and torch.equal(weights(again), weights(whole))


def test_one_row_that_does_not_fit_ends_in_a_sentence():
    model = Small(tiny(), 0)
    before = weights(model)
    with (
        warnings.catch_warnings(),
        pytest.raises(CourseError, match=r"a single row of shape \(\d+,\): set gradient_ch"),
    ):
        warnings.simplefilter("ignore")
        train(model, rows(40), CONFIG)
    assert torch.equal(weights(model), before) and not model.training
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("words", ["MPS backend out of memory", "DefaultCPUAllocator: can't allocate memory",
                                   "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling"])  # fmt: skip
def test_other_devices_say_it_in_their_own_words(words):
    with pytest.warns(UserWarning, match="Memory ran out with 16 rows"):
        train(Small(tiny(), 8, error=RuntimeError(words)), rows(40), CONFIG)


def test_other_errors_pass():
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        train(Small(tiny(), 8, error=RuntimeError("shapes cannot be multiplied")), rows(40), CONFIG)


def test_several_processes_do_not_wait_for_one_that_failed():
    crowd = SimpleNamespace(num_processes=2, process_index=1, device=torch.device("cpu"))
    with pytest.raises(CourseError, match="process 1 of 2: halve batch_size and double accumulate"):
        devices.RowsAtOnce(crowd)._halve(16, (16, 24))


# ---------------------------------------------------------------- activations computed twice


@pytest.mark.parametrize("family", ["ModernBert", "Bert"])
@pytest.mark.parametrize("frozen", [False, True])
def test_gradient_checkpointing_changes_no_loss(family, frozen):
    results, forwards = [], []
    for twice in (False, True):
        model = tiny(family=family, dropout=0.2)
        layers = layers_of(model)
        if frozen:
            layers[0].requires_grad_(False)
        calls = []
        inner = next(each for each in layers[1].modules() if isinstance(each, torch.nn.Linear))
        inner.register_forward_pre_hook(lambda *_, calls=calls: calls.append(1))
        history = train(model, rows(40), replace(CONFIG, gradient_checkpointing=twice))
        results.append((losses(history.records), weights(model)))
        forwards.append(len(calls))
        assert not any(getattr(module, "gradient_checkpointing", False) for module in model.modules())
    assert results[0][0] == results[1][0] and torch.equal(results[0][1], results[1][1])
    assert forwards[1] > forwards[0]  # it was done


def test_gradient_checkpointing_needs_a_model_that_knows_it():
    with pytest.raises(CourseError, match="gradient_checkpointing=True needs a model of `transformers`"):
        train(Small(tiny(), 99), rows(8), replace(CONFIG, gradient_checkpointing=True))


# ---------------------------------------------------------------- compiled


def test_compiling_is_asked_for_once_for_all_shapes(monkeypatch):
    """The compiling itself takes a minute: `test_gpu.py` does it."""
    asked = []
    monkeypatch.setattr(torch, "compile", lambda call, **how: asked.append(how) or call)
    plain, compiled = (train(tiny(), rows(40), replace(CONFIG, compile=each)) for each in (False, True))
    assert asked == [{"dynamic": True}] and losses(compiled.records) == losses(plain.records)


# ---------------------------------------------------------------- precision and report


def kind_of(model_type):
    model = tiny()
    model.config = SimpleNamespace(model_type=model_type)
    return model


@pytest.mark.parametrize("ampere, device, model_type, expected", [
    (True, "cuda", "bert", "bf16"), (True, "cuda", "t5", "bf16"), (False, "cuda", "bert", "fp16"),
    (False, "cuda", "t5", "fp32"), (False, "cuda", "mt5", "fp32"), (False, "cpu", "bert", "fp32"),
    (True, "mps", "bert", "fp32"),
])  # fmt: skip
def test_precision_by_capability(ampere, device, model_type, expected, monkeypatch):
    monkeypatch.setattr(
        torch.cuda, "is_bf16_supported", lambda including_emulation=True: ampere or including_emulation
    )
    assert automatic_precision(device, kind_of(model_type)) == expected


def test_doctor_and_loop_go_by_the_same_rule(monkeypatch):
    monkeypatch.setattr(devices, "automatic_precision", lambda device, model=None: "bf16")
    assert doctor.device_and_precision()[1] == "bf16"
    assert open_accelerator("auto", tiny()).mixed_precision == "bf16"


def test_t5_never_in_fp16():
    with pytest.raises(CourseError, match="activations of T5 overflow"):
        open_accelerator("fp16", kind_of("t5"))


def test_memory_is_reported():
    assert " at most " in memory_report() and "GB" in memory_report()
