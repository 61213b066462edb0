# The commands of this repository; CONTRIBUTING.md tells when to use which.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.PHONY: run test setup lint bench pictures lock clean provided-for-run provided-for-test provided-for-bench

PORT ?= 8080
DATA ?= ./var
PYTHON ?= python3
export PYTHON

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q
WITH_CHROMIUM = export CHROMIUM="$$($(BIN)/python tools/chromium.py)"
KERN := node_modules/@kern-ux/native/dist
TIMELINE := node_modules/@event-calendar/build/dist
DEMO := SPRECHZEIT_DEMO=on SPRECHZEIT_OFFICE="Jobcenter Musterstadt" SPRECHZEIT_PORT=$(PORT) SPRECHZEIT_DATA=$(DATA)

run: setup
	@export $(DEMO); \
	$(BIN)/sprechzeit migrate; \
	$(BIN)/sprechzeit seed-demo; \
	exec $(BIN)/sprechzeit serve

setup: .venv/runtime.stamp web/static/vendor/kern.stamp

test: .venv/development.stamp web/static/vendor/kern.stamp | provided-for-test
	@$(WITH_CHROMIUM); $(BIN)/python tools/run_tests.py

lint: .venv/development.stamp
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/djlint web/templates --lint
	@$(CC) -std=gnu11 -fsyntax-only -Wall -Wextra -Wconversion -Werror signaling/relay/plane/*.c

bench: .venv/development.stamp web/static/vendor/kern.stamp | provided-for-bench
	@$(WITH_CHROMIUM); for name in join relay failover networks booking slots; do \
	  $(BIN)/python -m "benchmarks.$$name" --json; \
	done

pictures: .venv/development.stamp web/static/vendor/kern.stamp | provided-for-test
	@$(WITH_CHROMIUM); $(BIN)/python -m tests.browser.pictures

# Pin what a fresh resolution of pyproject.toml gives today.
lock:
	@rm -rf build/lock && $(PYTHON) -m venv build/lock
	@build/lock/bin/python -m pip -q install '.[dev]'
	@{ echo "# Made by \`make lock\`: every package of a development environment, pinned."; \
	  build/lock/bin/python -m pip freeze --exclude sprechzeit; } > requirements.lock
	@rm -rf build/lock

clean:
	@rm -rf .venv build node_modules web/static/vendor

provided-for-run:
	@tools/provide run

provided-for-test:
	@tools/provide test

provided-for-bench:
	@tools/provide bench

.venv/runtime.stamp: requirements.lock pyproject.toml setup.py $(wildcard signaling/relay/plane/*.[ch]) | provided-for-run
	@echo "Installing the program into .venv (a minute or so)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(PIP) install -c requirements.lock -e .
	@touch $@

.venv/development.stamp: .venv/runtime.stamp
	@echo "Installing what tests and checks need into .venv"
	@$(PIP) install -c requirements.lock -e '.[dev]'
	@touch $@

# What pages serve from other packages: the KERN style sheets and their fonts, the timeline.
web/static/vendor/kern.stamp: package.json package-lock.json | provided-for-run
	@echo "Fetching what pages serve"
	@npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@rm -rf web/static/vendor/kern && mkdir -p web/static/vendor/kern
	@cd $(KERN) && find . \( -name '*.min.css' -o -path './fonts/*.css' -o -name '*.woff2' \) \
	  -exec cp --parents -t "$(CURDIR)/web/static/vendor/kern" {} +
	@rm -rf web/static/vendor/event-calendar && mkdir -p web/static/vendor/event-calendar
	@cp $(TIMELINE)/event-calendar.min.js $(TIMELINE)/event-calendar.min.css \
	  web/static/vendor/event-calendar/
	@touch $@
