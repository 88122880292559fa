"""MP3 (ISO/IEC 11172-3, 13818-3): a frame's head, by which one is known; and sound as MP3 by libsndfile."""

import io

import numpy as np
import numpy.typing as npt
import soundfile

from ..exceptions import EnvironmentProblem

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


def require_mp3() -> None:
    """See that this libsndfile writes MP3.

    Raises:
        EnvironmentProblem: it does not; before 1.1 none does.
    """
    if "MP3" not in soundfile.available_formats():
        raise EnvironmentProblem(
            f"libsndfile {soundfile.__libsndfile_version__} writes no MP3",
            "Install the soundfile of the package index, which brings its own.",
        )


def encode_mp3(samples: npt.NDArray[np.int16], rate: int) -> bytes:
    """Sound of one channel, [samples], at a variable rate, LAME's best; the same bytes always.

    At a constant rate LAME would make it quieter, by 0.45 dB at 128 kbit/s. The first frame tells how many
    samples the coder put in front and behind, so that decoders leave them out.
    """
    buffer = io.BytesIO()
    soundfile.write(
        buffer, samples, rate, format="MP3", subtype="MPEG_LAYER_III",
        bitrate_mode="VARIABLE", compression_level=0.0,
    )  # fmt: skip
    return buffer.getvalue()


def decode_mp3(content: bytes) -> npt.NDArray[np.float32]:
    """What `encode_mp3` wrote, as sound within [-1, 1], [samples]; nothing of a stranger's.

    Raises:
        ValueError: it is no MP3 of one channel.
    """
    try:
        samples: npt.NDArray[np.float32] = soundfile.read(io.BytesIO(content), dtype="float32")[0]
    except soundfile.LibsndfileError as error:
        raise ValueError("no MP3") from error
    if samples.ndim != 1:
        raise ValueError("several channels")
    return samples
