"""The open song with its model, its settings in force and its takes: the studio without its screen."""

from dataclasses import replace
from pathlib import Path
from unicodedata import normalize

from core.config import Config
from core.engine import Plan
from core.errors import SongdeskError
from core.family import family_of, resolve_for
from core.job import Job, Outcome
from core.lyrics.budget import Budget, budget
from core.lyrics.parse import Lyrics, parse
from core.lyrics.wire import to_wire
from core.meter import Meter, State
from core.paths import sample_file
from core.review import Finding, errors, review
from core.settings import Live, Override, Value, Values
from core.song import Song
from core.songfile import read_songs
from core.takes import Take, has_songs, home_of, load_draft, new_job, put_aside, save_draft, takes_of
from tui.widgets.bars import clock
from tui.widgets.takes_list import TakeRow

SAMPLE = "paper-boats.jsonl"
"""The song of a first start."""
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
        self._turned: dict[str, tuple[str, ...]] = {}
        """For each job the knobs turned while it ran, in words."""
        self._saved: Song | None = None

    def open(self, song: Song, *, go_on: bool) -> str:
        """Open a song; with `go_on` an earlier draft of it goes before. Returns a line to say, or nothing.

        SongdeskError leaves the open song as it was.
        """
        home = home_of(song.title)
        said = ""
        draft = load_draft(home)
        if draft is not None and normalize("NFC", draft.title) != normalize("NFC", song.title):
            raise SongdeskError(
                f"the folder of {song.title} holds another song, {draft.title}",
                where=str(home),
                hint="choose another title",
            )
        if draft is not None and not _same(draft, song):
            if go_on:
                song, said = draft, f"went on with your draft of {song.title}; ctrl+o opens the file as it is"
            else:
                said = f"your earlier draft was kept as {put_aside(home)}"
        values = self._values_of(song)
        self.song, self.home, self.values = song, home, values
        self._saved = draft if draft == song else None
        self._rows = {take.id: _row(take) for take in takes_of(home)}
        self._audio = {take.id: take.audio for take in takes_of(home) if take.audio}
        return said

    def rewrite(self, *, lyrics: str | None = None, style: str | None = None) -> None:
        """Take in what stands in the editor or the style picker."""
        self.song = replace(
            self.song,
            lyrics=self.song.lyrics if lyrics is None else lyrics,
            style=self.song.style if style is None else style,
        )

    def turn(self, key: str, value: Value) -> None:
        """Change a setting."""
        self.values = self.values.replace(**{key: value})
        shown = {s.key: s for s in self.settings}
        own = {name: shown[name].show(changed_to) for name, changed_to in self._own().items()}
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
            at = f" at {clock(meter.song_seconds)}" if heard is Live.STEP else ""
            words = f"{key} {setting.show(self.values[key])}{at}"
            self._turned[job_id] = (*self._turned.get(job_id, ()), words)
            self._rows[job_id] = replace(self._rows[job_id], detail=self._knobs(job_id))
        return heard

    def _knobs(self, job_id: str) -> str:
        return ", ".join(self._turned.get(job_id, ()))

    @property
    def is_saved(self) -> bool:
        """Whether the draft on disk is the song as it stands."""
        return self._saved == self.song

    def save(self) -> None:
        """Write the draft; may be called from any thread, one at a time."""
        song = self.song
        save_draft(self.home, song)
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
            count=lambda text: self.kind.count_tokens(self.chosen, text),
        )

    def refusal(self) -> Finding | None:
        """The first error that keeps the song from being made."""
        return next(iter(errors(review(self.song, self.kind, self.chosen))), None)

    def engine_text(self) -> str:
        """The two strings exactly as the model reads them."""
        lyrics = to_wire(parse(self.song.lyrics), self.kind.dialect)
        style = self.kind.style_text(self.song.style, self.chosen, self.values)
        return f"Lyrics\n{lyrics}\n\nStyle\n{style}"

    def begin(self) -> Job:
        """A job for the song as it stands; its take is listed from now on."""
        job = new_job(self.song, self.chosen.id, self.values, home=self.home, device=self._device)
        seed = job.values.whole("seed")
        row = TakeRow(job.id, "composing", None, seed, "")
        self._jobs[job.id] = job
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

    def _values_of(self, song: Song) -> Values:
        return resolve_for(self.kind, self.chosen, [*self._base, Override(song.settings, song.title)])

    def _own(self) -> dict[str, Value]:
        """The settings in which the song differs from the configured ones."""
        base = resolve_for(self.kind, self.chosen, self._base)
        return {key: value for key, value in self.values.items() if value != base[key]}


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


def _same(draft: Song, song: Song) -> bool:
    """Whether nothing would be lost by taking one for the other."""
    return (draft.lyrics.split(), draft.style, dict(draft.settings)) == (
        song.lyrics.split(),
        song.style,
        dict(song.settings),
    )
