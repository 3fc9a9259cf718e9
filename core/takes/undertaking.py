"""A job with all that follows from its model's name, and where its files lie; no torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.engine import Plan, Stage
from core.family import Family, family_of
from core.registry import Variant
from core.settings import Setting
from core.takes.fingerprint import stage_hashes
from core.takes.job import Job, artifact_file
from core.takes.tokenhash import hash_of

START = "start"
"""The kind of artifact that a song begins with."""
_WHOLE = ("conditions", START)
"""Kinds that are the same for a draft as for the whole song."""


@dataclass(frozen=True, slots=True)
class Undertaking:
    """What a render goes by."""

    job: Job
    kind: Family
    chosen: Variant
    plan: Plan
    hashes: Mapping[str, str]
    """By stage, of what its result is to be made from."""

    @property
    def stages(self) -> tuple[Stage, ...]:
        """What is to be run."""
        ids = [stage.id for stage in self.kind.stages]
        return self.kind.stages[ids.index(self.job.first) : ids.index(self.job.last) + 1]

    @property
    def given(self) -> tuple[Stage, ...]:
        """The stages before the first, whose artifacts are used as they are."""
        ids = [stage.id for stage in self.kind.stages]
        return self.kind.stages[: ids.index(self.job.first)]

    @property
    def settings(self) -> tuple[Setting, ...]:
        """The model's table."""
        return self.kind.settings(self.chosen)

    @property
    def sound(self) -> Path:
        """The sound file to be; a draft's has a name of its own."""
        return draft_file(self.job.audio) if self.job.until else self.job.audio

    def artifact(self, kind: str) -> Path:
        """Where an artifact lies."""
        is_draft = self.job.until and kind not in _WHOLE
        return artifact_file(self.job.folder, f"draft-{kind}" if is_draft else kind)

    def inputs(self, stage: Stage) -> dict[str, Path]:
        """What a stage reads."""
        wanted = {kind: self.artifact(kind) for kind in (*stage.reads, *stage.may_read)}
        return {kind: path for kind, path in wanted.items() if kind in stage.reads or path.exists()}


def undertaking_of(job: Job) -> Undertaking:
    """All that follows from a job; SongdeskError for an unknown model."""
    kind, chosen = family_of(job.model)
    values = job.values
    if job.until:
        values = values.replace(length=min(job.until, values.real("length")))
    start = hash_of(artifact_file(job.folder, START))
    hashes = stage_hashes(job.song, job.values, kind, chosen, start=start)
    return Undertaking(job, kind, chosen, kind.plan(job.song, chosen, values), hashes)


def draft_file(audio: Path) -> Path:
    """Where the draft of the song whose sound is `audio` lies."""
    return audio.with_name(f"draft{audio.suffix}")
