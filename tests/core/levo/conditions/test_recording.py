"""Recordings of any kind become stereo at 48 kHz, or one clear line."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from core.errors import SongdeskError
from core.levo.conditions.recording import Recording, record
from core.song import Reference
from tests.core.levo.conditions.music import RATE, as_heard, music, pitch, save, save_with_stems, tones


def heard(path: Path, start: float = 0.0) -> Recording:
    return record(Reference(path=str(path), start=start))


@pytest.mark.parametrize(
    ("kind", "rate", "channels"),
    [
        ("wav", 8000, 1),
        ("wav", 44_100, 2),
        ("wav", 48_000, 2),
        ("wav", 96_000, 2),
        ("wav", 37_801, 1),
        ("wav", 22_050, 2),
        ("flac", 44_100, 2),
        ("flac", 96_000, 1),
        ("mp3", 44_100, 2),
        ("mp3", 48_000, 1),
        ("ogg", 48_000, 2),
        ("ogg", 44_100, 1),
    ],
)
def test_a_sound_of_any_kind_keeps_its_length_and_its_pitch(
    tmp_path: Path, kind: str, rate: int, channels: int
) -> None:
    hertz = (440.0, 660.0)[:channels]
    mix = heard(save(tmp_path / f"a.{kind}", tones(3, *hertz, rate=rate), rate)).mix
    assert mix.dtype == torch.float32
    assert mix.shape == (2, 3 * RATE)
    assert pitch(mix[0]) == pytest.approx(440, rel=1e-4)
    assert pitch(mix[1]) == pytest.approx(hertz[-1], rel=1e-4)
    inner = mix[:, RATE:-RATE]
    assert inner.abs().amax(dim=1) == pytest.approx([0.3, 0.3], rel=0.05)


def test_a_file_at_48_khz_is_heard_to_the_sample(tmp_path: Path) -> None:
    samples = music(2)
    assert torch.equal(heard(save(tmp_path / "a.wav", samples)).mix, as_heard(samples))


def test_mono_is_the_same_on_both_sides(tmp_path: Path) -> None:
    mix = heard(save(tmp_path / "a.wav", tones(2, 300))).mix
    assert torch.equal(mix[0], mix[1])


@pytest.mark.parametrize("rate", [8000, 23_999, 37_801, 44_100, 47_976, 48_000, 96_001])
def test_no_more_than_ten_seconds_are_heard_and_no_less_where_they_are(tmp_path: Path, rate: int) -> None:
    recording = heard(save(tmp_path / "a.wav", tones(12, 200, rate=rate), rate))
    assert recording.mix.shape == (2, 10 * RATE)
    assert recording.frames == 250
    assert not any("would be" in note for note in recording.notes)


@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_the_window_begins_where_it_is_said_to(tmp_path: Path, rate: int) -> None:
    samples = np.concatenate([tones(2, 400, rate=rate), tones(2, 700, rate=rate)])
    path = save(tmp_path / "a.wav", samples, rate)
    late = heard(path, start=2.0).mix[0]
    assert len(late) == 2 * RATE
    assert pitch(late) == pytest.approx(700, rel=1e-4)
    early = heard(path, start=0.5).mix[0]
    assert len(early) == round(3.5 * RATE)
    assert pitch(early[: round(1.4 * RATE)]) == pytest.approx(400, rel=1e-3)
    assert pitch(early[round(1.6 * RATE) :]) == pytest.approx(700, rel=1e-3)


def test_a_window_inside_a_file_is_that_stretch_to_the_sample(tmp_path: Path) -> None:
    samples = music(4)
    mix = heard(save(tmp_path / "a.wav", samples), start=1.25).mix
    assert torch.equal(mix, as_heard(samples[60_000:]))


def test_of_more_than_two_channels_the_first_two_are_heard_and_it_is_said(tmp_path: Path) -> None:
    samples = tones(2, *(200.0 + 100 * channel for channel in range(8)))
    recording = heard(save(tmp_path / "a.wav", samples))
    assert torch.equal(recording.mix, as_heard(samples[:, :2]))
    assert any("8 channels" in note and "first two" in note for note in recording.notes)


def test_a_dull_file_is_heard_and_it_is_said_up_to_where(tmp_path: Path) -> None:
    notes = heard(save(tmp_path / "a.wav", tones(10, 200, rate=8000), 8000)).notes
    assert len(notes) == 1
    assert "8 kHz" in notes[0]
    assert "4 kHz" in notes[0]


def test_a_short_clip_is_heard_and_it_is_said(tmp_path: Path) -> None:
    assert heard(save(tmp_path / "long.wav", tones(10, 200, 200))).notes == ()
    notes = heard(save(tmp_path / "short.wav", tones(4, 200, 200))).notes
    assert [note.partition(" s ")[0] for note in notes] == ["4.00"]


def test_notes_do_not_name_the_file_as_they_outlive_its_name(tmp_path: Path) -> None:
    mono = tones(2, 200, rate=8000)
    for name in ("peculiar", "peculiar_vocal", "peculiar_bgm"):
        save(tmp_path / f"{name}.wav", np.repeat(mono, 3, axis=1), 8000)
    notes = heard(tmp_path / "peculiar.wav").notes
    assert len(notes) == 4
    assert not any("peculiar" in note for note in notes)


def not_numbers(path: Path) -> Path:
    samples = tones(3, 200)
    samples[5000] = np.nan
    return save(path, samples)


def folder(path: Path) -> Path:
    path.mkdir()
    return path


def holding(content: bytes) -> Callable[[Path], Path]:
    def make(path: Path) -> Path:
        path.write_bytes(content)
        return path

    return make


@pytest.mark.parametrize(
    ("make", "start", "what"),
    [
        (lambda path: save(path, tones(3, 200, level=0)), 0.0, "silent from 0 to 3 s"),
        (lambda path: save(path, tones(3, 200, level=5e-5)), 0.0, "silent"),
        (lambda path: save(path, tones(0.2, 200)), 0.0, r"only 0\.20 s are left from 0 s on"),
        (lambda path: save(path, tones(3, 200)), 2.5, r"only 0\.50 s are left from 2\.5 s on"),
        (lambda path: save(path, tones(3, 200)), 3.5, r"3\.0 s long, so there is nothing at 3\.5 s"),
        (lambda path: save(path, tones(3, 200)), 1e9, "so there is nothing at"),
        (not_numbers, 0.0, "not numbers"),
        (lambda path: path, 0.0, "no such sound file"),
        (folder, 0.0, "is a directory"),
        (holding(b""), 0.0, "damaged"),
        (holding(b"RIFF and no more"), 0.0, "damaged"),
        (lambda path: save(path, tones(0, 200)), 0.0, "no sound in this file"),
        (lambda path: save(path, tones(300, 1, rate=100), 100), 0.0, "100 samples a second hold no music"),
        (lambda path: save(path, tones(9999, 0.1, rate=1), 1), 0.0, "1 samples a second hold no music"),
    ],
)
def test_what_cannot_lead_a_song_is_one_line_with_where_and_what_to_do(
    tmp_path: Path, make: Callable[[Path], Path], start: float, what: str
) -> None:
    path = make(tmp_path / "a.wav")
    with pytest.raises(SongdeskError, match=what) as caught:
        heard(path, start)
    assert caught.value.where == str(path)
    assert caught.value.hint
    assert len(str(caught.value).splitlines()) == 1


def test_a_silent_beginning_can_be_left_out_by_another_start(tmp_path: Path) -> None:
    samples = np.concatenate([tones(10, 300, 300, level=0), tones(2, 300, 300)])
    path = save(tmp_path / "a.wav", samples)
    with pytest.raises(SongdeskError, match="prompt_start"):
        heard(path)
    assert heard(path, start=10.0).mix.shape == (2, 2 * RATE)


def test_a_flac_cut_in_half_is_damaged(tmp_path: Path) -> None:
    path = save(tmp_path / "a.flac", music(4))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(SongdeskError, match=r"damaged|breaks off") as caught:
        heard(path)
    assert caught.value.where == str(path)


def test_a_window_before_the_file_is_a_mistake_of_ours(tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        heard(save(tmp_path / "a.wav", tones(2, 200)), start=-1.0)


def test_of_half_an_hour_only_the_window_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, seconds = tmp_path / "long.wav", 1800
    with soundfile.SoundFile(path, "w", RATE, 1, subtype="PCM_16") as file:
        file.write(np.zeros(1, np.int16))
    header = bytearray(path.read_bytes()[:-2])
    header[-4:] = (2 * seconds * RATE).to_bytes(4, "little")
    with path.open("wb") as sparse:
        sparse.write(header)
        sparse.seek(len(header) + 2 * 1500 * RATE)
        sparse.write((tones(10, 330) * 32_767).astype("<i2").tobytes())
        sparse.truncate(len(header) + 2 * seconds * RATE)
    counts: list[int] = []
    honest = soundfile.SoundFile.read

    def counting(self: soundfile.SoundFile, *args: object, **more: object) -> object:
        samples = honest(self, *args, **more)
        counts.append(len(samples))
        return samples

    monkeypatch.setattr(soundfile.SoundFile, "read", counting)
    mix = heard(path, start=1500.0).mix
    assert sum(counts) == 10 * RATE
    assert pitch(mix[0]) == pytest.approx(330, rel=1e-4)


def test_stems_beside_a_recording_are_used_as_they_are(tmp_path: Path) -> None:
    vocal, backing = music(2, seed=2), music(2, seed=3)
    recording = heard(save_with_stems(tmp_path / "a.wav", vocal, backing))
    assert recording.stems is not None
    assert torch.equal(recording.stems[0], as_heard(vocal))
    assert torch.equal(recording.stems[1], as_heard(backing))
    assert torch.equal(recording.mix, as_heard(vocal + backing))
    assert any("stems" in note for note in recording.notes)


def test_a_recording_alone_has_no_stems(tmp_path: Path) -> None:
    recording = heard(save(tmp_path / "a.wav", music(10)))
    assert recording.stems is None
    assert recording.notes == ()


def test_stems_of_other_rates_and_formats_keep_pitch_and_the_length_of_the_mix(tmp_path: Path) -> None:
    save(tmp_path / "x.wav", tones(3, 500, 500))
    save(tmp_path / "x_vocal.wav", tones(3, 440, rate=44_100), 44_100)
    save(tmp_path / "x_bgm.flac", tones(3, 660, 880, rate=96_000), 96_000)
    stems = heard(tmp_path / "x.wav").stems
    assert stems is not None
    vocal, backing = stems
    assert vocal.shape == backing.shape == (2, 3 * RATE)
    assert pitch(vocal[1]) == pytest.approx(440, rel=1e-4)
    assert [pitch(side) for side in backing] == pytest.approx([660, 880], rel=1e-4)


def test_stems_are_cut_to_the_window_of_the_recording(tmp_path: Path) -> None:
    vocal, backing = music(13, seed=2), music(13, seed=3)
    recording = heard(save_with_stems(tmp_path / "a.wav", vocal, backing), start=2.5)
    assert recording.stems is not None
    window = slice(120_000, 120_000 + 10 * RATE)
    assert torch.equal(recording.stems[0], as_heard(vocal[window]))
    assert torch.equal(recording.stems[1], as_heard(backing[window]))


@pytest.mark.parametrize("apart", [-0.04, 0.04])
def test_stems_whose_length_is_nearly_right_are_fitted(tmp_path: Path, apart: float) -> None:
    vocal = music(3 + apart, seed=2)
    save(tmp_path / "a.wav", music(3))
    save(tmp_path / "a_vocal.wav", vocal)
    save(tmp_path / "a_bgm.wav", music(3, seed=3))
    stems = heard(tmp_path / "a.wav").stems
    assert stems is not None
    kept = min(len(vocal), 3 * RATE)
    assert stems[0].shape == (2, 3 * RATE)
    assert torch.equal(stems[0][:, :kept], as_heard(vocal[:kept]))
    assert not stems[0][:, kept:].any()


@pytest.mark.parametrize("stem", ["vocal", "bgm"])
@pytest.mark.parametrize("seconds", [2.9, 3.1, 8.0])
def test_stems_of_another_length_are_refused_with_both_lengths(
    tmp_path: Path, stem: str, seconds: float
) -> None:
    path = save_with_stems(tmp_path / "a.wav", music(3, seed=2), music(3, seed=3))
    other = save(tmp_path / f"a_{stem}.wav", music(seconds))
    with pytest.raises(SongdeskError, match=rf"{seconds:.2f} s long, and a\.wav is 3\.00 s") as caught:
        heard(path)
    assert caught.value.where == str(other)
    assert "remove them" in caught.value.hint


@pytest.mark.parametrize(("here", "missing"), [("vocal", "bgm"), ("bgm", "vocal")])
def test_one_stem_without_the_other_is_refused_and_the_missing_one_named(
    tmp_path: Path, here: str, missing: str
) -> None:
    path = save(tmp_path / "a.wav", music(2))
    lonely = save(tmp_path / f"a_{here}.flac", music(2))
    with pytest.raises(SongdeskError, match=rf"without a_{missing}\.flac") as caught:
        heard(path)
    assert caught.value.where == str(lonely)


def test_a_damaged_stem_is_named_and_not_its_recording(tmp_path: Path) -> None:
    path = save_with_stems(tmp_path / "a.wav", music(2, seed=2), music(2, seed=3))
    (tmp_path / "a_bgm.wav").write_bytes(b"no sound")
    with pytest.raises(SongdeskError, match="damaged") as caught:
        heard(path)
    assert caught.value.where == str(tmp_path / "a_bgm.wav")


def test_an_instrumental_may_have_a_silent_vocal(tmp_path: Path) -> None:
    recording = heard(save_with_stems(tmp_path / "a.wav", 0 * music(2), music(2)))
    assert recording.stems is not None
    assert not recording.stems[0].any()
