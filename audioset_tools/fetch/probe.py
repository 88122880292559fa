"""One question to YouTube, asked as `fetch` asks: through its source, from its budget, and remembered."""

import re
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from ..clock import steady
from ..ledger import Ledger
from ..types import UNREACHED, Reason, Scope
from .extractions import EXTRACTIONS
from .pace import Pace
from .rate import PacePolicy
from .source import FetchError
from .youtube import KNOWN_ALIVE, YouTube


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of it.

    Args:
        reason: why no audio came, or None if it did.
        said: the format that came, or the words of the refusal.
        sent: whether anything was sent; nothing is while everyone is paused.
        paused_until: seconds since the epoch; in the past where nobody has to wait.
    """

    reason: Reason | None
    said: str
    sent: bool
    paused_until: float


def ask(
    ledger: Ledger | None,
    policy: PacePolicy,
    *,
    proxy: str | None,
    check_certificate: bool,
    clock: Callable[[], float] = steady,
) -> Answer:
    """Send one player request, and read the ten seconds of audio that it resolves.

    Args:
        ledger: where the pace is kept; None if there is none yet.
        policy: the bounds of the pace.
        proxy, check_certificate: as for `YouTube`.
        clock: seconds since the epoch.

    Raises:
        UsageError: yt-dlp does not take the proxy.
    """
    pace = Pace(policy, ledger.get("pace") if ledger else None, clock)
    if pace.state.paused_until > clock():
        return Answer(pace.state.reason, "", False, pace.state.paused_until)
    began = clock()
    with closing(
        YouTube(pace, proxy=proxy, check_certificate=check_certificate, extractions=EXTRACTIONS[:1])
    ) as source:
        try:
            reason, said = None, source.open(KNOWN_ALIVE).origin
        except FetchError as error:
            reason, said = error.reason, _without_addresses(error.detail)
            if reason.scope is Scope.RUN and reason not in UNREACHED:
                pace.refused(reason, error.sent_at or began, error.retry_after)
                if ledger:
                    ledger.note("paused", reason, f"asked by doctor: {said}", clock())
    if ledger:
        ledger.put("pace", pace.to_json())
    return Answer(reason, said, True, pace.state.paused_until)


def _without_addresses(said: str) -> str:
    """An error's words without addresses: they can hold a proxy's password or name the user's own."""
    return re.sub(r"\b\w+://\S+", "<address>", said)[:300]
