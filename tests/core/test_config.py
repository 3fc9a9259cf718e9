"""The configuration files: shipped, own, and broken."""

from pathlib import Path

import pytest

from core.config import load_config
from core.errors import SongdeskError


def test_the_shipped_file_alone_is_enough(tmp_path: Path) -> None:
    config = load_config(tmp_path / "none.yaml")
    assert config.model == "demo"
    assert config.studio.theme


def test_ones_own_file_changes_only_what_it_names(tmp_path: Path) -> None:
    own = tmp_path / "songdesk.yaml"
    own.write_text("studio:\n  keys:\n    compose: f5\nsettings:\n  temperature: 0.9\n")
    config = load_config(own)
    assert config.studio.keys == {"compose": "f5"}
    assert config.settings == {"temperature": 0.9}
    assert config.studio.mouse is True


@pytest.mark.parametrize(
    "text",
    [
        "modle: demo\n",
        "studio: [1\n",
        "studio:\n  mouse: perhaps\n",
        "studio:\n  on_hangup: perhaps\n",
        "- 1\n",
        "settings:\n  a: ${no}\n",
        "\xff",
    ],
)
def test_a_file_that_does_not_fit_is_named(tmp_path: Path, text: str) -> None:
    own = tmp_path / "songdesk.yaml"
    own.write_bytes(text.encode("latin-1"))
    with pytest.raises(SongdeskError) as refusal:
        load_config(own)
    assert refusal.value.where == (f"{own}:2:1" if "[" in text else str(own))
    assert "while parsing" not in refusal.value.what
    assert "\n" not in str(refusal.value)
