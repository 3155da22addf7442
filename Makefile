# demo   eight months of real flights through the whole product, with a table of what was caught
# test   formats, types, layers, and every test that needs no service
# ui     Dagit on what the demo made
# services   a real Hive, Elasticsearch and S3 store on this machine, until Ctrl-C
# test-services   the tests that need real servers or a browser
# docs   these documents as a site in build/docs; a broken link fails
# bench   the profile engine over decoding alone, and comparisons
# bench-peers   what other packages take for the same rows, and whether the numbers agree
# mutants   the share of small faults in the code that the unit tests notice; of a sample: SAMPLE=400
# clean  remove every trace

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: bench docs help install demo ui test services test-services bench-peers mutants lock clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 3000
ENV ?= embedded
ROWS ?= 100000 1000000

# Read once, when numpy and pyarrow are imported: BLAS threads spin, Arrow's own pool starts slowly.
export OPENBLAS_NUM_THREADS ?= 1
export ARROW_DEFAULT_MEMORY_POOL ?= system
# The demonstration's training: threads that spin on a busy machine cost minutes, one thread costs seconds.
export OMP_NUM_THREADS ?= 1
export DO_NOT_TRACK := 1
export LUPUS_HOME ?= $(CURDIR)/.lupus
export DAGSTER_HOME := $(LUPUS_HOME)/dagster
PRIVATE := umask 077;

help:
	@sed -n 's/^# \{0,1\}//p' Makefile | head -10

# uv where there is one, else venv and pip; both from the hashed lock. Compiled, as pip does: where Python may not
# write what it compiles, as in many containers, every process would take thrice as long to start.
$(VENV)/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Lupus needs Python 3.11 or later: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	@echo "Installing into $(VENV) from requirements.lock"
	@if command -v uv >/dev/null; then \
	  uv venv --quiet --clear --python "$$(command -v $(PYTHON))" $(VENV) && \
	  uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock && \
	  uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e . ; \
	else \
	  rm -rf $(VENV) && $(PYTHON) -m venv $(VENV) && \
	  $(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock && \
	  $(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e . ; \
	fi
	@touch $@

install: $(VENV)/.installed $(DAGSTER_HOME)/dagster.yaml

# ENV=services: the same on the servers of `make services`, in another shell.
demo: $(VENV)/.installed $(DAGSTER_HOME)/dagster.yaml
	@$(PRIVATE) if [ "$(ENV)" = services ]; then \
	  [ -f $(LUPUS_HOME)/services.env ] || { echo "Start the servers first, in another shell: make services"; exit 1; }; \
	  source $(LUPUS_HOME)/services.env; \
	elif [ "$(ENV)" != embedded ]; then echo "ENV is $(ENV); give embedded or services"; exit 1; fi; \
	echo "Eight months of flights through two models: a few minutes on two cores."; \
	$(BIN)/python -m definitions.flights.late_arrival.demo

# What the home holds is its owner's: what is made from here on, and what was made before it was so.
$(DAGSTER_HOME)/dagster.yaml: resources/dagster.yaml
	@$(PRIVATE) mkdir -p $(DAGSTER_HOME) && chmod o= $(LUPUS_HOME) && cp $< $@

ui: $(VENV)/.installed $(DAGSTER_HOME)/dagster.yaml
	@$(PRIVATE) $(BIN)/python -m lupus_assets.server --port "$(PORT)"

test: $(VENV)/.installed
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/lupus check
	@$(BIN)/pytest -m "not browser and not services"

services: $(VENV)/.installed
	@PYTHON=$(BIN)/python tests/services/install || echo "Trying with what there is."
	@$(PRIVATE) $(BIN)/python -m tests.services

test-services: $(VENV)/.installed
	@tests/browser/install
	@PYTHON=$(BIN)/python tests/services/install
	@$(BIN)/pytest -m "browser or services"

# The entry page of a site is index.html, that of a repository README.md: the site has it under both names.
docs: $(VENV)/.installed
	@$(BIN)/sphinx-build -q -E -W --keep-going -b html -c docs -d build/doctrees . build/docs
	@cp build/docs/README.html build/docs/index.html
	@echo "build/docs/index.html"

# A few minutes on an idle machine.
bench: $(VENV)/.installed
	@$(BIN)/python -m bench.engine
	@$(BIN)/python -m bench.compare

# Each package in an environment of its own under ~/.cache/lupus-peers, or $LUPUS_PEERS; an hour on an idle machine.
bench-peers: $(VENV)/.installed
	@$(BIN)/python -m bench.peers.definition
	@$(BIN)/python -m bench.peers --rows $(ROWS)

# All of them take one core half a day, a sample of 400 twenty minutes. SEED draws another one, ROOM=stats one of a package.
mutants: $(VENV)/.installed
	@$(BIN)/python -m bench.mutation $(if $(SAMPLE),--sample $(SAMPLE)) $(if $(SEED),--seed $(SEED)) \
	  $(if $(ROOM),--room $(ROOM))

lock:
	@uv pip compile pyproject.toml --all-extras --generate-hashes --universal --python-version 3.11 --no-strip-extras \
	  --no-header --upgrade -o requirements.lock

clean:
	rm -rf $(VENV) .lupus mutants *.egg-info build .dg .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
