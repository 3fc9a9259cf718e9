"""The demo's text vocabulary: byte pairs of which none is more than one sung syllable."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path

from tokenizers.pre_tokenizers import ByteLevel

from core.lyrics.wire import from_wire
from corpus import form, tags
from corpus.hanzi import READINGS
from corpus.rng import stream
from corpus.vocabulary import WORDS
from train.config import Config
from train.spelling import pieces

SIZE = 1000
_TEXTS = 1500
_DRAWN, _DESCRIBED, _LISTED, _SAMPLE, _LONGEST = 10, 3, 30, 60, 300
"""How much a syllable counts that is drawn, of a description, of the word list, of a sample song, and of the
longest sample: all of them are to be read whole."""
_LONG = 1000
"""Characters of the longest sample at least."""
_HANZI = 3
"""How much more a drawn character counts: where it is no token, nothing tells how it sounds."""
_WORD = re.compile(r"[^\W\d_]+")
Parts = tuple[str, ...]


def train(config: Config, state: Path) -> None:  # noqa: ARG001
    """Learn the vocabulary; it becomes the product's when it is copied to `conf`."""
    state.mkdir(parents=True, exist_ok=True)
    export_words(state / "demo-tokenizer.json", Path(__file__).parents[3] / "sample")


def export_words(path: Path, samples: Path) -> None:
    """Write the vocabulary as `core.levo.text.demo_tokenizers` reads it; `samples` has song files (JSONL)."""
    alphabet = sorted(ByteLevel.alphabet())
    merges = learn(counted(samples), SIZE - len(alphabet))
    names = [*alphabet, *(left + right for left, right in merges)]
    entry = {
        "vocab": {name: at for at, name in enumerate(names)},
        "merges": [f"{left} {right}" for left, right in merges],
    }
    path.write_text(json.dumps(entry, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")


def counted(samples: Path) -> Counter[Parts]:
    """How much each syllable of lyrics and descriptions counts, by its bytes."""
    weighed: Counter[Parts] = Counter()
    for text, weight in _texts(samples):
        for syllable in _syllables(text):
            more = _HANZI if weight == _DRAWN and syllable in READINGS else 1
            weighed[_bytes(syllable)] += weight * more
    return weighed


def _texts(samples: Path) -> Iterator[tuple[str, int]]:
    for seed in range(_TEXTS):
        language = "zh" if seed % 3 == 0 else "en"
        yield f" {tags.draw(seed)}".lower(), _DESCRIBED
        lyrics = form.draw(stream(seed, "lyrics"), seconds=20.0, bpm=100.0, language=language)
        yield from ((line, _DRAWN) for line in _lines(lyrics))
    yield from ((f" {word}", _LISTED) for word in WORDS)
    for path in sorted(samples.glob("*.jsonl")):
        for row in path.read_text(encoding="utf-8").splitlines():
            song = json.loads(row)
            weight = _LONGEST if len(song["gt_lyric"]) > _LONG else _SAMPLE
            yield f" {song['descriptions']}".lower(), _SAMPLE
            yield from ((line, weight) for line in _lines(song["gt_lyric"]))


def _lines(wire: str) -> list[str]:
    return [f" {line}" for line in from_wire(wire).splitlines() if not line.startswith("[")]


def learn(counts: Mapping[Parts, int], merges: int) -> list[tuple[str, str]]:
    """The most frequent pairs one after the other, each joined before the next is counted."""
    words = dict(counts)
    learnt: list[tuple[str, str]] = []
    while len(learnt) < merges:
        pairs: Counter[tuple[str, str]] = Counter()
        for parts, times in words.items():
            for pair in pairwise(parts):
                pairs[pair] += times
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        learnt.append(best)
        joined: Counter[Parts] = Counter()
        for parts, times in words.items():
            joined[_join(parts, best)] += times
        words = joined
    return learnt


def _join(parts: Parts, pair: tuple[str, str]) -> Parts:
    if pair[0] not in parts:
        return parts
    made: list[str] = []
    for part in parts:
        if made and (made[-1], part) == pair:
            made[-1] += part
        else:
            made.append(part)
    return tuple(made)


def _syllables(text: str) -> list[str]:
    """The sung parts of a text: characters, and syllables with the blank before their word."""
    parts: list[str] = []
    for found in _WORD.finditer(text):
        blank = " " if text[: found.start()].endswith(" ") else ""
        run = found[0]
        if run[0] > "\u3000":
            parts += run
            continue
        first, *others = pieces(run)
        parts += [blank + first, *others]
    return parts


def _bytes(text: str) -> Parts:
    return tuple(ByteLevel(add_prefix_space=False, use_regex=False).pre_tokenize_str(text)[0][0])
