"""The official files are found where they are, and downloaded only where nothing else was given."""

from pathlib import Path

import pytest

from audioset_tools.catalog.official import Official, find_metadata, manifest, official_files
from audioset_tools.catalog.recipe import SHIPPED, STANDARD
from audioset_tools.exceptions import EnvironmentProblem, UsageError
from audioset_tools.simulator.lists import write_lists


def test_lists_come_from_the_folder_given_then_the_workspace_then_the_network(tmp_path: Path) -> None:
    asked: list[str] = []
    copy = tmp_path / "metadata"
    write_lists(copy, {"Piano": 1}, seed=0)
    assert find_metadata(None, copy, lambda official, folder: asked.append(official.file)) == copy
    assert asked == []
    (copy / "eval_segments.csv").unlink()
    find_metadata(None, copy, lambda official, folder: asked.append(official.file))
    assert asked == ["eval_segments.csv"]
    with pytest.raises(UsageError, match="eval_segments"):
        find_metadata(copy, tmp_path, lambda official, folder: asked.append(official.file))
    assert len(asked) == 1
    assert all(len(one.sha256) == 64 for one in official_files().values())


def test_a_download_that_fails_leaves_no_folder_and_a_folder_that_is_none_is_told(tmp_path: Path) -> None:
    def fails(official: Official, folder: Path) -> None:
        folder.mkdir(parents=True)
        raise EnvironmentProblem("no network", "wait")

    with pytest.raises(EnvironmentProblem):
        find_metadata(None, tmp_path / "w" / "metadata", fails)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UsageError, match="there is no folder "):
        find_metadata(tmp_path / "w", tmp_path)


def test_every_manifest_with_classes_is_offered() -> None:
    folder = manifest("paper.toml").parent
    assert {path.stem for path in folder.glob("*.toml") if "[[classes]]" in path.read_text()} == {*SHIPPED}
    assert {path.stem for path in folder.glob("*.toml") if "\nkind = " in path.read_text()} == {*STANDARD}


def test_a_proxy_that_makes_no_sense_is_not_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://me:s3cr3t")
    with pytest.raises(EnvironmentProblem, match="a proxy's address makes no sense") as refused:
        find_metadata(None, tmp_path)
    assert "s3cr3t" not in str(refused.value)
