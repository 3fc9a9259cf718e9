"""Training the token model: rows as the product feeds them, exact attention, and that it learns."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from core.errors import SongdeskError
from core.levo.conditions.prompt import no_prompt
from core.levo.conditions.text import text_conditions
from core.levo.shapes import TokenShapes, shapes_of
from core.levo.text import Tokenizers, demo_tokenizers, style_text
from core.levo.tokens.decoding import Decoding
from core.levo.tokens.model import TokenModel
from core.paths import conf_file
from core.registry import variant
from corpus.song import compose
from train.attention import helped, tables
from train.codes import codes_of
from train.composed import summed, take
from train.drawing import Draw, Example, _row, example
from train.heads import Learner
from train.loop import Plan
from train.muon import Muon, orthogonal
from train.rows import batched, laid_out
from train.symbols import MIX
from train.tokens import Settings, _left, begun, drawn, loss

WORDS: Tokenizers = demo_tokenizers(conf_file("demo-tokenizer.json"), "v2")
SHAPES: TokenShapes = replace(
    shapes_of(variant("demo").shapes).tokens, width=32, ffn=48, heads=2, main_layers=3, sub_layers=1
)
SETTINGS = Settings(Plan(steps=10, rate=1e-3), batch=2, shortest=5.0, longest=(6.0, 6.0), guided=(1, 2))


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def row() -> Example:
    song = compose(5, seconds=6.0)
    return _row(SHAPES, WORDS, codes_of(song), song)


def small() -> TokenModel:
    return begun(SHAPES, 3).model


def test_what_is_learned_is_what_the_product_computes(row: Example) -> None:
    model, columns = small().eval(), 40
    batch = batched([row], SHAPES, laid_out([row], SHAPES, stride=1))
    learner = Learner(SHAPES)
    learner.model = model
    states: list[torch.Tensor] = []
    model.transformer.model.register_forward_hook(lambda *told: states.append(told[2]))
    with torch.no_grad():
        loss(learner, batch, SETTINGS, guide=0.1)
    song = compose(5, seconds=6.0)
    conditions = text_conditions(
        song.lyrics, style_text(song.description, version="v2"), no_prompt(1), SHAPES, WORDS
    )
    with torch.inference_mode():
        decoding = Decoding(model, rows=1, columns=columns, cache="fp32")
        decoding.prefill(model.prefix(conditions, 1), batch.columns[0, :, :columns])
        told = decoding.logits((0,))[0, 0]
        ours = model.head(0, states[0][:, SHAPES.prefix + columns - 1])[0]
    assert torch.allclose(told, ours, atol=1e-4)


def test_few_positions_of_padding_stand_for_all(row: Example) -> None:
    learner, thin = begun(SHAPES, 3), laid_out([row], SHAPES, stride=8)
    layouts = (laid_out([row], SHAPES, stride=1), thin, replace(thin, weights=torch.ones_like(thin.weights)))
    with torch.no_grad():
        for name, weight in learner.named_parameters():
            if "qkv" in name:
                weight.mul_(3)
        costs = [loss(learner, batched([row], SHAPES, one), SETTINGS, guide=0.0)[1] for one in layouts]
    whole, thinned, ignored = (float(cost["book_1"]) for cost in costs)
    assert abs(thinned - whole) < 0.3 * abs(ignored - whole)


def test_the_end_of_a_song_is_asked_for_once_and_fed(row: Example) -> None:
    batch = batched([row], SHAPES, laid_out([row], SHAPES, stride=8))
    frames = row.codes.shape[1]
    assert batch.columns.shape == (1, 3, frames + 2)
    assert batch.targets[0, 0].tolist()[-2:] == [SHAPES.eos, -1]
    assert batch.columns[0, 0, -1] == SHAPES.eos
    assert batch.columns[0, :, 0].tolist() == [SHAPES.special] * 3
    assert (batch.targets[0] >= 0).sum(dim=1).tolist() == [frames + 1, frames, frames]
    assert batch.targets[0, 1, 2] == row.codes[1, 0]


def test_the_aims_are_told_by_what_is_aimed_at(row: Example) -> None:
    told = [at for at, code in enumerate(row.codes[0]) if MIX[code][0] in ("section", "sound")]
    for before, frame in zip([-1, *told], told, strict=False):
        near = row.spans[max(before + 1, frame - 5) : frame + 1]
        assert len({tuple(span) for span in near.tolist()}) == 1
        assert near.min() > 0
    assert (row.spans[told[-1] + 1 :] == -1).all()
    tag = WORDS.encode_lyrics("[chorus]").ids[1]
    sections = [at for at in told if MIX[row.codes[0, at]][0] == "section"]
    assert all(row.lyric.ids[row.spans[at, 0]] >= tag - 1 for at in sections)


def test_a_bare_row_is_what_guidance_contrasts_with() -> None:
    bare = example(rng(), SHAPES, WORDS, Draw(bare=1.0), seconds=6.0, prompted=True)
    conditions = text_conditions("x", style_text("pop", version="v2"), no_prompt(1), SHAPES, WORDS)
    assert list(bare.lyric.ids) == conditions.lyric_ids[1].tolist()
    assert list(bare.style.ids) == conditions.style_ids[1].tolist()
    assert bare.prompt.size == 0


def test_a_plain_row_leaves_to_the_prompt_what_its_description_does_not_say() -> None:
    draw = Draw(bare=0.0, prompted=1.0, plain=1.0, varied=0.0)
    rows = [example(rng(seed), SHAPES, WORDS, draw, seconds=6.0, prompted=True) for seed in range(6)]
    whole = [
        example(rng(seed), SHAPES, WORDS, replace(draw, plain=0.0), seconds=6.0, prompted=False)
        for seed in range(6)
    ]
    assert all(np.array_equal(one.codes, other.codes) for one, other in zip(rows, whole, strict=True))
    assert sum(one.read[1] for one in rows) < 0.7 * sum(one.read[1] for one in whole)
    assert all(one.prompt.size for one in rows)


def test_prompts_are_read_in_full() -> None:
    prompted = example(rng(2), SHAPES, WORDS, Draw(bare=0.0), seconds=8.0, prompted=True)
    batch = batched([prompted], SHAPES, laid_out([prompted], SHAPES, stride=8))
    count = prompted.prompt.shape[1]
    assert 30 < count <= SHAPES.prompt_frames
    assert batch.slots[0, :, 0].tolist() == [SHAPES.eos] * 3
    assert batch.slots[0, :, 1 : count + 1].tolist() == prompted.prompt.tolist()


def test_a_step_is_drawn_the_same_again_and_differs_from_the_next() -> None:
    first, again, following = (drawn(8, step, SHAPES, WORDS, SETTINGS) for step in (3, 3, 4))
    assert torch.equal(first.columns, again.columns)
    assert first.columns.shape != following.columns.shape or not torch.equal(first.columns, following.columns)


def test_a_song_can_be_learned_by_heart(row: Example) -> None:
    learner = begun(SHAPES, 3)
    batch = batched([row], SHAPES, laid_out([row], SHAPES, stride=8))
    optimiser = torch.optim.AdamW(learner.parameters(), lr=1e-2)
    costs = []
    for _ in range(25):
        cost, told = loss(learner, batch, SETTINGS, guide=0.3)
        optimiser.zero_grad()
        cost.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        costs.append(told)
    assert costs[-1]["book_0"] < 0.5 * costs[0]["book_0"]
    assert costs[-1]["guided_0"] > 2 * costs[0]["guided_0"]


def test_help_restrains_heads_at_first_and_is_gone_in_the_end(row: Example) -> None:
    settings = replace(SETTINGS, helped=(2, 6))
    assert [_left(step, settings) for step in (0, 2, 4, 6, 9)] == [1, 1, 0.5, 0, 0]
    batch = batched([row], SHAPES, laid_out([row], SHAPES, stride=8))
    _, bias = tables(SHAPES, batch.layout)
    free, _ = helped(bias, batch, SHAPES, 0.0)
    plain, guided = helped(bias, batch, SHAPES, 1.0)
    assert torch.equal(free[0], bias)
    assert plain[1, -1, 0] < bias[-1, 0] - 5
    assert guided[0, -1, -2] < bias[-1, -2] - 5
    assert guided[0, -1, 0] == bias[-1, 0]


def test_common_rows_are_summed_for_the_product_and_only_there() -> None:
    learner = begun(SHAPES, 3)
    shared = dict(learner.named_parameters())["model.emb.0.parametrizations.weight.0.common"]
    before = learner.model.embed_main(torch.arange(SHAPES.codes + 2)[None], 1)[0].detach().clone()
    with torch.no_grad():
        shared.add_(0.1)
    found = summed(learner.model)
    assert set(found) == set(TokenModel(SHAPES).state_dict())
    moved = found["emb.0.weight"] - before
    assert moved[: len(MIX)].min() > 0.04
    assert moved[len(MIX) :].abs().max() == 0


def test_training_goes_on_from_the_weights_of_a_role_file() -> None:
    trained, anew = begun(SHAPES, 3), begun(SHAPES, 4)
    weights = {key: value.clone() for key, value in summed(trained.model).items()}
    take(anew.model, weights)
    again = summed(anew.model)
    assert all(torch.equal(again[key], value) for key, value in weights.items())
    del weights["mlp.0.weight"]
    with pytest.raises(SongdeskError, match=r"no weights for mlp\.0\.weight"):
        take(begun(SHAPES, 4).model, weights)


def test_a_matrix_is_made_nearly_orthogonal() -> None:
    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonal(torch.randn(24, 48)))
    assert values.min() > 0.4
    assert values.max() < 1.4
    assert torch.linalg.svdvals(orthogonal(torch.randn(48, 12))).max() > 1.6
    several = torch.randn(3, 24, 48)
    alone = torch.stack([orthogonal(one) for one in several])
    assert torch.allclose(orthogonal(several), alone, atol=0.05)


def test_the_optimiser_finds_the_lowest_point_and_can_be_kept() -> None:
    torch.manual_seed(0)
    matrix, vector = torch.nn.Parameter(torch.randn(8, 4)), torch.nn.Parameter(torch.randn(5))
    optimiser = Muon([(matrix, 2)], [vector], rate=0.02, scale=2.0)

    def cost() -> torch.Tensor:
        return (matrix - 1).square().sum() + vector.square().sum()

    begin = cost().item()
    for _ in range(150):
        optimiser.zero_grad()
        cost().backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    assert cost().item() < 0.05 * begin
    other = Muon([(matrix, 2)], [vector], rate=0.02, scale=2.0)
    other.load_state_dict(optimiser.state_dict())
    assert torch.equal(other.state[matrix]["momentum"], optimiser.state[matrix]["momentum"])
