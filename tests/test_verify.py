"""`verify` over clips and shards at once: one table, one JSON, one exit code."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from audioset_tools.cli import run
from audioset_tools.errors import DataMismatch
from audioset_tools.featurize.reader import MelShards
from audioset_tools.featurize.shard import open_shard
from audioset_tools.ledger import Ledger
from audioset_tools.verify import repair, verify
from audioset_tools.workspace import Workspace

from .featurized import featurized


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


def test_clips_and_shards_are_counted_and_sound(place: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", "--workspace", str(place.root), "--deep"]) == 0
    assert "10 clips, 3 shards: every byte as recorded" in capsys.readouterr().out


def test_a_flipped_bit_is_found_by_verify_and_refused_by_the_reader(
    place: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    path, key = damage(place)
    words = ["verify", "--workspace", str(place.root)]
    assert run(words) == 0
    assert run([*words, "--deep"]) == 6
    out, err = capsys.readouterr()
    assert key in out and "1 damaged" in err
    assert "verify --deep --repair, and then: audioset-tools featurize --preset paper" in err
    assert run([*words, "--deep", "--json"]) == 6
    told = json.loads(capsys.readouterr().out)
    (finding,) = told["findings"]
    assert (told["ok"], told["clips"], told["shards"]) == (False, 10, 3)
    assert finding["path"] == path.relative_to(place.root).as_posix() and key in finding["detail"]
    with pytest.raises(DataMismatch, match=path.name):
        MelShards(path.parent, "train").take(np.array([3]))


def test_what_a_repair_removed_featurize_makes_anew(
    place: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    path, _ = damage(place)
    before = {shard.name: shard.read_bytes() for shard in path.parent.glob("*.h5") if shard != path}
    where = ["--workspace", str(place.root)]
    assert run(["verify", *where, "--deep", "--repair"]) == 6
    said = capsys.readouterr().err
    assert "1 unfinished" in said and "Run: audioset-tools featurize --preset paper" in said
    assert f"removed, to be made anew: {path.relative_to(place.root).as_posix()}" in said
    assert run(["featurize", *where, "--preset", "paper"]) == 0
    assert run(["verify", *where, "--deep"]) == 0
    assert {name: (path.parent / name).read_bytes() for name in before} == before


def test_a_lost_clip_is_queued_and_leaves_the_shards_as_they_are(place: Workspace) -> None:
    next(place.clips.glob("Tone/*.wav")).unlink()
    seen: list[str] = []
    with place.lock(), Ledger(place.ledger) as ledger:
        report = repair(ledger, place, True, lambda done, total, what: seen.append(what), at=5)
    assert (report.queued, report.left, report.removed) == (1, (), ())
    assert set(seen) == {"clips", "shards"}
    assert verify(place, True, lambda done, total, what: None).findings == ()
