# make studio: set up and open the studio · make test: set up and run every check · make setup: the set-up alone.

PYTHON ?= python3
SONG ?= sample/paper-boats.jsonl

# An active environment that already has torch (a ROCm or CUDA build, say) is used as it is; otherwise .venv is made.
ACTIVE := $(if $(VIRTUAL_ENV)$(CONDA_PREFIX),$(shell $(PYTHON) -c 'import importlib.util as u, sys; print(sys.prefix if u.find_spec("torch") else "")'))
VENV := $(or $(ACTIVE),.venv)
BIN := $(VENV)/bin
STAMP := $(VENV)/.songdesk-setup

TORCH ?= torch==2.11.0 torchaudio==2.11.0
# TORCH_INDEX: a package index to take torch from, such as https://download.pytorch.org/whl/cpu

.PHONY: setup studio test lint lock screenshot clean

setup: $(STAMP)

# pip works from outside: a Python without ensurepip, as Debian ships it, can then make the environment too.
PIP := $(PYTHON) -m pip --python $(BIN)/python --disable-pip-version-check install --quiet

$(STAMP): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "songdesk needs Python 3.11 or newer; point PYTHON at one: make PYTHON=python3.12 setup")'
	@test -x $(BIN)/python || $(PYTHON) -m venv --without-pip $(VENV)
	@$(BIN)/python -c 'import torch' 2>/dev/null || { \
	  echo "installing $(TORCH) $(if $(TORCH_INDEX),from $(TORCH_INDEX))"; \
	  $(PIP) $(TORCH) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)); }
	$(PIP) -r requirements.lock
	$(PIP) --no-deps --editable .
	@touch $(STAMP)

studio: setup
	@$(BIN)/songdesk studio $(SONG)

test: lint
	$(BIN)/python -m pytest

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	PYTHONPATH=. $(BIN)/lint-imports --no-cache

# The lock holds everything but torch and what torch brings, which depend on the machine. Needs uv.
lock:
	uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate --group dev pyproject.toml \
	  | grep -vE '^(torch|torchaudio|triton|cuda-|nvidia-)' > requirements.lock

# The picture in the README, drawn by the studio itself while it makes the sample song.
screenshot: setup
	$(BIN)/python -m tui.screenshot sample/studio.svg

clean:
	rm -rf .venv build dist
