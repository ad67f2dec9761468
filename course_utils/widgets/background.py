"""A run in a thread of its own, so that the kernel stays free: pause, resume and stop act between two steps."""

from __future__ import annotations

import atexit
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, nullcontext
from typing import Any

_ALL: weakref.WeakSet[Background] = weakref.WeakSet()


class Background:
    """Consumes one iterator at a time."""

    def __init__(self) -> None:
        self._stop, self._go = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        _ALL.add(self)

    @property
    def running(self) -> bool:
        """Whether an iterator is being consumed; also while it is paused."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def paused(self) -> bool:
        return self.running and not self._go.is_set()

    def start(
        self, make: Callable[[], Iterator[Any]], each: Callable[[Any], None],
        end: Callable[[str, Exception | None], None], pause: Callable[[], AbstractContextManager[Any]] = nullcontext,
    ) -> bool:  # fmt: skip
        """Call `each` with every item of `make()`, then `end` with "finished", "stopped" or "failed" and the exception.

        A pause lasts as long as the block of `pause()`. All are called in the thread, so none can come between another
        and its end. False, and nothing done, while another iterator is being consumed.
        """
        if self.running:
            return False
        self._stop.clear()
        self._go.set()
        self._thread = threading.Thread(target=self._consume, args=(make, each, end, pause), name="lab", daemon=True)
        self._thread.start()
        return True

    def pause(self) -> None:
        """Wait after the present step until `resume` or `stop`."""
        self._go.clear()

    def resume(self) -> None:
        self._go.set()

    def stop(self) -> None:
        """End after the present step, also out of a pause; the iterator is closed."""
        self._stop.set()
        self._go.set()

    def wait(self, timeout: float | None = None) -> None:
        """Block until the iterator has ended."""
        if self._thread is not None:
            self._thread.join(timeout)

    def _consume(self, make: Any, each: Any, end: Any, pause: Any) -> None:
        how, error = "finished", None
        try:
            items = make()
            with closing(items) if hasattr(items, "close") else nullcontext():  # type: ignore[attr-defined]
                for item in items:
                    each(item)
                    if not self._go.is_set():
                        with pause():
                            self._go.wait()
                    if self._stop.is_set():
                        how = "stopped"
                        break
        except Exception as caught:  # whatever it is: a thread has no other place to say it
            how, error = "failed", caught
        end(how, error)


@atexit.register
def _stop_all() -> None:
    """A thread that trains while Python ends would crash it."""
    for background in list(_ALL):
        background.stop()
        background.wait(timeout=5)
