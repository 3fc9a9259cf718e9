"""Which files of a take there are to hear: the mix, the vocal, the backing."""

from pathlib import Path

from core.takes.job import STEM_SUFFIXES, stem_file


def sounds_of(audio: Path) -> dict[str, Path]:
    """The files of a take by stem, of which `audio` is one; it alone, as `mix`, where there are no others."""
    for song in (audio, *_without_suffix(audio)):
        there = {stem: file for stem in STEM_SUFFIXES if (file := stem_file(song, stem)).is_file()}
        if len(there) > 1 and audio in there.values():
            return there
    return {"mix": audio}


def _without_suffix(audio: Path) -> list[Path]:
    """The name a song would have if this were one of its stems."""
    return [
        audio.with_name(audio.stem.removesuffix(suffix) + audio.suffix)
        for suffix in STEM_SUFFIXES.values()
        if suffix and audio.stem.endswith(suffix) and audio.stem != suffix
    ]
