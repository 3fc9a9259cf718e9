"""The models songdesk knows: `conf/models.yaml` as shipped, and the person's own `models.yaml` over it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import cast

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from core.errors import SongdeskError
from core.paths import conf_file, user_config


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
    sources: Mapping[str, str] = field(default_factory=dict)
    """By role of a published model the file that its weights are converted from."""


@cache
def variants() -> Mapping[str, Variant]:
    """Every model by its id; SongdeskError names a file that does not fit."""
    files = (conf_file("models.yaml"), user_config().with_name("models.yaml"))
    return {name: model for path in files if path.exists() for name, model in _read(path).items()}


def variant(name: str) -> Variant:
    """One model; SongdeskError lists the known ones."""
    known = variants()
    if name not in known:
        raise SongdeskError(f"unknown model {name!r}", hint=f"known: {', '.join(known)}")
    return known[name]


def _read(path: Path) -> dict[str, Variant]:
    try:
        raw = OmegaConf.to_container(OmegaConf.load(path), resolve=True)
        entries = cast("dict[str, dict[str, object]]", raw)
        return {str(name): _variant(str(name), entry) for name, entry in entries.items()}
    except (
        OmegaConfBaseException,
        YAMLError,
        OSError,
        KeyError,
        TypeError,
        ValueError,
        AttributeError,
    ) as error:
        reason = f"{type(error).__name__}: {str(error).splitlines()[0]}"
        raise SongdeskError(reason, where=str(path), hint="mend it after the pattern of demo") from error


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
        sources=cast("dict[str, str]", entry.get("sources", {})),
    )
