"""Before and after the app: the terminal it needs, kept clean while it runs and restored whatever happens."""

import os
import select
import signal
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING

from core.config import Config
from core.errors import SongdeskError
from core.machine import look
from core.paths import bookmark_file, log_file
from core.takes.take import has_songs

if TYPE_CHECKING:
    from tui.app import Studio
    from tui.bridge import Engine

SLOW_LINK = {"TEXTUAL_FPS": "30", "TEXTUAL_ANIMATIONS": "none", "TEXTUAL_SMOOTH_SCROLL": "0"}
"""What Textual reads at import; its own rates are too many bytes for a remote terminal."""


class _Screen(TextIOWrapper):
    """A terminal to draw on that may go away: what is drawn afterwards goes nowhere.

    Textual's writer would end with an error then, and the studio wait for it for ever.
    """

    is_gone = False

    def write(self, text: str) -> int:
        """Draw."""
        if not self.is_gone:
            try:
                return super().write(text)
            except OSError:
                self.is_gone = True
        return len(text)

    def flush(self) -> None:
        """Have it drawn."""
        if not self.is_gone:
            try:
                super().flush()
            except OSError:
                self.is_gone = True


def run_studio(
    song_path: Path | None, config: Config, *, make_engine: "Callable[[], Engine] | None" = None
) -> int:
    """Open the studio, with the first song of a JSONL file if one is named, else the last song.

    Returns the exit code, 128 + n after signal n. Raises SongdeskError where there is no terminal, for a song
    that cannot be opened, and when the studio itself broke; the terminal is restored in each case.
    """
    refuse_without_terminal()
    prepare_environment()
    from tui.session import song_to_start_with

    is_first = song_path is None and not has_songs()
    song = song_to_start_with(song_path)
    from tui.app import Studio
    from tui.bridge import real_engine

    studio = Studio(
        config,
        song,
        make_engine=make_engine or real_engine,
        bookmarks=bookmark_file(),
        welcomes=is_first,
    )
    if make_engine is None:
        studio.studio.look_with = look
    with clean_terminal(log_file()):
        try:
            drop_typed_ahead()
            heed_hangup()
            code = studio.run(mouse=config.studio.mouse)
        finally:
            _say(studio.farewell())
    return _aftermath(studio, code)


def refuse_without_terminal() -> None:
    """SongdeskError unless keys can be read and a screen drawn: Textual draws on stderr."""
    lacking = [name for name, stream in (("stdin", sys.stdin), ("stderr", sys.stderr)) if not _is_tty(stream)]
    if lacking:
        raise SongdeskError(
            f"the studio needs a terminal on {' and '.join(lacking)}",
            hint="render headlessly instead: songdesk render SONGS.jsonl",
        )


def prepare_environment() -> None:
    """Set the frame rate for a slow link; without effect once Textual has been imported."""
    if os.environ.get("SSH_CONNECTION"):
        for name, value in SLOW_LINK.items():
            os.environ.setdefault(name, value)


def drop_typed_ahead() -> None:
    """Forget the keys from before there was a studio: the terminal has made another key of each Enter."""
    with suppress(termios.error):
        termios.tcflush(sys.stdin, termios.TCIFLUSH)


def heed_hangup() -> None:
    """Send this process SIGHUP when its terminal goes.

    The system tells the first process of the session alone: one that waits for the studio, as make does,
    would keep it for ever, reading from a terminal that is not there.
    """
    watch = select.poll()
    watch.register(sys.stdin, 0)  # no event is asked for: a hangup is told always

    def wait() -> None:
        if any(told & select.POLLHUP for _, told in watch.poll()):
            os.kill(os.getpid(), signal.SIGHUP)

    threading.Thread(target=wait, name="terminal", daemon=True).start()


@contextmanager
def clean_terminal(log: Path) -> Iterator[None]:
    """Give Textual a terminal of its own and send what libraries write to stdout and stderr to the log."""
    sys.stdout.flush()
    sys.stderr.flush()
    saved = {descriptor: os.dup(descriptor) for descriptor in (1, 2)}
    before = sys.__stdout__, sys.__stderr__
    private = _Screen(os.fdopen(os.dup(2), "wb"), encoding="utf-8", errors="backslashreplace", newline="")
    sink = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        # Textual draws on the one and asks the other for the terminal's size.
        sys.__stdout__ = sys.__stderr__ = private  # type: ignore[misc]
        for descriptor in saved:
            os.dup2(sink, descriptor)
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        sys.__stdout__, sys.__stderr__ = before  # type: ignore[misc]
        for descriptor, original in saved.items():
            os.dup2(original, descriptor)
            os.close(original)
        os.close(sink)
        _close(private)


def _aftermath(studio: "Studio", code: int | None) -> int:
    """What the run left: an error to tell, a thread that would not end, or an exit code."""
    result = code if code is not None else studio.return_code or 0
    if studio.trouble is not None:
        name = type(studio.trouble).__name__
        trouble = SongdeskError(f"the studio broke ({name})", hint=f"please report it with {log_file()}")
        if studio.engine_ended:
            raise trouble from studio.trouble
        sys.stderr.write(f"songdesk: {trouble}\n")
    if not studio.engine_ended:
        # The interpreter aborts when it ends under a thread that is inside torch.
        sys.stderr.flush()
        os._exit(result or 1)
    return result


def _say(sequence: str) -> None:
    """Write an escape string to the terminal that Textual has left."""
    if sequence and sys.__stderr__ is not None:
        sys.__stderr__.write(sequence)
        sys.__stderr__.flush()


def _close(stream: object) -> None:
    """Close a stream whose terminal may be gone."""
    try:
        stream.close()  # type: ignore[attr-defined]
    except OSError:
        return


def _is_tty(stream: object) -> bool:
    isatty = getattr(stream, "isatty", None)
    return bool(isatty and isatty())
