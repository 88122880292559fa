"""The commands of docs/shared-disks.md run as they stand; a lease holds where locks are kept in silence."""

import fcntl
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from audioset_tools.workspace import Workspace
from tests.commands.conftest import run
from tests.factories import featurized

PAGE = (Path(__file__).parent.parent / "docs" / "shared-disks.md").read_text()


def test_the_blocks_run_one_after_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    featurized(tmp_path / "audioset")
    monkeypatch.chdir(tmp_path)
    said = {}
    for line in "".join(re.findall(r"^```bash\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)).splitlines():
        name, *words = shlex.split(line)
        if name != "audioset-tools":
            subprocess.run(["bash", "-c", line], check=True)
            continue
        done = run(*words)
        # What the doctor thinks of this machine is another matter.
        assert done.returncode == 0 or words[0] == "doctor", done.stderr
        said[words[0]] = done.stdout
    assert list(said) == ["doctor", "verify", "train", "evaluate", "predict"]
    assert "tried there" in said["doctor"]
    assert not (tmp_path / "audioset" / "runs").exists()
    assert (tmp_path / "mine" / "knn" / "evaluate-test" / "predictions.csv").exists()


@pytest.fixture
def mounted_twice(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """A folder as two machines see it through FUSE: each keeps its locks to itself, as with sshfs."""
    if shutil.which("bindfs") is None:
        pytest.skip("no bindfs")
    folder, one, other = (tmp_path / name for name in ("folder", "one", "other"))
    with ExitStack() as mounts:
        for place in (folder, one, other):
            place.mkdir()
        for place in (one, other):
            words = ["bindfs", str(folder), str(place)]
            if subprocess.run(words, check=False, capture_output=True).returncode:
                pytest.skip("FUSE cannot be mounted here")
            mounts.callback(subprocess.run, ["fusermount", "-u", "-z", str(place)], check=False)
        yield one, other


def test_a_lease_keeps_out_whom_no_lock_does(mounted_twice: tuple[Path, Path]) -> None:
    one, other = mounted_twice
    featurized(one / "w")
    with (one / "mine").open("w") as mine, (other / "mine").open("w") as theirs:
        for file in (mine, theirs):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    words = ("featurize", "--workspace", str(other / "w"))
    with Workspace(one / "w").lock():
        done = run(*words)
    assert done.returncode == 5 and "another audioset-tools process is working" in done.stderr
    assert run(*words).returncode == 0
