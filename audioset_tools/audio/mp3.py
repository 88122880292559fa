"""The head of a frame of an MP3 (ISO/IEC 11172-3, 13818-3), by which one is known."""

_KILOBITS = (
    (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
)
"""Bit rates of layer III: in MPEG 2 and 2.5, and in MPEG 1."""

_HERTZ = (44_100, 48_000, 32_000)
_HALVED = {3: 0, 2: 1, 0: 2}
"""How often the sample rate is halved, by a header's two bits of the version; 1 is none."""


def frame_bytes(head: bytes) -> int:
    """How long a frame is, by its first four bytes; 0 where they are none of layer III, or tell no length."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:
        return 0
    halved, kilobits, hertz = _HALVED.get(head[1] >> 3 & 3), head[2] >> 4, head[2] >> 2 & 3
    if halved is None or kilobits in (0, 15) or hertz == 3:
        return 0
    first = not halved
    bits = _KILOBITS[first][kilobits - 1] * 1000
    return (144 if first else 72) * bits // (_HERTZ[hertz] >> halved) + (head[2] >> 1 & 1)
