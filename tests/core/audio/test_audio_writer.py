"""Writing sound: a preview that grows, files that give back what went in, and a guard against clipping."""

import hashlib
import os
import struct
import time
import tracemalloc
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from core.audio import encode
from core.audio.files import info, read
from core.audio.truepeak import TruePeak
from core.audio.writer import CEILING, AudioWriter, Depth, Format, guard_gain
from tests.core.audio.tones import KINDS, Samples, between_samples, names, noise, tone, write

FIXED = [(kind, depth) for kind, depth in KINDS if (kind, depth) != ("wav", "float")]
each_kind = pytest.mark.parametrize(("kind", "depth"), KINDS)
each_fixed_kind = pytest.mark.parametrize(("kind", "depth"), FIXED)
TENTH_OF_A_DECIBEL = 10 ** (0.1 / 20)


def true_peak_of(path: Path) -> float:
    meter = TruePeak()
    meter.push(read(path)[0])
    return meter.value


@each_kind
def test_the_preview_holds_the_samples_so_far_after_every_block(
    tmp_path: Path, kind: Format, depth: Depth
) -> None:
    samples = tone(level=1.7)
    spool = tmp_path / "other" / "preview.wav"
    with AudioWriter(tmp_path / "a", format=kind, depth=depth, spool=spool) as writer:
        assert soundfile.info(spool).frames == 0
        for start in range(0, samples.shape[1], 7000):
            writer.write(samples[:, start : start + 7000])
            preview, rate = soundfile.read(spool, dtype="float32")
            assert rate == 48_000
            assert np.array_equal(preview.T, samples[:, : start + 7000])
            sizes = spool.read_bytes()[:58]
            assert struct.unpack("<I", sizes[4:8])[0] == spool.stat().st_size - 8
            assert struct.unpack("<I", sizes[46:50])[0] == writer.frames
            assert struct.unpack("<I", sizes[54:58])[0] == spool.stat().st_size - 58
        assert not (tmp_path / "a").exists()
    assert (names(tmp_path), names(spool.parent)) == (["a", "other"], [])


def test_a_player_that_opened_the_preview_keeps_what_it_opened(tmp_path: Path) -> None:
    with AudioWriter(tmp_path / "a.wav", format="wav") as writer:
        writer.write(tone())
        player = soundfile.SoundFile(writer.spool)
        writer.write(tone())
    with player:
        assert np.array_equal(player.read(dtype="float32").T, tone())


def test_without_a_place_for_the_preview_it_is_hidden_beside_the_file(tmp_path: Path) -> None:
    with AudioWriter(tmp_path / "a.flac", format="flac") as writer:
        writer.write(tone())
        assert writer.spool.parent == tmp_path
        assert all(name.startswith(".") for name in names(tmp_path))
        assert np.array_equal(read(writer.spool)[0], tone())
    assert names(tmp_path) == ["a.flac"]


@each_kind
def test_an_old_preview_is_overwritten(tmp_path: Path, kind: Format, depth: Depth) -> None:
    spool = tmp_path / "preview.wav"
    spool.write_bytes(b"left by a killed process" * 100_000)
    with AudioWriter(tmp_path / "a", format=kind, depth=depth, spool=spool) as writer:
        writer.write(tone())
        assert np.array_equal(read(spool)[0], tone())
    once = write(tmp_path / "b", tone(), kind, depth=depth)
    assert writer.sha256 == once.sha256
    assert names(tmp_path) == ["a", "b"]


@pytest.mark.skipif(
    not Path("/dev/shm").is_dir() or Path("/dev/shm").stat().st_dev == Path("/tmp").stat().st_dev,
    reason="there is no second file system",
)
@each_kind
def test_the_preview_may_lie_on_another_disk(tmp_path: Path, kind: Format, depth: Depth) -> None:
    spool = Path("/dev/shm") / f"songdesk-test-{os.getpid()}" / "preview.wav"
    try:
        with AudioWriter(tmp_path / "a", format=kind, depth=depth, spool=spool) as writer:
            writer.write(tone())
        assert names(spool.parent) == []
    finally:
        spool.unlink(missing_ok=True)
        spool.parent.rmdir()
    assert writer.sha256 == write(tmp_path / "b", tone(), kind, depth=depth).sha256
    assert names(tmp_path) == ["a", "b"]


def test_float_wav_gives_back_every_bit_even_beyond_full_scale(tmp_path: Path) -> None:
    samples = tone(level=1.7)
    writer = write(tmp_path / "a.wav", samples, "wav")
    again, rate = read(tmp_path / "a.wav")
    assert rate == 48_000
    assert np.array_equal(again, samples)
    assert writer.gain == 1
    assert writer.peak == pytest.approx(1.7, abs=1e-3)
    assert writer.frames == samples.shape[1]
    assert b"PEAK" not in (tmp_path / "a.wav").read_bytes()[:100]


@pytest.mark.parametrize(("kind", "depth"), [("wav", "24"), ("flac", "float")])
def test_24_bits_are_exact_to_half_a_step(tmp_path: Path, kind: Format, depth: Depth) -> None:
    samples = noise(20_000, level=0.3)
    writer = write(tmp_path / "a", samples, kind, depth=depth)
    again, _ = soundfile.read(tmp_path / "a", dtype="float64")
    assert writer.gain == 1
    assert np.abs(again.T - samples).max() <= 2.0**-24
    assert soundfile.info(tmp_path / "a").subtype == "PCM_24"


def test_16_bits_carry_what_is_smaller_than_a_step(tmp_path: Path) -> None:
    samples = np.full((2, 200_000), 0.3 / 32_768, np.float32)
    writer = write(tmp_path / "a.wav", samples, "wav", depth="16")
    again, _ = soundfile.read(tmp_path / "a.wav", dtype="int16")
    assert writer.gain == 1
    assert soundfile.info(tmp_path / "a.wav").subtype == "PCM_16"
    assert again.mean(axis=0) == pytest.approx([0.3, 0.3], abs=0.01)
    assert np.abs(again).max() == 1
    assert abs(np.corrcoef(again.T)[0, 1]) < 0.02


def test_the_noise_of_dither_does_not_depend_on_the_sound(tmp_path: Path) -> None:
    for level in (0.0, 0.2, 0.5):
        samples = np.full((2, 100_000), (1000 + level) / 32_768, np.float32)
        write(tmp_path / "a.wav", samples, "wav", depth="16")
        error = soundfile.read(tmp_path / "a.wav", dtype="int16")[0] - (1000 + level)
        assert error.var() == pytest.approx(1 / 4, abs=0.01)  # a third of triangles, a twelfth of rounding


def test_the_noise_of_dither_depends_on_the_place_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = write(tmp_path / "a.wav", tone(), "wav", depth="16")
    monkeypatch.setattr(encode, "_PIECE", 1002)
    assert write(tmp_path / "b.wav", tone(), "wav", depth="16").sha256 == first.sha256


def test_mp3_sounds_like_what_went_in(tmp_path: Path) -> None:
    write(tmp_path / "a.mp3", tone(), "mp3")
    again, rate = read(tmp_path / "a.mp3")
    assert rate == 48_000
    middle = slice(4000, 20_000)
    assert np.abs(again[:, middle] - tone()[:, middle]).max() < 0.02


@each_kind
def test_info_tells_what_was_written(tmp_path: Path, kind: Format, depth: Depth) -> None:
    write(tmp_path / "a", tone(), kind, depth=depth)
    facts = info(tmp_path / "a")
    assert (facts.sample_rate, facts.channels, facts.format) == (48_000, 2, kind)
    assert facts.seconds == pytest.approx(0.5, abs=0.03)


def test_another_sample_rate_is_kept(tmp_path: Path) -> None:
    with AudioWriter(tmp_path / "a", format="wav", depth="16", sample_rate=16_000) as writer:
        writer.write(tone())
        assert info(writer.spool).sample_rate == 16_000
    assert info(tmp_path / "a").sample_rate == 16_000


@each_kind
def test_no_sound_at_all_is_still_a_file(tmp_path: Path, kind: Format, depth: Depth) -> None:
    with AudioWriter(tmp_path / "a", format=kind, depth=depth) as writer:
        writer.write(np.zeros((2, 0), np.float32))
    assert (writer.frames, writer.peak, writer.true_peak, writer.gain) == (0, 0.0, 0.0, 1.0)
    assert (tmp_path / "a").exists()


def test_equal_samples_give_equal_bytes_seconds_later(tmp_path: Path) -> None:
    first = [write(tmp_path / f"1.{n}", tone(), kind, depth=depth) for n, (kind, depth) in enumerate(KINDS)]
    time.sleep(1.1)
    for number, (kind, depth) in enumerate(KINDS):
        writer = write(tmp_path / f"2.{number}", tone(), kind, depth=depth)
        written = (tmp_path / f"2.{number}").read_bytes()
        assert written == (tmp_path / f"1.{number}").read_bytes()
        assert writer.sha256 == first[number].sha256 == hashlib.sha256(written).hexdigest()


@each_kind
def test_block_boundaries_change_no_byte(
    tmp_path_factory: pytest.TempPathFactory, kind: Format, depth: Depth
) -> None:
    samples = noise(70_000)  # loud, so that a gain is used, and longer than what is encoded at once
    folder = tmp_path_factory.mktemp("blocks")
    whole = write(folder / "whole", samples, kind, depth=depth, block=70_000)

    @settings(deadline=None, max_examples=3)
    @given(cuts=st.lists(st.integers(0, 70_000), min_size=1, max_size=6))
    def check(cuts: list[int]) -> None:
        with AudioWriter(folder / "cut", format=kind, depth=depth) as writer:
            for block in np.split(samples, sorted(cuts), axis=1):
                writer.write(block)
        assert (writer.sha256, writer.gain) == (whole.sha256, whole.gain)

    check()


@pytest.mark.parametrize(("kind", "depth"), [("wav", "24"), ("wav", "16"), ("flac", "float")])
@pytest.mark.parametrize("samples", [between_samples(1.2), noise(20_000, level=3.0)], ids=["tone", "noise"])
def test_what_is_too_loud_is_turned_down_to_the_ceiling(
    tmp_path: Path, kind: Format, depth: Depth, samples: Samples
) -> None:
    writer = write(tmp_path / "a", samples, kind, depth=depth)
    gain = guard_gain(writer.true_peak)
    assert writer.gain == gain == CEILING / writer.true_peak < 1
    assert CEILING / TENTH_OF_A_DECIBEL < true_peak_of(tmp_path / "a") <= CEILING * TENTH_OF_A_DECIBEL
    step = 2 ** (1 - int(depth if depth != "float" else "24"))
    assert np.abs(read(tmp_path / "a")[0] - gain * samples).max() < 1.6 * step


def test_mp3_is_turned_down_too(tmp_path: Path) -> None:
    writer = write(tmp_path / "a", tone(level=2.0), "mp3")
    again, _ = read(tmp_path / "a")
    assert writer.gain is not None
    assert writer.gain == pytest.approx(CEILING / 2, rel=1e-3)
    assert writer.peak == pytest.approx(2.0, abs=1e-3)
    middle = slice(4000, 20_000)
    assert np.abs(again[:, middle] - tone(level=2.0 * writer.gain)[:, middle]).max() < 0.02


@each_fixed_kind
def test_what_stays_below_the_ceiling_is_left_alone(tmp_path: Path, kind: Format, depth: Depth) -> None:
    assert write(tmp_path / "a", tone(level=CEILING * 0.999), kind, depth=depth).gain == 1


def test_the_guard_gain_is_one_up_to_the_ceiling() -> None:
    assert [guard_gain(level) for level in (0.0, 0.1, CEILING)] == [1, 1, 1]
    assert guard_gain(2 * CEILING) == 0.5


def test_the_stems_of_a_song_share_one_gain_and_still_add_up(tmp_path: Path) -> None:
    parts = [tone(level=1.5), noise(24_000, level=0.2)]
    with ExitStack() as stack:
        writers = [
            stack.enter_context(AudioWriter(tmp_path / f"{n}.wav", format="wav", depth="24"))
            for n in range(len(parts))
        ]
        for writer, part in zip(writers, parts, strict=True):
            writer.write(part)
        common = guard_gain(max(writer.true_peak for writer in writers))
        for writer in writers:
            writer.gain = common
    assert [writer.gain for writer in writers] == [common, common]
    total = read(tmp_path / "0.wav")[0] + read(tmp_path / "1.wav")[0]
    assert np.abs(total - common * (parts[0] + parts[1])).max() < 2**-21


@pytest.mark.parametrize(("kind", "depth"), FIXED)
def test_a_gain_that_is_too_large_is_held_at_full_scale_and_does_not_wrap(
    tmp_path: Path, kind: Format, depth: Depth
) -> None:
    with AudioWriter(tmp_path / "a", format=kind, depth=depth) as writer:
        writer.write(tone(level=0.9))
        writer.gain = 2.0
    again, _ = read(tmp_path / "a")
    assert writer.gain == 2
    loud = tone(level=1.8)[:, 2000:20_000] > 1.5
    assert again[:, 2000:20_000][loud].min() > 0.5


def test_a_float_wav_takes_no_gain(tmp_path: Path) -> None:
    with AudioWriter(tmp_path / "a.wav", format="wav") as writer:
        writer.write(tone())
        writer.gain = 0.5
    assert writer.gain == 1
    assert np.array_equal(read(tmp_path / "a.wav")[0], tone())


def held_while_writing(path: Path, kind: Format, depth: Depth, *, blocks: int) -> int:
    """The most bytes that were allocated at once."""
    block = noise(48_000)
    tracemalloc.start()
    try:
        with AudioWriter(path, format=kind, depth=depth) as writer:
            for _ in range(blocks):
                writer.write(block)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@each_kind
def test_memory_does_not_grow_with_length(tmp_path: Path, kind: Format, depth: Depth) -> None:
    short = held_while_writing(tmp_path / "short", kind, depth, blocks=2)
    long = held_while_writing(tmp_path / "long", kind, depth, blocks=5)
    assert long < short + 100_000
