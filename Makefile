# On a fresh machine `make demo` and `make test` are all that is needed: each makes .venv by itself.
# PYTHON=/path/to/python names the Python that a new .venv is made with.
VENV := .venv
READY := $(VENV)/ready
NO_PYTHON := No Python 3.11 or newer that runs was found. Install one, or name it with PYTHON=/path/to/python

# No telemetry.
export DO_NOT_TRACK := 1
export PREFECT_SERVER_ANALYTICS_ENABLED := false

# An environment that was moved, or whose Python has gone, is not ready.
ifneq ($(shell cat $(READY) 2>/dev/null && $(VENV)/bin/python -c 'print("runs")' 2>/dev/null; true),$(CURDIR) runs)
$(shell rm -f $(READY))
endif

.PHONY: help demo test lint bench accuracy venv clean
.DELETE_ON_ERROR:

help:
	@echo "make demo   the whole main job on simulated images of Najin and Dunay, no network"
	@echo "make test   every test, the slow ones and those with a Prefect server too"
	@echo "make lint   style, types, import contracts, deployment files"
	@echo "make bench  the benchmarks"
	@echo "make accuracy  published numbers against simulated truth; renews the table in README.md"
	@echo "make clean  remove .venv and the tools' caches; results stay"

demo: $(READY)
	$(VENV)/bin/roadstead demo

# Two at a time, file by file: modules share a published port or a Prefect server. In the order of
# tests/conftest.py; xdist's own puts the files with most tests first, and the longest have few.
test: $(READY)
	$(VENV)/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: $(READY)
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(VENV)/bin/yamllint --strict -c infra/yamllint.yaml infra .pre-commit-config.yaml
	$(VENV)/bin/check-jsonschema --builtin-schema vendor.compose-spec infra/compose.yaml
	$(VENV)/bin/hadolint infra/Dockerfile
	$(VENV)/bin/python -m pytest -q tests/infra

bench: $(READY)
	$(VENV)/bin/python -m pytest -o python_files='bench_*.py' -o python_functions='bench_* test_*' tests/benchmarks

accuracy: $(READY)
	$(VENV)/bin/python -m tests.benchmarks.bench_accuracy

venv: $(READY)

# pip runs only when there is something new to install; a .venv that does not run, or has no pip, is made anew.
$(READY): pyproject.toml constraints.txt
	$(eval USABLE := $(shell $(VENV)/bin/python -c 'import sys, pip; print(sys.version_info >= (3, 11))' 2>/dev/null))
	$(eval FOUND := $(if $(filter True,$(USABLE)),,$(or $(shell sh infra/find-python.sh),$(error $(NO_PYTHON)))))
	@$(if $(FOUND),"$(FOUND)" -m venv --clear $(VENV))
	@echo "Installing Roadstead into $(VENV) (once; one to three minutes)"
	@$(VENV)/bin/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@echo "$(CURDIR)" >$@

clean:
	rm -rf $(VENV) build dist .benchmarks .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
