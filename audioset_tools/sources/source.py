"""What a source of audio is: it finds one candidate's audio and says how to read it.

`youtube` is one, `local` (a copy that the user already has) another. Each raises `FetchError` with a
`Reason` for everything that can go wrong, so that nobody else needs to know its errors. Their texts quote
addresses and headers of yt-dlp, urllib3 and ffmpeg; a proxy's address holds its password, a media address is
signed for the user's own. So they are masked: enough is kept to understand an error, nothing that opens a
door.
"""

import re
import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..audio.ffmpeg import DecodeError, DecodeFault, Media
from ..audio.messages import summed_up
from ..audio.segment import TOLERANCE_MS
from ..types import Candidate, Reason, VideoInfo
from .pace import Pace
from .reasons import reason_of_decoding


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Audio that holds a segment, ready for the decoder.

    Args:
        media: what the decoder reads.
        origin: where it came from, for the record: `youtube webm/opus 251 by lean`.
        length_ms: how long the whole recording is; None if unknown.
        begins_ms: where on the recording's time line `media` begins.
        tail_ms: how much longer than the segment a file may be that is taken to end with it; None if it may
            go on.
        video: what the source tells of the video.
        tells_form: whether `origin` tells already in which form the sound is; else the decoder does.
    """

    media: Media
    origin: str
    length_ms: int | None = None
    begins_ms: int = 0
    tail_ms: int | None = None
    video: VideoInfo | None = None
    tells_form: bool = False

    def described(self, form: str) -> str:
        """The origin, with the form that a decoder found."""
        return self.origin if self.tells_form or not form else f"{self.origin} {form}"

    def span(self, candidate: Candidate) -> tuple[int, int]:
        """Where a candidate's segment starts and ends on the time line of `media`."""
        return candidate.start_ms - self.begins_ms, candidate.end_ms - self.begins_ms


Undecoded = tuple[Excerpt, DecodeError]
"""An excerpt that could not be decoded, and why."""


class FetchError(Exception):
    """A candidate's audio is not available.

    Args:
        reason: why, and so whom it concerns.
        detail: the source's own words; what is secret in them is masked.
        retry_after: seconds that the server asks us to wait.
        sent_at: when the refused request went out, seconds since the epoch.
        step: where it failed: "connection", "visitor id", "player", "stream" or "decoding"; "" if
            unknown.
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
        self.detail = masked(detail)
        super().__init__(f"{reason}: {self.detail}")
        self.retry_after = retry_after
        self.sent_at = sent_at
        self.step = step


class Source(Protocol):
    """Where audio comes from; called by several threads at once."""

    @property
    def name(self) -> str:
        """`youtube`, `local`, ...: the first word of its clips' `source`."""

    @property
    def pace(self) -> Pace | None:
        """The budget of its requests; None if it asks nobody."""

    @property
    def known_alive(self) -> Candidate | None:
        """A candidate whose audio is surely available; None where nothing is sure."""

    def videos(self) -> Iterable[str] | None:
        """The ids of all videos that it has anything of; None where nobody knows."""

    def holds(self, candidate: Candidate) -> bool:
        """Whether it may have a candidate's audio, as far as that is known without asking anybody."""

    def open(self, candidate: Candidate) -> Excerpt:
        """Find a candidate's audio.

        Raises:
            FetchError: it is not available now, or ever.
        """

    def alternative(self, candidate: Candidate, failed: Sequence[Undecoded]) -> Excerpt:
        """Find other audio of a candidate.

        Args:
            candidate: the one that was opened.
            failed: what was tried so far, at least one, in its order.

        Raises:
            FetchError: there is no other; the verdict.
        """

    def close(self) -> None:
        """Give back connections."""


def cut_remark(clips: Mapping[str, int]) -> str | None:
    """What is not promised of clips, counted by the source that they came from; None if all are YouTube's."""
    copied = sum(n for source, n in clips.items() if source != "youtube")
    if not copied:
        return None
    return (
        f"{copied:,} of {sum(clips.values()):,} clips are from a mirror or a copy: where it cut the segment"
        " itself, the cut is its own, and not promised to be right to 50 ms"
    )


_OF_SOUND = {Reason.DECODE, Reason.SILENT, Reason.NO_AUDIO, Reason.UNKNOWN}
"""What the decoder says of bytes that came; its other reasons tell of bytes that did not."""


def decode_failure(excerpt: Excerpt, error: DecodeError, end_ms: int) -> FetchError:
    """A failure to decode as the fetch understands it.

    Args:
        error: why it could not be.
        end_ms: where the segment ends on the recording's time line.
    """
    reason, detail = reason_of_decoding(error), error.message
    if error.fault is DecodeFault.SHORT:
        # ffmpeg may take a server's refusal in the middle for the end of the stream.
        if reason is not Reason.DECODE:
            detail = summed_up(error.output)
        elif excerpt.length_ms is not None and excerpt.length_ms < end_ms - TOLERANCE_MS:
            length_s, end_s = excerpt.length_ms / 1000, end_ms / 1000
            reason = Reason.BEYOND_END
            detail = f"the recording is {length_s:g} s long, the segment ends at {end_s:g} s"
        else:
            reason = Reason.TRUNCATED
    return FetchError(reason, detail, step="decoding" if reason in _OF_SOUND else "stream")


LONGEST = 8_000
"""Characters kept; what exceeds it loses its middle, for the cause stands at the end."""

_AUTHORITY = re.compile(r"//[^\s'\"<>]*")
_QUERY = re.compile(r"\?[^\s'\"<>]*")
_MEDIA = re.compile(r"(/videoplayback/)[^\s'\"<>]+")
_HEADER = re.compile(r"(?i)\b((?:set-)?cookie|(?:proxy-)?authorization)(['\"]?\s*[:=]\s*)[^\r\n]+")
_WORD = re.compile(r"[^\s'\"<>]*")
_SECRET_LINES = ("cookie", "authorization")
"""What a line holds whose rest is secret."""


def masked(text: str) -> str:
    """A text without users and passwords in addresses, without their queries, cookies and authorisations.

    At most `LONGEST` characters are kept, and no more are looked at: a stranger may send any number.
    """
    if len(text) <= LONGEST:
        return _masked(text)
    half = LONGEST // 2
    return f"{_masked(_begun(text[:half]))}\n[...]\n{_masked(_ended(text, len(text) - half))}"


def _masked(text: str) -> str:
    text = _AUTHORITY.sub(_without_user, text)
    text = _QUERY.sub(lambda found: "?***" if "=" in found[0] else found[0], text)
    return _HEADER.sub(r"\1\2***", _MEDIA.sub(r"\1***", text))


def _without_user(found: re.Match[str]) -> str:
    _, at, host = found[0].rpartition("@")
    return f"//***@{host}" if at else found[0]


def _begun(head: str) -> str:
    """The beginning of a text, without the word that goes on behind it, where the sign of a secret may be."""
    backwards = _WORD.match(head[::-1])
    return head[: len(head) - (backwards.end() if backwards else 0)]


def _ended(text: str, cut: int) -> str:
    """The end of a text from `cut` on, without the rest of what began before: a word, or a secret's line."""
    before = text[:cut].rstrip(string.whitespace + ":='\"")
    begins = max(before.rfind("\n"), before.rfind("\r")) + 1
    tail = text[cut:]
    if any(name in text[begins : cut + len(name)].lower() for name in _SECRET_LINES):
        # The name, its colon and the value may each stand on a line of its own.
        return "\n".join([one for one in tail.splitlines() if one.strip()][3:])
    return _WORD.sub("", tail, count=1)
