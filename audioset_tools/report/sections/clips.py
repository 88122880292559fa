"""The sections about the clips: how long, how loud, from where, which are worth a doubt; and samples.

How loud a clip is is read once from its samples, and kept beside the page for the next time.
"""

import hashlib
import heapq
import os
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...audio.clip import read_clip
from ...csvfile import read_csv, write_csv
from ...exceptions import DataMismatch, EnvironmentProblem
from ...types import Clip, Table
from ...words import counted
from ...workspace import Workspace
from .. import charts
from ..media import ClipFile, ClipMedia
from ..page import Block, Card, Cards, Chart, Heading, Missing, Section, Shown, Words, anchor
from ..snapshot import Snapshot
from .labels import LabelNames, label_blocks

QUIET_DB = -50.0
"""Nearly silent: 32 dB below what -18 dB of full scale, a usual level, would be."""

CLIPPED_SAMPLES = 160
"""Clipped: so many samples at the end of their range, ten milliseconds of a clip."""

SAMPLED_CLASSES = 300
"""Classes that have a sample; of more the first."""

MEASURED = 20_000
"""Clips that are read for their level, 6.4 GB of them; of more a sample, the same each time."""

SUSPICIOUS_SHOWN = 8
"""Clips of each kind that are shown with their sound; the table has all."""

FULL_SCALE = 32_767 / 32_768
"""From here on a 16-bit sample is at the end of its range."""

SILENCE_DB = -120.0
"""The level of nothing at all."""

HEADER = ["sha256", "rms_db", "full_scale"]

_SECONDS = [0.5 * n for n in range(21)]

_PEAKS = [0.05 * n for n in range(21)]

_LEVELS = [-80.0 + 4 * n for n in range(21)]


@dataclass(frozen=True, slots=True)
class Loudness:
    """How loud a clip is.

    Args:
        rms_db: root mean square over the ten seconds, padding included, in decibels of full scale.
        full_scale: samples at the end of their range.
    """

    rms_db: float
    full_scale: int


class Suspicious:
    """Clips worth a doubt, each with why, by kind; the worst first."""

    def __init__(self, clips: Sequence[Clip], levels: Mapping[str, Loudness]) -> None:
        measured = [(clip, levels[clip.sha256]) for clip in clips if clip.sha256 in levels]
        same: dict[str, list[Clip]] = defaultdict(list)
        for clip in clips:
            same[clip.sha256].append(clip)
        self.kinds: dict[str, list[tuple[Clip, str]]] = {
            "nearly silent": [
                (clip, f"level {level.rms_db:.1f} dB of full scale")
                for clip, level in sorted(measured, key=lambda one: one[1].rms_db)
                if level.rms_db < QUIET_DB
            ],
            "clipped": [
                (clip, f"{level.full_scale:,} samples at full scale")
                for clip, level in sorted(measured, key=lambda one: -one[1].full_scale)
                if level.full_scale >= CLIPPED_SAMPLES
            ],
            "duplicate": [
                (clip, f"the same bytes as {other.key}")
                for twins in same.values()
                for clip, other in zip(twins[1:], twins, strict=False)
            ],
        }
        self.unmeasured = [clip for clip in sampled(clips) if clip.sha256 not in levels]

    @property
    def sources(self) -> list[ClipFile]:
        """Those that are shown on the page with their sound."""
        return [source_of(clip) for found in self.kinds.values() for clip, _ in found[:SUSPICIOUS_SHOWN]]


def clips_section(
    snapshot: Snapshot,
    levels: Mapping[str, Loudness],
    suspicious: Suspicious,
    media: Mapping[str, ClipMedia],
    names: LabelNames,
) -> Section:
    """What the verified clips are like.

    Args:
        media: sounds and pictures by key.
        names: what their labels are called.
    """
    clips = snapshot.fetched.clips if snapshot.fetched else ()
    if not clips:
        missing = Missing("There is no clip yet.", "audioset-tools fetch --per-class 2400")
        return Section("clips", "The clips", (missing,))
    seconds = [clip.seconds for clip in clips]
    short = sum(value < 10 for value in seconds)
    loud = [levels[clip.sha256].rms_db for clip in clips if clip.sha256 in levels]
    middle = float(np.median(loud)) if loud else 0.0
    blocks: list[Block] = [
        Heading("Length, level and source", "measured"),
        Chart(
            charts.histogram(
                "Length before padding", "seconds", _SECONDS, _counted(seconds, _SECONDS),
                words=f"Shorter than ten seconds, and padded: {short:,} of {counted(len(clips), 'clip')}.",
            )
        ),
        Chart(
            charts.histogram(
                "Peak", "largest sample, as a share of full scale", _PEAKS,
                _counted([clip.peak for clip in clips], _PEAKS),
                words=f"The median is {float(np.median([clip.peak for clip in clips])):.2f}.",
            )
        ),
        Chart(
            charts.histogram(
                "Level", "root mean square, dB of full scale", _LEVELS, _counted(loud, _LEVELS),
                words=f"Measured on {counted(len(loud), 'clip')}; the median is {middle:.1f} dB.",
            )
        ),
        Shown(_sources(clips)),
        *label_blocks(clips, names),
        *_suspicious(suspicious, media, names),
    ]  # fmt: skip
    return Section("clips", "The clips", tuple(blocks))


def samples_section(
    samples: Mapping[str, Sequence[Clip]], media: Mapping[str, ClipMedia], names: LabelNames, seed: int
) -> Section:
    """Some clips of every class to look at and listen to."""
    if not samples:
        missing = Missing("There is no clip to listen to yet.", "audioset-tools fetch --per-class 2400")
        return Section("samples", "A sample of each class", (missing,))
    blocks: list[Block] = [Words(f"Drawn with seed {seed}; --seed draws others, --per-class more.")]
    if len(samples) == SAMPLED_CLASSES:
        blocks.append(Words(f"The first {SAMPLED_CLASSES} classes with clips have a sample."))
    for name, clips in samples.items():
        blocks += [
            Heading(name, anchor("sample", name)),
            Cards([_card(clip, media, names) for clip in clips]),
        ]
    return Section("samples", "A sample of each class", tuple(blocks))


def measure(clips: Sequence[Clip], workspace: Workspace, known: Path) -> dict[str, Loudness]:
    """How loud clips are, by sha256; a clip that is gone or damaged is left out.

    Args:
        known: a CSV of what was measured before, brought up to date.
    """
    levels = _read(known)
    wanted = {clip.sha256: clip for clip in sampled(clips)}
    lacking = [clip for digest, clip in wanted.items() if digest not in levels]
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        found = pool.map(lambda clip: _level(clip, workspace), lacking)
        levels |= {clip.sha256: level for clip, level in zip(lacking, found, strict=True) if level}
    levels = {digest: level for digest, level in sorted(levels.items()) if digest in wanted}
    if levels != _read(known):
        _write(known, levels)
    return levels


def sampled(clips: Sequence[Clip]) -> Sequence[Clip]:
    """The clips that are measured: all, or of very many those that a hash of their keys puts first."""
    if len(clips) <= MEASURED:
        return clips
    return heapq.nsmallest(MEASURED, clips, key=lambda clip: hashlib.sha256(clip.key.encode()).digest())


def level_of(samples: npt.NDArray[np.float32]) -> Loudness:
    """How loud some samples within [-1, 1] are."""
    square = float(np.dot(samples, samples)) / max(len(samples), 1)
    rms_db = 10 * np.log10(square) if square > 0 else SILENCE_DB
    return Loudness(round(max(float(rms_db), SILENCE_DB), 2), int((np.abs(samples) >= FULL_SCALE).sum()))


def choose_samples(clips: Sequence[Clip], per_class: int, seed: int) -> dict[str, list[Clip]]:
    """Some clips of each class, the first in an order in which seed and key alone decide.

    Of more than `SAMPLED_CLASSES` classes the first.
    """
    by_class: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        by_class[clip.class_name].append(clip)
    return {
        name: sorted(members, key=lambda clip: hashlib.sha256(f"{seed} {clip.key}".encode()).digest())[
            :per_class
        ]
        for name, members in list(by_class.items())[:SAMPLED_CLASSES]
    }


def source_of(clip: Clip) -> ClipFile:
    """A clip to be shown."""
    return ClipFile(clip.key, clip.path, clip.sha256)


def kind_of_source(source: str) -> str:
    """Where a clip came from, without what is its own: `youtube webm/opus 251`, or a copy's form."""
    word, _, rest = source.partition(" ")
    if word == "youtube":
        return source
    form = re.search(r" ([a-z0-9_]{1,20}/[a-z0-9_]{1,20} \d{1,6} Hz)[^/]{0,20}$|(\.\w{1,8})$", rest[-200:])
    return f"{word} {(form[1] or form[2]).lower()}" if form else word


def _sources(clips: Sequence[Clip]) -> Table:
    counts = Counter(kind_of_source(clip.source) for clip in clips).most_common()
    rows = tuple((kind, f"{n:,}", f"{n / len(clips):.1%}") for kind, n in counts[:40])
    return Table("Where they came from", ("source", "clips", "share"), rows)


def _suspicious(suspicious: Suspicious, media: Mapping[str, ClipMedia], names: LabelNames) -> list[Block]:
    blocks: list[Block] = [Heading("Clips worth a doubt", "suspicious")]
    rows = [
        (kind, clip.class_name, clip.key, why)
        for kind, found in suspicious.kinds.items()
        for clip, why in found
    ]
    if unmeasured := len(suspicious.unmeasured):
        blocks.append(
            Missing(
                f"Not measured, as they are gone or changed on the disk: {counted(unmeasured, 'clip')}.",
                "audioset-tools verify --repair",
            )
        )
    blocks.append(
        Words(
            f"Nearly silent: a level below {QUIET_DB:.0f} dB of full scale. Clipped: {CLIPPED_SAMPLES}"
            " samples or more at the end of their range. Duplicate: the same bytes as another clip; the same"
            " recording encoded again is not found this way."
        )
    )
    if not rows:
        return [*blocks, Words("No clip is nearly silent, clipped, or a duplicate.")]
    head = ("kind", "class", "clip", "why")
    blocks.append(
        Shown(Table(f"{counted(len(rows), 'clip')} worth a doubt", head, tuple(rows[:500])), len(rows) > 12)
    )
    for kind, found in suspicious.kinds.items():
        cards = [_card(clip, media, names, why) for clip, why in found[:SUSPICIOUS_SHOWN]]
        if cards:
            blocks += [Heading(f"{kind}: {len(cards)} of {len(found):,}"), Cards(cards)]
    return blocks


def _card(clip: Clip, media: Mapping[str, ClipMedia], names: LabelNames, why: str = "") -> Card:
    shown = media.get(clip.key) or ClipMedia(clip.key, "", "", "it could not be made")
    classes = ", ".join((clip.class_name, *clip.also))
    about = f"{classes}, {clip.seconds:g} s before padding, peak {clip.peak:.2f}"
    return Card(shown, tuple(filter(None, (about, names.line(clip), why))))


def _counted(values: Sequence[float], edges: Sequence[float]) -> list[int]:
    """How many lie between each two edges, the first and the last taking in all beyond."""
    inside = np.clip(np.asarray(values, float), edges[0], edges[-1])
    counts: list[int] = np.histogram(inside, edges)[0].tolist()
    return counts


def _level(clip: Clip, workspace: Workspace) -> Loudness | None:
    try:
        return level_of(read_clip(workspace.root / clip.path, clip.sha256))
    except DataMismatch:
        return None


def _read(path: Path) -> dict[str, Loudness]:
    """What an earlier report measured; nothing where the file is not one of ours."""
    try:
        return dict(read_csv(path, HEADER, _parse, "Write the report again."))
    except (DataMismatch, EnvironmentProblem):
        return {}


def _parse(row: dict[str, str]) -> tuple[str, Loudness]:
    return row["sha256"], Loudness(float(row["rms_db"]), int(row["full_scale"]))


def _write(path: Path, levels: dict[str, Loudness]) -> None:
    write_csv(path, HEADER, ((digest, one.rms_db, one.full_scale) for digest, one in levels.items()))
