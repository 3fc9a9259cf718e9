"""Draw the studio as an SVG file without a terminal: python -m tui.screenshot FILE.svg [--size 120x40]."""

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path

from textual.pilot import Pilot

from core.atomic import write_text
from core.audio.player import NoPlayer
from core.config import Config
from core.errors import SongdeskError
from core.meter import Meter, State
from core.paths import sample_file
from core.song import Song
from tui.app import Studio
from tui.session import SAMPLE, first_song

COMPOSING = 2
"""The phase to be seen."""
ENOUGH = 0.4
"""How far it has come."""


async def draw(song: Song, size: tuple[int, int]) -> str:
    """The studio, columns × rows, with one take ready and the next one composing: both made for real."""
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        os.environ["SONGDESK_LIBRARY"] = "songs"
        app = Studio(Config(), song, open_player=lambda: NoPlayer("a picture has no sound"))
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await _compose(app, pilot, lambda meter: meter.state is State.DONE)
            await _compose(app, pilot, lambda meter: meter.phase == COMPOSING and meter.fraction > ENOUGH)
            picture = app.export_screenshot(title="songdesk")
            await app.studio.bridge.close()
            return picture


async def _compose(app: Studio, pilot: Pilot[int], far_enough: Callable[[Meter], bool]) -> None:
    """Start a song and wait until its run has come far enough; SongdeskError when it is refused or fails."""
    await pilot.press("ctrl+g")
    while not far_enough(app.studio.bridge.meter):
        if app.studio.bridge.meter.state is State.FAILED or not app.studio.composing:
            raise SongdeskError("the song was not made", hint="compose it in the studio to see why")
        await pilot.pause(0.05)
    await pilot.pause(0.5)


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
        write_text(args.file.absolute(), asyncio.run(draw(first_song(args.song), (width, height))))
    except (SongdeskError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
