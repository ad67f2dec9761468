"""What every test runs under: mini scale, no network, one thread a worker, and nobody's own files.

The environment is set while this file is imported, before torch can read it; kernels inherit it.
"""

import atexit
import os
import re
import shutil
import tempfile
from pathlib import Path

import pytest
import pytest_socket

from course_utils.executing import OFFLINE

ROOT = Path(__file__).parents[1]
LOOPBACK = ["127.0.0.1", "::1", "localhost"]
SCRATCH = Path(tempfile.mkdtemp(prefix="finetuning-lab-tests-"))
atexit.register(shutil.rmtree, SCRATCH, ignore_errors=True)

# Kernels are processes of their own: IPython's startup folder is where their sockets are closed.
startup = SCRATCH / "ipython" / "profile_default" / "startup"
startup.mkdir(parents=True)
shutil.copy(Path(__file__).with_name("kernel_startup.py"), startup / "00_closed.py")
for setting in ("COURSE_MODEL", "COURSE_DATA", "COURSE_ROWS", "COURSE_OFFLINE", "COURSE_CHECKPOINTS", "COURSE_WIDGETS"):  # a learner's own, which lessons would follow
    os.environ.pop(setting, None)
os.environ.update(
    OFFLINE,
    COURSE_HOME=str(SCRATCH / "home"),
    IPYTHONDIR=str(SCRATCH / "ipython"),
    HF_HOME=str(SCRATCH / "hub"),
)


CLAIM = re.compile(r"::test_claim_holds\[(..)")  # "06" of a lesson, "en" of the encoder's card


def pytest_collection_modifyitems(items):
    """The claims come first, since they train for minutes: no worker shall be left alone with them at the end."""
    items.sort(key=lambda item: not CLAIM.search(item.nodeid))


def pytest_xdist_make_scheduler(config, log):
    """A worker takes whole files, so that what a file sets up is made once, and the claims of a lesson together."""
    from xdist.scheduler import LoadFileScheduling

    class ByFileAndLesson(LoadFileScheduling):
        def _split_scope(self, nodeid):
            claim = CLAIM.search(nodeid)
            return super()._split_scope(nodeid) + (claim[1] if claim else "")

    return ByFileAndLesson(config, log)


@pytest.fixture
def course_home(tmp_path, monkeypatch) -> Path:
    """An empty folder for the learner's progress."""
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.hookimpl(trylast=True)  # after pytest-socket's own hook, which lifts what it finds restricted
def pytest_runtest_setup(item):
    pytest_socket.socket_allow_hosts(LOOPBACK, allow_unix_socket=True)
