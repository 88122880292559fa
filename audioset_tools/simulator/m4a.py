"""MP4 with AAC: taking ffmpeg's file apart, and laying a video's file out as YouTube does.

ftyp, moov, sidx, then moof and mdat by turns. (ISO/IEC 14496-12; DASH's on-demand profile)
"""

import struct
from collections.abc import Iterator
from functools import partial

import numpy as np

from .media import Bank, Counts, Score, VirtualFile
from .plan import PHRASE_MS, Video

ENCODE = (
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


def take_apart(file: bytes) -> Bank:
    """The ftyp and moov boxes and the frames of a file that ffmpeg wrote with `ENCODE`."""
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


def lay_out(video: Video, score: Score, head: bytes, *, index: bool) -> VirtualFile:
    """The file of a video.

    Args:
        video: gives the segment's exact start.
        score: the frames to play; the first is never heard.
        head: the ftyp and moov boxes.
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


def _fragment(score: Score, times: Counts, start: int) -> bytes:
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


def _sidx(sizes: list[int], lasting: Counts) -> bytes:
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
