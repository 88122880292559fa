"""The sections about the clips: how long, how loud, from where, which are worth a doubt; and samples."""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from ..types import Clip, Table
from . import chart
from .blocks import Block, Card, Cards, Chart, Heading, Missing, Section, Shown, Words
from .holding import Holding
from .levels import Level
from .media import Media, Source

QUIET_DB = -50.0
"""Nearly silent: 32 dB below what -18 dB of full scale, a usual level, would be."""

CLIPPED_SAMPLES = 160
"""Clipped: so many samples at the end of their range, ten milliseconds of a clip."""

SUSPICIOUS_SHOWN = 8
"""Clips of each kind that can be heard; the table has all."""

_SECONDS = [0.5 * n for n in range(21)]
_PEAKS = [0.05 * n for n in range(21)]
_LEVELS = [-80.0 + 4 * n for n in range(21)]


class Suspicious:
    """Clips worth a doubt, each with why, by kind; the worst first."""

    def __init__(self, clips: Sequence[Clip], levels: Mapping[str, Level]) -> None:
        heard = [(clip, levels[clip.sha256]) for clip in clips if clip.sha256 in levels]
        same: dict[str, list[Clip]] = defaultdict(list)
        for clip in clips:
            same[clip.sha256].append(clip)
        self.kinds: dict[str, list[tuple[Clip, str]]] = {
            "nearly silent": [
                (clip, f"level {level.rms_db:.1f} dB of full scale")
                for clip, level in sorted(heard, key=lambda one: one[1].rms_db)
                if level.rms_db < QUIET_DB
            ],
            "clipped": [
                (clip, f"{level.full_scale:,} samples at full scale")
                for clip, level in sorted(heard, key=lambda one: -one[1].full_scale)
                if level.full_scale >= CLIPPED_SAMPLES
            ],
            "duplicate": [
                (clip, f"the same bytes as {other.key}")
                for twins in same.values()
                for clip, other in zip(twins[1:], twins, strict=False)
            ],
        }
        self.unheard = [clip for clip in clips if clip.sha256 not in levels]

    @property
    def sources(self) -> list[Source]:
        """Those that can be heard on the page."""
        return [source_of(clip) for found in self.kinds.values() for clip, _ in found[:SUSPICIOUS_SHOWN]]


def source_of(clip: Clip) -> Source:
    """A clip to be shown."""
    return Source(clip.key, clip.path, clip.sha256)


def choose_samples(clips: Sequence[Clip], per_class: int, seed: int) -> dict[str, list[Clip]]:
    """Some clips of each class: a clip's place depends on the seed and its key alone, not on the others."""
    by_class: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        by_class[clip.class_name].append(clip)
    return {
        name: sorted(members, key=lambda clip: hashlib.sha256(f"{seed} {clip.key}".encode()).digest())[
            :per_class
        ]
        for name, members in by_class.items()
    }


def clips_section(
    holding: Holding, levels: Mapping[str, Level], suspicious: Suspicious, media: Mapping[str, Media]
) -> Section:
    """What the verified clips are like."""
    clips = [clip for _, clip in holding.fetched.clips] if holding.fetched else []
    if not clips:
        missing = Missing("There is no clip yet.", "audioset-tools fetch --per-class 2400")
        return Section("clips", "The clips", (missing,))
    seconds = [clip.seconds for clip in clips]
    short = sum(value < 10 for value in seconds)
    heard = [levels[clip.sha256].rms_db for clip in clips if clip.sha256 in levels]
    middle = float(np.median(heard)) if heard else 0.0
    blocks: list[Block] = [
        Chart(
            chart.histogram(
                "Length before padding", "seconds", _SECONDS, _counted(seconds, _SECONDS),
                words=f"Shorter than ten seconds, and padded: {short:,} of {len(clips):,} clips.",
            )
        ),
        Chart(
            chart.histogram(
                "Peak", "largest sample, as a share of full scale", _PEAKS,
                _counted([clip.peak for clip in clips], _PEAKS),
                words=f"The median is {float(np.median([clip.peak for clip in clips])):.2f}.",
            )
        ),
        Chart(
            chart.histogram(
                "Level", "root mean square, dB of full scale", _LEVELS, _counted(heard, _LEVELS),
                words=f"Measured on {len(heard):,} clips; the median is {middle:.1f} dB.",
            )
        ),
        Shown(_sources(clips)),
        *_suspicious(suspicious, media),
    ]  # fmt: skip
    return Section("clips", "The clips", tuple(blocks))


def samples_section(samples: Mapping[str, Sequence[Clip]], media: Mapping[str, Media], seed: int) -> Section:
    """Some clips of every class to look at and listen to."""
    if not samples:
        missing = Missing("There is no clip to listen to yet.", "audioset-tools fetch --per-class 2400")
        return Section("samples", "A sample of each class", (missing,))
    blocks: list[Block] = [Words(f"Drawn with seed {seed}; --seed draws others, --per-class more.")]
    for name, clips in samples.items():
        blocks += [Heading(name), Cards([_card(clip, media) for clip in clips])]
    return Section("samples", "A sample of each class", tuple(blocks))


def kind_of_source(source: str) -> str:
    """Where a clip came from, without what is its own: `youtube webm/opus 251`, or a local file's ending."""
    word, _, rest = source.partition(" ")
    if word != "local":
        return source
    ending = re.search(r"\.\w{1,8}$", rest)
    return f"local {ending[0].lower()}" if ending else "local"


def _sources(clips: Sequence[Clip]) -> Table:
    counts = Counter(kind_of_source(clip.source) for clip in clips).most_common()
    rows = tuple((kind, f"{n:,}", f"{n / len(clips):.1%}") for kind, n in counts[:40])
    return Table("Where they came from", ("source", "clips", "share"), rows)


def _suspicious(suspicious: Suspicious, media: Mapping[str, Media]) -> list[Block]:
    blocks: list[Block] = [Heading("Worth a doubt", "suspicious")]
    rows = [
        (kind, clip.class_name, clip.key, why)
        for kind, found in suspicious.kinds.items()
        for clip, why in found
    ]
    if suspicious.unheard:
        blocks.append(
            Missing(
                f"{len(suspicious.unheard):,} clips are gone or changed on the disk and were not measured.",
                "audioset-tools verify --repair",
            )
        )
    blocks.append(
        Words(
            f"Nearly silent: a level below {QUIET_DB:.0f} dB of full scale. Clipped: {CLIPPED_SAMPLES}"
            " samples or more at the end of their range. Duplicate: the same bytes as another clip; the same"
            " recording encoded anew is not found this way."
        )
    )
    if not rows:
        return [*blocks, Words("No clip is nearly silent, clipped, or a duplicate.")]
    head = ("kind", "class", "clip", "why")
    blocks.append(Shown(Table(f"{len(rows):,} clips worth a doubt", head, tuple(rows[:500])), len(rows) > 12))
    for kind, found in suspicious.kinds.items():
        cards = [_card(clip, media, why) for clip, why in found[:SUSPICIOUS_SHOWN]]
        if cards:
            blocks += [Heading(f"{kind}: {len(cards)} of {len(found):,}"), Cards(cards)]
    return blocks


def _card(clip: Clip, media: Mapping[str, Media], why: str = "") -> Card:
    shown = media.get(clip.key) or Media(clip.key, "", "", "it could not be made")
    classes = ", ".join((clip.class_name, *clip.also))
    about = f"{classes}, {clip.seconds:g} s before padding, peak {clip.peak:.2f}"
    return Card(shown, tuple(filter(None, (about, why))))


def _counted(values: Sequence[float], edges: Sequence[float]) -> list[int]:
    """How many lie between each two edges, the first and the last taking in all beyond."""
    inside = np.clip(np.asarray(values, float), edges[0], edges[-1])
    counts: list[int] = np.histogram(inside, edges)[0].tolist()
    return counts
