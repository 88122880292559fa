"""Every stage that is made of tasks, by a Dask cluster and alone: the same bytes, and the same said."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from distributed import LocalCluster

from audioset_tools import Workspace, export, featurize, fetch, verify
from audioset_tools.exceptions import DataMismatch, Shortfall, UsageError
from tests.export.conftest import label_file
from tests.factories import featurized


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Named as users do: by a path that means something else to a worker."""
    featurized(tmp_path / "w")
    monkeypatch.chdir(tmp_path)
    return Workspace("w")


def test_shards_are_the_same(workspace: Workspace, cluster: LocalCluster) -> None:
    alone = contents(workspace.shards)
    shutil.rmtree(workspace.shards)
    seen: list[str] = []
    done = featurize(
        workspace, scheduler=cluster.scheduler_address, on_progress=lambda at: seen.append(at.text)
    )
    assert contents(workspace.shards) == alone and done.built == 3
    assert done.folder == workspace.shards / done.folder.name
    assert any("2 at once" in text for text in seen)
    # What was deleted since is made again, and what stands is not.
    done.shards[1].unlink()
    assert featurize(workspace, scheduler=cluster.scheduler_address).built == 1
    assert contents(workspace.shards) == alone


@pytest.mark.parametrize("format_name", ["lhotse", "webdataset"])
def test_an_export_is_the_same(
    workspace: Workspace, cluster: LocalCluster, tmp_path: Path, format_name: str
) -> None:
    lists = label_file(tmp_path / "lists")
    export(workspace, format_name, "out", metadata=lists)
    alone = contents(tmp_path / "out")
    shutil.rmtree(tmp_path / "out")
    export(workspace, format_name, "out", metadata=lists, scheduler=cluster.scheduler_address)
    assert contents(tmp_path / "out") == alone


def test_what_is_wrong_is_found_all_the_same(workspace: Workspace, cluster: LocalCluster) -> None:
    clips = sorted(workspace.clips.rglob("*.wav"))
    clips[0].unlink()
    clips[3].write_bytes(clips[3].read_bytes()[:-2] + b"\0\1")
    shard = sorted(workspace.shards.rglob("train*.h5"))[0]
    damaged = bytearray(shard.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    shard.write_bytes(damaged)
    alone = verify(workspace, deep=True)
    assert len(alone.findings) >= 3
    assert verify(workspace, deep=True, scheduler=cluster.scheduler_address) == alone
    parts = [verify(workspace, deep=True, part=(number, 3)) for number in (1, 2, 3)]
    assert {one for part in parts for one in part.findings} == {*alone.findings}
    assert sum(part.clips for part in parts) == alone.clips == 10


def test_no_threads_are_no_way_to_verify(workspace: Workspace) -> None:
    with pytest.raises(UsageError, match="0 jobs"):
        verify(workspace, jobs=0)


def test_a_clip_that_is_gone_ends_it_as_it_does_alone(workspace: Workspace, cluster: LocalCluster) -> None:
    shutil.rmtree(workspace.shards)
    gone = sorted(workspace.clips.rglob("*.wav"))[0]
    gone.unlink()
    with pytest.raises(DataMismatch, match="cannot be read: No such file") as caught:
        featurize(workspace, scheduler=cluster.scheduler_address)
    assert "audioset-tools fetch" in caught.value.remedy


def test_sounds_of_ones_own_are_the_same_clips(
    workspace: Workspace, cluster: LocalCluster, tmp_path: Path
) -> None:
    listed = tmp_path / "list.csv"
    names = sorted(path.stem for path in workspace.clips.rglob("*.wav"))
    rows = [f"{name[1:12]},{int(name[13:]) / 1000:g},{int(name[13:]) / 1000 + 10:g},Tone" for name in names]
    listed.write_text("\n".join(["ytid,start,end,class", *rows, ""]))
    (workspace.clips / "Noise" / names[0]).with_suffix(".wav").write_text("no sound")
    words, said = [], []
    for name, scheduler in (("alone", None), ("by", cluster.scheduler_address)):
        with pytest.raises(Shortfall) as caught:
            fetch(
                Workspace(name),
                segment_list=listed,
                source="local:w/clips",
                scheduler=scheduler,
                keep_source=True,
            )
        words.append(str(caught.value))
        with closing(sqlite3.connect(tmp_path / name / "ledger.sqlite")) as ledger:
            rows = "SELECT class, rank, sha256, peak, decoder, fingerprint, kept_path, kept_sha256 FROM clip"
            why = "SELECT class, rank, reason, detail FROM candidate WHERE state = 'dead'"
            said.append([sorted(ledger.execute(text).fetchall()) for text in (rows, why)])
    assert words[0] == words[1] and said[0] == said[1] and len(said[0][0]) == len(names) - 1
    for part in ("clips", "sources"):
        assert contents(tmp_path / "by" / part) == contents(tmp_path / "alone" / part)
