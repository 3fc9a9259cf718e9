"""The one screen: lyrics, style, settings and takes, with the transport at the foot."""

import asyncio
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static

from core.errors import SongdeskError
from core.lyrics.check import Diagnostic, Severity, check
from core.lyrics.parse import Lyrics, parse
from core.meter import State
from core.review import lyric_tokens
from core.settings import Live
from core.song import Song
from core.songfile import write_songs
from core.takes import folder_name
from tui.bridge import Bridge, MakeEngine
from tui.keys import KEYS, OF_THE_APP
from tui.screens.confirm import Prompt
from tui.screens.deck import Deck, OpenPlayer
from tui.screens.help import help_text
from tui.screens.layout import FourAreas
from tui.screens.page import Page
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
_STATES = {State.FINISHING: "stopping, keeping", State.STOPPING: "abandoning"}
_WHY_NOT = {
    "compose": "a song is being composed already",
    "stop": "no song is being composed",
    "play": "there is no take in hand: choose one in the takes",
    "seek": "there is no take in hand: choose one in the takes",
}
"""Why an action chosen by its words does nothing now."""


class StudioScreen(FourAreas):
    """Joins the areas, the session and the engine; decides nothing that a song is made of."""

    BINDINGS: ClassVar[list[BindingType]] = [key.binding for key in KEYS if key.id not in OF_THE_APP]

    composing: reactive[bool] = reactive(False, bindings=True)
    has_sound: reactive[bool] = reactive(False, bindings=True)

    def __init__(
        self, session: Session, make_engine: MakeEngine, open_player: OpenPlayer, own_keys: dict[str, str]
    ) -> None:
        super().__init__(session, open_player, own_keys)
        self.bridge = Bridge(make_engine)
        self._own_keys = own_keys
        self._saving = asyncio.Lock()
        self._job = ""
        """The job in hand."""
        self._is_stopping = False
        """Whether it was asked to end and be kept."""

    def compose(self) -> ComposeResult:
        """The areas, and the ear at the engine."""
        yield self.bridge
        yield from super().compose()

    def on_mount(self) -> None:
        """Fill the areas."""
        self.query_one(LyricEditor).judge = self._judge
        self._fill()

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
            Content.assemble((f" {session.song.title} ", "bold"), f"· {model} ({session.chosen.id})")
        )
        editor = self.query_one(LyricEditor)
        if editor.text != session.song.lyrics:
            editor.load_text(session.song.lyrics)
        self.query_one(StylePicker).load(session.song.style)
        self.query_one(SettingsPanel).show(session.settings, session.values)
        self.query_one(Deck).eject()
        self.has_sound = False
        self._list_takes()
        self._show_plan()
        if session.chosen.weights == "rule":
            self.say(f"{session.chosen.id}: {session.chosen.note}")

    def _show_plan(self) -> None:
        plan = self.session.plan()
        self.query_one(Transport).show_plan(plan.seconds, plan.peak)

    def _judge(self, text: str) -> tuple[Lyrics, tuple[Diagnostic, ...]]:
        lyrics = parse(text)
        kind, chosen = self.session.kind, self.session.chosen
        return lyrics, check(lyrics, kind.dialect, tokens=lyric_tokens(lyrics, kind, chosen))

    @on(LyricEditor.Checked)
    def _lyrics_checked(self, event: LyricEditor.Checked) -> None:
        self.session.rewrite(lyrics=event.lyrics.text)
        self._show_budget(event.lyrics)
        self.query_one(ProblemLine).show(None, counted(event.diagnostics))
        self._save_soon()

    def _show_budget(self, lyrics: Lyrics) -> None:
        self.query_one(BudgetBar).show(self.session.budget_of(lyrics), self.session.plan().seconds)

    @on(LyricEditor.Pointed)
    def _problem_pointed(self, event: LyricEditor.Pointed) -> None:
        self.query_one(ProblemLine).show(event.diagnostic, counted(event.editor.diagnostics))

    @on(StylePicker.Changed)
    def _style_changed(self, event: StylePicker.Changed) -> None:
        self.session.rewrite(style=event.description)
        self._save_soon()

    @on(SettingsPanel.Changed)
    def _setting_changed(self, event: SettingsPanel.Changed) -> None:
        self.session.turn(event.key, event.value)
        if self.composing:
            heard = self.session.turn_live(self._job, event.key, self.bridge.meter)
            if heard is not Live.SONG:
                self.bridge.set_live(event.key, event.value)
            self.say(f"{event.key} is heard from the {heard.value} on")
            self._list_takes()
        self._show_plan()
        self._show_budget(parse(self.session.song.lyrics))
        self._save_soon()

    @work(group="save", exclusive=True)
    async def _save_soon(self) -> None:
        if not self.session.is_saved:
            await asyncio.sleep(_SAVE_AFTER)
            await asyncio.shield(self.save())

    async def save(self) -> None:
        """Write the draft now if it differs from the one on disk."""
        for editor in self.query(LyricEditor):  # none when the studio is already being taken down
            self.session.rewrite(lyrics=editor.text)
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
        self._job, self._is_stopping = job.id, False
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
        """End the song here and keep it; once more, in whichever phase, abandons it."""
        self.bridge.stop(keep=not self._is_stopping)
        if self._is_stopping or self.bridge.meter.state is State.STOPPING:
            self.say("stopping; nothing of this take is kept", kind="warning")
        else:
            stop = self.keys["stop"]
            self.say(f"stopping here, and keeping what is made; {stop} once more abandons it", kind="warning")
        self._is_stopping = True

    @on(Bridge.Read)
    def _meter_read(self, event: Bridge.Read) -> None:
        meter = event.meter
        if not meter.state.busy:
            return
        self.query_one(Transport).show(meter)
        going = "stopping, keeping" if self._is_stopping else "composing"
        self.session.mark(meter.job, _STATES.get(meter.state, going))
        self._list_takes()

    @on(Bridge.RunFinished)
    def _run_finished(self, event: Bridge.RunFinished) -> None:
        self.bridge.acknowledge()
        self.composing = self.bridge.busy
        outcome = event.outcome
        made = outcome.seconds or self.bridge.meter.seconds
        self.query_one(Transport).show(replace(self.bridge.meter, seconds=made))
        self.query_one(SettingsPanel).composing(self.composing)
        self.session.end(outcome)
        self._list_takes()
        if outcome.error is not None:
            self.complain(outcome.error)
            return
        title, play = outcome.job.song.title, self.keys["play"]
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
        sound, meter = self.session.sound_of(event.id), self.bridge.meter
        if sound is None and meter.job == event.id and meter.preview is not None:
            sound = meter.preview
            self.say(f"the first {meter.preview_seconds:.0f} s of it, as far as it is rendered")
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

    def action_explain(self, action: str) -> None:
        """Say why an action does nothing now."""
        self.say(_WHY_NOT.get(action, "this does nothing now"))

    def action_help(self) -> None:
        """Show every key."""
        self.app.push_screen(Page("Keys", help_text(self._own_keys)))

    def action_engine_text(self) -> None:
        """Show exactly what the model will read."""
        self.session.rewrite(lyrics=self.query_one(LyricEditor).text)
        self.app.push_screen(Page("What the model reads", Content(self.session.engine_text())))

    # Files

    @work(group="files", exclusive=True)
    async def action_save(self) -> None:
        """Write the draft, and the song as a JSONL file beside it."""
        await self.save()
        song, path = self.session.song, self.session.home / "song.jsonl"
        # The file format takes only titles that are file names as well.
        title = folder_name(song.title)
        try:
            await asyncio.to_thread(write_songs, path, [replace(song, title=title)])
        except SongdeskError as error:
            self.complain(error)
        else:
            self.say(f"saved as {path}" + (f", under the title {title}" if title != song.title else ""))

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


def _read(name: str) -> Song:
    return first_song(Path(name).expanduser())
