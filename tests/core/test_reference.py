"""A reference's files: which stems are beside it, and a hash of what is heard that no name can change."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import SongdeskError
from core.reference import Stems, digest_of, kind_of, stems_of
from core.song import Reference


def put(folder: Path, *names: str) -> Path:
    """Files that hold their own names; the first is returned."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_text(name)
    return folder / names[0]


def test_what_leads_is_a_style_a_recording_with_both_its_stems_or_one_alone(tmp_path: Path) -> None:
    assert kind_of(Reference(style="Pop")) == "style"
    recording = Reference(path=str(put(tmp_path, "x.wav")))
    assert kind_of(recording) == "recording"
    put(tmp_path, "x_vocal.flac")
    assert kind_of(recording) == "recording"
    put(tmp_path, "x_bgm.wav")
    assert kind_of(recording) == "stems"


def digest(path: Path, start: float = 0.0) -> str:
    return digest_of(Reference(path=str(path), start=start))


@pytest.mark.parametrize(
    ("recording", "vocal", "backing"),
    [
        ("x.wav", "x_vocal.wav", "x_bgm.wav"),
        ("x.wav", "x_vocal.wav", "x_bgm.flac"),
        ("x.mp3", "x_vocal.ogg", "x_bgm.mp3"),
        ("x.aiff", "x_vocal.aiff", "x_bgm.aiff"),
        ("live 1.2.wav", "live 1.2_vocal.wav", "live 1.2_bgm.wav"),
    ],
)
def test_stems_are_found_in_any_format(tmp_path: Path, recording: str, vocal: str, backing: str) -> None:
    path = put(tmp_path, recording, vocal, backing)
    assert stems_of(path) == Stems(tmp_path / vocal, tmp_path / backing)


def test_stems_of_the_format_of_their_recording_come_first(tmp_path: Path) -> None:
    put(tmp_path, "x_vocal.wav", "x_bgm.wav", "x_vocal.flac", "x_bgm.flac", "x.flac")
    assert stems_of(tmp_path / "x.flac") == Stems(tmp_path / "x_vocal.flac", tmp_path / "x_bgm.flac")
    assert stems_of(tmp_path / "x.wav") == Stems(tmp_path / "x_vocal.wav", tmp_path / "x_bgm.wav")


def test_files_of_another_recording_are_no_stems(tmp_path: Path) -> None:
    path = put(tmp_path, "x.wav", "xx_vocal.wav", "y_bgm.wav", "x_vocal.txt")
    (tmp_path / "x_bgm.wav").mkdir()
    assert stems_of(path) is None


def test_one_stem_alone_is_refused_in_one_line(tmp_path: Path) -> None:
    path = put(tmp_path, "x.wav", "x_bgm.wav")
    with pytest.raises(SongdeskError, match=r"without x_vocal\.wav") as caught:
        stems_of(path)
    assert "both" in caught.value.hint
    assert len(str(caught.value).splitlines()) == 1


def test_the_hash_stays_when_the_files_move_or_are_renamed(tmp_path: Path) -> None:
    before = digest(put(tmp_path / "a", "x.wav", "x_vocal.wav", "x_bgm.wav"))
    for old, new in (("x.wav", "y.wav"), ("x_vocal.wav", "y_vocal.wav"), ("x_bgm.wav", "y_bgm.wav")):
        (tmp_path / "b").mkdir(exist_ok=True)
        shutil.copy(tmp_path / "a" / old, tmp_path / "b" / new)
    assert digest(tmp_path / "b" / "y.wav") == before


def rewritten(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text("something else")


def swapped(folder: Path) -> None:
    vocal, backing = folder / "x_vocal.wav", folder / "x_bgm.wav"
    vocal.write_text("x_bgm.wav")
    backing.write_text("x_vocal.wav")


def without_stems(folder: Path) -> None:
    (folder / "x_vocal.wav").unlink()
    (folder / "x_bgm.wav").unlink()


@pytest.mark.parametrize(
    "change", [rewritten("x.wav"), rewritten("x_vocal.wav"), rewritten("x_bgm.wav"), swapped, without_stems]
)
def test_the_hash_changes_with_whatever_is_heard(tmp_path: Path, change: Callable[[Path], object]) -> None:
    path = put(tmp_path, "x.wav", "x_vocal.wav", "x_bgm.wav")
    before = digest(path)
    change(tmp_path)
    assert digest(path) != before


def test_the_hash_changes_with_the_start(tmp_path: Path) -> None:
    path = put(tmp_path, "x.wav")
    assert digest(path, 0.0) != digest(path, 0.5)


def test_the_hash_changes_with_the_style() -> None:
    assert digest_of(Reference(style="Pop")) != digest_of(Reference(style="Rock"))


def test_a_change_of_the_same_size_is_seen(tmp_path: Path) -> None:
    path = put(tmp_path, "x.wav")
    before = digest(path)
    status = path.stat()
    path.write_text("y.wav")
    assert path.stat().st_size == status.st_size
    assert digest(path) != before


@pytest.mark.parametrize("what", ["missing", "folder"])
def test_a_hash_can_be_had_of_what_cannot_be_read(tmp_path: Path, what: str) -> None:
    path = tmp_path / "x.wav"
    if what == "folder":
        path.mkdir()
    before = digest(path)
    if what == "folder":
        path.rmdir()
    assert digest(put(tmp_path, "x.wav")) != before
