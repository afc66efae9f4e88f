# Each target is one line that a person could type. `make run` and `make test` work on a fresh machine with Python 3.11+.
PYTHON ?= python3
BIN := .venv/bin
UV := $(BIN)/uv pip install --quiet --python $(BIN)/python
UNIT := $(addprefix tests/unit/,backtest core runtime)

.PHONY: run test setup check format bench pages soak crashes unit clean help

run: setup  ## the whole system on a synthetic market: no key, no account, no server
	$(BIN)/petrosa demo

test: setup  ## every test; servers it needs are started on free loopback ports
	$(BIN)/python -m pytest -n auto --dist worksteal

unit: setup  ## the core, without what turns whole markets or tries many examples: seconds
	$(BIN)/python -m pytest -n auto --dist worksteal $(UNIT) -m "not (market or recordings or hypothesis)"

soak: setup  ## the long campaigns, whole
	PETROSA_SOAK=1 $(BIN)/python -m pytest -n auto --dist worksteal

crashes: setup  ## a live desk killed at every point, whatever its venue does; writes the tables of docs/order-safety.md
	rm -f .crash-matrix.jsonl
	PETROSA_SOAK=1 $(BIN)/python -m pytest -n 2 --dist worksteal tests/integration/test_crash_matrix.py -k whole
	$(BIN)/python -m tests.kit.crash_pages

check: setup  ## formatting, lint, types, import rules, sizes
	$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy && $(BIN)/lint-imports --no-cache && $(BIN)/python -m tests.kit.sizes

format: setup  ## put the code into shape
	$(BIN)/ruff format . && $(BIN)/ruff check --fix .

bench: setup  ## figures for docs/performance.md, as JSON, with a calibration reference in the same run
	$(BIN)/petrosa bench --json

pages: setup  ## docs/strategies from the declarations; figures on real recordings where PETROSA_TEST_DATA names them
	$(BIN)/python -m tests.kit.strategy_pages

setup: .venv/.ready  ## .venv with everything the other targets need

.venv/.ready: pyproject.toml requirements.lock
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(UV) --constraint requirements.lock --editable '.[dev]'
	touch $@

clean:  ## remove what setup and the tools made
	rm -rf .venv dist build .mypy_cache .ruff_cache .hypothesis

help:  ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'
