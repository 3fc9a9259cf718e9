"""Songs as the token model learns from them: what the product would feed, and where the text is heard."""

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core import style
from core.levo.shapes import TokenShapes
from core.levo.text import Encoded, Tokenizers, lyric_text, null_style, style_text
from corpus import english
from corpus.rng import stream
from corpus.song import Song, compose
from corpus.vocabulary import WORDS
from train.alignment import Aim, aims
from train.codes import Codes, codes_of
from train.slips import misheard
from train.spelling import pieces
from train.symbols import FAMILIES, LINES, MIX, PLACES, sound_code
from train.variety import varied

_SEEDS = 1_000_000
"""Songs are trained on below this number and kept out from it on."""
FACTS = (3, 8, 2, 20)
"""How many there are of genders, families, modes and tempi."""
_SOON = 10
"""Frames before something is told in which its place in the text is asked for."""
_PROGRESSION = 4
"""Chords that go round."""
RECALLED = ("chord", "progression", "place", "line", "bar")
"""What a frame is to think of: the last of its kind, and the chord that a progression has next."""
_KEPT = 0.15
"""Share of tags beside gender and tempo that a description that says little has."""
_INVENTED = 0.3
"""Share of songs in which half of the English words are made up, so that spelling is learned."""
_TOLD = np.array([symbol[0] in ("section", "sound") for symbol in MIX] + [False] * (1024 - len(MIX)))
_KIND = np.array([symbol[0] for symbol in MIX] + [""] * (1024 - len(MIX)))
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Draw:
    """How songs are drawn."""

    bare: float = 0.1
    """Share of rows as guidance contrasts them: no text, no prompt."""
    prompted: float = 0.3
    """Share of batches whose rows have a prompt."""
    own: float = 0.5
    """Of these prompts, the share from another part of the same song."""
    plain: float = 0.0
    """Share of prompted rows whose description says little, so that the prompt has to."""
    misheard: float = 0.0
    """Share of prompts that are heard with errors, as encoders make them."""
    varied: float = 0.0
    """Share of songs of any form, words and tags: see `variety`."""


@dataclass(frozen=True, slots=True)
class Example:
    """One row."""

    lyric: Encoded
    style: Encoded
    """Both at full length."""
    read: tuple[int, int]
    """Ids of the lyric and of the style before the padding."""
    prompt: Codes
    """[3, n], n = 0 for none."""
    codes: Codes
    """[3, frames]."""
    spans: Ints
    """[frames + 1, 2]: first and last lyric position of the tag or syllable told next; -1 for none."""
    sounds: Ints
    """[syllables, 6]: the last lyric position of each syllable, its code, those of the two before it, -1 for
    none, and the line of its section and the place in it, as codebook 0 counts them."""
    facts: tuple[int, ...]
    """What the description asks for, a number of each of FACTS; -1 where there is none."""
    before: Ints
    """[frames + 1, 4]: for each frame the codes that were last told before it, -1 for none: the last
    sound, the one before it, the last pitch, the last chord."""
    recalls: Ints
    """[frames + 1, RECALLED]: for each frame the frames of what it is to think of, -1 for none."""


def example(
    rng: np.random.Generator,
    shapes: TokenShapes,
    words: Tokenizers,
    draw: Draw,
    *,
    seconds: float,
    prompted: bool,
) -> Example:
    """Draw a song of about so many seconds, and what the product would give a model to write it."""
    seed, is_varied = int(rng.integers(_SEEDS)), rng.random() < draw.varied
    song = varied(seed, rng, seconds) if is_varied else composed(seed, rng, seconds)
    codes = codes_of(song)
    if rng.random() < draw.bare:
        return _row(shapes, words, codes, None)
    if not prompted:
        return _row(shapes, words, codes, song)
    is_plain = rng.random() < draw.plain
    prompt = _prompt(rng, song, codes, shapes.prompt_frames, own=1.0 if is_plain else draw.own)
    if rng.random() < draw.misheard:
        prompt = misheard(prompt, rng)
    told = _less(rng, song.description) if is_plain else song.description
    return _row(shapes, words, codes, song, prompt, told)


def _less(rng: np.random.Generator, description: str) -> str:
    """Gender and tempo, and seldom more of it."""
    tags = style.split(description)
    is_kept = [
        tag in ("female", "male", "mixed") or bool(style.bpm_of([tag])) or rng.random() < _KEPT
        for tag in tags
    ]
    return style.join([tag for tag, kept in zip(tags, is_kept, strict=True) if kept])


def composed(seed: int, rng: np.random.Generator, seconds: float) -> Song:
    """A song of the corpus, or one like it with words that nobody knows."""
    song = compose(seed, seconds=seconds)
    if song.language == "zh" or rng.random() >= _INVENTED:
        return song
    lyrics = re.sub(r"(?<![\[\w-])[A-Za-z]+(?![\w\]-])", lambda found: _invented(rng, found[0]), song.lyrics)
    return compose(seed, seconds=seconds, lyrics=lyrics, description=song.description)


def _invented(rng: np.random.Generator, word: str) -> str:
    """The word, or one of as many syllables of other words."""
    if rng.random() < 0.5:
        return word
    parts = [pieces(str(rng.choice(WORDS))) for _ in english.syllables(word)]
    made = "".join(str(rng.choice(part)) for part in parts)
    return made[:1].upper() + made[1:] if word[:1].isupper() else made


def _row(
    shapes: TokenShapes, words: Tokenizers, codes: Codes, song: Song | None, prompt: Codes | None = None,
    description: str | None = None,
) -> Example:  # fmt: skip
    """What the product's conditioner makes of a song; of None, what guidance contrasts it with."""
    asked = description if description is not None else song.description if song else ""
    whole = style_text(asked, version=words.version)
    lyric = words.encode_lyrics(lyric_text(song.lyrics) if song else None)
    told = words.encode_style(whole if song else null_style(whole))
    found = aims(song, words) if song else ()
    return Example(
        lyric=lyric.fit(shapes.lyric_length, words.pad),
        style=told.fit(shapes.style_length, words.pad),
        read=(min(len(lyric.ids), shapes.lyric_length), min(len(told.ids), shapes.style_length)),
        prompt=prompt if prompt is not None else codes[:, :0],
        codes=codes,
        spans=_spans(codes, found, shapes.lyric_length),
        sounds=_sounds(song, found, shapes.lyric_length) if song and found else np.zeros((0, 6), np.int64),
        facts=_facts(song, asked),
        before=_before(codes),
        recalls=_recalls(codes),
    )


def _spans(codes: Codes, found: tuple[Aim, ...], limit: int) -> Ints:
    """For each frame, and the end, the aim of the section or syllable that is told next and soon."""
    spans = np.full((codes.shape[1] + 1, 2), -1, dtype=np.int64)
    at = np.flatnonzero(_TOLD[codes[0]])
    if len(at) != len(found):
        return spans
    tags = [one for one in found if one.is_tag]
    syllables = [one for one in found if not one.is_tag]
    before = 0
    for frame in at.tolist():
        is_tag = MIX[codes[0, frame]][0] == "section"
        one = (tags if is_tag else syllables).pop(0)
        if one.last < limit:
            spans[max(before, frame - _SOON) : frame + 1] = (one.first, one.last)
        before = frame + 1
    return spans


def _sounds(song: Song, found: tuple[Aim, ...], limit: int) -> Ints:
    sung = [
        (number % LINES, min(at, PLACES[-1]), sound_code(one.sound))
        for section in song.sections
        for number, line in enumerate(section.lines)
        for at, one in enumerate(line.syllables)
    ]
    heard = [-1, -1, *(code for *_, code in sung)]
    told = zip(sung, (one for one in found if not one.is_tag), strict=True)
    rows = [
        (aim.last, *heard[at + 2 : at - 1 if at else None : -1], line, place)
        for at, ((line, place, _), aim) in enumerate(told)
    ]
    return np.array([row for row in rows if row[0] < limit], dtype=np.int64).reshape(-1, 6)


def _facts(song: Song | None, asked: str) -> tuple[int, ...]:
    if song is None:
        return (-1,) * len(FACTS)
    known = song.style
    is_open = not any(gender in asked for gender in ("male", "female", "mixed"))
    gender = -1 if is_open else ("female", "male", "mixed").index(known.gender)
    tempo = min(FACTS[3] - 1, max(0, (known.bpm - 50) // 6))
    return gender, FAMILIES.index(known.family.name), ("major", "minor").index(known.mode), tempo


def _before(codes: Codes) -> Ints:
    sounds, pitches, chords = (_last(codes, kind) for kind in ("sound", "pitch", "chord"))
    return np.stack([sounds[0], sounds[1], pitches[0], chords[0]], axis=1)


def _recalls(codes: Codes) -> Ints:
    found = []
    for kind in RECALLED:
        back = _PROGRESSION if kind == "progression" else 1
        at = np.flatnonzero(_KIND[codes[0]] == ("chord" if kind == "progression" else kind))
        count = np.searchsorted(at, np.arange(codes.shape[1] + 1))
        found.append(np.concatenate([[-1] * back, at])[count])
    return np.stack(found, axis=1)


def _last(codes: Codes, kind: str) -> tuple[Ints, Ints]:
    """The last code of a kind before each frame and the end, and the one before that."""
    at = np.flatnonzero(_KIND[codes[0]] == kind)
    told = np.concatenate([[-1, -1], codes[0, at].astype(np.int64)])
    count = np.searchsorted(at, np.arange(codes.shape[1] + 1))
    return told[count + 1], told[count]


def _prompt(rng: np.random.Generator, song: Song, codes: Codes, longest: int, *, own: float) -> Codes:
    """Some seconds of the same song, or of another that was asked for in the same words."""
    if rng.random() >= own:
        other = int(rng.integers(_SEEDS))
        codes = codes_of(compose(other, seconds=12.0, description=song.description))
    count = min(longest, codes.shape[1]) if rng.random() < 0.7 else int(rng.integers(40, longest + 1))
    count = min(count, codes.shape[1])
    first = int(rng.integers(codes.shape[1] - count + 1))
    return codes[:, first : first + count]


def keyed(seed: int, step: int) -> np.random.Generator:
    """The draws of one step."""
    return stream(seed, f"tokens/{step}")
