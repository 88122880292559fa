"""A clip known to be alive is asked for, and what comes of every step is said."""

import socket
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest

from audioset_tools.doctor.check import Level, Outcome
from audioset_tools.doctor.network import ProbeResult, ProbeStep, probe_checks, youtube
from audioset_tools.ledger import Ledger
from audioset_tools.simulator import Plan, Refusal, Simulator
from audioset_tools.sources.connection.connection import Connection
from audioset_tools.sources.pace import Pace, parse_pace
from audioset_tools.sources.youtube import YouTube
from audioset_tools.types import Reason
from audioset_tools.words import clock_time
from audioset_tools.workspace import Workspace
from tests.doctor.conftest import make_ledger

GUEST = parse_pace("guest")


def ask(workspace: Path, proxy: str) -> dict[str, Outcome]:
    connect = partial(YouTube, connection=Connection(proxy, check_certificate=False))
    pace = parse_pace("unlimited")
    return {c.name: c.finding for c in youtube(Workspace(workspace), pace, connect, "Nightly.")}


@pytest.mark.parametrize(
    "fault", ["private", "no-formats", "player-503", "unavailable", "media-403", "silent"]
)
def test_a_living_clip_that_cannot_be_had_is_a_problem_whatever_the_reason(
    serve: Callable[[Plan], Simulator], tmp_path: Path, fault: str
) -> None:
    found = ask(tmp_path, serve(Plan(shares={fault: 1.0}, passing_attempts=99)).proxy)
    assert found["YouTube"].verdict is Level.PROBLEM
    assert "cannot be fetched" in found["YouTube"].found
    assert found["YouTube"].remedy


def test_a_client_that_is_switched_off_is_told_and_no_problem(
    serve: Callable[[Plan], Simulator], tmp_path: Path
) -> None:
    simulator = serve(Plan(clients_off={"VISIONOS": "not-on-app"}))
    found = ask(tmp_path, simulator.proxy)
    assert found["YouTube: lean answer"].verdict is Level.WARNING
    assert "client-refused" in found["YouTube: lean answer"].found
    assert found["YouTube"].verdict is Level.OK


@pytest.mark.parametrize("answer", ["429", "rate-limited", "bot-check"])
def test_a_refusal_is_told_remembered_and_respected(
    serve: Callable[[Plan], Simulator], tmp_path: Path, answer: str
) -> None:
    simulator = serve(Plan(refusals=(Refusal(at=1, seconds=600, answer=answer),)))
    path = make_ledger(tmp_path)
    found = ask(tmp_path, simulator.proxy)["YouTube"]
    assert found.verdict is Level.PROBLEM
    with Ledger(path) as ledger:
        state = Pace(parse_pace("unlimited"), ledger.get("pace")).state
    assert state.paused_until > datetime.now().timestamp()
    assert clock_time(state.paused_until) in found.remedy
    asked = simulator.counts()["requests"]
    found = ask(tmp_path, simulator.proxy)["YouTube"]
    assert found.verdict is Level.WARNING
    assert "not asked" in found.found
    assert simulator.counts()["requests"] == asked


def test_nobody_is_asked_beside_a_running_fetch(serve: Callable[[Plan], Simulator], tmp_path: Path) -> None:
    simulator = serve(Plan())
    with Workspace(tmp_path).lock():
        found = ask(tmp_path, simulator.proxy)["YouTube"]
    assert found.verdict is Level.WARNING
    assert "a fetch is running" in found.found
    assert simulator.counts()["requests"]["player"] == 0


def test_a_network_that_is_down_is_told_and_pauses_nobody(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    path = make_ledger(tmp_path)
    found = ask(tmp_path, f"http://me:secret@127.0.0.1:{port}")
    assert found["YouTube"].verdict is Level.PROBLEM
    assert "network-down" in found["YouTube"].found
    assert "network" in found["YouTube"].remedy
    assert not any("secret" in one.found for one in found.values())
    with Ledger(path) as ledger:
        assert Pace(GUEST, ledger.get("pace")).state.paused_until == 0


@pytest.mark.parametrize("name", ["visitor id", "lean answer", "index", "bytes", "decoding"])
@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_at_every_step_has_a_verdict_and_a_remedy(reason: Reason, name: str) -> None:
    *steps, whole = probe_checks(ProbeResult((ProbeStep(name, reason, "words"),), False, 5.0), "Nightly.")
    assert f"{reason}: words" in steps[0].finding.found
    assert whole.finding.verdict is Level.PROBLEM
    assert reason in whole.finding.found
    assert whole.finding.remedy
