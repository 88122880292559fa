"""The head of the report: the few numbers that one opens it for."""

from collections.abc import Sequence

from ...runs.folder import RunFound
from ...shards.placements import SPLITS
from ...types import CLIP_SECONDS
from ...words import MOST_ROWS
from ..page import Block, Figure, Figures, Share, Shares
from ..snapshot import Fetched, Snapshot


def key_figures(snapshot: Snapshot) -> tuple[Block, ...]:
    """Clips, hours, splits and the best run; then each class, unless they are very many."""
    figures: list[Figure] = []
    if snapshot.fetched is not None:
        figures += _of_clips(snapshot.fetched)
    if snapshot.placements:
        counts = [sum(one.split == split for one in snapshot.placements) for split in SPLITS]
        figures.append(Figure("splits", " / ".join(f"{n:,}" for n in counts), ", ".join(SPLITS)))
    figures += _of_runs(snapshot.runs)
    blocks: list[Block] = [Figures(figures)] if figures else []
    if snapshot.fetched is not None and len(snapshot.fetched.status.classes) <= MOST_ROWS:
        blocks.append(_classes(snapshot.fetched))
    return tuple(blocks)


def _of_clips(fetched: Fetched) -> list[Figure]:
    classes = fetched.status.classes
    verified, dead = sum(one.verified for one in classes), sum(one.dead for one in classes)
    wanted = sum(one.wanted or 0 for one in classes)
    full = sum(one.wanted is not None and one.verified >= one.wanted for one in classes)
    of = f"of {wanted:,} wanted" if wanted else "how many are wanted is not recorded"
    found = [
        Figure("verified clips", f"{verified:,}", of),
        Figure("sound", f"{verified * CLIP_SECONDS / 3_600:,.1f} h", f"{CLIP_SECONDS} s a clip"),
        Figure("classes", f"{len(classes):,}", f"{full:,} full" if wanted else ""),
    ]
    if verified + dead:
        share = f"{dead / (verified + dead):.0%} of those settled"
        found.append(Figure("candidates left out", f"{dead:,}", share))
    return found


def _of_runs(runs: Sequence[RunFound]) -> list[Figure]:
    judged = [(f1, run) for run in runs if (f1 := run.score("test", "f1")) is not None]
    if not judged:
        return []
    # Of equals the first by name.
    f1, best = max(judged, key=lambda one: one[0])
    ends = best.interval("test", "f1")
    between = f"95 % interval {100 * ends[0]:.1f} to {100 * ends[1]:.1f}, " if ends else ""
    more = f", best of {len(judged):,} runs" if len(judged) > 1 else ""
    return [Figure("macro-F1 on the test split", f"{100 * f1:.1f} %", f"{between}{best.name}{more}")]


def _classes(fetched: Fetched) -> Shares:
    shares = []
    for one in fetched.status.classes:
        of = f" of {one.wanted:,}" if one.wanted is not None else ""
        whole = max(one.wanted or 0, one.verified, 1)
        shares.append(Share(one.class_name, one.verified, whole, f"{one.verified:,}{of}"))
    return Shares("Verified clips of each class", shares)
