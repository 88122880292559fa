"""What a page is made of: sections, each a row of blocks that one template knows how to show."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ..types import Table
from .media import Media


@dataclass(frozen=True, slots=True)
class Words:
    """A paragraph; `warn` where it tells of trouble."""

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

    media: Media
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cards:
    """Clips side by side."""

    kind: ClassVar = "cards"
    cards: Sequence[Card]


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


Block = Words | Heading | Missing | Chart | Shown | Verbatim | Cards | Matrix


@dataclass(frozen=True, slots=True)
class Section:
    """A section of a page."""

    id: str
    title: str
    blocks: tuple[Block, ...]
