"""Words to ids as LeVo reads them: the lyric and the style tokenizer, and the style string; no torch."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

from core.errors import SongdeskError
from core.levo.shapes import TokenShapes, shapes_of
from core.paths import conf_file, qwen2
from core.registry import Variant

CONTROL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
"""Take the first three ids after the vocabulary: padding, start, end."""
STRUCTURE = (
    "[verse]", "[chorus]", "[bridge]", "[intro-short]", "[intro-medium]", "[intro-long]", "[outro-short]",
    "[outro-medium]", "[outro-long]", "[inst-short]", "[inst-medium]", "[inst-long]", "[silence]",
)  # fmt: skip
"""Section tags in id order; section n of the structure table is the nth of them."""
MUSICALITY = ("very-high", "high", "medium", "low", "very-low")
OFF = "off"
_STYLE_TAGS = {"v1": (), "v2": (*(f"[Musicality-{tier}]" for tier in MUSICALITY), "[Pure-Music]")}
_SPLIT = {"v1": (), "v2": (".",)}
"""Tokens that are in the vocabulary already and also break the text around them."""
_BEST = "[Musicality-very-high]"
_NULL_OF_BEST = "[Musicality-very-low], ."
_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)


@dataclass(frozen=True, slots=True)
class Encoded:
    """One string in ids, start id first."""

    ids: tuple[int, ...]
    structure: tuple[int, ...]
    """Of each id, the section it belongs to (1 to 13); 0 before the first tag, in padding, and in styles."""

    def fit(self, length: int, pad: int) -> "Encoded":
        """Cut or filled on the right to `length`."""
        missing = max(0, length - len(self.ids))
        return Encoded(
            self.ids[:length] + (pad,) * missing,
            self.structure[:length] + (0,) * missing,
        )


@dataclass(frozen=True, slots=True)
class Tokenizers:
    """Both tokenizers of one model; an id means another thing in each (levo-tokens spec §3)."""

    lyric: Tokenizer
    style: Tokenizer
    version: str
    words: int
    """Size of the vocabulary they share."""

    @property
    def pad(self) -> int:
        """Id that fills the rest of a row."""
        return self.words

    @property
    def start(self) -> int:
        """Id every text begins with, and all there is of a null text."""
        return self.words + 1

    @property
    def lyric_rows(self) -> int:
        """Ids the lyric table must have."""
        return self.words + len(CONTROL) + len(STRUCTURE)

    @property
    def style_rows(self) -> int:
        """Ids the style table must have."""
        return self.words + len(CONTROL) + len(_STYLE_TAGS[self.version])

    def encode_lyrics(self, text: str | None) -> Encoded:
        """Ids and sections of a wire string, at its own length; None is the null text."""
        ids = self._ids(self.lyric, text)
        first = self.words + len(CONTROL)
        section, structure = 0, []
        for token in ids:
            section = token - first + 1 if token >= first else section
            structure.append(section)
        return Encoded(ids, tuple(structure))

    def encode_style(self, text: str | None) -> Encoded:
        """Ids of a style string, at its own length; None is the null text."""
        ids = self._ids(self.style, text)
        return Encoded(ids, (0,) * len(ids))

    def count(self, wire: str) -> int:
        """Positions a wire string takes in the model, the start id included."""
        return len(self.encode_lyrics(lyric_text(wire)).ids)

    def _ids(self, tokenizer: Tokenizer, text: str | None) -> tuple[int, ...]:
        # JSON can carry half a surrogate pair, which no encoding of text can: it reads as a question mark.
        whole = (text or "").encode("utf-8", "replace").decode("utf-8")
        written = tokenizer.encode(whole, add_special_tokens=False).ids if whole else ()
        return (self.start, *written)


def cut_lyrics(variant: Variant, wire: str) -> str:
    """The end of a wire string that its model does not read; empty when it reads all of it."""
    built = tokenizers(variant)
    return _beyond(built.lyric, lyric_text(wire), variant.limits.lyric_tokens)


def cut_style(variant: Variant, style: str) -> str:
    """The end of a style string that its model does not read; empty when it reads all of it."""
    return _beyond(tokenizers(variant).style, style, variant.limits.style_tokens)


def _beyond(tokenizer: Tokenizer, text: str, limit: int) -> str:
    """What stands from the first token on that is over the limit; one position is the start id's."""
    starts = tokenizer.encode(text, add_special_tokens=False).offsets
    return text[starts[limit - 1][0] :] if len(starts) >= limit else ""


def lyric_text(wire: str) -> str:
    """A wire string as the model was trained to read it: each pair of spaces made one (spec §4.2)."""
    return wire.replace("  ", " ")


def style_text(description: str, *, version: str, musicality: str = MUSICALITY[0]) -> str:
    """The style string of a description: lower case, in v2 after a quality tag unless off (spec §4.3)."""
    lowered = description.strip().lower()
    if version == "v1":
        return lowered
    prefix = "" if musicality == OFF else f"[Musicality-{musicality}], "
    return prefix + (lowered or ".")


def null_style(style: str) -> str | None:
    """What guidance contrasts a style string with: the worst quality if it asks for the best (spec §4.4)."""
    return _NULL_OF_BEST if _BEST in style else None


def count_lyric_tokens(variant: Variant, wire: str) -> int:
    """Positions a wire string takes in a model; SongdeskError when its tokenizer is not here."""
    return tokenizers(variant).count(wire)


def count_style_tokens(variant: Variant, style: str) -> int:
    """Positions a style string takes in a model; SongdeskError when its tokenizer is not here."""
    return len(tokenizers(variant).encode_style(style).ids)


def tokenizers(variant: Variant) -> Tokenizers:
    """The tokenizers of a model; SongdeskError when its vocabulary is missing, damaged or of another size."""
    if variant.is_built_in:
        built = demo_tokenizers(conf_file("demo-tokenizer.json"), variant.version)
    else:
        built = qwen_tokenizers(qwen2(), variant.version)
    _fits(built, shapes_of(variant.shapes).tokens, variant.id)
    return built


@cache
def demo_tokenizers(path: Path, version: str) -> Tokenizers:
    """From one JSON file `{"vocab": {token: id}, "merges": ["left right", …]}`."""
    try:
        entry = json.loads(path.read_text(encoding="utf-8"))
        merges = [(left, right) for left, right in (pair.split(" ") for pair in entry["merges"])]
        return build_tokenizers(models.BPE(entry["vocab"], merges), version)
    except (OSError, ValueError, KeyError) as error:
        raise _missing(path, "get this file again from where songdesk came from") from error


@cache
def qwen_tokenizers(folder: Path, version: str) -> Tokenizers:
    """From Qwen2's published `vocab.json` and `merges.txt`."""
    vocab, merges = folder / "vocab.json", folder / "merges.txt"
    try:
        return build_tokenizers(models.BPE.from_file(str(vocab), str(merges)), version)
    except Exception as error:  # the library raises nothing narrower for an unreadable file
        raise _missing(
            folder, "put Qwen2's vocab.json and merges.txt there, or name their folder in SONGDESK_QWEN2"
        ) from error


def build_tokenizers(words: models.BPE, version: str) -> Tokenizers:
    """Both tokenizers over one byte-level vocabulary; `version` is v1 or v2."""
    lyric = _tokenizer(words, STRUCTURE, _SPLIT[version])
    style = _tokenizer(words, _STYLE_TAGS[version], _SPLIT[version])
    return Tokenizers(lyric, style, version, lyric.get_vocab_size(with_added_tokens=False))


def _tokenizer(words: models.BPE, tags: tuple[str, ...], split: tuple[str, ...]) -> Tokenizer:
    tokenizer = Tokenizer(words)
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_WORDS), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.add_special_tokens([AddedToken(name, normalized=False, special=True) for name in CONTROL])
    tokenizer.add_tokens([AddedToken(name, normalized=False, special=False) for name in (*tags, *split)])
    # What a person types is text: with this on, a control token's name is spelled out like any other word.
    tokenizer.encode_special_tokens = True
    return tokenizer


def _fits(built: Tokenizers, shapes: TokenShapes, model: str) -> None:
    if (built.lyric_rows, built.style_rows) != (shapes.lyric_rows, shapes.style_rows):
        raise SongdeskError(
            f"the vocabulary of {model} gives {built.lyric_rows} and {built.style_rows} ids where its tables "
            f"have {shapes.lyric_rows} and {shapes.style_rows} rows",
            hint="the vocabulary is of another model; fetch it again",
        )


def _missing(path: Path, hint: str) -> SongdeskError:
    return SongdeskError("the tokenizer's vocabulary is missing or damaged", where=str(path), hint=hint)
