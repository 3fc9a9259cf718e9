"""The first page, shown once: what this is, what is heard, and the keys to begin with."""

from collections.abc import Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tui.screens.modal import Modal

_KEYS = (
    ("compose", "makes the song that stands here"),
    ("play", "plays the take, also while it is rendered"),
    ("write", "goes to the lyrics; {style}, {tune} and {takes} to style, settings and takes"),
    ("palette", "finds every action by a few letters"),
    ("help", "shows every key"),
)


def first_text(keys: Mapping[str, str], *, is_demo: bool) -> Content:
    """The page, with the keys in force."""
    parts: list[Content | str | tuple[str, str]] = [
        "Write lyrics in sections, choose style tags, and a song model on this machine sings them.\n",
        "Everything is saved while you write; no take is ever lost.\n\n",
    ]
    if is_demo:
        parts += [
            ("The model here is a demo: tiny, and taught by made-up songs alone. ", "bold"),
            "It sings your words in the form, beat and kind of voice you ask for, but plainly, like a toy. "
            "For real songs fetch a model:\n",
            (f"  {keys['models'].upper():<8}", "bold"),
            "shows the models, what fits this machine, and fetches one\n",
            "          (in a shell: songdesk models, songdesk models fetch NAME)\n\n",
        ]
    for name, words in _KEYS:
        parts.append((f"  {keys[name].upper():<8}", "bold"))
        parts.append(f"{words.format(**{key: keys[key].upper() for key in ('style', 'tune', 'takes')})}\n")
    parts.append("\nA sample song stands ready.")
    return Content.assemble(*parts)


class First(Modal[None]):
    """Any key closes it."""

    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self, text: Content) -> None:
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        """The page."""
        with VerticalScroll(classes="page", can_focus=False) as page:
            page.border_title = "Welcome to songdesk"
            page.border_subtitle = "any key begins"
            yield Static(self._text, markup=False)

    def on_key(self) -> None:
        """Begin; a key that means something everywhere still means it."""
        self.dismiss(None)

    def on_click(self) -> None:
        """Begin."""
        self.dismiss(None)
