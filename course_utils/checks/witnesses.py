"""How the checks of the lessons recognise a mistake: suspects and witnesses.

A *suspect* is a wrong program written out: its result is compared with the answer's (`told_apart`). A *witness*
is a model, an optimizer or a scorer that notes in a journal when, and in what state, it was called: it tells
apart orders of calls that end in the same numbers. Witnesses belong to their lessons; `draw_weights` makes
their models the same every time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from course_utils.checks import Mistake

__all__ = ["Suspect", "draw_weights", "same", "told_apart"]


@dataclass(frozen=True)
class Suspect:
    """What a usual mistake would give, and what to say if the answer gives the same."""

    name: str
    value: Any
    cause: str
    move: str


def same(a: Any, b: Any) -> bool:
    """Whether two numbers, lists, arrays or tensors agree but for rounding in float32; anything else if it is equal."""
    try:
        x, y = torch.as_tensor(a).double(), torch.as_tensor(b).double()
    except (TypeError, ValueError, RuntimeError):  # words, rows of several lengths
        return bool(a == b)
    return x.shape == y.shape and torch.allclose(x, y, rtol=1e-3, atol=1e-6)


def told_apart(
    got: Any, right: Any, seen: str, suspects: Sequence[Suspect], otherwise: str
) -> Mistake | None:
    """None if the answer is right, else the first suspect that gives what it gives.

    `seen` says what the answer gave; `otherwise` is the next move where no suspect gives the same.
    """
    if same(got, right):
        return None
    for suspect in suspects:
        if same(got, suspect.value):
            return Mistake(suspect.name, seen, suspect.cause, suspect.move)
    return Mistake("another value", seen, "none of the usual mistakes gives this value", otherwise)


def draw_weights(model: nn.Module, seed: int) -> None:
    """Every parameter of a model from a normal distribution, the same for the same seed."""
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(generator=random)
