"""`course doctor`: what this machine is, how the course runs on it, and what to do about anything wrong."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .hub import SECONDS, address, answers

DISTRIBUTION = "finetuning-lab"
NEEDED_GB = {"memory": 2.0, "disk": 1.0}  # the mini scale with JupyterLab, with room to spare


@dataclass(frozen=True)
class Line:
    """One finding; `remedy` says what to do where something is wrong, and is empty where nothing is."""

    topic: str
    found: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{'!' if self.remedy else ' '} {self.topic:<11} {self.found}" + (
            f"\n  {'':<11} → {self.remedy}" if self.remedy else ""
        )


def examine(*, offline: bool = False) -> Iterator[Line]:
    """The findings, each as soon as it is known."""
    yield _machine()
    yield _memory()
    yield _disk()
    yield _device()
    yield _scale()
    yield _encoder()
    yield _versions()
    if not offline:
        yield _hub()


def device_and_precision() -> tuple[str, str]:
    """("cuda", "bf16") and the like: where a run takes place, and what `precision="auto"` means there."""
    import torch

    from .devices import automatic_precision

    mps = torch.backends.mps.is_available()
    device = "cuda" if torch.cuda.is_available() else "mps" if mps else "cpu"
    return device, automatic_precision(device)


def _machine() -> Line:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    remedy = "" if sys.version_info >= (3, 11) else "Install Python 3.11 or newer and run `make lab` again."
    return Line(
        "machine",
        f"{platform.system()} {platform.machine()}, {cores} core{'s' * (cores != 1)}, "
        f"Python {platform.python_version()}",
        remedy,
    )


def _memory() -> Line:
    import psutil

    memory = psutil.virtual_memory()
    free = memory.available / 2**30
    remedy = (
        "" if free >= NEEDED_GB["memory"] else "Close other programs or notebooks; a lesson needs about 2 GB."
    )
    return Line("memory", f"{free:.1f} GB free of {memory.total / 2**30:.1f} GB", remedy)


def _disk() -> Line:
    free = shutil.disk_usage(Path.cwd()).free / 2**30
    remedy = "" if free >= NEEDED_GB["disk"] else "Make room; checkpoints and the book need about 1 GB."
    return Line("disk", f"{free:.0f} GB free here", remedy)


def _device() -> Line:
    try:
        device, precision = device_and_precision()
    except ImportError as error:
        return Line(
            "device",
            f"unknown: torch does not import ({error})",
            "Run `make lab`, or pip install -c constraints.txt -e .",
        )
    import torch

    threads = torch.get_num_threads()
    name = (
        f"{torch.cuda.get_device_name()}, {torch.cuda.device_count()} of them"
        if device == "cuda"
        else f"{threads} thread{'s' * (threads != 1)}"
    )
    return Line("device", f"{device} ({name}), precision {precision}")


def _scale() -> Line:
    from course_utils.errors import CourseError
    from course_utils.scale import current_scale

    try:
        scale = current_scale()
    except CourseError as error:
        return Line("scale", str(error), "Unset COURSE_SCALE, or set it to mini or hub.")
    return Line("scale", f"{scale.name}: {scale.reason}")


def _encoder() -> Line:
    from course_utils.scale import CHECKPOINT_FOLDER

    weights = CHECKPOINT_FOLDER / "mini-encoder" / "model.safetensors"
    if not weights.is_file():
        return Line(
            "encoder", f"{weights} is missing", "Clone the repository again, or rebuild it: make checkpoints"
        )
    return Line("encoder", f"mini-encoder, {weights.stat().st_size / 1e6:.1f} MB")


def _versions() -> Line:
    """The installed packages against the ranges that the course's own metadata names."""
    from packaging.requirements import Requirement

    wrong, fine = [], 0
    try:
        requirements = [Requirement(text) for text in importlib.metadata.requires(DISTRIBUTION) or []]
    except importlib.metadata.PackageNotFoundError:
        return Line("versions", f"{DISTRIBUTION} is not installed", "pip install -c constraints.txt -e .")
    for requirement in requirements:
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue  # belongs to an extra
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append((requirement, "is missing"))
            continue
        if requirement.specifier.contains(version, prereleases=True):
            fine += 1
        else:
            wrong.append((requirement, f"is {version}, outside {requirement.specifier}"))
    main = ", ".join(
        f"{name} {importlib.metadata.version(name)}"
        for name in ("torch", "transformers", "datasets")
        if _installed(name)
    )
    if not wrong:
        return Line("versions", f"all {fine} in range ({main})")
    found = "; ".join(f"{requirement.name} {state}" for requirement, state in wrong)
    return Line(
        "versions",
        found,
        "pip install " + " ".join(f'"{requirement.name}{requirement.specifier}"' for requirement, _ in wrong),
    )


def _installed(name: str) -> bool:
    return any(importlib.metadata.distributions(name=name))


def _hub() -> Line:
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}:
        return Line("hub", "not asked: HF_HUB_OFFLINE is set")
    began = time.monotonic()
    if answers(address()):
        return Line("hub", f"{address()} answers in {time.monotonic() - began:.1f} s")
    # Not a fault: the course runs whole without it. But one variable saves half a minute of retries.
    return Line(
        "hub",
        f"{address()} does not answer within {SECONDS:g} s; the mini scale needs no hub "
        "(set HF_HUB_OFFLINE=1 to use only what is already downloaded)",
    )
