# Every target does its own set-up: nothing but Python 3.11+ and make is needed.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

# make run TAPE=<file> SPEED=60 SEED=7 PORT=8000 ARGS="--reset"
RUN_ARGS := $(if $(PORT),--port $(PORT)) $(if $(TAPE),--tape $(TAPE)) $(if $(SPEED),--speed $(SPEED)) $(if $(SEED),--seed $(SEED)) $(ARGS)

.PHONY: run test whole chaos chaos-variants chaos-kill check bench bench-claim bench-stop bench-orders browser screenshot clean
.DEFAULT_GOAL := run

run: $(VENV)/.runtime
	@exec $(BIN)/python manage.py run $(RUN_ARGS)

# Twice as many workers as cores: the tests of running engines wait for clocks. Tables come from the models here;
# a run makes them by the migrations, and so does ARGS=--migrations.
test: $(VENV)/.develop
	$(BIN)/pytest -n 4 --dist loadfile --no-loadscope-reorder --no-migrations -m "not browser and not whole" $(ARGS)

# The whole program: started, stopped, killed and started again, replaying a recorded game. Some minutes.
whole: $(VENV)/.develop
	$(BIN)/pytest -n 2 --dist loadfile -m whole $(ARGS)

browser: $(VENV)/.develop
	$(BIN)/pytest -m browser $(ARGS)

# Makes docs/screenshot.png from a real run; needs Debian's chromium.
screenshot: $(VENV)/.develop
	$(BIN)/python -m tests.e2e.screenshot

check: $(VENV)/.develop
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python manage.py check
	$(BIN)/python manage.py makemigrations --check --dry-run

# Seeded runs of two traders per account on virtual time, everything going wrong: make chaos SEED=7 RUNS=500
chaos: $(VENV)/.develop
	$(BIN)/python -m tests.chaos $(if $(SEED),--seed $(SEED)) $(if $(RUNS),--runs $(RUNS)) $(ARGS)

# Real processes killed at named points of an order's way, and guard, worker, Redis and venues beside it, then compared
# with the venues' exact ledger; on PostgreSQL where DATABASE_URL names one: make chaos-kill RUNS=50 (about half a minute
# each on two idle cores). ARGS="--keep FOLDER" keeps all logs.
chaos-kill: $(VENV)/.develop
	$(BIN)/python -m tests.kill $(if $(SEED),--seed $(SEED)) $(if $(RUNS),--runs $(RUNS)) $(ARGS)

# Known-bad traders: which seed catches each of them, and by which invariant.
chaos-variants: $(VENV)/.develop
	$(BIN)/python -m tests.chaos.hunt $(if $(SEED),--seed $(SEED)) $(if $(RUNS),--runs $(RUNS)) $(ARGS)

bench: $(VENV)/.develop
	$(BIN)/python -m tests.bench.hotpath $(ARGS)
	$(BIN)/python -m tests.bench.checks

# The claim of an order at 50 a second; on PostgreSQL too where DATABASE_URL names one.
bench-claim: $(VENV)/.develop
	$(BIN)/python -m tests.bench.claims $(ARGS)

# The emergency stop: fifty resting orders, then a thousand triggers over all paths (about a quarter of an hour;
# TRIGGERS=100 for fewer). On PostgreSQL and Redis where DATABASE_URL and REDIS_URL name them, with each of them silent as well.
bench-stop: $(VENV)/.develop
	$(BIN)/python -m tests.bench.stop $(if $(TRIGGERS),--triggers $(TRIGGERS)) $(ARGS)

# Placement, detection of fills and recovery with five hundred open orders, at venues that reply after 100 ms.
bench-orders: $(VENV)/.develop
	$(BIN)/python -m tests.bench.orders $(ARGS)

clean:
	rm -rf $(VENV) var test-results

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Courtside needs Python 3.11 or newer; '$(PYTHON)' is older. Try: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { echo "Could not make a virtual environment. On Debian or Ubuntu: apt-get install python3-venv"; rm -rf $(VENV); exit 2; }

$(VENV)/.runtime: requirements.txt | $(VENV)/bin/python
	@echo "Installing what runs (about a minute, once) ..."
	@$(BIN)/pip install -q --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.develop: requirements-dev.txt requirements.txt | $(VENV)/bin/python
	@echo "Installing what tests and checks (about a minute, once) ..."
	@$(BIN)/pip install -q --disable-pip-version-check -r requirements-dev.txt
	@touch $@ $(VENV)/.runtime
