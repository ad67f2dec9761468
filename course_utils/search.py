"""Which settings? A test of learning rates in one run, and a search whose budget is counted in steps.

    frame = rate_range_test(model, encoded["train"])      # one run, its rate rising from step to step
    suggested_rate(frame)

    def run(trial):                                        # settings in, the loop's records out
        config = TrainConfig(epochs=5, learning_rate=trial.suggest_float("learning_rate", 1e-5, 1e-2, log=True))
        return training_steps(load_model(name, task), encoded["train"], config, validation=encoded["validation"])

    study = search(run, steps=400, file="search.db", name="rates")   # call it again, and it goes on
    trials_table(study)

Optuna proposes the settings and keeps the trials; what is added here is the budget, pruning from the loop's own
records, and that a search which was killed ends as if it had not been.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from .batching import Rows, batch_order
from .devices import to_device
from .errors import CourseError
from .losses import Loss, count_targets, resolve_loss
from .runs import Record, TrainConfig, watched_metric
from .training import make_optimizer

if TYPE_CHECKING:
    import optuna
    import pandas as pd

SAMPLERS = ("TPE", "random")
SMOOTHING = 0.9  # share of the old average in the new one: about the last ten losses count
GIVE_UP = 4.0  # the range test ends where the smoothed loss is so many times the lowest


def rate_range_test(
    model: nn.Module,
    data: Rows,
    *,
    lowest: float = 1e-6,
    highest: float = 1.0,
    steps: int = 100,
    batch_size: int = 16,
    loss: str | Loss | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Train with a rate that grows by the same factor at every step, and put the weights back.

    Returns one line a step: `step`, `learning_rate`, `loss` (nats per target, before the update) and `smoothed`, its
    running average. Ends early where the loss is no number, or `smoothed` is `GIVE_UP` times its lowest. The model is
    left as it was: weights, buffers, modes, gradients.

    Source: the LR range test of Smith 2015 (https://arxiv.org/abs/1506.01186, section 3.3), whose rate rises linearly.

    Raises:
        CourseError: `lowest` is not between 0 and `highest`, fewer than two steps, or no rows.
    """
    import pandas as pd

    if not 0 < lowest < highest:
        raise CourseError(f"lowest={lowest:g} must be above 0 and below highest={highest:g}")
    if steps < 2:
        raise CourseError(f"steps={steps} is too short for a rate that rises: give 20 or more")
    if len(data) == 0:
        raise CourseError("There are no rows to train on; check the split and its filters.")
    of_batch = resolve_loss(loss, data)
    optimizer = make_optimizer(model, TrainConfig(max_steps=steps, weight_decay=0.0))
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    device = parameters[0].device
    weights = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
    modes = [(module, module.training) for module in model.modules()]
    lines: list[dict[str, float]] = []
    average, least = 0.0, math.inf
    try:
        model.train()
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(seed)
            for step, indices in enumerate(_endless_batches(data, batch_size, seed), start=1):
                rate = lowest * (highest / lowest) ** ((step - 1) / (steps - 1))
                for group in optimizer.param_groups:
                    group["lr"] = rate
                batch = to_device(data.batch(indices), device)
                mean_loss = of_batch(model, batch) / max(1, count_targets(batch))
                mean_loss.backward()
                nn.utils.clip_grad_norm_(parameters, 1.0)
                optimizer.step()
                optimizer.zero_grad()
                average = SMOOTHING * average + (1 - SMOOTHING) * mean_loss.item()
                smoothed = average / (1 - SMOOTHING**step)  # at the first steps the average still holds its zero
                if not math.isfinite(smoothed):
                    break
                lines.append({"step": step, "learning_rate": rate, "loss": mean_loss.item(), "smoothed": smoothed})
                least = min(least, smoothed)
                if step == steps or smoothed > GIVE_UP * least:
                    break
    finally:
        optimizer.zero_grad()
        model.load_state_dict(weights)
        for module, mode in modes:
            module.training = mode
    return pd.DataFrame(lines, columns=["step", "learning_rate", "loss", "smoothed"])


def suggested_rate(frame: pd.DataFrame) -> float:
    """A tenth of the rate at which the smoothed loss of a range test is lowest: past that point it only rises.

    Source: Gugger 2018 (https://sgugger.github.io/how-do-you-find-a-good-learning-rate.html), as a rule of thumb.
    """
    if len(frame) == 0:
        raise CourseError("The range test has no step with a finite loss: begin at a smaller lowest=…")
    return float(frame["learning_rate"][frame["smoothed"].idxmin()]) / 10


def _endless_batches(data: Rows, batch_size: int, seed: int) -> Generator[Any, None, None]:
    epoch = 0
    while True:
        yield from batch_order(data.lengths, batch_size=batch_size, seed=seed, epoch=epoch)
        epoch += 1


# ---------------------------------------------------------------- search


def search(
    run: Callable[[optuna.Trial], Generator[Record, None, None]],
    *,
    steps: int,
    file: str | Path | None = None,
    name: str = "search",
    sampler: str = "TPE",
    random_trials: int = 5,
    pruner: optuna.pruners.BasePruner | None = None,
    watch: str = "accuracy",
    seed: int = 0,
) -> optuna.Study:
    """Trials until `steps` optimizer steps are spent; the last one begun is finished.

    `run(trial)` asks the trial for its settings and returns `training_steps(…, validation=…)`. A trial's value is the
    best of its evaluations by the validation metric `watch`, as the loop keeps those weights. After each evaluation
    `pruner` may end the trial, and then only the steps that it took are spent; without one, all trials are finished.
    The sampler "TPE" draws `random_trials` at random and then near those that did well; "random" goes on drawing.

    With `file`, the study lives in that SQLite file under `name`, and a second call goes on where the first one ended
    or was killed: what is proposed depends on `seed` and the finished trials alone, and a trial that was cut off
    counts for nothing. One process at a time.

    Sources: random search, Bergstra and Bengio 2012 (https://jmlr.org/papers/v13/bergstra12a.html); TPE, Bergstra et
    al. 2011 (https://papers.nips.cc/paper/4443-algorithms-for-hyper-parameter-optimization).

    Raises:
        CourseError: no budget, no such sampler, a file that is no study of this kind, a run without evaluations.
    """
    import optuna

    if sampler not in SAMPLERS:
        raise CourseError(f"There is no sampler {sampler!r}: use one of {', '.join(SAMPLERS)}.")
    if steps < 1:
        raise CourseError(f"steps={steps} pays for no trial: say how many optimizer steps the search may take.")
    study = _open_study(file, name, watch)
    study.pruner = pruner or optuna.pruners.NopPruner()
    while steps_spent(study) < steps:
        # Seeded anew for each trial: a sampler that begins a resumed search with `seed` would repeat its first trials.
        draw = int(np.random.SeedSequence([seed, len(_finished(study))]).generate_state(1)[0])
        study.sampler = (
            optuna.samplers.TPESampler(n_startup_trials=random_trials, seed=draw)
            if sampler == "TPE"
            else optuna.samplers.RandomSampler(seed=draw)
        )
        _run_trial(study, run, watch)
    return study


def steps_spent(study: optuna.Study) -> int:
    """The optimizer steps of all finished trials, those of pruned ones included."""
    return sum(trial.user_attrs["steps"] for trial in _finished(study))


def trials_table(study: optuna.Study) -> pd.DataFrame:
    """One line a finished trial: `trial`, `state` ("complete" or "pruned"), `value`, its `steps`, the steps `spent` by
    then, and a column for each setting. `value` is the best evaluation, NaN where the loss was no number before one."""
    import pandas as pd

    frame = pd.DataFrame(
        {
            "trial": trial.number,
            "state": trial.state.name.lower(),
            "value": math.nan if trial.value is None else trial.value,
            "steps": trial.user_attrs["steps"],
            "spent": 0,
            **trial.params,
        }
        for trial in _finished(study)
    )
    return frame.assign(spent=frame["steps"].cumsum()) if len(frame) else frame


def _run_trial(study: optuna.Study, run: Callable[[optuna.Trial], Generator[Record, None, None]], watch: str) -> None:
    """One trial, from the settings proposed to the value kept. An exception leaves it unfinished."""
    from optuna.trial import TrialState

    trial = study.ask()
    steps, best, sound, pruned = 0, -math.inf, True, False
    with closing(run(trial)) as records:
        while sound and not pruned:
            try:
                record = next(records, None)
            except CourseError:
                if steps == 0:  # the settings are at fault, not what they led to
                    raise
                record, sound = None, False  # the loss is no longer a number: a finding, not a fault
            if record is None:
                break
            steps = record.step
            if record.validation:
                _, sign = watched_metric(record.validation, watch)
                best = max(best, sign * record.validation[watch])
                trial.report(sign * best, steps)
                pruned = trial.should_prune()
    if sound and not pruned and best == -math.inf:
        raise CourseError(f"The run ended after {steps} steps without an evaluation: give training_steps validation=…")
    trial.set_user_attr("steps", steps)
    if sound and not pruned:
        study.tell(trial, sign * best)
    else:
        study.tell(trial, state=TrialState.PRUNED)


def _open_study(file: str | Path | None, name: str, watch: str) -> optuna.Study:
    """A new study, or that of this name in the file; trials that a killed process left running have failed."""
    import optuna
    from optuna.trial import TrialState
    from sqlalchemy.exc import SQLAlchemyError

    optuna.logging.set_verbosity(optuna.logging.WARNING)  # a line a trial would go to stderr
    if file is not None and not Path(file).absolute().parent.is_dir():
        raise CourseError(f"There is no folder {str(Path(file).absolute().parent)!r} for the study: make it first.")
    lower = watched_metric({watch: 0.0}, watch)[1] < 0
    try:
        study = optuna.create_study(
            storage=None if file is None else f"sqlite:///{Path(file).absolute()}",
            study_name=name,
            direction="minimize" if lower else "maximize",
            load_if_exists=True,
        )
    except SQLAlchemyError as error:
        raise CourseError(f"{str(file)!r} is no file of studies: give another name, or delete it.") from error
    watched = study.user_attrs.get("watch", watch)
    if watched != watch:
        raise CourseError(f"The study {name!r} in {str(file)!r} watches {watched!r}, not {watch!r}: use another name=…")
    study.set_user_attr("watch", watch)
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
    return study


def _finished(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    from optuna.trial import TrialState

    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))
