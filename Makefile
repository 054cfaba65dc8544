# Every target makes what it needs in .venv by itself. What follows ## is shown by `make help` and in CONTRIBUTING.md.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN := $(BIN)/python

.DELETE_ON_ERROR:

.PHONY: help
help: ## Show this list.
	@sed -n 's/^\([a-z-]*\):.*## /\1:/p' $(MAKEFILE_LIST) | awk -F: '{ printf "%-14s %s\n", $$1, $$2 }'

# A stamp a dependency group: .venv/ready-tests is newer than pyproject.toml if the group is installed as it says.
$(VENV)/ready-%: pyproject.toml $(VENV)/ready
	$(RUN) -m pip install --quiet --editable ".[pytest]" --group $*
	@touch $@

$(VENV)/ready:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed: make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --upgrade "pip>=25.1"
	@touch $@

.PHONY: demo
demo: $(VENV)/ready-demo ## Send emails from the shop in examples/ to an embedded SMTP server, and show what arrived.
	cd examples && ../$(RUN) -m shop.demo

.PHONY: test
test: $(VENV)/ready-tests ## Run the tests with warnings as errors, and tests/compat once more under python -O.
	$(RUN) -O -m pytest --quiet tests/compat
	$(RUN) tests/run.py $(RUN) -W error -X dev -m pytest -- $(ARGS)

.PHONY: coverage
coverage: $(VENV)/ready-tests ## Run the tests and list the lines that they do not reach.
	$(RUN) -m coverage erase
	$(RUN) tests/run.py $(RUN) -m coverage run -m pytest --quiet -- $(ARGS)
	$(RUN) -m coverage combine --quiet
	$(RUN) -m coverage report

.PHONY: style
style: $(VENV)/ready-style ## Check formatting, lint, spelling, layers and the house style.
	$(RUN) -m ruff check
	$(RUN) -m ruff format --check
	$(BIN)/lint-imports --no-cache
	$(RUN) docs/draw_layers.py --check
	$(BIN)/codespell
	$(RUN) .ci/check_style.py
	$(RUN) .ci/commands.py --check

.PHONY: commands
commands: ## Write this list into CONTRIBUTING.md.
	$(PYTHON) .ci/commands.py

.PHONY: diagram
diagram: $(VENV)/ready-style ## Draw the layers of the packages, for docs/design.md.
	$(RUN) docs/draw_layers.py

# pyright asks the first python on PATH where the packages are.
typing: export PATH := $(abspath $(BIN)):$(PATH)
.PHONY: typing
typing: $(VENV)/ready-tests $(VENV)/ready-typing ## Run mypy --strict, and pyright on the public API.
	$(RUN) -m mypy
	$(RUN) -m pyright
	$(RUN) -m pyright --ignoreexternal --verifytypes flask_mail
	$(RUN) -m pyright --ignoreexternal --verifytypes pytest_flask_mail

.PHONY: docs
docs: $(VENV)/ready-docs ## Build the documentation into build/docs with warnings as errors.
	$(RUN) -m sphinx --fail-on-warning --keep-going -q docs build/docs

.PHONY: bench
bench: $(VENV)/ready ## Compare with earlier releases and other libraries, and rewrite docs/performance.md.
	$(RUN) -m benchmarks $(ARGS)

.PHONY: compat
compat: $(VENV)/ready-matrix ## Run the test suites of earlier releases on the oldest and the newest Python found.
	$(RUN) -m nox --session compat

.PHONY: compat-check
compat-check: $(VENV)/ready-matrix ## Run tests/compat against Flask-Mail 0.10.0.
	$(RUN) -m nox --session compat_check

INTEROP := build/interop

.PHONY: interop
interop: $(VENV)/ready-interop $(INTEROP)/ready-clients $(INTEROP)/ready-servers ## Send with clients and to servers that others wrote.
	$(RUN) -W error -X dev -m pytest tests/interop $(ARGS)

$(INTEROP)/ready-clients: export PATH := $(abspath $(BIN)):$(PATH)
$(INTEROP)/ready-clients: tests/interop/fetch_clients.sh | $(VENV)/ready-interop
	sh $< $(INTEROP)
	@touch $@

$(INTEROP)/ready-servers: tests/interop/servers/fetch_servers.sh
	mkdir -p $(INTEROP)
	sh $< $(INTEROP)/servers
	@touch $@

.PHONY: fuzz
fuzz: $(VENV)/ready-fuzz ## Fuzz the rendering of messages, with SECONDS (15) for each of seven targets.
	$(RUN) tests/fuzz/run.py --seconds $(SECONDS)

SECONDS := 15

.PHONY: mutants
mutants: $(VENV)/ready-tests ## Change the sending code in 60 places, one at a time, and list what no test notices; takes an hour.
	$(RUN) tests/mutants/run.py $(ARGS)

.PHONY: load
load: $(VENV)/ready-tests ## Run 400 tests with an SMTP server each on four processes, ten times in a row.
	for run in 1 2 3 4 5 6 7 8 9 10; do $(RUN) -W error -m pytest --quiet -n 4 tests/load $(ARGS) || exit; done

.PHONY: soak
soak: $(VENV)/ready-tests ## Send more than 160,000 messages and measure how much memory stays in use.
	$(RUN) -W error -m pytest -p no:flask_mail -p no:logging --durations=0 tests/soak $(ARGS)

.PHONY: matrix
matrix: $(VENV)/ready-matrix ## Run the tests on every Python found, and with the oldest dependencies.
	$(RUN) -m nox

.PHONY: matrix-ends
matrix-ends: $(VENV)/ready-matrix ## Run the tests on the oldest and the newest Python and dependencies only.
	$(RUN) -m nox --session oldest newest

.PHONY: clean
clean: ## Remove everything that the other targets made.
	rm -rf $(VENV) .nox .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage build dist
