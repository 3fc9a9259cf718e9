"""What is here of a model's weights, and what is still to be fetched; no torch."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from core.checkpoints import find_role
from core.family import family
from core.models.places import part_path, source_path
from core.paths import checkpoints, qwen2
from core.registry import PublishedFile, Variant
from core.shipped import fault_of, mending
from core.sizes import gigabytes

BUILT_IN = "built in"
DAMAGED = "damaged"
VOCABULARY = "vocabulary"
"""What the files that are kept as they are stand for among the things that are missing."""
_QWEN2 = "qwen2/"
"""Where the vocabulary is kept; it may be told to be elsewhere."""


@dataclass(frozen=True, slots=True)
class Presence:
    """What is here of a model, and what is not."""

    state: str
    """`built in`, `damaged` (what is built in), `here`, `partly`, `begun` (nothing but bytes on their way) or
    `not here`.
    """
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
    there: int = 0
    """Bytes that came already of those that a hub has."""

    @property
    def usable(self) -> bool:
        """Whether a song without a reference can be made."""
        return not self.needed

    @property
    def fetch_bytes(self) -> int:
        """Bytes of what is to be fetched from a hub, `there` among them, as far as sizes are known."""
        return sum(size_of(file) for file in self.to_fetch if file.repo)

    @property
    def by_hand(self) -> tuple[PublishedFile, ...]:
        """Those of `to_fetch` that no hub has."""
        return tuple(file for file in self.to_fetch if not file.repo)

    @property
    def still(self) -> str:
        """What there is to fetch, in words; empty for nothing."""
        if not self.fetch_bytes:
            return ""
        if not self.there:
            return f"{gigabytes(self.fetch_bytes)} to fetch"
        there, whole = gigabytes(self.there), gigabytes(self.fetch_bytes)
        return f"{there.removesuffix(' GB') if whole.endswith('GB') else there} of {whole} there"

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
        if self.state == DAMAGED:
            return f"damaged, without {_listed(self.missing)}: {mending()}"
        return f"begun, {self.still}" if self.state == "begun" else self.state

    @property
    def brief(self) -> str:
        """The same in few letters."""
        if self.state == "here" and self.extras:
            return "here, no refs"
        if self.state == "begun" and self.fetch_bytes:
            return f"begun, {100 * self.there // self.fetch_bytes} %"
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
    if chosen.weights == "shipped":
        return _shipped(chosen, tuple(needed), tuple(extras), sizes)
    has_vocabulary = all(path.is_file() for path in kept.values())
    lacks = tuple(role for role in needed if role not in found) + (VOCABULARY,) * (not has_vocabulary)
    to_fetch = tuple(file for file in chosen.files if not _is_done(file, found, kept))
    there = sum(came_of(file) for file in to_fetch if file.repo)
    state = "here" if not lacks else "partly" if found else "begun" if there else "not here"
    return Presence(
        state=state,
        here=tuple(found),
        needed=lacks,
        extras=tuple(role for role in extras if role not in found),
        bytes=sizes,
        has_vocabulary=has_vocabulary,
        to_fetch=to_fetch,
        there=there,
    )


def _shipped(chosen: Variant, needed: tuple[str, ...], extras: tuple[str, ...], sizes: int) -> Presence:
    """Weights that come with songdesk count where they have the size that they were sent with."""
    broken = {role for role in (*needed, *extras) if fault_of(chosen, role)}
    return Presence(
        DAMAGED if broken else BUILT_IN,
        tuple(role for role in (*needed, *extras) if role not in broken),
        needed=tuple(role for role in needed if role in broken),
        extras=tuple(role for role in extras if role in broken),
        bytes=sizes,
    )


def kept_at(file: PublishedFile) -> Path:
    """Where a file is that is kept as it is."""
    if file.keep_as.startswith(_QWEN2):
        return qwen2() / file.keep_as.removeprefix(_QWEN2)
    return checkpoints() / file.keep_as


def came_of(file: PublishedFile) -> int:
    """Bytes that came of a file that is fetched: all where it is whole and waits to be converted."""
    for path in (source_path(file), part_path(file)):
        try:
            return path.stat().st_size
        except OSError:
            continue
    return 0


def size_of(file: PublishedFile) -> int:
    """Its bytes, exactly or about; 0 where nobody knows."""
    return file.bytes if file.bytes is not None else file.about


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
