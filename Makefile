# One verb a task; each does its own set-up on a fresh machine with Python 3.11+ and Node 20+.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := vantage-common vantage-collector vantage-worker vantage-api vantage-cli vantage-agent
PYTHON_SOURCES := $(PACKAGES) tests
DASHBOARD := vantage-dashboard
DASHBOARD_SOURCES := $(shell find $(DASHBOARD)/src $(DASHBOARD)/public -type f 2>/dev/null) \
	$(wildcard $(DASHBOARD)/*.html $(DASHBOARD)/*.ts $(DASHBOARD)/*.json)
PYTEST ?= $(BIN)/pytest
PACKAGE_TESTS := $(addsuffix /tests,$(filter-out vantage-agent,$(PACKAGES))) tests/architecture tests/vql tests/fuzz

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

help: ## show this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

up: $(VENV)/.runtime dashboard ## start the whole platform embedded, until Ctrl-C
	@$(BIN)/vantage up

demo: $(VENV)/.runtime dashboard ## the same plus a simulated fleet of 30 services
	@$(BIN)/vantage demo

test: check ## everything CI runs; what waits more than it computes runs side by side
	@$(MAKE) --no-print-directory -j3 --output-sync=target $(UNIT) dashboard-test faults-short
	@$(MAKE) --no-print-directory e2e-short

check: $(VENV)/.dev $(DASHBOARD)/node_modules/.installed ## lint and types: ruff, mypy, import-linter, eslint, tsc
	$(BIN)/ruff check $(PYTHON_SOURCES)
	$(BIN)/ruff format --check $(PYTHON_SOURCES)
	@$(MAKE) --no-print-directory -j2 --output-sync=target check-platform check-rest

check-platform:
	$(BIN)/mypy $(filter-out vantage-agent vantage-worker,$(PYTHON_SOURCES))

check-rest:
	$(BIN)/mypy --cache-dir .mypy_cache/apart vantage-worker
	$(BIN)/mypy --cache-dir .mypy_cache/apart vantage-agent
	$(BIN)/lint-imports
	npm --prefix $(DASHBOARD) run lint
	npm --prefix $(DASHBOARD) run typecheck

UNIT := integration-tests contract-tests agent-tests package-tests

unit: $(VENV)/.dev ## unit, contract and integration tests
	@$(MAKE) --no-print-directory -j3 --output-sync=target $(UNIT)

integration-tests:
	$(PYTEST) tests/integration

contract-tests:
	$(PYTEST) tests/contract

agent-tests:
	$(PYTEST) vantage-agent/tests

package-tests:
	$(PYTEST) $(PACKAGE_TESTS)

dashboard-test: $(DASHBOARD)/node_modules/.installed ## the dashboard's unit tests
	npm --prefix $(DASHBOARD) test

e2e: $(VENV)/.dev dashboard ## the whole platform, real traffic, a real browser
	$(PYTEST) tests/e2e
	npm --prefix $(DASHBOARD) run --silent e2e

# What one page does for its users, and a restart under all of them, take six minutes more; what every page owes them is
# in the short part, too.
THOROUGH_E2E := $(filter-out tests/e2e/test_page_city.py,$(wildcard tests/e2e/test_page_*.py)) tests/e2e/test_restart.py

e2e-short: $(VENV)/.dev dashboard ## the part of it that `make test` runs
	$(PYTEST) tests/e2e $(addprefix --ignore=,$(THOROUGH_E2E))
	npm --prefix $(DASHBOARD) run --silent e2e

faults: $(VENV)/.dev ## services killed, frozen, starved under load: nothing lost, nothing doubled (about 15 minutes)
	$(BIN)/python -m tests.faults

faults-short: $(VENV)/.dev ## the part of it that `make test` runs
	$(BIN)/python -m tests.faults --short

agent-suites: $(VENV)/.dev ## other people's test suites with and without the agent (over an hour, needs the package index); SUITE=flask|requests|httpx|…
	$(BIN)/python -m tests.agent_suites $(SUITE)

agent-pythons: $(VENV)/.dev ## the agent's tests on every Python from 3.9 that can be had, against its wheel
	$(BIN)/python vantage-agent/tests/on_every_python.py

bench: $(VENV)/.dev dashboard ## the figures; PART=start|memory|latency|ingest|collector|remote_write|worker|storage|weight|sustained|reduction|query|api|alerts|compare|traces|live|agent|city
	$(BIN)/python -m tests.bench $(PART)

dashboard: $(DASHBOARD)/dist/index.html ## build the dashboard

api-types: $(VENV)/.dev $(DASHBOARD)/node_modules/.installed ## the dashboard's types, anew from the API's OpenAPI document
	$(BIN)/python -m vantage_api.openapi | node $(DASHBOARD)/dev/api-types.mjs

clean: ## remove what the build made; the data directory stays
	rm -rf $(VENV) $(DASHBOARD)/node_modules $(DASHBOARD)/dist

# --- set-up ---------------------------------------------------------------------------------------------------------

$(VENV)/.uv: requirements-tools.txt
	@command -v $(PYTHON) >/dev/null || { echo "make: $(PYTHON) not found: install Python 3.11 or newer, or set PYTHON=/path/to/python"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: $$($(PYTHON) --version) is too old: set PYTHON to Python 3.11 or newer"; exit 1; }
	@echo "Setting up Python in $(VENV) …"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "make: cannot make a virtual environment: on Debian, apt-get install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-tools.txt
	@touch $@

$(VENV)/.runtime: $(VENV)/.uv requirements.txt $(addsuffix /pyproject.toml,$(PACKAGES))
	@echo "Installing the locked Python packages …"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation $(addprefix -e ./,$(PACKAGES))
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.txt
	@echo "Installing the locked development packages …"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-dev.txt
	@touch $@

$(DASHBOARD)/node_modules/.installed: $(DASHBOARD)/package-lock.json
	@command -v npm >/dev/null || { echo "make: npm not found: install Node.js 20 or newer"; exit 1; }
	@node -e 'process.exit(+process.versions.node.split(".")[0] < 20 ? 1 : 0)' || { echo "make: Node $$(node --version) is too old: install 20 or newer"; exit 1; }
	@echo "Installing the locked dashboard packages …"
	@npm --prefix $(DASHBOARD) ci --no-audit --no-fund --loglevel=error
	@touch $@

$(DASHBOARD)/dist/index.html: $(DASHBOARD)/node_modules/.installed $(DASHBOARD_SOURCES)
	@echo "Building the dashboard …"
	@npm --prefix $(DASHBOARD) run --silent build -- --logLevel=warn
	@touch $@

.PHONY: help up demo test check check-platform check-rest unit integration-tests contract-tests agent-tests package-tests dashboard-test e2e e2e-short faults faults-short agent-suites agent-pythons bench dashboard api-types clean
