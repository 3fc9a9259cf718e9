"""`songdesk render` of songs led by recordings: sound, stems, and one line for what cannot be heard."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core.audio.files import info, read
from core.cli import main
from core.levo.artifacts import Conditions
from tests.core.levo.conditions.led import be_brisk, short_hearing
from tests.core.levo.conditions.music import music, save, save_with_stems

BOATS = {"idx": "boats", "gt_lyric": "[verse] Paper boats. ; [chorus] Hold the line.", "descriptions": "pop"}
SHORT = ("--seed", "1", "--set", "length=2")

Render = Callable[..., int]


@pytest.fixture
def render(toy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Render:
    """Write songs and run the command on them in a folder of its own; nothing was heard before."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    be_brisk(monkeypatch)

    def render(*songs: dict[str, object], more: tuple[str, ...] = ()) -> int:
        path = tmp_path / "songs.jsonl"
        path.write_text("".join(f"{json.dumps(song)}\n" for song in songs))
        with short_hearing():
            return main(["render", str(path), "--model", toy, *SHORT, *more])

    return render


def test_a_song_led_by_a_recording_is_made(
    render: Render, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "music").mkdir()
    save(tmp_path / "music" / "guide.mp3", music(4, seed=4, rate=44_100), 44_100)
    led = {**BOATS, "prompt_audio_path": "music/guide.mp3", "prompt_start": 1.5}
    assert render(led) == 0
    told = capsys.readouterr()
    assert told.out.split() == ["out/boats.wav"]
    assert "s of the reference are heard; 10 s would be" in told.err
    sound, rate = read(Path("out/boats.wav"))
    assert (rate, sound.shape) == (48_000, (2, 2 * 48_000))
    assert np.abs(sound).max() > 0.01
    conditions = Conditions.load(Path("out/boats/conditions.safetensors"))
    frames = conditions.prompt_codes.shape[1]
    assert frames == 62, "2.5 s are left"
    assert conditions.prompt_latents.shape[1] == frames


def test_stems_of_a_song_led_by_stems_are_aligned_printed_and_listed(
    render: Render, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_with_stems(tmp_path / "guide.wav", music(2, seed=2), music(2, seed=3))
    led = {**BOATS, "prompt_audio_path": "guide.wav"}
    assert render(led, more=("--stems", "mix,vocal,backing")) == 0
    files = ["out/boats.wav", "out/boats_vocal.wav", "out/boats_bgm.wav"]
    assert capsys.readouterr().out.split() == files
    assert {info(Path(file)).frames for file in files} == {2 * 48_000}
    sounds = [read(Path(file))[0] for file in files]
    assert not any(np.array_equal(sounds[a], sounds[b]) for a, b in ((0, 1), (0, 2), (1, 2)))
    assert render(led, more=("--stems", "mix,vocal,backing", "--json")) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["files"] == files
    assert facts["file"] == files[0]


def test_one_bad_reference_is_one_line_and_the_other_songs_are_made(
    render: Render, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.wav").write_bytes(b"no sound at all")
    bad = {**BOATS, "idx": "bad", "prompt_audio_path": "broken.wav"}
    assert render(bad, {**BOATS, "idx": "good", "auto_prompt_audio_type": "Pop"}) == 2
    told = capsys.readouterr()
    assert told.out.split() == ["out/good.wav"]
    lines = [line for line in told.err.splitlines() if "broken.wav" in line]
    assert len(lines) == 1
    assert lines[0].startswith("bad: not made: ")
    assert "damaged" in lines[0]
    assert "→" in lines[0]
    assert "Traceback" not in told.err
    assert Path("out/good.wav").is_file()
    assert not Path("out/bad.wav").exists()
    assert not list(tmp_path.rglob("cache/**/*.safetensors"))


def test_a_reference_that_is_not_there_is_said_before_anything_is_made(
    render: Render, capsys: pytest.CaptureFixture[str]
) -> None:
    assert render({**BOATS, "prompt_audio_path": "none.wav"}, {**BOATS, "idx": "good"}) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "'none.wav' is not there" in told.err
    assert not Path("out").exists()


@pytest.mark.parametrize("start", [-1, "soon", True])
def test_a_start_that_is_no_place_in_a_recording_is_refused(
    render: Render, tmp_path: Path, capsys: pytest.CaptureFixture[str], start: object
) -> None:
    save(tmp_path / "guide.wav", music(2))
    assert render({**BOATS, "prompt_audio_path": "guide.wav", "prompt_start": start}) == 2
    assert "prompt_start: must be seconds from 0" in capsys.readouterr().err


def test_a_changed_recording_makes_another_take_and_a_renamed_one_does_not(
    render: Render, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_with_stems(tmp_path / "guide.wav", music(2, seed=2), music(2, seed=3))
    led = {**BOATS, "prompt_audio_path": "guide.wav"}
    assert render(led) == 0
    for end in (".wav", "_vocal.wav", "_bgm.wav"):
        (tmp_path / f"guide{end}").rename(tmp_path / f"other{end}")
    assert render({**BOATS, "prompt_audio_path": "other.wav"}) == 0
    assert capsys.readouterr().out.split() == ["out/boats.wav"] * 2
    save_with_stems(tmp_path / "other.wav", music(2, seed=5), music(2, seed=6))
    assert render({**BOATS, "prompt_audio_path": "other.wav"}) == 0
    assert capsys.readouterr().out.split() == ["out/boats.take2.wav"]
