"""What songdesk keeps: the library, models' files, configuration, folders, disks."""

import json
import shutil
import sqlite3
import struct
from collections import namedtuple
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from core.doctor import folders, room, weights
from core.doctor.finding import Finding
from core.doctor.scene import Scene
from core.doctor.shelf import look
from core.host import Host
from core.library.store import FILE, FOLDER, Store
from core.making import weighing
from core.registry import variants
from core.takes import recipe
from core.takes.recipe import Recipe

NOWHERE = Scene(Host())
Usage = namedtuple("Usage", "total used free")


def take(root: Path, song: str, name: str = "20261126-180601-1") -> Path:
    folder = root / song / "takes" / name
    folder.mkdir(parents=True)
    about = {"title": song, "lyrics": "", "style": ""}
    recipe.save(Recipe(song=about, model="demo", settings={"seed": 1}, state="done", songdesk="1"), folder)
    return folder


def contents(root: Path) -> dict[str, tuple[int, bytes]]:
    files = (path for path in root.rglob("*") if path.is_file())
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """A library of two takes with its index."""
    root = tmp_path / "songs"
    take(root, "Boats")
    take(root, "Harbour")
    with closing(Store(root)) as store:
        store.sync()
    return root


def test_a_whole_library_is_well_and_nothing_in_it_changes(shelf: Path) -> None:
    before = contents(shelf)
    found = look(shelf)
    assert (found.status, found.facts["takes"]) == ("ok", 2)
    assert contents(shelf) == before


def test_a_library_that_is_open_is_looked_at_with_its_log(shelf: Path) -> None:
    with closing(Store(shelf)) as store:
        store.sync()
        take(shelf, "Quay")
        store.sync()
        assert look(shelf).status == "ok"


def test_no_library_is_well(tmp_path: Path) -> None:
    found = look(tmp_path / "none")
    assert found.status == "ok"
    assert not (tmp_path / "none").exists()


def test_an_index_that_lags_behind_the_folders_says_by_how_much(shelf: Path) -> None:
    shutil.rmtree(shelf / "Boats")
    take(shelf, "Quay")
    take(shelf, "Pier")
    found = look(shelf)
    assert found.status == "warn"
    assert (found.facts["not_in_index"], found.facts["gone_from_disk"]) == (2, 1)


def test_a_damaged_index_fails_and_names_the_way(shelf: Path) -> None:
    path = shelf / FOLDER / FILE
    path.write_bytes(path.read_bytes()[:1000] + b"\xff" * 5000)
    found = look(shelf)
    assert (found.status, found.fix) == ("fail", "songdesk library rebuild")


def test_the_index_of_a_newer_songdesk_is_named_and_left(shelf: Path) -> None:
    with closing(sqlite3.connect(shelf / FOLDER / FILE)) as connection:
        connection.execute("PRAGMA user_version = 99")
    found = look(shelf)
    assert found.status == "warn"
    assert "newer songdesk" in found.what


def test_without_an_index_it_is_made_later(shelf: Path) -> None:
    shutil.rmtree(shelf / FOLDER)
    assert look(shelf).status == "warn"


def test_a_recipe_that_cannot_be_read_is_named(shelf: Path) -> None:
    (shelf / "Boats" / "takes" / "20261126-180601-1" / recipe.FILE).write_text("{")
    found = look(shelf)
    assert found.status == "warn"
    assert "Boats/20261126-180601-1" in found.what


def test_files_that_a_recipe_names_and_that_are_gone_are_told(shelf: Path) -> None:
    folder = shelf / "Boats" / "takes" / "20261126-180601-1"
    its = recipe.load(folder)
    assert its is not None
    its = replace(its, stages={"conditions": "a", "tokens": "b", "sound": "c"}, files={"song.wav": "0"})
    recipe.save(its, folder)
    for name in ("conditions.safetensors", "draft-tokens.safetensors", "song.wav"):
        (folder / name).touch()
    assert look(shelf).facts["files_gone"] == {}
    (folder / "draft-tokens.safetensors").unlink()
    (folder / "song.wav").unlink()
    found = look(shelf)
    name = "Boats/20261126-180601-1"
    assert found.status == "warn"
    assert found.facts["files_gone"] == {name: ["song.wav", "tokens.safetensors"]}
    assert f"{name} (song.wav, tokens.safetensors)" in found.what


def test_a_damaged_index_does_not_hide_what_is_wrong_with_takes(shelf: Path) -> None:
    path = shelf / FOLDER / FILE
    path.write_bytes(path.read_bytes()[:1000] + b"\xff" * 5000)
    (shelf / "Boats" / "takes" / "20261126-180601-1" / recipe.FILE).write_text("{")
    found = look(shelf)
    assert found.status == "fail"
    assert "recipes that cannot be read: Boats/" in found.what
    assert "its index: " in found.what
    assert found.fix.endswith("; songdesk library rebuild")


def weight_file(path: Path, *, cut: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    header = json.dumps({"x": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}).encode()
    data = struct.pack("<Q", len(header)) + header + bytes(16)
    path.write_bytes(data[: len(data) - cut])
    return path


@pytest.fixture
def ckpt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of weights."""
    monkeypatch.setenv("SONGDESK_CKPT", str(tmp_path / "ckpt"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "ckpt").mkdir()
    return tmp_path / "ckpt"


def recorded_in(found: Finding) -> dict[str, str]:
    """Hashes by file that a line of the report tells."""
    hashes = found.facts["sha256"]
    assert isinstance(hashes, dict)
    return hashes


def test_no_models_is_well(ckpt: Path) -> None:
    assert weights.models(NOWHERE).status == "ok"


def test_whole_files_are_well_and_their_hashes_told_where_recorded(ckpt: Path) -> None:
    path = weight_file(ckpt / "v2-large" / "tokens.safetensors")
    before = weights.models(NOWHERE)
    assert not {name for name in recorded_in(before) if not name.startswith("demo/")}
    assert "v2-large partly, without" in before.what
    digest = weighing.weights_of(variants()["v2-large"], ["tokens"])["tokens"]
    after = weights.models(NOWHERE)
    assert recorded_in(after).keys() - recorded_in(before).keys() == {"v2-large/tokens.safetensors"}
    assert recorded_in(after)["v2-large/tokens.safetensors"] == digest
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    changed = weights.models(NOWHERE)
    assert (changed.status, changed.facts["changed"]) == ("warn", ["v2-large/tokens.safetensors"])


@pytest.mark.parametrize("cut", [1, 16, 80])
def test_a_cut_file_fails_by_its_name(cut: int, ckpt: Path) -> None:
    weight_file(ckpt / "levo" / "vae.safetensors", cut=cut)
    found = weights.models(NOWHERE)
    assert found.status == "fail"
    assert "vae.safetensors" in found.what


@pytest.mark.parametrize("junk", [b"", b"\xff" * 64, b"\x10" + bytes(7) + b"not JSON at all!"], ids=range(3))
def test_junk_under_a_models_name_is_no_crash(junk: bytes, ckpt: Path) -> None:
    (ckpt / "levo").mkdir()
    (ckpt / "levo" / "vae.safetensors").write_bytes(junk)
    assert weights.models(NOWHERE).status == "fail"


def test_stand_ins_are_named_by_kind(ckpt: Path) -> None:
    (ckpt / "songgeneration").mkdir()
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12902345678\n"
    (ckpt / "songgeneration" / "model.pt").write_text(pointer)
    (ckpt / "autoencoder.ckpt").write_text("<!DOCTYPE html><html>Not found</html>")
    (ckpt / "README.md").write_text("Weights belong here.")
    (ckpt / "vocab.json").write_text('{"a": 1}')
    found = weights.stand_ins(NOWHERE)
    assert found.status == "fail"
    assert found.facts["files"] == {
        "songgeneration/model.pt": "a Git LFS pointer", "autoencoder.ckpt": "a web page",
    }  # fmt: skip


def test_weights_without_stand_ins_are_well(ckpt: Path) -> None:
    weight_file(ckpt / "levo" / "vae.safetensors")
    assert weights.stand_ins(NOWHERE).status == "ok"


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The person's folder of settings."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "songdesk").mkdir()
    variants.cache_clear()
    return tmp_path / "songdesk"


def test_a_configuration_as_shipped_is_well(own: Path) -> None:
    assert folders.configuration(NOWHERE).status == "ok"


@pytest.mark.parametrize(
    ("name", "text"),
    [("songdesk.yaml", "studio: {theme: [1\n"), ("songdesk.yaml", "no_such: 1\n"), ("models.yaml", "x: 1\n")],
)
def test_files_that_cannot_be_read_fail_by_name(name: str, text: str, own: Path) -> None:
    (own / name).write_text(text)
    found = folders.configuration(NOWHERE)
    assert found.status == "fail"
    assert name in found.what
    assert found.fix


def test_a_spoiled_preset_is_named(own: Path) -> None:
    (own / "presets").mkdir()
    (own / "presets" / "mine.yaml").write_text("settings: [1\n")
    found = folders.configuration(NOWHERE)
    assert (found.status, found.facts["spoiled_presets"]) == ("warn", ["mine"])


def test_folders_that_cannot_be_written_are_named_and_none_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SONGDESK_LIBRARY", str(tmp_path / "deep" / "songs"))
    assert folders.permissions(NOWHERE).status == "ok"
    monkeypatch.setattr("os.access", lambda place, mode: Path(place) != tmp_path)
    found = folders.permissions(NOWHERE)
    assert found.status == "fail"
    assert "library" in found.what
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("free", "verdict"), [(1e8, "fail"), (20e9, "warn"), (100e9, "ok")])
def test_disks_are_measured_where_the_folder_will_be(
    free: float, verdict: str, ckpt: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SONGDESK_CKPT", str(ckpt / "not" / "yet"))
    asked = []

    def usage(place: Path) -> Usage:
        asked.append(place)
        return Usage(1e12, 1e12 - free, free)

    monkeypatch.setattr("shutil.disk_usage", usage)
    assert room.disk_for_models(NOWHERE).status == verdict
    assert asked == [ckpt]


@pytest.mark.parametrize(("total", "available", "verdict"), [(32, 20, "ok"), (32, 1, "warn"), (4, 3, "warn")])
def test_little_memory_is_said(
    total: int, available: int, verdict: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = SimpleNamespace(total=total << 30, available=available << 30)
    monkeypatch.setattr("psutil.virtual_memory", lambda: memory)
    assert room.ram(NOWHERE).status == verdict
