"""AST's own way of reading gets each clip's mel spectrogram and targets."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from audioset_tools.exceptions import UsageError
from audioset_tools.export.ast import plan
from audioset_tools.export.examples import read_exported
from audioset_tools.export.run import export
from audioset_tools.shards.dataset import read_dataset
from audioset_tools.workspace import Workspace
from tests.export.readers import AstDataset
from tests.factories import CLASSES


def test_its_data_set_gets_every_clip(
    exportable: Workspace, all_labels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = export(exportable, "ast", "out", metadata=all_labels)
    monkeypatch.chdir("/")
    out = tmp_path / "out"
    placed = {one.key: one for one in read_dataset(exportable.dataset)}
    for split, count in done.clips.items():
        found = AstDataset(out / f"{split}.json", out / "class_labels_indices.csv")
        assert len(found) == count
        for index in range(count):
            fbank, target = found[index]
            one = placed.pop(found.data[index]["key"])
            assert fbank.shape == (1024, 128) and not fbank[998:].any() and np.isfinite(fbank).all()
            assert np.flatnonzero(target).tolist() == [137] and len(target) == 527
            assert one.split == split
            if one.class_name == "Tone":
                # 300 Hz and 40 more a clip: the band with that in its middle is the loudest.
                hertz = 300 + 40 * int(one.key[2:10])
                edges = np.linspace(*(1127 * np.log(1 + np.array([20, 8_000]) / 700)), 130)
                band = int(np.argmin(np.abs(edges[1:-1] - 1127 * np.log(1 + hertz / 700))))
                assert abs(int(fbank[:998].mean(axis=0).argmax()) - band) <= 1
    assert not placed


def test_the_table_is_audiosets_own(exportable: Workspace, all_labels: Path, tmp_path: Path) -> None:
    export(exportable, "ast", tmp_path / "out", metadata=all_labels)
    name = "class_labels_indices.csv"
    assert (tmp_path / "out" / name).read_bytes() == (all_labels / name).read_bytes()


def test_classes_get_mids_of_their_own(exportable: Workspace, labels: Path, tmp_path: Path) -> None:
    export(exportable, "ast", tmp_path / "out", targets="classes", metadata=labels)
    table = (tmp_path / "out" / "class_labels_indices.csv").read_text()
    assert table == 'index,mid,display_name\n0,/x/0,"Tone"\n1,/x/1,"Noise"\n'
    found = AstDataset(tmp_path / "out" / "train.json", tmp_path / "out" / "class_labels_indices.csv")
    placed = {one.key: one.class_name for one in read_dataset(exportable.dataset)}
    for index, row in enumerate(found.data):
        assert np.flatnonzero(found[index][1]).tolist() == [CLASSES.index(placed[row["key"]])]


def test_a_clip_without_a_target_is_left_out_and_counted(exportable: Workspace, tmp_path: Path) -> None:
    lists = tmp_path / "lists"
    lists.mkdir()
    (lists / "class_labels_indices.csv").write_text('index,mid,display_name\n0,/m/05zppz,"Speech"\n')
    with pytest.raises(UsageError, match="no clip has any"):
        export(exportable, "ast", tmp_path / "out", metadata=lists)
    data = read_exported(exportable, "classes", lists)
    bare = replace(data, examples=(replace(data.examples[0], targets=()), *data.examples[1:]))
    kept, left = bare.targeted
    assert (kept.examples, left) == (data.examples[1:], 1)
    assert all(row["labels"] for part in plan(kept).parts[1:] for row in _rows(part, tmp_path))


def _rows(part, folder: Path) -> list[dict]:
    part.make(folder / "part")
    return json.loads((folder / "part").read_text())["data"]


def test_clips_of_another_rate_are_warned_of(exportable: Workspace, labels: Path) -> None:
    data = read_exported(exportable, "mids", labels)
    assert not plan(data).notes
    (note,) = plan(replace(data, sample_rate=32_000)).notes
    assert "32,000 Hz, and AST's weights of 16,000" in note


@pytest.mark.parametrize("name", ["two\nlines", "\udcff"])
@pytest.mark.parametrize("form", ["ast", "kaldi", "panns"])
def test_a_folder_whose_name_is_no_text_is_refused(
    exportable: Workspace, labels: Path, tmp_path: Path, name: str, form: str
) -> None:
    with pytest.raises(UsageError, match="no plain text"):
        export(exportable, form, tmp_path / name, metadata=labels)
    assert not (tmp_path / name).exists()
