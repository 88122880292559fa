"""What featurize did, as a table for people and as JSON for programs."""

from dataclasses import asdict
from typing import Any

from ..tasks.part import unfinished
from ..types import Table
from ..words import MOST_ROWS, ends_of
from .run import FeaturizeResult


def featurize_table(result: FeaturizeResult) -> Table:
    """Clips by class and split, and those that wait for the smallest class to grow.

    Of very many classes those with the fewest and those with the most training clips, behind a row for all.
    """
    splits = tuple(result.clips)
    classes = tuple(result.waiting) or tuple(next(iter(result.clips.values())))
    counts = {
        name: (*(result.clips[split].get(name, 0) for split in splits), result.waiting.get(name, 0))
        for name in classes
    }
    rows = tuple((name, *(f"{n:,}" for n in numbers)) for name, numbers in counts.items())
    title = "Clips in each split"
    if len(rows) > MOST_ROWS:
        title = "Clips in each split, by the class that each was drawn for"
        totals = [f"{sum(numbers):,}" for numbers in zip(*counts.values(), strict=True)]
        rows = tuple(sorted(rows, key=lambda row: (counts[row[0]][0], row[0])))
        rows = (("all", *totals), *ends_of(rows, lambda more: (more, *[""] * len(totals))))
    return Table(title, ("class", *splits, "left out for balance"), rows)


def remarks(result: FeaturizeResult, clips: str) -> list[str]:
    """What is not as it should be with the splits, a line each; `clips` is where the clips lie."""
    lines = [unfinished(result.missing, "shards")] if result.missing else []
    for split in ("validation", "test"):
        lacking = [f"{n:,} of {name}" for (name, where), n in sorted(result.short.items()) if where == split]
        if lacking:
            several = f"{', '.join(lacking[:MOST_ROWS])}{' and more' * (len(lacking) > MOST_ROWS)}"
            lines.append(f"The {split} split is short by {several}: no group that is left fits whole.")
    if result.per_class is not None:
        lines.append(
            f"A set of the first {result.per_class:,} clips of each class, in splits of its own; use it:"
            f" audioset-tools train --shards {result.folder.name}"
        )
    if result.leak.divided:
        lines.append(result.leak.remark(result.of_list, clips))
    return lines


def featurize_json(result: FeaturizeResult) -> dict[str, Any]:
    """The same for `--json`."""
    return {
        "folder": str(result.folder),
        "shards": [path.name for path in result.shards],
        "built": result.built,
        "reused": result.reused,
        "missing": result.missing,
        "rows": result.rows,
        "clips": {split: dict(counts) for split, counts in result.clips.items()},
        "left_out_for_balance": dict(result.waiting),
        "empty_filters": result.empty_filters,
        "groups": asdict(result.leak),
        "short": [{"class": name, "split": split, "clips": n} for (name, split), n in result.short.items()],
    }
