"""Sources → notebooks: what is cut, what stays, what is refused."""

import json

import nbformat
import pytest

from course_utils import authoring, executing
from course_utils.authoring import Target, build, cell_ids, parse, solved, unsolved
from course_utils.errors import CourseError

LESSON = """# A licence line may stand above the first cell.

# %% [markdown]
# # A sample lesson
#
# Words, with $x < y$.

# %%
total = 1 + 1

# %% tags=["figure"]
# NBVAL_CHECK_OUTPUT
print("total", total)

# %%
# %pip --version
"""

EXERCISES = '''# %% [markdown]
# # A sample: exercises
#
# ## Exercise 1 · Add · difficulty ●○○ · importance ●●● · 2 minutes

# %%
from course_utils.checks import NotStarted, check

# %%
def add(a, b):
    """Their sum."""
    ### BEGIN SOLUTION
    return a + b
    ### END SOLUTION

# %%
### BEGIN SOLUTION
total: int = add(1, 2)
names, total = ["a"], 3
double = total * 2
### END SOLUTION

# %%
# NBVAL_CHECK_OUTPUT
print(double)
'''


@pytest.fixture
def course(tmp_path):
    for folder, text in (("notebooks", LESSON), ("exercises", EXERCISES)):
        (tmp_path / folder / "source").mkdir(parents=True)
        (tmp_path / folder / "source" / "06_sample.py").write_text(text, encoding="utf-8")
    return tmp_path


def code(cells):
    return [cell.source for cell in cells if cell.kind == "code"]


def test_cells_tags_and_magics():
    cells = parse(LESSON)
    assert [cell.kind for cell in cells] == ["markdown", "code", "code", "code"]
    assert cells[0].source == "# A sample lesson\n\nWords, with $x < y$."
    assert cells[2].tags == ("figure",) and cells[2].compared
    assert cells[3].source == "%pip --version"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no cells"),
        ("x = 1\n", "before the first cell"),
        ("# %% [markdown]\nwords\n", ":2: a Markdown line"),
        ("# %% [markdwn]\n# words\n", "cannot read"),
    ],
)
def test_a_source_that_cannot_be_read_names_its_line(text, says):
    with pytest.raises(CourseError, match=says):
        parse(text)


def test_the_exercise_hides_every_answer_and_the_solution_every_marker():
    cells = parse(EXERCISES)
    answers, stubs = "\n".join(code(solved(cells))), "\n".join(code(unsolved(cells)))
    assert "###" not in answers + stubs
    assert "return a + b" in answers and "double = total * 2" in answers
    assert "a + b" not in stubs and "total * 2" not in stubs
    assert "    raise NotStarted" in stubs
    assert "total = ...  # your answer\ndouble = ...  # your answer" in stubs
    assert "NBVAL_CHECK_OUTPUT" in answers and "NBVAL_CHECK_OUTPUT" not in stubs
    compile(stubs, "exercise", "exec")


def test_a_stub_may_be_given_and_a_whole_function_keeps_its_signature():
    cells = parse(
        "# %%\n### BEGIN SOLUTION\n### STUB: rate = 0.1  # try others\nrate = 3e-4\n### END SOLUTION\n"
        "# %%\nfrom course_utils.checks import NotStarted\n### BEGIN SOLUTION\n"
        "def area(width, *, height=2):\n    return width * height\n### END SOLUTION\n"
    )
    first, second = code(unsolved(cells))
    assert first == "rate = 0.1  # try others"
    assert "def area(width, *, height=2):\n    raise NotStarted" in second
    assert "STUB" not in "".join(code(solved(cells)))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("# %%\n### BEGIN SOLUTION\nx = 1\n", "with no ### END"),
        ("# %%\nx = 1\n### END SOLUTION\n### BEGIN SOLUTION\n", "does not pair"),
        ("# %%\n### BEGIN SOLUTION\n### BEGIN SOLUTION\n### END SOLUTION\n", "does not pair"),
        ("# %%\ndef f():\n    ### BEGIN SOLUTION\n    return 1\n    ### END SOLUTION\n", "no cell imports"),
    ],
)
def test_markers_that_do_not_pair_are_refused(text, says):
    with pytest.raises(CourseError, match=says):
        unsolved(parse(text))


def test_ids_are_unique_and_stay_when_a_cell_is_inserted():
    cells = parse("# %%\na = 1\n# %%\na = 1\n# %%\nb = 2\n")
    ids = cell_ids(cells, "x")
    assert len(set(ids)) == 3
    assert cell_ids([*parse("# %%\nnew\n"), *cells], "x")[1:] == ids


def test_building_writes_valid_notebooks_once(course):
    report = build(course)
    assert [path.relative_to(course).as_posix() for path in report.written] == [
        "notebooks/06_sample.ipynb",
        "exercises/06_sample.ipynb",
        "solutions/06_sample.ipynb",
    ]
    for path in report.written:
        nbformat.validate(nbformat.read(path, as_version=4))
    assert build(course).written == []


def test_check_notices_an_edit_a_missing_output_and_an_orphan(course):
    build(course)
    assert [problem.partition(":")[2].strip()[:16] for problem in build(course, check=True).problems] == [
        "1 compared cells"
    ] * 2
    path = course / "notebooks" / "06_sample.ipynb"
    path.write_text(path.read_text(encoding="utf-8").replace("1 + 1", "1 + 2"), encoding="utf-8")
    (course / "solutions" / "07_lost.ipynb").write_text("{}", encoding="utf-8")
    problems = "\n".join(build(course, check=True).problems)
    assert "notebooks/06_sample.ipynb is not what its source gives" in problems
    assert "solutions/07_lost.ipynb has no source" in problems
    assert "1 + 2" in path.read_text(encoding="utf-8"), "a check writes nothing"


def test_outputs_are_stored_by_executing_and_kept_while_the_cell_is_unchanged(course):
    build(course, execute=executing.compared_outputs)
    path = course / "notebooks" / "06_sample.ipynb"

    def outputs():
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        return [cell["outputs"] for cell in cells if cell["cell_type"] == "code"]

    stored = [[], [], [{"name": "stdout", "output_type": "stream", "text": ["total 2\n"]}], []]
    assert outputs() == stored
    assert build(course, check=True).problems == []
    source = course / "notebooks" / "source" / "06_sample.py"
    source.write_text(LESSON.replace("Words", "More words"), encoding="utf-8")
    build(course)
    assert outputs() == stored, "another cell changed"
    source.write_text(LESSON.replace('print("total"', 'print("sum"'), encoding="utf-8")
    report = build(course)
    assert outputs() == [[], [], [], []], "its own source changed"
    assert "course build --execute 06" in report.problems[0]


def test_a_compared_cell_must_not_write_to_stderr(course):
    source = course / "notebooks" / "source" / "06_sample.py"
    source.write_text(
        "# %% [markdown]\n# # Loud\n# %%\n# NBVAL_CHECK_OUTPUT\nimport sys\nprint('loud', file=sys.stderr)\n",
        encoding="utf-8",
    )
    with pytest.raises(CourseError, match="stderr"):
        build(course, execute=executing.compared_outputs)


def test_a_cell_that_fails_is_reported_with_its_error(course):
    target = Target(course / "a.py", course / "a.ipynb", "lesson")
    with pytest.raises(CourseError, match="ZeroDivisionError"):
        executing.run_notebook(authoring.notebook(parse("# %%\n1 / 0\n"), target, course), course)


def test_unknown_lessons_and_folders_without_a_course_are_named(course, tmp_path_factory):
    with pytest.raises(CourseError, match="no lesson 99; there are 06"):
        build(course, ["99"])
    assert authoring.find_root(course / "notebooks" / "source") == course


def test_the_book_has_a_page_for_each_lesson(course):
    index = executing.book(course)
    assert "06 · A sample lesson" in index.read_text(encoding="utf-8")
    assert "total 2" in (index.parent / "06_sample.html").read_text(encoding="utf-8")
