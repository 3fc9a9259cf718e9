"""What leads the song: nothing, a built-in style, or ten seconds of a recording chosen on its waveform."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Static

from core.audio.outline import outline_of
from core.errors import SongdeskError
from core.reference import LONGEST, look_at
from core.song import BUILT_IN_STYLES, Reference
from tui.widgets.bars import one_line
from tui.widgets.path_prompt import PathPrompt
from tui.widgets.reference_keys import REFERENCE_KEYS
from tui.widgets.window_wave import WindowWave

if TYPE_CHECKING:
    from textual.timer import Timer

    from tui.widgets.waveform import Shape

_SETTLED = 0.3
"""Seconds the window must rest until it is played from its new place."""
_GLYPHS = {
    "left": "←", "right": "→", "up": "↑", "down": "↓", "pageup": "pgup", "pagedown": "pgdn", "delete": "del",
}  # fmt: skip
_OF_A_FILE = frozenset({"move", "go", "listen"})


class ReferencePanel(Vertical, can_focus=True):
    """One line, and the waveform of a recording while the keyboard is here."""

    BINDINGS: ClassVar[list[BindingType]] = REFERENCE_KEYS

    playing: reactive[bool] = reactive(False)
    """Whether the recording is being heard; false again when its window is over or somebody says so."""

    class Changed(Message):
        """Another reference is chosen, or another window of it."""

        def __init__(self, panel: "ReferencePanel", reference: Reference | None) -> None:
            super().__init__()
            self.panel = panel
            self.reference = reference

        @property
        def control(self) -> "ReferencePanel":
            """The panel it came from."""
            return self.panel

    class Listen(Message):
        """A stretch of a recording is to be played: `seconds` from `start` (s) on."""

        def __init__(self, path: Path, start: float, seconds: float) -> None:
            super().__init__()
            self.path = path
            self.start = start
            self.seconds = seconds

    class Hush(Message):
        """It is to be heard no longer, or its window is over."""

    def __init__(self, reference: Reference | None = None, *, keys: Mapping[str, str] | None = None) -> None:
        """`keys` are the keys in force by action, where they differ from the panel's own."""
        super().__init__()
        self.reference = reference
        self._keys = {str(b.id): b.key.split(",")[0] for b in REFERENCE_KEYS if isinstance(b, Binding)}
        self._keys |= {name: key for name, key in (keys or {}).items() if name in self._keys}
        self._recording: Reference | None = None
        """The file chosen last: still among the choices when another is taken."""
        self._shape: Shape | None = None
        self._trouble = ""
        self._over: Timer | None = None
        self._resting: Timer | None = None

    def compose(self) -> ComposeResult:
        """What leads, its waveform, what is wrong with it, the keys, and the question for a file."""
        yield Static(classes="what", markup=False)
        yield WindowWave(LONGEST)
        yield Static(classes="trouble", markup=False)
        yield Static(classes="hint", markup=False)
        prompt = PathPrompt()
        prompt.display = False
        yield prompt

    def on_mount(self) -> None:
        """Show what leads."""
        self._take_up()

    def load(self, reference: Reference | None) -> None:
        """Show another song's reference; nothing is posted."""
        if reference != self.reference:
            self._hush()
            self.reference, self._recording = reference, None
            self._close_prompt()
            self._take_up()

    @property
    def has_recording(self) -> bool:
        """Whether a file leads."""
        return self.reference is not None and bool(self.reference.path)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Without a recording there is no window: its keys are free for whoever stands above."""
        if self.query_one(PathPrompt).display:
            return False
        if action in _OF_A_FILE:
            return self.has_recording
        if action == "clear":
            return self.reference is not None
        return super().check_action(action, parameters)

    def action_ask(self) -> None:
        """Ask for a file, beginning where the present one lies."""
        prompt = self.query_one(PathPrompt)
        prompt.display = True
        self.set_class(True, "-asking")
        folder = str(Path(self._recording.path).parent).rstrip("/") + "/" if self._recording else "~/"
        prompt.ask(folder)

    def action_style(self, step: int) -> None:
        """Go to the next choice or the one before: none, the built-in styles, the file chosen last."""
        choices: list[Reference | None] = [None, *(Reference(style=name) for name in BUILT_IN_STYLES)]
        if self._recording is not None:
            choices.append(self._recording)
        at = choices.index(self.reference) if self.reference in choices else 0
        self._choose(choices[(at + step) % len(choices)])

    def action_clear(self) -> None:
        """Let nothing lead."""
        self._choose(None)

    def action_move(self, seconds: float) -> None:
        """Move the window (s)."""
        if self.reference is not None:
            self._go_to(self.reference.start + seconds)

    def action_go(self, end: int) -> None:
        """Move the window to the beginning of the recording, or with -1 to its end."""
        self._go_to(0.0 if end >= 0 else self._latest())

    def action_listen(self) -> None:
        """Play the window; once more stops."""
        if self.playing:
            self._hush()
        else:
            self._play()

    def watch_playing(self) -> None:
        """Say so."""
        if self.is_mounted:
            self._write()

    def on_focus(self) -> None:
        """The line says where the keyboard is; a file that could not be read is looked at anew."""
        self._close_prompt()
        if self._trouble:
            self._take_up()
        self.call_later(self._write)

    def on_resize(self) -> None:
        """What unfolds where the keyboard is comes into view."""
        if self.has_focus_within:
            self._come_into_view()

    def on_blur(self) -> None:
        """The line says where the keyboard is."""
        self.call_later(self._write)

    @on(PathPrompt.Cancelled)
    def _cancelled(self, event: PathPrompt.Cancelled) -> None:
        event.stop()
        self._close_prompt()
        self.focus()

    @on(PathPrompt.Chosen)
    def _named(self, event: PathPrompt.Chosen) -> None:
        event.stop()
        self._look_at(Reference(path=event.path))

    @work(group="look", exclusive=True)
    async def _look_at(self, reference: Reference) -> None:
        """Take a file that can be heard; say of another what is wrong."""
        try:
            await asyncio.to_thread(look_at, reference)
        except SongdeskError as error:
            self.query_one(PathPrompt).refuse(str(error))
            return
        if self.query_one(PathPrompt).display:
            self._close_prompt()
            self.focus()
            self._choose(reference)

    @work(group="outline", exclusive=True)
    async def _measure(self, reference: Reference) -> None:
        self._trouble = ""
        try:
            await asyncio.to_thread(look_at, reference)
        except SongdeskError as error:
            self._trouble = str(error)
        try:
            # A window that lies beyond the end can only be moved back where there is a waveform.
            self._shape = await asyncio.to_thread(outline_of, Path(reference.path))
        except SongdeskError as error:
            self._trouble = self._trouble or str(error)
        self.query_one(WindowWave).show(self._shape, "no waveform: the file cannot be read")
        self._write()

    def _choose(self, reference: Reference | None) -> None:
        """A person's own choice."""
        if reference == self.reference:
            return
        self._hush()
        self.reference = reference
        self._take_up()
        self.post_message(self.Changed(self, reference))

    def _take_up(self) -> None:
        """Show a reference from the beginning."""
        reference = self.reference
        self._shape, self._trouble = None, ""
        self.workers.cancel_group(self, "outline")
        self.set_class(self.has_recording, "-recording")
        if reference is not None and reference.path:
            self._recording = reference
            wave = self.query_one(WindowWave)
            wave.show(None, "measuring…")
            wave.start = reference.start
            self._measure(reference)
        self._write()

    def _go_to(self, start: float) -> None:
        reference = self.reference
        if reference is None or self._shape is None:
            return
        moved = replace(reference, start=round(max(0.0, min(self._latest(), start)), 2))
        if moved == reference:
            return
        self.reference = self._recording = moved
        self.query_one(WindowWave).start = moved.start
        self._write()
        if self._trouble:
            self._measure(moved)
        self.post_message(self.Changed(self, moved))
        if self.playing:
            if self._resting is not None:
                self._resting.stop()
            self._resting = self.set_timer(_SETTLED, self._play)

    def _latest(self) -> float:
        """Where the last whole window begins (s)."""
        return max(0.0, self._shape.seconds - LONGEST) if self._shape is not None else 0.0

    def _play(self) -> None:
        if self.reference is None:
            return
        whole = self._shape.seconds if self._shape is not None else self.reference.start + LONGEST
        seconds = min(LONGEST, max(0.0, whole - self.reference.start))
        self.post_message(self.Listen(Path(self.reference.path), self.reference.start, seconds))
        self._stop_timers()
        self._over = self.set_timer(seconds, self._hush)
        self.playing = True

    def _hush(self) -> None:
        self._stop_timers()
        if self.playing:
            self.playing = False
            self.post_message(self.Hush())

    def _stop_timers(self) -> None:
        for timer in (self._over, self._resting):
            if timer is not None:
                timer.stop()
        self._over = self._resting = None

    def _close_prompt(self) -> None:
        self.query_one(PathPrompt).display = False
        self.set_class(False, "-asking")

    def _come_into_view(self) -> None:
        """Where the area is small, show all that has just been unfolded."""
        self.call_after_refresh(self.scroll_visible, animate=False)

    def _write(self) -> None:
        if not self.children:  # the keyboard leaves while the studio is being taken down
            return
        mark = "▸" if self.has_focus else " "
        self.query_one(".what", Static).update(Content(f"{mark}reference: {self._words()}"))
        self.query_one(".hint", Static).update(Content(f" {self._hint()}"))
        line = self.query_one("ReferencePanel > .trouble", Static)
        line.update(Content(one_line(f"✗ {self._trouble}" if self._trouble else "")))
        line.display = bool(self._trouble)

    def _words(self) -> str:
        reference = self.reference
        if reference is None:
            return "none"
        if reference.style:
            return f"{one_line(reference.style)}, built in"
        name, start = one_line(Path(reference.path).name), reference.start
        if self._shape is None:
            return f"{name} from {_time(start)}"
        whole = self._shape.seconds
        sound = " ▶" if self.playing else ""
        return f"{_time(start)}–{_time(min(whole, start + LONGEST))} of {_time(whole)}{sound} · {name}"

    def _hint(self) -> str:
        """The keys that do something now."""

        def key(name: str) -> str:
            own = self._keys[f"ref.{name}"]
            return _GLYPHS.get(own, own)

        hints = [f"{key('file')} file", f"{key('next')} built in"]
        if self.has_recording:
            hints += [
                f"{key('earlier')} {key('later')} 1 s",
                f"{key('back10')} {key('on10')} 10 s",
            ]
            hints += [f"{key('listen')} {'stop' if self.playing else 'listen'}"]
        if self.reference is not None:
            hints += [f"{key('clear')} none"]
        return " · ".join(hints)


def _time(seconds: float) -> str:
    """A time with tenths, `1:12.5`."""
    tenths = round(seconds * 10)
    return f"{tenths // 600}:{tenths % 600 / 10:04.1f}"
