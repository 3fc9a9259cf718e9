"""Published audio checkpoints become role files that load, whole or not at all."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from core.checkpoints import shared_folder
from core.errors import SongdeskError
from core.levo.convert import convert
from core.levo.convert_audio import AudioConversion, plan_audio
from core.levo.published_audio import Source
from core.levo.roles import SOUND
from core.levo.shapes import shapes_of
from core.levo.stored import open_checkpoint
from core.levo.weights import load_module
from core.registry import variant, variants
from core.takes.claim import claimed
from core.tensors import Layout, in_file, metadata_of, streaming

Publish = Callable[[str], Path]
States = dict[str, dict[str, Tensor]]
MIX, STEMS, VAE, SEPARATOR = (
    "model_2_fixed.safetensors", "model_2.safetensors", "autoencoder_music_1320k.ckpt", "htdemucs.pth",
)  # fmt: skip


def planned(path: Path, out: Path | None = None) -> AudioConversion:
    plan = plan_audio(open_checkpoint(path), out)
    assert plan is not None
    return plan


@pytest.mark.parametrize("file", [MIX, STEMS, VAE, SEPARATOR])
def test_a_published_file_becomes_role_files_that_load_and_equal_what_is_published(
    file: str, publish: Publish, audio: States, made: dict[str, dict[str, Source]], tmp_path: Path
) -> None:
    path = publish(file)
    report = convert(path.rename(tmp_path / "renamed"))
    assert report.files == tuple(tmp_path / "ckpt" / "levo" / f"{role}.safetensors" for role in report.roles)
    assert (report.made, report.there, report.models, report.unknown) == (True, (), ("tiny",), ())
    shapes = shapes_of(variant("tiny").shapes)
    for role, written in zip(report.roles, report.files, strict=True):
        module = load_module(lambda role=role: SOUND[role](shapes), written, torch.device("cpu"))  # type: ignore[misc]
        stored = load_file(written)
        for key, source in made[role].items():
            expected = source.made(audio[file])
            assert torch.equal(stored[key], expected), key
            assert stored[key].dtype is expected.dtype
            assert torch.equal(module.state_dict()[key], expected.float())


def test_what_is_only_rearranged_keeps_its_bits_and_what_is_computed_is_fp32(
    publish: Publish, audio: States
) -> None:
    stems, flow = (load_file(path) for path in convert(publish(STEMS)).files)
    layer = "bestrq.model.conformer.layers.1.conv_module."
    turned = audio[STEMS]["cfm_wrapper.estimator.h.1.attn.c_attn.weight"].T
    assert torch.equal(flow["transformer.blocks.1.qkv.weight"], turned)
    pointwise = audio[STEMS][f"{layer}pointwise_conv1.weight"]
    assert stems["encoder.blocks.1.convolution.enter.weight"].dtype is torch.float16
    assert torch.equal(stems["encoder.blocks.1.convolution.enter.weight"], pointwise[..., 0])
    assert stems["encoder.blocks.1.convolution.scale.factor"].dtype is torch.float32
    assert flow["normaliser.mean"].dtype is torch.float32
    norm = nn.BatchNorm1d(8)
    names = ("weight", "bias", "running_mean", "running_var")
    norm.load_state_dict(
        {name: audio[STEMS][f"{layer}batch_norm.{name}"].float() for name in names}, strict=False
    )
    factor, offset = (stems[f"encoder.blocks.1.convolution.scale.{name}"] for name in ("factor", "offset"))
    x = torch.randn(3, 8, 5)
    torch.testing.assert_close(x * factor[:, None] + offset[:, None], norm.eval()(x))


def test_weight_norm_in_the_new_style_becomes_the_same_weights(publish: Publish, audio: States) -> None:
    old = load_file(convert(publish(VAE)).file)
    layer = nn.utils.parametrizations.weight_norm(nn.Conv1d(4, 4, 7))
    at = "encoder.layers.1.layers.0.layers.1"
    for name, value in layer.state_dict().items():
        audio[VAE][f"{at}.{name}"] = value
    for kind in "gv":
        del audio[VAE][f"{at}.weight_{kind}"]
    names = {"weight_g": "parametrizations.weight.original0", "weight_v": "parametrizations.weight.original1"}
    state = audio[VAE]
    for name in [name for name in state if name.endswith(tuple(names))]:
        head, _, leaf = name.rpartition(".")
        state[f"{head}.{names[leaf]}"] = state.pop(name)
    report = convert(publish(VAE))
    new = load_file(report.file)
    assert (report.made, report.unknown) == (True, ())
    torch.testing.assert_close(new["encoder.layers.1.conv1.weight"], layer.weight)
    assert [key for key in old if not torch.equal(old[key], new[key])] == [
        "encoder.layers.1.conv1.weight", "encoder.layers.1.conv1.bias",
    ]  # fmt: skip


def test_what_is_of_no_use_is_never_read(publish: Publish, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some of it is no numbers at all, and no byte of it is asked for."""
    import core.levo.stored as stored

    path = publish(STEMS)
    read: list[tuple[int, int]] = []
    original = stored._read_into

    def noted(file: BinaryIO, offset: int, buffer: bytearray) -> int:
        read.append((offset, offset + len(buffer)))
        return original(file, offset, buffer)

    monkeypatch.setattr(stored, "_read_into", noted)
    plan = planned(path)
    assert convert(path).dropped.tensors == len(plan.dropped) > 5
    assert "cfm_wrapper.estimator.wte.weight" in plan.dropped
    for name in plan.dropped:
        about = plan.checkpoint.tensors[name]
        span = (about.offset, about.offset + about.bytes)
        assert not any(start < span[1] and span[0] < end for start, end in read)


def test_what_nobody_knows_is_left_out_and_said(publish: Publish, audio: States) -> None:
    audio[STEMS] |= {"hubert.layer.weight": torch.ones(3), "bestrq.model.mystery": torch.ones(2)}
    report = convert(publish(STEMS))
    assert set(report.unknown) == {"hubert.layer.weight", "bestrq.model.mystery"}
    total = sum(x.nbytes for x in audio[STEMS].values()) - 20
    assert report.kept.bytes + report.dropped.bytes == total
    assert report.written.tensors == sum(len(load_file(path)) for path in report.files)


@pytest.mark.parametrize(("counts", "said"), [(99_999.0, True), (3.0, True), (100_000.0, False)])
def test_statistics_of_a_half_trained_normaliser_are_kept_and_said(
    counts: float, said: bool, publish: Publish, audio: States
) -> None:
    audio[STEMS]["normfeat.counts"].fill_(counts)
    report = convert(publish(STEMS))
    assert bool(report.warnings) == said
    assert not said or f"{counts:,.0f} latents" in report.warnings[0]
    mean = load_file(report.files[1])["normaliser.mean"]
    expected = audio[STEMS]["normfeat.sum_x"] / counts if counts > 10 else torch.zeros(8)
    assert torch.equal(mean, expected)


def test_a_second_run_makes_only_what_is_missing(publish: Publish) -> None:
    path = publish(STEMS)
    stems, flow = convert(path).files
    before = stems.stat().st_mtime_ns
    again = convert(path, step=lambda done, total: pytest.fail("it was written again"))
    assert (again.made, again.there) == (False, (stems, flow))
    whole = flow.read_bytes()
    flow.write_bytes(whole[: len(whole) // 2])
    mended = convert(path)
    assert (mended.made, mended.there, mended.files) == (True, (stems,), (stems, flow))
    assert mended.written.tensors == len(load_file(flow))
    assert (flow.read_bytes(), stems.stat().st_mtime_ns) == (whole, before)


def test_another_checkpoint_takes_the_place_of_the_first(publish: Publish, audio: States) -> None:
    file = convert(publish(SEPARATOR)).file
    audio[SEPARATOR]["encoder.0.conv.bias"] += 1
    assert convert(publish(SEPARATOR)).made
    assert torch.equal(load_file(file)["encoder.0.conv.bias"], audio[SEPARATOR]["encoder.0.conv.bias"])


@pytest.mark.parametrize("reason", [KeyboardInterrupt, SongdeskError("enough")])
def test_giving_up_in_the_second_file_leaves_the_first_whole(
    publish: Publish, tmp_path: Path, reason: BaseException
) -> None:
    path, folder = publish(STEMS), tmp_path / "ckpt" / "levo"
    first = planned(path).targets[0]

    def step(done: int, total: int) -> None:
        if done > first.bytes:
            raise reason

    with pytest.raises((KeyboardInterrupt, SongdeskError)):
        convert(path, step=step)
    assert list(folder.iterdir()) == [first.path]
    assert convert(path).there == (first.path,)
    assert len(list(folder.iterdir())) == 2


def test_a_file_that_shrinks_meanwhile_gives_no_weights(publish: Publish, tmp_path: Path) -> None:
    path = publish(VAE)

    def step(done: int, total: int) -> None:
        with path.open("rb+") as file:
            file.truncate(1000)

    with pytest.raises(SongdeskError, match="the file ends within"):
        convert(path, step=step)
    assert not list((tmp_path / "ckpt").rglob("*.safetensors"))


def test_a_file_that_grows_meanwhile_gives_no_weights(publish: Publish, tmp_path: Path) -> None:
    path = publish(VAE)

    def step(done: int, total: int) -> None:
        with path.open("ab") as file:
            file.write(b"more")

    with pytest.raises(SongdeskError, match="changed while it was read"):
        convert(path, step=step)
    assert not list((tmp_path / "ckpt").rglob("*.safetensors"))


def test_tensors_of_odd_sizes_and_several_widths_lie_where_they_can_be_mapped(tmp_path: Path) -> None:
    tensors = {
        "a": torch.arange(3, dtype=torch.float16), "b": torch.arange(5.0), "c": torch.zeros(0, 2),
        "d": torch.arange(7, dtype=torch.int16), "e": torch.tensor(2.5, dtype=torch.float64),
    }  # fmt: skip
    layout = {name: Layout(x.dtype, tuple(x.shape)) for name, x in tensors.items()}
    with streaming(tmp_path / "x", layout, {"of": "odd"}) as put:
        for name in in_file(layout):
            put(tensors[name])
    found = load_file(tmp_path / "x")
    assert all(torch.equal(found[name], x) and found[name].dtype is x.dtype for name, x in tensors.items())
    offsets = {name: x.offset for name, x in open_checkpoint(tmp_path / "x").tensors.items()}
    assert all(offsets[name] % tensors[name].itemsize == 0 for name in ("a", "b", "c", "e"))
    assert metadata_of(tmp_path / "x") == {"of": "odd"}


def test_a_folder_in_use_or_without_room_is_left_alone(
    publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = publish(SEPARATOR)
    with claimed(shared_folder("levo")), pytest.raises(SongdeskError, match="another songdesk"):
        convert(path)
    monkeypatch.setattr("core.levo.convert_files._SPARE", 1 << 60)
    with pytest.raises(SongdeskError, match="GB are needed"):
        convert(path)
    assert not list(shared_folder("levo").iterdir())


def test_a_file_of_one_tensor_larger_than_a_piece_arrives_whole(
    publish: Publish, audio: States, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.levo.stored._PIECE", 100)
    monkeypatch.setattr("core.levo.convert_audio._PIECE", 77)
    flow = load_file(convert(publish(STEMS)).files[1])
    weight = audio[STEMS]["cfm_wrapper.estimator.adaln_single.linear.weight"]
    assert torch.equal(flow["transformer.time.rows.weight"], weight)


def test_the_separator_is_taken_from_safetensors_too_but_not_over_itself(
    publish: Publish, audio: States, tmp_path: Path
) -> None:
    made = load_file(convert(publish(SEPARATOR)).file)
    path = tmp_path / "separator.safetensors"
    save_file(audio[SEPARATOR], path)
    report = convert(path, tmp_path / "out")
    assert all(torch.equal(made[key], value) for key, value in load_file(report.file).items())
    before = path.read_bytes()
    with pytest.raises(SongdeskError, match="over itself"):
        convert(path, tmp_path)
    assert path.read_bytes() == before


def test_our_own_file_is_said_to_be_converted_already(publish: Publish, tmp_path: Path) -> None:
    flow = convert(publish(STEMS)).files[1]
    report = convert(flow, tmp_path / "elsewhere")
    assert (report.made, report.files, report.roles) == (False, (flow,), ("flow",))
    assert not (tmp_path / "elsewhere").exists()


def test_models_with_the_same_sound_share_its_files(publish: Publish, tmp_path: Path) -> None:
    """A model that reads less far into the encoder is served by the file of one that reads further."""
    models = tmp_path / "config" / "songdesk" / "models.yaml"
    tiny = json.loads(models.read_text())["tiny"]
    shapes = tiny["shapes"]
    near = {**tiny, "shapes": {**shapes, "encoder": {**shapes["encoder"], "vocal_tap": 2}}}
    models.write_text(json.dumps({"near": near, "tiny": tiny, "twin": tiny}))
    variants.cache_clear()
    report = convert(publish(STEMS))
    assert set(report.models) == {"tiny", "twin", "near"}
    assert report.file.parent == tmp_path / "ckpt" / "levo"
    assert any(key.startswith("encoder.blocks.2.") for key in load_file(report.file))


BAD: dict[str, tuple[str, Callable[[dict[str, Tensor]], object], str]] = {
    "missing": (
        MIX,
        lambda s: [s.pop(name) for name in list(s) if ".layers.1.self_attn.linear_" in name],
        r"8 tensors are missing: bestrq\.model\..+ and 5 more",
    ),
    "no flow": (
        STEMS,
        lambda s: [s.pop(name) for name in list(s) if name.startswith("cfm_wrapper.")],
        r"tensors are missing: cfm_wrapper\.",
    ),
    "shape": (
        STEMS,
        lambda s: s.update({"mask_emb.weight": torch.ones(3, 5)}),
        "1 tensors have another shape than in tiny: mask_emb.weight is 3×5 where 3×4 belongs",
    ),
    "gain": (
        VAE,
        lambda s: s.update({"decoder.layers.0.weight_g": torch.ones(4)}),
        "decoder.layers.0.weight_g is 4 where 16×1×1 belongs",
    ),
    "whole numbers": (
        SEPARATOR,
        lambda s: s.update({"encoder.0.conv.bias": torch.ones(8, dtype=torch.int8)}),
        "hold no 16- or 32-bit floats: encoder.0.conv.bias",
    ),
    "no numbers": (
        STEMS,
        lambda s: s["bestrq.model.conv.linear.weight"].fill_(torch.inf),
        "bestrq.model.conv.linear.weight has values that are no numbers",
    ),
    "no direction": (
        VAE,
        lambda s: s["encoder.layers.0.weight_v"].zero_(),
        "encoder.layers.0.weight, made of encoder.layers.0.weight_v, has values that are no numbers",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_checkpoint_that_does_not_fit_is_refused_by_name(
    case: str, publish: Publish, audio: States, tmp_path: Path
) -> None:
    file, spoil, what = BAD[case]
    spoil(audio[file])
    path = publish(file)
    with pytest.raises(SongdeskError, match=what) as told:
        convert(path)
    assert (told.value.where, bool(told.value.hint)) == (str(path), True)
    assert "\n" not in str(told.value)
    role = {MIX: "mix_encoder", STEMS: "stem_encoder", VAE: "vae", SEPARATOR: "separator"}[file]
    assert not (tmp_path / "ckpt" / "levo" / f"{role}.safetensors").exists()


class Trainer:
    """What a trainer may put beside the weights."""


def test_a_checkpoint_with_code_beside_its_weights_is_refused(
    audio: States, tiny: object, tmp_path: Path
) -> None:
    path = tmp_path / VAE
    torch.save({"state_dict": audio[VAE], "callbacks": Trainer()}, path)
    with pytest.raises(SongdeskError, match="holds code"):
        convert(path)
