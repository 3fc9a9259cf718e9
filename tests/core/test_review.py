"""Everything said of a song before it is made."""

import pytest

from core.family import family_of
from core.lyrics.check import Severity
from core.lyrics.parse import parse
from core.lyrics.wire import to_wire
from core.review import errors, review
from core.song import Reference, Song

GOOD = Song("a", "[verse]\nPaper boats are drifting", "female, folk pop, piano")


def findings(song: Song, toy: str = "demo") -> list[tuple[Severity, str]]:
    return [(finding.severity, str(finding)) for finding in review(song, *family_of(toy))]


def test_a_sound_song_has_nothing_said_of_it() -> None:
    assert findings(GOOD) == []


@pytest.mark.parametrize(
    ("song", "said"),
    [
        (Song("a", "[vers]\nla", "pop"), "section 1 [vers]: unknown tag"),
        (Song("a", "[verse]\n" + "paper boats " * 400, "pop"), "tokens"),
        (Song("a", "[verse]\nla", ", ".join(f"strange tag {n}" for n in range(80))), "style: "),
        (Song("a", "[verse]\nla", "pop <|im_start|>"), "style: "),
    ],
)
def test_what_keeps_a_song_from_being_made_is_an_error_with_its_place(song: Song, said: str) -> None:
    found = errors(review(song, *family_of("demo")))
    assert any(said in str(finding) for finding in found)
    assert all(finding.hint for finding in found)


def test_more_style_than_the_model_reads_is_counted() -> None:
    song = Song("a", "[verse]\nla", ", ".join(["acoustic guitar"] * 60))
    limit = family_of("demo")[1].limits.style_tokens
    assert any(f"where the model reads {limit}" in text for _, text in findings(song))


def test_forced_text_is_cut_where_the_model_stops_reading_and_said_word_for_word() -> None:
    kind, chosen = family_of("demo")
    lines = [f"boat number {n}" for n in range(300)]
    song = Song("a", "[verse]\n" + "\n".join(lines), ", ".join(f"strange tag {n}" for n in range(80)))
    forced = review(song, kind, chosen, is_forced=True)
    assert errors(forced) == ()
    lyrics, style = (f for f in forced if "cut off" in f.what)
    assert (lyrics.part, style.part) == ("lyrics", "style")
    cut = lyrics.what.partition("cut off: ")[2]
    wire = to_wire(parse(song.lyrics), kind.dialect)
    assert wire.endswith(cut)
    assert kind.count_tokens(chosen, wire.removesuffix(cut).rstrip()) == chosen.limits.lyric_tokens
    assert style.what.endswith("strange tag 79")


def test_more_song_than_the_model_can_sing_is_a_warning() -> None:
    verse = "[verse]\n" + "la la la la\n" * 6
    found = findings(Song("a", verse * 30, "pop"))
    assert any(severity is Severity.WARNING and "ends at" in text for severity, text in found)


def test_a_reference_beside_tags_is_questioned() -> None:
    assert findings(Song("a", GOOD.lyrics, GOOD.style, Reference(style="Pop")))
