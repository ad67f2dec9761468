"""The exercises of lesson 03 answer back: on their own solutions, their stubs, and the usual mistakes."""

import math

import numpy as np
import pytest
import torch

from course_utils.checks import find_check, lesson_checks
from course_utils.checks.lesson_03 import _cut
from course_utils.checks.testing import answers, assert_recognises

SOLUTIONS, STUBS = answers("03", "solution"), answers("03", "exercise")


def masking(*, special=True, swap=True, keep=True, ignore=True, of_inputs=False, kept=True, result=None):
    def hide_words(ids, special_of, pick, how, other, mask_id):
        hidden = (pick < 0.15) & (~special_of if special else torch.ones_like(special_of))
        swapped = hidden & (how >= 0.8) & (how < 0.9) & swap
        stays = hidden & (how >= 0.9) & keep
        inputs = torch.where(hidden & ~swapped & ~stays, mask_id, torch.where(swapped, other, ids))
        labels = (inputs if of_inputs else ids).masked_fill(
            ~hidden if ignore else torch.zeros_like(hidden), -100
        )
        labels = labels if kept else labels.masked_fill(stays, -100)
        return result(inputs, labels) if result else (inputs, labels)

    return lambda ids, special, pick, how, other, mask_id: hide_words(ids, special, pick, how, other, mask_id)


def in_place(ids, special, pick, how, other, mask_id):
    hidden = (pick < 0.15) & ~special
    ids[hidden] = mask_id
    return ids, ids.masked_fill(~hidden, -100)


def only_masks(inputs, labels, mask_id):
    return inputs, labels.masked_fill(inputs != mask_id, -100)


MASKS = {
    "not a pair": masking(result=lambda inputs, labels: inputs),
    "another shape": masking(result=lambda inputs, labels: (inputs[:, 1:], labels)),
    "changed in place": in_place,
    "swapped": masking(result=lambda inputs, labels: (labels, inputs)),
    "no -100": masking(ignore=False),
    "special tokens hidden": masking(special=False),
    "always the mask": masking(swap=False, keep=False),
    "none stay": masking(keep=False),
    "labels of the inputs": masking(of_inputs=True),
    "kept are no targets": masking(kept=False),
    "only masks are targets": lambda ids, special, pick, how, other, mask_id: only_masks(
        *masking()(ids, special, pick, how, other, mask_id), mask_id
    ),
    "another filler": masking(result=lambda inputs, labels: (inputs, labels.masked_fill(labels == -100, 0))),
    "another value": masking(result=lambda inputs, labels: (inputs + 1, labels)),
}

SHIFTS = {
    "not a pair": lambda ids, mask: ids[:, 1:],
    "nothing left out": lambda ids, mask: (ids, ids.roll(-1, 1).masked_fill(mask == 0, -100)),
    "shifted twice": lambda ids, mask: (ids[:, :-2], ids[:, 2:].masked_fill(mask[:, 2:] == 0, -100)),
    "not shifted": lambda ids, mask: (ids[:, :-1], ids[:, :-1].masked_fill(mask[:, :-1] == 0, -100)),
    "backwards": lambda ids, mask: (ids[:, 1:], ids[:, :-1].masked_fill(mask[:, :-1] == 0, -100)),
    "padding is a target": lambda ids, mask: (ids[:, :-1], ids[:, 1:]),
    "no end": lambda ids, mask: (ids[:, :-1], ids[:, 1:].masked_fill(ids[:, 1:] == 0, -100)),
    "mask of the inputs": lambda ids, mask: (ids[:, :-1], ids[:, 1:].masked_fill(mask[:, :-1] == 0, -100)),
    "another value": lambda ids, mask: (ids[:, :-1] + 1, ids[:, 1:]),
}

SPANS = {
    "not a pair": lambda tokens, spans: " ".join(tokens),
    "swapped": lambda tokens, spans: _cut(tokens, spans)[::-1],
    "words stay": lambda tokens, spans: _cut(tokens, spans, stays=True),
    "one sentinel for all": lambda tokens, spans: _cut(tokens, spans, number=lambda i: "<0>"),
    "counted from one": lambda tokens, spans: _cut(tokens, spans, number=lambda i: f"<{i + 1}>"),
    "a sentinel per token": lambda tokens, spans: _cut(tokens, spans, per_token=True),
    "targets without sentinels": lambda tokens, spans: _cut(tokens, spans, headed=False),
    "no end": lambda tokens, spans: _cut(tokens, spans, end=""),
    "targets have no end": lambda tokens, spans: _cut(tokens, spans, target_end=""),
    "rest forgotten": lambda tokens, spans: _cut(tokens, spans, rest=False),
    "end included": lambda tokens, spans: _cut(tokens, [(a, b + 1) for a, b in spans]),
    "another value": lambda tokens, spans: ([], []),
    "not everywhere": lambda tokens, spans: _cut(tokens, spans) if len(spans) == 2 else ([], []),
}


def pairs_by(other, *, share=0.5, first=None, label=lambda label, number: label, step=1):
    """Pairs whose other sentence is drawn by `other(documents, number, rng)`."""

    def make_pairs(documents, rng):
        pairs = []
        for number, document in enumerate(documents):
            i = int(rng.integers(len(document) - 1)) if first is None else first
            if rng.random() >= share:
                pairs.append((document[i], other(documents, number, rng), label(1, number)))
            else:
                pairs.append((document[i], document[(i + step) % len(document)], label(0, number)))
        return pairs

    return make_pairs


def elsewhere(documents, number, rng, least=1):
    other = documents[(number + 1 + rng.integers(len(documents) - 1)) % len(documents)]
    return other[least + rng.integers(len(other) - least)]


def anywhere_in_it(documents, number, rng):
    return documents[number][1 + rng.integers(len(documents[number]) - 1)]


def by_turns(documents, rng):
    pairs = []
    for number, document in enumerate(documents):
        i = int(rng.integers(len(document) - 1))
        second = elsewhere(documents, number, rng) if number % 2 else document[i + 1]
        pairs.append((document[i], second, number % 2))
    return pairs


PAIRS = {
    "not one pair each": lambda documents, rng: [],
    "labels reversed": pairs_by(elsewhere, label=lambda label, number: 1 - label),
    "one label only": pairs_by(elsewhere, share=1.0),
    "not half and half": pairs_by(elsewhere, share=0.15),
    "from the same document": pairs_by(anywhere_in_it),
    "not the next": pairs_by(elsewhere, step=2),
    "an opening gives it away": pairs_by(lambda d, n, rng: elsewhere(d, n, rng, least=0)),
    "only openings first": pairs_by(elsewhere, first=0),
    "by turns": by_turns,
}


def dot(losses, targets):
    return float(np.dot(losses, targets))


PERPLEXITIES = {
    "mean of batch means": lambda losses, n: math.exp(np.mean(losses)),
    "mean of perplexities": lambda losses, n: dot(np.exp(losses), n) / sum(n),
    "mean of batch perplexities": lambda losses, n: np.mean(np.exp(losses)),
    "no exponential": lambda losses, n: dot(losses, n) / sum(n),
    "a power of two": lambda losses, n: 2 ** (dot(losses, n) / sum(n)),
    "not divided": lambda losses, n: math.exp(dot(losses, n)),
    "divided by the batches": lambda losses, n: math.exp(dot(losses, n) / len(n)),
    "not a number": lambda losses, n: math.exp(dot(losses, n) / sum(n)),
    "another value": lambda losses, n: 1.0,
}


def nucleus_by(rule):
    def nucleus(p, top_p):
        kept = rule(p, top_p)
        return kept / kept.sum()

    return nucleus


def fewer(p, top_p):
    kept, order = np.zeros(len(p)), np.argsort(-p)
    chosen = order[np.cumsum(p[order]) <= top_p]
    kept[chosen] = p[chosen]
    return kept


NUCLEI = {
    "another shape": lambda p, top_p: SOLUTIONS["03.6"](p, top_p)[SOLUTIONS["03.6"](p, top_p) > 0],
    "not scaled": lambda p, top_p: np.where(SOLUTIONS["03.6"](p, top_p) > 0, p, 0),
    "one too few": nucleus_by(fewer),
    "nothing removed": lambda p, top_p: p,
    "sorted": lambda p, top_p: SOLUTIONS["03.6"](np.sort(p)[::-1], top_p),
    "not sorted first": nucleus_by(lambda p, top_p: np.where(np.cumsum(p) - p < top_p, p, 0)),
    "a threshold": nucleus_by(lambda p, top_p: np.where(p >= 1 - top_p, p, 0)),
    "not at the ends": lambda p, top_p: p if len(p) == 3 else SOLUTIONS["03.6"](p, top_p),
    "another value": lambda p, top_p: p[::-1].copy(),
}

MISTAKES = {"03.1": MASKS, "03.2": SHIFTS, "03.3": SPANS, "03.4": PAIRS, "03.5": PERPLEXITIES, "03.6": NUCLEI}


@pytest.mark.parametrize("id", MISTAKES)
def test_a_check_recognises_the_usual_mistakes(id):
    assert_recognises(find_check(id), SOLUTIONS[id], STUBS[id], MISTAKES[id])


def test_a_draw_from_all_documents_is_found_out_among_few():
    def any_document(documents, number, rng):
        other = documents[rng.integers(len(documents))]
        return other[1 + rng.integers(len(other) - 1)]

    answer = find_check("03.4").examine(pairs_by(any_document))
    assert not answer and "from the same document" in answer.mistake.name


def test_every_exercise_is_proven():
    assert set(lesson_checks("03")) == set(MISTAKES) == set(SOLUTIONS) == set(STUBS)
