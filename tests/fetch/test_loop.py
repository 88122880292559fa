"""The loop of fetch with a source of our own: what each kind of failure costs, and what ends the run."""

import threading
from collections.abc import Callable, Iterator
from errno import ENOSPC
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from audioset_tools.audio.ffmpeg import Media
from audioset_tools.audio.segment import Sound
from audioset_tools.exceptions import EnvironmentProblem, UsageError
from audioset_tools.fetch import make
from audioset_tools.fetch.loop import Fetch
from audioset_tools.fetch.progress import FetchConfig, FetchProgress, read_totals
from audioset_tools.ledger import Ledger, State
from audioset_tools.sources.pace import Pace
from audioset_tools.sources.rate import PacePolicy
from audioset_tools.sources.source import Excerpt, FetchError
from audioset_tools.sources.youtube import KNOWN_ALIVE
from audioset_tools.types import CLIP_SAMPLES, Candidate, Reason
from audioset_tools.verify.clips import restore_lost
from audioset_tools.workspace import Workspace
from tests.factories import numbered, origin

Answer = Callable[[Candidate, int], None]


class Scripted:
    """A source that answers as a function of the candidate and of how often it was asked for it."""

    name = "scripted"
    known_alive = KNOWN_ALIVE

    def holds(self, candidate: Candidate) -> bool:
        return True

    def __init__(self, answer: Answer) -> None:
        self.pace = Pace(PacePolicy(start=1e9, most=1e9, first_pause=0.05))
        self.answer = answer
        self.asked: dict[str, int] = {}

    def open(self, candidate: Candidate) -> Excerpt:
        self.asked[candidate.key] = self.asked.get(candidate.key, 0) + 1
        self.answer(candidate, self.asked[candidate.key])
        return Excerpt(Media(b""), "scripted sound")

    def close(self) -> None:
        pass


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        candidates = numbered(40)
        ledger.load(origin("Flute"), candidates)
        yield ledger


@pytest.fixture(autouse=True)
def no_ffmpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    sound = Sound(np.ones(CLIP_SAMPLES, np.int16), 10.0, 1 / 32768)
    monkeypatch.setattr(make, "decode_segment", lambda *_: sound)
    monkeypatch.setattr(make, "fingerprint", lambda _: b"")


def fetch(
    ledger: Ledger, answer: Answer, per_class: int = 3, **settings: float
) -> tuple[FetchProgress, Scripted]:
    source = Scripted(answer)
    config = FetchConfig(per_class, jobs=2, retry_wait=0.01, **settings)
    run = Fetch(ledger, [source], Workspace(ledger.path.parent), config, threading.Event())
    return run.run(), source


def fail(reason: Reason) -> None:
    raise FetchError(reason, "said so")


def states(ledger: Ledger) -> dict[State, int]:
    found: dict[State, int] = {}
    for tally in ledger.tallies():
        found[tally.state] = found.get(tally.state, 0) + tally.n
    return found


def test_a_final_failure_gives_the_place_to_the_next(ledger: Ledger) -> None:
    end, source = fetch(ledger, lambda c, n: fail(Reason.REMOVED) if c.rank in (0, 2) else None)
    assert end.complete
    assert [candidate.rank for candidate, _ in ledger.clips()] == [1, 3, 4]
    once = [source.asked[candidate.key] for candidate, _ in ledger.clips()]
    assert once == [1, 1, 1] and source.asked["0000000000A_0"] <= 2, "one of the dead may be asked again"


def test_a_passing_failure_keeps_its_place(ledger: Ledger) -> None:
    _, source = fetch(ledger, lambda c, n: fail(Reason.TIMEOUT) if c.rank == 0 and n < 4 else None)
    assert [candidate.rank for candidate, _ in ledger.clips()] == [0, 1, 2]
    assert source.asked["0000000000A_0"] == 4


def test_after_the_last_attempt_a_passing_failure_is_final(ledger: Ledger) -> None:
    _, source = fetch(ledger, lambda c, n: fail(Reason.TIMEOUT) if c.rank == 0 else None)
    assert [candidate.rank for candidate, _ in ledger.clips()] == [1, 2, 3]
    assert source.asked["0000000000A_0"] == FetchConfig(1).attempts


def test_a_refusal_of_the_run_spends_no_attempt(ledger: Ledger) -> None:
    refused = count()
    fetch(
        ledger, lambda c, n: fail(Reason.BOT_CHECK) if c.rank >= 0 and next(refused) in range(1, 7) else None
    )
    assert [candidate.rank for candidate, _ in ledger.clips()] == [0, 1, 2]
    assert states(ledger) == {State.ACCEPTED: 3, State.QUEUED: 37}


def test_an_unknown_error_in_a_worker_ends_nothing_and_is_kept_whole(ledger: Ledger) -> None:
    def answer(candidate: Candidate, asked: int) -> None:
        if candidate.rank == 0:
            raise ZeroDivisionError("surprise")

    end, _ = fetch(ledger, answer)
    assert end.complete
    (detail,) = ledger._db.execute("SELECT DISTINCT detail FROM event WHERE reason = 'unknown'").fetchall()
    assert "ZeroDivisionError: surprise" in detail[0]


def test_a_full_disk_ends_the_run_and_costs_nobody(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> str:
        raise OSError(ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(make, "write_clip", full)
        with pytest.raises(EnvironmentProblem, match="full"):
            fetch(ledger, lambda c, n: None)
    assert states(ledger) == {State.QUEUED: 40}
    end, _ = fetch(ledger, lambda c, n: None)
    assert end.complete


def test_an_empty_queue_is_told(ledger: Ledger) -> None:
    end, _ = fetch(ledger, lambda c, n: None, per_class=41)
    assert end.shortfall == {"Flute": 1}
    assert not end.complete


def test_half_written_files_of_a_killed_process_are_removed(ledger: Ledger, tmp_path: Path) -> None:
    fetch(ledger, lambda c, n: None)
    workspace = Workspace(tmp_path)
    clips = sorted((tmp_path / "clips" / "Flute").iterdir())
    (tmp_path / "clips" / "Flute" / ".Yx.wav.1.part").write_bytes(b"half")
    assert list(restore_lost(ledger, workspace, at=0)) == []
    assert sorted((tmp_path / "clips" / "Flute").iterdir()) == clips


@pytest.mark.parametrize("numbers", [{"per_class": 0}, {"per_class": -1}, {"per_class": 1, "jobs": 0}])
def test_impossible_numbers_are_refused(numbers: dict[str, int]) -> None:
    with pytest.raises(UsageError):
        FetchConfig(**numbers)


def test_what_was_spent_adds_up_over_the_runs(ledger: Ledger) -> None:
    first, _ = fetch(ledger, lambda c, n: None, per_class=2)
    spent = read_totals(ledger.get("spent"))
    assert (spent.runs, spent.requests, spent.media_bytes) == (1, first.requests, 0) and spent.seconds >= 0
    fetch(ledger, lambda c, n: None, per_class=4)
    again = read_totals(ledger.get("spent"))
    assert again.runs == 2 and again.seconds >= spent.seconds
    for nonsense in ("", "[]", "{", '{"runs": -1}', '{"runs": "x"}', '{"more": 1}', "null"):
        assert read_totals(nonsense).runs == 0
