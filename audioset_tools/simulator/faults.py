"""What can be wrong with a video here, and what YouTube says then.

The words are YouTube's own, as yt-dlp looks for them: what it makes of each is in its `_real_extract`.
"""

import zlib
from typing import Any, NamedTuple

DEAD = (
    "removed",
    "private",
    "terminated",
    "copyright",
    "age-gated",
    "geo-blocked",
    "members-only",
    "live",
    "drm",
    "beyond-end",
    "silent",
)
"""Faults after which no clip can ever be fetched; `--dead` shares them out evenly."""

PASSING = (
    "media-403",
    "media-404",
    "media-503",
    "reset",
    "stall",
    "truncate",
    "drip",
    "endless",
    "player-503",
    "player-reset",
    "player-stall",
    "player-drip",
    "player-endless",
)
"""Faults that strike an id `passing_attempts` times and are then gone."""

ODD = (
    "premiere",
    "live-now",
    "unavailable",
    "paid",
    "trailer",
    "region",
    "country-copyright",
    "processing",
    "network-admin",
    "sign-in",
    "not-on-app",
    "unheard-of",
    "no-audio",
    "no-formats",
    "no-index",
    "no-json",
    "wrong-video",
    "drm-families",
    "drm-some",
    "media-429",
)
"""Further things an answer can be: some final, some the client's affair, some to be coped with."""

ONE_CLIENT = (
    "kids",
    "age-client",
    "sabr",
    "itag18-only",
    "aac-only",
    "hls-only",
    "n-challenge",
    "cipher",
)
"""What `FEW_RIGHTS` see of a video that is good to every other client: words, or streams of another kind."""

ALWAYS = {
    "always-bot": "bot-check",
    "always-limited": "rate-limited",
    "always-429": "429",
    "bot-18": "bot-check",
}
"""Faults with which the video's player requests are always refused as if the run were, and how. The page of
`bot-18` offers a stream besides, whose address is good for nothing."""

FEW_RIGHTS = ("VISIONOS", "ANDROID_VR")
"""Clients that get `ONE_CLIENT`."""

OFF = ("no-formats", "not-on-app", "player-400", "player-403", "media-403")
"""How a client is switched off: by an answer, by a status, or by addresses that do not work."""

FAULTS = (*DEAD, *PASSING, *ODD, *ONE_CLIENT, *ALWAYS)

SILENT = ("stall", "drop")

ANSWERS = (
    *("429", "rate-limited", "bot-check", "captcha", "unavailable", "private", "removed", "no-formats"),
    *SILENT,
)
"""How a refusal is put: the bare status; pages that come with status 200, the last four of which say nothing
of a refusal; or no answer at all, the connection being closed after `stall_s` or at once, as in an outage."""

MANIFESTS = ("", "slow", "refuse", "down")
"""What the host of the HLS manifests does: answer, stall, refuse with 403, or close the connection."""


class VerdictWords(NamedTuple):
    """How a verdict is put: YouTube's status, its reason, the line below, and what stands beside both."""

    status: str
    reason: str
    detail: str = ""
    message: str = ""


def playability(name: str, ytid: str = "") -> dict[str, Any]:
    """The `playabilityStatus` of a fault or of a refusal; `OK` for whatever leaves the video playable.

    Args:
        name: one of `FAULTS` or `ANSWERS`, or "".
        ytid: which of several wordings it is follows from the id.
    """
    known = wordings(name)
    status, reason, detail, message = known[zlib.crc32(ytid.encode()) % len(known)]
    answer: dict[str, Any] = {"status": status, "playableInEmbed": status == "OK"}
    if reason:
        answer["reason"] = reason
    if message:
        answer["messages"] = [message]
    if detail:
        answer["errorScreen"] = {
            "playerErrorMessageRenderer": {
                "subreason": _text(detail),
                "reason": _text(reason),
                "thumbnail": {
                    "thumbnails": [{"url": "//s.ytimg.com/yts/img/x.png", "width": 140, "height": 100}]
                },
                "icon": {"iconType": "ERROR_OUTLINE"},
            }
        }
    if name == "trailer":
        answer["errorScreen"] = {"playerLegacyDesktopYpcTrailerRenderer": {"trailerVideoId": "dQw4w9WgXcQ"}}
    if name == "captcha":
        answer["errorScreen"] = {"playerCaptchaViewModel": {"siteKey": "simulator"}}
    return answer


def wordings(name: str) -> tuple[VerdictWords, ...]:
    """All the ways in which a fault or a refusal is put, at least one."""
    return _WORDS.get(name, (VerdictWords("OK", ""),))


def spread(share: float) -> dict[str, float]:
    """Shares of the faults in `DEAD` that add up to `share`, a fraction of all videos."""
    return dict.fromkeys(DEAD, share / len(DEAD))


def _text(words: str) -> dict[str, str]:
    return {"simpleText": words}


_GONE = "This video is no longer available"
_NOT_HERE = "The uploader has not made this video available in your country"
_SIGN_IN = "This is a private video. Please sign in to verify that you may see it."
_JOIN = "Join this channel to get access to members-only content like this video"
_LEVEL = "This video is available to this channel's members on level: Friend"

# Several where the recorded answers have several.
_WORDS = {
    "removed": (VerdictWords("ERROR", "Video unavailable", "This video has been removed by the uploader"),),
    "private": (
        VerdictWords(
            "LOGIN_REQUIRED", "Private video", "Sign in if you've been granted access to this video", _SIGN_IN
        ),
        VerdictWords("LOGIN_REQUIRED", "This video is private", "", _SIGN_IN),
        VerdictWords("LOGIN_REQUIRED", "This video is private.", "", _SIGN_IN),
    ),
    "terminated": (
        VerdictWords(
            "ERROR",
            "Video unavailable",
            f"{_GONE} because the YouTube account associated with this video has been terminated.",
        ),
    ),
    "copyright": (
        VerdictWords("ERROR", "Video unavailable", f"{_GONE} due to a copyright claim by Loopback Records"),
    ),
    "age-gated": (
        VerdictWords(
            "LOGIN_REQUIRED", "Sign in to confirm your age", "This video may be inappropriate for some users."
        ),
        VerdictWords("LOGIN_REQUIRED", "This video may be inappropriate for some users."),
    ),
    "geo-blocked": (
        VerdictWords("UNPLAYABLE", "Video unavailable", _NOT_HERE),
        VerdictWords("UNPLAYABLE", "Video unavailable", f"{_NOT_HERE}."),
        VerdictWords("UNPLAYABLE", _NOT_HERE),
    ),
    "members-only": (
        VerdictWords("UNPLAYABLE", f"{_JOIN}, and other exclusive perks."),
        VerdictWords("UNPLAYABLE", f"{_JOIN} and other exclusive perks."),
        VerdictWords(
            "UNPLAYABLE",
            f"{_LEVEL} (or any higher priced level).",
        ),
        VerdictWords(
            "UNPLAYABLE",
            f"{_LEVEL} (or any higher level). Join this YouTube channel from your computer or Android app.",
        ),
    ),
    "live": (VerdictWords("LIVE_STREAM_OFFLINE", "This live event will begin in 3 hours."),),
    "premiere": (VerdictWords("LIVE_STREAM_OFFLINE", "Premieres in 5 hours"),),
    "unavailable": (
        VerdictWords("ERROR", "Video unavailable", "This video is not available"),
        VerdictWords("ERROR", "Video unavailable"),
        VerdictWords("ERROR", "This video is unavailable"),
        VerdictWords("ERROR", "This video is unavailable."),
        VerdictWords("UNPLAYABLE", "This video is unavailable", "", _SIGN_IN),
    ),
    "paid": (
        VerdictWords("UNPLAYABLE", "This video requires payment to watch."),
        VerdictWords("UNPLAYABLE", "This video is only available to Music Premium members"),
    ),
    "trailer": (VerdictWords("UNPLAYABLE", "This video requires payment to watch."),),
    "region": (
        VerdictWords("UNPLAYABLE", "Video unavailable", "This video is not available in your region"),
    ),
    "country-copyright": (
        VerdictWords(
            "UNPLAYABLE",
            "Video unavailable",
            "This video contains content from Loopback Records, who has blocked it in your country on "
            "copyright grounds",
        ),
    ),
    "processing": (VerdictWords("UNPLAYABLE", "We're processing this video. Check back later."),),
    "network-admin": (
        VerdictWords(
            "UNPLAYABLE",
            "Video unavailable",
            "This video is restricted. Please check the Google Workspace administrator and/or the network "
            "administrator restrictions.",
        ),
    ),
    "kids": (VerdictWords("UNPLAYABLE", "This video is not available"),),
    "age-client": (
        VerdictWords(
            "LOGIN_REQUIRED", "Sign in to confirm your age", "This video may be inappropriate for some users."
        ),
    ),
    "sign-in": (
        VerdictWords("LOGIN_REQUIRED", "Please sign in"),
        VerdictWords("UNPLAYABLE", "Please sign in"),
    ),
    "not-on-app": (
        VerdictWords(
            "ERROR",
            "The following content is not available on this app.",
            "Watch on the latest version of YouTube.",
        ),
    ),
    "unheard-of": (VerdictWords("UNPLAYABLE", "The aurora keeps this one to itself"),),
    "rate-limited": (
        VerdictWords("UNPLAYABLE", "Video unavailable", "This content isn't available, try again later."),
    ),
    "bot-check": (
        VerdictWords(
            "LOGIN_REQUIRED",
            "Sign in to confirm you’re not a bot",
            "This helps protect our community. Learn more",
        ),
    ),
    "captcha": (VerdictWords("UNPLAYABLE", "Video unavailable"),),
}
