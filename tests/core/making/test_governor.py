"""Which way is taken by what is free, what a stage takes beside its plan, and which errors are a shortage."""

import errno
import sys
from types import ModuleType, SimpleNamespace

import pytest
import torch

from core.engine import Rung, StagePlan
from core.errors import Cancelled, Paused, SongdeskError
from core.making import overhead
from core.making.governor import Choice, Room, choose
from core.making.history import recall, remember
from core.making.overhead import UNMEASURED, Gauge, overhead_of
from core.making.shortage import is_shortage
from core.paths import history_file
from core.settings import Value

GIB = 1 << 30


def rung(name: str, size: float, *, device: str = "", **settings: Value) -> Rung:
    return Rung(StagePlan("tokens", 1, int(size * GIB), 0, 0), settings, name, "", device)


LADDER = (rung("full", 9), rung("lean", 5), rung("odd", 6), rung("short", 2, length=60.0))


@pytest.fixture(autouse=True)
def _nothing_remembered(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def taken(free: float | None, *below: Rung, at_least: float = 0.0, before: tuple[Rung, ...] = ()) -> Choice:
    room = Room(None if free is None else int(free * GIB), GIB)
    return choose(LADDER, lambda one: room, title="composing", below=below, at_least=at_least, before=before)


@pytest.mark.parametrize(
    ("free", "name"), [(None, "full"), (10, "full"), (9.9, "lean"), (6, "lean"), (5.9, "short"), (3, "short")]
)
def test_the_first_way_that_fits_with_what_comes_beside_is_taken(free: float | None, name: str) -> None:
    assert taken(free).rung.name == name


def test_where_free_memory_is_unknown_no_way_takes_more_than_there_is() -> None:
    def taken(total: float) -> Choice:
        return choose(LADDER, lambda one: Room(None, GIB, total=int(total * GIB)), title="composing")

    assert taken(11).note("composing") == ("free memory is unknown, 11.0 GiB in all: composing with full")
    assert taken(10.4).rung.name == "lean", "a twentieth is never ours"
    with pytest.raises(SongdeskError, match=r"needs 3\.0 GiB at the least, and 2\.0 GiB are all there is"):
        taken(2)


def test_where_none_fits_the_numbers_are_told_with_what_to_do() -> None:
    with pytest.raises(SongdeskError) as refused:
        taken(2.9)
    assert str(refused.value).startswith(
        "not enough memory for this song: composing needs 3.0 GiB at the least, and 2.9 GiB are free → close"
    )


def test_after_a_shortage_only_what_needs_less_is_tried() -> None:
    assert taken(50, LADDER[0]).rung.name == "lean"
    assert taken(50, LADDER[0], LADDER[1]).rung.name == "short"
    assert taken(None, LADDER[2]).rung.name == "lean"
    with pytest.raises(SongdeskError, match=r"needs 6\.0 GiB at the least, and it ran out where 50\.0 GiB"):
        taken(50, LADDER[0], LADDER[1], at_least=61.0)


def test_a_shortage_on_one_device_says_nothing_of_the_other() -> None:
    away = rung("on the processor", 9, device="cpu")
    rooms = {"": Room(50 * GIB), "cpu": Room(20 * GIB)}
    ladder = (LADDER[0], away)
    found = choose(ladder, lambda one: rooms[one.device], title="reading", below=LADDER[:1])
    assert found.rung is away


def test_what_needs_nothing_fits_everywhere_and_is_not_talked_of() -> None:
    idle = (rung("texts", 0), rung("texts elsewhere", 0))
    for free in (1, None):
        found = choose(idle, lambda one, free=free: Room(free, GIB), title="reading")  # type: ignore[misc]
        assert (found.rung, found.way, found.note("reading")) == (idle[0], "", "")


def test_the_way_of_before_comes_first_and_as_long_as_it_was() -> None:
    past = (rung("as it was", 4, length=30.0),)
    found = taken(50, before=past, at_least=40.0)
    assert (found.rung, found.as_before, found.note("composing")) == (past[0], True, "")
    assert taken(4.5, before=past).rung.name == "short"


def test_first_a_default_comes_beside_the_plan_then_the_most_that_was_measured() -> None:
    assert overhead_of("m", "cuda", "GPU", "tokens", 8 * GIB) == UNMEASURED["cuda"]
    assert overhead_of("m", "cpu", "CPU", "tokens", 8 * GIB) == UNMEASURED["cpu"]
    for size in (900, 100, 300, 200, 400, 100):
        remember({"overhead m GPU tokens": size})
    assert overhead_of("m", "cuda", "GPU", "tokens", 8 * GIB) == 400, "the last five count"
    remember({"overhead m GPU tokens": 40.0 * GIB})
    assert overhead_of("m", "cuda", "GPU", "tokens", 8 * GIB) == UNMEASURED["cuda"] + 2 * GIB


def test_a_damaged_history_is_none(tmp_path: object) -> None:
    remember({"a": 1.0})
    history_file().write_text('{"a": [1, "x", NaN, -3], "b": 3}')
    assert recall("a") == ()
    history_file().write_text('{"a": [1, "x", NaN, -3, 2]}')
    assert recall("a") == (1.0, 2.0)
    remember({"a": 5.0})
    assert recall("a") == (1.0, 2.0, 5.0)


def test_the_processor_is_measured_while_it_works(monkeypatch: pytest.MonkeyPatch) -> None:
    readings = iter([100, 300, 900, 400])
    last = 400

    def own(device: str) -> int:
        return next(readings, last)

    monkeypatch.setattr(overhead, "own_memory", own)
    monkeypatch.setattr(overhead, "_EVERY", 0.001)
    gauge = Gauge("cpu")
    with gauge:
        while gauge.peak < 800:
            pass
    assert gauge.peak == 800
    gauge.keep("m", "CPU", "audio", planned=500)
    assert recall("overhead m CPU audio") == (300.0,)
    gauge.keep("m", "CPU", "audio", planned=1600)
    assert recall("overhead m CPU audio") == (300.0, 0.0)
    for planned in (1601, 5000, 0):
        gauge.keep("m", "CPU", "audio", planned=planned)
    assert recall("overhead m CPU audio") == (300.0, 0.0), "less was done than planned, or nothing was"


def test_real_memory_of_the_processor_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overhead, "_EVERY", 0.001)
    with Gauge("cpu") as gauge:
        ballast = torch.ones(64 << 20, dtype=torch.uint8)
        while gauge.peak < 60 << 20:
            pass
    assert len(ballast) == 64 << 20
    assert gauge.peak < 640 << 20


def test_an_accelerator_is_measured_by_its_allocator_and_by_its_driver(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = {"reserved": [50], "free": [900]}
    fake = ModuleType("torch")
    fake.cuda = SimpleNamespace(  # type: ignore[attr-defined]
        is_initialized=lambda: True,
        reset_peak_memory_stats=lambda: None,
        memory_reserved=lambda: now["reserved"][0],
        max_memory_reserved=lambda: 450,
        mem_get_info=lambda: (now["free"][0], 1000),
    )
    monkeypatch.setitem(sys.modules, "torch", fake)
    with Gauge("cuda") as gauge:
        now["free"][0] = 880
    assert gauge.peak == 450 - 50 + 20


def test_what_another_program_takes_meanwhile_counts_no_more_than_a_driver_could(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    outside = iter([GIB, 9 * GIB])
    monkeypatch.setattr(overhead, "_outside", lambda: next(outside))
    monkeypatch.setattr(overhead, "own_memory", lambda device: 0)
    memory = SimpleNamespace(reset_peak_memory_stats=lambda: None, max_memory_reserved=lambda: 3 * GIB)
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=memory))
    with Gauge("cuda") as gauge:
        pass
    assert gauge.peak == 3 * GIB + UNMEASURED["cuda"]


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB"),
        RuntimeError("HIP out of memory. Tried to allocate"),
        RuntimeError("HIP error: out of memory"),
        RuntimeError("hipErrorOutOfMemory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("HIPBLAS_STATUS_ALLOC_FAILED"),
        RuntimeError("miopenStatusAllocFailed"),
        RuntimeError("CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`"),
        RuntimeError("cuDNN error: CUDNN_STATUS_NOT_INITIALIZED"),
        RuntimeError("GET was unable to find an engine to execute this computation"),
        RuntimeError("CUDA error: HIPBLAS_STATUS_NOT_INITIALIZED when calling `hipblasCreate(handle)`"),
        RuntimeError("rocblas_status_memory_error"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:121] . DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes."),
        RuntimeError("std::bad_alloc"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
    ],
)
def test_every_library_has_its_own_words_for_a_shortage(error: Exception) -> None:
    assert is_shortage(error)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("shapes do not match"),
        ValueError("out of memory"),
        OSError(errno.ENOSPC, "full"),
        RuntimeError("CUDA error: CUBLAS_STATUS_INTERNAL_ERROR when calling `cublasSgemm`"),
        RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR"),
        RuntimeError("rocblas_status_internal_error"),
        RuntimeError("miopenStatusInternalError"),
    ],
)
def test_other_errors_are_none(error: Exception) -> None:
    assert not is_shortage(error)


def after(first: Exception, *others: Exception) -> Exception:
    """The last of errors that each came up in dealing with the one before."""
    error = first
    for other in others:
        try:
            try:
                raise error
            finally:
                raise other
        except type(other) as caught:
            error = caught
    return error


def test_what_goes_wrong_in_the_wake_of_a_shortage_does_not_hide_it() -> None:
    assert is_shortage(after(MemoryError(), ValueError("codes"), OSError(errno.EIO, "disk")))
    assert is_shortage(after(MemoryError(), SongdeskError("no room on the disk"), ValueError("codes")))
    assert not is_shortage(after(RuntimeError("shapes do not match"), ValueError("codes")))


@pytest.mark.parametrize("last", [SongdeskError("no room on the disk"), Cancelled(), Paused()])
def test_what_a_person_can_mend_or_asked_for_is_no_shortage_whatever_came_before(last: Exception) -> None:
    assert not is_shortage(after(MemoryError(), last))


def test_errors_that_go_round_in_a_ring_come_to_an_end() -> None:
    one, other = ValueError("one"), ValueError("other")
    one.__cause__, other.__cause__ = other, one
    assert not is_shortage(one)


def test_the_processors_own_allocator_says_so() -> None:
    with pytest.raises(RuntimeError) as refused:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert is_shortage(refused.value)


def test_a_person_who_vouches_for_memory_gets_what_is_set_without_a_word_of_what_is_free() -> None:
    trusted = choose(LADDER, lambda one: Room(None, is_trusted=True), title="composing")
    assert trusted.rung.name == "full"
    assert trusted.note("composing") == ""
    assert "unknown" in taken(None).note("composing")
