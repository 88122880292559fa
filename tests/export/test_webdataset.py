"""Tars: whose headers are nobody's, whose names no reader cuts, and which are read back."""

import json
import tarfile
from pathlib import Path

import pytest

from audioset_tools.exceptions import DataMismatch
from audioset_tools.export import webdataset
from audioset_tools.export.examples import Exported, read_exported
from audioset_tools.export.part import ExportPart
from audioset_tools.workspace import Workspace


@pytest.fixture
def data(exportable: Workspace, labels: Path) -> Exported:
    return read_exported(exportable, "classes", labels)


@pytest.fixture
def train(data: Exported) -> ExportPart:
    return next(part for part in webdataset.plan(data).parts if part.name == "train-000000.tar")


def test_the_files_of_a_clip_lie_together_and_tell_nothing_of_the_machine(
    data: Exported, train: ExportPart, tmp_path: Path
) -> None:
    train.make(tmp_path / "x.tar")
    with tarfile.open(tmp_path / "x.tar") as archive:
        members = archive.getmembers()
    names = [one.name for one in data.splits["train"]]
    assert [one.name for one in members] == [
        f"{name}.{kind}" for name in names for kind in ("wav", "cls", "json")
    ]
    assert {(one.mtime, one.uid, one.gid, one.uname, one.gname, one.mode) for one in members} == {
        (0, 0, 0, "", "", 0o644)
    }
    assert all(name.isalnum() for name in names)


def test_several_targets_are_a_list_in_the_json_and_no_single_number(
    exportable: Workspace, labels: Path, tmp_path: Path
) -> None:
    plan = webdataset.plan(read_exported(exportable, "mids", labels))
    assert "`cls` has room for one" in plan.notes[0]
    plan.parts[1].make(tmp_path / "x.tar")
    with tarfile.open(tmp_path / "x.tar") as archive:
        names = archive.getnames()
        told = json.load(archive.extractfile(names[1]) or tmp_path.open("rb"))
    assert {name.partition(".")[2] for name in names} == {"wav", "json"}
    assert told["targets"] == [0] and told["labels"] == ["/m/04rlf", "/m/0l14j_"]


def test_a_thousand_clips_are_a_tar(data: Exported, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webdataset, "CLIPS_A_TAR", 4)
    parts = [(part.name, part.clips) for part in webdataset.plan(data).parts if part.clips]
    assert parts[:2] == [("train-000000.tar", 4), ("train-000001.tar", 2)] and len(parts) == 4


def test_a_tar_that_differs_in_one_byte_or_ends_early_is_found(train: ExportPart, tmp_path: Path) -> None:
    path = tmp_path / "x.tar"
    train.make(path)
    train.check(path)
    content = path.read_bytes()
    # In a clip's samples, in its target, and in what is known of it.
    sound = 512 + 44 + 1_000
    target = content.index(b".cls") // 512 * 512 + 512
    told = content.index(b'"video_id": "') + 13
    for place in (sound, target, told):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(DataMismatch, match="not what was written"):
            train.check(path)
    end = content.index(b".json") // 512 * 512 + 1_024
    path.write_bytes(content[:end] + bytes(1_024))
    with pytest.raises(DataMismatch, match="it is cut off"):
        train.check(path)
