"""The clips of a data set, each in its split: two million of them in a quarter of a gigabyte.

As objects they would take a kilobyte each. So they are kept as columns, of which one refers to what many
clips have in common: their classes, their labels, and how a path is made of a key.
"""

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple, Self, overload

import numpy as np
import numpy.typing as npt

from ..ledger.columns import Told
from ..types import Clip

SPLITS = ("train", "validation", "test")

MOST_OF_A_KEY = 32
"""Characters, of ASCII; what names a segment has 22."""

Names = npt.NDArray[np.bytes_]
Numbers = npt.NDArray[np.intp]
Codes = npt.NDArray[np.int32]
SplitCodes = npt.NDArray[np.int8]

_SHA256, _GROUP = 64, 11
_COLUMNS = {
    "key": f"S{MOST_OF_A_KEY}", "sha256": f"S{_SHA256}", "group": f"S{_GROUP}", "split": "i1", "kind": "i4"
}  # fmt: skip
_NAMES = {-1: "", **dict(enumerate(SPLITS))}
_SPLIT = {name: number for number, name in _NAMES.items()}
_AT_ONCE = 4_096
"""Clips that are objects at the same time, where they are gone through."""


@dataclass(frozen=True, slots=True)
class Placement:
    """One clip of the data set and the split it belongs to, for good.

    `also` are its other classes, `labels` all that the lists say of it. `group` is its group, "" where it was
    placed before there were groups.
    """

    key: str
    class_name: str
    also: tuple[str, ...]
    split: str
    path: str
    sha256: str
    labels: tuple[str, ...] = ()
    group: str = ""


def named(clip: Clip | Placement) -> str:
    """The classes of a clip in words: the one it was drawn for first."""
    return ", ".join((clip.class_name, *clip.also))


class Alike(NamedTuple):
    """What many clips have in common.

    Args:
        class_name, also: their classes, the one that each was drawn for first.
        labels: all that the lists say of each.
        before, behind: of a path, what stands before and behind the key; without a key in it all is before.
        keyed: whether the key stands in the path.
    """

    class_name: str
    also: tuple[str, ...]
    labels: tuple[str, ...]
    before: str
    behind: str
    keyed: bool

    def path(self, key: str) -> str:
        """The path of the clip with a key."""
        return f"{self.before}{key}{self.behind}" if self.keyed else self.before


class PlacedColumns(NamedTuple):
    """Some placements, of each a value in every column; `kind` is the number of its `Alike`."""

    key: list[str]
    path: list[str]
    sha256: list[str]
    split: list[str]
    group: list[str]
    kind: list[int]


class Placements(Sequence[Placement]):
    """Placements in an order, kept as columns; any `Placement` asked for is made then.

    Args:
        placements: where they come from, one after the other.

    Attributes:
        key, sha256, group: of every clip, as ASCII, [clips].
        split: of every clip the number of its split in `SPLITS`, -1 where it has none yet, [clips].
        kind: of every clip the number of its `Alike` in `kinds`, [clips].
    """

    __slots__ = ("_order", "group", "key", "kind", "kinds", "sha256", "split")

    key: Names
    sha256: Names
    group: Names
    split: SplitCodes
    kind: Codes
    kinds: Sequence[Alike]

    def __init__(self, placements: Iterable[Placement] = ()) -> None:
        gathering, rest = Gathering(), iter(placements)
        while some := list(islice(rest, _AT_ONCE)):
            gathering.add(
                [one.key for one in some],
                [one.path for one in some],
                [one.sha256 for one in some],
                [one.split for one in some],
                [(one.class_name, one.also, one.labels) for one in some],
                [one.group for one in some],
            )
        for name, column in gathering.columns().items():
            setattr(self, name, column)
        self._order: Numbers | None = None

    def __len__(self) -> int:
        return len(self.key)

    @overload
    def __getitem__(self, number: int) -> Placement: ...
    @overload
    def __getitem__(self, number: slice) -> Self: ...
    def __getitem__(self, number: int | slice) -> Placement | Self:
        if isinstance(number, slice):
            return self.take(number)
        return next(iter(self.take(np.array([range(len(self))[number]]))))

    def __iter__(self) -> Iterator[Placement]:
        for some in self.blocks():
            for key, path, sha256, split, group, code in zip(*some, strict=True):
                kind = self.kinds[code]
                yield Placement(key, kind.class_name, kind.also, split, path, sha256, kind.labels, group)

    def blocks(self) -> Iterator[PlacedColumns]:
        """The same column by column, some thousand at a time."""
        for start in range(0, len(self), _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            texts = (one[some].astype(np.str_).tolist() for one in (self.key, self.sha256, self.group))
            key, sha256, group = texts
            kind, split = self.kind[some].tolist(), [_NAMES[code] for code in self.split[some].tolist()]
            paths = [self.kinds[code].path(own) for own, code in zip(key, kind, strict=True)]
            yield PlacedColumns(key, paths, sha256, split, group, kind)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str | bytes):
            return NotImplemented
        others = other if isinstance(other, Placements) else Placements(other)
        if len(self) != len(others):
            return False
        number = {kind: code for code, kind in enumerate(self.kinds)}
        same = np.array([number.get(kind, -1) for kind in others.kinds], np.int32)
        return np.array_equal(self.kind, same[others.kind]) and all(
            np.array_equal(getattr(self, name), getattr(others, name))
            for name in ("key", "sha256", "group", "split")
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Placements({[*self]})" if len(self) < 10 else f"<{len(self):,} placements>"

    def __reduce__(self) -> tuple[Any, ...]:
        """For another process, with the kinds of these clips alone."""
        used, kind = np.unique(self.kind, return_inverse=True)
        columns = {name: getattr(self, name).copy() for name in ("key", "sha256", "group", "split")}
        kinds = [self.kinds[code] for code in used.tolist()]
        return Placements._of, ({**columns, "kind": kind.astype(np.int32), "kinds": kinds},)

    @classmethod
    def _of(cls, columns: Mapping[str, Any]) -> Self:
        new = cls.__new__(cls)
        for name, column in columns.items():
            setattr(new, name, column)
        new._order = None
        return new

    def take(self, which: Numbers | npt.NDArray[np.bool_] | slice) -> Self:
        """Some of them, by their numbers, in the order of these."""
        columns = {name: getattr(self, name)[which] for name in ("key", "sha256", "group", "split", "kind")}
        return self._of({**columns, "kinds": self.kinds})

    def of_split(self, split: str) -> Self:
        """Those of a split, in their order."""
        return self.take(self.split == SPLITS.index(split))

    def placed(self, split: SplitCodes, group: Names) -> Self:
        """The same clips in splits and groups.

        Args:
            split: the number of each one's split in `SPLITS`, [clips].
            group: the name of each one's group, [clips].
        """
        columns = {name: getattr(self, name) for name in ("key", "sha256", "kind", "kinds")}
        return self._of({**columns, "split": split.astype(np.int8), "group": group.astype(f"S{_GROUP}")})

    def by_key(self, keys: Names) -> Numbers:
        """Where each key stands, -1 where it does not, [keys]."""
        if not len(self):
            return np.full(len(keys), -1)
        order, asked, at = self.order, np.argsort(keys, kind="stable"), np.empty(len(keys), np.intp)
        # In their order each is found near the last one, and not anywhere in memory.
        found = np.searchsorted(self.key, keys[asked], sorter=order)
        at[asked] = order[np.minimum(found, len(self) - 1)]
        return np.where(self.key[at] == keys, at, -1)

    def of_keys(self, keys: Iterable[str]) -> Self:
        """Those of some keys, in the order of these, as far as they are there."""
        at = self.by_key(np.array([key.encode() for key in keys], np.bytes_))
        return self.take(at[at >= 0])

    def has_twins(self) -> bool:
        """Whether two are of one key."""
        keys = self.key[self.order]
        return bool((keys[1:] == keys[:-1]).any())

    @property
    def order(self) -> Numbers:
        """Their numbers by key, [clips]."""
        if self._order is None:
            self._order = np.argsort(self.key, kind="stable")
        return self._order

    def of_kinds(self, tell: Mapping[Any, int], part: slice = slice(0, 1)) -> Codes:
        """A number for every clip, by a part of its kind: -1 where none is told, [clips].

        Args:
            tell: by the part of a `Alike`, as a tuple, its number.
            part: which part; the class if left out.
        """
        numbers = np.array([tell.get(kind[part], -1) for kind in self.kinds], np.int32)
        return numbers[self.kind] if len(numbers) else np.zeros(0, np.int32)


class Gathering:
    """Placements that come some at a time, column by column."""

    def __init__(self) -> None:
        self._kinds = dict[tuple[str, tuple[str, ...], tuple[str, ...], str, str, bool], int]()
        self._grown = {name: bytearray() for name in _COLUMNS}

    def add(
        self,
        key: Sequence[str],
        path: Sequence[str],
        sha256: Sequence[str],
        split: Sequence[str],
        classes: Sequence[Told],
        group: Sequence[str] = (),
    ) -> None:
        """Take in some, of each a value in every column.

        Args:
            key, path, sha256, split: what a `Placement` has under these names.
            classes: its class, the others that it carries, all its labels.
            group: as a `Placement` has it; nothing where none is in a group yet.
        """
        codes, kinds = array("i"), self._kinds
        for own, where, (class_name, also, labels) in zip(key, path, classes, strict=True):
            before, found, behind = where.partition(own)
            kind = class_name, also, labels, before, behind, found != ""
            codes.append(kinds.setdefault(kind, len(kinds)))
        self._grown["key"] += _fixed(key, MOST_OF_A_KEY)
        self._grown["sha256"] += _fixed(sha256, _SHA256)
        self._grown["group"] += _fixed(group or [""] * len(key), _GROUP)
        self._grown["split"] += np.array([_SPLIT[one] for one in split], np.int8).tobytes()
        self._grown["kind"] += codes.tobytes()

    def columns(self) -> dict[str, Any]:
        """All that were taken in, as `Placements` has them."""
        columns = {name: np.frombuffer(grown, _COLUMNS[name]) for name, grown in self._grown.items()}
        return {**columns, "kinds": [Alike(*kind) for kind in self._kinds]}

    def placements(self) -> Placements:
        """All that were taken in."""
        return Placements._of(self.columns())


def joined(first: Placements, second: Placements) -> Placements:
    """Some placements and then others, where both are of the same clips' columns."""
    if first.kinds is not second.kinds:
        raise ValueError("placements of different columns")
    if not (len(first) and len(second)):
        return first if len(first) else second
    names = ("key", "sha256", "group", "split", "kind")
    columns = {name: np.concatenate([getattr(first, name), getattr(second, name)]) for name in names}
    return Placements._of({**columns, "kinds": first.kinds})


def _fixed(texts: Sequence[str], size: int) -> bytes:
    if max(map(len, texts), default=0) > size:
        raise ValueError(f"{max(texts, key=len)[:40]!a} has more than {size} characters")
    return np.array(texts, f"S{size}").tobytes()
