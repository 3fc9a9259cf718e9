"""LeVo 2 as the studio and the command line see it: stages, settings, plan; imports no torch."""

from core.engine import Plan, Stage
from core.family import Family
from core.levo import plan as plans
from core.levo.heard import heard_from
from core.levo.identity import LED_BY, identity
from core.levo.settings import settings_of
from core.levo.text import count_lyric_tokens, count_style_tokens, cut_lyrics, cut_style, style_text
from core.lyrics.tags import dialect
from core.registry import Variant
from core.settings import Values
from core.song import Song

STAGES = (
    Stage(
        "conditions",
        "reading",
        1,
        "steps",
        roles=(),
        reads=(),
        writes="conditions",
        extras=LED_BY,
    ),
    Stage(
        "tokens",
        "composing",
        2,
        "frames",
        roles=("tokens",),
        reads=("conditions",),
        writes="tokens",
        may_read=("start",),
    ),
    Stage(
        "audio",
        "rendering",
        3,
        "steps",
        roles=("flow", "vae"),
        reads=("conditions", "tokens"),
        writes="audio",
        may_read=("start",),
    ),
)


def _style(description: str, chosen: Variant, values: Values) -> str:
    return style_text(description, version=chosen.version, musicality=values.text("musicality"))


def _plan(song: Song, chosen: Variant, values: Values) -> Plan:
    return plans.plan(song, chosen, values)


FAMILY = Family(
    id="levo",
    title="LeVo 2",
    dialect=dialect("levo"),
    stages=STAGES,
    settings=settings_of,
    plan=_plan,
    count_tokens=count_lyric_tokens,
    count_style_tokens=count_style_tokens,
    cut_lyrics=cut_lyrics,
    cut_style=cut_style,
    identity=identity,
    style_text=_style,
    heard_from=heard_from,
    engine="core.levo.engine:LevoEngine",
)
