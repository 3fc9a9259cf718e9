"""Runs LeVo's stages, each with its own models and none left behind."""

import gc
from collections.abc import Mapping
from pathlib import Path

import psutil
import torch

from core.checkpoints import model_folder
from core.device import cores, processor_threads
from core.engine import Run
from core.levo.artifacts import Conditions, Tokens
from core.levo.conditions.text import text_conditions
from core.levo.demo import demo_weights
from core.levo.identity import ARTIFACTS
from core.levo.plan import choose_schedule
from core.levo.shapes import shapes_of
from core.levo.synthesis.render import load_synthesis, render
from core.levo.text import style_text, tokenizers
from core.levo.tokens.compose import compose
from core.levo.tokens.model import Part, TokenModel
from core.levo.weights import load_module
from core.lyrics.parse import parse
from core.lyrics.tags import dialect
from core.lyrics.wire import to_wire
from core.registry import Variant
from core.settings import Values
from core.song import Song

_META = {"version": ARTIFACTS}
_NARROW = 512
"""A step of a model no wider than this is over before a second thread has woken up."""


class LevoEngine:
    """One variant of LeVo; models live only inside the stage that uses them."""

    def __init__(self, variant: Variant) -> None:
        self._variant = variant
        self._shapes = shapes_of(variant.shapes)

    def run(self, stage: str, song: Song, values: Values, inputs: Mapping[str, Path], run: Run) -> None:
        """Run one stage; raises SongdeskError for missing weights or damaged artifacts."""
        if self._variant.weights == "rule" and stage != "conditions":
            demo_weights(self._shapes, model_folder(self._variant))
        try:
            match stage:
                case "conditions":
                    self._condition(song, values, run)
                case "tokens":
                    self._compose(values, inputs, run)
                case "audio":
                    self._render(inputs, run)
                case _:
                    raise AssertionError(stage)
        finally:
            self.close()

    def close(self) -> None:
        """Give back what the finished stage held."""
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _condition(self, song: Song, values: Values, run: Run) -> None:
        wire = to_wire(parse(song.lyrics), dialect(self._variant.family))
        musicality = values.text("musicality")
        style = style_text(song.style, version=self._variant.version, musicality=musicality)
        conditions = text_conditions(
            wire, style, self._shapes.tokens, tokenizers(self._variant), latent=self._shapes.vae.latent
        )
        run.step(1, 1)
        run.save("conditions", conditions.tensors(), _META)

    def _compose(self, values: Values, inputs: Mapping[str, Path], run: Run) -> None:
        conditions = Conditions.load(inputs["conditions"])
        half = self._variant.weights != "rule" and run.device.type != "cpu"
        dtype = torch.float16 if half else torch.float32
        shapes, path = self._shapes.tokens, run.weights("tokens")

        def load(parts: tuple[Part, ...]) -> TokenModel:
            place = torch.device("cpu") if parts == ("text",) else run.device
            return load_module(lambda: TokenModel(shapes, parts), path, place, dtype=dtype)

        free = free_memory(run.device)
        schedule, reason = choose_schedule(shapes, values, bytes_each=dtype.itemsize, free=free)
        if reason:
            run.note(reason)
        with processor_threads(1 if shapes.width <= _NARROW else cores()):
            tokens = compose(load, shapes, conditions, values, run, schedule=schedule)
        run.save("tokens", tokens.tensors(), _META)

    def _render(self, inputs: Mapping[str, Path], run: Run) -> None:
        conditions = Conditions.load(inputs["conditions"])
        tokens = Tokens.load(inputs["tokens"])
        models = load_synthesis(self._shapes, run.weights("synthesis"), run.device)
        with processor_threads(cores()):
            render(models, tokens, conditions, run)


def free_memory(device: torch.device) -> int:
    """Bytes that a model could still take on the device."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return psutil.virtual_memory().available
