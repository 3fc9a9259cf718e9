"""What could make sound, side by side: PortAudio, player programs, the browser where the person sits."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import cast

from core.audio.cue import Cue
from core.audio.seat import TAB, Seat
from core.audio.voiceplayer import Start
from core.audio.voices import Program, SoundModule, Voice
from core.environment import lead_to_sound

AUTO = "auto"
"""Prefers no backend over another."""
PORTAUDIO = "PortAudio"
BROWSER = "browser"
PAPLAY = "paplay"
PROGRAMS = (PAPLAY, "pw-play", "aplay", "ffplay", "afplay")
"""System players in the order they are tried: PulseAudio's, which PipeWire answers too, says where it is."""
_OPTIONS = {"aplay": ("-q",), "ffplay": ("-nodisp", "-autoexit", "-loglevel", "error")}
_SOON, _FAR_OFF = 400, 1500
"""Milliseconds of sound that are ahead in PulseAudio on this machine, and over a link that stutters."""
_MISSING = "not installed"
_NO_DEVICE = "PortAudio finds no output device"

Find = Callable[[str], str | None]
LoadSound = Callable[[], SoundModule]


@dataclass(frozen=True, slots=True)
class Backend:
    """One way of making sound, and whether it would work."""

    name: str
    works: bool | None
    """None where only playing tells."""
    why: str
    """What it plays through, or why it does not."""
    start: Start | None = None
    """Makes its voices; None where it does not work, and for the browser, which this machine cannot open."""
    remark: str = ""
    """Whose speakers these are, where they are not the person's."""


def backends(
    seat: Seat, find: Find, load_sound: LoadSound | None = None, *, only: str = AUTO
) -> Iterator[Backend]:
    """Every backend in the order in which they are chosen, or only one; each is looked at at its turn."""
    ways: list[tuple[str, Callable[[], Backend]]] = [
        (PAPLAY, partial(_pulse, find, seat)),
        *((name, partial(_program, name, find, seat)) for name in PROGRAMS if name != PAPLAY),
        (BROWSER, partial(Backend, BROWSER, works=True, why=TAB)),
    ]
    # PortAudio may well play on this machine, though PULSE_SERVER leads to the person's.
    load = load_sound or partial(_import_sounddevice, seat)
    ways.insert(1 if seat.is_brought else 0, (PORTAUDIO, partial(_port_audio, load, seat)))
    for name, look in ways:
        if only == AUTO or only.lower() == name.lower():
            yield look()


def missing(found: list[Backend]) -> str:
    """Why none of these plays, in a line."""
    absent = [each.name for each in found if each.why == _MISSING]
    troubles = [each.why for each in found if each.works is False and each.why != _MISSING]
    return ", ".join([*troubles, *([f"none of {', '.join(absent)} is installed"] if absent else [])])


def _pulse(find: Find, seat: Seat) -> Backend:
    executable, server = find(PAPLAY), seat.pulse
    if executable is None:
        return Backend(PAPLAY, works=False, why=_MISSING)
    if not server.address and find("pulseaudio"):
        start = _pulse_voices(executable, f"--latency-msec={_SOON}")
        return Backend(PAPLAY, None, "it starts PulseAudio when it plays", start, seat.remark)
    if server.trouble:
        return Backend(PAPLAY, works=False, why=server.trouble)
    ahead = _FAR_OFF if server.is_elsewhere else _SOON
    start = _pulse_voices(executable, f"--server={server.address}", f"--latency-msec={ahead}")
    remark = "" if server.is_elsewhere else seat.remark
    return Backend(PAPLAY, server.answers, server.words, start, remark)


def _program(name: str, find: Find, seat: Seat) -> Backend:
    executable = find(name)
    if executable is None:
        return Backend(name, works=False, why=_MISSING)
    works: bool | None = None
    why = "that shows when it plays"
    if name == "pw-play":
        works, why = not seat.pipewire, seat.pipewire or "PipeWire"
    if works is False:
        return Backend(name, works, why)
    program = Program(name, _OPTIONS.get(name, ()))
    why += "; the position is an estimate"
    return Backend(name, works, why, _program_voices(program, executable), seat.remark)


def _port_audio(load_sound: LoadSound, seat: Seat) -> Backend:
    sound, told = _sound_device(load_sound)
    if sound is not None:
        return Backend(PORTAUDIO, works=True, why=told, start=_device_voices(sound, told), remark=seat.remark)
    if told == _NO_DEVICE and seat.pulse.answers:
        told += " (it sees a sound server only with ALSA's plugin, libasound2-plugins)"
    return Backend(PORTAUDIO, works=False, why=told)


def _import_sounddevice(seat: Seat) -> SoundModule:
    if seat.pulse.place == "windows":
        lead_to_sound(seat.pulse.address)  # the library reads the variable when it is loaded
    import sounddevice

    return cast("SoundModule", sounddevice)


def _sound_device(load_sound: LoadSound) -> tuple[SoundModule | None, str]:
    """The module and its default output by name, or None and why it cannot be used."""
    from core.audio.devicevoice import look_anew, output_name

    try:
        sound = load_sound()
    except ImportError:
        return None, "sounddevice is not installed"
    except OSError:
        return None, "PortAudio is not installed"
    for looks in (1, 2):
        with contextlib.suppress(sound.PortAudioError, ValueError, KeyError):
            return sound, output_name(sound)
        if looks == 1:
            look_anew(sound)  # the list may be as old as the process
    return None, _NO_DEVICE


def _device_voices(sound: SoundModule, device: str) -> Start:
    from core.audio.devicevoice import DeviceVoice

    def start(cue: Cue, before: Voice | None, *, settle: float, volume: float) -> Voice:
        return DeviceVoice(cue, before, sound=sound, device=device, settle=settle, volume=volume)

    return start


def _program_voices(program: Program, executable: str) -> Start:
    from core.audio.programvoice import ProgramVoice

    def start(cue: Cue, before: Voice | None, *, settle: float, volume: float) -> Voice:
        return ProgramVoice(cue, before, program=program, executable=executable, settle=settle, volume=volume)

    return start


def _pulse_voices(executable: str, *options: str) -> Start:
    from core.audio.pulsevoice import PulseVoice

    program = Program(PAPLAY, (*options, "--client-name=songdesk", "--stream-name=songdesk"))

    def start(cue: Cue, before: Voice | None, *, settle: float, volume: float) -> Voice:
        return PulseVoice(cue, before, program=program, executable=executable, settle=settle, volume=volume)

    return start
