"""The short form of `bench/chaos.py`: kills and disasters change neither a clip nor a row of the ledger."""

import subprocess
import sys
from pathlib import Path

import pytest

CHAOS = Path(__file__).parents[2] / "bench" / "chaos.py"


@pytest.mark.timeout(330)
def test_killed_among_disasters_a_fetch_ends_as_an_undisturbed_one() -> None:
    words = [sys.executable, str(CHAOS), "--kills", "6", "--per-class", "4", "--seed", "2"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert ": 0 differences" in done.stdout.splitlines()[-1]
    assert int(done.stdout.splitlines()[-1].split()[0]) >= 6
