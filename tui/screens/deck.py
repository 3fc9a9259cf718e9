"""The take that plays: its waveform, and the player behind it."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from textual import work
from textual.app import ComposeResult

from core.audio import volume
from core.audio.player import Player
from core.errors import SongdeskError
from tui.screens.telling import Telling
from tui.screens.tracks import (
    Marker,
    Pair,
    Track,
    length_of,
    outline_of,
    read_growing,
    read_track,
    with_loudness,
    with_marks,
)
from tui.screens.turntable import Turntable
from tui.widgets.takes_list import Signs
from tui.widgets.waveform import Waveform

if TYPE_CHECKING:
    from core.audio.peaks import Peaks

_LOOKS_PER_SECOND = 2
"""How often the position is drawn: each look may repaint the whole wave over a slow link."""
_REST = 0.5
"""Seconds without a change before the volume is kept."""
OpenPlayer = Callable[[], Player]


def real_player(prefer: str) -> Player:
    """Whatever makes sound on this machine, or the backend of that name alone."""
    from core.audio.player import open_player

    return open_player(prefer=prefer)


class Deck(Telling):
    """Plays a take, also one that is still rendered, and draws it; what keys do is up to its turntable."""

    def __init__(self, open_player: OpenPlayer, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.table = Turntable()
        self._wave = Waveform()
        self._open_player = open_player
        self._one_at_a_time = asyncio.Lock()
        self._is_measuring = False
        self._is_left = False
        self._stem_outline: tuple[Path | None, Peaks | None] = (None, None)
        self._trouble = ""
        self._reason = ""
        self._signs = Signs()

    def compose(self) -> ComposeResult:
        """The wave alone: what the player says goes to the transport."""
        yield self._wave

    def on_mount(self) -> None:
        """Begin to look where the player stands; know how loud it was left."""
        self.set_interval(1 / _LOOKS_PER_SECOND, self.look)
        self._recall_volume()

    async def on_unmount(self) -> None:
        """Fall silent, and stay so whatever is still on its way."""
        self._is_left = True
        if self.table.player is not None:
            await asyncio.to_thread(self.table.player.close)

    @property
    def path(self) -> Path | None:
        """The file that is in hand."""
        return self.table.path

    @property
    def take(self) -> str:
        """The take in hand; empty for none."""
        return self.table.track.take if self.table.track is not None else ""

    @property
    def position(self) -> float:
        """Where the take in hand stands (s)."""
        return self.table.position

    @property
    def duration(self) -> float:
        """Length of the take in hand (s), as it will be where it is still rendered."""
        return max(self.table.track.seconds, self.table.track.whole) if self.table.track is not None else 0.0

    @property
    def playing(self) -> bool:
        """Whether there is sound now."""
        return self.table.playing

    async def load(
        self, take: str, audio: Path, mark: Marker, *, play: bool, at: float = 0.0, whole: float | None = None
    ) -> None:
        """Take up a take and, if asked, play it, from a place (s) on.

        `mark` tells its sections from its length (s). One with a `whole` (s) is still rendered, up to that.
        """
        async with self._one_at_a_time:
            await self._ready_player()
            if whole is None:
                track = await self._read(lambda: with_marks(read_track(take, audio), mark))
            else:
                before = self.table.track
                track = await self._read(lambda: with_marks(read_growing(take, audio, whole, before), mark))
            if track is None or self._is_left:
                return
            self.table.take_up(track)
            self.table.go_to(at)
            if play:
                self._play()
        self.look()

    async def _read(self, read: Callable[[], Track]) -> Track | None:
        """Read a take on a thread of its own; None where it is refused."""
        try:
            return await asyncio.to_thread(read)
        except SongdeskError as error:
            self.post_message(self.Refused(error))
            return None

    async def finish(self, take: str, audio: Path, mark: Marker) -> None:
        """Let the finished sound go on where that which grew has come to, if it is in hand."""
        async with self._one_at_a_time:
            track = await self._read(lambda: with_marks(read_track(take, audio), mark))
            if track is not None and self.is_growing(take):
                self.table.go_on_with(track)
        self.look()

    def is_growing(self, take: str) -> bool:
        """Whether that take is in hand as far as it is rendered."""
        track = self.table.track
        return track is not None and track.grows and track.take == take

    def grow(self, take: str, audio: Path, seconds: float, whole: float) -> None:
        """Know that so much (s) of a take is rendered in a file, of the whole that it will be.

        What was rendered while the take was composed goes on in another file, at the same place.
        """
        if self.is_growing(take) and self.table.player is not None and not self.table.is_lent:
            if self._is_in_hand(audio):
                self.table.player.grow(seconds)
            if not self._is_measuring:  # else what is new by then is seen at the next reading
                self._draw_growth(audio, seconds, whole)

    def _is_in_hand(self, audio: Path) -> bool:
        track = self.table.track
        return track is not None and audio in track.sounds.values()

    @work(group="grow")
    async def _draw_growth(self, path: Path, seconds: float, whole: float) -> None:
        track, goes_on = self.table.track, not self._is_in_hand(path)
        if track is None or (seconds <= track.seconds and whole == track.whole and not goes_on):
            return
        self._is_measuring = True
        try:
            longer = await asyncio.to_thread(read_growing, track.take, path, whole, track)
        except SongdeskError:
            return  # it has just become the finished file, which comes by `finish`
        finally:
            self._is_measuring = False
        if self.table.track is track:
            (self.table.go_on_with if goes_on else self.table.grown)(longer)
            self.look()

    async def go_over_to(self, player: Player | None) -> None:
        """Play through another player, at the same place; without one, silent, through one opened anew."""
        async with self._one_at_a_time:
            following = await self._kept(player)
            if following is None:
                return
            before = self.table.player
            try:
                self.table.go_over_to(following, plays=player is not None)
            finally:
                if before is not None:
                    await asyncio.to_thread(before.close)
        self.look()

    def eject(self) -> None:
        """Put the take away."""
        self.table.eject()
        self._wave.show(None)
        self.post_message(self.Spoke("", None, None))
        self.look()

    def clear(self) -> None:
        """Put the take away and forget what was compared: another song is open."""
        self.table.compare(Pair())
        self.eject()

    # Keys

    def toggle(self) -> None:
        """Play, or pause."""
        self.table.toggle()
        self._ask_for_sound()
        self.look()

    def seek(self, seconds: float) -> None:
        """Go that far on, or back when negative (s)."""
        self.table.seek(seconds)
        self.look()

    def go_to_end(self, *, last: bool) -> None:
        """Go to the start, or to the last second."""
        self.table.go_to_end(last=last)
        self.look()

    def section(self, step: int) -> None:
        """Go to the start of the next section, or back."""
        self.table.section(step)
        self.look()

    def loop(self) -> None:
        """Let the section under the head go round, then the whole, then nothing."""
        self.table.next_loop()
        self.look()

    def turn_volume(self, steps: int) -> None:
        """Play louder or softer, and keep that for the next run."""
        self.table.turn_volume(steps)
        self.post_message(self.Told(f"volume {self.table.volume} %"))
        self._keep_volume()
        self.look()

    def hear(self, stem: str) -> None:
        """Hear the mix, the vocal or the backing, at the same place."""
        track = self.table.track
        if track is None:
            return
        if stem not in track.sounds:
            there = ", ".join(track.sounds)
            self.post_message(self.Told(f"this take has no {stem} of its own, only: {there}"))
            return
        self.table.hear(stem)
        self._measure_stem()
        self.look()

    async def mark(self, letter: str, take: str, audio: Path, mark: Marker) -> None:
        """Compare a finished take as `a` or `b`; the same key again takes the letter away."""
        track = await self._read(lambda: with_loudness(with_marks(read_track(take, audio), mark)))
        if track is None:
            return
        self.table.compare(self.table.pair.marked(letter, track))
        pair = self.table.pair
        now = pair.letter(take)
        text = f"this take is {now} now" if now else "this take is compared no longer"
        self.post_message(self.Told(pair.words if now and pair.words else text))
        self.look()

    def switch(self) -> None:
        """Go over to the other of the two takes that are compared, at the same place."""
        track, pair = self.table.track, self.table.pair
        if track is None:
            return
        other = pair.other(track.take)
        if other is None or other.take == track.take:
            self.post_message(self.Told("mark two takes first, one as A and one as B"))
            return
        self.table.go_on_with(other)
        self._measure_stem()
        self.look()

    async def audition(self, recording: Path, start: float, seconds: float) -> None:
        """Play a stretch (s) of another file, such as a reference, until `hush` or a key of the player."""
        async with self._one_at_a_time:
            try:
                await self._ready_player()
                length = await asyncio.to_thread(length_of, recording)
            except SongdeskError as error:
                self.post_message(self.Refused(error))
                return
            if self._is_left:
                return
            self.table.lend(recording, length, start, seconds)
        self._ask_for_sound()
        self.look()

    def hush(self) -> None:
        """End what is played of another file; the take is in hand again, as it was."""
        self.table.put_back()
        self.look()

    # Drawing

    def look(self) -> None:
        """See where the player stands, and show it."""
        table = self.table
        self._sign()
        player, track = table.player, table.track
        if player is None or track is None or table.is_lent:
            return
        self._say_trouble(player)
        path, outline = self._stem_outline
        heard = outline if path == table.path and not track.grows else None
        self._wave.show(heard or track.outline, track.marks, whole=track.whole)
        self._wave.loop = (table.looped.first, table.looped.last) if table.looped is not None else None
        self._wave.label = table.pair.letter(track.take)
        self._wave.position = player.position
        if player.backend == "none":
            self.post_message(self.Spoke(player.reason, None, None))
        else:
            words = f"{table.words} {player.reason}"
            self.post_message(self.Spoke(words, player.position, player.duration))

    def _say_trouble(self, player: Player) -> None:
        """Say once what sound failed of, or where it goes since."""
        if player.trouble != self._trouble and player.trouble:
            self.post_message(self.Silent(player.reason))
        elif player.playing and self._reason and player.reason != self._reason:
            self.post_message(self.Told(player.reason))
        if player.playing:
            self._reason = player.reason
        self._trouble = player.trouble

    def _sign(self) -> None:
        table = self.table
        a, b = (track.take if track else "" for track in (table.pair.a, table.pair.b))
        heard = table.track.take if table.track is not None else ""
        signs = Signs(heard, table.playing and not table.is_lent, a, b)
        if signs != self._signs:
            self._signs = signs
            self.post_message(self.Signed(signs))

    @work(group="stem", exclusive=True)
    async def _measure_stem(self) -> None:
        """Draw what is heard; the outline of the mix stands until that of the stem is known."""
        path, track = self.path, self.table.track
        if path is None or track is None or track.grows or path == self._stem_outline[0]:
            return
        try:
            self._stem_outline = path, await asyncio.to_thread(outline_of, path)
        except SongdeskError:
            return  # the player will say it
        self.look()

    async def _ready_player(self) -> None:
        if self.table.player is None:
            self.table.volume = await asyncio.to_thread(volume.recall)
            if (player := await self._kept()) is not None:
                self.table.adopt(player)

    async def _kept(self, given: Player | None = None) -> Player | None:
        """A player, by default one opened anew; None where the deck was left meanwhile, and it is closed."""
        player = given if given is not None else await asyncio.to_thread(self._open_player)
        if not self._is_left:
            return player
        await asyncio.to_thread(player.close)
        return None

    def _play(self) -> None:
        if self.table.player is not None:
            self.table.player.play()
        self._ask_for_sound()

    def _ask_for_sound(self) -> None:
        if self.table.player is not None and self.table.player.backend == "none":
            self._look_for_sound()

    @work(group="sound", exclusive=True)
    async def _look_for_sound(self) -> None:
        """Where nothing made sound when the player was opened, something may by now."""
        before = self.table.player
        player = await self._kept()
        if player is None:
            return
        if self.table.player is not before:  # it was gone over to another meanwhile
            await asyncio.to_thread(player.close)
            return
        if player.backend == "none":
            self.post_message(self.Silent(self.table.player.reason if self.table.player else player.reason))
            return
        self.table.adopt(player)
        if self.table.track is not None:
            player.play()
        self.look()

    @work(group="recall")
    async def _recall_volume(self) -> None:
        """A first step louder or softer may come before there is a player."""
        percent = await asyncio.to_thread(volume.recall)
        if self.table.player is None:
            self.table.volume = percent

    @work(group="volume", exclusive=True)
    async def _keep_volume(self) -> None:
        await asyncio.sleep(_REST)
        await asyncio.to_thread(volume.remember, self.table.volume)
