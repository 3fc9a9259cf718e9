"""How much memory a container leaves, read from trees like those that Linux shows."""

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest

from core import device
from core.container import memory_left

GROUP = "sys/fs/cgroup"


def tree(root: Path, files: Mapping[str, object]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"{content}\n")
    return root


def limits(folder: str, limit: object, used: int, idle: int = 0) -> dict[str, object]:
    return {
        f"{folder}/memory.max": limit,
        f"{folder}/memory.current": used,
        f"{folder}/memory.stat": f"anon 5\ninactive_file {idle}\nactive_file 7",
    }


def old_limits(folder: str, limit: int, used: int, idle: int = 0) -> dict[str, object]:
    return {
        f"{folder}/memory.limit_in_bytes": limit,
        f"{folder}/memory.usage_in_bytes": used,
        f"{folder}/memory.stat": f"inactive_file 1\ntotal_inactive_file {idle}",
    }


def test_a_container_leaves_what_is_not_used_and_the_files_that_nobody_reads(tmp_path: Path) -> None:
    root = tree(tmp_path, {"proc/self/cgroup": "0::/", **limits(GROUP, 1000, 700, 200)})
    assert memory_left(root) == 500
    tree(root, limits(GROUP, 1000, 1200))
    assert memory_left(root) == 0


def test_the_tightest_of_the_groups_around_counts(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        {
            "proc/self/cgroup": "0::/user.slice/song.scope",
            **limits(f"{GROUP}/user.slice/song.scope", "max", 10),
            **limits(f"{GROUP}/user.slice", 800, 500),
        },
    )
    assert memory_left(root) == 300
    tree(root, limits(f"{GROUP}/user.slice/song.scope", 100, 10))
    assert memory_left(root) == 90


def test_a_name_of_outside_the_container_is_no_hindrance(tmp_path: Path) -> None:
    root = tree(tmp_path, {"proc/self/cgroup": "0::/../docker/abc", **limits(GROUP, 1000, 700)})
    assert memory_left(root) == 300


def test_the_first_version_is_read_too(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        {
            "proc/self/cgroup": "5:cpu,cpuacct:/a\n4:memory:/a/b\n1:name=systemd:/\n0::/",
            **old_limits(f"{GROUP}/memory", 9223372036854771712, 5000),
            **old_limits(f"{GROUP}/memory/a/b", 900, 400, 100),
        },
    )
    assert memory_left(root) == 600


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"proc/self/cgroup": "0::/"},
        {"proc/self/cgroup": "0::/", **limits(GROUP, "max", 5)},
        {"proc/self/cgroup": "4:memory:/", **old_limits(f"{GROUP}/memory", 9223372036854771712, 5)},
        {"proc/self/cgroup": "nonsense\n\n:::", f"{GROUP}/memory.max": "?"},
    ],
)
def test_without_a_limit_there_is_nothing_to_tell(tmp_path: Path, files: dict[str, object]) -> None:
    assert memory_left(tree(tmp_path, files)) is None


@pytest.mark.parametrize(("left", "free"), [(None, 1000), (300, 300), (5000, 1000)])
def test_free_memory_is_the_less_of_what_the_machine_and_the_container_have(
    monkeypatch: pytest.MonkeyPatch, left: int | None, free: int
) -> None:
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=1000))
    monkeypatch.setattr(device, "memory_left", lambda: left)
    assert device.free_memory("cpu") == free
