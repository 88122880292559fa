"""Headers that lie about rate, channels and length: refused within the memory and time of an honest file."""

import io
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audioset_tools.audio.ffmpeg import RATES
from tests.audio.test_ffmpeg_time import BUILDS, chosen

NOISE = (0.1 * np.random.default_rng(0).standard_normal(16_000)).astype(np.float32)


@pytest.fixture(params=BUILDS, ids=lambda name: name.split("/")[-1])
def build(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    yield from chosen(request.param, monkeypatch)


def written(kind: str, subtype: str = "PCM_16") -> bytearray:
    file = io.BytesIO()
    soundfile.write(file, NOISE, 8_000, format=kind, subtype=subtype)
    return bytearray(file.getvalue())


def wav(rate: int = 8_000, channels: int = 1, length: int | None = None) -> bytes:
    content = written("WAV")
    struct.pack_into("<HI", content, 22, channels, rate)
    struct.pack_into("<IHH", content, 28, 2 * channels * rate & 0xFFFFFFFF, 2 * channels & 0xFFFF, 16)
    if length is not None:
        content[content.index(b"data") + 4 :][:4] = struct.pack("<I", length)
    return bytes(content)


def au(rate: int = 8_000, channels: int = 1) -> bytes:
    content = written("AU")
    struct.pack_into(">II", content, 16, rate, channels)
    return bytes(content)


def aiff(rate: int) -> bytes:
    content = written("AIFF")
    at = content.index(b"COMM") + 16
    # 80 bits of a float: the exponent and the mantissa, whose first bit is not implied.
    content[at : at + 10] = struct.pack(">HQ", 16_382 + rate.bit_length(), rate << 64 - rate.bit_length())
    return bytes(content)


def caf(rate: float) -> bytes:
    content = written("CAF")
    struct.pack_into(">d", content, content.index(b"desc") + 12, rate)
    return bytes(content)


def w64(rate: int) -> bytes:
    content = written("W64")
    struct.pack_into("<I", content, content.index(struct.pack("<I", 8_000)), rate)
    return bytes(content)


def flac(rate: int, samples: int = 16_000) -> bytes:
    content = written("FLAC")
    # Rate (20 bits), channels and width (8), number of samples (36).
    known = int.from_bytes(content[18:26], "big") >> 36 & 0xFF
    content[18:26] = (rate << 44 | known << 36 | samples).to_bytes(8, "big")
    return bytes(content)


def ogg(rate: int) -> bytes:
    content = written("OGG", "VORBIS")
    struct.pack_into("<I", content, content.index(b"\x01vorbis") + 12, rate)
    page = content[: content.index(b"OggS", 4)]
    page[22:26] = bytes(4)
    digest = 0
    for byte in page:
        digest ^= byte << 24
        for _ in range(8):
            digest = (digest << 1 ^ (0x04C11DB7 if digest >> 31 else 0)) & 0xFFFFFFFF
    struct.pack_into("<I", content, 22, digest)
    return bytes(content)


LIES: dict[str, bytes] = {
    "wav of 1 Hz": wav(1),
    "wav of 999 Hz": wav(999),
    "wav of 2 GHz": wav(2**31 - 1),
    "wav of 4 GHz": wav(2**32 - 1),
    "wav of 0 Hz": wav(0),
    "wav of 65,535 channels": wav(channels=65_535),
    "wav of no channel": wav(channels=0),
    "wav of 4 GB": wav(rate=1, length=2**32 - 2),
    "au of 1 Hz": au(1),
    "au of 4 billion channels": au(channels=2**32 - 1),
    "aiff of 1 Hz": aiff(1),
    "aiff of 2 GHz": aiff(2**31 - 1),
    "caf of 1 Hz": caf(1.0),
    "caf of no number": caf(float("nan")),
    "caf of 1e300 Hz": caf(1e300),
    "w64 of 1 Hz": w64(1),
    "ogg of 1 Hz": ogg(1),
}

# Each way to decode a file: what it came to; and the most that this process and one of ffmpeg took, in KiB.
DECODE = """
import re, resource, sys
from pathlib import Path
from audioset_tools.audio.ffmpeg import DecodeError, Media, decode_by_ffmpeg
from audioset_tools.audio.recording import decode_all
from audioset_tools.audio.segment import decode_segment

resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
for path in sorted(Path(sys.argv[1]).iterdir()):
    ways = [lambda: sum(len(block.samples) for block in decode_all(path, lambda _: None))]
    if path.name.startswith(("wav", "it", "low", "high")):
        ways.append(lambda: decode_segment(Media(path), 0, 2_000).seconds)
    for decode in ways:
        try:
            print(path.name, "gave", decode())
        except DecodeError as error:
            print(path.name, "refused", error.message)
# Not rusage's own: what the process had in memory that started this one counts there.
own = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())
print("most", own[1])
print("most", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def decoded(folder: Path) -> tuple[list[str], list[int]]:
    done = subprocess.run(
        [sys.executable, "-c", DECODE, str(folder)], capture_output=True, text=True, timeout=110, check=True
    )
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    return lines[:-2], [int(line.removeprefix("most ")) // 1024 for line in lines[-2:]]


def test_a_lie_takes_no_memory(build: str, tmp_path: Path) -> None:
    for name, content in LIES.items():
        (tmp_path / name).write_bytes(content)
    lines, most = decoded(tmp_path)
    assert len(lines) == len(LIES) + sum(name.startswith("wav") for name in LIES)
    assert [line for line in lines if " gave " in line] == []
    assert max(most) < 200


def test_a_recording_whose_stamps_leap_is_no_endless_silence(build: str, tmp_path: Path) -> None:
    """A FLAC that says 10 Hz, of frames at 8,000: its stamps lie minutes apart, and the gaps are filled."""
    (tmp_path / "it.flac").write_bytes(flac(10, 2**36 - 1))
    lines, most = decoded(tmp_path)
    assert len(lines) == 2
    assert max(most) < 300


@pytest.mark.parametrize("make", [wav, aiff], ids=["wav", "aiff"])
def test_the_lowest_and_the_highest_rate_are_read(
    make: Callable[[int], bytes], build: str, tmp_path: Path
) -> None:
    (tmp_path / "low").write_bytes(make(RATES[0]))
    (tmp_path / "high").write_bytes(make(RATES[-1] - 1))
    lines, most = decoded(tmp_path)
    assert [line for line in lines if line.startswith("low")] == ["low gave 256000", "low gave 2.0"]
    assert [line for line in lines if line.startswith("high gave")]
    assert max(most) < 500
