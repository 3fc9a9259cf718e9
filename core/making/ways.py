"""The ways to run one stage of one take here and now: what is free, what came before, and what is left."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from core.device import Device, DeviceChoice, free_memory, total_memory
from core.engine import Plan, Rung, Stage
from core.errors import SongdeskError
from core.making.governor import Choice, Room, choose
from core.making.overhead import overhead_of
from core.settings import TRUSTED, Value, Values
from core.takes.journal import FILE as JOURNAL
from core.takes.journal import read_journal
from core.takes.tokenhash import codes_in
from core.takes.undertaking import START, Undertaking

_DEVICE = "device of "
"""How an entry of a recipe's choices begins that tells where a stage ran, if not where the song did."""
_RATE = 25
"""Frames of tokens in a second."""
_SPARE = 1.0
"""Seconds of song that must be left to make behind what is there."""


@dataclass(frozen=True, slots=True)
class Ways:
    """The ways to run a stage of a take."""

    order: Undertaking
    stage: Stage
    run_on: DeviceChoice
    made_by: Mapping[str, Value]
    """What memory decided before, see `Recipe.chosen`."""

    def choose(self, below: Sequence[Rung] = ()) -> Choice:
        """The way to take now, behind those by which memory ran out; SongdeskError where there is none."""
        known: dict[Device, tuple[int | None, int | None]] = {}
        is_trusted = self.order.job.values.get("memory") == TRUSTED

        def room(rung: Rung) -> Room:
            device = device_of(rung, self.run_on.kind)
            if is_trusted:
                return Room(None, is_trusted=True)
            if device not in known:
                known[device] = (free_memory(device), total_memory(device))
            free, total = known[device]
            name = self.run_on.name if device == self.run_on.kind else device
            model, peak = self.order.chosen.id, rung.plan.peak
            return Room(free, overhead_of(model, device, name, self.stage.id, peak), total=total)

        written = self._written()
        held = max(written, self._begun())
        choice = choose(
            self._ladder(self._values),
            room,
            title=self.stage.title,
            before=self._before(),
            below=below,
            at_least=held + _SPARE if held else 0.0,
        )
        return replace(choice, kept=written > 0, run_on=self.run_on.kind)

    def values(self, choice: Choice) -> Values:
        """The settings as the engine is to read them; a draft's length is that of the whole song."""
        return self._given.replace(**choice.rung.settings)

    def plan(self, choice: Choice) -> Plan:
        """The plan of the song with that of the chosen way."""
        job, mine, values = self.order.job, choice.rung.plan, self.values(choice)
        if job.until:
            values = values.replace(length=min(job.until, values.real("length")))
        plan = self.order.kind.plan(job.song, self.order.chosen, values)
        usual = next(load for load in plan.stages if load.stage == mine.stage)
        if job.until:
            mine = replace(mine, units=usual.units, order=usual.order)
        return replace(plan, stages=tuple(mine if load is usual else load for load in plan.stages))

    def chosen(self, choice: Choice) -> dict[str, Value]:
        """What memory decided by now, for the recipe."""
        own, device = {*self._own, self._device_key}, choice.rung.device
        others = {key: value for key, value in self.made_by.items() if key not in own}
        where: dict[str, Value] = {self._device_key: device} if device else {}
        return {**others, **self._telling(choice), **where}

    def mark(self, choice: Choice) -> str:
        """What tells the stage's result from one made by the best way; empty where it is that."""
        usual, values = choice.best.settings, self._values
        settings = self._telling(choice).items()
        other = {key: value for key, value in settings if usual.get(key, values[key]) != value}
        if choice.rung.device != choice.best.device:
            other["device"] = choice.rung.device or self.run_on.kind
        return "".join(f"+memory:{key}={value}" for key, value in sorted(other.items()))

    def _telling(self, choice: Choice) -> dict[str, Value]:
        """What a way fixes of the settings that make a take another one."""
        silent = {setting.key for setting in self.order.settings if setting.changes_nothing}
        return {key: value for key, value in choice.rung.settings.items() if key not in silent}

    @property
    def _own(self) -> set[str]:
        """The settings that this stage is the first to read."""
        return {setting.key for setting in self.order.settings if setting.stage == self.stage.id}

    @property
    def _device_key(self) -> str:
        return f"{_DEVICE}{self.stage.id}"

    @property
    def _told(self) -> dict[str, Value]:
        """What was decided before, as far as it can be: a recipe may be edited, or another model's."""
        told = {}
        for setting in self.order.settings:
            try:
                if setting.key in self.made_by:
                    told[setting.key] = setting.parse(self.made_by[setting.key])
            except SongdeskError:
                continue
        return told

    @property
    def _given(self) -> Values:
        """The settings with what was decided for other stages."""
        told = {key: value for key, value in self._told.items() if key not in self._own}
        return self.order.job.values.replace(**told)

    @property
    def _values(self) -> Values:
        """The same for the ladder: of a song that is drafted only composing makes room for all."""
        values, until = self._given, self.order.job.until
        is_short = until and "length" not in self._own
        return values.replace(length=min(until, values.real("length"))) if is_short else values

    def _before(self) -> tuple[Rung, ...]:
        """The way that was gone before, where it is still to be had without giving up more."""
        told = {key: value for key, value in self._told.items() if key in self._own}
        if not told and self._device_key not in self.made_by:
            return ()
        device = self.made_by.get(self._device_key, "")
        rungs = self._ladder(self._values.replace(**told))
        same = [rung for rung in rungs if "length" not in rung.settings and rung.device == device]
        return tuple(replace(rung, settings={**told, **rung.settings}) for rung in same)

    def _ladder(self, values: Values) -> tuple[Rung, ...]:
        """The model's; what a draft begins is not cut short because of it."""
        order = self.order
        rungs = order.kind.ladder(order.job.song, order.chosen, values, self.stage.id, self.run_on.kind)
        long = tuple(rung for rung in rungs if "length" not in rung.settings)
        return long if order.job.until and long else rungs

    def _written(self) -> float:
        """Seconds of song that a stage finds in its journal."""
        order = self.order
        if self.stage.writes != "tokens":
            return 0.0
        written = read_journal(order.job.folder / JOURNAL)
        if written is None or written.made_from != order.hashes[self.stage.id]:
            return 0.0
        return max(map(len, written.books), default=0) / _RATE

    def _begun(self) -> float:
        """Seconds that the stage begins with, of the take that this one grew out of."""
        path = self.order.artifact(START)
        if self.stage.writes != "tokens" or not path.exists():
            return 0.0
        try:
            return float(codes_in(path).shape[1] / _RATE)
        except SongdeskError:
            return 0.0


def device_of(rung: Rung, run_on: Device) -> Device:
    """Where a way runs when the song is made on `run_on`."""
    return "cpu" if rung.device == "cpu" else run_on
