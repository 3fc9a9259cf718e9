"""The model registry and the plans made from its shapes."""

from pathlib import Path

import pytest

from core.errors import SongdeskError
from core.family import family_of, resolve_for
from core.levo.plan import main_parameters, sub_parameters
from core.levo.plan_sound import flow_parameters, vae_parameters
from core.levo.shapes import shapes_of
from core.registry import variant, variants
from core.settings import Override
from core.song import Song

SONG = Song("a", "[verse]\nla", "pop")


def test_the_demo_differs_from_the_published_model_in_widths_alone() -> None:
    demo, large = (shapes_of(variant(name).shapes) for name in ("demo", "v2-large"))
    for part in ("delays", "prefix", "codes", "special", "prompt_frames"):
        assert getattr(demo.tokens, part) == getattr(large.tokens, part)
    assert demo.vae.strides == large.vae.strides
    assert (demo.flow.positions, demo.flow.carried) == (large.flow.positions, large.flow.carried)


def test_an_unknown_model_lists_the_known_ones() -> None:
    with pytest.raises(SongdeskError, match="demo"):
        variant("v9")


def test_published_shapes_count_the_parameters_of_the_specification() -> None:
    used = 3_038_922_752 + 33_556_480 + 12_587_008 + 1_012_975_616 + 67_112_960
    used += 100_675_584  # the code tables; those of text and prompt are gone after the prefill
    shapes = shapes_of(variant("v2-large").shapes).tokens
    assert main_parameters(shapes) + sub_parameters(shapes) == used


@pytest.mark.parametrize("name", list(variants()))
def test_every_model_has_a_plan_that_grows_with_the_song(name: str) -> None:
    kind, chosen = family_of(name)
    short, long = (
        kind.plan(SONG, chosen, resolve_for(kind, chosen, [Override({"length": seconds})]))
        for seconds in (10, 100)
    )
    assert short.seconds == 10
    assert [s.stage for s in short.stages] == [s.id for s in kind.stages]
    assert all(
        a.units <= b.units and a.peak <= b.peak for a, b in zip(short.stages, long.stages, strict=True)
    )
    assert short.peak < long.peak


def test_the_plan_counts_the_cache_of_the_specification() -> None:
    kind, chosen = family_of("v2-large")
    values = resolve_for(kind, chosen, [Override({"length": 280, "kv_cache": "fp16"})])
    tokens = kind.plan(SONG, chosen, values).stages[1]
    assert tokens.units == 7250
    assert tokens.cache == 786_432 * 8202


def test_a_defaults_entry_must_fit_its_setting() -> None:
    kind, chosen = family_of("demo")
    table = {s.key: s for s in kind.settings(chosen)}
    assert table["length"].default == 30
    assert table["length"].hi == chosen.limits.seconds


def test_published_sound_networks_count_the_parameters_of_the_specification() -> None:
    shapes = shapes_of(variant("v2-large").shapes)
    unused_rows = (shapes.flow.width - shapes.flow.latent) * (shapes.flow.width + 1)
    assert flow_parameters(shapes.flow) == 662_193_400 - unused_rows
    assert vae_parameters(shapes.vae) == pytest.approx(84_414_082, rel=1e-3)


@pytest.mark.parametrize("text", ["toy: {family: levo}", "toy: [1", "- a", "toy: 3"])
def test_an_own_models_file_that_does_not_fit_is_named(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "songdesk" / "models.yaml"
    own.parent.mkdir()
    own.write_text(text)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    variants.cache_clear()
    with pytest.raises(SongdeskError) as refusal:
        variant("demo")
    assert refusal.value.where == str(own)
    assert "\n" not in str(refusal.value)


def test_an_own_model_stands_beside_the_shipped_ones(toy: str) -> None:
    assert variant(toy).title == "Toy"
    assert variant("demo").weights == "rule"
