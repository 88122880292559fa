"""A file of cookies in Netscape's format, looked at before yt-dlp sees it.

yt-dlp prints each line that it does not take, and Python's own reader quotes one: into a terminal, a log of
SLURM, a report of a fault. Whoever reads such a line is signed in as the user. So what either of them would
complain of is found here, and told by the number of its line.
"""

import re
from pathlib import Path

from ...exceptions import UsageError
from ...files import read_file

MOST_BYTES = 5_000_000
"""Of a file of cookies; a browser keeps a few thousand of 4 kB at most."""

_HEADER = re.compile(r"#( Netscape)? HTTP Cookie File")
_HTTP_ONLY = "#HttpOnly_"
_EXPIRES = re.compile(r"[0-9]{1,30}(\.[0-9]{1,30})?")
_FIELDS = 7

_REMEDY = "Export the cookies anew in Netscape's format (cookies.txt), and name that file with --cookies."


def read_cookies(path: Path) -> str:
    """The text of a file of cookies, which yt-dlp reads without complaint; lines end with a line feed.

    Raises:
        UsageError: it cannot be read, or is not in Netscape's format; its text is never quoted.
    """
    try:
        content = read_file(path, MOST_BYTES)
    except OSError as error:
        raise UsageError(f"--cookies {path} cannot be read: {error.strerror}", _REMEDY) from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        wide = content[:2] in (b"\xff\xfe", b"\xfe\xff")
        row = content[: error.start].count(b"\n") + 1
        what = "it is UTF-16, not UTF-8" if wide else f"line {row}: it is no text in UTF-8"
        raise UsageError(f"--cookies {path}: {what}", _REMEDY) from None
    if text.lstrip()[:1] in ("[", "{"):
        raise UsageError(f"--cookies {path}: it is JSON, not in Netscape's format", _REMEDY)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    first = next((at for at, line in enumerate(lines) if line.strip()), 0)
    if not _HEADER.match(lines[first]):
        what = "it does not begin with the line '# Netscape HTTP Cookie File'"
        raise UsageError(f"--cookies {path}, line {first + 1}: {what}", _REMEDY)
    for number, line in enumerate(lines, start=1):
        # yt-dlp takes the sign away once, and then Python does once more.
        if trouble := _trouble_with(line.removeprefix(_HTTP_ONLY).removeprefix(_HTTP_ONLY)):
            raise UsageError(f"--cookies {path}, line {number}: {trouble}", _REMEDY)
    return "\n".join(lines[first:])


def _trouble_with(line: str) -> str | None:
    """Why a line is neither a cookie nor a remark, in words that quote nothing of it; None if it is."""
    if line.startswith("#") or not line.strip():
        return None
    fields = line.split("\t")
    if len(fields) != _FIELDS:
        return f"{len(fields)} fields apart by tabs, where a cookie has {_FIELDS}"
    if any(ord(one) < 32 or ord(one) == 127 or ord(one) > 255 for field in fields for one in field):
        return "a character that no cookie may hold"
    domain, of_subdomains, _, _, expires, _, _ = fields
    if (of_subdomains == "TRUE") is not domain.startswith("."):
        return "the second field is TRUE where the domain begins with a dot, and else FALSE"
    if expires and not _EXPIRES.fullmatch(expires):
        return "the fifth field is no time, in seconds since 1970"
    return None
