"""`verify` over clips and shards at once: one table, one JSON, one exit code."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from audioset_tools.cli import run
from audioset_tools.exceptions import DataMismatch, EnvironmentProblem, UsageError
from audioset_tools.ledger import Ledger
from audioset_tools.shards.reader import MelShards
from audioset_tools.shards.shard import open_shard
from audioset_tools.types import Progress
from audioset_tools.verify.run import verify
from audioset_tools.workspace import Workspace
from tests.factories import featurized


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with clips, shards and a ledger; to be copied, not changed."""
    return featurized(tmp_path_factory.mktemp("whole"))


@pytest.fixture
def workspace(whole: Workspace, tmp_path: Path) -> Workspace:
    return Workspace(Path(shutil.copytree(whole.root, tmp_path / "w")))


def damage(workspace: Workspace) -> tuple[Path, str]:
    """Flip a bit of a mel; the shard, and the clip's key."""
    path = next(workspace.shards.glob("*/train-00000.h5"))
    shard = open_shard(path)
    content = bytearray(path.read_bytes())
    content[int(shard.offsets[3]) + 99] ^= 16
    path.write_bytes(content)
    return path, shard.key[3].decode()


def content(workspace: Workspace) -> dict[Path, bytes]:
    """Everything in a workspace but the lock and what SQLite keeps beside a ledger for its readers."""
    beside = {workspace.root / "lock", *workspace.root.glob("ledger.sqlite-*")}
    files = {path for path in workspace.root.rglob("*") if path.is_file()}
    return {path: path.read_bytes() for path in files - beside}


def test_clips_and_shards_are_counted_and_sound(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["verify", "--workspace", str(workspace.root), "--deep"]) == 0
    assert "10 clips, 3 shards: every byte as recorded" in capsys.readouterr().out


def test_a_flipped_bit_is_found_by_verify_and_refused_by_the_reader(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    path, key = damage(workspace)
    words = ["verify", "--workspace", str(workspace.root)]
    assert run(words) == 0
    assert run([*words, "--deep"]) == 6
    out, err = capsys.readouterr()
    assert key in out and "1 damaged" in err
    assert "verify --deep --repair, and then: audioset-tools featurize --preset paper" in err
    assert run([*words, "--deep", "--json"]) == 6
    told = json.loads(capsys.readouterr().out)
    (finding,) = told["findings"]
    assert (told["ok"], told["clips"], told["shards"]) == (False, 10, 3)
    assert finding["path"] == path.relative_to(workspace.root).as_posix() and key in finding["detail"]
    with pytest.raises(DataMismatch, match=path.name):
        MelShards(path.parent, "train").take(np.array([3]))


def test_what_a_repair_removed_featurize_makes_again(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    path, _ = damage(workspace)
    before = {shard.name: shard.read_bytes() for shard in path.parent.glob("*.h5") if shard != path}
    where = ["--workspace", str(workspace.root)]
    assert run(["verify", *where, "--deep", "--repair"]) == 6
    said = capsys.readouterr().err
    assert "1 unfinished" in said and "Run: audioset-tools featurize --preset paper" in said
    assert f"removed, to be made again: {path.relative_to(workspace.root).as_posix()}" in said
    assert run(["featurize", *where, "--preset", "paper"]) == 0
    assert run(["verify", *where, "--deep"]) == 0
    assert {name: (path.parent / name).read_bytes() for name in before} == before


def test_a_lost_clip_is_queued_and_leaves_the_shards_as_they_are(workspace: Workspace) -> None:
    next(workspace.clips.glob("Tone/*.wav")).unlink()
    seen: list[Progress] = []
    report = verify(workspace, deep=True, repair=True, on_progress=seen.append)
    assert (report.queued, report.left, report.removed) == (1, (), ())
    assert {at.text for at in seen} == {"clips", "shards"} and all(0 < at.done <= at.total for at in seen)
    assert verify(workspace, deep=True).findings == ()


@pytest.mark.parametrize("repair", [False, True])
def test_beside_a_writer_it_ends_at_once_and_changes_nothing(workspace: Workspace, repair: bool) -> None:
    next(workspace.clips.glob("Tone/*.wav")).unlink()
    with workspace.lock():
        before = content(workspace)
        with pytest.raises(EnvironmentProblem, match="another audioset-tools process is working in"):
            verify(workspace, repair=repair)
        assert content(workspace) == before


def test_without_repair_nothing_is_changed(workspace: Workspace) -> None:
    damage(workspace)
    next(workspace.clips.glob("Tone/*.wav")).unlink()
    before = content(workspace)
    assert len(verify(workspace, deep=True).left) == 2
    assert content(workspace) == before


def test_a_read_only_medium_needs_no_lock(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Workspace) -> None:
        raise EnvironmentProblem("the workspace cannot be written to", "")

    monkeypatch.setattr(Workspace, "prepare", full)
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    assert verify(workspace, deep=True).findings == ()
    with pytest.raises(EnvironmentProblem, match="cannot be written to"):
        verify(workspace, repair=True)


def test_what_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no workspace"):
        verify(Workspace(tmp_path / "w"))
    with pytest.raises(DataMismatch, match="is no workspace: nothing was fetched into it"):
        verify(Workspace(tmp_path))
    assert list(tmp_path.iterdir()) == []
    with Ledger(Workspace(tmp_path).ledger):
        pass
    with pytest.raises(DataMismatch, match="holds no candidates yet"):
        verify(Workspace(tmp_path))
