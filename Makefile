# Two commands matter: `make lab` opens the series, `make test` checks all of it. `make help` lists the rest.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/.ready
LAB := --ip=127.0.0.1 --ServerApp.root_dir='$(CURDIR)' \
       --LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb \
       --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate \
       --LabApp.news_url=None $(if $(filter 0,$(shell id -u)),--allow-root)

export PYTHONHASHSEED := 0

.DEFAULT_GOAL := help
.PHONY: help lab test lint run notebooks bench pins environment clean

help:  ## list the commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

lab: environment  ## open JupyterLab on the first notebook
	$(PY) -m jupyter lab $(LAB)

test: lint  ## lint, unit tests, doctests, and every stored notebook re-run and compared
	TQDM_DISABLE=1 $(PY) -m pytest --cov=helpers --cov-config=pyproject.toml --cov-fail-under=90 \
	    --nbval --nbval-current-env --nbval-cell-timeout=900

lint: environment  ## ruff, over the code and the notebooks
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

run: environment  ## run every notebook in order; executed copies and sounds go to outputs/
	$(PY) notebooks/execute.py

notebooks: environment  ## run every notebook and store its outputs in place
	$(PY) notebooks/execute.py --store

bench: environment  ## measure everything that is promised (QUICK=1: one short training, to try it)
	$(PY) -m benchmarks $(if $(QUICK),--quick)

pins: environment  ## resolve requirements.txt anew from pyproject.toml
	$(PY) -m pip install --quiet uv
	echo '# Exact versions for every platform, made from pyproject.toml by `make pins` (uv). Do not edit.' > requirements.new
	$(PY) -m uv pip compile --quiet --upgrade --universal --fork-strategy fewest --python-version 3.11 \
	    --no-annotate --no-header --group dev pyproject.toml >> requirements.new
	mv requirements.new requirements.txt

clean:  ## delete what the notebooks and benchmarks wrote (outputs/)
	rm -rf outputs

# An environment that was half made, moved or made for other pins is made anew, never half used.
environment:
	@if [ -e $(VENV) ] && ! { [ -e $(READY) ] && [ -z "$$(find requirements.txt pyproject.toml -newer $(READY))" ] \
	    && (cd notebooks && ../$(PY) -c "import helpers, numpy, soundfile, jupyterlab") 2>/dev/null; }; then \
	    echo "The environment in $(VENV) is incomplete or out of date: making it anew."; rm -rf $(VENV); fi
	@if [ ! -e $(VENV) ]; then $(MAKE) --no-print-directory $(READY); fi

$(READY):
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if (3, 11) <= v < (3, 14) else \
	    "This project needs Python 3.11, 3.12 or 3.13; %s is Python %d.%d. Name another one: make PYTHON=python3.12 ..." \
	    % (sys.executable, v[0], v[1]))'
	@echo "Making the environment in $(VENV) (once; one to five minutes)"
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	    echo "No virtual environment could be made. On Debian or Ubuntu: apt-get install python3-venv"; exit 1; }
	$(PY) -m pip install --disable-pip-version-check -r requirements.txt
	$(PY) -m pip install --disable-pip-version-check --no-deps -e .
	@mkdir -p $(VENV)/share/jupyter/lab/settings  # JupyterLab shall not ask about news from the network
	@echo '{"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": false}}' \
	    > $(VENV)/share/jupyter/lab/settings/overrides.json
	@touch $@
