"""Candidates are queued again, forgotten or excluded at once; every count and row of failures follows."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from audioset_tools.exceptions import UsageError
from audioset_tools.fetch.plausibility import doubtful
from audioset_tools.fetch.progress import reasons_named
from audioset_tools.ledger import Ledger, State
from audioset_tools.ledger.changes import (
    being_forgotten,
    candidates_of,
    contradictions,
    erased,
    exclude,
    forget,
    mark_unheld,
    mend,
    queue_again,
    take_back,
)
from audioset_tools.ledger.queries import days, doubted, failures, failures_in_a_row
from audioset_tools.types import Candidate, Failure, Reason, Scope, VideoInfo
from tests.factories import both, clip, loaded, origin

ALL = both(5)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with loaded(tmp_path / "ledger.sqlite") as ledger:
        yield ledger


def fail(ledger: Ledger, one: Candidate, reason: Reason, retry_at: float | None = None) -> None:
    ledger.fail(one, Failure(one.key, reason, "said so", 5, retry_at), at=10)


def states(ledger: Ledger) -> dict[tuple[State, Reason | None], int]:
    return {(t.state, t.reason): t.n for t in ledger.tallies() if t.class_name == "Piano"}


def test_those_out_for_a_reason_are_queued_again_and_nobody_else(ledger: Ledger) -> None:
    for one, reason in zip(ALL, (Reason.TIMEOUT, Reason.REMOVED, Reason.TIMEOUT), strict=False):
        fail(ledger, one, reason)
    fail(ledger, ALL[3], Reason.TIMEOUT, retry_at=99)
    assert queue_again(ledger, {Reason.TIMEOUT}, at=20) == 2
    assert ledger.next_queued("Piano", -1) == ALL[0]
    assert ledger.waiting("Piano") == [(ALL[3], 5, 99.0)]
    assert states(ledger) == {
        (State.QUEUED, None): 3,
        (State.DEAD, Reason.REMOVED): 1,
        (State.WAITING, Reason.TIMEOUT): 1,
    }
    assert {one.candidate for one in failures(ledger)} == {ALL[1], ALL[3]}
    assert contradictions(ledger, deep=True) == []
    assert queue_again(ledger, {Reason.TIMEOUT}, at=21) == 0


def test_being_queued_again_is_recorded_but_is_no_further_failure(ledger: Ledger) -> None:
    fail(ledger, ALL[0], Reason.TIMEOUT)
    queue_again(ledger, {Reason.TIMEOUT}, at=20)
    assert {(d.outcome, d.reason): d.n for d in days(ledger)} == {
        ("dead", Reason.TIMEOUT): 1,
        ("queued again", None): 1,
    }


def test_who_is_queued_again_forgotten_or_excluded_leaves_the_row_of_failures_and_can_join_it_anew(
    ledger: Ledger,
) -> None:
    for one, reason in zip(ALL, (Reason.TIMEOUT, Reason.TIMEOUT, Reason.REMOVED), strict=False):
        fail(ledger, one, reason)
    fail(ledger, ALL[3], Reason.REMOVED)
    forget(ledger, [ALL[2].ytid], at=15)
    assert exclude(ledger, [(ALL[3], "mislabelled")], at=15) == 1
    queue_again(ledger, {Reason.TIMEOUT}, at=20)
    assert failures_in_a_row(ledger, doubtful) == []
    fail(ledger, ALL[0], Reason.TIMEOUT)
    assert failures_in_a_row(ledger, doubtful) == [(ALL[0], 1)]
    take_back(ledger, failures_in_a_row(ledger, doubtful), at=30)
    assert doubted(ledger)
    queue_again(ledger, set(Reason), at=40)
    assert doubted(ledger)
    assert states(ledger)[State.DEAD, Reason.FORGOTTEN] == 1


def test_what_no_source_holds_is_passed_over_by_one_statement(ledger: Ledger) -> None:
    ledger.accept(ALL[0], clip(ALL[0]), at=1)
    fail(ledger, ALL[1], Reason.TIMEOUT, retry_at=99.0)
    held = [one.ytid for one in ALL if one.rank == 3]
    assert mark_unheld(ledger, held, at=20.0) == 6
    assert [ledger.next_queued(name, -1).rank for name in ledger.class_names] == [3, 3]
    assert contradictions(ledger, deep=True) == []
    passed = [one for one in failures(ledger) if one.reason is Reason.NOT_IN_SOURCE]
    assert {one.tried_at for one in passed} == {20.0}
    assert sum(day.n for day in days(ledger) if day.reason is Reason.NOT_IN_SOURCE) == 6
    # Whoever comes with another source has them all again, and what is counted is right again.
    assert queue_again(ledger, {Reason.NOT_IN_SOURCE}, at=30.0) == 6
    assert contradictions(ledger, deep=True) == []
    assert mark_unheld(ledger, held, at=40.0) == 6


def test_a_forgotten_clip_never_comes_back(ledger: Ledger) -> None:
    ledger.accept(ALL[0], clip(ALL[0]), at=1)
    fail(ledger, ALL[1], Reason.TIMEOUT, retry_at=99)
    fail(ledger, ALL[2], Reason.REMOVED)
    ytids = [one.ytid for one in ALL[:4]]
    assert forget(ledger, ytids, at=2) == 4
    assert ledger.clips() == [] and ledger.waiting("Piano") == []
    assert queue_again(ledger, set(Reason), at=3) == 0
    assert ledger.next_queued("Piano", -1) == ALL[4]
    assert states(ledger) == {(State.DEAD, Reason.FORGOTTEN): 4, (State.QUEUED, None): 1}
    assert all(one.tried_at == 2 for one in failures(ledger))
    assert forget(ledger, ytids, at=4) == 0
    assert contradictions(ledger, deep=True) == []


def test_what_is_known_of_a_forgotten_video_is_forgotten_too(tmp_path: Path) -> None:
    told = VideoInfo("UC0123456789012345678901", "Somebody", "A title")
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ledger.load(origin("Piano"), [replace(one, group="a session") for one in ALL[:2]])
        for one in ALL[:2]:
            ledger.accept(one, replace(clip(one), video=told), at=1)
        forget(ledger, [ALL[0].ytid], at=2)
        for table in ("video", "named_group", "clip"):
            assert len(list(ledger.rows(f"SELECT * FROM {table}"))) == 1
        assert contradictions(ledger, deep=True) == []


def test_what_is_to_be_erased_is_known_until_it_is(ledger: Ledger) -> None:
    forget(ledger, [ALL[0].ytid], at=1)
    forget(ledger, [ALL[1].ytid], at=2)
    assert being_forgotten(ledger) == {ALL[0].ytid, ALL[1].ytid}
    erased(ledger)
    assert being_forgotten(ledger) == frozenset()


def test_candidates_are_found_by_their_video(ledger: Ledger) -> None:
    assert candidates_of(ledger, [ALL[0].ytid, ALL[7].ytid, "neverheardof"]) == [ALL[0], ALL[7]]


def test_a_ledger_that_contradicts_itself_is_told_and_mended(ledger: Ledger) -> None:
    for one in ALL[:3]:
        ledger.accept(one, clip(one), at=1)
    with ledger.transaction() as execute:
        execute("DELETE FROM clip WHERE rank = 0")
        execute(
            "UPDATE candidate SET state = 'dead', reason = 'removed',"
            " standing = seal_of('dead', 'removed', detail, attempts, retry_at) WHERE class = 0 AND rank = 1"
        )
        execute("UPDATE tally SET n = 77 WHERE state = 'queued'")
        execute("UPDATE day SET n = 5")
    assert len(contradictions(ledger, deep=False)) == 4
    mend(ledger, at=5)
    assert contradictions(ledger, deep=True) == []
    assert ledger.next_queued("Piano", -1) == ALL[0]
    assert [one for one, _ in ledger.clips()] == [ALL[2]]


def test_the_reasons_that_retry_may_name() -> None:
    assert reasons_named(["removed", "timeout"]) == {Reason.REMOVED, Reason.TIMEOUT}
    assert reasons_named(["passing"]) == {reason for reason in Reason if reason.scope is Scope.PASSING}
    assert reasons_named([]) == frozenset()


@pytest.mark.parametrize("name", ["forgotten", "bot-check", "nonsense", "", "TIMEOUT"])
def test_what_nobody_is_out_for_cannot_be_tried_again(name: str) -> None:
    with pytest.raises(UsageError, match="passing, or one of removed"):
        reasons_named(["timeout", name])
