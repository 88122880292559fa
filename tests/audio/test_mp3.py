"""The heads of an MP3's frames: known, and followed from one to the next."""

import io

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.audio.mp3 import frame_bytes

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
