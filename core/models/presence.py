"""What is here of a model's weights, and what is still to be fetched; no torch."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from core.checkpoints import find_role
from core.family import family
from core.paths import checkpoints, qwen2
from core.registry import PublishedFile, Variant

BUILT_IN = "built in"
VOCABULARY = "vocabulary"
"""What the files that are kept as they are stand for among the things that are missing."""
_QWEN2 = "qwen2/"
"""Where the vocabulary is kept; it may be told to be elsewhere."""


@dataclass(frozen=True, slots=True)
class Presence:
    """What is here of a model, and what is not."""

    state: str
    """`built in`, `here`, `partly` or `not here`: as far as every song needs it."""
    here: tuple[str, ...] = ()
    """Roles whose weights are here."""
    needed: tuple[str, ...] = ()
    """What every song needs and is not here: roles, and the vocabulary."""
    extras: tuple[str, ...] = ()
    """Roles that songs with a reference need besides, and that are not here."""
    bytes: int = 0
    """On disk, with what it shares with other models."""
    has_vocabulary: bool = True
    """Whether the words can be read; so it is where a model brings words of its own."""
    to_fetch: tuple[PublishedFile, ...] = ()
    """Files that must be fetched before every kind of song can be made."""

    @property
    def usable(self) -> bool:
        """Whether a song without a reference can be made."""
        return not self.needed

    @property
    def fetch_bytes(self) -> int:
        """What there is still to fetch of what a hub has, as far as its size is known."""
        return sum(size_of(file) for file in self.to_fetch if file.repo)

    @property
    def missing(self) -> tuple[str, ...]:
        """All that is not here."""
        return (*self.needed, *self.extras)

    @property
    def words(self) -> str:
        """How it stands, in words."""
        if self.state == "here" and self.extras:
            return f"here, without reference audio: {_listed(self.extras)}"
        if self.state == "partly":
            return f"partly, without {_listed(self.needed)}"
        return self.state

    @property
    def brief(self) -> str:
        """The same in few letters."""
        if self.state == "here" and self.extras:
            return "here, no refs"
        return self.state


def presence_of(chosen: Variant) -> Presence:
    """Look at the disk, and at nothing else."""
    stages = family(chosen.family).stages
    needed = dict.fromkeys(role for stage in stages for role in stage.roles)
    led_by = (role for stage in stages for roles in stage.extras.values() for role in roles)
    extras = dict.fromkeys(role for role in led_by if role not in needed)
    found = {role: path for role in (*needed, *extras) if (path := find_role(chosen, role)) is not None}
    kept = {file: kept_at(file) for file in chosen.files if file.keep_as}
    sizes = _bytes((*found.values(), *kept.values()))
    if chosen.weights == "rule":
        return Presence(BUILT_IN, tuple(found), bytes=sizes)
    has_vocabulary = all(path.is_file() for path in kept.values())
    lacks = tuple(role for role in needed if role not in found) + (VOCABULARY,) * (not has_vocabulary)
    is_begun = any(role in found for role in (*needed, *extras))
    return Presence(
        state="here" if not lacks else "partly" if is_begun else "not here",
        here=tuple(found),
        needed=lacks,
        extras=tuple(role for role in extras if role not in found),
        bytes=sizes,
        has_vocabulary=has_vocabulary,
        to_fetch=tuple(file for file in chosen.files if not _is_done(file, found, kept)),
    )


def kept_at(file: PublishedFile) -> Path:
    """Where a file is that is kept as it is."""
    if file.keep_as.startswith(_QWEN2):
        return qwen2() / file.keep_as.removeprefix(_QWEN2)
    return checkpoints() / file.keep_as


def size_of(file: PublishedFile) -> int:
    """Its bytes, exactly or about; 0 where nobody knows."""
    return file.bytes if file.bytes is not None else file.about


def gigabytes(count: int) -> str:
    """Bytes of a file for people, as `12.9 GB`."""
    if count >= 10**8:
        return f"{count / 10**9:.1f} GB"
    return f"{count / 10**6:.0f} MB" if count >= 10**6 else f"{count / 10**3:.0f} kB"


def _is_done(file: PublishedFile, found: dict[str, Path], kept: dict[PublishedFile, Path]) -> bool:
    if file in kept:
        return kept[file].is_file()
    return all(role in found for role in file.roles)


def _bytes(paths: Iterable[Path]) -> int:
    total = 0
    for path in paths:
        try:
            total += path.stat().st_size
        except OSError:
            continue
    return total


def _listed(roles: tuple[str, ...]) -> str:
    return ", ".join(role.replace("_", " ") for role in roles)
