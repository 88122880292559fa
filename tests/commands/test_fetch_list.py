"""`fetch --list`: from a list of one's own to shards in its classes and splits, as a user types it."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from audioset_tools.shards.dataset import read_dataset
from audioset_tools.simulator import Plan, Simulator
from tests.commands.conftest import World, calm, run

Serve = Callable[[Plan], Simulator]


def words(simulator: Simulator, workspace: Path) -> list[str]:
    return [
        *("--workspace", str(workspace), "--proxy", simulator.proxy, "--no-check-certificate"),
        *("--pace", "unlimited", "--retry-wait", "0.1"),
    ]


@pytest.fixture
def listed(world: World, tmp_path: Path) -> Path:
    """VGGSound's form: Piano 8 in train and 2 in the test, Drums 4 in train."""
    rows = []
    for name, counts in (("Piano", {"train": 8, "test": 2}), ("Drums", {"train": 4})):
        of_class = iter((ytid, row) for ytid, row in world.plan.table.items() if row.class_name == name)
        for split, count in counts.items():
            for _, (ytid, row) in zip(range(count), of_class, strict=False):
                rows.append(f'{ytid},{row.start_ms / 1000},"playing {name.lower()}",{split}')
    path = tmp_path / "vgg.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


def test_from_a_list_to_shards(world: World, serve: Serve, listed: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "w"
    simulator = serve(calm(world.plan))
    dry = run("fetch", "--list", str(listed), *words(simulator, workspace), "--dry-run")
    assert dry.returncode == 0 and "playing piano" in dry.stdout, dry.stderr
    done = run("fetch", "--list", str(listed), *words(simulator, workspace), "--json")
    assert done.returncode == 0, done.stderr
    assert "list vgg (VGGSound): 14 segments of 2 classes" in done.stderr
    assert json.loads(done.stdout)["complete"]
    made = run("featurize", "--workspace", str(workspace), "--noise-copies", "0")
    assert made.returncode == 0, made.stderr
    splits: dict[tuple[str, str], int] = {}
    for one in read_dataset(workspace / "dataset.csv"):
        splits[one.class_name, one.split] = splits.get((one.class_name, one.split), 0) + 1
    assert splits == {
        ("playing piano", "train"): 7,
        ("playing piano", "validation"): 1,
        ("playing piano", "test"): 2,
        ("playing drums", "train"): 3,
        ("playing drums", "validation"): 1,
    }
    assert run("verify", "--deep", "--workspace", str(workspace)).returncode == 0
    again = run("fetch", "--list", str(workspace / "dataset.csv"), *words(simulator, tmp_path / "again"))
    assert again.returncode == 0, again.stderr
    assert {p.name for p in (tmp_path / "again").rglob("Y*.wav")} == {
        p.name for p in workspace.rglob("Y*.wav")
    }


def test_what_is_gone_is_exit_code_3(world: World, serve: Serve, listed: Path, tmp_path: Path) -> None:
    gone = listed.read_text()[:11]
    simulator = serve(replace(calm(world.plan), faults={gone: "removed"}))
    done = run("fetch", "--list", str(listed), *words(simulator, tmp_path / "w"), "--json")
    assert done.returncode == 3
    assert "the list lacks 1 of 14: 1 removed" in done.stderr
    assert not json.loads(done.stdout)["complete"]


@pytest.mark.parametrize("option", [["--per-class", "2400"], ["--recipe", "paper"], ["--metadata", "."]])
def test_a_list_and_a_recipe_exclude_each_other(listed: Path, tmp_path: Path, option: list[str]) -> None:
    done = run("fetch", "--list", str(listed), *option, "--workspace", str(tmp_path / "w"))
    assert done.returncode == 2 and f"--list and {option[0]} exclude each other" in done.stderr


def test_a_damaged_list_is_refused_with_its_line(listed: Path, tmp_path: Path) -> None:
    listed.write_text(listed.read_text() + "#NAME?,30,Piano,train\n")
    done = run("fetch", "--list", str(listed), "--workspace", str(tmp_path / "w"))
    assert done.returncode == 6 and "vgg.csv, line 15: a spreadsheet has replaced the id" in done.stderr
    assert "Traceback" not in done.stderr and not (tmp_path / "w").exists()
