"""One works alone, or several that agree, whether the kernel has locks there, or not, or only says so."""

import errno
import fcntl
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from audioset_tools import locks
from audioset_tools.exceptions import EnvironmentProblem
from audioset_tools.locks import STALE, WATCHED, hold, holders, lock_by_kernel, renew
from audioset_tools.processes import this_process
from audioset_tools.workspace import Workspace

ELSEWHERE = replace(this_process(), host="node12", machine="00000000", pid=4711, started=5)


def _says(number: int) -> Callable[..., None]:
    def flock(descriptor: int, operation: int) -> None:
        raise OSError(number, os.strerror(number))

    return flock


def _lies(descriptor: int, operation: int) -> None:
    """As `localflock` and many a FUSE mount: nobody on another machine hears of it."""


@pytest.fixture(params=["locks", "no locks", "lies"])
def kernel(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """What the disk does about `flock`."""
    if request.param != "locks":
        flock = _says(errno.ENOSYS) if request.param == "no locks" else _lies
        monkeypatch.setattr(fcntl, "flock", flock)
    return str(request.param)


@contextmanager
def taken(path: Path, shared: bool = False) -> Iterator[None]:
    with hold(path, "somebody works", "Wait.", shared, sleep=lambda seconds: None):
        yield


def lease_of(path: Path, kind: str = "exclusive", process: object = ELSEWHERE, age: float = 0.0) -> Path:
    """What another one's lease looks like, touched `age` seconds ago."""
    lease = path.with_name(f"{path.name}.{kind}.1700000000.{process}.0a1b2c3d.lease")
    lease.touch()
    os.utime(lease, (time.time() - age,) * 2)
    return lease


@pytest.mark.usefixtures("kernel")
def test_one_that_works_alone_keeps_all_others_out_and_those_that_share_each_other_in(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    for shared in (False, True):
        with taken(lock), pytest.raises(EnvironmentProblem, match="somebody works"), taken(lock, shared):
            pass
    with taken(lock, shared=True), taken(lock, shared=True):
        assert [one.shared for one in holders(lock)] == [True, True]
        with pytest.raises(EnvironmentProblem, match="somebody works"), taken(lock):
            pass
    with taken(lock):
        assert [one.shared for one in holders(lock)] == [False]
    assert list(tmp_path.iterdir()) == [lock]


@pytest.mark.usefixtures("kernel")
def test_who_works_and_since_when_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 1_700_000_000.0)
    monkeypatch.setattr(locks, "clock_time", lambda at: f"time {at}")
    with taken(tmp_path / "lock"), pytest.raises(EnvironmentProblem) as refused, taken(tmp_path / "lock"):
        pass
    me = this_process()
    assert refused.value.what == f"somebody works (process {me.pid} on {me.host}, since time 1700000000)"


@pytest.mark.parametrize(
    "number", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL]
)
def test_a_disk_without_locks_is_not_told_as_somebody_at_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(fcntl, "flock", _says(number))
    with Workspace(tmp_path).lock():
        assert Workspace(tmp_path).busy()
    assert not Workspace(tmp_path).busy()
    with (tmp_path / "file").open("w") as file:
        assert not lock_by_kernel(file.fileno())


@pytest.mark.parametrize("number", [errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES])
def test_somebody_at_work_is_told_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(fcntl, "flock", _says(number))
    with pytest.raises(EnvironmentProblem, match="is working in"), Workspace(tmp_path).lock():
        pass


def test_another_trouble_is_told_as_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fcntl, "flock", _says(errno.EIO))
    said = "lock cannot be locked: Input/output error"
    with pytest.raises(EnvironmentProblem, match=said), taken(tmp_path / "lock"):
        pass


@pytest.mark.parametrize("age", [0.0, STALE - 30])
def test_a_lease_of_another_machine_holds_while_it_is_touched(tmp_path: Path, age: float) -> None:
    lease, waits = lease_of(tmp_path / "lock", age=age), list[float]()
    hopeful = hold(tmp_path / "lock", "x", "y", sleep=waits.append)
    with pytest.raises(EnvironmentProblem, match=r"process 4711 on node12, since"), hopeful:
        pass
    assert lease.exists() and WATCHED not in waits
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lock", lease.name]


def test_one_that_was_not_touched_for_long_is_watched_and_then_goes(tmp_path: Path) -> None:
    lease, waits = lease_of(tmp_path / "lock", age=STALE + 30), list[float]()
    assert holders(tmp_path / "lock") == []
    with hold(tmp_path / "lock", "x", "y", sleep=waits.append):
        assert not lease.exists()
    assert waits == [WATCHED]


def test_a_machine_whose_clock_is_late_keeps_its_lease_if_it_touches_it(tmp_path: Path) -> None:
    """Where the disk takes the time from whoever writes."""
    lease = lease_of(tmp_path / "lock", age=10_000)

    def meanwhile(seconds: float) -> None:
        os.utime(lease, (time.time() - 10_000 + seconds,) * 2)

    hopeful = hold(tmp_path / "lock", "x", "y", sleep=meanwhile)
    with pytest.raises(EnvironmentProblem, match="node12"), hopeful:
        pass
    assert lease.exists()


@pytest.mark.usefixtures("kernel")
def test_of_a_process_of_this_machine_that_died_the_lease_goes_at_once(tmp_path: Path) -> None:
    code = f"""
import time
from audioset_tools.workspace import Workspace
with Workspace({str(tmp_path)!r}).lock():
    print("held", flush=True)
    time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=-1, text=True) as child:
        assert child.stdout is not None and child.stdout.readline() == "held\n"
        with pytest.raises(EnvironmentProblem, match=f"process {child.pid} on"), taken(tmp_path / "lock"):
            pass
        child.kill()
    assert [path.suffix for path in tmp_path.iterdir() if path.name != "lock"] == [".lease"]
    assert not Workspace(tmp_path).busy()
    with taken(tmp_path / "lock"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


def test_the_number_of_a_dead_process_that_another_one_has_now_holds_nothing(tmp_path: Path) -> None:
    me = this_process()
    lease_of(tmp_path / "lock", process=replace(me, started=me.started - 1))
    with taken(tmp_path / "lock"):
        pass


def test_what_somebody_else_calls_a_lease_is_none(tmp_path: Path) -> None:
    for name in ("lock.lease", "lock.exclusive.x.lease", f"lock2.exclusive.1.{ELSEWHERE}.0a.lease"):
        (tmp_path / name).touch()
    with taken(tmp_path / "lock"):
        pass
    assert len(list(tmp_path.iterdir())) == 4


def _work(folder: Path, rng: random.Random, rounds: int) -> int:
    """Take the lock again and again, and see that no other has it; how often it was got."""
    got, alone = 0, folder / "alone"
    for _ in range(rounds):
        shared = rng.random() < 0.5
        try:
            with taken(folder / "lock", shared):
                if shared:
                    assert not alone.exists()
                else:
                    alone.touch(exist_ok=False)
                    time.sleep(0)
                    alone.unlink()
                got += 1
        except EnvironmentProblem:
            continue
    return got


@pytest.mark.usefixtures("kernel")
def test_threads_that_race_never_both_win(tmp_path: Path) -> None:
    with ThreadPoolExecutor(6) as pool:
        got = list(pool.map(lambda seed: _work(tmp_path, random.Random(seed), 25), range(6)))
    assert sum(got) > 0 and not (tmp_path / "alone").exists()


def test_processes_that_race_by_leases_alone_never_both_win(tmp_path: Path) -> None:
    code = """
import errno, fcntl, random, sys
from pathlib import Path
from tests.test_locks import _says, _work
fcntl.flock = _says(errno.ENOSYS)
print(_work(Path(sys.argv[1]), random.Random(int(sys.argv[2])), 40))
"""
    words = [sys.executable, "-c", code, str(tmp_path)]
    racers = [subprocess.Popen([*words, str(seed)], stdout=-1, text=True) for seed in range(2)]
    got = [int(racer.communicate()[0]) for racer in racers]
    assert [racer.returncode for racer in racers] == [0, 0] and sum(got) > 0


@pytest.mark.usefixtures("kernel")
def test_without_words_for_an_error_the_others_are_waited_for(tmp_path: Path) -> None:
    lock, within = tmp_path / "lock", threading.Event()
    order = []

    def waiter() -> None:
        with hold(lock, sleep=lambda seconds: within.set()):
            order.append("second")

    with ThreadPoolExecutor(1) as pool:
        with taken(lock):
            done = pool.submit(waiter)
            assert within.wait(10)
            order.append("first")
        done.result(10)
    assert order == ["first", "second"]


def test_a_lease_is_touched_until_the_end_and_its_loss_stops_the_program(tmp_path: Path) -> None:
    lease, lost, stopped, moments = tmp_path / "lease", threading.Event(), list[str](), list[float]()
    lease.touch()

    def wait(seconds: float) -> bool:
        moments.append(lease.stat().st_mtime)
        if len(moments) == 3:
            lease.unlink()
        else:
            os.utime(lease, (0, 0))
        return False

    renew(lease, wait, lost, lambda: stopped.append("stopped"))
    assert moments[0] > 0 and moments[1] > 0 and stopped == ["stopped"] and lost.is_set()
    lease.touch()
    lost.clear()
    renew(lease, lambda seconds: True, lost, lambda: stopped.append("again"))
    assert stopped == ["stopped"] and not lost.is_set()


def test_who_was_held_up_so_long_that_another_took_the_lock_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def at_once(lease: Path, wait: Callable[[float], bool], lost: threading.Event) -> None:
        renew(lease, lambda seconds: wait(0.001), lost, lambda: None)

    monkeypatch.setattr(locks, "renew", at_once)
    with pytest.raises(EnvironmentProblem, match="another one took"), taken(tmp_path / "lock"):
        holders(tmp_path / "lock")[0].path.unlink()
        next(one for one in threading.enumerate() if one.name == "lease").join(10)


def test_a_disk_that_is_away_for_a_while_loses_no_lease(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers, lost = iter([False, True]), threading.Event()

    def away(*words: object, **further: object) -> None:
        raise OSError(errno.EIO, "away")

    monkeypatch.setattr(os, "utime", away)
    renew(tmp_path / "lease", lambda seconds: next(answers), lost, lambda: pytest.fail("stopped"))
    assert not lost.is_set()


def test_a_folder_that_takes_no_lease_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lock").touch()

    def full(*words: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(locks, "this_process", full)
    with pytest.raises(EnvironmentProblem, match="cannot be locked: No space left"), taken(tmp_path / "lock"):
        pass
