"""Settings as data: what a model family lets a person turn, and the values in force."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import Enum
from types import MappingProxyType

from core.errors import SongdeskError

Value = float | int | bool | str
TRUSTED = "trusted"
"""Of a setting `memory`: what is set is tried, whatever memory seems to be free."""
_BOUNDLESS = 2.0**53
"""An upper bound that no person needs to be told."""


class Kind(Enum):
    """What a setting's value is."""

    REAL = "number"
    WHOLE = "whole number"
    FLAG = "on or off"
    CHOICE = "one of a list"


class Live(Enum):
    """When a change takes effect while a song is being made."""

    SONG = "next song"
    PHASE = "next phase"
    STEP = "next step"


@dataclass(frozen=True, slots=True)
class Shadow:
    """A state of another setting in which this one has no effect."""

    key: str
    values: tuple[Value, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Setting:
    """One knob: its range, when a change is heard, and what makes it idle."""

    key: str
    kind: Kind
    default: Value
    help: str
    stage: str
    """The first stage that reads it: a change invalidates this stage and those after it."""
    live: Live = Live.SONG
    lo: float | None = None
    hi: float | None = None
    choices: tuple[str, ...] = ()
    unit: str = ""
    aliases: tuple[str, ...] = ()
    """Other names accepted in JSONL `parameters` and in `--set`."""
    shadowed_by: tuple[Shadow, ...] = ()
    step: float = 1
    """How far one key press turns a number; 0 goes by 1, 2, 5, 10, 20, 50 and so on."""
    group: str = ""
    """A heading for people to find it under."""
    changes_nothing: bool = False
    """Whether a take is the same whatever it is: it says how to go about it, and may change on the way."""
    stands_for: Mapping[Value, Value | None] = field(default_factory=dict, hash=False)
    """By value that in which older takes are the same; None where they knew of no such setting."""

    def parse(self, raw: object, where: str = "") -> Value:
        """Turn what a person or a file gave into a value; SongdeskError names the range it must fit."""
        value = self._read(str(raw).strip(), where)
        if isinstance(value, str):
            return value
        if (self.lo is not None and value < self.lo) or (self.hi is not None and value > self.hi):
            raise self._refuse(raw, where)
        return value

    def counted(self, value: Value) -> Value | None:
        """As what a value counts where takes are compared; None where it does not count at all."""
        if self.changes_nothing:
            return None
        return next((older for newer, older in self.stands_for.items() if newer == value), value)

    def show(self, value: Value) -> str:
        """The value as a person types it."""
        return shown(bool(value) if self.kind is Kind.FLAG else value)

    def nudge(self, value: Value, by: int) -> Value:
        """The value so many small steps up (down below 0): a number stays in range, a choice goes around."""
        if self.kind is Kind.FLAG:
            return bool(value) ^ bool(by % 2)
        if isinstance(value, str):
            at = self.choices.index(value) if value in self.choices else -by
            return self.choices[(at + by) % len(self.choices)]
        for _ in range(abs(by)):
            value = self._stepped(value, up=by > 0)
            value = max(value, type(value)(self.lo)) if self.lo is not None else value
            value = min(value, type(value)(self.hi)) if self.hi is not None else value
        return value

    @property
    def allowed(self) -> str:
        """The accepted values in words, such as `0 to 2` or `wav, flac, mp3`."""
        if self.kind is Kind.CHOICE:
            return ", ".join(self.choices)
        if self.kind is Kind.FLAG:
            return "on, off"
        unit = f" {self.unit}" if self.unit else ""
        if self.lo is None or self.hi is None:
            return f"{self.kind.value}{unit}"
        if self.hi >= _BOUNDLESS:
            return f"a {self.kind.value} from {self.lo:g} up{unit}"
        return f"{self.lo:g} to {self.hi:g}{unit}"

    def _stepped(self, value: float, *, up: bool) -> float:
        """The next multiple of the step, whole where the value is whole."""
        if not self.step:
            return type(value)(_rung(value, up=up))
        if isinstance(value, int):
            step = max(1, int(self.step))
            return (value // step + 1) * step if up else (-(-value // step) - 1) * step
        # A multiple that floating point has missed by a hair is still that multiple.
        at = value / self.step
        count = math.floor(at + 1e-6) + 1 if up else math.ceil(at - 1e-6) - 1
        return float(round(count * self.step, 6))

    def _read(self, text: str, where: str) -> Value:
        try:
            match self.kind:
                case Kind.REAL:
                    number = float(text)
                    if number != number:
                        raise ValueError
                    return number
                case Kind.WHOLE:
                    return int(text) if not text.endswith(".0") else int(text[:-2])
                case Kind.FLAG:
                    return {"on": True, "true": True, "1": True, "yes": True,
                            "off": False, "false": False, "0": False, "no": False}[text.lower()]  # fmt: skip
                case Kind.CHOICE:
                    # YAML takes an unquoted `off` for a truth value before anybody here sees it.
                    said = {"false": "off", "true": "on"}.get(text.lower(), text.lower())
                    return next(c for c in self.choices if c in (said, text.lower()))
        except (ValueError, KeyError, StopIteration):
            raise self._refuse(text, where) from None

    def _refuse(self, raw: object, where: str) -> SongdeskError:
        return SongdeskError(f"{self.key} cannot be {raw!r}", where=where, hint=f"use {self.allowed}")


@dataclass(frozen=True, slots=True)
class Values(Mapping[str, Value]):
    """Every setting's value, frozen for one run; typed readers say what a caller expects."""

    items_by_key: Mapping[str, Value] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "items_by_key", MappingProxyType(dict(self.items_by_key)))

    def __getitem__(self, key: str) -> Value:
        return self.items_by_key[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.items_by_key)

    def __len__(self) -> int:
        return len(self.items_by_key)

    def real(self, key: str) -> float:
        """A number."""
        return float(self[key])

    def whole(self, key: str) -> int:
        """A whole number."""
        return int(self[key])

    def text(self, key: str) -> str:
        """One of a list."""
        return str(self[key])

    def replace(self, **changes: Value) -> "Values":
        """The same values with some changed."""
        return Values({**self.items_by_key, **changes})


@dataclass(frozen=True, slots=True)
class Override:
    """Values somebody gave by name, and where they stand (a file's line, `--set`, …)."""

    given: Mapping[str, object]
    where: str = ""


def resolve(settings: Sequence[Setting], *overrides: Override) -> Values:
    """Defaults, then each override in turn; unknown names and values out of range raise SongdeskError."""
    values: dict[str, Value] = {s.key: s.default for s in settings}
    for override in overrides:
        values |= named(settings, override)
    return Values(values)


def named(settings: Sequence[Setting], override: Override) -> dict[str, Value]:
    """The values an override names, by key; unknown names and values out of range raise SongdeskError."""
    names = {name: s for s in settings for name in (s.key, *s.aliases)}
    values: dict[str, Value] = {}
    for name, raw in override.given.items():
        setting = names.get(name.strip().lower())
        if setting is None:
            close = get_close_matches(name.lower(), names, n=1)
            hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(s.key for s in settings)}"
            raise SongdeskError(f"unknown setting {name!r}", where=override.where, hint=hint)
        values[setting.key] = setting.parse(raw, override.where)
    return values


def shown(value: Value) -> str:
    """A value as a person types it, also where its setting is not at hand."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _rung(value: float, *, up: bool) -> float:
    """The next of 0, 1, 2, 5, 10, 20, 50, … above or below a value."""
    tens = 10 ** max(0, len(str(int(abs(value)))) - 1)
    rungs = [0, *(digit * power for power in (tens // 10, tens, tens * 10) for digit in (1, 2, 5) if power)]
    return min(r for r in rungs if r > value) if up else max((r for r in rungs if r < value), default=0)


def parse_pairs(text: str, *, between: str, where: str = "") -> dict[str, str]:
    """Read `temp:0.9, cfg_coef:1.5` (between=":") or `key=value` (between="=") into names and raw values."""
    pairs: dict[str, str] = {}
    for part in text.split(","):
        if not part.strip():
            continue
        name, mark, value = part.partition(between)
        if not mark or not name.strip() or not value.strip():
            raise SongdeskError(
                f"cannot read {part.strip()!r}",
                where=where,
                hint=f"write name{between}value, with commas between",
            )
        if name.strip().lower() in pairs:
            raise SongdeskError(f"{name.strip()} is given twice", where=where, hint="keep one of them")
        pairs[name.strip().lower()] = value.strip()
    return pairs


def changed(settings: Sequence[Setting], values: Values) -> dict[str, Value]:
    """The values that differ from their defaults."""
    return {s.key: values[s.key] for s in settings if values[s.key] != s.default}


def idle_reason(setting: Setting, values: Mapping[str, Value]) -> str | None:
    """Why a setting has no effect in the present combination; None when it has one."""
    for shadow in setting.shadowed_by:
        if values.get(shadow.key) in shadow.values:
            return shadow.reason
    return None
