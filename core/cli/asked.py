"""What a command line changes of a take that is there: its lyrics and style, its settings, and from where."""

import argparse
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from core.cli.ask import preset_overrides
from core.cli.report import say
from core.cli.take_words import called
from core.clock import clock, seconds_of
from core.errors import SongdeskError
from core.family import Family, family_of
from core.lyrics.parse import Lyrics, parse
from core.registry import Variant
from core.review import Finding, review
from core.settings import Override, Values, parse_pairs, resolve
from core.song import Song
from core.takes.recipe import Recipe, song_of
from core.takes.take import Take

_NUMBERED = re.compile(r"(.*?\D)[\s#]*(\d{1,3})", re.ASCII)
"""A tag, and which of its kind."""


def changed_song(args: argparse.Namespace, recipe: Recipe) -> Song:
    """The take's song with the lyrics and the style that the command line gives."""
    song = song_of(recipe)
    if args.lyrics is not None:
        song = replace(song, lyrics=_text(args.lyrics))
    return song if args.style is None else replace(song, style=args.style)


def changed_values(args: argparse.Namespace, recipe: Recipe, kind: Family, chosen: Variant) -> Values:
    """The take's settings without its seed, over them presets, `--set` and `--seed`.

    SongdeskError for what does not fit.
    """
    settings = kind.settings(chosen)
    known = {setting.key for setting in settings} - {"seed"}
    own = {key: value for key, value in recipe.settings.items() if key in known}
    presets = preset_overrides(args.presets, kind, chosen)
    return resolve(settings, Override(own, "its recipe"), *presets, assigned(args), *seed_given(args))


def seed_given(args: argparse.Namespace) -> Sequence[Override]:
    """What `--seed` says."""
    return () if args.seed is None else (Override({"seed": args.seed}, "--seed"),)


def assigned(args: argparse.Namespace) -> Override:
    """All that `--set` says."""
    given: dict[str, object] = {}
    for assignment in args.assignments:
        given |= parse_pairs(assignment, between="=", where="--set")
    return Override(given, "--set")


def fit(song: Song, kind: Family, chosen: Variant) -> None:
    """Tell what is to be said of a song before it is made; SongdeskError when a part of it is an error."""
    found = [finding for finding in review(song, kind, chosen) if finding.severity.value != "hint"]
    for finding in found:
        say(f"{song.title}: {finding.severity.value}: {finding}")
    if wrong := [finding for finding in found if finding.severity.value == "error"]:
        raise SongdeskError(
            f"{_counted(wrong)} in {song.title}; nothing was begun", hint="mend what is named above"
        )


def start_of(text: str, take: Take, recipe: Recipe) -> float:
    """The second that `2:10`, `130` or `chorus 2` means in a take; what is estimated is told.

    SongdeskError for one outside the take, and for a section that it has not.
    """
    seconds = seconds_of(text)
    if seconds is None:
        lyrics = parse(song_of(recipe).lyrics)
        index = section(lyrics, text)
        kind, chosen = family_of(recipe.model)
        length = take.seconds or float(recipe.settings["length"])
        found = kind.section_starts(chosen, take.folder, lyrics, length)[index]
        seconds = found.seconds
        by = "by where somebody sings" if found.how == "estimated" else "by the lyrics alone"
        say(f"{names(lyrics)[index]} is estimated to begin at {clock(seconds)}, {by}")
    if seconds <= 0:
        raise SongdeskError(
            "nothing of the take would stay",
            where="--from",
            hint="choose a later place, or make another take",
        )
    if take.seconds and seconds >= take.seconds:
        raise SongdeskError(
            f"the take ends at {clock(take.seconds)}, before {clock(seconds)}",
            where="--from",
            hint=f"choose an earlier place, or songdesk extend {called(take.folder)}",
        )
    return seconds


def section(lyrics: Lyrics, name: str) -> int:
    """Which section `chorus 2` or `[bridge]` names; SongdeskError lists those there are.

    A number counts the sections of that tag; without one the first is meant.
    """
    plain = _tag(name)
    numbered = _NUMBERED.fullmatch(plain)
    meant: list[tuple[str, int]] = [(plain, 1)]
    if numbered:
        meant.append((numbered[1].strip(), int(numbered[2])))
    for tag, number in meant:
        places = [index for index, each in enumerate(lyrics.sections) if _tag(each.tag) == tag]
        if 0 < number <= len(places):
            return places[number - 1]
    raise SongdeskError(
        f"there is no section {name!r}",
        where="--from",
        hint=f"it has {', '.join(names(lyrics)) or 'none'}; or give seconds, such as 1:05",
    )


def names(lyrics: Lyrics) -> Sequence[str]:
    """What each section can be called: its tag, with a number where there are several."""
    tags = [_tag(section.tag) for section in lyrics.sections]
    return [
        f"{tag} {tags[: index + 1].count(tag)}" if tags.count(tag) > 1 else tag
        for index, tag in enumerate(tags)
    ]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig").rstrip("\n")
    except UnicodeDecodeError as error:
        raise SongdeskError("is not UTF-8 text", where=str(path), hint="save the file as UTF-8") from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SongdeskError(f"cannot be read: {reason}", where=str(path), hint="name a text file") from error


def _tag(name: str) -> str:
    """A tag as people may write it: without brackets, case and stray blanks."""
    return " ".join(name.replace("[", " ").replace("]", " ").casefold().split())


def _counted(findings: Sequence[Finding]) -> str:
    return f"{len(findings)} error{'s' * (len(findings) != 1)}"
