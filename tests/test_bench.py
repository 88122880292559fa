"""The benchmarks use what the package has; what they measure is nobody's test."""

import importlib
from pathlib import Path

import fuzz
import pytest

ELSEWHERE = {"audioset_download_driver"}
"""What runs in another tool's environment."""

SCRIPTS = sorted(path.stem for path in (Path(__file__).parents[1] / "bench").glob("*.py"))


@pytest.mark.parametrize("name", [name for name in SCRIPTS if name not in ELSEWHERE])
def test_a_benchmark_finds_all_it_imports(name: str) -> None:
    assert importlib.import_module(name).__doc__


@pytest.mark.parametrize("name", ["lists", "recipes", "ontology", "shards", "ledger", "runs", "imports"])
def test_changed_files_are_refused_and_crash_nobody(name: str) -> None:
    """A little of each campaign; thousands of inputs take minutes."""
    result = fuzz.run(name, count=25, seconds=60, seed=1)
    assert result.notes == []
    assert {*result.outcomes} <= {"refused", "read"} and result.outcomes["refused"] > 10
