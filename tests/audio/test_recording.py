"""Whole recordings: the samples of a clip, every format, and what is broken told from what is whole."""

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audioset_tools.audio import ffmpeg as ffmpeg_module
from audioset_tools.audio import recording as recording_module
from audioset_tools.audio.ffmpeg import DecodeError, DecodeFault, ffmpeg_binary
from audioset_tools.audio.recording import decode_all
from audioset_tools.types import SAMPLE_RATE


def recording(path: Path, seconds: float = 12, rate: int = SAMPLE_RATE) -> Path:
    """Quiet noise with a tone in it."""
    time = np.arange(round(seconds * rate)) / rate
    hiss = 0.01 * np.random.default_rng(0).standard_normal(len(time))
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * 440 * time) + hiss, rate)
    return path


def heard(path: Path) -> tuple[np.ndarray, list[str]]:
    notes: list[str] = []
    return np.concatenate([block.samples for block in decode_all(path, notes.append)]), notes


def test_a_clip_comes_as_it_was_written(tmp_path: Path) -> None:
    path = recording(tmp_path / "clip.wav", 10)
    samples, notes = heard(path)
    np.testing.assert_array_equal(samples, soundfile.read(path, dtype="int16")[0])
    assert not notes


@pytest.mark.parametrize(("suffix", "rate"), [("flac", 44_100), ("mp3", 48_000), ("ogg", 22_050)])
def test_any_format_at_any_rate_in_blocks(tmp_path: Path, suffix: str, rate: int) -> None:
    path = recording(tmp_path / f"-i evil\n\033[31m.{suffix}", rate=rate)
    notes: list[str] = []
    blocks = [block.samples for block in decode_all(path, notes.append)]
    assert not notes and max(map(len, blocks)) <= 2**15
    samples = np.concatenate(blocks)
    assert len(samples) == pytest.approx(12 * SAMPLE_RATE, abs=0.1 * SAMPLE_RATE)
    spectrum = np.abs(np.fft.rfft(samples[:SAMPLE_RATE]))
    assert spectrum.argmax() == 440


@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3"])
def test_of_a_truncated_file_what_there_is_is_used_and_told(tmp_path: Path, suffix: str) -> None:
    path = recording(tmp_path / f"whole.{suffix}")
    os.truncate(path, path.stat().st_size * 6 // 10)
    samples, notes = heard(path)
    assert 6 * SAMPLE_RATE < len(samples) < 8 * SAMPLE_RATE
    (note,) = notes
    assert "damaged or cut off" in note


def without_sound(path: Path) -> None:
    command = [ffmpeg_binary(), "-v", "error", "-f", "lavfi", "-i", "color=s=16x16:d=0.2", "-y", str(path)]
    subprocess.run(command, check=True)


def test_what_does_not_end_is_read_up_to_a_bound_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (ffmpeg_module, recording_module):
        monkeypatch.setattr(module, "LONGEST_S", 3)
    samples, notes = heard(recording(tmp_path / "long.flac"))
    assert len(samples) == 3 * SAMPLE_RATE
    assert notes == ["it goes on after 0 days, which are the most that is read"]


def test_what_has_no_sound_is_told(tmp_path: Path) -> None:
    picture, text, nothing = tmp_path / "film.mp4", tmp_path / "text.wav", tmp_path / "empty.mp3"
    without_sound(picture)
    text.write_text("hello")
    nothing.touch()
    faults = {picture: DecodeFault.NO_SOUND, text: DecodeFault.FAILED, nothing: DecodeFault.FAILED}
    for path, fault in faults.items():
        with pytest.raises(DecodeError) as caught:
            heard(path)
        assert caught.value.fault is fault


def test_what_cannot_be_opened_is_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "missing", tmp_path, tmp_path / "pipe"):
        with pytest.raises(DecodeError) as caught:
            heard(path)
        assert caught.value.fault is DecodeFault.BROKEN


def test_a_playlist_leads_nowhere_but_to_files(tmp_path: Path) -> None:
    playlist = tmp_path / "list.m3u8"
    playlist.write_text("#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n")
    with pytest.raises(DecodeError):
        heard(playlist)


@pytest.fixture
def hanging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An ffmpeg that gives a second and a bit, then nothing; the path of a file for its process number."""
    number = tmp_path / "number"
    program = tmp_path / "ffmpeg"
    program.write_text(f"#!/bin/sh\necho $$ > {number}\nhead -c 128003 /dev/zero\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setattr(recording_module, "command_for_all", lambda *_, **__: [str(program)])
    return number


def is_gone(number: Path) -> bool:
    try:
        os.kill(int(number.read_text()), 0)
    except ProcessLookupError:
        return True
    return False


def test_an_ffmpeg_that_hangs_is_killed(tmp_path: Path, hanging: Path) -> None:
    path = recording(tmp_path / "a.wav", 1)
    with pytest.raises(DecodeError) as caught:
        list(decode_all(path, print, timeout=0.2))
    assert caught.value.fault is DecodeFault.TIMEOUT
    assert is_gone(hanging)


def test_who_stops_listening_leaves_no_ffmpeg_behind(tmp_path: Path, hanging: Path) -> None:
    blocks = decode_all(recording(tmp_path / "a.wav", 1), print)
    assert len(next(blocks).samples) == SAMPLE_RATE
    blocks.close()
    assert is_gone(hanging)
