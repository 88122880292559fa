"""Sounds to features by a tagger's file, which works in processes of its own (`tagger`)."""

import hashlib
import signal
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from weakref import finalize

import numpy as np
import numpy.typing as npt

from ...audio.stretch import resampled
from ...exceptions import DataMismatch, UsageError
from ...files import read_file
from ...installing import missing
from ...tasks.engine import cores
from ...workspace import printable, said
from .tagger import MISSING, MOST_FEATURES, MOST_MODEL_BYTES, MOST_SECONDS, UNFIT, VALUES, Floats

Features = npt.NDArray[np.float32]

MOST_PROCESSES = 4
"""Each holds the file's weights, of which large taggers have gigabytes."""

_ANOTHER = "Give one whole TFLite or ONNX file, with all its tensors inside: docs/probe.md has the rules."

_OPTIONS = "Choose --embedding-output or --embedding-rate, or another file: docs/probe.md has the rules."


@dataclass(frozen=True, slots=True)
class Embedding:
    """Which features of which file.

    Args:
        path: the file, TFLite or ONNX.
        sha256: what its bytes must hash to.
        output: the name of the one that the features are; None for the first.
        rate: hertz of the waveform that it takes.
    """

    path: Path
    sha256: str
    output: str | None
    rate: int


def digest_of_file(path: Path) -> str:
    """The sha256 of an embedding's file.

    Raises:
        UsageError: it cannot be read, or is no regular file of a possible size.
    """
    return hashlib.sha256(_content(path)).hexdigest()


def _content(path: Path) -> bytes:
    try:
        return read_file(path, MOST_MODEL_BYTES)
    except OSError as error:
        raise UsageError(
            f"the embedding file {printable(path)} cannot be read: {error.strerror}",
            "Give a TFLite or ONNX file with --embedding.",
        ) from error


class Embedder:
    """Asks a file for the features of sounds, several at once; each sound's are the same however many.

    A process is started when the first sound needs it, and ends with this object.

    Args:
        processes: at most; None for one a core, and no more than four.

    Attributes:
        interpreter: the package that runs the file.

    Raises:
        UsageError: the file cannot be read, takes no waveform, or has no such output.
        DataMismatch: it is another file, or its interpreter refuses it or fails over it.
        EnvironmentProblem: the package that runs it is not installed.
    """

    def __init__(self, embedding: Embedding, processes: int | None = None) -> None:
        self._embedding = embedding
        self._processes = processes or min(cores(), MOST_PROCESSES)
        first = _Process(embedding)
        self.interpreter = first.interpreter
        self._idle = [first]
        self._count = 0

    def __call__(self, sounds: Sequence[Floats], rate: int) -> Features:
        """The features of some sounds, float32, [sounds, features].

        Args:
            sounds: float32 within [-1, 1], [samples] each.
            rate: their samples a second.
        """
        with ThreadPoolExecutor(min(self._processes, len(sounds))) as pool:
            each = list(pool.map(self._of, sounds, [rate] * len(sounds)))
        self._count = self._count or len(each[0])
        if wrong := [len(features) for features in each if len(features) != self._count]:
            words = f"it gives {self._count:,} features of one sound and {wrong[0]:,} of another"
            raise _broken(self._embedding.path, words)
        return np.stack(each)

    def _of(self, sound: Floats, rate: int) -> Features:
        process = self._idle.pop() if self._idle else _Process(self._embedding)
        features = process.ask(resampled(sound, rate, self._embedding.rate))
        self._idle.append(process)
        return features


class _Process:
    """One process with the file loaded."""

    def __init__(self, embedding: Embedding) -> None:
        content = _content(embedding.path)
        if hashlib.sha256(content).hexdigest() != embedding.sha256:
            raise DataMismatch(
                f"{printable(embedding.path)} is not the embedding file that the run was trained with",
                "Give that very file with --embedding, or train again with this one.",
            )
        self._path = embedding.path
        self._pipe, theirs = Pipe()
        with theirs:
            # No Ctrl-C of the terminal reaches it, and nothing in the current folder is taken for a module.
            self._process = subprocess.Popen(
                [sys.executable, "-P", str(Path(__file__).with_name("tagger.py")), str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                process_group=0,
            )
        finalize(self, _end, self._process, self._pipe)
        output = (embedding.output or "").encode("utf-8", "surrogatepass")
        self.interpreter = self._answer(str(embedding.rate).encode(), output, content).decode()

    def ask(self, sound: Floats) -> Features:
        """The features of a sound, [features]."""
        values = self._answer(np.ascontiguousarray(sound, np.float32).tobytes())
        if len(values) % 4 or not 0 < len(values) <= 4 * MOST_FEATURES:
            raise _broken(self._path, f"it gives {len(values) // 4:,} features")
        features = np.frombuffer(values, np.float32)
        if not np.isfinite(features).all():
            raise _broken(self._path, "it gives features that are no numbers")
        return features

    def _answer(self, *messages: bytes) -> bytes:
        try:
            for message in messages:
                self._pipe.send_bytes(message)
            answer = self._pipe.recv_bytes(4 * MOST_FEATURES + 1)
        except (EOFError, OSError) as error:
            self._pipe.close()
            raise _broken(self._path, _end_in_words(self._process.wait())) from error
        kind, content = answer[:1], answer[1:]
        if kind == VALUES:
            return content
        words = said(content.decode(errors="replace"))
        if kind == MISSING:
            raise missing(words, "embedding")
        if kind == UNFIT:
            raise UsageError(f"the embedding file {printable(self._path)} does not fit: {words}", _OPTIONS)
        raise _broken(self._path, words)


def _broken(path: Path, words: str) -> DataMismatch:
    return DataMismatch(f"the embedding file {printable(path)} cannot be used: {words}", _ANOTHER)


def _end_in_words(code: int) -> str:
    if code == -signal.SIGALRM:
        return f"it did not answer within {MOST_SECONDS} s"
    return f"its interpreter died of it ({signal.Signals(-code).name if code < 0 else f'exit code {code}'})"


def _end(process: subprocess.Popen[bytes], pipe: Connection) -> None:
    pipe.close()
    process.kill()
    process.wait()
