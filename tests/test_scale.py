"""The switch between the mini world and the hub, and what a checkpoint's name leads to."""

import subprocess
import sys

import pytest

from course_utils import scale as sc
from course_utils.errors import CourseError


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch):
    monkeypatch.delenv("COURSE_SCALE", raising=False)
    monkeypatch.delenv("COLAB_RELEASE_TAG", raising=False)


def test_mini_unless_something_asks_for_more():
    scale = sc.current_scale()
    assert scale.name == "mini"
    assert str(scale).startswith("Scale: mini (") and "\n" not in str(scale)


def test_the_argument_wins_over_the_environment(monkeypatch):
    monkeypatch.setenv("COURSE_SCALE", "hub")
    assert sc.current_scale().name == "hub" and "COURSE_SCALE" in str(sc.current_scale())
    assert sc.current_scale("mini") == sc.Scale("mini", "the code asks for it")


def test_colab_with_a_gpu_is_hub_and_without_one_mini(monkeypatch):
    monkeypatch.setenv("COLAB_RELEASE_TAG", "release-colab")
    monkeypatch.setattr(sc.shutil, "which", lambda _: None)
    assert sc.current_scale().name == "mini"
    monkeypatch.setattr(sc.shutil, "which", lambda _: "nvidia-smi")
    assert sc.current_scale().name == "hub"


@pytest.mark.parametrize(
    "wrong, near", [("hubs", "'hub'"), ("Mini", "'mini'"), ("tiny", "'mini'"), ("xyz", "known are")]
)
def test_an_unknown_scale_names_the_near_one(monkeypatch, wrong, near):
    with pytest.raises(CourseError, match=f"argument scale is '{wrong}'.*{near}"):
        sc.current_scale(wrong)
    monkeypatch.setenv("COURSE_SCALE", wrong)
    with pytest.raises(CourseError, match=f"COURSE_SCALE is '{wrong}'.*{near}"):
        sc.current_scale()


def test_every_scale_has_an_encoder_with_a_known_name():
    assert sc.checkpoint_for("mini") in sc.SHIPPED
    assert sc.checkpoint_for(sc.Scale("hub", "")) in sc.CHECKPOINTS
    assert sc.checkpoint_for() == "mini-encoder"


def test_names_lead_to_folders_and_hub_ids(tmp_path, monkeypatch):
    (tmp_path / "mine" / "best").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert sc.checkpoint_path("mini-encoder") == str(sc.CHECKPOINT_FOLDER / "mini-encoder")
    assert sc.checkpoint_path("gpt2") == "openai-community/gpt2"
    assert sc.checkpoint_path("someone/some-model") == "someone/some-model"
    assert sc.checkpoint_path("mine") == "mine"
    assert sc.checkpoint_path(tmp_path / "mine") == str(tmp_path / "mine")
    (tmp_path / "gpt2").mkdir()
    assert sc.checkpoint_path("gpt2") == "gpt2"  # one's own folder comes first


def test_a_folder_that_is_not_there_names_its_neighbours(tmp_path, monkeypatch):
    (tmp_path / "runs" / "sentiment").mkdir(parents=True)
    (tmp_path / "file.txt").write_text("")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CourseError, match="no folder .*sentimant.*did you mean 'sentiment'"):
        sc.checkpoint_path(tmp_path / "runs" / "sentimant")
    with pytest.raises(CourseError, match="did you mean 'sentiment'"):
        sc.checkpoint_path("runs/sentimant")  # not a hub id: runs/ is here
    with pytest.raises(CourseError, match="did you mean 'runs'"):
        sc.checkpoint_path("./run/deeper")
    with pytest.raises(CourseError, match="did you mean 'runs'"):
        sc.checkpoint_path("runz")
    with pytest.raises(CourseError, match="'mini-encodr'.*'mini-encoder'"):
        sc.checkpoint_path("mini-encodr")
    with pytest.raises(CourseError, match="is a file"):
        sc.checkpoint_path("file.txt")


def test_datasets_and_checkpoints_are_full_hub_ids():
    assert {"sentiment", "topics", "spam", "entities", "answers", "translation"} <= sc.DATASETS.keys()
    for entry in (*sc.DATASETS.values(), *sc.CHECKPOINTS.values()):
        assert entry.hub_id.count("/") == 1
        assert entry.revision is None or len(entry.revision) == 40
    assert sc.revision_of("bert") == sc.revision_of("google-bert/bert-base-cased") == sc.CHECKPOINTS["bert"].revision
    assert sc.revision_of("nobody/nothing") is None


def test_the_switch_brings_no_heavy_library_along():
    heavy = "{'torch', 'transformers', 'datasets', 'huggingface_hub'}"
    code = (
        f"import sys, course_utils.scale as s; s.current_scale(); sys.exit(len({heavy} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
