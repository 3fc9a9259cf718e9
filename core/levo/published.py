"""The published language model's names and sizes, and how its tensors become those of `TokenModel`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

import torch
from torch import Tensor

from core.errors import SongdeskError
from core.levo.shapes import TokenShapes, shapes_of
from core.levo.tokens.model import TokenModel
from core.levo.weights import hollow
from core.registry import Variant, variants

FAMILY = "levo"
PREFIX = "audiolm."
"""Before every name of the language model in the published file."""
UNUSED = frozenset(
    {
        "transformer.model.embed_tokens.weight",
        "transformer2.model.embed_tokens.weight",
        "transformer2.lm_head.weight",
        "layer2_emb.0.weight",
        "out_norm.weight",
        "out_norm.bias",
    }
)
"""Published tensors that inference never reads (levo-tokens spec §2.1)."""
_JOINED = {
    "self_attn.fused_qkv_proj.weight": tuple(f"self_attn.{part}_proj.weight" for part in "qkv"),
    "mlp.fused_gate_up_proj.weight": ("mlp.gate_proj.weight", "mlp.up_proj.weight"),
}
_PART = {part: joined for joined, parts in _JOINED.items() for part in parts}
_LAYER = re.compile(r"(transformer2?)\.model\.layers\.(\d+)\.(.+)")
_TABLES = "condition_provider.conditioners."
_NAMED = 3

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Size:
    """What a checkpoint's shapes tell of the model; None where the tensor that tells is missing."""

    width: int | None
    ffn: int | None
    main_layers: int | None
    sub_layers: int | None
    codes: int | None
    lyric_rows: int | None
    style_rows: int | None


@dataclass(frozen=True, slots=True)
class Fit:
    """The model a checkpoint is of, and how each tensor of ours is made of its tensors."""

    variant: str
    version: str
    twins: tuple[str, ...]
    """Other models with the same tensors."""
    shapes: Mapping[str, Shape]
    """Of our tensors, in the model's order."""
    sources: Mapping[str, tuple[str, ...]]
    """Names in the checkpoint, without the prefix, whose rows in turn make each of ours."""

    def named(self, model: str) -> "Fit":
        """The same for one of the twins, if it is one."""
        if model not in self.twins:
            return self
        others = (self.variant, *(twin for twin in self.twins if twin != model))
        return replace(self, variant=model, twins=others)


def fuse(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A published state dict in our names: rows joined as [q; k; v] and [gate; up], unused tensors left out.

    Names may have the prefix; dtypes stay as they are. Raises SongdeskError when a part to join is missing.
    """
    bare = {name.removeprefix(PREFIX): tensor for name, tensor in state.items()}
    fused: dict[str, Tensor] = {}
    for name, tensor in bare.items():
        ours = our_name(name)
        if name in UNUSED or ours in fused:
            continue
        parts = (name,) if ours == name else parts_of(ours)
        missing = [part for part in parts if part not in bare]
        if missing:
            raise SongdeskError(f"tensors are missing: {few(missing)}", hint="this state dict is not whole")
        fused[ours] = tensor if ours == name else torch.cat([bare[part] for part in parts])
    return fused


def our_name(name: str) -> str:
    """The tensor of ours that a published one, named without its prefix, is or is part of."""
    layer = _LAYER.fullmatch(name)
    if layer is None or layer[3] not in _PART:
        return name
    return f"{layer[1]}.model.layers.{layer[2]}.{_PART[layer[3]]}"


def parts_of(ours: str) -> tuple[str, ...]:
    """The published tensors whose rows make one of ours, without the prefix; or itself alone."""
    layer = _LAYER.fullmatch(ours)
    if layer is None or layer[3] not in _JOINED:
        return (ours,)
    return tuple(f"{layer[1]}.model.layers.{layer[2]}.{part}" for part in _JOINED[layer[3]])


def fit(found: Mapping[str, Shape], where: str) -> Fit:
    """Find the model that the shapes of a checkpoint, named without the prefix, belong to.

    Raises SongdeskError, placed at `where`, when it is of no known size, or lacks what inference reads.
    """
    size = _size(found)
    known = _known()
    name = max(known, key=lambda each: _agreement(size, known[each][0]))
    shapes, version = known[name]
    if all(getattr(size, each.name) is None for each in fields(Size)):
        raise SongdeskError(
            "nothing of LeVo's networks is in it",
            where=where,
            hint=f"the published files are {', '.join(_published_files())}",
        )
    if wrong := _misfits(size, shapes):
        raise SongdeskError(
            f"of no size songdesk knows; nearest is {name}, but: {'; '.join(wrong)}",
            where=where,
            hint=f"known: {', '.join(known)}; another size can be added to models.yaml",
        )
    with hollow():
        ours = {key: tuple(like.shape) for key, like in TokenModel(shapes).state_dict().items()}
    twins = tuple(each for each, entry in known.items() if each != name and not _misfits(size, entry[0]))
    return Fit(name, version, twins, ours, _sources(ours, found, where))


def require_fit(
    wanted: Mapping[str, Shape], found: Mapping[str, Shape], where: str, *, model: str = ""
) -> None:
    """Raise SongdeskError, placed at `where`, for tensors that are missing or of another shape.

    It names the `model` that they were compared with, where there is a choice.
    """
    missing = [name for name in wanted if name not in found]
    if missing:
        raise SongdeskError(
            f"{len(missing)} tensors are missing: {few(missing)}",
            where=where,
            hint="this file is cut short or of another model; fetch it again",
        )
    other = [
        f"{name} is {_show(found[name])} where {_show(right)} belongs"
        for name, right in wanted.items()
        if found[name] != right
    ]
    if other:
        than = f" than in {model}" if model else ""
        raise SongdeskError(
            f"{len(other)} tensors have another shape{than}: {few(other)}",
            where=where,
            hint="this file is of another model or damaged; fetch it again",
        )


def listed() -> dict[str, Variant]:
    """The published LeVo models that `songdesk models` knows, by their ids."""
    return {
        name: entry
        for name, entry in variants().items()
        if entry.family == FAMILY and entry.weights == "published"
    }


def few(items: list[str]) -> str:
    """The first few of a list, and how many there are besides."""
    rest = f" and {len(items) - _NAMED} more" if len(items) > _NAMED else ""
    return ", ".join(items[:_NAMED]) + rest


def _known() -> dict[str, tuple[TokenShapes, str]]:
    """Shapes and version of each published model; a person's own come first."""
    return {
        name: (shapes_of(entry.shapes).tokens, entry.version)
        for name, entry in reversed(list(listed().items()))
    }


def _published_files() -> list[str]:
    return sorted({Path(source).name for entry in listed().values() for source in entry.sources.values()})


def _size(found: Mapping[str, Shape]) -> Size:
    def axis(name: str, index: int, less: int = 0) -> int | None:
        shape = found.get(name, ())
        return shape[index] - less if index < len(shape) else None

    return Size(
        width=axis("emb.0.weight", 1),
        ffn=axis("transformer.model.layers.0.mlp.down_proj.weight", 1),
        main_layers=_layers(found, "transformer"),
        sub_layers=_layers(found, "transformer2"),
        codes=axis("emb.0.weight", 0, less=2),
        lyric_rows=axis(_TABLES + "description.output_proj.weight", 0),
        style_rows=axis(_TABLES + "type_info.output_proj.weight", 0),
    )


def _layers(found: Mapping[str, Shape], stack: str) -> int | None:
    matches = (_LAYER.fullmatch(name) for name in found)
    return max((int(layer[2]) + 1 for layer in matches if layer and layer[1] == stack), default=None)


def _agreement(size: Size, shapes: TokenShapes) -> int:
    return sum(getattr(size, each.name) == getattr(shapes, each.name) for each in fields(Size))


def _misfits(size: Size, shapes: TokenShapes) -> list[str]:
    facts = ((each.name, getattr(size, each.name), getattr(shapes, each.name)) for each in fields(Size))
    return [
        f"{name.replace('_', ' ')} {seen} where {right} belongs"
        for name, seen, right in facts
        if seen is not None and seen != right
    ]


def _sources(ours: Mapping[str, Shape], found: Mapping[str, Shape], where: str) -> dict[str, tuple[str, ...]]:
    sources = {key: (key,) if key in found else parts_of(key) for key in ours}
    wanted = {
        part: (ours[key][0] // len(parts), *ours[key][1:]) for key, parts in sources.items() for part in parts
    }
    require_fit(wanted, found, where)
    return sources


def _show(shape: Shape) -> str:
    return "×".join(map(str, shape)) or "a number"
