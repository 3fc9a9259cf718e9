"""What each stage's hash depends on, so that a take is made again for a reason or not at all."""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from core.family import family_of, resolve_for
from core.levo.shapes import STEMS
from core.settings import Override
from core.song import Reference, Song
from core.takes.fingerprint import asked_for, stage_hashes

SONG = Song("a", "[verse]\nPaper boats", "pop")


def hashes(model: str, reference: Reference | None = None, **settings: object) -> Mapping[str, str]:
    kind, chosen = family_of(model)
    values = resolve_for(kind, chosen, [Override({"seed": 1, **settings})])
    return stage_hashes(replace(SONG, reference=reference), values, kind, chosen)


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """The stages whose hashes differ."""
    assert list(before) == list(after) == ["conditions", "tokens", "audio"]
    return [stage for stage in before if before[stage] != after[stage]]


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A recording with its stems; that it is none does not matter to its hash."""
    for name in ("x.wav", "x_vocal.wav", "x_bgm.wav"):
        (tmp_path / name).write_text(name)
    return tmp_path / "x.wav"


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the published models of a family look for what they share; empty."""
    monkeypatch.setenv("SONGDESK_CKPT", str(tmp_path / "ckpt"))
    (tmp_path / "ckpt" / "levo").mkdir(parents=True)
    return tmp_path / "ckpt" / "levo"


ALL = ["conditions", "tokens", "audio"]


def test_equal_orders_have_equal_hashes_and_each_stage_its_own(recording: Path) -> None:
    led = hashes("demo", Reference(path=str(recording)))
    assert led == hashes("demo", Reference(path=str(recording)))
    assert len(set(led.values())) == 3


def test_a_reference_changes_everything(recording: Path) -> None:
    alone = hashes("demo")
    assert changed(alone, hashes("demo", Reference(path=str(recording)))) == ALL
    assert changed(alone, hashes("demo", Reference(style="Pop"))) == ALL


@pytest.mark.parametrize("name", ["x.wav", "x_vocal.wav", "x_bgm.wav"])
def test_what_is_heard_of_a_recording_counts(recording: Path, name: str) -> None:
    before = hashes("demo", Reference(path=str(recording)))
    (recording.parent / name).write_text("another sound")
    assert changed(before, hashes("demo", Reference(path=str(recording)))) == ALL


def test_where_a_recording_starts_counts(recording: Path) -> None:
    before = hashes("demo", Reference(path=str(recording)))
    assert changed(before, hashes("demo", Reference(path=str(recording), start=3.0))) == ALL


def test_where_a_recording_lies_and_what_it_is_called_does_not_count(recording: Path) -> None:
    before = hashes("demo", Reference(path=str(recording)))
    (recording.parent / "there").mkdir()
    for end in (".wav", "_vocal.wav", "_bgm.wav"):
        shutil.move(recording.parent / f"x{end}", recording.parent / "there" / f"other{end}")
    moved = recording.parent / "there" / "other.wav"
    assert changed(before, hashes("demo", Reference(path=str(moved)))) == []


def test_the_seed_counts_in_conditions_only_where_it_chooses_the_reference(recording: Path) -> None:
    for reference in (None, Reference(path=str(recording))):
        assert changed(hashes("demo", reference), hashes("demo", reference, seed=2)) == ["tokens", "audio"]
    styled = Reference(style="Pop")
    assert changed(hashes("demo", styled), hashes("demo", styled, seed=2)) == ALL


@pytest.mark.parametrize(
    "settings",
    [{"stems": "+".join(STEMS)}, {"wav_depth": "16"}, {"flow_precision": "bf16"}, {"decode_chunk": 32}],
)
def test_settings_of_the_sound_leave_what_is_before_it_alone(
    recording: Path, settings: dict[str, object]
) -> None:
    reference = Reference(path=str(recording))
    assert changed(hashes("demo", reference), hashes("demo", reference, **settings)) == ["audio"]


EARLIER = {
    "v2-medium": (
        "cb97b581a9137bf06e2c8dbb622b7a4d8b3fdf0ccd9d02a04d164326e544068a",
        "373f50dd5d9a7d47ee0d79fb7d2aa44374f760698eeed14a5f733637e789af2e",
        "1697f8bf38941bcaae23df44de1d18dce93bc1055dc1fcae83840acb5951e027",
    ),
}
"""By model what SONG had before there were `weights`, `listen_on`, `memory` and chunks that memory chooses.

Takes of that time are paused halfway in somebody's library: these stay until what is computed is another.
"""


@pytest.mark.parametrize("model", EARLIER)
@pytest.mark.usefixtures("weights")
def test_what_was_made_before_memory_was_heeded_is_still_what_is_asked_for(model: str) -> None:
    assert tuple(hashes(model).values()) == EARLIER[model]
    assert tuple(hashes(model, decode_chunk=64, memory="trusted").values()) == EARLIER[model]


def test_where_a_reference_is_heard_and_coarser_weights_count() -> None:
    assert changed(hashes("demo"), hashes("demo", listen_on="cpu")) == ALL
    assert changed(hashes("demo"), hashes("demo", weights="int8")) == ["tokens", "audio"]


@pytest.mark.parametrize(
    ("made_from", "asked"),
    [
        ("", ""),
        ("a1+seam@3+memory:kv_cache=int8+memory:schedule=two-pass", "a1"),
        ("a1+temperature=0.5@9+finished@20+seam@3+memory:device=cpu", "a1+temperature=0.5@9+finished@20"),
        ("a1+import@seam", "a1+import@seam"),
    ],
)
def test_breaks_and_memory_are_no_part_of_what_was_asked_for(made_from: str, asked: str) -> None:
    assert asked_for(made_from) == asked


@pytest.mark.parametrize("settings", [{"compatibility": "upstream"}, {"front_end": "exact"}])
def test_settings_of_hearing_change_everything_after_it(recording: Path, settings: dict[str, object]) -> None:
    reference = Reference(path=str(recording))
    assert changed(hashes("demo", reference), hashes("demo", reference, **settings)) == ALL


@pytest.mark.parametrize(
    ("role", "made_again"),
    [
        ("separator", {"alone"}),
        ("mix_encoder", {"alone", "stemmed"}),
        ("stem_encoder", {"alone", "stemmed"}),
        ("styles", {"styled"}),
    ],
)
def test_converting_what_only_references_need_makes_those_songs_again_that_it_leads(
    weights: Path, recording: Path, role: str, made_again: set[str]
) -> None:
    (recording.parent / "y.wav").write_text("no stems beside it")
    songs = {
        "unled": None,
        "styled": Reference(style="Pop"),
        "stemmed": Reference(path=str(recording)),
        "alone": Reference(path=str(recording.with_name("y.wav"))),
    }
    before = {name: hashes("v2-medium", reference) for name, reference in songs.items()}
    (weights / f"{role}.safetensors").write_bytes(b"fresh weights")
    after = {name: changed(before[name], hashes("v2-medium", reference)) for name, reference in songs.items()}
    assert after == {name: ALL if name in made_again else [] for name in songs}


@pytest.mark.parametrize(
    ("role", "stages"), [("tokens", ["tokens", "audio"]), ("flow", ["audio"]), ("vae", ["audio"])]
)
def test_converting_a_role_makes_only_the_stages_again_that_read_it(
    weights: Path, role: str, stages: list[str]
) -> None:
    folder = weights.with_name("v2-medium") if role == "tokens" else weights
    folder.mkdir(exist_ok=True)
    path = folder / f"{role}.safetensors"
    path.write_bytes(b"weights")
    before = hashes("v2-medium")
    path.write_bytes(b"fresh weights")
    assert changed(before, hashes("v2-medium")) == stages
    path.write_bytes(b"weights")
    assert changed(before, hashes("v2-medium")) == []
