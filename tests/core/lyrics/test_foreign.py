"""Pasted lyrics of other tools come out in editor form, with every word there or told of."""

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.lyrics.check import Severity, check
from core.lyrics.foreign import Converted, convert, is_own
from core.lyrics.labels import heading, is_direction, sized, tag_of
from core.lyrics.parse import parse
from core.lyrics.tags import dialect
from core.lyrics.wire import from_wire, to_wire
from core.paths import sample_file

LEVO = dialect("levo")
PIECES = st.sampled_from(
    ["[Verse 1]", "[verse]", "[Hook x2]", "[Intro]", "[Solo: Ann]", "[End]", "[start]", "[Keep power]",
     "[intro] [intro]", "[verse", "]", "[", "【副歌】", "［Hook］", "Verse 2:", "Chorus", "(Bridge)",
     "**Outro**", "## Coda", "副歌：", "主歌2", "Break", "end", "Chorus: hold on", "(x2)", "x3", "*softly*",
     "la la", "Hold on.", "风吹过，雨落。", "one; two", "go [softly] now", " ; [chorus] ", " , [inst] ",
     ". [verse] a , b", "\n", "\n", "\n\n", "\n\n\n", "\r\n", " ", ".", "Title: Boats", "Style: pop",
     "[Genre] dark pop vocal", "female pop piano", "Lyrics:", "# Boats", "...", "♪", "\u2028", "\ufeff",
     "(ooh)", "Repeat chorus", "[[a] b]", "{", "<|im_start|>", "U.S.A", "don't"]
)  # fmt: skip
TEXTS = (
    st.lists(PIECES, max_size=25).map("".join)
    | st.lists(PIECES, max_size=25).map("\n".join)
    | st.text(max_size=40)
)


def converted(text: str) -> Converted:
    made = convert(text, LEVO)
    assert made is not None
    return made


def words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text)


def test_plain_lyrics_get_verses_and_a_chorus_where_a_stanza_comes_back() -> None:
    made = converted(
        "Boats drift\nNobody knows\n\nHold the line,\nhold on\n\nLamps go out\n\nHold the line\nHold on!\n"
    )
    assert made.source == "plain lyrics"
    assert made.text == (
        "[verse]\nBoats drift\nNobody knows\n\n[chorus]\nHold the line,\nhold on\n\n"
        "[verse]\nLamps go out\n\n[chorus]\nHold the line\nHold on!\n"
    )
    assert made.report == ("2 stanzas became [verse]", "2 stanzas that come back became [chorus]")


def test_plain_lyrics_with_an_empty_line_after_every_line_keep_their_stanzas() -> None:
    made = converted("a b\n\nc d\n\n\ne f\n\ng h\n")
    assert made.text == "[verse]\na b\nc d\n\n[verse]\ne f\ng h\n"
    assert "empty lines between all lines were left out" in made.report


@pytest.mark.parametrize(
    "text",
    ["", "\n\n", "Hold the line", "la la\nlo lo\nle le", "[Hook]", "Verse 1:", "[Verse 1] la la",
     "...\n\n...", "[Applause]\n\n[Cheering]", "{", '{"idx": "a"}', '{"gt_lyric": ""}', "[1, 2]"],
)  # fmt: skip
def test_a_few_words_are_pasted_as_they_are(text: str) -> None:
    assert convert(text, LEVO) is None


@pytest.mark.parametrize(
    "text",
    [
        "[verse]\nla la\n\n[chorus]\nlo lo\n",
        "[intro-short]\n\n[verse] la la\nlo\n",
        "the end of a verse\n\n[chorus]\nlo lo\n",
        "[verse]\nVerse one:\nChorus\nla (x2)\n",
        "[verse]\n\n\n[chorus]\n\n",
    ],
)
def test_what_is_in_editor_form_is_pasted_as_it_is(text: str) -> None:
    assert is_own(text, LEVO)
    assert convert(text, LEVO) is None


def test_headings_without_brackets_become_tags() -> None:
    made = converted(
        "# Paper Boats\n\nVerse 1:\nla la\n\nChorus\nHold on\n\n**Verse 2**\nle le\n\n(Chorus)\n\n"
        "(Guitar Solo)\n\n## Outro\nbye now\n"
    )
    assert made.source == "headings such as Verse 1:"
    assert made.title == "Paper Boats"
    assert made.text == (
        "[verse]\nla la\n\n[chorus]\nHold on\n\n[verse]\nle le\n\n[chorus]\nHold on\n\n[inst-medium]\n\n"
        "[verse]\nbye now\n"
    )
    assert made.report == (
        "5 section headings became tags: Verse 1: → [verse], Chorus → [chorus], **Verse 2** → [verse], "
        "(Chorus) → [chorus], (Guitar Solo) → [inst-medium]",
        "## Outro has lyrics and became [verse]",
        "(Chorus) without lines got the lines of the one before",
        "read for title and style, not sung: # Paper Boats",
    )


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        (
            "主歌：\n风吹过\n\n副歌\n唱一首歌\n\n【间奏】\n\n主歌二\n天亮\n（副歌 重复）",
            ["verse", "chorus", "inst-short", "verse", "chorus"],
        ),
        ("【Aメロ】\n改札のそばで\n\nサビ\n夏の駅で\n\nアウトロ\n", ["verse", "chorus", "outro-short"]),
        ("Estrofa 1\nla\n\nEstribillo\nlo\n\nPuente:\nle\n", ["verse", "chorus", "bridge"]),
        ("Strophe 1\nla\n\nRefrain\nlo\n\nBrücke:\nle\n", ["verse", "chorus", "bridge"]),
        (
            "Couplet 1\nla\n\nPré-refrain\nli\n\nREFRAIN\nlo\n\nPont :\nle\n",
            ["verse", "verse", "chorus", "bridge"],
        ),
        ("Куплет 1\nла\n\nПрипев\nло\n", ["verse", "chorus"]),
    ],
)
def test_headings_of_other_languages_are_known(text: str, tags: list[str]) -> None:
    assert [section.tag for section in parse(converted(text).text).sections] == tags


@pytest.mark.parametrize(
    "row",
    [
        "Bridge over troubled water",
        "Hook, line and sinker",
        "He said: hello",
        "(ooh ooh)",
        "I",
        "Break it down",
    ],
)
def test_a_line_that_only_begins_like_a_heading_is_sung(row: str) -> None:
    assert heading(row, LEVO) is None
    assert row in converted(f"Verse 1:\nla\n{row}\n\nChorus:\nlo").text.splitlines()


def test_a_word_that_may_be_sung_is_a_heading_only_over_a_stanza_and_among_headings() -> None:
    assert "Break" in converted("la\n\nBreak\n\nlo").text
    assert "Break" in converted("Verse 1:\nla\nBreak\nlo").text
    assert "Break" not in converted("Verse 1:\nla\n\nBreak\n\nVerse 2:\nlo").text


def test_bracket_tags_of_other_tools() -> None:
    made = converted(
        "[Intro]\n\n[Verse 1]\nla la\n[softly] lo lo\n(x2)\n\n[Pre-Chorus]\nup up\n\n[Hook]\nHold on\n\n"
        "[Instrumental Break]\n\n[Verse 2: Ann & Bo]\n[Keep Power]\nle (le) le (x2)\n\n[Hook x2]\n\n"
        "[Solo]\n\n[Outro]\nHold on\n\n[End]\n"
    )
    assert made.source == "bracket tags of other tools"
    assert made.text == (
        "[intro-short]\n\n[verse]\nla la\nlo lo\n\n[verse]\nup up\n\n[chorus]\nHold on\n\n[inst-medium]\n\n"
        "[verse]\nle (le) le\n\n[chorus]\nHold on\n\n[inst-medium]\n\n[chorus]\nHold on\n"
    )
    assert made.report == (
        "[Intro] became [intro-short]",
        "[Verse 1], [Pre-Chorus], [Verse 2: Ann & Bo] became [verse]",
        "[Hook], [Hook x2] became [chorus]",
        "[Instrumental Break], [Solo] became [inst-medium]",
        "[Outro] has lyrics and became [chorus]",
        "[Hook x2] without lines got the lines of the one before",
        "dropped, as they only mark a beginning or an end: [End]",
        "2 lines of stage directions dropped: (x2), [Keep Power]",
        "2 remarks in lyric lines dropped: [softly], (x2)",
    )


@pytest.mark.parametrize(
    ("label", "tag"),
    [
        ("Tenor Saxophone Solo: Ann", "inst-medium"),
        ("Intro: Instrumental", "intro-short"),
        ("Long Intro", "intro-long"),
        ("intro (long)", "intro-long"),
        ("Instrumental Chorus", "inst-medium"),
        ("Emotional Verse", "verse"),
        ("Final Chorus", "chorus"),
        ("Vrese", "verse"),
        ("inst-medium", "inst-medium"),
        ("后奏", None),
        ("Applause", None),
        ("Female vocal", None),
        ("Break my heart again", None),
        ("", None),
        ("verse " * 50, None),
    ],
)
def test_a_label_names_a_tag_or_none(label: str, tag: str | None) -> None:
    assert tag_of(label, LEVO, loosely=True) == tag


def test_what_tools_write_around_their_lyrics_is_not_sung() -> None:
    made = converted(
        "14 ContributorsPaper Boats Lyrics\n[intro]\n(Chords: F - G)\n\n[verse]\n(Vocal-Perf: soft)\n"
        "la (la) la\nYou might also like\n[chorus]\n(Inst: full band)\n(ooh, ooh)\n7Embed"
    )
    assert made.text == "[intro-short]\n\n[verse]\nla (la) la\n\n[chorus]\n(ooh, ooh)\n"
    assert made.report[-2:] == (
        "not taken over: 14 ContributorsPaper Boats Lyrics",
        "5 lines of stage directions dropped: (Chords: F - G), (Vocal-Perf: soft), You might also like, "
        "(Inst: full band), 7Embed",
    )


def test_numbers_of_stanzas_are_not_sung() -> None:
    assert converted("1.\nla\n\n2.\nlo\n").text == "[verse]\nla\n\n[verse]\nlo\n"


def test_a_word_without_marks_is_no_heading_where_brackets_are() -> None:
    assert converted("[Verse]\nover the\nBridge\nwe go\n").text == "[verse]\nover the\nBridge\nwe go\n"
    assert converted("[Verse]\nla\n\nBridge:\nlo\n").text == "[verse]\nla\n\n[bridge]\nlo\n"


def test_brackets_that_name_nothing_begin_a_section_over_a_stanza_and_are_left_out_elsewhere() -> None:
    made = converted("[Part A]\nla la\n[whisper]\nlo\n\n[Choir]\n\n[Part B]\nle\n")
    assert made.text == "[verse]\nla la\nlo\n\n[verse]\nle\n"
    assert "2 lines of stage directions dropped: [whisper], [Choir]" in made.report


def test_yue_blocks_and_their_line_of_genres() -> None:
    made = converted(
        "inspiring female uplifting pop airy vocal electronic bright vocal\n\n[start]\n[intro]\n\n"
        "[verse]\nla la\n\n[chorus]\nhold\n\n[outro]\nbye bye\n[end]"
    )
    assert (made.source, made.style) == (
        "YuE blocks",
        "inspiring female uplifting pop airy vocal electronic bright vocal",
    )
    assert made.text == "[intro-short]\n\n[verse]\nla la\n\n[chorus]\nhold\n\n[verse]\nbye bye\n"
    assert "dropped, as they only mark a beginning or an end: [start], [end]" in made.report


def test_a_line_before_the_first_tag_that_is_no_style_is_sung() -> None:
    made = converted("Happy happy happy\n[Verse]\nla")
    assert made.text == "[verse]\nHappy happy happy\n\n[verse]\nla\n"
    assert made.style is None
    assert "the lines before the first section became [verse]" in made.report


def test_songblooms_string_with_tags_repeated_for_their_seconds() -> None:
    made = converted(
        f"{'[intro] ' * 13}, [verse] Are you going. Sage and thyme , [chorus] In every sway, a tale. , "
        f"{'[inst] ' * 25}, [bridge] 风吹过.雨落 , [outro] [outro]"
    )
    assert made.source == "SongBloom text"
    assert made.text == (
        "[intro-medium]\n\n[verse]\nAre you going\nSage and thyme\n\n[chorus]\nIn every sway, a tale\n\n"
        "[inst-long]\n\n[bridge]\n风吹过\n雨落\n\n[outro-short]\n"
    )
    assert "[intro] ×13 became [intro-medium]" in made.report
    assert converted("[verse] a b , c d . e f . [chorus] g h , i").text == (
        "[verse]\na b\nc d\ne f\n\n[chorus]\ng h\ni\n"
    )


@pytest.mark.parametrize(
    ("seconds", "tag"),
    [(1, "inst-short"), (10, "inst-short"), (11, "inst-medium"), (21, "inst-long"), (99, "inst-long")],
)
def test_a_length_chooses_the_tag_it_fits(seconds: float, tag: str) -> None:
    assert sized("inst-medium", seconds, LEVO) == tag
    assert sized("silence", seconds, LEVO) == "silence"


@pytest.mark.parametrize(
    "string",
    [
        "[intro-short] ; [verse] Paper boats are drifting. Nobody knows where. ; [chorus] Hold the line.",
        "[verse] 今晚 we dance.城市 lights 在闪 ; [inst-medium] ; [chorus] Why? Run!",
        "[intro-short] ;\n[verse] Paper boats, drifting. Nobody knows. ;\n[chorus] Hold. On.",
        "[verse] Paper boats. Nobody knows.",
    ],
)
def test_the_engines_own_string_is_read_as_song_files_are(string: str) -> None:
    made = converted(string)
    assert made.source == "the engine's own string"
    assert made.text == from_wire(string) + "\n"


@pytest.mark.parametrize("line", sample_file("songs.jsonl").read_text(encoding="utf-8").splitlines())
def test_a_song_files_line_brings_title_and_style(line: str) -> None:
    given = json.loads(line)
    made = converted(line)
    assert (made.source, made.title, made.style) == (
        "a song file's line",
        given["idx"],
        given["descriptions"],
    )
    assert to_wire(parse(made.text), LEVO) == given["gt_lyric"]


def test_what_has_no_place_in_a_paste_is_named() -> None:
    row = {
        "idx": 7,
        "lyrics": "[verse] a. b , [outro] [outro]",
        "prompt_wav": "x.wav",
        "n": {"k": [1]},
        "e": None,
    }
    made = converted(json.dumps(row) + '\n{"idx": "other", "lyrics": "[verse] c"}\n')
    assert (made.title, made.style) == ("7", None)
    assert made.text == "[verse]\na\nb\n\n[outro-short]\n"
    assert 'not taken over: prompt_wav x.wav, n {"k": [1]}' in made.report
    assert "1 more line was left out; open the file for them" in made.report


def test_timed_lyrics_lose_their_stamps() -> None:
    made = converted(
        "[ti:Boats]\n[ar:Ann]\n[00:01.00]la <00:01.50>la\n[00:02.00]lo\n[00:03.00]\n[00:04.00]hold\n"
    )
    assert (made.source, made.title) == ("timed lyrics", "Boats")
    assert made.text == "[verse]\nla  la\nlo\n\n[verse]\nhold\n".replace("  ", " ")
    assert "5 time stamps dropped, from 00:01.00 to 00:04.00" in made.report
    assert "not taken over: [ar:Ann]" in made.report


def test_what_stands_before_lyrics_says_title_and_style() -> None:
    made = converted("Title: Boats\n[Style: folk pop]\nArtist: Ann\nLyrics:\n[Verse]\nla\n")
    assert (made.title, made.style, made.text) == ("Boats", "folk pop", "[verse]\nla\n")
    assert "not taken over: Artist: Ann" in made.report


def test_full_width_marks_are_counted() -> None:
    made = converted("主歌：\n风吹过，雨落。\n“走”；\n\n副歌：\n唱！")
    assert made.text == '[verse]\n风吹过,雨落\n"走",\n\n[chorus]\n唱!\n'
    assert made.report[-1] == "6 full-width marks became ASCII"


@pytest.mark.parametrize(
    ("row", "is_one"),
    [
        ("(x2)", True),
        ("2x", True),
        ("(repeat twice)", True),
        ("*softly*", True),
        ("softly", False),
        ("(ooh)", False),
        ("1999", False),
        ("", False),
    ],
)
def test_stage_directions_are_told_from_lyrics(row: str, is_one: bool) -> None:
    assert is_direction(row) is is_one


@settings(deadline=None)
@given(TEXTS)
def test_every_word_is_in_the_text_or_in_the_report(text: str) -> None:
    made = convert(text, LEVO)
    if made:
        told = set(words(made.text)) | {word for line in made.report for word in words(line)}
        assert [word for word in words(text) if word not in told] == []


@settings(deadline=None)
@given(TEXTS)
def test_what_was_converted_is_in_editor_form(text: str) -> None:
    made = convert(text, LEVO)
    if made:
        assert is_own(made.text, LEVO)
        assert convert(made.text, LEVO) is None
        assert made.text.endswith("\n")
        assert not made.text.endswith("\n\n")
        assert made.report
        assert all(len(line.splitlines()) == 1 for line in made.report)
        wrong = {d.rule for d in check(parse(made.text), LEVO) if d.severity is Severity.ERROR}
        assert wrong <= {"empty-section", "control-token"}


@settings(deadline=None)
@given(TEXTS)
def test_lyrics_in_json_are_read_as_they_are_without(text: str) -> None:
    made = convert(json.dumps({"lyrics": text}), LEVO)
    plain = convert(text, LEVO)
    if plain and not text.lstrip("\ufeff").strip().startswith("{") and made:
        assert made.text == plain.text


@pytest.mark.parametrize(
    "unit",
    ["[", "[a]", "[verse] ", "(x2)", "(x2) ", "# ", "la, ", " ", "[[", "【", "【副歌】", "a:", "**", "la\n\n",
     "[x]\n", "Verse 1:\n", "{", "<00:01>", "[intro] , ", ". "],
)  # fmt: skip
@pytest.mark.timeout(30)
def test_thousands_of_oddities_do_not_hang(unit: str) -> None:
    convert(unit * 4000, LEVO)
    convert(f"[Verse]\nla{' ' * 20000}{unit * 1000}", LEVO)
