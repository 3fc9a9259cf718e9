"""What the files of a machine tell of Windows around it."""

from pathlib import Path

import pytest

from core.host import host, is_wsl


@pytest.mark.parametrize(
    ("kernel", "has_device", "inside"),
    [
        ("Linux version 6.6.87.2-microsoft-standard-WSL2 (root@x)", False, True),
        ("Linux version 6.8.0-45-generic (buildd@x)", False, False),
        ("Linux version 6.8.0-45-generic (buildd@x)", True, True),
        (None, False, False),
    ],
)
def test_linux_inside_windows_is_known_by_its_kernel_or_its_device(
    tmp_path: Path, kernel: str | None, has_device: bool, inside: bool
) -> None:
    for folder in ("proc", "dev"):
        (tmp_path / folder).mkdir()
    if kernel is not None:
        (tmp_path / "proc" / "version").write_text(kernel)
    if has_device:
        (tmp_path / "dev" / "dxg").touch()
    assert is_wsl(tmp_path) is inside
    assert bool(host(tmp_path).wsl) is inside
