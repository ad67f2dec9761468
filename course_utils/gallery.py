"""The pictures of the README: real cells of real lessons, run and photographed in a browser."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .authoring import find_targets
from .browser import Notebook, browser, jupyter
from .errors import CourseError

FOLDER = Path(".github") / "gallery"


def _race(notebook: Notebook, cell: int) -> None:
    """Three presets side by side, to their end."""
    page = notebook.page
    page.locator("label:has-text('ask me first') input").uncheck()
    for preset in ("sensible", "rate × 100", "leaking validation"):
        page.select_option("select:has(option:text-is('leaking validation'))", label=preset)
        page.click("button:has-text('Add to a race')")
    page.click("button:has-text('Start 3')")
    page.wait_for_function("() => document.querySelector('[role=status]')?.textContent.includes('By its curves')")


def _wrong(notebook: Notebook, cell: int) -> None:
    """A usual mistake in the answer above the check."""
    notebook.run_cell(
        cell - 1, "def accuracy(guesses, answers):\n    return sum(g == a for g, a in zip(guesses, answers))"
    )
    notebook.run_cell(cell)


@dataclass(frozen=True)
class Picture:
    """The output of the first cell that contains `cell`."""

    name: str
    lesson: str
    cell: str
    variant: str = "lesson"
    act: Callable[[Notebook, int], None] | None = None


PICTURES = (
    Picture("training-lab", "08", "TrainingLab(", act=_race),
    Picture("attention", "02", "attention_explorer("),
    Picture("answers", "11", "explore(lambda row"),
    Picture("beam-search", "12", "beam_explorer("),
    Picture("exercise", "00", 'check("00.1"', "exercise", _wrong),
)


def photograph(root: Path, names: list[str] | None = None) -> list[Path]:
    """Run the lessons of the pictures (all, or those named) and save each as PNG; the files."""
    files = []
    with tempfile.TemporaryDirectory(prefix="course-gallery-") as temporary:
        work = Path(temporary)
        for folder in ("notebooks", "exercises"):
            shutil.copytree(root / folder, work / folder)
        with jupyter(work, COURSE_HOME=str(work / "home"), COURSE_SCALE="mini", HF_HUB_OFFLINE="1") as address:
            for picture in PICTURES:
                if names and picture.name not in names:
                    continue
                [target] = [t for t in find_targets(root, [picture.lesson]) if t.variant == picture.variant]
                with browser(width=1200, height=1400) as page:
                    notebook = Notebook(page, address, str(target.path.relative_to(root)))
                    page.evaluate("() => window.jupyterapp.shell.collapseLeft()")
                    files.append(_picture(notebook, picture, root / FOLDER / f"{picture.name}.png"))
    return files


def _picture(notebook: Notebook, picture: Picture, file: Path) -> Path:
    found = [i for i, source in enumerate(notebook.sources()) if picture.cell in source]
    if not found:
        raise CourseError(f"No cell of lesson {picture.lesson} contains {picture.cell!r}: correct PICTURES.")
    cell = found[0]
    for i in range(cell + (picture.act is not _wrong)):
        notebook.run_cell(i)
    notebook.show(cell)
    if picture.act:
        picture.act(notebook, cell)
    notebook.page.wait_for_timeout(2000)  # figures move into place
    node = notebook.page.evaluate_handle(
        "i => window.jupyterapp.shell.currentWidget.content.widgets[i].node.querySelector('.jp-Cell-outputArea')",
        cell,
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    node.as_element().screenshot(path=str(file))
    notebook.close()
    return file
