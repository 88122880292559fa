"""What featurize did, as a table for people and as JSON for programs."""

from collections.abc import Callable
from typing import Any

from ..clock import steady
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


class Speed:
    """How fast featurize is, for the remark beside its progress; the start-up does not count.

    Args:
        clock: gives seconds.
    """

    def __init__(self, clock: Callable[[], float] = steady) -> None:
        self._clock = clock
        self._begun = clock()
        self._kept: int | None = None

    def __call__(self, done: int) -> str:
        """Clips a second, as text; nothing as long as no clip was made.

        Args:
            done: clips done so far, among them those whose shards stood already.
        """
        if self._kept is None or done <= self._kept:
            self._begun, self._kept = self._clock(), done
        seconds = self._clock() - self._begun
        return f"{(done - self._kept) / seconds:,.0f} clips/s" if done > self._kept and seconds > 0 else ""
