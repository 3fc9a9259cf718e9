"""Composing by static steps: on the processor, and on a device that works behind its host's back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from torch import Tensor

from core.engine import Known
from core.errors import Cancelled
from core.levo.artifacts import Conditions, Tokens
from core.levo.tokens.compose import Load, compose
from core.levo.tokens.model import TokenModel
from core.levo.tokens.static import drive, state
from core.levo.tokens.static.capture import Launch
from core.levo.tokens.static.drive import Drive
from core.settings import Value, Values
from tests.core.levo.tokens.conftest import SHAPES, VALUES, Desk

Act = Callable[[Desk, int], object]
Composed = tuple[list[list[int]], Desk]
WAYS = ("at-once", "late")


@dataclass
class Queue:
    """A fake device: what it is given to do it does only when somebody waits for something behind it.

    It is the processor with the order of a stream, no accelerator: what only one of those can get wrong is
    not seen here.
    """

    waiting: list[tuple[str, Callable[[], object]]] = field(default_factory=list)
    most: int = 0
    """The most steps that waited at a time."""
    opened: int = 0
    """How often somebody waited."""

    def drive(self) -> Drive:
        """Static steps on it."""
        return Drive(lambda step: Launch(lambda: self.add("step", step), "eager", "a fake"), self.post)

    def add(self, what: str, work: Callable[[], object]) -> None:
        self.waiting.append((what, work))
        self.most = max(self.most, sum(what == "step" for what, _ in self.waiting))

    def post(self, columns: Tensor) -> "Late":
        letter = Late(self)
        self.add("letter", lambda: letter.write(columns))
        return letter

    def drain(self) -> None:
        """Work off all that waits, as a stream does before what is set off behind it."""
        while self.waiting:
            self.waiting.pop(0)[1]()

    def work_until(self, is_done: Callable[[], bool]) -> None:
        self.opened += 1
        while not is_done():
            self.waiting.pop(0)[1]()


@dataclass
class Late:
    """Columns that are never there before they are waited for."""

    queue: Queue
    held: list[list[int]] = field(default_factory=list)

    def write(self, columns: Tensor) -> None:
        self.held = columns.T.tolist()

    def is_here(self) -> bool:
        return False

    def open(self) -> list[list[int]]:
        self.queue.work_until(lambda: bool(self.held))
        return self.held


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Queue:
    """The fake device, on which `late` songs are composed."""
    made, real = Queue(), state.hand_over

    def handed(values: Any, into: Tensor) -> None:
        if made.waiting:
            made.add("copy", lambda: real(values, into))
        else:
            real(values, into)

    def in_order(work: Callable[[Any], None]) -> Callable[[Any], None]:
        def worked(song: Any) -> None:
            made.drain()
            work(song)

        return worked

    monkeypatch.setattr(drive, "hand_over", handed)
    monkeypatch.setattr(state, "hand_over", handed)
    for name in ("_open", "leave"):
        monkeypatch.setattr(drive._Song, name, in_order(getattr(drive._Song, name)))
    return made


@pytest.fixture
def written(conditions: Conditions, queue: Queue, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Composed]:
    """Composes plainly, by static steps `at-once`, or `late` on the fake device; gives codes and the desk."""

    def make(
        model: TokenModel | Load, way: str = "at-once", *, schedule: str = "lockstep", seed: int = 1,
        start: Tokens | None = None, known: Known | None = None, until: float = 0.0,
        at: Act = lambda desk, done: None, knobs: Mapping[str, Value] | None = None,
    ) -> Composed:  # fmt: skip
        values = {**VALUES, "minimum_length": 0.08, "length": 0.8, **(knobs or {})}
        load: Load = (lambda parts: model) if isinstance(model, TokenModel) else model
        desk = Desk(values, seed, at)
        desk.before, desk.until = known or Known(), until
        for book, codes in enumerate(desk.before.books):
            desk.books[book].extend(codes)
        with monkeypatch.context() as patch:
            if way == "late":
                patch.setattr("core.levo.tokens.compose.best_drive", lambda *_, **__: queue.drive())
            try:
                made = compose(
                    load, SHAPES, conditions, Values(values), desk, schedule=schedule, start=start,
                    steps="plain" if way == "plain" else "static",
                )  # fmt: skip
            except Cancelled:
                return [], desk
        assert not queue.waiting, "something is left to be done"
        return made.codes.tolist(), desk

    return make


@pytest.fixture(scope="session")
def endless(tiny: Callable[[float], TokenModel]) -> TokenModel:
    return tiny(0.0)


@pytest.fixture(scope="session")
def ending(tiny: Callable[[float], TokenModel]) -> TokenModel:
    return tiny(2.0)
