"""A text edited in the person's own editor, with the terminal lent to it meanwhile."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from core.atomic import unwritable
from core.errors import SongdeskError

FALLBACKS = ("nano", "vi")
"""What is looked for where neither $VISUAL nor $EDITOR is set."""


def editor_command(environment: Mapping[str, str] = os.environ) -> list[str]:
    """The person's editor with its options; SongdeskError where there is none, or none that can be found."""
    for name in ("VISUAL", "EDITOR"):
        if environment.get(name, "").strip():
            return _found(_words(environment[name], f"${name}"), f"${name}", environment)
    for program in FALLBACKS:
        if shutil.which(program, path=environment.get("PATH")):
            return [program]
    raise SongdeskError("there is no editor here", hint="set VISUAL or EDITOR, or install nano")


def edit_outside(
    text: str,
    suspend: Callable[[], AbstractContextManager[None]],
    environment: Mapping[str, str] = os.environ,
) -> str:
    """Lend the terminal to an editor and return what it left of the text.

    Waits for its end. SongdeskError where there is none, it ends with an error, or what it left cannot be
    read, and is kept; textual's SuspendNotSupported where the terminal cannot be lent.
    """
    command = editor_command(environment)
    path = _written(text)
    given, left = _bytes(path), None
    try:
        # Textual does not come back when an exception leaves the block.
        with suspend():
            ended = _run([*command, str(path)])
        is_edited = _bytes(path) not in (given, None)
        left = _read(path, Path(command[0]).name, ended, hint=f"the edit is in {path}" if is_edited else "")
    finally:
        if left is not None or _bytes(path) in (given, None):
            shutil.rmtree(path.parent, ignore_errors=True)
    # Most editors end a file with a line end, whether it had one or not.
    return left if text.endswith("\n") else left.removesuffix("\n")


def _written(text: str) -> Path:
    """A file of its own with the text."""
    try:
        data = text.encode()
        path = Path(tempfile.mkdtemp(prefix="songdesk-")) / "lyrics.txt"
        path.write_bytes(data)
    except UnicodeEncodeError as error:
        raise SongdeskError("the lyrics hold half a character", hint="write the character itself") from error
    except OSError as error:
        raise unwritable(Path(error.filename or tempfile.gettempdir()), error) from error
    return path


def _run(command: list[str]) -> int | OSError:
    """Run a program on the real terminal: descriptors 1 and 2 may lead into the log."""
    screen = sys.__stderr__.fileno() if sys.__stderr__ is not None else 2
    try:
        process = subprocess.Popen(command, stdin=0, stdout=screen, stderr=screen)  # noqa: S603
    except OSError as error:
        return error
    with process, _deaf():
        return process.wait()


@contextmanager
def _deaf() -> Iterator[None]:
    """Leave to the editor what the terminal sends to both of us: Ctrl-C in it must not end the studio."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGQUIT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


def _read(path: Path, program: str, ended: int | OSError, *, hint: str) -> str:
    if isinstance(ended, OSError):
        raise SongdeskError(
            f"{program} cannot be started: {ended.strerror}", hint="set VISUAL or EDITOR to another"
        )
    if ended != 0:
        how = f"ended with code {ended}" if ended > 0 else f"was ended by signal {-ended}"
        raise SongdeskError(f"{program} {how}", hint=hint or "the lyrics are as they were before it")
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SongdeskError(
            f"what {program} left cannot be read",
            hint=f"{hint}: save it as UTF-8" if hint else "the lyrics are as they were",
        ) from error


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _words(line: str, where: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        raise SongdeskError(
            f"{line!r} is no command: {error}", where=where, hint="close its quotes"
        ) from error


def _found(command: list[str], where: str, environment: Mapping[str, str]) -> list[str]:
    if not shutil.which(command[0], path=environment.get("PATH")):
        raise SongdeskError(f"{command[0]} is not installed", where=where, hint="set it to another editor")
    return command
