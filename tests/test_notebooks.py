"""What every lesson and exercise must be, beyond running: its source's own, compared, in the course's style.

nbval executes lessons and solutions (`course test`); exercises run here, up to their first open answer.
"""

import configparser
import re
import socket
import statistics

import pytest
import pytest_socket

from course_utils.authoring import (
    COMPARED,
    Target,
    build,
    cells_of,
    find_root,
    find_targets,
    notebook,
    parse,
    stored_outputs,
)
from course_utils.executing import run_cells

TARGETS = find_targets(find_root())
LESSONS = [target for target in TARGETS if target.variant == "lesson"]
EXERCISES = [target for target in TARGETS if target.variant == "exercise"]
SOLUTIONS = [target for target in TARGETS if target.variant == "solution"]
HEADER = re.compile(
    r"^#+ Exercise (?P<number>\d+) · [^·]+ · difficulty [●○]{3} · importance [●○]{3} · \d+ minutes$"
)


def each(targets):
    return pytest.mark.parametrize("target", targets, ids=lambda target: f"{target.variant}-{target.number}")


def markdown(target):
    return [cell for cell in cells_of(target) if cell.kind == "markdown"]


def prose(text):
    """Markdown without code, formulas and link addresses."""
    for pattern in (
        r"```.*?```",
        r"\$\$.*?\$\$",
        r"`[^`]*`",
        r"\$[^$\n]*\$",
        r"(?<=\])\([^)]*\)",
        r"<https?://[^>]*>",
    ):
        text = re.sub(pattern, " ", text, flags=re.DOTALL)
    return text


def test_tests_cannot_leave_this_machine():
    with pytest.raises(pytest_socket.SocketConnectBlockedError), pytest.warns(UserWarning, match="192.0.2.1"):
        socket.create_connection(("192.0.2.1", 443), timeout=1)  # an address that is reserved for examples


@pytest.mark.parametrize(
    "code", ['socket.create_connection(("192.0.2.1", 443))', 'socket.getaddrinfo("example.org", 80)']
)
def test_kernels_cannot_leave_this_machine(code, tmp_path):
    target = Target(tmp_path / "00_a.py", tmp_path / "00_a.ipynb", "lesson")
    cells = parse(f"# %%\nimport socket\n{code}\n")
    (_, cell), *_ = run_cells(notebook(cells, target, tmp_path), tmp_path)
    assert "lessons run offline" in cell.outputs[0].evalue


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("took 3.2 s, then 120 ms", "took DURATION, then DURATION"),
        ("1,234 tokens/s", "RATE"),
        ("<Tensor at 0x7f2784a5cb80>", "<Tensor at ADDRESS>"),
        ("/tmp/abc/x.json", "TEMPORARY"),
        ("accuracy 0.85 after 2 steps of 16 rows", "accuracy 0.85 after 2 steps of 16 rows"),
    ],
)
def test_comparison_forgives_only_what_cannot_repeat(root, text, masked):
    rules = configparser.RawConfigParser()
    rules.read(root / "tests" / "nbval_sanitize.cfg", encoding="utf-8")
    for rule in rules.sections():
        text = re.sub(rules[rule]["regex"], rules[rule]["replace"], text)
    assert text == masked


def test_committed_notebooks_are_what_their_sources_give(root):
    assert build(root, check=True).problems == []


@each(LESSONS)
def test_a_lesson_compares_enough_cells(target):
    compared = sum(cell.compared for cell in cells_of(target))
    assert compared >= 3, f"{target.path.name} compares {compared} cells; mark more with {COMPARED}"


@each(LESSONS + EXERCISES)
def test_prose_style(target):
    for cell in markdown(target):
        text, where = prose(cell.source), f"{target.source.name}:{cell.line}"
        assert not re.search(r"</?[a-zA-Z][^>]*>", text), f"{where}: raw HTML"
        if found := re.search(r"\b(just|simply)\b", text, re.IGNORECASE):
            raise AssertionError(f"{where}: says {found[0]!r}; what is simple to write may not be to read")
        for paragraph in re.split(r"\n\s*\n", text):
            assert len(paragraph.split()) < 120, f"{where}: a paragraph of {len(paragraph.split())} words"


@each(LESSONS)
def test_cells_are_short(target):
    lines = [len(cell.source.splitlines()) for cell in cells_of(target) if cell.kind == "code"]
    assert statistics.median(lines) <= 10, f"median {statistics.median(lines)} lines"


@each(EXERCISES)
def test_exercises_say_what_they_ask_for_and_are_checked(target):
    headings = [
        line
        for cell in markdown(target)
        for line in cell.source.splitlines()
        if re.match(r"#+ Exercise\b", line)
    ]
    assert headings, "no line like `## Exercise 1 · title · difficulty ●●○ · importance ●●● · 8 minutes`"
    numbers = []
    for heading in headings:
        assert (found := HEADER.match(heading)), f"not in the form of the course: {heading}"
        numbers.append(int(found["number"]))
    assert numbers == list(range(1, len(numbers) + 1))
    code = "\n".join(cell.source for cell in cells_of(target) if cell.kind == "code")
    for number in numbers:
        assert re.search(rf'\bcheck\("{target.number}\.{number}"', code), (
            f"exercise {number} is never checked"
        )


@each(SOLUTIONS)
def test_every_check_of_a_solution_is_compared_and_right(target):
    """Its output is stored, so nbval notices when the solution stops being right."""
    contents = notebook(cells_of(target), target, find_root(), stored_outputs(target.path))
    for cell, entry in zip(cells_of(target), contents["cells"], strict=True):
        if cell.kind == "code" and re.search(r'^check\("\d\d\.\d+"', cell.source, re.MULTILINE):
            assert cell.compared, f"{target.source.name}:{cell.line}: mark this check with {COMPARED}"
            assert "· right" in str(entry["outputs"]), f"{target.source.name}:{cell.line}: {entry['outputs']}"


@each(EXERCISES)
def test_an_exercise_runs_up_to_its_first_open_answer(target):
    """Whatever stands before the first answer works, and the first trouble is that answer's "not started"."""
    cells = cells_of(target)
    first_open = next(index for index, cell in enumerate(cells) if "answer" in cell.tags)
    for index, cell in run_cells(notebook(cells, target, find_root()), target.path.parent):
        outputs = cell.get("outputs", [])
        errors = [output for output in outputs if output.output_type == "error"]
        if any("not started" in str(output.get("data", "")) for output in outputs) or any(
            e.ename == "NotStarted" for e in errors
        ):
            assert index >= first_open, f"cell {index} asks for an answer before the first one is open"
            return
        assert not errors, f"cell {index} fails with {errors[0].ename}: {errors[0].evalue}"
    raise AssertionError("no open answer was ever asked for: is there a check after the first stub?")
