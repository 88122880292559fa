"""The files: read by range, taken apart by another reader, and decoded by the real ffmpeg."""

import itertools
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audioset_tools.errors import EnvironmentProblem
from audioset_tools.ffmpeg_path import FfmpegPath, find_ffmpeg
from audioset_tools.simulator import Plan, bank, decide, webm
from audioset_tools.simulator.bank import FORMATS, Format, Studio
from audioset_tools.simulator.media import VirtualFile
from audioset_tools.simulator.sounds import Signal, offset_ms, phrase, wanted

YTID = "aaaaaaaaaaA"
M4A, WEBM_LOW, WEBM = FORMATS


@pytest.fixture(scope="module")
def studio(cache: Path) -> Studio:
    return Studio(cache)


def plan(class_name: str, start_ms: int, fault: str = "") -> Plan:
    return Plan(table={YTID: (class_name, start_ms, start_ms + 10_000)}, faults={YTID: fault})


def whole(file: VirtualFile) -> bytes:
    return b"".join(file.read(0, len(file)))


def by_time_stamps(start_ms: int) -> str:
    """Ten seconds: a seek of ffmpeg's own counts from the first packet, which some versions time before 0."""
    return f"atrim=start={start_ms / 1000}:end={start_ms / 1000 + 10},asetpts=PTS-{start_ms / 1000}/TB"


def decode(data: bytes, path: Path, start_ms: int | None = None) -> Signal:
    """Ten seconds from `start_ms` by the file's time stamps, or all, as ffmpeg hears it: 16 kHz mono."""
    path.write_bytes(data)
    cut = [] if start_ms is None else ["-af", by_time_stamps(start_ms)]
    command = [find_ffmpeg().binary, "-v", "warning", "-copyts", "-i", str(path), *cut]
    done = subprocess.run(
        [*command, "-ar", "16000", "-ac", "1", "-f", "f32le", "-"], capture_output=True, check=True
    )
    assert done.stderr == b""
    return np.frombuffer(done.stdout, np.float32)


@given(sizes=st.lists(st.integers(1, 9), min_size=1, max_size=12), data=st.data())
def test_a_range_of_a_virtual_file_is_a_slice(sizes: list[int], data: st.DataObject) -> None:
    bodies = [bytes([place] * size) for place, size in enumerate(sizes)]
    file = VirtualFile([(len(body), lambda body=body: body) for body in bodies])  # type: ignore[misc]
    begin = data.draw(st.integers(0, len(file)))
    end = data.draw(st.integers(begin, len(file)))
    assert b"".join(file.read(begin, end)) == b"".join(bodies)[begin:end]


def test_a_range_makes_only_the_parts_it_touches() -> None:
    made = []

    def make(place: int) -> bytes:
        made.append(place)
        return b"x" * 10

    file = VirtualFile([(10, lambda place=place: make(place)) for place in range(100)])  # type: ignore[misc]
    assert b"".join(file.read(515, 535)) == b"x" * 20
    assert made == [51, 52, 53]


@settings(max_examples=20, deadline=None)
@given(cuts=st.lists(st.floats(0, 1), max_size=6))
def test_ranges_add_up_to_the_whole(studio: Studio, cuts: list[float]) -> None:
    for format in FORMATS:
        file = studio.file(decide(plan("Flute", 30_000), YTID), format)
        borders = [0, *sorted(int(cut * len(file)) for cut in cuts), len(file)]
        pieces = [b"".join(file.read(*pair)) for pair in itertools.pairwise(borders)]
        assert b"".join(pieces) == whole(file)


@pytest.mark.parametrize("format", FORMATS, ids=lambda format: str(format.itag))
@pytest.mark.parametrize(
    ("class_name", "start_ms"),
    [("Piano", 0), ("Drums", 30_000), ("Flute", 297_000), ("Other", 12_345), ("Drums", 20_013)],
)
def test_the_segment_is_where_it_should_be(
    studio: Studio, tmp_path: Path, format: Format, class_name: str, start_ms: int
) -> None:
    made = plan(class_name, start_ms)
    heard = decode(whole(studio.file(decide(made, YTID), format)), tmp_path / "video", start_ms)
    perfect = wanted(made, YTID)
    assert len(heard) == 160_000
    late = offset_ms(perfect, heard)
    assert abs(late) <= 1
    # ffmpeg's mixture of two equal channels is 3 dB too loud. The splices are as clean as all the rest, once
    # what WebM's whole milliseconds make of 6.5 is undone.
    wrong = (np.roll(heard, -round(16 * late)) / np.sqrt(2) - perfect).reshape(100, -1)
    assert np.sqrt(np.mean(np.square(wrong), axis=1)).max() < 0.05


@pytest.mark.parametrize("format", FORMATS, ids=lambda format: str(format.itag))
def test_the_whole_video_is_decoy_segment_decoy(studio: Studio, tmp_path: Path, format: Format) -> None:
    video = decide(made := plan("Piano", 15_000), YTID)
    heard = decode(whole(studio.file(video, format)), tmp_path / "video")
    assert len(heard) / 16 == pytest.approx(video.length_ms, abs=45)
    # Counted in samples, not in time stamps, a segment may lie up to a packet early, or late where a decoder
    # gives the packet that is not meant to be heard (ffmpeg 5).
    assert -25 <= offset_ms(wanted(made, YTID), heard[16 * 15_000 : 16 * 25_000]) <= 25
    for beside_ms in (5_000, 25_000):
        beside = heard[16 * beside_ms : 16 * (beside_ms + 5_000)]
        assert np.sqrt(np.mean(np.square(beside))) > 0.05
        alike = np.corrcoef(beside, wanted(made, YTID)[: len(beside)])[0, 1]
        assert abs(alike) < 0.1


@pytest.mark.parametrize("format", [M4A, WEBM], ids=lambda format: str(format.itag))
def test_without_an_index_it_can_still_be_read(studio: Studio, tmp_path: Path, format: Format) -> None:
    made = plan("Flute", 10_000, "no-index")
    data = whole(studio.file(decide(made, YTID), format))
    assert b"sidx" not in data[:5000]
    assert b"\x1c\x53\xbb\x6b" not in data[:5000]
    assert abs(offset_ms(wanted(made, YTID), decode(data, tmp_path / "video", 10_000))) <= 1


def test_a_silent_video_is_silent(studio: Studio, tmp_path: Path) -> None:
    data = whole(studio.file(decide(plan("Piano", 5_000, "silent"), YTID), WEBM))
    assert np.abs(decode(data, tmp_path / "video")).max() < 1e-4


def test_a_video_may_end_before_its_segment(studio: Studio, tmp_path: Path) -> None:
    for start_ms, length_ms in ((30_000, 15_000), (0, 1_000)):
        data = whole(studio.file(decide(plan("Piano", start_ms, "beyond-end"), YTID), WEBM))
        assert len(decode(data, tmp_path / "video")) / 16 == pytest.approx(length_ms, abs=45)


def test_cues_point_at_the_clusters(studio: Studio) -> None:
    video = decide(plan("Piano", 30_005), YTID)
    data = whole(studio.file(video, WEBM_LOW))
    elements = list(webm._elements(data))
    segment = dict(elements)[b"\x18\x53\x80\x67"]
    cues = next(body for name, body in webm._elements(segment) if name == b"\x1c\x53\xbb\x6b")
    clusters = [body for name, body in webm._elements(segment) if name == b"\x1f\x43\xb6\x75"]
    points = [dict(webm._elements(point)) for _, point in webm._elements(cues)]
    assert len(points) == len(clusters) > 5
    for point, cluster in zip(points, clusters, strict=True):
        where = dict(webm._elements(point[b"\xb7"]))
        at = int.from_bytes(where[b"\xf1"])
        assert segment[at : at + 4] == b"\x1f\x43\xb6\x75"
        assert dict(webm._elements(cluster))[b"\xe7"] == point[b"\xb3"]
        assert segment[at + 8 :].startswith(cluster)


def test_sidx_says_where_the_fragments_are(studio: Studio) -> None:
    video = decide(plan("Piano", 30_005), YTID)
    data = whole(studio.file(video, M4A))
    boxes, at = [], 0
    while at < len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        boxes.append((name, at, size))
        at += size
    assert [name for name, *_ in boxes[:3]] == [b"ftyp", b"moov", b"sidx"]
    sidx_at, sidx_size = boxes[2][1:]
    entries = struct.iter_unpack(">III", data[sidx_at + 32 : sidx_at + sidx_size])
    at, samples = sidx_at + sidx_size, 0
    fragments = [(where, samples_at) for name, where, samples_at in boxes if name == b"moof"]
    for (size, lasting, _), (where, _) in zip(entries, fragments, strict=True):
        assert at == where
        (due,) = struct.unpack_from(">Q", data, data.index(b"tfdt", where) + 8)
        # The first frame, with which the decoder starts up, is not heard.
        assert max(0, due - 1024) == samples
        at += size
        samples += lasting
    assert at == len(data)
    assert samples / 48 == pytest.approx(video.length_ms, abs=45)


def test_a_bank_is_encoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    video = decide(plan("Piano", 0, "silent"), YTID)
    first = whole(Studio(tmp_path).file(video, WEBM))
    assert [path.suffix for path in tmp_path.iterdir()] == [".webm"]
    monkeypatch.setattr(bank, "_encode", None)
    assert whole(Studio(tmp_path).file(video, WEBM)) == first


def test_what_ffmpeg_says_reaches_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bank, "find_ffmpeg", lambda: FfmpegPath("false", "here"))
    with pytest.raises(EnvironmentProblem, match="could not encode opus"):
        Studio(tmp_path).file(decide(plan("Piano", 0, "silent"), YTID), WEBM)
    assert list(tmp_path.iterdir()) == []


def test_a_phrase_is_whole_packets_of_both_codecs() -> None:
    samples = len(phrase("silence", 0))
    assert samples % 960 == samples % 1024 == 0
