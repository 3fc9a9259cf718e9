"""What the fork's phases leave on disk, read as plain data and checked: nothing in a file is ever run.

Two kinds (levo-tokens spec §11): songs in words and codes, before composing, and one song in tokens after it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from core.clock import clock
from core.errors import SongdeskError
from core.levo.shapes import CODEBOOKS, FRAME_RATE, STEMS, Shapes
from core.levo.stored import plain_objects
from core.reference import BACKING, VOCAL
from core.settings import parse_pairs
from core.song import BUILT_IN_STYLES, Reference

_LARGEST_FILE = 256 << 20
"""Bytes; the tokens of five minutes have 180 kB."""
_LONGEST = 3600 * FRAME_RATE
"""Frames of a song at most."""
_MOST_SONGS = 10_000
_SHOWN = 60
"""Characters of a name in a message."""
_WHOLE = (torch.int64, torch.int32, torch.int16, torch.uint8)
_PROMPT = ("pmt_wav", "vocal_wav", "bgm_wav")
"""By codebook under which name a prompt's codes are; they are codes for all that it says."""
_STEMS = ("raw_vocal_wav", "raw_bgm_wav")
_KNOWN = {
    "idx", "gt_lyric", "descriptions", "description", "parameters", "melody_is_wav", "raw_wavs",
    "raw_pmt_wav", "prompt_audio_path", "auto_prompt_audio_type", "melody_audio_path", *_PROMPT, *_STEMS,
}  # fmt: skip
_WORDS = {
    "no checkpoint: neither a torch zip file nor safetensors": "no file of torch's",
    "checkpoint file": "file",
    "checkpoint": "torch file",
    "the weights themselves": "the file itself",
}
"""What a file of a model is called, and what one of the fork's phases is."""
_HINT = "name a *_tokens.pt or a batch_conditions.pt of the fork"
_LED = "a recording led it, whose sound is not in the file: it is rendered as if none came before it"


@dataclass(frozen=True, slots=True)
class ForeignTokens:
    """A song as the fork composed it."""

    codes: Tensor
    """int64 [3, T]: mixed, vocal, backing; every value is a row of the codebook."""
    reference: Reference | None
    """The recording that led it, where it and its stems are on this machine."""
    notes: tuple[str, ...]
    """What was left out or changed, a line each."""


@dataclass(frozen=True, slots=True)
class ForeignSong:
    """A song as the fork was about to compose it."""

    title: str
    wire: str
    """The lyrics as the fork would have read them."""
    style: str
    parameters: Mapping[str, str]
    """Settings by the names they were given."""
    prompt: Tensor
    """int64 [3, n] of mix, vocal, backing; an absent codebook is special all through, n = 0 without any."""
    reference: Reference | None
    """As of `ForeignTokens`; or the built-in style that its prompt was taken from."""
    notes: tuple[str, ...]
    """As of `ForeignTokens`."""


def read_artifact(path: Path, shapes: Shapes) -> ForeignTokens | tuple[ForeignSong, ...]:
    """The songs in a file that the fork's first or second phase wrote, checked against a model's codebook.

    SongdeskError for any other file, and for codes that are none of this model.
    """
    found = _opened(path)
    if isinstance(found, Mapping) and "tokens" in found:
        return _tokens({str(key): value for key, value in found.items()}, shapes, path)
    if isinstance(found, list | tuple) and found and all(isinstance(item, Mapping) for item in found):
        if len(found) > _MOST_SONGS:
            raise _odd(f"{len(found)} songs are in it, and {_MOST_SONGS} are read at most", path)
        return tuple(
            _song({str(key): value for key, value in item.items()}, number, shapes, path)
            for number, item in enumerate(found, start=1)
        )
    raise _odd("neither songs to be composed nor tokens of one", path)


def _opened(path: Path) -> object:
    try:
        return plain_objects(path, limit_bytes=_LARGEST_FILE)
    except SongdeskError as error:  # which speaks of the files of models
        what = error.what
        for theirs, ours in _WORDS.items():
            what = what.replace(theirs, ours)
        raise SongdeskError(what, where=error.where, hint=_HINT) from error


def _tokens(found: Mapping[str, object], shapes: Shapes, path: Path) -> ForeignTokens:
    codes = found["tokens"]
    if not isinstance(codes, Tensor) or codes.dtype not in _WHOLE:
        raise _odd("its tokens are no tensor of whole numbers", path)
    shape = "×".join(map(str, codes.shape)) or "a number"
    if codes.ndim != 3 or codes.shape[:2] != (1, CODEBOOKS) or not 0 < codes.shape[2] <= _LONGEST:
        raise _odd(f"its tokens are {shape} where 1×{CODEBOOKS}×1 to 1×{CODEBOOKS}×{_LONGEST} belongs", path)
    rows = codes[0].long()
    _require_ids(rows, shapes, "its tokens", path)
    rows, notes = _cut(rows, shapes, path)
    reference = _recording(found, path)
    if found.get("raw_wavs"):
        notes = (*notes, *_about_recording(reference))
    return ForeignTokens(rows, reference, notes)


def _cut(codes: Tensor, shapes: Shapes, path: Path) -> tuple[Tensor, tuple[str, ...]]:
    """The song up to its end, without ids that are no codes; and what was done to it (levo-audio Q3, Q4)."""
    codes, notes, size = codes.clone(), [], shapes.quantizer.codes
    dead = [book for book in (1, 2) if bool((codes[book] >= size).all())]
    for book in dead if len(dead) == 1 else ():
        codes[book] = shapes.quantizer.neutral[book - 1]
        notes.append(f"it has no {STEMS[book]} codes at all: that part is silent")
    ends = (codes[1:] >= size).any(dim=0).nonzero()
    if len(ends):
        end, frames = int(ends[0]), codes.shape[1]
        if not end:
            raise SongdeskError(
                "the song in it ends before its first frame", where=str(path), hint="compose it again"
            )
        codes = codes[:, :end]
        notes.append(
            f"it was cut at {clock(end / FRAME_RATE)}, frame {end} of {frames}, where its end is marked"
        )
    if missing := int((codes[0] >= size).sum()):
        codes[0][codes[0] >= size] = 0
        notes.append(
            f"no mixed code in {missing} of its frames: not heard, but it misleads a take that sings on"
        )
    return codes, tuple(notes)


def _song(item: Mapping[str, object], number: int, shapes: Shapes, path: Path) -> ForeignSong:
    title = item.get("idx")
    if title is None or isinstance(title, bool) or not isinstance(title, str | int) or not str(title).strip():
        title = f"{path.stem} {number}"
    where = f"song {number} ({_shown(str(title))})"
    wire = item.get("gt_lyric")
    if not isinstance(wire, str) or not wire.strip():
        raise _odd(f"{where} has no lyrics", path)
    style, about_style = _style(item.get("descriptions", item.get("description")))
    parameters, about_parameters = _parameters(item.get("parameters"))
    prompt, about_prompt = _prompt(item, shapes, where, path)
    reference = _built_in(item) or _recording(item, path)
    notes = [*about_style, *about_parameters, *about_prompt]
    if item.get("raw_wavs"):
        notes += _about_recording(reference)
    if unknown := sorted(item.keys() - _KNOWN):
        notes.append(f"not used: {', '.join(unknown)}")
    return ForeignSong(str(title), wire, style, parameters, prompt, reference, tuple(notes))


def _style(given: object) -> tuple[str, tuple[str, ...]]:
    if given is None or isinstance(given, str):
        return (given or "").strip(), ()
    return "", ("its description is no text, and was left out",)


def _parameters(given: object) -> tuple[Mapping[str, str], tuple[str, ...]]:
    if given is None:
        return {}, ()
    try:
        if isinstance(given, str):
            return parse_pairs(given, between=":"), ()
        why = "they are no text"
    except SongdeskError as error:
        why = error.what
    return {}, (f"its parameters were left out: {why}",)


def _prompt(
    item: Mapping[str, object], shapes: Shapes, where: str, path: Path
) -> tuple[Tensor, tuple[str, ...]]:
    """A prompt's codes [3, n], and what was left out of them."""
    books: dict[int, Tensor] = {}
    for book, name in enumerate(_PROMPT):
        codes = item.get(name)
        if codes is None:
            continue
        if not isinstance(codes, Tensor) or codes.dtype not in _WHOLE or codes.ndim > 3 or not codes.numel():
            raise _odd(f"{name} of {where} is no tensor of codes", path)
        if codes.numel() != codes.shape[-1] or codes.numel() > _LONGEST:
            raise _odd(f"{name} of {where} is {'×'.join(map(str, codes.shape))} where 1×1×n belongs", path)
        row = codes.reshape(-1).long()
        _require_ids(row, shapes, f"{name} of {where}", path)
        if int(row[0]) != shapes.tokens.special:  # so the models were trained: the first code tells
            books[book] = row
    if not books:
        return torch.empty(CODEBOOKS, 0, dtype=torch.int64), ()
    lengths = {len(row) for row in books.values()}
    frames = min(*lengths, shapes.tokens.prompt_frames)
    prompt = torch.full((CODEBOOKS, frames), shapes.tokens.special)
    for book, row in books.items():
        prompt[book] = row[:frames]
    if max(lengths) == frames:
        return prompt, ()
    return prompt, (f"of its prompt the first {frames} codes are read, of {max(lengths)} that it has",)


def _require_ids(codes: Tensor, shapes: Shapes, what: str, path: Path) -> None:
    """Refuse ids that are neither codes nor one of the two marks behind them."""
    least, most = (int(value) for value in codes.aminmax())
    size = shapes.tokens.codes
    if least < 0 or most > shapes.tokens.special:
        wrong = least if least < 0 else most
        raise SongdeskError(
            f"{what} hold {wrong}, and the codes of this model are 0 to {size - 1}",
            where=str(path),
            hint="name the model that it was made with by --model",
        )


def _built_in(item: Mapping[str, object]) -> Reference | None:
    given = item.get("auto_prompt_audio_type")
    names = {name.casefold(): name for name in BUILT_IN_STYLES}
    name = names.get(given.casefold()) if isinstance(given, str) else None
    return Reference(style=name) if name else None


def _recording(found: Mapping[str, object], path: Path) -> Reference | None:
    """The recording beside whose stems it is, as far as all three are here: the file names the stems."""
    vocal, backing = found.get(_STEMS[0]), found.get(_STEMS[1])
    if not isinstance(vocal, str) or not isinstance(backing, str):
        return None
    try:
        stems = (path.parent / vocal, path.parent / backing)
        recording = stems[0].with_name(f"{stems[0].stem.removesuffix(VOCAL)}{stems[0].suffix}")
        beside = tuple(recording.with_stem(f"{recording.stem}{end}") for end in (VOCAL, BACKING))
        is_here = beside == stems and all(each.is_file() for each in (recording, *stems))
        return Reference(path=str(recording.resolve())) if is_here else None
    except (OSError, ValueError, RuntimeError):  # it is no path, or one that cannot be followed
        return None


def _about_recording(reference: Reference | None) -> tuple[str, ...]:
    if reference is None or not reference.path:
        return (_LED,)
    return (_LED, f"that recording is here, and leads other takes of this song: {reference.path}")


def _shown(text: str) -> str:
    """A name of the file's as it may stand in a message."""
    short = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return "".join(char if char.isprintable() else "�" for char in short)


def _odd(what: str, path: Path) -> SongdeskError:
    return SongdeskError(what, where=str(path), hint=_HINT)
