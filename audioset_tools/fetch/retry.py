"""When a clip that failed for now is tried again, when no more, and what the user may have tried again."""

import random
from collections.abc import Iterable

from tenacity import RetryCallState, Retrying, stop_after_attempt, wait_exponential

from ..errors import UsageError
from ..types import Reason, Scope

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


def reasons_named(names: Iterable[str]) -> frozenset[Reason]:
    """The reasons that `--retry` names: one for which a candidate can be out, or `passing` for all such.

    Raises:
        UsageError: there is no such reason, or it is the run's, or the user's own.
    """
    choice = [r for r in Reason if r.scope is not Scope.RUN and r is not Reason.FORGOTTEN]
    found: set[Reason] = set()
    for name in names:
        named = {r for r in choice if name == r or (name == "passing" and r.scope is Scope.PASSING)}
        if not named:
            raise UsageError(
                f"--retry {name}: no candidate is ever out for that, or it stays so",
                f"Choose passing, or one of {', '.join(choice)}.",
            )
        found |= named
    return frozenset(found)
