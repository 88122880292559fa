"""`fetch --record DIR`: what the remote answered, for a report of a fault, without anything personal.

Each answer is a file of its own: a player's as the JSON that decides (`KEPT`), a page reduced to the player's
answer in it, of a stream its head, and of all of them the status and a few headers. Whatever is not known to
be harmless is replaced by as many `x`: a text, a token, a title, an address's parameter. Ids of videos stay,
for they are AudioSet's. `python -m audioset_tools.simulator --replay DIR` answers from it.
"""

import gzip
import json
import re
import threading
from base64 import b64encode
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit, urlunsplit

from yt_dlp.networking import Request, Response

from ..exceptions import EnvironmentProblem
from ..files import parse_json, write_beside

KEPT = ("playabilityStatus", "streamingData", "videoDetails", "storyboards")
"""The parts of a player's answer that are written."""

MOST_BYTES = 50_000_000
"""Bytes that a folder may grow by in one run; what comes after is not written."""

_HEAD_BYTES = 16_384
_LONGEST_BODY = 2_000_000
_MOST_ITEMS = 2_000
_HEADERS = ("Content-Type", "Content-Length", "Content-Range", "Retry-After", "Date")

_HARMLESS = frozenset(
    {
        *("status", "reason", "simpleText", "text", "content", "messages"),
        *("mimeType", "type", "start", "end", "contentLength", "approxDurationMs", "audioSampleRate"),
        *("quality", "qualityLabel", "audioQuality", "qualityOrdinal", "projectionType", "drmFamilies"),
        *("lengthSeconds", "expiresInSeconds", "lastModified", "id", "displayName"),
    }
)
"""Names whose texts are kept, where they stand in a part that is kept at all."""

_PLAIN_PARAMETERS = frozenset(
    {"itag", "source", "mime", "clen", "dur", "lmt", "c", "gir", "expire", "requiressl", "ratebypass", "sabr"}
)
_NAME = re.compile(r"[A-Za-z_]{1,20}[0-9]?")
_NO_DATA: dict[str, Any] = {"contents": {"twoColumnWatchNextResults": {}}}
_INITIAL = re.compile(r"ytInitialPlayerResponse\s*=\s*(?=\{)")


class Recorder:
    """Writes answers into a folder; used by several threads at once.

    Args:
        folder: made if it is missing.

    `left_out` counts the answers that were not written: past that bound, or because the disk took none.

    Raises:
        EnvironmentProblem: it cannot be made.
    """

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES) -> None:
        self.folder = folder
        self.left_out = 0
        self._left = most_bytes
        self._lock = threading.Lock()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._number = sum(1 for _ in folder.glob("*.json.gz"))
        except OSError as error:
            raise EnvironmentProblem(
                f"{folder} cannot be made: {error.strerror}", "Name another folder for --record."
            ) from error

    def answered(self, request: Request, response: Response, ytid: str) -> None:
        """Write an answer as soon as it has been read, or closed.

        Args:
            response: the answer, whose body the caller reads.
            ytid: the video that it concerns, or "".
        """
        response.fp = _Overheard(response.fp, lambda body: self._write(request, response, ytid, body))

    def _write(self, request: Request, response: Response, ytid: str, body: bytes) -> None:
        record = gzip.compress(json.dumps(_record(request, response, ytid, body)).encode(), mtime=0)
        with self._lock:
            self._number, number = self._number + 1, self._number
            if len(record) > self._left:
                self.left_out += 1
                return
            self._left -= len(record)
        name = f"{number:06}-{_kind(request.url)}-{response.status}.json.gz"
        try:
            with write_beside(self.folder / name) as part:
                part.write_bytes(record)
        except OSError:
            # A report's disk that is full ends no fetch; that something is missing is reported at its end.
            with self._lock:
                self.left_out += 1


class _Overheard:
    """A body that is kept, up to a length, while it is read; passed on once, at its end."""

    def __init__(self, body: Any, tell: Callable[[bytes], None]) -> None:
        self._body = body
        self._tell: Callable[[bytes], None] | None = tell
        self._kept = bytearray()

    def read(self, *args: Any, **options: Any) -> bytes:
        """As the body's own."""
        got: bytes = self._body.read(*args, **options)
        self._kept += got[: max(0, _LONGEST_BODY - len(self._kept))]
        if not got or not args or args[0] is None:
            self._end()
        return got

    @property
    def closed(self) -> bool:
        """Whether it was passed on: a body that is read to its last byte closes itself."""
        return self._tell is None and bool(self._body.closed)

    def close(self) -> None:
        """As the body's own."""
        self._end()
        self._body.close()

    def _end(self) -> None:
        tell, self._tell = self._tell, None
        if tell:
            tell(bytes(self._kept))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._body, name)


def _kind(url: str) -> str:
    parts = urlsplit(url)
    if (parts.hostname or "").endswith(".googlevideo.com"):
        return "media" if parts.path.startswith("/videoplayback") else "other"
    return {"/youtubei/v1/player": "player", "/youtubei/v1/visitor_id": "visitor", "/watch": "page"}.get(
        parts.path, "other"
    )


def _record(request: Request, response: Response, ytid: str, body: bytes) -> dict[str, Any]:
    kind = _kind(request.url)
    headers = {name: response.headers[name] for name in _HEADERS if response.headers.get(name)}
    record: dict[str, Any] = {
        "kind": kind,
        "client": _client(request),
        "date": datetime.now(UTC).date().isoformat(),
        "videoId": ytid,
        "status": response.status,
        "headers": {name: str(value)[:200] for name, value in headers.items()},
    }
    if kind == "media":
        query = parse_qs(urlsplit(request.url).query)
        wanted = request.headers.get("Range") or "bytes=0-"
        record |= {"itag": int(query.get("itag", ["0"])[0]) if query.get("itag", ["0"])[0].isdigit() else 0}
        record |= {"range": str(wanted)[:50]}
        head = body[:_HEAD_BYTES] if str(wanted).startswith("bytes=0-") else b""
        return record | {"body": b64encode(head).decode()}
    if kind == "page":
        return record | {"body": b64encode(_page(body, ytid).encode()).decode()}
    with suppress(ValueError, RecursionError):
        answer = parse_json(body)
        if isinstance(answer, dict):
            return record | {"answer": cleaned(answer, ytid)}
    return record | {"body": b64encode(b"x" * min(len(body), 200)).decode()}


def _client(request: Request) -> str:
    with suppress(ValueError, TypeError, KeyError):
        data = request.data
        asked = parse_json(data if isinstance(data, bytes | str) else b"{}")
        return str(asked["context"]["client"]["clientName"])[:50]
    return ""


def _page(body: bytes, ytid: str) -> str:
    """A watch page's player answer, and the signs by which a captcha or a children's video is known."""
    text = body.decode("utf-8", "replace")
    signs = [
        sign for sign in ("g-recaptcha", "captcha-form", "unusual traffic", "made for kids") if sign in text
    ]
    answer: Any = {}
    if match := _INITIAL.search(text):
        with suppress(ValueError, RecursionError):
            answer, _ = json.JSONDecoder().raw_decode(text[match.end() :])
    player = (
        f"<script>var ytInitialPlayerResponse = {json.dumps(cleaned(answer, ytid))};</script>"
        if answer
        else ""
    )
    # A page that had other data must not look like one cut short when it is replayed.
    data = f"<script>var ytInitialData = {json.dumps(_NO_DATA)};</script>" if "ytInitialData" in text else ""
    return f"<!DOCTYPE html><html><body>{player}{data}{' '.join(signs)}</body></html>"


def cleaned(answer: Mapping[str, Any], ytid: str) -> dict[str, Any]:
    """A JSON answer without anything personal: the parts `KEPT`, with all but harmless texts masked.

    Args:
        ytid: the video, by which the replay knows a masked address.
    """
    kept = {name: _masked(answer[name], name, ytid, 0) for name in KEPT if name in answer}
    if "visitorData" in (answer.get("responseContext") or {}):
        kept["responseContext"] = {"visitorData": "x" * 40}
    return kept


def _masked(value: Any, name: str, ytid: str, depth: int) -> Any:
    if depth > 20:
        return None
    if isinstance(value, dict):
        items = list(value.items())[:_MOST_ITEMS]
        return {str(key)[:100]: _masked(inner, str(key), ytid, depth + 1) for key, inner in items}
    if isinstance(value, list):
        return [_masked(inner, name, ytid, depth + 1) for inner in value[:_MOST_ITEMS]]
    if not isinstance(value, str):
        return value
    if name in ("signatureCipher", "cipher"):
        named = [(key, text) for key, text in parse_qsl(value[:20_000]) if _NAME.fullmatch(key)]
        parts = {key: masked_address(text, ytid) if key == "url" else _x(text) for key, text in named}
        return urlencode({**parts, **({"sp": "sig"} if "sp" in parts else {})})
    if value.startswith(("https://", "http://")):
        return masked_address(value, ytid)
    if name == "videoId":
        return value[:50]
    return value[:2_000] if name in _HARMLESS else _x(value)


def masked_address(url: str, ytid: str) -> str:
    """An address of the same shape that leads nowhere and names no one."""
    try:
        parts = urlsplit(url[:20_000])
    except ValueError:
        return "https://x/"
    host = parts.hostname or ""
    if host.endswith(".googlevideo.com") and host != "manifest.googlevideo.com":
        host = "rr1---sn-xxxxxxxx.googlevideo.com"
    path = parts.path
    if not path.endswith("/videoplayback"):
        path = re.sub("[A-Za-z0-9]", "x", path[:500]) if host.endswith("googlevideo.com") else "/x"
    stands_for = {"ip": "198.51.100.7", "id": ytid}
    query = [
        (key[:50], value[:200] if key in _PLAIN_PARAMETERS else stands_for.get(key, _x(value)))
        for key, value in parse_qsl(parts.query)[:100]
        if _NAME.fullmatch(key)
    ]
    return urlunsplit((parts.scheme, host, path, urlencode(query), ""))


def _x(text: str) -> str:
    return "x" * min(len(text), 2_000)
