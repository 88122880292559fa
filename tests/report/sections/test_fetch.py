"""The section about the fetch: pauses, reasons, what is still to be fetched."""

from pathlib import Path

from audioset_tools.ledger.queries import Event
from audioset_tools.report.sections.fetch import length, standstills
from audioset_tools.report.snapshot import read_snapshot
from audioset_tools.types import Reason
from tests.report.pages import read_report
from tests.report.workspaces import ledger_only


def test_a_ledger_alone_has_reasons_pauses_and_what_is_left(tmp_path: Path) -> None:
    page = read_report(ledger_only(tmp_path), tmp_path / "out")
    for words in ("removed", "private", "the clip, for good", "the clip, for now"):
        assert words in page.text
    assert "too-many-requests" in page.text and "HTTP 429" in page.text and "Every pause" in page.text
    assert "not recorded" in page.text
    assert "There is no clip yet" in page.text and "Still to be fetched: 12 clips." in page.text


def test_refusals_between_which_nothing_was_settled_are_one_pause(tmp_path: Path) -> None:
    fetched = read_snapshot(ledger_only(tmp_path)).fetched
    assert fetched is not None
    (pause,) = standstills(fetched.events)
    assert (pause.refusals, pause.began, pause.until) == (2, 1_130, 4_800)
    assert length(pause.until - pause.began) == "61.2 minutes"
    assert standstills(fetched.events[:-1])[0].until is None


def told(text: str) -> list[Event]:
    """Events of a short text: `P 10` is a refusal at 10 s, `A 11` a clip, `D 11` a dead candidate."""
    outcomes = {"P": "paused", "A": "accepted", "D": "dead", "L": "lost"}
    words = text.split()
    return [
        Event(float(at), None, outcomes[word], Reason.TOO_MANY_REQUESTS if word == "P" else None, "")
        for word, at in zip(words[::2], words[1::2], strict=True)
    ]


def pauses(text: str) -> list[tuple[float, float | None, int]]:
    return [(one.began, one.until, one.refusals) for one in standstills(told(text))]


def test_an_answer_that_was_in_flight_does_not_end_a_pause() -> None:
    assert pauses("A 1 P 10 A 10.01 D 10.4 A 610 A 612") == [(10, 610, 1)]
    assert pauses("P 10 A 10.1 P 10.2 A 15.3 A 15.6 A 16") == [(10, 15.3, 2)], "as when a demo pauses for 5 s"
    assert pauses("P 10 L 10.1 A 50 A 63 A 76") == [(10, 50, 1)]
    assert pauses("P 10 A 15 P 30 A 40 A 41") == [(10, 15, 1), (30, 40, 1)]


def test_a_fetch_that_ended_in_its_pause_leaves_it_open() -> None:
    assert pauses("A 1 P 10") == [(10, None, 1)]
    assert pauses("A 1 P 10 A 10.01 A 10.4") == [(10, None, 1)]
    assert pauses("A 1 P 10 A 10.01 A 90000") == [(10, 90_000, 1)]
    assert pauses("A 1 A 2") == []
