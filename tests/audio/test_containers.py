"""What is disguised as a recording leads nowhere: playlists, scripts, references; as files and addresses."""

import http.server
import ssl
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import numpy as np
import pytest
import soundfile
import trustme

from audioset_tools.audio.containers import RECORDINGS
from audioset_tools.audio.ffmpeg import DecodeError, DecodeFault, Media, decode_by_ffmpeg
from audioset_tools.audio.recording import decode_all
from tests.audio.test_ffmpeg_time import BUILDS, chosen, ffmpeg

RATE = 16_000


@pytest.fixture(params=BUILDS, ids=lambda name: name.split("/")[-1])
def build(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    yield from chosen(request.param, monkeypatch)


@pytest.fixture(scope="module")
def secret(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound that nobody asked for."""
    path = tmp_path_factory.mktemp("elsewhere") / "secret.wav"
    soundfile.write(path, 0.1 * np.random.default_rng(0).standard_normal(12 * RATE), RATE)
    return path


_HLS = "#EXTM3U\n#EXT-X-TARGETDURATION:12\n#EXTINF:12,\n{}\n#EXT-X-ENDLIST\n"
_MPD = """<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"
 mediaPresentationDuration="PT12S"><Period><AdaptationSet mimeType="audio/wav"><Representation id="1"
 bandwidth="1"><BaseURL>{}</BaseURL></Representation></AdaptationSet></Period></MPD>"""
_CPL = """<?xml version="1.0"?><CompositionPlaylist xmlns="http://www.smpte-ra.org/schemas/2067-3/2016">
<Id>urn:uuid:00000000-0000-0000-0000-000000000000</Id></CompositionPlaylist>"""

SCRIPTS = {
    "hls": _HLS.format("file://{}"),
    "hls of a bare name": _HLS,
    "hls of hls": "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{}\n",
    "dash": _MPD,
    "imf": _CPL,
    "ffconcat": "ffconcat version 1.0\nfile '{}'\n",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 9 RTP/AVP 0\n",
    "m3u": "#EXTM3U\n#EXTINF:12,x\n{}\n",
    "cue": 'FILE "{}" WAVE\n  TRACK 01 AUDIO\n    INDEX 01 00:00:00\n',
    "avisynth": 'WavSource("{}")\n',
    "subtitles": "# VobSub index file, v7 (do not modify this line!)\nsize: 720x576\n",
    "binaural": "-SE\nx: pink/50 100+10/50\nNOW x\n",
    "metadata": ";FFMETADATA1\ntitle={}\n",
}


def test_a_script_is_no_recording_whatever_it_is_called(secret: Path, build: str, tmp_path: Path) -> None:
    for kind, script in SCRIPTS.items():
        path = tmp_path / f"Y{kind}.mp3"
        path.write_text(script.format(secret))
        with pytest.raises(DecodeError) as caught:
            decode_by_ffmpeg(Media(path), 0, 10_000)
        assert caught.value.fault in (DecodeFault.FAILED, DecodeFault.NO_SOUND), kind
        assert len(caught.value.message) < 200
    for kind in ("hls", "dash", "ffconcat"):
        with pytest.raises(DecodeError) as caught:
            list(decode_all(tmp_path / f"Y{kind}.mp3", print))
        assert len(caught.value.message) < 200


def box(kind: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def referring(movie: bytes, target: Path) -> bytes:
    """A QuickTime movie, rebuilt: its track says that the sound lies in another file."""
    path = bytes(target)
    path += bytes(len(path) % 2)
    alias = bytes(10) + bytes(28) + bytes(12) + bytes([10]) + b"secret.wav".ljust(63, b"\0") + bytes(36)
    alias += struct.pack(">HH", 2, len(path)) + path + b"\xff\xff\0\0" + bytes(8)

    def rebuilt(content: bytes) -> bytes:
        found, at = b"", 0
        while at < len(content):
            size, kind = struct.unpack_from(">I4s", content, at)
            inner = content[at + 8 : at + size]
            if kind in (b"moov", b"trak", b"mdia", b"minf", b"dinf"):
                inner = rebuilt(inner)
            if kind == b"dref":
                inner = struct.pack(">II", 0, 1) + box(b"alis", bytes(4), alias)
            found += box(kind, inner)
            at += size
        return found

    return rebuilt(movie)


def test_a_movie_gives_no_other_files_sound(secret: Path, build: str, tmp_path: Path) -> None:
    whole, path = tmp_path / "whole.mov", tmp_path / "alias.mov"
    ffmpeg("-i", str(secret), "-c", "copy", str(whole))
    movie = whole.read_bytes()
    at = movie.index(b"mdat") + 4
    size = struct.unpack_from(">I", movie, at - 8)[0] - 8
    path.write_bytes(referring(movie[:at] + bytes(size) + movie[at + size :], secret))
    allowed = [build, "-v", "error", "-enable_drefs", "1", "-use_absolute_path", "1", "-i", str(path)]
    led = subprocess.run([*allowed, "-f", "s16le", "-"], capture_output=True, timeout=60, check=False)
    assert any(led.stdout), led.stderr
    with suppress(DecodeError):
        assert not decode_by_ffmpeg(Media(path), 0, 10_000).pairs.any()


def test_every_container_that_is_written_is_read(build: str, tmp_path: Path) -> None:
    """Of sound and of films, by whatever muxer this ffmpeg has."""
    kinds = "aiff au caf w64 opus mp3 mov mka ts avi wma flv ac3 3gp aac wv"
    source = ["-f", "lavfi", "-i", "sine=d=1:r=48000"]
    for kind in kinds.split():
        path = tmp_path / f"it.{kind}"
        codec = {"opus": "libopus", "3gp": "aac"}.get(kind)
        ffmpeg(*source, *(["-c:a", codec] if codec else []), str(path))
        path = path.rename(tmp_path / "it.bin")
        assert len(decode_by_ffmpeg(Media(path), 0, 900).pairs) == pytest.approx(14_400, abs=20), kind


def test_no_name_on_the_list_leads_elsewhere() -> None:
    named = set(RECORDINGS.split(","))
    leading = (
        "hls dash concat imf image2 image2pipe sdp rtp rtsp sap lavfi vobsub webm_dash_manifest avisynth sbg"
    )
    assert named.isdisjoint(
        [*leading.split(), "libgme", "libopenmpt", "data", "ffmetadata", "v4l2", "dvdvideo"]
    )
    assert len(named) == len(RECORDINGS.split(","))


Serve = Callable[..., tuple[int, list[str]]]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Servers on loopback that note what they are asked for, with TLS or without."""
    with ExitStack() as stack:

        def start(answers: dict[str, bytes | str], tls: bool = True) -> tuple[int, list[str]]:
            asked: list[str] = []

            class Handler(http.server.BaseHTTPRequestHandler):
                def do_GET(self) -> None:
                    asked.append(self.path)
                    answer = answers.get(self.path)
                    self.send_response(404 if answer is None else 302 if isinstance(answer, str) else 200)
                    if isinstance(answer, str):
                        self.send_header("Location", answer)
                    body = answer if isinstance(answer, bytes) else b""
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

                def log_message(self, *_: object) -> None:
                    pass

            server = stack.enter_context(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler))
            server.handle_error = lambda *_: None  # type: ignore[method-assign]
            if tls:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
                server.socket = context.wrap_socket(
                    server.socket, server_side=True, do_handshake_on_connect=False
                )
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
            stack.callback(server.shutdown)
            return server.server_port, asked

        yield start


def test_an_address_leads_no_further(secret: Path, serve: Serve, build: str) -> None:
    sound = secret.read_bytes()
    plain, asked_plainly = serve({"/a.wav": sound}, tls=False)
    other, asked_of_other = serve({"/a.wav": sound})
    port, _ = serve(
        {
            "/it": sound,
            "/plain": f"http://127.0.0.1:{plain}/a.wav",
            "/other": f"https://127.0.0.1:{other}/a.wav",
            "/list.m3u8": _HLS.format(f"https://127.0.0.1:{other}/a.wav").encode(),
        }
    )
    for path in ("/plain", "/other", "/list.m3u8"):
        with pytest.raises(DecodeError):
            decode_by_ffmpeg(Media(f"https://127.0.0.1:{port}{path}", verify_tls=False), 0, 10_000)
    assert (asked_plainly, asked_of_other) == ([], [])
    found = decode_by_ffmpeg(Media(f"https://127.0.0.1:{port}/it", verify_tls=False), 0, 10_000)
    assert len(found.pairs) == 10 * RATE
