# Everything that is done with this project, by name. `make` alone lists it.

SHELL := /bin/sh
.DEFAULT_GOAL := help

PYTHON ?= python3
PORT ?= 8080
LOAD_TEACHERS ?= 200
LOAD_SECONDS ?= 180
# A tenth of the nation: the whole takes a quarter of an hour.
IMPORT_STUDENTS ?= 130000
VENV := .venv
BIN := $(VENV)/bin
IMPORT_ROOTS := PYTHONPATH=functions:.

FUNCTIONS := login verify sections reset worker sweeper mirror auditor operate importer
RUN_LOCK := infra/local/requirements.txt
TEST_LOCK := tests/requirements.txt
POLICY_LOCK := tests/infra/requirements.txt
CODE := functions infra tests
# Two files of tests at a time: much of each is waiting for processes.
AT_ONCE := --numprocesses 2 --dist loadfile

.PHONY: help run test test-long check fault bench bench-compare simulate pictures guide stage lock clean python

help:  ## List what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/run.stamp  ## Run the whole service here; PORT=9000 moves it, FRESH=1 begins anew
	@exec env $(IMPORT_ROOTS) $(BIN)/python -m infra.local --port $(PORT) $(if $(filter 1,$(FRESH)),--fresh)

test: check $(VENV)/policy.stamp  ## Check the code, then run all tests
	$(IMPORT_ROOTS) $(BIN)/python -m pytest $(AT_ONCE) $(ARGS)

test-long: $(VENV)/test.stamp $(VENV)/policy.stamp  ## Run the tests with many more generated examples, and all pairs of faults
	$(IMPORT_ROOTS) HYPOTHESIS_PROFILE=long $(BIN)/python -m pytest $(AT_ONCE) $(ARGS)

check: $(VENV)/test.stamp  ## Style, types and the rules of imports
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(IMPORT_ROOTS) $(BIN)/mypy --strict $(CODE)
	$(IMPORT_ROOTS) $(BIN)/lint-imports

fault: $(VENV)/test.stamp  ## Replay schedules of faults that failed: SEED=storm-17
	@$(IMPORT_ROOTS) $(BIN)/python -m tests.faults $(or $(SEED),$(error SEED names a schedule: make fault SEED=storm-17))

bench: $(VENV)/test.stamp  ## Print figures as ratios of one run, and keep them; LOAD_TEACHERS=200 LOAD_SECONDS=180 IMPORT_STUDENTS=130000
	$(IMPORT_ROOTS) $(BIN)/python -m tests.bench --teachers $(LOAD_TEACHERS) --seconds $(LOAD_SECONDS) \
		--import-students $(IMPORT_STUDENTS)

bench-compare: $(VENV)/test.stamp  ## Lay two runs side by side, the last two unless A=.local/bench/….json B=.local/bench/….json
	@$(IMPORT_ROOTS) $(BIN)/python -m tests.bench.compare $(A) $(B)

pictures: $(VENV)/test.stamp  ## Write pictures of every page in every state, and of the slips, to .local/pictures/; PAGE=students takes some
	$(IMPORT_ROOTS) $(BIN)/python -m tests.browser.pictures $(PAGE)

guide: $(VENV)/test.stamp  ## Take the pictures of the teachers' guide anew, walking its steps, and make its PDF
	$(IMPORT_ROOTS) $(BIN)/python -m tests.browser.guide

simulate: $(VENV)/test.stamp  ## A nation's first day of classes in virtual time, with a picture; fails when a goal is missed; DAYS=10 for a fortnight, SEED=another
	$(IMPORT_ROOTS) $(BIN)/python -m tests.bench.simulate --days $(or $(DAYS),1) $(if $(SEED),--seed '$(SEED)')

stage: $(VENV)/run.stamp  ## Build one self-contained folder a function, in build/
	$(IMPORT_ROOTS) $(BIN)/python functions/stage.py --output build

lock: $(VENV)/test.stamp  ## Remake every lock from pyproject.toml; UPGRADE=1 takes newer versions
	$(LOCK) pyproject.toml --all-extras --output-file $(TEST_LOCK) $(if $(UPGRADE),--upgrade)
	$(LOCK) --group pyproject.toml:policy --output-file $(POLICY_LOCK) $(if $(UPGRADE),--upgrade)
	$(LOCK_LIKE_TESTS) $(foreach name,$(FUNCTIONS) local,--extra $(name)) --output-file $(RUN_LOCK)
	for name in $(FUNCTIONS); do \
		$(LOCK_LIKE_TESTS) --extra $$name --output-file functions/$$name/requirements.txt || exit 1; \
	done

clean:  ## Remove what a run, a build or a test has left behind
	rm -rf build .local .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find $(CODE) -name __pycache__ -type d -prune -exec rm -rf {} +

# Locks are the same on every machine: for every platform, without an address of any index.
# All of them are made inside the versions of the largest one.
LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate \
	--custom-compile-command "make lock"
LOCK_LIKE_TESTS = $(LOCK) pyproject.toml --constraint $(TEST_LOCK) --upgrade

# A stamp a lock: the environment is installed once, and again whenever its lock changes.
$(VENV)/run.stamp: $(RUN_LOCK)
	@$(MAKE) --no-print-directory python
	$(BIN)/pip install -qq --disable-pip-version-check --require-hashes -r $(RUN_LOCK)
	@touch $@

$(VENV)/test.stamp: $(TEST_LOCK)
	@$(MAKE) --no-print-directory python
	$(BIN)/pip install -qq --disable-pip-version-check --require-hashes -r $(TEST_LOCK)
	@touch $@

# What reads Terraform for known mistakes ties a hundred packages to versions of its own.
$(VENV)/policy.stamp: $(POLICY_LOCK) | $(VENV)/test.stamp
	$(BIN)/python -m venv $(VENV)/policy
	$(VENV)/policy/bin/pip install -qq --disable-pip-version-check --require-hashes -r $(POLICY_LOCK)
	@touch $@

python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Python 3.11 or newer is needed ($(PYTHON) is $$($(PYTHON) --version 2>&1)); name one with PYTHON=..." >&2; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
