"""Which rows of AudioSet's lists its own task takes, and in which class's queue each stands, in columns.

527 classes by 56,275 distinct label sets are too many to be judged one by one; what counts is which set has
which class, in 134,000 pairs.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from ..exceptions import DataMismatch, UsageError
from .lists import Catalog
from .official import GENUINE, SUBSETS
from .ontology import Ontology
from .recipe import ClassRule, Recipe
from .resolve import find_mids
from .segment_list import check_classes
from .selection import Funnel, Queue, RowFate, Selection
from .standard import StandardTask

Numbers = npt.NDArray[np.int64]


class TaskFate(IntEnum):
    """What became of a row, whatever its labels."""

    TAKEN = 0
    OTHER_SUBSET = 1
    """Of a subset that is no split."""
    TOO_SHORT = 2
    ENOUGH = 3
    """Each of its labels has as many clips as are enough without it."""


@dataclass(frozen=True, slots=True)
class Carried:
    """Which label set carries which class: a pair each, [pairs], by set and class."""

    set_of: Numbers
    class_of: Numbers
    sets: int
    classes: int

    def rows_of_class(self, rows_of_set: Numbers) -> Numbers:
        """How many rows carry each class, [classes], from how many have each label set, [label sets]."""
        counts = np.bincount(self.class_of, rows_of_set[self.set_of], minlength=self.classes)
        return counts.astype(np.int64)

    def rarest(self, rows_of_set: Numbers) -> Numbers:
        """Of each label set the class that the fewest rows carry, of equals the first; -1 of one without."""
        rows = self.rows_of_class(rows_of_set)
        order = np.lexsort((self.class_of, rows[self.class_of], self.set_of))
        sets, first = np.unique(self.set_of[order], return_index=True)
        drawn_for = np.full(self.sets, -1, np.int64)
        drawn_for[sets] = self.class_of[order][first]
        return drawn_for


def carried_by(label_sets: Sequence[frozenset[str]], mids: Sequence[str]) -> Carried:
    """The pairs of label sets and classes, of which each is one mid."""
    number = {mid: n for n, mid in enumerate(mids)}
    pairs = [
        (n, one)
        for n, mids in enumerate(label_sets)
        for one in sorted(number[m] for m in mids if m in number)
    ]
    columns = np.array(pairs, np.int64).reshape(-1, 2)
    return Carried(columns[:, 0], columns[:, 1], len(label_sets), len(mids))


def fates_of(
    catalog: Catalog, carried: Carried, task: StandardTask, least_ms: int, shuffled: npt.NDArray[np.uint64]
) -> npt.NDArray[np.int8]:
    """The fate of each row, [rows]; also of those that carry no class.

    Args:
        shuffled: each row's place in the shuffle, by which those that are enough are chosen.
    """
    fates = np.full(len(catalog), TaskFate.TAKEN, np.int8)
    fates[catalog.end_ms - catalog.start_ms < least_ms] = TaskFate.TOO_SHORT
    unasked = [number for number, subset in enumerate(SUBSETS) if subset not in task.split_of]
    fates[np.isin(catalog.subset, unasked)] = TaskFate.OTHER_SUBSET
    if task.per_label is not None:
        trained = [SUBSETS.index(subset) for subset in task.train]
        rows = np.flatnonzero((fates == TaskFate.TAKEN) & np.isin(catalog.subset, trained))
        rows = rows[np.argsort(shuffled[rows])]
        enough = _enough(catalog.labels[rows], carried, task.per_label)
        fates[rows[~enough]] = TaskFate.ENOUGH
    return fates


def _enough(labels: Numbers, carried: Carried, per_label: int) -> npt.NDArray[np.bool_]:
    """Which rows are taken so that each class has so many, or all there are: the rarest class chooses first.

    A common class has more in the end, which come along with rarer ones.

    Args:
        labels: the label sets of the rows, in the order in which they are taken.
    """
    taken = np.zeros(len(labels), np.bool_)
    have = np.zeros(carried.classes, np.int64)
    in_all = carried.rows_of_class(np.bincount(labels, minlength=carried.sets))
    for number in np.argsort(in_all, kind="stable"):
        lacking = per_label - have[number]
        if lacking <= 0:
            continue
        member = np.zeros(carried.sets, np.bool_)
        member[carried.set_of[carried.class_of == number]] = True
        more = np.flatnonzero(member[labels] & ~taken)[:lacking]
        taken[more] = True
        have += carried.rows_of_class(np.bincount(labels[more], minlength=carried.sets))
    return taken


def select_standard(
    catalog: Catalog, ontology: Ontology, recipe: Recipe, labels: Mapping[str, str]
) -> Selection:
    """Every row of AudioSet's own task, in the queue of the rarest class that it carries.

    Args:
        labels: AudioSet's, by mid, with their names and in its order.

    Raises:
        UsageError: the recipe names a label that is none of them, or a single one.
        DataMismatch: two labels would have one folder.
    """
    task = recipe.standard
    assert task is not None
    chosen = chosen_labels(labels, find_mids(task.labels, ontology, f"recipe {recipe.name}"))
    names, folders = tuple(chosen.values()), dict[str, str]()
    try:
        check_classes(names, folders)
    except ValueError as error:
        raise DataMismatch(f"these labels cannot be classes: {error}", GENUINE) from error
    if len(folders) < 2:
        raise UsageError(f"recipe {recipe.name} has one label", "Name two or more, or none for all.")
    carried, shuffled = carried_by(catalog.label_sets, tuple(chosen)), catalog.shuffled(recipe.seed)
    fates = fates_of(catalog, carried, task, recipe.least_ms, shuffled)
    counts = np.array([catalog.rows_by_set(fates == fate) for fate in TaskFate])
    drawn_for = carried.rarest(counts[TaskFate.TAKEN].sum(axis=0))
    return Selection(
        recipe=replace(recipe, classes=tuple(ClassRule(n, frozenset({m})) for m, n in chosen.items())),
        ontology=ontology,
        catalog=catalog,
        queues=tuple(_queues(catalog, names, drawn_for, fates, shuffled)),
        funnels=tuple(_funnels(counts, carried, names, drawn_for)),
        also=_also(carried, names, drawn_for),
        split_of=task.split_of,
        left_out=_left_out(catalog.label_sets, counts.sum(axis=(0, 1)), labels),
    )


def chosen_labels(labels: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, str]:
    """Those labels that a recipe names, in AudioSet's order; all where it names none.

    Args:
        labels: AudioSet's own, of which a recipe may choose some by name or `mid`.
        wanted: the mid of each label that is named, by how it is written.

    Raises:
        UsageError: one is none of AudioSet's.
    """
    if unknown := [written for written, mid in wanted.items() if mid not in labels]:
        raise UsageError(
            f"no clip of AudioSet's is labelled {unknown[0][:60]!a}",
            "`audioset-tools select --labels WORD` searches the labels, with the clips that each has.",
        )
    mids = {*wanted.values()}
    return {mid: name for mid, name in labels.items() if mid in mids or not mids}


def _queues(
    catalog: Catalog,
    names: Sequence[str],
    drawn_for: Numbers,
    fates: npt.NDArray[np.int8],
    shuffled: npt.NDArray[np.uint64],
) -> Iterator[Queue]:
    """The rows that are drawn for each class, shuffled."""
    class_of = drawn_for[catalog.labels]
    rows = np.flatnonzero((class_of >= 0) & (fates == TaskFate.TAKEN))
    rows = rows[np.lexsort((shuffled[rows], class_of[rows]))]
    begins = np.searchsorted(class_of[rows], np.arange(len(names) + 1))
    for number, name in enumerate(names):
        own = rows[begins[number] : begins[number + 1]]
        yield Queue(name, own, np.zeros(len(own), np.int8))


def _funnels(counts: Numbers, carried: Carried, names: Sequence[str], drawn_for: Numbers) -> Iterator[Funnel]:
    """The account of each class.

    Args:
        counts: rows of each fate, [fates, subsets, label sets].
    """
    total = int(counts.sum())
    own = carried.class_of == drawn_for[carried.set_of]
    queued = replace(carried, set_of=carried.set_of[own], class_of=carried.class_of[own])
    by_fate = np.array([carried.rows_of_class(of_fate.sum(axis=0)) for of_fate in counts])
    by_subset = np.array([queued.rows_of_class(of_subset) for of_subset in counts[TaskFate.TAKEN]])
    for number, name in enumerate(names):
        taken, other_subset, too_short, enough = by_fate[:, number].tolist()
        kept = by_subset[:, number].tolist()
        told = {
            RowFate.KEPT: sum(kept),
            RowFate.NO_LABEL: total - taken - other_subset - too_short - enough,
            RowFate.TOO_SHORT: too_short,
            RowFate.RARER_CLASS: taken - sum(kept),
            RowFate.OTHER_SUBSET: other_subset,
            RowFate.ENOUGH: enough,
        }
        outcomes = {outcome: told.get(outcome, 0) for outcome in RowFate}
        yield Funnel(name, outcomes, dict(zip(SUBSETS, kept, strict=True)), tiers=(), pools={})


def _also(carried: Carried, names: Sequence[str], drawn_for: Numbers) -> dict[int, tuple[str, ...]]:
    """The classes that each label set carries besides that of its queue."""
    besides = defaultdict[int, list[str]](list)
    other = carried.class_of != drawn_for[carried.set_of]
    for label_set, number in zip(
        carried.set_of[other].tolist(), carried.class_of[other].tolist(), strict=True
    ):
        besides[label_set].append(names[number])
    return {label_set: tuple(others) for label_set, others in besides.items()}


def _left_out(
    label_sets: Sequence[frozenset[str]], rows: Numbers, labels: Mapping[str, str]
) -> dict[str, int]:
    """How many rows have each label that is none of AudioSet's."""
    lost = dict.fromkeys(sorted(frozenset().union(*label_sets) - labels.keys()), 0)
    for n, mids in zip(rows.tolist(), label_sets, strict=True):
        for mid in mids & lost.keys():
            lost[mid] += n
    return lost
