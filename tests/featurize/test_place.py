"""The splits are decided once, by `featurize` or by whoever needs them first."""

from pathlib import Path

import pytest

from audioset_tools.exceptions import DataMismatch, UsageError
from audioset_tools.featurize.place import classes_of, placed
from audioset_tools.shards.dataset import read_dataset
from audioset_tools.workspace import Workspace
from tests.factories import featurized, loaded, origin


def test_whoever_needs_the_splits_first_gets_those_of_featurize(tmp_path: Path) -> None:
    workspace = featurized(tmp_path / "w")
    frozen, content = read_dataset(workspace.dataset), workspace.dataset.read_bytes()
    assert placed(workspace) == frozen
    workspace.dataset.unlink()
    assert placed(workspace) == frozen
    assert workspace.dataset.read_bytes() == content


def test_without_clips_there_is_nothing_to_decide(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no workspace"):
        placed(Workspace(tmp_path / "nowhere"))
    workspace = Workspace(tmp_path)
    loaded(workspace.ledger)
    with pytest.raises(DataMismatch, match="no clips"):
        placed(workspace)
    assert not workspace.dataset.exists()


def test_the_classes_are_the_ledgers() -> None:
    assert classes_of(None).names == ()
    assert classes_of(origin("Piano", "Other")).names == ("Piano", "Other")
