"""Blocks and outages that give no sign of being one, through the real yt-dlp: nobody is written off."""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from audioset_tools.fetch.loop import Fetch
from audioset_tools.fetch.progress import FetchConfig, FetchProgress
from audioset_tools.ledger import Ledger
from audioset_tools.simulator import Plan, Refusal, Simulator
from audioset_tools.simulator.plan import decide
from audioset_tools.sources import rate
from audioset_tools.sources.pace import Pace
from audioset_tools.sources.rate import PacePolicy
from audioset_tools.sources.youtube import YouTube
from audioset_tools.types import Progress, Reason
from audioset_tools.workspace import Workspace
from tests.factories import candidate, origin

Serve = Callable[[Plan], Simulator]
Connect = Callable[..., YouTube]

PLAN = Plan(seed=1, shares={"removed": 0.2}, stall_s=0.3)
CANDIDATES = [candidate(f"{n:010}A", rank=n) for n in range(60)]


def fetch(folder: Path, plan: Plan, serve: Serve, connect: Connect) -> FetchProgress:
    # In two lives, for the row of failures and the pause must survive a restart.
    simulator = serve(plan)
    with Ledger(folder / "ledger.sqlite") as ledger:
        ledger.load(origin("Flute"), CANDIDATES)
    for requests in (24, 10**6):
        stop = threading.Event()
        with Ledger(folder / "ledger.sqlite") as ledger:
            policy = PacePolicy(start=1e9, most=1e9, least=1e8, first_pause=0.2, longest_pause=2)
            pace = Pace(policy, ledger.get("pace"), wait=stop.wait)
            config = FetchConfig(20, jobs=2, retry_wait=0.05, max_wait=60)
            run = Fetch(ledger, [connect(simulator, pace=pace)], Workspace(folder), config, stop)

            def watch(progress: Progress, stop: threading.Event = stop, most: int = requests) -> None:
                if isinstance(progress, FetchProgress) and progress.requests > most:
                    stop.set()

            end = run.run(watch)
    return end


def recorded(folder: Path) -> tuple[list[int], set[Reason | None]]:
    with Ledger(folder / "ledger.sqlite") as ledger:
        return [one.rank for one, _ in ledger.clips()], {tally.reason for tally in ledger.tallies()}


# A row must fit into it: those without an answer take the stall's time each.
@pytest.mark.parametrize(
    ("answer", "seconds"), [("unavailable", 2), ("no-formats", 2), ("drop", 2), ("stall", 4)]
)
def test_a_block_that_says_nothing_costs_no_clip(
    answer: str,
    seconds: float,
    serve: Serve,
    connect: Connect,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rate, "OUTAGE_S", 0.25)
    end = fetch(tmp_path, replace(PLAN, refusals=(Refusal(12, seconds, answer=answer),)), serve, connect)
    assert end.complete
    alive = [one.rank for one in CANDIDATES if not decide(PLAN, one.ytid).fault]
    assert recorded(tmp_path) == (alive[:20], {None, Reason.REMOVED})
