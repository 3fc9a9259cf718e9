"""A scripted walk through the real studio in real tmux: write, compose, hear, look about, leave."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.walk import steps
from tests.walk.home import Home
from tests.walk.likeness import stretches
from tests.walk.services import need
from tests.walk.sound import Sound, SoundServer
from tests.walk.terminals import until, until_shown
from tests.walk.tmux import PROMPT, Tmux

pytestmark = [pytest.mark.system, pytest.mark.timeout(400)]


def hear_take(terminal: Tmux, sound: SoundServer, home: Home) -> None:
    """Play the take into the null sink; what is recorded is what stands in its file."""
    (file,) = home.files("*.wav")
    take: Sound = np.clip(soundfile.read(file, dtype="float32", always_2d=True)[0], -1, 1)
    with sound.recording() as recording:
        terminal.press("ctrl+r")
        until_shown(terminal, "playing")
        until(terminal, lambda text: "playing" not in text, "the take comes to its end")
    recorded = recording.samples()
    assert np.abs(recorded).max() > 0.01
    found = stretches(recorded, take)
    assert sum(stretch.seconds for stretch in found) > 0.8 * len(take) / 48000, found


@pytest.mark.parametrize(
    ("size", "term"),
    [pytest.param((80, 24), "screen", marks=pytest.mark.slow), ((200, 60), "tmux-256color")],
)
def test_a_song_is_written_composed_and_heard_in_tmux(
    sound_server: SoundServer, tmp_path: Path, size: tuple[int, int], term: str
) -> None:
    need("tmux")
    home = Home(tmp_path, sound_server.environment)
    with Tmux(size, home.environment, term=term) as terminal:
        until(terminal, lambda text: text.count(PROMPT.strip()) > 1, "the shell is there")
        terminal.type(f'{home.studio()}; echo "left with $?"')
        terminal.press("enter")
        steps.enter(terminal)
        assert terminal.state("alternate_on") == "1"
        steps.begin_song(terminal)
        steps.write_lines(terminal)
        steps.choose_tags(terminal)
        length = steps.set_length(terminal)
        steps.compose(terminal)
        steps.until_ready(terminal)
        hear_take(terminal, sound_server, home)
        steps.go_round(terminal)
        terminal.press("ctrl+s")
        terminal.press("ctrl+q")
        shown = until_shown(terminal, "left with 0")
        assert home.studio()[:40] in shown.replace("\n", "")
        assert terminal.state("alternate_on") == "0"
        assert terminal.state("cursor_flag") == "1"
    for words in (*steps.LINES, *steps.TAGS):
        assert home.holds(words), f"{words!r} is not in the library"
    (file,) = home.files("*.wav")
    assert steps.TITLE in str(file)
    assert soundfile.info(file).duration <= length + 0.1
