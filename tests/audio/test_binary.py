"""Which ffmpeg is used, and that what is none is found out."""

from pathlib import Path

import imageio_ffmpeg
import pytest

from audioset_tools.audio.binary import CHOICE, ffmpeg_build, find_ffmpeg
from audioset_tools.exceptions import EnvironmentProblem


def program(path: Path, script: str) -> Path:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_the_ffmpeg_is_the_users_choice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CHOICE, "imageio")
    assert find_ffmpeg().binary == imageio_ffmpeg.get_ffmpeg_exe()
    monkeypatch.setenv(CHOICE, "/bin/sh")
    assert find_ffmpeg().binary == "/bin/sh"
    for choice in (str(tmp_path), str(tmp_path / "none"), "no-such-program"):
        monkeypatch.setenv(CHOICE, choice)
        with pytest.raises(EnvironmentProblem, match=f"{CHOICE} names"):
            find_ffmpeg()


def test_without_a_choice_the_one_on_the_path_is_taken_and_else_the_packaged_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(CHOICE, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_ffmpeg().found == "from imageio-ffmpeg"
    program(tmp_path / "ffmpeg", "exit 0")
    assert (find_ffmpeg().binary, find_ffmpeg().found) == (str(tmp_path / "ffmpeg"), "on the PATH")


def test_a_build_says_its_version_and_whether_it_has_soxr(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for words, soxr in (("--enable-libsoxr", True), ("--disable-all", False)):
        path = program(tmp_path / "ffmpeg", f"echo 'ffmpeg version 9.1-x Copyright'; echo {words}")
        monkeypatch.setenv(CHOICE, str(path))
        build = ffmpeg_build()
        assert (build.version, build.soxr, build.binary) == ("9.1-x", soxr, str(path))


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo hello", "no working ffmpeg"),
        ("echo oh >&2; exit 3", "exit code 3.*oh"),
        ("exec sleep 9", "0.3 s"),
    ],
)
def test_a_program_that_is_no_ffmpeg_is_found_out(
    script: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CHOICE, str(program(tmp_path / "ffmpeg", script)))
    with pytest.raises(EnvironmentProblem, match=words):
        ffmpeg_build(timeout=0.3)
