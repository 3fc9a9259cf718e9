"""One song from words to a sound file: the stages in order, each from artifact to artifact."""

import time
from collections.abc import Collection
from dataclasses import replace
from itertools import count
from pathlib import Path

import torch

from core.atomic import sweep
from core.checkpoints import require_weights
from core.device import DeviceChoice, choose_device, silicon
from core.engine import Stage
from core.errors import Cancelled, Paused, SongdeskError
from core.family import make_engine
from core.making.attempt import Watch, ending, finish_stage, joined, run_stage
from core.making.finished import finished_sound, with_sound
from core.making.stage_run import past_of
from core.making.weighing import weights_of
from core.meter import State
from core.settings import Value
from core.takes import recipe as recipes
from core.takes.fingerprint import asked_for, roles_read
from core.takes.job import (
    AHEAD,
    AHEAD_KIND,
    PREVIEW,
    STEM_SUFFIXES,
    STOP,
    Job,
    KnobChange,
    Outcome,
    artifact_file,
    stem_file,
)
from core.takes.journal import FILE as JOURNAL
from core.takes.journal import read_journal
from core.takes.recipe import BROUGHT, IMPORT, RAN_OUT, WHOLE, Recipe
from core.takes.tokenhash import hash_of
from core.takes.undertaking import START, Undertaking, draft_file, undertaking_of
from core.tensors import metadata_of

_ARTIFACT = ".safetensors"


def render(job: Job, watch: Watch) -> Outcome:
    """Run a job's stages; SongdeskError and Cancelled pass through with the finished stages kept.

    With `goes_on` what an earlier run left in the folder is taken up: its stages, its journal, its recipe.
    """
    started = time.monotonic()
    order = undertaking_of(job)
    device = choose_device(job.device)
    require_weights(order.chosen, order.stages)
    _tidy(order)
    _begins_as_told(order)
    strangers = _put_aside(order) if job.goes_on else ()
    recipe = _begin(order, made_with=_made_with(device))
    recipe = replace(recipe, notes=(*recipe.notes, *strangers))
    recipes.save(recipe, job.folder)
    try:
        recipe = _run_stages(order, watch, recipe, device)
    except BaseException as error:
        _record_end(recipes.load(job.folder) or recipe, job, error)
        raise
    sounds = tuple(job.audio.with_name(name) for name in recipe.sounds)
    whole = job.last == order.kind.stages[-1].id
    return Outcome(
        job,
        State(recipe.state),
        files=sounds if whole else (order.artifact(order.kind.stage(job.last).writes),),
        seconds=recipe.seconds,
        took=time.monotonic() - started,
        notes=recipe.notes,
    )


def _tidy(order: Undertaking) -> None:
    """Remove what a killed process left half written; the folder is ours."""
    job = order.job
    for audio in (job.audio, draft_file(job.audio)):
        for stem in STEM_SUFFIXES:
            sweep(stem_file(audio, stem))
    for stem in STEM_SUFFIXES:
        stem_file(job.folder / PREVIEW, stem).unlink(missing_ok=True)
    (job.folder / AHEAD).unlink(missing_ok=True)
    kinds = [*(stage.writes for stage in order.kind.stages), "start", "latents", AHEAD_KIND]
    for kind in (*kinds, *(f"draft-{kind}" for kind in kinds)):
        sweep(artifact_file(job.folder, kind))
    for name in (recipes.FILE, JOURNAL):
        sweep(job.folder / name)


def _begins_as_told(order: Undertaking) -> None:
    """Refuse a take that has lost what it begins with: it would become another song."""
    job = order.job
    recipe = recipes.load(job.folder) if job.goes_on else None
    if recipe is None or recipe.kin is None or not recipe.kin.kept:
        return
    begins_with = order.artifact("tokens" if recipe.kin.why in WHOLE else START)
    if hash_of(begins_with) != recipe.kin.kept:
        what = "what the take begins with is gone or damaged"
        raise SongdeskError(what, where=str(begins_with), hint="make it again from its parent")


def _put_aside(order: Undertaking) -> tuple[str, ...]:
    """Move out of the way what was made by another state of the model; a note for each file says so."""
    folder, notes = order.job.folder, []
    written = read_journal(folder / JOURNAL)
    found = {folder / JOURNAL: ("tokens", written.made_from if written and any(written.books) else "")}
    found |= {order.artifact(s.writes): (s.id, _made_from(order.artifact(s.writes))) for s in order.stages}
    for path, (stage, made_from) in found.items():
        if made_from and made_from.split("+")[0] != order.hashes[stage]:
            aside = _free(path.with_name(f"{path.stem}-{made_from[:8]}{path.suffix}"))
            path.rename(aside)
            notes.append(f"{path.name} was made by another state of the model, and is kept as {aside.name}")
    return tuple(notes)


def _free(path: Path) -> Path:
    """The path, or one like it that is not taken."""
    names = (path.with_stem(f"{path.stem}{number or ''}") for number in count())
    return next(name for name in names if not name.exists())


def _made_with(device: DeviceChoice) -> str:
    """What computes, as far as results may depend on it: another processor rounds the last bits otherwise."""
    # An accelerator's name tells the chip already.
    chip = f"{silicon(torch.device(device.kind))}, " if device.kind == "cpu" else ""
    return f"{device.name}, {chip}torch {torch.__version__}"


def _begin(order: Undertaking, *, made_with: str) -> Recipe:
    """The recipe to start with: of what an earlier run left, that which is taken up."""
    job = order.job
    fresh = replace(
        recipes.begin(job, order.hashes),
        made_with=made_with,
        stages={stage.id: _made_from(order.artifact(stage.writes)) for stage in order.given},
        notes=(*map(str, order.plan.notes), *_strangers(order)),
        until=job.until,
    )
    before = recipes.load(job.folder)
    if before is None or not job.goes_on:
        return _with_given(replace(fresh, chosen=job.chosen), order, before)
    held = {s.id: before.stages[s.id] for s in order.kind.stages if _holds(order, s, before)}
    stages = {**fresh.stages, **held}
    return replace(
        fresh,
        stages=stages,
        kin=before.kin,
        knobs=_kept_knobs(order, before, stages),
        seams=before.seams if "tokens" in stages else (),
        schedule=before.schedule,
        chosen=_still_chosen(order, before),
        files={name: found for name, found in before.files.items() if _is_kept(order, name)},
        notes=tuple(dict.fromkeys((*fresh.notes, *(before.notes if held or _is_brought(before) else ())))),
        tokens=before.tokens if "tokens" in stages else "",
        weights=before.weights,
    )


def _with_given(fresh: Recipe, order: Undertaking, before: Recipe | None) -> Recipe:
    """The recipe with what the one in the folder tells of how the stages that are given were made."""
    if before is None:
        return fresh
    told = [s for s in order.given if before.stages.get(s.id) == fresh.stages[s.id] != ""]
    ids = [stage.id for stage in told]
    roles = {role for stage in told for role in roles_read(stage, order.job.song)}
    has_tokens = any(stage.writes == "tokens" for stage in told)
    ran_out = tuple(f"{RAN_OUT}{stage.title} " for stage in told)
    return replace(
        fresh,
        knobs=tuple(knob for knob in before.knobs if knob.stage in ids),
        seams=before.seams if has_tokens else (),
        schedule=before.schedule if has_tokens else "",
        chosen={**fresh.chosen, **_chosen_for(order, before, ids)},
        tokens=before.tokens if has_tokens else "",
        weights={role: digest for role, digest in before.weights.items() if role in roles},
        notes=(*fresh.notes, *(note for note in before.notes if note.startswith(ran_out))),
    )


def _still_chosen(order: Undertaking, before: Recipe) -> dict[str, Value]:
    """What memory decided for stages that are asked for as they were."""
    return _chosen_for(
        order, before, [id_ for id_, hash_ in order.hashes.items() if before.wanted.get(id_) == hash_]
    )


def _chosen_for(order: Undertaking, before: Recipe, ids: Collection[str]) -> dict[str, Value]:
    """What memory decided for some stages."""
    stages = {setting.key: setting.stage for setting in order.settings}
    told = recipes.decided(before)
    return {key: value for key, value in told.items() if stages.get(key, key.split()[-1]) in ids}


def _is_kept(order: Undertaking, name: str) -> bool:
    """Whether a file that a recipe tells of is one of the artifacts that are taken up."""
    return name.endswith(_ARTIFACT) and (bool(order.job.until) or not name.startswith("draft-"))


def _kept_knobs(order: Undertaking, recipe: Recipe, finished: Collection[str]) -> tuple[KnobChange, ...]:
    """Of the knobs turned those of finished stages, and those that stages behind the next one will read."""
    ids = [stage.id for stage in order.kind.stages]
    now = next((stage for stage in ids if stage not in finished), ids[-1])
    kept = {*finished, *ids[ids.index(now) + 1 :]} | ({now} if now == ids[-1] else set())
    return tuple(
        knob for knob in recipe.knobs if knob.stage in kept and (knob.key, knob.stage) != (STOP, now)
    )


def _holds(order: Undertaking, stage: Stage, recipe: Recipe) -> bool:
    """Whether a stage is finished as the recipe says."""
    return stage.id in recipe.stages and _is_made(order, stage)


def _is_made(order: Undertaking, stage: Stage) -> bool:
    """Whether a stage's result is there; with what was turned on the way, if it is to be taken up."""
    made_from, wanted = _made_from(order.artifact(stage.writes)), order.hashes[stage.id]
    return made_from == wanted or (order.job.goes_on and made_from.startswith(f"{wanted}+"))


def _record_end(recipe: Recipe, job: Job, ending: BaseException) -> None:
    """Say in the recipe how a broken run ended; a disk that refuses that too is named beside the cause."""
    state = State.FAILED
    if isinstance(ending, Cancelled):
        state = State.PAUSED if isinstance(ending, Paused) else State.CANCELLED
    error = str(ending) or type(ending).__name__ if state is State.FAILED else ""
    try:
        recipes.save(replace(recipe, state=state.value, error=error), job.folder)
    except SongdeskError as refusal:
        ending.add_note(str(refusal))


def _run_stages(order: Undertaking, watch: Watch, recipe: Recipe, device: DeviceChoice) -> Recipe:
    engine = make_engine(order.kind, order.chosen)
    try:
        for stage in order.stages:
            if _is_made(order, stage):
                recipe = _take_over(recipe, order, stage)
            elif (whole := finished_sound(order, stage)) is not None:
                recipe = finish_stage(with_sound(recipe, whole), order, stage, order.hashes[stage.id])
            else:
                recipe = run_stage(engine, order, stage, watch, recipe, device)
            _forget_journal(order, stage)
    finally:
        engine.close()
        (order.job.folder / AHEAD).unlink(missing_ok=True)
    if not order.job.until:
        _forget_draft(order)
    recipe = replace(recipe, state=ending(order, recipe).value)
    recipes.save(recipe, order.job.folder)
    return recipe


def _take_over(recipe: Recipe, order: Undertaking, stage: Stage) -> Recipe:
    """Take a finished stage's result as it is; where its end was cut off, the journal tells the rest."""
    if stage.id not in recipe.stages and order.job.goes_on:
        written = read_journal(order.job.folder / JOURNAL)
        if written is not None and written.made_from == order.hashes[stage.id]:
            past = past_of(written, stage.id)
            knobs, schedule = joined(recipe, stage, past.knobs, past.later), written.schedule.split(" ")[0]
            recipe = replace(recipe, knobs=knobs, seams=written.seams, schedule=schedule)
    if missing := [role for role in roles_read(stage, order.job.song) if role not in recipe.weights]:
        recipe = replace(recipe, weights={**recipe.weights, **weights_of(order.chosen, missing)})
    return finish_stage(recipe, order, stage, _made_from(order.artifact(stage.writes)))


def _forget_journal(order: Undertaking, stage: Stage) -> None:
    """Once its tokens are an artifact and the recipe tells of them, the journal has nothing to add."""
    if stage.writes == "tokens" and not order.job.until:
        (order.job.folder / JOURNAL).unlink(missing_ok=True)


def _forget_draft(order: Undertaking) -> None:
    """The whole song is there: its draft is no more than its beginning, nor is what was rendered ahead."""
    job = order.job
    if job.last != order.kind.stages[-1].id:
        return
    artifact_file(job.folder, AHEAD_KIND).unlink(missing_ok=True)
    for kind in ("tokens", "latents"):
        artifact_file(job.folder, f"draft-{kind}").unlink(missing_ok=True)
    for stem in STEM_SUFFIXES:
        for path in job.folder.glob(f"{stem_file(draft_file(job.audio), stem).name}*"):
            path.unlink(missing_ok=True)


def _made_from(artifact: Path) -> str:
    """What an artifact says it was made from; nothing where there is none that can be read."""
    return metadata_of(artifact).get("made_from", "")


def _strangers(order: Undertaking) -> tuple[str, ...]:
    """A note for each artifact that an earlier version of the song or its settings made."""
    return tuple(
        f"{stage.writes} were made from other lyrics, style or settings; used as they are"
        for stage in order.given
        if BROUGHT not in (made_from := _made_from(order.artifact(stage.writes)))
        and asked_for(made_from) not in ("", order.hashes[stage.id])
    )


def _is_brought(recipe: Recipe) -> bool:
    """Whether another program made what the take begins with, of which its notes tell."""
    return recipe.kin is not None and recipe.kin.why == IMPORT
