"""A finished workspace and its report, made once for all tests of the report."""

import shutil
from pathlib import Path

import pytest

from audioset_tools.report.run import ReportConfig, write_report
from audioset_tools.workspace import Workspace
from tests.factories import featurized
from tests.report.workspaces import add_run


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Clips, shards and two runs; not to be changed."""
    workspace = featurized(tmp_path_factory.mktemp("report"))
    add_run(workspace)
    add_run(workspace, "knn", wrong=3, model="knn")
    return workspace


@pytest.fixture
def copy(workspace: Workspace, tmp_path: Path) -> Workspace:
    """The same, to be changed."""
    return Workspace(Path(shutil.copytree(workspace.root, tmp_path / "w")))


@pytest.fixture(scope="session")
def once(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of that workspace; not to be changed."""
    return write_report(workspace, tmp_path_factory.mktemp("once")).index.parent


@pytest.fixture
def written(once: Path, tmp_path: Path) -> Path:
    """The same report, to be changed."""
    return Path(shutil.copytree(once, tmp_path / "out"))


@pytest.fixture(scope="session")
def index(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a report that shows five clips of each class."""
    return write_report(workspace, tmp_path_factory.mktemp("page"), ReportConfig(per_class=5)).index
