"""A featurized workspace to export, and AudioSet's labels in the official form."""

import shutil
from pathlib import Path

import pytest

from audioset_tools.workspace import Workspace
from tests.factories import featurized

LABELS = 'index,mid,display_name\n0,/m/04rlf,"Music"\n1,/m/05zppz,"Male speech, man speaking"\n'
"""The clips of `featurized` carry `/m/04rlf`, which is a label here, and `/m/0l14j_`, which is none."""


@pytest.fixture(scope="session")
def _featurized(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return featurized(tmp_path_factory.mktemp("featurized") / "audioset").root


@pytest.fixture
def exportable(_featurized: Path, tmp_path: Path) -> Workspace:
    """Five clips of each of two classes, three splits."""
    shutil.copytree(_featurized, tmp_path / "audioset")
    return Workspace(tmp_path / "audioset")


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """A folder with `class_labels_indices.csv`."""
    folder = tmp_path / "lists"
    folder.mkdir()
    (folder / "class_labels_indices.csv").write_text(LABELS)
    return folder
