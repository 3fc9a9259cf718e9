"""What tests share: a folder for weights, and a model small enough to run in a blink."""

import gc
import json
import os
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import psutil
import pytest
from hypothesis import settings

from core.environment import prepare
from core.registry import variants
from tests.toy import toys

os.environ.setdefault("OMP_NUM_THREADS", "1")
prepare()
# How long an example takes says more of what else the machine does than of us.
settings.register_profile("songdesk", deadline=None)
settings.load_profile("songdesk")


def pytest_collection_finish() -> None:
    """Spare the collector all modules and tests."""
    _settle()


def _settle() -> None:
    """Let the collector pass by what is in memory now and stays to the end: engines call it every stage."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _home_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the settings, songs and log of whoever runs the tests out of them, and the tests out of those."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for kind in ("CONFIG", "STATE", "DATA", "CACHE"):
            patch.setenv(f"XDG_{kind}_HOME", str(home / kind.lower()))
        patch.delenv("SONGDESK_CKPT", raising=False)
        patch.setenv("SONGDESK_LIBRARY", str(home / "songs"))
        yield


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """Compute with one thread: tests run side by side, and threads that wait for others are slow."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(psutil, "cpu_count", lambda logical=True: 1)
        yield


@pytest.fixture(scope="session")
def toy_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the toy model's weights are made once."""
    import_module("core.levo.engine")
    _settle()
    return tmp_path_factory.mktemp("ckpt")


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch, toy_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a LeVo model of a few thousand weights that goes the whole way, in child processes too."""
    home = tmp_path_factory.mktemp("home")
    (home / "config" / "songdesk").mkdir(parents=True)
    (home / "config" / "songdesk" / "models.yaml").write_text(json.dumps(toys()))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))
    monkeypatch.setenv("SONGDESK_LIBRARY", str(home / "songs"))
    monkeypatch.setenv("SONGDESK_CKPT", str(toy_weights))
    variants.cache_clear()
    return "toy"


@pytest.fixture
def windowed(toy: str) -> str:
    """The name of one like it whose flow hears 2.4 s at a time, so that a short song has several windows."""
    return "windowed"


@pytest.fixture(autouse=True)
def _known_models() -> Iterator[None]:
    """Read the model registry afresh after each test that may have changed it."""
    yield
    variants.cache_clear()
