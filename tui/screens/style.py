"""The area of the style: tags that describe the song, and the reference that leads it."""

import asyncio
from collections.abc import Mapping
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from core import style_sets
from core.errors import SongdeskError
from core.style import vocabulary
from tui.screens.areas import Area
from tui.screens.confirm import Confirm, Prompt
from tui.screens.style_sets import SetChooser, meant
from tui.session import Session
from tui.widgets.bars import one_line
from tui.widgets.reference_panel import ReferencePanel
from tui.widgets.style_picker import StylePicker


class StyleArea(Area):
    """Describes the open song, and keeps sets of tags for others."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "alt+s",
            "keep_set",
            "Keep tags",
            id="sets.keep",
            tooltip="Keep these tags as a favourite under a name",
            show=False,
        ),
        Binding(
            "alt+o",
            "take_set",
            "Sets of tags",
            id="sets.take",
            tooltip="Take tags from a favourite, or from an earlier take",
            show=False,
        ),
        Binding(
            "alt+a",
            "reference",
            "Reference",
            id="ref.go",
            tooltip="Go to the reference audio under the tags",
            show=False,
        ),
    ]

    def __init__(self, session: Session, keys: Mapping[str, str]) -> None:
        super().__init__(session, keys, id="style")

    def compose(self) -> ComposeResult:
        """The picker of tags over the reference."""
        song = self.session.song
        yield StylePicker(
            vocabulary(), song.style, filter_key=self.keys["style.dimension"], hint=self._hint()
        )
        yield ReferencePanel(song.reference, keys=self.keys)

    def on_mount(self) -> None:
        """Know the person's own tags."""
        self._learn()

    def fill(self) -> None:
        """Show the style and the reference of the open song."""
        self.query_one(StylePicker).load(self.session.song.style)
        self.query_one(ReferencePanel).load(self.session.song.reference)
        self._compare()

    @work(group="sets")
    async def note_use(self, description: str) -> None:
        """Remember that a take was made with these tags."""
        try:
            said = await asyncio.to_thread(style_sets.note_use, description)
        except SongdeskError as error:
            self.complain(error)
            return
        if said:
            self.say(said, kind="warning")
        self._learn()

    def action_reference(self) -> None:
        """Go to the reference."""
        self.query_one(ReferencePanel).focus()

    @work(group="sets", exclusive=True)
    async def action_keep_set(self) -> None:
        """Ask for a name and keep the tags under it."""
        description = self.query_one(StylePicker).description
        if not description:
            self.say("there are no tags to keep: choose some first", kind="warning")
            return
        name = await self.app.push_screen_wait(
            Prompt(f"Keep as a favourite under which name?\n{description}")
        )
        if not name:
            return
        try:
            kept = await asyncio.to_thread(_kept)
            if kept.get(name, description) != description and not await self._agrees(
                f"{name} is kept already: {kept[name]}", yes="Replace", no="Leave it"
            ):
                return
            said = await asyncio.to_thread(style_sets.keep, name, description)
        except SongdeskError as error:
            self.complain(error)
            return
        self.say(said or f"kept as {one_line(name)}", kind="warning" if said else "note")
        self._learn()

    @work(group="sets", exclusive=True)
    async def action_take_set(self) -> None:
        """Choose one of the sets; or have one forgotten, and choose again."""
        while True:
            favourites, recent = await self._sets()
            if not favourites and not recent:
                self.say(f"there are no sets yet: {self.keys['sets.keep']} keeps the tags that stand here")
                return
            answer = await self.app.push_screen_wait(
                SetChooser(favourites, recent, forget_key=self.keys["sets.forget"])
            )
            if answer is None:
                return
            description, gone = meant(answer, favourites, recent)
            if not gone:
                self.query_one(StylePicker).take(description)
                return
            if await self._agrees(f"Forget {gone}?\n{favourites[gone]}", yes="Forget", no="Keep it"):
                try:
                    await asyncio.to_thread(style_sets.forget, gone)
                except SongdeskError as error:
                    self.complain(error)
                    return

    @on(StylePicker.Changed)
    def _described(self, event: StylePicker.Changed) -> None:
        self.session.rewrite(style=event.description)
        self.changed()

    @on(ReferencePanel.Changed)
    def _led(self, event: ReferencePanel.Changed) -> None:
        self.session.rewrite(reference=event.reference)
        self._compare()
        self.changed()

    def _compare(self) -> None:
        """Tags and a reference can pull two ways: the tags' own advice says so."""
        self.query_one(StylePicker).has_reference = self.session.song.reference is not None

    async def _sets(self) -> tuple[dict[str, str], tuple[str, ...]]:
        """Favourites and what takes were made with; of a file that cannot be read one line is said."""
        favourites, recent, errors = await asyncio.to_thread(_read_sets)
        for error in errors:
            self.complain(error)
        return favourites, recent

    @work(group="learn", exclusive=True)
    async def _learn(self) -> None:
        """Let the tags of the person's own sets be found first."""
        favourites, recent = await self._sets()
        for picker in self.query(StylePicker):  # none where the studio is being taken down
            picker.know(style_sets.known_tags((*favourites.values(), *recent)))

    async def _agrees(self, question: str, *, yes: str, no: str) -> bool:
        yes, no = f"{yes} ({self.keys['confirm.yes']})", f"{no} ({self.keys['confirm.no']})"
        return await self.app.push_screen_wait(Confirm(question, yes=yes, no=no))

    def _hint(self) -> str:
        keys = self.keys
        return (
            f"{keys['style.roll']} roll · {keys['style.roll_all']} all · {keys['style.undo']} undo · "
            f"{keys['sets.take']} sets · {keys['sets.keep']} keep · {keys['ref.go']} reference"
        )


def _kept() -> dict[str, str]:
    """Favourites, none of a file that cannot be read: keeping puts it aside."""
    try:
        return style_sets.favourites()
    except SongdeskError:
        return {}


def _read_sets() -> tuple[dict[str, str], tuple[str, ...], list[SongdeskError]]:
    """What can be read of both files, and what is wrong with the others."""
    favourites: dict[str, str] = {}
    recent: tuple[str, ...] = ()
    errors = []
    try:
        favourites = style_sets.favourites()
    except SongdeskError as error:
        errors.append(error)
    try:
        recent = style_sets.recent()
    except SongdeskError as error:
        errors.append(error)
    return favourites, recent, errors
