"""What a run can go back to: sound and best weights in memory, checkpoints on disk.

    train(model, data, config, checkpoints="runs/sentiment", resume=True)

Run the same line again after a crash, a full disk or a lost kernel, and the run goes on where it was last saved: on
a CPU bit for bit as if nothing had happened. That is possible because the order of batches depends on (seed, epoch)
and dropout on (seed, step): what is left to save is what steps change. A checkpoint is a folder, `step-00000100`:

    model.safetensors       the weights that may train, by the model's names, and the model's buffers
    optimizer.safetensors   AdamW's two averages, and how many updates each weight has had
    best.safetensors        the best weights so far, unless they are the present ones
    sound.safetensors       the last weights known to give a sound loss
    random.safetensors      the states of the random generators
    state.json              position, records, counters, the scaler of fp16, and whose run this is
    manifest.json           size and SHA-256 of each of these files

It is written beside its place, forced to the disk and then renamed, so that it is there whole or not at all. It is
read only if every byte is as it was written. Nothing in it is ever unpickled: a file that could run code is refused.
"""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import random
import re
import shutil
import warnings
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import safetensors.torch
import torch
from torch import nn

from .batching import Rows
from .devices import RowsAtOnce
from .errors import CourseError
from .runs import Record, TrainConfig, watched_metric

Tensors = dict[str, torch.Tensor]
T = TypeVar("T")

MANIFEST, STATE, LOG = "manifest.json", "state.json", "log.txt"
GROUPS = ("model", "optimizer", "best", "sound", "random")
_FILES = {STATE, *(f"{group}.safetensors" for group in GROUPS)}
_NAME = re.compile(r"step-\d{8,}")
_MOMENTS = ("step", "exp_avg", "exp_avg_sq")  # what AdamW keeps of each weight that has had a gradient
_FORMAT = 1


@dataclass(frozen=True)
class Checkpoints:
    """Where a run is saved, and how often. A folder alone means these defaults."""

    folder: str | Path
    """One run, one folder. On Colab one on the mounted Drive: the machine's own disk goes with the machine."""
    every: int = field(default=100, kw_only=True)
    """Steps between checkpoints. Each new best evaluation and the end of the run are saved as well."""
    keep: int = field(default=2, kw_only=True)
    """So many of the last stay, and beside them the one with the best evaluation."""

    def __post_init__(self) -> None:
        for name in ("every", "keep"):
            value = getattr(self, name)
            if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
                raise CourseError(f"{name}={value!r} must be a whole number, 1 or more.")


# ---------------------------------------------------------------- in memory


class KeptWeights:
    """Weights worth going back to: the best by validation, and the last with which the loss was sound."""

    def __init__(self, parameters: list[nn.Parameter], config: TrainConfig) -> None:
        self.parameters, self.config = parameters, config
        self.best: list[torch.Tensor] | None = None
        self.best_value, self.evaluations_since = -math.inf, 0
        self.sound: list[torch.Tensor] | None = None
        self.sound_step, self.renew = 0, True

    def check(self, step: int, loss: float, grad_norm: float, overflow_is_normal: bool) -> None:
        """Called before the update, when `loss` is known to be that of the present weights."""
        if math.isfinite(loss) and (math.isfinite(grad_norm) or overflow_is_normal):
            if self.renew:  # once an evaluation: a copy each step would cost as much as the step
                self.sound_step, self.sound, self.renew = step - 1, self._copy(), False
            return
        what = f"loss became {loss}" if not math.isfinite(loss) else f"gradient became {grad_norm}"
        if self.sound is None:
            raise CourseError(
                f"The {what} at step {step}, before any update: look at the inputs and the initial weights."
            )
        self._restore(self.sound)
        raise CourseError(
            f"The {what} at step {step}; the weights after step {self.sound_step}, "
            "the last sound ones kept, are back. "
            f"Lower learning_rate={self.config.learning_rate:g}, warm up longer or set clip_norm=1.0."
        )

    def update(self, metrics: dict[str, float], due: bool) -> bool:
        """Remember the weights if they are the best yet; True when patience has run out."""
        self.renew = self.renew or due
        if not metrics:
            return False
        name, sign = watched_metric(metrics, self.config.watch)
        if sign * metrics[name] > self.best_value:
            self.best_value, self.evaluations_since = sign * metrics[name], 0
            self.best = self._copy() if self.config.keep_best else None
        else:
            self.evaluations_since += 1
        return self.config.patience is not None and self.evaluations_since >= self.config.patience

    def restore_best(self) -> None:
        if self.best is not None:
            self._restore(self.best)

    def _copy(self) -> list[torch.Tensor]:
        return [parameter.detach().clone() for parameter in self.parameters]

    @torch.no_grad()
    def _restore(self, weights: list[torch.Tensor]) -> None:
        torch._foreach_copy_(list(self.parameters), weights)


class RunState:
    """All that a step changes: `pack` gives it as tensors by group and as values for JSON, `unpack` puts it back."""

    def __init__(
        self, model: nn.Module, optimizer: torch.optim.Optimizer, kept: KeptWeights, scaler: Any,
        rows_at_once: RowsAtOnce,
    ) -> None:  # fmt: skip
        self.model, self.optimizer, self.kept = model, optimizer, kept
        self.scaler, self.rows_at_once = scaler, rows_at_once
        names = {id(parameter): name for name, parameter in model.named_parameters()}
        self.parameters = {  # those of the optimizer; a loss may bring some that the model does not know
            names.get(id(parameter), f"parameter {i} of the groups"): parameter
            for i, parameter in enumerate(kept.parameters)
        }

    def pack(self) -> tuple[dict[str, Tensors], dict[str, Any]]:
        kept, randomness = self.kept, _random_state(self._device)
        state = self.optimizer.state_dict()["state"]
        best_is_present = kept.best is not None and all(map(torch.equal, kept.best, kept.parameters))
        groups = {
            "model": self._in_model(),
            "optimizer": {
                f"{name}/{key}": value
                for i, name in enumerate(self.parameters)
                for key, value in state.get(i, {}).items()
            },
            "best": self._named(None if best_is_present else kept.best),
            "sound": self._named(kept.sound),
            "random": randomness[0],
        }
        values = {
            "frozen": [name for name, p in self.parameters.items() if not p.requires_grad],
            "best_is_present": best_is_present,
            "best_value": kept.best_value,
            "evaluations_since": kept.evaluations_since,
            "sound_step": kept.sound_step,
            "renew": kept.renew,
            "scaler": None if self.scaler is None else self.scaler.state_dict(),
            "rows_at_once": self.rows_at_once.limit,
            "random": randomness[1],
        }
        return groups, values

    @torch.no_grad()
    def unpack(self, groups: dict[str, Tensors], values: dict[str, Any]) -> None:
        """Raises DamagedCheckpoint, before a weight is changed, if anything is not as this run needs it."""
        present, kept = self._in_model(), self.kept
        _require_like(groups["model"], present, "model")
        for group in ("best", "sound"):
            if groups[group]:
                _require_like(groups[group], self.parameters, group)
        moments = {}
        for i, (name, parameter) in enumerate(self.parameters.items()):
            found = {key: groups["optimizer"].get(f"{name}/{key}") for key in _MOMENTS}
            if any(each is not None for each in found.values()):
                _require_like(
                    found, dict(zip(_MOMENTS, (torch.zeros(()), parameter, parameter))), "optimizer"
                )
                moments[i] = {key: each.clone() for key, each in found.items() if each is not None}
        counters = {name: values[name] for name in ("best_value", "evaluations_since", "sound_step", "renew")}
        frozen, best_is_present = set(values["frozen"]), values["best_is_present"]
        limit = values["rows_at_once"]
        if self.scaler is not None and values["scaler"] is not None:
            self.scaler.load_state_dict(values["scaler"])
        _set_random_state(self._device, groups["random"], values["random"])

        for name, tensor in present.items():
            tensor.copy_(groups["model"][name])
        for name, parameter in self.parameters.items():
            parameter.requires_grad_(name not in frozen)
        as_they_are = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": moments, "param_groups": as_they_are})
        kept.best = kept._copy() if best_is_present else self._listed(groups["best"])
        kept.sound = self._listed(groups["sound"])
        vars(kept).update(counters)
        self.rows_at_once.limit = limit

    @property
    def _device(self) -> torch.device:
        return next(self.model.parameters()).device

    def _in_model(self) -> Tensors:
        return {**self.parameters, **{f"buffer {name}": each for name, each in self.model.named_buffers()}}

    def _named(self, weights: list[torch.Tensor] | None) -> Tensors:
        return {} if weights is None else dict(zip(self.parameters, weights, strict=True))

    def _listed(self, weights: Tensors) -> list[torch.Tensor] | None:
        if not weights:
            return None
        return [weights[name].to(p.device, copy=True) for name, p in self.parameters.items()]


def _require_like(found: dict[str, Any], needed: dict[str, Any], what: str) -> None:
    def kinds(tensors: dict[str, Any]) -> dict[str, Any]:
        return {name: each is not None and (each.shape, each.dtype) for name, each in tensors.items()}

    if kinds(found) != kinds(needed):
        raise DamagedCheckpoint(f"its {what} has other tensors than this run")


def _random_state(device: torch.device) -> tuple[Tensors, dict[str, Any]]:
    """Of torch, of this device, of NumPy's and of Python's global generator."""
    kind, keys, *rest = np.random.get_state(legacy=True)
    version, integers, gauss = random.getstate()
    tensors = {
        "torch": torch.get_rng_state(),
        "numpy": torch.from_numpy(np.asarray(keys, dtype=np.uint32).view(np.uint8)),
        "python": torch.from_numpy(np.array(integers, dtype=np.uint32).view(np.uint8)),
    }
    if device.type != "cpu":
        tensors[device.type] = torch.get_device_module(device).get_rng_state()
    return tensors, {"numpy": [kind, *rest], "python": [version, gauss]}


def _set_random_state(device: torch.device, tensors: Tensors, values: dict[str, Any]) -> None:
    torch.set_rng_state(tensors["torch"])
    if device.type in tensors and device.type != "cpu":
        torch.get_device_module(device).set_rng_state(tensors[device.type])
    kind, *rest = values["numpy"]
    np.random.set_state((kind, tensors["numpy"].numpy().view(np.uint32), *rest))
    version, gauss = values["python"]
    random.setstate((version, tuple(tensors["python"].numpy().view(np.uint32).tolist()), gauss))


# ---------------------------------------------------------------- on disk


class DamagedCheckpoint(Exception):
    """A folder that is no whole checkpoint; says what is wrong with it."""


# What bytes that were not written here can cause. No OSError: a drive that fails says nothing about the bytes.
_NONSENSE = (ValueError, KeyError, TypeError, AttributeError, RuntimeError, safetensors.SafetensorError)


def write_checkpoint(folder: Path, groups: dict[str, Tensors], values: dict[str, Any]) -> None:
    """The checkpoint as a new folder, whole or not at all. OSError when there is no room, or no right to write."""
    unfinished = folder.with_name(f".{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)  # of a process that was killed
    try:
        unfinished.mkdir()
        files = {name: _write(unfinished / name, content) for name, content in _contents(groups, values)}
        _write(unfinished / MANIFEST, _json({"format": _FORMAT, "files": files}))
        _force_to_disk(unfinished)
        if folder.exists():  # a damaged one, which this run did not go on from
            _remove(folder)
        unfinished.rename(folder)
        _force_to_disk(folder.parent)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def read_checkpoint(folder: Path) -> tuple[dict[str, Tensors], dict[str, Any]]:
    """What `write_checkpoint` was given. DamagedCheckpoint if a file is missing, changed, or none of a checkpoint's."""
    try:
        manifest = json.loads(_read(folder / MANIFEST))
        listed = dict(manifest["files"])
        found = {entry.name for entry in folder.iterdir()} - {MANIFEST}
        if strangers := sorted((found | listed.keys()) - _FILES):
            raise DamagedCheckpoint(f"{strangers[0]} is no file of a checkpoint and was not opened")
        if missing := sorted(_FILES - (found & listed.keys())):
            raise DamagedCheckpoint(f"{missing[0]} is missing")
        if manifest["format"] != _FORMAT:
            raise DamagedCheckpoint(f"its format is {manifest['format']}, not {_FORMAT}")

        def verified(name: str) -> bytes:
            content = _read(folder / name)
            if _facts(content) != listed[name]:
                raise DamagedCheckpoint(f"{name} is not as it was written: its size or SHA-256 differs")
            return content

        groups = {name: safetensors.torch.load(verified(f"{name}.safetensors")) for name in GROUPS}
        return groups, json.loads(verified(STATE))
    except _NONSENSE as error:
        raise DamagedCheckpoint(f"{type(error).__name__}: {error}") from error


def _contents(groups: dict[str, Tensors], values: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    """One file after the other, so that memory holds one at a time."""
    for name in GROUPS:
        # Copies, since safetensors refuses tensors that share memory, as views of one buffer do.
        copies = {
            key: tensor.detach().to("cpu", copy=True).contiguous() for key, tensor in groups[name].items()
        }
        yield f"{name}.safetensors", safetensors.torch.save(copies)
    yield STATE, _json(values)


def _json(values: Any) -> bytes:
    # A metric may give numbers of NumPy, which JSON does not know.
    return json.dumps(values, default=lambda number: number.item()).encode()


def _facts(content: bytes) -> dict[str, Any]:
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def _write(path: Path, content: bytes) -> dict[str, Any]:
    with open(path, "xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return _facts(content)


def _read(path: Path) -> bytes:
    if path.is_symlink() or not path.is_file():
        raise DamagedCheckpoint(f"{path.name} is missing, or no plain file")
    return path.read_bytes()


def _remove(folder: Path) -> None:
    """All at once, as far as others can see: half a checkpoint is never left under its name."""
    removed = folder.with_name(f".{folder.name}.removed")
    shutil.rmtree(removed, ignore_errors=True)
    folder.rename(removed)
    shutil.rmtree(removed, ignore_errors=True)


def _force_to_disk(folder: Path) -> None:
    if os.name == "nt":  # which cannot open folders, and needs no telling
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:  # mounted network drives know no such thing for folders
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)


# ---------------------------------------------------------------- whose run, and what becomes of it


def identify(
    state: RunState, config: TrainConfig, data: Rows, validation: Rows | None, loss: Any
) -> dict[str, Any]:
    """What must be the same for a run to go on: settings, weights, rows, loss."""
    trainable = set(map(id, state.parameters.values()))
    frozen = {name: p for name, p in state.model.named_parameters() if id(p) not in trainable}
    groups = [
        [{key: group[key] for key in group if key in ("lr_scale", "weight_decay")}, len(group["params"])]
        for group in state.optimizer.param_groups
    ]
    weights = [(name, tuple(each.shape), str(each.dtype)) for name, each in state.parameters.items()]
    identity = asdict(config) | {
        "loss": loss if isinstance(loss, str | None) else getattr(loss, "__qualname__", type(loss).__qualname__),
        "weights to train": _digest(repr((weights, groups)).encode()),
        # Not saved, so they must be there: a head drawn with another seed would go unnoticed.
        "frozen weights": _digest(*(_bytes(each) for each in frozen.values())),
        "training rows": _digest_rows(data),
        "validation rows": None if validation is None else _digest_rows(validation),
    }
    return json.loads(_json(identity))  # as it will be read


def automatic_checkpoints(
    model: nn.Module, data: Rows, config: TrainConfig, validation: Rows | None, loss: Any, metric: Any, groups: Any
) -> Checkpoints | None:
    """A folder in COURSE_CHECKPOINTS for the run that starts from this model, these rows and settings; None without it.

    So a notebook that is run again after a lost kernel goes through its finished runs and goes on with the broken one.
    A loss that is a function is known by nothing but its name, so its runs are not kept.
    """
    place = os.environ.get("COURSE_CHECKPOINTS", "").strip()
    if not place or not isinstance(loss, str | None):
        return None
    scales = [[group.get("lr_scale"), group.get("weight_decay")] for group in groups or ()]
    what = [asdict(config), loss, getattr(metric, "__qualname__", type(metric).__qualname__), scales, _digest_rows(data)]
    what += ["" if validation is None else _digest_rows(validation), [p.requires_grad for p in model.parameters()]]
    # What no weight tells: dropout, the strength of LoRA.
    what += [model, getattr(model, "config", None), [getattr(module, "scaling", None) for module in model.modules()]]
    run = _digest(repr(what).encode(), *map(_bytes, model.parameters()))
    return Checkpoints(Path(place).expanduser() / run, keep=1)


def _digest(*contents: Any) -> str:
    digest = hashlib.sha256()
    for content in contents:
        digest.update(content)
    return digest.hexdigest()[:16]


def _digest_rows(rows: Rows) -> str:
    """How many, how long, and as far as they hold them in arrays: token ids, labels, cached states."""
    holders = (rows, getattr(rows, "rows", None))  # those of a pre-training objective wrap others
    arrays = [
        getattr(each, name, None) for each in holders for name in ("lengths", "input_ids", "labels", "states")
    ]
    return f"{len(rows)} rows, digest " + _digest(
        *(_bytes(torch.as_tensor(each)) for each in arrays if isinstance(each, np.ndarray | torch.Tensor))
    )


def _bytes(tensor: torch.Tensor) -> Any:
    return tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy()


class Saver:
    """Saves a run as it goes, and finds where it was. Without a folder it does nothing.

    A checkpoint that cannot be written, on a full disk say, costs a warning, not the run; earlier ones stay.
    """

    def __init__(
        self, checkpoints: str | Path | Checkpoints | None, resume: bool, writes: bool = True
    ) -> None:
        if checkpoints is None and resume:
            raise CourseError('resume=True needs the folder of the run: add checkpoints="runs/my-run".')
        if isinstance(checkpoints, str | Path):
            checkpoints = Checkpoints(checkpoints)
        self.settings, self.resume, self.writes = checkpoints, resume, writes
        self.records: list[Record] = []  # of the whole run, those of before a break as well
        self.step, self.ended = 0, False  # of the checkpoint that the run goes on from
        self.saved: list[int] = []  # steps of good checkpoints, the oldest first
        self.best_step = 0

    def open(
        self, state: RunState, config: TrainConfig, data: Rows, validation: Rows | None, loss: Any
    ) -> None:
        """Put the last good checkpoint back, if there is one and it is wanted."""
        if self.settings is None:
            return
        self.state, self.folder = state, Path(self.settings.folder)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            steps = _steps_in(self.folder)
            for leftover in self.folder.glob(".step-*") if self.writes else ():
                shutil.rmtree(leftover, ignore_errors=True)  # of a process that was killed at work on it
        except OSError as error:
            raise CourseError(
                f"Checkpoints cannot be kept in {self.folder} ({error.strerror}); choose another folder."
            ) from error
        if steps and not self.resume:
            raise CourseError(
                f"{self.folder} holds a run that got to step {steps[-1]}: continue it with resume=True, or give this "
                "one a folder of its own."
            )
        self.identity = identify(state, config, data, validation, loss)
        damaged = []
        while steps and not self.step:
            try:
                self._go_on_from(steps[-1])
            except OSError as error:
                raise CourseError(
                    f"The checkpoint of step {steps[-1]} in {self.folder} cannot be read ({error.strerror}), and "
                    "nothing was changed there: try again when the drive answers."
                ) from error
            except DamagedCheckpoint as wrong:
                damaged.append(f"that of step {steps.pop()} ({wrong})")
        self.saved = steps
        where = f"goes on after step {self.step}" if self.step else "begins anew"
        if damaged:
            self._warn(
                f"Damaged checkpoints in {self.folder} were left out: {'; '.join(damaged)}. The run {where}."
            )
        else:
            self._log(f"The run {where}.")

    def rest_of(self, plan: Iterable[T]) -> Iterator[T]:
        """What of the plan's steps is left to do."""
        return islice(plan, 0 if self.ended else self.step, 0 if self.ended else None)

    def add(self, record: Record, ends: bool) -> None:
        """Called after each step; saves when it is time to."""
        if self.settings is None:
            return
        self.records.append(record)
        is_best = bool(record.validation) and self.state.kept.evaluations_since == 0
        if self.writes and (ends or is_best or record.step % self.settings.every == 0):
            self._save(record.step, ends, is_best)

    def _go_on_from(self, step: int) -> None:
        groups, values = read_checkpoint(_path(self.folder, step))
        try:
            for name, ours in self.identity.items():
                if (theirs := values["identity"].get(name)) != ours:
                    raise CourseError(
                        f"{self.folder} holds another run, with {name}={theirs!r} where this one has {ours!r}: make "
                        "them equal to go on with it, or give this run a folder of its own."
                    )
            records = [Record(**each) for each in values["records"]]
            ended, best_step = bool(values["ended"]), int(values["best_step"])
            if len(records) != step:
                raise DamagedCheckpoint(f"it holds {len(records)} records")
            self.state.unpack(groups, values["state"])
        except CourseError:
            raise
        except _NONSENSE as error:
            raise DamagedCheckpoint(f"{type(error).__name__}: {error}") from error
        self.step, self.ended, self.best_step, self.records = step, ended, best_step, records

    def _save(self, step: int, ends: bool, is_best: bool) -> None:
        assert self.settings is not None
        groups, state = self.state.pack()
        best_step = step if is_best else self.best_step
        values = {
            "ended": ends, "best_step": best_step, "identity": self.identity, "state": state,
            "records": [asdict(record) for record in self.records],
        }  # fmt: skip
        try:
            write_checkpoint(_path(self.folder, step), groups, values)
            self.saved, self.best_step = [*self.saved, step], best_step
            stay = {*self.saved[-self.settings.keep :], best_step}
            for old in _steps_in(self.folder):
                if old not in stay:  # also damaged ones, now that a good one is there
                    _remove(_path(self.folder, old))
            self.saved = [each for each in self.saved if each in stay]
        except OSError as error:
            last = f"the last one is of step {self.saved[-1]}" if self.saved else "there is none yet"
            self._warn(
                f"No checkpoint of step {step} could be written to {self.folder} ({error.strerror}); {last}, and "
                "training goes on. Make room there: a crash would cost the steps since."
            )

    def _warn(self, message: str) -> None:
        warnings.warn(message, stacklevel=4)
        self._log(message)

    def _log(self, message: str) -> None:
        """What happened to the run, a line each, beside its checkpoints."""
        if self.writes:
            with suppress(OSError), open(self.folder / LOG, "a", encoding="utf-8") as log:
                log.write(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC  {message}\n")


def _path(folder: Path, step: int) -> Path:
    return folder / f"step-{step:08}"


def _steps_in(folder: Path) -> list[int]:
    """Of its checkpoints, good or not, the oldest first."""
    return sorted(
        int(path.name.removeprefix("step-")) for path in folder.iterdir() if _NAME.fullmatch(path.name)
    )
