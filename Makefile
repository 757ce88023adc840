# Everything happens inside the checkout: .venv, and .cache for what takes long to make again.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
YOLO := processings/yolo_preannotation
PROCESSINGS := $(patsubst %/processing.py,%,$(wildcard processings/*/processing.py))
REQUIREMENTS := $(wildcard processings/*/requirements.txt)

.PHONY: help setup demo test check bench clean

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: $(STAMP) ## make .venv with pxp and everything the tests need

$(STAMP): pyproject.toml constraints.txt requirements-dev.txt $(REQUIREMENTS)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || python3 -m venv $(VENV)
	$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
		--editable '.[platform]' --requirement requirements-dev.txt $(REQUIREMENTS:%=--requirement %)
	touch $@

demo: setup ## run YOLO pre-annotation on its fixture, offline
	$(BIN)/pxp dry-run $(YOLO)

check: setup ## lint, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(MAKE) --no-print-directory -j 2 -O $(PROCESSINGS:%=types/%)
	$(BIN)/basedpyright --level error
	$(BIN)/lint-imports

# A processing by itself: they have modules of the same names, and libraries that change others when imported.
types/%:
	MYPYPATH=$* $(BIN)/mypy --cache-dir .mypy_cache/$* $*

tests/%:
	$(BIN)/python -m pytest -q $*

test: setup check ## every test
	$(BIN)/python -m pytest -n 2 --dist loadfile tests
	$(MAKE) --no-print-directory -j 2 -O $(PROCESSINGS:%=tests/%)

bench: setup ## compare speed, requests and memory with picsellia-cv-engine
	$(BIN)/python -m tests.benchmarks

clean: ## remove what set-up and runs have made
	rm -rf $(VENV) .cache pxp-out .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
