"""ffmpeg as a process: what becomes of one that does not end."""

from pathlib import Path

import pytest

from audioset_tools.audio import ffmpeg
from audioset_tools.audio.ffmpeg import DecodeError, DecodeFault, Media
from audioset_tools.audio.segment import decode_segment


def test_an_ffmpeg_that_hangs_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hanging = tmp_path / "ffmpeg"
    hanging.write_text("#!/bin/sh\nexec sleep 60\n")
    hanging.chmod(0o755)
    ffmpeg._resampler()
    monkeypatch.setattr(ffmpeg, "ffmpeg_binary", lambda: str(hanging))
    with pytest.raises(DecodeError) as caught:
        decode_segment(Media(b"x"), 0, 10_000, timeout=0.2)
    assert caught.value.fault is DecodeFault.TIMEOUT
