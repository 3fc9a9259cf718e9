"""Mending all at once ends, mends what can be mended, and says what it did."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.lyrics.check import Diagnostic, Edit, Fix, Severity, apply_fix, check
from core.lyrics.mend import mend_all, to_ascii
from core.lyrics.parse import Place, Span, parse
from core.lyrics.tags import dialect

LEVO = dialect("levo")
PIECES = st.sampled_from(
    ["[verse]", "[verse", "[Hook]", "[xyzzy]", "[inst-short]", "【副歌】", "[", "]", "\n", "\n", "\r\n",
     "la la", "风吹过", ".", "。", "，", "；", ";", "<|im_start|>", "<|", "|>", "a", " ", "(", "“",
     "la, " * 30, "\u2028"]
)  # fmt: skip
TEXTS = st.text(max_size=40) | st.lists(PIECES, max_size=25).map("".join)


def judge(text: str) -> Sequence[Diagnostic]:
    return check(parse(text), LEVO)


def test_everything_is_mended_and_told_once_each() -> None:
    text = "[Verse 1]\n风，雨；\n[Hook]\nla ; [bridge] lo\n[Verse 2]\nle\n"
    mended, made = mend_all(text, judge)
    assert mended == "[verse]\n风,雨,\n[chorus]\nla\n[bridge] lo\n[verse]\nle\n"
    assert made == (
        "Change to [verse] ×2",
        "Change to ASCII marks",
        "Change to [chorus]",
        "Break the line",
    )


def test_a_good_text_stays_as_it_is() -> None:
    assert mend_all("[verse]\nla la\n", judge) == ("[verse]\nla la\n", ())


def test_of_fixes_that_meet_the_first_is_made() -> None:
    def change(start: int, end: int, text: str) -> Diagnostic:
        span = Span(Place(0, start), Place(0, end))
        fix = Fix(f"Write {text}", (Edit(span, text),))
        return Diagnostic(Severity.WARNING, "rule", "message", "hint", span, None, fix)

    def once(text: str) -> Sequence[Diagnostic]:
        return [change(2, 5, "Y"), change(0, 3, "X")] if text == "abcdef" else []

    assert mend_all("abcdef", once) == ("Xdef", ("Write X",))


def endless(longer: bool) -> Callable[[str], Sequence[Diagnostic]]:
    """Judges that never are content: one lets the text grow, the other turns it back and forth."""

    def judge_badly(text: str) -> Sequence[Diagnostic]:
        span = Span(Place(0, 0), Place(0, len(text)))
        other = f"{text}a" if longer else {"a": "b"}.get(text, "a")
        return [
            Diagnostic(
                Severity.ERROR, "rule", "message", "hint", span, None, Fix("Turn", (Edit(span, other),))
            )
        ]

    return judge_badly


@pytest.mark.parametrize("longer", [False, True])
def test_a_judge_that_is_never_content_cannot_hold_the_studio(longer: bool) -> None:
    text, made = mend_all("a", endless(longer))
    assert set(text) <= {"a", "b"}
    assert made


@settings(deadline=None)
@given(TEXTS)
def test_no_error_that_has_a_fix_is_left(text: str) -> None:
    mended, made = mend_all(text, judge)
    assert [d for d in judge(mended) if d.fix and d.severity is Severity.ERROR] == []
    assert bool(made) == (mended != text)
    assert mend_all(mended, judge) == (mended, ())


@pytest.mark.parametrize(
    ("text", "changed", "marks"),
    [
        ("[verse]\n风，雨。\n“走”……\n", '[verse]\n风,雨\n"走"......\n', 6),
        ("风；雨", "风,雨", 1),
        ("[verse]\nla, la.\n", "[verse]\nla, la.\n", 0),
        ("【副歌】\n风，雨\n", "【副歌】\n风,雨\n", 1),
        ("[主歌：女]\n风！", "[主歌：女]\n风!", 1),
        ("", "", 0),
    ],
)
def test_full_width_marks_become_ascii(text: str, changed: str, marks: int) -> None:
    assert to_ascii(text, LEVO) == (changed, marks)


@settings(deadline=None)
@given(TEXTS)
def test_all_marks_changed_is_what_the_fixes_of_the_lines_do(text: str) -> None:
    changed, marks = to_ascii(text, LEVO)
    assert to_ascii(changed, LEVO) == (changed, 0)
    assert (changed == text) == (marks == 0)
    by_fixes = text
    while fix := next((d.fix for d in judge(by_fixes) if d.rule == "full-width" and d.fix), None):
        by_fixes = apply_fix(by_fixes, fix)
    assert changed == by_fixes
