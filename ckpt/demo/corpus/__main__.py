"""`python -m corpus --seed N --count K --seconds S --out DIR`: stems as flac and facts as JSON."""

import argparse
import json
import sys
import time
from pathlib import Path

import soundfile

from corpus.render import Stems, render
from corpus.song import Song, compose, record
from corpus.types import RATE


def main() -> int:
    """Make songs from the seeds N, N+1, …; what is there already is made anew. Says where each lies."""
    asked = _arguments()
    asked.out.mkdir(parents=True, exist_ok=True)
    for seed in range(asked.seed, asked.seed + asked.count):
        begun = time.process_time()
        song = compose(seed, seconds=asked.seconds, lyrics=asked.lyrics, description=asked.description)
        stems = render(song)
        took = time.process_time() - begun
        path = _write(song, stems, asked.out)
        sys.stdout.write(f"{path}\t{song.seconds:.1f} s in {took:.2f} s\t{song.description}\n")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="corpus", description="Songs composed and played by rule.")
    parser.add_argument("--seed", type=int, default=0, help="of the first song")
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=30.0, help="about how long each is")
    parser.add_argument("--lyrics", help="in the published form, instead of drawn ones")
    parser.add_argument("--description", help="style tags, instead of drawn ones")
    parser.add_argument("--out", type=Path, required=True)
    return parser.parse_args()


def _write(song: Song, stems: Stems, folder: Path) -> Path:
    name = f"song-{song.seed:06d}"
    for stem, sound in (("vocal", stems.vocal), ("backing", stems.backing), ("mix", stems.mix)):
        soundfile.write(folder / f"{name}_{stem}.flac", sound.T, RATE, subtype="PCM_24")
    path = folder / f"{name}.json"
    path.write_text(json.dumps(record(song), ensure_ascii=False, indent=1), encoding="utf-8")
    return path


if __name__ == "__main__":
    sys.exit(main())
