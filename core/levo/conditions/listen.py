"""A reference recording to what the models read of it: codes of mix and stems, and their latents."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from core.errors import SongdeskError
from core.levo.accidents import Accidents
from core.levo.conditions.codes import MixEncoder, StemEncoder, encode
from core.levo.conditions.prompt import Prompt
from core.levo.conditions.recording import Recording, record
from core.levo.conditions.separate import SHIFTS, load_separator, vocal_of
from core.levo.conditions.steps import CODED, READ, SEPARATED
from core.levo.identity import LED_BY
from core.levo.shapes import Shapes
from core.levo.vae import VaeEncoder
from core.levo.weights import load_module
from core.random import Stream
from core.reference import BACKING, VOCAL
from core.song import Reference

_LOUDEST = 0.8
"""Peak of a recording that is left as it is."""


@dataclass(frozen=True, slots=True)
class Listener:
    """All that listening needs besides the recording."""

    shapes: Shapes
    weights: Callable[[str], Path]
    """The file of a role; raises SongdeskError when it is missing."""
    device: torch.device
    accidents: Accidents
    exact_tables: bool
    """Whether the front end uses exact tables instead of the checkpoint's rounded ones."""
    noise: Stream
    """Of the recording, not of the take: the same recording is always heard the same way."""
    reached: Callable[[int], object]
    """Called with the steps done, of HEARD; may raise Cancelled."""

    def listen(self, reference: Reference) -> Prompt:
        """Read a reference's file and hear it; SongdeskError says what is wrong with it."""
        for role in LED_BY["stems"]:  # miss a file before separating rather than after
            self.weights(role)
        recording = record(reference)
        self.reached(READ)
        mix = recording.mix.to(self.device)
        vocal, backing = self._stems(reference, recording, mix)
        self.reached(SEPARATED)
        frames = recording.frames + (1 if self.accidents.skew else 0)
        codes = self._codes(mix, vocal, backing, frames=frames)
        return Prompt(codes.cpu(), self._latents(vocal, backing).cpu(), recording.notes)

    def _stems(self, reference: Reference, recording: Recording, mix: Tensor) -> tuple[Tensor, Tensor]:
        """Vocal and backing, as brought or as separated."""
        if recording.stems is not None:
            vocal, backing = recording.stems
            return vocal.to(self.device), backing.to(self.device)
        try:
            path = self.weights("separator")
        except SongdeskError as missing:
            name = Path(reference.path).stem
            raise SongdeskError(
                f"{Path(reference.path).name} cannot be separated: {missing.what}",
                where=missing.where,
                hint=f"{missing.hint}; or put {name}{VOCAL}.wav and {name}{BACKING}.wav beside the recording",
            ) from missing
        network = load_separator(self.shapes.separator, path, self.device)
        draw = float(self.noise.uniform(torch.zeros(1, dtype=torch.int64), 1))
        done = READ

        def tick() -> None:
            nonlocal done
            done = min(done + 1, SEPARATED)
            self.reached(done)

        raw = self.accidents.raw_separation
        vocal = vocal_of(network, mix, shift=int(draw * (SHIFTS + 1)), raw=raw, tick=tick)
        return vocal, mix - vocal

    def _codes(self, mix: Tensor, vocal: Tensor, backing: Tensor, *, frames: int) -> Tensor:
        """Codes [3, frames]; the two encoders share what is equal in them."""
        shapes, quantizer = self.shapes.encoder, self.shapes.quantizer
        stems = load_module(
            lambda: StemEncoder(shapes, quantizer),
            self.weights("stem_encoder"),
            self.device,
            dtype=torch.float32,
        )
        whole = load_module(
            lambda: MixEncoder(shapes, quantizer),
            self.weights("mix_encoder"),
            self.device,
            dtype=torch.float32,
            twin=stems.state_dict(),
        )
        if self.exact_tables:
            stems.encoder.use_exact_tables()
            whole.encoder.use_exact_tables()
        found: list[Tensor] = []
        for encoder, book, sound, tap in (
            (whole.encoder, whole.mix, mix, shapes.mix_tap),
            (stems.encoder, stems.vocal, vocal, shapes.vocal_tap),
            (stems.encoder, stems.backing, backing, shapes.backing_tap),
        ):
            level = sound if self.accidents.unlevelled else turned_down(sound)
            found.append(encode(encoder, book, level, tap=tap, frames=frames))
            self.reached(SEPARATED + len(found))
        return torch.stack(found)

    def _latents(self, vocal: Tensor, backing: Tensor) -> Tensor:
        """Latents [3, P, latent] of both together and of each alone: what their stems are led by."""
        encoder = load_module(
            lambda: VaeEncoder(self.shapes.vae),
            self.weights("vae"),
            self.device,
            dtype=torch.float32,
            prefix="encoder.",
        )
        found: list[Tensor] = []
        for sound in (vocal + backing, vocal, backing):
            mean, spread = encoder(sound[None])
            latents = mean[0].T
            if self.accidents.drawn_latents:
                places = torch.arange(len(latents))
                noise = Stream(self.noise.seed, "latents").normal(places, latents.shape[1], lane=len(found))
                latents = latents + spread[0].T * noise.to(latents)
            found.append(latents)
            self.reached(CODED + len(found))
        return torch.stack(found)


def turned_down(sound: Tensor) -> Tensor:
    """Sound [2, n], both channels together turned down to a peak of 0.8 if they exceed it."""
    return sound / (sound.abs().max() / _LOUDEST).clamp_min(1)
