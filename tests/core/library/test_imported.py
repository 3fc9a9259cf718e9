"""Songs and takes that come out of sound files: made once, beside what is there, whatever the file says."""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from mutagen.flac import FLAC
from safetensors.numpy import load_file, save_file

from core.audio.files import read
from core.audio.tags import tags_of
from core.audio.writer import AudioWriter, Depth, Format
from core.digest import sha256_of
from core.errors import SongdeskError
from core.library.draft import load_draft, save_draft
from core.library.imported import Brought, bring_in
from core.paths import library
from core.song import Reference, Song
from core.takes import recipe as recipes
from core.takes.job import KnobChange, stem_file
from core.takes.recipe import Kin, Recipe
from core.takes.take import home_of, take_of, takes_of
from core.takes.tokenhash import hash_of
from tests.core.audio.tones import KINDS, names, noise

LYRICS = "[verse]\nPaper boats\n\n[chorus]\nHold the line"
CODES = np.random.default_rng(2).integers(0, 64, (3, 50)).astype(np.int32)


@pytest.fixture(autouse=True)
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SONGDESK_LIBRARY", str(tmp_path / "songs"))
    return tmp_path / "songs"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    (tmp_path / "elsewhere").mkdir()
    return tmp_path / "elsewhere"


Sounded = Callable[..., Path]
Codes = npt.NDArray[np.int32]


@pytest.fixture
def sounded(elsewhere: Path) -> Sounded:
    """Write the sound of a take as the engine does, and give its path."""

    def make(
        name: str = "boats.flac", *, depth: Depth = "float", codes: Codes | None = CODES,
        stems: tuple[str, ...] = ("mix",), song: Mapping[str, object] | None = None, **changes: object
    ) -> Path:  # fmt: skip
        kind: Format = Path(name).suffix[1:]  # type: ignore[assignment]
        tokens = elsewhere / "tokens.safetensors"
        tokens.unlink(missing_ok=True)
        if codes is not None:
            save_file({"codes": codes}, tokens)
        sounds = {stem: noise(4000, level=0.3, seed=at) for at, stem in enumerate(stems)}
        writers = {}
        for stem, samples in sounds.items():
            writers[stem] = AudioWriter(stem_file(elsewhere / name, stem), format=kind, depth=depth)
            writers[stem].__enter__()
            writers[stem].write(samples)
        told = asdict(Song("boats", LYRICS, "female, pop", settings={"temperature": "0.8", "cfg": "1.5"}))
        recipe = Recipe(
            song={**told, **(song or {})},
            model="demo",
            settings={"seed": 3, "temperature": 0.9, "length": 12, "guidance": 1.5},
            state="running",
            songdesk="0.1.0",
            made_with="cpu, torch 2",
            stages={"conditions": "c", "tokens": "t"},
            files={"conditions.safetensors": "1", "tokens.safetensors": "2"},
            audio=name,
            seconds=2.0,
            tokens=hash_of(tokens),
            samples={stem: writer.samples_sha256 for stem, writer in writers.items()},
        )
        recipe = replace(recipe, **changes)  # type: ignore[arg-type]
        for writer in writers.values():
            writer.tags = tags_of(recipe, tokens)
            writer.__exit__(None, None, None)
        return stem_file(elsewhere / name, stems[0])

    return make


def recipe_of(brought: Brought) -> Recipe:
    recipe = recipes.load(brought.folder)
    assert recipe is not None
    return recipe


@pytest.mark.parametrize(("kind", "depth"), KINDS)
def test_a_song_and_its_take_come_back(sounded: Sounded, kind: Format, depth: Depth) -> None:
    path = sounded(f"boats.{kind}", depth=depth)
    brought = bring_in(path)
    assert brought.notes == ()
    assert brought.home == home_of("boats")
    song = load_draft(brought.home)
    assert song == brought.song
    assert song is not None
    assert (song.title, song.lyrics, song.style) == ("boats", LYRICS, "female, pop")
    told = {"temperature": "0.9", "guidance": "1.5", "length": "12"}
    assert song.settings == told, "what was asked for or differs from the model's own, but the seed"
    (take,) = takes_of(brought.home)
    assert (take.id, take.state, take.seed, take.seconds, take.model) == (
        brought.take,
        "done",
        3,
        2.0,
        "demo",
    )
    assert take.audio is not None
    assert take.audio.read_bytes() == path.read_bytes()
    recipe = recipe_of(brought)
    assert recipe.files == {
        name: sha256_of(brought.folder / name) for name in (f"boats.{kind}", "tokens.safetensors")
    }
    assert recipe.stages == {"tokens": "t"}, "the conditions are not here"
    assert np.array_equal(load_file(brought.folder / "tokens.safetensors")["codes"], CODES)
    assert recipe.tokens == hash_of(brought.folder / "tokens.safetensors")
    assert names(brought.home / "takes") == [take.id]


def test_bringing_it_in_again_changes_nothing(sounded: Sounded, elsewhere: Path) -> None:
    path = sounded()
    first = bring_in(path)
    moved = path.rename(elsewhere / "other name.flac")
    second = bring_in(moved)
    assert (second.home, second.take) == (first.home, first.take)
    assert "already" in second.notes[-1]
    assert len(takes_of(first.home)) == 1


def test_the_librarys_own_file_is_known_even_without_tokens(sounded: Sounded) -> None:
    first = bring_in(sounded(codes=None, tokens=""))
    take = take_of(first.folder)
    assert take is not None
    assert take.audio is not None
    again = bring_in(take.audio)
    assert (again.home, again.take) == (first.home, first.take)


def test_a_take_is_known_where_its_song_has_another_title_now(sounded: Sounded) -> None:
    path = sounded()
    first = bring_in(path)
    moved = first.home.rename(home_of("ships"))
    save_draft(moved, replace(first.song, title="ships", lyrics="[verse]\nOther words"))
    second = bring_in(path)
    assert (second.home, second.take, second.song.title) == (moved, first.take, "ships")
    assert names(library()) == ["ships"]


def test_a_take_whose_sound_was_lost_is_brought_in_anew(sounded: Sounded) -> None:
    path = sounded()
    first = bring_in(path)
    (first.folder / "boats.flac").unlink()
    second = bring_in(path)
    assert second.take != first.take
    assert second.home == first.home


def test_other_takes_of_the_song_join_it(sounded: Sounded) -> None:
    first = bring_in(sounded())
    second = bring_in(sounded(codes=CODES[:, ::-1].copy(), song={"style": "rock"}))
    assert second.home == first.home
    assert len(takes_of(first.home)) == 2
    assert recipe_of(second).song["style"] == "rock"
    song = load_draft(first.home)
    assert song is not None
    assert song.style == "female, pop", "the song stays as it is"


def test_a_song_of_that_title_with_other_lyrics_is_left_alone(sounded: Sounded) -> None:
    mine = Song("boats", "[verse]\nMine", "rock")
    save_draft(home_of("boats"), mine)
    brought = bring_in(sounded())
    assert brought.home == home_of("boats 2")
    assert brought.song.title == "boats 2"
    assert any("another song called boats" in note for note in brought.notes)
    assert load_draft(home_of("boats")) == mine
    assert takes_of(home_of("boats")) == ()
    assert recipe_of(brought).song["title"] == "boats 2"


def test_a_damaged_song_of_that_title_is_left_alone(sounded: Sounded) -> None:
    home_of("boats").mkdir(parents=True)
    (home_of("boats") / "song.yaml").write_text("[")
    assert bring_in(sounded()).home == home_of("boats 2")
    assert names(home_of("boats")) == ["song.yaml"]


def test_stems_beside_it_come_along(sounded: Sounded, elsewhere: Path) -> None:
    path = sounded(stems=("mix", "vocal", "backing"))
    shutil.copyfile(path, elsewhere / "boats_other.flac")
    brought = bring_in(elsewhere / "boats_vocal.flac")
    assert recipe_of(brought).sounds == ("boats.flac", "boats_vocal.flac", "boats_bgm.flac")
    for name in recipe_of(brought).sounds:
        assert (brought.folder / name).read_bytes() == (elsewhere / name).read_bytes()
    assert bring_in(path).take == brought.take


def test_a_stem_alone_stays_a_stem(sounded: Sounded, elsewhere: Path) -> None:
    sounded(stems=("mix", "vocal", "backing"))
    lone = (elsewhere / "boats_bgm.flac").rename(elsewhere / "x_bgm.flac")
    (elsewhere / "boats.flac").rename(elsewhere / "x.flac")
    sounded("x.flac", codes=CODES[:, :9])  # of another take
    brought = bring_in(lone)
    assert recipe_of(brought).sounds == ("boats_bgm.flac",)
    take = take_of(brought.folder)
    assert take is not None
    assert take.audio == brought.folder / "boats_bgm.flac"


def test_a_take_of_one_stem_is_known_by_its_recipe(sounded: Sounded, elsewhere: Path) -> None:
    lone = sounded(stems=("backing",)).rename(elsewhere / "renamed.flac")
    assert recipe_of(bring_in(lone)).sounds == ("boats_bgm.flac",)


def test_files_without_a_recipe_are_refused(elsewhere: Path, tmp_path: Path) -> None:
    with AudioWriter(elsewhere / "a.wav", format="wav") as writer:
        writer.write(noise(100))
    for name in ("a.wav", "missing.wav"):
        with pytest.raises(SongdeskError):
            bring_in(elsewhere / name)
    with pytest.raises(SongdeskError, match="no recipe in it"):
        bring_in(elsewhere / "a.wav")
    assert not library().exists()


def told(path: Path, text: str) -> Path:
    """The file with another text in place of its recipe."""
    tags = FLAC(path)
    tags["SONGDESK_RECIPE"] = text
    tags.save()
    return path


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "{}", "[" * 100_000, '{"song": 1}', "9" * 5000, '{"song": {"title": 1}}'],
)
def test_what_is_no_recipe_is_refused_in_one_line(sounded: Sounded, text: str) -> None:
    with pytest.raises(SongdeskError) as caught:
        bring_in(told(sounded(), text))
    assert "\n" not in str(caught.value)
    assert not library().exists()


def edited(path: Path, **changes: object) -> Path:
    """The file with some fields of its recipe written over."""
    recipe = json.loads(FLAC(path)["SONGDESK_RECIPE"][0])
    return told(path, json.dumps({**recipe, **changes}))


@pytest.mark.parametrize(
    "title", ["../../etc/passwd", "/tmp/x", "..", "", "a\0b", "\u202e\x1b[2J", "t" * 5000, "con/.."]
)
def test_no_title_leads_out_of_the_library(sounded: Sounded, tmp_path: Path, title: str) -> None:
    before = names(tmp_path)
    path = sounded()
    song = json.loads(FLAC(path)["SONGDESK_RECIPE"][0])["song"]
    brought = bring_in(edited(path, song={**song, "title": title}, audio=title, files={title: "1"}))
    assert brought.home.parent == library()
    assert brought.folder.parent == brought.home / "takes"
    assert names(tmp_path) == sorted([*before, "songs"])
    assert len(names(library())) == 1
    take = take_of(brought.folder)
    assert take is not None
    assert take.audio is not None
    assert take.audio.parent == brought.folder
    assert take.title.isprintable() or title.startswith("\u202e")
    assert "\x1b" not in take.title


def test_values_of_any_kind_break_nothing(sounded: Sounded) -> None:
    nonsense = {
        "settings": {"seed": 3, "temperature": ["x"], "cfg": {"a": 1}, "length": 1e400, "no such": 3},
        "knobs": [
            {"stage": 1, "at": "x", "key": [], "value": {}},
            {"stage": "tokens", "at": 3, "key": "temperature", "value": 1.1},
        ],
        "notes": [1, None, "x" * 5000, "\x1b[2J"],
        "kin": {"parent": ["x"], "why": 3, "seconds": "y", "kept": ""},
        "seams": [{"frame": "x", "is_exact": 3}, {"frame": 5, "is_exact": False}],
        "stages": {"tokens": ["x"], "audio": "a"},
        "samples": {"mix": 3, "vocal": "\0"},
        "weights": {"tokens": {}},
        "wanted": {"tokens": None},
        "seconds": float("inf"),
        "schedule": "x" * 5000,
        "until": "soon",
        "added later": 3,
    }  # fmt: skip
    brought = bring_in(edited(sounded(), **nonsense))
    recipe = recipe_of(brought)
    assert recipe.knobs == (KnobChange("tokens", 3, "temperature", 1.1),)
    assert recipe.settings["seed"] == 3
    assert "no such" not in recipe.settings
    assert any("no such" in note for note in brought.notes)
    assert all(len(note) <= 400 and "\x1b" not in note for note in recipe.notes)
    assert recipe.kin is None
    assert [seam.frame for seam in recipe.seams] == [5]
    assert recipe.seconds == 0


def test_what_it_is_kin_to_is_kept(sounded: Sounded) -> None:
    kin = Kin("20261126-101010-1", "resing", 10.0, "abc")
    assert recipe_of(bring_in(sounded(kin=kin))).kin == kin


def test_a_take_that_was_stopped_is_one(sounded: Sounded) -> None:
    assert recipe_of(bring_in(sounded(state="stopped"))).state == "stopped"


def test_a_model_that_is_not_here_is_said(sounded: Sounded) -> None:
    brought = bring_in(sounded(model="v9-huge", settings={"seed": 3, "swing": 0.5}))
    assert any("v9-huge" in note for note in brought.notes)
    assert recipe_of(brought).settings == {"seed": 3, "swing": 0.5}
    assert recipe_of(brought).model == "v9-huge"


def test_a_reference_that_is_not_here_is_kept_and_said(sounded: Sounded, tmp_path: Path) -> None:
    gone = str(tmp_path / "gone.wav")
    brought = bring_in(sounded(song={"reference": asdict(Reference(path=gone, start=3.5))}))
    assert brought.notes == (f"its reference is not here: {gone}",)
    song = load_draft(brought.home)
    assert song is not None
    assert song.reference == Reference(path=gone, start=3.5)


@pytest.mark.parametrize(
    "reference",
    [
        {"path": "../../x.wav"}, {"path": "a\0b"}, {"path": "/a\0b"}, {"path": 3}, {"style": "No such"},
        {"path": "/x.wav", "style": ["Pop"], "start": "x"}, {"path": "C:\\x.wav"},
    ],
)  # fmt: skip
def test_a_reference_that_cannot_be_one_is_left_out(sounded: Sounded, reference: dict[str, object]) -> None:
    path = sounded()
    song = json.loads(FLAC(path)["SONGDESK_RECIPE"][0])["song"]
    brought = bring_in(
        edited(path, song={**song, "reference": {"path": "", "style": "", "start": 0.0, **reference}})
    )
    kept = brought.song.reference
    assert kept is None or kept == Reference(path="/x.wav")
    assert any("reference" in note for note in brought.notes)


def test_a_built_in_reference_comes_back(sounded: Sounded) -> None:
    brought = bring_in(sounded(song={"reference": asdict(Reference(style="Pop"))}))
    assert brought.song.reference == Reference(style="Pop")
    assert brought.notes == ()


@pytest.mark.parametrize("codes", [CODES[:, :20], CODES + 16_384, None])
def test_tokens_that_are_not_the_recipes_are_left_out(sounded: Sounded, codes: Codes | None) -> None:
    wanted = "" if codes is not None and codes.max() > 64 else "0" * 64
    brought = bring_in(sounded(codes=codes, tokens=wanted))
    assert not (brought.folder / "tokens.safetensors").exists()
    assert "tokens" not in recipe_of(brought).stages
    assert any("tokens" in note for note in brought.notes)


def test_a_sound_that_was_changed_is_said(sounded: Sounded) -> None:
    path = sounded("boats.wav")
    data = bytearray(path.read_bytes())
    data[1000:1100] = bytes(100)
    path.write_bytes(data)
    assert any("changed" in note for note in bring_in(path).notes)


def test_a_library_that_cannot_be_written_is_told_and_left_alone(
    sounded: Sounded, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = sounded()
    save_draft(home_of("boats"), Song("boats", LYRICS, ""))

    def refuse(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("core.takes.planting.shutil.copyfile", refuse)
    with pytest.raises(SongdeskError, match="no space left"):
        bring_in(path)
    assert names(home_of("boats") / "takes") == []


def test_the_sound_that_was_brought_in_can_be_read(sounded: Sounded) -> None:
    path = sounded("boats.wav")
    take = take_of(bring_in(path).folder)
    assert take is not None
    assert take.audio is not None
    assert np.array_equal(read(take.audio)[0], noise(4000, level=0.3, seed=0))
