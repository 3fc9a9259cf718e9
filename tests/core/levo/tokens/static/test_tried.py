"""Whoever waits for the trial of a device can give up, and is told where the song stands."""

from collections.abc import Callable
from typing import Any

import pytest

from core.errors import Cancelled
from core.levo.tokens import compose as composing
from core.levo.tokens.model import Part, TokenModel
from core.levo.tokens.static import choice
from tests.core.levo.tokens.conftest import Desk
from tests.core.levo.tokens.static.conftest import Composed


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A device whose trial of kernels takes two looks, and that of graphs one."""

    def is_static(*_: Any, pause: Callable[[], object]) -> bool:
        pause()
        pause()
        return True

    def best_drive(device: Any, *, pause: Callable[[], object]) -> Any:
        pause()
        return choice.best_drive(device)

    monkeypatch.setattr(composing, "is_static", is_static)
    monkeypatch.setattr(composing, "best_drive", best_drive)


@pytest.mark.usefixtures("tried")
@pytest.mark.parametrize("schedule", ["lockstep", "two-pass"])
def test_a_song_that_goes_on_stands_where_it_stood_while_the_device_is_tried(
    schedule: str, endless: TokenModel, written: Callable[..., Composed]
) -> None:
    def leave(desk: Desk, done: int) -> None:
        if done >= 8:
            raise Cancelled

    whole, _ = written(endless, schedule=schedule)
    _, left = written(endless, schedule=schedule, at=leave)
    codes, desk = written(endless, schedule=schedule, known=left.left())
    assert codes == whole
    # Three looks while it is tried, then one before the first chunk of the prefill.
    assert desk.seen[:3] == desk.seen[3:4] * 3
    assert desk.seen[0][0] > 0


@pytest.mark.usefixtures("tried")
def test_giving_up_while_the_device_is_tried_loads_nothing(written: Callable[..., Composed]) -> None:
    loaded: list[tuple[Part, ...]] = []

    def load(parts: tuple[Part, ...]) -> TokenModel:
        loaded.append(parts)
        raise AssertionError

    def leave(desk: Desk, done: int) -> None:
        raise Cancelled

    codes, desk = written(load, at=leave)
    assert (codes, loaded, len(desk.seen)) == ([], [], 1)
