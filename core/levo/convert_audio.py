"""What a published audio checkpoint becomes: one file for each role it holds, for all models alike."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import BinaryIO

import torch
from torch import Tensor

from core.checkpoints import usual_folder
from core.errors import SongdeskError
from core.levo.convert_files import Target, require_floats, signature
from core.levo.convert_report import Report, Tally, tally
from core.levo.published import Shape, listed, require_fit
from core.levo.published_audio import COUNTS, TRAINED, Published, Source, canonical, published_as, sources
from core.levo.roles import SOUND
from core.levo.shapes import Shapes, shapes_of
from core.levo.stored import Checkpoint
from core.levo.weights import hollow
from core.tensors import Layout

_PIECE = 1 << 22
"""Values written at a time."""


@dataclass(frozen=True, slots=True)
class AudioFit:
    """A size of the networks, and how they come of a checkpoint."""

    models: tuple[str, ...]
    """Listed models that have it."""
    made: Mapping[str, Mapping[str, Source]]
    """By role and by key of ours."""

    def wanted(self, roles: Iterable[str]) -> dict[str, Shape]:
        """Names and shapes of the published tensors that some roles are made of."""
        ours = (source for role in roles for source in self.made[role].values())
        return {name: shape for source in ours for name, shape in source.wanted.items()}

    def misfits(self, found: Mapping[str, Shape]) -> int:
        """How many of them a checkpoint lacks, or has in another shape."""
        return sum(found.get(name) != shape for name, shape in self.wanted(self.made).items())


@dataclass(frozen=True, slots=True)
class AudioConversion:
    """What a conversion will do; nothing is written yet."""

    checkpoint: Checkpoint
    published: Published
    names: Mapping[str, str]
    """Names in the file by the usual ones."""
    fit: AudioFit
    folder: Path
    mark: Mapping[str, str]
    """What the files say of the checkpoint."""

    @property
    def targets(self) -> tuple[Target, ...]:
        """A file for each role."""
        return tuple(
            Target(
                role=role,
                path=self.folder / f"{role}.safetensors",
                layout={key: Layout(self._dtype(source), source.shape) for key, source in made.items()},
                about={**self.mark, "role": role},
                values=partial(self._values, made),
            )
            for role, made in self.fit.made.items()
        )

    @property
    def kept(self) -> tuple[str, ...]:
        """Names in the file that are read."""
        return self._read(self.fit.made)

    @property
    def dropped(self) -> tuple[str, ...]:
        """Names in the file that are known and that inference never reads."""
        kept = set(self.kept)
        left = ((usual, name) for usual, name in self.names.items() if name not in kept)
        return tuple(name for usual, name in left if self.published.drops(usual))

    @property
    def unknown(self) -> tuple[str, ...]:
        """Names in the file that mean nothing here and are left out as well."""
        known = {*self.kept, *self.dropped}
        return tuple(name for name in self.checkpoint.tensors if name not in known)

    def report(self, todo: tuple[Target, ...]) -> Report:
        """What became of it once `todo` is written."""
        counted = [target.role for target in todo] or list(self.fit.made)
        targets = {target.role: target for target in self.targets}
        layouts = [layout for role in counted for layout in targets[role].layout.values()]
        return Report(
            roles=tuple(targets),
            files=tuple(target.path for target in targets.values()),
            there=tuple(targets[role].path for role in targets if not todo or role not in counted),
            models=self.fit.models,
            written=Tally(len(layouts), sum(layout.bytes for layout in layouts)),
            parameters=sum(layout.values for layout in layouts),
            kept=tally(self.checkpoint, self._read(counted)),
            dropped=tally(self.checkpoint, self.dropped),
            unknown=self.unknown,
            warnings=self._warnings() if "flow" in counted else (),
        )

    def _read(self, roles: Iterable[str]) -> tuple[str, ...]:
        """Names in the file that some roles are made of, once each."""
        return tuple(self.names[name] for name in self.fit.wanted(roles))

    def _warnings(self) -> tuple[str, ...]:
        with self.checkpoint.path.open("rb") as file:
            seen = float(self.checkpoint.whole(file, self.names[COUNTS]))
        if seen >= TRAINED:
            return ()
        return (f"the normaliser's statistics are of {seen:,.0f} latents, not {TRAINED:,}; kept as they are",)

    def _dtype(self, source: Source) -> torch.dtype:
        stored = self.checkpoint.tensors[self.names[source.names[0]]].dtype
        assert stored is not None, "only floats are converted"
        return source.dtype(stored)

    def _values(self, made: Mapping[str, Source], file: BinaryIO, key: str) -> Iterator[Tensor]:
        source = made[key]
        tensor = source.made({name: self.checkpoint.whole(file, self.names[name]) for name in source.names})
        flat = tensor.flatten()
        for start in range(0, len(flat), _PIECE):
            piece = flat[start : start + _PIECE]
            if source.kind.computed and not piece.isfinite().all():
                raise SongdeskError(
                    f"{key}, made of {self.names[source.names[-1]]}, has values that are no numbers",
                    where=str(self.checkpoint.path),
                    hint="this file is damaged; fetch it again",
                )
            yield piece


def plan_audio(checkpoint: Checkpoint, out: Path | None = None) -> AudioConversion | None:
    """What converting an audio checkpoint comes to; None when it is none.

    Raises SongdeskError when it does not fit a model that is listed.
    """
    usual_last = sorted(checkpoint.tensors, key=lambda name: canonical(name) == name)
    names = {canonical(name): name for name in usual_last}
    published = published_as(names)
    if published is None:
        return None
    found = {usual: checkpoint.tensors[name].shape for usual, name in names.items()}
    fit = _fit(published, found, str(checkpoint.path))
    folder = out if out is not None else usual_folder([listed()[name] for name in fit.models], fit.made)
    plan = AudioConversion(checkpoint, published, names, fit, folder, signature(checkpoint))
    require_floats(checkpoint, plan.kept)
    return plan


def _fit(published: Published, found: Mapping[str, Shape], where: str) -> AudioFit:
    """Of the listed sizes the one that a checkpoint has, with all models that its files are enough for.

    Sizes that differ in a tap alone can fit together; the largest then has what the others read.
    """
    sizes = _sizes(published)
    best = min(sizes, key=lambda size: (size.misfits(found), -len(size.wanted(size.made))))
    require_fit(best.wanted(best.made), found, where, model=best.models[0])
    return replace(best, models=tuple(n for size in sizes if not size.misfits(found) for n in size.models))


def _sizes(published: Published) -> list[AudioFit]:
    models: dict[tuple[object, ...], list[str]] = {}
    by_name = {name: shapes_of(entry.shapes) for name, entry in listed().items()}
    for name, one in by_name.items():
        models.setdefault((one.quantizer, one.encoder, one.separator, one.flow, one.vae), []).append(name)
    return [
        AudioFit(tuple(names), {role: _made(role, by_name[names[0]]) for role in published.roles})
        for names in models.values()
    ]


@cache
def _made(role: str, shapes: Shapes) -> Mapping[str, Source]:
    with hollow():
        state = SOUND[role](shapes).state_dict()
    ours = {key: tuple(like.shape) for key, like in state.items()}
    return sources(role, ours, width=shapes.flow.width)
