"""The small models of a folder of audio vectors, in the product's own classes, with weights by rule."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from core.levo.conditions.encoder import encoder_tables
from core.levo.published_audio import sources
from core.levo.shapes import (
    EncoderShapes,
    FlowShapes,
    QuantizerShapes,
    SeparatorShapes,
    Shapes,
    VaeShapes,
    shapes_of,
)
from core.levo.weights import hollow
from core.parity.audio_rule import rule_state
from core.parity.compare import Case, Check, case_of, close
from core.parity.folder import Entry, Golden, by_case
from core.registry import variant

M = TypeVar("M", bound=nn.Module)
_EVERY = re.compile(r"(.+)_every(\d+)")
_FIRST = re.compile(r"(.+)_first(\d+)")


@dataclass(frozen=True, slots=True)
class AudioCase:
    """One case of a manifest with its tensors."""

    id: str
    about: Entry
    stored: Mapping[str, Tensor]

    @property
    def config(self) -> Mapping[str, Any]:
        """Sizes of the small model."""
        return self.about.get("config") or {}

    @property
    def recipe(self) -> str:
        """How the inputs are made."""
        return self.about.get("input") or ""

    @property
    def salt(self) -> str:
        """Put before the names that weights are drawn from."""
        found = re.search(r"salt '([^']*)'", self.about.get("weights") or "")
        return found[1] if found else ""

    @property
    def tolerance(self) -> float:
        """Largest absolute difference that is still right."""
        return float(self.about.get("atol") or 0.0)

    def near(self, part: str, got: Tensor) -> Check:
        """Compare with what is stored as `part`."""
        return close(part, got, self.stored[part], self.tolerance)

    def thinned(self, name: str, got: Tensor, dim: int = -1) -> Iterator[Check]:
        """Compare with whatever is stored of `name`: all of it, every n-th of an axis, or the first n."""
        for part in self.stored:
            every, first = _EVERY.fullmatch(part), _FIRST.fullmatch(part)
            if part == name:
                yield self.near(part, got)
            elif every and every[1] == name:
                places = torch.arange(0, got.shape[dim], int(every[2]), device=got.device)
                yield self.near(part, got.index_select(dim, places))
            elif first and first[1] == name:
                yield self.near(part, got.narrow(dim, 0, int(first[2])))

    def done(self, checks: Iterator[Check] | list[Check], note: str = "") -> Case:
        """The report's line."""
        return case_of(self.id, list(checks), note)


@dataclass(slots=True)
class AudioBench:
    """What the cases of one folder share."""

    golden: Golden
    device: torch.device
    _files: dict[str, dict[str, dict[str, Tensor]]] = field(default_factory=dict)

    def case(self, about: Entry) -> AudioCase:
        """A case of the manifest."""
        name = str(about["file"])
        if name not in self._files:
            self._files.clear()
            self._files[name] = by_case(self.golden.tensors(name))
        return AudioCase(str(about["id"]), about, self._files[name][str(about["id"])])

    def here(self, tensor: Tensor) -> Tensor:
        """On the device under test."""
        return tensor.to(self.device)

    def by_rule(
        self, role: str, build: Callable[[], M], case: AudioCase, *, width: int = 0, part: str = ""
    ) -> M:
        """A role's module with the rule's weights; of the keys that begin with `part` only."""
        with hollow():
            module = build()
        shapes = {key: tuple(like.shape) for key, like in module.state_dict().items()}
        made = sources(role, {key: s for key, s in shapes.items() if key.startswith(part)}, width=width)
        wanted = {name: shape for one in made.values() for name, shape in one.wanted.items()}
        drawn = rule_state(wanted, case.salt)
        drawn |= {
            name: table for key, one in made.items() for name, table in _computed(key, one.names, module)
        }
        state = {key: one.made(drawn).contiguous().to(self.device) for key, one in made.items()}
        module.load_state_dict(state, assign=True, strict=not part)
        return module.eval().requires_grad_(False)

    def shapes(self, config: Mapping[str, Any]) -> Shapes:
        """The small configuration of a case; what it does not name is as published."""
        published = shapes_of(variant("v2-large").shapes)
        return Shapes(
            tokens=published.tokens,
            quantizer=_quantizer(config, published.quantizer),
            encoder=_encoder(config, published.encoder),
            separator=_separator(config, published.separator),
            flow=_flow(config, published.flow),
            vae=_vae(config, published.vae),
        )


def _computed(key: str, names: tuple[str, ...], module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """The tables of a music encoder, which the rule leaves as they are worked out."""
    inner = key.removeprefix("encoder.")
    if inner.startswith("frontend.") or inner == "frequencies":
        frequencies = module.state_dict().get("encoder.frequencies")
        assert frequencies is not None
        yield names[0], encoder_tables(2 * len(frequencies))[inner]


def _quantizer(config: Mapping[str, Any], usual: QuantizerShapes) -> QuantizerShapes:
    width = config.get("input_dim", config.get("emb", config.get("encoder_dim", usual.width)))
    return QuantizerShapes(
        config.get("codebook", usual.codes), config.get("code_dim", usual.code_width), width, usual.neutral
    )


def _encoder(config: Mapping[str, Any], usual: EncoderShapes) -> EncoderShapes:
    return EncoderShapes(
        channels=config.get("conv_dim", 8),
        width=config.get("encoder_dim", config.get("hidden", usual.width)),
        heads=config.get("heads", usual.heads),
        ffn=config.get("ffn", usual.ffn),
        kernel=config.get("conv_kernel", usual.kernel),
        mix_tap=usual.mix_tap,
        vocal_tap=usual.vocal_tap,
        backing_tap=usual.backing_tap,
    )


def _separator(config: Mapping[str, Any], usual: SeparatorShapes) -> SeparatorShapes:
    return SeparatorShapes(
        channels=config.get("channels", usual.channels),
        bottom_channels=config.get("bottom_channels", usual.bottom_channels),
        layers=config.get("t_layers", usual.layers),
        heads=config.get("t_heads", usual.heads),
        parameters=0,
    )


def _flow(config: Mapping[str, Any], usual: FlowShapes) -> FlowShapes:
    width = config.get("n_embd", usual.width)
    return FlowShapes(
        blocks=config.get("n_layer", 1),
        heads=config.get("n_head", usual.heads),
        ffn=config.get("n_inner", 2 * width),
        positions=config.get("n_positions", config.get("window", usual.positions)),
        carried=config.get("overlap", usual.carried),
        mask_width=usual.mask_width,
        latent=usual.latent,
        condition=(width - usual.mask_width - 2 * usual.latent) // 2,
        time_width=usual.time_width,
    )


def _vae(config: Mapping[str, Any], usual: VaeShapes) -> VaeShapes:
    channels = config.get("vae_channels", config.get("channels", usual.channels))
    return VaeShapes(channels, usual.multipliers, usual.strides, usual.latent)
