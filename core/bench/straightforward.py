"""The baseline: phase 3 the straightforward way, on the product's own modules and weights."""

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

from core.engine import Run
from core.kernels.reference import rotate_pairs
from core.levo.artifacts import Tokens
from core.levo.shapes import SAMPLES_PER_FRAME, FlowShapes
from core.levo.synthesis.euler import SIGMA_MIN, Problem
from core.levo.synthesis.joining import ramps
from core.levo.synthesis.render import NOISE_STRIDE, Synthesis
from core.levo.synthesis.transformer import Block, FlowTransformer, Rope
from core.levo.synthesis.windows import Window, tiled_windows
from core.levo.vae import VaeDecoder
from core.levo.weights import hollow

CHUNK = 128
"""Latents decoded at once."""
OVERLAP = 32
"""Latents that neighbouring chunks have in common; each chunk gives up half of them at an inner side."""
_HEARD = slice(1, 3)
"""The codebooks of vocal and backing."""


class Straightforward:
    """Full windows, all solved, then each decoded on its own and faded into a song that is given at the end.

    It follows levo-audio spec §4-6 as it is written, in fp32: what the product shares between layers, steps
    and windows is worked out where it is used.
    """

    def __init__(self, models: Synthesis) -> None:
        self._models = models
        self._transformer = PlainTransformer(models.flow.transformer)

    def render(self, tokens: Tokens, run: Run) -> None:
        """Give `run` the whole song [2, 1920 n] at once."""
        flow = self._models.shapes.flow
        codes = tokens.codes[_HEARD].to(run.device)
        carried = torch.zeros(0, flow.latent, device=run.device)
        solved: list[Tensor] = []
        for window in tiled_windows(codes.shape[1], positions=flow.positions, carried=flow.carried):
            solved.append(self._solve(window, codes, carried, run))
            carried = solved[-1][-flow.carried :]
        song = decode_overlapping(self._models.decoder, solved[0])
        for latents in solved[1:]:
            sound = decode_overlapping(self._models.decoder, latents)
            song = _faded(song, sound, flow.carried * SAMPLES_PER_FRAME)
        run.audio(song[:, : codes.shape[1] * SAMPLES_PER_FRAME])

    def _solve(self, window: Window, codes: Tensor, carried: Tensor, run: Run) -> Tensor:
        """The latents [T, latent] of a window, whose codes are tiled to its length."""
        places = torch.arange(window.length, device=run.device)
        near = codes[:, (places + window.start) % codes.shape[1]]
        noise = run.stream("flow").normal(places + window.index * NOISE_STRIDE, carried.shape[1])
        problem = self._models.flow.problem(near[None], carried[None], noise[None])
        steps, guidance = int(run.live("flow_steps")), float(run.live("flow_guidance"))
        return self.window(problem, steps=steps, guidance=guidance)[0]

    def window(self, problem: Problem, *, steps: int, guidance: float) -> Tensor:
        """VAE latents [B, T, latent] of a window by Euler steps (levo-audio spec §4.2)."""
        carried, noise, condition = problem.carried, problem.noise, problem.condition
        known, latent = carried.shape[1:]
        context = F.pad(carried, (0, 0, 0, noise.shape[1] - known))
        state = noise.clone()
        for now, then in pairwise(torch.linspace(0, 1, steps + 1).tolist()):
            state[:, :known] = (1 - (1 - SIGMA_MIN) * now) * noise[:, :known] + now * carried
            blind = torch.cat((problem.marks, context, torch.zeros_like(condition), state), dim=-1)
            seeing = torch.cat((problem.marks, context, condition, state), dim=-1)
            velocity = self._transformer.velocity(torch.cat((blind, seeing)), now)[..., -latent:]
            without, with_codes = velocity.chunk(2)
            state = state + (then - now) * (without + guidance * (with_codes - without))
        return self._models.flow.normaliser.latents(torch.cat((carried, state[:, known:]), dim=1))


class PlainTransformer:
    """A flow transformer's weights, with times and angles worked out layer by layer and a full head."""

    def __init__(self, network: FlowTransformer) -> None:
        self._network = network
        self._blocks = [_plain(block, network.shapes) for block in network.blocks if isinstance(block, Block)]
        unheard = network.shapes.width - network.shapes.latent
        head = network.head
        self._head = F.pad(head.weight, (0, 0, unheard, 0)), F.pad(head.bias, (unheard, 0))

    def velocity(self, x: Tensor, time: float) -> Tensor:
        """The head's outputs [B, T, width] for x [B, T, width]; those of the latents are the last ones."""
        network, frames = self._network, x.shape[1]
        embedded, rows = network.time(torch.full((len(x),), time, device=x.device))
        x = x + network.positions.weight[:frames]
        for block in self._blocks:
            x = block(x, block.table + rows, network.rope(frames))
        shift, scale = (network.table + embedded[:, None])[:, :, None].unbind(1)  # each [B, 1, width]
        return F.linear(network.norm(x) * (1 + scale) + shift, *self._head)


class PlainBlock(Block):
    """Attention by scores that are all in memory, with a mask added that hides nothing."""

    def _attend(self, x: Tensor, rope: Rope) -> Tensor:
        heads = self.qkv(x).view(*x.shape[:2], 3, self.heads, -1)  # [B, T, 3, H, D]
        q, k, v = heads.permute(2, 0, 3, 1, 4).unbind(0)
        scores = rotate_pairs(q, *rope) @ rotate_pairs(k, *rope).transpose(-1, -2)  # [B, H, T, T]
        scores = scores / math.sqrt(q.shape[-1])
        scores = scores + x.new_zeros(len(x), 1, x.shape[1], x.shape[1])
        mixed = scores.softmax(dim=-1) @ v
        attended: Tensor = self.out(mixed.transpose(1, 2).flatten(-2))
        return attended


def decode_overlapping(
    decoder: VaeDecoder, latents: Tensor, *, chunk: int = CHUNK, overlap: int = OVERLAP
) -> Tensor:
    """Latents [n, latent] to sound [2, 1920 n] in chunks of one size, the last one right-aligned (spec §5).

    Fewer latents than a chunk, which only the windows of a small model have, are decoded in one piece.
    """
    count, trim = len(latents), overlap // 2
    chunk = min(chunk, count)
    starts = list(range(0, count - chunk + 1, chunk - overlap)) if count > chunk else [0]
    if starts[-1] + chunk < count:
        starts.append(count - chunk)
    sound = latents.new_empty(2, count * SAMPLES_PER_FRAME)
    for start in starts:
        near: Tensor = decoder(latents[start : start + chunk].T[None])[0]
        begin = start + trim if start else 0
        end = start + chunk - (trim if start + chunk < count else 0)
        kept = near[:, (begin - start) * SAMPLES_PER_FRAME : (end - start) * SAMPLES_PER_FRAME]
        sound[:, begin * SAMPLES_PER_FRAME : end * SAMPLES_PER_FRAME] = kept
    return sound


def _plain(block: Block, shapes: FlowShapes) -> PlainBlock:
    """A block on the same weights."""
    with hollow():
        plain = PlainBlock(shapes, torch.float32)
    plain.load_state_dict(block.state_dict(), assign=True)
    return plain.eval().requires_grad_(False)


def _faded(song: Tensor, sound: Tensor, overlap: int) -> Tensor:
    """A song [2, n] with the sound [2, m] of its next window, `overlap` samples of both faded linearly."""
    out, into = ramps("linear", overlap, song.device)
    both = song[:, -overlap:] * out + sound[:, :overlap] * into
    return torch.cat((song[:, :-overlap], both, sound[:, overlap:]), dim=1)
