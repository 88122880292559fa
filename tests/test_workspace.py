"""Files arrive whole or not at all, and one process writes at a time."""

from pathlib import Path

import pytest

from audioset_tools.errors import EnvironmentProblem
from audioset_tools.types import clip_key
from audioset_tools.workspace import Workspace, write_beside


def test_a_write_that_breaks_off_leaves_the_old_content(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "file"
    with write_beside(target) as temporary:
        temporary.write_text("old")
    with pytest.raises(KeyboardInterrupt), write_beside(target) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert target.read_text() == "old"
    assert list(target.parent.iterdir()) == [target]


def test_a_second_writer_is_refused_and_the_lock_dies_with_its_holder(tmp_path: Path) -> None:
    place = Workspace(tmp_path / "w")
    with place.lock(), pytest.raises(EnvironmentProblem, match="another"), place.lock():
        pass
    with place.lock():
        pass


def test_making_the_object_touches_no_disk(tmp_path: Path) -> None:
    Workspace(tmp_path / "w")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentProblem, match="cannot be written"):
        Workspace(tmp_path / "file" / "w").prepare()


@pytest.mark.parametrize(
    "ytid", ["../../etc/x", "-rf", "short12345", "toolong12345", "abcdefghij/", "abcdefghijB", ""]
)
def test_a_hostile_id_builds_no_path(ytid: str) -> None:
    with pytest.raises(ValueError, match="not a video id"):
        clip_key(ytid, 0)


def test_a_class_name_stays_inside_the_workspace(tmp_path: Path) -> None:
    path = Workspace(tmp_path).clip("../../Bass / drum", clip_key("-_cdefghijA", 0))
    assert path.parent.parent == tmp_path / "clips"
