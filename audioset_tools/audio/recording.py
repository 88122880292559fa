"""A whole recording of any length, decoded as a clip is, block by block: memory does not grow with it.

Times are the recording's own: what its time stamps leave out is silence, hours of which cost nothing.
"""

import os
import subprocess
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from typing import IO, BinaryIO

import numpy as np
import numpy.typing as npt

from ..types import SAMPLE_RATE
from ..words import duration
from .ffmpeg import (
    FILLED_S,
    LONGEST_S,
    PAIR_BYTES,
    DecodeError,
    DecodeFault,
    as_pairs,
    channels_of,
    check_rate,
    command_for_all,
    failed_as,
    opened,
)
from .messages import (
    UNMIXABLE,
    as_text,
    complaints_of_sound,
    counts_samples,
    holes_of,
    stated_seconds,
    without_packets,
)
from .mixdown import Pairs, mixed_down, to_pcm
from .pcm import PcmHeader, read_header

_TIMEOUT_S = 60.0

_LOG_BYTES = 2**20
"""So much of what ffmpeg says is looked at; all of it only for holes."""

_MISSING_S = 0.5
"""A recording this much shorter than its container says has lost its end."""


@dataclass(frozen=True, slots=True)
class Block:
    """What was decoded of a recording from its sample `start` on: [at most a second's], int16."""

    start: int
    samples: npt.NDArray[np.int16]


@dataclass(slots=True)
class _Log:
    """What ffmpeg writes on standard error, looked at while it writes."""

    file: IO[bytes]
    output: bytes = b""
    read: int = 0
    rest: bytes = b""

    def new_holes(self) -> list[tuple[float, float]]:
        """Begin and length of those that were told since this was last asked, in seconds."""
        holes = []
        # Not by the file's own position, where ffmpeg writes.
        while piece := os.pread(self.file.fileno(), _LOG_BYTES, self.read):
            self.read += len(piece)
            self.output += piece[: _LOG_BYTES - len(self.output)]
            whole, newline, self.rest = (self.rest + piece).rpartition(b"\n")
            holes += holes_of((whole + newline).decode("utf-8", "replace"))
        return holes


@dataclass(slots=True)
class _Run:
    """One run of ffmpeg over a file: how many samples it gave, and what it said.

    `rate` is that of the samples, in hertz. `holes` are those long ones in the time stamps that are yet to
    come: the sample in the middle, and how many more are left out there. `left_out` are those behind us, and
    `holes_s` is how long the holes themselves were, in seconds.
    """

    rate: int
    samples: int = 0
    no_numbers: int = 0
    code: int = 0
    output: str = ""
    holes: deque[tuple[int, int]] = field(default_factory=deque)
    left_out: int = 0
    holes_s: float = 0.0

    @property
    def seconds(self) -> float:
        return self.samples / self.rate

    def add(self, holes: list[tuple[float, float]]) -> None:
        """Take holes that ffmpeg told of; at the end of some recordings it tells of one that is none."""
        for begin_s, length_s in holes:
            middle_s, more_s = begin_s + FILLED_S / 2, length_s - FILLED_S
            self.holes.append((round(middle_s * self.rate), round(more_s * self.rate)))

    def placed(self, samples: npt.NDArray[np.int16]) -> Iterator[Block]:
        """The next samples in blocks, cut in the middle of each hole."""
        while len(samples):
            length = min(len(samples), self.holes[0][0] - self.samples) if self.holes else len(samples)
            if length > 0:
                yield Block(self.samples + self.left_out, samples[:length])
                samples = samples[length:]
                self.samples += length
            else:
                more = self.holes.popleft()[1]
                self.left_out += more
                self.holes_s += more / self.rate + FILLED_S


def decode_all(
    path: Path, on_note: Callable[[str], None], rate: int = SAMPLE_RATE, timeout: float = _TIMEOUT_S
) -> Iterator[Block]:
    """Decode all of a file's sound, mixed down to one channel.

    The file is opened here and read by ffmpeg through the descriptor, so that neither its name nor what it
    holds can make ffmpeg open anything else on a network.

    Args:
        path: the file, in any format of recorded sound that ffmpeg reads; at most a week of it is.
        on_note: called with what is damaged, cut off or left out, in words, where some was decoded.
        rate: how many samples a second are given, in hertz.
        timeout: seconds without a sample after which ffmpeg is killed.

    Yields:
        Blocks from the recording's beginning on, one after the other. What lies between two of them is a
        hole in its time stamps, with silence for a clip's length on either side.

    Raises:
        DecodeError: the file cannot be opened, nothing in it can be decoded, or ffmpeg hangs.
        EnvironmentProblem: there is no ffmpeg.
    """
    with opened(path) as file:
        header = read_header(file)
        bare = header if header and header.form and header.stated is None else None
        file.seek(0)
        beginning, run = file.read(8), _Run(rate)
        yield from _run(file, command_for_all(beginning, rate, header=bare), timeout, run)
        if not run.samples and UNMIXABLE.search(run.output):
            channels = bare.channels if bare else channels_of(path)
            run = _Run(rate)
            yield from _run(file, command_for_all(beginning, rate, channels, bare), timeout, run)
    if not run.samples:
        check_rate(run.output)
        complaints = complaints_of_sound(run.output) or ["there are no samples in it"]
        output = "\n".join(complaints)
        raise DecodeError(failed_as(output), complaints[0], output)
    for note in _notes(run, header):
        on_note(note)


def _notes(run: _Run, header: PcmHeader | None) -> Iterator[str]:
    goes_on = run.samples >= LONGEST_S * run.rate
    stated = header.seconds if header else stated_seconds(run.output)
    cut_off = not goes_on and stated is not None and stated - run.seconds > _MISSING_S
    if _is_damaged(run, header) or (cut_off and counts_samples(run.output)):
        whole = f" of {stated:.1f} s" if cut_off else ""
        yield f"it is damaged or cut off; {run.seconds:.1f} s{whole} could be decoded"
    if run.holes_s:
        yield f"its time stamps leave out {duration(run.holes_s)}, which are taken for silence"
    if goes_on:
        yield f"it goes on after {LONGEST_S // 86_400} days, which are the most that is read"
    if run.no_numbers:
        yield f"{run.no_numbers / run.rate:.2f} s of it are no numbers, and are taken for silence"


def _is_damaged(run: _Run, header: PcmHeader | None) -> bool:
    """Whether some of the sound is not there, or not what it was."""
    complaints = complaints_of_sound(run.output)
    if header is not None and header.form:
        # Bare samples cannot be wrong, only too few, and the header tells that better.
        complaints = []
    elif header is not None and header.stated is None:
        complaints = without_packets(complaints)
    return bool(complaints or run.code or (header is not None and header.is_cut_off))


def _run(file: BinaryIO, command: list[str], timeout: float, run: _Run) -> Iterator[Block]:
    file.seek(0)
    with tempfile.TemporaryFile() as written:
        log = _Log(written)
        with subprocess.Popen(
            # A Ctrl-C goes to the whole group of processes: ffmpeg ends when we let it, and not before.
            command, stdin=file, stdout=subprocess.PIPE, stderr=written, process_group=0
        ) as process:  # fmt: skip
            assert process.stdout is not None
            try:
                for pairs in _blocks(process.stdout, timeout, run.rate * PAIR_BYTES):
                    numbers = np.isfinite(pairs)
                    run.no_numbers += len(pairs) - int(np.count_nonzero(numbers[:, 0]))
                    samples = to_pcm(mixed_down(np.where(numbers, pairs, np.float32(0)), run.rate))
                    # It was told of a hole before what lies behind it was written.
                    run.add(log.new_holes())
                    yield from run.placed(samples)
                run.code = process.wait(timeout)
            except (TimeoutError, subprocess.TimeoutExpired) as error:
                raise DecodeError(DecodeFault.TIMEOUT, f"ffmpeg gave nothing for {timeout:g} s") from error
            finally:
                process.kill()
        log.new_holes()
        run.output = as_text(log.output)


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
