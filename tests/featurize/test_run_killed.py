"""featurize killed at some instant: the next run makes only what is missing, to the same bytes."""

import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from audioset_tools.featurize.run import FeaturizeConfig, make_shards
from audioset_tools.featurize.task import Classes
from audioset_tools.tasks.division import Division
from audioset_tools.types import Clip
from audioset_tools.workspace import Workspace
from tests.factories import CLASSES

CONFIG = FeaturizeConfig(clips_per_shard=2, division=Division(2))

CHILD = """
import itertools, os, pickle, signal, sys
from pathlib import Path
from audioset_tools.featurize import run, task

INSTANTS = {"reading": (task, "read_clip"), "flushing": (os, "fsync"), "renaming": (Path, "replace")}
_, arguments, instant, nth = sys.argv
where, name = INSTANTS[instant]
whole, calls = getattr(where, name), itertools.count(1)

def deadly(*words):
    if next(calls) == int(nth):
        os.kill(os.getpid(), signal.SIGKILL)
    return whole(*words)

setattr(where, name, deadly)
with open(arguments, "rb") as handle:
    run.make_shards(*pickle.load(handle))
"""


def read(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("instant", "nth"),
    [("reading", 1), ("reading", 10), ("flushing", 7), ("flushing", 12), ("renaming", 2), ("renaming", 6)],
)
def test_a_killed_run_loses_nothing_that_stood(
    make_clips: Callable[[int], Sequence[Clip]], workspace: Workspace, instant: str, nth: int
) -> None:
    arguments = (workspace, make_clips(8), Classes("synthetic", CLASSES), CONFIG)
    (workspace.root / "arguments").write_bytes(pickle.dumps(arguments))
    (workspace.root / "child.py").write_text(CHILD)
    words = (workspace.root / "child.py", workspace.root / "arguments", instant, str(nth))
    child = subprocess.run([sys.executable, *words], check=False)
    assert child.returncode == -signal.SIGKILL

    standing = {path: path.stat().st_mtime_ns for path in workspace.shards.glob("*/*.h5")}
    assert not list(workspace.shards.glob("*/index.json"))
    result = make_shards(*arguments)
    assert (result.reused, result.built) == (len(standing), 8 - len(standing))
    assert {path: path.stat().st_mtime_ns for path in standing} == standing
    after_kill = read(result.folder)
    for path in result.folder.iterdir():
        path.unlink()
    assert read(make_shards(*arguments).folder) == after_kill
