"""From the lists and a recipe to a ranked queue for each class, with the account of every row left out.

Whether a clip belongs to a class is a pure function of its labels, the recipe and the ontology: `Judge` has
it. What depends on more than labels is decided by `select_candidates`: whether a segment is long enough, and
in which class's queue a clip of several classes stands.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import compress
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..exceptions import DataMismatch
from .lists import Catalog, read_catalog
from .official import GENUINE, SUBSETS, find_ontology
from .ontology import Ontology, read_ontology
from .recipe import ClassRule, Pool, Recipe
from .resolve import resolve
from .select_standard import select_standard
from .selection import TIERS, Funnel, Queue, RowFate, Selection
from .standard import official_labels


@dataclass(frozen=True, slots=True)
class Verdict:
    """One class's judgement of one label set.

    `because` are the labels that decided it, `pool` and `tier` are 0 unless the outcome is KEPT.
    """

    outcome: RowFate
    because: frozenset[str] = frozenset()
    tier: int = 0
    pool: int = 0


# What nearly every row gets: made once.
_NO_LABEL = Verdict(RowFate.NO_LABEL)
_RARER = Verdict(RowFate.RARER_CLASS)


class Judge:
    """A recipe expanded by the ontology, ready to judge label sets.

    Raises:
        UsageError: the recipe uses a label that the ontology lacks.
    """

    def __init__(self, recipe: Recipe, ontology: Ontology) -> None:
        self.recipe = recipe = resolve(recipe, ontology)
        self.ontology = ontology
        self.rejected = recipe.rejected
        self.multi_label = recipe.multi_label
        self.classes = recipe.classes
        self.transparent = recipe.transparent
        self.included = frozenset().union(*(rule.include for rule in recipe.classes))
        # A bare "Keyboard" may be a piano: not safely anything else.
        self.ambiguous = frozenset().union(*(rule.transparent for rule in recipe.classes)) - self.transparent
        # "Musical instrument" itself names no instrument.
        root = () if recipe.instrument_root is None else (recipe.instrument_root,)
        self.instruments = ontology.subtree(*root).difference(root)
        # The labels of which one says what another leaves open: "Guitar" beside "Musical instrument".
        self.telling = self.instruments if root else frozenset(ontology.names)
        self.below = lru_cache(1_024)(lambda mid: ontology.subtree(mid) - {mid})
        self.hiding = self._hiding()
        self.music = ontology.subtree(*recipe.music)
        self.speech = ontology.subtree(*recipe.speech)
        self.vocal = ontology.subtree(*recipe.vocal)
        self.tiered = recipe.tiered

    def verdict(self, mids: frozenset[str], rule: ClassRule) -> Verdict:
        """Judge one label set for one class."""
        if not rule.include:
            return self._everything_else(mids, rule)
        if not mids & rule.include:
            return _NO_LABEL
        if rejected := mids & self.rejected:
            return Verdict(RowFate.REJECTED_LABEL, rejected)
        named = self._named(mids)
        if not named & rule.include:
            return Verdict(RowFate.ANCESTOR, mids & rule.include)
        trouble = self._uncertain(mids, named) if self.multi_label else self._not_alone(mids, named, rule)
        besides = mids - self.included - rule.transparent
        return trouble or Verdict(RowFate.KEPT, named & rule.include, tier=self._tier(besides))

    def _hiding(self) -> dict[str, frozenset[str]]:
        """Beside which labels one of a class does not name it: beside "Electric piano" "Piano" does not.

        What is transparent for a class and no other's hides nothing of it; and where labels propagate, what
        lies below in a class names that class too.
        """
        hiding = {}
        for mid in self.included:
            below = self.below(mid) & (self.instruments | self.included)
            for rule in self.classes:
                if mid in rule.include:
                    below -= rule.transparent - self.included
                    below -= rule.include if self.recipe.propagate else frozenset()
            hiding[mid] = below
        return hiding

    def _named(self, mids: frozenset[str]) -> frozenset[str]:
        """The labels that name a class, as far as no others hide them."""
        return frozenset(mid for mid in mids & self.included if not self.hiding[mid] & mids)

    def _specific(self, mids: frozenset[str]) -> frozenset[str]:
        """Those that tell most: with none below them."""
        telling = mids & self.telling
        return frozenset(mid for mid in telling if not self.below(mid) & telling)

    def _not_alone(self, mids: frozenset[str], named: frozenset[str], rule: ClassRule) -> Verdict | None:
        """What keeps a clip out of a class that must be the only instrument."""
        if foreign := named - rule.include:
            return Verdict(RowFate.OTHER_CLASS, foreign)
        if others := (mids & self.instruments) - rule.include - rule.transparent - self.transparent:
            return Verdict(RowFate.OTHER_INSTRUMENT, others)
        return None

    def _uncertain(self, mids: frozenset[str], named: frozenset[str]) -> Verdict | None:
        """What keeps a clip out of all classes if it may carry several: a label that might be one more."""
        carried = [rule.transparent for rule in self.classes if named & rule.include]
        specific = self._specific(mids) - self.included
        if ambiguous := specific & self.ambiguous.difference(*carried):
            return Verdict(RowFate.AMBIGUOUS, ambiguous)
        return None

    def _tier(self, besides: frozenset[str]) -> int:
        """By the labels of no class: 3 only music; 2 no speech; 1 no voice but perhaps speech; 0 the rest."""
        if not self.tiered or besides & self.vocal:
            return 0
        if besides & self.speech:
            return 1
        return 3 if besides <= self.music else 2

    def _everything_else(self, mids: frozenset[str], rule: ClassRule) -> Verdict:
        if rejected := mids & self.rejected:
            return Verdict(RowFate.REJECTED_LABEL, rejected)
        if foreign := self._named(mids):
            return Verdict(RowFate.OTHER_CLASS, foreign)
        specific = self._specific(mids)
        if ambiguous := specific & self.ambiguous:
            return Verdict(RowFate.AMBIGUOUS, ambiguous)
        for number, pool in enumerate(rule.pools):
            if self._fits(mids, len(specific), pool):
                return Verdict(RowFate.KEPT, mids, pool=number)
        return Verdict(RowFate.NO_POOL, specific)

    def _fits(self, mids: frozenset[str], instruments: int, pool: Pool) -> bool:
        least, most = pool.instruments
        return (
            least <= instruments <= most
            and (pool.music or not mids & self.music)
            and (pool.vocal or not mids & self.vocal)
        )


def read_selection(folder: Path, recipe: Recipe, genuine: bool = False) -> Selection:
    """Read the lists and the ontology in `folder` and select by `recipe`.

    Args:
        genuine: whether the ontology must be AudioSet's own.

    Raises:
        UsageError: the recipe uses a label that the ontology lacks, or of which it cannot say which is meant.
        DataMismatch: the lists or the ontology are damaged, or do not belong together.
    """
    ontology = read_ontology(find_ontology(folder), genuine)
    # A name that is none is told before two million rows are read.
    recipe = resolve(recipe, ontology)
    catalog = read_catalog(folder)
    if recipe.standard is None:
        return select_candidates(catalog, ontology, recipe)
    _refuse_undefined(catalog, ontology)
    labels = official_labels(folder, ontology, frozenset().union(*catalog.label_sets))
    return select_standard(catalog, ontology, recipe, labels)


def select_candidates(catalog: Catalog, ontology: Ontology, recipe: Recipe) -> Selection:
    """Judge every row and rank those kept.

    Raises:
        DataMismatch: the lists use a label that the ontology does not define.
    """
    _refuse_undefined(catalog, ontology)
    judge = Judge(recipe, ontology)
    recipe = judge.recipe
    long_enough = catalog.end_ms - catalog.start_ms >= recipe.least_ms
    shuffled = catalog.shuffled(recipe.seed)
    rows_by_set = catalog.rows_by_set(long_enough)
    short_by_set = catalog.rows_by_set(~long_enough).sum(axis=0)
    verdicts = [[judge.verdict(mids, rule) for mids in catalog.label_sets] for rule in recipe.classes]
    carried = np.array([[verdict.outcome is RowFate.KEPT for verdict in of_class] for of_class in verdicts])
    drawn_for = _rarest(carried, rows_by_set.sum(axis=0))
    queues, funnels = [], []
    for number, rule in enumerate(recipe.classes):
        for labels in np.flatnonzero(carried[number] & (drawn_for != number)):
            verdicts[number][labels] = _RARER
        queues.append(_rank(catalog, rule, verdicts[number], shuffled, long_enough))
        tiered = recipe.tiered and bool(rule.include)
        funnels.append(_count(rows_by_set, short_by_set, rule, verdicts[number], tiered))
    carried[drawn_for, np.arange(len(drawn_for))] = False
    also = {
        int(labels): tuple(compress(recipe.class_names, carried[:, labels]))
        for labels in np.flatnonzero(carried.any(axis=0))
    }
    return Selection(recipe, ontology, catalog, tuple(queues), tuple(funnels), also)


def _refuse_undefined(catalog: Catalog, ontology: Ontology) -> None:
    if unknown := sorted(frozenset().union(*catalog.label_sets) - ontology.names.keys()):
        raise DataMismatch(
            f"the lists use labels that the ontology does not define: {', '.join(unknown[:5])}", GENUINE
        )


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
    kept = np.array([verdict.outcome is RowFate.KEPT for verdict in verdicts])
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
    tiered: bool,
) -> Funnel:
    """The account of one class.

    Args:
        by_subset: rows that are long enough, [subset, label set].
        short: rows that are not, [label set]; only those that the class would else take are left out for it.
        rule: what the class is.
        verdicts: on each label set.
        tiered: whether its clips have tiers.
    """
    rows = by_subset.sum(axis=0)
    outcomes = np.array([str(verdict.outcome) for verdict in verdicts])
    tiers = np.array([verdict.tier for verdict in verdicts])
    pools = np.array([verdict.pool for verdict in verdicts])
    kept = outcomes == RowFate.KEPT
    carried = kept | (outcomes == RowFate.RARER_CLASS)
    counts = {outcome: int((rows + short * ~carried)[outcomes == outcome].sum()) for outcome in RowFate}
    return Funnel(
        class_name=rule.name,
        outcomes=counts | {RowFate.TOO_SHORT: int(short[carried].sum())},
        subsets={subset: int(by_subset[number, kept].sum()) for number, subset in enumerate(SUBSETS)},
        tiers=tuple(int(rows[kept & (tiers >= tier)].sum()) for tier in range(TIERS)) if tiered else (),
        pools={
            pool.name: int(rows[kept & (pools == number)].sum()) for number, pool in enumerate(rule.pools)
        },
    )
