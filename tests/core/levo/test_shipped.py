"""The weights that come with songdesk: found beside the program, verified, and never taken for others."""

import shutil
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from core import paths
from core.checkpoints import model_folder, require_weights, role_file
from core.cli import main, models
from core.digest import sha256_of
from core.doctor import weights
from core.doctor.scene import Scene
from core.errors import SongdeskError
from core.family import family
from core.host import Host
from core.levo.demo import demo_weights, empty_module, untrained
from core.levo.identity import identity
from core.levo.shapes import shapes_of
from core.levo.tokens.model import TokenModel
from core.levo.weights import load_module
from core.models.presence import BUILT_IN, presence_of
from core.registry import PublishedFile, Variant, variant
from core.tensors import load_tensors, save_tensors
from tests.toy import SHAPES

DEMO = variant("demo")
STAGES = family(DEMO.family).stages
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n"
NOWHERE = Scene(Host())
TINY = shapes_of(SHAPES)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where shipped weights are said to be, with those of a tiny demo in it."""
    monkeypatch.setattr(paths, "_CHECKOUT", tmp_path)
    monkeypatch.setenv("SONGDESK_CKPT", str(tmp_path / "elsewhere"))
    demo_weights(TINY, tmp_path / "ckpt" / "tiny")
    return tmp_path / "ckpt" / "tiny"


@pytest.fixture
def sent(folder: Path) -> Variant:
    """The tiny demo as a registry lists it, with the sizes and hashes of its files."""
    files = tuple(
        PublishedFile(
            f"tiny/{path.name}", "", roles=(path.stem,), shared=False,
            bytes=path.stat().st_size, sha256=sha256_of(path),
        )
        for path in sorted(folder.iterdir())
    )  # fmt: skip
    return replace(DEMO, id="tiny", shapes=SHAPES, files=files)


@pytest.fixture
def registered(sent: Variant, monkeypatch: pytest.MonkeyPatch) -> Variant:
    """The tiny demo as the only model there is."""
    for module in (weights, models):
        monkeypatch.setattr(module, "variants", lambda: {sent.id: sent})
    return sent


def test_the_demo_of_this_checkout_is_whole() -> None:
    presence = presence_of(DEMO)
    assert (presence.state, presence.missing) == (BUILT_IN, ())
    require_weights(DEMO, STAGES)
    names = {path.stem for path in model_folder(DEMO).glob("*.safetensors")}
    assert {*presence.here} == names
    assert not DEMO.files or DEMO.sources.keys() == names
    for file in DEMO.files:
        assert sha256_of(model_folder(DEMO) / file.name) == file.sha256


@pytest.mark.parametrize("role", ["tokens", "flow", "vae", "mix_encoder", "stem_encoder", "separator"])
def test_the_demo_has_every_tensor_in_16_bits(role: str) -> None:
    found = load_tensors(role_file(DEMO, role))
    wanted = empty_module(role, shapes_of(DEMO.shapes)).state_dict()
    assert {key: value.shape for key, value in found.items()} == {
        key: value.shape for key, value in wanted.items()
    }
    assert {value.dtype for value in found.values() if value.is_floating_point()} == {torch.float16}
    assert all(value.isfinite().all() for value in found.values())


def test_a_wheel_holds_them_where_they_are_looked_for_and_nothing_of_their_training() -> None:
    pyproject = Path(paths.__file__).parents[1] / "pyproject.toml"
    wheel = tomllib.loads(pyproject.read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["sources"] == {"ckpt/demo": "core/_ckpt/demo"}
    assert "ckpt/demo" in wheel["only-include"]
    assert {*wheel["exclude"]} == {"/ckpt/demo/corpus", "/ckpt/demo/train"}
    kinds = {path.name for path in model_folder(DEMO).iterdir() if path.suffix != ".safetensors"}
    assert kinds <= {"corpus", "train"}


def test_they_are_found_whatever_folder_is_named_for_weights(sent: Variant, folder: Path) -> None:
    require_weights(sent, STAGES)
    path = role_file(sent, "tokens")
    assert path == folder / "tokens.safetensors"
    model = load_module(lambda: TokenModel(TINY.tokens), path, torch.device("cpu"))
    assert torch.equal(model.state_dict()["emb.0.weight"], load_tensors(path)["emb.0.weight"])


def test_an_installed_songdesk_reads_those_of_its_wheel(
    sent: Variant, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site-packages" / "core"
    shutil.copytree(folder.parent, package / "_ckpt")
    shutil.copytree(folder, tmp_path / "elsewhere" / "tiny")
    (package / "_conf").mkdir()
    monkeypatch.setattr(paths, "_PACKAGE", package)
    assert role_file(sent, "flow") == package / "_ckpt" / "tiny" / "flow.safetensors"
    (package / "_ckpt" / "tiny" / "flow.safetensors").unlink()
    with pytest.raises(SongdeskError) as refusal:
        require_weights(sent, STAGES)
    assert refusal.value.what == "the flow weights of tiny are not here"
    assert refusal.value.hint == "install songdesk again: its wheel holds them"


@pytest.mark.parametrize(
    ("content", "what", "hint"),
    [
        (None, "not here", "`git checkout -- ckpt/demo` gets them again"),
        (b"", "cut short: 0 bytes, not", "`git checkout -- ckpt/demo` gets them again"),
        (bytes(1 << 20), "damaged: 1,048,576 bytes, not", "`git checkout -- ckpt/demo` gets them again"),
        (POINTER, "only a Git LFS pointer, not the weights themselves", "run `git lfs pull`"),
    ],
    ids=["missing", "empty", "larger", "pointer"],
)
def test_what_is_wrong_is_one_line_before_the_first_stage(
    content: bytes | None, what: str, hint: str, registered: Variant, folder: Path
) -> None:
    path = folder / "vae.safetensors"
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(SongdeskError) as refusal:
        require_weights(registered, STAGES)
    assert refusal.value.what.startswith(f"the vae weights of tiny are {what}")
    assert (refusal.value.where, refusal.value.hint) == (str(path), hint)
    assert "\n" not in str(refusal.value)
    presence = presence_of(registered)
    assert (presence.state, presence.needed, presence.to_fetch) == ("damaged", ("vae",), ())
    assert presence.words == f"damaged, without vae: {presence.words.partition(': ')[2]}"
    found = weights.models(NOWHERE)
    assert found.status == "fail"
    assert f"tiny/vae.safetensors is {what}" in found.what
    assert found.fix == hint


def test_one_bit_is_found_where_all_is_read(
    registered: Variant, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert weights.models(NOWHERE).status == "ok"
    assert main(["models", "--no-machine"]) == 0
    assert "damaged" not in capsys.readouterr().out
    path = folder / "tokens.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x7f")
    found = weights.models(NOWHERE)
    assert found.status == "fail"
    assert "tiny/tokens.safetensors is damaged: its SHA-256 is another" in found.what
    assert main(["models", "--no-machine"]) == 0
    assert "the tokens weights are damaged: its SHA-256 is another" in capsys.readouterr().out


def test_weights_led_by_a_recording_may_lack_while_others_sing(sent: Variant, folder: Path) -> None:
    (folder / "separator.safetensors").unlink()
    presence = presence_of(sent)
    assert presence.usable
    assert presence.words.startswith("damaged, without separator: ")
    require_weights(sent, STAGES)


def test_one_training_is_told_from_the_next_and_from_none(sent: Variant, folder: Path) -> None:
    before = identity(sent, ["tokens"])
    assert before == identity(sent, ["tokens"])
    assert before != identity(sent, ["flow"])
    assert before != identity(replace(sent, weights="rule"), ["tokens"])
    path = folder / "tokens.safetensors"
    taught = load_tensors(path)
    last = sorted(taught)[-1]
    taught[last] = taught[last] + 1
    save_tensors(path, taught, {})
    assert identity(sent, ["tokens"]) != before


def test_a_model_that_has_learned_nothing_has_a_folder_of_its_own(tmp_path: Path, sent: Variant) -> None:
    blank = untrained(sent)
    assert (blank.weights, blank.shapes, blank.files) == ("rule", sent.shapes, ())
    assert model_folder(blank) == tmp_path / "elsewhere" / "tiny-untrained"
    require_weights(blank, STAGES)
    demo_weights(shapes_of(blank.shapes), model_folder(blank))
    assert role_file(blank, "vae").is_relative_to(tmp_path / "elsewhere")
