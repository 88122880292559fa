"""Whose a refusal is: everyone's, or that of one video which YouTube always answers so.

A refusal of the run (a bot check, a 429, ...) is met while asking for one video, and its words do not tell
whether the next video would be refused too. The answers around it do: a refused candidate is asked for again
only after another one was, and if that one is granted, the refusal was the video's own. By chance too a video
is refused and the next one is not: with a share `p` of all other requests refused, `k` times in a row with
probability `p ** k`. From `CHANCE` on the video is put off, as one that failed for now.
"""

import json
from collections import deque
from dataclasses import dataclass

from ..files import parse_json
from ..sources.source import FetchError
from ..types import Candidate

CHANCE = 1e-3
"""Probability that a video is refused as often as this while others are granted, and is like the others."""

LEAST = 3
"""Refusals of its own before a video is put off, however rare refusals are."""

EVERYONE = 3
"""So many different videos refused in a row: none of them is at fault."""

_PRIOR = (1, 20)
"""Refused and granted requests that are assumed before any was seen."""


@dataclass(slots=True)
class RefusedAttempt:
    """A candidate that was refused and waits for another one's answer.

    Args:
        candidate: who; it keeps its place.
        attempts: how many failed before, refusals not among them.
        everyones: whether others were refused with it, so that it says nothing about the video.
    """

    candidate: Candidate
    attempts: int
    number: int
    error: FetchError
    everyones: bool = False


class Refusals:
    """Candidates that were refused, and how often while others were granted.

    Args:
        stored: what an earlier process knew (`to_json`), or None.
    """

    def __init__(self, stored: str | None = None) -> None:
        self._own = _read(stored)
        self._waiting: deque[RefusedAttempt] = deque()
        self._row: set[str] = set()
        self._granted = 0
        self._refused = 0

    @property
    def undecided(self) -> bool:
        """Whether a candidate waits for another's answer."""
        return bool(self._waiting)

    def suspected(self, candidate: Candidate) -> bool:
        """Whether a refusal of this candidate was its own before, so that it teaches the pace nothing."""
        return candidate.key in self._own

    def times(self, candidate: Candidate) -> int:
        """How often a candidate was refused while others were granted."""
        return self._own.get(candidate.key, 0)

    def refused(self, one: RefusedAttempt) -> None:
        """A candidate was refused."""
        self._refused += 1
        self._row.add(one.candidate.key)
        self._waiting.append(one)

    def everyones(self) -> None:
        """A clip known to be alive was refused as well: no refusal since the last grant was a video's own."""
        for one in self._waiting:
            one.everyones = True

    def granted(self, number: int) -> RefusedAttempt | None:
        """The attempt of this number was answered; who may be asked again after that, one at a time."""
        if len(self._row) >= EVERYONE:
            for one in self._waiting:
                one.everyones |= one.candidate.key in self._row
        self._row.clear()
        self._granted += 1
        # Its own answer tells nothing of its own refusal, nor does one that was asked for before.
        first = next((one for one in self._waiting if one.number < number), None)
        if first is not None:
            self._waiting.remove(first)
        return first

    def puts_off(self, one: RefusedAttempt) -> bool:
        """Count a refusal that others were granted around; whether there were too many for chance."""
        if one.everyones:
            return False
        times = self._own[one.candidate.key] = self.times(one.candidate) + 1
        others = max(0, self._refused - times) + _PRIOR[0]
        share = others / (others + self._granted + _PRIOR[1])
        return times >= LEAST and share**times < CHANCE

    def settled(self, candidate: Candidate) -> bool:
        """A candidate had another answer; whether it was suspected before."""
        return self._own.pop(candidate.key, None) is not None

    def forget_waiting(self) -> None:
        """None waits any more: all of them are asked for again."""
        self._waiting.clear()
        self._row.clear()

    def to_json(self) -> str:
        """What was counted, to be stored."""
        return json.dumps(self._own)


def _read(stored: str | None) -> dict[str, int]:
    """What was stored; nothing where nothing sensible was."""
    try:
        counts = parse_json(stored or "{}")
        return {str(key): times for key, times in counts.items() if isinstance(times, int) and times > 0}
    except (ValueError, AttributeError):
        return {}
