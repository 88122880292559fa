"""What was given up for passing reasons is told, and `--retry` tries it again."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from audioset_tools.exceptions import Shortfall
from audioset_tools.simulator import Plan, Simulator
from tests.commands.conftest import World, calm, contents, fetch_here, fetch_words, run

Serve = Callable[[Plan], Simulator]


def test_nothing_given_up_for_a_passing_reason_is_silently_permanent(
    world: World, serve: Serve, tmp_path: Path
) -> None:
    flutes = [ytid for ytid, row in world.plan.table.items() if row[0] == "Flute"]
    sick = replace(calm(world.plan), faults=dict.fromkeys(flutes[:3], "no-formats"))
    words = fetch_words(world, serve(sick), tmp_path, per_class=14)
    done = run(*words)
    assert done.returncode == 3
    assert "3 were given up after 5 attempts for passing reasons" in done.stderr
    assert "--retry passing" in done.stderr.partition("error:")[2]
    before = contents(tmp_path)

    simulator = serve(calm(world.plan))
    with pytest.raises(Shortfall):
        fetch_here(world, simulator, tmp_path, per_class=14, retry=["removed"])
    words = fetch_words(world, simulator, tmp_path, per_class=14)
    done = run(*words, "--retry", "passing", "--dry-run")
    assert done.returncode == 0
    with pytest.raises(Shortfall):
        fetch_here(world, simulator, tmp_path, per_class=14)
    done = run(*words, "--retry", "passing", "--retry", "removed", "--json")
    assert done.returncode == 0, done.stderr
    assert "3 candidates are in the queue again" in done.stderr
    assert json.loads(done.stdout)["given_up"] == 0
    assert contents(tmp_path).items() >= before.items()


def test_a_reason_that_is_none_is_a_usage_error_that_names_the_others(world: World, tmp_path: Path) -> None:
    done = run("fetch", "--workspace", str(tmp_path / "w"), "--retry", "nonsense")
    assert done.returncode == 2
    assert "passing, or one of" in done.stderr and "server-error" in done.stderr
    assert not (tmp_path / "w").exists()
