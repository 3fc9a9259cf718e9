"""How the studio looks: its own theme, and the terminal's own colours where there are few."""

from collections.abc import Mapping

from textual.theme import BUILTIN_THEMES, Theme

from core.errors import SongdeskError

SONGDESK = Theme(
    name="songdesk",
    primary="#7aa2c8",
    secondary="#a58bc4",
    accent="#e0b060",
    foreground="#d8d8d2",
    background="#14161a",
    surface="#191c21",
    panel="#22262d",
    success="#8fb573",
    warning="#e0b060",
    error="#e07070",
    dark=True,
)
PLAIN = "ansi-dark"


def choose_theme(wanted: str, environment: Mapping[str, str]) -> str:
    """The theme to start in; SongdeskError for an unknown one.

    Ours gives way to the terminal's own colours under NO_COLOR and where there are only 16.
    """
    known = (SONGDESK.name, *BUILTIN_THEMES)
    if wanted not in known:
        raise SongdeskError(
            f"no theme is called {wanted!r}",
            where="songdesk.yaml: studio.theme",
            hint=f"known: {', '.join(known)}",
        )
    if environment.get("NO_COLOR"):
        return PLAIN
    return PLAIN if wanted == SONGDESK.name and _has_few_colours(environment) else wanted


def _has_few_colours(environment: Mapping[str, str]) -> bool:
    if environment.get("COLORTERM", "").lower() in {"truecolor", "24bit"}:
        return False
    if environment.get("TEXTUAL_COLOR_SYSTEM", "auto") == "standard":
        return True
    _, _, colours = environment.get("TERM", "").lower().rpartition("-")
    return colours not in {"256color", "kitty", "direct", "truecolor"}
