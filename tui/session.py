"""The open song with its model and its settings in force: the studio without its screen."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path

from core.config import Config
from core.engine import Plan
from core.errors import SongdeskError
from core.family import Family, family_of, resolve_for
from core.library.shelf import rename, songs
from core.library.store import Store
from core.lyrics.budget import Budget, budget, tokens_of
from core.lyrics.parse import Lyrics, parse
from core.lyrics.wire import to_wire
from core.meter import Meter
from core.models.suited import suited
from core.paths import library, sample_file
from core.registry import Variant
from core.review import Finding, errors, review
from core.settings import Live, Override, Setting, Value, Values, shown
from core.song import Reference, Song
from core.songfile import read_songs
from core.takes.automation import Lane
from core.takes.branch import prepare as prepare_take
from core.takes.job import Job, KnobChange, Outcome
from core.takes.recipe import Recipe
from core.takes.take import Take, has_songs, home_of
from tui.making import Making
from tui.open_files import OpenFiles
from tui.opening import Opening, Outside, look_outside, prepare, prepare_from
from tui.widgets.takes_list import TakeRow

FIRST = "harbor-light.jsonl"
"""The song of a first start: what makes it there, the embedded demo, sings it to its end."""
SAMPLE = "paper-boats.jsonl"
"""A song of full length, for pictures and measurements of the studio."""
SAME = "as it is"
"""A reference that is not to be changed: None stands for a song without one."""
NEW_LYRICS = "[verse]\n\n\n[chorus]\n\n"
"""What a new song starts with."""


class Session:
    """One song at a time; every change to it is made here."""

    def __init__(self, config: Config, store: Store | None = None) -> None:
        """Without a store the takes are read from their folders alone."""
        self._config = config
        self.song = Song("untitled", NEW_LYRICS, "")
        self.home = home_of(self.song.title)
        self.values = resolve_for(self.kind, self.chosen, [self._base(self.song)])
        self.making = Making(store)
        self.device = config.device
        self.files = OpenFiles(self.home)
        self._saved: Song | None = None

    @property
    def kind(self) -> Family:
        """The family of the model that the song is made with."""
        return self._model_of(self.song)[0]

    @property
    def chosen(self) -> Variant:
        """The model that the song is made with."""
        return self._model_of(self.song)[1]

    @property
    def settings(self) -> tuple[Setting, ...]:
        """What that model lets a person turn."""
        return self.kind.settings(self.chosen)

    def use(self, model: str) -> tuple[str, ...]:
        """Have the song made with another model from now on; says which settings could not stay as they are.

        SongdeskError for an unknown model.
        """
        song, notes = self._under(model)
        self.values = self.values_of(song)
        self.song = song
        return notes

    def values_under(self, model: str) -> Values:
        """The settings in force as another model takes them, for what grows out of a take of it.

        SongdeskError for an unknown model.
        """
        return self.values_of(self._under(model)[0])

    def _under(self, model: str) -> tuple[Song, tuple[str, ...]]:
        kind, chosen = family_of(model)
        carried = suited(kind.settings(chosen), self.song.settings)
        return replace(self.song, model=model, settings=carried.given), carried.notes

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
        self.making.show(self.home, *opening.takes)
        return opening.said

    def rename(self, title: str) -> Opening:
        """Give the open song another title and its folder the name of it, and read it anew.

        It must be saved. No take of it may be in the making. SongdeskError leaves all as it was.
        """
        self.files.close()
        before = self.home
        try:
            home = rename(before, title)
        except BaseException:
            self.files.hold()
            raise
        if self.store is not None:
            with suppress(SongdeskError):  # it finds out for itself, and only the order of the queue is lost
                self.store.renamed(before, home)
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

    def turn_live(self, key: str, meter: Meter) -> Live:
        """Note in the take that is being made that a setting was turned; says when that is heard."""
        setting = next(s for s in self.settings if s.key == key)
        read_in = self.kind.stage(setting.stage).phase
        heard = setting.live
        if meter.phase > read_in or (heard is Live.PHASE and meter.phase == read_in):
            heard = Live.SONG
        elif heard is Live.STEP and meter.phase < read_in:
            heard = Live.PHASE
        if heard is not Live.SONG:
            at = meter.done if heard is Live.STEP else 0
            self.making.turned(KnobChange(setting.stage, at, key, self.values[key]))
        return heard

    @property
    def is_turnable(self) -> bool:
        """Whether the settings that stand here are those of the take that is being made."""
        job = self.making.job
        return job is not None and self.making.is_of_the_song and job.model == self.chosen.id

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

    # Takes

    def begin(self) -> Job:
        """A take of the song as it stands, asked for and listed: its folder tells it, and nothing runs yet.

        SongdeskError where that cannot be written.
        """
        self.written()
        job = prepare_take(self.song, self.chosen.id, self.values, home=self.home)
        self.making.add(job)
        return job

    def written(self) -> None:
        """Have the song on disk, where a take of it is to lie."""
        if not self.files.written:
            self.save()

    @property
    def store(self) -> Store | None:
        """The library's index; None where it cannot be used."""
        return self.making.store

    @property
    def takes(self) -> tuple[Take, ...]:
        """The takes of the open song, the newest first, as they were read last."""
        return self.making.takes

    @property
    def trashed(self) -> tuple[Take, ...]:
        """Those in its trash, the newest first."""
        return self.making.trashed

    @property
    def rows(self) -> tuple[TakeRow, ...]:
        """The takes of the open song as they stand now, the newest first."""
        return self.making.rows

    def reread(self) -> None:
        """Take in what the library says of the takes now; SongdeskError where it cannot be read."""
        self.making.read()

    def sound_of(self, take: str) -> Path | None:
        """A take's sound, where it has one."""
        return self.making.sound_of(take)

    def began(self, job: Job, recipe: Recipe) -> None:
        """A take is made here from now on; its recipe has the knobs of earlier runs."""
        self.making.began(job, recipe)

    def end(self, outcome: Outcome) -> None:
        """Take in how a run ended."""
        self.making.ended(outcome)

    def lanes(self, take: str) -> tuple[Lane, ...]:
        """How knobs were turned in a take, or so far; may read a file, but not for one that is being made."""
        return self.making.lanes(take)

    def lanes_made(self, take: str) -> tuple[Lane, ...]:
        """How knobs were turned so far in a take that is being made."""
        return self.making.lanes_made(take)

    def lane_axis(self, meter: Meter) -> tuple[float, float | None]:
        """The length of the song being made (s), and how far it is composed (s): None once it is whole."""
        return self.making.lane_axis(meter)

    def marks(self, take: str, seconds: float) -> tuple[tuple[float, str], ...]:
        """Where sections seem to begin in a take of that length (s), marked as a guess; reads its folder."""
        return self.making.marks(take, seconds)

    def values_of(self, song: Song) -> Values:
        """The settings in force for a song; SongdeskError where they do not fit."""
        kind, chosen = self._model_of(song)
        return resolve_for(kind, chosen, [self._base(song), Override(song.settings, song.title)])

    def _model_of(self, song: Song) -> tuple[Family, Variant]:
        """SongdeskError for a song whose model is not known here."""
        try:
            return family_of(song.model or self._config.model)
        except SongdeskError as error:
            where = song.title if song.model else ""
            raise SongdeskError(error.what, where=where, hint=error.hint) from error

    def _base(self, song: Song) -> Override:
        """The configured settings, which need not fit any other than the configured model."""
        given: Mapping[str, object] = self._config.settings
        kind, chosen = self._model_of(song)
        if chosen.id != self._config.model:
            given = suited(kind.settings(chosen), given).given
        return Override(given, "songdesk.yaml: settings")

    def _own(self) -> dict[str, Value]:
        """The settings in which the song differs from the configured ones."""
        base = resolve_for(self.kind, self.chosen, [self._base(self.song)])
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
    return first_song(path or sample_file(FIRST))


def first_song(path: Path) -> Song:
    """The first song of a file; SongdeskError names the first problem when there is none to open."""
    lines, problems = read_songs(path)
    if not lines:
        wrong = next((p for p in problems if p.severity == "error"), None)
        if wrong is None:
            raise SongdeskError("there is no song in it", where=str(path), hint="choose another file")
        raise SongdeskError(wrong.what, where=f"{wrong.file}:{wrong.line}", hint=wrong.hint)
    return lines[0].song
