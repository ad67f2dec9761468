"""The exercises of lesson 06 answer back: on their own solutions, their stubs, and the usual mistakes."""

import re

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy
from torch.nn.utils import clip_grad_norm_, clip_grad_value_

from course_utils.checks import find_check, lesson_checks
from course_utils.checks.lesson_06 import _CAUSES, TinyClassifier, mystery_curves
from course_utils.checks.testing import answers, assert_recognises

SOLUTIONS, STUBS = answers("06", "solution"), answers("06", "exercise")


def rate(up, down, meet=lambda step, warmup: step <= warmup):
    """A schedule from two formulas in s (step), n (steps), w (warmup)."""
    return lambda s, n, w, peak: peak * (up(s, n, w) if meet(s, w) else down(s, n, w))


def up(s, n, w):
    return s / w


def down(s, n, w):
    return (n + 1 - s) / (n + 1 - w)


RATES = {
    "a step ahead": lambda s, n, w, peak: SOLUTIONS["06.1"](s + 1, n, w, peak),
    "counts from zero": rate(lambda s, n, w: (s - 1) / w, down),
    "whole-number division": rate(lambda s, n, w: s // w, down),
    "no warm-up": lambda s, n, w, peak: peak * (n + 1 - s) / n,
    "peak never reached": lambda s, n, w, peak: peak * min(s / w, 1) * (1 - s / n),
    "peak too late": rate(lambda s, n, w: s / (w + 1), lambda s, n, w: (n + 1 - s) / (n - w)),
    "above the peak": lambda s, n, w, peak: peak * s / w,
    "never falls": rate(up, lambda s, n, w: 1.0),
    "peak twice": rate(up, lambda s, n, w: (n + 1 - s) / (n - w)),
    "decays from step 1": rate(up, lambda s, n, w: 1 - s / n),
    "last step at zero": rate(up, lambda s, n, w: (n - s) / (n - w)),
    "peak ignored": lambda s, n, w, peak: up(s, n, w) if s <= w else down(s, n, w),
    "divides by no warm-up": lambda s, n, w, peak: peak * min(s / w, down(s, n, w)),
    "wrong without warm-up": lambda s, n, w, peak: 0.0 if not w else SOLUTIONS["06.1"](s, n, w, peak),
    "another value": lambda s, n, w, peak: SOLUTIONS["06.1"](s, n, 4, peak),
}


def step_of(
    *order, reduction="mean", given=lambda logits: logits, limit=1.0,
    result=lambda loss, again: loss.item(), call=lambda model, batch: model(**batch).logits,
    clip=clip_grad_norm_,
):  # fmt: skip
    """One step in another order, from the names of its parts."""

    def one_step(model, optimizer, batch, labels, rate):
        def compute():
            return cross_entropy(given(call(model, batch)), labels, reduction=reduction)

        def set_rate():
            for group in optimizer.param_groups:
                group["lr"] = rate

        loss = compute()
        parts = {
            "rate": set_rate,
            "backward": loss.backward,
            "clip": lambda: clip(model.parameters(), limit),
            "step": optimizer.step,
            "zero": optimizer.zero_grad,
        }
        for part in order:
            parts[part]()
        return result(loss, compute)

    return one_step


RIGHT = ("rate", "backward", "clip", "step", "zero")
STEPS = {
    "not unpacked": step_of(*RIGHT, call=lambda model, batch: model(batch).logits),
    "no logits": step_of(*RIGHT, call=lambda model, batch: model(**batch)),
    "clipped by value": step_of(*RIGHT, clip=clip_grad_value_),
    "a tensor with its graph": step_of(*RIGHT, result=lambda loss, again: loss),
    "softmax twice": step_of(*RIGHT, given=lambda logits: logits.softmax(-1)),
    "a sum": step_of(*RIGHT, reduction="sum"),
    "loss after the update": step_of(*RIGHT, result=lambda loss, again: again().item()),
    "no backward": step_of("rate", "clip", "step", "zero"),
    "no step": step_of("rate", "backward", "clip", "zero"),
    "two updates": step_of("rate", "backward", "clip", "step", "step", "zero"),
    "step before backward": step_of("rate", "step", "backward", "clip", "zero"),
    "erased before the step": step_of("rate", "backward", "zero", "clip", "step"),
    "rate not set": step_of("backward", "clip", "step", "rate", "zero"),
    "clip after the step": step_of("rate", "backward", "step", "clip", "zero"),
    "not clipped": step_of("rate", "clip", "backward", "step", "zero"),
    "gradients add up": step_of("rate", "backward", "clip", "step"),
    "another value": step_of(*RIGHT, limit=0.1),
}


def sums(batches):
    return [cross_entropy(*pair, reduction="sum").item() for pair in batches]


def means(batches):
    return [cross_entropy(*pair).item() for pair in batches]


def rows(batches):
    return [len(labels) for _, labels in batches]


def targets(batches):
    return [int((labels != -100).sum()) for _, labels in batches]


MEANS = {
    "only the first batch": lambda batches: means(batches)[0],
    "mean of batch means": lambda batches: np.mean(means(batches)),
    "not divided": lambda batches: sum(sums(batches)),
    "divided by the batches": lambda batches: sum(sums(batches)) / len(batches),
    "means not divided": lambda batches: sum(means(batches)),
    "rows counted": lambda batches: sum(sums(batches)) / sum(rows(batches)),
    "weighted by rows": lambda batches: np.dot(means(batches), rows(batches)) / sum(rows(batches)),
    "not a number": lambda batches: np.dot(means(batches), targets(batches)) / sum(targets(batches)),
    "softmax twice": lambda batches: SOLUTIONS["06.3"]([(logits.softmax(-1), y) for logits, y in batches]),
    "another value": lambda batches: 1.0,
}  # fmt: skip


def accumulated(share, reduction="mean", inside=lambda model: None, after=lambda model: None):
    """Accumulation in which `share(loss, batches)` goes into backward."""

    def accumulate(model, batches):
        for batch, labels in batches:
            inside(model)
            share(cross_entropy(model(**batch).logits, labels, reduction=reduction), batches).backward()
        after(model)

    return accumulate


def fair(loss, batches):
    return loss / sum(targets(batches))


def no_backward(model, batches):
    for batch, labels in batches:
        cross_entropy(model(**batch).logits, labels)


def all_graphs_at_once(model, batches):
    fair(sum(cross_entropy(model(**x).logits, y, reduction="sum") for x, y in batches), batches).backward()


def backward_after_the_loop(model, batches):
    for batch, labels in batches:
        loss = cross_entropy(model(**batch).logits, labels)
    loss.backward()


def one_big_batch(model, batches):
    time = max(batch["input_ids"].shape[1] for batch, _ in batches)
    joined = {
        name: torch.cat([torch.nn.functional.pad(x[name], (0, time - x[name].shape[1])) for x, _ in batches])
        for name in ("input_ids", "attention_mask")
    }
    cross_entropy(model(**joined).logits, torch.cat([labels for _, labels in batches])).backward()


ACCUMULATIONS = {
    "not divided": accumulated(lambda loss, batches: loss),
    "a sum of losses": accumulated(lambda loss, batches: loss, reduction="sum"),
    "divided by the batches": accumulated(lambda loss, batches: loss / len(batches)),
    "rows counted": accumulated(lambda loss, batches: loss / sum(rows(batches)), reduction="sum"),
    "only the last batch": backward_after_the_loop,
    "emptied in the loop": accumulated(fair, reduction="sum", inside=lambda model: model.zero_grad()),
    "gradient erased": accumulated(fair, reduction="sum", after=lambda model: model.zero_grad()),
    "no backward": no_backward,
    "all graphs at once": all_graphs_at_once,
    "one big batch": one_big_batch,
    "another value": accumulated(lambda loss, batches: -loss),
}


def scored(
    axis=-1, before=torch.nn.Module.eval, after=torch.nn.Module.train, recorded=False,
    result=lambda right, rows: sum(right) / sum(rows),
):  # fmt: skip
    """Evaluation from its parts; `after` gets the model and the mode that it was in."""

    def accuracy(model, batches):
        mode, right, rows = model.training, [], []
        before(model)
        with torch.set_grad_enabled(recorded):
            for batch, labels in batches:
                right.append(int((model(**batch).logits.argmax(axis) == labels).sum()))
                rows.append(len(labels))
        after(model, mode)
        return result(right, rows)

    return accuracy


ACCURACIES = {
    "wrong axis": scored(axis=0),
    "a count": scored(result=lambda right, rows: sum(right)),
    "a percentage": scored(result=lambda right, rows: 100 * sum(right) / sum(rows)),
    "mean of batch accuracies": scored(result=lambda right, rows: np.mean(np.divide(right, rows))),
    "only the last batch": scored(result=lambda right, rows: right[-1] / rows[-1]),
    "dropout left on": scored(before=lambda model: None),
    "gradients recorded": scored(recorded=True),
    "left in evaluation mode": scored(after=lambda model, mode: None),
    "left in training mode": scored(after=lambda model, mode: model.train()),
    "another value": scored(result=lambda right, rows: 0.3),
}


def best_by(split, report="test", pick=max, looks=("test",)):
    """Choose by one split, report another, look at some first."""

    def choose(settings, score):
        seen = [score(setting, look) for look in looks for setting in settings]
        best = pick(settings, key=lambda setting: score(setting, split))
        return best, max(seen) if report is None else score(best, report)

    return choose


def position(settings, score):
    scores = [score(setting, "validation") for setting in settings]
    return scores.index(max(scores)), score(settings[scores.index(max(scores))], "test")


CHOICES = {
    "chose on test": best_by("test", looks=()),
    "chose on train": best_by("train", looks=()),
    "not the best": best_by("validation", pick=min, looks=()),
    "reports validation": best_by("validation", report="validation", looks=()),
    "another score": best_by("validation", report=None),
    "peeked at test": best_by("validation"),
    "not a setting": position,
    "not a pair": lambda settings, score: max(settings, key=lambda setting: score(setting, "validation")),
    "not the first of equals": lambda settings, score: best_by("validation", looks=())(settings[::-1], score),
}


def swapped(*letters):
    """The right diagnosis with the causes of these letters moved on by one."""
    moved = dict(zip(letters, [_CAUSES[letter] for letter in (*letters[1:], letters[0])], strict=True))
    return _CAUSES | moved


DIAGNOSES = {
    "rate and order": swapped("A", "B"),
    "rate and labels": swapped("B", "D"),
    "order and labels": swapped("A", "D"),
    "missed the sound one": swapped("C", "D"),
    "mixed up": swapped("A", "B", "D"),
    "a cause twice": _CAUSES | {"A": "sound"},
    "other words": _CAUSES | {"A": "fine"},
    "other curves": {letter: _CAUSES[letter] for letter in "ABC"},
}
MISTAKES = {
    "06.1": RATES,
    "06.2": STEPS,
    "06.3": MEANS,
    "06.4": ACCUMULATIONS,
    "06.5": ACCURACIES,
    "06.6": CHOICES,
    "06.7": DIAGNOSES,
}


def test_every_exercise_is_asked_and_proven():
    assert list(lesson_checks("06")) == list(SOLUTIONS) == list(STUBS) == list(MISTAKES)


@pytest.mark.parametrize("id", MISTAKES)
def test_right_stub_and_usual_mistakes_are_told_apart(id):
    assert_recognises(find_check(id), SOLUTIONS[id], STUBS[id], MISTAKES[id])
    assert len(find_check(id).hints) == 3


@pytest.mark.parametrize(
    ("id", "answer"),
    [
        ("06.1", lambda s, n, w, peak: peak * float(np.interp(s, [0, w, n + 1], [0, peak, 0]) / peak)),
        (
            "06.1",
            lambda s, n, w, peak: peak * (s / w if s < w else down(s, n, max(1, w))),
        ),  # the package's own
        ("06.2", step_of("zero", *RIGHT[:-1])),  # emptied first instead of last
        ("06.2", step_of(*RIGHT, result=lambda loss, again: loss.detach())),
        ("06.3", lambda batches: cross_entropy(*map(torch.cat, zip(*batches, strict=True)))),
        ("06.5", scored(result=lambda right, rows: torch.tensor(sum(right) / sum(rows)))),
    ],
)
def test_other_right_answers_are_right(id, answer):
    assert find_check(id).examine(answer), find_check(id).examine(answer)


def test_slips_are_recognised_in_each_of_their_forms():
    for answer in (
        rate(lambda s, n, w: (s + 1) / w, lambda s, n, w: down(s + 1, n, w), lambda s, w: s < w),
        rate(lambda s, n, w: (s + 1) / w, down, lambda s, w: s < w),
        rate(lambda s, n, w: (s + 1) / w, down),
    ):
        assert find_check("06.1").examine(answer).mistake.name == "a step ahead"
    for call, name in (
        (lambda model, batch: model(*batch).logits, "not unpacked"),
        (lambda model, batch: model(batch, batch["attention_mask"]).logits, "not unpacked"),
        (lambda model, batch: model(**batch).softmax(-1), "no logits"),
        (lambda model, batch: model(**batch).logit, "no logits"),
    ):
        assert find_check("06.2").examine(step_of(*RIGHT, call=call)).mistake.name == name
    for first in (lambda b: sums(b)[0], lambda b: sums(b)[0] / targets(b)[0], lambda b: sums(b)[0] / len(b)):
        assert find_check("06.3").examine(first).mistake.name == "only the first batch"


def test_an_error_of_another_kind_is_still_shown_with_its_line():
    verdict = find_check("06.2").examine(step_of(*RIGHT, given=lambda logits: logits + "1"))
    assert verdict.mistake.name == "raised" and "logits + " in verdict.mistake.seen


def test_the_diagnosis_takes_capitals_and_gives_no_letter_away():
    check = find_check("06.7")
    assert check.examine({letter.lower(): cause.capitalize() for letter, cause in _CAUSES.items()})
    assert "to several curves" in check.examine(dict.fromkeys(_CAUSES, "sound")).mistake.cause
    assert "to two curves" in check.examine(_CAUSES | {"A": "sound"}).mistake.cause
    for letters in ("AB", "BD", "AD", "CD", "ABD"):
        seen = check.examine(swapped(*letters)).mistake.seen
        assert not any(cause in seen for cause in _CAUSES.values() if cause != "sound"), seen
        assert not re.search(r"\b[A-D]\b", seen), seen


def test_the_last_batch_alone_is_recognised_in_each_of_its_forms():
    for reduction, share in (("mean", lambda loss, batches: loss / len(batches)), ("sum", fair)):
        answer = accumulated(share, reduction, inside=lambda model: model.zero_grad())
        assert find_check("06.4").examine(answer).mistake.name == "emptied in the loop"
    first = scored(result=lambda right, rows: right[0] / rows[0])
    assert find_check("06.5").examine(first).mistake.name == "only the last batch"


def test_the_tiny_model_has_as_many_weights_as_the_exercise_says():
    assert sum(parameter.numel() for parameter in TinyClassifier().parameters()) == 86


def test_the_curves_show_what_the_diagnosis_rests_on():
    losses = {letter: frame["loss"].to_numpy().reshape(5, 16) for letter, frame in mystery_curves().items()}
    by_cause = {cause: losses[letter] for letter, cause in _CAUSES.items()}  # each (epochs, steps)
    chance = np.log(2)
    assert by_cause["sound"][-1].mean() < 0.6 * chance and by_cause["sound"].max() < 1
    assert abs(by_cause["labels broken"][-1].mean() - chance) < 0.1 and by_cause["labels broken"].max() < 1
    assert by_cause["rate too high"].mean() > 5 * chance
    leaps = by_cause["not shuffled"][:, 8] - by_cause["not shuffled"][:, 7]
    assert (leaps > 0.1).all(), "every epoch leaps where the positives begin"
    assert by_cause["not shuffled"].max() < 2
