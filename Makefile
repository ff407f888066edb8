# Each target makes .venv by itself where it is absent or its dependencies have changed.
PYTHON ?= python3
BIN := .venv/bin
# JupyterLab starts kernels in notebooks/; what they train and note goes where `make workbook` has it.
PLACES = HSIKIT_RUNS="$(CURDIR)/build/quick/runs" HSIKIT_LEDGER="$(CURDIR)/build/quick/tables/runs.jsonl"

.PHONY: workbook test browser lab paper bench lint
.DELETE_ON_ERROR:

workbook: .venv/.installed  ## execute the notebooks on embedded data; everything lands in build/quick
	env -u HSIKIT_DATA $(BIN)/hsikit workbook --profile quick

test: .venv/.installed  ## all tests with coverage, the notebooks and the browser included
	$(BIN)/python -m pytest --cov=hsikit --cov-report=term

browser: .venv/.installed  ## the explorers in a real JupyterLab; needs Debian's package chromium
	$(BIN)/python -m pytest tests/browser

lab: .venv/.installed  ## open JupyterLab on the first notebook
	$(PLACES) $(BIN)/jupyter lab notebooks/00_start_here.ipynb

paper: .venv/.installed  ## the papers' scenes (HSIKIT_DATA names their folder), many seeds: hours
	$(BIN)/hsikit workbook --profile paper
	$(BIN)/hsikit table --commit

bench: .venv/.installed  ## how fast, as ratios on this machine: figures/tables/speed.csv (10 minutes at most)
	$(BIN)/hsikit bench
	$(BIN)/python -m pytest -q tests/bench/bench_speed.py --benchmark-columns=median,iqr,ops,rounds
	$(BIN)/python -m pytest tests/bench/bench_explorers.py --benchmark-columns=median,iqr,rounds

lint: .venv/.installed  ## style, types, clean notebooks, README commands that exist
	$(BIN)/ruff check hsikit tests
	$(BIN)/ruff format --check hsikit tests
	$(BIN)/mypy hsikit
	$(BIN)/python -m pytest -q tests/notebooks/test_notebooks_clean.py tests/test_setup.py

# torch and torchvision in the same command as the rest: apart, a dependency may swap torch for another build.
.venv/.installed: pyproject.toml constraints.txt
	$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet -c constraints.txt torch torchvision -e '.[workbook,clouds,test,vector,cluster,bench]'
	touch $@
