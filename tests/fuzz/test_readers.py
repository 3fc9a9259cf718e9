"""Songs, recipes, journals, tags and settings from anywhere, spoiled in any way, are read or refused."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import strategies as st

from core import registry
from core.audio import riff
from core.audio.codes import BOOKS, from_text, to_text
from core.audio.fields import text_fields
from core.audio.kept import load as load_kept
from core.audio.tags import read_tags, tags_of, write_tags
from core.config import load_config
from core.errors import SongdeskError
from core.library.bookmark import recall
from core.library.draft import load_draft, title_of
from core.library.foreign import understood
from core.library.told import look_into
from core.plaintext import import_text_song
from core.song import Reference, Song
from core.songfile import read_songs, write_songs
from core.takes import recipe as recipes
from core.takes.job import KnobChange
from core.takes.journal import Journal, read_journal
from core.takes.mark import load_mark
from core.takes.recipe import Kin, Recipe, Seam
from tests.fuzz.spoil import fuzzed, holds, spoiled

SONG = Song("A song", "[verse]\nOne line.\nTwo", "pop", Reference(style="Pop"), {"seed": "7"})
RECIPE = Recipe(
    song=asdict(SONG), model="demo", settings={"seed": 7, "length": 5.0}, state="done", songdesk="0.1.0",
    knobs=(KnobChange("tokens", 3, "temperature", 0.8),), seams=(Seam(5, True),), notes=("a note",),
    kin=Kin("x", "resing", 1.0, "k"), seconds=3.0, stages={"tokens": "1"}, samples={"mix": "0" * 64},
)  # fmt: skip
TOLD = json.dumps(asdict(RECIPE))
NUMBERS = st.integers(-2, 9) | st.floats() | st.sampled_from([10**400, -(10**400), 1 << 63])
JSON = st.recursive(
    st.none()
    | st.booleans()
    | NUMBERS
    | st.text(max_size=4)
    | st.sampled_from(["../../x", "\x1b[2J", "\ud800"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


def recipe_in(path: Path) -> None:
    """A recipe as the library has it, and as a sound file from anywhere brings it."""
    recipes.load(path.parent)
    text = path.read_bytes().decode("utf-8", "replace")
    recipe, song, _ = understood(text, str(path))
    assert json.loads(recipes.to_json(recipe))
    assert not {"\x1b", "\0"} & {*song.title, *song.style, *song.lyrics}


def _spoiled_recipes(walls: Path, data: bytes) -> None:
    (walls / recipes.FILE).write_bytes(data)
    holds(recipe_in, walls / recipes.FILE)


def _other_recipes(walls: Path, key: str, value: object, inner: str | None) -> None:
    """A recipe with another value anywhere."""
    told = json.loads(TOLD)
    if inner is not None and isinstance(told[key], dict):
        told[key][inner] = value
    else:
        told[key] = value
    (walls / recipes.FILE).write_text(json.dumps(told), encoding="utf-8")
    holds(recipe_in, walls / recipes.FILE)


def _spoiled_journals(walls: Path, data: st.DataObject) -> None:
    path = walls / "tokens.journal"
    path.unlink(missing_ok=True)
    with Journal(path, "made of this") as journal:
        journal.schedule("lockstep")
        journal.add([[1, 2, 3], [4, 5], [6]])
        journal.knob(KnobChange("tokens", 3, "temperature", 0.8))
        journal.seam(Seam(3, True))
        journal.add([[7], [8], [9]], frames=4)
        journal.flush()
    path.write_bytes(data.draw(spoiled(path.read_bytes())))
    size = path.stat().st_size
    found = read_journal(path)
    assert found is None or found.size <= size
    holds(lambda of: Journal(of, "made of this").close(), path)
    again = read_journal(path)
    assert again is None or again.made_from == "made of this"


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A short sound with its tags in each kind of file."""
    folder, made = tmp_path_factory.mktemp("sounds"), {}
    for kind in ("wav", "flac", "mp3"):
        path = folder / f"x.{kind}"
        soundfile.write(path, np.zeros((4800, 2), np.float32), 48_000)
        tags = tags_of(RECIPE)
        write_tags(path, kind, tags)
        made[kind] = path.read_bytes()
    return made


def tags_in(path: Path) -> None:
    """All that is read of a sound file before its sound is."""
    kind, fields = text_fields(path)
    assert kind in ("", "wav", "flac", "mp3")
    assert sum(map(len, fields.values())) <= 4 * path.stat().st_size
    with path.open("rb") as file:
        assert len(list(riff.chunks(file))) <= riff.MOST_CHUNKS
    read_tags(path)
    look_into(path)


def _spoiled_sounds(walls: Path, sounds: dict[str, bytes], kind: str, data: st.DataObject) -> None:
    path = walls / f"x.{kind}"
    path.write_bytes(data.draw(spoiled(sounds[kind])))
    holds(tags_in, path)


def _texts_of_codes(text: str, codes: list[list[int]]) -> None:
    for given in (text, f"1:{text}", to_text(codes)[:-3], to_text(codes) + text):
        found = from_text(given)
        assert found is None or (len(found) == BOOKS and len({len(row) for row in found}) == 1)


FACTS = b"title: A song\nstyle: pop\nreference: {path: ../x.wav, start: '3'}\nsettings:\n  seed: '7'\n"
MODELS = b"""
mine: &mine
  family: levo
  title: A model
  note: mine
  version: v2
  limits: {seconds: 150, lyric_tokens: 600, style_tokens: 100}
  shapes: {tokens: {width: 32, codes: 64}}
  files: [{path: a/b.pt, repo: x/y, roles: [tokens], about: 7}]
  licence: {name: MIT, url: 'https://x', is_free: true}
other: *mine
"""
CONFIG = (
    b"model: demo\ndevice: auto\nsettings: {length: 5}\nstudio:\n  theme: songdesk\n  keys: {quit: ctrl+q}\n"
)
MARK = b"star: true\nnote: |\n  words\n  more\n"
OLD = json.dumps({**asdict(SONG), "reference": None}).encode()


def _spoiled_facts(walls: Path, data: bytes, old: bytes) -> None:
    for name, content in (("song.yaml", data), ("draft.json", old)):
        home = walls / "song"
        home.mkdir(exist_ok=True)
        for path in home.iterdir():
            path.unlink()
        (home / name).write_bytes(content)
        for read in (title_of, load_draft):
            holds(read, home)


def _spoiled_models(walls: Path, data: bytes) -> None:
    path = walls / "models.yaml"
    path.write_bytes(data)
    holds(registry._read, path)


def _spoiled_settings(walls: Path, config: bytes, mark: bytes) -> None:
    (walls / "songdesk.yaml").write_bytes(config)
    holds(load_config, walls / "songdesk.yaml")
    (walls / "take.yaml").write_bytes(mark)
    assert isinstance(load_mark(walls).note, str)


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A song file."""
    path = tmp_path_factory.mktemp("lines") / "x.jsonl"
    write_songs(path, [SONG])
    return path.read_bytes()


def _spoiled_songs(walls: Path, lines: bytes, data: st.DataObject) -> None:
    spoilt = data.draw(spoiled(lines))
    for name in ("x.jsonl", "x.txt"):
        (walls / name).write_bytes(spoilt)
    holds(read_songs, walls / "x.jsonl")
    holds(import_text_song, walls / "x.txt")


def _caches(walls: Path, data: bytes) -> None:
    (walls / "kept.json").write_bytes(data)
    load_kept(walls / "kept.json", "x", 1)
    recall(walls / "kept.json")


KINDS = st.sampled_from(["wav", "flac", "mp3"])
KEYS = st.sampled_from(sorted(asdict(RECIPE)))
INNER = st.none() | st.sampled_from(["seed", "title", "reference", "path", "why", "mix", "settings"])
CODES = st.lists(st.lists(st.integers(-3, 70_000), max_size=4), min_size=3, max_size=3)

test_recipes, test_recipes_long = fuzzed(_spoiled_recipes, data=spoiled(TOLD.encode()))
test_values, test_values_long = fuzzed(_other_recipes, key=KEYS, value=JSON, inner=INNER)
test_journals, test_journals_long = fuzzed(_spoiled_journals, data=st.data())
test_sounds, test_sounds_long = fuzzed(_spoiled_sounds, kind=KINDS, data=st.data())
test_codes, test_codes_long = fuzzed(_texts_of_codes, text=st.text(max_size=20), codes=CODES)
test_facts, test_facts_long = fuzzed(_spoiled_facts, data=spoiled(FACTS), old=spoiled(OLD))
test_models, test_models_long = fuzzed(_spoiled_models, data=spoiled(MODELS))
test_settings, test_settings_long = fuzzed(_spoiled_settings, config=spoiled(CONFIG), mark=spoiled(MARK))
test_songs, test_songs_long = fuzzed(_spoiled_songs, data=st.data())
test_caches, test_caches_long = fuzzed(_caches, data=spoiled(b'{"version": 1, "of": "x", "bookmarks": []}'))

DEEP = b"[" * 20_000
BOMB = b"a: &a [x,x,x,x,x,x,x,x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (n, n, b",".join([b"*%c" % (n - 1)] * 8)) for n in range(ord("b"), ord("l"))
)
ENDLESS = {
    "lists": DEEP, "objects": b'{"a":' * 20_000, "lists in an object": b'{"note": ' + DEEP,
    "lists in yaml": b"note: " + DEEP, "aliases": BOMB + b"note: *k\n", "itself": b"note: &a [*a]\n",
}  # fmt: skip


@pytest.mark.parametrize("case", ENDLESS)
def test_what_is_nested_or_grows_without_end_is_refused_or_read_as_nothing(case: str, walls: Path) -> None:
    data = ENDLESS[case]
    _spoiled_recipes(walls, data)
    _spoiled_facts(walls, data, data)
    _spoiled_models(walls, data)
    _spoiled_settings(walls, data, data)
    _caches(walls, data)
    (walls / "x.jsonl").write_bytes(data)
    holds(read_songs, walls / "x.jsonl")
    assert len(load_mark(walls).note) < 1000


def test_a_recipe_from_anywhere_with_a_path_for_a_name_is_only_words(walls: Path) -> None:
    told = {**json.loads(TOLD), "audio": "../../x.wav", "model": "../../x", "files": {"../../y": "0"}}
    recipe, _, _ = understood(json.dumps(told), "x")
    assert recipe.files == {}
    with pytest.raises(SongdeskError):
        registry.variant(recipe.model)


@pytest.mark.parametrize("key", ["seconds", "until"])
def test_a_number_that_no_float_holds_is_none(key: str) -> None:
    recipe, _, _ = understood(json.dumps({**json.loads(TOLD), key: 10**400}), "x")
    assert (recipe.seconds if key == "seconds" else recipe.until) == 0
