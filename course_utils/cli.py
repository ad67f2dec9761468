"""The `course` command. Only the chosen subcommand's modules are imported, so `course --help` is instant."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from course_utils.errors import CourseError

START = "notebooks/00_start_here.ipynb"
LAB_DEFAULTS = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}
# No news, no look for updates: nothing leaves this machine.
NO_NEWS = ("--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate")
NBVAL = (
    "--nbval-lax",
    "--nbval-current-env",
    "--nbval-cell-timeout",
    "300",
    "--nbval-sanitize-with",
    "tests/nbval_sanitize.cfg",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 if all is well, 1 if something is wrong, 2 on bad input (said in one line)."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except CourseError as error:
        print(f"course: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="course", description="Fine-Tuning Lab: an interactive course on pre-training and fine-tuning."
    )
    commands = parser.add_subparsers(metavar="command", required=True)

    def command(name: str, run: object, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(run=run)
        return added

    lab = command("lab", _lab, "open JupyterLab on the first lesson")
    lab.add_argument("--port", type=int, help="port on this machine (JupyterLab picks a free one)")
    lab.add_argument(
        "--no-browser", action="store_true", help="print the address instead of opening a browser"
    )
    lab.add_argument(
        "--offline", metavar="FOLDER", help="hub scale from a folder that `course prefetch` filled, with no network"
    )
    doctor = command("doctor", _doctor, "tell what this machine can do and what to repair")
    doctor.add_argument("--offline", action="store_true", help="don't ask whether the hub answers")
    check = command("check", _check, "check a data file of your own: is it ready for training?")
    check.add_argument("file", help="CSV, JSON, JSONL or Parquet file, or a folder")
    check.add_argument("--text", help="column with the text")
    check.add_argument("--label", help="column with the label")
    prefetch = command("prefetch", _prefetch, "bring what lessons take from the Hub into a folder (a USB stick)")
    prefetch.add_argument("lessons", nargs="*", metavar="NN", help="lesson numbers; all without")
    prefetch.add_argument("--to", metavar="FOLDER", help="the folder; without it, tell what would be brought")
    prefetch.add_argument("--check", action="store_true", help="fetch nothing; verify every byte of the folder")
    command("progress", _progress, "show which exercises are done")
    build = command("build", _build, "make the notebooks from their sources (authors)")
    build.add_argument("lessons", nargs="*", metavar="NN", help="lesson numbers; all without")
    build.add_argument(
        "--check", action="store_true", help="write nothing; fail if a notebook is not what its source gives"
    )
    build.add_argument(
        "--execute", action="store_true", help="run the notebooks and store the outputs that tests compare"
    )
    book = command("book", _book, "run the lessons and render them to build/book/ (authors)")
    book.add_argument("lessons", nargs="*", metavar="NN", help="lesson numbers; all without")
    test = command("test", _test, "run every check, test and notebook (authors)")
    test.add_argument("lessons", nargs="*", metavar="NN", help="only the notebooks of these lessons")
    measure = command("measure", _measure, "run the comparisons behind the lessons' figures (authors)")
    measure.add_argument("studies", nargs="*", metavar="STUDY", help="names; all without")
    command("browser", _browser, "find a browser for the browser tests, or install one (authors)")
    gallery = command("gallery", _gallery, "photograph the pictures of the README in a browser (authors)")
    gallery.add_argument("pictures", nargs="*", metavar="PICTURE", help="names; all without")
    checkpoints = command("checkpoints", _checkpoints, "pre-train the shipped checkpoints again (authors)")
    checkpoints.add_argument("names", nargs="*", metavar="NAME", help="mini-encoder, …; all without")
    checkpoints.add_argument("--folder", help="the folder to write them into (instead of over the shipped ones)")
    return parser


def _lab(options: argparse.Namespace) -> int:
    from course_utils.authoring import find_root

    root = find_root()
    if importlib.util.find_spec("jupyterlab") is None:
        raise CourseError(
            'JupyterLab is not installed here; run `make lab`, or pip install -c constraints.txt -e ".[lab]".'
        )
    if not (root / START).exists():
        raise CourseError(f"{root / START} is missing; run `course build`.")
    offline: dict[str, str] = {}
    if options.offline is not None:
        from course_utils.hub import offline_folder

        folder = offline_folder(options.offline)  # says what is wrong with it before a browser opens
        offline = {"COURSE_OFFLINE": str(folder and folder.resolve()), "HF_HUB_OFFLINE": "1"}
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.root_dir={root}",
        f"--LabApp.default_url=/lab/tree/{START}",
        *NO_NEWS,
    ]
    command += [f"--port={options.port}"] if options.port else []
    command += ["--no-browser"] if options.no_browser else []
    # Root is usual in containers; the server still listens on this machine only, with a token.
    command += ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    print(f"Opening JupyterLab on {START}; stop it with Ctrl-C.", flush=True)
    with tempfile.TemporaryDirectory(prefix="course-lab-") as config:
        return _call(command, cwd=root, env={**lab_environment(Path(config)), **offline})


def lab_environment(config: Path) -> dict[str, str]:
    """The environment of a JupyterLab that asks nobody about news. `config` is an empty folder that outlives it."""
    # Defaults of JupyterLab, which a learner's own settings go before.
    overrides = config / "labconfig" / "default_setting_overrides.json"
    overrides.parent.mkdir()
    overrides.write_text(json.dumps(LAB_DEFAULTS))
    paths = [str(config), *filter(None, [os.environ.get("JUPYTER_CONFIG_PATH")])]
    # Threads that wait by spinning make training many times slower once a browser wants a core too.
    return {"OMP_WAIT_POLICY": "passive", **os.environ, "JUPYTER_CONFIG_PATH": os.pathsep.join(paths)}


def _call(command: Sequence[str], **settings: Any) -> int:
    """`subprocess.call` for a server: when this program is told to end, the server is, too, and waited for."""

    def end(signum: int, frame: object) -> None:
        raise SystemExit(128 + signum)

    before = signal.signal(signal.SIGTERM, end)
    try:
        with subprocess.Popen(command, **settings) as process:
            try:
                return process.wait()
            except BaseException:  # Ctrl-C, too: the server closes its kernels before it ends
                process.terminate()
                process.wait()
                raise
    finally:
        signal.signal(signal.SIGTERM, before)


def _doctor(options: argparse.Namespace) -> int:
    from course_utils.doctor import examine

    wrong = 0
    for line in examine(offline=options.offline):
        print(line, flush=True)
        wrong += bool(line.remedy)
    print("All is well: course lab" if not wrong else f"{wrong} to repair, marked !")
    return int(wrong > 0)


def _check(options: argparse.Namespace) -> int:
    from course_utils.data import load_task

    columns = {name: value for name in ("text", "label") if (value := getattr(options, name)) is not None}
    task = load_task(options.file, **columns)
    splits = ", ".join(f"{name} {len(rows):,}" for name, rows in task.rows.items())
    print(f"✓ {options.file}: {task.kind}, ready for training")
    print(f"  rows    {splits}\n  text    {task.text}\n  label   {task.label}")
    if task.label_names:
        print(f"  values  {', '.join(task.label_names)}")
    return 0


def _prefetch(options: argparse.Namespace) -> int:
    from course_utils.hub_table import LESSONS
    from course_utils.prefetch import needed, prefetch, t4_minutes, verify

    if options.check and options.to is None:
        raise CourseError("--check verifies a folder: say which with --to FOLDER.")
    if options.check:
        problems = verify(Path(options.to).expanduser())
        print("\n".join(f"! {problem}" for problem in problems) or f"All of {options.to} is as it was fetched.")
        return int(bool(problems))
    repositories = needed(options.lessons)
    if options.to is not None:
        prefetch(Path(options.to).expanduser(), options.lessons, lambda line: print(line, flush=True))
        return 0
    for one in repositories:
        print(f"{one.megabytes:8,.1f} MB  {one.hub_id:<40} {(one.revision or 'default branch')[:8]}  {one.licence}")
    print(f"{sum(one.megabytes for one in repositories):8,.1f} MB in all; course prefetch --to FOLDER brings them")
    for number in options.lessons or LESSONS:
        lesson = LESSONS[number]
        needs = " + ".join((*lesson.models, *lesson.data)) or "the mini world"
        time = f"about {t4_minutes(number):.0f} min (estimate)" if lesson.seconds else "not estimated"
        print(f"{number}  {needs:<28} on a T4: {time}; score: {lesson.expected}")
    return 0


def _progress(options: argparse.Namespace) -> int:
    from course_utils.checks.progress import table

    print(table())
    return 0


def _build(options: argparse.Namespace) -> int:
    from course_utils.authoring import build, find_root, find_targets

    root = find_root()
    if options.check and options.execute:
        raise CourseError("--check writes nothing and --execute writes outputs; give one of them.")
    if options.execute:
        from course_utils.executing import compared_outputs

        report = build(root, options.lessons, execute=compared_outputs)
    else:
        report = build(root, options.lessons, check=options.check)
    for path in report.written:
        print(f"wrote {path.relative_to(root)}")
    for problem in report.problems:
        print(f"! {problem}")
    if not report.written and not report.problems:
        print(f"All {len(find_targets(root, options.lessons))} notebooks are what their sources give.")
    return int(bool(report.problems) and options.check)


def _book(options: argparse.Namespace) -> int:
    from course_utils.authoring import find_root
    from course_utils.executing import book

    print(f"The book begins at {book(find_root(), options.lessons)}")
    return 0


def _test(options: argparse.Namespace) -> int:
    """Style, types, notebooks against sources; then one pytest run over tests and notebooks."""
    from course_utils.authoring import find_root, find_targets

    root = find_root()
    steps = [["ruff", "check", "."], ["mypy"], ["course_utils.cli", "build", "--check"]]
    failed = []
    for step in steps if not options.lessons else []:
        print(f"── {' '.join(step).replace('course_utils.cli', 'course')}", flush=True)
        if subprocess.call([sys.executable, "-m", *step], cwd=root):
            failed.append(step[0])
    notebooks = [
        str(target.path.relative_to(root))
        for target in find_targets(root, options.lessons)
        if target.variant != "exercise" and target.path.exists()
    ]  # exercises: tests/test_notebooks.py
    # tests/ brings the conftest that closes the network, so some test of it is always part of the run.
    tests = ["tests"] if not options.lessons else ["tests/test_notebooks.py"]
    command = ["pytest", "-q", "-n", "2", "--dist", "loadfile", "--no-loadscope-reorder", *NBVAL, *tests, *notebooks]
    if options.lessons:
        command += [
            "-k",
            " or ".join(sorted({target.number for target in find_targets(root, options.lessons)})),
        ]
    print(f"── {' '.join(command)}", flush=True)
    outcome = subprocess.call([sys.executable, "-m", *command], cwd=root)
    if failed:
        print(f"Failed before pytest: {', '.join(failed)} (see above)", file=sys.stderr)
    return outcome or int(bool(failed))


def _measure(options: argparse.Namespace) -> int:
    from course_utils.experiments import STUDIES, TABLES, run_study

    for name in options.studies or [*STUDIES, *TABLES]:
        print(f"Saved {run_study(name, report=lambda line: print(line, flush=True))}")
    return 0


def _browser(options: argparse.Namespace) -> int:
    from course_utils.browser import get_browser

    found = get_browser()
    print(f"Browser: {found}" if found else "No browser could be had: the tests that need one will be skipped.")
    return int(found is None)


def _gallery(options: argparse.Namespace) -> int:
    from course_utils.authoring import find_root
    from course_utils.gallery import photograph

    for file in photograph(find_root(), options.pictures):
        print(f"Saved {file}")
    return 0


def _checkpoints(options: argparse.Namespace) -> int:
    from course_utils.pretraining import RECIPES, build_checkpoint
    from course_utils.scale import CHECKPOINT_FOLDER, did_you_mean

    for name in options.names:  # before hours of training, not after
        if name not in RECIPES:
            raise CourseError(f"There is no recipe for {name!r}: {did_you_mean(name, list(RECIPES))}")
    folder = CHECKPOINT_FOLDER if options.folder is None else Path(options.folder)
    for name in options.names or RECIPES:
        print(f"── {name}", flush=True)
        build_checkpoint(folder / name, RECIPES[name]())
    return 0


if __name__ == "__main__":
    sys.exit(main())
