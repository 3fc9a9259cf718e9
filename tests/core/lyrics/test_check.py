"""Each rule found where it should be, silent where it should not, and mended by its fix."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.lyrics.check import Diagnostic, Severity, apply_fix, check
from core.lyrics.parse import Place, Span, parse, rows
from core.lyrics.tags import dialect
from core.lyrics.wire import from_wire, to_wire

LEVO = dialect("levo")
GOOD = "[intro-short]\n\n[verse]\nPaper boats\nNobody knows.\n\n[chorus] 'Hold', they say!\n[outro-long]"
GOOD_CHINESE = "[verse]\n风吹过窗台\n雨落在心里\n[inst-medium]\n[chorus]\n唱一首歌给你"
LONG = "and then we walked along the river, counting every light, until the morning came and found us there"
PIECES = st.sampled_from(
    ["[verse]", "[verse", "[Hook]", "[xyzzy]", "[inst-short]", "【副歌】", "［verse］", "[", "]", "\n",
     "\n", "\r\n", "la la", "风吹过", ".", "。", "，", "；", ";", "<|im_start|>", "<|", "|>", "a", " ", "(",
     "“", LONG, "\u2028", "é"]
)  # fmt: skip
TEXTS = st.text(max_size=40) | st.lists(PIECES, max_size=25).map("".join)

CASES = [
    ("control-character", "[verse]\nla\x1b[31m la", "[verse]\nla[31m la"),
    ("unknown-tag", "[Verse]\nla", "[verse]\nla"),
    ("unknown-tag", "[Pre-Chorus]\nla", "[verse]\nla"),
    ("unknown-tag", "[intro]\n[verse]\nla", "[intro-short]\n[verse]\nla"),
    ("unknown-tag", "[副歌]\nla", "[chorus]\nla"),
    ("unknown-tag", "[xyzzy]\nla", None),
    ("unclosed-tag", "[verse\nla", "[verse]\nla"),
    ("unclosed-tag", "[verse la la", "[verse] la la"),
    ("unclosed-tag", "【Chorus】la", "[chorus]la"),
    ("unclosed-tag", "[verse]\n[sigh la", "[verse]\nsigh la"),
    ("unclosed-tag", "[verse]\n[[ la", "[verse]\nla"),
    ("tag-inside-line", "[verse]\nla ; [chorus] lo", "[verse]\nla\n[chorus] lo"),
    ("brackets", "[verse]\noh [softly] no", "[verse]\noh (softly) no"),
    ("lyrics-in-instrumental", "[inst-short]\nla", "[inst-short]\n\n[verse]\nla"),
    ("lyrics-in-instrumental", "[silence] la", "[silence] \n[verse]\nla"),
    ("empty-section", "[verse]\n\n[chorus]\nla", "\n[chorus]\nla"),
    ("empty-section", "[verse]\n...\n[chorus]\nla", "...\n[chorus]\nla"),
    ("before-first-tag", "la\n[chorus]\nlo", "[verse]\nla\n[chorus]\nlo"),
    ("no-sections", "la\nlo", "[verse]\nla\nlo"),
    ("no-sections", "", None),
    ("full-width", "[verse]\n风，雨。", "[verse]\n风,雨"),
    ("full-width", "[verse]\n“Don’t”；（go）…", "[verse]\n\"Don't\",(go)..."),
    ("semicolon", "[verse]\nla; la;", "[verse]\nla, la"),
    ("semicolon", "[verse]\n ; la", "[verse]\n la"),
    ("semicolon", "[verse]\n;\nla", "[verse]\n\nla"),
    ("control-token", "[verse]\nla <|endoftext|>la", "[verse]\nla la"),
    ("control-token", "[verse]\nla <<|a|>|b|>", "[verse]\nla "),
    ("chinese-ending", "[verse]\n风吹.\n雨落..", "[verse]\n风吹.\n雨落"),
    ("long-line", f"[verse]\n{LONG}", None),
]  # fmt: skip


def found(text: str) -> dict[str, Diagnostic]:
    return {diagnostic.rule: diagnostic for diagnostic in check(parse(text), LEVO)}


def inside(text: str, span: Span) -> bool:
    lines = rows(text)
    places = (span.start, span.end)
    return span.start <= span.end and all(
        place.row < len(lines) and place.column <= len(lines[place.row]) for place in places
    )


@pytest.mark.parametrize(("rule", "text", "mended"), CASES)
def test_rule_finds_and_mends(rule: str, text: str, mended: str | None) -> None:
    diagnostic = found(text)[rule]
    assert diagnostic.message
    assert diagnostic.hint
    assert inside(text, diagnostic.span)
    if mended is not None:
        assert diagnostic.fix
        assert apply_fix(text, diagnostic.fix) == mended
        assert rule not in found(mended)


@pytest.mark.parametrize("text", [GOOD, GOOD_CHINESE, from_wire("[verse] Lamps go out. ; [outro-short]")])
def test_good_lyrics_are_left_in_peace(text: str) -> None:
    assert check(parse(text), LEVO, tokens=(600, 600)) == ()


@pytest.mark.parametrize(
    "text",
    [
        "[verse]\n(la) la: 'lo' - le!",
        "[verse]\na < b | c > d",
        "[verse]\nla la.",
        "[verse]\n3 p.m.",
        "[chorus]\n走吗?",
    ],
)
def test_what_only_looks_wrong_is_not_reported(text: str) -> None:
    assert not found(text)


def test_a_long_line_breaks_at_its_commas() -> None:
    fix = found(f"[verse]\n{LONG}")["long-line"].fix
    assert fix
    mended = apply_fix(f"[verse]\n{LONG}", fix)
    assert mended.splitlines()[1:] == [
        "and then we walked along the river, counting every light,",
        "until the morning came and found us there",
    ]


def test_a_word_too_long_to_break_has_no_fix() -> None:
    diagnostic = found("[verse]\n" + "a" * 200)["long-line"]
    assert (diagnostic.severity, diagnostic.fix) == (Severity.HINT, None)


def test_too_many_tokens_is_an_error_that_says_by_how_many() -> None:
    assert check(parse(GOOD), LEVO, tokens=(600, 600)) == ()
    (diagnostic,) = check(parse(GOOD), LEVO, tokens=(612, 600))
    assert (diagnostic.rule, diagnostic.severity) == ("too-many-tokens", Severity.ERROR)
    assert "12" in diagnostic.hint


def test_severities_separate_what_stops_a_song_from_what_does_not() -> None:
    stopping = {rule for rule, text, _ in CASES if found(text)[rule].severity is Severity.ERROR}
    assert stopping == {
        "unknown-tag", "unclosed-tag", "tag-inside-line", "lyrics-in-instrumental", "empty-section",
        "before-first-tag", "no-sections", "control-token",
    }  # fmt: skip


def test_findings_name_their_section_and_come_in_the_order_of_the_text() -> None:
    findings = check(parse("lo;\n[verse]\n[inst-short]\nla，\n[Hook]\nle"), LEVO)
    assert [(d.rule, d.section) for d in findings] == [
        ("before-first-tag", None),
        ("semicolon", None),
        ("empty-section", 0),
        ("lyrics-in-instrumental", 1),
        ("full-width", 1),
        ("unknown-tag", 2),
    ]
    assert [d.span.start.row for d in findings] == sorted(d.span.start.row for d in findings)


@given(TEXTS)
def test_findings_are_one_line_and_point_into_the_text(text: str) -> None:
    for diagnostic in check(parse(text), LEVO):
        assert inside(text, diagnostic.span)
        assert len(str(diagnostic).splitlines()) == 1
        for edit in diagnostic.fix.edits if diagnostic.fix else ():
            assert inside(text, edit.span)


@given(TEXTS)
def test_every_fix_removes_its_finding(text: str) -> None:
    before = check(parse(text), LEVO)
    for diagnostic in before:
        if diagnostic.fix:
            after = check(parse(apply_fix(text, diagnostic.fix)), LEVO)
            same, left = ([d.span for d in some if d.rule == diagnostic.rule] for some in (before, after))
            assert len(left) < len(same) or diagnostic.span not in left


@given(TEXTS)
def test_fixing_one_by_one_comes_to_an_end(text: str) -> None:
    for _ in range(4 * len(text) + 10):
        fix = next((d.fix for d in check(parse(text), LEVO) if d.fix), None)
        if fix is None:
            return
        text = apply_fix(text, fix)
    pytest.fail("fixes go round in circles")


@given(TEXTS)
def test_fixes_of_warnings_and_hints_change_nothing_that_is_sent(text: str) -> None:
    for diagnostic in check(parse(text), LEVO):
        if diagnostic.rule in {"brackets", "chinese-ending"} and diagnostic.fix:
            assert to_wire(parse(apply_fix(text, diagnostic.fix)), LEVO) == to_wire(parse(text), LEVO)


def test_edits_keep_the_files_own_line_ends() -> None:
    text = "[Verse]\r\nla\r\n[Hook]\r\nlo\r\n"
    for diagnostic in check(parse(text), LEVO):
        assert diagnostic.fix
        text = apply_fix(text, diagnostic.fix)
    assert text == "[verse]\r\nla\r\n[chorus]\r\nlo\r\n"


def test_places_count_code_points() -> None:
    diagnostic = found("[verse]\n🎵 e\u0301，la")["full-width"]
    assert diagnostic.span == Span(Place(1, 4), Place(1, 5))


@pytest.mark.parametrize(
    "unit",
    [
        "<|",
        "[ ",
        "x; ",
        "la, ",
        'x. "',
        "[verse ",
        "x [verse",
        "]",
        ".",
        "；",
        "风，",
        "<|a",
        "- ",
        "9",
        "x" + " " * 50,
    ],
)
@pytest.mark.timeout(30)
def test_a_line_of_thousands_of_oddities_does_not_hang(unit: str) -> None:
    for text in (f"[verse]\n{unit * 4000}", f"[{unit * 4000}", f"[verse]\nx{' ' * 20000}{unit}"):
        check(parse(text), LEVO)
        to_wire(parse(from_wire(text)), LEVO)
