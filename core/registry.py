"""The models songdesk knows, read from `conf/models.yaml`: shapes, limits, defaults and files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import cast

from omegaconf import OmegaConf

from core.errors import SongdeskError
from core.paths import conf_file


@dataclass(frozen=True, slots=True)
class Limits:
    """What a model can take in and put out."""

    seconds: float
    lyric_tokens: int
    style_tokens: int


@dataclass(frozen=True, slots=True)
class Variant:
    """One model of a family."""

    id: str
    family: str
    title: str
    note: str
    version: str
    limits: Limits
    shapes: Mapping[str, Mapping[str, object]]
    defaults: Mapping[str, object] = field(default_factory=dict)
    """Settings whose default differs from the family's."""
    weights: str = "published"
    """`rule` when songdesk makes them itself, `published` when they must be fetched."""


@cache
def variants() -> Mapping[str, Variant]:
    """Every model by its id."""
    raw = OmegaConf.to_container(OmegaConf.load(conf_file("models.yaml")))
    assert isinstance(raw, dict)
    return {str(name): _variant(str(name), cast("dict[str, object]", entry)) for name, entry in raw.items()}


def variant(name: str) -> Variant:
    """One model; SongdeskError lists the known ones."""
    known = variants()
    if name not in known:
        raise SongdeskError(f"unknown model {name!r}", hint=f"known: {', '.join(known)}")
    return known[name]


def _variant(name: str, entry: dict[str, object]) -> Variant:
    limits = cast("dict[str, float]", entry["limits"])
    return Variant(
        id=name,
        family=str(entry["family"]),
        title=str(entry["title"]),
        note=str(entry["note"]),
        version=str(entry["version"]),
        limits=Limits(float(limits["seconds"]), int(limits["lyric_tokens"]), int(limits["style_tokens"])),
        shapes=cast("dict[str, dict[str, object]]", entry["shapes"]),
        defaults=cast("dict[str, object]", entry.get("defaults", {})),
        weights=str(entry.get("weights", "published")),
    )
