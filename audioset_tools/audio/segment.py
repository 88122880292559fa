"""One segment of any recording, as a clip holds it; or why there is no clip in it.

What is plain is decoded in this process: one of ffmpeg's own costs ten times as much. Which decoder it is
follows from the recording's bytes, the segment and what is installed, and from nothing else, so that the same
segment gives the same samples again; the sound says which it was.
"""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..types import CLIP_SECONDS, SAMPLE_RATE
from . import libav, libsndfile
from .ffmpeg import (
    TIMEOUT_S,
    Decoded,
    DecodeError,
    DecodeFault,
    Media,
    decode_by_ffmpeg,
    first_sound_ms,
    opened,
)
from .mixdown import Pairs, mixed_down, to_pcm
from .stretch import as_pairs, resampler

SILENT_PEAK = 10 ** (-60 / 20)
"""A clip whose peak lies below -60 dB of full scale is silent."""

TOLERANCE_MS = 500
"""How much shorter than its row says a segment may decode: YouTube gives lengths in whole seconds."""

TAIL_MS = 1_000
"""How much longer than its name says a file may be: people cut a little behind the end."""

LEAST_MS = 1_000
"""A segment with less sound than this, where it is itself longer, holds nothing to learn from."""

_CLIP_MS = CLIP_SECONDS * 1000


@dataclass(frozen=True, slots=True)
class Sound:
    """A segment decoded.

    Args:
        samples: int16, [10 seconds at the clip's rate].
        seconds: how long it was before padding.
        peak: the largest absolute sample, of full scale.
        decoder: what decoded and resampled it, with versions: `soundfile 1.2.2 soxr 1.1.0`.
        form: in which form it was found, as far as that is known: `wav/pcm_s16le 44100 Hz 10.00 s`.
    """

    samples: npt.NDArray[np.int16]
    seconds: float
    peak: float
    decoder: str = ""
    form: str = ""


def decode_segment(
    media: Media,
    start_ms: int,
    end_ms: int,
    tail_ms: int | None = None,
    rate: int = SAMPLE_RATE,
    timeout: float = TIMEOUT_S,
) -> Sound:
    """Decode, cut, mix down and resample one segment.

    Args:
        start_ms, end_ms: the segment, on the time line of `media`.
        tail_ms: how much longer than the segment media may be that are taken to end with it; None if they
            may go on.
        rate: how many samples a second of the clip has, in hertz.
        timeout: seconds after which ffmpeg is killed.

    Raises:
        DecodeError: it ends before the segment does, is silent, or cannot be decoded.
    """
    wanted_ms = end_ms - start_ms
    until_ms = end_ms if tail_ms is None else start_ms + max(wanted_ms, _CLIP_MS) + 2 * tail_ms
    decoded = _decode_in_process(media, start_ms, until_ms, rate)
    if decoded is None or wanted_ms - _length_ms(decoded.pairs, rate) > TOLERANCE_MS:
        decoded = decode_by_ffmpeg(media, start_ms, until_ms, rate, timeout)
    pairs = decoded.pairs
    missing_ms = wanted_ms - _length_ms(pairs, rate)
    if tail_ms is not None and _goes_on(pairs, wanted_ms, tail_ms, rate):
        raise DecodeError(DecodeFault.LONG, "it goes on behind the segment")
    if not pairs[: max(0, wanted_ms - LEAST_MS) * rate // 1000].any():
        _refuse_late(media, start_ms, end_ms, timeout)
    if missing_ms > TOLERANCE_MS:
        missing = f"{missing_ms} ms of the segment did not come"
        raise DecodeError(DecodeFault.SHORT, missing, decoded.output)
    kept = pairs[: min(_CLIP_MS, wanted_ms) * rate // 1000]
    if not np.isfinite(kept).all():
        raise DecodeError(DecodeFault.BROKEN, "some of its samples are no numbers, or infinite")
    samples = np.zeros(CLIP_SECONDS * rate, np.int16)
    samples[: len(kept)] = to_pcm(mixed_down(kept, rate))
    peak = peak_of(samples)
    if peak < SILENT_PEAK:
        raise DecodeError(DecodeFault.SILENT, f"the peak is {peak:.2g} of full scale")
    return Sound(samples, len(kept) / rate, peak, decoded.decoder, decoded.form)


def peak_of(samples: npt.NDArray[np.int16]) -> float:
    """The largest absolute sample as a fraction of full scale."""
    # The absolute value of -32768 is no int16.
    return max(int(samples.max(initial=0)), -int(samples.min(initial=0))) / 32768


def _decode_in_process(media: Media, start_ms: int, end_ms: int, rate: int) -> Decoded | None:
    """A segment by libsndfile or PyAV; None where ffmpeg should look at it."""
    if isinstance(media.content, str):
        return None
    is_file = isinstance(media.content, Path)
    try:
        with opened(media.content) if isinstance(media.content, Path) else io.BytesIO(media.content) as file:
            magic = file.read(12)
            file.seek(0)
            if libav.reads(magic):
                library = libav.library()
                stretch = libav.read_stretch(file, magic, start_ms, end_ms, seeks=is_file)
            else:
                library = libsndfile.library()
                stretch = libsndfile.read_stretch(file, magic, start_ms, end_ms)
    except OSError:
        return None
    if stretch is None or not np.isfinite(stretch.samples).all():
        return None
    return Decoded(as_pairs(stretch, rate), f"{library} {resampler()}", stretch.form)


def _length_ms(pairs: Pairs, rate: int) -> int:
    return len(pairs) * 1000 // rate


def _goes_on(pairs: Pairs, wanted_ms: int, tail_ms: int, rate: int) -> bool:
    """Whether a file goes on behind its segment; zeros that make a short one ten seconds do not count."""
    got_ms = _length_ms(pairs, rate)
    if got_ms - wanted_ms <= tail_ms:
        return False
    # A resampler rings for some milliseconds where the sound ends and the zeros begin.
    behind = pairs[(wanted_ms + 10) * rate // 1000 :]
    return got_ms > _CLIP_MS + TOLERANCE_MS or not bool(np.abs(behind).max(initial=0) < SILENT_PEAK)


def _refuse_late(media: Media, start_ms: int, end_ms: int, timeout: float) -> None:
    """See that a segment with nothing in it but its end is not one before the sound begins."""
    first_ms = first_sound_ms(media, timeout)
    latest_ms = end_ms - min(LEAST_MS, end_ms - start_ms)
    if first_ms is not None and first_ms > latest_ms:
        late_s = (first_ms - start_ms) / 1000
        raise DecodeError(DecodeFault.LATE, f"the sound begins {late_s:.1f} s behind the segment's start")


def ends_at(media: Media, length_ms: int, timeout: float = TIMEOUT_S) -> bool:
    """Whether media are so long (`TOLERANCE_MS` less, `TAIL_MS` more), by what is decoded at its end."""
    begin_ms = max(0, length_ms - 2 * TOLERANCE_MS)
    try:
        decoded = decode_by_ffmpeg(media, begin_ms, length_ms + 2 * TAIL_MS, timeout=timeout)
    except DecodeError:
        return False
    return -TOLERANCE_MS <= begin_ms + _length_ms(decoded.pairs, SAMPLE_RATE) - length_ms <= TAIL_MS
