"""The choice of a device, its reason, and memory readings."""

import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import psutil
import pytest

from core import device
from core.errors import SongdeskError
from core.meter import Memory

MIB = 1 << 20


def refuse() -> tuple[int, int]:
    raise RuntimeError("hipErrorInvalidValue")


def fake_torch(
    monkeypatch: pytest.MonkeyPatch,
    *,
    cuda: str | None = None,
    hip: str | None = None,
    available: bool = False,
    awake: bool = False,
    told: tuple[int, int] | None = (600, 1000),
) -> None:
    """Put a torch with just these answers in the place of the real one."""
    torch = ModuleType("torch")
    torch.version = SimpleNamespace(cuda=cuda, hip=hip)  # type: ignore[attr-defined]
    torch.__version__ = "2.11"  # type: ignore[attr-defined]
    torch.cuda = SimpleNamespace(  # type: ignore[attr-defined]
        is_available=lambda: available,
        is_initialized=lambda: awake,
        get_device_name=lambda: "Imaginary 9000",
        memory_reserved=lambda: 300,
        memory_allocated=lambda: 250,
        mem_get_info=lambda: told or refuse(),
    )
    monkeypatch.setitem(sys.modules, "torch", torch)


def test_auto_takes_an_accelerator_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_torch(monkeypatch, cuda="12.8", available=True)
    choice = device.choose_device()
    assert (choice.kind, choice.name) == ("cuda", "Imaginary 9000 (cuda)")
    assert "torch sees" in choice.reason


def test_rocm_is_called_rocm_in_words_and_cuda_to_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_torch(monkeypatch, hip="6.4", available=True)
    for asked in ("auto", "rocm", "cuda"):
        choice = device.choose_device(asked)
        assert (choice.kind, choice.name) == ("cuda", "Imaginary 9000 (rocm)")


@pytest.mark.parametrize(("cuda", "reason"), [(None, "built for the CPU"), ("12.8", "no GPU or no driver")])
def test_auto_without_an_accelerator_takes_the_processor_and_says_why(
    monkeypatch: pytest.MonkeyPatch, cuda: str | None, reason: str
) -> None:
    fake_torch(monkeypatch, cuda=cuda)
    choice = device.choose_device()
    assert choice.kind == "cpu"
    assert "core" in choice.name
    assert reason in choice.reason


def test_asking_for_what_is_not_there_is_an_error_with_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_torch(monkeypatch, cuda="12.8")
    with pytest.raises(SongdeskError, match="no GPU") as caught:
        device.choose_device("cuda")
    assert "cpu" in caught.value.hint
    fake_torch(monkeypatch, cuda="12.8", available=True)
    with pytest.raises(SongdeskError, match="not for ROCm"):
        device.choose_device("rocm")
    with pytest.raises(SongdeskError, match="unknown device"):
        device.choose_device("abacus")


def test_main_memory_is_read_in_bytes_and_tells_ours_from_the_machine() -> None:
    before = device.read_memory(5)
    ballast = bytearray(b"x") * (64 * MIB)
    after = device.read_memory(5)
    assert before.where == "RAM"
    assert before.planned == 5
    assert before.ours is not None
    assert after.ours is not None
    assert after.in_use is not None
    assert after.total is not None
    assert after.ours - before.ours > 50 * MIB
    assert after.ours < after.total
    assert 0 < after.in_use < after.total
    assert len(ballast) == 64 * MIB


def test_video_memory_is_read_once_the_device_is_awake(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_torch(monkeypatch, cuda="12.8", available=True, awake=True)
    assert device.read_memory(7, device="cuda") == Memory("VRAM", 300, 400, 1000, 7)


def test_a_sleeping_device_is_left_asleep_and_its_memory_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_torch(monkeypatch, cuda="12.8", available=True, awake=False)
    assert device.read_memory(7, device="cuda") == Memory("VRAM", planned=7)
    monkeypatch.delitem(sys.modules, "torch")
    assert device.read_memory(device="cuda") == Memory("VRAM")


NONSENSE = [None, (0, 1000), (-1, 1000), (1200, 1000), (1000, 1000), (900, 1000), (0, 0)]
"""Refused; nothing free, less, more than there is; nothing in use, less than is ours; and nothing at all."""


@pytest.mark.parametrize("build", [{"cuda": "12.8"}, {"hip": "7.2"}])
@pytest.mark.parametrize("told", NONSENSE)
def test_what_a_driver_says_that_cannot_be_is_unknown(
    monkeypatch: pytest.MonkeyPatch, build: dict[str, str], told: tuple[int, int] | None
) -> None:
    fake_torch(monkeypatch, **build, available=True, awake=True, told=told)
    total = 1000 if told and told[1] else None
    assert device.read_memory(7, device="cuda") == Memory("VRAM", 300, None, total, 7)
    assert device.free_memory("cuda") is None
    assert device.total_memory("cuda") == total


@pytest.mark.parametrize("build", [{"cuda": "12.8"}, {"hip": "7.2"}])
def test_what_our_allocator_keeps_for_later_is_free(
    monkeypatch: pytest.MonkeyPatch, build: dict[str, str]
) -> None:
    fake_torch(monkeypatch, **build, available=True, awake=True)  # type: ignore[arg-type]
    assert device.free_memory("cuda") == 650
    assert device.own_memory("cuda") == 300


def test_free_main_memory_is_what_programs_could_get() -> None:
    free = device.free_memory("cpu")
    assert free is not None
    assert 0 < free < psutil.virtual_memory().total
    assert 0 < device.own_memory("cpu") < psutil.virtual_memory().total


def test_the_processor_and_its_memory_need_no_torch() -> None:
    code = (
        "import sys, core.device as d; d.choose_device('cpu'); d.read_memory(); "
        "d.read_memory(device='cuda'); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_processors_of_one_name_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = "processor : 0\ncpu family : 6\nmodel : {}\nmodel name : A Xeon\nstepping : 2\n\nprocessor : 1\n"
    told = []
    for model in (143, 207):
        monkeypatch.setattr(Path, "read_text", lambda *_, model=model, **__: lines.format(model))
        told.append(device.processor_name())
    assert told == ["A Xeon 6/143/2", "A Xeon 6/207/2"]


@pytest.mark.parametrize("allowed", [True, False])
def test_products_in_tf32_are_allowed_for_a_while_and_convolutions_never(
    monkeypatch: pytest.MonkeyPatch, *, allowed: bool
) -> None:
    import torch

    places = torch.backends.cuda.matmul, torch.backends.cudnn
    for place in places:
        monkeypatch.setattr(place, "allow_tf32", not allowed)
    with device.tf32_products(allowed):
        assert [place.allow_tf32 for place in places] == [allowed, False]
    assert [place.allow_tf32 for place in places] == [not allowed, not allowed]


def test_core_reads_and_sets_the_environment_in_three_places_alone() -> None:
    core = Path(device.__file__).parent
    sources = {str(path.relative_to(core)): path.read_text() for path in core.rglob("*.py")}
    found = {name for name, text in sources.items() if "os.environ" in text or "getenv" in text}
    assert found == {"device.py", "environment.py", "paths.py"}


def test_an_ssh_session_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_CONNECTION", raising=False)
    assert not device.over_ssh()
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.1 2 10.0.0.2 22")
    assert device.over_ssh()
