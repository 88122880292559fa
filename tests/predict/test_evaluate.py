"""`evaluate` as a function: clips of a split as files of one's own give the very figures of the split."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from audioset_tools import evaluate
from audioset_tools.csvfile import write_csv
from audioset_tools.exceptions import UsageError
from audioset_tools.shards.dataset import read_dataset
from audioset_tools.train.config import TrainConfig
from audioset_tools.train.fit import fit_baseline
from tests.factories import featurized


def test_the_clips_of_a_split_as_files_have_the_predictions_of_the_split(tmp_path: Path) -> None:
    workspace = featurized(tmp_path / "w")
    run = fit_baseline(workspace, TrainConfig(model="knn"))
    split = evaluate(workspace, run, split="train")
    placed = [one for one in read_dataset(workspace.dataset) if one.split == "train"]
    mine = tmp_path / "mine"
    mine.mkdir()
    for number, one in enumerate(placed):
        shutil.copy(workspace.root / one.path, mine / f"{number}.wav")
    write_csv(
        mine / "labels.csv",
        ["path", "class"],
        [(f"{number}.wav", one.class_name) for number, one in enumerate(placed)],
    )
    files = evaluate(workspace, run, files=mine / "labels.csv")
    by_key = dict(zip(split.predictions.key, split.predictions.probability, strict=True))
    expected = np.array([by_key[one.key] for one in placed])
    np.testing.assert_allclose(files.predictions.probability, expected, atol=1e-12)
    assert files.predictions.loss == pytest.approx(split.predictions.loss)
    assert files.predictions.confusion.tolist() == split.predictions.confusion.tolist()
    with pytest.raises(UsageError, match="no split"):
        evaluate(workspace, run, split="train", files=mine / "labels.csv")
