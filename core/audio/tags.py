"""What a sound file tells of itself: words that any player shows, and all that brings its song back."""

import errno
import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

from mutagen import MutagenError
from mutagen.flac import FLAC
from mutagen.id3 import COMM, ID3, TCON, TIT2, TSSE, TXXX, USLT, Encoding

from core.audio import riff
from core.audio.codes import Codes, from_text, to_text
from core.audio.fields import Kind, text_fields
from core.errors import SongdeskError
from core.style import find, split
from core.takes.recipe import Recipe, to_json
from core.takes.tokenhash import codes_in

RECIPE = "SONGDESK_RECIPE"
TOKENS = "SONGDESK_TOKENS"
_LONGEST_RECIPE = 4 << 20
"""Characters of a recipe that are written or read."""
_LONGEST = {"title": 1000, "lyrics": 1 << 20}
_LANGUAGE = "XXX"
"""Of the lyrics, as ID3 names one that is not known."""


@dataclass(frozen=True, slots=True)
class Tags:
    """All that is put into a sound file beside its sound, as text that no container changes."""

    title: str
    lyrics: str
    comment: str
    software: str
    genres: tuple[str, ...]
    recipe: str
    """As JSON in ASCII, in one line."""
    tokens: str = ""
    """As `core.audio.codes` writes them; empty for none."""


@dataclass(frozen=True, slots=True)
class Tagged:
    """What songdesk has put into a sound file."""

    kind: Kind
    recipe: str
    """JSON, not looked at yet."""
    tokens: Codes | None
    """[3, T]; None where there are none that can be read."""


def tags_of(recipe: Recipe, tokens: Path | None = None) -> Tags:
    """What the sound of a take is to tell: its recipe without names and hashes of the sound, and its tokens.

    `tokens` is the file of them; where it cannot be read the tags go without.
    """
    facts = json.loads(to_json(replace(recipe, files={}, audio="")))
    told = json.dumps(facts, ensure_ascii=True, separators=(",", ":"))
    software = f"songdesk {recipe.songdesk}"
    made = f"Made with {software}, model {recipe.model}, seed {recipe.settings.get('seed')}"
    style = split(str(recipe.song.get("style", "")))
    known = [tag for name in style if (tag := find(name)) is not None and tag.dimension == "genre"]
    return Tags(
        title=_line(str(recipe.song.get("title", "")))[: _LONGEST["title"]],
        lyrics=_plain(str(recipe.song.get("lyrics", "")))[: _LONGEST["lyrics"]],
        comment=_line(f"{made}; `songdesk open FILE` brings the song back"),
        software=_line(software),
        genres=tuple(dict.fromkeys(tag.name for tag in known)),
        recipe=told if len(told) <= _LONGEST_RECIPE else "",
        tokens=to_text(_codes(tokens)) if tokens is not None else "",
    )


def write_tags(path: Path, kind: Kind, tags: Tags) -> None:
    """Put tags into a whole wav, flac or mp3 file that has none; raises OSError.

    Equal files and equal tags give equal bytes. The sound stays as it is.
    """
    try:
        match kind:
            case "wav":
                data = BytesIO()
                _id3(tags).save(data, v1=0, padding=_no_padding)
                riff.append(path, {b"LIST": riff.info_list(_info(tags)), b"id3 ": data.getvalue()})
            case "flac":
                file = FLAC(path)
                file.clear()
                file.update(_comments(tags))
                file.save(padding=_no_padding)
            case "mp3":
                _id3(tags).save(path, v1=0, padding=_no_padding)
            case _:
                raise AssertionError(kind)
    except MutagenError as error:  # it wraps what the disk says
        cause = error.args[0] if error.args else None
        raise (cause if isinstance(cause, OSError) else OSError(errno.EIO, str(error))) from error


def read_tags(path: Path) -> Tagged | None:
    """What songdesk has put into a file; None where there is nothing of the kind.

    Raises SongdeskError when the file cannot be read, or its recipe is too long to be one.
    """
    try:
        kind, fields = text_fields(path)
    except FileNotFoundError as error:
        raise SongdeskError("no such file", where=str(path), hint="check the path") from error
    except (OSError, ValueError) as error:
        reason = str(getattr(error, "strerror", None) or error).lower()
        raise SongdeskError(
            f"cannot read this: {reason}", where=str(path), hint="name a sound file"
        ) from error
    recipe = fields.get(RECIPE, "")
    if len(recipe) > _LONGEST_RECIPE:
        raise SongdeskError("its recipe is too long to be one", where=str(path), hint="use another copy")
    return Tagged(kind, recipe, from_text(fields.get(TOKENS, ""))) if recipe else None


def _id3(tags: Tags) -> ID3:
    coded, named = {"encoding": Encoding.UTF8}, {"lang": _LANGUAGE, "desc": ""}
    tag = ID3()
    if tags.title:
        tag.add(TIT2(text=[tags.title], **coded))
    tag.add(COMM(text=[tags.comment], **named, **coded))
    tag.add(TSSE(text=[tags.software], **coded))
    if tags.lyrics:
        tag.add(USLT(text=tags.lyrics, **named, **coded))
    if tags.genres:
        tag.add(TCON(text=list(tags.genres), **coded))
    for name, value in ((RECIPE, tags.recipe), (TOKENS, tags.tokens)):
        if value:
            tag.add(TXXX(desc=name, text=[value], **coded))
    return tag


def _comments(tags: Tags) -> Mapping[str, list[str]]:
    """As Vorbis comments; players look for lyrics under one name or the other."""
    told = {
        "TITLE": [tags.title],
        "GENRE": list(tags.genres),
        "LYRICS": [tags.lyrics],
        "UNSYNCEDLYRICS": [tags.lyrics],
        "COMMENT": [tags.comment],
        "ENCODER": [tags.software],
        RECIPE: [tags.recipe],
        TOKENS: [tags.tokens],
    }
    return {name: values for name, values in told.items() if any(values)}


def _info(tags: Tags) -> Mapping[bytes, str]:
    genres = ", ".join(tags.genres)
    return {b"INAM": tags.title, b"ICMT": tags.comment, b"ISFT": tags.software, b"IGNR": genres}


def _codes(path: Path) -> list[list[int]]:
    """The codes [3, T] in a file; none where there is no file that can be read."""
    try:
        rows: list[list[int]] = codes_in(path).tolist()
    except SongdeskError:
        return []
    return rows


def _no_padding(_about: object) -> int:
    return 0


def _plain(text: str) -> str:
    """Text in which nothing ends a field early or cannot be encoded: control characters become blanks."""
    kept = "".join(c if c == "\n" or unicodedata.category(c) != "Cc" else " " for c in text)
    return kept.encode("utf-8", "replace").decode()


def _line(text: str) -> str:
    return " ".join(_plain(text).split())
