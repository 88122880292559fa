"""What is known of a clip, and which of its mels is drawn."""

from dataclasses import replace

import pytest

from audioset_tools.exceptions import UsageError
from audioset_tools.inspect.clip import inspect_clip, which_row
from audioset_tools.ledger import State
from audioset_tools.ledger.queries import Standing
from audioset_tools.shards.dataset import read_dataset
from audioset_tools.workspace import Workspace
from tests.factories import candidate, featurized


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return featurized(tmp_path_factory.mktemp("clip"))


def test_every_mel_of_a_clip_is_found_with_its_copy(workspace: Workspace) -> None:
    for placement in read_dataset(workspace.dataset):
        facts = inspect_clip(placement.key, workspace, None)
        assert facts.split == placement.split and facts.unreadable == ()
        assert [mel.noise for mel in facts.mels] == ([0, 1] if placement.split == "train" else [0])
        for mel in facts.mels:
            assert which_row(facts, mel.noise) == mel and mel.low <= mel.mean <= mel.high  # type: ignore[operator]
        with pytest.raises(UsageError, match="no noise copy 2"):
            which_row(facts, 2)


def test_of_a_clip_without_a_mel_it_is_told_why(workspace: Workspace) -> None:
    facts = replace(inspect_clip(read_dataset(workspace.dataset)[0].key, workspace, None), mels=())
    with pytest.raises(UsageError, match="Run first: audioset-tools featurize"):
        which_row(facts, 0)
    dead = Standing(candidate(facts.key[:11]), State.DEAD, None, "", None)
    with pytest.raises(UsageError, match="has no mel: it is dead, and only verified clips have one"):
        which_row(replace(facts, standing=dead), 0)
