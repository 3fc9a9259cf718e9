"""What the deck has to tell the studio."""

from dataclasses import dataclass

from textual.containers import Vertical
from textual.message import Message

from core.errors import SongdeskError
from tui.widgets.takes_list import Signs


class Telling(Vertical):
    """The deck without what it does: its messages."""

    @dataclass
    class Spoke(Message, namespace="deck"):
        """What the player does now; times in seconds."""

        text: str
        position: float | None
        duration: float | None

    @dataclass
    class Silent(Message, namespace="deck"):
        """There is no sound where somebody wants to hear some, or it has stopped of itself."""

        reason: str

    @dataclass
    class Refused(Message, namespace="deck"):
        """A take cannot be played."""

        error: SongdeskError

    @dataclass
    class Told(Message, namespace="deck"):
        """What a key did, or why it did nothing."""

        text: str

    @dataclass
    class Signed(Message, namespace="deck"):
        """Other takes are in hand, heard or compared than before."""

        signs: Signs
