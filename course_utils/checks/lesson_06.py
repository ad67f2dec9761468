"""Exercises of lesson 06, full fine-tuning: the steps of a loop that are easy to get almost right.

Results are compared with what each usual mistake would give; a model and an optimizer note in a journal when,
and in what state, they were called (`checks/witnesses.py`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from course_utils.checks import Check, Mistake
from course_utils.checks.witnesses import Suspect, draw_weights, same, told_apart

if TYPE_CHECKING:
    import pandas as pd

Labelled = tuple[dict[str, torch.Tensor], torch.Tensor]  # a batch of inputs, and its labels (batch,)


# A mistake reads best as its four parts, on as few lines as they need:
# fmt: off
# ---------------------------------------------------------------- models, optimizers, batches


class TinyClassifier(nn.Module):
    """The lesson's interface with 86 weights: the mean of the words' vectors, dropout, a linear head.

    Every call is noted in `journal`, for checks to read: an exercise need not look at it.
    """

    def __init__(self, vocabulary: int = 40, width: int = 2, dropout: float = 0.0, seed: int = 0) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width, 2)
        draw_weights(self, seed)
        self.journal: list[SimpleNamespace] = []
        self.head.bias.register_post_accumulate_grad_hook(lambda _: self.note("backward"))

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> SimpleNamespace:
        """(batch, time) token ids and mask → `.logits` (batch, 2)."""
        self.note("forward", rows=len(input_ids), training=self.training, grad=torch.is_grad_enabled())
        return SimpleNamespace(logits=self.logits(input_ids, attention_mask))

    def logits(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        mask = attention_mask[..., None].float()
        mean = (self.embedding(input_ids) * mask).sum(1) / mask.sum(1)  # (batch, width)
        return self.head(self.dropout(mean))

    def note(self, event: str, **details: Any) -> None:
        self.journal.append(SimpleNamespace(event=event, **details))

    def zero_grad(self, set_to_none: bool = True) -> None:
        self.note("zero", norm=_length(_gradient(self)))
        super().zero_grad(set_to_none)


class _WitnessSGD(torch.optim.SGD):
    """Notes at each update the rate and the gradient that it was given."""

    def __init__(self, model: TinyClassifier) -> None:
        super().__init__(model.parameters(), lr=1e-3)
        self.model = model

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        rates = [group["lr"] for group in self.param_groups]
        self.model.note("step", rates=rates, gradient=_gradient(self.model))
        super().step()

    def zero_grad(self, set_to_none: bool = True) -> None:
        self.model.note("zero", norm=_length(_gradient(self.model)))
        super().zero_grad(set_to_none)


def _gradient(model: nn.Module) -> torch.Tensor | None:
    """All gradients as one vector; None where there is none."""
    gradients = [parameter.grad for parameter in model.parameters()]
    there = [gradient.flatten() for gradient in gradients if gradient is not None]
    return torch.cat(there) if len(there) == len(gradients) else None


def _length(gradient: torch.Tensor | None) -> float:
    return 0.0 if gradient is None else float(gradient.norm())


def _true_gradient(
    model: TinyClassifier, batches: Sequence[Labelled], reduction: str = "mean"
) -> torch.Tensor:
    """The specification: the gradient of one loss over the rows of all batches."""
    logits = torch.cat([model.logits(**batch) for batch, _ in batches])
    loss = cross_entropy(logits, torch.cat([labels for _, labels in batches]), reduction=reduction)
    return torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(model.parameters()))])


def _batches(*sizes: int, seed: int = 0, unlabelled: float = 0.0) -> list[Labelled]:
    """Random batches of so many rows; the time axis differs, as it does in padded batches."""
    random = np.random.default_rng(seed)
    made = []
    for i, rows in enumerate(sizes):
        lengths, time = random.integers(3, 6, rows), 6 + i
        mask = torch.from_numpy((np.arange(time) < lengths[:, None]).astype(np.int64))
        labels = torch.from_numpy(random.integers(0, 2, rows))
        labels[torch.from_numpy(random.random(rows) < unlabelled)] = -100
        input_ids = torch.from_numpy(random.integers(0, 40, (rows, time)))
        made.append(({"input_ids": input_ids, "attention_mask": mask}, labels))
    return made


def _misread(answer: Callable[..., Any], *args: Any) -> Mistake | None:
    """Call the answer once: does it misread the interface (inputs by name, `.logits` out)?"""
    try:
        answer(*args)
    except (TypeError, AttributeError) as error:
        said = str(error)
        seen = f"{type(error).__name__}: {said}"
        if "SimpleNamespace" in said:  # what the model returns was used as if it were the logits
            return Mistake(
                "no logits", seen,
                "the model returns an object with all its outputs, not a tensor; the logits are in `.logits`",
                "Take `.logits` of what the model returns.",
            )
        if any(sign in said for sign in ("'attention_mask'", "not dict", "string indices")):
            return Mistake(
                "not unpacked", seen,
                "the model takes `input_ids` and `attention_mask` by name; here it did not get each as such",
                "Unpack the dictionary with `**batch`.",
            )
        raise
    return None


# ---------------------------------------------------------------- 06.1

learning_rate = Check(
    "06.1",
    "The learning rate of a step",
    hints=(
        (
            "Draw it first: a straight line up, a straight line down. At which step is each line at zero, "
            "and at which do they meet?"
        ),
        (
            "The way up is zero at step 0, before the run. The way down is zero at step `steps + 1`, after "
            "it. They meet at step `warmup`."
        ),
        (
            "Up: the share `step / warmup` of the peak. Down: the steps that are left, `steps + 1 - step`, "
            "as a share of all that the way down has, `steps + 1 - warmup`."
        ),
    ),
)


def _rates(answer: Callable[..., float], steps: int = 8, warmup: int = 4, peak: float = 1.0) -> list[float]:
    return [float(answer(step, steps, warmup, peak)) for step in range(1, steps + 1)]


def _listed(rates: Sequence[float]) -> str:
    return ", ".join(f"{rate:.3g}" for rate in rates)


@learning_rate.probe
def it_rises(answer):
    """0.25, 0.5, 0.75, 1: every step of warm-up trains, and the last of them at the peak."""
    rates = _rates(answer)
    seen = f"with 8 steps, 4 of warm-up and a peak of 1, your rates are {_listed(rates)}"
    if same(rates[:3], [0, 0, 0]):
        return Mistake(
            "whole-number division", f"{seen}: nothing at all until the peak",
            "`//` divides and drops the remainder, so every share below one becomes 0", "Divide with `/`.",
        )
    if rates[0] == 0:
        return Mistake(
            "counts from zero", f"{seen}: the first is 0",
            "the line counts steps from 0, but the loop calls its first step 1; a whole batch is read and "
            "nothing is learnt from it",
            "At step 1 one step of warm-up is already due: what share of the peak is that?",
        )
    if same(rates[:3], [0.5, 0.75, 1.0]):
        return Mistake(
            "a step ahead", f"{seen}: the first is already what the second should be",
            "`step + 1`, as in a loop whose steps are counted from 0; here the first is 1",
            "Put step = 1 into your way up. It should give a quarter of the peak.",
        )
    if max(rates) > 1 + 1e-6:
        return Mistake(
            "above the peak", f"{seen}: the highest is {max(rates):.3g}",
            "one of the two lines is used beyond the step at which they meet",
            "Look at the condition that chooses between them, and try the step just before and after it.",
        )
    if rates[0] >= max(rates) - 1e-6:
        return Mistake(
            "no warm-up", f"{seen}: the first is the highest",
            "the way down is used from the first step on, or the condition for the way up never holds",
            "Call your function with step 1 and print which branch it takes.",
        )
    if max(rates) < 1 - 1e-6:
        return Mistake(
            "peak never reached", f"{seen}: the highest is {max(rates):.3g}, below the peak",
            "the way down already lowers the rate during warm-up, or warm-up is divided by too much",
            "At step 4, the last of warm-up, your rate should be the peak itself. Work out that one by hand.",
        )
    if not same(rates[3], 1.0):
        return Mistake(
            "peak too late", f"{seen}: the peak comes at step {rates.index(max(rates)) + 1}, not at step 4",
            "an off-by-one: the last step of warm-up is taken for one more step before the peak",
            "Put step = warmup into your way up. The result should be the peak.",
        )
    return told_apart(
        rates[:4], [0.25, 0.5, 0.75, 1.0], seen, [],
        "On the way up, four equal strides lead from 0 to the peak. Compare step by step.",
    )


@learning_rate.probe
def it_falls(answer):
    """0.8, 0.6, 0.4, 0.2: equal strides, and the last step still trains."""
    rates = _rates(answer)[3:]
    drops = -np.diff(rates)
    seen = f"with 8 steps, 4 of warm-up and a peak of 1, the rates from step 4 on are {_listed(rates)}"
    if same(rates, [1.0] * 5):
        return Mistake(
            "never falls", seen, "after warm-up the peak is returned as it is",
            "Multiply it by the share of the way down that is still left.",
        )
    if same(rates[1], 1.0):
        return Mistake(
            "peak twice", f"{seen}: steps 4 and 5 both have the peak",
            "an off-by-one: the way down begins one step late, so its strides are too long",
            "The two lines meet at step `warmup`. Put that step into your way down: it should give the peak.",
        )
    if drops[0] > 1.5 * drops[1]:
        return Mistake(
            "decays from step 1", f"{seen}: a leap of {drops[0]:.2g} and then strides of {drops[1]:.2g}",
            "the way down is measured over all steps, as if it had begun with step 1",
            "Measure it from the peak: how many steps from there to step `steps + 1`?",
        )
    if same(rates[-1], 0):
        return Mistake(
            "last step at zero", f"{seen}: the last is 0",
            "the line reaches zero at the last step, which then changes no weight",
            "Let zero come one step after the last.",
        )
    return told_apart(
        rates, [1.0, 0.8, 0.6, 0.4, 0.2], seen, [],
        "From the peak at step 4, five equal strides lead to zero at step 9. Compare step by step.",
    )


@learning_rate.probe
def any_peak_and_length(answer):
    """Two straight lines, for other numbers too."""
    rates = _rates(answer, steps=96, warmup=10, peak=5e-4)
    lines = np.interp(range(1, 97), [0, 10, 97], [0, 5e-4, 0])
    if max(rates) > 0.5:
        return Mistake(
            "peak ignored", f"with a peak of 0.0005 your highest rate is {max(rates):.3g}",
            "the share is returned without being multiplied by the peak, or the peak is a number typed in",
            "Multiply by `peak` in both branches.",
        )
    off = int(np.argmax(np.abs(np.array(rates) - lines))) + 1
    return told_apart(
        np.array(rates) * 1e4, lines * 1e4,
        f"with 96 steps, 10 of warm-up and a peak of 0.0005, step {off} gets {rates[off - 1]:.3g} "
        f"where the line is at {lines[off - 1]:.3g}",
        [], "Look for a number of the small example (8, 4 or 1) that is still in your function.",
    )


@learning_rate.probe
def without_warmup(answer):
    """warmup=0 is a setting, too: the rate falls from the first step."""
    try:
        rates = _rates(answer, warmup=0)
    except ZeroDivisionError:
        return Mistake(
            "divides by no warm-up", "a ZeroDivisionError with warmup=0",
            "the share `step / warmup` is worked out even when there is no warm-up",
            "Use the way up only while `step` is not beyond `warmup`.",
        )
    if min(rates) > 0 and (np.diff(rates) < 0).all() and rates[0] > 0.8:
        return None
    return Mistake(
        "wrong without warm-up", f"with 8 steps and warmup=0 your rates are {_listed(rates)}",
        "with nothing to warm up, the rate begins near the peak and falls at every step; yours does not",
        "Follow your function by hand with step 1 and warmup 0.",
    )


# ---------------------------------------------------------------- 06.2

one_step = Check(
    "06.2",
    "One step",
    seconds=60,  # the first optimizer of a session may load for many seconds on a busy machine
    hints=(
        (
            "Eight things, in this order: rate, batch, forward, loss, backward, clip, step, zero. The batch "
            "is given, so seven are left."
        ),
        (
            "`backward` fills the gradients, clipping shortens what `backward` filled, `step` uses it, "
            "`zero_grad` throws it away. Each needs the one before."
        ),
        (
            'The rate lives in `group["lr"]` for each `group` of `optimizer.param_groups`. The loss is '
            "`cross_entropy(model(**batch).logits, labels)`. Return `loss.item()`."
        ),
    ),
)


def _steep() -> TinyClassifier:
    """A model that is wrong with conviction, so that its gradient needs clipping."""
    model = TinyClassifier(seed=1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(4)
    return model


@one_step.probe
def returns_the_loss(answer):
    """A number: the mean loss of the batch before its update."""
    model, [(batch, labels)] = _steep(), _batches(8)
    logits = model.logits(**batch).detach()
    right = float(cross_entropy(logits, labels))
    again = _steep()
    if misread := _misread(answer, again, _WitnessSGD(again), batch, labels, 0.1):
        return misread
    got = answer(model, _WitnessSGD(model), batch, labels, 0.1)
    if isinstance(got, torch.Tensor) and got.requires_grad:
        return Mistake(
            "a tensor with its graph",
            f"a tensor of {float(got.detach()):.4f} that still requires a gradient",
            "the loss is returned as it came from `cross_entropy`; a list of such losses keeps every "
            "batch's activations in memory, and a long run dies of it",
            "Return the plain number that the tensor holds.",
        )
    after = float(cross_entropy(model.logits(**batch), labels).detach())
    return told_apart(
        got, right, f"{float(got):.4f} where the loss of this batch, before its update, is {right:.4f}",
        [
            Suspect(
                "softmax twice", cross_entropy(logits.softmax(-1), labels),
                "the logits went through a softmax before `cross_entropy`, which applies its own: the loss "
                "can then never come near zero, and learning is slow",
                "Give `cross_entropy` the logits as the model returns them.",
            ),
            Suspect(
                "a sum", right * 8,
                "the losses of the 8 rows are added up and not divided: the step grows with the batch",
                "Let `cross_entropy` take its mean, as it does by default.",
            ),
            Suspect(
                "loss after the update", after,
                "the loss is computed again after the optimizer's step: one forward pass more, and a curve "
                "that flatters",
                "Keep the loss that you called `backward` on.",
            ),
        ],
        "Compute `cross_entropy(model(**batch).logits, labels)` for one batch and compare.",
    )


@one_step.probe
def first_update(answer):
    """The update gets this batch's gradient, clipped, at the rate that was asked for."""
    model, [(batch, labels)] = _steep(), _batches(8)
    true = _true_gradient(model, [(batch, labels)])
    answer(model, _WitnessSGD(model), batch, labels, 0.1)
    events = [entry.event for entry in model.journal]
    said = " → ".join(events)
    if "backward" not in events:
        return Mistake(
            "no backward", f"the calls {said or 'none at all'}, and no gradient was ever computed",
            "`loss.backward()` is missing, so the optimizer has nothing to go by", "Call it after the loss.",
        )
    if "step" not in events:
        return Mistake(
            "no step", f"the calls {said}: the gradient is computed, the weights stay as they were",
            "`optimizer.step()` is missing: gradients alone change nothing",
            "Call it when the gradient is ready.",
        )
    if events.count("step") > 1:
        return Mistake(
            "two updates", f"the calls {said}: {events.count('step')} updates for one batch",
            "`optimizer.step()` stands twice, or in a loop", "One batch, one update.",
        )
    update = next(entry for entry in model.journal if entry.event == "step")
    if events.index("step") < events.index("backward"):
        return Mistake(
            "step before backward", f"the calls {said}: the optimizer moved before there was a gradient",
            "`optimizer.step()` stands above `loss.backward()`; each update then uses nothing, or the batch "
            "before",
            "First compute the gradient, then use it.",
        )
    if update.gradient is None or not update.gradient.any():
        return Mistake(
            "erased before the step", f"the calls {said}: at the step the gradient was gone",
            "`zero_grad()` stands between `backward()` and `step()`",
            "Throw the gradient away when it has been used, not before.",
        )
    if not same(update.rates, [0.1] * len(update.rates)):
        return Mistake(
            "rate not set", f"an update at rate {update.rates[0]:g}, where 0.1 was asked for",
            "the argument `rate` does not reach the optimizer, or reaches it after the update",
            'Before the update, set `group["lr"]` for every group in `optimizer.param_groups`.',
        )
    length, limit = _length(update.gradient), min(1.0, _length(true))
    if length > limit * 1.01 and same(update.gradient, true):
        left = [entry.norm for entry in model.journal[events.index("step") :] if entry.event == "zero"]
        left.append(_length(_gradient(model)))
        if 0 < next((norm for norm in left if norm), 0) < 1.01:
            return Mistake(
                "clip after the step",
                f"a gradient of length {length:.1f} at the step, and of length 1 after it",
                "clipping comes after the update, when it can no longer protect anything",
                "Shorten the gradient between `backward()` and `step()`.",
            )
        return Mistake(
            "not clipped", f"a gradient of length {length:.1f} at the step, where 1 is the limit",
            "`clip_grad_norm_` is missing, or stands above `backward()`, where there is nothing to shorten "
            "yet",
            "Call `torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)` when the gradient is there.",
        )
    return told_apart(
        update.gradient, true * limit / _length(true),
        f"a gradient of length {length:.3g} at the step, which is not this batch's, shortened to 1",
        [
            Suspect(
                "clipped by value", true.clamp(-1, 1),
                "`clip_grad_value_` cuts each number of the gradient to ±1 on its own, which also turns its "
                "direction",
                "Shorten the gradient as a whole: `clip_grad_norm_`.",
            ),
        ],
        "Check that the loss is the mean over this batch, and that clipping shortens the length to 1.0.",
    )


@one_step.probe
def second_update(answer):
    """Nothing of the first batch is left in the second batch's gradient."""
    model, (first, second) = _steep(), _batches(8, 8, seed=2)
    optimizer = _WitnessSGD(model)
    answer(model, optimizer, *first, 0.1)
    left = _length(_gradient(model))
    true = _true_gradient(model, [second])
    answer(model, optimizer, *second, 0.1)
    update = [entry for entry in model.journal if entry.event == "step"][1]
    right = true * min(1.0, 1 / _length(true))
    if left and not same(update.gradient, right):
        return Mistake(
            "gradients add up",
            f"after the first call a gradient of length {left:.2g} was still there, and the second update "
            "used both batches' gradients",
            "`backward()` adds to the gradient that it finds, and nothing empties it",
            "Empty the gradients once per step. Where in the step can that stand?",
        )
    return told_apart(
        update.gradient, right, "an update right for a first batch and wrong for a second", [],
        "Call your function twice on two batches and look at `model.head.weight.grad` in between.",
    )


# ---------------------------------------------------------------- 06.3

mean_loss = Check(
    "06.3",
    "The mean over unequal batches",
    hints=(
        "Four losses of 1 and one loss of 6: what is their mean? What is the mean of the two batches' means?",
        "Carry two numbers through the loop: the sum of losses so far, and the number of targets so far.",
        (
            '`cross_entropy(…, reduction="sum")` gives the sum over targets and leaves out -100. `(labels '
            "!= -100).sum()` counts them. Divide once, at the end."
        ),
    ),
)


def _scored(*sizes: int, unlabelled: float = 0.0) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Logits and labels; the last batch is predicted worst, so that ways of averaging differ."""
    made = []
    for i, (_, labels) in enumerate(_batches(*sizes, seed=3, unlabelled=unlabelled)):
        logits = torch.randn(len(labels), 2, generator=torch.Generator().manual_seed(i))
        logits[torch.arange(len(labels)), labels.clamp(min=0)] -= 2.0 * i
        made.append((logits, labels))
    return made


def _examine_mean(answer, batches, extra=lambda means, sums, rows, targets: []):
    sums = np.array([float(cross_entropy(*pair, reduction="sum")) for pair in batches])
    targets = np.array([int((labels != -100).sum()) for _, labels in batches])
    rows = np.array([len(labels) for _, labels in batches])
    right = sums.sum() / targets.sum()
    twice = [float(cross_entropy(logits.softmax(-1), labels, reduction="sum")) for logits, labels in batches]
    got = float(answer(batches))
    sizes = " and ".join(map(str, targets))
    if math.isnan(got):
        return Mistake(
            "not a number", f"nan for batches with {sizes} targets",
            "somewhere 0 is divided by 0: the mean over a batch that has no target at all",
            "Take sums in the loop and divide once, when all targets have been counted.",
        )
    means = sums / np.maximum(targets, 1)
    first = ("`return` stands inside the loop, so it ends after the first batch", "Return after the loop.")
    suspects = [
        *extra(means, sums, rows, targets),
        Suspect(
            "mean of batch means", means.mean(),
            "each batch's mean counts the same, so a row in a small batch weighs more than one in a large",
            "Let each target count once: add up losses and targets, and divide at the end.",
        ),
        Suspect(
            "not divided", sums.sum(), "the losses are added up and never divided",
            "Count the targets along the way and divide by them.",
        ),
        Suspect(
            "divided by the batches", sums.sum() / len(sums),
            "the sum over all targets is divided by the number of batches",
            "Divide by the number of targets.",
        ),
        Suspect(
            "means not divided", means.sum(), "the batches' means are added up and never divided",
            "A sum of means is no mean: add up losses and targets instead.",
        ),
        Suspect(
            "softmax twice", sum(twice) / targets.sum(),
            "the logits went through a softmax before `cross_entropy`, which applies its own",
            "Give `cross_entropy` the logits as they are.",
        ),
        Suspect("only the first batch", means[0], *first),
        Suspect("only the first batch", sums[0], *first),
        Suspect("only the first batch", sums[0] / len(sums), *first),
    ]
    return told_apart(
        got, right, f"{got:.4f} for batches with {sizes} targets, whose mean loss is {right:.4f}", suspects,
        "Try it on two batches whose losses you can add up by hand.",
    )


@mean_loss.probe
def a_small_last_batch(answer):
    """Every target weighs the same, in whichever batch it is."""
    return _examine_mean(answer, _scored(6, 2))


@mean_loss.probe
def rows_without_label(answer):
    """A label of -100 is no target: not in the sum, and not in the count."""
    return _examine_mean(
        answer, _scored(8, 7, unlabelled=0.4),
        lambda means, sums, rows, targets: [
            Suspect(
                "rows counted", sums.sum() / rows.sum(),
                "the sum leaves out rows labelled -100, as it should, but the count includes them",
                "Count only labels that are not -100.",
            ),
            Suspect(
                "weighted by rows", (means * rows).sum() / rows.sum(),
                "a batch's mean, which is over its targets, is multiplied by its rows, also those labelled "
                "-100",
                "Weigh each batch by its targets, or take sums from the start.",
            ),
        ],
    )


@mean_loss.probe
def a_batch_without_target(answer):
    """A batch in which no row is labelled changes nothing."""
    (logits, labels), other = _scored(3, 5)
    return _examine_mean(answer, [(logits, torch.full_like(labels, -100)), other])


# ---------------------------------------------------------------- 06.4

accumulate = Check(
    "06.4",
    "Four batches of 8, one gradient of 32",
    hints=(
        (
            "`backward()` adds to what is there. So the gradients add up by themselves; what must you do to "
            "each batch's loss so that the sum is the mean over all rows?"
        ),
        (
            "The gradient of a sum divided by n is the sum of the gradients divided by n. You need n, the "
            "targets of *all* batches, before the first `backward()`: the labels are there from the start."
        ),
        'For each batch: `cross_entropy(…, reduction="sum") / n`, then `backward()` at once, in the loop.',
    ),
)


def _examine_gradient(answer, batches: list[Labelled], shown: str) -> Mistake | None:
    model = TinyClassifier(seed=4)
    right = _true_gradient(model, batches)
    each = torch.stack([_true_gradient(model, [pair]) for pair in batches])
    targets = sum(int((labels != -100).sum()) for _, labels in batches)
    rows = sum(len(labels) for _, labels in batches)
    answer(model, batches)
    got = _gradient(model)
    events = [entry.event for entry in model.journal]
    if got is None or not got.any():
        erased = "backward" in events
        return Mistake(
            "gradient erased" if erased else "no backward",
            "no gradient in the model when your function ends",
            "the gradients are emptied after the last `backward()`"
            if erased else "`backward()` is never called",
            "Leave the gradients for the optimizer: whoever calls your function takes the step."
            if erased else "Call `backward()` on each batch's share of the loss.",
        )
    if events.count("backward") > 1:
        last = ("emptied in the loop", "the gradients are emptied inside the loop, before each `backward()`",
                "They are empty when your function is called. Let nothing empty them after that.")
    else:
        last = ("only the last batch", "`backward()` is called once, after the loop, on the last loss",
                "Every batch needs its own `backward()`, inside the loop.")
    suspects = [
        Suspect(
            "not divided", each.sum(0),
            "each batch's own mean goes into `backward()`, and the gradients add up: with n batches, n "
            "times too much, as if you had raised the learning rate",
            "What must each batch's loss be divided by, so that all together are one mean?",
        ),
        Suspect(
            "a sum of losses", right * targets, "each batch's summed loss goes into `backward()` as it is",
            "Divide it by the number of targets, of all batches together.",
        ),
        Suspect(
            "divided by the batches", each.mean(0),
            "each batch's mean is divided by the number of batches; that is right only as long as all "
            "batches have as many targets",
            "Take sums, and divide by the targets of all batches together.",
        ),
        Suspect(
            "rows counted", right * targets / rows,
            "rows labelled -100 are in the count, but not in the loss",
            "Count only labels that are not -100.",
        ),
        *(
            Suspect(last[0], value, *last[1:])
            for value in (
                each[-1], each[-1] / len(each), _true_gradient(model, batches[-1:], "sum") / targets,
            )
        ),
    ]
    same_way = float(got @ right) / (_length(got) * _length(right)) > 0.999
    return told_apart(
        got, right, f"for {shown}, a gradient of length {_length(got):.3g} where one large batch gives "
        f"{_length(right):.3g}" + ("" if same_way else ", and in another direction"), suspects,
        "Work with two batches of one row each, and compare with one batch of both.",
    )


@accumulate.probe
def four_equal_batches(answer):
    """Without unequal batches, the only question is the scale."""
    return _examine_gradient(answer, _batches(8, 8, 8, 8, seed=5), "4 batches of 8 rows")


@accumulate.probe
def unequal_targets(answer):
    """Batches with few targets weigh less."""
    return _examine_gradient(
        answer, _batches(8, 8, 8, 3, seed=6, unlabelled=0.4), "4 batches with unequal numbers of targets"
    )


@accumulate.probe
def one_batch_in_memory(answer):
    """The point of it all: at no time are the activations of more than one batch held."""
    model = TinyClassifier(seed=4)
    answer(model, _batches(8, 8, 8, 8, seed=5))
    forward = [entry for entry in model.journal if entry.event == "forward"]
    before = [entry.event for entry in model.journal].index("backward")
    said = " → ".join(entry.event for entry in model.journal)
    if max(entry.rows for entry in forward) > 8:
        return Mistake(
            "one big batch", f"a forward pass over {max(entry.rows for entry in forward)} rows",
            "the batches are joined into one: the right gradient, and the memory that you wanted to save",
            "Give the model one batch at a time.",
        )
    if sum(entry.event == "forward" for entry in model.journal[:before]) > 1:
        return Mistake(
            "all graphs at once", f"the right gradient, by the calls {said}",
            "the losses are added up before `backward()`, so the activations of all batches are held until "
            "then: no memory is saved",
            "Call `backward()` inside the loop, right after each batch's forward pass; it frees what the "
            "batch held.",
        )
    return None


# ---------------------------------------------------------------- 06.5

accuracy = Check(
    "06.5",
    "Evaluation done right",
    hints=(
        (
            "Three things come before the first batch: how the model behaves (dropout), what PyTorch "
            "records, and two counters."
        ),
        (
            "`model.eval()`, `torch.no_grad()`; in the loop, count right answers and rows; divide once, "
            "after it. The class of a row is the place of its largest logit: which axis are the classes on?"
        ),
        (
            "`logits.argmax(-1)` gives (batch,). Remember `model.training` before you change it, and at the "
            "end put it back with `model.train(was_training)`."
        ),
    ),
)


class _Scripted(nn.Module):
    """Gives the logits that the token ids spell, and notes the state in which it was called."""

    def __init__(self, table: list[list[float]]) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.tensor(table))
        self.journal: list[SimpleNamespace] = []

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> SimpleNamespace:
        self.journal.append(SimpleNamespace(training=self.training, grad=torch.is_grad_enabled()))
        return SimpleNamespace(logits=self.table[input_ids[:, 0]])


def _spelled(*batches: tuple[list[int], list[int]]) -> list[Labelled]:
    """Each batch: which line of the table each row gets, and the labels."""
    made = []
    for lines, labels in batches:
        input_ids = torch.tensor(lines)[:, None]  # (batch, 1)
        batch = {"input_ids": input_ids, "attention_mask": torch.ones_like(input_ids)}
        made.append((batch, torch.tensor(labels)))
    return made


@accuracy.probe
def one_batch(answer):
    """Two rows: the larger logit of each row decides."""
    model = _Scripted([[3.0, 1.0], [5.0, 0.0]])  # both rows say class 0; down the columns it would be 1, 0
    got = float(answer(model, _spelled(([0, 1], [0, 0]))))
    column = "the largest logit is looked for among the rows of the batch, not among the classes of a row"
    return told_apart(
        got, 1.0, f"{got:g} for two rows that are both right",
        [
            Suspect(
                "wrong axis", 0.5, column,
                "The logits are (batch, classes): take `argmax` over the last axis.",
            ),
            Suspect(
                "a count", 2.0, "the right answers are counted and not divided",
                "Divide by the number of rows.",
            ),
            Suspect(
                "a percentage", 100.0, "the share is multiplied by 100",
                "Return the share, between 0 and 1, as the course does everywhere.",
            ),
        ],
        "Print the logits, the `argmax` and the labels of one batch side by side.",
    )


@accuracy.probe
def unequal_sizes(answer):
    """4 of 4 right, then 0 of 1: that is .8, not .5."""
    model = _Scripted([[2.0, 0.0], [0.0, 2.0]])
    got = float(answer(model, _spelled(([0, 1, 0, 1], [0, 1, 0, 1]), ([1], [0]))))
    return told_apart(
        got, 0.8, f"{got:g} for a batch with 4 of 4 right and one with 0 of 1",
        [
            Suspect(
                "mean of batch accuracies", 0.5,
                "each batch's accuracy counts the same, so the only row of the last batch weighs as much as "
                "the four before",
                "Count right answers and rows over all batches, and divide once.",
            ),
            Suspect(
                "divided by the batches", 2.0, "the right answers are divided by the number of batches",
                "Divide by the number of rows.",
            ),
            Suspect(
                "only the last batch", 0.0, "a counter is set back inside the loop, or `return` stands in it",
                "Set the counters once, before the loop; return after it.",
            ),
            Suspect(
                "only the last batch", 1.0, "`return` stands inside the loop, so it ends after one batch",
                "Return after the loop.",
            ),
        ],
        "Two counters, one division: print both counters after each batch.",
    )


@accuracy.probe
def dropout_off(answer):
    """A model that has been training is switched to predicting, nothing is recorded, and it is switched "
    "back."""
    model, batches = _Scripted([[2.0, 0.0], [0.0, 2.0]]), _spelled(([0, 1], [0, 1]), ([1], [1]))
    model.train()
    answer(model, batches)
    if any(entry.training for entry in model.journal):
        return Mistake(
            "dropout left on", "a forward pass with the model in training mode",
            "nothing switches dropout off; part of the network is missing in every prediction, so the score "
            "is mostly too low and differs from one evaluation to the next",
            "Switch the model to evaluation mode before the first batch.",
        )
    if any(entry.grad for entry in model.journal):
        return Mistake(
            "gradients recorded",
            "a forward pass for which PyTorch recorded everything that `backward()` would need",
            "the loop runs outside `torch.no_grad()`; the score is right, but time and memory are wasted",
            "Put the loop into `with torch.no_grad():`.",
        )
    if not model.training:
        return Mistake(
            "left in evaluation mode", "a model that was training before, and in evaluation mode after",
            "nothing puts the mode back; evaluated once an epoch, the model would train on without dropout",
            "Remember `model.training` at the start, and restore it at the end.",
        )
    model.eval()
    answer(model, batches)
    if model.training:
        return Mistake(
            "left in training mode", "a model in evaluation mode before, and in training mode after",
            "`model.train()` at the end does not ask how the model came in; the next prediction would use "
            "dropout",
            "Restore the mode that you found: `model.train(…)` takes True or False.",
        )
    return None


# ---------------------------------------------------------------- 06.6

choose = Check(
    "06.6",
    "Choose on validation, report test once",
    hints=(
        "Which split may you ask as often as you like? Which one only when nothing is left to decide?",
        (
            "First decide: the setting with the highest validation score. Then, with that one setting, ask "
            "for test."
        ),
        '`max(settings, key=lambda setting: score(setting, "validation"))` is the whole decision.',
    ),
)


@choose.probe
def honest(answer):
    """The setting that validation likes best, its test score, and no second look at test."""
    settings = [1e-4, 5e-4, 2e-3, 1e-2]
    table = {
        "train": [0.84, 0.93, 0.97, 0.99],
        "validation": [0.79, 0.90, 0.87, 0.61],
        "test": [0.78, 0.85, 0.88, 0.60],
    }
    asked: list[str] = []

    def score(setting: float, split: str) -> float:
        asked.append(split)
        return table[split][settings.index(setting)]

    pair = answer(settings, score)
    if pair is not None and not (isinstance(pair, tuple | list) and len(pair) == 2):
        return Mistake(
            "not a pair", f"{pair!r}, one thing where two are asked for",
            "the choice is returned without its score, or the score without the choice",
            "End with `return best, …`: the setting, then the score to report for it.",
        )
    setting, reported = pair
    said = f"you choose {setting!r} and report {reported:g}"
    if setting not in settings:
        return Mistake(
            "not a setting", said,
            "the first thing returned is a score or a position in the list, not a setting",
            "Return the setting itself, then its test score.",
        )
    if setting == 2e-3:
        return Mistake(
            "chose on test", f"{said}; validation puts that setting second, test puts it first",
            "the settings were compared on test; the best of several test scores is partly luck, and the "
            "number no longer says how the model does on new rows",
            "Compare on validation. Test has no say in the choice.",
        )
    if setting != 5e-4:
        by_train = setting == 1e-2 and "train" in asked
        return Mistake(
            "chose on train" if by_train else "not the best", f"{said}; on validation, 0.0005 is best",
            "the settings were compared on the rows they were trained on, which favours learning by heart"
            if by_train else "the lowest score wins, or the comparison is not by validation score",
            "Compare on validation."
            if by_train else "For accuracy, more is better: take the highest on validation.",
        )
    if same(reported, 0.90):
        return Mistake(
            "reports validation", f"{said}, which is its score on validation",
            "the score that won is also the one reported; it won partly by luck, so it flatters",
            "Ask for the chosen setting's score on test, and report that.",
        )
    looks = asked.count("test")
    if not same(reported, 0.85):
        return Mistake(
            "another score", f"{said}; on test, that setting has 0.85",
            "the score belongs to another setting: perhaps the highest of all test scores",
            "Report the test score of the setting that you chose, whatever it is.",
        )
    if looks > 1:
        return Mistake(
            "peeked at test", f"{said}, both right, after {looks} looks at test",
            "test was scored for every setting. You did not use it this time; but you saw it, and next time "
            "a bad number will tempt you to choose again",
            "Ask for test once, after the choice.",
        )
    return None


@choose.probe
def the_first_of_equals(answer):
    """Any settings will do, not only numbers, and among equals the first."""
    scores = {"small": 0.7, "base": 0.8, "large": 0.8}
    setting, _ = answer(list(scores), lambda setting, split: scores[setting])
    if setting == "base":
        return None
    return Mistake(
        "not the first of equals", f"{setting!r} from the validation scores {scores}",
        "a later setting replaces one that is as good, or the list was sorted in another order",
        "Replace the best so far only by a better one; `max` does that by itself.",
    )


# ---------------------------------------------------------------- 06.7

diagnosis = Check(
    "06.7",
    "Four loss curves",
    hints=(
        (
            "Two kinds of guess have a known loss on two balanced classes: chance gives log 2, about 0.69. "
            "Which curve stays there, and which goes far above it?"
        ),
        (
            "Look at the rhythm. An epoch has 16 steps. Which curve repeats itself from epoch to epoch, and "
            "what would a model do that sees only negatives, then only positives?"
        ),
        (
            "Far above 0.69 and jumping: steps too long. Flat at 0.69: nothing to be learnt from these "
            "labels. Down, then a leap in the middle of each of the first epochs: rows in the order of their "
            "labels."
        ),
    ),
)

_CAUSES = {"A": "not shuffled", "B": "rate too high", "C": "sound", "D": "labels broken"}


def mystery_curves() -> dict[str, pd.DataFrame]:
    """Four real runs of `TinyClassifier` on 256 toy reviews, as `History.frame`; one of them is sound."""
    from course_utils.batching import EncodedRows
    from course_utils.runs import TrainConfig
    from course_utils.training import train

    random = np.random.default_rng(7)
    labels = np.arange(256) // 128  # in the order of a file: all negatives, then all positives
    words = random.integers(0, 20, (256, 8))  # of no opinion
    opinion = np.where(random.random((256, 4)) < 0.8, labels[:, None], 1 - labels[:, None])
    words[:, :4] = 20 + 10 * opinion + random.integers(0, 10, (256, 4))  # one in five misleads
    offsets = np.arange(0, 256 * 8 + 1, 8)
    sound = EncodedRows(words.ravel(), offsets, labels)
    broken = EncodedRows(words.ravel(), offsets, random.permutation(labels))
    frames = {}
    for letter, cause in _CAUSES.items():
        config = TrainConfig(
            epochs=5, batch_size=16, learning_rate=10.0 if cause == "rate too high" else 0.03,
            schedule="constant", shuffle=cause != "not shuffled", weight_decay=0.0,
        )
        rows = broken if cause == "labels broken" else sound
        frames[letter] = train(TinyClassifier(seed=8), rows, config, progress=False).frame
    return frames


def _spoken(answer: dict[str, str]) -> dict[str, str]:
    """The answer with curves in capitals and causes in small letters, as the list has them."""
    return {str(key).strip().upper(): str(cause).strip().lower() for key, cause in answer.items()}


@diagnosis.probe
def in_the_words_given(answer):
    """One of the four causes for each of the four curves; capitals do not matter."""
    answer = _spoken(answer)
    if set(answer) != set(_CAUSES):
        missing = ", ".join(sorted(set(_CAUSES) - set(answer))) or "none"
        return Mistake(
            "other curves", f"causes for {', '.join(answer) or 'no curve'}; missing: {missing}",
            "a curve has no cause yet, or there is one that was not asked for",
            "Give one cause to each of A, B, C and D.",
        )
    if unknown := [cause for cause in answer.values() if cause not in _CAUSES.values()]:
        return Mistake(
            "other words", f"the cause {', '.join(map(repr, unknown))}, which is not one of the four",
            "a cause is spelt otherwise than in the list",
            f"Choose from: {', '.join(sorted(_CAUSES.values()))}.",
        )
    if len(set(answer.values())) < 4:
        times = max(Counter(answer.values()).values())
        return Mistake(
            "a cause twice", f"causes {', '.join(answer.values())}",
            f"one cause is given to {'two' if times == 2 else 'several'} curves",
            "Each cause belongs to one curve. Begin with the one that you are surest of.",
        )
    return None


@diagnosis.probe
def each_curve(answer):
    """Told by level (log 2), by roughness and by rhythm; no letter or pair is named, which would solve it."""
    answer = _spoken(answer)

    def confused(*causes: str) -> bool:
        letters = [letter for letter, cause in _CAUSES.items() if cause in causes]
        return all(answer[letter] in causes and answer[letter] != _CAUSES[letter] for letter in letters)

    wrong = [letter for letter in sorted(_CAUSES) if answer[letter] != _CAUSES[letter]]
    seen = f"{4 - len(wrong)} of 4 right"
    if confused("rate too high", "labels broken"):
        return Mistake(
            "rate and labels", seen,
            "two of the runs end no better than chance, so their ends look alike",
            "Look at the height: a model that finds nothing to learn settles at log 2. What lifts a loss "
            "far above it?",
        )
    if confused("rate too high", "not shuffled"):
        return Mistake(
            "rate and order", seen,
            "two of the curves leap up again and again",
            "Which of the leaps come at regular intervals? What has that interval?",
        )
    if confused("not shuffled", "labels broken"):
        return Mistake(
            "order and labels", seen,
            "in two of the runs the data are at fault, and not the settings",
            "Rows in a bad order can still be learnt, for a while. Which curve comes far down, and goes up "
            "again?",
        )
    if answer["C"] != "sound":
        return Mistake(
            "missed the sound one", f"{seen}, and the sound run is not among them",
            "a sound curve need not be smooth: every batch has other rows",
            "Find the curve that comes down from epoch to epoch, and that no leap lifts up again.",
        )
    if wrong:
        return Mistake(
            "mixed up", f"{seen}, the sound run",
            "each of the three faults is given to another's curve",
            "Take one curve at a time: what would the model have to see for its loss to move like that?",
        )
    return None
