"""The proxy itself: what it lets through, what it tells, and that it ends without a trace."""

import http.client
import json
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audioset_tools.exceptions import EnvironmentProblem
from audioset_tools.installing import install
from audioset_tools.simulator import Limit, Plan, Refusal, Simulator
from audioset_tools.simulator.__main__ import main
from audioset_tools.simulator.counts import KINDS
from audioset_tools.simulator.site import reset
from audioset_tools.simulator.wire import Line

ANYONE = "abcdefghijA"


def port(youtube: Simulator) -> int:
    return int(youtube.proxy.rpartition(":")[2])


def through(youtube: Simulator, host: str) -> http.client.HTTPSConnection:
    trusting = ssl._create_unverified_context()
    connection = http.client.HTTPSConnection("127.0.0.1", port(youtube), context=trusting, timeout=10)
    connection.set_tunnel(host)
    return connection


def told(youtube: Simulator, path: str) -> Any:
    with urllib.request.urlopen(youtube.proxy + path) as answer:
        return json.load(answer)


def test_it_listens_on_loopback_alone(youtube: Simulator) -> None:
    assert youtube.proxy.startswith("http://127.0.0.1:")
    assert youtube._listener.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize("host", ["example.com", "youtube.com.example.com", "notyoutube.com", "127.0.0.1"])
def test_other_hosts_are_refused_and_counted(youtube: Simulator, host: str) -> None:
    connection = through(youtube, host)
    with pytest.raises(OSError, match="403"):
        connection.request("GET", "/")
    connection.close()
    assert youtube.counts()["requests"]["foreign"] == 1


def test_plain_requests_to_elsewhere_are_refused_and_counted(youtube: Simulator) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port(youtube))
    connection.request("GET", "http://example.com/")
    assert connection.getresponse().status == 403
    connection.close()
    assert youtube.counts()["requests"]["foreign"] == 1


@pytest.mark.parametrize(
    "host", ["www.youtube.com", "youtube.com", "m.youtube.com", "x---sn-y.googlevideo.com"]
)
def test_its_own_hosts_keep_a_connection(youtube: Simulator, host: str) -> None:
    connection = through(youtube, host)
    for _ in range(3):
        connection.request("GET", "/nothing")
        answer = connection.getresponse()
        answer.read()
        assert answer.status == (404 if "googlevideo" in host else 200)
    connection.close()


def test_head_sends_no_body(youtube: Simulator) -> None:
    connection = through(youtube, "r.googlevideo.com")
    connection.request("HEAD", f"/videoplayback?id={ANYONE}&itag=140")
    answer = connection.getresponse()
    assert int(answer.headers["Content-Length"]) > 100_000
    assert answer.read() == b""
    connection.close()
    assert youtube.counts()["ids"][ANYONE]["media_bytes"] == 0


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/iframe_api", "other"),
        ("/s/player/00000000/x.js", "script"),
        ("/youtubei/v1/next", "other"),
        ("/youtubei/v1/visitor_id", "visitor"),
        ("/watch?v=../x", "other"),
    ],
)
def test_what_else_yt_dlp_may_ask(youtube: Simulator, path: str, kind: str) -> None:
    connection = through(youtube, "www.youtube.com")
    connection.request("POST", path, body=b"{}")
    assert connection.getresponse().status == 200
    connection.close()
    assert youtube.counts()["requests"][kind] == 1


def test_a_player_request_for_no_id(youtube: Simulator) -> None:
    connection = through(youtube, "www.youtube.com")
    connection.request("POST", "/youtubei/v1/player", body=json.dumps({"videoId": "-rf"}))
    assert connection.getresponse().status == 400
    connection.close()


def test_nonsense_ends_one_connection_and_nothing_else(youtube: Simulator) -> None:
    for raw in (b"\x16\x03\x01\r\n\r\n", b"GET / HTTP/1.1\r\nno colon\r\n\r\n", b""):
        with socket.create_connection(("127.0.0.1", port(youtube))) as line:
            line.sendall(raw)
            line.shutdown(socket.SHUT_WR)
            assert line.recv(10) == b""
    assert told(youtube, "/stats")["requests"]["foreign"] == 0


def test_stats_and_plan(serve: Callable[[Plan], Simulator]) -> None:
    plan = Plan(seed=4, faults={ANYONE: "stall"}, limit=Limit(5), refusals=(Refusal(1, 0),))
    youtube = serve(plan)
    connection = through(youtube, "www.youtube.com")
    connection.request("POST", "/youtubei/v1/player", body=json.dumps({"videoId": ANYONE}))
    connection.getresponse().read()
    connection.close()
    stats = told(youtube, "/stats")
    assert stats["requests"] == {**dict.fromkeys(KINDS, 0), "player": 1}
    assert stats["ids"][ANYONE]["player"] == 1
    assert sum(stats["per_second"].values()) == 1
    assert stats == json.loads(json.dumps(youtube.counts()))
    assert told(youtube, "/plan")["limit"]["per_second"] == 5
    assert told(youtube, f"/plan?v={ANYONE}")["fault"] == "stall"


def test_a_reset_is_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        assert reset(Line(listener.accept()[0])) is False
        with client, pytest.raises(ConnectionResetError):
            client.recv(1)


def test_the_end_waits_for_nobody(cache: Path) -> None:
    before = threading.active_count()
    with Simulator(Plan(stall_s=60, latency_s=60), cache=cache) as youtube:
        idle = socket.create_connection(("127.0.0.1", port(youtube)))
        handshaking = socket.create_connection(("127.0.0.1", port(youtube)))
        handshaking.sendall(b"CONNECT youtube.com:443 HTTP/1.1\r\n\r\n")
        assert handshaking.recv(100).startswith(b"HTTP/1.1 200")
        delayed = through(youtube, "www.youtube.com")
        delayed.request("GET", "/")
        began = time.monotonic()
    assert time.monotonic() - began < 2
    assert threading.active_count() == before
    for left in (idle, handshaking, delayed):
        left.close()


def test_a_port_that_is_taken(youtube: Simulator, cache: Path) -> None:
    with (
        pytest.raises(EnvironmentProblem, match="is not available"),
        Simulator(port=port(youtube), cache=cache),
    ):
        pass


def test_without_trustme_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trustme", None)
    with pytest.raises(EnvironmentProblem) as raised:
        Simulator()
    assert raised.value.remedy == f"Install it: {install('demo')}"


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_the_command_prints_its_address_and_ends_quietly(cache: Path, tmp_path: Path, ending: int) -> None:
    table = tmp_path / "table.csv"
    table.write_text(f"ytid,start_ms,end_ms,class\n{ANYONE},5000,15000,Flute\n")
    command = [sys.executable, "-m", "audioset_tools.simulator", "--cache", str(cache), "--table", str(table)]
    command += ["--seed", "9", "--dead", "0.25", "--latency", "20"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        proxy = process.stdout.readline().strip()
        with urllib.request.urlopen(f"{proxy}/plan") as answer:
            plan = json.load(answer)
        with urllib.request.urlopen(f"{proxy}/plan?v={ANYONE}") as answer:
            video = json.load(answer)
        process.send_signal(ending)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (0, "", "")
    assert (plan["seed"], plan["latency_s"]) == (9, 0.02)
    assert sum(plan["shares"].values()) == pytest.approx(0.25)
    assert (video["class_name"], video["start_ms"]) == ("Flute", 5_000)


def test_the_command_tells_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "plan.toml"
    path.write_text("[shares]\ngone = 0.5\n")
    assert main(["--plan", str(path)]) == 2
    assert "no fault is called 'gone'" in capsys.readouterr().err
