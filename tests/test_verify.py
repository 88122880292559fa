"""`verify` over clips and shards at once: one table, one JSON, one exit code."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from audioset_tools.errors import DataMismatch
from audioset_tools.featurize.reader import MelShards
from audioset_tools.featurize.shard import open_shard
from audioset_tools.ledger import Ledger
from audioset_tools.verify import repair, verify
from audioset_tools.workspace import Workspace

from .featurized import featurized
from .pipeline.conftest import run


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with clips, shards and a ledger; to be copied, not changed."""
    return featurized(tmp_path_factory.mktemp("whole"))


@pytest.fixture
def place(whole: Workspace, tmp_path: Path) -> Workspace:
    return Workspace(Path(shutil.copytree(whole.root, tmp_path / "w")))


def damage(place: Workspace) -> tuple[Path, str]:
    """Flip a bit of a mel; the shard, and the clip's key."""
    path = next(place.shards.glob("*/train-00000.h5"))
    shard = open_shard(path)
    content = bytearray(path.read_bytes())
    content[int(shard.offsets[3]) + 99] ^= 16
    path.write_bytes(content)
    return path, shard.key[3].decode()


def test_clips_and_shards_are_counted_and_sound(place: Workspace) -> None:
    done = run("verify", "--workspace", str(place.root), "--deep")
    assert done.returncode == 0, done.stderr
    assert "10 clips, 3 shards: every byte as recorded" in done.stdout


def test_a_flipped_bit_is_found_by_verify_and_refused_by_the_reader(place: Workspace) -> None:
    path, key = damage(place)
    words = ("verify", "--workspace", str(place.root))
    assert run(*words).returncode == 0
    done = run(*words, "--deep")
    assert done.returncode == 6 and "1 damaged" in done.stderr
    assert "verify --deep --repair, and then: audioset-tools featurize --preset paper" in done.stderr
    assert key in done.stdout
    told = json.loads(run(*words, "--deep", "--json").stdout)
    (finding,) = told["findings"]
    assert (told["ok"], told["clips"], told["shards"]) == (False, 10, 3)
    assert finding["path"] == path.relative_to(place.root).as_posix() and key in finding["detail"]
    with pytest.raises(DataMismatch, match=path.name):
        MelShards(path.parent, "train").take(np.array([3]))


def test_what_a_repair_removed_featurize_makes_anew(place: Workspace) -> None:
    path, _ = damage(place)
    words = ("--workspace", str(place.root))
    done = run("verify", *words, "--deep", "--repair")
    assert done.returncode == 6 and "1 unfinished" in done.stderr
    assert f"removed, to be made anew: {path.relative_to(place.root).as_posix()}" in done.stderr
    assert "Run: audioset-tools featurize --preset paper" in done.stderr
    assert run("featurize", *words).returncode == 0
    assert run("verify", *words, "--deep").returncode == 0


def test_a_lost_clip_is_queued_and_leaves_the_shards_as_they_are(place: Workspace) -> None:
    next(place.clips.glob("Tone/*.wav")).unlink()
    seen: list[str] = []
    with place.lock(), Ledger(place.ledger) as ledger:
        report = repair(ledger, place, True, lambda done, total, what: seen.append(what), at=5)
    assert (report.queued, report.left, report.removed) == (1, (), ())
    assert set(seen) == {"clips", "shards"}
    assert verify(place, True, lambda done, total, what: None).findings == ()
