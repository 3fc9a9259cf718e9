"""Every key of the studio in one table; bindings, palette, help and remapping are made from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from textual.binding import Binding

from core.errors import SongdeskError


@dataclass(frozen=True, slots=True)
class Key:
    """One action: its id for remapping, its key, and its words."""

    id: str
    key: str
    action: str
    label: str
    tooltip: str
    in_footer: bool = False
    is_first: bool = False
    """Goes before the keys of the widget in focus."""

    @property
    def binding(self) -> Binding:
        """The key as Textual takes it."""
        return Binding(
            self.key,
            self.action,
            self.label,
            id=self.id,
            tooltip=self.tooltip,
            show=self.in_footer,
            priority=self.is_first,
        )


KEYS = (
    Key("compose", "ctrl+g", "compose", "Compose", "Make the song that stands here", in_footer=True),
    Key(
        "stop",
        "ctrl+t",
        "stop",
        "Stop",
        "End the song here and keep it; once more abandons it",
        in_footer=True,
    ),
    Key("play", "ctrl+r", "play", "Play", "Play or pause the take", in_footer=True),
    Key("back", "ctrl+left,left", "seek(-5)", "Back 5 s", "Go back 5 s in the take, where no text is edited"),
    Key("forward", "ctrl+right,right", "seek(5)", "On 5 s", "Go on 5 s in the take, where no text is edited"),
    Key("write", "f2", "area('write')", "Write", "Go to the lyrics", is_first=True),
    Key("style", "f3", "area('style')", "Style", "Go to the style tags", is_first=True),
    Key("tune", "f5", "area('tune')", "Tune", "Go to the settings", is_first=True),
    Key("takes", "f6", "area('takes')", "Takes", "Go to the takes", is_first=True),
    Key("engine-text", "ctrl+l", "engine_text", "Engine text", "Show exactly what the model will read"),
    Key("save", "ctrl+s", "save", "Save", "Write the song as a JSONL file"),
    Key("open", "ctrl+o", "open", "Open", "Open the first song of a JSONL file"),
    Key("new", "ctrl+n", "new", "New", "Begin a new song"),
    Key("help", "f1", "help", "Help", "Show every key", in_footer=True),
    Key("quit", "ctrl+q", "app.quit", "Quit", "Leave the studio", in_footer=True),
)
"""In the order of the help and the footer."""


def keymap(own: Mapping[str, str]) -> dict[str, str]:
    """A person's keys by action id; SongdeskError names an id that does not exist or a key given twice."""
    known = {key.id: key.key for key in KEYS}
    for name, key in own.items():
        if name not in known:
            close = get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}"
            raise SongdeskError(
                f"no action is called {name!r}", where="songdesk.yaml: studio.keys", hint=hint
            )
        if not key.strip():
            raise SongdeskError(f"{name} has no key", where="songdesk.yaml: studio.keys", hint="name one: f5")
    merged = {**known, **own}
    for name, keys in own.items():
        for other, others in merged.items():
            twice = set(_split(keys)) & set(_split(others))
            if other != name and twice:
                raise SongdeskError(
                    f"{name} and {other} both have the key {min(twice)}",
                    where="songdesk.yaml: studio.keys",
                    hint="give one of them another key",
                )
    return dict(own)


def _split(keys: str) -> list[str]:
    return [key.strip() for key in keys.split(",") if key.strip()]
