"""What is made of the open song, followed to its end; and what others do in the library meanwhile."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace

from textual import on, work

from core.errors import SongdeskError
from core.meter import Meter, State
from core.settings import Live, Value
from tui.bridge import Bridge, MakeEngine
from tui.screens.asking import Asking
from tui.screens.deck import OpenPlayer
from tui.screens.tune import TuneArea
from tui.session import Session
from tui.widgets.bars import clock
from tui.widgets.take_rows import going
from tui.widgets.transport import Transport

LOOK_EVERY = 0.5
"""Seconds between two looks at what others did in the library."""
_GIB = 1 << 30
SYNC_EVERY = 5.0
"""Seconds between two looks at its folders, which may be changed by hand."""


class Composing(Asking):
    """The open song with its engine."""

    def __init__(
        self, session: Session, make_engine: MakeEngine, open_player: OpenPlayer, own_keys: dict[str, str]
    ) -> None:
        super().__init__(session, make_engine, open_player, own_keys)
        self._stopped = ""
        """The job that was asked to end and be kept."""
        self._last = Meter()
        """The last reading of a run that was at work."""
        self._version = -1
        self._synced_at = time.monotonic()
        self._is_looking = False
        self._trouble = ""
        """What is wrong with the library, as it was said."""

    def on_mount(self) -> None:
        """Begin to watch the library."""
        self.set_interval(LOOK_EVERY, self.look_at_library)

    def fill(self) -> None:
        """Show the open song everywhere."""
        super().fill()
        self.query_one(TuneArea).composing(self.composing and self.session.is_turnable)
        self.list_takes()

    # The library

    @work(group="library")
    async def look_at_library(self) -> None:
        """Take in what others changed in the library, if anybody did."""
        if self._is_looking:
            return
        self._is_looking = True
        try:
            changed, trouble = await asyncio.to_thread(self._has_changed)
        except SongdeskError as error:
            changed, trouble = False, str(error)
        finally:
            self._is_looking = False
        if trouble != self._trouble and self.is_up:
            self._trouble = trouble
            self.say(trouble, kind="error")
        if changed:
            self.list_takes()

    def _has_changed(self) -> tuple[bool, str]:
        """Read the takes anew where somebody changed something; and what is wrong. On a thread of its own."""
        store, trouble, now = self.session.store, self.bridge.heed(), time.monotonic()
        if store is not None and now > self._synced_at + SYNC_EVERY:
            store.sync()
            self._synced_at = now
        if store is None or (version := store.version()) == self._version:
            return False, trouble
        self.session.reread()
        self._version = version
        return True, trouble

    # Following

    @on(Bridge.RunBegan)
    def _run_began(self, event: Bridge.RunBegan) -> None:
        self.session.began(event.job, event.recipe)
        self.composing = True
        if not self.is_up:
            return
        self.query_one(TuneArea).composing(self.session.is_turnable)
        self.list_takes()
        if not self.session.making.is_of_the_song and event.job.folder not in self._asked:
            self.say(f"{event.job.song.title} is made now: it was next in the queue")

    @on(Bridge.Read)
    def _meter_read(self, event: Bridge.Read) -> None:
        if event.meter.state.busy and self.is_up:
            self._last = event.meter
            self.query_one(Transport).show(event.meter)
            self.follow_way(event.meter)
            self.follow(event.meter)

    def follow(self, meter: Meter) -> None:
        """Show how far the take that is being made has come, and how its knobs were turned."""
        making = self.session.making
        if not meter.state.busy or making.job is None or making.job.id != meter.job:
            return
        stops = self._is_stopping and meter.state is State.RUNNING
        making.mark("stopping, keeping" if stops else going(meter))
        if making.is_of_the_song:
            self.takes.follow(meter)
            self.query_one(TuneArea).follow(meter)
            self.takes.list_takes()

    @on(TuneArea.Turned)
    def _setting_turned(self, event: TuneArea.Turned) -> None:
        # Without a run at work the meter is that of the song before.
        if self.composing and self.bridge.meter.state.busy and self.session.is_turnable:
            self._turn_live(event.changes)
        self.show_plan()
        self.write.show_budget()

    def _turn_live(self, changes: Mapping[str, Value]) -> None:
        """Turn the knobs of the song being made, and say when each is heard."""
        heard: dict[Live, list[str]] = {}
        for key, value in changes.items():
            live = self.session.turn_live(key, self.bridge.meter)
            if live is not Live.SONG:
                self.bridge.set_live(key, value)
            heard.setdefault(live, []).append(key)
        said = (
            f"{', '.join(keys)} {'is' if len(keys) == 1 else 'are'} heard from the {live.value} on"
            for live, keys in heard.items()
        )
        self.say("; ".join(said))
        self.follow(self.bridge.meter)

    # Ending

    @on(Bridge.Refused)
    def _take_refused(self, event: Bridge.Refused) -> None:
        self.complain(event.error)

    def action_stop(self) -> None:
        """End the song here and keep it; once more, in whichever phase, abandons it."""
        if not self.bridge.meter.state.busy:
            self.say(f"the song has not begun yet: {self.keys['stop']} ends it once it has", kind="warning")
            return
        job, again = self.bridge.meter.job, self._is_stopping
        self.bridge.stop(keep=not again)
        if again or self.bridge.meter.state is State.STOPPING:
            self.say("abandoning it here", kind="warning")
        else:
            stop = self.keys["stop"]
            self.say(f"stopping here, and keeping what is made; {stop} once more abandons it", kind="warning")
        self._stopped = job

    def stop_and_keep(self) -> None:
        """End the song here and keep it, and begin no other."""
        self.bridge.rest()
        self.bridge.stop(keep=True)
        self._stopped = self.bridge.meter.job

    @property
    def at_work(self) -> str:
        """What is being made, and how far it is, in a sentence."""
        job, meter = self.session.making.job, self.bridge.meter
        if job is None or not meter.state.busy:
            return "A song is about to be composed."
        far = f"{clock(meter.song_seconds)} of {clock(meter.seconds)}" if meter.seconds else meter.stage
        return f"{job.song.title} is being composed: {far}."

    @property
    def _is_stopping(self) -> bool:
        """Whether the song being made was asked to end and be kept."""
        return bool(self._stopped) and self._stopped == self.bridge.meter.job

    @on(Bridge.RunFinished)
    def _run_finished(self, event: Bridge.RunFinished) -> None:
        self.bridge.acknowledge()
        self.composing = self.bridge.busy
        if not self.is_up:
            return
        outcome = event.outcome
        meter = self.bridge.meter
        self.follow_way(meter)
        if meter.job == outcome.job.id:
            self.query_one(Transport).show(replace(meter, seconds=outcome.seconds or meter.seconds))
        self.session.end(outcome)
        self.query_one(TuneArea).composing(self.composing and self.session.is_turnable)
        self.list_takes()
        if outcome.error is not None:
            self.complain(outcome.error)
            return
        title, play = outcome.job.song.title, self.keys["play"]
        match outcome.state:
            case State.CANCELLED:
                pause, go_on = self.keys["pause"], self.keys["takes.go_on"]
                self.say(f"{title} was abandoned; {pause}, or {go_on} in the takes, goes on with it")
            case State.PAUSED:
                self.say(f"{title} is {paused(self._last, meter)}; {self.keys['pause']} goes on")
            case State.DRAFT:
                go_on = self.keys["takes.go_on"]
                self.say(f"a draft of {title} is ready: {play} plays it, {go_on} in the takes finishes it")
            case _:
                kept = "is ready" if outcome.state is State.DONE else "was stopped and kept"
                self.say(f"{title} {kept}: {play} plays it · {outcome.file}")
        if outcome.file is not None:
            self.takes.offer(outcome.job.id, outcome.file)


def paused(before: Meter, after: Meter) -> str:
    """Where a run was paused, and what that gave back, by a reading before and one after."""
    at = f" at {clock(before.song_seconds)}" if before.seconds else ""
    held, left = (meter.memory.ours if meter.memory is not None else None for meter in (before, after))
    if before.memory is None or held is None or left is None:
        return f"paused{at}"
    return f"paused{at}; {before.memory.where} from {held / _GIB:.2f} to {left / _GIB:.2f} GiB"
