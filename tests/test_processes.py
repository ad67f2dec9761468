"""Several processes: the programs and commands of notebooks/teaching.md, run as they stand there."""

import contextlib
import io
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from course_utils import load_task, load_tokenizer
from course_utils.authoring import Cell, Target, find_root, notebook
from course_utils.executing import OFFLINE, run_cells

PAGE = (find_root() / "notebooks" / "teaching.md").read_text(encoding="utf-8")
PROGRAMS = dict(re.findall(r"```python\n# (\w+\.py)\n(.*?)```", PAGE, flags=re.DOTALL))
COMMANDS = [line for block in re.findall(r"```bash\n(.*?)```", PAGE, flags=re.DOTALL) for line in block.splitlines()]
SMALL = PROGRAMS["train_many.py"].replace("train_rows=512", "train_rows=117")  # the last batch: 5 rows
ENVIRONMENT = os.environ | OFFLINE | {"CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(find_root())}


def run_all(*commands: list[str], folder) -> list[str]:
    """The standard output of programs that run at the same time. What they started ends with them."""
    running = [
        subprocess.Popen([sys.executable, *command], cwd=folder, env=ENVIRONMENT, text=True, start_new_session=True,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for command in commands
    ]  # fmt: skip
    outputs = []
    try:
        for process in running:
            output, errors = process.communicate(timeout=240)
            assert process.returncode == 0, errors[-3000:]
            outputs.append(output)
    finally:
        for process in running:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    return outputs


def torchrun(*arguments: str) -> list[str]:
    return ["-m", "torch.distributed.run", *arguments]


def numbers(line: str) -> list[float]:
    return [float(found) for found in re.findall(r"\d+\.\d+(?:e-?\d+)?", line)]


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """What one process prints: this one."""
    with contextlib.chdir(tmp_path_factory.mktemp("alone")), contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(SMALL, {})
    return printed.getvalue()


def check_same(output: str, alone: str) -> None:
    """One line, from the first of two processes, with the losses and scores of one."""
    assert output.startswith("2 [") and alone.startswith("1 [") and len(output.splitlines()) == 1
    assert len(numbers(alone)) == 8 + 2  # steps; then loss and accuracy of the last evaluation
    assert numbers(output) == pytest.approx(numbers(alone), rel=1e-4)


def test_two_machines_take_the_steps_of_one_process(alone, tmp_path):
    """The commands of the page, with this machine in the place of both."""
    (tmp_path / "train_many.py").write_text(SMALL)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    commands = [line.split(" torchrun ")[1] for line in COMMANDS if "torchrun --nnodes" in line]
    assert len(commands) == 2
    first, second = run_all(
        *(torchrun(*line.replace("10.0.0.1", "127.0.0.1").replace("29500", port).split()) for line in commands),
        folder=tmp_path,
    )
    check_same(first, alone)
    assert second == "", "only the first of all processes speaks"
    assert (tmp_path / "trained" / "model.safetensors").exists()


def test_a_notebook_launches_two_processes(alone, tmp_path):
    (tmp_path / "train_many.py").write_text(SMALL)
    target = Target(tmp_path / "a.py", tmp_path / "a.ipynb", "lesson")
    cells = [Cell("code", PROGRAMS["launch_from_notebook.py"])]
    [(_, cell)] = run_cells(notebook(cells, target, tmp_path), tmp_path, CUDA_VISIBLE_DEVICES="")
    assert not [output for output in cell.outputs if output.output_type == "error"], cell.outputs
    printed = "".join(output.text for output in cell.outputs if output.get("name") == "stdout")
    check_same("".join(line for line in printed.splitlines() if line.startswith("2 [")), alone)


PREPARED = """
import json
import os
import runpy
from pathlib import Path

import numpy as np
import torch
from accelerate import PartialState
from torch.distributed.fsdp import fully_shard

from course_utils import encode, load_model, load_task, load_tokenizer
from course_utils.losses import loss_for

task = load_task("sentiment", train_rows=32)
data = encode(task, load_tokenizer("mini-encoder"))["train"]
model, batches, losses = load_model("mini-encoder", task, seed=0).eval(), np.arange(28).reshape(4, 7), []


def loss_sum(model, batch):
    loss = loss_for("classification")(model, batch)
    losses.append(float(loss.detach()))
    return loss

"""
STREAMED = """
for folder in ("even", "odd"):
    os.chdir(folder)
    runpy.run_path("../encode_stream.py")
    os.chdir("..")
"""
TOLD = """
own = sum(getattr(p, "_local_tensor", p).numel() for p in model.parameters())
averages = sum(getattr(v, "_local_tensor", v).numel() for one in optimizer.state.values() for v in one.values())
Path(f"told-{state.process_index}.json").write_text(json.dumps([own, averages, losses]))
"""


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    """A folder in which two processes have encoded two corpora and trained one model, each a half of it."""
    folder = tmp_path_factory.mktemp("together")
    texts = list(dict.fromkeys(load_task("sentiment", train_rows=512).rows["train"]["sentence"]))
    for corpus, files in {"even": 4, "odd": 3}.items():  # a multiple of two processes, and not
        (folder / corpus / "corpus").mkdir(parents=True)
        for part in range(files):  # of unequal length
            rows = texts[part * 30 : part * 30 + 7 + 10 * part]
            (folder / corpus / "corpus" / f"{part}.txt").write_text("\n".join(rows), encoding="utf-8")
    # What is dealt out is batches: small ones, so that a small corpus gives some to both.
    (folder / "encode_stream.py").write_text(PROGRAMS["encode_stream.py"].replace(".batch(1_000)", ".batch(8)"))
    (folder / "program.py").write_text(PREPARED + STREAMED + PROGRAMS["shard.py"] + TOLD)
    run_all(torchrun("--standalone", "--nproc_per_node=2", "program.py"), folder=folder)
    return folder


@pytest.mark.parametrize("corpus", ["even", "odd"])
def test_a_stream_shared_by_two_processes_holds_every_row_once(together, corpus, monkeypatch):
    monkeypatch.chdir(together / corpus)
    lines = [line for file in Path("corpus").iterdir() for line in file.read_text(encoding="utf-8").splitlines()]
    tokenizer = load_tokenizer("mini-encoder")
    parts = sorted(Path("encoded").glob("ids-*.bin"))
    assert len(parts) == 2 and all(part.stat().st_size for part in parts)
    Path("encoded", "ids").write_bytes(b"".join(part.read_bytes() for part in parts))  # `cat`
    names: dict = {}
    exec(PROGRAMS["read_encoded.py"], names)
    rows = names["rows"]
    read = [tuple(rows.input_ids[a:b].tolist()) for a, b in pairwise(rows.offsets)]
    assert Counter(read) == Counter(map(tuple, tokenizer(lines)["input_ids"])) and len(read) == len(set(lines))
    assert isinstance(rows.input_ids, np.memmap) and len(names["history"].records) == 3


def test_a_sharded_model_takes_the_steps_of_a_whole_one(together, tmp_path, monkeypatch):
    """Each of two processes holds half of the weights and half of AdamW's two averages."""
    monkeypatch.chdir(tmp_path)
    whole: dict = {}
    exec(PREPARED + "fully_shard = lambda module: module\n" + PROGRAMS["shard.py"] + TOLD, whole)
    told = [json.loads((together / f"told-{rank}.json").read_text()) for rank in (0, 1)]
    weights, averages, losses = zip(*told)
    everything, all_averages, alone = json.loads(Path("told-0.json").read_text())
    assert sum(weights) == everything and max(weights) < 0.51 * everything
    assert max(averages) < 0.51 * all_averages
    assert np.sum(losses, axis=0) == pytest.approx(alone, rel=1e-4)


# ---------------------------------------------------------------- what cannot be run here


@pytest.mark.parametrize("command", [line for line in COMMANDS if line.startswith("accelerate launch")])
def test_commands_of_accelerate_are_well_formed(command):
    """They need several GPUs to run; that their options exist can be said without."""
    from accelerate.commands.launch import launch_command_parser

    options = launch_command_parser().parse_args(shlex.split(command)[2:])
    assert options.num_processes in (2, 8) and options.training_script.endswith(".py")


def test_the_page_is_one_page():
    assert len(PAGE.split()) < 1_500
    assert set(PROGRAMS) == {"train_many.py", "launch_from_notebook.py", "encode_stream.py", "read_encoded.py", "shard.py"}
