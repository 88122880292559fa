"""An export is the same bytes always, makes only what is missing, and touches nothing but its own files."""

import csv
import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from audioset_tools.exceptions import DataMismatch, UsageError
from audioset_tools.export.run import export
from audioset_tools.shards.dataset import read_dataset
from audioset_tools.workspace import Workspace
from tests.factories import CLASSES


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_an_export_names_every_clip_of_every_split(
    exportable: Workspace, labels: Path, tmp_path: Path
) -> None:
    done = export(exportable, "esc50", tmp_path / "out", metadata=labels)
    with (tmp_path / "out" / "meta" / "esc50.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    placements = {one.key: one for one in read_dataset(exportable.dataset)}
    assert {row["src_file"]: (row["split"], row["category"]) for row in rows} == {
        key: (one.split, one.class_name) for key, one in placements.items()
    }
    for row in rows:
        sound = (tmp_path / "out" / "audio" / row["filename"]).read_bytes()
        assert hashlib.sha256(sound).hexdigest() == placements[row["src_file"]].sha256
        assert CLASSES[int(row["target"])] == row["category"]
        assert not row["filename"].startswith("-") and "_" not in row["filename"]
    assert sum(done.clips.values()) == len(rows) == 10


def test_clips_are_linked_not_copied(exportable: Workspace, labels: Path, tmp_path: Path) -> None:
    export(exportable, "esc50", tmp_path / "out", metadata=labels)
    assert {path.stat().st_nlink for path in (tmp_path / "out" / "audio").iterdir()} == {2}


def test_a_second_run_makes_nothing_and_another_folder_gets_the_same_bytes(
    exportable: Workspace, labels: Path, tmp_path: Path
) -> None:
    first = export(exportable, "esc50", tmp_path / "a", metadata=labels)
    before = contents(tmp_path / "a")
    again = export(exportable, "esc50", tmp_path / "a", metadata=labels)
    other = export(exportable, "esc50", tmp_path / "b", metadata=labels, jobs=1)
    assert (first.made, again.made, again.kept, other.made) == (1, 0, 1, 1)
    assert contents(tmp_path / "a") == before == contents(tmp_path / "b")


@pytest.mark.parametrize("format_name", ["esc50", "hf"])
def test_parts_in_any_order_make_the_same_export(
    exportable: Workspace, labels: Path, tmp_path: Path, format_name: str
) -> None:
    export(exportable, format_name, tmp_path / "alone", metadata=labels)
    out, lacking = tmp_path / "parts", []
    for number, of in [(3, 3), (1, 3), (1, 3), (2, 4), (2, 3)]:
        done = export(exportable, format_name, out, metadata=labels, part=(number, of), jobs=1)
        lacking.append(done.missing)
        told = json.loads((out / "export.json").read_text()) if (out / "export.json").exists() else {}
        assert told.get("finished", False) == (done.missing == 0)
    assert lacking[-1] == 0 < lacking[0] and lacking == sorted(lacking, reverse=True)
    assert contents(out) == contents(tmp_path / "alone")
    # What is of another plan, and what was lost, is put right by who comes last.
    (out / "export-1-of-9.json").write_text((out / "export.json").read_text())
    next(path for path in out.rglob("*") if path.suffix in {".csv", ".parquet"}).unlink()
    for number in (1, 2):
        export(exportable, format_name, out, metadata=labels, part=(number, 2), jobs=1)
    assert contents(out) == contents(tmp_path / "alone")


def test_what_was_damaged_or_lost_is_made_again(exportable: Workspace, labels: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export(exportable, "esc50", out, metadata=labels)
    before = contents(out)
    (out / "meta" / "esc50.csv").write_text("filename\n")
    next((out / "audio").iterdir()).unlink()
    assert export(exportable, "esc50", out, metadata=labels).made == 1
    assert contents(out) == before


def test_a_killed_export_is_finished_by_the_next(exportable: Workspace, labels: Path, tmp_path: Path) -> None:
    out, whole = tmp_path / "out", tmp_path / "whole"
    export(exportable, "esc50", whole, metadata=labels)
    code = f"""
import os, signal
from audioset_tools.export import run
from audioset_tools.workspace import Workspace
def kill(progress):
    if progress.done == 10:
        os.kill(os.getpid(), signal.SIGKILL)
workspace = Workspace({str(exportable.root)!r})
run.export(workspace, "esc50", {str(out)!r}, metadata={str(labels)!r}, jobs=1, on_progress=kill)
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, env=dict(os.environ), timeout=100)
    assert done.returncode == -signal.SIGKILL
    assert contents(out) != contents(whole)
    assert not json.loads((out / "export.json").read_text())["finished"]
    export(exportable, "esc50", out, metadata=labels)
    assert contents(out) == contents(whole)


def test_a_folder_with_something_else_in_it_is_not_touched(
    exportable: Workspace, labels: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("years of work")
    with pytest.raises(UsageError, match="is no export"):
        export(exportable, "esc50", tmp_path / "out", metadata=labels)
    assert contents(tmp_path / "out") == {"thesis.tex": b"years of work"}


@pytest.mark.parametrize("name", ["../precious", "/etc/passwd", "a/../../precious", ".hidden", ""])
def test_a_hostile_list_of_files_removes_none_outside(
    exportable: Workspace, labels: Path, tmp_path: Path, name: str
) -> None:
    out = tmp_path / "out"
    export(exportable, "esc50", out, metadata=labels)
    (tmp_path / "precious").write_text("mine")
    told = json.loads((out / "export.json").read_text())
    told["files"][name] = {"inputs": "", "bytes": 4, "sha256": ""}
    (out / "export.json").write_text(json.dumps(told))
    with pytest.raises(DataMismatch, match="damaged"):
        export(exportable, "esc50", out, metadata=labels)
    assert (tmp_path / "precious").read_text() == "mine"


def test_another_export_is_not_written_over(exportable: Workspace, labels: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export(exportable, "esc50", out, metadata=labels)
    told = json.loads((out / "export.json").read_text())
    (out / "export.json").write_text(json.dumps(told | {"format": "kaldi"}))
    with pytest.raises(UsageError, match="'kaldi'"):
        export(exportable, "esc50", out, metadata=labels)


def test_a_clip_that_changed_is_not_exported(exportable: Workspace, labels: Path, tmp_path: Path) -> None:
    path = next(exportable.clips.rglob("*.wav"))
    path.write_bytes(path.read_bytes()[:-2] + b"\x01\x02")
    with pytest.raises(DataMismatch, match="is not the file that was fetched"):
        export(exportable, "esc50", tmp_path / "out", metadata=labels)


def test_there_is_no_such_format(exportable: Workspace, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'mp4'"):
        export(exportable, "mp4", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_splits_that_nobody_decided_are_decided_once(
    exportable: Workspace, labels: Path, tmp_path: Path
) -> None:
    as_featurized = exportable.dataset.read_bytes()
    exportable.dataset.unlink()
    export(exportable, "esc50", tmp_path / "out", metadata=labels)
    assert exportable.dataset.read_bytes() == as_featurized
