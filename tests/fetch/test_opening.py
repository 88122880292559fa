"""The first minute: a run begins with a clip known to be alive, and ends at once without one."""

import pytest

from audioset_tools.exceptions import EnvironmentProblem, Paused
from audioset_tools.fetch.opening import no_beginning, step_of
from audioset_tools.ledger import Ledger, State
from audioset_tools.sources.source import FetchError
from audioset_tools.sources.youtube import KNOWN_ALIVE
from audioset_tools.types import LASTING, Candidate, Failure, Reason, Scope
from tests.fetch.world import BEGAN, World, accepted, candidate, fetch, fetch_of

pytestmark = pytest.mark.usefixtures("no_ffmpeg")

RUN = [reason for reason in Reason if reason.scope is Scope.RUN and reason is not Reason.IMPLAUSIBLE]


def test_a_run_begins_with_a_clip_known_to_be_alive_and_says_what_answers(flutes: Ledger) -> None:
    world = World(lambda candidate, now: None)
    told: list[str] = []
    fetch_of(flutes, world, per_class=3).run(lambda progress: told.append(str(progress)))
    assert world.asked[0] == KNOWN_ALIVE.ytid and world.asked.count(KNOWN_ALIVE.ytid) == 1
    assert told.count("YouTube answers: webm/opus 251 by the lean extraction") == 1


def test_a_run_with_nothing_to_fetch_sends_nothing(flutes: Ledger) -> None:
    fetch(flutes, World(lambda candidate, now: None), per_class=3)
    later = World(lambda candidate, now: None, now=BEGAN + 86_400)
    assert fetch(flutes, later, per_class=3).complete
    assert later.asked == []


def test_a_run_whose_queue_is_spent_sends_nothing(flutes: Ledger) -> None:
    for rank in range(400):
        flutes.fail(candidate(rank), Failure("", Reason.REMOVED, "", 1, None), BEGAN)
    flutes.note("believed", None, "", BEGAN)
    world = World(lambda candidate, now: None, now=BEGAN + 86_400)
    assert fetch(flutes, world, per_class=3).shortfall == {"Flute": 3}
    assert world.asked == []


@pytest.mark.parametrize(("after", "asks"), [(60, False), (599, False), (900, True), (-86_400, True)])
def test_a_restart_soon_after_a_clip_costs_no_request(flutes: Ledger, after: float, asks: bool) -> None:
    first = World(lambda candidate, now: None)
    fetch(flutes, first, per_class=3)
    second = World(lambda candidate, now: None, now=first.now + after)
    fetch(flutes, second, per_class=6)
    assert len(second.asked) == 3 + asks


@pytest.mark.parametrize("lie", [reason for reason in Reason if reason not in (Reason.IMPLAUSIBLE,)])
def test_where_nothing_can_be_had_the_run_ends_within_a_minute_with_nothing_written_off(
    flutes: Ledger, lie: Reason
) -> None:
    world = World(lambda candidate, now: lie)
    end = fetch(flutes, world)
    assert end.failed is not None and end.failed.reason is lie
    assert world.now - BEGAN <= 60
    assert set(world.asked) == {KNOWN_ALIVE.ytid} and len(world.asked) <= 5
    assert {tally.state for tally in flutes.tallies()} == {State.QUEUED}


def test_a_slow_failure_is_not_tried_again(flutes: Ledger) -> None:
    world = World(lambda candidate, now: Reason.TIMEOUT, takes=40)
    assert fetch(flutes, world).failed and len(world.asked) == 1


def test_a_failure_that_may_be_chance_does_not_end_the_run(flutes: Ledger) -> None:
    world = World(lambda candidate, now: Reason.CLIENT if now < 3 else None)
    assert fetch(flutes, world).complete


def test_a_refusal_that_says_when_to_come_back_is_waited_for(flutes: Ledger) -> None:
    def answer(candidate: Candidate, now: float) -> FetchError | None:
        if now > 1_800:
            return None
        return FetchError(Reason.TOO_MANY_REQUESTS, "429", retry_after=2_000, sent_at=BEGAN + now)

    world = World(answer)
    end = fetch(flutes, world, max_wait=3_600)
    assert end.complete and world.asked[:2] == [KNOWN_ALIVE.ytid] * 2
    impatient = World(answer, now=BEGAN + 86_400 * 9)
    assert not impatient.asked


def test_it_is_waited_for_no_longer_than_max_wait(flutes: Ledger) -> None:
    world = World(lambda candidate, now: FetchError(Reason.TOO_MANY_REQUESTS, "429", retry_after=2_000))
    end = fetch(flutes, world, max_wait=600)
    assert end.gave_up and not end.failed and len(world.asked) == 1


@pytest.mark.parametrize("away", [5, 30])
def test_a_network_that_is_away_for_some_seconds_ends_nothing(flutes: Ledger, away: float) -> None:
    assert fetch(flutes, World(lambda c, now: Reason.NETWORK_DOWN if now < away else None)).complete


def test_whoever_asks_for_more_patience_has_it(flutes: Ledger) -> None:
    world = World(lambda c, now: Reason.NETWORK_DOWN if now < 3_000 else None)
    assert fetch(flutes, world, max_wait=7_200, first_wait=7_200).complete


@pytest.mark.parametrize("reason", sorted(LASTING))
def test_what_no_waiting_mends_ends_a_run_also_later(flutes: Ledger, reason: Reason) -> None:
    world = World(lambda candidate, now: reason if now > 10 else None)
    end = fetch(flutes, world)
    assert end.failed and end.failed.reason is reason and world.now - BEGAN < 30
    assert {tally.state for tally in flutes.tallies()} == {State.QUEUED, State.ACCEPTED}


def test_one_server_with_a_bad_certificate_ends_nothing(flutes: Ledger) -> None:
    world = World(lambda candidate, now: Reason.CERTIFICATE if candidate.rank == 3 and now < 60 else None)
    assert fetch(flutes, world, per_class=100).complete


def test_after_a_long_pause_a_clip_known_to_be_alive_comes_first(flutes: Ledger) -> None:
    def answer(candidate: Candidate, now: float) -> FetchError | None:
        if not 10 < now < 100:
            return None
        return FetchError(Reason.TOO_MANY_REQUESTS, "429", retry_after=3_000, sent_at=BEGAN + now)

    world = World(answer)
    asked_at: list[tuple[float, str]] = []
    opened = world.open
    world.open = lambda one: (asked_at.append((world.now, one.ytid)), opened(one))[1]  # type: ignore[method-assign,assignment,func-returns-value]
    assert fetch(flutes, world).complete
    after = [ytid for at, ytid in asked_at if at > BEGAN + 100]
    assert after[0] in {candidate(rank).ytid for rank in accepted(flutes)[:10]}, "the clip had last"
    assert after.count(after[0]) == 1


@pytest.mark.parametrize("reason", list(Reason))
@pytest.mark.parametrize("step", ["", "connection", "visitor id", "player", "stream", "decoding"])
def test_it_says_which_step_failed_and_what_to_do(reason: Reason, step: str) -> None:
    error = FetchError(reason, "some words\nand more", step=step)
    told = no_beginning(error, "Try the nightly.", "14:05")
    assert step_of(error) in told.what and str(reason) in told.what and "some words" in told.what
    assert "\n" not in told.what and "othing is lost" in told.remedy
    machine = step_of(error) in ("connection", "decoding") or reason in LASTING
    assert isinstance(told, EnvironmentProblem if machine else Paused)
    assert ("nightly" in told.remedy) is (not machine)
    if not machine and reason.scope is Scope.RUN:
        assert "14:05" in told.remedy and "--cookies" in told.remedy
