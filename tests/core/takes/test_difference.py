"""What a take has that its parent has not, and in which words that is said."""

from dataclasses import replace

import pytest

from core.takes.difference import GAP, difference, words_of
from core.takes.job import KnobChange
from core.takes.recipe import Kin, Recipe

LYRICS = "[verse]\nPaper boats\nIn the rain\n\n[chorus]\nHold the line\nHold it long\n\n[outro]\nGone"
SONG: dict[str, object] = {"title": "Boats", "lyrics": LYRICS, "style": "pop, female", "reference": None}
PARENT = Recipe(
    song=SONG,
    model="demo",
    settings={"seed": 7, "temperature": 0.9, "format": "wav", "use_flash": True},
    state="done",
    songdesk="0",
)


def changed(**song: object) -> Recipe:
    return replace(PARENT, song={**SONG, **song})


def test_nothing_differs_between_a_take_and_itself() -> None:
    assert difference(PARENT, PARENT).words == ()


def test_lyrics_are_told_with_one_line_around_what_changed() -> None:
    sung = LYRICS.replace("In the rain", "In the snow").replace("Gone", "Gone\nFor good")
    found = difference(changed(lyrics=sung), PARENT)
    assert found.lyrics == (
        "  Paper boats", "- In the rain", "+ In the snow", "  ", GAP, "  Gone", "+ For good",
    )  # fmt: skip
    assert found.words[:3] == ("lyrics:", "    Paper boats", "  - In the rain")


def test_lyrics_that_begin_like_a_heading_of_a_diff_are_lines_like_others() -> None:
    found = difference(changed(lyrics="--- a\n@@ b"), changed(lyrics="+++ c"))
    assert found.lyrics == ("- +++ c", "+ --- a", "+ @@ b")


def test_settings_are_named_and_shown_as_they_are_typed() -> None:
    child = replace(PARENT, settings={"seed": 8, "temperature": 0.9, "format": "flac", "use_flash": False})
    assert difference(child, PARENT).words == ("seed: 7 → 8", "format: wav → flac", "use_flash: on → off")


def test_settings_that_make_no_difference_to_a_take_are_none() -> None:
    before = replace(PARENT, settings={"seed": 7, "memory": "measured", "decode_chunk": 64})
    now = replace(PARENT, settings={"seed": 7, "memory": "trusted", "decode_chunk": 0})
    assert difference(now, before).settings == ()
    other = replace(now, settings={**now.settings, "decode_chunk": 32})
    assert difference(other, before).settings == (("decode_chunk", "64", "32"),)
    assert difference(replace(now, model="gone"), before).settings[0] == ("memory", "measured", "trusted")


def test_a_setting_that_only_one_version_knows_was_changed_by_nobody() -> None:
    assert difference(replace(PARENT, settings={"seed": 7, "new": 1}), PARENT).settings == ()


def test_style_title_model_and_reference_are_told_before_and_after() -> None:
    led = {"path": "/music/a.wav", "style": "", "start": 12.0}
    child = replace(changed(title="Ships", style="", reference=led), model="toy")
    assert difference(child, PARENT).words == (
        "title: Boats → Ships",
        "style: pop, female → none",
        "reference: none → a.wav from 0:12",
        "model: demo → toy",
    )
    style = changed(reference={"path": "", "style": "Jazz", "start": 0.0})
    assert difference(style, PARENT).reference == ("", "built-in style Jazz")


def test_knobs_are_told_with_when_they_were_turned() -> None:
    turned = replace(PARENT, seconds=20.0, knobs=(KnobChange("tokens", 50, "temperature", 1.2),))
    assert difference(turned, PARENT).knobs == (("temperature", "", "1.2 at 0:02"),)
    assert difference(turned, PARENT).words == ("temperature turned: not at all → 1.2 at 0:02",)
    assert difference(turned, turned).knobs == ()


@pytest.mark.parametrize(
    ("why", "said"),
    [
        ("resing", "the first 0:42 are the same"),
        ("ending", "the first 0:42 are the same"),
        ("extend", "its 0:42 are the same, and it goes on behind them"),
        ("render", "all of its tokens are the same"),
    ],
)
def test_what_both_have_is_said_first(why: str, said: str) -> None:
    found = difference(replace(PARENT, kin=Kin("x", why, 42.9)), PARENT)
    assert (found.seconds, found.words) == (42.9, (said,))


def test_takes_without_common_tokens_have_no_common_seconds() -> None:
    assert difference(replace(PARENT, kin=Kin("x", "render")), PARENT).seconds is None


@pytest.mark.parametrize(
    "song",
    [
        {},
        {"title": None, "lyrics": 3, "style": [], "reference": "x"},
        {**SONG, "reference": {"path": 1, "start": "x"}},
    ],
)
def test_a_recipe_edited_by_hand_is_no_crash(song: dict[str, object]) -> None:
    found = difference(replace(PARENT, song=song), PARENT)
    assert found.words
    assert all(isinstance(line, str) for line in found.words)


@pytest.mark.parametrize(
    ("kin", "said"),
    [
        (None, ""),
        (Kin("a-1", "resing", 42.0), "re-sung from 0:42 of a-1"),
        (Kin("a-1", "ending", 62.0), "another ending from 1:02 of a-1"),
        (Kin("a-1", "extend", 62.0), "goes on behind a-1"),
        (Kin("a-1", "render"), "a-1 rendered again"),
        (Kin("a-1", "of a later version"), "made after a-1"),
    ],
)
def test_kin_is_said_in_a_few_words(kin: Kin | None, said: str) -> None:
    assert words_of(kin) == said
