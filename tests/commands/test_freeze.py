"""`freeze`, `fetch --list` and `verify --against`: a data set made again elsewhere, by another ffmpeg."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from imageio_ffmpeg import get_ffmpeg_exe

from audioset_tools.audio.binary import find_ffmpeg
from audioset_tools.shards.dataset import read_dataset
from audioset_tools.simulator import Plan, Simulator
from tests.commands.conftest import World, calm, contents, run

Serve = Callable[[Plan], Simulator]


@pytest.fixture(scope="module")
def frozen(fetched: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The workspace with four clips of each class, featurized, and its manifest."""
    import shutil

    workspace = tmp_path_factory.mktemp("frozen") / "w"
    shutil.copytree(fetched, workspace)
    made = run("featurize", "--workspace", str(workspace), "--noise-copies", "0")
    assert made.returncode == 0, made.stderr
    manifest = workspace.parent / "set.json"
    done = run("freeze", "--workspace", str(workspace), "--out", str(manifest))
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"16 clips and 0 left out, in {manifest}\n"
    return workspace, manifest


def test_a_set_is_made_again_elsewhere_and_compared(
    world: World, serve: Serve, frozen: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, manifest = frozen
    there = tmp_path / "there"
    simulator = serve(calm(world.plan))
    monkeypatch.setenv("AUDIOSET_TOOLS_FFMPEG", "imageio")
    where = ["--workspace", str(there), "--proxy", simulator.proxy, "--no-check-certificate"]
    done = run("fetch", "--list", str(manifest), *where, "--pace", "unlimited", "--json")
    assert done.returncode == 0, done.stderr
    assert contents(there).keys() == contents(workspace).keys()
    assert run("featurize", "--workspace", str(there), "--noise-copies", "0").returncode == 0
    placed = [
        {
            one.key: (one.class_name, one.also, one.split, one.labels)
            for one in read_dataset(root / "dataset.csv")
        }
        for root in (workspace, there)
    ]
    assert placed[0] == placed[1] and all(labels for *_, labels in placed[0].values())
    done = run("verify", "--against", str(manifest), "--workspace", str(there), "--json")
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout)["against"]["counts"]
    assert counts["same bytes"] + counts["same sound"] == 16
    if get_ffmpeg_exe() != find_ffmpeg().binary and contents(there) != contents(workspace):
        assert counts["same sound"] > 0
    # What is one clip's sound there is none's here.
    victim = next(iter(contents(there)))
    (there / victim).unlink()
    done = run("verify", "--against", str(manifest), "--workspace", str(there))
    assert done.returncode == 6 and "gone" in done.stdout


def test_a_manifest_of_another_set_is_exit_code_6(frozen: tuple[Path, Path], fetched: Path) -> None:
    workspace, manifest = frozen
    assert run("verify", "--against", str(manifest), "--workspace", str(workspace)).returncode == 0
    lines = manifest.read_text().splitlines()
    other = manifest.with_name("other.json")
    other.write_text("\n".join(lines).replace(lines[3][9:20], "0000000000A") + "\n")
    done = run("verify", "--against", str(other), "--workspace", str(workspace))
    assert done.returncode == 6
    assert "is not the data set of" in done.stderr and "not wanted" in done.stdout
    assert run("freeze", "--workspace", str(fetched), "--out", str(other), "--json").returncode == 0


def test_a_damaged_manifest_is_refused(frozen: tuple[Path, Path], tmp_path: Path) -> None:
    workspace, manifest = frozen
    damaged = tmp_path / "set.json"
    damaged.write_text(manifest.read_text()[:-2_000])
    for words in (["verify", "--against"], ["fetch", "--list"]):
        done = run(*words, str(damaged), "--workspace", str(workspace))
        assert done.returncode == 6 and "set.json, line 1" in done.stderr, done.stderr
        assert "Traceback" not in done.stderr
