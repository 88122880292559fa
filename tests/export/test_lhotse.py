"""Manifests of lhotse: relative paths, targets between semicolons, no time of packing."""

import gzip
import json
from pathlib import Path

import pytest

from audioset_tools.exceptions import DataMismatch, UsageError
from audioset_tools.export import lhotse
from audioset_tools.export.examples import Exported, read_exported
from audioset_tools.export.part import ExportPart
from audioset_tools.export.run import export
from audioset_tools.workspace import Workspace


@pytest.fixture
def data(exportable: Workspace, labels: Path) -> Exported:
    return read_exported(exportable, "mids", labels)


def part(data: Exported, name: str) -> ExportPart:
    return next(one for one in lhotse.plan(data).parts if one.name == name)


def lines(path: Path) -> list[dict[str, object]]:
    with gzip.open(path) as handle:
        return [json.loads(line) for line in handle]


def test_a_cut_holds_its_recording_by_a_relative_path_and_its_targets(data: Exported, tmp_path: Path) -> None:
    path = tmp_path / "cuts.jsonl.gz"
    part(data, "cuts_train.jsonl.gz").make(path)
    for one, cut in zip(data.splits["train"], lines(path), strict=True):
        assert cut["recording"]["sources"][0]["source"] == f"audio/{one.name}.wav"
        assert cut["recording"]["num_samples"] == 160_000
        assert cut["supervisions"][0]["custom"]["audio_event"] == "0"
        assert cut["supervisions"][0]["custom"]["key"] == one.key
        assert cut["id"] == one.name


def test_there_are_three_files_a_split_and_the_names_of_the_targets(data: Exported) -> None:
    names = {one.name for one in lhotse.plan(data).parts}
    kinds = ("recordings", "supervisions", "cuts")
    assert names == {"targets.json"} | {
        f"{kind}_{split}.jsonl.gz" for kind in kinds for split in ("train", "validation", "test")
    }


def test_nothing_tells_when_it_was_packed(data: Exported, tmp_path: Path) -> None:
    part(data, "recordings_test.jsonl.gz").make(tmp_path / "a")
    head = (tmp_path / "a").read_bytes()[:10]
    assert head[3] == 0 and head[4:8] == bytes(4)


@pytest.mark.parametrize("kind", lhotse.KINDS)
def test_a_line_that_differs_or_is_missing_is_found(data: Exported, tmp_path: Path, kind: str) -> None:
    one, path = part(data, f"{kind}_train.jsonl.gz"), tmp_path / "a"
    one.make(path)
    one.check(path)
    whole = gzip.decompress(path.read_bytes())
    for damaged in (whole.replace(b"0", b"1", 1), whole[: whole.rindex(b"{")], whole + b"{}\n"):
        path.write_bytes(gzip.compress(damaged))
        with pytest.raises(DataMismatch, match="not what was written"):
            one.check(path)


def test_a_clip_without_a_target_is_left_out(exportable: Workspace, tmp_path: Path) -> None:
    """Its `audio_event` would be empty, which is no number."""
    (tmp_path / "class_labels_indices.csv").write_text('index,mid,display_name\n0,/m/05zppz,"Male speech"\n')
    with pytest.raises(UsageError, match="no clip has any of the labels"):
        export(exportable, "lhotse", tmp_path / "out", targets="mids", metadata=tmp_path)
