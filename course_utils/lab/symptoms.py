"""What is wrong with a run, from its curves alone: rules of thumb, which a learner can apply by eye."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..runs import Record

# Name → how it looks, and what usually leads there.
SYMPTOMS = {
    "learns": "Training and validation loss fall, and validation stays down.",
    "learns by heart": "Training loss goes on falling while validation loss has turned and risen: "
    "too many passes, or too few rows.",
    "learns nothing": "Validation is never better than guessing, whatever the training loss does: "
    "a rate far too high or too low, too few rows or passes, or rows of one class.",
    "breaks": "The loss jumps up and stays there, or is no number: the rate is too high.",
    "repeats itself": "The training loss draws the same teeth in every epoch: the rows are not shuffled.",
    "too good": "Validation loss falls as far as training loss, to next to nothing: the task is very easy, "
    "or validation rows are among the training rows.",
}
FEWEST = 4  # evaluations, below which nothing is said


def symptom(
    records: Sequence[Record], *, guessing: float = math.nan, most_frequent: float = math.nan, failed: bool = False
) -> str:
    """The name of what the curves show, or "" where there is too little of them.

    `guessing` is the validation loss, in nats per target, of one who knows how frequent each label is and nothing
    else; `most_frequent` the accuracy of one who always says the most frequent. The thresholds are this course's own.
    """
    if failed:
        return "breaks"
    validation = np.array([record.validation["loss"] for record in records if record.validation])
    if len(validation) < FEWEST:
        return ""
    losses = np.array([record.loss for record in records])
    if not (np.isfinite(losses).all() and np.isfinite(validation).all()):
        return "breaks"
    tenth = max(1, len(losses) // 10)
    last = losses[-tenth:].mean()
    if last > 1.5 * losses[:tenth].mean():
        return "breaks"
    if _likeness_of_epochs(records) > 0.5:
        return "repeats itself"
    # On few rows a model is soon too sure: its loss may stay above that of guessing though it is mostly right.
    accuracy = max(record.validation.get("accuracy", 0.0) for record in records if record.validation)
    mostly_right = accuracy > most_frequent + (1 - most_frequent) / 3
    if validation.min() > 0.97 * guessing and not mostly_right:
        return "learns nothing"
    if validation[-1] < min(0.25 * guessing, last):  # dropout is off in validation, so seen rows look better there
        return "too good"
    if validation[-1] > 1.15 * validation.min() and validation[-1] > 1.5 * last:
        return "learns by heart"
    return "learns"


def _likeness_of_epochs(records: Sequence[Record]) -> float:
    """How alike the teeth of neighbouring epochs are: the correlation of their losses, without trend and the first."""
    by_epoch: dict[int, list[float]] = {}
    for record in records:
        by_epoch.setdefault(math.ceil(record.epoch), []).append(record.loss)
    whole = [np.array(losses) for epoch, losses in by_epoch.items() if epoch > 1 and len(losses) == len(by_epoch[1])]
    if len(whole) < 3 or len(whole[0]) < 6:
        return 0.0
    steps = np.arange(len(whole[0]))
    teeth = [losses - np.polyval(np.polyfit(steps, losses, 1), steps) for losses in whole]
    if np.mean([tooth.std() for tooth in teeth]) < 0.1 * np.mean(whole):  # a smooth curve bends alike everywhere
        return 0.0
    teeth = [tooth for tooth in teeth if tooth.std()]
    return float(np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(teeth, teeth[1:])] or 0.0))
