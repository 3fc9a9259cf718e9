"""Presets: settings under a name, as YAML files of the person's own and a few that are shipped; no torch.

A preset changes the settings it names and leaves the others as they are. It never holds a seed, a device or
a path: those belong to a song, a machine and a command.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import cast

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from core.atomic import unwritable, write_text
from core.errors import SongdeskError
from core.paths import conf_file, user_config
from core.settings import Override, Setting, Value, Values, changed, named
from core.yamlmarks import told_of_yaml

OF_THE_SONG = ("seed", "length")
"""What is not saved with a preset; a length may be written into one by hand, a seed may not."""
_NAME = re.compile(r"\w(?:[\w -]*\w)?")
_LONGEST_NAME = 40
_HEAD = "# A preset of songdesk: what differs from the model's defaults. `songdesk presets` lists them all.\n"
_PATTERN = "write `settings:` and under it lines such as `temperature: 0.9`"


@dataclass(frozen=True, slots=True)
class Preset:
    """Settings under a name, as written; `trouble` is why its file cannot be read."""

    name: str
    where: Path
    given: Mapping[str, object] = field(default_factory=dict)
    about: str = ""
    is_own: bool = True
    """Whether it lies in the person's folder and not among the shipped ones."""
    trouble: SongdeskError | None = None

    @property
    def override(self) -> Override:
        """What it changes; raises its trouble."""
        if self.trouble is not None:
            raise SongdeskError(self.trouble.what, where=self.trouble.where, hint=self.trouble.hint)
        return Override(self.given, str(self.where) if self.is_own else f"{self.where}: {self.name}")

    def values(self, settings: Sequence[Setting]) -> dict[str, Value]:
        """The values it names, by key; SongdeskError names the file and the setting that does not fit."""
        override = self.override
        values = named(settings, override)
        if "seed" in values:
            raise SongdeskError(
                "seed has no place in a preset", where=override.where, hint="remove it: a song keeps its own"
            )
        return values


@dataclass(frozen=True, slots=True)
class Difference:
    """One setting that a preset would change, with both values as a person types them."""

    key: str
    now: str
    then: str

    def __str__(self) -> str:
        return f"{self.key} {self.now} → {self.then}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A preset beside the present settings; one that cannot be used says why."""

    preset: Preset
    differences: tuple[Difference, ...] = ()
    trouble: str = ""


def folder() -> Path:
    """Where the person's own presets lie; it need not exist."""
    return user_config().with_name("presets")


def presets() -> tuple[Preset, ...]:
    """Every preset by name: the person's own, and the shipped ones whose names they have not taken."""
    own = {preset.name: preset for preset in _own()}
    found = {**{preset.name: preset for preset in _shipped()}, **own}
    return tuple(found[name] for name in sorted(found, key=str.casefold))


def find_preset(name: str, where: str = "") -> Preset:
    """One preset by its name; SongdeskError offers the nearest ones."""
    known = {preset.name: preset for preset in presets()}
    plain = unicodedata.normalize("NFC", name.strip())
    if plain not in known:
        close = get_close_matches(plain, known, n=3)
        hint = f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(known)}"
        raise SongdeskError(f"unknown preset {name!r}", where=where, hint=hint)
    return known[plain]


def check_name(name: str) -> str:
    """A name that can be a file's on any system; SongdeskError says what may be in one."""
    plain = unicodedata.normalize("NFC", name.strip())
    if len(plain) > _LONGEST_NAME or not _NAME.fullmatch(plain):
        raise SongdeskError(
            f"a preset cannot be called {name!r}",
            hint=f"use up to {_LONGEST_NAME} letters, digits, spaces, - and _",
        )
    return plain


def is_taken(name: str) -> bool:
    """Whether saving under this name would replace a preset of the person's own."""
    return _file_of(check_name(name)).exists()


def save_preset(name: str, settings: Sequence[Setting], values: Values) -> Preset:
    """Write what differs from the defaults, without the song's own; SongdeskError when nothing does."""
    plain = check_name(name)
    kept = {key: value for key, value in changed(settings, values).items() if key not in OF_THE_SONG}
    if not kept:
        raise SongdeskError(
            "there is nothing to save: but for seed and length, every setting has its default",
            hint="turn one first",
        )
    path = _file_of(plain)
    body = yaml.safe_dump({"settings": kept}, sort_keys=False, allow_unicode=True)
    write_text(path, _HEAD + body)
    return Preset(plain, path, dict(kept))


def delete_preset(name: str) -> None:
    """Remove one of the person's own; a shipped one cannot be."""
    preset = find_preset(name)
    if not preset.is_own:
        raise SongdeskError(f"{preset.name} is shipped with songdesk and stays", hint="save another over it")
    try:
        preset.where.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(preset.where, error) from error


def differences(
    preset: Preset, settings: Sequence[Setting], values: Mapping[str, Value]
) -> tuple[Difference, ...]:
    """What loading a preset would change, in the order of the table; SongdeskError when it does not fit."""
    wanted = preset.values(settings)
    return tuple(
        Difference(s.key, s.show(values[s.key]), s.show(wanted[s.key]))
        for s in settings
        if s.key in wanted and wanted[s.key] != values[s.key]
    )


def compare(settings: Sequence[Setting], values: Mapping[str, Value]) -> tuple[Comparison, ...]:
    """Every preset with what it would change now."""
    found = []
    for preset in presets():
        try:
            found.append(Comparison(preset, differences(preset, settings, values)))
        except SongdeskError as error:
            found.append(Comparison(preset, trouble=str(error)))
    return tuple(found)


def _file_of(name: str) -> Path:
    """The file of a checked name; one that differs in case only is the same preset on some disks."""
    for path in _files():
        if path.stem.casefold() == name.casefold() and path.stem != name:
            raise SongdeskError(
                f"there is a preset called {path.stem!r}", where=str(path), hint="choose another name"
            )
    return folder() / f"{name}.yaml"


def _files() -> list[Path]:
    try:
        return sorted(path for path in folder().iterdir() if path.suffix == ".yaml" and path.stem[:1] != ".")
    except OSError:
        return []


def _own() -> list[Preset]:
    found = []
    for path in _files():
        name = unicodedata.normalize("NFC", path.stem)
        try:
            about, given = _entry(_read(path), path)
            found.append(Preset(check_name(name), path, given, about))
        except SongdeskError as error:
            told = SongdeskError(error.what, where=str(error.where or path), hint=error.hint)
            found.append(Preset(name, path, trouble=told))
    return found


def _shipped() -> list[Preset]:
    path = conf_file("presets.yaml")
    found = []
    for name, entry in _mapping(_read(path), path).items():
        about, given = _entry(entry, path)
        found.append(Preset(name, path, given, about, is_own=False))
    return found


def _entry(raw: object, path: Path) -> tuple[str, dict[str, object]]:
    """What is said of a preset, and its settings as written."""
    fields = _mapping(raw, path)
    if stray := fields.keys() - {"about", "settings"}:
        raise SongdeskError(f"unknown entry {min(stray)!r}", where=str(path), hint=_PATTERN)
    return str(fields.get("about") or ""), _mapping(fields.get("settings"), path)


def _mapping(raw: object, path: Path) -> dict[str, object]:
    if not isinstance(raw, dict):
        raise SongdeskError("this is no preset", where=str(path), hint=_PATTERN)
    return {str(key): value for key, value in raw.items()}


def _read(path: Path) -> object:
    """A YAML file's content; SongdeskError names the file and, where it is known, the line."""
    try:
        return cast("object", OmegaConf.to_container(OmegaConf.load(path)))
    except yaml.YAMLError as error:
        what, where = told_of_yaml(error, path)
        raise SongdeskError(what, where=where, hint="mend the file or delete it") from error
    except (OmegaConfBaseException, OSError, ValueError, TypeError, RecursionError) as error:
        what = (getattr(error, "strerror", None) or str(error)).splitlines()[0]
        raise SongdeskError(what, where=str(path), hint="mend the file or delete it") from error
