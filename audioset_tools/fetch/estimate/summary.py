"""An estimate in words: a table of what is lacking and what it takes, and what is going to lack still."""

from math import inf, isinf
from typing import Any

from ...types import Table
from ...words import MOST_ROWS, counted, duration, ends_of
from .queues import Outlook
from .run import Estimate

_NAMED = 5
"""Classes that will lack clips and are named; the others are counted."""


def estimate_table(found: Estimate) -> Table:
    """What is lacking of each class or split, what is left to try, and what it takes.

    Where YouTube is not asked there are no requests to count, and no hours.
    """
    parts = found.parts
    rows = [_row(found, part.name, (part,)) for part in parts]
    if found.rate is not None or found.of != "class" or len(parts) > MOST_ROWS:
        rows.append(_row(found, "all", parts))
    header = (found.of, "wanted", "lacking", "at hand" if found.at_hand else "in the queue", "likely")
    costs = ("disk",) if found.rate is None else ("requests", "time", "disk")
    where = " from what you have" if found.at_hand else " from mirrors" if found.rate is None else ""
    shown = ends_of(rows, lambda more: (more, *[""] * (len(header) + len(costs) - 1)))
    return Table(f"To be fetched{where}; nothing was sent or written", (*header, *costs), shown)


def estimate_lines(found: Estimate) -> list[str]:
    """How it is computed, and which classes will lack clips, with what to do."""
    return [_computed(found), *_shortfall(found)]


def estimate_json(found: Estimate) -> dict[str, Any]:
    """All of it, for `--json`; what is unlimited or unknown is null."""
    return {
        "survival": round(found.survival, 4),
        "measured": found.measured,
        "requests_an_hour": None if found.rate in (None, inf) else found.rate,
        "sample_rate": found.sample_rate,
        "kept_source_bytes": found.kept_bytes,
        "at_hand": found.at_hand,
        "of": found.of,
        "parts": {
            part.name: {
                "wanted": part.wanted,
                "verified": part.verified,
                "lacking": part.lacking,
                "in_queue": part.queued,
                "likely": found.to_come(part),
                "requests": None if found.rate is None else found.requests(part),
                "seconds": None if found.rate in (None, inf) else _seconds(found, (part,)),
                "bytes": found.size(found.to_come(part)),
            }
            for part in found.parts
        },
    }


def _row(found: Estimate, name: str, parts: tuple[Outlook, ...]) -> tuple[str, ...]:
    likely = sum(map(found.to_come, parts))
    counts = (
        sum(part.wanted for part in parts),
        sum(part.lacking for part in parts),
        sum(part.queued for part in parts),
        likely,
    )
    disk = f"{found.size(likely) / 1e9:,.2f} GB"
    cells = (name, *(f"{n:,}" for n in counts))
    if found.rate is None:
        return *cells, disk
    time = "none" if isinf(found.rate) else duration(_seconds(found, parts))
    return *cells, f"{sum(map(found.requests, parts)):,}", time, disk


def _seconds(found: Estimate, parts: tuple[Outlook, ...]) -> float:
    assert found.rate is not None
    return round(sum(map(found.requests, parts)) / found.rate * 3_600)


def _computed(found: Estimate) -> str:
    rate = found.rate
    asked = [] if rate is None or isinf(rate) else [f"{rate:,.0f} requests an hour, as it would begin"]
    if found.measured:
        alive = f"{found.survival:.0%} alive, as of those tried here so far"
    elif found.survival < 1:
        alive = f"{found.survival:.0%} alive, which is assumed until 50 have been tried here"
    else:
        alive = "whatever file there is of a video"
    kept = []
    if found.kept_bytes:
        kept = [f"{found.kept_bytes:,} bytes of each kept source"]
    elif found.kept_bytes is None:
        kept = ["the kept sources, whose size is not known, not counted"]
    return f"computed with: {'; '.join([alive, *asked, *kept])}"


def _shortfall(found: Estimate) -> list[str]:
    short = [part for part in found.parts if found.to_come(part) < part.lacking]
    if not short:
        return []
    lines = [f"{part.name} {_what_lacks(found, part)}" for part in short[:_NAMED]]
    if len(short) > _NAMED:
        lines.append(f"and {len(short) - _NAMED:,} more {'classes' if found.of == 'class' else 'splits'}")
    if found.of_list:
        return [*lines, "Nobody takes the place of a dead one; another --source may have it."]
    least = min(part.verified + found.to_come(part) for part in found.parts)
    if not least:
        return [*lines, "Another --source, or another recipe, may have more."]
    return [*lines, f"--per-class {least} is likely to be filled; another --source may have more."]


def _what_lacks(found: Estimate, part: Outlook) -> str:
    lacks = part.lacking - found.to_come(part)
    if not part.queued:
        why = "the sources have none of its candidates" if found.at_hand else "its queue is spent"
        return f"will lack {lacks:,}: {why}"
    where = "at hand" if found.at_hand else "in its queue"
    return f"will lack {lacks:,} or so: {counted(part.queued, 'candidate')} {where}"
