"""A selection for people and programs: its account, why a clip is in or out, and the candidates as CSV."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..csvfile import write_csv
from ..exceptions import EnvironmentProblem, UsageError
from ..files import remedy_of
from ..types import YTID, Table, join_classes
from .official import SUBSETS
from .select import Judge, Queue, RowFate, Selection

_TIER_WORDS = ("L0: all kept", "L1: no voice", "L2: and no speech")


def funnel_tables(selection: Selection, per_class: int) -> list[Table]:
    """What became of every row, what is kept where, and which classes can be filled."""
    return [_outcomes(selection), _kept(selection), _fillable(selection, per_class)]


def funnel_json(selection: Selection, per_class: int | None = None) -> dict[str, Any]:
    """The same for `--json`, and for the ledger, which is filled before anybody says how many are wanted."""
    wanted = {} if per_class is None else {"per_class": per_class}
    return {
        "recipe": selection.recipe.name,
        "least_seconds": selection.recipe.least_ms / 1000,
        "rows": len(selection.catalog),
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
        verdict = (
            f"up to {share:.1%} dead" if share is not None else f"never: {per_class - funnel.kept:,} too few"
        )
        rows.append((funnel.class_name, f"{funnel.kept:,}", f"{per_class:,}", verdict))
    return Table("Can it be filled?", ("class", "candidates", "wanted", "can be filled with"), tuple(rows))


def _by_class(title: str, selection: Selection, columns: Iterable[tuple[str, ...]]) -> Table:
    """A table of a row for each class, from columns that begin with their heads."""
    header, *rows = zip(("class", *selection.recipe.class_names), *columns, strict=True)
    return Table(title, header, tuple(rows))


def explain_clip(selection: Selection, ytid: str) -> Iterator[str]:
    """Lines that say what the clips of a video are labelled and what each class makes of them.

    Raises:
        UsageError: it is no video id, or not in the lists.
    """
    if not YTID.fullmatch(ytid):
        raise UsageError(
            f"{ytid!r} is not a video id",
            "An id has 11 characters of A-Z a-z 0-9 - _; write --explain=ID if it begins with -.",
        )
    rows = list(selection.catalog.find(ytid))
    if not rows:
        raise UsageError(f"{ytid} is not in the lists", "AudioSet has one segment each of 2,084,320 videos.")
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

    Raises:
        EnvironmentProblem: the file cannot be written.
    """
    columns = ["key", "ytid", "start_ms", "end_ms", "class", "also", "tier", "rank", "subset"]
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
        yield key, ytid, start_ms, end_ms, queue.class_name, others, tier, rank, SUBSETS[subset]
