"""A workspace of somebody else: what only reads works, what writes goes elsewhere or says what to give."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from audioset_tools.train.config import TrainConfig
from audioset_tools.train.fit import fit_baseline
from tests.commands.conftest import World, run
from tests.factories import featurized
from tests.train.small import place


@contextmanager
def as_stranger(lab: Path) -> Iterator[Path]:
    """May only read in a folder; gives a folder of one's own.

    Root may write whatever the rights say, so for root the folder is mounted read-only over itself.
    """
    for path in (lab, *lab.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    before = {path: path.stat().st_mtime_ns for path in lab.rglob("*")}
    root = os.geteuid() == 0
    if root and not (mount("--bind", lab, lab) and mount("-o", "remount,bind,ro", lab)):
        pytest.skip("root may write anywhere, and nothing can be mounted here")
    try:
        with TemporaryDirectory() as own:
            yield Path(own)
    finally:
        if root:
            subprocess.run(["umount", str(lab)], check=True)
    after = {path: path.stat().st_mtime_ns for path in lab.rglob("*")}
    for path in (lab, *lab.rglob("*")):
        path.chmod(0o755)
    assert before == after


def mount(*words: object) -> bool:
    return subprocess.run(["mount", *map(str, words)], capture_output=True, check=False).returncode == 0


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """Where somebody else's workspace goes."""
    return tmp_path / "lab"


def refused(*words: str, give: str = "--out FOLDER") -> None:
    done = run(*words)
    assert done.returncode == 5 and give in done.stderr and "Traceback" not in done.stderr, done.stderr


def test_a_run_on_anothers_shards_lies_elsewhere_and_knows_whose_it_is(
    lab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit_baseline(place(lab), TrainConfig(model="knn"))
    at = ("--workspace", str(lab))
    with as_stranger(lab) as own, monkeypatch.context() as patch:
        patch.chdir(own)
        refused("train", "--model", "knn", "--seed", "1", *at)
        refused("evaluate", "knn", *at)
        refused("audit", *at)
        done = run("train", "--model", "knn", "--seed", "1", "--out", str(own / "mine"), *at)
        assert done.returncode == 0, done.stderr
        mine = own / "mine" / "knn-seed1"
        for words in (
            ("knn", *at, "--out", "mine"),
            ("knn-seed1", *at, "--out", "mine"),
            ("mine/knn-seed1",),
        ):
            done = run("evaluate", *words)
            assert done.returncode == 0, done.stderr
        assert (own / "mine" / "knn" / "evaluate-test" / "predictions.csv").exists()
        assert (mine / "evaluate-test" / "predictions.csv").exists()
        assert run("evaluate", "--compare", *at, "--out", "mine").stdout.count("knn") >= 2


def test_what_only_reads_works_in_anothers_workspace(world: World, lab: Path) -> None:
    featurized(lab)
    at = ("--workspace", str(lab))
    key = next(lab.rglob("Y*.wav")).stem[1:]
    with as_stranger(lab) as own:
        for words in (
            ("status",),
            ("inspect", key),
            ("verify",),
            ("freeze", "--out", str(own / "manifest")),
            ("export", "kaldi", "--out", str(own / "kaldi"), "--metadata", str(world.lists)),
            ("report", "--out", str(own / "report"), "--per-class", "1"),
        ):
            done = run(*words, *at)
            assert done.returncode == 0, (words, done.stderr)
        refused("report", *at)
        refused("fetch", *at, give="Choose another folder with --workspace")
        assert "cannot be written to" in run("doctor", "--json", *at).stdout
