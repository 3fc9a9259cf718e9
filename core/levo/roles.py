"""Which module's state dict each role file of the sound networks is."""

from collections.abc import Callable, Mapping

from torch import nn

from core.levo.conditions.codes import MixEncoder, StemEncoder
from core.levo.conditions.separate import separator
from core.levo.shapes import Shapes
from core.levo.synthesis.flow import Flow
from core.levo.vae import Vae

SOUND: Mapping[str, Callable[[Shapes], nn.Module]] = {
    "mix_encoder": lambda shapes: MixEncoder(shapes.encoder, shapes.quantizer),
    "stem_encoder": lambda shapes: StemEncoder(shapes.encoder, shapes.quantizer),
    "flow": Flow,
    "vae": lambda shapes: Vae(shapes.vae),
    "separator": lambda shapes: separator(shapes.separator),
}
"""By role."""
