"""Parts of files over HTTP: what they cost, that addresses are renewed, and that nothing odd is believed."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from audioset_tools.exceptions import DataMismatch, EnvironmentProblem
from audioset_tools.simulator.hub import HubPlan, HubRefusal, HubSimulator
from audioset_tools.simulator.hub.server import COMMIT
from audioset_tools.sources.hub import ranges as module
from audioset_tools.sources.hub.client import HubFile
from audioset_tools.sources.hub.ranges import Ranges
from audioset_tools.sources.pace import Pace, Stopped, parse_pace
from audioset_tools.sources.source import FetchError
from audioset_tools.types import Reason
from tests.sources.hub.conftest import Serve, client_of, new_pace

CONTENT = bytes(range(256)) * 40

Reader = Callable[..., tuple[Ranges, HubFile, HubSimulator]]


@pytest.fixture
def reader(tmp_path: Path, hub_of: Serve) -> Iterator[Reader]:
    """Reads a file of 10 kB from a Hub of a plan."""
    (tmp_path / "a.zip").write_bytes(CONTENT)
    with ExitStack() as stack:

        def make(plan: HubPlan = HubPlan(), pace: Pace | None = None) -> tuple[Ranges, HubFile, HubSimulator]:
            hub = hub_of(tmp_path, plan)
            client = client_of(hub, pace, known=True)
            ranges = Ranges(client, COMMIT)
            stack.callback(ranges.close)
            return ranges, HubFile("a.zip", len(CONTENT), hub.etag("a.zip")), hub

        yield make


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries again at once."""
    monkeypatch.setattr(module, "_AGAIN_S", 0)


def test_a_part_is_one_request_to_an_address_that_is_kept(reader: Reader) -> None:
    ranges, file, hub = reader()
    for first in (0, 3, 5_000):
        assert ranges.read(file, first, 100) == CONTENT[first : first + 100]
    assert ranges.read(file, len(CONTENT) - 5, 100) == CONTENT[-5:]
    assert ranges.read(file, len(CONTENT), 100) == ranges.read(file, 7, 0) == b""
    requests = Counter(hub.counts()["requests"])
    assert (requests["resolve"], requests["part"], hub.counts()["bytes"]) == (1, 4, 305)


def test_an_address_that_expired_is_renewed_once_for_all_who_read(reader: Reader) -> None:
    # So many that the others cannot use up two addresses while one thread waits for the processor.
    ranges, file, hub = reader(HubPlan(link_uses=20))
    got: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: got.extend(ranges.read(file, 0, 10) for _ in range(10)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [CONTENT[:10]] * 40
    assert 2 <= hub.counts()["requests"]["resolve"] <= 4


@pytest.mark.parametrize(
    ("odd", "reason", "parts"),
    [
        ("ignored", Reason.BAD_ANSWER, 1),
        ("elsewhere", Reason.BAD_ANSWER, 1),
        ("larger", Reason.BAD_ANSWER, 1),
        ("html", Reason.BAD_ANSWER, 1),
        ("short", Reason.TRUNCATED, 3),
        ("reset", Reason.CONNECTION, 3),
        ("refused", Reason.MEDIA_REFUSED, 2),
        ("unavailable", Reason.SERVER_ERROR, 3),
    ],
)
def test_what_is_no_part_is_refused(reader: Reader, odd: str, reason: Reason, parts: int) -> None:
    ranges, file, hub = reader(HubPlan(odd=odd))
    with pytest.raises(FetchError) as caught:
        ranges.read(file, 5, 1_000)
    assert caught.value.reason is reason
    assert hub.counts()["requests"]["part"] == parts
    assert "Signature" not in caught.value.detail


def test_a_server_that_sends_everything_fills_no_memory(tmp_path: Path, hub_of: Serve) -> None:
    """26 GB with status 200, where a part was asked for: not more is read than what lay in the pipe."""
    with (tmp_path / "a.zip").open("wb") as file:
        file.truncate(300 << 20)
    hub = hub_of(tmp_path, HubPlan(odd="ignored"))
    ranges = Ranges(client_of(hub), COMMIT)
    with pytest.raises(FetchError):
        ranges.read(HubFile("a.zip", 300 << 20, hub.etag("a.zip")), 5, 1_000)
    ranges.close()
    assert hub.counts()["bytes"] < 32 << 20


def test_an_answer_without_end_is_cut(reader: Reader) -> None:
    ranges, file, _ = reader(HubPlan(odd="endless"))
    assert ranges.read(file, 5, 1_000) == CONTENT[5:1_005]


def test_what_breaks_by_chance_is_tried_again_at_once(reader: Reader) -> None:
    ranges, file, hub = reader(HubPlan(odd="short", odd_share=0.3))
    assert [ranges.read(file, 5, 1_000) for _ in range(20)] == [CONTENT[5:1_005]] * 20
    assert hub.counts()["requests"]["part"] > 20


@pytest.mark.parametrize("told", ["RateLimit", "Retry-After"])
def test_a_storage_that_refuses_everyone_says_for_how_long(reader: Reader, told: str) -> None:
    ranges, file, _ = reader(HubPlan(refusals=(HubRefusal(1, 30, told, of_storage=True),)))
    with pytest.raises(FetchError) as caught:
        ranges.read(file, 5, 1_000)
    assert (caught.value.reason, caught.value.retry_after) == (Reason.TOO_MANY_REQUESTS, 31)
    assert caught.value.sent_at


def test_a_row_of_failures_is_the_storages_and_no_clips(reader: Reader) -> None:
    ranges, file, _ = reader(HubPlan(odd="unavailable"))
    seen = []
    for _ in range(module.ROW + 1):
        with pytest.raises(FetchError) as caught:
            ranges.read(file, 5, 1_000)
        seen.append(caught.value.reason)
    assert seen == [Reason.SERVER_ERROR] * (module.ROW - 1) + [Reason.NETWORK_DOWN] * 2


def test_a_file_that_changes_is_an_error_of_the_mirror(reader: Reader) -> None:
    ranges, file, _ = reader(HubPlan(link_uses=1, changes_at=2))
    assert ranges.read(file, 5, 10) == CONTENT[5:15]
    with pytest.raises(DataMismatch, match="has changed under its commit"):
        ranges.read(file, 5, 10)


def test_an_etag_that_changes_while_an_address_lasts_is_one_too(reader: Reader) -> None:
    ranges, file, _ = reader()
    ranges.read(file, 5, 10)
    with pytest.raises(DataMismatch, match="the storage's ETag is 'b', it was"):
        ranges._see_that_it_is_the_same(file, {"etag": "b"})


def test_a_mirror_that_is_taken_down_in_the_middle_says_so(reader: Reader) -> None:
    ranges, file, _ = reader(HubPlan(link_uses=1, gone_at=2))
    assert ranges.read(file, 5, 10) == CONTENT[5:15]
    with pytest.raises(EnvironmentProblem, match="taken down"):
        ranges.read(file, 5, 10)


def test_waiting_to_try_again_ends_with_the_run(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_AGAIN_S", 60)
    stop = threading.Event()
    ranges, file, _ = reader(HubPlan(odd="unavailable"), Pace(parse_pace("unlimited"), wait=stop.wait))
    threading.Timer(0.3, stop.set).start()
    began = time.monotonic()
    with pytest.raises(Stopped):
        ranges.read(file, 5, 1_000)
    assert time.monotonic() - began < 5


def test_the_pace_learns_of_requests_and_bytes(reader: Reader) -> None:
    pace = new_pace()
    ranges, file, _ = reader(pace=pace)
    ranges.read(file, 5, 1_000)
    assert (pace.requests, pace.media_bytes) == (2, 1_000)
    assert json.loads(pace.to_json())["granted"] == 2
