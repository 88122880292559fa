"""`featurize --per-class`: a smaller set beside the whole one, just as a fetch of so many would give it."""

import hashlib
from pathlib import Path

import pytest

from audioset_tools.exceptions import DataMismatch, UsageError
from audioset_tools.featurize.run import featurize
from audioset_tools.ledger import Ledger
from audioset_tools.removal.run import forget
from audioset_tools.shards.dataset import read_dataset, write_dataset
from audioset_tools.shards.reader import MelShards, find_shards
from audioset_tools.shards.shard import open_shard
from audioset_tools.verify.run import verify
from audioset_tools.workspace import Workspace, smaller_set
from tests.factories import CLASSES, featurized


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return featurized(tmp_path / "whole", per_class=6)


def bytes_below(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_it_is_to_the_byte_what_a_fetch_of_so_many_gives_and_leaves_the_whole_set_alone(
    workspace: Workspace, tmp_path: Path
) -> None:
    whole = find_shards(workspace.shards)
    before = bytes_below(workspace.shards), workspace.dataset.read_bytes()
    made = featurize(workspace, per_class=4)
    assert smaller_set(made.folder.name) == 4 and made.folder != whole
    assert made.clips["train"] == dict.fromkeys(CLASSES, 2)
    assert made.clips["validation"] == made.clips["test"] == dict.fromkeys(CLASSES, 1)

    alone = featurized(tmp_path / "alone", per_class=4)
    assert workspace.dataset_of(4).read_bytes() == alone.dataset.read_bytes()
    assert bytes_below(made.folder) == bytes_below(find_shards(alone.shards))

    now = {name: digest for name, digest in bytes_below(workspace.shards).items() if whole.name in name}
    assert (now, workspace.dataset.read_bytes()) == before
    assert featurize(workspace, per_class=4).built == 0
    assert verify(workspace, deep=True).findings == ()


def test_it_is_used_where_it_is_named_and_nowhere_else(workspace: Workspace) -> None:
    whole = find_shards(workspace.shards)
    made = featurize(workspace, per_class=3)
    assert find_shards(workspace.shards) == whole
    assert find_shards(workspace.shards, made.folder.name) == made.folder
    assert len(set(MelShards(made.folder, "train").key)) == 2
    for path in whole.iterdir():
        path.unlink()
    whole.rmdir()
    with pytest.raises(DataMismatch, match="smaller sets alone"):
        find_shards(workspace.shards)


def test_what_is_forgotten_leaves_it_and_the_next_by_rank_comes_in(workspace: Workspace) -> None:
    made = featurize(workspace, per_class=4)
    before = {one.key: one.split for one in read_dataset(workspace.dataset_of(4))}
    victim = next(key for key, split in before.items() if split == "train" and "T" in key)
    erased = forget(workspace, [f"https://youtu.be/{victim[:11]}"])
    assert (workspace.dataset_of(4).name, 1) in erased.rows
    assert any(made.folder.name in path for path in erased.shards)
    featurize(workspace, per_class=4)
    after = {one.key: one.split for one in read_dataset(workspace.dataset_of(4))}
    assert before.keys() - after.keys() == {victim} and len(after) == len(before)
    assert {key: after[key] for key in before if key != victim} == {
        key: split for key, split in before.items() if key != victim
    }
    (new,) = after.keys() - before.keys()
    with Ledger(workspace.ledger) as ledger:
        assert {clip.key: clip.rank for _, clip in ledger.clips()}[new] == 4


def test_verify_looks_at_it_by_its_own_splits(workspace: Workspace) -> None:
    made = featurize(workspace, per_class=3)
    table = workspace.dataset_of(3)
    kept = list(read_dataset(table))
    write_dataset(table, kept[1:])
    (finding,) = {(one.path, one.detail) for one in verify(workspace).findings if kept[0].key in one.detail}
    assert finding[0].startswith(f"shards/{made.folder.name}/")
    shard = next(path for path in made.shards if kept[0].key.encode() in open_shard(path).key)
    assert finding[0].endswith(shard.name)
    table.unlink()
    assert any(one.path == "dataset-3.csv" for one in verify(workspace).findings)


@pytest.mark.parametrize(
    ("per_class", "said"),
    [
        (7, "there are not 7 clips of each class: Tone has 6, Noise has 6"),
        (2, "--per-class 2 is too few"),
        (-1, "too few"),
    ],
)
def test_a_set_that_there_cannot_be_is_refused(workspace: Workspace, per_class: int, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        featurize(workspace, per_class=per_class)
    assert workspace.datasets() == (workspace.dataset,)
