from dataclasses import asdict, fields, replace

import pytest
import torch
from torch import Tensor

from core.levo.settings import settings_of
from core.levo.shapes import TokenShapes
from core.levo.tokens.cache import make_cache
from core.levo.tokens.sample import Knobs, Noise, Sampler, guide, keep, penalise
from core.random import Stream
from core.registry import variant
from core.settings import Override, Value, idle_reason, resolve

CODES, EOS = 50, 50
CPU = torch.device("cpu")
SHAPES = TokenShapes(
    width=32, ffn=48, heads=2, main_layers=1, sub_layers=1, main_rope_base=1e4, sub_rope_base=1e4,
    codes=CODES, lyric_rows=40, style_rows=30, lyric_length=7, prompt_length=6, style_length=3,
    delays=(0, 3, 3),
)  # fmt: skip
PLAIN = Knobs(temperature=1, guidance=1, top_k=0, repetition_penalty=1, repetition_window=0)
NOTHING = torch.empty(3, 0, dtype=torch.int64)


def sampler(prompt: list[int] | None = None, seed: int = 1) -> Sampler:
    return Sampler(SHAPES, torch.tensor(prompt or [], dtype=torch.int64), Stream(seed, "tokens"), device=CPU)


def logits(seed: int = 0, rows: int = 2) -> Tensor:
    return torch.randn(rows, 3, CODES + 1, generator=torch.Generator().manual_seed(seed)) * 2


def draw(knobs: Knobs, scores: Tensor, *, step: int = 1, maker: Sampler | None = None) -> list[int]:
    tokens = (maker or sampler()).draw(scores, (0, 1, 2), knobs, step=step, history=NOTHING)
    return [int(token) for token in tokens]


def test_guidance_moves_away_from_the_null_row() -> None:
    rows = logits()
    torch.testing.assert_close(guide(rows, 3.0), rows[1] + 3 * (rows[0] - rows[1]))
    assert torch.equal(guide(rows, 1.0), rows[0])
    assert torch.equal(guide(rows[:1], 3.0), rows[0])


@pytest.mark.parametrize("k", [1, 7, 50])
def test_exactly_k_candidates_are_kept_even_among_ties(k: int) -> None:
    tied = torch.zeros(51)
    kept, ids = keep(tied, top_k=k, top_p=0)
    assert len(kept) == len(set(ids.tolist())) == k


def test_the_k_kept_are_the_likeliest() -> None:
    scores = logits()[0, 0]
    kept, ids = keep(scores, top_k=5, top_p=0)
    assert set(ids.tolist()) == set(scores.argsort(descending=True)[:5].tolist())
    assert torch.equal(scores[ids], kept)


def test_the_nucleus_holds_what_has_at_most_p_above_it() -> None:
    scores = torch.tensor([0.5, 0.3, 0.15, 0.05]).log()
    for p, expected in ((0.4, {0}), (0.6, {0, 1}), (0.81, {0, 1, 2}), (0.99, {0, 1, 2, 3})):
        kept, ids = keep(scores, top_k=0, top_p=p)
        assert set(ids[kept.isfinite()].tolist()) == expected


def test_both_limits_hold_together_and_neither_keeps_all() -> None:
    scores = torch.tensor([0.4, 0.3, 0.2, 0.1]).log()
    kept, ids = keep(scores, top_k=2, top_p=0.99)
    assert set(ids[kept.isfinite()].tolist()) == {0, 1}
    kept, ids = keep(scores, top_k=3, top_p=0.35)
    assert set(ids[kept.isfinite()].tolist()) == {0}
    for p in (0.0, 1.0):
        assert len(keep(scores, top_k=0, top_p=p)[0]) == 4


def test_the_penalty_divides_once_however_often_a_code_was_heard() -> None:
    scores = torch.full((2, CODES + 1), 4.0)
    scores[1] = -4.0
    history = torch.tensor([[3, 3, 3, 9], [0, 49, 0, 1]])
    after = penalise(scores, history, 2.0)
    assert sorted(set(after[0].tolist())) == [2.0, 4.0]
    assert after[0].eq(2.0).nonzero().flatten().tolist() == [3, 9]
    assert after[1].eq(-2.0).nonzero().flatten().tolist() == [0, 1, 49]


def test_the_penalty_never_touches_the_end_or_the_special_token() -> None:
    scores = torch.full((1, CODES + 1), 4.0)
    after = penalise(scores, torch.tensor([[EOS, EOS + 1, EOS]]), 2.0)
    assert torch.equal(after, scores)


def test_counting_divides_as_often_as_a_code_was_heard() -> None:
    scores = torch.full((2, CODES + 1), 8.0)
    history = torch.tensor([[3, 3, 3, 9], [EOS, EOS, EOS + 1, 0]])
    after = penalise(scores, history, 2.0, mode="count")
    assert (float(after[0, 3]), float(after[0, 9]), float(after[0, 4])) == (1.0, 4.0, 8.0)
    assert (float(after[1, EOS]), float(after[1, 0])) == (8.0, 4.0)
    assert float(penalise(scores, history, 2.0)[0, 3]) == 4.0


@pytest.mark.parametrize(("mode", "twice"), [("presence", 2), ("count", 4)])
def test_a_sign_aware_penalty_lowers_whatever_was_heard(mode: str, twice: int) -> None:
    scores = torch.tensor([[8.0, -8.0, 0.0, -8.0, 8.0]])
    history = torch.tensor([[0, 1, 2, 0, 1, 2]])
    aware = penalise(scores, history, 2.0, mode=mode, sign="aware")
    assert aware.tolist() == [[8 / twice, -8 * twice, 0, -8, 8]]
    published = penalise(scores, history, 2.0, mode=mode)
    assert published.tolist() == [[8 / twice, -8 / twice, 0, -8, 8]]


def test_only_codebook_0_may_end_the_song_and_not_before_its_minimum() -> None:
    scores = torch.zeros(1, 3, CODES + 1)
    scores[..., EOS] = 100
    first, *others = draw(PLAIN, scores)
    assert first == EOS
    assert EOS not in others
    early = Knobs(temperature=0, guidance=1, minimum_length=2)
    assert draw(early, scores, step=50)[0] != EOS
    assert draw(early, scores, step=51)[0] == EOS


def test_codes_of_the_prompt_are_banned_in_codebook_0_alone() -> None:
    scores = torch.zeros(1, 3, CODES + 1)
    scores[..., 8] = 50
    greedy = Knobs(temperature=0, guidance=1)
    maker = sampler([8, 8, CODES + 1])
    first, *others = draw(greedy, scores, maker=maker)
    assert first != 8
    assert others == [8, 8]
    assert draw(Knobs(temperature=0, guidance=1, ban_prompt=False), scores, maker=maker)[0] == 8


def test_temperature_0_takes_the_likeliest_and_stems_do_by_default() -> None:
    scores = logits(rows=1)
    scores[..., EOS] = -100
    likeliest = scores[0].argmax(-1).tolist()
    assert draw(Knobs(temperature=0, guidance=1), scores) == likeliest
    seen = {tuple(draw(PLAIN, scores, step=step)) for step in range(1, 60)}
    assert len({tokens[0] for tokens in seen}) > 3
    assert {tokens[1:] for tokens in seen} == {tuple(likeliest[1:])}


def test_stems_draw_with_their_own_temperature() -> None:
    scores = logits(rows=1)
    loose = Knobs(temperature=0, guidance=1, stem_temperature=1.0)
    seen = [draw(loose, scores, step=step) for step in range(1, 60)]
    assert len({tokens[0] for tokens in seen}) == 1
    assert len({tokens[1] for tokens in seen}) > 3
    assert any(tokens[1] != tokens[2] for tokens in seen)


LOOSE = replace(PLAIN, stem_temperature=1.0, stem_top_k=0)


@pytest.mark.parametrize(
    ("knobs", "fixed"),
    [
        (LOOSE, set()),
        (replace(LOOSE, top_k=1), {0}),
        (replace(LOOSE, top_p=1e-6), {0}),
        (replace(LOOSE, stem_top_k=1), {1, 2}),
        (replace(LOOSE, stem_top_p=1e-6), {1, 2}),
    ],
)
def test_the_limits_of_one_group_leave_the_other_alone(knobs: Knobs, fixed: set[int]) -> None:
    seen = [draw(knobs, logits(rows=1), step=step) for step in range(1, 60)]
    assert {book for book in range(3) if len({tokens[book] for tokens in seen}) == 1} == fixed


def test_half_precision_logits_are_weighed_in_full_precision() -> None:
    close = torch.zeros(1, 1, CODES + 1).half()
    close[0, 0, 7:9] = torch.tensor([2048.0, 2050.0])
    slight = Knobs(temperature=0, guidance=1, repetition_penalty=1.0008)
    heard = torch.tensor([[8]])
    assert sampler().draw(close, (0,), slight, step=1, history=heard).tolist() == [8]


def test_draws_follow_the_probabilities() -> None:
    shares = torch.tensor([0.5, 0.3, 0.2])
    scores = torch.full((1, 1, CODES + 1), -100.0)
    scores[0, 0, :3] = shares.log()
    maker, history = sampler(), NOTHING[:1]
    drawn = torch.cat(
        [maker.draw(scores, (0,), PLAIN, step=step, history=history) for step in range(1, 3001)]
    )
    found = torch.bincount(drawn, minlength=3) / len(drawn)
    torch.testing.assert_close(found[:3], shares, atol=0.04, rtol=0)


def test_noise_of_a_step_does_not_depend_on_the_steps_before_it() -> None:
    fresh, used = (Noise(Stream(5, "tokens"), 51, device=CPU) for _ in range(2))
    for step in (1, 2, 40, 15):
        used.at(step, 0)
    assert torch.equal(fresh.at(33, 0), used.at(33, 0))
    assert not torch.equal(used.at(33, 0), used.at(34, 0))
    assert not torch.equal(used.at(33, 0), used.at(33, 1))
    assert used.at(33, 0).isfinite().all()


def test_the_same_seed_draws_the_same_and_another_does_not() -> None:
    runs = [
        [draw(PLAIN, logits(step), step=step, maker=sampler(seed=seed))[0] for step in range(1, 30)]
        for seed in (1, 1, 2)
    ]
    assert runs[0] == runs[1] != runs[2]


def test_knobs_are_read_by_their_setting_names() -> None:
    values: dict[str, Value] = {
        "temperature": 0.5, "guidance": 2, "top_k": 7, "top_p": 0.9, "repetition_penalty": 1.2,
        "repetition_window": 9, "penalty_mode": "count", "penalty_sign": "aware", "stem_temperature": 0.1,
        "stem_top_k": 3, "stem_top_p": 0.7, "minimum_length": 3, "ban_prompt": False,
    }  # fmt: skip
    assert asdict(Knobs.from_live(values.__getitem__)) == values
    assert set(values) == {field.name for field in fields(Knobs)}


def test_the_table_has_the_published_defaults_of_every_knob() -> None:
    values = resolve(settings_of(variant("v2-large")))
    assert Knobs.from_live(values.__getitem__) == Knobs(minimum_length=1.0)


@pytest.mark.parametrize(
    ("key", "given", "idle"),
    [
        ("stem_top_k", {"stem_temperature": 0.0}, True), ("stem_top_p", {"stem_temperature": 0.5}, False),
        ("stem_top_k", {"temperature": 0.0, "stem_temperature": 0.5}, False),
        ("top_k", {"temperature": 0.0}, True), ("top_p", {"stem_temperature": 0.0}, False),
        ("penalty_mode", {"repetition_penalty": 1.0}, True), ("penalty_sign", {"repetition_window": 0}, True),
        ("penalty_mode", {}, False), ("mulaw_mu", {}, True), ("mulaw_mu", {"kv_cache": "mulaw8"}, False),
    ],
)  # fmt: skip
def test_a_setting_that_changes_nothing_says_so(key: str, given: dict[str, object], idle: bool) -> None:
    table = settings_of(variant("v2-large"))
    setting = next(setting for setting in table if setting.key == key)
    assert (idle_reason(setting, resolve(table, Override(given))) is not None) == idle


def test_every_cache_a_person_can_choose_can_be_made() -> None:
    table = settings_of(variant("v2-large"))
    choice = next(setting for setting in table if setting.key == "kv_cache")
    assert choice.default == "int8"
    for kind in set(choice.choices) - {"auto"}:
        made = make_cache(kind, layers=1, rows=1, heads=1, positions=2, dim=32, device=CPU)
        assert made.attend(0, *torch.randn(3, 1, 1, 2, 32)).shape == (1, 1, 2, 32)
