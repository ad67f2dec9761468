"""The training loop: READ THIS FIRST. One loop for every task, model and device.

    config = TrainConfig(epochs=3, batch_size=16, learning_rate=5e-4)
    history = train(model, encoded["train"], config, validation=encoded["validation"])
    evaluate(model, encoded["test"])

`training_steps` is the loop, a generator of records: whoever consumes it may plot, save or stop. `train`
consumes it with a progress bar. What is not the loop lies beside it: batches in `batching`, what is minimised
in `losses`, settings and records in `runs`, devices and processes in `devices`, scores in `evaluation`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, nullcontext
from functools import partial
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from .batching import Batch, EncodedRows, Rows, batch_order
from .checkpointing import Checkpoints, KeptWeights, RunState, Saver, automatic_checkpoints
from .devices import (
    Objective,
    RowsAtOnce,
    has_reader,
    is_first_process,
    open_accelerator,
    prepared,
    recompute_activations,
    seed_step,
    share_of,
    total_of,
)
from .errors import CourseError
from .evaluation import Metric, check_encoding, evaluate, predict_logits
from .losses import Loss, count_targets, resolve_loss
from .runs import History, Record, TrainConfig, learning_rate_at

if TYPE_CHECKING:
    from accelerate import Accelerator

__all__ = [
    "Checkpoints", "History", "Record", "TrainConfig", "count_steps", "evaluate", "make_optimizer", "plan_steps",
    "predict_logits", "train", "training_steps",
]  # fmt: skip


def training_steps(
    model: nn.Module,
    data: Rows,
    config: TrainConfig,
    *,
    loss: str | Loss | None = None,
    validation: Rows | None = None,
    metric: Metric | Any = None,
    parameter_groups: Iterable[dict[str, Any]] | None = None,
    before_step: Callable[[int, nn.Module], None] | None = None,
    checkpoints: str | Path | Checkpoints | None = None,
    resume: bool = False,
) -> Generator[Record, None, None]:
    """Train `model` on `data`, one record per step. See `train` for the arguments."""
    plain_loss, step_loss = resolve_loss(loss, data), resolve_loss(loss, data, config.label_smoothing)
    _check_fit(model, data, config, validation)
    accelerator = open_accelerator(config.precision, model)
    saver = Saver(checkpoints, resume, writes=accelerator.is_main_process)
    objective = prepared(
        Objective(model, step_loss), accelerator, may_unfreeze=before_step is not None, compiled=config.compile
    )
    optimizer = make_optimizer(model, config, parameter_groups, include_frozen=before_step is not None)
    if accelerator.scaler is not None:  # only fp16 needs the wrapper, which costs 0.3 ms a step
        optimizer = accelerator.prepare_optimizer(optimizer)
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    kept = KeptWeights(parameters, config)
    rows_at_once = RowsAtOnce(accelerator)
    state = RunState(model, optimizer, kept, accelerator.scaler, rows_at_once)
    saver.open(state, config, data, validation, loss)
    lengths = data.lengths
    total_steps = count_steps(lengths, config)
    plan = enumerate(plan_steps(lengths, config), start=1)
    if config.gradient_checkpointing:
        recompute_activations(model, True)
    _train_mode(model)
    try:
        yield from saver.records  # of before a break
        for step, (epoch, micro_batches, epoch_ends) in saver.rest_of(plan):
            started = perf_counter()
            seed_step(accelerator, config.seed, step)  # so that dropout, too, can be repeated
            if before_step is not None:
                before_step(step, model)
                _train_mode(model)  # what was frozen or unfrozen loses or gets its dropout

            learning_rate = learning_rate_at(config, step, total_steps)
            for group in optimizer.param_groups:
                group["lr"] = learning_rate * group["lr_scale"]

            batches = [data.batch(indices) for indices in micro_batches]
            n_targets = max(1, sum(map(count_targets, batches)))
            add_up = partial(add_up_gradients, objective, accelerator, n_targets)
            while (loss_sum := rows_at_once.run(add_up, batches)) is None:  # memory ran out: again, in pieces
                optimizer.zero_grad()
                seed_step(accelerator, config.seed, step)

            norm = accelerator.clip_grad_norm_(parameters, config.clip_norm or math.inf)
            mean_loss = total_of(loss_sum, accelerator) / n_targets
            mean_loss, norm = torch.stack([mean_loss, norm]).tolist()  # here the step waits for its device
            kept.check(step, mean_loss, norm, overflow_is_normal=accelerator.scaler is not None)
            optimizer.step()
            optimizer.zero_grad()
            seconds = perf_counter() - started

            due = epoch_ends if config.evaluate_every is None else step % config.evaluate_every == 0
            due = due or step == total_steps
            metrics: dict[str, float] = {}
            if due and validation is not None:
                metrics = evaluate(model, validation, metric=metric, loss=plain_loss)
            ends = kept.update(metrics, due) or step == total_steps  # or patience has run out
            tokens = sum(int(lengths[indices].sum()) for indices in micro_batches)
            record = Record(step, epoch, mean_loss, learning_rate, norm, n_targets, tokens, seconds, metrics)
            saver.add(record, ends)
            yield record
            if ends:
                break
        kept.restore_best()
    finally:  # also when the consumer stops: the model is ready for use, and holds no gradients
        optimizer.zero_grad()
        model.eval()
        if config.gradient_checkpointing:
            recompute_activations(model, False)


def add_up_gradients(
    objective: nn.Module, accelerator: Accelerator, n_targets: int, batches: list[Batch]
) -> torch.Tensor:
    """Forward and backward, batch by batch; the sum of their losses.

    Divide by the targets of the whole step, not of each batch: then accumulating batches, cutting one into pieces
    or sharing it among processes gives the gradient of one big batch.
    """
    loss_sum = torch.zeros((), device=accelerator.device)
    for i, batch in enumerate(batches, start=1):
        with nullcontext() if i == len(batches) else accelerator.no_sync(objective):
            batch_loss = objective(share_of(batch, accelerator))  # a sum over targets
            accelerator.backward(batch_loss * (accelerator.num_processes / n_targets))
        loss_sum += batch_loss.detach()
    return loss_sum


def train(
    model: nn.Module,
    data: Rows,
    config: TrainConfig,
    *,
    loss: str | Loss | None = None,
    validation: Rows | None = None,
    metric: Metric | Any = None,
    parameter_groups: Iterable[dict[str, Any]] | None = None,
    before_step: Callable[[int, nn.Module], None] | None = None,
    checkpoints: str | Path | Checkpoints | None = None,
    resume: bool = False,
    on_record: Callable[[Record], None] | None = None,
    progress: bool | None = None,
) -> History:
    """Train `model` in place and return what happened.

    Args:
        model: any module that takes a batch's tensors by name and returns an object with `.logits`
            (or `.start_logits` and `.end_logits`). Parameters that require no gradient stay as they are.
        data, validation: `EncodedRows`, or anything else that is `Rows`.
        loss: "classification", "entities", "answers" or "masked_lm", by default the kind of the data;
            or a function `loss(model, batch)` that returns a sum over the batch's targets.
        metric: see `evaluate`. What is watched for `keep_best` and `patience` is `config.watch`.
        parameter_groups: dicts of "params" and, optionally, "lr_scale" (a factor on the learning rate)
            and "weight_decay".
        before_step: called with (step, model) before each step; it may freeze and unfreeze.
        checkpoints: a folder, or `Checkpoints(folder, every=100, keep=2)`: the run is saved there as it goes.
            Where it cannot be, on a full disk say, a warning says so and training goes on. With COURSE_CHECKPOINTS
            in the environment each run without `before_step` has a folder there, and goes on by itself.
        resume: go on from the last good checkpoint in that folder, if there is one: the same line, run again after
            a crash, continues. The records of before the break come first. See `checkpointing`.
        on_record: called with each record. An exception from it ends the run and leaves the model
            with the weights of that moment.
        progress: show a bar; by default only in a notebook or a terminal.

    Raises:
        CourseError: settings, model and data contradict each other; or the loss is no longer a number,
            and then the last sound weights are back in the model; or the folder holds another run.
    """
    from tqdm.auto import tqdm

    if checkpoints is None and not resume and before_step is None:
        parameter_groups = parameter_groups and list(parameter_groups)
        checkpoints = automatic_checkpoints(model, data, config, validation, loss, metric, parameter_groups)
        resume = checkpoints is not None
    history = History(config)
    records = training_steps(
        model, data, config, loss=loss, validation=validation, metric=metric,
        parameter_groups=parameter_groups, before_step=before_step, checkpoints=checkpoints, resume=resume,
    )  # fmt: skip
    hidden = not is_first_process() or not (has_reader() if progress is None else progress)
    with closing(records), tqdm(total=count_steps(data.lengths, config), unit="step", disable=hidden) as bar:
        for record in records:
            history.records.append(record)
            bar.set_postfix_str(record.summary, refresh=False)
            bar.update()
            if on_record is not None:
                on_record(record)
    return history


# ---------------------------------------------------------------- the loop's parts


def count_steps(lengths: np.ndarray, config: TrainConfig) -> int:
    """How many steps a run takes, unless it is stopped early."""
    if config.max_steps is not None:
        return config.max_steps
    rows, epochs = config.rows_per_batch, config.epochs
    if rows is None or epochs is None:  # how many batches a token budget makes differs by epoch
        return sum(1 for _ in plan_steps(lengths, config))
    return epochs * math.ceil(math.ceil(len(lengths) / rows) / config.accumulate)


def plan_steps(lengths: np.ndarray, config: TrainConfig) -> Iterator[tuple[float, list[np.ndarray], bool]]:
    """For each step: the epochs seen after it, the rows of its batches, and whether it ends an epoch."""
    planned = 0
    for epoch in count() if config.epochs is None else range(config.epochs):
        order = batch_order(
            lengths, batch_size=config.rows_per_batch, token_budget=config.token_budget,
            seed=config.seed, epoch=epoch, shuffle=config.shuffle,
        )  # fmt: skip
        for start in range(0, len(order), config.accumulate):
            stop = min(start + config.accumulate, len(order))
            yield epoch + stop / len(order), order[start:stop], stop == len(order)
            planned += 1
            if planned == config.max_steps:
                return


def make_optimizer(
    model: nn.Module,
    config: TrainConfig,
    parameter_groups: Iterable[dict[str, Any]] | None = None,
    include_frozen: bool = False,
) -> torch.optim.Optimizer:
    """AdamW, one fused call for all weights. Biases and norms, all that has one dimension, do not decay."""
    if parameter_groups is None:
        parameter_groups = [{"params": [p for p in model.parameters() if p.requires_grad or include_frozen]}]
    groups = []
    for group in parameter_groups:
        parameters = list(group["params"])
        for decays in (True, False):
            chosen = [parameter for parameter in parameters if (parameter.ndim > 1) == decays]
            weight_decay = group.get("weight_decay", config.weight_decay) if decays else 0.0
            if chosen:
                groups.append({"lr_scale": 1.0} | group | {"params": chosen, "weight_decay": weight_decay})
    if not groups:
        raise CourseError(
            "No parameter requires a gradient, so there is nothing to train: unfreeze a layer first."
        )
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=config.betas, fused=True)


def _train_mode(model: nn.Module) -> None:
    """Dropout on where something learns; a part with no trainable weight gives the same features always."""
    model.train()
    for module in model.modules():
        parameters = list(module.parameters())
        if parameters and not any(parameter.requires_grad for parameter in parameters):
            module.eval()


def _check_fit(model: nn.Module, data: Rows, config: TrainConfig, validation: Rows | None) -> None:
    """What would otherwise end in an IndexError deep inside the model."""
    if len(data) == 0:
        raise CourseError("There are no rows to train on; check the split and its filters.")
    if validation is None and (config.patience is not None or config.evaluate_every is not None):
        raise CourseError("patience and evaluate_every need validation rows: pass validation=…")
    model_config = getattr(model, "config", None)
    for rows in (data, validation):
        if not isinstance(rows, EncodedRows) or model_config is None:
            continue
        if rows.labels is None:
            raise CourseError(
                "The rows carry no labels, so there is nothing to learn; encode a labelled split."
            )
        check_encoding(model, rows)
        classes = getattr(model_config, "num_labels", math.inf)
        if rows.kind in ("classification", "entities") and rows.labels.max() >= classes:
            raise CourseError(
                f"The rows hold label {rows.labels.max()} but the model has {classes} classes, 0 to "
                f"{classes - 1}; load the model for this task."
            )
