# Every command works from a fresh clone: the virtual environment is made on first use.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(PYTHON) requirements/install.py
# The engines that ours is measured beside need packages that do not go with ours.
PEERS := .venv-peers
# Schemathesis needs packages that do not go with ours, and the JavaScript client is installed where npm is.
SCHEMATHESIS := .venv-schemathesis
JAVASCRIPT := tests/conformance/javascript
CLIENTS := $(SCHEMATHESIS)/.installed $(if $(shell command -v npm 2>/dev/null),$(JAVASCRIPT)/node_modules/.installed)
# As they are, dollars and quotes included: the shell reads them from the environment.
override SELFIE := $(value SELFIE)
override THEME := $(value THEME)
export SELFIE THEME
PARALLEL := -n 4 --dist loadfile --no-loadscope-reorder
# Parts of packages that no process of ours imports: compiling them took a quarter of the time.
UNUSED := site-packages/(.*/)?(tests?|testing|setuptools|f2py|mssql|mysql|oracle|sqlite)/
FAST := tests/statemachine tests/db tests/jobs/catalogue tests/jobs/prompts
MINUTES ?= 1
EXAMPLES ?= 200
SEED ?= 1

# Every part is a process or several: without bytecode each would compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo up test test-fast test-media test-clients test-faults test-system coverage check format clients conformance bench soak lock clean

help:  ## Show what can be made.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/'

$(VENV)/.installed: requirements/demo.lock pyproject.toml
	@$(INSTALL) $(VENV) requirements/demo.lock .
	@# On all cores. Files that are templates of Python do not compile.
	@$(BIN)/python -m compileall -qq -j 0 -x '$(UNUSED)' $(VENV)/lib || true
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements/dev.lock
	@$(INSTALL) $(VENV) requirements/dev.lock
	@touch $@

demo: $(VENV)/.installed  ## Turn a photograph into an avatar, a scene and a video: make demo SELFIE=me.jpg THEME=neon-city
	@exec $(BIN)/python -m diorama demo $${SELFIE:+"--selfie=$$SELFIE"} $${THEME:+"--theme=$$THEME"}

up: $(VENV)/.installed  ## Start every part, keep it running and print the addresses.
	@exec $(BIN)/python -m diorama up

test: $(VENV)/.installed-dev  ## Run every test on the embedded parts but those of `make check` and of the four targets below.
	@$(BIN)/python -m pytest $(PARALLEL) -m 'not thorough and not truth and not media and not clients and not faults and not system'

test-fast: $(VENV)/.installed-dev  ## Run the tests of the inner loop, within a minute.
	@$(BIN)/python -m pytest $(PARALLEL) -m 'not thorough and not truth and not media and not clients and not faults and not system' $(FAST)

test-media: $(VENV)/.installed-dev  ## Run the tests that draw, transcode and compare pictures and videos at length.
	@$(BIN)/python -m pytest $(PARALLEL) -m 'media and not thorough'

test-clients: $(VENV)/.installed-dev  ## Run the tests that drive foreign clients and fuzzers; `make clients` installs them.
	@$(BIN)/python -m pytest $(PARALLEL) -rs -m 'clients and not thorough'

test-faults: $(VENV)/.installed-dev  ## Kill, freeze and disconnect real processes in every step, and lose responses and webhooks, at length.
	@$(BIN)/python -m pytest $(PARALLEL) -m 'faults and not thorough'

test-system: $(VENV)/.installed-dev  ## Run the tests that start the demo, the servers and whole programs again and again, and a moment of chaos.
	@$(BIN)/python -m pytest $(PARALLEL) -m 'system and not media and not faults and not thorough'

coverage: $(VENV)/.installed-dev  ## Run `make test` and show which lines no test runs.
	@$(BIN)/python -m pytest $(PARALLEL) -m 'not thorough and not truth and not media and not clients and not faults and not system' --cov --cov-report=term

check: $(VENV)/.installed-dev  ## Format, lint, types, import directions and the docs' truth tests.
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest tests/truth

format: $(VENV)/.installed-dev  ## Rewrite the code in the project's format.
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

$(SCHEMATHESIS)/.installed: requirements/schemathesis.lock
	@$(INSTALL) $(SCHEMATHESIS) requirements/schemathesis.lock
	@touch $@

$(JAVASCRIPT)/node_modules/.installed: $(JAVASCRIPT)/package-lock.json
	@echo "Installing the packages of $< ..." >&2
	@npm ci --silent --prefix $(JAVASCRIPT)
	@touch $@

clients: $(CLIENTS)  ## Install the foreign clients that `make test-clients` drives.

conformance: $(VENV)/.installed-dev $(CLIENTS)  ## Test the simulator thoroughly with Replicate's clients and API description: make conformance EXAMPLES=500 SEED=2
	@CONFORMANCE_EXAMPLES=$(EXAMPLES) CONFORMANCE_SEED=$(SEED) $(BIN)/python -m pytest -rs tests/conformance

$(PEERS)/.installed: requirements/peers.lock
	@$(INSTALL) $(PEERS) requirements/peers.lock
	@touch $@

bench: $(VENV)/.installed-dev $(PEERS)/.installed  ## Compare the engine with Postgres's own limit and with other engines, count the calls of tracking, and measure the cost of media.
	@$(BIN)/python -m tests.bench

soak: $(VENV)/.installed-dev $(CLIENTS)  ## Kill, cut and restart everything under load, and report what is left: make soak MINUTES=10
	@$(BIN)/python -m pytest -n 3 --dist loadfile -m thorough
	@$(BIN)/python -m tests.soak $(MINUTES)

# One resolution for all that is installed together: the demo's, which has every extra but c2pa.
COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command 'make lock'
WITH_DEMO := -c requirements/demo.lock

lock:  ## Resolve the lock files again (needs uv).
	@$(COMPILE) --extra studio --extra embedded pyproject.toml requirements/build.in -o requirements/demo.lock
	@$(COMPILE) $(WITH_DEMO) pyproject.toml requirements/build.in -o requirements/service.lock
	@$(COMPILE) -c requirements/service.lock --extra c2pa pyproject.toml requirements/build.in -o requirements/service-c2pa.lock
	@$(COMPILE) $(WITH_DEMO) --extra studio pyproject.toml requirements/build.in -o requirements/simulator.lock
	@$(COMPILE) $(WITH_DEMO) --group dev -o requirements/dev.lock
	@$(COMPILE) requirements/peers.in -o requirements/peers.lock
	@$(COMPILE) requirements/schemathesis.in -o requirements/schemathesis.lock

clean:  ## Remove what the commands above made.
	@rm -rf $(VENV) $(PEERS) $(SCHEMATHESIS) $(JAVASCRIPT)/node_modules demo-output .mypy_cache .ruff_cache .hypothesis
