"""The course in JupyterLab and a real browser: what a learner presses, and what the page then shows.

Screenshots for a person to look at, and the times that were measured, are left in build/browser/.
"""

import json
import os
import shutil
import time

import pytest

from course_utils import browser as driver

pytestmark = pytest.mark.skipif(
    driver.find_browser() is None, reason="no Chromium or Chrome here: install one, or run `playwright install chromium`"
)
LAB = [
    "from course_utils import widgets\nfrom course_utils.lab import Lab\nlab = Lab()",
    "panel = widgets.TrainingLab(lab)\npanel",
    "import threading\nprint('threads', sum(thread.name.startswith('lab') for thread in threading.enumerate()))",
]


@pytest.fixture(scope="module")
def shots(root):
    folder = root / "build" / "browser"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    return tmp_path_factory.mktemp("work")


@pytest.fixture(scope="module")
def address(root, work):
    """A JupyterLab over a copy of the notebooks, and one with the lab alone."""
    for folder in ("notebooks", "exercises"):
        shutil.copytree(root / folder, work / folder)
    cells = [
        {"cell_type": "code", "id": f"cell{i}", "source": source, "metadata": {}, "outputs": [], "execution_count": None}
        for i, source in enumerate(LAB)
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    (work / "lab.ipynb").write_text(json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}))
    with driver.jupyter(work, PYTHONPATH=str(root), COURSE_HOME=str(work / "home")) as address:
        yield address


@pytest.fixture
def open_notebook(address):
    with driver.browser(height=1300) as page:
        notebooks = []

        def open_one(path):
            notebooks.append(driver.Notebook(page, address, path))
            return notebooks[-1]

        yield open_one
        for notebook in notebooks:
            notebook.close()
            assert notebook.errors == [], "the console stays empty"
            assert notebook.outside == [], "nothing leaves this machine"


def measured(root, **seconds):
    """Keep what was measured: times are for a person to judge, not for a test."""
    file = root / "build" / "browser" / "seconds.json"
    known = json.loads(file.read_text()) if file.exists() else {}
    file.write_text(json.dumps(known | {name: round(value, 3) for name, value in seconds.items()}, indent=1))


def timed(act, page, seen):
    """Do something and wait until the page shows it; the seconds between, by the page's own clock."""
    act()
    began = time.perf_counter()
    page.wait_for_function(seen, polling=10)
    return time.perf_counter() - began


def said(text):
    return f"() => document.querySelector('[role=status]')?.textContent.includes({json.dumps(text)})"


def test_the_lab_is_trained_paused_stopped_and_found_again(root, work, open_notebook, shots):
    shutil.rmtree(work / "home" / "lab", ignore_errors=True)  # the runs of a repeat before
    notebook = open_notebook("lab.ipynb")
    page = notebook.page
    notebook.run_cell(0)
    notebook.run_cell(1)
    page.wait_for_function("() => document.querySelectorAll('.js-plotly-plot .main-svg').length >= 2")
    notebook.screenshot(shots / "lab-at-first.png")

    page.click("button:has-text('Start')")
    page.wait_for_function(said("First say what you expect"))
    page.select_option("select:has(option:text('let me see'))", label="learns")
    page.click("button:has-text('Start')")
    page.wait_for_function(said("Training: step"))

    # A slider answers while it trains: the schedule is drawn anew for another number of steps.
    slider = page.locator(".jupyter-widgets:has(> label:text-is('epochs')) .noUi-handle")
    steps = page.evaluate("() => [...document.querySelectorAll('.gtitle')].map((title) => title.textContent).join()")
    slider.focus()
    answer = timed(
        lambda: page.keyboard.press("ArrowRight"), page,
        f"() => [...document.querySelectorAll('.gtitle')].map((title) => title.textContent).join() !== {json.dumps(steps)}",
    )  # fmt: skip

    page.click("button:has-text('Pause')")
    page.wait_for_function(said("Paused at step"))
    notebook.screenshot(shots / "lab-paused.png")
    page.click("button:has-text('Resume')")
    page.wait_for_function(said("Training: step"))
    stop = timed(lambda: page.click("button:has-text('Stop')"), page, said("stopped at step"))
    page.wait_for_function("() => [...document.querySelectorAll('.lab-table td')].some((cell) => cell.textContent === 'stopped')")
    notebook.screenshot(shots / "lab-stopped.png")
    measured(root, slider_answers_while_training=answer, stop_is_shown=stop)

    page.click("[aria-label='Star run 1']")
    page.wait_for_function("() => document.querySelector('[aria-label=\"Star run 1\"]').textContent === '★'")
    page.click(".lab-table button:text-is('step')")
    page.wait_for_function("() => document.querySelector('.lab-table th[aria-sort=ascending]')?.textContent.startsWith('step')")
    assert "threads 0" in notebook.run_cell(2), "no thread stays behind"

    notebook.restart_kernel()
    notebook.run_cell(0)
    notebook.run_cell(1)
    page.wait_for_function("() => [...document.querySelectorAll('.lab-table td')].some((cell) => cell.textContent === '★run 1')")
    page.wait_for_function("() => document.querySelector('.js-plotly-plot .scatterlayer .trace')")
    notebook.screenshot(shots / "lab-after-restart.png")


def test_a_lesson_runs_whole_and_its_widgets_answer(open_notebook, shots):
    notebook = open_notebook("notebooks/00_start_here.ipynb")
    page = notebook.page
    notebook.run_all()
    assert notebook.failures() == []
    last = max(i for i, source in enumerate(notebook.sources()) if "LiveTraining" in source)
    notebook.show(last)
    page.wait_for_selector("button:has-text('Start')")
    handle = page.locator(".noUi-handle").last
    handle.focus()
    before = handle.get_attribute("aria-valuenow")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("before => [...document.querySelectorAll('.noUi-handle')].at(-1).ariaValueNow !== before", arg=before)
    page.locator("button:has-text('Start')").last.click()
    page.wait_for_function("() => [...document.querySelectorAll('.widget-label')].some((label) => /at step/.test(label.textContent))")
    page.locator("button:has-text('Stop')").last.click()
    page.wait_for_function("() => [...document.querySelectorAll('.widget-label')].some((label) => /(Stopped|Finished) at step/.test(label.textContent))")
    notebook.screenshot(shots / "lesson-00.png")


def test_an_exercise_is_done_wrong_and_then_right(open_notebook, shots):
    notebook = open_notebook("exercises/00_start_here.ipynb")
    sources = notebook.sources()
    imports = next(i for i, source in enumerate(sources) if source.startswith("from course_utils import"))
    answer = next(i for i, source in enumerate(sources) if source.startswith("def accuracy"))
    check = next(i for i, source in enumerate(sources) if 'check("00.1"' in source)
    notebook.run_cell(imports)
    notebook.run_cell(answer)
    assert "not started" in notebook.run_cell(check)
    head = "def accuracy(guesses, answers):\n    right = sum(g == a for g, a in zip(guesses, answers))\n    return "
    notebook.run_cell(answer, head + "right")
    shown = notebook.run_cell(check)
    assert "· right" not in shown and "00.1" in shown
    notebook.screenshot(shots / "exercise-wrong.png")
    notebook.run_cell(answer, head + "right / len(answers)")
    assert "· right" in notebook.run_cell(check)
    notebook.screenshot(shots / "exercise-right.png")


@pytest.mark.parametrize("look", ["dark", "narrow"])
def test_the_lab_in_a_dark_theme_and_on_a_narrow_screen(address, shots, look):
    size = {"narrow": (480, 900), "dark": (1400, 1100)}[look]
    with driver.browser(*size) as page:
        notebook = driver.Notebook(page, address, "lab.ipynb")
        if look == "dark":
            page.evaluate("() => window.jupyterapp.commands.execute('apputils:change-theme', { theme: 'JupyterLab Dark' })")
        page.evaluate("() => window.jupyterapp.shell.collapseLeft()")
        notebook.run_cell(0)
        notebook.run_cell(1)
        page.wait_for_function("() => document.querySelectorAll('.js-plotly-plot .main-svg').length >= 2")
        wide = page.evaluate("() => { const box = document.querySelector('.jp-OutputArea-output .widget-vbox'); return [box.scrollWidth, box.clientWidth]; }")
        assert wide[0] <= wide[1] + 1, "nothing is cut off at the side"
        notebook.screenshot(shots / f"lab-{look}.png")
        notebook.close()
        assert notebook.errors == []


@pytest.mark.skipif(not os.environ.get("COURSE_REPEATS"), reason="set COURSE_REPEATS=20 to look for flakes")
@pytest.mark.parametrize("n", range(int(os.environ.get("COURSE_REPEATS") or 0)))
def test_no_flake(n, root, work, open_notebook, shots):
    test_the_lab_is_trained_paused_stopped_and_found_again(root, work, open_notebook, shots)
