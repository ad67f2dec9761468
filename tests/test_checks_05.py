"""The exercises of lesson 05 answer back: on their own solutions, their stubs, and the usual mistakes."""

import math

import numpy as np
import pytest
import torch

from course_utils.checks import find_check, lesson_checks
from course_utils.checks.lesson_05 import TinyEncoder, WitnessProbes, padded_states, unequal_batches
from course_utils.checks.testing import answers, assert_recognises

SOLUTIONS, STUBS = answers("05", "solution"), answers("05", "exercise")


def weighted(states, mask):
    return (states * mask.unsqueeze(-1)).sum(1)


def in_place(states, mask):
    states *= mask.unsqueeze(-1)
    return states.sum(1) / mask.sum(1, keepdim=True)


POOLS = {
    "padding averaged": lambda states, mask: states.mean(1),
    "padding counted": lambda states, mask: (states * mask.unsqueeze(-1)).mean(1),
    "divided by all tokens": lambda states, mask: weighted(states, mask) / mask.sum(),
    "not divided": weighted,
    "first token only": lambda states, mask: states[:, 0],
    "largest, not mean": lambda states, mask: states.masked_fill(mask.unsqueeze(-1) == 0, -math.inf).amax(1),
    "mean over the columns": lambda states, mask: states.mean(-1),
    "one vector for the batch": lambda states, mask: states[mask.bool()].mean(0),
    "another shape": lambda states, mask: states.mean(1, keepdim=True),
    "changed its input": in_place,
    "another value": lambda states, mask: -weighted(states, mask),
}


def scaled(mean=lambda t: t.mean(0), width=lambda t: t.std(0), by=lambda train, test: (train, test)):
    """Standardising by other means or widths; `by` gives the tables that each is measured on."""

    def standardise(train, test):
        for_train, for_test = by(train, test)
        return (train - mean(for_train)) / width(for_train), (test - mean(for_test)) / width(for_test)

    return standardise


def from_train(mean=lambda t: t.mean(0), width=lambda t: t.std(0)):
    return scaled(mean, width, lambda train, test: (train, train))


def joined(train, test):
    both = np.concatenate([train, test])
    return both, both


def by_row(train, test):
    return tuple((t - t.mean(1, keepdims=True)) / t.std(1, keepdims=True) for t in (train, test))


SCALES = {
    "own statistics": scaled(),
    "a leak": scaled(by=joined),
    "test statistics": scaled(by=lambda train, test: (test, test)),
    "one mean for all columns": from_train(np.mean, np.std),
    "by row": by_row,
    "only centred": from_train(width=lambda t: 1),
    "not centred": from_train(mean=lambda t: 0),
    "divided by the variance": from_train(width=lambda t: t.var(0)),
    "test left as it was": lambda train, test: (from_train()(train, test)[0], test),
    "divided by zero": from_train(),
    "divided by almost zero": from_train(width=lambda t: t.std(0) + 1e-8),
    "not a pair": lambda train, test: from_train()(train, test)[0],
    "other shapes": lambda train, test: from_train()(train, test)[::-1],
    "another value": from_train(mean=lambda t: 1),
}


def chooser(
    by="validation", report="test", pick=np.argmax, fit_on=("train",), skip=0, shift=0, looks=("validation",)
):
    """Choose a layer by the scores on one split and report another; look at some splits in every layer."""

    def choose(features, labels, fit):
        probes, scores = [], []
        for layer in range(skip, len(features["train"])):
            x = np.concatenate([features[split][layer] for split in fit_on])
            probe = fit(x, np.concatenate([labels[split] for split in fit_on]))
            probes.append(probe)
            scores.append({s: probe.score(features[s][layer], labels[s]) for s in {by, *looks}})
        best = int(pick([score[by] for score in scores]))
        reported = probes[best].score(features[report][best + skip], labels[report])
        return best + shift, reported

    return choose


def best_score_of_all(features, labels, fit):
    layer, _ = chooser()(features, labels, fit)
    return layer, 0.84


LAYER_CHOICES = {
    "chose on train or took the last": chooser(by="train"),
    "chose on test": chooser(by="test"),
    "chose the worst": chooser(pick=np.argmin),
    "embeddings left out": chooser(skip=1),
    "embeddings never win": chooser(skip=1, shift=1),
    "another layer": chooser(shift=7),
    "fitted on held-out rows": chooser(fit_on=("train", "validation")),
    "reports validation": chooser(report="validation"),
    "reports train": chooser(report="train"),
    "another score": best_score_of_all,
    "peeked at test": chooser(looks=("validation", "test")),
    "not a pair": lambda features, labels, fit: chooser()(features, labels, fit)[0],
}


def runner(mode=torch.nn.Module.eval, grad=False, again=False, order=lambda batches: batches, result=None):
    """Features by running the encoder in another way."""

    def run(encoder, batches):
        mode(encoder)
        features, labels = [], []
        with torch.set_grad_enabled(grad):
            for inputs, targets in order(batches):
                features.append(encoder(**inputs))
                labels.append(targets)
                if again:
                    encoder(**inputs)
        return result(features, labels) if result else (torch.cat(features), torch.cat(labels))

    return run


RUNS = {
    "ran more than once": runner(again=True),
    "batches left out": runner(order=lambda batches: batches[:1]),
    "dropout left on": runner(mode=lambda encoder: None),
    "gradients recorded": runner(grad=True),
    "not a pair": runner(result=lambda features, labels: torch.cat(features)),
    "a list of batches": runner(result=lambda features, labels: (features, labels)),
    "rows lost": runner(result=lambda features, labels: (features[-1], labels[-1])),
    "rows out of order": runner(order=lambda batches: batches[::-1]),
    "another value": runner(result=lambda features, labels: (-torch.cat(features), torch.cat(labels))),
}


def up(rows, size):
    return math.ceil(rows / size)


PASSES = {
    "cached every epoch": lambda n, v, b, e, cached: (up(n, b) + up(v, b)) * e,
    "epochs forgotten": lambda n, v, b, e, cached: up(n, b) + up(v, b),
    "last batch lost": lambda n, v, b, e, cached: (n // b + v // b) * (1 if cached else e),
    "joined batches": lambda n, v, b, e, cached: up(n + v, b) * (1 if cached else e),
    "validation forgotten": lambda n, v, b, e, cached: up(n, b) * (1 if cached else e),
    "validation once": lambda n, v, b, e, cached: up(n, b) * (1 if cached else e) + up(v, b),
    "rows counted": lambda n, v, b, e, cached: (n + v) * (1 if cached else e),
    "not rounded": lambda n, v, b, e, cached: (n + v) / b * (1 if cached else e),
    "right for one size only": lambda n, v, b, e, cached: (n // b + 1 + v // b + 1) * (1 if cached else e),
    "another value": lambda n, v, b, e, cached: 1,
}


def unit(library, axis=1):
    return library / np.linalg.norm(library, axis=axis, keepdims=True)


def ranked(score, keep=lambda order, row, k: order[order != row][:k]):
    """Rows by falling `score(library, row)`, of which some are kept."""
    return lambda row, library, k: keep(np.argsort(-score(library, row), kind="stable"), row, k)


def cosine(library, row):
    return unit(library) @ unit(library)[row]


NEIGHBOURS = {
    "dot product": ranked(lambda library, row: library @ library[row]),
    "distance": ranked(lambda library, row: -np.linalg.norm(library - library[row], axis=1)),
    "farthest": ranked(lambda library, row: -cosine(library, row)),
    "lengths along the wrong axis": ranked(lambda library, row: unit(library, 0) @ unit(library, 0)[row]),
    "size of the cosine": ranked(lambda library, row: np.abs(cosine(library, row))),
    "itself": ranked(cosine, lambda order, row, k: order[:k]),
    "not k of them": ranked(cosine, lambda order, row, k: order[:k][order[:k] != row]),
    "not sorted": ranked(cosine, lambda order, row, k: order[order != row][:k][::-1]),
    "dropped its twin": ranked(cosine, lambda order, row, k: order[1 : k + 1]),
    "cosines, not rows": lambda row, library, k: np.sort(cosine(library, row))[::-1][1 : k + 1],
    "another order": lambda row, library, k: [i for i in range(len(library)) if i != row][:k],
}
MISTAKES = {
    "05.1": POOLS,
    "05.2": SCALES,
    "05.3": LAYER_CHOICES,
    "05.4": RUNS,
    "05.5": PASSES,
    "05.6": NEIGHBOURS,
}


def test_every_exercise_is_asked_and_proven():
    assert list(lesson_checks("05")) == list(SOLUTIONS) == list(STUBS) == list(MISTAKES)


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
@pytest.mark.parametrize("id", MISTAKES)
def test_right_stub_and_usual_mistakes_are_told_apart(id):
    assert_recognises(find_check(id), SOLUTIONS[id], STUBS[id], MISTAKES[id])
    assert len(find_check(id).hints) == 3


def with_torch(train, test):
    mean, width = torch.tensor(train).mean(0), torch.tensor(train).std(0)  # divides by n − 1
    width = torch.where(width == 0, 1.0, width)
    return tuple(((torch.tensor(table) - mean) / width).numpy() for table in (train, test))


def without_axis(states, mask):
    """By matrix product: each sentence's mask times its states."""
    return (mask.float().unsqueeze(1) @ states).squeeze(1) / mask.sum(1, keepdim=True)


@pytest.mark.parametrize(
    ("id", "answer"),
    [
        ("05.1", without_axis),
        ("05.2", with_torch),
        ("05.3", chooser(looks=("validation", "train"))),
        ("05.4", torch.no_grad()(runner())),
        ("05.6", ranked(cosine)),  # an array instead of a list
    ],
)
def test_other_right_answers_are_right(id, answer):
    assert find_check(id).examine(answer), find_check(id).examine(answer)


def test_padding_of_the_examples_is_not_zero():
    states, mask = padded_states()
    assert states[mask == 0].abs().min() > 0 and set(mask.sum(1).tolist()) == {5, 3, 1}


def test_the_witnesses_note_what_they_are_asked():
    encoder, [(inputs, labels), *_] = TinyEncoder(), unequal_batches()
    assert encoder(**inputs).shape == (len(labels), 3) and encoder.journal[0].training
    probes = WitnessProbes(dict.fromkeys(("train", "validation", "test"), (0.5, 0.6)))
    fitted = probes.fit(probes.features["train"][1], probes.labels["train"])
    assert fitted.score(probes.features["test"][1], probes.labels["test"]) == 0.6
    assert probes.journal == [("fit", ("train",), 1), ("score", ("test",), 1)]
    with pytest.raises(ValueError, match="cannot score vectors of layer 0"):
        fitted.score(probes.features["test"][0], probes.labels["test"])
    with pytest.raises(ValueError, match="not of the same split"):
        fitted.score(probes.features["test"][1], probes.labels["train"])
