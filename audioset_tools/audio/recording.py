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

from ..files import open_file
from ..types import SAMPLE_RATE
from .ffmpeg import (
    LONGEST_S,
    PAIR_BYTES,
    DecodeError,
    DecodeFault,
    as_pairs,
    channels_of,
    check_rate,
    command_for_all,
    failed_as,
)
from .messages import UNMIXABLE, as_text, stated_seconds
from .mixdown import Pairs, mixed_down, to_pcm

_TIMEOUT_S = 60.0

_LOG_BYTES = 2**20
"""So much of what ffmpeg says is looked at."""

_MISSING_S = 0.5
"""A recording this much shorter than its container says has lost its end."""

_COMPLAINT = re.compile(r"\[(?:error|fatal)\] (.+)|\[warning\] (.{0,300}(?:corrupt|do not match).*)")


@dataclass(slots=True)
class _Run:
    """One run of ffmpeg over a file: how many samples it gave, and all that it wrote on standard error.

    `rate` is that of the samples, in hertz.
    """

    rate: int
    samples: int = 0
    no_numbers: int = 0
    code: int = 0
    output: str = ""
    complaints: list[str] = field(default_factory=list)


def decode_all(
    path: Path, on_damage: Callable[[str], None], rate: int = SAMPLE_RATE, timeout: float = _TIMEOUT_S
) -> Iterator[npt.NDArray[np.int16]]:
    """Decode all of a file's sound, mixed down to one channel.

    The file is opened here and read by ffmpeg through the descriptor, so that neither its name nor what it
    holds can make ffmpeg open anything else on a network.

    Args:
        path: the file, in any format of recorded sound that ffmpeg reads; at most a week of it is.
        on_damage: called with what is damaged or cut off, in words, where some was decoded nevertheless.
        rate: how many samples a second are given, in hertz.
        timeout: seconds without a sample after which ffmpeg is killed.

    Yields:
        Samples, [at most a second's].

    Raises:
        DecodeError: the file cannot be opened, nothing in it can be decoded, or ffmpeg hangs.
        EnvironmentProblem: there is no ffmpeg.
    """
    run = _Run(rate)
    yield from _run(path, command_for_all(path, rate), timeout, run)
    if not run.samples and UNMIXABLE.search(run.output):
        run = _Run(rate)
        yield from _run(path, command_for_all(path, rate, channels_of(path)), timeout, run)
    if not run.samples:
        check_rate(run.output)
        complaints = run.complaints or ["there are no samples in it"]
        output = "\n".join(complaints)
        raise DecodeError(failed_as(output), complaints[0], output)
    if run.complaints or run.code:
        seconds, stated = run.samples / rate, stated_seconds(run.output)
        cut_off = stated is not None and stated - seconds > _MISSING_S
        whole = f" of {stated:.1f} s" if cut_off else ""
        on_damage(f"it is damaged or cut off; {seconds:.1f} s{whole} could be decoded")
    if run.samples >= LONGEST_S * rate:
        on_damage(f"it goes on after {LONGEST_S // 86_400} days, which are the most that is read")
    if run.no_numbers:
        on_damage(f"{run.no_numbers / rate:.2f} s of it are no numbers, and are taken for silence")


def _run(path: Path, command: list[str], timeout: float, run: _Run) -> Iterator[npt.NDArray[np.int16]]:
    with _opened(path) as file, tempfile.TemporaryFile() as log:
        with subprocess.Popen(
            # A Ctrl-C goes to the whole group of processes: ffmpeg ends when we let it, and not before.
            command, stdin=file, stdout=subprocess.PIPE, stderr=log, process_group=0
        ) as process:  # fmt: skip
            assert process.stdout is not None
            try:
                for pairs in _blocks(process.stdout, timeout, run.rate * PAIR_BYTES):
                    numbers = np.isfinite(pairs)
                    run.samples += len(pairs)
                    run.no_numbers += len(pairs) - int(np.count_nonzero(numbers[:, 0]))
                    yield to_pcm(mixed_down(np.where(numbers, pairs, np.float32(0)), run.rate))
                run.code = process.wait(timeout)
            except (TimeoutError, subprocess.TimeoutExpired) as error:
                raise DecodeError(DecodeFault.TIMEOUT, f"ffmpeg gave nothing for {timeout:g} s") from error
            finally:
                process.kill()
        log.seek(0)
        run.output = as_text(log.read(_LOG_BYTES))
    run.complaints = [error or warning for error, warning in _COMPLAINT.findall(run.output)]


def _blocks(pipe: IO[bytes], timeout: float, second: int) -> Iterator[Pairs]:
    """What comes through a pipe, second by second (so many bytes), as channels are mixed down."""
    data = bytearray()
    with DefaultSelector() as selector:
        selector.register(pipe, EVENT_READ)
        while True:
            if not selector.select(timeout):
                raise TimeoutError
            read = os.read(pipe.fileno(), second)
            data += read
            while len(data) >= second or (data and not read):
                yield as_pairs(bytes(data[:second]))
                del data[:second]
            if not read:
                return


def _opened(path: Path) -> IO[bytes]:
    try:
        return open_file(path)
    except OSError as error:
        raise DecodeError(DecodeFault.BROKEN, f"it cannot be opened: {error.strerror}") from error
