"""What trouble means: one table from what yt-dlp and ffmpeg raise and say to a `Reason`.

The run's reasons come first: YouTube wraps both kinds in "Video unavailable.", and taking a rate limit for a
removed video would write off a living one. Only YouTube's own words about the video are ever final; what no
row matches is `unknown` and tried again.
Sources: yt-dlp 2026.8.19, `extractor/youtube/_video.py`, `extractor/common.py`, `networking/exceptions.py`;
yt-dlp's issues; ffmpeg's `libavformat/http.c`.
"""

import re
from dataclasses import dataclass, replace
from enum import Flag, auto

from ..audio.ffmpeg import DecodeError, DecodeFault
from ..audio.messages import NO_SOUND
from ..types import Reason, Scope


class Stage(Flag):
    """Where trouble came up."""

    ANSWER = auto()
    """In YouTube's own words about the video."""
    PLAYER = auto()
    """On the way to those words: the watch page, the player request."""
    MEDIA = auto()
    """In reading the sound, by ourselves."""
    FFMPEG = auto()
    """In decoding, and in ffmpeg's own reading."""
    ASKING = ANSWER | PLAYER
    READING = MEDIA | FFMPEG
    ANY = ASKING | READING


@dataclass(frozen=True, slots=True)
class Trouble:
    """What happened, without yt-dlp's classes.

    Args:
        text: the error's own words.
        warned: the warnings that came before it, and what underlies it.
        status: the HTTP status, if it was one.
        raised: the names of the classes raised, causes included.
    """

    stage: Stage
    text: str
    warned: str = ""
    status: int | None = None
    raised: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Sign:
    """A row: it holds where its stage does, and any one of its other entries."""

    reason: Reason
    stage: Stage
    words: str = ""
    statuses: range = range(0)
    raised: str = ""

    def holds(self, trouble: Trouble) -> bool:
        """Whether the trouble shows this sign; a final one must be in the error's own words."""
        if not trouble.stage & self.stage:
            return False
        text = trouble.text
        if self.reason.scope is not Scope.FINAL:
            text = f"{text}\n{trouble.warned}"
        return (
            (trouble.status in self.statuses)
            or self.raised in trouble.raised
            or bool(self.words and re.search(self.words, text))
        )


def _only(status: int) -> range:
    return range(status, status + 1)


_TABLE = [
    # The run's.
    # "Please check the Google Workspace administrator and/or the network administrator restrictions".
    _Sign(Reason.RESTRICTED, Stage.ANSWER, r"network administrator|Workspace administrator"),
    _Sign(
        Reason.RATE_LIMITED,
        Stage.ASKING,
        r"rate.limited by YouTube|current session has been rate|content isn.t available, try again later",
    ),
    _Sign(Reason.BOT_CHECK, Stage.ASKING, r"not a bot"),
    _Sign(Reason.CAPTCHA, Stage.ANY, r"(?i)captcha|unusual traffic|google\.\w+/sorry/"),
    _Sign(
        Reason.WRONG_VIDEO,
        Stage.ASKING,
        r"player responses are invalid|IP is likely being blocked|Skipping player responses from",
    ),
    _Sign(Reason.TOO_MANY_REQUESTS, Stage.ANY, r"Error 429|Too Many Requests", _only(429)),
    # What YouTube answered to those who asked too much, before there was 429 (youtube-dl, issue 13423).
    _Sign(Reason.TOO_MANY_REQUESTS, Stage.PLAYER, statuses=_only(402)),
    _Sign(Reason.CERTIFICATE, Stage.PLAYER, r"CERTIFICATE_VERIFY_FAILED", raised="CertificateVerifyError"),
    _Sign(
        Reason.PROXY,
        Stage.ASKING,
        r"Tunnel connection failed: 4\d\d|Proxy Authentication|Unsupported proxy",
        _only(407),
    ),
    # What urllib3 says of a connection through a proxy that broke later on.
    _Sign(Reason.CONNECTION, Stage.ANY, r"onnect to proxy.{0,200}(RemoteDisconnected|ConnectionReset|EOF)"),
    # A proxy or a resolver that is gone concerns everyone; one media server that is gone, one clip.
    _Sign(
        Reason.NETWORK_DOWN,
        Stage.ANY,
        r"onnect to proxy|[Tt]emporary failure in name resolution|Network is unreachable",
    ),
    _Sign(
        Reason.NETWORK_DOWN,
        Stage.ASKING,
        r"[Nn]ame or service not known|nodename nor servname|getaddrinfo failed|Failed to resolve"
        r"|No route to host|Connection refused|Failed to establish a new connection|Tunnel connection failed"
        r"|connect timeout",
        raised="ProxyError",
    ),
    # The client's: about the video, but no verdict on it.
    _Sign(
        Reason.CLIENT,
        Stage.ANSWER,
        r"on this (app|device)|latest version of YouTube|no longer supported in this"
        r"|update (the|your) .{0,100}app|page needs to be reloaded|Precondition check failed|Please sign in"
        r"|invalid argument|Error code: 15\d|on other websites has been disabled|[Aa]n error occurred"
        r"|[Ss]omething went wrong|[Uu]nknown error|[Tt]ry again later|[Cc]heck back later"
        r"|video is restricted|administrator",
    ),
    # The clip's, for good.
    _Sign(Reason.PRIVATE, Stage.ANSWER, r"Private video|(video|content) is private"),
    _Sign(Reason.TERMINATED, Stage.ANSWER, r"account .{0,200}terminated|closed their YouTube account"),
    # "blocked it in your country on copyright grounds": elsewhere it is there.
    _Sign(
        Reason.GEO_BLOCKED,
        Stage.ANSWER,
        r"in your (country|region|location)|from your (country|location)|on this country domain|geo.restrict",
        raised="GeoRestrictedError",
    ),
    _Sign(Reason.COPYRIGHT, Stage.ANSWER, r"copyright"),
    _Sign(
        Reason.AGE_GATED,
        Stage.ANSWER,
        r"confirm your age|age.restricted|inappropriate for some|verify your age|age verification",
    ),
    _Sign(Reason.MEMBERS_ONLY, Stage.ANSWER, r"[Jj]oin this channel|members.only|channel's members"),
    _Sign(
        Reason.PAID,
        Stage.ANSWER,
        r"(?i)requires payment|(music|youtube) premium|premium members|purchase|\brent(al)?\b|only a trailer",
    ),
    _Sign(
        Reason.LIVE,
        Stage.ANSWER,
        r"live event (will|has)|Premieres |Premiere will begin|[Ll]ive stream|will begin (in|shortly)"
        r"|is offline|live status",
    ),
    _Sign(Reason.DRM, Stage.ANSWER, r"DRM protected"),
    _Sign(
        Reason.REMOVED,
        Stage.ANSWER,
        r"removed by|been removed|no longer available|isn.t available any ?more|not exist|deleted|violat",
    ),
    _Sign(Reason.UNAVAILABLE, Stage.ANSWER, r"unavailable|(isn.t|is not) available"),
    # For now.
    _Sign(
        Reason.TRUNCATED, Stage.ANY, r"bytes read, -?\d+ more expected|missing bytes", raised="IncompleteRead"
    ),
    _Sign(
        Reason.BAD_ANSWER,
        Stage.ASKING | Stage.MEDIA,
        r"does not end|redirect|makes no sense|not as pages are",
        range(300, 400),
    ),
    _Sign(Reason.TIMEOUT, Stage.ANY, r"(?i)timed? ?out|no answer within"),
    _Sign(Reason.SERVER_ERROR, Stage.ANY, r"Error 5\d\d|5XX Server Error|HTTP error 5", range(500, 600)),
    _Sign(Reason.CLIENT, Stage.PLAYER, r"HTTP Error 4\d\d", range(400, 500)),
    _Sign(Reason.BAD_ANSWER, Stage.MEDIA, statuses=_only(416)),
    _Sign(
        Reason.MEDIA_REFUSED,
        Stage.READING,
        r"HTTP [Ee]rror 4\d\d|40[134] (Forbidden|Not Found|Unauthorized)|4XX Client Error",
        range(400, 500),
    ),
    _Sign(
        Reason.CONNECTION,
        Stage.ANY,
        r"Connection (reset|aborted|refused)|RemoteDisconnected|EOF occurred|Input/output error"
        r"|[Cc]ertificate|Failed to resolve",
        raised="TransportError",
    ),
    _Sign(
        Reason.BAD_ANSWER,
        Stage.ASKING,
        r"Failed to parse JSON|Expecting value|Incomplete data|nothing but a list|extractor error",
    ),
    _Sign(Reason.NO_AUDIO, Stage.FFMPEG, NO_SOUND.pattern),
    _Sign(Reason.BAD_ANSWER, Stage.MEDIA, raised="RequestError"),
    _Sign(Reason.NO_FORMATS, Stage.ASKING, r"No video formats found|names no stream"),
    _Sign(Reason.DECODE, Stage.FFMPEG, r"^"),
]


_LONGEST = 4_000
"""Characters at either end of a text that are looked at; a stranger may send any number."""


def reason_of(trouble: Trouble) -> Reason:
    """The reason behind trouble: the first row that holds, or `unknown`."""
    short = replace(trouble, text=_ends(trouble.text), warned=_ends(trouble.warned))
    return next((sign.reason for sign in _TABLE if sign.holds(short)), Reason.UNKNOWN)


_OF_FAULT = {
    DecodeFault.UNMIXABLE: Reason.DECODE,
    DecodeFault.BROKEN: Reason.DECODE,
    DecodeFault.LONG: Reason.DECODE,
    DecodeFault.LATE: Reason.SILENT,
    DecodeFault.SILENT: Reason.SILENT,
    DecodeFault.TIMEOUT: Reason.TIMEOUT,
    DecodeFault.INTERRUPTED: Reason.UNKNOWN,
}


def reason_of_decoding(error: DecodeError) -> Reason:
    """The reason behind a failure to decode: the fault's own, or what ffmpeg's words mean."""
    return _OF_FAULT.get(error.fault) or reason_of(Trouble(Stage.FFMPEG, error.output))


def generic(reason: Reason, words: str) -> bool:
    """Whether a final verdict says of a video no more than that this client does not get it.

    "This video is not available" is what the `visionos` client gets for videos made for children, which
    others get; an age gate, DRM and missing sound may be one client's too.
    """
    if reason is Reason.REMOVED:
        return not re.search(r"removed by|been removed|deleted|violat", _ends(words))
    return reason in _GENERIC


_GENERIC = frozenset({Reason.UNAVAILABLE, Reason.AGE_GATED, Reason.DRM, Reason.NO_AUDIO})


def _ends(text: str) -> str:
    return text if len(text) <= 2 * _LONGEST else f"{text[:_LONGEST]}\n{text[-_LONGEST:]}"
