"""The one screen: lyrics, style, settings and takes, with the transport at the foot."""

import asyncio
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.reactive import reactive
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Footer, Static

from core.errors import SongdeskError
from core.lyrics.check import Diagnostic, Severity, check
from core.lyrics.parse import Lyrics, parse
from core.meter import State
from core.review import lyric_tokens
from core.settings import Live
from core.song import Song
from core.songfile import write_songs
from core.style import vocabulary
from tui.bridge import Bridge, MakeEngine
from tui.keys import KEYS
from tui.screens.areas import AREAS, Notice, Tabs
from tui.screens.confirm import Prompt
from tui.screens.deck import Deck, OpenPlayer
from tui.screens.help import Page, help_text
from tui.session import NEW_LYRICS, Session, first_song
from tui.widgets.budget_bar import BudgetBar
from tui.widgets.lyric_editor import LyricEditor
from tui.widgets.problems import ProblemLine, counted, sentence
from tui.widgets.settings_panel import SettingsPanel
from tui.widgets.style_picker import StylePicker
from tui.widgets.takes_list import TakesList
from tui.widgets.transport import Transport

_SAVE_AFTER = 1.0
"""Seconds without a change before the draft is saved."""
_STATES = {State.FINISHING: "stopping, keeping", State.STOPPING: "stopping"}


class StudioScreen(Screen[None]):
    """Joins the areas, the session and the engine; decides nothing that a song is made of."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide")]  # noqa: RUF012 - Textual declares it so
    BINDINGS: ClassVar[list[BindingType]] = [key.binding for key in KEYS if key.id != "quit"]

    composing: reactive[bool] = reactive(False, bindings=True)
    has_sound: reactive[bool] = reactive(False, bindings=True)
    area: reactive[str] = reactive("write")

    def __init__(
        self, session: Session, make_engine: MakeEngine, open_player: OpenPlayer, own_keys: dict[str, str]
    ) -> None:
        super().__init__()
        self.session = session
        self.bridge = Bridge(make_engine)
        self._open_player = open_player
        self._keys = {key.id: own_keys.get(key.id, key.key) for key in KEYS}
        self._own_keys = own_keys
        self._saving = asyncio.Lock()
        self._state = State.IDLE

    def compose(self) -> ComposeResult:
        """Lyrics left, style and settings right, takes below; a narrow terminal shows one at a time."""
        yield self.bridge
        yield Static(id="title", markup=False)
        yield Tabs(self._keys)
        with Horizontal(id="desk"):
            with Vertical(id="write"):
                yield LyricEditor(self.session.kind.dialect, self.session.song.lyrics)
                yield BudgetBar()
                yield ProblemLine()
            with Vertical(id="side"):
                yield StylePicker(vocabulary(), self.session.song.style, id="style")
                yield SettingsPanel(id="tune")
        with Vertical(id="takes"):
            yield TakesList()
            yield Deck(self._open_player)
        yield Notice(markup=False)
        yield Transport()
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Fill the areas and put the cursor into the lyrics."""
        for area in AREAS:
            pane = self.query_one(f"#{area}")
            pane.border_title = Content(f"{area.capitalize()} {self._keys[area].upper()}")
        self.query_one(LyricEditor).judge = self._judge
        self._fill()
        self.watch_area(self.area)
        self.query_one(LyricEditor).focus()

    def on_resize(self) -> None:
        """A footer with labels needs room."""
        self.query_one(Footer).compact = self.size.width < 120

    # The song

    @work(group="open", exclusive=True)
    async def load(self, song: Song, *, go_on: bool) -> None:
        """Open a song in place of the present one, which is saved first."""
        await self.save()
        try:
            said = self.session.open(song, go_on=go_on)
        except SongdeskError as error:
            self.complain(error)
            return
        self._fill()
        if said:
            self.say(said)

    def _fill(self) -> None:
        """Show the open song everywhere."""
        session = self.session
        model = session.chosen.title
        self.query_one("#title", Static).update(
            Content.assemble(" ", (session.song.title, "bold"), f" · {model} ({session.chosen.id})")
        )
        editor = self.query_one(LyricEditor)
        if editor.text != session.song.lyrics:
            editor.load_text(session.song.lyrics)
        self.query_one(StylePicker).load(session.song.style)
        self.query_one(SettingsPanel).show(session.settings, session.values)
        self.query_one(Deck).eject()
        self.has_sound = False
        self._list_takes()
        if session.chosen.weights == "rule":
            self.say(f"{session.chosen.title}: {session.chosen.note}")

    def _judge(self, text: str) -> tuple[Lyrics, tuple[Diagnostic, ...]]:
        lyrics = parse(text)
        kind, chosen = self.session.kind, self.session.chosen
        return lyrics, check(lyrics, kind.dialect, tokens=lyric_tokens(lyrics, kind, chosen))

    @on(LyricEditor.Checked)
    def _lyrics_checked(self, event: LyricEditor.Checked) -> None:
        self.session.rewrite(lyrics=event.lyrics.text)
        self.query_one(BudgetBar).show(self.session.budget_of(event.lyrics))
        self.query_one(ProblemLine).show(None, counted(event.diagnostics))
        self._save_soon()

    @on(LyricEditor.Pointed)
    def _problem_pointed(self, event: LyricEditor.Pointed) -> None:
        self.query_one(ProblemLine).show(event.diagnostic, counted(event.editor.diagnostics))

    @on(StylePicker.Changed)
    def _style_changed(self, event: StylePicker.Changed) -> None:
        self.session.rewrite(style=event.description)
        self._save_soon()

    @on(SettingsPanel.Changed)
    def _setting_changed(self, event: SettingsPanel.Changed) -> None:
        live = self.session.turn(event.key, event.value)
        if self.composing and live is not Live.SONG:
            self.bridge.set_live(event.key, event.value)
        if self.composing:
            self.say(f"{event.key} is heard from the {live.value} on")
        self._save_soon()

    @work(group="save", exclusive=True)
    async def _save_soon(self) -> None:
        if not self.session.is_saved:
            await asyncio.sleep(_SAVE_AFTER)
            await asyncio.shield(self.save())

    async def save(self) -> None:
        """Write the draft now if it differs from the one on disk."""
        self.session.rewrite(lyrics=self.query_one(LyricEditor).text)
        async with self._saving:
            if not self.session.is_saved:
                try:
                    await asyncio.to_thread(self.session.save)
                except SongdeskError as error:
                    self.complain(error)

    # Composing

    @work(group="compose", exclusive=True)
    async def action_compose(self) -> None:
        """Make the song that stands here, or say what keeps it from being made."""
        if self.composing or self._is_refused():
            return
        self.composing = True
        await self.save()
        try:
            job = await asyncio.to_thread(self.session.begin)
        except SongdeskError as error:
            self.composing = False
            self.complain(error)
            return
        self._list_takes()
        self.query_one(SettingsPanel).composing(True)
        self.say("")
        self.bridge.compose_song(job)

    def _is_refused(self) -> bool:
        editor = self.query_one(LyricEditor)
        editor.check_now()
        self.session.rewrite(lyrics=editor.text)
        wrong = next((d for d in editor.diagnostics if d.severity is Severity.ERROR), None)
        if wrong is not None:
            self.say(f"not composed: {sentence(wrong)}", kind="error")
            self.action_area("write")
            editor.move_cursor((wrong.span.start.row, wrong.span.start.column), center=True)
            return True
        finding = self.session.refusal()
        if finding is not None:
            self.say(f"not composed: {finding}", kind="error")
            self.action_area("style" if finding.part == "style" else "write")
        return finding is not None

    def action_stop(self) -> None:
        """End the song here and keep it; while that goes on, abandon it."""
        if self.bridge.meter.state in (State.FINISHING, State.STOPPING):
            self.bridge.stop(keep=False)
            self.say("stopping; nothing of this take is kept", kind="warning")
        else:
            self.bridge.stop(keep=True)
            stop = self._keys["stop"]
            self.say(f"stopping here, and keeping what is made; {stop} once more abandons it", kind="warning")

    @on(Bridge.Read)
    def _meter_read(self, event: Bridge.Read) -> None:
        meter = event.meter
        if not meter.state.busy:
            return
        self.query_one(Transport).show(meter)
        if meter.state is not self._state:
            self.session.mark(meter.job, _STATES.get(meter.state, "composing"))
            self._list_takes()
        self._state = meter.state

    @on(Bridge.RunFinished)
    def _run_finished(self, event: Bridge.RunFinished) -> None:
        self.bridge.acknowledge()
        self.composing = self.bridge.busy
        outcome = event.outcome
        self._state = outcome.state
        made = outcome.seconds or self.bridge.meter.seconds
        self.query_one(Transport).show(replace(self.bridge.meter, seconds=made))
        self.query_one(SettingsPanel).composing(self.composing)
        self.session.end(outcome)
        self._list_takes()
        if outcome.error is not None:
            self.complain(outcome.error)
            return
        title, play = outcome.job.song.title, self._keys["play"]
        match outcome.state:
            case State.CANCELLED:
                self.say(f"{title} was abandoned")
            case _:
                kept = "is ready" if outcome.state is State.DONE else "was stopped and kept"
                self.say(f"{title} {kept}: {play} plays it · {outcome.file}")
                if (
                    outcome.file
                    and self.session.sound_of(outcome.job.id)
                    and not self.query_one(Deck).playing
                ):
                    self._take_up(outcome.job.id, outcome.file, play=False)

    # Takes

    def _list_takes(self) -> None:
        self.query_one(TakesList).show(self.session.rows)

    @on(TakesList.Chosen)
    def _take_chosen(self, event: TakesList.Chosen) -> None:
        sound = self.session.sound_of(event.id)
        if sound is None:
            self.say("this take has no sound to play", kind="warning")
        else:
            self._take_up(event.id, sound, play=True)

    @work(group="take", exclusive=True)
    async def _take_up(self, take: str, sound: Path, *, play: bool) -> None:
        await self.query_one(Deck).load(sound, partial(self.session.marks, take), play=play)
        self.has_sound = self.query_one(Deck).path is not None

    @on(Deck.Spoke)
    def _player_spoke(self, event: Deck.Spoke) -> None:
        self.query_one(Transport).show_player(event.text, event.position, event.duration)

    @on(Deck.Refused)
    def _player_refused(self, event: Deck.Refused) -> None:
        self.complain(event.error)

    @on(Deck.Silent)
    def _player_silent(self, event: Deck.Silent) -> None:
        self.say(event.reason, kind="warning")

    def action_play(self) -> None:
        """Play or pause the take."""
        self.query_one(Deck).toggle()

    def action_seek(self, seconds: int) -> None:
        """Go back or on in the take (s)."""
        self.query_one(Deck).seek(seconds)

    # Getting about

    def action_area(self, area: str) -> None:
        """Show an area and put the keyboard there."""
        self.area = area
        self.call_after_refresh(self._focus_area)

    def watch_area(self, area: str) -> None:
        """A narrow terminal shows one area: the style sheet goes by the class."""
        for name in AREAS:
            self.set_class(name == area, f"-on-{name}")
        for tabs in self.query(Tabs):
            tabs.chosen = area

    def _focus_area(self) -> None:
        pane = self.query_one(f"#{self.area}")
        inside = [child for child in pane.query(Widget) if child.focusable]
        if inside and self.focused not in inside:
            inside[0].focus()

    def on_descendant_focus(self) -> None:
        """The tabs follow the keyboard, however it got there."""
        above = self.focused.ancestors_with_self if self.focused is not None else ()
        self.area = next((node.id for node in above if node.id in AREAS), self.area)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that would do nothing are not shown."""
        match action:
            case "compose":
                return not self.composing
            case "stop":
                return self.composing
            case "play" | "seek":
                return self.has_sound
        return super().check_action(action, parameters)

    def action_help(self) -> None:
        """Show every key."""
        self.app.push_screen(Page("Keys", help_text(KEYS, self._own_keys)))

    def action_engine_text(self) -> None:
        """Show exactly what the model will read."""
        self.session.rewrite(lyrics=self.query_one(LyricEditor).text)
        self.app.push_screen(Page("What the model reads", Content(self.session.engine_text())))

    # Files

    @work(group="files", exclusive=True)
    async def action_save(self) -> None:
        """Write the draft, and the song as a JSONL file beside it."""
        await self.save()
        path = self.session.home / "song.jsonl"
        try:
            await asyncio.to_thread(write_songs, path, [self.session.song])
        except SongdeskError as error:
            self.complain(error)
        else:
            self.say(f"saved as {path}")

    @work(group="files", exclusive=True)
    async def action_open(self) -> None:
        """Open the first song of a JSONL file."""
        name = await self.app.push_screen_wait(Prompt("Open which JSONL file?"))
        if name:
            try:
                song = await asyncio.to_thread(_read, name)
            except SongdeskError as error:
                self.complain(error)
                return
            self.load(song, go_on=False)

    @work(group="files", exclusive=True)
    async def action_new(self) -> None:
        """Begin a new song."""
        title = await self.app.push_screen_wait(Prompt("What is the new song called?"))
        if title:
            self.load(Song(title, NEW_LYRICS, ""), go_on=True)

    # Talking

    def say(self, text: str, *, kind: str = "note") -> None:
        """Say one line above the transport."""
        self.query_one(Notice).say(text, kind=kind)

    def complain(self, error: SongdeskError) -> None:
        """Say what went wrong and what to do about it."""
        self.say(str(error), kind="error")


def _read(name: str) -> Song:
    return first_song(Path(name).expanduser())
