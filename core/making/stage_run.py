"""What an engine meets while one stage runs: progress, knobs, noise, weights, a past, and places to write."""

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

import torch

from core.audio.files import SAMPLE_RATE
from core.audio.writer import AudioWriter, Depth, Format, guard_gain
from core.checkpoints import role_file
from core.device import Device
from core.engine import Artifact, Known, Outlet, Stage, Verdict
from core.making.outlet import Preview
from core.random import Stream
from core.settings import Live, Value
from core.takes.job import PREVIEW, STOP, KnobChange, stem_file
from core.takes.journal import FILE as JOURNAL
from core.takes.journal import Journal, Written
from core.takes.recipe import Seam
from core.takes.undertaking import Undertaking
from core.tensors import save_tensors

if TYPE_CHECKING:
    from torch import Tensor

    from core.audio.tags import Tags


@dataclass(frozen=True, slots=True)
class Past:
    """What a journal tells of the knobs of a stage."""

    knobs: tuple[KnobChange, ...]
    """Those that were heard in what is kept."""
    later: Mapping[str, KnobChange]
    """By key those that only a later stage reads."""
    is_stopped: bool
    """Whether the person ended the song, and where is known."""


def past_of(written: Written, stage: str) -> Past:
    """The knobs that a stage goes on with."""
    heard = [knob for knob in written.knobs if knob.stage == stage]
    is_stopped = written.frames is not None and any(knob.key == STOP for knob in heard)
    later = {knob.key: knob for knob in (*written.knobs, *written.tail) if knob.stage != stage}
    return Past(tuple(knob for knob in heard if knob.key != STOP or is_stopped), later, is_stopped)


class Listener(Protocol):
    """Who is told of progress, and says what was turned or asked for meanwhile."""

    def step(self, done: int, total: int) -> Verdict:
        """Units done in the stage; raises Cancelled on abandon."""

    def live(self, key: str) -> Value:
        """The present value of a live setting."""

    def turn(self, key: str, value: Value) -> None:
        """Turn a live setting, as a record says that it was turned."""

    def heard(self, preview: Path, seconds: float) -> None:
        """So much of the song can be played from a file that still grows."""


class StageRun:
    """One stage of one job; implements `core.engine.Run`. What it opens is closed with its block."""

    def __init__(
        self,
        order: Undertaking,
        stage: Stage,
        listener: Listener,
        device: Device,
        *,
        mark: str = "",
        began: Callable[[], None] | None = None,
    ) -> None:
        """`mark` tells the result from one made by the best way; `began` is called before the first codes go
        to disk, which are what a later run goes on with."""
        self.device = torch.device(device)
        self.knobs: list[KnobChange] = []
        self.seams: list[Seam] = []
        self.files: dict[str, str] = {}
        self.notes: tuple[str, ...] = ()
        self.seconds = 0.0
        self.schedule = ""
        self.finished_early = False
        self.until = order.job.until
        self._order, self._stage, self._listener = order, stage, listener
        self._done = 0
        self._read: dict[str, Value] = {}
        self._open = ExitStack()
        self._writers: dict[str, AudioWriter] = {}
        self._journal: Journal | None = None
        self._mark, self._began = mark, began
        self._untold: list[Callable[[Journal], None]] = []
        """What the journal is told once codes follow: of a run that made none nothing is left in the song."""
        self.later: dict[str, KnobChange] = {}
        """By key what was turned meanwhile that only a later stage reads."""
        self._timeline = [knob for knob in order.job.timeline if knob.stage == stage.id]

    @property
    def made_from(self) -> str:
        """The hash of what the stage's result is made from; what was turned on the way makes it unique."""
        turned = "".join(f"+{knob.key}={knob.value}@{knob.at}" for knob in self.knobs if knob.key != STOP)
        early = f"+finished@{self._done}" if self.finished_early else ""
        seams = "".join(f"+seam@{seam.frame}" for seam in self.seams if not seam.is_exact)
        return self._order.hashes[self._stage.id] + turned + early + seams + self._mark

    @property
    def writers(self) -> tuple[AudioWriter, ...]:
        """What writes the sound of each stem, the first that was begun first."""
        return tuple(self._writers.values())

    @property
    def samples(self) -> dict[str, str]:
        """By stem the hash of its samples so far."""
        return {stem: writer.samples_sha256 for stem, writer in self._writers.items()}

    def __enter__(self) -> "StageRun":
        self._follow_timeline()
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if self._journal is not None:
            self._open.callback(self._journal.close)
        self._open.__exit__(type(error) if error else None, error, None)
        for writer in self.writers if error is None else ():
            self.files[writer.path.name] = writer.sha256

    def step(self, done: int, total: int) -> Verdict:
        """Report progress, and listen; what was asked for by a timeline counts as well."""
        self._done = done
        self._follow_timeline()
        verdict = self._listener.step(done, total)
        if any(knob.key == STOP and knob.at <= done for knob in self._timeline):
            verdict = Verdict.FINISH
        # Where all is made already there is nothing that a stop cuts.
        if verdict is Verdict.FINISH and not self.finished_early and (done < total or not total):
            self.finished_early = True
            self._record(KnobChange(self._stage.id, done, STOP, True))
        return verdict

    def live(self, key: str) -> Value:
        """The present value of a live setting; a change is recorded where it is first read."""
        value = self._listener.live(key)
        if value != self._read.get(key, self._order.job.values[key]):
            self._record(KnobChange(self._stage.id, self._done, key, value))
        self._read[key] = value
        return value

    def stream(self, name: str) -> Stream:
        """A random stream of this take."""
        return Stream(self._order.job.values.whole("seed"), name)

    def weights(self, role: str) -> Path:
        """The file that holds a role's weights."""
        return role_file(self._order.chosen, role)

    def note(self, what: str) -> None:
        """Keep a line for the recipe."""
        self.notes = (*self.notes, what)

    def known(self) -> Known:
        """What the journal holds."""
        written = self._book().written
        schedule, rows, made_on = (*written.schedule.split(" "), "", "", "")[:3]
        return Known(
            written.books,
            written.frames,
            is_stopped=self.finished_early,
            schedule=schedule,
            rows=int(rows or 0),
            made_on=made_on,
            is_turned=bool(self.knobs),
        )

    def keep(self, books: Sequence[Sequence[int]], *, frames: int | None = None) -> None:
        """Bring codes, and knobs that only a later stage reads, to disk."""
        journal = self._book()
        self._tell(journal)
        journal.add(books, frames=frames)
        for knob in self._for_later():
            journal.knob(knob)
        journal.flush()

    def seam(self, frame: int, *, is_exact: bool) -> None:
        """Keep where composing was gone on with, once for each place."""
        seam = Seam(frame, is_exact)
        if seam not in self.seams:
            self._untold.append(lambda journal: journal.seam(seam))
            self.seams.append(seam)

    def decided(self, schedule: str, rows: int, made_on: str) -> None:
        """Keep how the stage runs."""
        told = f"{schedule} {rows} {made_on}"
        if self._book().written.schedule != told:
            self._untold.append(lambda journal: journal.schedule(told))
        self.schedule = schedule

    def save(self, kind: str, tensors: Mapping[str, "Tensor"], meta: Mapping[str, str]) -> Artifact:
        """Write an artifact, marked with what it was made from."""
        path = self._order.artifact(kind)
        on_host = {name: tensor.cpu() for name, tensor in tensors.items()}
        save_tensors(path, on_host, {**meta, "made_from": self.made_from})
        return Artifact(kind, path, self.made_from)

    def audio(self, samples: "Tensor", stem: str = "mix") -> None:
        """Append samples [2, n] to the file of a stem, which begins with its first."""
        job = self._order.job
        if stem not in self._writers:
            writer = AudioWriter(
                stem_file(self._order.sound, stem),
                format=cast("Format", job.values.text("format")),
                depth=cast("Depth", job.values.text("wav_depth")),
                spool=stem_file(job.folder / PREVIEW, stem),
            )
            self._writers[stem] = self._open.enter_context(writer)
        writer = self._writers[stem]
        writer.write(samples.float().cpu().numpy())
        self.seconds = self.writers[0].frames / SAMPLE_RATE
        if writer is self.writers[0]:
            self._listener.heard(writer.spool, self.seconds)

    def outlet(self) -> Outlet | None:
        """Where sound made ahead of its stage goes; None where the job ends without sound."""
        job = self._order.job
        if job.last != self._order.kind.stages[-1].id:
            return None
        return Preview(job.folder, self._listener.live, self._listener.heard, self._open)

    def share_gain(self) -> None:
        """Turn all stems down alike where one of them needs it, and note it; to be called once."""
        peak = max(writer.true_peak for writer in self.writers)
        gain = guard_gain(peak)
        for writer in self.writers:
            writer.gain = gain
        if gain < 1 and not self.writers[0].keeps_peaks:
            self.note(f"turned down by {-_decibels(gain):.1f} dB, so that no peak passes -1 dBFS")
        elif peak > 1:
            self.note(f"peaks reach {_decibels(peak):+.1f} dBFS; a float wav keeps them as they are")

    def tag(self, tags: "Tags") -> None:
        """Have every stem's file tell of the song."""
        for writer in self.writers:
            writer.tags = tags

    def _book(self) -> Journal:
        """The journal, opened when it is first asked for; what it holds is taken up."""
        if self._journal is None:
            path = self._order.job.folder / JOURNAL
            self._journal = Journal(path, self._order.hashes[self._stage.id])
            self._take_up(self._journal.written)
            self._journal.resume(self._stage.id)
        return self._journal

    def _tell(self, journal: Journal) -> None:
        """Tell how the codes that follow are made, once."""
        if self._began is not None:
            self._began()
            self._began = None
        for tell in self._untold:
            tell(journal)
        self._untold.clear()

    def _take_up(self, written: Written) -> None:
        """Go on with the knobs as they stand; those that nothing kept has heard are told anew."""
        past = past_of(written, self._stage.id)
        self.knobs, self.later, self.finished_early = [*past.knobs], dict(past.later), past.is_stopped
        self.seams = list(written.seams)
        self._read = {knob.key: knob.value for knob in (*self.knobs, *self.later.values())}
        for knob in (*written.knobs, *written.tail):
            if knob.key != STOP:
                self._listener.turn(knob.key, knob.value)

    def _record(self, knob: KnobChange) -> None:
        self.knobs.append(knob)
        if self._journal is not None:
            self._journal.knob(knob)

    def _for_later(self) -> list[KnobChange]:
        """Knobs turned since the last time that only a later stage will read: they are not to be lost."""
        values, changes = self._order.job.values, []
        for setting in self._order.settings:
            if setting.live is Live.SONG or setting.stage == self._stage.id:
                continue
            value = self._listener.live(setting.key)
            if value != self._read.get(setting.key, values[setting.key]):
                self._read[setting.key] = value
                self.later[setting.key] = KnobChange(setting.stage, 0, setting.key, value)
                changes.append(self.later[setting.key])
        return changes

    def _follow_timeline(self) -> None:
        """Turn the knobs that were turned by now in the take that is made again."""
        if not self._timeline:
            return
        due = [knob for knob in self._timeline if knob.at <= self._done and knob.key != STOP]
        for knob in due:
            self._listener.turn(knob.key, knob.value)
        self._timeline = [knob for knob in self._timeline if knob not in due]


def _decibels(gain: float) -> float:
    return 20 * math.log10(gain)
