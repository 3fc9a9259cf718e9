"""Small torch files of plain objects come back as they were, within a limit, and names in them stay names."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from core.errors import SongdeskError
from core.levo.stored import open_checkpoint, plain_objects
from core.tensors import load_tensors
from tests.fuzz import evil
from tests.fuzz.evil import MB, archive, entry, header
from tests.fuzz.test_archives import ZIPS
from tests.fuzz.test_headers import HEADERS
from tests.fuzz.test_pickles import EVIL


def test_paths_for_names_are_only_names(tmp_path: Path) -> None:
    """What a path-like name is harmless as: a key in memory, and never a file."""
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    names = ("../../x", "/tmp/songdesk-evil", "a/../../../x", "C:\\x", "..", "x" * 300)
    path = folder / "x.safetensors"
    path.write_bytes(
        header({name: entry("U8", [1], [n, n + 1]) for n, name in enumerate(names)}, bytes(len(names)))
    )
    assert set(load_tensors(path)) == set(open_checkpoint(path).tensors) == set(names)
    torch.save({name: torch.ones(1) for name in names}, folder / "x.pt")
    assert set(open_checkpoint(folder / "x.pt").tensors) == set(names)
    plain_objects(folder / "x.pt", limit_bytes=MB)
    assert sorted(found.name for found in tmp_path.rglob("*")) == ["a", "b", "x.pt", "x.safetensors"]


def test_what_torch_writes_comes_back_as_its_own_reader_has_it(tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    evil.saved(path)
    ours = plain_objects(path, limit_bytes=MB)
    theirs = torch.load(path, weights_only=True)  # noqa: TID251 - to compare
    assert isinstance(ours, dict)
    assert ours.keys() == theirs.keys()
    assert torch.equal(ours["weight"], theirs["weight"])
    assert torch.equal(ours["half"], theirs["half"])
    assert ours["list"][:-1] == theirs["list"][:-1]
    assert torch.equal(ours["list"][-1]["a"], theirs["list"][-1]["a"])
    assert all(torch.equal(ours["state"][key], theirs["state"][key]) for key in ("weight", "bias"))


def test_more_values_than_the_limit_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save({"a": torch.zeros(1000), "b": torch.zeros(1000)}, tmp_path / "x.pt")
    monkeypatch.setattr(torch, "frombuffer", lambda *_, **__: pytest.fail("values were read"))
    with pytest.raises(SongdeskError, match=r"take more than 0\.0 MB"):
        plain_objects(tmp_path / "x.pt", limit_bytes=7999)


def test_a_tensor_that_repeats_its_values_is_no_plain_object(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(1).expand(1 << 40)}, tmp_path / "x.pt")
    with pytest.raises(SongdeskError, match="repeats its values"):
        plain_objects(tmp_path / "x.pt", limit_bytes=MB)


_CHILD = """
import contextlib, resource, sys
from pathlib import Path
from core.errors import SongdeskError
from core.levo.stored import open_checkpoint, plain_objects
from core.tensors import load_tensors, metadata_of
in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (in_use + (192 << 20),) * 2)
for path in map(Path, sys.argv[1:]):
    plain = lambda of: plain_objects(of, limit_bytes=4 << 20)
    for read in (open_checkpoint, plain, load_tensors, metadata_of):
        with contextlib.suppress(SongdeskError):
            read(path)
print("done")
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_no_bomb_takes_more_memory_than_a_small_file_may(tmp_path: Path) -> None:
    paths = [archive(tmp_path / f"e{n}.pt", index) for n, (index, _) in enumerate(EVIL.values())]
    for n, (data, _) in enumerate(HEADERS.values()):
        paths.append(tmp_path / f"h{n}.safetensors")
        paths[-1].write_bytes(data)
    for n, (make, _) in enumerate(ZIPS.values()):
        paths.append(tmp_path / f"z{n}.pt")
        make(paths[-1])
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, *map(str, paths)], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("done\n", "")


def test_nothing_in_the_product_unpickles() -> None:
    """Not even the careful reader of torch's: what reads torch files here can call nothing."""
    root = Path(__file__).parents[2]
    sources = [path for package in ("core", "tui") for path in (root / package).rglob("*.py")]
    words = (
        "torch.load(",
        "import pickle\n",
        "Unpickler",
        "jit.load(",
        "allow_pickle=True",
        "yaml.unsafe_load",
    )
    found = {
        (path.name, word) for path in sources for word in words if word in path.read_text(encoding="utf-8")
    }
    assert sources
    assert found == set()
