"""What featurize did, as a table for people and as JSON for programs."""

from typing import Any

from ..types import Table
from .run import FeaturizeResult


def featurize_table(result: FeaturizeResult) -> Table:
    """Clips by class and split, and those that wait for the smallest class to grow."""
    splits = tuple(result.clips)
    classes = tuple(result.waiting) or tuple(next(iter(result.clips.values())))
    rows = tuple(
        (name, *(str(result.clips[split].get(name, 0)) for split in splits), str(result.waiting.get(name, 0)))
        for name in classes
    )
    return Table("Clips in each split", ("class", *splits, "left out for balance"), rows)


def featurize_json(result: FeaturizeResult) -> dict[str, Any]:
    """The same for `--json`."""
    return {
        "folder": str(result.folder),
        "shards": [path.name for path in result.shards],
        "built": result.built,
        "reused": result.reused,
        "rows": result.rows,
        "clips": {split: dict(counts) for split, counts in result.clips.items()},
        "left_out_for_balance": dict(result.waiting),
        "empty_filters": result.empty_filters,
    }
