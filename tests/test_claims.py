"""Every finding that a lesson states, measured over seeds."""

import re
from pathlib import Path

import pytest

from course_utils.experiments import CLAIMS, STUDIES, Claim, results

SOURCES = sorted(Path(__file__).parent.parent.glob("notebooks/source/*.py"))
MENTION = re.compile(r"`(\d\d-[a-z][a-z0-9-]*)`")


@pytest.mark.parametrize("name", CLAIMS)
def test_claim_holds(name: str) -> None:
    claim = CLAIMS[name]
    values = [claim.measure(seed) for seed in claim.seeds]
    said = ", ".join(f"{value:.3f}" for value in values)
    assert claim.holds(values), f"{claim.says} Measured over seeds {list(claim.seeds)}: {said}"


def test_every_mention_is_a_claim_and_every_lesson_claim_is_mentioned() -> None:
    mentioned = {name for source in SOURCES for name in MENTION.findall(source.read_text(encoding="utf-8"))}
    assert mentioned <= set(CLAIMS), f"lessons name claims that nobody measures: {mentioned - set(CLAIMS)}"
    of_lessons = {name for name in CLAIMS if name[:2].isdigit()}
    assert of_lessons <= mentioned, f"claims that no lesson states: {of_lessons - mentioned}"


def test_a_claim_is_bounded_on_the_side_it_says() -> None:
    claim = Claim(says="", measure=float, at_least=0.2, at_most=0.4)
    assert claim.holds([0.1, 0.5]) and not claim.holds([0.1, 0.2]) and not claim.holds([0.5, 0.4])
    assert all(claim.at_least is not None or claim.at_most is not None for claim in CLAIMS.values())


@pytest.mark.parametrize("name", STUDIES)
def test_shipped_results_are_complete(name: str) -> None:
    study, frame = STUDIES[name], results(name)
    runs = len(study.methods) * len(study.labels) * len(study.seeds)
    assert len(frame) == 2 * runs and frame["score"].between(0, 1).all()
    assert set(frame["method"]) == set(study.methods) and set(frame["labels"]) == set(study.labels)
