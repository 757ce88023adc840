# Everything happens inside the checkout: .venv, and .cache for what takes long to make again.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
DEMO := $(VENV)/.demo
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
YOLO := processings/yolo_preannotation
PROCESSINGS := $(patsubst %/processing.py,%,$(wildcard processings/*/processing.py))
OTHER_PYTHONS ?= 3.12 3.13
JOBS ?= $(shell getconf _NPROCESSORS_ONLN)
REQUIREMENTS := $(wildcard processings/*/requirements.txt)

define VIRTUAL_ENVIRONMENT
test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || python3 -m venv $(VENV)
$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
endef

.PHONY: help setup demo test test-pythons check bench clean image image-load image-print image-lint image-pin image-lock image-test image-test-cuda

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

setup: $(STAMP) ## make .venv with pxp and everything the tests need

$(STAMP): pyproject.toml constraints.txt requirements-dev.txt $(REQUIREMENTS)
	$(VIRTUAL_ENVIRONMENT)
	$(INSTALL) --editable '.[platform]' --requirement requirements-dev.txt
	$(INSTALL) $(REQUIREMENTS:%=--requirement %)
	touch $(DEMO) $@

demo: $(DEMO) ## run YOLO pre-annotation on its fixture, offline
	$(BIN)/pxp dry-run $(YOLO)

# Without TensorFlow, and what else only the tests need.
$(DEMO): pyproject.toml constraints.txt $(YOLO)/requirements.txt
	$(VIRTUAL_ENVIRONMENT)
	$(INSTALL) --editable '.[platform]'
	$(INSTALL) --requirement $(YOLO)/requirements.txt
	touch $@

check: setup ## lint, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(MAKE) --no-print-directory -j $(JOBS) -O $(PROCESSINGS:%=types/%)
	$(BIN)/basedpyright --level error
	$(BIN)/lint-imports

# A processing by itself: they have modules of the same names, and libraries that change others when imported. What mypy
# has read for the framework it need not read again.
types/%:
	test -d .mypy_cache/$* || (mkdir -p .mypy_cache/$* && cp -R .mypy_cache/3.* .mypy_cache/$*)
	MYPYPATH=$* $(BIN)/mypy --cache-dir .mypy_cache/$* $*

# Tests run side by side: a second thread of torch would only spin while it waits for a core.
test tests/%: export OMP_NUM_THREADS = 1

tests/%:
	$(BIN)/python -m pytest -q $*

test: setup check ## every test
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal tests
	$(MAKE) --no-print-directory -j $(JOBS) -O $(PROCESSINGS:%=tests/%)

test-pythons: $(OTHER_PYTHONS:%=on/%) ## the tests of the framework and its platform on the newer Pythons

on/%:
	python$* -m venv .cache/python$*
	.cache/python$*/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
		--editable '.[platform]' --requirement requirements-dev.txt
	.cache/python$*/bin/python -m pytest -n $(JOBS) --dist worksteal tests/unit tests/platform

bench: setup ## compare speed, requests and memory with picsellia-cv-engine
	$(BIN)/python -m tests.benchmarks

image: ## build the images TARGET="cpu torch ..." (images/README.md) and push them to REGISTRY
	images/bake.sh push $(TARGET)

image-load: ## the same, for the Docker Engine of this machine
	images/bake.sh load $(TARGET)

image-print: ## show what would be built
	images/bake.sh print $(TARGET)

image-lint: setup ## lint every Dockerfile and script of the images
	$(BIN)/hadolint --config images/.hadolint.yaml --failure-threshold warning $(wildcard images/*/Dockerfile processings/*/Dockerfile)

image-pin: ## write the digests of the Python images into images/bases.lock.json
	$(PYTHON) images/ci/pin.py

image-lock: ## write the hashed requirements of the images anew; needs uv
	images/ci/lock.sh

image-test: setup ## build, push, pull, test and run images, with an engine brought up for it
	PYTHON=$(CURDIR)/$(BIN)/python images/ci/test.sh

image-test-cuda: setup ## the same with the images for GPUs as they are: 50 GB of disk
	PYTHON=$(CURDIR)/$(BIN)/python images/ci/test.sh cuda

clean: ## remove what set-up and runs have made
	rm -rf $(VENV) .cache pxp-out .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
