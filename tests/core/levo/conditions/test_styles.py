"""Built-in references: which entry of the table leads a song, and what is wrong with a table."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from core.errors import SongdeskError
from core.levo.conditions.prompt import Prompt
from core.levo.conditions.styles import style_prompt
from core.levo.shapes import Shapes
from core.lyrics.language import language
from core.random import Stream

ENGLISH, CHINESE = "[verse] Paper boats.", "[verse] 夜里的纸船。"
NAMES = ("Pop/en/0", "Pop/en/1", "Pop/en/2", "Pop/zh/0", "R&B/Soul/en/0", "R&B/Soul/en/1", "Jazz/zh/0")


def table(path: Path, *names: str, frames: int = 250) -> Path:
    """A table whose nth entry is codes n."""
    save_file({name: torch.full((3, frames), n).short() for n, name in enumerate(names)}, path)
    return path


@pytest.fixture
def choose(shapes: Shapes, tmp_path: Path) -> Callable[..., Prompt]:
    """Takes an entry of the table above, or of another."""
    usual = table(tmp_path / "styles.safetensors", *NAMES)

    def choose(style: str, lyrics: str = ENGLISH, *, seed: int = 1, path: Path = usual) -> Prompt:
        return style_prompt(path, style, lyrics, Stream(seed, "style"), shapes.quantizer, latent=8)

    return choose


def entry(prompt: Prompt) -> str:
    """The name of the entry whose codes a prompt has."""
    assert len(set(prompt.codes.flatten().tolist())) == 1
    return NAMES[int(prompt.codes[0, 0])]


def test_an_entry_is_codes_without_latents(choose: Callable[..., Prompt]) -> None:
    prompt = choose("Pop")
    assert prompt.codes.shape == (3, 250)
    assert prompt.codes.dtype == torch.int64
    assert prompt.latents.shape == (3, 0, 8)


def test_one_seed_always_takes_the_same_entry_and_others_reach_all(choose: Callable[..., Prompt]) -> None:
    torch.manual_seed(99)
    taken = [entry(choose("Pop", seed=seed)) for seed in range(40)]
    assert taken == [entry(choose("Pop", seed=seed)) for seed in range(40)]
    assert set(taken) == {"Pop/en/0", "Pop/en/1", "Pop/en/2"}


def test_a_style_of_one_entry_is_in_bounds_for_every_seed(choose: Callable[..., Prompt]) -> None:
    assert {entry(choose("Jazz", CHINESE, seed=seed)) for seed in range(40)} == {"Jazz/zh/0"}


@pytest.mark.parametrize(("lyrics", "taken"), [(ENGLISH, "en"), (CHINESE, "zh"), ("", "en")])
def test_the_lyrics_choose_the_language(choose: Callable[..., Prompt], lyrics: str, taken: str) -> None:
    prompt = choose("Pop", lyrics)
    assert entry(prompt).split("/")[1] == taken
    assert [note for note in prompt.notes if "language" in note] == []


@pytest.mark.parametrize(
    ("lyrics", "spoken"),
    [("", "en"), ("纸", "zh"), ("a纸bcd", "zh"), ("a纸bcde", "en"), ("...", "en"), ("あいうえお", "en")],
)
def test_a_fifth_of_the_characters_makes_lyrics_chinese_and_none_at_all_do_no_harm(
    lyrics: str, spoken: str
) -> None:
    assert language(lyrics) == spoken


@pytest.mark.parametrize(("style", "lyrics"), [("Jazz", ENGLISH), ("R&B/Soul", CHINESE)])
def test_a_language_that_the_style_lacks_is_replaced_and_it_is_said(
    choose: Callable[..., Prompt], style: str, lyrics: str
) -> None:
    prompt = choose(style, lyrics)
    assert entry(prompt).startswith(f"{style}/")
    assert any(style in note and "language" in note for note in prompt.notes)


def test_a_name_with_a_slash_is_one_style(choose: Callable[..., Prompt]) -> None:
    taken = {entry(choose("R&B/Soul", seed=seed)) for seed in range(20)}
    assert taken == {"R&B/Soul/en/0", "R&B/Soul/en/1"}
    with pytest.raises(SongdeskError, match="no style R&B"):
        choose("R&B")


def test_the_entry_is_named_in_a_note(choose: Callable[..., Prompt]) -> None:
    prompt = choose("Pop")
    assert prompt.notes == (f"led by the built-in reference {entry(prompt)}",)


def test_auto_is_a_style_where_the_table_has_it(choose: Callable[..., Prompt], tmp_path: Path) -> None:
    path = table(tmp_path / "auto.safetensors", "Pop/en/0", "Auto/en/0", "Auto/en/1")
    taken = {int(choose("Auto", seed=seed, path=path).codes[0, 0]) for seed in range(40)}
    assert taken == {1, 2}


def test_auto_is_any_style_in_the_language_where_the_table_lacks_it(choose: Callable[..., Prompt]) -> None:
    assert {entry(choose("Auto", seed=seed)) for seed in range(80)} == {n for n in NAMES if "/en/" in n}
    assert {entry(choose("Auto", CHINESE, seed=seed)) for seed in range(80)} == {"Pop/zh/0", "Jazz/zh/0"}


@pytest.mark.parametrize(("frames", "kept"), [(251, 250), (400, 250), (250, 250), (99, 99)])
def test_ten_seconds_are_taken_at_most(
    choose: Callable[..., Prompt], tmp_path: Path, frames: int, kept: int
) -> None:
    path = table(tmp_path / "long.safetensors", "Pop/en/0", frames=frames)
    assert choose("Pop", path=path).codes.shape == (3, kept)


def test_an_unknown_style_is_answered_with_those_there_are(choose: Callable[..., Prompt]) -> None:
    with pytest.raises(SongdeskError, match="no style Polka") as caught:
        choose("Polka")
    assert caught.value.hint == "use Jazz, Pop, R&B/Soul"
    assert len(str(caught.value).splitlines()) == 1


def saved(**tensors: torch.Tensor) -> Callable[[Path], None]:
    return lambda path: save_file({name.replace("_", "/"): x for name, x in tensors.items()}, path)


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (lambda path: path.write_bytes(b"no table"), "cannot be read"),
        (lambda path: path.write_bytes(path.read_bytes()[:-50]), "cannot be read"),
        (lambda path: path.unlink(), "cannot be read"),
        (lambda path: path.write_text("version https://git-lfs.github.com/spec/v1\n"), "cannot be read"),
        (saved(), "of another model"),
        (saved(weight=torch.ones(3)), "of another model"),
        (saved(Pop_en_0=torch.full((3, 9), 4096).short()), "of another model"),
        (saved(Pop_en_0=torch.full((3, 9), -1).short()), "of another model"),
        (saved(Pop_en_0=torch.zeros(2, 9).short()), "of another model"),
        (saved(Pop_en_0=torch.zeros(1, 3, 9).short()), "of another model"),
        (saved(Pop_en_0=torch.zeros(3, 0).short()), "of another model"),
    ],
)
@pytest.mark.parametrize("style", ["Pop", "Auto"])
def test_a_table_that_cannot_be_used_is_one_line_with_where_and_what_to_do(
    choose: Callable[..., Prompt], tmp_path: Path, damage: Callable[[Path], object], what: str, style: str
) -> None:
    path = table(tmp_path / "bad.safetensors", "Pop/en/0")
    damage(path)
    with pytest.raises(SongdeskError, match=what) as caught:
        choose(style, path=path)
    assert caught.value.where == str(path)
    assert "convert" in caught.value.hint
    assert len(str(caught.value).splitlines()) == 1
