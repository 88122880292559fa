"""A folder of one's own files: names, whole videos and cuts, and what a bad file or a bad disk costs."""

import http.server
import io
import os
import re
import shutil
import subprocess
import threading
import zipfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soundfile
from offset import offset_ms

from audioset_tools.audio import ffmpeg
from audioset_tools.audio.ffmpeg import DecodeError, Media
from audioset_tools.audio.segment import decode_segment
from audioset_tools.exceptions import EnvironmentProblem, UsageError
from audioset_tools.fetch.loop import Fetch, FetchConfig
from audioset_tools.ledger import Ledger, State
from audioset_tools.sources.local import Local, local_folder
from audioset_tools.sources.source import FetchError
from audioset_tools.types import CLIP_SAMPLES, Candidate, Progress, Reason
from audioset_tools.workspace import Workspace
from tests.factories import candidate, origin
from tests.sources.hearing import hear

ID = "-_Y_30_40_A"
"""An id made to be mistaken: for an option, for a prefix, for numbers."""

WHOLE, RATE = 60, 44_100


@cache
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
    words = [ffmpeg.ffmpeg_binary(), "-v", "error", *source, *options, f"file:{target.absolute()}"]
    subprocess.run(words, input=pcm, check=True)


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


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The long recording in a format, encoded once."""
    folder = tmp_path_factory.mktemp("whole")

    @cache
    def made(suffix: str) -> Path:
        encode(music(WHOLE), folder / f"it.{suffix}", *FORMATS[suffix][1])
        return folder / f"it.{suffix}"

    return made


@pytest.mark.parametrize("start_ms", [0, 7_300, 30_000])
@pytest.mark.parametrize("suffix", FORMATS)
def test_a_whole_video_is_cut_and_a_cut_is_taken_as_it_is(
    suffix: str, start_ms: int, whole: Callable[[str], Path], tmp_path: Path
) -> None:
    within, options = FORMATS[suffix]
    which = candidate(ID, start_ms)
    cut = music(WHOLE)[start_ms * RATE // 1000 : (start_ms + 10_000) * RATE // 1000]
    for form in ("whole", "named"):
        (tmp_path / form).mkdir()
    shutil.copy(whole(suffix), tmp_path / "whole" / f"{ID}.{suffix}")
    encode(cut, tmp_path / "cut" / f"Y{ID}.{suffix}", *options)
    shutil.copy(tmp_path / "cut" / f"Y{ID}.{suffix}", tmp_path / "named" / f"{ID}_{start_ms}.{suffix}")
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
    assert error.reason is Reason.NOT_IN_SOURCE
    assert "begins elsewhere" in error.detail
    assert refusal(source, candidate("0123456789A")).reason is Reason.NOT_IN_SOURCE


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
    words = [ffmpeg.ffmpeg_binary(), "-v", "error", "-itsoffset", str(begins_s), "-i", tmp_path / "a.flac"]
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
    told: list[Progress] = []
    Local(tmp_path, on_progress=told.append)
    assert "1 file of 1 video; 4 more whose names say of no video, such as" in str(told[-1])
    for name in names[:4]:
        (tmp_path / name).unlink()
    Local(tmp_path, on_progress=told.append)
    assert str(told[-1]) == "1 file of 1 video"


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
    video = [ffmpeg.ffmpeg_binary(), "-v", "error", "-f", "lavfi", "-i", "color=s=16x16:d=11"]
    subprocess.run([*video, f"file:{tmp_path / '0123456789A.mp4'}"], check=True)
    assert refusal(Local(tmp_path), candidate("0123456789A")).reason is Reason.NO_AUDIO


@pytest.mark.parametrize("how", ["gone", "unreadable"])
def test_a_disk_that_went_away_writes_nobody_off(how: str, tmp_path: Path) -> None:
    workspace, mine = tmp_path / "w", tmp_path / "mine"
    workspace.mkdir()
    encode(music(10), mine / f"{ID}.wav")
    source = Local(mine)
    (mine / f"{ID}.wav").unlink()
    if how == "unreadable":
        # What raises an error of reading without a broken disk.
        (mine / f"{ID}.wav").mkdir()
    with Ledger(workspace / "ledger.sqlite") as ledger:
        ledger.load(origin("Flute"), [candidate(ID)])
        config = FetchConfig(1, jobs=1)
        run = Fetch(ledger, [source], Workspace(workspace), config, threading.Event())
        with pytest.raises(EnvironmentProblem, match=re.escape(ID)):
            run.run()
        assert [(tally.state, tally.n) for tally in ledger.tallies()] == [(State.QUEUED, 1)]
        assert ledger.get("pace") is None


def test_an_interrupted_ffmpeg_condemns_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encode(music(10), tmp_path / f"{ID}.aiff")
    ffmpeg._resampler()
    for number, ending in enumerate(("exit 255", "kill -TERM $$")):
        fake = tmp_path / f"ffmpeg{number}"
        fake.write_text(f"#!/bin/sh\n{ending}\n")
        fake.chmod(0o755)
        monkeypatch.setattr(ffmpeg, "ffmpeg_binary", lambda fake=fake: str(fake))
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
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
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
        with pytest.raises(DecodeError):
            decode_segment(Media(tmp_path / name), 0, 10_000)
    assert asked == []
    # It does lead there: an ffmpeg that may follow it asks.
    allowed = ["-protocol_whitelist", "file,http,tcp", *(["-safe", "0"] if kind == "ffconcat" else [])]
    words = [ffmpeg.ffmpeg_binary(), *allowed, "-i", str(tmp_path / f"{ID}.{kind}"), "-f", "null", "-"]
    subprocess.run(words, capture_output=True, check=False, timeout=20, stdin=subprocess.DEVNULL)
    assert asked


def test_a_playlist_imports_nothing_from_elsewhere(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "copy", tmp_path / "private.wav"
    folder.mkdir()
    encode(music(10), elsewhere)
    text = f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile://{elsewhere}\n#EXT-X-ENDLIST\n"
    (folder / f"{ID}.mp3").write_text(text)
    assert refusal(Local(folder), candidate(ID)).reason in (Reason.NO_AUDIO, Reason.DAMAGED_FILE)


def test_a_source_that_makes_no_sense_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for text in ("local", "local:", "vimeo", "file:/x", f"local:{tmp_path}/none", f"local:{tmp_path}/file"):
        with pytest.raises(UsageError):
            local_folder(text)
    assert local_folder(f"local:{tmp_path}") == tmp_path
    with pytest.raises(UsageError, match="no file"):
        Local(tmp_path)


def packed(path: Path, content: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, sound in content.items():
            archive.writestr(name, sound)


def encoded(samples: np.ndarray, rate: int = RATE) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, "PCM_16", format="WAV")
    return file.getvalue()


def told(root: Path, keep: Path | None = None) -> list[str]:
    """What is said while a folder is opened."""
    lines: list[Progress] = []
    Local(root, keep, lines.append)
    return [str(line) for line in lines]


def test_a_sound_in_an_archive_is_read_like_a_file(tmp_path: Path) -> None:
    packed(
        tmp_path / "packs.zip", {f"eval/Y{ID}_30.wav": encoded(music(10)), f"{ID}.wav": encoded(music(WHOLE))}
    )
    sound, excerpt = hear(Local(tmp_path), candidate(ID, 30_000))
    assert excerpt.origin == f"local packs.zip Y{ID}_30.wav"
    assert abs(offset_ms(stretch(0, 10), sound.samples / 32768)) < 0.1
    sound, excerpt = hear(Local(tmp_path), candidate(ID, 20_000))
    assert excerpt.origin == f"local packs.zip {ID}.wav"
    assert abs(offset_ms(stretch(20, 30), sound.samples / 32768)) < 0.1


def test_what_is_no_good_in_an_archive_is_followed_by_the_next_copy(tmp_path: Path) -> None:
    sound = encoded(music(10))
    packed(tmp_path / "1.zip", {f"a/{ID}.wav": b"", f"b/{ID}.wav": b"no sound", f"c/{ID}.wav": sound})
    packed(tmp_path / "2.zip", {f"{ID}_30.wav": sound})
    content = bytearray((tmp_path / "2.zip").read_bytes())
    content[content.index(sound) + 1_000] ^= 1
    (tmp_path / "2.zip").write_bytes(content)
    source = Local(tmp_path)
    assert hear(source, candidate(ID))[1].origin == f"local 1.zip {ID}.wav (3)"
    packed(tmp_path / "1.zip", {f"{ID}.wav": b""})
    error = refusal(Local(tmp_path), candidate(ID))
    assert error.reason is Reason.DAMAGED_FILE
    assert error.detail == f"2.zip {ID}_30.wav: {ID}_30.wav is damaged"
    (tmp_path / "2.zip").unlink()
    assert refusal(Local(tmp_path), candidate(ID)).reason is Reason.NOT_IN_SOURCE


def test_it_says_what_it_found_kind_by_kind(tmp_path: Path) -> None:
    packed(tmp_path / "1.zip", {f"{ID}.wav": b"", "song.wav": b"", "more.zip": b""})
    packed(tmp_path / "2.zip", {"0123456789A.wav": b"", f"{ID}.flac": b""})
    packed(tmp_path / "code.zip", {"run.py": b""})
    for name in (f"{ID}.m4a", "odd.wav", "old.tar.gz"):
        (tmp_path / name).touch()
    (tmp_path / "cut.tar").write_bytes(b"x")
    lines = told(tmp_path, tmp_path / "kept")
    assert lines[0] == f"reading the names in {tmp_path}"
    assert lines[-6:] == [
        "1 file named after videos; 1 more whose names say of no video, such as odd.wav",
        "1 archive (.tar) with 0 sounds of videos, 1 of them with none",
        "3 archives (.zip) with 3 sounds of videos, 1 of them with none; 1 more whose names say of no video,"
        " such as song.wav; 1 archives inside, which are not read: unpack these",
        "4 sounds of 2 videos in all",
        "cut.tar: it is cut off; what stands before is read. Get the archive again.",
        "old.tar.gz: it is compressed as a whole, so that no clip of it can be read without all before it."
        " Make it a plain tar once: gunzip old.tar.gz",
    ]
    for number in range(9):
        (tmp_path / f"{number}.7z").touch()
    assert told(tmp_path)[-1] == "6 more archives cannot be read, or not whole"


def test_a_folder_of_archives_that_cannot_be_read_says_what_to_do(tmp_path: Path) -> None:
    for name in ("a.tar.gz", "b.tar.gz"):
        (tmp_path / name).touch()
    with pytest.raises(
        UsageError, match=r"a\.tar\.gz: it is compressed.*1 more like it.*\n.*gunzip a\.tar\.gz"
    ):
        Local(tmp_path)
    packed(tmp_path / "c.zip", {"in/part00.zip": b""})
    (tmp_path / "a.tar.gz").unlink()
    (tmp_path / "b.tar.gz").unlink()
    with pytest.raises(UsageError, match=r"no file .* named after a video; 1 archives inside, .*: unpack"):
        Local(tmp_path)
