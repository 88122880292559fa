"""Featurize and train after fetch, the demo, and what a user sees when something is not there."""

import json
import subprocess
import sys
from itertools import compress
from pathlib import Path

import pytest

from audioset_tools.catalog.recipe import read_recipe
from audioset_tools.demo import label_sets
from audioset_tools.featurize.dataset import read_dataset
from audioset_tools.featurize.reader import MelShards
from audioset_tools.featurize.split import SPLITS
from audioset_tools.manifests import manifest
from audioset_tools.simulator import Plan, Simulator
from audioset_tools.simulator.lists import write_lists

from .conftest import World, calm, command, fetch_words, run

LEAN_IMPORTS = {"torch", "librosa", "pandas", "yt_dlp", "numpy", "h5py", "rich", "scipy", "sqlite3"}


def test_the_whole_pipeline_with_no_option_after_fetch(world: World, cache: Path, tmp_path: Path) -> None:
    with Simulator(calm(world.plan), cache=cache) as simulator:
        assert run(*fetch_words(world, simulator, tmp_path, per_class=4)).returncode == 0
    made = run("featurize", "--workspace", str(tmp_path), "--json")
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["clips"]["train"] == dict.fromkeys(("Piano", "Drums", "Flute", "Other"), 2)
    done = run("train", "--workspace", str(tmp_path), "--epochs", "2")
    assert done.returncode == 0, done.stderr
    assert "Table 1. Confusion matrix, 4 test clips" in done.stdout
    assert "Precision (%)" in done.stdout
    (folder,) = (tmp_path / "runs").iterdir()
    assert {"config.json", "model.safetensors", "history.csv", "metrics.json", "curves.png"} <= {
        path.name for path in folder.iterdir()
    }


def test_several_instruments_to_a_clip_from_the_lists_to_the_shards(cache: Path, tmp_path: Path) -> None:
    text = manifest("several.toml").read_text()
    head, *classes = text.split("[[classes]]")
    recipe = tmp_path / "pair.toml"
    recipe.write_text("[[classes]]".join([head, *(c for c in classes if '"Drums"' in c or '"Piano"' in c)]))
    sets = label_sets(read_recipe(str(recipe)))
    table = write_lists(tmp_path / "lists", dict.fromkeys(sets, 12), classes=sets)
    world = World(tmp_path / "lists", Plan(table=table))
    with Simulator(world.plan, cache=cache) as simulator:
        fetch = [*fetch_words(world, simulator, tmp_path / "w", per_class=3), "--recipe", str(recipe)]
        assert run(*fetch).returncode == 0
    done = run("featurize", "--workspace", str(tmp_path / "w"))
    assert done.returncode == 0, done.stderr
    known = {p.key: {p.class_name, *p.also} for p in read_dataset(tmp_path / "w" / "dataset.csv")}
    assert {len(classes) for classes in known.values()} == {1, 2}
    (folder,) = (tmp_path / "w" / "shards").iterdir()
    for split in SPLITS:
        shards = MelShards(folder, split)
        for key, target in zip(shards.key.tolist(), shards.target.tolist(), strict=True):
            assert {*compress(("Drums", "Piano"), target)} == known[key.decode()]


def test_the_demo_ends_well_and_shows_the_pause(tmp_path: Path) -> None:
    done = run("demo", "--workspace", str(tmp_path / "demo"), "--per-class", "6")
    assert done.returncode == 0, done.stderr
    assert "all paused until" in done.stderr
    assert "Table 2. Precision, recall and F1-score" in done.stdout
    assert "Traceback" not in done.stderr and "Warning" not in done.stderr


def test_the_demo_touches_no_folder_of_the_users(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("dear")
    done = run("demo", "--workspace", str(tmp_path))
    assert done.returncode == 2
    assert (tmp_path / "thesis.tex").read_text() == "dear"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["featurize"], 6, "Run `audioset-tools fetch` first."),
        (["train"], 6, "featurize"),
        (["fetch", "--per-class", "0"], 2, "--per-class must be at least 1"),
        (["fetch", "--per-class", "-5"], 2, "--per-class must be at least 1"),
        (["fetch", "--pace", "fast"], 2, "there is no pace"),
        (["fetch", "--recipe", "../../etc/passwd.toml"], 2, "there is no recipe"),
        (["fetch", "--ytdlp-option", "proxy=nonsense"], 2, "not JSON"),
        (["fetch", "--metadata", "."], 2, "balanced_train_segments.csv"),
        (["select", "--metadata", "nowhere"], 2, "balanced_train_segments.csv"),
        (["frobnicate"], 2, "No such command"),
        (["train", "--lr", "-1"], 2, "learning rate"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else None,
)
def test_what_is_wrong_and_what_to_do(tmp_path: Path, words: list[str], code: int, said: str) -> None:
    where = [] if words[0] == "frobnicate" else ["--workspace", str(tmp_path / "w")]
    done = subprocess.run(
        command(*words, *where), capture_output=True, text=True, timeout=60, cwd=tmp_path, check=False
    )
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unwritable_workspace(world: World, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run("fetch", "--metadata", str(world.lists), "--workspace", str(tmp_path / "file" / "w"))
    assert done.returncode == 5
    assert "cannot be written to" in done.stderr


@pytest.mark.parametrize("cookies", ["missing.txt", "letter.txt"])
def test_cookies_that_are_none_are_told_before_any_request(
    world: World, tmp_path: Path, cookies: str
) -> None:
    (tmp_path / "letter.txt").write_text("Dear committee,\n")
    where = ["--metadata", str(world.lists), "--workspace", str(tmp_path / "w")]
    done = run(
        "fetch",
        *where,
        "--per-class",
        "1",
        "--cookies",
        str(tmp_path / cookies),
        "--proxy",
        "http://127.0.0.1:9",
    )
    assert done.returncode == 2
    assert "--cookies" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("ytid", ["../../x", "-rf", "abcdefghij", "abcdefghijkA"])
def test_a_hostile_id_to_explain(world: World, ytid: str) -> None:
    done = run("select", "--metadata", str(world.lists), "--explain", ytid)
    assert done.returncode == 2
    assert "not a video id" in done.stderr


def test_help_imports_nothing_heavy() -> None:
    probe = "import sys, audioset_tools.cli; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True, timeout=30
    )
    assert not LEAN_IMPORTS & {name.split(".")[0] for name in done.stdout.split()}


def test_settings_come_from_file_environment_and_flags(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "settings.toml"
    config.write_text(f'[select]\nmetadata = "{world.lists}"\nper-class = 3\nrecipe = "clean"\n')

    def told(*flags: str) -> tuple[str, int]:
        found = json.loads(run("--config", str(config), "select", "--json", *flags).stdout)
        return found["recipe"], found["per_class"]

    assert told() == ("clean", 3)
    monkeypatch.setenv("AUDIOSET_TOOLS_SELECT_PER_CLASS", "4")
    assert told() == ("clean", 4)
    assert told("--per-class", "5", "--recipe", "paper") == ("paper", 5)
    config.write_text("[select]\nper-clas = 3\n")
    done = run("--config", str(config), "select")
    assert (done.returncode, "per_clas" in done.stderr) == (2, True)


def test_an_unknown_failure_of_ours_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from audioset_tools import cli

    def breaks(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(cli.cli, "main", breaks)
    assert cli.run([]) == 1
    assert "bug" in capsys.readouterr().err
