"""A folder of one's own files: names, whole videos and cuts, and what a bad file or a bad disk costs."""

import http.server
import os
import re
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.errors import EnvironmentProblem, UsageError
from audioset_tools.fetch import transcode
from audioset_tools.fetch.folder import Folder
from audioset_tools.fetch.local import Local, local_folder
from audioset_tools.fetch.names import Fit, Name, fit, parse_name
from audioset_tools.fetch.pace import Pace, parse_pace
from audioset_tools.fetch.run import Fetch, FetchConfig
from audioset_tools.fetch.source import Excerpt, FetchError
from audioset_tools.fetch.transcode import Sound, decode
from audioset_tools.ledger import Ledger, Origin, State
from audioset_tools.simulator.sounds import offset_ms
from audioset_tools.types import CLIP_SAMPLES, YTID, Candidate, Reason
from audioset_tools.workspace import Workspace

from .conftest import candidate

ID = "-_Y_30_40_A"
"""An id made to be mistaken: for an option, for a prefix, for numbers."""

WHOLE, RATE = 60, 44_100

ids = st.from_regex(YTID, fullmatch=True)
starts = st.integers(0, 40_000_000)
lengths = st.integers(1, 10_000)
suffixes = st.sampled_from([".wav", ".flac", ".m4a", ".MP3", ".16k.wav", ".f251.webm", ".3gp", ""])
prefixes = st.sampled_from(["", "Y"])


def seconds(ms: int) -> str:
    return f"{ms // 1000}.{ms % 1000:03}"


@given(prefixes, ids, suffixes)
def test_a_name_of_an_id_alone_gives_the_id(prefix: str, ytid: str, suffix: str) -> None:
    name = parse_name(f"{prefix}{ytid}{suffix}")
    assert name == Name(ytid, None, None)
    assert fit(name, 30_000, 40_000) is Fit.VIDEO


@given(prefixes, ids, suffixes, starts, lengths, st.sampled_from([str, seconds]))
def test_a_name_with_times_gives_the_id_and_fits_its_segment(
    prefix: str, ytid: str, suffix: str, start: int, length: int, written: type[str]
) -> None:
    only_start = parse_name(f"{prefix}{ytid}_{written(start)}{suffix}")
    both = parse_name(f"{prefix}{ytid}_{written(start)}_{written(start + length)}{suffix}")
    assert only_start == Name(ytid, written(start), None)
    assert both == Name(ytid, written(start), written(start + length))
    assert fit(only_start, start, start + length) is Fit.START
    assert fit(both, start, start + length) is Fit.SEGMENT
    assert fit(both, start, start + length + 1) is Fit.START
    assert fit(both, start + 1, start + length) is None


@given(ids, st.integers(1, 30_000), st.integers(1, 10))
def test_whole_seconds_are_understood_too(ytid: str, start: int, length: int) -> None:
    name = parse_name(f"{ytid}_{start}_{start + length}.wav")
    assert name is not None
    assert fit(name, start * 1000, (start + length) * 1000) is Fit.SEGMENT
    assert fit(name, start * 1000, start + length) is Fit.START
    assert fit(name, start * 100_000, (start + length) * 1000) is None


@given(st.text())
def test_no_text_is_too_odd_to_be_taken_apart(text: str) -> None:
    name = parse_name(text)
    assert name is None or (YTID.fullmatch(name.ytid) and name.ytid in text)


@pytest.mark.parametrize(
    "name",
    [
        *("abcdefghijA.wav.part", "abcdefghijA.f251.webm.part-Frag3", "abcdefghijA.temp.m4a"),
        *("abcdefghijA.info.json", "abcdefghijA.en.vtt", "abcdefghijA.jpg", "abcdefghijA.M3U8"),
        *("abcdefghijA.avs", "abcdefghijA_30.csv", "abcdefghijB.wav", "abcdefghij.wav", "YabcdefghijAA.wav"),
        *("abcdefghijA_x.wav", ".abcdefghijA.wav", "abcdefghijA_30_40_50.wav", "abcdefghijA_30.0x40.0.wav"),
        *("abcdefghijA_vocals.wav", "abcdefghijA_30_40 (1).wav", "vocals-abcdefghijA.wav"),
        *("Title [abcdefghijA].info.json", "Title [abcdefghijA] x.wav", "[abcdefghijB].wav"),
    ],
)
def test_what_is_no_recording_of_a_video_is_passed_over(name: str) -> None:
    assert parse_name(name) is None


@pytest.mark.parametrize(
    ("written", "start_ms", "end_ms"),
    [
        *((f"{{}}{apart}{{}}", 12_500, 22_500) for apart in ("-", "_", " ", "~", " - ", "_to_", " to ", ",")),
        *((f"{{}}{apart}{{}}", 30_000, 40_000) for apart in ("-", "_")),
        ("{}-{}", 0, 10_000),
        ("{}-{}", 39_000_000, 39_010_000),
    ],
)
def test_segments_are_known_however_their_times_are_joined(written: str, start_ms: int, end_ms: int) -> None:
    times = [
        written.format(start_ms, end_ms),
        written.format(start_ms / 1000, end_ms / 1000),
        written.format(f"{start_ms}ms", f"{end_ms}ms"),
        written.format(f"{start_ms / 1000}s", f"{end_ms / 1000}s"),
        written.format(seconds(start_ms), seconds(end_ms)),
    ]
    if not start_ms % 1000:
        times.append(written.format(start_ms // 1000, end_ms // 1000))
        times.append(written.format(start_ms // 1000, f"{end_ms // 1000}s"))
    for time in times:
        for name in (f"{ID}_{time}.wav", f"Y{ID}-{time}.16k.flac", f"{ID} ({time}).mp3", f"{ID}[{time}].m4a",
                     f"A title [{ID}] [{time}].webm", f"A [title] [{ID}]_{time}"):  # fmt: skip
            parsed = parse_name(name)
            assert parsed is not None and parsed.ytid == ID, name
            assert fit(parsed, start_ms, end_ms) is Fit.SEGMENT, name
            assert fit(parsed, start_ms + 1_000, end_ms + 1_000) is None, name


def test_a_unit_that_is_written_is_believed() -> None:
    for name, start_ms, end_ms, how in (
        ("_30s_40s", 30, 40, None),
        ("_30ms-40ms", 30, 40, Fit.SEGMENT),
        ("_30ms-40ms", 30_000, 40_000, None),
        ("_30-40s", 30_000, 40_000, Fit.SEGMENT),
        ("_00:30-00:40", 30_000, 40_000, Fit.SEGMENT),
        ("_3:59:50_4:00:00", 14_390_000, 14_400_000, Fit.SEGMENT),
        ("_000030", 30_000, 40_000, Fit.START),
    ):
        parsed = parse_name(f"{ID}{name}.wav")
        assert parsed is not None
        assert fit(parsed, start_ms, end_ms) is how, name


@pytest.mark.parametrize(
    "name",
    [
        f"Title [{ID}].webm",
        f"[a] b: [c] – d [{ID}].f251.webm",
        f"001 - Night\n[x] [{ID}].16k.wav",
        f"x [{ID}]",
    ],
)
def test_the_names_that_ytdlp_gives_are_understood(name: str) -> None:
    assert parse_name(name) == Name(ID, None, None)


def music(length: float, seed: int = 1, rate: int = RATE) -> np.ndarray:
    """A sound whose every stretch is unlike every other."""
    rng = np.random.default_rng(seed)
    steps = rng.uniform(200, 3_000, int(length * 10) + 1)
    pitch = np.repeat(steps, rate // 10)[: int(length * rate)]
    return 0.4 * np.sin(2 * np.pi * np.cumsum(pitch) / rate)


def encode(samples: np.ndarray, target: Path, *options: str, rate: int = RATE) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.suffix == ".wav":
        soundfile.write(target, samples, rate, subtype="PCM_16")
        return
    pcm = (samples * 32767).astype("<i2").tobytes()
    source = ["-f", "s16le", "-ar", str(rate), "-ac", "1", "-i", "pipe:0"]
    words = [transcode.ffmpeg_binary(), "-v", "error", *source, *options, f"file:{target.absolute()}"]
    subprocess.run(words, input=pcm, check=True)


def hear(source: Local, which: Candidate) -> tuple[Sound, Excerpt]:
    """As the loop of fetch does."""
    excerpt = source.open(which)
    while True:
        try:
            return decode(excerpt, which.start_ms, which.end_ms), excerpt
        except FetchError as error:
            assert excerpt.instead is not None
            excerpt = excerpt.instead(error)


def refusal(source: Local, which: Candidate) -> FetchError:
    with pytest.raises(FetchError) as caught:
        hear(source, which)
    return caught.value


def stretch(begin: float, end: float) -> np.ndarray:
    """What a perfect cut of the long recording holds, at a clip's rate."""
    time = np.arange(round(begin * 16_000), round(end * 16_000)) / 16_000
    return np.interp(time, np.arange(WHOLE * RATE) / RATE, music(WHOLE))


FORMATS = {
    "wav": (0.0, []),
    "flac": (0.0, []),
    "mp3": (0.0, ["-q:a", "4"]),
    "opus": (0.0, ["-c:a", "libopus"]),
    "m4a": (0.0, ["-c:a", "aac"]),
    "mp4": (0.0, ["-c:a", "aac"]),
    # Its time stamps are whole milliseconds.
    "webm": (1.0, ["-c:a", "libopus"]),
    # ffmpeg 9 counts the first block behind a seek for another length than it has.
    "ogg": (8.0, ["-c:a", "libvorbis"]),
}
"""How far from its place a cut may be in milliseconds, and ffmpeg's options; 0.0 is the very sample."""


@pytest.mark.parametrize("start_ms", [0, 7_300, 30_000])
@pytest.mark.parametrize("suffix", FORMATS)
def test_a_whole_video_is_cut_and_a_cut_is_taken_as_it_is(suffix: str, start_ms: int, tmp_path: Path) -> None:
    within, options = FORMATS[suffix]
    which = candidate(ID, start_ms)
    cut = music(WHOLE)[start_ms * RATE // 1000 : (start_ms + 10_000) * RATE // 1000]
    encode(music(WHOLE), tmp_path / "whole" / f"{ID}.{suffix}", *options)
    encode(cut, tmp_path / "cut" / f"Y{ID}.{suffix}", *options)
    encode(cut, tmp_path / "named" / f"{ID}_{start_ms}.{suffix}", *options)
    expected = stretch(start_ms / 1000, start_ms / 1000 + 10)
    for form in ("whole", "cut", "named"):
        sound, _ = hear(Local(tmp_path / form), which)
        assert sound.seconds == pytest.approx(10, abs=0.003), form
        assert abs(offset_ms(expected, sound.samples / 32768)) <= within, form


def test_a_clip_of_another_workspace_is_taken_sample_by_sample(tmp_path: Path) -> None:
    samples = np.random.default_rng(1).integers(-9_000, 9_000, CLIP_SAMPLES, dtype=np.int16)
    soundfile.write(tmp_path / f"Y{ID}_30000.wav", samples, 16_000, subtype="PCM_16")
    sound, excerpt = hear(Local(tmp_path), candidate(ID))
    assert np.array_equal(sound.samples, samples)
    assert excerpt.origin == f"local Y{ID}_30000.wav"


def test_a_cut_of_wav_begins_at_the_very_sample(tmp_path: Path) -> None:
    samples = np.random.default_rng(1).integers(-9_000, 9_000, 60 * 16_000, dtype=np.int16)
    soundfile.write(tmp_path / f"{ID}.wav", samples, 16_000, subtype="PCM_16")
    sound, _ = hear(Local(tmp_path), candidate(ID, 30_000))
    assert np.array_equal(sound.samples, samples[480_000:640_000])


@pytest.mark.parametrize(
    ("length", "taken_as"), [(9.6, "cut"), (10.4, "cut"), (39.6, "whole"), (41, "whole")]
)
def test_the_length_tells_a_whole_video_from_a_cut(length: float, taken_as: str, tmp_path: Path) -> None:
    encode(music(length), tmp_path / f"{ID}.wav")
    sound, _ = hear(Local(tmp_path), candidate(ID))
    begin = 30 if taken_as == "whole" else 0
    lasts = min(10, length - begin)
    assert sound.seconds == pytest.approx(lasts, abs=0.001)
    assert abs(offset_ms(stretch(begin, begin + lasts), sound.samples / 32768)) < 0.1


@pytest.mark.parametrize(
    ("length", "words"),
    [(9, "taken for the segment"), (12, "taken for the whole video"), (39, "whole video")],
)
def test_a_length_that_fits_neither_is_refused(length: float, words: str, tmp_path: Path) -> None:
    encode(music(length), tmp_path / f"{ID}.wav")
    error = refusal(Local(tmp_path), candidate(ID))
    assert error.reason is Reason.BEYOND_END
    assert words in error.detail and f"{ID}.wav" in error.detail


def test_a_short_segment_of_a_short_video(tmp_path: Path) -> None:
    encode(music(10), tmp_path / f"{ID}.wav")
    which = Candidate(ID, 5_000, 9_000, "Flute", 3, 0, "eval")
    sound, _ = hear(Local(tmp_path), which)
    assert sound.seconds == 4
    assert abs(offset_ms(stretch(5, 9), sound.samples[:64_000] / 32768)) < 0.1
    assert not sound.samples[64_000:].any()


def test_a_named_segment_is_preferred_and_another_segment_is_not_taken(tmp_path: Path) -> None:
    for name in (f"{ID}.wav", f"a/{ID}_30.wav", f"z/{ID}_30_40.flac", f"b/{ID}_60.wav"):
        encode(music(10), tmp_path / name)
    source = Local(tmp_path)
    assert source.open(candidate(ID, 30_000)).origin == f"local z/{ID}_30_40.flac"
    assert source.open(candidate(ID, 60_000)).origin == f"local b/{ID}_60.wav"
    assert source.open(candidate(ID, 90_000)).origin == f"local {ID}.wav"
    (tmp_path / f"{ID}.wav").unlink()
    error = refusal(Local(tmp_path), candidate(ID, 90_000))
    assert error.reason is Reason.NOT_IN_FOLDER
    assert "begins elsewhere" in error.detail
    assert refusal(source, candidate("0123456789A")).reason is Reason.NOT_IN_FOLDER


def test_a_damaged_file_beside_a_good_one_loses_nothing(tmp_path: Path) -> None:
    (tmp_path / f"{ID}_30_40.wav").write_bytes(b"RIFF but no more")
    encode(np.zeros(RATE * 10), tmp_path / f"{ID}_30.flac")
    (tmp_path / f"{ID}.mp4").write_bytes(bytes(5_000))
    encode(music(WHOLE), tmp_path / f"{ID}.ogg", "-c:a", "libvorbis")
    sound, excerpt = hear(Local(tmp_path), candidate(ID))
    assert excerpt.origin == f"local {ID}.ogg"
    assert abs(offset_ms(stretch(30, 40), sound.samples / 32768)) < 8


@pytest.mark.parametrize("form", ["{}_20000_30000.flac", "Y{}_20.000_30.000.wav", "{}_20-30.flac"])
@pytest.mark.parametrize("length", [40, 12])
def test_a_file_that_is_longer_than_its_name_says_is_no_clip(form: str, length: int, tmp_path: Path) -> None:
    encode(music(length), tmp_path / form.format(ID))
    error = refusal(Local(tmp_path), candidate(ID, 20_000))
    assert error.reason is Reason.WRONG_LENGTH
    assert "10 s long" in error.detail and f"is {length} s long" in error.detail
    encode(music(WHOLE), tmp_path / f"{ID}.wav")
    sound, _ = hear(Local(tmp_path), candidate(ID, 20_000))
    assert abs(offset_ms(stretch(20, 30), sound.samples / 32768)) < 0.1


@pytest.mark.parametrize(("name", "taken"), [("_30_50", True), ("_30000_50000", True), ("_30_70", False)])
def test_a_file_that_begins_with_the_segment_must_end_where_its_name_says(
    name: str, taken: bool, tmp_path: Path
) -> None:
    encode(music(20), tmp_path / f"{ID}{name}.flac")
    if taken:
        sound, _ = hear(Local(tmp_path), candidate(ID, 30_000))
        assert abs(offset_ms(stretch(0, 10), sound.samples / 32768)) < 0.1
    else:
        assert refusal(Local(tmp_path), candidate(ID, 30_000)).reason is Reason.WRONG_LENGTH


@pytest.mark.parametrize("name", ["_5_9", "_5", ""])
def test_zeros_that_make_a_short_segment_ten_seconds_long_do_no_harm(name: str, tmp_path: Path) -> None:
    padded = np.concatenate([music(4), np.zeros(6 * RATE)])
    encode(padded, tmp_path / f"{ID}{name}.wav")
    sound, _ = hear(Local(tmp_path), Candidate(ID, 5_000, 9_000, "Flute", 3, 0, "eval"))
    assert abs(offset_ms(stretch(0, 4), sound.samples[:64_000] / 32768)) < 0.1


@pytest.mark.parametrize("begins_s", [30, 4_000])
def test_a_cut_that_kept_the_time_stamps_of_its_video_is_cut_by_them(begins_s: int, tmp_path: Path) -> None:
    encode(music(10), tmp_path / "a.flac")
    words = [transcode.ffmpeg_binary(), "-v", "error", "-itsoffset", str(begins_s), "-i", tmp_path / "a.flac"]
    for name in (f"{ID}_30_40.mkv", f"{ID}_30.mkv", f"{ID}.mkv"):
        subprocess.run([*words, "-c:a", "flac", tmp_path / name], check=True)
        if begins_s == 30:
            sound, _ = hear(Local(tmp_path), candidate(ID, 30_000))
            assert abs(offset_ms(stretch(0, 10), sound.samples / 32768)) < 1
        else:
            assert refusal(Local(tmp_path), candidate(ID, 30_000)).reason is Reason.SILENT
        (tmp_path / name).unlink()


@pytest.mark.parametrize("where", [0.2, 3, 12])
def test_a_flaw_elsewhere_in_a_whole_video_does_not_condemn_its_segment(where: float, tmp_path: Path) -> None:
    path = tmp_path / f"{ID}.mp3"
    encode(music(WHOLE), path, "-b:a", "128k")
    content = bytearray(path.read_bytes())
    at = round(where * 16_000)
    content[at:at] = b"ID3" + bytes([3, 0, 0, 0, 0, 7, 104]) + bytes(1000) + b"\xa5" * 500
    path.write_bytes(content)
    sound, _ = hear(Local(tmp_path), candidate(ID, 40_000))
    assert abs(offset_ms(stretch(40, 50), sound.samples / 32768)) < 50
    # In the segment it does.
    assert refusal(Local(tmp_path), candidate(ID, round(where) * 1_000)).reason is Reason.DAMAGED_FILE


def test_a_damaged_cut_is_not_taken_for_a_whole_video(tmp_path: Path) -> None:
    path = tmp_path / f"{ID}.mp3"
    encode(music(10), path, "-b:a", "128k")
    content = bytearray(path.read_bytes())
    content[50_000:50_000] = b"\xa5" * 3_000
    path.write_bytes(content)
    assert refusal(Local(tmp_path), candidate(ID, 8_000)).reason is Reason.DAMAGED_FILE


def test_how_many_files_are_not_understood_is_told_with_examples(tmp_path: Path) -> None:
    names = [
        "song.wav",
        "a/other.mp3",
        f"{ID}_x.wav",
        "a/b/last.flac",
        "notes.txt",
        "README",
        f"{ID}.jpg",
        ".h.wav",
    ]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    with pytest.raises(UsageError, match=r"4 more whose names say of no video, such as .*song\.wav"):
        Local(tmp_path)
    (tmp_path / f"{ID}.wav").touch()
    assert "4 more" in Local(tmp_path).not_understood
    for name in names[:4]:
        (tmp_path / name).unlink()
    assert Local(tmp_path).not_understood == ""


def test_damage_is_final_at_once_and_names_no_folder_of_the_user(tmp_path: Path) -> None:
    # Its folder's name must not be read as words of ffmpeg: 429 would pause the run.
    hostile = tmp_path / "429 Too Many Requests, No space left"
    hostile.mkdir()
    (hostile / f"{ID}.wav").write_bytes(b"no sound")
    error = refusal(Local(hostile), candidate(ID))
    assert error.reason is Reason.DAMAGED_FILE
    assert str(tmp_path) not in error.detail
    assert f"{ID}.wav" in error.detail


def test_a_picture_and_silence_have_their_own_reasons(tmp_path: Path) -> None:
    encode(np.zeros(RATE * 10), tmp_path / f"{ID}.wav")
    assert refusal(Local(tmp_path), candidate(ID)).reason is Reason.SILENT
    video = [transcode.ffmpeg_binary(), "-v", "error", "-f", "lavfi", "-i", "color=s=16x16:d=11"]
    subprocess.run([*video, f"file:{tmp_path / '0123456789A.mp4'}"], check=True)
    assert refusal(Local(tmp_path), candidate("0123456789A")).reason is Reason.NO_AUDIO


@pytest.mark.parametrize("how", ["gone", "unreadable"])
def test_a_disk_that_went_away_writes_nobody_off(how: str, tmp_path: Path) -> None:
    place, mine = tmp_path / "w", tmp_path / "mine"
    place.mkdir()
    encode(music(10), mine / f"{ID}.wav")
    source = Local(mine)
    (mine / f"{ID}.wav").unlink()
    if how == "unreadable":
        # What raises an error of reading without a broken disk.
        (mine / f"{ID}.wav").mkdir()
    with Ledger(place / "ledger.sqlite") as ledger:
        ledger.load(Origin("paper", "", "", ("Flute",), 0, (10, 1, 1)), [candidate(ID)])
        config = FetchConfig(1, jobs=1)
        run = Fetch(ledger, source, Workspace(place), config, Pace(parse_pace("guest")), threading.Event())
        with pytest.raises(EnvironmentProblem, match=re.escape(ID)):
            run.run()
        assert [(tally.state, tally.n) for tally in ledger.tallies()] == [(State.QUEUED, 1)]
        assert ledger.get("pace") is None


def test_an_interrupted_ffmpeg_condemns_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encode(music(10), tmp_path / f"{ID}.wav")
    transcode._resampler()
    for number, ending in enumerate(("exit 255", "kill -TERM $$")):
        fake = tmp_path / f"ffmpeg{number}"
        fake.write_text(f"#!/bin/sh\n{ending}\n")
        fake.chmod(0o755)
        monkeypatch.setattr(transcode, "ffmpeg_binary", lambda fake=fake: str(fake))
        assert refusal(Local(tmp_path), candidate(ID)).reason is Reason.UNKNOWN


@pytest.mark.parametrize(
    "folder", ["-i", "concat:a|b", "http:", "%d", "a\nb", "'\"$(x)`", "file:", os.fsdecode(b"\xff")]
)
def test_a_folder_of_any_name_is_a_folder(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode(music(10), tmp_path / "x.wav")
    (tmp_path / folder).mkdir()
    (tmp_path / "x.wav").rename(tmp_path / folder / f"{ID}.wav")
    monkeypatch.chdir(tmp_path)
    for root in (Path(), Path(folder)):
        sound, excerpt = hear(Local(root), candidate(ID))
        assert sound.seconds == pytest.approx(10)
        excerpt.origin.encode()


@pytest.fixture
def listener() -> Iterator[tuple[int, list[str]]]:
    """A web server that notes what it is asked for."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port, asked
        server.shutdown()


PLAYLISTS = {
    "m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nhttp://127.0.0.1:{}/a.ts\n#EXT-X-ENDLIST\n",
    "ffconcat": "ffconcat version 1.0\nfile http://127.0.0.1:{}/a.wav\n",
}


@pytest.mark.parametrize("kind", PLAYLISTS)
def test_a_playlist_opens_no_address(kind: str, listener: tuple[int, list[str]], tmp_path: Path) -> None:
    port, asked = listener
    for name in (f"{ID}.wav", f"{ID}.{kind}"):
        (tmp_path / name).write_text(PLAYLISTS[kind].format(port))
        with pytest.raises(FetchError):
            decode(Excerpt(tmp_path / name, "test"), 0, 10_000)
    assert asked == []
    # It does lead there: an ffmpeg that may follow it asks.
    allowed = ["-protocol_whitelist", "file,http,tcp", *(["-safe", "0"] if kind == "ffconcat" else [])]
    words = [transcode.ffmpeg_binary(), *allowed, "-i", str(tmp_path / f"{ID}.{kind}"), "-f", "null", "-"]
    subprocess.run(words, capture_output=True, check=False, timeout=20, stdin=subprocess.DEVNULL)
    assert asked


def test_links_are_followed_but_never_in_circles(tmp_path: Path) -> None:
    for name in (f"real/a/{ID}.wav", f".hidden/{ID}.wav", f"lost+found/{ID}.wav", "real/notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "real" / "round").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "again").symlink_to(tmp_path / "real", target_is_directory=True)
    (tmp_path / f"{ID}.flac").symlink_to(tmp_path / "real" / "a" / f"{ID}.wav")
    (tmp_path / "0123456789A.wav").symlink_to(tmp_path / "nowhere")
    (tmp_path / "self").symlink_to(tmp_path / "self")
    (tmp_path / "0123456789E.wav").mkdir()
    os.mkfifo(tmp_path / "0123456789I.wav")
    folder = Folder(tmp_path)
    assert [path for _, path in folder.files(ID)] == [f"{ID}.flac", f"again/a/{ID}.wav"]
    assert (len(folder), folder.videos) == (2, 1)


def test_every_file_is_found_again(tmp_path: Path) -> None:
    names = {f"{n:06x}/{'Y' * (n % 2)}-{n:09}{last}_{n}.wav" for n in range(40) for last in "AEw8"}
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    folder = Folder(tmp_path)
    found = {path for n in range(40) for last in "AEw8" for _, path in folder.files(f"-{n:09}{last}")}
    assert found == names
    assert folder.files("zzzzzzzzzzA") == folder.files("----------A") == []


def test_the_scan_asks_the_disk_nothing_about_single_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(50):
        (tmp_path / f"{n:010}A.wav").touch()
    asked: list[object] = []
    stat = os.stat
    monkeypatch.setattr(os, "stat", lambda path, *a, **k: (asked.append(path), stat(path, *a, **k))[1])
    folder = Folder(tmp_path)
    assert all(folder.files(f"{n:010}A") for n in range(50))
    assert len(asked) == 1


def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a" / "shut").mkdir(parents=True)
    scandir = os.scandir

    def guarded(path: Path) -> object:
        if Path(path).name == "shut":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    with pytest.raises(EnvironmentProblem, match="a/shut cannot be read: Permission denied"):
        Folder(tmp_path)


def test_a_source_that_makes_no_sense_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for text in ("local", "local:", "vimeo", "file:/x", f"local:{tmp_path}/none", f"local:{tmp_path}/file"):
        with pytest.raises(UsageError):
            local_folder(text)
    assert local_folder("youtube") is None
    assert local_folder(f"local:{tmp_path}") == tmp_path
    with pytest.raises(UsageError, match="no file"):
        Local(tmp_path)
