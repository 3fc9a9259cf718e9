"""The published audio checkpoints' names, and how their tensors become those of our modules."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

Shape = tuple[int, ...]

ENCODER = "bestrq.model."
FLOW = "cfm_wrapper.estimator."
COUNTS = "normfeat.counts"
"""Latents that the normaliser's statistics have seen."""
TRAINED = 100_000
"""As many as they see in training (levo-audio spec §4.1)."""
_CONFORMER = rf"{ENCODER}conformer.layers.\1."
_FRONT = f"{ENCODER}preprocessor_melspec_2048.mel_stft."
_QUANTIZERS = {"mix": "rvq_bestrq_emb", "vocal": "rvq_bestrq_emb", "backing": "rvq_bestrq_bgm_emb"}
_STAGED = 25
"""Layers of ours between the VAE's first and its last two."""
_NORM_EPS = 1e-5
_FEWEST = 10
"""Latents that a normaliser's statistics must have seen to count."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A way to make one tensor of ours from published ones."""

    shapes: Callable[[Shape], tuple[Shape, ...]]
    """Of the published tensors, from the shape of ours."""
    make: Callable[[tuple[Tensor, ...], Shape], Tensor]
    computed: bool = False
    """Whether values change, which makes them fp32, rather than only their places."""


@dataclass(frozen=True, slots=True)
class Source:
    """The published tensors that make one of ours, and how."""

    names: tuple[str, ...]
    shape: Shape
    """Of ours."""
    kind: Kind

    @property
    def wanted(self) -> dict[str, Shape]:
        """The published tensors' shapes by name."""
        return dict(zip(self.names, self.kind.shapes(self.shape), strict=True))

    def made(self, tensors: Mapping[str, Tensor]) -> Tensor:
        """Ours from the published tensors: in their dtype where they are only rearranged, else in fp32."""
        return self.kind.make(tuple(tensors[name] for name in self.names), self.shape)

    def dtype(self, stored: torch.dtype) -> torch.dtype:
        """Of ours, from that of the first published tensor."""
        return torch.float32 if self.kind.computed else stored


@dataclass(frozen=True, slots=True)
class Published:
    """One published audio checkpoint."""

    roles: tuple[str, ...]
    marks: tuple[str, ...]
    """Beginnings of names that it alone, of those not asked before, has."""
    unused: Mapping[str, str]
    """Patterns of names that inference never reads, unless a role wants one all the same; and why."""

    def drops(self, name: str) -> bool:
        """Whether a name that is not wanted belongs to it all the same."""
        return any(re.fullmatch(pattern, name) for pattern in self.unused)


_TRAINING = "only training reads it"
_TOKENIZER_UNUSED = {
    rf"{ENCODER}cls_token": _TRAINING,
    rf"{ENCODER}linear\.\w+": "the head that guesses masked codes in training",
    rf"{ENCODER}conformer\.layer_norm\.\w+": "acts after the last block, past every tap",
    rf"{ENCODER}conformer\.pos_conv_embed\.conv\.\w+": "exists and is never called",
    rf"{ENCODER}conformer\.layers\.\d+\..+": "blocks past the last tap, and counters of training",
    rf"{ENCODER}conv\.conv\.\d\.bn\d\.num_batches_tracked": "a counter of training",
    r"rvq_bestrq_(bgm_)?emb\.quantizers\.0\.stale_counter": "a counter of training",
    r"(rsp48toclap|rsq48towav2vec|rsq48tohubert)\.kernel": "feeds encoders that only training has",
    r"zero_cond_embedding1": "multiplies frames that are masked out, of which inference has none",
    r"normfeat\.sum_target_x2": _TRAINING,
}
"""Why a tokenizer's tensors are left out (levo-audio spec §1.1, §1.2 and §1.4)."""
PUBLISHED = (
    Published(
        ("stem_encoder", "flow"),
        (FLOW, "rvq_bestrq_bgm_emb."),
        {
            **_TOKENIZER_UNUSED,
            rf"{FLOW}wte\.weight": "a table of words that no input is looked up in (§1.3)",
            r"cfm_wrapper\.mlp\.\d\.\w+": "a head that only training has (§1.4)",
        },
    ),
    Published(
        ("mix_encoder",),
        (ENCODER, "rvq_bestrq_emb."),
        {
            **_TOKENIZER_UNUSED,
            r"normfeat\.\w+": "statistics for a flow that is not in this file (§1.4)",
            r"mask_emb\.weight": "marks for a flow that is not in this file (§1.4)",
        },
    ),
    Published(("vae",), ("encoder.layers.0.weight", "decoder.layers.0.weight"), {}),
    Published(("separator",), ("tencoder.", "tdecoder."), {}),
)
"""The checkpoints of the sound stages, in the order in which they are told apart."""


def published_as(names: Iterable[str]) -> Published | None:
    """The audio checkpoint that the tensors' names, as `canonical` gives them, are of."""
    known = tuple(names)
    has = (each for each in PUBLISHED if any(name.startswith(each.marks) for name in known))
    return next(has, None)


Rule = tuple[str, tuple[str, ...], Kind]
"""A pattern of our key, the published names in its groups, and the way from these to that."""


def sources(role: str, shapes: Mapping[str, Shape], *, width: int = 0) -> dict[str, Source]:
    """For each tensor of a role's module its source; `shapes` are the module's own.

    The roles are those of the audio checkpoints: mix_encoder, stem_encoder, flow, vae, separator. `width` is
    the flow transformer's.
    """
    return {key: _source(key, shape, _rules(role, key, width)) for key, shape in shapes.items()}


def canonical(name: str) -> str:
    """A published name with weight norm written the old way, as most published files have it."""
    old = name.replace("parametrizations.weight.original0", "weight_g")
    return old.replace("parametrizations.weight.original1", "weight_v")


def _source(key: str, shape: Shape, rules: list[Rule]) -> Source:
    for pattern, names, kind in rules:
        match = re.fullmatch(pattern, key)
        if match:
            return Source(tuple(match.expand(name) for name in names), shape, kind)
    raise AssertionError(f"no rule makes {key}")


def _fold(given: tuple[Tensor, ...], shape: Shape) -> Tensor:
    """Weight norm: v · g / ‖v‖, the norm over all axes but the first (levo-audio spec §1)."""
    gain, direction = (tensor.float() for tensor in given)
    length = direction.flatten(1).norm(dim=1).view(gain.shape)
    folded: Tensor = direction * (gain / length)
    return folded.reshape(shape)


def _factor(given: tuple[Tensor, ...], shape: Shape) -> Tensor:  # noqa: ARG001 - one form for every kind
    gain, variance = (tensor.float() for tensor in given)
    factor: Tensor = gain * (variance + _NORM_EPS).rsqrt()
    return factor


def _offset(given: tuple[Tensor, ...], shape: Shape) -> Tensor:
    gain, variance, mean, bias = (tensor.float() for tensor in given)
    return bias - mean * _factor((gain, variance), shape)


def _mean(given: tuple[Tensor, ...], shape: Shape) -> Tensor:
    counts, total = (tensor.float() for tensor in given)
    return total / counts if float(counts) >= _FEWEST else torch.zeros(shape)


def _deviation(given: tuple[Tensor, ...], shape: Shape) -> Tensor:
    counts, total, squares = (tensor.float() for tensor in given)
    if float(counts) < _FEWEST:
        return torch.ones(shape)
    return (squares / counts - (total / counts).square()).clamp_min(0).sqrt()


_SAME = Kind(lambda ours: (ours,), lambda given, _: given[0])
_POINTWISE = Kind(lambda ours: ((*ours, 1),), lambda given, shape: given[0].reshape(shape))
_TURNED = Kind(lambda ours: (ours[::-1],), lambda given, _: given[0].T)
_MARKS = Kind(lambda ours: ((ours[0] + 1, ours[1]),), lambda given, _: given[0][1:])
_FOLDED = Kind(lambda ours: ((ours[0], 1, 1), ours), _fold, computed=True)
_FOLDED_LINEAR = Kind(lambda ours: ((ours[0], 1, 1), (*ours, 1)), _fold, computed=True)
_FACTOR = Kind(lambda ours: (ours, ours), _factor, computed=True)
_OFFSET = Kind(lambda ours: (ours, ours, ours, ours), _offset, computed=True)
_MEAN = Kind(lambda ours: ((1,), ours), _mean, computed=True)
_DEVIATION = Kind(lambda ours: ((1,), ours, ours), _deviation, computed=True)


def _last_rows(width: int) -> Kind:
    """Of a layer with `width` outputs, the last ones."""
    return Kind(lambda ours: ((width, *ours[1:]),), lambda given, shape: given[0][-shape[0] :])


def _still(pattern: str, norm: str) -> list[Rule]:
    """A batch norm as a factor and an offset."""
    gain, bias = rf"{norm}.weight", rf"{norm}.bias"
    mean, variance = rf"{norm}.running_mean", rf"{norm}.running_var"
    return [
        (rf"{pattern}\.factor", (gain, variance), _FACTOR),
        (rf"{pattern}\.offset", (gain, variance, mean, bias), _OFFSET),
    ]


def _quantizer(name: str) -> list[Rule]:
    published = f"{_QUANTIZERS[name]}.quantizers.0"
    rules: list[Rule] = [(rf"{name}\.codebook\.weight", (f"{published}.codebook.weight",), _SAME)]
    for ours, theirs in (("enter", "in_proj"), ("leave", "out_proj")):
        layer = f"{published}.{theirs}"
        rules += [
            (rf"{name}\.{ours}\.weight", (f"{layer}.weight_g", f"{layer}.weight_v"), _FOLDED_LINEAR),
            (rf"{name}\.{ours}\.bias", (f"{layer}.bias",), _SAME),
        ]
    return rules


def _encoder(*quantizers: str) -> list[Rule]:
    block, layer = r"encoder\.blocks\.(\d+)", _CONFORMER
    halving, images = r"encoder\.subsampling\.halvings\.(\d)", rf"{ENCODER}conv.conv.\1"
    return [
        (r"encoder\.frontend\.window", (f"{_FRONT}spectrogram.window",), _SAME),
        (r"encoder\.frontend\.filterbank", (f"{_FRONT}mel_scale.fb",), _SAME),
        (r"encoder\.frontend\.resampler", ("rsq48tobestrq.kernel",), _SAME),
        (r"encoder\.frequencies", (f"{ENCODER}conformer.embed_positions.inv_freq",), _SAME),
        (rf"{halving}\.(conv\d\.\w+)", (rf"{images}.\2",), _SAME),
        *_still(rf"{halving}\.scale(\d)", rf"{images}.bn\2"),
        (r"encoder\.subsampling\.project\.(\w+)", (rf"{ENCODER}conv.linear.\1",), _SAME),
        (rf"{block}\.(ffn\d)\.norm\.(\w+)", (rf"{layer}\2_layer_norm.\3",), _SAME),
        (rf"{block}\.(ffn\d)\.up\.(\w+)", (rf"{layer}\2.intermediate_dense.\3",), _SAME),
        (rf"{block}\.(ffn\d)\.down\.(\w+)", (rf"{layer}\2.output_dense.\3",), _SAME),
        (rf"{block}\.attention\.norm\.(\w+)", (rf"{layer}self_attn_layer_norm.\2",), _SAME),
        (rf"{block}\.attention\.([qkv])\w+\.(\w+)", (rf"{layer}self_attn.linear_\2.\3",), _SAME),
        (rf"{block}\.attention\.out\.(\w+)", (rf"{layer}self_attn.linear_out.\2",), _SAME),
        (rf"{block}\.convolution\.norm\.(\w+)", (rf"{layer}conv_module.layer_norm.\2",), _SAME),
        (
            rf"{block}\.convolution\.enter\.weight",
            (rf"{layer}conv_module.pointwise_conv1.weight",),
            _POINTWISE,
        ),
        (rf"{block}\.convolution\.depthwise\.weight", (rf"{layer}conv_module.depthwise_conv.weight",), _SAME),
        *_still(rf"{block}\.convolution\.scale", rf"{layer}conv_module.batch_norm"),
        (
            rf"{block}\.convolution\.leave\.weight",
            (rf"{layer}conv_module.pointwise_conv2.weight",),
            _POINTWISE,
        ),
        (rf"{block}\.norm\.(\w+)", (rf"{layer}final_layer_norm.\2",), _SAME),
        *(rule for name in quantizers for rule in _quantizer(name)),
    ]


def _flow(width: int) -> list[Rule]:
    block, layer = r"transformer\.blocks\.(\d+)", rf"{FLOW}h.\1."
    return [
        (rf"{block}\.attention_norm\.(\w+)", (rf"{layer}ln_1.\2",), _SAME),
        (rf"{block}\.qkv\.weight", (rf"{layer}attn.c_attn.weight",), _TURNED),
        (rf"{block}\.qkv\.bias", (rf"{layer}attn.c_attn.bias",), _SAME),
        (rf"{block}\.out\.weight", (rf"{layer}attn.c_proj.weight",), _TURNED),
        (rf"{block}\.out\.bias", (rf"{layer}attn.c_proj.bias",), _SAME),
        (rf"{block}\.ffn_norm\.(\w+)", (rf"{layer}ln_2.\2",), _SAME),
        (rf"{block}\.up\.weight", (rf"{layer}mlp.c_fc.weight",), _TURNED),
        (rf"{block}\.up\.bias", (rf"{layer}mlp.c_fc.bias",), _SAME),
        (rf"{block}\.down\.weight", (rf"{layer}mlp.c_proj.weight",), _TURNED),
        (rf"{block}\.down\.bias", (rf"{layer}mlp.c_proj.bias",), _SAME),
        (rf"{block}\.table", (rf"{layer}scale_shift_table",), _SAME),
        (r"transformer\.positions\.weight", (f"{FLOW}wpe.weight",), _SAME),
        (r"transformer\.norm\.(\w+)", (rf"{FLOW}ln_f.\1",), _SAME),
        (r"transformer\.table", (f"{FLOW}scale_shift_table",), _SAME),
        (r"transformer\.head\.(\w+)", (rf"{FLOW}proj_out.\1",), _last_rows(width)),
        (
            r"transformer\.time\.enter\.(\w+)",
            (rf"{FLOW}adaln_single.emb.timestep_embedder.linear_1.\1",),
            _SAME,
        ),
        (
            r"transformer\.time\.leave\.(\w+)",
            (rf"{FLOW}adaln_single.emb.timestep_embedder.linear_2.\1",),
            _SAME,
        ),
        (r"transformer\.time\.rows\.(\w+)", (rf"{FLOW}adaln_single.linear.\1",), _SAME),
        (r"marks\.weight", ("mask_emb.weight",), _MARKS),
        (r"normaliser\.mean", (COUNTS, "normfeat.sum_x"), _MEAN),
        (
            r"normaliser\.deviation",
            (COUNTS, "normfeat.sum_x", "normfeat.sum_x2"),
            _DEVIATION,
        ),
        *_quantizer("vocal"),
        *_quantizer("backing"),
    ]


def _vae_layer(side: str, at: int) -> str:
    """Our layers stand in one row; the published ones are grouped by stage (levo-audio spec §1.5)."""
    if at == 0 or at > _STAGED:
        return f"{side}.layers.{at and at - _STAGED + 5}"
    stage, within = divmod(at - 1, 5)
    return f"{side}.layers.{stage + 1}.layers.{within}"


def _vae(side: str, at: int) -> list[Rule]:
    """The rules of one of our layers: a convolution, a snake, or a residual unit."""
    ours, theirs = rf"{side}\.layers\.{at}", _vae_layer(side, at)
    rules = _convolution(ours, theirs) + _snake(ours, theirs)
    for number in (1, 2):
        inner = f"{theirs}.layers."
        rules += _snake(rf"{ours}\.snake{number}", f"{inner}{2 * number - 2}")
        rules += _convolution(rf"{ours}\.conv{number}", f"{inner}{2 * number - 1}")
    return rules


def _snake(ours: str, theirs: str) -> list[Rule]:
    return [(rf"{ours}\.(alpha|beta)", (rf"{theirs}.\1",), _SAME)]


def _convolution(ours: str, theirs: str) -> list[Rule]:
    return [
        (rf"{ours}\.weight", (f"{theirs}.weight_g", f"{theirs}.weight_v"), _FOLDED),
        (rf"{ours}\.bias", (f"{theirs}.bias",), _SAME),
    ]


def _rules(role: str, key: str, width: int) -> list[Rule]:
    """The rules of a role among which that of a key is."""
    match role:
        case "mix_encoder":
            return _encoder("mix")
        case "stem_encoder":
            return _encoder("vocal", "backing")
        case "flow":
            return _flow(width)
        case "vae":
            side, _, at = key.split(".")[:3]
            return _vae(side, int(at))
        case _:
            return [("(.+)", (r"\1",), _SAME)]
