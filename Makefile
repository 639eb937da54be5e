# Targets use a virtual environment of their own, .venv, with the versions in constraints.txt.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
INSTALLED := .venv/.installed
TOOLS := .venv/.tools
PIP = $(BIN)/python -m pip install --quiet --constraint constraints.txt

.DEFAULT_GOAL := help
.PHONY: help install quickstart ls test train check sweep ablation compare report faults bench studies lint format hooks constraints clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(INSTALLED) ## create .venv and install the project into it

# Few modules are ever imported; those are compiled then.
$(INSTALLED): setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(PIP) --no-compile --editable .
	@touch $@

$(TOOLS): $(INSTALLED)
	$(PIP) --editable '.[dev]'
	@touch $@

quickstart: $(INSTALLED) ## train on embedded digits (half a minute) and print where the report is
	$(BIN)/cifar-lab train experiments=digits

ls: $(INSTALLED) ## list the runs; ARGS='model=resnet18 --sort val_accuracy'
	@$(BIN)/cifar-lab ls $(ARGS)

# Threads that wait for one another sleep, so that those of the other workers get on.
test: $(TOOLS) ## run the tests, offline, in a few minutes; SLOW=1 adds the slow ones
	OMP_WAIT_POLICY=passive $(BIN)/pytest -n auto --dist worksteal $(if $(SLOW),,-m 'not slow')

train: $(INSTALLED) ## train; ARGS='experiments=digits seed=1'
	$(BIN)/cifar-lab train $(ARGS)

check: $(INSTALLED) ## check whether a run or a sweep would work; ARGS=…
	$(BIN)/cifar-lab check $(ARGS)

sweep: $(INSTALLED) ## run a sweep; ARGS="experiments=digits optimizer=sgd,adam 'seed=range(3)'"
	$(BIN)/cifar-lab train -m $(ARGS)

ablation: $(INSTALLED) ## run an ablation; ARGS='augmentation experiments=digits'
	$(BIN)/cifar-lab ablate $(ARGS)

compare: $(INSTALLED) ## compare runs, sweeps and globs; RUNS='latest outputs/digits/*/*'
	$(BIN)/cifar-lab compare $(RUNS)

report: $(INSTALLED) ## redraw the report of a run; RUN=latest
	$(BIN)/cifar-lab report $(or $(RUN),latest)

faults: $(TOOLS) ## kill, fill disks, flip bits, set every key to nonsense (half an hour)
	$(BIN)/python -m tests.faults
	$(BIN)/python -m tests.faults.table

lint: $(TOOLS) ## check style, formatting and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(TOOLS) ## compare with the peers (an hour); BENCH_ROOT=/data/cifar10 BENCH_PEERS=~/clones
	$(PIP) --editable '.[dev,bench]'
	$(BIN)/python -m benchmarks $(if $(BENCH_ROOT),--root $(BENCH_ROOT))
	$(BIN)/python -m benchmarks.table

# If one study fails, the others are still trained and recorded.
studies: $(INSTALLED) ## train and record the five published studies; STUDIES_ROOT=/data/cifar10
	$(PIP) --editable '.[lightning]'
	@failed=; for study in $$($(BIN)/python -m cifar_lab.results.studies experiments); do \
	  { $(BIN)/cifar-lab train experiments=$$study \
	      $(if $(STUDIES_ROOT),dataset.root=$(STUDIES_ROOT)) $(STUDIES_OVERRIDES) \
	    && $(BIN)/cifar-lab record latest; } || failed="$$failed $$study"; \
	done; \
	test -z "$$failed" || { echo "not recorded:$$failed" >&2; exit 1; }

format: $(TOOLS) ## fix style and format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

hooks: $(TOOLS) ## check style, formatting and types before every commit from now on
	$(BIN)/pre-commit install

constraints: $(TOOLS) ## write the installed versions to constraints.txt
	@(echo '# Versions that were tested together; written by `make constraints`.'; \
	  $(BIN)/python -m pip freeze --exclude-editable | grep -v '^-e' \
	  | sed 's/$$/ ; python_version >= "3.11"/') > constraints.new
	@mv constraints.new constraints.txt

clean: ## remove .venv, build products and tool caches, but no runs
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
