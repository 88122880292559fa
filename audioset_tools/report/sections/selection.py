"""The section about the selection: what became of every row, the tiers, what can still be filled."""

from collections.abc import Mapping
from typing import Any

from ...fetch.status import ClassStatus
from ...ledger import State
from ...types import Table
from ...words import MOST_ROWS, counted
from .. import charts
from ..page import Block, Chart, Missing, Section, Shown, Words
from ..snapshot import Fetched, Snapshot

_KEPT = "Kept, by subset and by pool"

TIERS = {3: "L3: only music labels", 2: "L2: no speech either", 1: "L1: no voice", 0: "L0: any kept row"}


def selection_section(snapshot: Snapshot, funnel: Mapping[str, Any] | None) -> Section:
    """What was selected.

    Args:
        funnel: the account of the rows, where it was read from the lists; else the one that `fetch` recorded.
    """
    fetched = snapshot.fetched
    account = funnel or (fetched.funnel if fetched else None)
    blocks: list[Block] = []
    if account is not None:
        blocks += _account(account)
    elif fetched is not None:
        blocks.append(
            Missing(
                "What became of every row of the lists was not recorded here.",
                "audioset-tools report --metadata DIR",
            )
        )
    if fetched is None:
        blocks.append(
            Missing("The workspace has no candidates yet.", "audioset-tools fetch --per-class 2400")
        )
    else:
        many = len(fetched.origin.class_names) > MOST_ROWS
        # A list, and AudioSet's own task, have no tiers.
        tiers = [] if fetched.origin.of_list and many else _tiers(fetched, account)
        blocks += [*tiers, Shown(_fillable(fetched), folded=many), Words(_dead_words(fetched))]
    return Section("selection", "The selection", tuple(blocks))


def summary_words(snapshot: Snapshot) -> Words:
    """The state of the workspace in a sentence."""
    fetched = snapshot.fetched
    if fetched is None:
        return Words("This workspace holds no candidates yet.")
    verified = sum(one.verified for one in fetched.status.classes)
    wanted = [one.wanted for one in fetched.status.classes if one.wanted is not None]
    of = f" of {sum(wanted):,} wanted" if wanted else ""
    return Words(f"{counted(verified, 'verified clip')}{of}, of {len(fetched.status.classes)} classes.")


def _account(funnel: Mapping[str, Any]) -> list[Block]:
    """The funnel as tables: rows by outcome, and those kept by subset and pool."""
    classes: Mapping[str, Mapping[str, Any]] = {
        str(name): entry for name, entry in funnel["classes"].items() if isinstance(entry, dict)
    }
    many, head = len(classes) > MOST_ROWS, ("", *classes)
    outcomes = list(
        dict.fromkeys(outcome for entry in classes.values() for outcome in entry.get("outcomes", {}))
    )
    rows = [("rows read", *(_figure(funnel.get("rows")) for _ in classes))]
    for outcome in outcomes:
        counts = [entry.get("outcomes", {}).get(outcome, 0) for entry in classes.values()]
        if any(counts):
            word = "= kept" if outcome == "kept" else f"− {outcome}"
            rows.append((word, *map(_figure, counts)))
    rows.sort(key=lambda row: row[0] == "= kept")
    kept = [
        (f"{word}{name}", *(_figure(entry.get(part, {}).get(name)) for entry in classes.values()))
        for part, word in (("subsets", ""), ("pools", "pool: "))
        for name in dict.fromkeys(name for entry in classes.values() for name in entry.get(part, {}))
    ]
    title = f"Recipe {funnel.get('recipe', '')}: what became of every row of the lists"
    if many:
        # Of so many classes each has a row.
        rows, kept = ([*zip(*[head, *table], strict=True)] for table in (rows, kept))
        whole, parts = (
            Table(name, found[0], tuple(found[1:])) for name, found in ((title, rows), (_KEPT, kept))
        )
        return [Shown(whole, folded=True), Shown(parts, folded=True)]
    return [
        Shown(Table(title, head, tuple(rows))),
        Shown(Table(_KEPT, head, tuple(kept)), folded=True),
    ]


def _tiers(fetched: Fetched, account: Mapping[str, Any] | None) -> list[Block]:
    """How many candidates of each tier were tried, and how many it holds where that was recorded."""
    totals = _tier_totals(account)
    known = sorted({(name, tier) for name, tier, _ in fetched.tiers} | set(totals), key=lambda k: -k[1])
    names = fetched.origin.class_names
    known.sort(key=lambda k: names.index(k[0]) if k[0] in names else len(names))
    rows: list[tuple[str, ...]] = []
    drawn = {}
    for name, tier in known:
        counts = [
            fetched.tiers.get((name, tier, state), 0) for state in (State.ACCEPTED, State.DEAD, State.WAITING)
        ]
        total = totals.get((name, tier))
        left = "" if total is None else f"{total - sum(counts):,}"
        word = TIERS.get(tier, f"L{tier}")
        rows.append((name, word, _figure(total), *(f"{n:,}" for n in counts), left))
        if sum(counts):
            drawn[f"{name} L{tier}"] = dict(
                zip(("verified", "dead", "waiting"), map(float, counts), strict=True)
            )
    head: tuple[str, ...] = ("class", "tier", "candidates", "verified", "dead", "waiting", "not tried yet")
    if not totals:
        head, rows = (*head[:2], *head[3:-1]), [(*row[:2], *row[3:-1]) for row in rows]
    blocks: list[Block] = [Shown(Table("Tiers, the cleanest first", head, tuple(rows)))]
    if drawn:
        words = "The queue of a class is worked off from its cleanest tier down."
        blocks.insert(
            0, Chart(charts.bars("Candidates tried, by class and tier", "candidates", drawn, words=words))
        )
    return blocks


def _tier_totals(account: Mapping[str, Any] | None) -> dict[tuple[str, int], int]:
    """Candidates by class and tier: the funnel counts those of a tier or better.

    A class of pools has no tiers; the ledger has all its candidates in the last one.
    """
    totals: dict[tuple[str, int], int] = {}
    for name, entry in (account or {"classes": {}})["classes"].items():
        tiers = entry.get("tiers") if isinstance(entry, dict) else None
        if isinstance(entry, dict) and not tiers:
            tiers = {f"L{min(TIERS)}": entry.get("outcomes", {}).get("kept")}
        better = 0
        for tier in sorted(TIERS, reverse=True):
            count = tiers.get(f"L{tier}") if isinstance(tiers, dict) else None
            if isinstance(count, int):
                totals[str(name), tier] = count - better
                better = count
    return totals


def _fillable(fetched: Fetched) -> Table:
    rows = []
    for one in fetched.status.classes:
        left = one.queued + one.waiting
        lacking = max(0, (one.wanted or 0) - one.verified)
        rows.append(
            (
                one.class_name,
                _figure(one.wanted),
                f"{one.verified:,}",
                f"{left:,}",
                _verdict(one, lacking, left),
            )
        )
    head = ("class", "wanted", "verified", "left to try", "can be filled")
    return Table("What can still be filled", head, tuple(rows))


def _dead_words(fetched: Fetched) -> str:
    """What a dead candidate is, and how many of this workspace's are."""
    words = "A candidate is dead whose video is gone, private or blocked, or has no sound there."
    verified, dead = (
        sum(getattr(one, what) for one in fetched.status.classes) for what in ("verified", "dead")
    )
    if verified + dead:
        words += f" So far {dead / (verified + dead):.0%} of those that were tried to the end were."
    return words


def _verdict(one: ClassStatus, lacking: int, left: int) -> str:
    if one.wanted is None:
        return "not known before the first fetch"
    if not lacking:
        return "it is full"
    if lacking > left:
        return f"no: {lacking - left:,} too few are left"
    return f"if at most {1 - lacking / left:.0%} of those left to try are dead"


def _figure(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else ""
