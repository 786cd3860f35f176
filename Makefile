# Every command works from a fresh clone: the virtual environment is made on first use.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SELFIE ?=
THEME ?=
MINUTES ?= 1

.DEFAULT_GOAL := help
.PHONY: help demo up test check format bench lock clean

help:  ## Show what can be made.
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/'

$(VENV)/.installed: requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the packages of requirements.lock into $(VENV) ..." >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.lock
	@echo "Installing the packages of requirements-dev.lock into $(VENV) ..." >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

demo: $(VENV)/.installed  ## Turn a photograph into an avatar, a scene and a video: make demo SELFIE=me.jpg THEME=neon-city
	@exec $(BIN)/python -m diorama demo $(if $(SELFIE),--selfie '$(SELFIE)') $(if $(THEME),--theme '$(THEME)')

up: $(VENV)/.installed  ## Start every part, keep it running and print the addresses.
	@exec $(BIN)/python -m diorama up

test: $(VENV)/.installed-dev  ## Run every test on the embedded parts.
	@$(BIN)/python -m pytest -n 3 --dist worksteal

check: $(VENV)/.installed-dev  ## Format, lint, types, import directions and the docs' truth tests.
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest tests/truth

format: $(VENV)/.installed-dev  ## Rewrite the code in the project's format.
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(VENV)/.installed-dev  ## Measure the engine beside Postgres's own limit.
	@$(BIN)/python -m tests.bench

lock: $(VENV)/.installed-dev  ## Resolve the lock files again (needs uv).
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command 'make lock' --extra embedded pyproject.toml requirements-build.in -o requirements.lock
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command 'make lock' -c requirements.lock --group dev -o requirements-dev.lock

clean:  ## Remove what the commands above made.
	@rm -rf $(VENV) demo-output .mypy_cache .ruff_cache .hypothesis
