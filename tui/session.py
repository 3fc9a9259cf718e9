"""The open song with its model, its settings in force and its takes: the studio without its screen."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path

from core.automation import Lane, lanes_of
from core.config import Config
from core.engine import Plan
from core.errors import SongdeskError
from core.family import family_of, resolve_for
from core.job import Job, KnobChange, Outcome
from core.lyrics.budget import Budget, budget, tokens_of
from core.lyrics.parse import Lyrics, parse
from core.lyrics.wire import to_wire
from core.meter import Meter, State
from core.paths import library, sample_file
from core.recipe import Recipe
from core.recipe import begin as begin_recipe
from core.recipe import load as load_recipe
from core.review import Finding, errors, review
from core.settings import Live, Override, Value, Values, shown
from core.shelf import rename, songs
from core.song import Reference, Song
from core.songfile import read_songs
from core.takes import Take, has_songs, home_of, new_job
from tui.open_files import OpenFiles
from tui.opening import Opening, Outside, look_outside, prepare, prepare_from
from tui.widgets.bars import clock
from tui.widgets.takes_list import TakeRow

SAMPLE = "paper-boats.jsonl"
"""The song of a first start."""
SAME = "as it is"
"""A reference that is not to be changed: None stands for a song without one."""
NEW_LYRICS = "[verse]\n\n\n[chorus]\n\n"
"""What a new song starts with."""


class Session:
    """One song at a time; every change to it is made here."""

    def __init__(self, config: Config) -> None:
        self.kind, self.chosen = family_of(config.model)
        self.settings = self.kind.settings(self.chosen)
        self.song = Song("untitled", NEW_LYRICS, "")
        self.home = home_of(self.song.title)
        self._base = (Override(config.settings, "songdesk.yaml: settings"),)
        self._device = config.device
        self.values = resolve_for(self.kind, self.chosen, self._base)
        self._rows: dict[str, TakeRow] = {}
        self._audio: dict[str, Path] = {}
        self._jobs: dict[str, Job] = {}
        self._turned: dict[str, Recipe] = {}
        """For each job that runs its recipe as far as it is known here: with the knobs turned so far."""
        self.files = OpenFiles(self.home)
        self._saved: Song | None = None

    def open(self, song: Song, *, go_on: bool) -> str:
        """Open a song; with `go_on` an earlier draft of it goes before. Returns a line to say, or nothing.

        SongdeskError leaves the open song as it was.
        """
        return self.adopt(prepare(self.files, song, self.values_of, go_on=go_on))

    def adopt(self, opening: Opening) -> str:
        """Go on with a song that was read; returns a line to say, or nothing."""
        if opening.files is not self.files:
            self.files.close()
        self.song, self.values, self.files = opening.song, opening.values, opening.files
        self.home, self._saved = opening.files.home, opening.saved
        self._rows = {take.id: _row(take) for take in opening.takes}
        self._audio = {take.id: take.audio for take in opening.takes if take.audio}
        return opening.said

    def rename(self, title: str) -> Opening:
        """Give the open song another title and its folder the name of it, and read it anew.

        It must be saved. No take of it may be in the making. SongdeskError leaves all as it was.
        """
        self.files.close()
        try:
            home = rename(self.home, title)
        except BaseException:
            self.files.hold()
            raise
        return prepare_from(self.files, home, self.values_of)

    def look_outside(self, song: Song) -> Outside | None:
        """What became of the open song outside; `song` is how it stands here."""
        return look_outside(self.files, song, self.values_of, is_saved=self._saved == song)

    def catch_up(self, outside: Outside) -> None:
        """Go on with the song as it was changed outside."""
        self._saved = outside.song
        self.files.note(outside.found)
        if outside.song is not None and outside.values is not None:
            self.files.kept = None
            self.song, self.values = outside.song, outside.values

    def note_kept(self, song: Song) -> None:
        """Know that a version was put where it cannot be lost."""
        self._saved = song

    def rewrite(
        self, *, lyrics: str | None = None, style: str | None = None, reference: Reference | str | None = SAME
    ) -> None:
        """Take in what stands in the editor, the style picker or the reference panel."""
        self.song = replace(
            self.song,
            lyrics=self.song.lyrics if lyrics is None else lyrics,
            style=self.song.style if style is None else style,
            reference=self.song.reference if isinstance(reference, str) else reference,
        )

    def turn(self, key: str, value: Value) -> None:
        """Change a setting."""
        self.values = self.values.replace(**{key: value})
        own = {name: shown(changed_to) for name, changed_to in self._own().items()}
        self.song = replace(self.song, settings=own)

    def turn_live(self, job_id: str, key: str, meter: Meter) -> Live:
        """Note in a running take that a setting was turned; says when that is heard."""
        setting = next(s for s in self.settings if s.key == key)
        read_in = self.kind.stage(setting.stage).phase
        heard = setting.live
        if meter.phase > read_in or (heard is Live.PHASE and meter.phase == read_in):
            heard = Live.SONG
        elif heard is Live.STEP and meter.phase < read_in:
            heard = Live.PHASE
        if heard is not Live.SONG and job_id in self._rows:
            at = meter.done if heard is Live.STEP else 0
            recipe = self._turned[job_id]
            knob = KnobChange(setting.stage, at, key, self.values[key])
            self._turned[job_id] = replace(recipe, knobs=(*recipe.knobs, knob))
            self._rows[job_id] = replace(self._rows[job_id], detail=self._knobs(job_id))
        return heard

    def lanes(self, take: str) -> tuple[Lane, ...]:
        """How knobs were turned in a take: as its recipe says, or as far as is known while it is made.

        May read a file; for one that is being made it does not.
        """
        recipe = self._turned.get(take) or load_recipe(self.home / "takes" / take)
        return lanes_of(recipe) if recipe is not None else ()

    def lanes_made(self, job_id: str) -> tuple[Lane, ...]:
        """How knobs were turned so far in a take that is being made."""
        return lanes_of(self._turned[job_id]) if job_id in self._turned else ()

    def lane_axis(self, meter: Meter) -> tuple[float, float | None]:
        """The length of the song being made (s), and how far it is composed (s): None once it is whole."""
        stage = next((s for s in self.kind.stages if s.phase == meter.phase), None)
        recipe = self._turned.get(meter.job)
        if stage is None or recipe is None or stage.writes != "tokens":
            return meter.seconds, None
        here = KnobChange(stage.id, meter.done, "", 0)
        return meter.seconds, self.kind.heard_from(self.chosen, recipe, here)

    def _knobs(self, job_id: str) -> str:
        lanes = self.lanes_made(job_id)
        at = {lane.key: f" at {clock(lane.turned_at)}" if lane.turned_at else "" for lane in lanes}
        return ", ".join(f"{lane.key} {shown(lane.last)}{at[lane.key]}" for lane in lanes)

    @property
    def is_saved(self) -> bool:
        """Whether the draft on disk is the song as it stands."""
        return self._saved == self.song

    @property
    def saved(self) -> Song | None:
        """The song as it is on disk; None where it was never written."""
        return self._saved

    def save(self) -> None:
        """Write the draft; may be called from any thread, one at a time."""
        song = self.song
        self.files.write(song)
        self._saved = song

    def plan(self) -> Plan:
        """What the song as it stands will take."""
        return self.kind.plan(self.song, self.chosen, self.values)

    def budget_of(self, lyrics: Lyrics) -> Budget:
        """What the lyrics take of the model's text and time."""
        limits = self.chosen.limits
        return budget(
            lyrics,
            self.kind.dialect,
            token_limit=limits.lyric_tokens,
            seconds_limit=limits.seconds,
            count=self._counter(),
        )

    def lyric_tokens(self, lyrics: Lyrics) -> tuple[int, int] | None:
        """Tokens the lyrics take and the model's limit; an edit costs the section it touched."""
        count = self._counter()
        if count is None:
            return None
        return tokens_of(lyrics, self.kind.dialect, count), self.chosen.limits.lyric_tokens

    def _counter(self) -> Callable[[str], int] | None:
        """What counts tokens; None where the model's vocabulary is not here."""
        count = partial(_tokens, self.chosen.id)
        try:
            count("")
        except SongdeskError:
            return None
        return count

    def refusal(self) -> Finding | None:
        """The first error that keeps the song from being made."""
        return next(iter(errors(review(self.song, self.kind, self.chosen))), None)

    def engine_text(self) -> str:
        """The two strings exactly as the model reads them."""
        lyrics = to_wire(parse(self.song.lyrics), self.kind.dialect)
        style = self.kind.style_text(self.song.style, self.chosen, self.values)
        return f"Lyrics\n{lyrics}\n\nStyle\n{style}"

    def begin(self, *, waits: bool = False) -> Job:
        """A job for the song as it stands; its take is listed from now on, as waiting if others go before."""
        if not self.files.written:
            self.save()
        job = new_job(self.song, self.chosen.id, self.values, home=self.home, device=self._device)
        seed = job.values.whole("seed")
        row = TakeRow(job.id, "waiting" if waits else "composing", None, seed, "")
        self._jobs[job.id] = job
        self._turned[job.id] = begin_recipe(job, {})
        self._rows = {job.id: row, **self._rows}
        return job

    def mark(self, job_id: str, state_text: str) -> None:
        """Say of a listed take where it stands."""
        row = self._rows.get(job_id)
        if row is not None and row.state_text != state_text:
            self._rows[job_id] = replace(row, state_text=state_text)

    def end(self, outcome: Outcome) -> None:
        """Take in how a job ended; one of a song that is no longer open changes nothing."""
        row = self._rows.get(outcome.job.id)
        if row is None:
            self._turned.pop(outcome.job.id, None)
            return
        made = outcome.state in (State.DONE, State.STOPPED)
        detail = str(outcome.error) if outcome.error else self._knobs(row.id)
        if made:
            facts = (f"made in {outcome.took:.0f} s", detail, *outcome.notes)
            detail = "; ".join(fact for fact in facts if fact)
        self._rows[row.id] = replace(
            row,
            state_text="ready" if outcome.state is State.DONE else outcome.state.value,
            seconds=outcome.seconds if made else None,
            detail=detail,
        )
        self._turned.pop(row.id, None)
        if made and outcome.file is not None:
            self._audio[row.id] = outcome.file

    @property
    def rows(self) -> tuple[TakeRow, ...]:
        """The takes of the open song, the newest first."""
        return tuple(self._rows.values())

    def sound_of(self, take: str) -> Path | None:
        """A take's sound, where it has one."""
        return self._audio.get(take)

    def marks(self, take: str, seconds: float) -> tuple[tuple[float, str], ...]:
        """Where sections are to be expected in a take of that length (s): a guess, and marked as one.

        None for a take that was stopped: nobody knows how far into the lyrics it came.
        """
        if self._rows[take].state_text != "ready":
            return ()
        song = self._jobs[take].song if take in self._jobs else self.song
        sections = self.budget_of(parse(song.lyrics)).sections
        whole = sum(sum(section.seconds) for section in sections)
        marks, at = [], 0.0
        for section in sections:
            marks.append((at * seconds / whole if whole else 0.0, f"~{section.tag}"))
            at += sum(section.seconds)
        return tuple(marks)

    def values_of(self, song: Song) -> Values:
        """The settings in force for a song; SongdeskError where they do not fit."""
        return resolve_for(self.kind, self.chosen, [*self._base, Override(song.settings, song.title)])

    def _own(self) -> dict[str, Value]:
        """The settings in which the song differs from the configured ones."""
        base = resolve_for(self.kind, self.chosen, self._base)
        return {key: value for key, value in self.values.items() if value != base[key]}


@lru_cache(maxsize=2048)
def _tokens(model: str, wire: str) -> int:
    kind, chosen = family_of(model)
    return kind.count_tokens(chosen, wire)


def open_last(session: Session, homes: Sequence[Path]) -> str:
    """Open the song that was open last, or the one that changed last; a new one where there is none.

    `homes` are the folders remembered, the last first. Returns a line to say, or nothing.
    """
    mine = [home for home in homes if home.parent == library() and home.is_dir()]
    said = ""
    for home in (*mine[:1], *(song.home for song in songs() if not song.trouble)):
        try:
            opened = session.adopt(prepare_from(session.files, home, session.values_of))
        except SongdeskError as error:
            said = said or f"{home.name} cannot be opened: {error}"
        else:
            return said or opened
    return session.open(session.song, go_on=True) or said


def song_to_start_with(path: Path | None) -> Song | None:
    """The song of the file named; without one the sample, as long as there are no songs of one's own."""
    if path is None and has_songs():
        return None
    return first_song(path or sample_file(SAMPLE))


def first_song(path: Path) -> Song:
    """The first song of a file; SongdeskError names the first problem when there is none to open."""
    lines, problems = read_songs(path)
    if not lines:
        wrong = next((p for p in problems if p.severity == "error"), None)
        if wrong is None:
            raise SongdeskError("there is no song in it", where=str(path), hint="choose another file")
        raise SongdeskError(wrong.what, where=f"{wrong.file}:{wrong.line}", hint=wrong.hint)
    return lines[0].song


def _row(take: Take) -> TakeRow:
    state = {"done": "ready"}.get(take.state, take.state)
    return TakeRow(
        take.id,
        state,
        take.seconds,
        take.seed,
        f"made {take.id[:4]}-{take.id[4:6]}-{take.id[6:8]}",
    )
