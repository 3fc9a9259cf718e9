"""The three codes of each frame of a song, by rule from what is known of it: nothing is rendered or heard."""

import heapq
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from core.levo.shapes import CODEBOOKS, FRAME_RATE
from corpus import groove, players, rhythm
from corpus.form import BEATS, TAIL
from corpus.song import Section, Song
from train.mouth import sounding, voiced
from train.symbols import (
    BARS,
    CODES,
    DRUM_OF,
    DRUMS,
    HOLDS,
    LINES,
    NOTES,
    PLACES,
    quality,
    sound_code,
)

Codes = npt.NDArray[np.int16]
Event = tuple[int, int, int, int]
"""The first frame it may stand on, its rank there, its place among its like, its code."""
_ORDER = ("section", "voice", "bar", "beat", "chord", "half")
_RANKS = {name: rank for rank, name in enumerate(_ORDER)}
_LOUD = 0.75
"""Force from which a stroke is a loud one."""
_AHEAD = {"section": 10, "chord": 5, "line": 3, "place": 1}
"""Frames by which things are told before they begin: a breath follows its section, a sound its place."""


def codes_of(song: Song) -> Codes:
    """Codes int16 [3, frames] of a song: mix, vocal, backing; frames are the song's seconds × 25, rounded.

    An event is on the frame within which it happens. In codebook 0 one that finds its frame taken by a more
    important one waits for the next.
    """
    frames = round(song.seconds * FRAME_RATE)
    since = _since_beat(song, frames)
    codes = np.zeros((CODEBOOKS, frames), dtype=np.int16)
    codes[1] = voiced(song, frames)
    codes[2] = _backing(song, since)
    codes[0] = _mix(song, since, codes[1] > 0)
    return codes


def frame_at(seconds: float) -> int:
    """The frame within which a time lies; what is before the song is in its first."""
    return max(0, int(seconds * FRAME_RATE + 1e-6))


def _end(song: Song) -> int:
    """The frame behind the last bar."""
    return frame_at(song.seconds - TAIL)


def _beats(song: Song) -> int:
    return len(song.chords) * BEATS


def _since_beat(song: Song, frames: int) -> npt.NDArray[np.int64]:
    """Frames since the last beat, [frames]; the song's end counts as one."""
    starts = np.array([frame_at(beat * song.beat) for beat in range(_beats(song))] + [_end(song)])
    last = np.searchsorted(starts, np.arange(frames), side="right") - 1
    return np.asarray(np.arange(frames) - starts[last])


def _mix(song: Song, since: npt.NDArray[np.int64], sung: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    first = CODES[0]["hold", HOLDS[0], 0]
    codes = first + 2 * (np.clip(since, HOLDS[0], HOLDS[-1]) - HOLDS[0]) + sung
    waiting: list[tuple[int, int, int]] = []
    events = sorted(_events(song))
    at = 0
    for frame in range(len(codes)):
        while at < len(events) and events[at][0] <= frame:
            heapq.heappush(waiting, events[at][1:])
            at += 1
        if waiting:
            codes[frame] = heapq.heappop(waiting)[2]
        elif at == len(events):
            break
    return codes


def _events(song: Song) -> Iterator[Event]:
    table = CODES[0]
    yield _end(song), 0, 0, table["end",]
    yield from _measures(song)
    bpm, swing = song.style.bpm, song.style.family.swing
    for beat in range(_beats(song)):
        if beat % BEATS:
            yield frame_at(beat * song.beat), _RANKS["beat"], beat, table["beat", beat % BEATS + 1]
        yield (
            frame_at(groove.seconds_at(beat + 0.5, bpm=bpm, swing=swing)),
            _RANKS["half"],
            beat,
            table["half",],
        )
    for order, (frame, code) in enumerate(_sung(song)):
        # Behind one another wherever they come to stand: the same rank, and next in order.
        yield frame, _RANKS["voice"], order, code


def _sung(song: Song) -> Iterator[tuple[int, int]]:
    """Lines, and of each syllable its place, its sound and its pitch, with their frames.

    The place is what a model that told a wrong sound goes on from.
    """
    table = CODES[0]
    for section in song.sections:
        for number, line in enumerate(section.lines):
            for at, (begin, one) in enumerate(sounding(line)):
                frame = frame_at(begin)
                if at == 0:
                    yield max(0, frame - _AHEAD["line"]), table["line", number % LINES]
                yield max(0, frame - _AHEAD["place"]), table["place", min(at, PLACES[-1])]
                yield frame, sound_code(one.sound)
                yield frame + 1, table["pitch", one.pitch]


def _measures(song: Song) -> Iterator[Event]:
    """Sections, bars and chords."""
    table = CODES[0]
    for section in song.sections:
        told = max(0, frame_at(section.start) - _AHEAD["section"])
        yield told, _RANKS["section"], section.block.start, table["section", section.tag]
        block = section.block
        for bar in range(block.bars):
            at, chord = frame_at((block.start + bar) * BEATS * song.beat), song.chords[block.start + bar]
            yield at, _RANKS["bar"], bar, table["bar", bar % BARS]
            harmony = table["chord", chord.classes[0], quality(chord.classes)]
            yield max(0, at - _AHEAD["chord"]), _RANKS["chord"], bar, harmony


def _notes(song: Song) -> Iterator[players.Play]:
    """Notes of the lead where nobody sings."""
    parts = [part for part in players.ensemble(song) if part.role == "lead"]
    alone = [section for section in song.sections if not section.sung]
    for part in parts:
        for note in part.plays:
            if any(section.start <= note.start + 1e-6 < section.end for section in alone):
                yield note


def _backing(song: Song, since: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    codes = np.zeros(len(since), dtype=np.int64)
    for section in song.sections:
        if section.tag != "silence":
            _accompany(codes, song, section, since)
    taken = np.zeros(len(codes) + 1, dtype=bool)
    for frame, code in _strokes(song):
        if frame < len(codes):
            codes[frame], taken[frame] = code, True
    for note in _notes(song):
        frame = frame_at(note.start)
        frame += int(taken[frame]) if frame < len(codes) else 0
        if frame < len(codes) and not taken[frame]:
            codes[frame], taken[frame] = CODES[2]["note", note.pitch % NOTES], True
    return codes


def _accompany(
    codes: npt.NDArray[np.int64], song: Song, section: Section, since: npt.NDArray[np.int64]
) -> None:
    """Harmony on odd frames since the beat, who plays on even ones."""
    table, style, block = CODES[2], song.style, section.block
    level = "full" if players.is_loud(block) else "quiet"
    chords, lead = style.timbre("chords"), style.timbre("lead")
    if chords == "electric guitar" and style.family.name == "rock":
        chords = "distorted guitar"
    texture = style.timbre("texture") if style.is_named("texture") or style.energy > 0.15 else ""
    who = table["players", chords, style.timbre("bass")]
    colour = table["colours", lead, texture]
    for bar in range(block.start, block.start + block.bars):
        first, last = (frame_at((bar + more) * BEATS * song.beat) for more in (0, 1))
        told, part = song.chords[bar].classes, since[first:last]
        harmony = table["chord", style.family.name, level, told[0], quality(told)]
        codes[first:last] = np.where(part % 2 == 1, harmony, np.where(part % 4 == 0, who, colour))


def _strokes(song: Song) -> Iterator[tuple[int, int]]:
    """Frames with a stroke, and its code; what is struck within one frame counts as one."""
    kit = rhythm.kit(song)
    struck: list[tuple[int, set[str], float]] = []
    for one in sorted(rhythm.strokes(song), key=lambda stroke: stroke.start):
        frame = frame_at(one.start + 0.004)  # strokes are a few milliseconds early or late
        if struck and frame == struck[-1][0]:
            at, drums, force = struck.pop()
            struck.append((at, drums | {DRUM_OF[one.drum]}, max(force, one.force)))
        else:
            struck.append((frame, {DRUM_OF[one.drum]}, one.force))
    for frame, drums, force in struck:
        name = next((strong for strong in ("crash", "tom") if strong in drums), "")
        plain = " ".join(drum for drum in DRUMS[:3] if drum in drums) or "click"
        yield frame, CODES[2]["stroke", kit, name or plain, "loud" if force >= _LOUD else "soft"]
