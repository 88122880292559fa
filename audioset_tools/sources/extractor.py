"""yt-dlp's extractor for YouTube, without what is not needed and with bounds on what it starts.

An answer of the real YouTube is 48 to 419 kB of JSON, most of it captions, pictures and their storyboards,
which yt-dlp would expand into thousands of entries; its HLS manifest would be one more request a video. Only
the parts below are let through. Its storyboards would be listed as formats that have an address and no sound.
"""

import atexit
import shutil
import subprocess
import tempfile
import threading
from contextlib import suppress
from functools import cache
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

import yt_dlp
from yt_dlp.utils import ExtractorError, Popen

from ..types import Reason

NEEDED = ("playabilityStatus", "streamingData", "videoDetails", "microformat")
"""The parts of an answer that decide whether there is sound, and where."""

SCRIPT_S = 60.0
"""Seconds for a JavaScript runtime to solve a challenge: 0.85 of CPU where it works."""

SCRIPT_BYTES = 2 << 30
"""Memory that it may take: 303 MiB where it works."""

_MOST_SOLVED = 2_000
_MANIFESTS = ("hlsManifestUrl", "dashManifestUrl")
_CAPTCHA = ("g-recaptcha", "captcha-form", "/sorry/", "unusual traffic")
_RUNTIMES = ("deno", "node", "bun", "quickjs")
_LONGEST_PAGE = 2_000_000
_LONGEST_NOTICE = 20_000
_LONGEST_WORDS, _LONGEST_ADDRESS, _LONGEST_TAG = 1_000, 8_192, 20_000
_MOST_LISTED, _DEEPEST = 1_000, 40
_STARTS, _MOST_STARTS = ("ytInitialPlayerResponse", "ytInitialData", "ytcfg.set"), 60


class PlayerScript:
    """YouTube's player script (0.9 MB) and what was solved with it, fetched once for all workers."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.code: dict[Any, Any] = {}
        self.solved: dict[Any, Any] = {}


# yt-dlp finds an extractor by its class's name.
class YoutubeIE(yt_dlp.extractor.youtube.YoutubeIE):  # type: ignore[misc]
    """yt-dlp's own, but for what is overridden here; private to it, so each must do without being called.

    Its regular expressions take time quadratic in some texts, and none can be interrupted: what could freeze
    all workers is refused before, or cut.

    Args:
        script: shared with the other workers.
    """

    def __init__(self, script: PlayerScript) -> None:
        super().__init__()
        self._script = script
        self._code_cache, self._player_cache = script.code, script.solved
        bound_runtimes()

    def has_javascript(self) -> bool:
        """Whether a runtime is there that yt-dlp can use."""
        self.initialize()
        director = getattr(self, "_jsc_director", None)
        return any(one.is_available() for one in getattr(director, "providers", {}).values())

    def ask_visitor_id(self, client: str) -> str | None:
        """One small request for the id under which a client's requests belong together; None without one."""
        self.initialize()
        with suppress(ExtractorError):
            answer = self._extract_response(
                item_id="visitor id",
                ep="visitor_id",
                query={},
                default_client=client,
                headers=self.generate_api_headers(default_client=client),
                fatal=False,
            )
            found = self._extract_visitor_data(answer) if isinstance(answer, dict) else None
            return found if isinstance(found, str) else None
        return None

    def _extract_player_responses(self, *args: Any, **options: Any) -> Any:
        found = super()._extract_player_responses(*args, **options)
        responses = [one for one in found[0] if isinstance(one, dict)]
        self._downloader.keep_words(responses)
        for response in responses:
            reduce(response, keep_manifests=self._downloader.reads_manifests)
        return found

    def _extract_storyboard(self, *_: Any, **__: Any) -> Any:
        return iter(())

    def _download_initial_webpage(self, *args: Any, **options: Any) -> Any:
        page = super()._download_initial_webpage(*args, **options)
        if isinstance(page, str) and is_captcha(page):
            self._downloader.refuse(Reason.CAPTCHA, "the watch page is a captcha")
        return page

    def _webpage_read_content(self, urlh: Any, *args: Any, **options: Any) -> Any:
        content = super()._webpage_read_content(urlh, *args, **options)
        # What is parsed as JSON, or run as a script, is not searched.
        path = urlsplit(urlh.url).path
        searched = not path.startswith("/youtubei/") and not path.endswith(".js")
        if searched and isinstance(content, str) and not is_sane(content):
            raise ExtractorError("the answer is not as pages are: parts of it are repeated too often")
        return content

    def _InfoExtractor__check_blocked(self, content: str) -> None:
        super()._InfoExtractor__check_blocked(content[:_LONGEST_NOTICE])

    def _load_player(self, *args: Any, **options: Any) -> Any:
        with self._script.lock:
            if len(self._player_cache) > _MOST_SOLVED:
                self._player_cache.clear()
            return super()._load_player(*args, **options)


def reduce(response: dict[str, Any], keep_manifests: bool) -> None:
    """Take out of a player's answer, in place, what is not needed to find its sound.

    Args:
        response: the answer, with what yt-dlp has added to it.
        keep_manifests: whether manifests are of use where no stream has an address.
    """
    for name in response.keys() - NEEDED:
        del response[name]
    for name in response.keys() - {"streamingData"}:
        response[name] = shortened(response[name])
    streaming = response.get("streamingData")
    if not isinstance(streaming, dict):
        return
    listed = streaming.get("adaptiveFormats")
    if isinstance(listed, list):
        sounding = [one for one in listed if not _is_picture(one)]
        # Of a dubbed video, which lists over a hundred streams, the original is wanted. And one picture
        # tells that there are some, where there is no sound.
        streaming["adaptiveFormats"] = [*filter(_is_original, sounding)] or sounding or listed[:1]
    for name in ("formats", "adaptiveFormats", *_MANIFESTS):
        if name in streaming:
            streaming[name] = shortened(streaming[name], _LONGEST_ADDRESS)
    if not keep_manifests or any(has_address(one) for one in streams(response)):
        for name in _MANIFESTS:
            streaming.pop(name, None)


def shortened(value: Any, most: int = _LONGEST_WORDS, deepest: int = _DEEPEST) -> Any:
    """A part of a JSON answer, its texts cut to `most` characters, its lists to `_MOST_LISTED` items."""
    if isinstance(value, str):
        return value[:most]
    if not isinstance(value, dict | list):
        return value
    if not deepest:
        return None
    if isinstance(value, list):
        return [shortened(one, most, deepest - 1) for one in value[:_MOST_LISTED]]
    return {name: shortened(one, most, deepest - 1) for name, one in list(value.items())[:_MOST_LISTED]}


def is_sane(content: str) -> bool:
    """Whether yt-dlp's regular expressions take no more than seconds for a page or a playlist.

    Each of `_STARTS` makes them look through the rest of a page, or of a tag. The real pages have a tenth of
    what is let through here.
    """
    if content[:100].lstrip().startswith("#EXTM3U"):
        return max(map(len, content.splitlines())) <= _LONGEST_ADDRESS
    if any(content.count(start) > _MOST_STARTS for start in _STARTS):
        return False
    tags = (piece.lower() for piece in content.split(">") if len(piece) > _LONGEST_TAG)
    return all(sum(map(piece.count, ("<meta", "<script", "content="))) <= 9 for piece in tags)


def streams(response: dict[str, Any]) -> list[dict[str, Any]]:
    """The streams that an answer lists, with and without an address."""
    streaming = response.get("streamingData")
    if not isinstance(streaming, dict):
        return []
    lists = [streaming.get(name) for name in ("formats", "adaptiveFormats")]
    return [one for some in lists if isinstance(some, list) for one in some if isinstance(one, dict)]


def has_address(stream: dict[str, Any]) -> bool:
    """Whether a stream can be read, if need be after deciphering."""
    return bool(stream.get("url") or stream.get("signatureCipher") or stream.get("cipher"))


def has_sound(stream: dict[str, Any]) -> bool:
    """Whether a stream that an answer lists holds sound, as far as it says."""
    kind = str(stream.get("mimeType"))[:200]
    return kind.startswith("audio/") or "audioQuality" in stream or "audioSampleRate" in stream


def is_captcha(page: str) -> bool:
    """Whether a page that came with status 200 is a captcha and no video's."""
    start = page[:_LONGEST_PAGE]
    return "ytInitialPlayerResponse" not in start and any(sign in start for sign in _CAPTCHA)


def words_of(response: dict[str, Any]) -> str:
    """What an answer says of a video that it does not play, at most 2,000 characters."""
    status = response.get("playabilityStatus")
    found: list[str] = []

    def gather(part: Any, depth: int) -> None:
        if len(found) > 20 or depth > 8:
            return
        if isinstance(part, str):
            found.append(part[:500])
        for value in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
            gather(value, depth + 1)

    if isinstance(status, dict) and status.get("status") != "OK":
        for name in ("reason", "messages", "errorScreen"):
            gather(status.get(name), 0)
        if "playerCaptchaViewModel" in (status.get("errorScreen") or {}):
            found.append("captcha")
    return " ".join(found)[:2_000]


def _is_picture(stream: Any) -> bool:
    return isinstance(stream, dict) and str(stream.get("mimeType"))[:200].startswith("video/")


def _is_original(stream: Any) -> bool:
    track = stream.get("audioTrack") if isinstance(stream, dict) else None
    return isinstance(track, dict) and "original" in str(track.get("displayName"))[:200].lower()


class _BoundedRuntime(Popen):  # type: ignore[misc]
    """A JavaScript runtime as yt-dlp starts it, which may hang, or grow without end."""

    def __init__(self, args: Any, *others: Any, env: dict[str, str] | None = None, **options: Any) -> None:
        # Its cache lies under HOME, which may not be writable, whatever yt-dlp's own cachedir says.
        super().__init__(args, *others, env={**(env or {}), "DENO_DIR": _deno_folder()}, **options)
        with suppress(ImportError, AttributeError, OSError, ValueError):
            import resource

            resource.prlimit(self.pid, resource.RLIMIT_DATA, (SCRIPT_BYTES, SCRIPT_BYTES))

    def communicate_or_kill(self, *args: Any, **options: Any) -> Any:
        """Its output.

        Raises:
            ExtractorError: it took too long.
        """
        try:
            return self.communicate(*args, **{"timeout": SCRIPT_S, **options})
        except subprocess.TimeoutExpired as error:
            self.kill(timeout=None)
            raise ExtractorError(f"no answer from JavaScript within {SCRIPT_S:g} s") from error
        except BaseException:
            self.kill(timeout=None)
            raise


@cache
def _deno_folder() -> str:
    folder = tempfile.mkdtemp(prefix="audioset-tools-deno-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def bound_runtimes() -> None:
    """See that every runtime that yt-dlp starts from now on is bounded in time and memory."""
    for name in _RUNTIMES:
        with suppress(ImportError, AttributeError):
            module: Any = import_module(f"yt_dlp.extractor.youtube.jsc._builtin.{name}")
            if module.Popen is Popen:
                module.Popen = _BoundedRuntime
