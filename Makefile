# Two commands on a bare machine: `make demo` and `make test`. Everything else is for those who change the code.

PYTHONS := python3 python3.13 python3.12 python3.11
FITS := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for p in $(PYTHONS); do $$p -c '$(FITS)' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
AUDIT := .cache/audit

# The fault suite has a target of its own: it is to be run more than once.
ARGS ?= -m "not faults"

# Most of the time is waiting, so two share two cores well. Each has a broker of its own; 0: no workers.
WORKERS ?= 2
DIST := loadfile

LOCK := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11

.PHONY: demo test faults check format lock bench

demo: $(READY)
	@$(BIN)/batch-events demo

# The tier is chosen, and said, before anything else: its choice needs Python alone. Then the ladder runs the suite.
test: python
	@$(PYTHON) -m tests.brokers $(MAKE) --silent --no-print-directory suite

.PHONY: suite
suite: $(READY)
	@$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist $(DIST) $(ARGS)

# Three times in a row: a fault that shows itself once in a while shows itself here.
ROUNDS ?= 3
faults: python
	@for round in $$(seq $(ROUNDS)); do $(PYTHON) -m tests.brokers $(MAKE) --silent --no-print-directory suite DIST=load ARGS="-m faults" || exit 1; done

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(READY)
	@$(BIN)/python -m tests.benchmarks $(BENCHMARKS)

lock: $(READY)
	$(LOCK) pyproject.toml --extra registry -o requirements.lock
	$(LOCK) pyproject.toml --extra registry --extra otel --group dev -o requirements-dev.lock
	$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' | \
		$(LOCK) - --group sbom -c requirements-dev.lock -o deploy/build.lock
	$(LOCK) --group audit -o deploy/audit.lock
	$(LOCK) --group sdk -o tests/sdk.lock

# What is installed from the lock with our wheel, in dist/; the image holds its own.
.PHONY: sbom
sbom: $(READY)
	@$(BIN)/python -m deploy.sbom

# Lays a release out in dist/, and says which commands give it away.
CHECKS ?= check test
.PHONY: release
release: $(READY)
	@$(BIN)/python -m deploy.release $(VERSION) $(if $(VERSION),$(CHECKS))

# Needs the public package index: what it cannot look up is no pass.
.PHONY: audit
audit: $(AUDIT)/.ready
	@$(AUDIT)/bin/python -m deploy.audit

$(AUDIT)/.ready: deploy/audit.lock | python
	@$(PYTHON) -m venv --clear $(AUDIT)
	@$(AUDIT)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

.PHONY: python
python:
	@test -n "$(PYTHON)" || { echo "needs Python 3.11, 3.12 or 3.13 on the PATH" >&2; exit 2; }

$(READY): requirements-dev.lock tests/sdk.lock pyproject.toml | python
	@echo "setting up $(VENV) from requirements-dev.lock" >&2
	@$(PYTHON) -m venv --clear $(VENV) >&2 || { echo "this Python cannot make a venv: install its venv module (Debian: python3-venv)" >&2; exit 2; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --require-hashes \
		--target $(VENV)/qcloud-cmq-sdk-py3 -r tests/sdk.lock >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . >&2
	@touch $@
