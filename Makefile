# The words that a newcomer needs. Nothing but Python 3.11+ and make must be there.

PYTHON ?= python3
PORT ?= 8080
ONCE ?=
PACKAGE ?=
SAMPLE ?= 100
SEED ?= 22
PYTEST_ARGS ?=
LOCK_ARGS ?=
ADVISORIES ?=
SBOM ?= build/sbom.json
SCREENS ?= build/screens
SERVICE := ehr_sync mappings scheduler wsgi.py gunicorn.conf.py

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --no-deps
# Only what the lock gives, byte for byte, and never code that runs while it is installed (sdists).
LOCKED := $(PIP) --require-hashes --only-binary :all: --requirement
ITSELF := $(PIP) --no-build-isolation --editable .
SOURCES := setup.cfg pyproject.toml $(wildcard ehr_sync/web/design/static/* ehr_sync/web/design/translations/*/*/*.po)
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
  --custom-compile-command "make lock" setup.cfg --extra build >/dev/null
CHECKED := ehr_sync mappings scheduler tests $(wildcard bench) $(wildcard wsgi.py)

QUICK := tests/core tests/docs/test_pages.py tests/docs/test_promises.py tests/docs/test_states.py tests/mappings tests/store

# Asks one long list of the same question.
LONG_LIST := tests/mappings/restricted/test_bounds.py

# What starts browsers, servers and cities of its own, installs packages, waits for deadlines to pass, or tries whatever
# comes to mind: those who change something run make test, CI runs both.
SLOW := tests/api/test_start.py tests/api/test_worker.py tests/bench tests/browser tests/docs/test_commands.py tests/faults \
  $(addprefix tests/platform/test_, demo.py demo_stage.py makefile.py) tests/runtime/test_embedded_postgres.py \
  tests/sandbox/dossiers/test_corpus.py tests/supply/test_sbom.py $(addprefix tests/usecases/test_, foreign_server.py migration_of_lanes.py p4_machine.py) \
  $(addprefix tests/whole/test_, canaries.py described.py floods.py proxies.py whole_dossiers.py)

# Tests start some two hundred processes: without it each compiles the service anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test slow quick browsers looks pictures mutants check format bench bench-quick faults fuzz attack lock audit sbom clean
.DELETE_ON_ERROR:

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.service ## The whole service with a simulated city; ONCE=1 checks and ends, PORT=9000 moves it
	@$(BIN)/ehr-sync demo --port $(PORT) $(if $(filter-out 0,$(ONCE)),--once)

test: $(VENV)/.tools ## All tests but the slow ones, on a PostgreSQL of their own: 8 to 10 minutes on 2 cores
	@echo "8 to 10 minutes on 2 cores. What fails is named at once; make quick answers in under two, make slow runs the rest."
	@$(BIN)/python -m pytest --numprocesses auto --dist loadfile $(SLOW:%=--ignore %) $(PYTEST_ARGS)

slow: $(VENV)/.tools ## The tests that start browsers, servers and whole cities, and those that kill processes
	@$(BIN)/python -m pytest --numprocesses auto --dist loadfile $(SLOW) $(PYTEST_ARGS)

quick: $(VENV)/.tools ## The tests of mappings, store and core alone: under two minutes on 2 cores
	@$(BIN)/python -m pytest --numprocesses auto --dist loadfile $(QUICK) --ignore $(LONG_LIST) $(PYTEST_ARGS)

browsers: ## Install Debian's Chromium, which the browser tests need (as root)
	apt-get -qq update && apt-get -qq install --yes --no-install-recommends chromium

looks: $(VENV)/.tools ## Every page in a real browser: three widths, two languages, with and without scripts
	@mkdir -p $(SCREENS)
	@EHR_SYNC_ALL_BROWSERS=1 EHR_SYNC_SCREENSHOTS=$(abspath $(SCREENS)) $(BIN)/python -m pytest --numprocesses auto --dist worksteal tests/browser $(PYTEST_ARGS)

pictures: $(VENV)/.tools ## The README's pictures anew, of a demo that is started for them
	@$(BIN)/python -m tests.browser.pictures

mutants: $(VENV)/.tools ## Break lines of what changed since main, and tell which breaks no test notices; PACKAGE=store
	@$(BIN)/python -m tests.mutants $(PACKAGE) --sample $(SAMPLE) --seed $(SEED)

check: $(VENV)/.tools ## Format, lint, types and import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy $(CHECKED)
	$(BIN)/lint-imports
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive $(SERVICE)

format: $(VENV)/.tools ## Format, and mend what lint can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.tools ## The benchmarks, as a table
	@$(BIN)/python -m bench

bench-quick: $(VENV)/.tools ## How much of their floors ingest, push and reading reach, in a minute and a half
	@$(BIN)/python -m bench.quick

faults: $(VENV)/.tools ## The long form of the tests that kill processes
	@EHR_SYNC_LONG_FAULTS=1 $(BIN)/python -m pytest -m faults --timeout 1800 $(PYTEST_ARGS)

fuzz: $(VENV)/.tools ## The property tests, with many more examples
	@$(BIN)/python -m pytest -m hypothesis --hypothesis-profile fuzz --timeout 1800 $(PYTEST_ARGS)

attack: $(VENV)/.tools ## The attacks on a running service that can run by themselves, in their long form
	@EHR_SYNC_LONG_ATTACKS=1 $(BIN)/python -m pytest -m attacks tests/attacks --timeout 600 $(PYTEST_ARGS)

lock: ## Write lock/ anew from setup.cfg; LOCK_ARGS=--upgrade takes what is newest of what it lets open
	@# Not by way of .tools: what setup.cfg asks for anew is not in the lock yet.
	@test -x $(BIN)/uv || $(MAKE) $(VENV)/.tools
	@$(LOCK) --output-file lock/service.txt $(LOCK_ARGS)
	@$(LOCK) --output-file lock/tools.txt $(LOCK_ARGS) --extra dev --constraint lock/service.txt

audit: $(VENV)/.tools ## Ask ADVISORIES, the address of OSV's batch query, for what is known to be wrong with the locked packages
	@$(BIN)/python -m tests.supply.audit lock/tools.txt $(ADVISORIES)

sbom: $(VENV)/.tools ## The service's parts as CycloneDX JSON, in build/sbom.json
	@mkdir -p $(dir $(SBOM))
	@$(BIN)/cyclonedx-py requirements --short-PURLs --output-reproducible --output-file $(SBOM) lock/service.txt
	@echo "The service's parts: $(SBOM)"

clean: ## Remove the virtual environment, the demo's data and all caches
	@if [ -L .demo/postgres ]; then rm -rf "$$(readlink .demo/postgres)"; fi
	@rm -rf $(VENV) .demo build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.service: $(SOURCES) lock/service.txt | $(VENV)/.made
	@echo "Installing the service into $(VENV) (once) ..."
	@$(LOCKED) lock/service.txt && $(ITSELF) || { echo "pip could not install: read its last lines above." >&2; exit 2; }
	@$(BIN)/python -m ehr_sync.web.design.build
	@touch $@

$(VENV)/.tools: $(SOURCES) lock/tools.txt | $(VENV)/.made
	@echo "Installing the service and its developers' tools into $(VENV) (once) ..."
	@$(LOCKED) lock/tools.txt && $(ITSELF) || { echo "pip could not install: read its last lines above." >&2; exit 2; }
	@$(BIN)/python -m ehr_sync.web.design.build
	@touch $@ $(VENV)/.service

$(VENV)/.made:
	@command -v $(PYTHON) >/dev/null || { \
	  echo "Python is missing: install Python 3.11 or newer, or name yours: make PYTHON=/path/to/python3" >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "$(PYTHON) is older than 3.11: install Python 3.11 or newer, or name it: make PYTHON=python3.11" >&2; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "Python's venv module is missing: install it (Debian, Ubuntu: apt install python3-venv) and try again." >&2; \
	  exit 2; }
	@$(PYTHON) -m venv --clear $(VENV) || { \
	  echo "Cannot make $(VENV) here: clone the project into a folder that you can write to." >&2; exit 2; }
	@touch $@
