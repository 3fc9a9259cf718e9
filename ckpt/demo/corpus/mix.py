"""Players and voice in one stereo picture: places, a room, the kick's breathing, and a common loudness."""

from collections.abc import Sequence

import numpy as np

from corpus import kit as drums
from corpus.filters import band
from corpus.instruments import LENGTH, note, release
from corpus.loudness import limited, lufs
from corpus.players import Part
from corpus.reverb import room
from corpus.rhythm import Stroke
from corpus.types import RATE, Track, Wave, wave

TARGET = -16.0
"""LUFS of a song."""
VOICE_OVER = 1.5
"""LU that the voice lies above the backing while it is sung."""
_VOICE_SEND = 0.13
_DOUBLES = ((0.013, -0.7), (0.019, 0.7))
"""Seconds and places of the voice's doubles."""
_DOUBLE = 0.16
_DRIVE = 7.0
_LATE = int(0.011 * RATE)
"""Samples by which a part's copy on the other side is late."""


def backing(
    parts: Sequence[Part], strokes: Sequence[Stroke], *, kit: str, count: int, drum_gain: float, pumps: bool
) -> Wave:
    """Everything but the voice [2, n]."""
    dry = np.zeros((2, count), dtype=np.float32)
    send = np.zeros(count, dtype=np.float32)
    duck = _ducking(strokes, count) if pumps else None
    for part in parts:
        sound = _played(part, count)
        if duck is not None and part.role != "lead":
            sound *= duck
        dry += _placed(sound, part.pan, part.gain)
        if part.width:
            dry[:, _LATE:] += _placed(sound[:-_LATE], -part.pan * 2.0, part.gain * part.width)
        send += sound * (part.gain * part.send)
    for drum in sorted({stroke.drum for stroke in strokes}):
        sound = _drummed(drum, kit, strokes, count)
        dry += _placed(sound, drums.PANS.get(drum, 0.0), drum_gain)
        send += sound * (drum_gain * (0.0 if drum == "kick" else 0.05))
    return wave(dry + room(send))


def vocal(lines: Sequence[tuple[float, Wave, bool]], count: int) -> Wave:
    """Sung lines [2, n], each with its time (s) and whether it is doubled; nothing at all without lines."""
    if not lines:
        return np.zeros((2, count), dtype=np.float32)
    middle, doubled = np.zeros(count, dtype=np.float32), np.zeros(count, dtype=np.float32)
    for start, sound, is_doubled in lines:
        _add(middle, sound, round(start * RATE))
        if is_doubled:
            _add(doubled, sound, round(start * RATE))
    dry = np.stack([middle, middle])
    for late, pan in _DOUBLES:
        shift = round(late * RATE)
        dry[:, shift:] += _placed(doubled[: count - shift], pan, _DOUBLE)
    return wave(dry + room(middle * _VOICE_SEND))


def mastered(voice: Wave, rest: Wave, sung: tuple[tuple[float, float], ...]) -> tuple[Wave, Wave]:
    """Both stems so that the voice is clear and their sum has the common loudness, peaks below -1 dBFS."""
    here = lufs(voice, sung)
    under = lufs(rest, sung) if sung else -np.inf
    if np.isfinite(here):
        voice = wave(voice * 10 ** ((max(under, -45.0) + VOICE_OVER - here) / 20))
    loud = lufs(wave(voice + rest))
    if not np.isfinite(loud):
        return voice, rest
    gain = np.float32(10 ** ((TARGET - loud) / 20))
    voice, rest = limited((voice * gain, rest * gain))
    return voice, rest


def _played(part: Part, count: int) -> Wave:
    """A part's notes as mono sound."""
    sound = np.zeros(count, dtype=np.float32)
    fall = release(part.timbre)
    for play in part.plays:
        length = int(min(play.seconds + fall, LENGTH) * RATE)
        own = note(part.timbre, play.pitch)[:length] * np.float32(play.force)
        ending = min(length, int(fall * RATE))
        own[-ending:] *= _fade(ending)
        _add(sound, own, int(play.start * RATE))
    if part.timbre == "distorted guitar":
        sound = band(wave(np.tanh(sound * _DRIVE) * 0.16), 90.0, 4200.0)
    return sound


def _drummed(drum: str, kit: str, strokes: Sequence[Stroke], count: int) -> Wave:
    sound = np.zeros(count, dtype=np.float32)
    own = drums.stroke(kit, drum)
    for one in strokes:
        if one.drum == drum:
            _add(sound, own * np.float32(one.force), int(one.start * RATE))
    return sound


def _ducking(strokes: Sequence[Stroke], count: int) -> Wave:
    """The gain [n] that every kick pulls down and that comes back within a quarter of a second."""
    length = int(0.26 * RATE)
    dip = np.linspace(0.35, 1.0, length, dtype=np.float32) ** np.float32(0.7)
    gain = np.ones(count, dtype=np.float32)
    for one in strokes:
        if one.drum == "kick":
            at = int(one.start * RATE)
            gain[at : at + length] = np.minimum(gain[at : at + length], dip[: max(0, count - at)])
    return gain


def _placed(sound: Wave, pan: float, gain: float) -> Wave:
    """Mono sound [n] at a place between left and right [2, n], equally strong everywhere."""
    angle = (pan + 1.0) * np.pi / 4.0
    return wave(
        np.stack([sound * np.float32(gain * np.cos(angle)), sound * np.float32(gain * np.sin(angle))])
    )


def _add(sound: Wave, own: Wave, at: int) -> None:
    """Add what of `own` [m] falls within `sound` [n] when it begins at that sample."""
    first = max(0, -at)
    last = min(len(own), len(sound) - at)
    if last > first:
        sound[at + first : at + last] += own[first:last]


def _fade(count: int) -> Wave:
    ramp: Track = np.linspace(1.0, 0.0, count)
    return wave(ramp**1.5)
