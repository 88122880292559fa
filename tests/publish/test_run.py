"""One folder that others check, remake and cite; the audio comes along only where that is asked for."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from audioset_tools.csvfile import read_csv
from audioset_tools.exceptions import DataMismatch, UsageError
from audioset_tools.manifest.document import read_manifest
from audioset_tools.manifest.freeze import freeze
from audioset_tools.publish.run import publish
from audioset_tools.shards.dataset import read_dataset
from audioset_tools.workspace import Workspace
from tests.export.conftest import LABELS
from tests.publish.conftest import RUN


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    folder = tmp_path / "lists"
    folder.mkdir()
    (folder / "class_labels_indices.csv").write_text(LABELS)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_all_that_others_need_is_there_and_no_audio(
    publishable: Workspace, lists: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    done = publish(publishable, out, title="Tones", authors=["Ada Lovelace"], metadata=lists)
    published = contents(out)
    assert set(published) == {
        *("README.md", "CITATION.cff", "manifest.json", "dataset.csv", "croissant.json", "tables.py"),
        "export.json",
        *(
            f"runs/svm-seed1/{name}"
            for name in (
                *("README.md", "config.json", "history.csv", "metrics.json", "predictions.csv", "tables.txt"),
                *("confusion.csv", "model.safetensors", "curves.png", "confusion.png", "reliability.png"),
            )
        ),
    }
    freeze(publishable, tmp_path / "set.json")
    assert published["manifest.json"] == (tmp_path / "set.json").read_bytes()
    assert len(read_manifest(out / "manifest.json").clips) == 10
    assert published["dataset.csv"] == publishable.dataset.read_bytes()
    run = publishable.runs / RUN
    assert published["runs/svm-seed1/model.safetensors"] == (run / "model.safetensors").read_bytes()
    assert done.notes == () and done.clips == {"train": 6, "validation": 2, "test": 2}


def test_the_croissant_tells_the_table_by_its_digest(
    publishable: Workspace, lists: Path, tmp_path: Path
) -> None:
    publish(publishable, tmp_path / "out", metadata=lists)
    (table,) = json.loads((tmp_path / "out" / "croissant.json").read_text())["distribution"]
    assert table["contentUrl"] == "dataset.csv"
    assert table["sha256"] == hashlib.sha256(publishable.dataset.read_bytes()).hexdigest()


def test_the_clips_come_along_where_that_is_asked_for_and_it_is_said_whose_they_are(
    publishable: Workspace, lists: Path, tmp_path: Path
) -> None:
    done = publish(publishable, tmp_path / "out", with_audio=True, metadata=lists)
    named = read_csv(tmp_path / "out" / "audio.csv", ["key", "file", "split"], dict, "")
    digests = {one.key: one.sha256 for one in read_dataset(publishable.dataset)}
    assert {row["key"]: sha256(tmp_path / "out" / row["file"]) for row in named} == digests
    assert any("belong to those who uploaded them" in note for note in done.notes)
    publish(publishable, tmp_path / "out", metadata=lists)
    assert not list((tmp_path / "out" / "audio").iterdir()) and not (tmp_path / "out" / "audio.csv").exists()


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_what_changed_is_written_again_and_the_same_gives_the_same_bytes(
    publishable: Workspace, lists: Path, tmp_path: Path
) -> None:
    first = publish(publishable, tmp_path / "a", metadata=lists)
    assert publish(publishable, tmp_path / "a", metadata=lists).made == 0
    publish(publishable, tmp_path / "b", metadata=lists)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    (publishable.runs / RUN / "tables.txt").write_text("other tables\n")
    assert publish(publishable, tmp_path / "a", metadata=lists).made == 1
    assert first.notes == (
        "CITATION.cff names no author; --author NAME does, and may be given several times",
    )


def test_two_runs_of_one_name_are_refused(publishable: Workspace, lists: Path, tmp_path: Path) -> None:
    shutil.copytree(publishable.runs / RUN, publishable.runs / "svm seed1")
    with pytest.raises(UsageError, match="would be called svm-seed1"):
        publish(publishable, tmp_path / "out", metadata=lists)


def test_a_run_without_predictions_is_told(publishable: Workspace, lists: Path, tmp_path: Path) -> None:
    (publishable.runs / RUN / "predictions.csv").unlink()
    with pytest.raises(DataMismatch, match=r"has no predictions\.csv"):
        publish(publishable, tmp_path / "out", metadata=lists)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_mlcroissant_reads_the_table(publishable: Workspace, lists: Path, tmp_path: Path) -> None:
    import mlcroissant

    publish(publishable, tmp_path / "out", metadata=lists)
    dataset = mlcroissant.Dataset(str(tmp_path / "out" / "croissant.json"))
    assert dataset.metadata.ctx.issues.report() == ""
    told = {
        record["clips/key"].decode(): (record["clips/split"].decode(), record["clips/sha256"].decode())
        for record in dataset.records("clips")
    }
    assert told == {one.key: (one.split, one.sha256) for one in read_dataset(publishable.dataset)}
