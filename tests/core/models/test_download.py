"""A file comes whole over a connection that does what it likes, and nothing else comes."""

import hashlib
import os
import traceback
from pathlib import Path

import pytest

from core.errors import SongdeskError
from core.models.download import download
from core.models.hub import Remote, look_up
from core.models.told import Note, Progress, Told
from core.registry import PublishedFile
from tests.core.models.hub import COMMIT, Hub, Trick

CONTENT = bytes(range(256)) * 40 + b"the end"
SIZE = len(CONTENT)
FILE = PublishedFile("some folder/model.pt", "toys/Tiny", roles=("tokens",))
NAME = f"{FILE.repo}/{FILE.path}"


@pytest.fixture
def remote(hub: Hub) -> Remote:
    hub.files[NAME] = CONTENT
    return look_up(FILE)


def hush(_: Told) -> None:
    pass


def test_the_hub_tells_size_hash_and_version(remote: Remote) -> None:
    digest = hashlib.sha256(CONTENT).hexdigest()
    assert remote == Remote(FILE, COMMIT, SIZE, digest, digest)


@pytest.mark.parametrize("at", [0, 1, 2, 255, 4096, SIZE - 1, SIZE])
def test_a_download_that_is_cut_goes_on_from_that_byte(
    hub: Hub, remote: Remote, tmp_path: Path, at: int
) -> None:
    hub.tricks.append(Trick(cut=at))
    part, notes = tmp_path / "part", list[Told]()
    download(remote, part, notes.append)
    assert part.read_bytes() == CONTENT
    assert hub.gets() == (["", f"bytes={at}-" if at else ""] if at < SIZE else [""])
    assert hub.sent == SIZE
    assert any(isinstance(each, Note) and "again in" in each.text for each in notes) == (at < SIZE)


def test_a_connection_cut_again_and_again_is_followed_while_it_brings_something(
    hub: Hub, remote: Remote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.models.download._ENOUGH", 100)
    hub.tricks.extend(Trick(cut=700) for _ in range(12))
    download(remote, tmp_path / "part", hush)
    assert (tmp_path / "part").read_bytes() == CONTENT
    assert hub.gets()[1:4] == ["bytes=700-", "bytes=1400-", "bytes=2100-"]


def test_it_is_given_up_after_a_few_attempts_and_another_run_goes_on(
    hub: Hub, remote: Remote, tmp_path: Path
) -> None:
    hub.always = Trick(cut=10)
    with pytest.raises(SongdeskError, match="given up after 6 attempts") as told:
        download(remote, tmp_path / "part", hush)
    assert told.value.hint == "the same command goes on from here; look at HF_ENDPOINT"
    assert told.value.where.endswith(f" at {hub.url.removeprefix('http://')}")
    assert (tmp_path / "part").read_bytes() == CONTENT[:60]
    hub.always = None
    download(remote, tmp_path / "part", hush)
    assert (tmp_path / "part").read_bytes() == CONTENT
    assert hub.gets()[-1] == "bytes=60-"


@pytest.mark.parametrize("at", [0, 1, 5000])
def test_a_stalled_connection_is_left(hub: Hub, remote: Remote, tmp_path: Path, at: int) -> None:
    hub.tricks.append(Trick(stall=at))
    notes: list[Told] = []
    download(remote, tmp_path / "part", notes.append)
    assert (tmp_path / "part").read_bytes() == CONTENT
    assert any(isinstance(each, Note) and "nothing comes any more" in each.text for each in notes)


@pytest.mark.parametrize("begun", [0, 1, 4000])
@pytest.mark.parametrize("length", [-300, -1, 1, 5000])
def test_a_wrong_length_told_changes_nothing(
    hub: Hub, remote: Remote, tmp_path: Path, length: int, begun: int
) -> None:
    (tmp_path / "part").write_bytes(CONTENT[:begun])
    hub.tricks.append(Trick(length=length))
    download(remote, tmp_path / "part", hush)
    assert (tmp_path / "part").read_bytes() == CONTENT


@pytest.mark.parametrize("begun", [1, 4000, SIZE - 1])
@pytest.mark.parametrize("trick", [Trick(ranges=False), Trick(begin=5), Trick(begin=-1), Trick(status=416)])
def test_a_hub_that_does_parts_wrong_is_asked_for_the_whole(
    hub: Hub, remote: Remote, tmp_path: Path, trick: Trick, begun: int
) -> None:
    (tmp_path / "part").write_bytes(CONTENT[:begun])
    hub.tricks.append(trick)
    download(remote, tmp_path / "part", hush)
    assert (tmp_path / "part").read_bytes() == CONTENT


def test_what_was_there_survives_a_hub_without_parts_that_is_cut(
    hub: Hub, remote: Remote, tmp_path: Path
) -> None:
    (tmp_path / "part").write_bytes(CONTENT[:9000])
    hub.always = Trick(ranges=False, cut=500)
    with pytest.raises(SongdeskError, match="given up"):
        download(remote, tmp_path / "part", hush)
    assert (tmp_path / "part").read_bytes() == CONTENT[:9000]


def test_a_part_that_is_too_long_begins_anew_and_one_that_is_whole_asks_for_nothing(
    hub: Hub, remote: Remote, tmp_path: Path
) -> None:
    part = tmp_path / "part"
    part.write_bytes(CONTENT + b"more")
    download(remote, part, hush)
    assert part.read_bytes() == CONTENT
    asked = len(hub.asked)
    download(remote, part, hush)
    assert len(hub.asked) == asked


def test_no_more_is_written_than_the_file_has(hub: Hub, remote: Remote, tmp_path: Path) -> None:
    hub.tricks.append(Trick(body=CONTENT + b"x" * 100_000))
    download(remote, tmp_path / "part", hush)
    assert (tmp_path / "part").read_bytes() == CONTENT


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n"


@pytest.mark.parametrize(
    ("trick", "what"),
    [
        (Trick(body=POINTER), "a Git LFS pointer"),
        (Trick(body=b"\n<!DOCTYPE html><html>log in</html>"), "a web page"),
        (Trick(body=b"<html>", kind="text/html; charset=utf-8"), "a web page"),
        (Trick(body=b'<?xml version="1.0"?><Error>Expired</Error>'), "an error message in XML"),
        (Trick(body=b'{"error": "no"}', kind="application/json"), "an error message in JSON"),
    ],
)
def test_what_comes_instead_is_said_by_name_and_does_not_stay(
    hub: Hub, remote: Remote, tmp_path: Path, trick: Trick, what: str
) -> None:
    hub.tricks.append(trick)
    with pytest.raises(SongdeskError, match=what):
        download(remote, tmp_path / "part", hush)
    assert not (tmp_path / "part").exists() or (tmp_path / "part").read_bytes() == b""
    download(remote, tmp_path / "part", hush)
    assert (tmp_path / "part").read_bytes() == CONTENT


def test_a_web_page_does_not_spoil_what_was_there(hub: Hub, remote: Remote, tmp_path: Path) -> None:
    (tmp_path / "part").write_bytes(CONTENT[:9000])
    hub.tricks.append(Trick(body=b"<html>" + b"x" * 20_000, kind="text/html"))
    with pytest.raises(SongdeskError, match="a web page"):
        download(remote, tmp_path / "part", hush)
    assert (tmp_path / "part").read_bytes() == CONTENT[:9000]


@pytest.mark.parametrize("code", [500, 502, 503, 429, 408])
def test_a_hub_in_trouble_is_asked_again(hub: Hub, remote: Remote, tmp_path: Path, code: int) -> None:
    hub.tricks.extend([Trick(status=code, headers={"Retry-After": "0"}), Trick(status=code)])
    notes: list[Told] = []
    download(remote, tmp_path / "part", notes.append)
    assert (tmp_path / "part").read_bytes() == CONTENT
    assert sum(isinstance(each, Note) and f"answers {code}" in each.text for each in notes) == 2


def test_a_hub_says_how_long_to_wait(
    hub: Hub, remote: Remote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr("core.models.download._rest", lambda seconds, tell: waited.append(seconds))
    hub.tricks.extend(Trick(status=429, headers={"Retry-After": told}) for told in ("7", "9999", "soon"))
    download(remote, tmp_path / "part", hush)
    assert waited == [7, 60, 0]


def test_whoever_gives_up_while_it_waits_is_heard(
    hub: Hub, remote: Remote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.models.download._WAITS", (3600.0,))
    hub.tricks.append(Trick(cut=5000))

    def tell(told: Told) -> None:
        if not isinstance(told, Note | Progress):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download(remote, tmp_path / "part", tell)
    assert (tmp_path / "part").read_bytes() == CONTENT[:5000]


@pytest.mark.parametrize(
    ("trick", "words"),
    [
        (Trick(status=401), ("HF_TOKEN", "accept its terms")),
        (Trick(status=403, headers={"X-Error-Code": "GatedRepo"}), ("HF_TOKEN", "accept its terms")),
        (Trick(status=404, headers={"X-Error-Code": "EntryNotFound"}), ("not there (404)", "--from")),
        (Trick(status=404, headers={"X-Error-Code": "RepoNotFound"}), ("HF_TOKEN",)),
        (Trick(status=400), ("answers 400",)),
    ],
)
def test_a_refusal_says_what_to_do(hub: Hub, trick: Trick, words: tuple[str, ...]) -> None:
    hub.files[NAME], hub.refusal = CONTENT, trick
    with pytest.raises(SongdeskError) as told:
        look_up(FILE)
    assert all(word in str(told.value) for word in words)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    "shown", [{"X-Repo-Commit": ""}, {"X-Linked-Etag": ""}, {"X-Linked-Size": ""}, {"X-Linked-Size": "-5"}]
)
def test_what_is_no_hub_is_not_believed(hub: Hub, shown: dict[str, str]) -> None:
    hub.files[NAME], hub.shown = CONTENT, shown
    with pytest.raises(SongdeskError, match="no hub"):
        look_up(FILE)


@pytest.mark.parametrize("endpoint", ["nonsense", "gopher://me:secret@hub.example"])
def test_an_address_that_is_none_is_not_tried_again(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, endpoint: str
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", endpoint)
    template = endpoint + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
    with pytest.raises(SongdeskError, match="no address to ask") as told:
        look_up(FILE)
    assert told.value.where == endpoint.rpartition("@")[2]
    assert told.value.hint == "look at HF_ENDPOINT"
    assert "secret" not in str(told.value)


@pytest.mark.parametrize("place", ["variable", "file"])
@pytest.mark.parametrize("token", [b"hf_s\xc3\xa9cret", b"hf_s\xe9cret", b"hf_s\x01cret"])
def test_a_token_that_cannot_be_sent_is_refused_and_not_shown(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, token: bytes, place: str
) -> None:
    hub.files[NAME] = CONTENT
    if place == "file":
        (tmp_path / "no-token").write_bytes(token)
    else:
        monkeypatch.setenv("HF_TOKEN", os.fsdecode(token))
    with pytest.raises(SongdeskError, match="the token has a letter that no token has") as told:
        look_up(FILE)
    assert "HF_TOKEN" in told.value.hint
    shown = "".join(traceback.format_exception(told.value))
    assert ("cret" in shown, "\n" in str(told.value), hub.asked) == (False, False, [])


def test_a_token_goes_to_the_hub_and_not_to_where_it_sends(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    hub.files[NAME] = CONTENT
    download(look_up(FILE), tmp_path / "part", hush)
    assert {token for host, token in hub.tokens if host == "127.0.0.1"} == {"Bearer hf_secret"}
    assert {token for host, token in hub.tokens if host == "localhost"} == {""}
