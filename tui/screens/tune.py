"""The area of the settings: what a model lets a person turn, before and while a song is made."""

import asyncio
from collections.abc import Mapping

from textual import on, work
from textual.app import ComposeResult
from textual.message import Message

from core.errors import SongdeskError
from core.meter import Meter
from core.presets import OF_THE_SONG, check_name, compare, delete_preset, find_preset, is_taken, save_preset
from core.settings import Value
from tui.screens.areas import Area
from tui.screens.confirm import Confirm, Prompt
from tui.screens.presets import PresetsPage, Wish
from tui.session import Session
from tui.widgets.automation import Automation
from tui.widgets.plan_line import PlanLine
from tui.widgets.settings_panel import SettingsPanel


class TuneArea(Area):
    """Turns the settings of the open song, one by one or by a preset."""

    class Turned(Message):
        """Settings have new values, which are in the song already."""

        def __init__(self, changes: Mapping[str, Value]) -> None:
            super().__init__()
            self.changes = changes

    def __init__(self, session: Session, keys: Mapping[str, str]) -> None:
        super().__init__(session, keys, id="tune")

    def compose(self) -> ComposeResult:
        """The panel."""
        more, less, reset, presets = (
            self.keys[f"tune.{name}"] for name in ("more", "less", "reset", "presets")
        )
        yield SettingsPanel(hint=f"{more} {less} turn it · {reset} default · {presets} presets")
        yield PlanLine()
        yield Automation()

    @property
    def panel(self) -> SettingsPanel:
        """The rows."""
        return self.query_one(SettingsPanel)

    @property
    def wrong(self) -> str:
        """What is wrong with a setting as it stands in its field; empty where all fit."""
        row = self.panel.wrong
        return f"{row.setting.key}: {row.trouble}" if row is not None else ""

    def go_to_wrong(self) -> None:
        """Put the keyboard on the first setting that does not fit."""
        row = self.panel.wrong
        if row is not None:
            row.field.focus()

    def fill(self) -> None:
        """Show the settings of the open song."""
        self.panel.show(self.session.settings, self.session.values)
        self.panel.forget()

    def composing(self, is_composing: bool) -> None:
        """Say of each setting when a change would be heard now."""
        self.panel.composing(is_composing)
        if not is_composing:
            self.query_one(Automation).show((), 0.0)

    def follow(self, meter: Meter) -> None:
        """Draw how knobs were turned in the take that is being made: a narrow screen hides the takes."""
        seconds, reached = self.session.lane_axis(meter)
        self.query_one(Automation).show(self.session.lanes_made(meter.job), seconds, reached=reached)

    @on(SettingsPanel.Changed)
    def _changed(self, event: SettingsPanel.Changed) -> None:
        self._turn({event.key: event.value})

    @on(SettingsPanel.Replaced)
    def _replaced(self, event: SettingsPanel.Replaced) -> None:
        shown = {s.key: s.show(event.changes[s.key]) for s in self.session.settings if s.key in event.changes}
        # While a song is made, the studio has something of more use to say: when each of them is heard.
        self.say(f"{event.why}: {', '.join(f'{key} {value}' for key, value in shown.items())}")
        self._turn(event.changes)

    def _turn(self, changes: Mapping[str, Value]) -> None:
        for key, value in changes.items():
            self.session.turn(key, value)
        self.post_message(self.Turned(changes))
        self.changed()

    @on(SettingsPanel.PresetsWanted)
    @work(group="presets", exclusive=True)
    async def _presets_wanted(self, event: SettingsPanel.PresetsWanted) -> None:
        wish: Wish | None = Wish("save") if event.to_save else await self._ask()
        while wish is not None:
            try:
                wish = await self._do(wish)
            except SongdeskError as error:
                self.complain(error)
                return

    async def _ask(self, at: str = "") -> Wish | None:
        """Show the presets beside the settings as they stand."""
        session = self.session
        found = await asyncio.to_thread(compare, session.settings, session.values)
        return await self.app.push_screen_wait(PresetsPage(found, self.keys, at=at))

    async def _do(self, wish: Wish) -> Wish | None:
        """Do what was asked for; gives what is asked for next."""
        match wish.verb:
            case "load" | "load_alone":
                await self._load(wish.name, alone=wish.verb == "load_alone")
                return None
            case "save":
                await self._save()
                return None
            case "delete":
                await self._delete(wish.name)
                return await self._ask()

    async def _load(self, name: str, *, alone: bool) -> None:
        settings = self.session.settings
        preset = await asyncio.to_thread(find_preset, name)
        values = preset.values(settings)
        if alone:
            values = {s.key: s.default for s in settings if s.key not in OF_THE_SONG} | values
        before = self.panel.values
        self.panel.take(values, f"{name} loaded")
        if self.panel.values == before:
            self.say(f"{name} changes nothing: the settings are as it says")

    async def _save(self) -> None:
        name = await self.app.push_screen_wait(Prompt("Keep these settings under which name?"))
        if not name:
            return
        name = check_name(name)
        if await asyncio.to_thread(is_taken, name) and not await self._agrees(
            f"There is a preset called {name}. Replace it?", "Replace"
        ):
            return
        preset = await asyncio.to_thread(save_preset, name, self.session.settings, self.session.values)
        kept = ", ".join(preset.given)
        self.say(f"preset {name} saved: {kept}; seed and length stay with the song · {preset.where}")

    async def _delete(self, name: str) -> None:
        preset = await asyncio.to_thread(find_preset, name)
        question = f"Delete the preset {name}? Its file goes: {preset.where}"
        if preset.is_own and not await self._agrees(question, "Delete"):
            return
        await asyncio.to_thread(delete_preset, name)
        self.say(f"preset {name} deleted")

    async def _agrees(self, question: str, verb: str) -> bool:
        yes, no = (self.keys[f"confirm.{answer}"] for answer in ("yes", "no"))
        return await self.app.push_screen_wait(Confirm(question, yes=f"{verb} ({yes})", no=f"Keep ({no})"))
