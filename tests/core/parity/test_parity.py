"""`songdesk parity`: every stored vector is met, and anything else is told."""

import json
import shutil
from collections.abc import Callable, Collection
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from core.cli import main
from core.parity.lm_rule import rule_tensor
from core.paths import qwen2

GOLDEN = Path(__file__).parents[2] / "golden" / "lm"
MANIFEST = json.loads((GOLDEN / "manifest.json").read_text())
SONGS = "generate.safetensors"
SOME = (
    "c1_cfg1.0_rw8", "c1_cfg1.5_rw8", "c2_cfg3.0_rw0",
    "c1_cfg1.5_rw8_eos17", "c2_cfg3.0_rw0_eos12_all", "c1_cfg1.0_rw0_eos3",
)  # fmt: skip
"""Songs with each guidance, penalty, cache format and ending that there are; the others combine them anew."""
Capture = pytest.CaptureFixture[str]
Altered = Callable[[dict[str, Tensor]], None]


def part(folder: Path, *files: str, songs: Collection[str] | None = None) -> Path:
    """A golden folder of only these files, to be spoiled; of the songs to compose, these or all."""
    manifest = json.loads((GOLDEN / "manifest.json").read_text())
    manifest["files"] = {name: manifest["files"][name] for name in files}
    if songs is not None:
        runs = manifest["files"][SONGS]["runs"]
        manifest["files"][SONGS]["runs"] = {name: runs[name] for name in songs}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    for name in files:
        shutil.copy(GOLDEN / name, folder / name)
    return folder


def altered(folder: Path, file: str, key: str, by: float = 1.0) -> None:
    tensors = load_file(folder / file)
    flat = tensors[key].flatten()
    flat[0] = flat[0] + by
    tensors[key] = flat.view(tensors[key].shape)
    save_file(tensors, folder / file)


def told(capsys: Capture, *arguments: str | Path) -> tuple[int, list[dict[str, object]]]:
    code = main(["parity", *map(str, arguments), "--device", "cpu", "--json"])
    return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.timeout(400)
@pytest.mark.parametrize("songs", [SOME, pytest.param(None, marks=pytest.mark.slow)])
def test_the_product_meets_every_stored_vector(
    capsys: Capture, tmp_path: Path, songs: Collection[str] | None
) -> None:
    code, lines = told(capsys, part(tmp_path, *MANIFEST["files"], songs=songs))
    *cases, total = lines
    assert [case for case in cases if case["state"] == "FAIL"] == []
    assert code == 0
    skipped = [case["name"] for case in cases if case["state"] == "skipped"]
    if (qwen2() / "vocab.json").is_file():
        assert skipped == []
    else:
        assert all("tokenizer" in str(name) or "ids" in str(name) for name in skipped)
    assert total["total"] == {"ok": len(cases) - len(skipped)} | (
        {"skipped": len(skipped)} if skipped else {}
    )


def test_every_case_of_the_manifest_has_a_line(capsys: Capture, tmp_path: Path) -> None:
    files = ("pattern.safetensors", "loop.safetensors", "mulaw.safetensors", "sampler.safetensors")
    _, lines = told(capsys, part(tmp_path, *files))
    manifest = json.loads((GOLDEN / "manifest.json").read_text())
    wanted = [name for file in files for name in manifest["files"][file]["cases"]]
    names = [str(line.get("name")) for line in lines]
    assert [case for case in wanted if not any(name.split()[1:2] == [case] for name in names)] == []


@pytest.mark.parametrize(
    ("file", "key"),
    [
        ("pattern.safetensors", "d055_T9/seq"),
        ("loop.safetensors", "eos0_mid/upstream/codes"),
        ("loop.safetensors", "eos0_mid/upstream/fed"),
        ("mulaw.safetensors", "gauss_f16/ks"),
        ("mulaw.safetensors", "gauss_f16/vd"),
        ("sampler.safetensors", "s3_topk200/upstream/q0/ids"),
        ("sampler.safetensors", "s1_topp09/upstream/q0/probs"),
        ("sampler.safetensors", "s9_greedy_pen_ign/upstream/argmax"),
        ("unit.safetensors", "bridge/y"),
        ("unit.safetensors", "rms_float16/y"),
        ("unit.safetensors", "rope_hd128_float32/qe"),
    ],
)
def test_one_number_off_fails_that_case_alone(capsys: Capture, tmp_path: Path, file: str, key: str) -> None:
    altered(part(tmp_path, file), file, key)
    code, lines = told(capsys, tmp_path)
    failed = [str(line["name"]) for line in lines if line.get("state") == "FAIL"]
    assert code == 1
    assert len(failed) == 1
    assert failed[0].split()[1] == key.partition("/")[0]


def test_embeddings_states_and_songs_that_differ_fail(capsys: Capture, tmp_path: Path) -> None:
    files = ("conditions_c2.safetensors", "logits_c2.safetensors", SONGS)
    altered(part(tmp_path, *files, songs=["c2_cfg1.0_rw8"]), files[0], "fused2", 1e-4)
    altered(tmp_path, files[1], "fork_q8/h2", 0.1)
    altered(tmp_path, SONGS, "c2_cfg1.0_rw8/upstream_fp32/codes")
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    manifest["files"][files[1]]["tolerance_abs"] = {"up_fp32": 0.0, "fork_fp32": 1e-4, "fork_q8": 5e-3}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    code, lines = told(capsys, tmp_path)
    failed = {str(line["name"]) for line in lines if line.get("state") == "FAIL"}
    assert code == 1
    assert failed == {
        "conditions c2 embeddings",
        "logits c2 up_fp32",
        "logits c2 fork_q8",
        "generate c2_cfg1.0_rw8 upstream_fp32",
    }


def test_a_folder_with_another_salt_and_other_names_is_met_by_its_own_salt(
    capsys: Capture, tmp_path: Path
) -> None:
    keys = {"0.weight": (64, 128), "0.bias": (64,), "2.weight": (64, 64), "2.bias": (64,)}
    drawn = {key: rule_tensor(f"unit.bridge.{key}", shape, "pepper") for key, shape in keys.items()}
    x = torch.linspace(-2, 2, 3 * 128).view(1, 3, 128)
    inner = torch.nn.functional.gelu(x @ drawn["0.weight"].T + drawn["0.bias"])
    file = "pieces.safetensors"
    save_file({"span/x": x, "span/y": inner @ drawn["2.weight"].T + drawn["2.bias"]}, tmp_path / file)
    manifest = json.loads((GOLDEN / "manifest.json").read_text())
    for salt, code in (("pepper", 0), ("", 1)):
        manifest["files"] = {file: {"group": "3b", "salt": salt}}
        (tmp_path / "manifest.json").write_text(json.dumps(manifest))
        assert told(capsys, tmp_path)[0] == code


def test_without_the_vocabulary_its_cases_are_skipped_and_say_why(
    capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SONGDESK_QWEN2", str(tmp_path / "nowhere"))
    code = main(["parity", str(part(tmp_path, "tokenizer.json")), "--device", "cpu"])
    out = capsys.readouterr().out
    assert code == 0
    assert "skipped" in out
    assert "SONGDESK_QWEN2" in out
    assert "0 of 0 cases ok, 0 failed, 1 skipped" in out


def _cut(folder: Path) -> None:
    path = folder / "unit.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def _no_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


def _half_a_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_text('{"tiny_config": {')


def _no_files(folder: Path) -> None:
    (folder / "manifest.json").write_text('{"tiny_config": {}}')


def _lacking(folder: Path) -> None:
    tensors = load_file(folder / "unit.safetensors")
    del tensors["bridge/y"]
    save_file(tensors, folder / "unit.safetensors")


@pytest.mark.parametrize("spoil", [_cut, _no_manifest, _half_a_manifest, _no_files, _lacking])
def test_a_damaged_folder_is_one_clear_line(
    capsys: Capture, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    spoil(part(tmp_path, "unit.safetensors"))
    assert main(["parity", str(tmp_path), "--device", "cpu"]) == 2
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1
    assert str(tmp_path) in error
    assert "→" in error


def test_asking_for_vectors_that_are_not_there_is_refused(capsys: Capture, tmp_path: Path) -> None:
    folder = part(tmp_path, "unit.safetensors")
    assert main(["parity", str(folder), "--only", "audio"]) == 2
    assert "no audio vectors" in capsys.readouterr().err
    assert main(["parity", str(folder), "--only", "lm", "--device", "cpu"]) == 0


def test_what_the_device_refuses_is_a_failed_line_and_the_rest_goes_on(
    capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Tensor:
        raise RuntimeError("no kernel image is available")

    monkeypatch.setattr("core.parity.lm_unit.rope_table", broken)
    code, lines = told(capsys, part(tmp_path, "unit.safetensors", "pattern.safetensors"))
    assert code == 1
    assert [line["note"] for line in lines if line.get("state") == "FAIL"] == [
        "RuntimeError: no kernel image is available"
    ]
    assert any(str(line.get("name")).startswith("pattern") for line in lines)
