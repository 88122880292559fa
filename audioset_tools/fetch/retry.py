"""When a clip that failed for now is tried again, and when no more."""

import random

from tenacity import RetryCallState, Retrying, stop_after_attempt, wait_exponential

LONGEST_WAIT = 3_600.0
"""Seconds; a clip's own trouble rarely lasts longer than a lock-out would."""


def retry_at(key: str, attempts: int, now: float, first_wait: float, most_attempts: int) -> float | None:
    """When to try again: a doubling wait with up to a quarter of jitter, or None after the last attempt.

    Args:
        key: the clip; its jitter depends on nothing else, so that a rerun decides alike.
        attempts: how many failed so far, at least 1.
        now: seconds since the epoch.
        first_wait: seconds before the second attempt.
        most_attempts: after so many the failure is taken for final.
    """
    state = RetryCallState(Retrying(), None, (), {})
    state.attempt_number = attempts
    if stop_after_attempt(most_attempts)(state):
        return None
    wait = wait_exponential(multiplier=first_wait, max=LONGEST_WAIT)(state)
    return now + wait * (1 + random.Random(f"{key} {attempts}").random() / 4)
