"""Parquet as `datasets` keeps it, written by pyarrow alone and read back."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from audioset_tools.exceptions import DataMismatch
from audioset_tools.export import hf
from audioset_tools.export.examples import Exported, read_exported
from audioset_tools.export.part import ExportPart, FileThere
from audioset_tools.export.run import export
from audioset_tools.workspace import Workspace


@pytest.fixture
def data(exportable: Workspace, labels: Path) -> Exported:
    return read_exported(exportable, "classes", labels)


def train(data: Exported) -> ExportPart:
    return next(part for part in hf.plan(data).parts if part.name.startswith("data/train-00000-of-"))


def test_a_row_holds_the_very_file_of_its_clip(data: Exported, tmp_path: Path) -> None:
    train(data).make(tmp_path / "x.parquet")
    rows = pq.read_table(tmp_path / "x.parquet").to_pylist()
    for one, row in zip(data.splits["train"], rows, strict=True):
        assert row["audio"] == {"bytes": one.path.read_bytes(), "path": f"{one.name}.wav"}
        assert hashlib.sha256(row["audio"]["bytes"]).hexdigest() == row["sha256"] == one.sha256
        assert (row["key"], row["video_id"]) == (one.key, one.ytid)
        assert (row["start"], row["end"]) == (one.start_ms / 1000, one.end_ms / 1000)
        assert data.target_names[row["label"]] == one.classes[0]
        assert row["human_labels"] == ["Music", "/m/0l14j_"]


@pytest.mark.parametrize("targets, label", [("classes", "ClassLabel"), ("mids", "Sequence")])
def test_the_schema_says_what_datasets_calls_the_columns(
    exportable: Workspace, labels: Path, tmp_path: Path, targets: str, label: str
) -> None:
    train(read_exported(exportable, targets, labels)).make(tmp_path / "x.parquet")
    schema = pq.read_schema(tmp_path / "x.parquet")
    features = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
    assert list(features) == schema.names
    assert features["audio"] == {"_type": "Audio"} and features["label"]["_type"] == label


def test_files_and_row_groups_are_of_bounded_size(
    data: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hf, "CLIPS_A_FILE", 4)
    monkeypatch.setattr(hf, "CLIPS_A_GROUP", 3)
    parts = {part.name: part for part in hf.plan(data).parts}
    assert {name: part.clips for name, part in parts.items() if "train" in name} == {
        "data/train-00000-of-00002.parquet": 4,
        "data/train-00001-of-00002.parquet": 2,
    }
    parts["data/train-00000-of-00002.parquet"].make(tmp_path / "x.parquet")
    with pq.ParquetFile(tmp_path / "x.parquet") as file:
        assert [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)] == [3, 1]
    # Clips of another rate take other room.
    monkeypatch.setattr(hf, "BYTES_A_GROUP", 4 * 320_044)
    train(replace(data, sample_rate=32_000)).make(tmp_path / "x.parquet")
    with pq.ParquetFile(tmp_path / "x.parquet") as file:
        assert file.metadata.row_group(0).num_rows == 2


def test_a_file_of_other_clips_columns_or_sounds_is_found(data: Exported, tmp_path: Path) -> None:
    path, part = tmp_path / "x.parquet", train(data)
    part.make(path)
    part.check(path)
    content = path.read_bytes()
    place = content.index(b"RIFF") + 1_000
    path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    with pytest.raises(DataMismatch, match="row 0 is another"):
        part.check(path)
    for other, words in [
        (replace(data, examples=data.examples[:5]), "it has 5 rows instead of 6"),
        (replace(data, examples=data.examples[1:6]), "row 0 is another"),
        (replace(data, target_names=("Noise", "Tone")), "its columns are others"),
        (replace(data, multi_label=True), "its columns are others"),
    ]:
        train(other).make(path)
        with pytest.raises(DataMismatch, match=words):
            part.check(path)


def test_another_pyarrow_makes_the_files_again(data: Exported, monkeypatch: pytest.MonkeyPatch) -> None:
    before = train(data).inputs
    assert train(data).inputs == before
    monkeypatch.setattr("pyarrow.__version__", "99.0")
    assert train(data).inputs != before


def test_the_metadata_tell_the_digests_of_the_files_beside_it(
    exportable: Workspace, labels: Path, tmp_path: Path
) -> None:
    done = export(exportable, "hf", tmp_path / "out", metadata=labels)
    told = json.loads((tmp_path / "out" / "croissant.json").read_text())["distribution"]
    digests = {one["contentUrl"]: one["sha256"] for one in told if "sha256" in one}
    assert digests == {
        path.relative_to(tmp_path / "out").as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (tmp_path / "out" / "data").iterdir()
    }
    assert done.files == done.made == 5
    # It is made again where a file of data is, and only then.
    closing = hf.plan(read_exported(exportable, "classes", labels)).closing["croissant.json"]
    changed = closing({name: FileThere("", 1, "0" * 64) for name in digests})
    assert changed.inputs != closing({name: FileThere("", 1, one) for name, one in digests.items()}).inputs
