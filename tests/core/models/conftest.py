"""A hub of this machine's own, and a model that is published there."""

import json
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from pathlib import Path

import pytest
import torch
from huggingface_hub import close_session, constants

from core.registry import Variant, variant, variants
from tests.core.models.hub import Hub, serving

SOUND = {
    "model_2.safetensors": ("ckpt/model_septoken/model_2.safetensors", ["stem_encoder", "flow"]),
    "autoencoder_music_1320k.ckpt": ("ckpt/vae/autoencoder_music_1320k.ckpt", ["vae"]),
    "model_2_fixed.safetensors": ("ckpt/model_1rvq/model_2_fixed.safetensors", ["mix_encoder"]),
    "htdemucs.pth": ("third_party/demucs/ckpt/htdemucs.pth", ["separator"]),
}
EXTRA = ("model_2_fixed.safetensors", "htdemucs.pth")
STYLES = "tools/new_auto_prompt.pt"
VOCABULARY = {"vocab.json": b'{"a": 0}', "merges.txt": b"#version: 0.2\na b\n"}


@pytest.fixture(scope="session")
def _direct() -> Iterator[None]:
    """Have the library's one client, which is made once, go past any proxy."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "*")
        close_session()
        yield
        close_session()


@pytest.fixture
def hub(_direct: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    """An empty hub that the hub's library takes for its own; it waits for nothing long."""
    with serving() as served:
        monkeypatch.setattr(constants, "ENDPOINT", served.url)
        template = served.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 0.3)
        monkeypatch.setattr(constants, "HF_HUB_ETAG_TIMEOUT", 5)
        monkeypatch.setattr("core.models.download._WAITS", (0.0,) * 5)
        for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        yield served


@pytest.fixture(scope="session")
def _pressed() -> dict[str, bytes]:
    """What the tiny model's files hold, by their paths as published, once a test has made them."""
    return {}


@pytest.fixture
def pressed(_pressed: dict[str, bytes], tiny: object, request: pytest.FixtureRequest) -> dict[str, bytes]:
    """The tiny model's files by their paths as published."""
    if not _pressed:
        publish: Callable[[str], Path] = request.getfixturevalue("publish")
        _pressed["model.pt"] = request.getfixturevalue("model_pt").read_bytes()
        _pressed |= {path: publish(name).read_bytes() for name, (path, _) in SOUND.items()}
        styles = BytesIO()
        torch.save({"Pop": {"en": [torch.zeros(1, 3, 9, dtype=torch.int64)]}}, styles)
        _pressed |= {STYLES: styles.getvalue(), **VOCABULARY}
    return _pressed


def written(folder: Path, files: Mapping[str, bytes]) -> Path:
    """A folder with files by their paths in it."""
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


@pytest.fixture
def words(tiny: object, hub: Hub, tmp_path: Path) -> dict[str, bytes]:
    """Of the tiny model the hub has the vocabulary alone, which is only to be kept."""
    files = {name: content * 3000 for name, content in VOCABULARY.items()}
    hub.files |= {f"toys/Words/{name}": content for name, content in files.items()}
    register(tmp_path, files=[{"repo": "toys/Words", "path": n, "keep_as": f"qwen2/{n}"} for n in files])
    return files


@pytest.fixture
def sold(pressed: dict[str, bytes], hub: Hub, tmp_path: Path) -> Variant:
    """The tiny model, whose files the hub has; the table of styles no hub has."""
    entries: list[dict[str, object]] = [
        {"path": "model.pt", "repo": "toys/Tiny", "roles": ["tokens"], "shared": False},
        *(
            {"path": path, "repo": "toys/Sound", "roles": roles, "optional": name in EXTRA, "shared": True}
            for name, (path, roles) in SOUND.items()
        ),
        {
            "path": STYLES,
            "repo": "",
            "roles": ["styles"],
            "optional": True,
            "shared": True,
            "note": "no hub has it",
        },
    ]
    entries += [{"path": n, "repo": "toys/Words", "keep_as": f"qwen2/{n}"} for n in VOCABULARY]
    for entry in entries:
        content = pressed[str(entry["path"])]
        entry["about"] = len(content)
        if entry["repo"]:
            hub.files[f"{entry['repo']}/{entry['path']}"] = content
    register(tmp_path, files=entries, licence={"name": "toy terms", "url": "https://example.org/terms"})
    return variant("tiny")


def register(home: Path, *, model: str = "tiny", **more: object) -> None:
    """Change or add an entry of the models file, after the pattern of the tiny model."""
    path = home / "config" / "songdesk" / "models.yaml"
    listed = json.loads(path.read_text())
    path.write_text(json.dumps(listed | {model: {**listed.get(model, listed["tiny"]), **more}}))
    variants.cache_clear()
