"""Shards: whole or not there, readable by plain h5py, refused when foreign, damaged or mixed.

Statistics taken a row at a time are numpy's over all rows, also where a sum of squares would lose them.
"""

import dataclasses
import json
import os
import re
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audioset_tools.exceptions import DataMismatch, EnvironmentProblem
from audioset_tools.featurize.run import finish_folder
from audioset_tools.shards.shard import (
    WITHOUT_GROUP,
    Accumulator,
    Shard,
    Statistics,
    combined,
    open_shard,
    write_shard,
)
from tests.shards.small import HEADER, SEVERAL, SHAPE, mels, write


@pytest.mark.parametrize("rows", [1, 15, 16, 17, 40])
def test_what_is_written_is_read(tmp_path: Path, rows: int) -> None:
    shard = open_shard(write(tmp_path / "s.h5", rows))
    assert (shard.header, shard.shape, len(shard)) == (HEADER, SHAPE, rows)
    np.testing.assert_array_equal(shard.read(0, rows), mels(rows))
    np.testing.assert_array_equal(shard.read(rows - 1, rows), mels(rows)[-1:])
    np.testing.assert_array_equal(shard.label, np.arange(rows) % 2)
    np.testing.assert_array_equal(shard.noise, np.arange(rows) % 2)
    np.testing.assert_array_equal(shard.target, np.eye(2)[shard.label])
    assert shard.key[0] == b"-key_0"
    assert shard.group.tolist() == [b"-group_%d" % (row // 4) for row in range(rows)]


def test_a_row_of_no_named_group_is_of_its_videos(tmp_path: Path) -> None:
    with write_shard(tmp_path / "s.h5", HEADER, 1, SHAPE) as writer:
        writer.add(mels(1)[0], label=0, key="-abcdefghiA_30000", noise=0, sha256="a" * 64)
    assert open_shard(tmp_path / "s.h5").group.tolist() == [b"-abcdefghiA"]


def test_in_a_shard_of_before_there_were_groups_each_video_is_one(tmp_path: Path) -> None:
    path = write(tmp_path / "s.h5", 4)
    replace_field(path, "key", np.array([b"-abcdefghiA_0"] * 2 + [b"_abcdefghiA_1000"] * 2, "S32"))
    with h5py.File(path, "a") as file:
        del file["group"]
    with pytest.raises(DataMismatch, match="no group of the shape"):
        open_shard(path)
    change(path, format=WITHOUT_GROUP)
    assert open_shard(path).group.tolist() == [b"-abcdefghiA"] * 2 + [b"_abcdefghiA"] * 2


def test_a_row_may_carry_several_classes_where_the_header_says_so(tmp_path: Path) -> None:
    shard = open_shard(write(tmp_path / "s.h5", 4, SEVERAL))
    assert shard.header == SEVERAL
    assert (shard.target.dtype, shard.target.tolist()) == (np.uint8, [[1, 1], [0, 1], [1, 0], [1, 1]])
    assert shard.label.tolist() == [0, 1, 0, 1]
    with pytest.raises(DataMismatch, match="targets that its labels contradict"):
        change(tmp_path / "s.h5", multi_label="false")
        open_shard(tmp_path / "s.h5")


def test_plain_h5py_reads_it(tmp_path: Path) -> None:
    with h5py.File(write(tmp_path / "s.h5")) as file:
        np.testing.assert_array_equal(file["mel"][3], mels(20)[3])
        assert file["mel"].fletcher32 and file["mel"].compression is None
        assert json.loads(file.attrs["class_names"]) == ["Piano", "Drums"]
        assert file["sha256"][0] == b"a" * 64


def test_the_readers_of_the_page_work_as_they_stand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (Path(__file__).parents[2] / "docs" / "shards.md").read_text()
    plain, ours = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(plain.splitlines()) <= 10
    folder = tmp_path / "audioset" / "shards" / "paper-a1b2c3d4"
    finish_folder(folder, [write(folder / "train-00000.h5", 20)])
    monkeypatch.chdir(folder)
    exec(compile(plain, "shards.md", "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert lines[3] == "-key_1 Drums copy 1: (4, 6), loudest 95"
    assert len(lines) == 20
    monkeypatch.chdir(tmp_path)
    found: dict[str, np.ndarray] = {}
    exec(compile(ours, "shards.md", "exec"), found)
    assert found["standardised"].shape == (20, *SHAPE)
    assert abs(found["standardised"].mean()) < 1e-3


def test_a_shard_that_is_not_filled_never_appears(tmp_path: Path) -> None:
    with (
        pytest.raises(ValueError, match="1 rows added to a shard of 2"),
        write_shard(tmp_path / "s.h5", HEADER, 2, SHAPE) as writer,
    ):
        writer.add(mels(1)[0], label=0, key="k", noise=0, sha256="a" * 64)
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_leaves_the_old_shard_and_nothing_else(tmp_path: Path) -> None:
    before = write(tmp_path / "s.h5").read_bytes()
    with pytest.raises(KeyboardInterrupt), write_shard(tmp_path / "s.h5", HEADER, 2, SHAPE):
        raise KeyboardInterrupt
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [before]


def test_a_folder_that_cannot_be_made_is_the_environments_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentProblem, match="cannot be written"):
        write(tmp_path / "file" / "s.h5")


def foreign(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["waveform"] = np.zeros(10)


def change(path: Path, **attributes: object) -> None:
    with h5py.File(path, "a") as file:
        for name, value in attributes.items():
            del file.attrs[name]
            if value is not None:
                file.attrs[name] = np.bytes_(value) if isinstance(value, str) else value


def replace_field(path: Path, name: str, data: np.ndarray, **options: object) -> None:
    with h5py.File(path, "a") as file:
        del file[name]
        kept = {"chunks": data.shape, "fletcher32": True} if name != "mel" else {}
        file.create_dataset(name, data=data, **kept | options)


def empty_mel(path: Path) -> None:
    with h5py.File(path, "a") as file:
        del file["mel"]
        file.create_dataset("mel", (20, *SHAPE), "f4", chunks=(1, *SHAPE), fletcher32=True)


def make_group(path: Path, name: str) -> None:
    with h5py.File(path, "a") as file:
        del file[name]
        file.create_group(name)


DAMAGE = {
    "foreign": (foreign, "is no shard"),
    "truncated": (lambda path: path.write_bytes(path.read_bytes()[:-100]), "is no shard, or a damaged"),
    "empty": (lambda path: path.write_bytes(b""), "is no shard"),
    "text": (lambda path: path.write_text("hello"), "is no shard"),
    "another version": (lambda path: change(path, format="audioset-tools mel shard 9"), "not a shard"),
    "no spec": (lambda path: change(path, spec=None), "lacks the attribute spec"),
    "number for a recipe": (lambda path: change(path, recipe=3), "lacks the attribute recipe"),
    "classes": (lambda path: change(path, class_names="["), "damaged attributes of its classes"),
    "neither one nor several": (lambda path: change(path, multi_label="{"), "damaged attributes of its"),
    "the version before": (lambda path: change(path, format=np.array("x", "O")), "not a shard"),
    "compressed": (lambda path: replace_field(path, "mel", mels(20), compression="gzip"), "each a chunk"),
    "contiguous": (lambda path: replace_field(path, "mel", mels(20)), "each a chunk"),
    "no checksums": (lambda path: replace_field(path, "mel", mels(20), chunks=(1, *SHAPE)), "each a chunk"),
    "shuffled": (
        lambda path: replace_field(path, "mel", mels(20), chunks=(1, *SHAPE), fletcher32=True, shuffle=True),
        "each a chunk",
    ),
    "double": (lambda path: replace_field(path, "mel", mels(20).astype("f8")), "no mel of float32"),
    "chunks that are not there": (lambda path: empty_mel(path), "lacks mels"),
    "short label": (lambda path: replace_field(path, "label", np.zeros(3, "i4")), "no label of the shape"),
    "short mean": (lambda path: replace_field(path, "mean", np.zeros(3)), "no mean of the shape"),
    "a group": (lambda path: make_group(path, "std"), "no std of the shape"),
    "narrow target": (lambda path: replace_field(path, "target", np.ones((20, 1), "u1")), "no target of"),
    "no target": (lambda path: replace_field(path, "target", np.zeros((20, 2), "u1")), "labels contradict"),
    "both targets": (lambda path: replace_field(path, "target", np.ones((20, 2), "u1")), "labels contradict"),
    "a target of two": (
        lambda path: replace_field(path, "target", 2 * np.eye(2, dtype="u1")[np.arange(20) % 2]),
        "labels contradict",
    ),
    "no class": (lambda path: replace_field(path, "label", np.full(20, 2, "i4")), "labels of no class"),
    "no key": (lambda path: replace_field(path, "key", np.zeros(20, "S32")), "rows of no clip"),
    "no group": (lambda path: replace_field(path, "group", np.zeros(20, "S11")), "or of no group"),
    "a long group": (lambda path: replace_field(path, "group", np.full(20, b"x" * 12)), "no group of the"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_refused(tmp_path: Path, name: str) -> None:
    damage, message = DAMAGE[name]
    path = write(tmp_path / "s.h5")
    damage(path)
    with pytest.raises(DataMismatch, match=message) as caught:
        open_shard(path)
    assert "audioset-tools featurize" in caught.value.remedy


Everything = tuple[object, ...]


def everything(shard: Shard) -> Everything:
    """All that a shard tells, comparable."""
    columns = (shard.label, shard.key, shard.group, shard.noise, shard.sha256, shard.target)
    arrays = (shard.read(0, len(shard)), *columns, shard.statistics.mean, shard.statistics.std)
    return shard.header, shard.shape, *(array.tobytes() for array in arrays)


def read_or_refused(path: Path) -> Everything | None:
    try:
        return everything(open_shard(path))
    except DataMismatch as error:
        assert str(path) in error.what and error.remedy
        return None


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("sound") / "s.h5", rows=3, header=SEVERAL)


@settings(max_examples=600, deadline=None)
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_is_found_or_changes_nothing(sound: Path, place: float, bit: int) -> None:
    content = bytearray(sound.read_bytes())
    content[int(place * len(content))] ^= 1 << bit
    flipped = sound.with_name("flipped.h5")
    flipped.write_bytes(content)
    assert read_or_refused(flipped) in (None, everything(open_shard(sound)))


def test_a_flipped_bit_in_any_mel_is_found_by_us_and_by_plain_h5py(sound: Path) -> None:
    flipped = sound.with_name("one.h5")
    for row, offset in enumerate(open_shard(sound).offsets):
        for place in (0, 4 * SHAPE[0] * SHAPE[1] + 3):
            content = bytearray(sound.read_bytes())
            content[offset + place] ^= 16
            flipped.write_bytes(content)
            shard = open_shard(flipped)
            with pytest.raises(
                DataMismatch, match=rf"the mel of -key_{row // 2}, .* \(row {row}\) is damaged"
            ):
                shard.read(0, 3)
            assert len(shard.read(0, row)) == row
            with h5py.File(flipped) as file, pytest.raises(OSError, match="filter"):
                file["mel"][row]


@pytest.mark.parametrize("start", range(0, 2400, 48))
def test_garbage_anywhere_in_the_structure_never_gives_a_traceback(sound: Path, start: int) -> None:
    content = bytearray(sound.read_bytes())
    content[start : start + 48] = bytes(range(200, 248))
    garbage = sound.with_name("garbage.h5")
    garbage.write_bytes(content)
    read_or_refused(garbage)


def test_another_file_in_its_place_is_not_read_by_mistake(tmp_path: Path) -> None:
    shard = open_shard(write(tmp_path / "s.h5"))
    write(tmp_path / "s.h5", offset=5)
    with pytest.raises(DataMismatch, match="has changed since"):
        shard.read(0, 1)
    (tmp_path / "s.h5").unlink()
    with pytest.raises(DataMismatch, match="cannot be read: No such file"):
        shard.read(0, 1)


def test_rows_are_read_in_any_order_and_more_than_once(tmp_path: Path) -> None:
    shard = open_shard(write(tmp_path / "s.h5", 700))
    rows = np.random.default_rng(0).integers(0, 700, 2000)
    found = np.empty((2000, *SHAPE), np.float32)
    shard.read_into(rows, found, np.arange(2000))
    np.testing.assert_array_equal(found, mels(700)[rows])
    np.testing.assert_array_equal(shard.read(0, 700), mels(700))
    assert shard.read(3, 3).shape == (0, *SHAPE)


def test_the_kernel_may_give_less_than_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shard = open_shard(write(tmp_path / "s.h5", 40))
    preadv = os.preadv
    monkeypatch.setattr(os, "preadv", lambda file, views, at: preadv(file, [views[0][:37]], at))
    np.testing.assert_array_equal(shard.read(0, 40), mels(40))
    monkeypatch.setattr(os, "preadv", lambda file, views, at: 0)
    with pytest.raises(DataMismatch, match="is cut off"):
        shard.read(0, 40)


def test_the_same_rows_give_the_same_bytes_at_any_time(tmp_path: Path) -> None:
    first = write(tmp_path / "one.h5").read_bytes()
    time.sleep(1.1)
    assert write(tmp_path / "two.h5").read_bytes() == first


def test_long_class_lists_and_names_in_any_script(tmp_path: Path) -> None:
    header = dataclasses.replace(HEADER, class_names=tuple(f"Fl\u00f6te {n}" for n in range(527)), librosa="")
    assert open_shard(write(tmp_path / "s.h5", 3, header)).header == header


def of(rows: np.ndarray) -> Statistics:
    accumulator = Accumulator(rows.shape[1:])
    for row in rows:
        accumulator.add(row)
    return accumulator.statistics()


@given(
    seed=st.integers(0, 2**32),
    cuts=st.lists(st.integers(1, 6), min_size=1, max_size=5),
    frames=st.sampled_from([1, 2, 63, 64, 65, 130]),
    offset=st.sampled_from([0.0, 1e-6, 1.0, -4e4, 1e7]),
    sharpness=st.sampled_from([0.5, 1.0, 8.0]),
)
def test_they_are_numpys(seed: int, cuts: list[int], frames: int, offset: float, sharpness: float) -> None:
    rng = np.random.default_rng(seed)
    # Values of all sizes, around an offset beside which they may be tiny; the last band is constant.
    spread = rng.standard_normal((sum(cuts), 5, frames)) * np.exp(
        sharpness * rng.standard_normal((sum(cuts), 5, 1))
    )
    spread[:, 4] = 0
    rows = (spread + offset).astype(np.float32)
    found = combined([of(part) for part in np.split(rows, np.cumsum(cuts)[:-1])])
    exact = rows.astype(np.longdouble)
    assert found.rows == len(rows)
    np.testing.assert_allclose(found.mean, exact.mean(axis=(0, 2)), rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(found.std, exact.std(axis=(0, 2)), rtol=1e-6, atol=1e-12)
    assert found.std[4] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_rows_that_are_no_numbers_have_no_statistics_and_disturb_no_other_band(value: float) -> None:
    rows = np.ones((3, 2, 70), np.float32)
    rows[1, 0, 5] = value
    found = combined([of(rows[:2]), of(rows[2:])])
    assert not np.isfinite(found.std[0])
    assert (found.mean[1], found.std[1]) == (1, 0)
