"""What the name of a file says: of which video it is, and which stretch of it.

People keep copies of AudioSet under a few forms of names; none says in which unit its numbers are, so they
are compared with the segment that is looked for, in every unit.
"""

import re
from dataclasses import dataclass
from enum import IntEnum

from ..types import YTID

_NUMBER = r"[0-9]{1,9}(?:\.[0-9]{1,6})?"

# An id may hold underscores and begin with Y: only its 11 characters tell where it ends. A leading Y is never
# in doubt, as the last letter of an id is none of those that may follow one.
_NAME = re.compile(
    rf"Y?(?P<ytid>{YTID.pattern})(?:_(?P<start>{_NUMBER})(?:_(?P<end>{_NUMBER}))?)?(?P<suffixes>(?:\.[^.]+)*)"
)

_UNFINISHED = "part ytdl temp tmp crdownload aria2 lock"
_TEXT = "txt md log json jsonl csv tsv xml html htm yaml yml url description nfo lrc srt vtt ass ttml pdf"
_PICTURES = "jpg jpeg png webp gif bmp tif tiff svg"
_NUMBERS = "npy npz h5 hdf5 pt pth pkl pickle parquet arrow feather tfrecord mat zip tar gz md5 sha1 sha256"
_POINTERS = "m3u m3u8 pls mpd xspf cue sdp ffconcat torrent avs vpy"
"""Playlists and scripts: they lead elsewhere, and to decode one may run it."""

SIDECARS = frozenset(f"{_UNFINISHED} {_TEXT} {_PICTURES} {_NUMBERS} {_POINTERS}".split())
"""Suffixes that downloaders and people give to what lies beside a recording."""


@dataclass(frozen=True, slots=True)
class Name:
    """A file's name taken apart; `start` and `end` are the numbers as written, None where there is none."""

    ytid: str
    start: str | None
    end: str | None


class Fit(IntEnum):
    """How a file's name fits a segment, the best first."""

    SEGMENT = 0
    """It names the segment's start and end."""
    START = 1
    """It names the segment's start."""
    VIDEO = 2
    """It names the video only: the whole of it or the segment, which its length must tell."""


def parse_name(name: str) -> Name | None:
    """Take a file's name apart; None if it is not named after a video, or lies beside a recording."""
    match = _NAME.fullmatch(name)
    if match is None or not SIDECARS.isdisjoint(
        suffix.partition("-")[0].lower() for suffix in match["suffixes"].split(".")
    ):
        return None
    return Name(match["ytid"], match["start"], match["end"])


def fit(name: Name, start_ms: int, end_ms: int) -> Fit | None:
    """How a file of the segment's video fits the segment; None if it says that it begins elsewhere."""
    if name.start is None:
        return Fit.VIDEO
    starts = [begin == start_ms for begin in _readings(name.start)]
    if not any(starts):
        return None
    ends = [end == end_ms for end in _readings(name.end)] if name.end else []
    return Fit.SEGMENT if any(a and b for a, b in zip(starts, ends, strict=False)) else Fit.START


def _readings(number: str) -> tuple[int | None, int]:
    """A number as milliseconds (only whole ones can be) and as seconds, both in milliseconds."""
    return int(number) if number.isdigit() else None, round(float(number) * 1000)
