"""Colab: one set-up cell and a badge in every notebook, and requirements that change nothing of what it has."""

import builtins
import json
import re
import subprocess
import sys
import tomllib
import types
from importlib.metadata import PackageNotFoundError, requires, version

import pytest
from IPython.core.inputtransformer2 import TransformerManager
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from course_utils.authoring import COLAB, REPOSITORY, SETUP, find_root, find_targets

ROOT = find_root()
TARGETS = find_targets(ROOT)


def pins(file: str) -> dict[str, str]:
    """Package → version, of a file of lines `name==version`."""
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    pairs = (line.split("#")[0].strip().split("==") for line in lines if "==" in line.split("#")[0])
    return {canonicalize_name(name): pinned for name, pinned in pairs}


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OURS = [Requirement(line) for line in PROJECT["dependencies"]]
HAS = pins("tests/versions/colab.txt")


# ---------------------------------------------------------------- the set-up cell


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: f"{target.variant}-{target.number}")
def test_every_notebook_begins_with_its_title_its_badge_and_the_set_up(target):
    title, setup = json.loads(target.path.read_text(encoding="utf-8"))["cells"][:2]
    path = target.path.relative_to(ROOT).as_posix()
    heading, blank, badge = "".join(title["source"]).splitlines()[:3]
    assert heading.startswith("# ") and not blank
    assert badge == f"[![Open in Colab](../notebooks/colab.svg)]({COLAB}/{path})"
    assert "".join(setup["source"]) == SETUP
    assert (target.path.parent / "../notebooks/colab.svg").resolve().exists()


def run_setup(monkeypatch, present: bool) -> list[str]:
    """What the set-up cell asks IPython to do, where the course is or is not installed."""
    asked = []
    shell = types.SimpleNamespace(
        system=asked.append, run_line_magic=lambda name, line: asked.append(f"%{name} {line}")
    )
    monkeypatch.setattr(builtins, "get_ipython", lambda: shell, raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object() if present else None)
    exec(TransformerManager().transform_cell(SETUP), {})
    return asked


@pytest.mark.parametrize("present", [True, False])
def test_outside_colab_the_set_up_does_nothing(monkeypatch, present):
    assert "google.colab" not in sys.modules
    assert run_setup(monkeypatch, present) == []


@pytest.mark.parametrize("present", [True, False])
def test_in_colab_it_installs_what_is_missing_and_lets_widgets_in(monkeypatch, present):
    colab, widgets = types.ModuleType("google.colab"), []
    colab.output = types.SimpleNamespace(enable_custom_widget_manager=lambda: widgets.append("enabled"))
    monkeypatch.setitem(sys.modules, "google", types.ModuleType("google"))
    monkeypatch.setitem(sys.modules, "google.colab", colab)
    asked = run_setup(monkeypatch, present)
    install = ["git clone", "%pip install"] if not present else []
    assert [" ".join(words.split()[:2]) for words in asked[:-1]] == install
    assert asked[-1] == "%cd -q /content/finetuning-lab/notebooks" and widgets == ["enabled"]
    assert not re.search(r"--(force|upgrade|ignore|pre)|\s-U\b", " ".join(asked)), "nothing there is replaced"
    assert present or REPOSITORY in asked[0]


def test_the_address_of_the_repository_stands_in_one_place():
    """Sources, documents and workflows take it from `authoring.REPOSITORY`; the notebooks are built from that."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    if not listed:
        pytest.skip("this is no git clone, so it cannot be told what belongs to the course")
    texts = [ROOT / line for line in listed.splitlines() if line.endswith((".py", ".md", ".toml", ".yml", ".txt"))]
    address = REPOSITORY.removeprefix("https://")
    holders = [path for path in texts if path.exists() and address in path.read_text(encoding="utf-8")]
    assert [path.relative_to(ROOT).as_posix() for path in holders] == ["course_utils/authoring.py"]


# ---------------------------------------------------------------- versions


def conflicts(has: dict[str, str]) -> tuple[list[str], set[str]]:
    """What would be replaced where `has` is installed; and which packages would be added.

    From our requirements down through all that is missing there. What a missing package asks for is read from
    the one installed here; `make colab-check` asks pip and its index instead.
    """
    wrong, added = [], set()
    waiting = [(PROJECT["name"], requirement) for requirement in OURS]
    while waiting:
        asker, requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        if name in has and not requirement.specifier.contains(has[name], prereleases=True):
            wrong.append(f"{asker} wants {requirement}, but {name} {has[name]} is there")
        if name in has or name in added:
            continue
        added.add(name)
        try:
            asks = [Requirement(line) for line in requires(name) or []]
        except PackageNotFoundError:  # for another platform or Python than this
            continue
        extras = requirement.extras or {""}
        waiting += [
            (f"{name} {version(name)}", one)
            for one in asks
            if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in extras)
        ]
    return wrong, added


def test_installing_the_course_replaces_nothing_of_colabs():
    wrong, added = conflicts(HAS)
    assert wrong == []
    assert {"evaluate", "seqeval", "sacrebleu"} <= added, "which Colab has not"


@pytest.mark.parametrize(
    ("name", "older", "asker"),
    [("plotly", "5.23.0", PROJECT["name"]), ("datasets", "1.0.0", "evaluate")],
)
def test_a_version_that_would_be_replaced_is_noticed(name, older, asker):
    wrong, _ = conflicts(HAS | {name: older})
    assert any(line.startswith(asker) and name in line for line in wrong)


def test_the_oldest_versions_tried_are_the_oldest_admitted():
    """Our floors, with Colab's front end: `make test-oldest` installs these."""
    oldest = pins("tests/versions/oldest.txt")
    for requirement in OURS:
        floor = next(part.version for part in requirement.specifier if part.operator == ">=")
        assert oldest[canonicalize_name(requirement.name)] == floor, requirement
    assert {name: oldest[name] for name in ("ipywidgets", "ipython", "ipykernel")} == {
        name: HAS[name] for name in ("ipywidgets", "ipython", "ipykernel")
    }
