"""The nouns that the stages hand to one another.

Times are integer milliseconds, names are the field's: `mid` is a label of the ontology, `ytid` a video,
`key` one segment of it.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import parse_qsl

from .exceptions import UsageError

SAMPLE_RATE = 16_000
"""Hertz of the clips on disk (paper, section 3), unless a workspace is begun with another rate."""

SAMPLE_RATES = (16_000, 32_000, 44_100, 48_000)
"""Hertz that the clips of a workspace may have."""

CLIP_SECONDS = 10
"""How long every clip on disk is."""

CLIP_SAMPLES = CLIP_SECONDS * SAMPLE_RATE
"""Samples of a clip at `SAMPLE_RATE`."""


def clip_bytes(rate: int) -> int:
    """Size of every clip on disk at a rate: the header of a WAV file, and two bytes a sample."""
    return 44 + 2 * CLIP_SECONDS * rate


YTID = re.compile(r"[A-Za-z0-9_-]{10}[AEIMQUYcgkosw048]")
"""A video id: 64 bits in URL-safe base64, so the last of the 11 characters holds only four bits."""

KEY = re.compile(rf"{YTID.pattern}_(0|[1-9][0-9]{{0,9}})")
"""What `clip_key` makes."""

CHANNEL_ID = re.compile(r"UC[A-Za-z0-9_-]{22}")
"""A channel's id."""


def clip_key(ytid: str, start_ms: int) -> str:
    """The name of one segment: `ytid`, underscore, start in milliseconds.

    Raises:
        ValueError: `ytid` is no video id; nothing may build a path or a command from it.
    """
    if not YTID.fullmatch(ytid):
        raise ValueError(f"not a video id: {ytid!r}")
    return f"{ytid}_{start_ms}"


MOST_OF_AN_ID = 4_096
"""Characters of a text that may be an id: as long as a path may be."""

ID_FORMS = "an id of 11 characters, a clip's key or file, or an address of YouTube's"
"""What `parse_id` takes, in words."""

_OF_SOUND = r"\.(?:wav|flac|ogg|opus|mp3|m4a|aac|webm|mp4|mka|mkv)"
_OF_A_FILE = re.compile(rf"Y?(?P<named>{KEY.pattern}|{YTID.pattern})(?:{_OF_SOUND})?")
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
    if len(text) > MOST_OF_AN_ID:
        return None
    text = text.strip()
    ytid = _of_address(text)
    if ytid is not None:
        return ClipId(ytid)
    if "://" in text:
        return None
    found = _OF_A_FILE.fullmatch(text.replace("\\", "/").rpartition("/")[2])
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


@dataclass(frozen=True, slots=True)
class Segment:
    """One row of AudioSet's lists: a stretch of a video and the labels people gave it."""

    ytid: str
    start_ms: int
    end_ms: int
    mids: frozenset[str]
    subset: str

    @property
    def key(self) -> str:
        return clip_key(self.ytid, self.start_ms)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A segment that may become a clip: its class and its place in that class's queue.

    `tier` is 3 (cleanest) to 0; `rank` counts from 0 inside the class; `also` are the other classes that it
    carries, by a multi-label recipe; `labels` are all that its list says of it: mids, of AudioSet's; `split`
    and `group` are the list's own, "" where it has none; only a list as it is read has groups.
    """

    ytid: str
    start_ms: int
    end_ms: int
    class_name: str
    tier: int
    rank: int
    subset: str
    also: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    split: str = ""
    group: str = ""

    @property
    def key(self) -> str:
        return clip_key(self.ytid, self.start_ms)


@dataclass(frozen=True, slots=True)
class Splits:
    """The proportions of the splits; the defaults are the paper's numbers of clips (section 3).

    Raises:
        UsageError: a split would be empty.
    """

    train: int = 8_000
    validation: int = 800
    test: int = 800

    def __post_init__(self) -> None:
        if min(self.train, self.validation, self.test) < 1:
            raise UsageError(
                f"the splits {self.train}/{self.validation}/{self.test} leave one empty",
                "Give three whole numbers of at least 1, such as 8000/800/800.",
            )


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What a source tells of a video, in a stranger's words; each is "" where it tells nothing."""

    channel_id: str
    channel: str
    title: str


@dataclass(frozen=True, slots=True)
class KeptSource:
    """The encoded bytes that a clip was decoded from, kept beside it.

    `path` is relative to the workspace, `sha256` of the file, `begins_ms` where the file's time line begins
    on the video's.
    """

    path: str
    sha256: str
    begins_ms: int


@dataclass(frozen=True, slots=True)
class Clip:
    """A verified clip on disk: one channel of ten seconds of 16-bit samples, at its workspace's rate.

    `path` is relative to the workspace, `seconds` the length before padding, `peak` the largest absolute
    sample as a fraction of full scale, `source` where the audio came from and in which format, its first word
    the source's name; `also` are the other classes that it carries, by a multi-label recipe. `decoder` is
    what decoded and resampled it, with versions: another may give other bytes. `fingerprint` is of the sound,
    `video` what the source tells of where it comes from. `labels` and `split` are the candidate's. `kept` is
    what it was decoded from, where that was kept. `group` is the candidate's, as the ledger has it.
    """

    key: str
    class_name: str
    rank: int
    path: str
    sha256: str
    seconds: float
    peak: float
    source: str
    also: tuple[str, ...] = ()
    decoder: str = ""
    fingerprint: bytes = b""
    video: VideoInfo | None = None
    labels: tuple[str, ...] = ()
    split: str = ""
    kept: KeptSource | None = None
    group: str = ""


class Scope(StrEnum):
    """Whom a failure concerns, and so what follows from it."""

    FINAL = "final"
    """The clip, for good: the next candidate takes its place."""
    PASSING = "passing"
    """The clip, for now: it keeps its place and is tried again later."""
    RUN = "run"
    """Everyone: all pause, no attempt is spent, nothing is written off."""

    @property
    def words(self) -> str:
        return {"final": "the clip, for good", "passing": "the clip, for now", "run": "the run"}[self]


class Reason(StrEnum):
    """Why a clip was not taken, and which clips that concerns."""

    scope: Scope

    # The default is never used: type checkers take the look-up `Reason(text)` for a call of this.
    def __new__(cls, text: str, scope: Scope = Scope.PASSING) -> "Reason":
        member = str.__new__(cls, text)
        member._value_ = text
        member.scope = scope
        return member

    REMOVED = "removed", Scope.FINAL
    PRIVATE = "private", Scope.FINAL
    TERMINATED = "terminated", Scope.FINAL
    COPYRIGHT = "copyright", Scope.FINAL
    AGE_GATED = "age-gated", Scope.FINAL
    GEO_BLOCKED = "geo-blocked", Scope.FINAL
    MEMBERS_ONLY = "members-only", Scope.FINAL
    PAID = "paid", Scope.FINAL
    LIVE = "live", Scope.FINAL
    DRM = "drm", Scope.FINAL
    UNAVAILABLE = "unavailable", Scope.FINAL
    NO_AUDIO = "no-audio", Scope.FINAL
    BEYOND_END = "beyond-end", Scope.FINAL
    SILENT = "silent", Scope.FINAL
    NOT_IN_SOURCE = "not-in-source", Scope.FINAL
    DAMAGED_FILE = "damaged-file", Scope.FINAL
    WRONG_LENGTH = "wrong-length", Scope.FINAL
    FORGOTTEN = "forgotten", Scope.FINAL
    """Taken out by `forget`; nothing ever puts it back."""
    EXCLUDED = "excluded", Scope.FINAL
    """Left out by an exclusion list; the detail has the list's reason and note."""

    TIMEOUT = "timeout", Scope.PASSING
    MEDIA_REFUSED = "media-refused", Scope.PASSING
    SERVER_ERROR = "server-error", Scope.PASSING
    CONNECTION = "connection", Scope.PASSING
    TRUNCATED = "truncated", Scope.PASSING
    DECODE = "decode", Scope.PASSING
    BAD_ANSWER = "bad-answer", Scope.PASSING
    CLIENT = "client-refused", Scope.PASSING
    NO_FORMATS = "no-formats", Scope.PASSING
    VIDEO_REFUSED = "video-refused", Scope.PASSING
    """Refused again and again while others were granted; the detail has the refusal's words."""
    UNKNOWN = "unknown", Scope.PASSING

    TOO_MANY_REQUESTS = "too-many-requests", Scope.RUN
    RATE_LIMITED = "rate-limited", Scope.RUN
    BOT_CHECK = "bot-check", Scope.RUN
    CAPTCHA = "captcha", Scope.RUN
    WRONG_VIDEO = "wrong-video", Scope.RUN
    NETWORK_DOWN = "network-down", Scope.RUN
    PROXY = "proxy-refused", Scope.RUN
    CERTIFICATE = "certificate", Scope.RUN
    RESTRICTED = "network-restricted", Scope.RUN
    """The user's own network has YouTube hide videos; another network gets them."""
    IMPLAUSIBLE = "implausible", Scope.RUN


UNREACHED = frozenset({Reason.NETWORK_DOWN, Reason.PROXY, Reason.CERTIFICATE, Reason.RESTRICTED})
"""Trouble on our own way to the remote: it says nothing about the remote's patience."""

LASTING = frozenset({Reason.PROXY, Reason.CERTIFICATE, Reason.RESTRICTED})
"""Those of them that no waiting mends: the user has to."""

BY_USER = frozenset({Reason.FORGOTTEN, Reason.EXCLUDED})
"""Decisions of the user's: they say nothing about whether a video lives."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an attempt at a clip failed.

    `attempts` counts those that failed so far, `retry_at` is seconds since the epoch, or None when the
    verdict is final.
    """

    key: str
    reason: Reason
    detail: str
    attempts: int
    retry_at: float | None


@dataclass(frozen=True, slots=True)
class Table:
    """A result for people: a title, column heads, and rows of text of the same length.

    Where there is no room for it, `words.draw_table` turns it, leaves columns out, or stacks it.

    Args:
        optional: groups of columns, counted from 0, that a narrow screen does without, the first to go first.
        turns: whether rows and columns may change places.
        narrow: the same in another form, to be tried where this one has no room.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    optional: tuple[tuple[int, ...], ...] = ()
    turns: bool = True
    narrow: "Table | None" = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far something is: `done` of `total`, and what it is at, in words."""

    done: int
    total: int
    text: str = ""

    def __str__(self) -> str:
        count = f"{self.done:,} of {self.total:,}"
        return f"{count}: {self.text}" if self.text else count


@dataclass(frozen=True, slots=True)
class Message(Progress):
    """A line for the user between two counts, which must not wait."""

    def __str__(self) -> str:
        return self.text


def message(text: str) -> Message:
    """A line for the user."""
    return Message(0, 0, text)


OnProgress = Callable[[Progress], object]
"""Called from time to time with how far something is; `print` will do."""


def silent(progress: Progress) -> None:
    """Report nothing."""


CLASS_SEPARATOR = ";"
"""Between several classes in one cell of a CSV; no class name may hold it."""


def join_classes(names: Iterable[str]) -> str:
    """Several classes in one cell of a CSV."""
    return CLASS_SEPARATOR.join(names)


def split_classes(cell: str) -> tuple[str, ...]:
    """What `join_classes` joined."""
    return tuple(filter(None, cell.split(CLASS_SEPARATOR)))
