"""A featurized workspace with one finished run, whose predictions are made up."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audioset_tools.runs.evaluation import predictions
from audioset_tools.runs.folder import Epoch, Run, finish_run, write_about, write_history
from audioset_tools.workspace import Workspace
from tests.factories import CLASSES, featurized
from tests.train.small import about

RUN = "svm-seed1"


@pytest.fixture(scope="session")
def _published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workspace; to be copied."""
    workspace = featurized(tmp_path_factory.mktemp("published") / "audioset")
    write_run(workspace.runs / RUN, {"class_names": CLASSES, "multi_label": False})
    return workspace.root


def write_run(folder: Path, changes: Mapping[str, Any]) -> None:
    """A finished run of ten test clips, two of them wrong."""
    folder.mkdir(parents=True)
    settings = about(**changes)
    actual = np.array([0, 0, 0, 0, 0, 1, 1, 1, 1, 1])
    logits = np.where(np.arange(2) == actual[:, None], 2.0, 0.0)
    logits[3], logits[9] = (0, 1), (1, 0)
    if settings.multi_label:
        actual, logits = np.eye(2, dtype=np.uint8)[actual], logits - 0.5
        actual[0], logits[1] = 1, 1
    keys = tuple(f"AAAAAAAAAA{letter}_0" for letter in "AEIMQUYcgk")
    found = predictions(keys, keys, actual, logits)
    history = (Epoch(1, 0.5, 0.8, 0.6, 0.8, 1.0, 100.0),)
    write_about(folder, settings)
    write_history(folder, history)
    (folder / "model.safetensors").write_bytes(b"weights")
    finish_run(Run(folder, settings, history, 1, 100, found, found))


@pytest.fixture
def publishable(_published: Path, tmp_path: Path) -> Workspace:
    """Ten clips, three splits, a run."""
    shutil.copytree(_published, tmp_path / "audioset")
    return Workspace(tmp_path / "audioset")
