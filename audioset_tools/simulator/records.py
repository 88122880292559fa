"""Recorded answers on disk: what `fetch --record` writes, and what others recorded in the same form.

A file `*.json` or `*.json.gz` holds one answer: `videoId`, `client` and `kind` (`KINDS`), `status` and
`headers`, and the body as `answer` (a JSON object) or `body` (base64); of a stream also `itag` and the
`range` asked for, of which only the head may be there. Files come from strangers: each is read by itself and
within bounds, and what is not understood is passed over with a line that says why.
"""

import base64
import gzip
import json
import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from ..errors import DataMismatch, UsageError

KINDS = ("player", "page", "media", "visitor", "other")

_MOST_FILES = 20_000
_MOST_ON_DISK = 8_000_000
_MOST_TEXT = 32_000_000
_MOST_LINES = 20
_HEADERS = {name.lower(): name for name in ("Content-Type", "Content-Range", "Retry-After")}


@dataclass(frozen=True, slots=True)
class Record:
    """One answer. `begin` is the first byte that was asked of a stream, `answer` the object in its body."""

    kind: str
    client: str
    ytid: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    answer: Mapping[str, Any] | None = None
    itag: int = 0
    begin: int = 0


@dataclass(frozen=True, slots=True)
class _Place:
    path: Path
    kind: str
    client: str
    ytid: str
    itag: int
    begin: int


class Records:
    """The answers of a folder, in the order of their files' names.

    Only where each lies is kept in memory. Several answers to the same question are given one after another,
    the last one again and again.

    Args:
        folder: where they are; folders inside it do not count.

    Attributes:
        passed_over: one line for each file that is no record, at most so many and a last one for the rest.

    Raises:
        UsageError: there is no such folder.
        DataMismatch: it holds no record.
    """

    def __init__(self, folder: Path) -> None:
        self._lock = Lock()
        self._given: Counter[tuple[object, ...]] = Counter()
        self._places: defaultdict[str, list[_Place]] = defaultdict(list)
        self.passed_over: list[str] = []
        left_out = 0
        for path in _files(folder):
            try:
                one = read_record(path)
            except (ValueError, OSError) as error:
                left_out += 1
                if left_out <= _MOST_LINES:
                    self.passed_over.append(f"{path.name!r} is passed over: {_line(error)}")
                continue
            self._places[one.ytid if one.kind != "visitor" else ""].append(
                _Place(path, one.kind, one.client, one.ytid, one.itag, one.begin)
            )
        if left_out > _MOST_LINES:
            self.passed_over.append(f"{left_out - _MOST_LINES} more files are passed over")
        if not self._places:
            raise DataMismatch(
                f"{folder} holds no recorded answer", "Record some with: audioset-tools fetch --record DIR"
            )

    def next(self, kind: str, ytid: str, client: str = "") -> Record | None:
        """The answer to give now: one to this client, or else one to any; None if there is none."""
        found = [place for place in self._places[ytid] if place.kind == kind] if ytid in self._places else []
        own = [place for place in found if place.client == client]
        return self._turn(own or found, (kind, ytid, client))

    def media(self, ytid: str, itag: int, begin: int) -> Record | None:
        """The answer to a request for a stream from byte `begin` on; None if nothing of it was recorded."""
        found = [
            place for place in self._places.get(ytid, ()) if place.kind == "media" and place.itag in (itag, 0)
        ]
        exact = [place for place in found if place.begin == begin]
        before = [place for place in found if place.begin <= begin]
        return self._turn(exact or before[-1:] or found, ("media", ytid, itag, begin))

    def _turn(self, places: list[_Place], question: tuple[object, ...]) -> Record | None:
        if not places:
            return None
        with self._lock:
            turn = self._given[question]
            self._given[question] += 1
        try:
            return read_record(places[min(turn, len(places) - 1)].path)
        except (ValueError, OSError):
            # It was one when the folder was read: somebody has taken it away since.
            return None


def read_record(path: Path) -> Record:
    """Read one file.

    Raises:
        ValueError: it is no record.
        OSError: it cannot be read.
    """
    if path.stat().st_size > _MOST_ON_DISK:
        raise ValueError(f"it has more than {_MOST_ON_DISK:,} bytes")
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as handle:
            text = handle.read(_MOST_TEXT + 1)
        if len(text) > _MOST_TEXT:
            raise ValueError(f"it holds more than {_MOST_TEXT:,} bytes of text")
        given = json.loads(text)
    except (EOFError, zlib.error) as error:
        raise ValueError(f"it is no whole gzip file: {error}") from error
    except RecursionError as error:
        raise ValueError("its JSON is nested too deeply") from error
    if not isinstance(given, dict):
        raise ValueError("it is no JSON object")
    return _record(given)


def _record(given: dict[str, Any]) -> Record:
    kind = _typed(given, "kind", str, "player")
    status = _typed(given, "status", int, 200)
    if kind not in KINDS or not 200 <= status < 600:
        raise ValueError(f"no answer is of kind {kind[:20]!r} with status {status}")
    ytid, client = _typed(given, "videoId", str, ""), _typed(given, "client", str, "")
    if len(ytid) > 50 or len(client) > 50 or (not ytid and kind in ("player", "page", "media")):
        raise ValueError("it names no video, or one of too long a name")
    headers = _typed(given, "headers", dict, {})
    answer = _typed(given, "answer", dict, None) if "answer" in given else None
    if answer is None and "body" not in given:
        raise ValueError("it has neither answer nor body")
    body = base64.b64decode(_typed(given, "body", str, ""), validate=True)
    begin = re.fullmatch(r"bytes=(\d{1,15})-\d{0,15}", _typed(given, "range", str, "bytes=0-"), re.ASCII)
    if not begin:
        raise ValueError("its range is none")
    return Record(
        kind=kind,
        client=client,
        ytid=ytid,
        status=status,
        headers={
            _HEADERS[name.lower()]: value
            for name, value in headers.items()
            if name.lower() in _HEADERS and isinstance(value, str) and re.fullmatch(r"[ -~]{1,200}", value)
        },
        body=body if answer is None else json.dumps(answer).encode(),
        answer=answer,
        itag=_typed(given, "itag", int, 0),
        begin=int(begin[1]),
    )


def _typed(given: dict[str, Any], name: str, kind: type, otherwise: Any) -> Any:
    value = given.get(name, otherwise)
    # A boolean is an int to Python, but no status.
    if value is not otherwise and (not isinstance(value, kind) or isinstance(value, bool)):
        raise ValueError(f"its {name} is no {kind.__name__}")
    return value


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder", "Name one that holds recorded answers.")
    found = [
        path for path in folder.iterdir() if path.name.endswith((".json", ".json.gz")) and path.is_file()
    ]
    if len(found) > _MOST_FILES:
        raise UsageError(
            f"{folder} holds {len(found):,} files", f"Replay at most {_MOST_FILES:,} answers at once."
        )
    return sorted(found)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
