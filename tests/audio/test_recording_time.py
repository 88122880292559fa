"""Where a recording's sound lies on its own line of time, by every ffmpeg: late, behind holes, cut out."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audioset_tools.audio import segment
from audioset_tools.audio.ffmpeg import FILLED_S, LONGEST_S, Media
from audioset_tools.audio.recording import Block, decode_all
from audioset_tools.audio.segment import decode_segment
from tests.audio.test_ffmpeg_time import BUILDS, RATE, chosen, ffmpeg, tone


@pytest.fixture(params=BUILDS, ids=lambda name: name.split("/")[-1])
def build(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(segment, "_decode_in_process", lambda *_: None)
    yield from chosen(request.param, monkeypatch)


def timed(folder: Path, suffix: str, stamps: str, begins_s: float = 0) -> Path:
    """A tone of 6 s whose time stamps (PTS, in units of TB) are changed."""
    codec = {"mka": "flac", "webm": "libopus", "m4a": "aac", "ts": "aac", "ogg": "libopus"}[suffix]
    soundfile.write(folder / "tone.wav", tone(6, 48_000), 48_000)
    ffmpeg("-i", str(folder / "tone.wav"), "-c:a", codec, str(folder / f"plain.{suffix}"))
    words = ["-itsoffset", str(begins_s), "-i", str(folder / f"plain.{suffix}"), "-c", "copy"]
    ffmpeg(*words, "-bsf:a", f"setts=ts={stamps}", str(folder / f"it.{suffix}"))
    return folder / f"it.{suffix}"


def heard(path: Path) -> tuple[list[Block], list[str]]:
    notes: list[str] = []
    return list(decode_all(path, notes.append)), notes


def spans(blocks: list[Block]) -> list[tuple[float, float]]:
    """From when to when there is sound, in seconds; what is silent for less than half a second counts."""
    found: list[list[float]] = []
    for block in blocks:
        for at in (block.start + np.flatnonzero(np.abs(block.samples) > 1_000)) / RATE:
            if found and at - found[-1][1] < 0.5:
                found[-1][1] = at
            else:
                found.append([at, at])
    return [(first, last) for first, last in found]


@pytest.mark.parametrize("suffix", ["mka", "webm", "m4a"])
def test_a_recording_is_heard_at_the_times_at_which_a_clip_is_cut(
    suffix: str, build: str, tmp_path: Path
) -> None:
    path = timed(tmp_path, suffix, r"if(gte(PTS*TB\,5)\,PTS+2/TB\,PTS)", begins_s=3)
    blocks, notes = heard(path)
    samples = np.concatenate([block.samples for block in blocks])
    clip = decode_segment(Media(path), 0, 10_000).samples
    # At the end of the clip a resampler hears an end or what comes next.
    np.testing.assert_array_equal(samples[: len(clip) - 800], clip[:-800])
    np.testing.assert_allclose(samples[len(clip) - 800 : len(clip) - 160], clip[-800:-160], rtol=0, atol=1)
    (one, other) = spans(blocks)
    assert (*one, *other) == pytest.approx((3, 5, 7, 11), abs=0.1)
    assert notes == [] and blocks[0].start == 0


@pytest.mark.parametrize("hole", [FILLED_S - 1, FILLED_S + 3.25, 3_600, 500_000])
def test_a_hole_of_any_length_is_passed_over(hole: float, build: str, tmp_path: Path) -> None:
    path = timed(tmp_path, "mka", rf"if(gte(PTS*TB\,2)\,PTS+{hole}/TB\,PTS)")
    blocks, notes = heard(path)
    (one, other) = spans(blocks)
    assert (*one, *other) == pytest.approx((0, 2, 2 + hole, 6 + hole), abs=0.15)
    assert sum(len(block.samples) for block in blocks) <= (6.1 + FILLED_S) * RATE
    breaks = [block for last, block in pairwise(blocks) if block.start > end(last)]
    assert len(breaks) == (hole > FILLED_S) == len(notes)
    # On either side of it there is silence for as long as a window.
    for block in breaks:
        assert other[0] - block.start / RATE >= 9.9


def end(block: Block) -> int:
    return block.start + len(block.samples)


def test_what_was_cut_out_of_a_longer_recording_keeps_its_time(build: str, tmp_path: Path) -> None:
    blocks, notes = heard(timed(tmp_path, "mka", "PTS", begins_s=5_400))
    ((first, last),) = spans(blocks)
    assert (first, last) == pytest.approx((5_400, 5_406), abs=0.01)
    assert blocks[0].start == 0 and notes == ["its time stamps leave out 1:30 h, which are taken for silence"]


@pytest.mark.parametrize("suffix", ["ts", "ogg"])
def test_where_stamps_begin_at_any_number_they_are_counted_from_there(
    suffix: str, build: str, tmp_path: Path
) -> None:
    blocks, notes = heard(timed(tmp_path, suffix, "PTS", begins_s=700))
    ((first, last),) = spans(blocks)
    assert (first, last) == pytest.approx((0, 6), abs=0.1) and notes == []


def test_a_stamp_of_no_recording_is_passed_over(build: str, tmp_path: Path) -> None:
    far = 2 * LONGEST_S
    blocks, _ = heard(timed(tmp_path, "mka", rf"if(gte(PTS*TB\,2)\,PTS+{far}/TB\,PTS)"))
    ((first, last),) = spans(blocks)
    assert (first, last) == pytest.approx((0, 6), abs=0.15)


def test_stamps_that_run_back_lose_no_sound(build: str, tmp_path: Path) -> None:
    content = bytearray(timed(tmp_path, "mka", "PTS").read_bytes())
    # The time stamp of the second cluster, in milliseconds: id E7 behind the id 1F43B675 and a size.
    second = content.index(b"\x1f\x43\xb6\x75", content.index(b"\x1f\x43\xb6\x75") + 4)
    at = content.index(b"\xe7", second + 4)
    size = content[at + 1] & 0x7F
    content[at + 2 : at + 2 + size] = bytes(size)
    (tmp_path / "it.mka").write_bytes(content)
    blocks, _ = heard(tmp_path / "it.mka")
    assert end(blocks[-1]) == pytest.approx(6 * RATE, abs=0.2 * RATE)


@pytest.mark.parametrize("suffix", ["mp3", "flac", "m4a"])
def test_a_cover_that_is_no_picture_is_no_damage_and_damage_is_told_beside_it(
    suffix: str, build: str, tmp_path: Path
) -> None:
    soundfile.write(tmp_path / "tone.wav", tone(6, 48_000), 48_000)
    ffmpeg("-f", "lavfi", "-i", "color=s=16x16", "-frames:v", "1", str(tmp_path / "it.png"))
    words = ["-i", str(tmp_path / "tone.wav"), "-i", str(tmp_path / "it.png"), "-map", "0", "-map", "1"]
    path = tmp_path / f"it.{suffix}"
    ffmpeg(*words, "-c:v", "copy", "-disposition:v", "attached_pic", str(path))
    content = path.read_bytes().replace(b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0\0\x10JF", 1)
    path.write_bytes(content)
    blocks, notes = heard(path)
    assert b"\xff\xd8\xff\xe0\0\x10JF" in content and notes == []
    assert end(blocks[-1]) == pytest.approx(6 * RATE, abs=0.1 * RATE)
    # What the sound is in: its second half is behind the cover, or before an index.
    at = len(content) // 2 if suffix == "m4a" else len(content) * 3 // 4
    path.write_bytes(content[:at] + bytes(1_000) + content[at + 1_000 :])
    _, (note,) = heard(path)
    assert note.startswith("it is damaged or cut off")
