"""A published file that is here already is verified before it is taken, and removed when it is done."""

import shutil
from hashlib import sha256
from pathlib import Path

import pytest

from core.cli import main
from core.registry import Variant
from tests.core.models.conftest import register
from tests.core.models.hub import Hub
from tests.core.models.test_fetch import FETCH, Captured, files_in

MODEL = {"path": "model.pt", "repo": "toys/Tiny", "roles": ["tokens"], "shared": False}


def placed(home: Path, content: bytes, **known: object) -> Path:
    """The tiny model with its language model alone, here as published, and of which so much is known."""
    register(home, files=[{**MODEL, **known}])
    path = home / "ckpt" / "published" / "toys" / "Tiny" / "model.pt"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


def spoilt(content: bytes) -> bytes:
    """The same but for one bit of a weight: it opens, and its tensors have the right names."""
    at = len(content) // 2
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


@pytest.mark.parametrize("is_known", [True, False])
def test_a_wrong_file_that_is_here_as_published_is_deleted_and_comes_anew(
    sold: Variant, hub: Hub, tmp_path: Path, capsys: Captured, is_known: bool
) -> None:
    right = hub.files["toys/Tiny/model.pt"]
    known = {"bytes": len(right), "sha256": sha256(right).hexdigest()} if is_known else {}
    path = placed(tmp_path, spoilt(right), **known)
    assert main(FETCH) == 2
    assert "not the published file: its SHA-256 is another; it is deleted" in capsys.readouterr().err
    assert (len(hub.asked), files_in(tmp_path / "ckpt"), path.exists()) == (
        0 if is_known else 1,
        set(),
        False,
    )
    assert main(FETCH) == 0
    assert files_in(tmp_path / "ckpt") == {"tiny/tokens.safetensors"}


def test_a_file_of_another_size_that_is_here_as_published_comes_anew(
    sold: Variant, hub: Hub, tmp_path: Path, capsys: Captured
) -> None:
    placed(tmp_path, hub.files["toys/Tiny/model.pt"][:-7])
    assert main(FETCH) == 0
    assert "it comes anew" in capsys.readouterr().err
    assert files_in(tmp_path / "ckpt") == {"tiny/tokens.safetensors"}


def test_of_a_file_that_is_here_as_published_it_is_said_what_could_be_verified_without_the_hub(
    sold: Variant, hub: Hub, tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    content = hub.files["toys/Tiny/model.pt"]
    placed(tmp_path, content)
    assert main(FETCH) == 0
    told = capsys.readouterr().err
    assert "only what songdesk itself knows of it is verified" in told
    assert "model.pt: no hash of it is known" in told
    shutil.rmtree(tmp_path / "ckpt")
    placed(tmp_path, content, sha256="00…")
    assert main(FETCH) == 2
    assert "its SHA-256 is another; it is deleted" in capsys.readouterr().err
    assert hub.asked == []


def test_a_wrong_file_behind_a_linked_folder_is_refused_and_stays(
    sold: Variant, hub: Hub, tmp_path: Path, capsys: Captured
) -> None:
    path = placed(tmp_path, spoilt(hub.files["toys/Tiny/model.pt"]))
    mine = path.parent.rename(tmp_path / "mine")
    path.parent.symlink_to(mine)
    assert main(FETCH) == 2
    told = capsys.readouterr().err
    assert ("its SHA-256 is another" in told, "it is deleted" in told) == (True, False)
    assert files_in(mine) == {"model.pt"}


def ended_before_it_removes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fetch that is killed right after its first conversion."""

    def killed(file: object) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("core.models.fetch.drop_source", killed)
        assert main([*FETCH, "--without-references"]) == 130


@pytest.mark.parametrize("is_all", [True, False])
def test_what_an_ended_fetch_did_not_remove_is_removed_by_the_next(
    sold: Variant, hub: Hub, tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch, is_all: bool
) -> None:
    if is_all:  # the next has nothing to fetch
        register(tmp_path, files=[MODEL])
    ended_before_it_removes(monkeypatch)
    left = files_in(tmp_path / "ckpt" / "published")
    assert len(left) == 1
    (tmp_path / "ckpt" / "published" / "mine.txt").write_text("not ours")
    capsys.readouterr()
    assert main(FETCH) == 0
    assert f"{left.pop()} is removed" in capsys.readouterr().err
    assert files_in(tmp_path / "ckpt" / "published") == {"mine.txt"}


def test_what_a_person_keeps_is_not_taken_for_what_an_ended_fetch_left(
    sold: Variant, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(tmp_path, files=[MODEL])
    ended_before_it_removes(monkeypatch)
    path = tmp_path / "ckpt" / "published" / "toys" / "Tiny" / "model.pt"
    assert main([*FETCH, "--keep-sources"]) == 0
    assert path.is_file()
    assert main(FETCH) == 0
    assert path.is_file()


def test_a_link_among_the_published_files_is_left_alone(
    sold: Variant, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(tmp_path, files=[MODEL])
    ended_before_it_removes(monkeypatch)
    folder = tmp_path / "ckpt" / "published" / "toys" / "Tiny"
    mine = folder.rename(tmp_path / "mine")
    folder.symlink_to(mine)
    assert main(FETCH) == 0
    assert files_in(mine) == {"model.pt"}


def test_a_right_file_behind_a_linked_folder_is_converted_and_stays(
    sold: Variant, hub: Hub, tmp_path: Path, capsys: Captured
) -> None:
    path = placed(tmp_path, hub.files["toys/Tiny/model.pt"])
    mine = path.parent.rename(tmp_path / "mine")
    path.parent.symlink_to(mine)
    assert main(FETCH) == 0
    assert f"{path} stays" in capsys.readouterr().err
    assert files_in(mine) == {"model.pt"}
