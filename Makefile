# The one entry point. Needs Python 3.11 or newer with venv, make and git; everything else is
# installed from the hashed requirements, into .venv and .local, which git ignores.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Without bytecode every start would compile the whole program anew.
PIP := env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pip --disable-pip-version-check install -qq
APP := $(VENV)/.installed-app
DEV := $(VENV)/.installed-dev
ARGS ?=
# Each with the seconds that it may take on two cores; more is told.
PARTS := lint=10 layers=10 unit=90 contract=240 clients=60 e2e=240 faults=330 e2e-localstack=240 \
	image-test=240 infra-test=240
# These look at no clock, so they may be slow: they are run while the others wait for something.
MEANWHILE := types=120 dst=60 model=180
SOURCES := $(wildcard schemas workers simulator infra demo dst bench tests)

.DEFAULT_GOAL := help
.PHONY: help install demo test check fmt lint types layers unit contract clients e2e \
	faults e2e-localstack compose-test image-test infra-test \
	storm crash-matrix rolling-test soak soak-profiles soak-calls fuzz bench dst model clean lock

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(APP) ## Make .venv with the `switchboard` command in it

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or newer is needed, and $(PYTHON) is $$($(PYTHON) -V 2>&1)." \
			"Name another: make PYTHON=/path/to/python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(APP): $(BIN)/python requirements/build.txt requirements/app.txt pyproject.toml
	$(PIP) --require-hashes -r requirements/build.txt -r requirements/app.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV): $(APP) requirements/dev.txt
	$(PIP) --require-hashes -r requirements/dev.txt
	@touch $@

demo: $(APP) ## Play conversations through a local world (ARGS=--interactive leaves it up)
	$(BIN)/python -m demo $(ARGS)

test: $(DEV) ## Everything that CI checks, with the time of each part
	@./.ci/parts $(PARTS) -- $(MEANWHILE)

check: ## The same as CI runs it: a skipped test is a failure
	CI=true $(MAKE) test

fmt: $(DEV) ## Format the code, and mend what the linter can mend
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

# A file stays on one worker, which has an emulator of its own. ARGS="-n 0" for one process.
ON_TWO_CORES := -n 2 --dist loadfile

lint: $(DEV) ## Formatting and lint rules
	$(BIN)/ruff format --check --quiet $(SOURCES)
	$(BIN)/ruff check --quiet $(SOURCES)

types: $(DEV) ## Static types, strict
	$(BIN)/mypy

layers: $(DEV) ## Which package may import which
	$(BIN)/lint-imports --no-cache

unit: $(DEV) ## Unit tests: no network
	$(BIN)/pytest -q tests/unit $(ON_TWO_CORES) $(ARGS)

contract: $(DEV) ## Contract tests: against the emulator and the simulator, over HTTP
	$(BIN)/pytest -q tests/contract $(ON_TWO_CORES) $(ARGS)

clients: $(DEV) ## Clients that others wrote hold a chat with the simulator: the AWS CLI, chatjs
	$(BIN)/pytest -q tests/clients $(ARGS)

e2e: $(DEV) ## End-to-end tests: workers as shipped, on the embedded emulator
	$(BIN)/pytest -q tests/e2e -m "not faults" $(ARGS)

# Three at a time: they wait for kills and outages far more than they work.
faults: $(DEV) ## Faults on real processes and sockets: kills, cut connections, outages, a small soak
	$(BIN)/pytest -q tests/e2e -m faults -n 3 --dist loadfile $(ARGS)

e2e-localstack: $(DEV) ## The same end-to-end tests on LocalStack (Python 3.11 only)
	$(BIN)/pytest -q tests/e2e -m "not faults" --backend localstack $(ARGS)

compose-test: $(DEV) ## The end-to-end tests against docker-compose.localstack.yml (needs Docker)
	$(BIN)/python -m infra.local.compose

# Needs buildah, podman, runc and mmdebstrap of Debian's, and root; .ci/run installs them.
infra-test: $(DEV) ## Terraform: plans of the real provider, beside the code and running workers
	$(BIN)/pytest -q tests/infra $(ARGS)

image-test: $(DEV) ## Build the image, run every role of it unprivileged and read-only, drain it
	$(BIN)/pytest -q tests/image $(ARGS)

storm: $(DEV) ## Twenty conversations, duplicates, reordering, and a worker killed every two seconds
	$(BIN)/python -m demo.storm $(ARGS)

crash-matrix: $(DEV) ## Kill a worker before, after and within every call of a conversation
	$(BIN)/python -m demo.matrix $(ARGS)

rolling-test: $(DEV) ## A rolling deploy from the release before (OLD=) and back, while people talk
	$(BIN)/python -m demo.rolling $(if $(OLD),--old $(OLD)) $(ARGS)

EVENTS ?= 100000

soak: $(DEV) ## EVENTS events through kills, outages and faults on every call
	$(BIN)/python -m demo.soak --events $(EVENTS) $(ARGS)

soak-profiles: $(DEV) ## EVENTS engagement events for PEOPLE people, and their profiles by a recount
	$(BIN)/python -m demo.mail_out --events $(EVENTS) --people $(or $(PEOPLE),5000) $(ARGS)

soak-calls: $(DEV) ## CALLS people of a call list through kills and lost events, and a recount
	$(BIN)/python -m demo.call_list --calls $(or $(CALLS),2000) $(ARGS)

INPUTS ?= 1000000
SEED ?= 1
fuzz: $(DEV) ## Hostile input for the decoder (INPUTS=, SEED=; one of them again with AT=)
	@$(BIN)/python -m tests.fuzz --inputs $(INPUTS) --seed $(SEED) $(if $(AT),--at $(AT))

bench: $(DEV) ## What the consumer costs, beside its peers (ARGS=--quick for two minutes)
	$(BIN)/python -m bench $(ARGS)

dst: $(APP) ## Simulate the whole fleet on virtual time (SEEDS=10000 for more, SEED=7 tells one)
	$(BIN)/python -m dst $(if $(findstring command,$(origin SEED)),--seed $(SEED),--seeds $(or $(SEEDS),60)) $(ARGS)

model: $(APP) ## Check the model of the session protocol
	$(BIN)/python model/run.py $(ARGS)

clean: ## Remove what make and the tools made, .venv and .local too
	rm -rf $(VENV) .local build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	rm -rf *.egg-info

COMPILE = cd requirements && ../$(1)/uv pip compile --quiet --generate-hashes --no-emit-index-url \
	--no-emit-find-links --python-version 3.11 --custom-compile-command 'make lock' $(UPGRADE)

lock: $(APP) ## Pin the requirements anew, with hashes (UPGRADE=--upgrade for newer versions)
	@$(BIN)/python -m infra.local.toolroom lock
	@$(call COMPILE,.local/lock/bin) --universal build.in -o build.txt
	@$(call COMPILE,.local/lock/bin) --universal ../pyproject.toml -o app.txt
	@$(call COMPILE,.local/lock/bin) --universal ../pyproject.toml dev.in -o dev.txt
	@$(call COMPILE,.local/lock/bin) --universal emulator.in -o emulator.txt
	@$(call COMPILE,.local/lock/bin) --universal awscli.in -o awscli.txt
	@$(call COMPILE,.local/lock/bin) --universal checkov.in -o checkov.txt
	@$(call COMPILE,.local/lock/bin) --universal hadolint.in -o hadolint.txt
	@$(call COMPILE,.local/lock/bin) --universal lock.in -o lock.txt
	@$(call COMPILE,.local/lock/bin) --universal peer-dramatiq.in -o peer-dramatiq.txt
	@$(call COMPILE,.local/lock/bin) --universal peer-sqs-workers.in -o peer-sqs-workers.txt
	@$(call COMPILE,.local/lock/bin) --universal peer-taskiq.in -o peer-taskiq.txt
	@$(call COMPILE,.local/lock/bin) --exclude-newer 2026-02-28 localstack.in -o localstack.txt
