"""Draw the studio as an SVG file without a terminal: python -m tui.screenshot FILE.svg [--size 120x40]."""

import argparse
import asyncio
import os
import sys
import tempfile
from pathlib import Path

from core.atomic import write_text
from core.audio.player import NoPlayer
from core.config import Config
from core.errors import SongdeskError
from core.meter import State
from core.paths import sample_file
from core.song import Song
from tui.app import Studio
from tui.bridge import Bridge
from tui.rehearsal import Rehearsal
from tui.session import first_song

SAMPLE = "paper-boats.jsonl"


async def draw(song: Song, size: tuple[int, int]) -> str:
    """The studio in the middle of composing a song, as SVG; `size` is columns and rows."""
    engine = Rehearsal()
    with tempfile.TemporaryDirectory() as library:
        os.environ["SONGDESK_LIBRARY"] = library
        app = Studio(Config(), song, make_engine=lambda: engine, open_player=lambda: NoPlayer(""))
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await pilot.press("ctrl+g")
            while engine.meter.state is not State.RUNNING:
                await pilot.pause(0.05)
            app.studio.post_message(Bridge.Read(engine.meter))
            await pilot.pause(0.3)
            return app.export_screenshot(title="songdesk")


def main() -> int:
    """Write the picture; the result is the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tui.screenshot", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--size", default="120x40", help="columns x rows")
    parser.add_argument("--song", type=Path, default=sample_file(SAMPLE))
    args = parser.parse_args()
    os.environ.pop("NO_COLOR", None)
    os.environ["COLORTERM"] = "truecolor"
    try:
        width, height = (int(part) for part in args.size.split("x"))
        write_text(args.file, asyncio.run(draw(first_song(args.song), (width, height))))
    except (SongdeskError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
