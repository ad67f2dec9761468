"""The command line, the doctor, and the lightness of importing the course."""

import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
from importlib import import_module
from pathlib import Path

import pytest

import course_utils
from course_utils import cli, doctor


def test_import_is_light(root):
    """At most 0.2 s (the best of three, since other work shares the cores), and nothing heavy comes along."""
    program = (
        "import sys, time; t = time.perf_counter(); import course_utils; print(time.perf_counter() - t); "
        "print([m for m in ('torch', 'transformers', 'datasets', 'numpy', 'plotly') if m in sys.modules])"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, cwd=root, check=True
        ).stdout.split("\n")
        for _ in range(3)
    ]
    assert min(float(seconds) for seconds, *_ in runs) <= 0.2
    assert runs[0][1] == "[]"


@pytest.mark.parametrize("module", course_utils._EXPORTS)
def test_every_public_name_exists(module):
    for name in course_utils._EXPORTS[module]:
        assert getattr(course_utils, name) is getattr(import_module(f"course_utils.{module}"), name)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="course_utils has no 'trian'"):
        course_utils.trian  # noqa: B018


def test_bad_input_is_one_line_and_exit_2(capsys, tmp_path):
    assert cli.main(["check", str(tmp_path / "nowhere.csv"), "--text", "a", "--label", "b"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("course: ") and error.count("\n") == 1 and "nowhere.csv" in error


def test_check_accepts_a_good_file(capsys, tmp_path):
    file = tmp_path / "reviews.csv"
    rows = [
        f'"{word} number {n}, bought in town",{label}'
        for n in range(20)
        for word, label in (("good", "yes"), ("bad", "no"))
    ]
    file.write_text("review,stars\n" + "\n".join(rows) + "\n", encoding="utf-8")
    assert cli.main(["check", str(file), "--text", "review", "--label", "stars"]) == 0
    assert "ready for training" in capsys.readouterr().out


def test_progress_prints_a_table(capsys, course_home):
    assert cli.main(["progress"]) == 0
    assert capsys.readouterr().out.strip()


def test_build_refuses_a_contradiction(capsys):
    assert cli.main(["build", "--check", "--execute"]) == 2


def test_lab_listens_on_loopback_only(monkeypatch, tmp_path):
    (tmp_path / "notebooks" / "source").mkdir(parents=True)
    (tmp_path / cli.START).touch()
    monkeypatch.chdir(tmp_path)
    called, defaults = [], []

    def call(command, env, **_):
        called.append(command)
        folder = Path(env["JUPYTER_CONFIG_PATH"].split(os.pathsep)[0])
        defaults.append(json.loads((folder / "labconfig" / "default_setting_overrides.json").read_text()))
        return 0

    monkeypatch.setattr(cli, "_call", call)
    assert cli.main(["lab", "--no-browser", "--port", "8899"]) == 0
    assert "--ServerApp.ip=127.0.0.1" in called[0] and "--port=8899" in called[0]
    assert not any("token=" in part for part in called[0]), "JupyterLab's own token stays in force"
    (asked,) = defaults[0].values()
    assert asked["fetchNews"] == "false", "JupyterLab asks whether it may fetch news"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows ends programs without telling them")
@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_a_server_ends_with_the_command_that_started_it(root, tmp_path, told):
    """The server here is a program that takes a moment to end, as JupyterLab does while it closes its kernels."""
    server = f"""
import signal, sys, time
def end(*_):
    time.sleep(0.4)
    open({str(tmp_path / "ended")!r}, "w").close()
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
signal.signal(signal.SIGINT, signal.SIG_IGN)
print("up", flush=True)
time.sleep(30)
"""
    # Under a suite that was started in the background Ctrl-C is ignored, and programs inherit that.
    program = (
        f"import signal, sys; from course_utils import cli; "
        f"signal.signal(signal.SIGINT, signal.default_int_handler); "
        f"cli._lab = lambda _: cli._call([sys.executable, '-c', {server!r}]); sys.exit(cli.main(['lab']))"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=root) as command:
        assert command.stdout.readline() == b"up\n"
        command.send_signal(told)
        assert command.wait(timeout=10) == 128 + told
        assert (tmp_path / "ended").exists(), "the command ended before its server had"


def test_lab_says_what_is_missing(monkeypatch, tmp_path, capsys):
    (tmp_path / "notebooks" / "source").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert cli.main(["lab"]) == 2
    assert "run `course build`" in capsys.readouterr().err


def test_test_runs_everything_and_pytest_last(monkeypatch):
    called = []
    monkeypatch.setattr(subprocess, "call", lambda command, **_: called.append(command[2:]) or 0)
    assert cli.main(["test"]) == 0
    assert [step[0] for step in called] == ["ruff", "mypy", "course_utils.cli", "pytest"]
    assert "--nbval-lax" in called[-1] and "loadfile" in called[-1]


def test_doctor_speaks_in_a_few_lines(capsys):
    assert cli.main(["doctor", "--offline"]) in (0, 1)
    lines = capsys.readouterr().out.splitlines()
    for topic in ("machine", "memory", "disk", "device", "scale", "encoder", "versions"):
        assert any(topic in line for line in lines), topic
    assert len(lines) < 16


def test_doctor_names_the_remedy_for_a_wrong_version(monkeypatch):
    monkeypatch.setattr(
        "importlib.metadata.requires",
        lambda name: ["numpy>=99", "no-such-thing-at-all>=1", 'pytest>=99; extra == "test"'],
    )
    line = doctor._versions()
    assert (
        "numpy is" in line.found
        and "no-such-thing-at-all is missing" in line.found
        and "pytest" not in line.found
    )
    assert line.remedy == 'pip install "numpy>=99" "no-such-thing-at-all>=1"'


def test_the_hub_is_asked_briefly():
    class Server(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self):
            if self.path == "/slow":
                time.sleep(2)
            self.send_response(404)
            self.end_headers()

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        assert doctor.answers(address)
        began = time.monotonic()
        assert not doctor.answers(f"{address}/slow", seconds=0.2)
        assert time.monotonic() - began < 1
        server.shutdown()
    assert not doctor.answers("http://127.0.0.1:9", seconds=0.5)
