"""A path is completed through folders and sound files, and an odd folder harms nobody."""

import os
from pathlib import Path

import pytest

from core.browse import completed, offers, whole_path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("Song one.wav", "song two.FLAC", "notes.txt", ".hidden.wav", "Résumé.mp3"):
        (tmp_path / name).touch()
    for name in ("Songs", ".cache", "demos"):
        (tmp_path / name).mkdir()
    (tmp_path / "demos" / "a.ogg").touch()
    return tmp_path


def names(typed: str) -> list[str]:
    return [offer.name for offer in offers(typed).offers]


def test_folders_and_sound_files_are_offered_folders_first(folder: Path) -> None:
    assert names(f"{folder}/") == ["demos", "Songs", "Résumé.mp3", "Song one.wav", "song two.FLAC"]
    paths = [offer.path for offer in offers(f"{folder}/d").offers]
    assert paths[0] == f"{folder}/demos/"


def test_what_begins_so_comes_before_what_holds_it_and_case_is_no_matter(folder: Path) -> None:
    assert names(f"{folder}/SO") == ["Songs", "Song one.wav", "song two.FLAC"]
    assert names(f"{folder}/o") == ["demos", "Songs", "Song one.wav", "song two.FLAC"]
    assert names(f"{folder}/.") == [".cache", ".hidden.wav"]
    assert names(f"{folder}/zzz") == []


def test_completion_goes_as_far_as_it_is_clear(folder: Path) -> None:
    def done(typed: str) -> str:
        return completed(typed, offers(typed).offers)

    assert done(f"{folder}/so") == f"{folder}/Song"
    assert done(f"{folder}/Song t") == f"{folder}/song two.FLAC"
    assert done(f"{folder}/de") == f"{folder}/demos/"
    assert done(f"{folder}/demos/") == f"{folder}/demos/a.ogg"
    assert done(f"{folder}/zzz") == f"{folder}/zzz"
    assert done(f"{folder}/ong") == f"{folder}/ong", "what only holds it is not what is typed"


def test_home_and_the_present_folder_are_known(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.chdir(folder)
    assert "demos" in names("~/")
    assert "demos" in names("~")
    assert "demos" in names("")
    assert offers("~/de").offers[0].path == "~/demos/"
    assert whole_path(" ~/demos/a.ogg ") == f"{folder}/demos/a.ogg"
    assert whole_path(f"'{folder}/demos/a.ogg'") == f"{folder}/demos/a.ogg"
    assert names(f'"{folder}/de"') == ["demos"]
    assert whole_path("demos/a.ogg") == f"{folder}/demos/a.ogg"


@pytest.mark.parametrize("typed", ["/no/such/place/x", "~nobody-of-that-name/", "/etc/passwd/x", "a\x00b/"])
def test_a_folder_that_cannot_be_read_is_one_line(typed: str) -> None:
    found = offers(typed)
    assert found.offers == ()
    assert found.trouble
    assert "\n" not in found.trouble
    assert completed(typed, found.offers) == typed


def test_names_no_terminal_can_show_are_left_out(folder: Path) -> None:
    (folder / os.fsdecode(b"bad\xff.wav")).touch()
    (folder / "two\nlines.wav").touch()
    assert "demos" in names(f"{folder}/")
    assert all(name.isprintable() for name in names(f"{folder}/"))
    assert not any("bad" in name or "lines" in name for name in names(f"{folder}/"))
