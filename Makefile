# Each target makes .venv by itself where it is absent or its dependencies have changed.
PYTHON ?= python3
BIN := .venv/bin
# JupyterLab starts kernels in notebooks/; what they train and note goes where `make workbook` has it.
PLACES = HSIKIT_RUNS="$(CURDIR)/build/quick/runs" HSIKIT_LEDGER="$(CURDIR)/build/quick/tables/runs.jsonl"

# What `make paper` fetches (a folder named by HSIKIT_DATA is looked into first) and runs; the ledger's rows are kept.
SCENES = trento muufl pavia_university salinas
STUDIES = baselines_indian_pines baselines_indian_pines_w15 baselines_simulated hybridsn_w25_indian_pines \
	sdhsi_fields sdhsi_indian_pines sdhsi_ce_indian_pines sdhsi_paper_indian_pines sdhsi_ce_paper_indian_pines \
	sdhsi_partitions sdhsi_partitions_seeds sdhsi_few_labels sdhsi_one_percent sdhsi_parity sdhsi_wrong_labels_fields \
	indian_pines_cubes_fields indian_pines_cubes_random indian_pines_cubes_ssrn sdhsi_pavia_university sdhsi_salinas \
	windows_indian_pines \
	mmlgnet_simulated mmlgnet_trento mmlgnet_muufl

JOBS ?= 1  # runs at a time: several on one card where they fit

.PHONY: workbook help test browser lab paper rehearsal bench drill lint net
.DELETE_ON_ERROR:

workbook: .venv/.installed  ## execute the notebooks on embedded data; everything lands in build/quick
	env -u HSIKIT_DATA $(BIN)/hsikit workbook --profile quick

help:  ## what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

test: .venv/.installed  ## all tests in two processes side by side, the notebooks and the browser included; seconds by part
	$(BIN)/python tests/suite.py

browser: .venv/.installed  ## the explorers in a real JupyterLab; needs Debian's package chromium
	$(BIN)/python -m pytest tests/browser

lab: .venv/.installed  ## open JupyterLab on the first notebook
	$(PLACES) $(BIN)/jupyter lab notebooks/00_start_here.ipynb

paper: .venv/.installed  ## from download to tables: the papers' scenes, many seeds; hours on a GPU machine
	$(BIN)/hsikit cost $(STUDIES)
	set -e; for scene in $(SCENES); do $(BIN)/hsikit fetch $$scene; done
	set -e; for study in $(STUDIES); do $(BIN)/hsikit sweep $$study --jobs $(JOBS); done
	$(BIN)/hsikit workbook --profile paper
	$(BIN)/hsikit table --commit

rehearsal: .venv/.installed  ## make paper with stand-ins of its scenes, one short run a cell, in build/rehearsal; an hour at most
	$(BIN)/python tests/rehearsal/rehearse.py

bench: .venv/.installed  ## how fast, as ratios on this machine: figures/tables/speed.csv (10 minutes at most)
	$(BIN)/hsikit bench
	$(BIN)/python -m pytest -q tests/bench/bench_speed.py --benchmark-columns=median,iqr,ops,rounds
	$(BIN)/python -m pytest tests/bench/bench_explorers.py --benchmark-columns=median,iqr,rounds

net: .venv/.installed  ## cheap runs before and after a change, compared field by field: make net BASE=commit
	$(BIN)/python tests/frozen/net.py $(BASE)

drill: .venv/.installed  ## faults by the thousand from one seed: spoilt files, kills, full disks, hostile models; 15 minutes
	$(BIN)/python tests/faults/drill.py

lint: .venv/.installed  ## style, types, the fence, the size of the house, clean notebooks, commands that exist
	$(BIN)/ruff check hsikit tests
	$(BIN)/ruff format --check hsikit tests
	$(BIN)/mypy hsikit
	$(BIN)/lint-imports --no-logo --no-cache
	$(BIN)/python tests/house.py
	$(BIN)/python -m pytest -q tests/notebooks/test_notebooks_clean.py tests/test_setup.py

# torch and torchvision in the same command as the rest: apart, a dependency may swap torch for another build.
# pip compiles modules on one core, compileall on all; some packages carry files that are no Python 3.
.venv/.installed: pyproject.toml constraints.txt
	$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --no-compile -c constraints.txt torch torchvision -e '.[workbook,test,vector,cluster,xarray,bench]'
	$(BIN)/python -m compileall -qq -j 0 .venv/lib || true
	touch $@
