"""Nothing that a library finds odd about a file reaches the screen."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import soundfile

from tests.audio.test_ffmpeg_time import ffmpeg

DECODE = """
import hashlib, sys
import numpy as np
from contextlib import suppress
from pathlib import Path
from random import Random
from audioset_tools.audio import libav, segment
from audioset_tools.audio.clip import read_clip
from audioset_tools.audio.ffmpeg import Decoded, DecodeError, Media
from audioset_tools.exceptions import DataMismatch

random = Random(1)
# As other processes, of which nothing reaches this one's screen.
segment.decode_by_ffmpeg = lambda *_, **__: Decoded(np.zeros((0, 2), np.float32), "", "")
segment.first_sound_ms = lambda *_: None
given = 0
for path in sorted(Path(sys.argv[1]).iterdir()):
    whole = path.read_bytes()
    for number in range(60):
        content = bytearray(whole)
        for _ in range(random.choice((1, 5, 20))):
            at = random.randrange(len(content))
            content[at : at + random.choice((1, 1, 1, 300))] = bytes([random.randrange(256)])
        for way in ("pyav", "none"):
            known, libav.pyav = libav.pyav, libav.pyav if way == "pyav" else lambda: None
            with suppress(DecodeError):
                given += segment.decode_segment(Media(bytes(content)), 0, 1_000).seconds > 0
            libav.pyav = known
        path.write_bytes(content)
        with suppress(DataMismatch):
            read_clip(path, hashlib.sha256(content).hexdigest())
print(given)
"""


def test_damaged_files_are_decoded_without_a_word(tmp_path: Path) -> None:
    noise = 0.1 * np.random.default_rng(0).standard_normal(2 * 16_000)
    for suffix in ("wav", "flac", "mp3", "ogg", "aiff", "caf"):
        soundfile.write(tmp_path / f"it.{suffix}", noise, 16_000)
    for suffix in ("m4a", "webm"):
        codec = {"m4a": "aac", "webm": "libopus"}[suffix]
        ffmpeg("-i", str(tmp_path / "it.wav"), "-c:a", codec, str(tmp_path / f"it.{suffix}"))
    done = subprocess.run(
        [sys.executable, "-c", DECODE, str(tmp_path)], capture_output=True, text=True, timeout=110, check=True
    )
    assert done.stderr == ""
    assert int(done.stdout) > 50
