"""The data card: counts, versions, licences and how to cite."""

from pathlib import Path

from audioset_tools import __version__
from audioset_tools.report.sections.card import card_section
from audioset_tools.report.snapshot import read_snapshot
from audioset_tools.workspace import Workspace
from tests.report.pages import Read, read_report
from tests.report.workspaces import ledger_only


def test_the_card_counts_the_clips_of_every_class_and_split(once: Path) -> None:
    text = Read(once / "index.html").text
    # Verified, in train, validation and test, and candidates left out.
    for words in ("Tone53111", "Noise53110", "all106221"):
        assert words in text
    for words in (__version__, "CC BY-SA 4.0", "Gemmeke", "mono, 16,000 Hz, 16 bits", "c3f71be82b63d8d5"):
        assert words in text


def test_before_featurize_the_card_says_what_draws_the_splits(tmp_path: Path) -> None:
    page = read_report(ledger_only(tmp_path), tmp_path / "out")
    assert "The splits are not drawn yet." in page.text and "there are none yet" in page.text


def test_the_card_does_not_depend_on_where_the_workspace_lies(workspace: Workspace, copy: Workspace) -> None:
    assert card_section(read_snapshot(workspace)) == card_section(read_snapshot(copy))
