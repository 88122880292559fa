"""When one extraction's verdict is believed, and when the other one is asked before anything is lost.

What one client gets as an answer, in generic words, may be true of that client alone. So the other extraction
is asked, until it has agreed so often that the expected share of living videos among those with the same
answer falls below `WRONG`. With `a` verdicts confirmed and `d` contradicted that share is (Laplace's rule of
succession)

    (d + 1) / (a + d + 2)

so that it takes 19 confirmations and no contradiction. Afterwards every `SAMPLE`-th one is still asked.

A refusal of the run that one extraction meets alone is no reason for all to pause. But where both are
refused, the second is not asked again before one of them is answered: a block costs one second opinion.
"""

import re
from collections.abc import Mapping
from threading import Lock

from ..types import Reason, Scope
from .reasons import generic
from .source import FetchError

WRONG = 0.05
"""The expected share of living videos among those given up unasked that is borne."""

SAMPLE = 20
"""Of so many generic verdicts that are believed one is checked all the same."""

ALONE = frozenset({Reason.BOT_CHECK, Reason.RATE_LIMITED, Reason.WRONG_VIDEO})
"""Refusals of the run that may be one client's. HTTP 429 and a captcha are the address's."""

OUT_OF_ORDER = 3
"""An extraction that failed so many videos in a row without a verdict of its own can confirm nothing."""

_LONGEST = 80
_MOST_WORDINGS = 200


class Opinions:
    """What second opinions came to so far; used by several threads at once.

    Args:
        confirmed: wording -> how often confirmed and contradicted, from an earlier run.
    """

    def __init__(self, confirmed: Mapping[str, tuple[int, int]] | None = None) -> None:
        self._lock = Lock()
        self._counts = {words: list(counts) for words, counts in (confirmed or {}).items()}
        self._believed: dict[str, int] = {}
        self._mute = 0
        self._refused = False

    @property
    def confirmed(self) -> dict[str, tuple[int, int]]:
        """Wording -> how often confirmed and contradicted."""
        with self._lock:
            return {words: (agreed, not_so) for words, (agreed, not_so) in self._counts.items()}

    def wanted_for_verdict(self, reason: Reason, words: str) -> bool:
        """Whether the other extraction is to be asked about a final verdict."""
        if not generic(reason, words):
            return False
        with self._lock:
            if self._mute >= OUT_OF_ORDER:
                # It may work again: that is found out as rarely as a belief is checked.
                return self._sampled("")
            phrase = wording(reason, words)
            agreed, not_so = self._counts.get(phrase, (0, 0))
            return (not_so + 1) / (agreed + not_so + 2) >= WRONG or self._sampled(phrase)

    def wanted_for_refusal(self, reason: Reason) -> bool:
        """Whether the other extraction is to be asked after a refusal of the run."""
        with self._lock:
            return reason in ALONE and not self._refused

    def settled(self, reason: Reason, words: str, agreed: bool) -> None:
        """Tell whether the other extraction confirmed a verdict."""
        with self._lock:
            self._mute = 0
            phrase = wording(reason, words)
            if phrase in self._counts or len(self._counts) < _MOST_WORDINGS:
                self._counts.setdefault(phrase, [0, 0])[0 if agreed else 1] += 1

    def verdict(self, first: FetchError, second: FetchError) -> FetchError:
        """The verdict on a video that neither extraction got, and what that teaches.

        Args:
            first: why the one that was asked first did not.
            second: why the other one did not.
        """
        if second.reason.scope is Scope.RUN and second.reason not in ALONE:
            return second
        if first.reason.scope is Scope.RUN:
            if second.reason.scope is Scope.FINAL:
                self.answered()
                return second
            if second.reason.scope is Scope.RUN:
                self.refused_by_both()
            return first
        self.answered()
        if first.reason.scope is Scope.FINAL:
            if second.reason.scope is Scope.FINAL:
                self.settled(first.reason, first.detail, agreed=True)
                return first if generic(second.reason, second.detail) else second
            with self._lock:
                self._mute += 1
                return first if self._mute >= OUT_OF_ORDER else _both(Reason.CLIENT, first, second)
        return _both(first.reason, first, second) if second.reason.scope is Scope.RUN else second

    def refused_by_both(self) -> None:
        """Tell that both extractions were refused."""
        with self._lock:
            self._refused = True

    def answered(self) -> None:
        """Some client got an answer about a video."""
        with self._lock:
            self._refused = False

    def _sampled(self, phrase: str) -> bool:
        self._believed[phrase] = self._believed.get(phrase, 0) + 1
        return self._believed[phrase] % SAMPLE == 0


def wording(reason: Reason, words: str) -> str:
    """What is the same in all verdicts of a kind: no numbers, no names behind the first sentence."""
    first = re.split(r"[.\n]", words[:1_000].strip(), maxsplit=1)[0]
    return f"{reason}: {re.sub('[0-9]+', '#', first)[:_LONGEST]}"


def _both(reason: Reason, first: FetchError, second: FetchError) -> FetchError:
    detail = f"{first.detail}\nthe other extraction says {second.reason}: {second.detail}"
    return FetchError(reason, detail, sent_at=second.sent_at, step="player")
