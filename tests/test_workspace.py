"""One process writes at a time, and nothing leaves the folder."""

import os
from pathlib import Path

import pytest

from audioset_tools.exceptions import DataMismatch, EnvironmentProblem, Paused, UsageError
from audioset_tools.types import clip_key
from audioset_tools.workspace import Workspace


def test_a_second_writer_is_refused_and_the_lock_dies_with_its_holder(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w")
    with workspace.lock(), pytest.raises(EnvironmentProblem, match="another"), workspace.lock():
        pass
    with workspace.lock():
        pass


def test_an_error_leaves_nothing_of_a_new_workspace_and_all_of_one_that_was_there(tmp_path: Path) -> None:
    new = Workspace(tmp_path / "a" / "b" / "w")

    def fails(error: Exception, settled: bool = False) -> None:
        with pytest.raises(type(error)), new.begin() as stays:
            new.ledger.touch()
            new.metadata.mkdir(exist_ok=True)
            (new.metadata / "ontology.json").touch()
            if settled:
                stays()
            raise error

    wrong = DataMismatch("wrong", "mend it")
    fails(wrong)
    assert list(tmp_path.iterdir()) == []
    new.root.mkdir(parents=True)
    (new.root / "mine.txt").touch()
    fails(OSError(28, "No space left on device"))
    assert [path.name for path in new.root.iterdir()] == ["mine.txt"]
    # What the remote said when it asked for a pause is in the ledger.
    fails(Paused("refused", "come back"))
    assert new.ledger.exists()
    fails(wrong)
    assert new.ledger.exists(), "it was there before"
    new.ledger.unlink()
    fails(wrong, settled=True)
    assert new.ledger.exists()


def test_who_finds_another_beginning_takes_nothing_from_him(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w")
    with workspace.begin():
        workspace.metadata.mkdir()
        with pytest.raises(EnvironmentProblem, match="another"), workspace.begin():
            pass
        assert workspace.metadata.exists() and (workspace.root / "lock").exists()


def test_making_the_object_touches_no_disk(tmp_path: Path) -> None:
    Workspace(tmp_path / "w")
    assert list(tmp_path.iterdir()) == []


def test_a_workspace_that_there_is_not_is_refused_and_those_beside_it_are_named(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w")
    with pytest.raises(UsageError) as refused:
        workspace.existing()
    assert refused.value.what == f"there is no workspace {workspace.root}"
    for name in ("second", "fi\033rst"):
        Workspace(tmp_path / name).prepare()
        (tmp_path / name / "ledger.sqlite").touch()
    (tmp_path / "no workspace").mkdir()
    with pytest.raises(UsageError, match=r"; beside it: fi\\x1brst, second\n"):
        workspace.require_ledger()
    workspace.prepare()
    workspace.metadata.mkdir()
    assert workspace.existing() is workspace
    with pytest.raises(DataMismatch, match=r"w is no workspace: nothing was fetched into it; beside it: fi"):
        workspace.begun()
    workspace.clips.mkdir()
    assert workspace.begun() is workspace
    with pytest.raises(DataMismatch, match=r"has lost its ledger, ledger\.sqlite\nRestore it"):
        workspace.require_ledger()
    assert not workspace.ledger.exists()


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


@pytest.mark.parametrize("planted", ["pipe", "link"])
def test_what_lies_in_the_locks_place_is_not_waited_for_or_followed(tmp_path: Path, planted: str) -> None:
    lock = tmp_path / "lock"
    if planted == "pipe":
        os.mkfifo(lock)
    else:
        lock.symlink_to(tmp_path / "elsewhere")
    assert not Workspace(tmp_path).busy()
    with pytest.raises(EnvironmentProblem, match="cannot be locked"), Workspace(tmp_path).lock():
        pass
    assert not (tmp_path / "elsewhere").exists()


def test_what_is_made_of_anothers_run_goes_to_a_folder_of_ones_own(tmp_path: Path) -> None:
    ours, theirs = Workspace(tmp_path / "w", tmp_path / "mine"), Workspace(tmp_path / "w")
    assert ours.runs == tmp_path / "mine" and theirs.runs == tmp_path / "w" / "runs"
    assert ours.beside(theirs.runs / "knn") == tmp_path / "mine" / "knn"
    assert ours.beside(ours.runs / "knn") == ours.runs / "knn"
    assert theirs.beside(tmp_path / "elsewhere" / "knn") == tmp_path / "elsewhere" / "knn"
