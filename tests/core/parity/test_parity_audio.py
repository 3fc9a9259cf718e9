"""`songdesk parity` on the audio vectors: the product's classes meet every case, and a wrong one is told."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from core.cli import main
from core.parity.audio_rule import called, fingerprint_differs, first_called, rule_state

GOLDEN = Path(__file__).parents[2] / "golden" / "audio"
MANIFEST = json.loads((GOLDEN / "manifest.json").read_text())
LONG = {"vae.real_width", "demucs.real_3s", "encode.sep_50s_intended", "render.60s", "render.60s_prompt10s"}
"""Cases of published widths or of a minute of song."""
Capture = pytest.CaptureFixture[str]


def part(folder: Path, wanted: set[str]) -> Path:
    """The golden folder with some of its cases only."""
    cases = [case for case in MANIFEST["cases"] if case["id"] in wanted]
    assert len(cases) == len(wanted)
    (folder / "manifest.json").write_text(json.dumps({**MANIFEST, "cases": cases}))
    for name in {case["file"] for case in cases}:
        (folder / name).symlink_to(GOLDEN / name)
    return folder


def told(capsys: Capture, folder: Path) -> tuple[int, dict[str, dict[str, object]]]:
    code = main(["parity", str(folder), "--device", "cpu", "--json"])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return code, {str(line["name"]): line for line in lines if "name" in line}


@pytest.mark.parametrize("file", sorted({case["file"] for case in MANIFEST["cases"]}))
def test_short_cases_are_all_met(capsys: Capture, tmp_path: Path, file: str) -> None:
    wanted = {case["id"] for case in MANIFEST["cases"] if case["file"] == file} - LONG
    code, cases = told(capsys, part(tmp_path, wanted))
    assert {name: case for name, case in cases.items() if case["state"] != "ok"} == {}
    assert set(cases) == wanted
    assert code == 0


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("case", sorted(LONG))
def test_long_cases_are_met(capsys: Capture, tmp_path: Path, case: str) -> None:
    assert told(capsys, part(tmp_path, {case}))[1][case]["state"] == "ok"


@pytest.mark.parametrize(
    ("case", "tensor"),
    [
        ("fe.mel_music", "out"),
        ("conv.tiny", "out"),
        ("conformer.tiny", "hidden_states"),
        ("vq.tiny", "codes"),
        ("encode.sep_12s", "bgm"),
        ("flow.tiny_a", "out"),
        ("cfm.euler_ic12", "x_at_step5"),
        ("cfm.infer_ic20", "latents"),
        ("vae.dec_tiny", "out"),
        ("vae.enc_tiny", "scale"),
        ("demucs.tiny_3s", "bgm_slice"),
        ("render.fade_ramps", "sin"),
    ],
)
def test_a_vector_that_differs_fails(capsys: Capture, tmp_path: Path, case: str, tensor: str) -> None:
    folder = part(tmp_path, {case})
    file = next(each["file"] for each in MANIFEST["cases"] if each["id"] == case)
    tensors = load_file(GOLDEN / file)
    spoiled = tensors[f"{case}/{tensor}"]
    # A code is wrong by any other; where only a share must agree, many are spoiled.
    tensors[f"{case}/{tensor}"] = spoiled + 1
    (folder / file).unlink()
    save_file(tensors, folder / file)
    code, cases = told(capsys, folder)
    assert code == 1
    assert cases[case]["state"] == "FAIL"


def test_another_salt_draws_other_weights(capsys: Capture, tmp_path: Path) -> None:
    folder = part(tmp_path, {"flow.tiny_a"})
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["cases"][0]["weights"] = manifest["cases"][0]["weights"].replace("salt ''", "salt 'pepper'")
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert told(capsys, folder)[0] == 1


def test_a_case_goes_by_what_it_holds_and_not_by_its_name(capsys: Capture, tmp_path: Path) -> None:
    folder = part(tmp_path, {"vae.snake"})
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["cases"][0]["id"] = "held.out"
    tensors = load_file(folder / "vae.safetensors")
    renamed = {
        key.replace("vae.snake/", "held.out/"): value for key, value in tensors.items() if "snake" in key
    }
    (folder / "vae.safetensors").unlink()
    save_file(renamed, folder / "vae.safetensors")
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert told(capsys, folder)[1]["held.out"]["state"] == "ok"


def test_a_manifest_without_inputs_is_one_clear_line(capsys: Capture, tmp_path: Path) -> None:
    folder = part(tmp_path, {"flow.tiny_a"})
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["cases"][0]["input"] = "as before"
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert main(["parity", str(folder), "--device", "cpu"]) == 2
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1
    assert "as before" in error


def test_what_is_drawn_here_is_what_the_vectors_were_made_of() -> None:
    stored = MANIFEST["info"]["rule_fingerprints"]
    for recipe in ("rule_audio('fe',1.0)", "randn('noise:60s:0',1,1000,64)", "rule_codes('60sv',1500,512)"):
        assert not fingerprint_differs(first_called(recipe), stored[recipe])
    for key, about in stored.items():
        name, _, shape = key.partition(" ")
        if shape:
            drawn = rule_state({name: tuple(json.loads(shape))}, "")[name]
            assert not fingerprint_differs(drawn, about), key
    assert fingerprint_differs(
        first_called("rule_codes('other',1500,512)"), stored["rule_codes('60sv',1500,512)"]
    )


def test_calls_over_names_are_left_to_the_case() -> None:
    recipe = "x0=randn('noise:a',1,2,4); y=randn('true:a',1,2,4)[:, :0]; z=randn(name,1)"
    shapes = [tuple(tensor.shape) for tensor in called(recipe)]
    assert shapes == [(1, 2, 4), (1, 2, 4)]
    assert torch.equal(first_called(recipe), first_called(recipe))
