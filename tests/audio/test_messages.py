"""What ffmpeg says, as other builds and versions say it."""

import pytest

from audioset_tools.audio.messages import NO_SOUND, form_of, rate_of, shortened, stated_seconds, summed_up

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
