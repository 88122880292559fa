"""Recorded answers are given again as they were, and what strangers put into their folder harms nobody."""

import base64
import gzip
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from yt_dlp import YoutubeDL
from yt_dlp.networking import Request
from yt_dlp.networking.exceptions import HTTPError, IncompleteRead, TransportError
from yt_dlp.utils import DownloadError

from audioset_tools.exceptions import DataMismatch, UsageError
from audioset_tools.simulator import Plan, Simulator
from audioset_tools.simulator import replay as records
from audioset_tools.simulator.__main__ import main
from audioset_tools.simulator.replay import Records
from tests.simulator.conftest import LEAN, RECORDINGS, extract, kind, needs_recordings, streams

Client = Callable[..., YoutubeDL]
Replay = Callable[[Path], Simulator]

ANYONE = "INVALID_ID_"
ALIVE = "abcdefghijA"


@pytest.fixture
def replay(cache: Path) -> Iterator[Replay]:
    with ExitStack() as stack:
        yield lambda folder: stack.enter_context(Simulator(cache=cache, replay=folder))


def write(folder: Path, name: str, **told: Any) -> None:
    record = {"client": "VISIONOS", "date": "2026-06-07", "videoId": ALIVE, **told}
    (folder / name).write_text(json.dumps(record))


def said(words: str, **told: Any) -> dict[str, Any]:
    return {"answer": {"playabilityStatus": {"status": "ERROR", "reason": words}}, **told}


def ask(ydl: YoutubeDL, ytid: str, client: str = "VISIONOS") -> Any:
    body = json.dumps({"videoId": ytid, "context": {"client": {"clientName": client}}}).encode()
    with ydl.urlopen(Request("https://www.youtube.com/youtubei/v1/player", data=body)) as answer:
        return json.load(answer)


def media(ydl: YoutubeDL, itag: int, span: str = "", **query: str) -> tuple[int, bytes, str]:
    more = "".join(f"&{name}={value}" for name, value in query.items())
    url = f"https://rr4---sn-aaaaaaaa.googlevideo.com/videoplayback?id={ALIVE}&itag={itag}{more}"
    with ydl.urlopen(Request(url, headers={"Range": f"bytes={span}"} if span else {})) as answer:
        return answer.status, answer.read(), answer.headers.get("Content-Range", "")


@needs_recordings
def test_each_recorded_answer_is_given_again_word_for_word(
    replay: Replay, client: Client, tmp_path: Path
) -> None:
    recorded = sorted(RECORDINGS.glob("*.json.gz"))
    assert recorded
    for path in recorded:
        folder = tmp_path / path.name
        folder.mkdir()
        (folder / path.name).symlink_to(path)
        told = json.loads(gzip.decompress(path.read_bytes()))
        ydl = client(replay(folder))
        assert ask(ydl, told["videoId"], told["client"]) == told["answer"]
        # Whoever else asks gets it too.
        assert ask(ydl, told["videoId"], "NOBODY") == told["answer"]


@needs_recordings
def test_a_recorded_video_can_be_heard(replay: Replay, client: Client) -> None:
    youtube = replay(RECORDINGS)
    assert youtube.passed_over == []
    ydl = client(youtube)
    found = [one for one in streams(extract(ydl, "K4DyBUG242c")) if one["acodec"] != "none"]
    assert {one["format_id"] for one in found} == {"139", "140", "249", "250", "251"}
    for one in found:
        with ydl.urlopen(Request(one["url"], headers={"Range": "bytes=0-99"})) as answer:
            begin = answer.read()
            total = int(answer.headers["Content-Range"].rpartition("/")[2])
        assert begin[4:8] == b"ftyp" if one["ext"] == "m4a" else begin[:4] == b"\x1a\x45\xdf\xa3"
        # 208 seconds of sound, at what each is coded in.
        assert 208 * 4_000 < total < 208 * 30_000


@needs_recordings
def test_the_default_extraction_reads_a_recorded_video(replay: Replay, client: Client) -> None:
    found = extract(client(replay(RECORDINGS), extractor_args={}), "K4DyBUG242c")
    assert {"140", "251"} <= {one["format_id"] for one in streams(found)}
    with pytest.raises(DownloadError, match=r"[Pp]rivate"):
        extract(client(replay(RECORDINGS), extractor_args={}), "8VajtrESJzA")


def test_answers_to_one_question_come_in_the_order_of_their_names(
    replay: Replay, client: Client, tmp_path: Path
) -> None:
    write(tmp_path, "b.json", **said("second"))
    write(tmp_path, "a.json", **said("first"))
    write(tmp_path, "c.json", **said("another client's", client="TVHTML5"))
    ydl = client(replay(tmp_path))
    reasons = [ask(ydl, ALIVE)["playabilityStatus"]["reason"] for _ in range(4)]
    assert reasons == ["first", "second", "second", "second"]
    assert ask(ydl, ALIVE, "TVHTML5")["playabilityStatus"]["reason"] == "another client's"


def test_a_video_that_nobody_recorded(replay: Replay, client: Client, tmp_path: Path) -> None:
    write(tmp_path, "a.json", **said("so it is"))
    ydl = client(replay(tmp_path))
    with pytest.raises(DownloadError, match="Video unavailable"):
        extract(ydl, "zzzzzzzzzzA")
    with pytest.raises(DownloadError, match="Video unavailable"):
        extract(client(replay(tmp_path), extractor_args={}), "zzzzzzzzzzA")


def test_status_headers_and_bodies_that_are_no_objects(
    replay: Replay, client: Client, tmp_path: Path
) -> None:
    encoded = base64.b64encode(b"<html>no</html>").decode()
    write(tmp_path, "a.json", body=encoded, status=429, headers={"Retry-After": "7", "Set-Cookie": "x"})
    write(tmp_path, "b.json", kind="page", body=encoded, headers={"Content-Type": "text/html"})
    write(tmp_path, "c.json", kind="visitor", videoId="", answer={"responseContext": {"visitorData": "Cgt"}})
    write(tmp_path, "d.json", videoId=ANYONE, body="", status=520)
    ydl = client(replay(tmp_path))
    with pytest.raises(HTTPError) as raised:
        ask(ydl, ALIVE)
    assert (raised.value.status, raised.value.response.headers["Retry-After"]) == (429, "7")
    assert "Set-Cookie" not in raised.value.response.headers
    assert raised.value.response.read() == b"<html>no</html>"
    raised.value.close()
    with pytest.raises(HTTPError, match="520") as other:
        ask(ydl, ANYONE)
    other.value.close()
    with ydl.urlopen(f"https://www.youtube.com/watch?v={ALIVE}") as answer:
        assert answer.read() == b"<html>no</html>"
    with ydl.urlopen(Request("https://www.youtube.com/youtubei/v1/visitor_id", data=b"{}")) as answer:
        assert json.load(answer)["responseContext"]["visitorData"] == "Cgt"


def test_a_page_is_made_of_the_players_answer(replay: Replay, client: Client, tmp_path: Path) -> None:
    write(tmp_path, "a.json", client="WEB", **said("</script> is a word too"))
    with client(replay(tmp_path)).urlopen(f"https://www.youtube.com/watch?v={ALIVE}") as answer:
        page = answer.read().decode()
    assert "ytInitialPlayerResponse" in page
    assert "<\\/script> is a word too" in page


def test_of_a_stream_its_head_is_given_and_then_the_end(
    replay: Replay, client: Client, tmp_path: Path
) -> None:
    head = bytes(range(100))
    told = {"kind": "media", "itag": 251, "status": 206}
    write(
        tmp_path,
        "a.json",
        **told,
        range="bytes=0-16383",
        headers={"Content-Range": "bytes 0-16383/50000", "Content-Type": "audio/webm"},
        body=base64.b64encode(head).decode(),
    )
    write(
        tmp_path,
        "b.json",
        **told,
        range="bytes=20000-",
        headers={"Content-Range": "bytes 20000-49999/50000"},
        body="",
    )
    youtube = replay(tmp_path)
    ydl = client(youtube)
    assert media(ydl, 251, "0-99") == (206, head, "bytes 0-99/50000")
    assert media(ydl, 251, "10-19") == (206, head[10:20], "bytes 10-19/50000")
    for span in ("0-16383", "20000-20009", "40000-"):
        with pytest.raises((IncompleteRead, TransportError)):
            media(ydl, 251, span)
    assert youtube.counts()["requests"]["media"] == 5
    # What was not recorded of another stream is the simulator's own.
    assert media(ydl, 140, "4-7", mime="audio%2Fmp4", dur="120.000")[1] == b"ftyp"


def test_a_stream_that_was_refused(replay: Replay, client: Client, tmp_path: Path) -> None:
    for name, status in (("a.json", 403), ("b.json", 429)):
        write(tmp_path, name, kind="media", itag=251, status=status, range="bytes=0-16383", body="")
    ydl = client(replay(tmp_path))
    for status in (403, 429, 429):
        with pytest.raises(HTTPError) as raised:
            media(ydl, 251, "0-16383")
        assert raised.value.status == status
        raised.value.close()


def test_a_stream_that_was_not_recorded_is_as_long_as_its_address_tells(
    replay: Replay, client: Client, tmp_path: Path
) -> None:
    write(tmp_path, "a.json", **said("so it is"))
    ydl = client(replay(tmp_path))
    short, long = (len(media(ydl, 251, dur=dur)[1]) for dur in ("60.000", "120.000"))
    assert 1.8 < long / short < 2.2
    assert media(ydl, 774, "0-3", mime="audio%2Fwebm")[1] == b"\x1a\x45\xdf\xa3"
    assert media(ydl, 22, "4-7", mime="video%2Fmp4", ratebypass="yes")[1] == b"ftyp"
    with pytest.raises(HTTPError, match="404") as raised:
        media(ydl, 137, mime="video%2Fmp4")
    raised.value.close()


HOSTILE: dict[str, Callable[[Path], Any]] = {
    "no-gzip.json.gz": lambda path: path.write_bytes(b"{}"),
    "half.json.gz": lambda path: path.write_bytes(gzip.compress(b"x" * 9_999)[:-9]),
    "bomb.json.gz": lambda path: path.write_bytes(gzip.compress(bytes(40_000_000))),
    "large.json": lambda path: path.write_bytes(bytes(8_000_001)),
    "deep.json": lambda path: path.write_text("[" * 100_000),
    "bytes.json": lambda path: path.write_bytes(b'{"a": "\xff"}'),
    "list.json": lambda path: path.write_text("[]"),
    "empty.json": lambda path: path.write_text(""),
    "no-video.json": lambda path: path.write_text('{"answer": {}}'),
    "kind.json": lambda path: path.write_text('{"videoId": "x", "kind": "foe", "answer": {}}'),
    "status.json": lambda path: path.write_text('{"videoId": "x", "status": true, "answer": {}}'),
    "hundred.json": lambda path: path.write_text('{"videoId": "x", "status": 100, "answer": {}}'),
    "answer.json": lambda path: path.write_text('{"videoId": "x", "answer": "yes"}'),
    "none.json": lambda path: path.write_text('{"videoId": "x"}'),
    "base64.json": lambda path: path.write_text('{"videoId": "x", "body": "%%"}'),
    "range.json": lambda path: path.write_text('{"videoId": "x", "body": "", "range": "bytes=-1"}'),
    "digits.json": lambda path: path.write_text('{"videoId": "x", "status": ' + "9" * 9_999 + "}"),
    "red \x1b[31m.json": lambda path: path.write_text("{"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_record_is_passed_over_in_one_line(tmp_path: Path, name: str) -> None:
    HOSTILE[name](tmp_path / name)
    write(tmp_path, "good.json", **said("so it is"))
    found = Records(tmp_path)
    (line,) = found.passed_over
    assert line.isprintable()
    assert line.startswith(repr(name))
    assert len(line) < 300
    assert found.next("player", ALIVE) is not None
    (tmp_path / "good.json").unlink()
    with pytest.raises(DataMismatch, match="no recorded answer"):
        Records(tmp_path)


def test_headers_that_would_make_more_of_an_answer_are_left_out(tmp_path: Path) -> None:
    write(tmp_path, "a.json", **said("so"), headers={"Retry-After": "1\r\nX: y", "Content-Type": 3})
    found = Records(tmp_path).next("player", ALIVE)
    assert found is not None
    assert found.headers == {}


def test_only_so_many_lines_and_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(25):
        (tmp_path / f"{number}.json").write_text("{")
    write(tmp_path, "good.json", **said("so it is"))
    found = Records(tmp_path)
    assert len(found.passed_over) == 21
    assert found.passed_over[-1] == "5 more files are passed over"
    monkeypatch.setattr(records, "_MOST_FILES", 20)
    with pytest.raises(UsageError, match="26 files"):
        Records(tmp_path)
    with pytest.raises(UsageError, match="no folder"):
        Records(tmp_path / "missing")


def test_a_file_that_is_taken_away_is_no_answer_any_more(tmp_path: Path) -> None:
    write(tmp_path, "a.json", **said("so it is"))
    found = Records(tmp_path)
    (tmp_path / "a.json").unlink()
    assert found.next("player", ALIVE) is None


def test_the_command_replays(cache: Path, tmp_path: Path, client: Client) -> None:
    write(tmp_path, "a.json", **said("so it is"))
    (tmp_path / "b.json").write_text("{")
    command = [sys.executable, "-m", "audioset_tools.simulator", "--cache", str(cache)]
    with subprocess.Popen(
        [*command, "--replay", str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        ydl = client(type("At", (), {"proxy": process.stdout.readline().strip()}))
        assert ask(ydl, ALIVE)["playabilityStatus"]["reason"] == "so it is"
        process.terminate()
        _, error = process.communicate(timeout=10)
    assert error.startswith("'b.json' is passed over: ")
    assert error.count("\n") == 1


def test_the_command_takes_either_records_or_a_plan(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--replay", str(tmp_path), "--seed", "3"]) == 2
    assert main(["--replay", str(tmp_path)]) == 6
    assert main(["--replay", str(tmp_path / "missing")]) == 2
    assert "recorded answers follow no plan" in capsys.readouterr().err


def test_what_a_plan_served_can_be_replayed(
    replay: Replay, client: Client, cache: Path, tmp_path: Path
) -> None:
    with Simulator(Plan(faults={ALIVE: "sabr"}), cache=cache) as youtube:
        write(tmp_path, "a.json", answer=ask(client(youtube), ALIVE))
    skipping = {"youtube": {**LEAN, "skip": ["hls"]}}
    found = extract(client(replay(tmp_path), extractor_args=skipping), ALIVE)
    assert {kind(one) for one in found["formats"]} == {"mhtml"}
