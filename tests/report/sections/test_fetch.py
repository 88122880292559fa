"""The section about the fetch: pauses, reasons, what is still to be fetched."""

from pathlib import Path

from audioset_tools.report.sections.fetch import length, standstills
from audioset_tools.report.snapshot import read_snapshot
from tests.report.pages import read_report
from tests.report.workspaces import ledger_only


def test_a_ledger_alone_has_reasons_pauses_and_what_is_left(tmp_path: Path) -> None:
    page = read_report(ledger_only(tmp_path), tmp_path / "out")
    for words in ("removed", "private", "the clip, for good", "the clip, for now"):
        assert words in page.text
    assert "too-many-requests" in page.text and "HTTP 429" in page.text and "Every pause" in page.text
    assert "not recorded" in page.text
    assert "There is no clip yet" in page.text and "12 clips are still to be fetched" in page.text


def test_refusals_between_which_nothing_was_settled_are_one_pause(tmp_path: Path) -> None:
    fetched = read_snapshot(ledger_only(tmp_path)).fetched
    assert fetched is not None
    (pause,) = standstills(fetched.events)
    assert (pause.refusals, pause.began, pause.until) == (2, 1_130, 4_800)
    assert length(pause.until - pause.began) == "61.2 minutes"
    assert standstills(fetched.events[:-1])[0].until is None
