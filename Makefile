# Two commands do all the set-up: `make demo` and `make test`. Both may be run again and again.
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO_SECONDS ?= 20

.PHONY: help demo test lint clean

help:
	@echo "make demo   install, then scan a simulated fetus for $(DEMO_SECONDS) s with the embedded model"
	@echo "make test   install, then lint, type check and run every test"
	@echo "make clean  remove the environment and what runs left behind"

$(BIN)/python:
	@echo "==> Making a Python environment in $(VENV)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed (set PYTHON=...)"; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo "==> Installing FetalStream and what it needs (torch is about 6 GB; a few minutes the first time)"
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[ui]"
	@mkdir -p $(VENV)/src && ln -sfn ../.. $(VENV)/src/fetalstream
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "==> Installing what the tests need"
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dicom,metrics,pacs,parquet,slicer,train,ui,webhook]" $$($(BIN)/python -c \
		'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]["dev"])')
	@touch $@

demo: $(VENV)/.installed
	@echo "==> Running the main job on the embedded model"
	@$(BIN)/fetalstream demo --seconds $(DEMO_SECONDS)

lint: $(VENV)/.installed-dev
	@echo "==> ruff"
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@echo "==> pyright"
	@$(BIN)/pyright
	@echo "==> import-linter"
	@$(BIN)/lint-imports

test: lint
	@echo "==> pytest"
	@$(BIN)/pytest

clean:
	rm -rf $(VENV) out build *.egg-info .pytest_cache .ruff_cache .hypothesis .import_linter_cache
