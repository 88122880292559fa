"""All that the lists say of the clips: the names of their labels, and which of these stand beside a class."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ...catalog.official import find_ontology
from ...catalog.ontology import read_ontology
from ...shards.placements import Alike, Placement, Placements
from ...types import Table
from ...words import MOST_ROWS, counted
from .. import charts
from ..page import Block, Chart, Heading, Shown, Words
from ..snapshot import Snapshot

BESIDE = 8
"""Labels that are drawn of a class; the table has `MOST_LISTED`."""

MOST_LISTED = 40
MOST_DRAWN = 12
"""Classes that have a chart of their own."""


class LabelNames:
    """What labels are called: a list's own words, or AudioSet's `mid`s by its ontology.

    Args:
        of_mids: display names by `mid`; empty where no ontology is at hand.
        own: whether labels are a list's own words, which are their own names.
    """

    def __init__(self, of_mids: Mapping[str, str], own: bool = False) -> None:
        self._of_mids = of_mids
        self._own = own

    def of(self, clip: Alike | Placement) -> tuple[str, ...]:
        """The names of a clip's labels, sorted; none where no name is known of one of them."""
        names = [self._of_mids.get(label) or self._own_word(label) for label in clip.labels]
        return tuple(sorted(names)) if all(names) else ()

    def line(self, clip: Placement | None) -> str:
        """What is said of a clip's labels below its picture; nothing where their names are not known."""
        names = self.of(clip) if clip is not None else ()
        return f"labels: {'; '.join(names)}" if names else ""

    def _own_word(self, label: str) -> str:
        """A label that is its own name; AudioSet's `/m/04rlf` is none."""
        return label if self._own and not label.startswith("/") else ""


def read_label_names(snapshot: Snapshot, metadata: Path | None) -> LabelNames:
    """The names of a workspace's labels, as far as they are on this machine: nothing is downloaded.

    Args:
        metadata: a folder with AudioSet's lists; None for the workspace's own.

    Raises:
        DataMismatch: the ontology is damaged.
    """
    path = find_ontology(metadata or snapshot.workspace.metadata)
    of_mids = read_ontology(path).names if path.is_file() else {}
    return LabelNames(of_mids, snapshot.fetched is not None and not snapshot.fetched.origin.by_recipe)


def label_blocks(clips: Placements, names: LabelNames) -> list[Block]:
    """Which labels the clips of each class have; nothing where no name is known."""
    counts: dict[str, Counter[str]] = {}
    totals: Counter[str] = Counter()
    of_kinds = np.bincount(clips.kind, minlength=len(clips.kinds)).tolist()
    for kind, n in zip(clips.kinds, of_kinds, strict=True):
        if n and (found := names.of(kind)):
            of_class = counts.setdefault(kind.class_name, Counter())
            for label in found:
                of_class[label] += n
            totals[kind.class_name] += n
    if not counts:
        return []
    blocks: list[Block] = [
        Heading("Labels beside each class", "labels"),
        Words("How many of a class's clips have a label, by all that the lists say of them."),
    ]
    for name in list(counts)[:MOST_DRAWN]:
        shown = {
            label: {"clips": float(round(100 * n / totals[name]))}
            for label, n in _frequent(counts[name], BESIDE)
        }
        words = f"{counted(totals[name], 'clip')}, {counted(len(counts[name]), 'label')}."
        blocks.append(Chart(charts.bars(name, "% of the class's clips", shown, words=words, high=100)))
    rows = [
        (name, label, f"{n:,}", f"{n / totals[name]:.1%}")
        for name, of_class in counts.items()
        for label, n in _frequent(of_class, MOST_LISTED if len(counts) <= MOST_ROWS else BESIDE)
    ]
    head = ("class", "label", "clips", "share of the class")
    return [
        *blocks,
        Shown(Table("Labels of each class, the most frequent first", head, tuple(rows)), folded=True),
    ]


def _frequent(counts: Counter[str], most: int) -> list[tuple[str, int]]:
    """The most frequent, of equals the first by name."""
    return sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:most]
