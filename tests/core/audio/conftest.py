"""A song to play, and a player program that pretends."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from core.audio.player import Player, open_player
from core.audio.pulse import PulseServer
from core.audio.seat import Seat
from core.audio.voices import SoundModule

RATE = 8000
SERVERS = Seat(pulse=PulseServer("unix:/imagined/native", answers=True, trouble=""), pipewire="")
"""Where PulseAudio and PipeWire run."""
# A program that plays: it notes its arguments and process, keeps a copy of what it is given, and waits.
PLAYS = """#!/bin/sh
echo "$@" >> "$SCRATCH/arguments"
for last; do :; done
cp "$last" "$SCRATCH/given.wav"
echo "noise on the terminal"; echo "noise on the terminal" >&2
sleep 1000 &
echo "$$ $!" >> "$SCRATCH/processes"
wait
"""


@pytest.fixture
def song(tmp_path: Path) -> Path:
    """Four seconds, mono; sample n has the value n / 40000, so that a place can be heard."""
    soundfile.write(
        tmp_path / "song.wav", np.arange(4 * RATE, dtype=np.float32) / 40_000, RATE, subtype="FLOAT"
    )
    return tmp_path / "song.wav"


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setenv("SCRATCH", str(folder))
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def no_portaudio() -> SoundModule:
    raise OSError("PortAudio library not found")


@pytest.fixture
def program_player(scratch: Path) -> Callable[..., Player]:
    """Install a script as a player program and open a player that finds it there alone."""

    def install(script: str = PLAYS, *, name: str = "aplay") -> Player:
        (scratch / name).write_text(script)
        (scratch / name).chmod(0o755)
        found = lambda wanted: shutil.which(wanted, path=str(scratch))  # noqa: E731
        return open_player(load_sound=no_portaudio, find=found, seat=SERVERS)

    return install
