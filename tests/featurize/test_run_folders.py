"""Beyond a thousand shards of a split they lie in further folders; whoever uses shards finds them there."""

import os
from pathlib import Path

import pytest

from audioset_tools.featurize.run import FeaturizeConfig, make_shards
from audioset_tools.featurize.task import Classes
from audioset_tools.inspect.clip import inspect_clip
from audioset_tools.inspect.shard import find_shard
from audioset_tools.ledger import Ledger
from audioset_tools.removal.run import forget
from audioset_tools.shards import index
from audioset_tools.shards.reader import MelShards
from audioset_tools.tasks.division import Division
from audioset_tools.verify.run import verify
from audioset_tools.workspace import Workspace
from tests.factories import CLASSES, featurized


def test_many_shards_lie_in_folders_and_are_found_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = featurized(tmp_path)
    keys = MelShards(workspace, "train").key.tolist()
    monkeypatch.setattr(index, "_IN_A_FOLDER", 1)
    made = made_again(workspace)
    names = [path.relative_to(made).as_posix() for path in index.shard_files(made)]
    assert names == [
        *("test-00000.h5", "train-00000.h5", "001/train-00001.h5", "002/train-00002.h5"),
        "validation-00000.h5",
    ]
    assert MelShards(made, "train").key.tolist() == keys
    assert verify(workspace, deep=True).left == ()
    last = keys[-1].decode()
    assert {mel.shard for mel in inspect_clip(last, workspace, None).mels} == {
        f"shards/{made.name}/002/train-00002.h5"
    }
    for name in ("train-00002.h5", "002/train-00002.h5"):
        assert find_shard(name, workspace, made.name) == made / "002/train-00002.h5"

    (made / "001/train-00009.h5").write_bytes(b"no shard")
    half = made / "001/.train-00001.h5.abc.part"
    half.write_bytes(b"half")
    # Of nobody knows which process, two days ago.
    os.utime(half, (0, 0))
    found = verify(workspace).left
    assert {one.path.removeprefix(f"shards/{made.name}/") for one in found} == {
        *("001/train-00009.h5", "001/.train-00001.h5.abc.part"),
    }
    assert made_again(workspace) == made
    assert verify(workspace).left == ()
    (made / "001/train-00001.h5").write_bytes(b"damaged")
    assert verify(workspace, repair=True).removed == (f"shards/{made.name}/001/train-00001.h5",)
    assert not (made / index.NAME).exists()

    made_again(workspace)
    assert forget(workspace, [last[:11]]).shards == (f"shards/{made.name}/002/train-00002.h5",)
    assert not (made / "002/train-00002.h5").exists() and not (made / index.NAME).exists()


def made_again(workspace: Workspace) -> Path:
    """The folder of its shards of two clips each, brought up to date."""
    with Ledger(workspace.ledger) as ledger:
        clips = [clip for _, clip in ledger.clips()]
    config = FeaturizeConfig(division=Division(1), clips_per_shard=2)
    return make_shards(workspace, clips, Classes("paper", CLASSES), config).folder
