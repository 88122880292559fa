"""YouTube's containers of sound: taking ffmpeg's files apart, and laying a video's file out as YouTube does.

AAC lies in MP4: ftyp, moov, sidx, then moof and mdat by turns (ISO/IEC 14496-12; DASH's on-demand profile).
Opus lies in WebM: an EBML header, then one Segment of Info, Tracks, Cues and Clusters (RFC 8794;
matroska.org/technical/elements.html).
"""

import struct
from collections.abc import Iterator
from functools import partial

import numpy as np

from .media import Bank, Numbers, Score, VirtualFile
from .plan import PHRASE_MS, Video

M4A_ENCODE = (
    *("-c:a", "aac", "-aac_coder", "fast"),
    *("-f", "mp4", "-movflags", "+dash+delay_moov", "-frag_duration", "9000000"),
)
"""ffmpeg's options; the bit rate comes besides."""

FRAME = 1_024
"""Samples of a frame. ffmpeg's edit list leaves the first, with which the encoder starts up, unheard."""

RATE = 48_000

FRAGMENT = 430
"""Frames of a fragment: 9.17 s, so that a segment seldom begins where a fragment does."""

_MOOF = struct.Struct(">I4s I4sII I4s I4sII I4sIQ I4sIIi")

WEBM_ENCODE = (
    *("-c:a", "libopus", "-frame_duration", "20"),
    *("-compression_level", "5", "-packet_loss", "100"),
    *("-f", "webm"),
)
"""ffmpeg's options; the bit rate comes besides.

Opus codes how loud a packet is as a difference from the one before, which is another one here than it was for
the encoder. One that expects every packet to get lost does without (from complexity 5 on): otherwise a splice
is a hundred times too loud.
"""

PACKET_MS = 20

CLUSTER = 263
"""Packets of a cluster: 5.26 s, so that a segment seldom begins where a cluster does."""

_EBML, _SEGMENT, _INFO = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67", b"\x15\x49\xa9\x66"
_TRACKS, _CUES, _CLUSTER, _SIMPLE_BLOCK = (
    b"\x16\x54\xae\x6b",
    b"\x1c\x53\xbb\x6b",
    b"\x1f\x43\xb6\x75",
    b"\xa3",
)

_BLOCK_HEAD = struct.Struct(">cHBhB")
_CUE = struct.Struct(">2s 2sI 2s 3s 2sI")
_CUE_TAGS = (b"\xbb\x91", b"\xb3\x84", b"\xb7\x89", b"\xf7\x81\x01", b"\xf1\x84")


def take_apart_m4a(file: bytes) -> Bank:
    """The ftyp and moov boxes and the frames of a file that ffmpeg wrote with `M4A_ENCODE`."""
    head = b""
    packets: list[bytes] = []
    sizes: tuple[int, ...] = ()
    for name, box in _boxes(file):
        if name in (b"ftyp", b"moov"):
            head += box
        elif name == b"moof":
            sizes = _sample_sizes(box)
        elif name == b"mdat":
            at = 8
            for size in sizes:
                packets.append(box[at : at + size])
                at += size
    return Bank(
        head=head,
        packets=tuple(packets),
        sizes=np.array([len(packet) for packet in packets]),
        per_phrase=PHRASE_MS * RATE // 1000 // FRAME,
    )


def lay_out_m4a(video: Video, score: Score, head: bytes, *, index: bool) -> VirtualFile:
    """The file of a video.

    Args:
        video: gives the segment's exact start.
        score: the frames to play; the first is never heard.
        head: the ftyp and moov boxes that `take_apart_m4a` found.
        index: whether it has a sidx, without which a reader cannot know where a time lies.
    """
    times = np.arange(len(score.order) + 1, dtype=np.int64) * FRAME
    # The unheard frame lasts as much longer as brings the border of two frames onto the segment's start.
    times[1:] += video.start_ms * RATE // 1000 % FRAME
    starts = np.arange(0, len(score.order), FRAGMENT)
    counts = np.diff(np.append(starts, len(score.order)))
    bodies = np.add.reduceat(score.sizes[score.order], starts)
    sizes = [int(size) for size in bodies + 8 * counts + _MOOF.size + 8]

    borders = times[np.append(starts, len(score.order))]
    heard = np.maximum(borders - FRAME, 0)
    header = head + (_sidx(sizes, np.diff(heard)) if index else b"")
    fragments = (partial(_fragment, score, times, int(start)) for start in starts)
    return VirtualFile([(len(header), lambda: header), *zip(sizes, fragments, strict=True)])


def _fragment(score: Score, times: Numbers, start: int) -> bytes:
    frames = score.order[start : start + FRAGMENT]
    sizes = score.sizes[frames]
    lasting = np.diff(times[start : start + len(frames) + 1])
    table = np.column_stack([lasting, sizes]).astype(">u4").tobytes()
    whole = _MOOF.size + len(table)
    # tfhd: offsets count from the moof (0x20000). trun: data offset, duration and size of each sample.
    moof = _MOOF.pack(
        *(whole, b"moof"),
        *(16, b"mfhd", 0, start // FRAGMENT + 1),
        *(whole - 24, b"traf"),
        *(16, b"tfhd", 0x20000, 1),
        *(20, b"tfdt", 0x1000000, int(times[start])),
        *(20 + len(table), b"trun", 0x301, len(frames), whole + 8),
    )
    sound = b"".join([score.packets[frame] for frame in frames])
    return moof + table + struct.pack(">I4s", len(sound) + 8, b"mdat") + sound


def _sidx(sizes: list[int], lasting: Numbers) -> bytes:
    """The index: of each fragment its bytes, its length in samples, and that it begins with a sync point."""
    entries = b"".join(
        struct.pack(">III", size, int(samples), 0x90000000)
        for size, samples in zip(sizes, lasting, strict=True)
    )
    fixed = struct.pack(">4sIIIIIHH", b"sidx", 0, 1, RATE, 0, 0, 0, len(sizes))
    return struct.pack(">I", 4 + len(fixed) + len(entries)) + fixed + entries


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The boxes that lie side by side in `data`: their names and their whole bytes."""
    at = 0
    while at < len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        yield name, data[at : at + size]
        at += size


def _sample_sizes(moof: bytes) -> tuple[int, ...]:
    for name, box in _boxes(moof[8:]):
        if name == b"traf":
            return _sample_sizes(box)
        if name == b"trun":
            flags, count = struct.unpack_from(">II", box, 8)
            # ffmpeg writes sizes alone; a first-sample flag (4) may precede them.
            return struct.unpack_from(f">{count}I", box, 20 + (4 if flags & 4 else 0))
    return ()


def take_apart_webm(file: bytes) -> Bank:
    """The Tracks element and the packets of a file that ffmpeg wrote with `WEBM_ENCODE`."""
    segment = dict(_elements(file))[_SEGMENT]
    packets = []
    head = b""
    for name, body in _elements(segment):
        if name == _TRACKS:
            head = name + _size(len(body)) + body
        elif name == _CLUSTER:
            packets += [block[4:] for tag, block in _elements(body) if tag == _SIMPLE_BLOCK]
    return Bank(
        head=head,
        packets=tuple(packets),
        sizes=np.array([len(packet) for packet in packets]),
        per_phrase=PHRASE_MS // PACKET_MS,
    )


def lay_out_webm(video: Video, score: Score, head: bytes, *, index: bool) -> VirtualFile:
    """The file of a video.

    Args:
        video: gives the segment's exact start and the length.
        score: the packets to play.
        head: the Tracks element that `take_apart_webm` found.
        index: whether it has Cues, without which a reader cannot know where a time lies.
    """
    starts = np.arange(0, len(score.order), CLUSTER)
    bodies = np.add.reduceat(score.sizes[score.order] + _BLOCK_HEAD.size, starts)
    sizes = [int(body) + 14 for body in bodies]
    times = [_time_ms(video, int(start)) for start in starts]

    info = _element(
        _INFO,
        _element(b"\x2a\xd7\xb1", (1_000_000).to_bytes(3))
        + _element(b"\x44\x89", struct.pack(">d", video.length_ms))
        + _element(b"\x4d\x80", b"audioset-tools simulator")
        + _element(b"\x57\x41", b"audioset-tools simulator"),
    )
    lead = info + head
    clusters_at = len(lead) + (8 + _CUE.size * len(starts) if index else 0)
    if index:
        lead += _cues(times, sizes, clusters_at)
    header = (
        _element(
            _EBML,
            b"\x42\x86\x81\x01\x42\xf7\x81\x01\x42\xf2\x81\x04\x42\xf3\x81\x08\x42\x82\x84webm"
            b"\x42\x87\x81\x04\x42\x85\x81\x02",
        )
        + _SEGMENT
        + (len(lead) + sum(sizes) | 1 << 56).to_bytes(8)
        + lead
    )
    clusters = (partial(_cluster, video, score, int(start)) for start in starts)
    return VirtualFile([(len(header), lambda: header), *zip(sizes, clusters, strict=True)])


def _time_ms(video: Video, packet: int) -> int:
    """When a packet is due: all but the first so much late that one falls on the segment's start."""
    return PACKET_MS * packet + video.start_ms % PACKET_MS if packet else 0


def _cluster(video: Video, score: Score, start: int) -> bytes:
    first = _time_ms(video, start)
    pieces = []
    for number in range(start, min(start + CLUSTER, len(score.order))):
        packet = score.packets[score.order[number]]
        late = _time_ms(video, number) - first
        pieces.append(_BLOCK_HEAD.pack(_SIMPLE_BLOCK, 0x4000 | len(packet) + 4, 0x81, late, 0x80))
        pieces.append(packet)
    body = b"\xe7\x84" + first.to_bytes(4) + b"".join(pieces)
    return _CLUSTER + _size(len(body)) + body


def _cues(times: list[int], sizes: list[int], at: int) -> bytes:
    point, cue_time, positions, track, cluster_position = _CUE_TAGS
    points = []
    for time, size in zip(times, sizes, strict=True):
        points.append(_CUE.pack(point, cue_time, time, positions, track, cluster_position, at))
        at += size
    return _CUES + _size(sum(map(len, points))) + b"".join(points)


def _element(name: bytes, body: bytes) -> bytes:
    return name + _size(len(body)) + body


def _size(length: int) -> bytes:
    return (length | 0x10000000).to_bytes(4)


def _elements(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at < len(data):
        width = 9 - data[at].bit_length()
        name = data[at : at + width]
        at += width
        width = 9 - data[at].bit_length()
        length = int.from_bytes(data[at : at + width]) & (1 << 7 * width) - 1
        at += width
        yield name, data[at : at + length]
        at += length
