"""How long `import course_utils` takes in a fresh process.

python -m benchmarks.start_up [--quick]
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Sequence

from .common import machine, options, report, table

LIMIT = 0.2  # seconds
CODE = """
from time import perf_counter
started = perf_counter()
import course_utils
print(perf_counter() - started)
"""


def measure(runs: int, quick: bool) -> None:
    where = machine()
    command = [sys.executable, "-c", CODE]
    seconds = [
        float(subprocess.run(command, check=True, capture_output=True, text=True).stdout) for _ in range(runs)
    ]
    median = statistics.median(seconds)
    rows = [
        [f"`import course_utils`, median of {runs}", f"{median:.4f}",
         f"{min(seconds):.4f}–{max(seconds):.4f}",
         f"≤ {LIMIT:g}: {'reached' if median <= LIMIT else 'missed'}"]
    ]  # fmt: skip
    report(
        "start_up", "Start-up", table(["", "seconds", "range", "target"], rows), {"seconds": seconds},
        where=where, quick=quick,
    )  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    chosen = options(__doc__, encoders=False).parse_args(arguments)
    measure(3 if chosen.quick else 10, chosen.quick)


if __name__ == "__main__":
    main()
