"""The commands of docs/shared-disks.md run as they stand, on a featurized workspace."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

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
