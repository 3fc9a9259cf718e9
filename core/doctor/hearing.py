"""The child that asks for what plays sound: `python -m core.doctor.hearing`. PortAudio may crash or talk."""

import sys
from collections.abc import Mapping

from core.doctor.steps import go_through


def main() -> int:
    """Tell of it."""
    go_through([("sound", _sound)])
    return 0


def _sound() -> Mapping[str, object]:
    from core.audio.player import open_player

    player = open_player()
    try:
        return {"backend": player.backend, "reason": player.reason}
    finally:
        player.close()


if __name__ == "__main__":
    sys.exit(main())
