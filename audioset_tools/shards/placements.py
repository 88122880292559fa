"""The clips of a data set, each in its split: two million of them in a quarter of a gigabyte.

As objects they would take a kilobyte each. So they are kept as columns, of which one refers to what many
clips have in common: their classes, their labels, and how a path is made of a key.
"""

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self, overload

import numpy as np
import numpy.typing as npt

from ..types import Clip

SPLITS = ("train", "validation", "test")

MOST_OF_A_KEY = 32
"""Characters, of ASCII; what names a segment has 22."""

Names = npt.NDArray[np.bytes_]
Numbers = npt.NDArray[np.intp]
Codes = npt.NDArray[np.int32]
SplitCodes = npt.NDArray[np.int8]

_SHA256, _GROUP = 64, 11
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


def placement_of(clip: Clip) -> Placement:
    """A clip as it would be placed: in the split that a list names, or none, and in no group yet."""
    about = clip.key, clip.class_name, clip.also, clip.split, clip.path, clip.sha256, clip.labels
    return Placement(*about)


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
        keys, digests, groups = bytearray(), bytearray(), bytearray()
        splits, codes, kinds = array("b"), array("i"), dict[Alike, int]()
        for one in placements:
            keys += _fixed(one.key, MOST_OF_A_KEY)
            digests += _fixed(one.sha256, _SHA256)
            groups += _fixed(one.group, _GROUP)
            splits.append(SPLITS.index(one.split) if one.split else -1)
            before, found, behind = one.path.partition(one.key)
            kind = Alike(one.class_name, one.also, one.labels, before, behind, bool(found))
            codes.append(kinds.setdefault(kind, len(kinds)))
        self.key = np.frombuffer(keys, f"S{MOST_OF_A_KEY}")
        self.sha256 = np.frombuffer(digests, f"S{_SHA256}")
        self.group = np.frombuffer(groups, f"S{_GROUP}")
        self.split, self.kind = np.frombuffer(splits, np.int8), np.frombuffer(codes, np.int32)
        self.kinds = list(kinds)
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
        for start in range(0, len(self), _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            columns = (self.key, self.sha256, self.group, self.split, self.kind)
            for key, sha256, group, split, kind in zip(*(one[some].tolist() for one in columns), strict=True):
                yield _placement(key.decode(), sha256.decode(), group.decode(), split, self.kinds[kind])

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
        order = self._by_key()
        at = order[np.minimum(np.searchsorted(self.key, keys, sorter=order), len(self) - 1)]
        return np.where(self.key[at] == keys, at, -1)

    def has_twins(self) -> bool:
        """Whether two are of one key."""
        keys = self.key[self._by_key()]
        return bool((keys[1:] == keys[:-1]).any())

    def _by_key(self) -> Numbers:
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


def joined(first: Placements, second: Placements) -> Placements:
    """Some placements and then others, where both are of the same clips' columns."""
    if first.kinds is not second.kinds:
        raise ValueError("placements of different columns")
    names = ("key", "sha256", "group", "split", "kind")
    columns = {name: np.concatenate([getattr(first, name), getattr(second, name)]) for name in names}
    return Placements._of({**columns, "kinds": first.kinds})


def _fixed(text: str, size: int) -> bytes:
    content = text.encode()
    if len(content) > size:
        raise ValueError(f"{text[:40]!a} has more than {size} characters")
    return content.ljust(size, b"\0")


def _placement(key: str, sha256: str, group: str, split: int, kind: Alike) -> Placement:
    path = f"{kind.before}{key}{kind.behind}" if kind.keyed else kind.before
    name = SPLITS[split] if split >= 0 else ""
    return Placement(key, kind.class_name, kind.also, name, path, sha256, kind.labels, group)
