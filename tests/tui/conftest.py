"""What every test of the interface stands on: a plain environment and waiting on conditions."""

import time
from collections.abc import Callable
from typing import Protocol

import pytest
from textual.pilot import Pilot


class Until(Protocol):
    """Waits until a condition holds, or fails the test once the deadline (s) has passed."""

    async def __call__(
        self, pilot: Pilot[object], condition: Callable[[], object], *, timeout: float = 5.0, saying: str = ""
    ) -> None: ...


@pytest.fixture(autouse=True)
def _plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "TEXTUAL_THEME", "SSH_CONNECTION"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def until() -> Until:
    """`await until(pilot, lambda: app.results)`: a condition with a deadline instead of a sleep."""

    async def wait(
        pilot: Pilot[object], condition: Callable[[], object], *, timeout: float = 5.0, saying: str = ""
    ) -> None:
        deadline = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > deadline:
                pytest.fail(saying or f"the condition did not hold within {timeout:g} s")
            await pilot.pause(0.01)

    return wait
