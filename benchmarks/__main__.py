"""All benchmarks, or those named, each in a process of its own so that none inherits another's memory.

python -m benchmarks [throughput quality …] [--quick] [--encoder mini|minilm|all]
"""

from __future__ import annotations

import subprocess
import sys

from .common import options

BENCHMARKS = (
    "start_up",
    "throughput",
    "pretraining",
    "prediction",
    "frozen_features",
    "peak",
    "translation",
    "gpu",
    "quality",
    "real_tasks",
)  # the longest last


WITHOUT_ENCODER = ("start_up", "pretraining", "translation", "gpu", "real_tasks")


def main() -> int:
    parser = options(__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; all by default"
    )
    chosen = parser.parse_args()
    unknown = [name for name in chosen.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no benchmark is called {unknown[0]!r}: {', '.join(BENCHMARKS)}")
    failed = []
    for name in chosen.names or BENCHMARKS:
        command = [sys.executable, "-m", f"benchmarks.{name}"]
        command += ["--quick"] if chosen.quick else []
        command += [] if name in WITHOUT_ENCODER else ["--encoder", chosen.encoder]
        if subprocess.run(command, check=False).returncode:
            failed.append(name)
    if failed:
        print(f"Not finished: {', '.join(failed)}.", file=sys.stderr)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
