"""huggingface_hub, watched: what it finds out, whose trouble is whose, and that it holds nobody up."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import huggingface_hub
import pytest

from audioset_tools.exceptions import AudiosetToolsError, DataMismatch, EnvironmentProblem, UsageError
from audioset_tools.simulator.hub import HubPlan, HubRefusal
from audioset_tools.simulator.hub.server import COMMIT, REPO
from audioset_tools.sources.hub import client as module
from audioset_tools.sources.hub.address import parse_address
from audioset_tools.sources.hub.client import HubClient, HubFile, SignedAddress, bounded
from audioset_tools.sources.hub.ranges import Ranges
from audioset_tools.sources.pace import Pace, Stopped, parse_pace
from audioset_tools.sources.source import FetchError
from audioset_tools.types import Reason, Scope
from tests.sources.hub.conftest import Serve, client_of, new_pace

ADDRESS = parse_address(f"hf:{REPO}")

UNKNOWN_LOGIN = "Invalid credentials in Authorization header"
LIMIT = {"ratelimit": '"api";r=0;t=55', "ratelimit-policy": '"fixed window";"api";q=500;w=300'}


def test_the_commit_the_files_and_where_one_of_them_lies(mirror: Path, hub_of: Serve) -> None:
    hub = hub_of(mirror, HubPlan(branches=(("v1", "1" * 40),), page=2))
    client = client_of(hub)
    assert client.commit(None) == COMMIT
    assert client.commit("v1") == "1" * 40
    files = client.files(COMMIT)
    assert [file.path for file in files] == sorted(
        p.relative_to(mirror).as_posix() for p in mirror.rglob("*.*")
    )
    zip_file = files[1]
    assert zip_file == HubFile(
        "balanced/balanced_train_segments_full.zip",
        (mirror / zip_file.path).stat().st_size,
        hub.etag(zip_file.path),
    )
    address = client.locate(zip_file, COMMIT)
    assert "X-Amz-Signature" in address.url and address.headers == {}
    # Two for the commits, three pages, one for the file, and each was spent from the pace.
    assert client.pace.requests == 6 == sum(hub.counts()["requests"].values())


def test_nothing_else_is_asked_of_the_hub(mirror: Path, hub_of: Serve) -> None:
    hub = hub_of(mirror)
    client_of(hub).files(COMMIT)
    assert hub.counts()["requests"] == {"info": 0, "tree": 1, "resolve": 0, "part": 0, "other": 0}


def test_the_users_own_login_is_used_and_stays_with_the_hub(
    mirror: Path, hub_of: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = hub_of(mirror, HubPlan(gate="gated", granted=frozenset({"hf_mine"})))
    with pytest.raises(EnvironmentProblem, match="is gated"):
        client_of(hub).commit(None)
    monkeypatch.setenv("HF_TOKEN", "hf_mine")
    client = client_of(hub)
    (_, file, *_) = client.files(client.commit(None))
    assert client.locate(file, COMMIT).headers == {}
    assert client._own_headers(f"{hub.address}/x")["authorization"] == "Bearer hf_mine"


@pytest.mark.parametrize(
    ("plan", "known", "kind", "words"),
    [
        (HubPlan(gate="gated"), False, EnvironmentProblem, "is gated.*\n.*datasets/stand-in/.*hf auth login"),
        (HubPlan(gate="disabled"), False, EnvironmentProblem, "the Hub has disabled"),
        (HubPlan(gate="private"), False, UsageError, "the Hub has no data set"),
        (HubPlan(gate="gone"), False, UsageError, "the Hub has no data set"),
        (HubPlan(gate="gone"), True, EnvironmentProblem, "no longer there: taken down"),
        (HubPlan(gate="private"), True, EnvironmentProblem, "no longer there"),
    ],
)
def test_what_no_waiting_mends_says_what_to_do(
    mirror: Path, hub_of: Serve, plan: HubPlan, known: bool, kind: type[AudiosetToolsError], words: str
) -> None:
    with pytest.raises(kind, match=words):
        client_of(hub_of(mirror, plan), known=known).commit(None)


def test_a_revision_that_is_not_there(mirror: Path, hub_of: Serve) -> None:
    with pytest.raises(UsageError, match="has no such revision"):
        client_of(hub_of(mirror)).commit("v9")


@pytest.mark.parametrize(
    ("status", "headers", "kind", "words"),
    [
        (
            401,
            {"x-error-message": "Invalid credentials in Authorization header"},
            EnvironmentProblem,
            "login",
        ),
        (401, {}, UsageError, "no data set"),
        (403, {"x-error-message": "no rights"}, EnvironmentProblem, "forbids your login .*no rights"),
        (404, {"x-error-code": "EntryNotFound"}, UsageError, "no data set"),
    ],
)
def test_other_denials(status: int, headers: dict[str, str], kind: type[Exception], words: str) -> None:
    error = HubClient(ADDRESS, new_pace()).refusal(status, headers, 0)
    assert isinstance(error, kind)
    with pytest.raises(kind, match=words):
        raise error


@pytest.mark.parametrize(
    ("status", "headers", "reason", "wait"),
    [
        (
            429,
            {"ratelimit": '"api";r=0;t=55', "ratelimit-policy": '"fixed window";"api";q=500;w=300'},
            "x",
            55,
        ),
        (429, {"retry-after": "7"}, "x", 7),
        (429, {}, "x", None),
        (429, {"ratelimit": f'"api";r=0;t={"9" * 5_000}'}, "x", float("9" * 188)),
        (503, {"retry-after": "7"}, "x", 7),
        (503, {}, "server-error", None),
        (418, {}, "client-refused", None),
    ],
)
def test_what_passes_has_its_scope_and_its_pause(
    status: int, headers: dict[str, str], reason: str, wait: float | None
) -> None:
    error = HubClient(ADDRESS, new_pace()).refusal(status, headers, 12)
    assert isinstance(error, FetchError)
    assert (error.retry_after, error.sent_at) == (wait, 12)
    if reason == "x":
        assert (error.reason, error.reason.scope) == (Reason.TOO_MANY_REQUESTS, Scope.RUN)
    else:
        assert error.reason == reason


def test_huggingface_hub_does_not_sleep_over_a_refusal(mirror: Path, hub_of: Serve) -> None:
    client = client_of(hub_of(mirror, HubPlan(refusals=(HubRefusal(1, 100),))))
    began = time.monotonic()
    with pytest.raises(FetchError) as caught:
        client.files(COMMIT)
    assert time.monotonic() - began < 2
    assert (caught.value.reason, caught.value.retry_after) == (Reason.TOO_MANY_REQUESTS, 101)
    assert client.pace.requests == 1


def test_a_stop_does_not_wait_for_the_hub(odd: ThreadingHTTPServer) -> None:
    stop = threading.Event()
    odd.odd = 200, {"Content-Length": "9"}, b"{"  # type: ignore[attr-defined]
    odd.stalls = True  # type: ignore[attr-defined]
    pace = Pace(parse_pace("unlimited"), wait=stop.wait)
    client = HubClient(ADDRESS, pace, f"http://127.0.0.1:{odd.server_port}")
    threading.Timer(0.3, stop.set).start()
    began = time.monotonic()
    with pytest.raises(Stopped):
        client.commit(None)
    assert time.monotonic() - began < 3


def test_an_answer_without_end_fills_no_memory(
    odd: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_ANSWER", 1_000_000)
    odd.odd = 200, {}, b"["  # type: ignore[attr-defined]
    odd.floods = bytes(1 << 20)  # type: ignore[attr-defined]
    client = HubClient(ADDRESS, new_pace(), f"http://127.0.0.1:{odd.server_port}")
    with pytest.raises(FetchError, match="does not end"):
        client.commit(None)


@pytest.mark.parametrize("ask", ["commit", "part"])
def test_an_answer_of_one_byte_chunks_ends_soon(
    odd: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch, ask: str
) -> None:
    """It would take ten minutes of CPU to come to any bound of bytes."""
    monkeypatch.setattr(Odd, "protocol_version", "HTTP/1.1")
    headers = {"Transfer-Encoding": "chunked", "Content-Range": f"bytes 0-{2**20 - 1}/{2**20}"}
    odd.odd = 200 if ask == "commit" else 206, headers, b""  # type: ignore[attr-defined]
    odd.floods = b"1\r\n[\r\n" * 1_000  # type: ignore[attr-defined]
    address = f"http://127.0.0.1:{odd.server_port}"
    client = HubClient(ADDRESS, new_pace(), address)
    file = HubFile("a.zip", 2**20, "e")
    ranges = Ranges(client, COMMIT)
    monkeypatch.setattr(client, "locate", lambda *_: SignedAddress(address, {}))
    began = time.process_time()
    with pytest.raises(FetchError, match=r"does not end|almost one by one") as caught:
        client.commit(None) if ask == "commit" else ranges.read(file, 0, 2**20)
    ranges.close()
    assert caught.value.reason is Reason.BAD_ANSWER
    assert time.process_time() - began < 15


def test_a_call_that_is_given_up_reads_no_further(
    odd: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its thread went on for as long as the Hub sent something."""
    monkeypatch.setattr(module, "_CALL_S", 0.5)
    odd.odd = 200, {}, b"["  # type: ignore[attr-defined]
    odd.floods = b" "  # type: ignore[attr-defined]
    monkeypatch.setattr(Odd, "pause", 0.01)
    with pytest.raises(FetchError, match="no answer in time"):
        HubClient(ADDRESS, new_pace(), f"http://127.0.0.1:{odd.server_port}").commit(None)
    for thread in threading.enumerate():
        if thread.name == "hub":
            thread.join(20)
            assert not thread.is_alive()


def test_a_call_that_takes_too_long_is_left_to_itself() -> None:
    with pytest.raises(TimeoutError):
        bounded(lambda: time.sleep(5), 0.3)
    assert bounded(lambda: 7, 0.3) == 7
    with pytest.raises(KeyError):
        bounded(lambda: {}["x"], 0.3)
    # Waiting for the pace is no fault of the Hub's.
    assert bounded(lambda: time.sleep(0.6) or 7, 0.3, waits=lambda: True) == 7


@pytest.mark.parametrize(
    "entry",
    [
        {"nothing": 1},
        {"type": "file", "oid": "0" * 40, "size": "many", "path": "a.zip"},
        {"type": "file", "oid": "0" * 40, "size": -1, "path": "a.zip"},
        {"type": "file", "oid": "0" * 40, "size": 1, "path": ["a.zip"]},
        {"type": "file", "oid": 7, "size": 1, "path": "a.zip"},
        {"type": "file", "oid": "0" * 40, "size": 1, "path": "a.zip", "lfs": 3},
        {"type": "file", "oid": "0" * 40, "size": 1, "path": "README.md"},
    ],
)
def test_a_tree_that_makes_no_sense_is_a_bad_answer(
    mirror: Path, hub_of: Serve, entry: dict[str, object]
) -> None:
    with pytest.raises(FetchError) as caught:
        client_of(hub_of(mirror, HubPlan(more=(entry,)))).files(COMMIT)
    assert caught.value.reason is Reason.BAD_ANSWER


def test_a_tree_without_end_is_read_only_so_far(
    mirror: Path, hub_of: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_FILES", 300)
    hub = hub_of(mirror, HubPlan(tree_ends=False, page=50))
    with pytest.raises(UsageError, match="more than 300 files"):
        client_of(hub).files(COMMIT)
    assert hub.counts()["requests"]["tree"] <= 8


def test_a_file_that_is_another_one_is_an_error(mirror: Path, hub_of: Serve) -> None:
    hub = hub_of(mirror, HubPlan(changes_at=2))
    client = client_of(hub)
    (_, file, *_) = client.files(COMMIT)
    client.locate(file, COMMIT)
    with pytest.raises(DataMismatch, match="has changed under its commit: its ETag is"):
        client.locate(file, COMMIT)
    hub = hub_of(mirror)
    client = client_of(hub)
    with pytest.raises(DataMismatch, match=r"it has [\d,]+ bytes, it had 5"):
        client.locate(HubFile(file.path, 5, file.etag), COMMIT)


class Odd(BaseHTTPRequestHandler):
    """Answers `server.odd` to whatever is asked."""

    pause = 0.0

    def do_GET(self) -> None:
        status, headers, body = self.server.odd  # type: ignore[attr-defined]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        if getattr(self.server, "stalls", False):
            time.sleep(5)
        with suppress(OSError):
            while flood := getattr(self.server, "floods", b""):
                self.wfile.write(flood)
                time.sleep(self.pause)

    do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def odd() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Odd) as server:
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"Content-Length": "7"}, b"no json"),
        ({"Content-Length": "2"}, b"[]"),
        ({"Content-Length": "4"}, b"null"),
        ({"Content-Length": "2"}, b"{}"),
        ({"Content-Length": "22"}, b'{"id": "a", "sha": 12}'),
        ({"Content-Length": "99999999999"}, b"{"),
        ({"Content-Length": "9" * 300}, b"{"),
        ({"Content-Length": "2000000", "Content-Encoding": "gzip"}, b"\x1f\x8b"),
        ({"Content-Length": "4", "Content-Encoding": "gzip"}, b"none"),
    ],
)
def test_answers_that_are_none_are_bad_answers(
    odd: ThreadingHTTPServer, headers: dict[str, str], body: bytes
) -> None:
    odd.odd = 200, headers, body  # type: ignore[attr-defined]
    client = HubClient(ADDRESS, new_pace(), f"http://127.0.0.1:{odd.server_port}")
    with pytest.raises(FetchError) as caught:
        client.commit(None)
    assert caught.value.reason in (Reason.BAD_ANSWER, Reason.CONNECTION)


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://x/y", "http://[", "gopher://127.0.0.1/"])
def test_the_hub_may_lead_to_no_odd_place(odd: ThreadingHTTPServer, location: str) -> None:
    odd.odd = 302, {"Location": location, "ETag": '"e"', "X-Linked-Size": "3", "Content-Length": "0"}, b""  # type: ignore[attr-defined]
    client = HubClient(ADDRESS, new_pace(), f"http://127.0.0.1:{odd.server_port}")
    with pytest.raises(FetchError) as caught:
        client.locate(HubFile("a.zip", 3, "e"), COMMIT)
    assert caught.value.reason is Reason.BAD_ANSWER


def test_a_hub_that_is_away_is_a_network_that_is_down() -> None:
    client = HubClient(ADDRESS, new_pace(), "http://127.0.0.1:9")
    with pytest.raises(FetchError) as caught:
        client.commit(None)
    assert caught.value.reason is Reason.NETWORK_DOWN


def test_what_the_user_must_mend_about_the_way_ends_the_run() -> None:
    client = HubClient(ADDRESS, new_pace())
    untrusted = client.httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed")
    assert isinstance(client.of_connection(untrusted, "the Hub", 0), EnvironmentProblem)
    login = client.httpx.ProxyError("407 Proxy Authentication Required")
    assert isinstance(client.of_connection(login, "the Hub", 0), EnvironmentProblem)
    gone = client.of_connection(client.httpx.ProxyError("502 Bad Gateway"), "the storage", 3)
    assert isinstance(gone, FetchError) and (gone.reason, gone.sent_at) == (Reason.NETWORK_DOWN, 3)


def test_a_name_that_the_hub_cannot_have_is_refused() -> None:
    with pytest.raises(UsageError, match="is no name of the Hub's"):
        HubClient(parse_address("hf:a/b.git"), new_pace())


def test_being_told_to_stay_offline_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(EnvironmentProblem, match="told to be offline"):
        HubClient(ADDRESS, new_pace(), "http://127.0.0.1:9").commit(None)


def test_other_users_of_huggingface_hub_notice_nothing(mirror: Path, hub_of: Serve) -> None:
    hub = hub_of(mirror)
    client = client_of(hub)
    client.commit(None)
    huggingface_hub.HfApi(endpoint=hub.address, token=False).dataset_info(REPO)
    assert client.pace.requests == 1
    assert os.environ["HF_HUB_DISABLE_TELEMETRY"] == "1"
