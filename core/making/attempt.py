"""One stage brought to its end: where memory runs out it is tried again by a leaner way."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Protocol

from core.audio.tags import tags_of
from core.device import Device, DeviceChoice
from core.digest import sha256_of
from core.engine import Engine, Plan, Rung, Stage
from core.making.governor import Choice
from core.making.overhead import Gauge
from core.making.shortage import is_shortage
from core.making.stage_run import Listener, StageRun
from core.making.ways import Ways, device_of
from core.making.weighing import weights_of
from core.meter import State
from core.takes import recipe as recipes
from core.takes.fingerprint import roles_read
from core.takes.job import STOP, KnobChange
from core.takes.recipe import Recipe
from core.takes.tokenhash import hash_of
from core.takes.undertaking import Undertaking

_log = logging.getLogger(__name__)


class Watch(Listener, Protocol):
    """Who follows a render: shows its progress, turns its knobs and may stop it."""

    def begin(self, stage: Stage, plan: Plan, device: Device, choice: Choice) -> None:
        """A stage starts, or starts again where memory ran out."""

    def remarks(self) -> tuple[str, ...]:
        """What was odd about the stage that has just ended, for its recipe."""


def run_stage(
    engine: Engine, order: Undertaking, stage: Stage, watch: Watch, recipe: Recipe, device: DeviceChoice
) -> Recipe:
    """Make a stage's result; gives the recipe that tells of it.

    What was composed before memory ran out stays; sound is begun anew. SongdeskError with the numbers where
    no way is left.
    """
    broke: list[Rung] = []
    while True:
        ways = Ways(order, stage, device, recipe.chosen)
        attempt = _Attempt(order, stage, watch, ways, ways.choose(broke))
        try:
            return attempt.run(engine, recipe, device)
        except Exception as error:
            if not is_shortage(error):
                raise
            _log.warning("%s ran out of memory with %s", stage.title, attempt.choice.rung.name, exc_info=True)
            broke.append(attempt.choice.rung)
        # Only here is the error gone, and with it the frames that held the models.
        engine.close()
        recipe = attempt.left or recipe


class _Attempt:
    """One way tried."""

    def __init__(self, order: Undertaking, stage: Stage, watch: Watch, ways: Ways, choice: Choice) -> None:
        self.choice = choice
        self.left: Recipe | None = None
        """What the recipe tells once something is made this way that is kept."""
        self._order, self._stage, self._watch, self._ways = order, stage, watch, ways

    def run(self, engine: Engine, recipe: Recipe, run_on: DeviceChoice) -> Recipe:
        """Try it."""
        order, stage, choice = self._order, self._stage, self.choice
        device = device_of(choice.rung, run_on.kind)
        note = choice.note(stage.title)
        told = replace(
            recipe, chosen=self._ways.chosen(choice), notes=recipe.notes + ((note,) if note else ())
        )

        def began() -> None:
            if told.chosen != recipe.chosen or note:
                recipes.save(told, order.job.folder)
            self.left = told

        self._watch.begin(stage, self._ways.plan(choice), device, choice)
        for knob in recipe.knobs:
            if knob.key != STOP:
                self._watch.turn(knob.key, knob.value)
        mark = self._ways.mark(choice)
        with StageRun(order, stage, self._watch, device, mark=mark, began=began) as run:
            with Gauge(device) as gauge:
                values = self._ways.values(choice)
                engine.run(stage.id, order.job.song, values, order.inputs(stage), run)
            made = _made(told, order, stage, run, self._watch.remarks())
        name = run_on.name if device == run_on.kind else device
        gauge.keep(order.chosen.id, name, stage.id, choice.rung.plan.peak)
        made = _with(made, stage, run)
        return finish_stage(made, order, stage, run.made_from)


def _made(
    recipe: Recipe, order: Undertaking, stage: Stage, run: StageRun, remarks: tuple[str, ...]
) -> Recipe:
    """The recipe with the weights a stage has read; its sound tells of all that it was made of."""
    weights = weights_of(order.chosen, roles_read(stage, order.job.song))
    recipe = replace(recipe, weights={**recipe.weights, **weights}, notes=recipe.notes + remarks)
    if run.writers:
        run.share_gain()
        told = _with(recipe, stage, run)
        run.tag(tags_of(replace(told, state=ending(order, told).value), order.artifact("tokens")))
    return recipe


def _with(recipe: Recipe, stage: Stage, run: StageRun) -> Recipe:
    """The recipe with what a stage has to tell."""
    # An engine may keep to the schedule of what it goes on with.
    is_told = run.schedule and "schedule" in recipe.chosen
    return replace(
        recipe,
        knobs=joined(recipe, stage, run.knobs, run.later),
        seams=recipe.seams + tuple(run.seams),
        schedule=run.schedule or recipe.schedule,
        chosen={**recipe.chosen, "schedule": run.schedule} if is_told else recipe.chosen,
        seconds=run.seconds or recipe.seconds,
        notes=recipe.notes + run.notes,
        audio=next((writer.path.name for writer in run.writers), recipe.audio),
        files={**recipe.files, **run.files},
        samples={**recipe.samples, **run.samples},
    )


def joined(
    recipe: Recipe, stage: Stage, knobs: Iterable[KnobChange], later: Mapping[str, KnobChange]
) -> tuple[KnobChange, ...]:
    """A recipe's knobs with those a stage tells of anew, and those that were turned for later ones."""
    others = [knob for knob in recipe.knobs if knob.stage != stage.id and knob.key not in later]
    return (*others, *knobs, *later.values())


def finish_stage(recipe: Recipe, order: Undertaking, stage: Stage, made_from: str) -> Recipe:
    """Write down that a stage is finished, with the hash of what it left."""
    recipe = replace(recipe, stages={**recipe.stages, stage.id: made_from})
    artifact = order.artifact(stage.writes)
    if artifact.exists():
        recipe = replace(recipe, files={**recipe.files, artifact.name: sha256_of(artifact)})
        if stage.writes == "tokens":
            recipe = replace(recipe, tokens=hash_of(artifact))
    recipes.save(recipe, order.job.folder)
    return recipe


def ending(order: Undertaking, recipe: Recipe) -> State:
    """How a take has ended whose stages are all there."""
    if order.job.until:
        return State.DRAFT
    return State.STOPPED if any(knob.key == STOP for knob in recipe.knobs) else State.DONE
