"""The files that are laid out: taken apart by another reader, and decoded by the real ffmpeg."""

import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
from offset import offset_ms

from audioset_tools.audio.binary import find_ffmpeg
from audioset_tools.simulator import containers, decide
from audioset_tools.simulator.bank import FORMATS, Format, Studio
from audioset_tools.simulator.sounds import Signal, wanted
from tests.simulator.files import M4A, WEBM, WEBM_LOW, YTID, plan, whole


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
    elements = list(containers._elements(data))
    segment = dict(elements)[b"\x18\x53\x80\x67"]
    cues = next(body for name, body in containers._elements(segment) if name == b"\x1c\x53\xbb\x6b")
    clusters = [body for name, body in containers._elements(segment) if name == b"\x1f\x43\xb6\x75"]
    points = [dict(containers._elements(point)) for _, point in containers._elements(cues)]
    assert len(points) == len(clusters) > 5
    for point, cluster in zip(points, clusters, strict=True):
        where = dict(containers._elements(point[b"\xb7"]))
        at = int.from_bytes(where[b"\xf1"])
        assert segment[at : at + 4] == b"\x1f\x43\xb6\x75"
        assert dict(containers._elements(cluster))[b"\xe7"] == point[b"\xb3"]
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
