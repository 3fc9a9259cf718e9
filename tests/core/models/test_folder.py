"""`--from`: files that somebody has are known by what is in them, and stay as they are."""

import json
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
from safetensors.torch import save_file
from torch import Tensor

from core.cli import main
from core.levo.published import fuse
from core.models.folder import search
from core.models.presence import presence_of
from core.models.told import Note, Told
from core.registry import Variant, variant
from core.tensors import metadata_of
from tests.core.models.conftest import SOUND, STYLES, register, written
from tests.core.models.hub import Hub

Captured = pytest.CaptureFixture[str]
SEPTOKEN, VAE, MIX, HTDEMUCS = (path for path, _ in SOUND.values())


def fetch(folder: Path, *more: str) -> int:
    return main(["models", "fetch", "tiny", "--yes", "--from", str(folder), *more])


def content_of(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def found_in(folder: Path, chosen: Variant) -> tuple[dict[str, str], dict[str, str], list[str]]:
    """What is found by the paths as published, what is refused by name, and what is said."""
    notes: list[str] = []

    def tell(told: Told) -> None:
        if isinstance(told, Note):
            notes.append(told.text)

    result = search(folder, chosen, presence_of(chosen).to_fetch, tell)
    found = {file.path: str(each.path.relative_to(folder)) for file, each in result.found.items()}
    return found, {str(p.relative_to(folder)): why for p, why in result.refused.items()}, notes


def test_the_published_tree_is_taken_as_it_is_and_left_as_it_is(
    sold: Variant, pressed: dict[str, bytes], hub: Hub, tmp_path: Path, capsys: Captured
) -> None:
    folder = written(tmp_path / "mine", pressed)
    before = content_of(folder)
    assert fetch(folder) == 0
    told = capsys.readouterr().err
    assert content_of(folder) == before
    assert presence_of(sold).state == "here"
    assert presence_of(sold).missing == ()
    assert hub.asked == []
    assert "recognised by its tensors" in told
    assert not (tmp_path / "ckpt" / "published").exists()


def test_the_forks_tree_is_taken_with_its_converted_files(
    sold: Variant, pressed: dict[str, bytes], published: dict[str, Tensor], tmp_path: Path
) -> None:
    fork = {
        "ckpt/model_septoken/model_2_fp32.safetensors": pressed[SEPTOKEN],
        "ckpt/model_1rvq/model_2_fixed_fp32.safetensors": pressed[MIX],
        "ckpt/vae/autoencoder_fp32.safetensors": pressed[VAE],
        "third_party/demucs/ckpt/htdemucs.pth": pressed[HTDEMUCS],
        "third_party/hub/models--x--content-vec-best/pytorch_model.bin": b"PK\x03\x04 something else",
        "tools/new_auto_prompt.pt": pressed[STYLES],
        "third_party/Qwen2-7B/vocab.json": pressed["vocab.json"],
        "third_party/Qwen2-7B/merges.txt": pressed["merges.txt"],
    }
    folder = written(tmp_path / "fork", fork)
    extra = ("layer2_emb.0.weight", "transformer2.lm_head.weight")
    state = {key: value.half().contiguous() for key, value in fuse(published).items()}
    state |= {key: published[f"audiolm.{key}"].half().contiguous() for key in extra}
    (folder / "ckpt" / "songgeneration").mkdir()
    save_file(state, folder / "ckpt" / "songgeneration" / "model_fp16_fused.safetensors")
    assert fetch(folder) == 0
    assert presence_of(sold).missing == ()


def test_the_cache_of_the_hubs_library_is_read_through_its_links(
    sold: Variant, pressed: dict[str, bytes], tmp_path: Path
) -> None:
    repo = tmp_path / "cache" / "models--toys--Sound"
    snapshot = repo / "snapshots" / "c0ffee"
    written(repo / "blobs", {name: pressed[path] for name, path in (("aa", SEPTOKEN), ("bb", VAE))})
    for name, path in (("aa", SEPTOKEN), ("bb", VAE)):
        (snapshot / path).parent.mkdir(parents=True)
        (snapshot / path).symlink_to(repo / "blobs" / name)
    for folder in (tmp_path / "cache", repo, snapshot):
        found, refused, _ = found_in(folder, sold)
        assert {path: Path(at).name for path, at in found.items()} == {
            SEPTOKEN: "model_2.safetensors",
            VAE: "autoencoder_music_1320k.ckpt",
        }
        assert refused == {}


def test_links_out_of_the_folder_are_not_followed(
    sold: Variant, pressed: dict[str, bytes], tmp_path: Path
) -> None:
    written(tmp_path / "elsewhere", {"vae.ckpt": pressed[VAE], "deep/model.pt": pressed["model.pt"]})
    folder = written(tmp_path / "mine", {"merges.txt": pressed["merges.txt"]})
    (folder / "vae.ckpt").symlink_to(tmp_path / "elsewhere" / "vae.ckpt")
    (folder / "more").symlink_to(tmp_path / "elsewhere" / "deep")
    (folder / "round").symlink_to(folder)
    assert found_in(folder, sold)[0] == {"merges.txt": "merges.txt"}


def test_no_folder_is_too_deep_and_none_too_full_to_end(
    sold: Variant, pressed: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = "/".join("abcdefgh")
    folder = written(
        tmp_path / "mine", {f"{deep}/vae.ckpt": pressed[VAE], f"{deep}/i/x.pt": pressed["model.pt"]}
    )
    assert found_in(folder, sold)[0] == {VAE: f"{deep}/vae.ckpt"}
    monkeypatch.setattr("core.models.folder._MOST", 1)
    written(folder, {"a/1": b"", "a/2": b""})
    found, _, notes = found_in(folder, sold)
    assert (found, "more files than are looked at" in notes[0]) == ({}, True)


def test_what_lacks_is_named_with_what_could_not_be_taken(
    sold: Variant, pressed: dict[str, bytes], tmp_path: Path, capsys: Captured
) -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n"
    given = {"model.pt": pressed["model.pt"], "vae.ckpt": pressed[VAE][:5000], STYLES: pointer}
    folder = written(tmp_path / "mine", {**given, **{n: pressed[n] for n in ("vocab.json", "merges.txt")}})
    assert fetch(folder) == 2
    told = capsys.readouterr().err.splitlines()
    assert "vae.ckpt is not taken: cut short" in "\n".join(told)
    assert "new_auto_prompt.pt is not taken: only a Git LFS pointer" in "\n".join(told)
    assert f"not found: {SEPTOKEN}, {VAE}, {MIX}, {HTDEMUCS}, {STYLES}" in told[-1]
    assert "without --from" in told[-1]
    assert presence_of(sold).here == ("tokens",)


def test_a_folder_with_nothing_in_it_and_one_that_is_not_there_are_said(
    sold: Variant, tmp_path: Path, capsys: Captured
) -> None:
    (tmp_path / "empty").mkdir()
    assert fetch(tmp_path / "empty") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"tiny: none of its 8 files is in {tmp_path / 'empty'}" in line
    assert fetch(tmp_path / "nowhere") == 2
    assert "no such folder" in capsys.readouterr().err
    (tmp_path / "file").touch()
    assert fetch(tmp_path / "file") == 2
    assert "a file, not a folder" in capsys.readouterr().err


def test_the_table_that_no_hub_has_comes_from_a_folder_later(
    sold: Variant, pressed: dict[str, bytes], tmp_path: Path, capsys: Captured
) -> None:
    chosen = written(tmp_path / "mine", {path: pressed[path] for path in pressed if path != STYLES})
    assert fetch(chosen) == 0
    assert "without reference audio: styles" in capsys.readouterr().err
    assert fetch(written(tmp_path / "tools", {"anything.pt": pressed[STYLES]}), "--json") == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert told[0]["files"][0]["from"] == str(tmp_path / "tools" / "anything.pt")
    assert told[-1] == {"event": "done", "model": "tiny", "missing": []}


def test_a_kept_file_must_have_the_known_hash(
    sold: Variant, pressed: dict[str, bytes], tmp_path: Path
) -> None:
    content = pressed["merges.txt"]
    known = {"bytes": len(content), "sha256": sha256(content).hexdigest()}
    entry = {"path": "merges.txt", "repo": "toys/Words", "keep_as": "qwen2/merges.txt", **known}
    register(tmp_path, files=[entry])
    given = {"a": bytes([content[0] ^ 1]) + content[1:], "b": content, "c": content[1:]}
    folder = written(tmp_path / "mine", {f"{place}/merges.txt": given[place] for place in given})
    found, refused, _ = found_in(folder, variant("tiny"))
    assert found == {"merges.txt": "b/merges.txt"}
    assert "SHA-256 is another" in refused["a/merges.txt"]


def test_a_checkpoint_of_the_known_size_must_have_the_known_hash(
    sold: Variant, pressed: dict[str, bytes], tmp_path: Path
) -> None:
    size = len(pressed["model.pt"])
    entry = {"path": "model.pt", "repo": "toys/Tiny", "roles": ["tokens"], "shared": False, "bytes": size}
    register(tmp_path, files=[{**entry, "sha256": "00…"}])
    folder = written(tmp_path / "mine", {"model.pt": pressed["model.pt"]})
    found, refused, _ = found_in(folder, variant("tiny"))
    assert (found, list(refused)) == ({}, ["model.pt"])


def known_by_hash(home: Path, digest: str, **known: object) -> Variant:
    """The tiny model with its language model alone, whose hash is known and whose exact size is not."""
    entry = {"path": "model.pt", "repo": "toys/Tiny", "roles": ["tokens"], "shared": False}
    register(home, files=[{**entry, "sha256": digest, **known}])
    return variant("tiny")


@pytest.mark.parametrize("is_about", [True, False])
def test_a_checkpoint_must_have_the_known_hash_where_its_size_is_not_known(
    sold: Variant, pressed: dict[str, bytes], tmp_path: Path, is_about: bool
) -> None:
    content = pressed["model.pt"]
    about = {"about": len(content) + 100} if is_about else {}
    folder = written(tmp_path / "mine", {"model.pt": content})
    found, refused, _ = found_in(folder, known_by_hash(tmp_path, "00" * 32, **about))
    assert found == {}
    assert "its SHA-256 is another" in refused["model.pt"]
    chosen = known_by_hash(tmp_path, sha256(content).hexdigest(), **about)
    result = search(folder, chosen, chosen.files, lambda _: None)
    assert result.found[chosen.files[0]].how == "size and SHA-256 as songdesk knows them"


def test_another_form_of_a_checkpoint_is_taken_and_its_hash_said_not_to_be_compared(
    sold: Variant, published: dict[str, Tensor], tmp_path: Path
) -> None:
    (folder := tmp_path / "fork").mkdir()
    extra = ("layer2_emb.0.weight", "transformer2.lm_head.weight")
    state = {key: value.half().contiguous() for key, value in fuse(published).items()}
    state |= {key: published[f"audiolm.{key}"].half().contiguous() for key in extra}
    save_file(state, folder / "model_fp16_fused.safetensors")
    chosen = known_by_hash(tmp_path, "00" * 32)
    result = search(folder, chosen, chosen.files, lambda _: None)
    assert result.refused == {}
    how = result.found[chosen.files[0]].how
    assert "recognised by its tensors" in how
    assert "SHA-256 could not be compared" in how


@pytest.mark.parametrize(("name", "share"), [("model.pt", 2), ("model_fp32.pt", 0)])
def test_of_the_same_format_another_form_has_clearly_another_size_or_where_none_is_known_another_name(
    sold: Variant, pressed: dict[str, bytes], tmp_path: Path, name: str, share: int
) -> None:
    content = pressed["model.pt"]
    folder = written(tmp_path / "mine", {name: content})
    chosen = known_by_hash(tmp_path, "00" * 32, about=share * len(content))
    result = search(folder, chosen, chosen.files, lambda _: None)
    assert "SHA-256 could not be compared" in result.found[chosen.files[0]].how


NAMED = [
    ("songgeneration_base", "v1-base", True),
    ("songgeneration_base_new", "v1-base", True),
    ("songgeneration_base", "v1-base-full", False),
    ("SongGeneration-base-full", "v1-base-full", True),
    ("SongGeneration-base-full", "v1-base", False),
    ("database", "v1-base", True),
    ("", "v1-base-full", True),
]


def test_of_models_alike_a_folders_name_says_which_and_else_the_person(
    sold: Variant, pressed: dict[str, bytes], tmp_path: Path
) -> None:
    for name in ("v1-base", "v1-base-full"):
        register(tmp_path, model=name)
    register(tmp_path, weights="rule")
    for place, model, is_taken in NAMED:
        folder = written(tmp_path / "mine", {f"{place}/model.pt".lstrip("/"): pressed["model.pt"]})
        found, _, notes = found_in(folder, variant(model))
        assert ("model.pt" in found) == is_taken, (place, model)
        assert any("because you say so" in note for note in notes) == (place in ("", "database"))
        shutil.rmtree(folder)


def test_a_model_taken_from_a_folder_is_under_its_own_name(
    sold: Variant, pressed: dict[str, bytes], tmp_path: Path
) -> None:
    register(tmp_path, model="twin")
    folder = written(tmp_path / "mine", {"x.pt": pressed["model.pt"]})
    assert main(["models", "fetch", "twin", "--yes", "--from", str(folder)]) == 2
    made = tmp_path / "ckpt" / "twin" / "tokens.safetensors"
    assert metadata_of(made)["variant"] == "twin"


def test_nothing_is_loaded_that_only_looking_into_files_needs() -> None:
    code = "import sys, core.cli.fetch; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
