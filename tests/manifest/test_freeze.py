"""A workspace's manifest has all that is in the ledger, the samples' sha256, and nothing of the forgotten."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audioset_tools.exceptions import DataMismatch, UsageError
from audioset_tools.ledger import Ledger
from audioset_tools.ledger.changes import forget
from audioset_tools.manifest.document import read_manifest
from audioset_tools.manifest.freeze import cut_of, freeze
from audioset_tools.shards.dataset import read_dataset
from audioset_tools.workspace import Workspace
from tests.factories import DEAD, featurized


def test_a_manifest_tells_what_the_workspace_holds(tmp_path: Path) -> None:
    workspace = featurized(tmp_path / "w")
    manifest = freeze(workspace, tmp_path / "set.json")
    assert read_manifest(tmp_path / "set.json") == manifest
    placed = {one.key: one for one in read_dataset(workspace.dataset)}
    assert {one.key: (one.class_name, one.split) for one in manifest.clips} == {
        key: (one.class_name, one.split) for key, one in placed.items()
    }
    for one in manifest.clips:
        samples, _ = soundfile.read(workspace.root / placed[one.key].path, dtype="int16")
        assert one.sha256 == hashlib.sha256(samples.astype("<i2").tobytes()).hexdigest()
    (left,) = manifest.left_out
    assert (left.key, left.reason, left.tried_at) == (DEAD, "removed", "1970-01-01T00:00:02Z")
    assert manifest.made_from.recipe == "paper" and "audioset-tools" in manifest.made_from.versions


def test_the_same_workspace_gives_the_same_bytes(tmp_path: Path) -> None:
    workspace = featurized(tmp_path / "w")
    for name in ("one", "two"):
        freeze(workspace, tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_nothing_is_told_of_the_forgotten(tmp_path: Path) -> None:
    workspace = featurized(tmp_path / "w")
    with Ledger(workspace.ledger) as ledger:
        forget(ledger, [DEAD[:11]], at=3)
    assert freeze(workspace, tmp_path / "set.json").left_out == ()
    assert DEAD[:11] not in (tmp_path / "set.json").read_text()


def test_a_clip_that_is_gone_or_changed_is_not_frozen(tmp_path: Path) -> None:
    workspace = featurized(tmp_path / "w")
    clip = next(workspace.clips.rglob("*.wav"))
    soundfile.write(clip, np.zeros(160_000, np.int16), 16_000)
    with pytest.raises(DataMismatch, match="is not the file that was fetched"):
        freeze(workspace, tmp_path / "set.json")
    clip.unlink()
    with pytest.raises(DataMismatch, match="cannot be read"):
        freeze(workspace, tmp_path / "set.json")
    assert not (tmp_path / "set.json").exists()


def test_what_holds_no_clip_cannot_be_frozen(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no workspace"):
        freeze(Workspace(tmp_path / "w"), tmp_path / "set.json")


def test_who_cut_a_clip_follows_from_its_source() -> None:
    assert cut_of("youtube webm/opus 251 by lean") == "time stamps"
    assert {cut_of("local Yabc.wav"), cut_of("hf confit/audioset-full@0 x"), cut_of("youtubes")} == {"copy"}
