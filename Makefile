# make studio: set up and open the studio · make test: set up and run every check · make setup: the set-up alone.
# make test-system: install what the walk through tmux, sshd and PulseAudio needs (Debian, as root), and walk.

PYTHON ?= python3
SONG ?=

# An active environment that already has torch (a ROCm or CUDA build, say) is used as it is; otherwise .venv is made.
ACTIVE := $(if $(VIRTUAL_ENV)$(CONDA_PREFIX),$(shell $(PYTHON) -c 'import importlib.util as u, sys; print(sys.prefix if u.find_spec("torch") else "")'))
VENV := $(or $(ACTIVE),.venv)
BIN := $(VENV)/bin
STAMP := $(VENV)/.songdesk-setup

TORCH ?= torch==2.11.0 torchaudio==2.11.0
# TORCH_INDEX: a package index to take torch from, such as https://download.pytorch.org/whl/cpu

.PHONY: setup studio test test-system system-packages lint lock screenshot clean

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
	@if [ -t 0 ] && [ -t 2 ]; then exec $(BIN)/songdesk studio $(SONG); \
	else exec $(BIN)/songdesk studio $(or $(SONG),sample/harbor-light.jsonl); fi

# Tests run side by side in so many processes, each with one thread; one more than there are cores, as many only wait.
JOBS ?= $(shell expr $$(nproc 2>/dev/null || echo 2) + 1)

test: lint
	$(BIN)/python -m pytest -n $(JOBS) --dist=worksteal

# What `make test` skips where it is missing, this target installs and insists on.
test-system: setup system-packages
	SONGDESK_SYSTEM=1 $(BIN)/python -m pytest tests/walk

system-packages:
	@scripts/system-packages.sh

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
