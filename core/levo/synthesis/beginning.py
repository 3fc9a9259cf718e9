"""What of a song is known before it is rendered: the beginning that it shares with another one."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from core.levo.accidents import NONE, Accidents
from core.levo.artifacts import Start, Tokens


def known_latents(
    start: Start, tokens: Tokens, stems: Sequence[str], *, width: int, accidents: Accidents = NONE
) -> Mapping[str, Tensor] | str:
    """By stem the latents, float32 [n, width], of the first n frames; or in a few words why there are none.

    They hold as far as the song's codes are those of the start, and no further than the shortest of them.
    """
    if accidents != NONE:
        return "compatibility with the published programs was asked for"
    missing = [stem for stem in stems if stem not in start.stems]
    if missing:
        return f"of {' and '.join(missing)} no latents are known"
    given = {stem: start.stems[stem] for stem in stems}
    if any(latents.ndim != 2 or latents.shape[1] != width for latents in given.values()):
        return "its latents are of a model of another shape"
    frames = min(_alike(start, tokens), *(len(latents) for latents in given.values()))
    if not frames:
        return "the song begins with other codes"
    return {stem: latents[:frames].float() for stem, latents in given.items()}


def _alike(start: Start, tokens: Tokens) -> int:
    """How many frames of the song begin with the codes of the start."""
    frames = min(start.codes.shape[1], tokens.codes.shape[1])
    others = (start.codes[:, :frames] != tokens.codes[:, :frames]).any(dim=0).nonzero()
    return int(others[0]) if len(others) else frames
