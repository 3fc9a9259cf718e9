"""What a song is made with: the model, this machine, the plan beforehand, and what is fetched."""

import asyncio
from collections.abc import Callable

from textual import on, work
from textual.events import Unmount

from core.errors import SongdeskError
from core.machine import Machine
from core.making.forecast import Forecast, forecast
from core.meter import Meter
from core.models.presence import presence_of
from core.settings import shown
from tui.behind import behind
from tui.fetching import Fetching, Progress
from tui.model_rows import LOOKING, Known
from tui.screens.areas import Area
from tui.screens.deck import OpenPlayer
from tui.screens.models_page import ModelsPage
from tui.screens.songs import SongActions
from tui.screens.tune import TuneArea
from tui.session import Session
from tui.widgets.plan_line import PlanLine
from tui.widgets.setting_row import SettingRow
from tui.widgets.transport import Transport

Look = Callable[[str], Machine]
"""Finds out what this machine is, by the device asked for; takes seconds. SongdeskError where it cannot."""
_SOON = 2.0
"""Seconds after the studio is up when it looks at the machine: the first screen comes first."""
_SETTLED = 0.15
"""Seconds without another change before a song is planned anew."""
_NARROWEST = 80
"""Columns of the smallest terminal."""
_RAN_OUT = "memory ran out"


class Planning(SongActions):
    """The open song with the model that makes it, on this machine."""

    def __init__(self, session: Session, open_player: OpenPlayer, own_keys: dict[str, str]) -> None:
        super().__init__(session, open_player, own_keys)
        self.look_with: Look | None = None
        """What looks at the machine; without it nothing is known of it."""
        self.known = Known()
        self.fetching = Fetching()
        self._forecast: Forecast | None = None
        """Of the song as it stood last; None while the machine is not known."""
        self._way = self._warning = ""
        """What was told of the run at work."""

    def on_mount(self) -> None:
        """Look at the machine when the screen is there."""
        if self.look_with is not None:
            self.set_timer(_SOON, self.look_at_machine)

    @on(Unmount)
    async def _end_fetch(self) -> None:
        """A fetch does not outlive the studio; it is gone on with when it is asked for again."""
        await self.fetching.close()

    # The machine

    def look_at_machine(self, *, again: bool = False) -> None:
        """Find out what this machine is, once, or again."""
        is_known = self.known.machine is not None or bool(self.known.why)
        if self.look_with is None or self.known.is_looking or (is_known and not again):
            return
        self.known = Known(self.known.machine, is_looking=True)
        self._look(self.look_with)
        self._show_words()

    @work(group="machine")
    async def _look(self, look_with: Look) -> None:
        device = self.session.device
        try:
            self.known = Known(await behind(lambda: look_with(device)))
        except SongdeskError as error:
            self.known = Known(why=str(error))
        self.replan()

    # The plan

    def show_plan(self) -> None:
        """Say what the song as it stands will take, here and in general."""
        super().show_plan()
        self.replan()

    @on(Area.Changed)
    def _may_take_another(self, event: Area.Changed) -> None:
        if event.area.id == "style":  # a reference is heard first; the settings are followed by themselves
            self.replan()

    @on(SettingRow.Judged)
    def _setting_judged(self) -> None:
        self._show_words()  # what is planned is not what stands there

    @work(group="plan", exclusive=True)
    async def replan(self) -> None:
        """Plan the song as it stands for this machine, and say it in a line."""
        self._show_words()
        await asyncio.sleep(_SETTLED)
        session, machine = self.session, self.known.machine
        if machine is None:
            self._forecast = None
        else:
            song, values, (kind, chosen) = session.song, session.values, (session.kind, session.chosen)
            try:
                found = await asyncio.to_thread(forecast, kind, chosen, song, values, machine)
            except SongdeskError:
                found = None  # composing says what is wrong
            self._forecast = found
        self._show_words()
        self._show_need()

    def _show_need(self) -> None:
        """Say at the foot what the planned way takes, and not what the first of all would."""
        if self._forecast is None or not self._forecast.fits:
            return
        plan = self.session.plan()
        lengths = [stage.rung.settings.get("length", plan.seconds) for stage in self._forecast.stages]
        for foot in self.query(Transport):
            foot.show_plan(min(plan.seconds, *map(float, lengths)), self._forecast.peak)

    def _show_words(self) -> None:
        for line in self.query(PlanLine):
            planned = self._forecast
            if self._way:
                line.show(f"now: {self._way}")
            elif self.known.is_looking:
                line.show(f"plan: {LOOKING}")
            elif wrong := self.query_one(TuneArea).wrong:
                line.show(f"plan: {wrong}", is_tight=True)
            elif planned is None:
                line.show(f"plan: unknown: {self.known.why or self.known.words}")
            else:
                line.show(self.plan_words, is_tight=planned.fits is False)

    @property
    def plan_words(self) -> str:
        """What making the song as it stands is expected to take; empty while that is not known."""
        planned = self._forecast
        if planned is None:
            return ""
        if planned.seconds is not None or planned.fits is False:
            return planned.words
        long = f"{planned.words} · time unknown"
        return long if len(long) <= _NARROWEST else f"{planned.words} · time ?"

    def say_begun(self) -> None:
        """Say by what plan the song is made that was just begun."""
        planned = self._forecast
        if planned is None:
            self.say("")
        else:
            words = self.plan_words.removeprefix("fits: ")
            self.say(f"composing: {words}", kind="warning" if planned.fits is False else "note")

    def follow_way(self, meter: Meter) -> None:
        """Say how a song is made, when that changes, and what is wrong with the run."""
        if not meter.state.busy:
            meter = Meter()
        way, warning = self._way, self._warning
        if (meter.way, meter.warning) == (way, warning):
            return
        self._way, self._warning = meter.way, meter.warning
        if self._warning and self._warning != warning:
            self.say(self._warning, kind="warning")
        elif self._way.startswith(_RAN_OUT) and self._way != way:
            self.say(self._way, kind="warning")
        elif self._way and self._way != way and not (self.told and self._way in self.told[-1]):
            self.say(f"{meter.stage}: {self._way}")
        self._show_words()

    # Models

    @work(group="files", exclusive=True)
    async def action_models(self) -> None:
        """Look at the models, choose one for this song, or fetch one."""
        page = ModelsPage(self, self.keys, in_use=self.session.chosen.id)
        chosen = await self.app.push_screen_wait(page)
        if chosen is not None:
            await self._use(chosen)

    async def _use(self, model: str) -> None:
        """Have the open song made with a model from now on; its lyrics and its style stay."""
        if model == self.session.chosen.id:
            self.say(f"{model} is what makes this song already")
            return
        async with self.changing:
            self.write.take_in()
            before = dict(self.session.values)
            try:
                notes = self.session.use(model)
            except SongdeskError as error:
                self.complain(error)
                return
        self._show_model()
        presence = await asyncio.to_thread(presence_of, self.session.chosen)
        told = {note.partition(" ")[0] for note in notes}
        moved = [
            f"{setting.key} {shown(before[setting.key])} → {setting.show(self.session.values[setting.key])}"
            for setting in self.session.settings
            if setting.key in before.keys() - told and self.session.values[setting.key] != before[setting.key]
        ]
        said = [f"{self.session.song.title} is made with {model} from now on", *notes, *moved]
        if not presence.usable:
            fetch = f": {self.keys['models']}, then {self.keys['models.fetch']}, fetches it"
            said.append(f"its weights are {presence.words}{fetch if presence.to_fetch else ''}")
        self.say("; ".join(said), kind="warning" if notes or not presence.usable else "note")
        await self.save()

    def _show_model(self) -> None:
        """Show what another model lets one turn, and what it takes."""
        tune = self.query_one(TuneArea)
        tune.fill()
        tune.composing(self.composing and self.session.is_turnable)
        self.write.editor.check_now()
        self.write.show_budget()
        self._head()

    # Fetching

    @property
    def fetched(self) -> Progress:
        """How far a fetch is."""
        return self.fetching.now

    def fetch(self, model: str) -> None:
        """Begin to fetch a model; it goes on when the page of the models is left."""
        if not self.fetching.busy:
            self._fetch(model)

    def cancel_fetch(self) -> None:
        """End it; what is fetched stays."""
        self.fetching.cancel()

    @work(group="fetch")
    async def _fetch(self, model: str) -> None:
        end = await self.fetching.run(model)
        if not self.query(Area):  # the studio was taken down meanwhile
            return
        if end.state == "done":
            self.say(f"{end.words}: {self.keys['models']} and Enter make this song with it")
        else:
            self.say(end.words, kind="error" if end.state == "failed" else "warning")
