"""What a source of audio is: it finds one candidate's sound and says how to read it.

There are two, `youtube` and (for a copy that the user already has) `local`; each raises `FetchError` with a
`Reason` for everything that can go wrong, so that nobody else needs to know its errors.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ..types import Candidate, Reason
from .detail import clean


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Audio that holds a segment, ready for the decoder.

    Args:
        media: container bytes that include the segment, a file, or an address that ffmpeg itself can read
            and seek.
        origin: where it came from and in which format, for the record: `youtube webm/opus 251 48000 Hz`.
        length_ms: how long the whole recording is; None if nobody said.
        headers: HTTP headers to send where `media` is an address.
        proxy: the proxy to go through where `media` is an address.
        verify_tls: whether to check certificates where `media` is an address.
        begins_ms: where on the recording's time line a file begins.
        tail_ms: how much longer than the segment a file may be that is believed to end with it: `Longer` is
            raised if it goes on. None if it may.
        instead: told why it cannot be decoded, gives other audio of the same segment, or raises the verdict;
            None if the decoder's word is the last.
    """

    media: bytes | Path | str
    origin: str
    length_ms: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    proxy: str | None = None
    verify_tls: bool = True
    begins_ms: int = 0
    tail_ms: int | None = None
    instead: "Callable[[FetchError], Excerpt] | None" = None


class FetchError(Exception):
    """A candidate's audio could not be had.

    Args:
        reason: why, and so whom it concerns.
        detail: the source's own words; what is secret in them is masked.
        retry_after: seconds that the server asks us to wait.
        sent_at: when the refused request went out, seconds since the epoch.
        step: where it failed: "connection", "visitor id", "player", "stream" or "decoding"; "" if nobody
            said.
    """

    def __init__(
        self,
        reason: Reason,
        detail: str,
        retry_after: float | None = None,
        sent_at: float | None = None,
        step: str = "",
    ) -> None:
        self.reason = reason
        self.detail = clean(detail)
        super().__init__(f"{reason}: {self.detail}")
        self.retry_after = retry_after
        self.sent_at = sent_at
        self.step = step


class Longer(FetchError):
    """A file that was believed to end with the segment goes on."""


class Late(FetchError):
    """A file's sound begins behind the segment: it may be timed as the whole video is."""


class Source(Protocol):
    """Where audio comes from; called by several threads at once."""

    @property
    def known_alive(self) -> Candidate | None:
        """Somebody whose audio can surely be had; None where nothing is sure."""

    def open(self, candidate: Candidate) -> Excerpt:
        """Find one candidate's audio.

        Raises:
            FetchError: it cannot be had now, or ever.
        """

    def close(self) -> None:
        """Give back connections."""
