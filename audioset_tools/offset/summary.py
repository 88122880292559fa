"""The offset of two sources as a table for people and as JSON for programs."""

from typing import Any

from ..types import Table
from ..words import counted
from ..workspace import printable
from .run import OffsetEstimate

NEAR_MS = (1.0, 5.0, 50.0)
"""How near the median is counted."""


def offset_table(found: OffsetEstimate) -> Table:
    """The estimate, its spread, and how much of the sample could not tell."""
    clear = found.clear
    rows = [
        ("pairs compared", f"{len(found.pairs):,}"),
        ("candidates that one of the two lacked", f"{found.lacked:,}"),
        ("pairs with a clear offset", f"{len(clear):,}"),
    ]
    if found.quartiles:
        low, median, high = found.quartiles
        rows += [
            ("offset of the second, median", f"{median:+.1f} ms"),
            ("half of them lie between", f"{low:+.1f} and {high:+.1f} ms"),
            ("all of them between", f"{clear[0]:+.1f} and {clear[-1]:+.1f} ms"),
            *((f"within {ms:g} ms of the median", f"{found.within(ms) / len(clear):.0%}") for ms in NEAR_MS),
        ]
    title = f"{printable(found.sources[1])} against {printable(found.sources[0])}"
    return Table(title, ("", ""), tuple(rows))


def offset_lines(found: OffsetEstimate) -> list[str]:
    """What the figures do not say by themselves."""
    unclear = len(found.pairs) - len(found.clear)
    lines = []
    if unclear:
        left_out = f"{counted(unclear, 'pair was', 'pairs were')} left out"
        lines.append(f"{left_out}: a sound that repeats itself looks alike at every repetition")
    if not found.quartiles:
        lines.append("too few pairs tell anything; compare a larger --sample")
    return lines


def offset_json(found: OffsetEstimate) -> dict[str, Any]:
    """The same for `--json`, with every pair."""
    quartiles = found.quartiles
    return {
        "sources": list(found.sources),
        "pairs": [
            {
                "key": pair.candidate.key,
                "class": pair.candidate.class_name,
                "offset_ms": round(pair.offset.ms, 3),
                "clarity": round(pair.offset.clarity, 3),
                "clear": pair.offset.is_clear,
                "origins": list(pair.origins),
            }
            for pair in found.pairs
        ],
        "lacked": found.lacked,
        "clear": len(found.clear),
        "median_ms": quartiles and round(quartiles[1], 3),
        "quartiles_ms": quartiles and [round(quartiles[0], 3), round(quartiles[2], 3)],
    }
