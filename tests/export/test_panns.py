"""PANNs' own way of reading gets each clip, with its targets, at 32 kHz."""

from itertools import islice
from pathlib import Path

import h5py
import numpy as np
import pytest
import soxr

from audioset_tools.audio.clip import read_clip
from audioset_tools.export.run import ExportResult, export
from audioset_tools.shards.dataset import read_dataset
from audioset_tools.workspace import Workspace
from tests.export.readers import PannsBalancedTrainSampler, PannsDataset, PannsTrainSampler
from tests.export.test_run import contents

INDEXES = "hdf5s/indexes"


def test_its_sampler_and_its_data_set_get_every_clip(
    exportable: Workspace, all_labels: Path, tmp_path: Path
) -> None:
    done = export(exportable, "panns", tmp_path / "out", metadata=all_labels)
    for split, count in done.clips.items():
        sampler = PannsTrainSampler(tmp_path / "out" / INDEXES / f"{split}.h5", batch_size=1)
        placed = {
            f"Y{one.key[:11]}.wav": one for one in read_dataset(exportable.dataset) if one.split == split
        }
        rows = [PannsDataset()[meta] for (meta,) in islice(sampler, count)]
        assert {row["audio_name"] for row in rows} == placed.keys() == set(sampler.audio_names)
        for row in rows:
            one = placed[row["audio_name"]]
            clip = read_clip(exportable.root / one.path, one.sha256)
            wanted = soxr.resample(clip, 16_000, 32_000, quality="HQ")
            assert row["waveform"].shape == (320_000,)
            np.testing.assert_allclose(row["waveform"], wanted, atol=1e-4)
            assert np.flatnonzero(row["target"]).tolist() == [137] and row["target"].shape == (527,)
    assert done.targets == 527 and done.left_out == {"/m/0l14j_": 10}


def test_the_files_are_of_the_form_that_panns_packs(
    exportable: Workspace, all_labels: Path, tmp_path: Path
) -> None:
    export(exportable, "panns", tmp_path / "out", metadata=all_labels)
    with h5py.File(tmp_path / "out" / "hdf5s" / "waveforms" / "train-00000.h5") as file:
        assert {name: (str(part.dtype), part.shape[1:]) for name, part in file.items()} == {
            "audio_name": ("|S20", ()),
            "waveform": ("int16", (320_000,)),
            "target": ("bool", (527,)),
        }
        assert file.attrs["sample_rate"] == 32_000
    with h5py.File(tmp_path / "out" / INDEXES / "train.h5") as file:
        assert {name: (str(part.dtype), part.shape[1:]) for name, part in file.items()} == {
            "audio_name": ("|S20", ()),
            "hdf5_path": ("|S200", ()),
            "index_in_hdf5": ("int32", ()),
            "target": ("bool", (527,)),
        }


def test_a_balanced_sampler_fails_where_it_is_said_and_only_there(
    exportable: Workspace, labels: Path, tmp_path: Path
) -> None:
    by_mids = export(exportable, "panns", tmp_path / "mids", metadata=labels)
    by_classes = export(exportable, "panns", tmp_path / "classes", targets="classes", metadata=labels)
    assert _says(by_mids, "1 of 2 targets have no clip in train (Male speech, man speaking)")
    assert not _says(by_classes, "no clip in train") and _says(by_classes, "classes_num")
    with pytest.raises(IndexError):
        next(iter(PannsBalancedTrainSampler(tmp_path / "mids" / INDEXES / "train.h5", 8)))
    sampler = PannsBalancedTrainSampler(tmp_path / "classes" / INDEXES / "train.h5", 8)
    drawn = np.sum([PannsDataset()[meta]["target"] for meta in next(iter(sampler))], axis=0)
    assert drawn.tolist() == [4, 4]


def test_upsampling_is_said(exportable: Workspace, labels: Path, tmp_path: Path) -> None:
    done = export(exportable, "panns", tmp_path / "out", metadata=labels)
    assert _says(done, "10 of 10 clips are upsampled from 16,000 to 32,000 Hz: there is nothing above 8 kHz")


def test_what_was_kept_is_decoded_again(with_sources: Workspace, labels: Path, tmp_path: Path) -> None:
    done = export(with_sources, "panns", tmp_path / "out", metadata=labels)
    assert not _says(done, "upsampled")
    sampler = PannsTrainSampler(tmp_path / "out" / INDEXES / "train.h5", 2)
    for meta in next(iter(sampler)):
        sound = PannsDataset()[meta]["waveform"]
        power = np.abs(np.fft.rfft(sound)) ** 2
        bands = {hertz: power[10 * hertz - 20 : 10 * hertz + 20].sum() for hertz in (500, 12_000)}
        assert bands[12_000] == pytest.approx(bands[500], rel=0.02)
        assert sum(bands.values()) == pytest.approx(power.sum(), rel=0.02)
        assert np.abs(sound[:100]).max() > 0.1


def test_one_job_or_two_give_the_same_bytes(exportable: Workspace, labels: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export(exportable, "panns", out, metadata=labels, jobs=1)
    first = contents(out)
    out.rename(tmp_path / "first")
    export(exportable, "panns", out, metadata=labels, jobs=2)
    assert contents(out) == first


def test_a_folder_that_moved_is_mended_by_making_its_indexes_again(
    exportable: Workspace, labels: Path, tmp_path: Path
) -> None:
    export(exportable, "panns", tmp_path / "there", metadata=labels)
    (tmp_path / "there").rename(tmp_path / "here")
    done = export(exportable, "panns", tmp_path / "here", metadata=labels)
    assert (done.made, done.kept) == (3, 3)
    sampler = PannsTrainSampler(tmp_path / "here" / INDEXES / "train.h5", 1)
    assert PannsDataset()[next(iter(sampler))[0]]["waveform"].any()


def _says(done: ExportResult, words: str) -> bool:
    return any(words in note for note in done.notes)
