"""The sections about the clips: how long, how loud, from where, which are worth a doubt; and samples.

How loud a clip is is read once from its samples, and kept beside the page for the next time.
"""

import hashlib
import heapq
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...audio.clip import read_clip
from ...csvfile import read_csv, write_csv
from ...exceptions import DataMismatch, EnvironmentProblem
from ...shards.placements import Placement, Placements, named
from ...types import Table
from ...words import counted
from ...workspace import Workspace
from .. import charts
from ..media import ClipFile, ClipMedia
from ..page import Block, Card, Cards, Chart, Heading, Missing, Section, Shown, Words, anchor
from ..snapshot import Fetched, Snapshot
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

    def __init__(self, clips: Placements, levels: Mapping[str, Loudness]) -> None:
        there = np.isin(clips.sha256, np.array([digest.encode() for digest in levels], np.bytes_))
        self.measured = [(clip, levels[clip.sha256]) for clip in clips.take(there)]
        self.kinds: dict[str, list[tuple[Placement, str]]] = {
            "nearly silent": [
                (clip, f"level {level.rms_db:.1f} dB of full scale")
                for clip, level in sorted(self.measured, key=lambda one: one[1].rms_db)
                if level.rms_db < QUIET_DB
            ],
            "clipped": [
                (clip, f"{level.full_scale:,} samples at full scale")
                for clip, level in sorted(self.measured, key=lambda one: -one[1].full_scale)
                if level.full_scale >= CLIPPED_SAMPLES
            ],
            "duplicate": [(clip, f"the same bytes as {other.key}") for clip, other in _twins(clips)],
        }
        self.unmeasured = [clip for clip in sampled(clips) if clip.sha256 not in levels]

    @property
    def sources(self) -> list[ClipFile]:
        """Those that are shown on the page with their sound."""
        return [source_of(clip) for found in self.kinds.values() for clip, _ in found[:SUSPICIOUS_SHOWN]]


def clips_section(
    snapshot: Snapshot,
    suspicious: Suspicious,
    media: Mapping[str, ClipMedia],
    names: LabelNames,
) -> Section:
    """What the verified clips are like.

    Args:
        media: sounds and pictures by key.
        names: what their labels are called.
    """
    fetched = snapshot.fetched
    if fetched is None or not fetched.clips:
        missing = Missing("There is no clip yet.", "audioset-tools fetch --per-class 2400")
        return Section("clips", "The clips", (missing,))
    many, short = len(fetched.clips), int((fetched.seconds < 10).sum())
    loud = [level.rms_db for _, level in suspicious.measured]
    middle = float(np.median(loud)) if loud else 0.0
    blocks: list[Block] = [
        Heading("Length, level and source", "measured"),
        Chart(
            charts.histogram(
                "Length before padding", "seconds", _SECONDS, _counted(fetched.seconds, _SECONDS),
                words=f"Shorter than ten seconds, and padded: {short:,} of {counted(many, 'clip')}.",
            )
        ),
        Chart(
            charts.histogram(
                "Peak", "largest sample, as a share of full scale", _PEAKS, _counted(fetched.peaks, _PEAKS),
                words=f"The median is {float(np.median(fetched.peaks)):.2f}.",
            )
        ),
        Chart(
            charts.histogram(
                "Level", "root mean square, dB of full scale", _LEVELS, _counted(loud, _LEVELS),
                words=f"Measured on {counted(len(loud), 'clip')}; the median is {middle:.1f} dB.",
            )
        ),
        Shown(_sources(fetched)),
        *label_blocks(fetched.clips, names),
        *_suspicious(suspicious, fetched, media, names),
    ]  # fmt: skip
    return Section("clips", "The clips", tuple(blocks))


def samples_section(
    snapshot: Snapshot,
    samples: Mapping[str, Sequence[Placement]],
    media: Mapping[str, ClipMedia],
    names: LabelNames,
    seed: int,
) -> Section:
    """Some clips of every class to look at and listen to."""
    if snapshot.fetched is None or not samples:
        missing = Missing("There is no clip to listen to yet.", "audioset-tools fetch --per-class 2400")
        return Section("samples", "A sample of each class", (missing,))
    blocks: list[Block] = [Words(f"Drawn with seed {seed}; --seed draws others, --per-class more.")]
    if len(samples) == SAMPLED_CLASSES:
        blocks.append(Words(f"The first {SAMPLED_CLASSES} classes with clips have a sample."))
    for name, clips in samples.items():
        blocks += [
            Heading(name, anchor("sample", name)),
            Cards(_cards(snapshot.fetched, clips, media, names)),
        ]
    return Section("samples", "A sample of each class", tuple(blocks))


def measure(clips: Placements, workspace: Workspace, known: Path) -> dict[str, Loudness]:
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


def sampled(clips: Placements) -> Placements:
    """The clips that are measured: all, or of very many those that a hash of their keys puts first."""
    if len(clips) <= MEASURED:
        return clips
    keys = clips.key.tolist()
    chosen = heapq.nsmallest(MEASURED, range(len(keys)), key=lambda n: hashlib.sha256(keys[n]).digest())
    return clips.take(np.array(chosen))


def level_of(samples: npt.NDArray[np.float32]) -> Loudness:
    """How loud some samples within [-1, 1] are."""
    square = float(np.dot(samples, samples)) / max(len(samples), 1)
    rms_db = 10 * np.log10(square) if square > 0 else SILENCE_DB
    return Loudness(round(max(float(rms_db), SILENCE_DB), 2), int((np.abs(samples) >= FULL_SCALE).sum()))


def choose_samples(clips: Placements, per_class: int, seed: int) -> dict[str, list[Placement]]:
    """Some clips of each class, the first in an order in which seed and key alone decide.

    Of more than `SAMPLED_CLASSES` classes the first.
    """
    first = list(dict.fromkeys(kind.class_name for kind in clips.kinds))[:SAMPLED_CLASSES]
    of_class = clips.of_kinds({(name,): number for number, name in enumerate(first)})

    def chosen(number: int) -> Placements:
        members = np.flatnonzero(of_class == number)
        hashes = {n: hashlib.sha256(b"%d %s" % (seed, clips.key[n])).digest() for n in members.tolist()}
        return clips.take(np.array(heapq.nsmallest(per_class, hashes, key=hashes.__getitem__), np.intp))

    return {name: list(chosen(number)) for number, name in enumerate(first)}


def source_of(clip: Placement) -> ClipFile:
    """A clip to be shown."""
    return ClipFile(clip.key, clip.path, clip.sha256)


def _twins(clips: Placements) -> Iterable[tuple[Placement, Placement]]:
    """Every clip of the same bytes as one before it, with the last of these; by the first of its bytes."""
    order = np.argsort(clips.sha256, kind="stable")
    again = clips.sha256[order[1:]] == clips.sha256[order[:-1]]
    starts = np.flatnonzero(np.append(True, ~again))[: len(order)]
    firsts = np.repeat(order[starts], np.diff(np.append(starts, len(order))))[1:]
    late, before = order[1:][again], order[:-1][again]
    by_first = np.lexsort((late, firsts[again]))
    return zip(clips.take(late[by_first]), clips.take(before[by_first]), strict=True)


def _sources(fetched: Fetched) -> Table:
    counts = Counter(fetched.sources).most_common(40)
    rows = tuple((kind, f"{n:,}", f"{n / len(fetched.clips):.1%}") for kind, n in counts)
    return Table("Where they came from", ("source", "clips", "share"), rows)


def _suspicious(
    suspicious: Suspicious, fetched: Fetched, media: Mapping[str, ClipMedia], names: LabelNames
) -> list[Block]:
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
        shown = found[:SUSPICIOUS_SHOWN]
        cards = _cards(fetched, [clip for clip, _ in shown], media, names, [why for _, why in shown])
        if cards:
            blocks += [Heading(f"{kind}: {len(cards)} of {len(found):,}"), Cards(cards)]
    return blocks


def _cards(
    fetched: Fetched,
    clips: Sequence[Placement],
    media: Mapping[str, ClipMedia],
    names: LabelNames,
    whys: Sequence[str] = (),
) -> list[Card]:
    """A card of each clip, with why it is shown if that is said."""
    at = fetched.clips.by_key(np.array([clip.key.encode() for clip in clips], np.bytes_))
    lengths, peaks = fetched.seconds[at].tolist(), fetched.peaks[at].tolist()
    cards = []
    for clip, seconds, peak, why in zip(clips, lengths, peaks, whys or [""] * len(clips), strict=True):
        shown = media.get(clip.key) or ClipMedia(clip.key, "", "", "it could not be made")
        about = f"{named(clip)}, {seconds:g} s before padding, peak {peak:.2f}"
        cards.append(Card(shown, tuple(filter(None, (about, names.line(clip), why)))))
    return cards


def _counted(values: npt.ArrayLike, edges: Sequence[float]) -> list[int]:
    """How many lie between each two edges, the first and the last taking in all beyond."""
    inside = np.clip(np.asarray(values, float), edges[0], edges[-1])
    counts: list[int] = np.histogram(inside, edges)[0].tolist()
    return counts


def _level(clip: Placement, workspace: Workspace) -> Loudness | None:
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
