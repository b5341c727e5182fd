# `make help` lists what there is. Needs make and Python 3.11 or newer; everything else comes from the lock files.

VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$p && break; done)

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  \033[36m%-12s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(READY) ## install everything into .venv

$(READY): pyproject.toml requirements-dev.lock | $(BIN)/uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode --require-hashes --requirement requirements-dev.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

$(BIN)/uv:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; name it with PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

.PHONY: up
up: $(READY) ## start the whole system on this machine; Ctrl-C stops it
	@$(BIN)/vitrine up

.PHONY: demo
demo: $(READY) ## photos in, specification and pictures out; PHOTOS="a.jpg b.png" takes your own
	@$(BIN)/vitrine demo

.PHONY: test
test: $(READY) ## run the tests against a stack of their own
	$(BIN)/pytest -m "not faults" --numprocesses 2 --dist loadgroup --no-loadscope-reorder

.PHONY: test-faults
test-faults: $(READY) ## run the long form of the fault tests
	$(BIN)/pytest -m faults

.PHONY: check
check: $(READY) ## lint, format, types, boundaries
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: fmt
fmt: $(READY) ## format and fix what can be fixed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: bench
bench: $(READY) ## measure the bars beside their peers
	$(BIN)/python -m bench

.PHONY: sheets
sheets: $(READY) ## write pages of what the local provider paints and draws to sheets/, to look at
	$(BIN)/python -m bench.sheets

.PHONY: lock
lock: COMPILE = $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links
lock: $(BIN)/uv ## renew the lock files
	$(COMPILE) pyproject.toml --output-file requirements.lock
	$(COMPILE) pyproject.toml --all-extras --constraint requirements.lock --output-file requirements-dev.lock
	echo hatchling | $(COMPILE) - --constraint requirements-dev.lock --output-file deploy/docker/build.lock

.PHONY: clean
clean: ## remove the environment, caches, and the demo's data
	rm -rf $(VENV) .vitrine demo-output sheets .mypy_cache .ruff_cache .pytest_cache .import_linter_cache *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
