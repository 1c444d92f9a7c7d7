# make demo    set up and make a video of an example person: prints where it lies
# make test    set up with the development tools and run the tests
# make check   lint and types
# make clean   remove the virtual environment and what was made

PYTHON ?= python3
FACE ?= examples/maya.png
PROMPT ?= $(shell cat examples/maya.txt)
DEMO ?= runs/demo.mp4

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test check clean

demo: $(VENV)/.installed
	@mkdir -p $(dir $(DEMO))
	$(BIN)/stillmotion generate --face "$(FACE)" --prompt "$(PROMPT)" --seed 7 -o "$(DEMO)"
	@echo "The video is $(abspath $(DEMO)); '$(BIN)/stillmotion show $(DEMO)' tells how it was made."

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -q

check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) runs build

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "error: stillmotion needs Python 3.11 or newer: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ rm -rf $(VENV); echo "error: no virtual environments here: on Debian and Ubuntu apt install python3-venv" >&2; exit 1; }
	@touch $@

$(VENV)/.installed: $(VENV)/.created pyproject.toml constraints.txt
	@echo "Installing stillmotion and PyTorch into $(VENV): several hundred MB, some minutes."
	@$(PIP) setuptools wheel
	@$(PIP) --no-build-isolation -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@$(PIP) --no-build-isolation -e '.[dev]'
	@touch $@
