"""LeVo 2 as the studio and the command line see it: stages, settings, plan; imports no torch."""

from pathlib import Path

from core.device import Device
from core.engine import Plan, Rung, Stage
from core.family import Family, Kept
from core.levo import plan as plans
from core.levo.heard import heard_from
from core.levo.identity import LED_BY, identity
from core.levo.ladder import ladder
from core.levo.settings import settings_of
from core.levo.shapes import EDGE_SAMPLES
from core.levo.text import count_lyric_tokens, count_style_tokens, cut_lyrics, cut_style, style_text
from core.lyrics.parse import Lyrics
from core.lyrics.tags import dialect
from core.registry import Variant
from core.sections import SectionStart
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


def _ladder(song: Song, chosen: Variant, values: Values, stage: str, device: Device) -> tuple[Rung, ...]:
    return ladder(song, chosen, values, stage, device)


def _begin_with(parent: Path, child: Path, seconds: float) -> Kept:
    from core.levo.start import begin_with

    return begin_with(parent, child, seconds)


def _begin_as(parent: Path, child: Path) -> None:
    from core.levo.start import begin_as

    begin_as(parent, child)


def _section_starts(
    chosen: Variant, folder: Path, lyrics: Lyrics, seconds: float
) -> tuple[SectionStart, ...]:
    from core.levo.sections import section_starts

    return section_starts(chosen, folder, lyrics, seconds)


FAMILY = Family(
    id="levo",
    title="LeVo 2",
    dialect=dialect("levo"),
    stages=STAGES,
    settings=settings_of,
    plan=_plan,
    ladder=_ladder,
    count_tokens=count_lyric_tokens,
    count_style_tokens=count_style_tokens,
    cut_lyrics=cut_lyrics,
    cut_style=cut_style,
    identity=identity,
    style_text=_style,
    heard_from=heard_from,
    begin_with=_begin_with,
    begin_as=_begin_as,
    edge_samples=EDGE_SAMPLES,
    section_starts=_section_starts,
    engine="core.levo.engine:LevoEngine",
)
