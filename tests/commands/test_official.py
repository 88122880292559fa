"""AudioSet's own task as a user types it: from its lists to mAP, with all labels of a clip."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from audioset_tools.catalog.recipe import read_recipe
from audioset_tools.fetch.listed import Wanted
from audioset_tools.fetch.prepare import enqueue
from audioset_tools.ledger import Ledger
from audioset_tools.shards.dataset import read_dataset
from audioset_tools.shards.reader import MelShards
from audioset_tools.simulator import Plan, Simulator
from audioset_tools.simulator.lists import write_lists
from audioset_tools.simulator.plan import TableRow
from audioset_tools.workspace import Workspace
from tests.commands.conftest import CLASSES, World, calm, run

Serve = Callable[[Plan], Simulator]

NOBODY = "http://127.0.0.1:9"
"""A proxy that nobody answers at."""

MINE = 'kind = "official"\nname = "mine"\nseed = 1\ntrain = ["balanced_train", "unbalanced_train"]\n'
LABELS = 'labels = ["Piano", "Flute", "Music", "Musical instrument"]\n'


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Lists of some twenty segments, a tenth of them in eval."""
    folder = tmp_path_factory.mktemp("lists")
    table = write_lists(folder, dict.fromkeys(CLASSES, 5), seed=4)
    # Those of no class of the paper's play something too.
    for path in folder.glob("*_segments.csv"):
        for ytid, start, end, _ in (row.split(", ") for row in path.read_text().splitlines()[3:]):
            table.setdefault(ytid, TableRow("Other", round(1000 * float(start)), round(1000 * float(end))))
    return World(folder, Plan(seed=5, table=table))


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(MINE + LABELS)
    return path


def words(world: World, recipe: Path | str, workspace: Path, proxy: str = "") -> list[str]:
    where = ["--recipe", str(recipe), "--metadata", str(world.lists), "--workspace", str(workspace)]
    patience = ["--pace", "unlimited", "--retry-wait", "0.1"]
    return ["fetch", *where, *patience, *(["--proxy", proxy, "--no-check-certificate"] if proxy else [])]


def fill(world: World, recipe: Path | str, workspace: Path) -> None:
    """A workspace as a fetch leaves it that was stopped at once."""
    workspace.mkdir()
    wanted = Wanted(metadata=world.lists)
    with Ledger(workspace / "ledger.sqlite") as ledger:
        enqueue(ledger, read_recipe(str(recipe)), wanted, workspace / "metadata")


def labels_of(lists: Path) -> dict[str, set[str]]:
    """The labels of each segment by key, read without anything of ours."""
    found = {}
    for path in lists.glob("*_segments.csv"):
        for line in path.read_text().splitlines()[3:]:
            ytid, start, _, mids = line.split(", ")
            found[f"{ytid}_{round(1000 * float(start))}"] = set(mids.strip('"').split(","))
    return found


def test_from_the_lists_to_map_over_every_label_of_a_clip(
    small: World, recipe: Path, serve: Serve, tmp_path: Path
) -> None:
    workspace, lists = tmp_path / "w", labels_of(small.lists)
    chosen = {
        "/m/05r5c": "Piano",
        "/m/0l14j_": "Flute",
        "/m/04rlf": "Music",
        "/m/04szw": "Musical instrument",
    }
    wanted = {key: {chosen[mid] for mid in mids & chosen.keys()} for key, mids in lists.items()}
    wanted = {key: names for key, names in wanted.items() if names}
    proxy = serve(calm(small.plan)).proxy
    assert run(*words(small, recipe, workspace, proxy)).returncode == 0
    # Again, with nothing said of the lists: it goes on.
    again = run("fetch", "--recipe", str(recipe), "--workspace", str(workspace), "--proxy", proxy, "--json")
    assert again.returncode == 0 and json.loads(again.stdout)["complete"], again.stderr
    made = run("featurize", "--workspace", str(workspace), "--noise-copies", "0", "--preset", "log", "--json")
    assert made.returncode == 0, made.stderr
    assert set(json.loads(made.stdout)["left_out_for_balance"].values()) == {0}
    placed = {one.key: one for one in read_dataset(workspace / "dataset.csv")}
    assert {key: {one.class_name, *one.also} for key, one in placed.items()} == wanted
    in_eval = {line[:11] for line in (small.lists / "eval_segments.csv").read_text().splitlines()[3:]}
    for key, one in placed.items():
        assert (one.split == "test") == (key[:11] in in_eval)
        assert {*one.labels} == lists[key]
    (folder,) = (workspace / "shards").iterdir()
    shards = MelShards(folder, "test")
    names = shards.header.class_names
    assert names == ("Music", "Musical instrument", "Piano", "Flute")
    for key, target in zip(shards.key, shards.target, strict=True):
        assert {name for name, one in zip(names, target, strict=True) if one} == wanted[key.decode()]
    trained = run("train", "--workspace", str(workspace), "--model", "svm", "--json")
    assert trained.returncode == 0, trained.stderr
    assert {"map", "auc", "d_prime"} <= json.loads(trained.stdout)["macro"].keys()
    shown = run("evaluate", "--workspace", str(workspace))
    assert "Average precision, AUC and d'" in shown.stdout
    card = run("report", "--workspace", str(workspace), "--per-class", "0")
    assert card.returncode == 0 and "recipe, sha256" in (workspace / "report" / "index.html").read_text()


def test_all_labels_are_planned_by_split(small: World, tmp_path: Path) -> None:
    workspace = tmp_path / "w"
    planned = run(*words(small, "audioset-2m", workspace), "--dry-run")
    assert planned.returncode == 0, planned.stderr
    table = planned.stdout.partition("computed with")[0]
    rows = {line.split()[0]: line.split()[1:] for line in table.splitlines() if line.strip()}
    eval_rows = len((small.lists / "eval_segments.csv").read_text().splitlines()) - 3
    assert rows["test"][0] == str(eval_rows)
    assert rows["all"][0] == str(len(labels_of(small.lists)))
    assert not workspace.exists()
    fill(small, "audioset-2m", workspace)
    with Ledger(workspace / "ledger.sqlite", read_only=True) as ledger:
        origin = ledger.origin()
    assert origin and origin.of_list and origin.by_recipe and origin.multi_label and origin.least_ms == 0
    assert run("status", "--workspace", str(workspace)).stdout.count("\n") < 45


def test_a_number_of_clips_is_refused_beside_it(small: World, recipe: Path, tmp_path: Path) -> None:
    done = run(*words(small, recipe, tmp_path / "w"), "--per-class", "2400")
    assert done.returncode == 2 and "--per-class and the official recipe" in done.stderr
    assert not (tmp_path / "w").exists()


def test_another_official_recipe_is_refused_with_what_differs(
    small: World, recipe: Path, tmp_path: Path
) -> None:
    workspace = tmp_path / "w"
    fill(small, recipe, workspace)
    recipe.write_text(MINE + "per_label = 3\n")
    done = run(*words(small, recipe, workspace, NOBODY))
    assert done.returncode == 6 and "the keys labels, per_label" in done.stderr
    other = run(*words(small, "paper", workspace, NOBODY))
    assert other.returncode == 6 and "name (mine there, paper here)" in other.stderr
    listed = tmp_path / "list.csv"
    listed.write_text("ytid,start,class\n-0SdAVK79lg,30,Piano\n")
    of_list = run("fetch", "--list", str(listed), "--workspace", str(workspace), "--proxy", NOBODY)
    assert of_list.returncode == 6 and "was made by the recipe mine, not from a list" in of_list.stderr


def test_select_shows_the_splits_and_writes_them(small: World, tmp_path: Path) -> None:
    out = tmp_path / "candidates.csv"
    where = ["--metadata", str(small.lists), "--workspace", str(tmp_path / "w")]
    done = run("select", "--recipe", "audioset-20k", *where, "--out", str(out))
    assert done.returncode == 0 and "balanced_train" in done.stdout
    assert all(len(line) <= 80 for line in done.stdout.splitlines())
    head, *rows = out.read_text().splitlines()
    assert head.endswith(",split") and {row.rsplit(",", 1)[1] for row in rows} == {"train", "test"}
    first = rows[0].split(",")[1]
    told = run("select", "--recipe", "audioset-20k", *where, f"--explain={first}")
    assert "  carries: " in told.stdout and "split, fetched for" in told.stdout
    unasked = (small.lists / "unbalanced_train_segments.csv").read_text().splitlines()[3][:11]
    told = run("select", "--recipe", "audioset-20k", *where, f"--explain={unasked}")
    assert "out, of a subset that is no split" in told.stdout


def test_a_dead_clip_is_missing_and_nobody_takes_its_place(
    small: World, recipe: Path, serve: Serve, tmp_path: Path
) -> None:
    gone = (small.lists / "eval_segments.csv").read_text().splitlines()[3][:11]
    simulator = serve(replace(calm(small.plan), faults={gone: "removed"}))
    done = run(*words(small, recipe, tmp_path / "w", simulator.proxy))
    assert done.returncode == 3 and "1 removed" in done.stderr


def test_the_demo_says_that_it_has_none(tmp_path: Path) -> None:
    done = run("demo", "--recipe", "audioset-20k", "--workspace", str(tmp_path / "w"))
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert not Workspace(tmp_path / "w").root.exists()
