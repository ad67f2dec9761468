"""JupyterLab in a headless browser, for the tests and the gallery: open a notebook, run it, press what a learner presses."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from .errors import CourseError

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--force-color-profile=srgb",
)  # fmt: skip
SECONDS = 120  # the longest wait for anything


def find_browser() -> str | None:
    """The path of a Chromium or Chrome on this machine, playwright's own last; None if there is none."""
    for name in NAMES:
        if found := shutil.which(name):
            return found
    try:
        from playwright.sync_api import sync_playwright

        with sync_playwright() as playwright:
            own = playwright.chromium.executable_path
    except Exception:  # not installed, or its driver does not run here: no browser, whatever the reason
        return None
    return own if Path(own).exists() else None


def get_browser(report: Callable[[str], None] = print) -> str | None:
    """`find_browser`, after an attempt to install one: by apt for root, as in containers, else by playwright."""
    if (found := find_browser()) is not None:
        return found
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    packages = ["--no-install-recommends", "chromium", "fonts-dejavu-core"]
    commands = [[sys.executable, "-m", "playwright", "install", "chromium"]]
    if root and shutil.which("apt-get"):
        commands = [["apt-get", "update", "-qq"], ["apt-get", "install", "-qq", "-y", *packages], *commands]
    for command in commands:
        report(f"No browser yet, so: {' '.join(command[command[0] == sys.executable :])}")
        with suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(
                command, timeout=300, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            )  # fmt: skip
        if (found := find_browser()) is not None:
            return found
    return None


@contextmanager
def jupyter(folder: Path, **environment: str) -> Iterator[str]:
    """The address, with its token and PATH for a notebook's, of a JupyterLab that serves `folder` on loopback.

    It ends with the block. Raises CourseError where it does not start.
    """
    from .cli import NO_NEWS, lab_environment

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="course-browser-") as home:
        own = {"JUPYTER_CONFIG_DIR": f"{home}/own", "JUPYTER_DATA_DIR": f"{home}/data"}  # not this machine's user's
        settings = {**lab_environment(Path(home)), **own, **environment}
        command = [
            sys.executable, "-m", "jupyterlab", "--no-browser", "--expose-app-in-browser", "--ServerApp.ip=127.0.0.1",
            f"--port={port}", f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={folder}", *NO_NEWS,
            *(["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []),
        ]  # fmt: skip
        with (
            open(f"{home}/log.txt", "w+") as log,
            subprocess.Popen(command, env=settings, stdout=log, stderr=log) as server,
        ):
            try:
                address = f"http://127.0.0.1:{port}"
                give_up = time.monotonic() + SECONDS
                while not _answers(f"{address}/api/status?token={token}"):
                    if server.poll() is not None or time.monotonic() > give_up:
                        log.seek(0)
                        raise CourseError(f"JupyterLab did not start; the end of what it said: {log.read()[-300:]}")
                    time.sleep(0.2)
                yield f"{address}/lab/tree/PATH?token={token}&reset"
            finally:
                server.terminate()
                server.wait()


def _answers(address: str) -> bool:
    try:
        urllib.request.urlopen(address, timeout=2).close()
    except OSError:
        return False
    return True


class Notebook:
    """A notebook open in the browser."""

    def __init__(self, page: Any, address: str, path: str) -> None:
        self.page = page
        self.errors: list[str] = []  # of the page's console
        self.outside: list[str] = []  # requests to anywhere but this machine
        page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self._watch(request.url))
        page.goto(address.replace("PATH", path))
        page.wait_for_function(
            """path => { const shown = window.jupyterapp?.shell?.currentWidget;
                 return shown?.context?.path === path && shown.context.isReady && shown.content.widgets.length; }""",
            arg=path,
        )  # fmt: skip
        self.wait_for_kernel()

    def _watch(self, url: str) -> None:
        if not url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:")):
            self.outside.append(url)

    def command(self, name: str) -> None:
        """Run a command of JupyterLab and wait for its end."""
        self.page.evaluate("name => window.jupyterapp.commands.execute(name).then(() => null)", name)

    def run_all(self) -> None:
        """Run every cell; back when the last has ended."""
        self.command("notebook:run-all-cells")

    def run_cell(self, i: int, source: str | None = None) -> str:
        """Run cell `i`, after writing `source` into it; the text that it shows."""
        self.page.evaluate(
            """([i, source]) => {
              const notebook = window.jupyterapp.shell.currentWidget.content;
              notebook.activeCellIndex = i;
              if (source !== null) { notebook.activeCell.model.sharedModel.setSource(source); }
            }""",
            [i, source],
        )
        self.command("notebook:run-cell")
        return self.text_of(i)

    def text_of(self, i: int) -> str:
        """What cell `i` shows, as text, its errors included."""
        return str(self.page.evaluate(
            "i => JSON.stringify(window.jupyterapp.shell.currentWidget.content.widgets[i].model.toJSON().outputs ?? [])", i
        ))  # fmt: skip

    def sources(self) -> list[str]:
        """The source of each cell."""
        return list(self.page.evaluate(
            "() => window.jupyterapp.shell.currentWidget.content.widgets.map((cell) => cell.model.sharedModel.getSource())"
        ))  # fmt: skip

    def failures(self) -> list[str]:
        """The errors that cells have ended with."""
        return list(self.page.evaluate(
            """() => window.jupyterapp.shell.currentWidget.content.widgets
                 .flatMap((cell) => cell.model.toJSON().outputs ?? [])
                 .filter((output) => output.output_type === "error").map((output) => `${output.ename}: ${output.evalue}`)"""
        ))  # fmt: skip

    def restart_kernel(self) -> None:
        """A new kernel, without the question whether one is sure."""
        self.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
        self.wait_for_kernel()

    def wait_for_kernel(self) -> None:
        """Block until the kernel has nothing to do."""
        self.page.wait_for_function(
            "() => window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status === 'idle'"
        )

    def close(self) -> None:
        """End the kernel and leave the page, with nothing saved."""
        self.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
        self.page.goto("about:blank")

    def show(self, i: int) -> None:
        """Scroll cell `i` to the top."""
        self.page.evaluate("i => window.jupyterapp.shell.currentWidget.content.scrollToItem(i, 'start')", i)

    def screenshot(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=str(file))


@contextmanager
def browser(width: int = 1400, height: int = 1000, *, dark: bool = False) -> Iterator[Any]:
    """A page of a fresh headless browser. Raises CourseError where there is no browser."""
    found = find_browser()
    if found is None:
        raise CourseError("No browser was found: install Chromium, or run `playwright install chromium`.")
    from playwright.sync_api import sync_playwright

    with ExitStack() as stack:
        playwright = stack.enter_context(sync_playwright())
        flags = [*FLAGS, *(["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else [])]
        launched = playwright.chromium.launch(executable_path=found, args=flags)
        stack.callback(launched.close)
        page = launched.new_page(
            viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light"
        )
        page.set_default_timeout(SECONDS * 1000)
        yield page
