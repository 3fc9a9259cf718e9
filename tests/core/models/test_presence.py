"""What is here of a model, by the files that are on the disk."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from core.models.places import part_path, source_path
from core.models.presence import (
    BUILT_IN,
    VOCABULARY,
    Presence,
    presence_of,
)
from core.paths import checkpoints
from core.registry import Variant, variant
from core.sizes import gigabytes


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Variant:
    monkeypatch.setenv("SONGDESK_CKPT", str(tmp_path / "ckpt"))
    monkeypatch.delenv("SONGDESK_QWEN2", raising=False)
    return variant("v2-large")


def put(path: Path, size: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))


def test_of_a_model_that_is_not_here_every_file_is_to_be_fetched(large: Variant) -> None:
    found = presence_of(large)
    assert (found.state, found.words, found.usable) == ("not here", "not here", False)
    assert found.needed == ("tokens", "flow", "vae", VOCABULARY)
    assert set(found.extras) == {"separator", "mix_encoder", "stem_encoder", "styles"}
    assert found.to_fetch == large.files
    on_a_hub = [file for file in large.files if file.repo]
    assert found.fetch_bytes == sum(file.bytes or file.about for file in on_a_hub) < 20 * 10**9
    assert found.bytes == 0


def test_what_is_here_is_counted_and_not_fetched_again(large: Variant, tmp_path: Path) -> None:
    folder = tmp_path / "ckpt"
    for role in ("tokens",):
        put(folder / large.id / f"{role}.safetensors", 70)
    found = presence_of(large)
    assert (found.state, found.here, found.bytes) == ("partly", ("tokens",), 70)
    assert found.words == "partly, without flow, vae, vocabulary"
    for role in ("flow", "vae"):
        put(folder / large.family / f"{role}.safetensors", 20)
    put(folder / "qwen2" / "vocab.json", 3)
    assert not presence_of(large).has_vocabulary
    put(folder / "qwen2" / "merges.txt", 2)
    found = presence_of(large)
    assert (found.state, found.usable, found.bytes) == ("here", True, 115)
    assert found.words.startswith("here, without reference audio: ")
    # one published file makes two roles: it is fetched as long as one of them lacks
    assert {Path(file.path).name for file in found.to_fetch} == {
        "model_2.safetensors", "model_2_fixed.safetensors", "htdemucs.pth", "new_auto_prompt.pt",
    }  # fmt: skip
    for role in found.extras:
        put(folder / large.family / f"{role}.safetensors", 1)
    found = presence_of(large)
    assert (found.state, found.words, found.to_fetch, found.fetch_bytes) == ("here", "here", (), 0)


def test_what_came_of_a_download_is_counted(large: Variant) -> None:
    weights, other = large.files[:2]
    put(part_path(weights), 0)
    assert presence_of(large).state == "not here"
    os.truncate(part_path(weights), 6 * 10**9)  # a hole takes no room on the disk
    put(source_path(other), 0)
    os.truncate(source_path(other), 3_100_000_000)
    found = presence_of(large)
    assert (found.state, found.there, found.usable) == ("begun", 9_100_000_000, False)
    assert (found.words, found.brief) == ("begun, 9.1 of 18.2 GB there", "begun, 50 %")
    for role in ("tokens", "flow"):
        put(checkpoints() / (large.id if role == "tokens" else large.family) / f"{role}.safetensors", 1)
    found = presence_of(large)
    assert (found.state, found.words) == ("partly", "partly, without vae, vocabulary")
    assert {file.repo for file in found.by_hand} == {""}


def test_the_vocabulary_may_be_elsewhere(
    large: Variant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SONGDESK_QWEN2", str(tmp_path / "words"))
    for name in ("vocab.json", "merges.txt"):
        put(tmp_path / "words" / name, 1)
    found = presence_of(large)
    assert found.has_vocabulary
    assert VOCABULARY not in found.needed
    assert found.state == "not here"


def test_a_model_that_songdesk_makes_itself_lacks_nothing(large: Variant) -> None:
    found = presence_of(variant("demo"))
    assert (found.state, found.needed, found.extras, found.to_fetch) == (BUILT_IN, (), (), ())
    assert found.usable
    assert replace(found, state="here").words == "here"


@pytest.mark.parametrize(
    ("count", "words"),
    [(12_899_965_446, "12.9 GB"), (168_000_000, "0.2 GB"), (2_776_833, "3 MB"), (400, "0 kB")],
)
def test_sizes_are_told_as_disks_are(count: int, words: str) -> None:
    assert gigabytes(count) == words


def test_nothing_is_known_of_nothing() -> None:
    assert Presence("not here").missing == ()
