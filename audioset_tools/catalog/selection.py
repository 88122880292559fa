"""What a recipe makes of a catalog: a ranked queue for each class, and the account of every row left out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache

import numpy as np
import numpy.typing as npt

from ..types import Candidate
from .lists import Catalog
from .official import SUBSETS
from .ontology import Ontology
from .recipe import Recipe

TIERS = 4
"""Tiers 3 (cleanest) to 0; each is a subset of the one below."""


class RowFate(StrEnum):
    """What became of a row, as one class sees it."""

    KEPT = "kept"
    NO_LABEL = "no label of the class"
    REJECTED_LABEL = "rejected label"
    ANCESTOR = "only an ancestor's label"
    OTHER_CLASS = "label of another class"
    OTHER_INSTRUMENT = "another instrument"
    AMBIGUOUS = "might be another class"
    NO_POOL = "fits no pool"
    TOO_SHORT = "too short"
    RARER_CLASS = "drawn for a rarer class"
    OTHER_SUBSET = "of a subset that is no split"
    ENOUGH = "its labels have enough"


@dataclass(frozen=True, slots=True)
class Funnel:
    """One class's account of all rows.

    Args:
        class_name: one of the recipe's.
        outcomes: rows of each outcome; they add up to the rows read.
        subsets: kept rows of each official subset.
        tiers: kept rows of tier 0, 1, 2, 3 *or better*; empty for a class without tiers.
        pools: kept rows of each pool by name; empty for a class without pools.
    """

    class_name: str
    outcomes: Mapping[RowFate, int]
    subsets: Mapping[str, int]
    tiers: tuple[int, ...]
    pools: Mapping[str, int]

    @property
    def kept(self) -> int:
        return self.outcomes[RowFate.KEPT]

    @property
    def carried(self) -> int:
        """Rows of any class's queue that carry this one."""
        return self.kept + self.outcomes[RowFate.RARER_CLASS]

    def fillable(self, per_class: int) -> float | None:
        """The largest share of dead videos at which `per_class` clips are left; None if never."""
        return 1 - per_class / self.kept if self.kept >= per_class else None


@dataclass(frozen=True, slots=True)
class Queue:
    """One class's candidates in rank order: `rows` of the catalog and the `tiers` they are of."""

    class_name: str
    rows: npt.NDArray[np.intp]
    tiers: npt.NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True)
class Selection:
    """What a recipe makes of a catalog: a queue and a funnel per class, in the recipe's order.

    The recipe is resolved.

    Args:
        also: by the number of a label set, the classes that it carries besides that of its queue, if any.
        split_of: the split of each subset, where these are the splits.
        left_out: how many rows have each label that is none of AudioSet's, by its own file of them.
    """

    recipe: Recipe
    ontology: Ontology
    catalog: Catalog
    queues: tuple[Queue, ...]
    funnels: tuple[Funnel, ...]
    also: Mapping[int, tuple[str, ...]]
    split_of: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)

    def candidates(self, queue: Queue) -> Iterator[Candidate]:
        """The candidates of one class in rank order."""
        catalog = self.catalog
        columns = zip(
            catalog.ytid[queue.rows].astype("U11").tolist(),
            catalog.start_ms[queue.rows].tolist(),
            catalog.end_ms[queue.rows].tolist(),
            queue.tiers.tolist(),
            catalog.subset[queue.rows].tolist(),
            catalog.labels[queue.rows].tolist(),
            strict=True,
        )
        # Many rows have the same labels.
        mids = cache(lambda labels: tuple(sorted(catalog.label_sets[labels])))
        for rank, (ytid, start_ms, end_ms, tier, subset, labels) in enumerate(columns):
            also = self.also.get(labels, ())
            name = SUBSETS[subset]
            yield Candidate(
                *(ytid, start_ms, end_ms, queue.class_name, tier, rank, name, also, mids(labels)),
                split=self.split_of.get(name, ""),
            )
