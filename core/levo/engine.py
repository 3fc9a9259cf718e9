"""Runs LeVo's stages, each with its own models and none left behind."""

import gc
import hashlib
import sys
from collections.abc import Mapping
from pathlib import Path
from traceback import clear_frames

import torch

from core.checkpoints import model_folder
from core.device import Device, cores, has_tf32, processor_threads, return_memory, tf32_products
from core.engine import Run
from core.errors import SongdeskError
from core.levo.accidents import accidents_of
from core.levo.ahead import solved_before, turns_of
from core.levo.artifacts import Conditions, Start, Tokens
from core.levo.conditions.listen import Listener
from core.levo.conditions.prompt import Prompt, load_prompt, no_prompt, save_prompt
from core.levo.conditions.styles import style_prompt
from core.levo.conditions.text import text_conditions
from core.levo.demo import demo_weights
from core.levo.identity import ARTIFACTS, LED_BY, identity
from core.levo.plan import condition_units, is_half, plan
from core.levo.settings import resolved
from core.levo.shapes import shapes_of
from core.levo.synthesis.precision import Narrow
from core.levo.synthesis.render import Means, load_flow, load_synthesis, render
from core.levo.synthesis.trial import recorder
from core.levo.text import style_text, tokenizers
from core.levo.tokens.blocks import to_int8
from core.levo.tokens.compose import compose
from core.levo.tokens.fourbits import to_int4
from core.levo.tokens.model import Part, TokenModel
from core.levo.weights import load_module
from core.lyrics.parse import parse
from core.lyrics.tags import dialect
from core.lyrics.wire import to_wire
from core.paths import reference_cache
from core.random import Stream
from core.reference import digest_of, kind_of
from core.registry import Variant
from core.settings import Values
from core.song import Song
from core.takes.tokenhash import token_hash
from core.threads import Kind, may_change_bits, rule, threads_for

_META = {"version": ARTIFACTS}
_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


class LevoEngine:
    """One variant of LeVo; models live only inside the stage that uses them."""

    def __init__(self, variant: Variant) -> None:
        self._variant = variant
        self._shapes = shapes_of(variant.shapes)

    def run(self, stage: str, song: Song, values: Values, inputs: Mapping[str, Path], run: Run) -> None:
        """Run one stage; raises SongdeskError for missing weights or damaged artifacts.

        What is still left to `auto` in the values, where no governor has chosen, is taken as where there is
        room for everything.
        """
        values = resolved(values, half=is_half(self._variant, _kind_of(run.device)))
        if self._variant.weights == "rule" and (stage != "conditions" or song.reference is not None):
            demo_weights(self._shapes, model_folder(self._variant))
        try:
            match stage:
                case "conditions":
                    self._condition(song, values, run)
                case "tokens":
                    self._compose(values, inputs, run)
                case "audio":
                    self._render(song, values, inputs, run)
                case _:
                    raise AssertionError(stage)
        finally:
            self.close()

    def close(self) -> None:
        """Give back what a stage held, finished or broken off, to the system too."""
        _let_go(sys.exception())
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        return_memory()

    def _condition(self, song: Song, values: Values, run: Run) -> None:
        wire = to_wire(parse(song.lyrics), dialect(self._variant.family))
        musicality = values.text("musicality")
        style = style_text(song.style, version=self._variant.version, musicality=musicality)
        total = condition_units(song)
        prompt = self._prompt(song, wire, values, run)
        for note in prompt.notes:
            run.note(note)
        conditions = text_conditions(wire, style, prompt, self._shapes.tokens, tokenizers(self._variant))
        run.step(total, total)
        run.save("conditions", conditions.tensors(), _META)

    def _prompt(self, song: Song, wire: str, values: Values, run: Run) -> Prompt:
        """What the song's reference leads to; a recording that was heard before is not heard again."""
        shapes, reference = self._shapes, song.reference
        if reference is None:
            return no_prompt(shapes.vae.latent)
        if reference.style:
            table, draw = run.weights("styles"), run.stream("style")
            return style_prompt(
                table, reference.style, wire, draw, shapes.quantizer, latent=shapes.vae.latent
            )
        accidents, exact = accidents_of(values), values.text("front_end") == "exact"
        ears = identity(self._variant, LED_BY[kind_of(reference)])
        device = torch.device("cpu") if values.text("listen_on") == "cpu" else run.device
        what = f"{ears} {digest_of(reference)} {exact} {accidents} {device.type}"
        key = hashlib.sha256(what.encode()).hexdigest()
        kept = reference_cache() / f"{key}.safetensors"
        if (known := load_prompt(kept)) is not None:
            return known
        total = condition_units(song)
        listener = Listener(
            shapes=shapes,
            weights=run.weights,
            device=device,
            accidents=accidents,
            exact_tables=exact,
            noise=Stream(int(digest_of(reference)[:15], 16), "separation"),
            reached=lambda done: run.step(done, total),
        )
        with processor_threads(cores()), tf32_products(False):
            prompt = listener.listen(reference)
        try:
            save_prompt(kept, prompt, {})
        except SongdeskError as error:  # the song itself lacks nothing
            run.note(f"the reference will be heard anew next time: {error}")
        return prompt

    def _compose(self, values: Values, inputs: Mapping[str, Path], run: Run) -> None:
        conditions = Conditions.load(inputs["conditions"])
        half = is_half(self._variant, _kind_of(run.device))
        dtype = torch.float16 if half else torch.float32
        shapes, path = self._shapes.tokens, run.weights("tokens")

        def build(parts: tuple[Part, ...]) -> TokenModel:
            model = TokenModel(shapes, parts)
            rounds = {"int8": to_int8, "int4": to_int4}.get(values.text("weights"))
            if rounds is not None:
                rounds(model)
            return model

        def load(parts: tuple[Part, ...]) -> TokenModel:
            place = torch.device("cpu") if parts == ("text",) else run.device
            return load_module(lambda: build(parts), path, place, dtype=dtype)

        schedule, before = values.text("schedule"), run.known().schedule
        is_exact = dtype is torch.float32 and values.text("kv_cache") == "fp32"
        if before == "two-pass":  # which fits wherever the other one does
            schedule = before
        elif before and before != schedule:
            is_exact = False  # the places of turned knobs are told in another way from here on
        start = Start.load(inputs["start"]) if "start" in inputs else None
        given = Tokens(start.codes) if start is not None else None
        turns = turns_of(
            self._variant, self._shapes, conditions, start, values, run,
            schedule=schedule,
        )  # fmt: skip
        with processor_threads(_threads("steps", shapes.width, run)):
            tokens = compose(
                load, shapes, conditions, values, run,
                schedule=schedule, start=given, is_exact=is_exact, heard=turns,
            )  # fmt: skip
            if turns is not None:
                turns.finish(tokens.codes.shape[1] + max(shapes.delays))
        run.save("tokens", tokens.tensors(), _META)

    def _render(self, song: Song, values: Values, inputs: Mapping[str, Path], run: Run) -> None:
        conditions = Conditions.load(inputs["conditions"])
        tokens = Tokens.load(inputs["tokens"])
        precision = values.text("flow_precision")
        if precision == "tf32" and not has_tf32(run.device):
            run.note("this device has no TF32: the flow was computed in fp32")
        flow, vae, shapes = run.weights("flow"), run.weights("vae"), self._shapes
        half = _DTYPES.get(precision)
        planned = plan(song, self._variant, values, _kind_of(run.device)).stages[-1].units
        means = Means(
            narrow=None if half is None else Narrow(half, lambda: load_flow(shapes, flow, run.device)),
            record=recorder(run.device, pause=lambda: run.step(0, planned))[0],
        )
        models = load_synthesis(shapes, flow, vae, run.device)
        threads = _threads("sound", shapes.flow.width, run)
        out = run.outlet()
        solved = solved_before(out, self._variant, shapes, values, run.device, threads) if out else None
        with processor_threads(threads), tf32_products(precision == "tf32"):
            latents = render(
                models,
                tokens,
                conditions,
                run,
                stems=values.text("stems").split("+"),
                chunk=values.whole("decode_chunk"),
                accidents=accidents_of(values),
                start=Start.load(inputs["start"]) if "start" in inputs else None,
                means=means,
                solved=solved,
            )
        if latents is not None:
            of = token_hash(tokens.codes.numpy())
            run.save("latents", latents.tensors(), {**_META, "tokens": of})


def _let_go(error: BaseException | None) -> None:
    """Empty the frames an error came through: until it is dealt with they would keep models in memory."""
    while error is not None:
        clear_frames(error.__traceback__)
        error = error.__context__


def _threads(kind: Kind, width: int, run: Run) -> int:
    """Threads for a stage; on a processor measured, and told where that may change a bit."""
    if run.device.type != "cpu":
        return rule(kind, width)
    found = threads_for(kind, width)
    if not found.is_rule and may_change_bits(width):
        run.note(f"the processor worked on {found.count} thread{'s' * (found.count > 1)}: {found.why}")
    return found.count


def _kind_of(device: torch.device) -> Device:
    return "cpu" if device.type == "cpu" else "cuda"
