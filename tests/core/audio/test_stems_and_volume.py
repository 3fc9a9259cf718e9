"""Which sounds a take has, and how loud they are played."""

from pathlib import Path

import pytest

from core.audio import volume
from core.audio.stems import sounds_of


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).touch()


@pytest.mark.parametrize(
    ("files", "audio", "expected"),
    [
        (("x.wav",), "x.wav", {"mix": "x.wav"}),
        (("x.wav", "x_vocal.wav"), "x.wav", {"mix": "x.wav", "vocal": "x_vocal.wav"}),
        (
            ("x.wav", "x_vocal.wav", "x_bgm.wav", "x_bgm.flac"),
            "x_vocal.wav",
            {"mix": "x.wav", "vocal": "x_vocal.wav", "backing": "x_bgm.wav"},
        ),
        (
            ("x_vocal.wav", "x_bgm.wav"),
            "x_vocal.wav",
            {"vocal": "x_vocal.wav", "backing": "x_bgm.wav"},
        ),
        (("x_vocal.wav",), "x_vocal.wav", {"mix": "x_vocal.wav"}),
        (
            ("la_vocal.wav", "la_vocal_vocal.wav"),
            "la_vocal.wav",
            {"mix": "la_vocal.wav", "vocal": "la_vocal_vocal.wav"},
        ),
        (("_vocal.wav",), "_vocal.wav", {"mix": "_vocal.wav"}),
        ((), "gone.wav", {"mix": "gone.wav"}),
    ],
)
def test_the_stems_beside_a_sound_are_found(
    tmp_path: Path, files: tuple[str, ...], audio: str, expected: dict[str, str]
) -> None:
    put(tmp_path, *files)
    found = sounds_of(tmp_path / audio)
    assert {stem: path.name for stem, path in found.items()} == expected


def test_volume_is_full_at_a_hundred_and_nothing_at_none() -> None:
    gains = [volume.gain_of(percent) for percent in range(0, 101, volume.STEP)]
    assert (gains[0], gains[-1]) == (0.0, 1.0)
    assert gains == sorted(gains)


def test_a_volume_comes_back_and_one_that_cannot_be_kept_is_no_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(volume, "volume_file", lambda: tmp_path / "state" / "volume")
    assert volume.recall() == volume.FULL
    volume.remember(35)
    assert volume.recall() == 35
    (tmp_path / "in the way").touch()
    monkeypatch.setattr(volume, "volume_file", lambda: tmp_path / "in the way" / "volume")
    volume.remember(35)
    assert volume.recall() == volume.FULL
