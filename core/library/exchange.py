"""Songs from and to files outside the library, in the form that their name tells; no torch."""

from dataclasses import replace
from pathlib import Path

from core.errors import SongdeskError
from core.plaintext import import_text_song, write_text_song
from core.song import Song
from core.songfile import read_songs, write_songs
from core.takes.take import folder_name

_LINES = (".jsonl", ".json")
"""What a file of JSON lines is called; any other is plain text."""


def read_any(path: Path) -> tuple[tuple[Song, ...], tuple[str, ...]]:
    """The songs of a file, one at least, and what is to be said of it.

    SongdeskError when the file cannot be read, and names the first problem when there is no song in it.
    """
    if path.suffix.lower() not in _LINES:
        song, converted = import_text_song(path)
        notes = () if converted is None else (f"read as {converted.source}", *converted.report)
        return (song,), notes
    lines, problems = read_songs(path)
    if not lines:
        wrong = next((problem for problem in problems if problem.severity == "error"), None)
        if wrong is None:
            raise SongdeskError("there is no song in it", where=str(path), hint="choose another file")
        raise SongdeskError(wrong.what, where=f"{wrong.file}:{wrong.line}", hint=wrong.hint)
    return tuple(line.song for line in lines), tuple(map(str, problems))


def write_any(path: Path, song: Song) -> None:
    """Write a song: .jsonl as the published programs read it, any other name as plain text.

    SongdeskError when the file cannot be written.
    """
    if path.suffix.lower() in _LINES:
        # The format takes only titles that are file names as well.
        write_songs(path, [replace(song, title=folder_name(song.title))])
    else:
        write_text_song(path, song)
