"""The lab without widgets: start runs, race them, clone them, compare them. The widget is a shell over this."""

from __future__ import annotations

import json
import threading
import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data import Task, load_task
from ..errors import CourseError
from ..home import home, write_whole
from ..scale import did_you_mean
from .runs import NO_RUN, UNDER_WAY, Expected, Run, Shelf
from .settings import Settings, differences

if TYPE_CHECKING:
    import pandas as pd
    from torch import nn

    from ..batching import EncodedRows
    from ..training import Record

MOST_LABELS, MOST_VALIDATION = 1024, 256  # rows, so that a run ends while one watches
EVALUATIONS = 12  # of a whole run
KEPT_WEIGHTS, KEPT_BYTES = 10, 2 * 10**9  # so many of the newest runs keep theirs, and no more than so much in all


class Lab:
    """Runs of one model on one task, kept in a folder.

    `data` and `model` are what `load_task` and `load_model` take; a `Task` will do. The runs are found again by whoever
    opens the same task and model, in `folder` or, without it, where the course keeps what is the learner's own.
    Test rows are not looked at: `lab.model_of(run)` is there for the one time that counts.

    The weights of the newest runs are kept, 10 at most and 2 GB at most, but one at least; a starred run keeps its own
    beside them. A model of 110 million weights takes 440 MB a run.
    """

    def __init__(
        self, data: str | Path | Task = "sentiment", model: str = "mini-encoder", *, folder: str | Path | None = None
    ):
        from ..batching import encode
        from ..metrics import metric_for
        from ..models import load_model, load_tokenizer, parts_of

        whole = data if isinstance(data, Task) else load_task(data)
        self.task = whole.with_train_rows(min(len(whole.rows["train"]), MOST_LABELS))
        self.model = model
        self.data: dict[str, EncodedRows] = dict(encode(self.task, load_tokenizer(model)))
        self.validation = self.data["validation"].select(range(min(len(self.data["validation"]), MOST_VALIDATION)))
        self._metric = metric_for(self.task) if self.task.kind != "translation" else None
        layers = [part for part in parts_of(load_model(model, self.task)) if part.startswith("layer ")]
        # Of an encoder–decoder, whose head writes words, all is trained.
        self.trainable = (
            ("head", *(f"last {k + 1}" for k in range(len(layers))), "LoRA", "all") if layers else ("all",)
        )
        place = "-".join((self.task.name, *Path(model).parts[-2:]))
        safe = "".join(letter if letter.isalnum() else "-" for letter in place)
        self.shelf = Shelf(Path(folder).expanduser() if folder is not None else home() / "lab" / safe)
        self.runs: dict[str, Run] = self.shelf.load()
        self._under_way: dict[str, nn.Module] = {}  # the model of each run that is training
        self._files = threading.RLock()  # runs may train in a thread while another renames, stars or deletes them

    # ------------------------------------------------------------ starting

    def run(self, settings: Settings | None = None, *, progress: bool | None = None, **how: Any) -> Run:
        """Train with these settings to the end, and keep the run. `how` as in `prepare`."""
        [run] = self.race([settings or Settings()], progress=progress, **how)
        return run

    def clone(self, run: Run | str, *, warm: bool = False, progress: bool | None = None, **changes: Any) -> Run:
        """Train with the settings of a run, some of them changed: afresh, or `warm`, from the weights it has now."""
        parent = self.find(run)
        settings = parent.settings.but(**changes) if changes else parent.settings
        return self.run(settings, parent=parent if warm else None, progress=progress)

    def race(self, settings: Sequence[Settings], *, progress: bool | None = None, **how: Any) -> list[Run]:
        """Train several side by side, a step of each by turns, on one device.

        Each has the losses that it would have alone: order and dropout of a step depend on its seed and number only.
        """
        from tqdm.auto import tqdm

        from ..devices import has_reader

        for each in settings:  # all of them or none
            self.check(each, how.get("parent"))
        jobs = [self.prepare(each, **how) for each in settings]
        planned, hidden = sum(run.planned for run, _ in jobs), not (has_reader() if progress is None else progress)
        with closing(self.by_turns(jobs)) as steps, tqdm(total=planned, disable=hidden) as bar:
            for run in steps:
                bar.set_postfix_str(f"{run.name}: {run.records[-1].summary}", refresh=False)
                bar.update()
        for run, _ in jobs:
            if run.state == "failed":
                raise CourseError(f"Run {run.name!r} failed: {run.error}")
        return [run for run, _ in jobs]

    def check(self, settings: Settings, parent: Run | None = None) -> EncodedRows:
        """The training rows of a run. Raises CourseError for what this task and model cannot have."""
        if settings.trains not in self.trainable:
            raise CourseError(
                f"trains={settings.trains!r} is not possible for {self.model!r} here: "
                f"{did_you_mean(settings.trains, self.trainable)}"
            )
        rows = self.rows_for(settings)
        if parent is not None and not self.shelf.weights_file(parent.id).exists():
            raise CourseError(
                f"The weights of {parent.name!r} are not kept any more: star a run to keep them, or clone it afresh."
            )
        return rows

    def prepare(
        self, settings: Settings, *, name: str | None = None, expected: Expected | None = None, parent: Run | None = None
    ) -> tuple[Run, Callable[[], Iterator[Record]]]:
        """A new run, on the shelf, and what makes its records. `parent`: begin with that run's weights.

        A name that another run has gets the run's number behind it. Raises CourseError as `check` does.
        """
        from ..training import count_steps

        rows = self.check(settings, parent)
        planned = count_steps(rows.lengths, settings.config())
        config = settings.config(evaluate_every=max(1, planned // EVALUATIONS))
        with self._files:
            run_id = self.shelf.new_id(self.runs)
            name = name or f"run {int(run_id)}"
            taken = any(each.name == name for each in self.runs.values())
            run = self.runs[run_id] = Run(
                id=run_id, name=f"{name} ({int(run_id)})" if taken else name, settings=settings,
                planned=planned, n_rows=len(rows), metric=self.score, guessing=self._guessing(),
                most_frequent=self._most_frequent(), expected=expected or Expected(),
                parent=parent.id if parent else "", parent_step=parent.step if parent else 0,
            )  # fmt: skip
            self.save(run)

        def records() -> Iterator[Record]:
            from ..models import load_model
            from ..training import training_steps

            model: nn.Module = load_model(self.model, self.task, seed=settings.seed, dropout=settings.dropout)
            if parent is not None:
                self._read_weights(model, parent.id)
            model = _adapt(model, settings)
            self._under_way[run.id] = model
            try:
                yield from training_steps(model, rows, config, validation=self.validation, metric=self._metric)
            finally:
                del self._under_way[run.id]
                self._write_weights(model, run)

        return run, records

    def rows_for(self, settings: Settings) -> EncodedRows:
        """The training rows of a run. Raises CourseError where there are too few, or `rows` makes no sense here."""
        train = self.data["train"]
        if settings.labels > len(train):
            raise CourseError(f"labels={settings.labels}, and there are {len(train):,} labelled rows here: ask for fewer.")
        chosen = np.arange(settings.labels)
        if settings.rows == "with the validation rows":
            return _joined(train.select(chosen), self.validation)
        if settings.rows != "as drawn" and self.task.kind != "classification":
            raise CourseError(
                f"rows={settings.rows!r} needs rows with one label each; {self.task.name!r} is of kind {self.task.kind!r}."
            )
        labels = np.asarray(train.labels)
        if settings.rows == "sorted by label":
            chosen = chosen[np.argsort(labels[chosen], kind="stable")]
        elif settings.rows == "one class":
            chosen = np.flatnonzero(labels == labels[0])[: settings.labels]
        return train.select(chosen)

    def by_turns(self, jobs: Iterable[tuple[Run, Callable[[], Iterator[Record]]]]) -> Generator[Run, None, None]:
        """A step of each run by turns, until all are over; the run that has made one. Closing it stops them all.

        An exception ends its own run, which then says what happened, and not the others.
        """
        waiting = deque((run, records()) for run, records in jobs)
        under_way = list(waiting)
        for run, _ in waiting:
            run.state = "running"
        try:
            while waiting:
                run, records = waiting.popleft()
                try:
                    run.records.append(next(records))
                except StopIteration:
                    self.close(run, "finished")
                except Exception as error:  # whatever it is: the others go on
                    run.error = str(error) if isinstance(error, CourseError) else f"{type(error).__name__}: {error}"
                    self.close(run, "failed")
                else:
                    waiting.append((run, records))
                    yield run
        finally:
            for run, records in under_way:
                if not run.over:
                    records.close()  # type: ignore[attr-defined]  # they are generators
                    self.close(run, "stopped")

    # ------------------------------------------------------------ keeping

    def close(self, run: Run, state: str) -> None:
        """Note how a run ended, and keep it."""
        run.state = state
        self.save(run)

    def save(self, run: Run) -> None:
        """Write the run as it is now, if it is not deleted. A full disk is a warning, and training goes on."""
        with self._files:
            if run.id in self.runs:
                self._write(lambda: self.shelf.save(run))

    def _write(self, write: Callable[[], None]) -> None:
        try:
            write()
        except OSError as error:
            warnings.warn(
                f"The run is not kept in {self.shelf.folder} ({error.strerror}): make room there, or give Lab another "
                "folder=…",
                stacklevel=2,
            )

    def find(self, run: Run | str) -> Run:
        """A run by itself, its id or its name. Raises CourseError where there is none."""
        wanted = run.id if isinstance(run, Run) else run
        by_name = {each.name: each for each in list(self.runs.values())}
        found = self.runs.get(wanted) or by_name.get(wanted)
        if found is None:
            known = did_you_mean(wanted, list(by_name)) if by_name else "none is kept yet"
            raise CourseError(f"There is no run {run.name if isinstance(run, Run) else run!r}: {known}")
        return found

    def rename(self, run: Run | str, name: str) -> None:
        """Give a run another name. Raises CourseError for none, or one that another run has."""
        found, name = self.find(run), name.strip()
        if not name or any(each.name == name for each in self.runs.values() if each is not found):
            raise CourseError(f"A run cannot be called {name!r}: {'another one is' if name else 'it needs a name'}.")
        found.name = name
        self.save(found)

    def star(self, run: Run | str, starred: bool = True) -> None:
        """Mark a run as worth keeping, with its weights."""
        found = self.find(run)
        found.starred = starred
        self.save(found)

    def delete(self, run: Run | str) -> None:
        """Forget a run, and its weights. Raises CourseError for one that is under way."""
        with self._files:
            found = self.find(run)
            if found.state in UNDER_WAY:
                raise CourseError(f"{found.name!r} is under way: stop it first.")
            del self.runs[found.id]
            self.shelf.delete(found.id)

    def model_of(self, run: Run | str) -> nn.Module:
        """The model as the run left it, LoRA merged in. Raises CourseError where its weights are not kept."""
        from ..models import load_model

        found = self.find(run)
        if not self.shelf.weights_file(found.id).exists():
            raise CourseError(
                f"The weights of {found.name!r} are not kept: the newest runs keep theirs, and starred ones. Clone it."
            )
        model = load_model(self.model, self.task, seed=found.settings.seed)
        self._read_weights(model, found.id)
        return model

    def checkpoint(self, run: Run) -> None:
        """Keep the weights that a run under way has now, for a clone to begin with."""
        if run.id in self._under_way:
            self._write_weights(self._under_way[run.id], run)

    def _write_weights(self, model: nn.Module, run: Run) -> None:
        from safetensors.torch import save

        if run.id not in self.runs or not run.records:
            return
        self._write(lambda: write_whole(self.shelf.weights_file(run.id), save(_plain_weights(model))))
        self._write(self._drop_old_weights)

    def _drop_old_weights(self) -> None:
        bytes_kept = 0
        with self._files:
            files = [self.shelf.weights_file(run_id) for run_id in sorted(self.runs, reverse=True)]
            for n, file in enumerate(file for file in files if file.exists()):
                bytes_kept += file.stat().st_size
                if n and (n >= KEPT_WEIGHTS or bytes_kept > KEPT_BYTES) and not self._starred(file.stem):
                    file.unlink()

    def _starred(self, run_id: str) -> bool:
        try:  # another program may have starred it since
            return self.runs[run_id].starred or self.shelf.read(run_id).starred
        except NO_RUN:
            return False

    def _read_weights(self, model: nn.Module, run_id: str) -> None:
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            weights = load_file(self.shelf.weights_file(run_id))
            model.load_state_dict(weights, strict=False)  # not strict: of matrices that are tied, one is kept
        except (OSError, SafetensorError, RuntimeError) as error:  # the last for other shapes
            raise CourseError(
                f"The weights in {self.shelf.weights_file(run_id)} cannot be read, or are of another model than "
                f"{self.model!r} for this task: delete the file, and clone the run afresh."
            ) from error

    # ------------------------------------------------------------ comparing

    def compare(self, runs: Iterable[Run | str] | None = None) -> pd.DataFrame:
        """One line a run: how it went (`summary`), and those of its settings in which the runs differ."""
        import pandas as pd

        chosen = self._chosen(runs)
        settings = {run.id: asdict(run.settings) for run in chosen}
        differ = differences(settings)
        return pd.DataFrame([summary(run) | {name: settings[run.id][name] for name in differ} for run in chosen])

    def _chosen(self, runs: Iterable[Run | str] | None) -> list[Run]:
        return list(self.runs.values()) if runs is None else [self.find(run) for run in runs]

    def export(self, file: str | Path, runs: Iterable[Run | str] | None = None) -> Path:
        """Write the comparison with all settings (`.csv`) or the runs whole, step by step (`.json`); the file.

        Raises CourseError for another ending, or where the file cannot be written.
        """
        import pandas as pd

        file, chosen = Path(file).expanduser(), self._chosen(runs)
        if not chosen:
            raise CourseError("There is no run to export yet: start one first.")
        if file.suffix == ".csv":
            text = pd.DataFrame([summary(run) | asdict(run.settings) for run in chosen]).to_csv(index=False)
        elif file.suffix == ".json":
            text = json.dumps([json.loads(run.to_json()) for run in chosen], indent=1)
        else:
            raise CourseError(f"{file.name!r} should end in .csv (a line a run) or .json (every step).")
        try:
            write_whole(file, text)
        except OSError as error:
            raise CourseError(
                f"{str(file)!r} cannot be written here ({error.strerror}): `lab.export(…)` takes a file in another folder."
            ) from error
        return file

    @property
    def score(self) -> str:
        """The name of the validation score that is shown: the first that the task's metric gives."""
        return {"entities": "f1", "answers": "exact_match"}.get(self.task.kind, "accuracy")

    def _most_frequent(self) -> float | None:
        """The accuracy of one who always says the most frequent validation label; None where rows have no one label."""
        if self.task.kind != "classification":
            return None
        return float(np.unique(np.asarray(self.validation.labels), return_counts=True)[1].max() / len(self.validation))

    def _guessing(self) -> float | None:
        """The loss (nats per target) of one who knows how frequent each validation label is; None without classes."""
        if self.task.kind not in ("classification", "entities"):
            return None
        labels = np.asarray(self.validation.labels)
        shares = np.unique(labels[labels >= 0], return_counts=True)[1] / (labels >= 0).sum()
        return float(-(shares * np.log(shares)).sum())


def summary(run: Run) -> dict[str, Any]:
    """How a run went, as a line of a table: `training loss` is the mean of the last five steps, in nats per target."""
    records = run.records
    return {
        "run": run.name, "state": run.state, "step": run.step, "planned": run.planned,
        "training loss": float(np.mean([record.loss for record in records[-5:]])) if records else np.nan,
        run.metric: run.score, f"best {run.metric}": run.best,
        "curves": run.symptom, "expected": run.expected.symptom or "",
        "seconds": round(sum(record.seconds for record in records), 1), "starred": run.starred,
    }  # fmt: skip


def _adapt(model: nn.Module, settings: Settings) -> nn.Module:
    from ..adaptation import add_lora, train_last_layers, train_only_head

    if settings.trains == "LoRA":
        return add_lora(model, rank=settings.lora_rank, seed=settings.seed)
    if settings.trains == "head":
        train_only_head(model)
    elif settings.trains != "all":
        train_last_layers(model, int(settings.trains.split()[1]))
    return model


def _plain_weights(model: nn.Module) -> dict[str, Any]:
    """Every weight once, by the names of the plain model; what LoRA added is merged into a copy."""
    from copy import deepcopy

    from ..adaptation import merge_lora
    from ..models import unwrap

    plain: Any = merge_lora(deepcopy(model)) if unwrap(model) is not model else model  # type: ignore[arg-type]
    return {name: weight.detach().contiguous() for name, weight in plain.named_parameters()}


def _joined(first: EncodedRows, second: EncodedRows) -> EncodedRows:
    """The rows of both; what they point to in text is left out."""
    from dataclasses import replace

    def both(name: str) -> Any:
        parts = getattr(first, name), getattr(second, name)
        return None if parts[0] is None else np.concatenate(parts)

    def offsets(name: str) -> Any:
        parts = getattr(first, name), getattr(second, name)
        return None if parts[0] is None else np.concatenate([parts[0], parts[0][-1] + parts[1][1:]])

    flat = {name: both(name) for name in ("input_ids", "labels", "token_type_ids", "words", "spans")}
    flat |= {name: offsets(name) for name in ("offsets", "label_offsets")}
    return replace(first, **flat, rows=None, row_of=None)
