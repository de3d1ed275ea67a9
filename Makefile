# Two commands matter: `make demo` shows the whole flow, `make test` checks everything. Each sets
# up what it needs; a second run takes seconds. The logic is in tools/, this file only names it.

PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
  "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
  && echo "$$python" && break; done)
# The toolchain, and no virtual environment that happens to be active.
export VIRTUAL_ENV := $(CURDIR)/.venv
tools = PATH="$(CURDIR)/.toolchain/bin:$(CURDIR)/.venv/bin:$$PATH"
checks = $(tools) .venv/bin/python -m tools.checks

.PHONY: help demo test toolchain browser python lint fmt contracts tests package bench lock clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

demo: toolchain ## the whole flow on this machine, as a readable transcript
	@$(tools) .venv/bin/python -m tools.demo

test: browser ## every check, on a machine that has Python 3.11, apt-get and Go
	@$(checks)

toolchain: python ## set up .venv and .toolchain; `make test` and `make demo` do this by themselves
	@$(PYTHON) -m tools.toolchain

browser: python ## the same, and what only tests need: a browser, an HSM …
	@$(PYTHON) -m tools.toolchain --browser

python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: apt-get install python3" >&2; exit 1; }

lint: toolchain ## formatting, style, types and layers
	@$(checks) format style types layers

fmt: toolchain ## rewrite the Python code in the house format
	@.venv/bin/ruff check --fix --quiet; .venv/bin/ruff format

contracts: toolchain ## build, tests, proofs and fresh ABIs of the contracts
	@$(checks) contracts

tests: browser ## the Python tests, with their coverage floor
	@$(checks) tests

package: toolchain ## the wheel, installed and used in a fresh environment
	@$(checks) package

bench: toolchain ## what the gate, the canonical form and the votes cost, on this machine
	@$(tools) .venv/bin/python -m tests.bench.bench_plan 100 1000 10000
	@$(tools) .venv/bin/python -m tests.bench.bench_up
	@$(tools) .venv/bin/python -m tests.bench.bench_gas

lock: toolchain ## write the requirements locks anew from pyproject.toml
	@.venv/bin/python -m tools.lock

clean: ## remove what make made here; the Pulumi CLI in the cache folder stays
	rm -rf .venv .toolchain contracts/node_modules contracts/out contracts/cache dist
