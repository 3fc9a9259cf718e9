"""What a look at the machine makes of what its driver tells."""

import pytest

from core import machine
from tests.core.test_device import fake_torch


@pytest.mark.parametrize(
    ("told", "found"),
    [((600, 1000), (600, 1000)), (None, (None, None)), ((1000, 1000), (None, 1000)), ((0, 0), (None, None))],
)
def test_a_driver_that_refuses_or_talks_nonsense_leaves_memory_unknown(
    monkeypatch: pytest.MonkeyPatch, told: tuple[int, int] | None, found: tuple[int | None, int | None]
) -> None:
    fake_torch(monkeypatch, hip="7.2", available=True, told=told)
    monkeypatch.setattr(machine, "prepare", lambda: ())
    seen = machine._look()
    assert (seen.device, seen.build, seen.free, seen.total) == ("cuda", "ROCm 7.2", *found)


def test_main_memory_is_what_the_container_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "prepare", lambda: ())
    monkeypatch.setattr(machine, "free_ram", lambda: 300)
    seen = machine._look("cpu")
    assert (seen.device, seen.room) == ("cpu", 300)
    assert seen.ram_total > 300
