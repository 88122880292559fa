"""A mirror of AudioSet as PANNs' authors packed it: zips of `Y<id>.wav`, ten seconds at 32 kHz each."""

import io
import wave
import zipfile
from collections.abc import Iterable, Mapping
from functools import lru_cache
from math import gcd
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly

from ..plan import Plan, TableRow, Video, decide, fate
from ..sounds import RATE, Signal, phrase

MIRROR_RATE = 32_000
"""Hertz of the files (Kong et al. 2020)."""

_STAMP = (2020, 1, 1, 0, 0, 0)


def write_mirror(
    folder: Path,
    plan: Plan,
    table: Mapping[str, TableRow | tuple[str, int, int]],
    share: float = 1.0,
    part: int = 40,
) -> list[str]:
    """Write the zips of a mirror: `balanced/`, `eval/` and as many `unbalanced/` ones as it takes.

    Args:
        folder: where to; made if it is not there.
        plan: decides, with its seed, what the videos sound like.
        table: the videos, by id; the first eighth is balanced, the second is for evaluation.
        share: of them, which the mirror holds; which they are follows from the plan's seed.
        part: rows of the list in one of the unbalanced zips, whether the mirror holds them or not.

    Returns:
        The ids that the mirror holds, in the table's order.
    """
    ids = list(table)
    eighth = len(ids) // 8
    unbalanced = ids[2 * eighth :]
    zips = {
        "balanced/balanced_train_segments_full.zip": ids[:eighth],
        "eval/eval_segments_full.zip": ids[eighth : 2 * eighth],
        **{
            f"unbalanced/unbalanced_train_segments_part{first // part:02}_full.zip": unbalanced[
                first : first + part
            ]
            for first in range(0, len(unbalanced), part)
        },
    }
    held = []
    for name, rows in zips.items():
        there = [ytid for ytid in rows if fate(plan.seed, ytid, "mirror") < share]
        write_zip(folder / name, {f"Y{ytid}.wav": cut(plan, ytid) for ytid in there})
        held += there
    (folder / "README.md").write_text("---\nlicense: cc-by-4.0\n---\nA mirror that a simulator made up.\n")
    return held


def write_zip(path: Path, files: Mapping[str, bytes] | Iterable[tuple[str, bytes]]) -> None:
    """Write a deflated zip, the same bytes for the same files."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items() if isinstance(files, Mapping) else files:
            # Level 1: this is noise and tones, of which no level makes much less.
            archive.writestr(zipfile.ZipInfo(name, _STAMP), content, zipfile.ZIP_DEFLATED, 1)


def cut(plan: Plan, ytid: str, rate: int = MIRROR_RATE) -> bytes:
    """The WAV file of a video's segment, 16 bit mono, as long as the segment."""
    video = decide(plan, ytid)
    sound = np.concatenate([_at(rate, video.voice, index) for index in video.phrases])
    samples = sound[: _length_ms(video) * rate // 1000]
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((samples * 32_767).round().astype("<i2").tobytes())
    return content.getvalue()


def _length_ms(video: Video) -> int:
    return max(0, min(video.end_ms, video.length_ms) - video.start_ms)


@lru_cache(maxsize=512)
def _at(rate: int, voice: str, index: int) -> Signal:
    common = gcd(rate, RATE)
    resampled: Signal = resample_poly(phrase(voice, index), rate // common, RATE // common).astype(np.float32)
    return resampled
