"""`report` as a user runs it: where the page goes, what is refused, and Ctrl-C."""

import time
from pathlib import Path

import pytest

from audioset_tools.cli import run
from audioset_tools.workspace import Workspace
from tests.report.workspaces import odd_clips


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return odd_clips(tmp_path / "w")


def report(workspace: Workspace, *words: str) -> int:
    return run(["report", "--workspace", str(workspace.root), *words])


def test_the_page_is_written_into_the_workspace(
    workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(workspace, "--per-class", "1") == 0
    told = capsys.readouterr()
    assert told.out.strip() == str(workspace.root / "report" / "index.html")
    assert [line[21:] for line in told.err.splitlines()] == [
        "looking at 4 clips", "sounds and pictures of 3 clips", "pages: 1, sounds and pictures: 6",
    ]  # fmt: skip
    assert report(workspace, "--out", str(tmp_path / "out")) == 0 and (tmp_path / "out/index.html").exists()
    assert report(workspace, "--watch") == 0, "where nobody works in the workspace it ends at once"


def test_what_cannot_be(workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert report(workspace, "--per-class", "-1") == 2
    assert report(workspace, "--watch", "0") == 2
    assert report(Workspace(tmp_path / "mistyped")) == 2 and not (tmp_path / "mistyped").exists()
    assert report(workspace, "--metadata", str(tmp_path)) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_watching_ends_with_ctrl_c(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(seconds: float) -> None:
        # A process that is waited for sleeps too.
        if seconds == 9:
            raise KeyboardInterrupt
        sleep(seconds)

    sleep = time.sleep
    monkeypatch.setattr("time.sleep", interrupted)
    workspace.dataset.write_text("key\n")
    with workspace.lock():
        assert report(workspace, "--watch", "9") == 130
    assert (workspace.root / "report" / "index.html").exists()
    told = capsys.readouterr().err
    assert "dataset.csv, line 1" in told and "is up to date; it renews itself" in told
