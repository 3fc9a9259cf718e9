"""One song from words to a sound file: the stages in order, each from artifact to artifact."""

import math
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

import torch

from core import recipe as recipes
from core.audio.files import SAMPLE_RATE
from core.audio.writer import AudioWriter, Depth, Format, guard_gain
from core.checkpoints import require_weights, role_file
from core.device import Device, choose_device
from core.digest import sha256_of
from core.engine import Artifact, FreshRun, Plan, Stage, Verdict
from core.errors import Cancelled, SongdeskError
from core.family import Family, family_of, make_engine
from core.fingerprint import stage_hashes
from core.job import PREVIEW, Job, KnobChange, Outcome, artifact_file, stem_file
from core.meter import State
from core.random import Stream
from core.recipe import Recipe
from core.registry import Variant
from core.settings import Value
from core.tensors import metadata_of, save_tensors

if TYPE_CHECKING:
    from torch import Tensor


class Watch(Protocol):
    """Who follows a render: shows its progress, turns its knobs and may stop it."""

    def begin(self, stage: Stage, plan: Plan, device: Device) -> None:
        """A stage starts."""

    def step(self, done: int, total: int) -> Verdict:
        """Units done in the stage; raises Cancelled on abandon."""

    def live(self, key: str) -> Value:
        """The present value of a live setting."""

    def heard(self, preview: Path, seconds: float) -> None:
        """So much of the song can be played from a file that still grows."""


@dataclass(frozen=True, slots=True)
class _Order:
    """A job with all that follows from its model's name."""

    job: Job
    kind: Family
    chosen: Variant
    plan: Plan
    hashes: Mapping[str, str]
    """By stage, of what its result is to be made from."""

    @property
    def stages(self) -> tuple[Stage, ...]:
        ids = [stage.id for stage in self.kind.stages]
        return self.kind.stages[ids.index(self.job.first) : ids.index(self.job.last) + 1]

    @property
    def given(self) -> tuple[Stage, ...]:
        """The stages before the first, whose artifacts are used as they are."""
        ids = [stage.id for stage in self.kind.stages]
        return self.kind.stages[: ids.index(self.job.first)]

    def artifact(self, kind: str) -> Path:
        """Where an artifact lies."""
        return artifact_file(self.job.folder, kind)


def render(job: Job, watch: Watch) -> Outcome:
    """Run a job's stages; SongdeskError and Cancelled pass through with the finished stages kept."""
    started = time.monotonic()
    kind, chosen = family_of(job.model)
    plan = kind.plan(job.song, chosen, job.values)
    order = _Order(job, kind, chosen, plan, stage_hashes(job.song, job.values, kind, chosen))
    device = choose_device(job.device)
    require_weights(chosen, order.stages)
    recipe = replace(
        recipes.begin(job, order.hashes),
        made_with=f"{device.name}, torch {torch.__version__}",
        stages={stage.id: _made_from(order.artifact(stage.writes)) for stage in order.given},
        notes=(*map(str, plan.notes), *_strangers(order)),
    )
    recipes.save(recipe, job.folder)
    try:
        recipe = _run_stages(order, watch, recipe, device.kind)
    except BaseException as error:
        _record_end(recipes.load(job.folder) or recipe, job, error)
        raise
    sounds = tuple(job.audio.with_name(name) for name in recipe.sounds)
    whole = job.last == kind.stages[-1].id
    return Outcome(
        job,
        State(recipe.state),
        files=sounds if whole else (order.artifact(kind.stage(job.last).writes),),
        seconds=recipe.seconds,
        took=time.monotonic() - started,
        notes=recipe.notes,
    )


def _record_end(recipe: Recipe, job: Job, ending: BaseException) -> None:
    """Say in the recipe how a broken run ended; a disk that refuses that too is named beside the cause."""
    state = State.CANCELLED if isinstance(ending, Cancelled) else State.FAILED
    try:
        recipes.save(replace(recipe, state=state.value), job.folder)
    except SongdeskError as refusal:
        ending.add_note(str(refusal))


def _run_stages(order: _Order, watch: Watch, recipe: Recipe, device: Device) -> Recipe:
    engine = make_engine(order.kind, order.chosen)
    stopped = False
    try:
        for stage in order.stages:
            made_from = order.hashes[stage.id]
            if _made_from(order.artifact(stage.writes)) == made_from:
                recipe = _finish_stage(recipe, order, stage, made_from)
                continue
            run = _StageRun(order, stage, watch, device)
            watch.begin(stage, order.plan, device)
            inputs = {kind: order.artifact(kind) for kind in stage.reads}
            with run:
                engine.run(stage.id, order.job.song, order.job.values, inputs, run)
            stopped |= run.finished_early
            recipe = replace(
                recipe,
                knobs=recipe.knobs + tuple(run.knobs),
                seconds=run.seconds or recipe.seconds,
                notes=recipe.notes + run.notes,
                audio=next(iter(run.files), recipe.audio),
                files={**recipe.files, **run.files},
            )
            recipe = _finish_stage(recipe, order, stage, run.made_from)
    finally:
        engine.close()
    recipe = replace(recipe, state=(State.STOPPED if stopped else State.DONE).value)
    recipes.save(recipe, order.job.folder)
    return recipe


def _finish_stage(recipe: Recipe, order: _Order, stage: Stage, made_from: str) -> Recipe:
    recipe = replace(recipe, stages={**recipe.stages, stage.id: made_from})
    artifact = order.artifact(stage.writes)
    if artifact.exists():
        recipe = replace(recipe, files={**recipe.files, artifact.name: sha256_of(artifact)})
    recipes.save(recipe, order.job.folder)
    return recipe


def _made_from(artifact: Path) -> str:
    """What an artifact says it was made from; nothing where there is none that can be read."""
    return metadata_of(artifact).get("made_from", "")


def _strangers(order: _Order) -> tuple[str, ...]:
    """A note for each artifact that an earlier version of the song or its settings made."""
    return tuple(
        f"{stage.writes} were made from other lyrics, style or settings; used as they are"
        for stage in order.given
        if _made_from(order.artifact(stage.writes)) not in ("", order.hashes[stage.id])
    )


class _StageRun(FreshRun):
    """What an engine meets while one stage runs: progress, knobs, noise, weights, and places to write."""

    def __init__(self, order: _Order, stage: Stage, watch: Watch, device: Device) -> None:
        self.device = torch.device(device)
        self.knobs: list[KnobChange] = []
        self.files: dict[str, str] = {}
        self.notes: tuple[str, ...] = ()
        self.seconds = 0.0
        self.finished_early = False
        self._order = order
        self._stage = stage
        self._watch = watch
        self._done = 0
        self._read: dict[str, Value] = {}
        self._open = ExitStack()
        self._writers: dict[str, AudioWriter] = {}

    @property
    def made_from(self) -> str:
        """The hash of what the stage's result is made from; a turned knob makes it one of a kind."""
        turned = "".join(f"+{knob.key}={knob.value}@{knob.at}" for knob in self.knobs)
        early = f"+finished@{self._done}" if self.finished_early else ""
        return self._order.hashes[self._stage.id] + turned + early

    def __enter__(self) -> "_StageRun":
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        writers = list(self._writers.values())
        if error is None:
            gain = guard_gain(max((writer.true_peak for writer in writers), default=0.0))
            for writer in writers:
                writer.gain = gain
        self._open.__exit__(type(error) if error else None, error, None)
        if error is None and writers:
            self._describe(writers)

    def step(self, done: int, total: int) -> Verdict:
        self._done = done
        verdict = self._watch.step(done, total)
        self.finished_early |= verdict is Verdict.FINISH
        return verdict

    def live(self, key: str) -> Value:
        value = self._watch.live(key)
        before = self._read.get(key, self._order.job.values[key])
        if value != before:
            self.knobs.append(KnobChange(self._stage.id, self._done, key, value))
        self._read[key] = value
        return value

    def stream(self, name: str) -> Stream:
        return Stream(self._order.job.values.whole("seed"), name)

    def weights(self, role: str) -> Path:
        return role_file(self._order.chosen, role)

    def note(self, what: str) -> None:
        self.notes = (*self.notes, what)

    def save(self, kind: str, tensors: Mapping[str, "Tensor"], meta: Mapping[str, str]) -> Artifact:
        path = self._order.artifact(kind)
        on_host = {name: tensor.cpu() for name, tensor in tensors.items()}
        save_tensors(path, on_host, {**meta, "made_from": self.made_from})
        return Artifact(kind, path, self.made_from)

    def audio(self, samples: "Tensor", stem: str = "mix") -> None:
        job = self._order.job
        if stem not in self._writers:
            writer = AudioWriter(
                stem_file(job.audio, stem),
                format=cast("Format", job.values.text("format")),
                depth=cast("Depth", job.values.text("wav_depth")),
                spool=stem_file(job.folder / PREVIEW, stem),
            )
            self._writers[stem] = self._open.enter_context(writer)
        writer = self._writers[stem]
        writer.write(samples.float().cpu().numpy())
        if writer is next(iter(self._writers.values())):
            self._watch.heard(writer.spool, writer.frames / SAMPLE_RATE)

    def _describe(self, writers: list[AudioWriter]) -> None:
        self.files = {writer.path.name: writer.sha256 for writer in writers}
        self.seconds = writers[0].frames / SAMPLE_RATE
        gain = min(writer.gain or 1.0 for writer in writers)
        peak = max(writer.true_peak for writer in writers)
        if gain < 1:
            self.note(f"turned down by {-_decibels(gain):.1f} dB, so that no peak passes -1 dBFS")
        elif peak > 1:
            self.note(f"peaks reach {_decibels(peak):+.1f} dBFS; a float wav keeps them as they are")


def _decibels(gain: float) -> float:
    return 20 * math.log10(gain)
