"""A voice that feeds a stream of PortAudio, and can be turned to another place or file while it sounds."""

import contextlib
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from core.audio.cue import Cue
from core.audio.reel import Piece, Reel, Samples, joined
from core.audio.voices import GROWTH_TICK, LEAD_IN, TICK, DeviceLost, SoundModule, SoundStream, Voice
from core.errors import SongdeskError

_BLOCK = 2048
"""Frames read at once."""
_AHEAD = 24
"""Pieces read ahead of the device: about a second."""
_AT_START = 8
"""Pieces read before the device is started: the first ones would be gone before others are there."""
_LATENCY = 0.15
"""Seconds of sound asked to be ahead in the device: less, and a busy machine tears holes."""
_MARGIN = 0.05
"""Seconds over the latency until sound that was given is surely heard."""
_CUSHION = 1
"""Pieces still heard of the old cue while the first of the new one is read."""
_JOINT = 0.01
"""Seconds in which one cue is led over into another."""
_PATIENCE = 5.0
"""Seconds a device may ask for nothing before it is taken for dead."""


class DeviceVoice(Voice):
    """Reads ahead on its thread; the stream's callback takes what is ready and never waits."""

    def __init__(
        self,
        cue: Cue,
        before: Voice | None,
        *,
        sound: SoundModule,
        device: str = "",
        settle: float = 0.0,
        volume: float = 1.0,
    ) -> None:
        """`device` is what the sound was last said to go to."""
        super().__init__(cue, before, settle=settle, volume=volume)
        self.device = device
        self._sound = sound
        self._look_anew = False
        self._lock = threading.Lock()
        self._is_over = False
        self._next: tuple[int, Cue, bool] | None = None
        self._order = 0
        """Counts the cues it was given; the others are those of what is read and of what is heard."""
        self._read_order = 0
        self._heard_order = -1
        self._promised = cue.begin
        self._ready: deque[Piece] = deque()
        self._rest: Samples = np.zeros((0, 1), np.float32)
        self._place = 0
        self._since = 0
        """Frames given since the last leap, and frames of silence since the last sound."""
        self._quiet = 0
        self._lag = 0
        """Frames that are given and not heard yet."""
        self._rate = 1
        self._starved = False
        self._lead = self._given = 0
        """Frames of silence still to be given first, and frames of sound given to the stream that is open."""
        self._scale = volume
        self._calls = 0
        self._still = 0

    @property
    def position(self) -> float:
        """Where in the file is what can be heard now (s)."""
        if self._heard_order != self._order:
            return self._promised
        unheard = max(0, min(self._lag, self._since) - self._quiet)
        return (self._place - unheard) / self._rate

    def turn(self, cue: Cue, *, follow: bool) -> bool:
        """Go on with another cue without a gap; only the last one given counts."""
        with self._lock:
            if self._is_over or not self.sounding:
                return False
            self._promised = self.position if follow else cue.begin
            if self._heard_order != self._order and follow:
                # Nothing is heard yet of the cue that it follows: where that one was to begin still holds.
                cue, follow = replace(cue, begin=self._promised), False
            self._order += 1
            self._next, self.cue = (self._order, cue, follow), cue
        return True

    def set_volume(self, volume: float) -> bool:
        """Sound louder or softer with the next buffer."""
        self.volume = volume
        return True

    def fill(self, buffer: memoryview, frames: int, _when: object, _status: object) -> None:
        """The stream's callback: sound as far as it is ready, then silence."""
        self._calls += 1
        out = np.frombuffer(buffer, np.float32).reshape(frames, -1)
        done = min(self._lead, frames)
        self._lead -= done
        out[:done] = 0
        while done < frames:
            if not len(self._rest) and not self._next_piece():
                break
            part = self._rest[: frames - done]
            out[done : done + len(part)] = part
            self._rest = self._rest[len(part) :]
            self._place += len(part)
            self._since += len(part)
            self._given += len(part)
            done += len(part)
        out[done:] = 0
        self._quiet = self._quiet + frames - done if done < frames else 0
        volume = self.volume
        if volume != 1 or self._scale != 1:
            # From the old volume to the new one within the buffer: a step would click.
            out *= np.linspace(self._scale, volume, frames, dtype=np.float32)[:, None]
            self._scale = volume

    def _next_piece(self) -> bool:
        # Cleared before looking and set after, so that an empty queue and then this sign are the end.
        self._starved = False
        try:
            piece = self._ready.popleft()
        except IndexError:
            self._starved = True
            return False
        if piece.place != self._place:
            self._since = 0
        self._rest, self._place, self._heard_order = piece.samples, piece.place, piece.order
        return True

    def _follow(self, before: Voice) -> None:
        """After a device was lost, PortAudio must look again for what there is."""
        self._look_anew = bool(before.trouble)
        if isinstance(before, DeviceVoice):
            self.device = before.device

    def _heard(self) -> float:
        return max(0, self._given - self._lag) / self._rate

    def _stay(self) -> float:
        with self._lock:
            self._promised = place = self.position
            self._order += 1
            self.cue = replace(self.cue, begin=place)
            self._next = (self._order, self.cue, False)
        self._ready.clear()
        self._given, self._look_anew = 0, True
        return place

    def _play(self) -> None:
        if self._look_anew:
            look_anew(self._sound)
        self._name_device()
        ordered = self._ordered()
        cue: Cue | None = ordered[0] if ordered is not None else self.cue
        while cue is not None:
            with contextlib.ExitStack() as stack:
                reel = Reel(cue, _BLOCK)
                self._rate, self._rest = reel.rate, np.zeros((0, reel.channels), np.float32)
                self._lead, self._given = round(LEAD_IN * reel.rate), 0
                stack.enter_context(self._sound_errors())
                stream = stack.enter_context(self._stream(reel))
                cue = self._feed(stream, reel)

    def _name_device(self) -> None:
        try:
            name = output_name(self._sound)
        except (self._sound.PortAudioError, ValueError, KeyError) as error:
            raise DeviceLost("there is no sound device any more") from error
        if self.device and name != self.device:
            if self.away:
                # What was heard in headphones is not to go on through speakers by itself.
                raise SongdeskError(f"{self.device} is gone: paused, play goes on through {name}")
            self.said = f"through PortAudio: {name} now, {self.device} is gone"
        self.device = name

    def _feed(self, stream: SoundStream, reel: Reel) -> Cue | None:
        """Keep the stream fed to the end; returns a cue that needs a stream of another kind."""
        try:
            while self._goes_on(stream):
                ordered = self._ordered()
                if ordered is not None:
                    cue, follow = ordered
                    after = Reel(cue, _BLOCK)
                    if (after.rate, after.channels) != (reel.rate, reel.channels):
                        self._ready.clear()
                        return replace(cue, begin=self._promised)
                    self._join(reel, after, follow=follow)
                    reel = after
                elif len(self._ready) >= _AHEAD:
                    self._tick(TICK)
                elif not self._read(reel) and self._is_at_the_end(reel):
                    return None
            return None
        finally:
            reel.close()

    def _read(self, reel: Reel) -> bool:
        """Put the next piece down; False when there is none now."""
        piece = reel.read()
        self.known = reel.seconds
        if piece is None:
            return False
        self._ready.append(replace(piece, order=self._read_order))
        self.waiting = False
        return True

    def _is_at_the_end(self, reel: Reel) -> bool:
        """Rest a little where nothing can be read; True once all is heard and nobody wants more."""
        silent = not self._ready and self._starved
        self.waiting = reel.cue.grows and silent
        if reel.cue.grows:
            self._tick(GROWTH_TICK)
            return False
        with self._lock:
            if silent and self._next is None:
                self._is_over = self.reached_end = True
                return True
        self._tick(TICK)
        return False

    def _ordered(self) -> tuple[Cue, bool] | None:
        with self._lock:
            if self._next is None:
                return None
            self._read_order, cue, follow = self._next
            self._next = None
            return cue, follow

    def _join(self, before: Reel, after: Reel, *, follow: bool) -> None:
        """Put the new cue's sound in the place of what was read ahead of the old one."""
        ahead = self._ready.copy()
        joint = ahead[_CUSHION] if len(ahead) > _CUSHION else None
        if follow:
            after.go_to(joint.place if joint is not None else self._place)
        first = after.read()
        self.known = after.seconds
        before.close()
        if self._take_back(joint) and first is not None and joint is not None:
            count = round(_JOINT * after.rate)
            first = replace(first, samples=joined(joint.samples, first.samples, count))
        if first is not None:
            self._ready.append(replace(first, order=self._read_order))

    def _take_back(self, joint: Piece | None) -> bool:
        """Take pieces off the end as far as the joint; False when the callback has come to it first."""
        with contextlib.suppress(IndexError):
            while joint is not None:
                if self._ready.pop() is joint:
                    return True
        return False

    def _goes_on(self, stream: SoundStream) -> bool:
        if self._halt.is_set():
            return False
        if not stream.active:
            raise DeviceLost("the sound device stopped")
        if self._still * TICK > _PATIENCE:
            raise DeviceLost("the sound device takes no more sound")
        self._heed_sleep()
        self._is_back()
        return True

    def _tick(self, seconds: float) -> None:
        """Rest, and count how long the device has asked for nothing while this thread was awake."""
        before = self._calls
        self._halt.wait(seconds)
        self._still = self._still + 1 if self._calls == before else 0

    @contextlib.contextmanager
    def _sound_errors(self) -> Iterator[None]:
        try:
            yield
        except self._sound.PortAudioError as error:
            raise DeviceLost(f"the sound device cannot be used: {error}") from error

    @contextlib.contextmanager
    def _stream(self, reel: Reel) -> Iterator[SoundStream]:
        stream = self._sound.RawOutputStream(
            samplerate=reel.rate,
            channels=reel.channels,
            dtype="float32",
            latency=_LATENCY,
            callback=self.fill,
        )
        try:
            self._still, self._lag = 0, round(stream.latency * reel.rate)
            while len(self._ready) < _AT_START and self._read(reel):
                pass
            stream.start()
            yield stream
            if self.reached_end:
                # Stopping takes away what is not heard yet; silence is given meanwhile.
                self._halt.wait(stream.latency + _MARGIN)
                stream.stop()
        finally:
            stream.close()


def output_name(sound: SoundModule) -> str:
    """What PortAudio calls the device that sound goes to; raises PortAudioError when there is none."""
    return str(sound.query_devices(kind="output")["name"])


def look_anew(sound: SoundModule) -> None:
    """Let PortAudio list the devices again, which it does only when it starts; no stream may be open."""
    for step in ("_terminate", "_initialize"):
        with contextlib.suppress(sound.PortAudioError):
            getattr(sound, step, lambda: None)()
