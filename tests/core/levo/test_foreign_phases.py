"""What the fork's phases leave is read as plain data, and what is none of it is refused before it is used."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from core.errors import SongdeskError
from core.levo.foreign import ForeignSong, ForeignTokens, read_artifact
from core.levo.shapes import Shapes, shapes_of
from core.song import Reference
from tests.toy import SHAPES

EOS, SPECIAL = 64, 65


@pytest.fixture(scope="module")
def shapes() -> Shapes:
    """Of a model of 64 codes."""
    return shapes_of(SHAPES)


def codes(frames: int = 50) -> Tensor:
    return torch.randint(0, 64, (3, frames), generator=torch.Generator().manual_seed(3))


def of_tokens(folder: Path, shapes: Shapes, tokens: object, **more: object) -> ForeignTokens:
    torch.save({"tokens": tokens, "raw_wavs": False, **more}, folder / "a_tokens.pt")
    found = read_artifact(folder / "a_tokens.pt", shapes)
    assert isinstance(found, ForeignTokens)
    return found


def of_line(folder: Path, shapes: Shapes, **line: object) -> ForeignSong:
    torch.save([{"idx": "a", "gt_lyric": "[verse] One.", **line}], folder / "batch_conditions.pt")
    found = read_artifact(folder / "batch_conditions.pt", shapes)
    assert isinstance(found, tuple)
    return found[0]


def refusal(folder: Path, shapes: Shapes, content: object) -> str:
    path = folder / "a.pt"
    torch.save(content, path)
    with pytest.raises(SongdeskError) as refused:
        read_artifact(path, shapes)
    assert refused.value.where == str(path)
    return str(refused.value)


def test_tokens_without_marks_are_kept_to_the_last(tmp_path: Path, shapes: Shapes) -> None:
    tokens = codes()
    tokens[1, 20] = 63  # a sound like any other
    found = of_tokens(tmp_path, shapes, tokens[None])
    assert torch.equal(found.codes, tokens)
    assert found.notes == ()


@pytest.mark.parametrize("kind", [torch.int32, torch.int16, torch.uint8])
def test_a_cut_of_a_longer_tensor_is_read_as_it_was_meant(
    tmp_path: Path, shapes: Shapes, kind: torch.dtype
) -> None:
    found = of_tokens(tmp_path, shapes, codes(80).to(kind)[None, :, 10:40])
    assert torch.equal(found.codes, codes(80)[:, 10:40])


@pytest.mark.parametrize("book", [1, 2])
@pytest.mark.parametrize("mark", [EOS, SPECIAL])
def test_a_song_ends_where_a_heard_codebook_says_so(
    tmp_path: Path, shapes: Shapes, book: int, mark: int
) -> None:
    tokens = codes()
    tokens[book, 30], tokens[:, 40:] = mark, SPECIAL
    found = of_tokens(tmp_path, shapes, tokens[None])
    assert torch.equal(found.codes, tokens[:, :30])
    assert found.notes == ("it was cut at 0:01, frame 30 of 50, where its end is marked",)


def test_a_stream_that_never_was_is_silent_and_the_rest_is_kept(tmp_path: Path, shapes: Shapes) -> None:
    tokens = codes()
    tokens[1], tokens[0, 10] = SPECIAL, EOS
    found = of_tokens(tmp_path, shapes, tokens[None])
    assert torch.equal(found.codes[2], tokens[2])
    assert set(found.codes[1].tolist()) == {shapes.quantizer.neutral[0]}
    assert [note.split(":")[0] for note in found.notes] == [
        "it has no vocal codes at all", "no mixed code in 1 of its frames",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("tokens", "told"),
    [
        (torch.zeros(1, 2, 9, dtype=torch.int64), "1×2×9"),
        (torch.zeros(3, 9, dtype=torch.int64), "3×9"),
        (torch.zeros(1, 3, 0, dtype=torch.int64), "1×3×0"),
        (torch.zeros(1, 3, 90_001, dtype=torch.int64), "1×3×90001"),
        (torch.zeros((), dtype=torch.int64), "a number"),
        (torch.zeros(1, 3, 9), "no tensor of whole numbers"),
        ([[1, 2]], "no tensor of whole numbers"),
        (torch.full((1, 3, 9), 66), "hold 66, and the codes of this model are 0 to 63"),
        (torch.full((1, 3, 9), 16_000), "hold 16000, and the codes of this model are 0 to 63"),
        (torch.full((1, 3, 9), -1), "hold -1"),
        (torch.full((1, 3, 9), SPECIAL), "ends before its first frame"),
        (torch.cat((torch.full((1, 3, 1), EOS), torch.zeros(1, 3, 9).long()), dim=2), "before its first"),
    ],
)  # fmt: skip
def test_tokens_that_are_none_of_the_model_are_refused(
    tmp_path: Path, shapes: Shapes, tokens: object, told: str
) -> None:
    assert told in refusal(tmp_path, shapes, {"tokens": tokens})


class Trap:
    """What runs code when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, ("raise SystemExit('it ran')",)


@pytest.mark.parametrize("content", [Trap(), {"tokens": Trap()}, [{"idx": "a", "gt_lyric": Trap()}]])
def test_code_in_a_file_is_named_and_does_not_run(tmp_path: Path, shapes: Shapes, content: object) -> None:
    assert "exec" in refusal(tmp_path, shapes, content)


@pytest.mark.parametrize("content", [[], [1], {}, "text", {"state_dict": {}}, [{"gt_lyric": "a"}, 3], None])
def test_other_contents_are_refused(tmp_path: Path, shapes: Shapes, content: object) -> None:
    assert "neither songs to be composed nor tokens of one" in refusal(tmp_path, shapes, content)


def test_a_damaged_file_is_refused_and_a_missing_one(tmp_path: Path, shapes: Shapes) -> None:
    of_tokens(tmp_path, shapes, codes()[None])
    whole = (tmp_path / "a_tokens.pt").read_bytes()
    for length in (0, 3, 100, len(whole) // 2, len(whole) - 1):
        (tmp_path / "cut.pt").write_bytes(whole[:length])
        with pytest.raises(SongdeskError):
            read_artifact(tmp_path / "cut.pt", shapes)
    with pytest.raises(SongdeskError):
        read_artifact(tmp_path / "none.pt", shapes)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"gt_lyric": None}, "song 2 (b) has no lyrics"),
        ({"gt_lyric": 3}, "song 2 (b) has no lyrics"),
        ({"pmt_wav": torch.zeros(1, 2, 9, dtype=torch.int64)}, "pmt_wav of song 2 (b) is 1×2×9"),
        ({"bgm_wav": torch.zeros(1, 1, 9)}, "bgm_wav of song 2 (b) is no tensor of codes"),
        ({"bgm_wav": "a.wav"}, "bgm_wav of song 2 (b) is no tensor of codes"),
        ({"vocal_wav": torch.full((1, 1, 9), 900)}, "vocal_wav of song 2 (b) hold 900"),
    ],
)  # fmt: skip
def test_a_song_that_cannot_be_one_refuses_the_file(
    tmp_path: Path, shapes: Shapes, change: dict[str, object], told: str
) -> None:
    line = {"idx": "b", "gt_lyric": "[verse] One."}
    assert told in refusal(tmp_path, shapes, [line, {**line, **change}])


def test_a_name_cannot_steer_the_terminal_that_it_is_told_on(tmp_path: Path, shapes: Shapes) -> None:
    told = refusal(tmp_path, shapes, [{"idx": "\x1b[2J" + "x" * 500, "gt_lyric": ""}])
    assert told.isprintable()
    assert len(told) < 300 + len(str(tmp_path))


def test_a_prompt_is_read_as_far_as_the_model_reads_it(tmp_path: Path, shapes: Shapes) -> None:
    rows = torch.arange(27).view(3, 1, 1, 9)
    found = of_line(tmp_path, shapes, pmt_wav=rows[0], vocal_wav=rows[1], bgm_wav=rows[2, ..., :3])
    assert torch.equal(found.prompt, rows.view(3, 9)[:, :3])
    assert found.notes == ("of its prompt the first 3 codes are read, of 9 that it has",)
    found = of_line(tmp_path, shapes, pmt_wav=rows[0], vocal_wav=rows[1], bgm_wav=rows[2])
    assert torch.equal(found.prompt, rows.view(3, 9)[:, : shapes.tokens.prompt_frames])


def test_a_codebook_whose_first_code_is_the_mark_is_absent(tmp_path: Path, shapes: Shapes) -> None:
    absent, mixed = torch.full((1, 1, 4), SPECIAL), torch.tensor([[[5, 6, 7, SPECIAL]]])
    absent[..., 2] = 7
    found = of_line(tmp_path, shapes, pmt_wav=mixed, vocal_wav=absent, bgm_wav=absent)
    assert found.prompt.tolist() == [[5, 6, 7, SPECIAL], [SPECIAL] * 4, [SPECIAL] * 4]
    found = of_line(tmp_path, shapes, pmt_wav=absent, vocal_wav=absent, bgm_wav=absent)
    assert found.prompt.shape == (3, 0)


def test_where_the_recording_is_here_it_is_known_by_its_stems(tmp_path: Path, shapes: Shapes) -> None:
    (tmp_path / "clips").mkdir()
    for name in ("a", "a_vocal", "a_bgm"):
        (tmp_path / "clips" / f"{name}.wav").write_bytes(b"RIFF")
    stems = {"raw_wavs": True, "raw_vocal_wav": "clips/a_vocal.wav", "raw_bgm_wav": "clips/a_bgm.wav"}
    wanted = Reference(path=str(tmp_path / "clips" / "a.wav"))
    assert of_tokens(tmp_path, shapes, codes()[None], **stems).reference == wanted
    assert of_line(tmp_path, shapes, **stems).reference == wanted
    (tmp_path / "clips" / "a.wav").unlink()
    assert of_line(tmp_path, shapes, **stems).reference is None


@pytest.mark.parametrize(
    "stems",
    [("", ""), ("..", ".."), ("\0_vocal.wav", "\0_bgm.wav"), ("x" * 5000, "y"), ("/", "/"), ("a_vocal", 3)],
)  # fmt: skip
def test_a_path_that_is_none_does_no_harm(
    tmp_path: Path, shapes: Shapes, stems: tuple[object, object]
) -> None:
    found = of_tokens(
        tmp_path, shapes, codes()[None], raw_wavs=True, raw_vocal_wav=stems[0], raw_bgm_wav=stems[1]
    )
    assert found.reference is None


JUNK = [None, b"", b"\x80\x02.", b"<html>", b"no torch", b"version https://git-lfs.github.com/spec/v1\n"]


@pytest.mark.parametrize("content", JUNK, ids=range(len(JUNK)))
def test_a_file_that_cannot_be_opened_is_told_with_what_belongs_here(
    tmp_path: Path, shapes: Shapes, content: bytes | None
) -> None:
    path = tmp_path / "a_tokens.pt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SongdeskError) as refused:
        read_artifact(path, shapes)
    assert refused.value.where == str(path)
    assert refused.value.hint == "name a *_tokens.pt or a batch_conditions.pt of the fork"
    assert not any(word in refused.value.what for word in ("fetch", "checkpoint", "weights"))
