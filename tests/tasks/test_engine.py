"""Tasks done by threads: all of them, as they come, and none after an error or Ctrl-C."""

import threading
from collections.abc import Callable

import pytest

from audioset_tools.tasks.engine import run_tasks, threads


@pytest.mark.parametrize("jobs", [1, 3])
def test_each_task_is_done_once_and_told_in_this_thread(jobs: int) -> None:
    told: dict[int, int] = {}
    here = threading.get_ident()

    def add(task: int, done: int) -> None:
        assert threading.get_ident() == here and task not in told
        told[task] = done

    with threads(jobs) as by:
        run_tasks(by, abs, range(-50, 0), add)
    assert told == {-n: n for n in range(1, 51)}


def test_no_more_are_begun_than_are_soon_done() -> None:
    begun: list[int] = []
    go_on = threading.Event()

    def work(task: int) -> None:
        begun.append(task)
        go_on.wait()

    submitted: list[int] = []
    with threads(1) as by:
        counting = _counting(by.submit, submitted)
        by = type(by)(counting, by.count)
        run_tasks(by, work, range(1_000), lambda task, _: None, lambda: go_on.set() if len(begun) else None)
        assert len(begun) == 1_000
    assert max(submitted) <= 4


def _counting(submit: Callable[..., object], waiting: list[int]) -> Callable[..., object]:
    """Counts what waits at each time."""
    futures: list[object] = []

    def counted(*args: object) -> object:
        futures.append(submit(*args))
        waiting.append(sum(not future.done() for future in futures))  # type: ignore[attr-defined]
        return futures[-1]

    return counted


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_after_an_error_nothing_is_begun(error: type[BaseException]) -> None:
    begun: list[int] = []

    def stop(task: int, _: object) -> None:
        raise error

    with pytest.raises(error), threads(1) as by:
        run_tasks(by, begun.append, range(1_000), stop)
    # What was handed to the thread before it was told may be.
    assert len(begun) <= 4


def test_an_error_of_a_task_is_raised() -> None:
    with pytest.raises(ZeroDivisionError), threads(2) as by:
        run_tasks(by, lambda task: 1 // task, [1, 2, 0, 3], lambda task, done: None)


def test_nothing_to_do_is_done() -> None:
    with threads() as by:
        run_tasks(by, abs, [], lambda task, done: pytest.fail("no task"))
