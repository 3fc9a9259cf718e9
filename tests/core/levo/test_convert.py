"""Checkpoints of every form become the same weights, and other files become nothing."""

import json
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from core.errors import SongdeskError
from core.levo.convert import convert
from core.levo.convert_tokens import plan_tokens
from core.levo.plan_tokens import main_parameters, sub_parameters
from core.levo.published import UNUSED, fit, fuse
from core.levo.shapes import TokenShapes, shapes_of
from core.levo.stored import open_checkpoint
from core.levo.tokens.blocks import Rope
from core.levo.tokens.cache import KVCache, make_cache
from core.levo.tokens.model import TokenModel
from core.levo.weights import hollow, load_module
from core.registry import variant, variants
from core.takes.claim import claimed
from tests.core.levo.conversion import written_and_taken

CPU = torch.device("cpu")


def layer_keys(stack: str, layers: int, width: int, ffn: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    for index in range(layers):
        at = f"audiolm.{stack}.model.layers.{index}"
        yield from ((f"{at}.self_attn.{part}_proj.weight", (width, width)) for part in "qkvo")
        yield from ((f"{at}.mlp.{part}_proj.weight", (ffn, width)) for part in ("gate", "up"))
        yield f"{at}.mlp.down_proj.weight", (width, ffn)
        yield from ((f"{at}.{norm}_layernorm.weight", (width,)) for norm in ("input", "post_attention"))


def published_keys(
    width: int, ffn: int, main: int, sub: int, *, style_rows: int = 151_652
) -> dict[str, tuple[int, ...]]:
    """Every name and shape of the published file, written out from the table of the specification."""
    table, head, norm = (16_386, width), (16_385, width), (width,)
    conditioners = "audiolm.condition_provider.conditioners"
    keys: dict[str, tuple[int, ...]] = {
        f"{conditioners}.description.output_proj.weight": (151_659, width),
        f"{conditioners}.description.structure_emb.weight": (200, width),
        f"{conditioners}.type_info.output_proj.weight": (style_rows, width),
        f"{conditioners}.prompt_audio.EOT_emb": (1, width),
        f"{conditioners}.prompt_audio.layer2_EOT_emb": (1, width),
        **{f"{conditioners}.prompt_audio.emb.{book}.weight": table for book in range(3)},
        **{f"audiolm.layer2_emb.{book}.weight": table for book in range(3)},
        **{f"audiolm.linears.{book}.weight": head for book in range(2)},
        "audiolm.emb.0.weight": table,
        "audiolm.mlp.0.weight": (width, 2 * width), "audiolm.mlp.0.bias": norm,
        "audiolm.mlp.2.weight": (width, width), "audiolm.mlp.2.bias": norm,
        "audiolm.out_norm.weight": norm, "audiolm.out_norm.bias": norm,
    }  # fmt: skip
    for stack, layers in (("transformer", main), ("transformer2", sub)):
        keys |= dict(layer_keys(stack, layers, width, ffn))
        keys[f"audiolm.{stack}.model.norm.weight"] = norm
        keys[f"audiolm.{stack}.model.embed_tokens.weight"] = head
        keys[f"audiolm.{stack}.lm_head.weight"] = head
    return keys


def sparse(path: Path, keys: Mapping[str, tuple[int, ...]], *, dtype: str = "F32", itemsize: int = 4) -> Path:
    """A safetensors file of zeros that takes no room on the disk."""
    index, end = {}, 0
    for name, shape in keys.items():
        start, end = end, end + torch.Size(shape).numel() * itemsize
        index[name] = {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}
    text = json.dumps(index).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + end)
    return path


def states(path: Path, shapes: TokenShapes) -> tuple[Tensor, Tensor]:
    """Logits of codebooks 0 and 1 after a few columns, from the weights of a file."""
    model = load_module(lambda: TokenModel(shapes), path, CPU, dtype=torch.float32)
    dim = shapes.width // shapes.heads
    rope = Rope.of(5, dim, shapes.main_rope_base, device=CPU)

    def memory(layers: int) -> KVCache:
        return make_cache("fp32", layers=layers, rows=1, heads=shapes.heads, positions=5, dim=dim, device=CPU)

    codes = torch.arange(5)
    with torch.inference_mode():
        main = model.main(model.emb[0](codes)[None], rope, memory(shapes.main_layers))
        x = (model.layer2_emb["1"](codes) + model.layer2_emb["2"](codes))[None]
        below = model.sub(x, main, rope, memory(shapes.sub_layers))
        head = model.transformer.lm_head
        assert head is not None
        return head(main), model.linears[0](below)


@pytest.fixture
def expected(published: dict[str, Tensor], tiny: TokenShapes, tmp_path: Path) -> tuple[Tensor, Tensor]:
    """What the published weights compute once they are 16 bits wide."""
    path = tmp_path / "expected.safetensors"
    save_file({key: value.half().contiguous() for key, value in fuse(published).items()}, path)
    return states(path, tiny)


def test_the_published_file_becomes_weights_that_compute_the_same(
    model_pt: Path, tiny: TokenShapes, expected: tuple[Tensor, Tensor], tmp_path: Path
) -> None:
    report = convert(model_pt)
    assert (report.made, report.variant, report.version) == (True, "tiny", "v2")
    assert report.file == tmp_path / "ckpt" / "tiny" / "tokens.safetensors"
    for ours, theirs in zip(states(report.file, tiny), expected, strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("form", ["fused.pt", "fused.safetensors"])
def test_the_fused_file_becomes_the_same_weights_and_its_unused_tensors_go(
    form: str, published: dict[str, Tensor], model_pt: Path, tmp_path: Path
) -> None:
    bare = {key.removeprefix("audiolm."): value.half() for key, value in published.items()}
    extra = {key: bare[key] for key in ("layer2_emb.0.weight", "transformer2.lm_head.weight")}
    state = {key: value.half() for key, value in fuse(published).items()} | extra
    path = tmp_path / form
    (torch.save if form.endswith(".pt") else save_file)(state, path)
    report = convert(path, tmp_path / "fused")
    assert (report.dropped.tensors, report.cast, report.unknown) == (2, {}, ())
    ours, theirs = load_file(report.file), load_file(convert(model_pt).file)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_our_own_file_is_said_to_be_converted_already(model_pt: Path, tmp_path: Path) -> None:
    made = convert(model_pt).file
    report = convert(made, tmp_path / "elsewhere")
    assert (report.made, report.file, report.variant) == (False, made, "tiny")
    assert not (tmp_path / "elsewhere").exists()


def test_the_report_accounts_for_every_tensor_and_byte(
    published: dict[str, Tensor], tiny: TokenShapes, tmp_path: Path
) -> None:
    path = tmp_path / "model.pt"
    torch.save({**published, "audiolm.mystery": torch.ones(3), "vae.weight": torch.ones(4), "epoch": 7}, path)
    report = convert(path)
    total = sum(value.nbytes for value in published.values())
    assert report.kept.tensors + report.dropped.tensors == len(published)
    assert report.kept.bytes + report.dropped.bytes == total
    assert sum(each.tensors for each in report.cast.values()) == report.kept.tensors
    assert report.cast.keys() == {"bf16", "fp32"}
    assert report.dropped.tensors == len(UNUSED)
    assert set(report.unknown) == {"audiolm.mystery", "vae.weight"}
    assert report.parameters == report.written.bytes // 2
    assert report.written.tensors == len(load_file(report.file))


def test_values_beyond_fp16_are_counted_and_stay_finite(published: dict[str, Tensor], tmp_path: Path) -> None:
    wild = published["audiolm.emb.0.weight"]
    wild[0, :3], wild[1, :2] = torch.tensor([1e5, -1e6, 65504.0]), torch.tensor([1e-9, -1e-30])
    torch.save(published, tmp_path / "model.pt")
    report = convert(tmp_path / "model.pt")
    assert (report.clamped, report.flushed) == (2, 2)
    row = load_file(report.file)["emb.0.weight"]
    assert row[0, :3].tolist() == [65504.0, -65504.0, 65504.0]
    assert row[1, :2].tolist() == [0.0, 0.0]


def test_a_tensor_larger_than_a_piece_arrives_whole(
    model_pt: Path, published: dict[str, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.levo.stored._PIECE", 100)
    made = load_file(convert(model_pt).file)
    assert torch.equal(made["emb.0.weight"], published["audiolm.emb.0.weight"].half())


def test_tied_and_offset_tensors_are_read_from_where_they_lie(
    published: dict[str, Tensor], tmp_path: Path
) -> None:
    both = torch.randn(2, *published["audiolm.linears.0.weight"].shape)
    published |= {"audiolm.linears.0.weight": both[0], "audiolm.linears.1.weight": both[1]}
    torch.save(published, tmp_path / "model.pt")
    made = load_file(convert(tmp_path / "model.pt").file)
    assert torch.equal(made["linears.1.weight"], both[1].half())


def test_the_same_checkpoint_is_not_converted_twice_and_another_is(
    model_pt: Path, published: dict[str, Tensor]
) -> None:
    first = convert(model_pt).file
    before = first.stat().st_mtime_ns
    again = convert(model_pt, step=lambda done, total: pytest.fail("it was written again"))
    assert (again.made, first.stat().st_mtime_ns) == (False, before)
    published["audiolm.linears.1.weight"] += 1
    torch.save(published, model_pt)
    assert convert(model_pt).made
    assert torch.equal(load_file(first)["linears.1.weight"], published["audiolm.linears.1.weight"].half())


def test_a_partial_file_is_never_taken_for_the_result(model_pt: Path) -> None:
    made = convert(model_pt).file
    whole = made.read_bytes()
    made.write_bytes(whole[: len(whole) // 2])
    left = made.with_name(".tokens.0123456789ab.safetenso")
    left.write_bytes(whole[:100])
    assert convert(model_pt).made
    assert made.read_bytes() == whole
    assert list(made.parent.iterdir()) == [made]


@pytest.mark.parametrize("reason", [KeyboardInterrupt, SongdeskError("enough")])
def test_giving_up_halfway_leaves_nothing(model_pt: Path, tmp_path: Path, reason: BaseException) -> None:
    def step(done: int, total: int) -> None:
        if done > total / 2:
            raise reason

    with pytest.raises((KeyboardInterrupt, SongdeskError)):
        convert(model_pt, step=step)
    assert [path for path in (tmp_path / "ckpt").rglob("*") if path.is_file()] == []


def test_a_file_that_shrinks_meanwhile_gives_no_weights(model_pt: Path, tmp_path: Path) -> None:
    def step(done: int, total: int) -> None:
        with model_pt.open("rb+") as file:
            file.truncate(1000)

    with pytest.raises(SongdeskError, match="the file ends within"):
        convert(model_pt, step=step)
    assert not list((tmp_path / "ckpt").rglob("*.safetensors"))


def test_a_folder_someone_else_writes_is_left_alone(model_pt: Path, tmp_path: Path) -> None:
    with claimed(tmp_path / "ckpt" / "tiny"), pytest.raises(SongdeskError, match="another songdesk"):
        convert(model_pt)


def test_a_disk_without_room_is_refused_first(model_pt: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.levo.convert_files._SPARE", 1 << 60)
    with pytest.raises(SongdeskError, match="GB are needed"):
        convert(model_pt)
    monkeypatch.setattr("core.levo.convert_files._SPARE", 20 << 20)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=7_000_000))
    with pytest.raises(SongdeskError, match=r"^[^:]*: 2[1-9] MB are needed and 7 MB are free"):
        convert(model_pt)


def test_a_checkpoint_is_not_written_over_itself(published: dict[str, Tensor], tmp_path: Path) -> None:
    path = tmp_path / "tokens.safetensors"
    save_file({key: value.contiguous() for key, value in fuse(published).items()}, path)
    before = path.read_bytes()
    with pytest.raises(SongdeskError, match="over itself"):
        convert(path, tmp_path)
    assert path.read_bytes() == before


SIZES: dict[str, tuple[tuple[int, int, int, int], int, int]] = {
    "v2-large": ((2048, 11_008, 36, 12), 151_652, 5_122_332_672),
    "v2-medium": ((1536, 8960, 28, 12), 151_652, 2_829_586_944),
    "v1-large": ((2048, 11_008, 36, 12), 151_646, 5_122_320_384),
    "v1-base": ((1536, 8960, 28, 12), 151_646, 2_829_577_728),
}


@pytest.mark.parametrize("name", SIZES)
def test_every_published_key_is_used_or_knowingly_dropped(name: str, tmp_path: Path) -> None:
    size, style_rows, parameters = SIZES[name]
    keys = published_keys(*size, style_rows=style_rows)
    assert sum(torch.Size(shape).numel() for shape in keys.values()) == parameters
    plan = plan_tokens(open_checkpoint(sparse(tmp_path / "x.bin", keys)), tmp_path)
    assert (plan.fit.variant, plan.fit.version) == (name, name[:2])
    assert {*plan.kept, *plan.dropped} == keys.keys()
    assert len(plan.kept) + len(plan.dropped) == len(keys)
    assert plan.unknown == ()
    unused = sum(torch.Size(keys[key]).numel() for key in plan.dropped)
    assert plan.parameters == parameters - unused
    if name in ("v2-large", "v2-medium"):
        shapes = shapes_of(variant(name).shapes).tokens
        text = sum(
            torch.Size(shape).numel()
            for key, shape in plan.fit.shapes.items()
            if key.startswith("condition_provider.")
        )
        assert plan.parameters - text == main_parameters(shapes) + sub_parameters(shapes)
    if name.endswith("large"):
        assert (len(keys), unused) == (458, 134_232_064)


def test_fusing_joins_rows_in_order_and_needs_every_part(published: dict[str, Tensor]) -> None:
    at = "transformer.model.layers.1.self_attn"
    fused = fuse(published)
    parts = [published[f"audiolm.{at}.{part}_proj.weight"] for part in "qkv"]
    assert torch.equal(fused[f"{at}.fused_qkv_proj.weight"], torch.cat(parts))
    assert not UNUSED & fused.keys()
    del published[f"audiolm.{at}.k_proj.weight"]
    with pytest.raises(SongdeskError, match="k_proj"):
        fuse(published)


def test_a_model_of_another_size_is_refused_by_what_does_not_fit(tiny: TokenShapes) -> None:
    keys = {name.removeprefix("audiolm."): shape for name, shape in published_keys(1024, 4096, 24, 6).items()}
    with pytest.raises(SongdeskError, match=r"main layers 24 where \d+ belongs") as told:
        fit(keys, "x.pt")
    assert "width 1024" in str(told.value)


def test_weights_of_two_listed_models_alike_need_a_folder(
    model_pt: Path, tmp_path: Path, tiny: TokenShapes
) -> None:
    models = tmp_path / "config" / "songdesk" / "models.yaml"
    listed = json.loads(models.read_text())
    models.write_text(json.dumps(listed | {"twin": listed["tiny"]}))
    variants.cache_clear()
    with pytest.raises(SongdeskError, match="alike"):
        convert(model_pt)
    assert convert(model_pt, tmp_path / "here").file.parent == tmp_path / "here"


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's account of memory")
def test_converting_takes_a_few_pieces_of_memory_however_large_the_file(tmp_path: Path) -> None:
    """A 0.3 GB checkpoint, most of it one table, within 200 MB over what importing takes."""
    entry = {**variant("v2-medium").shapes["tokens"], "width": 512, "ffn": 512, "heads": 4}
    entry |= {"main_layers": 1, "sub_layers": 1, "style_rows": 40, "codes": 100}
    home = tmp_path / "songdesk"
    home.mkdir()
    about = {"family": "levo", "title": "Wide", "note": "", "version": "v2"}
    limits = {"seconds": 1, "lyric_tokens": 1, "style_tokens": 1}
    shapes = {**variant("v2-medium").shapes, "tokens": entry}
    wide = {**about, "limits": limits, "shapes": shapes}
    (home / "models.yaml").write_text(json.dumps({"wide": wide}))
    with hollow():
        model = TokenModel(shapes_of(shapes).tokens)
    path = sparse(tmp_path / "x", {key: tuple(like.shape) for key, like in model.state_dict().items()})
    assert path.stat().st_size > 300e6
    written, more = written_and_taken(path, tmp_path / "out", config=tmp_path)
    assert written > 150e6
    assert more < 200e6
