"""What must hold after every accident, and what must hold at the end."""

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from core.digest import sha256_of
from core.levo.artifacts import Tokens
from core.library.queue import items
from core.library.store import open_store
from core.takes import recipe as recipes
from core.takes.journal import FILE as JOURNAL
from core.takes.journal import read_journal
from core.takes.recipe import Recipe
from core.takes.take import take_of
from tests.crash.trips import Trip
from tests.crash.workplace import Ran, Workplace

SECOND = 25
"""Frames that a crash may cost."""
PREFILLS = 2
"""Steps of a pass that make no tokens: the prefix is taken in, and what is known behind it."""
UNFINISHED = {"queued", "interrupted", "paused", "failed"}
ENDED = {"done", "stopped", "draft"}
RUN = ("queue", "run")
CONTINUE = ("continue", "--all")
Books = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Made:
    """A take that nothing befell."""

    codes: Books
    recipe: Recipe
    hashes: Mapping[str, str]
    """Of what the artifacts hold, by name."""

    @classmethod
    def of(cls, folder: Path) -> "Made":
        """From its folder."""
        recipe = recipe_in(folder)
        assert recipe.finished
        return cls(_codes(folder), recipe, _artifacts(folder))


@dataclass(frozen=True, slots=True)
class Truth:
    """What a songdesk makes in a workplace when nothing befalls it."""

    takes: Mapping[str, Made]
    files: frozenset[str]
    """Of the whole workplace."""
    counts: Mapping[str, int]
    """How often each event came to pass."""

    @classmethod
    def of(cls, place: Workplace) -> "Truth":
        """From a workplace in which everything has been made."""
        takes = {folder.name: Made.of(folder) for folder in place.takes()}
        return cls(takes, frozenset(place.files()), place.runs[-1].counts)


@dataclass(slots=True)
class Seen:
    """What was there after the last accident, and must be there after the next one."""

    journal: dict[Path, int] = field(default_factory=dict)
    """By take, how many steps of composing are on disk."""
    stages: dict[Path, dict[str, str]] = field(default_factory=dict)
    """By take, the hash of each finished stage's file."""


class Trial:
    """A workplace in which one thing after the other befalls songdesks, judged after each."""

    def __init__(self, place: Workplace, truth: Truth, scratch: Path) -> None:
        self.place, self.truth = place, truth
        self.kills = 0
        self._scratch = scratch
        self._seen = Seen()
        self._begun = {folder: self._steps(folder) for folder in place.takes()}

    def strike(self, *args: str, trip: Trip | None = None, after: float | None = None, torn: int = 0) -> Ran:
        """Run one that something befalls, and look at what is left; `torn` damages the journal besides."""
        ran = self.place.run(*args, trip=trip, after=after)
        self.kills += ran.was_killed
        for folder in self.place.takes() if torn else ():
            tear(folder, torn)
        for folder in self.place.takes():
            self._judge_take(folder, ran, is_torn=bool(torn))
        judge_index(self.place, self._scratch)
        return ran

    def settle(self, *args: str) -> None:
        """Run one that puts a song into the queue, and look whether that leaves no trace of those killed."""
        ran = self.place.run(*args)
        assert ran.status == 0, ran.said
        assert self.place.temporaries() == []
        of_takes = {name for name in self.place.files() if "takes" in name or "lyrics" in name}
        assert of_takes == {"songs/boats/lyrics.txt", "songs/boats/takes/*/recipe.json"}
        judge_index(self.place, self._scratch)

    def end(self, *args: str) -> Ran:
        """Run one that is left alone, and look whether it makes all good."""
        ran = self.place.run(*args)
        assert ran.status == 0, ran.said
        assert ran.counts["tokens"] <= self._left() + PREFILLS, "what was there has been made anew"
        folders = list(self.place.takes())
        assert {folder.name for folder in folders} == set(self.truth.takes)
        for folder in folders:
            recipe, made = recipe_in(folder), self.truth.takes[folder.name]
            assert recipe.finished, f"{recipe.state} {recipe.error}\n{ran.said}"
            _judge_sound(folder, recipe, made)
            assert _codes(folder) == made.codes
        assert self.place.temporaries() == []
        assert self.place.files() == self.truth.files
        judge_index(self.place, self._scratch)
        return ran

    def way_on(self, turn: int) -> tuple[str, ...]:
        """One or the other command that makes all that was begun; `continue` is for what was begun only."""
        takes = [take for folder in self.place.takes() if (take := take_of(folder)) is not None]
        return CONTINUE if turn % 2 and not any(take.state == "queued" for take in takes) else RUN

    def _left(self) -> int:
        """Steps of composing that are still to be done; the journal also has what a take begins with."""
        done = 0
        for folder, steps in self._seen.journal.items():
            kin = self.truth.takes[folder.name].recipe.kin
            done += max(0, steps - max(self._begun.get(folder, 0), round(kin.seconds * SECOND) if kin else 0))
        return self.truth.counts["tokens"] - done

    def _steps(self, folder: Path) -> int:
        """Steps of composing that the journal of a take has; with two passes a frame takes two."""
        written = read_journal(folder / JOURNAL)
        if written is None or not written.books:
            return 0
        main, sub, _ = map(len, written.books)
        return main + sub if written.schedule.startswith("two-pass") else main

    def _judge_take(self, folder: Path, ran: Ran, *, is_torn: bool) -> None:
        """Check a take, and note what is there of it."""
        if self._is_unborn(folder):
            return
        take, recipe = take_of(folder), recipe_in(folder)
        assert take is not None
        assert take.state in UNFINISHED | ENDED, f"{take.state}\n{ran.said}"
        made = self.truth.takes.get(folder.name)
        if made is None:  # nothing is to be made of it
            assert take.state == "queued"
            return
        self._judge_stages(folder, made)
        if recipe.finished:
            _judge_sound(folder, recipe, made)
        elif take.state not in ENDED:
            before = self._seen.journal.get(folder, 0)
            kept = self._judge_journal(folder, made, is_torn=is_torn)
            if not is_torn and not (folder / "tokens.safetensors").exists() and take.state != "queued":
                prefills = PREFILLS * (2 if made.recipe.schedule.startswith("two-pass") else 1)
                assert kept >= before + ran.counts["tokens"] - SECOND - prefills, "more than a second is lost"

    def _is_unborn(self, folder: Path) -> bool:
        """Whether a render made a folder and no more; in the library a take appears with its recipe."""
        is_rendered = not folder.is_relative_to(self.place.library)
        return is_rendered and folder not in self._seen.stages and recipes.load(folder) is None

    def _judge_stages(self, folder: Path, made: Made) -> None:
        """What is there under its final name is whole, and what was finished stays."""
        present = _artifacts(folder)
        for name, found in present.items():
            assert found == made.hashes[name], f"{name} differs from that of an unbroken run"
        before = self._seen.stages.setdefault(folder, {})
        assert before.items() <= present.items(), "a finished stage is lost"
        before.update(present)

    def _judge_journal(self, folder: Path, made: Made, *, is_torn: bool) -> int:
        """The journal holds the beginning of what an unbroken run makes; gives how much of it."""
        path = folder / JOURNAL
        written = read_journal(path)
        assert written is not None or not path.exists(), "the journal cannot be read"
        for codes, whole in zip(written.books, made.codes, strict=True) if written and written.books else ():
            assert codes == whole[: len(codes)], "the journal has other tokens than an unbroken run"
        kept = self._steps(folder)
        if (folder / "tokens.safetensors").exists():
            kept = len(made.codes[0]) * (2 if made.recipe.schedule.startswith("two-pass") else 1)
        assert is_torn or kept >= self._seen.journal.get(folder, 0), "written tokens are lost"
        self._seen.journal[folder] = kept
        return kept


def judge_index(place: Workplace, scratch: Path) -> None:
    """Check in a copy of the library that its index agrees with its folders, and with one made anew."""
    if scratch.exists():
        shutil.rmtree(scratch)
    if not place.library.exists():
        return
    shutil.copytree(place.library, scratch)
    with closing(open_store(scratch)) as store:
        store.sync()
        before, queued = store.takes(), [item.take.id for item in items(store)]
        assert {take.folder for take in before} == {
            scratch / folder.relative_to(place.library)
            for folder in place.takes()
            if folder.is_relative_to(place.library)
        }
        unfinished = [take.id for take in before if take.state in UNFINISHED]
        assert sorted(queued) == sorted(unfinished)
        assert store.rebuild() == len(before)
        assert store.takes() == before
        assert [item.take.id for item in items(store)] == queued
    with closing(sqlite3.connect(scratch / ".songdesk" / "library.db")) as index:
        assert index.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def tear(folder: Path, how: int) -> None:
    """Damage the end of a take's journal as a power cut may: cut, zeros or noise."""
    path = folder / JOURNAL
    if not path.exists():
        return
    data = path.read_bytes()
    head = data.index(b"\n") + 1
    behind = head + 9 + int.from_bytes(data[head + 1 : head + 5], "little")
    cut = max(behind, len(data) - 1 - how % 300)
    tail = (b"", bytes(how % 50), bytes(how * i % 251 for i in range(40)))[how % 3]
    path.write_bytes(data[:cut] + tail)


def recipe_in(folder: Path) -> Recipe:
    """The recipe of a take, which must be there."""
    recipe = recipes.load(folder)
    assert recipe is not None, f"no recipe: {sorted(str(path) for path in folder.iterdir())}"
    return recipe


def _judge_sound(folder: Path, recipe: Recipe, made: Made) -> None:
    """The sound is there, whole, and that of a run which nothing befell."""
    assert (recipe.tokens, recipe.samples) == (made.recipe.tokens, made.recipe.samples)
    assert recipe.tokens
    assert recipe.samples
    assert all(seam.is_exact for seam in recipe.seams)
    for name in recipe.sounds:
        sound = next(path for path in (folder / name, folder.with_name(name)) if path.exists())
        assert recipe.files[name] == sha256_of(sound)


def _codes(folder: Path) -> Books:
    return tuple(map(tuple, Tokens.load(folder / "tokens.safetensors").codes.tolist()))


def _artifacts(folder: Path) -> dict[str, str]:
    """The hash of what each finished stage left; a draft's and what was made ahead are not for long."""
    passing = ("draft-", "ahead")
    found = (path for path in folder.glob("*.safetensors") if not path.name.startswith(passing))
    return {path.name: _content(path) for path in found}


def _content(path: Path) -> str:
    """The hash of what an artifact holds; its metadata stand in no order."""
    data = path.read_bytes()
    end = 8 + int.from_bytes(data[:8], "little")
    head = json.dumps(json.loads(data[8:end]), sort_keys=True)
    return hashlib.sha256(head.encode() + data[end:]).hexdigest()
