"""PaSST's and EfficientAT's own way of reading gets each clip whole, in step, with its targets."""

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from audioset_tools.audio import mp3
from audioset_tools.audio.clip import read_clip
from audioset_tools.audio.mp3 import encode_mp3
from audioset_tools.exceptions import DataMismatch, EnvironmentProblem
from audioset_tools.export.examples import read_exported
from audioset_tools.export.passt import is_of, plan
from audioset_tools.export.run import ExportResult, export
from audioset_tools.shards.dataset import read_dataset
from audioset_tools.workspace import Workspace
from tests.export.conftest import label_file
from tests.export.readers import PasstDataset


@pytest.fixture(scope="module")
def packed(_featurized: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, ExportResult]:
    """The label file, and an export of all clips by two jobs: its folder, and what was said of it."""
    lists = label_file(tmp_path_factory.mktemp("lists"))
    out = tmp_path_factory.mktemp("passt") / "out"
    return lists, out, export(Workspace(_featurized), "passt", out, metadata=lists, jobs=2)


def test_its_data_set_gets_every_clip(packed: tuple[Path, Path, ExportResult], _featurized: Path) -> None:
    _, out, done = packed
    placed = {f"Y{one.key[:11]}.wav": one for one in read_dataset(Workspace(_featurized).dataset)}
    for split, count in done.clips.items():
        found = PasstDataset(out / f"{split}-00000.h5")
        assert len(found) == count
        for index in range(count):
            waveform, name, target = found[index]
            one = placed.pop(name)
            assert waveform.shape == (1, 320_000) and one.split == split
            clip = read_clip(_featurized / one.path, one.sha256)
            # In step from the first second to the last: a clip taken for 16 kHz ends after five.
            for second in range(10):
                wanted = clip[16_000 * second : 16_000 * (second + 1)]
                got = waveform[0, 32_000 * second : 32_000 * (second + 1) : 2]
                assert np.corrcoef(got, wanted)[0, 1] > 0.95
            assert np.flatnonzero(target).tolist() == [137] and target.shape == (527,)
    assert not placed
    assert any("10 of 10 clips are upsampled" in note for note in done.notes)


def test_the_file_is_of_the_form_that_passt_packs(packed: tuple[Path, Path, ExportResult]) -> None:
    with h5py.File(packed[1] / "train-00000.h5") as file:
        assert h5py.check_vlen_dtype(file["mp3"].dtype) == np.uint8
        assert (str(file["audio_name"].dtype), file["target"].dtype, file["target"].shape[1]) == (
            *("|S20", np.uint8), 66,
        )  # fmt: skip


def test_a_part_is_the_same_bytes_whoever_makes_it(
    packed: tuple[Path, Path, ExportResult], _featurized: Path, tmp_path: Path
) -> None:
    lists, out, _ = packed
    parts = {part.name: part for part in plan(read_exported(Workspace(_featurized), "mids", lists)).parts}
    for name in ("validation-00000.h5", "test-00000.h5"):
        parts[name].make(tmp_path / name)
        assert (tmp_path / name).read_bytes() == (out / name).read_bytes()


def test_classes_are_any_number_of_bits(exportable: Workspace, labels: Path, tmp_path: Path) -> None:
    data = read_exported(exportable, "classes", labels)
    planned = plan(replace(data, examples=tuple(data.splits["validation"])))
    planned.parts[0].make(tmp_path / "a.h5")
    found = PasstDataset(tmp_path / "a.h5", classes_num=2)
    assert [found[index][2].tolist() for index in range(2)] == [
        [float(number in one.targets) for number in range(2)] for one in data.splits["validation"]
    ]
    assert any("classes_num" in note for note in planned.notes)


def test_sound_that_is_another_clips_is_found(exportable: Workspace, labels: Path, tmp_path: Path) -> None:
    data = read_exported(exportable, "mids", labels)
    quiet, loud = data.splits["validation"]
    part = plan(replace(data, examples=(quiet, loud))).parts[0]
    path = tmp_path / "a.h5"
    part.make(path)
    part.check(path)
    with h5py.File(path) as file:
        first, second = file["mp3"][:]
    silence = np.frombuffer(encode_mp3(np.zeros(320_000, np.int16), 32_000), np.uint8)
    short = np.frombuffer(encode_mp3(np.ones(160_000, np.int16), 32_000), np.uint8)
    for wrong in (
        (second, second),
        (first, first),
        (silence, second),
        (short, second),
        (first[:100], second),
    ):
        with h5py.File(path, "r+") as file:
            for row, content in enumerate(wrong):
                file["mp3"][row] = content
        with pytest.raises(DataMismatch, match="other sound"):
            part.check(path)


def test_what_a_coder_leaves_out_is_no_other_sound() -> None:
    time = np.arange(320_000) / 32_000
    for hertz in (30, 15_500, 15_900):
        sound = np.rint(20_000 * np.sin(2 * np.pi * hertz * time)).astype(np.int16)
        assert is_of(encode_mp3(sound, 32_000), sound)


def test_a_libsndfile_without_mp3_is_said_before_anything_is_written(
    exportable: Workspace, labels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mp3.soundfile, "available_formats", lambda: {"WAV": "WAV"})
    with pytest.raises(EnvironmentProblem, match="writes no MP3"):
        export(exportable, "passt", tmp_path / "out", metadata=labels)
    assert not (tmp_path / "out").exists()
