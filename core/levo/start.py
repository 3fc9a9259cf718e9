"""What a take begins with that another one has made, as a file of its own; no torch."""

from pathlib import Path
from typing import TYPE_CHECKING

from core.atomic import replacing
from core.errors import SongdeskError
from core.family import Kept
from core.headers import read_header
from core.levo.identity import ARTIFACTS
from core.levo.shapes import FRAME_RATE
from core.takes.job import artifact_file
from core.takes.tokenhash import codes_in, token_hash

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import numpy.typing as npt

    from core.takes.tokenhash import Codes

    Latents = Mapping[str, npt.NDArray[np.float32]]

_LATENTS = "latents."
_FLOATS = ("F16", "F32")


def begin_with(parent: Path, child: Path, seconds: float) -> Kept:
    """Write into one take's folder the first `seconds` of another's tokens, and latents as far as there are.

    Raises SongdeskError where the parent has no tokens, or the time is not within it.
    """
    codes = codes_in(artifact_file(parent, "tokens"))
    frames = min(round(seconds * FRAME_RATE), codes.shape[1])
    if frames < 1:
        raise SongdeskError("nothing would be kept", where=parent.name, hint="choose a later place")
    known = _latents(artifact_file(parent, "latents"), token_hash(codes))
    kept = {name: latents[:frames] for name, latents in known.items()}
    return Kept(frames / FRAME_RATE, _write(child, codes[:, :frames], kept))


def begin_as(parent: Path, child: Path) -> None:
    """Write into one take's folder the tokens that another begins with, without latents.

    SongdeskError where they cannot be read.
    """
    _write(child, codes_in(artifact_file(parent, "start")), {})


def _write(child: Path, codes: "Codes", latents: "Latents") -> str:
    """Write what a take begins with; returns the hash of its tokens."""
    import numpy as np
    from safetensors.numpy import save_file

    tokens = token_hash(codes)
    start = {name: np.ascontiguousarray(values) for name, values in {"codes": codes, **latents}.items()}
    with replacing(artifact_file(child, "start")) as temporary:
        save_file(start, temporary, {"version": ARTIFACTS, "made_from": tokens})
    return tokens


def _latents(path: Path, tokens: str) -> "Latents":
    """The latents that were made of these tokens; none where there are none that can be read.

    Without them the sound before is made anew, and the take will say so.
    """
    from safetensors import SafetensorError, safe_open

    try:
        header = read_header(path)
        if header.about.get("tokens") != tokens:
            return {}
        names = [
            name
            for name, placed in header.tensors.items()
            if name.startswith(_LATENTS) and placed.dtype in _FLOATS and len(placed.shape) == 2
        ]
        with safe_open(path, framework="numpy") as file:
            return {name: file.get_tensor(name) for name in names}
    except (OSError, SafetensorError, SongdeskError):
        return {}
