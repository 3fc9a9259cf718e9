"""The foot of the studio: the keys that do something now, in one row."""

from typing import ClassVar, NamedTuple

from textual import events
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget


class _Key(NamedTuple):
    shown: str
    words: str
    key: str
    is_on: bool


class KeyLine(Widget, can_focus=False):
    """Painted by itself, and only when other keys count than before: no widget a key, no layout."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"key-line--key", "key-line--off"}
    DEFAULT_CSS = """
    KeyLine {
        dock: bottom;
        height: 1;
        color: $footer-foreground;
        background: $footer-background;
        & > .key-line--key {
            color: $footer-key-foreground;
            background: $footer-key-background;
            text-style: bold;
        }
        & > .key-line--off { text-style: dim; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._keys: tuple[_Key, ...] = ()

    def on_mount(self) -> None:
        """Listen for other keys."""
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    @property
    def words(self) -> str:
        """The row as it reads."""
        return self._line().plain

    def render(self) -> Content:
        """The row."""
        return self._line()

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """A click on a key is the key."""
        at = 0
        for key, part in zip(self._keys, self._parts(), strict=True):
            at += part.cell_length
            if event.x < at:
                event.stop()
                if key.is_on:
                    self.app.simulate_key(key.key)
                return

    def _changed(self, screen: Screen[object]) -> None:
        active = [(b.binding, b.enabled) for b in screen.active_bindings.values() if b.binding.show]
        first = {binding.action: (binding, enabled) for binding, enabled in reversed(active)}
        keys = tuple(
            _Key(self.app.get_key_display(binding), binding.description, binding.key, enabled)
            for binding, enabled in (first[action] for action in dict.fromkeys(b.action for b, _ in active))
        )
        if keys != self._keys:
            self._keys = keys
            self.refresh()

    def _line(self) -> Content:
        return Content("").join(self._parts())

    def _parts(self) -> list[Content]:
        """Each key with its words, apart from its neighbours as far as there is room."""
        for before, after in ((" ", "  "), (" ", " "), ("", " ")):
            parts = [self._part(key, before, after) for key in self._keys]
            if sum(part.cell_length for part in parts) <= self.size.width:
                break
        return parts

    def _part(self, key: _Key, before: str, after: str) -> Content:
        name = self.get_visual_style("key-line--key")
        words = f" {key.words}{after}"
        rest = (
            Content.styled(words, self.get_visual_style("key-line--off")) if not key.is_on else Content(words)
        )
        return Content.assemble(before, (key.shown, name), rest)
