"""`doctor` as a user runs it: its exit codes, its table, and that it sends nothing unless asked to."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from audioset_tools.ledger import Ledger
from audioset_tools.simulator import Plan, Simulator
from tests.doctor.conftest import damage_pages, fake_ffmpeg, make_ledger


def doctor(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "audioset_tools", "doctor", "--per-class", "3", *words]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=100, check=False, env={**os.environ, **environ}
    )


def verdicts(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    return {check["name"]: check["verdict"] for check in json.loads(done.stdout)["checks"]}


def test_a_healthy_machine_has_no_problem_and_nothing_is_left_behind(tmp_path: Path) -> None:
    done = doctor("--workspace", str(tmp_path / "deep" / "w"), "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["problems"] == []
    assert len(report["checks"]) == 16
    assert list(tmp_path.iterdir()) == []


def test_the_table_is_for_people_and_names_every_check(tmp_path: Path) -> None:
    done = doctor("--workspace", str(tmp_path))
    assert done.returncode == 0
    for name in ("ffmpeg", "yt-dlp", "JavaScript", "file system", "ledger", "disk space"):
        assert name in done.stdout


def test_nothing_is_sent_even_with_a_proxy_that_would_tell(
    serve: Callable[[Plan], Simulator], tmp_path: Path
) -> None:
    simulator = serve(Plan())
    make_ledger(tmp_path / "w")
    proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), simulator.proxy)
    done = doctor("--workspace", str(tmp_path / "w"), "--proxy", simulator.proxy, "--json", **proxies)
    assert done.returncode == 0, done.stdout
    assert set(simulator.counts()["requests"].values()) == {0}


@pytest.mark.parametrize(
    "script", ["#!/bin/sh\necho cannot load libavcodec >&2\nexit 127\n", "no program", "#!/bin/sh\necho hi\n"]
)
def test_a_broken_ffmpeg_is_a_problem(tmp_path: Path, script: str) -> None:
    done = doctor("--workspace", str(tmp_path / "w"), "--json", PATH=fake_ffmpeg(tmp_path / "bin", script))
    assert done.returncode == 5
    assert json.loads(done.stdout)["problems"] == ["ffmpeg"]
    assert "Traceback" not in done.stderr
    assert "problem with ffmpeg" in done.stderr


def test_damaged_pages_are_found_though_the_ledger_opens(tmp_path: Path) -> None:
    path = make_ledger(tmp_path)
    damage_pages(path)
    with Ledger(path):
        pass
    done = doctor("--workspace", str(tmp_path), "--json")
    assert done.returncode == 5
    assert verdicts(done)["ledger"] == "problem"
    assert "Traceback" not in done.stderr


def test_every_step_to_a_clip_is_told(serve: Callable[[Plan], Simulator], tmp_path: Path) -> None:
    simulator = serve(Plan())
    words = (
        "--network",
        "--proxy",
        simulator.proxy,
        "--no-check-certificate",
        "--json",
        "--pace",
        "unlimited",
    )
    done = doctor("--workspace", str(tmp_path / "w"), *words)
    assert done.returncode == 0, done.stdout + done.stderr
    steps = {name: verdict for name, verdict in verdicts(done).items() if name.startswith("YouTube")}
    names = ["visitor id", "lean answer", "default answer", "index", "bytes", "decoding"]
    assert list(steps) == [*(f"YouTube: {name}" for name in names), "YouTube"]
    assert set(list(steps.values())[1:]) == {"ok"}
    asked = simulator.counts()["requests"]
    assert (asked["page"], asked["foreign"]) == (1, 0)
    assert asked["player"] <= 3
    assert list(tmp_path.iterdir()) == []


def test_the_users_own_options_hold_for_it(serve: Callable[[Plan], Simulator], tmp_path: Path) -> None:
    simulator = serve(Plan(clients_off={"VISIONOS": "not-on-app"}))
    words = (
        "--network",
        "--proxy",
        simulator.proxy,
        "--no-check-certificate",
        "--json",
        "--pace",
        "unlimited",
        "--ytdlp-option",
    )
    chosen = 'extractor_args={"youtube": {"player_client": ["visionos"]}}'
    done = doctor("--workspace", str(tmp_path / "w"), *words, chosen)
    assert done.returncode == 5
    assert verdicts(done)["YouTube: chosen answer"] == "warning"
    assert "YouTube: default answer" not in verdicts(done)
