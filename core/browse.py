"""Finding a sound file by a path that somebody is typing."""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

SOUNDS = (".wav", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".aif", ".aiff", ".au", ".caf", ".w64")
"""How the names of files end that may be sound; others can be typed out all the same."""
_MOST = 500
"""Names that are offered of a folder."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One way to go on with a path."""

    path: str
    """The whole path as it would be typed, a folder with `/` at its end."""
    name: str
    is_folder: bool


@dataclass(frozen=True, slots=True)
class Offers:
    """What lies in the folder of a typed path and begins, or goes on, as its last part does."""

    offers: tuple[Offer, ...]
    trouble: str = ""
    """One line: why the folder cannot be looked into."""


def offers(typed: str) -> Offers:
    """Folders and sound files that a typed path may mean; those that begin so first, then by name.

    `~` is the home folder; what is relative is so to the present folder. Names with a dot in front are
    offered only when one is typed. Reads the folder: not for the thread that draws.
    """
    folder, part = _parted(_unquoted(typed))
    try:
        with os.scandir(Path(folder or ".").expanduser()) as entries:
            found = [offer for entry in entries if (offer := _offer(entry, folder, part)) is not None]
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return Offers((), f"{folder or '.'}: {reason.lower()}")
    wanted = part.casefold()
    found.sort(key=lambda o: (not o.name.casefold().startswith(wanted), not o.is_folder, o.name.casefold()))
    return Offers(tuple(found[:_MOST]))


def completed(typed: str, found: tuple[Offer, ...]) -> str:
    """A typed path with all that the offers that begin so have in common; as typed where nothing is."""
    folder, part = _parted(typed)
    fitting = [offer for offer in found if offer.name.casefold().startswith(part.casefold())]
    if not fitting:
        return typed
    if len(fitting) == 1:
        return fitting[0].path
    shared = 0
    for letters in zip(*(offer.name for offer in fitting), strict=False):
        if len({letter.casefold() for letter in letters}) > 1:
            break
        shared += 1
    return folder + fitting[0].name[:shared] if shared > len(part) else typed


def whole_path(typed: str) -> str:
    """The absolute path that is meant by a typed one; `~` stays where there is no such home."""
    path = Path(_unquoted(typed.strip()))
    with contextlib.suppress(RuntimeError):
        path = path.expanduser()
    return str(path.absolute())


def _unquoted(typed: str) -> str:
    """A path as it is meant: one dragged or pasted into a terminal often comes in quotes."""
    return typed[1:-1] if len(typed) > 1 and typed[0] in "'\"" and typed[-1] == typed[0] else typed


def _parted(typed: str) -> tuple[str, str]:
    """The folder as typed, with its `/`, and the beginning of a name in it."""
    if typed == "~":
        return "~/", ""
    cut = typed.rfind("/") + 1
    return typed[:cut], typed[cut:]


def _offer(entry: "os.DirEntry[str]", folder: str, part: str) -> Offer | None:
    name = entry.name
    if part.casefold() not in name.casefold() or not _is_typable(name):
        return None
    if name.startswith(".") is not part.startswith("."):
        return None
    try:
        is_folder = entry.is_dir()
    except OSError:
        return None
    if not is_folder and not name.casefold().endswith(SOUNDS):
        return None
    return Offer(folder + name + ("/" if is_folder else ""), name, is_folder)


def _is_typable(name: str) -> bool:
    """Whether a terminal can show the name and give it back: no stray bytes, no line ends."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return name.isprintable()
