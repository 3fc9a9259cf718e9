"""Songs made by a model or by the corpus, and kept so that whoever was interrupted goes on."""

import hashlib
import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile
import torch

from core.atomic import replacing, write_text
from core.bench.demo.home import corpus_digest
from core.bench.demo.made import Made
from core.checkpoints import role_file
from core.engine import Artifact, FreshRun, Verdict
from core.family import family, make_engine, resolve_for
from core.levo.artifacts import Tokens
from core.levo.demo import demo_weights, untrained
from core.levo.identity import identity
from core.levo.shapes import frames_in, shapes_of
from core.random import Stream
from core.reference import digest_of
from core.registry import Variant
from core.settings import Override, Value, Values
from core.song import Song
from core.takes.job import artifact_file
from core.tensors import save_tensors
from corpus.render import render as play
from corpus.song import Song as Plan
from corpus.types import RATE, Wave, wave

if TYPE_CHECKING:
    from torch import Tensor

_ROLES = ("tokens", "flow", "vae", "mix_encoder", "stem_encoder", "separator")
_FULL = 0.99
"""Peak above which a song is turned down to be kept in a file."""


@dataclass(frozen=True, slots=True)
class Maker:
    """One way to make songs, and where they are kept."""

    way: str
    folder: Path
    chosen: Variant
    device: str
    tell: Callable[[str], None]

    def make(self, song: Song, *, seed: int, most: float, stems: str = "mix+vocal", **changes: Value) -> Made:
        """A song of at most so many seconds by the model, its mix first; kept ones are read.

        Raises SongdeskError for missing weights, and for settings and references that cannot be.
        """
        kind = family(self.chosen.family)
        length = min(float(np.ceil(most)), self.chosen.limits.seconds)
        given = {**changes, "seed": seed, "length": length, "stems": stems}
        values = resolve_for(kind, self.chosen, [Override(song.settings), Override(given, "bench")])
        weights = identity(self.chosen, _ROLES)
        heard = digest_of(song.reference) if song.reference else ""
        about = [weights, self.device, song.lyrics, song.style, heard, sorted(dict(values).items())]
        place = _place(self.folder, song.title, about)
        if (kept := _read(place)) is None:
            self.tell(f"{self.way}: {song.title}")
            with tempfile.TemporaryDirectory() as work:
                _keep(place, _rendered(self.chosen, self.device, song, values, Path(work)))
            kept = _read(place)
        assert kept is not None, "what was just kept is there"
        return kept


def trained_maker(chosen: Variant, out: Path, device: str, tell: Callable[[str], None]) -> Maker:
    """Songs by a model with its own weights."""
    return Maker("trained", out / "trained", chosen, device, tell)


def untrained_maker(chosen: Variant, out: Path, device: str, tell: Callable[[str], None]) -> Maker:
    """Songs by a model of the same sizes that has learned nothing; its weights are made here."""
    folder = out.resolve() / "untrained-weights"
    demo_weights(shapes_of(chosen.shapes), folder)
    return Maker("untrained", out / "untrained", placed(untrained(chosen), folder), device, tell)


def placed(chosen: Variant, folder: Path) -> Variant:
    """A model whose weights lie in a folder of their own, which is its name."""
    # The folder of a model is its id below that of all weights: an absolute path takes the place of both.
    return replace(chosen, id=str(folder.resolve()), files=())


def played(plan: Plan, out: Path | None, name: str) -> Made:
    """A song as the corpus plays it; kept in a folder if one is given."""
    place = (
        _place(out / "corpus", name, [corpus_digest(), plan.seed, plan.lyrics, plan.description])
        if out
        else None
    )
    if place is not None and (kept := _read(place)) is not None:
        return kept
    stems = play(plan)
    made = Made(stems.mix, stems.vocal, has_ended=True)
    if place is not None:
        _keep(place, made)
    return made


@dataclass(slots=True)
class _Keeping(FreshRun):
    """A run that nobody watches and that keeps the sound; implements `core.engine.Run`."""

    device: torch.device
    values: Values
    chosen: Variant
    folder: Path
    sounds: dict[str, list[Wave]] = field(default_factory=dict)

    def step(self, done: int, total: int) -> Verdict:  # noqa: ARG002
        """Go on."""
        return Verdict.GO

    def live(self, key: str) -> Value:
        """The value it was given."""
        return self.values[key]

    def stream(self, name: str) -> Stream:
        """A random stream of the take."""
        return Stream(self.values.whole("seed"), name)

    def weights(self, role: str) -> Path:
        """The file of a role's weights."""
        return role_file(self.chosen, role)

    def note(self, what: str) -> None:
        """Nobody listens."""

    def save(self, kind: str, tensors: "Mapping[str, Tensor]", meta: Mapping[str, str]) -> Artifact:
        """Keep an artifact for the next stage."""
        path = artifact_file(self.folder, kind)
        save_tensors(path, {name: tensor.cpu() for name, tensor in tensors.items()}, meta)
        return Artifact(kind, path, "")

    def audio(self, samples: "Tensor", stem: str = "mix") -> None:
        """Keep what is heard."""
        self.sounds.setdefault(stem, []).append(samples.float().cpu().numpy())


def _rendered(chosen: Variant, device: str, song: Song, values: Values, folder: Path) -> Made:
    kind = family(chosen.family)
    run = _Keeping(torch.device(device), values, chosen, folder)
    engine = make_engine(kind, chosen)
    try:
        with torch.inference_mode():
            for stage in kind.stages:
                inputs = {name: artifact_file(folder, name) for name in stage.reads}
                engine.run(stage.id, song, values, inputs, run)
    finally:
        engine.close()
    frames = Tokens.load(artifact_file(folder, "tokens")).codes.shape[1]
    sounds = {stem: wave(np.concatenate(parts, axis=1)) for stem, parts in run.sounds.items()}
    return Made(sounds["mix"], sounds.get("vocal"), has_ended=frames < frames_in(values.real("length")))


def _place(folder: Path, name: str, about: object) -> Path:
    """Where a song is kept, without what tells its files apart."""
    return folder / f"{name}-{hashlib.sha256(repr(about).encode()).hexdigest()[:12]}"


def _keep(place: Path, made: Made) -> None:
    """Write the stems at one gain, and at last what says that they are whole."""
    peak = float(np.nan_to_num(np.abs(made.mix)).max(initial=0.0))
    gain = min(1.0, _FULL / peak) if peak > 0 else 1.0
    for name, sound in (("", made.mix), ("_vocal", made.vocal)):
        if sound is not None:
            with replacing(place.with_name(f"{place.name}{name}.flac")) as temporary:
                soundfile.write(
                    temporary, np.nan_to_num(sound).T * gain, RATE, subtype="PCM_24", format="FLAC"
                )
    is_sound = all(bool(np.isfinite(sound).all()) for sound in (made.mix, made.vocal) if sound is not None)
    facts = {"has_ended": made.has_ended, "has_vocal": made.vocal is not None, "is_sound": is_sound}
    write_text(place.with_name(f"{place.name}.json"), json.dumps(facts) + "\n")


def _read(place: Path) -> Made | None:
    """A song that was kept whole."""
    try:
        facts = json.loads(place.with_name(f"{place.name}.json").read_text(encoding="utf-8"))
        mix = _sound(place.with_name(f"{place.name}.flac"))
        vocal = _sound(place.with_name(f"{place.name}_vocal.flac")) if facts["has_vocal"] else None
        if not facts["is_sound"]:
            mix = np.full_like(mix, np.nan)
        return Made(mix, vocal, bool(facts["has_ended"]))
    except (OSError, ValueError, KeyError, TypeError, soundfile.SoundFileError):
        return None


def _sound(path: Path) -> Wave:
    samples, _ = soundfile.read(path, dtype="float32", always_2d=True)
    return wave(samples.T)
