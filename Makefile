# Needs make (3.81 is enough) and Python 3.11 or newer with its venv module; brings everything else itself.
# `make demo PORT=9000` chooses the port of the demo's page; `PYTHON=/path/to/python3` the interpreter.

.PHONY: help demo sandbox test check lint types architecture documents prove bench page javascript lock sbom dist pictures golden remedies install clean
.DEFAULT_GOAL := help

BIN := .venv/bin
PORT ?= 8765
# Every bench that can be run, but the server that one of them starts.
NAME ?= $(filter-out slack_server house,$(patsubst bench/%.py,%,$(shell grep -l __main__ bench/*.py)))
CODE := bot handlers lumen sandbox demo tests bench

help:
	@echo "make demo     Lumen, a Slack workspace and a Google Cloud to try it on: one address to open"
	@echo "make sandbox  the workspace and the cloud alone, for any Slack bot (MANIFEST=... its own manifest)"
	@echo "make test     every test but the long proofs"
	@echo "make check    linters, types, architecture, documents in step"
	@echo "make prove    the long proofs, one file after the other (PART=tests/... for one, PART=list names"
	@echo "              them; PART=chaos: clicks while something fails, SEED=7 for one run of it)"
	@echo "make bench    what the figures in the documents are measured with (NAME=ack for one)"
	@echo "make page     builds the sandbox's page (needs npm)"
	@echo "make javascript  fetches Bolt for JavaScript for the tests that try it (needs npm)"
	@echo "make pictures takes the documents' pictures of the demo (needs Chromium)"
	@echo "make golden   rewrites what every view reads as (tests/unit/handlers/golden)"
	@echo "make remedies writes the tables of docs/troubleshooting.md (English and Korean) from the catalogue"
	@echo "make lock     compiles the locks (ARGS=--upgrade for newer versions)"
	@echo "make sbom     writes what the locks hold, as CycloneDX, to build/sbom"
	@echo "make dist     builds the wheel and the sdist into dist"

demo:
	@PYTHON="$(PYTHON)" scripts/install demo
	@exec $(BIN)/lumen demo --port $(PORT)

sandbox:
	@PYTHON="$(PYTHON)" scripts/install demo
	@exec $(BIN)/python -m demo --sandbox-only --port $(PORT) $(if $(MANIFEST),--manifest "$(MANIFEST)")

install:
	@PYTHON="$(PYTHON)" scripts/install dev

test: install
	@$(BIN)/python -m pytest -q -rs -n 4 --dist worksteal $(ARGS)

check: lint types architecture documents

lint: install
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .

types: install
	@$(BIN)/mypy $(CODE)

architecture: install
	@$(BIN)/lint-imports --no-cache --no-logo

documents: install
	@$(BIN)/python -m pytest -q tests/docs

prove: install
	@SEED=$(SEED) scripts/prove $(PART)

bench: install
	@for name in $(NAME); do echo "== $$name"; $(BIN)/python -m bench.$$name || exit 1; done

page:
	@cd sandbox/page && npm ci --ignore-scripts && sh build.sh

javascript:
	@cd tests/javascript && npm ci --ignore-scripts --no-audit --no-fund

pictures: install
	@$(BIN)/python -m tests.pictures

golden: install
	@GOLDEN=write $(BIN)/python -m pytest -q -k reads_as_it_did tests/unit/handlers/test_all_views.py

remedies: install
	@$(BIN)/python -m tests.remedies

lock:
	@PYTHON="$(PYTHON)" scripts/lock $(ARGS)

sbom: install
	@scripts/sbom

# What an earlier build left in build/lib would get into the wheel.
dist: install
	@rm -rf build/lib build/bdist.* dist *.egg-info
	@$(BIN)/python -c "from setuptools import build_meta as b; b.build_sdist('dist'); b.build_wheel('dist')" >/dev/null
	@ls dist

clean:
	rm -rf build dist .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
