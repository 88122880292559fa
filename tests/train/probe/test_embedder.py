"""A tagger's file in a process of its own: the right features, and no harm from a wrong file."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from audioset_tools.exceptions import DataMismatch, EnvironmentProblem, UsageError
from audioset_tools.installing import install
from audioset_tools.train.probe import embedder as embedder_module
from audioset_tools.train.probe.embedder import Embedder, Embedding, digest_of_file

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("ai_edge_litert")

import onnx
import taggers


def embedding(path: Path, content: bytes, output: str | None = None, rate: int = 16_000) -> Embedding:
    path.write_bytes(content)
    return Embedding(path, digest_of_file(path), output, rate)


def chord(seconds: float = 10, rate: int = 16_000) -> np.ndarray:
    """Two of the pitches, the second coming in late, over noise."""
    time = np.arange(round(seconds * rate)) / rate
    low, high = (np.sin(2 * np.pi * taggers.PITCHES[pitch] * time) for pitch in (2, 4))
    noise = np.random.default_rng(0).standard_normal(len(time))
    return (0.3 * low + 0.2 * high * (time > 6) + 0.01 * noise).astype(np.float32)


def in_windows(samples: np.ndarray, length: int) -> np.ndarray:
    """What a tagger of fixed length says on average, by numpy."""
    last = len(samples) - length
    starts = [*range(0, last, length // 2), last]
    return np.mean([taggers.expected(samples[start : start + length]) for start in starts], axis=0)


@pytest.fixture(scope="module")
def embedder(tmp_path_factory: pytest.TempPathFactory) -> Embedder:
    """Of an ONNX file of any length."""
    path = tmp_path_factory.mktemp("tagger") / "tagger.onnx"
    return Embedder(embedding(path, taggers.onnx_tagger("samples", 2)))


def test_onnx_of_any_length_takes_a_sound_as_a_whole(embedder: Embedder) -> None:
    sound = chord(2)
    # Its rows are means over eight frames each; what is left at the end is in none.
    frames = (len(sound) - taggers.TAPS) // taggers.STEP + 1
    rows = [
        taggers.expected(sound[taggers.STEP * start :][: taggers.STEP * 7 + taggers.TAPS])
        for start in range(0, frames - 7, 8)
    ]
    np.testing.assert_allclose(embedder([sound], 16_000)[0], np.mean(rows, axis=0), rtol=1e-4, atol=1e-6)


def test_tflite_of_fixed_length_takes_windows(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    embedder = Embedder(embedding(tmp_path / "tagger.tflite", taggers.tflite_tagger()))
    nothing = np.zeros(0, np.float32)
    found = embedder([chord(10), chord(3.3), nothing], 16_000)
    wanted = [in_windows(chord(seconds), taggers.LENGTH) for seconds in (10, 3.3)]
    wanted.append(taggers.expected(np.zeros(taggers.LENGTH)))
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)
    assert found[0].argsort()[-2:].tolist() == [4, 2]
    # Its interpreter prints that it made a delegate.
    assert capfd.readouterr() == ("", "")


def test_tflite_of_any_length_is_resized(tmp_path: Path) -> None:
    embedder = Embedder(embedding(tmp_path / "tagger.tflite", taggers.tflite_tagger(1, any_length=True)), 1)
    for sound in (chord(2), chord(3), chord(2)):
        (found,) = embedder([sound], 16_000)
        np.testing.assert_allclose(found, taggers.expected(sound), rtol=1e-4, atol=1e-6)


def test_the_same_bytes_whatever_the_number_of_processes(tmp_path: Path) -> None:
    one = embedding(tmp_path / "tagger.onnx", taggers.onnx_tagger(), "embeddings")
    sounds = [chord(seconds) for seconds in (2, 3, 4, 2.5, 1)]
    several = Embedder(one, processes=3)
    first = several(sounds, 16_000)
    assert first.shape == (5, 16) and first.dtype == np.float32
    assert first.tobytes() == several(sounds, 16_000).tobytes()
    assert first.tobytes() == Embedder(one, processes=1)(sounds, 16_000).tobytes()


def test_a_sound_of_another_rate_is_resampled(embedder: Embedder) -> None:
    found = [embedder([chord(8, rate)], rate)[0] for rate in (16_000, 48_000)]
    # The tones are the same sound at any rate, the noise is not.
    np.testing.assert_allclose(found[0][[2, 4]], found[1][[2, 4]], rtol=0.02)


def external() -> bytes:
    model = onnx.load_from_string(taggers.onnx_tagger())
    filters = model.graph.initializer[2]
    Path("filters.bin").write_bytes(filters.raw_data)
    filters.ClearField("raw_data")
    filters.data_location = onnx.TensorProto.EXTERNAL
    filters.external_data.add(key="location", value="filters.bin")
    return bytes(model.SerializeToString())


def of_another_domain() -> bytes:
    model = onnx.load_from_string(taggers.onnx_tagger())
    model.graph.node[2].domain = "somebody.else"
    model.opset_import.add(domain="somebody.else", version=1)
    return bytes(model.SerializeToString())


def without_numbers() -> bytes:
    model = onnx.load_from_string(taggers.onnx_tagger())
    model.graph.node[-1].op_type = "Log"
    return bytes(model.SerializeToString())


def without_bounds() -> bytes:
    """Takes twice the memory there may be."""
    model = onnx.load_from_string(taggers.onnx_tagger())
    size = onnx.numpy_helper.from_array(np.array([2**32]), "size")
    del model.graph.node[:], model.graph.output[1:]
    model.graph.initializer.append(size)
    model.graph.node.append(onnx.helper.make_node("ConstantOfShape", ["size"], ["scores"]))
    return bytes(model.SerializeToString())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (lambda: b"", "cannot be used"),
        (lambda: taggers.onnx_tagger()[:9_000], "cannot be used"),
        (lambda: taggers.tflite_tagger()[:9_000], "cannot be used"),
        (external, "it keeps tensors in other files"),
        (of_another_domain, "somebody.else"),
        (without_numbers, "features that are no numbers"),
        (without_bounds, "cannot be used"),
        (lambda: taggers.onnx_tagger(128, 3), r"input \[1, 1, 128\] is no waveform"),
    ],
)
def test_a_file_that_is_no_good_is_an_error_of_two_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: Callable[[], bytes], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises((DataMismatch, UsageError), match=words) as caught:
        Embedder(embedding(tmp_path / "tagger\n.onnx", content()))([np.zeros(16_000, np.float32)], 16_000)
    assert "docs/probe.md" in caught.value.remedy
    assert caught.value.what.isprintable()


def test_an_output_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no output 'logits', but scores, embeddings") as caught:
        Embedder(embedding(tmp_path / "tagger.onnx", taggers.onnx_tagger(), "logits"))
    assert "--embedding-output" in caught.value.remedy


def test_a_file_that_changed_is_not_run(tmp_path: Path) -> None:
    path = tmp_path / "tagger.onnx"
    before = embedding(path, taggers.onnx_tagger())
    path.write_bytes(taggers.onnx_tagger("samples", 2))
    with pytest.raises(DataMismatch, match=r"tagger.onnx is not the embedding file"):
        Embedder(before)


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "nowhere", "."):
        with pytest.raises(UsageError, match="cannot be read"):
            digest_of_file(tmp_path / name)


def test_a_process_that_dies_is_an_error(tmp_path: Path) -> None:
    embedder = Embedder(embedding(tmp_path / "tagger.onnx", taggers.onnx_tagger()), processes=1)
    deaths = {signal.SIGSEGV: "died of it .SIGSEGV.", signal.SIGALRM: "did not answer within 120 s"}
    for how, words in deaths.items():
        # The sound after a death gets a new process.
        assert embedder([chord(1)], 16_000).shape == (1, 8)
        embedder._idle[0]._process.send_signal(how)
        with pytest.raises(DataMismatch, match=words):
            embedder([chord(1)], 16_000)


def stand_in(path: Path, monkeypatch: pytest.MonkeyPatch, *answers: str) -> Embedder:
    """An embedder whose process gives these answers, Python literals, and ends with code 3."""
    monkeypatch.setattr(embedder_module, "__file__", str(path / "embedder.py"))
    (path / "tagger.py").write_text(
        f"""
import sys
from multiprocessing.connection import Connection

pipe = Connection(int(sys.argv[1]))
rate, output, model = (pipe.recv_bytes() for _ in range(3))
for answer in ({", ".join(answers)},):
    pipe.send_bytes(answer)
    pipe.recv_bytes()
sys.exit(3)
"""
    )
    return Embedder(embedding(path / "tagger.onnx", b"any"), processes=1)


def test_a_package_that_is_not_installed_is_named_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(EnvironmentProblem, match="package onnxruntime is not installed") as caught:
        stand_in(tmp_path, monkeypatch, "b'monnxruntime'")
    assert install("embedding") in caught.value.remedy


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("b'v' + bytes(7)", "gives 1 features"),
        ("b'v'", "gives 0 features"),
        ("b'v' + bytes(4 * 2**16 + 4)", "died of it"),
        ("b'v' + b'\\0\\0\\xc0\\x7f'", "no numbers"),
        ("b'b\\x1b[31m' + 900 * b'x'", r"cannot be used: \\x1b\[31m"),
        ("b'v' + bytes(8), b'v' + bytes(4)", "2 features of one sound and 1 of another"),
    ],
)
def test_whatever_its_process_says_is_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, words: str
) -> None:
    embedder = stand_in(tmp_path, monkeypatch, "b'vonnxruntime'", answer)
    with pytest.raises(DataMismatch, match=words) as caught:
        for _ in range(2):
            embedder([np.ones(16_000, np.float32)], 16_000)
    assert caught.value.what.isprintable() and len(caught.value.what) < 500


def test_nothing_is_left_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("onnxruntime.py").write_text("raise SystemExit('taken from the current folder')")
    embedder = Embedder(embedding(tmp_path / "tagger.onnx", taggers.onnx_tagger()), processes=2)
    assert embedder([chord(1)] * 4, 16_000).shape == (4, 8)
    processes = [one._process for one in embedder._idle]
    del embedder
    assert all(process.returncode is not None for process in processes)
