"""The exercises of lesson 04 answer back: on their own solutions, their stubs, and the usual mistakes."""

import pytest
import torch
from torch.nn.functional import softmax

from course_utils.checks import find_check, lesson_checks
from course_utils.checks.testing import answers, assert_recognises

SOLUTIONS, STUBS = answers("04", "solution"), answers("04", "exercise")
N = 2**30


def states(weight=4.0, trained=12.0, copy=2.0, divide=N, by_all=None):
    return lambda n, t, mixed: (
        ((weight + (copy if mixed else 0)) * n + trained * (n if by_all else t)) / divide
    )


def kept(formula, factor=4 / N):
    return lambda b, t, n, h, i, a: formula(b, t, n, 10 * h + 2 * i, a) * factor


RIGHT_KEPT = lambda b, t, n, linear, a: b * t * n * (linear + 3 * a * t)  # noqa: E731


def flops(read, full, lora):
    return lambda w, tokens, speed, trains: (
        {"read": read, "full": full, "LoRA": lora}[trains] * w * tokens / speed
    )


def student_loss(target=None, student=None, factor=None, swap=False):
    def loss(s, t, T):
        t = t.detach()
        if swap:
            s, t = t, s
        weight = (target or (lambda t, T: softmax(t / T, -1)))(t, T)
        log = (student or (lambda s, T: torch.log_softmax(s / T, -1)))(s, T)
        return -(weight * log).sum(-1).mean() * (factor or (lambda T: T**2))(T)

    return loss


def changed(id, **changes):
    return {**SOLUTIONS[id], **{key.replace("_", " "): value for key, value in changes.items()}}


MISTAKES = {
    "04.1": {
        "tied table twice": lambda m: sum(t.numel() for t in m.state_dict().values()),
        "frozen left out": lambda m: sum(p.numel() for p in m.parameters() if p.requires_grad),
        "tensors counted": lambda m: len(list(m.parameters())),
        "embeddings left out": lambda m: sum(p.numel() for p in m.layer.parameters()),
        "untied left out": lambda m: sum(p.numel() for n, p in m.named_parameters() if "decoder" not in n),
    },
    "04.2": {
        "moments forgotten": states(trained=4),
        "one term missing": states(trained=8),
        "bits for bytes": states(32, 96, 16),
        "GB for GiB": states(divide=1e9),
        "bytes": states(divide=1),
        "weights only": states(trained=0),
        "frozen pays as well": states(by_all=True),
        "frozen weighs nothing": lambda n, t, mixed: 16 * t / N,
        "trained counted twice": lambda n, t, mixed: 16 * t / N if n == t else (4 * n + 16 * t) / N,
        "master copy forgotten": lambda n, t, mixed: ((2 if mixed else 4) * n + 12 * t) / N,
        "everything halved": lambda n, t, mixed: (4 * n + 12 * t) / N / (2 if mixed else 1),
        "mixed ignored": states(copy=0),
        "copy of the trained only": lambda n, t, mixed: (4 * n + (14 if mixed else 12) * t) / N,
    },
    "04.3": {
        "scores forgotten": kept(lambda b, t, n, linear, a: b * t * n * linear),
        "scores not per pair": kept(lambda b, t, n, linear, a: b * t * n * (linear + 3 * a)),
        "one layer": kept(lambda b, t, n, linear, a: b * t * (linear + 3 * a * t)),
        "one row": kept(lambda b, t, n, linear, a: t * n * (linear + 3 * a * t)),
        "one token": kept(lambda b, t, n, linear, a: b * n * (linear + 3 * a * t)),
        "numbers for bytes": kept(RIGHT_KEPT, 1 / N),
        "GB for GiB": kept(RIGHT_KEPT, 4 / 1e9),
        "bytes": kept(RIGHT_KEPT, 4),
        "scaled wrongly with length": kept(lambda b, t, n, linear, a: b * t * n * (linear + 3 * a * 128)),
    },
    "04.4": {
        "forward only": flops(2, 2, 2),
        "backward once": flops(2, 4, 4),
        "a product counted once": flops(1, 3, 2),
        "LoRA like full": flops(2, 6, 6),
        "LoRA like reading": flops(2, 6, 2),
        "reading like training": flops(6, 6, 4),
        "upside down": lambda *run: 1 / flops(2, 6, 4)(*run),
    },
    "04.5": {
        "decoder for spans": changed("04.5", find_the_answer_in_a_passage=("decoder", "causal_lm")),
        "encoder that writes": changed("04.5", translate_a_notice=("encoder", "masked_lm")),
        "masked model that continues": changed("04.5", continue_a_story=("encoder", "masked_lm")),
        "wrong head for spans": changed("04.5", find_the_answer_in_a_passage=("encoder", "entities")),
        "one label for a sentence": changed("04.5", find_the_names_in_a_sentence=("encoder", "classification")),
        "not a pair": changed("04.5", sort_reviews="encoder"),
        "no such name": changed("04.5", find_the_names_in_a_sentence=("encoder", "entity")),
        "another choice": changed("04.5", sort_reviews=("encoder-decoder", "seq2seq_lm")),
    },
    "04.6": {
        "licence misread": changed("04.6", may_a_shop_use_it=True),
        "no baseline": changed("04.6", accuracy_of_always_positive=50),
        "score believed": changed("04.6", is_the_score_honest=True),
        "languages believed": changed("04.6", languages=["any"]),
        "not a list": changed("04.6", languages="en"),
        "pickle opened": changed("04.6", safe_weights=True),
    },
    "04.7": {
        "temperature not squared": student_loss(factor=lambda T: 1),
        "temperature not squared enough": student_loss(factor=lambda T: T),
        "student not in log": student_loss(student=lambda s, T: softmax(s / T, -1)),
        "teacher in log": student_loss(target=lambda t, T: torch.log_softmax(t / T, -1)),
        "sides swapped": student_loss(swap=True),
        "teacher not softened": student_loss(target=lambda t, T: softmax(t, -1)),
        "student not softened": student_loss(student=lambda s, T: torch.log_softmax(s, -1)),
        "softmax over rows": lambda s, t, T: (
            -(softmax(t / T, 0) * torch.log_softmax(s / T, 0)).sum(-1).mean() * T**2
        ),
        "temperature multiplied": student_loss(lambda t, T: softmax(t * T, -1), lambda s, T: torch.log_softmax(s * T, -1)),
        "mean over classes": lambda s, t, T: student_loss()(s, t, T) / s.shape[-1],
        "sum over rows": lambda s, t, T: student_loss()(s, t, T) * len(s),
        "wrong sign": lambda s, t, T: -student_loss()(s, t, T),
        "teacher learns too": lambda s, t, T: (
            -(softmax(t / T, -1) * torch.log_softmax(s / T, -1)).sum(-1).mean() * T**2
        ),
        "student detached": lambda s, t, T: student_loss()(s.detach(), t, T) + 0 * s.sum(),
    },
}  # fmt: skip


def test_every_exercise_has_its_mistakes():
    assert set(MISTAKES) == set(lesson_checks("04")) == set(SOLUTIONS)


@pytest.mark.parametrize("id", MISTAKES)
def test_recognises(id):
    assert_recognises(find_check(id), SOLUTIONS[id], STUBS[id], MISTAKES[id])


def test_a_divergence_is_as_good_as_a_cross_entropy():
    def divergence(s, t, T):
        target = softmax(t.detach() / T, -1)
        return (target * (target.log() - torch.log_softmax(s / T, -1))).sum(-1).mean() * T**2

    assert find_check("04.7").examine(divergence)
