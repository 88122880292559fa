"""What ffmpeg says, as other builds and versions say it."""

import pytest

from audioset_tools.audio.messages import (
    NO_SOUND,
    complaints_of_sound,
    form_of,
    holes_of,
    rate_of,
    shortened,
    stated_seconds,
    summed_up,
    without_packets,
)

NOTES = """[info] Input #0, mov,mp4,m4a,3gp,3g2,mj2, from 'file:/dev/stdin':
[info]   Duration: 01:02:03.50, start: 0.000000, bitrate: 128 kb/s
[info]   Stream #0:1[0x2](und): Audio: aac (LC) (mp4a / 0x6134706D), 44100 Hz, stereo, fltp (default)
"""


def test_container_codec_rate_and_length_are_read() -> None:
    assert (rate_of(NOTES), stated_seconds(NOTES)) == (44_100, 3_723.5)
    assert form_of(NOTES) == "mp4/aac 44100 Hz 3723.50 s"
    assert stated_seconds(f"Estimating duration from bitrate\n{NOTES}") is None


@pytest.mark.parametrize("notes", ["", "[info] Input #0, wav", NOTES.replace("44100 Hz, ", "")])
def test_what_is_not_told_is_not_known(notes: str) -> None:
    assert rate_of(notes) is None and form_of(notes) == ""


def test_what_may_not_be_read_is_told_in_a_line() -> None:
    said = shortened(b"[hls @ 0x1] [error] Format not on whitelist 'aac,ac3'\n[error] x: Invalid argument\n")
    assert NO_SOUND.search(said) and "aac" not in said
    assert summed_up(said).startswith("it is a playlist, a script or a picture, and no recording; ")


TOLD = """\
[png @ 0x1] [error] Invalid PNG signature 0xFFD8FFE000104A46.
[flac @ 0x2] [error] Could not read mimetype from an attached picture.
[in#0/flac @ 0x3] [warning] Could not find codec parameters for stream 1 (Video: png, none)
[info] Input #0, flac, from 'file:/dev/stdin':
[info]   Duration: 00:00:12.10, start: 0.000000, bitrate: 91 kb/s
[info]   Stream #0:0: Audio: flac, 8000 Hz, mono, s16
[info]   Stream #0:1: Video: png, none, 90k tbr, 90k tbn (attached pic)
[info] Stream mapping:
[info]   Stream #0:0 (flac) -> aselect:default
[vist#0:1/png @ 0x4] [dec:png @ 0x5] [error] Error submitting packet to decoder: Invalid data
[flac @ 0x2] [error] stream 1, offset 0x30: partial file
[f32le @ 0x6] [error] Application provided invalid, non monotonically increasing dts to muxer
"""


def test_what_is_wrong_with_a_picture_is_no_complaint_of_the_sound() -> None:
    assert complaints_of_sound(TOLD) == []


@pytest.mark.parametrize(
    "line",
    ["[flac @ 0x7] [error] invalid residual",
     "[aist#0:0/flac @ 0x7] [dec:flac @ 0x8] [error] Error submitting packet to decoder: Invalid data",
     "[error] Error while decoding stream #0:0: Invalid data found when processing input",
     "[in#0/flac @ 0x3] [error] Error during demuxing: Invalid data found when processing input",
     "[flac @ 0x2] [warning] Packet corrupt (stream = 0, dts = NOPTS)."],
)  # fmt: skip
def test_what_is_wrong_with_the_sound_is_one(line: str) -> None:
    (words,) = complaints_of_sound(f"{TOLD}{line}\n")
    assert line.endswith(words)
    assert (without_packets([words]) == []) == ("corrupt" in line)


def test_before_anything_was_opened_every_complaint_counts() -> None:
    said = "[mov @ 0x1] [error] moov atom not found\n[error] file:/dev/stdin: Invalid data found\n"
    assert complaints_of_sound(said) == ["moov atom not found", "file:/dev/stdin: Invalid data found"]


def test_holes_are_what_the_filter_printed_and_nothing_that_a_file_says() -> None:
    said = (
        "[Eval @ 0x7f] [info] 10.013500\n[Eval @ 0x7f] [info] 60.000500\n[info] 80.000000\n[info] 30.500000\n"
    )
    assert holes_of(said) == [(10.0135, 60.0005), (80.0, 30.5)]
    assert holes_of("[info]     title           : 10.000000\n                  : 60.000000\n") == []
    assert holes_of("[info]   Duration: 00:00:20.01, start: 0.007000\n[info] 1.000000\n") == []
