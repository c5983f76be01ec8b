# The two commands of the README, and what its maintainers type.
SHELL := /bin/bash
ACTIVATE := . .venv/bin/activate
# Caches of Snakemake, matplotlib and numba stay inside the clone.
export XDG_CACHE_HOME := $(CURDIR)/.cache
export MPLCONFIGDIR := $(CURDIR)/.cache/matplotlib
# Images of containers like to forbid that compiled modules are kept; each of a study's processes would compile the libraries anew.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: reproduce render test test-cluster test-releases setup form lock clean

reproduce: setup  ## the whole default study, from raw DICOM to the manuscript
	$(ACTIVATE) && snakemake --cores all

render: setup  ## render the manuscript again from existing tables, figures and values
	$(ACTIVATE) && python -m analysis render

test:  ## form, then the whole test suite
	@envs/setup.sh test
	$(ACTIVATE) && pytest

test-cluster:  ## the study on a Slurm of two nodes on this machine (Debian's slurm-wlm and munge, as root), some ten minutes
	@envs/setup.sh test
	$(ACTIVATE) && pytest -n0 -o faulthandler_timeout=7200 tests/cluster/trial.py

test-releases:  ## made-up releases of OAI and MOST in every form to the manuscript, for both gradings, some ten minutes
	@envs/setup.sh test
	$(ACTIVATE) && pytest -n0 -o faulthandler_timeout=3000 tests/archive/sources/trial.py

setup:  ## .venv, R, pROC and Quarto, where they are missing
	@envs/setup.sh

form: setup  ## put the code into its form
	$(ACTIVATE) && ruff check --fix . && ruff format . && snakefmt Snakefile workflow

lock:  ## resolve envs/requirements.in into the lock again
	$(ACTIVATE) && pip install --quiet --upgrade -r envs/requirements.in \
	  && { echo "# Made by 'make lock' from requirements.in; every version that the study runs with."; \
	       pip freeze | sed 's/+cpu$$//' | grep -vE '^(pip|quarto.cli)=='; } > envs/requirements.lock

clean:  ## all results, nothing else
	find results -mindepth 1 -maxdepth 1 ! -name README.md -exec rm -rf {} +
