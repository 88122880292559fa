"""docs/cluster.md as it is typed: the same bytes by a Dask cluster, by an array on two mounts, and alone."""

import hashlib
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.commands.conftest import run
from tests.export.conftest import label_file
from tests.factories import featurized

pytestmark = pytest.mark.timeout(330)

PAGE = Path(__file__).parents[2] / "docs" / "cluster.md"

SBATCH = """#!/bin/bash
# A job's script is read before its file goes, and a number is told.
script=$(mktemp -p "$(dirname "$0")"); cat "$1" > "$script"
setsid bash "$script" > "$script.log" 2>&1 < /dev/null &
echo "Submitted batch job $!"
"""

SCANCEL = """#!/bin/bash
for job; do kill -- "-$job"; done
"""


def block(under: str, language: str, number: int = 0) -> str:
    """What the page says to type under a heading."""
    section = PAGE.read_text().split(f"\n## {under}\n")[1].split("\n## ")[0]
    return re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)[number]


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the workspace `audioset` and what one machine makes of it: shards and tars."""
    folder = tmp_path_factory.mktemp("alone")
    workspace = featurized(folder / "audioset", per_class=140)
    label_file(workspace.metadata)
    before = digests(workspace.shards)
    shutil.rmtree(workspace.shards)
    script = Script(block("One big machine", "bash"), folder)
    assert script.ended() == 0 and "every byte as recorded" in script.said, script.said
    assert digests(workspace.shards) == before
    words = ["--workspace", str(workspace.root), "--out", str(folder / "tars")]
    assert run("export", "webdataset", *words).returncode == 0
    return folder


@pytest.fixture
def place(alone: Path, tmp_path: Path) -> Path:
    """The same workspace without its shards, in a folder to work in."""
    shutil.copytree(alone / "audioset", tmp_path / "audioset", ignore=shutil.ignore_patterns("shards"))
    return tmp_path


class Script:
    """A script of bash at work in a folder, and all that it starts."""

    def __init__(self, text: str, place: Path, **further: str) -> None:
        programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        self._told = place / f"{secrets.token_hex(4)}.log"
        with self._told.open("w") as told:
            self._process = subprocess.Popen(
                ["bash", "-e", "-c", text], cwd=place, env=os.environ | {"PATH": programs} | further,
                start_new_session=True, stdout=told, stderr=subprocess.STDOUT,
            )  # fmt: skip

    def ended(self) -> int:
        """The exit code; what the script left running is ended."""
        try:
            return self._process.wait(100)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    @property
    def said(self) -> str:
        return self._told.read_text()


def same_as(alone: Path, place: Path) -> None:
    assert digests(place / "audioset" / "shards") == digests(alone / "audioset" / "shards")
    assert digests(place / "tars") == digests(alone / "tars")


def test_a_dask_cluster_does_what_the_page_says(alone: Path, place: Path) -> None:
    text = block("A Dask cluster", "bash")
    assert text.count("dask scheduler") == 1
    script = Script(
        text.replace("dask scheduler", "dask scheduler --host 127.0.0.1 --port 0 --no-dashboard"), place
    )
    assert script.ended() == 0 and "every byte as recorded" in script.said, script.said
    same_as(alone, place)


def test_workers_that_slurm_starts_do_what_the_page_says(alone: Path, place: Path) -> None:
    programs = place / "programs"
    programs.mkdir()
    for name, text in {"sbatch": SBATCH, "scancel": SCANCEL}.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    text = block("A Dask cluster", "python").replace("/shared", str(place)).replace("jobs=10", "jobs=2")
    small = 'cores=1, memory="4 GB", interface="lo", scheduler_options={"dashboard_address": ":0"}'
    (place / "script.py").write_text(text.replace('cores=4, memory="16 GB"', small))
    script = Script(f"PATH={programs}:$PATH python script.py", place)
    assert script.ended() == 0, script.said
    assert digests(place / "audioset" / "shards") == digests(alone / "audioset" / "shards")


def test_an_array_on_two_mounts_does_what_the_page_says(alone: Path, place: Path, tmp_path: Path) -> None:
    text, mounted = block("An array of a batch system", "bash"), tmp_path / "mounted"
    mounted.mkdir()
    # Where a second mount may not be made, a link stands for it.
    if subprocess.run(["mount", "--bind", place, mounted], check=False, capture_output=True).returncode:
        mounted.rmdir()
        mounted.symlink_to(place)
    try:
        parts = [
            Script(
                text.replace("/shared", str(place if number % 2 else mounted)),
                place,
                SLURM_ARRAY_TASK_ID=str(number),
                SLURM_ARRAY_TASK_COUNT="4",
            )
            for number in (3, 1, 4, 2)
        ]
        assert [part.ended() for part in parts] == [0] * 4, [part.said for part in parts]
    finally:
        subprocess.run(["umount", mounted], check=False, capture_output=True)
    same_as(alone, place)
    quarter = Script(block("An array of a batch system", "bash", 1).replace("/shared", str(place)), place)
    assert quarter.ended() == 0 and "every byte as recorded" in quarter.said, quarter.said
