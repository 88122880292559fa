"""Rows of HDF5: no two have one name, they are read back past HDF5, and a changed byte is found."""

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from audioset_tools.archives.hdf5 import Hdf5
from audioset_tools.audio.clip import write_clip
from audioset_tools.exceptions import DataMismatch, EnvironmentProblem
from audioset_tools.export.examples import Exported, read_exported
from audioset_tools.export.hdf5 import (
    SAMPLES,
    check_rows,
    files_of,
    names_form,
    rows_of,
    videos_of,
    write_rows,
)
from audioset_tools.workspace import Workspace

FORMS = {"audio_name": ("S20", ()), "waveform": ("<i2", (50,)), "target": (np.bool_, (3,))}


def batches() -> list[dict]:
    rng = np.random.default_rng(0)
    return [
        {
            "audio_name": [f"Y{row}.wav".encode() for row in range(first, first + 2)],
            "waveform": rng.integers(-9, 9, (2, 50)),
            "target": rng.integers(0, 2, (2, 3)).astype(bool),
        }
        for first in (0, 2)
    ]


def test_what_is_written_is_found_again_and_the_same_bytes_always(tmp_path: Path) -> None:
    for name in ("a.h5", "b.h5"):
        write_rows(tmp_path / name, 4, FORMS, batches(), sample_rate=5)
        check_rows(tmp_path / name, 4, FORMS, batches())
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


@pytest.mark.parametrize("column", list(FORMS))
def test_a_changed_byte_is_found(column: str, tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    write_rows(path, 4, FORMS, batches())
    with h5py.File(path) as file:
        at = file[column].id.get_offset() + file[column].id.get_storage_size() - 1
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataMismatch, match=f"other {column}"):
        check_rows(path, 4, FORMS, batches())


def test_another_form_and_no_file_at_all_are_found(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    write_rows(path, 4, FORMS, batches())
    with pytest.raises(DataMismatch, match="another waveform"):
        check_rows(path, 4, {**FORMS, "waveform": ("<i4", (50,))}, batches())
    with pytest.raises(DataMismatch, match="cannot be read back"):
        check_rows(path, 4, {**FORMS, "mp3": ("S1", ())}, batches())
    path.write_bytes(b"no HDF5")
    with pytest.raises(DataMismatch, match="cannot be read back"):
        check_rows(path, 4, FORMS, batches())
    with pytest.raises(DataMismatch, match="cannot be read back"):
        list(files_of(path, "mp3"))


def test_a_disk_that_takes_nothing_is_the_machines_fault(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentProblem, match="cannot be written"):
        write_rows(tmp_path / "nowhere" / "a.h5", 4, FORMS, batches())


@pytest.fixture
def data(exportable: Workspace, labels: Path) -> Exported:
    return read_exported(exportable, "mids", labels)


def test_clips_are_named_as_panns_names_them(data: Exported) -> None:
    rows = rows_of(data, data.examples, videos_of(data))
    assert set(rows.names) == {f"Y{one.ytid}.wav".encode() for one in data.examples}
    assert names_form(rows) == ("S20", ())


def test_two_clips_of_one_video_have_names_of_their_own(data: Exported) -> None:
    first, second, *others = data.examples
    twin = replace(second, ytid=first.ytid, key=f"{first.ytid}_4294967295")
    every = replace(data, examples=(first, twin, *others))
    rows = rows_of(every, (first, twin, others[0]), videos_of(every))
    assert rows.names == (
        f"Y{first.key}.wav".encode(), f"Y{twin.key}.wav".encode(), f"Y{others[0].ytid}.wav".encode(),
    )  # fmt: skip
    assert names_form(rows) == ("S27", ())


def test_a_clip_of_32_khz_is_taken_as_it_is(data: Exported, tmp_path: Path) -> None:
    samples = np.random.default_rng(0).integers(-32_768, 32_767, SAMPLES).astype(np.int16)
    digest = write_clip(samples, tmp_path / "it.wav", 32_000)
    one = replace(data.examples[0], file=str(tmp_path / "it.wav"), sha256=digest)
    rows = replace(rows_of(data, [one], videos_of(data)), sample_rate=32_000)
    assert np.array_equal(rows.sound(0), samples)


def test_a_source_that_was_lost_or_changed_is_no_reason_to_guess(
    with_sources: Workspace, labels: Path
) -> None:
    data = read_exported(with_sources, "mids", labels)
    rows, paths = rows_of(data, data.examples, videos_of(data)), sorted(with_sources.root.glob("sources/*/*"))
    assert len(paths) == len(data.examples)
    for path in paths:
        path.write_bytes(path.read_bytes()[:-1] + b"\0")
    with pytest.raises(DataMismatch, match="has changed"):
        rows.sound(0)
    for path in paths:
        path.unlink()
    with pytest.raises(DataMismatch, match="cannot be read"):
        rows.sound(0)


def test_our_own_reader_of_local_archives_takes_it(data: Exported, tmp_path: Path) -> None:
    from audioset_tools.export.panns import plan

    part = plan(replace(data, out=tmp_path)).parts[0]
    part.make(tmp_path / "a.h5")
    archive = Hdf5(tmp_path / "a.h5")
    found = {entry.name: archive.read(entry) for entry in archive.index()}
    assert found.keys() == {f"Y{one.ytid}.wav" for one in data.splits["train"]}
    assert {len(content) for content in found.values()} == {44 + 2 * SAMPLES}
