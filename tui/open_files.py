"""The files of the open song: held against other studios, and watched for edits from outside."""

from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

from core.errors import SongdeskError
from core.library.draft import NOTHING, imprint, keep_beside, put_aside, read_draft, save_draft
from core.library.shelf import next_titles
from core.song import Song
from core.takes.claim import claimed
from core.takes.take import home_of


class OpenFiles:
    """One song's folder while it is open. Its methods may be called from any thread, one at a time."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.is_ours = True
        """False while another studio has the song open."""
        self.kept: Path | None = None
        """Where a version was put while the one in the folder could not be read."""
        self._hold: ExitStack | None = None
        self._imprint = NOTHING

    def of(self, home: Path) -> "OpenFiles":
        """The files of a song, held; these, where they are its own."""
        if self._hold is not None and self.is_ours and _is_same(home, self.home):
            return self
        files = OpenFiles(home)
        files.hold()
        return files

    def hold(self) -> None:
        """Hold the folder against other studios; where that cannot be done, none of them can either."""
        self._hold = ExitStack()
        try:
            self.is_ours = self._hold.enter_context(claimed(self.home))
        except (SongdeskError, OSError):
            self.is_ours = True

    def close(self) -> None:
        """Let the folder go, and remove it if nothing was ever written."""
        if self._hold is not None:
            if self.is_ours:
                with suppress(OSError):
                    self.home.rmdir()
            self._hold.close()
            self._hold = None

    @property
    def written(self) -> bool:
        """Whether the song was read from here or written here."""
        return self._imprint != NOTHING

    def read(self) -> tuple[Song | None, str]:
        """The song as it stands in the files, and their imprint; SongdeskError says what cannot be read."""
        return read_draft(self.home)

    def note(self, found: str) -> None:
        """Go on from the files of that imprint: what comes after is an edit from outside."""
        self._imprint = found

    def write(self, song: Song) -> None:
        """Write the song; SongdeskError when that cannot be done."""
        try:
            self._imprint = save_draft(self.home, song)
        except SongdeskError:
            self._imprint = imprint(self.home)  # what was written before it failed is no edit from outside
            raise

    def changed(self) -> bool:
        """Whether the files are others than were read or written last."""
        return imprint(self.home) != self._imprint

    def put_aside(self) -> Path | None:
        """Move the files out of the way; returns where they are."""
        aside = put_aside(self.home)
        self._imprint = NOTHING
        return aside

    def keep(self, song: Song) -> Path:
        """Write a version of one's own beside the files; again into the same place while they stay unread."""
        if self.kept is None:
            self.kept = keep_beside(self.home, song)
        else:
            save_draft(self.kept, song)
        return self.kept

    def keep_once(self, song: Song) -> None:
        """Write a version of one's own beside the files, into a place of its own."""
        keep_beside(self.home, song)

    def copy_of(self, song: Song) -> tuple[Song, "OpenFiles"]:
        """The song under the next free title, with files of its own; nothing is written yet."""
        self.close()
        for title in next_titles(song.title):
            files = OpenFiles(home_of(title))
            files.hold()
            if files.is_ours:
                return replace(song, title=title), files
            files.close()
        raise AssertionError


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one == other or one.samefile(other)
    except OSError:
        return False
