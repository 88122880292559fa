"""Reading media from a server that answers wrongly: a clear failure each time, and few bytes.

Stream indexes: those of real files made by the real ffmpeg, and every damaged one.
"""

import io
import struct
import subprocess
from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yt_dlp.networking import Request, Response
from yt_dlp.networking.exceptions import HTTPError, IncompleteRead, RequestError

from audioset_tools.audio.ffmpeg import ffmpeg_binary
from audioset_tools.sources.connection.patience import Patience
from audioset_tools.sources.pace import Pace, parse_pace
from audioset_tools.sources.session import RunRefused, Session, read_retry_after
from audioset_tools.sources.source import FetchError
from audioset_tools.sources.stream import Incomplete, Piece, Stream, StreamIndex, read_index, read_playlist
from audioset_tools.types import Reason

MADE_BY = {
    "webm": "-c:a libopus -b:a 64k -f webm -cluster_time_limit 5000 -cues_to_front 1",
    "m4a": "-c:a aac -f mp4 -movflags dash+global_sidx -frag_duration 5000000",
    "plain-m4a": "-c:a aac -f mp4 -movflags faststart",
}


@pytest.fixture(scope="module")
def streams(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    made = {}
    for name, options in MADE_BY.items():
        path = tmp_path_factory.mktemp("streams") / name
        tone = ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=42", "-ac", "2"]
        subprocess.run(
            [ffmpeg_binary(), "-y", "-loglevel", "error", *tone, *options.split(), str(path)],
            check=True,
            timeout=60,
        )
        made[name] = path.read_bytes()
    return made


def indexed(stream: bytes) -> StreamIndex | None:
    """Read an index as it comes in over the network: more bytes only where they are asked for."""
    head = stream[:16]
    while True:
        try:
            return read_index(head)
        except Incomplete as more:
            assert more.needed > len(head)
            head = stream[: more.needed]


@pytest.mark.parametrize("name", ["webm", "m4a"])
def test_an_index_names_the_starts_of_clusters_and_fragments(streams: dict[str, bytes], name: str) -> None:
    stream = streams[name]
    index = indexed(stream)
    assert index is not None
    assert abs(index.length_ms - 42_000) < 100
    assert list(index.times_ms) == sorted(index.times_ms)
    assert index.times_ms[0] < 50
    for offset in index.offsets:
        start = stream[offset : offset + 8]
        assert start[:4] == b"\x1f\x43\xb6\x75" if name == "webm" else start[4:] in (b"moof", b"styp")


@pytest.mark.parametrize("name", ["webm", "m4a"])
def test_a_span_holds_the_segment_and_the_pre_roll(streams: dict[str, bytes], name: str) -> None:
    index = indexed(streams[name])
    assert index is not None
    first, behind = index.span(17_000, 27_000)
    assert behind is not None
    starts = dict(zip(index.offsets, index.times_ms, strict=True))
    assert starts[first] <= 17_000 - 80
    assert starts[behind] >= 27_000
    assert index.span(35_000, 45_000)[1] is None


def test_a_stream_without_an_index_has_none(streams: dict[str, bytes]) -> None:
    assert indexed(streams["plain-m4a"]) is None
    assert read_index(b"<!DOCTYPE html><html><head><title>Sorry") is None


@given(data=st.data(), name=st.sampled_from(["webm", "m4a"]))
def test_damage_never_hangs_nor_crashes(streams: dict[str, bytes], data: st.DataObject, name: str) -> None:
    head = bytearray(streams[name][:2_000])
    for _ in range(data.draw(st.integers(1, 4))):
        head[data.draw(st.integers(0, len(head) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(head)))
    try:
        index = read_index(bytes(head[:cut]))
    except Incomplete as more:
        assert more.needed > cut
    else:
        assert index is None or len(index.offsets) == len(index.times_ms) > 0


def lying(times: list[int], offsets: list[int], seconds: float = 42.0) -> bytes:
    """A WebM head whose index says what it likes."""

    def element(number: str, content: bytes) -> bytes:
        return bytes.fromhex(number) + (len(content) | 1 << 56).to_bytes(8, "big") + content

    def cue(time: int, offset: int) -> bytes:
        place = element("b7", element("f1", offset.to_bytes(8, "big")))
        return element("bb", element("b3", time.to_bytes(8, "big")) + place)

    info = element("1549a966", element("4489", struct.pack(">d", seconds * 1000)))
    cues = element("1c53bb6b", b"".join(map(cue, times, offsets)))
    body = info + element("1654ae6b", b"") + cues + bytes(12)
    return element("1a45dfa3", b"") + element("18538067", body)


def test_an_index_that_may_be_true_is_believed() -> None:
    index = read_index(lying([0, 10_000], [1_000, 90_000]))
    assert index is not None
    assert index.span(1_000, 9_000) == (1_024, 90_024)


@pytest.mark.parametrize(
    ("times", "offsets", "seconds"),
    [
        ([0, 10_000], [90_000, 1_000], 42.0),
        ([0, 10_000], [1_000, 1_000], 42.0),
        ([10_000, 0], [1_000, 90_000], 42.0),
        ([0, 10_000], [1_000, 2**63], 42.0),
        ([0], [1_000], 0.0),
        ([0], [1_000], -5.0),
        ([0], [1_000], float("nan")),
        ([0], [1_000], float("inf")),
        ([0], [1_000], 1e300),
        ([], [], 42.0),
    ],
)
def test_an_index_that_cannot_be_true_is_none(times: list[int], offsets: list[int], seconds: float) -> None:
    assert read_index(lying(times, offsets, seconds)) is None


URL = "https://rr1---sn-x.googlevideo.com/videoplayback?id=x&sig=s3cret"


class Server:
    """Stands for a session whose server answers as a function of the range."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[str] = []
        self.pace = Pace(parse_pace("unlimited"), wait=lambda _: False)
        self.sent_at = 0.0

    def urlopen(self, request: Request) -> Response:
        self.asked.append(request.headers["Range"])
        answer = self.answer(request.headers["Range"])
        if isinstance(answer, Exception):
            raise answer
        return answer


def response(
    status: int = 206, content_range: str | None = "bytes 0-99/100", body: bytes = bytes(100), **headers: str
) -> Response:
    told = {"Content-Range": content_range} if content_range is not None else {}
    return Response(io.BytesIO(body), URL, {"Content-Type": "audio/webm", **told, **headers}, status)


def read(answer: Any, first: int = 0, behind: int | None = 100) -> tuple[bytes, Server]:
    server = Server(answer)
    return Stream(server, URL, {}).read(first, behind), server


def failure(answer: Any, first: int = 0, behind: int | None = 100) -> FetchError:
    with pytest.raises(FetchError) as caught:
        read(answer, first, behind)
    assert "s3cret" not in caught.value.detail
    return caught.value


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": 200, "content_range": None, "body": bytes(10**6)},
        {"status": 200},
        {"status": 204},
        {"Content-Type": "text/html; charset=utf-8"},
        {"content_range": None},
        {"content_range": ""},
        {"content_range": "bytes 1-100/101"},
        {"content_range": "bytes 50-99/100"},
        {"content_range": "bytes -1-99/100"},
        {"content_range": "bytes 0-99/*"},
        {"content_range": "bytes */100"},
        {"content_range": "bytes 0-99/50"},
        {"content_range": "bytes 9-3/100"},
        {"content_range": "bytes 0-99/-100"},
        {"content_range": "bytes 0-9/" + "9" * 5000},
        {"content_range": "lines 0-99/100"},
        {"content_range": "bytes 0-٩/100"},
    ],
    ids=str,
)
def test_a_wrong_answer_is_told(wrong: dict[str, Any]) -> None:
    assert failure(lambda _: response(**wrong)).reason is Reason.BAD_ANSWER


@given(st.text(max_size=40))
def test_no_content_range_breaks_anything(text: str) -> None:
    text = text.replace("\r", "").replace("\n", "")
    try:
        assert read(lambda _: response(content_range=text))[0] == bytes(100)
    except FetchError as error:
        assert error.reason in (Reason.BAD_ANSWER, Reason.TRUNCATED)


def test_no_more_is_read_than_was_asked_for() -> None:
    body = io.BytesIO(bytes(10**7))
    endless = Response(body, URL, {"Content-Range": "bytes 0-9999999/10000000"}, 206)
    assert len(read(lambda _: endless)[0]) == 100


def test_a_segment_of_gigabytes_is_not_read() -> None:
    huge = response(content_range=f"bytes 0-99/{10**12}")
    assert failure(lambda _: huge, behind=None).reason is Reason.BAD_ANSWER


def test_what_broke_is_taken_up_where_it_broke() -> None:
    data = bytes(range(100))

    def answer(asked: str) -> Response:
        first = int(asked.removeprefix("bytes=").partition("-")[0])
        return response(content_range=f"bytes {first}-99/100", body=data[first : first + 40])

    got, server = read(answer)
    assert got == data
    assert server.asked == ["bytes=0-99", "bytes=40-99", "bytes=80-99"]
    assert server.pace.media_bytes == 100


def test_a_server_that_always_breaks_is_given_up() -> None:
    def answer(asked: str) -> Response:
        first = int(asked.removeprefix("bytes=").partition("-")[0])
        return response(content_range=f"bytes {first}-99/100", body=b"x")

    assert failure(answer).reason is Reason.TRUNCATED


@pytest.mark.parametrize(
    ("raised", "reason"),
    [
        (IncompleteRead(1, 2), Reason.TRUNCATED),
        (RequestError("redirected from the media to example.com"), Reason.BAD_ANSWER),
        (RequestError("Unsupported url scheme"), Reason.BAD_ANSWER),
        (RunRefused(Reason.CAPTCHA, "led to the captcha", None, 0), Reason.CAPTCHA),
        (HTTPError(response(416)), Reason.BAD_ANSWER),
        (HTTPError(response(302), redirect_loop=True), Reason.BAD_ANSWER),
        (HTTPError(response(403)), Reason.MEDIA_REFUSED),
    ],
    ids=str,
)
def test_what_is_raised_has_its_reason(raised: Exception, reason: Reason) -> None:
    assert failure(lambda _: raised).reason is reason


def webm(crumbs: int) -> bytes:
    """A WebM file whose header goes on in empty elements."""
    return bytes.fromhex("1a45dfa380 18538067 01ffffffffffffff") + bytes.fromhex("ec80") * crumbs


def serving(data: bytes) -> Server:
    def answer(asked: str) -> Response:
        first, last = (int(at) for at in asked.removeprefix("bytes=").split("-"))
        part = data[first : last + 1]
        if not part:
            return HTTPError(response(416))
        return response(content_range=f"bytes {first}-{first + len(part) - 1}/{len(data)}", body=part)

    return Server(answer)


def test_a_head_of_crumbs_takes_few_requests_and_no_more_than_a_megabyte() -> None:
    server = serving(webm(5_000_000))
    index, head = Stream(server, URL, {}).index()
    assert index is None
    assert len(head) < 3_500_000
    assert len(server.asked) <= 9


@pytest.mark.parametrize(
    ("answer", "landed", "error"),
    [
        ("https://rr2---sn-y.googlevideo.com/videoplayback", URL, None),
        ("https://www.google.com/sorry/index?continue=x", URL, RunRefused),
        ("https://www.google.com/sorry/index?continue=x", "https://www.youtube.com/watch", RunRefused),
        ("https://example.com/videoplayback", URL, RequestError),
        ("https://consent.youtube.com/m", "https://www.youtube.com/watch", None),
    ],
)
def test_where_redirects_lead(
    monkeypatch: pytest.MonkeyPatch, answer: str, landed: str, error: type[Exception] | None
) -> None:
    import yt_dlp

    pace = Pace(parse_pace("unlimited"))
    monkeypatch.setattr(yt_dlp.YoutubeDL, "urlopen", lambda *_: Response(io.BytesIO(b"x"), answer, {}))
    with Session({"quiet": True}, pace, Patience()) as session:
        if error is None:
            assert session.urlopen(Request(landed)).read() == b"x"
        else:
            with pytest.raises(error):
                session.urlopen(Request(landed))
    # A hop is a request as well; one that ends at a captcha is not reckoned any more.
    assert pace.requests == (0 if landed == URL else 1 if error else 2)


PLAYLIST = """#EXTM3U
#EXT-X-MAP:URI="head.mp4",BYTERANGE="700@0"
#EXTINF:5.005,
a.ts
#EXTINF:5,
#EXT-X-BYTERANGE:900@100
all.ts
#EXT-X-BYTERANGE:50
#EXTINF:1.5,
all.ts
"""


def test_a_playlist_tells_when_its_pieces_are_due() -> None:
    assert list(read_playlist(PLAYLIST)) == [
        Piece(None, "head.mp4", 0, 700),
        Piece((0, 5_005), "a.ts", 0, None),
        Piece((5_005, 10_005), "all.ts", 100, 1_000),
        Piece((10_005, 11_505), "all.ts", 1_000, 1_050),
    ]
    for text in (
        "a.ts\n",
        "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\na.m3u8\n",
        '#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="k"\na\n',
        "#EXTM3U\n" + "\n" * 500_000,
    ):
        with pytest.raises(FetchError):
            list(read_playlist(text))


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1:8080/a.ts",
        "https://127.0.0.1/a.ts",
        "https://rr1---sn-x.googlevideo.com.example.org/a.ts",
        "https://rr1---sn-x.googlevideo.com:8443/a.ts",
        "http://rr1---sn-x.googlevideo.com/a.ts",
        "https://rr1---sn-x.googlevideo.com@127.0.0.1/a.ts",
        "file:///etc/passwd",
        "https://[::1/a.ts",
    ],
)
def test_nothing_but_youtubes_media_is_read_of_a_playlist_or_given_to_ffmpeg(uri: str) -> None:
    asked: list[str] = []

    def urlopen(request: Request) -> Response:
        asked.append(request.url)
        return Response(io.BytesIO(f"#EXTM3U\n#EXTINF:9,\n{uri}\n".encode()), request.url, {})

    server = Server(None)
    server.urlopen = urlopen  # type: ignore[method-assign]
    with pytest.raises(FetchError) as caught:
        Stream(server, URL, {}, single=False).pieces(0, 9_000)
    assert caught.value.reason is Reason.BAD_ANSWER
    assert asked == [URL]
    with pytest.raises(FetchError):
        Stream(server, uri, {}).address()
    assert Stream(server, URL, {}).address() == URL


def test_a_playlist_of_crumbs_takes_few_requests() -> None:
    server = Server(lambda _: response())
    read = server.urlopen

    def urlopen(request: Request) -> Response:
        if "Range" in request.headers:
            return read(request)
        return Response(io.BytesIO(b"#EXTM3U\n" + f"#EXTINF:0,\n{URL}\n".encode() * 9_999), request.url, {})

    server.urlopen = urlopen  # type: ignore[method-assign]
    with pytest.raises(FetchError):
        Stream(server, URL, {}, single=False).pieces(0, 9_000)
    assert len(server.asked) <= 40


def test_ffmpeg_is_given_the_place_where_redirects_ended() -> None:
    landed = "https://rr9---sn-y.googlevideo.com/videoplayback"
    answer = response(body=bytes(100))
    answer.url = landed
    stream = Stream(Server(lambda _: answer), URL, {})
    assert stream.index()[0] is None
    assert stream.address() == landed


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, None),
        ("", None),
        ("7", 7),
        (" 7 ", 7),
        ("0", 0),
        ("-7", None),
        ("7.5", None),
        ("soon", None),
        ("²", None),
        ("9" * 400, inf),
        ("Sat, 01 Jan 2000 00:00:00 GMT", 0),
        ("Sat, 99 Jan 2000 00:00:00 GMT", None),
    ],
)
def test_retry_after(text: str | None, seconds: float | None) -> None:
    assert read_retry_after(text) == seconds


def test_a_date_far_ahead_is_taken_as_it_is() -> None:
    assert (read_retry_after("Sat, 01 Jan 9999 00:00:00 GMT") or 0) > 7_000 * 365 * 86_400


@given(st.text(max_size=40))
def test_no_retry_after_breaks_anything(text: str) -> None:
    seconds = read_retry_after(text)
    assert seconds is None or seconds >= 0


@pytest.mark.parametrize(
    ("status", "retry_after", "url", "refused"),
    [
        (429, None, URL, True),
        (503, "9", "https://www.youtube.com/youtubei/v1/player", True),
        (503, None, "https://www.youtube.com/youtubei/v1/player", False),
        (503, "garbage", "https://www.youtube.com/youtubei/v1/player", False),
        (503, "9", URL, False),
        (402, None, "https://www.youtube.com/youtubei/v1/player", True),
        (402, None, URL, False),
        (403, None, "https://www.youtube.com/youtubei/v1/player", False),
    ],
)
def test_which_statuses_are_the_runs(
    monkeypatch: pytest.MonkeyPatch, status: int, retry_after: str | None, url: str, refused: bool
) -> None:
    import yt_dlp

    def answer(*_: object) -> Response:
        told = {"Retry-After": retry_after} if retry_after else {}
        raise HTTPError(Response(io.BytesIO(b""), url, told, status))

    monkeypatch.setattr(yt_dlp.YoutubeDL, "urlopen", answer)
    session = Session({"quiet": True}, Pace(parse_pace("unlimited")), Patience())
    with session, pytest.raises((RunRefused, HTTPError)) as caught:
        session.urlopen(Request(url))
    assert isinstance(caught.value, RunRefused) == refused
    if refused:
        assert caught.value.retry_after == (9 if retry_after else None)
