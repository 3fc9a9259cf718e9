"""The published table of styles becomes codes by style, language and number, or one clear line."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from core.errors import SongdeskError
from core.levo.conditions.styles import style_prompt
from core.levo.convert import convert
from core.levo.shapes import shapes_of
from core.random import Stream
from core.registry import variant

Table = Mapping[object, object]


def codes(frames: int, seed: int = 0, *, dtype: torch.dtype = torch.int64) -> Tensor:
    """A reference as published, [1, 3, frames]."""
    drawn = torch.randint(0, 16_384, (1, 3, frames), generator=torch.Generator().manual_seed(seed))
    return drawn.to(dtype)


def written(table: Table, folder: Path) -> dict[str, Tensor]:
    torch.save(table, folder / "new_auto_prompt.pt")
    return load_file(convert(folder / "new_auto_prompt.pt").file)


def test_a_table_as_published_becomes_numbered_codes_of_16_bits(tiny: object, tmp_path: Path) -> None:
    table = {
        "R&B/Soul": {"en": [codes(250, 1), codes(251, 2)], "zh": [codes(10, 3)]},
        "Auto": {"en": [codes(1, 4)]},
    }
    torch.save(table, tmp_path / "anything")
    report = convert(tmp_path / "anything")
    assert report.file == tmp_path / "ckpt" / "levo" / "styles.safetensors"
    assert (report.roles, report.made, report.kept.tensors) == (("styles",), True, 4)
    assert report.models == ("v2-large", "v2-medium", "v1-large", "v1-base-full", "v1-base")
    found = load_file(report.file)
    assert set(found) == {"R&B/Soul/en/0", "R&B/Soul/en/1", "R&B/Soul/zh/0", "Auto/en/0"}
    assert all(each.dtype is torch.int16 for each in found.values())
    assert torch.equal(found["R&B/Soul/en/1"].long(), codes(251, 2)[0])
    again = convert(tmp_path / "anything", step=lambda done, total: pytest.fail("it was written again"))
    assert not again.made


def test_the_engine_reads_what_was_written(tiny: object, tmp_path: Path) -> None:
    written({"R&B/Soul": {"zh": [codes(300, 1)]}, "Pop": {"en": [codes(9, 2)]}}, tmp_path)
    quantizer = shapes_of(variant("v2-large").shapes).quantizer
    path = tmp_path / "ckpt" / "levo" / "styles.safetensors"
    prompt = style_prompt(path, "R&B/Soul", "爱你", Stream(1, "x"), quantizer, latent=8)
    assert torch.equal(prompt.codes.long(), codes(300, 1)[0, :, :250])


FORMS: dict[str, object] = {
    "list of rows": [codes(5, 1)[0], codes(5, 2)[0]],
    "tuple": (codes(5, 1), codes(5, 2)),
    "dictionary": {7: codes(5, 1), 9: codes(5, 2)},
    "stacked": torch.stack([codes(5, 1), codes(5, 2)]),
    "stacked rows": torch.cat([codes(5, 1), codes(5, 2)]),
    "32 bits": [codes(5, 1, dtype=torch.int32), codes(5, 2, dtype=torch.int32)],
    "views": [codes(5, 1).repeat(1, 1, 2)[..., :5], codes(5, 2).transpose(1, 2).contiguous().transpose(1, 2)],
}


@pytest.mark.parametrize("form", FORMS)
def test_references_may_lie_in_the_table_in_any_container(form: str, tiny: object, tmp_path: Path) -> None:
    found = written({"Jazz": {"en": FORMS[form], "zh": []}}, tmp_path)
    assert set(found) == {"Jazz/en/0", "Jazz/en/1"}
    assert torch.equal(found["Jazz/en/0"].long(), codes(5, 1)[0])
    assert torch.equal(found["Jazz/en/1"].long(), codes(5, 2)[0])


class Loader:
    """What would have to run for the table to be read."""


def with_code(number: int) -> Tensor:
    table = codes(5)
    table[0, 1, 2] = number
    return table


BAD: dict[str, tuple[Table, str]] = {
    "no languages": ({"Pop": [codes(5)]}, "Pop is no dictionary of languages"),
    "a tensor": ({"Pop": codes(5), "Jazz": {"en": [codes(5)]}}, "Pop is no dictionary of languages"),
    "a stray": ({"Pop": {"en": [codes(5)]}, "version": 2}, "version is no dictionary of languages"),
    "a path": ({"Pop": {"en/us": [codes(5)]}}, "en/us is no language"),
    "no list": ({"Pop": {"en": "codes"}}, "Pop/en is no list of references"),
    "one reference": ({"Pop": {"en": codes(5)[0]}}, "Pop/en is no list of references"),
    "no tensor": ({"Pop": {"en": [[1, 2, 3]]}}, "Pop/en/0 is no tensor of whole numbers"),
    "floats": ({"Pop": {"en": [codes(5).float()]}}, "Pop/en/0 is no tensor of whole numbers"),
    "truths": ({"Pop": {"en": [codes(5).bool()]}}, "Pop/en/0 is no tensor of whole numbers"),
    "two rows": ({"Pop": {"en": [codes(5), codes(5)[:, :2]]}}, "Pop/en/1 is 1×2×5 where"),
    "two songs": ({"Pop": {"en": [codes(5).repeat(2, 1, 1)]}}, "Pop/en/0 is 2×3×5 where"),
    "no frames": ({"Pop": {"en": [codes(0)]}}, "Pop/en/0 is 1×3×0 where"),
    "too long": ({"Pop": {"en": [codes(1001)]}}, "Pop/en/0 is 1×3×1001 where"),
    "a number": ({"Pop": {"en": [torch.tensor(3)]}}, "Pop/en/0 is a number where"),
    "too large": ({"Pop": {"zh": [with_code(16_384)]}}, "Pop/zh/0 has 16384, and codes are 0 to 16383"),
    "negative": ({"Pop": {"zh": [with_code(-1)]}}, "Pop/zh/0 has -1, and codes are 0 to 16383"),
    "empty": ({"Pop": {"en": []}, "Auto": {}}, "no reference is in it"),
    "endless": ({"Pop": {"en": [codes(5)] * 20_001}}, "more references than any table"),
    "spread": (
        {"Pop": {"en": torch.zeros(3, 1, dtype=torch.int64).expand(1 << 40, 3, 1)}},
        "more references",
    ),
    "code": ({"Pop": {"en": [codes(5)]}, "Jazz": Loader()}, "holds code"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_table_of_another_form_is_refused_in_one_line(case: str, tiny: object, tmp_path: Path) -> None:
    table, what = BAD[case]
    path = tmp_path / "new_auto_prompt.pt"
    torch.save(table, path)
    with pytest.raises(SongdeskError, match=what) as told:
        convert(path)
    assert (told.value.where, bool(told.value.hint)) == (str(path), True)
    assert "\n" not in str(told.value)
    assert not (tmp_path / "ckpt").exists()


def test_a_table_larger_than_any_is_not_read_into_memory(
    tiny: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.levo.convert_styles._LARGEST_FILE", 100)
    monkeypatch.setattr("core.levo.convert_styles.contents", lambda of: pytest.fail("it was read"))
    with pytest.raises(SongdeskError, match="larger than any table"):
        written({"Pop": {"en": [codes(5)]}}, tmp_path)
