"""What can be wrong with a video here, and what YouTube says then.

The words are YouTube's own, as yt-dlp looks for them: what it makes of each is in its `_real_extract`.
"""

from typing import Any

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
"""Faults after which a clip can never be had; `--dead` shares them out evenly."""

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
    "kids",
    "sign-in",
    "not-on-app",
    "unheard-of",
    "no-audio",
    "no-formats",
    "no-index",
    "no-json",
    "wrong-video",
)
"""Further things an answer can be: some final, some the client's affair, some to be coped with."""

NOT_FOR_KIDS = ("VISIONOS", "ANDROID_VR")
"""Clients to which a video made for kids (`kids`) is unavailable; it is good to every other."""

OFF = ("no-formats", "not-on-app", "player-400", "player-403", "media-403")
"""How a client is switched off: by an answer, by a status, or by addresses that do not work."""

FAULTS = DEAD + PASSING + ODD

SILENT = ("stall", "drop")

ANSWERS = ("429", "rate-limited", "bot-check", "captcha", "unavailable", "no-formats", *SILENT)
"""How a refusal is put: the bare status; pages that come with status 200, the last two of which say nothing
of a refusal; or no answer at all, the connection being closed after `stall_s` or at once, as in an outage."""


def playability(name: str) -> dict[str, Any]:
    """The `playabilityStatus` of a fault or of a refusal; `OK` for whatever leaves the video playable.

    Args:
        name: one of `FAULTS` or `ANSWERS`, or "".
    """
    status, reason, detail = _WORDS.get(name, ("OK", "", ""))
    answer: dict[str, Any] = {"status": status, "playableInEmbed": status == "OK"}
    if reason:
        answer["reason"] = reason
    if detail:
        answer["errorScreen"] = {
            "playerErrorMessageRenderer": {"reason": _text(reason), "subreason": _text(detail)}
        }
    if name == "trailer":
        answer["errorScreen"] = {"playerLegacyDesktopYpcTrailerRenderer": {"trailerVideoId": "dQw4w9WgXcQ"}}
    if name == "captcha":
        answer["errorScreen"] = {"playerCaptchaViewModel": {"siteKey": "simulator"}}
    return answer


def spread(share: float) -> dict[str, float]:
    """Shares of the faults in `DEAD` that add up to `share`, a fraction of all videos."""
    return dict.fromkeys(DEAD, share / len(DEAD))


def _text(words: str) -> dict[str, str]:
    return {"simpleText": words}


_GONE = "This video is no longer available"

_WORDS = {
    "removed": ("ERROR", "Video unavailable", "This video has been removed by the uploader"),
    "private": (
        "LOGIN_REQUIRED",
        "Private video",
        "Sign in if you've been granted access to this video",
    ),
    "terminated": (
        "ERROR",
        "Video unavailable",
        f"{_GONE} because the YouTube account associated with this video has been terminated.",
    ),
    "copyright": (
        "ERROR",
        "Video unavailable",
        f"{_GONE} due to a copyright claim by Loopback Records",
    ),
    "age-gated": (
        "LOGIN_REQUIRED",
        "Sign in to confirm your age",
        "This video may be inappropriate for some users.",
    ),
    "geo-blocked": (
        "UNPLAYABLE",
        "Video unavailable",
        "The uploader has not made this video available in your country",
    ),
    "members-only": (
        "UNPLAYABLE",
        "Join this channel to get access to members-only content like this video, and other exclusive perks.",
        "",
    ),
    "live": ("LIVE_STREAM_OFFLINE", "This live event will begin in 3 hours.", ""),
    "premiere": ("LIVE_STREAM_OFFLINE", "Premieres in 5 hours", ""),
    "unavailable": ("ERROR", "Video unavailable", "This video is not available"),
    "paid": ("UNPLAYABLE", "This video requires payment to watch.", ""),
    "trailer": ("UNPLAYABLE", "This video requires payment to watch.", ""),
    "region": ("UNPLAYABLE", "Video unavailable", "This video is not available in your region"),
    "sign-in": ("LOGIN_REQUIRED", "Please sign in", ""),
    "not-on-app": (
        "ERROR",
        "The following content is not available on this app.",
        "Watch on the latest version of YouTube.",
    ),
    "unheard-of": ("UNPLAYABLE", "The aurora keeps this one to itself", ""),
    "rate-limited": (
        "UNPLAYABLE",
        "Video unavailable",
        "This content isn't available, try again later.",
    ),
    "bot-check": (
        "LOGIN_REQUIRED",
        "Sign in to confirm you’re not a bot",
        "This helps protect our community. Learn more",
    ),
    "captcha": ("UNPLAYABLE", "Video unavailable", ""),
}
