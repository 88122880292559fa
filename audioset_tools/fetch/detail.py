"""What is kept of an error's text: enough to understand it, and nothing that opens a door.

Texts of yt-dlp, urllib3 and ffmpeg quote addresses and headers; a proxy's address holds its password, a media
address is signed for the user's own.
"""

import re

LONGEST = 8_000
"""Characters kept; what exceeds it loses its middle, for the cause stands at the end."""

_MASKS = [
    (re.compile(r"//[^\s'\"<>]*@"), "//***@"),
    (re.compile(r"\?[^\s'\"<>]*=[^\s'\"<>]*"), "?***"),
    (re.compile(r"(/videoplayback/)[^\s'\"<>]+"), r"\1***"),
    (re.compile(r"(?i)\b((?:set-)?cookie|(?:proxy-)?authorization)(['\"]?\s*[:=]\s*)[^\r\n]+"), r"\1\2***"),
]


def clean(text: str) -> str:
    """A text without users and passwords in addresses, without their queries, cookies and authorisations."""
    for pattern, instead in _MASKS:
        text = pattern.sub(instead, text)
    if len(text) <= LONGEST:
        return text
    return f"{text[: LONGEST // 2]}\n[...]\n{text[-LONGEST // 2 :]}"
