"""What the measuring of keys rests on."""

import pytest

from core.errors import SongdeskError
from tui.latency import Pty, told


def test_words_are_seen_through_what_colours_them() -> None:
    with Pty(["sh", "-c", r"printf '\033[1;38;5;252mGo\033[0m\033[3;4H on'; sleep 20"], (80, 24)) as terminal:
        assert terminal.until(lambda came: b"Go on" in came, "it", 10) < 10


def test_a_typed_letter_comes_back() -> None:
    with Pty(["cat"], (80, 24)) as terminal:
        terminal.send("ж")
        assert terminal.until(lambda came: "ж".encode() in came, "it", 10) < 10


@pytest.mark.parametrize("command", ["sleep 20", "exit 3"])
def test_what_never_comes_is_said(command: str) -> None:
    with (
        Pty(["sh", "-c", command], (80, 24)) as terminal,
        pytest.raises(SongdeskError, match=r"not seen within|ended while"),
    ):
        terminal.until(lambda came: b"Go" in came, "the word", 0.3)


def test_the_percentiles_are_those_of_all_keys() -> None:
    times = [number / 1000 for number in range(1, 101)]
    assert told(times[::-1]) == "p50 50.0 ms, p95 95.0 ms, worst 100.0 ms of 100 keys"
