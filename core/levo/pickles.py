"""The index of a torch file, read by a machine that makes lists and claims, and calls nothing; no torch.

The index is a pickle: a program for a small stack machine. `pickletools` takes it apart without running it;
here each step is looked up in a table of those that plain data is made of. All else is refused by name and
place, before a byte of any tensor is read. Nothing is imported, and nothing the file names is ever called.
"""

import pickletools
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.errors import SongdeskError
from core.headers import is_plain
from core.levo.claims import ALLOWED, DTYPES, MADE, Name, Storage, Unfit, stored
from core.levo.zipped import WHOLE, damaged

_MOST_STEPS = 1_000_000
"""A table of 20,000 references has 0.9 million."""
_LONGEST_TEXT = 1 << 20
_LONGEST_NUMBER = 1 << 64
_DEEPEST = 64
"""Lists in lists, and marks that are open at one time."""
_MOST_PARTS = 1_000_000
"""Of all that is in it, what is in two places counted twice."""
_LARGEST_KEY = 1 << 60
"""Of whole numbers as keys: Python hashes larger ones alike, and a dictionary of such takes for ever."""
_STATE = "_metadata"
"""What torch hangs on the dictionary of a module's weights."""
_CODE = ("BUILD", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4", "PERSID")
"""Steps that call or refer to something, and that plain data has no use for but for one."""


def index_of(data: bytes, path: Path) -> object:
    """What an index holds: dictionaries, lists, tuples, texts, bytes, numbers, None, and `Claim` for tensors.

    A dtype or a device is a text. Dictionaries have keys that are plain words or numbers; nothing holds
    itself, and all is shallow and small enough to be walked through. SongdeskError names the step that is no
    part of plain data and the byte it stands at, or says that the index is damaged.
    """
    machine = _Machine()
    at = 0
    try:
        for step, (code, arg, place) in enumerate(pickletools.genops(data)):
            at = place or 0
            if step > _MOST_STEPS:
                raise Unfit("its index has more steps than that of any checkpoint")
            if code.name == "STOP":
                break
            machine.take(code.name, arg, at, data)
        if len(machine.stack) != 1 or machine.marks or at + 1 != len(data):
            raise damaged(path)
        _require_small(machine.stack[0])
    except _Offence as error:
        raise SongdeskError(
            f"it holds code ({error}), not tensors alone; nothing of it was run",
            where=str(path),
            hint="do not load it anywhere; fetch the checkpoint from its publisher",
        ) from None
    except Unfit as error:
        raise SongdeskError(f"{error} (byte {at} of its index)", where=str(path), hint=WHOLE) from None
    except (ValueError, LookupError) as error:  # it ends early, or takes what is not there
        raise damaged(path) from error
    return machine.stack[0]


class _Offence(Exception):
    """A step that would run code."""


@dataclass(slots=True)
class _Machine:
    """A stack, what lies below each mark that is open, and what was put aside by number."""

    stack: list[Any] = field(default_factory=list)
    marks: list[list[Any]] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)

    def take(self, name: str, arg: Any, at: int, data: bytes) -> None:
        """Do one step; _Offence, Unfit, or IndexError and the like where it takes what is not there."""
        if name in _STEPS:
            _STEPS[name](self)
        elif name in _GIVEN:
            _GIVEN[name](self, arg)
        elif name in ("GLOBAL", "STACK_GLOBAL"):
            self._name(name, arg, at, data)
        elif name in ("REDUCE", "BUILD", "BINPERSID"):
            self._make(name, at)
        elif name in _CODE:
            told = f"{_shown(arg)}, " if isinstance(arg, str) else ""
            raise _Offence(f"{told}{name} at byte {at}")
        else:
            raise Unfit(f"its index has a step that plain data has not: {name}")

    def _name(self, step: str, arg: Any, at: int, data: bytes) -> None:
        if step == "GLOBAL":
            module, name = str(arg).split(" ", 1)
            # Python's own reader and `pickletools` differ in what a backslash means.
            is_exact = data.startswith(f"{module}\n{name}\n".encode(), at + 1)
        else:
            name, module = self.stack.pop(), self.stack.pop()
            is_exact = isinstance(name, str) and isinstance(module, str)
        if not is_exact:
            raise _Offence(f"a name that is put together, {step} at byte {at}")
        full = f"{module}.{name}"
        if full not in ALLOWED:
            raise _Offence(f"{_shown(full)}, {step} at byte {at}")
        self.stack.append(full if full.removeprefix("torch.") in DTYPES else Name(full))

    def _make(self, step: str, at: int) -> None:
        given = self.stack.pop()
        if step == "BINPERSID":
            self.stack.append(stored(given))
            return
        of = self.stack[-1]
        if step == "REDUCE":
            make = MADE.get(of.full) if isinstance(of, Name) else None
            if make is None or not isinstance(given, tuple):
                what = of.full if isinstance(of, Name) else "what was made before"
                raise _Offence(f"a call of {what}, REDUCE at byte {at}")
            self.stack[-1] = make(*given)
        elif type(of) is not OrderedDict or type(given) is not dict or given.keys() - {_STATE}:
            raise _Offence(f"the inner state of an object, BUILD at byte {at}")

    def above_mark(self) -> list[Any]:
        """What lies above the last mark, which is taken away with it."""
        items, self.stack = self.stack, self.marks.pop()
        return items

    def push(self, value: Any) -> None:
        """Put a value of no more than a certain size on the stack."""
        if isinstance(value, str | bytes) and len(value) > _LONGEST_TEXT:
            raise Unfit("a text in it is longer than any name")
        if type(value) is int and abs(value) >= _LONGEST_NUMBER:
            raise Unfit("a number in it is larger than any size")
        self.stack.append(value)

    def mark(self) -> None:
        """Begin a list of what follows."""
        if len(self.marks) >= _DEEPEST:
            raise Unfit("its index is nested deeper than any")
        self.marks.append(self.stack)
        self.stack = []

    def extend(self, items: list[Any]) -> None:
        """Append to the list on top."""
        if type(self.stack[-1]) is not list:
            raise Unfit("its index appends to what is no list")
        self.stack[-1].extend(items)

    def update(self, items: list[Any]) -> None:
        """Put keys and values in turn into the dictionary on top."""
        target = self.stack[-1]
        if type(target) not in (dict, OrderedDict) or len(items) % 2:
            raise Unfit("its index puts keys into what is no dictionary")
        for key, value in zip(items[::2], items[1::2], strict=True):
            _require_key(key)
            target[key] = value

    def skip(self, about: int) -> None:
        """What is said of the form of the index makes no difference."""

    def get(self, number: int) -> None:
        """Take again what was put aside under a number."""
        self.stack.append(self.memo[number])

    def put(self, number: int) -> None:
        """Put the top aside under a number."""
        self.memo[number] = self.stack[-1]

    def tie(self, count: int) -> None:
        """Make a tuple of the topmost values."""
        items = tuple(self.stack[-count:])
        if len(items) != count:
            raise IndexError
        self.stack[-count:] = [items]


def _require_key(key: object) -> None:
    is_word = isinstance(key, str) and is_plain(key)
    is_number = type(key) is int and abs(key) < _LARGEST_KEY
    if not is_word and not is_number:
        raise Unfit("a key in it is no word that can be shown, and no number")


def _require_small(root: object) -> None:
    """Refuse what holds itself, is nested too deep, or grows without end when it is walked through."""
    known: dict[int, tuple[int, int]] = {}
    open_: set[int] = set()
    todo: list[tuple[object, bool]] = [(root, False)]
    while todo:
        value, is_done = todo.pop()
        parts = _parts(value)
        if is_done:
            open_.remove(id(value))
            inner = [known.get(id(part), (1, 0)) for part in parts]
            count, depth = 1 + sum(n for n, _ in inner), 1 + max(deep for _, deep in inner)
            if count > _MOST_PARTS or depth > _DEEPEST:
                raise Unfit("it holds more than any checkpoint, or is nested deeper")
            known[id(value)] = count, depth
        elif id(value) in open_:
            raise Unfit("a list in it holds itself")
        elif parts and id(value) not in known:
            open_.add(id(value))
            todo.append((value, True))
            todo.extend((part, False) for part in parts)


def _parts(value: object) -> list[object]:
    """What a value holds; Unfit for what is no value."""
    if isinstance(value, Mapping):
        return list(value.values())
    if isinstance(value, Name | Storage):
        raise Unfit("a class of torch's stands in it where a value belongs")
    return list(value) if isinstance(value, list | tuple) else []


def _shown(name: str) -> str:
    """A name of the file's as it may stand in a message: not long, and without what steers a terminal."""
    short = name if len(name) <= 80 else f"{name[:79]}…"
    return short.replace(" ", ".") if is_plain(short) else ascii(short)


_STEPS: Mapping[str, Callable[[_Machine], None]] = {
    "MARK": _Machine.mark,
    "NONE": lambda machine: machine.push(None),
    "NEWTRUE": lambda machine: machine.push(True),
    "NEWFALSE": lambda machine: machine.push(False),
    "EMPTY_TUPLE": lambda machine: machine.push(()),
    "EMPTY_LIST": lambda machine: machine.push([]),
    "EMPTY_DICT": lambda machine: machine.push({}),
    "TUPLE": lambda machine: machine.push(tuple(machine.above_mark())),
    "TUPLE1": lambda machine: machine.tie(1),
    "TUPLE2": lambda machine: machine.tie(2),
    "TUPLE3": lambda machine: machine.tie(3),
    "APPEND": lambda machine: machine.extend([machine.stack.pop()]),
    "APPENDS": lambda machine: machine.extend(machine.above_mark()),
    "SETITEM": lambda machine: machine.update([machine.stack.pop(-2), machine.stack.pop()]),
    "SETITEMS": lambda machine: machine.update(machine.above_mark()),
    "MEMOIZE": lambda machine: machine.put(len(machine.memo)),
}
"""By its name what a step does; all of these only move plain data."""
_VALUES = (
    "BININT", "BININT1", "BININT2", "INT", "LONG", "LONG1", "LONG4", "BINFLOAT", "FLOAT", "BINUNICODE",
    "UNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "STRING",
    "BINSTRING", "SHORT_BINSTRING",
)  # fmt: skip
_GIVEN: Mapping[str, Callable[[_Machine, Any], None]] = {
    **dict.fromkeys(_VALUES, _Machine.push),
    **dict.fromkeys(("PROTO", "FRAME"), _Machine.skip),
    **dict.fromkeys(("BINPUT", "LONG_BINPUT"), _Machine.put),
    **dict.fromkeys(("BINGET", "LONG_BINGET"), _Machine.get),
}
"""The same of steps with an argument."""
