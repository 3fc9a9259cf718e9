"""Reading a song before it is shown: to be opened, or again after an edit from outside."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from unicodedata import normalize

from core.errors import SongdeskError
from core.library.draft import load_draft
from core.settings import Values
from core.song import Song
from core.takes.take import Take, home_of
from tui.making import takes_in
from tui.open_files import OpenFiles

Resolve = Callable[[Song], Values]
"""The settings in force for a song; SongdeskError where they do not fit."""


@dataclass(frozen=True, slots=True)
class Opening:
    """A song ready to be shown."""

    files: OpenFiles
    song: Song
    values: Values
    saved: Song | None
    """The song as it is on disk, if that is how it stands here."""
    takes: tuple[tuple[Take, ...], tuple[Take, ...]]
    """Those of the song and those in its trash, the newest first."""
    said: str = ""
    """A line to say, or nothing."""


@dataclass(frozen=True, slots=True)
class Outside:
    """What became of the open song outside the studio."""

    song: Song | None
    """None where its files are gone."""
    values: Values | None
    said: str
    found: str
    """The imprint of the files as they are now."""


class Kept(SongdeskError):
    """The files cannot be read, and what stands here was written beside them."""


def prepare(
    present: OpenFiles, song: Song, resolve: Resolve, *, go_on: bool, home: Path | None = None
) -> Opening:
    """Read a song's folder and hold it; with `go_on` an earlier draft goes before the song given.

    `home` is the folder where that is known. A song that another studio has open becomes a copy.
    SongdeskError leaves everything as it was.
    """
    files = present.of(home or home_of(song.title))
    try:
        return _prepare(files, song, resolve, go_on=go_on, is_named=home is None)
    except BaseException:
        if files is not present:
            files.close()
        raise


def prepare_from(present: OpenFiles, home: Path, resolve: Resolve) -> Opening:
    """Read the song of a folder and hold it; SongdeskError leaves everything as it was."""
    song = load_draft(home)
    if song is None:
        raise SongdeskError("there is no song here any more", where=str(home), hint="open another")
    return prepare(present, song, resolve, go_on=True, home=home)


def look_outside(files: OpenFiles, song: Song, resolve: Resolve, *, is_saved: bool) -> Outside | None:
    """What was changed outside, None for nothing; what stands here and was not saved is kept beside it.

    SongdeskError where it cannot be read, or nothing can be kept; Kept where that was done.
    """
    if not files.changed():
        return None
    try:
        there, found = files.read()
        values = None if there is None else resolve(there)
    except SongdeskError as error:
        if is_saved:
            raise
        raise Kept(error.what, where=error.where, hint=f"yours is in {files.keep(song)}") from error
    if there is None:
        return Outside(None, None, f"the files of {song.title} are gone; saving writes them again", found)
    said = f"{there.title} was changed outside: this is how it stands there"
    if not is_saved and song != there:
        said += f"; yours was kept as {files.keep(song)}"
    return Outside(there, values, said, found)


def _prepare(files: OpenFiles, song: Song, resolve: Resolve, *, go_on: bool, is_named: bool) -> Opening:
    draft, found = files.read()
    if is_named and draft and normalize("NFC", draft.title) != normalize("NFC", song.title):
        raise SongdeskError(
            f"the folder of {song.title} holds another song, {draft.title}",
            where=str(files.home),
            hint="choose another title",
        )
    said, differs = "", draft is not None and not _same(draft, song)
    if draft is not None and not song.model:
        song = replace(song, model=draft.model)  # a file of songs does not tell of models
    if draft is not None and differs and go_on:
        song, said = draft, f"went on with your draft of {song.title}"
    values, saved = resolve(song), draft if draft == song else None
    files.note(found)
    if not files.is_ours:
        song, files = files.copy_of(song)
        said, saved = f"it is open in another studio: this is a copy, {song.title}", song
    elif differs and not go_on:
        said = f"your earlier draft was kept as {files.put_aside()}"
    return Opening(files, song, values, saved, takes_in(files.home), said)


def _same(draft: Song, song: Song) -> bool:
    """Whether nothing would be lost by taking one for the other."""
    return (draft.lyrics.split(), draft.style, draft.reference, dict(draft.settings)) == (
        song.lyrics.split(),
        song.style,
        song.reference,
        dict(song.settings),
    )
