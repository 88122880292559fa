"""The demo's commands and lists: enough for every recipe, and no folder but its own is ever removed."""

import shutil
import sys
from pathlib import Path

import pytest

from audioset_tools.catalog.recipe import SHIPPED, read_recipe
from audioset_tools.catalog.select import read_selection
from audioset_tools.cli import run as cli
from audioset_tools.demo import label_sets, run_demo
from audioset_tools.exceptions import EnvironmentProblem, UsageError
from audioset_tools.simulator.lists import write_lists


@pytest.mark.parametrize("name", SHIPPED)
def test_made_up_lists_fill_every_class_of_every_recipe(tmp_path: Path, name: str) -> None:
    recipe = read_recipe(name)
    classes = label_sets(recipe)
    assert tuple(classes) == recipe.class_names
    write_lists(tmp_path, dict.fromkeys(classes, 60), classes=classes)
    for funnel in read_selection(tmp_path, recipe).funnels:
        assert funnel.carried > 40 and funnel.kept > 20, funnel


def test_the_first_command_that_fails_ends_it_with_its_code(tmp_path: Path) -> None:
    commands: list[list[str]] = []

    def fails(words: list[str]) -> int:
        commands.append(words)
        return 5

    assert run_demo(tmp_path / "demo", "clean", 3, None, fails) == 5
    ((command, *words),) = commands
    assert command == "select" and words[words.index("--recipe") + 1] == "clean"
    assert Path(words[words.index("--metadata") + 1]) == tmp_path / "demo" / "lists"


def test_each_step_has_its_number_and_its_time_and_the_end_says_what_to_type_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[list[str]] = []

    def passes(words: list[str]) -> int:
        commands.append(words)
        return 0 if words[0] != "select" else cli(words)

    for which, program in ((lambda name: f"/usr/bin/{name}", "audioset-tools"), (lambda name: None, "/bin/")):
        monkeypatch.setattr(shutil, "which", which)
        assert run_demo(tmp_path / "a demo", "paper", 3, None, passes) == 0
        said = capsys.readouterr().err
        for number, (name, *_) in enumerate(commands, 1):
            assert f"{number} of 5: $ audioset-tools {name} " in said and f"{number} of 5 took " in said
        *_, doctor, dry_run, fetch = said.splitlines()
        assert doctor.endswith(" doctor") and fetch.endswith(" fetch --per-class 100") and program in fetch
        assert dry_run.endswith(" --dry-run") and f"evaluate --workspace '{tmp_path}/a demo/data'" in said
        commands.clear()


def test_what_an_earlier_demo_left_is_removed_and_nothing_else_ever_is(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.tex").write_text("dear")
    with pytest.raises(UsageError, match="was not made by a demo"):
        run_demo(mine, "paper", 3, None, lambda words: 0)
    assert (mine / "thesis.tex").read_text() == "dear"
    with pytest.raises(UsageError, match="there is no recipe nosuch"):
        run_demo(tmp_path / "new", "nosuch", 3, None, lambda words: 0)
    assert not (tmp_path / "new").exists()

    demo = tmp_path / "demo"
    run_demo(demo, "paper", 3, None, lambda words: 1)
    (demo / "data").mkdir()
    run_demo(demo, "paper", 3, None, lambda words: 1)
    assert sorted(path.name for path in demo.iterdir()) == ["lists", "made-by-demo"]


def test_what_is_missing_is_told_before_anything_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo = tmp_path / "demo"
    run_demo(demo, "paper", 3, None, lambda words: 1)
    (demo / "data").mkdir()
    with pytest.raises(UsageError, match="there is no folder"):
        run_demo(demo, "paper", 3, tmp_path / "nowhere", lambda words: 1)
    monkeypatch.setenv("AUDIOSET_TOOLS_FFMPEG", "/nowhere/ffmpeg")
    with pytest.raises(EnvironmentProblem, match="which is no program"):
        run_demo(demo, "paper", 3, None, lambda words: 1)
    monkeypatch.setitem(sys.modules, "trustme", None)
    with pytest.raises(EnvironmentProblem, match="the package trustme is not installed"):
        run_demo(demo, "paper", 3, None, lambda words: 1)
    assert (demo / "data").exists()


def test_made_up_lists_fill_the_classes_of_a_recipe_of_names(tmp_path: Path) -> None:
    (tmp_path / "pets.toml").write_text(
        'name = "pets"\nseed = 1\n[[classes]]\nname = "Dog"\ninclude = ["Dog"]\n'
        '[[classes]]\nname = "Cat"\ninclude = ["Cat"]\n[[classes]]\nname = "Rest"\n'
    )
    recipe = str(tmp_path / "pets.toml")
    run_demo(tmp_path / "demo", recipe, 12, None, lambda words: 1)
    for funnel in read_selection(tmp_path / "demo" / "lists", read_recipe(recipe)).funnels:
        assert funnel.kept >= 18, funnel
