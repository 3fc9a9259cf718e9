"""What is played for those who listen elsewhere: told to them, driven by them, and what they really do.

No network, no files; every method may be called from any thread.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Literal

_TRUSTED = 5.0
"""Seconds that a tab counts without a word from it, and the clock is followed: it sends one at each beat."""
_DRIFT = 0.1
"""Seconds by which the leading tab may be elsewhere than the clock before all are told."""
_END = 0.05
"""Seconds before the end that count as the end."""
_TURNING = ("take", "stem", "playing")
"""What a tab must follow, beside a new place, before its reports tell where it is."""

Do = Literal[
    "play", "pause", "toggle", "seek", "take", "stem", "volume", "next", "previous", "compare", "mark"
]


@dataclass(frozen=True, slots=True)
class State:
    """What is to be heard; times in seconds."""

    revision: int = 0
    title: str = ""
    take: str = ""
    """Id of the take in hand; empty for none."""
    stem: str = "mix"
    gain: float = 1.0
    """What the take is multiplied by, beside the volume."""
    playing: bool = False
    place: float = 0.0
    """Where the take was at the moment `at`; `Stage.position` tells where it is."""
    at: float = 0.0
    """By this process's `time.monotonic`."""
    seconds: float = 0.0
    """Length of what is there."""
    grows: bool = False
    whole: float = 0.0
    """The length that one which grows will have; 0 while it is not known."""
    loop: tuple[float, float] | None = None
    volume: float = 1.0
    a: str = ""
    b: str = ""
    """Ids of the takes that are compared."""
    gains: Mapping[str, float] = field(default_factory=dict)
    """By take id, what makes those two equally loud."""
    lead: str = ""
    """The tab that all others keep to, as does the clock: where it stalls, it is waited for."""


@dataclass(frozen=True, slots=True)
class Command:
    """What somebody at a tab asks for; what does not belong to `do` is None."""

    do: Do
    place: float | None = None
    """For `seek` (s)."""
    take: str | None = None
    stem: str | None = None
    volume: float | None = None
    letter: str | None = None
    """For `mark`: `a` or `b`."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a tab does."""

    place: float
    """Where it is (s)."""
    playing: bool
    """Whether sound comes out of it."""
    blocked: bool = False
    """Whether its browser refuses sound until somebody presses something there."""
    ended: bool = False
    """Whether it has come to the end of a take that does not grow."""
    waiting: bool = False
    """Whether it would play, and has no data."""
    revision: int = 0
    """The newest state that it has taken in."""
    at: float | None = None
    """When it was at `place`, by this process's `time.monotonic`; None for now."""


@dataclass(frozen=True, slots=True)
class Tab:
    """Somebody who listens."""

    name: str
    heard: Heard | None
    """Its newest report."""
    age: float
    """Seconds since that, or since it came."""

    @property
    def is_silent(self) -> bool:
        """Whether no word has come of it for so long that it may be asleep, whatever its link says."""
        return self.age > _TRUSTED


Driver = Callable[[Command], None]


@dataclass(slots=True)
class _Known:
    streams: int = 0
    heard: Heard | None = None
    at: float = 0.0


class Stage:
    """One take at a time, for any number of tabs that play it in step."""

    def __init__(self, state: State | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        # Higher than any of an earlier process, whose tabs come back and know how far they were.
        revision = time.time_ns() // 1_000_000
        self._state = replace(state or State(), revision=revision, at=clock())
        self._turned = self._state.revision
        """The last revision that changed what a tab does."""
        self._tabs: dict[str, _Known] = {}
        self._was_visited = False
        self._told: list[Callable[[State], None]] = []
        self._driver: Driver | None = None

    @property
    def state(self) -> State:
        """What is to be heard now; its place is as it was when last known."""
        with self._lock:
            return self._state

    @property
    def moment(self) -> State:
        """The state with its place as it is at this moment."""
        with self._lock:
            return self._moment()

    def position(self) -> float:
        """Where the take is (s): it stands still while nobody hears it."""
        with self._lock:
            return self._position()

    def change(self, **fields: Any) -> State:
        """Change fields of the state, raise its revision and tell everybody who subscribed.

        Another take begins at 0 unless told otherwise; else the place stays what it is.
        """
        return self.revise(lambda _: fields)

    def revise(self, by: Callable[[State], Mapping[str, Any] | None]) -> State:
        """Change fields by what the state is at this moment, as `change` does; nothing where `by` gives None.

        Nobody else changes it between. `by` is asked with the stage locked: it may be slow in nothing, and
        ask the stage nothing.
        """
        with self._lock:
            before = self._state
            fields = by(self._moment())
            if fields is None:
                return before
            place = 0.0 if fields.get("take", before.take) != before.take else self._position()
            state = self._renew({"place": place, **fields})
            if "place" in fields or any(getattr(state, name) != getattr(before, name) for name in _TURNING):
                self._turned = state.revision
        self._tell(state)
        return state

    def subscribe(self, callback: Callable[[State], None]) -> Callable[[], None]:
        """Have every new state told, on whichever thread made it; call what is returned to hear no more.

        Two threads may tell theirs in the wrong order: the newest has the highest revision.
        """
        with self._lock:
            self._told.append(callback)

        def leave() -> None:
            with self._lock:
                if callback in self._told:
                    self._told.remove(callback)

        return leave

    # From the tabs

    def drive(self, driver: Driver | None) -> None:
        """Have commands go to somebody, on the thread that brings them; None leaves them to the stage."""
        with self._lock:
            self._driver = driver

    def ask(self, command: Command) -> None:
        """Do what a tab asks for, or have whoever drives do it."""
        with self._lock:
            driver = self._driver
        (driver or self.obey)(command)

    def obey(self, command: Command) -> None:
        """Do what can be done without knowing the takes there are: `next` and `previous` are not."""
        state = self.state
        match command:
            case Command("play" | "pause" | "toggle"):
                plays = command.do == "play" or (command.do == "toggle" and not state.playing)
                is_over = plays and not state.grows and self.position() >= state.seconds - _END
                first = {"place": state.loop[0] if state.loop is not None else 0.0} if is_over else {}
                self.change(playing=plays, **first)
            case Command("seek", place=float() | int() as place):
                self.change(place=max(0.0, min(place, state.seconds)))
            case Command("take", take=str() as take):
                self.change(take=take, gain=state.gains.get(take, 1.0), loop=None)
            case Command("stem", stem=str() as stem):
                self.change(stem=stem)
            case Command("volume", volume=float() | int() as volume):
                self.change(volume=max(0.0, min(volume, 1.0)))
            case Command("mark", letter="a" | "b" as letter, take=str() as take):
                other = "b" if letter == "a" else "a"
                freed = {other: ""} if getattr(state, other) == take else {}
                again = getattr(state, letter) == take
                self.change(**freed, **{letter: "" if again else take}, gains={})
            case Command("compare") if state.a and state.b:
                other = state.b if state.take == state.a else state.a
                place = self.position()
                self.change(take=other, gain=state.gains.get(other, 1.0), place=place)

    @contextmanager
    def attending(self, tab: str) -> Iterator[None]:
        """Count a tab as there for as long as it is told of the state."""
        with self._lock:
            self._known(tab).streams += 1
        try:
            yield
        finally:
            with self._lock:
                self._hold()
                known = self._tabs[tab]
                known.streams -= 1
                if not known.streams:
                    del self._tabs[tab]
                has_left = self._lead != self._state.lead
                state = self._renew({"lead": self._lead}) if has_left else self._state
            if has_left:
                self._tell(state)

    def report(self, tab: str, heard: Heard) -> None:
        """Take in what a tab does; one that is told of nothing counts for a few seconds.

        Where the leading tab is elsewhere than was thought, or stalls, or goes on, all are told.
        """
        with self._lock:
            self._hold()
            before, ran = self._state, self._runs
            known = self._known(tab)
            known.heard, known.at = heard, self._clock()
            news: dict[str, Any] = {} if self._lead == before.lead else {"lead": self._lead}
            if before.playing and heard.revision >= self._turned and self._lead == tab:
                news |= self._followed(heard, is_news=ran != self._runs)
            state = self._renew(news) if news else self._state
            if not state.playing and before.playing:
                self._turned = state.revision
        if news:
            self._tell(state)

    def _followed(self, heard: Heard, *, is_news: bool) -> dict[str, Any]:
        """Go by the leading tab; gives what of it is to be told."""
        state, now = self._state, self._clock()
        if heard.ended and not state.grows and state.loop is None:
            return {"playing": False, "place": state.seconds}
        late = now - heard.at if heard.at is not None and heard.playing else 0.0
        place = heard.place + (late if 0 < late < _TRUSTED else 0.0)
        if is_news or abs(place - state.place) > _DRIFT:
            return {"place": place}
        self._state = replace(state, place=place)
        return {}

    @property
    def was_visited(self) -> bool:
        """Whether a tab has ever come."""
        with self._lock:
            return self._was_visited

    def tabs(self) -> tuple[Tab, ...]:
        """Who listens, in the order they came."""
        with self._lock:
            now = self._clock()
            return tuple(
                Tab(name, known.heard, now - known.at)
                for name, known in self._tabs.items()
                if self._is_there(known)
            )

    # With the lock held

    def _known(self, name: str) -> _Known:
        now = self._clock()
        for other in [n for n, known in self._tabs.items() if not self._is_there(known)]:
            del self._tabs[other]
        self._was_visited = True
        return self._tabs.setdefault(name, _Known(at=now))

    def _is_there(self, known: _Known) -> bool:
        return known.streams > 0 or self._is_fresh(known)

    def _is_fresh(self, known: _Known) -> bool:
        return self._clock() - known.at <= _TRUSTED

    @property
    def _lead(self) -> str:
        """Who leads as long as it can be heard and says so; then one that plays, or who came first.

        Where no tab says anything the one that led stays: there is none to go by instead.
        """
        heard = [(name, known.heard, self._is_fresh(known)) for name, known in self._tabs.items()]
        able = [(name, each.playing, fresh) for name, each, fresh in heard if each and not each.blocked]
        can = {name: plays for name, plays, fresh in able if fresh or not any(new for *_, new in able)}
        if self._state.lead in can:
            return self._state.lead
        return next((name for name, plays in can.items() if plays), next(iter(can), ""))

    @property
    def _runs(self) -> bool:
        """Whether the leading tab makes sound, or will as soon as it has taken in the last change."""
        lead = self._lead
        heard = self._tabs[lead].heard if lead else None
        follows = heard is not None and (heard.playing or heard.revision < self._turned)
        return self._state.playing and follows

    def _run(self) -> float:
        """Seconds that the take has gone on since its place was known, as long as the lead is trusted."""
        if not self._runs:
            return 0.0
        return max(0.0, min(self._clock(), self._tabs[self._lead].at + _TRUSTED) - self._state.at)

    def _moment(self) -> State:
        return replace(self._state, place=self._position(), at=self._clock())

    def _hold(self) -> None:
        self._state = self._moment()

    def _renew(self, fields: Mapping[str, Any]) -> State:
        renewed = replace(self._state, **fields, at=self._clock())
        self._state = replace(renewed, revision=renewed.revision + 1)
        return self._state

    def _position(self) -> float:
        state = self._state
        place = state.place + self._run()
        if state.loop is not None and state.place < state.loop[1] <= place:
            first, last = state.loop
            return first + (place - last) % (last - first)
        return min(place, state.seconds) if state.seconds else place

    # Without it

    def _tell(self, state: State) -> None:
        with self._lock:
            told = tuple(self._told)
        for callback in told:
            callback(state)
