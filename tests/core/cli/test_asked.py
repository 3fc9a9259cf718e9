"""Sections as people name them on a command line."""

import pytest

from core.cli.asked import names, section
from core.errors import SongdeskError
from core.lyrics.parse import parse

LYRICS = parse("[Verse 2]\na\n[chorus]\nb\n[verse]\nc\n[chorus]\nd\n[verse]\ne\n[intro-short]\n")


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("chorus", 1), ("chorus 1", 1), ("chorus2", 3), ("Chorus  2", 3), ("[chorus] 2", 3),
        ("[chorus 2]", 3), ("chorus #2", 3), ("verse", 2), ("verse 2", 0), ("intro-short", 5),
        ("INTRO-SHORT", 5),
    ],
)  # fmt: skip
def test_a_section_is_named_by_its_tag_and_which_of_its_kind(name: str, index: int) -> None:
    assert section(LYRICS, name) == index


@pytest.mark.parametrize("name", ["bridge", "chorus 3", "chorus 0", "", "2nd chorus", "verse 9999"])
def test_a_section_that_is_not_there_lists_those_that_are(name: str) -> None:
    with pytest.raises(SongdeskError) as refused:
        section(LYRICS, name)
    assert "verse 2, chorus 1, verse 1, chorus 2, verse 2, intro-short" in refused.value.hint


def test_every_section_can_be_named_by_what_is_listed() -> None:
    plain = parse("[verse]\na\n[chorus]\nb\n[verse]\nc\n[inst]\n[chorus]\nd")
    assert [section(plain, name) for name in names(plain)] == [0, 1, 2, 3, 4]
    with pytest.raises(SongdeskError, match="there is no section"):
        section(parse("no tags here"), "verse")
