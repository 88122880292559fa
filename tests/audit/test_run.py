"""An audit as a notebook runs it; what the networks say is given."""

from pathlib import Path

import numpy as np
import pytest

from audioset_tools import audit
from audioset_tools.audit import run
from audioset_tools.audit.suspects import read_suspects
from audioset_tools.exceptions import DataMismatch, UsageError
from audioset_tools.runs.metrics import multi_hot
from audioset_tools.shards.dataset import write_dataset
from audioset_tools.shards.labelled import LabelledClips
from audioset_tools.shards.placements import Placement
from audioset_tools.train.config import TrainConfig
from audioset_tools.types import OnProgress
from audioset_tools.workspace import Workspace
from tests.train import small


class Networks:
    """Sure of every label but for that of one clip; they remember how they were to be trained."""

    doubted = b"-train_0"

    def __call__(
        self, clips: LabelledClips, fold: np.ndarray, config: TrainConfig, on_progress: OnProgress
    ) -> np.ndarray:
        self.clips, self.fold, self.config = clips, fold, config
        probable = np.where(clips.key == self.doubted, 2, clips.target)
        return 0.125 + 0.625 * multi_hot(probable, 3)


@pytest.fixture
def networks(monkeypatch: pytest.MonkeyPatch) -> Networks:
    made = Networks()
    monkeypatch.setattr(run, "left_out_probabilities", made)
    return made


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return small.place(tmp_path / "w", noise_copies=1)


def test_what_is_doubted_is_listed_and_written(workspace: Workspace, networks: Networks) -> None:
    write_dataset(workspace.dataset, [Placement("-train_0", "Piano", (), "train", "clips/x.wav", "0" * 64)])
    found = audit(workspace, folds=3)
    (one,) = found.suspects
    assert (one.key, one.classes, one.suggested) == ("-train_0", ("Piano",), ("Flute",))
    assert (one.probability, one.suggested_probability) == (0.125, 0.75)
    assert (one.split, one.path) == ("train", "clips/x.wav")
    assert found.path == workspace.audit / "audit.csv"
    assert "-train_0,1,Piano,Flute,0.125000,0.750000,-0.625000,train,clips/x.wav," in found.path.read_text()
    assert (found.clips, found.agreement) == (57, pytest.approx(56 / 57))
    assert [(c.class_name, c.clips, c.suspects) for c in found.classes] == [
        ("Piano", 19, 1),
        ("Drums", 19, 0),
        ("Flute", 19, 0),
    ]
    assert [(pair.labelled, pair.probably, round(pair.clips)) for pair in found.pairs] == [
        ("Piano", "Flute", 1)
    ]


def test_a_data_set_without_a_doubt_has_an_empty_list(workspace: Workspace, networks: Networks) -> None:
    networks.doubted = b""
    assert audit(workspace).suspects == () == read_suspects(workspace.audit / "audit.csv").suspects


def test_few_clips_are_seen_often_and_many_less_often(workspace: Workspace, networks: Networks) -> None:
    audit(workspace, folds=3, seed=7, device="cpu")
    config = networks.config
    assert (config.model, config.seed, config.device, config.epochs) == ("compact", 7, "cpu", 40)
    assert set(networks.fold) == {0, 1, 2}
    assert [run.epochs_for(clips) for clips in (32, 480, 640, 7_680)] == [40, 40, 30, 5]


def test_what_cannot_be(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="1 folds of"):
        audit(workspace, folds=1)
    with pytest.raises(UsageError, match="no workspace"):
        audit(Workspace(tmp_path / "nothing"))
    with pytest.raises(UsageError, match="no shards 'x'"):
        audit(workspace, shards="x")
    small.write(workspace.shards / "other", clips=(3, 1, 1))
    with pytest.raises(DataMismatch, match="too few clips"):
        audit(workspace, shards="other")
