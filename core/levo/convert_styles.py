"""What the published table of built-in references becomes: codes by style, language and number."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import torch
from torch import Tensor

from core.checkpoints import usual_folder
from core.errors import SongdeskError
from core.levo.convert_files import Target, signature
from core.levo.convert_report import Report, Tally
from core.levo.published import listed
from core.levo.shapes import CODEBOOKS, shapes_of
from core.levo.stored import Checkpoint, contents
from core.song import BUILT_IN_STYLES
from core.tensors import Layout

ROLE = "styles"
_LONGEST = 1000
"""Frames of a reference at most."""
_MOST = 20_000
"""References that are read at most: about eight times as many as are published."""
_LARGEST_FILE = 1 << 30
"""Bytes; the published one has 15 MB."""
_WHOLE = (torch.int64, torch.int32, torch.int16, torch.uint8)


@dataclass(frozen=True, slots=True)
class StylesConversion:
    """What a conversion will do; nothing is written yet."""

    checkpoint: Checkpoint
    codes: Mapping[str, Tensor]
    """As published, [3, n], by style/language/number."""
    models: tuple[str, ...]
    """Listed ones that have a word for each of the codes."""
    folder: Path
    mark: Mapping[str, str]
    """What the file says of the checkpoint."""

    @property
    def targets(self) -> tuple[Target, ...]:
        """The one file to write."""
        layout = {name: Layout(torch.int16, tuple(codes.shape)) for name, codes in self.codes.items()}
        path = self.folder / f"{ROLE}.safetensors"
        return (Target(ROLE, path, layout, {**self.mark, "role": ROLE}, self._values),)

    def report(self, todo: tuple[Target, ...]) -> Report:
        """What became of it once `todo` is written."""
        files = tuple(target.path for target in self.targets)
        return Report(
            roles=(ROLE,),
            files=files,
            there=() if todo else files,
            models=self.models,
            written=Tally(len(self.codes), sum(target.bytes for target in self.targets)),
            kept=Tally(len(self.codes), sum(codes.nbytes for codes in self.codes.values())),
        )

    def _values(self, file: BinaryIO, key: str) -> Iterator[Tensor]:  # noqa: ARG002 - the table is in memory
        yield self.codes[key].to(torch.int16)


def plan_styles(checkpoint: Checkpoint, out: Path | None = None) -> StylesConversion | None:
    """What converting the table of styles comes to; None for a file with none of the styles in it.

    Raises SongdeskError for a table of another form, or with numbers that are no codes of a listed model.
    """
    where = str(checkpoint.path)
    if not {*checkpoint.tensors, *checkpoint.others}.intersection(BUILT_IN_STYLES):
        return None
    if checkpoint.path.stat().st_size > _LARGEST_FILE:
        raise _odd("larger than any table of styles", where)
    _references(checkpoint.others, where)  # before any code is in memory
    codes = _references(contents(checkpoint), where)
    sizes = {name: shapes_of(entry.shapes).quantizer.codes for name, entry in listed().items()}
    for name, reference in codes.items():
        _require_codes(reference, max(sizes.values()), name, where)
    largest = max(int(reference.max()) for reference in codes.values())
    models = tuple(name for name, size in sizes.items() if largest < size)
    folder = out if out is not None else usual_folder([listed()[name] for name in models], [ROLE])
    return StylesConversion(checkpoint, codes, models, folder, signature(checkpoint))


def _references(table: Mapping[str, object], where: str) -> dict[str, Tensor]:
    """Every reference of a table [3, n] by style/language/number; the table may be on meta."""
    found: dict[str, Tensor] = {}
    for style, languages in table.items():
        if not isinstance(languages, Mapping):
            raise _odd(f"{style} is no dictionary of languages", where)
        for language, entries in languages.items():
            if "/" in str(language):
                raise _odd(f"{language} is no language", where)
            for number, entry in enumerate(_listed(entries, f"{style}/{language}", where)):
                name = f"{style}/{language}/{number}"
                found[name] = _rows(entry, name, where)
                if len(found) > _MOST:
                    raise _odd("more references than any table of styles has", where)
    if not found:
        raise _odd("no reference is in it", where)
    return found


def _listed(entries: object, name: str, where: str) -> Iterator[object]:
    """The references of one style and language: of a list, a dictionary, or stacked in one tensor."""
    if isinstance(entries, Tensor) and entries.ndim in (3, 4):
        yield from (entries[number] for number in range(len(entries)))
    elif isinstance(entries, Mapping):
        yield from entries.values()
    elif isinstance(entries, list | tuple):
        yield from entries
    else:
        raise _odd(f"{name} is no list of references", where)


def _rows(entry: object, name: str, where: str) -> Tensor:
    """One reference without the axis of its batch, [3, n]."""
    if not isinstance(entry, Tensor) or entry.dtype not in _WHOLE:
        raise _odd(f"{name} is no tensor of whole numbers", where)
    rows = entry[0] if entry.ndim == 3 and len(entry) == 1 else entry
    if rows.ndim != 2 or len(rows) != CODEBOOKS or not 0 < rows.shape[1] <= _LONGEST:
        shape = "×".join(map(str, entry.shape)) or "a number"
        raise _odd(f"{name} is {shape} where 1×{CODEBOOKS}×1 to 1×{CODEBOOKS}×{_LONGEST} belongs", where)
    return rows


def _require_codes(reference: Tensor, size: int, name: str, where: str) -> None:
    least, most = (int(value) for value in reference.aminmax())
    if not 0 <= least <= most < size:
        raise _odd(f"{name} has {least if least < 0 else most}, and codes are 0 to {size - 1}", where)


def _odd(what: str, where: str) -> SongdeskError:
    return SongdeskError(
        what, where=where, hint="this is not the table of styles as published; fetch new_auto_prompt.pt again"
    )
