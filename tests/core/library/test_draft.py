"""A song's own files: they come back as written, can be read and edited by hand, and are never lost."""

import json
import shutil
import subprocess
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from core.errors import SongdeskError
from core.library.draft import (
    FACTS,
    LYRICS,
    OLD,
    imprint,
    keep_beside,
    load_draft,
    put_aside,
    read_draft,
    save_draft,
    title_of,
)
from core.song import Reference, Song

SONG = Song(
    "Paper boats",
    "[verse]\nhalf a li",
    "pop, female",
    Reference(path="/music/a.wav", start=2.5),
    {"temperature": "0.9", "seed": "7"},
)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\r"))


def write_old(home: Path, song: Song) -> None:
    home.mkdir(parents=True, exist_ok=True)
    (home / OLD).write_text(json.dumps({**asdict(song), "settings": dict(song.settings)}))


@given(TEXTS.filter(bool), TEXTS, TEXTS, st.dictionaries(TEXTS, TEXTS))
def test_any_song_comes_back_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, title: str, lyrics: str, style: str, settings: dict[str, str]
) -> None:
    home = tmp_path_factory.mktemp("song")
    song = Song(title, lyrics, style, Reference(style=style) if style else None, settings)
    save_draft(home, song)
    assert load_draft(home) == song
    assert all((home / name).read_bytes().endswith(b"\n") for name in (LYRICS, FACTS))


def test_the_files_are_what_a_person_would_write(tmp_path: Path) -> None:
    save_draft(tmp_path, SONG)
    assert (tmp_path / LYRICS).read_text() == "[verse]\nhalf a li\n"
    assert (tmp_path / FACTS).read_text() == (
        "title: Paper boats\nstyle: pop, female\n"
        "reference:\n  path: /music/a.wav\n  start: '2.5'\n"
        "settings:\n  seed: '7'\n  temperature: '0.9'\n"
    )
    assert load_draft(tmp_path) == SONG


def test_what_is_written_by_hand_is_read_as_it_is_meant(tmp_path: Path) -> None:
    (tmp_path / LYRICS).write_bytes("\ufeff[verse]\r\nhé\r\n".encode())
    (tmp_path / FACTS).write_text(
        "# a comment\ntitle: 1984\nsettings:\n  seed: 07\n  stems: no\nreference:\n"
    )
    assert load_draft(tmp_path) == Song("1984", "[verse]\nhé", "", None, {"seed": "07", "stems": "no"})


def test_lyrics_alone_are_a_song_named_after_its_folder(tmp_path: Path) -> None:
    (tmp_path / "Gulls").mkdir()
    (tmp_path / "Gulls" / LYRICS).write_text("[verse]\nOne line\n")
    assert load_draft(tmp_path / "Gulls") == Song("Gulls", "[verse]\nOne line", "")


def test_a_recording_below_the_song_moves_with_its_folder(tmp_path: Path) -> None:
    home = tmp_path / "a"
    save_draft(home, replace(SONG, reference=Reference(path=str((home / "ref" / "x.flac").resolve()))))
    assert "path: ref/x.flac\n" in (home / FACTS).read_text()
    home.rename(tmp_path / "b")
    moved = load_draft(tmp_path / "b")
    assert moved is not None
    assert moved.reference == Reference(path=str((tmp_path / "b" / "ref" / "x.flac").resolve()))


def test_saving_again_changes_nothing_and_one_line_changes_one_line(tmp_path: Path) -> None:
    save_draft(tmp_path, SONG)
    before = {path.name: (path.stat().st_mtime_ns, path.read_text()) for path in tmp_path.iterdir()}
    save_draft(tmp_path, replace(SONG, settings={"seed": "7", "temperature": "0.9"}))
    assert {p.name: (p.stat().st_mtime_ns, p.read_text()) for p in tmp_path.iterdir()} == before
    save_draft(tmp_path, replace(SONG, style="rock"))
    old, new = before[FACTS][1].splitlines(), (tmp_path / FACTS).read_text().splitlines()
    assert [line for line in new if line not in old] == ["style: rock"]


def test_under_git_recipes_are_kept_and_sound_is_not(tmp_path: Path) -> None:
    if shutil.which("git") is None:
        pytest.skip("no git here")
    home = tmp_path / "songs" / "Paper boats"
    save_draft(home, SONG)
    take = home / "takes" / "20261126-120000-1"
    (take / "stage").mkdir(parents=True)
    for name in ("recipe.json", "Paper boats.wav", "preview.wav", "tokens.safetensors", "stage/x.json"):
        (take / name).write_text("{}")
    shutil.copytree(take, home / "trash" / take.name)
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True, capture_output=True)
    listed = subprocess.run(
        ["git", "ls-files", "--others", "--exclude-standard", "-z"],
        check=True,
        capture_output=True,
        text=True,
        cwd=home,
    )
    kept = {name for name in listed.stdout.split("\0") if name}
    assert kept == {".gitignore", LYRICS, FACTS, "takes/20261126-120000-1/recipe.json"}


def test_what_a_person_wants_ignored_stays(tmp_path: Path) -> None:
    save_draft(tmp_path, SONG)
    (tmp_path / ".gitignore").write_text("mine\n")
    save_draft(tmp_path, replace(SONG, style="rock"))
    assert (tmp_path / ".gitignore").read_text() == "mine\n"
    (tmp_path / ".gitignore").unlink()
    save_draft(tmp_path, SONG)
    assert not (tmp_path / ".gitignore").exists()


def test_a_draft_of_before_is_read_and_becomes_two_files(tmp_path: Path) -> None:
    write_old(tmp_path, SONG)
    assert load_draft(tmp_path) == SONG
    save_draft(tmp_path, SONG)
    assert not (tmp_path / OLD).exists()
    assert load_draft(tmp_path) == SONG


def test_a_song_without_files_has_none(tmp_path: Path) -> None:
    assert load_draft(tmp_path) is None
    assert load_draft(tmp_path / "nowhere") is None
    assert put_aside(tmp_path) is None


@pytest.mark.parametrize("content", ["", "{", "[]", "3", '{"title": 3}', "\udce4"])
def test_a_damaged_draft_of_before_is_kept_aside_and_named(tmp_path: Path, content: str) -> None:
    (tmp_path / OLD).write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(SongdeskError, match="kept as") as caught:
        load_draft(tmp_path)
    kept = Path(caught.value.hint.removeprefix("it was kept as "))
    assert kept.read_bytes() == content.encode(errors="surrogateescape")
    assert load_draft(tmp_path) is None


@pytest.mark.parametrize(
    ("facts", "where", "what"),
    [
        ("title: a\nstyle: [", ":", "expected"),
        ("title: a\nstyle: b: c\n", ":2", "not allowed"),
        ("- a\n", FACTS, "key: value"),
        ("stile: pop\n", FACTS, "unknown key 'stile'"),
        ("title: [a]\n", FACTS, "title must be one text"),
        ("settings: warm\n", FACTS, "settings must be"),
        ("settings:\n  seed: [1]\n", FACTS, "seed must be one text"),
        ("reference:\n  start: soon\n", FACTS, "start must be seconds"),
        ("reference:\n  file: a.wav\n", FACTS, "unknown key 'file'"),
        ("title: \x00\n", FACTS, "characters"),
        ("? [a, b]\n: c\n", FACTS, ""),
        ("a: &x [*x]\n", FACTS, ""),
    ],
)
def test_a_slip_of_the_pen_is_named_and_left_for_its_writer(
    tmp_path: Path, facts: str, where: str, what: str
) -> None:
    (tmp_path / FACTS).write_text(facts)
    with pytest.raises(SongdeskError) as caught:
        load_draft(tmp_path)
    assert what in caught.value.what
    assert where in caught.value.where
    assert caught.value.hint
    assert (tmp_path / FACTS).read_text() == facts


def test_lyrics_that_are_no_text_are_named_with_their_line(tmp_path: Path) -> None:
    (tmp_path / LYRICS).write_bytes(b"[verse]\ncaf\xe9\n")
    with pytest.raises(SongdeskError, match="UTF-8") as caught:
        load_draft(tmp_path)
    assert caught.value.where.endswith(f"{LYRICS}:2")


def test_half_a_character_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(SongdeskError, match="half a character"):
        save_draft(tmp_path / "a", replace(SONG, lyrics="\ud800"))
    assert not (tmp_path / "a").exists()


def test_the_imprint_tells_an_edit_from_outside(tmp_path: Path) -> None:
    saved = save_draft(tmp_path, SONG)
    assert saved == imprint(tmp_path) == read_draft(tmp_path)[1]
    (tmp_path / LYRICS).touch()
    assert imprint(tmp_path) == saved
    (tmp_path / LYRICS).write_text("[verse]\nother words\n")
    assert imprint(tmp_path) != saved
    (tmp_path / LYRICS).unlink()
    assert imprint(tmp_path) != saved


def test_drafts_kept_in_one_second_do_not_overwrite_each_other(tmp_path: Path) -> None:
    for style in ("pop", "rock"):
        save_draft(tmp_path, replace(SONG, style=style))
        aside = put_aside(tmp_path)
        assert aside is not None
        assert load_draft(tmp_path) is None
    keep_beside(tmp_path, replace(SONG, style="folk"))
    for style in ("jazz", "blues"):
        write_old(tmp_path, replace(SONG, style=style))
        put_aside(tmp_path)
    kept = [load_draft(path) for path in tmp_path.glob("draft-*") if path.is_dir()]
    old = [json.loads(path.read_text())["style"] for path in tmp_path.glob("draft-*.json")]
    assert sorted([*(song.style for song in kept if song), *old]) == ["blues", "folk", "jazz", "pop", "rock"]


def test_a_folder_that_cannot_be_written_is_said_in_one_line(tmp_path: Path) -> None:
    blocker = tmp_path / "home"
    blocker.write_text("")
    with pytest.raises(SongdeskError, match="cannot write here"):
        save_draft(blocker, SONG)
    with pytest.raises(SongdeskError, match="cannot write here"):
        keep_beside(blocker, SONG)
    assert load_draft(blocker) is None


def test_both_readers_of_yaml_leave_text_as_text() -> None:
    assert yaml.load("a: no\nb: 07", Loader=yaml.BaseLoader) == {"a": "no", "b": "07"}


def test_a_new_form_that_was_cut_off_takes_the_rest_from_the_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_old(tmp_path, SONG)

    def fail(path: Path, text: str) -> None:
        if path.name == FACTS:
            raise SongdeskError("no space left")
        path.write_text(text)

    with monkeypatch.context() as full:
        full.setattr("core.library.draft.write_text", fail)
        with pytest.raises(SongdeskError):
            save_draft(tmp_path, replace(SONG, lyrics="newer"))
    assert title_of(tmp_path) == SONG.title
    assert load_draft(tmp_path) == replace(SONG, lyrics="newer")


def test_an_old_form_that_cannot_be_removed_is_told_of(tmp_path: Path) -> None:
    (tmp_path / OLD).mkdir()
    with pytest.raises(SongdeskError, match="cannot write here"):
        save_draft(tmp_path, SONG)
