"""The first minute of a fetch: a clip known to be alive is asked for, and what it means if there is none."""

from ..exceptions import AudiosetToolsError, EnvironmentProblem, Paused
from ..sources.source import FetchError
from ..types import LASTING, UNREACHED, Reason, Scope

RECENTLY_S = 600.0
"""A run that begins so soon after a clip does not ask for one that is known to be alive."""

LONG_PAUSE_S = 600.0
"""After a longer pause a clip known to be alive is asked for before any other."""

_TRIES = 3
_AGAIN_AFTER_S = 2.0
_LATEST_S = 20.0
"""A failure that may be chance is tried again, as far as the minute allows."""

_NO_SOUND = {Reason.DECODE, Reason.SILENT, Reason.NO_AUDIO}
_NO_ANSWER = {Reason.TIMEOUT, Reason.CONNECTION}


_MENDS = {
    Reason.PROXY: "See to the proxy (--proxy, HTTPS_PROXY)",
    Reason.CERTIFICATE: "See who stands between you and YouTube (a proxy?), and to the clock",
    Reason.RESTRICTED: "Use another network: this one's administrator has YouTube hide videos",
}


class Opening:
    """Tries at a clip known to be alive before the first candidate.

    Args:
        first_wait: how long a network that is away is waited for, in seconds.
    """

    def __init__(self, first_wait: float) -> None:
        self._first_wait = first_wait
        self._since: float | None = None
        self._failed = 0
        self.again_at = 0.0

    def asked(self, at: float) -> None:
        """One is asked for at a time, in seconds since the epoch."""
        self._since = at if self._since is None else self._since

    def ends(self, error: FetchError, now: float, paused_until: float) -> bool:
        """Whether a failure ends the command; else it is tried again at `again_at`, or after the pause."""
        passed = now - (now if self._since is None else self._since)
        if error.reason is Reason.NETWORK_DOWN:
            return passed + max(0.0, paused_until - now) >= self._first_wait
        if error.reason is Reason.TOO_MANY_REQUESTS and error.retry_after is not None:
            # The pace waits as long as it was asked to; then a new minute begins.
            self._since = None
            return False
        if error.reason.scope is Scope.RUN:
            return True
        self._failed += 1
        self.again_at = now + _AGAIN_AFTER_S
        return self._failed >= _TRIES or passed > _LATEST_S


def step_of(error: FetchError) -> str:
    """How far a try came: "connection", "visitor id", "player", "stream" or "decoding"."""
    asked = error.step in ("", "visitor id", "player")
    if error.reason in UNREACHED or (asked and error.reason in _NO_ANSWER):
        return "connection"
    if error.step:
        return error.step
    if error.reason in _NO_SOUND:
        return "decoding"
    return "stream" if error.reason in (Reason.MEDIA_REFUSED, Reason.TRUNCATED) else "player"


def no_beginning(error: FetchError, nightly: str, when: str | None) -> AudiosetToolsError:
    """The error where not even a clip known to be alive is available.

    Args:
        nightly: the advice of yt-dlp's nightly build.
        when: until when everyone is paused, in words; None if there is no pause.
    """
    step, said = step_of(error), error.detail.partition("\n")[0][:200]
    what = (
        f"not even a clip known to be alive can be fetched; it fails at the {step} ({error.reason}: {said})"
    )
    after = f" after {when}" if when else ""
    other = "or take another source, --source local:DIR; nothing is lost."
    if error.reason in LASTING:
        return EnvironmentProblem(
            what, f"{_MENDS[error.reason]}; `audioset-tools doctor --network` shows more. Nothing is lost."
        )
    if step == "connection":
        return EnvironmentProblem(
            what, "See to the network and --proxy, then run the same command again; nothing is lost."
        )
    if step == "decoding":
        return EnvironmentProblem(
            what, "See to ffmpeg: `audioset-tools doctor` tells which one is used. Nothing is lost."
        )
    if error.reason.scope is Scope.RUN:
        return Paused(
            what,
            f"Run the same command again{after}; if it stays so, from the network that you normally use,"
            f" through its --proxy, or with --cookies (at the account's risk), {other} {nightly}",
        )
    return Paused(what, f"{nightly} Then run the same command again, {other}")
