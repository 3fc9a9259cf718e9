"""Trained weights on their way into the product: checked first, then copied and listed, all or nothing."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from core.checkpoints import require_weights
from core.digest import sha256_of
from core.errors import SongdeskError
from core.family import family
from core.levo.demo import demo_weights
from core.levo.shapes import shapes_of
from core.paths import conf_file
from core.registry import _file, variant
from core.tensors import load_tensors, save_tensors
from tests.toy import SHAPES
from train import ship

TINY = shapes_of(SHAPES)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn")
    demo_weights(TINY, folder)
    for path in folder.glob("*.safetensors"):
        tensors = load_tensors(path)
        if any(tensor.is_floating_point() for tensor in tensors.values()):
            save_tensors(path, {key: tensor.half() for key, tensor in tensors.items()}, {})
    return folder


@pytest.fixture
def trained(drawn: Path, tmp_path: Path) -> Path:
    """What an export writes."""
    return Path(shutil.copytree(drawn, tmp_path / "export"))


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A registry as it is shipped."""
    path = tmp_path / "models.yaml"
    path.write_bytes(conf_file("models.yaml").read_bytes())
    return path


def test_files_are_copied_and_listed_with_their_hashes(trained: Path, models: Path, tmp_path: Path) -> None:
    into = tmp_path / "ckpt"
    others = {name: entry for name, entry in yaml.safe_load(models.read_text()).items() if name != "demo"}
    ship.ship(trained, TINY, into=into, models=models)
    listed = yaml.safe_load(models.read_text())
    assert {name: entry for name, entry in listed.items() if name != "demo"} == others
    files = [_file(entry, False) for entry in listed["demo"]["files"]]
    assert [file.roles for file in files] == [(role,) for role in ship.ROLES]
    for file in files:
        assert (into / file.name).read_bytes() == (trained / file.name).read_bytes()
        assert (file.sha256, file.bytes) == (sha256_of(into / file.name), (into / file.name).stat().st_size)
        assert not file.shared
    before = models.read_text()
    ship.ship(into, TINY, into=into, models=models)
    assert models.read_text() == before, "what is in place already is listed as it was"


def test_a_song_may_begin_with_what_was_listed(
    trained: Path, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo = variant("demo")
    for module in ("core.checkpoints", "core.shipped"):
        monkeypatch.setattr(f"{module}.shipped_weights", lambda: tmp_path / "ckpt")
    ship.ship(trained, TINY, into=tmp_path / "ckpt" / "demo", models=models)
    files = tuple(_file(entry, False) for entry in yaml.safe_load(models.read_text())["demo"]["files"])
    demo = replace(demo, shapes=SHAPES, files=files)
    require_weights(demo, family("levo").stages)
    (tmp_path / "ckpt" / "demo" / "vae.safetensors").write_bytes(b"")
    with pytest.raises(SongdeskError, match="cut short"):
        require_weights(demo, family("levo").stages)


@pytest.mark.parametrize("wrong", ["missing", "shape", "more", "damaged"])
def test_what_does_not_fit_changes_nothing(wrong: str, trained: Path, models: Path, tmp_path: Path) -> None:
    path, before = trained / "flow.safetensors", models.read_bytes()
    tensors = load_tensors(path)
    first = next(iter(tensors))
    match wrong:
        case "missing":
            path.unlink()
        case "shape":
            save_tensors(path, {**tensors, first: tensors[first][:1].clone()}, {})
        case "more":
            save_tensors(path, {**tensors, "optimizer": tensors[first].clone()}, {})
        case _:
            path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(SongdeskError) as refusal:
        ship.ship(trained, TINY, into=tmp_path / "ckpt", models=models)
    assert refusal.value.where == str(path)
    assert not (tmp_path / "ckpt").exists()
    assert models.read_bytes() == before


def test_no_more_than_24_mb_are_shipped(
    trained: Path, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = sum(path.stat().st_size for path in trained.iterdir())
    monkeypatch.setattr(ship, "MOST", size - 1)
    with pytest.raises(SongdeskError, match="bytes together, more than"):
        ship.ship(trained, TINY, into=tmp_path / "ckpt", models=models)
    monkeypatch.setattr(ship, "MOST", size)
    ship.ship(trained, TINY, into=tmp_path / "ckpt", models=models)
