"""A list of segments that somebody has: every one of them is wanted, in the classes and splits it names.

`read_segment_list` takes a CSV or a parquet file, whose rows come from `catalog/list_rows.py`, and makes one
candidate of each segment: rows of one segment are joined, and what contradicts itself is refused with both
lines. The queue that follows has no spare candidates.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from ..exceptions import DataMismatch
from ..types import Candidate, Splits, clip_key
from ..words import counted
from ..workspace import folder_name, printable
from .list_rows import REMEDY, ListRow, RowsOfList, open_list

NO_CLASS = "clip"
"""The one class of a list that names none."""

SUBSET = "list"
"""What the ledger has as the subset of such a candidate, where one of AudioSet's has its list's name."""

MOST_CLASSES = 2_000
"""AudioSet has 527; each is a folder and a queue. A column of captions is no column of classes."""

MOST_OF_ONE = 200
"""Classes, or labels, of one segment."""

_LONGEST_CLASS = 100


@dataclass(frozen=True)
class SegmentList:
    """All segments of a list, one candidate each.

    Args:
        name: what it is called where a recipe has its name.
        form: whose form it has, in words.
        rows: how many were read, and of these
        repeated: how many said nothing new.
        class_names: of a multi-label list also those that no clip is drawn for.
        candidates: ordered by class and rank.
        seed, splits: what decides the splits that the list leaves open.
        sample_rate: hertz of the clips, where it says so, as a manifest does.
    """

    name: str
    form: str
    rows: int
    repeated: int
    class_names: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    seed: int = 0
    splits: Splits = field(default_factory=Splits)
    sample_rate: int | None = None

    @property
    def multi_label(self) -> bool:
        return any(one.also for one in self.candidates)

    @cached_property
    def digest(self) -> str:
        """A sha256 of what the list says, however it is written and ordered."""
        digest = hashlib.sha256(json.dumps(self.class_names).encode())
        for one in sorted(self.candidates, key=lambda one: one.key):
            said = [one.key, one.end_ms, one.class_name, one.also, one.labels, one.split]
            # Lists were told apart before there were groups.
            said += [one.group] if one.group else []
            digest.update(json.dumps(said).encode())
        return digest.hexdigest()

    def __str__(self) -> str:
        classes = counted(len(self.class_names), "class", "classes")
        again = f", {counted(self.repeated, 'row')} twice" if self.repeated else ""
        return f"{self.name} ({self.form}): {counted(len(self.candidates), 'segment')} of {classes}{again}"


def read_segment_list(path: Path) -> SegmentList:
    """Read a list: all of it, or nothing where one row is in doubt.

    Raises:
        UsageError: there is no such file.
        DataMismatch: it is damaged, or contradicts itself; the message has the line.
        EnvironmentProblem: it cannot be read, or it is a parquet file and pyarrow is missing.
    """
    return list_of(open_list(path), f"list {printable(path.stem)[:60]}")


def list_of(opened: RowsOfList, name: str) -> SegmentList:
    """The list that some rows are.

    Raises:
        DataMismatch: they are damaged, or contradict themselves.
    """
    held: dict[str, _Held] = {}
    folders: dict[str, str] = {}
    known: set[str] = set()
    rows = repeated = 0
    for row in opened.rows:
        rows += 1
        try:
            if not known.issuperset(row.classes):
                check_classes(row.classes, folders)
                known.update(row.classes)
            key = clip_key(row.ytid, row.start_ms)
            if (one := held.get(key)) is None:
                held[key] = _Held(row)
            elif not one.takes(row, opened.place):
                repeated += 1
        except ValueError as error:
            raise opened.damaged(row.line, str(error)) from error
    if not held:
        raise DataMismatch(f"{opened.name} holds no segment", REMEDY)
    class_names = tuple(sorted(folders.values())) or (NO_CLASS,)
    candidates = tuple(_ranked(held, class_names))
    return SegmentList(name, opened.form, rows, repeated, class_names, candidates)


class _Held:
    """One segment, from all rows about it."""

    __slots__ = ("classes", "labels", "row")

    def __init__(self, row: ListRow) -> None:
        self.row = row
        self.classes = row.classes
        self.labels = row.labels

    def takes(self, row: ListRow, place: str) -> bool:
        """Whether a further row says anything new.

        Args:
            place: what a row's number is called.

        Raises:
            ValueError: it contradicts the first.
        """
        first = self.row
        for word, one, other in (
            ("ends at", f"{first.end_ms / 1000:g} s", f"{row.end_ms / 1000:g} s"),
            ("is of the split", first.split or "none", row.split or "none"),
            ("is of the group", first.group or "none", row.group or "none"),
            ("is drawn for", first.drawn_for or "none", row.drawn_for or "none"),
        ):
            if one != other:
                key = clip_key(row.ytid, row.start_ms)
                raise ValueError(f"{key} {word} {other} here, and {one} in {place} {first.line:,}")
        if {*row.classes} <= {*self.classes} and {*row.labels} <= {*self.labels}:
            return False
        self.classes = tuple(dict.fromkeys((*self.classes, *row.classes)))
        self.labels = tuple(dict.fromkeys((*self.labels, *row.labels)))
        if max(len(self.classes), len(self.labels)) > MOST_OF_ONE:
            raise ValueError(f"more than {MOST_OF_ONE} classes or labels of one segment")
        return True


def check_classes(classes: Iterable[str], folders: dict[str, str]) -> None:
    """See that each name can be a class's; `folders` has those met so far by their folder's name.

    Raises:
        ValueError: it cannot.
    """
    for name in classes:
        folder = folder_name(name)
        other = folders.setdefault(folder, name)
        if other != name:
            raise ValueError(f"the classes {other!a} and {name!a} would lie in one folder: rename one")
        if len(name) > _LONGEST_CLASS or not name.isprintable():
            raise ValueError(f"no name of a class: {name[:60]!a}")
    if len(folders) > MOST_CLASSES:
        raise ValueError(
            f"more than {MOST_CLASSES:,} classes: if the column holds captions or the like, rename it"
        )


def _ranked(held: dict[str, _Held], class_names: tuple[str, ...]) -> Iterator[Candidate]:
    """A candidate of each segment, by class and rank; by their keys in a class, whatever the list's order.

    A segment of several classes is drawn for the one that the fewest segments carry, unless the list says
    for which: as by a recipe.
    """
    carried = Counter(name for one in held.values() for name in one.classes)
    rarest_first = {name: n for n, name in enumerate(sorted(class_names, key=lambda name: carried[name]))}
    by_class: dict[str, list[Candidate]] = {name: [] for name in class_names}
    for _, one in sorted(held.items()):
        row, classes = one.row, one.classes or (NO_CLASS,)
        drawn_for = row.drawn_for or min(classes, key=rarest_first.__getitem__)
        also = tuple(sorted((name for name in classes if name != drawn_for), key=class_names.index))
        labels = tuple(sorted(one.labels or one.classes))
        segment, rank = (row.ytid, row.start_ms, row.end_ms), len(by_class[drawn_for])
        own = row.split, row.group
        by_class[drawn_for].append(Candidate(*segment, drawn_for, 0, rank, SUBSET, also, labels, *own))
    for of_class in by_class.values():
        yield from of_class
