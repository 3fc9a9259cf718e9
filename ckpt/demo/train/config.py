"""`config.yaml` and what a command changes of it, read into each part's own settings."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from core.errors import SongdeskError
from core.levo.shapes import Shapes, shapes_of
from core.registry import variants
from core.yamlmarks import told_of_yaml

FILE = Path(__file__).with_name("config.yaml")
_MISSING = object()

T = TypeVar("T")


@dataclass(frozen=True)
class Config:
    """All values, by part."""

    values: DictConfig
    device: str = "cpu"
    """Where networks learn: `cpu`, `cuda`, `cuda:1`."""
    workers: int = 0
    """Processes beside, which make what the next steps learn from; 0: the process itself does."""

    @property
    def seed(self) -> int:
        """What every draw of training is keyed by."""
        return int(self.values.seed)

    @cached_property
    def shapes(self) -> Shapes:
        """Sizes of the demo's networks, as the product has them."""
        return shapes_of(variants()["demo"].shapes)

    def part(self, name: str, kind: type[T]) -> T:
        """The block of a part as the frozen dataclass `kind`; SongdeskError for values that do not fit it."""
        try:
            block = OmegaConf.merge(OmegaConf.structured(kind), self.values.get(name) or {})
            settings: Any = OmegaConf.to_object(block)
        except OmegaConfBaseException as error:
            raise _unfit(error, f"{FILE.name}: {name}") from error
        assert isinstance(settings, kind)
        return settings


def load(
    changes: Sequence[str] = (), *, part: str = "", file: Path = FILE, device: str = "cpu", workers: int = 0
) -> Config:
    """The file with `key=value` changes over it; a key is taken as one of `part` where there is such a one.

    Raises SongdeskError for a key that the file does not have.
    """
    values = _read(file)
    for change in changes:
        key, is_pair, text = change.partition("=")
        if not key or not is_pair:
            raise SongdeskError(f"{change} is no key=value", hint="write for example vae.plan.steps=100")
        found = _found(values, key, part)
        try:
            OmegaConf.update(values, found, OmegaConf.from_dotlist([f"value={text}"]).value)
        except (OmegaConfBaseException, YAMLError) as error:
            raise _unfit(error, found) from error
    return Config(values, device, workers)


def _read(file: Path) -> DictConfig:
    try:
        values = OmegaConf.load(file)
    except YAMLError as error:
        what, where = told_of_yaml(error, file)
        raise SongdeskError(what, where=where) from error
    except OSError as error:
        raise SongdeskError(str(error.strerror or error), where=str(file)) from error
    if not isinstance(values, DictConfig):
        raise SongdeskError("there are no keys in it", where=str(file))
    return values


def _found(values: DictConfig, key: str, part: str) -> str:
    """The whole key that `key` means."""
    for whole in (f"{part}.{key}", key) if part else (key,):
        try:
            value = OmegaConf.select(values, whole, default=_MISSING)
        except OmegaConfBaseException:  # a dot behind what is no block
            continue
        if value is not _MISSING:
            if isinstance(value, DictConfig):
                raise SongdeskError(
                    f"{whole} is a block of keys", hint=f"set one of {', '.join(map(str, value))}"
                )
            return whole
    known = ", ".join(_leaves(values, part))
    raise SongdeskError(f"there is no key {key}", hint=f"use one of {known}")


def _leaves(values: DictConfig, part: str) -> list[str]:
    """Every key that can be set, of a part or of all."""
    block = values.get(part) if part else None
    if not isinstance(block, DictConfig):
        return [leaf for name in values for leaf in _under(values, str(name))]
    return [leaf for name in block for leaf in _under(block, str(name))]


def _under(block: DictConfig, name: str) -> list[str]:
    inner = block[name]
    if not isinstance(inner, DictConfig):
        return [name]
    return [f"{name}.{leaf}" for each in inner for leaf in _under(inner, str(each))]


def _unfit(error: Exception, where: str) -> SongdeskError:
    return SongdeskError(str(error).splitlines()[0], where=where)
