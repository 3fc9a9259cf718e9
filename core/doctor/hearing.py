"""The child that asks for what plays sound: `python -m core.doctor.hearing`. PortAudio may crash or talk."""

import shutil
import sys
from collections.abc import Mapping

from core.doctor.steps import go_through


def main() -> int:
    """Tell of it; an argument names the backend that the configuration asks for."""
    prefer = sys.argv[1] if len(sys.argv) > 1 else "auto"
    go_through([("sound", lambda: _sound(prefer))])
    return 0


def _sound(prefer: str) -> Mapping[str, object]:
    from core.audio.backends import backends
    from core.audio.player import open_player
    from core.audio.seat import take_seat

    seat = take_seat()
    player = open_player(seat=seat, prefer=prefer)
    try:
        return {
            "backend": player.backend,
            "reason": player.reason,
            "brought": seat.is_brought and player.backend == "paplay",
            "trouble": seat.pulse.trouble if seat.pulse.is_set else "",
            "backends": [
                {"name": each.name, "works": each.works, "why": each.why}
                for each in backends(seat, shutil.which)
            ],
        }
    finally:
        player.close()


if __name__ == "__main__":
    sys.exit(main())
