"""Reading media from a server that answers wrongly: a clear failure each time, and few bytes."""

import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yt_dlp.networking import Request, Response
from yt_dlp.networking.exceptions import HTTPError, IncompleteRead, RequestError

from audioset_tools.fetch.bounded import Patience
from audioset_tools.fetch.connection import Refused, Session, read_retry_after
from audioset_tools.fetch.pace import Pace, parse_pace
from audioset_tools.fetch.source import FetchError
from audioset_tools.fetch.stream import Stream
from audioset_tools.types import Reason

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
        (Refused(Reason.CAPTCHA, "led to the captcha", None, 0), Reason.CAPTCHA),
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
        ("https://www.google.com/sorry/index?continue=x", URL, Refused),
        ("https://www.google.com/sorry/index?continue=x", "https://www.youtube.com/watch", Refused),
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
        ("9" * 400, 86_400),
        ("Sat, 01 Jan 2000 00:00:00 GMT", 0),
        ("Sat, 01 Jan 9999 00:00:00 GMT", 86_400),
        ("Sat, 99 Jan 2000 00:00:00 GMT", None),
    ],
)
def test_retry_after(text: str | None, seconds: float | None) -> None:
    assert read_retry_after(text) == seconds


@given(st.text(max_size=40))
def test_no_retry_after_breaks_anything(text: str) -> None:
    seconds = read_retry_after(text)
    assert seconds is None or 0 <= seconds <= 86_400


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
    with session, pytest.raises((Refused, HTTPError)) as caught:
        session.urlopen(Request(url))
    assert isinstance(caught.value, Refused) == refused
    if refused:
        assert caught.value.retry_after == (9 if retry_after else None)
