"""What sound files tell: to other programs, and back to songdesk; never at the cost of the sound."""

import hashlib
import json
import shutil
import struct
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

import mutagen
import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from mutagen.id3 import ID3, TXXX
from mutagen.wave import WAVE
from safetensors.numpy import save_file

from core.audio import codes as packed
from core.audio import fields, riff
from core.audio.tags import Tagged, Tags, read_tags, tags_of, write_tags
from core.audio.writer import FORMATS, AudioWriter, Depth, Format
from core.errors import SongdeskError
from core.takes.recipe import Recipe, from_json
from tests.core.audio.tones import KINDS, Samples, names, noise, tone

each_kind = pytest.mark.parametrize(("kind", "depth"), KINDS)
LYRICS = "[verse]\nPaper boats, ünder – 雨 \u202eRTL\n\n[chorus]\nHold the line"
CODES = np.random.default_rng(2).integers(0, 16_384, (3, 120)).astype(np.int32)


def recipe(**changes: object) -> Recipe:
    song = {"title": "Boats – 雨", "lyrics": LYRICS, "style": "female, Pop, piano, dance-pop", "settings": {}}
    made = Recipe(
        song={**song, **changes.pop("song", {})},  # type: ignore[dict-item]
        model="demo",
        settings={"seed": 3, "temperature": 0.9, "format": "wav"},
        state="done",
        songdesk="0.2",
        files={"tokens.safetensors": "aa", "a.wav": "bb", "a_vocal.wav": "cc"},
        audio="a.wav",
    )
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.fixture
def tokens(tmp_path: Path) -> Path:
    save_file({"codes": CODES}, tmp_path / "tokens.safetensors")
    return tmp_path / "tokens.safetensors"


def write(
    path: Path, kind: Format, depth: Depth, tags: Tags | None, samples: Samples | None = None
) -> AudioWriter:
    with AudioWriter(path, format=kind, depth=depth, tags=tags) as writer:
        writer.write(tone() if samples is None else samples)
    return writer


@each_kind
def test_the_recipe_and_the_tokens_come_back(
    tmp_path: Path, tokens: Path, kind: Format, depth: Depth
) -> None:
    write(tmp_path / "a", kind, depth, tags_of(recipe(), tokens))
    tagged = read_tags(tmp_path / "a")
    assert tagged is not None
    assert tagged.kind == kind
    assert np.array_equal(tagged.tokens or (), CODES)
    back = from_json(tagged.recipe)
    assert back == recipe(files={}, audio=""), "but for the names and hashes of files"


@each_kind
def test_the_sound_is_what_it_is_without_tags(
    tmp_path: Path, tokens: Path, kind: Format, depth: Depth
) -> None:
    samples = noise(20_001, level=0.3)
    plain = write(tmp_path / "plain", kind, depth, None, samples)
    told = write(tmp_path / "told", kind, depth, tags_of(recipe(), tokens), samples)
    assert plain.sha256 != told.sha256
    assert told.sha256 == hashlib.sha256((tmp_path / "told").read_bytes()).hexdigest()
    before, rate = soundfile.read(tmp_path / "plain", dtype="float64")
    after, same_rate = soundfile.read(tmp_path / "told", dtype="float64")
    assert rate == same_rate
    assert np.array_equal(before, after)
    assert soundfile.info(tmp_path / "told").subtype == soundfile.info(tmp_path / "plain").subtype
    assert read_tags(tmp_path / "plain") is None


@each_kind
def test_equal_samples_and_tags_give_equal_bytes(
    tmp_path: Path, tokens: Path, kind: Format, depth: Depth
) -> None:
    one = write(tmp_path / "one", kind, depth, tags_of(recipe(), tokens))
    other = write(tmp_path / "other-name.x", kind, depth, tags_of(recipe(), tokens))
    assert one.sha256 == other.sha256
    renamed = write(tmp_path / "renamed", kind, depth, tags_of(recipe(audio="renamed.wav"), tokens))
    assert renamed.sha256 == one.sha256, "takes of one recipe do not differ by the names of their files"
    third = write(tmp_path / "third", kind, depth, tags_of(recipe(seconds=1.0), tokens))
    assert third.sha256 != one.sha256


@each_kind
def test_tags_may_be_set_once_the_samples_are_known(tmp_path: Path, kind: Format, depth: Depth) -> None:
    samples = noise(9000)
    with AudioWriter(tmp_path / "a", format=kind, depth=depth) as writer:
        for start in range(0, 9000, 1234):
            writer.write(samples[:, start : start + 1234])
        writer.tags = tags_of(recipe(samples={"mix": writer.samples_sha256}))
    tagged = read_tags(tmp_path / "a")
    assert tagged is not None
    told = from_json(tagged.recipe).samples["mix"]
    assert told == hashlib.sha256(samples.T.astype("<f4").tobytes()).hexdigest() == writer.samples_sha256


@each_kind
def test_other_programs_are_shown_title_lyrics_and_where_it_comes_from(
    tmp_path: Path, kind: Format, depth: Depth
) -> None:
    write(tmp_path / f"a.{kind}", kind, depth, tags_of(recipe()))
    told = mutagen.File(tmp_path / f"a.{kind}")
    assert told is not None
    comment = "Made with songdesk 0.2, model demo, seed 3; `songdesk open FILE` brings the song back"
    if kind == "flac":
        assert told["title"] == ["Boats – 雨"]
        assert told["lyrics"] == told["unsyncedlyrics"] == [LYRICS]
        assert told["comment"] == [comment]
        assert told["encoder"] == ["songdesk 0.2"]
        assert told["genre"] == ["pop", "dance-pop"]
        assert not any(name.lower() == "songdesk_tokens" for name in told)
    else:
        assert told["TIT2"].text == ["Boats – 雨"]
        assert told["USLT::XXX"].text == LYRICS
        assert told["COMM::XXX"].text == [comment]
        assert told["TSSE"].text == ["songdesk 0.2"]
        assert told["TCON"].text == ["pop", "dance-pop"]
        assert json.loads(told["TXXX:SONGDESK_RECIPE"].text[0])["model"] == "demo"
    assert told.info.length == pytest.approx(0.5, abs=0.06)


@each_kind
@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="ffprobe is not installed")
def test_ffprobe_shows_them(tmp_path: Path, kind: Format, depth: Depth) -> None:
    write(tmp_path / f"a.{kind}", kind, depth, tags_of(recipe()))
    asked = ["ffprobe", "-v", "error", "-of", "json", "-show_format", str(tmp_path / f"a.{kind}")]
    done = subprocess.run(asked, capture_output=True, check=True)
    shown = {name.lower(): value for name, value in json.loads(done.stdout)["format"]["tags"].items()}
    assert shown["title"] == "Boats – 雨"
    assert shown["comment"].startswith("Made with songdesk")
    assert done.stderr == b""


@pytest.mark.parametrize("depth", ["float", "24", "16"])
@pytest.mark.parametrize("title", ["odd", "even", ""])
def test_a_wav_is_a_row_of_whole_chunks(tmp_path: Path, depth: Depth, title: str) -> None:
    told = tags_of(recipe(song={"title": title}))
    write(tmp_path / "a.wav", "wav", depth, told)
    data = (tmp_path / "a.wav").read_bytes()
    found, rest = whole_chunks(data[12:]), struct.unpack("<I", data[4:8])[0]
    assert (data[:4], data[8:12], rest) == (b"RIFF", b"WAVE", len(data) - 8)
    assert list(found)[-3:] == [b"data", b"LIST", b"id3 "]
    assert len(found[b"data"]) == 24_000 * 2 * {"float": 4, "24": 3, "16": 2}[depth]
    assert found[b"LIST"][:4] == b"INFO"
    said = {name: text.rstrip(b"\0").decode() for name, text in whole_chunks(found[b"LIST"][4:]).items()}
    assert said.get(b"INAM", "") == title
    assert said[b"ICMT"] == told.comment
    assert said[b"ISFT"] == "songdesk 0.2"
    with (tmp_path / "a.wav").open("rb") as file:
        listed = [(name, data[place : place + size]) for name, place, size in riff.chunks(file)]
    assert listed == list(found.items())


def whole_chunks(data: bytes) -> dict[bytes, bytes]:
    found = {}
    while data:
        name, size = struct.unpack("<4sI", data[:8])
        assert len(data) >= 8 + size + size % 2
        assert data[8 + size : 8 + size + size % 2] in (b"", b"\0")
        found[name] = data[8 : 8 + size]
        data = data[8 + size + size % 2 :]
    return found


def test_a_wav_too_large_to_count_more_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = write(tmp_path / "plain", "wav", "float", None)
    monkeypatch.setattr(riff, "_MOST", (tmp_path / "plain").stat().st_size + 100)
    assert write(tmp_path / "a", "wav", "float", tags_of(recipe())).sha256 == plain.sha256


@each_kind
@settings(deadline=None, max_examples=8)
@given(
    words=st.text(st.characters(codec=None), max_size=40),
    extra=st.sampled_from(
        ["", "\0", "\ud800", "\udc00\ud83d", "\u202e", "\r\n", "\x1b[2J", "=", "\ufeff", "/"]
    ),
)
def test_no_character_breaks_a_file(
    tmp_path_factory: pytest.TempPathFactory, kind: Format, depth: Depth, words: str, extra: str
) -> None:
    text = f"{words}{extra}b"
    told = recipe(song={"title": text, "lyrics": text, "style": text})
    path = tmp_path_factory.mktemp("a") / f"a.{kind}"
    write(path, kind, depth, tags_of(told), noise(600, level=0.1))
    tagged = read_tags(path)
    assert tagged is not None
    assert from_json(tagged.recipe).song == told.song
    assert soundfile.info(path).channels == 2
    shown = mutagen.File(path)
    assert shown is not None
    lyrics = shown["lyrics"][0] if kind == "flac" else shown["USLT::XXX"].text
    assert "\0" not in lyrics
    assert lyrics.endswith("b")


def test_text_that_is_too_long_is_left_out_and_the_file_stands(tmp_path: Path) -> None:
    told = tags_of(recipe(song={"title": "t" * 5000, "lyrics": "l" * (5 << 20)}))
    assert (len(told.title), len(told.lyrics), told.recipe) == (1000, 1 << 20, "")
    for kind in FORMATS:
        write(tmp_path / kind, kind, "float", told)
        assert mutagen.File(tmp_path / kind) is not None
        assert read_tags(tmp_path / kind) is None


def test_tokens_that_cannot_be_read_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "damaged").write_bytes(b"\xff" * 40)
    save_file({"other": CODES}, tmp_path / "other")
    save_file({"codes": CODES[0]}, tmp_path / "flat")
    save_file({"codes": CODES.astype(np.float32)}, tmp_path / "fractions")
    for name in ("none", "damaged", "other", "flat", "fractions"):
        assert tags_of(recipe(), tmp_path / name).tokens == ""


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 60).flatmap(lambda n: st.tuples(*[st.tuples(*[st.integers(0, 32_767)] * n)] * 3)))
def test_tokens_survive_being_text(codes: packed.Codes) -> None:
    text = packed.to_text(codes)
    assert text.isascii()
    assert packed.from_text(text) == codes


def test_an_hour_of_tokens_fits_and_more_is_refused() -> None:
    row = np.random.default_rng(1).integers(0, 32_768, 25 * 3600 + 1).tolist()
    text = packed.to_text([row[:-1]] * 3)
    assert len(packed.from_text(text) or ((),)) == 3
    assert packed.to_text([row] * 3) == ""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "1:",
        "1:!!",
        "2:eJw=",
        "1:eJwDAAAAAAE=",
        "1:" + "A" * 99,
        packed.to_text([[1], [2], [3]])[:-4],
    ],
)
def test_what_is_not_tokens_is_none(text: str) -> None:
    assert packed.from_text(text) is None


def test_tokens_that_would_unpack_to_more_than_fits_are_not_unpacked() -> None:
    import base64
    import zlib

    bomb = zlib.compress(bytes(64 << 20), 9)
    assert packed.from_text("1:" + base64.b64encode(bomb).decode()) is None
    negative = zlib.compress(b"\xff\xff" * 3)
    assert packed.from_text("1:" + base64.b64encode(negative).decode()) is None


def test_a_recipe_too_long_to_be_one_is_refused(tmp_path: Path) -> None:
    for kind in FORMATS:
        told = replace(tags_of(recipe()), recipe=" " * ((4 << 20) + 1))
        write(tmp_path / kind, kind, "float", told)
        with pytest.raises(SongdeskError, match="too long"):
            read_tags(tmp_path / kind)


def test_files_without_a_recipe(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "text").write_text("songdesk " * 100)
    (tmp_path / "riff").write_bytes(b"RIFF\x04\0\0\0WAVE")
    for name in ("empty", "text", "riff"):
        assert read_tags(tmp_path / name) is None
    for name in ("missing", ".", "a\0b"):
        with pytest.raises(SongdeskError):
            read_tags(tmp_path / name)


@pytest.mark.parametrize("version", [3, 4])
@pytest.mark.parametrize("kind", ["wav", "mp3"])
def test_a_tag_that_another_program_wrote_anew_is_read(
    tmp_path: Path, tokens: Path, kind: Format, version: int
) -> None:
    path = tmp_path / f"a.{kind}"
    told = tags_of(recipe(), tokens)
    write(path, kind, "float", told)
    if kind == "wav":
        wave = WAVE(path)
        tag = cast("ID3", wave.tags)
        tag.update_to_v23()
        tag.add(TXXX(encoding=1, desc="SONGDESK_RECIPE", text=[told.recipe]))
        wave.save(v2_version=version)
    else:
        tag = ID3(path)
        tag.add(TXXX(encoding=1, desc="SONGDESK_RECIPE", text=[told.recipe]))
        tag.add(TXXX(encoding=2, desc="other", text=["1", "2"]))
        tag.save(path, v2_version=version)
    tagged = read_tags(path)
    assert tagged == Tagged(kind, told.recipe, tuple(map(tuple, CODES.tolist())))


def test_flac_behind_an_id3_tag_is_read(tmp_path: Path) -> None:
    write(tmp_path / "a", "flac", "float", tags_of(recipe()))
    whole = (tmp_path / "a").read_bytes()
    (tmp_path / "a").write_bytes(b"ID3\x04\0\0\0\0\x01\x02" + bytes(130) + whole)
    tagged = read_tags(tmp_path / "a")
    assert tagged is not None
    assert tagged.kind == "flac"


def frame(body: bytes, flags: int = 0, *, version: int = 4, name: bytes = b"TXXX") -> bytes:
    n = len(body)
    size = bytes([n >> 21 & 127, n >> 14 & 127, n >> 7 & 127, n & 127]) if version == 4 else n.to_bytes(4)
    return name + size + flags.to_bytes(2) + body


def tag(body: bytes, flags: int = 0, *, version: int = 4) -> bytes:
    n = len(body)
    size = bytes([n >> 21 & 127, n >> 14 & 127, n >> 7 & 127, n & 127])
    return b"ID3" + bytes([version, 0, flags]) + size + body


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (tag(frame(b"\x03A\0b")), {"A": "b"}),
        (tag(frame(b"\x00A\0\xe9")), {"A": "é"}),
        (tag(frame(b"\x01\xff\xfeA\0\0\0\xff\xfeb\0", version=3), version=3), {"A": "b"}),
        (tag(frame(b"\x02\0A\0\0\0b")), {"A": "b"}),
        (tag(frame(b"\x03A\0b\0c")), {"A": "b"}),
        (tag(b"\0\0\0\x06\x01\0" + frame(b"\x03A\0b"), 0x40), {"A": "b"}),
        (tag(b"\0\0\0\x06" + bytes(6) + frame(b"\x03A\0b", version=3), 0x40, version=3), {"A": "b"}),
        (tag(frame(b"\x00A\0\xff\x00b", version=3), 0x80, version=3), {"A": "ÿb"}),
        (tag(frame(b"\0\0\0\x06\x00A\0\xff\x00b", 0x0003)), {"A": "ÿb"}),
        (tag(frame(b"gA\0b"[:1] + b"\x03A\0b", 0x0040)), {"A": "b"}),
        (tag(frame(b"\x03A\0b", 0x0008) + frame(b"\x03C\0d")), {"C": "d"}),
        (tag(frame(b"\x03A\0b", 0x0004)), {}),
        (tag(frame(b"\x09A\0b") + frame(b"\x03C\0d")), {"C": "d"}),
        (tag(frame(b"x" * 200, name=b"APIC") + frame(b"\x03C\0d") + bytes(50)), {"C": "d"}),
        (tag(frame(b"\x03A\0b"))[:-1], {"A": ""}),
        (tag(frame(b"\x03A\0b"), version=2), {}),
        (b"ID3", {}),
        (b"", {}),
    ],
)  # fmt: skip
def test_id3_frames(made: bytes, expected: Mapping[str, str]) -> None:
    assert dict(fields.id3_texts(made)) == expected


@pytest.fixture(scope="module", params=FORMATS)
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("whole") / "a"
    write(path, request.param, "float", tags_of(recipe()), noise(300, level=0.1))
    return path.read_bytes()


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_a_damaged_file_gives_what_can_be_read_or_an_error_that_can_be_told(
    whole: bytes, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    damaged = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(damaged[: data.draw(st.integers(0, len(whole)))])
    tagged = read_tags(path)
    assert tagged is None or isinstance(tagged.recipe, str)


@each_kind
def test_a_full_disk_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Format, depth: Depth
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mutagen.flac.resize_bytes", refuse)
    monkeypatch.setattr("mutagen.id3._file.insert_bytes", refuse)
    monkeypatch.setattr("core.audio.riff.append", refuse)
    with pytest.raises(SongdeskError, match="no space left"):
        write(tmp_path / "a", kind, depth, tags_of(recipe()))
    assert names(tmp_path) == []


def test_only_three_kinds_are_written(tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        write_tags(tmp_path / "a", "ogg", tags_of(recipe()))
