"""featurize killed with SIGKILL half-way: its workers go too, and the next run ends with the same bytes."""

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence

from audioset_tools.featurize.run import FeaturizeConfig, featurize
from audioset_tools.types import Clip
from audioset_tools.workspace import Workspace

from .conftest import CLASSES

CONFIG = FeaturizeConfig(clips_per_shard=1, jobs=2, noise_copies=8)

CHILD = """
import pickle, sys
from audioset_tools.featurize.run import featurize
if __name__ == "__main__":
    with open(sys.argv[1], "rb") as handle:
        arguments = pickle.load(handle)
    featurize(*arguments, lambda done, total: print(done, flush=True))
"""


def test_a_killed_run_leaves_no_worker_and_loses_nothing(
    make_clips: Callable[[int], Sequence[Clip]], workspace: Workspace
) -> None:
    arguments = (make_clips(8), CLASSES, "synthetic", workspace, CONFIG)
    (workspace.root / "arguments").write_bytes(pickle.dumps(arguments))
    (workspace.root / "child.py").write_text(CHILD)
    with subprocess.Popen(
        [sys.executable, workspace.root / "child.py", workspace.root / "arguments"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "0\n"
        assert child.stdout.readline() == "1\n"
        os.kill(child.pid, signal.SIGKILL)
        # The workers hold the other end of the pipe: reading to its end is waiting for them to go.
        assert "16\n" not in child.stdout.readlines()

    def read() -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in result.folder.iterdir()}

    result = featurize(*arguments, lambda done, total: None)
    assert result.reused >= 1
    assert result.built >= 1
    after_kill = read()
    for path in result.folder.iterdir():
        path.unlink()
    result = featurize(*arguments, lambda done, total: None)
    assert read() == after_kill
