"""An index of sounds by video, small enough for all of AudioSet: 45 bytes a file, 53 an entry of an archive.

An id is 64 bits, so that two million of them are a sorted array of numbers. A name is kept as bytes, and the
place of a sound as one number or two: a folder's, or what an archive wants to know.

The listing of an archive is kept in the workspace, so that it is read again only when the archive changes:

    audioset-tools index 1
    {"rows": ..., "stamp": ..., ...}    a line of JSON, with the checksum of what follows
    ids, ends, places, names            as they lie in memory
"""

import json
import zlib
from array import array
from base64 import urlsafe_b64encode
from binascii import a2b_base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..files import parse_json, read_file, write_beside
from ..workspace import printable
from .names import ARCHIVES, is_sidecar, parse_name

EXAMPLES = 3
"""So many names that were not understood are kept."""

_FORMAT = b"audioset-tools index 1\n"

_MOST_BYTES = 1 << 30
"""Of a listing: that of two million sounds has a tenth of it."""

Ids = npt.NDArray[np.uint64]
Numbers = npt.NDArray[np.int64]


@dataclass(slots=True)
class Strange:
    """What says of no video: names, but those that look like what lies beside recordings.

    Args:
        count: how many there are.
        examples: the first of these names, at most `EXAMPLES`.
        nested: archives inside an archive, which are not read.
    """

    count: int = 0
    examples: list[str] = field(default_factory=list)
    nested: int = 0

    def add(self, name: str) -> None:
        """Count a name if it may be a recording's, or an archive's."""
        _, dot, suffixes = name.partition(".")
        if name.lower().endswith(ARCHIVES):
            self.merge(Strange(nested=1))
        elif dot and name[0] != "." and not is_sidecar(suffixes):
            self.merge(Strange(1, [name[:200]]))

    def merge(self, others: "Strange") -> None:
        """Count those of another place too."""
        self.count += others.count
        self.nested += others.nested
        self.examples += others.examples[: EXAMPLES - len(self.examples)]

    @property
    def words(self) -> str:
        """What there is, behind other words; nothing if there is nothing."""
        examples = ", ".join(map(printable, self.examples))
        names = f"; {self.count:,} more whose names say of no video, such as {examples}" if self.count else ""
        inside = f"; {self.nested:,} archives inside, which are not read: unpack these" if self.nested else ""
        return names + inside


@dataclass(frozen=True, slots=True)
class Listing:
    """The sounds of one place, in the order in which they were found.

    Args:
        ids: of each the number of its video, [n].
        ends: where in `names` each name ends, [n].
        places: of each some numbers that say where it lies, [n, numbers].
        names: all names, one behind the other, in UTF-8.
    """

    ids: Ids
    ends: Numbers
    places: Numbers
    names: bytes

    def __len__(self) -> int:
        return len(self.ids)


class Lister:
    """Makes a listing of names as they come.

    Args:
        numbers: how many say where a sound lies.
    """

    def __init__(self, numbers: int) -> None:
        self.strange = Strange()
        self._numbers = numbers
        self._ids, self._ends, self._places = array("Q"), array("q"), array("q")
        self._names = bytearray()

    def add(self, name: str, place: Sequence[int]) -> bool:
        """Take a name in if it says of which video it is; else count it as a strange one."""
        parsed = parse_name(name)
        if parsed is None:
            self.strange.add(name)
            return False
        self.append(name, parsed.ytid, place)
        return True

    def append(self, name: str, ytid: str, place: Sequence[int]) -> None:
        """Take in a name that is known to be of a video."""
        self._ids.append(number_of(ytid))
        self._names += name.encode("utf-8", "surrogateescape")
        self._ends.append(len(self._names))
        self._places.extend(place)

    def listing(self) -> Listing:
        """All that was taken in."""
        places = np.array(self._places, np.int64).reshape(-1, self._numbers)
        return Listing(
            np.array(self._ids, np.uint64), np.array(self._ends, np.int64), places, bytes(self._names)
        )


def save_listing(path: Path, listing: Listing, strange: Strange, stamp: object) -> None:
    """Keep a listing, and what it is of.

    Args:
        path: of the file, which is written whole or not at all.
        listing, strange: what was found, understood or not.
        stamp: what tells whether it is still so; plain values for JSON.
    """
    pieces = [
        listing.ids.astype("<u8").tobytes(),
        listing.ends.astype("<i8").tobytes(),
        listing.places.astype("<i8").tobytes(),
        listing.names,
    ]
    head = {
        "rows": len(listing),
        "numbers": listing.places.shape[1],
        "stamp": stamp,
        "strange": [strange.count, strange.examples, strange.nested],
        "crc": zlib.crc32(b"".join(pieces)),
    }
    with write_beside(path) as temporary, temporary.open("wb") as file:
        file.write(_FORMAT + json.dumps(head).encode() + b"\n")
        file.writelines(pieces)


def load_listing(path: Path, stamp: object) -> tuple[Listing, Strange] | None:
    """What `save_listing` kept; None if there is nothing, it is damaged, or it is of another stamp."""
    try:
        content = read_file(path, _MOST_BYTES)
        mark, head_line, body = content.split(b"\n", 2)
        head = parse_json(head_line)
        if mark + b"\n" != _FORMAT or head["stamp"] != stamp or head["crc"] != zlib.crc32(body):
            return None
        rows, numbers = int(head["rows"]), int(head["numbers"])
        ids, ends, places = (
            np.frombuffer(body, form, count, offset)
            for form, count, offset in (
                ("<u8", rows, 0),
                ("<i8", rows, 8 * rows),
                ("<i8", rows * numbers, 16 * rows),
            )
        )
        strange = Strange(*head["strange"])
        names = body[8 * rows * (2 + numbers) :]
        if len(names) != (ends[-1] if rows else 0):
            return None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Listing(ids, ends, places.reshape(-1, numbers), names), strange


@dataclass(frozen=True, slots=True)
class Found:
    """A sound of the index.

    Args:
        listing: the number of its listing.
        name: as a file of it would be called.
        place: the numbers that say where it lies.
    """

    listing: int
    name: str
    place: tuple[int, ...]


class SoundIndex:
    """Listings, by video.

    Args:
        listings: those of all places, in the order in which their sounds count.
    """

    def __init__(self, listings: Sequence[Listing]) -> None:
        self._listings = [(one.ends, one.places, one.names) for one in listings]
        self._starts = np.array([0, *accumulate(map(len, listings))], np.int64)
        unsorted = np.concatenate([np.empty(0, np.uint64), *(one.ids for one in listings)])
        self._order = np.argsort(unsorted, kind="stable").astype(np.uint32)
        self._ids = unsorted[self._order]

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def ids(self) -> Ids:
        """The numbers of the videos, each once, in ascending order."""
        return np.unique(self._ids)

    def has(self, ytid: str) -> bool:
        """Whether there is a sound of a video."""
        number = np.uint64(number_of(ytid))
        at = int(np.searchsorted(self._ids, number))
        return at < len(self._ids) and bool(self._ids[at] == number)

    def find(self, ytid: str) -> Iterator[Found]:
        """A video's sounds, in the order of the listings."""
        number = np.uint64(number_of(ytid))
        first, behind = np.searchsorted(self._ids, number), np.searchsorted(self._ids, number, "right")
        for row in self._order[first:behind].tolist():
            listing = int(np.searchsorted(self._starts, row, "right")) - 1
            at = row - int(self._starts[listing])
            ends, places, names = self._listings[listing]
            name = names[int(ends[at - 1]) if at else 0 : int(ends[at])]
            yield Found(listing, name.decode("utf-8", "surrogateescape"), tuple(places[at].tolist()))


def number_of(ytid: str) -> int:
    """A video's id as the number of 64 bits that it is."""
    return int.from_bytes(a2b_base64(ytid.replace("-", "+").replace("_", "/") + "="), "big")


def ytid_of(number: int) -> str:
    """The id that a number is."""
    return urlsafe_b64encode(number.to_bytes(8, "big")).decode()[:11]
