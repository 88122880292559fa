"""What a clip was decoded from: kept under the suffix of its form, and found changed."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audioset_tools.audio import kept
from audioset_tools.audio.ffmpeg import Media
from audioset_tools.audio.kept import decode_kept, keep_source, source_trouble
from audioset_tools.exceptions import DataMismatch
from audioset_tools.types import KeptSource

WEBM = b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm" + bytes(100)


@pytest.mark.parametrize(
    ("content", "suffix"),
    [(WEBM, "webm"), (WEBM.replace(b"webm", b"matr"), "mka"), (bytes(4) + b"ftypM4A " + bytes(99), "m4a"),
     (b"OggS" + bytes(99), "ogg"), (b"RIFF" + bytes(99), "wav"), (b"ID3" + bytes(99), "mp3"),
     (b"\xff\xfb\x90\x00" + bytes(99), "mp3"), (b"fLaC", "flac"), (b"../../x", "bin"), (b"", "bin")],
)  # fmt: skip
def test_the_suffix_tells_the_form(content: bytes, suffix: str, tmp_path: Path) -> None:
    (tmp_path / "it").write_bytes(content)
    for media in (Media(content), Media(tmp_path / "it")):
        found = keep_source(media, tmp_path / "sources" / "Yabc_0")
        assert found is not None
        path, sha256 = found
        assert (path.name, path.read_bytes()) == (f"Yabc_0.{suffix}", content)
        assert source_trouble(path, sha256, deep=True) == (None if content else "is empty")
        path.write_bytes(b"other")
        assert source_trouble(path, sha256, deep=False) is None
        assert source_trouble(path, sha256, deep=True) == "has changed since it was written"


def test_an_address_and_a_whole_video_are_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST_BYTES", 10)
    (tmp_path / "it").write_bytes(bytes(11))
    for media in (Media("https://example.org/it"), Media(bytes(11)), Media(tmp_path / "it")):
        assert keep_source(media, tmp_path / "sources" / "Yabc_0") is None
    assert not (tmp_path / "sources").exists()


def test_what_was_kept_gives_the_segment_at_another_rate(tmp_path: Path) -> None:
    time = np.arange(12 * 48_000) / 48_000
    soundfile.write(tmp_path / "it.flac", 0.3 * np.sin(2 * np.pi * 14_000 * time) * (time >= 1), 48_000)
    kept = KeptSource("it.flac", hashlib.sha256((tmp_path / "it.flac").read_bytes()).hexdigest(), 29_000)
    sound = decode_kept(tmp_path / "it.flac", kept, 30_000, 40_000, 32_000)
    assert (sound.samples.shape, sound.seconds) == ((320_000,), 10.0)
    power = np.abs(np.fft.rfft(sound.samples / 32768)) ** 2
    assert power.argmax() == 140_000 and np.abs(sound.samples[:32]).max() > 5_000


def test_what_was_kept_and_is_no_sound_is_said(tmp_path: Path) -> None:
    (tmp_path / "it.bin").write_bytes(b"no sound")
    kept = KeptSource("it.bin", hashlib.sha256(b"no sound").hexdigest(), 0)
    with pytest.raises(DataMismatch, match="cannot be decoded again"):
        decode_kept(tmp_path / "it.bin", kept, 0, 10_000, 32_000)
