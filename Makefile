# Everything a developer or a first-time user needs. Works with Python 3.11+ and make, without root.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: setup demo test lint check-python

setup: $(VENV)/.installed

demo: setup
	$(BIN)/muralist demo

# Compiled files are kept, whatever the environment says: each process of the tests would compile everything anew.
test: setup lint
	PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -n 4 --dist worksteal

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check-python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Muralist needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python3.12 setup"; exit 1; }

# Made anew when what is to be installed changes.
$(VENV)/.installed: pyproject.toml constraints.txt | check-python
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@
