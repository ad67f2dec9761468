"""The exercises of lesson 07 answer back: on their own solutions, their stubs, and the usual mistakes."""

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from course_utils.adaptation import add_lora, discriminative_groups, gradual_unfreezing, train_last_layers
from course_utils.checks import find_check, lesson_checks
from course_utils.checks.lesson_07 import HiddenWords, TinyGuesser
from course_utils.checks.testing import answers, assert_recognises
from course_utils.models import count_parameters, layers_of, parameter_table

SOLUTIONS, STUBS = answers("07", "solution"), answers("07", "exercise")


def frozen_but(parts, optimizer=None, thaw=True, rate=lambda rate: rate):
    """Freezing by a choice of `parts(model, k)`; `optimizer` says which weights it gets."""

    def train_last(model, k, lr):
        if thaw:
            model.requires_grad_(False)
            for part in parts(model, k):
                part.requires_grad_(True)
        else:
            chosen = {id(p) for part in parts(model, k) for p in part.parameters()}
            for p in model.parameters():
                if id(p) not in chosen:
                    p.requires_grad_(False)
        weights = [p for p in model.parameters() if p.requires_grad]
        held = optimizer(model) if optimizer else weights
        return torch.optim.AdamW(held, lr=rate(lr))

    return train_last


def last(model, k):
    return [model.head, *model.layers[len(model.layers) - k :]]


def on_the_module(model, k, rate):
    for part in (model.embeddings, *model.layers[: len(model.layers) - k]):
        part.requires_grad = False
    return torch.optim.AdamW(model.parameters(), lr=rate)


FREEZES = {
    "a flag on the module": on_the_module,
    "nothing frozen": lambda model, k, rate: torch.optim.AdamW(model.head.parameters(), lr=rate),
    "forgot the head": frozen_but(lambda model, k: model.layers[len(model.layers) - k :]),
    "first instead of last": frozen_but(lambda model, k: [model.head, *model.layers[:k]]),
    "a layer too many or too few": frozen_but(lambda model, k: last(model, k + 1)),
    "embeddings left": frozen_but(lambda model, k: [model.embeddings, *last(model, k)]),
    "another set": frozen_but(lambda model, k: [model.head, model.layers[1]]),
    "froze after building the optimizer": frozen_but(last, optimizer=lambda model: model.parameters()),
    "some weights left out": frozen_but(last, optimizer=lambda model: model.head.parameters()),
    "rate ignored": frozen_but(last, rate=lambda rate: 1e-3),
    "minus zero": frozen_but(lambda model, k: [model.head, *model.layers[-k:]]),
    "left frozen": frozen_but(last, thaw=False),
    "no optimizer": lambda model, k, rate: frozen_but(last)(model, k, rate).param_groups,
}


def pairs(count, over=lambda shapes: shapes):
    return lambda shapes, rank: sum(count(o, i, rank) for o, i in over(shapes))


COUNTS = {
    "only A": pairs(lambda o, i, r: r * i),
    "only B": pairs(lambda o, i, r: r * o),
    "W counted too": pairs(lambda o, i, r: r * (o + i) + o * i),
    "the whole matrix": pairs(lambda o, i, r: o * i),
    "size of W times rank": pairs(lambda o, i, r: o * i * r),
    "only one pair": pairs(lambda o, i, r: r * (o + i), over=lambda shapes: shapes[:1]),
    "rank left out": pairs(lambda o, i, r: o + i),
    "another value": lambda shapes, rank: 1,
}


def change(module, x, scale):
    return scale * (x @ module.A.T @ module.B.T)


def low_rank(
    forward=lambda module, x, scale: module.linear(x) + change(module, x, scale),
    scale=lambda alpha, rank: alpha / rank, a=torch.randn, b=torch.zeros, frozen=True,
    wrap=nn.Parameter, shapes=lambda i, o, r: ((r, i), (o, r)),
):  # fmt: skip
    """A LoRALinear from its parts."""

    class LoRALinear(nn.Module):
        def __init__(self, linear, rank, alpha):
            super().__init__()
            self.linear = linear.requires_grad_(not frozen)
            shape_a, shape_b = shapes(linear.in_features, linear.out_features, rank)
            self.A, self.B, self.scale = wrap(a(shape_a)), wrap(b(shape_b)), scale(alpha, rank)

        def forward(self, x):
            return forward(self, x, self.scale)

    return LoRALinear


LORAS = {
    "not parameters": low_rank(wrap=lambda tensor: tensor),
    "the linear layer still trains": low_rank(frozen=False),
    "shapes turned round": low_rank(shapes=lambda i, o, r: ((i, r), (r, o))),
    "other parameters": low_rank(shapes=lambda i, o, r: ((r, r), (o, r))),
    "both factors random": low_rank(b=torch.randn),
    "both factors zero": low_rank(a=torch.zeros),
    "the other one is zero": low_rank(a=torch.zeros, b=torch.randn),
    "only the change": low_rank(lambda module, x, scale: change(module, x, scale)),
    "bias left out": low_rank(lambda module, x, s: x @ module.linear.weight.T + change(module, x, s)),
    "scale left out": low_rank(scale=lambda alpha, rank: 1),
    "scale upside down": low_rank(scale=lambda alpha, rank: rank / alpha),
    "not divided by the rank": low_rank(scale=lambda alpha, rank: alpha),
    "times the rank": low_rank(scale=lambda alpha, rank: alpha * rank),
    "wrong product order": low_rank(lambda module, x, s: module.linear(x) + s * (x @ module.B @ module.A)),
    "another value": low_rank(scale=lambda alpha, rank: -alpha / rank),
    "no gradient": low_rank(lambda module, x, s: module.linear(x) + change(module, x, s).detach().requires_grad_()),
}


def by_distance(rate, order=reversed):
    return lambda parts, peak, decay: {p: rate(d, peak, decay) for d, p in enumerate(order(parts))}


LAYER_RATES = {
    "order reversed": by_distance(lambda d, peak, decay: peak * decay**d, order=list),
    "head below the peak": by_distance(lambda d, peak, decay: peak * decay ** (d + 1)),
    "head above the peak": by_distance(lambda d, peak, decay: peak * decay ** (d - 1)),
    "grows downwards": by_distance(lambda d, peak, decay: peak / decay**d),
    "one rate for the body": by_distance(lambda d, peak, decay: peak * decay ** min(d, 1)),
    "all the same": by_distance(lambda d, peak, decay: peak),
    "a straight line": by_distance(lambda d, peak, decay: peak * (1 - d / 4)),
    "multiplied instead of raised": by_distance(lambda d, peak, decay: peak * decay * d),
    "peak ignored": by_distance(lambda d, peak, decay: decay**d),
    "not a rate for each part": lambda parts, peak, decay: [peak * decay**d for d in range(len(parts))],
    "another value": by_distance(lambda d, peak, decay: -peak),
}


def thawed(take, stage=lambda step, per: (step - 1) // per):
    def unfrozen(step, per, layers):
        parts = ["head", *(f"layer {n}" for n in range(layers, 0, -1)), "embeddings"]
        return set(take(parts, stage(step, per)))

    return unfrozen


def three_layers(step, per, layers):
    return SOLUTIONS["07.5"](step, per, 3)


THAWS = {
    "stages begin a step early": thawed(lambda parts, s: parts[: s + 1], stage=lambda step, per: step // per),
    "bottom first": thawed(lambda parts, s: parts[::-1][: s + 1]),
    "frozen again": thawed(lambda parts, s: parts[s : s + 1]),
    "layers before their turn": thawed(lambda parts, s: [parts[0], *parts[:0:-1][:s]]),
    "embeddings never": thawed(lambda parts, s: parts[:-1][: s + 1]),
    "one stage ahead": thawed(lambda parts, s: parts[: s + 2]),
    "nothing at first": thawed(lambda parts, s: parts[:s]),
    "all at once": thawed(lambda parts, s: parts if s else parts[:1]),
    "another order": thawed(lambda parts, s: parts[:2]),
    "wrong beyond the example": three_layers,
}


def measured(
    batches=lambda words: [words.hide()] * 2,
    loss=lambda sums, targets, places: sum(sums) / sum(targets),
    result=lambda before, after: after - before,
    seen=lambda ids, labels: labels,
):
    """`forgotten` from its parts."""

    def forgotten(before, after, words):
        losses = []
        for model, of in zip((before, after), batches(words), strict=True):
            sums = [
                float(cross_entropy(model(x).flatten(0, 1), seen(x, y).flatten(), reduction="sum")) for x, y in of
            ]
            losses.append(loss(sums, [int((seen(x, y) != -100).sum()) for x, y in of], sum(y.numel() for _, y in of)))
        return result(*losses)

    return forgotten


MEASUREMENTS = {
    "other words were hidden": measured(batches=lambda words: [words.hide(), words.hide()]),
    "never hid a word": lambda before, after, words: 0.0,
    "sign turned round": measured(result=lambda before, after: before - after),
    "a ratio": measured(result=lambda before, after: after / before),
    "only after": measured(result=lambda before, after: after),
    "mean of batch means": measured(
        loss=lambda sums, targets, places: sum(s / t for s, t in zip(sums, targets, strict=True)) / len(sums)
    ),
    "not divided": measured(loss=lambda sums, targets, places: sum(sums)),
    "all places counted": measured(loss=lambda sums, targets, places: sum(sums) / places),
    "visible words guessed": measured(seen=lambda ids, labels: torch.where(labels == -100, ids, labels)),
    "never changes": measured(result=lambda before, after: after - after),
    "another value": measured(result=lambda before, after: 7.0),
}
MISTAKES = {
    "07.1": FREEZES,
    "07.2": COUNTS,
    "07.3": LORAS,
    "07.4": LAYER_RATES,
    "07.5": THAWS,
    "07.6": MEASUREMENTS,
}


def test_every_exercise_is_asked_and_proven():
    assert list(lesson_checks("07")) == list(SOLUTIONS) == list(STUBS) == list(MISTAKES)


@pytest.mark.parametrize("id", MISTAKES)
def test_right_stub_and_usual_mistakes_are_told_apart(id):
    assert_recognises(find_check(id), SOLUTIONS[id], STUBS[id], MISTAKES[id])
    assert len(find_check(id).hints) >= 2


@pytest.mark.parametrize(
    ("id", "answer"),
    [
        ("07.1", frozen_but(last, optimizer=lambda m: [{"params": [p for p in m.parameters() if p.requires_grad]}])),
        ("07.2", lambda shapes, rank: torch.tensor(SOLUTIONS["07.2"](shapes, rank))),
        ("07.3", low_rank(lambda m, x, s: nn.functional.linear(x, m.linear.weight + s * m.B @ m.A, m.linear.bias))),
        ("07.5", lambda step, per, layers: list(SOLUTIONS["07.5"](step, per, layers))),
        ("07.6", measured(result=lambda before, after: torch.tensor(after - before))),
    ],
)
def test_other_right_answers_are_right(id, answer):
    assert find_check(id).examine(answer), find_check(id).examine(answer)


@pytest.fixture(scope="module")
def bert():
    from transformers import BertConfig, BertForSequenceClassification

    sizes = {"hidden_size": 8, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 12}
    return BertForSequenceClassification(BertConfig(vocab_size=30, max_position_embeddings=16, **sizes))


def trains(model):
    table = parameter_table(model)
    return set(table[table["trainable"] > 0]["part"])


def test_the_solutions_agree_with_the_package(bert):
    """Freezing, thawing, rates and counts: what learners write is what the course uses."""
    before_step = gradual_unfreezing(bert, steps_per_stage=10)
    for step in (1, 10, 11, 21, 31, 40, 41, 999):
        before_step(step, bert)
        assert trains(bert) == SOLUTIONS["07.5"](step, 10, 3)

    groups = discriminative_groups(bert, decay=0.5)
    rates = {group["name"]: group["lr_scale"] for group in groups}
    assert rates == pytest.approx(SOLUTIONS["07.4"](list(rates), 1.0, 0.5))

    train_last_layers(bert, 0)
    head = count_parameters(bert, trainable_only=True)
    shapes = [tuple(m.weight.shape) for m in layers_of(bert).modules() if isinstance(m, nn.Linear)]
    lora = add_lora(bert, rank=2)
    assert count_parameters(lora, trainable_only=True) - head == SOLUTIONS["07.2"](shapes, 2)


def test_a_model_has_forgotten_nothing_of_itself():
    model = TinyGuesser(seed=1)
    assert SOLUTIONS["07.6"](model, model, HiddenWords(seed=2)) == 0
