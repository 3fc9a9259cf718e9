"""A real `songdesk models fetch` is killed, or asked to leave in the middle, and another one goes on."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.cli import main
from tests.core.models.conftest import register
from tests.core.models.hub import Hub, Trick

COMMAND = [sys.executable, "-c", "import sys; from core.cli import main; sys.exit(main(sys.argv[1:]))"]
FETCH = ["models", "fetch", "tiny", "--yes"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, -9), (signal.SIGTERM, 143)])
def test_another_run_goes_on_from_the_byte_where_it_ended(
    tiny: object, hub: Hub, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    content, at = bytes(range(251)) * 80, 4321
    hub.files["toys/Words/vocab.json"] = content
    register(tmp_path, files=[{"path": "vocab.json", "repo": "toys/Words", "keep_as": "qwen2/vocab.json"}])
    hub.tricks.append(Trick(stall=at))
    env = os.environ | {"HF_ENDPOINT": hub.url, "HF_HUB_DOWNLOAD_TIMEOUT": "1", "NO_PROXY": "*"}
    process = subprocess.Popen([*COMMAND, *FETCH], env=env, stderr=subprocess.PIPE, text=True)
    parts = tmp_path / "ckpt" / "published" / ".parts"
    while process.poll() is None and not any(
        path.stat().st_size == at for path in parts.glob("*-vocab.json")
    ):
        time.sleep(0.01)
    process.send_signal(number)
    _, told = process.communicate(timeout=60)
    assert process.returncode == code
    assert ("stopped; the same command goes on from here" in told) == (code > 0)
    assert not (tmp_path / "ckpt" / "qwen2").exists()
    assert main(FETCH) == 0
    assert (tmp_path / "ckpt" / "qwen2" / "vocab.json").read_bytes() == content
    assert hub.gets() == ["", f"bytes={at}-"]
    assert not parts.exists()
