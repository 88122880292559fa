"""What a page of the report is made of: sections, and in these blocks, each shown in its own way.

`templates/blocks.html` knows how to show each kind.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ..types import KEY, Table
from .media import ClipMedia


@dataclass(frozen=True, slots=True)
class Words:
    """A paragraph; `warn` where it is about trouble."""

    kind: ClassVar = "words"
    text: str
    warn: bool = False


@dataclass(frozen=True, slots=True)
class Heading:
    """The head of a part of a section; `id` where links lead to it."""

    kind: ClassVar = "heading"
    text: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that is not there yet, and the command that makes it."""

    kind: ClassVar = "missing"
    what: str
    command: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawn chart: SVG whose text is escaped."""

    kind: ClassVar = "chart"
    svg: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A table; `folded` where it is opened on demand."""

    kind: ClassVar = "table"
    table: Table
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Verbatim:
    """Text as it is, such as a reference to copy."""

    kind: ClassVar = "verbatim"
    text: str


@dataclass(frozen=True, slots=True)
class Card:
    """A clip with its picture and its player, and lines about it."""

    media: ClipMedia
    lines: tuple[str, ...]

    @property
    def address(self) -> str:
        """Where the clip begins in its video on YouTube; nothing where the key is none."""
        if not KEY.fullmatch(self.media.key):
            return ""
        ytid, start_ms = self.media.key[:11], int(self.media.key[12:])
        return f"https://www.youtube.com/watch?v={ytid}&t={start_ms // 1_000}s"


@dataclass(frozen=True, slots=True)
class Cards:
    """Clips side by side."""

    kind: ClassVar = "cards"
    cards: Sequence[Card]


@dataclass(frozen=True, slots=True)
class Figure:
    """A number to begin with: what it is, the number in words, and what it is of."""

    name: str
    value: str
    of: str = ""


@dataclass(frozen=True, slots=True)
class Figures:
    """Numbers side by side."""

    kind: ClassVar = "figures"
    figures: Sequence[Figure]


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a whole, both counted, and in words."""

    name: str
    part: int
    whole: int
    words: str


@dataclass(frozen=True, slots=True)
class Shares:
    """Parts of wholes below one another, each as a bar."""

    kind: ClassVar = "shares"
    title: str
    shares: Sequence[Share]


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a matrix: a count, its share of the row from 0 to 1, and the page behind it or nothing."""

    count: int
    share: float
    page: str


@dataclass(frozen=True, slots=True)
class Matrix:
    """A confusion matrix, rows actual."""

    kind: ClassVar = "matrix"
    title: str
    names: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


Block = Words | Heading | Missing | Chart | Shown | Verbatim | Cards | Matrix | Figures | Shares


@dataclass(frozen=True, slots=True)
class Section:
    """A section of a page."""

    id: str
    title: str
    blocks: tuple[Block, ...]

    @property
    def parts(self) -> list[Heading]:
        """The heads within it that links lead to."""
        return [block for block in self.blocks if isinstance(block, Heading) and block.id]


def anchor(kind: str, name: str) -> str:
    """An id for a head of any name: what a name may hold an id may not, so a digest stands for it."""
    return f"{kind}-{hashlib.sha256(name.encode()).hexdigest()[:10]}"
