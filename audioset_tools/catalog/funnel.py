"""The selection's account as tables for people and as JSON for programs."""

from collections.abc import Iterable
from typing import Any

from ..types import Table
from .judge import Outcome
from .official import SUBSETS
from .select import Selection

_TIER_WORDS = ("L0: all kept", "L1: no voice", "L2: and no speech", "L3: only music")


def funnel_tables(selection: Selection, per_class: int) -> list[Table]:
    """What became of every row, what is kept where, and what can be filled.

    Args:
        selection: whose.
        per_class: how many clips of each class are wanted.
    """
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
        for outcome in Outcome
        if outcome is not Outcome.KEPT and any(funnel.outcomes[outcome] for funnel in funnels)
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
    carried = ("carried in all", *(f"{funnel.carried:,}" for funnel in funnels))
    columns = (
        *(
            (subset.replace("_", " "), *(f"{funnel.subsets[subset]:,}" for funnel in funnels))
            for subset in SUBSETS
        ),
        *(
            (words, *(f"{f.tiers[tier]:,}" if f.tiers else "" for f in funnels))
            for tier, words in enumerate(_TIER_WORDS)
        ),
        *(
            (f"pool: {pool}", *(f"{f.pools[pool]:,}" if pool in f.pools else "" for f in funnels))
            for pool in pools
        ),
        *((carried,) if selection.recipe.multi_label else ()),
    )
    return _by_class("Kept, by subset, by tier and by pool", selection, columns)


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
