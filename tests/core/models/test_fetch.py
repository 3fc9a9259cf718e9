"""`songdesk models fetch`: one command from nothing to a model that is here, whatever comes between."""

import json
import shutil
from collections import namedtuple
from hashlib import sha256
from io import StringIO
from pathlib import Path

import pytest

from core.checkpoints import usual_folder
from core.cli import main
from core.cli.fetch_words import talk
from core.errors import SongdeskError
from core.levo.convert import convert
from core.models.presence import presence_of
from core.registry import Variant, variant
from core.takes.claim import claimed
from core.tensors import metadata_of
from tests.core.models.conftest import STYLES, register
from tests.core.models.hub import Hub, Trick

FETCH = ["models", "fetch", "tiny", "--yes"]
Usage = namedtuple("Usage", "total used free")
Captured = pytest.CaptureFixture[str]


def files_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


WORDS = {"qwen2/vocab.json", "qwen2/merges.txt"}
MADE = WORDS | {
    "tiny/tokens.safetensors", "levo/stem_encoder.safetensors", "levo/flow.safetensors",
    "levo/vae.safetensors", "levo/mix_encoder.safetensors", "levo/separator.safetensors",
}  # fmt: skip
EXTRAS = {"levo/mix_encoder.safetensors", "levo/separator.safetensors"}


def events(capsys: Captured) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_everything_comes_is_said_and_is_removed_once_converted_and_does_not_come_twice(
    sold: Variant, hub: Hub, tmp_path: Path, capsys: Captured
) -> None:
    assert main(FETCH) == 0
    told = capsys.readouterr()
    assert files_in(tmp_path / "ckpt") == MADE
    assert not (tmp_path / "ckpt" / "published").exists()
    assert told.out == ""
    for words in (
        "licence of the weights: toy terms (https://example.org/terms)",
        "not free",
        "model.pt: tokens; from toys/Tiny",
        f"not to be had here: {STYLES}",
        "no hub has it",
        "needed while it works",
        "model.pt: size and SHA-256 as the hub says",
        "tiny: here, without reference audio: styles",
    ):
        assert words in told.err
    assert told.err.index("licence") < told.err.index("SHA-256")
    assert not presence_of(sold).needed
    assert (tmp_path / "ckpt" / "qwen2" / "vocab.json").read_bytes() == hub.files["toys/Words/vocab.json"]

    asked = len(hub.asked)
    assert main(["models", "fetch", "tiny"]) == 0
    told = capsys.readouterr()
    assert (told.out, len(told.err.splitlines()), len(hub.asked)) == ("", 1, asked)
    assert "tiny is here, but styles; nothing to fetch" in told.err


def test_without_a_terminal_it_needs_yes(
    words: dict[str, bytes], hub: Hub, tmp_path: Path, capsys: Captured
) -> None:
    assert main(["models", "fetch", "tiny"]) == 2
    told = capsys.readouterr()
    assert (told.out, len(told.err.splitlines()), "--yes" in told.err) == ("", 1, True)
    assert (hub.asked, files_in(tmp_path / "ckpt")) == ([], set())


@pytest.mark.parametrize(("answer", "is_fetched"), [("y\n", True), ("n\n", False), ("", False)])
def test_on_a_terminal_it_asks(
    words: dict[str, bytes],
    tmp_path: Path,
    capsys: Captured,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    is_fetched: bool,
) -> None:
    given = StringIO(answer)
    monkeypatch.setattr(given, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", given)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert main(["models", "fetch", "tiny"]) == 0
    assert "fetch it? [y/N]" in capsys.readouterr().err
    assert files_in(tmp_path / "ckpt") == (WORDS if is_fetched else set())


def test_json_tells_what_happens_an_object_a_line(sold: Variant, hub: Hub, capsys: Captured) -> None:
    hub.tricks.append(Trick(cut=3000))
    assert main([*FETCH, "--json"]) == 0
    told = events(capsys)
    kinds = [each["event"] for each in told]
    assert (kinds[0], kinds[-1]) == ("plan", "done")
    assert {"progress", "note", "verified", "converted", "kept"} <= set(kinds)
    assert told[0]["licence"] == {"name": "toy terms", "url": "https://example.org/terms", "is_free": False}
    assert told[0]["lacking"] == [STYLES]
    assert told[0]["download"] == sum(map(len, hub.files.values()))
    assert told[-1] == {"event": "done", "model": "tiny", "missing": ["styles"]}
    progress = [each for each in told if each["event"] == "progress"]
    assert {each["doing"] for each in progress} >= {"verifying", "converting"}
    assert all(0 <= int(str(each["done"])) <= int(str(each["total"])) for each in progress)


def test_an_own_models_files_stay_out_of_the_folder_that_published_models_share(
    sold: Variant, tmp_path: Path, capsys: Captured
) -> None:
    entries = [
        {"path": file.path, "repo": file.repo, "roles": list(file.roles), "optional": file.optional}
        for file in sold.files
        if file.roles and file.repo
    ]
    register(tmp_path, model="mine", files=entries)
    assert main(["models", "fetch", "mine", "--yes"]) == 0
    made = files_in(tmp_path / "ckpt")
    assert made == {name.replace("levo/", "mine/").replace("tiny/", "mine/") for name in MADE - WORDS}
    assert presence_of(variant("mine")).here
    assert not presence_of(sold).here
    assert not presence_of(variant("v2-large")).here
    assert usual_folder([variant("mine")], ["flow"]) == tmp_path / "ckpt" / "mine"
    assert usual_folder([variant("mine"), variant("v2-large")], ["flow"]) == tmp_path / "ckpt" / "levo"
    (tmp_path / "ckpt" / "mine").rename(tmp_path / "ckpt" / "levo")
    assert not presence_of(variant("mine")).here


def test_a_long_line_is_set_in_words_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    line = f"  12.9 GB  model.pt: tokens; from {'owner/name and ' * 9}"
    talk(line)
    assert capsys.readouterr().err == f"{line}\n"
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    talk(line)
    first, *rest = capsys.readouterr().err.splitlines()
    assert first.startswith("  12.9 GB  model.pt: tokens; from")
    assert max(map(len, (first, *rest))) <= 80
    assert all(row.startswith(" " * 12) for row in rest)
    assert " ".join(" ".join((first, *rest)).split()) == " ".join(line.split())


@pytest.mark.parametrize("name", ["nope", "bare"])
def test_json_tells_that_there_is_nothing_to_fetch_by_that_name(
    words: dict[str, bytes], tmp_path: Path, capsys: Captured, name: str
) -> None:
    register(tmp_path, model="bare", files=[])
    assert main(["models", "fetch", name, "--yes", "--json"]) == 2
    (failed,) = events(capsys)
    assert (failed["event"], name in str(failed["what"])) == ("failed", True)


def test_a_folder_that_cannot_be_is_no_full_disk(
    words: dict[str, bytes], hub: Hub, tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SONGDESK_CKPT", str(tmp_path / "file" / "ckpt"))
    assert main(FETCH) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "cannot write here: not a directory" in line
    assert "SONGDESK_CKPT" in line
    assert hub.asked == []


def test_json_tells_a_failure_too(words: dict[str, bytes], hub: Hub, capsys: Captured) -> None:
    hub.refusal = Trick(status=401)
    assert main([*FETCH, "--json"]) == 2
    told = capsys.readouterr()
    failed = json.loads(told.out)
    assert (failed["event"], "HF_TOKEN" in failed["hint"]) == ("failed", True)
    assert len(told.err.splitlines()) == 1


def test_references_can_be_left_out_and_come_later(sold: Variant, hub: Hub, tmp_path: Path) -> None:
    assert main([*FETCH, "--without-references"]) == 0
    assert files_in(tmp_path / "ckpt") == MADE - EXTRAS
    hub.asked.clear()
    assert main(FETCH) == 0
    assert files_in(tmp_path / "ckpt") == MADE
    assert len(hub.gets()) == 2


def test_sources_are_kept_as_asked_and_serve_again(
    sold: Variant, hub: Hub, tmp_path: Path, capsys: Captured
) -> None:
    ckpt = tmp_path / "ckpt"
    assert main([*FETCH, "--keep-sources"]) == 0
    kept = {name: content for name, content in hub.files.items() if not name.startswith("toys/Words")}
    assert {name for name in files_in(ckpt / "published") if not name.startswith(".kept/")} == kept.keys()
    assert all((ckpt / "published" / name).read_bytes() == content for name, content in kept.items())
    shutil.rmtree(ckpt / "tiny")
    hub.asked.clear()
    capsys.readouterr()
    assert main(FETCH) == 0
    assert [method for method, _, _ in hub.asked] == ["HEAD"]
    told = capsys.readouterr().err
    assert "is here as published" in told
    assert "model.pt: size and SHA-256 as the hub says" in told
    assert files_in(ckpt) >= MADE
    assert not (ckpt / "published" / "toys" / "Tiny").exists()
    assert files_in(ckpt / "published") >= kept.keys() - {"toys/Tiny/model.pt"}


def test_a_disk_that_is_too_small_is_refused_with_the_numbers_before_anything(
    words: dict[str, bytes], hub: Hub, tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage(10**9, 10**9, 64 << 20))
    assert main(FETCH) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert "are needed while it works and 67 MB are free" in last
    assert (hub.gets(), files_in(tmp_path / "ckpt")) == ([], set())


def test_a_folder_that_another_songdesk_fetches_into_is_left_alone(
    words: dict[str, bytes], hub: Hub, tmp_path: Path, capsys: Captured
) -> None:
    with claimed(tmp_path / "ckpt"):
        assert main(FETCH) == 2
    assert "another songdesk is fetching" in capsys.readouterr().err
    assert hub.gets() == []


@pytest.mark.parametrize("at", [0, 1, 2000])
def test_a_fetch_that_failed_goes_on_and_nothing_is_under_a_name_before_it_is_whole(
    words: dict[str, bytes], hub: Hub, tmp_path: Path, capsys: Captured, at: int
) -> None:
    hub.always = Trick(cut=at)
    assert main(FETCH) == 2
    assert "given up" in capsys.readouterr().err
    assert all(name.startswith("published/.parts/") for name in files_in(tmp_path / "ckpt"))
    hub.always, sent = None, hub.sent
    assert main(FETCH) == 0
    assert files_in(tmp_path / "ckpt") == WORDS
    assert hub.sent == sum(map(len, hub.files.values()))
    assert sent == 6 * at


def largest(hub: Hub) -> str:
    return max(hub.files, key=lambda name: len(hub.files[name]))


def test_wrong_bytes_of_the_right_length_are_deleted_and_come_again(
    words: dict[str, bytes], hub: Hub, tmp_path: Path, capsys: Captured
) -> None:
    content = hub.files[largest(hub)]
    hub.tricks.append(Trick(body=content[:-1] + bytes([content[-1] ^ 1])))
    assert main(FETCH) == 2
    assert "not the published file: its SHA-256 is another; it is deleted" in capsys.readouterr().err
    assert files_in(tmp_path / "ckpt") == set()
    assert main(FETCH) == 0
    assert files_in(tmp_path / "ckpt") == WORDS


def test_another_version_on_the_hub_is_not_joined_to_the_old_one(
    words: dict[str, bytes], hub: Hub, tmp_path: Path, capsys: Captured
) -> None:
    name = largest(hub)
    hub.always = Trick(cut=100)
    assert main(FETCH) == 2
    hub.always, hub.files[name] = None, bytes(reversed(hub.files[name]))
    capsys.readouterr()
    assert main(FETCH) == 0
    assert "another version is there now" in capsys.readouterr().err
    kept = tmp_path / "ckpt" / "qwen2" / Path(name).name
    assert kept.read_bytes() == hub.files[name]


@pytest.mark.parametrize(
    ("known", "what"),
    [({"bytes": 5}, "another size on the hub"), ({"sha256": "00…"}, "another SHA-256 on the hub")],
)
def test_a_hub_that_has_another_file_than_is_known_is_refused_before_it_comes(
    words: dict[str, bytes], hub: Hub, tmp_path: Path, capsys: Captured, known: dict[str, object], what: str
) -> None:
    entry = {"path": "merges.txt", "repo": "toys/Words", "keep_as": "qwen2/merges.txt", **known}
    register(tmp_path, files=[entry])
    assert main(FETCH) == 2
    assert what in capsys.readouterr().err
    assert (hub.gets(), files_in(tmp_path / "ckpt")) == ([], set())


def test_how_a_file_was_verified_is_told_as_it_is(
    words: dict[str, bytes], hub: Hub, tmp_path: Path, capsys: Captured
) -> None:
    digests = {name: sha256(content).hexdigest() for name, content in hub.files.items()}
    of_words = {"repo": "toys/Words"}
    whole, part = digests["toys/Words/vocab.json"], digests["toys/Words/merges.txt"]
    part = f"{part[:8]}…{part[-4:]}"
    entries = [
        {**of_words, "path": "vocab.json", "keep_as": "qwen2/vocab.json", "sha256": whole},
        {
            **of_words,
            "path": "merges.txt",
            "keep_as": "qwen2/merges.txt",
            "sha256": f"{part[:8]}…{part[-4:]}",
        },
    ]
    register(tmp_path, files=entries)
    assert main(FETCH) == 0
    told = capsys.readouterr().err
    assert "vocab.json: size and SHA-256 as songdesk knows them" in told
    assert "merges.txt: size and SHA-256 as the hub says; the known part of the hash agrees" in told
    hub.shown = {"X-Linked-Etag": '"4b825dc642cb6eb9a060e54bf8d69288fbee4904"'}
    shutil.rmtree(tmp_path / "ckpt")
    register(tmp_path, files=[entries[1], {**entries[0], "sha256": ""}])
    assert main(FETCH) == 0
    told = capsys.readouterr().err
    assert "merges.txt: size as the hub says; the known part of the hash agrees" in told
    assert "vocab.json: size as the hub says; no hash of it is known" in told


def test_a_fetch_that_ends_while_it_converts_goes_on_with_what_came(
    sold: Variant, hub: Hub, tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(path: Path, out: Path, *, step: object) -> None:
        raise SongdeskError("no more")

    monkeypatch.setattr("core.levo.convert.convert", broken)
    assert main(FETCH) == 2
    monkeypatch.setattr("core.levo.convert.convert", convert)
    first = largest(hub)
    assert files_in(tmp_path / "ckpt") == {f"published/{first}"}
    hub.asked.clear()
    assert main(FETCH) == 0
    assert files_in(tmp_path / "ckpt") == MADE
    assert not any(first in path for method, path, _ in hub.asked if method == "GET")


def test_a_file_that_is_of_another_model_is_not_taken(
    sold: Variant, hub: Hub, tmp_path: Path, capsys: Captured
) -> None:
    hub.files["toys/Tiny/model.pt"] = hub.files["toys/Sound/third_party/demucs/ckpt/htdemucs.pth"]
    assert main(FETCH) == 2
    assert "holds separator of tiny, not tokens of tiny" in capsys.readouterr().err
    assert "tiny/tokens.safetensors" not in files_in(tmp_path / "ckpt")


def test_models_alike_get_their_weights_in_their_own_folders(sold: Variant, hub: Hub, tmp_path: Path) -> None:
    register(tmp_path, model="twin")
    for name in ("tiny", "twin"):
        assert main(["models", "fetch", name, "--yes"]) == 0
        made = metadata_of(tmp_path / "ckpt" / name / "tokens.safetensors")
        assert made["variant"] == name
    assert len([path for _, path, _ in hub.asked if path.startswith("/cdn/toys/Sound")]) == 4


def test_an_offline_hub_is_not_asked(
    words: dict[str, bytes], hub: Hub, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert main(FETCH) == 2
    told = capsys.readouterr().err
    assert ("HF_HUB_OFFLINE" in told, "--from" in told, hub.asked) == (True, True, [])


def test_a_demo_that_is_not_as_it_was_sent_is_said_to_be_so(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.shipped.shipped_weights", lambda: tmp_path)
    assert main(["models", "fetch", "demo"]) == 2
    told = capsys.readouterr().err
    assert ("not here" in told, str(tmp_path / "demo") in told, "ckpt/demo" in told) == (True, True, True)


def test_the_demo_and_a_model_without_files_fetch_nothing(
    sold: Variant, tmp_path: Path, capsys: Captured
) -> None:
    assert main(["models", "fetch", "demo"]) == 0
    assert "comes with songdesk" in capsys.readouterr().err
    register(tmp_path, model="bare", files=[])
    assert main(["models", "fetch", "bare", "--yes"]) == 2
    assert "models.yaml does not say" in capsys.readouterr().err
    assert main(["models", "fetch", "v9"]) == 2
    assert "unknown model 'v9'" in capsys.readouterr().err
