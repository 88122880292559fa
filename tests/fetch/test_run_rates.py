"""Clips of another rate, what they were decoded from, and other clips made of that."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import soundfile

from audioset_tools.audio.clip import read_clip
from audioset_tools.exceptions import DataMismatch, UsageError
from audioset_tools.featurize.run import featurize
from audioset_tools.fetch.run import fetch
from audioset_tools.ledger import Ledger
from audioset_tools.removal.run import forget
from audioset_tools.shards.shard import open_shard
from audioset_tools.simulator import Plan, Simulator
from audioset_tools.simulator.lists import write_lists
from audioset_tools.types import Clip, Splits, clip_bytes
from audioset_tools.verify.findings import Kind
from audioset_tools.verify.run import verify
from audioset_tools.workspace import Workspace

Serve = Callable[[Plan], Simulator]


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return Plan(seed=5, table=write_lists(tmp_path_factory.mktemp("lists"), {"Piano": 4, "Drums": 4}, seed=3))


@pytest.fixture
def listed(plan: Plan, tmp_path: Path) -> Path:
    rows = [f"{ytid},{row.start_ms / 1000},{row.class_name}" for ytid, row in plan.table.items()]
    path = tmp_path / "mine.csv"
    path.write_text("\n".join(["youtube_id,start_time,label", *rows]) + "\n")
    return path


def words(simulator: Simulator, listed: Path, **changes: Any) -> dict[str, Any]:
    where = {"proxy": simulator.proxy, "check_certificate": False, "pace": "unlimited", "retry_wait": 0.1}
    return {"segment_list": listed, **where, **changes}


def clips(workspace: Workspace) -> list[Clip]:
    with Ledger(workspace.ledger, read_only=True) as ledger:
        return [clip for _, clip in ledger.clips()]


def test_another_rate_and_what_was_kept(
    plan: Plan, serve: Serve, listed: Path, workspace: Workspace, tmp_path: Path
) -> None:
    simulator = serve(plan)
    assert fetch(workspace, **words(simulator, listed, sample_rate=32_000, keep_source=True)).complete
    for clip in clips(workspace):
        path = workspace.root / clip.path
        assert path.stat().st_size == clip_bytes(32_000) == 640_044
        assert soundfile.info(path).samplerate == 32_000
        assert len(read_clip(path, clip.sha256)) == 320_000
        assert clip.kept is not None and clip.kept.path.startswith(f"sources/{clip.class_name}/Y{clip.key}.")
        assert 50_000 < (workspace.root / clip.kept.path).stat().st_size < 1_000_000
    assert verify(workspace, deep=True).findings == ()

    with pytest.raises(DataMismatch, match="have 32,000 Hz, not 16,000: a workspace has one rate"):
        fetch(workspace, **words(simulator, listed, sample_rate=16_000))
    assert fetch(workspace, **words(simulator, listed)).complete
    with pytest.raises(UsageError, match="no clips have 22050 Hz"):
        fetch(workspace, **words(simulator, listed, sample_rate=22_050))

    made = featurize(workspace, splits=Splits(2, 1, 1), noise_copies=0)
    spec = open_shard(made.shards[0]).header.spec
    assert (spec.sample_rate, spec.n_fft, spec.hop_length, spec.fmax) == (32_000, 800, 400, 16_000)
    assert spec.shape == (128, 801)

    direct, again = Workspace(tmp_path / "direct"), Workspace(tmp_path / "again")
    assert fetch(direct, **words(simulator, listed)).complete
    asked = simulator.counts()["requests"]["player"]
    assert fetch(again, **words(simulator, listed, source=f"kept:{workspace.root}")).complete
    assert simulator.counts()["requests"]["player"] == asked
    assert [clip.sha256 for clip in clips(again)] == [clip.sha256 for clip in clips(direct)]
    assert {clip.kept for clip in clips(direct)} == {None}
    assert all(clip.source.startswith("kept youtube ") for clip in clips(again))
    with pytest.raises(UsageError, match="kept no source of any clip"):
        fetch(Workspace(tmp_path / "none"), **words(simulator, listed, source=f"kept:{direct.root}"))


def test_what_was_kept_is_verified_and_leaves_with_its_clip(
    plan: Plan, serve: Serve, listed: Path, workspace: Workspace, tmp_path: Path
) -> None:
    fetch(workspace, **words(serve(plan), listed, keep_source=True))
    changed, lost, forgotten, excluded, *others = clips(workspace)
    kept = {clip.key: workspace.root / clip.kept.path for clip in clips(workspace) if clip.kept}
    kept[changed.key].write_bytes(b"something else")
    kept[lost.key].unlink()
    report = verify(workspace, deep=True)
    assert sorted((finding.kind, finding.path) for finding in report.findings) == sorted(
        [(Kind.DAMAGED, changed.kept.path), (Kind.MISSING, lost.kept.path)]  # type: ignore[union-attr]
    )
    repaired = verify(workspace, deep=True, repair=True)
    assert (repaired.queued, repaired.left, len(repaired.set_aside)) == (0, (), 1)
    assert verify(workspace, deep=True).findings == ()
    assert [clip.kept is None for clip in clips(workspace)] == [True, True] + [False] * (len(others) + 2)

    forget(workspace, [forgotten.key[:11]])
    assert not kept[forgotten.key].exists()
    (tmp_path / "wrong.csv").write_text(f"key,reason,note\n{excluded.key},mislabelled,\n")
    featurize(workspace, splits=Splits(1, 1, 1), noise_copies=0, exclude=tmp_path / "wrong.csv")
    assert not kept[excluded.key].exists()
    assert (workspace.set_aside / excluded.class_name / kept[excluded.key].name).exists()
