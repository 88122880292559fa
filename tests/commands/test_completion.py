"""What a shell completes: the names that there are, and no others."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from audioset_tools.catalog.recipe import SHIPPED, STANDARD
from audioset_tools.cli import cli
from audioset_tools.cli.completion import AUGMENTATIONS, DEVICES, MODELS, PRESETS, RECIPES
from audioset_tools.export.formats import FORMATS
from audioset_tools.shards.spec import PRESETS as SPECS
from audioset_tools.sources.pace import parse_pace
from audioset_tools.train.augment import AUGMENTATIONS as KINDS
from audioset_tools.train.baselines import CLASSICAL
from audioset_tools.train.config import PROBE
from audioset_tools.train.every import ALL
from audioset_tools.train.networks import MODELS as NETWORKS


def completed(*words: str) -> list[str]:
    """What may stand in place of the last word."""
    *before, begun = words
    found = ShellComplete(cli, {}, "audioset-tools", "_AUDIOSET_TOOLS_COMPLETE").get_completions(
        before, begun
    )
    return [item.value if item.type == "plain" else f"<{item.type}>" for item in found]


def test_the_names_are_those_that_there_are() -> None:
    assert (*SHIPPED, *STANDARD) == RECIPES
    assert {*MODELS} == {*NETWORKS, *CLASSICAL, PROBE, ALL}
    assert {*PRESETS} == {*SPECS} and {*AUGMENTATIONS} == {*KINDS}
    assert completed("featurize", "--preset", "") == [*PRESETS]
    assert completed("train", "--device", "c") == [name for name in DEVICES if name[0] == "c"]
    assert completed("export", "") == [*FORMATS]
    for pace in completed("fetch", "--pace", ""):
        assert parse_pace(pace)


def test_models_recipes_and_splits() -> None:
    assert completed("train", "--model", "") == [*MODELS]
    assert completed("train", "--model", "paper") == ["paper", "paper-7"]
    for command in ("select", "fetch", "doctor", "report"):
        assert completed(command, "--recipe", "") == [*RECIPES]
        assert completed(command, "--recipe", "my/own") == ["<file>"]
    assert completed("evaluate", "--split", "t") == ["train", "test"]


def test_commands_and_options_that_all_have() -> None:
    assert completed("ev") == ["evaluate"]
    assert completed("status", "--lo") == ["--log"]


def test_runs_and_shards_are_those_of_the_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in ("runs/paper/config.json", "runs/paper-2/config.json", "runs/other/x", "shards/log-1/a.h5"):
        path = tmp_path / "w" / place
        path.parent.mkdir(parents=True)
        path.touch()
    runs = ["paper", "paper-2"]
    where = ("--workspace", str(tmp_path / "w"))
    assert completed(*where, "evaluate", "") == completed("evaluate", *where, "") == runs
    assert completed("evaluate", *where, "paper", "paper-") == ["paper-2"]
    assert completed("predict", *where, "--run", "pa") == completed("errors", *where, "--run", "p") == runs
    assert completed("train", *where, "--shards", "") == ["log-1"]
    assert completed("predict", *where, "--run", "somewhere/") == ["<dir>"]
    monkeypatch.setenv("AUDIOSET_TOOLS_WORKSPACE", str(tmp_path / "w"))
    assert completed("errors", "--run", "") == runs
    monkeypatch.setenv("AUDIOSET_TOOLS_WORKSPACE", str(tmp_path / "nowhere"))
    assert completed("train", "--shards", "") == []


def test_the_shell_is_told_as_the_page_says() -> None:
    """Bash asks so, for every press of the key: nothing heavy is loaded."""
    code = (
        "import sys; from audioset_tools.cli import main\n"
        "try: main()\n"
        "finally: print({'numpy', 'torch', 'rich'} & sys.modules.keys(), file=sys.stderr)"
    )
    environment = {
        "COMP_WORDS": "audioset-tools train --model co",
        "COMP_CWORD": "3",
        "_AUDIOSET_TOOLS_COMPLETE": "bash_complete",
    }
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=Path(__file__).parents[2],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "plain,compact\n", "set()\n")
