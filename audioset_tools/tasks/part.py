"""The share of an array task: `--part 2/4` does every fourth task, from the second on."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from ..exceptions import UsageError

Task = TypeVar("Task")

MOST_PARTS = 100_000
"""More than any batch system counts in an array."""


_WRITTEN = re.compile(r"(\d{1,6})/(\d{1,6})", re.ASCII)

_REMEDY = "Write I/N, I from 1 to N; in a SLURM array: --part $SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT"


@dataclass(frozen=True, slots=True)
class ArrayPart:
    """One of several that do a job together without knowing of each other; `number` counts from 1.

    Raises:
        UsageError: there is no such part.
    """

    number: int
    of: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.of <= MOST_PARTS:
            raise UsageError(f"there is no part {self.number} of {self.of}", _REMEDY)

    @property
    def is_first(self) -> bool:
        """Whether this one does what cannot be shared."""
        return self.number == 1

    def share(self, tasks: Sequence[Task]) -> Sequence[Task]:
        """Which of all tasks are its own."""
        return tasks[self.number - 1 :: self.of]

    def each(self, things: Iterable[Task]) -> Iterator[Task]:
        """The same of things that come one after the other."""
        return islice(things, self.number - 1, None, self.of)

    def __str__(self) -> str:
        return f"part {self.number} of {self.of}"


WHOLE = ArrayPart(1, 1)
"""Who does all of it alone."""


def unfinished(missing: int, things: str) -> str:
    """What is said of a job that other parts have still to finish; `things` as `shards`."""
    return (
        f"{missing:,} {things} are still to be made by other parts: the one that finds all there finishes the"
        " job; a part that failed is run again"
    )


def parse_part(text: str) -> ArrayPart:
    """A part as users write it: `2/4`.

    Raises:
        UsageError: it is none.
    """
    found = _WRITTEN.fullmatch(text[:20])
    if not found:
        raise UsageError(f"--part {text[:20]} is no part", _REMEDY)
    return ArrayPart(int(found[1]), int(found[2]))
