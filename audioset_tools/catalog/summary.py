"""A selection for people and programs: its account, why a clip is in or out, and the candidates as CSV."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..csvfile import write_csv
from ..exceptions import EnvironmentProblem, UsageError
from ..files import remedy_of
from ..types import Table, join_classes
from ..words import MOST_ROWS, counted, ends_of
from .official import SUBSETS
from .select import Judge
from .selection import Queue, RowFate, Selection
from .standard import LABELS

_TIER_WORDS = ("L0: all kept", "L1: no voice", "L2: and no speech")


def funnel_tables(selection: Selection, per_class: int) -> list[Table]:
    """What became of every row, what is kept where, and which classes can be filled."""
    if selection.recipe.standard:
        return [_split_table(selection), _class_table(selection)]
    return [_outcomes(selection), _kept(selection), _fillable(selection, per_class)]


def funnel_json(selection: Selection, per_class: int | None = None) -> dict[str, Any]:
    """The same for `--json`, and for the ledger, which is filled before anybody says how many are wanted."""
    wanted = {} if per_class is None else {"per_class": per_class}
    return {
        "recipe": selection.recipe.name,
        "least_seconds": selection.recipe.least_ms / 1000,
        "rows": len(selection.catalog),
        **({"left_out": dict(selection.left_out)} if selection.left_out else {}),
        **wanted,
        "classes": {
            funnel.class_name: {
                "carried": funnel.carried,
                "outcomes": {str(outcome): n for outcome, n in funnel.outcomes.items()},
                "subsets": dict(funnel.subsets),
                "tiers": {f"L{tier}": n for tier, n in enumerate(funnel.tiers)},
                "pools": dict(funnel.pools),
                **({} if per_class is None else {"fillable_with_dead_share": funnel.fillable(per_class)}),
            }
            for funnel in selection.funnels
        },
    }


def left_out_line(selection: Selection) -> str:
    """Which labels of the lists are none of AudioSet's classes, and how many rows have each."""
    each = [
        f"{selection.ontology.name(mid)} ({mid}, {counted(n, 'row')})"
        for mid, n in selection.left_out.items()
    ]
    more = f" and {len(each) - MOST_ROWS:,} more" if len(each) > MOST_ROWS else ""
    return f"labels of the lists that {LABELS} lacks are left out: {'; '.join(each[:MOST_ROWS])}{more}"


def _carried(selection: Selection) -> dict[str, Counter[str]]:
    """How many segments of each split carry each class."""
    counts: dict[str, Counter[str]] = {split: Counter() for split in selection.split_of.values()}
    for queue in selection.queues:
        labels, subset = selection.catalog.labels[queue.rows], selection.catalog.subset[queue.rows]
        numbers, rows = np.unique(labels * len(SUBSETS) + subset, return_counts=True)
        for number, n in zip(numbers.tolist(), rows.tolist(), strict=True):
            label_set, of_subset = divmod(number, len(SUBSETS))
            split = counts[selection.split_of[SUBSETS[of_subset]]]
            for name in (queue.class_name, *selection.also.get(label_set, ())):
                split[name] += n
    return counts


def _split_table(selection: Selection) -> Table:
    """The splits of AudioSet's own task."""
    subsets = np.zeros(len(SUBSETS), np.int64)
    for queue in selection.queues:
        subsets += np.bincount(selection.catalog.subset[queue.rows], minlength=len(SUBSETS))
    sizes = dict(zip(SUBSETS, subsets.tolist(), strict=True))
    rows = []
    for split, carried in _carried(selection).items():
        own = [subset for subset, its in selection.split_of.items() if its == split]
        n = sum(sizes[subset] for subset in own)
        having = sum(count > 0 for count in carried.values())
        mean = f"{carried.total() / n:.2f}" if n else ""
        rows.append((split, ", ".join(own), f"{n:,}", f"{having:,}", mean))
    taken = f"{sum(sizes.values()):,} of {len(selection.catalog):,} segments"
    title = f"Recipe {selection.recipe.name}: {taken}"
    return Table(title, ("split", "subsets", "segments", "classes", "classes a segment"), tuple(rows))


def _class_table(selection: Selection) -> Table:
    """The segments of each class, the rarest first; a segment counts for every class that it carries."""
    carried = _carried(selection)
    names = sorted(
        selection.recipe.class_names, key=lambda name: (sum(of[name] for of in carried.values()), name)
    )
    rows = [(name, *(f"{of[name]:,}" for of in carried.values())) for name in names]
    shown = ends_of(rows, lambda more: (more, *[""] * len(carried)))
    return Table("Segments of each class, the rarest first", ("class", *carried), shown)


def _outcomes(selection: Selection) -> Table:
    funnels = selection.funnels
    left_out = [
        (f"− {outcome}", *(f"{funnel.outcomes[outcome]:,}" for funnel in funnels))
        for outcome in RowFate
        if outcome is not RowFate.KEPT and any(funnel.outcomes[outcome] for funnel in funnels)
    ]
    columns = (
        ("rows read", *(f"{len(selection.catalog):,}" for _ in funnels)),
        *left_out,
        ("= kept", *(f"{funnel.kept:,}" for funnel in funnels)),
    )
    recipe = selection.recipe
    taken = f"segments of {recipe.least_ms / 1000:g} s at least"
    return _by_class(f"Recipe {recipe.name} ({taken}): what became of every row", selection, columns)


def _kept(selection: Selection) -> Table:
    funnels = selection.funnels
    pools = dict.fromkeys(name for funnel in funnels for name in funnel.pools)
    recipe = selection.recipe
    tiers = (
        (*_TIER_WORDS, "L3: only music" if recipe.music else "L3: and nothing else") if recipe.tiered else ()
    )
    carried = ("carried in all", *(f"{funnel.carried:,}" for funnel in funnels))
    columns = (
        *(
            (subset.replace("_", " "), *(f"{funnel.subsets[subset]:,}" for funnel in funnels))
            for subset in SUBSETS
        ),
        *(
            (words, *(f"{f.tiers[tier]:,}" if f.tiers else "" for f in funnels))
            for tier, words in enumerate(tiers)
        ),
        *(
            (f"pool: {pool}", *(f"{f.pools[pool]:,}" if pool in f.pools else "" for f in funnels))
            for pool in pools
        ),
        *((carried,) if recipe.multi_label else ()),
    )
    *first, last = ["by subset", *(["by tier"] if tiers else []), *(["by pool"] if pools else [])]
    by = f"{', '.join(first)} and {last}" if first else last
    return _by_class(f"Kept, {by}", selection, columns)


def _fillable(selection: Selection, per_class: int) -> Table:
    rows = []
    for funnel in selection.funnels:
        share = funnel.fillable(per_class)
        verdict = f"{share:.1%}" if share is not None else f"never: {per_class - funnel.kept:,} too few"
        rows.append((funnel.class_name, f"{funnel.kept:,}", f"{per_class:,}", verdict))
    title = (
        "Can it be filled?\nIt can as long as no larger share of its videos is gone than stands last;"
        " of AudioSet's, 13 to 21 % were in late 2024."
    )
    return Table(title, ("class", "candidates", "wanted", "may be gone"), tuple(rows))


def _by_class(title: str, selection: Selection, columns: Iterable[tuple[str, ...]]) -> Table:
    """A table of a row for each class, from columns that begin with their heads."""
    header, *rows = zip(("class", *selection.recipe.class_names), *columns, strict=True)
    return Table(title, header, tuple(rows))


def explain_clip(selection: Selection, ytid: str) -> Iterator[str]:
    """Lines that say what the clips of a video are labelled and what each class makes of them.

    Raises:
        UsageError: it is not in the lists.
    """
    rows = list(selection.catalog.find(ytid))
    if not rows:
        raise UsageError(
            f"{ytid} is not in the lists",
            f"See that the id is right, and --metadata: these lists have {len(selection.catalog):,} rows.",
        )
    if selection.recipe.standard:
        yield from _explain_standard(selection, rows)
        return
    ontology = selection.ontology
    judge = Judge(selection.recipe, ontology)
    for row in rows:
        segment = selection.catalog.segment(row)
        yield f"{segment.key}  {segment.start_ms / 1000:g} to {segment.end_ms / 1000:g} s, {segment.subset}"
        yield f"  labels: {ontology.described(segment.mids)}"
        length_ms, least_ms = segment.end_ms - segment.start_ms, selection.recipe.least_ms
        carried: list[str] = []
        for number, rule in enumerate(selection.recipe.classes):
            verdict = judge.verdict(segment.mids, rule)
            if verdict.outcome is RowFate.KEPT and length_ms < least_ms:
                lengths = f"{length_ms / 1000:g} s, where the recipe takes {least_ms / 1000:g} s at least"
                yield f"  {rule.name}: out, {RowFate.TOO_SHORT}: {lengths}"
            elif verdict.outcome is RowFate.KEPT:
                yield f"  {rule.name}: in, {_place(selection, number, row)}"
                carried.append(rule.name)
            else:
                because = f": {ontology.described(verdict.because)}" if verdict.because else ""
                yield f"  {rule.name}: out, {verdict.outcome}{because}"
        if selection.recipe.multi_label:
            yield f"  carries: {', '.join(carried) or 'no class'}"


def _explain_standard(selection: Selection, rows: Iterable[int]) -> Iterator[str]:
    """The same of AudioSet's own task, by which a clip carries all of its labels."""
    ontology, held = (
        selection.ontology,
        frozenset[str]().union(*(r.include for r in selection.recipe.classes)),
    )
    for row in rows:
        segment = selection.catalog.segment(row)
        yield f"{segment.key}  {segment.start_ms / 1000:g} to {segment.end_ms / 1000:g} s, {segment.subset}"
        yield f"  labels: {ontology.described(segment.mids)}"
        if others := segment.mids - held:
            yield f"  no classes: {ontology.described(others)}"
        own = next((queue for queue in selection.queues if (queue.rows == row).any()), None)
        if own is None:
            fates = [RowFate.NO_LABEL] if not segment.mids & held else [RowFate.OTHER_SUBSET]
            if segment.mids & held and segment.subset in selection.split_of:
                short = segment.end_ms - segment.start_ms < selection.recipe.least_ms
                fates = [RowFate.TOO_SHORT if short else RowFate.ENOUGH]
            yield f"  out, {fates[0]}"
        else:
            rank = int(np.flatnonzero(own.rows == row)[0])
            yield f"  carries: {ontology.described(segment.mids & held)}"
            split = selection.split_of[segment.subset]
            yield f"  in the {split} split, fetched for {own.class_name}: rank {rank:,} of {len(own):,}"


def _place(selection: Selection, number: int, row: int) -> str:
    queue = selection.queues[number]
    found = np.flatnonzero(queue.rows == row)
    if not len(found):
        return str(RowFate.RARER_CLASS)
    rank = int(found[0])
    tier = f"tier L{queue.tiers[rank]}, " if selection.funnels[number].tiers else ""
    return f"{tier}rank {rank:,} of {len(queue):,}"


def write_candidates(selection: Selection, target: Path) -> None:
    """Write `key,ytid,start_ms,end_ms,class,also,tier,rank,subset`, by class and rank.

    Where the subsets are the splits, a column `split` follows.

    Raises:
        EnvironmentProblem: the file cannot be written.
    """
    columns = ["key", "ytid", "start_ms", "end_ms", "class", "also", "tier", "rank", "subset"]
    columns += ["split"] if selection.split_of else []
    rows = (row for queue in selection.queues for row in _candidate_rows(selection, queue))
    try:
        write_csv(target, columns, rows)
    except OSError as error:
        raise EnvironmentProblem(f"{target} cannot be written: {error.strerror}", remedy_of(error)) from error


def _candidate_rows(selection: Selection, queue: Queue) -> Iterator[tuple[Any, ...]]:
    catalog = selection.catalog
    also = {labels: join_classes(names) for labels, names in selection.also.items()}
    listed = zip(
        catalog.ytid[queue.rows].astype("U11").tolist(),
        catalog.start_ms[queue.rows].tolist(),
        catalog.end_ms[queue.rows].tolist(),
        catalog.labels[queue.rows].tolist(),
        queue.tiers.tolist(),
        catalog.subset[queue.rows].tolist(),
        strict=True,
    )
    for rank, (ytid, start_ms, end_ms, labels, tier, subset) in enumerate(listed):
        others = also.get(labels, "")
        key = f"{ytid}_{start_ms}"
        name = SUBSETS[subset]
        split = (selection.split_of[name],) if selection.split_of else ()
        yield key, ytid, start_ms, end_ms, queue.class_name, others, tier, rank, name, *split
