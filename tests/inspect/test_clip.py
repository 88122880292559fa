"""What is known of a clip, and which of its mels is drawn."""

import pytest

from audioset_tools.exceptions import UsageError
from audioset_tools.inspect.clip import inspect_clip, which_row
from audioset_tools.shards.dataset import read_dataset
from audioset_tools.workspace import Workspace
from tests.factories import featurized


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
