"""What `fetch --record` wrote of an answer, replayed, leads to the same reason as the answer itself."""

from collections.abc import Callable
from pathlib import Path

import pytest

from audioset_tools.simulator import Plan, Simulator
from audioset_tools.simulator.faults import ALWAYS, DEAD, ODD, ONE_CLIENT
from audioset_tools.simulator.replay import read_record
from audioset_tools.sources.connection.connection import Connection
from audioset_tools.sources.connection.patience import Patience
from audioset_tools.sources.pace import Pace, parse_pace
from audioset_tools.sources.record import Recorder
from audioset_tools.sources.source import FetchError
from audioset_tools.sources.youtube import YouTube
from audioset_tools.types import Reason, Scope
from tests.factories import candidate
from tests.sources.hearing import hear

GOOD = "-_goodvid0A"

# The sound itself is not recorded: whether it is silent the recording does not tell.
FAULTS = ["", "media-403", "player-503", *({*DEAD, *ODD, *ONE_CLIENT, *ALWAYS} - {"silent"})]


def end(simulator: Simulator, record: Callable[..., None] | None = None) -> Reason | None:
    """The reason, or None for a clip."""
    wished = candidate(GOOD)
    source = YouTube(
        Pace(parse_pace("unlimited")),
        Connection(simulator.proxy, check_certificate=False),
        patience=Patience(silence=5),
        record=record,
    )
    try:
        hear(source, wished)
    except FetchError as error:
        return error.reason
    finally:
        source.close()
    return None


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_a_replay_ends_as_what_was_recorded(cache: Path, tmp_path: Path, fault: str) -> None:
    with Simulator(Plan(faults={GOOD: fault}, passing_attempts=99), cache=cache) as simulator:
        met = end(simulator, Recorder(tmp_path).answered)
    with Simulator(cache=cache, replay=tmp_path) as again:
        assert again.passed_over == []
        replayed = end(again)
    if met is not None:
        assert replayed is met
        return
    # Of a stream only the head is recorded: where there was a clip, the replay breaks off behind it.
    assert replayed is not None
    assert replayed.scope is Scope.PASSING
    heads = [read_record(path) for path in tmp_path.glob("*-media-206.json.gz")]
    assert [len(one.body) for one in heads if one.begin == 0][:1] == [16_384]
