"""Player programs: what they are given, and that none outlives its player."""

import os
import subprocess
import sys
import time
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from core.audio.player import Player
from core.audio.voices import LEAD_IN

ProgramPlayer = Callable[..., Player]
RATE = 8000
ENDS = '#!/bin/sh\necho x >> "$SCRATCH/processes"\nexit 0\n'
FAILS = "#!/bin/sh\necho 'Connection refused' >&2\nexit 3\n"
STUBBORN = """#!/bin/sh
trap '' TERM
echo "$$ $$" >> "$SCRATCH/processes"
while :; do sleep 0.05; done
"""


def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.005)


def alive(process: str) -> bool:
    try:
        status = Path("/proc", process, "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rsplit(")", 1)[1].split()[0] != "Z"


def processes(scratch: Path) -> list[str]:
    noted = scratch / "processes"
    return noted.read_text().split() if noted.exists() else []


def test_a_program_gets_the_rest_of_the_file_as_plain_wav_after_a_silence(
    scratch: Path, song: Path, program_player: ProgramPlayer
) -> None:
    player = program_player()
    player.load(song)
    player.seek(3.0)
    player.play()
    until(lambda: len(processes(scratch)) == 2)
    silence = round(LEAD_IN * RATE)
    with wave.open(str(scratch / "given.wav")) as given:
        assert (given.getframerate(), given.getnframes(), given.getsampwidth()) == (RATE, silence + RATE, 2)
        assert not any(given.readframes(silence))
        first = int.from_bytes(given.readframes(1), "little", signed=True)
    assert first == pytest.approx(3 * RATE / 40_000 * 32767, abs=2)
    player.close()
    assert not list(scratch.glob("songdesk-*"))


def test_every_format_is_given_as_wav(scratch: Path, song: Path, program_player: ProgramPlayer) -> None:
    soundfile.write(song.with_suffix(".flac"), np.zeros(RATE), RATE)
    player = program_player()
    for path in (song, song.with_suffix(".flac")):
        player.load(path)
        player.play()
        known = len(processes(scratch))
        until(lambda known=known: len(processes(scratch)) > known)  # type: ignore[misc]
    player.close()
    for line in (scratch / "arguments").read_text().splitlines():
        assert line.startswith("-q ")
        assert line.endswith("rest.wav")


def test_the_silence_before_the_sound_does_not_count(
    scratch: Path, song: Path, program_player: ProgramPlayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.audio.programvoice.LEAD_IN", 60.0)
    player = program_player()
    player.load(song)
    player.seek(2.0)
    player.play()
    until(lambda: bool(processes(scratch)))
    time.sleep(0.1)
    assert player.position == 2.0
    player.close()


def test_no_process_outlives_pause_or_close(scratch: Path, song: Path, program_player: ProgramPlayer) -> None:
    player = program_player()
    player.load(song)
    player.play()
    until(lambda: len(processes(scratch)) == 2)
    player.pause()
    until(lambda: not any(map(alive, processes(scratch))))
    player.play()
    until(lambda: len(processes(scratch)) == 4)
    player.close()
    # They are killed by now; a busy machine takes a moment to take them away.
    until(lambda: not any(map(alive, processes(scratch))), 2)


def test_a_program_that_will_not_go_is_made_to(
    scratch: Path, song: Path, program_player: ProgramPlayer
) -> None:
    player = program_player(STUBBORN)
    player.load(song)
    player.play()
    until(lambda: bool(processes(scratch)))
    player.close()
    assert not any(map(alive, processes(scratch)))


LEAVE = """
import sys, time
from pathlib import Path
from core.audio.player import open_player
import shutil
def none():
    raise OSError
player = open_player(load_sound=none, find=lambda name: shutil.which(name, path=sys.argv[2]), remote=False)
player.load(Path(sys.argv[1]))
player.seek(1)
player.play()
while not (Path(sys.argv[2]) / "processes").exists():
    time.sleep(0.01)
"""


def test_leaving_without_close_leaves_no_process_and_no_word_on_the_terminal(
    scratch: Path, song: Path, program_player: ProgramPlayer
) -> None:
    program_player()
    done = subprocess.run(
        [sys.executable, "-c", LEAVE, str(song), str(scratch)],
        capture_output=True,
        check=False,
        timeout=30,
        env={**os.environ, "TMPDIR": str(scratch)},
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    until(lambda: not any(map(alive, processes(scratch))))
    assert not list(scratch.glob("songdesk-*"))


def test_a_program_that_fails_says_why(scratch: Path, song: Path, program_player: ProgramPlayer) -> None:
    player = program_player(FAILS)
    player.load(song)
    player.play()
    until(lambda: not player.playing)
    assert "aplay stopped: Connection refused" in player.reason
    assert str(song) in player.reason


def test_a_program_that_ends_is_at_the_end(scratch: Path, song: Path, program_player: ProgramPlayer) -> None:
    player = program_player(ENDS)
    player.load(song)
    player.play()
    until(lambda: not player.playing)
    assert player.position == player.duration
