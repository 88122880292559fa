"""The numbers that one opens a report for."""

from pathlib import Path

from audioset_tools.report.page import Figures, Shares
from audioset_tools.report.sections.summary import key_figures
from audioset_tools.report.snapshot import read_snapshot
from audioset_tools.workspace import Workspace
from tests.report.workspaces import HOSTILE, hostile, ledger_only


def figures(workspace: Workspace) -> dict[str, tuple[str, str]]:
    return {
        figure.name: (figure.value, figure.of)
        for block in key_figures(read_snapshot(workspace))
        if isinstance(block, Figures)
        for figure in block.figures
    }


def test_clips_splits_and_the_best_run(workspace: Workspace) -> None:
    found = figures(workspace)
    assert found["verified clips"] == ("10", "how many are wanted is not recorded")
    assert found["sound"][0] == "0.0 h" and found["splits"] == ("6 / 2 / 2", "train, validation, test")
    assert found["candidates left out"] == ("1", "9% of those settled")
    value, of = found["macro-F1 on the test split"]
    assert (
        value == "85.0 %" and of.startswith("95 % interval 70.0 to 95.0, ") and of.endswith("best of 2 runs")
    )


def test_how_many_are_wanted_and_of_which_class(tmp_path: Path) -> None:
    workspace = ledger_only(tmp_path)
    assert figures(workspace)["verified clips"] == ("0", "of 12 wanted")
    (shares,) = [one for one in key_figures(read_snapshot(workspace)) if isinstance(one, Shares)]
    assert [(one.name, one.part, one.whole, one.words) for one in shares.shares] == [
        ("Tone", 0, 6, "0 of 6"), ("Noise", 0, 6, "0 of 6"),
    ]  # fmt: skip


def test_an_empty_workspace_has_none_and_figures_that_are_none_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert key_figures(read_snapshot(Workspace(tmp_path / "empty"))) == ()
    found = figures(hostile(tmp_path / "w"))
    assert "macro-F1 on the test split" not in found and HOSTILE not in found
