"""Speed and quality against named peers. Not tests: `python -m benchmarks --help`, or `make bench`."""
