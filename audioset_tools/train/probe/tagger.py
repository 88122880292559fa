"""A tagger's file at work, in a process of its own that `embedder` starts: sounds come in, features go out.

Such a file is a stranger's program for an interpreter, which may crash, hang, or eat all memory over a
damaged one, and prints what it likes. So it gets a process whose memory and time are bounded, whose standard
streams lead nowhere, and which opens no file any more once the libraries are loaded: what a file wants from
beside it (ONNX calls that external data) is refused. This module is started as a script and imports nothing
of the package.
"""

import errno
import math
import re
import resource
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
import numpy.typing as npt

MOST_MODEL_BYTES = 2**31
"""Of a file: protobuf, and so ONNX, allows no more."""

MOST_SECONDS = 120
"""For loading a file, and for one sound."""

MOST_MEMORY = 2**33
"""Of addresses, in bytes; some are of libraries and never used."""

MOST_VALUES, MOST_FEATURES = 2**26, 2**16
"""That a file may give for one window, and of those the last axis."""

MOST_WORDS = 1_000
"""Bytes of what went wrong."""

LEAST_SAMPLES = 1_600
"""A fixed last axis that is shorter than this is no waveform, but the bands of a spectrogram."""

CLIP_SECONDS = 10

_CODES = re.compile(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ")
"""How a message of onnxruntime begins."""

_OTHER_FILES = f"SystemError : {errno.EMFILE}"
"""How onnxruntime says that no file can be opened."""

VALUES, MISSING, UNFIT, BROKEN = b"v", b"m", b"u", b"b"
"""How an answer begins: with features; a package is not installed; the file is of another kind than can be
used; it cannot be run. After the last three come words."""

Floats = npt.NDArray[np.float32]


class UnfitError(Exception):
    """The file works, but not with us."""


@dataclass(frozen=True, slots=True)
class Tagger:
    """A file that is loaded.

    Args:
        package: the one that runs it.
        length: samples that it takes at once; None for any number.
        run: from samples, [length], to values whose last axis are features.
    """

    package: str
    length: int | None
    run: Callable[[Floats], npt.NDArray[np.floating]]


def main(descriptor: int) -> None:
    """Serve the process at the other end of a pipe until it goes.

    It sends the rate, the output's name (nothing for the first), the file, and then sounds, float32, each
    answered before the next comes.
    """
    with Connection(descriptor) as pipe, suppress(EOFError, ConnectionError):
        rate, output = int(pipe.recv_bytes()), pipe.recv_bytes().decode("utf-8", "surrogatepass")
        model = pipe.recv_bytes(MOST_MODEL_BYTES)
        tagger: list[Tagger] = []

        def loaded() -> bytes:
            tagger.append(tagger_of(model, output or None))
            require_room(tagger[0].length, rate)
            return tagger[0].package.encode()

        def embedded() -> bytes:
            return embed(tagger[0], np.frombuffer(sound, np.float32), rate).tobytes()

        pipe.send_bytes(_answer(loaded))
        while True:
            sound = pipe.recv_bytes()
            pipe.send_bytes(_answer(embedded))


def _answer(work: Callable[[], bytes]) -> bytes:
    """What some work gives, or what went wrong; the system ends the process where it takes too long."""
    signal.alarm(MOST_SECONDS)
    try:
        return VALUES + work()
    except ModuleNotFoundError as error:
        return MISSING + str(error.name).encode()
    except UnfitError as error:
        return UNFIT + _bytes_of(str(error))
    except Exception as error:  # noqa: BLE001 - the boundary of the process
        words = _CODES.sub("", str(error)) or type(error).__name__
        return BROKEN + _bytes_of("it keeps tensors in other files" if _OTHER_FILES in words else words)
    finally:
        signal.alarm(0)


def _bytes_of(words: str) -> bytes:
    return words.encode(errors="replace")[:MOST_WORDS]


def tagger_of(model: bytes, output: str | None) -> Tagger:
    """Make a file ready: TFLite by its mark, else ONNX.

    Args:
        output: the one to use; None for the first.

    Raises:
        UnfitError: it takes no waveform, or has no such output.
        Exception: whatever the interpreter raises over a damaged file.
    """
    return _tflite(model, output) if model[4:8] == b"TFL3" else _onnx(model, output)


def _onnx(model: bytes, output: str | None) -> Tagger:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    options.log_severity_level = 4
    # Other formats would be known by their content, and were not made for this.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    _open_no_more()
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    given = _only(session.get_inputs())
    length = length_of(given.shape, given.type == "tensor(float)")
    chosen = choose([one.name for one in session.get_outputs()], output)

    def run(samples: Floats) -> npt.NDArray[np.floating]:
        (values,) = session.run([chosen], {given.name: samples[(None,) * (len(given.shape) - 1)]})
        return np.asarray(values)

    return Tagger("onnxruntime", length, run)


def _tflite(model: bytes, output: str | None) -> Tagger:
    from ai_edge_litert.interpreter import Interpreter

    _open_no_more()
    interpreter = Interpreter(model_content=model, num_threads=1)
    given = _only(interpreter.get_input_details())
    shape = [int(size) for size in given["shape_signature"]]
    if shape and shape[-1] == 1:
        # Older converters leave no sign that a length is open but the 1 in its place.
        shape[-1] = -1
    length = length_of(shape, given["dtype"] is np.float32)
    details = interpreter.get_output_details()
    place = [one["name"] for one in details].index(choose([one["name"] for one in details], output))
    ready: set[tuple[int, ...]] = set()

    def run(samples: Floats) -> npt.NDArray[np.floating]:
        shaped = samples[(None,) * (len(shape) - 1)]
        if shaped.shape not in ready:
            interpreter.resize_tensor_input(given["index"], shaped.shape)
            interpreter.allocate_tensors()
            ready.clear()
            ready.add(shaped.shape)
        interpreter.set_tensor(given["index"], shaped)
        interpreter.invoke()
        return np.asarray(interpreter.get_tensor(interpreter.get_output_details()[place]["index"]))

    return Tagger("ai-edge-litert", length, run)


def _only(inputs: Sequence[Any]) -> Any:
    if len(inputs) != 1:
        raise UnfitError(f"it takes {len(inputs)} inputs, not a waveform alone")
    return inputs[0]


def length_of(shape: Sequence[object], is_float: bool) -> int | None:
    """How many samples an input takes; None for any number.

    Args:
        shape: of the input; what is no positive number is open.

    Raises:
        UnfitError: it takes something else than one waveform.
    """
    sizes = [size if isinstance(size, int) and size > 0 else None for size in shape]
    words = f"[{', '.join('any' if size is None else str(size) for size in sizes)}]"
    if not is_float:
        raise UnfitError(f"its input {words} is not of float32")
    if not 1 <= len(sizes) <= 3 or any(size not in (1, None) for size in sizes[:-1]):
        raise UnfitError(f"its input {words} is no waveform [samples] or [1, samples]")
    length = sizes[-1]
    if length is not None and length < LEAST_SAMPLES:
        raise UnfitError(f"its input {words} is no waveform: {length} samples are too few")
    return length


def choose(names: Sequence[str], output: str | None) -> str:
    """The output of a name, or the first.

    Raises:
        UnfitError: there is none.
    """
    if output is not None and output not in names:
        raise UnfitError(f"it has no output {output!r}, but {', '.join(names)}")
    if not names:
        raise UnfitError("it has no output")
    return names[0] if output is None else output


def require_room(length: int | None, rate: int) -> None:
    """See that a clip is no shorter than what a file takes at once, at a rate.

    Raises:
        UnfitError: it is.
    """
    if length is not None and length > CLIP_SECONDS * rate:
        seconds = f"{length / rate:g} s at {rate:,} Hz"
        raise UnfitError(f"it takes {length:,} samples, {seconds}, and a clip has {CLIP_SECONDS} s")


def windows(samples: Floats, length: int | None, rate: int) -> Iterator[Floats]:
    """What a file is given of a sound: all of it, or windows that overlap by half, the last at its end.

    A sound that is too short is followed by silence, up to a window, or up to a second.
    """
    least = rate if length is None else length
    if len(samples) < least:
        samples = np.concatenate([samples, np.zeros(least - len(samples), np.float32)])
    if length is None:
        yield samples
        return
    last = len(samples) - length
    for start in [*range(0, last, max(length // 2, 1)), last]:
        yield samples[start : start + length]


def embed(tagger: Tagger, samples: Floats, rate: int) -> Floats:
    """The features of a sound: the mean over all that the file gives for its windows, float32, [features].

    Raises:
        UnfitError: they are no features.
    """
    sums, rows = 0.0, 0
    for window in windows(samples, tagger.length, rate):
        values = tagger.run(window)
        if values.dtype.kind != "f" or not values.ndim or not _is_possible(values.shape):
            raise UnfitError(f"it gives {values.dtype} of {values.shape}, which are no features")
        each = values.reshape(-1, values.shape[-1])
        sums, rows = sums + each.sum(axis=0, dtype=np.float64), rows + len(each)
    return np.asarray(sums / rows, np.float32)


def _is_possible(shape: tuple[int, ...]) -> bool:
    return 0 < math.prod(shape) <= MOST_VALUES and shape[-1] <= MOST_FEATURES


def _open_no_more() -> None:
    """Let no file be opened from here on, and none be written."""
    for kind in (resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE):
        resource.setrlimit(kind, (0, 0))


def _bound_memory() -> None:
    # macOS takes no bound on addresses.
    with suppress(ValueError, OSError):
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        most = MOST_MEMORY if hard == resource.RLIM_INFINITY else min(MOST_MEMORY, hard)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    # Whoever started us may ignore it, which is inherited; it is what ends us.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    _bound_memory()
    main(int(sys.argv[1]))
