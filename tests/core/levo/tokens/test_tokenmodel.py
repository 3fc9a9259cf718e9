from dataclasses import replace

import pytest
import torch
from torch import Tensor

from core.kernels.reference import causal_attention
from core.levo.artifacts import Conditions
from core.levo.shapes import TokenShapes
from core.levo.tokens.blocks import Decoder, Rope
from core.levo.tokens.cache import PlainCache
from core.levo.tokens.decoding import Decoding
from core.levo.tokens.model import TokenModel
from core.levo.tokens.prefix import PromptTable, prompt_slots
from core.levo.weights import hollow

SHAPES = TokenShapes(
    width=32, ffn=48, heads=2, main_layers=2, sub_layers=1, main_rope_base=1e4, sub_rope_base=5e5, codes=50,
    lyric_rows=40, style_rows=30, lyric_length=7, prompt_length=6, style_length=3, delays=(0, 4, 4),
)  # fmt: skip
CPU = torch.device("cpu")


class NoCache:
    """Attention over the positions of one call, nothing kept."""

    length = 0

    def attend(self, layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return causal_attention(q, k, v)

    def advance(self, count: int) -> None:
        """Nothing is kept, so nothing is counted."""


def plain(positions: int, dtype: torch.dtype = torch.float32, rows: int = 2) -> PlainCache:
    return PlainCache(layers=2, rows=rows, heads=2, positions=positions, dim=16, dtype=dtype, device=CPU)


@pytest.fixture(scope="module")
def model() -> TokenModel:
    torch.manual_seed(1)
    return TokenModel(SHAPES).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def decoder() -> Decoder:
    torch.manual_seed(2)
    return Decoder(layers=2, width=32, ffn=48, heads=2).eval().requires_grad_(False)


def conditions(prompt: Tensor | None = None) -> Conditions:
    draw = torch.Generator().manual_seed(3)
    return Conditions(
        lyric_ids=torch.randint(0, 40, (2, 7), generator=draw),
        structure=torch.randint(0, 14, (2, 7), generator=draw),
        style_ids=torch.randint(0, 30, (2, 3), generator=draw),
        prompt_codes=torch.empty(3, 0, dtype=torch.int64) if prompt is None else prompt,
        prompt_latents=torch.empty(0, 64),
    )


def columns(count: int) -> Tensor:
    return torch.randint(0, 52, (3, count), generator=torch.Generator().manual_seed(4))


def test_decoding_step_by_step_equals_one_pass_without_a_cache(decoder: Decoder) -> None:
    x, rope = torch.randn(2, 9, 32), Rope.of(9, 16, 1e4, device=CPU)
    whole = decoder(x, rope, NoCache())
    cache = plain(9)
    steps = [decoder(x[:, :4], rope, cache), *(decoder(x[:, t : t + 1], rope, cache) for t in range(4, 9))]
    torch.testing.assert_close(torch.cat(steps, dim=1), whole, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("chunk", [1, 3, 5])
def test_a_prefill_in_chunks_equals_a_whole_one(decoder: Decoder, chunk: int) -> None:
    x, rope = torch.randn(2, 9, 32), Rope.of(9, 16, 1e4, device=CPU)
    whole, cache = decoder(x, rope, plain(9)), plain(9)
    parts = [decoder(x[:, t : t + chunk], rope, cache) for t in range(0, 9, chunk)]
    torch.testing.assert_close(torch.cat(parts, dim=1), whole, atol=1e-5, rtol=1e-5)


def test_no_position_hears_a_later_one(decoder: Decoder) -> None:
    x = torch.randn(1, 6, 32, requires_grad=True)
    states = decoder(x, Rope.of(6, 16, 1e4, device=CPU), NoCache())
    for position in range(6):
        (gradient,) = torch.autograd.grad(states[0, position].square().sum(), x, retain_graph=True)
        heard = gradient[0].abs().sum(-1)
        assert bool((heard[: position + 1] > 0).all())
        assert bool((heard[position + 1 :] == 0).all())


def test_a_half_precision_cache_stays_close_and_takes_half_the_room(decoder: Decoder) -> None:
    x, rope = torch.randn(2, 9, 32), Rope.of(9, 16, 1e4, device=CPU)
    full, half = plain(9), plain(9, torch.float16)
    torch.testing.assert_close(decoder(x, rope, half), decoder(x, rope, full), atol=5e-3, rtol=0)
    assert half.store.nbytes * 2 == full.store.nbytes


def test_the_cache_is_allocated_once_and_holds_no_more_than_planned(decoder: Decoder) -> None:
    cache, rope = plain(3), Rope.of(9, 16, 1e4, device=CPU)
    place = cache.store.data_ptr()
    for _ in range(3):
        decoder(torch.randn(2, 1, 32), rope, cache)
    assert (cache.length, cache.store.data_ptr()) == (3, place)
    with pytest.raises(AssertionError, match="planned"):
        decoder(torch.randn(2, 1, 32), rope, cache)


def test_prefill_then_steps_equals_everything_at_once(model: TokenModel) -> None:
    cells = columns(6)
    whole, steps = (Decoding(model, rows=2, columns=6, cache="fp32") for _ in range(2))
    whole.prefill(model.prefix(conditions(), 2), cells)
    steps.prefill(model.prefix(conditions(), 2), cells[:, :2], chunk=5)
    for t in range(2, 6):
        steps.feed(cells[:, t : t + 1])
    torch.testing.assert_close(steps.logits((0, 1, 2)), whole.logits((0, 1, 2)), atol=1e-5, rtol=1e-5)


def test_one_row_computes_what_two_rows_compute_for_it(model: TokenModel) -> None:
    logits = []
    for rows in (1, 2):
        song = Decoding(model, rows=rows, columns=3, cache="fp32")
        song.prefill(model.prefix(conditions(), rows), columns(3))
        logits.append(song.logits((0, 1, 2)))
    assert len(logits[0]) == 1
    torch.testing.assert_close(logits[0][0], logits[1][0], atol=1e-5, rtol=1e-5)
    assert not torch.allclose(logits[1][0], logits[1][1], atol=1e-3), "the rows have different conditions"


def test_only_the_codebooks_asked_for_are_computed(model: TokenModel) -> None:
    song = Decoding(model, rows=2, columns=2, cache="fp32")
    song.prefill(model.prefix(conditions(), 2), columns(2))
    every = song.logits((0, 1, 2))
    assert every.shape == (2, 3, 51)
    torch.testing.assert_close(song.logits((1, 2)), every[:, 1:])


def test_the_first_codebook_hears_nothing_of_the_others(model: TokenModel) -> None:
    cells = columns(4)
    other = cells.clone()
    other[1:] = (other[1:] + 1) % 52
    heard = []
    for given in (cells, other):
        song = Decoding(model, rows=1, columns=4, cache="fp32")
        song.prefill(model.prefix(conditions(), 1), given)
        heard.append(song.logits((0, 1, 2)))
    torch.testing.assert_close(heard[0][:, 0], heard[1][:, 0])
    assert not torch.allclose(heard[0][:, 1], heard[1][:, 1])


def test_the_bridge_reads_the_embeddings_first_and_mains_states_second() -> None:
    torch.manual_seed(5)
    deaf = TokenModel(SHAPES).eval().requires_grad_(False)
    bridge = deaf.mlp[0]
    assert isinstance(bridge, torch.nn.Linear)
    bridge.weight[:, SHAPES.width :] = 0
    cells = columns(4)
    other = torch.cat(((cells[:1] + 1) % 52, cells[1:]))
    heard = []
    for given in (cells, other):
        song = Decoding(deaf, rows=1, columns=4, cache="fp32")
        song.prefill(deaf.prefix(conditions(), 1), given)
        heard.append(song.logits((0, 1, 2)))
    assert not torch.allclose(heard[0][:, 0], heard[1][:, 0])
    torch.testing.assert_close(heard[0][:, 1:], heard[1][:, 1:])


def test_each_stack_turns_by_its_own_rope_base(model: TokenModel) -> None:
    other = TokenModel(replace(SHAPES, sub_rope_base=10.0)).eval().requires_grad_(False)
    other.load_state_dict(model.state_dict())
    heard = []
    for one in (model, other):
        song = Decoding(one, rows=1, columns=4, cache="fp32")
        song.prefill(one.prefix(conditions(), 1), columns(4))
        heard.append(song.logits((0, 1, 2)))
    torch.testing.assert_close(heard[0][:, 0], heard[1][:, 0])
    assert not torch.allclose(heard[0][:, 1], heard[1][:, 1], atol=1e-4)


def test_the_prefix_is_lyrics_then_prompt_then_style(model: TokenModel) -> None:
    tables = model.condition_provider.conditioners
    given = conditions(torch.tensor([[1, 2], [3, 4], [5, 6]]))
    main, sub = model.prefix(given, 2)
    assert main.shape == sub.shape == (2, SHAPES.prefix, 32)
    lyrics = tables["description"](given.lyric_ids, given.structure)
    for stream in (main, sub):
        torch.testing.assert_close(stream[:, :7], lyrics)
        torch.testing.assert_close(stream[:, -3:], tables["type_info"](given.style_ids))
    prompt = tables["prompt_audio"]
    assert isinstance(prompt, PromptTable)
    torch.testing.assert_close(main[:, 7], prompt.EOT_emb.expand(2, -1))
    torch.testing.assert_close(main[0, 8:11], prompt.emb[0](torch.tensor([50, 1, 2])))
    torch.testing.assert_close(
        sub[0, 9:11], prompt.emb[1](torch.tensor([3, 4])) + prompt.emb[2](torch.tensor([5, 6]))
    )
    torch.testing.assert_close(main[1, 8:13], prompt.emb[0](torch.full((5,), 51)))


def test_an_absent_prompt_is_special_from_its_first_slot() -> None:
    slots = prompt_slots(torch.empty(3, 0, dtype=torch.int64), SHAPES)
    assert slots.shape == (2, 3, 5)
    assert set(slots.flatten().tolist()) == {SHAPES.special}


def test_a_codebook_that_begins_special_is_absent_whole_and_a_long_prompt_is_cut() -> None:
    codes = torch.tensor([[1, 2, 3, 4, 5, 6], [51, 2, 3, 4, 5, 6], [7, 51, 3, 4, 5, 6]])
    slots = prompt_slots(codes, SHAPES)
    assert slots[0].tolist() == [[50, 1, 2, 3, 4], [51] * 5, [50, 7, 51, 3, 4]]
    assert slots[1].tolist() == [[51] * 5] * 3


def test_the_model_is_built_without_memory_and_takes_its_weights_by_name(model: TokenModel) -> None:
    with hollow():
        empty = TokenModel(SHAPES)
    assert all(tensor.is_meta for tensor in empty.state_dict().values())
    empty.load_state_dict(model.state_dict(), assign=True)
    song = Decoding(empty.eval().requires_grad_(False), rows=1, columns=1, cache="fp32")
    song.prefill(empty.prefix(conditions(), 1), columns(1))
    assert song.logits((0,)).isfinite().all()


def test_tensors_have_the_names_of_the_fused_checkpoint(model: TokenModel) -> None:
    names = set(model.state_dict())
    assert {
        "condition_provider.conditioners.description.output_proj.weight",
        "condition_provider.conditioners.description.structure_emb.weight",
        "condition_provider.conditioners.type_info.output_proj.weight",
        "condition_provider.conditioners.prompt_audio.EOT_emb",
        "condition_provider.conditioners.prompt_audio.layer2_EOT_emb",
        "condition_provider.conditioners.prompt_audio.emb.2.weight",
        "emb.0.weight",
        "layer2_emb.1.weight",
        "layer2_emb.2.weight",
        "transformer.model.layers.1.self_attn.fused_qkv_proj.weight",
        "transformer.model.layers.1.self_attn.o_proj.weight",
        "transformer.model.layers.1.mlp.fused_gate_up_proj.weight",
        "transformer.model.layers.1.mlp.down_proj.weight",
        "transformer.model.layers.1.input_layernorm.weight",
        "transformer.model.layers.1.post_attention_layernorm.weight",
        "transformer.model.norm.weight",
        "transformer.lm_head.weight",
        "transformer2.model.layers.0.self_attn.fused_qkv_proj.weight",
        "transformer2.model.norm.weight",
        "mlp.0.bias",
        "mlp.2.weight",
        "linears.1.weight",
    } <= names
    assert not names & {"layer2_emb.0.weight", "transformer2.lm_head.weight", "out_norm.weight"}


def test_a_pause_between_chunks_can_give_up(model: TokenModel) -> None:
    def give_up() -> None:
        raise InterruptedError

    song = Decoding(model, rows=1, columns=1, cache="fp32")
    with pytest.raises(InterruptedError):
        song.prefill(model.prefix(conditions(), 1), columns(1), pause=give_up)


@pytest.mark.parametrize("kind", ["fp32", "int8", "mulaw8"])
def test_a_prefix_is_taken_in_alike_whether_the_columns_behind_it_are_known(
    model: TokenModel, kind: str
) -> None:
    """So a song that is gone on with has the cache of one that was not broken off, to the bit."""
    caches = []
    for known in (1, 4):
        song = Decoding(model, rows=2, columns=6, cache=kind)
        song.prefill(model.prefix(conditions(), 2), columns(6)[:, :known])
        caches.append([each.cache for each in song.transformers])
    for one, other in zip(*caches, strict=True):
        held = [getattr(cache, "codes", cache.store) for cache in (one, other)]
        assert torch.equal(*(x.narrow(-2, 0, SHAPES.prefix + 1) for x in held))
