"""What the keys of the player do: the take in hand, where it is, what goes round, what it is compared with.

It knows the player and no screen. Without a player or a take nothing happens.
"""

from dataclasses import dataclass
from math import inf
from pathlib import Path

from core.audio import volume
from core.audio.player import Player
from tui.screens.tracks import Pair, Stretch, Track, start_near, stretch_at

_WHOLE = Stretch(0.0, inf, "all")
_BEFORE_THE_END = 1.0
"""Seconds of the take that are left after going to its end."""


@dataclass(frozen=True, slots=True)
class _Aside:
    """Where the take was when something else was put on."""

    place: float
    played: bool


class Turntable:
    """Holds one take at a time."""

    def __init__(self) -> None:
        self.player: Player | None = None
        self.track: Track | None = None
        """The take in hand."""
        self.path: Path | None = None
        """The file of it that is heard."""
        self.pair = Pair()
        self.stem = "mix"
        self.looped: Stretch | None = None
        """What goes round."""
        self.volume = volume.FULL
        """In percent."""
        self._aside: _Aside | None = None

    @property
    def playing(self) -> bool:
        """Whether there is sound now."""
        return self.player is not None and self.player.playing

    @property
    def position(self) -> float:
        """Where the take is (s), also while something else is on."""
        if self._aside is not None:
            return self._aside.place
        return self.player.position if self.player is not None else 0.0

    @property
    def is_lent(self) -> bool:
        """Whether something else than the take is on."""
        return self._aside is not None

    @property
    def words(self) -> str:
        """What goes on, in a few words."""
        if self.player is None or self.track is None:
            return ""
        state = "▶ playing" if self.player.playing else "⏸ paused"
        if self.player.playing and self.player.trouble:
            state = "… not heard"
        facts = [
            "… waiting for more" if self.player.waiting else state,
            self.pair.letter(self.track.take),
            self.stem if self.path != self.track.file("mix") else "",
            f"⟳ {self.looped.name}" if self.looped is not None else "",
            f"{self.volume} %" if self.volume < volume.FULL else "",
        ]
        return " ".join(fact for fact in facts if fact)

    def adopt(self, player: Player) -> None:
        """Play through another player from now on; the take in hand goes on there, silent."""
        self.player = player
        player.set_volume(volume.gain_of(self.volume))
        if self.track is not None:
            self._put_on(self.track)

    def go_over_to(self, player: Player, *, plays: bool) -> None:
        """Play through another player from the same place on, silent unless it `plays` and this one did."""
        self.put_back()
        place, played = self.position, self.playing
        if self.player is not None:
            self.player.pause()
        self.adopt(player)
        self.go_to(place)
        if played and plays:
            player.play()

    def take_up(self, track: Track) -> None:
        """Have another take in hand, silent at its beginning."""
        self._aside = self.looped = None
        self.track, self.path = track, track.file(self.stem)
        self._put_on(track)

    def go_on_with(self, track: Track) -> None:
        """Have another take in hand, or the same as it sounds now, heard from the same place on."""
        self.put_back()
        self.track, self.path = track, track.file(self.stem)
        if self.player is not None:
            gain = self.pair.gain(track.take)
            self.player.swap(self.path, seconds=track.seconds, grows=track.grows, gain=gain)

    def grown(self, track: Track) -> None:
        """Know how much of the take in hand is rendered by now; it is heard on as it is."""
        self.track = track

    def eject(self) -> None:
        """Have nothing in hand."""
        if self.player is not None:
            self.player.pause()
        self.track = self.path = self._aside = None
        self.loop(None)

    def toggle(self) -> None:
        """Play, or pause."""
        if self.player is None or self.track is None:
            return
        self.put_back()
        if self.player.playing:
            self.player.pause()
        else:
            self.player.play()

    def seek(self, seconds: float) -> None:
        """Go that far on, or back when negative (s)."""
        if self.player is not None and self.track is not None:
            self.put_back()
            self.go_to(self.player.position + seconds)

    def go_to(self, place: float) -> None:
        """Go to a place (s); it is kept within what goes round, past whose end is its beginning."""
        if self.player is None or self.track is None:
            return
        if self.looped is not None:
            first, last = self.looped.first, min(self.looped.last, self.player.duration)
            place = first if place >= last - 0.01 else max(first, place)
        self.player.seek(place)

    def go_to_end(self, *, last: bool) -> None:
        """Go to the start of the take or of what goes round, or to its last second."""
        if self.player is not None:
            self.put_back()
            end = min(self.looped.last if self.looped is not None else inf, self.player.duration)
            self.go_to(end - _BEFORE_THE_END if last else 0.0)

    def section(self, step: int) -> None:
        """Go to the start of the next section, or back; a section that goes round is left for that one."""
        if self.player is None or self.track is None:
            return
        self.put_back()
        place = start_near(self.track.marks, self.player.position, step)
        if place is None:
            return
        if self.looped not in (None, _WHOLE):
            self.loop(stretch_at(self.track.marks, self.track.seconds, place))
        self.go_to(place)

    def next_loop(self) -> None:
        """Let the section under the head go round, then the whole, then nothing."""
        if self.player is None or self.track is None:
            return
        section = stretch_at(self.track.marks, self.track.seconds, self.player.position)
        if self.looped is None:
            self.loop(section or _WHOLE)
        else:
            self.loop(None if self.looped == _WHOLE else _WHOLE)

    def loop(self, stretch: Stretch | None) -> None:
        """Let a stretch go round, or nothing."""
        self.looped = stretch
        if self.player is not None:
            self.player.loop((stretch.first, stretch.last) if stretch is not None else None)

    def turn_volume(self, steps: int) -> None:
        """Play louder or softer."""
        self.volume = min(volume.FULL, max(0, self.volume + steps * volume.STEP))
        if self.player is not None:
            self.player.set_volume(volume.gain_of(self.volume))

    def hear(self, stem: str) -> None:
        """Hear a stem that the take has, at the same place."""
        self.stem = stem
        if self.track is not None:
            self.go_on_with(self.track)

    def compare(self, pair: Pair) -> None:
        """Know what is compared, and be as loud as that asks for."""
        before, self.pair = self.pair, pair
        if self.track is None or self.is_lent:
            return
        if before.gain(self.track.take) != pair.gain(self.track.take):
            self.go_on_with(self.track)

    def lend(self, recording: Path, length: float, start: float, seconds: float) -> None:
        """Play a stretch of another file of that length, again and again; times in seconds."""
        if self.player is None:
            return
        self._aside = self._aside or _Aside(self.player.position, self.player.playing)
        self.player.pause()
        self.player.load(recording, seconds=length)
        self.player.loop((start, start + seconds))
        self.player.seek(start)
        self.player.play()

    def put_back(self) -> None:
        """Have the take on again, where it was, after something else was heard."""
        aside, self._aside = self._aside, None
        if aside is None or self.player is None:
            return
        self.player.pause()
        if self.track is not None:
            self._put_on(self.track)
            self.player.seek(aside.place)
            if aside.played:
                self.player.play()

    def _put_on(self, track: Track) -> None:
        assert self.player is not None, "there is a player before there is a take"
        file, gain = track.file(self.stem), self.pair.gain(track.take)
        self.player.pause()
        self.player.load(file, seconds=track.seconds, grows=track.grows)
        if gain != 1:
            self.player.swap(file, seconds=track.seconds, grows=track.grows, gain=gain)
        self.loop(self.looped)
