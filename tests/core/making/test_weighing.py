"""Hashes of weight files: right, worked out once, and right again after a change."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from core.digest import sha256_of
from core.making import weighing
from core.making.weighing import weights_of
from core.paths import weights_cache
from core.registry import Variant, variant


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the demo model's weights, with two of its files."""
    monkeypatch.setenv("SONGDESK_CKPT", str(tmp_path / "ckpt"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "ckpt" / "demo"
    folder.mkdir(parents=True)
    for role in ("tokens", "vae"):
        (folder / f"{role}.safetensors").write_bytes(role.encode() * 100)
    return folder


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that were read whole."""
    seen: list[str] = []

    def counting(path: Path) -> str:
        seen.append(path.name)
        return sha256_of(path)

    monkeypatch.setattr(weighing, "sha256_of", counting)
    return seen


def demo() -> Variant:
    """The demo, as if its weights were fetched: those that are shipped lie elsewhere."""
    return replace(variant("demo"), weights="published")


def test_each_role_that_is_there_is_named_by_its_hash(files: Path) -> None:
    expected = {role: sha256_of(files / f"{role}.safetensors") for role in ("tokens", "vae")}
    assert weights_of(demo(), ("tokens", "vae", "flow")) == expected


def test_a_file_is_read_once(files: Path, read: list[str]) -> None:
    first = weights_of(demo(), ("tokens",))
    assert weights_of(demo(), ("tokens", "vae"))["tokens"] == first["tokens"]
    weights_of(demo(), ("tokens", "vae"))
    assert read == ["tokens.safetensors", "vae.safetensors"]


def test_a_changed_file_is_read_again(files: Path, read: list[str]) -> None:
    path = files / "tokens.safetensors"
    first = weights_of(demo(), ("tokens",))
    before = path.stat()
    path.write_bytes(b"TOKENS" * 100)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert weights_of(demo(), ("tokens",)) == {"tokens": sha256_of(path)} != first
    assert read == ["tokens.safetensors"] * 2


def test_a_file_that_is_written_meanwhile_is_left_out(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def disturbed(path: Path) -> str:
        digest = sha256_of(path)
        path.write_bytes(b"more")
        return digest

    with monkeypatch.context() as patch:
        patch.setattr(weighing, "sha256_of", disturbed)
        assert weights_of(demo(), ("tokens",)) == {}
    assert weights_of(demo(), ("tokens",)) == {"tokens": sha256_of(files / "tokens.safetensors")}


def test_files_that_cannot_be_read_are_left_out(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> str:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(weighing, "sha256_of", refuse)
    assert weights_of(demo(), ("tokens", "vae")) == {}


@pytest.mark.parametrize(
    "kept", ["", "[]", "null", '{"a": 1}', '{"a": [1, 2]}', '{"a": ["x", 2, "y"]}', "\xff"]
)
def test_a_damaged_cache_is_made_anew(files: Path, kept: str) -> None:
    weights_cache().parent.mkdir(parents=True)
    weights_cache().write_text(kept, encoding="latin-1")
    found = weights_of(demo(), ("tokens",))
    assert [entry[2] for entry in json.loads(weights_cache().read_text()).values()] == list(found.values())


def test_without_a_cache_nothing_is_missing_but_time(files: Path) -> None:
    weights_cache().parent.parent.mkdir(parents=True)
    weights_cache().parent.write_text("a file where a folder should be")
    assert set(weights_of(demo(), ("tokens",))) == {"tokens"}
