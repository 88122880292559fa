"""From the lists and a recipe to a ranked queue for each class, with the account of every row left out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import compress

import numpy as np
import numpy.typing as npt

from ..errors import DataMismatch
from ..types import Candidate
from .columns import scatter
from .judge import TIERS, Judge, Outcome, Verdict
from .labels import Ontology
from .official import GENUINE, SUBSETS
from .recipe import ClassRule, Recipe
from .segments import Catalog

_RARER = Verdict(Outcome.RARER_CLASS)


@dataclass(frozen=True, slots=True)
class Funnel:
    """One class's account of all rows.

    Args:
        class_name: the class.
        outcomes: rows of each outcome; they add up to the rows read.
        subsets: kept rows of each official subset.
        tiers: kept rows of tier 0, 1, 2, 3 *or better*; empty for a class without tiers.
        pools: kept rows of each pool by name; empty for a class without pools.
    """

    class_name: str
    outcomes: Mapping[Outcome, int]
    subsets: Mapping[str, int]
    tiers: tuple[int, ...]
    pools: Mapping[str, int]

    @property
    def kept(self) -> int:
        return self.outcomes[Outcome.KEPT]

    @property
    def carried(self) -> int:
        """Rows of any class's queue that carry this one."""
        return self.kept + self.outcomes[Outcome.RARER_CLASS]

    def fillable(self, per_class: int) -> float | None:
        """The largest share of dead videos at which `per_class` clips can still be had; None if never."""
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

    `also` holds, by the number of a label set, the classes that it carries besides that of its queue, if any.
    """

    recipe: Recipe
    ontology: Ontology
    catalog: Catalog
    queues: tuple[Queue, ...]
    funnels: tuple[Funnel, ...]
    also: Mapping[int, tuple[str, ...]]

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
        for rank, (ytid, start_ms, end_ms, tier, subset, labels) in enumerate(columns):
            also = self.also.get(labels, ())
            yield Candidate(ytid, start_ms, end_ms, queue.class_name, tier, rank, SUBSETS[subset], also)


def select(catalog: Catalog, ontology: Ontology, recipe: Recipe) -> Selection:
    """Judge every row and rank those kept.

    Raises:
        DataMismatch: the lists use a label that the ontology does not define.
    """
    if unknown := sorted(frozenset().union(*catalog.label_sets) - ontology.names.keys()):
        raise DataMismatch(
            f"the lists use labels that the ontology does not define: {', '.join(unknown[:5])}", GENUINE
        )
    judge = Judge(recipe, ontology)
    long_enough = catalog.end_ms - catalog.start_ms >= recipe.least_ms
    # A row's place in the shuffle depends on its id, its start and the seed alone, never on the other rows.
    starts = catalog.start_ms.astype(np.uint64) + np.uint64(recipe.seed)
    shuffled = scatter(catalog.ytid_bits ^ scatter(starts))
    rows_by_set = _rows_by_set(catalog, long_enough)
    short_by_set = _rows_by_set(catalog, ~long_enough).sum(axis=0)
    verdicts = [[judge.verdict(mids, rule) for mids in catalog.label_sets] for rule in recipe.classes]
    carried = np.array([[verdict.outcome is Outcome.KEPT for verdict in of_class] for of_class in verdicts])
    drawn_for = _rarest(carried, rows_by_set.sum(axis=0))
    queues, funnels = [], []
    for number, rule in enumerate(recipe.classes):
        for labels in np.flatnonzero(carried[number] & (drawn_for != number)):
            verdicts[number][labels] = _RARER
        queues.append(_rank(catalog, rule, verdicts[number], shuffled, long_enough))
        funnels.append(_count(rows_by_set, short_by_set, rule, verdicts[number]))
    carried[drawn_for, np.arange(len(drawn_for))] = False
    also = {
        int(labels): tuple(compress(recipe.class_names, carried[:, labels]))
        for labels in np.flatnonzero(carried.any(axis=0))
    }
    return Selection(recipe, ontology, catalog, tuple(queues), tuple(funnels), also)


def _rows_by_set(catalog: Catalog, these: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """How many of `these` rows there are of each label set, [subset, label set]."""
    sets = len(catalog.label_sets)
    numbers = catalog.subset[these].astype(np.int64) * sets + catalog.labels[these]
    counts: npt.NDArray[np.int64] = np.bincount(numbers, minlength=len(SUBSETS) * sets).reshape(-1, sets)
    return counts


def _rarest(carried: npt.NDArray[np.bool_], rows: npt.NDArray[np.int64]) -> npt.NDArray[np.intp]:
    """Of the classes that each label set carries the one that the fewest rows carry: that needs it most.

    Args:
        carried: whether a label set carries a class, [classes, label sets].
        rows: of each label set.

    Returns:
        Numbers of classes, [label sets]; of a label set that carries none, any.
    """
    rarest_first = np.argsort(carried @ rows, kind="stable")
    drawn_for: npt.NDArray[np.intp] = rarest_first[carried[rarest_first].argmax(axis=0)]
    return drawn_for


def _rank(
    catalog: Catalog,
    rule: ClassRule,
    verdicts: list[Verdict],
    shuffled: npt.NDArray[np.uint64],
    long_enough: npt.NDArray[np.bool_],
) -> Queue:
    """Best tier first, shuffled inside a tier; several pools take turns."""
    kept = np.array([verdict.outcome is Outcome.KEPT for verdict in verdicts])
    tiers = np.array([verdict.tier for verdict in verdicts], np.int8)
    pools = np.array([verdict.pool for verdict in verdicts], np.int8)
    rows = np.flatnonzero(kept[catalog.labels] & long_enough)
    rows = rows[np.argsort(shuffled[rows])]
    rows = rows[np.argsort(-tiers[catalog.labels[rows]], kind="stable")]
    if len(rule.pools) > 1:
        pool = pools[catalog.labels[rows]]
        turn = np.empty(len(rows), np.int64)
        for number in range(len(rule.pools)):
            turn[pool == number] = np.arange(np.count_nonzero(pool == number))
        rows = rows[np.argsort(turn * len(rule.pools) + pool)]
    return Queue(rule.name, rows, tiers[catalog.labels[rows]])


def _count(
    by_subset: npt.NDArray[np.int64],
    short: npt.NDArray[np.int64],
    rule: ClassRule,
    verdicts: list[Verdict],
) -> Funnel:
    """The account of one class.

    Args:
        by_subset: rows that are long enough, [subset, label set].
        short: rows that are not, [label set]; only those that the class would else take are left out for it.
        rule: what the class is.
        verdicts: on each label set.
    """
    rows = by_subset.sum(axis=0)
    outcomes = np.array([str(verdict.outcome) for verdict in verdicts])
    tiers = np.array([verdict.tier for verdict in verdicts])
    pools = np.array([verdict.pool for verdict in verdicts])
    kept = outcomes == Outcome.KEPT
    carried = kept | (outcomes == Outcome.RARER_CLASS)
    counts = {outcome: int((rows + short * ~carried)[outcomes == outcome].sum()) for outcome in Outcome}
    return Funnel(
        class_name=rule.name,
        outcomes=counts | {Outcome.TOO_SHORT: int(short[carried].sum())},
        subsets={subset: int(by_subset[number, kept].sum()) for number, subset in enumerate(SUBSETS)},
        tiers=tuple(int(rows[kept & (tiers >= tier)].sum()) for tier in range(TIERS)) if rule.include else (),
        pools={
            pool.name: int(rows[kept & (pools == number)].sum()) for number, pool in enumerate(rule.pools)
        },
    )
