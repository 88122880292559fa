"""Parts are made once, closing ones of what the others became; what an export no longer has goes."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from audioset_tools.exceptions import DataMismatch
from audioset_tools.export.examples import Exported, read_exported
from audioset_tools.export.folder import read_contents
from audioset_tools.export.part import ExportPart, ExportPlan, FileThere, text_part
from audioset_tools.export.write import ExportResult, Target, write_export
from audioset_tools.tasks.division import Division
from audioset_tools.types import Progress, silent
from audioset_tools.workspace import Workspace


def sizes(files: Mapping[str, FileThere]) -> ExportPart:
    return text_part("sizes.txt", "".join(f"{name} {one.bytes}\n" for name, one in sorted(files.items())))


@pytest.fixture
def data(exportable: Workspace, labels: Path) -> Exported:
    return read_exported(exportable, "classes", labels)


def go(folder: Path, data: Exported, plan: ExportPlan) -> ExportResult:
    target = Target(folder, "test", "classes", read_contents(folder, "test", "classes"))
    return write_export(target, data, plan, (), Division(1), silent)


def test_a_closing_part_tells_of_the_others(data: Exported, tmp_path: Path) -> None:
    parts = [text_part("a.txt", "one"), text_part("b/c.txt", "three")]
    done = go(tmp_path / "out", data, ExportPlan(parts, closing={"sizes.txt": sizes}))
    assert (tmp_path / "out" / "sizes.txt").read_text() == "a.txt 3\nb/c.txt 5\n"
    assert (done.files, done.made, done.kept) == (3, 3, 0)
    again = go(tmp_path / "out", data, ExportPlan(parts[:1], closing={"sizes.txt": sizes}))
    assert (tmp_path / "out" / "sizes.txt").read_text() == "a.txt 3\n"
    assert (again.made, again.kept, (tmp_path / "out" / "b" / "c.txt").exists()) == (1, 1, False)


def test_a_part_that_is_not_what_was_written_does_not_stand(data: Exported, tmp_path: Path) -> None:
    def refuse(path: Path) -> None:
        raise DataMismatch(f"{path} is damaged", "")

    part = text_part("a.txt", "one")
    damaged = ExportPart("a.txt", part.inputs, 0, part.make, refuse)
    with pytest.raises(DataMismatch, match="damaged"):
        go(tmp_path / "out", data, ExportPlan([damaged]))
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["export.json"]


def test_progress_counts_clips_to_the_end(data: Exported, tmp_path: Path) -> None:
    seen: list[Progress] = []
    target = Target(tmp_path / "out", "test", "classes", {})
    write_export(target, data, ExportPlan([]), data.examples, Division(2), seen.append)
    assert (seen[0].done, seen[-1].done, seen[-1].total) == (0, 10, 10)
