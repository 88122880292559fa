"""An audit as tables for people and as JSON for programs."""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from ..types import Table, join_classes
from ..words import MOST_ROWS, counted, ends_of
from ..workspace import printable
from .run import Audit

SHOWN = 20
"""Suspects in the printed table; `audit.csv` has all."""

PAIRS_SHOWN = 12

LITTLE = 0.6
"""Agreement below which the networks have learned little."""


def audit_tables(found: Audit) -> Iterator[Table]:
    """How many labels of each class are suspect, what for what, and the first of the list."""
    counts = [
        (printable(one.class_name), f"{one.clips:,}", f"{one.suspects:,}", _percent(one.wrong, one.clips))
        for one in sorted(found.classes, key=lambda one: -one.suspects * (len(found.classes) > MOST_ROWS))
    ]
    yield Table(
        f"Suspect labels: {len(found.suspects):,} of {counted(found.clips, 'clip')}",
        ("labelled", "clips", "suspect", "wrong, estimated (%)"),
        ends_of(counts, lambda more: (more, "", "", "")),
    )
    if found.pairs:
        yield Table(
            "Estimated noise, the most frequent first",
            ("labelled", "probably", "clips", "of the label (%)"),
            tuple(
                (printable(one.labelled), printable(one.probably), f"{one.clips:.0f}", _percent(one.share, 1))
                for one in found.pairs[:PAIRS_SHOWN]
            ),
        )
    if found.suspects:
        yield Table(
            f"The first {min(SHOWN, len(found.suspects))}, with the probabilities of both",
            ("rank", "key", "labelled", "probably", "split"),
            tuple(
                (
                    str(one.rank),
                    one.key,
                    f"{printable(join_classes(one.classes))} ({one.probability:.2f})",
                    f"{printable(join_classes(one.suggested))} ({one.suggested_probability:.2f})",
                    one.split,
                )
                for one in found.suspects[:SHOWN]
            ),
        )


def audit_lines(found: Audit, where: Sequence[str] = ()) -> Iterator[str]:
    """What to know and what to do next.

    Args:
        where: the options by which the command to come finds the audit.
    """
    yield f"{found.agreement:.0%} of the labels are what the networks, which did not learn them, say as well."
    if found.agreement < LITTLE:
        yield "They have learned little: the list says more of them than of the labels. Fetch more clips."
    yield f"{counted(len(found.suspects), 'suspect')}, all in {printable(found.path)}"
    if found.suspects:
        command = shlex.join(["audioset-tools", "errors", "--audit", "--serve", *where])
        yield f"Have people listen to them: {printable(command)}"


def audit_json(found: Audit) -> dict[str, Any]:
    """The same for programs, with every suspect."""
    return {**asdict(found), "path": str(found.path)}


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.1f}" if whole else ""
