"""A whole recording of any length, decoded as a clip is, block by block: memory does not grow with it."""

import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from typing import IO

import numpy as np
import numpy.typing as npt

from ..types import SAMPLE_RATE, Reason
from .mixdown import Pairs, mixed_down, to_pcm
from .reasons import Stage, Trouble, reason_of
from .source import FetchError
from .transcode import PAIR_BYTES, UNMIXABLE, as_pairs, channels_of, command_for_all, stated_seconds

_TIMEOUT_S = 60.0

_BLOCK_BYTES = SAMPLE_RATE * PAIR_BYTES
"""A second: channels are mixed down second by second."""

_LOG_BYTES = 2**20
"""As much of what ffmpeg says is looked at."""

_MISSING_S = 0.5
"""A recording this much shorter than its container says has lost its end."""

_COMPLAINT = re.compile(r"\[(?:error|fatal)\] (.+)|\[warning\] (.*(?:corrupt|do not match).*)")


@dataclass(slots=True)
class _Run:
    """One run of ffmpeg over a file: what it gave and said."""

    samples: int = 0
    no_numbers: int = 0
    code: int = 0
    said: str = ""
    complaints: list[str] = field(default_factory=list)


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
    run = _Run()
    yield from _run(path, command_for_all(path), timeout, run)
    if not run.samples and UNMIXABLE.search(run.said):
        run = _Run()
        yield from _run(path, command_for_all(path, channels_of(path)), timeout, run)
    if not run.samples:
        told = "\n".join(run.complaints) or "there are no samples in it"
        raise FetchError(
            reason_of(Trouble(Stage.FFMPEG, told)), run.complaints[0] if run.complaints else told
        )
    if run.complaints or run.code:
        seconds, stated = run.samples / SAMPLE_RATE, stated_seconds(run.said)
        cut_off = stated is not None and stated - seconds > _MISSING_S
        whole = f" of {stated:.1f} s" if cut_off else ""
        on_damage(f"it is damaged or cut off; {seconds:.1f} s{whole} could be decoded")
    if run.no_numbers:
        on_damage(f"{run.no_numbers / SAMPLE_RATE:.2f} s of it are no numbers, and are taken for silence")


def _run(path: Path, command: list[str], timeout: float, run: _Run) -> Iterator[npt.NDArray[np.int16]]:
    with _opened(path) as file, tempfile.TemporaryFile() as log:
        with subprocess.Popen(
            # A Ctrl-C goes to the whole group of processes: ffmpeg ends when we let it, and not before.
            command, stdin=file, stdout=subprocess.PIPE, stderr=log, process_group=0
        ) as process:  # fmt: skip
            assert process.stdout is not None
            try:
                for pairs in _blocks(process.stdout, timeout):
                    numbers = np.isfinite(pairs)
                    run.samples += len(pairs)
                    run.no_numbers += len(pairs) - int(np.count_nonzero(numbers[:, 0]))
                    yield to_pcm(mixed_down(np.where(numbers, pairs, np.float32(0))))
                run.code = process.wait(timeout)
            except (TimeoutError, subprocess.TimeoutExpired) as error:
                raise FetchError(Reason.TIMEOUT, f"ffmpeg gave nothing for {timeout:g} s") from error
            finally:
                process.kill()
        log.seek(0)
        run.said = log.read(_LOG_BYTES).decode("utf-8", "replace")
    run.complaints = [error or warning for error, warning in _COMPLAINT.findall(run.said)]


def _blocks(pipe: IO[bytes], timeout: float) -> Iterator[Pairs]:
    """What comes through a pipe, second by second."""
    data = bytearray()
    with DefaultSelector() as selector:
        selector.register(pipe, EVENT_READ)
        while True:
            if not selector.select(timeout):
                raise TimeoutError
            read = os.read(pipe.fileno(), _BLOCK_BYTES)
            data += read
            while len(data) >= _BLOCK_BYTES or (data and not read):
                yield as_pairs(bytes(data[:_BLOCK_BYTES]))
                del data[:_BLOCK_BYTES]
            if not read:
                return


def _opened(path: Path) -> IO[bytes]:
    try:
        if not path.is_file():
            raise FetchError(Reason.DECODE, "it is no file")
        return path.open("rb")
    except OSError as error:
        raise FetchError(Reason.DECODE, f"it cannot be opened: {error.strerror}") from error
