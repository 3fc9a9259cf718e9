"""Where the autoencoder begins: at the best linear one, block by block, with little beside it yet."""

import math

import torch
from torch import Tensor, nn

from core.levo.shapes import VaeShapes
from core.levo.vae import Residual, Snake, Vae

_NOISE = 0.01
"""Of every weight, so that no two channels stay alike."""
_BRANCH = 0.03
_BENT = 3.0
"""Log scale of the snakes between blocks: little of the sine at first."""
_SPREAD = -2.5


def begun(shapes: VaeShapes, sound: Tensor, seed: int) -> Vae:
    """A network that has heard `sound` [B, 2, n] and keeps of each block what varies most in it.

    A short training never finds by itself that phases matter: from a random beginning its sound is unlike
    the true one everywhere, and then less sound is better. So each shortening convolution is begun with the
    principal components of what reaches it and the decoder's counterpart with their transpose: half of the
    energy is right, in phase, before the first step.
    """
    model = Vae(shapes)
    with torch.no_grad():
        _fill(model, torch.Generator().manual_seed(seed))
        _principal(model, shapes, sound)
    return model


def _fill(model: nn.Module, rng: torch.Generator) -> None:
    for module in model.modules():
        if isinstance(module, Snake):
            module.alpha.normal_(0, 0.3, generator=rng)
            module.beta.fill_(_BENT)
        elif isinstance(module, nn.Conv1d | nn.ConvTranspose1d):
            fan = module.weight[0].numel()
            if isinstance(module, nn.ConvTranspose1d):
                fan = module.in_channels * module.kernel_size[0] // module.stride[0]
            module.weight.normal_(0, _NOISE / math.sqrt(fan), generator=rng)
            if module.bias is not None:
                module.bias.zero_()
    for module in model.modules():
        if isinstance(module, Residual):
            for snake in (module.snake1, module.snake2):
                snake.beta.zero_()
            module.conv1.weight /= _NOISE
            module.conv2.weight *= _BRANCH / _NOISE


def _principal(model: Vae, shapes: VaeShapes, sound: Tensor) -> None:
    """Set the encoder's convolutions one after the other, each by what really reaches it."""
    encoder, decoder = list(model.encoder.layers), list(model.decoder.layers)
    h = sound
    for index, layer in enumerate(encoder):
        mirror = decoder[len(encoder) - 1 - index]
        if isinstance(layer, nn.Conv1d) and isinstance(mirror, nn.Conv1d | nn.ConvTranspose1d):
            is_last = index + 1 == len(encoder)
            _mirrored(layer, mirror, h, count=shapes.latent if is_last else None, whiten=is_last)
            if is_last and layer.bias is not None:
                layer.bias[shapes.latent :] = _SPREAD
        h = layer(h)


def _mirrored(
    layer: nn.Conv1d, mirror: nn.Conv1d | nn.ConvTranspose1d, h: Tensor, *, count: int | None, whiten: bool
) -> None:
    """Components of blocks of h [B, C, L], as long as the stride, into a layer and their transpose back."""
    stride, size, wide = layer.stride[0], layer.kernel_size[0], layer.out_channels
    first = (size - stride) // 2
    blocks = h.unfold(2, stride, stride).permute(0, 2, 1, 3).flatten(2).flatten(0, 1)  # [N, C · stride]
    mean = blocks.mean(0)
    values, rows = torch.linalg.eigh((blocks - mean).T.double() @ (blocks - mean).double() / len(blocks))
    kept = min(count or wide, blocks.shape[1])
    values, rows = values.flip(0)[:kept].clamp_min(1e-8), rows.flip(1).T[:kept].float()
    level = values.sqrt().float() if whiten else values.mean().sqrt().float().expand(kept)
    forth = (rows / level[:, None]).view(kept, h.shape[1], stride)
    back = (rows * level[:, None]).view(kept, h.shape[1], stride)
    layer.weight[:kept, :, first : first + stride] += forth
    if layer.bias is not None:
        layer.bias[:kept] -= (rows / level[:, None]) @ mean
    if isinstance(mirror, nn.ConvTranspose1d):
        mirror.weight[:kept, :, first : first + stride] += back
    else:
        middle = mirror.kernel_size[0] // 2
        mirror.weight[:, :kept, middle] += back[..., 0].T
    if mirror.bias is not None:
        mirror.bias += mean.view(h.shape[1], stride).mean(1)
