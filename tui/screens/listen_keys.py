"""The keys of the player, wherever the keyboard is in the takes: single keys, as no text is edited there."""

from textual.binding import Binding, BindingType


def _key(key: str, action: str, label: str, name: str, tooltip: str) -> Binding:
    return Binding(key, action, label, id=f"listen.{name}", tooltip=tooltip, show=False)


LISTEN_KEYS: list[BindingType] = [
    _key("comma", "skip(-1)", "Back 1 s", "back", "Go back 1 s in the take"),
    _key("full_stop", "skip(1)", "On 1 s", "forward", "Go on 1 s in the take"),
    _key(
        "p",
        "section(-1)",
        "Section back",
        "previous",
        "Go to the start of this section, or of the one before",
    ),
    _key("n", "section(1)", "Section on", "next", "Go to the start of the next section"),
    _key(
        "home", "ends(False)", "To the start", "start", "Go to the start of the take, or of what goes round"
    ),
    _key(
        "end", "ends(True)", "To the end", "end", "Go to the last second of the take, or of what goes round"
    ),
    _key("o", "loop", "Loop", "loop", "Let this section go round; then the whole take; then nothing"),
    _key("plus,equals_sign", "volume(1)", "Louder", "louder", "Play louder, kept for the next time"),
    _key("minus", "volume(-1)", "Softer", "softer", "Play softer, kept for the next time"),
    _key("a", "mark('a')", "Compare as A", "mark_a", "Call the take under the cursor A, or no longer"),
    _key("b", "mark('b')", "Compare as B", "mark_b", "Call the take under the cursor B, or no longer"),
    _key(
        "x",
        "switch",
        "A or B",
        "switch",
        "Hear the other one of A and B at the same place, equally loud",
    ),
    _key("1", "hear('mix')", "Hear the mix", "mix", "Hear the whole mix of the take"),
    _key(
        "2", "hear('vocal')", "Hear the vocal", "vocal", "Hear the vocal alone, where the take has its stem"
    ),
    _key(
        "3",
        "hear('backing')",
        "Hear the backing",
        "backing",
        "Hear the backing alone, with the vocal muted, where the take has its stem",
    ),
]
