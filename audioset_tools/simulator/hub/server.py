"""The Hub and its storage: two listeners on 127.0.0.1, so that a signed address leads to another host.

The Hub answers what huggingface_hub asks (a revision's commit, the tree, where a file is) and redirects to
the storage, which gives parts of files to whoever has a signed address. Asked otherwise, both give 404.
"""

import hashlib
import json
import random
import time
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, quote, unquote

from ..plan import fate
from ..server import Server
from ..site import HTML, JSON, TEXT, reset
from ..wire import Line, Request, byte_range, head, send
from .plan import Gate, HubPlan, HubRefusal

COMMIT = "5d2b0f1c9a7e4836b1f0c2d3e4a5968770123abc"
"""Of `main`, where no other is given."""

REPO = "stand-in/audioset-full"

_BINARY = "application/octet-stream"
_PIECE = 1 << 18
_KINDS = ("info", "tree", "resolve", "part", "other")


class HubSimulator:
    """A Hub with one data set on loopback, from `with` to the end of its block.

    Args:
        folder: holds the files of the data set, in the tree that the Hub shows.
        plan: whom it lets in, what it refuses, what is odd.
        repo: the data set's name, OWNER/NAME.
        commit: 40 hexadecimal digits, to which `main` leads.
    """

    def __init__(
        self, folder: Path, plan: HubPlan = HubPlan(), repo: str = REPO, commit: str = COMMIT
    ) -> None:
        self.folder = folder
        self.plan = plan
        self.repo = repo
        self.commits = {"main": commit, commit: commit, **dict(plan.branches)}
        self.commits |= {commit: commit for commit in self.commits.values()}
        self._lock = Lock()
        self._requests = Counter(dict.fromkeys(_KINDS, 0))
        self._by_host: Counter[bool] = Counter()
        self._refused = self._bytes = self._parts = 0
        self._began: dict[HubRefusal, float] = {}
        self._signed: dict[str, tuple[str, float]] = {}
        self._uses: Counter[str] = Counter()
        self._hub = _Host(self._answer)
        self._storage = _Host(self._give)

    def __enter__(self) -> "HubSimulator":
        self._storage.__enter__()
        self._hub.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hub.__exit__(kind, error, trace)
        self._storage.__exit__(kind, error, trace)

    @property
    def address(self) -> str:
        """The address to give as `HF_ENDPOINT`."""
        return self._hub.address

    def counts(self) -> dict[str, Any]:
        """What was asked so far.

        Returns:
            `requests`: kind -> number, refused ones included: "info", "tree", "resolve" at the Hub, "part" at
            the storage, "other" at either. `refused`: answered 429 or 503. `bytes`: of the parts that went
            out or broke off.
        """
        with self._lock:
            return {"requests": dict(self._requests), "refused": self._refused, "bytes": self._bytes}

    def etag(self, path: str) -> str:
        """The digest by which the Hub knows a file's content."""
        return _digest(self.folder / path)

    def _answer(self, line: Line, request: Request) -> bool:
        """One request to the Hub."""
        self._hub.pause(self.plan.latency_s)
        kind, rest = self._kind(request)
        asked = self._counted(kind, of_storage=False)
        if self._refuses(line, request, asked, of_storage=False):
            return True
        gone = self.plan.gone_at is not None and asked >= self.plan.gone_at
        if kind == "other" and request.path.startswith(("/api/datasets/", "/datasets/")):
            return _wrong(line, request, 401, "RepoNotFound", "Repository not found")
        if kind == "other":
            return _wrong(line, request, 404, "", "no such address")
        if denied := self._denied(request, "gone" if gone else self.plan.gate):
            return _wrong(line, request, *denied)
        revision, _, path = rest.partition("/")
        commit = self.commits.get(unquote(revision))
        if commit is None:
            return _wrong(line, request, 404, "RevisionNotFound", f"Invalid rev id: {unquote(revision)}")
        if kind == "info":
            gated = self.plan.gate == "gated" and "manual"
            known = {"id": self.repo, "sha": commit, "private": False, "disabled": False, "gated": gated}
            return send(line, request, 200, JSON, json.dumps(known).encode())
        if kind == "tree":
            return self._tree(line, request, f"{self.address}{request.path}")
        return self._resolve(line, request, commit, unquote(path))

    def _kind(self, request: Request) -> tuple[str, str]:
        """What is asked of the Hub, and the rest of the path, revision first."""
        api = f"/api/datasets/{self.repo}"
        if request.path == api:
            return "info", "main"
        kinds = {f"{api}/revision/": "info", f"{api}/tree/": "tree", f"{api}/paths-info/": "tree"}
        kinds[f"/datasets/{self.repo}/resolve/"] = "resolve"
        for before, kind in kinds.items():
            if request.path.startswith(before):
                return kind, request.path.removeprefix(before)
        return "other", ""

    def _counted(self, kind: str, of_storage: bool) -> int:
        """The number of this request among those to the same host."""
        with self._lock:
            self._requests[kind] += 1
            self._by_host[of_storage] += 1
            return self._by_host[of_storage]

    def _refuses(self, line: Line, request: Request, asked: int, of_storage: bool) -> bool:
        """Answer with a refusal, if it is time or by chance."""
        now, plan = time.monotonic(), self.plan
        for refusal in plan.refusals:
            if refusal.of_storage is not of_storage or asked < refusal.at:
                continue
            left = refusal.seconds - (now - self._began.setdefault(refusal, now))
            if left > 0:
                return self._refuse(line, request, refusal.status, told(refusal, left))
        if fate(plan.seed, f"{of_storage} {asked}", "503") < plan.chance_503:
            return self._refuse(line, request, 503, {})
        return False

    def _refuse(self, line: Line, request: Request, status: int, extra: dict[str, str]) -> bool:
        with self._lock:
            self._refused += 1
        return send(line, request, status, JSON, b'{"error":"not now"}', extra)

    def _denied(self, request: Request, gate: Gate) -> tuple[int, str, str] | None:
        """Status, code and words for who may not read the data set."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if gate == "disabled":
            return 403, "", "Access to this resource is disabled."
        if gate == "open" or (gate != "gone" and token in self.plan.granted):
            return None
        if gate == "gated":
            return (403 if token else 401), "GatedRepo", f"Access to dataset {self.repo} is restricted."
        return (404 if token else 401), "RepoNotFound", "Repository not found"

    def _tree(self, line: Line, request: Request, url: str) -> bool:
        entries = [*self._files(), *self.plan.more]
        if request.method == "POST":
            wanted = parse_qs(request.body.decode()).get("paths", [])
            found = [one for one in entries if one["path"] in wanted]
            return send(line, request, 200, JSON, json.dumps(found).encode())
        first = int(request.query("cursor") or 0)
        page = self.plan.page
        shown = entries[first : first + page]
        extra = {}
        if first + page < len(entries) or not self.plan.tree_ends:
            extra["Link"] = f'<{url}?recursive=true&expand=false&cursor={first + page}>; rel="next"'
        if not self.plan.tree_ends and not shown:
            shown = [_entry(f"{first + n}.txt", 1, "0" * 64) for n in range(page)]
        return send(line, request, 200, JSON, json.dumps(shown).encode(), extra)

    def _files(self) -> list[dict[str, Any]]:
        return [
            _entry(path.relative_to(self.folder).as_posix(), path.stat().st_size, _digest(path))
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
        ]

    def _resolve(self, line: Line, request: Request, commit: str, name: str) -> bool:
        """Where a file is: with the storage, under a new address each time."""
        path = self.folder / name
        # Only what the tree lists is there, whatever the path.
        if name not in {one["path"] for one in self._files()}:
            return _wrong(line, request, 404, "EntryNotFound", "Entry not found")
        etag, size = _digest(path), path.stat().st_size
        with self._lock:
            number = len(self._signed) + 1
            if self.plan.changes_at is not None and number >= self.plan.changes_at:
                etag = hashlib.sha256(etag.encode()).hexdigest()
            signature = f"{random.Random(number).getrandbits(128):032x}"
            self._signed[signature] = (name, time.monotonic())
        extra = {
            "Location": f"{self._storage.address}/{etag}?X-Amz-Signature={signature}&n={number}",
            "X-Repo-Commit": commit,
            "X-Linked-Size": str(size),
            "X-Linked-Etag": f'"{etag}"',
            "ETag": f'"{etag[:40]}"',
        }
        return send(line, request, 302, TEXT, b"", extra)

    def _give(self, line: Line, request: Request) -> bool:
        """One request to the storage."""
        self._storage.pause(self.plan.latency_s)
        asked = self._counted("part", of_storage=True)
        if self._refuses(line, request, asked, of_storage=True):
            return True
        signature = request.query("X-Amz-Signature")
        name, since = self._signed.get(signature, ("", 0.0))
        with self._lock:
            self._uses[signature] += 1
            self._parts += 1
            number, uses = self._parts, self._uses[signature]
        odd = fate(self.plan.seed, str(number), "odd") < self.plan.odd_share and self.plan.odd
        plan = self.plan
        spent = plan.link_uses is not None and uses > plan.link_uses
        late = plan.link_seconds is not None and time.monotonic() > since + plan.link_seconds
        if not name or spent or late or odd == "refused":
            return send(line, request, 403, "application/xml", b"<Error><Code>AccessDenied</Code></Error>")
        return self._send_part(line, request, self.folder / name, odd or "")

    def _send_part(self, line: Line, request: Request, path: Path, odd: str) -> bool:
        size, etag = path.stat().st_size, request.path[1:]
        span = byte_range(request.headers.get("range", "bytes=0-").removeprefix("bytes="), size)
        if span is None:
            return send(line, request, 416, TEXT, b"", {"Content-Range": f"bytes */{size}"})
        begin, end = span
        if odd in ("html", "unavailable"):
            status = 200 if odd == "html" else 503
            return send(line, request, status, HTML, b"<html>not here</html>")
        if odd == "elsewhere":
            begin, end = (begin + 1) % size, min(end + 1, size)
        total = size + 1 if odd == "larger" else size
        extra = {"Content-Range": f"bytes {begin}-{end - 1}/{total}", "ETag": f'"{etag}"'}
        if odd == "ignored":
            line.socket.sendall(head(200, _BINARY, size))
            begin, end = 0, size
        else:
            line.socket.sendall(head(206, _BINARY, None if odd == "endless" else end - begin, extra))
        if request.method == "HEAD":
            return True
        upto = (begin + end) // 2 if odd in ("short", "reset") else end
        with path.open("rb") as file:
            file.seek(begin)
            while begin < upto and (piece := file.read(min(_PIECE, upto - begin))):
                # Counted first: who has read them all may ask at once how many there were.
                with self._lock:
                    self._bytes += len(piece)
                line.socket.sendall(piece)
                begin += len(piece)
        while odd == "endless" and not self._storage.pause(0):
            line.socket.sendall(bytes(_PIECE))
        if odd == "reset":
            # A reset throws away what the client has not read yet: let it read the half that was sent.
            time.sleep(0.02)
            return reset(line)
        return odd not in ("short", "endless")


class _Host(Server):
    """A listener whose requests are answered by a function; False from it ends the connection."""

    def __init__(self, answer: Callable[[Line, Request], bool]) -> None:
        super().__init__()
        self._answer = answer

    def serve(self, line: Line) -> None:
        while request := line.request():
            if not self._answer(line, request) or not request.keeps_alive:
                return

    def pause(self, seconds: float) -> bool:
        """Wait so long, or until all ends; whether it does."""
        return self._ended.wait(seconds)


def told(refusal: HubRefusal, left: float) -> dict[str, str]:
    """The headers by which a refusal says how long it lasts."""
    seconds = int(left) + 1
    if refusal.told == "Retry-After":
        return {"Retry-After": str(seconds)}
    if refusal.told == "RateLimit":
        policy = '"fixed window";"api";q=500;w=300'
        return {"RateLimit": f'"api";r=0;t={seconds}', "RateLimit-Policy": policy}
    return {}


def _wrong(line: Line, request: Request, status: int, code: str, words: str) -> bool:
    extra = {"X-Error-Message": words, **({"X-Error-Code": code} if code else {})}
    phrase = HTTPStatus(status).phrase
    return send(line, request, status, JSON, json.dumps({"error": words or phrase}).encode(), extra)


def _entry(path: str, size: int, digest: str) -> dict[str, Any]:
    """A file of the tree as the Hub lists it: large ones lie with the storage, by their digest."""
    lfs = {"lfs": {"oid": digest, "size": size, "pointerSize": 135}}
    known = {"type": "file", "oid": digest[:40], "size": size, "path": path}
    return known if quote(path).endswith((".md", ".txt")) else {**known, **lfs}


@lru_cache(maxsize=1024)
def _digest_of(path: Path, size: int, changed: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest(path: Path) -> str:
    status = path.stat()
    return _digest_of(path, status.st_size, status.st_mtime_ns)
