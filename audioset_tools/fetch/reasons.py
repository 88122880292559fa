"""What a refusal in words means: one table from what YouTube and yt-dlp say to a `Reason`.

The run's reasons come first: YouTube wraps both kinds in "Video unavailable.", and taking a rate limit for a
removed video would write off a living one. Only answers that YouTube worded itself (`expected` in yt-dlp) are
ever final; what no row matches is `unknown` and tried again.
Source: yt-dlp 2026.10.26, `yt_dlp/extractor/youtube/_video.py` (FACTS section 2).
"""

import re

from ..types import Reason, Scope

_SPOKEN = [
    (r"rate.limited by YouTube|current session has been rate", Reason.RATE_LIMITED),
    (r"confirm you.re not a bot", Reason.BOT_CHECK),
    (r"captcha", Reason.CAPTCHA),
    (r"All player responses are invalid|IP is likely being blocked", Reason.WRONG_VIDEO),
    (r"HTTP Error 429|Too Many Requests", Reason.TOO_MANY_REQUESTS),
    (r"Name or service not known|name resolution|getaddrinfo failed|Failed to resolve", Reason.NETWORK_DOWN),
    (r"Network is unreachable|No route to host|connect to proxy|Connection refused", Reason.NETWORK_DOWN),
    (r"Private video|video is private", Reason.PRIVATE),
    (r"account .*has been terminated|account .*terminated", Reason.TERMINATED),
    (r"copyright", Reason.COPYRIGHT),
    (r"confirm your age|age.restricted|inappropriate for some users", Reason.AGE_GATED),
    (r"not made this video available in your country|not available in your country", Reason.GEO_BLOCKED),
    (r"[Jj]oin this channel|members.only|available to this channel's members", Reason.MEMBERS_ONLY),
    (
        r"live event will begin|Premieres in|Premiere will begin|live stream recording is not available",
        Reason.LIVE,
    ),
    (r"DRM protected", Reason.DRM),
    (r"removed by the uploader|has been removed|no longer available", Reason.REMOVED),
    (r"Video unavailable|This video is unavailable|This video is not available", Reason.UNAVAILABLE),
    (r"No video formats found|Requested format is not available", Reason.NO_FORMATS),
    (r"timed out|[Tt]imeout", Reason.TIMEOUT),
    (r"HTTP Error 5\d\d", Reason.SERVER_ERROR),
    (r"HTTP Error 4\d\d", Reason.MEDIA_REFUSED),
    (
        r"Connection reset|Connection aborted|RemoteDisconnected|EOF occurred",
        Reason.CONNECTION,
    ),
    (r"bytes read, .* more expected", Reason.TRUNCATED),
    (r"Failed to extract any player response", Reason.SERVER_ERROR),
]


def reason_of(said: str, worded_by_youtube: bool) -> Reason:
    """The reason behind an error's text.

    Args:
        said: the whole text, with the warnings that came before it.
        worded_by_youtube: whether it is YouTube's own answer about the video (`ExtractorError.expected`), and
            not trouble on the way.
    """
    for words, reason in _SPOKEN:
        if re.search(words, said) and (worded_by_youtube or reason.scope is not Scope.FINAL):
            return reason
    return Reason.UNKNOWN
