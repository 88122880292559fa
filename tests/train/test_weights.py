"""Weights come back bit for bit; whatever else a file holds is refused, and nothing of it is run."""

import json
import pickle
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.numpy import save, save_file

from audioset_tools.errors import DataMismatch
from audioset_tools.featurize.shard import ShardHeader
from audioset_tools.train.about import parse_about, require_same_data
from audioset_tools.train.weights import HEADER_KEY, MAX_HEADER_BYTES, read_weights, write_weights

from .small import SHAPE, about

TENSORS = {
    "0.weight": np.linspace(-1, 1, 24, dtype=np.float32).reshape(2, 3, 4).T,
    "count": np.array(7),
    "empty": np.zeros((0, 3)),
    "bytes": np.arange(5, dtype=np.uint8),
}

ANY = hnp.arrays(
    st.sampled_from([np.float32, np.float64, np.int64, np.uint8, np.bool_]),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
    elements={"allow_nan": False, "allow_infinity": False},
)

same_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def same(found: dict[str, np.ndarray], wanted: dict[str, np.ndarray]) -> bool:
    return found.keys() == wanted.keys() and all(
        (found[name].dtype, found[name].shape, found[name].tobytes())
        == (wanted[name].dtype, wanted[name].shape, wanted[name].tobytes())
        for name in wanted
    )


@same_folder
@given(tensors=st.dictionaries(st.text("abc./_", min_size=1, max_size=8), ANY, max_size=4))
def test_what_is_written_comes_back_and_the_same_gives_the_same_bytes(
    tmp_path: Path, tensors: dict[str, np.ndarray]
) -> None:
    path, again = tmp_path / "model.safetensors", tmp_path / "again.safetensors"
    write_weights(path, tensors, about(config={"model": "svm", "filters": (8, 8), "lr": None}))
    found, arrays = read_weights(path)
    assert same(arrays, tensors)
    assert found == about(config={"model": "svm", "filters": [8, 8], "lr": None})
    write_weights(again, dict(reversed(tensors.items())), found)
    assert again.read_bytes() == path.read_bytes()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("weights") / "model.safetensors"
    write_weights(path, TENSORS, about())
    return path.read_bytes()


def read_or_refuse(path: Path, content: bytes) -> None:
    """A changed file is refused, or, where the change meant nothing, read as it was."""
    path.write_bytes(content)
    try:
        found, tensors = read_weights(path)
    except DataMismatch as error:
        assert str(path) in error.what and error.remedy
    else:
        assert found == about() and same(tensors, TENSORS)


@same_folder
@given(where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_is_found(tmp_path: Path, written: bytes, where: float, bit: int) -> None:
    content = bytearray(written)
    content[int(where * len(content))] ^= 1 << bit
    read_or_refuse(tmp_path / "model.safetensors", bytes(content))


@same_folder
@given(start=st.floats(0, 1), length=st.integers(0, 40), put=st.binary(max_size=40))
def test_bytes_cut_out_put_in_or_overwritten_are_found(
    tmp_path: Path, written: bytes, start: float, length: int, put: bytes
) -> None:
    first = int(start * len(written))
    read_or_refuse(tmp_path / "model.safetensors", written[:first] + put + written[first + length :])


@same_folder
@given(end=st.floats(0, 1, exclude_max=True))
def test_a_file_cut_short_is_refused(tmp_path: Path, written: bytes, end: float) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(written[: int(end * len(written))])
    with pytest.raises(DataMismatch):
        read_weights(path)


class Bomb:
    """Whoever unpickles it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.path,)


def test_a_pickle_is_refused_and_not_run(tmp_path: Path) -> None:
    path, trace = tmp_path / "model.safetensors", tmp_path / "trace"
    path.write_bytes(pickle.dumps(Bomb(trace)))
    with pytest.raises(DataMismatch):
        read_weights(path)
    assert not trace.exists()
    pickle.loads(path.read_bytes())  # noqa: S301 - shows that the trap works
    assert trace.exists()


def with_entry(entry: str) -> bytes:
    return save(TENSORS | {"0.weight": np.zeros((2, 2))}, {HEADER_KEY: entry})


def bfloat() -> bytes:
    header = json.dumps(
        {
            "__metadata__": {HEADER_KEY: json.dumps(json.loads(about().json()) | {"sha256": "0"})},
            "w": {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]},
        }
    ).encode()
    return len(header).to_bytes(8, "little") + header + b"\0\0"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "of 0 bytes"),
        (b"PK\x03\x04" + b"\0" * 40, "of 67,324,752 bytes"),
        (save(TENSORS), "another program"),
        (save(TENSORS, {"format": "pt"}), "another program"),
        (with_entry("no JSON"), "did not write"),
        (with_entry("[" * 100_000), "did not write"),
        (with_entry('{"sha256": ' * 5_000 + "1" + "}" * 5_000), "did not write"),
        (with_entry("[]"), "did not write"),
        (with_entry("{}"), "did not write"),
        (with_entry('{"sha256": "0"}'), "settings"),
        (with_entry(json.dumps(json.loads(about().json()) | {"sha256": "0"})), "sha256"),
        ((MAX_HEADER_BYTES + 1).to_bytes(8, "little") + b" " * 100, "1,048,577"),
        ((2**63).to_bytes(8, "little"), "of 9,223"),
        ((2_000).to_bytes(8, "little") + b"[" * 2_000, "damaged"),
        (bfloat(), "damaged"),
    ],
)
def test_foreign_files_are_refused(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(DataMismatch, match=words):
        read_weights(path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_refused(tmp_path: Path, value: float) -> None:
    write_weights(tmp_path / "model.safetensors", {"w": np.array([1, value])}, about())
    with pytest.raises(DataMismatch, match="no numbers"):
        read_weights(tmp_path / "model.safetensors")


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(DataMismatch, match="no weights"):
            read_weights(path)


@pytest.mark.parametrize(
    "change",
    [
        {"class_names": []},
        {"class_names": ["Piano", "Piano"]},
        {"class_names": ["Piano", 3]},
        {"class_names": ["\ud800"]},
        {"class_names": "Piano"},
        {"shape": [12]},
        {"shape": [0, 4]},
        {"shape": [1.5, 4]},
        {"config": []},
        {"config": {"filters": [[8]]}},
        {"spec": {"log": {}}},
        {"versions": {"torch": 2}},
        {"threads": 0},
        {"multi_label": 1},
        {"recipe": None},
        {"spec_digest": "\udcff"},
        {"more": 1},
    ],
)
def test_settings_that_cannot_be_are_refused(change: dict[str, object]) -> None:
    content = json.loads(about().json())
    assert parse_about(content, Path("x")) == about()
    with pytest.raises(DataMismatch):
        parse_about(content | change, Path("x"))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=10,
    ),
    st.sampled_from(sorted(json.loads(about().json()))),
)
def test_any_json_is_settings_or_refused(content: object, name: str) -> None:
    for read in (content, json.loads(about().json()) | {name: content}):
        with suppress(DataMismatch):
            parse_about(read, Path("x")).json()


def test_weights_for_other_data_are_refused() -> None:
    def header(classes: tuple[str, ...], digest: str, multi_label: bool = False) -> ShardHeader:
        return ShardHeader("test", "paper", classes, "{}", digest, "", "", "", multi_label)

    names = about().class_names
    require_same_data(about(), header(names, "small"), SHAPE, Path("x"))
    for other, shape, words in (
        (header(names[::-1], "small"), SHAPE, "Flute, Drums, Piano"),
        (header(names, "small", True), SHAPE, "any number at once"),
        (header(names, "other"), SHAPE, "other"),
        (header(names, "small"), (12, 25), "12 x 25"),
    ):
        with pytest.raises(DataMismatch, match=words):
            require_same_data(about(), other, shape, Path("x"))


def test_safetensors_of_another_program_do_not_pass_for_ours(tmp_path: Path) -> None:
    save_file(TENSORS | {"0.weight": np.zeros(3)}, tmp_path / "model.safetensors", {"audioset-tools": "{}"})
    with pytest.raises(DataMismatch, match="another program"):
        read_weights(tmp_path / "model.safetensors")
