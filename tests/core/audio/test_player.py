"""Playing takes: the choice of a backend, and the same behaviour of all of them."""

import os
import shutil
import stat
import subprocess
import sys
import threading
import time
import wave
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
import soundfile
from cffi import FFI  # type: ignore[import-untyped]

from core.audio.player import Player, open_player
from core.audio.voices import SoundModule, SoundStream
from core.errors import SongdeskError

RATE = 8000


def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.005)


class FakePortAudioError(Exception):
    """Stands for sounddevice.PortAudioError."""


class FakeStream:
    """Calls back as PortAudio does, `speed` times as fast, with a real byte buffer of C."""

    def __init__(self, sound: "FakeSound", channels: int, callback: Callable[..., None]) -> None:
        self.sound = sound
        self.active = False
        self._channels = channels
        self._callback = callback
        self._thread = threading.Thread(target=self._call)
        self._over = threading.Event()

    def start(self) -> None:
        self.sound.open_streams += 1
        assert self.sound.open_streams == 1, "two voices at once"
        self.active = True
        self._thread.start()

    def stop(self) -> None:
        self._end()

    def close(self) -> None:
        self._end()
        self.sound.open_streams -= 1

    def _end(self) -> None:
        self._over.set()
        self._thread.join()
        self.active = False

    def _call(self) -> None:
        frames = 100
        ffi = FFI()
        while not self._over.wait(frames / RATE / self.sound.speed):
            if self.sound.unplugged:
                self.active = False
                return
            data = ffi.new("float[]", [0.99] * frames * self._channels)
            self._callback(ffi.buffer(data), frames, None, None)
            self.sound.heard += list(data)


class FakeSound:
    """The module sounddevice, with an ear."""

    PortAudioError: type[Exception] = FakePortAudioError

    def __init__(self, *, speed: float = 1.0, device: bool = True, busy: bool = False) -> None:
        self.speed = speed
        self.heard: list[float] = []
        self.open_streams = 0
        self.unplugged = False
        self._device = device
        self._busy = busy

    def query_devices(self, device: int | None = None, kind: str | None = None) -> Mapping[str, object]:
        if not self._device:
            raise FakePortAudioError("Error querying device -1")
        return {"name": "Imaginary Speakers"}

    def RawOutputStream(
        self, *, samplerate: int, channels: int, dtype: str, callback: Callable[..., None]
    ) -> SoundStream:
        assert (samplerate, dtype) == (RATE, "float32")
        if self._busy:
            raise FakePortAudioError("Device unavailable")
        return FakeStream(self, channels, callback)


def no_portaudio() -> SoundModule:
    raise OSError("PortAudio library not found")


def no_program(name: str) -> str | None:
    return None


@pytest.fixture
def song(tmp_path: Path) -> Path:
    """Four seconds, mono; sample n has the value n / 40000, so that a place can be heard."""
    soundfile.write(tmp_path / "song.wav", ramp(), RATE, subtype="FLOAT")
    return tmp_path / "song.wav"


def ramp() -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return (np.arange(4 * RATE) / 40_000).astype(np.float32)


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
ENDS = '#!/bin/sh\necho x >> "$SCRATCH/processes"\nexit 0\n'
FAILS = "#!/bin/sh\necho 'Connection refused' >&2\nexit 3\n"
STUBBORN = """#!/bin/sh
trap '' TERM
echo "$$ $$" >> "$SCRATCH/processes"
while :; do sleep 0.05; done
"""


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setenv("SCRATCH", str(folder))
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def install(folder: Path, script: str, name: str = "aplay") -> None:
    program = folder / name
    program.write_text(script)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


def find_in(folder: Path) -> Callable[[str], str | None]:
    return lambda name: shutil.which(name, path=str(folder))


def alive(process: str) -> bool:
    status = Path("/proc", process, "stat")
    return status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def processes(scratch: Path) -> list[str]:
    noted = scratch / "processes"
    return noted.read_text().split() if noted.exists() else []


def program_player(scratch: Path, script: str, name: str = "aplay") -> Player:
    install(scratch, script, name)
    return open_player(load_sound=no_portaudio, find=find_in(scratch), remote=False)


@pytest.fixture(params=["PortAudio", "aplay"])
def player(request: pytest.FixtureRequest, scratch: Path) -> Iterator[Player]:
    if request.param == "PortAudio":
        opened = open_player(load_sound=FakeSound, find=no_program, remote=False)
    else:
        opened = program_player(scratch, PLAYS)
    yield opened
    opened.close()


def test_a_loaded_file_waits_silently_at_its_beginning(player: Player, song: Path) -> None:
    player.load(song)
    assert (player.duration, player.position, player.playing) == (4.0, 0.0, False)


def test_play_moves_on_and_pause_stays(player: Player, song: Path) -> None:
    player.load(song)
    player.play()
    assert player.playing
    until(lambda: player.position > 0.05)
    player.pause()
    stayed = player.position
    until(lambda: not player.playing, 0)
    assert 0.05 < stayed < 4
    time.sleep(0.1)
    assert player.position == stayed
    player.play()
    until(lambda: player.position > stayed)
    assert player.playing


def test_seek_goes_on_playing_from_the_place_or_stays_silent_there(player: Player, song: Path) -> None:
    player.load(song)
    player.seek(2.5)
    assert (player.position, player.playing) == (2.5, False)
    player.play()
    until(lambda: player.position > 2.5)
    player.seek(1.0)
    assert player.playing
    assert 1.0 <= player.position < 2.5
    player.seek(-5)
    assert player.position < 1
    player.pause()
    player.seek(99)
    assert player.position == 4.0


def test_many_seeks_at_once_end_at_the_last(player: Player, song: Path) -> None:
    player.load(song)
    player.play()
    for place in range(20):
        player.seek(place / 10)
    until(lambda: player.position > 1.9)
    assert player.playing


def test_controls_return_at_once(player: Player, song: Path) -> None:
    player.load(song)
    for action in (player.play, lambda: player.seek(1), player.pause, player.play, player.pause):
        started = time.perf_counter()
        action()
        assert time.perf_counter() - started < 0.5


def test_a_missing_file_is_one_clear_error_and_the_player_goes_on(player: Player, song: Path) -> None:
    player.load(song)
    with pytest.raises(SongdeskError, match="no such sound file"):
        player.load(song.parent / "none.wav")
    assert player.duration == 4.0
    player.play()
    assert player.playing


def test_without_a_file_nothing_happens(player: Player) -> None:
    player.play()
    player.pause()
    player.seek(3)
    assert (player.playing, player.position, player.duration) == (False, 0.0, 0.0)


def test_the_device_hears_every_sample_once_and_in_order(song: Path) -> None:
    sound = FakeSound(speed=20)
    player = open_player(load_sound=lambda: sound, find=no_program, remote=False)
    player.load(song)
    player.seek(1.0)
    player.play()
    until(lambda: not player.playing)
    heard = np.array(sound.heard, np.float32)
    first, last = np.flatnonzero(heard)[[0, -1]]
    span = heard[first : last + 1]
    assert np.array_equal(span[span != 0], ramp()[RATE:])
    assert player.position == 4.0
    assert sound.open_streams == 0


def test_play_at_the_end_begins_again(song: Path) -> None:
    player = open_player(load_sound=lambda: FakeSound(speed=20), find=no_program, remote=False)
    player.load(song)
    player.seek(4.0)
    player.play()
    assert player.position < 3.9
    player.close()


def test_a_device_in_use_is_a_reason_with_the_files_place(song: Path) -> None:
    player = open_player(load_sound=lambda: FakeSound(busy=True), find=no_program, remote=False)
    player.load(song)
    player.play()
    until(lambda: not player.playing)
    assert "Device unavailable" in player.reason
    assert str(song) in player.reason


def test_a_device_pulled_out_while_playing_is_a_reason(song: Path) -> None:
    sound = FakeSound()
    player = open_player(load_sound=lambda: sound, find=no_program, remote=False)
    player.load(song)
    player.play()
    until(lambda: player.position > 0)
    sound.unplugged = True
    until(lambda: not player.playing)
    assert "stopped" in player.reason
    assert sound.open_streams == 0
    assert 0 < player.position < 4


def test_a_program_gets_the_rest_of_the_file_as_plain_wav(scratch: Path, song: Path) -> None:
    player = program_player(scratch, PLAYS)
    player.load(song)
    player.seek(3.0)
    player.play()
    until(lambda: len(processes(scratch)) == 2)
    with wave.open(str(scratch / "given.wav")) as given:
        assert (given.getframerate(), given.getnframes(), given.getsampwidth()) == (RATE, RATE, 2)
        first = int.from_bytes(given.readframes(1), "little", signed=True)
    assert first == pytest.approx(3 * RATE / 40_000 * 32767, abs=2)
    player.close()
    assert not list(scratch.glob("songdesk-*"))


def test_a_program_gets_a_wav_itself_from_the_beginning_and_other_formats_converted(
    scratch: Path, song: Path
) -> None:
    soundfile.write(song.with_suffix(".flac"), ramp(), RATE)
    player = program_player(scratch, PLAYS)
    for path in (song, song.with_suffix(".flac")):
        player.load(path)
        player.play()
        known = len(processes(scratch))
        until(lambda known=known: len(processes(scratch)) > known)  # type: ignore[misc]
    player.close()
    first, second = (scratch / "arguments").read_text().splitlines()
    assert first == f"-q {song}"
    assert second.endswith("rest.wav")


def test_ffplay_seeks_by_itself(scratch: Path, song: Path) -> None:
    player = program_player(scratch, PLAYS, "ffplay")
    player.load(song)
    player.seek(1.25)
    player.play()
    until(lambda: bool(processes(scratch)))
    player.close()
    assert (scratch / "arguments").read_text().strip().endswith(f"-ss 1.250 {song}")


def test_no_process_outlives_pause_or_close(scratch: Path, song: Path) -> None:
    player = program_player(scratch, PLAYS)
    player.load(song)
    player.play()
    until(lambda: len(processes(scratch)) == 2)
    player.pause()
    until(lambda: not any(map(alive, processes(scratch))))
    player.play()
    until(lambda: len(processes(scratch)) == 4)
    player.close()
    assert not any(map(alive, processes(scratch)))


def test_a_program_that_will_not_go_is_made_to(scratch: Path, song: Path) -> None:
    player = program_player(scratch, STUBBORN)
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
    scratch: Path, song: Path
) -> None:
    install(scratch, PLAYS)
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


def test_a_program_that_fails_says_why(scratch: Path, song: Path) -> None:
    player = program_player(scratch, FAILS, "paplay")
    player.load(song)
    player.play()
    until(lambda: not player.playing)
    assert "paplay stopped: Connection refused" in player.reason
    assert str(song) in player.reason


def test_a_program_that_ends_is_at_the_end(scratch: Path, song: Path) -> None:
    player = program_player(scratch, ENDS)
    player.load(song)
    player.play()
    until(lambda: not player.playing)
    assert player.position == player.duration


def test_a_file_that_vanishes_before_play_is_a_reason(player: Player, song: Path) -> None:
    player.load(song)
    player.seek(1)
    song.unlink()
    player.play()
    until(lambda: not player.playing)
    assert "no such sound file" in player.reason


def test_backends_are_tried_in_order(scratch: Path) -> None:
    for name in ("afplay", "ffplay", "aplay", "paplay", "pw-play"):
        assert program_player(scratch, ENDS, name).backend == name
    through_device = open_player(load_sound=FakeSound, find=find_in(scratch), remote=False)
    assert through_device.backend == "PortAudio"
    assert "Imaginary Speakers" in through_device.reason
    without_device = open_player(
        load_sound=lambda: FakeSound(device=False), find=find_in(scratch), remote=False
    )
    assert without_device.backend == "pw-play"
    assert "no output device" in without_device.reason
    assert "estimate" in without_device.reason


def test_without_any_backend_the_reason_says_why_and_where_the_file_is(song: Path) -> None:
    player = open_player(load_sound=no_portaudio, find=no_program, remote=False)
    player.load(song)
    player.play()
    assert (player.backend, player.can_seek, player.playing, player.duration) == ("none", False, False, 4.0)
    for part in ("PortAudio is not installed", "paplay", str(song)):
        assert part in player.reason


@pytest.mark.parametrize("find", [no_program, lambda name: "/bin/true"])
def test_over_ssh_the_server_is_named_as_the_place_of_the_sound(find: Callable[[str], str | None]) -> None:
    assert "on the server" in open_player(load_sound=no_portaudio, find=find, remote=True).reason
    assert "on the server" not in open_player(load_sound=no_portaudio, find=find, remote=False).reason


def test_a_machine_as_it_is_gets_some_player() -> None:
    player = open_player()
    assert player.reason
    player.close()


def test_importing_the_player_costs_neither_torch_nor_numpy() -> None:
    code = "import sys, core.audio.player; sys.exit(bool({'torch', 'numpy', 'soundfile'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
