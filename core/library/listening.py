"""The library's takes as a shelf to hear: sound inside the library and nothing else; no torch."""

import hashlib
import os
import stat
import threading
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path

from core.audio.listen.shelf import MEDIA, Card, Line, Part
from core.audio.peaks import Peaks, extended, measure
from core.audio.peaks import of as peaks_of
from core.audio.stems import sounds_of
from core.errors import SongdeskError
from core.family import family_of
from core.library.scan import Key, key_of
from core.library.store import Store
from core.lyrics.parse import Lyrics, Section, parse
from core.meter import State
from core.sections import SectionStart
from core.takes.job import AHEAD, PREVIEW, STEM_SUFFIXES, stem_file
from core.takes.recipe import load as load_recipe
from core.takes.take import Take

_KEPT = 8
"""Growing sounds whose outline is remembered."""


class LibraryShelf:
    """Every take of one library that there is something to hear of; any thread may ask."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._takes: Mapping[str, Take] = {}
        self._version = -1
        self._seen: dict[str, tuple[Take, int, Card]] = {}
        """By id how a take stood, when its folder was written last (ns), and its card as it was then."""
        self._outlines: dict[tuple[Path, int], Peaks] = {}

    def version(self) -> int:
        """Another number whenever the takes are others, or stand otherwise."""
        return self._store.version()

    def cards(self) -> Sequence[Card]:
        """Every take with sound, the newest first; raises SongdeskError when the library cannot be read.

        Of a take that is as it was at the last call nothing but its folder's time is looked at.
        """
        cards = [self._card(id_, take) for id_, take in self._known().items()]
        return tuple(card for card in cards if card.stems)

    def card(self, id: str) -> Card | None:  # noqa: A002
        """One of them; None for an id that is none."""
        take = self._take(id)
        return self._card(id, take) if take is not None else None

    def sound(self, id: str, stem: str) -> Path | None:  # noqa: A002
        """The finished sound of a stem, with links in its path resolved; None unless it is in the library."""
        take = self._take(id)
        return self._finished(take).get(stem) if take is not None else None

    def growing(self, id: str, stem: str) -> Path | None:  # noqa: A002
        """The sound of a stem so far as it is made, while it is being made."""
        take = self._take(id)
        return self._growing(take).get(stem) if take is not None else None

    def peaks(self, id: str, stem: str) -> Peaks | None:  # noqa: A002
        """The outline of a stem, finished or growing; raises SongdeskError where it cannot be read."""
        sound = self.sound(id, stem)
        if sound is not None:
            try:
                return peaks_of(sound)
            except SongdeskError:  # also where it cannot be kept
                return measure(sound)
        file = self.growing(id, stem)
        return self._extended(file) if file is not None else None

    def parts(self, id: str) -> Sequence[Part]:  # noqa: A002
        """The lyrics by section, with where these seem to begin; where a line is sung nobody knows."""
        take = self._take(id)
        recipe = load_recipe(take.folder) if take is not None else None
        if take is None or recipe is None:
            return ()
        lyrics = parse(str(recipe.song.get("lyrics", "")))
        starts = _starts(take, recipe.model, lyrics)
        return tuple(_part(*pair) for pair in zip_longest(lyrics.sections, starts))

    def place_of(self, file: Path) -> tuple[str, str] | None:
        """Which take (its id) and stem a file is; None for any that is in no take's folder.

        Told by its path alone, so also of a take that has just been begun.
        """
        id_ = self._id_of(file.parent)
        if id_ is None or file.suffix.lower() not in MEDIA:
            return None
        ends = ((stem, suffix) for stem, suffix in STEM_SUFFIXES.items() if suffix)
        stem = next((stem for stem, suffix in ends if file.stem.endswith(suffix)), "mix")
        return id_, stem

    def id_of(self, take: Take) -> str | None:
        """The id of a take; None for one that was thrown away, or is not of this library."""
        return self._id_of(take.folder)

    def _id_of(self, folder: Path) -> str | None:
        key = key_of(folder.absolute(), self._store.root.absolute())
        return _id(key) if key is not None and key.place == "takes" else None

    def _take(self, id: str) -> Take | None:  # noqa: A002
        return self._known().get(id)

    def _known(self) -> Mapping[str, Take]:
        """Every take that is not thrown away by its id, as the index has them now."""
        with self._lock:
            version = self._store.version()
            if version != self._version:
                named = ((self.id_of(take), take) for take in self._store.takes())
                self._takes = {id_: take for id_, take in named if id_ is not None}
                self._seen = {id_: seen for id_, seen in self._seen.items() if id_ in self._takes}
                self._version = version
            return self._takes

    def _card(self, id: str, take: Take) -> Card:  # noqa: A002
        """Its card; of one that is being made at every look, of any other when it changed."""
        if take.state == State.RUNNING.value:
            return self._looked_up(id, take)
        written, seen = _written(take.folder), self._seen.get(id)
        if seen is not None and seen[:2] == (take, written):
            return seen[2]
        card = self._looked_up(id, take)
        self._seen[id] = take, written, card
        return card

    def _looked_up(self, id: str, take: Take) -> Card:  # noqa: A002
        finished, growing = self._finished(take), self._growing(take)
        seconds = _length(growing) if growing else take.seconds
        return Card(
            id=id,
            song=take.home.name,
            title=take.title,
            name=take.id,
            state=take.state,
            seconds=seconds,
            star=take.star,
            stems=tuple(growing or finished),
            grows=bool(growing),
        )

    def _finished(self, take: Take) -> Mapping[str, Path]:
        return self._inside(sounds_of(take.audio)) if take.audio is not None else {}

    def _growing(self, take: Take) -> Mapping[str, Path]:
        if take.state != State.RUNNING.value:
            return {}
        ahead, after = (
            self._inside({stem: stem_file(take.folder / name, stem) for stem in STEM_SUFFIXES})
            for name in (AHEAD, PREVIEW)
        )
        both = {stem: [kind[stem] for kind in (after, ahead) if stem in kind] for stem in STEM_SUFFIXES}
        return {stem: max(files, key=_size) for stem, files in both.items() if files}

    def _inside(self, sounds: Mapping[str, Path]) -> dict[str, Path]:
        """Those that are regular files in a take's folder of this library, wherever links in them lead."""
        root = Path(os.path.realpath(self._store.root))
        found = {stem: Path(os.path.realpath(file)) for stem, file in sounds.items()}
        return {stem: file for stem, file in found.items() if _is_sound(file) and key_of(file.parent, root)}

    def _extended(self, file: Path) -> Peaks | None:
        """The outline of a file that grows, of which only what is new is read."""
        from core.audio.files import info

        try:
            key = file, file.stat().st_ino
            length = info(file).seconds
            with self._lock:
                before = self._outlines.get(key)
            # One that was begun anew is another file, or a shorter one.
            now = extended(file, before if before is not None and before.seconds <= length else None)
        except (SongdeskError, OSError):  # it was finished this moment
            return None
        with self._lock:
            self._outlines = dict([*self._outlines.items(), (key, now)][-_KEPT:])
        return now


def _id(key: Key) -> str:
    """An id that no two takes of a library share, and that leads to no path."""
    return hashlib.sha256(key.song + b"/" + key.id).hexdigest()[:16]


def _is_sound(file: Path) -> bool:
    try:
        return file.suffix.lower() in MEDIA and stat.S_ISREG(file.lstat().st_mode)
    except (OSError, ValueError):
        return False


def _written(folder: Path) -> int:
    """When a file came to a folder last, or left it (ns); 0 where that cannot be told."""
    try:
        return os.stat(folder).st_mtime_ns  # noqa: PTH116 - thousands, at every list
    except OSError:
        return 0


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _length(sounds: Mapping[str, Path]) -> float | None:
    from core.audio.files import info

    try:
        return info(next(iter(sounds.values()))).seconds
    except SongdeskError:
        return None


def _part(section: Section, start: SectionStart | None) -> Part:
    lines = tuple(Line(line.text) for line in section.lines)
    if start is None:
        return Part(section.tag, None, None, lines)
    return Part(section.tag, start.seconds, start.how, lines)


def _starts(take: Take, model: str, lyrics: Lyrics) -> Sequence[SectionStart]:
    """Where sections begin; nowhere in a take that was broken off: nobody knows how far into them it came."""
    if take.state != State.DONE.value or not take.seconds:
        return ()
    try:
        kind, chosen = family_of(model)
        return kind.section_starts(chosen, take.folder, lyrics, take.seconds)
    except SongdeskError:
        return ()
