"""What every ffmpeg must make of the same sound: one digest, the recording's own time, all its channels."""

import hashlib
import http.server
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
import soundfile

from audioset_tools.audio import ffmpeg as ffmpeg_module
from audioset_tools.audio import libav, segment
from audioset_tools.audio.binary import CHOICE, find_ffmpeg
from audioset_tools.audio.ffmpeg import DecodeError, DecodeFault, Media
from audioset_tools.audio.recording import decode_all
from audioset_tools.audio.segment import Sound, decode_segment
from audioset_tools.exceptions import EnvironmentProblem
from audioset_tools.sources.reasons import reason_of_decoding
from audioset_tools.types import Reason

RATE = 16_000

BUILDS = sorted({find_ffmpeg().binary, str(imageio_ffmpeg.get_ffmpeg_exe())})


IN_PROCESS = ("in process", "in process, without PyAV")


@pytest.fixture(params=[*BUILDS, *IN_PROCESS], ids=lambda name: name.split("/")[-1])
def build(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Every ffmpeg that there is, for everything; and ours for what is plain, ffmpeg for the rest."""
    if request.param in IN_PROCESS:
        if "without" in request.param:
            monkeypatch.setattr(libav, "pyav", lambda: None)
        yield BUILDS[-1]
        return
    monkeypatch.setattr(segment, "_decode_in_process", lambda *_: None)
    yield from chosen(request.param, monkeypatch)


def chosen(path: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv(CHOICE, path)
    for known in (ffmpeg_module.ffmpeg_binary, ffmpeg_module._resampler):
        known.cache_clear()
    yield path
    for known in (ffmpeg_module.ffmpeg_binary, ffmpeg_module._resampler):
        known.cache_clear()


def ffmpeg(*words: str) -> None:
    command = [BUILDS[-1], "-v", "error", "-y", *words]
    subprocess.run(command, check=True, timeout=60, stdin=subprocess.DEVNULL)


def noise(seconds: float, rate: int, channels: int = 1) -> np.ndarray:
    return 0.1 * np.random.default_rng(1).standard_normal((round(seconds * rate), channels))


def tone(seconds: float, rate: int = RATE) -> np.ndarray:
    return 0.4 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)


def heard(path: Path) -> tuple[np.ndarray, list[str]]:
    notes: list[str] = []
    return np.concatenate([block.samples for block in decode_all(path, notes.append)]), notes


def levels(sound: Sound, seconds: int = 10) -> list[bool]:
    """Of every second whether there is sound in its middle half."""
    middles = [sound.samples[RATE * n + 4_000 : RATE * n + 12_000] for n in range(seconds)]
    return [bool(np.abs(middle).max() > 1_000) for middle in middles]


KINDS = {
    "44100-2-PCM_16.wav": [],
    "44100-1-PCM_16.wav": [],
    "32000-1-PCM_16.wav": [],
    "16000-2-PCM_16.wav": [],
    "44100-2-PCM_16.flac": [],
    "48000-2-PCM_24.flac": [],
    "44100-2.mp3": ["-b:a", "128k"],
    "48000-2.webm": ["-c:a", "libopus"],
    "44100-2.m4a": ["-c:a", "aac"],
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_decoded_again_is_the_same_to_the_byte(kind: str, build: str, tmp_path: Path) -> None:
    form, suffix = kind.split(".")
    rate, channels, *subtype = form.split("-")
    path = tmp_path / f"it.{suffix}"
    source = tmp_path / "source.wav" if KINDS[kind] else path
    soundfile.write(source, noise(2, int(rate), int(channels)), int(rate), subtype=(subtype or ["PCM_16"])[0])
    if KINDS[kind]:
        ffmpeg("-i", str(source), *KINDS[kind], str(path))
    clips = {
        hashlib.sha256(decode_segment(Media(path), 0, 2_000).samples.tobytes()).hexdigest() for _ in range(5)
    }
    heards = {hashlib.sha256(heard(path)[0].tobytes()).hexdigest() for _ in range(3)}
    assert (len(clips), len(heards)) == (1, 1)


LATE = {"mp4": ["-c:a", "aac"], "mkv": ["-c:a", "flac"], "webm": ["-c:a", "libopus"], "mov": ["-c:a", "aac"]}


def late(folder: Path, suffix: str, begins_s: float, picture: bool = True) -> Path:
    """A tone of 20 s that begins some time after 0, beside a picture or alone."""
    sound, path = folder / "tone.wav", folder / f"late.{suffix}"
    soundfile.write(sound, tone(20, 48_000), 48_000)
    film = ["-f", "lavfi", "-i", f"color=s=16x16:r=5:d={begins_s + 20}"] if picture else []
    video = (["-c:v", "libvpx"] if suffix == "webm" else ["-c:v", "mpeg4"]) if picture else []
    ffmpeg(*film, "-itsoffset", str(begins_s), "-i", str(sound), *video, *LATE[suffix], str(path))
    return path


@pytest.mark.parametrize("suffix", LATE)
def test_a_sound_that_begins_after_its_picture_keeps_its_time(
    suffix: str, build: str, tmp_path: Path
) -> None:
    path = late(tmp_path, suffix, 3)
    for media in (path, path.read_bytes()):
        sound = decode_segment(Media(media), 0, 10_000)
        assert sound.seconds == pytest.approx(10, abs=0.03)
        assert levels(sound) == [False] * 3 + [True] * 7
        begins_ms = int(np.argmax(np.abs(sound.samples) > 300)) / 16
        assert begins_ms == pytest.approx(3_000, abs=50)
    assert levels(decode_segment(Media(path), 2_000, 12_000)) == [False] + [True] * 9
    assert levels(decode_segment(Media(path), 8_000, 18_000)) == [True] * 10


@pytest.mark.parametrize("suffix", ["webm", "mkv"])
def test_a_sound_without_a_picture_that_begins_late_keeps_its_time(
    suffix: str, build: str, tmp_path: Path
) -> None:
    path = late(tmp_path, suffix, 5, picture=False)
    for media in (path, path.read_bytes()):
        assert levels(decode_segment(Media(media), 0, 10_000)) == [False] * 5 + [True] * 5


@pytest.mark.parametrize("begins_s", [9.5, 30])
def test_a_segment_before_the_sound_holds_nothing_to_hear(
    begins_s: float, build: str, tmp_path: Path
) -> None:
    path = late(tmp_path, "mp4", begins_s)
    with pytest.raises(DecodeError) as caught:
        decode_segment(Media(path), 0, 10_000)
    assert caught.value.fault is DecodeFault.LATE
    assert f"begins {begins_s:.1f} s behind" in caught.value.message


def test_a_click_at_the_end_of_digital_silence_is_a_sound(build: str, tmp_path: Path) -> None:
    samples = np.zeros(10 * RATE)
    samples[-RATE // 2 :] = tone(0.5)
    soundfile.write(tmp_path / "it.wav", samples, RATE)
    assert decode_segment(Media(tmp_path / "it.wav"), 0, 10_000).peak > 0.3


def test_a_hole_in_the_time_stamps_is_silence(build: str, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(12), RATE)
    words = ["-i", str(tmp_path / "a.wav"), "-af", "aselect='not(between(t,4,6.99))'", "-c:a", "flac"]
    ffmpeg(*words, "-fps_mode", "passthrough", str(tmp_path / "hole.mka"))
    sound = decode_segment(Media(tmp_path / "hole.mka"), 1_000, 11_000)
    assert levels(sound) == [True] * 3 + [False] * 3 + [True] * 4
    samples, notes = heard(tmp_path / "hole.mka")
    assert len(samples) == pytest.approx(12 * RATE, abs=0.1 * RATE)
    assert not np.abs(samples[4 * RATE + 4_000 : 6 * RATE + 12_000]).any()
    assert notes == []


def channels(folder: Path, *sounds: np.ndarray, suffix: str = "wav", rate: int = RATE) -> Path:
    path = folder / f"channels.{suffix}"
    soundfile.write(path, np.stack(sounds, axis=1), rate)
    return path


def test_opposed_channels_do_not_make_silence(build: str, tmp_path: Path) -> None:
    one = tone(10)
    for sounds in ((one, -one), (0.9 * one, -one), (one, -one, 0 * one, 0 * one, one, -one)):
        path = channels(tmp_path, *sounds)
        assert decode_segment(Media(path), 0, 10_000).peak > 0.1
        assert np.abs(heard(path)[0]).max() > 3_000


def test_other_channels_are_mixed(build: str, tmp_path: Path) -> None:
    one, other, nothing = tone(10), noise(10, RATE)[:, 0], np.zeros(10 * RATE)
    for left, right in ((one, other), (one, nothing), (nothing, one), (one, one), (one, -0.5 * one)):
        mixed = decode_segment(Media(channels(tmp_path, left, right)), 0, 10_000).samples / 32768
        np.testing.assert_allclose(mixed, (left + right) / 2, atol=2e-4)


@pytest.mark.parametrize("count", [3, 6, 9, 10, 24, 32])
def test_of_any_number_of_channels_there_is_a_mixture(count: int, build: str, tmp_path: Path) -> None:
    path = channels(tmp_path, *[tone(10)] * count)
    assert decode_segment(Media(path), 0, 10_000).peak == pytest.approx(0.4, rel=0.02)
    samples, notes = heard(path)
    assert np.abs(samples).max() / 32768 == pytest.approx(0.4, rel=0.02)
    assert notes == []


def no_numbers(folder: Path, value: float, begin: float, end: float, subtype: str = "FLOAT") -> Path:
    samples = 0.1 * tone(11, 8_000)
    samples[round(begin * 8_000) : round(end * 8_000)] = value
    soundfile.write(folder / "it.wav", samples, 8_000, subtype=subtype)
    return folder / "it.wav"


@pytest.mark.parametrize(
    ("value", "begin", "end", "subtype"),
    [(np.nan, 0, 11, "FLOAT"), (np.nan, 3, 3.01, "FLOAT"), (np.nan, 5, 11, "DOUBLE"),
     (np.inf, 3, 3.01, "DOUBLE"), (-np.inf, 2, 8, "FLOAT"), (1e300, 3, 4, "DOUBLE")],
)  # fmt: skip
def test_what_is_no_number_is_no_sound(
    value: float, begin: float, end: float, subtype: str, build: str, tmp_path: Path
) -> None:
    path = no_numbers(tmp_path, value, begin, end, subtype)
    with pytest.raises(DecodeError) as caught:
        decode_segment(Media(path), 0, 10_000)
    assert caught.value.fault is DecodeFault.BROKEN
    assert "no numbers" in caught.value.message
    samples, (note,) = heard(path)
    assert len(samples) == 11 * RATE
    assert np.abs(samples).max() < 0.06 * 32768
    assert "no numbers" in note


def test_what_is_no_number_behind_the_segment_does_no_harm(build: str, tmp_path: Path) -> None:
    assert decode_segment(Media(no_numbers(tmp_path, np.nan, 6, 11)), 0, 5_000).seconds == 5


class _Server(http.server.ThreadingHTTPServer):
    """Gives the first bytes of a file to the first who asks, and refuses everything that comes after."""

    content, cut, status, asked = b"", 0, 403, 0


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        self.server.asked += 1
        if self.server.asked > 1 or not self.server.cut:
            self.send_error(self.server.status)
            return
        size = len(self.server.content)
        self.send_response(206)
        self.send_header("Content-Range", f"bytes 0-{size - 1}/{size}")
        self.send_header("Content-Length", str(size))
        self.end_headers()
        self.wfile.write(self.server.content[: self.server.cut])
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[_Server]:
    with _Server(("127.0.0.1", 0), _Handler) as made:
        threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True).start()
        yield made
        made.shutdown()


@pytest.fixture(scope="module")
def tones(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A minute of a tone, by the suffix of its file."""
    folder = tmp_path_factory.mktemp("tones")
    for suffix, codec in (("webm", "libopus"), ("m4a", "aac")):
        sine = ("-f", "lavfi", "-i", "sine=d=60:r=48000", "-c:a", codec, "-b:a", "96k")
        ffmpeg(*sine, str(folder / f"it.{suffix}"))
    return {path.suffix[1:]: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.usefixtures("build")
@pytest.mark.parametrize("suffix", ["webm", "m4a"])
@pytest.mark.parametrize(
    ("cut", "status", "reasons"),
    [(0, 403, {Reason.MEDIA_REFUSED}), (3_000, 403, {Reason.MEDIA_REFUSED}),
     (60_000, 403, {Reason.MEDIA_REFUSED}), (60_000, 410, {Reason.MEDIA_REFUSED}),
     (60_000, 503, {Reason.SERVER_ERROR}), (0, 429, {Reason.TOO_MANY_REQUESTS})],
)  # fmt: skip
def test_a_refusal_of_what_ffmpeg_reads_itself_is_told_as_one(
    suffix: str, cut: int, status: int, reasons: set[Reason], server: _Server, tones: dict[str, bytes]
) -> None:
    server.content, server.cut, server.status = tones[suffix], cut, status
    with pytest.raises(DecodeError) as caught:
        decode_segment(
            Media(f"http://127.0.0.1:{server.server_port}/it?secret=1"), 40_000, 50_000, timeout=30
        )
    assert reason_of_decoding(caught.value) in reasons
    assert "secret" not in caught.value.message


def test_what_ffmpeg_says_is_kept_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    talking = tmp_path / "ffmpeg"
    talking.write_text(
        "#!/bin/sh\n[ $1 = -version ] && echo ffmpeg version 9 && exit\n"
        "echo the cause >&2; head -c 3000000 /dev/zero | tr '\\0' '[' >&2; echo >&2\n"
        "echo the end >&2; exit 1\n"
    )
    talking.chmod(0o755)
    for _ in chosen(str(talking), monkeypatch):
        with pytest.raises(DecodeError) as caught:
            decode_segment(Media(b"x"), 0, 10_000)
    assert caught.value.message == "the cause; the end"


def test_a_program_that_is_no_ffmpeg_is_an_error_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for path in chosen("/bin/false", monkeypatch):
        with pytest.raises(EnvironmentProblem, match=f"{path} is no working ffmpeg"):
            decode_segment(Media(b"what no decoder of ours knows"), 0, 10_000)
