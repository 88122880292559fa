"""Which way of resolving a video is tried first: what works is learned, and shared by all threads.

YouTube switches clients off, and on again. Neither the clients nor their order are known anywhere but in
`EXTRACTIONS`; the user's own `extractor_args` take its place.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from ..types import Reason, Scope

CLIENT_TROUBLE = frozenset(
    {Reason.NO_FORMATS, Reason.CLIENT, Reason.MEDIA_REFUSED, Reason.BAD_ANSWER, Reason.UNKNOWN}
)
"""What may be the client's fault and not the video's: another client may fare better."""


@dataclass(frozen=True, slots=True)
class Extraction:
    """One way of resolving a video.

    Args:
        name: for people.
        arguments: yt-dlp's `extractor_args`.
        most_requests: page and player requests for one video, further ones are not sent; None for no limit.
    """

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    most_requests: int | None = None


EXTRACTIONS = (
    Extraction(
        "lean",
        {
            "youtube": {
                "player_client": ["visionos"],
                "player_skip": ["webpage", "configs", "js", "initial_data"],
            }
        },
        # A second one is yt-dlp's attempt at an age gate, with a client that is of no use without JavaScript.
        most_requests=1,
    ),
    Extraction("default"),
)
"""One request of 2.7 kB first (FACTS section 2); else yt-dlp's own choice, which its releases keep up."""


class Preference:
    """The order in which two extractions are tried.

    Args:
        patience: so many videos in a row that the first failed and the other got make them change places.
        again: so many videos after a change the cheap one, number 0, is tried first once more.
    """

    def __init__(self, patience: int = 3, again: int = 50) -> None:
        self._patience = patience
        self._again = again
        self._lock = Lock()
        self._first = 0
        self._beaten = 0
        self._broken = 0
        self._since = 0

    @property
    def first(self) -> int:
        """The number of the extraction that is tried first."""
        return self._first

    def order(self) -> tuple[int, int]:
        """The numbers of the extractions as they are to be tried for the next video."""
        with self._lock:
            self._since += 1
            first = 0 if self._since % self._again == 0 else self._first
            return first, 1 - first

    def worked(self, order: tuple[int, ...], number: int) -> None:
        """Tell that of those in `order`, `number` got the video, and those before it did not."""
        with self._lock:
            if number == self._first:
                self._beaten = self._broken = 0
            elif order[0] == number:
                self._change(number)
            else:
                self._beaten += 1
                if self._beaten >= self._patience:
                    self._change(number)

    def leads_on(self, reason: Reason) -> bool:
        """Whether the other extraction is to be tried after one failed for a reason."""
        with self._lock:
            if reason.scope is not Scope.PASSING:
                self._broken = 0
                return False
            # A server in trouble is left alone, unless it is in trouble with this client every time.
            self._broken += reason is Reason.SERVER_ERROR
            return reason in CLIENT_TROUBLE or self._broken > self._patience

    def _change(self, number: int) -> None:
        self._first = number
        self._beaten = self._broken = self._since = 0
