"""How the studio looks: its own themes, and the terminal's own colours where there are few."""

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
LIGHT = Theme(
    name="songdesk-light",
    primary="#2f6690",
    secondary="#6b4f8f",
    accent="#7d5200",
    foreground="#24262a",
    background="#f7f5f0",
    surface="#efece4",
    panel="#e2ded3",
    success="#3d6b2e",
    warning="#7d5200",
    error="#a32f2f",
    dark=False,
)
HIGH_CONTRAST = Theme(
    name="songdesk-contrast",
    primary="#6fd3ff",
    secondary="#ffb3ff",
    accent="#ffe14d",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#1f1f1f",
    success="#7dff7d",
    warning="#ffe14d",
    error="#ffb0b0",
    dark=True,
    variables={
        "text-muted": "#ffffff",
        "text-error": "#ffb0b0",
        "text-warning": "#ffe14d",
        "text-success": "#7dff7d",
        "border": "#ffffff",
        "input-cursor-background": "#ffffff",
        "input-cursor-foreground": "#000000",
    },
)
OWN = (SONGDESK, LIGHT, HIGH_CONTRAST)
"""Dark, light, and one in which all words stand out."""
PLAIN = "ansi-dark"
PLAIN_LIGHT = "ansi-light"


def choose_theme(wanted: str, environment: Mapping[str, str]) -> str:
    """The theme to start in; SongdeskError for an unknown one.

    Ours give way to the terminal's own colours under NO_COLOR and where there are only 16.
    """
    ours = {theme.name: theme for theme in OWN}
    known = (*ours, *BUILTIN_THEMES)
    if wanted not in known:
        raise SongdeskError(
            f"no theme is called {wanted!r}",
            where="songdesk.yaml: studio.theme",
            hint=f"known: {', '.join(known)}",
        )
    is_light = not (ours.get(wanted) or BUILTIN_THEMES[wanted]).dark
    plain = PLAIN_LIGHT if is_light else PLAIN
    if environment.get("NO_COLOR"):
        return plain
    return plain if wanted in ours and _has_few_colours(environment) else wanted


def _has_few_colours(environment: Mapping[str, str]) -> bool:
    if environment.get("COLORTERM", "").lower() in {"truecolor", "24bit"}:
        return False
    if environment.get("TEXTUAL_COLOR_SYSTEM", "auto") == "standard":
        return True
    _, _, colours = environment.get("TERM", "").lower().rpartition("-")
    return colours not in {"256color", "kitty", "direct", "truecolor"}
