"""The models songdesk knows: `conf/models.yaml` as shipped, and the person's own `models.yaml` over it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, cast

import yaml

from core.errors import SongdeskError
from core.paths import conf_file, user_config
from core.yamlmarks import told_of_yaml

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Takes a tenth of the other's time, of which every command's start is made."""
_PATTERN = "mend it after the pattern of demo"
_REPO = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*", re.ASCII)
_WAYS = ("published", "shipped", "rule")
_DIGEST = re.compile(r"[0-9a-f]{64}|[0-9a-f]{1,63}…[0-9a-f]{0,63}")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a model can take in and put out."""

    seconds: float
    lyric_tokens: int
    style_tokens: int


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """A file as its publisher has it: where it is, what it weighs, and what becomes of it here."""

    path: str
    """In its repository; the published tree and folders of already fetched files have the same."""
    repo: str
    """Its repository on the hub; empty for a file that no hub has (see `note`)."""
    roles: tuple[str, ...] = ()
    """The weights that are made of it; none for a file that is kept as it is."""
    keep_as: str = ""
    """Where a file that is kept as it is goes, below the folder of all weights."""
    bytes: int | None = None
    """Its size where that is known to the byte."""
    about: int = 0
    """Its size (bytes) as far as it is known, to tell a person."""
    sha256: str = ""
    """Its SHA-256; where only a part is known, its beginning and its end with an ellipsis between."""
    optional: bool = False
    """Whether songs without a reference do without it."""
    shared: bool = True
    """Whether all published models of the family read what becomes of it; an own file has to say so."""
    note: str = ""

    def __post_init__(self) -> None:
        """Raises ValueError for names that could lead out of a folder, and for what is no hash."""
        for name in (self.path, *([self.keep_as] if self.keep_as else [])):
            if not _is_below(name):
                raise ValueError(f"{name!r} is no path below a folder")
        if bool(self.roles) == bool(self.keep_as):
            raise ValueError(f"{self.path} needs either roles or keep_as")
        if self.repo and not _REPO.fullmatch(self.repo):
            raise ValueError(f"{self.repo!r} is no owner/name of a repository")
        if self.sha256 and not _DIGEST.fullmatch(self.sha256):
            raise ValueError(f"{self.sha256!r} is no SHA-256 in small hex digits")

    @property
    def name(self) -> str:
        """Without its folders."""
        return PurePosixPath(self.path).name

    @property
    def is_known_by_hash(self) -> bool:
        """Whether its whole SHA-256 is known."""
        return len(self.sha256) == 64 and "…" not in self.sha256

    def agrees(self, digest: str) -> bool:
        """Whether a SHA-256 in hex is this file's, as far as that is known."""
        begin, _, end = self.sha256.partition("…")
        return digest.startswith(begin) and digest.endswith(end)


@dataclass(frozen=True, slots=True)
class Licence:
    """On what terms a model's weights are to be had."""

    name: str
    url: str = ""
    is_free: bool = False
    """Whether it lets one use the songs for anything, for money too."""


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
    """`shipped` with songdesk, `published` when they must be fetched, `rule` when songdesk makes them itself,
    untrained, on first use.
    """
    files: tuple[PublishedFile, ...] = ()
    """What has to be fetched for it, or what came with songdesk."""
    parameters: int = 0
    """Of the language model, all that its published file holds; 0 where it is not told."""
    languages: tuple[str, ...] = ()
    """That it sings, by their ISO 639-1 codes, as its publisher says."""
    licence: Licence = Licence("")
    """Of its weights."""
    attribution: str = ""
    """Whom to name."""

    def __post_init__(self) -> None:
        """Raises ValueError for a way to get weights that there is not."""
        if self.weights not in _WAYS:
            raise ValueError(f"weights {self.weights!r} is none of {', '.join(_WAYS)}")

    @property
    def is_built_in(self) -> bool:
        """Whether there is nothing to fetch for it, its own vocabulary included."""
        return self.weights != "published"

    @property
    def sources(self) -> Mapping[str, str]:
        """By role the path of the published file that its weights are converted from."""
        return {role: file.path for file in self.files for role in file.roles}


@cache
def variants() -> Mapping[str, Variant]:
    """Every model by its id; SongdeskError names a file that does not fit."""
    files = (conf_file("models.yaml"), user_config().with_name("models.yaml"))
    return {
        name: model
        for path in files
        if path.exists()
        for name, model in _read(path, is_own=path == files[-1]).items()
    }


def variant(name: str) -> Variant:
    """One model; SongdeskError lists the known ones."""
    known = variants()
    if name not in known:
        raise SongdeskError(f"unknown model {name!r}", hint=f"known: {', '.join(known)}")
    return known[name]


def _read(path: Path, *, is_own: bool = False) -> dict[str, Variant]:
    try:
        raw = _LOADER(path.read_text(encoding="utf-8")).get_single_data()
    except yaml.YAMLError as error:
        what, where = told_of_yaml(error, path)
        raise SongdeskError(what, where=where, hint=_PATTERN) from error
    except (OSError, ValueError) as error:
        what = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise SongdeskError(what, where=str(path), hint=_PATTERN) from error
    if not isinstance(raw, dict):
        raise SongdeskError("this is no list of models by their names", where=str(path), hint=_PATTERN)
    return {str(name): _listed(str(name), entry, path, is_own=is_own) for name, entry in raw.items()}


def _listed(name: str, entry: object, path: Path, *, is_own: bool) -> Variant:
    """One entry of a file; SongdeskError says what of it is missing or wrong."""
    if not isinstance(entry, dict):
        what = f"model `{name}` has nothing below its name"
        raise SongdeskError(what, where=str(path), hint=_PATTERN)
    try:
        return _variant(name, entry, is_own=is_own)
    except KeyError as error:
        what = f"model `{name}` has no `{error.args[0]}`"
        raise SongdeskError(what, where=str(path), hint=_PATTERN) from error
    except (TypeError, ValueError, AttributeError) as error:
        what = f"model `{name}` does not fit: {(str(error).splitlines() or [''])[0]}"
        raise SongdeskError(what, where=str(path), hint=_PATTERN) from error


def _variant(name: str, entry: dict[str, object], *, is_own: bool) -> Variant:
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
        files=tuple(_file(each, is_own) for each in cast("list[dict[str, Any]]", entry.get("files", []))),
        parameters=int(cast("int", entry.get("parameters", 0))),
        languages=tuple(str(code) for code in cast("list[str]", entry.get("languages", []))),
        licence=Licence(**cast("dict[str, Any]", entry.get("licence", {"name": ""}))),
        attribution=str(entry.get("attribution", "")),
    )


def _file(entry: dict[str, Any], is_own: bool) -> PublishedFile:
    # What comes for a model of one's own must not be taken for a part of the published ones.
    return PublishedFile(**{"shared": not is_own, **entry, "roles": tuple(entry.get("roles", ()))})


def _is_below(name: str) -> bool:
    """Whether a path of a registry stays below the folder that it is meant for."""
    parts = name.split("/")
    return name.isprintable() and "\\" not in name and not any(part in ("", ".", "..") for part in parts)
