"""What the walks stand on."""

from collections.abc import Iterator

import pytest

from tests.walk.services import need
from tests.walk.sound import SoundServer


@pytest.fixture(scope="session")
def sound_server() -> Iterator[SoundServer]:
    """A sound server that this process has to itself."""
    need("pulseaudio", "pactl", "parec", "PortAudio", "ALSA's pulse plugin")
    server = SoundServer()
    yield server
    server.close()
