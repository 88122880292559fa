"""PyAV in this process: what ffmpeg gives of the same segment, and nothing where anything is odd."""

import io
import subprocess
from fractions import Fraction
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.audio import libav
from audioset_tools.audio.stretch import Stretch

pytest.importorskip("av")

RATE = 48_000
SECONDS = 25

FORMS = {
    "opus.webm": ("matroska/opus 48000 Hz", ["-c:a", "libopus"]),
    "aac.m4a": ("mp4/aac 48000 Hz", ["-c:a", "aac"]),
    "fragments.mp4": (
        "mp4/aac 48000 Hz",
        ["-c:a", "aac", "-movflags", "+frag_keyframe+empty_moov+delay_moov"],
    ),
    "aac.mka": ("matroska/aac 48000 Hz", ["-c:a", "aac"]),
    "opus.ogg": ("ogg/opus 48000 Hz", ["-c:a", "libopus"]),
    "it.mp3": ("mp3 48000 Hz", ["-b:a", "96k"]),
}


def ffmpeg(*words: str) -> None:
    binary = str(imageio_ffmpeg.get_ffmpeg_exe())
    subprocess.run([binary, "-v", "error", "-y", *words], check=True, timeout=60, stdin=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A click each second over noise, in every form."""
    path = tmp_path_factory.mktemp("forms")
    samples = 0.02 * np.random.default_rng(1).standard_normal((SECONDS * RATE, 2))
    for second in range(SECONDS):
        samples[second * RATE : second * RATE + 48] += 0.5
    soundfile.write(path / "source.wav", samples, RATE)
    for name, (_, words) in FORMS.items():
        ffmpeg("-i", str(path / "source.wav"), *words, str(path / name))
    return path


def stretch(path: Path, start_ms: int, end_ms: int, as_bytes: bool = False) -> Stretch | None:
    content = path.read_bytes()
    assert libav.reads(content[:12])
    with io.BytesIO(content) if as_bytes else path.open("rb") as file:
        return libav.read_stretch(file, content[:12], start_ms, end_ms, seeks=not as_bytes)


@pytest.mark.parametrize("start_ms", [0, 500, 1_001, 12_345])
@pytest.mark.parametrize("name", FORMS)
def test_a_segment_begins_at_its_sample(name: str, start_ms: int, folder: Path) -> None:
    read = stretch(folder / name, start_ms, start_ms + 10_000)
    assert read is not None
    assert read.form.startswith(FORMS[name][0])
    assert read.samples.shape == (10 * RATE, 2)
    first = -start_ms % 1000 * 48
    around = [read.samples[first + second * RATE - 2_000 :][:4_000, 0] for second in range(1, 9)]
    # Matroska's time stamps are whole milliseconds, and so is what Opus leaves out at its beginning.
    assert np.median([np.argmax(piece) - 2_000 for piece in around]) == pytest.approx(24, abs=96)
    again = stretch(folder / name, start_ms, start_ms + 10_000)
    assert again is not None
    np.testing.assert_array_equal(read.samples, again.samples)


def test_bytes_are_read_through_to_the_segment(folder: Path) -> None:
    sought, through = (stretch(folder / "aac.m4a", 12_000, 22_000, as_bytes) for as_bytes in (False, True))
    assert sought is not None and through is not None
    np.testing.assert_array_equal(sought.samples, through.samples)


def test_a_sound_that_begins_late_is_preceded_by_silence(folder: Path) -> None:
    words = ["-itsoffset", "2", "-i", str(folder / "source.wav"), "-c:a", "aac"]
    ffmpeg("-f", "lavfi", "-i", "color=s=16x16:r=5:d=20", *words, "-c:v", "mpeg4", str(folder / "late.mp4"))
    read = stretch(folder / "late.mp4", 0, 10_000)
    assert read is not None
    assert not read.samples[: 2 * RATE - 2_048].any()
    assert np.abs(read.samples[2 * RATE : 2 * RATE + 480]).max() > 0.1
    assert stretch(folder / "late.mp4", 1_500, 11_500) is None


def test_what_is_odd_is_left_to_ffmpeg(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = str(folder / "source.wav")
    ffmpeg("-i", source, "-af", "aselect='not(between(t,4,6.99))'", "-fps_mode", "passthrough",
           "-c:a", "libopus", str(folder / "hole.mka"))  # fmt: skip
    ffmpeg("-i", source, "-i", source, "-map", "0", "-map", "1", "-c:a", "aac", str(folder / "two.m4a"))
    ffmpeg("-i", source, "-ac", "6", "-c:a", "aac", str(folder / "six.m4a"))
    ffmpeg("-i", source, "-c:a", "flac", str(folder / "flac.mka"))
    for name in ("hole.mka", "two.m4a", "six.m4a", "flac.mka"):
        assert stretch(folder / name, 0, 10_000) is None
    whole = (folder / "aac.m4a").read_bytes()
    (folder / "cut.m4a").write_bytes(whole[: len(whole) // 2])
    assert stretch(folder / "cut.m4a", 0, 10_000) is None
    libav.pyav.cache_clear()
    monkeypatch.setattr(libav, "pyav", lambda: None)
    assert not libav.reads(whole[:12])


@given(st.integers(-10, 10**9), st.sampled_from([8_000, 44_100, 48_000]), st.integers(1, 2_000))
def test_frames_in_milliseconds_follow_on_one_another(begins: int, rate: int, length: int) -> None:
    base, position = Fraction(1, 1000), None
    for number in range(20):
        true = Fraction(begins, 1000) * rate + number * length
        stamp = round(true * 1000 / rate)
        found = libav._position(stamp, base, rate, None if position is None else position + length)
        assert abs(found - true) <= rate / 2_000 + 1
        position = found


def test_a_stamp_that_does_not_follow_is_odd() -> None:
    assert libav._position(20, Fraction(1, 1000), 48_000, 960) == 960
    for stamp in (18, 22, 1_000):
        with pytest.raises(ValueError):
            libav._position(stamp, Fraction(1, 1000), 48_000, 960)
    assert libav._position(1_024, Fraction(1, 48_000), 48_000, 1_024) == 1_024
    with pytest.raises(ValueError):
        libav._position(1_030, Fraction(1, 48_000), 48_000, 1_024)
