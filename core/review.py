"""Everything that can be said about a song before it is made: lyrics, style, settings; no torch."""

from dataclasses import dataclass

from core.errors import SongdeskError
from core.family import Family, resolve_for
from core.lyrics.budget import budget
from core.lyrics.check import Severity, check
from core.lyrics.parse import Lyrics, parse
from core.lyrics.wire import to_wire
from core.registry import Variant
from core.song import Song
from core.style import check_style


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to mend, or to know."""

    severity: Severity
    part: str
    """Where in the song: `section 2 [verse]`, `style`."""
    what: str
    hint: str

    def __str__(self) -> str:
        return f"{self.part}: {self.what} → {self.hint}"


def lyric_tokens(lyrics: Lyrics, kind: Family, chosen: Variant) -> tuple[int, int]:
    """Lyric tokens used, and the model's limit; SongdeskError when the model's vocabulary is not here."""
    return kind.count_tokens(chosen, to_wire(lyrics, kind.dialect)), chosen.limits.lyric_tokens


def review(song: Song, kind: Family, chosen: Variant, *, is_forced: bool = False) -> tuple[Finding, ...]:
    """All findings, in the order of the song.

    Text over the model's limits is an error; forced, it is a warning with the exact text that is cut off.
    """
    lyrics = parse(song.lyrics)
    found = []
    tokens = None
    try:
        tokens = lyric_tokens(lyrics, kind, chosen)
    except SongdeskError as unknown:
        found.append(Finding(Severity.WARNING, "lyrics", f"tokens not counted: {unknown.what}", unknown.hint))
    found += [
        Finding(d.severity, _part(lyrics, d.section), d.message, d.hint)
        for d in check(lyrics, kind.dialect, tokens=None if is_forced else tokens)
    ]
    if is_forced and tokens and tokens[0] > tokens[1]:
        found.append(_cut("lyrics", *tokens, kind.cut_lyrics(chosen, to_wire(lyrics, kind.dialect))))
    found += _style_tokens(song, kind, chosen, is_forced=is_forced)
    found += [
        Finding(Severity[note.severity.upper()], "style", note.message, note.hint)
        for note in check_style(song.style, has_reference=song.reference is not None)
    ]
    found += _too_long(lyrics, kind, chosen)
    return tuple(found)


def _cut(part: str, used: int, limit: int, text: str) -> Finding:
    what = f"{used} tokens where the model reads {limit}, so this is cut off: {text.strip()}"
    return Finding(Severity.WARNING, part, what, "shorten it to have all of it sung")


def _style_tokens(song: Song, kind: Family, chosen: Variant, *, is_forced: bool) -> list[Finding]:
    limit = chosen.limits.style_tokens
    text = kind.style_text(song.style, chosen, resolve_for(kind, chosen, []))
    try:
        used = kind.count_style_tokens(chosen, text)
    except SongdeskError:  # said of the lyrics already
        return []
    if used <= limit:
        return []
    if is_forced:
        return [_cut("style", used, limit, kind.cut_style(chosen, text))]
    what = f"{used} tokens where the model reads {limit}"
    return [Finding(Severity.ERROR, "style", what, "remove some tags")]


def _too_long(lyrics: Lyrics, kind: Family, chosen: Variant) -> list[Finding]:
    limit = chosen.limits.seconds
    expected = budget(lyrics, kind.dialect, token_limit=0, seconds_limit=limit, count=None)
    if not expected.over_seconds:
        return []
    what = f"sings for {expected.seconds[0]:.0f} s at least, and {chosen.id} ends at {limit:.0f} s"
    return [Finding(Severity.WARNING, "lyrics", what, "leave out a section")]


def errors(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The findings that keep a song from being made."""
    return tuple(f for f in findings if f.severity is Severity.ERROR)


def _part(lyrics: Lyrics, section: int | None) -> str:
    if section is None:
        return "lyrics"
    return f"section {section + 1} [{lyrics.sections[section].tag}]"
