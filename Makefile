# Two commands matter: `make run` and `make test`. Everything they need, they install into .venv.
.DEFAULT_GOAL := help
PORT ?= 8080
SEEDS ?= 0-2999
VENV := .venv
BIN := $(VENV)/bin

help: ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(VENV)/.run: requirements/run.txt pyproject.toml scripts/install.sh
	@sh scripts/install.sh $(VENV) run
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml scripts/install.sh
	@sh scripts/install.sh $(VENV) dev
	@touch $@ $(VENV)/.run

run: $(VENV)/.run ## the emulator on http://127.0.0.1:8080 (PORT= changes it)
	@$(BIN)/tiyin up --port $(PORT) --data var/emulator

test: lint types ## everything that decides whether a change lands
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not long"

lint: $(VENV)/.dev ## style, formatting, and who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/.dev ## mypy --strict
	$(BIN)/mypy

bench: $(VENV)/.dev ## the benchmarks, each beside its floor
	$(BIN)/python -m bench

prove: $(VENV)/.dev ## the long proofs: what is too slow for every change
	$(BIN)/python -m prove

simulate: $(VENV)/.dev ## simulate payments over seeds: SEEDS=17, SEEDS=0-9999
	$(BIN)/python -m prove.simulation $(SEEDS)

lock: $(VENV)/.dev ## lock the dependencies again, with hashes
	$(BIN)/python scripts/lock.py

clean: ## forget what was installed and stored
	rm -rf $(VENV) var

.PHONY: help run test lint types bench prove simulate lock clean
