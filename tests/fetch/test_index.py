"""Stream indexes: those of real files made by the real ffmpeg, and every damaged one."""

import struct
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.fetch.index import Incomplete, StreamIndex, read_index
from audioset_tools.fetch.transcode import ffmpeg_binary

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
