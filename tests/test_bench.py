"""The benchmarks use what the package has; what they measure is nobody's test."""

import importlib
from pathlib import Path

import pytest

ELSEWHERE = {"audioset_download_driver"}
"""What runs in another tool's environment."""

SCRIPTS = sorted(path.stem for path in (Path(__file__).parents[1] / "bench").glob("*.py"))


@pytest.mark.parametrize("name", [name for name in SCRIPTS if name not in ELSEWHERE])
def test_a_benchmark_finds_all_it_imports(name: str) -> None:
    assert importlib.import_module(name).__doc__
