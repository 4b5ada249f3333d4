# Everything one does with this project; `make` alone lists it.
.DEFAULT_GOAL := help
.PHONY: help run demo test faults bench check lint types format requirements clean

VENV := .venv
PYTHON := $(VENV)/bin/python
# Each is there once what `make run`, the tests or the bench need is installed as pinned.
SERVICE := $(VENV)/service-installed
DEVELOPMENT := $(VENV)/development-installed
BENCH := $(VENV)/bench-installed
# Processes that run tests, each with servers of its own: more than cores, for most of them wait.
TESTERS := 6
PIP_COMPILE := $(PYTHON) -m piptools compile --quiet --allow-unsafe --generate-hashes \
	--no-emit-find-links --no-emit-index-url --strip-extras

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(SERVICE) ## install what is missing, migrate the database, serve on http://127.0.0.1:8000
	@exec $(PYTHON) -m flask --app app serve

demo: $(SERVICE) ## serve a database of its own, load it for a minute, say where to look, stop
	@exec $(PYTHON) scripts/demo.py

test: $(DEVELOPMENT) ## install what is missing, database servers too, and run every test
	@scripts/install-servers
	@$(PYTHON) -m pytest --numprocesses=$(TESTERS) --dist=loadgroup -m "not quiet"
	@exec $(PYTHON) -m pytest --numprocesses=5 --dist=loadgroup -m quiet tests/faults

faults: $(DEVELOPMENT) ## make every fault there is; CASE=F1 MINUTES=10 SEED=7 DATABASE=mariadb narrow it down
	@scripts/install-servers
	@exec $(PYTHON) -m tests.faults $(if $(CASE),--case $(CASE)) $(if $(MINUTES),--minutes $(MINUTES)) \
		$(if $(SEED),--seed $(SEED)) $(if $(DATABASE),--database $(DATABASE))

bench: $(BENCH) ## measure how fast it is; ONLY=P1 DATABASE=sqlite INTO=directory narrow it down
	@scripts/install-servers
	@scripts/install-redis
	@exec $(PYTHON) -m bench targets $(addprefix --only ,$(ONLY)) $(addprefix --database ,$(DATABASE)) \
		$(addprefix --into ,$(INTO))

check: lint types test ## lint, types and test: what CI runs

lint: $(DEVELOPMENT) ## check style and formatting
	@$(PYTHON) -m ruff check
	@$(PYTHON) -m ruff format --check

types: $(DEVELOPMENT) ## check types
	@$(PYTHON) -m mypy

format: $(DEVELOPMENT) ## format, and fix what can be fixed by itself
	@$(PYTHON) -m ruff check --fix
	@$(PYTHON) -m ruff format

requirements: $(DEVELOPMENT) ## pin the dependencies that pyproject.toml names
	$(PIP_COMPILE) --output-file=requirements.txt pyproject.toml
	$(PIP_COMPILE) --extra=dev --constraint=requirements.txt --output-file=requirements-dev.txt pyproject.toml
	$(PIP_COMPILE) --extra=bench --constraint=requirements.txt --constraint=requirements-dev.txt \
		--output-file=requirements-bench.txt pyproject.toml

clean: ## remove what was installed or cached here; orders in instance/ stay
	@rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(SERVICE): requirements.txt
	@scripts/install-requirements requirements.txt
	@touch $@

$(DEVELOPMENT): requirements-dev.txt $(SERVICE)
	@scripts/install-requirements requirements-dev.txt
	@touch $@

$(BENCH): requirements-bench.txt $(SERVICE)
	@scripts/install-requirements requirements-bench.txt
	@touch $@
