# `make demo` and `make test` need Python >= 3.10, git and make, and nothing typed before. PYTHON chooses the interpreter.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet -c constraints.txt
STATED := pyproject.toml constraints.txt

.PHONY: help demo test exhaustive lint bench clean

help:
	@echo "make demo   migrate a small legacy repository, on a temporary copy, and prove the migration"
	@echo "make test   lint, types and all tests"
	@echo "make lint   lint and types only"
	@echo "make exhaustive  every wrong and equal rewrite of the verifier's zoo and every fixture, of which make test verifies a sample"
	@echo "make bench  measure against other tools (downloads their subjects; takes long)"
	@echo "make clean  remove the virtual environment and caches"

demo: $(VENV)/.installed
	@PATH="$(CURDIR)/$(BIN):$$PATH" fixtures/demo.sh

test: lint
	$(BIN)/python -m pytest -n 2 -m "not gpu and not exhaustive"

exhaustive: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n 2 -m exhaustive

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks.run

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

# Two stamps: the demo, which proves what it does and so needs torch, must not wait for the developers' tools.
$(VENV)/.installed: $(STATED) | $(BIN)/python
	$(PIP) -e '.[verify]'
	@touch $@

$(VENV)/.installed-dev: $(STATED) | $(BIN)/python
	$(PIP) -e '.[dev,verify]'
	@touch $(VENV)/.installed $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "modfix needs Python 3.10 or newer; make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
