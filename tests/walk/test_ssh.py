"""The studio through a real sshd on loopback: the same walk, and what it costs on the link."""

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.walk import steps
from tests.walk.home import Home
from tests.walk.link import Link, SshServer
from tests.walk.services import need
from tests.walk.sound import wait_for
from tests.walk.terminals import until_shown

pytestmark = [pytest.mark.system, pytest.mark.timeout(400)]

_WORDS = "the streets are dark and the lamps are on "
_COMPOSING = "2/3 composing"
_PER_KEY = 1000
"""Bytes a typed key may cost on average."""
_PER_SECOND = 8000
"""Bytes a second of composing may cost."""


@pytest.fixture(scope="module")
def ssh_server() -> Iterator[SshServer]:
    need("sshd", "ssh", "ssh-keygen")
    server = SshServer()
    yield server
    server.close()


def type_in_a_burst(link: Link) -> None:
    """Letters, a change of mind and more letters in one packet, as a link that stutters delivers them."""
    link.send(b" in teh" + b"\x7f\x7f" + b"he rain\x1b[D\x1b[D\x1b[D\x1b[Dnight ")
    until_shown(link, "in the night rain")
    for key in ("end", "enter"):
        link.press(key)


def cost_of_a_key(link: Link) -> float:
    """Bytes that came for each key of a line, each one seen before the next is typed."""
    link.quiet()
    before = link.bytes
    for letter in _WORDS:
        so_far = link.bytes
        link.type(letter)
        wait_for(partial(link.has_more_than, so_far), f"that {letter!r} is drawn")
        time.sleep(0.03)
    until_shown(link, _WORDS.strip())
    link.quiet()
    return (link.bytes - before) / len(_WORDS)


def cost_of_a_second(link: Link) -> float:
    """Bytes that came each second while tokens were composed, once the first reading had been drawn."""
    steps.compose(link)
    until_shown(link, _COMPOSING, 120)
    time.sleep(0.3)
    first = last = (time.monotonic(), link.bytes)
    while _COMPOSING in link.text():
        last = (time.monotonic(), link.bytes)
        time.sleep(0.05)
    steps.until_ready(link)
    seconds = last[0] - first[0]
    assert seconds > 0.5, "composing was over too soon to be measured"
    return (last[1] - first[1]) / seconds


@pytest.mark.parametrize("size", [(80, 24), pytest.param((200, 60), marks=pytest.mark.slow)])
def test_a_song_is_written_and_composed_over_ssh_for_few_bytes(
    ssh_server: SshServer, tmp_path: Path, size: tuple[int, int]
) -> None:
    home = Home(tmp_path)
    with Link(size, ssh_server.client(home.studio())) as link:
        steps.enter(link)
        steps.begin_song(link)
        steps.write_lines(link)
        type_in_a_burst(link)
        key = cost_of_a_key(link)
        link.quiet()
        idle = link.bytes
        time.sleep(1.5)
        assert link.bytes == idle, bytes(link.log[idle:])
        steps.choose_tags(link)
        steps.set_length(link, 10)
        second = cost_of_a_second(link)
        link.press("ctrl+q")
        assert link.ended() == 0, link.text()
        assert link.is_restored
    assert 10 < key < _PER_KEY
    assert 100 < second < _PER_SECOND
    for words in (*steps.LINES, *steps.TAGS, _WORDS.strip()):
        assert home.holds(words), f"{words!r} is not in the library"
    assert home.files("*.wav")
