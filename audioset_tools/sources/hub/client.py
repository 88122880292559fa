"""huggingface_hub as we use it: which commit a revision is, which files it has, and where one of them lies.

huggingface_hub knows the user's login, the endpoint and the Hub's way to answer. It also sleeps and tries
again by itself, for minutes, and puts no bound to most of its requests. So its client is watched: each of its
requests spends from the pace, an answer that refuses is raised at once as ours, and each call is waited for
only so long, and no longer than the run.
"""

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from ...exceptions import AudiosetToolsError, DataMismatch, EnvironmentProblem, UsageError
from ...installing import install
from ...types import Reason
from ...workspace import printable
from ..connection.patience import Endable
from ..pace import Pace
from ..session import read_retry_after
from ..source import FetchError
from .address import HubAddress

Answer = TypeVar("Answer")

MOST_FILES = 20_000
"""Files of a data set that are listed; a mirror of zips has fifty."""

_CALL_S, _SILENCE_S, _CONNECT_S = 60.0, 20.0, 10.0
"""Seconds that a call may take, that a connection may be silent, and until it must be there."""

_LOOK_S = 0.25
"""How often it is looked whether the run is being stopped."""

_OURS = "audioset-tools"
"""What we call ourselves."""

_MOST_ANSWER, _MOST_PACKED = 8_000_000, 300_000
"""Bytes of an answer, and of one that comes compressed all the same; a page of the tree has 0.3 MB."""

_CRUMB, _MOST_CRUMBS = 512, 10_000
"""How often less than so many bytes may come at once; each so many allow one more."""


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file of a data set: its path in it, a stranger's text; its bytes; the digest of its content."""

    path: str
    size: int
    etag: str


@dataclass(frozen=True, slots=True)
class SignedAddress:
    """Where a file's bytes are for now, and the headers to ask for them with."""

    url: str
    headers: Mapping[str, str]


class HubClient:
    """The Hub, asked about one data set.

    Args:
        address: the data set, and which revision of it was asked for.
        pace: spent by each request.
        endpoint: the Hub's address; huggingface_hub's own, which `HF_ENDPOINT` sets, if None.
        known: whether it was there before: then one that is not there was taken down.

    Raises:
        EnvironmentProblem: huggingface_hub is not installed, or too old.
        UsageError: the Hub has no such names.
    """

    def __init__(
        self, address: HubAddress, pace: Pace, endpoint: str | None = None, known: bool = False
    ) -> None:
        self.hub, self.httpx = _libraries()
        self.address = address
        self.pace = pace
        self.known = known
        self.endpoint = (endpoint or self.hub.constants.ENDPOINT).rstrip("/")
        self._api = self.hub.HfApi(endpoint=self.endpoint, library_name=_OURS)
        try:
            self.hub.utils.validate_repo_id(address.repo)
        except ValueError as error:
            raise UsageError(f"{address} is no name of the Hub's: {error}", "Write hf:OWNER/NAME.") from error

    def commit(self, revision: str | None) -> str:
        """The commit that a revision is now; of the main branch if None.

        Raises:
            FetchError: the Hub does not answer, or refuses for now.
            UsageError: there is no such data set or revision, as far as the Hub tells the user.
            EnvironmentProblem: the user may not read it.
        """

        def ask() -> Any:
            return self._api.dataset_info(self.address.repo, revision=revision, timeout=_SILENCE_S).sha

        commit = self._ask(ask)
        if not isinstance(commit, str) or not commit.isalnum() or len(commit) != 40:
            raise FetchError(Reason.BAD_ANSWER, f"the Hub names no commit but {commit!r:.80}")
        return commit

    def files(self, commit: str) -> list[HubFile]:
        """The files of a commit, by path.

        Raises:
            FetchError, UsageError, EnvironmentProblem: as of `commit`; UsageError also if it has too many.
        """

        def ask() -> list[Any]:
            tree = self._api.list_repo_tree(
                self.address.repo, recursive=True, revision=commit, repo_type="dataset"
            )
            return list(islice(tree, MOST_FILES + 1))

        entries = self._ask(ask)
        if len(entries) > MOST_FILES:
            raise UsageError(
                f"{self.address} has more than {MOST_FILES:,} files: it is no mirror made of zips",
                "Download what you need of it, and use local:DIR.",
            )
        files = [
            HubFile(entry.path, entry.size, entry.lfs.sha256 if entry.lfs else entry.blob_id)
            for entry in entries
            if isinstance(entry, self.hub.hf_api.RepoFile)
        ]
        for file in files:
            told = isinstance(file.path, str) and isinstance(file.etag, str) and isinstance(file.size, int)
            if not told or file.size < 0:
                raise FetchError(Reason.BAD_ANSWER, f"the Hub lists a file that is none: {file!r:.200}")
        if len({file.path for file in files}) < len(files):
            raise FetchError(Reason.BAD_ANSWER, "the Hub lists a file twice")
        return sorted(files, key=lambda file: file.path)

    def locate(self, file: HubFile, commit: str) -> SignedAddress:
        """Where a file's bytes are now.

        Raises:
            FetchError, EnvironmentProblem: as of `commit`.
            DataMismatch: the file is another one than was listed.
        """
        url = self.hub.hf_hub_url(
            self.address.repo, file.path, repo_type="dataset", revision=commit, endpoint=self.endpoint
        )
        found = self._ask(
            lambda: self.hub.get_hf_file_metadata(url, timeout=_SILENCE_S, endpoint=self.endpoint)
        )
        if not found.etag:
            raise FetchError(Reason.BAD_ANSWER, "the Hub gives no ETag")
        if found.commit_hash not in (None, commit) or found.etag != file.etag:
            raise self.changed(file, f"its ETag is {printable(found.etag[:80])}, it was {file.etag[:80]}")
        if found.size not in (None, file.size):
            raise self.changed(file, f"it has {found.size:,} bytes, it had {file.size:,}")
        return SignedAddress(found.location, self._own_headers(found.location))

    def changed(self, file: HubFile, how: str) -> DataMismatch:
        """The error for a file that is not the one whose directory was read."""
        return DataMismatch(
            f"{printable(file.path[:200])} of {self.address} has changed under its commit: {how}",
            "Leave the mirror out, or read it in a new workspace; the clips that are there were read before.",
        )

    def _own_headers(self, url: str) -> dict[str, str]:
        """The login for an address that is the Hub's own; the storage must not learn it."""
        try:
            mine, other = self.httpx.URL(self.endpoint), self.httpx.URL(url)
        except self.httpx.InvalidURL as error:
            raise FetchError(Reason.BAD_ANSWER, f"the Hub leads nowhere: {error}") from error
        if other.scheme not in ("https", mine.scheme):
            raise FetchError(Reason.BAD_ANSWER, f"the Hub leads to {other.scheme}: {other.host}")
        if (other.scheme, other.host, other.port) != (mine.scheme, mine.host, mine.port):
            return {}
        headers: dict[str, str] = self.hub.utils.build_hf_headers(library_name=_OURS)
        return headers

    def _ask(self, call: Callable[[], Answer]) -> Answer:
        """What a call of huggingface_hub returns, watched."""
        watch = _Watch(self)

        def watched() -> Answer:
            _watches.current = watch
            _see_that_it_is_watched(self.hub.get_session())
            try:
                return call()
            finally:
                _watches.current = None

        try:
            return bounded(watched, _CALL_S, watch.waits)
        except TimeoutError as error:
            raise FetchError(Reason.NETWORK_DOWN, f"the Hub: {error}", sent_at=watch.sent_at) from error
        except self.hub.errors.OfflineModeIsEnabled as error:
            raise EnvironmentProblem(
                "huggingface_hub is told to be offline", "Unset HF_HUB_OFFLINE, or leave out --source hf:."
            ) from error
        except self.httpx.HTTPError as error:
            raise self.of_connection(error, "the Hub", watch.sent_at) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            # What is no JSON, or not of the Hub's shape, fails in huggingface_hub in these ways.
            raise FetchError(Reason.BAD_ANSWER, f"the Hub: {error!r}", sent_at=watch.sent_at) from error

    def of_connection(self, error: Exception, whose: str, sent_at: float) -> Exception:
        """What a failure of httpx means; `whose` connection it is."""
        words, kinds = f"{whose}: {type(error).__name__}: {error}", self.httpx
        if "CERTIFICATE_VERIFY_FAILED" in words:
            return EnvironmentProblem(
                f"{whose} shows a certificate that is not trusted",
                "See to SSL_CERT_FILE, or to your network.",
            )
        if isinstance(error, kinds.ProxyError) and "407" in words:
            return EnvironmentProblem(
                "the proxy wants a login", "Put it into HTTPS_PROXY: http://USER:PASSWORD@..."
            )
        reason = Reason.BAD_ANSWER
        if isinstance(error, kinds.ConnectError | kinds.ConnectTimeout | kinds.ProxyError):
            reason = Reason.NETWORK_DOWN
        elif isinstance(error, kinds.TimeoutException):
            reason = Reason.TIMEOUT
        elif isinstance(error, kinds.RemoteProtocolError) and "complete message body" in words:
            reason = Reason.TRUNCATED
        elif isinstance(error, kinds.NetworkError | kinds.RemoteProtocolError):
            reason = Reason.CONNECTION
        return FetchError(reason, words, sent_at=sent_at)

    def refusal(self, status: int, headers: Mapping[str, str], sent_at: float) -> Exception:
        """What an answer with a status of 400 or more means."""
        words = printable(headers.get("x-error-message", "")[:300])
        told = f"HTTP {status} from the Hub" + (f": {words}" if words else "")
        if status == 429 or (status == 503 and headers.get("retry-after")):
            return FetchError(Reason.TOO_MANY_REQUESTS, told, self.asked_to_wait(headers), sent_at)
        if status >= 500:
            return FetchError(Reason.SERVER_ERROR, told, sent_at=sent_at)
        return self._denial(status, headers.get("x-error-code", ""), words) or FetchError(
            Reason.CLIENT, told, sent_at=sent_at
        )

    def asked_to_wait(self, headers: Mapping[str, str]) -> float | None:
        """Seconds that a refusal asks us to wait, in either of two ways."""
        if seconds := read_retry_after(headers.get("retry-after", "")[:100]):
            return seconds
        short = {name: headers.get(name, "")[:200] for name in ("ratelimit", "ratelimit-policy")}
        limit = self.hub.utils.parse_ratelimit_headers(short)
        return float(limit.reset_in_seconds) if limit is not None else None

    def _denial(self, status: int, code: str, words: str) -> AudiosetToolsError | None:
        """Why the data set may not be read, where that is what an answer says."""
        name, page = self.address, self.address.page
        if code == "GatedRepo":
            return EnvironmentProblem(
                f"{name} is gated: who reads it must have accepted its terms ({words})",
                f"Accept them on {page}, `hf auth login` (or set HF_TOKEN), and run the same command again.",
            )
        if words == "Access to this resource is disabled.":
            return EnvironmentProblem(
                f"the Hub has disabled {name}", "Leave it out, or use another mirror; nothing is lost."
            )
        if status == 401 and words == "Invalid credentials in Authorization header":
            return EnvironmentProblem(
                "the Hub does not know your login", "`hf auth login` anew, or see to HF_TOKEN; or log out."
            )
        if code == "RevisionNotFound":
            return UsageError(f"{name} has no such revision", f"See {page}/tree/main for those there are.")
        if code == "RepoNotFound" or status in (401, 404):
            if self.known:
                return EnvironmentProblem(
                    f"{name} is no longer there: taken down, renamed, or made private",
                    f"See {page}; leave it out, or use another mirror. The clips that are there stay.",
                )
            return UsageError(
                f"the Hub has no data set {name.repo} that you may read",
                f"See {page}; for a private one, `hf auth login` first.",
            )
        if status == 403:
            return EnvironmentProblem(
                f"the Hub forbids your login to read {name}" + (f" ({words})" if words else ""),
                f"See {page}, and the rights of your token on https://huggingface.co/settings/tokens.",
            )
        return None


class _Watch:
    """The requests of one call of huggingface_hub."""

    def __init__(self, client: HubClient) -> None:
        self._client = client
        self.sent_at = 0.0
        self._waiting = False

    def before(self, request: Any) -> None:
        """A request goes out when its turn has come, uncompressed and not to be waited for without end."""
        self._waiting = True
        self.sent_at = self._client.pace.spend()
        self._waiting = False
        request.headers["Accept-Encoding"] = "identity"
        limits = self._client.httpx.Timeout(_SILENCE_S, connect=_CONNECT_S)
        request.extensions["timeout"] = limits.as_dict()

    def waits(self) -> bool:
        """Whether a request waits for its turn.

        Raises:
            Stopped: the run is being stopped.
        """
        self._client.pace.sleep(0)
        return self._waiting

    def after(self, response: Any) -> None:
        """An answer came: huggingface_hub is not to sleep over a refusal, nor to read without end."""
        if response.status_code >= 400:
            raise self._client.refusal(response.status_code, response.headers, self.sent_at)
        most = _MOST_PACKED if "content-encoding" in response.headers else _MOST_ANSWER
        length = response.headers.get("content-length", "0")
        if response.request.method == "HEAD":
            # That is how long the file is.
            length = "0"
        if not length.isdigit() or len(length) > 12 or int(length) > most:
            raise FetchError(Reason.BAD_ANSWER, f"the Hub's answer has {length[:40]} bytes")
        response.stream = _ending(response.stream, most, self._client.httpx)
        self._client.pace.on_grant(self.sent_at)


def _ending(stream: Any, most: int, httpx: Any) -> Any:
    """A body that is given up where it is larger than `most` bytes, or comes almost byte by byte."""

    class _Ending(httpx.SyncByteStream):  # type: ignore[misc]
        def __iter__(self) -> Iterator[bytes]:
            got = 0
            for crumbs, piece in crumbled(stream):
                got += len(piece)
                if got > most or crumbs:
                    raise FetchError(Reason.BAD_ANSWER, "the Hub's answer does not end")
                yield piece

        def close(self) -> None:
            """As the body's own."""
            stream.close()

    return _Ending()


def crumbled(pieces: Iterable[bytes]) -> Iterator[tuple[bool, bytes]]:
    """The pieces in which an answer comes, each with whether too many of them were too small by then."""
    got = crumbs = 0
    for piece in pieces:
        got += len(piece)
        crumbs += len(piece) < _CRUMB
        yield crumbs > _MOST_CRUMBS + got // _CRUMB, piece


_watches = threading.local()
_adding = threading.Lock()


def _before(request: Any) -> None:
    if watch := getattr(_watches, "current", None):
        watch.before(request)


def _after(response: Any) -> None:
    if watch := getattr(_watches, "current", None):
        watch.after(response)


def _see_that_it_is_watched(session: Any) -> None:
    """Add our hooks to huggingface_hub's client; they do nothing in threads that are not ours."""
    with _adding:
        if _before not in session.event_hooks["request"]:
            session.event_hooks["request"].append(_before)
            session.event_hooks["response"].append(_after)


def bounded(call: Callable[[], Answer], seconds: float, waits: Callable[[], bool] = lambda: False) -> Answer:
    """What a call returns or raises, if it does so in time; else its thread is told to end.

    Args:
        call: made in a thread of its own.
        seconds: how long it may take.
        waits: asked now and then whether the call waits for something else, which is not counted; what it
            raises ends the waiting.

    Raises:
        TimeoutError: it takes longer.
    """
    future: Future[Answer] = Future()

    def run() -> None:
        try:
            answer = call()
        except BaseException as error:  # noqa: BLE001 - handed over to the thread that waits
            future.set_exception(error)
        else:
            future.set_result(answer)

    thread = Endable(run, "hub")
    thread.start()
    while not wait([future], min(max(seconds, 0), _LOOK_S)).done:
        if not waits():
            seconds -= _LOOK_S
        if seconds <= 0:
            thread.end_soon()
            raise TimeoutError("no answer in time")
    return future.result()


def _libraries() -> tuple[Any, Any]:
    """huggingface_hub, and the httpx that it uses."""
    # Read when it is imported: no registry of programs is fetched, and none is told who we are.
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    # Its warnings quote addresses.
    os.environ.setdefault("HF_HUB_VERBOSITY", "error")
    try:
        import httpx2
        import huggingface_hub
        import huggingface_hub.errors
        import huggingface_hub.hf_api
        import huggingface_hub.utils
    except ImportError as error:
        raise EnvironmentProblem(
            "the source hf: needs huggingface_hub 2.4 or later",
            f"Install it: {install('hf')}",
        ) from error
    return huggingface_hub, httpx2
