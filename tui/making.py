"""The takes of the open song: as the library tells of them, and what the studio alone knows of its runs."""

from dataclasses import replace
from pathlib import Path

from core.errors import SongdeskError
from core.family import family_of
from core.library.store import Store
from core.lyrics.parse import parse
from core.meter import Meter, State
from core.settings import shown
from core.takes.automation import Lane, lanes_of
from core.takes.job import Job, KnobChange, Outcome
from core.takes.journal import FILE as JOURNAL
from core.takes.journal import read_journal
from core.takes.recipe import Recipe
from core.takes.recipe import begin as begin_recipe
from core.takes.recipe import load as load_recipe
from core.takes.take import Take, take_of, takes_of
from tui.widgets.bars import clock
from tui.widgets.take_rows import row_of
from tui.widgets.takes_list import TakeRow

_MADE = (State.DONE, State.STOPPED, State.DRAFT)


class Making:
    """What there is of takes in one song, and the one that is made here. Only `read` touches the disk."""

    def __init__(self, store: Store | None) -> None:
        self.store = store
        """The library's index; None where it cannot be used."""
        self.home = Path()
        self.takes: tuple[Take, ...] = ()
        """Those of the song, the newest first."""
        self.trashed: tuple[Take, ...] = ()
        self.job: Job | None = None
        """What is made here now; it may belong to another song."""
        self._recipe: Recipe | None = None
        """Its recipe as far as it is known, with the knobs turned so far."""
        self._words = ""
        self._told: dict[str, str] = {}
        """What was learned of takes when their runs ended here."""
        self._sounds: dict[str, Path] = {}
        self._changes = 0

    def show(self, home: Path, takes: tuple[Take, ...], trashed: tuple[Take, ...]) -> None:
        """Go over to the takes of another song, which were read."""
        self.home, self.takes, self.trashed = home, takes, trashed
        self._told, self._sounds = {}, {}
        self._changes += 1

    def read(self) -> None:
        """Take in what the library says now; SongdeskError where it cannot be read. From any thread."""
        while True:
            before, home = self._changes, self.home
            found = takes_in(home, self.store)
            if before == self._changes:  # else a run began or ended meanwhile, of which this does not know
                self.takes, self.trashed = found
                return

    def add(self, *jobs: Job) -> None:
        """List takes of the song that were asked for just now; those that are listed keep their place."""
        here = (take_of(job.folder) for job in jobs if self._is_here(job))
        found = {take.id: take for take in here if take is not None}
        known = [found.pop(take.id, take) for take in self.takes]
        self.takes = (*reversed(found.values()), *known)
        self._changes += 1

    def began(self, job: Job, recipe: Recipe) -> None:
        """A take is made here from now on."""
        self.job, self._recipe, self._words = job, recipe, "composing"
        self._told.pop(job.id, None)
        self._sounds.pop(job.id, None)

    @property
    def is_of_the_song(self) -> bool:
        """Whether what is made here is a take of the open song."""
        return self.job is not None and self._is_here(self.job)

    def mark(self, words: str) -> None:
        """Say how the take stands that is made here."""
        self._words = words

    def ended(self, outcome: Outcome) -> None:
        """Take in how a run ended; of one of another song nothing is kept."""
        job, knobs = outcome.job, ""
        if self.job is not None and self.job.folder == job.folder:
            knobs = self._knobs()
            self.job = self._recipe = None
        if not self._is_here(job):
            return
        made = outcome.state in _MADE
        facts = (f"made in {outcome.took:.0f} s", knobs, *outcome.notes) if made else (knobs,)
        if outcome.error is None and any(facts):
            self._told[job.id] = "; ".join(fact for fact in facts if fact)
        if made and outcome.file is not None:
            self._sounds[job.id] = outcome.file
        self.takes = tuple(_ended(take, outcome) if take.id == job.id else take for take in self.takes)
        self._changes += 1

    @property
    def rows(self) -> tuple[TakeRow, ...]:
        """The takes in the order they stand in, with what is known here put over them."""
        return tuple(self._row(take) for take in self.takes)

    def _row(self, take: Take) -> TakeRow:
        row = row_of(take)
        if self.job is not None and self.job.id == take.id and self._is_here(self.job):
            return replace(row, state_text=self._words, detail=self._knobs())
        return replace(row, detail=self._told.get(take.id, row.detail))

    def take(self, id: str) -> Take | None:  # noqa: A002
        """A take of the song by its id."""
        return next((take for take in (*self.takes, *self.trashed) if take.id == id), None)

    def sound_of(self, id: str) -> Path | None:  # noqa: A002
        """A take's sound, where it has one."""
        take = self.take(id)
        return self._sounds.get(id) or (take.audio if take is not None else None)

    def marks(self, id: str, seconds: float) -> tuple[tuple[float, str], ...]:  # noqa: A002
        """Where sections seem to begin in a take of that length (s), marked as a guess; reads its folder.

        Nowhere in a take that was broken off: nobody knows how far into the lyrics it came.
        """
        take = self.take(id)
        recipe = load_recipe(take.folder) if take is not None and take.state == State.DONE.value else None
        if take is None or recipe is None:
            return ()
        try:
            kind, chosen = family_of(recipe.model)
        except SongdeskError:
            return ()
        lyrics = parse(str(recipe.song.get("lyrics", "")))
        starts = kind.section_starts(chosen, take.folder, lyrics, seconds)
        return tuple((start.seconds, f"~{start.tag}") for start in starts)

    # Knobs

    def turned(self, knob: KnobChange) -> None:
        """Note that a knob was turned in what is made here."""
        if self._recipe is not None:
            self._recipe = replace(self._recipe, knobs=(*self._recipe.knobs, knob))

    def lanes_made(self, id: str) -> tuple[Lane, ...]:  # noqa: A002
        """How knobs were turned so far in a take, if it is made here."""
        if self._recipe is None or self.job is None or self.job.id != id:
            return ()
        return lanes_of(self._recipe)

    def lanes(self, id: str) -> tuple[Lane, ...]:  # noqa: A002
        """How knobs were turned in a take; reads its recipe, unless it is made here."""
        if self.job is not None and self.job.id == id:
            return self.lanes_made(id)
        take = self.take(id)
        recipe = load_recipe(take.folder) if take is not None else None
        return lanes_of(recipe) if recipe is not None else ()

    def lane_axis(self, meter: Meter) -> tuple[float, float | None]:
        """The length of the song being made (s), and how far it is composed (s): None once it is whole."""
        recipe = self._recipe
        if recipe is None or self.job is None or self.job.id != meter.job:
            return meter.seconds, None
        kind, chosen = family_of(recipe.model)
        stage = next((s for s in kind.stages if s.phase == meter.phase), None)
        if stage is None or stage.writes != "tokens":
            return meter.seconds, None
        return meter.seconds, kind.heard_from(chosen, recipe, KnobChange(stage.id, meter.done, "", 0))

    def _knobs(self) -> str:
        lanes = lanes_of(self._recipe) if self._recipe is not None else ()
        at = {lane.key: f" at {clock(lane.turned_at)}" if lane.turned_at else "" for lane in lanes}
        return ", ".join(f"{lane.key} {shown(lane.last)}{at[lane.key]}" for lane in lanes)

    def _is_here(self, job: Job) -> bool:
        return job.folder.parent.parent == self.home


def takes_in(home: Path, store: Store | None = None) -> tuple[tuple[Take, ...], tuple[Take, ...]]:
    """The takes of a song and those in its trash, the newest first; without a store from the folders."""
    if store is not None:
        return store.takes(home), store.takes(home, trashed=True)
    try:
        bin_folders = sorted((home / "trash").iterdir(), reverse=True)
    except OSError:
        bin_folders = []
    found = (take_of(folder) for folder in bin_folders if folder.is_dir())
    return takes_of(home), tuple(take for take in found if take is not None)


def recipe_so_far(job: Job) -> Recipe:
    """The recipe of a job about to run, with the knobs that its earlier runs turned. Reads its folder."""
    earlier, written = load_recipe(job.folder), read_journal(job.folder / JOURNAL)
    knobs = earlier.knobs if earlier is not None else ()
    if written is not None:  # it is nearer to the end than the recipe, and of composing alone
        composes = _composes(job.model)
        knobs = (*(knob for knob in knobs if knob.stage != composes), *written.knobs, *written.tail)
    return replace(begin_recipe(job, {}), knobs=knobs)


def _composes(model: str) -> str:
    """The stage that makes a model's tokens."""
    return next(stage.id for stage in family_of(model)[0].stages if stage.writes == "tokens")


def _ended(take: Take, outcome: Outcome) -> Take:
    made = outcome.state in _MADE
    return replace(
        take,
        state=outcome.state.value,
        seconds=outcome.seconds if made else take.seconds,
        audio=(outcome.file if made else None) or take.audio,
        trouble=str(outcome.error) if outcome.error is not None else "",
    )
