"""The model registry and the plans made from its shapes."""

import json
from pathlib import Path

import pytest

from core.errors import SongdeskError
from core.family import family_of, resolve_for
from core.levo.plan_sound import flow_parameters, vae_parameters
from core.levo.plan_tokens import main_parameters, sub_parameters
from core.levo.shapes import shapes_of
from core.registry import PublishedFile, variant, variants
from core.settings import Override
from core.song import Song
from tests.toy import toys

SONG = Song("a", "[verse]\nla", "pop")


def test_the_demo_has_the_frames_of_the_published_model_and_windows_half_as_long() -> None:
    demo, large = (shapes_of(variant(name).shapes) for name in ("demo", "v2-large"))
    assert demo.vae.strides == large.vae.strides
    assert 2 * demo.flow.positions == large.flow.positions  # windows half as long, so one hears sooner
    assert 2 * demo.flow.carried == large.flow.carried


@pytest.mark.parametrize("name", list(variants()))
def test_the_parts_of_every_model_fit_each_other(name: str) -> None:
    chosen = variant(name)
    shapes = shapes_of(chosen.shapes)
    assert shapes.tokens.codes == shapes.quantizer.codes > max(shapes.quantizer.neutral)
    assert shapes.encoder.width == shapes.quantizer.width == shapes.flow.condition
    assert shapes.vae.latent == shapes.flow.latent
    assert shapes.flow.width % (2 * shapes.flow.heads) == shapes.tokens.width % (2 * shapes.tokens.heads) == 0
    assert chosen.limits.lyric_tokens == shapes.tokens.lyric_length
    assert chosen.limits.style_tokens == shapes.tokens.style_length


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
    values = resolve_for(kind, chosen, [Override({"length": 280, "kv_cache": "fp16", "ahead": "off"})])
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


@pytest.mark.parametrize(
    ("text", "place", "what"),
    [
        ("toy: {family: levo}", "", "model `toy` has no `limits`"),
        ("toy: {family: levo, limits: {seconds: 9}}", "", "model `toy` has no `title`"),
        ("toy: {limits: 1}", "", "model `toy` has no `family`"),
        ("toy: [1", ":2:1", "did not find expected ',' or ']'"),
        ("- a", "", "no list of models"),
        ("toy: 3", "", "model `toy` has nothing below its name"),
    ],
)
def test_an_own_models_file_that_does_not_fit_is_named(
    text: str, place: str, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "songdesk" / "models.yaml"
    own.parent.mkdir()
    own.write_text(text)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    variants.cache_clear()
    with pytest.raises(SongdeskError) as refusal:
        variant("demo")
    assert refusal.value.where == f"{own}{place}"
    assert what in refusal.value.what
    assert "\n" not in str(refusal.value)


def test_an_own_model_stands_beside_the_shipped_ones(toy: str) -> None:
    assert variant(toy).title == "Toy"
    assert variant("demo").weights == "shipped"


def test_weights_come_in_one_of_the_known_ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "songdesk" / "models.yaml"
    own.parent.mkdir()
    own.write_text(json.dumps({"mine": {**toys()["toy"], "weights": "magic"}}))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    variants.cache_clear()
    with pytest.raises(SongdeskError, match="weights 'magic' is none of published, shipped, rule"):
        variants()


def test_a_published_file_has_one_meaning() -> None:
    for wrong in ("../model.pt", "/model.pt", "a//b", "a/./b", "", "a\\b", "a\nb"):
        with pytest.raises(ValueError, match="no path"):
            PublishedFile(wrong, "a/b", roles=("tokens",))
        if wrong:
            with pytest.raises(ValueError, match="no path"):
                PublishedFile("model.pt", "a/b", keep_as=wrong)
    for repo in ("a", "a/b/c", "../b", "a/..", "https://x/y", "a/b?x"):
        with pytest.raises(ValueError, match="no owner/name"):
            PublishedFile("model.pt", repo, roles=("tokens",))
    for digest in ("xyz", "A" * 64, "0" * 63, "0" * 65, "…"):
        with pytest.raises(ValueError, match="no SHA-256"):
            PublishedFile("model.pt", "a/b", roles=("tokens",), sha256=digest)
    for both in ({}, {"roles": ("tokens",), "keep_as": "x"}):
        with pytest.raises(ValueError, match="either roles or keep_as"):
            PublishedFile("model.pt", "a/b", **both)  # type: ignore[arg-type]


PUBLISHED = [name for name, chosen in variants().items() if chosen.weights == "published"]


def test_every_published_model_of_the_specification_is_listed() -> None:
    assert PUBLISHED == ["v2-large", "v2-medium", "v1-large", "v1-base-full", "v1-base"]


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_model_names_its_files_and_terms(name: str) -> None:
    kind, chosen = family_of(name)
    wanted = {role for stage in kind.stages for role in stage.roles}
    wanted |= {role for stage in kind.stages for roles in stage.extras.values() for role in roles}
    assert chosen.sources.keys() == wanted
    assert {file.keep_as for file in chosen.files if not file.roles} == {
        "qwen2/vocab.json",
        "qwen2/merges.txt",
    }
    assert all(file.about > 0 and file.bytes in (None, file.about) for file in chosen.files)
    assert all(file.repo or (file.optional and file.note) for file in chosen.files)
    tokens = next(file for file in chosen.files if "tokens" in file.roles)
    assert [file for file in chosen.files if not file.shared] == [tokens]
    assert 2 * chosen.parameters < tokens.about < 4 * chosen.parameters
    assert chosen.licence.name
    assert chosen.licence.url.startswith("https://")
    assert not chosen.licence.is_free
    assert chosen.attribution
    assert chosen.languages


VERSIONS = {"v1": 151_646, "v2": 151_652}
"""Rows of the style table."""
SIZES = {"large": (2048, 11_008, 16, 36, 12), "medium": (1536, 8960, 12, 28, 12)}
FACTS = {
    "v2-large": ("large", 280, 500_000, (600, 252, 100), 5_122_332_672),
    "v2-medium": ("medium", 270, 500_000, (600, 252, 100), 2_829_586_944),
    "v1-large": ("large", 270, 500_000, (600, 252, 100), 5_122_320_384),
    "v1-base-full": ("medium", 270, 500_000, (600, 252, 100), 2_829_577_728),
    "v1-base": ("medium", 150, 100_000, (300, 252, 50), 2_829_577_728),
}
"""By model its size, longest song (s), base of the main rope, prefix and parameters (levo-tokens spec §1)."""


@pytest.mark.parametrize("name", FACTS)
def test_a_published_model_has_the_sizes_of_the_specification(name: str) -> None:
    chosen, (size, seconds, base, prefix, parameters) = variant(name), FACTS[name]
    shapes = shapes_of(chosen.shapes).tokens
    assert (shapes.width, shapes.ffn, shapes.heads, shapes.main_layers, shapes.sub_layers) == SIZES[size]
    assert (shapes.main_rope_base, shapes.sub_rope_base) == (base, 500_000)
    assert (shapes.lyric_length, shapes.prompt_length, shapes.style_length) == prefix
    assert (shapes.lyric_rows, shapes.style_rows, shapes.codes) == (151_659, VERSIONS[chosen.version], 16_384)
    assert (chosen.limits.lyric_tokens, chosen.limits.style_tokens) == (prefix[0], prefix[2])
    assert (chosen.limits.seconds, chosen.parameters) == (seconds, parameters)
    assert chosen.id.startswith(chosen.version)
    sound = {key: value for key, value in chosen.shapes.items() if key != "tokens"}
    assert sound == {key: value for key, value in variant("v2-large").shapes.items() if key != "tokens"}


def test_the_known_part_of_a_hash_is_compared_and_no_more() -> None:
    file = next(file for file in variant("v2-large").files if "tokens" in file.roles)
    assert file.bytes == 12_899_965_446
    assert file.agrees(f"dc763aa9{'0' * 52}9def")
    assert not file.agrees(f"dc763aa9{'0' * 52}9dee")
    assert not file.is_known_by_hash


def test_an_own_models_file_may_name_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "songdesk" / "models.yaml"
    own.parent.mkdir()
    text = """
mine:
  {family: levo, title: Mine, note: own, version: v2, limits: {seconds: 9, lyric_tokens: 8, style_tokens: 4},
   shapes: {}, files: [{path: PATH, repo: me/mine, roles: [tokens], shared: false, about: 7}]}
"""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    own.write_text(text.replace("PATH", "model.pt"))
    variants.cache_clear()
    assert variant("mine").files == (
        PublishedFile("model.pt", "me/mine", roles=("tokens",), shared=False, about=7),
    )
    own.write_text(text.replace("PATH", "model.pt").replace("shared: false, ", ""))
    variants.cache_clear()
    assert [file.shared for file in variant("mine").files] == [False]
    own.write_text(text.replace("PATH", "../model.pt"))
    variants.cache_clear()
    with pytest.raises(SongdeskError, match="no path below a folder"):
        variants()
