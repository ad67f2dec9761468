"""The exercises of lesson 12 answer back: on their own solutions, their stubs, and the usual mistakes."""

import math
from collections import Counter

import pytest
import torch

from course_utils.checks import find_check, lesson_checks
from course_utils.checks.testing import answers, assert_recognises

SOLUTIONS, STUBS = answers("12", "solution"), answers("12", "exercise")


def filled(labels, pad):
    return labels.masked_fill(labels == -100, pad)


def rolled(labels, shift, start=None, pad=0):
    out = labels.roll(shift, dims=1)
    if start is not None:
        out[:, 0 if shift > 0 else -1] = start
    return filled(out, pad)


def overwrites(labels, start, pad):
    right = rolled(labels, 1, start, pad)
    labels[:, 0] = start
    return right


SHIFTS = {
    "the labels themselves": lambda labels, start, pad: labels,
    "another padding": lambda labels, start, pad: rolled(labels, 1, start, 0),
    "not shifted": lambda labels, start, pad: filled(labels, pad),
    "-100 left in": lambda labels, start, pad: rolled(labels, 1, start, -100),
    "shifted to the left": lambda labels, start, pad: rolled(labels, -1, pad, pad),
    "one place longer": lambda labels, start, pad: torch.cat(
        [torch.full((len(labels), 1), start), filled(labels, pad)], dim=1
    ),
    "rolled over": lambda labels, start, pad: rolled(labels, 1, None, pad),
    "another start": lambda labels, start, pad: rolled(labels, 1, pad, pad),
    "labels overwritten": overwrites,
    "another value": lambda labels, start, pad: labels * 0,
}


def padded(rows, filler, length=None):
    length = length or max(map(len, rows))
    return torch.tensor([[*row, *[filler] * (length - len(row))] for row in rows])


def appends(rows, end):
    for row in rows:
        row.append(end)
    return padded(rows, -100)


LABELS = {
    "rows overwritten": appends,
    "padding is a target": lambda rows, end: padded([[*row, end] for row in rows], 0),
    "no end": lambda rows, end: padded(rows, -100),
    "the end after the padding": lambda rows, end: torch.cat(
        [padded(rows, -100), torch.full((len(rows), 1), end)], dim=1
    ),
    "end everywhere": lambda rows, end: padded([[*row, end] for row in rows], end),
    "another type": lambda rows, end: padded([[*row, end] for row in rows], -100).float(),
}


def written(read=lambda text: text, stop=True, keep_start=False, keep_end=False, rounds=lambda most: most):
    def greedy(next_log_probs, start, end, most):
        text = [start]
        for _ in range(rounds(most)):
            token = int(next_log_probs(read(text)).argmax())
            if token == end and stop:
                if keep_end:
                    text.append(token)
                break
            text.append(token)
        return text if keep_start else text[1:]

    return greedy


GREEDY = {
    "the start is returned": written(keep_start=True),
    "the end is returned": written(keep_end=True),
    "start and end are returned": written(keep_start=True, keep_end=True),
    "only the last token is read": written(read=lambda text: text[-1:]),
    "never stops": written(stop=False),
    "the limit": written(rounds=lambda most: most + 1),
}


def beam(add=True, each=False, best_first=True, exponent=False, width=lambda asked: asked):
    def step(texts, sums, log_probs, wanted):
        total = log_probs + torch.tensor(sums)[:, None] * add
        if each:
            pairs = [((*texts[i], int(row.argmax())), float(row.max())) for i, row in enumerate(total)]
        else:
            values, places = total.flatten().topk(width(wanted))
            size = log_probs.shape[1]
            pairs = [
                ((*texts[p // size], p % size), v) for v, p in zip(values.tolist(), places.tolist(), strict=True)
            ]
        pairs = sorted(pairs, key=lambda pair: -pair[1] if best_first else pair[1])
        return [text for text, _ in pairs], [math.exp(v) if exponent else v for _, v in pairs]

    return step


BEAMS = {
    "one each": beam(each=True),
    "the past forgotten": beam(add=False),
    "the worst first": beam(best_first=False),
    "probabilities": beam(exponent=True),
    "the width": beam(width=lambda asked: 2),
}
HYPOTHESES = {
    "not a text": lambda pairs, penalty: max(pairs, key=lambda p: p[1] / len(p[0]) ** penalty),
    "no penalty": lambda pairs, penalty: max(pairs, key=lambda p: p[1])[0],
    "the lowest wins": lambda pairs, penalty: min(pairs, key=lambda p: p[1] / len(p[0]) ** penalty)[0],
    "the penalty ignored": lambda pairs, penalty: max(pairs, key=lambda p: p[1] / len(p[0]))[0],
}


def bleu(clip=True, brevity=lambda g, r: math.exp(min(0, 1 - r / g)), mean=lambda p: math.prod(p) ** 0.5, orders=(1, 2), scale=100):
    def score(given, references):
        length, wanted = sum(map(len, given)), sum(map(len, references))
        precisions = []
        for n in orders:
            hits = total = 0
            for a, b in zip(given, references, strict=True):
                ours, theirs = (Counter(tuple(t[i : i + n]) for i in range(len(t) - n + 1)) for t in (a, b))
                hits += sum((ours & theirs).values()) if clip else sum(c for g, c in ours.items() if g in theirs)
                total += sum(ours.values())
            precisions.append(hits / total if total else 0.0)
        if not length or not all(precisions):
            return 0.0
        return scale * brevity(length, wanted) * mean(precisions)

    return score


def by_sentence(given, references):
    return sum(bleu()([a], [b]) for a, b in zip(given, references, strict=True)) / len(given)


def without_care(given, references):
    precisions = []
    for n in (1, 2):
        pairs = [(Counter(tuple(t[i : i + n]) for i in range(len(t) - n + 1)) for t in p) for p in zip(given, references, strict=True)]
        counts = [(sum((a & b).values()), sum(a.values())) for a, b in pairs]
        precisions.append(sum(h for h, _ in counts) / sum(t for _, t in counts))
    length, wanted = sum(map(len, given)), sum(map(len, references))
    return 100 * math.exp(min(0, 1 - wanted / length)) * math.sqrt(math.prod(precisions))


def pooled(given, references):
    """Hits against the n-grams of all references together."""
    precisions = []
    for n in (1, 2):
        ours, theirs = (
            sum((Counter(tuple(t[i : i + n]) for i in range(len(t) - n + 1)) for t in texts), Counter())
            for texts in (given, references)
        )
        precisions.append(sum((ours & theirs).values()) / max(1, sum(ours.values())))
    length, wanted = sum(map(len, given)), sum(map(len, references))
    return 100 * math.exp(min(0, 1 - wanted / max(1, length))) * math.sqrt(math.prod(precisions))


BLEUS = {
    "clipped over the corpus": pooled,
    "longer is rewarded": bleu(brevity=lambda g, r: math.exp(1 - r / g)),
    "not clipped": bleu(clip=False),
    "the mean of the sentences": by_sentence,
    "arithmetic mean": bleu(mean=lambda p: sum(p) / 2),
    "a share": bleu(scale=1),
    "words alone": bleu(orders=(1,), mean=lambda p: p[0]),
    "no brevity penalty": bleu(brevity=lambda g, r: 1.0),
    "the ratio upside down": bleu(brevity=lambda g, r: math.exp(1 - g / r) if g != r else 1.0),
    "a plain ratio": bleu(brevity=lambda g, r: min(1.0, g / r)),
    "nothing to divide by": without_care,
}
def zeroes(w):
    w[:, :, -1] = 0
    return w.mean(0).argmax(-1).tolist()


LINKS = {
    "weights overwritten": zeroes,
    "the largest of all heads": lambda w: w.amax(0)[:, :-1].argmax(-1).tolist(),
    "the end is a word": lambda w: w.mean(0).argmax(-1).tolist(),
    "one head only": lambda w: w[0, :, :-1].argmax(-1).tolist(),
    "the last head only": lambda w: w[-1, :, :-1].argmax(-1).tolist(),
    "the other axis": lambda w: w.mean(0)[:, :-1].argmax(0).tolist(),
}
MISTAKES = {
    "12.1": SHIFTS, "12.2": LABELS, "12.3": GREEDY, "12.4": BEAMS, "12.5": HYPOTHESES, "12.6": BLEUS, "12.7": LINKS,
}  # fmt: skip


@pytest.mark.parametrize("exercise", MISTAKES)
def test_mistakes_are_recognised(exercise):
    assert_recognises(find_check(exercise), SOLUTIONS[exercise], STUBS[exercise], MISTAKES[exercise])


def test_every_check_is_tested():
    assert set(lesson_checks("12")) == set(MISTAKES)
