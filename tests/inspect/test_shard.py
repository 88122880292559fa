"""A shard by any of its names."""

from pathlib import Path

import pytest

from audioset_tools.exceptions import DataMismatch, UsageError
from audioset_tools.inspect.shard import find_shard, inspect_shard
from audioset_tools.workspace import Workspace
from tests.factories import featurized


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with clips, shards and a ledger; not to be changed."""
    return featurized(tmp_path_factory.mktemp("whole"))


@pytest.mark.parametrize("form", ["path", "in the workspace", "in shards", "name"])
def test_a_shard_is_found_by_any_of_its_names(workspace: Workspace, form: str) -> None:
    path = next(workspace.shards.glob("*/test-00000.h5"))
    text = {
        "path": str(path),
        "in the workspace": str(path.relative_to(workspace.root)),
        "in shards": str(path.relative_to(workspace.shards)),
        "name": path.name,
    }[form]
    assert find_shard(text, workspace, None) == path


def test_nothing_is_found_where_there_is_nothing(workspace: Workspace, tmp_path: Path) -> None:
    for one in (workspace, Workspace(tmp_path)):
        with pytest.raises(UsageError, match="neither"):
            find_shard("train-00009.h5", one, None)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_shard_is_told_without_advice_for_one(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "talk.wav").write_bytes(b"RIFF")
    with pytest.raises(UsageError, match=r"talk\.wav is no shard"):
        find_shard(str(tmp_path / "talk.wav"), workspace, None)
    (tmp_path / "other.h5").write_bytes(b"nothing")
    with pytest.raises(DataMismatch, match=r"other\.h5 is no shard.*\nIf featurize made it"):
        inspect_shard(tmp_path / "other.h5")
