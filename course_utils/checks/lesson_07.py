"""Exercises of lesson 07, partial fine-tuning: what freezes, what is added, what is forgotten.

Flags, optimizers and outputs of tiny models are compared with those that usual mistakes leave behind.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from course_utils.checks import Check, Mistake
from course_utils.checks.witnesses import Suspect, draw_weights, same, told_apart

# A mistake reads best as its four parts, on as few lines as they need:
# fmt: off
# ---------------------------------------------------------------- models and words


class TinyEncoder(nn.Module):
    """Embeddings, layers, a head: the parts of an encoder with a classifier, at width 4."""

    def __init__(self, layers: int = 3, seed: int = 0) -> None:
        super().__init__()
        self.embeddings = nn.Embedding(20, 4)
        self.layers = nn.ModuleList(nn.Linear(4, 4) for _ in range(layers))
        self.head = nn.Linear(4, 2)
        draw_weights(self, seed)

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        """(batch, time) → (batch, 2)."""
        states = self.embeddings(input_ids).mean(1)  # (batch, width)
        for layer in self.layers:
            states = states + layer(states).tanh()
        return self.head(states)


class TinyGuesser(nn.Module):
    """Guesses each word from its neighbours' embeddings; no dropout, nothing else to switch off."""

    def __init__(self, seed: int = 0, vocabulary: int = 12) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, 4)
        self.decoder = nn.Linear(4, vocabulary)
        draw_weights(self, seed)

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        """(batch, time) → (batch, time, vocabulary)."""
        states = self.embedding(input_ids)
        return self.decoder(states + states.mean(1, keepdim=True)).detach()


class HiddenWords:
    """A few documents, some of whose words `hide()` hides afresh at each call. Word 0 is the mask."""

    def __init__(self, seed: int = 0) -> None:
        self.random = torch.Generator().manual_seed(seed)
        self.documents = [
            torch.randint(1, 12, shape, generator=self.random) for shape in ((6, 9), (4, 7), (2, 5))
        ]
        self.calls: list[list[tuple[torch.Tensor, torch.Tensor]]] = []  # what was given, for checks to read

    def hide(self) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Batches (input_ids, labels), each (batch, time); labels are -100 where no word is hidden."""
        batches = []
        for ids, share in zip(self.documents, (0.2, 0.6, 0.8), strict=True):
            hidden = torch.rand(ids.shape, generator=self.random) < share
            hidden[0, 0] = True  # at least one
            batches.append((ids.masked_fill(hidden, 0), ids.masked_fill(~hidden, -100)))
        self.calls.append(batches)
        return batches


# ---------------------------------------------------------------- 07.1

train_last = Check(
    "07.1",
    "Freeze the right weights",
    seconds=60,  # the first optimizer of a session may load for many seconds on a busy machine
    hints=(
        (
            "Three steps, in this order: freeze everything; unfreeze what should train; then make the "
            "optimizer from what is unfrozen."
        ),
        (
            "`module.requires_grad_(False)`, with the underscore at the end, sets the flag of every weight "
            "inside. What is `model.layers[-k:]` when k is 0?"
        ),
        (
            "Count from the front: `model.layers[len(model.layers) - k :]`. Then `torch.optim.AdamW([p for p "
            "in model.parameters() if p.requires_grad], lr=rate)`."
        ),
    ),
)


def _parts(model: TinyEncoder) -> dict[str, nn.Module]:
    layers = {f"layer {number}": layer for number, layer in enumerate(model.layers, start=1)}
    return {"embeddings": model.embeddings, **layers, "head": model.head}


def _flags(model: TinyEncoder) -> list[str]:
    """The parts in which at least one weight requires a gradient."""
    return [name for name, part in _parts(model).items() if any(p.requires_grad for p in part.parameters())]


def _said(parts: list[str]) -> str:
    return ", ".join(parts) or "nothing"


@train_last.probe
def flags_of_the_last_layer(answer):
    """With k=1: the head and layer 3 of 3."""
    model = TinyEncoder()
    answer(model, 1, 0.1)
    trains, right = _flags(model), ["layer 3", "head"]
    seen = f"with 3 layers and k=1, these parts can train: {_said(trains)}"
    if trains == right:
        return None
    if len(trains) == 5 and any("requires_grad" in vars(module) for module in model.modules()):
        return Mistake(
            "a flag on the module", seen,
            "`module.requires_grad = False` makes a new attribute of the module that nobody reads: the flag "
            "belongs to each weight",
            "Call `module.requires_grad_(False)`, or loop over `module.parameters()`.",
        )
    if len(trains) == 5:
        return Mistake(
            "nothing frozen", seen, "no flag was set to False; leaving weights out of the optimizer keeps "
            "them still, but every gradient is still computed and stored",
            "Freeze the whole model first, then unfreeze what should train.",
        )
    if "head" not in trains:
        return Mistake(
            "forgot the head", seen,
            "the head was frozen with everything else and not unfrozen; it is random, and would stay so",
            "The head is not one of `model.layers`: unfreeze it by itself.",
        )
    if trains == ["layer 1", "head"]:
        return Mistake(
            "first instead of last", seen,
            "`layers[:k]` takes from the input's end; the last layers are those next to the head",
            "Take the layers from the other end of the list.",
        )
    if trains == ["layer 2", "layer 3", "head"] or trains == ["head"]:
        return Mistake(
            "a layer too many or too few", seen, "an off-by-one: the head may have been counted as a layer",
            "With k=1 one of the three layers trains, and the head besides.",
        )
    if "embeddings" in trains:
        return Mistake(
            "embeddings left", seen, "only the layers were frozen; the embeddings are a part of their own",
            "Begin with the whole model: freeze all of it, then unfreeze what you want.",
        )
    return Mistake(
        "another set", seen, "none of the usual mistakes leaves these parts",
        f"It should be {_said(right)}. Print the flags after each of your lines.",
    )


@train_last.probe
def what_the_optimizer_holds(answer):
    """All that trains, nothing that is frozen, at the rate given."""
    model = TinyEncoder()
    optimizer = answer(model, 1, 0.1)
    if not isinstance(optimizer, torch.optim.Optimizer):
        return Mistake(
            "no optimizer", f"{type(optimizer).__name__} where an optimizer is asked for",
            "the flags are right, but the optimizer is not returned",
            "End with `return torch.optim.AdamW(…)`.",
        )
    held = {id(p): p for group in optimizer.param_groups for p in group["params"]}
    frozen = sum(p.numel() for p in held.values() if not p.requires_grad)
    missing = sum(p.numel() for p in model.parameters() if p.requires_grad and id(p) not in held)
    if frozen:
        return Mistake(
            "froze after building the optimizer", f"{frozen} frozen weights in the optimizer",
            "the optimizer was made before the flags were set, or from `model.parameters()` as a whole; it "
            "then moves whatever still has a gradient, frozen or not",
            "Set the flags first. Then give the optimizer only the weights whose flag is True.",
        )
    if missing:
        return Mistake(
            "some weights left out", f"{missing} weights that could train and that no optimizer holds",
            "the optimizer got a part of the weights: the head alone, or the layers alone",
            "Choose the optimizer's weights by their flag, not by a second list.",
        )
    rates = [group["lr"] for group in optimizer.param_groups]
    if not same(rates, [0.1] * len(rates)):
        return Mistake(
            "rate ignored", f"a rate of {rates[0]:g} where 0.1 was given",
            "the optimizer uses its own default rate", "Give it `lr=rate`.",
        )
    return None


@train_last.probe
def no_layer_at_all(answer):
    """k=0 is feature extraction: the head alone."""
    model = TinyEncoder()
    answer(model, 0, 0.1)
    trains = _flags(model)
    if trains == ["head"]:
        return None
    return Mistake(
        "minus zero", f"with k=0 these parts can train: {_said(trains)}",
        "`layers[-k:]` with k=0 is `layers[0:]`, which is every layer",
        "Count from the front: which position do the last k of n layers begin at?",
    )


@train_last.probe
def flags_from_an_earlier_run(answer):
    """What an earlier run froze is unfrozen."""
    model = TinyEncoder()
    model.layers.requires_grad_(False)
    answer(model, 2, 0.1)
    trains = _flags(model)
    if trains == ["layer 2", "layer 3", "head"]:
        return None
    return Mistake(
        "left frozen", f"a model whose layers came in frozen; after your function, with k=2: {_said(trains)}",
        "flags are only ever set to False; what an earlier run has frozen stays so",
        "Set both: False on what should rest, and True on what should train.",
    )


# ---------------------------------------------------------------- 07.2

lora_weights = Check(
    "07.2",
    "Count what LoRA trains",
    hints=(
        "How many numbers are in A, which is rank × in? And in B, which is out × rank?",
        "rank · in + out · rank = rank · (in + out), for each matrix. W is frozen, so it does not count.",
    ),
)


def _counted(answer: Callable[..., int], shapes: list[tuple[int, int]], rank: int) -> Mistake | None:
    got = float(answer(shapes, rank))
    a, b = sum(rank * i for _, i in shapes), sum(rank * o for o, _ in shapes)
    full = sum(o * i for o, i in shapes)
    what = ", ".join(f"{o} × {i}" for o, i in shapes)
    return told_apart(
        got, a + b, f"{got:g} for rank {rank} beside {what}, where it is {a + b}",
        [
            Suspect("only A", a, "the matrix A is counted and B is not", "Both train: add out × rank."),
            Suspect("only B", b, "the matrix B is counted and A is not", "Both train: add rank × in."),
            Suspect("W counted too", a + b + full, "W is counted along with A and B", "W is frozen."),
            Suspect(
                "the whole matrix", full, "this is the size of W, which full fine-tuning would train",
                "LoRA trains the two thin matrices beside W instead.",
            ),
            Suspect(
                "size of W times rank", full * rank, "out · in · rank: the two sides were multiplied",
                "There are two separate matrices; add their sizes.",
            ),
            Suspect(
                "only one pair", rank * sum(shapes[0]), "the first matrix is counted and the others are not",
                "Every matrix has a pair of its own: sum over all shapes.",
            ),
            Suspect(
                "only one pair", rank * sum(shapes[-1]), "the last matrix is counted alone",
                "Add up in the loop, and return after it.",
            ),
            Suspect(
                "rank left out", (a + b) / rank, "in + out, as if the rank were 1",
                "A has `rank` rows, and B has `rank` columns.",
            ),
        ],
        "Write down the shapes of A and B for one matrix of 3 × 5 and rank 2, and count.",
    )


@lora_weights.probe
def one_matrix(answer):
    """Rank 2 beside 3 × 5: 10 + 6."""
    return _counted(answer, [(3, 5)], 2)


@lora_weights.probe
def several_matrices(answer):
    """Every matrix has its own pair."""
    return _counted(answer, [(384, 128), (128, 128), (128, 192)], 8)


# ---------------------------------------------------------------- 07.3

lora_linear = Check(
    "07.3",
    "LoRA by hand",
    hints=(
        (
            "In `__init__`: freeze the linear layer, make A and B as `torch.nn.Parameter`. For one of the "
            "two zeros are right, for the other they are fatal."
        ),
        (
            "A is random, B is zero: then B·A is zero, and B has a gradient. Of both factors zero, neither "
            "has one. Rows come as (…, in), so a matrix is applied from the right, transposed."
        ),
        "`self.linear(x) + alpha / rank * (x @ self.A.T @ self.B.T)`.",
    ),
)


def _made(answer, inputs: int = 5, outputs: int = 5, rank: int = 2, alpha: float = 6.0):
    """The answer around a linear layer, and a copy of that layer."""
    linear, copy = nn.Linear(inputs, outputs), nn.Linear(inputs, outputs)
    draw_weights(linear, 1)
    copy.load_state_dict(linear.state_dict())
    return answer(linear, rank, alpha), copy


def _rows(width: int) -> torch.Tensor:
    return torch.randn(4, width, generator=torch.Generator().manual_seed(2))


@lora_linear.probe
def its_parameters(answer):
    """A is (rank, in) and B (out, rank), both trainable; the linear layer is not."""
    module, _ = _made(answer, inputs=5, outputs=3)
    trains = {name: tuple(p.shape) for name, p in module.named_parameters() if p.requires_grad}
    shapes = {name: tuple(getattr(module, name).shape) for name in ("A", "B") if hasattr(module, name)}
    seen = f"with in=5, out=3 and rank=2, these train: {trains or 'none'}"
    if set(shapes) == {"A", "B"} and not {"A", "B"} <= set(trains):
        return Mistake(
            "not parameters", f"{seen}; A and B are there, but no optimizer would find them",
            "A and B are plain tensors; a module knows as its weights only what is an `nn.Parameter`",
            "Wrap both in `torch.nn.Parameter(…)`.",
        )
    if set(trains) > {"A", "B"}:
        return Mistake(
            "the linear layer still trains", seen,
            "nothing froze the layer that came in: this is full fine-tuning with additions",
            "Call `linear.requires_grad_(False)`.",
        )
    if shapes == {"A": (5, 2), "B": (2, 3)} or shapes == {"A": (3, 2), "B": (2, 5)}:
        return Mistake(
            "shapes turned round", seen, "A and B are stored as the transpose of what was asked for",
            "A is (rank, in): it squeezes. B is (out, rank): it widens again. So B @ A has the shape of W.",
        )
    if shapes == {"A": (2, 5), "B": (3, 2)}:
        return None
    return Mistake(
        "other parameters", seen, "A or B is missing, or has another shape",
        "Name them `self.A`, of shape (rank, in), and `self.B`, of shape (out, rank).",
    )


@lora_linear.probe
def step_zero(answer):
    """Before training it gives what the linear layer gives, and it can learn."""
    module, linear = _made(answer)
    a, b = bool(module.A.any()), bool(module.B.any())
    x = _rows(5)
    if a and b:
        return Mistake(
            "both factors random", "A and B both hold numbers other than zero before the first step",
            "then B·A is not zero, and a random change is added to every output before anything is learnt",
            "One of the two must start at zero. Which one does the lesson take?",
        )
    if not a and not b:
        return Mistake(
            "both factors zero", "A and B are both zero before the first step",
            "each factor's gradient is multiplied by the other factor, so both gradients are zero for ever",
            "Let one start random.",
        )
    if not a:
        return Mistake(
            "the other one is zero", "A is zero and B is random before the first step",
            "that starts unchanged and learns, too, but it is not what Hu et al. and `peft` do, and files "
            "and comparisons rely on the convention",
            "Exchange the starting values of A and B.",
        )
    return told_apart(
        module(x).detach(), linear(x).detach(),
        "with B at zero, an output that is not the linear layer's",
        [
            Suspect("only the change", torch.zeros(4, 5), "the linear layer's own output is not added",
                    "Add `self.linear(x)`."),
            Suspect("bias left out", x @ linear.weight.T.detach(),
                    "the product with W is there, but the bias of the linear layer is not",
                    "Call the linear layer itself, which knows its bias."),
        ],
        "With B at zero the second term vanishes: what else is added, or missing?",
    )


@lora_linear.probe
def the_change(answer):
    """alpha / rank · B·A, in this order and with this scale."""
    for inputs, outputs in ((5, 5), (5, 3)):
        module, linear = _made(answer, inputs, outputs)
        with torch.no_grad():
            draw_weights(_Only(module.A, module.B), 3)
            x = _rows(inputs)
            change = module(x) - linear(x)
            plain = x @ module.A.T @ module.B.T  # scale 1; it should be 6 / 2
            suspects = [
                Suspect("scale left out", plain, "B·A is added as it is, without alpha / rank",
                        "Multiply the change by alpha / rank."),
                Suspect("scale upside down", plain * 2 / 6, "the change is multiplied by rank / alpha",
                        "A higher rank means *less* weight for each part: divide by the rank."),
                Suspect("not divided by the rank", plain * 6, "the change is multiplied by alpha alone",
                        "Divide by the rank, so that a change of rank does not call for a new rate."),
                Suspect("times the rank", plain * 12, "the change is multiplied by alpha · rank",
                        "Divide by the rank instead."),
            ]
            if inputs == outputs:
                wrong = x @ module.B @ module.A
                suspects += [
                    Suspect("wrong product order", wrong * factor,
                            "x meets B first and then A, or B·A without its transpose: right shapes only "
                            "because this W is square",
                            "First A squeezes x to `rank` numbers, then B widens them: `x @ A.T @ B.T`.")
                    for factor in (3, 1)
                ]
        mistake = told_apart(
            change, 3 * plain, f"with in={inputs}, out={outputs}, rank=2 and alpha=6, a change of length "
            f"{float(change.norm()):.3g} where {float(3 * plain.norm()):.3g} is right", suspects,
            "Compute x @ A.T @ B.T for one row by hand, then its scale, alpha / rank.",
        )
        if mistake:
            return mistake
    return None


class _Only(nn.Module):
    def __init__(self, *parameters: nn.Parameter) -> None:
        super().__init__()
        self.all = nn.ParameterList(parameters)


@lora_linear.probe
def it_learns(answer):
    """Gradients reach both factors."""
    module, _ = _made(answer)
    with torch.no_grad():
        draw_weights(_Only(module.A, module.B), 3)
    module(_rows(5)).square().sum().backward()
    if module.A.grad is not None and module.B.grad is not None:
        return None
    return Mistake(
        "no gradient", "the right output, and no gradient for A or for B",
        "the change is computed under `no_grad`, or from `.data` or `.detach()`",
        "Use the parameters themselves in `forward`.",
    )


# ---------------------------------------------------------------- 07.4

layer_rates = Check(
    "07.4",
    "A rate for each layer",
    hints=(
        "How far is each part from the output? The head 0, the last layer 1, and so on downwards.",
        "The rate is `peak * decay**distance`. The parts come from the input up: the distance runs the other way.",
    ),
)


@layer_rates.probe
def four_parts(answer):
    """1 at the head, halved at each part below."""
    parts = ["embeddings", "layer 1", "layer 2", "head"]
    found = answer(parts, 1.0, 0.5)
    if not isinstance(found, dict) or set(found) != set(parts):
        return Mistake(
            "not a rate for each part", f"{found!r}",
            "a part is missing, or the rates are not given by the names of the parts",
            "Return a dict with one entry for each of the parts given.",
        )
    rates = [float(found[part]) for part in parts]
    return told_apart(
        rates, [0.125, 0.25, 0.5, 1.0],
        "from the embeddings to the head, with a peak of 1 and a decay of .5: "
        + ", ".join(f"{rate:.3g}" for rate in rates),
        [
            Suspect("order reversed", [1.0, 0.5, 0.25, 0.125],
                    "the distance is counted from the input: the embeddings move most and the new head least",
                    "Count the distance from the other end of the list."),
            Suspect("head below the peak", [0.0625, 0.125, 0.25, 0.5],
                    "an off-by-one: the distances start at 1, so the head is slowed down as well",
                    "The head's distance from the output is 0."),
            Suspect("head above the peak", [0.25, 0.5, 1.0, 2.0],
                    "an off-by-one: the peak goes to the last layer, and the head gets more",
                    "The peak is the largest rate, and the head has it."),
            Suspect("grows downwards", [8.0, 4.0, 2.0, 1.0], "the peak is divided by the decay at each part",
                    "Multiply by the decay: it is below one."),
            Suspect("one rate for the body", [0.5, 0.5, 0.5, 1.0],
                    "the decay is applied once, to everything below the head",
                    "Apply it once more for each part further down: a power."),
            Suspect("all the same", [1.0] * 4, "the decay is not used", "Multiply by a power of the decay."),
            Suspect("a straight line", [0.25, 0.5, 0.75, 1.0],
                    "the rates fall by equal differences, not by equal factors",
                    "Each is `decay` times the one above it."),
            Suspect("multiplied instead of raised", [1.5, 1.0, 0.5, 0.0],
                    "`decay * distance` stands where a power should", "Write `decay**distance`."),
        ],
        "Begin at the head with the peak, and go down: each rate is `decay` times the last.",
    )


@layer_rates.probe
def other_numbers(answer):
    """For any number of parts, peak and decay."""
    parts = ["embeddings", *(f"layer {n}" for n in range(1, 13)), "head"]
    found = answer(parts, 2e-5, 0.9)
    rates = torch.tensor([float(found[part]) for part in parts]).double() * 1e5
    right = torch.tensor([2 * 0.9 ** (13 - n) for n in range(14)]).double()
    return told_apart(
        rates, right, f"with 12 layers, a peak of 2e-5 and a decay of .9 the head gets {float(found['head']):.3g} and "
        f"the embeddings {float(found['embeddings']):.3g}",
        [Suspect("peak ignored", right * 5e4, "the shares are right, but they are not multiplied by the peak",
                 "Multiply each share by `peak`.")],
        "Look for a number of the small example that is still in your function.",
    )


# ---------------------------------------------------------------- 07.5

unfrozen = Check(
    "07.5",
    "Which parts train at this step?",
    hints=(
        "Write the parts as a list from the head downwards. In stage 0 the first of them trains, in stage 1 two …",
        (
            "Steps count from 1: with 10 steps a stage, step 10 still belongs to stage 0, and step 11 to "
            "stage 1. What must you take off before dividing?"
        ),
        "`stage = (step - 1) // steps_per_stage`, and then the first `stage + 1` of the list.",
    ),
)


def _thawing(stage_of: Callable[[int], int], take: Callable[[list[str], int], list[str]]) -> list[set[str]]:
    """Which parts train at steps 1 to 50, with 3 layers and 10 steps a stage."""
    downwards = ["head", "layer 3", "layer 2", "layer 1", "embeddings"]
    return [set(take(downwards, stage_of(step))) for step in range(1, 51)]


_STAGE = lambda step: (step - 1) // 10  # noqa: E731
_RIGHT = _thawing(_STAGE, lambda parts, stage: parts[: stage + 1])
_THAWS = [
    (
        "stages begin a step early", _thawing(lambda s: s // 10, lambda parts, stage: parts[: stage + 1]),
        "`step // steps_per_stage` counts steps from 0, but the first step is 1",
        "Put step = steps_per_stage into your formula: it is still in the first stage.",
    ),
    (
        "bottom first", _thawing(_STAGE, lambda parts, stage: parts[::-1][: stage + 1]),
        "the list is used from the input upwards: the random head stays frozen until the end",
        "Turn the list round: the head is the first to train.",
    ),
    (
        "frozen again", _thawing(_STAGE, lambda parts, stage: parts[min(stage, 4) : min(stage, 4) + 1]),
        "only the newest part trains in each stage, and what trained before is frozen again",
        "Give all parts up to the stage's, not the stage's alone.",
    ),
    (
        "layers before their turn", _thawing(_STAGE, lambda parts, stage: [parts[0], *parts[1:][::-1][:stage]]),
        "the head is first, as it should be, but then come the parts at the input",
        "Below the head the *last* layer follows: number the layers downwards.",
    ),
    (
        "embeddings never", _thawing(_STAGE, lambda parts, stage: parts[:4][: stage + 1]),
        "the list of parts ends with layer 1", "The embeddings are the last part to be unfrozen: add them.",
    ),
    (
        "one stage ahead", _thawing(_STAGE, lambda parts, stage: parts[: stage + 2]),
        "the head and the last layer begin together: an off-by-one in how many parts a stage has",
        "In the first stage, stage 0, there is one part.",
    ),
    (
        "nothing at first", _thawing(_STAGE, lambda parts, stage: parts[:stage]),
        "an off-by-one: in the first stage no part trains at all", "Stage 0 has one part, the head.",
    ),
    (
        "all at once", _thawing(_STAGE, lambda parts, stage: parts if stage else parts[:1]),
        "after the head, everything below is unfrozen in one stage", "Add one part per stage.",
    ),
]  # fmt: skip


@unfrozen.probe
def fifty_steps(answer):
    """Three layers, ten steps a stage: stages begin at steps 1, 11, 21, 31, 41."""
    got = [set(answer(step, 10, 3)) for step in range(1, 51)]
    if got == _RIGHT:
        return None
    step = next(i for i in range(50) if got[i] != _RIGHT[i])
    seen = (
        f"with 3 layers and 10 steps a stage, at step {step + 1} these train: {_said(sorted(got[step]))}; "
        f"it should be {_said(sorted(_RIGHT[step]))}"
    )
    for name, wrong, cause, move in _THAWS:
        if got == wrong:
            return Mistake(name, seen, cause, move)
    return Mistake(
        "another order", seen, "none of the usual mistakes gives these parts",
        "Follow your function by hand at this step.",
    )


@unfrozen.probe
def far_beyond(answer):
    """The last stage lasts for ever; a stage may be one step long."""
    got, everything = set(answer(1000, 1, 2)), {"embeddings", "layer 1", "layer 2", "head"}
    if got == everything and set(answer(2, 1, 2)) == {"layer 2", "head"}:
        return None
    return Mistake(
        "wrong beyond the example", f"with 2 layers and 1 step a stage, at step 1000: {_said(sorted(got))}",
        "a number of the larger example (3 layers, 10 steps) is written into the function, or the last "
        "stage ends",
        "Build the names from `layers`, and let the slice run past the end of the list: that is allowed.",
    )


# ---------------------------------------------------------------- 07.6

forgotten = Check(
    "07.6",
    "How much was forgotten?",
    hints=(
        "How often do you call `words.hide()`? Each call hides other words, and some words are harder than others.",
        (
            "Keep the batches in a variable, and give the same ones to both models. Then: sum of losses over "
            "hidden words, divided by their number, for each model."
        ),
        (
            '`cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="sum")` leaves out labels of '
            "-100. Return after minus before."
        ),
    ),
)


@forgotten.probe
def on_the_same_words(answer):
    """After minus before, on words hidden once."""
    before, after, words = TinyGuesser(seed=1), TinyGuesser(seed=2), HiddenWords(seed=3)
    got = float(answer(before, after, words))
    if len(words.calls) != 1:
        return Mistake(
            "other words were hidden" if words.calls else "never hid a word",
            f"`words.hide()` was called {len(words.calls)} times; a change of {got:.3f}",
            "each model guessed words of its own, so the difference is partly the luck of which were hidden"
            if words.calls else "without hidden words there is nothing to guess",
            "Call it once, keep the batches, and give both models the same."
            if words.calls else "Begin with `batches = words.hide()`.",
        )
    batches = words.calls[0]
    sums = torch.tensor([[_sum(model, *batch) for batch in batches] for model in (before, after)])  # (2, batches)
    targets = torch.tensor([int((labels != -100).sum()) for _, labels in batches])
    places = sum(labels.numel() for _, labels in batches)
    old, new = (float(each.sum() / targets.sum()) for each in sums)
    means = (sums / targets).mean(1)
    everything = [
        sum(float(cross_entropy(model(ids).flatten(0, 1), _unhidden(ids, labels).flatten(), reduction="sum"))
            for ids, labels in batches) / places
        for model in (before, after)
    ]
    return told_apart(
        got, new - old, f"{got:.4f}; on these words the loss goes from {old:.4f} to {new:.4f}",
        [
            Suspect("sign turned round", old - new,
                    "before minus after: what was lost comes out as a gain",
                    "A loss that has *risen* should give a positive number."),
            Suspect("a ratio", new / old, "the two losses are divided by each other",
                    "Take the difference: nats can be added and subtracted."),
            Suspect("only after", new, "the loss of the model before is not taken off",
                    "Measure both models, and subtract."),
            Suspect("mean of batch means", float(means[1] - means[0]),
                    "each batch counts the same, however few of its words are hidden",
                    "Add up losses and hidden words over all batches, and divide once."),
            Suspect("not divided", float((sums[1] - sums[0]).sum()), "the sums of the losses are compared",
                    "Divide by the number of hidden words."),
            Suspect("all places counted", float((sums[1] - sums[0]).sum()) / places,
                    "the sum is over hidden words, but it is divided by the number of all words",
                    "Count only labels that are not -100."),
            Suspect("visible words guessed", everything[1] - everything[0],
                    "words that the model can see are scored along with the hidden ones",
                    "Use the labels as they come: -100 is left out by `cross_entropy`."),
            Suspect("never changes", 0.0, "one model was measured twice",
                    "Look at which model goes into each of the two measurements."),
        ],
        "Print both losses. `forgotten(model, model, words)` should be 0.",
    )


def _sum(model: TinyGuesser, ids: torch.Tensor, labels: torch.Tensor) -> float:
    return float(cross_entropy(model(ids).flatten(0, 1), labels.flatten(), reduction="sum"))


def _unhidden(ids: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return torch.where(labels == -100, ids, labels)
