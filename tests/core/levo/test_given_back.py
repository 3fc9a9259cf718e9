"""Memory comes back when a stage ends, and when it is broken off: to the system, not only to the process."""

import ctypes
import gc
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import torch

from core.device import return_memory
from core.engine import Engine, Verdict
from core.errors import Cancelled
from core.family import family_of, make_engine, resolve_for
from core.settings import Override
from tests.core.levo.test_engine import SONG, Recording

trims = pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="this C library keeps no freed memory, or all of it"
)


def resident() -> int:
    return psutil.Process().memory_info().rss


@trims
def test_freed_memory_goes_back_to_the_system() -> None:
    """Blocks too small to be mapped, and one that stays behind them all: the library keeps the rest."""
    before = resident()
    blocks = [bytearray(20_000) for _ in range(5_000)]
    last = bytearray(20_000)
    full = resident() - before
    blocks.clear()
    gc.collect()
    return_memory()
    assert last
    assert resident() - before < full / 4


def test_there_may_be_nothing_that_returns_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    return_memory()
    monkeypatch.setattr("sys.platform", "darwin")
    monkeypatch.setattr(ctypes, "CDLL", lambda name: 1 / 0)
    return_memory()


@pytest.mark.parametrize("stage", ["tokens", "audio"])
def test_a_stage_that_is_broken_off_holds_no_model_while_its_error_is_dealt_with(
    toy: str, tmp_path: Path, stage: str
) -> None:
    engine, run = started(toy, tmp_path, 1.0)
    with torch.inference_mode():
        if stage == "audio":
            engine.run("tokens", SONG, run._values, run.saved, run)
        run.step = _breaks_at(2)  # type: ignore[method-assign, assignment]
        with pytest.raises(Cancelled) as broken:
            engine.run(stage, SONG, run._values, run.saved, run)
        assert broken.tb is not None
        assert run.resident() == set()


@trims
@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("stage", ["tokens", "audio"])
def test_a_paused_stage_of_the_demo_gives_back_what_it_took(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    """Measured the second time: libraries keep what they set up once."""
    monkeypatch.setenv("SONGDESK_CKPT", str(tmp_path_factory.mktemp("ckpt")))
    engine, run = started("demo", tmp_path, 10.0)
    with torch.inference_mode():
        if stage == "audio":
            engine.run("tokens", SONG, run._values, run.saved, run)
        for _ in range(2):
            before, loaded = resident(), [0]
            run.step = _breaks_at(6, loaded)  # type: ignore[method-assign, assignment]
            with pytest.raises(Cancelled):
                engine.run(stage, SONG, run._values, run.saved, run)
            run.sound.clear()
    assert loaded[0] - before > 10e6, "there was something to give back"
    assert resident() - before < (loaded[0] - before) / 3


def started(model: str, folder: Path, seconds: float) -> tuple[Engine, Recording]:
    """An engine whose first stage is done."""
    kind, chosen = family_of(model)
    values = resolve_for(kind, chosen, [Override({"seed": 1, "length": seconds, "flow_steps": 3})])
    engine, run = make_engine(kind, chosen), Recording(values, folder, model)
    with torch.inference_mode():
        engine.run("conditions", SONG, values, {}, run)
    return engine, run


def _breaks_at(step: int, loaded: list[int] | None = None) -> Callable[[int, int], Verdict]:
    def answer(done: int, total: int) -> Verdict:
        if loaded is not None:
            loaded[0] = max(loaded[0], resident())
        if done >= step:
            raise Cancelled
        return Verdict.GO

    return answer
