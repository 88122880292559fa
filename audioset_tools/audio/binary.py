"""Which ffmpeg is used, and what it can: the user's choice, the PATH's, or the one of imageio-ffmpeg."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg

from ..exceptions import EnvironmentProblem

CHOICE = "AUDIOSET_TOOLS_FFMPEG"
"""The environment variable that chooses one: a path, or `imageio` for the packaged one."""


@dataclass(frozen=True, slots=True)
class FfmpegPath:
    """Where an ffmpeg lies, and in words where it was found: `on the PATH`."""

    binary: str
    found: str


@dataclass(frozen=True, slots=True)
class FfmpegBuild:
    """The ffmpeg in use: where it lies and was found, its version, and whether it has the resampler soxr."""

    binary: str
    found: str
    version: str
    soxr: bool


def find_ffmpeg() -> FfmpegPath:
    """The ffmpeg to use.

    Raises:
        EnvironmentProblem: there is none, or none where `CHOICE` says.
    """
    choice = os.environ.get(CHOICE, "")
    if choice and choice != "imageio":
        binary = shutil.which(Path(choice).expanduser())
        if binary is None:
            raise EnvironmentProblem(
                f"{CHOICE} names {choice!r}, which is no program",
                "Give the path of an ffmpeg, or imageio for the packaged one, or unset it.",
            )
        return FfmpegPath(str(Path(binary).absolute()), f"chosen by {CHOICE}")
    if not choice and (binary := shutil.which("ffmpeg")):
        return FfmpegPath(binary, "on the PATH")
    try:
        return FfmpegPath(str(imageio_ffmpeg.get_ffmpeg_exe()), "from imageio-ffmpeg")
    except RuntimeError as error:
        where = f"{CHOICE} asks for imageio's" if choice else "there is no ffmpeg on the PATH"
        raise EnvironmentProblem(
            f"{where}, and imageio-ffmpeg carries none for this machine",
            "Install ffmpeg (apt install ffmpeg, brew install ffmpeg).",
        ) from error


def ffmpeg_build(timeout: float = 20) -> FfmpegBuild:
    """Ask ffmpeg what it is.

    Args:
        timeout: seconds after which it is taken to hang, and killed.

    Raises:
        EnvironmentProblem: there is none, or it does not run.
    """
    path = find_ffmpeg()
    binary = path.binary
    remedy = f"Repair {binary}, or choose another: {CHOICE}=imageio is the one that imageio-ffmpeg carries."
    try:
        done = subprocess.run(
            [binary, "-version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise EnvironmentProblem(f"{binary} did not answer within {timeout:g} s", remedy) from error
    except OSError as error:
        raise EnvironmentProblem(f"{binary} cannot be run: {error.strerror}", remedy) from error
    version = re.match(r"ffmpeg version (\S+)", done.stdout)
    if done.returncode or not version:
        said = ((done.stderr or done.stdout).strip().splitlines() or ["it said nothing"])[-1][:500]
        raise EnvironmentProblem(
            f"{binary} is no working ffmpeg (exit code {done.returncode}): {said}", remedy
        )
    return FfmpegBuild(binary, path.found, version[1], "--enable-libsoxr" in done.stdout)
