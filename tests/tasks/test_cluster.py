"""Tasks done by a Dask cluster: the same as alone, also when a worker or the scheduler dies."""

import json
import os
import signal
from pathlib import Path

import pytest
from distributed import LocalCluster

from audioset_tools.exceptions import DataMismatch, EnvironmentProblem
from audioset_tools.tasks import cluster as module
from audioset_tools.tasks.division import Division
from audioset_tools.tasks.engine import run_tasks
from audioset_tools.tasks.installation import installation


def refuse(number: int) -> None:
    """A task of which nothing comes."""
    raise DataMismatch(f"number {number}", "Choose another.")


def once(path: Path) -> str:
    """A task whose first worker dies."""
    if not path.exists():
        path.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "done"


def absent(path: Path) -> bool:
    """A task whose answer changes with the world."""
    return not path.exists()


def test_tasks_are_done_by_workers_and_told_as_they_come(cluster: LocalCluster, tmp_path: Path) -> None:
    told: dict[int, int] = {}
    with Division(scheduler=cluster.scheduler_address).engine(tmp_path, print) as by:
        assert not by.is_here and by.count() == 2 and by.words == "2 at once"
        assert by.place(Path("clips")).is_absolute()
        run_tasks(by, abs, range(-20, 0), told.__setitem__)
        assert by.call(os.getpid) != os.getpid()
    assert told == {-n: n for n in range(1, 21)}
    assert list(tmp_path.iterdir()) == []


def test_a_scheduler_is_found_by_its_file(cluster: LocalCluster, tmp_path: Path) -> None:
    told = tmp_path / "scheduler.json"
    told.write_text(json.dumps({"address": cluster.scheduler_address}))
    with Division(scheduler=str(told)).engine(tmp_path, print) as by:
        assert by.call(abs, -3) == 3


def test_the_same_task_is_done_again(cluster: LocalCluster, tmp_path: Path) -> None:
    with Division(scheduler=cluster.scheduler_address).engine(tmp_path, print) as by:
        assert by.call(absent, tmp_path / "shard")
        (tmp_path / "shard").touch()
        assert not by.call(absent, tmp_path / "shard")


def test_our_errors_come_back_as_they_are(cluster: LocalCluster, tmp_path: Path) -> None:
    with (
        pytest.raises(DataMismatch, match="number 7") as caught,
        Division(scheduler=cluster.scheduler_address).engine(tmp_path, print) as by,
    ):
        run_tasks(by, refuse, [7], lambda task, done: None)
    assert caught.value.remedy == "Choose another."


def test_a_lost_worker_costs_one_task(cluster: LocalCluster, tmp_path: Path) -> None:
    told: list[str] = []
    with Division(scheduler=cluster.scheduler_address).engine(tmp_path, print) as by:
        run_tasks(by, once, [tmp_path / "a", tmp_path / "b"], lambda task, done: told.append(done))
    assert told == ["done", "done"]


def test_a_task_that_kills_every_worker_is_told(cluster: LocalCluster, tmp_path: Path) -> None:
    with (
        pytest.raises(EnvironmentProblem, match="killed its workers") as caught,
        Division(scheduler=cluster.scheduler_address).engine(tmp_path, print) as by,
    ):
        run_tasks(by, os._exit, [1], lambda task, done: None)
    assert "memory" in caught.value.remedy


def test_a_worker_with_another_installation_is_refused(
    cluster: LocalCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "installation", lambda: {**installation(), "numpy": "1.0"})
    with (
        pytest.raises(EnvironmentProblem, match=r"another installation: numpy .* in place of 1\.0"),
        Division(scheduler=cluster.scheduler_address).engine(tmp_path, print) as by,
    ):
        by.call(abs, -1)


def test_a_worker_that_sees_another_folder_is_refused(cluster: LocalCluster, tmp_path: Path) -> None:
    with (
        pytest.raises(EnvironmentProblem, match="does not see"),
        Division(scheduler=cluster.scheduler_address).engine(tmp_path, print) as by,
    ):
        # As on a machine where another disk lies there.
        for mark in tmp_path.iterdir():
            mark.unlink()
        by.call(abs, -1)


def test_where_nobody_answers_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CONNECT_S", 0.2)
    with (
        pytest.raises(EnvironmentProblem, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"),
        Division(scheduler="tcp://127.0.0.1:9").engine(tmp_path, print),
    ):
        pass


def test_a_scheduler_that_goes_away_is_told(tmp_path: Path) -> None:
    told: list[str] = []
    with (
        LocalCluster(
            n_workers=1,
            processes=False,
            protocol="tcp",
            dashboard_address=":0",
            host="127.0.0.1",
            silence_logs=50,
        ) as brief,
        pytest.raises(EnvironmentProblem, match="the scheduler is gone"),
        Division(scheduler=brief.scheduler_address).engine(tmp_path, told.append) as by,
    ):
        brief.close()
        by.call(abs, -1)
