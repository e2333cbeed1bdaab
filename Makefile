# Every command that a person needs. `make help` explains itself.
SHELL := /bin/sh
.DEFAULT_GOAL := help

PORT ?= 8000
GLOSS_HOME ?= var
DEMO ?= 1
BENCH ?=
DATA ?=
export PORT GLOSS_HOME DEMO DATA

VENV := .venv
PYTHON := $(VENV)/bin/python
# Another interpreter: make run PYTHON3=python3.12
PYTHON3 ?= python3
# Where pip finds torch, for a machine that should not take the package index's default build.
TORCH_INDEX_URL ?=

.PHONY: help run test lint bench fuzz format clean

help: ## Show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

run: $(VENV)/.installed ## Set up what is missing, start Gloss, print its address (PORT, GLOSS_HOME, DEMO=0)
	@exec $(PYTHON) manage.py up

test: $(VENV)/.installed-dev ## Run every test that can run here, on SQLite and on PostgreSQL with Redis
	@exec $(PYTHON) -m tests.run $(ARGS)

lint: $(VENV)/.installed-dev ## Check style, types, templates, import contracts, Dockerfile
	@$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check .
	@PYTHONPATH=platform $(VENV)/bin/mypy .
	@PYTHONPATH=platform $(VENV)/bin/lint-imports --no-cache
	@$(VENV)/bin/djlint --lint --quiet templates
	@$(VENV)/bin/hadolint Dockerfile
	@$(PYTHON) manage.py makemigrations --check --dry-run

bench: $(VENV)/.installed-dev ## Measure (BENCH=name for one of them); a table, and JSON below bench-results/
	@exec $(PYTHON) -m tests.bench $(BENCH)

fuzz: $(VENV)/.installed-dev ## Fuzz the readers of files (GLOSS_FUZZ_SECONDS=60 for each property)
	@GLOSS_FUZZ_SECONDS=$${GLOSS_FUZZ_SECONDS:-60} $(PYTHON) -m pytest tests/reviews/test_sources_fuzz.py -q -n0

format: $(VENV)/.installed-dev ## Bring code into the house style
	@$(VENV)/bin/ruff check --fix . && $(VENV)/bin/ruff format .

clean: ## Remove caches; what the product wrote stays
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

$(VENV)/.installed: requirements.txt
	@command -v $(PYTHON3) >/dev/null 2>&1 || { echo "Gloss needs Python 3.11 or newer, and there is no '$(PYTHON3)' here. Install it, or name another: make run PYTHON3=python3.12" >&2; exit 1; }
	@$(PYTHON3) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Gloss needs Python 3.11 or newer; '$(PYTHON3)' is $$($(PYTHON3) -V 2>&1). Name another: make run PYTHON3=python3.12" >&2; exit 1; }
	@$(PYTHON3) -c 'import venv, ensurepip' 2>/dev/null || { echo "'$(PYTHON3)' cannot make virtual environments. On Debian or Ubuntu install its package python3-venv, then try again." >&2; exit 1; }
	@echo "Setting up $(VENV): about 1 GB to fetch, a few minutes, this once." >&2
	@test -x $(PYTHON) || $(PYTHON3) -m venv $(VENV)
	@if [ -n "$(TORCH_INDEX_URL)" ]; then $(VENV)/bin/pip install --quiet --disable-pip-version-check --index-url "$(TORCH_INDEX_URL)" "$$(grep '^torch==' requirements.txt)"; fi
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.txt
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@
