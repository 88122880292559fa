"""What the name of a file says: of which video it is (`parse_name`), and perhaps which stretch of it.

People use several forms; few say in which unit their numbers are, so these are compared with the segment that
is looked for, in every unit (`match`).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

from ..types import YTID

# Seconds, milliseconds, or a time of day's clock; with a unit or without.
_NUMBER = r"(?:[0-9]{1,9}(?:\.[0-9]{1,6})?|(?:[0-9]{1,2}:)?[0-9]{1,2}:[0-9]{2}(?:\.[0-9]{1,6})?)(?:ms|s)?"

# A dot is none of them: it would make one number of two.
_APART = r"[ _~,-]{1,3}"
_JOINT = rf"(?:{_APART}|[ _-]?to[ _-]?)"
_BARE = rf"{_APART}(?P<start1>{_NUMBER})(?:{_JOINT}(?P<end1>{_NUMBER}))?"
_BRACKETED = rf"(?:{_APART})?[(\[](?P<start2>{_NUMBER})(?:{_JOINT}(?P<end2>{_NUMBER}))?[)\]]"
_PLACE = rf"(?:{_BARE}|{_BRACKETED})?"

# What could be the rest of a number is no suffix.
_SUFFIXES = r"(?P<suffixes>(?:\.(?:[^.0-9][^.]*|[0-9]{1,3}(?:gp|g2|k|khz|kbps|bit)))*)"

# An id may hold underscores and begin with Y: only its 11 characters tell where it ends. A leading Y is never
# in doubt, as the last letter of an id is none of those that may follow one.
_NAME = re.compile(rf"Y?(?P<ytid>{YTID.pattern}){_PLACE}{_SUFFIXES}")

# yt-dlp's own: the title, and the id in brackets; times behind it may look like an id themselves.
_TITLED = re.compile(rf".*? \[(?P<ytid>{YTID.pattern})\]{_PLACE}{_SUFFIXES}", re.DOTALL)

_UNFINISHED = "part ytdl temp tmp crdownload aria2 lock"
_TEXT = "txt md log json jsonl csv tsv xml html htm yaml yml url description nfo lrc srt vtt ass ttml pdf"
_PROGRAMS = "py ipynb sh toml ini cfg"
_PICTURES = "jpg jpeg png webp gif bmp tif tiff svg"
_NUMBERS = "npy npz h5 hdf5 pt pth pkl pickle parquet arrow feather tfrecord mat zip tar gz md5 sha1 sha256"
_POINTERS = "m3u m3u8 pls mpd xspf cue sdp ffconcat torrent avs vpy"
"""Playlists and scripts: they lead elsewhere, and to decode one may run it."""

SIDECARS = frozenset(f"{_UNFINISHED} {_TEXT} {_PROGRAMS} {_PICTURES} {_NUMBERS} {_POINTERS}".split())
"""Suffixes that downloaders and people give to what lies beside a recording."""


_MOST_CHARACTERS = 512
"""Of a stranger's text that is looked at."""


@dataclass(frozen=True, slots=True)
class FileName:
    """A file's name taken apart; `start` and `end` are the times as written, None where there is none."""

    ytid: str
    start: str | None
    end: str | None


ARCHIVES = (".zip", ".tar", ".parquet", ".h5", ".hdf5", ".hdf")
"""Suffixes of archives that are read as they lie."""

ID_FIELDS = (
    *(
        "ytid",
        "video_id",
        "youtube_id",
        "id",
        "key",
        "__key__",
        "audio_name",
        "file_name",
        "filename",
        "path",
    ),
)
"""What tables and JSON call a video, or a file that is named after one; the first that does so counts."""

START_FIELDS = ("start", "start_s", "start_time", "start_seconds", "start_time_seconds", "begin")
END_FIELDS = ("end", "end_s", "end_time", "end_seconds", "end_time_seconds")


class Match(IntEnum):
    """How a file's name fits a segment, the best first."""

    SEGMENT = 0
    """It names the segment's start and end."""
    START = 1
    """It names the segment's start."""
    VIDEO = 2
    """It names the video only: the whole of it or the segment, which its length must tell."""


def parse_name(name: str) -> FileName | None:
    """Take a file's name apart; None if it is not named after a video, or lies beside a recording."""
    match = _NAME.fullmatch(name) or _TITLED.fullmatch(name)
    if match is None or is_sidecar(match["suffixes"]):
        return None
    return FileName(match["ytid"], match["start1"] or match["start2"], match["end1"] or match["end2"])


def name_from_fields(fields: Mapping[str, object], name: str) -> str | None:
    """The name that a file would have by what is said of it elsewhere; None if that names no video.

    Args:
        fields: strings and numbers, from a table or JSON.
        name: as the file is called now; it keeps its suffix.
    """
    values = (fields.get(field) for field in ID_FIELDS)
    texts = (re.split(r"[/\\]", value[-_MOST_CHARACTERS:])[-1] for value in values if isinstance(value, str))
    parsed = next(filter(None, map(parse_name, texts)), None)
    if parsed is None:
        return None
    start, end = parsed.start, parsed.end
    if start is None:
        start, end = _first_number(fields, START_FIELDS), _first_number(fields, END_FIELDS)
    place = "" if start is None else f"_{start}" if end is None else f"_{start}_{end}"
    composed = f"Y{parsed.ytid}{place}.{name.rpartition('.')[2]}"
    return composed if parse_name(composed) else None


def _first_number(fields: Mapping[str, object], names: Sequence[str]) -> str | None:
    """The first of some fields that is a time, as a name writes it."""
    for value in map(fields.get, names):
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9:
            return f"{value:.3f}".rstrip("0").rstrip(".")
    return None


@lru_cache(1024)
def is_sidecar(suffixes: str) -> bool:
    """Whether one of the suffixes of a file says that it is no recording."""
    return not SIDECARS.isdisjoint(suffix.partition("-")[0].lower() for suffix in suffixes.split("."))


def match(name: FileName, start_ms: int, end_ms: int) -> Match | None:
    """How a file of the segment's video fits the segment; None if it says that it begins elsewhere."""
    if name.start is None:
        return Match.VIDEO
    lengths = lengths_ms(name, start_ms)
    if lengths is None:
        return None
    return Match.SEGMENT if end_ms - start_ms in lengths else Match.START


def lengths_ms(name: FileName, start_ms: int) -> set[int] | None:
    """How long a name says that its file is, in every unit in which it begins at `start_ms`.

    Returns:
        Milliseconds; empty if it names no end, None if it begins elsewhere.
    """
    # A unit that stands behind one of the numbers holds for both.
    unit = next((unit for time in (name.end, name.start) if time and (unit := _unit(time))), "")
    found, begins = set(), False
    for one in (unit,) if unit else ("ms", "s"):
        begin, end = _in_ms(name.start or "", one), _in_ms(name.end or "", one)
        if begin != start_ms:
            continue
        begins = True
        if end is not None and end > begin:
            found.add(end - begin)
    return found if begins else None


def _unit(time: str) -> str:
    return "ms" if time.endswith("ms") else "s" if time.endswith("s") else ""


def _in_ms(time: str, unit: str) -> int | None:
    """A time read in a unit; None if there is none: only whole numbers can be milliseconds."""
    own = _unit(time)
    number, unit = time.removesuffix(own), own or unit
    if not number or (unit == "ms" and not number.isdigit()):
        return None
    seconds = 0.0
    for part in number.split(":"):
        seconds = 60 * seconds + float(part)
    return int(number) if unit == "ms" else round(seconds * 1000)
