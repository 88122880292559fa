"""How people write which video or clip they mean: an id, a key, a clip's file, an address of YouTube's."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl

from .types import KEY, YTID, clip_key

MOST_CHARACTERS = 4_096
"""Of a text that may be an id: as long as a path may be."""

FORMS = "an id of 11 characters, a clip's key or file, or an address of YouTube's"
"""What `parse_id` takes, in words."""

_SUFFIX = r"\.(?:wav|flac|ogg|opus|mp3|m4a|aac|webm|mp4|mka|mkv)"
_NAME = re.compile(rf"Y?(?P<named>{KEY.pattern}|{YTID.pattern})(?:{_SUFFIX})?")
"""The name of a file of a clip, or what is left of it without a folder, a suffix, or the Y in front."""

_SHORT_HOST, _HOSTS = "youtu.be", ("youtube.com", "youtube-nocookie.com")
_SUBDOMAINS = ("", "www.", "m.", "music.")
_BEFORE_ID = ("shorts", "embed", "live", "v", "e")
"""What stands before the id in the path of an address that is no `watch?v=`."""


@dataclass(frozen=True, slots=True)
class ClipId:
    """A video, or the one clip of it that begins at `start_ms`."""

    ytid: str
    start_ms: int | None = None

    def __str__(self) -> str:
        """The clip's key, or the video's id."""
        return self.ytid if self.start_ms is None else clip_key(self.ytid, self.start_ms)

    def holds(self, key: str) -> bool:
        """Whether the clip of this key is meant."""
        return str(self) in (key, key[:11])


def parse_id(text: str) -> ClipId | None:
    """The video, or clip, that a text means; None if it means none.

    The moment in an address (`&t=`) is where somebody listened, and names no clip.
    """
    if len(text) > MOST_CHARACTERS:
        return None
    text = text.strip()
    ytid = _of_address(text)
    if ytid is not None:
        return ClipId(ytid)
    if "://" in text:
        return None
    found = _NAME.fullmatch(text.replace("\\", "/").rpartition("/")[2])
    if found is None:
        return None
    ytid, start = found["named"][:11], found["named"][12:]
    return ClipId(ytid, int(start) if start else None)


def _of_address(text: str) -> str | None:
    """The id in an address of YouTube's, with its scheme or without."""
    scheme, colon, rest = text.partition("://")
    if colon and scheme.lower() not in ("http", "https"):
        return None
    address, _, query = (rest if colon else text).partition("#")[0].partition("?")
    host, *places = address.split("/")
    host = host.lower()
    if host == _SHORT_HOST:
        ytid = places[0] if places else ""
    elif host not in (f"{subdomain}{own}" for own in _HOSTS for subdomain in _SUBDOMAINS):
        return None
    elif places[:1] == ["watch"]:
        ytid = dict(reversed(parse_qsl(query))).get("v", "")
    else:
        ytid = places[1] if len(places) > 1 and places[0] in _BEFORE_ID else ""
    return ytid if YTID.fullmatch(ytid) else None
