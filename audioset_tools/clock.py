"""A clock that no correction of the system's time moves: for pauses and waits."""

import time


def _elapsed() -> float:
    # CLOCK_BOOTTIME goes on while a laptop sleeps, Linux's CLOCK_MONOTONIC does not.
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


_ORIGIN = time.time() - _elapsed()


def steady() -> float:
    """Seconds since the epoch as they were at the start of this process, and the seconds passed since.

    It never goes back and never jumps, so it drifts from the wall clock where that one is set again: good for
    measuring and for comparing within a process, and near enough for telling a time of day.
    """
    return _ORIGIN + _elapsed()
