# Few verbs. Each sets up what it needs; Python 3.11, make and a C compiler are all that must be there.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SDKS := tests/sdk/node_modules/.package-lock.json

.PHONY: demo test test-long sdks check bench docs lock clean

demo: $(READY)  ## make a workspace with real data and run the whole loop
	$(BIN)/shoal demo demo-workspace

test: $(READY)  ## the tests, without the long ones
	$(BIN)/python -m pytest -n 2 -m "not slow"

test-long: $(READY) sdks  ## the long tests
	$(BIN)/python -m pytest -m slow

sdks:  ## the JavaScript SDKs that the long tests drive; without node and npm those tests are skipped
	@command -v npm >/dev/null && $(MAKE) -s --no-print-directory $(SDKS) || \
	  echo "the JavaScript SDKs are not installed: the tests that need them will be skipped"

check: $(READY)  ## ruff, mypy strict, architecture
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m shoal.cli.reference --check

bench: $(READY)  ## ratios against named peers, written to docs/benchmarks.md
	$(BIN)/python benchmarks/run.py

docs: $(READY)  ## write the generated parts of docs/
	$(BIN)/python -m shoal.cli.reference

lock:  ## renew requirements.lock
	$(PYTHON) -m venv $(VENV) && $(BIN)/pip install -q uv
	$(BIN)/uv pip compile --universal --generate-hashes --no-annotate --no-header --no-emit-index-url \
	  --all-extras --group pyproject.toml:bench --group pyproject.toml:dev pyproject.toml -o requirements.lock --upgrade

clean:
	rm -rf $(VENV) build dist

$(SDKS): tests/sdk/package-lock.json
	npm ci --prefix tests/sdk --ignore-scripts --no-audit --no-fund

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@
