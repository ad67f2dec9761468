"""Exercises 08.2 and 08.7: what the curve of a range test suggests, and what the curves of six runs ask for."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from course_utils.checks import Check, Mistake
from course_utils.checks.judging import Case, Program, Wrong, judge

__all__ = ["next_moves", "range_curve", "suggest_rate", "tuning_runs"]

# A mistake reads best as its four parts, on as few lines as they need:
# fmt: off


# ---------------------------------------------------------------- 08.2

suggest_rate = Check("08.2", "Read a range test", hints=(
    "Where the loss is lowest, the rate is already too high to train with: one moment later it rises. Where does it fall "
    "fastest?",
    "In this order: keep what comes before the lowest loss; average each loss with some on *both* sides; take differences "
    "of neighbours. Rates grow by a factor, so neighbours are equally far apart on the scale of the logarithm.",
    "`np.diff(smooth).argmin()` is the place of the steepest fall. `np.nanargmin` passes over losses that are not numbers.",
))


def range_curve(
    steepest: float = 3e-4, *, noise: float = 0.0, swings: float = 0.0, broken: int = 0, steps: int = 120,
) -> tuple[list[float], list[float]]:
    """A learning-rate range test: rates from 1e-7 to 10 in equal factors, and the loss at each.

    The loss falls fastest at `steepest` and explodes 1.7 decades later: smoothly, or with `swings`. The last `broken`
    losses are nan.
    """
    x = np.linspace(-7, 1, steps)
    over = np.maximum(x - math.log10(steepest) - 1.7, 0)  # decades into the explosion
    loss = 1.6 - 1.4 / (1 + np.exp((math.log10(steepest) - x) / 0.35)) + 6 * over**2 * (1 + swings * np.cos(9 * over))
    loss += noise * np.random.default_rng(95).normal(size=steps)
    loss[steps - broken :] = math.nan
    return (10**x).tolist(), loss.tolist()


Smoothing = Callable[[np.ndarray], np.ndarray]


def _averaged(before: int, after: int) -> Smoothing:
    return lambda losses: np.array([losses[max(0, i - before) : i + after + 1].mean() for i in range(len(losses))])


def _running(beta: float) -> Smoothing:
    return lambda losses: pd.Series(losses).ewm(alpha=1 - beta).mean().to_numpy()


_EVENLY = _averaged(4, 4)


def _steepest(smooth: Smoothing = _EVENLY, cut: bool = True, slope: Program = lambda s, r: np.diff(s)) -> Program:
    """The rate in the middle of the steepest step."""
    def program(rates: Sequence[float], losses: Sequence[float]) -> float:
        values, of = np.array(losses), np.array(rates)
        values = values[: int(np.nanargmin(values)) + 1] if cut else values[np.isfinite(values)]
        at = int(slope(smooth(values), of[: len(values)]).argmin())
        return float(math.sqrt(of[at] * of[min(at + 1, len(of) - 1)]))

    return program


def _as_it_is(losses: np.ndarray) -> np.ndarray:
    return losses


def _at_lowest(share: float) -> Program:
    return lambda rates, losses: rates[int(np.nanargmin(losses))] * share


_RATES = (
    Wrong("the lowest loss", _at_lowest(1),
          "this is where the loss is lowest: the last rate before it explodes, too high for a whole run",
          "Look for the steepest fall, not for the lowest point."),
    Wrong("the lowest loss, divided", _at_lowest(0.1),
          "a tenth of the rate with the lowest loss is a rule of thumb; how far the fall lies before the lowest point "
          "differs from curve to curve", "Look for the steepest fall itself.",
          others=(_at_lowest(0.25), _at_lowest(1 / 3))),
    Wrong("not smoothed", _steepest(_as_it_is),
          "from one batch to the next the loss jumps further than it falls, so the largest fall between neighbours is "
          "noise", "Smooth the losses before you take differences.",
          others=(_steepest(_as_it_is, slope=lambda s, r: np.gradient(s)), _steepest(_as_it_is, cut=False),
                  _steepest(_as_it_is, cut=False, slope=lambda s, r: np.gradient(s)))),
    Wrong("the average lags", _steepest(_running(0.9)),
          "a running average looks back only: it comes down some steps after the loss does, and each step raises the "
          "rate", "Average over as many steps after as before.",
          others=(_steepest(_running(0.95)), _steepest(_running(0.98)), _steepest(_averaged(15, 0)),
                  _steepest(_averaged(19, 0)))),
    Wrong("slope per rate", _steepest(slope=lambda s, r: np.diff(s) / np.diff(r)),
          "the fall is divided by the difference of the rates, which is tiny where rates are small; that end then "
          "always seems the steepest", "Measure the fall per step, that is per factor of the rate.",
          others=(_steepest(slope=np.gradient), _steepest(_as_it_is, slope=np.gradient),
                  _steepest(_as_it_is, slope=lambda s, r: np.diff(s) / np.diff(r)))),
    Wrong("steepest rise", _steepest(cut=False, slope=lambda s, r: -np.diff(s)),
          "the loss *rises* fastest here: a fall is a negative difference",
          "Take the smallest difference, not the largest.",
          others=(_steepest(slope=lambda s, r: -np.diff(s)),
                  _steepest(cut=False, slope=lambda s, r: -np.abs(np.diff(s))),
                  _steepest(_as_it_is, cut=False, slope=lambda s, r: -np.diff(s)))),
    Wrong("after the explosion", _steepest(cut=False),
          "after the loss has exploded it swings, and falls further than it ever did before",
          "Leave out all that comes after the lowest loss, first of all.",
          others=(_steepest(_as_it_is, cut=False), _steepest(_averaged(2, 2), cut=False),
                  _steepest(_running(0.7), cut=False))),
    Wrong("not a number won", lambda rates, losses: rates[int(np.argmin(losses))],
          "`np.argmin` takes nan for the smallest of all",
          "Leave out losses that are not numbers before you look for the smallest.",
          symptom=lambda got, right: got == "near nan"),
    Wrong("a place, not a rate", lambda rates, losses: int(np.nanargmin(losses)),
          "the number of the step came back", "Return the rate of that step.",
          symptom=lambda got, right: got == "a step"),
)
_steep = _steepest()


def _where(rate: Any, rates: Sequence[float], losses: Sequence[float]) -> Any:
    """A rate as it is compared: within a factor of two it is the right one."""
    value, right = float(rate), _steep(rates, losses)
    if value >= 10.5:
        return "a step"
    broken = [i for i, loss in enumerate(losses) if not math.isfinite(loss)]
    if broken and value >= 0.99 * rates[broken[0] - 10]:  # smoothing carries nan some steps back
        return "near nan"
    if value <= 0 or abs(math.log10(value / right)) < 0.3:
        return right if value > 0 else value
    return round(math.log10(value), 1)


judge(
    suggest_rate, _steep,
    {
        "a smooth curve": [Case(range_curve(), "a smooth curve")],
        "another scale": [Case(range_curve(2e-3), "a curve further to the right")],
        "a noisy curve": [Case(range_curve(noise=0.04), "a noisy curve")],
        "swings after the explosion": [Case(range_curve(1e-4, swings=0.9), "a loss that swings after it has exploded")],
        "losses that are nan": [Case(range_curve(1e-3, swings=0.9, broken=12), "a curve whose last losses are nan")],
    },
    _RATES, "Plot the smoothed curve over the rate on a logarithmic axis, and mark your answer.", view=_where,
    seen=lambda result, got, right, case: (
        f"for {case.words} your answer is {float(result):.3g}; the loss falls fastest near {_steep(*case.args):.1g}"),
)


# ---------------------------------------------------------------- 08.7

next_moves = Check("08.7", "What next?", hints=(
    "Look at two things in each figure: how low does the training loss come, and where does the validation loss go "
    "meanwhile?",
    "One label in ten is wrong in every split, and nobody can know which. So what does a validation loss far *below* the "
    "dotted line tell? And a training loss below it?",
    "High, and jumping about: steps too long. Together, and still falling at the end: steps too short. Training far "
    "down, validation up: learnt by heart. Both far down: the same rows. A leap at the same place of each epoch: rows in "
    "order.",
))

_MOVES = {
    "A": "regularise", "B": "raise the rate", "C": "check the splits",
    "D": "lower the rate", "E": "keep it", "F": "shuffle",
}


def tuning_runs() -> dict[str, pd.DataFrame]:
    """Six real runs of logistic regression on 256 rows, eight epochs of 16 steps: letter → frame.

    The columns are those of `History.frame`: step, loss and, every eighth step, validation_loss.
    """
    changes: dict[str, dict[str, Any]] = {
        "keep it": {},
        "raise the rate": {"rate": 5e-4},
        "lower the rate": {"rate": 5.0},
        "regularise": {"width": 200, "rate": 0.3},
        "check the splits": {"width": 200, "rate": 0.3, "copied": 240},
        "shuffle": {"rate": 0.2, "shuffle": False},
    }
    return {letter: _logistic_run(**changes[move]) for letter, move in _MOVES.items()}


def _logistic_run(width: int = 12, rate: float = 0.05, copied: int = 0, shuffle: bool = True) -> pd.DataFrame:
    random = np.random.default_rng(1)

    def rows(count: int) -> tuple[np.ndarray, np.ndarray]:
        truth = 2 * random.integers(0, 2, count) - 1  # -1 or 1
        x = random.normal(size=(count, width))
        x[:, :8] += 0.9 * truth[:, None]  # eight features tell the class; the others are noise
        x[:, -1] = 3.0  # a large bias, so that the order of the labels shows
        return x, np.where(random.random(count) < 0.1, -truth, truth)  # one label in ten is wrong

    (x, y), (validation_x, validation_y) = rows(256), rows(256)
    validation_x[:copied], validation_y[:copied] = x[:copied], y[:copied]
    if not shuffle:
        order = np.argsort(y, kind="stable")
        x, y = x[order], y[order]
    weights, records = np.zeros(width), []
    for step in range(1, 129):
        if step % 16 == 1:
            order = random.permutation(256) if shuffle else np.arange(256)
        batch = order[(step - 1) % 16 * 16 :][:16]
        margins = y[batch] * (x[batch] @ weights)
        gradient = -(x[batch].T @ (y[batch] / (1 + np.exp(np.clip(margins, -500, 500))))) / 16
        weights = weights - rate * gradient
        record = {"step": step, "loss": float(np.logaddexp(0, -margins).mean()), "validation_loss": math.nan}
        if step % 8 == 0:
            record["validation_loss"] = float(np.logaddexp(0, -validation_y * (validation_x @ weights)).mean())
        records.append(record)
    return pd.DataFrame(records)


def _spoken(answer: dict[str, str]) -> dict[str, str]:
    """The answer with runs in capitals and moves in small letters, as the list has them."""
    return {str(key).strip().upper(): " ".join(str(move).lower().split()) for key, move in answer.items()}


@next_moves.probe
def in_the_words_given(answer):
    """One of the six moves for each of the six runs; capitals do not matter."""
    answer = _spoken(answer)
    if set(answer) != set(_MOVES):
        return Mistake("other runs", f"moves for {', '.join(answer) or 'no run'}", "a run has no move yet, or there is one "
                       "that was not asked for", "Give one move to each of A to F.")
    if unknown := [move for move in answer.values() if move not in _MOVES.values()]:
        return Mistake("other words", f"the move {', '.join(map(repr, unknown))}, which is not one of the six",
                       "a move is spelt otherwise than in the list", f"Choose from: {', '.join(sorted(_MOVES.values()))}.")
    if len(set(answer.values())) < len(_MOVES):
        return Mistake("a move twice", f"the moves {', '.join(answer.values())}", "one move is given to more than one run",
                       "Each move belongs to one run. Begin with the one that you are surest of.")
    return None


_CONFUSED = (  # what the run asks for, what was said, and what to say to that
    ("check the splits", "keep it", "too good to be true",
     "you keep a run whose validation loss is lower than anyone's can be who does not know which labels are wrong",
     "Compare each validation loss with the dotted line. How could a model come far below it?"),
    ("raise the rate", "keep it", "smooth is not done",
     "the calmest curves are taken for the best, but a run can be calm because it hardly moves",
     "Look at how far a run has come, and whether it is still falling when it ends."),
    ("regularise", "lower the rate", "high for another reason",
     "two runs end with a high validation loss, and for different reasons",
     "Look at their training loss: one of the two has learnt its rows by heart, the other has learnt nothing."),
    ("shuffle", "lower the rate", "leaps with a rhythm",
     "two runs leap, one of them at the same places of each epoch",
     "Look for the run that repeats itself. What comes back once in an epoch?"),
    ("regularise", "check the splits", "the same training, another validation",
     "two runs learn their rows by heart; only one of them does so with the validation rows too",
     "Compare the validation losses of the two runs whose training loss goes far down."),
    ("regularise", "keep it", "training loss alone",
     "a training loss that goes far down is taken for success",
     "Read the validation loss: where does it go after the first epoch?"),
    ("raise the rate", "lower the rate", "the wrong way",
     "a run with too small a rate and one with too large a rate both learn little",
     "Steps that are too short are seen as a slow and even fall; steps that are too long overshoot."),
)


@next_moves.probe
def each_run(answer):
    """Told by the height of both losses, by slope and by rhythm; no letter is named, which would solve it."""
    answer = _spoken(answer)
    wrong = {move: answer[letter] for letter, move in _MOVES.items() if answer[letter] != move}
    seen = f"{len(_MOVES) - len(wrong)} of {len(_MOVES)} right"
    for asked, said, name, cause, move in _CONFUSED:
        if wrong.get(asked) == said or (said != "keep it" and wrong.get(said) == asked):
            return Mistake(name, seen, cause, move)
    if wrong:
        return Mistake("mixed up", seen, "the moves went to other runs, and in none of the usual ways",
                       "Take one run at a time: does it learn its own rows, and does that help with the others?")
    return None
