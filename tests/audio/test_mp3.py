"""The heads of an MP3's frames: known, and followed from one to the next."""

import io

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.audio.mp3 import decode_mp3, encode_mp3, frame_bytes, require_mp3

RATES = (8_000, 16_000, 22_050, 44_100, 48_000)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", RATES)
def test_frame_follows_on_frame(rate: int, channels: int) -> None:
    noise = 0.1 * np.random.default_rng(1).standard_normal((rate, channels))
    buffer = io.BytesIO()
    soundfile.write(buffer, noise, rate, format="MP3", subtype="MPEG_LAYER_III")
    data, at = buffer.getvalue(), 0
    while length := frame_bytes(data[at : at + 4]):
        at += length
    assert at == len(data)


@given(st.binary(max_size=8))
def test_whatever_it_is_it_has_a_length_or_none(head: bytes) -> None:
    assert 0 <= frame_bytes(head) < 2_000


def test_sound_comes_back_in_step_and_as_long() -> None:
    require_mp3()
    sound = np.zeros(32_000, np.int16)
    sound[8_000:8_100] = 20_000
    content = encode_mp3(sound, 32_000)
    found = decode_mp3(content)
    assert content == encode_mp3(sound, 32_000)
    assert len(found) == 32_000 and 8_000 <= np.abs(found).argmax() < 8_100


@pytest.mark.parametrize("hertz", [100, 1_000, 14_000])
def test_sound_is_as_loud_as_it_was(hertz: int) -> None:
    sound = np.rint(16_384 * np.sin(2 * np.pi * hertz * np.arange(32_000) / 32_000)).astype(np.int16)
    found = decode_mp3(encode_mp3(sound, 32_000))[8_000:24_000]
    assert np.sqrt(2 * np.mean(found**2)) == pytest.approx(0.5, rel=0.002)


def test_what_is_no_mp3_of_one_channel_is_refused() -> None:
    with pytest.raises(ValueError, match="no MP3"):
        decode_mp3(b"\0" * 1_000)
    buffer = io.BytesIO()
    soundfile.write(buffer, np.zeros((32_000, 2)), 32_000, format="MP3", subtype="MPEG_LAYER_III")
    with pytest.raises(ValueError, match="several channels"):
        decode_mp3(buffer.getvalue())
