"""A whole recording of any length, decoded as a clip is, block by block: memory does not grow with it."""

import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from typing import IO

import numpy as np
import numpy.typing as npt

from ..types import SAMPLE_RATE, Reason
from .reasons import Stage, Trouble, reason_of
from .source import FetchError
from .transcode import command_for_all

_TIMEOUT_S = 60.0

_BLOCK_BYTES = 2**16

_LOG_BYTES = 2**20
"""As much of what ffmpeg says is looked at."""

_MISSING_S = 0.5
"""A recording this much shorter than its container says has lost its end."""

_COMPLAINT = re.compile(r"\[(?:error|fatal)\] (.+)|\[warning\] (.*(?:corrupt|do not match).*)")


def listen(
    path: Path, on_damage: Callable[[str], None], timeout: float = _TIMEOUT_S
) -> Iterator[npt.NDArray[np.int16]]:
    """Decode all of a file's sound, mixed down to one channel at `SAMPLE_RATE`.

    The file is opened here and read by ffmpeg through the descriptor, so that neither its name nor what it
    holds can make ffmpeg open anything else on a network.

    Args:
        path: the file, in any format that ffmpeg reads.
        on_damage: told in words if the file is damaged or cut off and some of it was decoded nevertheless.
        timeout: seconds without a sample after which ffmpeg is killed.

    Yields:
        Samples, [at most 32768].

    Raises:
        FetchError: the file cannot be opened, nothing in it can be decoded, or ffmpeg hangs.
        EnvironmentProblem: there is no ffmpeg.
    """
    samples = 0
    with _opened(path) as file, tempfile.TemporaryFile() as log:
        with subprocess.Popen(
            # A Ctrl-C goes to the whole group of processes: ffmpeg ends when we let it, and not before.
            command_for_all(path), stdin=file, stdout=subprocess.PIPE, stderr=log, process_group=0
        ) as process:  # fmt: skip
            assert process.stdout is not None
            try:
                for block in _blocks(process.stdout, timeout):
                    samples += len(block)
                    yield block
                process.wait(timeout)
            except (TimeoutError, subprocess.TimeoutExpired) as error:
                raise FetchError(Reason.TIMEOUT, f"ffmpeg gave nothing for {timeout:g} s") from error
            finally:
                process.kill()
        log.seek(0)
        said = log.read(_LOG_BYTES).decode("utf-8", "replace")
    complaints = [error or warning for error, warning in _COMPLAINT.findall(said)]
    if not samples:
        told = "\n".join(complaints) or "there are no samples in it"
        raise FetchError(reason_of(Trouble(Stage.FFMPEG, told)), complaints[0] if complaints else told)
    if complaints or process.returncode:
        seconds, stated = samples / SAMPLE_RATE, _stated_seconds(said)
        cut_off = stated is not None and stated - seconds > _MISSING_S
        whole = f" of {stated:.1f} s" if cut_off else ""
        on_damage(f"it is damaged or cut off; {seconds:.1f} s{whole} could be decoded")


def _blocks(pipe: IO[bytes], timeout: float) -> Iterator[npt.NDArray[np.int16]]:
    """What comes through a pipe, as samples; half a sample waits for its other half."""
    kept = b""
    with DefaultSelector() as selector:
        selector.register(pipe, EVENT_READ)
        while True:
            if not selector.select(timeout):
                raise TimeoutError
            read = os.read(pipe.fileno(), _BLOCK_BYTES)
            if not read:
                return
            data = kept + read
            whole = len(data) // 2 * 2
            kept = data[whole:]
            yield np.frombuffer(data[:whole], "<i2")


def _stated_seconds(said: str) -> float | None:
    """How long the container says it is; None where ffmpeg only estimates that."""
    match = re.search(r"^(?:\[info\])?   ?Duration: (\d+):(\d\d):(\d\d(?:\.\d+)?)", said, re.MULTILINE)
    if match is None or "Estimating duration" in said:
        return None
    hours, minutes, seconds = match.groups()
    return 3600 * int(hours) + 60 * int(minutes) + float(seconds)


def _opened(path: Path) -> IO[bytes]:
    try:
        if not path.is_file():
            raise FetchError(Reason.DECODE, "it is no file")
        return path.open("rb")
    except OSError as error:
        raise FetchError(Reason.DECODE, f"it cannot be opened: {error.strerror}") from error
