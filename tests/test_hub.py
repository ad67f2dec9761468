"""Hub scale against a small Hub on loopback: the true libraries, the true table, random weights in small.

The lessons run in kernels, which takes a quarter of an hour for all of them. Here one does, the quickest that reads,
trains and evaluates: `COURSE_TEST_HUB=all` runs every one, `COURSE_TEST_HUB=05,07` some, `COURSE_TEST_HUB=` none.
"""

import json
import os
import re
import shutil
import socket
import time
from dataclasses import replace

import hub_server
import numpy as np
import pytest

from course_utils import current_scale, hub, load_model, load_task, load_tokenizer
from course_utils.authoring import cells_of, find_root, find_targets, notebook
from course_utils.batching import encode
from course_utils.cli import main
from course_utils.errors import CourseError
from course_utils.executing import run_notebook
from course_utils.hub_table import CHECKPOINTS, COUNTERPARTS, DATASETS, LESSONS, Lesson
from course_utils.prefetch import T4_FLOPS, needed, prefetch, t4_minutes, time_on_t4, verify
from course_utils.training import TrainConfig, evaluate, train

LESSON_FILES = {t.number: t for t in find_targets(find_root()) if t.variant == "lesson"}
ASKED_FOR = os.environ.get("COURSE_TEST_HUB", "06")
EXECUTED = sorted(LESSON_FILES) if ASKED_FOR == "all" else list(filter(None, ASKED_FOR.split(",")))
BERT = CHECKPOINTS["bert"].hub_id

pytestmark = pytest.mark.filterwarnings("ignore:.*have no labels, so this split is left out")  # SST-2's test rows


@pytest.fixture(scope="session")
def repositories(tmp_path_factory):
    """A folder with everything that the table names, in small."""
    folder = tmp_path_factory.mktemp("repositories")
    hub_server.fill(folder)
    return folder


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def at_hub(repositories, cache, monkeypatch):
    """This process at hub scale, with the small Hub."""
    with hub_server.Hub(repositories) as server:
        use(monkeypatch, server.address, cache)
        yield server


def use(monkeypatch, address, cache):
    """Hub scale with the Hub at an address. The libraries read most settings once: they are told again."""
    from huggingface_hub import constants

    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "COURSE_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COURSE_SCALE", "hub")
    monkeypatch.setenv("HF_ENDPOINT", address)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    hub.reachable.cache_clear()
    hub.model_folder.cache_clear()


# ---------------------------------------------------------------- the table


def test_every_entry_of_the_table_is_pinned_and_described():
    for entry in (*CHECKPOINTS.values(), *DATASETS.values()):
        assert entry.hub_id.count("/") == 1
        assert re.fullmatch("[0-9a-f]{40}", entry.revision), f"{entry.hub_id} is not pinned to a commit"
        assert entry.megabytes > 0 and entry.licence
    for known in DATASETS.values():
        assert all(pattern.endswith(".parquet") for pattern in known.files)


def test_the_table_names_every_lesson_and_what_its_source_loads():
    """What a lesson's source names is what `course prefetch` brings for it."""
    assert set(LESSONS) == set(LESSON_FILES)
    names = re.compile(r'(chosen\("model", |chosen\("data", |load_task\(|as_they_come\(|else )"([\w-]+)"')
    for number, target in LESSON_FILES.items():
        code = "\n".join(cell.source for cell in cells_of(target) if cell.kind == "code")
        for how, name in names.findall(code):
            name = COUNTERPARTS.get(name, name) if "model" in how else name
            if name in CHECKPOINTS or name in DATASETS:
                assert name in (*LESSONS[number].models, *LESSONS[number].data), f"lesson {number} takes {name!r}"
            else:
                assert "else" in how, f"lesson {number} loads {name!r}, which the table does not name"
    for lesson in LESSONS.values():
        assert set(lesson.models) <= set(CHECKPOINTS) and set(lesson.data) <= set(DATASETS)


# ---------------------------------------------------------------- models and sets


@pytest.mark.parametrize("name", sorted(hub_server.SPLITS))
def test_every_set_of_the_lessons_loads_at_its_revision(name, at_hub):
    task = load_task(name, train_rows=20)
    assert (task.kind, task.text, task.label) == (DATASETS[name].kind, DATASETS[name].text, DATASETS[name].label)
    assert list(task.rows) == ["train", "validation", "test"] and len(task.rows["train"]) == 20
    fetched = [line for line in at_hub.asked if "/resolve/" in line]
    assert all(f"/resolve/{DATASETS[name].revision}/" in line for line in fetched)
    assert not any("de-en" in line for line in fetched)  # only what the configuration needs


def test_lessons_evaluate_on_so_many_rows_and_the_id_gives_all(at_hub, monkeypatch):
    known = replace(DATASETS["answers"], held_out=30)
    monkeypatch.setitem(DATASETS, "answers", known)
    few, again, all_of_it = load_task("answers"), load_task("answers"), load_task("rajpurkar/squad")
    assert few.rows["test"]["id"][:] == again.rows["test"]["id"][:]
    assert len(few.rows["validation"]) + len(few.rows["test"]) == 30
    assert len(all_of_it.rows["validation"]) + len(all_of_it.rows["test"]) == 120
    assert len(few.rows["train"]) == len(all_of_it.rows["train"]) == 700


def test_the_time_on_a_t4_is_an_estimate_of_both_parts(monkeypatch):
    # 4 × 2 FLOPs for each of BERT base's 85 million weights and a token, and a little for attention: .7e15 a million
    by_flops = 1000 * 0.7e15 / T4_FLOPS / 60
    for seconds in (1, 60_000):
        monkeypatch.setitem(LESSONS, "06", Lesson(models=("bert",), read=1000, trained=1000, seconds=seconds))
        assert t4_minutes("06") == pytest.approx(by_flops + seconds / 60, rel=0.05)
    monkeypatch.setitem(LESSONS, "06", Lesson(models=("bert",)))
    assert np.isnan(t4_minutes("06"))


def test_a_lesson_says_what_it_takes_on_a_t4_and_no_cell_takes_three_minutes(monkeypatch):
    assert time_on_t4("06") == ""
    monkeypatch.setenv("COURSE_SCALE", "hub")
    for number in LESSONS:
        minutes = t4_minutes(number)
        assert ("not estimated" if np.isnan(minutes) else f"about {max(1, round(minutes))} min") in time_on_t4(number)
        assert not minutes > 3.5, f"lesson {number} takes {minutes:.1f} minutes: is there a cell of more than three?"
    assert not np.isnan(t4_minutes("06"))


def test_classes_are_named_also_where_only_the_old_card_names_them(at_hub, repositories, monkeypatch, tmp_path):
    """lhoestq/conll2003 has no README; its classes may stand in dataset_infos.json alone."""
    import pyarrow.parquet as pq
    from datasets import load_dataset

    source, folder = repositories / "datasets" / DATASETS["entities"].hub_id, tmp_path / "datasets" / "old" / "conll"
    infos = load_dataset(str(source))["train"].features.to_dict()
    for file in (source / "data").iterdir():
        table = pq.read_table(file)
        (folder / "data").mkdir(parents=True, exist_ok=True)
        pq.write_table(table.replace_schema_metadata(None), folder / "data" / file.name)
    splits = {s: {"name": s, "num_bytes": 1, "num_examples": n} for s, n in (("train", 700), ("validation", 120), ("test", 60))}
    legacy = {"features": infos, "splits": splits, "builder_name": "conll2003", "config_name": "conll2003"}
    (folder / "dataset_infos.json").write_text(json.dumps({"old--conll": legacy}))
    monkeypatch.setattr(at_hub, "folder", tmp_path)
    assert "B-PER" in load_task("old/conll").label_names


@pytest.mark.parametrize("name", sorted(CHECKPOINTS))
def test_every_checkpoint_loads_as_safetensors_and_learns(name, at_hub):
    known = CHECKPOINTS[name]
    tokenizer = load_tokenizer(name)
    assert not any("safetensors" in line for line in at_hub.asked)  # a tokenizer needs no weights
    task = load_task("translation" if name in ("t5", "marian-fr-en") else "sentiment", train_rows=16)
    model = load_model(name, task)
    start = getattr(model.config, "decoder_start_token_id", None)
    rows = encode(task, tokenizer, **({"decoder_start": start} if start is not None else {}))
    history = train(model, rows["train"], TrainConfig(epochs=1, batch_size=8), progress=False)
    assert len(history.frame) == 2 and np.isfinite(history.frame["loss"]).all()
    assert evaluate(model, rows["test"])["loss"] > 0
    asked = [line for line in at_hub.asked if known.hub_id in line and "/resolve/" in line]
    assert asked and all(f"/resolve/{known.revision}/" in line for line in asked)
    assert not any(".bin" in line or "onnx" in line for line in asked)


def test_what_is_at_hand_is_not_asked_for_again(at_hub):
    load_model("bert", "masked_lm")
    before = len(at_hub.asked)
    load_model("bert", "classification", label_names=("no", "yes"))
    assert len(at_hub.asked) == before


@pytest.mark.parametrize("number", EXECUTED)
def test_a_lesson_runs_at_hub_scale(number, repositories, cache):
    target = LESSON_FILES[number]
    with hub_server.Hub(repositories) as server:
        executed = run_notebook(
            notebook(cells_of(target), target, find_root()), target.path.parent, COURSE_SCALE="hub",
            HF_ENDPOINT=server.address, HF_HUB_OFFLINE="0", TRANSFORMERS_OFFLINE="0", HF_HOME=str(cache / "home"),
        )  # fmt: skip
    said = "".join(o.get("text", "") for cell in executed.cells for o in cell.get("outputs", ()))
    assert "Scale: hub" in said or number in ("03",)  # pre-training is of the mini world alone
    used = [DATASETS[name].hub_id for name in LESSONS[number].data] + [CHECKPOINTS[name].hub_id for name in LESSONS[number].models]
    fetched = " ".join(str(path) for path in (cache / "home").rglob("snapshots"))
    assert all(hub_id.replace("/", "--") in fetched for hub_id in used)


# ---------------------------------------------------------------- a hub that is not there


@pytest.fixture
def silent():
    """A port that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def closed():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("kind", ["silent", "closed"])
def test_an_unreachable_hub_is_noticed_once_and_soon(kind, request, monkeypatch, tmp_path):
    use(monkeypatch, request.getfixturevalue(kind), tmp_path)
    load_config_of_libraries()  # imports are not waiting
    began = time.monotonic()
    for attempt in (lambda: load_task("sentiment"), lambda: load_tokenizer("bert"), lambda: load_model("gpt2", "causal_lm")):
        with pytest.raises(CourseError, match=r"^The Hub \(http://127.* can't be reached.*COURSE_SCALE=mini.*prefetch") as told:
            attempt()
        assert str(told.value).count("\n") == 0
    assert time.monotonic() - began < 5  # all three: the second and the third do not wait


def load_config_of_libraries():
    import datasets
    import transformers

    assert datasets.load_dataset and transformers.AutoModelForCausalLM and transformers.AutoTokenizer


def test_what_was_fetched_before_is_used_without_waiting(at_hub, closed, cache, monkeypatch):
    wanted = load_model("bert", "masked_lm").num_parameters(), len(load_task("sentiment").rows["train"])
    use(monkeypatch, closed, cache)
    began = time.monotonic()
    assert (load_model("bert", "masked_lm").num_parameters(), len(load_task("sentiment").rows["train"])) == wanted
    assert time.monotonic() - began < 5


def test_half_of_a_model_is_not_taken_for_all_of_it(at_hub, closed, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    load_tokenizer("distilbert")
    use(monkeypatch, closed, tmp_path)
    assert len(load_tokenizer("distilbert")) > 100
    with pytest.raises(CourseError, match=r"can't be reached|no weights"):
        load_model("distilbert", "masked_lm")


def test_a_name_that_the_hub_does_not_have(at_hub):
    with pytest.raises(CourseError, match="no 'nobody/nothing' that you may read without a login"):
        load_model("nobody/nothing", "masked_lm")
    with pytest.raises(CourseError, match="no 'nobody/nothing' that you may read without a login"):
        load_task("nobody/nothing")


# ---------------------------------------------------------------- hostile repositories


@pytest.fixture
def hostile(tmp_path, at_hub, monkeypatch):
    """A folder to put repositories into, which the small Hub then serves."""
    monkeypatch.setattr(at_hub, "folder", tmp_path / "served")
    return tmp_path / "served"


TRAP = "from pathlib import Path\nPath({mark!r}).write_text('ran')\n"


def test_a_checkpoint_that_carries_a_pickle_only(hostile, repositories, at_hub):
    folder = hostile / "models" / "eve" / "pickled"
    shutil.copytree(repositories / "models" / BERT, folder)
    (folder / "model.safetensors").unlink()
    for name in ("eve/pickled", folder):
        with pytest.raises(CourseError, match=r"holds no weights as safetensors.*reads no pickles"):
            load_model(name, "masked_lm")
    assert not any(".bin" in line for line in at_hub.asked)  # nor is it fetched


def with_code(folder, repositories, file, mark, **changes):
    """A checkpoint one of whose files names code that lies beside it."""
    shutil.copytree(repositories / "models" / BERT, folder)
    (folder / "trap.py").write_text(TRAP.format(mark=str(mark)))
    asks = {"AutoConfig": "trap.Config", "AutoModelForMaskedLM": "trap.Model", "AutoTokenizer": ["trap.Slow", "trap.Fast"]}
    settings = json.loads((folder / file).read_text())
    (folder / file).write_text(json.dumps(settings | {"auto_map": asks} | changes))


def test_a_config_that_asks_for_code_of_its_own_is_refused(hostile, repositories, at_hub, tmp_path):
    folder, mark = hostile / "models" / "eve" / "coded", tmp_path / "ran"
    with_code(folder, repositories, "config.json", mark, model_type="trap")
    for name in ("eve/coded", folder):
        for load in (lambda name: load_model(name, "masked_lm"), load_tokenizer):
            with pytest.raises(CourseError, match=r"asks to run code of its own .*never does"):
                load(name)
    assert not mark.exists() and not any("trap.py" in line for line in at_hub.asked)


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json"])
def test_code_beside_a_checkpoint_of_a_known_type_is_not_run(file, hostile, repositories, at_hub, tmp_path):
    folder, mark = hostile / "models" / "eve" / file.removesuffix(".json"), tmp_path / "ran"
    with_code(folder, repositories, file, mark)
    for name in (f"eve/{folder.name}", folder):
        assert type(load_model(name, "masked_lm")).__name__ == "BertForMaskedLM"
        assert len(load_tokenizer(name)) > 100
    assert not mark.exists() and not any("trap.py" in line for line in at_hub.asked)


def test_a_data_set_with_a_loading_script(hostile, at_hub, tmp_path):
    folder, mark = hostile / "datasets" / "eve" / "scripted", tmp_path / "ran"
    folder.mkdir(parents=True)
    (folder / "scripted.py").write_text(TRAP.format(mark=str(mark)))
    (folder / "dataset_infos.json").write_text("{}")
    (folder / "README.md").write_text("# A set\n")
    with pytest.raises(CourseError, match=r"'eve/scripted' has no .*loading script, and the course runs none"):
        load_task("eve/scripted")
    with pytest.raises(CourseError, match=r"scripted has no .csv"):
        load_task(folder)
    # A script beside rows: the rows are read, the script is not.
    folder = folder.rename(folder.with_name("mixed"))
    (folder / "scripted.py").rename(folder / "mixed.py")
    (folder / "train.csv").write_text("text,label\n" + "".join(f"a text {i},{'ab'[i % 2]}\n" for i in range(60)))
    assert load_task("eve/mixed").label_names == load_task(folder).label_names == ("a", "b")
    (folder / "more.csv").write_text("text,label\nanother,a\n")  # now the library reads it, which refuses scripts
    with pytest.raises(CourseError, match="scripts are no longer supported"):
        load_task(folder)
    assert not mark.exists() and not any(".py" in line for line in at_hub.asked)


def test_an_archive_whose_members_leave_its_folder(tmp_path):
    import zipfile

    (tmp_path / "set").mkdir()
    with zipfile.ZipFile(tmp_path / "set" / "train.zip", "w") as packed:
        packed.writestr("../escaped.csv", "text,label\na,b\n")
    (tmp_path / "set" / "train.csv").write_text("text,label\na,b\n")
    with pytest.raises(CourseError, match=r"train\.zip is an archive, and the course opens none"):
        load_task(tmp_path / "set")
    with pytest.raises(CourseError, match="zip"):
        load_task(tmp_path / "set" / "train.zip")
    assert not (tmp_path / "escaped.csv").exists()


def test_a_tokenizer_that_needs_what_is_not_installed_says_so(tmp_path):
    pytest.importorskip("transformers")
    try:
        import sentencepiece  # noqa: F401
    except ImportError:
        (tmp_path / "config.json").write_text('{"model_type": "marian"}')
        (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "MarianTokenizer"}')
        for name in ("source.spm", "target.spm"):
            (tmp_path / name).write_bytes(b"pieces")
        (tmp_path / "vocab.json").write_text("{}")
        with pytest.raises(CourseError, match=r"(?i)sentencepiece"):
            load_tokenizer(tmp_path)


# ---------------------------------------------------------------- prefetch, and running from its folder


@pytest.fixture
def stick(tmp_path):
    return tmp_path / "stick"


def test_prefetch_brings_what_the_lessons_need_and_nothing_else(at_hub, stick, closed, tmp_path, monkeypatch, capsys):
    assert main(["prefetch", "06", "10", "--to", str(stick)]) == 0
    said = capsys.readouterr().out
    assert "3 repositories, about 442 MB" in said and "All there and verified" in said
    names = {file.suffix for file in stick.rglob("*") if file.is_file()}
    assert names == {".json", ".md", ".parquet", ".safetensors"}
    assert main(["prefetch", "--check", "--to", str(stick)]) == 0
    use(monkeypatch, closed, tmp_path / "empty")
    monkeypatch.setenv("COURSE_OFFLINE", str(stick))
    monkeypatch.delenv("COURSE_SCALE")  # the folder alone asks for hub scale
    began = time.monotonic()
    assert load_model("bert", load_task("entities")).num_parameters() > 10_000
    assert len(load_tokenizer("bert")) > 100 and len(load_task("sentiment").rows["train"]) == 2800
    assert time.monotonic() - began < 5
    with pytest.raises(CourseError, match=r"'openai-community/gpt2' is not in .*prefetch"):
        load_model("gpt2", "causal_lm")


def test_prefetch_without_a_folder_tells_the_table(capsys):
    assert main(["prefetch", "12"]) == 0
    said = capsys.readouterr().out
    assert "google-t5/t5-small" in said and "df1b051c" in said and "MB in all" in said
    assert main(["prefetch", "99"]) == 2 and "no lesson '99'" in capsys.readouterr().err
    assert main(["prefetch", "--check"]) == 2


def test_prefetch_goes_on_where_it_broke_off(at_hub, repositories, stick, monkeypatch):
    """The connection breaks in the weights; another call fetches what is lacking, and next to no byte twice."""
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda _: None)  # between the library's attempts
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 2**12)  # written out in chunks of this size
    weights = repositories / "models" / BERT / "model.safetensors"
    at_hub.break_after = weights.stat().st_size // 2
    with pytest.raises(CourseError, match="broke off .*run this again, which goes on from there"):
        prefetch(stick, ["02"], report=lambda _: None)
    part = stick / "models" / BERT / "model.safetensors.part"
    assert 2**12 <= part.stat().st_size < weights.stat().st_size
    there = sum(file.stat().st_size for file in stick.rglob("*") if file.is_file())
    at_hub.break_after, at_hub.sent = None, 0
    prefetch(stick, ["02"], report=lambda _: None)
    whole = sum(file.stat().st_size for file in (stick / "models").rglob("*") if file.is_file())
    assert at_hub.sent == whole - there
    assert (stick / "models" / BERT / "model.safetensors").read_bytes() == weights.read_bytes()
    assert not list(stick.rglob("*.part")) and verify(stick) == []


def test_a_prefetch_that_was_killed_leaves_nothing_that_passes_for_whole(at_hub, repositories, stick, monkeypatch):
    """Half of a file under its own name, as a copy leaves it, and a part longer than the file: both are mended."""
    prefetch(stick, ["02"], report=lambda _: None)
    (stick / "manifest.json").unlink()
    weights = stick / "models" / BERT / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:5000])
    weights.with_name("model.safetensors.part").write_bytes(whole + b"more")
    monkeypatch.setenv("COURSE_OFFLINE", str(stick))
    with pytest.raises(CourseError, match="holds no manifest.json"):
        load_model("bert", "masked_lm")
    prefetch(stick, ["02"], report=lambda _: None)
    assert weights.read_bytes() == whole and verify(stick) == []


def test_a_flipped_bit_is_found_and_mended(at_hub, stick, capsys):
    prefetch(stick, ["02"], report=lambda _: None)
    weights = stick / "models" / BERT / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 1
    weights.write_bytes(content)
    assert main(["prefetch", "--check", "--to", str(stick)]) == 1
    assert f"{BERT}/model.safetensors is damaged" in capsys.readouterr().out
    prefetch(stick, ["02"], report=lambda _: None)
    assert verify(stick) == []
    (stick / "models" / BERT / "config.json").unlink()
    assert verify(stick) == [f"models/{BERT}/config.json is missing or was not copied whole"]


def test_a_stick_with_a_cut_file_is_not_run_from(at_hub, stick, monkeypatch):
    prefetch(stick, ["02"], report=lambda _: None)
    weights = stick / "models" / BERT / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    monkeypatch.setenv("COURSE_OFFLINE", str(stick))
    hub.model_folder.cache_clear()
    with pytest.raises(CourseError, match=r"is not whole in .*prefetch"):
        load_model("bert", "masked_lm")


@pytest.mark.parametrize("content", ["{", "[1]", '{"models/a/b": 3}', '"text"'])
def test_a_manifest_of_another_program(content, tmp_path, capsys):
    (tmp_path / "manifest.json").write_text(content)
    assert main(["prefetch", "--check", "--to", str(tmp_path)]) == 2
    assert "is none of `course prefetch`" in capsys.readouterr().err


def test_bytes_that_the_hub_does_not_list_are_refused(at_hub, stick, monkeypatch):
    monkeypatch.setattr(hub_server._Handler, "_send", lambda self, content: self.wfile.write(bytes(len(content))))
    with pytest.raises(CourseError, match="arrives damaged, twice"):
        prefetch(stick, ["02"], report=lambda _: None)
    assert not list(stick.rglob("*.part")) and not list(stick.rglob("*.safetensors"))


def test_prefetch_refuses_pickles_scripts_and_paths_that_leave(at_hub, hostile, repositories, stick, monkeypatch):
    folder = hostile / "models" / BERT
    shutil.copytree(repositories / "models" / BERT, folder)
    (folder / "model.safetensors").unlink()
    with pytest.raises(CourseError, match=r"no \.safetensors file, and the course reads no pickle"):
        prefetch(stick, ["02"], report=lambda _: None)
    shutil.copy(repositories / "models" / BERT / "model.safetensors", folder)
    real = hub_server._entry
    monkeypatch.setattr(hub_server, "_entry", lambda name, content: real(name, content) | {"path": name.replace("config", "..\\config")})
    with pytest.raises(CourseError, match="would leave its folder"):
        prefetch(stick, ["02"], report=lambda _: None)
    assert not any(path.is_file() for path in stick.rglob("*"))


def test_prefetch_without_a_hub(closed, stick, monkeypatch, tmp_path):
    use(monkeypatch, closed, tmp_path)
    began = time.monotonic()
    with pytest.raises(CourseError, match="can't be reached"):
        prefetch(stick, [], report=lambda _: None)
    assert time.monotonic() - began < 5


def test_lab_says_what_is_wrong_with_a_folder(tmp_path, capsys):
    assert main(["lab", "--offline", str(tmp_path), "--no-browser"]) == 2
    assert "holds no manifest.json" in capsys.readouterr().err


def test_lab_runs_from_a_folder(at_hub, stick, monkeypatch):
    """The server's environment names the folder and closes the libraries' way out; hub scale follows from it."""
    prefetch(stick, ["02"], report=lambda _: None)
    given = {}
    monkeypatch.setattr("course_utils.cli._call", lambda command, cwd, env: given.update(env) or 0)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    assert main(["lab", "--offline", str(stick), "--no-browser"]) == 0
    assert given["COURSE_OFFLINE"] == str(stick.resolve()) and given["HF_HUB_OFFLINE"] == "1"
    monkeypatch.delenv("COURSE_SCALE")
    monkeypatch.setenv("COURSE_OFFLINE", given["COURSE_OFFLINE"])
    assert str(current_scale()).startswith("Scale: hub") and "COURSE_OFFLINE" in current_scale().reason


def test_each_lesson_needs_its_part_of_what_all_need():
    assert {one.hub_id for one in needed([])} == {one.hub_id for number in LESSONS if number != "03" and number != "04"
                                                  for one in needed([number])}  # fmt: skip
    assert [one.hub_id for one in needed(["06", "07"])] == [BERT, "stanfordnlp/sst2"]
