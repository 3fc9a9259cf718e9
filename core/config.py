"""The program's own configuration: `conf/songdesk.yaml` as shipped, then the person's file over it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from core.errors import SongdeskError
from core.paths import conf_file, user_config
from core.yamlmarks import told_of_yaml

_MEND = "mend the file or delete it"


@dataclass(frozen=True)
class ListenConfig:
    """How what is played is heard in a browser elsewhere."""

    port: int = 8737
    """On this machine; a free one where it is taken, and always with 0."""


@dataclass(frozen=True)
class StudioConfig:
    """How the studio looks and listens to keys."""

    theme: str = "songdesk"
    mouse: bool = True
    keys: dict[str, str] = field(default_factory=dict)
    """Keys by action id, where they differ from the defaults."""
    on_hangup: Literal["pause", "continue"] = "pause"
    """What becomes of a song that is being made when the link to the terminal is lost."""
    notify: Literal["auto", "bell", "off"] = "auto"
    """What tells that a long song is ready: the bell and what the terminal is known to take, or less."""
    taskbar: bool = True
    """Show progress in the taskbar or tab, where the terminal is known to take it."""
    sound: str = "auto"
    """Which backend plays here, as the doctor names them; `auto` for the first that works."""
    listen: ListenConfig = field(default_factory=ListenConfig)


@dataclass(frozen=True)
class Config:
    """Everything that is neither a song's nor a model's."""

    model: str = "demo"
    device: str = "auto"
    settings: dict[str, Any] = field(default_factory=dict)
    """Values over the model's defaults, by setting key."""
    studio: StudioConfig = field(default_factory=StudioConfig)


def load_config(own: Path | None = None) -> Config:
    """Read both files; SongdeskError names the file and the key that does not fit."""
    mine = user_config() if own is None else own
    merged = OmegaConf.structured(Config)
    for path in (conf_file("songdesk.yaml"), mine):
        if not path.exists():
            continue
        try:
            merged = OmegaConf.merge(merged, OmegaConf.load(path))
        except YAMLError as error:
            what, where = told_of_yaml(error, path)
            raise SongdeskError(what, where=where, hint=_MEND) from error
        except (OmegaConfBaseException, OSError, ValueError, TypeError) as error:
            raise _unfit(path, error) from error
    try:
        config = OmegaConf.to_object(merged)
    except OmegaConfBaseException as error:
        raise _unfit(mine, error) from error
    assert isinstance(config, Config)
    return config


def _unfit(path: Path, error: Exception) -> SongdeskError:
    return SongdeskError(str(error).splitlines()[0], where=str(path), hint=_MEND)
