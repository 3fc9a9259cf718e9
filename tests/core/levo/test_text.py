import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tokenizers import models, pre_tokenizers

from core.errors import SongdeskError
from core.levo.conditions.prompt import no_prompt
from core.levo.conditions.text import text_conditions
from core.levo.shapes import shapes_of
from core.levo.text import (
    CONTROL,
    STRUCTURE,
    Tokenizers,
    build_tokenizers,
    count_lyric_tokens,
    demo_tokenizers,
    lyric_text,
    null_style,
    qwen_tokenizers,
    style_text,
    tokenizers,
)
from core.paths import conf_file
from core.registry import variant

DEMO = conf_file("demo-tokenizer.json")
SHAPES = shapes_of(variant("demo").shapes).tokens


@pytest.fixture
def v2() -> Tokenizers:
    return demo_tokenizers(DEMO, "v2")


def test_importing_and_counting_needs_no_torch() -> None:
    code = (
        "import sys; from core.registry import variant; from core.levo.text import count_lyric_tokens;"
        "assert count_lyric_tokens(variant('demo'), '[verse] Rain.') > 3; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_the_demo_tables_have_a_row_for_every_id(v2: Tokenizers) -> None:
    assert (v2.lyric_rows, v2.style_rows) == (SHAPES.lyric_rows, SHAPES.style_rows)
    assert max(v2.encode_lyrics("".join(STRUCTURE)).ids) == v2.lyric_rows - 1
    assert max(v2.encode_style("[Pure-Music]").ids) == v2.style_rows - 1


def test_each_section_tag_is_one_token_and_names_its_section(v2: Tokenizers) -> None:
    encoded = v2.encode_lyrics("".join(STRUCTURE))
    assert encoded.structure == (0, *range(1, 14))
    assert encoded.ids == (v2.start, *range(v2.words + 3, v2.words + 16))


def test_a_section_lasts_until_the_next_tag(v2: Tokenizers) -> None:
    encoded = v2.encode_lyrics("Oh. [chorus] la la [bridge] x")
    by_tag = encoded.ids.index(v2.words + 4), encoded.ids.index(v2.words + 5)
    assert set(encoded.structure[: by_tag[0]]) == {0}
    assert set(encoded.structure[by_tag[0] : by_tag[1]]) == {2}
    assert set(encoded.structure[by_tag[1] :]) == {3}


@pytest.mark.parametrize("tag", ["[Verse]", "[solo]", "[inst]", "[Outro-Short]"])
def test_a_tag_the_model_does_not_know_is_plain_text(v2: Tokenizers, tag: str) -> None:
    encoded = v2.encode_lyrics(tag)
    assert len(encoded.ids) > 2
    assert set(encoded.structure) == {0}


@pytest.mark.parametrize("name", CONTROL)
def test_control_tokens_that_someone_types_are_spelled_out(v2: Tokenizers, name: str) -> None:
    for encoded in (v2.encode_lyrics(f"[verse] a {name} b"), v2.encode_style(f"rock {name}")):
        assert encoded.ids[0] == v2.start
        assert not set(encoded.ids[1:]) & set(range(v2.words, v2.words + 3))


def test_a_null_text_and_an_empty_one_are_the_start_alone(v2: Tokenizers) -> None:
    assert v2.encode_lyrics(None).ids == v2.encode_lyrics("").ids == (v2.start,)


def test_a_full_stop_breaks_words_only_in_v2() -> None:
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = models.BPE({token: n for n, token in enumerate([*letters, ".."])}, [(".", ".")])
    stop, pair = letters.index("."), len(letters)
    v1, v2 = build_tokenizers(words, "v1"), build_tokenizers(words, "v2")
    assert v1.encode_lyrics("...").ids == (v1.start, pair, stop)
    assert v2.encode_lyrics("...").ids == (v2.start, stop, stop, stop)
    assert (v1.lyric_rows, v1.style_rows) == (v2.lyric_rows, v2.style_rows - 6)


def test_the_same_id_means_different_things_in_the_two_tokenizers(v2: Tokenizers) -> None:
    assert v2.encode_lyrics("[verse]").ids == v2.encode_style("[Musicality-very-high]").ids
    assert len(v2.encode_style("[verse]").ids) > 2


@pytest.mark.parametrize(
    "text", ["窗台上的雨", "mañana será", "夜空を見る", "🎵", "e\u0301", "half \ud800 pair", "a\x00b"]
)
def test_any_text_can_be_counted(v2: Tokenizers, text: str) -> None:
    assert v2.count(text) == len(v2.encode_lyrics(text).ids) > 1


def test_counting_takes_pairs_of_spaces_as_one() -> None:
    demo = variant("demo")
    assert lyric_text("a  b    c") == "a b  c"
    assert count_lyric_tokens(demo, "[verse]  Rain.") == count_lyric_tokens(demo, "[verse] Rain.")


@pytest.mark.parametrize(
    ("version", "musicality", "description", "expected"),
    [
        ("v2", "very-high", "Female, Dark", "[Musicality-very-high], female, dark"),
        ("v2", "low", "", "[Musicality-low], ."),
        ("v2", "off", "Rock", "rock"),
        ("v2", "off", " ", "."),
        ("v1", "very-high", "Rock", "rock"),
        ("v1", "off", "", ""),
    ],
)
def test_the_style_string(version: str, musicality: str, description: str, expected: str) -> None:
    assert style_text(description, version=version, musicality=musicality) == expected


def test_the_null_style_contrasts_with_the_best_quality_alone() -> None:
    assert null_style("[Musicality-very-high], rock") == "[Musicality-very-low], ."
    assert null_style("[Musicality-high], rock") is None
    assert null_style(style_text("[Musicality-very-high]", version="v1")) is None


def test_conditions_hold_the_song_and_the_null_row_at_full_length(v2: Tokenizers) -> None:
    style = style_text("Rock", version="v2")
    made = text_conditions("[verse]  Rain.", style, no_prompt(64), SHAPES, v2)
    lyrics, null = v2.encode_lyrics("[verse] Rain."), v2.encode_style("[Musicality-very-low], .")
    assert made.lyric_ids.shape == made.structure.shape == (2, SHAPES.lyric_length)
    assert made.style_ids.shape == (2, SHAPES.style_length)
    assert made.lyric_ids[0].tolist()[: len(lyrics.ids)] == list(lyrics.ids)
    assert set(made.lyric_ids[0].tolist()[len(lyrics.ids) :]) == {v2.pad}
    assert set(made.structure[0].tolist()[len(lyrics.ids) :]) == {0}
    assert made.lyric_ids[1].tolist()[:2] == [v2.start, v2.pad]
    assert made.style_ids[1].tolist()[: len(null.ids) + 1] == [*null.ids, v2.pad]
    assert made.prompt_codes.shape == (3, 0)
    assert made.prompt_latents.shape == (3, 0, 64)


def test_words_past_the_models_length_are_cut_on_the_right(v2: Tokenizers) -> None:
    made = text_conditions("[verse] " + "rain " * 900, "", no_prompt(64), SHAPES, v2)
    assert made.lyric_ids.shape[1] == SHAPES.lyric_length
    assert v2.pad not in made.lyric_ids[0].tolist()
    assert torch.equal(made.structure[0, 1:], torch.ones(SHAPES.lyric_length - 1, dtype=torch.int64))


def test_a_missing_vocabulary_is_named(tmp_path: Path) -> None:
    with pytest.raises(SongdeskError, match="qwen2") as caught:
        qwen_tokenizers(tmp_path / "qwen2", "v2")
    assert "merges.txt" in caught.value.hint
    (tmp_path / "broken.json").write_text('{"vocab": {}')
    with pytest.raises(SongdeskError, match="broken"):
        demo_tokenizers(tmp_path / "broken.json", "v2")


def test_a_vocabulary_of_another_size_is_refused() -> None:
    demo = variant("demo")
    shapes = {**demo.shapes, "tokens": {**demo.shapes["tokens"], "lyric_rows": 7}}
    with pytest.raises(SongdeskError, match="7"):
        tokenizers(replace(demo, shapes=shapes))
